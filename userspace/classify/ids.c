/* SPDX-License-Identifier: Apache-2.0 */
/* ids.c - one way to find all numbers of authorities: by the shapes in which they are written and by
 * their check digits. What differs from number to number is in the rows of ids_*.c. */
#include "classify/ids.h"

#include <string.h>

#define STARTS		4
#define HEAD_BYTES	12	/* of letters and separators before the first digit */

static bool is_separator(uint8_t c)
{
	return c == ' ' || c == '-' || c == '.' || c == '/';
}

static inline bool form_takes(char form, uint8_t c, uint8_t *separator)
{
	switch (form) {
	case '#':
		return is_digit(c);
	case 'A':
		return is_alpha(c);
	case '*':
		return is_alnum(c);
	case '_':
		if (!*separator && is_separator(c))
			*separator = c;
		return c && c == *separator;
	default:
		return c == (uint8_t)form;
	}
}

/* The value at start in one shape: its end and its letters and digits, or 0. */
static size_t form_read(const char *form, struct slice s, size_t start, char text[ID_TEXT], size_t *len)
{
	uint8_t separator = 0;
	size_t i = start;

	*len = 0;
	for (; *form; form++, i++) {
		uint8_t c = byte_at(s, i);

		if (!form_takes(*form, c, &separator))
			return 0;
		if (is_alnum(c) && *len < ID_TEXT - 1)
			text[(*len)++] = (char)(is_lower(c) ? c - 32 : c);
	}
	text[*len] = 0;
	return i;
}

const uint8_t id_afters[256] = {
	[' '] = AFTER_BLANK, ['-'] = AFTER_MINUS, ['.'] = AFTER_DOT, ['/'] = AFTER_SLASH, ['+'] = AFTER_PLUS, [':'] = AFTER_COLON,
	['A' ... 'F'] = AFTER_HEX, ['G' ... 'Z'] = AFTER_LETTER, ['a' ... 'f'] = AFTER_HEX, ['g' ... 'z'] = AFTER_LETTER,
};

static bool form_starts(const char *form, size_t head, size_t run, enum id_after after)
{
	if (head == ID_SPACED) {
		size_t letters = strspn(form, "A*");

		if (!letters || (form[letters] != '_' && !is_separator((uint8_t)form[letters])))
			return false;
		form += letters + 1;
		/* "RSS MRA 85T10": more letters, and a separator, before the digits. */
		while ((letters = strspn(form, "A")) && (form[letters] == '_' || is_separator((uint8_t)form[letters])))
			form += letters + 1;
		head = 0;
	} else if (!head && *form == '(') {
		form++;
	}
	for (; head; head--, form++)
		if (*form != 'A' && *form != '*')
			return false;
	for (; run; run--, form++)
		if (*form != '#' && *form != '*' && !is_digit((uint8_t)*form))
			return false;
	if (!*form)	/* what follows is no more of it */
		return !after_letter(after);
	if (*form == 'A' || *form == '*')
		return after_letter(after);
	if (*form == '#' || is_digit((uint8_t)*form))	/* the run is over */
		return false;
	if (*form == '_')
		return after >= AFTER_BLANK && after <= AFTER_SLASH;
	return id_after((uint8_t)*form) == after;
}

bool id_starts(const struct id_rule *rule, size_t head, size_t run, enum id_after after)
{
	for (const struct id_shape *shape = rule->shapes; shape->form; shape++)
		if (shape->says >= ID_ALONE && form_starts(shape->form, head, run, after))
			return true;
	return false;
}

bool id_has_head(const struct id_rule *rule)
{
	for (const struct id_shape *shape = rule->shapes; shape->form; shape++)
		if (shape->says >= ID_ALONE && (shape->form[0] == 'A' || shape->form[0] == '*'))
			return true;
	return false;
}

/* Digits from here to a letter, or what may be one. */
static unsigned form_digits(const char *form)
{
	unsigned nr = 0;

	for (; *form && (*form == '#' || *form == '_' || is_digit((uint8_t)*form) || is_separator((uint8_t)*form)); form++)
		nr += *form == '#' || is_digit((uint8_t)*form);
	return nr;
}

