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
	if (v.len > 2 && few_bytes((const char *)v.ptr, v.len, 1))	/* 777 may be a code */
		return v.len > 4 || v.ptr[0] < '1' || v.ptr[0] > '9';
	return stars || word_listed(nothing, v);
}

bool is_letters(struct slice v)
{
	size_t letters = 0;

	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.ptr[i];

		if (!is_alpha(c) && c < 0x80 && !strchr(" '-.,", c) && (c != '+' || !i || !is_alpha(byte_at(v, i + 1))))	/* "Ana+Ruiz" of a form */
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
	return digits && other <= 4 && !is_date_text(v);
}

static bool year_ok(unsigned year)
{
	return year >= 1900 && year <= 2035;
}

/* Up to four digits at *i as a number; *i goes behind them. */
static unsigned number_read(struct slice v, size_t *i, size_t *len)
{
	unsigned n = 0;

	for (*len = 0; *len < 4 && is_digit(byte_at(v, *i)); ++*i, ++*len)
		n = n * 10 + (unsigned)(v.ptr[*i] - '0');
	return n;
}

/* The month whose name, or the first three letters of it, is at *i; 0: none. *i goes behind the word. */
static unsigned month_read(struct slice v, size_t *i)
{
	static const char *const heads[] = {
		"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",	/* English, and what is like it */
		"ene", "fev", "mär", "abr", "mai", "giu", "lug", "ago", "set", "okt", "dez", "dic",
	};
	unsigned month = 0;

	for (unsigned m = 0; m < 24 && !month; m++)
		month = slice_begins_fold(v, *i, heads[m]) ? m % 12 + 1 : 0;
	while (*i < v.len && (is_alpha(v.ptr[*i]) || v.ptr[*i] >= 0x80))
		++*i;
	return month;
}

static bool is_mark(uint8_t c)
{
	return c == '-' || c == '/' || c == '.' || c == ' ' || c == ',';
}

/* "17 March 1985", "March 17, 1985", "17-Mar-85". */
static bool is_date_named(struct slice v)
{
	size_t i = 0, len;
	unsigned day = number_read(v, &i, &len), month, year;

	while (is_mark(byte_at(v, i)))
		i++;
	month = month_read(v, &i);
	while (is_mark(byte_at(v, i)))
		i++;
	if (!len) {
		day = number_read(v, &i, &len);
		while (is_mark(byte_at(v, i)) || is_alpha(byte_at(v, i)))	/* the "th" of 17th */
			i++;
	}
	year = number_read(v, &i, &len);
	return month && day >= 1 && day <= 31 && (len == 2 || (len == 4 && year_ok(year))) && (i == v.len || byte_at(v, i) == ' ');
}

/* Numbers between one and the same mark: the year first or last, day and month in either order; a time may follow the first. */
static bool is_date_marked(struct slice v)
{
	size_t i = 0, len[3];
	unsigned n[3];
	uint8_t mark = 0;

	for (unsigned part = 0; part < 3; part++) {
		n[part] = number_read(v, &i, &len[part]);
		if (!len[part] || (part < 2 && byte_at(v, i) != '-' && byte_at(v, i) != '/' && byte_at(v, i) != '.') || (part && part < 2 && v.ptr[i] != mark))
			return false;
		mark = part < 2 ? v.ptr[i] : mark;
		i += part < 2;
	}
	if (len[0] == 4)
		return year_ok(n[0]) && n[1] >= 1 && n[1] <= 12 && n[2] >= 1 && n[2] <= 31 && (i == v.len || v.ptr[i] == 'T' || v.ptr[i] == ' ');
	return (i == v.len || v.ptr[i] == ' ') && len[0] <= 2 && len[1] <= 2 && len[2] == 4 && year_ok(n[2]) && n[0] && n[1] && n[0] <= 31 && n[1] <= 31 &&
	       (n[0] <= 12 || n[1] <= 12);
}

