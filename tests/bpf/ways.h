/* SPDX-License-Identifier: Apache-2.0 */
/* ways.h - the rows' verbs: how a pair of sockets is made, how n bytes are sent over one of
 * them and received from the other, all of them in this process or a child. */
#ifndef WEIR_TEST_WAYS_H
#define WEIR_TEST_WAYS_H
#include <dirent.h>

#define BIG (1 << 20)
#define ZEROCOPY_COPY 2000	/* bytes of TCP_ZEROCOPY_RECEIVE that fill no page and are copied */

static char out[MESSAGE_MAX], in[MESSAGE_MAX];
static size_t got_early;	/* received while it was still being sent */
static int64_t hidden;		/* bytes that moved in the way that the row may hide */
static const char *missing;	/* what this kernel lacks for the row */
static int peer[2];		/* the pair of the row: the client's, the server's */

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("FAIL %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- pairs: fds[0] the client's, fds[1] the server's ---- */

static void pair_of(int fds[2], int protocol, int buffer)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(protocol ? 8080 : 0) };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, protocol), on = 1;

	fds[0] = l < 0 ? -1 : socket(AF_INET, SOCK_STREAM, protocol);
	if (fds[0] < 0) {
		missing = "not in this kernel";
		close(l);
		return;
	}
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(l, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(!bind(l, (struct sockaddr *)&a, len) && !listen(l, 1) && !getsockname(l, (struct sockaddr *)&a, &len) &&
	     !connect(fds[0], (struct sockaddr *)&a, len) && (fds[1] = accept(l, NULL, NULL)) >= 0, "loopback");
	close(l);
}
static void tcp_pair(int fds[2]) { pair_of(fds, 0, 8 * BIG); }
static void tcp_small(int fds[2]) { pair_of(fds, 0, 16384); }
static void mptcp_pair(int fds[2]) { pair_of(fds, 262, 4 * BIG); }
/* TLS 1.2 by the kernel at both ends, with keys that are the same for all to know: each message is
 * one record, and KTLS_FRAME bytes longer than it is: header, nonce, tag. */
#define KTLS_FRAME (5 + 8 + 16)
/* Asked for, and not given the keys, as OpenSSL does on every connection. */
static void ulp_pair(int fds[2])
{
	pair_of(fds, 0, 4 * BIG);
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], IPPROTO_TCP, TCP_ULP, "tls", 4))
			missing = "this kernel has no TLS of its own";
}
static void ktls_pair(int fds[2])
{
	/* struct tls12_crypto_info_aes_gcm_128 of include/uapi/linux/tls.h: version, cipher, iv, key, salt, sequence */
	struct { uint16_t version, cipher; uint8_t rest[8 + 16 + 4 + 8]; } info = { .version = 0x0303, .cipher = 51 };

	ulp_pair(fds);
	for (int way = 0; way < 2 && !missing; way++) {
		memset(info.rest, 17 + way, 8 + 16 + 4);
		if (setsockopt(fds[way], 282 /* SOL_TLS */, 1 /* TLS_TX */, &info, sizeof(info))) {
			must(errno == ENOENT, "TLS_TX");
			missing = "this kernel has not the cipher for its TLS";
			return;
		}
		must(!setsockopt(fds[!way], 282, 2 /* TLS_RX */, &info, sizeof(info)), "TLS_RX");
	}
}
/* The client's first bytes go with its SYN: fds[0] is connected by s_fast. */
static int fast_listener;
static struct sockaddr_in fast_address;
static void fast_pair(int fds[2])
{
	socklen_t len = sizeof(fast_address);
	int queue = 5;

	fast_address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	fast_listener = socket(AF_INET, SOCK_STREAM, 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	fds[1] = -1;
	if (setsockopt(fast_listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)))
		missing = "not in this kernel";
	must(!bind(fast_listener, (struct sockaddr *)&fast_address, len) && !listen(fast_listener, 5) &&
	     !getsockname(fast_listener, (struct sockaddr *)&fast_address, &len), "fast open");
}
static void named_pair(int fds[2], int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    (size_t)snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "weir-paths-%d", getpid()));
	int l = socket(AF_UNIX, type, 0), big = 4 * BIG;

	fds[0] = socket(AF_UNIX, type, 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	must(!bind(l, (struct sockaddr *)&a, len) && (type == SOCK_DGRAM || !listen(l, 1)) && !connect(fds[0], (struct sockaddr *)&a, len),
	     "AF_UNIX");
	fds[1] = type == SOCK_DGRAM ? l : accept(l, NULL, NULL);
	if (type != SOCK_DGRAM)
		close(l);
}
static void unix_pair(int fds[2]) { named_pair(fds, SOCK_STREAM); }
static void unix_datagram(int fds[2]) { named_pair(fds, SOCK_DGRAM); }
static void udp_pair(int fds[2])
{
	/* A port that was asked for is what makes a server; the network is the test's own. */
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(4433) };
	socklen_t len = sizeof(a);

	fds[1] = socket(AF_INET, SOCK_DGRAM, 0);
	fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
	must(!bind(fds[1], (struct sockaddr *)&a, len) && !connect(fds[0], (struct sockaddr *)&a, len), "UDP");
}

