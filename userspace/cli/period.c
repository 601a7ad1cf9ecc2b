/* SPDX-License-Identifier: Apache-2.0 */
/* period.c - what people call a stretch of time, as half-open UTC milliseconds. A
 * period that names a calendar unit is that unit in UTC, whatever zone the host is in:
 * leaves are UTC, and a report made elsewhere must be the same report. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

#define DAY_MS 86400000ull
#define END_OF_TIME 253402300799999ull	/* 9999-12-31T23:59:59.999Z: as far as a time can be written */

/* "90s" "15m" "24h" "7d" "2w": counted back from now. */
static int parse_back(const char *text, uint64_t now, uint64_t *from, uint64_t *to)
{
	static const struct { char unit; uint64_t ms; } units[] = {
		{ 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', DAY_MS }, { 'w', 7 * DAY_MS },
	};
	size_t digits = strspn(text, "0123456789");
	uint64_t n = 0;

	if (!digits || digits > 9 || strlen(text) != digits + 1)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (text[digits] == units[i].unit && n) {
			*from = n * units[i].ms > now ? 0 : now - n * units[i].ms;
			*to = now;
			return 0;
		}
	return -EINVAL;
}

static int month_start(unsigned year, unsigned month, uint64_t *ms)
{
	char text[16];

	year += (month - 1) / 12;
	month = (month - 1) % 12 + 1;
	if (year > 9999) {
		*ms = END_OF_TIME;
		return 0;
	}
	snprintf(text, sizeof(text), "%04u-%02u-01", year % 10000, month);
	return clock_parse(text, ms);
}

static int number(const char *s, size_t len, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		*out = *out * 10 + (unsigned)(s[i] - '0');
	}
	return 0;
}

/* "2026", "2026-09", "2026-Q3", "2026-09-14" */
static int parse_calendar(const char *text, uint64_t *from, uint64_t *to)
{
	size_t len = strlen(text);
	unsigned year, part = 1, months = 12;

	if (len == 10) {
		if (clock_parse(text, from))
			return -EINVAL;
		*to = *from + DAY_MS;
		return 0;
	}
	if ((len != 4 && len != 7) || number(text, 4, &year) || (len == 7 && text[4] != '-'))
		return -EINVAL;
	if (len == 7 && text[5] == 'Q') {
		if (number(text + 6, 1, &part) || part < 1 || part > 4)
			return -EINVAL;
		part = 3 * part - 2;
		months = 3;
	} else if (len == 7) {
		if (number(text + 5, 2, &part) || part < 1 || part > 12)
			return -EINVAL;
		months = 1;
	}
	return month_start(year, part, from) || month_start(year, part + months, to) ? -EINVAL : 0;
}

/* "FROM..TO", each a date or a time; one of them may be left out. */
static int parse_range(const char *text, const char *dots, uint64_t *from, uint64_t *to)
{
	char first[32];

	if ((size_t)(dots - text) >= sizeof(first) || (dots == text && !dots[2]))
		return -EINVAL;
	memcpy(first, text, (size_t)(dots - text));
	first[dots - text] = 0;
	*from = 0;
	*to = END_OF_TIME;
	if (first[0] && clock_parse(first, from))
		return -EINVAL;
	if (dots[2] && clock_parse(dots + 2, to))
		return -EINVAL;
	return *from < *to ? 0 : -EINVAL;
}

int period_parse(const char *text, uint64_t now, uint64_t *from, uint64_t *to)
{
	const char *dots = strstr(text, "..");
	uint64_t f = 0, t = END_OF_TIME;
	int err = 0;

	if (dots)
		err = parse_range(text, dots, &f, &t);
	else if (strcmp(text, "all"))
		err = parse_back(text, now, &f, &t) && parse_calendar(text, &f, &t) ? -EINVAL : 0;
	if (err)
		return err;
	*from = f;
	*to = t;
	return 0;
}
