/* SPDX-License-Identifier: Apache-2.0 */
/* lxc.c - LXC, LXD and Incus: the cgroup has the container's name. What starts a container
 * lies beside it in lxc.monitor.NAME and is none. */
#include <stdio.h>
#include <string.h>

#include "daemon/runtime.h"

static bool named(const char *s, size_t len, char out[256])
{
	static const char prefix[] = "lxc.payload.";
	size_t n = sizeof(prefix) - 1;

	if (len <= n || len - n > 255 || strncmp(s, prefix, n))
		return false;
	snprintf(out, 256, "%.*s", (int)(len - n), s + n);
	return true;
}

extern const struct runtime runtime_lxc;
const struct runtime runtime_lxc = { .name = "lxc", .summary = "LXC, LXD and Incus", .named = named };
