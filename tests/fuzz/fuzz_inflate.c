/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of one content coding, hostile: where it is cut into calls must not change what comes out,
 * the caps hold, and all memory is given back. The first byte: the coding, 8 behind a window that
 * nobody saw, 16 with little room; the second: the length of a piece. */
#include "base/budget.h"
#include "base/buf.h"
#include "protocol/content.h"
#include "protocol/inflate.h"
#include "tests/fuzz/fuzz.h"

static enum inflated run(unsigned how, struct slice in, size_t piece, struct buf *out)
{
	static const enum encoding codings[] = { ENCODING_DEFLATE, ENCODING_RAW, ENCODING_BROTLI, ENCODING_ZSTD };
	enum encoding coding = codings[how & 3];
	struct inflater *i = inflater_new(coding);
	enum inflated r = INFLATED_MORE;

	MUST(i);
	if (how & 8 && coding == ENCODING_RAW)
		inflater_blind(i);
	while (in.len && r != INFLATED_BAD) {
		size_t n = piece < in.len ? piece : in.len;
		struct slice part = slice_of(in.ptr, n);

		r = inflater_take(i, &part, out && out->failed ? NULL : out);
		MUST(r == INFLATED_FULL || r == INFLATED_BAD || !part.len);
		in = slice_of(in.ptr + n - part.len, in.len - n + part.len);
	}
	inflater_free(i);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	unsigned how = len > 1 ? bytes[0] : 0;
	size_t piece = len > 1 ? bytes[1] % 16 + 1u : 1;
	uint8_t *in = exact(bytes + (len > 1 ? 2 : 0), len > 1 ? len - 2 : 0);
	struct slice all = slice_of(in, len > 1 ? len - 2 : 0);
	struct buf whole, cut;
	enum inflated a, b;

	buf_init(&whole, how & 16 ? 1000 : INFLATE_MAX);
	buf_init(&cut, how & 16 ? 1000 : INFLATE_MAX);
	a = run(how, all, SIZE_MAX, &whole);
	b = run(how, all, piece, &cut);
	MUST(whole.len <= whole.max && whole.len <= 65536 + 32768 + INFLATE_RATIO * (len + 1));
	/* What a block holds that has no room is dropped whole, a bomb is noticed at the end of a piece, and
	 * what is damaged gives a library's all until then or not. */
	if (a != INFLATED_BAD && b != INFLATED_BAD && !whole.failed && !cut.failed)
		MUST(whole.len == cut.len && !(cut.len && memcmp(whole.ptr, cut.ptr, cut.len)));
	buf_free(&whole);
	buf_free(&cut);
	free(in);
	MUST(!budget_used());
	return 0;
}
