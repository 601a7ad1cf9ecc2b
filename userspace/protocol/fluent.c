/* SPDX-License-Identifier: Apache-2.0 */
/* fluent.c - the Forward protocol of Fluentd and Fluent Bit, version 1: a message is an exchange, answered
 * where it has a chunk that is acknowledged, its route the tag. Fields of its records are leaves. Over a gap
 * the next message is looked for, which begins with a tag and a time, or entries.
 *
 *   [tag, time, record, {option}]      [tag, [[time, record], ...], {option}]
 *   [tag, entries in a string, {option}], these gzip, zstd or not      {"ack": chunk} comes back
 *   ["HELO", {..}], ["PING", host, salt, digest, user, digest], ["PONG", bool, reason, host, digest] */
#include <errno.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/content.h"
#include "protocol/packed.h"
#include "protocol/protocol.h"
#include "protocol/reader.h"

#define WAITING		64	/* exchanges without an answer; the oldest goes */
#define TAG_MAX		128	/* of one that is looked for */
#define PARTS		6	/* of a message that are of use */
#define TODO_MAX	(1ull << 40)
#define COST_ENTRY	300	/* ns */

enum phase { PHASE_BEGIN, PHASE_INSIDE, PHASE_LOST };

/* Values of MessagePack to come, and bytes of the one at hand: steps over any nesting. */
struct walk { uint64_t todo, skip; };

struct side {
	enum phase phase;
	struct walk walk;
	bool cut, gap;
	uint64_t bytes, began;
	struct buf held;
};

struct waiting { struct exchange *ex; uint64_t chunk, asked; };	/* chunk: its hash; 0: a log-in */

struct state {
	const struct field_sink *sink;
	struct session *session;
	struct side sides[2];
	uint8_t auth;
	enum dir asks;		/* of those that wait */
	unsigned nr_waiting;
	struct waiting waiting[WAITING];
};

/* ---- MessagePack ---- */

/* What stands at the front: its head's length, the bytes and the values that follow. 0: too short to tell. */
static size_t value_head(struct slice in, uint64_t *bytes, uint64_t *values)
{
	static const uint8_t sizes[32] = {	/* of 0xc0 to 0xdf: bytes of a length, or of the value */
		0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 1, 2, 4, 2, 4, 2, 4,
	};
	struct reader r = { in, false };
	uint32_t c = reader_number(&r, 1), n;

	*bytes = *values = 0;
	if (r.failed)
		return 0;
	if (c < 0x80 || c >= 0xe0)
		return 1;
	if (c < 0xc0) {
		*bytes = c >= 0xa0 ? c & 31 : 0;
		*values = c < 0x90 ? 2 * (c & 15) : c < 0xa0 ? c & 15 : 0;
		return 1;
	}
	n = sizes[c & 31];
	if ((c >= 0xca && c <= 0xd8) || c < 0xc4) {	/* numbers, and types of a fixed length */
		*bytes = n;
		return 1;
	}
	*bytes = reader_number(&r, n);
	if (r.failed)
		return 0;
	if (c >= 0xdc) {
		*values = c < 0xde ? *bytes : 2 * *bytes;
		*bytes = 0;
	} else if (c >= 0xc7 && c <= 0xc9) {
		++*bytes;	/* its type */
	}
	return 1 + n;
}

/* Bytes that belong to the values to come; w->todo and w->skip are 0 at their end. */
static size_t walk_on(struct walk *w, struct slice in)
{
	size_t at = 0;

	for (;;) {
		size_t room = in.len - at, n = w->skip < room ? (size_t)w->skip : room;
		uint64_t values;

		at += n;
		w->skip -= n;
		if (w->skip || !w->todo)
			return at;
		n = value_head(slice_of(in.ptr + at, in.len - at), &w->skip, &values);
		if (!n)
			return at;
		at += n;
		w->todo = w->todo - 1 + values < TODO_MAX ? w->todo - 1 + values : TODO_MAX;
	}
}

