/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/content/media.h"

#include <string.h>

struct slice trim(struct slice s)
{
	if (s.len >= 3 && !memcmp(s.ptr, "\xef\xbb\xbf", 3))
		s = slice_of(s.ptr + 3, s.len - 3);
	while (s.len && is_blank(*s.ptr))
		s = slice_of(s.ptr + 1, s.len - 1);
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct slice media_essence(struct slice type)
{
	const uint8_t *end = type.len ? memchr(type.ptr, ';', type.len) : NULL;

	return trim(end ? slice_of(type.ptr, (size_t)(end - type.ptr)) : type);
}

bool media_inside(struct slice essence, const char *word)
{
	for (; essence.len >= strlen(word); essence.ptr++, essence.len--)
		if ((essence.ptr[0] | 0x20) == (uint8_t)word[0] && begins_fold(essence, word))
			return true;
	return false;
}

/* Behind a ';' that stands in no quotes; len 0: there is none. */
static struct slice next_param(struct slice s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		quoted ^= s.ptr[i] == '"';
		if (s.ptr[i] == ';' && !quoted)
			return slice_of(s.ptr + i + 1, s.len - i - 1);
	}
	return (struct slice){ NULL, 0 };
}

struct slice media_param(struct slice type, const char *name)
{
	for (struct slice s = next_param(type); s.len; s = next_param(s)) {
		struct slice v = s;
		size_t n;

		while (v.len && is_blank(*v.ptr))
			v = slice_of(v.ptr + 1, v.len - 1);
		if (!begins_fold(v, name) || v.len == strlen(name) || v.ptr[strlen(name)] != '=')
			continue;
		v = slice_of(v.ptr + strlen(name) + 1, v.len - strlen(name) - 1);
		if (v.len && *v.ptr == '"') {
			const uint8_t *close = memchr(v.ptr + 1, '"', v.len - 1);

			return slice_of(v.ptr + 1, close ? (size_t)(close - v.ptr) - 1 : v.len - 1);
		}
		for (n = 0; n < v.len && v.ptr[n] != ';' && !is_blank(v.ptr[n]); n++)
			;
		return slice_of(v.ptr, n);
	}
	return (struct slice){ NULL, 0 };
}

bool is_written(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		bool follows = i && s.ptr[i - 1] >= 0x80, last = i + 1 == s.len;

		if ((c < 0x20 && !is_blank(c)) || c == 0x7f || c >= 0xf5)
			return false;
		if (c >= 0x80 && c < 0xc2 && !follows)
			return false;
		if (c >= 0xc2 && !last && (s.ptr[i + 1] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

bool is_identifier(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((s.ptr[i] | 0x20) < 'a' || (s.ptr[i] | 0x20) > 'z') && (s.ptr[i] < '0' || s.ptr[i] > '9') && s.ptr[i] != '_' && s.ptr[i] != '-' &&
		    s.ptr[i] != '.')
			return false;
	return s.len > 0;
}

int hex4(const uint8_t *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		uint8_t c = p[i] | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static bool is_named(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

static size_t name_len(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from = p;

	while (p < end && (is_named(*p) || *p == '.' || *p == '"' || *p == '`'))
		p++;
	return (size_t)(p - from);
}

/* Behind the word and the blanks about it; NULL: it does not stand there. */
static const uint8_t *word_behind(const uint8_t *p, const uint8_t *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - p) <= len || strncasecmp((const char *)p, word, len) || is_named(p[len]))
		return NULL;
	for (p += len; p < end && is_blank(*p); p++)
		;
	return p;
}

bool sql_writes(struct slice text)
{
	const uint8_t *p = text.ptr, *end = p + text.len, *q;
	bool insert;
	size_t name;

	while (p < end && is_blank(*p))
		p++;
	q = word_behind(p, end, "insert");
	insert = q != NULL;
	q = insert ? word_behind(q, end, "into") : word_behind(p, end, "update");
	name = q ? name_len(q, end) : 0;
	if (!name)
		return false;
	for (q += name; q < end && is_blank(*q); q++)
		;
	if (insert)
		return q < end && *q == '(';
	q = word_behind(q, end, "set");
	name = q ? name_len(q, end) : 0;
	if (!name)
		return false;
	for (q += name; q < end && is_blank(*q); q++)
		;
	return q < end && *q == '=';
}
