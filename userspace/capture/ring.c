/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_BUSY 0x80000000u
#define RING_DISCARD 0x40000000u
#define RING_HEADER 8

int ring_map(struct ring *r, int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	if (!size || (size & (size - 1)) || size > (size_t)1 << 30)
		return -EINVAL;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int err = -errno;

		munmap(consumer, page);
		return err;
	}
	(void)madvise(producer, page + 2 * size, MADV_DONTDUMP);
	*r = (struct ring){ consumer, producer, (uint8_t *)producer + page, size, page, 0 };
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (!r->consumer)
		return;
	munmap((void *)(uintptr_t)r->consumer, r->page);
	munmap((void *)(uintptr_t)r->producer, r->page + 2 * r->size);
	*r = (struct ring){ 0 };
}

void ring_release(struct ring *r, uint64_t position)
{
	__atomic_store_n(r->consumer, position, __ATOMIC_RELEASE);
}

uint64_t ring_waiting(const struct ring *r)
{
	uint64_t end = __atomic_load_n((const uint64_t *)(uintptr_t)r->producer, __ATOMIC_ACQUIRE), at = *r->consumer;

	return end > at ? end - at : 0;
}

size_t ring_drain(struct ring *r, size_t max, int (*take)(void *, const void *, size_t), void *owner)
{
	uint64_t at = *r->consumer;
	uint64_t end = __atomic_load_n((const uint64_t *)(uintptr_t)r->producer, __ATOMIC_ACQUIRE);
	size_t taken = 0;

	while (at < end && taken < max) {
		const uint32_t *head = (const uint32_t *)(uintptr_t)(r->data + (at & (r->size - 1)));
		uint32_t word = __atomic_load_n(head, __ATOMIC_ACQUIRE);
		size_t len = word & ~(RING_BUSY | RING_DISCARD);

		if (word & RING_BUSY)
			break;
		if (len > r->size - RING_HEADER)
			break;	/* not a ring the kernel keeps: stop rather than run off */
		r->next = at + ((len + RING_HEADER + 7) & ~(uint64_t)7);
		if (!(word & RING_DISCARD)) {
			if (take(owner, head + 2, len))
				break;
			taken++;
		}
		at = r->next;
		ring_release(r, at);
	}
	return taken;
}
