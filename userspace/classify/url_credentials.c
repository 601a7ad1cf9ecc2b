/* SPDX-License-Identifier: Apache-2.0 */
/* url_credentials.c - scheme://user:password@host, as connection strings of databases and brokers have it. */
#include <string.h>

#include "classify/check.h"

#define PASSWORD_MAX	128
#define USER_MAX	64
#define HOST_MAX	128

static const char *const fillers[] = {
	"password", "pass", "secret", "pwd", "xxx", "xxxx", "xxxxx", "***", "****", "*****", "<password>", "[password]", "changeme", "redacted",
	"token", "yourpassword", "your_password", "mypassword", "example", NULL
};

static bool ends(uint8_t c)
{
	return c <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '/' || c == '@';
}

/* Length of what stands before i until stop, at most max; 0 when it does not get there. */
static size_t back_to(struct slice s, size_t i, uint8_t stop, size_t max)
{
	size_t n = 0;

	while (n < i && n <= max && s.ptr[i - 1 - n] != stop && !ends(s.ptr[i - 1 - n]))
		n++;
	return n < i && n <= max && s.ptr[i - 1 - n] == stop ? n : 0;
}

static int url_credentials_find(struct slice s, size_t at, struct hit *out)
{
	size_t pass = s.ptr[at] == '@' ? back_to(s, at, ':', PASSWORD_MAX) : 0, user, slash, end, scheme;
	struct slice word;

	if (pass < 2)
		return 0;
	word = slice_of(s.ptr + at - pass, pass);
	user = at - pass - 1;
	for (slash = user; slash && user - slash < USER_MAX && !ends(s.ptr[slash - 1]); slash--)
		;
	if (slash < 3 || memcmp(s.ptr + slash - 3, "://", 3) || !is_alnum(byte_at(s, at + 1)))
		return 0;
	if (slice_begins(word, 0, "${") || slice_begins(word, 0, "{{") || slice_begins(word, 0, "%(") || few_bytes((const char *)word.ptr, word.len, 1))
		return 0;
	for (scheme = slash - 3; scheme && slash - scheme < 32 && (is_alnum(s.ptr[scheme - 1]) || s.ptr[scheme - 1] == '+'); scheme--)
		;
	for (end = at + 1; end < s.len && end - at < HOST_MAX && (is_alnum(s.ptr[end]) || strchr(".-:[]", s.ptr[end] ? s.ptr[end] : ' ')); end++)
		;
	if (scheme == slash - 3)
		return 0;
	out->start = scheme;
	out->end = end;
	out->sample = word_listed(fillers, word);
	mask_set(out->mask, "***://***:***@***");
	return 90;
}

static const struct key_phrase keys[] = {
	{ "databaseurl", KEY_EXACT }, { "connectionstring", KEY_EXACT }, { "dsn", KEY_EXACT }, { "dburl", KEY_EXACT }, { "redisurl", KEY_EXACT },
	{ "mongouri", KEY_EXACT }, { "url", KEY_WEAK }, { "uri", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_url_credentials = {
	.info = { "url_credentials", GROUP_SECRET, 1, CONF_CERTAIN, "user and password in a URL" },
	.triggers = TRIGGER_AT,
	.keys = keys,
	.find = url_credentials_find,
};
