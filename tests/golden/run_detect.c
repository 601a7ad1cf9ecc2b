/* SPDX-License-Identifier: Apache-2.0 */
/* run_detect.c - who takes whose streams: the begin of every turn of every golden case goes to every protocol's
 * guess, at once and byte by byte, as if the connection began there. Prints the table, in which row a case's
 * turns fall into columns; one that falls to a stranger fails. A turn that nobody takes is opaque and fails nothing.
 * Then each case is joined late, at every byte of a turn's begin and here and there behind: what comes out, in the
 * last column, must be its own protocol's exchanges.
 * Usage: run_detect FOLDER [--show] */
#include <errno.h>

#include "case.h"
#include "protocol/protocol.h"

#define HEAD_HELD 512	/* as session.c holds */
#define ROWS 64
#define EACH 64		/* bytes of a turn at each of which it is joined, and how often behind them */

/* What else a connection of the protocol may begin as. */
static const struct { const char *folder, *also; } begins[] = { { "grpc", "http1" }, { "grpc", "http2" }, { "websocket", "http1" },
	{ "websocket", "http2" }, { "http2", "http1" }, { "http2", "websocket" } };

/* What is another's in a case of these names: it is there to be found; two passwords in a row have the form of two
 * frames; of what is packed any byte may begin anything. */
static const struct { const char *name, *row; } lookalikes[] = { { "/late_mistaken.case", "http1" }, { "/ldap/extended.case", "websocket" },
	{ "/mysql/compressed_zstd.case", "postgres" } };

static char folders[ROWS][32];
static unsigned nr_folders, turns[ROWS], taken[ROWS][ROWS], nobody[ROWS], passed, failed;
static bool show;

static bool at_home(const char *folder, const char *row)
{
	for (unsigned i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (!strcmp(begins[i].folder, folder) && !strcmp(begins[i].also, row))
			return true;
	return !strcmp(folder, row);
}

static bool looks_so(const char *path, const char *row)
{
	for (unsigned i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++)
		if (strstr(path, lookalikes[i].name) && !strcmp(lookalikes[i].row, row))
			return true;
	return false;
}

/* The row that is sure enough; -1: nobody knows it, -EAGAIN: more is wanted. */
static int choose(struct slice head, enum dir dir, bool datagram)
{
	int best = -1, best_score = 0;
	bool more = false;

	for (unsigned i = 0; i < protocol_count(); i++) {
		const struct protocol *p = protocol_get(i);
		int (*guess)(struct slice, enum dir) = datagram ? p->guess_datagram : p->guess;
		int score = guess ? guess(head, dir) : 0;

		more |= score == -EAGAIN;
		if (score > best_score) {
			best_score = score;
			best = (int)i;
		}
	}
	return best < 0 && more && head.len < HEAD_HELD ? -EAGAIN : best;
}

static int choose_slowly(struct slice turn, enum dir dir, bool datagram)
{
	int row = -EAGAIN;

	for (size_t n = datagram ? turn.len : 1; n <= turn.len && row == -EAGAIN; n++)
		row = choose(slice_of(turn.ptr, n), dir, datagram);
	return row;
}

static void count(unsigned folder, int row, const char *path, unsigned step, const char *how)
{
	turns[folder]++;
	if (row < 0) {
		nobody[folder]++;
		return;
	}
	taken[folder][row]++;
	if (at_home(folders[folder], protocol_get((unsigned)row)->name) || looks_so(path, protocol_get((unsigned)row)->name)) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s: its step %u is taken for %s, %s\n", path, step + 1, protocol_get((unsigned)row)->name, how);
}

/* The sink of a session that joined late: only whose exchanges come out is of interest. */

static unsigned joined[ROWS], joined_folder;
static const char *joined_path;
static char joined_where[64];

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
}

static size_t on_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	out[0] = raw.len ? '_' : 0;
	out[1] = 0;
	return strlen(out);
}

static void on_exchange(void *owner, const struct exchange *ex)
{
	unsigned i = 0;

	while (i < protocol_count() && strcmp(protocol_get(i)->name, ex->protocol))
		i++;
	joined[joined_folder]++;
	if (i == protocol_count() || at_home(folders[joined_folder], protocol_get(i)->name) || looks_so(joined_path, ex->protocol)) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s: joined %s it tells of %s\n", joined_path, joined_where, ex->protocol);
}

static void on_named(void *owner, const struct named *n)
{
}

static const struct field_sink sink = { NULL, on_field, on_clean, on_exchange, NULL, NULL, on_named };

/* As if weir had begun at that byte of that turn. */
static void join(const struct test_case *c, unsigned turn, size_t at)
{
	struct conn_facts conn = { .id = 1, .late = true, .tls = TLS_ABSENT, .transport = TRANSPORT_TCP };
	struct byte_account acct[2] = { 0 };
	struct session *s = session_new(&conn, &sink, acct);
	struct stamp now = { 1, 1 };

	snprintf(joined_where, sizeof(joined_where), "at byte %zu of step %u", at, turn + 1);
	for (unsigned i = turn; i < c->nr; i++, at = 0, now.time++)
		if (c->steps[i].kind == STEP_GAP)
			session_gap(s, c->steps[i].dir, c->steps[i].len, LOSS_MISSING, now);
		else if (c->steps[i].kind == STEP_BYTES)
			session_bytes(s, c->steps[i].dir, slice_of(c->steps[i].bytes + at, c->steps[i].len - at), now);
	session_close(s, now);
}

static unsigned folder_of(const char *path)
{
	const char *end = strrchr(path, '/'), *from = end;
	unsigned i = 0;
	char name[32];

	while (from > path && from[-1] != '/')
		from--;
	snprintf(name, sizeof(name), "%.*s", (int)(end - from), from);
	while (i < nr_folders && strcmp(folders[i], name))
		i++;
	if (i == nr_folders && nr_folders < ROWS)
		memcpy(folders[nr_folders++], name, sizeof(name));
	return i;
}

static void run_case(const char *path)
{
	struct test_case c;
	unsigned folder;

	if (!strstr(path, "/protocol/"))
		return;
	folder = folder_of(path);
	if (folder == ROWS || !case_read(path, &c)) {
		failed++;
		printf("FAIL %s: cannot be read as a case\n", path);
		return;
	}
	for (unsigned i = 0; i < c.nr; i++) {
		const struct step *s = &c.steps[i];

		if (s->kind != STEP_BYTES || !s->len)
			continue;
		count(folder, choose(slice_of(s->bytes, s->len), s->dir, c.udp), path, i, "whole");
		count(folder, choose_slowly(slice_of(s->bytes, s->len), s->dir, c.udp), path, i, "byte by byte");
		joined_folder = folder;
		joined_path = path;
		for (size_t at = 0; at < s->len && !c.udp; at += at < EACH ? 1 : 1 + s->len / EACH)
			join(&c, i, at);
	}
	case_free(&c);
}

static void table(void)
{
	printf("%-12s", "turns of");
	for (unsigned i = 0; i < protocol_count(); i++)
		printf("%10s", protocol_get(i)->name);
	printf("%10s%10s%10s\n", "nobody", "in all", "joined");
	for (unsigned f = 0; f < nr_folders; f++) {
		printf("%-12s", folders[f]);
		for (unsigned i = 0; i < protocol_count(); i++)
			printf("%10u", taken[f][i]);
		printf("%10u%10u%10u\n", nobody[f], turns[f], joined[f]);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--show"))
			show = true;
		else
			each_case(argv[i], run_case);
	if (show)
		table();
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}
