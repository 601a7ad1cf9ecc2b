/* SPDX-License-Identifier: Apache-2.0 */
/* inflate.h - gzip, zlib and raw deflate, by zlib, within the caps of content.h. */
#ifndef WEIR_INFLATE_H
#define WEIR_INFLATE_H
#include <stdbool.h>
#include "model/payload.h"

struct buf;
/* Appends what can be inflated. true: all of it; false: cut, damaged or over a cap. */
bool inflate_body(struct slice in, struct buf *out);
#endif
