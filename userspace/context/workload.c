/* SPDX-License-Identifier: Apache-2.0 */
/* workload.c - the name of a workload: pod ("namespace/pod") or container, else a system service, else the
 * executable. A login scope or a user's service manager is nobody's workload: the same
 * program run from two shells is one. */
#include <stdio.h>
#include <string.h>

#include "context/context.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_service(const char *unit)
{
	size_t n = strlen(unit);

	return n > 8 && !strcmp(unit + n - 8, ".service") && strncmp(unit, "user@", 5);
}

void workload_name(char out[NAME_SIZE], const struct process_facts *p)
{
	const char *exe = p->exe[0] ? base_name(p->exe) : p->comm;

	if (p->pod[0])
		snprintf(out, NAME_SIZE, "%.31s%s%.32s", p->pod_namespace, p->pod_namespace[0] ? "/" : "", p->pod);
	else if (p->container[0])
		snprintf(out, NAME_SIZE, "%s", p->container);
	else if (is_service(p->unit))
		snprintf(out, NAME_SIZE, "%s", p->unit);
	else if (p->script[0])
		snprintf(out, NAME_SIZE, "%.40s:%.23s", exe, p->script);
	else
		snprintf(out, NAME_SIZE, "%.64s", exe[0] ? exe : "unknown");
}
