/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_gaps.c - `weir ledger gaps`: when nothing, or not everything, was watched. What
 * the log says of itself (gaps, losses, missed selftests, a clock that was set), and what
 * it does not say: intervals without a heartbeat, an end without a stop. From verified
 * leaves only; nothing is printed before the root agreed. */
#include "cli/ledger_gaps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "store/ledger.h"

#define JSON_MAX (256 << 20)
#define SILENT_MS 180000	/* three heartbeats */
#define TEXT 200

enum { TYPE, TIME, FROM, TO, REASON, ROLE, START, END, CAUSE, RECORDS, BYTES, PATH, RESULT, WHEN, EPOCH, NR_FIELDS };
#define J(name) "json_extract(?1,'$." name "')"
static const char fields_sql[] =
	"SELECT " J("type") "," J("time") "," J("from") "," J("to") "," J("reason") "," J("role") "," J("start") "," J("end") "," J("cause") ","
	J("records") "," J("bytes") "," J("path") "," J("result") "," J("when") "," J("epoch");

static const struct column columns[] = { { "FROM", 0, 0 }, { "TO", 0, 0 }, { "WHAT", 0, 0 }, { "WHY", 0, 1 }, { "LEAF", 1, 0 } };

struct gaps {
	sqlite3 *db;
	sqlite3_stmt *fields;
	const char *v[NR_FIELDS];
	struct table *table;
	struct buf json;
	bool as_json, stopped, told, any;
	uint64_t rows, epoch, steps;	/* steps: of the clock, behind which no interval has begun yet */
	char life[UTC_SIZE + 1], sealed[UTC_SIZE + 1];	/* the last sign of life; end of the last interval of this run */
};

static void row(struct gaps *g, const char *what, const char *from, const char *to, const char *why, uint64_t leaf)
{
	char number[24];
	const char *cells[] = { from, to, what, why, number };
	struct json j;

	g->rows++;
	snprintf(number, sizeof(number), "%" PRIu64, leaf);
	if (!g->as_json) {
		table_row(g->table, cells);
		return;
	}
	json_init(&j, &g->json);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "gap");
	json_string(&j, "what", what);
	json_string(&j, "from", from);
	json_string(&j, "to", to);
	json_string(&j, "why", why);
	json_uint(&j, "leaf", leaf);
	json_close(&j, '}');
	buf_add(&g->json, "\n", 1);
}

static const char *text(const struct gaps *g, int field)
{
	return g->v[field] ? g->v[field] : "";
}

/* Heartbeats of one run number their intervals, and each begins where the one before
 * ended; but for a clock that was set in between. That is told at once, before the
 * heartbeat of the interval that it ended; so it is the one after that which jumps. */
static void heartbeat(struct gaps *g, uint64_t leaf)
{
	uint64_t epoch = strtoull(text(g, EPOCH), NULL, 10);
	char why[TEXT];

	bool joined = !strcmp(text(g, START), g->sealed);

	if (g->sealed[0] && (epoch != g->epoch + 1 || (!joined && !g->steps))) {
		snprintf(why, sizeof(why), "interval %" PRIu64 " follows interval %" PRIu64 ": what was between is not sealed", epoch, g->epoch);
		row(g, "missing", g->sealed, text(g, START), why, leaf);
	}
	g->epoch = epoch;
	g->steps -= g->sealed[0] && !joined && g->steps;
	snprintf(g->sealed, sizeof(g->sealed), "%s", text(g, END));
}

static void start(struct gaps *g, uint64_t leaf)
{
	if (g->any && !g->told)
		row(g, "missing", g->life, text(g, TIME), g->stopped ? "weir was not running, and its log does not say so" :
		    "weir ended without a stop, and its log does not say so", leaf);
	g->any = true;
	g->stopped = g->told = false;
	g->sealed[0] = 0;
	g->steps = 0;
}

