/* SPDX-License-Identifier: Apache-2.0 */
/* Two directions of HTTP/1. Where the bytes are cut into calls must not change what is
 * found in them, and no byte may leave the account. Only behind bytes that are no HTTP may
 * the cuts matter: there the beginning of a call is where the next message is looked for. */
#include "tests/fuzz/events.h"

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && !(a->len && memcmp(a->ptr, b->ptr, a->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf whole, cut;
	int64_t lost;
	bool late = len && bytes[0] == 'L';

	buf_init(&whole, 64 << 20);
	buf_init(&cut, 64 << 20);
	lost = replay_connection(&whole, slice_of(bytes + late, len - late), 0, late).opaque;
	lost += replay_connection(&cut, slice_of(bytes + late, len - late), len % 7 + 1, late).opaque;
	if (!lost && !same(&whole, &cut)) {
		fprintf(stderr, "--- whole\n");
		fwrite(whole.ptr, 1, whole.len, stderr);
		fprintf(stderr, "--- in pieces of %zu\n", len % 7 + 1);
		fwrite(cut.ptr, 1, cut.len, stderr);
	}
	MUST(lost || same(&whole, &cut));
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
