/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_back.c - what PostgreSQL servers answer: columns and rows, COPY, errors. A row is told
 * when it comes; nothing of a result is held but the names of its columns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/postgres.h"

/* ---- fields ---- */

void pg_column_name(struct pg_state *s, struct pg_column *c, const char *what, struct slice raw)
{
	char name[NAME_SIZE];

	s->sink->clean(s->sink->owner, name, raw);
	snprintf(c->path, sizeof(c->path), "%s.%s", what, name);
}

void pg_tell(struct pg_state *s, struct exchange *ex, const struct pg_statement *st, const struct pg_column *c, const char *what, unsigned place,
	     enum dir dir, enum location location, struct value v, bool cut)
{
	char path[32];
	const char *name = c && c->path[0] ? strchr(c->path, '.') + 1 : NULL;
	struct field f = {
		.location = location, .dir = dir, .path = name ? c->path : path, .key = name ? slice_of(name, strlen(name)) : (struct slice){ 0 },
		.parent = st && name ? slice_of(st->table, strlen(st->table)) : (struct slice){ 0 }, .value = v.text, .siblings = place,
		.type = (uint8_t)v.type, .text = v.free_text, .cut = cut,
	};

	if (!name)
		snprintf(path, sizeof(path), "%s.$%u", what, place + 1);
	s->sink->field(s->sink->owner, ex, &f);
}

void pg_tell_text(struct pg_state *s, struct exchange *ex, const char *path, struct slice key, enum dir dir, enum location location,
		  struct slice value)
{
	struct field f = { .location = location, .dir = dir, .path = path, .key = key, .value = value, .text = !key.len };

	if (value.len)
		s->sink->field(s->sink->owner, ex, &f);
}

static bool affords(struct pg_state *s, size_t bytes, struct exchange *ex)
{
	if (!s->sink->afford || s->sink->afford(s->sink->owner, (int64_t)(bytes * PG_COST)))
		return true;
	if (ex->inspected == INSPECTED_FULL)
		ex->inspected = INSPECTED_PARTIAL;
	return false;
}

/* ---- results ---- */

static void row_description(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct reader r = { m->body, false };
	unsigned nr = reader_number(&r, 2);
	struct pg_item *item = pg_first(s);
	bool described = item && item->kind == PG_DESCRIBE;
	struct pg_columns *rows = pg_columns_new(nr);

	if (!described)
		item = pg_answered(s, at);
	for (unsigned i = 0; rows && i < nr && i < rows->nr && !r.failed; i++) {
		struct pg_column *c = &rows->column[i];
		struct slice name = pg_string(&r);

		if (!r.failed)
			pg_column_name(s, c, "row", name);
		reader_take(&r, 6);	/* table, number in it */
		c->type = reader_number(&r, 4);
		reader_take(&r, 6);	/* size, modifier */
		c->binary = reader_number(&r, 2) == 1;
	}
	if (item && item->statement) {
		pg_columns_free(item->statement->rows);
		item->statement->rows = rows;
		rows = NULL;
	}
	pg_columns_free(rows);
	if (described)
		pg_drop_first(s);
}

static void parameter_description(struct pg_state *s, const struct pg_message *m)
{
	struct reader r = { m->body, false };
	unsigned nr = reader_number(&r, 2);
	struct pg_item *item = pg_first(s);
	struct pg_columns *params = item && item->kind == PG_DESCRIBE && item->statement ? item->statement->params : NULL;

	for (unsigned i = 0; params && i < nr && i < params->nr && !r.failed; i++)
		params->column[i].type = reader_number(&r, 4);
}

