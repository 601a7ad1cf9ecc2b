/* SPDX-License-Identifier: Apache-2.0 */
/* jwt.c - JSON Web Tokens (RFC 7519): the header must decode to an object with "alg". */
#include <stdio.h>
#include <string.h>

#include "classify/check.h"

#define HEADER_MAX	1024
#define PART_MAX	16384	/* bytes of a part that are read; servers refuse longer headers */

static const char *const algs[] = {
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "ES256K", "PS256", "PS384",
	"PS512", "EdDSA", "none", "RSA-OAEP", "RSA-OAEP-256", "RSA1_5", "dir", "A128KW", "A256KW", "A128GCMKW",
	"A256GCMKW", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW", NULL
};

static bool is_base64url(uint8_t c)
{
	return is_alnum(c) || c == '-' || c == '_';
}

static size_t part_end(struct slice s, size_t i)
{
	size_t start = i;

	while (i < s.len && i - start < PART_MAX && is_base64url(s.ptr[i]))
		i++;
	return i;
}

/* The algorithm's name in the header, out of our own list; "" when it is another, NULL without "alg". */
static const char *header_alg(struct slice part)
{
	uint8_t json[HEADER_MAX];
	struct slice s = { json, 0 };
	const uint8_t *at;
	int n = base64_any(json, sizeof(json), part);

	if (n < 10 || json[0] != '{' || !memchr(json, '}', (size_t)n))
		return NULL;
	s.len = (size_t)n;
	at = memmem(json, s.len, "\"alg\"", 5);
	if (!at)
		return NULL;
	s.len -= (size_t)(at + 5 - json);
	s.ptr = at + 5;
	while (s.len && (*s.ptr == ' ' || *s.ptr == ':' || *s.ptr == '"')) {
		s.ptr++;
		s.len--;
	}
	for (const char *const *a = algs; *a; a++)
		if (slice_begins(s, 0, *a) && byte_at(s, strlen(*a)) == '"')
			return *a;
	return "";
}

static int jwt_find(struct slice s, size_t at, struct hit *out)
{
	size_t dot1, dot2, end;
	const char *alg;

	if (at && is_base64url(s.ptr[at - 1]))
		return 0;
	dot1 = part_end(s, at);
	if (byte_at(s, dot1) != '.' || dot1 - at > HEADER_MAX * 4 / 3)
		return 0;
	alg = header_alg(slice_of(s.ptr + at, dot1 - at));
	if (!alg)
		return 0;
	dot2 = part_end(s, dot1 + 1);
	if (byte_at(s, dot2) != '.')
		return 0;
	end = part_end(s, dot2 + 1);
	/* Five parts are an encrypted token (RFC 7516); without them the second may not be empty. */
	for (int extra = 0; extra < 2 && byte_at(s, end) == '.' && is_base64url(byte_at(s, end + 1)); extra++)
		end = part_end(s, end + 1);
	if (dot2 - dot1 < 3 && end - dot2 < 3)
		return 0;
	out->start = at;
	out->end = end;
	/* The token of jwt.io: {"sub":"1234567890","name":"John Doe" */
	out->sample = slice_begins(s, dot1 + 1, "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lI");
	snprintf(out->mask, MASK_SIZE, "jwt:alg=%s", *alg ? alg : "?");
	return 95;
}

/* {" and { followed by a blank or a line end */
static const char *const literals[] = { "eyJ", "eyA", "ewo", "ew0", NULL };
static const struct key_phrase keys[] = {
	{ "jwt", KEY_EXACT }, { "accesstoken", KEY_EXACT }, { "idtoken", KEY_EXACT }, { "bearer", KEY_EXACT },
	{ "authorization", KEY_EXACT }, { "token", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_jwt = {
	.info = { "jwt", GROUP_SECRET, 1, CONF_CERTAIN, "JSON Web Token" },
	.triggers = TRIGGER_LITERAL,
	.literals = literals,
	.keys = keys,
	.find = jwt_find,
};
