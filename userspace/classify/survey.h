/* SPDX-License-Identifier: Apache-2.0 */
/* survey.h - what the bytes of a document are, told for a stretch of it at once: where strings end, and where in them
 * something may begin, so that one look is enough for most values. */
#ifndef WEIR_CLASSIFY_SURVEY_H
#define WEIR_CLASSIFY_SURVEY_H
#include "classify/bytes.h"

/* Of 64 bytes a bit for each: those at which bytes_plain ends; digits; those without which nothing begins in a value, of
 * which there are some more. */
struct stretch { uint64_t ends, digits, begins; };
#define STRETCHES 64	/* both they and the bytes that they tell of stay in the nearest cache */
struct survey {
	const uint8_t *from, *to, *end;	/* what is told of; the document's end */
	struct stretch stretch[STRETCHES + 2];	/* beyond `to` nothing is anything */
};

static inline void survey_begin(struct survey *s, struct slice document)
{
	s->from = s->to = document.ptr;
	s->end = document.ptr + document.len;
	s->stretch[0] = s->stretch[1] = (struct stretch){ 0 };	/* of an empty one nobody tells more */
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

/* Of a value of less than 64 bytes, behind a quote. */
static inline struct stretch survey_of(struct survey *s, struct slice v)
{
	unsigned bit;
	const struct stretch *at = survey_at(s, v.ptr, &bit);
	uint64_t all = ((uint64_t)1 << v.len) - 1;

	return (struct stretch){ .digits = bits_from(at[0].digits, at[1].digits, bit) & all, .begins = bits_from(at[0].begins, at[1].begins, bit) & all };
}
#endif
