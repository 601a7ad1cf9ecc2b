/* SPDX-License-Identifier: Apache-2.0 */
/* bearer_token.c - HTTP Bearer credentials (RFC 6750). A token of a known issuer, or a JWT, inside is found as
 * such: it is as sure, and longer or better named. */
#include <string.h>

#include "classify/check.h"

#define TOKEN_MAX 2048
#define TOKEN_MIN 16

static bool is_token_byte(uint8_t c)
{
	return is_alnum(c) || (c && strchr("-._~+/=", c));
}

static int bearer_token_find(struct slice s, size_t at, struct hit *out)
{
	size_t begin = at + 7, end = begin;
	bool digit = false, letter = false;

	while (byte_at(s, begin) == ' ')
		begin++;
	for (end = begin; end < s.len && end - begin < TOKEN_MAX && is_token_byte(s.ptr[end]); end++) {
		digit |= is_digit(s.ptr[end]);
		letter |= is_alpha(s.ptr[end]);
	}
	while (end > begin && (s.ptr[end - 1] == '.' || s.ptr[end - 1] == '-'))
		end--;
	for (size_t i = begin; i + 1 < end; i++)
		if (s.ptr[i] == '=' && s.ptr[i + 1] != '=')
			return 0;	/* "type=bearer id=4711" */
	if (end < begin + TOKEN_MIN || !digit || !letter || few_bytes((const char *)s.ptr + begin, end - begin, 5))
		return 0;
	/* A JWT says more about itself. */
	if (slice_begins(s, begin, "eyJ") && memchr(s.ptr + begin, '.', end - begin))
		return 0;
	out->start = begin;
	out->end = end;
	out->sample = slice_has(slice_of(s.ptr + begin, end - begin), "mF_9.B5f-4.1JqM");	/* of the RFC */
	mask_set(out->mask, "Bearer ********");
	return 75;
}

static const char *const literals[] = { "Bearer ", "bearer ", "BEARER ", NULL };
static const struct key_phrase keys[] = {
	{ "authorization", KEY_EXACT }, { "proxyauthorization", KEY_EXACT }, { "bearer", KEY_EXACT }, { "token", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_bearer_token = {
	.info = { "bearer_token", GROUP_SECRET, 1, CONF_LIKELY, "token of HTTP Bearer authentication" },
	.triggers = TRIGGER_LITERAL,
	.literals = literals,
	.keys = keys,
	.find = bearer_token_find,
};
