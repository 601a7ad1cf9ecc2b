/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_observe.c - `weir observe [-f]`: flows that carry data classes, violations, and bytes
 * that were not examined, in the order in which they happened; -f goes on with what comes. It asks the index again
 * and again: the daemon need not know that somebody looks. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "cli/query.h"
#include "cli/table.h"

#define POLL_MS		400
#define LOOK_BACK_MS	900000	/* without --since: a quarter of an hour */
#define SEEN_MAX	65536	/* flows whose last printed count is remembered */

extern const struct command command_observe;

static const struct option_row options[] = {
	{ "-f", NULL, "follow: go on with what comes, until Ctrl-C" },
	{ "--all", NULL, "flows without a data class too" },
	{ "--verdict", "V", "violation, flow or gap: only these (gap: bytes that were not examined); quiet: flows under no violation" },
	{ "--since", "T", "from then on: 10m, 2h, or a time (default: 15m; with -f: now)" },
	QUERY_OPTIONS_FILTER,
	{ "--not", NULL, "invert the filter that follows" },
	{ "--limit", "N", "at most N, the newest" },
	QUERY_OPTIONS_STATE,
	{ NULL, NULL, NULL }
};

/* The running interval's flow grows: it is told again when its count grew, and once more
 * when it is sealed if that was not said yet. So are its gaps. */
struct seen { uint64_t key, count; };

enum { KIND_FLOW = 1, KIND_GAP = 2, KIND_VIOLATION = 4, KIND_ALL = 7 };

struct observe {
	struct query q;
	bool follow, all, quiet_only, colour;
	unsigned hidden;	/* kinds that are not asked for */
	uint64_t since;
	char seen_text[24], newest_text[24];
	struct seen *seen;
	size_t nr_seen;
	struct siphash_key hash;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = 1;
}

/* Flows: those sealed since the last look, those with open rows; violations: new leaves.
 * ?4 is the last leaf that was seen, ?5 the first that is too new. The key of a flow
 * holds its minute: an open row begins with its first exchange, the sealed one with the
 * interval. A gap is a flow's bytes of one direction that were not examined for one reason.
 * Columns: type, json, key, exchanges or bytes, sealed, then the words of the line. */
#define EVENT_WORDS \
	SQL_J("workload") ", " SQL_J("role") ", " SQL_J("peer") ", " SQL_J("peer_zone") ", " SQL_J("port") ", " SQL_J("protocol") ", " SQL_J("route")
#define CLASSES \
	"(SELECT group_concat(json_extract(k.value,'$.class') || ' ' || json_extract(k.value,'$.data') || ' ' ||" \
	" json_extract(k.value,'$.findings'),', ') FROM json_each(doc,'$.classes') AS k)"
#define UNDER_VIOLATION \
	"EXISTS(SELECT 1 FROM leaf v WHERE v.type='violation' AND json_extract(v.doc,'$.workload')=workload AND" \
	" json_extract(v.doc,'$.peer')=peer AND json_extract(v.doc,'$.route') IS route AND json_extract(v.doc,'$.opened')<" SQL_J("end") \
	" AND json_extract(v.doc,'$.updated')>=" SQL_J("start") ")"

#define GAP_OBJECT \
	"json_object('type','gap','start'," SQL_J("start") ",'end'," SQL_J("end") ",'sealed',json(iif(" SQL_J("sealed") ",'true','false'))," \
	"'workload',workload,'exe'," SQL_J("exe") ",'pid',json_extract(k.value,'$.pid'),'role',role,'peer',peer,'peer_zone'," \
	SQL_J("peer_zone") ",'port'," SQL_J("port") ",'protocol'," SQL_J("protocol") ",'route',route,'tls'," \
	"json_object('state'," SQL_J("tls.state") "),'direction',json_extract(k.value,'$.direction'),'reason'," \
	"json_extract(k.value,'$.reason'),'bytes',json_extract(k.value,'$.bytes'))"

static const char events_sql[] =
	"WITH f AS (SELECT leaf, type, doc, time FROM leaf WHERE type IN ('flow','violation') AND leaf>CAST(?4 AS INTEGER)"
	" AND leaf<CAST(?5 AS INTEGER) AND time>=CAST(?1 AS INTEGER) UNION ALL SELECT 9000000000000000000+rowid, type, doc, ms(" SQL_J("end") ") FROM open"
	" WHERE type='flow' AND ms(" SQL_J("end") ")>=CAST(?1 AS INTEGER)),"
	" y AS (SELECT *, " SQL_J("workload") " AS workload, " SQL_J("role") " AS role, " SQL_J("peer") " AS peer, " SQL_J("route")
	" AS route FROM f),"
	" z AS (SELECT * FROM y UNION ALL SELECT leaf, 'gap', " GAP_OBJECT ", time, workload, role, peer, route"
	" FROM y, json_each(doc,'$.gaps') AS k WHERE y.type='flow'),"
	" x AS (SELECT * FROM z WHERE 1 @ ORDER BY time DESC, leaf DESC LIMIT CAST(?3 AS INTEGER))"
	" SELECT type, doc, json_array(substr(" SQL_J("start") ",1,16),workload," SQL_J("exe") ",role,peer," SQL_J("port") "," SQL_J("protocol") ","
	"route," SQL_J("tls.state") ",type," SQL_J("direction") "," SQL_J("reason") "), iif(type='gap'," SQL_J("bytes") "," SQL_J("exchanges") "), iif(leaf>=9000000000000000000,0,1),"
	" coalesce(" SQL_J("updated") "," SQL_J("end") "), " EVENT_WORDS ", " CLASSES ", " SQL_J("tls.state") ", " SQL_J("rule") ", "
	SQL_J("severity") ", " SQL_J("status") ", " SQL_J("path") ", " SQL_J("mask") ", (SELECT group_concat(value,' ') FROM"
	" json_each(doc,'$.criteria')), " SQL_J("direction") ", " SQL_J("reason") ", " SQL_J("pid") " FROM x ORDER BY time, leaf, type";
