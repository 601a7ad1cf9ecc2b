/* SPDX-License-Identifier: Apache-2.0 */
/* inject.c - makes the n-th call of a keeper fail, write short, or be its last:
 *
 *   inject FAULT N REPORT COMMAND...
 *
 * FAULT is count, eio, sync (EIO, of syncs only), enospc, edquot, erofs, short (half is written), torn (half, then
 * SIGKILL) or kill (SIGKILL instead of the call). Counted are the calls that the fault
 * means something to, of the first process below COMMAND whose role is the keeper, from
 * the moment that it is in its sandbox. REPORT gets "N CALL" for the n-th, or one line a
 * call with count. Exits as COMMAND does, 128 + signal when that was killed.
 *
 * Injectors at hand skip a call by making it number -1, and the keeper's filter kills for
 * that. Here it becomes getpid, which every role may, and what it returns is changed. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READS = 1, CHANGES = 2, ALLOCATES = 4, WRITES = 8, SYNCS = 16 };
static const struct call { long nr; const char *name; unsigned kind; } calls[] = {
	{ SYS_openat, "openat", READS | CHANGES | ALLOCATES },
	{ SYS_pread64, "pread64", READS },
	{ SYS_pwrite64, "pwrite64", CHANGES | ALLOCATES | WRITES },
	{ SYS_fsync, "fsync", CHANGES | ALLOCATES | SYNCS },
	{ SYS_fdatasync, "fdatasync", CHANGES | ALLOCATES | SYNCS },
	{ SYS_ftruncate, "ftruncate", CHANGES },
	{ SYS_fallocate, "fallocate", CHANGES | ALLOCATES },
	{ SYS_renameat, "renameat", CHANGES | ALLOCATES },
	{ SYS_mkdirat, "mkdirat", CHANGES | ALLOCATES },
	{ SYS_unlinkat, "unlinkat", CHANGES },
	{ SYS_newfstatat, "newfstatat", READS },
	{ SYS_fstat, "fstat", READS },
	{ SYS_lseek, "lseek", READS },
	{ SYS_fcntl, "fcntl", READS },
#ifdef SYS_open
	{ SYS_open, "open", READS | CHANGES | ALLOCATES }, { SYS_unlink, "unlink", CHANGES }, { SYS_rename, "rename", CHANGES | ALLOCATES },
	{ SYS_mkdir, "mkdir", CHANGES | ALLOCATES }, { SYS_stat, "stat", READS }, { SYS_lstat, "lstat", READS },
	{ SYS_access, "access", READS },
#endif
};

static const struct fault { const char *name; int err; unsigned kind; bool half, kill; } faults[] = {
	{ "count", 0, READS | CHANGES, false, false }, { "eio", EIO, READS | CHANGES, false, false },
	{ "sync", EIO, SYNCS, false, false },
	{ "enospc", ENOSPC, ALLOCATES, false, false }, { "edquot", EDQUOT, ALLOCATES, false, false },
	{ "erofs", EROFS, CHANGES, false, false }, { "short", 0, WRITES, true, false },
	{ "torn", 0, WRITES, true, true }, { "kill", 0, CHANGES, false, true },
};

/* Of the keeper that is followed. */
static struct { pid_t pid; bool boxed, entered, faking, dying; int err; } keeper;
static const struct fault *fault;
static unsigned long at, seen;
static bool hit;
static FILE *report;

#if defined(__x86_64__)
static void call_set(pid_t pid, long nr, int arg, unsigned long value)
{
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, pid, NULL, &r);
	r.orig_rax = (unsigned long)nr;
	if (arg == 2)
		r.rdx = value;
	ptrace(PTRACE_SETREGS, pid, NULL, &r);
}

static void result_set(pid_t pid, long value)
{
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, pid, NULL, &r);
	r.rax = (unsigned long)value;
	ptrace(PTRACE_SETREGS, pid, NULL, &r);
}
#elif defined(__aarch64__)
static void call_set(pid_t pid, long nr, int arg, unsigned long value)
{
	struct user_regs_struct r;
	int number = (int)nr;
	struct iovec v = { &r, sizeof(r) }, n = { &number, sizeof(number) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
	if (arg >= 0)
		r.regs[arg] = value;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &n);
}

