/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/cli.h"

#define NOW 1795510200000ull	/* 2026-11-24T08:50:00Z */

static void is(const char *text, const char *from, const char *to)
{
	uint64_t f = 0, t = 0;
	char a[UTC_SIZE], b[UTC_SIZE];

	if (period_parse(text, NOW, &f, &t))
		fail_msg("%s was refused", text);
	clock_format(a, f);
	clock_format(b, t);
	if (strcmp(a, from) || strcmp(b, to))
		fail_msg("%s: %s to %s, not %s to %s", text, a, b, from, to);
}

static void refused(const char *text)
{
	uint64_t f = 7, t = 8;

	if (!period_parse(text, NOW, &f, &t))
		fail_msg("\"%s\" was taken", text);
	assert_int_equal(f, 7);
	assert_int_equal(t, 8);
}

static void a_calendar_unit_is_that_unit_in_utc_half_open(void **state)
{
	is("2026", "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z");
	is("2026-09", "2026-09-01T00:00:00.000Z", "2026-10-01T00:00:00.000Z");
	is("2026-12", "2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z");
	is("2024-02", "2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z");
	is("2024-02-29", "2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z");
	is("2026-Q1", "2026-01-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z");
	is("2026-Q3", "2026-07-01T00:00:00.000Z", "2026-10-01T00:00:00.000Z");
	is("2026-Q4", "2026-10-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z");
}

static void adjoining_periods_share_no_millisecond_and_miss_none(void **state)
{
	uint64_t from, to, end = 0;
	char text[16];

	for (unsigned month = 1; month <= 12; month++) {
		snprintf(text, sizeof(text), "2026-%02u", month);
		assert_int_equal(period_parse(text, NOW, &from, &to), 0);
		if (month > 1)
			assert_int_equal(from, end);
		end = to;
	}
}

static void counted_back_a_period_ends_now(void **state)
{
	is("24h", "2026-11-23T08:50:00.000Z", "2026-11-24T08:50:00.000Z");
	is("15m", "2026-11-24T08:35:00.000Z", "2026-11-24T08:50:00.000Z");
	is("90s", "2026-11-24T08:48:30.000Z", "2026-11-24T08:50:00.000Z");
	is("7d", "2026-11-17T08:50:00.000Z", "2026-11-24T08:50:00.000Z");
	is("2w", "2026-11-10T08:50:00.000Z", "2026-11-24T08:50:00.000Z");
}

static void counting_back_past_the_epoch_ends_there(void **state)
{
	is("999999999w", "1970-01-01T00:00:00.000Z", "2026-11-24T08:50:00.000Z");
}

static void a_range_takes_dates_and_times_and_may_be_open(void **state)
{
	is("2026-09-01..2026-09-08", "2026-09-01T00:00:00.000Z", "2026-09-08T00:00:00.000Z");
	is("2026-09-01T10:00:00Z..2026-09-01T10:00:00.001Z", "2026-09-01T10:00:00.000Z", "2026-09-01T10:00:00.001Z");
	is("..2026-09-08", "1970-01-01T00:00:00.000Z", "2026-09-08T00:00:00.000Z");
	is("2026-09-08..", "2026-09-08T00:00:00.000Z", "9999-12-31T23:59:59.999Z");
}

static void all_is_everything(void **state)
{
	uint64_t from = 1, to = 0;

	assert_int_equal(period_parse("all", NOW, &from, &to), 0);
	assert_int_equal(from, 0);
	assert_true(to > NOW && to < INT64_MAX);	/* a number that SQL can compare */
}

static void what_is_no_period_is_refused_and_writes_nothing(void **state)
{
	static const char *const bad[] = {
		"", " ", "h", "0h", "-1h", "24", "24 h", "24H", "1.5h", "99999999999999999999h", "ALL", "all ", "2026-", "2026-13", "2026-00",
		"2026-1", "2026-Q0", "2026-Q5", "2026-Q", "2026-q3", "2026-02-30", "2026-9-1", "20266", "202a", "2026_09", "..", "2026-09-08..2026-09-08",
		"2026-09-08..2026-09-01", "2026-09..2026-10", "x..y", "2026-09-01..2026-09-08..2026-09-09", "2026-09-01 .. 2026-09-08",
		"1969..1970-02-01", "2026-09-01T10:00:00..2026-09-02",
		"00000000000000000000000000000000000000000000000000..2026-09-02",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_calendar_unit_is_that_unit_in_utc_half_open),
		cmocka_unit_test(adjoining_periods_share_no_millisecond_and_miss_none),
		cmocka_unit_test(counted_back_a_period_ends_now),
		cmocka_unit_test(counting_back_past_the_epoch_ends_there),
		cmocka_unit_test(a_range_takes_dates_and_times_and_may_be_open),
		cmocka_unit_test(all_is_everything),
		cmocka_unit_test(what_is_no_period_is_refused_and_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
