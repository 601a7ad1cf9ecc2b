/* SPDX-License-Identifier: Apache-2.0 */
/* bind.c - which connection a TLS session belongs to, where no socket call inside a call of
 * the library says so: programs that feed the library from memory (Node.js, asyncio, .NET)
 * read and write the socket before and after.
 *
 * A record on the wire is the plaintext and a fixed overhead. So the sizes of a session's
 * calls are held against the records of those connections of its process that nobody is
 * bound to. What is received passes the socket first, and a call takes it out of a record of
 * that size (or several calls do, when the buffer is small); what is sent is a call first,
 * then records. Each agreement that no other connection or session of the process could have
 * is a match of the two. Where several could (equal sizes at once) it is shared: they are
 * taken for each other in order of time, and that is a guess, until one differs.
 *
 *	one match, or shared ones alone, and more than with any other	weak: a label, no more
 *	two matches or more, and more than with any other		strong: the session joins the connection
 *	the library's own nested call					exact: joins, whatever was thought before
 *
 * Until then plaintext is held for a moment. When that is over it is told as the session's
 * own connection (UNBOUND), labelled with the weak one if there is one; if the session joins
 * later, what was told moves over with the state of its parser (stream_adopt). When a
 * connection ends, what was weak is the best that will ever be known, and joins as weak.
 *
 * Only sessions without a socket and connections without a session cost anything here. */
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "stream/bind.h"

#define BUCKETS		4096
#define SESSIONS_MAX	32768	/* remembered; the one quiet longest is forgotten */
#define HOLD_NS		1000000000ull
#define HOLD_SESSION	((size_t)64 << 10)
#define HOLD_TOTAL	((size_t)8 << 20)
#define HOLD_TIMES	8	/* a session that was held so often in vain is not held again */

struct held {
	struct held *next;
	uint64_t since;
	struct chunk chunk;
	uint8_t bytes[];
};

struct bind_table {
	struct bind_process *processes[BUCKETS];
	struct tls_session *sessions[BUCKETS];
	struct node idle, holding, ripe;
	size_t nr, held;
};

int bind_init(struct stream_table *t)
{
	struct bind_table *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	node_init(&b->idle);
	node_init(&b->holding);
	node_init(&b->ripe);
	t->bind = b;
	return 0;
}

/* ---- processes ---- */

static bool same_process(struct process_key a, struct process_key b)
{
	return a.tgid == b.tgid && a.start == b.start;
}

static struct bind_process **process_bucket(struct bind_table *b, struct process_key key)
{
	return &b->processes[(key.tgid * 2654435761u ^ (uint32_t)(key.start >> 10)) % BUCKETS];
}

static struct bind_process *process_get(struct bind_table *b, struct process_key key)
{
	struct bind_process **bucket = process_bucket(b, key), *p = *bucket;

	while (p && !same_process(p->key, key))
		p = p->next;
	if (p)
		return p;
	p = budget_alloc(sizeof(*p));
	if (!p)
		return NULL;
	p->key = key;
	node_init(&p->candidates);
	node_init(&p->sessions);
	p->next = *bucket;
	*bucket = p;
	return p;
}

static void process_put(struct bind_table *b, struct bind_process *p)
{
	struct bind_process **at = process_bucket(b, p->key);

	if (p->candidates.next != &p->candidates || p->sessions.next != &p->sessions)
		return;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	budget_free(p, sizeof(*p));
}

/* ---- candidates ---- */

/* After its hopes have changed. */
static void session_judge(struct stream_table *t, struct tls_session *u)
{
	const struct hope *h = hope_best(u);

	node_unlink(&u->ripe);
	if (h && hope_is_strong(u, h))
		node_link(&t->bind->ripe, &u->ripe);
}

/* Nobody may belong to it any more. */
static void candidate_forget(struct stream_table *t, struct candidate *c)
{
	struct node *list = &c->process->sessions;

	for (struct node *n = list->next; c->hopes && n != list; n = n->next) {
		struct tls_session *u = OF(n, struct tls_session, node);
		struct hope *h = hope_find(u, c);

		if (!h)
			continue;
		*h = u->hopes[--u->nr_hopes];
		c->hopes--;
		session_judge(t, u);
	}
}

