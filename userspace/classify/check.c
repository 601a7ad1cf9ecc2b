/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/check.h"

#include <stdio.h>
#include <string.h>

/* A byte that, next to a number, makes the number part of something else. */
static bool is_joined(uint8_t c)
{
	return is_alnum(c) || c == '_';
}

enum evidence_level evidence_level = EVIDENCE_ALL;

bool edge_before(struct slice s, size_t start)
{
	uint8_t c;

	if (!start || evidence_level < EVIDENCE_BOUNDARY)
		return true;
	c = s.ptr[start - 1];
	if (is_joined(c))
		return false;
	/* "-5" is a negative number, ".5" a decimal: neither is an identifier. */
	return c != '.' && c != '-';
}

bool edge_after(struct slice s, size_t end)
{
	uint8_t c = byte_at(s, end);

	if (evidence_level < EVIDENCE_BOUNDARY)
		return true;
	if (is_joined(c))
		return false;
	/* "1111." may end a sentence, "1111.5" is a decimal. */
	return !((c == '.' || c == '-') && is_joined(byte_at(s, end + 1)));
}

void digits_read(struct digits *d, struct slice s, size_t at, const char *seps)
{
	size_t i = at;

	memset(d, 0, sizeof(*d));
	while (d->nr_groups < GROUPS_MAX) {
		unsigned n = 0;

		while (is_digit(byte_at(s, i)) && d->len < DIGITS_MAX) {
			d->text[d->len++] = (char)s.ptr[i++];
			n++;
		}
		d->group[d->nr_groups] = n;
		d->end[d->nr_groups++] = i;
		if (is_digit(byte_at(s, i))) {
			d->more = true;
			return;
		}
		if (!is_digit(byte_at(s, i + 1)) || !s.ptr[i] || !strchr(seps, s.ptr[i]))
			return;
		if (d->sep && (char)s.ptr[i] != d->sep)
			return;
		d->sep = (char)s.ptr[i++];
	}
	d->more = true;
}

bool luhn_ok(const char *digits, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned d = (unsigned)(digits[len - 1 - i] - '0');

		if (i & 1)
			d = d < 5 ? 2 * d : 2 * d - 9;
		sum += d;
	}
	return sum % 10 == 0;
}

unsigned mod97(const char *alnum, size_t len)
{
	unsigned r = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)alnum[i];

		if (is_digit(c))
			r = (r * 10 + c - '0') % 97;
		else
			r = (r * 100 + to_lower(c) - 'a' + 10) % 97;
	}
	return r;
}

bool epoch_like(const char *digits, size_t len)
{
	uint64_t seconds = 0;

	if (len != 10 && len != 13 && len != 16 && len != 19)
		return false;
	for (size_t i = 0; i < 10; i++)
		seconds = seconds * 10 + (uint64_t)(digits[i] - '0');
	return seconds >= 946684800 && seconds < 2208988800;
}

bool few_bytes(const char *s, size_t len, unsigned nr)
{
	bool seen[256] = { false };
	unsigned found = 0;

	for (size_t i = 0; i < len; i++) {
		if (!seen[(uint8_t)s[i]] && ++found > nr)
			return false;
		seen[(uint8_t)s[i]] = true;
	}
	return true;
}

bool sequence_like(const char *digits, size_t len)
{
	bool up = true, down = true;

	for (size_t i = 1; i < len; i++) {
		int step = (digits[i] - digits[i - 1] + 10) % 10;

		up = up && step == 1;
		down = down && step == 9;
	}
	return len > 3 && (up || down);
}

static int base64_value(uint8_t c)
{
	if (is_upper(c))
		return c - 'A';
	if (is_lower(c))
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

int base64_any(uint8_t *out, size_t size, struct slice in)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;

	while (in.len && in.ptr[in.len - 1] == '=')
		in.len--;
	for (size_t i = 0; i < in.len; i++) {
		int v = base64_value(in.ptr[i]);

		if (v < 0)
			return -1;
		bits = (bits << 6 | (uint32_t)v) & 0xffffff;
		held += 6;
		if (held < 8)
			continue;
		if (n == size)
			return -1;
		held -= 8;
		out[n++] = (uint8_t)(bits >> held);
	}
	return held == 6 ? -1 : (int)n;
}

bool slice_begins_fold(struct slice s, size_t at, const char *lower)
{
	for (; *lower; lower++, at++)
		if (at >= s.len || to_lower(s.ptr[at]) != (uint8_t)*lower)
			return false;
	return true;
}

bool slice_begins(struct slice s, size_t at, const char *exact)
{
	size_t n = strlen(exact);

	return at <= s.len && n <= s.len - at && !memcmp(s.ptr + at, exact, n);
}

bool slice_equal(struct slice s, const char *lower)
{
	return s.len == strlen(lower) && slice_begins_fold(s, 0, lower);
}

bool slice_has(struct slice s, const char *exact)
{
	return s.len && memmem(s.ptr, s.len, exact, strlen(exact));
}

bool word_listed(const char *const *list, struct slice word)
{
	for (; *list; list++)
		if (slice_equal(word, *list))
			return true;
	return false;
}

void mask_set(char mask[MASK_SIZE], const char *words)
{
	snprintf(mask, MASK_SIZE, "%s", words);
}

int hit_hidden(struct hit *h, size_t start, size_t end, int says)
{
	h->start = start;
	h->end = end;
	h->sample = 0;
	mask_set(h->mask, "********");
	return says;
}

void mask_ends(char mask[MASK_SIZE], const char *text, size_t len, size_t first, size_t last)
{
	if (len > MASK_SIZE - 1)
		len = MASK_SIZE - 1;
	for (size_t i = 0; i < len; i++)
		mask[i] = i < first || i >= len - last ? text[i] : '*';
	mask[len] = 0;
}
