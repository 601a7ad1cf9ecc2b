/* SPDX-License-Identifier: Apache-2.0 */
/* database.c - statements and their columns, values as fields, and who waits for which answer. */
#include "protocol/database.h"

#include <stdio.h>
#include <string.h>

#include "base/budget.h"

/* ---- names ---- */

void raw_name(char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	if (n)
		memcpy(out, raw.ptr, n);
	out[n] = 0;
}

bool raw_named(const char *have, struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	return !have[n] && (!n || !strncmp(have, (const char *)raw.ptr, n));
}

struct columns *columns_new(unsigned nr)
{
	struct columns *c;

	nr = nr < COLUMNS_NAMED ? nr : COLUMNS_NAMED;
	c = budget_alloc(sizeof(*c) + nr * sizeof(c->column[0]));
	if (c)
		c->nr = nr;
	return c;
}

void columns_free(struct columns *c)
{
	size_t size = c ? sizeof(*c) + c->nr * sizeof(c->column[0]) : 0;

	if (!c)
		return;
	explicit_bzero(c, size);	/* names may be what a client wrote */
	budget_free(c, size);
}

void column_name(const struct field_sink *sink, struct column *c, const char *what, struct slice raw)
{
	char name[NAME_SIZE];

	sink->clean(sink->owner, name, raw);
	snprintf(c->path, sizeof(c->path), "%s.%s", what, name);
}

/* ---- fields ---- */

void column_tell(const struct field_sink *sink, struct exchange *ex, const struct place *p, struct value v, bool cut)
{
	char path[32];
	const char *name = p->column && p->column->path[0] ? strchr(p->column->path, '.') + 1 : NULL;
	struct field f = {
		.location = p->location, .dir = p->dir, .path = name ? p->column->path : path,
		.key = name ? slice_of(name, strlen(name)) : (struct slice){ 0 },
		.parent = name ? slice_of(p->table, strlen(p->table)) : (struct slice){ 0 }, .value = v.text, .siblings = p->nr,
		.type = (uint8_t)v.type, .text = v.free_text, .cut = cut,
	};

	if (!name)
		snprintf(path, sizeof(path), "%s.$%u", p->what, p->nr + 1);
	sink->field(sink->owner, ex, &f);
}

void text_tell(const struct field_sink *sink, struct exchange *ex, const char *path, struct slice key, enum dir dir, enum location location,
	       struct slice value)
{
	struct field f = { .location = location, .dir = dir, .path = path, .key = key, .value = value, .text = !key.len };

	if (value.len)
		sink->field(sink->owner, ex, &f);
}

void named_tell(const struct field_sink *sink, struct exchange *ex, const char *what, struct slice name, enum dir dir, enum location location,
		struct slice value)
{
	char cleaned[NAME_SIZE], path[PATH_SIZE];

	sink->clean(sink->owner, cleaned, name);
	path_append(path, path_append(path, path_append(path, 0, what), "."), cleaned);
	text_tell(sink, ex, path, name, dir, location, value);
}

void password_tell(const struct field_sink *sink, struct exchange *ex, enum dir dir, struct slice value)
{
	static const char path[] = "startup.password";

	text_tell(sink, ex, path, slice_of(path + 8, sizeof(path) - 9), dir, LOC_REQUEST_HEADER, value);
}

bool database_affords(const struct field_sink *sink, struct exchange *ex, size_t bytes, unsigned ns)
{
	if (!sink->afford || sink->afford(sink->owner, (int64_t)(bytes * ns)))
		return true;
	if (ex && ex->inspected == INSPECTED_FULL)
		ex->inspected = INSPECTED_PARTIAL;
	return false;
}

