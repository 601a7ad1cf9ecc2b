/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "protocol/content/utf16.h"

#include "protocol/content/media.h"

#define SEEN 8	/* bytes at the front that tell */

static uint32_t unit(const uint8_t *p, bool big)
{
	return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static bool looks_wide(struct slice body, bool big)
{
	for (size_t i = 0; i < SEEN; i += 2) {
		uint32_t c = unit(body.ptr + i, big);

		if ((c < 0x20 && !is_blank((uint8_t)c)) || c >= 0x7f)
			return false;
	}
	return true;
}

bool utf16_is(struct slice type, struct slice body, bool *big)
{
	struct slice charset;

	if (body.len < 2)
		return false;
	*big = body.ptr[0] == 0xfe && body.ptr[1] == 0xff;
	if (*big || (body.ptr[0] == 0xff && body.ptr[1] == 0xfe))
		return true;
	if (body.len < SEEN || (body.ptr[0] && body.ptr[1]))	/* most are told here */
		return false;
	*big = !body.ptr[0];
	if (looks_wide(body, *big))
		return true;
	charset = media_param(type, "charset");
	return begins_fold(charset, "utf-16");
}

size_t utf16_read(uint8_t *out, struct slice body, bool big)
{
	size_t n = 0;

	for (size_t i = 0; body.len - i >= 2; i += 2) {
		uint32_t c = unit(body.ptr + i, big), low = body.len - i >= 4 ? unit(body.ptr + i + 2, big) : 0;

		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		} else if (c >= 0xd800 && c < 0xe000) {
			c = 0xfffd;
		}
		if (i > 2 || c != 0xfeff)
			n += utf8_put(out + n, c);
	}
	return n;
}
