/* SPDX-License-Identifier: Apache-2.0 */
/* rogue.c - each role as an attacker would have it, in its real sandbox with the
 * descriptors of its row, and everything it must not be able to do.
 *
 *   rogue sweep ROLE FOLDER    every system call there is, then the attempts below; FOLDER is
 *                              the keeper's state. Prints "allowed NAME...", "denied COUNT", and
 *                              "ok SENTENCE" or "FAIL SENTENCE".
 *   rogue filter ROLE|PID      the seccomp program of a role in this sandbox, of a live one: hex
 *   rogue inject PID CALL [ARG...]   a live process makes this call (an argument that begins with '/'
 *                              is a string); prints what came back, or "killed SIGNAL"
 *   rogue crash ROLE|none WORD   puts WORD backwards into heap and queue and dies of SIGSEGV, in the
 *                              role's sandbox or in none; prints whether there was a core dump
 *
 * Each attempt is a process of its own; it lives after a sandbox that lets it through. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/queue.h"
#include "capture/ring.h"
#include "daemon/daemon.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"

#define BEYOND 64	/* numbers tried above the last one that has a name */
#define RING (1 << 16)
#define NOT_ENTERED 99
#ifdef __SANITIZE_ADDRESS__
static const bool bounded = false;	/* its shadow does not fit into a limit */
#else
static const bool bounded = true;
#endif

/* What a role has when it is taken over. */
static struct sandbox box;
static struct ring ring;
static pid_t monitor;

static int failed;

static void verdict(bool good, const char *sentence, const char *got)
{
	printf("%s the %s: %s%s%s\n", good ? "ok" : "FAIL", box.role, sentence, good ? "" : ": ", good ? "" : got);
	failed |= !good;
}

/* Takes part of a status: "signal 31", "errno 13", "let through". */
static const char *told(int status)
{
	static char text[40];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		snprintf(text, sizeof(text), "errno %d", WEXITSTATUS(status));
	else
		snprintf(text, sizeof(text), "let through");
	return text;
}

/* act returns 0 or an errno. */
static int attempt(int (*act)(const void *), const void *what)
{
	int status = 0;
	char why[200];
	pid_t pid = fork();

	if (!pid) {
		alarm(20);
		if (sandbox_enter(&box, why, sizeof(why))) {
			printf("FAIL cannot enter the sandbox of the %s: %s\n", box.role, why);
			fflush(stdout);
			_exit(NOT_ENTERED);
		}
		_exit(act(what));
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ENTERED)) {
		printf("FAIL an attempt of the %s could not be made\n", box.role);
		exit(2);
	}
	return status;
}

static bool died_of(int status, int sig)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

/* Every number, with arguments that mean nothing: whatever it says, it was let in. */

static int any_call(const void *number)
{
	syscall(*(const int *)number, -1l, -1l, -1l, -1l, -1l, -1l);
	return 0;
}

static int any_call_told(const void *number)
{
	return syscall(*(const int *)number, -1l, -1l, -1l, -1l, -1l, -1l) < 0 ? errno : 0;
}

/* Of the narrowed ones: arguments that a role has a use for. */
static int fitting_call(const void *number)
{
	long first = *(const int *)number == SCMP_SYS(fcntl) || *(const int *)number == SCMP_SYS(ioctl) ? -1 : 0;
	long second = *(const int *)number == SCMP_SYS(fcntl) ? F_GETFL : *(const int *)number == SCMP_SYS(ioctl) ? TCGETS : 0;

	long third = *(const int *)number == SCMP_SYS(madvise) ? MADV_DONTNEED : 0;

	syscall(*(const int *)number, first, second, third, -1l, -1l, -1l);
	return 0;
}

static int last_number(void)
{
	int last = 0;

	for (int i = 0; i < 2048; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);

		if (name)
			last = i;
		free(name);
	}
	return last;
}

/* The two calls of uprobes' trampolines pass every filter by the kernel's own rule, and come to
 * nothing when they come from elsewhere: SIGILL, or no such device. */
