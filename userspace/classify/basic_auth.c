/* SPDX-License-Identifier: Apache-2.0 */
/* basic_auth.c - HTTP Basic credentials (RFC 7617): "Basic " and base64 of printable text with a colon, likely by
 * shape, certain in an Authorization header; and what is given to curl for them. */
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

#define LINE_SEEN 512	/* bytes before an option in which its command is named */

/* Is it an option of curl's, of the command at hand? */
static bool is_of_curl(struct slice s, size_t at)
{
	size_t from = at > LINE_SEEN ? at - LINE_SEEN : 0;
	const uint8_t *curl = NULL, *p = s.ptr + from, *end = s.ptr + at;
	uint8_t quote = 0;

	while ((p = memmem(p, (size_t)(end - p), "curl ", 5)))
		curl = p++;
	if (!curl || (curl > s.ptr && is_alnum(curl[-1])))
		return false;
	for (p = curl; p < end; p++) {	/* a line may go on behind a backslash */
		if ((*p == '\n' && p[-1] != '\\') || (!quote && (*p == ';' || *p == '|' || (*p == '&' && p[1] == '&'))))
			return false;
		if (*p == '"' || *p == '\'')
			quote = !quote ? *p : quote == *p ? 0 : quote;
	}
	return s.ptr[at - 1] == ' ';
}

/* "curl -u ana:Wolken-77 …": user and password behind the option. */
static int curl_find(struct slice s, size_t at, struct hit *out)
{
	static const char *const fillers[] = { "pwd", "secret", "token", "xxx", "xxxx", "yourpassword", "your_password", NULL };
	size_t start = at, colon, end;
	struct slice pass;
	uint8_t quote = 0;

	while (start < s.len && s.ptr[start] != ' ' && s.ptr[start] != '=')
		start++;
	start++;
	if (byte_at(s, start) == '"' || byte_at(s, start) == '\'')
		quote = s.ptr[start++];
	for (colon = start; is_alnum(byte_at(s, colon)) || (byte_at(s, colon) && strchr("_.@+-", s.ptr[colon])); colon++)
		;
	if (colon == start || byte_at(s, colon) != ':')
		return 0;
	for (end = colon + 1; end < s.len && end - colon < 128 && s.ptr[end] > ' ' && (quote ? s.ptr[end] != quote : !strchr("\"'`<>|;", s.ptr[end])); end++)
		;
	pass = slice_of(s.ptr + colon + 1, end - colon - 1);
	if (pass.len < 3 || strchr("$<{%[", pass.ptr[0]) || few_bytes((const char *)pass.ptr, pass.len, 1) || !is_of_curl(s, at))
		return 0;
	out->start = start;
	out->end = end;
	out->sample = word_listed(fillers, pass) || slice_begins_fold(pass, 0, "passw");
	mask_set(out->mask, "***:***");
	return 85;
}

static int basic_auth_find(struct slice s, size_t at, struct hit *out)
{
	size_t token = at + 6, end;

	if (s.ptr[at] == '-')
		return curl_find(s, at, out);
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

static const char *const literals[] = { "Basic ", "basic ", "BASIC ", "-u ", "--user ", "--user=", "--proxy-user ", NULL };
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
