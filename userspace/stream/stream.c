/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - the table of connections: found by id, evicted by idleness, ended by
 * the kernel's close, by time, or by a cap; each way is counted.
 *
 * Time is the newest stamp that was passed in, never a clock's: the same input gives
 * the same output, live and in a replay. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "stream/private.h"

#define BUCKETS_MAX	((size_t)1 << 20)
#define STREAM_OF(node, member) ((struct stream *)(void *)((char *)(node) - offsetof(struct stream, member)))

struct stream_table *stream_table_new(const struct stream_limits *limits, const struct stream_sink *sink)
{
	struct stream_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->limits = *limits;
	if (!t->limits.connections)
		t->limits.connections = 1;
	t->sink = *sink;
	node_init(&t->idle);
	node_init(&t->waiting);
	for (unsigned i = 0; i < SHARES; i++)
		node_init(&t->shares[i].idle);
	t->max_held = HELD_PIECES + t->limits.total / HELD_SHARE;
	t->nr_buckets = 64;
	while (t->nr_buckets < t->limits.connections && t->nr_buckets < BUCKETS_MAX)
		t->nr_buckets *= 2;
	t->buckets = calloc(t->nr_buckets, sizeof(*t->buckets));
	unheard_init(t);
	if (t->buckets && !trace_init(t) && !bind_init(t) && !random_bytes(&t->key, sizeof(t->key)))
		return t;
	stream_table_free(t);
	return NULL;
}

static void stamp_take(struct stream_table *t, struct stamp at)
{
	if (at.time > t->now)
		t->now = at.time;
	if (at.epoch > t->epoch)
		t->epoch = at.epoch;
}

static struct stream **bucket_of(const struct stream_table *t, uint64_t id)
{
	return &t->buckets[siphash(&t->key, &id, sizeof(id)) & (t->nr_buckets - 1)];
}

struct stream *stream_by_id(const struct stream_table *t, uint64_t id)
{
	struct stream *s;

	if (t->idle.next != &t->idle && STREAM_OF(t->idle.next, idle)->conn.id == id)	/* mostly it has just spoken */
		return STREAM_OF(t->idle.next, idle);
	s = *bucket_of(t, id);

	while (s && s->conn.id != id)
		s = s->bucket_next;
	return s;
}

static void stream_unlink(struct stream *s)
{
	struct stream **at = bucket_of(s->table, s->conn.id);

	while (*at != s)
		at = &(*at)->bucket_next;
	*at = s->bucket_next;
	node_unlink(&s->idle);
	node_unlink(&s->mine);
	node_unlink(&s->waiting);
	s->share->connections--;
	s->table->stats.connections--;
}

static void to_front(struct node *head, struct node *n)
{
	if (head->next == n)
		return;
	node_unlink(n);
	node_link(head, n);
}

/* The most recent one now. */
static void stream_touch(struct stream *s)
{
	to_front(&s->table->idle, &s->idle);
	to_front(&s->share->idle, &s->mine);
}

static void stream_watch(struct stream *s)
{
	bool waits = s->nr_held || s->closing || s->reached_at;

	if (!waits && s->waiting.next == &s->waiting)
		return;
	node_unlink(&s->waiting);
	if (waits)
		node_link(&s->table->waiting, &s->waiting);
}

/* What the kernel moved past the last position that was delivered. */
static void tail_lose(struct stream *s, enum dir dir, uint64_t to, struct stamp at)
{
	struct sequence *q = &s->lanes[dir].kernel;
	uint64_t from = q->next;

	if (to <= from)
		return;
	q->next = to;
	stream_lose(s, q, to - from, sequence_cause(q, s->before[dir] ? s->before[dir] : LOSS_MISSING), 0, at);
}