/* ---- the plain calls: all of n, or -1 ---- */

static ssize_t all(ssize_t (*call)(int, char *, size_t), int fd, char *b, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = call(fd, b + done, n - done);

		if (k <= 0)
			return k < 0 ? k : (ssize_t)done;
		done += (size_t)k;
	}
	return (ssize_t)done;
}
#define ALL(name, once) static ssize_t name(int fd, char *b, size_t n) { return all(once, fd, b, n); }

static ssize_t o_write(int fd, char *b, size_t n)
{
	hidden += n > BIG && b == out ? (int64_t)n - BIG : 0;
	return write(fd, b, n);
}
static ssize_t o_read(int fd, char *b, size_t n) { return read(fd, b, n < BIG ? n : BIG); }
static ssize_t o_send(int fd, char *b, size_t n) { hidden += (int64_t)n; return send(fd, b, n, 0); }
static ssize_t o_recv(int fd, char *b, size_t n) { return recv(fd, b, n, 0); }
static ssize_t o_sendto(int fd, char *b, size_t n) { return sendto(fd, b, n, 0, NULL, 0); }
static ssize_t o_recvfrom(int fd, char *b, size_t n)
{
	ssize_t k = recvfrom(fd, b, n, 0, NULL, NULL);

	hidden += k;
	return k;
}
static ssize_t o_writev(int fd, char *b, size_t n)
{
	struct iovec v[3] = { { b, n / 3 }, { b + n / 3, 0 }, { b + n / 3, n - n / 3 } };

	return writev(fd, v, 3);
}
static ssize_t o_readv(int fd, char *b, size_t n)
{
	struct iovec v[2] = { { b, n / 5 }, { b + n / 5, n - n / 5 } };

	return readv(fd, v, 2);
}
static ssize_t o_sendmsg(int fd, char *b, size_t n)
{
	struct iovec v[2] = { { b, n / 2 }, { b + n / 2, n - n / 2 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };

	return sendmsg(fd, &m, 0);
}
static ssize_t o_recvmsg(int fd, char *b, size_t n)
{
	struct iovec v[2] = { { b, n / 2 }, { b + n / 2, n - n / 2 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };

	return recvmsg(fd, &m, 0);
}
static ssize_t s_sendmmsg(int fd, char *b, size_t n)
{
	struct iovec v[3] = { { b, n / 4 }, { b + n / 4, n / 4 }, { b + n / 4 * 2, n - n / 4 * 2 } };
	struct mmsghdr m[3] = { { .msg_hdr = { .msg_iov = &v[0], .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &v[1], .msg_iovlen = 1 } },
				{ .msg_hdr = { .msg_iov = &v[2], .msg_iovlen = 1 } } };

	return sendmmsg(fd, m, 3, 0) == 3 ? (ssize_t)n : -1;
}
static ssize_t o_recvmmsg(int fd, char *b, size_t n)
{
	struct iovec v[2] = { { b, n / 2 }, { b + n / 2, n - n / 2 } };
	struct mmsghdr m[2] = { { .msg_hdr = { .msg_iov = &v[0], .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &v[1], .msg_iovlen = 1 } } };
	int got = recvmmsg(fd, m, 2, MSG_WAITFORONE, NULL);

	return got < 1 ? -1 : (ssize_t)(m[0].msg_len + (got > 1 ? m[1].msg_len : 0));
}
static ssize_t o_peek(int fd, char *b, size_t n) { return recv(fd, b, n, MSG_PEEK) < 0 ? -1 : recv(fd, b, n, 0); }
ALL(s_write, o_write)
ALL(r_read, o_read)
ALL(s_send, o_send)
ALL(r_recv, o_recv)
ALL(s_sendto, o_sendto)
ALL(r_recvfrom, o_recvfrom)
ALL(s_writev, o_writev)
ALL(r_readv, o_readv)
ALL(s_sendmsg, o_sendmsg)
ALL(r_recvmsg, o_recvmsg)
ALL(r_recvmmsg, o_recvmmsg)
ALL(r_peek, o_peek)

static ssize_t s_datagrams(int fd, char *b, size_t n)
{
	hidden += (int64_t)n;
	return s_sendmmsg(fd, b, n);
}
static ssize_t r_datagrams(int fd, char *b, size_t n)
{
	struct iovec v[3] = { { b, n / 4 }, { b + n / 4, n / 4 }, { b + n / 4 * 2, n - n / 4 * 2 } };
	struct mmsghdr m[3] = { { .msg_hdr = { .msg_iov = &v[0], .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &v[1], .msg_iovlen = 1 } },
				{ .msg_hdr = { .msg_iov = &v[2], .msg_iovlen = 1 } } };

	hidden += (int64_t)n;
	return recvmmsg(fd, m, 3, MSG_WAITFORONE, NULL) == 3 ? (ssize_t)n : -1;
}
/* A long header that names version 1. */
static ssize_t s_quic(int fd, char *b, size_t n)
{
	memcpy(b, "\xc3\0\0\0\1", 5);
	return s_send(fd, b, n);
}

/* ---- flags of receive and send ---- */

/* The second half of it is thrown away by the kernel. */
static ssize_t r_trunc(int fd, char *b, size_t n)
{
	ssize_t k = r_read(fd, b, n / 2), t = recv(fd, NULL, n - n / 2, MSG_TRUNC);

	hidden += t;
	return k + t;
}
static ssize_t s_oob(int fd, char *b, size_t n)
{
	ssize_t k = s_write(fd, b, n / 2);

	if (k != (ssize_t)(n / 2) || send(fd, b + n / 2, 1, MSG_OOB) != 1)
		return -1;
	hidden++;
	return s_write(fd, b + n / 2 + 1, n - n / 2 - 1) + k + 1;
}
static ssize_t r_oob(int fd, char *b, size_t n)
{
	ssize_t k = r_read(fd, b, n / 2);

	if (k != (ssize_t)(n / 2) || recv(fd, b + n / 2, 1, MSG_OOB) != 1)
		return -1;
	return r_read(fd, b + n / 2 + 1, n - n / 2 - 1) + k + 1;
}
static ssize_t o_zerocopy(int fd, char *b, size_t n) { return send(fd, b, n, MSG_ZEROCOPY); }
static ssize_t s_zerocopy(int fd, char *b, size_t n)
{
	int on = 1;

	must(!setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)), "SO_ZEROCOPY");
	return all(o_zerocopy, fd, b, n);
}
static ssize_t r_zerocopy(int fd, char *b, size_t n)
{
	struct { uint64_t address; uint32_t length, skip, inq; int32_t err; uint64_t copy; int32_t copied; uint32_t flags[3]; uint64_t control[2]; } z = {
		.length = 65536, .copy = (uint64_t)(uintptr_t)b, .copied = ZEROCOPY_COPY };
	socklen_t len = sizeof(z);
	void *map = mmap(NULL, z.length, PROT_READ, MAP_SHARED, fd, 0);
	ssize_t k;

	z.address = (uint64_t)(uintptr_t)map;
	if (map == MAP_FAILED || getsockopt(fd, IPPROTO_TCP, 35 /* TCP_ZEROCOPY_RECEIVE */, &z, &len) || z.copied <= 0 || z.length) {
		missing = "this kernel does not give it here";
		return -1;
	}
	hidden += z.copied;
	k = r_read(fd, b + z.copied, n - (size_t)z.copied);
	munmap(map, 65536);
	return k + z.copied;
}

