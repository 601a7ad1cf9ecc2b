/* SPDX-License-Identifier: Apache-2.0 */
/* A period as a user types it: refused, or half-open and not upside down. */
#include "cli/cli.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1);
	uint64_t from = 1, to = 0;

	memcpy(text, bytes, len);
	text[len] = 0;
	if (!period_parse(text, 1795510200000ull, &from, &to))
		MUST(from <= to);
	else
		MUST(from == 1 && to == 0);
	free(text);
	return 0;
}
