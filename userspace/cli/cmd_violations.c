/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_violations.c - `weir violations list|show ID`: a violation is told by several leaves
 * (opened, grown, closed); the latest says how it stands, show prints all of them. */
#include <stdlib.h>
#include <string.h>

#include "cli/query.h"
#include "cli/table.h"
#include "model/flow.h"

extern const struct command command_violations;

static const struct option_row options[] = {
	{ "--status", "S", "only open, acknowledged, excepted or closed ones" },
	{ "--severity", "S", "only this severe or more: info, low, medium, high, critical" },
	{ "--rule", "R", "only of this rule; * and ? match" },
	QUERY_OPTIONS_FILTER,
	{ "--not", NULL, "invert the filter that follows" },
	QUERY_OPTION_PERIOD,
	{ "--limit", "N", "the newest N" },
	{ "--exit-code", NULL, "exit 1 when the list has rows" },
	QUERY_OPTIONS_STATE,
	{ NULL, NULL, NULL }
};

static const struct column columns[] = {
	{ "OPENED", false, false }, { "ID", false, false }, { "SEVERITY", false, false }, { "RULE", false, false },
	{ "WORKLOAD", false, true }, { "", false, false }, { "PEER", false, true }, { "ROUTE", false, true }, { "CLASS", false, false },
	{ "MASK", false, true }, { "CRITERIA", false, true }, { "EXCHANGES", true, false }, { "STATUS", false, false },
};
#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* max() beside bare columns: SQLite takes them from the row that has the maximum. A
 * violation is of a period when any of its life lies in it. */
#define LATEST \
	"WITH l AS (SELECT doc, max(leaf) AS leaf FROM leaf WHERE type='violation' GROUP BY " SQL_J("id") ")," \
	" y AS (SELECT *, " SQL_J("workload") " AS workload, " SQL_J("role") " AS role, " SQL_J("peer") " AS peer, " \
	SQL_J("severity") " AS severity, " SQL_J("status") " AS status, " SQL_J("rule") " AS rule, " \
	SQL_J("opened") " AS opened FROM l WHERE ms(" SQL_J("opened") ")<CAST(?2 AS INTEGER)" \
	" AND ms(" SQL_J("updated") ")>=CAST(?1 AS INTEGER)), x AS (SELECT * FROM y WHERE 1 @)"

static const char list_sql[] =
	LATEST " SELECT doc, opened, " SQL_J("id") ", severity, rule, workload, role, peer, " SQL_J("route") ","
	" (SELECT group_concat(json_extract(c.value,'$.class'),' ') FROM json_each(doc,'$.classes') AS c), " SQL_J("mask") ","
	" (SELECT group_concat(value,' ') FROM json_each(doc,'$.criteria')), " SQL_J("exchanges") ", status"
	" FROM (SELECT * FROM x ORDER BY opened DESC, leaf DESC LIMIT CAST(?3 AS INTEGER)) ORDER BY opened, leaf";
static const char counts_sql[] =
	LATEST " SELECT group_concat(n || ' ' || status, ', ') FROM (SELECT status, count(*) AS n FROM x GROUP BY status ORDER BY status DESC)";

static int add_row(void *owner, int nr, const char *const *v)
{
	const char *cells[NR_COLUMNS];
	char when[24];

	if (nr < 14 || !v[0])
		return 0;
	snprintf(when, 20, "%s", v[1] ? v[1] : "");
	if (when[0] && when[10] == 'T')
		when[10] = ' ';
	cells[0] = when;
	cells[1] = v[2];
	cells[2] = v[3];
	cells[3] = v[4];
	cells[4] = v[5];
	cells[5] = v[6] && !strcmp(v[6], "server") ? "<-" : "->";
	for (unsigned i = 6; i < NR_COLUMNS; i++)
		cells[i] = v[i + 1];
	table_row(owner, cells);
	return 0;
}

static int list(struct query *q)
{
	struct table *t;
	char counts[128];
	int err;

	if (q->json)
		return query_run(q, list_sql, print_json_row, q);
	t = table_new(columns, NR_COLUMNS);
	if (!t)
		return -1;
	err = query_run(q, list_sql, add_row, t);
	q->rows = table_rows(t);
	if (!err && table_rows(t)) {
		table_print(t, stdout);
		query_text(q, counts_sql, counts, sizeof(counts));
		printf("\n%s; one in full: weir violations show ID\n", counts);
	} else if (!err) {
		printf("no violations%s\n", q->where.len || strcmp(q->period, "all") ? " in this period with these filters" : " recorded");
	}
	table_free(t);
	return err;
}

/* One in full. An id may be cut short as long as it names one only. */

static const char ids_sql[] =
	"SELECT DISTINCT " SQL_J("id") " FROM leaf WHERE type='violation' AND " SQL_J("id") " GLOB ?4 LIMIT 2";
static const char latest_sql[] =
	"SELECT doc, max(leaf) FROM leaf WHERE type='violation' AND " SQL_J("id") " GLOB ?4";
static const char full_sql[] =
	"SELECT " SQL_J("id") ", " SQL_J("title") ", " SQL_J("rule") ", " SQL_J("severity") ","
	" (SELECT group_concat(value,' ') FROM json_each(doc,'$.criteria')), " SQL_J("status") ", " SQL_J("opened") ", " SQL_J("updated") ","
	" " SQL_J("workload") ", " SQL_J("exe") ", " SQL_J("role") ", " SQL_J("peer") ", " SQL_J("peer_zone") ", " SQL_J("port") ","
	" " SQL_J("protocol") ", " SQL_J("route") ","
	" (SELECT group_concat(json_extract(c.value,'$.class') || ' (' || json_extract(c.value,'$.group') || ', ' ||"
	" json_extract(c.value,'$.confidence') || ', ' || json_extract(c.value,'$.data') || ', ' || json_extract(c.value,'$.findings') ||"
	" ' findings)', ', ') FROM json_each(doc,'$.classes') AS c),"
	" (SELECT group_concat(value,', ') FROM json_each(doc,'$.classes[0].evidence')), " SQL_J("path") ", " SQL_J("mask") ", " SQL_J("exchanges") ""
	" FROM (SELECT doc, max(leaf) FROM leaf WHERE type='violation' AND " SQL_J("id") " GLOB ?4) WHERE doc IS NOT NULL";
