/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - what a value of a class that lives by its key may look like. A value says no more than "can be". */
#include "classify/words.h"

#include <string.h>

static struct slice trim(struct slice v)
{
	while (v.len && (v.ptr[0] == ' ' || v.ptr[0] == '\t')) {
		v.ptr++;
		v.len--;
	}
	while (v.len && (v.ptr[v.len - 1] == ' ' || v.ptr[v.len - 1] == '\t'))
		v.len--;
	return v;
}

bool is_nothing(struct slice v)
{
	static const char *const nothing[] = {
		"null", "nil", "none", "undefined", "unknown", "n/a", "na", "nan", "-", "--", "true", "false", "yes", "no", "empty", "test",
		"string", "redacted", "[redacted]", "<redacted>", "filtered", "[filtered]", "hidden", "masked", "default", "other", "any",
		"all", "required", "optional", "missing", "invalid", "valid", "anonymous", "example", "sample", "placeholder", "todo", "tbd",
		"not set", "not available", "not specified", "prefer not to say", "unspecified", "{}", "[]", NULL
	};
	size_t stars = 0;

	for (size_t i = 0; i < v.len; i++)
		stars += v.ptr[i] == '*' || v.ptr[i] == '{' || v.ptr[i] == '$' || v.ptr[i] == '<';
	return stars || word_listed(nothing, v) || (v.len > 2 && few_bytes((const char *)v.ptr, v.len, 1));
}

bool is_letters(struct slice v)
{
	size_t letters = 0;

	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.ptr[i];

		if (!is_alpha(c) && c < 0x80 && !strchr(" '-.,", c))
			return false;
		letters += is_alpha(c) || c >= 0x80;
	}
	return letters >= 2;
}

bool is_number(struct slice v)
{
	size_t digits = 0, other = 0;

	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.ptr[i];

		digits += is_digit(c);
		if (!is_digit(c) && c != '.' && c != ',' && c != ' ' && c != '-' && c != '\'')
			other++;
	}
	return digits && other <= 4;
}

static bool year_ok(unsigned year)
{
	return year >= 1900 && year <= 2035;
}

/* Two digits at i as a number, 0 when they are none. */
static unsigned two_at(struct slice v, size_t i)
{
	return is_digit(byte_at(v, i)) && is_digit(byte_at(v, i + 1)) ? (unsigned)(v.ptr[i] - '0') * 10 + (unsigned)(v.ptr[i + 1] - '0') : 0;
}

bool is_date_text(struct slice v)
{
	uint8_t a = byte_at(v, 4), b = byte_at(v, 2);
	unsigned x, y;

	if (v.len >= 10 && (a == '-' || a == '/' || a == '.') && byte_at(v, 7) == a)	/* 1985-03-17 and with a time */
		return year_ok(two_at(v, 0) * 100 + two_at(v, 2)) && two_at(v, 5) <= 12 && two_at(v, 5) && two_at(v, 8) <= 31 && two_at(v, 8);
	if (v.len == 10 && (b == '-' || b == '/' || b == '.') && byte_at(v, 5) == b) {	/* day and month in either order */
		x = two_at(v, 0);
		y = two_at(v, 3);
		return x && y && x <= 31 && y <= 31 && (x <= 12 || y <= 12) && year_ok(two_at(v, 6) * 100 + two_at(v, 8));
	}
	if (v.len == 8 && is_digit(a) && is_digit(b))
		return year_ok(two_at(v, 0) * 100 + two_at(v, 2)) && two_at(v, 4) <= 12 && two_at(v, 4) && two_at(v, 6) <= 31 && two_at(v, 6);
	return false;
}

static bool is_uuid(struct slice v)
{
	for (size_t i = 0; i < v.len; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? v.ptr[i] != '-' : !is_hex(v.ptr[i]))
			return false;
	return v.len == 36;
}

bool is_secret_text(struct slice v)
{
	bool digit = false, letter = false, seen[256] = { false };
	size_t different = 0;

	if (v.len < 12 || is_uuid(v) || is_nothing(v) || slice_has(v, "://") || slice_has(v, "EXAMPLE") || slice_has(v, "example"))
		return false;
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.ptr[i];

		if (!is_alnum(c) && !strchr("_-.~+/=:!#%^@", c ? c : ' '))
			return false;
		different += !seen[c];
		seen[c] = true;
		digit |= is_digit(c);
		letter |= is_alpha(c);
	}
	return digit && letter && different >= (v.len < 24 ? v.len / 3 : 8);
}

int word_find(struct slice s, size_t at, struct hit *out)
{
	const struct word_rule *rule = class_row(out->class_id)->word;
	struct slice v = trim(s);

	if (at || v.len < rule->min || v.len > rule->max || is_nothing(v))
		return 0;
	if (rule->words && !word_listed(rule->words, v))
		return 0;
	if (rule->ok && !rule->ok(v))
		return 0;
	out->start = (size_t)(v.ptr - s.ptr);
	out->end = out->start + v.len;
	out->sample = 0;
	mask_set(out->mask, "********");
	return rule->says;
}
