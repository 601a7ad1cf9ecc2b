/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf.c - protocol buffers without their schema: fields by number, "$.1.3". What has a
 * length may be text, a message, packed numbers or bytes; which of them is tried in that order.
 * One pass, with a stack of open messages; a message is tried by stepping over its fields once,
 * without looking into them. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/varint.h"
#include "protocol/content.h"

#define DEPTH 16		/* messages in messages */
#define PACKED_MAX 1024		/* numbers of one packed field */

enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_LEN, WIRE_GROUP, WIRE_GROUP_END, WIRE_FIXED32 };

struct level { const uint8_t *end; size_t path_len; uint32_t siblings; };

struct walker {
	struct content_job *job;
	const uint8_t *p;
	char path[PATH_SIZE];
	size_t path_len;
	unsigned depth;
	struct level stack[DEPTH];
};

static int match(struct slice type, struct slice head)
{
	static const char *const types[] = { "protobuf", "application/grpc", "application/proto" };

	for (unsigned t = 0; t < sizeof(types) / sizeof(types[0]); t++)
		for (size_t i = 0, n = strlen(types[t]); type.len >= n && i <= type.len - n; i++)
			if (!strncasecmp((const char *)type.ptr + i, types[t], n))
				return 90;	/* less than one that names another form: "application/grpc+json" */
	return 0;
}

/* Number and kind of the next field. */
static bool take_tag(const uint8_t **p, const uint8_t *end, uint32_t *number, enum wire *wire)
{
	uint64_t tag;

	if (!varint_take(p, end, &tag) || tag >> 3 == 0 || tag >> 32 || (tag & 7) > WIRE_FIXED32)
		return false;
	*number = (uint32_t)(tag >> 3);
	*wire = (enum wire)(tag & 7);
	return true;
}

/* Do the bytes divide into fields to the last one? */
static bool is_message(struct slice in)
{
	const uint8_t *p = in.ptr, *end = p + in.len;
	unsigned groups = 0;

	while (p < end) {
		uint32_t number;
		enum wire wire;
		uint64_t n = 0;

		if (!take_tag(&p, end, &number, &wire))
			return false;
		if ((wire == WIRE_VARINT || wire == WIRE_LEN) && !varint_take(&p, end, &n))
			return false;
		if (wire == WIRE_GROUP_END && !groups--)
			return false;
		groups += wire == WIRE_GROUP;
		n = wire == WIRE_LEN ? n : wire == WIRE_FIXED64 ? 8 : wire == WIRE_FIXED32 ? 4 : 0;
		if (n > (uint64_t)(end - p))
			return false;
		p += n;
	}
	return !groups;
}

