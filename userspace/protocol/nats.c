/* SPDX-License-Identifier: Apache-2.0 */
/* nats.c - the client protocol of NATS. A message is an exchange, PUB or MSG; one that names where its answer
 * goes waits for the first message of the other direction with that subject. A log-in is one, answered by what
 * the server says next; so is a subscription. With "verbose" the server answers each line in turn. Over a gap
 * the next line that begins so is looked for. What servers say among each other is not read.
 *
 *   PUB subject [answer's] size        MSG subject id [answer's] size           | payload, CR LF
 *   HPUB subject [answer's] head size  HMSG subject id [answer's] head size     | head, payload, CR LF */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/content.h"
#include "protocol/nats.h"
#include "protocol/pairs.h"
#include "protocol/protocol.h"

#define HEADERS_MAX	256		/* of a message that become fields */

enum phase { PHASE_LINE, PHASE_PAYLOAD, PHASE_RESYNC };

struct side {
	enum phase phase;
	uint32_t left;		/* bytes of the payload and of its line end */
	uint32_t head;
	size_t scanned;		/* bytes of a line in which no end is */
	struct exchange *ex;	/* of the message; NULL: none, or no memory */
	uint64_t asked, answer;	/* when it was asked for, where it is an answer; by which it is answered, 0: by none */
	bool is_answer, cut, seen;	/* seen: a whole message or line */
	struct buf held;
};

struct state {
	const struct field_sink *sink;
	struct session *session;
	struct side sides[2];
	enum dir front;		/* the client's */
	bool front_known, sure, verbose;	/* sure: two lines fit each other */
	uint8_t auth;
	struct exchange *login;	/* NULL: none that waits */
	uint64_t login_at;
	struct pairs asked[2];	/* by enum dir and the hash of the subject that answers */
	struct pairs told;	/* in the order that "verbose" answers them in */
};

/* "PING" is Redis's too, "+OK" and "-ERR" are of others. */
static int guess(struct slice head, enum dir dir)
{
	int begins;

	while (head.len >= 6 && !memcmp(head.ptr, "PING\r\n", 6))
		head = slice_of(head.ptr + 6, head.len - 6);
	begins = nats_begins(head, false);
	if (begins > 0)
		return 85;
	if (head.len >= 6 && !memcmp(head.ptr, "PONG\r\n", 6))
		return 60;
	if (head.len < 6 && (!head.len || !memcmp(head.ptr, "PING\r\n", head.len) || !memcmp(head.ptr, "PONG\r\n", head.len)))
		return -EAGAIN;
	return begins < 0 ? -EAGAIN : 0;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	return nats_find(in, false, at) > 0;
}

/* ---- exchanges ---- */

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	for (int d = 0; d < 2; d++) {
		buf_init(&s->sides[d].held, PROTOCOL_BODY_HELD);
		s->sides[d].phase = conn->late ? PHASE_RESYNC : PHASE_LINE;
	}
}

static void learn_front(struct state *s, enum dir front)
{
	if (!s->front_known)
		s->front = front;
	s->front_known = true;
}

/* FNV; who aims at a collision spoils his own pair. */
static uint64_t hash(struct slice subject)
{
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < subject.len; i++)
		h = (h ^ subject.ptr[i]) * 1099511628211ull;
	return h ? h : 1;
}

static struct exchange *exchange_new(struct state *s, const char *method, struct stamp at)
{
	struct exchange *ex = pairs_exchange(!s->front_known ? ROLE_UNKNOWN : s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);

	if (!ex)
		return NULL;
	ex->auth = s->auth;
	word_set(ex->method, method);
	return ex;
}

static void add_bytes(const struct state *s, struct exchange *ex, enum dir dir, uint64_t nr)
{
	if (ex)
		*(dir == s->front ? &ex->request_bytes : &ex->response_bytes) += nr;
}

static void hand_in(struct state *s, struct exchange *ex, uint16_t status, struct stamp at)
{
	if (ex && status)
		ex->status = status;
	pairs_emit(s->session, ex, at);
}

static void tell(struct state *s, struct exchange *ex, enum dir dir, enum location location, const char *name, struct slice value)
{
	struct field f = { .location = location, .dir = dir, .path = name, .value = value, .text = 1 };

	if (!ex || !value.len)
		return;
	f.key = location == LOC_PATH ? f.key : slice_of(name, strlen(name));
	s->sink->field(s->sink->owner, ex, &f);
}

