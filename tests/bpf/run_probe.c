/* SPDX-License-Identifier: Apache-2.0 */
/* run_probe.c - probes of functions, by perf events and, where the kernel has it, by one link for
 * all of a file: each site has its own cookie, processes that are not watched tell nothing, what is
 * detached tells nothing more, a link of many needs no SYS_ADMIN, and calls of several processes are not mixed where one
 * takes the CPU from another. Needs root. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "capture/capture.h"
#include "capture/record.h"
#include "capture/ring.h"
#include "capture/tls/tls.h"
#include "capture/uprobe.h"

#define RING (8 << 20)

static struct capture *cap;
static struct ring ring;
static unsigned passed, failed;
static const char *way;

static struct { unsigned records[2], bytes[2], wrong, partly; } seen;

/* The library that is probed: a TLS object, a buffer, how much of it. */
__attribute__((noinline)) static int give(void *object, const char *buf, int n)
{
	asm volatile("" : : "r"(object), "r"(buf) : "memory");
	return n;
}

__attribute__((noinline)) static int get(void *object, int n, char *buf)
{
	asm volatile("" : : "r"(object) : "memory");
	memset(buf, 'g', (size_t)n);
	return n;
}

/* Begins with an instruction that the kernel does not probe; nobody calls it. */
asm(".text\n.type unprobed, @function\nunprobed:\n\thlt\n\tret\n");
__attribute__((visibility("hidden"))) void unprobed(void);

static void check(const char *what, unsigned long want, unsigned long got)
{
	if (want == got) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s: %s: expected %lu, got %lu\n", way, what, want, got);
}

static int take(void *owner, const void *record, size_t len)
{
	struct wire_data d;

	if (!record_size(record, len))
		return 0;
	memcpy(&d, record, sizeof(d));
	if (d.kind != WIRE_TLS)
		return 0;
	seen.records[d.dir & 1]++;
	seen.bytes[d.dir & 1] += d.len;
	seen.partly += !!(d.flags & WIRE_F_PARTLY);
	for (u32 i = 0; i < d.len; i++)
		seen.wrong += ((const char *)record)[sizeof(d) + i] != (d.dir == WIRE_SENT ? 's' : 'g');
	return 0;
}

static void talk(unsigned gives, unsigned gets)
{
	char buf[97];
	int object;

	for (unsigned i = 0; i < gives; i++) {
		memset(buf, 's', sizeof(buf));
		give(&object, buf, sizeof(buf));
	}
	for (unsigned i = 0; i < gets; i++)
		get(&object, 89, buf);
	memset(&seen, 0, sizeof(seen));
	ring_drain(&ring, 100000, take, NULL);
}

static void talk_elsewhere(void)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		char buf[97] = "s";

		give(buf, buf, 1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	check("another process ends well", 0, (unsigned long)status);
	memset(&seen, 0, sizeof(seen));
	ring_drain(&ring, 100000, take, NULL);
}

static void admin(cap_flag_value_t value)
{
	const cap_value_t which = CAP_SYS_ADMIN;
	cap_t caps = cap_get_proc();

	check("capabilities", 0, (unsigned long)(!caps || cap_set_flag(caps, CAP_EFFECTIVE, 1, &which, value) || cap_set_proc(caps)));
	cap_free(caps);
}

/* Of many sites three cannot be probed: the others are. */
static void test_refused(const struct tls_sites *good)
{
	struct tls_sites s = { .nr = 37 };
	int refused[TLS_SITES], err;
	unsigned named = 0;

	for (unsigned i = 0; i < s.nr; i++) {
		s.site[i] = good->site[0];
		s.site[i].offset = uprobe_own_offset(unprobed) + 1;	/* its return: once as often as you like */
	}
	s.site[0] = good->site[0];
	s.site[36] = good->site[1];
	s.site[7].offset = s.site[8].offset = s.site[31].offset = uprobe_own_offset(unprobed);
	capture_group(cap, 3);
	err = capture_probe(cap, "/proc/self/exe", &s, refused);
	check("a file with three sites that cannot be probed is probed", 0, (unsigned long)-err);
	for (unsigned i = 0; i < s.nr; i++)
		named += refused[i] < 0;
	check("three are named", 3, named);
	check("and they are these", 1, refused[7] < 0 && refused[8] < 0 && refused[31] < 0);
	talk(13, 7);
	check("records of the others", 20, seen.records[0] + seen.records[1]);
	check("which say that there is more", 20, seen.partly);
	capture_unprobe(cap, 3);
	s.site[31].kind = SITE_FREED;
	err = capture_probe(cap, "/proc/self/exe", &s, refused);
	check("one of the three is needed: none is probed", 1, err < 0);
	talk(13, 7);
	check("and none tells", 0, seen.records[0] + seen.records[1]);
	capture_unprobe(cap, 3);
}

