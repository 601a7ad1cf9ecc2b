/* SPDX-License-Identifier: Apache-2.0 */
/* diag.c - mistakes in policy files, told with their line and a caret. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy/private.h"

#define ROOM 256	/* mistakes kept, so that the first of them by place are the ones printed */

void policy_error(struct source *s, yaml_mark_t mark, const char *fmt, ...)
{
	struct load *l = s->load;
	struct mistake *m;
	va_list args;

	if (!l->mistake)
		l->mistake = calloc(ROOM, sizeof(*l->mistake));
	for (size_t i = 0; l->mistake && i < l->nr_mistakes && i < ROOM; i++) {
		m = &l->mistake[i];
		if (m->early && m->file == s - l->source && m->line == mark.line && m->column == mark.column)
			return;
	}
	if (l->nr_mistakes++ >= ROOM || !l->mistake)
		return;
	m = &l->mistake[l->nr_mistakes - 1];
	m->file = (unsigned)(s - l->source);
	m->line = mark.line;
	m->column = mark.column;
	m->early = !s->root;
	va_start(args, fmt);
	vsnprintf(m->text, sizeof(m->text), fmt, args);
	va_end(args);
}

static int by_place(const void *a, const void *b)
{
	const struct mistake *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

/* Bytes a terminal would obey are shown as '?'. */
static void put_visible(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool c1 = c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0;

		putc((c < 0x20 && c != '\t') || c == 0x7f || c1 ? '?' : c, out);
	}
}

static void print_line(FILE *out, const struct policy_file *f, const struct mistake *m)
{
	const char *p = f->text, *end = f->text + f->len, *stop;
	size_t column = 0;

	for (size_t line = 0; line < m->line && p < end; line++) {
		const char *next = memchr(p, '\n', (size_t)(end - p));

		p = next ? next + 1 : end;
	}
	if (p == end)
		return;
	stop = memchr(p, '\n', (size_t)(end - p));
	if (!stop)
		stop = end;
	if (stop > p && stop[-1] == '\r')
		stop--;
	if (stop - p > 200)
		stop = p + 200;
	fputs("  ", out);
	put_visible(out, p, (size_t)(stop - p));
	fputs("\n  ", out);
	for (; p < stop && column < m->column; p++) {
		if (((unsigned char)*p & 0xc0) == 0x80)
			continue;
		putc(*p == '\t' ? '\t' : ' ', out);
		column++;
	}
	fputs("^\n", out);
}

void policy_errors_print(struct load *l, FILE *out)
{
	size_t kept = l->nr_mistakes < ROOM ? l->nr_mistakes : ROOM, shown;

	if (!out)
		return;
	if (!l->mistake) {
		fputs("error: no memory for the policies\n", out);
		return;
	}
	qsort(l->mistake, kept, sizeof(*l->mistake), by_place);
	shown = kept < POLICY_ERRORS ? kept : POLICY_ERRORS;
	for (size_t i = 0; i < shown; i++) {
		const struct mistake *m = &l->mistake[i];
		const struct policy_file *f = &l->source[m->file].file;

		fprintf(out, "%s:%zu:%zu: error: ", f->name, m->line + 1, m->column + 1);
		put_visible(out, m->text, strlen(m->text));
		putc('\n', out);
		print_line(out, f, m);
	}
	if (l->nr_mistakes > shown)
		fprintf(out, "%zu more errors are not shown; mend these first\n", l->nr_mistakes - shown);
}

/* Edits from a to b, swaps of neighbours counting one; 99 when either is long. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[3][40];
	size_t la = strlen(a), lb = strlen(b);

	if (la >= 39 || lb >= 39)
		return 99;
	for (unsigned j = 0; j <= lb; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

const char *policy_hint(const char *word, const char *const *words, size_t nr)
{
	static _Thread_local char text[240];
	unsigned best = strlen(word) < 4 ? 2 : 3;
	size_t at = 0;
	int n;

	text[0] = 0;
	for (size_t i = 0; i < nr; i++) {
		unsigned d = distance(word, words[i]);

		if (d < best) {
			best = d;
			snprintf(text, sizeof(text), "; did you mean '%s'?", words[i]);
		}
	}
	if (text[0])
		return text;
	for (size_t i = 0; i < nr; i++) {
		n = snprintf(text + at, sizeof(text) - at, "%s%s", i ? ", " : "; use one of: ", words[i]);
		if (n < 0 || (size_t)n >= sizeof(text) - at - 8) {
			snprintf(text + at, sizeof(text) - at, ", ...");
			break;
		}
		at += (size_t)n;
	}
	return text;
}
