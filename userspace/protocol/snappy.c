/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/snappy.h"

#include <string.h>

#include "base/buf.h"
#include "protocol/content.h"
#include "protocol/inflate.h"
#include "protocol/reader.h"

/* A copy reaches back by offset, and may run into what it makes: "ab" copied 6 long is "ababab". */
static bool copy_back(struct buf *out, size_t begin, uint64_t offset, size_t len)
{
	while (len) {
		uint8_t piece[64];
		size_t n = len < sizeof(piece) ? len : sizeof(piece);

		if (!offset || offset > out->len - begin)
			return false;
		n = n < offset ? n : (size_t)offset;
		memcpy(piece, out->ptr + out->len - offset, n);
		if (buf_add(out, piece, n))
			return false;
		len -= n;
	}
	return true;
}

/* The next literal or copy. */
static bool element(struct reader *r, struct buf *out, size_t begin)
{
	uint8_t tag = (uint8_t)reader_number(r, 1);
	size_t len = (tag >> 2) + 1u;
	struct slice literal;

	switch (tag & 3) {
	case 0:
		if (len > 60)
			len = (uint32_t)(reader_little(r, len - 60) + 1);	/* of the longest it wraps, as in Google's reader */
		if (r->failed)
			return false;
		literal = reader_take(r, len < r->left.len ? len : r->left.len);	/* of one that is cut, what is there */
		return !buf_add(out, literal.ptr, literal.len) && literal.len == len;
	case 1: {
		uint64_t offset = (uint64_t)(tag >> 5) << 8 | reader_number(r, 1);

		return !r->failed && copy_back(out, begin, offset, (tag >> 2 & 7) + 4u);
	}
	default: {
		uint64_t offset = reader_little(r, (tag & 3) == 2 ? 2 : 4);

		return !r->failed && copy_back(out, begin, offset, len);
	}
	}
}

/* A block says first how long it becomes. */
static bool block(struct slice in, struct buf *out)
{
	struct reader r = { in, false };
	uint64_t size = reader_varint(&r);
	size_t begin = out->len;

	if (r.failed || size > UINT32_MAX)
		return false;
	while (r.left.len && out->len - begin <= size) {
		if (!element(&r, out, begin)) {
			inflate_counts.size += out->failed;
			return false;
		}
		if (out->len - begin > 65536 && (out->len - begin) / INFLATE_RATIO > in.len - r.left.len) {
			inflate_counts.ratio++;
			return false;
		}
	}
	return out->len - begin == size && !r.left.len;
}

bool snappy_read(struct slice in, struct buf *out)
{
	static const uint8_t mark[] = "\x82SNAPPY";	/* and its NUL; two versions follow */
	struct reader r = { in, false };

	if (in.len < sizeof(mark) || memcmp(in.ptr, mark, sizeof(mark)))
		return block(in, out);
	reader_take(&r, sizeof(mark) + 8);
	while (r.left.len) {
		uint32_t len = reader_number(&r, 4);
		bool cut = len > r.left.len;
		struct slice one = reader_take(&r, cut ? r.left.len : len);

		if (r.failed || !block(one, out) || cut)
			return false;
	}
	return !r.failed;
}
