/* SPDX-License-Identifier: Apache-2.0 */
/* survey.h - what the bytes of a document are, told for a stretch of it at once: where strings end, and where in them
 * something may begin, so that one look is enough for most values. */
#ifndef WEIR_CLASSIFY_SURVEY_H
#define WEIR_CLASSIFY_SURVEY_H
#include "classify/bytes.h"

/* Of 64 bytes a bit for each: those at which bytes_plain ends, in a form '&'; digits; those without which nothing begins in a
 * value, of which there are some more. */
struct stretch { uint64_t ends, digits, begins; };
struct form_signs { uint64_t equals, escapes; };	/* … in a form '=', and '%' and '+', which mean other bytes */
#define STRETCHES 64	/* both they and the bytes that they tell of stay in the nearest cache */
struct survey {
	const uint8_t *from, *to, *end;	/* what is told of; the document's end */
	struct stretch stretch[STRETCHES + 2];	/* beyond `to` nothing is anything */
	bool form;
	struct form_signs signs[STRETCHES + 2];
	struct kinds kinds[STRETCHES + 2];
};

static inline void survey_begin(struct survey *s, struct slice document, bool form)
{
	s->form = form;
	s->from = s->to = document.ptr;
	s->end = document.ptr + document.len;
	s->stretch[0] = s->stretch[1] = (struct stretch){ 0 };	/* of an empty one nobody tells more */
	s->kinds[0] = s->kinds[1] = (struct kinds){ 0 };
	s->signs[0] = s->signs[1] = (struct form_signs){ 0 };
}

void survey_read(struct survey *, const uint8_t *from);

/* The stretch of a byte, which is that one's *bit; of the 64 from there on it and the next one tell. None before it is asked for
 * any more. */
static inline const struct stretch *survey_at(struct survey *s, const uint8_t *p, unsigned *bit)
{
	if (s->to - p < 64 && s->to != s->end)
		survey_read(s, p);
	*bit = (unsigned)(p - s->from) & 63;
	return &s->stretch[(size_t)(p - s->from) / 64];
}

static inline uint64_t bits_from(uint64_t these, uint64_t next, unsigned bit)
{
	return these >> bit | next << 1 << (63 - bit);
}

/* As bytes_plain, up to the document's end. */
static inline size_t survey_plain(struct survey *s, const uint8_t *p)
{
	unsigned bit;
	const struct stretch *at = survey_at(s, p, &bit);
	uint64_t ends = bits_from(at[0].ends, at[1].ends, bit);

	if (ends)
		return (size_t)__builtin_ctzll(ends);
	return s->end - p > 64 ? 64 + bytes_plain(p + 64, (size_t)(s->end - p) - 64) : (size_t)(s->end - p);
}

/* Of a value of less than 64 bytes, behind a quote or a sign. */
static inline struct stretch survey_of(struct survey *s, struct slice v)
{
	unsigned bit;
	const struct stretch *at = survey_at(s, v.ptr, &bit);
	uint64_t all = ((uint64_t)1 << v.len) - 1;

	return (struct stretch){ .digits = bits_from(at[0].digits, at[1].digits, bit) & all, .begins = bits_from(at[0].begins, at[1].begins, bit) & all };
}

/* What its bytes are, one by one. */
static inline void survey_kinds(struct survey *s, struct slice v, struct kinds *out)
{
	unsigned bit;
	const struct kinds *at = &s->kinds[survey_at(s, v.ptr, &bit) - s->stretch];
	uint64_t all = ((uint64_t)1 << v.len) - 1;

	out->digits = bits_from(at[0].digits, at[1].digits, bit) & all;
	out->letters = bits_from(at[0].letters, at[1].letters, bit) & all;
	out->specials = bits_from(at[0].specials, at[1].specials, bit) & all;
	out->odd = bits_from(at[0].odd, at[1].odd, bit) & all;
	out->heads = bits_from(at[0].heads, at[1].heads, bit) & all;
	out->joins = bits_from(at[0].joins, at[1].joins, bit) & all;
}

/* A name and a value, as they are written, of a form. equals: where the first '=' is; len: none. digits and begins as of a stretch,
 * where it is told: of one of less than 64 bytes. */
struct form_pair { size_t len, equals; bool escapes, told; uint64_t digits, begins; };
struct form_pair form_pair_long(struct slice);
static inline struct form_pair survey_pair(struct survey *s, const uint8_t *p)
{
	unsigned bit;
	const struct stretch *at = survey_at(s, p, &bit);
	const struct form_signs *signs = &s->signs[at - s->stretch];
	uint64_t ends = bits_from(at[0].ends, at[1].ends, bit), all = (ends & -ends) - 1;
	uint64_t equals = bits_from(signs[0].equals, signs[1].equals, bit) & all;
	struct form_pair pair UNINITIALIZED;

	if (ends || s->end - p < 64) {
		pair.told = true;
		pair.len = ends ? (size_t)__builtin_ctzll(ends) : (size_t)(s->end - p);
		pair.digits = bits_from(at[0].digits, at[1].digits, bit) & all;
		pair.begins = bits_from(at[0].begins, at[1].begins, bit) & all;
		pair.equals = equals ? (size_t)__builtin_ctzll(equals) : pair.len;
		pair.escapes = bits_from(signs[0].escapes, signs[1].escapes, bit) & all;
		return pair;
	}
	return form_pair_long(slice_of(p, (size_t)(s->end - p)));
}
#endif
