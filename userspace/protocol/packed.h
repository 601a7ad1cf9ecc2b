/* SPDX-License-Identifier: Apache-2.0 */
/* packed.h - bytes that a message carries compressed, by any codec that brokers and databases use,
 * within the caps of content.h. Private to protocol/. */
#ifndef WEIR_PACKED_H
#define WEIR_PACKED_H
#include "base/buf.h"
#include "model/payload.h"

enum packing { PACKED_NOT, PACKED_ZLIB, PACKED_SNAPPY, PACKED_LZ4, PACKED_ZSTD, PACKED_BROTLI, PACKED_UNKNOWN };	/* zlib: gzip too */
enum unpacked {
	UNPACKED_WHOLE,
	UNPACKED_PART,	/* cut, damaged, or over a cap: plain is its beginning */
	UNPACKED_NONE,	/* nothing of it can be read: no such codec here, or it has cost too much */
};

/* Fills plain, which it initialises and the caller frees whatever comes back. */
enum unpacked packed_read(const struct field_sink *, enum packing, struct slice in, struct buf *plain);
#endif
