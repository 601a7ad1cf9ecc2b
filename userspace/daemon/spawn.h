/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.h - exec of one role with exactly the descriptors of its row. Used by the
 * monitor only. */
#ifndef WEIR_SPAWN_H
#define WEIR_SPAWN_H
#include <sys/types.h>

struct role_fd { int number, fd; };	/* `number` in the role, `fd` of ours; fd -1: /dev/null */
struct role_plan {
	const char *name;		/* "reader" */
	struct role_fd fds[40];
	unsigned nr_fds;
	const char *args[40];		/* after "role:NAME"; borrowed */
	unsigned nr_args;
	int keep_stdout;		/* else /dev/null */
	int urgent;			/* it runs before others, as the monitor does */
};
/* From now on this process runs before others that want a CPU, unless whoever started it has decided that already:
 * monitor and reader have little to do, and what waits for them may be lost, or be told without its name. */
void run_first(void);
void role_plan_fd(struct role_plan *, int number, int fd);
void role_plan_arg(struct role_plan *, const char *);
/* An argument made in the caller's room, which must live until role_spawn. */
__attribute__((format(printf, 4, 5))) void role_plan_made(struct role_plan *, char *room, size_t size, const char *fmt, ...);
/* The pid or -errno. The child is in a process group of its own, so that a Ctrl-C in
 * the terminal reaches the monitor alone, which ends the roles in order. */
pid_t role_spawn(const struct role_plan *);
/* A pair of connected SEQPACKET sockets with room for a few facts. 0 or -errno. */
int socket_pair(int fds[2], int bytes);
int memory_file(const char *name, size_t size);	/* descriptor or -errno */
/* As memory_file(), mapped here for writing at *mine, for as long as the process lives; no other mapping, in
 * whatever process, can be written or be made writable. */
int memory_to_read(const char *name, size_t size, void **mine);
#endif
