/* SPDX-License-Identifier: Apache-2.0 */
/* survey.c - see survey.h. */
#include "classify/survey.h"

#include "classify/begins.h"

/* A word counts where it begins as a literal does, or what it ends with counts: so that of a text it is one of ten. */
static inline void stretch_put(struct stretch *to, const struct kinds *k, uint64_t ends)
{
	to->ends = ends;
	to->digits = k->digits;
	to->begins = k->digits | k->specials | k->joins | k->odd | (k->heads & k->letters & ~(k->letters << 1));
}

#ifdef __SSE2__
__attribute__((target("avx2"))) static inline uint64_t ends_32(__m256i x)
{
	__m256i quote = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('"')), escape = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\'));
	__m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x1f)), x);

	return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(control, _mm256_or_si256(quote, escape)));
}

__attribute__((target("avx2"))) static void stretches_32(struct stretch *to, struct kinds *k, const uint8_t *p, size_t nr)
{
	for (; nr; nr--, to++, k++, p += 64) {
		kinds_wide_32(k, &starters.specials, p);
		k->odd = odd_64(p);
		stretch_put(to, k, ends_32(table_of(p)) | ends_32(table_of(p + 32)) << 32);
	}
}

__attribute__((target("avx2"))) static inline uint64_t either_32(const uint8_t *p, char a, char b)
{
	__m256i x = table_of(p), y = table_of(p + 32), is_a = _mm256_set1_epi8(a), is_b = _mm256_set1_epi8(b);
	__m256i first = _mm256_or_si256(_mm256_cmpeq_epi8(x, is_a), _mm256_cmpeq_epi8(x, is_b));
	__m256i second = _mm256_or_si256(_mm256_cmpeq_epi8(y, is_a), _mm256_cmpeq_epi8(y, is_b));

	return (uint32_t)_mm256_movemask_epi8(first) | (uint64_t)(uint32_t)_mm256_movemask_epi8(second) << 32;
}

__attribute__((target("avx2"))) static void signs_32(struct stretch *to, struct form_signs *signs, const uint8_t *p, size_t nr)
{
	for (; nr; nr--, to++, signs++, p += 64) {
		to->ends = either_32(p, '&', '&');
		signs->equals = either_32(p, '=', '=');
		signs->escapes = either_32(p, '%', '+');
	}
}
#endif

static void signs_read(struct stretch *to, struct form_signs *signs, const uint8_t *p, size_t nr)
{
	for (; nr; nr--, to++, signs++, p += 64) {
		to->ends = 0;
		*signs = (struct form_signs){ 0 };
		for (unsigned i = 0; i < 64; i++) {
			to->ends |= (uint64_t)(p[i] == '&') << i;
			signs->equals |= (uint64_t)(p[i] == '=') << i;
			signs->escapes |= (uint64_t)(p[i] == '%' || p[i] == '+') << i;
		}
	}
}

/* Of nr times 64 bytes, after which there are two more, from stretch i on. */
static void stretches_read(struct survey *s, size_t i, const uint8_t *p, size_t nr)
{
#ifdef __SSE2__
	if (starters.specials.by_32) {
		stretches_32(s->stretch + i, s->kinds + i, p, nr);
		if (s->form)
			signs_32(s->stretch + i, s->signs + i, p, nr);
		return;
	}
#endif
	for (size_t n = 0; n < nr; n++) {
		const uint8_t *q = p + 64 * n;
		struct kinds *k = &s->kinds[i + n];
		uint64_t ends = 0;

		kinds_short(k, &starters.specials, q, 64);
		for (size_t at = bytes_plain(q, 64); at < 64; at += 1 + bytes_plain(q + at + 1, 63 - at))
			ends |= (uint64_t)1 << at;
		stretch_put(s->stretch + i + n, k, ends);
	}
	if (s->form)
		signs_read(s->stretch + i, s->signs + i, p, nr);
}

void survey_read(struct survey *s, const uint8_t *from)
{
	size_t left = (size_t)(s->end - from), nr = left < 66 ? 0 : (left - 2) / 64;
	uint8_t last[66] UNINITIALIZED;

	nr = nr < STRETCHES ? nr : STRETCHES;
	stretches_read(s, 0, from, nr);
	for (left -= 64 * nr; left && nr < STRETCHES; left -= left < 64 ? left : 64) {
		memset(last, 0, sizeof(last));
		memcpy(last, s->end - left, left < sizeof(last) ? left : sizeof(last));
		stretches_read(s, nr++, last, 1);
		explicit_bzero(last, sizeof(last));
	}
	memset(&s->stretch[nr], 0, 2 * sizeof(s->stretch[0]));
	memset(&s->kinds[nr], 0, 2 * sizeof(s->kinds[0]));
	memset(&s->signs[nr], 0, 2 * sizeof(s->signs[0]));
	s->from = from;
	s->to = s->end - left;
}

struct form_pair form_pair_long(struct slice rest)
{
	const uint8_t *amp = memchr(rest.ptr, '&', rest.len), *equals;
	struct form_pair pair = { .len = amp ? (size_t)(amp - rest.ptr) : rest.len };

	equals = memchr(rest.ptr, '=', pair.len);
	pair.equals = equals ? (size_t)(equals - rest.ptr) : pair.len;
	pair.escapes = memchr(rest.ptr, '%', pair.len) || memchr(rest.ptr, '+', pair.len);
	return pair;
}
