/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http2_stream.h"

#include <string.h>

#include "base/budget.h"

#define ON_ITS_WAY 1000000000	/* ns, longer than what was sent is */

struct stream_table { unsigned nr; uint32_t ids[STREAMS_MAX]; struct stream *at[STREAMS_MAX]; };	/* oldest first */

void streams_init(struct streams *s, const struct field_sink *sink, struct session *session)
{
	s->sink = sink;
	s->session = session;
}

struct stream *stream_find(struct streams *s, uint32_t id)
{
	bool is_new = id > s->highest[id & 1];	/* as most are when they are asked for by their first frame */

	for (unsigned i = 0; !is_new && s->open && i < s->open->nr; i++)
		if (s->open->ids[i] == id)
			return s->open->at[i];
	return NULL;
}

struct http_message stream_message(struct streams *s, struct stream *st, enum dir dir)
{
	return (struct http_message){ st->ex, s->sink, &st->halves[dir].body, dir, dir != s->asks };
}

static void suspicion_ends(struct streams *s, struct stream *st)
{
	s->suspects -= st->suspect > 0;
	st->suspect = 0;
}

static void table_free(struct streams *s)
{
	if (s->open && !s->open->nr) {
		budget_free(s->open, sizeof(*s->open));
		s->open = NULL;
	}
}

static void stream_free(struct streams *s, struct stream *st)
{
	struct stream_table *t = s->open;
	unsigned i = 0;

	while (t->at[i] != st)
		i++;
	t->nr--;
	memmove(&t->ids[i], &t->ids[i + 1], (t->nr - i) * sizeof(t->ids[0]));
	memmove(&t->at[i], &t->at[i + 1], (t->nr - i) * sizeof(t->at[0]));
	s->closed[s->next_closed++ % STREAMS_CLOSED] = st->id;
	suspicion_ends(s, st);
	tunnel_free(st->opened);
	for (int d = 0; d < 2; d++) {
		s->held -= st->halves[d].body.held.len;
		body_free(&st->halves[d].body);
	}
	budget_free(st->ex, sizeof(*st->ex));
	budget_free(st, sizeof(*st));
	table_free(s);
}

void half_end(struct streams *s, struct stream *st, enum dir dir)
{
	struct half *h = &st->halves[dir];
	struct http_message m = stream_message(s, st, dir);

	if (h->done)
		return;
	s->held -= h->body.held.len;
	body_end(&m);
	h->done = true;
}

static void emit_only(struct streams *s, struct stream *st, struct stamp at)
{
	for (int d = 0; d < 2; d++) {
		st->halves[d].body.cut |= !st->halves[d].done && st->halves[d].body.held.len;	/* reset, or the connection ended */
		half_end(s, st, (enum dir)d);
	}
	tunnel_end(st->opened, at);
	if (st->reset.time && st->reset.epoch == at.epoch)
		at = st->reset;
	if (!st->opened)
		session_emit(s->session, st->ex, at);
	stream_free(s, st);
}

/* A gap may have had the end of a stream, which nothing will end then, and of one that was reset
 * it is not to come. So many others have ended since that this one will not. */
static void end_suspects(struct streams *s, struct stamp at)
{
	for (unsigned i = 0; s->suspects && s->open && i < s->open->nr;) {
		struct stream *st = s->open->at[i];

		if (st->suspect && ++st->suspect > STREAMS_PATIENCE) {
			st->ex->has_gap |= !st->reset.time;
			emit_only(s, st, at);
		} else {
			i++;
		}
	}
}

void stream_emit(struct streams *s, struct stream *st, struct stamp at)
{
	emit_only(s, st, at);
	end_suspects(s, at);
}

/* A server that has answered before it had all of the request wants no more of it (RFC 9113, 8.1):
 * what was sent before the client knows that is on its way. */
void stream_reset(struct streams *s, struct stream *st, enum dir dir, struct stamp at)
{
	if (st->opened || st->reset.time || !st->halves[dir].done) {
		stream_emit(s, st, at);
		return;
	}
	st->reset = at;
	s->suspects += !st->suspect;
	st->suspect = 1;
}

struct stream *stream_new(struct streams *s, uint32_t id, struct exchange *ex, struct stamp at)
{
	struct stream *st;

