/* SPDX-License-Identifier: Apache-2.0 */
/* mysql_back.c - what MySQL servers answer: OK, errors, columns and rows, one answer after the
 * other. A row is told when it comes; nothing of a result is held but the names of its columns. */
#include <stdio.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/mysql.h"

enum { STATUS_MORE_RESULTS = 8, STATUS_CURSOR = 0x40 };
#define MANY	(~0u)	/* columns of which nobody saw how many they are */

/* ---- who waits ---- */

struct exchange *my_exchange(struct my_state *s, struct stamp at)
{
	return database_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);
}

struct exchange *my_asking(struct my_state *s, struct stamp at)
{
	if (!s->asking)
		s->asking = my_exchange(s, at);
	return s->asking;
}

struct my_item *my_first(struct my_state *s)
{
	return ring_at(&s->items, 0);
}

void my_push(struct my_state *s, enum my_kind kind, struct exchange *ex, struct statement *st, bool more, bool binary, struct stamp at)
{
	struct owed owed = { ex, st, at.time, 0, false };
	struct my_item *last = s->items.nr ? ring_at(&s->items, s->items.nr - 1) : NULL, *item;

	if (!ex && kind != MY_PREPARED && kind != MY_LOGIN && kind != MY_SILENT) {	/* no memory for it */
		ring_fold(&s->items, owed);
		return;
	}
	if (!s->items.nr)
		s->answer = ANSWER_FIRST;
	item = ring_push(&s->items, owed);
	if (!item && more && last)
		last->folded += last->owed.ex != NULL;
	if (!item)
		return;
	item->kind = kind;
	item->binary = binary;
	if (more && item != last && s->items.nr > 1)
		((struct my_item *)ring_at(&s->items, s->items.nr - 2))->more = true;
}

void my_give_up(struct my_state *s, bool lost, struct stamp at)
{
	struct my_item *first = my_first(s);
	struct exchange *ex = first->owed.ex;

	if (ex && (lost || ex->nr_findings || first->owed.answered)) {
		ex->has_gap |= lost;
		session_emit(s->session, ex, at);
	}
	ring_drop(&s->items);
	s->answer = ANSWER_FIRST;
}

/* more: the server has another result: of the next statement, or of the same. */
void my_finish(struct my_state *s, struct my_item *item, uint16_t status, bool more, struct stamp at)
{
	bool next = item->more;

	copy_end(&s->file);
	s->answer = ANSWER_FIRST;
	if (more && !next && !item->folded)
		return;
	if (more)
		item->folded -= item->folded > 0;
	else
		item->owed.extra -= item->folded;	/* never ran */
	if (!more)
		item->folded = 0;
	if (item->owed.ex) {
		item->owed.ex->status = status;
		if (owed_emit(&item->owed, s->session, at))
			return;
	}
	ring_drop(&s->items);
	while (!more && next && s->items.nr) {
		next = my_first(s)->more;
		my_give_up(s, false, at);
	}
	if (!s->items.nr && s->asking && !s->asking->nr_findings) {
		budget_free(s->asking, sizeof(*s->asking));	/* most connections rest */
		s->asking = NULL;
	}
}

void my_lost(struct my_state *s, enum dir dir)
{
	struct my_item *first = my_first(s);

	if (dir == s->front && s->asking)
		s->asking->has_gap = 1;
	else if (first && first->owed.ex)
		first->owed.ex->has_gap = 1;
	if (dir != s->front)
		return;
	buf_free(&s->long_data);
	copy_end(&s->file);
	copy_end(&s->file);
}

void my_end(struct my_state *s, struct stamp at)
{
	while (s->items.nr) {
		if (my_first(s)->owed.ex)
			session_emit(s->session, my_first(s)->owed.ex, at);
		ring_drop(&s->items);
	}
	if (s->asking && s->asking->nr_findings)
		session_emit(s->session, s->asking, at);
	budget_free(s->asking, sizeof(*s->asking));
	s->asking = NULL;
}

void my_free(struct my_state *s)
{
	while (s->items.nr)
		ring_drop(&s->items);
	budget_free(s->asking, sizeof(*s->asking));
	s->asking = NULL;
	statements_free(&s->statements);
	statement_put(s->prepared);
	buf_free(&s->long_data);
	copy_end(&s->file);
}

/* ---- errors ---- */

