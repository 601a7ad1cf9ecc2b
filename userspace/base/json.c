/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void json_init(struct json *j, struct buf *buf)
{
	*j = (struct json){ .buf = buf };
}

/* Length of a valid UTF-8 sequence at s (RFC 3629: no surrogates, no overlong forms), else 0. */
static size_t utf8_len(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		return (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
			return 0;
		if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] < 0xf5) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 || (s[3] & 0xc0) != 0x80)
			return 0;
		if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

/* Besides what RFC 8259 asks, DEL and the C1 controls are escaped: terminals obey them. */
static void json_quote(struct buf *b, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	buf_add(b, "\"", 1);
	while (*s) {
		size_t n = utf8_len(s);

		if (!n) {
			buf_puts(b, "\\ufffd");
			s++;
		} else if (*s == '"' || *s == '\\') {
			buf_printf(b, "\\%c", *s++);
		} else if (*s < 0x20 || *s == 0x7f) {
			buf_printf(b, "\\u%04x", *s++);
		} else if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0) {
			buf_printf(b, "\\u%04x", s[1]);
			s += 2;
		} else {
			buf_add(b, s, n);
			s += n;
		}
	}
	buf_add(b, "\"", 1);
}

static void json_key(struct json *j, const char *key)
{
	if (j->comma)
		buf_add(j->buf, ",", 1);
	j->comma = true;
	if (key) {
		json_quote(j->buf, key);
		buf_add(j->buf, ":", 1);
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	json_key(j, key);
	buf_add(j->buf, &bracket, 1);
	j->comma = false;
	j->depth++;
}

void json_close(struct json *j, char bracket)
{
	buf_add(j->buf, &bracket, 1);
	j->comma = true;
	j->depth--;
}

void json_string(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	if (value)
		json_quote(j->buf, value);
	else
		buf_puts(j->buf, "null");
}

void json_int(struct json *j, const char *key, int64_t value)
{
	json_key(j, key);
	buf_printf(j->buf, "%lld", (long long)value);
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	buf_printf(j->buf, "%llu", (unsigned long long)value);
}

void json_double(struct json *j, const char *key, double value)
{
	json_key(j, key);
	if (isfinite(value))
		buf_printf(j->buf, "%.6g", value);
	else
		buf_puts(j->buf, "null");
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	buf_puts(j->buf, value ? "true" : "false");
}

void json_time(struct json *j, const char *key, uint64_t utc_ms)
{
	char text[UTC_SIZE];

	clock_format(text, utc_ms);
	json_string(j, key, text);
}
