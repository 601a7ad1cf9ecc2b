/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_fixture.h - state folders to break: makes a log, copies it, and tells whether
 * anything in it has changed. */
#ifndef WEIR_LEDGER_FIXTURE_H
#define WEIR_LEDGER_FIXTURE_H
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

#include "base/hash.h"
#include "store/ledger.h"

#define FILE_MAX (1 << 20)

struct bytes { uint8_t *ptr; size_t len; };
struct log { char path[64], why[256]; int dir; };

static inline int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static inline struct log log_new(void)
{
	struct log g = { .path = "/tmp/weir-test-ledger-XXXXXX" };

	if (!access("/dev/shm", W_OK))	/* thousands of fsyncs, which cost nothing there */
		memcpy(g.path, "/dev/shm/weir-test-XXXXXX", sizeof("/dev/shm/weir-test-XXXXXX"));
	assert_non_null(mkdtemp(g.path));
	g.dir = open(g.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(g.dir >= 0);
	return g;
}

static inline void log_free(struct log *g)
{
	close(g->dir);
	nftw(g->path, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct ledger *log_open(struct log *g, enum ledger_error *err)
{
	uint64_t cut = 0;
	bool created = false;

	g->why[0] = 0;
	return ledger_open(g->dir, "host", &created, &cut, err, g->why, sizeof(g->why));
}

static inline struct ledger *log_reopen(struct log *g)
{
	enum ledger_error err = LEDGER_OK;
	struct ledger *l = log_open(g, &err);

	if (!l)
		fail_msg("does not open: %d %s", (int)err, g->why);
	return l;
}

static inline void log_add(struct ledger *l, uint64_t from, uint64_t to)
{
	char json[128];

	for (uint64_t i = from; i < to; i++) {
		int n = snprintf(json, sizeof(json), "{\"type\":\"%s\",\"n\":%llu}", i ? "gap" : "genesis", (unsigned long long)i);

		assert_int_equal(ledger_append(l, json, (size_t)n), i);
	}
}

/* size leaves, signed after every step of them; the rest unsigned. */
static inline void log_make(struct log *g, uint64_t size, uint64_t step)
{
	struct ledger *l = log_reopen(g);

	for (uint64_t at = ledger_size(l); at < size; at += step) {
		log_add(l, at, at + step < size ? at + step : size);
		if (at + step <= size)
			assert_int_equal(ledger_commit(l), 0);
	}
	ledger_close(l);
}

static inline struct bytes log_read(const struct log *g, const char *name)
{
	struct bytes b = { malloc(FILE_MAX), 0 };
	char path[256];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/ledger/%s", g->path, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && b.ptr);
	n = read(fd, b.ptr, FILE_MAX);
	assert_true(n >= 0 && n < FILE_MAX);
	b.len = (size_t)n;
	close(fd);
	return b;
}

static inline void log_write(const struct log *g, const char *name, const void *ptr, size_t len)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/ledger/%s", g->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, ptr, len), len);
	close(fd);
}

static inline void log_copy(const struct log *from, const struct log *to, const char *name)
{
	struct bytes b = log_read(from, name);

	log_write(to, name, b.ptr, b.len);
	free(b.ptr);
}

static inline void log_remove(const struct log *g, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ledger/%s", g->path, name);
	assert_int_equal(remove(path), 0);
}

static inline bool log_has(const struct log *g, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ledger/%s", g->path, name);
	return !access(path, F_OK);
}

static inline void log_copy_all(const struct log *from, const struct log *to)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s/ledger && cp -a %s/ledger %s/", to->path, from->path, to->path);
	assert_int_equal(system(command), 0);
}

/* Names, sizes, modes and contents of all files together. */
static uint8_t digest[32];
static inline int fixture_digest(const char *path, const struct stat *st, int type, struct FTW *at)
{
	static uint8_t text[FILE_MAX + 512];
	int n, fd;

	memcpy(text, digest, 32);
	n = 32 + snprintf((char *)text + 32, 400, "%s %o %lld", path, st->st_mode, S_ISREG(st->st_mode) ? (long long)st->st_size : 0);
	if (type == FTW_F && S_ISREG(st->st_mode)) {
		fd = open(path, O_RDONLY);
		n += (int)read(fd, text + n, FILE_MAX);
		close(fd);
	}
	sha256(digest, text, (size_t)n);
	return 0;
}

static inline void log_digest(const struct log *g, uint8_t out[32])
{
	memset(digest, 0, sizeof(digest));
	nftw(g->path, fixture_digest, 8, FTW_PHYS);
	memcpy(out, digest, 32);
}

static inline enum ledger_error log_verify(const struct log *g, const char *vkey, const char *at_least, struct ledger_report *r)
{
	return ledger_verify(g->dir, vkey, at_least, NULL, NULL, r);
}

/* Refused by the writer, who leaves every byte as it is, and by the verifier. */
static inline void assert_refused(struct log *g, enum ledger_error want)
{
	enum ledger_error err = LEDGER_OK, verdict;
	uint8_t before[32], after[32];
	struct ledger_report r;
	struct ledger *l;

	log_digest(g, before);
	l = log_open(g, &err);
	log_digest(g, after);
	if (l)
		fail_msg("the writer took it");
	if (err != want)
		fail_msg("the writer said %d, not %d: %s", (int)err, (int)want, g->why);
	assert_true(g->why[0]);
	assert_memory_equal(before, after, 32);
	verdict = log_verify(g, NULL, NULL, &r);
	if (verdict != want && !(want == LEDGER_FOREIGN && verdict == LEDGER_KEY))
		fail_msg("the verifier said %d, not %d: %s", (int)verdict, (int)want, r.why);
	assert_true(r.why[0]);
}

static inline void assert_verifies(struct log *g, uint64_t size)
{
	struct ledger_report r;
	enum ledger_error err = log_verify(g, NULL, NULL, &r);

	if (err)
		fail_msg("does not verify: %d %s", (int)err, r.why);
	assert_int_equal(r.size, size);
}

/* A small log with three checkpoints, and a place to break copies of it. */
struct pair { struct log good, bad; };

static inline struct pair pair_new(uint64_t size, uint64_t step)
{
	struct pair p = { log_new(), log_new() };

	log_make(&p.good, size, step);
	log_copy_all(&p.good, &p.bad);
	return p;
}

static inline void pair_free(struct pair *p)
{
	log_free(&p->good);
	log_free(&p->bad);
}
#endif
