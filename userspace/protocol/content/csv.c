/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - rows of cells (RFC 4180), separated by commas, semicolons, tabs or bars: the first row
 * names the columns when it looks like names. Without a media type only what has the same number
 * of cells in its first rows, and names above them, is taken for it. */
#include <stdlib.h>
#include <string.h>

#include "protocol/content/media.h"
#include "protocol/content/tree.h"

#define COLUMNS_MAX	256	/* more have no name */
#define ROWS_SEEN	3	/* that must be alike, where no media type says it */
#define COLUMNS_SEEN	3
#define ROW_SEEN	4096	/* bytes of a row, then */

struct walker {
	struct content_job *job;
	struct tree *tree;
	const uint8_t *p, *end;
	uint8_t separator;
	bool unquoted;		/* a quote had no end: quotes are bytes like others from there on */
	uint8_t *copy;		/* a cell with quotes in it, undone */
	unsigned nr_names;
	struct slice names[COLUMNS_MAX];	/* in the body */
};

struct cell { struct slice raw; bool quoted, doubled, whole, last; };	/* doubled: quotes stand for one */

/* Behind a quote: the one that ends the cell; NULL: none does. */
static const uint8_t *quote_end(const uint8_t *p, const uint8_t *end, bool *doubled)
{
	while ((p = memchr(p, '"', (size_t)(end - p))) && end - p > 1 && p[1] == '"') {
		*doubled = true;
		p += 2;
	}
	return p;
}

/* The cell at p; p stands behind it and its separator. */
static struct cell cell_next(const uint8_t **at, const uint8_t *end, uint8_t separator, bool *unquoted)
{
	const uint8_t *p = *at, *close = NULL;
	struct cell c = { .quoted = p < end && *p == '"' && !*unquoted };

	if (c.quoted) {
		close = quote_end(p + 1, end, &c.doubled);
		*unquoted = !close;
	}
	c.raw.ptr = p + (close != NULL);
	p = close ? close + 1 : p;
	while (p < end && *p != separator && *p != '\n')
		p++;
	c.raw.len = (size_t)(p - c.raw.ptr);
	if ((p == end || *p == '\n') && c.raw.len && p[-1] == '\r')
		c.raw.len--;
	if (close && c.raw.ptr + c.raw.len == close + 1)	/* what stands behind the quote belongs to it, whatever it is */
		c.raw.len--;
	c.doubled &= close != NULL;
	c.whole = p < end || close;
	c.last = p == end || *p == '\n';
	*at = p + (p < end);
	return c;
}

static uint8_t separator_guess(struct slice body)
{
	static const char separators[] = ",;\t|";
	const uint8_t *nl = memchr(body.ptr, '\n', body.len);
	size_t len = nl ? (size_t)(nl - body.ptr) : body.len, most = 0;
	uint8_t best = ',';

	for (const char *s = separators; *s; s++) {
		size_t n = 0;

		for (size_t i = 0; i < len && i < ROW_SEEN; i++)
			n += body.ptr[i] == (uint8_t)*s;
		if (n > most) {
			most = n;
			best = (uint8_t)*s;
		}
	}
	return best;
}

/* A name begins with a letter, and says no number of some length and no address. */
static bool looks_like_name(struct slice s)
{
	unsigned digits = 0;

	s = trim(s);
	if (!s.len || s.len > KEY_KEPT || ((s.ptr[0] | 0x20) < 'a' && s.ptr[0] != '_') || ((s.ptr[0] | 0x20) > 'z' && s.ptr[0] < 0x80))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		digits += s.ptr[i] >= '0' && s.ptr[i] <= '9';
		if (s.ptr[i] < 0x20 || s.ptr[i] == '@' || (s.ptr[i] && strchr("{}<>=\"", s.ptr[i])))
			return false;
	}
	return digits <= 4;
}

/* Cells of the row at p; 0: one that names must be, and is none, or the row has no end. */
static unsigned row_count(const uint8_t **p, const uint8_t *end, uint8_t separator, bool names)
{
	const uint8_t *limit = end - *p > ROW_SEEN ? *p + ROW_SEEN : end;
	bool unquoted = false;

	for (unsigned n = 1;; n++) {
		struct cell c = cell_next(p, limit, separator, &unquoted);

		if (!c.whole || (names && !looks_like_name(c.raw)))
			return 0;
		if (c.last)
			return n;
	}
}

