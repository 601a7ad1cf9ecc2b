/* SPDX-License-Identifier: Apache-2.0 */
/* mongodb_message.c - the documents of MongoDB's messages: what a command is and what it concerns,
 * whether an answer says that it worked, and all their fields by the decoder of BSON. */
#include <stdio.h>
#include <string.h>

#include "protocol/content.h"
#include "protocol/mongodb.h"
#include "protocol/packed.h"
#include "protocol/sasl.h"

#define STRING_MAX 1024
#define SHALLOW_MAX 64	/* members of a document that are asked about */

enum bson_type {
	TYPE_DOUBLE = 1, TYPE_STRING, TYPE_DOCUMENT, TYPE_LIST, TYPE_BINARY, TYPE_BOOL = 8, TYPE_INT32 = 16, TYPE_INT64 = 18
};

/* ---- members of a document, without looking into them ---- */

struct member { uint8_t type; struct slice name, value; };

static struct slice take_string(struct reader *r)
{
	const uint8_t *nul = r->left.len ? memchr(r->left.ptr, 0, r->left.len < STRING_MAX ? r->left.len : STRING_MAX) : NULL;
	struct slice s = reader_take(r, nul ? (size_t)(nul - r->left.ptr) : r->left.len + 1);

	reader_take(r, 1);
	return s;
}

/* Bytes of a value of that type; SIZE_MAX: not known. */
static size_t value_size(uint8_t type, struct slice in)
{
	struct reader r = { in, false };
	size_t len = reader_little(&r, 4);

	switch (type) {
	case TYPE_DOUBLE: case 9: case 17: case TYPE_INT64: return 8;
	case TYPE_STRING: case 13: case 14: return 4 + len;
	case TYPE_DOCUMENT: case TYPE_LIST: case 15: return len;
	case TYPE_BINARY: return 5 + len;
	case 6: case 10: case 127: case 255: return 0;
	case 7: return 12;
	case TYPE_BOOL: return 1;
	case TYPE_INT32: return 4;
	case 19: return 16;
	default: return SIZE_MAX;
	}
}

/* r stands behind the length of a document. False: it ends. */
static bool member_next(struct reader *r, struct member *m)
{
	size_t size;

	m->type = (uint8_t)reader_number(r, 1);
	m->name = take_string(r);
	if (r->failed || !m->type)
		return false;
	size = value_size(m->type, r->left);
	m->value = size == SIZE_MAX ? (struct slice){ 0 } : reader_take(r, size);
	return size != SIZE_MAX && !r->failed;
}

static bool is_named(const struct member *m, const char *name)
{
	return m->name.len == strlen(name) && !memcmp(m->name.ptr, name, m->name.len);
}

/* Of a string without its length and NUL, of other values all. */
static struct slice text_of(const struct member *m)
{
	size_t head = m->type == TYPE_BINARY ? 5 : 4, tail = m->type == TYPE_STRING;

	if ((m->type != TYPE_STRING && m->type != TYPE_BINARY) || m->value.len < head + tail)
		return (struct slice){ 0 };
	return slice_of(m->value.ptr + head, m->value.len - head - tail);
}

static uint64_t number_of(const struct member *m)
{
	struct reader r = { m->value, false };
	uint64_t bits = reader_little(&r, m->value.len <= 8 ? m->value.len : 0);
	double d;

	if (m->type != TYPE_DOUBLE)
		return m->type == TYPE_BOOL || m->type == TYPE_INT32 || m->type == TYPE_INT64 ? bits : 0;
	memcpy(&d, &bits, sizeof(d));
	return d >= 0 && d < 1e9 ? (uint64_t)d : 0;
}

/* ---- commands ---- */

static const struct { const char *name; uint8_t command; } commands[] = {
	{ "hello", COMMAND_HELLO }, { "isMaster", COMMAND_HELLO }, { "ismaster", COMMAND_HELLO },
	{ "saslStart", COMMAND_LOGIN }, { "saslContinue", COMMAND_LOGIN }, { "authenticate", COMMAND_LOGIN },
};

/* "find users", or "hello" where it concerns no collection. */
static void route_add(struct mongo_state *s, struct exchange *ex, struct slice collection)
{
	char name[NAME_SIZE];

	s->sink->clean(s->sink->owner, name, collection);
	snprintf(ex->route, sizeof(ex->route), "%s%s%s", ex->method, name[0] ? " " : "", name);
}

