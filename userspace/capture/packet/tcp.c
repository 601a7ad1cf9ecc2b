/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c - the segments of one connection -> each direction's bytes in order, each once, and gaps.
 *
 * A capture is not the receiver: it may lack packets that arrived, and have others that did not.
 * What the other end acknowledges has arrived, so that a hole before it is never filled: it is a
 * gap, after a little, since packets of a capture overtake each other by some microseconds. Any
 * other hole waits for its retransmission, until the connection ends or a limit is reached.
 *
 * Who sends bytes twice may send others the second time, which two readers then understand in
 * two ways. Hence bytes are kept, and compared, until they are acknowledged. By OVERLAP_FIRST
 * they are told at once, by OVERLAP_LAST when nobody can replace them any more. */
#include <string.h>

#include "base/budget.h"
#include "capture/packet/private.h"

/* Of a direction, kept to compare where nobody acknowledges. */
#define KEPT_MAX	64
#define KEPT_BYTES	((size_t)256 << 10)

static int64_t position_of(const struct side *s, uint32_t seq)
{
	return (int64_t)s->next + (int32_t)(seq - (s->base + (uint32_t)s->next));
}

static void side_start(struct side *s, uint32_t seq)
{
	if (s->started)
		return;
	s->started = true;
	s->base = seq;
}

static uint64_t piece_end(const struct piece *p)
{
	return p->pos + p->extent;
}

/* ---- pieces ---- */

static void piece_free(struct packets *t, struct side *s, struct piece *p)
{
	size_t size = sizeof(*p) + p->len;

	*(p->prev ? &p->prev->next : &s->head) = p->next;
	*(p->next ? &p->next->prev : &s->tail) = p->prev;
	s->nr--;
	s->held -= p->len;
	t->held -= p->len;
	explicit_bzero(p, size);
	budget_free(p, size);
}

/* False: no memory. before: the piece that comes next; NULL: it is the last. */
static bool piece_add(struct packets *t, struct side *s, struct piece *before, const struct piece *like, const uint8_t *bytes)
{
	struct piece *p = budget_alloc(sizeof(*p) + like->len);

	if (!p)
		return false;
	*p = *like;
	if (p->len)
		memcpy(p->bytes, bytes, p->len);
	p->next = before;
	p->prev = before ? before->prev : s->tail;
	*(p->prev ? &p->prev->next : &s->head) = p;
	*(p->next ? &p->next->prev : &s->tail) = p;
	s->nr++;
	s->held += p->len;
	t->held += p->len;
	return true;
}

/* ---- what is told ---- */

/* The first piece of which not all was told. */
static struct piece *piece_next(const struct side *s)
{
	struct piece *p = s->head;

	while (p && piece_end(p) <= s->next)
		p = p->next;
	return p;
}

static void gap_tell(struct packets *t, struct connection *c, unsigned side, uint64_t to, struct stamp at)
{
	struct side *s = &c->sides[side];
	uint64_t from = s->next;

	s->next = to;
	s->waits = 0;
	t->stats->gaps++;
	t->stats->gap_bytes += to - from;
	payload_take(t, c, side, from, slice_of(NULL, 0), to - from, LOSS_MISSING, at);
}

static void piece_tell(struct packets *t, struct connection *c, unsigned side, const struct piece *p, uint64_t to)
{
	struct side *s = &c->sides[side];
	uint64_t from = s->next, past = from - p->pos, len = to - from;
	uint64_t have = past < p->len ? p->len - past : 0;

	have = have < len ? have : len;
	s->next = to;
	payload_take(t, c, side, from, slice_of(p->bytes + (have ? past : 0), have), len - have, LOSS_TRUNCATED, p->at);
}

/* Those that nobody needs any more. */
static void pieces_release(struct packets *t, struct side *s)
{
	struct piece *p;

	while ((p = s->head) && piece_end(p) <= s->next &&
	       (piece_end(p) <= s->acked || s->nr > KEPT_MAX || s->held > KEPT_BYTES || t->held >= HELD_TOTAL))
		piece_free(t, s, p);
}

/* As far as nothing is missing. all: not only what nobody can replace any more. */
static void run_tell(struct packets *t, struct connection *c, unsigned side, bool all)
{
	struct side *s = &c->sides[side];
	struct piece *p;

	all |= t->options.overlap == OVERLAP_FIRST || !s->acks;
	while ((p = piece_next(s)) && p->pos <= s->next) {
		uint64_t to = all || piece_end(p) <= s->acked ? piece_end(p) : s->acked;

		if (to <= s->next)
			break;
		piece_tell(t, c, side, p, to);
		s->waits = 0;
	}
	pieces_release(t, s);
}

/* Up to where bytes are missing that the other end has; 0: none are. One byte behind all others may
 * be a FIN that was not captured. */
