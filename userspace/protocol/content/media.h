/* SPDX-License-Identifier: Apache-2.0 */
/* media.h - media types (RFC 9110, 8.3.1), and what decoders ask of bytes at the head of a body. */
#ifndef WEIR_MEDIA_H
#define WEIR_MEDIA_H
#include "model/payload.h"

/* type/subtype without parameters and blanks around. */
struct slice media_essence(struct slice type);
/* Is type/subtype this, letters folded? */
bool media_is(struct slice type, const char *essence);
/* Does type/subtype have this inside: "json" is in application/problem+json. */
bool media_has(struct slice type, const char *word);
/* Value of a parameter, quotes removed, as it stands in a Content-Type or Content-Disposition; empty: none. */
struct slice media_param(struct slice type, const char *name);

static inline bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
/* Without blanks and a byte order mark in front; without blanks behind. */
struct slice trim(struct slice);
bool begins(struct slice, const char *exact);
bool begins_fold(struct slice, const char *lower);
static inline bool ends(struct slice s, const char *exact, size_t n)
{
	return s.len >= n && !__builtin_memcmp(s.ptr + s.len - n, exact, n);
}
/* Text as people or programs write it, not what random bytes look like; its last character may be cut. */
bool is_written(struct slice);
/* A name of a member as programs choose them. */
bool is_identifier(struct slice);
/* Four hexadecimal digits; -1: they are none. */
int hex4(const uint8_t *);
size_t utf8_put(uint8_t out[4], uint32_t character);
#endif
