/* SPDX-License-Identifier: Apache-2.0 */
/* mysql_front.c - what clients of MySQL say. An exchange is a statement, or another command that a
 * server answers; what prepares, closes and resets statements is none, unless it fails. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/budget.h"
#include "protocol/mysql.h"

#define LAST_PREPARED	0xffffffffu	/* MariaDB: a statement whose number the client does not know yet */
#define COMPOUND_WITHIN	256		/* bytes in which a CREATE says of what */
#define PARAMS_TRIED	64

static struct slice id_text(uint32_t id, char room[16])
{
	return slice_of(room, (size_t)snprintf(room, 16, "%u", id));
}

static void columns_tell(struct my_state *s, struct exchange *ex, const struct statement *st, unsigned i, struct value v, bool cut)
{
	const struct column *c = st && st->params && i < st->params->nr ? &st->params->column[i] : NULL;
	struct place p = { st ? st->table : "", c, "bind", i, s->front, LOC_REQUEST_BODY };

	if (ex && v.text.len)
		column_tell(s->sink, ex, &p, v, cut);
}

/* ---- texts ---- */

/* A routine's body has statements in it, and is one. */
static bool is_compound(const char *method, struct slice text)
{
	static const char *const things[] = { "procedure", "function", "trigger", "event", "package", NULL };
	size_t n = text.len < COMPOUND_WITHIN ? text.len : COMPOUND_WITHIN;

	if (!strcmp(method, "BEGIN"))
		return n > 9 && !strncasecmp((const char *)text.ptr + 6, "not", 3);
	if (strcmp(method, "CREATE") && strcmp(method, "ALTER"))
		return false;
	for (unsigned i = 0; things[i]; i++)
		for (size_t at = 1, len = strlen(things[i]); at + len < n; at++)
			if (text.ptr[at - 1] == ' ' && !strncasecmp((const char *)text.ptr + at, things[i], len))
				return true;
	return false;
}

static void query_text(struct my_state *s, const struct my_message *m, struct slice text, struct stamp at)
{
	bool first = true, multi = !s->caps || s->caps & MY_MULTI_STATEMENTS;
	struct sql_reader sql;

	sql_begin(&sql, s->sink, s->front, text);
	sql.cut = m->cut;
	sql.mysql = true;
	if (!database_affords(s->sink, my_asking(s, at), text.len, SQL_COST))
		sql.text.len = 0;
	while (sql_more(&sql) || first) {
		struct exchange *ex = s->asking ? s->asking : my_exchange(s, at);
		struct slice whole = sql.text;
		struct statement *st, *rest;

		s->asking = NULL;
		if (ex && first)
			ex->request_bytes += m->total;
		if (ex && m->cut)
			ex->inspected = INSPECTED_PARTIAL;
		st = statement_read(s->sink, &sql, ex, 0);
		if (!st) {
			budget_free(ex, sizeof(*ex));
			break;	/* no memory: the rest of it is not read */
		}
		while ((!multi || is_compound(st->method, whole)) && sql_more(&sql) && (rest = statement_read(s->sink, &sql, ex, 0)))
			statement_put(rest);
		if (ex) {
			memcpy(ex->method, st->method, sizeof(ex->method));
			memcpy(ex->route, st->route, sizeof(ex->route));
		}
		my_push(s, MY_RESULT, ex, st, !first, false, at);
		first = false;
	}
	sql_end(&sql);
}

/* ---- parameters ---- */

struct params { struct slice nulls, types; bool named, new_types; unsigned nr; };

/* Their bits, types and names; what is left of r are the values. */
static bool params_begin(struct reader *r, struct params *p)
{
	const uint8_t *from;

	p->nulls = reader_take(r, (p->nr + 7) / 8);
	p->new_types = my_little(r, 1) == 1;
	from = r->left.ptr;
	for (unsigned i = 0; p->new_types && i < p->nr && !r->failed; i++) {
		bool cut;

		reader_take(r, 2);
		if (p->named)
			my_vector(r, false, &cut);
	}
	p->types = slice_of(from, r->failed ? 0 : (size_t)(r->left.ptr - from));
	return !r->failed;
}

static bool type_exists(uint32_t type)
{
	return (type & 0xff) <= MY_BIT || (type & 0xff) >= MY_JSON - 3;
}

