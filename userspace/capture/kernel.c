/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kernel.h"

#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Parsing takes 10 ms, and there are several questions. */
static struct { struct btf *btf; char path[PATH_MAX]; } last;

static const struct btf *parsed(const char *path)
{
	if (last.btf && !strcmp(last.path, path))
		return last.btf;
	capture_kernel_forget();
	last.btf = btf__parse(path, NULL);
	snprintf(last.path, sizeof(last.path), "%s", path);
	return last.btf;
}

void capture_kernel_forget(void)
{
	btf__free(last.btf);
	last.btf = NULL;
}

int capture_kernel_knows(const char *btf_path, const char *type)
{
	const struct btf *btf = parsed(btf_path);

	if (!btf)
		return -errno;
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0 || btf__find_by_name_kind(btf, type, BTF_KIND_FUNC) > 0;
}

static bool has_member(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (uint32_t i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member))
			return true;
	return false;
}

int capture_kernel_mixes_probes(const char *btf_path, const char *version)
{
	const struct btf *btf;

	if (!strstr(version, "PREEMPT"))
		return 0;
	btf = parsed(btf_path);
	if (!btf)
		return -errno;
	return has_member(btf, "bpf_subprog_info", "priv_stack_mode") && !has_member(btf, "bpf_subprog_info", "might_sleep");
}
