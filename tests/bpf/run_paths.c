/* SPDX-License-Identifier: Apache-2.0 */
/* run_paths.c - the path matrix: every way in which bytes reach a socket or leave it, with
 * real calls, through the BPF programs and the front half of the pipeline. Each row is an
 * HTTP exchange of which both ends are watched: every byte must be examined, or be counted
 * under the name of what hid it, and none may be unexplained. Needs root; says so when it skips.
 *	run_paths [WORD]	only the rows that have the word in their name, or late, reuse, ends, open, peers, full */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/bpf/world.h"
#include "tests/bpf/ways.h"
#include "tests/bpf/rows.h"
#include "tests/bpf/ends.h"
#include "tests/bpf/open.h"
#include "tests/bpf/peers.h"

/* A row. What the last hook set, at system call exit, does not see it names otherwise; the set at
 * the socket layer sees what the first does, and more. */
struct way {
	const char *name;
	void (*make)(int fds[2]);
	void (*prepare)(int fd, size_t n);		/* of the receiver, before anything is sent */
	ssize_t (*send)(int fd, char *b, size_t n);
	ssize_t (*receive)(int fd, char *b, size_t n);
	const char *hides[2];				/* by the first hook set and the last: the reason, NULL: examined */
	size_t size;					/* of the request; 0: 5003 */
	unsigned looks;					/* the end is found by looks, not told by the kernel */
	bool raw, discards, alone;			/* records differ from what is sent; what is received does; no answer */
	bool layer;					/* examined at the socket layer all the same */
	bool breaks;					/* what comes after the hidden bytes has lost its beginning */
	unsigned frame;					/* a message is so much longer on the wire, and hidden but from system calls */
	unsigned closes;				/* 0: 2 */
};