/* The value at the front, which is taken; empty: there is none. What is cut is as long as it is. */
static struct slice take_value(struct slice *in)
{
	struct walk w = { .todo = 1 };
	size_t n = in->len ? walk_on(&w, *in) : 0;
	struct slice v = slice_of(in->ptr, w.todo || w.skip ? in->len : n);

	*in = slice_of(in->ptr + v.len, in->len - v.len);
	return v;
}

/* A list's count, and in is what it holds; -1: it is none. */
static int64_t take_list(struct slice *in)
{
	uint64_t bytes, values;
	size_t n = value_head(*in, &bytes, &values);
	uint8_t c = n ? in->ptr[0] : 0;

	if (!n || (c >> 4 != 9 && c != 0xdc && c != 0xdd))
		return -1;
	*in = slice_of(in->ptr + n, in->len - n);
	return (int64_t)values;
}

/* Text or bytes; false: it is none. */
static bool as_text(struct slice v, struct slice *text)
{
	uint64_t bytes, values;
	size_t n = value_head(v, &bytes, &values);
	uint8_t c = n ? v.ptr[0] : 0;

	if (!n || !(c >> 5 == 5 || (c >= 0xd9 && c <= 0xdb) || (c >= 0xc4 && c <= 0xc6)))
		return false;
	*text = slice_of(v.ptr + n, bytes < v.len - n ? (size_t)bytes : v.len - n);
	return true;
}

/* ---- where a message begins ---- */

static bool is_tag(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7f || strchr("\"{}<>\\", s.ptr[i]))
			return false;
	return true;
}

/* By its magic: an entry is a list, which neither begins as. */
static enum packing packing_of(struct slice in)
{
	if (in.len >= 2 && in.ptr[0] == 0x1f && in.ptr[1] == 0x8b)
		return PACKED_ZLIB;
	return in.len >= 4 && !memcmp(in.ptr, "\x28\xb5\x2f\xfd", 4) ? PACKED_ZSTD : PACKED_NOT;
}

/* What stands behind a tag: 1, 0: too short to tell, -1: none begins so. */
static int second_fits(struct slice in, unsigned parts)
{
	uint64_t bytes, values;
	size_t n;
	uint8_t c;

	if (!in.len)
		return 0;
	c = in.ptr[0];
	n = c == 0xce ? 5 : c == 0xcf || c == 0xd3 ? 9 : c == 0xd7 ? 10 : c == 0xc7 && in.len > 1 ? 11 : 0;
	if (n && (parts < 3 || (c == 0xd7 && in.len > 1 && in.ptr[1]) || (c == 0xc7 && in.ptr[1] != 8)))	/* EventTime: type 0, 8 bytes */
		return -1;
	if (n)	/* a time, and the record */
		return in.len <= n ? 0 : in.ptr[n] >> 4 == 8 || in.ptr[n] == 0xde || in.ptr[n] == 0xdf ? 1 : -1;
	if (c >> 4 != 9 && c != 0xdc && c != 0xdd && !(c >= 0xc4 && c <= 0xc6) && !(c >= 0xd9 && c <= 0xdb) && c >> 5 != 5 && c != 0xc7)
		return -1;
	n = value_head(in, &bytes, &values);
	if (!n || in.len == n)
		return c == 0x90 ? -1 : 0;
	if (in.ptr[n] == 0x92)	/* an entry */
		return 1;
	if (c >> 4 == 9 || c == 0xdc || c == 0xdd)
		return -1;
	in = slice_of(in.ptr + n, in.len - n);
	if (packing_of(in) != PACKED_NOT)
		return 1;
	return in.len < 4 && (!memcmp(in.ptr, "\x28\xb5\x2f", in.len < 3 ? in.len : 3) || (in.len == 1 && in.ptr[0] == 0x1f)) ? 0 : -1;
}

