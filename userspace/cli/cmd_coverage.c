/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_coverage.c - `weir coverage`: per workload and process, what was visible, what was
 * not, and why. */
#include <string.h>

#include "cli/reading.h"

static const struct option_row options[] = {
	READING_OPTIONS,
	{ "--workload", "W", "of this workload only" },
	{ NULL, NULL, NULL }
};

#define X(name) "json_extract(doc,'$." name "')"
#define SUM(name) "sum(" X("bytes." name) ") " name
/* Over the period: bytes are added, of the states the worst that moved bytes stands. */
#define ROWS \
	"WITH l(doc) AS (SELECT doc FROM leaf WHERE type='coverage' AND \"end\">CAST(?1 AS INTEGER) AND start<CAST(?2 AS INTEGER)" \
	" UNION ALL SELECT doc FROM open WHERE type='coverage' AND ms(json_extract(doc,'$.start'))<CAST(?2 AS INTEGER))," \
	" s AS (SELECT " X("workload") " w, " X("pid") " pid, max(" X("exe") ") exe, max(" X("library") ") library, max(" X("build_id") ") build_id," \
	" min(" X("start") ") a, max(" X("end") ") z, max(" X("binding") ") binding, max(CASE WHEN " X("bytes.moved") ">0 OR " X("state") "='dead' THEN CASE " \
	X("state") " WHEN 'visible' THEN 1 WHEN 'partial' THEN 3 WHEN 'blind' THEN 4 WHEN 'dead' THEN 5 ELSE 0 END ELSE 0 END) worst," \
	" max(CASE WHEN " X("reason") "<>'no_traffic' THEN " X("reason") " END) reason, " SUM("moved") "," SUM("examined") "," SUM("opaque") "," SUM("skipped") "," \
	SUM("lost") "," SUM("framing") "," SUM("unexplained") " FROM l WHERE (?3='' OR " X("workload") "=?3) GROUP BY w, pid)," \
	" t AS (SELECT *, CASE WHEN worst=5 THEN 'dead' WHEN worst=0 THEN 'unproven' WHEN examined>0 AND opaque=0 AND lost=0 THEN 'visible'" \
	" WHEN examined>0 THEN 'partial' ELSE 'blind' END state FROM s) "
#define BYTES "json_object('moved',moved,'examined',examined,'opaque',opaque,'skipped',skipped,'lost',lost,'framing',framing,'unexplained',unexplained)"
#define REASON "CASE state WHEN 'visible' THEN NULL WHEN 'unproven' THEN 'no_traffic' ELSE reason END"

const char coverage_sql[] = ROWS
	"SELECT CASE WHEN pid IS NULL THEN json_object('type','coverage','start',a,'end',z,'workload',w,'state',state,'reason'," REASON ",'binding',binding,'bytes'," BYTES ")"
	" ELSE json_object('type','coverage','start',a,'end',z,'workload',w,'exe',exe,'pid',pid,'library',library,'build_id',build_id,'state',state,"
	"'reason'," REASON ",'binding',binding,'bytes'," BYTES ") END, w, pid, state, " REASON ", library, binding, moved, examined, opaque, lost, framing, unexplained"
	" FROM t ORDER BY w, pid IS NOT NULL, pid";
static const char *const headers[] = { "WORKLOAD", "PID", "STATE", "REASON", "LIBRARY", "BINDING", "MOVED", "EXAMINED", "OPAQUE", "LOST", "FRAMING", "UNEXPLAINED" };

static int cmd_coverage(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("coverage") };
	const char *workload = "", *value, *hooks;
	const struct option_row *o;
	struct reading r;
	int err;

	reading_init(&r);
	while ((o = cli_next(&cli, &value))) {
		int taken = reading_option(&r, o, value);

		if (taken < 0)
			return EXIT_USAGE;
		if (!taken)
			workload = value;
	}
	if (cli.error || cli.next < argc) {
		if (!cli.error)
			cli_usage(cli.command, stderr);
		return EXIT_USAGE;
	}
	err = reading_open(&r);
	if (err)
		return EXIT_NOT_VERIFIED;
	if (!reading_one(&r, "SELECT 1 FROM leaf WHERE type='start'")) {
		fprintf(stderr, "weir coverage: %s holds no recorded start of weir: nothing can be said about coverage\n", r.state);
		reading_close(&r);
		return EXIT_NOT_VERIFIED;
	}
	err = reading_print(&r, coverage_sql, &workload, 1, headers);
	hooks = reading_one(&r, "SELECT json_extract(doc,'$.hooks') FROM leaf WHERE type='start' ORDER BY leaf DESC LIMIT 1");
	if (!err && !r.json)
		printf("%shooks: %s. Not looked at: UDP, UNIX sockets, io_uring and sendfile payload.\n", r.rows ? "" : "no process has moved bytes yet\n", hooks);
	reading_close(&r);
	return err ? err : reading_exit(&r);
}

const struct command command_coverage = {
	"coverage", "[--workload W] [--period P] [--state DIR] [-o json]",
	"what was visible, partly visible, blind, and why", options, cmd_coverage,
};
