/* SPDX-License-Identifier: Apache-2.0 */
/* mongodb.c - MongoDB: where messages begin, also behind a gap or joined late, and which answers
 * which. A message names the one that it answers; some are answered several times, some never. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/mongodb.h"

#define LOOKED_AT	(MONGO_HEAD + 4 + 1 + 4 + 2)	/* bytes that tell a message of today's kind */

static uint32_t number_at(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* ---- does a message begin here? ---- */

/* Its operation, as far as it is there: low bytes of 2001 to 2013, or of OP_REPLY. */
static bool operation_fits(struct slice in)
{
	uint32_t low = in.len > 12 ? in.ptr[12] : 0;

	if (in.len <= 12)
		return true;
	if (low == OP_REPLY)
		return (in.len < 14 || !in.ptr[13]) && (in.len < 15 || !in.ptr[14]) && (in.len < 16 || !in.ptr[15]);
	return low >= (OP_UPDATE & 255) && low <= (OP_MSG & 255) && (in.len < 14 || in.ptr[13] == OP_UPDATE >> 8) &&
	       (in.len < 15 || !in.ptr[14]) && (in.len < 16 || !in.ptr[15]);
}

/* A document of that length: its first field's type and name, or nothing. */
static bool document_begins(const uint8_t *p, uint32_t room)
{
	uint32_t len = number_at(p);

	if (len < 5 || len > room)
		return false;
	if (len == 5)
		return !p[4];
	return ((p[4] && p[4] <= 0x13) || p[4] == 0x7f || p[4] == 0xff) && (p[5] >= 0x20 || !p[5]) && p[5] != 0x7f;
}

/* What follows the head, for those that are met in the middle of other bytes. */
static int message_fits(struct slice in)
{
	uint32_t body = number_at(in.ptr) - MONGO_HEAD, first;
	const uint8_t *p = in.ptr + MONGO_HEAD;

	switch (number_at(in.ptr + 12)) {
	case OP_MSG:	/* flags that there are, a section of a kind that there is, of a length that fits */
		if (in.len < LOOKED_AT)
			return body < LOOKED_AT - MONGO_HEAD ? 0 : -1;
		first = number_at(p + 5);
		if (number_at(p) & ~(uint32_t)(MSG_CHECKSUM | MSG_MORE | MSG_EXHAUST))
			return 0;
		return p[4] ? p[4] == 1 && first >= 5 && first <= body - 5 && p[9] >= 0x20 && p[9] < 0x7f : document_begins(p + 5, body - 5);
	case OP_COMPRESSED:
		if (in.len < LOOKED_AT)
			return body < LOOKED_AT - MONGO_HEAD ? 0 : -1;
		first = number_at(p);
		return (first == OP_MSG || first == OP_QUERY || first == OP_REPLY) && number_at(p + 4) <= MONGO_LONGEST && p[8] <= 3;
	case OP_QUERY: case OP_INSERT:	/* flags, and the name of a collection */
		if (in.len < LOOKED_AT)
			return body < LOOKED_AT - MONGO_HEAD ? 0 : -1;
		return number_at(p) < 256 && p[4] > 0x20 && p[4] < 0x7f && p[5] >= 0x20 && p[5] < 0x7f;
	case OP_REPLY:
		if (in.len < MONGO_HEAD + 26)
			return body < 26 ? 0 : -1;
		return number_at(p) < 16 && number_at(in.ptr + 8) && number_at(p + 16) && number_at(p + 16) <= body / 5 && document_begins(p + 20, body - 20);
	default:
		return 0;
	}
}

static int message_begins(struct slice in, bool strict)
{
	uint32_t len;

	if ((in.len >= 4 && in.ptr[3] > MONGO_LONGEST >> 24) || !operation_fits(in))
		return 0;
	if (in.len < MONGO_HEAD)
		return -1;
	len = number_at(in.ptr);
	if (len < MONGO_HEAD + 4 || len > MONGO_LONGEST)
		return 0;
	return strict ? message_fits(in) : 1;
}

static int guess(struct slice in, enum dir dir)
{
	int begins = in.len ? message_begins(in, true) : 0;

	return begins < 0 ? -EAGAIN : begins ? 90 : 0;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	for (*at = 0; *at < in.len; ++*at) {
		int begins = message_begins(slice_of(in.ptr + *at, in.len - *at), true);

		if (begins)
			return begins > 0;
	}
	return false;
}

static int begins(void *owner, enum dir dir, struct slice in, bool resync, size_t *head, uint64_t *total)
{
	int begins = message_begins(in, resync);

	if (begins <= 0)
		return begins;
	*head = MONGO_HEAD;
	*total = number_at(in.ptr);
	return 1;
}

/* ---- messages ---- */

static struct exchange *exchange_new(struct mongo_state *s, struct stamp at)
{
	struct exchange *ex = pairs_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);

	if (ex)
		ex->auth = s->auth;
	return ex;
}

/* One that follows another answer of the same request is an exchange of its own. */
static struct exchange *answer_more(struct mongo_state *s, uint32_t answers, struct stamp at)
{
	struct exchange *ex = s->more && answers == s->more_id ? exchange_new(s, at) : NULL;

