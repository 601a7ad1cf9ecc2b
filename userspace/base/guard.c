/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guard.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A group that has its owner's own number holds nobody else (useradd makes it so). */
static bool open_to_others(const struct stat *st)
{
	bool own_group = !st->st_gid || st->st_gid == st->st_uid;

	return (st->st_mode & S_IWOTH) || ((st->st_mode & S_IWGRP) && !own_group);
}

static bool place_guarded(const char *path, bool last, uid_t *owner, char *why, size_t why_size)
{
	struct stat st;

	if (stat(path, &st))
		return true;
	if (st.st_uid && !*owner)
		*owner = st.st_uid;
	if (!open_to_others(&st) || (!last && S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)))
		return true;
	snprintf(why, why_size, "%s can be written by others (mode %04o)", path, st.st_mode & 07777);
	return false;
}

static bool way_guarded(char *path, uid_t *owner, char *why, size_t why_size)
{
	for (char *p = path + 1; *p; p++) {
		bool guarded;

		if (*p != '/')
			continue;
		*p = 0;
		guarded = place_guarded(path, false, owner, why, why_size);
		*p = '/';
		if (!guarded)
			return false;
	}
	return place_guarded(path, true, owner, why, why_size);
}

/* Both ways: the one that was written, whose links could be turned, and where it leads. */
bool path_guarded(const char *path, uid_t *owner, char *why, size_t why_size)
{
	char written[PATH_MAX], real[PATH_MAX];
	int n = 0;

	*owner = 0;
	if (path[0] != '/') {
		if (!realpath(".", real))
			real[0] = 0;
		n = snprintf(written, sizeof(written), "%s/", real);
	}
	if (n < 0 || n + strlen(path) >= sizeof(written)) {
		snprintf(why, why_size, "%.80s... is too long a path", path);
		return false;
	}
	memcpy(written + n, path, strlen(path) + 1);
	if (!way_guarded(written, owner, why, why_size))
		return false;
	return !realpath(path, real) || way_guarded(real, owner, why, why_size);
}
