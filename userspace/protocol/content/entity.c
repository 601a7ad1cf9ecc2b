/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "protocol/content/entity.h"

#include <string.h>

#include "protocol/content/media.h"

#define ENTITY_MAX 10	/* bytes of the longest that is known, "&#x10ffff;" */

static const struct entity { const char text[8]; uint8_t byte; bool html; } entities[] = {
	{ "lt;", '<', false }, { "gt;", '>', false }, { "amp;", '&', false }, { "quot;", '"', false }, { "apos;", '\'', false }, { "nbsp;", ' ', true },
};

/* "#233;" or "#xe9;" to its character; *len: of what was read. 0: it is none. */
static uint32_t character(struct slice s, size_t *len)
{
	bool hex = s.len > 1 && (s.ptr[1] | 0x20) == 'x';
	size_t i = hex ? 2 : 1;
	uint32_t c = 0;

	for (; i < s.len && i < ENTITY_MAX; i++) {
		uint8_t digit = s.ptr[i];

		if (digit == ';')
			break;
		if (digit >= '0' && digit <= '9')
			c = c * (hex ? 16 : 10) + digit - '0';
		else if (hex && (digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
			c = c * 16 + (digit | 0x20u) - 'a' + 10;
		else
			return 0;
	}
	*len = i + 1;
	return i < s.len && s.ptr[i] == ';' && c <= 0x10ffff ? c : 0;
}

size_t entities_decode(uint8_t *out, struct slice text, bool html)
{
	size_t n = 0, i = 0;

	while (i < text.len) {
		struct slice rest = slice_of(text.ptr + i + 1, text.len - i - 1);
		size_t known = sizeof(entities) / sizeof(entities[0]), e, len = 0;
		uint32_t c;

		if (text.ptr[i] != '&') {
			out[n++] = text.ptr[i++];
			continue;
		}
		if (rest.len && rest.ptr[0] == '#' && (c = character(rest, &len))) {
			n += utf8_put(out + n, c);	/* its number is longer than it */
			i += len + 1;
			continue;
		}
		for (e = 0; e < known; e++)
			if (rest.len && rest.ptr[0] == entities[e].text[0] && (html || !entities[e].html) && begins(rest, entities[e].text))
				break;
		if (e < known)
			i += strlen(entities[e].text);
		out[n++] = e < known ? entities[e].byte : '&';
		i++;
	}
	return n;
}

const uint8_t *name_end(const uint8_t *p, const uint8_t *end)
{
	while (p < end && !is_blank(*p) && *p != '>' && *p != '/' && *p != '=' && *p != '<')
		p++;
	return p;
}

bool attribute_next(const uint8_t **at, const uint8_t *end, struct attribute *a)
{
	const uint8_t *p = *at, *from;

	while (p < end && (is_blank(*p) || *p == '/' || *p == '='))
		p++;
	*at = p;
	if (p == end || *p == '>' || *p == '<')
		return false;
	*a = (struct attribute){ .name = slice_of(p, (size_t)(name_end(p, end) - p)), .whole = true };
	p += a->name.len;
	while (p < end && is_blank(*p))
		p++;
	if (p < end && *p == '=') {
		for (p++; p < end && is_blank(*p); p++)
			;
		from = p;
		if (p < end && (*p == '"' || *p == '\'')) {
			from = p + 1;
			p = memchr(from, *p, (size_t)(end - from));
			a->whole = p != NULL;
			p = p ? p : end;
			a->value = slice_of(from, (size_t)(p - from));
			p += a->whole;
		} else {
			while (p < end && !is_blank(*p) && *p != '>')
				p++;
			a->value = slice_of(from, (size_t)(p - from));
		}
	}
	*at = p;
	return true;
}
