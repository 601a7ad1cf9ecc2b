/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - SQLite over the leaves. What a leaf holds is asked of its JSON by SQLite's
 * own functions, so nothing here knows a leaf's fields but its type and times.
 *
 * A VFS of our own on top of the default one leaves path names as they are: the keeper
 * sits in STATE with privileges dropped and could not resolve the folders above it. */
#include "store/index.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct index { sqlite3 *db; sqlite3_stmt *add, *open_add, *open_clear; };

static sqlite3_vfs plain_vfs;

static int keep_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static const char *vfs_name(void)
{
	sqlite3_vfs *base = sqlite3_vfs_find(NULL);

	if (plain_vfs.zName || !base)
		return plain_vfs.zName;
	plain_vfs = *base;
	plain_vfs.zName = "weir";
	plain_vfs.xFullPathname = keep_name;
	return sqlite3_vfs_register(&plain_vfs, 0) == SQLITE_OK ? plain_vfs.zName : NULL;
}

static const char schema[] =
	"PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY;"
	"CREATE TABLE IF NOT EXISTS leaf(leaf INTEGER PRIMARY KEY, type TEXT NOT NULL, time INTEGER, start INTEGER, \"end\" INTEGER, doc TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS leaf_type ON leaf(type, time);"
	"CREATE TABLE IF NOT EXISTS open(type TEXT NOT NULL, doc TEXT NOT NULL);";

/* A leaf's time: its own, else the end of its interval, else what a violation updated. */
static const char add_sql[] =
	"INSERT OR REPLACE INTO leaf SELECT ?1, json_extract(?2,'$.type'),"
	" coalesce(ms(json_extract(?2,'$.time')), ms(json_extract(?2,'$.updated')), ms(json_extract(?2,'$.end'))),"
	" ms(json_extract(?2,'$.start')), ms(json_extract(?2,'$.end')), ?2";

/* ms('2026-11-24T08:49:00.123Z'): UTC milliseconds, as exact as the leaf. */
static void sql_ms(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	uint64_t ms;

	if (text && !clock_parse(text, &ms))
		sqlite3_result_int64(c, (sqlite3_int64)ms);
	else
		sqlite3_result_null(c);
}

static bool prepare(struct index *x)
{
	return sqlite3_prepare_v2(x->db, add_sql, -1, &x->add, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(x->db, "INSERT INTO open VALUES(?1,?2)", -1, &x->open_add, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(x->db, "DELETE FROM open WHERE type=?1", -1, &x->open_clear, NULL) == SQLITE_OK;
}

static int open_db(struct index *x, const char *path, bool write)
{
	int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY, err;
	char uri[4200];

	if (!path)
		return sqlite3_open_v2(":memory:", &x->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	err = sqlite3_open_v2(path, &x->db, flags, write ? vfs_name() : NULL);
	if (write || (err == SQLITE_OK && sqlite3_exec(x->db, "SELECT 1 FROM leaf LIMIT 1", NULL, NULL, NULL) == SQLITE_OK))
		return err;
	/* A copy on read-only media: no lock can be taken and none is needed. */
	sqlite3_close(x->db);
	snprintf(uri, sizeof(uri), "file:%s?immutable=1", path);
	return sqlite3_open_v2(uri, &x->db, flags | SQLITE_OPEN_URI, NULL);
}

struct index *index_open(const char *path, bool write, char *why, size_t why_size)
{
	struct index *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	if (open_db(x, path, write) != SQLITE_OK)
		goto fail;
	sqlite3_busy_timeout(x->db, 2000);
	sqlite3_create_function(x->db, "ms", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, sql_ms, NULL, NULL);
	if (write || !path) {
		if (sqlite3_exec(x->db, schema, NULL, NULL, NULL) != SQLITE_OK || !prepare(x))
			goto fail;
	} else if (sqlite3_exec(x->db, "SELECT 1 FROM leaf LIMIT 1", NULL, NULL, NULL) != SQLITE_OK) {
		goto fail;
	}
	return x;
fail:
	snprintf(why, why_size, "%s: %s", path ? path : "index in memory", x->db ? sqlite3_errmsg(x->db) : "no memory");
	index_close(x);
	return NULL;
}

void index_close(struct index *x)
{
	if (!x)
		return;
	sqlite3_finalize(x->add);
	sqlite3_finalize(x->open_add);
	sqlite3_finalize(x->open_clear);
	if (x->db && !sqlite3_get_autocommit(x->db))
		sqlite3_exec(x->db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(x->db);
	free(x);
}

uint64_t index_size(struct index *x)
{
	sqlite3_stmt *s = NULL;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(x->db, "SELECT coalesce(max(leaf)+1,0) FROM leaf", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

static int exec(struct index *x, const char *sql)
{
	return sqlite3_exec(x->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;
}

int index_begin(struct index *x)
{
	return sqlite3_get_autocommit(x->db) ? exec(x, "BEGIN") : 0;
}

int index_commit(struct index *x)
{
	return sqlite3_get_autocommit(x->db) ? 0 : exec(x, "COMMIT");
}

static int run(sqlite3_stmt *s)
{
	int err = sqlite3_step(s) == SQLITE_DONE ? 0 : -EIO;

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return err;
}

int index_leaf(struct index *x, uint64_t leaf, const char *json, size_t len)
{
	sqlite3_bind_int64(x->add, 1, (sqlite3_int64)leaf);
	sqlite3_bind_text(x->add, 2, json, (int)len, SQLITE_STATIC);
	return run(x->add);
}

int index_open_clear(struct index *x, const char *type)
{
	sqlite3_bind_text(x->open_clear, 1, type, -1, SQLITE_STATIC);
	return run(x->open_clear);
}

int index_open_row(struct index *x, const char *type, const char *json, size_t len)
{
	sqlite3_bind_text(x->open_add, 1, type, -1, SQLITE_STATIC);
	sqlite3_bind_text(x->open_add, 2, json, (int)len, SQLITE_STATIC);
	return run(x->open_add);
}

#define COLUMNS_MAX 32

int index_query(struct index *x, const char *sql, const char *const *params, size_t nr,
		int (*row)(void *, int, const char *const *), void *owner, char *why, size_t why_size)
{
	const char *values[COLUMNS_MAX];
	sqlite3_stmt *s = NULL;
	int r = sqlite3_prepare_v2(x->db, sql, -1, &s, NULL), stop = 0;

	for (size_t i = 0; r == SQLITE_OK && i < nr; i++)
		r = sqlite3_bind_text(s, (int)i + 1, params[i], -1, SQLITE_STATIC);
	while (r == SQLITE_OK || r == SQLITE_ROW) {
		int columns = sqlite3_column_count(s);

		r = sqlite3_step(s);
		if (r != SQLITE_ROW || stop)
			break;
		for (int i = 0; i < columns && i < COLUMNS_MAX; i++)
			values[i] = (const char *)sqlite3_column_text(s, i);
		stop = row(owner, columns < COLUMNS_MAX ? columns : COLUMNS_MAX, values);
		if (stop)
			break;
	}
	if (r != SQLITE_DONE && r != SQLITE_ROW)
		snprintf(why, why_size, "%s", sqlite3_errmsg(x->db));
	sqlite3_finalize(s);
	return r == SQLITE_DONE || r == SQLITE_ROW ? 0 : -1;
}