/* Plaintext that the probes saw and no chunk told of; not what was never sent. */
static void plain_lose(struct stream *s, enum dir dir, struct stamp at)
{
	struct sequence *q = &s->lanes[dir].plain;
	uint64_t from = q->next, n = s->plain_end.pos[dir] > from ? s->plain_end.pos[dir] - from : 0;
	int64_t room = cipher_room(s, dir);

	if (!n || room <= 0)
		return;
	n = n < (uint64_t)room ? n : (uint64_t)room;
	q->next += n;
	stream_lose(s, q, n, sequence_cause(q, s->plain_end.before[dir] ? s->plain_end.before[dir] : LOSS_MISSING), 0, at);
}

/* Delivers what is held, tells what is missing, ends the session and forgets. */
static void stream_finish(struct stream *s, enum loss cause, struct stamp at)
{
	s->ending = true;
	bind_gone(s);
	for (int d = 0; d < 2; d++)
		sequence_drain(s, &s->lanes[d].kernel, cause, at);
	for (int d = 0; d < 2; d++)
		sequence_drain(s, &s->lanes[d].plain, cause, at);
	for (int d = 0; s->closing && d < 2; d++)
		tail_lose(s, d, s->final[d], at);
	for (int d = 0; s->layer == LAYER_TLS && s->plain_end.known && d < 2; d++)
		plain_lose(s, d, at);
	for (int d = 0; s->layer == LAYER_TLS && d < 2; d++)
		cipher_close(s, d);
	stream_end(s, at, s->closing);
	trace_leave(s->table, s, s->closing);
	stream_unlink(s);
	s->table->telling = NULL;
	budget_free(s, sizeof(*s));
}

/* Of a connection that goes on, perhaps: what was on its way does not come any more. */
static void stream_leave(struct stream *s, enum loss cause, struct stamp at)
{
	s->partly |= !s->closing;
	stream_finish(s, cause, at);
}

void stream_table_free(struct stream_table *t)
{
	if (!t)
		return;
	bind_end(t);
	unheard_tick(t, true);
	while (t->idle.next != &t->idle) {
		struct stream *s = STREAM_OF(t->idle.prev, idle);

		stream_leave(s, LOSS_RESTART, (struct stamp){ t->now, t->epoch });
	}
	bind_free(t);
	free(t->buckets);
	free(t->traces);
	free(t);
}

/* ---- the end of a connection ---- */

/* Positions and totals are of the same bytes, counted by the kernel in two ways. */
static void closing_begin(struct stream *s, const uint64_t pos[2], const uint64_t total[2], uint64_t time)
{
	for (int d = 0; d < 2; d++) {
		s->final[d] = pos[d];
		if (total[d] > pos[d])
			s->final[d] = total[d];
		if (s->final[d] > POSITION_MAX)
			s->final[d] = 0; /* no position at all */
	}
	s->closing = true;
	s->closed_at = time < s->table->now + CLOSE_AHEAD ? time : s->table->now;
}

/* Plaintext that the probes saw is on its way, or known to be missing. */
static bool plain_waits(const struct stream *s, int d)
{
	return s->plain_end.known && !s->plain_end.before[d] && s->lanes[d].plain.next < s->plain_end.pos[d];
}

static bool closing_done(struct stream *s)
{
	if (s->nr_held || bind_waits(s))
		return false;
	for (int d = 0; d < 2; d++)
		if (s->lanes[d].kernel.next < s->final[d] || (s->layer == LAYER_TLS && (cipher_waits(s, d) || plain_waits(s, d))))
			return false;
	return true;
}

/* It was to be here by now: what is missing is lost. What is held goes first, by its own time. */
static void reached_end(struct stream *s, struct stamp at)
{
	s->reached_at = 0;
	for (int d = 0; d < 2; d++)
		if (!s->lanes[d].kernel.head)
			tail_lose(s, d, s->reached[d], at);
}