/* ---- pages and pipes ---- */

static int file_of(const char *b, size_t n)
{
	char path[] = "/tmp/weir-paths-XXXXXX";
	int fd = mkstemp(path);

	must(fd >= 0 && write(fd, b, n) == (ssize_t)n, path);
	unlink(path);
	return fd;
}
static ssize_t s_sendfile(int fd, char *b, size_t n)
{
	int file = file_of(b, n);
	off_t at = 0;
	ssize_t k = 0;

	while ((size_t)at < n && (k = sendfile(fd, file, &at, n - (size_t)at)) > 0)
		hidden += k;
	close(file);
	return k < 0 ? k : at;
}
static ssize_t pipe_to(int fd, char *b, size_t n, bool pages)
{
	size_t done = 0;
	int p[2];

	must(!pipe(p), "pipe");
	while (done < n) {
		size_t part = n - done < 32768 ? n - done : 32768;
		struct iovec v = { b + done, part };
		ssize_t k = pages ? vmsplice(p[1], &v, 1, 0) : write(p[1], b + done, part);

		must(k > 0, "filling a pipe");
		for (ssize_t m = 0, t; m < k; m += t) {
			t = splice(p[0], NULL, fd, NULL, (size_t)(k - m), 0);
			must(t > 0, "splice");
			hidden += t;
		}
		done += (size_t)k;
	}
	close(p[0]);
	close(p[1]);
	return (ssize_t)done;
}
static ssize_t s_splice(int fd, char *b, size_t n) { return pipe_to(fd, b, n, false); }
static ssize_t s_vmsplice(int fd, char *b, size_t n) { return pipe_to(fd, b, n, true); }
static ssize_t o_splice(int fd, char *b, size_t n)
{
	ssize_t k;
	int p[2];

	must(!pipe(p), "pipe");
	k = splice(fd, NULL, p[1], NULL, n < 32768 ? n : 32768, 0);
	must(k > 0 && read(p[0], b, (size_t)k) == k, "splice from a socket");
	hidden += k;
	close(p[0]);
	close(p[1]);
	return k;
}
ALL(r_splice, o_splice)
/* From pages of a file that nobody has touched yet, into such pages. */
static ssize_t s_mapped(int fd, char *b, size_t n)
{
	int file = file_of(b, n);
	char *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, file, 0);
	ssize_t k = map == MAP_FAILED ? -1 : s_write(fd, map, n);

	munmap(map, n);
	close(file);
	return k;
}
static ssize_t r_mapped(int fd, char *b, size_t n)
{
	char *map = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t k = map == MAP_FAILED ? -1 : r_read(fd, map, n);

	if (k > 0)
		memcpy(b, map, (size_t)k);
	munmap(map, n);
	return k;
}