/* Does a message of a client, or a server's greeting or acknowledgement, begin here? As above. */
static int message_begins(struct slice in)
{
	uint64_t bytes, values;
	struct slice tag;
	unsigned parts;
	size_t n;

	if (!in.len)
		return 0;
	if (in.ptr[0] == 0x81) {	/* {"ack": */
		size_t most = in.len < 5 ? in.len : 5;

		return memcmp(in.ptr, "\x81\xa3" "ack", most) ? -1 : most == 5;
	}
	if (in.ptr[0] < 0x92 || in.ptr[0] > 0x94)
		return -1;
	parts = in.ptr[0] & 15;
	in = slice_of(in.ptr + 1, in.len - 1);
	if (!in.len)
		return 0;
	if (in.ptr[0] >> 5 != 5 && in.ptr[0] != 0xd9 && in.ptr[0] != 0xc4)
		return -1;
	n = value_head(in, &bytes, &values);
	if (!n)
		return 0;
	tag = slice_of(in.ptr + n, in.len - n < bytes ? in.len - n : (size_t)bytes);
	if (!bytes || bytes > TAG_MAX || !is_tag(tag))
		return -1;
	if (tag.len < bytes)
		return 0;
	in = slice_of(tag.ptr + tag.len, in.len - n - tag.len);
	if (tag.len == 4 && !memcmp(tag.ptr, "HELO", 4))
		return !in.len ? 0 : in.ptr[0] >> 4 == 8 ? 1 : -1;
	return second_fits(in, parts);
}

static int guess(struct slice head, enum dir dir)
{
	int r = message_begins(head);

	return r > 0 ? 85 : r < 0 || !head.len ? 0 : -EAGAIN;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	int r = -1;

	for (*at = 0; *at < in.len; ++*at)
		if ((r = message_begins(slice_of(in.ptr + *at, in.len - *at))) >= 0)
			break;
	return r > 0;
}

/* ---- exchanges ---- */

static uint64_t hash_of(struct slice s)
{
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.ptr[i]) * 1099511628211ull;
	return h | 1;
}

static struct exchange *exchange_new(struct state *s, const char *method, const struct side *side, enum dir dir)
{
	struct exchange *ex = protocol_exchange();

	if (!ex)
		return NULL;
	ex->began = side->began;
	ex->auth = s->auth;
	ex->conn.role = dir == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;
	ex->request_bytes = side->bytes;
	ex->has_gap = side->gap;
	word_set(ex->method, method);
	return ex;
}

static void emit(struct state *s, struct exchange *ex, struct stamp at)
{
	session_emit(s->session, ex, at);
	budget_free(ex, sizeof(*ex));
}

static struct exchange *waiting_drop(struct state *s, unsigned i)
{
	struct exchange *ex = s->waiting[i].ex;

	memmove(&s->waiting[i], &s->waiting[i + 1], (--s->nr_waiting - i) * sizeof(s->waiting[0]));
	return ex;
}

static void wait_for(struct state *s, struct exchange *ex, uint64_t chunk, enum dir dir, struct stamp at)
{
	s->asks = dir;
	if (s->nr_waiting == WAITING)
		emit(s, waiting_drop(s, 0), at);
	s->waiting[s->nr_waiting++] = (struct waiting){ ex, chunk, at.time };
}

/* Nobody answers himself. */
static void answered(struct state *s, enum dir dir, uint64_t chunk, uint16_t status, uint64_t bytes, struct stamp at)
{
	for (unsigned i = 0; i < s->nr_waiting && dir != s->asks; i++) {
		uint64_t us = at.time > s->waiting[i].asked ? (at.time - s->waiting[i].asked) / 1000 : 0;
		struct exchange *ex;

		if (s->waiting[i].chunk != chunk)
			continue;
		ex = waiting_drop(s, i);
		ex->status = status;
		ex->response_bytes = bytes;
		ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
		if (!chunk)
			s->auth = status == 200 ? ex->auth : s->auth;
		emit(s, ex, at);
		return;
	}
}

/* The value of that name in a map; empty: it has none. */
static struct slice option(struct slice map, const char *name)
{
	uint64_t bytes, values;
	size_t n = value_head(map, &bytes, &values);
	struct slice key, value;

