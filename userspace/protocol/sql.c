/* SPDX-License-Identifier: Apache-2.0 */
/* sql.c - SQL without a grammar: one pass over tokens that remembers which column was named
 * last, which list of columns an INSERT has, and where tables are named. */
#include "protocol/sql.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LITERAL_MAX 65536	/* bytes of a literal with escapes; the rest is cut */

enum word_flag {
	W_VERB = 1,	/* a command */
	W_RESET = 2,	/* what follows belongs to no column yet */
	W_THROUGH = 4,	/* stands between a column and its value */
	W_TABLE = 8,	/* a table follows */
	W_FIRST = 16,	/* a command, and behind one a name like others */
};
static const struct word { const char *text; uint8_t flags; } words[] = {
	{ "abort", W_VERB }, { "all", W_THROUGH }, { "alter", W_VERB }, { "analyze", W_VERB }, { "and", W_RESET }, { "any", W_THROUGH },
	{ "as", W_RESET }, { "begin", W_VERB }, { "between", W_THROUGH }, { "by", W_RESET }, { "call", W_VERB }, { "case", W_RESET }, { "change", W_VERB | W_FIRST },
	{ "checkpoint", W_VERB }, { "close", W_VERB }, { "cluster", W_VERB }, { "comment", W_VERB }, { "commit", W_VERB },
	{ "copy", W_VERB | W_TABLE }, { "create", W_VERB }, { "deallocate", W_VERB }, { "declare", W_VERB }, { "delete", W_VERB },
	{ "desc", W_VERB | W_TABLE | W_FIRST }, { "describe", W_VERB | W_TABLE | W_FIRST },
	{ "discard", W_VERB }, { "do", W_VERB }, { "drop", W_VERB }, { "else", W_RESET }, { "end", W_VERB | W_RESET },
	{ "escape", W_THROUGH }, { "execute", W_VERB }, { "explain", W_VERB }, { "fetch", W_VERB }, { "flush", W_VERB | W_FIRST }, { "for", W_RESET },
	{ "from", W_TABLE | W_RESET }, { "grant", W_VERB }, { "group", W_RESET }, { "handler", W_VERB | W_TABLE | W_FIRST }, { "having", W_RESET }, { "ilike", W_THROUGH },
	{ "import", W_VERB }, { "in", W_THROUGH }, { "insert", W_VERB }, { "into", W_TABLE | W_RESET }, { "is", W_THROUGH },
	{ "join", W_TABLE | W_RESET }, { "kill", W_VERB | W_FIRST }, { "like", W_THROUGH }, { "limit", W_RESET }, { "listen", W_VERB }, { "load", W_VERB },
	{ "lock", W_VERB }, { "merge", W_VERB }, { "move", W_VERB }, { "not", W_THROUGH }, { "notify", W_VERB }, { "null", W_THROUGH },
	{ "offset", W_RESET }, { "on", W_RESET }, { "optimize", W_VERB | W_FIRST }, { "or", W_RESET }, { "order", W_RESET }, { "prepare", W_VERB }, { "purge", W_VERB | W_FIRST }, { "reassign", W_VERB },
	{ "refresh", W_VERB }, { "reindex", W_VERB }, { "release", W_VERB }, { "rename", W_VERB | W_FIRST }, { "repair", W_VERB | W_FIRST },
	{ "replace", W_VERB | W_FIRST }, { "reset", W_VERB }, { "returning", W_RESET },
	{ "revoke", W_VERB }, { "rollback", W_VERB }, { "savepoint", W_VERB }, { "select", W_VERB | W_RESET }, { "set", W_VERB | W_RESET },
	{ "show", W_VERB }, { "similar", W_THROUGH }, { "some", W_THROUGH }, { "start", W_VERB }, { "table", W_TABLE | W_RESET },
	{ "then", W_RESET }, { "to", W_THROUGH }, { "truncate", W_VERB | W_TABLE }, { "union", W_RESET }, { "unlisten", W_VERB },
	{ "update", W_VERB | W_TABLE }, { "use", W_VERB | W_TABLE | W_FIRST }, { "using", W_RESET }, { "vacuum", W_VERB }, { "values", W_VERB | W_RESET }, { "when", W_RESET },
	{ "where", W_RESET }, { "with", W_RESET }, { "xa", W_VERB | W_FIRST },
};

