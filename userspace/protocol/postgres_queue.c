/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_queue.c - who waits for which answer, and the statements that are remembered. A server
 * answers in order; ReadyForQuery closes a group, and what its group did not get it will not. */
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/postgres.h"

/* ---- statements ---- */

struct pg_columns *pg_columns_new(unsigned nr)
{
	struct pg_columns *c;

	nr = nr < PG_COLUMNS ? nr : PG_COLUMNS;
	c = budget_alloc(sizeof(*c) + nr * sizeof(c->column[0]));
	if (c)
		c->nr = nr;
	return c;
}

void pg_columns_free(struct pg_columns *c)
{
	if (c)
		budget_free(c, sizeof(*c) + c->nr * sizeof(c->column[0]));
}

struct pg_statement *pg_statement_new(void)
{
	struct pg_statement *st = budget_alloc(sizeof(*st));

	if (st)
		st->refs = 1;
	return st;
}

struct pg_statement *pg_statement_hold(struct pg_statement *st)
{
	if (st)
		st->refs++;
	return st;
}

void pg_statement_put(struct pg_statement *st)
{
	if (!st || --st->refs)
		return;
	pg_columns_free(st->params);
	pg_columns_free(st->rows);
	budget_free(st, sizeof(*st));
}

void pg_name(char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	if (n)
		memcpy(out, raw.ptr, n);
	out[n] = 0;
}

static bool is_named(const char *have, struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	return !have[n] && (!n || !strncmp(have, (const char *)raw.ptr, n));
}

struct pg_statement *pg_statement_find(struct pg_state *s, struct slice name)
{
	for (unsigned i = 0; i < PG_STATEMENTS && s->statements[i]; i++)
		if (is_named(s->statements[i]->name, name)) {
			s->statements[i]->used = ++s->uses;
			return s->statements[i];
		}
	return NULL;
}

/* The used entries stand in front, without holes. */
void pg_statement_forget(struct pg_state *s, struct slice name)
{
	unsigned i = 0, last;

	while (i < PG_STATEMENTS && s->statements[i] && !is_named(s->statements[i]->name, name))
		i++;
	if (i == PG_STATEMENTS || !s->statements[i])
		return;
	for (last = i; last + 1 < PG_STATEMENTS && s->statements[last + 1];)
		last++;
	pg_statement_put(s->statements[i]);
	s->statements[i] = s->statements[last];
	s->statements[last] = NULL;
}

void pg_statement_keep(struct pg_state *s, struct slice name, struct pg_statement *st)
{
	unsigned i = 0, oldest = 0;

	pg_name(st->name, name);
	st->used = ++s->uses;
	for (; i < PG_STATEMENTS && s->statements[i] && !is_named(s->statements[i]->name, name); i++)
		if (s->statements[i]->used < s->statements[oldest]->used)
			oldest = i;
	if (i == PG_STATEMENTS)
		i = oldest;
	pg_statement_put(s->statements[i]);
	s->statements[i] = st;
}

void pg_portal_clear(struct pg_portal *p)
{
	pg_statement_put(p->statement);
	*p = (struct pg_portal){ 0 };
}

/* The first is the unnamed one; of the named ones the last makes room. */
struct pg_portal *pg_portal_find(struct pg_state *s, struct slice name, bool make)
{
	struct pg_portal *free = NULL;

	if (!name.len)
		return make || s->portals[0].statement ? &s->portals[0] : NULL;
	for (unsigned i = 1; i < PG_PORTALS; i++) {
		if (s->portals[i].statement && is_named(s->portals[i].name, name))
			return &s->portals[i];
		if (!s->portals[i].statement && !free)
			free = &s->portals[i];
	}
	if (!make)
		return NULL;
	free = free ? free : &s->portals[PG_PORTALS - 1];
	pg_portal_clear(free);
	pg_name(free->name, name);
	return free;
}

/* ---- exchanges ---- */

struct exchange *pg_exchange(struct pg_state *s, struct stamp at)
{
	struct exchange *ex = budget_room(sizeof(*ex));

	if (!ex)
		return NULL;
	exchange_begin(ex);
	ex->began = at.time;
	ex->auth = AUTH_DATABASE;
	ex->conn.role = s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;
	return ex;
}

struct exchange *pg_asking(struct pg_state *s, struct stamp at)
{
	if (!s->asking)
		s->asking = pg_exchange(s, at);
	return s->asking;
}

void pg_emit(struct pg_state *s, struct exchange *ex, struct stamp at)
{
	session_emit(s->session, ex, at);
	budget_free(ex, sizeof(*ex));
}

/* ---- the queue ---- */

static struct pg_item *item_at(struct pg_state *s, unsigned i)
{
	return &s->items[(s->head + i) & (s->room - 1)];
}

static bool make_room(struct pg_state *s)
{
	unsigned room = s->room ? s->room * 2 : 8;
	struct pg_item *more;

	if (s->nr < s->room)
		return true;
	more = s->room < PG_ITEMS ? budget_room(room * sizeof(*more)) : NULL;
	if (!more)
		return false;
	for (unsigned i = 0; i < s->nr; i++)
		more[i] = *item_at(s, i);
	budget_free(s->items, s->room * sizeof(*more));
	s->items = more;
	s->head = 0;
	s->room = room;
	return true;
}

static struct pg_item *last_result(struct pg_state *s)
{
	for (unsigned i = s->nr; i-- > 0;)
		if (item_at(s, i)->kind == PG_RESULT)
			return item_at(s, i);
	return NULL;
}

