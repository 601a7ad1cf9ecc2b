/* SPDX-License-Identifier: Apache-2.0 */
/* container.h - which container a cgroup is, and what its runtime wrote about it on this host.
 * Runs in the monitor. Asks no daemon: reads files, each below one root, of bounded size and
 * strictly parsed, since what lies in them a tenant may have chosen. Names pass name_clean. */
#ifndef WEIR_CONTAINER_H
#define WEIR_CONTAINER_H
#include <sys/types.h>
#include "model/facts.h"

#define CONTAINER_ID 64	/* hex digits */

struct runtime;

/* What the path of a cgroup says. */
struct place {
	char unit[NAME_SIZE];
	char id[CONTAINER_ID + 1];	/* of the innermost container; empty: it has a name only, or is none */
	char name[NAME_SIZE];		/* of a runtime that names the cgroup after it */
	const struct runtime *runtime;	/* NULL: not said, or no container */
	int64_t user;			/* whose service manager it is below; -1: the system's */
	bool nested;			/* inside another container */
	char outer[CONTAINER_ID + 1];	/* id of that, or its name */
};
void place_init(struct place *);
/* One path, "/system.slice/docker-….scope". The more telling of several stays. */
void place_read(struct place *, const char *path, size_t len);

/* What a runtime's files say. Empty: not said. */
struct container {
	const char *id;			/* the one that is looked for */
	const struct runtime *runtime;
	char name[NAME_SIZE], pod[NAME_SIZE], pod_namespace[NAME_SIZE];
	char plain[NAME_SIZE];		/* a name that any of the above is better than */
	bool here;			/* in a file about many: the one that is being told */
};

/* One row of daemon/runtime/list.def: one container runtime. */
struct runtime {
	const char *name, *summary;
	const char *const *prefixes;	/* of an id in a cgroup's name; NULL-terminated, may be NULL */
	/* A cgroup's name that is a container's own: writes that, raw. May be NULL. */
	bool (*named)(const char *component, size_t len, char out[256]);
	/* Files below a root, '%' is the id, a '*' any folder; then those below a user's data folder
	 * and below the user's run folder. NULL-terminated, may be NULL. */
	const char *const *files, *const *user_files, *const *user_run_files;
	/* One string of such a file; see json_read.h. */
	void (*string)(struct container *, const char *const *key, unsigned depth, const char *value);
	/* In the place of files: looks itself. */
	bool (*search)(int root, struct container *);
};
unsigned runtime_count(void);
const struct runtime *runtime_get(unsigned);
/* For rows: a label or annotation by which orchestrators say whose a container is. */
void container_label(struct container *, const char *label, const char *value);

/* Takes what the text of such a file tells; false: nothing of c, which then stays, or it is not JSON. */
bool container_text(const struct runtime *, const char *text, size_t len, struct container *c);

/* Looks in all rows' files below root (a folder's descriptor); home: a user's home folder
 * below it, "/home/ana", run: "/run/user/1000", NULL for the system's containers. */
bool container_find(int root, const char *home, const char *run, struct container *);
/* Fills unit, container, container_id, runtime, pod, pod_namespace of a process; pid 0: it is
 * gone. root: the host's. Remembers what it found of the last containers for a minute. */
void container_facts(int root, pid_t pid, const struct place *, struct process_facts *);
#endif
