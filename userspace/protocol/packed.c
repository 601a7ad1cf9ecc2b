/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/packed.h"

#include "protocol/content.h"
#include "protocol/inflate.h"
#include "protocol/snappy.h"

#ifdef WEIR_LZ4
#include <lz4frame.h>
#include <string.h>

/* Frames, one after another. */
static bool lz4_read(struct slice in, struct buf *out)
{
	LZ4F_dctx *d;
	uint8_t block[16384];
	size_t taken = 0, more = 1;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&d, LZ4F_VERSION)))
		return false;
	for (size_t made = sizeof(block); taken < in.len || made == sizeof(block);) {
		size_t used = in.len - taken;

		made = sizeof(block);
		more = LZ4F_decompress(d, block, &made, in.ptr + taken, &used, NULL);
		taken += used;
		if (LZ4F_isError(more) || (!used && !made))
			break;
		if (buf_add(out, block, made)) {
			inflate_counts.size++;
			break;
		}
		if (out->len > 65536 && out->len / INFLATE_RATIO > taken) {
			inflate_counts.ratio++;
			break;
		}
	}
	LZ4F_freeDecompressionContext(d);
	explicit_bzero(block, sizeof(block));
	return !more && taken == in.len;
}
#else
static bool lz4_read(struct slice in, struct buf *out)
{
	return false;
}
#endif

static bool read_as(enum packing packing, struct slice in, struct buf *plain)
{
	switch (packing) {
	case PACKED_ZLIB: return inflate_body(ENCODING_DEFLATE, in, plain);
	case PACKED_ZSTD: return inflate_body(ENCODING_ZSTD, in, plain);
	case PACKED_BROTLI: return inflate_body(ENCODING_BROTLI, in, plain);
	case PACKED_SNAPPY: return snappy_read(in, plain);
	case PACKED_LZ4: return lz4_read(in, plain);
	default: return false;
	}
}

enum unpacked packed_read(const struct field_sink *sink, enum packing packing, struct slice in, struct buf *plain)
{
	bool whole;

	buf_init(plain, INFLATE_MAX);
	if (!in.len)
		return UNPACKED_NONE;
	if (!inflate_begins(sink))
		return UNPACKED_NONE;
	whole = read_as(packing, in, plain);
	(void)inflate_pay(sink, in.len, plain->len);
	return whole ? UNPACKED_WHOLE : plain->len ? UNPACKED_PART : UNPACKED_NONE;
}