/* Are there so many of them? What was prepared before weir looked has no number. */
static bool params_fit(struct reader r, unsigned nr, bool named)
{
	struct params p = { .nr = nr, .named = named };
	struct reader types;

	if (!params_begin(&r, &p) || !p.new_types)
		return false;
	types = (struct reader){ p.types, false };
	for (unsigned i = 0; i < nr; i++) {
		uint32_t type = (uint32_t)my_little(&types, 2);
		char room[VALUE_ROOM];
		struct value v;
		bool cut;

		if (named)
			my_vector(&types, false, &cut);
		if (!type_exists(type) || type & 0x7f00)
			return false;
		type = (type & 0xff) | (type & 0x8000 ? MY_UNSIGNED : 0);
		if (!(p.nulls.ptr[i / 8] >> i % 8 & 1) && !my_value(&r, type, false, &cut, &v, room))
			return false;
	}
	return !r.left.len;
}

static void type_keep(struct statement *st, unsigned i, uint32_t type)
{
	if (st && st->params && i < st->params->nr)
		st->params->column[i].type = type;
}

/* What the values are of which nothing is told: those of the next time are of the same kinds. */
static void params_keep(const struct params *p, struct statement *st)
{
	struct reader types = { p->types, false };
	bool is_cut;

	for (unsigned i = 0; p->new_types && i < p->nr && !types.failed; i++) {
		uint32_t type = (uint32_t)my_little(&types, 2);

		type_keep(st, i, (type & 0xff) | (type & 0x8000 ? MY_UNSIGNED : 0));
		if (p->named)
			my_vector(&types, false, &is_cut);
	}
}

static void params_tell(struct my_state *s, struct reader *r, struct params *p, struct statement *st, struct exchange *ex, bool cut)
{
	struct reader types = { p->types, false };

	for (unsigned i = 0; i < p->nr && !r->failed; i++) {
		uint32_t type = st && st->params && i < st->params->nr ? st->params->column[i].type : MY_VAR_STRING;
		struct slice name = { 0 };
		char room[VALUE_ROOM];
		struct value v;
		bool is_cut;

		if (p->new_types) {
			type = (uint32_t)my_little(&types, 2);
			type = (type & 0xff) | (type & 0x8000 ? MY_UNSIGNED : 0);
			type_keep(st, i, type);
			if (p->named)
				name = my_vector(&types, false, &is_cut);
		}
		if (p->nulls.ptr[i / 8] >> i % 8 & 1 || (i < 64 && st && s->long_params >> i & 1))
			continue;
		if (!my_value(r, type, cut, &is_cut, &v, room)) {
			if (ex && ex->inspected == INSPECTED_FULL)
				ex->inspected = INSPECTED_PARTIAL;
			break;
		}
		if (name.len && ex && v.text.len)
			named_tell(s->sink, ex, "bind", name, s->front, LOC_REQUEST_BODY, v.text);
		else
			columns_tell(s, ex, st, i, v, is_cut);
	}
}

static void query(struct my_state *s, const struct my_message *m, struct reader *r, struct stamp at)
{
	bool none = r->left.len > 1 && !r->left.ptr[0] && r->left.ptr[1] == 1;

	if (s->caps ? s->caps & MY_QUERY_ATTRIBUTES : none) {
		struct params p = { .named = true, .nr = (unsigned)my_number(r) };

		my_number(r);
		if (p.nr && p.nr < 65536 && params_begin(r, &p))
			params_tell(s, r, &p, NULL, my_asking(s, at), m->cut);
	}
	query_text(s, m, r->failed ? SLICE("") : r->left, at);
}

/* ---- prepared statements ---- */

static void prepare(struct my_state *s, const struct my_message *m, struct slice text, struct stamp at)
{
	struct exchange *ex = my_asking(s, at);
	struct statement *st, *rest;
	struct sql_reader sql;

	if (ex)
		ex->request_bytes += m->total;
	sql_begin(&sql, s->sink, s->front, text);
	sql.cut = m->cut;
	sql.mysql = true;
	if (!database_affords(s->sink, ex, text.len, SQL_COST))
		sql.text.len = 0;
	sql_more(&sql);
	st = statement_read(s->sink, &sql, ex, SQL_COLUMNS);
	while (st && sql_more(&sql) && (rest = statement_read(s->sink, &sql, ex, 0)))
		statement_put(rest);
	sql_end(&sql);
	if (!st)
		return;
	statement_put(s->prepared);
	s->prepared = statement_hold(st);
	my_push(s, MY_PREPARED, NULL, st, false, true, at);
}

/* A reference to the statement of that number; of one that is not known a new one. NULL: no memory. */
static struct statement *statement_of(struct my_state *s, uint32_t id)
{
	char room[16];
	struct statement *st = id == LAST_PREPARED ? s->prepared : statements_find(&s->statements, id_text(id, room));

