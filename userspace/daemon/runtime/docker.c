/* SPDX-License-Identifier: Apache-2.0 */
/* docker.c - Docker, and Kubernetes over it. Its root folder has a file for each container:
 *	{"ID":"…","Name":"/web","Config":{"Labels":{"io.kubernetes.pod.name":"…"}}} */
#include <string.h>

#include "classify/names.h"
#include "daemon/runtime.h"

static const char *const prefixes[] = { "docker-", NULL };
static const char *const files[] = {
	"var/lib/docker/containers/%/config.v2.json", "var/snap/docker/common/var-lib-docker/containers/%/config.v2.json", NULL
};
static const char *const user_files[] = { "docker/containers/%/config.v2.json", NULL };

static void string(struct container *c, const char *const *key, unsigned depth, const char *value)
{
	if (depth == 1 && !strcmp(key[0], "Name"))
		name_clean(c->plain, value + (*value == '/'), strlen(value + (*value == '/')));
	if (depth == 3 && !strcmp(key[0], "Config") && !strcmp(key[1], "Labels"))
		container_label(c, key[2], value);
}

extern const struct runtime runtime_docker;
const struct runtime runtime_docker = {
	.name = "docker", .summary = "Docker, rootless too", .prefixes = prefixes, .files = files, .user_files = user_files, .string = string,
};
