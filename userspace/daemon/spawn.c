/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIGH_FD 200	/* staging area above every number of a role */

void role_plan_fd(struct role_plan *p, int number, int fd)
{
	if (p->nr_fds < sizeof(p->fds) / sizeof(p->fds[0]))
		p->fds[p->nr_fds++] = (struct role_fd){ number, fd };
}

void role_plan_arg(struct role_plan *p, const char *arg)
{
	if (p->nr_args < sizeof(p->args) / sizeof(p->args[0]) - 1)
		p->args[p->nr_args++] = arg;
}

void role_plan_made(struct role_plan *p, char *room, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(room, size, fmt, ap);
	va_end(ap);
	role_plan_arg(p, room);
}

/* In the child, between fork and exec: only async-signal-safe calls. Descriptors are
 * first lifted out of the way, then put at their numbers: a number may be another's fd. */
static void child_fds(const struct role_plan *p, int null)
{
	int lifted[40];

	dup2(null, STDIN_FILENO);
	if (!p->keep_stdout)
		dup2(null, STDOUT_FILENO);
	for (unsigned i = 0; i < p->nr_fds; i++) {
		lifted[i] = fcntl(p->fds[i].fd < 0 ? null : p->fds[i].fd, F_DUPFD, HIGH_FD);
		if (lifted[i] < 0)
			_exit(126);
	}
	for (int fd = 3; fd < HIGH_FD; fd++)
		close(fd);
	for (unsigned i = 0; i < p->nr_fds; i++)
		if (dup2(lifted[i], p->fds[i].number) < 0)
			_exit(126);
	syscall(SYS_close_range, HIGH_FD, ~0u, 0);
}

#define NICE_FIRST (-5)

void run_first(void)
{
	if (!getpriority(PRIO_PROCESS, 0))
		(void)setpriority(PRIO_PROCESS, 0, NICE_FIRST);	/* where it may not, it runs like others */
}

pid_t role_spawn(const struct role_plan *p)
{
	char title[32];
	char *argv[44] = { (char *)"weir", title };
	const char *keep[] = { "NO_COLOR", "TERM", NULL };
	char env[2][64], *envp[3];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), nr_env = 0;
	pid_t parent = getpid(), pid;

	if (null < 0)
		return -errno;
	snprintf(title, sizeof(title), "role:%s", p->name);
	for (unsigned i = 0; i < p->nr_args; i++)
		argv[2 + i] = (char *)(uintptr_t)p->args[i];
	for (int i = 0; keep[i]; i++)
		if (getenv(keep[i])) {
			snprintf(env[nr_env], sizeof(env[0]), "%s=%s", keep[i], getenv(keep[i]));
			envp[nr_env] = env[nr_env];
			nr_env++;
		}
	envp[nr_env] = NULL;
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		/* From the first moment: what is not in its sandbox yet must not outlive the monitor either. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(126);
		if (p->urgent)
			run_first();
		else if (getpriority(PRIO_PROCESS, 0) == NICE_FIRST)
			(void)setpriority(PRIO_PROCESS, 0, 0);
		child_fds(p, null);
		execve("/proc/self/exe", argv, envp);
		_exit(127);
	}
	close(null);
	return pid < 0 ? -errno : pid;
}

int socket_pair(int fds[2], int bytes)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
			(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}

/* Nobody may shrink it under a mapping of another. */
static int memory_make(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, (off_t)size) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int memory_seal(int fd, int seals)
{
	int err;

	if (!fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SEAL))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int memory_file(const char *name, size_t size)
{
	int fd = memory_make(name, size);

	return fd < 0 ? fd : memory_seal(fd, 0);
}

int memory_to_read(const char *name, size_t size, void **mine)
{
	int fd = memory_make(name, size);

	*mine = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0)
		return fd;
	if (*mine == MAP_FAILED) {
		int err = -errno;

		close(fd);
		return err;
	}
	/* Of all mappings to come, and for as long as they are there (Linux 5.1). */
	fd = memory_seal(fd, F_SEAL_FUTURE_WRITE);
	if (fd < 0)
		munmap(*mine, size);
	return fd;
}