static void data_row(struct pg_state *s, const struct pg_message *m, struct pg_item *item)
{
	struct reader r = { m->body, false };
	unsigned nr = reader_number(&r, 2);
	const struct pg_columns *rows = item->statement->rows;

	if (!affords(s, m->body.len, item->ex))
		return;
	for (unsigned i = 0; i < nr && !r.failed; i++) {
		const struct pg_column *c = rows && i < rows->nr ? &rows->column[i] : NULL;
		int32_t len = (int32_t)reader_number(&r, 4);
		bool cut = len > 0 && m->cut && (size_t)len > r.left.len;
		struct slice raw = len > 0 ? reader_take(&r, cut ? r.left.len : (size_t)len) : (struct slice){ 0 };
		bool binary = item->formats.known ? pg_format(&item->formats, i) : c && c->binary;
		char room[VALUE_ROOM];

		if (raw.len)
			pg_tell(s, item->ex, item->statement, c, "row", i, !s->front, LOC_RESPONSE_BODY,
				postgres_value(c ? c->type : 0, binary || (!c && !item->formats.known), raw, room), cut);
	}
}

static void complete(struct pg_state *s, const struct pg_message *m, struct pg_item *item, struct stamp at)
{
	sql_command(item->ex->method, m->body);
	pg_finish(s, item, PG_STATUS_DONE, at);
}

