/* SPDX-License-Identifier: Apache-2.0 */
/* open.h - rows of the path matrix about connections that do not end: what is only under way is no
 * gap, what no hook told of is one after two looks, and what was before weir is known and not
 * counted. Part of run_paths.c. */
#ifndef WEIR_TEST_OPEN_H
#define WEIR_TEST_OPEN_H
#include "tests/bpf/ends.h"

/* A connection that never closes: what no hook tells of is found by two looks. */
static void run_open(void)
{
	const char *fault = NULL;

	world_reset();
	hidden = 0;
	request_make(3001);
	tcp_pair(peer);
	must(s_write(peer[0], out, 3001) == 3001 && r_read(peer[1], in, 1000) == 1000, "exchange");
	look(1);
	must(r_splice(peer[1], in, 2001) == 2001, "splice");
	look(2);
	settle();
	if (world.closes || world.sum.moved != 6002)
		fault = "expected 6002 moved of open connections";
	else if (hidden_as("splice", false) != (at_layer() ? 0 : 2001) || unexplained())
		fault = at_layer() ? "expected all examined" : "expected 2001 named";
	row("still open, splice", reasons(), fault);
	close(peer[0]);
	close(peer[1]);
	wait_closes(2);
}

/* ---- calls under way ---- */

struct mover { int fd; char *bytes; size_t n; ssize_t moved; pid_t tid; bool receives; };

