/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c - `weir report`: a period for an auditor. The ledger is verified first and
 * the index is held against it, so that a report never says what no leaf says. The same
 * leaves give the same bytes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "cli/flows_sql.h"
#include "cli/report.h"
#include "version.h"

extern const struct command command_report;

static const struct option_row options[] = {
	QUERY_OPTION_PERIOD,
	{ "--format", "F", "html (default, one self-contained page) or json (one object)" },
	{ "--state", "DIR", "the state folder (default " STATE_DEFAULT ")" },
	{ NULL, NULL, NULL }
};

/* The index against the ledger: one running hash over the leaves of each. */

struct chain { uint8_t hash[32]; uint64_t leaves, limit; };

static void chain_add(struct chain *c, uint64_t leaf, const char *json, size_t len)
{
	uint8_t in[32 + 8 + 32];

	memcpy(in, c->hash, 32);
	memcpy(in + 32, &leaf, 8);
	sha256(in + 40, json, len);
	sha256(c->hash, in, sizeof(in));
	c->leaves++;
}

static int chain_ledger(void *owner, uint64_t leaf, const char *json, size_t len)
{
	struct chain *c = owner;

	if (leaf < c->limit)
		chain_add(c, leaf, json, len);
	return 0;
}

static int chain_index(void *owner, int nr, const char *const *v)
{
	struct chain *c = owner;
	uint64_t leaf = nr >= 2 && v[0] ? strtoull(v[0], NULL, 10) : UINT64_MAX;

	if (leaf >= c->limit || !v[1])
		return 1;
	chain_add(c, leaf, v[1], strlen(v[1]));
	return 0;
}

/* false: the ledger does not verify, and there is no report. When only the index is
 * wrong or behind, the leaves are taken from the ledger. */