static void result_set(pid_t pid, long value)
{
	struct user_regs_struct r;
	struct iovec v = { &r, sizeof(r) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
	r.regs[0] = (unsigned long)value;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
}
#else
#error "inject: the registers of this machine are not known"
#endif

static const struct call *call_find(long nr)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

/* The n-th: what becomes of it. */
static void strike(pid_t pid, const struct call *c, unsigned long length)
{
	hit = true;
	fprintf(report, "%lu %s\n", seen, c->name);
	fflush(report);
	if (fault->half)
		call_set(pid, c->nr, 2, length / 2);
	keeper.dying = fault->kill;
	if (fault->kill && !fault->half) {
		kill(pid, SIGKILL);
	} else if (!fault->half) {
		call_set(pid, SYS_getpid, -1, 0);
		keeper.faking = true;
	}
}

static void entered(pid_t pid, const struct __ptrace_syscall_info *i)
{
	const struct call *c = call_find((long)i->entry.nr);

	if (!keeper.boxed) {
		keeper.boxed = i->entry.nr == SYS_seccomp || (i->entry.nr == SYS_prctl && i->entry.args[0] == PR_SET_SECCOMP);
		return;
	}
	if (!c || !(c->kind & fault->kind) || (fault->half && i->entry.args[2] < 2))
		return;
	seen++;
	if (!at)
		fprintf(report, "%lu %s\n", seen, c->name);
	if (seen == at && !hit)
		strike(pid, c, i->entry.args[2]);
}

static void left(pid_t pid)
{
	if (keeper.faking)
		result_set(pid, -fault->err);
	if (keeper.dying)
		kill(pid, SIGKILL);
	keeper.faking = false;
}

static void on_call(pid_t pid)
{
	struct __ptrace_syscall_info i;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), &i) < 0)
		return;
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
		entered(pid, &i);
	else if (i.op == PTRACE_SYSCALL_INFO_EXIT)
		left(pid);
}

static bool role_is(pid_t pid, const char *role)
{
	char path[40], text[64] = "";
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	return n > 0 && strlen(text) + 1 < (size_t)n && !strncmp(text + strlen(text) + 1, role, strlen(role));
}

/* Goes on as it should: the keeper from call to call, everybody else at full speed. */
static void go_on(pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (sig == (SIGTRAP | 0x80)) {
		on_call(pid);
		sig = 0;
	} else if (event == PTRACE_EVENT_EXEC) {
		sig = 0;
		if (!keeper.pid && role_is(pid, "role:keeper")) {
			keeper.pid = pid;
		} else if (role_is(pid, "role:")) {
			ptrace(PTRACE_DETACH, pid, NULL, NULL);
			return;
		}
	} else if (event || sig == SIGSTOP || sig == SIGTRAP) {
		sig = 0;
	}
	ptrace(pid == keeper.pid ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, (void *)(long)sig);
}

static int follow(pid_t first)
{
	int status, code = 125;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid > 0 && WIFSTOPPED(status))
			go_on(pid, status);
		else if (pid == first)
			code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	return code;
}

static pid_t command_pid;

static void pass_on(int sig)
{
	kill(command_pid, sig);
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
			     PTRACE_O_EXITKILL;
	int status;

	for (size_t i = 0; argc > 4 && i < sizeof(faults) / sizeof(faults[0]); i++)
		if (!strcmp(argv[1], faults[i].name))
			fault = &faults[i];
	report = fault ? fopen(argv[3], "we") : NULL;
	if (!report) {
		fprintf(stderr, "usage: inject FAULT N REPORT COMMAND...\n");
		return 2;
	}
	at = strtoul(argv[2], NULL, 10);
	command_pid = fork();
	if (!command_pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[4], argv + 4);
		_exit(127);
	}
	waitpid(command_pid, &status, 0);
	if (ptrace(PTRACE_SETOPTIONS, command_pid, NULL, (void *)options)) {
		fprintf(stderr, "inject: cannot trace: %s\n", strerror(errno));
		kill(command_pid, SIGKILL);
		return 125;
	}
	signal(SIGTERM, pass_on);
	signal(SIGINT, pass_on);
	ptrace(PTRACE_CONT, command_pid, NULL, NULL);
	status = follow(command_pid);
	fclose(report);
	return status;
}
