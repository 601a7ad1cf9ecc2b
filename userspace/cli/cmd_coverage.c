/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_coverage.c - `weir coverage`: what was visible, what was not, and why. Coverage
 * leaves are per interval; here they are added up per process and per workload, by
 * default since the last start, together with the interval that is still running. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/coverage_sql.h"
#include "cli/query.h"
#include "cli/table.h"

#define SILENT_MS 180000	/* a heartbeat a minute: three missed ones are told */

extern const struct command command_coverage;

static const struct option_row options[] = {
	{ "--processes", NULL, "each process too, not only workloads (-o json always has both)" },
	{ "--workload", "W[,W]", "only of these workloads; * and ? match" },
	{ "--not", NULL, "invert the filter that follows" },
	{ "--period", "P", "all, 24h, 15m, 2026-09, FROM..TO (default: since the last start)" },
	{ "--limit", "N", "the first N rows, worst first" },
	{ "--exit-code", NULL, "exit 3 when something was not visible" },
	QUERY_OPTIONS_STATE,
	{ NULL, NULL, NULL }
};

static const struct column columns[] = {
	{ "WORKLOAD", false, true }, { "PID", true, false }, { "STATE", false, false }, { "REASON", false, false },
	{ "LIBRARY", false, true }, { "BINDING", false, false }, { "MOVED", true, false }, { "EXAMINED", true, false },
	{ "OPAQUE", true, false }, { "SKIPPED", true, false }, { "LOST", true, false }, { "FRAMING", true, false },
	{ "UNEXPLAINED", true, false },
};
#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static int add_row(void *owner, int nr, const char *const *v)
{
	if (nr > (int)NR_COLUMNS && v[0])
		table_row(owner, v + 1);
	return 0;
}

struct life { char start[32], stop[32], hooks[64]; uint64_t started, last; };

static void life_read(struct query *q, struct life *l)
{
	query_text(q, "SELECT json_extract(doc,'$.time') FROM leaf WHERE type='start' ORDER BY leaf DESC LIMIT 1", l->start, sizeof(l->start));
	query_text(q, "SELECT json_extract(doc,'$.time') FROM leaf WHERE type='stop' AND leaf>(SELECT max(leaf) FROM leaf"
		   " WHERE type='start') ORDER BY leaf DESC LIMIT 1", l->stop, sizeof(l->stop));
	query_text(q, "SELECT json_extract(doc,'$.hooks') FROM leaf WHERE type='start' ORDER BY leaf DESC LIMIT 1", l->hooks, sizeof(l->hooks));
	l->started = query_number(q, "SELECT max(time) FROM leaf WHERE type='start'");
	l->last = query_number(q, "SELECT max(time) FROM leaf WHERE type IN ('heartbeat','start')");
}

static void print_life(const struct life *l)
{
	uint64_t now = clock_utc_ms();
	char last[UTC_SIZE];

	clock_format(last, l->last);
	printf("weir started %s, ", l->start);
	if (l->stop[0])
		printf("stopped %s\n", l->stop);
	else if (now > l->last && now - l->last > SILENT_MS)
		printf("NO SIGN OF LIFE since %s: it ended without a stop, or its state is a copy\n", last);
	else
		printf("is running, last heartbeat %s\n", last);
	printf("hooks: %s; UNIX sockets are looked at only where a filter names the process\n\n", l->hooks[0] ? l->hooks : "not recorded");
}

static int print_totals(void *owner, int nr, const char *const *v)
{
	if (nr >= 7 && v[0])
		printf("\nbytes: moved %s = examined %s + opaque %s + skipped %s + lost %s + framing %s + unexplained %s\n", v[0], v[1], v[2], v[3],
		       v[4], v[5], v[6]);
	if (nr >= 10 && v[7])
		printf("older than weir: %s connections, which had sent %s and received %s bytes before; these are not in the account\n", v[7], v[8], v[9]);
	return 0;
}

static int print_table(struct query *q, bool processes)
{
	struct table *t = table_new(columns, NR_COLUMNS);
	int err;

	if (!t)
		return -1;
	err = query_run(q, processes ? coverage_all_sql : coverage_workloads_sql, add_row, t);
	if (!err && table_rows(t)) {
		table_print(t, stdout);
		err = query_run(q, coverage_totals_sql, print_totals, NULL);
	} else if (!err) {
		printf("no traffic in this period\n");
	}
	table_free(t);
	return err;
}

static bool options_take(struct query *q, struct cli *cli, bool *processes, bool *period)
{
	const struct option_row *row;
	const char *value;

	while ((row = cli_next(cli, &value))) {
		*processes |= !strcmp(row->name, "--processes");
		*period |= !strcmp(row->name, "--period");
		if (strcmp(row->name, "--processes") && query_option(q, row->name, value) < 0)
			return false;
	}
	return query_options(q, cli);	/* what is left over, as for every command */
}

static int cmd_coverage(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = &command_coverage };
	bool processes = false, period = false;
	struct query q;
	struct life life;
	int code = EXIT_USAGE;

	query_init(&q, "coverage");
	q.missing = EXIT_NOT_VERIFIED;
	if (!options_take(&q, &cli, &processes, &period) || !query_open(&q, &code))
		goto out;
	life_read(&q, &life);
	if (!life.start[0]) {
		fprintf(stderr, "weir coverage: %s holds no recorded start, so there is no coverage to state.\n"
			"Start it with weir run --state %s.\n", q.state, q.state);
		code = EXIT_NOT_VERIFIED;
		goto out;
	}
	if (!period)	/* the interval it started in began before the start */
		q.from = life.started / 60000 * 60000;
	if (!q.json)
		print_life(&life);
	if (q.json)
		code = query_run(&q, coverage_all_sql, print_json_row, NULL) ? EXIT_DEGRADED : EXIT_OK;
	else
		code = print_table(&q, processes) ? EXIT_DEGRADED : EXIT_OK;
	if (!code && q.exit_code && query_number(&q, coverage_hidden_sql))
		code = EXIT_DEGRADED;
out:
	query_fini(&q);
	return code;
}

const struct command command_coverage = {
	"coverage", "[--processes] [--workload W] [--period P] [--state DIR] [-o table|json] [--limit N] [--exit-code]",
	"per workload: visible, partly, blind, and why; bytes accounted", options, cmd_coverage,
};
