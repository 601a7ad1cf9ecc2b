/* SPDX-License-Identifier: Apache-2.0 */
/* memcached.c - memcached's protocols, text with its meta commands, and binary with its quiet ones. An exchange is
 * a command with its answer, of a get all the values that it asks for; its route is what its key looks like. Answers
 * come in the order of the commands; a quiet one that is passed over by later answers has had none: a miss of a get,
 * else it was done. Which of the two is spoken the first byte says, for the whole connection. Over a gap the next head
 * is looked for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/budget.h"
#include "protocol/database.h"
#include "protocol/memcached.h"
#include "protocol/pairs.h"
#include "protocol/sasl.h"

#define QUIET	256	/* of a pair's kind, which is what was asked */
#define SURE	60	/* of a command, that nobody else says it */
#define GUESSED	256	/* bytes of those that others may say, which are enough */

enum phase { PHASE_HEAD, PHASE_VALUE, PHASE_TAIL, PHASE_RESYNC };

struct side {
	enum phase phase;
	uint32_t left;		/* bytes of the value, or of what ends it */
	struct mc_head head;	/* whose value comes; without its slices */
	size_t scanned;		/* bytes of a line in which no end is */
	bool cut, after_gap;
	bool blind;		/* what comes first may be the end of what nobody saw */
	char pattern[PATH_SIZE];	/* of the value's key */
	struct buf held;
};

struct state {
	const struct field_sink *sink;
	struct session *session;
	bool datagrams, counted;	/* counted: its bytes were, by who feeds it */
	enum mc_mode mode;
	enum dir front;		/* the client's */
	bool front_known, sure, seen, watches, refused;	/* sure: two heads fit each other; refused: a log-in is wanted */
	uint8_t auth, asks_auth;	/* asks_auth: of the log-in that is being answered */
	struct side sides[2];
	struct exchange *ex;	/* of the command whose value comes */
	struct pairs asked;
	unsigned overdue;	/* so many that were told before their answers came, and are remembered no more */
	/* What is being answered. */
	bool answering, hit, told;	/* told: that it was asked; what it brings is not */
	struct pair now;
	struct mc_datagrams *talks;	/* of datagrams; NULL: there were none */
	struct conn_facts conn;		/* of those talks */
};

/* "get a" is what others say too, Redis in a terminal among them: the answer tells, or what follows. */
static int guess(struct slice in, enum dir dir)
{
	size_t len = in.len;
	struct mc_head h;
	int there;

	if (in.ptr[0] == 0x80 || in.ptr[0] == 0x81)
		there = mc_binary_read(in, &h);
	else
		there = mc_text_read(in, 1, &h);
	while (there > 0 && h.front && h.sure && h.sure < SURE && in.ptr[h.len - 2] == '\r') {
		in = slice_of(in.ptr + h.len, in.len - h.len);
		there = in.len ? mc_text_read(in, 1, &h) : -1;
		if (there < 0)
			return len < GUESSED ? -EAGAIN : SURE;
	}
	if (there <= 0)
		return there ? -EAGAIN : 0;
	if (!h.front && h.sure < SURE && in.len > h.len && !h.tail) {	/* the end of a word, with others behind it */
		struct mc_head next;

		if (!mc_text_read(slice_of(in.ptr + h.len, in.len - h.len), 0, &next))
			return 0;
	}
	if (h.tail && in.len - h.len >= h.value + 2u && memcmp(in.ptr + h.len + h.value, "\r\n", 2))
		return 0;
	return h.tail || h.sure == 88 || in.ptr[h.len - 2] == '\r' ? h.sure : 0;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	return mc_find(in, MC_ANY, true, at) > 0;
}

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	s->datagrams = transport_is_datagram(conn->transport);
	s->conn = *conn;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	for (int d = 0; d < 2; d++) {
		buf_init(&s->sides[d].held, PROTOCOL_BODY_HELD);
		s->sides[d].phase = conn->late ? PHASE_RESYNC : PHASE_HEAD;
	}
}

void mc_begin(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	init(state, conn, sink, session);
	s->datagrams = false;
	s->counted = true;
	for (int d = 0; d < 2; d++)
		s->sides[d].phase = PHASE_HEAD;
}

