/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_front.c - what clients of PostgreSQL say. A simple query is an exchange for each of its
 * statements, an extended one for each Execute: those are what a server answers. */
#include <string.h>

#include "base/budget.h"
#include "protocol/postgres.h"

#define CANCEL_REQUEST	80877102

bool pg_format(const struct pg_formats *f, unsigned i)
{
	unsigned at = f->nr == 1 ? 0 : i;

	return at < f->nr && at < COLUMNS_NAMED && (f->bits[at / 8] >> at % 8 & 1);
}

/* A count, and so many formats. */
static struct pg_formats formats_read(struct reader *r)
{
	struct pg_formats f = { .nr = (uint16_t)reader_number(r, 2) };

	for (unsigned i = 0; i < f.nr && !r->failed; i++)
		if (reader_number(r, 2) && i < COLUMNS_NAMED)
			f.bits[i / 8] |= (uint8_t)(1 << i % 8);
	f.known = !r->failed;
	return f;
}

/* ---- statements ---- */

/* A text that stands for itself where its NUL was lost. */
static struct slice text_of(struct reader *r)
{
	const uint8_t *nul = r->left.len ? memchr(r->left.ptr, 0, r->left.len) : NULL;

	return nul ? reader_string(r) : reader_take(r, r->left.len);
}

static void query(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct reader r = { m->body, false };
	struct sql_reader sql;
	bool first = true;

	sql_begin(&sql, s->sink, s->front, text_of(&r));
	sql.cut = m->cut;
	if (!database_affords(s->sink, pg_asking(s, at), sql.text.len, SQL_COST))
		sql.text.len = 0;
	while (sql_more(&sql) || first) {
		struct exchange *ex = s->asking ? s->asking : pg_exchange(s, at);
		struct statement *st;

		s->asking = NULL;
		if (ex && first)
			ex->request_bytes += m->total;
		if (ex && m->cut)
			ex->inspected = INSPECTED_PARTIAL;
		st = statement_read(s->sink, &sql, ex, 0);
		pg_push(s, PG_RESULT, st ? ex : NULL, st, NULL, at);
		first = false;
		if (st)
			continue;
		budget_free(ex, sizeof(*ex));
		break;	/* no memory: the rest of it is not read */
	}
	sql_end(&sql);
	pg_push(s, PG_SYNC, NULL, NULL, NULL, at);
}

static void parse(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct exchange *ex = pg_asking(s, at);
	struct reader r = { m->body, false };
	struct slice name = reader_string(&r);
	struct sql_reader sql;
	struct statement *st;
	unsigned types;

	if (ex)
		ex->request_bytes += m->total;
	sql_begin(&sql, s->sink, s->front, text_of(&r));
	sql.cut = m->cut;
	if (!database_affords(s->sink, ex, sql.text.len, SQL_COST))
		sql.text.len = 0;
	types = reader_number(&r, 2);
	sql_more(&sql);
	/* Whether it has more parameters than types is said by its text alone. */
	st = statement_read(s->sink, &sql, ex, SQL_COLUMNS);
	sql_end(&sql);
	if (!st)
		return;
	for (unsigned i = 0; st->params && i < types && i < st->params->nr && !r.failed; i++)
		st->params->column[i].type = reader_number(&r, 4);
	statement_trim(st, types);
	statements_keep(&s->statements, name, st);
}

static void bind(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct exchange *ex = pg_asking(s, at);
	struct reader r = { m->body, false };
	struct slice portal_name = reader_string(&r), name = reader_string(&r);
	struct pg_formats formats = formats_read(&r);
	unsigned nr = reader_number(&r, 2);
	struct statement *st = statement_hold(statements_find(&s->statements, name));
	struct pg_portal *portal;
	bool afforded = database_affords(s->sink, ex, m->body.len, ROW_COST);

	st = st ? st : statement_new();	/* prepared before weir looked */
	if (ex)
		ex->request_bytes += m->total;
	for (unsigned i = 0; i < nr && !r.failed; i++) {
		const struct column *c = st && st->params && i < st->params->nr ? &st->params->column[i] : NULL;
		int32_t len = (int32_t)reader_number(&r, 4);
		bool cut = len > 0 && m->cut && (size_t)len > r.left.len;
		struct slice raw = len > 0 ? reader_take(&r, cut ? r.left.len : (size_t)len) : (struct slice){ 0 };
		char room[VALUE_ROOM];

		if (!r.failed && ex && raw.len && afforded)
			pg_tell(s, ex, st, c, "bind", i, s->front, LOC_REQUEST_BODY,
				postgres_value(c ? c->type : 0, pg_format(&formats, i), raw, room), cut);
	}
	if (ex && m->cut)
		ex->inspected = INSPECTED_PARTIAL;
	portal = pg_portal_find(s, portal_name, true);
	statement_put(portal->statement);
	portal->statement = st;
	portal->formats = formats_read(&r);
}

static void describe(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct reader r = { m->body, false };
	uint32_t what = reader_number(&r, 1);
	struct slice name = reader_string(&r);
	struct pg_portal *portal = what == 'P' ? pg_portal_find(s, name, false) : NULL;
	struct statement *st = statement_hold(what == 'P' ? portal ? portal->statement : NULL : statements_find(&s->statements, name));

	if (s->asking)
		s->asking->request_bytes += m->total;
	pg_push(s, PG_DESCRIBE, NULL, st ? st : statement_new(), NULL, at);
}

