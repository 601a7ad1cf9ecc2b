/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bodies: hostile ones keep to the caps, and what zlib itself packed (the same
 * bytes as plain text, by the format that the first byte chooses) comes out as it was. */
#include <zlib.h>

#include "base/buf.h"
#include "protocol/content.h"
#include "protocol/inflate.h"
#include "tests/fuzz/fuzz.h"

static size_t pack(const uint8_t *in, size_t len, int bits, uint8_t *out, size_t size)
{
	z_stream z = { .next_in = (uint8_t *)in, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)size };
	size_t n;

	MUST(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	MUST(deflate(&z, Z_FINISH) == Z_STREAM_END);
	n = z.total_out;
	deflateEnd(&z);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const int formats[] = { 31, 15, -15 };
	int bits = formats[len ? bytes[0] % 3 : 0];
	uint8_t *in = exact(bytes, len), *packed;
	struct buf out;
	size_t n;

	buf_init(&out, INFLATE_MAX);
	(void)inflate_body(ENCODING_DEFLATE, slice_of(in, len), &out);	/* hostile bytes: either answer is right */
	MUST(out.len <= INFLATE_MAX && out.len <= 65536 + 32768 + INFLATE_RATIO * (len + 1));
	buf_reset(&out);
	packed = malloc(len + 1024);
	n = pack(in, len, bits, packed, len + 1024);
	/* Raw deflate has no mark: bytes that happen to be a zlib head are taken for one. */
	if (len < 65536 && (bits > 0 || (packed[0] & 15) != 8)) {
		MUST(inflate_body(ENCODING_DEFLATE, slice_of(packed, n), &out));
		MUST(out.len == len && !(len && memcmp(out.ptr, in, len)));
	}
	buf_free(&out);
	free(packed);
	free(in);
	return 0;
}
