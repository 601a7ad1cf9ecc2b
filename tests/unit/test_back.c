/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's half over a real state folder: from one start to the next, with the clock
 * set in between, with a ledger that was exchanged, and with an index that was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/pipeline.h"
#include "store/index.h"
#include "store/ledger.h"

#define HOUR_MS 3600000ll
#define YEARS_MS (10 * 365 * 24 * HOUR_MS)
#define UTC0 1795700000000ull

static char folder[64], home[4096], boot_id[8];
static uint64_t boot, utc_at_boot;
static int state_fd;
static char emitted[1 << 16];	/* clock and gap leaves, one a line */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int folder_new(void **state)
{
	snprintf(folder, sizeof(folder), access("/dev/shm", W_OK) ? "/tmp/weir-back-XXXXXX" : "/dev/shm/weir-back-XXXXXX");
	assert_non_null(getcwd(home, sizeof(home)));
	assert_non_null(mkdtemp(folder));
	state_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fchdir(state_fd), 0);
	boot = 1000000;
	utc_at_boot = UTC0;
	snprintf(boot_id, sizeof(boot_id), "one");
	clock_set_replay(utc_at_boot, boot * 1000000);
	return 0;
}

static int folder_free(void **state)
{
	clock_set_replay(0, 0);
	assert_int_equal(chdir(home), 0);
	close(state_fd);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void goes_by(uint64_t ms, int64_t step)
{
	boot += ms;
	utc_at_boot = (uint64_t)((int64_t)utc_at_boot + step);
	clock_set_replay(utc_at_boot, boot * 1000000);
}

static void on_emit(void *owner, const char *type, const char *json, size_t len, const char *line, uint64_t leaf)
{
	size_t n = strlen(emitted);

	if (!strcmp(type, "clock") || !strcmp(type, "gap"))
		snprintf(emitted + n, sizeof(emitted) - n, "%.*s\n", (int)len, json);
}

static struct back *try_open(char *why, size_t size, int *code)
{
	struct back_config config = { .state = state_fd, .host = "host", .emit = on_emit };

	return back_new(&config, why, size, code);
}

static struct back *begin(void)
{
	char why[512] = "";
	int code = 0;
	struct back *b = try_open(why, sizeof(why), &code);

	if (!b)
		fail_msg("%d: %s", code, why);
	emitted[0] = 0;
	back_boot_id(b, boot_id);
	back_tick(b, clock_boot_ns());
	back_start(b, "tracepoint", "", "0", "b");
	return b;
}

static void seal(struct back *b, uint32_t epoch)
{
	struct books k = { .epoch = epoch, .start_ms = clock_utc_ms(), .end_ms = 0 };

	goes_by(60000, 0);
	k.end_ms = clock_utc_ms();
	back_interval(b, &k);
	back_tick(b, clock_boot_ns());
}

static void end(struct back *b)
{
	back_stop(b, "asked to");
	back_free(b);
}

static void says(const char *what)
{
	if (!strstr(emitted, what))
		fail_msg("\"%s\" is not in:\n%s", what, emitted);
}

static void verifies(void)
{
	struct ledger_report r;

	if (ledger_verify(state_fd, NULL, NULL, NULL, NULL, &r))
		fail_msg("%s", r.why);
}

static const char *stamp(uint64_t ms)
{
	static char text[4][UTC_SIZE];
	static unsigned n;

	clock_format(text[++n % 4], ms);
	return text[n % 4];
}

static const int64_t steps[] = { HOUR_MS, -HOUR_MS, YEARS_MS, -YEARS_MS };

static void a_step_while_weir_runs_is_a_leaf(void **state)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char want[160];
		uint64_t from;
		struct back *b;

		if (i)
			folder_free(state), folder_new(state);
		b = begin();
		seal(b, 1);
		goes_by(20, 0);
		back_tick(b, clock_boot_ns());
		assert_string_equal(emitted, "");
		from = clock_utc_ms() + 20;
		goes_by(20, steps[i]);
		back_tick(b, clock_boot_ns());
		snprintf(want, sizeof(want), "\"from\":\"%s\",\"to\":\"%s\",\"step_ms\":%lld,\"when\":\"while weir ran\",\"boottime_ns\":%llu",
			 stamp(from), stamp(clock_utc_ms()), (long long)steps[i], (unsigned long long)clock_boot_ns());
		back_tick(b, clock_boot_ns());	/* told once */
		says(want);
		assert_ptr_equal(strchr(emitted, '\n') + 1, emitted + strlen(emitted));
		seal(b, 2);
		end(b);
		verifies();
	}
}