enum { E_TYPE, E_JSON, E_KEY, E_COUNT, E_SEALED, E_TIME, E_WORKLOAD, E_ROLE, E_PEER, E_ZONE, E_PORT, E_PROTOCOL, E_ROUTE,
	E_CLASSES, E_TLS, E_RULE, E_SEVERITY, E_STATUS, E_PATH, E_MASK, E_CRITERIA, E_DIRECTION, E_REASON, E_PID,
	E_MAX };

/* Whether this count of the flow, or of its gap, was told already; remembers it. */
static bool seen_before(struct observe *o, const char *key, uint64_t count)
{
	uint64_t h = siphash(&o->hash, key, strlen(key));
	size_t i = h % SEEN_MAX;

	if (o->nr_seen > SEEN_MAX / 2) {	/* forgetting costs a line told twice */
		memset(o->seen, 0, SEEN_MAX * sizeof(*o->seen));
		o->nr_seen = 0;
	}
	while (o->seen[i].key && o->seen[i].key != h)
		i = (i + 1) % SEEN_MAX;
	if (o->seen[i].key && o->seen[i].count == count)
		return true;
	o->nr_seen += !o->seen[i].key;
	o->seen[i] = (struct seen){ h, count };
	return false;
}

static void put(const char *before, const char *text)
{
	if (!text || !*text)
		return;
	fputs(before, stdout);
	text_print(stdout, text);
}

static void put_ends(const char *const *v)
{
	put(" ", v[E_WORKLOAD]);
	put(v[E_ROLE] && !strcmp(v[E_ROLE], "server") ? " <- " : " -> ", v[E_PEER]);
	put(":", v[E_PORT]);
	put(" (", v[E_ZONE]);
	put(", ", v[E_PROTOCOL]);
}

static void print_flow(const char *const *v)
{
	put("", v[E_TIME]);
	fputs(" flow", stdout);
	put_ends(v);
	put(", tls ", v[E_TLS]);
	fputs(")", stdout);
	put(" ", v[E_ROUTE]);
	put(" ", v[E_COUNT]);
	fputs(" exchanges", stdout);
	put(": ", v[E_CLASSES]);
	fputs(strcmp(v[E_SEALED], "1") ? "  [running]\n" : "\n", stdout);
}

static void print_gap(const char *const *v)
{
	put("", v[E_TIME]);
	fputs(" gap", stdout);
	put_ends(v);
	put(", tls ", v[E_TLS]);
	put(", pid ", v[E_PID]);
	fputs(")", stdout);
	put(" ", v[E_ROUTE]);
	put(" ", v[E_COUNT]);
	put(" bytes ", v[E_DIRECTION]);
	put(" were not examined: ", v[E_REASON]);
	fputs(strcmp(v[E_SEALED], "1") ? "  [running]\n" : "\n", stdout);
}

static void print_violation(const struct observe *o, const char *const *v)
{
	put("", v[E_TIME]);
	fputs(o->colour ? " \033[1;31mVIOLATION\033[0m" : " VIOLATION", stdout);
	put(" ", v[E_SEVERITY]);
	put(" ", v[E_RULE]);
	fputs(":", stdout);
	put_ends(v);
	fputs(")", stdout);
	put(" ", v[E_ROUTE]);
	put(" ", v[E_CLASSES]);
	put(" at ", v[E_PATH]);
	put(" mask=", v[E_MASK]);
	put(" criteria=", v[E_CRITERIA]);
	put(" ", v[E_COUNT]);
	fputs(" exchanges", stdout);
	put(" ", v[E_STATUS]);
	putchar('\n');
}

static int on_event(void *owner, int nr, const char *const *v)
{
	struct observe *o = owner;
	bool violation;

	if (nr < E_MAX || !v[E_TYPE] || !v[E_JSON] || !v[E_KEY])
		return 0;
	violation = !strcmp(v[E_TYPE], "violation");
	if (!violation && seen_before(o, v[E_KEY], v[E_COUNT] ? strtoull(v[E_COUNT], NULL, 10) : 0))
		return ferror(stdout);
	if (o->q.json)
		return print_json_row(NULL, 1, &v[E_JSON]);
	if (violation)
		print_violation(o, v);
	else if (!strcmp(v[E_TYPE], "gap"))
		print_gap(v);
	else
		print_flow(v);
	return ferror(stdout);
}

