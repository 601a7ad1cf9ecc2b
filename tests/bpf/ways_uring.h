/* SPDX-License-Identifier: Apache-2.0 */
/* ways_uring.h - the verbs of ways.h that are requests of io_uring; included there. */
#ifndef WEIR_TEST_WAYS_URING_H
#define WEIR_TEST_WAYS_URING_H
#include "tests/bpf/uring.h"

static struct uring ring;

static struct io_uring_sqe sqe_of(int op, int fd, const void *b, size_t n, unsigned flags)
{
	return (struct io_uring_sqe){ .opcode = (uint8_t)op, .flags = (uint8_t)flags, .fd = fd, .addr = (uint64_t)(uintptr_t)b, .len = (uint32_t)n };
}
static bool ring_ready(bool polled)
{
	int err = uring_open(&ring, polled);

	if (err)
		missing = "io_uring is denied on this kernel";
	return !err;
}
/* All of n by requests like this one. */
static ssize_t uring_all(struct io_uring_sqe sqe, size_t n, bool polled)
{
	size_t done = 0;

	if (!ring_ready(polled))
		return -1;
	while (done < n) {
		int k;

		sqe.len = (uint32_t)(n - done);
		k = uring_do(&ring, &sqe);
		must(k > 0, "io_uring");
		done += (size_t)k;
		hidden += k;
		sqe.addr += (uint32_t)k;
	}
	uring_close(&ring);
	return (ssize_t)done;
}
#define URING(name, op, flags, polled) \
	static ssize_t name(int fd, char *b, size_t n) { return uring_all(sqe_of(op, fd, b, n, flags), n, polled); }
URING(s_uring_send, IORING_OP_SEND, 0, false)
URING(r_uring_recv, IORING_OP_RECV, 0, false)
URING(s_uring_write, IORING_OP_WRITE, 0, false)
URING(r_uring_read, IORING_OP_READ, 0, false)
URING(s_uring_send_zc, IORING_OP_SEND_ZC, 0, false)
URING(s_uring_send_async, IORING_OP_SEND, IOSQE_ASYNC, false)
URING(r_uring_recv_async, IORING_OP_RECV, IOSQE_ASYNC, false)
URING(s_uring_write_async, IORING_OP_WRITE, IOSQE_ASYNC, false)
URING(r_uring_read_async, IORING_OP_READ, IOSQE_ASYNC, false)
URING(s_uring_send_polled, IORING_OP_SEND, 0, true)
URING(r_uring_recv_polled, IORING_OP_RECV, 0, true)
URING(s_uring_write_polled, IORING_OP_WRITE, 0, true)
URING(r_uring_read_polled, IORING_OP_READ, 0, true)

static ssize_t uring_message(int op, int fd, char *b, size_t n, unsigned flags)
{
	struct iovec v[2] = { { b, n / 2 }, { b + n / 2, n - n / 2 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	struct io_uring_sqe sqe = sqe_of(op, fd, &m, 1, flags);
	int k;

	if (!ring_ready(false))
		return -1;
	k = uring_do(&ring, &sqe);
	hidden += k;
	uring_close(&ring);
	return k;
}
static ssize_t s_uring_sendmsg(int fd, char *b, size_t n) { return uring_message(IORING_OP_SENDMSG, fd, b, n, 0); }
static ssize_t s_uring_sendmsg_async(int fd, char *b, size_t n) { return uring_message(IORING_OP_SENDMSG, fd, b, n, IOSQE_ASYNC); }
static ssize_t r_uring_recvmsg(int fd, char *b, size_t n) { return uring_message(IORING_OP_RECVMSG, fd, b, n, 0); }

static ssize_t uring_registered(int fd, struct io_uring_sqe sqe, unsigned how, void *what)
{
	int k;

	if (!ring_ready(false))
		return -1;
	must(!syscall(__NR_io_uring_register, ring.fd, how, what, 1), "io_uring_register");
	k = uring_do(&ring, &sqe);
	hidden += k;
	/* The ring ends by itself, later: until then it would hold the socket. */
	syscall(__NR_io_uring_register, ring.fd, how == IORING_REGISTER_FILES ? IORING_UNREGISTER_FILES : IORING_UNREGISTER_BUFFERS, NULL, 0);
	uring_close(&ring);
	return k;
}
static ssize_t s_uring_write_fixed(int fd, char *b, size_t n)
{
	struct iovec v = { b, n };

	return uring_registered(fd, sqe_of(IORING_OP_WRITE_FIXED, fd, b, n, 0), IORING_REGISTER_BUFFERS, &v);
}
static ssize_t r_uring_read_fixed(int fd, char *b, size_t n)
{
	struct iovec v = { b, n };

	return uring_registered(fd, sqe_of(IORING_OP_READ_FIXED, fd, b, n, 0), IORING_REGISTER_BUFFERS, &v);
}
static ssize_t s_uring_send_file(int fd, char *b, size_t n)
{
	return uring_registered(fd, sqe_of(IORING_OP_SEND, 0, b, n, IOSQE_FIXED_FILE), IORING_REGISTER_FILES, &fd);
}
static ssize_t r_uring_recv_file(int fd, char *b, size_t n)
{
	return uring_registered(fd, sqe_of(IORING_OP_RECV, 0, b, n, IOSQE_FIXED_FILE), IORING_REGISTER_FILES, &fd);
}
static ssize_t r_uring_pick(int fd, char *b, size_t n)
{
	struct io_uring_sqe give = { .opcode = IORING_OP_PROVIDE_BUFFERS, .fd = 1, .addr = (uint64_t)(uintptr_t)b, .len = (uint32_t)n, .buf_group = 7 };
	struct io_uring_sqe take = { .opcode = IORING_OP_RECV, .flags = IOSQE_BUFFER_SELECT, .fd = fd, .len = (uint32_t)n, .buf_group = 7 };
	int k;

	if (!ring_ready(false))
		return -1;
	must(uring_do(&ring, &give) >= 0, "IORING_OP_PROVIDE_BUFFERS");
	k = uring_do(&ring, &take);
	hidden += k;
	uring_close(&ring);
	return k;
}
/* Asked for before anything is there. */
static void p_uring_recv(int fd, size_t n)
{
	struct io_uring_sqe sqe = sqe_of(IORING_OP_RECV, fd, in, n, 0);

	if (ring_ready(false))
		must(uring_submit(&ring, &sqe) == 1, "io_uring");
}
static ssize_t r_uring_waited(int fd, char *b, size_t n)
{
	int k = uring_finish(&ring);

	uring_close(&ring);
	hidden += k;
	return k < 0 ? k : r_read(fd, b + k, n - (size_t)k) + k;
}
#endif
