/* SPDX-License-Identifier: Apache-2.0 */
/* utf16.h - texts in two bytes a character, as some platforms write XML and CSV. */
#ifndef WEIR_UTF16_H
#define WEIR_UTF16_H
#include "model/payload.h"

/* By its mark, its media type, or that every other one of its first bytes is zero. */
bool utf16_is(struct slice media_type, struct slice body, bool *big_endian);
/* To UTF-8, its mark removed. out has room for three bytes for each two; returns those written. */
size_t utf16_read(uint8_t *out, struct slice body, bool big_endian);
#endif
