/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <cmocka.h>

#include "daemon/pace.h"

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void spend(uint64_t ns)
{
	uint64_t until = cpu_ns() + ns;

	while (cpu_ns() < until)
		;
}

/* A process that was not told, or may use all of a CPU, never sleeps. */
static void test_no_limit(void **state)
{
	struct pace p = { 0 };

	spend(3000000);
	assert_int_equal(pace_wait(&p), 0);
	pace_set(&p, PACE_FULL);
	spend(3000000);
	assert_int_equal(pace_wait(&p), 0);
}

/* Whoever works at all uses more than its share of the first microseconds: that is no debt.
 * It was once, and what waited was then thrown away as if there were an overload. */
static void test_grain(void **state)
{
	struct pace p = { 0 };

	pace_set(&p, 900);
	for (int i = 0; i < 10; i++) {
		spend(20000);
		assert_int_equal(pace_wait(&p), 0);
	}
}

/* Beyond the share it sleeps, and in short pieces. The CPU may be another's for a while, so a
 * debt need not come at once; but it comes. */
static void test_debt(void **state)
{
	struct pace p = { 0 };
	uint64_t slept = 0;

	pace_set(&p, 50);
	for (int i = 0; i < 1000 && !slept; i++) {
		spend(5000000);
		slept = pace_wait(&p);
	}
	assert_true(slept > 0 && slept <= PACE_SLEEP_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_grain),
		cmocka_unit_test(test_debt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
