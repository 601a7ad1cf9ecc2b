/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c - the order of giving up, as OpenSMTPD writes it: limits, groups, ids,
 * capabilities, no way back, not traceable, dies with its parent, no files, no system
 * calls. Facts: research/reliability.md 0.7-0.9 (RLIMIT_CORE does not stop a piped core
 * dump, PR_SET_DUMPABLE 0 does, and a change of uid resets it). */
#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <malloc.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define MIB ((rlim_t)1 << 20)

/* Newer machines have only the second. */
#ifdef __NR_poll
#define POLL SCMP_SYS(poll)
#else
#define POLL SCMP_SYS(ppoll)
#endif
#define MEMORY SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk)
/* To end, to go on after a stop, and libc's last words (a smashed stack, a broken heap). */
#define COMMON SANITIZER SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(restart_syscall), SCMP_SYS(exit_group)
#ifdef __SANITIZE_ADDRESS__	/* what it does beside the program, for tests only */
#define SANITIZER \
	SCMP_SYS(read), MEMORY, SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(close), \
	SCMP_SYS(clock_gettime), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), \
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),
#else
#define SANITIZER
#endif

static const int reader_calls[] = { COMMON, SCMP_SYS(clock_nanosleep) };
static const int analyst_calls[] = { COMMON, MEMORY, POLL, SCMP_SYS(madvise), SCMP_SYS(read), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep) };
static const int recorder_calls[] = { COMMON, MEMORY, POLL, SCMP_SYS(read) };
static const int elfscan_calls[] = {
	COMMON, MEMORY, SCMP_SYS(pread64), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(fcntl),
	SCMP_SYS(recvmsg), SCMP_SYS(setitimer),	/* its file, and its alarm from then on */
};
static const int filescan_calls[] = {
	COMMON, MEMORY, SCMP_SYS(pread64), SCMP_SYS(getdents64), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(fcntl),
};
/* What it reads is open before; its output may be a file. libcrypto opens what TLS hid. */
static const int replay_calls[] = {
	COMMON, MEMORY, SCMP_SYS(madvise), SCMP_SYS(read), SCMP_SYS(dup), SCMP_SYS(fcntl), SCMP_SYS(lseek), SCMP_SYS(close),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(ioctl), SCMP_SYS(clock_gettime), SCMP_SYS(futex),
	SCMP_SYS(getrandom), SCMP_SYS(sysinfo), SCMP_SYS(getpid),
};
static const int keeper_calls[] = {
	COMMON, MEMORY, POLL, SCMP_SYS(madvise), SCMP_SYS(read), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
	/* Facts, orders, the journal. */
	SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	/* The ledger and the JSON Lines file. */
	SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(mkdirat), SCMP_SYS(renameat), SCMP_SYS(unlinkat),
	/* SQLite: its locks, journal, names, and owner of files. */
	SCMP_SYS(fcntl), SCMP_SYS(access), SCMP_SYS(unlink), SCMP_SYS(getcwd), SCMP_SYS(readlink), SCMP_SYS(lstat), SCMP_SYS(stat),
	SCMP_SYS(fchmod), SCMP_SYS(geteuid), SCMP_SYS(getpid),
	/* libcrypto, libc: first use, keys, sorting, the terminal, the start leaf. */
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(sysinfo), SCMP_SYS(ioctl), SCMP_SYS(uname),
};

/* Calls that do more than a role wants of them: allowed with these values of an argument,
 * in the bits of mask, and no others. */
#define WHOLE 0xffffffffu	/* of a command: the kernel looks at 32 bits */
static const struct { int call; unsigned arg; uint64_t mask, value; } narrowed[] = {
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },	/* memory, but never executable */
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
#ifndef __SANITIZE_ADDRESS__
	{ SCMP_SYS(madvise), 2, WHOLE, MADV_DONTNEED },	/* memory given back */
