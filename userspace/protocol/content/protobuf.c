/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf.c - protocol buffers. Where a descriptor says what a field is, by its name and type, "$.card.number";
 * others by number, "$.1.3". Of these what has a length may be text, a message, packed numbers or bytes; which
 * of them is tried in that order.
 * One pass, with a stack of open messages; a message is tried by stepping over its fields once,
 * without looking into them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/varint.h"
#include "protocol/content/media.h"
#include "protocol/content.h"
#include "protocol/descriptor.h"

#define DEPTH 16		/* messages in messages */
#define GROUPS 8		/* groups in groups */
#define PACKED_MAX 1024		/* numbers of one packed field */

enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_LEN, WIRE_GROUP, WIRE_GROUP_END, WIRE_FIXED32 };

/* type: NULL where nobody says; key: of an entry of a map, which names its value. group: its number, where it ends
 * with a field that says so, or with what it stands in; 0: it is a message. */
struct level { const uint8_t *end; const struct message_type *type; struct slice key; size_t path_len; uint32_t siblings, group; };

struct walker {
	struct content_job *job;
	const uint8_t *p;
	char path[PATH_SIZE];
	size_t path_len;
	unsigned depth;
	const struct message_field *field;	/* at hand; NULL: not known */
	struct level stack[DEPTH];
};