	if (st)
		return statement_hold(st);
	st = statement_new();
	if (st && id != LAST_PREPARED)
		statements_keep(&s->statements, id_text(id, room), statement_hold(st));
	return st;
}

static void long_data_tell(struct my_state *s, struct exchange *ex)
{
	char room[16];
	struct statement *st = statements_find(&s->statements, id_text(s->long_statement, room));

	if (ex && s->long_cut)
		ex->inspected = INSPECTED_PARTIAL;
	columns_tell(s, ex, st, s->long_param, value_text(slice_of(s->long_data.ptr, s->long_data.len)), s->long_cut);
	buf_free(&s->long_data);
	s->long_cut = false;
}

static void long_data(struct my_state *s, const struct my_message *m, struct reader *r, struct stamp at)
{
	uint32_t id = (uint32_t)my_little(r, 4);
	uint16_t param = (uint16_t)my_little(r, 2);
	struct exchange *ex = my_asking(s, at);

	if (r->failed)
		return;
	if (ex)
		ex->request_bytes += m->total;
	if (s->long_data.len && (id != s->long_statement || param != s->long_param))
		long_data_tell(s, ex);
	if (id != s->long_statement)
		s->long_params = 0;
	s->long_statement = id;
	s->long_param = param;
	s->long_params |= param < 64 ? 1ull << param : 0;
	if (buf_add(&s->long_data, r->left.ptr, r->left.len) || m->cut)
		s->long_cut = true;
}

static struct exchange *executed(struct my_state *s, const struct my_message *m, struct statement *st, struct stamp at)
{
	struct exchange *ex = my_asking(s, at);

	if (s->long_data.len)
		long_data_tell(s, ex);
	s->asking = NULL;
	if (!ex)
		return NULL;
	ex->request_bytes += m->total;
	if (m->cut)
		ex->inspected = INSPECTED_PARTIAL;
	memcpy(ex->method, st->method, sizeof(ex->method));
	memcpy(ex->route, st->route, sizeof(ex->route));
	if (!ex->method[0])
		word_set(ex->method, "EXECUTE");
	return ex;
}

static void execute(struct my_state *s, const struct my_message *m, struct reader *r, struct stamp at)
{
	uint32_t id = (uint32_t)my_little(r, 4);
	uint8_t flags = (uint8_t)my_little(r, 1);
	struct statement *st = statement_of(s, id);
	struct exchange *ex = st ? executed(s, m, st, at) : NULL;
	bool begun;
	struct params p = { .nr = st ? st->nr_params : 0, .named = s->caps ? s->caps & MY_QUERY_ATTRIBUTES : flags & 8 };

	if (!st)
		return;
	my_little(r, 4);	/* how often: once */
	if (id != s->long_statement)
		s->long_params = 0;
	if (p.named && flags & 8)
		p.nr = (unsigned)my_number(r);
	for (unsigned nr = 1; !p.nr && !m->cut && r->left.len && nr < PARAMS_TRIED; nr++)
		if (params_fit(*r, nr, p.named)) {
			p.nr = st->nr_params = nr;
			st->params = st->params ? st->params : columns_new(nr);
		}
	begun = p.nr && p.nr < 65536 && !r->failed && params_begin(r, &p);
	if (begun && database_affords(s->sink, ex, m->body.len, ROW_COST))
		params_tell(s, r, &p, st, ex, m->cut);
	else if (begun)
		params_keep(&p, st);
	else if (ex && r->left.len && ex->inspected == INSPECTED_FULL)
		ex->inspected = INSPECTED_PARTIAL;
	s->long_params = 0;
	my_push(s, MY_RESULT, ex, st, false, true, at);
}

/* MariaDB: types once, then rows of values, each behind a byte that says whether there is one. */
static void execute_bulk(struct my_state *s, const struct my_message *m, struct reader *r, struct stamp at)
{
	struct statement *st = statement_of(s, (uint32_t)my_little(r, 4));
	unsigned flags = (unsigned)my_little(r, 2), nr = st ? st->nr_params : 0;
	struct exchange *ex = st ? executed(s, m, st, at) : NULL;

	if (!st)
		return;
	for (unsigned i = 0; flags & 0x80 && i < nr && !r->failed; i++) {
		uint32_t type = (uint32_t)my_little(r, 2);

		type_keep(st, i, (type & 0xff) | (type & 0x8000 ? MY_UNSIGNED : 0));
	}
	if (!nr && ex)
		ex->inspected = INSPECTED_PARTIAL;
	if (nr && !database_affords(s->sink, ex, m->body.len, ROW_COST))
		nr = 0;
	for (unsigned i = 0; nr && r->left.len && !r->failed; i = (i + 1) % nr) {
		uint32_t type = st->params && i < st->params->nr ? st->params->column[i].type : MY_VAR_STRING;
		char room[VALUE_ROOM];
		struct value v;
		bool cut;

		if (!my_little(r, 1) && my_value(r, type, m->cut, &cut, &v, room))
			columns_tell(s, ex, st, i, v, cut);
	}
	my_push(s, MY_RESULT, ex, st, false, true, at);
}