static uint64_t missing_to(const struct side *s)
{
	const struct piece *p = piece_next(s);
	uint64_t to = s->acked;

	if (s->fin && to > s->end)
		to = s->end;
	if (p)
		to = p->pos < to ? p->pos : to;
	else if (!s->fin && to == s->next + 1)
		return 0;
	return to > s->next ? to : 0;
}

static bool is_full(const struct packets *t, const struct side *s)
{
	return s->nr >= PIECES_MAX || s->held >= HELD_MAX || t->held >= HELD_TOTAL;
}

/* True: bytes are missing, and may be only late. */
static bool hole_waits(struct packets *t, struct connection *c, unsigned side, struct stamp at)
{
	struct side *s = &c->sides[side];

	if (!missing_to(s)) {
		s->waits = 0;
		return false;
	}
	if (!s->waits)
		s->waits = at.time ? at.time : 1;
	return !c->ended && at.time < s->waits + GRACE_NS && !is_full(t, s);
}

static void side_tell(struct packets *t, struct connection *c, unsigned side, struct stamp at)
{
	struct side *s = &c->sides[side];

	run_tell(t, c, side, false);
	while (missing_to(s) && !hole_waits(t, c, side, at)) {
		gap_tell(t, c, side, missing_to(s), at);
		run_tell(t, c, side, false);
	}
}

/* The side that was acknowledged goes first: what it asked is older than what is answered. And
 * what is answered waits until the question is whole. */
static void both_tell(struct packets *t, struct connection *c, unsigned side, struct stamp at)
{
	unsigned first = c->sides[side].waits ? side : !side;	/* or the one that was waited for */

	for (unsigned turn = 0; turn < 4; turn++) {
		unsigned one = turn & 1 ? !first : first;

		if (!hole_waits(t, c, !one, at) || is_full(t, &c->sides[one]))
			side_tell(t, c, one, at);
	}
	/* Too much is held: the hole before it will not be filled in time. */
	for (unsigned i = 0; i < 2; i++)
		while (is_full(t, &c->sides[i]) && piece_next(&c->sides[i])) {
			struct piece *p = piece_next(&c->sides[i]);

			if (p->pos > c->sides[i].next)
				gap_tell(t, c, i, p->pos, at);
			run_tell(t, c, i, true);
		}
}

/* ---- what comes ---- */

/* Both have these bytes. True: not the same ones. */
static bool overlap_compare(struct packets *t, struct side *s, struct piece *p, uint64_t from, uint64_t to, const uint8_t *bytes)
{
	uint64_t end = p->pos + p->len < to ? p->pos + p->len : to, nr = 0;

	t->stats->repeated_bytes += to - from;
	for (uint64_t at = from; at < end; at++)
		nr += p->bytes[at - p->pos] != bytes[at - from];
	t->stats->conflict_bytes += nr;
	if (nr && t->options.overlap == OVERLAP_LAST) {
		uint64_t first = from > s->next ? from : s->next;	/* what was told is told */

		if (first < end)
			memcpy(p->bytes + (first - p->pos), bytes + (first - from), end - first);
	}
	return nr > 0;
}

/* Bytes [from, to) that no piece has; captured: of them from `from` on. */
static bool range_add(struct packets *t, struct side *s, struct piece *before, const struct segment *g, uint64_t pos, uint64_t from, uint64_t to)
{
	uint64_t captured = pos + g->payload.len;
	struct piece p = { .at = g->at };

	if (from < s->next) {	/* told, and let go */
		uint64_t past = to < s->next ? to : s->next;

		t->stats->repeated_bytes += past - from;
		from = past;
	}
	if (from >= to)
		return true;
	p.pos = from;
	p.extent = to - from;
	p.len = captured > from ? captured - from < p.extent ? captured - from : p.extent : 0;
	return piece_add(t, s, before, &p, p.len ? g->payload.ptr + (from - pos) : NULL);
}

static void payload_insert(struct packets *t, struct side *s, const struct segment *g, uint64_t pos)
{
	uint64_t from = pos, end = pos + g->payload.wire, captured = pos + g->payload.len;
	struct piece *p = s->tail;
	bool conflict = false, ok = true;

	/* From behind: that is where most belong. */
	while (p && p->prev && piece_end(p->prev) > pos)
		p = p->prev;
	if (p && piece_end(p) <= pos)
		p = p->next;
	for (; p && p->pos < end && ok; p = p->next) {
		uint64_t to = piece_end(p) < end ? piece_end(p) : end;

		if (from < p->pos) {
			ok = range_add(t, s, p, g, pos, from, p->pos);
			from = p->pos;
		}
		if (from < to)
			conflict |= overlap_compare(t, s, p, from, to < captured ? to : captured > from ? captured : from, g->payload.ptr + (from - pos));
		from = to > from ? to : from;
	}
	if (ok && from < end)
		ok = range_add(t, s, p, g, pos, from, end);
	if (!ok)	/* no memory: they will be missing */
		t->stats->stray_bytes += end - from;
	t->stats->conflicts += conflict;
}

