/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_flows.c - `weir flows`: who sent what class of data where, per interval, or one row
 * per flow over a period. Rows of the running interval say that they are not sealed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flows_sql.h"
#include "cli/query.h"
#include "cli/table.h"

extern const struct command command_flows;

static const struct option_row options[] = {
	{ "--sum", NULL, "one row per flow over the period instead of one per interval" },
	QUERY_OPTIONS_FILTER,
	{ "--not", NULL, "invert the filter that follows" },
	QUERY_OPTION_PERIOD,
	{ "--limit", "N", "the newest N rows; with --sum the N flows with most exchanges" },
	QUERY_OPTIONS_STATE,
	{ NULL, NULL, NULL }
};

static const struct column columns[] = {
	{ "SINCE", false, false }, { "WORKLOAD", false, true }, { "", false, false }, { "PEER", false, true }, { "ZONE", false, false },
	{ "PORT", true, false }, { "PROTOCOL", false, false }, { "ROUTE", false, true }, { "TLS", false, false },
	{ "EXCHANGES", true, false }, { "CLASSES (FINDINGS, DISTINCT)", false, true }, { "BYTES", true, false },
	{ "UNEXPLAINED", true, false }, { "SEALED", false, false },
};
#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* "2026-11-24T08:49:00.000Z" -> "2026-11-24 08:49" */
static void minute_of(char out[20], const char *time)
{
	snprintf(out, 17, "%s", time ? time : "");
	if (out[0] && out[10] == 'T')
		out[10] = ' ';
}

static int add_row(void *owner, int nr, const char *const *v)
{
	const char *cells[NR_COLUMNS];
	char when[20];

	if (nr < 14 || !v[0])
		return 0;
	minute_of(when, v[1]);
	cells[0] = when;
	cells[1] = v[2];
	cells[2] = v[3] && !strcmp(v[3], "client") ? "->" : v[3] && !strcmp(v[3], "server") ? "<-" : "--";
	for (unsigned i = 3; i < NR_COLUMNS; i++)
		cells[i] = v[i + 1];
	table_row(owner, cells);
	return 0;
}

/* The last line: each exchange once, whichever end it was seen at. */
static int print_totals(void *owner, int nr, const char *const *v)
{
	const size_t *rows = owner;

	if (nr < 4)
		return 0;
	printf("\ntotal: %s exchanges in %zu rows", v[0], *rows);
	if (v[1] && strcmp(v[1], "0"))
		printf(", %s local pair%s counted once", v[1], strcmp(v[1], "1") ? "s" : "");
	printf("; findings: %s", v[2] ? v[2] : "none");
	if (v[3] && strcmp(v[3], "0"))
		printf("; %s rows of the running interval, not sealed yet", v[3]);
	printf("\n");
	return 0;
}

static int print_table(struct query *q, bool sum)
{
	struct table *t = table_new(columns, NR_COLUMNS);
	size_t rows;
	int err;

	if (!t)
		return -1;
	err = query_run(q, sum ? flows_sum_sql : flows_rows_sql, add_row, t);
	rows = table_rows(t);
	if (!err && rows) {
		table_print(t, stdout);
		err = query_run(q, flows_totals_sql, print_totals, &rows);
	} else if (!err) {
		printf("no flows in this period%s\n", q->where.len ? " with these filters" : "");
	}
	table_free(t);
	return err;
}

static int cmd_flows(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = &command_flows };
	const struct option_row *row;
	const char *value;
	struct query q;
	bool sum = false, good = true;
	int code = EXIT_USAGE;

	query_init(&q, "flows");
	while (good && (row = cli_next(&cli, &value))) {
		if (!strcmp(row->name, "--sum"))
			sum = true;
		else
			good = query_option(&q, row->name, value) > 0;
	}
	if (!good || !query_options(&q, &cli) || !query_open(&q, &code))
		goto out;
	if (q.json)
		code = query_run(&q, sum ? flows_sum_sql : flows_rows_sql, print_json_row, NULL) ? EXIT_DEGRADED : EXIT_OK;
	else
		code = print_table(&q, sum) ? EXIT_DEGRADED : EXIT_OK;
out:
	query_fini(&q);
	return code;
}

const struct command command_flows = {
	"flows", "[--sum] [--workload W] [--class C] [--to P] [--from P] [--period P] [--state DIR] [-o table|json] [--limit N]",
	"summaries of what went where, by workload, class, destination, period", options, cmd_flows,
};
