/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - what is remembered of connections that are not tracked: a few numbers,
 * no payload. Without it an evicted connection that speaks again would report all it
 * ever moved as missing, a chunk that comes after its connection's end would open it
 * again, and a close that overtakes the chunks (it travels in another ring) would be
 * lost. WAYS slots per hash; whose bytes are all told is forgotten first: forgetting costs
 * accuracy, not memory. */
#include <stdlib.h>
#include <string.h>

#include "stream/private.h"

#define TRACES_MIN	1024
#define TRACES_MAX	65536
#define WAYS		16

int trace_init(struct stream_table *t)
{
	t->nr_traces = TRACES_MIN;
	while (t->nr_traces < t->limits.connections && t->nr_traces < TRACES_MAX)
		t->nr_traces *= 2;
	t->traces = calloc(t->nr_traces, sizeof(*t->traces));
	return t->traces ? 0 : -1;
}

static struct trace *trace_set(const struct stream_table *t, uint64_t id)
{
	return &t->traces[(siphash(&t->key, &id, sizeof(id)) & (t->nr_traces / WAYS - 1)) * WAYS];
}

static struct trace *trace_find(const struct stream_table *t, uint64_t id)
{
	struct trace *set = trace_set(t, id);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].id == id)
			return &set[i];
	return NULL;
}

/* Is a to be forgotten before b? An evicted one that is forgotten would count twice. */
static bool forget_first(const struct trace *a, const struct trace *b)
{
	static const uint8_t worth[] = { [TRACE_NONE] = 0, [TRACE_CLOSED] = 1, [TRACE_CLOSING] = 2, [TRACE_EVICTED] = 3 };

	return worth[a->state] != worth[b->state] ? worth[a->state] < worth[b->state] : a->serial < b->serial;
}

/* Its slot, blank, else one that is worth less. */
static struct trace *trace_new(struct stream_table *t, uint64_t id)
{
	struct trace *set = trace_set(t, id), *tr = trace_find(t, id), *best = NULL;

	for (unsigned i = 0; !tr && i < WAYS; i++)
		if (!best || forget_first(&set[i], best))
			best = &set[i];
	tr = tr ? tr : best;
	*tr = (struct trace){ .id = id, .serial = t->traced++ };
	return tr;
}

enum trace_state trace_get(const struct stream_table *t, uint64_t id, struct trace *out)
{
	const struct trace *tr = trace_find(t, id);

	if (!tr)
		return TRACE_NONE;
	*out = *tr;
	return (enum trace_state)tr->state;
}

void trace_leave(struct stream_table *t, const struct stream *s, bool closed)
{
	struct trace *tr = trace_new(t, s->conn.id);

	trace_fill(tr, s);
	tr->state = closed ? TRACE_CLOSED : TRACE_EVICTED;
}

/* All but the state. */
void trace_fill(struct trace *tr, const struct stream *s)
{
	tr->id = s->conn.id;
	tr->probed = s->probed;
	for (int d = 0; d < 2; d++) {
		const struct lane *l = &s->lanes[d];

		tr->pos[d] = l->kernel.next;
		tr->other[d] = l->plain.next;
		tr->overhead[d] = l->cipher.overhead;
		tr->data[d] = l->cipher.data;
		tr->tls12[d] = l->cipher.tls12;
	}
}

void trace_close(struct stream_table *t, uint64_t id, const uint64_t pos[2], const uint64_t total[2], uint64_t time)
{
	struct trace *tr = trace_find(t, id);

	if (tr && tr->state != TRACE_NONE)
		return;	/* it was here and is done with, or is only evicted: nothing to finish */
	tr = trace_new(t, id);
	tr->state = TRACE_CLOSING;
	tr->time = time;
	memcpy(tr->pos, pos, sizeof(tr->pos));
	memcpy(tr->other, total, sizeof(tr->other));
}

bool trace_plain(struct stream_table *t, uint64_t id, const struct plain_end *end)
{
	struct trace *tr = trace_find(t, id);

	if (!tr || tr->state != TRACE_CLOSING)
		return false;
	tr->plain_end = *end;
	return true;
}

void trace_resume(struct stream *s, const struct trace *tr)
{
	s->probed = tr->probed;
	for (int d = 0; d < 2; d++) {
		struct lane *l = &s->lanes[d];

		l->kernel.next = tr->pos[d];
		l->plain.next = tr->other[d];
		l->kernel.started = l->plain.started = true;
		l->cipher.overhead = tr->overhead[d];
		l->cipher.data = tr->data[d];
		l->cipher.tls12 = tr->tls12[d];
		l->cipher.handshake = true;
	}
}