static bool leaves_check(struct report *r)
{
	struct chain of_ledger = { .limit = index_size(r->q.index) }, of_index = { .limit = of_ledger.limit };
	int dir = open(r->q.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum ledger_error err = dir < 0 ? LEDGER_IO : ledger_verify(dir, NULL, NULL, chain_ledger, &of_ledger, &r->ledger);
	bool good;

	if (dir >= 0)
		close(dir);
	if (err) {
		fprintf(stderr, "weir report: there is no report, because the ledger in %s does not verify: %s\n"
			"weir ledger verify --state %s says what to do.\n", r->q.state, dir < 0 ? strerror(errno) : r->ledger.why, r->q.state);
		return false;
	}
	r->checked = of_ledger.limit;
	good = !query_run(&r->q, "SELECT leaf, doc FROM leaf ORDER BY leaf", chain_index, &of_index) &&
	       of_ledger.leaves == of_ledger.limit && !memcmp(&of_ledger, &of_index, sizeof(of_ledger));
	/* A running weir signs first and indexes then: a few leaves less are no fault. */
	if (good && r->ledger.size - of_ledger.limit <= 4096)
		return true;
	if (!query_from_ledger(&r->q, good ? "it is behind the ledger" : "it differs from the ledger"))
		return false;
	r->checked = index_size(r->q.index);
	return true;
}

/* What stands on the cover. */

static const char first_sql[] =
	"SELECT coalesce(min(leaf),0) FROM leaf WHERE type<>'violation' AND coalesce(start,time)>=CAST(?1 AS INTEGER)";
/* Interval leaves are written after their interval, so the last leaf of a period lies a
 * little after its end; violations carry the time of an exchange, not of their writing. */
static const char last_sql[] =
	"SELECT coalesce(max(leaf),-1) FROM leaf WHERE type<>'violation' AND coalesce(start,time)<CAST(?2 AS INTEGER)"
	" AND leaf<CAST(?5 AS INTEGER)";
#define SPAN "type<>'violation' AND leaf>=CAST(?4 AS INTEGER) AND leaf<=CAST(?5 AS INTEGER)"
#define BEATS "FROM leaf WHERE type='heartbeat' AND leaf<=CAST(?5 AS INTEGER) AND start>=CAST(?1 AS INTEGER) AND start<CAST(?2 AS INTEGER)"

#define BOOK(name) "coalesce(json_extract(doc,'$.books." name "'),0)+"

static bool range_find(struct report *r)
{
	char last[24];

	r->first = query_number(&r->q, first_sql);
	snprintf(r->first_text, sizeof(r->first_text), "%" PRIu64, r->first);
	snprintf(r->last_text, sizeof(r->last_text), "%" PRIu64, r->checked);
	query_text(&r->q, last_sql, last, sizeof(last));
	r->last = strtoull(last, NULL, 10);
	if (!last[0] || last[0] == '-' || r->first > r->last)
		return false;
	snprintf(r->last_text, sizeof(r->last_text), "%s", last);
	r->leaves = r->last - r->first + 1;
	buf_puts(&r->q.where, " AND leaf<=CAST(?5 AS INTEGER)");	/* and so no row of a running interval */
	return true;
}

static void cover_read(struct report *r)
{
	struct query *q = &r->q;

	query_text(q, "SELECT coalesce((SELECT json_extract(doc,'$.host') FROM leaf WHERE type='start' AND leaf<=CAST(?5 AS INTEGER) AND"
		   " json_extract(doc,'$.host') IS NOT NULL ORDER BY leaf DESC LIMIT 1), (SELECT json_extract(doc,'$.host') FROM leaf"
		   " WHERE type='genesis'))", r->host, sizeof(r->host));
	query_text(q, "SELECT json_extract(doc,'$.machine') FROM leaf WHERE type='genesis'", r->machine, sizeof(r->machine));
	query_text(q, "SELECT min(coalesce(json_extract(doc,'$.start'),json_extract(doc,'$.time'))) FROM leaf WHERE " SPAN, r->recorded_from,
		   sizeof(r->recorded_from));
	query_text(q, "SELECT max(coalesce(json_extract(doc,'$.end'),json_extract(doc,'$.time'))) FROM leaf WHERE " SPAN, r->recorded_to,
		   sizeof(r->recorded_to));
	query_text(q, "SELECT json_extract(doc,'$.size') || ':' || json_extract(doc,'$.root') FROM leaf WHERE type='heartbeat' AND"
		   " leaf<=CAST(?5 AS INTEGER) ORDER BY leaf DESC LIMIT 1", r->pin, sizeof(r->pin));
	query_text(q, "SELECT json_extract(doc,'$.policy_hash') FROM leaf WHERE type='policy' AND leaf<=CAST(?5 AS INTEGER)"
		   " ORDER BY leaf DESC LIMIT 1", r->policy_hash, sizeof(r->policy_hash));
	query_text(q, "SELECT json_extract(doc,'$.class_hash') FROM leaf WHERE type='policy' AND leaf<=CAST(?5 AS INTEGER)"
		   " ORDER BY leaf DESC LIMIT 1", r->class_hash, sizeof(r->class_hash));
	query_text(q, "SELECT group_concat(b,' ') FROM (SELECT DISTINCT json_extract(doc,'$.boot_id') AS b FROM leaf WHERE type IN"
		   " ('start','heartbeat') AND leaf>=CAST(?4 AS INTEGER) AND leaf<=CAST(?5 AS INTEGER) ORDER BY leaf LIMIT 10)",
		   r->boot_ids, sizeof(r->boot_ids));
	query_text(q, "SELECT group_concat(c,' ') FROM (SELECT DISTINCT k.value AS c FROM leaf AS n, json_each(n.doc,'$.criteria') AS k WHERE"
		   " n.type='violation' AND leaf>=CAST(?4 AS INTEGER) AND leaf<=CAST(?5 AS INTEGER) ORDER BY c)", r->criteria, sizeof(r->criteria));
}

static int take_totals(void *owner, int nr, const char *const *v)
{
	struct report *r = owner;

	if (nr >= 2) {
		r->exchanges = v[0] ? strtoull(v[0], NULL, 10) : 0;
		r->pairs = v[1] ? strtoull(v[1], NULL, 10) : 0;
	}
	return 1;
}

static void counts_read(struct report *r)
{
	r->intervals = query_number(&r->q, "SELECT count(*) " BEATS);
	r->unbalanced = query_number(&r->q, "SELECT count(*) " BEATS " AND NOT json_extract(doc,'$.balanced')");
	r->minutes = query_number(&r->q, "SELECT coalesce(max((\"end\"+59999)/60000) - min(start/60000),0) " BEATS);
	r->produced = query_number(&r->q, "SELECT coalesce(sum(json_extract(doc,'$.books.produced')),0) " BEATS);
	r->analysed = query_number(&r->q, "SELECT coalesce(sum(json_extract(doc,'$.books.analysed')),0) " BEATS);
	r->lost = query_number(&r->q, "SELECT coalesce(sum(" BOOK("ring_full") BOOK("unreadable") BOOK("too_big") BOOK("no_state") BOOK("queue_full")
			       BOOK("crash_lost") BOOK("undecodable") BOOK("over_budget") "0),0) " BEATS);
	r->gaps = query_number(&r->q, "SELECT count(*) FROM leaf WHERE type='gap' AND leaf<=CAST(?5 AS INTEGER) AND ms(json_extract(doc,'$.from'))"
			       "<CAST(?2 AS INTEGER) AND ms(json_extract(doc,'$.to'))>=CAST(?1 AS INTEGER)");
	query_run(&r->q, flows_totals_sql, take_totals, r);
	r->rows_exchanges = query_number(&r->q, SQL_FLOWS " SELECT coalesce(sum(exchanges),0) FROM x");
	r->violations = query_number(&r->q, "SELECT count(*) FROM (SELECT doc, max(leaf) FROM leaf WHERE type='violation' AND"
				     " leaf<=CAST(?5 AS INTEGER) GROUP BY json_extract(doc,'$.id')) WHERE ms(json_extract(doc,'$.opened'))"
				     "<CAST(?2 AS INTEGER) AND ms(json_extract(doc,'$.updated'))>=CAST(?1 AS INTEGER)");
}

/* How to make these bytes again: a period counted back from now becomes its two ends. */
static void command_make(struct report *r, const char *format)
{
	bool relative = strspn(r->q.period, "0123456789") + 1 == strlen(r->q.period) && strlen(r->q.period) != 4;

	clock_format(r->period_from, r->q.from);
	clock_format(r->period_to, r->q.to);
	relative |= strlen(r->q.period) == 4 && (r->q.period[3] < '0' || r->q.period[3] > '9');
	if (relative)
		snprintf(r->command, sizeof(r->command), "weir report --state STATE --period %s..%s --format %s", r->period_from, r->period_to, format);
	else
		snprintf(r->command, sizeof(r->command), "weir report --state STATE --period %s --format %s", r->q.period, format);
	if (!strcmp(r->q.period, "all")) {
		snprintf(r->period_from, sizeof(r->period_from), "%s", r->recorded_from);
		snprintf(r->period_to, sizeof(r->period_to), "%s", r->recorded_to);
	}
}

/* JSON. */

struct rows { FILE *f; bool comma; };

static int put_row(void *owner, int nr, const char *const *v)
{
	struct rows *rows = owner;

	if (!nr || !v[0])
		return 0;
	fprintf(rows->f, "%s%s", rows->comma ? "," : "", v[0]);
	rows->comma = true;
	return ferror(rows->f);
}

static int put_section(struct report *r, FILE *f, const struct report_section *s)
{
	struct rows rows = { f, false };
	int err;

	fprintf(f, ",\"%s\":[", s->name);
	err = query_run(&r->q, s->sql, put_row, &rows);
	fputc(']', f);
	return err;
}

static void put_cover(struct report *r, FILE *f)
{
	struct buf b;
	struct json j;

	buf_init(&b, 65536);
	json_init(&j, &b);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "report");
	json_string(&j, "command", r->command);
	json_string(&j, "version", WEIR_VERSION);
	json_string(&j, "build", WEIR_BUILD);
	json_string(&j, "host", r->host);
	json_string(&j, "machine", r->machine);
	json_string(&j, "boot_ids", r->boot_ids);
	json_string(&j, "period", r->q.period);
	json_string(&j, "from", r->period_from);
	json_string(&j, "to", r->period_to);
	json_string(&j, "recorded_from", r->recorded_from);
	json_string(&j, "recorded_to", r->recorded_to);
	json_string(&j, "policy_hash", r->policy_hash);
	json_string(&j, "class_hash", r->class_hash);
	json_uint(&j, "first_leaf", r->first);
	json_uint(&j, "last_leaf", r->last);
	json_uint(&j, "leaves", r->leaves);
	json_string(&j, "origin", r->ledger.origin);
	json_string(&j, "key_id", r->ledger.key_id);
	json_string(&j, "key", r->ledger.vkey);
	json_string(&j, "checkpoint", r->pin[0] ? r->pin : NULL);
	if (b.failed)
		fprintf(stderr, "weir report: no memory for the head of the report\n");
	r->q.failed |= b.failed;
	fputs(buf_str(&b), f);
	buf_free(&b);
}