static bool uprobe_gate(int number)
{
#ifdef __x86_64__
	int status;

	if (number != 335 && number != 336)
		return false;
	status = attempt(any_call_told, &number);
	return died_of(status, SIGILL) || (WIFEXITED(status) && WEXITSTATUS(status) == ENXIO);
#else
	return false;
#endif
}

static void sweep(void)
{
	int last = last_number(), denied = 0, named = 0, strange = 0, gates = 0;

	printf("allowed");
	for (int i = 0; i <= last + BEYOND; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);

		fflush(stdout);
		if (!name && uprobe_gate(i))
			gates++;
		else if (!died_of(attempt(any_call, &i), SIGSYS))
			printf(" %s", name ? name : "nameless");
		else if (!died_of(attempt(fitting_call, &i), SIGSYS))
			printf(" %s*", name ? name : "nameless");	/* with some arguments only */
		else if (name)
			denied++;
		else
			strange++;
		named += name != NULL;
		free(name);
	}
	printf("\ndenied %d\nnamed %d\nnameless %d\n", denied, named, strange + gates);
}

/* Single attempts. */

static int result(long got)
{
	return got < 0 ? errno : 0;
}

static int by_number(const void *what)
{
	const long *a = what;

	return result(syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]));
}

static int exec_memory(const void *what)
{
	return result((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int exec_later(const void *what)
{
	return result(mprotect((void *)((uintptr_t)&box & ~4095ul), 4096, PROT_READ | PROT_EXEC));
}

static int open_file(const void *path)
{
	return result(openat(AT_FDCWD, path, O_RDONLY));
}

static int make_file(const void *path)
{
	return result(openat(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600));
}

static int make_folder(const void *path)
{
	return result(mkdirat(AT_FDCWD, path, 0700));
}

static int take_away(const void *path)
{
	return result(unlinkat(AT_FDCWD, path, 0));
}

static int move_out(const void *path)
{
	return result(renameat(AT_FDCWD, "inside", AT_FDCWD, path));
}

static int own_signals(const void *what)
{
	return result(fcntl(FD_CTL, F_SETOWN, getppid()));
}

static int type_into_terminal(const void *what)
{
	return result(ioctl(STDERR_FILENO, TIOCSTI, "x"));
}

#ifdef __x86_64__
/* The 32-bit way in, and the x32 numbers: getpid by both. */
static int other_gate(const void *what)
{
	long got;

	__asm__ volatile("int $0x80" : "=a"(got) : "a"(20l) : "memory", "r8", "r9", "r10", "r11");
	return 0;
}

static int other_numbers(const void *what)
{
	return result(syscall(0x40000000 + SYS_getpid));
}
#endif

static int write_producer(const void *what)
{
	*(volatile uint64_t *)(uintptr_t)ring.producer = 1u << 20;
	return 0;
}

static int write_record(const void *what)
{
	*(volatile uint8_t *)(uintptr_t)ring.data = 1;
	return 0;
}

static int write_consumer(const void *what)
{
	*ring.consumer = 0;
	return 0;
}

static int write_log(const void *what)
{
	return result(write(STDERR_FILENO, "x", 1));
}

static int fill_memory(const void *what)
{
	for (size_t got = 0; got < (size_t)4 << 30; got += 1 << 20) {
		void *p = malloc(1 << 20);

		__asm__ volatile("" : "+r"(p));
		if (!p)
			return ENOMEM;
	}
	return 0;
}

static int fill_small(const void *what)
{
	for (size_t got = 0; got < (size_t)4 << 30; got += 4096) {
		void *p = malloc(4096);

		__asm__ volatile("" : "+r"(p));
		if (!p)
			return ENOMEM;
	}
	return 0;
}

/* Attempts by number that no role may make, whatever the arguments. */
static void by_numbers(void)
{
	long self = getpid(), up = monitor;
	struct iovec here = { &box, 1 };
	uint64_t limits[2] = { 1 << 30, 1 << 30 };
	const struct { const char *what; long call[7]; } calls[] = {
		{ "makes a socket", { SYS_socket, AF_INET, SOCK_STREAM, 0 } },
		{ "makes a pair of sockets", { SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)limits } },
		{ "connects", { SYS_connect, FD_CTL, (long)limits, 16 } },
		{ "executes a program", { SYS_execve, (long)"/bin/true", 0, 0 } },
		{ "executes a descriptor", { SYS_execveat, 0, (long)"", 0, 0, AT_EMPTY_PATH } },
		{ "forks", { SYS_clone, SIGCHLD, 0, 0, 0, 0 } },
		{ "forks the new way", { SYS_clone3, (long)limits, sizeof(limits) } },
		{ "traces the monitor", { SYS_ptrace, PTRACE_ATTACH, up, 0, 0 } },
		{ "calls bpf", { SYS_bpf, BPF_MAP_CREATE, (long)limits, sizeof(limits) } },
		{ "opens a perf event", { SYS_perf_event_open, (long)limits, 0, -1, -1, 0 } },
		{ "signals the monitor", { SYS_kill, up, SIGTERM } },
		{ "signals itself", { SYS_kill, self, SIGTERM } },
		{ "signals a thread of the monitor", { SYS_tgkill, up, up, SIGTERM } },
		{ "reads the monitor's memory", { SYS_process_vm_readv, up, (long)&here, 1, (long)&here, 1, 0 } },
		{ "writes the monitor's memory", { SYS_process_vm_writev, up, (long)&here, 1, (long)&here, 1, 0 } },
		{ "raises a limit", { SYS_prlimit64, 0, RLIMIT_NOFILE, (long)limits, 0 } },
		{ "becomes root again", { SYS_setuid, 0 } },
		{ "becomes root again, all three ids", { SYS_setresuid, 0, 0, 0 } },
		{ "enters a user namespace", { SYS_unshare, 0x10000000 } },
		{ "enters another's namespace", { SYS_setns, FD_CTL, 0 } },
		{ "sets up io_uring", { SYS_io_uring_setup, 8, (long)limits } },
		{ "handles page faults", { SYS_userfaultfd, 0 } },
		{ "makes a file of memory", { SYS_memfd_create, (long)"x", 0 } },
		{ "opens a process", { SYS_pidfd_open, up, 0 } },
		{ "takes a descriptor of the monitor", { SYS_pidfd_getfd, FD_CTL, 3, 0 } },
		{ "becomes traceable", { SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0 } },
		{ "takes a key", { SYS_keyctl, 0, -3, 1 } },
		{ "mounts", { SYS_mount, (long)"x", (long)"/", (long)"tmpfs", 0, 0 } },
		{ "changes its root", { SYS_chroot, (long)"/" } },
		{ "colours memory executable", { SYS_pkey_mprotect, (long)&box & ~4095l, 4096, PROT_READ | PROT_EXEC, -1 } },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int status = attempt(by_number, calls[i].call);

		verdict(died_of(status, SIGSYS), calls[i].what, told(status));
	}
}

static void deadly(const char *what, int (*act)(const void *), const void *arg)
{
	int status = attempt(act, arg);

	verdict(died_of(status, SIGSYS), what, told(status));
}

static void answers(const char *what, int (*act)(const void *), const void *arg, int err)
{
	int status = attempt(act, arg);

	verdict(WIFEXITED(status) && WEXITSTATUS(status) == err, what, told(status));
}

/* The keeper has files: those of its folder, by landlock. The first of each is the control. */
static void keeper_only(void)
{
	char memory[40];

	snprintf(memory, sizeof(memory), "/proc/%d/mem", monitor);
	answers("makes a file in the state folder, as it must", make_file, "inside", 0);
	answers("opens it again", open_file, "inside", 0);
	answers("cannot open a file that all may read", open_file, "/etc/passwd", EACCES);
	answers("cannot open the folder above", open_file, "..", EACCES);
	answers("cannot open the root", open_file, "/", EACCES);
	answers("cannot open what /proc knows", open_file, "/proc/self/status", EACCES);
	answers("cannot open the monitor's memory", open_file, memory, EACCES);
	answers("cannot make a file where all may", make_file, "/tmp/weir-rogue", EACCES);
	answers("cannot make a folder there", make_folder, "/tmp/weir-rogue", EACCES);
	answers("cannot move a file out", move_out, "/tmp/weir-rogue", EACCES);
	answers("cannot remove another's file", take_away, "/etc/hostname", EACCES);
	answers("removes its own, as it must", take_away, "inside", 0);
	deadly("asks for another's signals", own_signals, NULL);
	deadly("types into the terminal", type_into_terminal, NULL);
}

static void attempts(void)
{
	bool keeper = !strcmp(box.role, "keeper"), reader = !strcmp(box.role, "reader");

	by_numbers();
	deadly("maps executable memory", exec_memory, NULL);
	deadly("makes memory executable", exec_later, NULL);
#ifdef __x86_64__
	deadly("calls by the 32-bit gate", other_gate, NULL);
	deadly("calls by x32 numbers", other_numbers, NULL);
#endif
	if (keeper)
		keeper_only();
	else
		deadly("opens a file", open_file, "/etc/passwd");
	if (reader) {
		int status = attempt(write_producer, NULL);

		answers("writes the ring's consumer page, as it must", write_consumer, NULL, 0);
		verdict(died_of(status, SIGSEGV), "cannot write the ring's producer page", told(status));
		status = attempt(write_record, NULL);
		verdict(died_of(status, SIGSEGV), "cannot write a record in the ring", told(status));
	}
	if (!box.fsize)
		answers("is refused a longer log file, and lives", write_log, NULL, EFBIG);
	if (!reader && bounded) {
		box.grow = 16 << 20;	/* as its own, only sooner */
		answers("is told when memory is at its end, in large pieces", fill_memory, NULL, ENOMEM);
		answers("is told when memory is at its end, in small pieces", fill_small, NULL, ENOMEM);
	}
}

/* They look into one thing of others and end: no page, no queue. */
static bool is_scan(const char *role)
{
	return !strcmp(role, "elfscan") || !strcmp(role, "filescan");
}

/* In the role's place: what role_spawn made of this program. */
static int taken_over(const char *role)
{
	static struct queue queue;
	bool keeper = !strcmp(role, "keeper");

	box = *sandbox_find(role);
	if (!box.grow)	/* analyst and keeper are told theirs */
		box.grow = 64 << 20;
	monitor = getppid();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (keeper) {
		box.landlock_dir = FD_STATE;
		if (fchdir(FD_STATE))
			return 2;
	}
	if (!strcmp(role, "reader") && ring_map(&ring, FD_RING, RING))
		return 2;
	if (!keeper && !is_scan(role) && queue_map(&queue, FD_QUEUE))
		return 2;
	sweep();
	attempts();
	return failed;
}

static int ring_make(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = RING };

	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
}

static int spawn_rogue(const char *role, const char *folder)
{
	struct role_plan plan = { .name = role, .keep_stdout = 1 };
	const struct sandbox *row = sandbox_find(role);
	int ctl[2], facts[2], state = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;
	int log = openat(state, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	pid_t pid;

	if (!row || state < 0 || log < 0 || socket_pair(ctl, 1 << 16) || socket_pair(facts, 1 << 16) || fchown(state, row->uid, row->gid)) {
		fprintf(stderr, "rogue: cannot prepare the role %s in %s: %s\n", role, folder, strerror(errno));
		return 2;
	}
	dup2(log, STDERR_FILENO);
	role_plan_fd(&plan, FD_CTL, ctl[1]);
	if (!is_scan(role))
		role_plan_fd(&plan, FD_STATS, memory_file("weir-stats", 4096));
	if (!strcmp(role, "keeper")) {
		role_plan_fd(&plan, FD_STATE, state);
		role_plan_fd(&plan, FD_FACTS, facts[1]);
	} else if (!is_scan(role)) {
		role_plan_fd(&plan, FD_QUEUE, memory_file("weir-queue", queue_bytes()));
		role_plan_fd(&plan, FD_KICK, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
		if (!strcmp(role, "reader"))
			role_plan_fd(&plan, FD_RING, ring_make());
		else
			role_plan_fd(&plan, FD_FACTS, facts[0]);
	}
	pid = role_spawn(&plan);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

/* The seccomp program of a process, as the kernel has it. */

static bool stopped(pid_t pid, int *status)
{
	return waitpid(pid, status, __WALL) == pid && WIFSTOPPED(*status);
}

static int seize(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0) || !stopped(pid, &status)) {
		fprintf(stderr, "rogue: cannot trace %d: %s\n", pid, strerror(errno));
		return -1;
	}
	return 0;
}

static int filter_print(pid_t pid)
{
	static struct sock_filter program[4096];
	long n, more;

	if (seize(pid))
		return 2;
	n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, program);
	more = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 1, NULL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	if (n <= 0 || more >= 0) {
		fprintf(stderr, "rogue: %d has not one filter: %s\n", pid, strerror(errno));
		return 2;
	}
	for (long i = 0; i < n; i++)
		printf("%04x%02x%02x%08x", program[i].code, program[i].jt, program[i].jf, program[i].k);
	printf("\n");
	return 0;
}

/* A process in the sandbox that waits, by the one call that all have: a write to a full pipe. */
static int filter_of(const char *role)
{
	int full[2], ready[2], err;
	char why[200], page[4096] = "";
	pid_t pid;

	box = *sandbox_find(role);
	if (pipe(full) || pipe(ready))
		return 2;
	fcntl(full[1], F_SETFL, O_NONBLOCK);
	while (write(full[1], page, sizeof(page)) > 0)
		;
	fcntl(full[1], F_SETFL, 0);
	pid = fork();
	if (!pid) {
		if (sandbox_enter(&box, why, sizeof(why)) || write(ready[1], "r", 1) != 1)
			_exit(NOT_ENTERED);
		(void)!write(full[1], page, sizeof(page));
		_exit(0);
	}
	close(ready[1]);
	err = pid > 0 && read(ready[0], page, 1) == 1 ? filter_print(pid) : 2;
	if (pid > 0)
		kill(pid, SIGKILL);
	return err;
}

/* A live process makes a call: where it waits in one, that instruction is used again. */
#ifdef __x86_64__
static int poke(pid_t pid, unsigned long at, const char *text)
{
	char padded[256] = "";
	long word;

	snprintf(padded, sizeof(padded), "%s", text);
	for (size_t i = 0; i < sizeof(padded); i += sizeof(word)) {
		memcpy(&word, padded + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, at + i, word))
			return -1;
	}
	return 0;
}