/* Has it come where it was said to be? If not, is it overdue? */
static void reached_check(struct stream *s, struct stamp at)
{
	uint64_t now = s->table->now;

	if (s->reached_at > now + CLOSE_AHEAD)
		s->reached_at = now;
	if (now < s->reached_at || now - s->reached_at < s->table->limits.reorder_ns)
		if (s->lanes[0].kernel.next < s->reached[0] || s->lanes[1].kernel.next < s->reached[1])
			return;
	reached_end(s, at);
}

/* Ends it if it is at its end, else keeps it where stream_tick looks. */
void stream_check(struct stream *s, struct stamp at)
{
	uint64_t now = s->table->now;

	if (s->ending)
		return;
	if (s->closed_at > now + CLOSE_AHEAD)
		s->closed_at = now; /* the clock was set back by a tick */
	if (s->reached_at)
		reached_check(s, at);
	if (s->closing && (closing_done(s) || (now >= s->closed_at && now - s->closed_at >= s->table->limits.reorder_ns)))
		stream_finish(s, LOSS_MISSING, at);
	else
		stream_watch(s);
}

void stream_reach(struct stream_table *t, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, struct stamp at)
{
	struct stream *s = stream_by_id(t, conn);

	if (!s || s->closing || sent_pos > POSITION_MAX || received_pos > POSITION_MAX)
		return;
	s->reached[DIR_SENT] = sent_pos;
	s->reached[DIR_RECEIVED] = received_pos;
	s->reached_at = at.time ? at.time : 1;
	stream_check(s, at);
}

void stream_plain(struct stream_table *t, uint64_t conn, const struct plain_end *end)
{
	struct stream *s = stream_by_id(t, conn);

	if (end->pos[0] > POSITION_MAX || end->pos[1] > POSITION_MAX)
		return;
	if (s)
		s->plain_end = *end;
	else if (!trace_plain(t, conn, end)) {
		t->plain.conn = conn;
		t->plain.end = *end;
	}
}

void stream_untold(struct stream_table *t, uint64_t conn, const enum loss before[2])
{
	struct stream *s = stream_by_id(t, conn);

	for (int d = 0; s && d < 2; d++)
		s->before[d] = (uint8_t)before[d];
}

/* ---- chunks ---- */

static struct stream *stream_new(struct stream_table *t, const struct conn_facts *conn, enum tls_state tls, const struct trace *tr)
{
	struct stream *s = budget_alloc(sizeof(*s)), **bucket = bucket_of(t, conn->id);

	if (!s)
		return NULL;
	s->table = t;
	s->conn = *conn;
	s->conn.tls = tls;
	for (int d = 0; d < 2; d++) {
		s->lanes[d].kernel.dir = s->lanes[d].plain.dir = (enum dir)d;
		s->lanes[d].plain.plain = true;
	}
	if (!tr)
		mark_resume(s);
	if (tr && tr->state == TRACE_EVICTED)
		trace_resume(s, tr);
	if (tr && tr->state == TRACE_CLOSING) {
		closing_begin(s, tr->pos, tr->other, tr->time);
		s->plain_end = tr->plain_end;
	}
	s->bucket_next = *bucket;
	*bucket = s;
	node_init(&s->waiting);
	node_init(&s->idle);
	node_init(&s->mine);
	s->share = &t->shares[conn->cgroup * 0x9e3779b97f4a7c15 >> 32 & (SHARES - 1)];
	stream_touch(s);
	s->share->connections++;
	t->stats.connections++;
	return s;
}

/* Of the workload that has most of them: one that opens a thousand does not push out the few of another. */
static void stream_evict(struct stream_table *t, struct stamp at)
{
	struct share *fullest = &t->shares[0];

	for (unsigned i = 1; i < SHARES; i++)
		if (t->shares[i].connections > fullest->connections)
			fullest = &t->shares[i];
	t->stats.evicted++;
	stream_finish(STREAM_OF(fullest->idle.prev, mine), LOSS_EVICTED, at);
}

/* Before a chunk is taken there must be room for all that it may make grow: what has
 * rested longest goes, of the workload with most connections. A single connection can hold no more than its parser's limits. */