#endif
	{ SCMP_SYS(fcntl), 1, WHOLE, F_GETFL },
	{ SCMP_SYS(fcntl), 1, WHOLE, F_GETFD },
	{ SCMP_SYS(fcntl), 1, WHOLE, F_SETFD },
	{ SCMP_SYS(fcntl), 1, WHOLE, F_GETLK },
	{ SCMP_SYS(fcntl), 1, WHOLE, F_SETLK },
	{ SCMP_SYS(ioctl), 1, WHOLE, TCGETS },	/* is it a terminal; another could type into it */
};

#define CALLS(a) (a), sizeof(a) / sizeof((a)[0])
#define ID(n) SANDBOX_UID_BASE + (n), SANDBOX_UID_BASE + (n)
static const struct sandbox rows[] = {
	/* role       ids    system calls            grows by  files  file size      folder; analyst and keeper are told */
	{ "reader",   ID(1), CALLS(reader_calls),    4 * MIB,  16,    0,             -1, false },
	{ "analyst",  ID(2), CALLS(analyst_calls),   0,        16,    0,             -1, false },
	{ "keeper",   ID(3), CALLS(keeper_calls),    0,        64,   RLIM_INFINITY, -1, false },
	{ "elfscan",  ID(4), CALLS(elfscan_calls),   64 * MIB, 16,    0,             -1, false },
	{ "recorder", ID(5), CALLS(recorder_calls),  16 * MIB, 16,    RLIM_INFINITY, -1, false },
	{ "filescan", ID(6), CALLS(filescan_calls),  16 * MIB, 32,    0,             -1, false },
	{ "replay",   ID(7), CALLS(replay_calls),    RLIM_INFINITY, 16, RLIM_INFINITY, -1, true },
};

const struct sandbox *sandbox_find(const char *role)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].role, role))
			return &rows[i];
	return NULL;
}

const char *sandbox_uid_taken(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct passwd *pw = getpwuid(rows[i].uid);

		if (pw)
			return pw->pw_name;
	}
	return NULL;
}

static int limit(int what, rlim_t value)
{
	struct rlimit now, l = { value, value };

	if (getrlimit(what, &now))
		return -1;
	if (now.rlim_max < value)
		l.rlim_cur = l.rlim_max = now.rlim_max;	/* stricter already */
	return setrlimit(what, &l);
}

/* What is mapped now: program, libraries, ring and queue. */
static rlim_t mapped(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int limit_memory(const struct sandbox *s)
{
#ifdef __SANITIZE_ADDRESS__	/* its shadow is 16 TiB of address space */
	(void)s;
	(void)mapped;
	return 0;
#else
	rlim_t now = mapped();

	if (s->grow == RLIM_INFINITY)
		return 0;
	return now ? limit(RLIMIT_AS, now + s->grow) : -1;
#endif
}

static int limits(const struct sandbox *s)
{
	return limit(RLIMIT_CORE, 0) || limit(RLIMIT_NPROC, 0) || limit(RLIMIT_NOFILE, s->nofile) ||
	       limit(RLIMIT_FSIZE, s->fsize) || limit_memory(s);
}

/* While it is root still: with an empty bound not even a file's capabilities come back. */
static int bounds(void)
{
	for (cap_value_t c = 0; c <= CAP_LAST_CAP; c++)
		if (prctl(PR_CAPBSET_DROP, c) && errno != EINVAL)	/* newer than the kernel */
			return -1;
	return 0;
}

static int ids(const struct sandbox *s)
{
	return setgroups(0, NULL) || setresgid(s->gid, s->gid, s->gid) || setresuid(s->uid, s->uid, s->uid);
}

static int no_capabilities(void)
{
	cap_t none = cap_init();
	int err;

	if (!none)
		return -1;
	err = cap_set_proc(none);
	cap_free(none);
	return err;
}

/* Rights are known by the kernel's version of landlock; an unknown right is refused. */
static int landlock(const struct sandbox *s)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct { uint64_t fs, net, scoped; } attr = { 0 };
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	long ruleset;
	int err;

	if (abi < 1) {
		log_debug("no landlock on this kernel: seccomp stands alone");
		return 0;
	}
	attr.fs = abi >= 5 ? 0xffff : abi >= 3 ? 0x7fff : abi >= 2 ? 0x3fff : 0x1fff;
	attr.net = abi >= 4 ? 3 : 0;	/* bind and connect */
	attr.scoped = abi >= 6 ? 3 : 0;	/* abstract sockets and signals of others */
	ruleset = syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (ruleset < 0)
		return -1;
	if (s->landlock_dir >= 0) {
		struct landlock_path_beneath_attr rule = {
			.parent_fd = s->landlock_dir,
			.allowed_access = attr.fs & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE,
		};

		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
			return -1;
	}
	err = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	close((int)ruleset);
	return err;
}

