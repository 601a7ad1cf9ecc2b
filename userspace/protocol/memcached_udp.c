/* SPDX-License-Identifier: Apache-2.0 */
/* memcached_udp.c - memcached in datagrams: each begins with whose it is, and with its place in what was too long
 * for one.
 *
 *   number of the request 2 | place 2, of 2 | 0 2 | as in a stream
 *
 * A request is one datagram. Its answer bears its number, and comes as one run of datagrams for each value. So
 * the commands of a request are a talk of their own, which goes through what reads a stream; a datagram of a run
 * that did not come is a gap in it. */
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/memcached.h"
#include "protocol/protocol.h"

#define HEAD	8u
#define TALKS	64	/* requests that wait at once; the oldest goes */
#define FULL	1392	/* bytes behind the head of a datagram that others follow: so every server cuts them */

struct talk {
	bool used, broken;	/* broken: what comes is none of what may come */
	uint16_t id, place, of;	/* place: of the datagram that comes next in its run */
	void *state;
	struct buf carry[2];
};

struct mc_datagrams {
	struct conn_facts conn;
	const struct field_sink *sink;
	struct session *session;
	const struct protocol *stream;	/* what reads a talk */
	unsigned newest;
	struct talk talks[TALKS];
};

struct head { uint16_t id, place, of; };

static uint16_t number(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool head_read(struct slice *in, struct head *h)
{
	if (in->len <= HEAD)
		return false;
	*h = (struct head){ number(in->ptr), number(in->ptr + 2), number(in->ptr + 4) };
	if (!h->of || h->place >= h->of || number(in->ptr + 6))
		return false;
	*in = slice_of(in->ptr + HEAD, in->len - HEAD);
	return true;
}

/* A head of either protocol, which all datagrams but those in the middle of a run begin with. */
static bool begins(struct slice in)
{
	struct mc_head h;

	if (in.ptr[0] & 0x80)
		return mc_binary_read(in, &h) > 0;
	return mc_text_read(in, 0, &h) > 0 && in.ptr[h.len - 2] == '\r';
}

int mc_datagram_guess(struct slice whole, enum dir dir)
{
	struct head h;

	return head_read(&whole, &h) && !h.place && begins(whole) ? 90 : 0;
}

static void talk_end(struct mc_datagrams *d, struct talk *t, struct stamp at)
{
	if (!t->used)
		return;
	d->stream->eof(t->state, at);
	d->stream->fini(t->state);
	explicit_bzero(t->state, d->stream->state_size);
	budget_free(t->state, d->stream->state_size);
	buf_free(&t->carry[0]);
	buf_free(&t->carry[1]);
	*t = (struct talk){ 0 };
}

static struct talk *talk_find(struct mc_datagrams *d, uint16_t id)
{
	for (unsigned i = 0; i < TALKS; i++)
		if (d->talks[i].used && d->talks[i].id == id)
			return &d->talks[i];
	return NULL;
}

/* NULL: no memory. */
static struct talk *talk_begin(struct mc_datagrams *d, uint16_t id, struct stamp at)
{
	struct talk *t = &d->talks[++d->newest % TALKS];

	talk_end(d, t, at);
	t->state = budget_alloc(d->stream->state_size);
	if (!t->state)
		return NULL;
	mc_begin(t->state, &d->conn, d->sink, d->session);
	buf_init(&t->carry[0], PROTOCOL_HEAD_MAX + UINT16_MAX);
	buf_init(&t->carry[1], PROTOCOL_HEAD_MAX + UINT16_MAX);
	t->used = true;
	t->id = id;
	return t;
}

static void talk_bytes(const struct mc_datagrams *d, struct talk *t, enum dir dir, struct slice in, struct stamp at)
{
	struct buf *b = &t->carry[dir];
	size_t fed = 0;

	t->broken |= buf_add(b, in.ptr, in.len) != 0;
	while (!t->broken && fed < b->len) {
		struct feed_result r = d->stream->feed(t->state, dir, slice_of(b->ptr + fed, b->len - fed), at);

		t->broken = r.status == FEED_BAD;
		fed += r.consumed;
		if (r.status == FEED_MORE || !r.consumed)
			break;
	}
	buf_consume(b, t->broken ? b->len : fed);
}

/* The place that this datagram has in its run; false: it is not that of one that comes. */
static bool place_take(const struct mc_datagrams *d, struct talk *t, enum dir dir, const struct head *h, struct stamp at)
{
	if (h->place < t->place && h->place)
		return false;	/* overtaken, or there twice */
	if (t->place < t->of && (!h->place || h->of != t->of)) {	/* the end of the last run is missing */
		d->stream->gap(t->state, dir, (uint64_t)(t->of - t->place) * FULL, LOSS_MISSING, at);
		buf_reset(&t->carry[dir]);
		t->place = 0;
	} else if (!h->place) {
		t->place = 0;
	}
	if (h->place > t->place) {
		d->stream->gap(t->state, dir, (uint64_t)(h->place - t->place) * FULL, LOSS_MISSING, at);
		buf_reset(&t->carry[dir]);
	}
	t->of = h->of;
	t->place = (uint16_t)(h->place + 1);
	return true;
}

struct feed_result mc_datagrams_feed(struct mc_datagrams *d, enum dir dir, struct slice in, struct stamp at)
{
	const struct feed_result strange = { FEED_OK, in.len, in.len };
	struct slice body = in;
	struct head h;
	struct talk *t;
	bool asks;

	if (!head_read(&body, &h) || (!h.place && !begins(body)))
		return strange;
	asks = h.of == 1 && mc_asks(body);
	t = talk_find(d, h.id);
	if (t && asks) {	/* the number is used again */
		talk_end(d, t, at);
		t = NULL;
	}
	if (!t)
		t = talk_begin(d, h.id, at);
	if (!t || t->broken || (!asks && !place_take(d, t, dir, &h, at)))
		return strange;
	session_count(d->session, FATE_EXAMINED, in.len);
	talk_bytes(d, t, dir, body, at);
	if (mc_rests(t->state) && t->place == t->of)
		talk_end(d, t, at);
	return (struct feed_result){ FEED_OK, in.len, 0 };
}

struct mc_datagrams *mc_datagrams_new(const struct protocol *stream, const struct conn_facts *conn, const struct field_sink *sink,
				     struct session *session)
{
	struct mc_datagrams *d = budget_alloc(sizeof(*d));

	if (!d)
		return NULL;
	d->stream = stream;
	d->conn = *conn;
	d->sink = sink;
	d->session = session;
	return d;
}

void mc_datagrams_interval(struct mc_datagrams *d, struct stamp at)
{
	for (unsigned i = 0; i < TALKS; i++)
		if (d->talks[i].used)
			d->stream->interval(d->talks[i].state, at);
}

void mc_datagrams_end(struct mc_datagrams *d, struct stamp at)
{
	for (unsigned i = 1; d && i <= TALKS; i++)	/* in the order in which they were asked */
		talk_end(d, &d->talks[(d->newest + i) % TALKS], at);
}

void mc_datagrams_free(struct mc_datagrams *d)
{
	mc_datagrams_end(d, (struct stamp){ 0 });
	budget_free(d, d ? sizeof(*d) : 0);
}
