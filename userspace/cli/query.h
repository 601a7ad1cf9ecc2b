/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - what the reading commands share: their options, the state folder they read
 * from, and filters as SQL. What lies in a leaf is asked of its JSON by SQLite; nothing
 * here parses it. Private to cli/. */
#ifndef WEIR_CLI_QUERY_H
#define WEIR_CLI_QUERY_H
#include "base/buf.h"
#include "cli/cli.h"
#include "store/index.h"

#define QUERY_PARAMS 48

struct query {
	const char *command;		/* for messages */
	const char *state, *period;
	bool json, not_next;		/* not_next: the next filter is inverted */
	bool exit_code;			/* --exit-code was given */
	bool failed;			/* an answer could not be given, and a message was printed */
	uint64_t rows;			/* that print_json_row() printed with this as its owner */
	uint64_t from, to;		/* of period, UTC ms */
	int missing;			/* exit code when nothing was recorded */
	struct index *index;
	struct buf where;		/* " AND (...)" of all filters, over the columns of the X_ tables below */
	const char *foreign;	/* a class of a filter that is none of the program's: a policy has to have defined it */
	char from_text[24], to_text[24], limit_text[24];
	const char *params[QUERY_PARAMS];	/* ?1 from, ?2 to, ?3 limit, then the filters' words */
	unsigned nr;
	char *words[QUERY_PARAMS];	/* what the filters' params point into */
	unsigned nr_words;
};

void query_init(struct query *, const char *command);
void query_fini(struct query *);
/* --state -o --period --limit --exit-code --workload --class --to --from --not: 1 taken, 0 not one of
 * these, -1 wrong (a message was printed). */
int query_option(struct query *, const char *name, const char *value);
/* All of a command's options, when it has no other than these. false: usage error. */
bool query_options(struct query *, struct cli *);
/* Opens STATE/index.sqlite; without a usable one reads the ledger. false: a message was
 * printed and *exit_code says which. */
bool query_open(struct query *, int *exit_code);
/* Makes an index in memory from the verified ledger, in place of the one that has this
 * fault. false: a message was printed. */
bool query_from_ledger(struct query *, const char *fault);
/* Runs SQL in which each '@' stands for the filters. 0, or -1 and a message. */
int query_run(struct query *, const char *sql, int (*row)(void *owner, int columns, const char *const *values), void *owner);
/* The first column of the first row, in out; "" when there is none. */
void query_text(struct query *, const char *sql, char *out, size_t size);
uint64_t query_number(struct query *, const char *sql);
/* Column 0 as one line; owner: the query, whose rows it counts, or NULL. */
int print_json_row(void *owner, int columns, const char *const *values);

#define QUERY_OPTIONS_STATE \
	{ "--state", "DIR", "the state folder (default " STATE_DEFAULT ")" }, \
	{ "-o", "FORMAT", "table (default) or json: one object per line" }
#define QUERY_OPTION_PERIOD \
	{ "--period", "P", "all, 24h, 15m, 2026-09, 2026-Q3, FROM..TO (UTC, TO excluded)" }
#define QUERY_OPTIONS_FILTER \
	{ "--workload", "W[,W]", "only of these workloads; * and ? match" }, \
	{ "--class", "C[,C]", "only with one of these data classes" }, \
	{ "--to", "P[,P]", "only towards these peers or workloads; * and ? match" }, \
	{ "--from", "P[,P]", "only from these peers or workloads; * and ? match" }

/* SQL. Flows of the period, sealed ones from the ledger and those of the running interval,
 * with what commands ask of them. x_flow: json, start (ms), sealed, key and columns. */
#define SQL_J(path) "json_extract(doc,'$." path "')"
#define SQL_FLOW_ROWS \
	"f AS (SELECT leaf, doc, start, 1 AS sealed FROM leaf WHERE type='flow' AND time>CAST(?1 AS INTEGER)" \
	" AND start>=CAST(?1 AS INTEGER) AND start<CAST(?2 AS INTEGER)" \
	" UNION ALL SELECT 9000000000000000000+rowid, doc, ms(" SQL_J("start") "), 0 FROM open WHERE type='flow'" \
	" AND ms(" SQL_J("start") ")>=CAST(?1 AS INTEGER) AND ms(" SQL_J("start") ")<CAST(?2 AS INTEGER))"
#define SQL_FLOW_COLUMNS \
	SQL_J("workload") " AS workload, " SQL_J("exe") " AS exe, " SQL_J("role") " AS role, " SQL_J("peer") " AS peer, " \
	SQL_J("peer_zone") " AS zone, " SQL_J("port") " AS port, " SQL_J("protocol") " AS protocol, " \
	SQL_J("route") " AS route, " SQL_J("tls.state") " AS tls, " SQL_J("pair") " AS pair, " SQL_J("exchanges") " AS exchanges"
#define SQL_FLOWS \
	"WITH " SQL_FLOW_ROWS ", y AS (SELECT *, " SQL_FLOW_COLUMNS " FROM f)," \
	" x AS (SELECT *, json_array(workload,exe,role,peer,port,protocol,route,tls) AS fk FROM y WHERE 1 @)"
/* Accounts of bytes: of both directions, and of each, which must balance by itself. As objects of
 * design.md 8, and as a word in which what one direction misses does not hide what the other has too much. */
#define SQL_SUM_ACCOUNT(object, p) \
	"sum(" SQL_J(object ".moved") ") AS " p "moved, sum(" SQL_J(object ".examined") ") AS " p "examined," \
	" sum(" SQL_J(object ".opaque") ") AS " p "opaque, sum(" SQL_J(object ".skipped") ") AS " p "skipped," \
	" sum(" SQL_J(object ".lost") ") AS " p "lost, sum(" SQL_J(object ".framing") ") AS " p "framing," \
	" sum(" SQL_J(object ".unexplained") ") AS " p "unexplained"
#define SQL_SUM_BYTES SQL_SUM_ACCOUNT("bytes", "") ", " SQL_SUM_ACCOUNT("sent", "sent_") ", " SQL_SUM_ACCOUNT("received", "received_")
#define SQL_ACCOUNT(object, p) \
	"'" object "',json(iif(" p "moved IS NULL,'null',json_object('moved'," p "moved,'examined'," p "examined,'opaque'," p "opaque," \
	"'skipped'," p "skipped,'lost'," p "lost,'framing'," p "framing,'unexplained'," p "unexplained)))"
#define SQL_BYTES SQL_ACCOUNT("bytes", "") "," SQL_ACCOUNT("sent", "sent_") "," SQL_ACCOUNT("received", "received_")
#define SQL_UNEXPLAINED \
	"iif(sent_unexplained*received_unexplained<0,printf('%+d%+d',sent_unexplained,received_unexplained),unexplained)"
/* Exchanges and findings of x, a local pair once: of its two ends the one that saw more. */
#define SQL_TOTAL_EXCHANGES \
	"(SELECT coalesce(sum(m),0) FROM (SELECT max(n) AS m FROM (SELECT coalesce(pair,fk) AS p, role, sum(exchanges) AS n" \
	" FROM x GROUP BY p, role) GROUP BY p))"
#define SQL_TOTAL_FINDINGS \
	"(SELECT class, sum(m) AS findings FROM (SELECT class, max(n) AS m FROM (SELECT coalesce(pair,fk) AS p, role," \
	" json_extract(c.value,'$.class') AS class, sum(json_extract(c.value,'$.findings')) AS n" \
	" FROM x, json_each(x.doc,'$.classes') AS c GROUP BY p, role, class) GROUP BY p, class) GROUP BY class)"
#endif