unsigned id_digits(const struct id_rule *rule)
{
	unsigned fewest = 255;

	for (const struct id_shape *shape = rule->shapes; shape->form; shape++) {
		unsigned nr = form_digits(shape->form + strspn(shape->form, "A("));

		if (shape->says >= ID_ALONE && nr < fewest)
			fewest = nr;
	}
	return fewest;
}

/* first: what the first digit stands for. */
static void form_near(const char *first, bool letter, void (*tell)(void *, bool, size_t, enum id_after, unsigned), void *owner)
{
	for (size_t run = 1; first[run - 1]; run++)
		for (unsigned after = 0; after < AFTER_MAX; after++)
			if (form_starts(first, 0, run, after))
				tell(owner, letter, run, after, form_digits(first));
}

void id_near(const struct id_rule *rule, void (*tell)(void *owner, bool letter, size_t run, enum id_after after, unsigned digits), void *owner)
{
	for (const struct id_shape *shape = rule->shapes; shape->form; shape++) {
		const char *first = shape->form;

		form_near(first, false, tell, owner);
		for (; *first && *first != '#' && !is_digit((uint8_t)*first); first++) {
			bool letter = *first == 'A' || *first == '*' || is_alpha((uint8_t)*first);

			form_near(first + 1, letter, tell, owner);
		}
	}
}

/* Up to the group that has a digit in any case: before it all may be letters. */
uint64_t id_groups(const struct id_rule *rule)
{
	uint64_t groups = 0;

	for (const struct id_shape *shape = rule->shapes; shape->form; shape++) {
		bool digit = false;
		unsigned len = 0;

		for (const char *form = shape->form; !digit || len; form++) {
			if (*form == '#' || *form == '*' || is_alnum((uint8_t)*form)) {
				digit |= *form == '#' || is_digit((uint8_t)*form);
				len++;
				continue;
			}
			groups |= 1ull << len;
			len = 0;
			if (!*form)
				break;
		}
	}
	return groups & ~1ull;
}

static bool is_published(const struct id_rule *rule, const char *text, size_t len)
{
	for (const char *const *p = rule->published; p && *p; p++)
		if (!strcmp(*p, text))
			return true;
	return sequence_like(text, len);
}

/* One shape at start: fills out and says how much it tells, or 0. */
static int shape_find(const struct id_rule *rule, const struct id_shape *shape, struct slice s, size_t start, struct hit *out)
{
	char text[ID_TEXT];
	uint8_t separator = 0;
	size_t end, len;

	if (!form_takes(shape->form[0], byte_at(s, start), &separator) || !form_takes(shape->form[1], byte_at(s, start + 1), &separator) ||
	    !edge_before(s, start))
		return 0;
	end = form_read(shape->form, s, start, text, &len);
	if (!end || !edge_after(s, end) || byte_at(s, end) == '@' || few_bytes(text, len, 1))
		return 0;
	if (rule->ok && !rule->ok(text, len))
		return 0;
	out->start = start;
	out->end = end;
	out->sample = is_published(rule, text, len);
	mask_ends(out->mask, text, len, 0, 0);
	return shape->says;
}

/* Where a value may begin whose first digit is at: there, at the letters right before it, or before one or
 * two separators and more letters ("B-KX 2264"), or at a bracket. Returns how many places. */
static unsigned starts_of(struct slice s, size_t at, size_t start[STARTS])
{
	size_t from = at;
	unsigned nr = 0;

	while (from && at - from < HEAD_BYTES && is_alpha(s.ptr[from - 1]))
		from--;
	start[nr++] = from;
	while (nr < STARTS - 1 && from > 1 && is_separator(s.ptr[from - 1]) && is_alpha(s.ptr[from - 2])) {
		for (from--; from && at - from < HEAD_BYTES && is_alpha(s.ptr[from - 1]); from--)
			;
		start[nr++] = from;
	}
	if (from && s.ptr[from - 1] == '(')
		start[nr++] = from - 1;
	return nr;
}

