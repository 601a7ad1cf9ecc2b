/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_back.c - what PostgreSQL servers answer: columns and rows, COPY, errors. A row is told
 * when it comes; nothing of a result is held but the names of its columns. */
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/postgres.h"

/* ---- fields ---- */

void pg_tell(struct pg_state *s, struct exchange *ex, const struct statement *st, const struct column *c, const char *what, unsigned place,
	     enum dir dir, enum location location, struct value v, bool cut)
{
	struct place p = { st ? st->table : "", c, what, place, dir, location };

	column_tell(s->sink, ex, &p, v, cut);
}

static bool affords(struct pg_state *s, size_t bytes, struct exchange *ex)
{
	return database_affords(s->sink, ex, bytes, ROW_COST);
}

/* ---- results ---- */

static void row_description(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct reader r = { m->body, false };
	unsigned nr = reader_number(&r, 2);
	struct pg_item *item = pg_first(s);
	bool described = item && item->kind == PG_DESCRIBE;
	struct columns *rows = columns_new(nr);

	if (!described)
		item = pg_answered(s, at);
	for (unsigned i = 0; rows && i < nr && i < rows->nr && !r.failed; i++) {
		struct column *c = &rows->column[i];
		struct slice name = reader_string(&r);

		if (!r.failed)
			column_name(s->sink, c, "row", name);
		reader_take(&r, 6);	/* table, number in it */
		c->type = reader_number(&r, 4);
		reader_take(&r, 6);	/* size, modifier */
		c->binary = reader_number(&r, 2) == 1;
	}
	if (item && item->owed.statement) {
		columns_free(item->owed.statement->rows);
		item->owed.statement->rows = rows;
		rows = NULL;
	}
	columns_free(rows);
	if (described)
		ring_drop(&s->items);
}

static void parameter_description(struct pg_state *s, const struct pg_message *m)
{
	struct reader r = { m->body, false };
	unsigned nr = reader_number(&r, 2);
	struct pg_item *item = pg_first(s);
	struct columns *params = item && item->kind == PG_DESCRIBE && item->owed.statement ? item->owed.statement->params : NULL;

	for (unsigned i = 0; params && i < nr && i < params->nr && !r.failed; i++)
		params->column[i].type = reader_number(&r, 4);
}

static void data_row(struct pg_state *s, const struct pg_message *m, struct pg_item *item)
{
	struct reader r = { m->body, false };
	unsigned nr = reader_number(&r, 2);
	const struct columns *rows = item->owed.statement->rows;

	if (!affords(s, m->body.len, item->owed.ex))
		return;
	for (unsigned i = 0; i < nr && !r.failed; i++) {
		const struct column *c = rows && i < rows->nr ? &rows->column[i] : NULL;
		int32_t len = (int32_t)reader_number(&r, 4);
		bool cut = len > 0 && m->cut && (size_t)len > r.left.len;
		struct slice raw = len > 0 ? reader_take(&r, cut ? r.left.len : (size_t)len) : (struct slice){ 0 };
		bool binary = item->formats.known ? pg_format(&item->formats, i) : c && c->binary;
		char room[VALUE_ROOM];

		if (raw.len)
			pg_tell(s, item->owed.ex, item->owed.statement, c, "row", i, !s->front, LOC_RESPONSE_BODY,
				postgres_value(c ? c->type : 0, binary || (!c && !item->formats.known), raw, room), cut);
	}
}

