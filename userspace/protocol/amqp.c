/* SPDX-License-Identifier: Apache-2.0 */
/* amqp.c - AMQP 0-9-1: cuts frames out of both directions, without holding more than a method or a header,
 * and finds the next method after a gap. AMQP 1.0, which begins alike, is opaque. */
#include <errno.h>
#include <string.h>

#include "protocol/amqp.h"
#include "protocol/reader.h"

#define GREETING	8	/* "AMQP", then the version */
#define ENOUGH		48	/* bytes of a method that is not whole by which it is known */
#define SOUGHT_MAX	2048	/* bytes of one that is looked for: each call waits for it anew */

/* 1: of 0-9-1 or 0-9, 2: another version, 0: it is none, -1: too short to tell. */
static int greeting(struct slice in)
{
	static const uint8_t rest[][4] = { { 0, 0, 9, 1 }, { 1, 1, 0, 9 }, { 1, 1, 9, 1 }, { 0, 1, 0, 0 }, { 2, 1, 0, 0 }, { 3, 1, 0, 0 } };
	size_t n = in.len < 4 ? in.len : 4;

	if (!n || memcmp(in.ptr, "AMQP", n))
		return n ? 0 : -1;
	if (in.len < GREETING)
		return -1;
	for (unsigned i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		if (!memcmp(in.ptr + 4, rest[i], 4))
			return i < 3 ? 1 : 2;
	return 0;
}

static uint32_t size_at(const uint8_t *head)
{
	return (uint32_t)head[3] << 24 | (uint32_t)head[4] << 16 | (uint32_t)head[5] << 8 | head[6];
}

/* ---- does a method begin here? 1, 0, -1: more would tell ---- */

static int frame_begins(struct slice in, uint32_t max)
{
	uint32_t size;
	size_t have;

	if (!in.len)
		return -1;
	if (in.ptr[0] != AMQP_METHOD || (in.len > 3 && in.ptr[3]) || (in.len > 4 && in.ptr[4]))
		return 0;
	if (in.len < AMQP_HEAD)
		return -1;
	size = size_at(in.ptr);
	if (size < 4 || size > max)
		return 0;
	have = in.len - AMQP_HEAD < size ? in.len - AMQP_HEAD : size;
	if (!amqp_method_fits(slice_of(in.ptr + AMQP_HEAD, have)))
		return 0;
	return in.len - AMQP_HEAD <= size ? -1 : in.ptr[AMQP_HEAD + size] == AMQP_END;
}

static int guess(struct slice in, enum dir dir)
{
	int begins = greeting(in);

	if (begins)
		return begins < 0 ? -EAGAIN : 95;
	begins = frame_begins(in, PROTOCOL_HEAD_MAX);
	if (begins < 0)
		return in.len >= ENOUGH ? 70 : -EAGAIN;
	return begins ? 85 : 0;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	for (*at = 0; *at < in.len; ++*at) {
		const uint8_t *p = memchr(in.ptr + *at, AMQP_METHOD, in.len - *at);
		int begins;

		*at = p ? (size_t)(p - in.ptr) : in.len;
		if (!p)
			break;
		begins = frame_begins(slice_of(p, in.len - *at), SOUGHT_MAX);
		if (begins)
			return begins > 0;
	}
	return false;
}

/* ---- the stream ---- */

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct amqp_state *s = state;

	s->sink = sink;
	s->session = session;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	for (int d = 0; d < 2; d++)
		s->sides[d].phase = conn->late ? AMQP_PHASE_RESYNC : AMQP_PHASE_FRAME;
}

static void learn_front(struct amqp_state *s, enum dir front)
{
	if (!s->front_known)
		s->front = front;
	s->front_known = true;
}

static struct feed_result lose(struct amqp_state *s, struct amqp_side *side, enum dir dir, struct stamp at)
{
	if (!s->sure)
		return (struct feed_result){ FEED_BAD, 0, 0 };
	side->phase = AMQP_PHASE_RESYNC;
	amqp_lost(s, dir, at);
	return (struct feed_result){ FEED_OK, 1, 1 };
}

static struct feed_result feed_greeting(struct amqp_state *s, enum dir dir, struct slice in, int what)
{
	if (what < 0)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	s->sure = true;
	if (what == 2)
		s->other = true;
	else if (!s->nr_channels && !s->front_known)
		learn_front(s, dir);
	session_count(s->session, FATE_EXAMINED, GREETING);
	return (struct feed_result){ FEED_OK, GREETING, 0 };
}

/* A method or a header, whole. */
static struct feed_result feed_whole(struct amqp_state *s, struct amqp_side *side, enum dir dir, struct slice in, struct stamp at)
{
	uint16_t channel = (uint16_t)(in.ptr[1] << 8 | in.ptr[2]);
	uint32_t size = size_at(in.ptr);
	size_t wire = AMQP_HEAD + size + 1;
	struct slice payload = slice_of(in.ptr + AMQP_HEAD, size);
	struct amqp_method m;
	bool known;

	if (in.ptr[wire - 1] != AMQP_END)
		return lose(s, side, dir, at);
	s->begun = side->seen = true;
	if (in.ptr[0] == AMQP_HEADER) {
		session_count(s->session, amqp_header_fate(s, dir, channel), wire);
		amqp_take_header(s, dir, channel, payload, wire, at);
		return (struct feed_result){ FEED_OK, wire, 0 };
	}
	known = amqp_method_read(payload, &m);
	session_count(s->session, known ? FATE_EXAMINED : FATE_OPAQUE, wire);
	if (known) {
		if (m.row->from != AMQP_BOTH)
			learn_front(s, m.row->from == AMQP_CLIENT ? dir : (enum dir)!dir);
		amqp_take_method(s, dir, channel, &m, wire, at);
	}
	return (struct feed_result){ FEED_OK, wire, 0 };
}