/* One statement being read. */
struct scan {
	struct sql_reader *r;
	struct exchange *ex;
	struct sql_statement *st;
	const uint8_t *p, *end;
	struct slice key;		/* the column named last; empty: none */
	unsigned depth, key_depth;
	uint32_t selects;		/* by depth: a FROM there names tables */
	uint32_t fields;
	unsigned params;		/* "?" so far */
	bool with;			/* before the command of WITH x AS (…) */
	bool want_table, from_list, between;
	bool in_columns, in_values, take_columns;
	bool lines;			/* of LOAD: what comes is said of them, not of their fields */
	unsigned list_depth, index;	/* of the list that is read; of the value in its row */
	const struct word *before;	/* the keyword right before */
	unsigned nr_tables;
	struct slice hidden[SQL_TABLES];	/* names that WITH made */
	unsigned nr_hidden;
};

static bool is_ident(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || c >= 0x80;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_number(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(struct slice s, const char *lower)
{
	return s.len == strlen(lower) && !strncasecmp((const char *)s.ptr, lower, s.len);
}

static const struct word *word_find(struct slice s)
{
	size_t low = 0, high = sizeof(words) / sizeof(words[0]);

	while (low < high) {
		size_t mid = (low + high) / 2, len = strlen(words[mid].text);
		int c = strncasecmp((const char *)s.ptr, words[mid].text, s.len < len ? s.len : len);

		if (!c && s.len == len)
			return &words[mid];
		if (c < 0 || (!c && s.len < len))
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static void method_set(char method[WORD_SIZE], const char *lower)
{
	size_t n = 0;

	for (; lower[n] && n < WORD_SIZE - 1; n++)
		method[n] = (char)(lower[n] - 32);
	method[n] = 0;
}

bool sql_command(char method[WORD_SIZE], struct slice tag)
{
	const struct word *w;
	size_t n = 0;

	while (n < tag.len && is_ident(tag.ptr[n]))
		n++;
	w = word_find(slice_of(tag.ptr, n));
	if (!w || !(w->flags & W_VERB))
		return false;
	method_set(method, w->text);
	return true;
}

static uint8_t ahead(const struct scan *s)
{
	const uint8_t *p = s->p;

	while (p < s->end && is_blank(*p))
		p++;
	return p < s->end ? *p : 0;
}

/* ---- fields ---- */

static struct slice value_key(const struct scan *s)
{
	if (s->in_values && s->depth > s->list_depth)
		return s->index < s->st->nr_columns ? s->st->columns[s->index] : (struct slice){ 0 };
	return s->key;
}

static void tell(struct scan *s, struct slice value, enum value_type type, bool text, bool cut)
{
	const struct field_sink *sink = s->r->sink;
	struct slice key = value_key(s);
	char name[NAME_SIZE], path[PATH_SIZE] = "sql";
	struct field f = {
		.location = LOC_REQUEST_BODY, .dir = s->r->dir, .path = path, .key = key, .parent = key.len ? s->st->table : (struct slice){ 0 },
		.value = value, .siblings = s->fields, .type = (uint8_t)type, .text = text, .cut = cut,
	};

	if (!s->ex || !value.len)
		return;
	if (key.len) {
		sink->clean(sink->owner, name, key);
		snprintf(path, sizeof(path), "sql.%s", name);
	}
	sink->field(sink->owner, s->ex, &f);
	s->fields++;
}

/* ---- tokens ---- */

/* A quoted thing behind its first quote: what is between the quotes, doubled ones and backslashes
 * undone. *whole: its end was there. */
static struct slice quoted(struct scan *s, uint8_t quote, bool backslash, bool *whole)
{
	const uint8_t *from = s->p, *piece = from;
	struct buf *out = &s->r->scratch;
	bool undone = false;

	*whole = false;
	buf_reset(out);
	out->max = LITERAL_MAX;
	while (s->p < s->end) {
		uint8_t c = *s->p++;

		if (c == quote && (s->p == s->end || *s->p != quote)) {
			*whole = true;
			break;
		}
		if (c != quote && !(backslash && c == '\\'))
			continue;
		buf_add(out, piece, (size_t)(s->p - piece) - 1);
		undone = true;
		piece = s->p;	/* what was escaped stands for itself */
		if (c == '\\' && s->p < s->end && strchr("nrt0", *s->p | !*s->p)) {
			buf_puts(out, " ");	/* a control character is an end of words */
			piece++;
		}
		s->p += s->p < s->end;
	}
	if (!undone)
		return slice_of(from, (size_t)(s->p - from) - *whole);
	buf_add(out, piece, (size_t)(s->p - piece) - *whole);
	*whole &= !out->failed;
	return slice_of(out->ptr, out->len);
}

static void literal(struct scan *s, bool backslash)
{
	bool whole;
	struct slice value;
	uint8_t quote = *s->p++;

	value = quoted(s, quote, backslash, &whole);
	tell(s, value, VALUE_STRING, false, !whole);
}

/* $tag$ … $tag$: code or a long text. False: a lone '$'. */
static bool dollar_quoted(struct scan *s)
{
	const uint8_t *tag = s->p, *p = tag + 1, *close;
	size_t len;

	while (p < s->end && *p != '$' && is_ident(*p))
		p++;
	if (p == s->end || *p != '$')
		return false;
	len = (size_t)(p + 1 - tag);
	s->p = p + 1;
	close = memmem(s->p, (size_t)(s->end - s->p), tag, len);
	tell(s, slice_of(s->p, (size_t)((close ? close : s->end) - s->p)), VALUE_STRING, true, !close);
	s->p = close ? close + len : s->end;
	return true;
}

/* What MySQL runs though others do not: of it the marks alone are passed over. */
static bool versioned_at(const uint8_t *p, const uint8_t *end)
{
	return end - p > 2 && p[0] == '/' && p[1] == '*' && (p[2] == '!' || (p[2] == 'M' && end - p > 3 && p[3] == '!'));
}

static bool comment_at(const uint8_t *p, const uint8_t *end, bool mysql)
{
	if (mysql && (*p == '#' || versioned_at(p, end)))
		return *p == '#';
	return end - p > 1 && ((p[0] == '-' && p[1] == '-' && (!mysql || end - p < 3 || is_blank(p[2]))) || (p[0] == '/' && p[1] == '*'));
}

/* Where the comment that begins at p ends; those with stars nest, but for MySQL. */
static const uint8_t *comment_end(const uint8_t *p, const uint8_t *end, bool mysql)
{
	unsigned depth = 0;
	const uint8_t *nl;

	if (*p == '-' || *p == '#') {
		nl = memchr(p, '\n', (size_t)(end - p));
		return nl ? nl : end;
	}
	while (end - p > 1) {
		if (p[0] == '/' && p[1] == '*') {
			depth += !mysql || !depth;
			p += 2;
		} else if (p[0] == '*' && p[1] == '/') {
			p += 2;
			if (!--depth)
				return p;
		} else {
			p++;
		}
	}
	return end;
}

static void comment(struct scan *s)
{
	const uint8_t *end = comment_end(s->p, s->end, s->r->mysql);
	size_t mark = *s->p == '#' ? 1 : 2;
	struct slice key = s->key;
	bool in_values = s->in_values;

	s->key = (struct slice){ 0 };
	s->in_values = false;
	if (end - s->p > 4)	/* tags for tracing, and what was commented out */
		tell(s, slice_of(s->p + mark, (size_t)(end - s->p) - (*s->p == '/' && end[-1] == '/' ? 4 : mark)), VALUE_STRING, true, false);
	s->key = key;
	s->in_values = in_values;
	s->p = end;
}

/* ---- tables ---- */

/* Unquoted names are folded, so that two spellings are one route. */
static void table_add(struct scan *s, struct slice first, struct slice last, bool folded)
{
	const struct field_sink *sink = s->r->sink;
	char name[NAME_SIZE], both[NAME_SIZE * 2], *route = s->st->route;
	size_t len = strlen(route), n = 0;

	for (unsigned i = 0; i < s->nr_hidden; i++)
		if (s->hidden[i].len == last.len && !strncasecmp((const char *)s->hidden[i].ptr, (const char *)last.ptr, last.len))
			return;
	if (!s->st->table.len)
		s->st->table = last;
	if (s->nr_tables == SQL_TABLES)
		return;
	if (first.len && first.ptr != last.ptr) {
		n = sink->clean(sink->owner, both, first);
		both[n++] = '.';
	}
	sink->clean(sink->owner, name, last);
	n += (size_t)snprintf(both + n, sizeof(both) - n, "%s", name);
	if (!n)
		return;	/* a pair of quotes */
	for (size_t i = 0; folded && i < n; i++)
		both[i] = (char)(both[i] >= 'A' && both[i] <= 'Z' ? both[i] + 32 : both[i]);
	for (const char *at = route; (at = strstr(at, both)); at++)
		if ((at == route || at[-1] == '+') && (!at[n] || at[n] == '+'))
			return;	/* it is in there */
	if (n + (len > 0) >= PATH_SIZE - len)
		return;
	snprintf(route + len, PATH_SIZE - len, "%s%s", len ? "+" : "", both);
	s->nr_tables++;
}

/* ---- identifiers ---- */

/* The next part of a name, quoted or not, at p; false: none. */
static bool name_part(struct scan *s, struct slice *name, bool *folded)
{
	bool whole;
	const uint8_t *from = s->p;

	if (s->p < s->end && ((*s->p == '"' && !s->r->mysql) || *s->p == '`')) {
		uint8_t quote = *s->p++;

		from = s->p;
		quoted(s, quote, false, &whole);
		*name = slice_of(from, (size_t)(s->p - from) - whole);
		*folded = false;
		return true;
	}
	while (s->p < s->end && is_ident(*s->p))
		s->p++;
	*name = slice_of(from, (size_t)(s->p - from));
	return name->len > 0;
}

static void copy_option(struct scan *s, struct slice name)
{
	struct sql_copy *c = &s->st->copy;
	const uint8_t *p = s->p;

	if (is_word(name, "csv") && !c->csv) {
		c->csv = true;
		c->delimiter = c->delimiter == '\t' ? ',' : c->delimiter;
	} else if (is_word(name, "binary")) {
		c->binary = true;
	} else if (is_word(name, "header")) {
		c->header = true;
	} else if (s->r->mysql && is_word(name, "lines")) {
		s->lines = true;
	} else if (s->r->mysql && is_word(name, "enclosed")) {
		c->csv = true;
	} else if (is_word(name, "delimiter") || (s->r->mysql && !s->lines && is_word(name, "terminated"))) {
		while (p < s->end && p - s->p < 8 && (is_blank(*p) || is_ident(*p)))	/* AS */
			p++;
		if (s->end - p > 1 && *p == '\'')
			c->delimiter = p[1];
		else if (s->end - p > 3 && *p == '\'' && p[1] == '\\' && p[2] == 't')
			c->delimiter = '\t';
	}
}

static void command(struct scan *s, const struct word *w)
{
	if (s->depth || s->st->method[0])
		return;
	method_set(s->st->method, w->text);
	s->with = false;
	s->st->copy.is_copy = !strcmp(s->st->method, "COPY") || (s->r->mysql && !strcmp(s->st->method, "LOAD"));
	s->st->copy.delimiter = '\t';
}

static void keyword(struct scan *s, const struct word *w)
{
	const struct word *before = s->before;
	bool and = !strcmp(w->text, "and");

	s->before = w;
	if (w->flags & W_VERB)
		command(s, w);
	if (!strcmp(w->text, "select") || !strcmp(w->text, "delete"))
		s->selects |= 1u << (s->depth < SQL_DEPTH ? s->depth : 0);
	if (!strcmp(w->text, "with") && !s->st->method[0])
		s->with = true;
	if (!strcmp(w->text, "values")) {
		s->in_values = true;
		s->list_depth = s->depth;
	} else if (s->in_values && s->depth <= s->list_depth) {
		s->in_values = false;	/* ON CONFLICT, RETURNING */
	}
	if ((w->flags & W_RESET) && !(and && s->between))
		s->key = (struct slice){ 0 };
	s->between = !strcmp(w->text, "between") || (s->between && !and);
	if ((w->flags & W_THROUGH) || !strcmp(w->text, "as"))
		return;
	s->from_list = false;
	s->want_table = w->flags & W_TABLE;
	if (!strcmp(w->text, "from"))
		s->want_table = s->from_list = (s->selects >> (s->depth < SQL_DEPTH ? s->depth : 0)) & 1;
	else if (!strcmp(w->text, "update"))	/* not FOR UPDATE, DO UPDATE, nor ON DUPLICATE KEY UPDATE */
		s->want_table = strcmp(s->st->method, "INSERT") && (!before || (strcmp(before->text, "for") && strcmp(before->text, "do")));
	s->take_columns = s->want_table && (!strcmp(w->text, "into") || !strcmp(w->text, "copy") || (s->st->copy.is_copy && !strcmp(w->text, "table")));
}

/* DATE '2026-11-27': what the literal is, not what it is for. */
static bool is_type(struct slice s)
{
	static const char *const types[] = { "bytea", "date", "inet", "interval", "json", "jsonb", "numeric", "text", "time", "timestamp",
					     "timestamptz", "uuid", NULL };

	for (unsigned i = 0; types[i]; i++)
		if (is_word(s, types[i]))
			return true;
	return false;
}

/* E'…', B'…', X'…', N'…': a letter before a literal. */
static bool prefixed_literal(struct scan *s, struct slice name)
{
	uint8_t c = name.ptr[0] | 0x20;

	if (name.len != 1 || s->p == s->end || *s->p != '\'' || !strchr("ebxn", c))
		return false;
	literal(s, c == 'e' || s->r->mysql);
	return true;
}

static void identifier(struct scan *s)
{
	bool folded = true, qualified = false;
	struct slice first, part, last;
	const struct word *w;
	uint8_t next;

	if (!name_part(s, &first, &folded)) {
		s->p++;
		return;
	}
	if (folded && prefixed_literal(s, first))
		return;
	last = part = first;
	while (s->end - s->p > 1 && *s->p == '.' && (is_ident(s->p[1]) || s->p[1] == '"' || s->p[1] == '`')) {
		s->p++;
		if (!name_part(s, &part, &folded))
			break;
		first = last;
		last = part;
		qualified = true;
	}
	w = folded && !qualified ? word_find(last) : NULL;
	w = w && (w->flags & W_FIRST) && (s->st->method[0] || s->depth) ? NULL : w;
	if (w && !(s->in_columns && s->depth > s->list_depth)) {
		keyword(s, w);
		return;
	}
	next = ahead(s);
	s->before = NULL;
	if (s->st->copy.is_copy && !s->depth)
		copy_option(s, last);
	else if (s->st->copy.is_copy && s->nr_tables)
		copy_option(s, is_word(last, "format") ? (struct slice){ 0 } : last);
	if (s->in_columns) {
		if (s->st->nr_columns < SQL_COLUMNS)
			s->st->columns[s->st->nr_columns++] = last;
		return;
	}
	if (s->want_table) {
		if (is_word(last, "only") || is_word(last, "if") || is_word(last, "exists") || is_word(last, "lateral"))
			return;
		s->want_table = false;
		if (next != '(' || !s->from_list)
			table_add(s, first, last, folded);
		return;
	}
	if (s->with && !s->depth && s->nr_hidden < SQL_TABLES && !is_word(last, "recursive"))
		s->hidden[s->nr_hidden++] = last;
	/* A function, or the type of a literal: the column before them counts. */
	if (next == '(' || (next == '\'' && is_type(last)))
		return;
	s->key = last;
	s->key_depth = s->depth;
}

/* ---- the rest ---- */

static void number(struct scan *s)
{
	const uint8_t *from = s->p;

	while (s->p < s->end && (is_ident(*s->p) || *s->p == '.'))
		s->p++;
	tell(s, slice_of(from, (size_t)(s->p - from)), VALUE_NUMBER, false, s->r->cut && s->p == s->end);
}

static void dollar(struct scan *s)
{
	unsigned n = 0;

	if (s->end - s->p > 1 && is_number(s->p[1])) {
		for (s->p++; s->p < s->end && is_number(*s->p); s->p++)
			n = n < 100000 ? n * 10 + (*s->p - '0') : n;
		if (s->r->param)
			s->r->param(s->r->owner, n, value_key(s));
		return;
	}
	if (!dollar_quoted(s))
		s->p++;
}

static void versioned(struct scan *s)
{
	s->p += s->p[2] == '!' ? 3 : 4;
	while (s->p < s->end && is_number(*s->p))
		s->p++;
}

static void question(struct scan *s)
{
	s->p++;
	if (s->r->param && s->params < SQL_PARAMS)
		s->r->param(s->r->owner, ++s->params, value_key(s));
}

static void open_paren(struct scan *s)
{
	if (s->take_columns && !s->want_table) {
		s->in_columns = true;
		s->list_depth = s->depth;
	} else if (s->in_values && s->depth == s->list_depth) {
		s->index = 0;
	}
	s->take_columns = s->want_table = false;
	s->depth++;
	if (s->depth < SQL_DEPTH)
		s->selects &= ~(1u << s->depth);
}

static void close_paren(struct scan *s)
{
	s->depth -= s->depth > 0;
	if (s->in_columns && s->depth <= s->list_depth)
		s->in_columns = false;
	s->key_depth = s->key_depth < s->depth ? s->key_depth : s->depth;
}

static void comma(struct scan *s)
{
	if (s->in_values && s->depth == s->list_depth + 1)
		s->index++;
	if (s->depth <= s->key_depth)
		s->key = (struct slice){ 0 };
	s->want_table |= s->from_list && !s->in_values;
}

static void cast(struct scan *s)
{
	struct slice type;
	bool folded;

	s->p += 2;
	while (s->p < s->end && is_blank(*s->p))
		s->p++;
	name_part(s, &type, &folded);
}

/* One token; false: the statement's end. */
static bool step(struct scan *s)
{
	uint8_t c = *s->p;
	bool mysql = s->r->mysql;

	if (c == ';' && !s->depth)
		return false;
	if (is_blank(c))
		s->p++;
	else if (comment_at(s->p, s->end, mysql))
		comment(s);
	else if (mysql && versioned_at(s->p, s->end))
		versioned(s);
	else if (c == '\'' || (mysql && c == '"'))
		literal(s, mysql);
	else if (mysql && c == '?')
		question(s);
	else if (c == '$' && !mysql)
		dollar(s);
	else if (is_number(c) || (c == '.' && s->end - s->p > 1 && is_number(s->p[1])))
		number(s);
	else if (is_ident(c) || c == '"' || c == '`')
		identifier(s);
	else if (c == ':' && s->end - s->p > 1 && s->p[1] == ':')
		cast(s);
	else {
		s->p++;
		if (c == '(')
			open_paren(s);
		else if (c == ')')
			close_paren(s);
		else if (c == ',')
			comma(s);
	}
	return true;
}

void sql_begin(struct sql_reader *r, const struct field_sink *sink, enum dir dir, struct slice text)
{
	*r = (struct sql_reader){ .sink = sink, .dir = dir, .text = text.len ? text : SLICE("") };
	buf_init(&r->scratch, LITERAL_MAX);
}

bool sql_more(struct sql_reader *r)
{
	const uint8_t *p = r->text.ptr, *end = p + r->text.len;

	while (p < end && (is_blank(*p) || *p == ';' || !*p))
		p++;
	/* A comment in front belongs to its statement; alone it is none. */
	for (const uint8_t *q = p; q < end;) {
		if (comment_at(q, end, r->mysql))
			q = comment_end(q, end, r->mysql);
		else if (is_blank(*q) || *q == ';')
			q++;
		else
			break;
		if (q >= end)
			p = end;
	}
	r->text = slice_of(p, (size_t)(end - p));
	return r->text.len > 0;
}

void sql_read(struct sql_reader *r, struct exchange *ex, struct sql_statement *st)
{
	struct scan s = { .r = r, .ex = ex, .st = st, .p = r->text.ptr, .end = r->text.ptr + r->text.len };

	memset(st, 0, sizeof(*st));
	while (s.p < s.end && step(&s))
		;
	r->text = slice_of(s.p, (size_t)(s.end - s.p));
}

void sql_end(struct sql_reader *r)
{
	buf_free(&r->scratch);
}
