/* SPDX-License-Identifier: Apache-2.0 */
/* podman.c - Podman, the system's and each user's. Its storage has one list of all containers:
 *	[{"id":"…","names":["web"],"image":"…",…},…]
 * and a second of those that are gone after a restart. */
#include <string.h>

#include "classify/names.h"
#include "daemon/runtime.h"

static const char *const prefixes[] = { "libpod-payload-", "libpod-", NULL };
static const char *const files[] = {
	"var/lib/containers/storage/overlay-containers/containers.json",
	"var/lib/containers/storage/overlay-containers/volatile-containers.json",
	"run/containers/storage/overlay-containers/volatile-containers.json",
	"var/lib/containers/storage/vfs-containers/containers.json",
	"var/lib/containers/storage/vfs-containers/volatile-containers.json",
	"run/containers/storage/vfs-containers/volatile-containers.json", NULL
};
static const char *const user_files[] = {
	"containers/storage/overlay-containers/containers.json", "containers/storage/overlay-containers/volatile-containers.json",
	"containers/storage/vfs-containers/containers.json", "containers/storage/vfs-containers/volatile-containers.json", NULL
};
static const char *const user_run_files[] = {
	"containers/overlay-containers/volatile-containers.json", "containers/vfs-containers/volatile-containers.json", NULL
};

static void string(struct container *c, const char *const *key, unsigned depth, const char *value)
{
	if (depth == 2 && !strcmp(key[1], "id"))
		c->here = !strcmp(value, c->id);
	if (depth == 3 && !strcmp(key[1], "names") && c->here && !c->plain[0])
		name_clean(c->plain, value, strlen(value));
}

extern const struct runtime runtime_podman;
const struct runtime runtime_podman = {
	.name = "podman", .summary = "Podman, rootless too", .prefixes = prefixes, .files = files, .user_files = user_files,
	.user_run_files = user_run_files, .string = string,
};
