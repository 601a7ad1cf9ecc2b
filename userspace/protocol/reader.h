/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - takes numbers and vectors off the front of hostile bytes. Only moves forward;
 * once it has failed everything it gives is empty. Private to protocol/. */
#ifndef WEIR_READER_H
#define WEIR_READER_H
#include <stdbool.h>
#include <string.h>
#include "base/varint.h"
#include "model/payload.h"

struct reader { struct slice left; bool failed; };

static inline struct slice reader_take(struct reader *r, size_t n)
{
	struct slice s = { r->left.ptr, n };

	if (r->failed || n > r->left.len) {
		r->failed = true;
		return (struct slice){ 0 };
	}
	r->left = slice_of(r->left.ptr + n, r->left.len - n);
	return s;
}

static inline uint32_t reader_number(struct reader *r, size_t bytes)
{
	struct slice s = reader_take(r, bytes);
	uint32_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.ptr[i];
	return v;
}

/* What follows a length of so many bytes. */
static inline struct slice reader_vector(struct reader *r, size_t length_bytes)
{
	return reader_take(r, reader_number(r, length_bytes));
}

/* Numbers whose first byte is the lowest. */
static inline uint64_t reader_little(struct reader *r, size_t bytes)
{
	struct slice s = reader_take(r, bytes);
	uint64_t v = 0;

	for (size_t i = s.len; i > 0; i--)
		v = v << 8 | s.ptr[i - 1];
	return v;
}

static inline uint64_t reader_varint(struct reader *r)
{
	const uint8_t *p = r->left.ptr;
	uint64_t v = 0;

	if (r->failed || !r->left.len || !varint_take(&p, p + r->left.len, &v)) {
		r->failed = true;
		return 0;
	}
	r->left = slice_of(p, r->left.len - (size_t)(p - r->left.ptr));
	return v;
}

/* Up to a NUL, which is taken too. */
static inline struct slice reader_string(struct reader *r)
{
	const uint8_t *nul = !r->failed && r->left.len ? memchr(r->left.ptr, 0, r->left.len) : NULL;
	struct slice s;

	if (!nul) {
		r->failed = true;
		return (struct slice){ 0 };
	}
	s = reader_take(r, (size_t)(nul - r->left.ptr));
	reader_take(r, 1);
	return s;
}

/* As reader_vector; what is not there any more is left out. */
static inline struct slice reader_cut_vector(struct reader *r, size_t length_bytes)
{
	size_t n = reader_number(r, length_bytes);

	return reader_take(r, n < r->left.len ? n : r->left.len);
}
#endif
