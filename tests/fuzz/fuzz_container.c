/* SPDX-License-Identifier: Apache-2.0 */
/* A file that a container runtime wrote, or somebody in its place: the first byte is the
 * runtime. Names come out clean, and of what is not JSON nothing comes. */
#include "daemon/runtime.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	const struct runtime *row = len ? runtime_get(bytes[0] % runtime_count()) : NULL;
	struct container c = { .id = id, .name = "before" };
	char *text;

	if (!row || !row->string)
		return 0;
	text = malloc(len);	/* of the exact size, for the sanitizer */
	memcpy(text, bytes + 1, len - 1);
	if (container_text(row, text, len - 1, &c))
		MUST(c.name[0] || c.pod[0] || c.plain[0]);
	else
		MUST(!strcmp(c.name, "before") && !c.plain[0]);
	MUST(is_clean(c.name, NAME_SIZE) && is_clean(c.plain, NAME_SIZE) && is_clean(c.pod, NAME_SIZE) && is_clean(c.pod_namespace, NAME_SIZE));
	free(text);
	return 0;
}
