/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - a policy file in the one way of writing: two spaces a level, lists under their key, one empty line
 * at most, nothing behind a line. Comments stay. Lines are moved, words never: what comes out is
 * parsed again and must say the same. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/private.h"

#define LEVELS 64

enum line_kind { LINE_OTHER, LINE_BLOCK, LINE_FLOW };	/* no token of its own: empty, a comment; begins an item or key; goes on */
struct line {
	const char *text;
	unsigned len, old;	/* old: its indent */
	int new;
	enum line_kind kind;
	bool verbatim;		/* of a scalar of several lines */
	unsigned dash, key;	/* columns: what is between is one space; key 0: nothing */
};
struct level { size_t old; int new; bool sequence, bare; };	/* bare: a list that is not indented under its key */
struct format {
	struct source *s;
	struct buf *out;
	struct line *line;
	size_t nr;
	struct level level[LEVELS];
	unsigned depth, flow;
	bool deep;		/* deeper than can be followed */
};

/* As libyaml counts lines: YAML 1.1, 5.4. Bytes of the line break at p; 0: there is none. */
static size_t line_break(const char *p, const char *end)
{
	static const char *const breaks[] = { "\r\n", "\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9" };

	for (unsigned i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++)
		if (strlen(breaks[i]) <= (size_t)(end - p) && !memcmp(p, breaks[i], strlen(breaks[i])))
			return strlen(breaks[i]);
	return 0;
}

static bool lines_split(struct format *f)
{
	const char *p = f->s->file.text, *end = p + f->s->file.len;
	size_t nr = 1, width;

	for (const char *q = p; q < end; q += width ? width : 1) {
		width = line_break(q, end);
		nr += width > 0;
	}
	f->line = calloc(nr, sizeof(*f->line));
	while (f->line && p < end) {
		const char *stop = p;
		struct line *l = &f->line[f->nr++];

		while (stop < end && !line_break(stop, end))
			stop++;
		l->text = p;
		l->len = (unsigned)(stop - p);
		while (l->len && (p[l->len - 1] == ' ' || p[l->len - 1] == '\t' || p[l->len - 1] == '\r'))
			l->len--;
		while (l->old < l->len && p[l->old] == ' ')
			l->old++;
		p = stop + line_break(stop, end);
	}
	return f->line;
}

static void push(struct format *f, const yaml_token_t *t, bool sequence, bool bare)
{
	struct line *l = &f->line[t->start_mark.line];
	struct level *up = f->depth ? &f->level[f->depth - 1] : NULL;

	if (f->depth == LEVELS) {
		f->deep = true;
		return;
	}
	f->level[f->depth++] = (struct level){ t->start_mark.column, up ? up->new + 2 : 0, sequence, bare };
	/* "-   key: value" */
	if (up && up->sequence && l->kind == LINE_BLOCK && !l->key && t->start_mark.column > l->old) {
		l->dash = l->old;
		l->key = (unsigned)t->start_mark.column;
	}
}

static void begins(struct format *f, const yaml_token_t *t)
{
	struct line *l = &f->line[t->start_mark.line];

	if (l->kind != LINE_OTHER || l->verbatim)
		return;
	l->kind = f->flow || (t->type != YAML_KEY_TOKEN && t->type != YAML_BLOCK_ENTRY_TOKEN) ? LINE_FLOW : LINE_BLOCK;
	l->new = l->kind == LINE_BLOCK && f->depth ? f->level[f->depth - 1].new : 0;
}

static void token_take(struct format *f, const yaml_token_t *t)
{
	size_t line = t->start_mark.line, column = t->start_mark.column;

	switch (t->type) {
	case YAML_BLOCK_MAPPING_START_TOKEN:
	case YAML_BLOCK_SEQUENCE_START_TOKEN: push(f, t, t->type == YAML_BLOCK_SEQUENCE_START_TOKEN, false); return;
	case YAML_BLOCK_END_TOKEN:
		while (f->depth && f->level[f->depth - 1].bare)
			f->depth--;
		f->depth -= f->depth > 0;
		return;
	case YAML_FLOW_MAPPING_START_TOKEN:
	case YAML_FLOW_SEQUENCE_START_TOKEN: begins(f, t); f->flow++; return;
	case YAML_FLOW_MAPPING_END_TOKEN:
	case YAML_FLOW_SEQUENCE_END_TOKEN: begins(f, t); f->flow -= f->flow > 0; return;
	case YAML_STREAM_START_TOKEN:
	case YAML_STREAM_END_TOKEN: return;
	default: break;
	}
	if (t->type == YAML_KEY_TOKEN && !f->flow)
		while (f->depth && f->level[f->depth - 1].bare && f->level[f->depth - 1].old == column)
			f->depth--;
	if (t->type == YAML_BLOCK_ENTRY_TOKEN && f->depth && !f->level[f->depth - 1].sequence)
		push(f, t, true, true);
	if (line < f->nr)
		begins(f, t);
	if (t->type == YAML_SCALAR_TOKEN)
		for (size_t i = line + 1; i < f->nr && (i < t->end_mark.line || (i == t->end_mark.line && t->end_mark.column)); i++)
			f->line[i].verbatim = true;
}

