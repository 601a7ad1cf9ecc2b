/* SPDX-License-Identifier: Apache-2.0 */
/* container.h - which container a cgroup is, by the path of the cgroup, and how that becomes
 * facts. Runs in the monitor: what the runtime wrote about the container is read by the role
 * filescan (daemon/runtime.h), whose answer is checked here. Names pass name_clean. */
#ifndef WEIR_CONTAINER_H
#define WEIR_CONTAINER_H
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
static inline bool place_is_container(const struct place *p)
{
	return p->id[0] || p->name[0];
}
bool container_is_id(const char *);	/* 64 hex digits, as opposed to a name */

/* What a runtime's files say, as filescan answers it. Empty: not said. */
#define RUNTIME_UNKNOWN UINT32_MAX
struct container_names {
	uint32_t runtime;	/* its row; RUNTIME_UNKNOWN: no file told of it */
	char name[NAME_SIZE], pod[NAME_SIZE], pod_namespace[NAME_SIZE];
};
/* Of a helper that has read a tenant's files: false, it makes no sense; its names pass name_clean again. */
bool container_names_check(struct container_names *);
bool container_named(const struct container_names *);	/* there is any name; may be NULL */

/* Fills unit, container, container_id, runtime, pod, pod_namespace of a process. names: its
 * container's, outer: of the one around that; NULL: not known, then ids are left. */
void container_facts(const struct place *, const struct container_names *names, const struct container_names *outer, struct process_facts *);
#endif
