/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_queue.c - who waits for which answer, and the statements that are remembered. A server
 * answers in order; ReadyForQuery closes a group, and what its group did not get it will not. */
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/postgres.h"

/* ---- portals ---- */

void pg_portal_clear(struct pg_portal *p)
{
	statement_put(p->statement);
	*p = (struct pg_portal){ 0 };
}

/* The first is the unnamed one; of the named ones the last makes room. */
struct pg_portal *pg_portal_find(struct pg_state *s, struct slice name, bool make)
{
	struct pg_portal *free = NULL;

	if (!name.len)
		return make || s->portals[0].statement ? &s->portals[0] : NULL;
	for (unsigned i = 1; i < PG_PORTALS; i++) {
		if (s->portals[i].statement && raw_named(s->portals[i].name, name))
			return &s->portals[i];
		if (!s->portals[i].statement && !free)
			free = &s->portals[i];
	}
	if (!make)
		return NULL;
	free = free ? free : &s->portals[PG_PORTALS - 1];
	pg_portal_clear(free);
	raw_name(free->name, name);
	return free;
}

/* ---- exchanges ---- */

struct exchange *pg_exchange(struct pg_state *s, struct stamp at)
{
	return database_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);
}

struct exchange *pg_asking(struct pg_state *s, struct stamp at)
{
	if (!s->asking)
		s->asking = pg_exchange(s, at);
	return s->asking;
}

/* ---- the queue ---- */

void pg_push(struct pg_state *s, enum pg_kind kind, struct exchange *ex, struct statement *st, const struct pg_formats *formats,
	     struct stamp at)
{
	struct owed owed = { ex, st, at.time, 0, false };
	struct pg_item *item;

	if (kind == PG_RESULT && !ex)
		ring_fold(&s->items, owed);
	else if ((item = ring_push(&s->items, owed))) {
		item->kind = kind;
		if (formats)
			item->formats = *formats;
	}
}

struct pg_item *pg_first(struct pg_state *s)
{
	return ring_at(&s->items, 0);
}

struct pg_item *pg_answered(struct pg_state *s, struct stamp at)
{
	struct pg_item *first;

	/* A Sync in the middle of COPY has no answer: nor has what stands before the next result. */
	while (s->items.exchanges && pg_first(s)->kind != PG_RESULT)
		ring_drop(&s->items);
	if (!s->items.exchanges) {
		struct exchange *ex = pg_exchange(s, at);
		struct statement *st = statement_new();

		if (!ex || !st) {
			budget_free(ex, sizeof(*ex));
			statement_put(st);
			return NULL;
		}
		ex->has_gap = s->sides[!s->front].after_gap;
		while (s->items.nr)
			ring_drop(&s->items);
		pg_push(s, PG_RESULT, ex, st, NULL, (struct stamp){ 0 });
	}
	first = pg_first(s);
	if (first)
		owed_answered(&first->owed, at);
	return first;
}

void pg_finish(struct pg_state *s, struct pg_item *item, uint16_t status, struct stamp at)
{
	item->owed.ex->status = status;
	copy_end(&s->copy);
	if (!owed_emit(&item->owed, s->session, at))
		ring_drop(&s->items);
}

/* What never ran is no exchange, unless it carried something. */
static void give_up_first(struct pg_state *s, bool lost, struct stamp at)
{
	struct pg_item *first = pg_first(s);
	struct exchange *ex = first->owed.ex;

	if (ex && (lost || ex->nr_findings || first->owed.answered)) {
		ex->has_gap |= lost;
		session_emit(s->session, ex, at);
	}
	ring_drop(&s->items);
}

void pg_ready(struct pg_state *s, bool lost, struct stamp at)
{
	bool sync = false;

	while (s->items.nr && !sync) {
		sync = pg_first(s)->kind == PG_SYNC;
		give_up_first(s, lost, at);
	}
	pg_rest(s);
}

static bool is_sync(struct pg_state *s, unsigned i)
{
	return ((struct pg_item *)ring_at(&s->items, i))->kind == PG_SYNC;
}

void pg_catch_up(struct pg_state *s, struct stamp at)
{
	unsigned keep = s->items.nr;

	/* From the last back to the PG_SYNC before its group. */
	while (keep && !(keep < s->items.nr && is_sync(s, keep - 1)))
		keep--;
	while (keep--)
		give_up_first(s, true, at);
}

void pg_rest(struct pg_state *s)
{
	if (s->items.nr || !s->asking || s->asking->nr_findings)
		return;
	budget_free(s->asking, sizeof(*s->asking));
	s->asking = NULL;
}

void pg_end(struct pg_state *s, struct stamp at)
{
	while (s->items.nr) {
		if (pg_first(s)->owed.ex)
			session_emit(s->session, pg_first(s)->owed.ex, at);
		ring_drop(&s->items);
	}
	if (s->asking && s->asking->nr_findings)
		session_emit(s->session, s->asking, at);
	budget_free(s->asking, sizeof(*s->asking));
	s->asking = NULL;
}

void pg_free(struct pg_state *s)
{
	while (s->items.nr)
		ring_drop(&s->items);
	budget_free(s->asking, sizeof(*s->asking));
	s->asking = NULL;
	statements_free(&s->statements);
	for (unsigned i = 0; i < PG_PORTALS; i++)
		pg_portal_clear(&s->portals[i]);
	buf_free(&s->sides[0].body);
	buf_free(&s->sides[1].body);
	copy_end(&s->copy);
}
