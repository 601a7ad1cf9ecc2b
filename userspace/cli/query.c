/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - see query.h. */
#include "cli/query.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/class.h"
#include "store/ledger.h"

void query_init(struct query *q, const char *command)
{
	*q = (struct query){ .command = command, .state = STATE_DEFAULT, .period = "all", .missing = EXIT_USAGE };
	buf_init(&q->where, 65536);
	snprintf(q->limit_text, sizeof(q->limit_text), "-1");
	period_parse("all", 0, &q->from, &q->to);
	q->params[0] = q->from_text;
	q->params[1] = q->to_text;
	q->params[2] = q->limit_text;
	q->nr = 3;
}

void query_fini(struct query *q)
{
	index_close(q->index);
	q->index = NULL;
	buf_free(&q->where);
	while (q->nr_words)
		free(q->words[--q->nr_words]);
}

/* Filters. */

static const struct { const char *option, *sql; } filters[] = {
	{ "--workload", "workload GLOB ?" },
	{ "--class", "EXISTS(SELECT 1 FROM json_each(doc,'$.classes') AS k WHERE json_extract(k.value,'$.class')=?" },
	/* Whom a flow leads to: what a client opened, and what a server itself is. */
	{ "--to", "CASE role WHEN 'server' THEN workload ELSE peer END GLOB ?" },
	{ "--from", "CASE role WHEN 'server' THEN peer ELSE workload END GLOB ?" },
};

static int wrong(const struct query *q, const char *what, const char *value)
{
	fprintf(stderr, "weir %s: %s: %s\nTry 'weir %s --help'.\n", q->command, what, value, q->command);
	return -1;
}

/* One that a policy defined is known to the ledger only, which is not open yet. */
static bool class_known(struct query *q, const char *name)
{
	if (class_find(name) < 0)
		q->foreign = name;
	return true;
}

static int on_class(void *owner, int columns, const char *const *values)
{
	*(bool *)owner = true;
	return 0;
}

static bool class_defined(struct query *q, int *exit_code)
{
	char why[256];
	bool found = false;

	if (!q->foreign)
		return true;
	if (!index_query(q->index, "SELECT 1 FROM leaf AS l, json_each(l.doc,'$.classes') AS k WHERE l.type='policy' AND k.value=?1 LIMIT 1", &q->foreign, 1,
			 on_class, &found, why, sizeof(why)) && found)
		return true;
	*exit_code = EXIT_USAGE;
	wrong(q, "no such class (weir classify --list has the program's, and no policy defined this one)", q->foreign);
	return false;
}

/* "a,b" becomes (expr ?4 OR expr ?5): the words are bound, never pasted. */
static int filter_add(struct query *q, unsigned row, const char *value)
{
	const char *expr = filters[row].sql, *close = strchr(expr, '(') && strstr(expr, "EXISTS") ? ")" : "";
	char *words = strdup(value), *rest = words;
	bool first = true;

	if (!words || q->nr_words == QUERY_PARAMS) {
		free(words);
		return wrong(q, "too many filters", value);
	}
	q->words[q->nr_words++] = words;
	buf_puts(&q->where, q->not_next ? " AND NOT (" : " AND (");
	for (char *word; (word = strsep(&rest, ","));) {
		if (!*word)
			return wrong(q, "an empty name in", value);
		if (!strcmp(filters[row].option, "--class") && !class_known(q, word))
			return -1;
		if (q->nr == QUERY_PARAMS)
			return wrong(q, "too many names in filters", value);
		q->params[q->nr++] = word;
		buf_printf(&q->where, "%s%s%u%s", first ? "" : " OR ", expr, q->nr, close);
		first = false;
	}
	buf_puts(&q->where, ")");
	q->not_next = false;
	return 1;
}

