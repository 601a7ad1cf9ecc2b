/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - which connection a segment belongs to, which end of it serves, and when it is over. */
#include <string.h>
#include <sys/socket.h>

#include "base/budget.h"
#include "capture/packet/private.h"

#define WELL_KNOWN 1024

/* ---- lists, by when something came last ---- */

static void rest_leave(struct connection *c)
{
	struct rest *r = c->rest;

	if (!r)
		return;
	*(c->older ? &c->older->newer : &r->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &r->newest) = c->older;
	c->older = c->newer = NULL;
	c->rest = NULL;
}

static void rest_enter(struct rest *r, struct connection *c, uint64_t now)
{
	rest_leave(c);
	c->active = now;
	c->rest = r;
	c->older = r->newest;
	*(r->newest ? &r->newest->newer : &r->oldest) = c;
	r->newest = c;
}

/* ---- connections ---- */

static int ends_compare(const struct endpoint *a, const struct endpoint *b)
{
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	return order ? order : (int)a->port - (int)b->port;
}

static struct connection **bucket_of(struct packets *t, const struct segment *s)
{
	struct { uint8_t addr[2][16]; uint16_t port[2], family, protocol; } k = { .family = s->family, .protocol = s->protocol };
	bool swap = ends_compare(&s->from, &s->to) > 0;
	const struct endpoint *a = swap ? &s->to : &s->from, *b = swap ? &s->from : &s->to;

	memcpy(k.addr[0], a->addr, 16);
	memcpy(k.addr[1], b->addr, 16);
	k.port[0] = a->port;
	k.port[1] = b->port;
	return &t->buckets[siphash(&t->key, &k, sizeof(k)) % BUCKETS];
}

static bool is_between(const struct connection *c, const struct segment *s, unsigned *side)
{
	if (c->facts.family != s->family || c->facts.transport != (s->protocol == TCP ? TRANSPORT_TCP : TRANSPORT_UDP))
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (!ends_compare(&c->ends[i], &s->from) && !ends_compare(&c->ends[!i], &s->to)) {
			*side = i;
			return true;
		}
	return false;
}

/* Who asks? The one that sends SYN. Where none was captured the server is the one with a
 * well-known port; else, of datagrams, the one that is spoken to first, of a stream the one with
 * the lower port. */
static bool sender_serves(const struct segment *s)
{
	bool from = s->from.port < WELL_KNOWN, to = s->to.port < WELL_KNOWN;

	if (s->protocol == TCP && s->flags & FLAG_SYN)
		return s->flags & FLAG_ACK;
	if (from != to)
		return from;
	return s->protocol == TCP && s->from.port < s->to.port;
}

enum dir side_dir(const struct connection *c, unsigned side)
{
	return side == c->local ? DIR_SENT : DIR_RECEIVED;
}

static void connection_tell(struct packets *t, struct connection *c)
{
	const struct conn_seen seen = { .conn = c->facts, .time = t->now.time, .epoch = t->now.epoch };

	if (!c->told)
		t->sink.conn(t->sink.owner, &seen);
	c->told = true;
}

/* What the capture knows of its end is told; what comes after that was there before. */
static void connection_close(struct packets *t, struct connection *c)
{
	uint64_t pos[2];

	if (c->closed)
		return;
	connection_tell(t, c);
	tcp_finish(t, c);
	payload_finish(t, c);
	for (unsigned i = 0; i < 2; i++)
		pos[side_dir(c, i)] = c->sides[i].next;
	t->sink.close(t->sink.owner, c->facts.id, pos, t->now);
	c->closed = true;
}

static void connection_free(struct packets *t, struct connection *c)
{
	const struct segment s = { .family = c->facts.family, .protocol = c->facts.transport == TRANSPORT_TCP ? TCP : UDP,
				   .from = c->ends[0], .to = c->ends[1] };
	struct connection **at = bucket_of(t, &s);

	connection_close(t, c);
	while (*at != c)
		at = &(*at)->bucket_next;
	*at = c->bucket_next;
	rest_leave(c);
	t->nr_connections--;
	budget_free(c, sizeof(*c));
}