static void room_make(struct stream_table *t, struct stamp at)
{
	size_t max = budget_max(), room = max / ROOM_SHARE;

	while (max && budget_used() > max - room && t->idle.next != &t->idle)
		stream_evict(t, at);
}

/* Of one that ended while the process before this one had it: what died with that one may be all that was left of it. */
static struct stream *stream_recall(struct stream_table *t, uint64_t conn, const uint64_t final[2], struct stamp at)
{
	const struct conn_facts *who = mark_unfinished(t, conn, final);

	if (!who)
		return NULL;
	room_make(t, at);
	if (t->stats.connections >= t->limits.connections)
		stream_evict(t, at);
	return stream_new(t, who, (enum tls_state)who->tls, NULL);
}

void stream_close(struct stream_table *t, uint64_t conn, uint64_t sent_pos, uint64_t received_pos,
		  uint64_t sent, uint64_t received, struct stamp at)
{
	const uint64_t pos[2] = { [DIR_RECEIVED] = received_pos, [DIR_SENT] = sent_pos };
	const uint64_t total[2] = { [DIR_RECEIVED] = received, [DIR_SENT] = sent };
	struct stream *s = stream_by_id(t, conn);
	struct trace tr;

	/* A close comes by another way than the chunks and may be far ahead of them: it is no
	 * clock for what waits for a chunk. */
	if (at.epoch > t->epoch)
		t->epoch = at.epoch;
	if (!s && trace_get(t, conn, &tr) == TRACE_NONE)
		s = stream_recall(t, conn, pos, at);
	if (s && t->plain.conn == conn)
		s->plain_end = t->plain.end;
	if (!s) {
		trace_close(t, conn, pos, total, at.time);
		if (t->plain.conn == conn)
			trace_plain(t, conn, &t->plain.end);
		return;
	}
	if (!s->closing)
		closing_begin(s, pos, total, at.time);
	stream_check(s, at);
}

void stream_missed(struct stream_table *t, const struct conn_facts *conn, const enum loss before[2])
{
	struct stamp at = { t->now, t->epoch };
	struct stream *s;
	struct trace tr;

	if (stream_by_id(t, conn->id) || trace_get(t, conn->id, &tr) != TRACE_CLOSING)
		return;
	room_make(t, at);
	if (t->stats.connections >= t->limits.connections)
		stream_evict(t, at);
	s = stream_new(t, conn, TLS_UNKNOWN, &tr);
	if (!s) {
		t->stats.evicted++;
		return;
	}
	stream_untold(t, conn->id, before);
	if (!s->session)
		stream_open(s);
	stream_finish(s, LOSS_MISSING, at);
}

/* The connection of the chunk, made if it is new. NULL: none can be, or it is over. */
static struct stream *stream_get(struct stream_table *t, const struct chunk *ch, int *err)
{
	struct stream *s = stream_by_id(t, ch->conn.id);
	enum trace_state state;
	struct trace tr;

	*err = 0;
	if (s)
		return s;
	state = trace_get(t, ch->conn.id, &tr);
	if (state == TRACE_CLOSED)
		return NULL; /* what it carries was counted as missing at the close */
	if (t->stats.connections >= t->limits.connections)
		stream_evict(t, ch->at);
	s = stream_new(t, &ch->conn, ch->layer == LAYER_SOCKET ? TLS_UNKNOWN : TLS_PRESENT, state == TRACE_NONE ? NULL : &tr);
	if (!s)
		*err = -ENOMEM;
	return s;
}

/* Not: positions that no stream reaches, lengths that no call moves, no connection, and
 * what only a socket moves without one. */