/* A client's first message of a log-in, in a command of its own or ahead of it in the first hello. */
static void tell_login(struct mongo_state *s, struct mongo_message *m, struct slice document)
{
	struct reader r = { document, false };
	struct slice mechanism = { 0 }, payload = { 0 };
	struct member one;

	reader_take(&r, 4);
	for (unsigned i = 0; i < SHALLOW_MAX && member_next(&r, &one); i++) {
		if (is_named(&one, "mechanism"))
			mechanism = text_of(&one);
		else if (is_named(&one, "payload"))
			payload = text_of(&one);
	}
	if (m->ex)
		sasl_tell(s->sink, m->ex, s->front, mechanism, payload);
}

/* The first member names the command, and mostly the collection; getMore has it elsewhere. */
static void read_command(struct mongo_state *s, struct mongo_message *m, struct slice document)
{
	struct reader r = { document, false };
	struct member one;
	char name[NAME_SIZE];

	reader_take(&r, 4);
	for (unsigned i = 0; i < SHALLOW_MAX && member_next(&r, &one); i++) {
		if (is_named(&one, "speculativeAuthenticate") && one.type == TYPE_DOCUMENT)
			tell_login(s, m, one.value);
		if (i && m->ex && is_named(&one, "collection") && !strcmp(m->ex->method, "getMore"))
			route_add(s, m->ex, text_of(&one));
		if (i)
			continue;
		for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++)
			if (is_named(&one, commands[c].name))
				m->command = commands[c].command;
		if (!m->ex)
			continue;
		s->sink->clean(s->sink->owner, name, one.name);
		word_set(m->ex->method, name);
		route_add(s, m->ex, text_of(&one));
	}
	if (m->command == COMMAND_LOGIN)
		tell_login(s, m, document);
	if (m->command == COMMAND_LOGIN && m->ex)
		m->ex->auth = AUTH_DATABASE;
}

/* ok, or what is wrong; of writes the first of their errors. */
static void read_answer(struct mongo_message *m, struct slice document, unsigned depth)
{
	struct reader r = { document, false };
	struct member one;

	reader_take(&r, 4);
	for (unsigned i = 0; i < SHALLOW_MAX && member_next(&r, &one); i++) {
		if (is_named(&one, "ok") && !depth)
			m->failed = !number_of(&one);
		else if (is_named(&one, "code") && !m->code)
			m->code = (uint32_t)number_of(&one);
		else if (is_named(&one, "done"))
			m->done = number_of(&one);
		else if (depth < 2 && (one.type == TYPE_DOCUMENT || one.type == TYPE_LIST) &&
			 (depth || is_named(&one, "writeErrors") || is_named(&one, "writeConcernError")))
			read_answer(m, one.value, depth + 1);
	}
}

/* Error codes in HTTP's numbers, which policies know. */
uint16_t mongo_status(const struct mongo_message *m)
{
	static const struct { uint32_t code; uint16_t status; } rows[] = {
		{ 13, 403 }, { 18, 401 }, { 26, 404 }, { 43, 404 }, { 48, 409 }, { 50, 504 }, { 59, 501 }, { 64, 504 }, { 91, 503 },
		{ 112, 409 }, { 189, 503 }, { 10107, 503 }, { 11000, 409 }, { 11600, 503 }, { 13435, 503 }, { 13436, 503 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == m->code)
			return rows[i].status;
	return m->failed || m->code ? 400 : 200;
}

/* ---- fields ---- */

/* Numbers of cursors and sessions are the server's own, and may look like anybody's. */
struct quiet { const struct field_sink *sink; };

static void quiet_field(void *owner, struct exchange *ex, const struct field *f)
{
	static const char *const own[] = { "$.cursor.id", "$.getMore", "$.cursors[]", "$.txnNumber", "$.operationTime", "$.lsid", "$._clusterTime" };
	const struct field_sink *sink = ((struct quiet *)owner)->sink;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strncmp(f->path, own[i], strlen(own[i])) && (!f->path[strlen(own[i])] || f->path[strlen(own[i])] == '.'))
			return;
	if (!strncmp(f->path, "$.$clusterTime", 14))
		return;
	sink->field(sink->owner, ex, f);
}

static size_t quiet_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	const struct field_sink *sink = ((struct quiet *)owner)->sink;

	return sink->clean(sink->owner, out, raw);
}

static bool quiet_afford(void *owner, int64_t ns)
{
	const struct field_sink *sink = ((struct quiet *)owner)->sink;

	return !sink->afford || sink->afford(sink->owner, ns);
}

