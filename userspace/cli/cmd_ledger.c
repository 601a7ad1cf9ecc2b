/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger.c - `weir ledger` and its verify: is the log what was signed, is every leaf an object
 * of a known type, and do the books of every interval balance? Says each time what this
 * cannot show. Works offline and on a copy: it needs the folder, not the daemon.
 *
 * Leaves are hostile text until the root agrees: none of their strings is printed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/ledger_gaps.h"
#include "store/ledger.h"

#define PROBLEMS_KEPT	20	/* lines; more are counted */
#define PROBLEM_SIZE	200

extern const struct command command_ledger;

static const struct option_row options[] = {
	{ "--state", "DIR", "the state folder (default " STATE_DEFAULT ")" },
	{ "--key", "VKEY", "the log's public key, from where whoever holds the state folder cannot change it" },
	{ "--at-least", "SIZE:ROOT", "a checkpoint kept elsewhere (the journal prints one a minute): the log must begin with it" },
	{ "-o", "FORMAT", "table or json" },
	{ NULL, NULL, NULL }
};

/* Leaf types that a ledger of this version holds. */
static const char *const types[] = {
	"genesis", "start", "stop", "heartbeat", "policy", "coverage", "flow", "violation", "loss", "gap", "selftest",
	"clock",
};

/* The books: counters and what each sum must be (design.md 5). */
#define COUNTERS(X) \
	X(produced) X(submitted) X(ring_full) X(unreadable) X(too_big) X(no_state) X(read) X(analysed) X(queue_full) \
	X(crash_lost) X(undecodable) X(over_budget) X(findings) X(stored) X(rejected) X(keeper_lost)
#define X(name) C_##name,
enum counter { COUNTERS(X) NR_COUNTERS };
#undef X
static const struct identity { const char *text; enum counter total; unsigned nr; enum counter parts[5]; } identities[] = {
	{ "produced = submitted + ring_full + unreadable + too_big + no_state", C_produced, 5,
	  { C_submitted, C_ring_full, C_unreadable, C_too_big, C_no_state } },
	{ "submitted = read", C_submitted, 1, { C_read } },
	{ "read = analysed + queue_full + crash_lost + undecodable + over_budget", C_read, 5,
	  { C_analysed, C_queue_full, C_crash_lost, C_undecodable, C_over_budget } },
	{ "findings = stored + rejected + keeper_lost", C_findings, 3, { C_stored, C_rejected, C_keeper_lost } },
};

static const char type_sql[] =
	"SELECT CASE WHEN json_valid(?1) THEN CASE WHEN json_type(?1)='object' AND json_type(?1,'$.type')='text'"
	" THEN json_extract(?1,'$.type') END END";
#define GENESIS_TEXT(name) "CASE json_type(?1,'$." name "') WHEN 'text' THEN json_extract(?1,'$." name "') END"
static const char genesis_sql[] = "SELECT " GENESIS_TEXT("origin") ", " GENESIS_TEXT("key");
/* moved = examined + opaque + skipped + lost + framing + unexplained, of both directions together and of each. */
enum { ACCOUNT_BYTES, ACCOUNT_SENT, ACCOUNT_RECEIVED, ACCOUNTS, ACCOUNT_PARTS = 7 };
#define PART(object, name) "json_extract(?1,'$." object "." name "')"
#define ACCOUNT(object) \
	PART(object, "moved") "," PART(object, "examined") "," PART(object, "opaque") "," PART(object, "skipped") "," \
	PART(object, "lost") "," PART(object, "framing") "," PART(object, "unexplained")
static const char bytes_sql[] =
	"SELECT " ACCOUNT("bytes") "," ACCOUNT("sent") "," ACCOUNT("received") ", json_type(?1,'$.sent'), json_type(?1,'$.received')";
#define X(name) ", json_extract(?1,'$.books." #name "')"
static const char books_sql[] = "SELECT json_type(?1,'$.balanced')" COUNTERS(X);
#undef X

struct check {
	sqlite3 *db;
	sqlite3_stmt *type, *genesis, *books, *bytes;
	uint64_t offset;		/* of the leaf in ledger/leaves */
	uint64_t intervals, balanced, declared;
	char origin[128], key[256];	/* as the genesis leaf names them */
	char lines[PROBLEMS_KEPT][PROBLEM_SIZE];
	uint64_t problems;		/* that make verify fail */
	char notes[PROBLEMS_KEPT][PROBLEM_SIZE];
	uint64_t nr_notes;		/* that do not: declared by the leaf itself */
};