static int put_part(struct report *r, FILE *f, enum report_part part)
{
	size_t nr;
	const struct report_section *s = report_sections(part, &nr);
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		err = put_section(r, f, &s[i]);
	return err;
}

int report_json(struct report *r, FILE *f)
{
	int err;

	put_cover(r, f);
	err = put_part(r, f, PART_SEEN);
	fprintf(f, ",\"totals\":{\"intervals\":%" PRIu64 ",\"intervals_expected\":%" PRIu64 ",\"intervals_unbalanced\":%" PRIu64
		",\"gaps\":%" PRIu64 ",\"records_produced\":%" PRIu64 ",\"records_analysed\":%" PRIu64 ",\"records_lost\":%" PRIu64,
		r->intervals, r->minutes, r->unbalanced, r->gaps, r->produced, r->analysed, r->lost);
	fprintf(f, ",\"exchanges\":%" PRIu64 ",\"exchanges_of_rows\":%" PRIu64 ",\"exchanges_of_second_ends\":%" PRIu64
		",\"local_pairs\":%" PRIu64 ",\"violations\":%" PRIu64, r->exchanges, r->rows_exchanges, r->rows_exchanges - r->exchanges,
		r->pairs, r->violations);
	err = err ? err : put_part(r, f, PART_TOTALS);
	fputc('}', f);
	err = err ? err : put_part(r, f, PART_FOUND);
	fprintf(f, ",\"verify\":\"weir ledger verify --state STATE --key '%s'%s%s\"}\n", r->ledger.vkey, r->pin[0] ? " --at-least " : "", r->pin);
	return err;
}

