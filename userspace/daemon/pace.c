/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/pace.h"

#include <time.h>

#define WINDOW_NS 200000000ull	/* idle time is not saved up for longer */
#define DEBT_LEAST 1000000ull	/* ns: less is no debt but the grain of the clocks, and no sign of being held back */

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void window_begin(struct pace *p, uint64_t now, uint64_t used)
{
	p->since = now;
	p->used = used;
}

void pace_set(struct pace *p, uint32_t share)
{
	if (share == p->share)
		return;
	p->share = share;
	window_begin(p, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID));
}

uint64_t pace_wait(struct pace *p)
{
	uint64_t now, used, allowed, debt;

	if (!p->share || p->share >= PACE_FULL)
		return 0;
	now = clock_ns(CLOCK_MONOTONIC);
	used = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	allowed = (now - p->since) * p->share / PACE_FULL;
	if (used - p->used <= allowed) {
		if (now - p->since > WINDOW_NS)
			window_begin(p, now, used);
		return 0;
	}
	debt = (used - p->used - allowed) * PACE_FULL / p->share;
	if (debt < DEBT_LEAST)
		return 0;
	if (debt > PACE_SLEEP_MAX)
		debt = PACE_SLEEP_MAX;
	nanosleep(&(struct timespec){ 0, (long)debt }, NULL);
	return debt;
}
