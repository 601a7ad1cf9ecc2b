/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h - what the bytes of a value are, 16 or 32 at a time where the machine can. Reads inside the value only. */
#ifndef WEIR_CLASSIFY_BYTES_H
#define WEIR_CLASSIFY_BYTES_H
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "classify/check.h"

#define SPECIALS 16	/* kinds of bytes that are neither digit nor letter and may begin something */
struct specials { uint8_t nr, bytes[SPECIALS]; };
/* By which of the next bytes words are told that may be the beginning of something: byte i of it by its lower and its upper
 * half, a bit for each of eight sets. */
#define HEAD_SETS 8
struct word_heads { uint8_t low[3][32], high[3][32]; };	/* twice the same sixteen */
/* The same, laid out for sets that are known only when the program runs. All but nr of them repeat the first.
 * nibbles: by the lower half, a bit for each upper half; twice the same sixteen. by_32: the machine has AVX2. */
struct wide_specials { struct specials of; bool by_32; struct word_heads heads; uint8_t wide[SPECIALS / 2][16], nibbles[32]; };

/* Of at most three bytes; where there are fewer, any may follow. */
static inline void word_heads_add(struct word_heads *h, unsigned set, const char *text, size_t len)
{
	for (unsigned i = 0; i < 3; i++)
		for (unsigned half = 0; half < 32; half++) {
			h->low[i][half] |= (uint8_t)((i >= len || ((uint8_t)text[i] & 15) == (half & 15)) << set);
			h->high[i][half] |= (uint8_t)((i >= len || (uint8_t)text[i] >> 4 == (half & 15)) << set);
		}
}

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
	memcpy(s->nibbles + 16, s->nibbles, 16);
}
/* Of up to 64 bytes: bit i for byte i. */
struct kinds { uint64_t digits, letters, specials;
	/* Not of kinds_of: those that a reader may see as another (classify/plain.h), of less than 64 bytes; where the word_heads
	 * may begin; those with which a word ends that goes on as no word of a text does. */
	uint64_t odd, heads, joins;
};
/* What a form has and a text has not: is none of them a blank or a control character, is one a '=', is one a '%'? */
struct form_marks { bool solid, assigns, percent; };
struct letters { uint64_t digits, upper, lower, beyond; };	/* beyond: not ASCII */
/* Two letters as one of 64 numbers, by which sets of them are kept. */
static inline unsigned pair_number(uint8_t first, uint8_t second) { return (first * 5u + second) & 63; }

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

/* How many bytes stand before the first 64 that have an odd one; less than 64 are not looked at. */
__attribute__((target("avx2"))) static inline size_t bytes_even_32(const uint8_t *p, size_t n)
{
	const __m256i percent = _mm256_set1_epi8('%'), amp = _mm256_set1_epi8('&'), line = _mm256_set1_epi8('\n');
	size_t at = 0;

	for (; n - at >= 64; at += 64) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + at)), y = _mm256_loadu_si256((const __m256i *)(const void *)(p + at + 32));
		__m256i odd = _mm256_or_si256(_mm256_cmpeq_epi8(x, percent), _mm256_cmpeq_epi8(y, percent));

		odd = _mm256_or_si256(odd, _mm256_or_si256(_mm256_cmpeq_epi8(x, amp), _mm256_cmpeq_epi8(y, amp)));
		odd = _mm256_or_si256(odd, _mm256_or_si256(_mm256_cmpeq_epi8(x, line), _mm256_cmpeq_epi8(y, line)));
		if (_mm256_movemask_epi8(_mm256_or_si256(odd, _mm256_or_si256(x, y))))
			break;
	}
	return at;
}

static inline void kinds_put(struct kinds *k, uint64_t digits, uint64_t letters, uint64_t specials)
{
	k->digits = digits;
	k->letters = letters;
	k->specials = specials;
}

/* Of at most 64 bytes, whose words may all begin anything: of a few that is soon asked. In place, where most values are done with. */
__attribute__((always_inline)) static inline void kinds_short(struct kinds *k, const struct wide_specials *s, const uint8_t *p, size_t n)
{
	const __m128i *wide = (const __m128i *)(const void *)s->wide;
	uint64_t digits = 0, letters = 0, specials = 0, odds = 0;

	for (size_t at = 0; at < n; at += 16) {
		__m128i x = bytes_load(p + at, n - at), found = _mm_cmpeq_epi8(x, _mm_loadu_si128(wide));

		for (unsigned i = 1; i < SPECIALS / 2; i++)
			found = _mm_or_si128(found, _mm_cmpeq_epi8(x, _mm_loadu_si128(wide + i)));
		digits |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_between(x, '0', 10)) << at;
		letters |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_between(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26)) << at;
		specials |= (uint64_t)(uint32_t)_mm_movemask_epi8(found) << at;
		odds |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes_odd(x)) << at;
	}
	kinds_put(k, digits, letters, specials);
	k->odd = odds;
	k->heads = UINT64_MAX;
	k->joins = 0;
}