/* at is the first digit of a number, or where a key's whole value begins. */
int id_find(struct slice s, size_t at, struct hit *out)
{
	const struct id_rule *rule = class_row(out->class_id)->id;
	size_t start[STARTS];
	unsigned nr = starts_of(s, at, start);
	int says = 0;

	for (const struct id_shape *shape = rule->shapes; shape->form && !says; shape++)
		for (unsigned i = 0; i < nr && !says; i++)
			says = shape_find(rule, shape, s, start[i], out);
	return says;
}

unsigned digit_at(const char *text, size_t i)
{
	return (unsigned)(text[i] - '0');
}

unsigned number_at(const char *text, size_t i, size_t len)
{
	unsigned n = 0;

	for (size_t end = i + len; i < end; i++)
		n = n * 10 + digit_at(text, i);
	return n;
}

unsigned digits_weighed(const char *text, const uint8_t *weights)
{
	unsigned sum = 0;

	for (size_t i = 0; weights[i]; i++)
		sum += digit_at(text, i) * weights[i];
	return sum;
}

bool verhoeff_ok(const char *digits, size_t len)
{
	static const uint8_t turn[8][10] = {
		{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { 1, 5, 7, 6, 2, 8, 3, 0, 9, 4 }, { 5, 8, 0, 3, 7, 9, 6, 1, 4, 2 },
		{ 8, 9, 1, 6, 0, 4, 3, 5, 2, 7 }, { 9, 4, 5, 3, 1, 2, 6, 8, 7, 0 }, { 4, 2, 8, 6, 5, 7, 3, 9, 0, 1 },
		{ 2, 7, 9, 3, 8, 0, 6, 4, 1, 5 }, { 7, 0, 4, 6, 9, 1, 3, 2, 5, 8 },
	};
	unsigned c = 0;

	/* The group of the pentagon: 0 to 4 turn it, 5 to 9 flip it first. */
	for (size_t i = 0; i < len; i++) {
		unsigned d = turn[i % 8][digit_at(digits, len - 1 - i)];

		if (c < 5)
			c = d < 5 ? (c + d) % 5 : 5 + (c + d) % 5;
		else
			c = d < 5 ? 5 + (c - d) % 5 : (c - d + 5) % 5;
	}
	return c == 0;
}

bool mod11_10_ok(const char *digits, size_t len)
{
	unsigned p = 10;

	for (size_t i = 0; i + 1 < len; i++) {
		p = (p + digit_at(digits, i)) % 10;
		p = (p ? p : 10) * 2 % 11;
	}
	return (p + digit_at(digits, len - 1)) % 10 == 1;
}

bool gs1_ok(const char *digits, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += digit_at(digits, len - 1 - i) * (i & 1 ? 3 : 1);
	return sum % 10 == 0;
}

bool mrz_ok(const char *text, size_t len)
{
	static const uint8_t weights[] = { 7, 3, 1 };
	unsigned sum = 0;

	for (size_t i = 0; i + 1 < len; i++) {
		unsigned v = text[i] == '<' ? 0 : is_digit((uint8_t)text[i]) ? digit_at(text, i) : (unsigned)(text[i] - 'A') + 10;

		sum += v * weights[i % 3];
	}
	return is_digit((uint8_t)text[len - 1]) && sum % 10 == digit_at(text, len - 1);
}

bool day_ok(unsigned day, unsigned month)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

bool date_ok(const char *text, const char *order)
{
	unsigned day = 0, month = 0;
	size_t i = 0;

	for (; *order; order++) {
		if (*order == 'Y') {
			unsigned year = number_at(text, i, 4);

			if (year < 1900 || year > 2035)
				return false;
			i += 4;
			continue;
		}
		if (*order == 'd')
			day = number_at(text, i, 2);
		else if (*order == 'm')
			month = number_at(text, i, 2);
		i += 2;
	}
	return day_ok(day, month);
}
