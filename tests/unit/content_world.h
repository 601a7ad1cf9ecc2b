/* SPDX-License-Identifier: Apache-2.0 */
/* content_world.h - a body through content_decode, and the fields that came out as lines:
 *   PATH KEY=VALUE[ number| bool| null| bytes][ cut]
 * The body is a copy that ends where it ends, so that a byte too many faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocol/content.h"

struct world { struct buf events; struct content_job job; int done; int64_t credit; };

static void world_text(struct buf *b, struct slice v)
{
	for (size_t i = 0; i < v.len && i < 400; i++)
		if (v.ptr[i] >= 0x20 && v.ptr[i] < 0x7f)
			buf_printf(b, "%c", v.ptr[i]);
		else
			buf_printf(b, "\\x%02x", v.ptr[i]);
}

static void world_field(void *owner, struct exchange *ex, const struct field *f)
{
	static const char *const types[] = { "", " number", " bool", " null", " bytes" };
	struct world *w = owner;

	buf_printf(&w->events, "%s ", f->path);
	world_text(&w->events, f->key);
	buf_puts(&w->events, "=");
	world_text(&w->events, f->value);
	buf_printf(&w->events, "%s%s\n", types[f->type], f->cut ? " cut" : "");
}

static size_t world_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = raw.ptr[i] > 0x20 && raw.ptr[i] < 0x7f ? (char)raw.ptr[i] : '_';
	out[n] = 0;
	return n;
}

static bool world_afford(void *owner, int64_t ns)
{
	struct world *w = owner;

	w->credit -= ns;
	return w->credit > 0;
}

/* how: letters of "cut" and "late" that hold: 'c', 'l'; 'i': no content inside another. */
static inline void world_decode(struct world *w, const char *type, const void *body, size_t len, const char *how)
{
	const struct field_sink sink = { .owner = w, .field = world_field, .clean = world_clean, .afford = world_afford };
	static struct exchange ex;
	uint8_t *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	if (len)
		memcpy(exact, body, len);
	if (!w->events.max)
		buf_init(&w->events, 8 << 20);
	buf_reset(&w->events);
	if (!w->credit)
		w->credit = 1000000000;
	w->job = (struct content_job){ .exchange = &ex, .sink = &sink, .location = LOC_REQUEST_BODY, .cut = strchr(how, 'c'),
				       .late = strchr(how, 'l'), .inside = strchr(how, 'i') ? CONTENT_INSIDE : 0 };
	w->done = content_decode(&w->job, slice_of(type, strlen(type)), slice_of(exact, len));
	w->job.sink = NULL;
	free(exact);
}

static inline void world_free(struct world *w)
{
	buf_free(&w->events);
}

/* The fields of a body, and what was done. */
static inline void assert_bytes(const char *type, const void *body, size_t len, const char *how, int done, const char *expect)
{
	struct world w = { 0 };

	world_decode(&w, type, body, len, how);
	assert_string_equal(buf_str(&w.events), expect);
	assert_int_equal(w.done, done);
	world_free(&w);
}

static inline void assert_body(const char *type, const char *body, const char *how, int done, const char *expect)
{
	assert_bytes(type, body, strlen(body), how, done, expect);
}

/* Whatever is missing or wrong: nothing faults, the counts hold. */
static inline void assert_survives(const char *type, const void *body, size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	struct world w = { 0 };

	assert_non_null(bytes);
	memcpy(bytes, body, len);
	for (size_t n = 0; n <= len; n++) {
		world_decode(&w, type, bytes, n, "c");
		assert_true(w.job.fields <= CONTENT_FIELDS);
		world_decode(&w, type, bytes + n, len - n, n & 1 ? "l" : "lc");
	}
	srand(5);
	for (unsigned i = 0; i < 2000; i++) {
		size_t at = (size_t)rand() % len;
		uint8_t was = bytes[at];

		bytes[at] = (uint8_t)rand();
		world_decode(&w, type, bytes, len, i & 1 ? "" : "c");
		if (i % 3)
			bytes[at] = was;
	}
	world_free(&w);
	free(bytes);
}