/* SQLSTATE's classes in HTTP's numbers, which policies know. */
static uint16_t status_of(struct slice state)
{
	static const struct { const char *begins; uint16_t status; } rows[] = {
		{ "42501", 403 }, { "57014", 499 }, { "28", 401 }, { "3D", 404 }, { "42P01", 404 }, { "23", 409 }, { "40", 409 },
		{ "0A", 501 }, { "53", 503 }, { "57", 503 }, { "08", 502 }, { "58", 500 }, { "XX", 500 }, { "F0", 500 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (state.len >= strlen(rows[i].begins) && !memcmp(state.ptr, rows[i].begins, strlen(rows[i].begins)))
			return rows[i].status;
	return 400;
}

/* What it says may hold values: "Key (email)=(…) already exists." Fields of ex where there is one. */
static uint16_t error_fields(struct pg_state *s, const struct pg_message *m, struct exchange *ex)
{
	static const struct { char code; const char *path; } told[] = {
		{ 'M', "error.message" }, { 'D', "error.detail" }, { 'H', "error.hint" }, { 'W', "error.context" }, { 'q', "error.query" },
	};
	struct reader r = { m->body, false };
	uint16_t status = 400;

	while (r.left.len && r.left.ptr[0]) {
		uint32_t code = reader_number(&r, 1);
		struct slice text = pg_string(&r);

		if (r.failed)
			break;
		if (code == 'C')
			status = status_of(text);
		for (size_t i = 0; ex && i < sizeof(told) / sizeof(told[0]); i++)
			if (code == (uint8_t)told[i].code)
				pg_tell_text(s, ex, told[i].path, (struct slice){ 0 }, !s->front, LOC_RESPONSE_BODY, text);
	}
	return status;
}

/* Of what waits first in its group; else of a log-in or a Parse that has no Execute; else it is
 * no answer: a server that goes down. */
static void error(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct exchange *ex = s->asking;
	struct pg_item *first;

	while ((first = pg_first(s)) && first->kind == PG_DESCRIBE)
		pg_drop_first(s);
	if (first && first->kind == PG_RESULT) {
		first = pg_answered(s, at);
		first->ex->response_bytes += m->total;
		pg_finish(s, first, error_fields(s, m, first->ex), at);
		return;
	}
	if (!first || !ex)
		return;
	s->asking = NULL;
	if (!ex->method[0])
		snprintf(ex->method, sizeof(ex->method), "LOGIN");
	ex->response_bytes += m->total;
	ex->status = error_fields(s, m, ex);
	pg_emit(s, ex, at);
}

/* Tells all who listen; nobody asked. */
static void notification(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct reader r = { m->body, false };
	struct exchange *ex = pg_exchange(s, at);
	struct slice channel, payload;

	if (!ex)
		return;
	reader_take(&r, 4);
	channel = pg_string(&r);
	payload = pg_string(&r);
	snprintf(ex->method, sizeof(ex->method), "NOTIFY");
	s->sink->clean(s->sink->owner, ex->route, channel);
	ex->response_bytes = m->total;
	pg_tell_text(s, ex, "notify", (struct slice){ 0 }, !s->front, LOC_RESPONSE_BODY, payload);
	pg_emit(s, ex, at);
}

static void function_result(struct pg_state *s, const struct pg_message *m, struct pg_item *item, struct stamp at)
{
	struct reader r = { m->body, false };
	struct slice raw = reader_vector(&r, 4);
	char room[VALUE_ROOM];

	if (raw.len)
		pg_tell(s, item->ex, NULL, NULL, "row", 0, !s->front, LOC_RESPONSE_BODY, postgres_value(0, true, raw, room), false);
	pg_finish(s, item, PG_STATUS_DONE, at);
}

/* ---- COPY ---- */

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

static void copy_line(struct pg_state *s, struct pg_item *item, uint8_t *line, size_t len, enum dir dir, bool cut)
{
	const struct pg_statement *st = item->statement;
	uint8_t *p = line, *end = line + len;
	bool header = st->copy.csv && st->copy.header && !s->copied++;

	if (len && end[-1] == '\r')
		end--;
	if (header || (end - p == 2 && !memcmp(p, "\\.", 2)) || !affords(s, len, item->ex))
		return;
	for (unsigned i = 0; p < end; i++) {
		struct slice value;

		p = copy_value(p, end, &st->copy, &value);
		if (value.len)
			pg_tell(s, item->ex, st, st->rows && i < st->rows->nr ? &st->rows->column[i] : NULL, "copy", i, dir,
				dir == s->front ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY, (struct value){ value, VALUE_STRING, false }, cut && p == end);
	}
}

/* A row of text ends at a line end outside of quotes. */
static void copy_text(struct pg_state *s, struct pg_item *item, struct slice data, enum dir dir, bool end)
{
	const struct sql_copy *how = &item->statement->copy;
	struct buf *b = &s->line;
	size_t more;

	b->max = PG_LINE;
	for (size_t at = 0, from = 0; at <= data.len; at++) {
		bool last = at == data.len, stop = !last && data.ptr[at] == '\n';

		if (!last && how->csv && data.ptr[at] == '"')
			s->copy_quoted = !s->copy_quoted;
		if (!last && (!stop || s->copy_quoted))
			continue;
		more = at - from < PG_LINE - b->len ? at - from : PG_LINE - b->len;
		if (buf_add(b, data.ptr + from, more) || more < at - from)
			s->copy_cut = true;
		from = at + 1;
		if (last && !end)
			break;
		if (b->len)
			copy_line(s, item, b->ptr, b->len, dir, s->copy_cut);
		if (s->copy_cut)
			item->ex->inspected = INSPECTED_PARTIAL;
		s->copy_cut = false;
		buf_reset(b);
	}
	if (!b->len || end)
		buf_free(b);
	s->copy_quoted &= !end;
}

static bool binary_row_there(struct reader r, unsigned nr)
{
	for (unsigned i = 0; i < nr && !r.failed; i++) {
		int32_t len = (int32_t)reader_number(&r, 4);

		reader_take(&r, len > 0 ? (size_t)len : 0);
	}
	return !r.failed;
}

/* "PGCOPY\n\xff\r\n\0", flags, an extension; then rows: how many values, each with its length. */
static void copy_binary(struct pg_state *s, struct pg_item *item, struct slice data, enum dir dir)
{
	static const uint8_t mark[] = "PGCOPY\n\xff\r\n";
	const struct pg_statement *st = item->statement;
	struct buf *b = &s->line;
	size_t used = 0;

	b->max = PROTOCOL_BODY_HELD;
	if (buf_add(b, data.ptr, data.len))
		item->ex->inspected = INSPECTED_PARTIAL;
	while (b->len - used >= 2) {
		struct reader r = { slice_of(b->ptr + used, b->len - used), false };
		unsigned nr;

		if (r.left.len >= sizeof(mark) && !memcmp(r.left.ptr, mark, sizeof(mark))) {
			reader_take(&r, sizeof(mark) + 4);
			reader_vector(&r, 4);
			if (r.failed)
				break;
			used = b->len - r.left.len;
			continue;
		}
		nr = reader_number(&r, 2);
		nr = nr == 0xffff ? 0 : nr;	/* the end */
		if (!binary_row_there(r, nr) || !affords(s, nr, item->ex))
			break;
		for (unsigned i = 0; i < nr; i++) {
			int32_t len = (int32_t)reader_number(&r, 4);
			struct slice raw = reader_take(&r, len > 0 ? (size_t)len : 0);
			char room[VALUE_ROOM];

			if (raw.len)
				pg_tell(s, item->ex, st, st->rows && i < st->rows->nr ? &st->rows->column[i] : NULL, "copy", i, dir,
					dir == s->front ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY, postgres_value(0, true, raw, room), false);
		}
		used = b->len - r.left.len;
	}
	buf_consume(b, used);
}

void pg_copy(struct pg_state *s, struct pg_item *item, struct slice data, enum dir dir, bool end)
{
	if (!data.len)
		data = SLICE("");	/* never a NULL to count from */
	if (!item->statement->copy.is_copy)	/* not seen asked: rows are told whole */
		item->statement->copy = (struct sql_copy){ .is_copy = true, .delimiter = '\t', .binary = item->statement->copy.binary };
	if (!item->statement->copy.binary)
		copy_text(s, item, data, dir, end);
	else if (end)
		buf_free(&s->line);
	else
		copy_binary(s, item, data, dir);
}

/* ---- messages ---- */

static void result_message(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct pg_item *item = pg_answered(s, at);

	if (!item)
		return;
	item->ex->response_bytes += m->total;
	if (m->cut && item->ex->inspected == INSPECTED_FULL)
		item->ex->inspected = INSPECTED_PARTIAL;
	switch (m->type) {
	case 'D': data_row(s, m, item); break;
	case 'C': complete(s, m, item, at); break;
	case 'I': case 's': pg_finish(s, item, PG_STATUS_DONE, at); break;
	case 'V': function_result(s, m, item, at); break;
	case 'G': case 'H': item->statement->copy.binary = m->body.len && m->body.ptr[0]; break;
	case 'd': pg_copy(s, item, m->body, !s->front, false); break;
	case 'c': pg_copy(s, item, (struct slice){ 0 }, !s->front, true); break;
	}
}

void pg_back(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct pg_side *side = &s->sides[!s->front];
	struct pg_item *first;
	struct reader r = { m->body, false };

	if (side->after_gap && m->type != 'Z')
		pg_catch_up(s, at);
	first = pg_first(s);
	switch (m->type) {
	case 'Z':
		for (bool lost = side->after_gap; s->nr && lost;)
			pg_ready(s, true, at);
		pg_ready(s, false, at);
		break;
	case 'T':
		if (first && first->kind == PG_RESULT)
			first->ex->response_bytes += m->total;
		row_description(s, m, at);
		break;
	case 't': parameter_description(s, m); break;
	case 'n':
		if (first && first->kind == PG_DESCRIBE)
			pg_drop_first(s);
		break;
	case 'E': error(s, m, at); break;
	case 'N':
		if (first && first->kind == PG_RESULT)
			error_fields(s, m, first->ex);
		break;
	case 'A': notification(s, m, at); break;
	case 'R': s->plain_password = reader_number(&r, 4) == 3; break;
	case 'W': s->replicates = true; break;
	case 'D': case 'C': case 'I': case 's': case 'V': case 'G': case 'H': case 'd': case 'c':
		result_message(s, m, at);
		break;
	default: break;	/* ParseComplete and its like, settings, the key of this session */
	}
	side->after_gap = false;
}