/* Processes that all make the same calls, on fewer CPUs than they are; half of them take the CPU from another whenever
 * they wake, wherever that is: in the program at the probe, most often. What one gave is told as given by it. */
#define BUSY 8
#define ROUNDS 13
#define CALLS 97
#define GIVEN 3001
static struct { pid_t pid; int go[2], done[2]; unsigned records, bytes, wrong, skipped; } busy[BUSY];

static int take_busy(void *owner, const void *record, size_t len)
{
	struct wire_data d;
	unsigned i = 0;

	if (!record_size(record, len))
		return 0;
	memcpy(&d, record, sizeof(d));
	while (d.kind == WIRE_TLS && i < BUSY && (uint32_t)busy[i].pid != d.who.tgid)
		i++;
	if (d.kind != WIRE_TLS || i == BUSY)
		return 0;
	busy[i].records++;
	busy[i].bytes += d.len;
	busy[i].skipped += d.skipped + (d.dir != WIRE_SENT) + (d.call != GIVEN);
	for (u32 k = 0; k < d.len; k++)
		busy[i].wrong += ((const char *)record)[sizeof(d) + k] != (char)('a' + i);
	return 0;
}

static void busy_child(unsigned i)
{
	const struct sched_param first = { .sched_priority = 1 };
	const struct timespec moment = { .tv_nsec = 50000 };
	char buf[GIVEN], c;

	memset(buf, (int)('a' + i), sizeof(buf));
	if (i % 2)
		sched_setscheduler(0, SCHED_FIFO, &first);
	while (read(busy[i].go[0], &c, 1) == 1) {
		for (unsigned n = 0; n < CALLS; n++) {
			if (i % 2)
				nanosleep(&moment, NULL);
			give(buf, buf, sizeof(buf));
		}
		if (write(busy[i].done[1], "d", 1) != 1)
			break;
	}
	_exit(0);
}

static void test_in_another(void)
{
	unsigned records = 0, bytes = 0, wrong = 0, skipped = 0, stuck = 0;

	memset(busy, 0, sizeof(busy));
	for (unsigned i = 0; i < BUSY; i++) {
		if (pipe2(busy[i].go, O_CLOEXEC) || pipe2(busy[i].done, O_CLOEXEC))
			stuck++;
		busy[i].pid = fork();
		if (!busy[i].pid) {
			for (unsigned k = 0; k <= i; k++)
				close(busy[k].go[1]);
			busy_child(i);
		}
		close(busy[i].go[0]);
		capture_watch_pid(cap, (uint32_t)busy[i].pid);
	}
	for (unsigned r = 0; r < ROUNDS; r++) {
		char c;

		for (unsigned i = 0; i < BUSY; i++)
			stuck += write(busy[i].go[1], "g", 1) != 1;
		for (unsigned i = 0; i < BUSY; i++)
			stuck += read(busy[i].done[0], &c, 1) != 1;
		ring_drain(&ring, 100000, take_busy, NULL);
	}
	for (unsigned i = 0; i < BUSY; i++) {
		close(busy[i].go[1]);
		close(busy[i].done[0]);
		close(busy[i].done[1]);
		waitpid(busy[i].pid, NULL, 0);
		records += busy[i].records;
		bytes += busy[i].bytes;
		wrong += busy[i].wrong;
		skipped += busy[i].skipped;
	}
	check("processes that did not go on", 0, stuck);
	check("records of calls in the midst of others", BUSY * ROUNDS * CALLS, records);
	check("their bytes", BUSY * ROUNDS * CALLS * GIVEN, bytes);
	check("bytes that another gave", 0, wrong);
	check("of other calls, or without bytes", 0, skipped);
}