static void candidate_drop(struct stream *s)
{
	struct candidate *c = s->candidate;

	if (!c)
		return;
	candidate_forget(s->table, c);
	node_unlink(&c->node);
	process_put(s->table->bind, c->process);
	s->candidate = NULL;
	budget_free(c, sizeof(*c));
}

static void candidate_add(struct stream *s, struct process_key owner)
{
	struct bind_process *p = process_get(s->table->bind, owner);
	struct candidate *c = p ? budget_alloc(sizeof(*c)) : NULL;

	if (!c) {
		if (p)
			process_put(s->table->bind, p);
		return;
	}
	node_init(&c->node);
	c->process = p;
	c->stream = s;
	c->active = s->table->now;
	c->taken = c->given = s->lanes[DIR_RECEIVED].cipher.records;
	node_link(&p->candidates, &c->node);
	s->candidate = c;
}

/* ---- sessions ---- */

static struct tls_session **session_bucket(const struct stream_table *t, uint64_t id)
{
	return &t->bind->sessions[siphash(&t->key, &id, sizeof(id)) % BUCKETS];
}

static struct tls_session *session_find(const struct stream_table *t, uint64_t id)
{
	struct tls_session *u = *session_bucket(t, id);

	while (u && u->id != id)
		u = u->bucket_next;
	return u;
}

/* Takes it out of the search for its connection. */
static void session_settle(struct bind_table *b, struct tls_session *u)
{
	struct bind_process *p = u->process;

	for (unsigned i = 0; i < u->nr_hopes; i++)
		u->hopes[i].to->hopes--;
	u->nr_hopes = 0;
	node_unlink(&u->ripe);
	node_unlink(&u->node);
	u->process = NULL;
	if (p)
		process_put(b, p);
}

static void session_free(struct stream_table *t, struct tls_session *u)
{
	struct tls_session **at = session_bucket(t, u->id);

	session_settle(t->bind, u);
	if (u->stream)
		u->stream->tls_session = NULL;
	while (*at != u)
		at = &(*at)->bucket_next;
	*at = u->bucket_next;
	node_unlink(&u->idle);
	t->bind->nr--;
	budget_free(u, sizeof(*u));
}

/* ---- plaintext that waits ---- */

static size_t held_size(const struct held *h)
{
	return sizeof(*h) + h->chunk.bytes.len;
}

static bool hold(struct stream_table *t, struct tls_session *u, const struct chunk *ch)
{
	struct bind_table *b = t->bind;
	size_t size = sizeof(struct held) + ch->bytes.len;
	struct held *h;

	if (u->vain >= HOLD_TIMES || size > HOLD_SESSION - u->held || size > HOLD_TOTAL - b->held)
		return false;
	h = budget_room(size);
	if (!h)
		return false;
	h->next = NULL;
	h->since = t->now;
	h->chunk = *ch;
	h->chunk.bytes.ptr = h->bytes;
	if (ch->bytes.len)
		memcpy(h->bytes, ch->bytes.ptr, ch->bytes.len);
	*u->tail = h;
	u->tail = &h->next;
	u->held += size;
	b->held += size;
	t->stats.waiting += ch->bytes.len;
	if (u->holding.next == &u->holding)
		node_link(b->holding.prev, &u->holding);	/* the oldest is first */
	return true;
}

/* On its way: to the connection it is bound to, or to its own, under the best label. */
static int forward(struct stream_table *t, struct tls_session *u, struct chunk *ch)
{
	struct stream *s = u->stream;
	int d = ch->dir;

	if (s) {
		if (!u->placed[d] && (ch->pos < s->lanes[d].plain.next || (u->again && !ch->before)))
			u->origin[d] = ch->pos - s->lanes[d].plain.next;	/* a new session on an old connection */
		u->placed[d] = true;
		ch->pos -= u->origin[d];
		ch->conn = s->conn;
		ch->ahead = d == DIR_SENT && s->bound == BOUND_GUESSED && !u->busy;
	} else {
		const struct hope *h = hope_best(u);

		ch->conn.id = u->conn;
		if (h) {
			const struct conn_facts *c = &h->to->stream->conn;

			ch->conn.local = c->local;
			ch->conn.remote = c->remote;
			ch->conn.family = c->family;
			ch->conn.netns = c->netns;
			ch->conn.role = c->role;
			ch->conn.binding = BINDING_WEAK;
		}
		stream_relabel(t, &ch->conn);
	}
	return stream_take(t, ch);
}