bool mc_rests(const void *state)
{
	const struct state *s = state;

	return !s->answering && !s->asked.nr && !s->overdue && s->sides[0].phase == PHASE_HEAD && s->sides[1].phase == PHASE_HEAD;
}

bool mc_asks(struct slice in)
{
	struct mc_head h;

	return (in.ptr[0] & 0x80 ? mc_binary_read(in, &h) : mc_text_read(in, 0, &h)) > 0 && h.front;
}

static inline void count(const struct state *s, enum fate fate, size_t nr)
{
	if (!s->counted)
		session_count(s->session, fate, nr);
}

/* ---- exchanges ---- */

static struct exchange *exchange_new(const struct state *s, enum mc_what what, struct stamp at)
{
	struct exchange *ex = pairs_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);
	const char *word = mc_word(what);

	if (!ex)
		return NULL;
	ex->auth = s->auth;
	for (size_t i = 0; i < WORD_SIZE - 1 && (ex->method[i] = word[i]); i++)
		if (word[i] >= 'a' && word[i] <= 'z')
			ex->method[i] = (char)(word[i] - 32);
	return ex;
}

static void tell_key(const struct state *s, struct exchange *ex, enum dir dir, struct slice key, bool coded)
{
	if (!database_affords(s->sink, ex, key.len, ROW_COST))
		return;
	text_tell(s->sink, ex, "key", (struct slice){ NULL, 0 }, dir, LOC_PATH, key);
	if (ex->route[0])
		return;
	if (coded)
		snprintf(ex->route, sizeof(ex->route), "{id}");
	else
		route_key(ex->route, key, s->sink);
}

/* Its turn comes. Where that cannot be remembered all that wait are told, and their answers later. */
static void wait_turn(struct state *s, const struct mc_head *h, struct exchange *ex, struct stamp at)
{
	unsigned nr = s->asked.nr;

	pairs_add(&s->asked, s->session, (struct pair){ ex, at.time, h->id, h->what | (h->quiet ? QUIET : 0) }, at);
	if (s->asked.nr > nr)
		return;
	s->overdue += s->asked.nr + 1;
	pairs_end(&s->asked, s->session, at);
}

static void command_done(struct state *s, const struct mc_head *h, struct exchange *ex, struct stamp at)
{
	if (h->mute)
		pairs_emit(s->session, ex, at);
	else
		wait_turn(s, h, ex, at);
}

/* It was answered without a word, or in a gap. */
static void passed_over(struct state *s, bool gap, struct stamp at)
{
	struct pair p = *pairs_at(&s->asked, 0);
	struct exchange *ex = pairs_take(&s->asked, s->session, pairs_at(&s->asked, 0), false, at);

	if (ex && !gap && (p.kind & QUIET))
		ex->status = mc_is_get((enum mc_what)(p.kind & ~QUIET)) ? 404 : 200;
	else if (ex)
		ex->has_gap = 1;
	pairs_emit(s->session, ex, at);
}

static bool answers(const struct state *s, const struct mc_head *h, const struct pair *p)
{
	if (s->mode == MC_BINARY)
		return p->id == h->id;
	return mc_text_fits(h, (enum mc_what)(p->kind & ~QUIET), p->kind & QUIET, p->id);
}

/* Who is answered? Behind a gap the last one that may be: who asks again has mostly had its answers. */
static bool find(struct state *s, const struct mc_head *h, struct stamp at)
{
	bool gap = s->sides[!s->front].after_gap;
	unsigned found = s->asked.nr;

	for (unsigned i = 0; i < s->asked.nr && (gap || found == s->asked.nr); i++)
		if (answers(s, h, pairs_at(&s->asked, i)))
			found = i;
	if (found == s->asked.nr) {
		if (!s->overdue)
			pairs_gap(&s->asked, s->session, at);
		return false;
	}
	for (; found; found--)
		passed_over(s, gap, at);
	s->now = *pairs_at(&s->asked, 0);
	s->now.ex = pairs_take(&s->asked, s->session, pairs_at(&s->asked, 0), false, at);
	s->overdue = 0;
	return true;
}

