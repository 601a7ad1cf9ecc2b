/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - the template of a path: what identifies one thing becomes "{id}", a segment
 * with a data class in it "{class}" (by the cleaning function), so that a route names an
 * endpoint and never a person. */
#include <string.h>

#include "protocol/protocol.h"

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Numbers, UUIDs, hex of 8 and more with a digit, long opaque segments. */
static bool is_id(struct slice s)
{
	size_t digits = 0, hex = 0, upper = 0, dash = 0, letters = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];

		digits += c >= '0' && c <= '9';
		hex += is_hex(c);
		upper += c >= 'A' && c <= 'Z';
		letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		dash += c == '-' || c == '_';
	}
	if (!s.len)
		return false;
	if (digits + dash == s.len && digits)
		return true;
	if (hex + dash == s.len && s.len >= 8 && digits)
		return true;
	return s.len >= 20 && digits >= 2 && letters && digits + letters + dash == s.len && (upper || digits >= 4);
}

/* Segment by segment; what parts them stays. */
static void segments(char out[PATH_SIZE], struct slice path, const char *parts, const struct field_sink *sink)
{
	size_t n = 0, at = 0;

	while (at < path.len && n + 2 < PATH_SIZE) {
		size_t end = at, len;
		struct slice part;
		char name[NAME_SIZE];

		while (end < path.len && !is_among(path.ptr[end], parts))
			end++;
		part = slice_of(path.ptr + at, end - at);
		if (is_id(part))
			memcpy(name, "{id}", len = 4);
		else
			len = part.len ? sink->clean(sink->owner, name, part) : 0;
		if (len > PATH_SIZE - 2 - n)
			break;
		memcpy(out + n, name, len);
		n += len;
		if (end < path.len)
			out[n++] = (char)path.ptr[end];
		at = end + 1;
	}
	out[n] = 0;
}

void route_key(char out[PATH_SIZE], struct slice key, const struct field_sink *sink)
{
	segments(out, slice_of(key.ptr, key.len < PATH_SIZE * 2 ? key.len : PATH_SIZE * 2), ":/.", sink);
}

struct slice route_word(const char *template)
{
	for (size_t end = strlen(template), i; end; end = i - (i > 0)) {
		for (i = end; i && !strchr(":/.", template[i - 1]);)
			i--;
		if (i < end && !memchr(template + i, '{', end - i))
			return slice_of(template + i, end - i);
		if (!i)
			break;
	}
	return (struct slice){ NULL, 0 };
}

void route_template(char out[PATH_SIZE], struct slice path, const struct field_sink *sink)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] == '?' || path.ptr[i] == '#') {
			path.len = i;
			break;
		}
	if (path.len && path.ptr[0] != '/') {	/* absolute-form: its path; "*" and CONNECT: as they are */
		const uint8_t *scheme = memmem(path.ptr, path.len, "://", 3);
		const uint8_t *slash = scheme ? memchr(scheme + 3, '/', path.len - (size_t)(scheme + 3 - path.ptr)) : NULL;

		if (scheme)
			path = slash ? slice_of(slash, path.len - (size_t)(slash - path.ptr)) : SLICE("/");
	}
	segments(out, path, "/", sink);
}