#include "tests/bpf/ways_uring.h"

/* ---- other threads and processes ---- */

static bool asleep(pid_t tid)
{
	char path[64], line[256] = "", *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (f && !fgets(line, sizeof(line), f))
		line[0] = 0;
	if (f)
		fclose(f);
	state = strrchr(line, ')');
	return state && state[1] && state[2] == 'S';
}
static void wait_asleep(pid_t tid)
{
	for (int i = 0; i < 10000 && !asleep(tid); i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* Sends when the main thread sleeps in a read of a pipe, and wakes it from that when the kernel has
 * served the request of io_uring: in the middle of the read, whose arguments are no socket's. */
static struct { pthread_t thread; int fd, wake[2]; size_t n; } later;
static void *send_later(void *unused)
{
	wait_asleep(getpid());
	must(s_write(later.fd, out, later.n) == (ssize_t)later.n, "write");
	while (*ring.cq_head == __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE))
		nanosleep(&(struct timespec){ 0, 100000 }, NULL);
	must(write(later.wake[1], "x", 1) == 1, "wake");
	return NULL;
}
static ssize_t s_write_later(int fd, char *b, size_t n)
{
	later.fd = fd;
	later.n = n;
	must(!pipe(later.wake) && !pthread_create(&later.thread, NULL, send_later, NULL), "thread");
	return (ssize_t)n;
}
static ssize_t r_uring_in_read(int fd, char *b, size_t n)
{
	must(read(later.wake[0], b + n, 4096) == 1, "read of a pipe");	/* room for what a mistaken hook would take */
	pthread_join(later.thread, NULL);
	close(later.wake[0]);
	close(later.wake[1]);
	return r_uring_waited(fd, b, n);
}

/* A little first, so that both ends are known; the rest when the descriptor is closed already. */
#define FIRST 100
static ssize_t s_first(int fd, char *b, size_t n) { return s_write(fd, b, FIRST) == FIRST ? (ssize_t)n : -1; }
static struct { pid_t tid; int fd; size_t n; ssize_t got; } closed;
static void *receive_closed(void *unused)
{
	__atomic_store_n(&closed.tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	closed.got = recv(closed.fd, in + FIRST, closed.n, 0);
	return NULL;
}
static ssize_t r_closed(int fd, char *b, size_t n)
{
	pthread_t t;
	pid_t tid;

	must(r_read(fd, b, FIRST) == FIRST, "read");
	memset(&closed, 0, sizeof(closed));
	closed.fd = fd;
	closed.n = n - FIRST;
	must(!pthread_create(&t, NULL, receive_closed, NULL), "thread");
	while (!(tid = __atomic_load_n(&closed.tid, __ATOMIC_ACQUIRE)))
		sched_yield();
	wait_asleep(tid);
	close(fd);
	peer[1] = -1;
	must(s_write(peer[0], out + FIRST, n - FIRST) == (ssize_t)(n - FIRST), "write");
	pthread_join(t, NULL);
	hidden += closed.got;
	return closed.got + FIRST;
}

static ssize_t in_child(int fd, char *b, size_t n, ssize_t (*what)(int, char *, size_t))
{
	pid_t child = fork();
	int status = -1;

	if (!child)
		_exit(what(fd, b, n) == (ssize_t)n ? 0 : 1);
	waitpid(child, &status, 0);
	return status ? -1 : (ssize_t)n;
}
static ssize_t s_fork(int fd, char *b, size_t n) { return in_child(fd, b, n, s_write); }
static ssize_t r_fork(int fd, char *b, size_t n)
{
	char *shared = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ssize_t k = in_child(fd, shared, n, r_read);

	memcpy(b, shared, n);
	munmap(shared, n);
	return k;
}
static ssize_t s_dup(int fd, char *b, size_t n)
{
	int other = dup(fd);
	ssize_t k = s_write(other, b, n);

	close(other);
	return k;
}
static ssize_t r_dup(int fd, char *b, size_t n)
{
	int other = dup(fd);
	ssize_t k = r_read(other, b, n);

	close(other);
	return k;
}
/* The descriptor goes to a process that is no child of the socket's maker's making it: with one byte
 * over a UNIX socket, which is watched as well. */
static ssize_t s_passed(int fd, char *b, size_t n)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char byte = 'x';
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int way[2], status = -1, copy;
	pid_t child;

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, way), "socketpair");
	child = fork();
	if (!child) {
		close(fd);
		if (recvmsg(way[1], &m, 0) != 1)
			_exit(2);
		memcpy(&copy, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(copy));
		_exit(s_write(copy, b, n) == (ssize_t)n ? 0 : 1);
	}
	control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	must(sendmsg(way[0], &m, 0) == 1, "SCM_RIGHTS");
	waitpid(child, &status, 0);
	close(way[0]);
	close(way[1]);
	hidden += 2;
	return status ? -1 : (ssize_t)n;
}