	if (!n || (map.ptr[0] >> 4 != 8 && map.ptr[0] != 0xde && map.ptr[0] != 0xdf))
		return (struct slice){ 0 };
	for (map = slice_of(map.ptr + n, map.len - n); map.len && values; values -= 2) {
		struct slice k = take_value(&map);

		value = take_value(&map);
		if (as_text(k, &key) && key.len == strlen(name) && !memcmp(key.ptr, name, key.len))
			return value;
	}
	return (struct slice){ 0 };
}

static void tell_record(struct content_job *job, struct slice record)
{
	struct content_job one = *job;

	if (content_decode(&one, SLICE("application/msgpack"), record) != INSPECTED_FULL)
		job->limited = true;
	job->fields = one.fields;
}

/* Pairs of a time and a record, one behind the other. */
static void tell_entries(struct content_job *job, struct slice entries)
{
	while (entries.len && !content_full(job)) {
		struct slice entry = take_value(&entries), in = entry;

		if (job->sink->afford && !job->sink->afford(job->sink->owner, COST_ENTRY)) {
			job->limited = true;
			return;
		}
		if (take_list(&in) < 2) {
			job->limited = true;
			continue;
		}
		take_value(&in);
		tell_record(job, take_value(&in));
	}
}

static void tell_packed(struct content_job *job, struct slice entries)
{
	struct buf plain;

	enum packing packing = packing_of(entries);

	if (packing == PACKED_NOT) {
		tell_entries(job, entries);
		return;
	}
	job->limited |= packed_read(job->sink, packing, entries, &plain) != UNPACKED_WHOLE;
	tell_entries(job, slice_of(plain.ptr, plain.len));
	buf_free(&plain);
}

static void take_event(struct state *s, const struct side *side, enum dir dir, struct slice tag, const struct slice *parts, struct stamp at)
{
	struct content_job job = { .sink = s->sink, .location = LOC_REQUEST_BODY, .dir = dir, .cut = side->cut };
	struct slice entries = parts[1], options = parts[2], chunk;
	bool packed = as_text(parts[1], &entries), list = !packed && take_list(&entries) >= 0;
	struct exchange *ex;

	if (!packed && !list)
		options = parts[3];
	ex = exchange_new(s, packed ? "PACKED" : list ? "FORWARD" : "MESSAGE", side, dir);
	if (!ex)
		return;
	route_template(ex->route, tag, s->sink);
	job.exchange = ex;
	if (packed)
		tell_packed(&job, entries);
	else if (list)
		tell_entries(&job, entries);
	else
		tell_record(&job, parts[2]);
	if (job.limited || side->cut)
		ex->inspected = INSPECTED_PARTIAL;
	if (as_text(option(options, "chunk"), &chunk))
		wait_for(s, ex, hash_of(chunk), dir, at);
	else
		emit(s, ex, at);
}

static void take_ping(struct state *s, const struct side *side, enum dir dir, const struct slice *parts, struct stamp at)
{
	struct exchange *ex = exchange_new(s, "PING", side, dir);
	struct field f = { .location = LOC_REQUEST_HEADER, .dir = dir, .path = "auth.user", .key = SLICE("user") };

	if (!ex)
		return;
	ex->auth = AUTH_OTHER;	/* a key that both know, of which a digest goes over the wire */
	if (as_text(parts[4], &f.value) && f.value.len)
		s->sink->field(s->sink->owner, ex, &f);
	wait_for(s, ex, 0, dir, at);
}

static void take_message(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	struct slice parts[PARTS] = { { 0 } }, tag, chunk;
	int64_t nr = take_list(&(struct slice){ in.ptr, in.len });

	if (nr < 0) {
		if (as_text(option(in, "ack"), &chunk))
			answered(s, dir, hash_of(chunk), 200, side->bytes, at);
		return;
	}
	take_list(&in);
	for (unsigned i = 0; i < PARTS && i < nr && in.len; i++)
		parts[i] = take_value(&in);
	if (!as_text(parts[0], &tag) || !parts[1].len)
		return;
	if (tag.len == 4 && !memcmp(tag.ptr, "HELO", 4))
		return;
	if (tag.len == 4 && !memcmp(tag.ptr, "PING", 4) && nr == 6)
		take_ping(s, side, dir, parts, at);
	else if (tag.len == 4 && !memcmp(tag.ptr, "PONG", 4) && nr == 5)
		answered(s, dir, 0, parts[1].ptr[0] == 0xc3 ? 200 : 401, side->bytes, at);
	else
		take_event(s, side, dir, tag, parts, at);
}

