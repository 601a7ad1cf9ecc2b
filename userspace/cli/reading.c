/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define COLUMNS_MAX 16
#define ROWS_MAX 100000
#define CELL_MAX 48	/* a table's column is no wider */

void reading_init(struct reading *r)
{
	*r = (struct reading){ .state = STATE_DEFAULT, .limit = ROWS_MAX, .to = UINT64_MAX >> 1 };
}

static int wrong(const char *option, const char *value, const char *takes)
{
	fprintf(stderr, "weir: %s takes %s, not %.80s\n", option, takes, value);
	return -1;
}

int reading_option(struct reading *r, const struct option_row *o, const char *value)
{
	char *end;

	if (!strcmp(o->name, "--state"))
		r->state = value;
	else if (!strcmp(o->name, "--exit-code"))
		r->exit_code = true;
	else if (!strcmp(o->name, "-o")) {
		r->json = !strcmp(value, "json");
		if (!r->json && strcmp(value, "table"))
			return wrong("-o", value, "table or json");
	} else if (!strcmp(o->name, "--period")) {
		if (period_parse(value, clock_utc_ms(), &r->from, &r->to))
			return wrong("--period", value, "all, 24h, 2026-09, 2026-Q3 or FROM..TO");
	} else if (!strcmp(o->name, "--limit")) {
		r->limit = strtoull(value, &end, 10);
		if (*end || !r->limit)
			return wrong("--limit", value, "a number from 1");
	} else {
		return 0;
	}
	return 1;
}

int reading_open(struct reading *r)
{
	char path[4200], why[256] = "";

	snprintf(r->from_text, sizeof(r->from_text), "%llu", (unsigned long long)r->from);
	snprintf(r->to_text, sizeof(r->to_text), "%llu", (unsigned long long)r->to);
	if (access(r->state, F_OK)) {
		fprintf(stderr, "weir: no state folder %s: %s. Has weir run on this host? Name another with --state DIR\n", r->state, strerror(errno));
		return EXIT_NOT_VERIFIED;
	}
	snprintf(path, sizeof(path), "%s/index.sqlite", r->state);
	if (access(path, R_OK)) {
		fprintf(stderr, "weir: cannot read %s: %s.%s\n", path, strerror(errno),
			errno == EACCES ? " The state folder is the keeper's: run as root, or on a copy" :
			" Nothing was recorded there: start weir run with this --state first");
		return EXIT_NOT_VERIFIED;
	}
	r->index = index_open(path, false, why, sizeof(why));
	if (r->index)
		return 0;
	fprintf(stderr, "weir: cannot open the index: %s\n", why);
	return EXIT_NOT_VERIFIED;
}

void reading_close(struct reading *r)
{
	index_close(r->index);
}

int reading_exit(const struct reading *r)
{
	return r->exit_code && r->rows ? EXIT_FOUND : EXIT_OK;
}

struct table { struct reading *reading; char **cells; size_t rows, size; int columns; };

static int take_row(void *owner, int columns, const char *const *values)
{
	struct table *t = owner;

	if (t->reading->rows == t->reading->limit)
		return 1;
	t->reading->rows++;
	if (t->reading->json) {
		printf("%s\n", values[0] ? values[0] : "null");
		return 0;
	}
	if (t->rows == t->size) {
		size_t size = t->size ? 2 * t->size : 64;
		char **cells = realloc(t->cells, size * COLUMNS_MAX * sizeof(*cells));

		if (!cells)
			return 1;
		t->cells = cells;
		t->size = size;
	}
	t->columns = columns - 1 < COLUMNS_MAX ? columns - 1 : COLUMNS_MAX;
	for (int i = 0; i < t->columns; i++)
		t->cells[t->rows * COLUMNS_MAX + (size_t)i] = strdup(values[i + 1] ? values[i + 1] : "-");
	t->rows++;
	return 0;
}

static void table_print(const struct table *t, const char *const *headers)
{
	int width[COLUMNS_MAX] = { 0 };

	for (int c = 0; c < t->columns; c++) {
		width[c] = (int)strlen(headers[c]);
		for (size_t r = 0; r < t->rows; r++) {
			int n = t->cells[r * COLUMNS_MAX + (size_t)c] ? (int)strlen(t->cells[r * COLUMNS_MAX + (size_t)c]) : 0;

			width[c] = n > width[c] ? n < CELL_MAX ? n : CELL_MAX : width[c];
		}
	}
	for (int c = 0; c < t->columns; c++)
		printf("%-*s%s", c + 1 < t->columns ? width[c] : 0, headers[c], c + 1 < t->columns ? "  " : "\n");
	for (size_t r = 0; r < t->rows; r++)
		for (int c = 0; c < t->columns; c++) {
			const char *cell = t->cells[r * COLUMNS_MAX + (size_t)c];

			if (c + 1 < t->columns)
				printf("%-*.*s  ", width[c], CELL_MAX, cell ? cell : "");
			else
				printf("%s\n", cell ? cell : "");
		}
}

int reading_print(struct reading *r, const char *sql, const char *const *params, size_t nr, const char *const *headers)
{
	const char *all[16] = { r->from_text, r->to_text };
	struct table t = { .reading = r };
	char why[256] = "";
	int err;

	for (size_t i = 0; i < nr && i < 14; i++)
		all[2 + i] = params[i];
	err = index_query(r->index, sql, all, 2 + nr, take_row, &t, why, sizeof(why));
	if (err)
		fprintf(stderr, "weir: the index cannot be read: %s\n", why);
	if (!r->json && t.rows)
		table_print(&t, headers);
	for (size_t i = 0; i < t.rows; i++)
		for (int c = 0; c < t.columns; c++)
			free(t.cells[i * COLUMNS_MAX + (size_t)c]);
	free(t.cells);
	return err ? EXIT_DEGRADED : 0;
}

static char one[65536];

static int take_one(void *owner, int columns, const char *const *values)
{
	bool *have = owner;

	if (columns && values[0]) {
		snprintf(one, sizeof(one), "%s", values[0]);
		*have = true;
	}
	return 1;
}

const char *reading_one(struct reading *r, const char *sql)
{
	const char *params[] = { r->from_text, r->to_text };
	bool have = false;
	char why[256];

	if (index_query(r->index, sql, params, strchr(sql, '?') ? 2 : 0, take_one, &have, why, sizeof(why)))
		return NULL;
	return have ? one : NULL;
}