/* Most of the time a role waits in a call; when it was caught at work, it is let go for a moment. */
static int in_a_call(pid_t pid, struct user_regs_struct *r)
{
	struct timespec moment = { 0, 300000 };
	int status;

	for (int i = 0; i < 5000 && !ptrace(PTRACE_GETREGS, pid, 0, r); i++) {
		if ((long)r->orig_rax >= 0)
			return 0;
		ptrace(PTRACE_CONT, pid, 0, 0);
		nanosleep(&moment, NULL);
		if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) || !stopped(pid, &status))
			break;
	}
	fprintf(stderr, "rogue: %d was never caught in a call\n", pid);
	return -1;
}

static bool pending(pid_t pid, int sig)
{
	char path[40], line[200];
	unsigned long set = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "SigPnd:", 7))
			set = strtoul(line + 7, NULL, 16);
	if (f)
		fclose(f);
	return set >> (sig - 1) & 1;
}

static int inject(pid_t pid, int argc, char **argv)
{
	struct user_regs_struct before, r;
	unsigned long a[6] = { 0 };
	int nr = seccomp_syscall_resolve_name(argv[0]), status;

	if (seize(pid) || in_a_call(pid, &before))
		return 2;
	for (int i = 1; i < argc && i <= 6; i++) {
		a[i - 1] = strtoul(argv[i], NULL, 0);
		if (argv[i][0] == '/' && poke(pid, a[i - 1] = before.rsp - 4096 + 256 * (unsigned)i, argv[i]))
			return 2;
	}
	r = before;
	r.rip -= 2;
	r.rax = (unsigned long)nr;
	r.orig_rax = (unsigned long)-1;
	r.rdi = a[0], r.rsi = a[1], r.rdx = a[2], r.r10 = a[3], r.r8 = a[4], r.r9 = a[5];
	if (ptrace(PTRACE_SETREGS, pid, 0, &r))
		return 2;
	for (int i = 0; i < 2; i++) {	/* into the call, out of it */
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		if (!stopped(pid, &status)) {
			printf("killed %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
			return 0;
		}
	}
	ptrace(PTRACE_GETREGS, pid, 0, &r);
	before.rax = (long)before.rax < 0 ? (unsigned long)-EINTR : before.rax;
	ptrace(PTRACE_SETREGS, pid, 0, &before);
	/* What kills it waits until it is on its way out of the call. */
	if (pending(pid, SIGSYS))
		printf("killed %d\n", SIGSYS);
	else
		printf("%ld\n", (long)r.rax);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}
#else
static int inject(pid_t pid, int argc, char **argv)
{
	printf("not on this machine\n");
	return 0;
}
#endif

/* Core dumps. Forwards, the word is an argument and would be found without being looked for. */

static void backwards(char *out, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < len; i++)
		out[i] = word[len - 1 - i];
	out[len] = 0;
}