int query_option(struct query *q, const char *name, const char *value)
{
	char *end;

	for (unsigned i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (!strcmp(name, filters[i].option))
			return filter_add(q, i, value);
	if (!strcmp(name, "--not")) {
		q->not_next = true;
	} else if (!strcmp(name, "--exit-code")) {
		q->exit_code = true;
	} else if (!strcmp(name, "--state")) {
		q->state = value;
	} else if (!strcmp(name, "-o")) {
		if (strcmp(value, "json") && strcmp(value, "table"))
			return wrong(q, "-o takes table or json, not", value);
		q->json = !strcmp(value, "json");
	} else if (!strcmp(name, "--period")) {
		if (period_parse(value, clock_utc_ms(), &q->from, &q->to))
			return wrong(q, "not a period (all, 24h, 15m, 2026-09, 2026-Q3, FROM..TO)", value);
		q->period = value;
	} else if (!strcmp(name, "--limit")) {
		unsigned long long n = strtoull(value, &end, 10);

		if (value[0] < '0' || value[0] > '9' || *end || !n || n > INT32_MAX)
			return wrong(q, "--limit takes a number from 1, not", value);
		snprintf(q->limit_text, sizeof(q->limit_text), "%llu", n);
	} else {
		return 0;
	}
	return 1;
}

bool query_options(struct query *q, struct cli *cli)
{
	const struct option_row *row;
	const char *value;

	while ((row = cli_next(cli, &value)))
		if (query_option(q, row->name, value) < 0)
			return false;
	if (cli->error)
		return false;
	if (cli->next < cli->argc)
		return wrong(q, "unexpected argument", cli->argv[cli->next]), false;
	return q->not_next ? wrong(q, "nothing follows", "--not"), false : true;
}

/* Opening. */

static int take_leaf(void *owner, uint64_t leaf, const char *json, size_t len)
{
	return index_leaf(owner, leaf, json, len) ? 1 : 0;
}

/* The index is a convenience, the ledger is the record: a folder that came without a
 * usable index is read leaf by leaf. */
bool query_from_ledger(struct query *q, const char *fault)
{
	struct ledger_report report = { .size = 0 };
	char why[256] = "";
	struct index *index = index_open(NULL, true, why, sizeof(why));
	int dir = open(q->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum ledger_error err = LEDGER_IO;

	if (index && dir >= 0) {
		index_begin(index);
		err = ledger_verify(dir, NULL, NULL, take_leaf, index, &report);
		index_commit(index);
	}
	if (dir >= 0)
		close(dir);
	if (err) {
		fprintf(stderr, "weir %s: the index in %s cannot be used (%s), and its ledger cannot be read either: %s\n", q->command, q->state,
			fault, report.why[0] ? report.why : why[0] ? why : strerror(errno));
		index_close(index);
		return false;
	}
	fprintf(stderr, "weir %s: the index in %s cannot be used (%s), so the ledger is read instead\n", q->command, q->state, fault);
	index_close(q->index);
	q->index = index;
	return true;
}

static bool say_missing(const struct query *q, const char *what, int *exit_code)
{
	fprintf(stderr, "weir %s: nothing to read in %s: %s.\n"
		"weir run records there; if it was started with another --state DIR, say the same here.\n", q->command, q->state, what);
	*exit_code = q->missing;
	return false;
}

bool query_open(struct query *q, int *exit_code)
{
	char path[4200], why[400] = "";
	int dir = open(q->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	bool ledger;

	if (dir < 0)
		return say_missing(q, strerror(errno), exit_code);
	ledger = !fstatat(dir, "ledger/checkpoint", &st, 0);
	snprintf(path, sizeof(path), "%s/index.sqlite", q->state);
	if (fstatat(dir, "index.sqlite", &st, 0))
		snprintf(why, sizeof(why), "index.sqlite: %s", strerror(errno));
	else
		q->index = index_open(path, false, why, sizeof(why));
	close(dir);
	if (q->index)
		return class_defined(q, exit_code);
	if (!ledger)
		return say_missing(q, why, exit_code);
	*exit_code = EXIT_NOT_VERIFIED;
	return query_from_ledger(q, why) && class_defined(q, exit_code);
}

/* Asking. */

int query_run(struct query *q, const char *sql, int (*row)(void *, int, const char *const *), void *owner)
{
	char why[256] = "";
	struct buf text;
	int err;

	snprintf(q->from_text, sizeof(q->from_text), "%" PRIu64, q->from);
	snprintf(q->to_text, sizeof(q->to_text), "%" PRIu64, q->to);
	buf_init(&text, 262144);
	for (const char *s = sql; *s; s++)
		if (*s == '@')
			buf_puts(&text, buf_str(&q->where));
		else
			buf_add(&text, s, 1);
	err = q->where.failed || text.failed ? -1 : index_query(q->index, buf_str(&text), q->params, q->nr, row, owner, why, sizeof(why));
	if (err)
		fprintf(stderr, "weir %s: the index in %s cannot be read: %s\n", q->command, q->state, why[0] ? why : "no memory");
	q->failed |= err != 0;
	buf_free(&text);
	return err;
}

struct text { char *out; size_t size; };

static int take_text(void *owner, int columns, const char *const *v)
{
	struct text *t = owner;

	snprintf(t->out, t->size, "%s", columns && v[0] ? v[0] : "");
	return 1;
}

void query_text(struct query *q, const char *sql, char *out, size_t size)
{
	struct text t = { out, size };

	out[0] = 0;
	query_run(q, sql, take_text, &t);
}

uint64_t query_number(struct query *q, const char *sql)
{
	char text[32];

	query_text(q, sql, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* A leaf is one line; what a changed index might hold instead is not sent to a terminal. */
int print_json_row(void *owner, int columns, const char *const *v)
{
	if (!columns || !v[0])
		return 0;
	for (const unsigned char *s = (const unsigned char *)v[0]; *s; s++)
		putchar(*s < 0x20 || *s == 0x7f ? ' ' : *s);
	putchar('\n');
	if (owner)
		((struct query *)owner)->rows++;
	return ferror(stdout);
}