static int match(struct slice essence, struct slice head)
{
	/* Less than one that names another form: "application/grpc+json". */
	return media_has(essence, "protobuf") || begins_fold(essence, "application/grpc") || begins_fold(essence, "application/proto") ? 90 : 0;
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
	uint32_t group[GROUPS];
	unsigned nr = 0;

	while (p < end) {
		uint32_t number;
		enum wire wire;
		uint64_t n = 0;

		if (!take_tag(&p, end, &number, &wire))
			return false;
		if ((wire == WIRE_VARINT || wire == WIRE_LEN) && !varint_take(&p, end, &n))
			return false;
		if (wire == WIRE_GROUP && nr == GROUPS)
			return false;
		if (wire == WIRE_GROUP)
			group[nr++] = number;
		else if (wire == WIRE_GROUP_END && (!nr || group[--nr] != number))
			return false;
		n = wire == WIRE_LEN ? n : wire == WIRE_FIXED64 ? 8 : wire == WIRE_FIXED32 ? 4 : 0;
		if (n > (uint64_t)(end - p))
			return false;
		p += n;
	}
	return !nr;
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

	if (w->field)
		f.key = l->key.len ? l->key : slice_of(w->field->name, strlen(w->field->name));
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

/* What is at hand behind the path of its message; a path that is full stays. */
static void path_add(struct walker *w, size_t base, const char *p, size_t n)
{
	w->path_len = base;
	if (sizeof(w->path) - base > n + 1) {
		w->path[base] = '.';
		memcpy(w->path + base + 1, p, n);
		w->path_len = base + 1 + n;
	}
	w->path[w->path_len] = 0;
}

static void path_field(struct walker *w, size_t base, uint32_t number)
{
	char text[DECIMAL], *p = decimal(text, number);

	if (!w->field) {
		path_add(w, base, p, (size_t)(text + DECIMAL - p));
		return;
	}
	path_add(w, base, w->field->name, strlen(w->field->name));
	if (w->field->repeated && w->path_len > base && sizeof(w->path) - w->path_len > 2) {
		memcpy(w->path + w->path_len, "[]", 3);
		w->path_len += 2;
	}
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

static void open_message(struct walker *w, const uint8_t *end, const struct message_type *type)
{
	w->stack[w->depth++] = (struct level){ .end = end, .type = type, .path_len = w->path_len };
}

/* ---- fields that a descriptor knows ---- */

static unsigned wire_of(const struct message_field *f)
{
	static const uint8_t wires[] = {
		[TYPE_DOUBLE] = WIRE_FIXED64, [TYPE_FLOAT] = WIRE_FIXED32, [TYPE_FIXED64] = WIRE_FIXED64, [TYPE_FIXED32] = WIRE_FIXED32,
		[TYPE_STRING] = WIRE_LEN, [TYPE_GROUP] = WIRE_GROUP, [TYPE_MESSAGE] = WIRE_LEN, [TYPE_BYTES] = WIRE_LEN,
		[TYPE_SFIXED32] = WIRE_FIXED32, [TYPE_SFIXED64] = WIRE_FIXED64, [TYPE_SINT64] = WIRE_VARINT,
	};

	return wires[f->type];	/* the others are varints, which is 0 */
}

static void emit_signed(struct walker *w, int64_t v)
{
	char text[DECIMAL + 1], *p = decimal(text + 1, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

	if (v < 0)
		*--p = '-';
	emit(w, slice_of(p, (size_t)(text + 1 + DECIMAL - p)), VALUE_NUMBER, false);
}

/* With as many digits as it takes to tell it from others: 0.1, not 0.10000000000000001. */
static void emit_real(struct walker *w, double v, bool single)
{
	char text[40];
	int n = snprintf(text, sizeof(text), "%.*g", single ? 6 : 15, v);

	if (single ? strtof(text, NULL) != (float)v : strtod(text, NULL) != v)
		n = snprintf(text, sizeof(text), "%.*g", single ? 9 : 17, v);
	emit(w, slice_of(text, (size_t)n), VALUE_NUMBER, false);
}

static void emit_scalar(struct walker *w, uint64_t v)
{
	const char *name;
	uint32_t low = (uint32_t)v;
	double real;
	float half;

	switch ((enum field_type)w->field->type) {
	case TYPE_DOUBLE:
		memcpy(&real, &v, sizeof(real));
		emit_real(w, real, false);
		break;
	case TYPE_FLOAT:
		memcpy(&half, &low, sizeof(half));
		emit_real(w, (double)half, true);
		break;
	case TYPE_INT32: case TYPE_SFIXED32:
		emit_signed(w, (int32_t)low);
		break;
	case TYPE_INT64: case TYPE_SFIXED64:
		emit_signed(w, (int64_t)v);
		break;
	case TYPE_SINT32:
		emit_signed(w, (int32_t)(low >> 1 ^ (0 - (low & 1))));
		break;
	case TYPE_SINT64:
		emit_signed(w, (int64_t)(v >> 1 ^ (0 - (v & 1))));
		break;
	case TYPE_UINT32: case TYPE_FIXED32:
		emit_number(w, low);
		break;
	case TYPE_BOOL:
		emit(w, v ? SLICE("true") : SLICE("false"), VALUE_BOOL, false);
		break;
	case TYPE_ENUM:
		name = enum_name(w->field, (int32_t)low);
		if (name)
			emit(w, slice_of(name, strlen(name)), VALUE_STRING, false);
		else
			emit_signed(w, (int32_t)low);
		break;
	case TYPE_UINT64: case TYPE_FIXED64: case TYPE_STRING: case TYPE_GROUP: case TYPE_MESSAGE: case TYPE_BYTES:
		emit_number(w, v);
		break;
	}
}

static bool take_fixed(struct walker *w, const uint8_t *end, size_t size, uint64_t *v)
{
	*v = 0;
	if ((size_t)(end - w->p) < size)
		return false;
	for (size_t i = 0; i < size; i++)
		*v |= (uint64_t)w->p[i] << (8 * i);
	w->p += size;
	return true;
}

/* A list of numbers as one field; true for what has no length of its own. */
static bool is_packed(const struct message_field *f)
{
	return f->repeated && wire_of(f) != WIRE_LEN && wire_of(f) != WIRE_GROUP;
}

static void take_packed(struct walker *w, struct slice in)
{
	const uint8_t *end = in.ptr + in.len;
	unsigned wire = wire_of(w->field), nr = 0;
	uint64_t v = 0;

	for (; w->p < end && nr < PACKED_MAX && !content_full(w->job); nr++) {
		bool taken = wire == WIRE_VARINT ? varint_take(&w->p, end, &v) : take_fixed(w, end, wire == WIRE_FIXED64 ? 8 : 4, &v);

		if (!taken)
			break;
		emit_scalar(w, v);
	}
	w->job->limited |= w->p < end;
	w->p = end;
}

/* Text that happens to divide into fields is text, unless it begins as a message with text in it does. */
static void take_length(struct walker *w, struct slice in, bool cut)
{
	struct level *l = &w->stack[w->depth - 1];
	bool text;

	if (w->field && is_packed(w->field)) {
		take_packed(w, in);
		return;
	}
	if (w->field && w->field->type == TYPE_MESSAGE && (!in.len || (is_message(in) && w->depth < DEPTH))) {
		if (in.len)
			open_message(w, in.ptr + in.len, w->field->message);
		return;
	}
	text = is_text(in, cut);
	if (w->field && w->field->type == TYPE_STRING) {
		w->p = in.ptr + in.len;
		emit(w, in, text ? VALUE_STRING : VALUE_BYTES, cut);
		if (l->type && message_is_map_entry(l->type) && w->field->number == 1)
			l->key = in;
		return;
	}
	if (in.len && (!text || in.ptr[0] == '\n') && is_message(in) && w->depth < DEPTH) {
		open_message(w, in.ptr + in.len, NULL);
		return;	/* w->p stands at its first field */
	}
	w->p = in.ptr + in.len;
	if (text || w->field || !emit_packed(w, in))
		emit(w, in, text ? VALUE_STRING : VALUE_BYTES, cut);
}

/* What it says, where bytes of that kind may be what it says. */
static const struct message_field *known(const struct level *l, uint32_t number, enum wire wire)
{
	const struct message_field *f = l->type ? message_field(l->type, number) : NULL;

	if (!f || !f->name[0])
		return NULL;
	return wire == wire_of(f) || (wire == WIRE_LEN && is_packed(f)) ? f : NULL;
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
	if (wire == WIRE_GROUP_END) {
		w->depth--;
		return l->group == number;
	}
	w->field = known(l, number, wire);
	path_field(w, l->path_len, number);
	if (wire == WIRE_VARINT || wire == WIRE_LEN) {
		if (!varint_take(&w->p, end, &v))
			return false;
	} else if (wire == WIRE_FIXED64 || wire == WIRE_FIXED32) {
		if (!take_fixed(w, end, wire == WIRE_FIXED64 ? 8 : 4, &v))
			return false;
	}
	l->siblings++;
	if (wire == WIRE_LEN) {
		bool cut = v > (uint64_t)(end - w->p);

		if (cut && (!w->job->cut || w->depth > 1))
			return false;
		take_length(w, slice_of(w->p, cut ? (size_t)(end - w->p) : (size_t)v), cut);
	} else if (wire == WIRE_GROUP) {
		if (w->depth == DEPTH)
			return false;
		open_message(w, end, w->field ? w->field->message : NULL);
		w->stack[w->depth - 1].group = number;
	} else if (w->field) {
		emit_scalar(w, v);
	} else {
		emit_number(w, v);
	}
	return true;
}

/* Of a method's request or response, or as the media type says: application/x-protobuf; messageType="shop.Order". */
static const struct message_type *type_of(struct content_job *job)
{
	struct slice param = media_param(job->type, "messageType");
	char name[256];

	if (job->inside || job->late)
		return NULL;
	if (!param.len)
		param = media_param(job->type, "proto");
	if (!param.len || param.len >= sizeof(name))
		return method_message(job->exchange->schema, job->location == LOC_RESPONSE_BODY);
	memcpy(name, param.ptr, param.len);
	name[param.len] = 0;
	return message_named(name);
}

static void decode(struct content_job *job, struct slice body)
{
	struct walker w = { .job = job, .p = body.ptr, .path = "$", .path_len = 1 };

	open_message(&w, body.ptr + body.len, type_of(job));
	while (w.depth && !content_full(job)) {
		if (w.p == w.stack[w.depth - 1].end) {
			job->limited |= w.stack[--w.depth].group > 0;
		} else if (!take_field(&w)) {
			job->limited = true;
			break;
		}
	}
	explicit_bzero(&w, sizeof(w));
}

const struct content content_protobuf = {
	.name = "protobuf", .summary = "protocol buffers, by a descriptor or without", .match = match, .decode = decode,
};
