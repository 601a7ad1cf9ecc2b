/* SPDX-License-Identifier: Apache-2.0 */
/* The text of SQL statements: all of it is read, in linear time, and every literal lies inside. */
#include "protocol/sql.h"
#include "tests/fuzz/events.h"

static void on_param(void *owner, unsigned number, struct slice key)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < key.len; i++)
		sum ^= key.ptr[i];
	__asm__ volatile("" : : "r"(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct exchange *ex = calloc(1, sizeof(*ex));
	uint8_t *text = exact(bytes, len);
	struct buf events;
	const struct field_sink sink = { &events, event_field, event_clean, event_exchange, NULL, NULL, NULL };
	struct sql_reader r;
	size_t before = len + 1;

	MUST(ex);
	buf_init(&events, 64 << 20);
	sql_begin(&r, &sink, DIR_SENT, slice_of(text, len));
	r.param = on_param;
	while (sql_more(&r)) {
		struct sql_statement st;

		MUST(r.text.len < before);	/* each statement takes something */
		before = r.text.len;
		sql_read(&r, ex, &st);
		MUST(strlen(st.method) < WORD_SIZE && strlen(st.route) < PATH_SIZE && st.nr_columns <= SQL_COLUMNS);
		for (unsigned i = 0; i < st.nr_columns; i++)
			MUST(st.columns[i].ptr >= text && st.columns[i].ptr + st.columns[i].len <= text + len);
		MUST(!st.table.len || (st.table.ptr >= text && st.table.ptr + st.table.len <= text + len));
	}
	sql_end(&r);
	buf_free(&events);
	free(text);
	free(ex);
	return 0;
}
