/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - RFC 4648, both alphabets, padding optional, in lines or not. */
#ifndef WEIR_BASE64_H
#define WEIR_BASE64_H
#include "model/payload.h"

/* Of the text up to the first byte that is none; returns the bytes written to out, which has room
 * for 3/4 of the text. */
size_t base64_read(uint8_t *out, struct slice text);
#endif