static void a_step_between_runs_of_one_boot_is_measured(void **state)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char want[160];
		struct back *b;

		if (i)
			folder_free(state), folder_new(state);
		b = begin();
		seal(b, 1);
		end(b);
		goes_by(5000, steps[i]);
		b = begin();
		snprintf(want, sizeof(want), "\"step_ms\":%lld,\"when\":\"while weir was not running\"", (long long)steps[i]);
		says(want);
		/* The gap is as long as it was, on the clock of now. */
		snprintf(want, sizeof(want), "\"from\":\"%s\",\"to\":\"%s\",\"reason\":\"weir was not running\"", stamp(clock_utc_ms() - 5000),
			 stamp(clock_utc_ms()));
		says(want);
		end(b);
		verifies();
	}
}

static void over_a_reboot_only_a_step_back_is_known(void **state)
{
	char want[200];
	struct back *b = begin();

	seal(b, 1);
	end(b);
	boot = 5000;
	snprintf(boot_id, sizeof(boot_id), "two");
	utc_at_boot = UTC0 - (uint64_t)HOUR_MS;
	goes_by(0, 0);
	b = begin();
	says("\"when\":\"while weir was not running\"");
	snprintf(want, sizeof(want), "\"from\":\"%s\",\"to\":\"%s\",\"reason\":\"weir was not running; the clock went back", stamp(clock_utc_ms()),
		 stamp(clock_utc_ms()));
	says(want);
	end(b);
	utc_at_boot += (uint64_t)YEARS_MS;
	boot = 6000;
	snprintf(boot_id, sizeof(boot_id), "three");
	goes_by(0, 0);
	b = begin();
	assert_null(strstr(emitted, "\"type\":\"clock\""));	/* ten years off, for all anybody knows */
	says("\"reason\":\"weir was not running\"");
	end(b);
	verifies();
}

static void a_gap_after_a_crash_begins_where_the_last_interval_was_sealed(void **state)
{
	char want[200];
	uint64_t sealed;
	struct back *b = begin();

	seal(b, 1);
	sealed = clock_utc_ms();
	goes_by(30000, 0);
	back_gap(b, "analyst", "killed by signal 9", sealed + 29000, clock_utc_ms(), 1);	/* a later leaf */
	goes_by(5000, 0);
	back_free(b);
	b = begin();
	snprintf(want, sizeof(want), "\"from\":\"%s\",\"to\":\"%s\",\"reason\":\"weir ended without a stop", stamp(sealed), stamp(clock_utc_ms()));
	says(want);
	end(b);
}

/* Whatever blinds the hooks blinds them to weir's own exchange too. */
static unsigned leaves_with(const char *text)
{
	static char all[1 << 16];
	unsigned n = 0;
	FILE *f = fopen("ledger/leaves", "r");
	size_t len = f ? fread(all, 1, sizeof(all) - 1, f) : 0;

	assert_non_null(f);
	fclose(f);
	for (const char *s = all; (s = memmem(s, (size_t)(all + len - s), text, strlen(text))); s++)
		n++;
	return n;
}