	if (ex) {
		memcpy(ex->method, s->more_method, sizeof(ex->method));
		memcpy(ex->route, s->more_route, sizeof(ex->route));
	}
	return ex;
}

static void begin(void *owner, enum dir dir, struct slice head, uint64_t total, struct stamp at)
{
	struct mongo_state *s = owner;
	struct mongo_message *m = &s->in[dir];
	struct pair *pair;

	*m = (struct mongo_message){
		.total = total, .id = number_at(head.ptr + 4), .operation = number_at(head.ptr + 12), .response = dir != s->front, .base = "$",
	};
	if (!m->response) {
		m->ex = exchange_new(s, at);
		if (m->ex)
			m->ex->request_bytes = total;
		return;
	}
	pair = pairs_find(&s->pairs, number_at(head.ptr + 8));
	if (pair) {
		uint64_t asked = pair->asked;

		m->command = (uint8_t)pair->kind;
		m->ex = pairs_take(&s->pairs, s->session, pair, s->frames.sides[dir].after_gap, at);
		if (m->ex)
			pairs_latency(m->ex, asked, at);
	} else {
		m->ex = answer_more(s, number_at(head.ptr + 8), at);
	}
	if (m->ex)
		m->ex->response_bytes = total;
}

static size_t walk(void *owner, enum dir dir, struct slice in, enum frames_more more, struct stamp at)
{
	struct mongo_state *s = owner;

	return mongo_walk(s, &s->in[dir], dir, in, more);
}

/* A section ends where it said; of what else is missing nothing can be told. */
static uint64_t hole(void *owner, enum dir dir, uint64_t missing)
{
	struct mongo_message *m = &((struct mongo_state *)owner)->in[dir];
	uint64_t skip = m->sequence - missing;

	m->unread = true;
	if (m->stage != MONGO_SEQUENCE || missing > m->sequence) {
		m->stage = MONGO_REST;
		return FRAMES_ALL;
	}
	m->sequence = 0;
	return skip;
}

static void end_response(struct mongo_state *s, struct mongo_message *m, struct stamp at)
{
	struct exchange *ex = m->ex;

	if (!ex)
		return;
	ex->status = mongo_status(m);
	if (m->command == COMMAND_LOGIN && m->done && !m->failed)
		s->auth = AUTH_DATABASE;
	if (m->command == COMMAND_LOGIN)
		ex->auth = AUTH_DATABASE;
	s->more = m->operation == OP_MSG && m->flags & MSG_MORE;
	s->more_id = m->id;
	memcpy(s->more_method, ex->method, sizeof(s->more_method));
	memcpy(s->more_route, ex->route, sizeof(s->more_route));
	m->ex = NULL;
	pairs_emit(s->session, ex, at);
}

static bool has_answer(const struct mongo_message *m)
{
	switch (m->operation) {
	case OP_MSG: return !(m->flags & MSG_MORE);
	case OP_QUERY: case OP_GET_MORE: case OP_COMPRESSED: return true;
	default: return false;
	}
}

static void end(void *owner, enum dir dir, struct stamp at)
{
	struct mongo_state *s = owner;
	struct mongo_message *m = &s->in[dir];
	bool cut = s->frames.sides[dir].cut;

	m->unread |= m->stage == MONGO_FLAGS || (m->stage == MONGO_SEQUENCE && m->sequence);
	if (m->ex) {
		m->ex->has_gap |= cut;
		if (m->unread || cut)
			m->ex->inspected = m->looked && m->ex->inspected != INSPECTED_NONE ? INSPECTED_PARTIAL : INSPECTED_NONE;
	}
	if (m->response) {
		end_response(s, m, at);
		return;
	}
	if (has_answer(m)) {
		struct pair pair = { m->ex, at.time, m->id, m->command };

		pairs_add(&s->pairs, s->session, pair, at);
	} else {
		pairs_emit(s->session, m->ex, at);
	}
	m->ex = NULL;
}

/* ---- the row ---- */

static const struct frames_ops ops = { begins, begin, walk, hole, end };

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct mongo_state *s = state;

	s->sink = sink;
	s->session = session;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	frames_init(&s->frames, &ops, s, session, PROTOCOL_BODY_HELD);
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct mongo_state *s = state;

	if (!s->front_known && in.len >= MONGO_HEAD) {	/* a client answers nobody */
		s->front = number_at(in.ptr + 8) ? !dir : dir;
		s->front_known = true;
	}
	return frames_feed(&s->frames, dir, in, at);
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct mongo_state *s = state;

	frames_gap(&s->frames, dir, lost, at);
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct mongo_state *s = state;

	pairs_interval(&s->pairs, s->session, at);
}

static void eof(void *state, struct stamp at)
{
	struct mongo_state *s = state;

	frames_eof(&s->frames, at);
	pairs_end(&s->pairs, s->session, at);
}

static void fini(void *state)
{
	struct mongo_state *s = state;

	frames_free(&s->frames);
	pairs_free(&s->pairs);
	for (int d = 0; d < 2; d++)
		budget_free(s->in[d].ex, sizeof(*s->in[d].ex));
}

const struct protocol protocol_mongodb = {
	.name = "mongodb", .summary = "MongoDB: commands and what they answer, compressed too, and who logs in",
	.state_size = sizeof(struct mongo_state), .guess = guess, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
	.seek = seek,
};
