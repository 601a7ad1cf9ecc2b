/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup path, whose components any tenant of the host may choose. */
#include "daemon/proc.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct process_facts f = { .comm = "" };
	char *path = malloc(len + 1);

	memcpy(path, bytes, len);
	path[len] = 0;
	proc_cgroup(path, &f);
	MUST(is_clean(f.unit, sizeof(f.unit)) && is_clean(f.container, sizeof(f.container)));
	MUST(!f.container[0] || strlen(f.container) == 12);
	free(path);
	return 0;
}