/* A command that was told before is so no second time; what it brings is. */
static void answer_begin(struct state *s, const struct mc_head *h, struct stamp at)
{
	struct side *side = &s->sides[!s->front];
	bool found = !(s->overdue && s->mode == MC_TEXT) && find(s, h, at), told = !found && s->overdue;

	s->answering = true;
	s->hit = false;
	s->overdue -= told;
	s->told = told || (found && !s->now.ex);
	if (!found)
		s->now = (struct pair){ .kind = h->what };
	if (!s->now.ex) {
		s->now.ex = exchange_new(s, (enum mc_what)(s->now.kind & ~QUIET), at);
		if (s->now.ex) {
			s->now.ex->again = s->told;
			s->now.ex->has_gap = side->after_gap;
		}
	}
	side->after_gap = false;
	if (s->now.ex && s->now.asked)
		pairs_latency(s->now.ex, s->now.asked, at);
}

static void answer_end(struct state *s, struct stamp at)
{
	enum mc_what what = (enum mc_what)(s->now.kind & ~QUIET);
	struct exchange *ex = s->now.ex;

	s->answering = false;
	s->now.ex = NULL;
	if (!ex)
		return;
	if (ex->status == 200 && mc_is_get(what) && what <= MC_GATS && !s->hit)
		ex->status = 404;
	if (ex->status == 200 && (what == MC_SASL_AUTH || what == MC_SASL_STEP))
		s->auth = s->asks_auth;
	if (ex->status == 200 && what == MC_SET && s->refused) {
		s->auth = AUTH_DATABASE;
		s->refused = false;
	}
	s->refused |= ex->status == 401 && s->mode == MC_TEXT;
	if (s->told && !ex->nr_findings)
		budget_free(ex, sizeof(*ex));
	else
		pairs_emit(s->session, ex, at);
}

/* ---- heads ---- */

/* What it says of itself, and the value that stands behind it. */
static void value_begin(struct side *side, const struct mc_head *h, const char *pattern)
{
	side->head = *h;
	side->head.key = side->head.keys = side->head.text = (struct slice){ NULL, 0 };
	side->phase = PHASE_VALUE;
	side->left = h->value;
	side->cut = false;
	path_append(side->pattern, 0, pattern);
}

static void command(struct state *s, struct side *side, enum dir dir, const struct mc_head *h, struct stamp at)
{
	struct exchange *ex = exchange_new(s, h->what, at);

	if (ex) {
		struct slice keys = h->keys;

		ex->request_bytes = h->len;
		ex->has_gap = side->after_gap;
		if (h->what == MC_SASL_AUTH || h->what == MC_SASL_STEP) {
			s->asks_auth = (uint8_t)sasl_auth(h->key);
			snprintf(ex->route, sizeof(ex->route), "sasl/");
			s->sink->clean(s->sink->owner, ex->route + 5, h->key);
		} else if (h->key.len) {
			tell_key(s, ex, dir, h->key, h->coded);
		}
		for (size_t i = 0, from; i < keys.len;) {
			while (i < keys.len && keys.ptr[i] == ' ')
				i++;
			for (from = i; i < keys.len && keys.ptr[i] != ' ';)
				i++;
			if (i > from)
				tell_key(s, ex, dir, slice_of(keys.ptr + from, i - from), false);
		}
	}
	side->after_gap = false;
	if (h->valued) {
		s->ex = ex;
		value_begin(side, h, ex ? ex->route : "");
	} else {
		command_done(s, h, ex, at);
	}
}