static bool chunk_is_sane(const struct chunk *ch)
{
	return ch->conn.id && (ch->layer == LAYER_TLS || !(ch->conn.id & UNBOUND)) && (unsigned)ch->dir <= DIR_SENT &&
	       ch->layer >= LAYER_SOCKET && ch->layer <= LAYER_HELLO &&
	       ch->pos <= POSITION_MAX && ch->bytes.len <= CALL_MAX && ch->skipped <= CALL_MAX &&
	       ch->moved <= CALL_MAX && (ch->layer != LAYER_CIPHER || (uint64_t)ch->framing + ch->plain + ch->skipped <= ch->moved);
}

int stream_take(struct stream_table *t, const struct chunk *ch)
{
	const struct part part = { .pos = ch->pos, .moved = ch->moved, .skipped = ch->skipped, .at = ch->at,
				   .layer = ch->layer, .cause = ch->cause, .before = ch->before, .probed = ch->probed,
				   .ahead = ch->ahead, .known = ch->known, .framing = ch->framing, .plain = ch->plain, .bytes = ch->bytes };
	struct sequence *q;
	struct stream *s;
	int err;

	s = stream_get(t, ch, &err);
	if (!s)
		return err;
	s->active = t->now;
	stream_touch(s);
	stream_learn(s, ch);
	s->partly |= ch->partly;
	if (!s->session)
		stream_open(s);
	if (ch->layer == LAYER_TLS || ch->layer == LAYER_HELLO)
		stream_enter_tls(s, ch->at);
	if (ch->layer == LAYER_HELLO) {
		relay_look(s, ch);
		if (s->session && t->sink.hello)
			t->sink.hello(s->session, ch->dir, ch->pos, ch->bytes);
		return 0;
	}
	if (ch->layer == LAYER_CIPHER && s->bound < BOUND_PROBED)
		bind_cipher(s, ch);
	else if (ch->layer == LAYER_TLS && ch->conn.binding == BINDING_EXACT && s->bound != BOUND_EXACT)
		bind_exact(s, ch);
	q = ch->layer == LAYER_TLS ? &s->lanes[ch->dir].plain : &s->lanes[ch->dir].kernel;
	err = sequence_push(s, q, &part);
	sequence_expire(s, q, ch->at);
	stream_check(s, ch->at);
	return err;
}

int stream_push(struct stream_table *t, const struct chunk *ch)
{
	int err = -ENOSPC;

	if (chunk_is_sane(ch)) {
		stamp_take(t, ch->at);
		room_make(t, ch->at);
		err = ch->layer == LAYER_TLS && ch->conn.id & UNBOUND ? bind_plain(t, ch) : stream_take(t, ch);
		bind_ripe(t);
	}
	if (err)
		t->stats.over_budget++;
	return err;
}

/* ---- sessions that are bound later than they speak ---- */

void stream_bound(struct stream *s, enum binding binding)
{
	if (binding <= s->conn.binding)
		return;
	s->conn.binding = (uint8_t)binding;
	if (s->session)
		s->table->sink.update(s->session, &s->conn);
}

void stream_relabel(struct stream_table *t, const struct conn_facts *conn)
{
	struct stream *s = stream_by_id(t, conn->id);

	if (!s || !memcmp(&s->conn, conn, sizeof(*conn)))
		return;
	s->conn = *conn;
	if (s->session)
		t->sink.update(s->session, &s->conn);
}

static void account_adopt(struct stream *s, const struct stream *p)
{
	s->no_plaintext |= p->no_plaintext;
	for (int d = 0; d < 2; d++) {
		struct byte_account more = p->account[d];

		more.moved = more.framing = 0;	/* the one is the kernel's to count, the other was not known */
		byte_account_add(&s->account[d], &more);
		if (p->lanes[d].plain.started) {
			s->lanes[d].plain.next = p->lanes[d].plain.next;
			s->lanes[d].plain.started = true;
		}
		cipher_adopt(s, (enum dir)d, &p->lanes[d].cipher);
	}
}

uint64_t stream_plain_next(const struct stream_table *t, uint64_t id, enum dir dir)
{
	const struct stream *s = stream_by_id(t, id);

	return s ? s->lanes[dir].plain.next : 0;
}