static void test_sites(void)
{
	struct tls_sites s = { .nr = 2 }, none;
	int err, refused[TLS_SITES];

	s.site[0].offset = uprobe_own_offset((void (*)(void))give);
	s.site[0].cookie = WIRE_COOKIE_SENT | 1u << WIRE_COOKIE_OBJ_SHIFT | 2u << WIRE_COOKIE_BUF_SHIFT;
	s.site[1].offset = uprobe_own_offset((void (*)(void))get);
	s.site[1].cookie = 1u << WIRE_COOKIE_OBJ_SHIFT | 3u << WIRE_COOKIE_BUF_SHIFT;
	none = s;
	none.site[0].offset = none.site[1].offset = 1ull << 40;	/* beyond the file */
	capture_group(cap, 2);
	err = capture_probe(cap, "/proc/self/exe", &none, refused);
	check("sites that are not in the file are refused", 1, err < 0 && refused[0] < 0 && refused[1] < 0);
	capture_unprobe(cap, 2);
	test_refused(&s);
	capture_group(cap, 1);
	if (capture_probes_by_link(cap))
		admin(CAP_CLEAR);
	err = capture_probe(cap, "/proc/self/exe", &s, refused);
	if (capture_probes_by_link(cap))
		admin(CAP_SET);
	check("attached", 0, (unsigned long)-err);
	talk(13, 7);
	check("records of what was given", 13, seen.records[1]);
	check("bytes of it", 13 * 97, seen.bytes[1]);
	check("records of what was got", 7, seen.records[0]);
	check("bytes of it", 7 * 89, seen.bytes[0]);
	check("wrong bytes", 0, seen.wrong);
	check("records that say that there is more", 0, seen.partly);
	capture_own(cap, (uint32_t)getpid(), true);	/* not watched, nor is what it forks */
	talk_elsewhere();
	check("records of another process", 0, seen.records[0] + seen.records[1]);
	talk(3, 3);
	check("records of one that is not watched", 0, seen.records[0] + seen.records[1]);
	capture_own(cap, (uint32_t)getpid(), false);
	capture_watch_pid(cap, (uint32_t)getpid());
	talk(2, 3);
	check("records when it is again", 5, seen.records[0] + seen.records[1]);
	test_in_another();
	capture_unprobe(cap, 1);
	talk(5, 5);
	check("records after detaching", 0, seen.records[0] + seen.records[1]);
}

/* A program at one kprobe calls what has another: there the kernel runs nothing, and counts it. */
static int kprobe_at(const char *function, const struct bpf_insn *code, unsigned nr)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .config1 = (uint64_t)(uintptr_t)function };
	FILE *f = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	int event = -1, program, link;

	if (f && fscanf(f, "%u", &attr.type) == 1)
		event = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (f)
		fclose(f);
	program = event < 0 ? -1 : bpf_prog_load(BPF_PROG_TYPE_KPROBE, "weir_missed", "GPL", code, nr, NULL);
	link = program < 0 ? -1 : bpf_link_create(program, event, BPF_PERF_EVENT, NULL);
	if (program >= 0)
		close(program);
	if (event >= 0)
		close(event);
	return link;
}

static void test_missed(void)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 }, { .code = BPF_JMP | BPF_EXIT },
	};
	const struct bpf_insn calls[] = { /* bpf_get_current_comm(r10 - 16, 16) */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -16 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 16 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_comm },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 }, { .code = BPF_JMP | BPF_EXIT },
	};
	int inner = kprobe_at("bpf_get_current_comm", nothing, 2), outer = kprobe_at("__x64_sys_getpgid", calls, 6);
	uint64_t told;

	way = "kprobes";
	if (inner < 0 || outer < 0) {
		printf("SKIP misses of kprobes: this kernel allows none\n");
	} else {
		for (int i = 0; i < 53; i++)
			(void)syscall(SYS_getpgid, 0);
		told = kprobe_missed(inner);
		if (told)
			check("misses of 53, or more by others", 1, told >= 53);
		else
			printf("SKIP misses of kprobes: this kernel tells none (Linux 6.7)\n");
		check("one that runs misses none", 0, kprobe_missed(outer));
		check("a descriptor that is no link", 0, kprobe_missed(0));
	}
	if (inner >= 0)
		close(inner);
	if (outer >= 0)
		close(outer);
}

static void run(bool perf)
{
	struct capture_config config = { .data_ring = RING, .life_ring = 1 << 20, .max_parts = 8, .filter = WIRE_FILTER_PID, .perf_probes = perf };
	char why[512] = "";

	way = perf ? "perf events" : "one link";
	cap = capture_new(&config, why, sizeof(why));
	check(why[0] ? why : "loads", 1, cap != NULL);
	if (!cap)
		return;
	if (perf || capture_probes_by_link(cap)) {
		capture_epoch(cap, 1);
		capture_watch_pid(cap, (uint32_t)getpid());
		check("maps the ring", 0, (unsigned long)-ring_map(&ring, capture_data_ring(cap), RING));
		check(capture_attach(cap, why, sizeof(why)) ? why : "attaches", 0, why[0] != 0);
		test_sites();
		printf("ok probes by %s\n", way);
		ring_unmap(&ring);
	} else {
		printf("SKIP probes by %s: this kernel does not have it (Linux 6.6)\n", way);
	}
	capture_free(cap);
}

int main(void)
{
	if (geteuid()) {
		printf("SKIP needs root to load BPF programs\n0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	run(true);
	run(false);
	test_missed();
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