static void answer(struct state *s, struct side *side, enum dir dir, const struct mc_head *h, struct stamp at)
{
	char pattern[PATH_SIZE] = "";
	struct exchange *ex;

	if (!s->answering)
		answer_begin(s, h, at);
	ex = s->now.ex;
	if (ex) {
		ex->response_bytes += h->len;
		ex->status = h->status;
		if (h->key.len && !h->coded && h->valued)
			route_key(pattern, h->key, s->sink);
		if (!s->now.asked && !s->told && h->key.len && h->valued)	/* nobody has told of it */
			tell_key(s, ex, dir, h->key, h->coded);
		else if (h->valued && !ex->route[0])
			memcpy(ex->route, pattern, sizeof(ex->route));
		else if (h->key.len && h->more && !h->valued)
			text_tell(s->sink, ex, "key", (struct slice){ NULL, 0 }, dir, LOC_PATH, h->key);
		if (h->status >= 400 && h->text.len)
			text_tell(s->sink, ex, "error.message", (struct slice){ NULL, 0 }, dir, LOC_RESPONSE_BODY, h->text);
		else if (h->what == MC_INCR && h->text.len)
			mc_value(s->sink, ex, dir, LOC_RESPONSE_BODY, mc_word((enum mc_what)(s->now.kind & ~QUIET)), ex->route, h->text, false);
	}
	s->hit |= h->hit;
	s->watches |= h->status == 200 && (s->now.kind & ~QUIET) == MC_WATCH;
	if (h->valued)
		value_begin(side, h, pattern[0] || !ex ? pattern : ex->route);
	else if (!h->more)
		answer_end(s, at);
}

/* ---- values ---- */

/* "user:password", or with a blank between, in text the value of the first set. */
static void tell_login(const struct state *s, struct exchange *ex, enum dir dir, struct slice v)
{
	const uint8_t *blank = v.len ? memchr(v.ptr, ' ', v.len) : NULL;
	size_t n = blank ? (size_t)(blank - v.ptr) : v.len;

	named_tell(s->sink, ex, "startup", SLICE("user"), dir, LOC_REQUEST_HEADER, slice_of(v.ptr, n));
	if (blank)
		password_tell(s->sink, ex, dir, slice_of(blank + 1, v.len - n - 1));
}

static void command_value(struct state *s, const struct side *side, enum dir dir, struct slice v)
{
	enum mc_what what = side->head.what;

	if (what == MC_SASL_AUTH || what == MC_SASL_STEP)
		sasl_tell(s->sink, s->ex, dir, slice_of(s->ex->route + 5, strlen(s->ex->route + 5)), v);
	else if (what == MC_SET && s->refused && v.len)
		tell_login(s, s->ex, dir, v);
	else
		mc_value(s->sink, s->ex, dir, LOC_REQUEST_BODY, mc_word(what), side->pattern, v, side->cut);
}

static void answer_value(struct state *s, const struct side *side, enum dir dir, struct slice v)
{
	enum mc_what what = (enum mc_what)(s->now.kind & ~QUIET);
	char room[VALUE_ROOM];
	uint64_t n = 0;

	if (s->now.ex->status >= 400) {
		text_tell(s->sink, s->now.ex, "error.message", (struct slice){ NULL, 0 }, dir, LOC_RESPONSE_BODY, v);
		return;
	}
	if ((what == MC_INCR || what == MC_DECR) && v.len == 8) {
		for (unsigned i = 0; i < 8; i++)
			n = n << 8 | v.ptr[i];
		v = value_written(room, snprintf(room, sizeof(room), "%llu", (unsigned long long)n), VALUE_NUMBER).text;
	}
	if (mc_is_get(what) || what == MC_INCR || what == MC_DECR)
		mc_value(s->sink, s->now.ex, dir, LOC_RESPONSE_BODY, mc_word(what), side->pattern, v, side->cut);
}

/* v: of the value as much as is there. */
static void value_done(struct state *s, struct side *side, enum dir dir, struct slice v, struct stamp at)
{
	bool front = dir == s->front;
	struct exchange *ex = front ? s->ex : s->now.ex;

	side->phase = PHASE_HEAD;
	if (ex && side->cut && ex->inspected == INSPECTED_FULL)
		ex->inspected = INSPECTED_PARTIAL;
	if (ex && front)
		command_value(s, side, dir, v);
	else if (ex)
		answer_value(s, side, dir, v);
	if (ex)
		*(front ? &ex->request_bytes : &ex->response_bytes) += side->head.value + side->head.tail;
	buf_free(&side->held);
	if (front) {
		s->ex = NULL;
		command_done(s, &side->head, ex, at);
	} else if (!side->head.more) {
		answer_end(s, at);
	}
}