/* Length of the UTF-8 character that begins here and is no control; 0: none does. */
static size_t character(const uint8_t *p, const uint8_t *end)
{
	size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p >= 0xe0 && *p < 0xf0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;

	if (n == 1)
		return *p >= 0x20 || *p == '\t' || *p == '\r' || *p == '\n';
	if (n > (size_t)(end - p))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static bool is_text(struct slice in, bool cut)
{
	const uint8_t *p = in.ptr, *end = p + in.len;

	while (p < end) {
		size_t n;

		if (*p >= 0x20 && *p < 0x80) {	/* most are */
			p++;
			continue;
		}
		n = character(p, end);

		if (!n)
			return cut && end - p < 4 && p > in.ptr;	/* the end of a character was not seen */
		p += n;
	}
	return true;
}

static void emit(struct walker *w, struct slice value, enum value_type type, bool cut)
{
	struct level *l = &w->stack[w->depth - 1];
	struct field f = {
		.location = w->job->location, .dir = w->job->dir, .path = w->path, .value = value, .siblings = l->siblings,
		.type = (uint8_t)type, .cut = cut, .text = type == VALUE_STRING,
	};

	if (w->job->fields >= CONTENT_FIELDS) {
		w->job->limited = true;
		return;
	}
	w->job->fields++;
	w->job->sink->field(w->job->sink->owner, w->job->exchange, &f);
}

/* In decimal, at the end of text; returns where it begins. printf would be half of all this costs. */
#define DECIMAL 20
static char *decimal(char text[DECIMAL], uint64_t v)
{
	char *p = text + DECIMAL;

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	return p;
}

static void emit_number(struct walker *w, uint64_t v)
{
	char text[DECIMAL], *p = decimal(text, v);

	emit(w, slice_of(p, (size_t)(text + DECIMAL - p)), VALUE_NUMBER, false);
}

/* The field's number behind the path of its message; a path that is full stays. */
static void path_number(struct walker *w, size_t base, uint32_t number)
{
	char text[DECIMAL], *p = decimal(text, number);
	size_t n = (size_t)(text + DECIMAL - p);

	w->path_len = base;
	if (sizeof(w->path) - base > n + 1) {
		w->path[base] = '.';
		memcpy(w->path + base + 1, p, n);
		w->path_len = base + 1 + n;
	}
	w->path[w->path_len] = 0;
}

/* Several varints and nothing else. */
static bool emit_packed(struct walker *w, struct slice in)
{
	const uint8_t *p = in.ptr, *end = p + in.len;
	size_t len = w->path_len;
	unsigned nr = 0;
	uint64_t v;

	while (p < end && varint_take(&p, end, &v))
		nr++;
	if (p < end || nr < 2 || in.ptr[in.len - 1] >= 0x80)
		return false;
	w->job->limited |= nr > PACKED_MAX;
	snprintf(w->path + len, sizeof(w->path) - len, "[]");
	p = in.ptr;
	for (unsigned i = 0; i < nr && i < PACKED_MAX && !content_full(w->job) && varint_take(&p, end, &v); i++)
		emit_number(w, v);
	w->path[len] = 0;
	return true;
}

static void open_message(struct walker *w, const uint8_t *end)
{
	w->stack[w->depth++] = (struct level){ .end = end, .path_len = w->path_len };
}

/* Text that happens to divide into fields is text, unless it begins as a message with text in it does. */
static void take_length(struct walker *w, struct slice in, bool cut)
{
	bool text = is_text(in, cut);

	if (in.len && (!text || in.ptr[0] == '\n') && is_message(in) && w->depth < DEPTH) {
		open_message(w, in.ptr + in.len);
		return;	/* w->p stands at its first field */
	}
	w->p = in.ptr + in.len;
	if (text || !emit_packed(w, in))
		emit(w, in, text ? VALUE_STRING : VALUE_BYTES, cut);
}

/* One field. false: these bytes are none. */
static bool take_field(struct walker *w)
{
	struct level *l = &w->stack[w->depth - 1];
	const uint8_t *end = l->end;
	uint32_t number;
	enum wire wire;
	uint64_t v = 0;

	if (!take_tag(&w->p, end, &number, &wire))
		return false;
	path_number(w, l->path_len, number);
	if (wire == WIRE_VARINT || wire == WIRE_LEN) {
		if (!varint_take(&w->p, end, &v))
			return false;
	} else if (wire == WIRE_FIXED64 || wire == WIRE_FIXED32) {
		size_t size = wire == WIRE_FIXED64 ? 8 : 4;

		if ((size_t)(end - w->p) < size)
			return false;
		for (size_t i = 0; i < size; i++)
			v |= (uint64_t)w->p[i] << (8 * i);
		w->p += size;
	}
	l->siblings++;
	if (wire == WIRE_LEN) {
		bool cut = v > (uint64_t)(end - w->p);

		if (cut && (!w->job->cut || w->depth > 1))
			return false;
		take_length(w, slice_of(w->p, cut ? (size_t)(end - w->p) : (size_t)v), cut);
	} else if (wire != WIRE_GROUP && wire != WIRE_GROUP_END) {
		emit_number(w, v);
	}
	return true;
}

static void decode(struct content_job *job, struct slice body)
{
	struct walker w = { .job = job, .p = body.ptr, .path = "$", .path_len = 1 };

	open_message(&w, body.ptr + body.len);
	while (w.depth && !content_full(job)) {
		if (w.p == w.stack[w.depth - 1].end) {
			w.depth--;
		} else if (!take_field(&w)) {
			job->limited = true;
			break;
		}
	}
	explicit_bzero(&w, sizeof(w));
}

const struct content content_protobuf = {
	.name = "protobuf", .summary = "protocol buffers, without a schema", .match = match, .decode = decode,
};
