/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/sasl.h"

#include <string.h>

#include "protocol/content.h"

static bool begins(struct slice s, const char *word)
{
	return s.len >= strlen(word) && !memcmp(s.ptr, word, strlen(word));
}

enum auth sasl_auth(struct slice mechanism)
{
	return !mechanism.len || begins(mechanism, "ANONYMOUS") ? AUTH_NONE : begins(mechanism, "OAUTHBEARER") ? AUTH_BEARER : AUTH_DATABASE;
}

static void tell(const struct field_sink *sink, struct exchange *ex, enum dir dir, const char *path, struct slice value)
{
	const char *name = strchr(path, '.') + 1;
	struct slice key = slice_of(name, strlen(name));
	struct content_job job = { .exchange = ex, .sink = sink, .location = LOC_REQUEST_HEADER, .dir = dir };
	struct field f = { .location = LOC_REQUEST_HEADER, .dir = dir, .path = path, .key = key, .value = value };

	if (value.len && !content_inside(&job, path, key, value))
		sink->field(sink->owner, ex, &f);
}

/* What stands between first and one of the ends. */
static struct slice between(struct slice s, const char *first, const char *ends)
{
	const uint8_t *p = s.len ? memmem(s.ptr, s.len, first, strlen(first)) : NULL;
	size_t n = 0, left;

	if (!p)
		return (struct slice){ 0 };
	p += strlen(first);
	left = s.len - (size_t)(p - s.ptr);
	while (n < left && !strchr(ends, p[n]))
		n++;
	return slice_of(p, n);
}

/* [whom to act for] NUL user NUL password */
static void tell_plain(const struct field_sink *sink, struct exchange *ex, enum dir dir, struct slice s)
{
	const uint8_t *user = s.len ? memchr(s.ptr, 0, s.len) : NULL, *password;
	size_t left = user ? s.len - (size_t)(user - s.ptr) - 1 : 0;

	if (!user)
		return;
	password = memchr(++user, 0, left);
	tell(sink, ex, dir, "sasl.user", slice_of(user, password ? (size_t)(password - user) : left));
	if (password)
		tell(sink, ex, dir, "sasl.password", slice_of(password + 1, left - (size_t)(password - user) - 1));
}

void sasl_tell(const struct field_sink *sink, struct exchange *ex, enum dir dir, struct slice mechanism, struct slice message)
{
	if (begins(mechanism, "PLAIN"))
		tell_plain(sink, ex, dir, message);
	else if (begins(mechanism, "SCRAM"))
		tell(sink, ex, dir, "sasl.user", between(message, "n=", ","));
	else if (begins(mechanism, "OAUTHBEARER"))
		tell(sink, ex, dir, "sasl.token", between(message, "Bearer ", "\x01"));
}
