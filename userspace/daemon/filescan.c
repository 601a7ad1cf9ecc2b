/* SPDX-License-Identifier: Apache-2.0 */
/* filescan.c - looks for the names of one container in the files of its runtime, in a process
 * of its own: the files may be a user's or another container's, on a disk that does not
 * answer, and hold anything. They are opened with the rights of whose they are, before the
 * sandbox, and read in it. */
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <grp.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/runtime.h"
#include "daemon/sandbox.h"

#define FD_ROOT 3
#define FD_ANSWER 4
#define SECONDS 5	/* sixteen files of 4 MiB, from a slow disk */
#define CPU_SECONDS 2
#define NOBODY 65534	/* a group that owns nothing */

/* For the eyes of the file system only: links that a user has made lead to what that user may read.
 * This takes away, too, that the process dies with its parent. */
static bool look_as(uid_t user)
{
	pid_t parent = getppid();

	if (!user)
		return true;
	if (setgroups(0, NULL))
		return false;
	setfsgid(NOBODY);
	setfsuid(user);
	return setfsuid((uid_t)-1) == (int)user && !prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent;
}

int filescan_main(int argc, char **argv)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	struct container_names names;
	struct runtime_files files;
	char why[256];

	alarm(SECONDS);
	setrlimit(RLIMIT_CPU, &cpu);
	if (argc != 5 || !look_as((uid_t)strtoul(argv[4], NULL, 10)))
		return 1;
	runtime_open(FD_ROOT, strtoll(argv[3], NULL, 10), argv[2], &files);
	close(FD_ROOT);
	if (sandbox_enter(sandbox_find("filescan"), why, sizeof(why))) {
		log_error("cannot drop privileges: %s", why);
		return 1;
	}
	runtime_tell(&files, argv[2], &names);
	return write(FD_ANSWER, &names, sizeof(names)) == (ssize_t)sizeof(names) ? 0 : 1;
}
