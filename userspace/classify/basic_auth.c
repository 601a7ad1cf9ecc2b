/* SPDX-License-Identifier: Apache-2.0 */
/* basic_auth.c - HTTP Basic credentials (RFC 7617): "Basic " and base64 of
 * printable text with a colon. Likely by shape, certain in an Authorization header. */
#include <string.h>

#include "classify/check.h"

#define TOKEN_MAX	1024

static const char *const published[] = {
	"Aladdin:open sesame", "username:password", "user:password", "user:pass", "test:123\xc2\xa3", NULL
};

/* Is it user:password in printable characters? */
static bool credentials_ok(struct slice token, uint8_t *sample)
{
	uint8_t text[TOKEN_MAX];
	int n = base64_any(text, sizeof(text), token);
	const uint8_t *colon = n > 0 ? memchr(text, ':', (size_t)n) : NULL;
	bool ok = n >= 3 && colon;

	for (int i = 0; ok && i < n; i++)
		ok = is_print(text[i]) || text[i] >= 0x80;
	*sample = 0;
	for (const char *const *p = published; ok && *p; p++)
		if ((size_t)n == strlen(*p) && !memcmp(text, *p, (size_t)n))
			*sample = 1;
	explicit_bzero(text, sizeof(text));
	return ok;
}

static int basic_auth_find(struct slice s, size_t at, struct hit *out)
{
	size_t token = at + 6, end;

	if (at && (is_alnum(s.ptr[at - 1]) || s.ptr[at - 1] == '_'))
		return 0;
	while (byte_at(s, token) == ' ')
		token++;
	for (end = token; end < s.len && end - token < TOKEN_MAX && is_base64(s.ptr[end]); end++)
		;
	while (byte_at(s, end) == '=')
		end++;
	if (end - token < 4 || !credentials_ok(slice_of(s.ptr + token, end - token), &out->sample))
		return 0;
	out->start = at;
	out->end = end;
	mask_set(out->mask, "***:***");
	return 70;
}

static const char *const literals[] = { "Basic ", "basic ", "BASIC ", NULL };
static const struct key_phrase keys[] = {
	{ "authorization", KEY_EXACT }, { "proxyauthorization", KEY_EXACT }, { "auth", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_basic_auth = {
	.info = { "basic_auth", GROUP_SECRET, 1, CONF_LIKELY, "user and password of HTTP Basic authentication" },
	.triggers = TRIGGER_LITERAL,
	.literals = literals,
	.keys = keys,
	.find = basic_auth_find,
};
