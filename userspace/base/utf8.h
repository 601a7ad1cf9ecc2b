/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - a character as UTF-8, RFC 3629. */
#ifndef WEIR_UTF8_H
#define WEIR_UTF8_H
#include <stddef.h>
#include <stdint.h>

/* Of a number below 0x110000; surrogates are written as they are. Returns the bytes, 1 to 4. */
static inline size_t utf8_put(uint8_t out[4], uint32_t c)
{
	size_t n = 0;

	if (c < 0x80) {
		out[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		out[n++] = (uint8_t)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		out[n++] = (uint8_t)(0xe0 | c >> 12);
		out[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
	} else {
		out[n++] = (uint8_t)(0xf0 | c >> 18);
		out[n++] = (uint8_t)(0x80 | (c >> 12 & 63));
		out[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
	}
	if (c >= 0x80)
		out[n++] = (uint8_t)(0x80 | (c & 63));
	return n;
}
#endif
