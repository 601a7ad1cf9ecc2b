/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite index over leaves. */
#include <signal.h>
#include <sys/wait.h>

#include "store/index.h"
#include "tests/unit/state_fixture.h"

struct dir { char path[64], file[96]; };

static struct dir dir_new(void)
{
	struct dir d = { .path = "/tmp/weir-test-index-XXXXXX" };

	assert_non_null(mkdtemp(d.path));
	snprintf(d.file, sizeof(d.file), "%s/index.sqlite", d.path);
	return d;
}

static void dir_free(struct dir *d)
{
	chmod(d->path, 0700);
	nftw(d->path, state_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static struct index *must_open(const char *path, bool write)
{
	char why[256] = "";
	struct index *x = index_open(path, write, why, sizeof(why));

	if (!x)
		fail_msg("%s", why);
	return x;
}

struct rows { unsigned nr; char text[4096]; };

static int take(void *owner, int nr, const char *const *v)
{
	struct rows *r = owner;
	size_t n = strlen(r->text);

	for (int i = 0; i < nr; i++)
		n += (size_t)snprintf(r->text + n, sizeof(r->text) - n, "%s%s", i ? "|" : "", v[i] ? v[i] : "null");
	snprintf(r->text + n, sizeof(r->text) - n, ";");
	r->nr++;
	return 0;
}

static const char *ask(struct index *x, const char *sql)
{
	static struct rows r;
	char why[256] = "";

	memset(&r, 0, sizeof(r));
	if (index_query(x, sql, NULL, 0, take, &r, why, sizeof(why)))
		fail_msg("%s: %s", sql, why);
	return r.text;
}

static int add(struct index *x, uint64_t leaf, const char *json)
{
	return index_leaf(x, leaf, json, strlen(json));
}

static void a_leaf_is_kept_as_it_is_with_its_times_in_milliseconds(void **state)
{
	struct index *x = must_open(NULL, true);
	const char *flow = "{\"type\":\"flow\",\"start\":\"2026-11-24T08:50:00.000Z\",\"end\":\"2026-11-24T08:51:00.123Z\",\"n\":18446744073709551615}";

	assert_int_equal(index_size(x), 0);
	assert_int_equal(add(x, 0, flow), 0);
	assert_int_equal(add(x, 1, "{\"type\":\"gap\",\"time\":\"2026-11-24T08:50:00.001Z\"}"), 0);
	assert_int_equal(add(x, 2, "{\"type\":\"violation\",\"opened\":\"2026-11-24T08:50:00.000Z\",\"updated\":\"2026-11-24T08:50:00.002Z\"}"), 0);
	assert_int_equal(index_size(x), 3);
	assert_string_equal(ask(x, "SELECT leaf,type,time,start,\"end\" FROM leaf ORDER BY leaf"),
			    "0|flow|1795510260123|1795510200000|1795510260123;1|gap|1795510200001|null|null;2|violation|1795510200002|null|null;");
	assert_string_equal(ask(x, "SELECT typeof(time),typeof(start) FROM leaf WHERE leaf=0"), "integer|integer;");
	assert_true(!strncmp(ask(x, "SELECT doc FROM leaf WHERE leaf=0"), flow, strlen(flow)));
	index_close(x);
}

static void what_is_no_leaf_is_refused_and_the_next_one_is_taken(void **state)
{
	struct index *x = must_open(NULL, true);

	assert_true(add(x, 0, "not json") < 0);
	assert_true(add(x, 0, "{\"no\":\"type\"}") < 0);
	assert_true(add(x, 0, "") < 0);
	assert_true(add(x, 0, "{\"type\":\"flow\"") < 0);
	assert_int_equal(index_size(x), 0);
	assert_int_equal(add(x, 0, "{\"type\":\"stop\",\"time\":\"no time\"}"), 0);
	assert_string_equal(ask(x, "SELECT time FROM leaf"), "null;");
	index_close(x);
}

static void open_rows_are_replaced_by_type(void **state)
{
	struct index *x = must_open(NULL, true);

	index_open_row(x, "flow", "{\"n\":1}", 7);
	index_open_row(x, "flow", "{\"n\":2}", 7);
	index_open_row(x, "coverage", "{\"n\":3}", 7);
	index_open_clear(x, "flow");
	index_open_row(x, "flow", "{\"n\":4}", 7);
	assert_string_equal(ask(x, "SELECT type, doc FROM open ORDER BY doc"), "coverage|{\"n\":3};flow|{\"n\":4};");
	index_close(x);
}

static void a_query_takes_parameters_as_text_and_leaves_out_those_it_does_not_have(void **state)
{
	struct index *x = must_open(NULL, true);
	const char *params[] = { "1", "a' OR '1'='1", "three" };
	struct rows r = { 0 };
	char why[256] = "";

	add(x, 0, "{\"type\":\"flow\"}");
	add(x, 1, "{\"type\":\"flow\"}");
	assert_int_equal(index_query(x, "SELECT leaf FROM leaf WHERE leaf>=CAST(?1 AS INTEGER)", params, 3, take, &r, why, sizeof(why)), 0);
	assert_string_equal(r.text, "1;");
	memset(&r, 0, sizeof(r));
	assert_int_equal(index_query(x, "SELECT leaf FROM leaf WHERE type=?2", params, 3, take, &r, why, sizeof(why)), 0);
	assert_int_equal(r.nr, 0);
	assert_int_equal(index_query(x, "SELECT x FROM nowhere", NULL, 0, take, &r, why, sizeof(why)), -1);
	if (!strstr(why, "nowhere"))
		fail_msg("why: %s", why);
	index_close(x);
}

static void a_reader_sees_what_was_committed_and_cannot_write(void **state)
{
	struct dir d = dir_new();
	struct index *w = must_open(d.file, true), *r;

	index_begin(w);
	add(w, 0, "{\"type\":\"genesis\"}");
	index_commit(w);
	index_begin(w);
	add(w, 1, "{\"type\":\"start\"}");
	r = must_open(d.file, false);
	assert_string_equal(ask(r, "SELECT type FROM leaf"), "genesis;");
	index_commit(w);
	assert_string_equal(ask(r, "SELECT type FROM leaf"), "genesis;start;");
	assert_string_equal(ask(r, "SELECT ms('2026-11-24T08:50:00.001Z')"), "1795510200001;");
	{
		struct rows rows = { 0 };
		char why[256] = "";

		assert_int_equal(index_query(r, "DELETE FROM leaf", NULL, 0, take, &rows, why, sizeof(why)), -1);
	}
	index_close(r);
	index_close(w);
	dir_free(&d);
}

static void a_missing_index_is_not_made_by_a_reader(void **state)
{
	struct dir d = dir_new();
	char why[256] = "";

	assert_null(index_open(d.file, false, why, sizeof(why)));
	assert_non_null(strstr(why, "index.sqlite"));
	assert_int_equal(access(d.file, F_OK), -1);
	dir_free(&d);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void a_damaged_index_is_refused_by_a_reader_and_made_anew_by_the_writer(void **state)
{
	struct dir d = dir_new();
	char why[256] = "";
	struct index *x;

	write_file(d.file, "this is no database, but it is long enough to have a header of one, or so it seems: "
		   "this is no database, but it is long enough to have a header of one, or so it seems.");
	assert_null(index_open(d.file, false, why, sizeof(why)));
	x = must_open(d.file, true);
	assert_int_equal(index_size(x), 0);
	assert_int_equal(add(x, 0, "{\"type\":\"genesis\"}"), 0);
	index_close(x);
	x = must_open(d.file, false);
	assert_int_equal(index_size(x), 1);
	index_close(x);
	dir_free(&d);
}

static void an_index_of_another_layout_is_made_anew_and_one_of_this_is_kept(void **state)
{
	struct dir d = dir_new();
	struct index *x = must_open(d.file, true);

	add(x, 0, "{\"type\":\"genesis\"}");
	index_close(x);
	x = must_open(d.file, true);
	assert_int_equal(index_size(x), 1);
	assert_string_equal(ask(x, "PRAGMA user_version=1"), "");
	index_close(x);
	x = must_open(d.file, true);
	assert_int_equal(index_size(x), 0);
	index_close(x);
	dir_free(&d);
}

static void a_read_only_copy_is_read(void **state)
{
	struct dir d = dir_new();
	struct index *x = must_open(d.file, true);
	char odd[160];
	int status;

	add(x, 0, "{\"type\":\"genesis\"}");
	index_close(x);
	snprintf(odd, sizeof(odd), "%s/a copy? #1 %%41.sqlite", d.path);	/* what means something in a URI */
	assert_int_equal(rename(d.file, odd), 0);
	chmod(odd, 0444);
	chmod(d.path, 0555);
	if (fork() == 0) {
		char why[256] = "";
		struct index *r;

		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(3);
		r = index_open(odd, false, why, sizeof(why));
		_exit(r && index_size(r) == 1 ? 0 : 1);
	}
	wait(&status);
	assert_int_equal(WEXITSTATUS(status), 0);
	dir_free(&d);
}

/* The keeper sits in STATE, may not look at the folders above it, and names files without a path. */
static void a_writer_that_cannot_resolve_its_folder_writes_all_the_same(void **state)
{
	struct dir d = dir_new();
	char locked[96], inner[128], file[160];
	int status;

	if (geteuid())
		skip();
	snprintf(locked, sizeof(locked), "%s/locked", d.path);
	snprintf(inner, sizeof(inner), "%s/state", locked);
	assert_int_equal(mkdir(locked, 0700), 0);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_int_equal(chown(inner, 65534, 65534), 0);
	if (fork() == 0) {
		char why[256] = "";
		struct index *x;

		if (chdir(inner) || setgid(65534) || setuid(65534))
			_exit(3);
		x = index_open("index.sqlite", true, why, sizeof(why));
		if (!x)
			_exit(4);
		index_begin(x);
		if (add(x, 0, "{\"type\":\"genesis\"}") || index_commit(x))
			_exit(5);
		index_close(x);
		_exit(0);
	}
	wait(&status);
	assert_int_equal(WEXITSTATUS(status), 0);
	snprintf(file, sizeof(file), "%s/index.sqlite", inner);
	{
		struct index *r = must_open(file, false);

		assert_int_equal(index_size(r), 1);
		index_close(r);
	}
	dir_free(&d);
}

/* A writer that was killed inside a transaction: the next writer rolls back, and a reader
 * before that does not take the torn file for an index. */
static void a_writer_killed_in_the_middle_leaves_nothing_half(void **state)
{
	struct dir d = dir_new();
	struct index *x = must_open(d.file, true);
	int status;

	add(x, 0, "{\"type\":\"genesis\"}");
	index_close(x);
	if (fork() == 0) {
		char big[8192];

		x = must_open(d.file, true);
		memset(big, 'x', sizeof(big));
		memcpy(big, "{\"type\":\"flow\",\"x\":\"", 20);
		memcpy(big + sizeof(big) - 3, "\"}", 3);
		index_begin(x);
		for (uint64_t i = 1; i < 2000; i++)	/* more than the page cache holds: pages reach the file */
			add(x, i, big);
		kill(getpid(), SIGKILL);
	}
	wait(&status);
	assert_true(WIFSIGNALED(status));
	x = must_open(d.file, true);
	assert_int_equal(index_size(x), 1);
	assert_string_equal(ask(x, "PRAGMA integrity_check"), "ok;");
	index_close(x);
	dir_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_is_kept_as_it_is_with_its_times_in_milliseconds),
		cmocka_unit_test(what_is_no_leaf_is_refused_and_the_next_one_is_taken),
		cmocka_unit_test(open_rows_are_replaced_by_type),
		cmocka_unit_test(a_query_takes_parameters_as_text_and_leaves_out_those_it_does_not_have),
		cmocka_unit_test(a_reader_sees_what_was_committed_and_cannot_write),
		cmocka_unit_test(a_missing_index_is_not_made_by_a_reader),
		cmocka_unit_test(a_damaged_index_is_refused_by_a_reader_and_made_anew_by_the_writer),
		cmocka_unit_test(an_index_of_another_layout_is_made_anew_and_one_of_this_is_kept),
		cmocka_unit_test(a_read_only_copy_is_read),
		cmocka_unit_test(a_writer_that_cannot_resolve_its_folder_writes_all_the_same),
		cmocka_unit_test(a_writer_killed_in_the_middle_leaves_nothing_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
