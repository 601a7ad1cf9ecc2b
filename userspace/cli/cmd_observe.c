/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_observe.c - `weir observe [-f]`: flows and violations as they come. Follows by asking
 * the index again: what a flow gained since the last look is a line. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/reading.h"

static const struct option_row options[] = {
	{ "-f", NULL, "follow: go on until interrupted" },
	{ "--state", "DIR", "the state folder (default " STATE_DEFAULT ")" },
	{ "-o", "FORMAT", "table or json" },
	{ "--since", "P", "start this far back, 10m, 24h (default 5m; with -f now)" },
	{ "--workload", "W", "of this workload only" },
	{ "--class", "C", "carrying this class only" },
	{ "--to", "PEER", "to this peer only" },
	{ "--from", "PEER", "from this peer only (what a server received)" },
	{ "--verdict", "V", "violation: violations only; flow: flows only" },
	{ "--not", NULL, "inverts the next filter" },
	{ "--limit", "N", "at most N rows" },
	{ NULL, NULL, NULL }
};

#define X(name) "json_extract(doc,'$." name "')"
#define HAS_CLASS "EXISTS(SELECT 1 FROM json_each(doc,'$.classes') WHERE json_extract(value,'$.class')=substr(?4,2))"
/* A filter is "+value" or, inverted, "-value"; empty: none. */
#define FILTER(n, test) " AND (?" n "='' OR (substr(?" n ",1,1)='+')=(" test "))"

static const char sql[] =
	"WITH a(doc, t, kind) AS (SELECT doc, time, type FROM leaf WHERE type IN ('flow','violation') UNION ALL SELECT doc, ms(json_extract(doc,'$.end')), 'flow' FROM open WHERE type='flow')"
	" SELECT doc, substr(coalesce(" X("updated") "," X("end") "),1,19), kind, " X("workload") ", " X("role") ", " X("peer") ", " X("route") ", " X("exchanges") ","
	" (SELECT group_concat(json_extract(value,'$.class')||' x'||json_extract(value,'$.findings'),', ') FROM json_each(doc,'$.classes')), " X("rule") ", " X("mask")
	" FROM a WHERE t>=CAST(?1 AS INTEGER) AND t<CAST(?2 AS INTEGER) AND " X("exchanges") ">0"
	FILTER("3", X("workload") "=substr(?3,2)") FILTER("4", HAS_CLASS) FILTER("5", X("role") "='client' AND " X("peer") "=substr(?5,2)")
	FILTER("6", X("role") "='server' AND " X("peer") "=substr(?6,2)") FILTER("7", "kind=substr(?7,2)") " ORDER BY t, kind DESC";
static const char *const headers[] = { "TIME", "KIND", "WORKLOAD", "ROLE", "PEER", "ROUTE", "EXCHANGES", "CLASSES", "RULE", "MASK" };

static volatile sig_atomic_t stop;

static void on_signal(int signo)
{
	stop = 1;
}

static int follow(struct reading *r, const char *const *filters)
{
	struct timespec pause = { 0, 500000000 };
	struct sigaction sa = { .sa_handler = on_signal };
	uint64_t from = r->from ? r->from : clock_utc_ms();

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	while (!stop && r->rows < r->limit) {
		uint64_t now = clock_utc_ms();
		int err;

		snprintf(r->from_text, sizeof(r->from_text), "%llu", (unsigned long long)from);
		snprintf(r->to_text, sizeof(r->to_text), "%llu", (unsigned long long)now);
		err = reading_print(r, sql, filters, 5, headers);
		if (err)
			return err;
		if (fflush(stdout))
			return 0;	/* nobody reads on */
		from = now;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int cmd_observe(int argc, char **argv)
{
	static const char *const names[] = { "--workload", "--class", "--to", "--from", "--verdict" };
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("observe") };
	const char *filters[5] = { "", "", "", "", "" }, *value;
	char text[5][160];
	const struct option_row *o;
	bool following = false, inverted = false, since = false;
	struct reading r;
	int err;

	reading_init(&r);
	while ((o = cli_next(&cli, &value))) {
		if (!strcmp(o->name, "-f"))
			following = true;
		else if (!strcmp(o->name, "--not"))
			inverted = true;
		else if (!strcmp(o->name, "--since")) {
			since = true;
			if (period_parse(value, clock_utc_ms(), &r.from, &r.to))
				return fprintf(stderr, "weir observe: --since takes 10m, 24h or a date, not %.64s\n", value), EXIT_USAGE;
		} else if (reading_option(&r, o, value) < 0) {
			return EXIT_USAGE;
		}
		for (int i = 0; i < 5; i++)
			if (!strcmp(o->name, names[i])) {
				snprintf(text[i], sizeof(text[i]), "%c%s", inverted ? '-' : '+', value);
				filters[i] = text[i];
				inverted = false;
			}
	}
	if (cli.error || cli.next < argc || inverted) {
		if (!cli.error)
			cli_usage(cli.command, stderr);
		return EXIT_USAGE;
	}
	if (!since)
		r.from = following ? 0 : clock_utc_ms() - 300000;
	err = reading_open(&r);
	if (err)
		return err;
	err = following ? follow(&r, filters) : reading_print(&r, sql, filters, 5, headers);
	reading_close(&r);
	return err;
}

const struct command command_observe = {
	"observe", "[-f] [--workload W] [--class C] [--to P] [--from P] [--verdict violation|flow] [--since T] [--not]",
	"flows and violations as they come", options, cmd_observe,
};
