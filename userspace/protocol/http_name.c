/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http_name.h"

#include <string.h>

/* Of no two rows the same, else this does not compile. */
#define SLOTS 32
#define SLOT(first, len) ((2 * (first) + 11 * (len)) % SLOTS)

static const struct { const char *text; uint8_t len, which; } names[SLOTS] = {
#define X(id, first, text) [SLOT(first, sizeof(text) - 1)] = { text, sizeof(text) - 1, HTTP_##id },
	HTTP_NAMES(X)
#undef X
};

#define EACH(byte) (0x0101010101010101 * (uint64_t)(byte))

/* Of eight bytes those that are capital letters become small ones. */
static inline uint64_t lower_8(uint64_t x)
{
	uint64_t ascii = x & EACH(0x7f), from_a = ascii + EACH(0x80 - 'A'), past_z = ascii + EACH(0x7f - 'Z');

	return x | ((from_a ^ past_z) & ~x & EACH(0x80)) >> 2;
}

static inline void lower_piece(uint8_t *to, const uint8_t *from, size_t n)
{
	uint64_t x = 0;

	memcpy(&x, from, n);
	x = lower_8(x);
	memcpy(to, &x, n);
}

static inline void lower_16(uint8_t *to, const uint8_t *from)
{
	lower_piece(to, from, 8);
	lower_piece(to + 8, from + 8, 8);
}

/* The last piece overlaps the one before: what is written in smaller ones is slow to read in larger ones. */
static void lower_copy(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n < 4) {
		while (n--)
			lower_piece(to + n, from + n, 1);
	} else if (n < 8) {
		lower_piece(to, from, 4);
		lower_piece(to + n - 4, from + n - 4, 4);
	} else {
		for (size_t at = 0; at + 8 < n; at += 8)
			lower_piece(to + at, from + at, 8);
		lower_piece(to + n - 8, from + n - 8, 8);
	}
}

static bool is_name(const uint8_t *lower_name, const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && lower_name[i] == (uint8_t)text[i])
		i++;
	return i == n;
}

enum http_name http_name_read(struct slice name, size_t room, uint8_t to[HTTP_NAME_MAX])
{
	size_t n = name.len < HTTP_NAME_MAX ? name.len : HTTP_NAME_MAX;
	unsigned slot;

	if (!n)
		return HTTP_OTHER;
	if (n <= 16 && room >= 16)
		lower_16(to, name.ptr);
	else
		lower_copy(to, name.ptr, n);
	slot = SLOT(to[0], (unsigned)n);
	return names[slot].len == name.len && is_name(to, names[slot].text, n) ? names[slot].which : HTTP_OTHER;
}