static bool is_table(struct slice body)
{
	const uint8_t *p = body.ptr, *end = p + body.len;
	unsigned columns;
	uint8_t separator;

	if (!body.len || *p == '{' || *p == '[' || !memchr(p, '\n', body.len))	/* as most are: no name begins so, and there is no row */
		return false;
	separator = separator_guess(body);
	columns = row_count(&p, end, separator, true);
	if (columns < COLUMNS_SEEN)
		return false;
	for (unsigned i = 1; i < ROWS_SEEN; i++)
		if (row_count(&p, end, separator, false) != columns)
			return false;
	return true;
}

static int match(struct slice essence, struct slice head)
{
	if (is_fold(essence, "text/csv") || is_fold(essence, "application/csv") || is_fold(essence, "text/tab-separated-values"))
		return 100;
	if (essence.len && !is_fold(essence, "text/plain") && !is_fold(essence, "application/octet-stream"))
		return 0;
	return is_table(head) ? 30 : 0;
}

static struct slice cell_value(struct walker *w, const struct cell *c)
{
	size_t n = 0;

	if (!c->doubled)
		return c->raw;
	for (size_t i = 0; i < c->raw.len; i++) {
		w->copy[n++] = c->raw.ptr[i];
		i += c->raw.ptr[i] == '"';
	}
	return slice_of(w->copy, n);
}

static void take_names(struct walker *w)
{
	const uint8_t *p = w->p;
	struct cell c = { .last = w->p == w->end };
	bool unquoted = false;

	while (!c.last) {
		c = cell_next(&p, w->end, w->separator, &unquoted);
		if (!looks_like_name(c.raw)) {
			w->nr_names = 0;
			return;
		}
		if (w->nr_names < COLUMNS_MAX)
			w->names[w->nr_names++] = trim(c.raw);
	}
	w->p = p;
}

static void take_row(struct walker *w)
{
	struct cell c = { .last = false };

	tree_open(w->tree, NO_NAME, true);
	for (unsigned i = 0; !c.last && !w->tree->full; i++) {
		c = cell_next(&w->p, w->end, w->separator, &w->unquoted);
		if (c.raw.len)
			tree_leaf(w->tree, i < w->nr_names ? w->names[i] : NO_NAME, cell_value(w, &c), VALUE_STRING,
				  !c.whole && w->job->cut);
	}
	tree_close(w->tree);
}

/* The rest of a row, of which is not known in which column it begins. */
static void late_start(struct walker *w)
{
	const uint8_t *nl = memchr(w->p, '\n', (size_t)(w->end - w->p)), *to = nl ? nl : w->end;

	content_text(w->job, w->tree->path, slice_of(w->p, (size_t)(to - w->p)));
	w->p = nl ? nl + 1 : w->end;
}

static void decode(struct content_job *job, struct slice body)
{
	struct walker *w = malloc(sizeof(*w));

	job->limited |= !w;
	if (!w)
		return;
	body = job->late ? body : trim(body);
	*w = (struct walker){ .job = job, .p = body.ptr, .end = body.ptr + body.len };
	w->separator = is_fold(media_essence(job->type), "text/tab-separated-values") ? '\t' : separator_guess(body);
	w->tree = tree_new(job, "csv");
	w->copy = malloc(body.len ? body.len : 1);
	job->limited |= !w->copy;
	if (w->tree && w->copy) {
		if (job->late)
			late_start(w);
		else
			take_names(w);
		while (w->p < w->end && !w->tree->full)
			take_row(w);
	}
	if (w->copy)
		explicit_bzero(w->copy, body.len);
	free(w->copy);
	tree_free(w->tree);
	explicit_bzero(w, sizeof(*w));
	free(w);
}

const struct content content_csv = {
	.name = "csv", .summary = "CSV and TSV, columns by their header", .match = match, .decode = decode,
};
