/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h - what the bytes of a value are, sixteen at a time where the machine can. Reads inside the value only. */
#ifndef WEIR_CLASSIFY_BYTES_H
#define WEIR_CLASSIFY_BYTES_H
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "classify/check.h"

#define SPECIALS 16	/* kinds of bytes that are neither digit nor letter and may begin something */
struct specials { uint8_t nr, bytes[SPECIALS]; };
/* The same, laid out for sets that are known only when the program runs. All but nr of them repeat the first.
 * nibbles: by the lower half, a bit for each upper half; by_32: the machine has AVX2. */
struct wide_specials { struct specials of; bool by_32; uint8_t wide[SPECIALS / 2][16], nibbles[16]; };
static inline void specials_widen(struct wide_specials *s)
{
#ifdef __SSE2__
	s->by_32 = __builtin_cpu_supports("avx2");
#endif
	memset(s->nibbles, 0, sizeof(s->nibbles));
	for (unsigned i = 0; i < SPECIALS / 2; i++)
		memset(s->wide[i], s->of.bytes[i < s->of.nr ? i : 0], 16);
	for (unsigned i = 0; i < s->of.nr; i++)
		s->nibbles[s->of.bytes[i] & 15] |= (uint8_t)(1 << (s->of.bytes[i] >> 4));
}
/* Of up to 64 bytes: bit i for byte i. */
struct kinds { uint64_t digits, letters, specials, odd; };	/* odd: kinds_wide alone: those that a reader may see as another (classify/plain.h) */
struct letters { uint64_t digits, upper, lower, beyond; };	/* beyond: not ASCII */

static inline bool is_odd(uint8_t c) { return c >= 0x80 || c == '%' || c == '&' || c == '\n'; }

#ifdef __SSE2__
static inline __m128i bytes_load(const uint8_t *p, size_t n)
{
	uint64_t low, high;
	uint32_t a, b;

	if (n >= 16)
		return _mm_loadu_si128((const __m128i *)p);
	if (n >= 8) {
		memcpy(&low, p, 8);
		memcpy(&high, p + n - 8, 8);
		return _mm_set_epi64x(n > 8 ? (int64_t)(high >> 8 * (16 - n)) : 0, (int64_t)low);
	}
	if (n >= 4) {
		memcpy(&a, p, 4);
		memcpy(&b, p + n - 4, 4);
		return _mm_set_epi64x(0, (int64_t)(a | (n > 4 ? (uint64_t)(b >> 8 * (8 - n)) << 32 : 0)));
	}
	low = n ? p[0] : 0;
	low |= n > 1 ? (uint64_t)p[1] << 8 : 0;
	low |= n > 2 ? (uint64_t)p[2] << 16 : 0;
	return _mm_set_epi64x(0, (int64_t)low);
}

/* Bytes from..from + n - 1. */
static inline __m128i bytes_between(__m128i x, uint8_t from, uint8_t n)
{
	__m128i y = _mm_sub_epi8(x, _mm_set1_epi8((char)from));

	return _mm_cmpeq_epi8(_mm_min_epu8(y, _mm_set1_epi8((char)(n - 1))), y);
}

static inline struct kinds kinds_of(const struct specials *s, const uint8_t *p, size_t n)
{
	struct kinds k = { 0 };

	for (size_t at = 0; at < n; at += 16) {
		__m128i x = bytes_load(p + at, n - at), found = _mm_setzero_si128();

		for (unsigned i = 0; i < s->nr; i++)
			found = _mm_or_si128(found, _mm_cmpeq_epi8(x, _mm_set1_epi8((char)s->bytes[i])));
		k.digits |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_between(x, '0', 10)) << at;
		k.letters |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_between(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26)) << at;
		k.specials |= (uint64_t)(uint32_t)_mm_movemask_epi8(found) << at;
	}
	return k;
}

/* The highest bit of each byte that is_odd. */
static inline __m128i bytes_odd(__m128i x)
{
	return _mm_or_si128(_mm_or_si128(x, _mm_cmpeq_epi8(x, _mm_set1_epi8('%'))),
			    _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('&')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\n'))));
}

static inline struct kinds kinds_wide_16(const struct wide_specials *s, const uint8_t *p, size_t n)
{
	const __m128i *wide = (const __m128i *)(const void *)s->wide;
	struct kinds k = { 0 };

	for (size_t at = 0; at < n; at += 16) {
		__m128i x = bytes_load(p + at, n - at), found = _mm_cmpeq_epi8(x, _mm_loadu_si128(wide));

		for (unsigned i = 1; i < SPECIALS / 2; i++)
			found = _mm_or_si128(found, _mm_cmpeq_epi8(x, _mm_loadu_si128(wide + i)));
		k.digits |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_between(x, '0', 10)) << at;
		k.letters |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_between(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26)) << at;
		k.specials |= (uint64_t)(uint32_t)_mm_movemask_epi8(found) << at;
		k.odd |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_odd(x)) << at;
	}
	return k;
}