	if (s->open && s->open->nr == STREAMS_MAX) {
		s->open->at[0]->ex->inspected = INSPECTED_PARTIAL;
		stream_emit(s, s->open->at[0], at);
	}
	if (!s->open && (s->open = budget_room(sizeof(*s->open))))
		s->open->nr = 0;
	st = s->open ? budget_alloc(sizeof(*st)) : NULL;
	if (!ex && (ex = protocol_exchange()))
		ex->began = at.time;
	if (!st || !ex) {
		protocol_counts.messages_dropped += ex != NULL;
		budget_free(st, sizeof(*st));
		budget_free(ex, sizeof(*ex));
		table_free(s);
		return NULL;
	}
	st->id = id;
	st->ex = ex;
	body_init(&st->halves[0].body);
	body_init(&st->halves[1].body);
	s->open->ids[s->open->nr] = id;
	s->open->at[s->open->nr++] = st;
	if (id > s->highest[id & 1])
		s->highest[id & 1] = id;
	return st;
}

/* A stream that began where nobody looked begins with the first frame that is seen. */
struct stream *stream_of(struct streams *s, uint32_t id, enum dir dir, struct stamp at)
{
	struct stream *st = stream_find(s, id);

	if (st && !st->halves[dir].done && !st->reset.time)
		suspicion_ends(s, st);
	if (st)
		return st;
	if (id > s->highest[id & 1])
		return stream_new(s, id, NULL, at);
	for (unsigned i = 0; i < STREAMS_CLOSED; i++)
		if (s->closed[i] == id)
			return NULL;
	return s->incomplete ? stream_new(s, id, NULL, at) : NULL;
}

void stream_gap(struct streams *s, struct stream *st, enum dir dir, uint64_t missing, struct stamp at)
{
	struct http_message m = stream_message(s, st, dir);

	s->held -= m.body->held.len;
	st->ex->has_gap = 1;
	if (st->opened)
		tunnel_gap(st->opened, dir, missing, at);
	body_gap(&m, missing);
	s->held += m.body->held.len;
}

void stream_upgrade(struct streams *s, struct stream *st, struct slice extensions, struct stamp at)
{
	struct tunnel *opened = tunnel_new(s->sink, s->session, st->ex, s->asks, extensions);

	if (!opened)
		return;
	session_emit(s->session, st->ex, at);
	st->ex->nr_findings = st->ex->nr_possible = 0;
	st->opened = opened;
}

void stream_join(struct streams *s, struct stream *st)
{
	st->opened = tunnel_new(s->sink, s->session, NULL, s->asks, (struct slice){ NULL, 0 });
}

void stream_count(struct streams *s, struct stream *st, enum dir dir, size_t n)
{
	*(dir == s->asks ? &st->ex->request_bytes : &st->ex->response_bytes) += n;
}

size_t stream_body(struct streams *s, struct stream *st, enum dir dir, struct slice in)
{
	struct body *b = &st->halves[dir].body;
	struct http_message m = stream_message(s, st, dir);
	size_t before = b->held.len, room = STREAMS_HELD - s->held, read;

	if (!b->type_len && !before && !b->grpc.on && grpc_looks(in))
		grpc_begin(&m, (struct slice){ 0 });
	if (in.len > room)
		body_gap(&m, in.len - room);
	read = body_take(&m, slice_of(in.ptr, in.len < room ? in.len : room));
	s->held += b->held.len - before;
	return read;
}

void half_done(struct streams *s, struct stream *st, enum dir dir, struct stamp at)
{
	half_end(s, st, dir);
	if (dir == s->asks && !st->request_end)
		st->request_end = at.time;
	if (st->halves[!dir].done)
		stream_emit(s, st, at);
}

void streams_gap(struct streams *s, enum dir dir, struct stamp at)
{
	s->incomplete = true;
	for (unsigned i = 0; s->open && i < s->open->nr; i++) {
		struct stream *st = s->open->at[i];

		if (st->halves[dir].done)
			continue;
		if (st->halves[dir].begun)
			stream_gap(s, st, dir, UINT64_MAX, at);
		s->suspects += !st->suspect;
		st->suspect = 1;
	}
}

void streams_interval(struct streams *s, struct stamp at)
{
	for (unsigned i = 0; s->suspects && s->open && i < s->open->nr;) {
		struct stream *st = s->open->at[i];

		if (st->reset.time && at.time - st->reset.time > ON_ITS_WAY)
			emit_only(s, st, at);
		else
			i++;
	}
	for (unsigned i = 0; s->open && i < s->open->nr; i++) {
		struct stream *st = s->open->at[i];

		for (int d = 0; d < 2; d++) {
			struct http_message m = stream_message(s, st, (enum dir)d);

			s->held -= m.body->held.len;
			body_interval(&m);
			s->held += m.body->held.len;
		}
		session_emit_part(s->session, st->ex, at);
	}
}

void streams_end(struct streams *s, struct stamp at)
{
	while (s->open)
		emit_only(s, s->open->at[0], at);
}

void streams_free(struct streams *s)
{
	while (s->open)
		stream_free(s, s->open->at[0]);
}