static char *volatile nowhere;

static void hold_and_die(const char *role, const char *word)
{
	const struct sandbox *row = sandbox_find(role);
	uid_t uid = (row ? row : sandbox_find("analyst"))->uid;
	struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = memory_file("weir-queue", queue_bytes());
	char *heap = malloc(256), why[200];
	static struct queue queue;
	uint64_t written;

	if (!heap || fd < 0 || queue_map(&queue, fd))
		_exit(NOT_ENTERED);
	backwards(heap, word);
	if (queue_fill(&queue, heap, strlen(heap), &written) || setrlimit(RLIMIT_CORE, &most))
		_exit(NOT_ENTERED);
	if (row && sandbox_enter(row, why, sizeof(why)))
		_exit(NOT_ENTERED);
	if (!row && (setresuid(uid, uid, uid) || prctl(PR_SET_DUMPABLE, 1)))
		_exit(NOT_ENTERED);
	*nowhere = heap[0];
}

static int crash(const char *role, const char *word)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		hold_and_die(role, word);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !died_of(status, SIGSEGV)) {
		fprintf(stderr, "rogue: the %s did not crash as it should\n", role);
		return 2;
	}
	printf("%s\n", WCOREDUMP(status) ? "core" : "no core");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strncmp(argv[1], "role:", 5))
		return taken_over(argv[1] + 5);
	if (argc == 4 && !strcmp(argv[1], "sweep"))
		return spawn_rogue(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "filter"))
		return sandbox_find(argv[2]) ? filter_of(argv[2]) : filter_print(atoi(argv[2]));
	if (argc > 3 && !strcmp(argv[1], "inject"))
		return inject(atoi(argv[2]), argc - 3, argv + 3);
	if (argc == 4 && !strcmp(argv[1], "crash") && strlen(argv[3]) < 256)
		return crash(argv[2], argv[3]);
	fprintf(stderr, "usage: rogue sweep ROLE FOLDER | filter ROLE|PID | crash ROLE|none WORD | inject PID CALL [ARG...]\n");
	return 2;
}