/* One look. The newest leaf is read first: what is added in between is seen next time,
 * and nothing twice. */
static int look(struct observe *o)
{
	int err;

	query_text(&o->q, "SELECT coalesce(max(leaf),-1)+1 FROM leaf", o->newest_text, sizeof(o->newest_text));
	err = query_run(&o->q, events_sql, on_event, o);
	snprintf(o->seen_text, sizeof(o->seen_text), "%" PRId64, (int64_t)strtoull(o->newest_text, NULL, 10) - 1);
	return err;
}

static int follow(struct observe *o)
{
	const struct timespec pause = { 0, POLL_MS * 1000000l };
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	while (!stopped) {
		if (look(o))
			return EXIT_DEGRADED;
		if (fflush(stdout) || ferror(stdout))	/* whoever read this went away */
			return EXIT_OK;
		nanosleep(&pause, NULL);
	}
	return EXIT_OK;
}

static bool since_parse(struct observe *o, const char *value)
{
	uint64_t to;

	if (!period_parse(value, clock_utc_ms(), &o->since, &to) || !clock_parse(value, &o->since)) {
		o->since += !o->since;	/* 0 is "not given" */
		return true;
	}
	fprintf(stderr, "weir observe: --since takes 10m, 2h or a time as 2026-11-24T08:00:00Z, not %s\n", value);
	return false;
}

static bool verdict_take(struct observe *o, const char *value)
{
	static const struct { const char *name; unsigned kind; } verdicts[] = {
		{ "violation", KIND_VIOLATION }, { "flow", KIND_FLOW }, { "gap", KIND_GAP }, { "quiet", KIND_FLOW },
	};
	unsigned i = 0;

	while (i < 4 && strcmp(value, verdicts[i].name))
		i++;
	if (i == 4) {
		fprintf(stderr, "weir observe: --verdict takes violation, flow, gap or quiet, not %s\n", value);
		return false;
	}
	o->hidden |= o->q.not_next ? verdicts[i].kind : KIND_ALL & ~verdicts[i].kind;
	o->quiet_only |= !o->q.not_next && !strcmp(value, "quiet");
	o->q.not_next = false;
	return true;
}

static bool take_option(struct observe *o, const char *name, const char *value)
{
	if (!strcmp(name, "-f"))
		o->follow = true;
	else if (!strcmp(name, "--all"))
		o->all = true;
	else if (!strcmp(name, "--since"))
		return since_parse(o, value);
	else if (strcmp(name, "--verdict"))
		return query_option(&o->q, name, value) > 0;
	else
		return verdict_take(o, value);
	return true;
}

static void verdict_filter(struct observe *o)
{
	if (o->hidden & KIND_FLOW)
		buf_puts(&o->q.where, " AND type<>'flow'");
	if (o->hidden & KIND_GAP)
		buf_puts(&o->q.where, " AND type<>'gap'");
	if (o->hidden & KIND_VIOLATION)
		buf_puts(&o->q.where, " AND type<>'violation'");
	if (o->quiet_only)
		buf_puts(&o->q.where, " AND NOT " UNDER_VIOLATION);
	if (!o->all)
		buf_puts(&o->q.where, " AND (type<>'flow' OR json_array_length(doc,'$.classes')>0)");
}

static int observe(struct observe *o)
{
	int code = EXIT_USAGE;

	if (!query_open(&o->q, &code))
		return code;
	verdict_filter(o);
	if (o->follow && !o->since)
		o->since = clock_utc_ms();
	else if (!o->since)
		o->since = clock_utc_ms() - LOOK_BACK_MS;
	o->q.from = o->since;
	o->colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	o->seen = calloc(SEEN_MAX, sizeof(*o->seen));
	if (!o->seen || random_bytes(&o->hash, sizeof(o->hash))) {
		fprintf(stderr, "weir observe: no memory, or no randomness\n");
		return EXIT_DEGRADED;
	}
	signal(SIGPIPE, SIG_IGN);
	if (o->follow)
		return follow(o);
	code = look(o) ? EXIT_DEGRADED : EXIT_OK;
	return code;
}

static int cmd_observe(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = &command_observe };
	const struct option_row *row;
	struct observe o = { .colour = false };
	const char *value;
	int code = EXIT_USAGE;

	query_init(&o.q, "observe");
	snprintf(o.seen_text, sizeof(o.seen_text), "-1");
	o.q.params[3] = o.seen_text;
	o.q.params[4] = o.newest_text;
	o.q.nr = 5;
	while ((row = cli_next(&cli, &value)))
		if (!take_option(&o, row->name, value))
			goto out;
	if (query_options(&o.q, &cli))
		code = observe(&o);
out:
	query_fini(&o.q);
	free(o.seen);
	return code;
}

const struct command command_observe = {
	"observe", "[-f] [--since T] [--verdict V] [--workload W] [--class C] [--to P] [--from P] [--not] [--all] [--state DIR] [-o table|json]",
	"flows that carry data classes, violations, and bytes that were not examined, as they come", options, cmd_observe,
};