/* Of 64 bytes after which there are two more, where the machine can. */
__attribute__((target("avx2"))) static inline __m256i table_of(const uint8_t table[32])
{
	return _mm256_loadu_si256((const __m256i *)(const void *)table);
}

__attribute__((target("avx2"))) static inline __m256i upper_halves(__m256i x)
{
	return _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(0x0f));
}

/* The sets of which x may be byte i. Of a byte beyond ASCII none. */
__attribute__((target("avx2"))) static inline __m256i heads_of(const struct word_heads *h, unsigned i, __m256i x)
{
	return _mm256_and_si256(_mm256_shuffle_epi8(table_of(h->low[i]), x), _mm256_shuffle_epi8(table_of(h->high[i]), upper_halves(x)));
}

/* The bit of an upper half in the row of a lower half. */
__attribute__((target("avx2"))) static inline __m256i upper_bits(void)
{
	return _mm256_set_epi64x(0, (int64_t)0x8040201008040201, 0, (int64_t)0x8040201008040201);
}

__attribute__((target("avx2"))) static inline void kinds_wide_32(struct kinds *k, const struct wide_specials *s, const uint8_t *p)
{
	uint64_t digits = 0, letters = 0, specials = 0, heads = 0, joins = 0;

#pragma GCC unroll 2
	for (unsigned at = 0; at < 64; at += 32) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + at));
		__m256i second = _mm256_loadu_si256((const __m256i *)(const void *)(p + at + 1));
		__m256i third = _mm256_loadu_si256((const __m256i *)(const void *)(p + at + 2));
		__m256i digit = _mm256_sub_epi8(x, _mm256_set1_epi8('0'));
		__m256i letter = _mm256_sub_epi8(_mm256_or_si256(x, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
		__m256i special = _mm256_and_si256(_mm256_shuffle_epi8(table_of(s->nibbles), x), _mm256_shuffle_epi8(upper_bits(), upper_halves(x)));
		__m256i head = _mm256_and_si256(heads_of(&s->heads, 0, x), _mm256_and_si256(heads_of(&s->heads, 1, second), heads_of(&s->heads, 2, third)));
		__m256i none = _mm256_setzero_si256();

		digits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit)) << at;
		letters |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(25)), letter)) << at;
		specials |= (uint64_t)~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(special, none)) << at;
		heads |= (uint64_t)~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(head, none)) << at;
		joins |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('.'))) << at;
	}
	kinds_put(k, digits, letters, specials);
	k->odd = 0;
	k->heads = heads;
	k->joins = joins | digits | specials;
}

/* Those of 64 bytes that are odd. */
__attribute__((target("avx2"))) static inline uint64_t odd_64(const uint8_t *p)
{
	__m256i percent = _mm256_set1_epi8('%'), amp = _mm256_set1_epi8('&'), line = _mm256_set1_epi8('\n');
	uint64_t odd[2];

#pragma GCC unroll 2
	for (unsigned i = 0; i < 2; i++) {
		__m256i x = table_of(p + 32 * i), y = _mm256_or_si256(_mm256_cmpeq_epi8(x, percent), _mm256_cmpeq_epi8(x, amp));

		odd[i] = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(x, y), _mm256_cmpeq_epi8(x, line)));
	}
	return odd[0] | odd[1] << 32;
}

/* As kinds_of, with at most SPECIALS / 2 of them, of ASCII, for the first 64 of n bytes. */
__attribute__((always_inline)) static inline void kinds_wide(struct kinds *k, const struct wide_specials *s, const uint8_t *p, size_t n)
{
	if (n >= 66 && s->by_32)
		kinds_wide_32(k, s, p);
	else
		kinds_short(k, s, p, n < 64 ? n : 64);
}

/* Of less than 64 bytes, from which on KINDS_ROOM may be read. */
#define KINDS_ROOM 66
__attribute__((target("avx2"))) static inline void kinds_roomy_32(struct kinds *k, const struct wide_specials *s, const uint8_t *p, size_t n)
{
	uint64_t all = ((uint64_t)1 << n) - 1;

	kinds_wide_32(k, s, p);
	kinds_put(k, k->digits & all, k->letters & all, k->specials & all);
	k->odd = odd_64(p) & all;
	k->heads &= all;
	k->joins &= all;
}

static inline void kinds_roomy(struct kinds *k, const struct wide_specials *s, const uint8_t *p, size_t n)
{
	if (s->by_32)
		kinds_roomy_32(k, s, p, n);
	else
		kinds_short(k, s, p, n);
}

/* Of at most 64. fold: those bytes with small letters for capitals, and some more. */
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

