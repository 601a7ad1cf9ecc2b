/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/unescape.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "classify/bytes.h"

static unsigned unicode_at(const uint8_t *p)
{
	return (unsigned)(hex_value(p[0]) << 12 | hex_value(p[1]) << 8 | hex_value(p[2]) << 4 | hex_value(p[3]));
}

/* One escape of a checked string at raw[i] (the backslash) into out; *used raw bytes. */
static size_t escape_read(struct slice raw, size_t i, uint8_t out[4], size_t *used)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned c, low;

	*used = 2;
	if (raw.ptr[i + 1] != 'u') {
		out[0] = (uint8_t)to[strchr(from, raw.ptr[i + 1]) - from];
		return 1;
	}
	c = unicode_at(raw.ptr + i + 2);
	*used = 6;
	if (c >= 0xd800 && c < 0xdc00 && raw.len - i >= 12 && raw.ptr[i + 6] == '\\' && raw.ptr[i + 7] == 'u') {
		low = unicode_at(raw.ptr + i + 8);
		if (low >= 0xdc00 && low < 0xe000) {
			*used = 12;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	return utf8_put(out, c);
}

bool unescape_room(struct unescaped *u, size_t len)
{
	uint8_t *text;
	size_t *map;

	if (len < u->size) {
		u->used = len > u->used ? len : u->used;
		return true;
	}
	text = malloc(len + 1);
	map = malloc((len + 1) * sizeof(*map));
	if (!text || !map) {
		free(text);
		free(map);
		return false;
	}
	if (u->text)
		explicit_bzero(u->text, u->size);
	free(u->text);
	free(u->map);
	*u = (struct unescaped){ .text = text, .map = map, .size = len + 1, .used = len };
	return true;
}

bool unescape_json(struct unescaped *u, struct slice raw, size_t at, struct slice *out)
{
	size_t n = 0, used;
	uint8_t bytes[4];

	if (!unescape_room(u, raw.len))
		return false;
	for (size_t i = 0; i < raw.len; i += used) {
		size_t len = 1;

		used = 1;
		bytes[0] = raw.ptr[i];
		if (raw.ptr[i] == '\\')
			len = escape_read(raw, i, bytes, &used);
		for (size_t b = 0; b < len; b++) {
			u->map[n] = at + i;
			u->text[n++] = bytes[b];
		}
	}
	u->map[n] = at + raw.len;
	*out = slice_of(u->text, n);
	return true;
}

struct slice unescape_name(struct slice raw, uint8_t *out, size_t room)
{
	size_t n = 0, used;

	for (size_t i = 0; i < raw.len && n < room - 4; i += used) {
		used = 1;
		if (raw.ptr[i] == '\\')
			n += escape_read(raw, i, out + n, &used);
		else
			out[n++] = raw.ptr[i];
	}
	return slice_of(out, n);
}

static bool is_percent_escape(const uint8_t *p, size_t left)
{
	return left > 2 && *p == '%' && is_hex(p[1]) && is_hex(p[2]);
}

static uint8_t percent_byte(const uint8_t *p)
{
	return (uint8_t)(hex_value(p[1]) << 4 | hex_value(p[2]));
}

size_t unescape_form(uint8_t *out, struct slice raw, const uint8_t *end)
{
	size_t n = 0, done;

	for (size_t i = 0; i < raw.len;) {
		done = bytes_unplus(out + n, raw.ptr + i, raw.len - i, (size_t)(end - raw.ptr) - i);
		i += done;
		n += done;
		if (i == raw.len || raw.ptr[i] != '%')
			continue;
		if (is_percent_escape(raw.ptr + i, raw.len - i)) {
			out[n++] = percent_byte(raw.ptr + i);
			i += 3;
		} else {
			out[n++] = raw.ptr[i++];
		}
	}
	return n;
}

void unescape_form_map(size_t *map, struct slice raw, size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i += is_percent_escape(raw.ptr + i, raw.len - i) ? 3 : 1)
		map[n++] = at + i;
	map[n] = at + raw.len;
}

void unescape_wipe(struct unescaped *u)
{
	if (u->text)
		explicit_bzero(u->text, u->used);
	u->used = 0;
}
