/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.h - container runtimes: how each calls a cgroup, and which files of its tell of a
 * container. Asks no daemon: reads files, each below one root, of bounded size and strictly
 * parsed, since what lies in them a tenant may have written. So they are opened and parsed
 * by a process of their own, the role filescan: opened as whoever wrote them, parsed in its
 * sandbox. The monitor uses the rows only. */
#ifndef WEIR_RUNTIME_H
#define WEIR_RUNTIME_H
#include "daemon/container.h"

/* What is being told of one container. Empty: not said. */
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
	/* A folder whose entries' names tell; false: this one does not. May be NULL. */
	const char *folder;
	bool (*entry)(struct container *, const char *name);
};
unsigned runtime_count(void);
const struct runtime *runtime_get(unsigned);
/* For rows: a label or annotation by which orchestrators say whose a container is. */
void container_label(struct container *, const char *label, const char *value);

/* Takes what the text of such a file tells; false: nothing of c, which then stays, or it is not JSON. */
bool container_text(const struct runtime *, const char *text, size_t len, struct container *c);

#define RUNTIME_FILES 16	/* of one container that are looked at */
struct runtime_file { int fd; uint8_t row; bool folder; };
struct runtime_files { struct runtime_file file[RUNTIME_FILES]; unsigned nr; };
/* Opens what all rows name below root (a folder's descriptor): of the system's containers
 * (user -1), or of a user's, below that user's folders. Reads none of it. */
void runtime_open(int root, int64_t user, const char *id, struct runtime_files *);
/* The first that tells of the container is believed; false: none does. Closes them all. */
bool runtime_tell(struct runtime_files *, const char *id, struct container_names *);
#endif
