/* SPDX-License-Identifier: Apache-2.0 */
/* weir ledger gaps: what the log says was not watched, and what it does not say. */
#include "tests/unit/state_fixture.h"

static struct state s;

static int make(void **state)
{
	s = state_new();
	state_leaf(&s, "{\"type\":\"genesis\",\"time\":\"2026-11-24T08:00:00.000Z\"}");
	return 0;
}

static int drop(void **state)
{
	state_free(&s);
	return 0;
}

#define T(hms) "2026-11-24T" hms ".000Z"
#define START(hms) "{\"type\":\"start\",\"time\":\"" T(hms) "\"}"
#define STOP(hms) "{\"type\":\"stop\",\"time\":\"" T(hms) "\"}"
#define BEAT(n, from, to) "{\"type\":\"heartbeat\",\"time\":\"" T(to) "\",\"epoch\":" #n ",\"start\":\"" T(from) "\",\"end\":\"" T(to) "\"}"

#define GAPS(...) gaps((const char *const[]){ __VA_ARGS__, NULL })
static void gaps(const char *const *leaves)
{
	for (; *leaves; leaves++)
		state_leaf(&s, *leaves);
	state_commit(&s);
	assert_int_equal(WEIR_RUN("ledger", "gaps", "--state", s.path, "-o", "json"), EXIT_OK);
}

static void says(unsigned rows, const char *what)
{
	if (count_text(said.out, "\n") != rows || (what && !strstr(said.out, what)))
		fail_msg("not %u rows with \"%s\":\n%s", rows, what ? what : "", said.out);
}

static void a_whole_life_has_none(void **state)
{
	GAPS(START("08:00:01"), BEAT(1, "08:00:01", "08:01:00"), BEAT(2, "08:01:00", "08:02:00"), STOP("08:02:01"));
	says(0, NULL);
	assert_int_equal(WEIR_RUN("ledger", "gaps", "--state", s.path), EXIT_OK);
	assert_non_null(strstr(said.out, "no gaps in 5 leaves"));
}

static void what_the_log_says_is_told(void **state)
{
	GAPS(START("08:00:01"),
	     "{\"type\":\"gap\",\"time\":\"" T("08:00:30") "\",\"from\":\"" T("08:00:20") "\",\"to\":\"" T("08:00:30") "\",\"reason\":\"killed by signal 9\",\"role\":\"analyst\"}",
	     "{\"type\":\"loss\",\"time\":\"" T("08:01:00") "\",\"start\":\"" T("08:00:01") "\",\"end\":\"" T("08:01:00") "\",\"cause\":\"ring_full\",\"records\":3,\"bytes\":40}",
	     "{\"type\":\"selftest\",\"time\":\"" T("08:01:00") "\",\"path\":\"tls\",\"result\":\"missed\"}",
	     "{\"type\":\"selftest\",\"time\":\"" T("08:01:00") "\",\"path\":\"plain\",\"result\":\"detected\"}",
	     BEAT(1, "08:00:01", "08:01:00"), STOP("08:02:01"));
	says(3, "{\"type\":\"gap\",\"what\":\"gap\",\"from\":\"2026-11-24T08:00:20.000Z\",\"to\":\"2026-11-24T08:00:30.000Z\",\"why\":\"analyst: killed by signal 9\",\"leaf\":2}");
	says(3, "\"what\":\"loss\",\"from\":\"2026-11-24T08:00:01.000Z\",\"to\":\"2026-11-24T08:01:00.000Z\",\"why\":\"ring_full: 3 records, 40 bytes\"");
	says(3, "\"what\":\"selftest\"");
	says(3, "tls: weir's own exchange did not come out");
}

static void intervals_without_a_heartbeat_are_told(void **state)
{
	GAPS(START("08:00:01"), BEAT(1, "08:00:01", "08:01:00"), BEAT(4, "08:03:00", "08:04:00"), STOP("08:04:01"));
	says(1, "\"what\":\"missing\",\"from\":\"2026-11-24T08:01:00.000Z\",\"to\":\"2026-11-24T08:03:00.000Z\",\"why\":\"interval 4 follows interval 1");
}

