/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_violations.c - `weir violations list|show`. */
#include <string.h>

#include "cli/reading.h"

static const struct option_row options[] = { READING_OPTIONS, { NULL, NULL, NULL } };

#define X(name) "json_extract(doc,'$." name "')"
#define CRITERIA "(SELECT group_concat(value,' ') FROM json_each(doc,'$.criteria'))"

const char violations_list_sql[] = VIOLATIONS_SQL
	"SELECT doc, " X("id") ", substr(" X("opened") ",1,19), " X("severity") ", " X("rule") ", " X("workload") ", " X("peer") ", " X("route") ", "
	X("classes[0].class") ", " X("mask") ", " X("exchanges") ", " X("status") ", " CRITERIA " FROM v ORDER BY " X("opened") ", id";
static const char *const list_headers[] = { "ID", "OPENED", "SEVERITY", "RULE", "WORKLOAD", "PEER", "ROUTE", "CLASS", "MASK", "EXCHANGES", "STATUS", "CRITERIA" };

static const char show_sql[] = VIOLATIONS_SQL
	", k(i, name, value) AS (SELECT 0,'id',id FROM v WHERE id=?3 UNION ALL SELECT e.id, e.key, CASE WHEN e.type IN ('array','object') THEN e.value ELSE e.atom END"
	" FROM v, json_each(v.doc) e WHERE v.id=?3 AND e.key NOT IN ('type','id')) SELECT value, name, value FROM k ORDER BY i";
static const char show_json_sql[] = VIOLATIONS_SQL "SELECT doc, id FROM v WHERE id=?3";
static const char history_sql[] =
	"SELECT doc, leaf, substr(json_extract(doc,'$.updated'),1,19), json_extract(doc,'$.status'), json_extract(doc,'$.exchanges') FROM leaf"
	" WHERE type='violation' AND json_extract(doc,'$.id')=?3 AND ?1=?1 AND ?2=?2 ORDER BY leaf";
static const char *const show_headers[] = { "FIELD", "VALUE" };
static const char *const history_headers[] = { "LEAF", "UPDATED", "STATUS", "EXCHANGES" };

static int show(struct reading *r, const char *id)
{
	int err = reading_print(r, r->json ? show_json_sql : show_sql, &id, 1, show_headers);

	if (!err && !r->rows) {
		fprintf(stderr, "weir violations: no violation %.32s in %s; 'weir violations list' has the ids\n", id, r->state);
		return EXIT_USAGE;
	}
	if (!err && !r->json) {
		printf("\n");
		err = reading_print(r, history_sql, &id, 1, history_headers);
	}
	return err;
}

static int cmd_violations(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("violations") };
	const char *verb = argc > 1 && argv[1][0] != '-' ? argv[1] : "list", *id = NULL, *value;
	const struct option_row *o;
	struct reading r;
	int err;

	reading_init(&r);
	cli.next += argc > 1 && argv[1][0] != '-';
	if (!strcmp(verb, "show") && cli.next < argc && argv[cli.next][0] != '-')
		id = argv[cli.next++];
	while ((o = cli_next(&cli, &value)))
		if (reading_option(&r, o, value) < 0)
			return EXIT_USAGE;
	if (!cli.error && !strcmp(verb, "show") && !id && cli.next < argc)
		id = argv[cli.next++];
	if (cli.error)
		return EXIT_USAGE;
	if (cli.next < argc || (strcmp(verb, "list") && strcmp(verb, "show")) || (!strcmp(verb, "show") && !id)) {
		cli_usage(cli.command, stderr);
		return EXIT_USAGE;
	}
	err = reading_open(&r);
	if (err)
		return err;
	err = id ? show(&r, id) : reading_print(&r, violations_list_sql, NULL, 0, list_headers);
	if (!err && !id && !r.json && !r.rows)
		printf("no violations\n");
	reading_close(&r);
	return err ? err : reading_exit(&r);
}

const struct command command_violations = {
	"violations", "list|show ID [--period P] [--state DIR] [-o json]",
	"rules that flows have broken", options, cmd_violations,
};
