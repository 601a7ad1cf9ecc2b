/* SPDX-License-Identifier: Apache-2.0 */
/* mysql.c - the protocol of MySQL and MariaDB: cuts packets out of both directions, plain or out of
 * compressed frames, from the greeting on, behind the request for TLS, or joining late; puts the
 * packets of long messages together, and finds the next one after a gap. */
#include <errno.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/mysql.h"

#define GUESSED	256	/* bytes that tell whether it is this protocol */

static uint32_t length_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

/* Commands that say enough to be told from chance. */
static bool tells(struct slice in)
{
	uint8_t c = in.len > MY_HEAD ? in.ptr[MY_HEAD] : 0;

	return c == COM_QUERY || c == COM_STMT_PREPARE || c == COM_STMT_EXECUTE;
}

static int guess(struct slice head, enum dir dir)
{
	uint8_t seq = 0;
	int greets = my_greets(head), logs_in = my_logs_in(head), commands = my_commands(head), frame = my_frame_begins(head);
	int answers = head.len < MY_HEAD || (head.ptr[3] == 1 && !head.ptr[1] && !head.ptr[2]) ? my_answers(head, &seq) : 0;

	if (greets > 0 || logs_in > 0)
		return 95;
	if (greets < 0 && head.len < GUESSED)	/* what it may still be says who speaks */
		return -EAGAIN;
	if (commands > 0 && tells(head))
		return 60;
	if (frame > 0)
		return 50;
	if (answers > 0 && head.len > MY_HEAD + 1 && head.ptr[0] < 5 && head.ptr[MY_HEAD] && head.ptr[MY_HEAD] < 0xfb)
		return 60;	/* a number of columns, and one */
	return head.len < GUESSED && (greets < 0 || logs_in < 0 || frame < 0 || answers < 0 || (commands < 0 && (tells(head) || head.len <= MY_HEAD)))
	       ? -EAGAIN : 0;
}

/* ---- the stream ---- */

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct my_state *s = state;

	s->sink = sink;
	s->session = session;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	s->items.size = sizeof(struct my_item);
	for (int d = 0; d < 2; d++) {
		s->sides[d].phase = PHASE_RESYNC;
		buf_init(&s->sides[d].body, PROTOCOL_BODY_HELD);
		buf_init(&s->frames[d].packed, PROTOCOL_BODY_HELD);
		buf_init(&s->frames[d].inner, 2 * MY_WAITED);
	}
	buf_init(&s->long_data, PROTOCOL_BODY_HELD);
}

static void front_learn(struct my_state *s, enum dir dir, struct slice in)
{
	bool is_front = my_greets(in) <= 0 && (my_logs_in(in) > 0 || my_commands(in) > 0 || my_frame_begins(in) > 0);

	s->front_known = true;
	s->front = is_front ? dir : !dir;
}

static void examined(struct my_state *s, size_t n)
{
	if (!s->within)
		session_count(s->session, FATE_EXAMINED, n);
}

/* A message whose end has come, or will not. */
static void body_done(struct my_state *s, struct my_side *side, enum dir dir, struct stamp at)
{
	struct my_message m = { side->first_seq, side->body.len ? slice_of(side->body.ptr, side->body.len) : SLICE(""), side->total, side->cut };

	side->phase = PHASE_PACKET;
	side->goes_on = false;
	side->carried = 0;
	if (dir == s->front)
		my_front(s, &m, at);
	else
		my_back(s, &m, at);
	buf_free(&side->body);
	side->cut = side->holed = false;
	side->total = 0;
}

static struct feed_result lose(struct my_state *s, struct my_side *side, enum dir dir)
{
	side->phase = PHASE_RESYNC;
	side->after_gap = true;
	my_lost(s, dir);
	return (struct feed_result){ FEED_OK, 1, 1 };
}

/* Where a message begins there must be what can begin one. */
static bool may_begin(struct my_state *s, struct slice in, uint32_t len, bool front)
{
	if (front && !in.ptr[3])
		return len && my_is_command(in.ptr[MY_HEAD]);
	return front || in.ptr[3] || s->within || s->items.nr || my_greets(in);
}

static struct feed_result feed_packet(struct my_state *s, struct my_side *side, enum dir dir, struct slice in, struct stamp at)
{
	bool front = dir == s->front;
	struct my_message m;
	uint32_t len;

	if (in.len < MY_HEAD || (in.len == MY_HEAD && length_at(in.ptr) && !side->goes_on))
		return (struct feed_result){ FEED_MORE, 0, 0 };
	len = length_at(in.ptr);
	side->seq = in.ptr[3];
	if (!side->goes_on && !may_begin(s, in, len, front))
		return lose(s, side, dir);
	if (!side->goes_on && len > in.len - MY_HEAD && len <= MY_WAITED) {
		side->first_seq = in.ptr[3];
		side->carried = (uint32_t)in.len;
		side->waited = len + MY_HEAD;
		side->what = len ? in.ptr[MY_HEAD] : 0;
		return (struct feed_result){ FEED_MORE, 0, 0 };
	}
	side->carried = 0;
	if (side->goes_on || len > in.len - MY_HEAD || len == MY_PACKET_MAX) {
		if (!side->goes_on)
			side->first_seq = in.ptr[3];
		examined(s, MY_HEAD);
		side->goes_on = len == MY_PACKET_MAX;
		side->total += MY_HEAD;
		side->left = len;
		side->phase = PHASE_BODY;
		if (!len)
			body_done(s, side, dir, at);
		return (struct feed_result){ FEED_OK, MY_HEAD, 0 };
	}
	m = (struct my_message){ in.ptr[3], slice_of(in.ptr + MY_HEAD, len), len + MY_HEAD, false };
	examined(s, len + MY_HEAD);
	if (front)
		my_front(s, &m, at);
	else
		my_back(s, &m, at);
	return (struct feed_result){ FEED_OK, len + MY_HEAD, 0 };
}