static void tell(struct mongo_state *s, struct mongo_message *m, enum dir dir, struct slice document, bool cut)
{
	struct quiet quiet = { s->sink };
	const struct field_sink sink = { .owner = &quiet, .field = quiet_field, .clean = quiet_clean, .afford = quiet_afford };
	struct content_job job = {
		.exchange = m->ex, .sink = &sink, .location = m->response ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY, .dir = dir, .cut = cut,
		.fields = m->fields, .base = m->base,
	};
	int done;

	if (!m->ex || !document.len)
		return;
	done = content_decode(&job, SLICE("application/bson"), document);
	m->fields = job.fields;
	m->looked |= done != INSPECTED_NONE;
	m->unread |= done != INSPECTED_FULL;
}

/* The document of a command, or of its answer. Who logs in was told; what a server says of itself is its own. */
static void document(struct mongo_state *s, struct mongo_message *m, enum dir dir, struct slice in, bool cut)
{
	m->done |= m->response;	/* where it does not say so, it is the only step */
	if (m->response)
		read_answer(m, in, 0);
	else
		read_command(s, m, in);
	m->looked |= m->command != COMMAND_OTHER;
	m->unread |= cut;
	if (m->command == COMMAND_OTHER)
		tell(s, m, dir, in, cut);
}

/* ---- steps ---- */

/* A document; of one that is cut, what is there. Empty: wants more. */
static struct slice take_document(struct mongo_state *s, enum dir dir, struct reader *r, enum frames_more more, uint64_t most, bool *cut,
				  uint64_t *size)
{
	struct reader after = *r;
	uint64_t len = reader_little(&after, 4), there;

	if (after.failed || len < 5 || len > most) {
		r->failed = true;
		return (struct slice){ 0 };
	}
	there = len < r->left.len ? len : r->left.len;
	if (there < len && more == FRAMES_MORE) {
		r->failed = true;
		return (struct slice){ 0 };
	}
	*cut = there < len;
	if (size)
		*size = len;
	frames_skip(&s->frames, dir, len - there);
	return reader_take(r, there);
}

static bool section(struct mongo_state *s, struct mongo_message *m, enum dir dir, struct reader *r, enum frames_more more)
{
	uint32_t kind = reader_number(r, 1);
	bool cut = false;

	if (kind == 0) {
		struct slice one = take_document(s, dir, r, more, MONGO_LONGEST, &cut, NULL);

		snprintf(m->base, sizeof(m->base), "$");
		if (!r->failed)
			document(s, m, dir, one, cut);
	} else {
		uint64_t size = reader_little(r, 4);
		struct slice name = take_string(r);
		char clean[NAME_SIZE];

		if (r->failed || kind > 1 || size < 5 + name.len) {
			r->failed = true;
			return false;
		}
		s->sink->clean(s->sink->owner, clean, name);
		snprintf(m->base, sizeof(m->base), "$.%s[]", clean);
		m->sequence = size - 5 - name.len;
		m->stage = MONGO_SEQUENCE;
	}
	return !r->failed;
}

static bool sequence(struct mongo_state *s, struct mongo_message *m, enum dir dir, struct reader *r, enum frames_more more)
{
	uint64_t size = 0;
	bool cut = false;
	struct slice one;

	if (!m->sequence) {
		m->stage = MONGO_SECTION;
		return true;
	}
	one = take_document(s, dir, r, more, m->sequence, &cut, &size);
	if (r->failed)
		return false;
	m->sequence -= size;
	tell(s, m, dir, one, cut);
	return true;
}

/* Without its database. */
static struct slice collection_of(struct slice name)
{
	const uint8_t *dot = name.len ? memchr(name.ptr, '.', name.len) : NULL;

	return dot ? slice_of(dot + 1, name.len - (size_t)(dot - name.ptr) - 1) : name;
}

