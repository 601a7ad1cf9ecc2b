/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON body. The oracle is SQLite: where it calls the text valid, the texts it finds in it
 * must be the texts that weir finds, in their order. */
#include <sqlite3.h>

#include "base/buf.h"
#include "protocol/content.h"
#include "tests/fuzz/events.h"

static const char tree[] = "SELECT atom FROM json_tree(CAST(?1 AS TEXT)) WHERE type = 'text'";

/* The texts that weir finds, for the oracle: names that look like values are fields as well. */
struct texts { struct buf all; unsigned fields; bool nested; };

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct texts *t = owner;

	event_field(&(struct buf){ .max = 0 }, ex, f);
	t->fields++;
	if (f->type != VALUE_STRING)
		return;
	t->nested |= f->value.len >= 2 && f->value.ptr[0] && strchr("{[", f->value.ptr[0]) != NULL;
	buf_add(&t->all, f->value.ptr, f->value.len);
	buf_puts(&t->all, "\n");
}

/* Bytes that mean the same to both: no controls, no escapes (tested by unit), no bytes above
 * ASCII, no digit or '@', which may make a field of a name, nothing that is deep. */
static bool comparable(const uint8_t *p, size_t len)
{
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		depth += p[i] == '{' || p[i] == '[';
		if (p[i] < ' ' || p[i] > '~' || strchr("\\@0123456789", p[i]))
			return false;
	}
	return depth < CONTENT_DEPTH;
}

static bool oracle(const uint8_t *p, size_t len, struct buf *out)
{
	static sqlite3 *db;
	static sqlite3_stmt *find;
	int rc;

	if (!db)
		MUST(!sqlite3_open(":memory:", &db) && !sqlite3_prepare_v2(db, tree, -1, &find, NULL));
	sqlite3_bind_text(find, 1, (const char *)p, (int)len, SQLITE_STATIC);
	while ((rc = sqlite3_step(find)) == SQLITE_ROW) {
		buf_add(out, sqlite3_column_text(find, 0), (size_t)sqlite3_column_bytes(find, 0));
		buf_puts(out, "\n");
	}
	sqlite3_reset(find);
	return rc == SQLITE_DONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct texts found = { 0 };
	struct exchange *ex = calloc(1, sizeof(*ex));
	const struct field_sink sink = { &found, on_field, event_clean, event_exchange, NULL, NULL, NULL };
	struct content_job job = { .exchange = ex, .sink = &sink, .location = LOC_REQUEST_BODY, .cut = len % 3 == 1 };
	uint8_t *body = exact(bytes, len);
	struct buf truth;

	buf_init(&found.all, 8 << 20);
	buf_init(&truth, 8 << 20);
	job.inside = len & 4 ? CONTENT_INSIDE : 0;
	content_decode(&job, SLICE("application/json"), slice_of(body, len));
	MUST(job.fields == found.fields && found.fields <= CONTENT_FIELDS && found.fields <= 2 * len);
	if (job.inside && comparable(body, len) && len && !job.cut && oracle(body, len, &truth) && !strpbrk(buf_str(&truth), "{[")) {
		MUST(!found.nested && found.all.len == truth.len);
		MUST(!truth.len || !memcmp(found.all.ptr, truth.ptr, truth.len));
	}
	buf_free(&truth);
	buf_free(&found.all);
	free(body);
	free(ex);
	return 0;
}