/* ---- odd buffers and callers ---- */

static ssize_t s_nonblocking(int fd, char *b, size_t n)
{
	size_t done = 0;

	got_early = 0;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (done < n) {
		ssize_t k = write(fd, b + done, n - done);

		if (k > 0) {
			done += (size_t)k;
			continue;
		}
		must(errno == EAGAIN, "write");
		k = read(peer[1], in + got_early, 10007);
		must(k > 0, "read");
		got_early += (size_t)k;
	}
	fcntl(fd, F_SETFL, 0);
	return (ssize_t)done;
}
static ssize_t r_rest(int fd, char *b, size_t n)
{
	ssize_t k = r_read(fd, b + got_early, n - got_early);

	return k < 0 ? k : k + (ssize_t)got_early;
}
static struct { char *at; size_t n; int stop; } changing;
static void *change(void *unused)
{
	while (!__atomic_load_n(&changing.stop, __ATOMIC_RELAXED))
		for (size_t i = 0; i < changing.n; i++)
			((volatile char *)changing.at)[i] ^= 1;	/* of a letter: another one */
	return NULL;
}
static ssize_t s_changed(int fd, char *b, size_t n)
{
	pthread_t t;
	ssize_t k;

	changing.at = b + n / 2;
	changing.n = n / 4;
	changing.stop = 0;
	memset(changing.at, 'b', changing.n);
	must(!pthread_create(&t, NULL, change, NULL), "thread");
	k = s_write(fd, b, n);
	__atomic_store_n(&changing.stop, 1, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	return k;
}
static size_t thousand(struct iovec v[1000], char *b, size_t n)
{
	for (size_t i = 0; i < 1000; i++)
		v[i] = (struct iovec){ b + i * (n / 1000), i < 999 ? n / 1000 : n - 999 * (n / 1000) };
	return 1000;
}
static ssize_t s_thousand(int fd, char *b, size_t n)
{
	static struct iovec v[1000];

	return writev(fd, v, (int)thousand(v, b, n));
}
static ssize_t r_thousand(int fd, char *b, size_t n)
{
	static struct iovec v[1000];

	return readv(fd, v, (int)thousand(v, b, n));
}
/* As a 32-bit program calls: the low half of registers, its own numbers. */
static long int80(long nr, long a, long b, long c)
{
#ifdef __x86_64__
	long ret;

	asm volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return ret;
#else
	return -ENOSYS;
#endif
}
static char *low(size_t n)
{
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	must(p != MAP_FAILED, "memory below 4 GiB");
	if (int80(20 /* getpid */, 0, 0, 0) != getpid())
		missing = "this kernel has no 32-bit system calls";
	return p;
}
static ssize_t s_int80(int fd, char *b, size_t n)
{
	char *p = low(n);
	long k = -1;

	memcpy(p, b, n);
	if (!missing)
		k = int80(4, fd, (long)p, (long)n);
	munmap(p, n);
	return k;
}
static ssize_t r_int80(int fd, char *b, size_t n)
{
	char *p = low(n);
	long k = int80(3, fd, (long)p, (long)n);

	memcpy(b, p, n);
	munmap(p, n);
	return k;
}
static ssize_t s_socketcall(int fd, char *b, size_t n)
{
	char *p = low(n + 64);
	uint32_t args[4] = { (uint32_t)fd, (uint32_t)(uintptr_t)(p + 64), (uint32_t)n, 0 };
	long k = -1;

	memcpy(p, args, sizeof(args));
	memcpy(p + 64, b, n);
	if (!missing)
		k = int80(102, 9 /* SYS_SEND */, (long)p, 0);
	hidden += k;
	munmap(p, n + 64);
	return k;
}
static ssize_t s_fast(int fd, char *b, size_t n)
{
	ssize_t k = sendto(fd, b, n, MSG_FASTOPEN, (struct sockaddr *)&fast_address, sizeof(fast_address));

	peer[1] = accept(fast_listener, NULL, NULL);
	close(fast_listener);
	return k < 0 ? k : s_write(fd, b + k, n - (size_t)k) + k;
}
#endif
