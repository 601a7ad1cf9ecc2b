/* SPDX-License-Identifier: Apache-2.0 */
/* ends.h - rows of the path matrix that are about the account rather than the way: connections
 * that end in every manner. Each is held against what the calls returned, sent and received
 * each by itself. Part of run_paths.c. */
#ifndef WEIR_TEST_ENDS_H
#define WEIR_TEST_ENDS_H
#include "tests/bpf/rows.h"

/* Is that what both ends together sent and received, and is all of it explained? */
static const char *moved_exactly(int64_t sent, int64_t received)
{
	static char fault[120];

	fault[0] = 0;
	if (world.by[DIR_SENT].moved != sent || world.by[DIR_RECEIVED].moved != received)
		snprintf(fault, sizeof(fault), "expected %lld sent, %lld received; got %lld, %lld", (long long)sent, (long long)received,
			 (long long)world.by[DIR_SENT].moved, (long long)world.by[DIR_RECEIVED].moved);
	else if (unexplained() || world.wrong)
		snprintf(fault, sizeof(fault), "%lld unexplained, %u wrong", (long long)unexplained(), world.wrong);
	return fault[0] ? fault : NULL;
}

/* The loopback of this network namespace, in or out of service. */
static void network(bool up)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = up ? IFF_UP : 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(!ioctl(fd, SIOCSIFFLAGS, &lo), "loopback");
	close(fd);
}

static void ended(const char *name, int64_t sent, int64_t received)
{
	wait_closes(2);
	settle();
	row(name, reasons(), moved_exactly(sent, received));
}

static void begin(void (*make)(int fds[2]), size_t n)
{
	world_reset();
	request_make(n);
	make(peer);
}

/* Who closes with bytes unread, resets; what was handed over and never taken counts for the one, not
 * for the other. */
static void run_reset(void)
{
	begin(tcp_pair, 3001);
	must(s_write(peer[0], out, 3001) == 3001 && r_read(peer[1], in, 2000) == 2000, "exchange");
	close(peer[1]);
	must(recv(peer[0], in, 1, 0) < 0 && errno == ECONNRESET, "reset");
	close(peer[0]);
	ended("reset, bytes unread", 3001, 2000);
}

/* The request from there on, as much as fits without waiting; returns how much. */
static int64_t fill(int fd, size_t from, size_t to)
{
	int64_t handed = 0;
	ssize_t k;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((k = write(fd, out + from + handed, to - from - (size_t)handed)) > 0)
		handed += k;
	return handed;
}

static void run_unsent(void)
{
	int64_t handed;

	begin(tcp_small, BIG);
	handed = fill(peer[0], 0, BIG);
	close(peer[1]);
	close(peer[0]);
	ended("reset, bytes not sent", handed, 0);
}

/* SO_LINGER of 0: the close itself resets, and what was not sent is thrown away. */
static void run_linger(void)
{
	struct linger now = { 1, 0 };
	int64_t handed, received = 3001;
	ssize_t k;

	begin(tcp_small, BIG);
	handed = fill(peer[0], 0, BIG);
	must(r_read(peer[1], in, 3001) == 3001, "read");
	must(!setsockopt(peer[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), "SO_LINGER");
	close(peer[0]);
	/* What had come before the reset is read after it. */
	while ((k = recv(peer[1], in, sizeof(in), 0)) > 0)
		received += k;
	must(errno == ECONNRESET, "reset");
	close(peer[1]);
	ended("close, SO_LINGER 0", handed, received);
}

/* One half is shut, the other goes on. */
static void run_halves(void)
{
	unsigned tries = 1000000;
	size_t got = 0;
	ssize_t k;

	begin(tcp_pair, 3001);
	must(s_write(peer[0], out, 3001) == 3001 && !shutdown(peer[0], SHUT_WR), "shut for writing");
	must(r_read(peer[1], in, 3001) == 3001 && !read(peer[1], in, 1), "read to the end");
	must(s_write(peer[1], (char *)(uintptr_t)answer, ANSWER) == (ssize_t)ANSWER, "the answer");
	must(r_read(peer[0], in, ANSWER) == (ssize_t)ANSWER, "read it");
	close(peer[1]);
	close(peer[0]);
	ended("shutdown of a half", 3001 + ANSWER, 3001 + ANSWER);

	begin(tcp_pair, 3001);
	must(!shutdown(peer[1], SHUT_RD) && s_write(peer[0], out, 3001) == 3001, "shut for reading");
	/* It reads on all the same, as long as something is there. */
	while (got < 2003 && tries--) {
		k = read(peer[1], in + got, 2003 - got);
		must(k >= 0, "read");
		got += (size_t)k;
	}
	must(got == 2003, "all of it");
	must(s_write(peer[1], (char *)(uintptr_t)answer, ANSWER) == (ssize_t)ANSWER, "the answer");
	must(r_read(peer[0], in, ANSWER) == (ssize_t)ANSWER, "read it");
	close(peer[1]);
	must(recv(peer[0], in, 1, 0) < 0 && errno == ECONNRESET, "reset");
	close(peer[0]);
	ended("shutdown for reading", 3001 + ANSWER, 2003 + ANSWER);
}

/* A process that is killed in the middle of a write: its socket takes what it took. */
static void run_killed(void)
{
	int64_t received = 0;
	pid_t child;
	ssize_t k;

	begin(tcp_small, BIG);
	child = fork();
	if (!child) {
		close(peer[1]);
		s_write(peer[0], out, BIG);
		_exit(0);
	}
	close(peer[0]);
	must(r_read(peer[1], in, 3001) == 3001, "read");
	wait_asleep(child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	for (received = 3001; (k = read(peer[1], in + received, sizeof(in) - (size_t)received)) > 0;)
		received += k;
	close(peer[1]);
	/* All that was handed over arrives after the death, but for what the kill took back. */
	ended("killed in a write", received, received);
}

/* The other end is gone without a word: a network that swallows all. */
static void run_half_open(void)
{
	struct linger now = { 1, 0 };
	int64_t handed;

	begin(tcp_small, BIG);
	must(s_write(peer[0], out, 3001) == 3001 && r_read(peer[1], in, 3001) == 3001, "exchange");
	network(false);
	handed = fill(peer[0], 3001, BIG);
	look(3);
	settle();
	row("half open, still open", reasons(), moved_exactly(3001 + handed, 3001));
	for (int i = 0; i < 2; i++) {
		must(!setsockopt(peer[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), "SO_LINGER");
		close(peer[i]);
	}
	network(true);
	ended("half open, then closed", 3001 + handed, 3001);
}

static void run_ends(void)
{
	run_reset();
	run_unsent();
	run_linger();
	run_halves();
	run_killed();
	run_half_open();
}
#endif