static void keep_line(char (*lines)[PROBLEM_SIZE], uint64_t *nr, const char *fmt, va_list ap)
{
	if (*nr < PROBLEMS_KEPT)
		vsnprintf(lines[*nr], PROBLEM_SIZE, fmt, ap);
	(*nr)++;
}

static void problem(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void problem(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep_line(c->lines, &c->problems, fmt, ap);
	va_end(ap);
}

static void note(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep_line(c->notes, &c->nr_notes, fmt, ap);
	va_end(ap);
}

/* Leaves, through SQLite's JSON functions on a database that holds nothing. */

static int check_open(struct check *c)
{
	if (sqlite3_open_v2(":memory:", &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(c->db, type_sql, -1, &c->type, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(c->db, genesis_sql, -1, &c->genesis, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(c->db, bytes_sql, -1, &c->bytes, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(c->db, books_sql, -1, &c->books, NULL) != SQLITE_OK)
		return -EIO;
	return 0;
}

static void check_close(struct check *c)
{
	sqlite3_finalize(c->type);
	sqlite3_finalize(c->genesis);
	sqlite3_finalize(c->books);
	sqlite3_finalize(c->bytes);
	sqlite3_close(c->db);
}

/* One row, whose columns live until the next reset; false: SQLite refused the text. */
static bool ask(sqlite3_stmt *st, const char *json, size_t len)
{
	sqlite3_reset(st);
	return sqlite3_bind_text(st, 1, json, (int)len, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
}

/* How far the two sides lie apart: at most six counters of 63 bits, so 128 bits hold it. */
static uint64_t off_by(const struct identity *id, const int64_t value[NR_COUNTERS])
{
	__int128 d = value[id->total];

	for (unsigned i = 0; i < id->nr; i++)
		d -= value[id->parts[i]];
	d = d < 0 ? -d : d;
	return d > UINT64_MAX ? UINT64_MAX : (uint64_t)d;
}

static bool read_counters(struct check *c, int64_t value[NR_COUNTERS])
{
	for (int i = 0; i < NR_COUNTERS; i++) {
		value[i] = sqlite3_column_int64(c->books, i + 1);
		if (sqlite3_column_type(c->books, i + 1) != SQLITE_INTEGER || value[i] < 0)
			return false;
	}
	return true;
}

static void check_books(struct check *c, uint64_t leaf, const char *json, size_t len)
{
	int64_t value[NR_COUNTERS];
	const char *claim;
	bool declared, ok = true;

	c->intervals++;
	if (!ask(c->books, json, len) || !read_counters(c, value)) {
		problem(c, "leaf %" PRIu64 " (byte %" PRIu64 ") is a heartbeat without whole books", leaf, c->offset);
		return;
	}
	claim = (const char *)sqlite3_column_text(c->books, 0);
	declared = claim && !strcmp(claim, "false");
	for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
		uint64_t off = off_by(&identities[i], value);

		if (!off)
			continue;
		ok = false;
		(declared ? note : problem)(c, "books off by %" PRIu64 " in leaf %" PRIu64 " (byte %" PRIu64 "): %s%s", off, leaf, c->offset,
					    identities[i].text, declared ? "; the leaf declares it" : "");
	}
	c->balanced += ok;
	c->declared += !ok && declared;
}

static int64_t account_part(const struct check *c, int account, int part)
{
	return sqlite3_column_int64(c->bytes, account * ACCOUNT_PARTS + part);
}

static bool account_left(const struct check *c, int account)
{
	__int128 left = account_part(c, account, 0);

	for (int i = 1; i < ACCOUNT_PARTS; i++)
		left -= account_part(c, account, i);
	return left != 0;
}

/* Only what is unexplained may be: more was told than moved. */
static bool account_below(const struct check *c, int account)
{
	for (int i = 0; i + 1 < ACCOUNT_PARTS; i++)
		if (account_part(c, account, i) < 0)
			return true;
	return false;
}

/* Of a flow or of coverage. What unexplained is, weir itself says; that it is what is left
 * of moved is checked here. */
static void check_bytes(struct check *c, uint64_t leaf, const char *json, size_t len)
{
	static const char *const names[ACCOUNTS] = { "bytes", "sent", "received" };
	bool whole = ask(c->bytes, json, len), both = whole;
	int accounts = 1;

	/* Leaves of before an account had directions have neither. */
	if (whole && (sqlite3_column_type(c->bytes, ACCOUNTS * ACCOUNT_PARTS) != SQLITE_NULL ||
		      sqlite3_column_type(c->bytes, ACCOUNTS * ACCOUNT_PARTS + 1) != SQLITE_NULL))
		accounts = ACCOUNTS;
	for (int i = 0; whole && i < accounts * ACCOUNT_PARTS; i++)
		whole = sqlite3_column_type(c->bytes, i) == SQLITE_INTEGER;
	if (!whole) {
		problem(c, "leaf %" PRIu64 " (byte %" PRIu64 ") has no whole account of its bytes", leaf, c->offset);
		return;
	}
	for (int a = 0; a < accounts; a++)
		if (account_below(c, a))
			problem(c, "%s has a part below zero in leaf %" PRIu64 " (byte %" PRIu64 "), which makes up for others that are too many",
				names[a], leaf, c->offset);
	for (int a = 0; a < accounts; a++)
		if (account_left(c, a))
			problem(c, "%s do not add up in leaf %" PRIu64 " (byte %" PRIu64 "): moved = examined + opaque + skipped + lost + framing + "
				"unexplained", names[a], leaf, c->offset);
	for (int i = 0; accounts == ACCOUNTS && i < ACCOUNT_PARTS; i++)
		both &= (__int128)account_part(c, ACCOUNT_SENT, i) + account_part(c, ACCOUNT_RECEIVED, i) == account_part(c, ACCOUNT_BYTES, i);
	if (!both)
		problem(c, "bytes are not the sum of sent and received in leaf %" PRIu64 " (byte %" PRIu64 ")", leaf, c->offset);
}

static void check_genesis(struct check *c, uint64_t leaf, const char *json, size_t len)
{
	const unsigned char *origin, *key;

	if (leaf) {
		problem(c, "leaf %" PRIu64 " (byte %" PRIu64 ") is a second genesis: a log begins once", leaf, c->offset);
		return;
	}
	if (!ask(c->genesis, json, len))
		return;
	origin = sqlite3_column_text(c->genesis, 0);
	key = sqlite3_column_text(c->genesis, 1);
	snprintf(c->origin, sizeof(c->origin), "%s", origin ? (const char *)origin : "");
	snprintf(c->key, sizeof(c->key), "%s", key ? (const char *)key : "");
	if (!c->origin[0] || !c->key[0])
		problem(c, "leaf 0 (genesis, byte 0) names no %s: it is not bound to who signed; compare it with a copy kept elsewhere",
			c->origin[0] ? "key" : c->key[0] ? "origin" : "origin and no key");
}

/* Never ends the pass: where the tree disagrees is worth more than the first odd leaf. */
static int on_leaf(void *owner, uint64_t index, const char *json, size_t len)
{
	struct check *c = owner;
	const char *type = NULL;
	bool known = false;

	if (!memchr(json, 0, len) && ask(c->type, json, len))
		type = (const char *)sqlite3_column_text(c->type, 0);
	for (size_t i = 0; type && !known && i < sizeof(types) / sizeof(types[0]); i++)
		known = !strcmp(type, types[i]);
	if (!type)
		problem(c, "leaf %" PRIu64 " (byte %" PRIu64 ") is no JSON object with a \"type\"", index, c->offset);
	else if (!known)
		problem(c, "leaf %" PRIu64 " (byte %" PRIu64 ") has a type that this weir does not know; verify with the one that wrote it",
			index, c->offset);
	else if (!index && strcmp(type, "genesis"))
		problem(c, "leaf 0 is no genesis: the beginning of the log is missing");
	if (known && !strcmp(type, "heartbeat"))
		check_books(c, index, json, len);
	else if (known && !strcmp(type, "genesis"))
		check_genesis(c, index, json, len);
	else if (known && (!strcmp(type, "flow") || !strcmp(type, "coverage")))
		check_bytes(c, index, json, len);
	c->offset += 2 + len;
	return 0;
}

static void check_end(struct check *c, const struct ledger_report *r)
{
	if (!r->size)
		problem(c, "the log is empty: its only checkpoint signs no leaf");
	else if (c->origin[0] && c->key[0] && (strcmp(c->origin, r->origin) || strcmp(c->key, r->vkey)))
		problem(c, "leaf 0 (genesis) names another origin or key than the one that signed: the log was signed anew");
}

/* Saying it. */

static const char *verdict(const struct ledger_report *r, bool verified)
{
	if (!verified)
		return "not verified";
	if (r->outside_key && r->outside_checkpoint)
		return "verified";
	if (r->outside_key)
		return "consistent, signed by the given key";
	return r->outside_checkpoint ? "consistent with the given checkpoint, self-attested" : "consistent, self-attested";
}

static const char *advice(enum ledger_error err)
{
	switch (err) {
	case LEDGER_OK:
		return "the log is what was signed, but what it says is wrong in itself: look at the leaves named above, and at "
		       "weir's own log of that time";
	case LEDGER_INTEGRITY:
		return "keep the folder as it is, compare it with copies and with the checkpoints in the journal, and start weir with "
		       "another --state";
	case LEDGER_FOREIGN:
		return "check that the key and the folder belong together; if they do, the log was signed by somebody else";
	case LEDGER_KEY:
		return "give the public key that was noted when the log began: --key VKEY";
	case LEDGER_IO:
		return "check --state, and that you may read it";
	case LEDGER_ARGUMENT:
		break;
	}
	return "weir ledger --help";
}

/* What such a check cannot show; the sentences an auditor must know. Returns how many. */
static unsigned limits(const struct ledger_report *r, uint64_t pin, char out[4][256])
{
	unsigned n = 0;

	if (!r->outside_key)
		snprintf(out[n++], 256, "a log rewritten as a whole under a new key: the key lies in the same folder; give the one noted "
			 "elsewhere with --key");
	if (!r->outside_checkpoint)
		snprintf(out[n++], 256, "leaves cut off the end with the checkpoint rolled back to match: give a checkpoint kept elsewhere "
			 "with --at-least SIZE:ROOT");
	else if (pin < r->size)
		snprintf(out[n++], 256, "leaves after %" PRIu64 " that were cut off and replaced: the given checkpoint does not reach them", pin);
	snprintf(out[n++], 256, "that what was recorded is true or complete: a log proves that it was recorded then and is unchanged since");
	return n;
}

static void print_json(const struct check *c, const struct ledger_report *r, uint64_t pin, bool verified)
{
	char text[4][256];
	unsigned nr = limits(r, pin, text);
	struct buf b;
	struct json j;

	buf_init(&b, 1 << 20);
	json_init(&j, &b);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "verification");
	json_bool(&j, "verified", verified);
	json_string(&j, "verdict", verdict(r, verified));
	json_string(&j, "why", r->why[0] ? r->why : NULL);
	json_string(&j, "origin", r->origin[0] ? r->origin : NULL);
	json_string(&j, "key_id", r->key_id[0] ? r->key_id : NULL);
	json_string(&j, "key", r->vkey[0] ? r->vkey : NULL);
	json_bool(&j, "key_given", r->outside_key);
	json_bool(&j, "checkpoint_given", r->outside_checkpoint);
	json_uint(&j, "size", r->size);
	json_string(&j, "root", r->root[0] ? r->root : NULL);
	json_uint(&j, "checkpoints", r->checkpoints);
	json_uint(&j, "not_covered", r->leaves_read > r->size ? r->leaves_read - r->size : 0);
	json_uint(&j, "torn_bytes", r->torn);
	json_open(&j, "books", '{');
	json_uint(&j, "intervals", c->intervals);
	json_uint(&j, "balanced", c->balanced);
	json_uint(&j, "declared_unbalanced", c->declared);
	json_close(&j, '}');
	json_uint(&j, "problems", c->problems);
	json_open(&j, "problem_lines", '[');
	for (uint64_t i = 0; i < c->problems && i < PROBLEMS_KEPT; i++)
		json_string(&j, NULL, c->lines[i]);
	json_close(&j, ']');
	json_open(&j, "note_lines", '[');
	for (uint64_t i = 0; i < c->nr_notes && i < PROBLEMS_KEPT; i++)
		json_string(&j, NULL, c->notes[i]);
	json_close(&j, ']');
	json_open(&j, "cannot_show", '[');
	for (unsigned i = 0; i < nr; i++)
		json_string(&j, NULL, text[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	if (b.failed)
		fprintf(stderr, "weir ledger verify: no memory for the answer, the exit status gives it\n");
	else
		puts(buf_str(&b));
	buf_free(&b);
}

static void print_lines(FILE *f, const char (*lines)[PROBLEM_SIZE], uint64_t nr)
{
	for (uint64_t i = 0; i < nr && i < PROBLEMS_KEPT; i++)
		fprintf(f, "  %s\n", lines[i]);
	if (nr > PROBLEMS_KEPT)
		fprintf(f, "  and %" PRIu64 " more\n", nr - PROBLEMS_KEPT);
}

static void print_refusal(const struct check *c, const struct ledger_report *r, const char *state, enum ledger_error err)
{
	fprintf(stderr, "weir ledger verify: NOT VERIFIED: %s", state);
	if (err)
		fprintf(stderr, ": %s", r->why);
	fputc('\n', stderr);
	print_lines(stderr, c->lines, c->problems);
	fprintf(stderr, "What to do: %s.\n", advice(err));
}

static void print_table(const struct check *c, const struct ledger_report *r, uint64_t pin)
{
	char text[4][256];
	unsigned nr = limits(r, pin, text);

	printf("%s: %" PRIu64 " leaves, %" PRIu64 " checkpoints\n", verdict(r, true), r->size, r->checkpoints);
	printf("  log         %s\n", r->origin);
	printf("  key         %s, %s\n", r->key_id, r->outside_key ? "as given" : "read from ledger/key.pub beside the log");
	printf("  checkpoint  %" PRIu64 ":%s\n", r->size, r->root);
	printf("  books       %" PRIu64 " intervals, %" PRIu64 " balance, %" PRIu64 " declared unbalanced\n", c->intervals, c->balanced,
	       c->declared);
	print_lines(stdout, c->notes, c->nr_notes);
	if (r->leaves_read > r->size)
		printf("  NOT COVERED %" PRIu64 " leaves beyond the last checkpoint: nothing is said about them\n", r->leaves_read - r->size);
	if (r->torn)
		printf("  NOT COVERED %" PRIu64 " bytes at the end that are no whole leaf: being written, or torn by a crash\n", r->torn);
	printf("This cannot show:\n");
	for (unsigned i = 0; i < nr; i++)
		printf("  - %s\n", text[i]);
	if (!r->outside_key || !r->outside_checkpoint)
		printf("Note elsewhere, to check against later:\n  --key '%s' --at-least %" PRIu64 ":%s\n", r->vkey, r->size, r->root);
}

/* The command. */

struct asked { const char *verb, *state, *key, *at_least; bool json; };

static int verify(const struct asked *a)
{
	struct check *c = calloc(1, sizeof(*c));
	struct ledger_report r = { .size = 0 };
	uint64_t pin = a->at_least ? strtoull(a->at_least, NULL, 10) : 0;
	enum ledger_error err;
	bool verified;
	int dir = open(a->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!c || check_open(c) || dir < 0) {
		fprintf(stderr, "weir ledger verify: NOT VERIFIED: %s: %s; name the state folder with --state DIR\n", a->state,
			dir < 0 ? strerror(errno) : "no memory");
		if (dir >= 0)
			close(dir);
		if (c)
			check_close(c);
		free(c);
		return EXIT_NOT_VERIFIED;
	}
	err = ledger_verify(dir, a->key, a->at_least, on_leaf, c, &r);
	close(dir);
	if (!err)
		check_end(c, &r);
	verified = !err && !c->problems;
	if (a->json && err != LEDGER_ARGUMENT)
		print_json(c, &r, pin, verified);
	else if (verified)
		print_table(c, &r, pin);
	else if (err == LEDGER_ARGUMENT)
		fprintf(stderr, "weir ledger verify: %s\n", r.why);
	if (!verified && !a->json && err != LEDGER_ARGUMENT)
		print_refusal(c, &r, a->state, err);
	check_close(c);
	free(c);
	return verified ? EXIT_OK : err == LEDGER_ARGUMENT ? EXIT_USAGE : EXIT_NOT_VERIFIED;
}

static bool take_option(struct asked *a, const char *name, const char *value)
{
	if (!strcmp(name, "--state"))
		a->state = value;
	else if (!strcmp(name, "--key"))
		a->key = value;
	else if (!strcmp(name, "--at-least"))
		a->at_least = value;
	else if (!strcmp(value, "json") || !strcmp(value, "table"))
		a->json = !strcmp(value, "json");
	else
		return fprintf(stderr, "weir ledger: -o takes table or json, not %s\n", value), false;
	return true;
}

/* The verb may stand before or after the options. */
static int cmd_ledger(int argc, char **argv)
{
	struct asked a = { .state = STATE_DEFAULT };
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = &command_ledger };
	const struct option_row *row;
	const char *value = NULL;

	if (argc > 1 && argv[1][0] != '-')
		a.verb = argv[cli.next++];
	while ((row = cli_next(&cli, &value)))
		if (!take_option(&a, row->name, value))
			return EXIT_USAGE;
	if (cli.error)
		return EXIT_USAGE;
	if (!a.verb && cli.next < argc)
		a.verb = argv[cli.next++];
	if (!a.verb || (strcmp(a.verb, "verify") && strcmp(a.verb, "gaps")) || cli.next != argc) {
		cli_usage(&command_ledger, stderr);
		return EXIT_USAGE;
	}
	return strcmp(a.verb, "verify") ? ledger_gaps(a.state, a.key, a.at_least, a.json) : verify(&a);
}

const struct command command_ledger = {
	"ledger", "verify|gaps [--state DIR] [--key VKEY] [--at-least SIZE:ROOT] [-o FORMAT]",
	"check offline that the log is what was signed and that its books balance; list when not everything was watched", options, cmd_ledger,
};