/* Which of 64 bytes, after which there is one more, begin a pair of the set. */
__attribute__((target("avx2"))) static inline uint64_t pairs_in_32(const uint8_t *p, uint64_t set)
{
	const __m256i sets = _mm256_set1_epi64x((int64_t)set), bits = _mm256_set1_epi64x((int64_t)0x8040201008040201), seven = _mm256_set1_epi8(7);
	uint64_t found = 0;

	for (unsigned at = 0; at < 64; at += 32) {
		__m256i x = table_of(p + at), four = _mm256_and_si256(_mm256_slli_epi16(x, 2), _mm256_set1_epi8((char)0xfc));
		__m256i number = _mm256_add_epi8(_mm256_add_epi8(x, four), table_of(p + at + 1));
		__m256i eight = _mm256_shuffle_epi8(sets, _mm256_and_si256(_mm256_srli_epi16(number, 3), seven));
		__m256i both = _mm256_and_si256(eight, _mm256_shuffle_epi8(bits, _mm256_and_si256(number, seven)));

		found |= (uint64_t)~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(both, _mm256_setzero_si256())) << at;
	}
	return found;
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

static inline unsigned plain_ends(__m128i x)
{
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
							bytes_between(x, 0, 0x20)));
}

/* Bytes before the first quote, backslash or control character. */
static inline size_t bytes_plain(const uint8_t *p, size_t n)
{
	size_t at = 0;

	for (; n - at >= 32; at += 32) {	/* most texts end in so many */
		unsigned end = plain_ends(bytes_load(p + at, 16)) | plain_ends(bytes_load(p + at + 16, 16)) << 16;

		if (end)
			return at + (size_t)__builtin_ctz(end);
	}
	for (; at < n; at += 16) {
		unsigned end = plain_ends(bytes_load(p + at, n - at));

		if (end)	/* what is filled up with zeros ends there */
			return at + (size_t)__builtin_ctz(end);
	}
	return n;
}

/* Digits at the front. */
static inline size_t bytes_digits(const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n; at += 16) {
		unsigned end = 0xffff ^ (unsigned)_mm_movemask_epi8(bytes_between(bytes_load(p + at, n - at), '0', 10));

		if (end)	/* what is filled up with zeros ends there */
			return at + (size_t)__builtin_ctz(end);
	}
	return n;
}

/* White space at the front, as JSON has it. */
static inline size_t bytes_space(const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n; at += 16) {
		__m128i x = bytes_load(p + at, n - at), line = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\r')));
		__m128i blank = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\t')));
		unsigned end = 0xffff ^ (unsigned)_mm_movemask_epi8(_mm_or_si128(line, blank));

		if (end)	/* what is filled up with zeros ends there */
			return at + (size_t)__builtin_ctz(end);
	}
	return n;
}
/* Bytes before the first '%', at most 16, written to out with a blank for '+'; behind them out has room for as many. room: bytes
 * that may be read. */
static inline size_t bytes_unplus(uint8_t *out, const uint8_t *p, size_t n, size_t room)
{
	__m128i x = bytes_load(p, room < 16 ? n : 16), plus = _mm_cmpeq_epi8(x, _mm_set1_epi8('+'));
	unsigned percent = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('%'))) | 1u << (n < 16 ? n : 16);

	_mm_storeu_si128((__m128i *)(void *)out, _mm_xor_si128(x, _mm_and_si128(plus, _mm_set1_epi8('+' ^ ' '))));
	return (size_t)__builtin_ctz(percent);
}

__attribute__((target("avx2"))) static inline struct form_marks form_marks_32(const uint8_t *p)
{
	__m256i x = table_of(p), y = table_of(p + 32), least = _mm256_min_epu8(x, y), blank = _mm256_set1_epi8(' ');
	__m256i equal = _mm256_set1_epi8('='), percent = _mm256_set1_epi8('%');

	return (struct form_marks){
		.solid = !_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(least, blank), least)),
		.assigns = _mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(x, equal), _mm256_cmpeq_epi8(y, equal))),
		.percent = _mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(x, percent), _mm256_cmpeq_epi8(y, percent))),
	};
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

static inline void kinds_short(struct kinds *k, const struct wide_specials *s, const uint8_t *p, size_t n)
{
	*k = kinds_of(&s->of, p, n);
	k->heads = UINT64_MAX;
	for (size_t i = 0; i < n; i++)
		k->odd |= (uint64_t)is_odd(p[i]) << i;
}

static inline void kinds_wide(struct kinds *k, const struct wide_specials *s, const uint8_t *p, size_t n)
{
	kinds_short(k, s, p, n < 64 ? n : 64);
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

static inline size_t bytes_digits(const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (at < n && is_digit(p[at]))
		at++;
	return at;
}

static inline size_t bytes_space(const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (at < n && (p[at] == ' ' || p[at] == '\n' || p[at] == '\r' || p[at] == '\t'))
		at++;
	return at;
}

#define KINDS_ROOM 0
static inline void kinds_roomy(struct kinds *k, const struct wide_specials *s, const uint8_t *p, size_t n)
{
	kinds_short(k, s, p, n);
}

static inline size_t bytes_unplus(uint8_t *out, const uint8_t *p, size_t n, size_t room)
{
	size_t at = 0;

	for (; at < n && at < 16 && p[at] != '%'; at++)
		out[at] = p[at] == '+' ? ' ' : p[at];
	return at;
}
#endif
#endif
