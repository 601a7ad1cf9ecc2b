/* SPDX-License-Identifier: Apache-2.0 */
/* A leaf as the reading commands meet it: what somebody else signed, or the bytes of a
 * changed index. It is taken into an index or refused, and then asked about. */
#include "store/index.h"
#include "store/violations.h"
#include "tests/fuzz/fuzz.h"

static int on_row(void *owner, int columns, const char *const *values)
{
	struct violations *v = owner;

	for (int i = 0; i < columns; i++)
		MUST(!values[i] || strlen(values[i]) < 1 << 20);
	if (v)
		(void)violations_restore(v, columns, values, 1, 2, 3);
	return 0;
}

static void on_violation(void *owner, const char *json, size_t len, const char *line)
{
	MUST(len && json[0] == '{' && strlen(json) == len);
}

static uint64_t next_leaf(void *owner)
{
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char why[256] = "", *text = (char *)exact(bytes, len);
	struct index *x = index_open(NULL, true, why, sizeof(why));
	struct violations *v = violations_new();

	MUST(x && v && !index_begin(x));
	if (!index_leaf(x, 0, text, len))
		MUST(index_size(x) == 1);
	index_commit(x);
	(void)index_query(x, "SELECT doc FROM leaf", NULL, 0, on_row, NULL, why, sizeof(why));
	(void)index_query(x, violations_restore_sql, NULL, 0, on_row, v, why, sizeof(why));
	violations_interval(v, UINT64_MAX, 1, next_leaf, on_violation, NULL);
	violations_free(v);
	index_close(x);
	free(text);
	return 0;
}
