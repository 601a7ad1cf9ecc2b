/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - what is remembered of connections that are not tracked: a few numbers,
 * no payload. Without it an evicted connection that speaks again would report all it
 * ever moved as missing, a chunk that comes after its connection's end would open it
 * again, and a close that overtakes the chunks (it travels in another ring) would be
 * lost. One slot per hash, the newest stays: forgetting costs accuracy, not memory. */
#include <stdlib.h>
#include <string.h>

#include "stream/private.h"

#define TRACES_MIN	1024
#define TRACES_MAX	65536

int trace_init(struct stream_table *t)
{
	t->nr_traces = TRACES_MIN;
	while (t->nr_traces < t->limits.connections && t->nr_traces < TRACES_MAX)
		t->nr_traces *= 2;
	t->traces = calloc(t->nr_traces, sizeof(*t->traces));
	return t->traces ? 0 : -1;
}

static struct trace *trace_slot(const struct stream_table *t, uint64_t id)
{
	return &t->traces[siphash(&t->key, &id, sizeof(id)) & (t->nr_traces - 1)];
}

enum trace_state trace_get(const struct stream_table *t, uint64_t id, struct trace *out)
{
	const struct trace *tr = trace_slot(t, id);

	if (tr->id != id)
		return TRACE_NONE;
	*out = *tr;
	return (enum trace_state)tr->state;
}

void trace_leave(struct stream_table *t, const struct stream *s, bool closed)
{
	struct trace *tr = trace_slot(t, s->conn.id);

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

void trace_close(struct stream_table *t, uint64_t id, const uint64_t pos[2], const uint64_t total[2])
{
	struct trace *tr = trace_slot(t, id);

	if (tr->id == id && tr->state != TRACE_NONE)
		return;	/* it was here and is done with, or is only evicted: nothing to finish */
	*tr = (struct trace){ .id = id, .state = TRACE_CLOSING };
	memcpy(tr->pos, pos, sizeof(tr->pos));
	memcpy(tr->other, total, sizeof(tr->other));
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