static void rest_sweep(struct packets *t, struct rest *r)
{
	while (r->oldest && t->now.time > r->oldest->active && t->now.time - r->oldest->active > r->ns)
		connection_free(t, r->oldest);
}

static void room_make(struct packets *t)
{
	struct connection *c = t->ended.oldest ? t->ended.oldest : t->datagrams.oldest ? t->datagrams.oldest : t->streams.oldest;

	if (t->nr_connections < CONNECTIONS_MAX || !c)
		return;
	t->stats->evicted += !c->closed;
	connection_free(t, c);
}

static struct connection *connection_new(struct packets *t, const struct segment *s)
{
	struct { uint8_t addr[16]; uint16_t port, family; } name = { .family = s->family };
	struct connection *c, **bucket = bucket_of(t, s);
	unsigned server = !sender_serves(s);

	room_make(t);
	c = budget_alloc(sizeof(*c));
	if (!c)
		return NULL;
	c->ends[0] = s->from;
	c->ends[1] = s->to;
	c->local = t->options.as_client ? !server : server;
	c->facts = (struct conn_facts){
		.id = ++t->last_id, .local = c->ends[c->local], .remote = c->ends[!c->local], .family = s->family,
		.role = t->options.as_client ? ROLE_CLIENT : ROLE_SERVER, .late = s->protocol == TCP && !(s->flags & FLAG_SYN),
		.transport = s->protocol == TCP ? TRANSPORT_TCP : TRANSPORT_UDP,
	};
	/* Of the end that stands for a process. A client's port is another each time. */
	name.port = t->options.as_client ? 0 : c->facts.local.port;
	memcpy(name.addr, c->facts.local.addr, sizeof(name.addr));
	c->facts.process.start = siphash(&t->key, &name, sizeof(name)) >> 8;
	c->bucket_next = *bucket;
	*bucket = c;
	t->nr_connections++;
	t->stats->connections++;
	t->stats->late += c->facts.late;
	return c;
}

static struct connection *connection_find(struct packets *t, const struct segment *s, unsigned *side)
{
	struct connection *c = *bucket_of(t, s);

	while (c && !is_between(c, s, side))
		c = c->bucket_next;
	return c;
}

/* A datagram's connection has no sequence: positions count what was seen. */
static void datagram_take(struct packets *t, struct connection *c, unsigned side, const struct segment *s)
{
	uint64_t pos = c->sides[side].next;

	c->sides[side].next += s->payload.wire;
	payload_take(t, c, side, pos, slice_of(s->payload.ptr, s->payload.len), s->payload.wire - s->payload.len, LOSS_TRUNCATED, s->at);
}

void table_segment(struct packets *t, struct segment *s)
{
	unsigned side = 0;
	struct connection *c;

	rest_sweep(t, &t->ended);
	rest_sweep(t, &t->datagrams);
	rest_sweep(t, &t->streams);
	c = connection_find(t, s, &side);
	if (c && s->protocol == TCP && tcp_is_other(c, side, s)) {
		connection_free(t, c);
		c = NULL;
	}
	if (!c) {
		/* What only acknowledges, or repeats an end, begins nothing. */
		if (!s->payload.wire && !(s->protocol == TCP && s->flags & FLAG_SYN))
			return;
		c = connection_new(t, s);
		side = 0;
	}
	if (!c) {
		t->stats->stray_bytes += s->payload.wire;
		return;
	}
	connection_tell(t, c);
	if (s->protocol == UDP) {
		rest_enter(&t->datagrams, c, t->now.time);
		datagram_take(t, c, side, s);
		return;
	}
	tcp_segment(t, c, side, s);
	rest_enter(c->ended ? &t->ended : &t->streams, c, t->now.time);
	if (tcp_is_done(c))
		connection_close(t, c);
}

void table_end(struct packets *t)
{
	struct rest *all[] = { &t->ended, &t->datagrams, &t->streams };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		while (all[i]->oldest)
			connection_free(t, all[i]->oldest);
}
