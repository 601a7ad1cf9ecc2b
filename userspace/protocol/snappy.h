/* SPDX-License-Identifier: Apache-2.0 */
/* snappy.h - Snappy, in its block format or as xerial's library frames blocks of it, within the caps
 * of content.h. By hand: the library is C++, whose runtime every role would load, and gives nothing of
 * a block that is not whole; the format is a list of copies. Private to protocol/. */
#ifndef WEIR_SNAPPY_H
#define WEIR_SNAPPY_H
#include <stdbool.h>
#include "model/payload.h"

struct buf;
/* Appends what can be read. true: all of it; false: cut, damaged or over a cap. */
bool snappy_read(struct slice in, struct buf *out);
#endif