/* All that waits, in order. */
static void release(struct stream_table *t, struct tls_session *u)
{
	struct held *h;
	bool busy = u->busy;

	u->busy = true;
	node_unlink(&u->holding);
	while ((h = u->head)) {
		size_t size = held_size(h);

		u->head = h->next;
		if (!u->head)
			u->tail = &u->head;
		u->held -= size;
		t->bind->held -= size;
		t->stats.waiting -= h->chunk.bytes.len;
		if (forward(t, u, &h->chunk))
			t->stats.over_budget++;
		explicit_bzero(h, size);
		budget_free(h, size);
	}
	u->busy = busy;
}

/* What it holds is told first; what is telling it goes on with it. */
static void session_end(struct stream_table *t, struct tls_session *u)
{
	if (u->busy) {
		session_settle(t->bind, u);
		if (u->stream)
			u->stream->tls_session = NULL;
		u->stream = NULL;
		return;
	}
	release(t, u);
	session_free(t, u);
}

static struct tls_session *session_get(struct stream_table *t, const struct chunk *ch)
{
	struct bind_table *b = t->bind;
	struct tls_session *u = session_find(t, ch->session), **bucket = session_bucket(t, ch->session);

	if (u && u->generation == ch->generation && (u->stream || u->process))
		return u;
	if (u) {
		/* Its connection is gone, or the object was freed or cleared and is another session's now. */
		struct stream *s = u->stream;

		session_end(t, u);
		if (s) {
			s->bound = BOUND_NOT;
			candidate_add(s, ch->conn.process);
		}
	}
	if (b->nr >= SESSIONS_MAX)
		session_end(t, OF(b->idle.prev, struct tls_session, idle));
	u = budget_alloc(sizeof(*u));
	if (!u)
		return NULL;
	u->process = process_get(b, ch->conn.process);
	if (!u->process) {
		budget_free(u, sizeof(*u));
		return NULL;
	}
	u->id = ch->session;
	u->generation = ch->generation;
	u->conn = ch->conn.id;
	u->owner = ch->conn.process;
	u->late = ch->pos > 0;
	u->again = u->late && !ch->before && !ch->conn.late;
	u->tail = &u->head;
	node_init(&u->idle);
	node_init(&u->holding);
	node_init(&u->ripe);
	node_init(&u->node);
	node_link(&u->process->sessions, &u->node);
	u->bucket_next = *bucket;
	*bucket = u;
	b->nr++;
	return u;
}

void bind_record(struct stream *s, enum dir dir, uint32_t body)
{
	struct tls_session *u = match_record(s->candidate, dir, body);

	if (u)
		session_judge(s->table, u);
}

/* ---- joining ---- */

/* What came before the first plaintext, as far as it is known. */
static void split(const struct tls_session *u, struct stream *s, const struct hope *h)
{
	for (int d = 0; d < 2; d++) {
		const struct cipher *k = &s->lanes[d].cipher;
		uint32_t first;

		if (h)
			cipher_overhead(s, (enum dir)d, h->overhead[d] ? h->overhead[d] : h->overhead[!d]);
		if (!match_first(u, s, h, (enum dir)d, &first))
			continue;
		if (d == DIR_SENT && first == k->records)
			cipher_ahead(s, (enum dir)d, u->recent[0].size);
		else
			cipher_split(s, (enum dir)d, first, first < k->records ? s->candidate->recent[d][first % RECENT].before : k->bodies);
	}
}

static void join(struct tls_session *u, struct stream *s, enum binding binding)
{
	struct stream_table *t = s->table;
	const struct hope *h = hope_find(u, s->candidate);
	bool ending = s->ending;

	s->ending = true;	/* not now: by who called */
	if (s->candidate && binding != BINDING_EXACT)
		split(u, s, h);
	session_settle(t->bind, u);
	candidate_drop(s);
	s->bound = binding == BINDING_EXACT ? BOUND_EXACT : BOUND_GUESSED;
	s->tls_session = u;
	u->stream = s;
	stream_bound(s, binding);
	stream_adopt(s, u->conn);
	release(t, u);
	s->ending = ending;
}