bool sandbox_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static int allow(scmp_filter_ctx f, int call)
{
	bool narrow = false;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(narrowed) / sizeof(narrowed[0]); i++) {
		if (narrowed[i].call != call)
			continue;
		narrow = true;
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1,
				       SCMP_CMP(narrowed[i].arg, SCMP_CMP_MASKED_EQ, narrowed[i].mask, narrowed[i].value));
	}
	return narrow || err ? err : seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 0);
}

static int filter(const struct sandbox *s)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = f ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < s->nr_syscalls; i++)
		err = allow(f, s->syscalls[i]);
	if (!err)
		err = seccomp_load(f);
	seccomp_release(f);
	return err;
}

static int die_with_parent(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent;
}

int sandbox_enter(const struct sandbox *s, char *why, size_t why_size)
{
	pid_t parent = getppid();
	const char *step = NULL;
	bool root = !s->anyone || !geteuid();

	/* A second heap, which libc tries when the first is full, would want calls that nobody has. */
	(void)mallopt(M_ARENA_MAX, 1);
	signal(SIGXFSZ, SIG_IGN);	/* a log that is a file is refused what is above the limit; no reason to die */
	if (limits(s))
		step = "limits";
	else if (root && bounds())
		step = "capability bounds";
	else if (root && ids(s))
		step = "user and group ids";
	else if (no_capabilities())
		step = "capabilities";
	else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		step = "no new privileges";
	else if (prctl(PR_SET_DUMPABLE, 0))
		step = "not traceable";
	else if (die_with_parent(parent))
		step = "die with the parent";
	else if (landlock(s))
		step = "landlock";
	else if (filter(s))
		step = "seccomp";
	if (!step)
		return 0;
	snprintf(why, why_size, "%s: %s", step, strerror(errno));
	return -1;
}

int sandbox_reduce_monitor(bool admin, char *why, size_t why_size)
{
	const cap_value_t keep[] = {
		CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,	/* other processes' /proc entries */
		/* Uprobes by perf events; else only what it is also good for: /proc/PID/map_files. */
		admin ? CAP_SYS_ADMIN : CAP_CHECKPOINT_RESTORE,
		CAP_BPF, CAP_PERFMON,
		CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL,	/* to replace a role that died */
	};
	cap_t caps = cap_init();
	int err = -1;

	if (caps && !cap_set_flag(caps, CAP_PERMITTED, sizeof(keep) / sizeof(keep[0]), keep, CAP_SET) &&
	    !cap_set_flag(caps, CAP_EFFECTIVE, sizeof(keep) / sizeof(keep[0]), keep, CAP_SET))
		err = cap_set_proc(caps);
	if (err)
		snprintf(why, why_size, "%s", strerror(errno));
	for (cap_value_t c = 0; !err && c <= CAP_LAST_CAP; c++) {
		bool kept = false;

		for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
			kept |= keep[i] == c;
		if (!kept)
			(void)prctl(PR_CAPBSET_DROP, c);	/* newer than the kernel: EINVAL, nothing to drop */
	}
	cap_free(caps);
	return err;
}