static void a_blind_sensor_misses_its_selftest_while_heartbeats_go_on(void **state)
{
	struct back *b = begin();

	seal(b, 1);
	seal(b, 2);
	end(b);
	assert_int_equal(leaves_with("\"type\":\"heartbeat\""), 2);
	assert_int_equal(leaves_with("\"path\":\"plain\",\"result\":\"missed\""), 2);
	assert_int_equal(leaves_with("\"path\":\"tls\",\"result\":\"missed\""), 2);
}

/* The ledger and the index against each other. */

static void refused(const char *what)
{
	char why[512] = "";
	int code = 0;

	assert_null(try_open(why, sizeof(why), &code));
	assert_int_equal(code, 4);
	if (!strstr(why, what))
		fail_msg("\"%s\" is not in: %s", what, why);
}

static void copy(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s && cp -a %s %s", to, from, to);
	assert_int_equal(system(command), 0);
}

static void one_run(void)
{
	struct back *b = begin();

	seal(b, 1);
	end(b);
}

static uint64_t index_leaves(void)
{
	char why[200] = "";
	struct index *x = index_open("index.sqlite", false, why, sizeof(why));
	uint64_t n;

	assert_non_null(x);
	assert_true(index_whole(x));
	n = index_size(x);
	index_close(x);
	return n;
}

static void an_earlier_ledger_under_its_index_is_refused(void **state)
{
	uint64_t have;

	one_run();
	copy("ledger", "earlier");
	one_run();
	copy("ledger", "later");
	have = index_leaves();
	copy("earlier", "ledger");
	refused("the ledger is older than its index");
	refused("the ledger is older than its index");	/* nothing was changed by the first refusal */
	copy("later", "ledger");
	one_run();
	assert_true(index_leaves() > have);
	verifies();
	/* The way on that the message names. */
	copy("earlier", "ledger");
	assert_int_equal(unlink("index.sqlite"), 0);
	one_run();
	verifies();
}

static void another_ledger_under_the_index_is_refused(void **state)
{
	one_run();
	copy("ledger", "earlier");
	copy("index.sqlite", "earlier.sqlite");
	one_run();
	copy("index.sqlite", "later.sqlite");
	/* The earlier one, gone on with differently, and longer than before. */
	copy("earlier", "ledger");
	copy("earlier.sqlite", "index.sqlite");
	goes_by(1000, 0);
	one_run();
	one_run();
	copy("later.sqlite", "index.sqlite");
	refused("the ledger is not the one that its index was made from");
}

static void no_new_log_begins_where_an_index_tells_of_one(void **state)
{
	one_run();
	copy("ledger", "kept");
	assert_int_equal(system("rm -rf ledger"), 0);
	refused("the ledger is gone, but its index is here");
	assert_int_equal(access("ledger/key", F_OK), -1);
	assert_int_equal(mkdir("ledger", 0700), 0);
	refused("the ledger is gone, but its index is here");
	assert_int_equal(access("ledger/key", F_OK), -1);
	copy("kept", "ledger");
	one_run();
	verifies();
}

static void an_older_index_is_made_whole(void **state)
{
	one_run();
	copy("index.sqlite", "earlier.sqlite");
	one_run();
	copy("earlier.sqlite", "index.sqlite");
	one_run();
	assert_true(index_leaves() > 10);
	assert_int_equal(unlink("index.sqlite"), 0);
	one_run();
	assert_true(index_leaves() > 15);
	verifies();
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_new, folder_free)
	const struct CMUnitTest tests[] = {
		CASE(a_step_while_weir_runs_is_a_leaf),
		CASE(a_step_between_runs_of_one_boot_is_measured),
		CASE(over_a_reboot_only_a_step_back_is_known),
		CASE(a_gap_after_a_crash_begins_where_the_last_interval_was_sealed),
		CASE(a_blind_sensor_misses_its_selftest_while_heartbeats_go_on),
		CASE(an_earlier_ledger_under_its_index_is_refused),
		CASE(another_ledger_under_the_index_is_refused),
		CASE(no_new_log_begins_where_an_index_tells_of_one),
		CASE(an_older_index_is_made_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
