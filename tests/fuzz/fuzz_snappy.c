/* SPDX-License-Identifier: Apache-2.0 */
/* Snappy, framed or not: hostile bytes stay within the caps, and what its own library makes of
 * bytes is read back as they were. */
#include <snappy-c.h>

#include "base/buf.h"
#include "protocol/content.h"
#include "protocol/snappy.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *in = exact(bytes, len), *packed = malloc(snappy_max_compressed_length(len)), *plain = malloc(INFLATE_MAX);
	size_t n = snappy_max_compressed_length(len), made = INFLATE_MAX;
	struct buf out;
	bool whole;

	buf_init(&out, INFLATE_MAX);
	whole = snappy_read(slice_of(in, len), &out);
	MUST(out.len <= INFLATE_MAX);
	/* Its library agrees on what is whole, where no cap is in the way. */
	if (len && in[0] != 0x82 && snappy_uncompress((const char *)in, len, (char *)plain, &made) == SNAPPY_OK && made <= 65536)
		MUST(whole && out.len == made && !(made && memcmp(out.ptr, plain, made)));
	else if (len && in[0] != 0x82)
		MUST(!whole || out.len > 65536);
	buf_reset(&out);
	MUST(snappy_compress((const char *)in, len, (char *)packed, &n) == SNAPPY_OK);
	MUST(snappy_read(slice_of(packed, n), &out) && out.len == len && !(len && memcmp(out.ptr, in, len)));
	buf_free(&out);
	free(plain);
	free(packed);
	free(in);
	return 0;
}
