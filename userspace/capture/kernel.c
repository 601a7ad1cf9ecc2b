/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kernel.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdbool.h>

int capture_kernel_knows(const char *btf_path, const char *type)
{
	struct btf *btf = btf__parse(btf_path, NULL);
	int err = btf ? 0 : -errno;
	bool known = btf && (btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0 || btf__find_by_name_kind(btf, type, BTF_KIND_FUNC) > 0);

	btf__free(btf);
	return err ? err : known;
}