static struct slice held(const struct side *side)
{
	return side->held.len ? slice_of(side->held.ptr, side->held.len) : SLICE("");
}

static void value_whole(struct state *s, struct side *side, enum dir dir, struct stamp at)
{
	side->left = side->head.tail;
	side->phase = PHASE_TAIL;
	if (!side->left)
		value_done(s, side, dir, held(side), at);
}

/* ---- the stream ---- */

/* Heads of that direction are missing. */
static void lost(struct state *s, enum dir dir, struct stamp at)
{
	struct side *side = &s->sides[dir];
	struct exchange *ex = dir == s->front ? s->ex : s->now.ex;

	if (ex)
		ex->has_gap = 1;
	if (side->phase == PHASE_VALUE || side->phase == PHASE_TAIL) {
		side->cut |= side->phase == PHASE_VALUE;
		value_done(s, side, dir, held(side), at);
	}
	if (dir != s->front && s->answering)
		answer_end(s, at);
	if (dir != s->front)
		s->overdue = 0;
	side->phase = PHASE_RESYNC;
	side->after_gap = side->blind = true;
	side->scanned = 0;
}

static struct feed_result lose(struct state *s, enum dir dir, struct stamp at)
{
	if (!s->sure)
		return (struct feed_result){ FEED_BAD, 0, 0 };
	lost(s, dir, at);
	return (struct feed_result){ FEED_OK, 1, 1 };
}

/* A dump of keys has lines that are commands. */
static void read_dump(const struct state *s, enum dir dir, struct mc_head *h)
{
	const struct pair *p = s->answering ? &s->now : s->asked.nr ? pairs_at((struct pairs *)&s->asked, 0) : NULL;

	if (dir != s->front && h->front && h->what == MC_MG && p && p->kind == MC_LRU_CRAWLER)
		mc_text_dumped(h);
}

static struct feed_result feed_head(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	bool binary = s->mode == MC_ANY ? in.ptr[0] & 0x80 : s->mode == MC_BINARY;
	struct mc_head h;
	int there = -1;

	if (binary)
		there = mc_binary_read(in, &h);
	else if (!side->scanned || in.len >= PROTOCOL_HEAD_MAX || memchr(in.ptr + side->scanned, '\n', in.len - side->scanned))
		there = mc_text_read(in, 0, &h);
	side->scanned = there < 0 ? in.len : 0;
	if (there < 0)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (!there)
		return lose(s, dir, at);
	read_dump(s, dir, &h);
	if (!s->front_known)
		s->front = h.front ? dir : (enum dir)!dir;
	s->front_known = true;
	if (h.front != (dir == s->front))
		return lose(s, dir, at);
	s->mode = binary ? MC_BINARY : MC_TEXT;
	if (side->blind && !h.front && !binary && h.what == MC_GET && !h.more) {
		side->phase = PHASE_RESYNC;
		return (struct feed_result){ FEED_OK, h.len, h.len };
	}
	side->blind = false;
	s->sure |= s->seen;
	s->seen = true;
	count(s, FATE_EXAMINED, h.len);
	if (h.front)
		command(s, side, dir, &h, at);
	else
		answer(s, side, dir, &h, at);
	if (side->phase == PHASE_VALUE && !side->left)
		value_whole(s, side, dir, at);
	return (struct feed_result){ FEED_OK, h.len, 0 };
}

