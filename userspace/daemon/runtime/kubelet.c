/* SPDX-License-Identifier: Apache-2.0 */
/* kubelet.c - any runtime below Kubernetes, when nothing else tells: the kubelet links the logs
 * of all containers as POD_NAMESPACE_CONTAINER-ID.log. */
#include <string.h>

#include "classify/names.h"
#include "daemon/runtime.h"

static void piece(char out[NAME_SIZE], const char *s, size_t len)
{
	name_clean(out, s, len);
}

/* A pod's and a namespace's name have no '_' (RFC 1123 labels). */
static bool log_name(struct container *c, const char *s)
{
	size_t len = strlen(s), id = strlen(c->id), pod = strcspn(s, "_"), space;

	if (len < id + 5 || strcmp(s + len - 4, ".log") || strncmp(s + len - 4 - id, c->id, id) || s[len - 5 - id] != '-' || !s[pod])
		return false;
	space = strcspn(s + pod + 1, "_");
	if (pod + 1 + space + 1 >= len - 5 - id)
		return false;
	piece(c->pod, s, pod);
	piece(c->pod_namespace, s + pod + 1, space);
	piece(c->name, s + pod + 1 + space + 1, len - 5 - id - (pod + 1 + space + 1));
	return true;
}

extern const struct runtime runtime_kubelet;
const struct runtime runtime_kubelet = { .name = "kubernetes", .summary = "containers of Kubernetes by their logs", .folder = "var/log/containers", .entry = log_name };