/* What came before the capture did, or the stream: not its bytes. */
static bool segment_clip(struct packets *t, struct segment *g, int64_t *pos)
{
	uint64_t before = *pos < 0 ? (uint64_t)-*pos : 0;

	if (!before)
		return true;
	t->stats->repeated_bytes += before < g->payload.wire ? before : g->payload.wire;
	if (before >= g->payload.wire)
		return false;
	g->payload.ptr += before < g->payload.len ? before : g->payload.len;
	g->payload.len -= before < g->payload.len ? before : g->payload.len;
	g->payload.wire -= before;
	*pos = 0;
	return true;
}

static void acknowledge(struct side *s, const struct segment *g)
{
	int64_t pos;

	side_start(s, g->ack);
	pos = position_of(s, g->ack);
	if (pos > (int64_t)s->acked && pos < (int64_t)s->next + WINDOW_MAX)
		s->acked = (uint64_t)pos;
	s->acks = true;
}

/* Beyond any window, or behind the end of both directions: of no use to the receiver, whoever sent it. */
static bool is_stray(const struct connection *c, const struct side *s, int64_t pos, size_t len)
{
	uint64_t from = s->acked > s->next ? s->acked : s->next;

	return c->closed || pos > (int64_t)from + WINDOW_MAX || (uint64_t)pos + len > POSITION_MAX;
}

static void data_take(struct packets *t, struct connection *c, unsigned side, const struct segment *in)
{
	struct side *s = &c->sides[side];
	struct segment g = *in;
	uint32_t seq = g.seq + !!(g.flags & FLAG_SYN);
	int64_t pos;

	side_start(s, seq);
	pos = position_of(s, seq);
	if (!segment_clip(t, &g, &pos))
		return;
	if ((uint64_t)pos + g.payload.wire <= s->next && (!s->head || (uint64_t)pos + g.payload.wire <= s->head->pos))
		t->stats->repeated_bytes += g.payload.wire;
	else if (is_stray(c, s, pos, g.payload.wire))
		t->stats->stray_bytes += g.payload.wire;
	else
		payload_insert(t, s, &g, (uint64_t)pos);
	if (s->fin && !c->closed && (uint64_t)pos + g.payload.wire > s->end)
		s->fin = false;	/* that was no end */
}

/* Where the side ends. Not before what it has sent. */
static void fin_take(struct side *s, const struct segment *g)
{
	int64_t pos = position_of(s, g->seq + !!(g->flags & FLAG_SYN)) + (int64_t)g->payload.wire;
	uint64_t sent = s->tail && piece_end(s->tail) > s->next ? piece_end(s->tail) : s->next;

	if (s->fin || !s->started || pos < (int64_t)sent || pos > (int64_t)sent + WINDOW_MAX)
		return;
	s->fin = true;
	s->end = (uint64_t)pos;
}

void tcp_segment(struct packets *t, struct connection *c, unsigned side, const struct segment *g)
{
	struct side *s = &c->sides[side], *peer = &c->sides[!side];

	if (!c->closed && (s->waits || peer->waits))
		both_tell(t, c, side, g->at);	/* what was waited for in vain is older than this */
	if (g->flags & FLAG_SYN)
		side_start(s, g->seq + 1);
	if (g->flags & FLAG_ACK && !(g->flags & FLAG_RST))
		acknowledge(peer, g);
	if (g->payload.wire && !(g->flags & FLAG_RST))	/* what a reset carries is for people */
		data_take(t, c, side, g);
	if (c->closed)
		return;
	if (g->flags & FLAG_FIN) {
		side_start(s, g->seq);
		fin_take(s, g);
	}
	if (g->flags & FLAG_RST)
		c->ended = true;
	both_tell(t, c, side, g->at);
	c->ended |= tcp_is_done(c);
}

bool tcp_is_done(const struct connection *c)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct side *s = &c->sides[i];

		if (!s->fin || s->next != s->end || (s->acks && s->acked < s->end))
			return false;
	}
	return c->facts.transport == TRANSPORT_TCP;
}

bool tcp_is_other(const struct connection *c, unsigned side, const struct segment *g)
{
	const struct side *s = &c->sides[side];

	return g->flags & FLAG_SYN && (s->started ? s->base != g->seq + 1 : c->facts.late);
}

/* What is held is told, with gaps where something is missing: there are no more packets. */
void tcp_finish(struct packets *t, struct connection *c)
{
	bool was = c->ended;

	c->ended = true;
	for (unsigned i = 0; i < 2; i++)
		side_tell(t, c, i, t->now);
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &c->sides[i];
		struct piece *p;

		while ((p = piece_next(s))) {
			if (p->pos > s->next)
				gap_tell(t, c, i, p->pos, t->now);
			run_tell(t, c, i, true);
		}
		if (s->fin && s->end > s->next)
			gap_tell(t, c, i, s->end, t->now);
		while (s->head)
			piece_free(t, s, s->head);
	}
	c->ended = was;
}