/* A subject that was made for one answer says nothing. */
static void tell_subject(struct state *s, struct exchange *ex, enum dir dir, struct slice subject)
{
	if (!ex)
		return;
	route_key(ex->route, subject, s->sink);
	if (subject.len < 7 || memcmp(subject.ptr, "_INBOX.", 7))
		tell(s, ex, dir, LOC_PATH, "subject", subject);
}

static void content(struct state *s, struct exchange *ex, enum dir dir, enum location location, struct slice type, struct slice body, bool cut)
{
	struct content_job job = { .exchange = ex, .sink = s->sink, .dir = dir, .cut = cut, .location = location };
	int done = content_decode(&job, type, body);

	if (cut && done == INSPECTED_FULL)
		done = INSPECTED_PARTIAL;
	if (done > ex->inspected)
		ex->inspected = (uint8_t)done;
}

/* ---- who logs in ---- */

/* Has the object a name with a text that is not empty? */
static bool says(struct slice json, const char *name)
{
	const uint8_t *p = memmem(json.ptr, json.len, name, strlen(name)), *end = json.ptr + json.len;

	for (p = p ? p + strlen(name) : end; p < end && (nats_is_blank(*p) || *p == ':');)
		p++;
	return end - p > 2 && p[0] == '"' && p[1] != '"';
}

static void log_in(struct state *s, struct slice json, size_t wire, enum dir dir, struct stamp at)
{
	const uint8_t *verbose = memmem(json.ptr, json.len, "\"verbose\"", 9);
	size_t behind = verbose ? json.len - (size_t)(verbose - json.ptr) : 0;

	s->verbose = behind > 14 && memmem(verbose + 9, behind < 16 ? behind - 9 : 7, "true", 4);
	s->auth = says(json, "\"jwt\"") || says(json, "\"auth_token\"") ? AUTH_BEARER :
		  says(json, "\"user\"") ? AUTH_BASIC : says(json, "\"nkey\"") ? AUTH_OTHER : AUTH_NONE;
	hand_in(s, s->login, 0, at);
	s->login = exchange_new(s, "CONNECT", at);
	s->login_at = at.time;
	add_bytes(s, s->login, dir, wire);
	if (s->login)
		content(s, s->login, dir, LOC_REQUEST_HEADER, SLICE("application/json"), json, false);
}

static void logged_in(struct state *s, uint16_t status, size_t wire, enum dir dir, struct stamp at)
{
	struct exchange *ex = s->login;

	if (!ex)
		return;
	s->login = NULL;
	add_bytes(s, ex, dir, wire);
	pairs_latency(ex, s->login_at, at);
	hand_in(s, ex, status, at);
}

/* What HTTP calls an error. */
static uint16_t status_of(struct slice text)
{
	static const struct { const char *word; uint16_t status; } words[] = {
		{ "Permissions", 403 }, { "Authorization", 401 }, { "Authentication", 401 }, { "Secure", 426 }, { "Maximum Payload", 413 },
		{ "maximum connections", 503 }, { "Stale", 408 }, { "Slow", 429 },
	};

	while (text.len && (text.ptr[0] == '\'' || nats_is_blank(text.ptr[0])))
		text = slice_of(text.ptr + 1, text.len - 1);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].word);

		if (text.len >= n && !strncasecmp((const char *)text.ptr, words[i].word, n))
			return words[i].status;
	}
	return 400;
}

/* "+OK" and "-ERR": of the log-in, then in the order of what was said. */
static void answered(struct state *s, const char *method, uint16_t status, struct slice text, size_t wire, enum dir dir, struct stamp at)
{
	struct exchange *ex;
	uint64_t asked = at.time;

	if (status == 403)	/* what is forbidden to somebody: he was let in */
		logged_in(s, 200, 0, dir, at);
	if (s->login) {
		tell(s, s->login, dir, LOC_RESPONSE_HEADER, "reply", text);
		logged_in(s, status, wire, dir, at);
		return;
	}
	if (s->told.nr) {
		asked = pairs_at(&s->told, 0)->asked;
		ex = pairs_take(&s->told, s->session, pairs_at(&s->told, 0), false, at);
	} else {
		ex = method ? exchange_new(s, method, at) : NULL;
	}
	if (!ex)
		return;
	tell(s, ex, dir, LOC_RESPONSE_HEADER, "reply", text);
	add_bytes(s, ex, dir, wire);
	pairs_latency(ex, asked, at);
	hand_in(s, ex, status, at);
}