/* What stands before the documents of the operations before OP_MSG. */
static bool flags(struct mongo_state *s, struct mongo_message *m, struct reader *r)
{
	struct slice name = { 0 };

	m->flags = (uint32_t)reader_little(r, 4);
	m->stage = m->operation == OP_MSG ? MONGO_SECTION : MONGO_DOCUMENTS;
	if (m->operation == OP_REPLY)
		reader_take(r, 16);
	else if (m->operation != OP_MSG)
		name = take_string(r);
	if (m->operation == OP_QUERY)
		reader_take(r, 8);
	else if (m->operation == OP_UPDATE || m->operation == OP_DELETE)
		reader_take(r, 4);
	else if (m->operation == OP_GET_MORE || m->operation == OP_KILL_CURSORS)
		m->stage = MONGO_REST;
	if (r->failed) {
		m->stage = MONGO_FLAGS;
		return false;
	}
	if (m->operation == OP_MSG || m->operation == OP_REPLY || !m->ex)
		return true;
	word_set(m->ex->method, m->operation == OP_QUERY ? "find" : m->operation == OP_INSERT ? "insert" :
		 m->operation == OP_UPDATE ? "update" : m->operation == OP_DELETE ? "delete" : m->operation == OP_GET_MORE ? "getMore" : "killCursors");
	if (name.len >= 5 && !memcmp(name.ptr + name.len - 5, ".$cmd", 5))
		m->is_command = true;
	else
		route_add(s, m->ex, collection_of(name));
	m->command = m->is_command ? COMMAND_OTHER : COMMAND_NONE;
	return true;
}

static bool documents(struct mongo_state *s, struct mongo_message *m, enum dir dir, struct reader *r, enum frames_more more)
{
	bool cut = false;
	struct slice one = take_document(s, dir, r, more, MONGO_LONGEST, &cut, NULL);

	if (r->failed)
		return false;
	if (m->is_command || (m->response && !m->looked && m->command != COMMAND_NONE))
		document(s, m, dir, one, cut);
	else
		tell(s, m, dir, one, cut);
	return true;
}

static bool step(struct mongo_state *s, struct mongo_message *m, enum dir dir, struct reader *r, enum frames_more more)
{
	switch (m->stage) {
	case MONGO_FLAGS: return flags(s, m, r);
	case MONGO_SECTION: return section(s, m, dir, r, more);
	case MONGO_SEQUENCE: return sequence(s, m, dir, r, more);
	case MONGO_DOCUMENTS: return documents(s, m, dir, r, more);
	default: return false;
	}
}

/* original operation, size, codec; then it is as if what comes out had come. */
static void compressed(struct mongo_state *s, struct mongo_message *m, enum dir dir, struct slice in, enum frames_more more)
{
	static const enum packing packings[] = { PACKED_NOT, PACKED_SNAPPY, PACKED_ZLIB, PACKED_ZSTD };
	struct reader r = { in, false };
	uint32_t operation = (uint32_t)reader_little(&r, 4), codec;
	enum unpacked done = UNPACKED_WHOLE;
	struct slice body;
	struct buf plain;

	reader_take(&r, 4);
	codec = reader_number(&r, 1);
	if (r.failed || operation == OP_COMPRESSED) {
		m->unread = true;
		return;
	}
	m->operation = operation;
	buf_init(&plain, 0);
	body = r.left;
	if (codec) {
		done = packed_read(s->sink, codec < 4 ? packings[codec] : PACKED_UNKNOWN, r.left, &plain);
		body = slice_of(plain.ptr, plain.len);
	}
	m->unread |= done != UNPACKED_WHOLE;
	while (body.len) {
		size_t used = mongo_walk(s, m, dir, body, done == UNPACKED_WHOLE ? more : FRAMES_STOP);

		body = slice_of(body.ptr + used, used ? body.len - used : 0);
	}
	buf_free(&plain);
}

size_t mongo_walk(struct mongo_state *s, struct mongo_message *m, enum dir dir, struct slice in, enum frames_more more)
{
	struct reader r = { in, false };

	if (m->operation == OP_COMPRESSED) {
		if (more == FRAMES_MORE)
			return 0;
		compressed(s, m, dir, in, more);
		m->stage = MONGO_REST;
	}
	while (m->stage != MONGO_REST && r.left.len) {
		struct reader before = r;
		bool checksum = m->operation == OP_MSG && m->flags & MSG_CHECKSUM && r.left.len <= 4;

		if (step(s, m, dir, &r, more))
			continue;
		r = before;
		if (more == FRAMES_MORE && (m->stage != MONGO_SECTION || r.left.ptr[0] <= 1 || m->flags & MSG_CHECKSUM))
			break;
		m->unread |= !checksum;
		m->stage = MONGO_REST;
	}
	if (m->stage == MONGO_REST) {
		frames_skip(&s->frames, dir, FRAMES_ALL);
		return in.len;
	}
	return in.len - r.left.len;
}
