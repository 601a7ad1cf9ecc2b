/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t boot_utc_ms, stands_at;	/* of a replay; 0: this machine's */

void clock_set_replay(uint64_t utc_ms_at_boot, uint64_t boot_ns)
{
	boot_utc_ms = utc_ms_at_boot;
	stands_at = boot_ns;
}

uint64_t clock_utc_ms(void)
{
	struct timespec t;

	if (stands_at)
		return clock_boot_to_utc_ms(stands_at);
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_boot_ns(void)
{
	struct timespec t;

	if (stands_at)
		return stands_at;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

uint64_t clock_boot_to_utc_ms(uint64_t boot_ns)
{
	if (boot_utc_ms || stands_at)
		return boot_utc_ms + boot_ns / 1000000;
	return (uint64_t)((int64_t)clock_utc_ms() + ((int64_t)boot_ns - (int64_t)clock_boot_ns()) / 1000000);
}

/* Both clocks at one moment: a look during which this process did not run tells nothing. */
static int64_t clock_offset_ms(uint64_t *boot_ms)
{
	uint64_t before, utc, after;

	for (int i = 0; i < 100; i++) {
		before = clock_boot_ns();
		utc = clock_utc_ms();
		after = clock_boot_ns();
		if (after - before < CLOCK_STEP_MS * 1000000ull / 10)
			break;
	}
	*boot_ms = after / 1000000;
	return (int64_t)utc - (int64_t)*boot_ms;
}

bool clock_stepped(struct clock_watch *w, uint64_t *from_ms, uint64_t *to_ms)
{
	uint64_t boot_ms;
	int64_t now = clock_offset_ms(&boot_ms), before = w->offset_ms;
	bool stepped = w->known && (now - before >= CLOCK_STEP_MS || before - now >= CLOCK_STEP_MS);

	w->offset_ms = now;
	w->known = true;
	*from_ms = (uint64_t)(before + (int64_t)boot_ms);
	*to_ms = (uint64_t)(now + (int64_t)boot_ms);
	return stepped;
}

void clock_civil(int64_t days, int *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static int64_t days_of(int year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + (int64_t)(yoe * 365 + yoe / 4 - yoe / 100 + doy) - 719468;
}

void clock_format(char out[UTC_SIZE], uint64_t utc_ms)
{
	uint64_t s = utc_ms / 1000;
	unsigned month, day;
	int year;

	clock_civil((int64_t)(s / 86400), &year, &month, &day);
	if (year > 9999 || year < 0)
		year = 9999;
	snprintf(out, UTC_SIZE, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month % 100, day % 100,
		 (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60), (unsigned)(s % 60), (unsigned)(utc_ms % 1000));
}

int clock_parse(const char *text, uint64_t *utc_ms)
{
	static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned month, day, hour = 0, minute = 0, second = 0, ms = 0, last;
	int year, n = 0, end = (int)strlen(text);

	if (sscanf(text, "%4d-%2u-%2u%n", &year, &month, &day, &n) != 3 || n != 10)
		return -EINVAL;
	if (n < end) {
		if (sscanf(text, "%*4d-%*2u-%*2uT%2u:%2u:%2u%n", &hour, &minute, &second, &n) != 3 || n != 19)
			return -EINVAL;
		if (text[n] == '.') {
			if (sscanf(text + n, ".%3u", &ms) != 1 || strspn(text + n + 1, "0123456789") != 3)
				return -EINVAL;
			n += 4;
		}
		if (text[n] != 'Z' || n + 1 != end)
			return -EINVAL;
	}
	if (year < 1970 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59)
		return -EINVAL;
	last = month_days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 || year % 400 == 0));
	if (day > last)
		return -EINVAL;
	*utc_ms = (uint64_t)(days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000 + ms;
	return 0;
}
