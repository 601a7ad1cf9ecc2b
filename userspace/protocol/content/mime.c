/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/content/mime.h"

#include <string.h>
#include <strings.h>

#include "protocol/content/base64.h"
#include "protocol/content/media.h"

/* Up to and including the line end; all of it when there is none. */
static struct slice line_of(struct slice s)
{
	const uint8_t *nl = s.len ? memchr(s.ptr, '\n', s.len) : NULL;

	return slice_of(s.ptr, nl ? (size_t)(nl - s.ptr) + 1 : s.len);
}

bool mime_header(struct slice *left, struct slice *name, struct slice *value)
{
	struct slice line = line_of(*left), all = line;
	const uint8_t *colon;

	*left = slice_of(left->ptr + line.len, left->len - line.len);
	if (!trim(line).len || line.ptr[line.len - 1] != '\n')
		return false;
	while (left->len && (left->ptr[0] == ' ' || left->ptr[0] == '\t')) {
		line = line_of(*left);
		*left = slice_of(left->ptr + line.len, left->len - line.len);
		all.len += line.len;
	}
	colon = memchr(all.ptr, ':', all.len);
	*name = colon ? trim(slice_of(all.ptr, (size_t)(colon - all.ptr))) : slice_of(all.ptr, 0);
	*value = colon ? trim(slice_of(colon + 1, all.len - (size_t)(colon - all.ptr) - 1)) : trim(all);
	return true;
}

enum transfer mime_transfer(struct slice encoding)
{
	return begins_fold(encoding, "base64") ? TRANSFER_BASE64 : begins_fold(encoding, "quoted-printable") ? TRANSFER_QUOTED : TRANSFER_PLAIN;
}

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 2045, 6.7: =XX, and '=' at a line's end; in a word (RFC 2047, 4.2) '_' is a blank. */
static size_t unquote(uint8_t *out, struct slice s, bool word)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] != '=' || s.len - i < 3) {
			out[n++] = word && s.ptr[i] == '_' ? ' ' : s.ptr[i];
			continue;
		}
		if (s.ptr[i + 1] == '\n' || (s.ptr[i + 1] == '\r' && s.ptr[i + 2] == '\n')) {
			i += s.ptr[i + 1] == '\n' ? 1 : 2;
			continue;
		}
		if (digit(s.ptr[i + 1]) >= 0 && digit(s.ptr[i + 2]) >= 0) {
			out[n++] = (uint8_t)(digit(s.ptr[i + 1]) << 4 | digit(s.ptr[i + 2]));
			i += 2;
		} else {
			out[n++] = '=';
		}
	}
	return n;
}

size_t mime_decode(enum transfer transfer, uint8_t *out, struct slice body)
{
	return transfer == TRANSFER_BASE64 ? base64_read(out, body) : unquote(out, body, false);
}

static bool is_charset(struct slice s, const char *name)
{
	const uint8_t *star = s.len ? memchr(s.ptr, '*', s.len) : NULL;	/* RFC 2231, 5: a language behind it */

	if (star)
		s.len = (size_t)(star - s.ptr);
	return s.len == strlen(name) && begins_fold(s, name);
}

/* "=?charset?encoding?text?=" at the front: its length; 0: there is none. */
static size_t word_at(struct slice s, struct slice *charset, uint8_t *encoding, struct slice *text)
{
	const uint8_t *q, *end;

	if (!begins(s, "=?") || !(q = memchr(s.ptr + 2, '?', s.len - 2)) || s.ptr + s.len - q < 5 || q[2] != '?')
		return 0;
	*charset = slice_of(s.ptr + 2, (size_t)(q - s.ptr) - 2);
	*encoding = q[1] | 0x20;
	end = memchr(q + 3, '?', (size_t)(s.ptr + s.len - q) - 3);
	if (!end || end + 1 == s.ptr + s.len || end[1] != '=' || (*encoding != 'b' && *encoding != 'q'))
		return 0;
	*text = slice_of(q + 3, (size_t)(end - q) - 3);
	return (size_t)(end + 2 - s.ptr);
}

/* What was written at out in Latin-1 becomes UTF-8, in place; there is room for twice as much. */
static size_t widen(uint8_t *out, size_t n)
{
	size_t high = 0, to;

	for (size_t i = 0; i < n; i++)
		high += out[i] >> 7;
	to = n + high;
	for (size_t i = n; i-- > 0;) {
		if (out[i] < 0x80) {
			out[--to] = out[i];
			continue;
		}
		out[to - 1] = out[i] & 0xbf;
		out[to - 2] = 0xc0 | out[i] >> 6;
		to -= 2;
	}
	return n + high;
}

size_t mime_words(uint8_t *out, struct slice value)
{
	size_t n = 0, behind = SIZE_MAX;	/* where in out the last encoded word ended, blanks apart */

	while (value.len) {
		struct slice charset, text;
		uint8_t encoding;
		size_t word = value.ptr[0] == '=' ? word_at(value, &charset, &encoding, &text) : 0, made;
		bool latin = word && (is_charset(charset, "iso-8859-1") || is_charset(charset, "windows-1252"));

		if (word && (latin || is_charset(charset, "utf-8") || is_charset(charset, "us-ascii"))) {
			n = behind != SIZE_MAX ? behind : n;	/* blanks between two of them are none of the text */
			made = encoding == 'b' ? base64_read(out + n, text) : unquote(out + n, text, true);
			n += latin ? widen(out + n, made) : made;
			behind = n;
			value = slice_of(value.ptr + word, value.len - word);
			continue;
		}
		if (!is_blank(value.ptr[0]))
			behind = SIZE_MAX;
		if (value.ptr[0] != '\r' && value.ptr[0] != '\n')
			out[n++] = value.ptr[0];
		value = slice_of(value.ptr + 1, value.len - 1);
	}
	return n;
}
