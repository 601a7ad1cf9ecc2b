/* SPDX-License-Identifier: Apache-2.0 */
/* aws_access_key.c - AWS access key ids: four letters of kind, 16 of base32. Ids of
 * users and roles (AIDA, AROA) open nothing and are not reported. */
#include <string.h>

#include "classify/check.h"

#define BODY 16

static bool is_base32(uint8_t c)
{
	return is_upper(c) || (c >= '2' && c <= '7');
}

static int aws_access_key_find(struct slice s, size_t at, struct hit *out)
{
	size_t body = at + 4;
	bool strict = true;

	if (at && (is_alnum(s.ptr[at - 1]) || s.ptr[at - 1] == '/' || s.ptr[at - 1] == '+'))
		return 0;
	if (body > s.len || s.len - body < BODY)
		return 0;
	for (size_t i = body; i < body + BODY; i++) {
		if (!is_upper(s.ptr[i]) && !is_digit(s.ptr[i]))
			return 0;
		strict = strict && is_base32(s.ptr[i]);
	}
	/* Inside a longer base64 text it is chance. */
	if (is_alnum(byte_at(s, body + BODY)) || byte_at(s, body + BODY) == '+' || byte_at(s, body + BODY) == '/')
		return 0;
	if (few_bytes((const char *)s.ptr + body, BODY, 1))
		return 0;	/* AKIAXXXXXXXXXXXXXXXX: a placeholder */
	out->start = at;
	out->end = body + BODY;
	/* The documentation's keys end so, and need not be base32. */
	out->sample = slice_begins(s, out->end - 7, "EXAMPLE");
	memset(out->mask, '*', 4 + BODY);
	memcpy(out->mask, s.ptr + at, 4);
	out->mask[4 + BODY] = 0;
	return strict || out->sample ? 95 : 40;
}

static const char *const literals[] = { "AKIA", "ASIA", "ABIA", "ACCA", NULL };
static const struct key_phrase keys[] = {
	{ "accesskey", KEY_EXACT }, { "accesskeyid", KEY_EXACT }, { "awsaccesskeyid", KEY_EXACT },
	{ "awsaccesskey", KEY_EXACT }, { "awskey", KEY_EXACT }, { "key", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_aws_access_key = {
	.info = { "aws_access_key", GROUP_SECRET, 1, CONF_CERTAIN, "AWS access key id" },
	.triggers = TRIGGER_LITERAL,
	.literals = literals,
	.keys = keys,
	.find = aws_access_key_find,
};
