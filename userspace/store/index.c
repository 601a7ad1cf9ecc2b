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
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define BUSY_MS 2000

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

/* A new layout is a new number: the index of an older one is made again. */
#define LAYOUT "2"

/* Never spilled: what is not committed must not be in the file, where after a power cut
 * the index could look newer than the ledger. */
static const char pragmas[] = "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_spill=OFF;";
static const char schema[] =
	"BEGIN; PRAGMA user_version=" LAYOUT ";"
	"CREATE TABLE leaf(leaf INTEGER PRIMARY KEY, type TEXT NOT NULL, time INTEGER, start INTEGER, \"end\" INTEGER, doc TEXT NOT NULL);"
	"CREATE INDEX leaf_type ON leaf(type, time);"
	"CREATE TABLE open(type TEXT NOT NULL, doc TEXT NOT NULL); COMMIT;";

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

static int readable(sqlite3 *db)
{
	return sqlite3_exec(db, "SELECT doc FROM leaf LIMIT 1", NULL, NULL, NULL);
}

/* Something that was being written when its writer died is rolled back by the next
 * writer; a reader that ignored it would see a torn file. */
static bool half_written(const char *path)
{
	char journal[4200];
	struct stat st;

	snprintf(journal, sizeof(journal), "%s-journal", path);
	return !stat(journal, &st) && st.st_size > 0;
}

static int open_read(struct index *x, const char *path)
{
	char uri[3 * 4200 + 32] = "file:";
	size_t n = strlen(uri);
	int err = sqlite3_open_v2(path, &x->db, SQLITE_OPEN_READONLY, NULL);

	if (err == SQLITE_OK) {
		sqlite3_busy_timeout(x->db, BUSY_MS);
		err = readable(x->db);
	}
	if (err == SQLITE_OK || err == SQLITE_BUSY || err == SQLITE_ERROR || half_written(path))
		return err;
	/* A copy on read-only media: no lock can be taken and none is needed. */
	for (const char *s = path; *s && n < sizeof(uri) - 20; s++)
		n += (size_t)snprintf(uri + n, 4, strchr("?#%", *s) ? "%%%02x" : "%c", *s);
	snprintf(uri + n, sizeof(uri) - n, "?immutable=1");
	sqlite3_close(x->db);
	return sqlite3_open_v2(uri, &x->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
}

static int on_truth(void *truth, int columns, char **values, char **names)
{
	*(bool *)truth = columns == 1 && values[0] && !strcmp(values[0], "1");
	return 0;
}

/* Makes what is not there yet; what is there is not written to, so that a full disk is
 * found by the ledger, which can say so. */
static bool tables_make(struct index *x)
{
	bool empty = false;

	if (sqlite3_exec(x->db, pragmas, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(x->db, "SELECT NOT EXISTS(SELECT 1 FROM sqlite_master)", on_truth, &empty, NULL) != SQLITE_OK)
		return false;
	return !empty || sqlite3_exec(x->db, schema, NULL, NULL, NULL) == SQLITE_OK;
}

/* The index can be made again from the ledger, so one that is no database any more, or
 * of another layout, is not worth a refusal to start. */
static int open_write(struct index *x, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	int err = sqlite3_open_v2(path, &x->db, flags, vfs_name());
	bool usable = false;

	if (err == SQLITE_OK) {
		sqlite3_busy_timeout(x->db, BUSY_MS);
		err = sqlite3_exec(x->db, "SELECT NOT EXISTS(SELECT 1 FROM sqlite_master) OR (SELECT user_version FROM pragma_user_version)=" LAYOUT,
				   on_truth, &usable, NULL);
	}
	if (err != SQLITE_NOTADB && err != SQLITE_CORRUPT && (err != SQLITE_OK || usable))
		return err;
	log_warn("the index is %s and is made again from the ledger", err == SQLITE_OK ? "of another version" : "damaged");
	sqlite3_close(x->db);
	x->db = NULL;
	return unlink(path) ? SQLITE_CANTOPEN : sqlite3_open_v2(path, &x->db, flags, vfs_name());
}

static int open_db(struct index *x, const char *path, bool write)
{
	if (!path)
		return sqlite3_open_v2(":memory:", &x->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	return write ? open_write(x, path) : open_read(x, path);
}

struct index *index_open(const char *path, bool write, char *why, size_t why_size)
{
	struct index *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	if (open_db(x, path, write) != SQLITE_OK)
		goto fail;
	sqlite3_busy_timeout(x->db, BUSY_MS);
	sqlite3_create_function(x->db, "ms", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, sql_ms, NULL, NULL);
	if (write || !path) {
		if (!tables_make(x) || !prepare(x))
			goto fail;
	} else if (readable(x->db) != SQLITE_OK) {
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

static uint64_t number(struct index *x, const char *sql)
{
	sqlite3_stmt *s = NULL;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(x->db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

uint64_t index_size(struct index *x)
{
	return number(x, "SELECT coalesce(max(leaf)+1,0) FROM leaf");
}

bool index_whole(struct index *x)
{
	return number(x, "SELECT count(*)=coalesce(max(leaf)+1,0) FROM leaf");
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
	int err = sqlite3_get_autocommit(x->db) ? SQLITE_OK : sqlite3_exec(x->db, "COMMIT", NULL, NULL, NULL);

	return err == SQLITE_OK ? 0 : err == SQLITE_BUSY ? -EBUSY : -EIO;
}

int index_rollback(struct index *x)
{
	return sqlite3_get_autocommit(x->db) ? 0 : exec(x, "ROLLBACK");
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

	/* Parameters beyond those that the query has are left out: callers keep one list. */
	for (size_t i = 0; r == SQLITE_OK && i < nr && (int)i < sqlite3_bind_parameter_count(s); i++)
		r = sqlite3_bind_text(s, (int)i + 1, params[i], -1, SQLITE_STATIC);
	while (r == SQLITE_OK || r == SQLITE_ROW) {
		int columns = sqlite3_column_count(s);

		r = sqlite3_step(s);
		if (r != SQLITE_ROW)
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
