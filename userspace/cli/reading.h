/* SPDX-License-Identifier: Apache-2.0 */
/* reading.h - what all commands that read a state folder share: their options, the open
 * index, a query that sees sealed leaves and the running interval alike, tables. */
#ifndef WEIR_READING_H
#define WEIR_READING_H
#include "base/buf.h"
#include "cli/cli.h"
#include "store/index.h"

#define READING_OPTIONS \
	{ "--state", "DIR", "the state folder (default " STATE_DEFAULT ")" }, \
	{ "-o", "FORMAT", "table or json (one object per line)" }, \
	{ "--period", "P", "all, 24h, 2026-09, 2026-Q3, FROM..TO (UTC, half-open; default all)" }, \
	{ "--limit", "N", "at most N rows" }, \
	{ "--exit-code", NULL, "exit 1 when there are rows" }

struct reading {
	const char *state;
	struct index *index;
	bool json, exit_code;
	uint64_t from, to, limit, rows;
	char from_text[24], to_text[24];	/* the same for queries: parameters ?1 and ?2 */
	struct buf *cells;
};
void reading_init(struct reading *);
/* Takes an option of READING_OPTIONS. 1 taken, 0 not one of them, -1 wrong (said). */
int reading_option(struct reading *, const struct option_row *, const char *value);
/* Opens the index. 0, or an exit code after a message. */
int reading_open(struct reading *);
void reading_close(struct reading *);
int reading_exit(const struct reading *);

/* A query whose first column is the object to print with -o json and whose other
 * columns are the table's; more parameters follow ?1 and ?2. Prints. */
int reading_print(struct reading *, const char *sql, const char *const *params, size_t nr, const char *const *headers);
/* One number or text of a query; NULL: none. Valid until the next call. */
const char *reading_one(struct reading *, const char *sql);

/* The tables of `flows --sum`, `violations list` and `coverage`, for the report: first
 * column the object, then the cells. Parameters ?3.. are their filters ("": none). */
extern const char flows_sum_sql[], flows_total_sql[], violations_list_sql[], coverage_sql[];

/* All flows of the period, sealed and running, as rows f(doc). */
#define FLOWS_SQL \
	"WITH f(doc) AS (SELECT doc FROM leaf WHERE type='flow' AND \"end\">CAST(?1 AS INTEGER) AND start<CAST(?2 AS INTEGER)" \
	" UNION ALL SELECT doc FROM open WHERE type='flow' AND ms(json_extract(doc,'$.end'))>CAST(?1 AS INTEGER)" \
	" AND ms(json_extract(doc,'$.start'))<CAST(?2 AS INTEGER)) "
/* The latest leaf of each violation that was touched in the period, as rows v(doc, leaf, id). */
#define VIOLATIONS_SQL \
	"WITH v(doc, leaf, id) AS (SELECT doc, max(leaf), json_extract(doc,'$.id') FROM leaf WHERE type='violation'" \
	" AND ms(json_extract(doc,'$.opened'))<CAST(?2 AS INTEGER) AND time>=CAST(?1 AS INTEGER) GROUP BY json_extract(doc,'$.id')) "
#endif