/* The command. */

static int report(struct report *r, bool html)
{
	int code = EXIT_NOT_VERIFIED, err;

	if (!query_open(&r->q, &code))
		return code;
	if (!leaves_check(r))
		return EXIT_NOT_VERIFIED;
	if (!range_find(r)) {
		fprintf(stderr, "weir report: no leaf lies in the period %s; weir report --period all shows what there is\n", r->q.period);
		return EXIT_USAGE;
	}
	cover_read(r);
	counts_read(r);
	command_make(r, html ? "html" : "json");
	err = html ? report_html(r, stdout) : report_json(r, stdout);
	return err || r->q.failed ? EXIT_DEGRADED : EXIT_OK;
}

static int cmd_report(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = &command_report };
	struct report *r = calloc(1, sizeof(*r));
	const struct option_row *row;
	const char *value;
	int code = EXIT_USAGE;
	bool html = true;

	if (!r) {
		fprintf(stderr, "weir report: no memory\n");
		return EXIT_DEGRADED;
	}
	query_init(&r->q, "report");
	r->q.params[3] = r->first_text;
	r->q.params[4] = r->last_text;
	r->q.nr = 5;
	while ((row = cli_next(&cli, &value))) {
		if (strcmp(row->name, "--format")) {
			if (query_option(&r->q, row->name, value) < 0)
				goto out;
		} else if (strcmp(value, "html") && strcmp(value, "json")) {
			fprintf(stderr, "weir report: --format takes html or json, not %s\n", value);
			goto out;
		} else {
			html = !strcmp(value, "html");
		}
	}
	if (query_options(&r->q, &cli))
		code = report(r, html);
out:
	query_fini(&r->q);
	free(r);
	return code;
}

const struct command command_report = {
	"report", "[--period P] [--format html|json] [--state DIR]",
	"a period for an auditor: coverage, gaps and losses, then findings", options, cmd_report,
};