/* Its turn comes. Where that cannot be remembered, or the oldest goes for it, the order is lost. */
static void wait_turn(struct state *s, struct exchange *ex, struct stamp at)
{
	unsigned nr = s->told.nr;

	pairs_add(&s->told, s->session, (struct pair){ ex, at.time, 0, 0 }, at);
	if (s->told.nr > nr)
		return;
	pairs_end(&s->told, s->session, at);
	s->verbose = false;
}

/* ---- messages ---- */

/* "Name: value" behind "NATS/1.0 [status]". Returns the status, 0: none. */
static uint16_t take_headers(struct state *s, struct exchange *ex, enum dir dir, struct slice in, struct slice *type)
{
	uint32_t status = 0;

	for (unsigned i = 0; in.len && i < HEADERS_MAX; i++) {
		const uint8_t *end = memchr(in.ptr, '\n', in.len), *colon;
		struct slice line = slice_of(in.ptr, end ? (size_t)(end - in.ptr) : in.len), name, value;
		char path[PATH_SIZE] = "header.";
		struct field f = { .location = dir == s->front ? LOC_REQUEST_HEADER : LOC_RESPONSE_HEADER, .dir = dir, .path = path };

		in = slice_of(in.ptr + line.len, in.len - line.len);
		in = in.len ? slice_of(in.ptr + 1, in.len - 1) : in;
		line = nats_trim(line);
		if (!i) {
			if (line.len >= 12 && !nats_number(slice_of(line.ptr + 9, 3), 599, &status))
				status = 0;
			continue;
		}
		colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
		if (!colon)
			continue;
		name = nats_trim(slice_of(line.ptr, (size_t)(colon - line.ptr)));
		value = nats_trim(slice_of(colon + 1, line.len - (size_t)(colon - line.ptr) - 1));
		if (name.len == 12 && !strncasecmp((const char *)name.ptr, "content-type", 12))
			*type = value;
		f.key = name;
		f.value = value;
		s->sink->clean(s->sink->owner, path + strlen(path), name);
		if (value.len)
			s->sink->field(s->sink->owner, ex, &f);
	}
	if (in.len)	/* more than are told */
		ex->inspected = INSPECTED_PARTIAL;
	return (uint16_t)status;
}

/* bytes: of the head and the payload as much as is there. */
static void message_done(struct state *s, struct side *side, enum dir dir, struct slice bytes, struct stamp at)
{
	struct exchange *ex = side->ex;
	size_t head = side->head < bytes.len ? side->head : bytes.len;
	struct slice type = SLICE(""), body = slice_of(bytes.ptr + head, bytes.len - head);
	struct pair pair = { ex, at.time, side->answer, 0 };

	side->phase = PHASE_LINE;
	side->ex = NULL;
	side->seen = true;
	if (ex) {
		uint16_t status = head ? take_headers(s, ex, dir, slice_of(bytes.ptr, head), &type) : 0;

		ex->status = status ? status : side->is_answer ? 200 : 0;
		if (body.len || side->cut)
			content(s, ex, dir, dir == s->front ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY, type, body, side->cut);
		if (side->is_answer)
			pairs_latency(ex, side->asked, at);
	}
	if (side->answer && ex)
		pairs_add(&s->asked[dir], s->session, pair, at);
	else if (!side->answer && !side->is_answer && s->verbose && dir == s->front)
		wait_turn(s, ex, at);
	else
		pairs_emit(s->session, ex, at);
	if (s->verbose && dir == s->front && (side->answer || side->is_answer))	/* which is answered twice */
		wait_turn(s, NULL, at);
	buf_free(&side->held);
}

static struct slice held(const struct side *side)
{
	return side->held.len ? slice_of(side->held.ptr, side->held.len) : SLICE("");
}

