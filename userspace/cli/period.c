/* SPDX-License-Identifier: Apache-2.0 */
/* period.c - "all", "24h", "2026-09", "2026-Q3", "2026-09-01", "FROM..TO" to half-open UTC. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

static uint64_t month_start(int year, int month)
{
	char text[32];
	uint64_t ms = 0;

	year += (month - 1) / 12;
	month = (month - 1) % 12 + 1;
	snprintf(text, sizeof(text), "%04d-%02d-01", year, month);
	(void)clock_parse(text, &ms);	/* a valid first of a month by construction */
	return ms;
}

static int range_parse(const char *s, const char *dots, uint64_t *from, uint64_t *to)
{
	char left[40];
	size_t n = (size_t)(dots - s);

	if (n >= sizeof(left))
		return -EINVAL;
	memcpy(left, s, n);
	left[n] = 0;
	if (clock_parse(left, from) || clock_parse(dots + 2, to))
		return -EINVAL;
	return *from < *to ? 0 : -EINVAL;
}

int period_parse(const char *s, uint64_t now_ms, uint64_t *from, uint64_t *to)
{
	const char *dots = strstr(s, "..");
	int year, n = 0, part;
	uint64_t span, day;
	char *end;

	*to = UINT64_MAX >> 1;
	*from = 0;
	if (!strcmp(s, "all"))
		return 0;
	if (dots)
		return range_parse(s, dots, from, to);
	if (sscanf(s, "%4d-Q%1d%n", &year, &part, &n) == 2 && !s[n] && year >= 1970 && part >= 1 && part <= 4) {
		*from = month_start(year, part * 3 - 2);
		*to = month_start(year, part * 3 + 1);
		return 0;
	}
	if (!clock_parse(s, &day) && strlen(s) == 10) {
		*from = day;
		*to = day + 86400000;
		return 0;
	}
	if (sscanf(s, "%4d-%2d%n", &year, &part, &n) == 2 && !s[n] && n == 7 && year >= 1970 && part >= 1 && part <= 12) {
		*from = month_start(year, part);
		*to = month_start(year, part + 1);
		return 0;
	}
	span = strtoull(s, &end, 10);
	if (end == s || !*end || end[1] || !strchr("smhd", *end) || span > 100000000)
		return -EINVAL;
	span *= *end == 's' ? 1000ull : *end == 'm' ? 60000ull : *end == 'h' ? 3600000ull : 86400000ull;
	*from = now_ms > span ? now_ms - span : 0;
	return 0;
}
