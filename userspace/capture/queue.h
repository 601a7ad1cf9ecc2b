/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - the shared queue from reader to analyst: one writer, one reader, in a
 * memfd that the monitor holds, so that it outlives both. Positions are monotonic
 * byte counts. What a side does to more than one word at once is a step of step.h, so that
 * the next one of its role finishes what a dead one began.
 *
 * The two sides do not trust each other: each checks the other's positions and lengths
 * against the size before use. What was consumed is wiped. */
#ifndef WEIR_QUEUE_H
#define WEIR_QUEUE_H
#include <stddef.h>
#include <stdint.h>

#define QUEUE_SIZE ((size_t)4 << 20)	/* bytes of the data area, a power of two */

struct queue_head {
	uint64_t written;		/* producer: bytes put */
	uint64_t pad0[7];
	uint64_t done;			/* consumer: bytes released */
	uint64_t pad1[7];
};
struct queue { struct queue_head *head; uint8_t *data; size_t size; uint64_t next; };

size_t queue_bytes(void);	/* size of the memfd: head and data */
int queue_map(struct queue *, int fd);
/* Copies a record in; nobody sees it until queue_publish(written). 0 or -ENOSPC. */
int queue_fill(struct queue *, const void *record, size_t len, uint64_t *written);
void queue_publish(struct queue *, uint64_t written);
/* The next record, contiguous, valid until it is released; it ends at q->next. NULL when empty.
 * *bad: the producer's positions make no sense and the queue was emptied. */
const void *queue_take(struct queue *, size_t *len, int *bad);
/* Where a record begins that ends at `next` and was taken, but not released; NULL when it cannot be. */
const void *queue_in_hand(const struct queue *, uint64_t next, size_t *len);
/* Wipes and gives back all before `next`. Doing it again changes nothing. */
void queue_release(struct queue *, uint64_t next);
#endif
