/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.h - cgroups (v2) by name and by id. Runs in the monitor. */
#ifndef WEIR_CGROUP_H
#define WEIR_CGROUP_H
#include <stdint.h>

/* Calls found with the id of each cgroup that is the unit's or container's, or lies below
 * it. Returns how many; 0 where the host has no cgroup v2. */
unsigned cgroup_find(const char *unit, const char *container, void (*found)(void *owner, uint64_t id), void *owner);
/* The path below the mount point ("/system.slice/nginx.service") of the cgroup with that
 * id, "" if there is none (any more). Valid until 256 other ids were asked for or made. */
const char *cgroup_path(uint64_t id);
void cgroup_made(uint64_t id, const char *path);	/* as the kernel side has told, cut or not: it may be gone when it is asked for */
#endif
