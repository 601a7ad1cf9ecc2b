/* SPDX-License-Identifier: Apache-2.0 */
/* postgres.c - PostgreSQL's protocol 3: cuts messages out of both directions, from the start-up
 * message on or joining late, and finds the next message after a gap: where its type, its length
 * and what is in it fit each other. */
#include <errno.h>
#include <string.h>

#include "protocol/postgres.h"

#define WAITED		32768		/* a message up to this is waited for in one piece */
#define LENGTH_SHORT	30000		/* of messages that carry no data */
#define LENGTH_LONG	0x3fffffff
#define ARGUMENTS_MAX	100		/* of a function; servers have no room for more */
#define LENGTH_FOUND	(64 << 20)	/* of one that is believed without knowing that a message begins there */
#define STARTUP_MAX	10000
#define COLUMNS_MAX	1664		/* that a server allows */
#define LOOKED_AT	16		/* columns of a row that must fit */

enum { CODE_SSL = 80877103, CODE_GSS = 80877104, CODE_CANCEL = 80877102 };

static const char front_types[] = "QPBDECSHFXdcfp", back_types[] = "ZTDCEN123nsItRSKAGHWVdcv";
static const char front_long[] = "QPBFd", back_long[] = "TDENAVtd";
/* Four bytes of length and no more. */
static const char front_bare[] = "SHcX", back_bare[] = "123nsIc";

static uint32_t number_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool listed(const char *types, uint8_t c)
{
	return c && strchr(types, c);
}

/* 1: a start-up message or a request to encrypt or cancel begins here, 0: no, -1: too short to tell. */
static int startup_begins(struct slice in)
{
	uint32_t len, code;

	for (size_t i = 0; i < in.len && i < 2; i++)
		if (in.ptr[i])
			return 0;
	if (in.len < 8)
		return -1;
	len = number_at(in.ptr);
	code = number_at(in.ptr + 4);
	if (code == CODE_SSL || code == CODE_GSS)
		return len == 8;
	if (code == CODE_CANCEL)
		return len >= 16 && len <= 268;
	if (code >> 16 != 3 || (code & 0xffff) >= 100 || len <= 8 || len > STARTUP_MAX)
		return 0;
	if (in.len < 9)
		return -1;
	return in.ptr[8] >= 'A' || (len == 9 && !in.ptr[8]);	/* a parameter's name */
}

/* ---- does a message begin here? ---- */