uint16_t database_status(struct slice state)
{
	static const struct { const char *begins; uint16_t status; } rows[] = {
		{ "42501", 403 }, { "57014", 499 }, { "28", 401 }, { "3D", 404 }, { "42P01", 404 }, { "42S02", 404 }, { "23", 409 }, { "40", 409 },
		{ "0A", 501 }, { "53", 503 }, { "57", 503 }, { "08", 502 }, { "58", 500 }, { "XX", 500 }, { "F0", 500 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (state.len >= strlen(rows[i].begins) && !memcmp(state.ptr, rows[i].begins, strlen(rows[i].begins)))
			return rows[i].status;
	return 400;
}

/* ---- values ---- */

struct value value_written(char room[VALUE_ROOM], int n, enum value_type type)
{
	return (struct value){ slice_of(room, n > 0 && n < VALUE_ROOM ? (size_t)n : 0), type, false };
}

struct value value_bytes(struct slice raw)
{
	return (struct value){ raw, VALUE_BYTES, false };
}

static inline bool is_written_byte(uint8_t c)
{
	return (c >= 0x20) | (c == '\t') | (c == '\r') | (c == '\n');
}

struct value value_text(struct slice raw)
{
	uint8_t written = 1;
	size_t i = 0;

	for (; written && raw.len - i >= 64; i += 64)	/* many at once */
		for (size_t k = 0; k < 64; k++)
			written &= is_written_byte(raw.ptr[i + k]);
	for (; written && i < raw.len; i++)
		written = is_written_byte(raw.ptr[i]);
	return written ? (struct value){ raw, VALUE_STRING, false } : value_bytes(raw);
}

struct value value_integer(char room[VALUE_ROOM], int64_t v)
{
	return value_written(room, snprintf(room, VALUE_ROOM, "%lld", (long long)v), VALUE_NUMBER);
}

struct value value_real(char room[VALUE_ROOM], uint64_t bits, bool single)
{
	uint32_t half = (uint32_t)bits;
	double v;
	float f;

	memcpy(&v, &bits, sizeof(v));
	memcpy(&f, &half, sizeof(f));
	return value_written(room, snprintf(room, VALUE_ROOM, "%.15g", single ? (double)f : v), VALUE_NUMBER);
}

/* ---- statements ---- */

struct statement *statement_new(void)
{
	struct statement *st = budget_alloc(sizeof(*st));

	if (st)
		st->refs = 1;
	return st;
}

struct statement *statement_hold(struct statement *st)
{
	if (st)
		st->refs++;
	return st;
}

void statement_put(struct statement *st)
{
	if (!st || --st->refs)
		return;
	columns_free(st->params);
	columns_free(st->rows);
	explicit_bzero(st, sizeof(*st));
	budget_free(st, sizeof(*st));
}

struct naming { const struct field_sink *sink; struct statement *statement; };

static void on_param(void *owner, unsigned number, struct slice key)
{
	struct naming *n = owner;
	struct columns *params = n->statement->params;

	if (params && number && number <= params->nr && key.len && !params->column[number - 1].path[0])
		column_name(n->sink, &params->column[number - 1], "bind", key);
}

static void copy_columns(const struct field_sink *sink, struct statement *st, const struct sql_statement *read)
{
	if (!read->copy.is_copy || !read->nr_columns)
		return;
	st->rows = columns_new(read->nr_columns);
	for (unsigned i = 0; st->rows && i < st->rows->nr; i++)
		column_name(sink, &st->rows->column[i], "copy", read->columns[i]);
}

struct statement *statement_read(const struct field_sink *sink, struct sql_reader *r, struct exchange *ex, unsigned params)
{
	struct statement *st = statement_new();
	struct naming naming = { sink, st };
	struct sql_statement read;

	if (!st)
		return NULL;
	if (params)
		st->params = columns_new(params);
	r->param = on_param;
	r->owner = &naming;
	sql_read(r, ex, &read);
	memcpy(st->method, read.method, sizeof(st->method));
	memcpy(st->route, read.route, sizeof(st->route));
	raw_name(st->table, read.table);
	st->copy = read.copy;
	copy_columns(sink, st, &read);
	if (ex) {
		memcpy(ex->method, st->method, sizeof(ex->method));
		memcpy(ex->route, st->route, sizeof(ex->route));
	}
	return st;
}

void statement_trim(struct statement *st, unsigned params)
{
	struct columns *all = st->params;
	unsigned nr = all ? all->nr : 0;

	while (nr > params && !all->column[nr - 1].path[0])
		nr--;
	st->params = nr ? columns_new(nr) : NULL;
	if (st->params)
		memcpy(st->params->column, all->column, nr * sizeof(all->column[0]));
	columns_free(all);
}

struct statement *statements_find(struct statements *s, struct slice name)
{
	for (unsigned i = 0; i < STATEMENTS_MAX && s->kept[i]; i++)
		if (raw_named(s->kept[i]->name, name)) {
			s->kept[i]->used = ++s->uses;
			return s->kept[i];
		}
	return NULL;
}

/* The used entries stand in front, without holes. */
void statements_forget(struct statements *s, struct slice name)
{
	unsigned i = 0, last;

	while (i < STATEMENTS_MAX && s->kept[i] && !raw_named(s->kept[i]->name, name))
		i++;
	if (i == STATEMENTS_MAX || !s->kept[i])
		return;
	for (last = i; last + 1 < STATEMENTS_MAX && s->kept[last + 1];)
		last++;
	statement_put(s->kept[i]);
	s->kept[i] = s->kept[last];
	s->kept[last] = NULL;
}

void statements_keep(struct statements *s, struct slice name, struct statement *st)
{
	unsigned i = 0, oldest = 0;

	raw_name(st->name, name);
	st->used = ++s->uses;
	for (; i < STATEMENTS_MAX && s->kept[i] && !raw_named(s->kept[i]->name, name); i++)
		if (s->kept[i]->used < s->kept[oldest]->used)
			oldest = i;
	if (i == STATEMENTS_MAX)
		i = oldest;
	statement_put(s->kept[i]);
	s->kept[i] = st;
}

void statements_free(struct statements *s)
{
	for (unsigned i = 0; i < STATEMENTS_MAX; i++) {
		statement_put(s->kept[i]);
		s->kept[i] = NULL;
	}
}

/* ---- rows as lines ---- */

/* One value of a line: quotes and backslashes undone in place. Returns what is behind it. */
static uint8_t *copy_value(uint8_t *p, uint8_t *end, const struct sql_copy *how, struct slice *value)
{
	uint8_t *from = p, *to = p;
	bool quoted = false;

	for (; p < end; p++) {
		if (how->csv && *p == '"') {
			if (quoted && end - p > 1 && p[1] == '"')
				*to++ = *p++;
			else
				quoted = !quoted;
		} else if (*p == how->delimiter && !quoted) {
			break;
		} else if (!how->csv && *p == '\\' && end - p > 1) {
			p++;
			*to++ = *p == 't' ? '\t' : *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p;
			if (*p == 'N' && p == from + 1)
				to = from;	/* no value */
		} else {
			*to++ = *p;
		}
	}
	*value = slice_of(from, (size_t)(to - from));
	return p < end ? p + 1 : end;
}

static void copy_line(const struct field_sink *sink, struct copy *c, struct exchange *ex, const struct statement *st, enum dir dir)
{
	uint8_t *p = c->line.ptr, *end = p + c->line.len;
	bool header = st->copy.csv && st->copy.header && !c->rows++, asked = (ex->conn.role == ROLE_CLIENT) == (dir == DIR_SENT);
	struct place place = { .table = st->table, .what = "copy", .dir = dir, .location = asked ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY };

	if (end > p && end[-1] == '\r')
		end--;
	if (header || (end - p == 2 && !memcmp(p, "\\.", 2)) || !database_affords(sink, ex, c->line.len, ROW_COST))
		return;
	for (unsigned i = 0; p < end; i++) {
		struct slice value;

		p = copy_value(p, end, &st->copy, &value);
		place.nr = i;
		place.column = st->rows && i < st->rows->nr ? &st->rows->column[i] : NULL;
		if (value.len)
			column_tell(sink, ex, &place, (struct value){ value, VALUE_STRING, false }, c->cut && p == end);
	}
}

void copy_text(const struct field_sink *sink, struct copy *c, struct exchange *ex, const struct statement *st, struct slice data, enum dir dir,
	       bool end)
{
	const struct sql_copy *how = &st->copy;
	struct buf *b = &c->line;
	size_t more;

	b->max = COPY_LINE;
	for (size_t at = 0, from = 0; at <= data.len; at++) {
		bool last = at == data.len, stop = !last && data.ptr[at] == '\n';

		if (!last && how->csv && data.ptr[at] == '"')
			c->quoted = !c->quoted;
		if (!last && (!stop || c->quoted))
			continue;
		more = at - from < COPY_LINE - b->len ? at - from : COPY_LINE - b->len;
		if (buf_add(b, data.ptr + from, more) || more < at - from)
			c->cut = true;
		from = at + 1;
		if (last && !end)
			break;
		if (b->len)
			copy_line(sink, c, ex, st, dir);
		if (c->cut)
			ex->inspected = INSPECTED_PARTIAL;
		c->cut = false;
		buf_reset(b);
	}
	if (!b->len || end)
		buf_free(b);
	c->quoted &= !end;
}

void copy_end(struct copy *c)
{
	buf_free(&c->line);
	c->quoted = c->cut = false;
	c->rows = 0;
}

/* ---- who waits ---- */

struct exchange *database_exchange(uint8_t role, struct stamp at)
{
	struct exchange *ex = protocol_exchange();

	if (!ex)
		return NULL;
	ex->began = at.time;
	ex->auth = AUTH_DATABASE;
	ex->conn.role = role;
	return ex;
}

void database_emit(struct session *session, struct exchange *ex, struct stamp at)
{
	session_emit(session, ex, at);
	budget_free(ex, sizeof(*ex));
}

static struct owed *owed_at(struct ring *r, unsigned i)
{
	return (struct owed *)(void *)(r->items + (size_t)((r->head + i) & (r->room - 1)) * r->size);
}

void *ring_at(struct ring *r, unsigned i)
{
	return i < r->nr ? owed_at(r, i) : NULL;
}

static bool make_room(struct ring *r)
{
	unsigned room = r->room ? r->room * 2 : 8;
	uint8_t *more;

	if (r->nr < r->room)
		return true;
	more = r->room < WAITING_MAX ? budget_room((size_t)room * r->size) : NULL;
	if (!more)
		return false;
	for (unsigned i = 0; i < r->nr; i++)
		memcpy(more + (size_t)i * r->size, owed_at(r, i), r->size);
	budget_free(r->items, (size_t)r->room * r->size);
	r->items = more;
	r->head = 0;
	r->room = room;
	return true;
}

void ring_fold(struct ring *r, struct owed owed)
{
	for (unsigned i = r->nr; i-- > 0;)
		if (owed_at(r, i)->ex) {
			owed_at(r, i)->extra++;
			break;
		}
	budget_free(owed.ex, sizeof(*owed.ex));
	statement_put(owed.statement);
}

void *ring_push(struct ring *r, struct owed owed)
{
	struct owed *item;

	if ((owed.ex && r->exchanges >= PROTOCOL_PENDING) || !make_room(r)) {
		if (owed.ex)
			ring_fold(r, owed);
		else
			statement_put(owed.statement);
		return NULL;
	}
	item = owed_at(r, r->nr++);
	memset(item, 0, r->size);
	*item = owed;
	r->exchanges += owed.ex != NULL;
	return item;
}

void ring_drop(struct ring *r)
{
	struct owed *first = owed_at(r, 0);

	r->exchanges -= first->ex != NULL;
	budget_free(first->ex, sizeof(*first->ex));
	statement_put(first->statement);
	r->head = (r->head + 1) & (r->room - 1);
	if (--r->nr)
		return;
	budget_free(r->items, (size_t)r->room * r->size);	/* most connections rest */
	r->items = NULL;
	r->room = r->head = 0;
}

void owed_answered(struct owed *o, struct stamp at)
{
	if (!o->answered && o->asked && at.time > o->asked && o->ex) {
		uint64_t us = (at.time - o->asked) / 1000;

		o->ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	}
	o->answered = true;
}

void ring_interval(struct ring *r, struct session *session, struct stamp at)
{
	for (unsigned i = 0; i < r->nr; i++) {
		struct owed *o = ring_at(r, i);

		if (o->ex)
			session_emit_part(session, o->ex, at);
	}
}

bool owed_emit(struct owed *o, struct session *session, struct stamp at)
{
	uint8_t role = o->ex->conn.role;

	session_emit(session, o->ex, at);
	if (!o->extra)
		return false;
	o->extra--;
	exchange_begin(o->ex);
	o->ex->began = o->asked;
	o->ex->auth = AUTH_DATABASE;
	o->ex->conn.role = role;
	if (o->statement) {
		memcpy(o->ex->method, o->statement->method, sizeof(o->ex->method));
		memcpy(o->ex->route, o->statement->route, sizeof(o->ex->route));
	}
	o->answered = false;
	return true;
}
