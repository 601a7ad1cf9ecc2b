/* SPDX-License-Identifier: Apache-2.0 */
/* Each record: u32 length, u32 zero, bytes, padded to 8. A record that would wrap is
 * preceded by a filler of length QUEUE_SKIP, so that every record is contiguous. */
#include "capture/queue.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define QUEUE_SKIP 0xffffffffu
#define QUEUE_HEADER 8

static size_t padded(size_t len)
{
	return (len + QUEUE_HEADER + 7) & ~(size_t)7;
}

size_t queue_bytes(void)
{
	return 4096 + QUEUE_SIZE;
}

int queue_map(struct queue *q, int fd)
{
	uint8_t *p = mmap(NULL, queue_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	(void)madvise(p, queue_bytes(), MADV_DONTDUMP);	/* payload; a role's dump is forbidden besides */
	*q = (struct queue){ (struct queue_head *)p, p + 4096, QUEUE_SIZE, 0 };
	return 0;
}

int queue_fill(struct queue *q, const void *record, size_t len, uint64_t *written)
{
	uint64_t at = q->head->written, done = __atomic_load_n(&q->head->done, __ATOMIC_ACQUIRE);
	size_t need, offset = at & (q->size - 1), to_end = q->size - offset, skip = 0;
	uint32_t word = (uint32_t)len;

	/* Our own position lies where the consumer can write too. */
	if (len > q->size / 2 || (at & 7))
		return -ENOSPC;
	need = padded(len);
	if (to_end < need)
		skip = to_end;
	if (done > at || at - done > q->size || need + skip > q->size - (at - done))
		return -ENOSPC;
	if (skip) {
		uint32_t filler = QUEUE_SKIP;

		memcpy(q->data + offset, &filler, sizeof(filler));
		at += skip;
		offset = 0;
	}
	memcpy(q->data + offset, &word, sizeof(word));
	memcpy(q->data + offset + QUEUE_HEADER, record, len);
	*written = at + need;
	return 0;
}

void queue_publish(struct queue *q, uint64_t written)
{
	__atomic_store_n(&q->head->written, written, __ATOMIC_RELEASE);
}

const void *queue_take(struct queue *q, size_t *len, int *bad)
{
	uint64_t at = q->head->done, end = __atomic_load_n(&q->head->written, __ATOMIC_ACQUIRE);
	size_t offset;
	uint32_t word;

	*bad = 0;
	while (at != end) {
		offset = at & (q->size - 1);
		if (at > end || end - at > q->size || (at & 7))
			goto bad;
		memcpy(&word, q->data + offset, sizeof(word));
		if (word == QUEUE_SKIP) {
			at += q->size - offset;
			__atomic_store_n(&q->head->done, at, __ATOMIC_RELEASE);
			continue;
		}
		if (word > q->size - offset - QUEUE_HEADER || padded(word) > end - at)
			goto bad;
		*len = word;
		q->next = at + padded(word);
		return q->data + offset + QUEUE_HEADER;
	}
	return NULL;
bad:
	*bad = 1;
	__atomic_store_n(&q->head->done, end, __ATOMIC_RELEASE);
	return NULL;
}

/* Bytes from the consumer's position to `next`: of one record, so they do not wrap. */
static size_t in_hand(const struct queue *q, uint64_t next)
{
	uint64_t at = q->head->done;

	if (next <= at || next - at > q->size - (at & (q->size - 1)) || next - at < QUEUE_HEADER)
		return 0;
	return (size_t)(next - at);
}

const void *queue_in_hand(const struct queue *q, uint64_t next, size_t *len)
{
	size_t size = in_hand(q, next), offset = q->head->done & (q->size - 1);
	uint32_t word;

	if (!size)
		return NULL;
	memcpy(&word, q->data + offset, sizeof(word));
	if (word > size - QUEUE_HEADER)
		return NULL;
	*len = word;
	return q->data + offset + QUEUE_HEADER;
}

void queue_release(struct queue *q, uint64_t next)
{
	size_t size = in_hand(q, next);

	if (!size)
		return;
	explicit_bzero(q->data + (q->head->done & (q->size - 1)), size);
	__atomic_store_n(&q->head->done, next, __ATOMIC_RELEASE);
}