static void execute(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct reader r = { m->body, false };
	struct pg_portal *portal = pg_portal_find(s, reader_string(&r), false);
	struct statement *st = portal ? statement_hold(portal->statement) : statement_new();
	struct exchange *ex = pg_asking(s, at);

	s->asking = NULL;
	if (ex && st) {
		ex->request_bytes += m->total;
		memcpy(ex->method, st->method, sizeof(ex->method));
		memcpy(ex->route, st->route, sizeof(ex->route));
	}
	if (!st) {
		budget_free(ex, sizeof(*ex));
		ex = NULL;
	}
	pg_push(s, PG_RESULT, ex, st, portal ? &portal->formats : NULL, at);
}

static void close_one(struct pg_state *s, const struct pg_message *m)
{
	struct reader r = { m->body, false };
	uint32_t what = reader_number(&r, 1);
	struct slice name = reader_string(&r);
	struct pg_portal *portal;

	if (r.failed)
		return;
	if (what == 'S')
		statements_forget(&s->statements, name);
	else if ((portal = pg_portal_find(s, name, false)))
		pg_portal_clear(portal);
}

/* A function called by its OID: formats and arguments as in Bind. */
static void call(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct exchange *ex = pg_exchange(s, at);
	struct statement *st = statement_new();
	struct reader r = { m->body, false };
	struct pg_formats formats;
	unsigned nr;

	reader_take(&r, 4);
	formats = formats_read(&r);
	nr = reader_number(&r, 2);
	for (unsigned i = 0; ex && i < nr && !r.failed; i++) {
		int32_t len = (int32_t)reader_number(&r, 4);
		struct slice raw = len > 0 ? reader_take(&r, (size_t)len) : (struct slice){ 0 };
		char room[VALUE_ROOM];

		if (raw.len)
			pg_tell(s, ex, NULL, NULL, "bind", i, s->front, LOC_REQUEST_BODY, postgres_value(0, pg_format(&formats, i), raw, room), false);
	}
	if (ex && st) {
		ex->request_bytes += m->total;
		word_set(ex->method, "CALL");
		memcpy(st->method, ex->method, sizeof(st->method));
	}
	pg_push(s, PG_RESULT, st ? ex : NULL, st, NULL, at);
	if (!st)
		budget_free(ex, sizeof(*ex));
	pg_push(s, PG_SYNC, NULL, NULL, NULL, at);
}

/* ---- the beginning ---- */

void pg_startup(struct pg_state *s, struct slice body, uint32_t code, struct stamp at)
{
	struct exchange *ex;
	struct reader r = { body, false };

	if (code == CANCEL_REQUEST) {	/* on a connection of its own, and never answered */
		ex = pg_exchange(s, at);
		if (!ex)
			return;
		word_set(ex->method, "CANCEL");
		ex->request_bytes = body.len + 8;
		database_emit(s->session, ex, at);
		return;
	}
	ex = pg_asking(s, at);
	while (ex && r.left.len > 1 && r.left.ptr[0]) {
		struct slice key = reader_string(&r), value = reader_string(&r);

		if (r.failed)
			break;
		named_tell(s->sink, ex, "startup", key, s->front, LOC_REQUEST_HEADER, value);
	}
	if (ex)
		ex->request_bytes += body.len + 8;
	pg_push(s, PG_SYNC, NULL, NULL, NULL, at);	/* a server that let the client in says that it is ready */
}

/* In the clear only when the server asked for that; the other ways give nothing away. */
static void password(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct exchange *ex = pg_asking(s, at);
	struct reader r = { m->body, false };

	if (!ex)
		return;
	ex->request_bytes += m->total;
	if (s->plain_password)
		password_tell(s->sink, ex, s->front, reader_string(&r));
	s->plain_password = false;
}

/* The rows that a client gives to COPY: to what is being answered, or to what nobody saw asked. */
static void copy(struct pg_state *s, const struct pg_message *m, bool end, struct stamp at)
{
	struct pg_item *item = pg_first(s);

	if (!item || item->kind != PG_RESULT)
		item = end ? NULL : pg_answered(s, at);
	if (!item)
		return;
	item->owed.ex->request_bytes += m->total;
	if (m->cut)
		item->owed.ex->inspected = INSPECTED_PARTIAL;
	if (!item->owed.ex->method[0])
		word_set(item->owed.ex->method, "COPY");
	pg_copy(s, item, end ? (struct slice){ 0 } : m->body, s->front, end);
}

void pg_front(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	switch (m->type) {
	case 'Q': query(s, m, at); break;
	case 'P': parse(s, m, at); break;
	case 'B': bind(s, m, at); break;
	case 'D': describe(s, m, at); break;
	case 'E': execute(s, m, at); break;
	case 'C': close_one(s, m); break;
	case 'F': call(s, m, at); break;
	case 'S': pg_push(s, PG_SYNC, NULL, NULL, NULL, at); break;
	case 'p': password(s, m, at); break;
	case 'd': copy(s, m, false, at); break;
	case 'c': case 'f': copy(s, m, true, at); break;
	default: break;	/* Flush, Terminate */
	}
}
