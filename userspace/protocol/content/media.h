/* SPDX-License-Identifier: Apache-2.0 */
/* media.h - media types (RFC 9110, 8.3.1), and what decoders ask of bytes at the head of a body. */
#ifndef WEIR_MEDIA_H
#define WEIR_MEDIA_H
#include <string.h>
#include <strings.h>

#include "model/payload.h"

/* type/subtype without parameters and blanks around. */
struct slice media_essence(struct slice type);
bool media_inside(struct slice essence, const char *word);
/* Does such a one have this inside: "json" is in application/problem+json. Most bodies that are asked about have none. */
static inline bool media_has(struct slice essence, const char *word)	/* which begins with a small letter */
{
	return essence.len && media_inside(essence, word);
}
/* Value of a parameter, quotes removed, as it stands in a Content-Type or Content-Disposition; empty: none. */
struct slice media_param(struct slice type, const char *name);

static inline bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
/* Without blanks and a byte order mark in front; without blanks behind. */
struct slice trim(struct slice);
/* These are here because a head is held against dozens of words, and a length says that it is none of most. */
static inline bool begins(struct slice s, const char *exact)
{
	return s.len >= strlen(exact) && !memcmp(s.ptr, exact, strlen(exact));
}
static inline bool begins_fold(struct slice s, const char *word)	/* in any case of letters; word is not empty */
{
	return s.len >= strlen(word) && (s.ptr[0] | 0x20) == ((uint8_t)word[0] | 0x20) && !strncasecmp((const char *)s.ptr, word, strlen(word));
}
static inline bool is_fold(struct slice s, const char *word)
{
	return s.len == strlen(word) && begins_fold(s, word);
}
static inline bool ends(struct slice s, const char *exact, size_t n)
{
	return s.len >= n && !memcmp(s.ptr + s.len - n, exact, n);
}
/* Text as people or programs write it, not what random bytes look like; its last character may be cut. */
bool is_written(struct slice);
/* A name of a member as programs choose them. */
bool is_identifier(struct slice);
/* Four hexadecimal digits; -1: they are none. */
int hex4(const uint8_t *);
/* Does a text begin with INSERT INTO t (…) or UPDATE t SET c = …, as no prose does? */
bool sql_writes(struct slice text);
#endif
