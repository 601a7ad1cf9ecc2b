/* SPDX-License-Identifier: Apache-2.0 */
/* grammar.h - the tokens of JSON to the letter (RFC 8259). What is none is refused, wherever the cursor stands then. */
#ifndef WEIR_CLASSIFY_GRAMMAR_H
#define WEIR_CLASSIFY_GRAMMAR_H
#include "classify/bytes.h"

struct cursor { const uint8_t *at, *end; };

static inline size_t bytes_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline void skip_space(struct cursor *c)
{
	if (c->at < c->end && *c->at <= ' ')
		c->at += bytes_space(c->at, bytes_left(c));
}

static inline bool take(struct cursor *c, uint8_t byte)
{
	if (c->at == c->end || *c->at != byte)
		return false;
	c->at++;
	return true;
}

static inline bool take_hex4(struct cursor *c)
{
	if (bytes_left(c) < 4)
		return false;
	for (unsigned n = 0; n < 4; n++)
		if (!is_hex(*c->at++))
			return false;
	return true;
}

/* Behind a backslash. */
static inline bool take_escape(struct cursor *c)
{
	uint8_t byte = c->at < c->end ? *c->at++ : 0;

	return byte == 'u' ? take_hex4(c) : byte && strchr("\"\\/bfnrt", byte);
}

/* The rest of a string with escapes, from a backslash on. */
static bool take_escapes(struct cursor *c)
{
	while (take(c, '\\')) {
		if (!take_escape(c))
			return false;
		c->at += bytes_plain(c->at, bytes_left(c));
	}
	return take(c, '"');
}

/* *raw is what stands between the quotes; plain: what bytes_plain tells of its bytes. */
static inline bool take_string(struct cursor *c, size_t plain, struct slice *raw, bool *escaped)
{
	const uint8_t *start = c->at + 1;

	if (!take(c, '"'))
		return false;
	c->at += plain;
	*escaped = c->at < c->end && *c->at == '\\';
	if (*escaped ? !take_escapes(c) : !take(c, '"'))
		return false;
	*raw = slice_of(start, (size_t)(c->at - 1 - start));
	return true;
}

static inline bool take_digits(struct cursor *c)
{
	size_t n = bytes_digits(c->at, bytes_left(c));

	c->at += n;
	return n;
}

static inline bool take_number(struct cursor *c, struct slice *raw)
{
	const uint8_t *start = c->at;

	take(c, '-');
	if (!take(c, '0') && !take_digits(c))
		return false;
	if (take(c, '.') && !take_digits(c))
		return false;
	if (take(c, 'e') || take(c, 'E')) {
		if (!take(c, '+'))
			take(c, '-');
		if (!take_digits(c))
			return false;
	}
	*raw = slice_of(start, (size_t)(c->at - start));
	return true;
}

static inline bool take_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if (bytes_left(c) < len || memcmp(c->at, word, len))
		return false;
	c->at += len;
	return true;
}
#endif
