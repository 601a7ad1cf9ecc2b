/* SPDX-License-Identifier: Apache-2.0 */
/* reassemble.c - parts in any order -> parts in order, each byte once, and gaps.
 *
 * Records of one direction come in call order from one CPU, but calls of several
 * threads and rings of several CPUs overtake each other by a little. So a piece that
 * comes too early is held, for reorder_ns at most, in a list sorted by position.
 * Where parts overlap, the byte that was delivered first stays; a part's `skipped`
 * range counts as delivered, since its record says that no other one has it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "stream/private.h"

/* Bytes of the sequence that the part stands for. */
static uint64_t part_extent(const struct part *p)
{
	return p->layer == LAYER_CIPHER ? p->moved : p->bytes.len + p->skipped;
}

static uint64_t part_end(const struct part *p)
{
	return p->pos + part_extent(p);
}

/* Drops what lies before next; false when nothing is left. */
static bool part_trim(struct part *p, uint64_t next)
{
	uint64_t past = next - p->pos, cut;

	if (past >= part_extent(p))
		return false;
	p->pos = next;
	if (p->layer == LAYER_CIPHER) {
		/* Headers cannot be cut at a position: what is new of it is unknown. */
		p->moved -= past;
		p->skipped = past ? p->moved : p->skipped;
		p->bytes.len = past ? 0 : p->bytes.len;
		return true;
	}
	cut = past < p->bytes.len ? past : p->bytes.len;
	if (cut) {	/* there may be no bytes, and no address */
		p->bytes.ptr += cut;
		p->bytes.len -= cut;
	}
	p->skipped -= past - cut;
	return true;
}

static void part_take(struct stream *s, struct sequence *q, const struct part *p)
{
	q->next = part_end(p);
	q->restarted = false;
	stream_deliver(s, q, p);
}

/* Of one that begins before what is there. */
static void rest_take(struct stream *s, struct sequence *q, const struct part *part)
{
	struct part p = *part;

	if (part_trim(&p, q->next))
		part_take(s, q, &p);
}

static void take_next(struct stream *s, struct sequence *q, const struct part *p)
{
	if (p->pos == q->next)	/* mostly */
		part_take(s, q, p);
	else
		rest_take(s, q, p);
}

static void piece_unlink(struct stream *s, struct sequence *q, struct piece *h)
{
	*(h->prev ? &h->prev->next : &q->head) = h->next;
	*(h->next ? &h->next->prev : &q->tail) = h->prev;
	s->held -= h->part.bytes.len;
	s->share->held -= h->part.bytes.len;
	s->table->stats.held -= h->part.bytes.len;
	s->nr_held--;
	s->table->nr_held--;
}

static void piece_free(struct piece *h)
{
	size_t size = sizeof(*h) + h->part.bytes.len;

	explicit_bzero(h, size);
	budget_free(h, size);
}

static void since_update(struct sequence *q)
{
	q->since = UINT64_MAX;
	for (const struct piece *h = q->head; h; h = h->next)
		if (h->arrived < q->since)
			q->since = h->arrived;
}

/* Delivers held pieces as far as nothing is missing. */
static void run_deliver(struct stream *s, struct sequence *q)
{
	struct piece *h;
	bool any = false;

	while ((h = q->head) && h->part.pos <= q->next) {
		piece_unlink(s, q, h);
		take_next(s, q, &h->part);
		piece_free(h);
		any = true;
	}
	if (any)
		since_update(q);
}

/* Why bytes before the part are missing: what its record said of them, else that of the caller. */
static enum loss cause_before(const struct part *p, enum loss otherwise)
{
	return p->before ? p->before : otherwise;
}

enum loss sequence_cause(struct sequence *q, enum loss cause)
{
	bool restarted = q->restarted;

	q->restarted = false;
	return restarted && cause == LOSS_MISSING ? LOSS_RESTART : cause;
}

static void gap_make(struct stream *s, struct sequence *q, uint64_t to, enum loss cause, unsigned follow,
		     struct stamp at)
{
	uint64_t lost = to - q->next;

	q->next = to;
	stream_lose(s, q, lost, sequence_cause(q, cause), follow, at);
}

