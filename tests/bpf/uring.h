/* SPDX-License-Identifier: Apache-2.0 */
/* uring.h - io_uring by its system calls alone: one request in flight at a time. */
#ifndef WEIR_TEST_URING_H
#define WEIR_TEST_URING_H
#include <errno.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct uring {
	int fd;
	bool polled;		/* by a thread of the kernel */
	uint32_t *sq_tail, *sq_mask, *sq_flags, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *ring, *sqe_map;
	size_t ring_size, sqe_size;
};

static inline int uring_open(struct uring *u, bool polled)
{
	struct io_uring_params p = { .flags = polled ? IORING_SETUP_SQPOLL : 0, .sq_thread_idle = 50 };
	uint8_t *ring;

	memset(u, 0, sizeof(*u));
	u->fd = (int)syscall(__NR_io_uring_setup, 8, &p);
	if (u->fd < 0)
		return -errno;
	u->polled = polled;
	u->ring_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	if (p.sq_off.array + p.sq_entries * sizeof(uint32_t) > u->ring_size)
		u->ring_size = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
	u->sqe_size = p.sq_entries * sizeof(struct io_uring_sqe);
	u->ring = ring = mmap(NULL, u->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQ_RING);
	u->sqe_map = u->sqes = mmap(NULL, u->sqe_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQES);
	if (ring == MAP_FAILED || u->sqe_map == MAP_FAILED)
		return -errno;
	u->sq_tail = (uint32_t *)(ring + p.sq_off.tail);
	u->sq_mask = (uint32_t *)(ring + p.sq_off.ring_mask);
	u->sq_flags = (uint32_t *)(ring + p.sq_off.flags);
	u->sq_array = (uint32_t *)(ring + p.sq_off.array);
	u->cq_head = (uint32_t *)(ring + p.cq_off.head);
	u->cq_tail = (uint32_t *)(ring + p.cq_off.tail);
	u->cq_mask = (uint32_t *)(ring + p.cq_off.ring_mask);
	u->cqes = (struct io_uring_cqe *)(ring + p.cq_off.cqes);
	return 0;
}

static inline void uring_close(struct uring *u)
{
	munmap(u->ring, u->ring_size);
	munmap(u->sqe_map, u->sqe_size);
	close(u->fd);
}

/* Puts it in; the kernel has taken it when this returns, or will take it by itself. */
static inline int uring_submit(struct uring *u, const struct io_uring_sqe *sqe)
{
	uint32_t tail = *u->sq_tail, at = tail & *u->sq_mask;

	u->sqes[at] = *sqe;
	u->sq_array[at] = at;
	__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!u->polled)
		return (int)syscall(__NR_io_uring_enter, u->fd, 1, 0, 0, NULL, 0);
	if (__atomic_load_n(u->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_NEED_WAKEUP)
		return (int)syscall(__NR_io_uring_enter, u->fd, 1, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
	return 1;
}

/* Its result, and whether more of it comes. */
static inline int uring_reap(struct uring *u, bool *more)
{
	uint32_t head = *u->cq_head;
	int res;

	while (head == __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE))
		if (syscall(__NR_io_uring_enter, u->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR)
			return -errno;
	res = u->cqes[head & *u->cq_mask].res;
	*more = u->cqes[head & *u->cq_mask].flags & IORING_CQE_F_MORE;
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return res;
}

static inline int uring_finish(struct uring *u)
{
	bool more = false;
	int res = uring_reap(u, &more);

	while (more && uring_reap(u, &more) >= 0)	/* SEND_ZC: the buffer is free again */
		;
	return res;
}

static inline int uring_do(struct uring *u, const struct io_uring_sqe *sqe)
{
	int n = uring_submit(u, sqe);

	return n < 0 ? -errno : uring_finish(u);
}
#endif
