/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

static void periods_are_half_open_utc(void **state)
{
	uint64_t now, from, to, want;

	clock_parse("2026-11-24T12:00:00Z", &now);
	assert_int_equal(period_parse("all", now, &from, &to), 0);
	assert_int_equal(from, 0);
	assert_int_equal(period_parse("24h", now, &from, &to), 0);
	assert_int_equal(now - from, 86400000);
	assert_true(to >= now);
	assert_int_equal(period_parse("2026-Q4", now, &from, &to), 0);
	clock_parse("2026-10-01", &want);
	assert_int_equal(from, want);
	clock_parse("2027-01-01", &want);
	assert_int_equal(to, want);
	assert_int_equal(period_parse("2026-12", now, &from, &to), 0);
	assert_int_equal(to, want);
	assert_int_equal(period_parse("2026-02-28", now, &from, &to), 0);
	assert_int_equal(to - from, 86400000);
	assert_int_equal(period_parse("2026-01-01..2026-01-02T03:00:00Z", now, &from, &to), 0);
	assert_int_equal(to - from, 27 * 3600000);
}

static void wrong_periods_are_refused(void **state)
{
	static const char *const wrong[] = { "", "x", "24", "24hh", "-5h", "2026-13", "2026-Q5", "2026-00", "2026-02-30", "2026-01-02..2026-01-01",
					     "..", "99999999999h" };
	uint64_t from, to;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(period_parse(wrong[i], 1000, &from, &to), -EINVAL);
}

static void every_command_says_what_it_is_for(void **state)
{
	for (unsigned i = 0; i < command_count(); i++) {
		const struct command *c = command_get(i);

		assert_ptr_equal(command_find(c->name), c);
		assert_true(strlen(c->summary) > 10);
		for (const struct option_row *o = c->options; o && o->name; o++)
			assert_true(o->name[0] == '-' && strlen(o->help) > 4);
	}
	assert_null(command_find("no-such"));
	assert_null(command_get(command_count()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(periods_are_half_open_utc),
		cmocka_unit_test(wrong_periods_are_refused),
		cmocka_unit_test(every_command_says_what_it_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