static void message_begin(struct state *s, struct side *side, enum dir dir, const struct nats_line *l, size_t wire, struct stamp at)
{
	struct pairs *asked = &s->asked[!dir];
	struct pair *p = asked->nr ? pairs_find(asked, hash(l->subject)) : NULL;

	side->cut = false;
	side->head = l->head;
	side->left = l->size + 2;
	side->phase = PHASE_PAYLOAD;
	side->asked = p ? p->asked : 0;
	side->ex = p ? pairs_take(asked, s->session, p, false, at) : NULL;
	side->is_answer = side->ex;
	side->answer = l->answer.len && !side->is_answer ? hash(l->answer) : 0;
	if (!side->ex) {	/* nobody asked, or that was told already */
		side->ex = exchange_new(s, dir == s->front ? "PUB" : "MSG", at);
		tell_subject(s, side->ex, dir, l->subject);
	}
	add_bytes(s, side->ex, dir, wire + l->size + 2);
}

static void subscribe(struct state *s, const struct nats_line *l, size_t wire, enum dir dir, struct stamp at)
{
	struct exchange *ex = exchange_new(s, "SUB", at);

	add_bytes(s, ex, dir, wire);
	tell_subject(s, ex, dir, l->subject);
	tell(s, ex, dir, LOC_PATH, "queue", l->queue);
	if (s->verbose)
		wait_turn(s, ex, at);
	else
		pairs_emit(s->session, ex, at);
}

static void greet(struct state *s, const struct nats_line *l, size_t wire, enum dir dir, struct stamp at)
{
	struct exchange *ex = exchange_new(s, "INFO", at);

	if (!ex)
		return;
	add_bytes(s, ex, dir, wire);
	content(s, ex, dir, LOC_RESPONSE_HEADER, SLICE("application/json"), l->rest, false);
	pairs_emit(s->session, ex, at);
}

static void take_line(struct state *s, struct side *side, enum dir dir, const struct nats_line *l, size_t wire, struct stamp at)
{
	switch (l->what) {
	case NATS_PUB: case NATS_HPUB: case NATS_MSG: case NATS_HMSG:
		if (dir != s->front)	/* who is told something was let in */
			logged_in(s, 200, 0, dir, at);
		message_begin(s, side, dir, l, wire, at);
		break;
	case NATS_SUB:
		subscribe(s, l, wire, dir, at);
		break;
	case NATS_UNSUB:
		if (s->verbose)
			wait_turn(s, NULL, at);
		break;
	case NATS_CONNECT:
		log_in(s, l->rest, wire, dir, at);
		break;
	case NATS_INFO:
		greet(s, l, wire, dir, at);
		break;
	case NATS_PONG:
		if (dir != s->front)
			logged_in(s, 200, wire, dir, at);
		break;
	case NATS_OK:
		answered(s, NULL, 200, SLICE(""), wire, dir, at);
		break;
	case NATS_ERR:
		answered(s, "ERR", status_of(l->rest), l->rest, wire, dir, at);
		break;
	default:
		break;
	}
}

/* ---- the stream ---- */

/* Lines of that direction are missing: what it has answered, or was to be answered in turn. */
static void lost(struct state *s, enum dir dir, struct stamp at)
{
	struct side *side = &s->sides[dir];

	side->scanned = 0;
	if (side->phase == PHASE_PAYLOAD) {
		side->cut = true;
		if (side->ex)
			side->ex->has_gap = 1;
		message_done(s, side, dir, held(side), at);
	}
	side->phase = PHASE_RESYNC;
	pairs_gap(&s->asked[!dir], s->session, at);
	pairs_gap(&s->told, s->session, at);
	s->verbose = false;
	if (s->login)
		s->login->has_gap = 1;
	hand_in(s, s->login, 0, at);
	s->login = NULL;
}

static struct feed_result lose(struct state *s, enum dir dir, struct stamp at)
{
	if (!s->sure)
		return (struct feed_result){ FEED_BAD, 0, 0 };
	lost(s, dir, at);
	return (struct feed_result){ FEED_OK, 1, 1 };
}

static struct feed_result feed_line(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t most, wire;
	const uint8_t *end;
	struct nats_line l;

	if (!nats_may_be(in, &most))
		return lose(s, dir, at);
	end = memchr(in.ptr + side->scanned, '\n', in.len - side->scanned);
	side->scanned = in.len;
	if (!end && in.len < most)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	wire = end ? (size_t)(end - in.ptr) + 1 : 0;
	if (!end || !nats_line_read(slice_of(in.ptr, wire), &l))
		return lose(s, dir, at);
	if (nats_front_says(l.what) != nats_back_says(l.what))
		learn_front(s, nats_front_says(l.what) ? dir : (enum dir)!dir);
	if (!(dir == s->front ? nats_front_says(l.what) : nats_back_says(l.what)))
		return lose(s, dir, at);
	side->scanned = 0;
	s->sure |= side->seen;
	session_count(s->session, FATE_EXAMINED, wire);
	take_line(s, side, dir, &l, wire, at);
	side->seen |= side->phase == PHASE_LINE;
	return (struct feed_result){ FEED_OK, wire, 0 };
}