/* ---- the stream ---- */

static void complete(struct state *s, struct side *side, enum dir dir, struct slice all, struct stamp at)
{
	if (all.len)
		take_message(s, side, dir, all, at);
	buf_free(&side->held);
	side->phase = PHASE_BEGIN;
	side->cut = side->gap = false;
	side->bytes = 0;
}

static struct slice held(const struct side *side)
{
	return slice_of(side->held.ptr, side->held.len);
}

static struct feed_result feed_inside(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = walk_on(&side->walk, in), room = PROTOCOL_BODY_HELD - side->held.len, kept = n < room ? n : room;
	bool ends = !side->walk.todo && !side->walk.skip, whole = ends && !side->held.len && !side->held.failed;

	if (!n)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (!whole && kept && buf_add(&side->held, in.ptr, kept))
		kept = 0;	/* no memory: what is there stays */
	side->bytes += n;
	side->cut |= kept < n;
	session_count(s->session, FATE_EXAMINED, kept);
	session_count(s->session, FATE_SKIPPED, n - kept);
	if (ends)
		complete(s, side, dir, whole ? slice_of(in.ptr, kept) : held(side), at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];
	size_t n = 0;

	if (side->phase == PHASE_LOST && !seek(in, dir, &n))
		return (struct feed_result){ n ? FEED_OK : FEED_MORE, n, n };
	if (side->phase == PHASE_LOST && n) {
		side->phase = PHASE_BEGIN;
		return (struct feed_result){ FEED_OK, n, n };
	}
	if (side->phase != PHASE_INSIDE) {
		/* A list, or a map that acknowledges; a nil is a heartbeat. */
		if (in.ptr[0] == 0xc0 || !in.ptr[0])
			return (struct feed_result){ FEED_OK, 1, 0 };
		if (in.ptr[0] >> 4 != 9 && in.ptr[0] >> 4 != 8) {
			side->phase = PHASE_LOST;
			return (struct feed_result){ FEED_OK, 1, 1 };
		}
		side->phase = PHASE_INSIDE;
		side->walk = (struct walk){ .todo = 1 };
		side->began = at.time;
		side->bytes = 0;
	}
	return feed_inside(s, side, dir, in, at);
}

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	for (int d = 0; d < 2; d++)
		buf_init(&s->sides[d].held, PROTOCOL_BODY_HELD);
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];

	side->cut = side->gap = true;
	complete(s, side, dir, held(side), at);
	side->phase = PHASE_LOST;
	while (s->nr_waiting && dir != s->asks) {	/* it may have been answered */
		s->waiting[0].ex->has_gap = 1;
		emit(s, waiting_drop(s, 0), at);
	}
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct state *s = state;

	for (unsigned i = 0; i < s->nr_waiting; i++)
		session_emit_part(s->session, s->waiting[i].ex, at);
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	for (int d = 0; d < 2; d++)
		if (s->sides[d].held.len) {
			s->sides[d].cut = true;
			complete(s, &s->sides[d], (enum dir)d, held(&s->sides[d]), at);
		}
	while (s->nr_waiting)
		emit(s, waiting_drop(s, 0), at);
}

static void fini(void *state)
{
	struct state *s = state;

	while (s->nr_waiting)
		budget_free(waiting_drop(s, 0), sizeof(struct exchange));
	for (int d = 0; d < 2; d++)
		buf_free(&s->sides[d].held);
}

const struct protocol protocol_fluent = {
	.name = "fluent", .summary = "the Forward protocol of Fluentd and Fluent Bit, a message is an exchange", .state_size = sizeof(struct state),
	.guess = guess, .seek = seek, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
};