/* ---- other commands ---- */

static const struct { uint8_t command; enum my_kind kind; const char *method; } simple[] = {
	{ COM_INIT_DB, MY_RESULT, "USE" }, { COM_FIELD_LIST, MY_FIELD_LIST, "SHOW" }, { COM_CREATE_DB, MY_RESULT, "CREATE" },
	{ COM_DROP_DB, MY_RESULT, "DROP" }, { COM_REFRESH, MY_RESULT, "FLUSH" }, { COM_SHUTDOWN, MY_RESULT, "SHUTDOWN" },
	{ COM_STATISTICS, MY_STATISTICS, "STATISTICS" }, { COM_PROCESS_INFO, MY_RESULT, "SHOW" }, { COM_PROCESS_KILL, MY_RESULT, "KILL" },
	{ COM_DEBUG, MY_RESULT, "DEBUG" }, { COM_PING, MY_RESULT, "PING" }, { COM_REGISTER_SLAVE, MY_RESULT, "REPLICATE" },
	{ COM_STMT_FETCH, MY_FETCHED, "FETCH" }, { COM_STMT_RESET, MY_SILENT, NULL }, { COM_SET_OPTION, MY_SILENT, NULL },
	{ COM_RESET_CONNECTION, MY_SILENT, NULL },
};

static void other(struct my_state *s, const struct my_message *m, uint8_t command, struct reader *r, struct stamp at)
{
	struct statement *st = command == COM_STMT_FETCH ? statement_of(s, (uint32_t)my_little(r, 4)) : statement_new();
	struct exchange *ex;
	unsigned i = 0;

	while (i < sizeof(simple) / sizeof(simple[0]) && simple[i].command != command)
		i++;
	if (i == sizeof(simple) / sizeof(simple[0]) || !st) {
		statement_put(st);
		return;
	}
	if (!simple[i].method) {
		my_push(s, simple[i].kind, NULL, st, false, false, at);
		return;
	}
	ex = my_asking(s, at);
	s->asking = NULL;
	if (ex) {
		ex->request_bytes += m->total;
		word_set(ex->method, simple[i].method);
		memcpy(ex->route, st->route, sizeof(ex->route));
		if (command == COM_INIT_DB || command == COM_CREATE_DB || command == COM_DROP_DB)
			s->sink->clean(s->sink->owner, ex->route, r->left);
		else if (command == COM_FIELD_LIST)
			s->sink->clean(s->sink->owner, ex->route, reader_string(r));
	}
	my_push(s, simple[i].kind, ex, st, false, command == COM_STMT_FETCH, at);
}

static void close_one(struct my_state *s, struct reader *r)
{
	char room[16];
	uint32_t id = (uint32_t)my_little(r, 4);

	if (!r->failed)
		statements_forget(&s->statements, id_text(id, room));
}

/* ---- the beginning ---- */

static void startup(struct my_state *s, struct exchange *ex, const char *name, struct slice value)
{
	named_tell(s->sink, ex, "startup", slice_of(name, strlen(name)), s->front, LOC_REQUEST_HEADER, value);
}

static bool is_clear(struct slice plugin)
{
	return (plugin.len == 20 && !memcmp(plugin.ptr, "mysql_clear_password", 20)) || (plugin.len == 6 && !memcmp(plugin.ptr, "dialog", 6));
}

static void attributes(struct my_state *s, struct exchange *ex, struct reader *r)
{
	bool cut;
	struct reader all = { my_vector(r, true, &cut), false };

	while (all.left.len) {
		struct slice key = my_vector(&all, false, &cut), value = my_vector(&all, false, &cut);

		if (all.failed)
			break;
		named_tell(s->sink, ex, "startup", key, s->front, LOC_REQUEST_HEADER, value);
	}
}