static uint16_t status_of(unsigned code, struct slice state)
{
	static const struct { uint16_t code, status; } rows[] = {
		{ 1040, 503 }, { 1041, 503 }, { 1044, 403 }, { 1045, 401 }, { 1049, 404 }, { 1053, 503 }, { 1129, 403 }, { 1130, 403 }, { 1142, 403 },
		{ 1143, 403 }, { 1205, 409 }, { 1227, 403 }, { 1290, 403 }, { 1317, 499 }, { 1698, 401 }, { 1969, 499 }, { 3024, 499 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return rows[i].status;
	return database_status(state);
}

/* What it says may hold values: "Duplicate entry '…' for key 'email'". A field of ex where there is one. */
static uint16_t error_read(struct my_state *s, const struct my_message *m, struct exchange *ex)
{
	struct reader r = { m->body, false };
	struct slice state = { 0 };
	unsigned code;

	reader_take(&r, 1);
	code = (unsigned)my_little(&r, 2);
	if (r.left.len > 5 && r.left.ptr[0] == '#') {
		reader_take(&r, 1);
		state = reader_take(&r, 5);
	}
	if (ex)
		text_tell(s->sink, ex, "error.message", (struct slice){ 0 }, !s->front, LOC_RESPONSE_BODY, r.left);
	return status_of(code, state);
}

/* Of a log-in, or of what could not be prepared. */
static void refused(struct my_state *s, const struct my_message *m, const struct statement *st, struct stamp at)
{
	struct exchange *ex = my_asking(s, at);

	s->asking = NULL;
	if (!ex)
		return;
	ex->response_bytes += m->total;
	if (st)
		memcpy(ex->method, st->method, sizeof(ex->method));
	if (st)
		memcpy(ex->route, st->route, sizeof(ex->route));
	if (!ex->method[0])
		word_set(ex->method, st ? "PREPARE" : "LOGIN");
	ex->status = error_read(s, m, ex);
	database_emit(s->session, ex, at);
}

/* ---- log-in ---- */

static void login_answer(struct my_state *s, const struct my_message *m, struct stamp at)
{
	struct reader r = { m->body, false };
	uint8_t what = (uint8_t)my_little(&r, 1);
	struct slice plugin;

	switch (what) {
	case 0xfe:
		plugin = reader_string(&r);
		s->ask_plain = (plugin.len == 20 && !memcmp(plugin.ptr, "mysql_clear_password", 20)) || (plugin.len == 6 && !memcmp(plugin.ptr, "dialog", 6));
		return;
	case 1:	/* of caching_sha2: what the server remembers is not enough */
		s->ask_plain = my_little(&r, 1) == 4;
		return;
	case 0xff:
		refused(s, m, NULL, at);
		break;
	case 0:
		if (!s->packing && s->caps & (MY_COMPRESS | MY_ZSTD))
			s->packing = true;
		break;
	default:
		return;
	}
	s->login = false;
	ring_drop(&s->items);
	s->answer = ANSWER_FIRST;
}

/* ---- columns ---- */

/* catalog, schema, table, table before AS, name, name before AS, MariaDB's more, 12, charset, length, type, flags */
static void column_read(struct my_state *s, const struct my_message *m, struct statement *st, struct column *c, const char *what)
{
	struct reader r = { m->body, false };
	struct slice table, name;
	unsigned charset, flags;
	bool cut;

	my_vector(&r, false, &cut);
	my_vector(&r, false, &cut);
	my_vector(&r, false, &cut);
	table = my_vector(&r, false, &cut);
	name = my_vector(&r, false, &cut);
	my_vector(&r, false, &cut);
	if (r.left.len && !(r.left.ptr[0] == 12 && r.left.len <= 13))
		my_vector(&r, false, &cut);
	reader_take(&r, 1);
	charset = (unsigned)my_little(&r, 2);
	reader_take(&r, 4);
	c->type = (uint32_t)my_little(&r, 1) | MY_KNOWN;
	flags = (unsigned)my_little(&r, 2);
	c->type |= (flags & 0x20 ? MY_UNSIGNED : 0) | (charset == 63 ? MY_BINARY : 0);
	if (r.failed)
		c->type = 0;
	if (name.len)
		column_name(s->sink, c, what, name);
	if (!st->table[0])	/* prepared before weir looked */
		raw_name(st->table, table);
	if (!st->route[0] && !st->method[0])
		s->sink->clean(s->sink->owner, st->route, table);
}

/* The next result's; MANY: nobody saw how many. */
static void columns_begin(struct my_state *s, struct statement *st, unsigned nr, bool told)
{
	s->columns = nr;
	s->column = 0;
	s->answer = told ? ANSWER_COLUMNS : ANSWER_COLUMNS_END;
	if (!told)
		return;
	columns_free(st->rows);
	st->rows = nr == MANY ? NULL : columns_new(nr);
}

static void column(struct my_state *s, const struct my_message *m, struct my_item *item)
{
	struct statement *st = item->owed.statement;

	if (st->rows && s->column < st->rows->nr)
		column_read(s, m, st, &st->rows->column[s->column], "row");
	if (item->owed.ex && !item->owed.ex->route[0] && st->route[0] && !st->method[0])
		memcpy(item->owed.ex->route, st->route, sizeof(st->route));
	if (s->columns == MANY || ++s->column < s->columns)
		return;
	s->answer = ANSWER_COLUMNS_END;
	if (item->kind != MY_PREPARED)
		return;
	s->eof_may_follow = true;
	ring_drop(&s->items);
	s->answer = ANSWER_FIRST;
}

static void prepared(struct my_state *s, const struct my_message *m, struct my_item *item)
{
	struct statement *st = item->owed.statement;
	struct reader r = { m->body, false };
	unsigned columns, params;
	char room[16];
	uint32_t id;

	reader_take(&r, 1);
	id = (uint32_t)my_little(&r, 4);
	columns = (unsigned)my_little(&r, 2);
	params = (unsigned)my_little(&r, 2);
	if (!r.failed) {
		st->nr_params = params;
		statement_trim(st, params);
		statements_keep(&s->statements, slice_of(room, (size_t)snprintf(room, sizeof(room), "%u", id)), statement_hold(st));
	}
	if (columns)
		columns_begin(s, st, columns, true);
	s->after = columns;
	if (params) {
		s->columns = params;
		s->column = 0;
		s->answer = ANSWER_PARAMS;
	} else if (!columns) {
		ring_drop(&s->items);
		s->answer = ANSWER_FIRST;
	}
}

/* What is said of parameters says nothing: the client has the types. */
static void param(struct my_state *s)
{
	if (++s->column < s->columns)
		return;
	s->columns = s->after;
	s->column = 0;
	s->answer = ANSWER_COLUMNS;
	if (s->after)
		return;
	s->eof_may_follow = true;
	ring_drop(&s->items);
	s->answer = ANSWER_FIRST;
}

/* ---- rows ---- */

static void row_value(struct my_state *s, struct my_item *item, unsigned i, struct value v, bool cut)
{
	const struct statement *st = item->owed.statement;
	const struct column *c = st->rows && i < st->rows->nr ? &st->rows->column[i] : NULL;
	struct place p = { st->table, c, "row", i, !s->front, LOC_RESPONSE_BODY };

	if (v.text.len && item->owed.ex)
		column_tell(s->sink, item->owed.ex, &p, v, cut);
}

static void text_row(struct my_state *s, const struct my_message *m, struct my_item *item)
{
	const struct columns *rows = item->owed.statement->rows;
	struct reader r = { m->body, false };

	for (unsigned i = 0; r.left.len && !r.failed; i++) {
		struct slice raw;
		bool cut;

		if (r.left.ptr[0] == 0xfb) {
			reader_take(&r, 1);
			continue;
		}
		raw = my_vector(&r, m->cut, &cut);
		if (!r.failed)
			row_value(s, item, i, my_text_value(rows && i < rows->nr ? rows->column[i].type : 0, raw), cut);
	}
}

/* Without the types of all columns nobody knows where one ends: then its texts are told as they stand. */
static void binary_row(struct my_state *s, const struct my_message *m, struct my_item *item)
{
	const struct columns *rows = item->owed.statement->rows;
	struct reader r = { m->body, false };
	struct slice nulls;

	reader_take(&r, 1);
	if (!rows || rows->nr < s->columns) {
		if (item->owed.ex) {
			text_tell(s->sink, item->owed.ex, "row", (struct slice){ 0 }, !s->front, LOC_RESPONSE_BODY, r.left);
			item->owed.ex->inspected = INSPECTED_PARTIAL;
		}
		return;
	}
	nulls = reader_take(&r, (rows->nr + 9) / 8);
	for (unsigned i = 0; i < rows->nr && !r.failed; i++) {
		char room[VALUE_ROOM];
		struct value v;
		bool cut;

		if (nulls.ptr[(i + 2) / 8] >> (i + 2) % 8 & 1)
			continue;
		if (my_value(&r, rows->column[i].type, m->cut, &cut, &v, room))
			row_value(s, item, i, v, cut);
	}
}

/* The status at the end of a result, in either form. */
static unsigned end_status(const struct my_message *m)
{
	struct reader r = { m->body, false };

	reader_take(&r, 1);
	if (m->body.len == 5) {
		reader_take(&r, 2);
	} else {
		my_number(&r);
		my_number(&r);
	}
	return (unsigned)my_little(&r, 2);
}

static bool is_end(const struct my_message *m)
{
	return m->body.len && m->body.ptr[0] == 0xfe && m->total < MY_PACKET_MAX;
}

static void finish_result(struct my_state *s, struct my_item *item, const struct my_message *m, bool rows, struct stamp at)
{
	bool more = end_status(m) & STATUS_MORE_RESULTS;

	/* A procedure's results come before its own OK. */
	if (more && rows && item->owed.ex && !strcmp(item->owed.ex->method, "CALL")) {
		s->answer = ANSWER_FIRST;
		return;
	}
	my_finish(s, item, STATUS_DONE, more, at);
}

static bool is_text(struct slice body)
{
	struct reader r = { body, false };
	bool cut;

	while (r.left.len && !r.failed)
		if (r.left.ptr[0] == 0xfb)
			reader_take(&r, 1);
		else
			my_vector(&r, false, &cut);
	return !r.failed;
}

static void row(struct my_state *s, const struct my_message *m, struct my_item *item, struct stamp at)
{
	if (is_end(m)) {
		finish_result(s, item, m, true, at);
		return;
	}
	if (!item->owed.ex || !database_affords(s->sink, item->owed.ex, m->body.len, ROW_COST))
		return;
	if (item->binary && m->body.len && !m->body.ptr[0] && !(item->unasked && is_text(m->body)))
		binary_row(s, m, item);
	else
		text_row(s, m, item);
}

/* ---- answers ---- */

/* How many columns, and whether they follow: MySQL says that before, MariaDB behind. */
static unsigned column_count(struct slice body, bool *told)
{
	struct reader r = { body, false };
	unsigned nr;

	*told = true;
	if (body.len > 1 && body.ptr[0] <= 1 && (body.len != 2 || body.ptr[1] > 1 || !body.ptr[0])) {
		*told = body.ptr[0];
		reader_take(&r, 1);
	}
	nr = (unsigned)my_number(&r);
	if (r.left.len == 1)
		*told = r.left.ptr[0];
	return nr;
}

static void first_packet(struct my_state *s, const struct my_message *m, struct my_item *item, struct stamp at)
{
	uint8_t what = m->body.ptr[0];
	bool told;
	unsigned nr;

	if (item->kind == MY_STATISTICS) {
		my_finish(s, item, STATUS_DONE, false, at);
	} else if (item->kind == MY_PREPARED && !what) {
		prepared(s, m, item);
	} else if (item->kind == MY_FETCHED) {
		s->columns = item->owed.statement->rows ? item->owed.statement->rows->nr : MANY;
		s->answer = ANSWER_ROWS;
		row(s, m, item, at);
	} else if (item->kind == MY_FIELD_LIST) {
		columns_begin(s, item->owed.statement, MANY, true);
		if (is_end(m))
			my_finish(s, item, STATUS_DONE, false, at);
	} else if (!what || is_end(m)) {
		finish_result(s, item, m, false, at);
	} else if (what == 0xfb) {
		s->answer = ANSWER_FILE;
	} else if ((nr = column_count(m->body, &told))) {
		columns_begin(s, item->owed.statement, nr, told);
	}
}

/* Where in its answer are we, when bytes before it were lost? */
static void find_place(struct my_state *s, const struct my_message *m, struct stamp at)
{
	unsigned keep = s->items.nr;

	/* Who asks again has had its answer: all but the last text's. */
	while (keep > 1 && ((struct my_item *)ring_at(&s->items, keep - 2))->more)
		keep--;
	for (keep = keep ? keep - 1 : 0; keep; keep--)
		my_give_up(s, true, at);
	if (m->seq == 1 || !s->items.nr || !my_first(s)->owed.statement) {
		s->answer = ANSWER_FIRST;
	} else if (my_is_column(m->body)) {
		columns_begin(s, my_first(s)->owed.statement, MANY, true);
	} else if (s->answer == ANSWER_FIRST || s->answer == ANSWER_COLUMNS) {
		columns_free(my_first(s)->owed.statement->rows);
		my_first(s)->owed.statement->rows = NULL;
		s->columns = MANY;
		s->answer = ANSWER_ROWS;
	}
}

static void answer(struct my_state *s, const struct my_message *m, struct my_item *item, struct stamp at)
{
	switch (s->answer) {
	case ANSWER_FIRST: case ANSWER_FILE:
		first_packet(s, m, item, at);
		break;
	case ANSWER_PARAMS:
		if (my_is_column(m->body))
			param(s);
		break;
	case ANSWER_COLUMNS:
		if (my_is_column(m->body)) {
			column(s, m, item);
			break;
		}
		if (is_end(m) && item->kind == MY_FIELD_LIST)
			my_finish(s, item, STATUS_DONE, false, at);
		if (!s->items.nr || s->answer == ANSWER_FIRST)
			break;
		if (is_end(m) && item->kind == MY_PREPARED && !s->column)
			break;	/* behind the parameters */
		/* fall through */
	case ANSWER_COLUMNS_END:
		s->answer = ANSWER_ROWS;
		if (is_end(m) && m->body.len == 5) {
			if (end_status(m) & STATUS_CURSOR)
				my_finish(s, item, STATUS_DONE, false, at);
			break;
		}
		/* fall through */
	case ANSWER_ROWS:
		row(s, m, item, at);
		break;
	}
}

/* What nobody saw asked. NULL: no memory. */
static struct my_item *unasked(struct my_state *s, struct stamp at)
{
	struct exchange *ex = my_exchange(s, at);
	struct statement *st = statement_new();

	if (!ex || !st) {
		budget_free(ex, sizeof(*ex));
		statement_put(st);
		return NULL;
	}
	ex->has_gap = s->sides[0].after_gap || s->sides[1].after_gap;
	my_push(s, MY_RESULT, ex, st, false, true, (struct stamp){ 0 });
	if (my_first(s))
		my_first(s)->unasked = true;
	return my_first(s);
}

static void speak_first(struct my_state *s, const struct my_message *m, struct stamp at)
{
	if (m->body.len > 3 && m->body.ptr[0] == 0xff && !s->caps)	/* it will not talk to that host */
		refused(s, m, NULL, at);
}

void my_back(struct my_state *s, const struct my_message *m, struct stamp at)
{
	struct my_side *side = &s->sides[!s->front];
	struct my_item *item;

	if (!m->body.len)
		return;
	if (!m->seq && !s->within && s->last_seq != 0xff && (!s->items.nr || s->answer == ANSWER_FIRST)) {
		side->after_gap = false;
		speak_first(s, m, at);
		return;
	}
	if (s->eof_may_follow && is_end(m) && m->body.len == 5 && m->seq != 1) {
		s->eof_may_follow = false;
		return;
	}
	s->eof_may_follow = false;
	if (side->after_gap)
		find_place(s, m, at);
	else if (m->seq == 1 && s->last_seq && s->answer != ANSWER_FIRST && s->answer != ANSWER_FILE && s->items.nr && !s->within)
		my_give_up(s, true, at);	/* another answer begins: this one's end was none */
	s->last_seq = side->seq;
	item = my_first(s);
	if (!item && (m->seq == 1 || side->after_gap) && !my_is_column(m->body))
		item = unasked(s, at);
	if (!item || (item->kind != MY_LOGIN && !item->owed.statement))
		return;
	side->after_gap = false;
	if (item->kind == MY_LOGIN) {
		login_answer(s, m, at);
		return;
	}
	owed_answered(&item->owed, at);
	if (item->owed.ex) {
		item->owed.ex->response_bytes += m->total;
		if (m->cut && item->owed.ex->inspected == INSPECTED_FULL)
			item->owed.ex->inspected = INSPECTED_PARTIAL;
	}
	if (m->body.ptr[0] == 0xff) {
		if (m->body.len > 2 && m->body.ptr[1] == 0xff && m->body.ptr[2] == 0xff)
			return;	/* how far it is */
		if (item->kind == MY_PREPARED)
			refused(s, m, item->owed.statement, at);
		my_finish(s, item, error_read(s, m, item->owed.ex), false, at);
		return;
	}
	answer(s, m, item, at);
}
