/* SPDX-License-Identifier: Apache-2.0 */
/* memcached_value.c - what a key holds: a text, a document, what a library has packed. */
#include <string.h>

#include "protocol/content.h"
#include "protocol/database.h"
#include "protocol/memcached.h"
#include "protocol/packed.h"

#define WRITTEN_MAX 8192	/* bytes of a text that is one value; a longer one is read in pieces */

static enum packing packing_of(struct slice v)
{
	if (v.len < 8)
		return PACKED_NOT;
	if (v.ptr[0] == 0x78 && !((v.ptr[0] << 8 | v.ptr[1]) % 31) && !(v.ptr[1] & 0x20))
		return PACKED_ZLIB;
	if (!memcmp(v.ptr, "\x1f\x8b\x08", 3))
		return PACKED_ZLIB;
	if (!memcmp(v.ptr, "\x28\xb5\x2f\xfd", 4))
		return PACKED_ZSTD;
	return memcmp(v.ptr, "\x04\x22\x4d\x18", 4) ? PACKED_NOT : PACKED_LZ4;
}

static void at_most(struct exchange *ex, enum inspected done)
{
	if (done > ex->inspected)
		ex->inspected = (uint8_t)done;
}

static void tell(struct content_job *job, const char *path, struct slice key, struct slice v)
{
	struct field f = { .location = job->location, .dir = job->dir, .path = path, .key = key, .value = v, .cut = job->cut, .text = !key.len };
	enum inspected done;

	f.type = (uint8_t)value_text(v).type;
	if (f.type == VALUE_STRING && content_inside(job, path, key, v))
		return;
	if (f.type != VALUE_STRING || v.len > WRITTEN_MAX) {
		done = (enum inspected)content_open(job, path, key, SLICE(""), v);
		at_most(job->exchange, done);
		if (done != INSPECTED_NONE)
			return;
	}
	job->sink->field(job->sink->owner, job->exchange, &f);
}

void mc_value(const struct field_sink *sink, struct exchange *ex, enum dir dir, enum location location, const char *word,
	      const char *pattern, struct slice value, bool cut)
{
	struct content_job job = { .exchange = ex, .sink = sink, .dir = dir, .location = location, .cut = cut };
	enum packing packing = packing_of(value);
	char path[PATH_SIZE];
	struct buf plain;
	enum unpacked unpacked;
	size_t n;

	if (cut)
		at_most(ex, INSPECTED_PARTIAL);
	if (!value.len || !database_affords(sink, ex, value.len, ROW_COST))
		return;
	n = path_append(path, path_append(path, 0, word), pattern[0] ? "." : "");
	if (n + strlen(pattern) < PATH_SIZE)
		path_append(path, n, pattern);
	if (packing == PACKED_NOT) {
		tell(&job, path, route_word(pattern), value);
		return;
	}
	unpacked = packed_read(sink, packing, value, &plain);
	if (unpacked != UNPACKED_WHOLE)
		at_most(ex, unpacked == UNPACKED_PART ? INSPECTED_PARTIAL : INSPECTED_NONE);
	if (plain.len)
		tell(&job, path, route_word(pattern), slice_of(plain.ptr, plain.len));
	buf_free(&plain);
}
