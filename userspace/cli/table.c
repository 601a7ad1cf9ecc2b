/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - see table.h. */
#include "cli/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FLEX_LEAST 12	/* a column is not cut below this */

struct line { char *cells[TABLE_COLUMNS]; };
struct table {
	const struct column *columns;
	unsigned nr;
	struct line *rows;
	size_t nr_rows, size, more;
};

struct table *table_new(const struct column *columns, unsigned nr)
{
	struct table *t = nr <= TABLE_COLUMNS ? calloc(1, sizeof(*t)) : NULL;

	if (!t) {
		fprintf(stderr, "weir: no memory for the table\n");
		return NULL;
	}
	t->columns = columns;
	t->nr = nr;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t r = 0; r < t->nr_rows; r++)
		for (unsigned c = 0; c < t->nr; c++)
			free(t->rows[r].cells[c]);
	free(t->rows);
	free(t);
}

size_t table_rows(const struct table *t)
{
	return t->nr_rows + t->more;
}

/* Bytes of a control character at s, or 0. A C1 control is two bytes in UTF-8, and
 * terminals obey it. */
static size_t control_len(const unsigned char *s)
{
	if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0)
		return 2;
	return *s < 0x20 || *s == 0x7f;
}

static char *clean(const char *text)
{
	char *out = strdup(text && *text ? text : "-");

	for (unsigned char *s = (unsigned char *)out; s && *s; s++)
		for (size_t n = control_len(s); n; n--)
			s[n - 1] = '?';
	return out;
}

void table_row(struct table *t, const char *const *cells)
{
	struct line *row;

	if (t->nr_rows == t->size && t->size < TABLE_ROWS) {
		size_t size = t->size ? 2 * t->size : 64;
		struct line *rows;

		size = size < TABLE_ROWS ? size : TABLE_ROWS;
		rows = realloc(t->rows, size * sizeof(*rows));
		if (rows) {
			t->rows = rows;
			t->size = size;
		} else {
			fprintf(stderr, "weir: no memory for a row of the table\n");
		}
	}
	if (t->nr_rows == t->size) {
		t->more++;
		return;
	}
	row = &t->rows[t->nr_rows];
	for (unsigned c = 0; c < t->nr; c++) {
		row->cells[c] = clean(cells[c]);
		if (row->cells[c])
			continue;
		while (c)	/* a row is whole or counted */
			free(row->cells[--c]);
		fprintf(stderr, "weir: no memory for a row of the table\n");
		t->more++;
		return;
	}
	t->nr_rows++;
}

/* Characters, not bytes: continuation bytes take no room. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static size_t room(FILE *f)
{
	struct winsize w = { 0 };

	if (!isatty(fileno(f)) || ioctl(fileno(f), TIOCGWINSZ, &w) || w.ws_col < 40)
		return SIZE_MAX / 2;
	return w.ws_col;
}

/* Takes from the widest flex column until the line fits. */
static void shrink(const struct table *t, size_t *width, size_t limit)
{
	for (;;) {
		size_t total = 0;
		int widest = -1;

		for (unsigned c = 0; c < t->nr; c++) {
			total += width[c] + 2;
			if (t->columns[c].flex && width[c] > FLEX_LEAST && (widest < 0 || width[c] > width[widest]))
				widest = (int)c;
		}
		if (total <= limit + 2 || widest < 0)
			return;
		width[widest]--;
	}
}

static void put_cell(FILE *f, const char *text, size_t width, bool right, bool last)
{
	size_t n = width_of(text), shown = 0;

	for (size_t i = n; right && i < width; i++)
		fputc(' ', f);
	for (; text && *text; text++) {
		shown += ((unsigned char)*text & 0xc0) != 0x80;
		if (n > width && shown > width - 2) {
			fputs("..", f);
			break;
		}
		fputc(*text, f);
	}
	for (size_t i = n; !right && !last && i < width; i++)
		fputc(' ', f);
	fputs(last ? "\n" : "  ", f);
}

void table_print(const struct table *t, FILE *f)
{
	size_t width[TABLE_COLUMNS], limit = room(f);

	for (unsigned c = 0; c < t->nr; c++) {
		width[c] = width_of(t->columns[c].title);
		for (size_t r = 0; r < t->nr_rows; r++)
			if (width_of(t->rows[r].cells[c]) > width[c])
				width[c] = width_of(t->rows[r].cells[c]);
	}
	shrink(t, width, limit);
	for (unsigned c = 0; c < t->nr; c++)
		put_cell(f, t->columns[c].title, width[c], t->columns[c].right, c + 1 == t->nr);
	for (size_t r = 0; r < t->nr_rows; r++)
		for (unsigned c = 0; c < t->nr; c++)
			put_cell(f, t->rows[r].cells[c], width[c], t->columns[c].right, c + 1 == t->nr);
	if (t->more)
		fprintf(f, "and %zu more rows: narrow the period or use -o json\n", t->more);
}

void text_print(FILE *f, const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; s && *s; s++) {
		size_t n = control_len(s);

		fputc(n ? '?' : *s, f);
		s += n > 1;
	}
}
