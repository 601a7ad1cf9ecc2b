/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/minute.h"

#define MINUTE_MS 60000

static void begin(struct minute *m, uint64_t utc_ms)
{
	m->start_ms = utc_ms;
	m->number = utc_ms / MINUTE_MS;
	m->stepped = false;
}

void minute_begin(struct minute *m)
{
	uint64_t from, to;

	*m = (struct minute){ .number = 0 };
	clock_stepped(&m->clock, &from, &to);
	begin(m, to);
}

/* The one before may still be settling when the clock is set, so that this one goes on
 * for a while: the clock that it began on is remembered. */
static void look(struct minute *m, uint64_t *now_ms)
{
	int64_t before = m->clock.offset_ms;
	uint64_t from;

	if (clock_stepped(&m->clock, &from, now_ms) && !m->stepped) {
		m->stepped = true;
		m->offset_ms = before;
	}
}

bool minute_over(struct minute *m)
{
	uint64_t now;

	look(m, &now);
	return m->stepped || now / MINUTE_MS != m->number;
}

void minute_next(struct minute *m, uint64_t *start_ms, uint64_t *end_ms)
{
	uint64_t now;

	look(m, &now);
	*start_ms = m->start_ms;
	*end_ms = m->stepped ? (uint64_t)((int64_t)(clock_boot_ns() / 1000000) + m->offset_ms) : now;
	if (*end_ms < *start_ms)	/* slewed backwards within its first milliseconds */
		*end_ms = *start_ms;
	begin(m, now);
}