void stream_adopt(struct stream *s, uint64_t from)
{
	struct stream_table *t = s->table;
	struct stream *p = stream_by_id(t, from);
	struct stamp at = { t->now, t->epoch };

	if (!p)
		return;
	for (int d = 0; d < 2; d++)
		sequence_drain(p, &p->lanes[d].plain, LOSS_MISSING, at);
	stream_enter_tls(s, at);
	if (!p->session || !s->session || s->lanes[0].plain.started || s->lanes[1].plain.started) {
		stream_finish(p, LOSS_MISSING, at);	/* two accounts, then */
		return;
	}
	account_adopt(s, p);
	s->session = t->sink.adopt(s->session, p->session);
	stream_unlink(p);
	if (t->telling == p)
		t->telling = NULL;
	budget_free(p, sizeof(*p));
}

/* ---- time ---- */

static void stream_expire(struct stream *s, struct stamp now)
{
	for (int d = 0; d < 2; d++) {
		sequence_expire(s, &s->lanes[d].kernel, now);
		sequence_expire(s, &s->lanes[d].plain, now);
	}
	stream_check(s, now);
}

void stream_tick(struct stream_table *t, struct stamp now)
{
	struct node round = t->waiting, *n;

	t->now = now.time;
	t->epoch = now.epoch;
	/* Taken off whole: each connection goes back if it still waits, or ends. */
	if (t->waiting.next == &t->waiting)
		node_init(&round);
	round.next->prev = round.prev->next = &round;
	node_init(&t->waiting);
	while ((n = round.next) != &round)
		stream_expire(STREAM_OF(n, waiting), now);
	bind_tick(t);
	bind_ripe(t);
	unheard_tick(t, false);
	while ((n = t->idle.prev) != &t->idle) {
		struct stream *s = STREAM_OF(n, idle);

		if (s->active > now.time)
			s->active = now.time;
		if (now.time - s->active < t->limits.idle_ns)
			break;
		stream_leave(s, LOSS_MISSING, now);
	}
}

void stream_interval(struct stream_table *t, struct stamp now)
{
	for (struct node *n = t->idle.next; n != &t->idle; n = n->next) {
		struct stream *s = STREAM_OF(n, idle);

		if (s->reached_at)	/* every record of the interval has been here */
			reached_end(s, now);
		/* But for what is about to be known: it is told at the end of the next one. */
		if (!bind_hoped(s))
			stream_flush(s, now, false);
	}
}

/* Of a connection that goes on without weir. */
static void last_flush(struct stream *s, struct stamp now)
{
	s->ending = true;
	for (int d = 0; d < 2; d++)
		sequence_drain(s, &s->lanes[d].kernel, LOSS_MISSING, now);
	for (int d = 0; d < 2; d++)
		sequence_drain(s, &s->lanes[d].plain, LOSS_MISSING, now);
	if (s->reached_at)
		reached_end(s, now);
	s->ending = false;
	stream_flush(s, now, false);
}

void stream_last(struct stream_table *t, struct stamp now)
{
	struct node *n, *next;

	t->epoch = now.epoch;	/* of another nobody would hear */
	bind_end(t);
	unheard_tick(t, true);
	for (n = t->idle.next; n != &t->idle; n = next) {
		struct stream *s = STREAM_OF(n, idle);

		next = n->next;
		if (s->closing)
			stream_finish(s, LOSS_MISSING, now);
		else
			last_flush(s, now);
	}
}

bool stream_place(const struct stream_table *t, struct place *out)
{
	const struct stream *s = t->telling;

	if (!s || s->conn.id & UNBOUND || (s->layer != LAYER_SOCKET && s->bound != BOUND_EXACT))
		return false;
	*out = (struct place){ s->conn.id, t->place, (enum layer)s->layer };
	return t->place < POSITION_MAX;
}

void stream_stats(const struct stream_table *t, struct stream_stats *out)
{
	*out = t->stats;
}
