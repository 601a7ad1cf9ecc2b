/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - the template of a path: what identifies one thing becomes "{id}", a segment
 * with a data class in it "{class}" (by the cleaning function), so that a route names an
 * endpoint and never a person. */
#include <string.h>

#include "protocol/protocol.h"

enum { DIGIT = 1, UPPER = 2, LETTER = 4, NUMBER_PART = 8, HEX_PART = 16, WORD_PART = 32, SLASH = 64, MARK = 128 };
#define ALL_PARTS (NUMBER_PART | HEX_PART | WORD_PART)
static const uint8_t kinds[256] = {
	['0' ... '9'] = DIGIT | ALL_PARTS, ['-'] = ALL_PARTS, ['_'] = ALL_PARTS, ['/'] = SLASH, [':'] = MARK, ['.'] = MARK,
	['A' ... 'F'] = UPPER | LETTER | HEX_PART | WORD_PART, ['G' ... 'Z'] = UPPER | LETTER | WORD_PART,
	['a' ... 'f'] = LETTER | HEX_PART | WORD_PART, ['g' ... 'z'] = LETTER | WORD_PART,
};

/* What its bytes are: some of them, all of them. */
struct segment { size_t len, digits; uint8_t some, all; };

static struct segment segment_read(struct slice path, uint8_t parts)
{
	struct segment s = { .all = 0xff };
	uint8_t kind;

	for (; s.len < path.len && !((kind = kinds[path.ptr[s.len]]) & parts); s.len++) {
		s.digits += kind & DIGIT;
		s.some |= kind;
		s.all &= kind;
	}
	return s;
}

/* Numbers, UUIDs, hex of 8 and more with a digit, long opaque segments. */
static bool is_id(const struct segment *s)
{
	if (!s->digits)
		return false;
	if (s->all & NUMBER_PART || (s->all & HEX_PART && s->len >= 8))
		return true;
	return s->all & WORD_PART && s->len >= 20 && s->digits >= 2 && s->some & LETTER && (s->some & UPPER || s->digits >= 4);
}

/* Segment by segment; what parts them stays. */
static void segments(char out[PATH_SIZE], struct slice path, uint8_t parts, const struct field_sink *sink)
{
	size_t n = 0, at = 0;

	while (at < path.len && n + 2 < PATH_SIZE) {
		struct segment s = segment_read(slice_of(path.ptr + at, path.len - at), parts);
		char name[NAME_SIZE];
		size_t len;

		if (is_id(&s))
			memcpy(name, "{id}", len = 4);
		else
			len = s.len ? sink->clean(sink->owner, name, slice_of(path.ptr + at, s.len)) : 0;
		if (len > PATH_SIZE - 2 - n)
			break;
		memcpy(out + n, name, len);
		n += len;
		at += s.len;
		if (at < path.len)
			out[n++] = (char)path.ptr[at];
		at++;
	}
	out[n] = 0;
}

void route_key(char out[PATH_SIZE], struct slice key, const struct field_sink *sink)
{
	segments(out, slice_of(key.ptr, key.len < PATH_SIZE * 2 ? key.len : PATH_SIZE * 2), SLASH | MARK, sink);
}

struct slice route_word(const char *template)
{
	for (size_t end = strlen(template), i; end; end = i - (i > 0)) {
		for (i = end; i && !(kinds[(uint8_t)template[i - 1]] & (SLASH | MARK));)
			i--;
		if (i < end && !memchr(template + i, '{', end - i))
			return slice_of(template + i, end - i);
		if (!i)
			break;
	}
	return (struct slice){ NULL, 0 };
}

static struct slice before(struct slice s, char c)
{
	const uint8_t *at = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return at ? slice_of(s.ptr, (size_t)(at - s.ptr)) : s;
}

void route_template(char out[PATH_SIZE], struct slice path, const struct field_sink *sink)
{
	path = before(before(path, '?'), '#');
	if (path.len && path.ptr[0] != '/' && memchr(path.ptr, ':', path.len)) {	/* absolute-form: its path; "*" and CONNECT: as they are */
		const uint8_t *scheme = memmem(path.ptr, path.len, "://", 3);
		const uint8_t *slash = scheme ? memchr(scheme + 3, '/', path.len - (size_t)(scheme + 3 - path.ptr)) : NULL;

		if (scheme)
			path = slash ? slice_of(slash, path.len - (size_t)(slash - path.ptr)) : SLICE("/");
	}
	segments(out, path, SLASH, sink);
}
