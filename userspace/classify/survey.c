/* SPDX-License-Identifier: Apache-2.0 */
/* survey.c - see survey.h. */
#include "classify/survey.h"

#include "classify/begins.h"

/* A word counts where it begins as a literal does, or what it ends with counts: so that of a text it is one of ten. */
static inline void stretch_put(struct stretch *to, const struct kinds *k, uint64_t odd, uint64_t ends)
{
	to->ends = ends;
	to->digits = k->digits;
	to->begins = k->digits | k->specials | k->joins | odd | (k->heads & k->letters & ~(k->letters << 1));
}

#ifdef __SSE2__
__attribute__((target("avx2"))) static inline uint64_t odd_32(__m256i x)
{
	__m256i percent = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('%')), amp = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('&'));
	__m256i line = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\n'));

	return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(x, line), _mm256_or_si256(percent, amp)));
}

__attribute__((target("avx2"))) static inline uint64_t ends_32(__m256i x)
{
	__m256i quote = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('"')), escape = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\'));
	__m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x1f)), x);

	return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(control, _mm256_or_si256(quote, escape)));
}

__attribute__((target("avx2"))) static void stretches_32(struct stretch *to, const uint8_t *p, size_t nr)
{
	for (; nr; nr--, to++, p += 64) {
		__m256i x = table_of(p), y = table_of(p + 32);
		struct kinds k UNINITIALIZED;

		kinds_wide_32(&k, &starters.specials, p);
		stretch_put(to, &k, odd_32(x) | odd_32(y) << 32, ends_32(x) | ends_32(y) << 32);
	}
}
#endif

/* Of nr times 64 bytes, after which there are two more. */
static void stretches_read(struct stretch *to, const uint8_t *p, size_t nr)
{
#ifdef __SSE2__
	if (starters.specials.by_32) {
		stretches_32(to, p, nr);
		return;
	}
#endif
	for (; nr; nr--, to++, p += 64) {
		struct kinds k UNINITIALIZED;
		uint64_t ends = 0;

		kinds_short(&k, &starters.specials, p, 64);
		for (size_t at = bytes_plain(p, 64); at < 64; at += 1 + bytes_plain(p + at + 1, 63 - at))
			ends |= (uint64_t)1 << at;
		stretch_put(to, &k, k.odd, ends);
	}
}

void survey_read(struct survey *s, const uint8_t *from)
{
	size_t left = (size_t)(s->end - from), nr = left < 66 ? 0 : (left - 2) / 64;
	uint8_t last[66] UNINITIALIZED;

	nr = nr < STRETCHES ? nr : STRETCHES;
	stretches_read(s->stretch, from, nr);
	for (left -= 64 * nr; left && nr < STRETCHES; left -= left < 64 ? left : 64) {
		memset(last, 0, sizeof(last));
		memcpy(last, s->end - left, left < sizeof(last) ? left : sizeof(last));
		stretches_read(&s->stretch[nr++], last, 1);
		explicit_bzero(last, sizeof(last));
	}
	memset(&s->stretch[nr], 0, 2 * sizeof(s->stretch[0]));
	s->from = from;
	s->to = s->end - left;
}