static struct feed_result feed_body(struct my_state *s, struct my_side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left ? in.len : side->left, room = PROTOCOL_BODY_HELD - side->body.len, held = n < room ? n : room;

	if (!side->holed && (buf_add(&side->body, in.ptr, held) || held < n))
		side->cut = side->holed = true;
	side->left -= (uint32_t)n;
	side->total += n;
	examined(s, n);
	if (!side->left && side->goes_on)
		side->phase = PHASE_PACKET;
	else if (!side->left)
		body_done(s, side, dir, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static int begins(struct my_state *s, bool front, struct slice in)
{
	uint8_t seq;
	int one = front ? my_commands(in) : my_answers(in, &seq), other = front ? my_logs_in(in) : my_greets(in);

	if (one > 0 || other > 0)
		return 1;
	return one < 0 || other < 0 ? -1 : 0;
}

static struct feed_result feed_resync(struct my_state *s, struct my_side *side, enum dir dir, struct slice in, struct stamp at)
{
	bool front = dir == s->front;
	size_t skip = 0;
	int found = 0;

	while (skip < in.len && !(found = begins(s, front, slice_of(in.ptr + skip, in.len - skip))))
		skip++;
	if (found <= 0)
		return (struct feed_result){ skip == in.len ? FEED_OK : FEED_MORE, skip, skip };
	side->phase = PHASE_PACKET;
	/* Found where it stands: a step that consumes nothing would end the feed. */
	return skip ? (struct feed_result){ FEED_OK, skip, skip } : feed_packet(s, side, dir, in, at);
}

struct feed_result my_packets(struct my_state *s, enum dir dir, struct slice in, struct stamp at)
{
	struct my_side *side = &s->sides[dir];

	if (s->replicates && dir != s->front) {	/* the server's log: nobody here reads it */
		if (!s->within)
			session_count(s->session, FATE_OPAQUE, in.len);
		return (struct feed_result){ FEED_OK, in.len, 0 };
	}
	switch (side->phase) {
	case PHASE_PACKET: return feed_packet(s, side, dir, in, at);
	case PHASE_BODY: return feed_body(s, side, dir, in, at);
	case PHASE_RESYNC: return feed_resync(s, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct my_state *s = state;
	if (!s->front_known)
		front_learn(s, dir, in);
	if (s->asked_tls && in.ptr[0] == 0x16)	/* no packet here has that length */
		return (struct feed_result){ in.len < 2 ? FEED_MORE : FEED_BAD, 0, 0 };
	/* Nobody saw whether they agreed on it. */
	if (!s->packing && !s->caps && dir == s->front && s->sides[dir].phase == PHASE_RESYNC && my_frame_begins(in) > 0)
		s->packing = true;
	/* What begins anew has its answer: from then on both pack. */
	if (s->login && !s->packing && dir == s->front && in.len > 3 && !in.ptr[3] && s->caps & (MY_COMPRESS | MY_ZSTD))
		s->packing = true;
	return s->packing ? my_frames(s, dir, in, at) : my_packets(s, dir, in, at);
}

void my_gap(struct my_state *s, enum dir dir, uint64_t lost, bool known, struct stamp at)
{
	struct my_side *side = &s->sides[dir];

	if (!lost && side->phase == PHASE_RESYNC)
		return;
	my_lost(s, dir);
	/* Of a packet that was waited for the beginning is gone, but where it ends is known. */
	if (side->phase == PHASE_PACKET && side->carried) {
		side->phase = PHASE_BODY;
		side->left = side->waited - side->carried;
		side->total = side->carried;
		side->carried = 0;
		buf_add(&side->body, &side->what, 1);
	}
	if (side->phase == PHASE_BODY || side->goes_on) {
		side->cut = side->holed = true;
		if (known && side->phase == PHASE_BODY && lost <= side->left) {
			side->left -= (uint32_t)lost;
			if (!side->left && side->goes_on)
				side->phase = PHASE_PACKET;
			else if (!side->left)
				body_done(s, side, dir, at);
			return;
		}
		body_done(s, side, dir, at);
	}
	side->goes_on = false;
	side->after_gap = true;
	side->phase = PHASE_RESYNC;
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct my_state *s = state;

	if (s->packing)
		my_frames_gap(s, dir, lost, at);
	else
		my_gap(s, dir, lost, true, at);
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct my_state *s = state;

	ring_interval(&s->items, s->session, at);
}

static void eof(void *state, struct stamp at)
{
	struct my_state *s = state;

	for (int d = 0; d < 2; d++)
		if (s->sides[d].phase == PHASE_BODY || s->sides[d].goes_on) {
			s->sides[d].cut = true;
			body_done(s, &s->sides[d], (enum dir)d, at);
		}
	my_end(s, at);
}

static void fini(void *state)
{
	struct my_state *s = state;

	for (int d = 0; d < 2; d++) {
		buf_free(&s->sides[d].body);
		buf_free(&s->frames[d].packed);
		buf_free(&s->frames[d].inner);
	}
	my_free(s);
}

const struct protocol protocol_mysql = {
	.name = "mysql", .summary = "MySQL and MariaDB: queries, prepared statements, compressed too, paired with their results",
	.state_size = sizeof(struct my_state), .guess = guess, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
};
