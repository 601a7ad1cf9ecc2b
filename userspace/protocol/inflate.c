/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/inflate.h"

#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "protocol/content.h"

/* windowBits: 15 + 32 tells gzip and zlib apart; -15 is raw deflate, which some servers
 * send for "deflate" (RFC 9110, 8.4.1.2, note). */
static bool inflate_as(struct slice in, struct buf *out, int bits, bool *any)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len };
	uint8_t block[16384];
	size_t before = out->len;
	int r = Z_OK;

	if (inflateInit2(&z, bits) != Z_OK)
		return false;
	while (r == Z_OK) {
		z.next_out = block;
		z.avail_out = sizeof(block);
		r = inflate(&z, Z_NO_FLUSH);
		if (buf_add(out, block, sizeof(block) - z.avail_out))
			break;
		if (out->len - before > 65536 && (out->len - before) / INFLATE_RATIO > in.len - z.avail_in)
			break;	/* a bomb */
		if (r == Z_BUF_ERROR || (r == Z_OK && !z.avail_in && z.avail_out))
			break;
	}
	inflateEnd(&z);
	explicit_bzero(block, sizeof(block));
	*any = out->len > before;
	return r == Z_STREAM_END;
}

bool inflate_body(struct slice in, struct buf *out)
{
	bool any = false, whole;

	if (in.len > UINT32_MAX)
		return false;
	whole = inflate_as(in, out, 15 + 32, &any);
	return whole || any ? whole : inflate_as(in, out, -15, &any);
}