/* Who it is; and with the request for TLS nothing but what it can. */
static void log_in(struct my_state *s, const struct my_message *m, struct stamp at)
{
	struct my_side *back = &s->sides[!s->front];
	struct exchange *ex = my_asking(s, at);
	struct reader r = { m->body, false };
	struct slice user, secret, database = { 0 }, plugin = { 0 };
	bool cut;

	s->caps = (uint32_t)my_little(&r, 4);
	if (ex)
		ex->request_bytes += m->total;
	s->asked_tls = m->body.len == 32 && s->caps & MY_SSL;
	if (s->asked_tls)
		return;	/* what is encrypted then comes from elsewhere */
	if (back->phase == PHASE_RESYNC && !back->after_gap)
		back->phase = PHASE_PACKET;
	reader_take(&r, 28);
	user = reader_string(&r);
	secret = s->caps & MY_AUTH_LENENC ? my_vector(&r, false, &cut) : s->caps & MY_SECURE ? reader_vector(&r, 1) : reader_string(&r);
	if (s->caps & MY_CONNECT_WITH_DB)
		database = reader_string(&r);
	if (s->caps & MY_PLUGIN_AUTH)
		plugin = reader_string(&r);
	s->login = true;
	my_push(s, MY_LOGIN, NULL, NULL, false, false, at);
	if (!ex)
		return;
	startup(s, ex, "user", user);
	startup(s, ex, "database", database);
	if (is_clear(plugin) && secret.len > 1)
		password_tell(s->sink, ex, s->front, slice_of(secret.ptr, secret.len - !secret.ptr[secret.len - 1]));
	if (s->caps & MY_CONNECT_ATTRS && !r.failed)
		attributes(s, ex, &r);
}

static void change_user(struct my_state *s, const struct my_message *m, struct reader *r, struct stamp at)
{
	struct exchange *ex = my_asking(s, at);
	struct slice user = reader_string(r), database;

	reader_vector(r, 1);
	database = reader_string(r);
	s->login = true;
	my_push(s, MY_LOGIN, NULL, NULL, false, false, at);
	if (!ex)
		return;
	ex->request_bytes += m->total;
	startup(s, ex, "user", user);
	startup(s, ex, "database", database);
}

/* The other ways give nothing away. */
static void secret(struct my_state *s, const struct my_message *m, struct stamp at)
{
	struct exchange *ex = my_asking(s, at);
	struct slice text = slice_of(m->body.ptr, m->body.len - (m->body.len > 0));

	if (!ex)
		return;
	ex->request_bytes += m->total;
	if (s->ask_plain && text.len && !m->body.ptr[text.len] && value_text(text).type == VALUE_STRING)
		password_tell(s->sink, ex, s->front, text);
	s->ask_plain = false;
}

/* ---- messages ---- */

static void command(struct my_state *s, const struct my_message *m, struct stamp at)
{
	struct reader r = { m->body, false };
	uint8_t what = (uint8_t)my_little(&r, 1);

	if (s->login && my_first(s) && my_first(s)->kind == MY_LOGIN) {	/* its answer was lost */
		s->login = false;
		my_give_up(s, true, at);
	}
	switch (what) {
	case COM_QUERY: query(s, m, &r, at); break;
	case COM_STMT_PREPARE: prepare(s, m, r.left, at); break;
	case COM_STMT_EXECUTE: execute(s, m, &r, at); break;
	case COM_BULK_EXECUTE: execute_bulk(s, m, &r, at); break;
	case COM_STMT_SEND_LONG_DATA: long_data(s, m, &r, at); break;
	case COM_STMT_CLOSE: close_one(s, &r); break;
	case COM_CHANGE_USER: change_user(s, m, &r, at); break;
	case COM_BINLOG_DUMP: case COM_BINLOG_DUMP_GTID: s->replicates = true; break;
	default: other(s, m, what, &r, at); break;
	}
}

void my_front(struct my_state *s, const struct my_message *m, struct stamp at)
{
	struct my_item *first = my_first(s);

	s->sides[s->front].after_gap = false;
	if (!m->seq) {
		if (m->body.len)
			command(s, m, at);
	} else if (!s->login && m->seq <= 2 && m->body.len >= 32 && !first) {
		log_in(s, m, at);
	} else if (s->login) {
		secret(s, m, at);
	} else if (first && s->answer == ANSWER_FILE && first->owed.ex) {
		first->owed.ex->request_bytes += m->total;
		copy_text(s->sink, &s->file, first->owed.ex, first->owed.statement, m->body.len ? m->body : SLICE(""), s->front, !m->body.len);
	}
}
