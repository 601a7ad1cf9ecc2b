/* SPDX-License-Identifier: Apache-2.0 */
/* slice.h - looking at borrowed bytes without leaving them. Private to protocol/. */
#ifndef WEIR_PROTOCOL_SLICE_H
#define WEIR_PROTOCOL_SLICE_H
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "model/payload.h"

static inline bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static inline bool is_space(uint8_t c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

static inline bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_alpha(uint8_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* -1: no hex digit */
static inline int hex_value(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes from `at`, at most len; empty when at is past the end. */
static inline struct slice slice_part(struct slice s, size_t at, size_t len)
{
	if (at > s.len)
		at = s.len;
	if (len > s.len - at)
		len = s.len - at;
	return slice_of(s.len ? s.ptr + at : s.ptr, len);
}

static inline struct slice slice_from(struct slice s, size_t at)
{
	return slice_part(s, at, SIZE_MAX);
}

static inline struct slice slice_trim(struct slice s)
{
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	while (s.len && is_space(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	return s;
}

/* Offset of c, or s.len. */
static inline size_t slice_find(struct slice s, char c)
{
	const uint8_t *p = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return p ? (size_t)(p - s.ptr) : s.len;
}

/* Offset of the text, or s.len. */
static inline size_t slice_search(struct slice s, const char *text)
{
	const uint8_t *p = s.len ? memmem(s.ptr, s.len, text, strlen(text)) : NULL;

	return p ? (size_t)(p - s.ptr) : s.len;
}

static inline bool slice_is(struct slice s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp((const char *)s.ptr, word, s.len);
}

static inline bool slice_starts(struct slice s, const char *word)
{
	size_t len = strlen(word);

	return s.len >= len && !memcmp(s.ptr, word, len);
}

/* Cuts the first part up to c from *rest; false when nothing is left. */
static inline bool slice_next(struct slice *rest, char c, struct slice *part)
{
	size_t at = slice_find(*rest, c);

	if (!rest->len)
		return false;
	*part = slice_part(*rest, 0, at);
	*rest = slice_from(*rest, at + 1);
	return true;
}
#endif
