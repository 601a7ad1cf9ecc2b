/* SPDX-License-Identifier: Apache-2.0 */
/* Raw names: what comes out is short, of one charset, and no formula of a spreadsheet. */
#include "classify/names.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *raw = (char *)exact(bytes, len), name[NAME_SIZE], again[NAME_SIZE], path[EXE_SIZE];
	size_t n = name_clean(name, raw, len);

	MUST(n == strlen(name) && n < NAME_SIZE && is_clean(name, sizeof(name)));
	MUST(name[0] != '+' && name[0] != '-');
	MUST(name_clean(again, raw, len) == n && !memcmp(again, name, n + 1));
	n = name_clean_path(path, raw, len);
	MUST(n == strlen(path) && n < EXE_SIZE && is_clean(path, sizeof(path)));
	free(raw);
	return 0;
}