static struct feed_result feed_value(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = side->left < in.len ? side->left : in.len, room = PROTOCOL_BODY_HELD - side->held.len, tail = side->head.tail;
	struct exchange *ex = dir == s->front ? s->ex : s->now.ex;

	if (!side->held.len && !side->cut && in.len >= (size_t)side->left + tail && (!tail || !memcmp(in.ptr + n, "\r\n", 2))) {
		count(s, ex ? FATE_EXAMINED : FATE_SKIPPED, n);	/* all of it, where it stands */
		count(s, FATE_EXAMINED, tail);
		value_done(s, side, dir, slice_of(in.ptr, n), at);
		return (struct feed_result){ FEED_OK, n + tail, 0 };
	}
	room = !ex || side->cut ? 0 : room < n ? room : n;
	if (room < n || (room && buf_add(&side->held, in.ptr, room)))
		side->cut = true;
	count(s, ex ? FATE_EXAMINED : FATE_SKIPPED, n);
	side->left -= (uint32_t)n;
	if (!side->left)
		value_whole(s, side, dir, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

/* Behind a value in text stands a line end. */
static struct feed_result feed_tail(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	if (in.ptr[0] != "\n\r"[side->left - 1])
		return lose(s, dir, at);
	count(s, FATE_EXAMINED, 1);
	if (!--side->left)
		value_done(s, side, dir, held(side), at);
	return (struct feed_result){ FEED_OK, 1, 0 };
}

static struct feed_result feed_resync(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n;
	int found = mc_find(in, s->mode, false, &n);

	side->blind |= n > 0;
	if (found > 0) {
		side->phase = PHASE_HEAD;
		side->scanned = 0;
		/* Found where it stands: a step that consumes nothing would end the feed. */
		return n ? (struct feed_result){ FEED_OK, n, n } : feed_head(s, side, dir, in, at);
	}
	return (struct feed_result){ n == in.len ? FEED_OK : FEED_MORE, n, n };
}

extern const struct protocol protocol_memcached;

static struct feed_result feed_datagram(struct state *s, enum dir dir, struct slice in, struct stamp at)
{
	if (!s->talks && !(s->talks = mc_datagrams_new(&protocol_memcached, &s->conn, s->sink, s->session)))
		return (struct feed_result){ FEED_BAD, 0, 0 };
	return mc_datagrams_feed(s->talks, dir, in, at);
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];

	if (s->datagrams)
		return feed_datagram(s, dir, in, at);
	if (s->watches && dir != s->front)	/* what others do, in the server's words */
		return (struct feed_result){ FEED_OK, in.len, in.len };
	switch (side->phase) {
	case PHASE_HEAD: return feed_head(s, side, dir, in, at);
	case PHASE_VALUE: return feed_value(s, side, dir, in, at);
	case PHASE_TAIL: return feed_tail(s, side, dir, in, at);
	case PHASE_RESYNC: return feed_resync(s, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static int gap(void *state, enum dir dir, uint64_t missing, enum loss cause, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];
	struct exchange *ex = dir == s->front ? s->ex : s->now.ex;

	if (s->datagrams)	/* each begins anew */
		return 0;
	side->scanned = 0;
	if (side->phase == PHASE_VALUE && missing && missing <= side->left) {
		side->cut = true;
		if (ex)
			ex->has_gap = 1;
		side->left -= (uint32_t)missing;
		if (!side->left)
			value_whole(s, side, dir, at);
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

	if (s->talks)
		mc_datagrams_interval(s->talks, at);
	if (s->ex)
		session_emit_part(s->session, s->ex, at);
	if (s->now.ex)
		session_emit_part(s->session, s->now.ex, at);
	pairs_interval(&s->asked, s->session, at);
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	mc_datagrams_end(s->talks, at);
	for (int d = 0; d < 2; d++)
		if (s->sides[d].phase == PHASE_VALUE || s->sides[d].phase == PHASE_TAIL) {
			s->sides[d].cut |= s->sides[d].phase == PHASE_VALUE;
			value_done(s, &s->sides[d], (enum dir)d, held(&s->sides[d]), at);
		}
	if (s->answering)
		answer_end(s, at);
	pairs_end(&s->asked, s->session, at);
}

static void fini(void *state)
{
	struct state *s = state;

	mc_datagrams_free(s->talks);
	budget_free(s->ex, sizeof(struct exchange));
	budget_free(s->now.ex, sizeof(struct exchange));
	buf_free(&s->sides[0].held);
	buf_free(&s->sides[1].held);
	pairs_free(&s->asked);
}

const struct protocol protocol_memcached = {
	.name = "memcached", .summary = "memcached, text, meta and binary: commands paired with their answers, values by their keys",
	.state_size = sizeof(struct state), .guess = guess, .guess_datagram = mc_datagram_guess, .seek = seek, .init = init, .feed = feed, .gap = gap,
	.interval = interval, .eof = eof, .fini = fini,
};
