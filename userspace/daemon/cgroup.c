/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.c - a cgroup's id is its folder's inode, as bpf_get_current_cgroup_id gives it.
 * With it the kernel side itself knows who is in scope, a process of the unit that starts
 * later from its first instruction on. */
#include "daemon/cgroup.h"

#include <ftw.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define CGROUP2_MAGIC 0x63677270	/* linux/magic.h */
#define OPEN_MAX_FTW 16
#define CONTAINER_MIN 12	/* characters of a container id that are enough */

/* v2 alone, or beside v1 (systemd's hybrid layout). */
static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

static struct {
	const char *unit, *container;
	void (*found)(void *, uint64_t);
	void *owner;
	unsigned nr;
	int below;	/* level of a match whose children match too; -1: none */
} walk;

static bool matches(const char *name)
{
	if (walk.unit && !strcmp(name, walk.unit))
		return true;
	return walk.container && strlen(walk.container) >= CONTAINER_MIN && strstr(name, walk.container);
}

static int on_folder(const char *path, const struct stat *st, int type, struct FTW *at)
{
	if (type != FTW_D)
		return 0;
	if (walk.below >= 0 && at->level <= walk.below)
		walk.below = -1;
	if (walk.below < 0 && matches(path + at->base))
		walk.below = at->level;
	if (walk.below >= 0) {
		walk.found(walk.owner, st->st_ino);
		walk.nr++;
	}
	return 0;
}

unsigned cgroup_find(const char *unit, const char *container, void (*found)(void *, uint64_t), void *owner)
{
	walk.unit = unit;
	walk.container = container;
	walk.found = found;
	walk.owner = owner;
	walk.nr = 0;
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		struct statfs fs;

		if (statfs(roots[i], &fs) || fs.f_type != CGROUP2_MAGIC)
			continue;
		walk.below = -1;
		nftw(roots[i], on_folder, OPEN_MAX_FTW, FTW_PHYS | FTW_MOUNT);
	}
	return walk.nr;
}
