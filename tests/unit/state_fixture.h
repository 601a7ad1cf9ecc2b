/* SPDX-License-Identifier: Apache-2.0 */
/* state_fixture.h - a state folder as the keeper leaves it: a signed ledger and its index,
 * and commands run on it with what they said on stdout and stderr. */
#ifndef WEIR_STATE_FIXTURE_H
#define WEIR_STATE_FIXTURE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "store/index.h"
#include "store/ledger.h"

struct state { char path[64], file[96]; struct ledger *ledger; struct index *index; };

static inline int state_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static inline struct state state_new(void)
{
	struct state s = { .path = "/tmp/weir-test-state-XXXXXX" };
	enum ledger_error err;
	bool created;
	char why[256] = "";
	uint64_t cut;
	int dir;

	if (!access("/dev/shm", W_OK))
		memcpy(s.path, "/dev/shm/weir-state-XXXXXX", sizeof("/dev/shm/weir-state-XXXXXX"));
	assert_non_null(mkdtemp(s.path));
	snprintf(s.file, sizeof(s.file), "%s/index.sqlite", s.path);
	dir = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s.ledger = ledger_open(dir, "host", &created, &cut, &err, why, sizeof(why));
	close(dir);
	s.index = index_open(s.file, true, why, sizeof(why));
	if (!s.ledger || !s.index)
		fail_msg("%s", why);
	return s;
}

static inline void state_leaf(struct state *s, const char *json)
{
	int64_t leaf = ledger_append(s->ledger, json, strlen(json));

	assert_true(leaf >= 0);
	if (index_leaf(s->index, (uint64_t)leaf, json, strlen(json)))
		fail_msg("not indexed: %s", json);
}

/* What is there so far can be read from now on. */
static inline void state_commit(struct state *s)
{
	assert_int_equal(ledger_commit(s->ledger), 0);
}

static inline void state_close(struct state *s)
{
	ledger_close(s->ledger);
	index_close(s->index);
	s->ledger = NULL;
	s->index = NULL;
}

static inline void state_free(struct state *s)
{
	if (s->ledger)
		state_close(s);
	nftw(s->path, state_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* A command, in this process. */

#define SAID_MAX (1 << 20)
struct said { int code; char out[SAID_MAX], err[16384]; size_t len; };
static struct said said;

static inline size_t slurp(FILE *f, char *out, size_t size)
{
	size_t n;

	rewind(f);
	n = fread(out, 1, size - 1, f);
	out[n] = 0;
	fclose(f);
	return n;
}

#define WEIR_RUN(...) weir_run((const char *[]){ "weir", __VA_ARGS__, NULL })
static inline int weir_run(const char *const *words)
{
	FILE *out = tmpfile(), *err = tmpfile();
	int saved_out, saved_err, argc = 0;
	char *argv[32];

	assert_true(out && err);
	for (; words[argc] && argc < 31; argc++)
		argv[argc] = strdup(words[argc]);
	argv[argc] = NULL;
	fflush(NULL);
	saved_out = dup(1);
	saved_err = dup(2);
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	{
		char *moved[32];	/* the walker reorders, and what was strdup'ed must be freed */

		memcpy(moved, argv, sizeof(moved));
		said.code = cli_main(argc, moved);
	}
	fflush(NULL);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	close(saved_out);
	close(saved_err);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	said.len = slurp(out, said.out, sizeof(said.out));
	slurp(err, said.err, sizeof(said.err));
	return said.code;
}

static inline unsigned count_text(const char *in, const char *what)
{
	unsigned n = 0;

	for (const char *s = in; (s = strstr(s, what)); s += strlen(what))
		n++;
	return n;
}

/* A query over one JSON text, by SQLite: expr is over ?1. */
static inline int json_first(void *owner, int nr, const char *const *v)
{
	snprintf(owner, 4096, "%s", nr && v[0] ? v[0] : "(null)");
	return 1;
}

static inline const char *json_at(const char *json, const char *path)
{
	static char out[4096];
	char why[256] = "";
	const char *params[] = { json, path };
	struct index *index = index_open(NULL, true, why, sizeof(why));

	out[0] = 0;
	if (index_query(index, "SELECT json_extract(?1,?2)", params, 2, json_first, out, why, sizeof(why)))
		fail_msg("%s in %s", why, json);
	index_close(index);
	return out;
}
#endif