static bool is_date_packed(struct slice v)
{
	size_t i = 0, len[2];
	unsigned year = number_read(v, &i, &len[0]), day = number_read(v, &i, &len[1]);

	return v.len == 8 && len[0] == 4 && len[1] == 4 && year_ok(year) && day / 100 >= 1 && day / 100 <= 12 && day % 100 >= 1 && day % 100 <= 31;
}

bool is_date_text(struct slice v)
{
	return is_date_packed(v) || is_date_marked(v) || is_date_named(v);
}

static bool is_uuid(struct slice v)
{
	for (size_t i = 0; i < v.len; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? v.ptr[i] != '-' : !is_hex(v.ptr[i]))
			return false;
	return v.len == 36;
}

/* For each letter those that often follow it in words, by a count of the words of programs and their manuals. */
static const uint32_t follows[26] = {
	0x13eb96e, 0x014495f, 0x01a4d95, 0x016411f, 0x1eff97f, 0x0024931, 0x0166991, 0x0084111, 0x22ef87f, 0x0000000, 0x0000110, 0x11c4919, 0x010c113,
	0x03ce17d, 0x07ef96f, 0x01ec999, 0x0100000, 0x13e715d, 0x01cd995, 0x11ed99d, 0x00eb913, 0x0000111, 0x0000111, 0x0080000, 0x0048000, 0x0000010,
};

/* Is a run of letters a word, more or less? Of letters at random one pair in three is often seen. */
static bool is_said(struct slice v)
{
	size_t often = 0;

	for (size_t i = 1; i < v.len; i++)
		often += follows[to_lower(v.ptr[i - 1]) - 'a'] >> (to_lower(v.ptr[i]) - 'a') & 1;
	return 4 * often >= 3 * (v.len - 1);
}

static size_t run_len(struct slice v, size_t i)
{
	size_t end = i + 1;

	if (is_upper(v.ptr[i]) && is_lower(byte_at(v, end)))
		end++;
	while (end < v.len && (is_digit(v.ptr[end]) == is_digit(v.ptr[i])) && (is_upper(v.ptr[end]) == is_upper(v.ptr[end - 1])) &&
	       (is_lower(v.ptr[end]) == is_lower(v.ptr[end - 1])))
		end++;
	return end - i;
}

/* "MyDatabaseSecret-2024", "live-remote-access-session-1", "stmt1469123904194": a name that was made up by somebody, or an
 * x for each character. What is drawn at random has short runs of letters, and its long ones are no words. */
static bool is_made_up(struct slice v)
{
	size_t letters = 0, said = 0, runs = 0, head = 0, tail = 0;

	for (size_t i = 0, n; i < v.len; i += n) {
		n = run_len(v, i);
		if (!is_alnum(v.ptr[i]))
			continue;
		runs++;
		tail = is_digit(v.ptr[i]) ? n : 0;
		head = runs == 1 && !tail ? n : head;
		if (n > 5 && few_bytes((const char *)v.ptr + i, n, 1))
			return true;
		if (tail || n < 4)
			continue;
		letters += n;
		said += is_said((struct slice){ v.ptr + i, n }) ? n : 0;
	}
	if (runs == 2 && head && head <= 10 && tail >= 6)
		return true;
	/* What counts at its end, a time most often, is not asked for letters. */
	return 20 * letters >= 9 * (v.len - (tail < 6 ? 0 : tail)) && letters && 5 * said >= 4 * letters;
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
	return digit && letter && different >= (v.len < 24 ? v.len / 3 : 8) && !is_made_up(v);
}

int word_find(struct slice s, size_t at, struct hit *out)
{
	const struct word_rule *rule = class_row(out->class_id)->word;
	struct slice v = trim(s);
	int says;

	if (at || v.len < rule->min || v.len > rule->max || is_nothing(v))
		return 0;
	if (rule->words && !word_listed(rule->words, v))
		return 0;
	if (rule->ok && !rule->ok(v))
		return 0;
	says = rule->weigh ? rule->weigh(v, rule->says) : rule->says;
	return hit_hidden(out, (size_t)(v.ptr - s.ptr), (size_t)(v.ptr - s.ptr) + v.len, says);
}