static void judge(struct gaps *g, uint64_t leaf)
{
	const char *type = text(g, TYPE);
	char why[TEXT];

	if (!strcmp(type, "gap")) {
		snprintf(why, sizeof(why), "%s: %s", text(g, ROLE), text(g, REASON));
		row(g, "gap", text(g, FROM), text(g, TO), why, leaf);
		g->told |= !strcmp(text(g, ROLE), "monitor");
	} else if (!strcmp(type, "clock")) {
		snprintf(why, sizeof(why), "the clock was set %s", text(g, WHEN));
		row(g, "clock", text(g, FROM), text(g, TO), why, leaf);
		g->steps++;
	} else if (!strcmp(type, "loss")) {
		snprintf(why, sizeof(why), "%s: %s records, %s bytes", text(g, CAUSE), text(g, RECORDS), text(g, BYTES));
		row(g, "loss", text(g, START), text(g, END), why, leaf);
	} else if (!strcmp(type, "selftest") && !strcmp(text(g, RESULT), "missed")) {
		snprintf(why, sizeof(why), "%s: weir's own exchange did not come out", text(g, PATH));
		row(g, "selftest", g->sealed[0] ? g->sealed : g->life, text(g, TIME), why, leaf);
	} else if (!strcmp(type, "heartbeat")) {
		heartbeat(g, leaf);
	} else if (!strcmp(type, "start")) {
		start(g, leaf);
	} else if (!strcmp(type, "stop")) {
		g->stopped = true;
	}
}

static int on_leaf(void *owner, uint64_t leaf, const char *json, size_t len)
{
	struct gaps *g = owner;

	sqlite3_reset(g->fields);
	if (sqlite3_bind_text(g->fields, 1, json, (int)len, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(g->fields) != SQLITE_ROW)
		return 0;	/* weir ledger verify names it */
	for (int i = 0; i < NR_FIELDS; i++)
		g->v[i] = (const char *)sqlite3_column_text(g->fields, i);
	judge(g, leaf);
	if (g->v[TIME])
		snprintf(g->life, sizeof(g->life), "%s", g->v[TIME]);
	return 0;
}

static void tail(struct gaps *g, uint64_t size)
{
	uint64_t last, now = clock_utc_ms();

	if (!g->any || g->stopped || clock_parse(g->life, &last) || (now >= last && now - last < SILENT_MS))
		return;
	row(g, "silent", g->sealed[0] ? g->sealed : g->life, NULL, "no stop and no sign of life since: weir was killed, or this folder is a copy",
	    size - 1);
}

static int refusal(const char *state, enum ledger_error err, const char *why)
{
	fprintf(stderr, "weir ledger gaps: NOT VERIFIED: %s: ", state);
	text_print(stderr, why);
	fprintf(stderr, "\nWhat to do: weir ledger verify --state DIR says more; no gap of such a log is told.\n");
	return err == LEDGER_ARGUMENT ? EXIT_USAGE : EXIT_NOT_VERIFIED;
}

static bool gaps_open(struct gaps *g)
{
	g->table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	buf_init(&g->json, JSON_MAX);
	return g->table && sqlite3_open_v2(":memory:", &g->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(g->db, fields_sql, -1, &g->fields, NULL) == SQLITE_OK;
}

int ledger_gaps(const char *state, const char *key, const char *at_least, bool json)
{
	struct gaps g = { .as_json = json };
	struct ledger_report r = { .size = 0 };
	int dir = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code;
	enum ledger_error err = LEDGER_IO;

	snprintf(r.why, sizeof(r.why), "%s", dir < 0 ? strerror(errno) : "no memory");
	if (gaps_open(&g) && dir >= 0)
		err = ledger_verify(dir, key, at_least, on_leaf, &g, &r);
	if (dir >= 0)
		close(dir);
	if (!err)
		tail(&g, r.size);
	if (err)
		code = refusal(state, err, r.why);
	else if (g.json.failed)
		code = (fprintf(stderr, "weir ledger gaps: more than memory holds: use -o table, which counts what it leaves out\n"), EXIT_DEGRADED);
	else if (json)
		code = !g.json.len || fwrite(g.json.ptr, 1, g.json.len, stdout) == g.json.len ? EXIT_OK : EXIT_DEGRADED;
	else
		code = g.rows ? (table_print(g.table, stdout), EXIT_OK) : (printf("no gaps in %" PRIu64 " leaves\n", r.size), EXIT_OK);
	sqlite3_finalize(g.fields);
	sqlite3_close(g.db);
	buf_free(&g.json);
	table_free(g.table);
	return code;
}