static void an_interval_that_begins_late_is_told_unless_the_clock_was_set(void **state)
{
	GAPS(START("08:00:01"), BEAT(1, "08:00:01", "08:01:00"), BEAT(2, "08:01:30", "08:02:00"));
	says(2, "\"why\":\"interval 2 follows interval 1");	/* and silent since */
	drop(NULL), make(NULL);
	GAPS(START("08:00:01"), BEAT(1, "08:00:01", "08:01:00"),
	     "{\"type\":\"clock\",\"time\":\"" T("09:01:10") "\",\"from\":\"" T("08:01:10") "\",\"to\":\"" T("09:01:10") "\",\"when\":\"while weir ran\"}",
	     BEAT(2, "08:01:00", "08:01:10"), BEAT(3, "09:01:10", "09:02:00"), STOP("09:02:01"));
	says(1, "\"what\":\"clock\"");
	drop(NULL), make(NULL);	/* one step excuses one jump */
	GAPS(START("08:00:01"), BEAT(1, "08:00:01", "08:01:00"),
	     "{\"type\":\"clock\",\"time\":\"" T("09:01:10") "\",\"from\":\"" T("08:01:10") "\",\"to\":\"" T("09:01:10") "\",\"when\":\"while weir ran\"}",
	     BEAT(2, "08:01:00", "08:01:10"), BEAT(3, "09:01:10", "09:02:00"), BEAT(4, "09:03:00", "09:04:00"), STOP("09:04:01"));
	says(2, "\"why\":\"interval 4 follows interval 3");
}

static void a_life_that_ended_untold_is_told(void **state)
{
	GAPS(START("08:00:01"), BEAT(1, "08:00:01", "08:01:00"), START("08:30:00"), STOP("08:30:01"), START("08:40:00"), STOP("08:40:01"));
	says(2, "\"from\":\"2026-11-24T08:01:00.000Z\",\"to\":\"2026-11-24T08:30:00.000Z\",\"why\":\"weir ended without a stop, and its log does not say so\"");
	says(2, "\"from\":\"2026-11-24T08:30:01.000Z\",\"to\":\"2026-11-24T08:40:00.000Z\",\"why\":\"weir was not running, and its log does not say so\"");
}

static void an_agent_that_was_killed_and_never_came_back_is_silent(void **state)
{
	GAPS(START("08:00:01"), BEAT(1, "08:00:01", "08:01:00"));
	says(1, "\"what\":\"silent\",\"from\":\"2026-11-24T08:01:00.000Z\",\"to\":null,\"why\":\"no stop and no sign of life since");
}

static void nothing_is_told_of_a_log_that_does_not_verify(void **state)
{
	char path[128];
	FILE *f;

	GAPS(START("08:00:01"), BEAT(1, "08:00:01", "08:01:00"));
	snprintf(path, sizeof(path), "%s/ledger/leaves", s.path);
	f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, 20, SEEK_SET);
	fputc('x', f);
	fclose(f);
	assert_int_equal(WEIR_RUN("ledger", "gaps", "--state", s.path), EXIT_NOT_VERIFIED);
	assert_string_equal(said.out, "");
	assert_non_null(strstr(said.err, "NOT VERIFIED"));
	assert_int_equal(WEIR_RUN("ledger", "gaps", "--state", "/nowhere"), EXIT_NOT_VERIFIED);
	assert_non_null(strstr(said.err, "No such file"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		CASE(a_whole_life_has_none),
		CASE(what_the_log_says_is_told),
		CASE(intervals_without_a_heartbeat_are_told),
		CASE(an_interval_that_begins_late_is_told_unless_the_clock_was_set),
		CASE(a_life_that_ended_untold_is_told),
		CASE(an_agent_that_was_killed_and_never_came_back_is_silent),
		CASE(nothing_is_told_of_a_log_that_does_not_verify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