static const char *const full_names[] = {
	"id", "title", "rule", "severity", "criteria", "status", "opened", "updated", "workload", "executable", "role", "peer", "zone", "port",
	"protocol", "route", "class", "because of", "field", "mask", "exchanges",
};
static const char history_sql[] =
	"SELECT leaf, " SQL_J("status") ", " SQL_J("updated") ", " SQL_J("exchanges") " FROM leaf WHERE type='violation' AND "
	SQL_J("id") " GLOB ?4 ORDER BY leaf";

static int print_full(void *owner, int nr, const char *const *v)
{
	for (int i = 0; i < nr && i < (int)(sizeof(full_names) / sizeof(full_names[0])); i++) {
		printf("%-11s ", full_names[i]);
		text_print(stdout, v[i] ? v[i] : "-");
		putchar('\n');
	}
	printf("history\n");
	return 0;
}

static int print_history(void *owner, int nr, const char *const *v)
{
	if (nr >= 4)
		printf("  leaf %-8s %-12s %s  %s exchanges\n", v[0], v[1] ? v[1] : "-", v[2] ? v[2] : "-", v[3] ? v[3] : "-");
	return 0;
}

static int count_row(void *owner, int nr, const char *const *v)
{
	++*(unsigned *)owner;
	return 0;
}

static int show(struct query *q, const char *id)
{
	unsigned found = 0;
	char pattern[40];

	if (strspn(id, "0123456789abcdef") != strlen(id) || !*id || strlen(id) > 32) {
		fprintf(stderr, "weir violations: an id is hexadecimal, as weir violations list prints it\n");
		return EXIT_USAGE;
	}
	snprintf(pattern, sizeof(pattern), "%s*", id);
	q->nr = 4;
	q->params[3] = pattern;
	if (query_run(q, ids_sql, count_row, &found))
		return EXIT_DEGRADED;
	if (found != 1) {
		fprintf(stderr, "weir violations: %s violation has an id that begins with %s\n", found ? "more than one" : "no", id);
		return EXIT_USAGE;
	}
	if (q->json)
		return query_run(q, latest_sql, print_json_row, NULL) ? EXIT_DEGRADED : EXIT_OK;
	if (query_run(q, full_sql, print_full, NULL) || query_run(q, history_sql, print_history, NULL))
		return EXIT_DEGRADED;
	printf("each line of the history is a leaf of the ledger; weir ledger verify proves them; weir policy explain says why\n");
	return EXIT_OK;
}

static bool filter_word(struct query *q, const char *sql, const char *word)
{
	if (q->nr == QUERY_PARAMS)
		return false;
	q->params[q->nr++] = word;
	buf_printf(&q->where, q->not_next ? " AND NOT (%s?%u)" : " AND %s?%u", sql, q->nr);
	q->not_next = false;
	return true;
}

static bool take_option(struct query *q, const char *name, const char *value)
{
	static const char *const statuses[] = { "open", "acknowledged", "excepted", "closed" };
	static const char *const ranks[] = { "0", "1", "2", "3", "4" };
	bool known = false;

	if (!strcmp(name, "--rule"))
		return filter_word(q, "rule GLOB ", value);
	if (!strcmp(name, "--status")) {
		for (unsigned i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
			known |= !strcmp(statuses[i], value);
		if (known)
			return filter_word(q, "status=", value);
		fprintf(stderr, "weir violations: no such status (open, acknowledged, excepted, closed): %s\n", value);
		return false;
	}
	if (!strcmp(name, "--severity")) {
		int rank = severity_parse(value);

		if (rank >= 0)
			return filter_word(q, "CASE severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1"
					   " ELSE 0 END >= 0+", ranks[rank]);
		fprintf(stderr, "weir violations: no such severity (info, low, medium, high, critical): %s\n", value);
		return false;
	}
	return query_option(q, name, value) > 0;
}

static int usage(void)
{
	cli_usage(&command_violations, stderr);
	return EXIT_USAGE;
}

static int cmd_violations(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = &command_violations };
	const struct option_row *row;
	const char *value, *verb;
	struct query q;
	int code = EXIT_USAGE, rest;

	query_init(&q, "violations");
	while ((row = cli_next(&cli, &value)))
		if (!take_option(&q, row->name, value))
			goto out;
	if (cli.error)
		goto out;
	rest = argc - cli.next;
	verb = rest ? argv[cli.next] : "list";
	if (q.not_next || !((!strcmp(verb, "list") && rest <= 1) || (!strcmp(verb, "show") && rest == 2))) {
		code = usage();
		goto out;
	}
	if (!query_open(&q, &code))
		goto out;
	code = rest == 2 ? show(&q, argv[cli.next + 1]) : list(&q) ? EXIT_DEGRADED : EXIT_OK;
	if (!code && rest < 2 && q.exit_code && q.rows)
		code = EXIT_FOUND;
out:
	query_fini(&q);
	return code;
}

const struct command command_violations = {
	"violations", "[list|show ID] [--status S] [--severity S] [--rule R] [--period P] [--state DIR] [-o table|json] [--limit N] [--exit-code]",
	"rules that flows broke, how they stand, and each in full", options, cmd_violations,
};
