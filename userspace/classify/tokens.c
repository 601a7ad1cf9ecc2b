/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c - one way to find every secret with a prefix. The one pass over a value finds the prefix; here
 * stands what must follow it. Placeholders of documentation are told from secrets by how few different
 * characters they have, and by the words in them. No token is ever tried out. */
#include "classify/tokens.h"

#include <string.h>

#define BODY_MAX	2048	/* bytes of a token that are read */
#define SHORT_BODY	16	/* a shorter one may be anything */

static bool of_alphabet(unsigned alphabet, uint8_t c)
{
	switch (alphabet) {
	case OF_HEX:
		return is_hex(c);
	case OF_DIGIT:
		return is_digit(c);
	case OF_LOWER:
		return is_lower(c) || is_digit(c);
	case OF_UPPER:
		return is_upper(c) || is_digit(c);
	case OF_ALNUM:
		return is_alnum(c);
	case OF_WORD:
		return is_alnum(c) || c == '_';
	case OF_BASE64:
		return is_alnum(c) || c == '+' || c == '/' || c == '=';
	case OF_DOTTED:
		return is_alnum(c) || c == '_' || c == '-' || c == '.';
	case OF_CRYPT:
		return is_alnum(c) || (c && strchr("./$,=+_-:", c));
	case OF_OPEN:
		return c == '{';
	case OF_ANY:
		return is_alnum(c) || (c && strchr("_-.~+/=%:", c));
	default:
		return is_alnum(c) || c == '_' || c == '-';
	}
}

static bool of_kind(char kind, uint8_t c)
{
	switch (kind) {
	case 'h':
		return is_hex(c);
	case 'd':
		return is_digit(c);
	case 'l':
		return is_lower(c) || is_digit(c);
	case 'u':
		return is_upper(c) || is_digit(c);
	case 'c':
		return is_alnum(c) || c == '.' || c == '/';
	case 'w':
		return is_alnum(c) || c == '_' || c == '-';
	default:
		return is_alnum(c);
	}
}

/* End of the body in its form, or 0. */
static size_t form_end(const char *form, struct slice s, size_t i)
{
	while (*form) {
		char kind = *form++;
		unsigned n = 0;

		while (strchr("hdlucwa", kind) && is_digit((uint8_t)*form))
			n = n * 10 + (unsigned)(*form++ - '0');
		if (!n) {
			if (byte_at(s, i++) != (uint8_t)kind)
				return 0;
			continue;
		}
		for (; n; n--, i++)
			if (i >= s.len || !of_kind(kind, s.ptr[i]))
				return 0;
	}
	return i;
}

/* What crypt(3) puts between has commas only before "t=" and "p=". */
static bool body_has(unsigned alphabet, struct slice s, size_t i)
{
	return of_alphabet(alphabet, s.ptr[i]) && (s.ptr[i] != ',' || byte_at(s, i + 2) == '=');
}

/* End of the body that begins at i, or 0 when it is too short or goes on. */
static size_t body_end(const struct token_format *f, struct slice s, size_t i)
{
	size_t end = i;

	if (f->form) {
		end = form_end(f->form, s, i);
		return end && !of_alphabet(OF_WORD, byte_at(s, end)) ? end : 0;
	}
	while (end < s.len && end - i <= f->max && body_has(f->alphabet, s, end))
		end++;
	while (end > i && (s.ptr[end - 1] == '.' || s.ptr[end - 1] == ':'))
		end--;	/* of the sentence */
	if (end - i < f->min || end - i > f->max)
		return 0;
	return of_alphabet(OF_WORD, byte_at(s, end)) ? 0 : end;
}

/* Does it look drawn at random? Words and fillers have no digits, or few different characters. */
static bool is_random(const char *body, size_t len)
{
	bool seen[256] = { false }, digit = false, upper = false, lower = false;
	size_t different = 0, wanted = len < 24 ? len / 4 : 6;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)body[i];

		different += !seen[c];
		seen[c] = true;
		digit |= is_digit(c);
		upper |= is_upper(c);
		lower |= is_lower(c);
	}
	return different >= wanted && (len < SHORT_BODY || digit || (upper && lower));
}

static bool is_placeholder(struct slice body)
{
	static const char *const fillers[] = { "xxxx", "XXXX", "....", "****", "0000000000", "your_", "YOUR_", "your-", NULL };

	for (const char *const *f = fillers; *f; f++)
		if (slice_has(body, *f))
			return true;
	return false;
}

static bool is_documented(struct slice body)
{
	static const char *const words[] = { "EXAMPLE", "example", "1234567890", "0123456789", "abcdefghij", "ABCDEFGHIJ", "deadbeef", NULL };

	for (const char *const *w = words; *w; w++)
		if (slice_has(body, *w))
			return true;
	return false;
}

/* Where the token begins whose prefix is at `at`; SIZE_MAX: nowhere. */
static size_t token_start(const struct token_format *f, struct slice s, size_t at)
{
	size_t start = at;

	if (!f->back)
		return at;
	while (start && at - start <= f->back_max && of_alphabet(f->back, s.ptr[start - 1]))
		start--;
	return at - start >= f->back_min && at - start <= f->back_max && edge_before(s, start) ? start : SIZE_MAX;
}

static int format_says(const struct token_format *f, struct slice s, size_t at, struct hit *out)
{
	size_t prefix = strlen(f->prefix), begin = at + prefix, end = body_end(f, s, begin), start = end ? token_start(f, s, at) : 0;
	struct slice body = { s.ptr + begin, end - begin };
	const char *text = (const char *)body.ptr;

	if (!end || start == SIZE_MAX || body.len > BODY_MAX || is_placeholder(body) || !is_random(text, body.len))
		return 0;
	out->start = start;
	out->end = end;
	out->sample = is_documented(body);
	if (f->back)
		prefix = 0;
	else if (prefix > MASK_SIZE - 9)
		prefix = MASK_SIZE - 9;
	memset(out->mask, '*', prefix + 8);
	memcpy(out->mask, f->prefix, prefix);
	out->mask[prefix + 8] = 0;
	/* With a wrong checksum the issuer has never made it; but somebody may have mistyped one. */
	if (f->ok && !f->ok(text, body.len) && !out->sample)
		return TOKEN_DOUBTED;
	return f->says ? f->says : TOKEN_SAYS;
}

int token_find(struct slice s, size_t at, struct hit *out)
{
	int best = 0;

	for (const struct token_format *f = class_row(out->class_id)->tokens; f->prefix; f++) {
		struct hit hit;
		int says;

		if ((uint8_t)f->prefix[0] != s.ptr[at] || !slice_begins(s, at, f->prefix))
			continue;
		hit = *out;
		says = format_says(f, s, at, &hit);
		if (says > best) {
			best = says;
			*out = hit;
		}
	}
	return best;
}
