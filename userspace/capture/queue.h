/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - the shared queue from reader to analyst: one writer, one reader, in a
 * memfd that the monitor holds, so that it outlives both. Positions are monotonic
 * byte counts; the consumer publishes what it has begun (claimed) and what it is done
 * with (done), so that after its death the monitor can tell what was in its hands.
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
	uint64_t claimed_records, done_records;
	uint64_t claimed_epoch;		/* epoch of the record in hand */
	uint64_t pad1[4];
};
struct queue { struct queue_head *head; uint8_t *data; size_t size; };

size_t queue_bytes(void);	/* size of the memfd: head and data */
int queue_map(struct queue *, int fd);
/* 0 or -ENOSPC. */
int queue_put(struct queue *, const void *record, size_t len);
/* The next record, contiguous, valid until queue_done; NULL when empty. *bad: the
 * producer's positions make no sense and the queue was emptied. */
const void *queue_take(struct queue *, size_t *len, int *bad);
void queue_done(struct queue *);
/* After the consumer died: drops the record it had in hand. Returns 1 if there was one. */
int queue_recover(struct queue *, uint32_t *epoch);
#endif