/* A printable text that ends with a NUL at the end of what is whole. */
static bool is_text(struct slice s, bool whole, size_t look)
{
	size_t n = s.len < look ? s.len : look;

	if (whole && (!s.len || s.ptr[s.len - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (s.ptr[i] < 0x20 && s.ptr[i] && !strchr("\t\r\n", s.ptr[i]))
			return false;
	return true;
}

/* A count, and for each value a length and so many bytes. */
static bool is_row(struct slice in, uint32_t body)
{
	struct reader r = { in, false };
	unsigned nr = reader_number(&r, 2), i = 0;
	uint64_t sum = 2 + 4ull * nr;

	if (r.failed)
		return true;	/* not there to be looked at */
	for (; i < nr && i < LOOKED_AT && !r.failed; i++) {
		uint32_t len = reader_number(&r, 4);

		if (r.failed)
			break;
		len = len == UINT32_MAX ? 0 : len;
		sum += len;
		if (sum > body)
			return false;
		reader_take(&r, len);
	}
	return nr <= COLUMNS_MAX && sum <= body && (i < nr || sum == body);
}

static bool is_description(struct slice in, uint32_t body)
{
	struct reader r = { in, false };
	unsigned nr = reader_number(&r, 2);
	struct slice name = nr ? reader_string(&r) : (struct slice){ 0 };

	return nr <= COLUMNS_MAX && body >= 2 + 19ull * nr && (r.failed || (is_text(name, false, 64) && (nr || body == 2)));
}

static bool back_fits(uint8_t type, struct slice in, uint32_t body, bool whole)
{
	switch (type) {
	case 'Z': return body == 1 && (!in.len || listed("ITE", in.ptr[0]));
	case 'D': return is_row(in, body);
	case 'T': return is_description(in, body);
	case 'C': return body > 2 && body < 65 && (!in.len || (in.ptr[0] >= 'A' && in.ptr[0] <= 'Z')) && is_text(in, whole, 64);
	case 'E': case 'N': return body > 4 && (!in.len || in.ptr[0] == 'S') && is_text(in, whole, 64);
	case 'S': return body > 2 && body < 1024 && is_text(in, whole, 1024);
	case 't': return body >= 2 && (body - 2) % 4 == 0 && (in.len < 2 || body == 2 + 4u * (in.ptr[0] << 8 | in.ptr[1]));
	case 'G': case 'H': case 'W':
		return body >= 3 && (in.len < 3 || (in.ptr[0] < 2 && body == 3 + 2u * (in.ptr[1] << 8 | in.ptr[2])));
	case 'K': return body >= 8 && body <= 260;
	case 'R': return body >= 4 && (in.len < 4 || number_at(in.ptr) <= 12);
	case 'A':	/* whose process it is, a channel, and fewer than 8,000 bytes */
		return body >= 6 && body <= 4 + 64 + 8000 && (in.len < 5 || in.ptr[4]) && (!whole || !in.ptr[in.len - 1]);
	case 'V': return body >= 4 && (in.len < 4 || number_at(in.ptr) == UINT32_MAX || number_at(in.ptr) == body - 4);
	case 'v': return body >= 8;
	default: return true;
	}
}

/* A function, how many of its arguments have a format, and these: 0 or 1. */
static bool is_call(struct slice in)
{
	struct reader r = { in, false };
	uint32_t nr;

	reader_take(&r, 4);
	nr = reader_number(&r, 2);
	if (nr > ARGUMENTS_MAX)
		return false;
	for (uint32_t i = 0; i < nr && !r.failed; i++)
		if (reader_number(&r, 2) > 1)
			return false;
	return true;
}

static bool front_fits(uint8_t type, struct slice in, uint32_t body, bool whole)
{
	struct reader r = { in, false };

	switch (type) {
	case 'Q': return body >= 1 && is_text(in, whole, 64);
	case 'P':
		return body >= 4 && is_text(reader_string(&r), false, NAME_SIZE) && (r.failed || is_text(slice_of(r.left.ptr, r.left.len / 2), false, 32));
	case 'B': return body >= 8 && is_text(reader_string(&r), false, NAME_SIZE) && is_text(reader_string(&r), false, NAME_SIZE);
	case 'D': case 'C':
		return body >= 2 && body < 4096 && (!in.len || in.ptr[0] == 'S' || in.ptr[0] == 'P') && is_text(in, whole, 64) &&
		       (!whole || !memchr(in.ptr, 0, in.len - 1));
	case 'E':
		reader_string(&r);
		return body >= 5 && (r.failed ? !whole : !whole || r.left.len == 4);
	case 'F': return body >= 10 && is_call(in);
	case 'p': return body >= 1;
	case 'f': return body >= 1 && is_text(in, whole, 64) && (!whole || !memchr(in.ptr, 0, in.len - 1));
	default: return true;
	}
}

/* 1: a message of that side begins here, as far as it is there; 0: no; -1: its first five bytes are not there. */
static int message_begins(struct slice in, bool front, uint32_t longest, uint32_t *total)
{
	uint32_t len, max;
	uint8_t type;
	bool whole;

	if (!in.len)
		return -1;
	if (!listed(front ? front_types : back_types, in.ptr[0]))
		return 0;
	if (in.len < 5)
		return in.len > 1 && in.ptr[1] > longest >> 24 ? 0 : -1;
	len = number_at(in.ptr + 1);
	max = listed(front ? front_long : back_long, in.ptr[0]) ? longest : LENGTH_SHORT;
	if (len < 4 || len > max || (len > 4 && listed(front ? front_bare : back_bare, in.ptr[0])))
		return 0;
	*total = len + 1;
	type = in.ptr[0];
	whole = in.len - 1 >= len;
	in = slice_of(in.ptr + 5, whole ? len - 4 : in.len - 5);
	return front ? front_fits(type, in, len - 4, whole) : back_fits(type, in, len - 4, whole);
}

/* How many messages of that side follow each other here; 0: none. *sure: one of them was whole and
 * more than a type and a length. */
static unsigned walk(struct slice in, bool front, bool *sure)
{
	unsigned nr = 0;
	uint32_t total;
	bool says;

	*sure = false;
	while (in.len && nr < 8) {
		int begins = message_begins(in, front, LENGTH_FOUND, &total);

		if (!begins)
			return 0;
		if (begins < 0)
			break;
		nr++;
		says = in.ptr[0] != 'd' && in.ptr[0] != 'p';	/* more than a length */
		if (total > in.len) {
			*sure |= says && in.len >= 64;
			break;
		}
		*sure |= says && total > 5;
		in = slice_of(in.ptr + total, in.len - total);
	}
	*sure |= nr > 1;
	return nr;
}

static int guess(struct slice head, enum dir dir)
{
	int begins = startup_begins(head);
	bool sure_front, sure_back;
	unsigned front, back;
	uint32_t total;

	if (begins)
		return begins < 0 ? -EAGAIN : 95;
	front = walk(head, true, &sure_front);
	back = walk(head, false, &sure_back);
	if ((front && sure_front) || (back && sure_back))
		return 60;
	return head.len < 64 && (message_begins(head, true, LENGTH_FOUND, &total) || message_begins(head, false, LENGTH_FOUND, &total)) ? -EAGAIN : 0;
}

/* ---- the stream ---- */

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct pg_state *s = state;

	s->sink = sink;
	s->session = session;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	for (int d = 0; d < 2; d++)
		buf_init(&s->sides[d].body, PROTOCOL_BODY_HELD);
	buf_init(&s->copy.line, COPY_LINE);
	s->items.size = sizeof(struct pg_item);
}

/* Which direction is the client's, by the first bytes of one. */
static void front_learn(struct pg_state *s, enum dir dir, struct slice in)
{
	bool sure_front, sure_back;
	unsigned front = walk(in, true, &sure_front), back = walk(in, false, &sure_back);
	bool is_front = startup_begins(in) > 0 || (sure_front > sure_back) || (sure_front == sure_back && front > back);

	s->front_known = true;
	s->front = is_front ? dir : !dir;
}

static void dispatch(struct pg_state *s, enum dir dir, const struct pg_message *m, struct stamp at)
{
	if (dir == s->front)
		pg_front(s, m, at);
	else
		pg_back(s, m, at);
}

/* Of a message whose end has come, or will not. */
static void body_done(struct pg_state *s, struct pg_side *side, enum dir dir, struct stamp at)
{
	struct slice body = side->body.len ? slice_of(side->body.ptr, side->body.len) : SLICE("");
	struct pg_message m = { side->type, body, side->total, side->cut };

	side->phase = PG_MESSAGE;
	side->total = side->carried = 0;
	dispatch(s, dir, &m, at);
	buf_free(&side->body);
	side->cut = side->holed = false;
}

static void body_take(struct pg_side *side, struct slice in)
{
	size_t room = PROTOCOL_BODY_HELD - side->body.len, n = in.len < room ? in.len : room;

	if (!side->holed && (buf_add(&side->body, in.ptr, n) || n < in.len))
		side->cut = true;
	side->left -= (uint32_t)in.len;
}

static struct feed_result feed_start(struct pg_state *s, struct pg_side *side, enum dir dir, struct slice in, struct stamp at)
{
	bool answer = dir != s->front, asked = s->asked_tls;
	int begins = answer ? 0 : startup_begins(in);
	uint32_t len, code;

	if (answer && asked && (in.ptr[0] == 'N' || in.ptr[0] == 'S' || in.ptr[0] == 'G')) {
		s->asked_tls = false;
		return (struct feed_result){ FEED_OK, 1, 0 };	/* what encrypts then comes from elsewhere */
	}
	if (begins < 0)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (!begins) {	/* older than weir, or its beginning was lost */
		side->phase = answer && !asked && s->started ? PG_MESSAGE : PG_RESYNC;
		return (struct feed_result){ FEED_OK, 0, 0 };
	}
	len = number_at(in.ptr);
	code = number_at(in.ptr + 4);
	if (in.len < len)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	session_count(s->session, FATE_EXAMINED, len);
	if (code == CODE_SSL || code == CODE_GSS) {
		s->asked_tls = true;
	} else {
		side->phase = PG_MESSAGE;
		s->started = true;
		pg_startup(s, slice_of(in.ptr + 8, len - 8), code, at);
	}
	return (struct feed_result){ FEED_OK, len, 0 };
}

static struct feed_result feed_message(struct pg_state *s, struct pg_side *side, enum dir dir, struct slice in, struct stamp at)
{
	bool front = dir == s->front;
	uint32_t total;
	struct pg_message m;

	if (!listed(front ? front_types : back_types, in.ptr[0]))
		goto lost;
	if (in.len < 5)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	total = number_at(in.ptr + 1) + 1;
	if (total < 5 || total > LENGTH_LONG || (total > LENGTH_SHORT && !listed(front ? front_long : back_long, in.ptr[0])))
		goto lost;
	if (total > in.len && total <= WAITED) {
		side->type = in.ptr[0];
		side->total = total;
		side->carried = (uint32_t)in.len;
		return (struct feed_result){ FEED_MORE, 0, 0 };
	}
	side->carried = 0;
	if (total > in.len) {
		session_count(s->session, FATE_EXAMINED, in.len);
		side->phase = PG_BODY;
		side->type = in.ptr[0];
		side->total = total;
		side->left = total - 5;
		body_take(side, slice_of(in.ptr + 5, in.len - 5));
		return (struct feed_result){ FEED_OK, in.len, 0 };
	}
	m = (struct pg_message){ in.ptr[0], slice_of(in.ptr + 5, total - 5), total, false };
	if (m.type == 'd' && s->replicates) {	/* the server's log: nobody here reads it */
		session_count(s->session, FATE_OPAQUE, total);
		return (struct feed_result){ FEED_OK, total, 0 };
	}
	session_count(s->session, FATE_EXAMINED, total);
	dispatch(s, dir, &m, at);
	return (struct feed_result){ FEED_OK, total, 0 };
lost:
	side->phase = PG_RESYNC;
	side->after_gap = true;
	return (struct feed_result){ FEED_OK, 1, 1 };
}

static struct feed_result feed_body(struct pg_state *s, struct pg_side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left ? in.len : side->left;

	body_take(side, slice_of(in.ptr, n));
	session_count(s->session, FATE_EXAMINED, n);
	if (!side->left)
		body_done(s, side, dir, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

/* Looks for where a message begins; one that stands alone at the end must say more than its type. */
static size_t find_message(struct slice in, bool front, bool *found)
{
	for (size_t i = 0; i < in.len; i++) {
		struct slice rest = slice_of(in.ptr + i, in.len - i);
		uint32_t total;
		bool sure;

		*found = false;
		if (rest.len > 1 && rest.ptr[1] > LENGTH_FOUND >> 24)
			continue;
		if (rest.len < 6 && message_begins(rest, front, LENGTH_FOUND, &total))
			return i;	/* more of it may tell */
		if (walk(rest, front, &sure) && (sure || (rest.len >= 5 && rest.ptr[0] != 'd' && number_at(rest.ptr + 1) == 4))) {
			*found = true;
			return i;
		}
		if (rest.len < 64 && message_begins(rest, front, LENGTH_FOUND, &total) > 0 && total > rest.len)
			return i;
	}
	return in.len;
}

static struct feed_result feed_resync(struct pg_state *s, struct pg_side *side, enum dir dir, struct slice in, struct stamp at)
{
	bool found = false;
	size_t skip;

	if (dir == s->front && startup_begins(in) > 0) {
		side->phase = PG_START;
		return feed_start(s, side, dir, in, at);
	}
	skip = find_message(in, dir == s->front, &found);
	if (!found)
		return (struct feed_result){ skip == in.len ? FEED_OK : FEED_MORE, skip, skip };
	side->phase = PG_MESSAGE;
	/* Found where it stands: a step that consumes nothing would end the feed. */
	return skip ? (struct feed_result){ FEED_OK, skip, skip } : feed_message(s, side, dir, in, at);
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct pg_state *s = state;
	struct pg_side *side = &s->sides[dir];
	struct feed_result r;

	if (!s->front_known)
		front_learn(s, dir, in);
	switch (side->phase) {
	case PG_START:
		r = feed_start(s, side, dir, in, at);
		if (r.consumed || r.status != FEED_OK || side->phase == PG_START)
			return r;
		return side->phase == PG_MESSAGE ? feed_message(s, side, dir, in, at) : feed_resync(s, side, dir, in, at);
	case PG_MESSAGE:
		return feed_message(s, side, dir, in, at);
	case PG_BODY:
		return feed_body(s, side, dir, in, at);
	case PG_RESYNC:
		return feed_resync(s, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static void mark_gap(struct pg_state *s, enum dir dir)
{
	struct pg_item *first = pg_first(s);

	if (dir == s->front && s->asking)
		s->asking->has_gap = 1;
	else if (first && first->kind == PG_RESULT)
		first->owed.ex->has_gap = 1;
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct pg_state *s = state;
	struct pg_side *side = &s->sides[dir];

	if (!lost && side->phase == PG_START)
		return 0;
	mark_gap(s, dir);
	buf_free(&s->copy.line);
	s->copy.quoted = s->copy.cut = false;
	/* Of a message that was waited for the beginning is gone, but where it ends is known. */
	if (side->phase == PG_MESSAGE && side->carried) {
		side->phase = PG_BODY;
		side->left = side->total - side->carried;
		side->carried = 0;
	}
	side->cut |= side->phase == PG_BODY;
	side->holed |= side->phase == PG_BODY;
	if (side->phase == PG_BODY && lost <= side->left) {
		side->left -= (uint32_t)lost;
		if (!side->left)
			body_done(s, side, dir, at);
		return 0;
	}
	if (side->phase == PG_BODY)
		body_done(s, side, dir, at);
	side->carried = 0;
	side->after_gap = true;
	side->phase = PG_RESYNC;
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct pg_state *s = state;

	ring_interval(&s->items, s->session, at);
}

static void eof(void *state, struct stamp at)
{
	struct pg_state *s = state;

	for (int d = 0; d < 2; d++)
		if (s->sides[d].phase == PG_BODY) {
			s->sides[d].cut = true;
			body_done(s, &s->sides[d], (enum dir)d, at);
		}
	pg_end(s, at);
}

static void fini(void *state)
{
	pg_free(state);
}

const struct protocol protocol_postgres = {
	.name = "postgres", .summary = "PostgreSQL: simple and extended queries, COPY, paired with their results",
	.state_size = sizeof(struct pg_state), .guess = guess, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
};