void bind_ripe(struct stream_table *t)
{
	struct bind_table *b = t->bind;

	while (b->ripe.next != &b->ripe) {
		struct tls_session *u = OF(b->ripe.next, struct tls_session, ripe);
		struct hope *h = hope_best(u);
		struct stream *s = h ? h->to->stream : NULL;

		node_unlink(&u->ripe);
		if (!s)
			continue;
		t->stats.strong++;
		join(u, s, BINDING_STRONG);
		stream_check(s, (struct stamp){ t->now, t->epoch });
	}
}

/* Is there a connection without a session whose records may hold n bytes that were received? */
static bool is_hoped_for(const struct stream_table *t, const struct bind_process *p, uint64_t n)
{
	for (const struct node *at = p->candidates.next; at != &p->candidates; at = at->next) {
		const struct candidate *c = OF(at, const struct candidate, node);
		const struct cipher *k = &c->stream->lanes[DIR_RECEIVED].cipher;

		if (c->active + STALE_NS < t->now)
			break;
		if (k->records && c->recent[DIR_RECEIVED][(k->records - 1) % RECENT].body > n)
			return true;
	}
	return false;
}

/* What frees a session may have no probe, and the next has its address. It is found out when it
 * receives what no record of its connection can have held, which have all passed before. */
static bool is_anothers(struct stream_table *t, const struct tls_session *u, const struct chunk *ch, uint64_t n)
{
	const struct lane *lane = u->stream ? &u->stream->lanes[DIR_RECEIVED] : NULL;
	struct bind_process *p;
	bool found;

	if (!lane || ch->dir != DIR_RECEIVED || u->busy || u->stream->bound != BOUND_GUESSED || u->stream->conn.late ||
	    !lane->cipher.data || lane->kernel.head || lane->plain.head || cipher_room(u->stream, DIR_RECEIVED) >= (int64_t)n)
		return false;
	p = process_get(t->bind, ch->conn.process);
	found = p && is_hoped_for(t, p, n);
	if (p)
		process_put(t->bind, p);
	return found;
}

int bind_plain(struct stream_table *t, const struct chunk *in)
{
	struct tls_session *u = session_get(t, in);
	uint64_t n = in->bytes.len + in->skipped;
	struct chunk ch = *in;
	bool holds;

	if (u && is_anothers(t, u, in, n)) {
		session_end(t, u);
		u = session_get(t, in);
	}
	ch.conn.binding = BINDING_NONE;	/* whatever it says: it names no connection */
	if (!u)
		return stream_take(t, &ch);
	node_unlink(&u->idle);
	node_link(&t->bind->idle, &u->idle);
	if (u->stream)
		return forward(t, u, &ch);
	node_unlink(&u->node);
	node_link(&u->process->sessions, &u->node);
	if (in->dir == DIR_SENT)
		match_sent(t, u, n);
	else if (n)
		match_received(t, u, n);
	ch.conn.late = u->late;
	holds = hold(t, u, &ch);
	session_judge(t, u);
	if (holds)
		return 0;
	u->busy = true;	/* it stays, whatever ends now */
	bind_ripe(t);
	release(t, u);
	u->busy = false;
	return forward(t, u, &ch);
}

/* Is what the session moved without a socket of this connection's bytes? Not what it moved before
 * weir looked at the connection, nor what another session at the same address did. */
static bool is_of(struct stream_table *t, const struct tls_session *u, const struct stream *s, const struct chunk *ch)
{
	if (s->conn.late || stream_plain_next(t, u->conn, ch->dir) > ch->pos)
		return false;
	for (const struct held *h = u->head; h; h = h->next)
		if (h->chunk.dir == ch->dir && h->chunk.pos >= ch->pos)
			return false;
	return true;
}