/* Behind the payload stands the line end. */
static struct feed_result feed_end(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	if (in.ptr[0] != "\n\r"[side->left - 1])
		return lose(s, dir, at);
	session_count(s->session, FATE_EXAMINED, 1);
	if (!--side->left)
		message_done(s, side, dir, held(side), at);
	return (struct feed_result){ FEED_OK, 1, 0 };
}

static struct feed_result feed_payload(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = side->left - 2 < in.len ? side->left - 2 : in.len, room;

	if (!side->held.len && !side->cut && in.len - n >= 2 && in.ptr[n] == '\r' && in.ptr[n + 1] == '\n') {	/* all of it, where it stands */
		session_count(s->session, side->ex ? FATE_EXAMINED : FATE_SKIPPED, n);
		session_count(s->session, FATE_EXAMINED, 2);
		message_done(s, side, dir, slice_of(in.ptr, n), at);
		return (struct feed_result){ FEED_OK, n + 2, 0 };
	}
	room = PROTOCOL_BODY_HELD - side->held.len;
	room = !side->ex || side->cut ? 0 : room < n ? room : n;
	if (room < n || (room && buf_add(&side->held, in.ptr, room)))
		side->cut = true;
	session_count(s->session, side->ex ? FATE_EXAMINED : FATE_SKIPPED, n);
	side->left -= (uint32_t)n;
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed_resync(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n;
	int found = nats_find(in, true, &n);

	if (found > 0) {
		side->phase = PHASE_LINE;
		side->scanned = 0;
		/* Found where it stands: a step that consumes nothing would end the feed. */
		return n ? (struct feed_result){ FEED_OK, n, n } : feed_line(s, side, dir, in, at);
	}
	return (struct feed_result){ n == in.len ? FEED_OK : FEED_MORE, n, n };
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];

	switch (side->phase) {
	case PHASE_LINE: return feed_line(s, side, dir, in, at);
	case PHASE_PAYLOAD: return side->left > 2 ? feed_payload(s, side, dir, in, at) : feed_end(s, side, dir, in, at);
	case PHASE_RESYNC: return feed_resync(s, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static int gap(void *state, enum dir dir, uint64_t missing, enum loss cause, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];

	side->scanned = 0;
	if (side->phase == PHASE_PAYLOAD && missing && missing <= side->left) {
		side->cut |= side->left > 2;
		if (side->ex)
			side->ex->has_gap = 1;
		side->left -= (uint32_t)missing;
		if (!side->left)
			message_done(s, side, dir, held(side), at);
		return 0;
	}
	if (missing)
		lost(s, dir, at);
	side->phase = PHASE_RESYNC;
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct state *s = state;

	for (int d = 0; d < 2; d++) {
		if (s->sides[d].ex)
			session_emit_part(s->session, s->sides[d].ex, at);
		pairs_interval(&s->asked[d], s->session, at);
	}
	pairs_interval(&s->told, s->session, at);
	if (s->login)
		session_emit_part(s->session, s->login, at);
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	hand_in(s, s->login, 0, at);
	s->login = NULL;
	for (int d = 0; d < 2; d++)
		if (s->sides[d].phase == PHASE_PAYLOAD) {
			s->sides[d].cut = true;
			message_done(s, &s->sides[d], (enum dir)d, held(&s->sides[d]), at);
		}
	pairs_end(&s->asked[0], s->session, at);
	pairs_end(&s->asked[1], s->session, at);
	pairs_end(&s->told, s->session, at);
}

static void fini(void *state)
{
	struct state *s = state;

	budget_free(s->login, sizeof(struct exchange));
	for (int d = 0; d < 2; d++) {
		buf_free(&s->sides[d].held);
		budget_free(s->sides[d].ex, sizeof(struct exchange));
		pairs_free(&s->asked[d]);
	}
	pairs_free(&s->told);
}

const struct protocol protocol_nats = {
	.name = "nats", .summary = "NATS: messages with their answers by subject, subscriptions, who logs in", .state_size = sizeof(struct state),
	.guess = guess, .seek = seek, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
};
