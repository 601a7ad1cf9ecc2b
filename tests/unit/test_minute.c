/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals under a wall clock that is set: none ends before it began, none is longer than
 * it was, none of one clock overlaps another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "daemon/minute.h"

#define HOUR_MS 3600000ll
#define YEARS_MS (10 * 365 * 24 * HOUR_MS)

static const int64_t steps[] = { HOUR_MS, -HOUR_MS, YEARS_MS, -YEARS_MS, 61000, -61000, CLOCK_STEP_MS, -CLOCK_STEP_MS };
static uint64_t boot, utc_at_boot;

static void at(uint64_t boot_ms, int64_t step)
{
	boot = boot_ms;
	utc_at_boot = (uint64_t)((int64_t)utc_at_boot + step);
	clock_set_replay(utc_at_boot, boot * 1000000);
}

static void reset(void)
{
	utc_at_boot = 1795700000000ull / 60000 * 60000;
	at(120000, 0);
}

static int back_to_real(void **state)
{
	clock_set_replay(0, 0);
	return 0;
}

static void intervals_are_aligned_to_minutes(void **state)
{
	struct minute m;
	uint64_t start, end;

	reset();
	at(130000, 0);
	minute_begin(&m);
	at(179999, 0);
	assert_false(minute_over(&m));
	at(180003, 0);
	assert_true(minute_over(&m));
	minute_next(&m, &start, &end);
	assert_int_equal(start, utc_at_boot + 130000);
	assert_int_equal(end, utc_at_boot + 180003);
	assert_false(minute_over(&m));
	at(240001, 0);
	assert_true(minute_over(&m));
	minute_next(&m, &start, &end);
	assert_int_equal(start, utc_at_boot + 180003);	/* where the other ended */
	assert_int_equal(end, utc_at_boot + 240001);
}

static void a_step_ends_the_interval_on_the_clock_it_began_on(void **state)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct minute m;
		uint64_t start, end, before;

		reset();
		minute_begin(&m);
		before = utc_at_boot;
		at(140000, steps[i]);
		assert_true(minute_over(&m));
		at(143000, 0);	/* another interval was settling until now */
		assert_true(minute_over(&m));
		minute_next(&m, &start, &end);
		assert_int_equal(start, before + 120000);
		assert_int_equal(end, before + 143000);
		assert_false(minute_over(&m));
		at(143900, 0);
		minute_next(&m, &start, &end);
		assert_int_equal(start, utc_at_boot + 143000);
		assert_int_equal(end, utc_at_boot + 143900);
	}
}

static void steps_to_and_fro_within_one_interval(void **state)
{
	struct minute m;
	uint64_t start, end, before;

	reset();
	minute_begin(&m);
	before = utc_at_boot;
	at(121000, YEARS_MS);
	minute_over(&m);
	at(122000, -YEARS_MS - HOUR_MS);
	minute_over(&m);
	at(125000, 0);
	minute_next(&m, &start, &end);
	assert_int_equal(end - start, 5000);
	assert_int_equal(end, before + 125000);
	assert_int_equal(m.start_ms, utc_at_boot + 125000);
}

/* As chrony does it: each look a little, never a step; a slow one is followed. */
static void slewing_is_no_step(void **state)
{
	struct minute m;
	uint64_t start, end, last;

	reset();
	minute_begin(&m);
	last = m.start_ms;
	for (unsigned i = 1; i <= 4000; i++) {
		at(120000 + i * 100, i % 2 ? -9 : 1);	/* 4 % */
		if (!minute_over(&m))
			continue;
		minute_next(&m, &start, &end);
		assert_int_equal(start, last);
		assert_true(end >= start);
		last = end;
	}
	assert_int_equal(last, m.start_ms);
}

/* Random steps, looks and ends: durations are those of CLOCK_BOOTTIME. */
static void no_interval_is_longer_than_it_was(void **state)
{
	struct minute m;
	uint64_t began, start, end;

	reset();
	srandom(7);
	minute_begin(&m);
	began = boot;
	for (int i = 0; i < 100000; i++) {
		int64_t step = random() % 50 ? 0 : steps[(size_t)random() % (sizeof(steps) / sizeof(steps[0]))];

		at(boot + (uint64_t)(random() % 3000), step);
		if ((int64_t)(utc_at_boot + boot) < 2 * YEARS_MS || utc_at_boot > 1ull << 50)
			reset(), minute_begin(&m), began = boot;
		if (!minute_over(&m) || random() % 3)
			continue;
		minute_next(&m, &start, &end);
		assert_int_equal(end - start, boot - began);
		assert_int_equal(m.start_ms, utc_at_boot + boot);
		began = boot;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_are_aligned_to_minutes),
		cmocka_unit_test(a_step_ends_the_interval_on_the_clock_it_began_on),
		cmocka_unit_test(steps_to_and_fro_within_one_interval),
		cmocka_unit_test(slewing_is_no_step),
		cmocka_unit_test(no_interval_is_longer_than_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, back_to_real);
}