void bind_exact(struct stream *s, const struct chunk *ch)
{
	struct stream_table *t = s->table;
	struct tls_session *u = session_find(t, ch->session);

	if (s->tls_session && s->tls_session != u) {	/* it was taken for another's */
		t->stats.rebound++;
		session_free(t, s->tls_session);
	}
	s->bound = BOUND_EXACT;
	if (u && u->generation == ch->generation) {
		t->stats.rebound += u->stream && u->stream != s;
		if (!u->stream && is_of(t, u, s, ch))
			join(u, s, BINDING_EXACT);
		session_end(t, u);
	}
	candidate_drop(s);
}

void bind_relayed(struct stream *s)
{
	s->relayed = true;
	candidate_drop(s);
}

void bind_cipher(struct stream *s, const struct chunk *ch)
{
	struct process_key owner = ch->conn.process;

	if (s->relayed)
		return;
	if (s->bound == BOUND_GUESSED) {
		if (!ch->conn.process.tgid || !s->tls_session || same_process(s->tls_session->owner, owner))
			return;
		/* Inherited by a fork or passed on: the session that goes on with it is another's. */
		session_end(s->table, s->tls_session);
		s->bound = BOUND_NOT;
	}
	if (ch->probed) {
		s->bound = BOUND_PROBED;
		candidate_drop(s);
		return;
	}
	if (s->candidate && !same_process(s->candidate->process->key, owner))
		candidate_drop(s);
	if (!s->candidate)
		candidate_add(s, owner);
	if (!s->candidate)
		return;
	s->candidate->calls++;
	s->candidate->active = s->table->now;
	node_unlink(&s->candidate->node);
	node_link(&s->candidate->process->candidates, &s->candidate->node);
}

/* ---- the end ---- */

bool bind_waits(const struct stream *s)
{
	return s->candidate && (s->lanes[0].cipher.records || s->lanes[1].cipher.records);
}

/* A session may be found already, or it is in the middle of its handshake. */
bool bind_hoped(const struct stream *s)
{
	const struct candidate *c = s->candidate;

	return c && (c->hopes || (s->table->now - c->active < HOLD_NS && s->lanes[0].cipher.records <= SHAKE_RECORDS &&
				  s->lanes[1].cipher.records <= SHAKE_RECORDS));
}

/* Of the sessions that have no better connection, the one that most speaks for. */
static struct tls_session *last_hope(const struct candidate *c)
{
	struct node *list = &c->process->sessions;
	struct tls_session *best = NULL;
	uint64_t score = 0;

	for (struct node *n = list->prev; c->hopes && n != list; n = n->prev) {
		struct tls_session *u = OF(n, struct tls_session, node);
		const struct hope *h = hope_find(u, c);
		bool better = u->busy;

		for (unsigned i = 0; h && i < u->nr_hopes; i++)
			better |= hope_score(&u->hopes[i]) > hope_score(h);
		if (h && !better && hope_score(h) > score) {
			best = u;
			score = hope_score(h);
		}
	}
	return best;
}

void bind_gone(struct stream *s)
{
	struct stream_table *t = s->table;
	struct tls_session *u = s->candidate ? last_hope(s->candidate) : NULL;

	if (u) {
		t->stats.weak++;
		join(u, s, BINDING_WEAK);
	}
	candidate_drop(s);
	if (s->tls_session)
		session_end(t, s->tls_session);
}

void bind_tick(struct stream_table *t)
{
	struct bind_table *b = t->bind;
	struct node *n;

	while ((n = b->holding.next) != &b->holding) {
		struct tls_session *u = OF(n, struct tls_session, holding);

		if (u->head->since > t->now)
			u->head->since = t->now;	/* the clock was set back by a tick */
		if (t->now - u->head->since < HOLD_NS)
			break;
		u->vain++;
		release(t, u);
	}
}

/* Before the streams end: what waits goes where it most likely belongs. */
void bind_end(struct stream_table *t)
{
	struct bind_table *b = t->bind;

	while (b && b->idle.next != &b->idle) {
		struct tls_session *u = OF(b->idle.prev, struct tls_session, idle);
		struct hope *h = hope_best(u);

		if (h)
			join(u, h->to->stream, hope_is_strong(u, h) ? BINDING_STRONG : BINDING_WEAK);
		session_end(t, u);
	}
}

void bind_free(struct stream_table *t)
{
	free(t->bind);
	t->bind = NULL;
}
