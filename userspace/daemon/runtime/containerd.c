/* SPDX-License-Identifier: Apache-2.0 */
/* containerd.c - containerd, below Kubernetes and below nerdctl. A running task has a bundle,
 * the OCI configuration with what its client has to say in annotations; namespaces are
 * folders ("k8s.io", "default", "moby" of Docker, whose own file knows more). */
#include <string.h>

#include "daemon/runtime.h"

static const char *const prefixes[] = { "cri-containerd-", "nerdctl-", NULL };
static const char *const files[] = {
	"run/containerd/io.containerd.runtime.v2.task/*/%/config.json",
	"run/k3s/containerd/io.containerd.runtime.v2.task/*/%/config.json",
	"var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task/*/%/config.json",
	"run/containerd/io.containerd.runtime.v1.linux/*/%/config.json", NULL
};
static const char *const user_run_files[] = { "containerd/io.containerd.runtime.v2.task/*/%/config.json", NULL };

static void string(struct container *c, const char *const *key, unsigned depth, const char *value)
{
	if (depth == 2 && !strcmp(key[0], "annotations"))
		container_label(c, key[1], value);
}

extern const struct runtime runtime_containerd;
const struct runtime runtime_containerd = {
	.name = "containerd", .summary = "containerd of Kubernetes and nerdctl", .prefixes = prefixes, .files = files,
	.user_run_files = user_run_files, .string = string,
};
