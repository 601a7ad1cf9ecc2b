/* SPDX-License-Identifier: Apache-2.0 */
/* passport_mrz.c - the lines that machines read on passports, identity cards and visas (ICAO 9303): two of 44 or 36 characters,
 * three of 30, with a check digit over each number and date, and one over all of them. */
#include <string.h>

#include "classify/ids.h"

#define TEXT_MAX	90
#define READ_MAX	110	/* with what stands between the lines */

static bool is_mrz(uint8_t c)
{
	return is_upper(c) || is_digit(c) || c == '<';
}

static bool line_ends(size_t n)
{
	return n == 30 || n == 36 || n == 44 || n == 60;
}

/* The characters from at on, without line ends, also where these are written as escapes. end is behind the last of each. */
static size_t mrz_read(struct slice s, size_t at, char text[TEXT_MAX], size_t end[TEXT_MAX])
{
	size_t n = 0, i = at;

	while (n < TEXT_MAX && i < s.len && i - at < READ_MAX) {
		uint8_t c = s.ptr[i];

		if (is_mrz(c)) {
			text[n] = (char)c;
			end[n++] = ++i;
		} else if (line_ends(n) && (c == '\n' || c == '\r' || c == ' ')) {
			i++;
		} else if (line_ends(n) && c == '\\' && (byte_at(s, i + 1) == 'n' || byte_at(s, i + 1) == 'r')) {
			i += 2;
		} else {
			break;
		}
	}
	return n;
}

/* A date and its check digit at t. An unknown month or day is a filler. */
static bool date_field_ok(const char *t)
{
	unsigned month, day;

	for (size_t i = 0; i < 6; i++)
		if (!is_digit((uint8_t)t[i]) && !(i >= 2 && t[i] == '<'))
			return false;
	month = is_digit((uint8_t)t[2]) && is_digit((uint8_t)t[3]) ? number_at(t, 2, 2) : 1;
	day = is_digit((uint8_t)t[4]) && is_digit((uint8_t)t[5]) ? number_at(t, 4, 2) : 1;
	return day_ok(day, month) && mrz_ok(t, 7);
}

static bool sex_ok(char c)
{
	return c == 'M' || c == 'F' || c == '<' || c == 'X';
}

struct part { uint8_t from, len; };

/* The check digit at `at` over the parts together. */
static bool parts_ok(const char *t, const struct part *p, size_t nr, size_t at)
{
	char all[TEXT_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < nr; i++) {
		memcpy(all + n, t + p[i].from, p[i].len);
		n += p[i].len;
	}
	all[n++] = t[at];
	return mrz_ok(all, n);
}

/* The second line of two: number, country, birth, sex, expiry; its own check digit is the last. */
static bool second_ok(const char *t, size_t len)
{
	const struct part parts[] = { { 0, 10 }, { 13, 7 }, { 21, (uint8_t)(len - 22) } };

	return mrz_ok(t, 10) && date_field_ok(t + 13) && sex_ok(t[20]) && date_field_ok(t + 21) && parts_ok(t, parts, 3, len - 1);
}

/* Three lines of 30. */
static bool three_ok(const char *t)
{
	static const struct part parts[] = { { 5, 25 }, { 30, 7 }, { 38, 7 }, { 48, 11 } };

	return (mrz_ok(t + 5, 10) || t[14] == '<') && date_field_ok(t + 30) && sex_ok(t[37]) && date_field_ok(t + 38) && parts_ok(t, parts, 4, 59);
}

/* A visa has no digit over all of it. */
static bool visa_ok(const char *t)
{
	return mrz_ok(t, 10) && date_field_ok(t + 13) && sex_ok(t[20]) && date_field_ok(t + 21);
}

/* How many of the characters are one document; 0: none. */
static size_t document_len(const char *t, size_t n)
{
	if (n >= 88 && t[0] == 'P' && second_ok(t + 44, 44))
		return 88;
	if (n >= 88 && t[0] == 'V' && visa_ok(t + 44))
		return 88;
	if (n >= 90 && strchr("ACI", t[0]) && three_ok(t))
		return 90;
	if (n >= 72 && strchr("ACIP", t[0]) && second_ok(t + 36, 36))
		return 72;
	return n >= 72 && t[0] == 'V' && visa_ok(t + 36) ? 72 : 0;
}

static int passport_mrz_find(struct slice s, size_t at, struct hit *out)
{
	size_t end[TEXT_MAX], n, len;
	char text[TEXT_MAX];

	if (!is_mrz(byte_at(s, at)) || (at && is_mrz(s.ptr[at - 1]) && !(at > 1 && s.ptr[at - 2] == '\\')))
		return 0;
	n = mrz_read(s, at, text, end);
	len = n >= 72 && strchr("ACIPV", text[0]) ? document_len(text, n) : 0;
	if (!len && n >= 44 && at == 0 && second_ok(text, 44))	/* the second line alone, where a field's name brought us here */
		len = 44;
	if (len) {
		out->start = at;
		out->end = end[len - 1];
		/* The state of Utopia gives out the examples of the standard. A second line alone has it behind the number. */
		out->sample = !memcmp(text + (len == 44 ? 10 : 2), "UTO", 3);
		mask_set(out->mask, "<<<<<<<<");
	}
	explicit_bzero(text, sizeof(text));
	return len ? 95 : 0;
}

static const char *const literals[] = { "P<", "I<", "A<", "C<", "V<", "IDD<<", NULL };
static const struct key_phrase keys[] = {
	{ "mrz", KEY_EXACT }, { "mrzline", KEY_EXACT }, { "mrz1", KEY_EXACT }, { "mrz2", KEY_EXACT }, { "mrzline2", KEY_EXACT }, { "mrzcode", KEY_EXACT },
	{ "mrzdata", KEY_EXACT }, { "machinereadablezone", KEY_EXACT }, { "rawmrz", KEY_EXACT }, { "passport", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_passport_mrz = {
	.info = { "passport_mrz", GROUP_PII, 1, CONF_CERTAIN, "machine-readable zone of a passport or identity card" },
	.triggers = TRIGGER_LITERAL | TRIGGER_KEY,
	.literals = literals,
	.keys = keys,
	.find = passport_mrz_find,
};
