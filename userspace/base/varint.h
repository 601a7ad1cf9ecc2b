/* SPDX-License-Identifier: Apache-2.0 */
/* varint.h - numbers in sevens of bits, the low ones first, a set high bit says that more follow. */
#ifndef WEIR_VARINT_H
#define WEIR_VARINT_H
#include <stdbool.h>
#include <stdint.h>

/* false: it is none, or goes on behind end. */
static inline bool varint_take(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 10 && *p < end; i++) {
		uint8_t c = *(*p)++;

		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c < 0x80) {
			*out = v;
			return true;
		}
	}
	return false;
}
#endif
