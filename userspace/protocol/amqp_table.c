/* SPDX-License-Identifier: Apache-2.0 */
/* amqp_table.c - tables of AMQP, whose values say their types, and the properties of a message. Types are
 * those that RabbitMQ and its clients use.
 *
 *   table: (name: length 8 and bytes | type 8 | value)*    array: (type 8 | value)*
 *   properties: flags 16 (15 of them, then whether more follow) | the values whose flags are set */
#include <stdio.h>
#include <string.h>

#include "protocol/amqp.h"
#include "protocol/content.h"
#include "protocol/content/tree.h"
#include "protocol/database.h"
#include "protocol/reader.h"

/* Where what is open ends: bytes left behind it. */
struct open { size_t left; bool array; };

static uint64_t number(struct reader *r, unsigned bytes)
{
	uint64_t high = bytes > 4 ? reader_number(r, bytes - 4) : 0;

	return high << 32 | reader_number(r, bytes > 4 ? 4 : bytes);
}

static int64_t signed_number(struct reader *r, unsigned bytes)
{
	uint64_t v = number(r, bytes);
	unsigned up = 64 - bytes * 8;

	return (int64_t)(v << up) >> up;
}

static struct value decimal(struct reader *r, char room[VALUE_ROOM])
{
	unsigned scale = reader_number(r, 1);
	uint32_t v = reader_number(r, 4);
	double d = v;

	for (unsigned i = 0; i < scale && i < 32; i++)
		d /= 10;
	return value_written(room, snprintf(room, VALUE_ROOM, "%.15g", d), VALUE_NUMBER);
}

/* One that is no table and no array. What type nobody knows has no length that anybody knows. */
static struct value scalar(struct reader *r, char type, char room[VALUE_ROOM])
{
	switch (type) {
	case 't': return (struct value){ reader_number(r, 1) ? SLICE("true") : SLICE("false"), VALUE_BOOL, false };
	case 'b': return value_integer(room, signed_number(r, 1));
	case 'B': return value_integer(room, (int64_t)number(r, 1));
	case 's': case 'U': return value_integer(room, signed_number(r, 2));
	case 'u': return value_integer(room, (int64_t)number(r, 2));
	case 'I': return value_integer(room, signed_number(r, 4));
	case 'i': return value_integer(room, (int64_t)number(r, 4));
	case 'l': case 'L': case 'T': return value_integer(room, signed_number(r, 8));
	case 'f': return value_real(room, number(r, 4), true);
	case 'd': return value_real(room, number(r, 8), false);
	case 'D': return decimal(r, room);
	case 'S': return value_text(reader_vector(r, 4));
	case 'x': return value_bytes(reader_vector(r, 4));
	case 'V': return (struct value){ SLICE("null"), VALUE_NULL, false };
	default:
		r->failed = true;
		return (struct value){ 0 };
	}
}

static void values(struct content_job *job, struct tree *t, struct reader *r)
{
	struct open stack[CONTENT_DEPTH];
	unsigned depth = 0;
	char room[VALUE_ROOM];

	while (!r->failed && !t->full) {
		struct slice name = NO_NAME;
		struct value v;
		char type;

		while (depth && r->left.len <= stack[depth - 1].left) {
			tree_close(t);
			depth--;
		}
		if (!r->left.len)
			break;
		if (!depth || !stack[depth - 1].array) {
			name = reader_vector(r, 1);
			tree_name(t, name);
		}
		type = (char)reader_number(r, 1);
		if (type == 'F' || type == 'A') {
			size_t inside = reader_number(r, 4);

			if (r->failed || inside > r->left.len || depth == CONTENT_DEPTH)
				break;
			stack[depth++] = (struct open){ r->left.len - inside, type == 'A' };
			tree_open(t, name, type == 'A');
			continue;
		}
		v = scalar(r, type, room);
		if (!r->failed)
			tree_leaf(t, name, v.text, v.type, false);
	}
	job->limited |= r->failed || r->left.len;
	explicit_bzero(room, sizeof(room));
}

void amqp_table(struct content_job *job, const char *root, struct slice table)
{
	struct reader r = { .left = table };
	struct tree *t = table.len ? tree_new(job, root) : NULL;

	if (t)
		values(job, t, &r);
	tree_free(t);
}

void amqp_tell(struct amqp_state *s, struct exchange *ex, enum dir dir, const char *what, const char *key, struct slice value)
{
	char path[PATH_SIZE];
	struct content_job job = {
		.exchange = ex, .sink = s->sink, .dir = dir, .location = dir == s->front ? LOC_REQUEST_HEADER : LOC_RESPONSE_HEADER,
	};
	struct field f = { .location = job.location, .dir = dir, .path = path, .key = slice_of(key, strlen(key)), .value = value, .text = 1 };

	if (!ex || !value.len)
		return;
	path_append(path, path_append(path, path_append(path, 0, what), "."), key);
	if (!content_inside(&job, path, f.key, value))
		s->sink->field(s->sink->owner, ex, &f);
}

static void headers(struct amqp_state *s, struct amqp_content *c, enum dir dir, struct slice table)
{
	struct content_job job = {
		.exchange = c->ex, .sink = s->sink, .dir = dir, .location = dir == s->front ? LOC_REQUEST_HEADER : LOC_RESPONSE_HEADER,
	};

	if (!c->ex)
		return;
	amqp_table(&job, "header", table);
	c->unread |= job.limited;
}

static void coding(struct amqp_content *c, struct slice name)
{
	enum encoding e = name.len ? encoding_named(name) : ENCODING_NONE;

	/* Some clients say "utf-8" or "binary" there. */
	c->encoding = e == ENCODING_UNKNOWN ? ENCODING_NONE : e;
}

bool amqp_properties(struct amqp_state *s, struct amqp_content *c, enum dir dir, struct slice in)
{
	static const struct { const char *name; char type; } known[] = {
		{ "content-type", 's' }, { "content-encoding", 's' }, { "headers", 'F' }, { "delivery-mode", 'b' }, { "priority", 'b' },
		{ "correlation-id", 's' }, { "reply-to", 's' }, { "expiration", 's' }, { "message-id", 's' }, { "timestamp", 'q' },
		{ "type", 's' }, { "user-id", 's' }, { "app-id", 's' }, { "cluster-id", 's' },
	};
	struct reader r = { .left = in };
	uint32_t flags = reader_number(&r, 2);

	if (flags & 1)	/* none are defined behind these */
		return false;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct slice v;

		if (!(flags & (0x8000u >> i)))
			continue;
		if (known[i].type == 'b' || known[i].type == 'q') {
			reader_take(&r, known[i].type == 'b' ? 1 : 8);
			continue;
		}
		v = reader_vector(&r, known[i].type == 'F' ? 4 : 1);
		if (r.failed)
			break;
		if (known[i].type == 'F') {
			headers(s, c, dir, v);
			continue;
		}
		if (i == 0 && v.len && v.len <= sizeof(c->type)) {
			memcpy(c->type, v.ptr, v.len);
			c->type_len = (uint8_t)v.len;
		} else if (i == 1) {
			coding(c, v);
		} else if (i > 1) {
			amqp_tell(s, c->ex, dir, "property", known[i].name, v);
		}
	}
	return !r.failed && !r.left.len;
}