static bool tokens_take(struct format *f)
{
	yaml_parser_t p;
	bool end = false, fine = yaml_parser_initialize(&p);

	if (!fine)
		return false;
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)f->s->file.text, f->s->file.len);
	while (fine && !end) {
		yaml_token_t t;

		fine = yaml_parser_scan(&p, &t) && !f->deep;
		if (fine && t.start_mark.line < f->nr)
			token_take(f, &t);
		end = fine && t.type == YAML_STREAM_END_TOKEN;
		yaml_token_delete(&t);
	}
	yaml_parser_delete(&p);
	return fine;
}

/* Where lines without a place of their own go: comments with what they stand before, or behind; what goes on with where it began. */
static void others_place(struct format *f)
{
	for (size_t i = 0, prev = SIZE_MAX; i < f->nr; i++) {
		struct line *l = &f->line[i];
		size_t next = i + 1;

		if (l->kind == LINE_BLOCK) {
			prev = i;
			continue;
		}
		while (next < f->nr && f->line[next].kind != LINE_BLOCK)
			next++;
		if (l->kind == LINE_OTHER && !l->verbatim && next < f->nr && (f->line[next].old == l->old || prev == SIZE_MAX))
			l->new = f->line[next].new;
		else if (prev != SIZE_MAX)
			l->new = f->line[prev].new + (int)l->old - (int)f->line[prev].old;
		if (l->new < 0)
			l->new = 0;
	}
}

static void lines_write(struct format *f)
{
	bool empty = true;	/* as if one stood before the file */

	for (size_t i = 0; i < f->nr; i++) {
		const struct line *l = &f->line[i];
		size_t last = i;

		if (!l->len) {
			while (last < f->nr && !f->line[last].len)
				last++;
			if ((!empty || l->verbatim) && last < f->nr)
				buf_puts(f->out, "\n");
			empty = true;
			continue;
		}
		empty = false;
		buf_printf(f->out, "%*s", l->new, "");
		if (l->key && l->key < l->len) {
			buf_puts(f->out, "- ");
			buf_add(f->out, l->text + l->key, l->len - l->key);
		} else {
			buf_add(f->out, l->text + l->old, l->len - l->old);
		}
		buf_puts(f->out, "\n");
	}
}

static bool event_same(const yaml_event_t *a, const yaml_event_t *b)
{
	if (a->type != b->type)
		return false;
	return a->type != YAML_SCALAR_EVENT || (a->data.scalar.length == b->data.scalar.length && a->data.scalar.style == b->data.scalar.style &&
		!memcmp(a->data.scalar.value, b->data.scalar.value, a->data.scalar.length));
}

static bool says_the_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	yaml_parser_t pa, pb;
	bool same = true, end = false;

	if (!yaml_parser_initialize(&pa))
		return false;
	if (!yaml_parser_initialize(&pb)) {
		yaml_parser_delete(&pa);
		return false;
	}
	yaml_parser_set_input_string(&pa, (const unsigned char *)a, a_len);
	yaml_parser_set_input_string(&pb, (const unsigned char *)b, b_len);
	while (same && !end) {
		yaml_event_t x = { .type = YAML_NO_EVENT }, y = { .type = YAML_NO_EVENT };

		same = yaml_parser_parse(&pa, &x) && yaml_parser_parse(&pb, &y) && event_same(&x, &y);
		end = x.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&x);
		yaml_event_delete(&y);
	}
	yaml_parser_delete(&pa);
	yaml_parser_delete(&pb);
	return same;
}

int policy_format(const struct policy_file *file, struct buf *out, FILE *errors)
{
	struct source s = { .file = *file };
	struct load l = { .source = &s, .nr = 1 };
	struct format f = { .s = &s, .out = out };
	int err = -1;

	s.load = &l;
	if (!source_open(&s)) {
		policy_errors_print(&l, errors);
	} else if (lines_split(&f) && tokens_take(&f)) {
		others_place(&f);
		lines_write(&f);
		if (out->failed)
			fprintf(errors, "%s: error: no memory to format it\n", file->name);
		else if (says_the_same(file->text, file->len, (const char *)out->ptr, out->len))
			err = 0;
		else
			fprintf(errors, "%s: error: it cannot be formatted without changing what it says, and is left as it is\n", file->name);
	} else {
		fprintf(errors, "%s: error: no memory to format it, or it is nested deeper than %d levels\n", file->name, LEVELS);
	}
	if (s.open)
		yaml_document_delete(&s.doc);
	free(l.mistake);
	free(f.line);
	return err;
}