#define WAY(n, m, s, r, first, second, ...) \
	{ .name = n, .make = m, .send = s, .receive = r, .hides = { first, second }, ##__VA_ARGS__ }
static const struct way ways[] = {
	WAY("write, read", tcp_pair, s_write, r_read, NULL, NULL),
	WAY("writev, readv", tcp_pair, s_writev, r_readv, NULL, NULL),
	WAY("send, recv", tcp_pair, s_send, r_recv, NULL, NULL),
	WAY("sendto, recvfrom", tcp_pair, s_sendto, r_recvfrom, NULL, NULL),
	WAY("sendmsg, recvmsg", tcp_pair, s_sendmsg, r_recvmsg, NULL, NULL),
	WAY("sendmmsg, recvmmsg", tcp_pair, s_sendmmsg, r_recvmmsg, NULL, NULL),
	WAY("recv MSG_PEEK", tcp_pair, s_write, r_peek, NULL, NULL),
	WAY("recv MSG_TRUNC", tcp_pair, s_write, r_trunc, "discarded", "discarded", .discards = true),
	WAY("send MSG_OOB", tcp_pair, s_oob, r_oob, "urgent", "urgent"),
	WAY("sendfile", tcp_pair, s_sendfile, r_read, NULL, "sendfile"),
	WAY("splice to a socket", tcp_pair, s_splice, r_read, NULL, "splice"),
	WAY("vmsplice, splice", tcp_pair, s_vmsplice, r_read, NULL, "splice"),
	WAY("splice from a socket", tcp_pair, s_write, r_splice, "splice", "splice", .layer = true),
	WAY("send MSG_ZEROCOPY", tcp_pair, s_zerocopy, r_read, NULL, NULL),
	WAY("TCP_ZEROCOPY_RECEIVE", tcp_pair, s_write, r_zerocopy, "zerocopy_recv", "zerocopy_recv", .breaks = true),
	WAY("32-bit write, read", tcp_pair, s_int80, r_int80, NULL, NULL),
	WAY("32-bit socketcall", tcp_pair, s_socketcall, r_read, NULL, "other_call"),
	WAY("close in another thread", tcp_pair, s_first, r_closed, NULL, "other_call", .alone = true),
	WAY("io_uring SEND, RECV", tcp_pair, s_uring_send, r_uring_recv, NULL, "io_uring"),
	WAY("io_uring WRITE, READ", tcp_pair, s_uring_write, r_uring_read, NULL, "io_uring"),
	WAY("io_uring SENDMSG, RECVMSG", tcp_pair, s_uring_sendmsg, r_uring_recvmsg, NULL, "io_uring"),
	WAY("io_uring SEND_ZC", tcp_pair, s_uring_send_zc, r_read, NULL, "io_uring"),
	WAY("io_uring SEND, RECV async", tcp_pair, s_uring_send_async, r_uring_recv_async, NULL, "io_uring"),
	WAY("io_uring WRITE, READ async", tcp_pair, s_uring_write_async, r_uring_read_async, NULL, "io_uring"),
	WAY("io_uring SENDMSG async", tcp_pair, s_uring_sendmsg_async, r_read, "io_uring", "io_uring", .layer = true),
	WAY("io_uring SEND SQPOLL", tcp_pair, s_uring_send_polled, r_uring_recv_polled, NULL, "io_uring"),
	WAY("io_uring WRITE SQPOLL", tcp_pair, s_uring_write_polled, r_uring_read_polled, NULL, "io_uring"),
	WAY("io_uring registered buffer", tcp_pair, s_uring_write_fixed, r_uring_read_fixed, NULL, "io_uring"),
	WAY("io_uring registered file", tcp_pair, s_uring_send_file, r_uring_recv_file, NULL, "io_uring"),
	WAY("io_uring RECV waits", tcp_pair, s_write, r_uring_waited, NULL, "io_uring", .prepare = p_uring_recv),
	WAY("io_uring RECV in a read", tcp_pair, s_write_later, r_uring_in_read, NULL, "io_uring", .prepare = p_uring_recv),
	WAY("io_uring picks the buffer", tcp_pair, s_write, r_uring_pick, "io_uring", "io_uring", .layer = true),
	WAY("non-blocking, EAGAIN", tcp_small, s_nonblocking, r_rest, NULL, NULL, .size = 700001),
	WAY("page not resident", tcp_pair, s_mapped, r_mapped, NULL, NULL, .size = 20011),
	WAY("buffer changes meanwhile", tcp_pair, s_changed, r_read, NULL, NULL, .size = 50021, .raw = true, .discards = true),
	WAY("1 MiB at once", tcp_pair, s_write, r_read, NULL, NULL, .size = 1 << 20),
	WAY("more than 1 MiB at once", tcp_pair, s_write, r_read, "truncated", "truncated", .size = (1 << 20) + 4099, .breaks = true),
	WAY("1000 iovecs", tcp_pair, s_thousand, r_thousand, NULL, NULL, .size = 60013),
	WAY("fork", tcp_pair, s_fork, r_fork, NULL, NULL),
	WAY("dup", tcp_pair, s_dup, r_dup, NULL, NULL),
	WAY("SCM_RIGHTS", tcp_pair, s_passed, r_read, "unknown_protocol", "unknown_protocol", .raw = true, .looks = 3, .closes = 4),
	WAY("TCP fast open", fast_pair, s_fast, r_read, NULL, NULL),
	WAY("MPTCP", mptcp_pair, s_write, r_read, NULL, NULL, .looks = 3),
	WAY("kTLS", ktls_pair, s_write, r_read, "ktls", "ktls", .raw = true, .frame = KTLS_FRAME),
	WAY("kTLS without keys", ulp_pair, s_write, r_read, NULL, NULL),
	WAY("AF_UNIX stream", unix_pair, s_write, r_read, NULL, NULL, .looks = 3),
	WAY("AF_UNIX datagram", unix_datagram, s_send, r_recvfrom, "unknown_protocol", "unknown_protocol", .looks = 3, .alone = true),
	WAY("UDP", udp_pair, s_send, r_recvfrom, "unknown_protocol", "unknown_protocol", .looks = 3, .alone = true),
	WAY("UDP sendmmsg, recvmmsg", udp_pair, s_datagrams, r_datagrams, "unknown_protocol", "unknown_protocol", .looks = 3, .alone = true),
	WAY("QUIC", udp_pair, s_quic, r_recvfrom, "quic", "quic", .size = 1200, .looks = 3, .alone = true),
};

static const char *judge(const struct way *w, int64_t moved, int64_t hid)
{
	static char fault[160];
	const char *name = at_layer() && w->layer ? NULL : w->hides[!strcmp(world.hooks, "sys_exit")];
	const struct byte_account *a = &world.sum;
	int64_t named = hidden_as(name, w->breaks);

	fault[0] = 0;
	if (a->moved != moved)
		snprintf(fault, sizeof(fault), "expected %lld moved", (long long)moved);
	else if (!w->alone && 2 * world.by[DIR_SENT].moved != moved)
		snprintf(fault, sizeof(fault), "expected %lld moved in each direction", (long long)moved / 2);
	else if (unexplained())
		snprintf(fault, sizeof(fault), "%lld unexplained", (long long)unexplained());
	else if (a->opaque + a->skipped + a->lost + a->examined + a->framing != moved)
		snprintf(fault, sizeof(fault), "the parts are not the whole");
	else if (name && named != hid)
		snprintf(fault, sizeof(fault), "expected %s %lld", name, (long long)hid);
	else if (!name && (named || a->examined != moved))
		snprintf(fault, sizeof(fault), "expected all examined");
	else if (!name && !w->alone && (world.exchanges != 2 || world.addresses != 2))
		snprintf(fault, sizeof(fault), "expected 2 exchanges, 2 addresses; %u, %u", world.exchanges, world.addresses);
	else if (world.wrong)
		snprintf(fault, sizeof(fault), "%u records have other bytes than were sent", world.wrong);
	else if (world.late)
		snprintf(fault, sizeof(fault), "%u records say that the connection is older than weir", world.late);
	return fault[0] ? fault : NULL;
}

/* The bytes of a row that both ends together moved, -1: it could not be done. */
static int64_t exchange(const struct way *w, size_t n)
{
	int64_t moved = 2 * (int64_t)n;
	ssize_t k;

	w->make(peer);
	if (missing)
		return -1;
	if (w->prepare)
		w->prepare(peer[1], n);
	k = missing ? -1 : w->send(peer[0], out, n);
	if (k == (ssize_t)n)
		k = w->receive(peer[1], in, n);
	if (missing)
		return -1;
	if (w->alone)
		return k < (ssize_t)n ? -2 : (int64_t)n + k;
	if (k != (ssize_t)n || s_write(peer[1], (char *)(uintptr_t)answer, ANSWER) != (ssize_t)ANSWER ||
	    r_read(peer[0], in + n, ANSWER) != (ssize_t)ANSWER)
		return -2;
	return moved + 2 * (int64_t)ANSWER;
}

static void run_way(const struct way *w)
{
	size_t n = w->size ? w->size : 5003;
	int64_t moved;

	world_reset();
	world.raw = w->raw;
	missing = NULL;
	hidden = 0;
	memset(in, 0, n);
	request_make(n);
	moved = exchange(w, n);
	for (int i = 0; i < 2; i++)
		if (peer[i] >= 0)
			close(peer[i]);
	if (moved == -1) {
		row_skip(w->name, missing);
		return;
	}
	if (!strcmp(w->name, "SCM_RIGHTS"))
		moved += 2;
	if (w->frame && moved > 0) {
		moved += 4 * w->frame;
		/* At the socket nobody knows which of its bytes a call's are; system calls have the text itself. */
		hidden = strcmp(world.hooks, "sys_exit") ? moved : 4 * w->frame;
	}
	look(w->looks);
	wait_closes(w->closes ? w->closes : 2);
	settle();
	if (moved < 0)
		row(w->name, "-", "it could not be done");
	else if (!w->discards && !w->alone && memcmp(in, out, n))
		row(w->name, "-", "other bytes were received than sent");
	else
		row(w->name, reasons(), judge(w, moved, hidden));
}

/* ---- rows that are no single exchange ---- */

/* Two connections, one after the other, behind the same numbers of descriptors. */
static void run_reuse(void)
{
	static const struct way w = WAY("descriptor reused", tcp_pair, s_write, r_read, NULL, NULL);
	int64_t moved = 0;
	int first[2];

	world_reset();
	missing = NULL;
	request_make(3001);
	moved = exchange(&w, 3001);
	memcpy(first, peer, sizeof(first));
	close(peer[0]);
	close(peer[1]);
	moved += exchange(&w, 3001);
	must(peer[0] == first[0] && peer[1] == first[1], "the same descriptors");
	close(peer[0]);
	close(peer[1]);
	wait_closes(4);
	settle();
	row(w.name, reasons(), world.exchanges != 4 || world.addresses != 4 ? "expected 4 exchanges" :
	    world.sum.moved != moved || world.sum.examined != moved || world.wrong ? "expected all examined" : NULL);
}

/* Nobody drains: what is not in the ring is counted where it is missed, at the end of a connection too. */
static void run_full(void)
{
	size_t n = 16384, calls = 3001;
	const char *fault = NULL;

	world_reset();
	world.raw = true;
	request_make(n);
	snprintf(out, sizeof(out), "POST /orders HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%*s", n * calls - 58, 1, "");
	tcp_pair(peer);
	for (size_t i = 0; i < calls; i++)
		must(write(peer[0], out, n) == (ssize_t)n && recv(peer[1], in, n, MSG_WAITALL) == (ssize_t)n, "exchange");
	close(peer[0]);
	close(peer[1]);
	wait_closes(2);
	settle();
	if (world.sum.moved != (int64_t)(2 * n * calls))
		fault = "expected 98336768 moved";
	else if (hidden_as("ring_full", true) <= 0 || unexplained())
		fault = "expected the rest to be ring_full";
	row("ring full", reasons(), fault);
}

static const struct { const char *name; void (*run)(void); } shelves[] = {
	{ "late", run_late }, { "reuse", run_reuse }, { "ends", run_ends }, { "open", run_opens }, { "peers", run_peers }, { "full", run_full },
};

static int run_set(const char *hooks, const char *needs, const char *word)
{
	char why[512] = "";
	int err;

	stranger_start();
	late_start();
	err = world_open(hooks, needs, why, sizeof(why));

	if (err > 0) {
		printf("skip hook set %s: %s\n", hooks, why);
		counts->skipped++;
		return 0;
	}
	if (err) {
		printf("FAIL hook set %s does not load: %s\n", hooks, why);
		counts->failed++;
		return 0;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!word || strstr(ways[i].name, word))
			run_way(&ways[i]);
	for (size_t i = 0; i < sizeof(shelves) / sizeof(shelves[0]); i++)
		if (!word || !strcmp(shelves[i].name, word))
			shelves[i].run();
	world_close();
	return 0;
}

/* A network of its own: nothing of the host passes, and fast open is allowed here. */
static void own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd, sysctl;

	must(!unshare(CLONE_NEWNET), "a network namespace");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	must(!ioctl(fd, SIOCSIFFLAGS, &lo), "loopback");
	close(fd);
	sysctl = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY);
	if (sysctl >= 0 && write(sysctl, "519", 3) != 3)	/* both sides, without cookies */
		perror("tcp_fastopen");
	close(sysctl);
}

int main(int argc, char **argv)
{
	const char *name, *needs, *doc;

	if (geteuid()) {
		printf("SKIP needs root to load BPF programs\n0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(counts != MAP_FAILED, "memory");
	own_network();
	printf("%-4s %-28s %-10s %9s %9s  %s\n", "", "ROW", "HOOKS", "MOVED", "EXAMINED", "REASON AND BYTES");
	fflush(stdout);
	/* Each set in a process of its own: one that has used io_uring is told by that. */
	for (unsigned i = 0; (name = capture_hook_set(i, &needs, &doc)); i++) {
		pid_t child = fork();
		int status = -1;

		if (!child) {
			run_set(name, needs, argc > 1 ? argv[1] : NULL);
			fflush(stdout);
			_exit(0);
		}
		waitpid(child, &status, 0);
		counts->failed += status != 0;
	}
	printf("%u passed, %u failed, %u skipped\n", counts->passed, counts->failed, counts->skipped);
	return counts->failed != 0;
}
