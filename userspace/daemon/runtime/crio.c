/* SPDX-License-Identifier: Apache-2.0 */
/* crio.c - CRI-O of Kubernetes: OCI configuration with annotations, in the folder of the
 * container's user data. Podman has the same folder and no such annotations. */
#include <string.h>

#include "daemon/runtime.h"

static const char *const prefixes[] = { "crio-", NULL };
static const char *const files[] = {
	"run/containers/storage/overlay-containers/%/userdata/config.json",
	"var/run/containers/storage/overlay-containers/%/userdata/config.json",
	"var/lib/containers/storage/overlay-containers/%/userdata/config.json", NULL
};

static void string(struct container *c, const char *const *key, unsigned depth, const char *value)
{
	if (depth == 2 && !strcmp(key[0], "annotations"))
		container_label(c, key[1], value);
}

extern const struct runtime runtime_crio;
const struct runtime runtime_crio = { .name = "cri-o", .summary = "CRI-O of Kubernetes", .prefixes = prefixes, .files = files, .string = string };
