/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.c - a cgroup's id is its folder's inode, as bpf_get_current_cgroup_id gives it.
 * With it the kernel side itself knows who is in scope, a process of the unit that starts
 * later from its first instruction on. */
#include "daemon/cgroup.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "bpf/wire.h"

#define CGROUP2_MAGIC 0x63677270	/* linux/magic.h */
#define OPEN_MAX_FTW 16
#define CONTAINER_MIN 12	/* characters of a container id that are enough */
#define CGROUP_PATH 1024
#define KNOWN 256

/* v2 alone, or beside v1 (systemd's hybrid layout). */
static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

static struct {
	const char *unit, *container;
	void (*found)(void *, uint64_t);
	void *owner;
	unsigned nr;
	int below;	/* level of a match whose children match too; -1: none */
	size_t root;	/* length of the mount point's name */
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

static void each_root(int (*folder)(const char *, const struct stat *, int, struct FTW *))
{
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		struct statfs fs;

		if (statfs(roots[i], &fs) || fs.f_type != CGROUP2_MAGIC)
			continue;
		walk.below = -1;
		walk.root = strlen(roots[i]);
		if (nftw(roots[i], folder, OPEN_MAX_FTW, FTW_PHYS | FTW_MOUNT))
			return;
	}
}

unsigned cgroup_find(const char *unit, const char *container, void (*found)(void *, uint64_t), void *owner)
{
	walk.unit = unit;
	walk.container = container;
	walk.found = found;
	walk.owner = owner;
	walk.nr = 0;
	each_root(on_folder);
	return walk.nr;
}

/* The last ids that were made or asked for: the processes of a host live in few cgroups, and a tree is not
 * walked for each. An id is never used again, so that "not there" stays true as well. */
static struct known { uint64_t id; char path[CGROUP_PATH]; } known[KNOWN];
static unsigned next_known;

static void known_next(uint64_t id)
{
	next_known = (next_known + 1) % KNOWN;
	known[next_known] = (struct known){ .id = id };
}

void cgroup_made(uint64_t id, const char *path)
{
	if (!path[0] || strlen(path) + 1 >= WIRE_CGROUP_PATH)
		return;
	known_next(id);
	snprintf(known[next_known].path, CGROUP_PATH, "%s", path);
}

static int on_id(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)at;
	if (type != FTW_D || st->st_ino != known[next_known].id)
		return 0;
	snprintf(known[next_known].path, CGROUP_PATH, "%s", path[walk.root] ? path + walk.root : "/");
	return 1;
}

const char *cgroup_path(uint64_t id)
{
	for (unsigned i = 0; id && i < KNOWN; i++)
		if (known[i].id == id)
			return known[i].path;
	known_next(id);
	if (id)
		each_root(on_id);
	return known[next_known].path;
}