static void *move_all(void *arg)
{
	struct mover *m = arg;

	__atomic_store_n(&m->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	m->moved = m->receives ? recv(m->fd, m->bytes, m->n, MSG_WAITALL) : write(m->fd, m->bytes, m->n);
	return NULL;
}

static pthread_t mover_start(struct mover *m)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, move_all, m), "a thread");
	while (!__atomic_load_n(&m->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	return thread;
}

static void closed_after(const char *name, int64_t moved)
{
	const char *fault;

	close(peer[0]);
	close(peer[1]);
	wait_closes(2);
	settle();
	fault = moved_exactly(moved, moved);
	row(name, reasons(), fault ? fault : world.sum.examined != 2 * moved ? "expected all examined" : NULL);
}

/* A write that waits for its reader over several looks is not told yet, and lacks nothing. */
static void run_write_waits(void)
{
	struct mover m = { .n = 700001, .bytes = out + 3001 };
	pthread_t thread;

	begin(tcp_small, 3001 + m.n);
	must(s_write(peer[0], out, 3001) == 3001 && r_read(peer[1], in, 3001) == 3001, "exchange");
	m.fd = peer[0];
	thread = mover_start(&m);
	wait_asleep(m.tid);
	look(3);
	settle();
	must(r_read(peer[1], in, m.n) == (ssize_t)m.n && !pthread_join(thread, NULL) && m.moved == (ssize_t)m.n, "exchange");
	closed_after("write waits over 3 looks", 3001 + 700001);
}

/* A read that has taken a part and waits for the rest. */
static void run_read_waits(void)
{
	struct mover m = { .n = 5003, .bytes = in, .receives = true };
	pthread_t thread;
	int unread = 1;

	begin(tcp_pair, 3001 + m.n);
	must(s_write(peer[0], out, 3001) == 3001 && r_read(peer[1], in, 3001) == 3001, "exchange");
	m.fd = peer[1];
	must(s_write(peer[0], out + 3001, 2000) == 2000, "write");
	thread = mover_start(&m);
	for (int i = 0; i < 5000 && unread; i++) {
		must(!ioctl(peer[1], FIONREAD, &unread), "FIONREAD");
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	must(!unread, "the read takes a part");
	wait_asleep(m.tid);
	look(3);
	settle();
	must(s_write(peer[0], out + 5001, 3003) == 3003 && !pthread_join(thread, NULL) && m.moved == 5003, "exchange");
	closed_after("recv waits over 3 looks", 3001 + 5003);
}

/* ---- runs that are skipped ---- */

/* A process that nobody watches: what it writes to a socket of ours, no program run tells of. */
static int stranger_orders[2], stranger_answers[2];

static void stranger_start(void)
{
	struct { int fd; size_t n; } order;
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0), fd;
	pid_t child;

	must(self >= 0 && !pipe(stranger_orders) && !pipe(stranger_answers), "pipes");
	child = fork();
	must(child >= 0, "fork");
	if (child) {
		close(stranger_orders[0]);
		close(self);
		return;
	}
	close(stranger_orders[1]);
	while (read(stranger_orders[0], &order, sizeof(order)) == sizeof(order)) {
		ssize_t k;

		fd = (int)syscall(SYS_pidfd_getfd, self, order.fd, 0);
		k = write(fd, in, order.n);
		close(fd);
		must(write(stranger_answers[1], &k, sizeof(k)) == sizeof(k), "answer");
	}
	_exit(0);
}

static bool stranger_writes(int fd, size_t n)
{
	struct { int fd; size_t n; } order = { fd, n };
	ssize_t k = -1;

	return write(stranger_orders[1], &order, sizeof(order)) == sizeof(order) && read(stranger_answers[0], &k, sizeof(k)) == sizeof(k) &&
	       k == (ssize_t)n;
}

static void run_skipped(void)
{
	const char *name = strcmp(world.hooks, "sys_exit") ? "skipped_run" : "io_uring", *fault;

	begin(tcp_pair, 3001);
	world.raw = true;
	if (ring_ready(false))	/* where nothing else names it: the process has used io_uring */
		uring_close(&ring);
	must(s_write(peer[0], out, 3001) == 3001 && r_read(peer[1], in, 3001) == 3001, "exchange");
	look(1);
	must(stranger_writes(peer[0], 2003) && r_read(peer[1], in, 2003) == 2003, "what no hook tells of");
	look(1);
	settle();
	fault = world.by[DIR_SENT].moved != 3001 ? "expected to wait for the second look" : NULL;
	look(1);
	settle();
	if (!fault)
		fault = world.closes ? "expected it to be open" : moved_exactly(5004, 5004);
	if (!fault && (world.by[DIR_SENT].lost != 2003 || hidden_as(name, true) != 2003))
		fault = "expected 2003 sent bytes named";
	row("still open, run skipped", reasons(), fault);
	close(peer[0]);
	close(peer[1]);
	wait_closes(2);
	settle();
	row("and at its end", reasons(), moved_exactly(5004, 5004));
}

static void run_opens(void)
{
	run_open();
	run_write_waits();
	run_read_waits();
	run_skipped();
}

/* ---- older than weir ---- */

static int late_pair[2];

/* Before weir: 1009 bytes one way, of which 509 are not read yet, 211 the other. */
static void late_start(void)
{
	tcp_pair(late_pair);
	must(s_write(late_pair[0], out, 1009) == 1009 && r_read(late_pair[1], in, 500) == 500, "before weir");
	must(s_write(late_pair[1], out, 211) == 211 && r_read(late_pair[0], in, 211) == 211, "before weir");
}

static bool late_was(unsigned i, uint64_t sent, uint64_t received)
{
	return world.before[i][DIR_SENT] == sent && world.before[i][DIR_RECEIVED] == received;
}

static void run_late(void)
{
	const char *fault;

	drain();
	fault = world.olds != 2 || !(late_was(0, 1009, 211) || late_was(1, 1009, 211)) || !(late_was(0, 211, 500) || late_was(1, 211, 500)) ?
			"expected 1009 sent, 211 received before; 211, 500" : NULL;
	world_reset();
	world.raw = true;
	request_make(3001);
	memcpy(peer, late_pair, sizeof(peer));
	must(r_read(peer[1], in, 509) == 509, "the rest");
	must(s_write(peer[0], out, 3001) == 3001 && r_read(peer[1], in, 3001) == 3001, "exchange");
	close(peer[0]);
	close(peer[1]);
	wait_closes(2);
	settle();
	row("older than weir", reasons(), fault ? fault : moved_exactly(3001, 509 + 3001));
}
#endif