/* Of 64 bytes, where the machine can. */
__attribute__((target("avx2"))) static inline struct kinds kinds_wide_32(const struct wide_specials *s, const uint8_t *p)
{
	const __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)s->nibbles)),
		      high = _mm256_broadcastsi128_si256(_mm_set_epi64x(0, (int64_t)0x8040201008040201)), four = _mm256_set1_epi8(0x0f);
	struct kinds k = { 0 };

	for (unsigned at = 0; at < 64; at += 32) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + at));
		__m256i digit = _mm256_sub_epi8(x, _mm256_set1_epi8('0'));
		__m256i letter = _mm256_sub_epi8(_mm256_or_si256(x, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
		__m256i odd = _mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('%')),
					      _mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('&')), _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\n'))));
		/* The bit of a byte's upper half in the row of its lower half; of one beyond ASCII there is none. */
		__m256i row = _mm256_shuffle_epi8(low, x), column = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(x, 4), four));
		__m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(row, column), _mm256_setzero_si256());

		k.digits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit)) << at;
		k.letters |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(25)), letter)) << at;
		k.specials |= (uint64_t)~(uint32_t)_mm256_movemask_epi8(none) << at;
		k.odd |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(x, odd)) << at;
	}
	return k;
}

/* As kinds_of, with at most SPECIALS / 2 of them, of ASCII. */
static inline struct kinds kinds_wide(const struct wide_specials *s, const uint8_t *p, size_t n)
{
	return n == 64 && s->by_32 ? kinds_wide_32(s, p) : kinds_wide_16(s, p, n);
}

/* fold: those bytes with small letters for capitals, and some more. */
static inline struct letters letters_of(const uint8_t *p, size_t n, uint8_t fold[64])
{
	struct letters l = { 0 };

	for (size_t at = 0; at < n; at += 16) {
		__m128i x = bytes_load(p + at, n - at), upper = bytes_between(x, 'A', 26);

		l.digits |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_between(x, '0', 10)) << at;
		l.upper |= (uint64_t)(uint32_t)_mm_movemask_epi8(upper) << at;
		l.lower |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_between(x, 'a', 26)) << at;
		l.beyond |= (uint64_t)(uint32_t)_mm_movemask_epi8(x) << at;
		_mm_storeu_si128((__m128i *)(fold + at), _mm_or_si128(x, _mm_and_si128(upper, _mm_set1_epi8(0x20))));
	}
	return l;
}

/* Bytes before the first blank or control character. */
static inline size_t bytes_blank(const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n; at += 16) {
		unsigned end = (unsigned)_mm_movemask_epi8(bytes_between(bytes_load(p + at, n - at), 0, ' ' + 1));

		if (end)	/* what is filled up with zeros ends there */
			return at + (size_t)__builtin_ctz(end);
	}
	return n;
}

/* Bytes before the first quote, backslash or control character. */
static inline size_t bytes_plain(const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n; at += 16) {
		__m128i x = bytes_load(p + at, n - at);
		unsigned end = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
									bytes_between(x, 0, 0x20)));

		if (end)	/* what is filled up with zeros ends there */
			return at + (size_t)__builtin_ctz(end);
	}
	return n;
}
#else
static inline struct kinds kinds_of(const struct specials *s, const uint8_t *p, size_t n)
{
	struct kinds k = { 0 };

	for (size_t i = 0; i < n; i++) {
		k.digits |= (uint64_t)is_digit(p[i]) << i;
		k.letters |= (uint64_t)is_alpha(p[i]) << i;
		k.specials |= (uint64_t)(memchr(s->bytes, p[i], s->nr) != NULL) << i;
	}
	return k;
}

static inline struct kinds kinds_wide(const struct wide_specials *s, const uint8_t *p, size_t n)
{
	struct kinds k = kinds_of(&s->of, p, n);

	for (size_t i = 0; i < n; i++)
		k.odd |= (uint64_t)is_odd(p[i]) << i;
	return k;
}

static inline struct letters letters_of(const uint8_t *p, size_t n, uint8_t fold[64])
{
	struct letters l = { 0 };

	for (size_t i = 0; i < n; i++) {
		l.digits |= (uint64_t)is_digit(p[i]) << i;
		l.upper |= (uint64_t)is_upper(p[i]) << i;
		l.lower |= (uint64_t)is_lower(p[i]) << i;
		l.beyond |= (uint64_t)(p[i] >= 0x80) << i;
		fold[i] = to_lower(p[i]);
	}
	return l;
}

static inline size_t bytes_blank(const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (at < n && p[at] > ' ')
		at++;
	return at;
}

static inline size_t bytes_plain(const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (at < n && p[at] != '"' && p[at] != '\\' && p[at] >= 0x20)
		at++;
	return at;
}
#endif
#endif