static void complete(struct pg_state *s, const struct pg_message *m, struct pg_item *item, struct stamp at)
{
	sql_command(item->owed.ex->method, m->body);
	pg_finish(s, item, STATUS_DONE, at);
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
		struct slice text = reader_string(&r);

		if (r.failed)
			break;
		if (code == 'C')
			status = database_status(text);
		for (size_t i = 0; ex && i < sizeof(told) / sizeof(told[0]); i++)
			if (code == (uint8_t)told[i].code)
				text_tell(s->sink, ex, told[i].path, (struct slice){ 0 }, !s->front, LOC_RESPONSE_BODY, text);
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
		ring_drop(&s->items);
	if (first && first->kind == PG_RESULT) {
		first = pg_answered(s, at);
		first->owed.ex->response_bytes += m->total;
		pg_finish(s, first, error_fields(s, m, first->owed.ex), at);
		return;
	}
	if (!first || !ex)
		return;
	s->asking = NULL;
	if (!ex->method[0])
		word_set(ex->method, "LOGIN");
	ex->response_bytes += m->total;
	ex->status = error_fields(s, m, ex);
	database_emit(s->session, ex, at);
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
	channel = reader_string(&r);
	payload = reader_string(&r);
	word_set(ex->method, "NOTIFY");
	s->sink->clean(s->sink->owner, ex->route, channel);
	ex->response_bytes = m->total;
	text_tell(s->sink, ex, "notify", (struct slice){ 0 }, !s->front, LOC_RESPONSE_BODY, payload);
	database_emit(s->session, ex, at);
}

static void function_result(struct pg_state *s, const struct pg_message *m, struct pg_item *item, struct stamp at)
{
	struct reader r = { m->body, false };
	struct slice raw = reader_vector(&r, 4);
	char room[VALUE_ROOM];

	if (raw.len)
		pg_tell(s, item->owed.ex, NULL, NULL, "row", 0, !s->front, LOC_RESPONSE_BODY, postgres_value(0, true, raw, room), false);
	pg_finish(s, item, STATUS_DONE, at);
}

/* ---- COPY ---- */

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
	const struct statement *st = item->owed.statement;
	struct buf *b = &s->copy.line;
	size_t used = 0;

	b->max = PROTOCOL_BODY_HELD;
	if (buf_add(b, data.ptr, data.len))
		item->owed.ex->inspected = INSPECTED_PARTIAL;
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
		if (!binary_row_there(r, nr) || !affords(s, nr, item->owed.ex))
			break;
		for (unsigned i = 0; i < nr; i++) {
			int32_t len = (int32_t)reader_number(&r, 4);
			struct slice raw = reader_take(&r, len > 0 ? (size_t)len : 0);
			char room[VALUE_ROOM];

			if (raw.len)
				pg_tell(s, item->owed.ex, st, st->rows && i < st->rows->nr ? &st->rows->column[i] : NULL, "copy", i, dir,
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
	if (!item->owed.statement->copy.is_copy)	/* not seen asked: rows are told whole */
		item->owed.statement->copy = (struct sql_copy){ .is_copy = true, .delimiter = '\t', .binary = item->owed.statement->copy.binary };
	if (!item->owed.statement->copy.binary)
		copy_text(s->sink, &s->copy, item->owed.ex, item->owed.statement, data, dir, end);
	else if (end)
		buf_free(&s->copy.line);
	else
		copy_binary(s, item, data, dir);
}

/* ---- messages ---- */

static void result_message(struct pg_state *s, const struct pg_message *m, struct stamp at)
{
	struct pg_item *item = pg_answered(s, at);

	if (!item)
		return;
	item->owed.ex->response_bytes += m->total;
	if (m->cut && item->owed.ex->inspected == INSPECTED_FULL)
		item->owed.ex->inspected = INSPECTED_PARTIAL;
	switch (m->type) {
	case 'D': data_row(s, m, item); break;
	case 'C': complete(s, m, item, at); break;
	case 'I': case 's': pg_finish(s, item, STATUS_DONE, at); break;
	case 'V': function_result(s, m, item, at); break;
	case 'G': case 'H': item->owed.statement->copy.binary = m->body.len && m->body.ptr[0]; break;
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
		for (bool lost = side->after_gap; s->items.nr && lost;)
			pg_ready(s, true, at);
		pg_ready(s, false, at);
		break;
	case 'T':
		if (first && first->kind == PG_RESULT)
			first->owed.ex->response_bytes += m->total;
		row_description(s, m, at);
		break;
	case 't': parameter_description(s, m); break;
	case 'n':
		if (first && first->kind == PG_DESCRIBE)
			ring_drop(&s->items);
		break;
	case 'E': error(s, m, at); break;
	case 'N':
		if (first && first->kind == PG_RESULT)
			error_fields(s, m, first->owed.ex);
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