static struct feed_result feed_frame(struct amqp_state *s, struct amqp_side *side, enum dir dir, struct slice in, struct stamp at)
{
	uint32_t size;

	if (in.ptr[0] == 'A' && greeting(in) && !s->begun)
		return feed_greeting(s, dir, in, greeting(in));
	if (in.ptr[0] != AMQP_HEARTBEAT && (in.ptr[0] < AMQP_METHOD || in.ptr[0] > AMQP_BODY))
		return lose(s, side, dir, at);
	if (in.len < AMQP_HEAD)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	size = size_at(in.ptr);
	if (size > AMQP_FRAME_MAX)
		return lose(s, side, dir, at);
	s->sure |= side->seen;	/* one is behind another */
	side->left = size + 1;
	if (in.ptr[0] == AMQP_BODY) {
		side->channel = (uint16_t)(in.ptr[1] << 8 | in.ptr[2]);
		side->phase = AMQP_PHASE_BODY;
		session_count(s->session, FATE_EXAMINED, AMQP_HEAD);
		amqp_body_frame(s, dir, side->channel, AMQP_HEAD + 1);
		return (struct feed_result){ FEED_OK, AMQP_HEAD, 0 };
	}
	if (size > PROTOCOL_HEAD_MAX || in.ptr[0] == AMQP_HEARTBEAT) {
		side->phase = AMQP_PHASE_PASS;
		session_count(s->session, FATE_EXAMINED, AMQP_HEAD);
		return (struct feed_result){ FEED_OK, AMQP_HEAD, 0 };
	}
	if (in.len - AMQP_HEAD < side->left)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	return feed_whole(s, side, dir, in, at);
}

/* Behind the payload stands the end of the frame. */
static struct feed_result feed_end(struct amqp_state *s, struct amqp_side *side, enum dir dir, struct slice in, struct stamp at)
{
	if (in.ptr[0] != AMQP_END)
		return lose(s, side, dir, at);
	side->phase = AMQP_PHASE_FRAME;
	side->left = 0;
	return (struct feed_result){ FEED_OK, 1, 0 };
}

static struct feed_result feed_body(struct amqp_state *s, struct amqp_side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left - 1 ? in.len : side->left - 1;
	enum fate fate;

	if (!n)
		return feed_end(s, side, dir, in, at);
	fate = amqp_body_fate(s, dir, side->channel, &n);
	side->left -= (uint32_t)n;
	session_count(s->session, fate, n);
	amqp_take_body(s, dir, side->channel, slice_of(in.ptr, n), at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

/* A heartbeat, or a method longer than any. */
static struct feed_result feed_pass(struct amqp_state *s, struct amqp_side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left - 1 ? in.len : side->left - 1;

	if (!n)
		return feed_end(s, side, dir, in, at);
	side->left -= (uint32_t)n;
	return (struct feed_result){ FEED_OK, n, n };
}

static struct feed_result feed_resync(struct amqp_state *s, struct amqp_side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = 0;

	if ((greeting(in) > 0 && !s->begun) || seek(in, dir, &n))
		side->phase = AMQP_PHASE_FRAME;
	/* Found where it stands: a step that consumes nothing would end the feed. */
	if (side->phase == AMQP_PHASE_FRAME && !n)
		return feed_frame(s, side, dir, in, at);
	return (struct feed_result){ side->phase == AMQP_PHASE_FRAME || n == in.len ? FEED_OK : FEED_MORE, n, n };
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct amqp_state *s = state;
	struct amqp_side *side = &s->sides[dir];

	if (s->other) {
		session_count(s->session, FATE_OPAQUE, in.len);
		return (struct feed_result){ FEED_OK, in.len, 0 };
	}
	switch (side->phase) {
	case AMQP_PHASE_FRAME: return feed_frame(s, side, dir, in, at);
	case AMQP_PHASE_BODY: return feed_body(s, side, dir, in, at);
	case AMQP_PHASE_PASS: return feed_pass(s, side, dir, in, at);
	case AMQP_PHASE_RESYNC: return feed_resync(s, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static int gap(void *state, enum dir dir, uint64_t missing, enum loss cause, struct stamp at)
{
	struct amqp_state *s = state;
	struct amqp_side *side = &s->sides[dir];
	bool within = side->phase == AMQP_PHASE_BODY || side->phase == AMQP_PHASE_PASS;

	if (within && missing && missing <= side->left) {
		uint64_t payload = missing < side->left ? missing : side->left - 1;

		if (side->phase == AMQP_PHASE_BODY && payload)
			amqp_body_hole(s, dir, side->channel, payload, at);
		side->left -= (uint32_t)missing;
		side->phase = side->left ? side->phase : AMQP_PHASE_FRAME;
		return 0;
	}
	side->phase = AMQP_PHASE_RESYNC;
	if (missing)
		amqp_lost(s, dir, at);
	return 0;
}

static uint64_t unwanted(const void *state, enum dir dir)
{
	return ((const struct amqp_state *)state)->other ? UINT64_MAX : 0;
}

static void interval(void *state, struct stamp at)
{
	amqp_interval(state, at);
}

static void eof(void *state, struct stamp at)
{
	amqp_end(state, at);
}

static void fini(void *state)
{
	amqp_free(state);
}

const struct protocol protocol_amqp = {
	.name = "amqp", .summary = "AMQP 0-9-1: methods with their answers, messages published and delivered, and what becomes of them",
	.state_size = sizeof(struct amqp_state), .guess = guess, .seek = seek, .init = init, .feed = feed, .gap = gap, .unwanted = unwanted,
	.interval = interval, .eof = eof, .fini = fini,
};