/* More than can wait: the last one stands for those behind it. */
static void fold(struct pg_state *s, struct exchange *ex, struct pg_statement *st)
{
	struct pg_item *last = last_result(s);

	if (last)
		last->extra++;
	budget_free(ex, sizeof(*ex));
	pg_statement_put(st);
}

void pg_push(struct pg_state *s, enum pg_kind kind, struct exchange *ex, struct pg_statement *st, const struct pg_formats *formats,
	     struct stamp at)
{
	struct pg_item *item;

	if (kind == PG_RESULT && (!ex || s->results >= PROTOCOL_PENDING)) {
		fold(s, ex, st);
		return;
	}
	if (!make_room(s)) {
		if (kind == PG_RESULT)
			fold(s, ex, st);
		else
			pg_statement_put(st);
		return;
	}
	item = item_at(s, s->nr++);
	*item = (struct pg_item){ .kind = kind, .ex = ex, .statement = st, .asked = at.time };
	if (formats)
		item->formats = *formats;
	s->results += kind == PG_RESULT;
}

struct pg_item *pg_first(struct pg_state *s)
{
	return s->nr ? item_at(s, 0) : NULL;
}

void pg_drop_first(struct pg_state *s)
{
	struct pg_item *first = item_at(s, 0);

	s->results -= first->kind == PG_RESULT;
	budget_free(first->ex, sizeof(*first->ex));
	pg_statement_put(first->statement);
	s->head = (s->head + 1) & (s->room - 1);
	if (--s->nr)
		return;
	budget_free(s->items, s->room * sizeof(*first));	/* most connections rest */
	s->items = NULL;
	s->room = s->head = 0;
}

struct pg_item *pg_answered(struct pg_state *s, struct stamp at)
{
	struct pg_item *first;

	/* A Sync in the middle of COPY has no answer: nor has what stands before the next result. */
	while (s->results && item_at(s, 0)->kind != PG_RESULT)
		pg_drop_first(s);
	if (!s->results) {
		struct exchange *ex = pg_exchange(s, at);
		struct pg_statement *st = pg_statement_new();

		if (!ex || !st) {
			budget_free(ex, sizeof(*ex));
			pg_statement_put(st);
			return NULL;
		}
		ex->has_gap = s->sides[!s->front].after_gap;
		while (s->nr)
			pg_drop_first(s);
		pg_push(s, PG_RESULT, ex, st, NULL, (struct stamp){ 0 });
		if (!s->nr)
			return NULL;
	}
	first = item_at(s, 0);
	if (!first->answered && first->asked && at.time > first->asked) {
		uint64_t us = (at.time - first->asked) / 1000;

		first->ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	}
	first->answered = true;
	return first;
}

void pg_finish(struct pg_state *s, struct pg_item *item, uint16_t status, struct stamp at)
{
	struct exchange *ex = item->ex;

	ex->status = status;
	session_emit(s->session, ex, at);
	buf_free(&s->line);
	s->copied = 0;
	if (!item->extra) {
		pg_drop_first(s);
		return;
	}
	item->extra--;
	exchange_begin(ex);
	ex->began = item->asked;
	ex->auth = AUTH_DATABASE;
	ex->conn.role = s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;
	memcpy(ex->method, item->statement->method, sizeof(ex->method));
	memcpy(ex->route, item->statement->route, sizeof(ex->route));
	item->answered = false;
}

/* What never ran is no exchange, unless it carried something. */
static void give_up_first(struct pg_state *s, bool lost, struct stamp at)
{
	struct pg_item *first = item_at(s, 0);

	if (first->kind == PG_RESULT && (lost || first->ex->nr_findings || first->answered)) {
		first->ex->has_gap |= lost;
		session_emit(s->session, first->ex, at);
	}
	pg_drop_first(s);
}

void pg_ready(struct pg_state *s, bool lost, struct stamp at)
{
	bool sync = false;

	while (s->nr && !sync) {
		sync = item_at(s, 0)->kind == PG_SYNC;
		give_up_first(s, lost, at);
	}
	pg_rest(s);
}

void pg_catch_up(struct pg_state *s, struct stamp at)
{
	unsigned keep = s->nr;

	/* From the last back to the PG_SYNC before its group. */
	while (keep && !(keep < s->nr && item_at(s, keep - 1)->kind == PG_SYNC))
		keep--;
	while (keep--)
		give_up_first(s, true, at);
}

void pg_rest(struct pg_state *s)
{
	if (s->nr || !s->asking || s->asking->nr_findings)
		return;
	budget_free(s->asking, sizeof(*s->asking));
	s->asking = NULL;
}

void pg_end(struct pg_state *s, struct stamp at)
{
	while (s->nr) {
		if (item_at(s, 0)->kind == PG_RESULT)
			session_emit(s->session, item_at(s, 0)->ex, at);
		pg_drop_first(s);
	}
	if (s->asking && s->asking->nr_findings)
		session_emit(s->session, s->asking, at);
	budget_free(s->asking, sizeof(*s->asking));
	s->asking = NULL;
}

void pg_free(struct pg_state *s)
{
	while (s->nr)
		pg_drop_first(s);
	budget_free(s->asking, sizeof(*s->asking));
	s->asking = NULL;
	for (unsigned i = 0; i < PG_STATEMENTS; i++)
		pg_statement_put(s->statements[i]);
	for (unsigned i = 0; i < PG_PORTALS; i++)
		pg_portal_clear(&s->portals[i]);
	buf_free(&s->sides[0].body);
	buf_free(&s->sides[1].body);
	buf_free(&s->line);
}
