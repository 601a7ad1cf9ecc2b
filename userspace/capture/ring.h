/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - a BPF ring buffer mapped by hand from its descriptor, so that a role
 * without any right to bpf(2) can consume it (libbpf's wants one). Never interprets
 * a record. Source of the layout: kernel/bpf/ringbuf.c: one consumer page, one
 * producer page, the data mapped twice in a row. */
#ifndef WEIR_RING_H
#define WEIR_RING_H
#include <stddef.h>
#include <stdint.h>

struct ring {
	volatile uint64_t *consumer;
	const uint8_t *producer, *data;
	size_t size, page;
	uint64_t next;	/* during take: where the record ends */
};

int ring_map(struct ring *, int fd, size_t size);	/* size: bytes of the ring, a power of two; 0 or -errno */
void ring_unmap(struct ring *);
void ring_release(struct ring *, uint64_t position);	/* all before it is done with */
/* Calls take for each record that is complete, at most max; acknowledges each one
 * only after take returned 0. A non-zero return stops and leaves the record.
 * Returns how many were taken. */
uint64_t ring_waiting(const struct ring *);	/* bytes that were not taken yet */
size_t ring_drain(struct ring *, size_t max, int (*take)(void *owner, const void *record, size_t len), void *owner);
#endif