static bool hold_fits(const struct stream *s, size_t len)
{
	const struct stream_table *t = s->table;

	return s->nr_held < HELD_PIECES && t->nr_held < t->max_held &&
	       s->held <= t->limits.per_connection && len <= t->limits.per_connection - s->held &&
	       (!t->limits.per_workload || (s->share->held <= t->limits.per_workload && len <= t->limits.per_workload - s->share->held)) &&
	       t->stats.held <= t->limits.total && len <= t->limits.total - t->stats.held;
}

/* The last piece that begins at or before pos; NULL: before all. */
static struct piece *piece_before(const struct sequence *q, uint64_t pos)
{
	struct piece *h = q->tail;

	if (q->head && pos < q->head->part.pos)
		return NULL;
	while (h && h->part.pos > pos)
		h = h->prev;
	return h;
}

static void piece_insert(struct stream *s, struct sequence *q, struct piece *after, struct piece *h)
{
	h->prev = after;
	h->next = after ? after->next : q->head;
	*(h->prev ? &h->prev->next : &q->head) = h;
	*(h->next ? &h->next->prev : &q->tail) = h;
	s->held += h->part.bytes.len;
	s->share->held += h->part.bytes.len;
	s->table->stats.held += h->part.bytes.len;
	s->nr_held++;
	s->table->nr_held++;
}

/* False: a cap forbids, or memory is out. */
static bool part_hold(struct stream *s, struct sequence *q, const struct part *p)
{
	struct piece *after = piece_before(q, p->pos), *h;

	if (after && part_end(&after->part) >= part_end(p))
		return true; /* a copy of what is held */
	if (!hold_fits(s, p->bytes.len))
		return false;
	h = budget_alloc(sizeof(*h) + p->bytes.len);
	if (!h)
		return false;
	h->arrived = s->table->now;
	h->part = *p;
	h->part.bytes.ptr = h->bytes;
	if (p->bytes.len)
		memcpy(h->bytes, p->bytes.ptr, p->bytes.len);
	if (!q->head || h->arrived < q->since)
		q->since = h->arrived;
	piece_insert(s, q, after, h);
	return true;
}

/* Is it known that the bytes before it never come? Then nothing waits for them: what the other direction
 * says meanwhile would be told before what it answers. */
static bool is_gap_known(const struct sequence *q, const struct part *p)
{
	return !q->head && (p->before == LOSS_RING_FULL || p->before == LOSS_BUDGET || p->before == LOSS_UNWANTED);
}

int sequence_push(struct stream *s, struct sequence *q, const struct part *p)
{
	int err = 0;

	if (!part_extent(p))
		return 0;
	if (!q->started && q->plain && s->conn.late)
		q->next = p->pos; /* of a session that is older than weir */
	q->started = true;
	if (p->pos > q->next && is_gap_known(q, p))
		gap_make(s, q, p->pos, p->before, p->layer, p->at);
	while (p->pos > q->next && !part_hold(s, q, p)) {
		const struct part *first = q->head && q->head->part.pos < p->pos ? &q->head->part : p;

		err = -ENOSPC;
		gap_make(s, q, first->pos, cause_before(first, LOSS_MISSING), first->layer, p->at);
		run_deliver(s, q);
	}
	if (p->pos <= q->next) {
		take_next(s, q, p);
		run_deliver(s, q);
	}
	return err;
}

void sequence_expire(struct stream *s, struct sequence *q, struct stamp now)
{
	uint64_t time = s->table->now;

	if (q->head && q->since > time)
		q->since = time; /* the clock was set back by a tick */
	while (q->head && time >= q->since && time - q->since >= s->table->limits.reorder_ns) {
		gap_make(s, q, q->head->part.pos, cause_before(&q->head->part, LOSS_MISSING), q->head->part.layer, now);
		run_deliver(s, q);
	}
}

void sequence_drain(struct stream *s, struct sequence *q, enum loss cause, struct stamp at)
{
	while (q->head) {
		gap_make(s, q, q->head->part.pos, cause_before(&q->head->part, cause), q->head->part.layer, at);
		run_deliver(s, q);
	}
}

void sequence_drain_socket(struct stream *s, struct sequence *q, struct stamp at)
{
	struct piece *h;

	while ((h = q->head) && h->part.layer == LAYER_SOCKET) {
		if (h->part.pos > q->next)
			gap_make(s, q, h->part.pos, cause_before(&h->part, LOSS_MISSING), LAYER_SOCKET, at);
		piece_unlink(s, q, h);
		take_next(s, q, &h->part);
		piece_free(h);
	}
	since_update(q);
}
