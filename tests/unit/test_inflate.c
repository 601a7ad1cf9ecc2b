/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings: a stream in pieces gives what it gives whole, the caps hold, and all that the
 * libraries take is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/content.h"
#include "protocol/inflate.h"

#define TEXT "{\"email\":\"ana@corp.org\",\"again\":\"ana@corp.org\",\"and\":\"ana@corp.org\"}"
/* TEXT by another's encoder (node:zlib). */
static const uint8_t brotli[] = {
	0x1b, 0x43, 0x00, 0xf8, 0x45, 0x4f, 0x96, 0xfa, 0xb3, 0x59, 0x97, 0xa4, 0x6a, 0x6c, 0x1a, 0xa6, 0x1a, 0xd8, 0x80, 0x03,
	0xf7, 0x38, 0xb4, 0xc0, 0x56, 0xbd, 0x0d, 0x30, 0x01, 0x0c, 0x5c, 0x78, 0xf8, 0xbe, 0xc0, 0xca, 0xd4, 0x7b, 0x87, 0x7b,
	0x13, 0x84, 0xca, 0x59, 0x01, 0x0f,
};

static size_t deflated(const void *in, size_t len, int bits, uint8_t *out, size_t size)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)size };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t packed(enum encoding encoding, int bits, const void *in, size_t len, uint8_t *out, size_t size)
{
	if (encoding == ENCODING_BROTLI) {
		memcpy(out, brotli, sizeof(brotli));
		return sizeof(brotli);
	}
	return encoding == ENCODING_ZSTD ? ZSTD_compress(out, size, in, len, 9) : deflated(in, len, bits, out, size);
}

static void assert_pieces(enum encoding encoding, const uint8_t *in, size_t len, size_t piece)
{
	struct inflater *i = inflater_new(encoding);
	enum inflated r = INFLATED_MORE;
	struct buf out;

	buf_init(&out, INFLATE_MAX);
	for (size_t at = 0; at < len; at += piece) {
		struct slice part = slice_of(in + at, len - at < piece ? len - at : piece);

		assert_int_equal(r, INFLATED_MORE);
		r = inflater_take(i, &part, &out);
		assert_int_equal(part.len, 0);
	}
	assert_int_equal(r, INFLATED_END);
	assert_string_equal(buf_str(&out), TEXT);
	buf_free(&out);
	inflater_free(i);
}

static void any_coding_comes_out_however_it_is_cut(void **state)
{
	static const struct { enum encoding encoding; int bits; } rows[] = {
		{ ENCODING_DEFLATE, 31 }, { ENCODING_DEFLATE, 15 }, { ENCODING_DEFLATE, -15 }, { ENCODING_RAW, -15 },
		{ ENCODING_BROTLI, 0 }, { ENCODING_ZSTD, 0 },
	};
	uint8_t bytes[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = packed(rows[i].encoding, rows[i].bits, TEXT, strlen(TEXT), bytes, sizeof(bytes));

		for (size_t piece = 1; piece <= n; piece++)
			assert_pieces(rows[i].encoding, bytes, n, piece);
	}
	assert_int_equal(budget_used(), 0);
}

static void codings_are_known_by_their_names(void **state)
{
	(void)state;
	assert_int_equal(encoding_named(SLICE("GZip")), ENCODING_DEFLATE);
	assert_int_equal(encoding_named(SLICE("br")), ENCODING_BROTLI);
	assert_int_equal(encoding_named(SLICE("ZSTD")), ENCODING_ZSTD);
	assert_int_equal(encoding_named(SLICE("identity")), ENCODING_NONE);
	assert_int_equal(encoding_named(SLICE("gzip, br")), ENCODING_UNKNOWN);
	assert_int_equal(encoding_named(SLICE("b")), ENCODING_UNKNOWN);
	assert_null(inflater_new(ENCODING_UNKNOWN));
	assert_null(inflater_new(ENCODING_NONE));
}

static void a_bomb_ends_where_its_ratio_does(void **state)
{
	size_t len = 8 << 20, n;
	uint8_t *zeros = calloc(1, len), *bytes = malloc(len);
	struct inflate_counts before;
	struct buf out;

	(void)state;
	for (enum encoding e = ENCODING_DEFLATE; e <= ENCODING_ZSTD; e++) {
		if (e == ENCODING_BROTLI)
			continue;
		n = packed(e, e == ENCODING_RAW ? -15 : 31, zeros, len, bytes, len);
		buf_init(&out, 4 << 20);
		before = inflate_counts;
		assert_false(inflate_body(e, slice_of(bytes, n), &out));
		assert_int_equal(inflate_counts.ratio, before.ratio + 1);
		assert_int_equal(inflate_counts.size, before.size);
		assert_true(out.len > 0 && out.len <= 65536 + 32768 + INFLATE_RATIO * n);
		buf_free(&out);
	}
	free(zeros);
	free(bytes);
	assert_int_equal(budget_used(), 0);
}

static void a_stream_goes_on_behind_what_has_no_room(void **state)
{
	uint8_t *text = malloc(3 << 20), *bytes = malloc(4 << 20);
	struct inflater *i = inflater_new(ENCODING_RAW);
	struct slice in;
	struct buf out;
	uint64_t before;
	size_t n;

	(void)state;
	for (size_t k = 0; k < 3 << 20; k++)
		text[k] = (uint8_t)(rand() & 63);
	memcpy(text + (3 << 20) - 4, "last", 4);
	n = deflated(text, 3 << 20, -15, bytes, 4 << 20);
	in = slice_of(bytes, n);
	buf_init(&out, 1 << 20);
	before = inflate_counts.size;
	assert_int_equal(inflater_take(i, &in, &out), INFLATED_FULL);
	assert_int_equal(inflate_counts.size, before + 1);
	assert_int_equal(out.len, 1 << 20);
	assert_memory_equal(out.ptr, text, out.len);
	assert_true(in.len > 0);
	assert_int_equal(inflater_take(i, &in, NULL), INFLATED_END);
	buf_free(&out);
	inflater_free(i);
	free(text);
	free(bytes);
	assert_int_equal(budget_used(), 0);
}

/* One stream, a message flushed after the other: what the second repeats of the first is in the window. */
static void a_lost_window_reads_as_zeros(void **state)
{
	z_stream z = { 0 };
	uint8_t bytes[256];
	struct inflater *i = inflater_new(ENCODING_RAW);
	struct slice in;
	struct buf out;

	(void)state;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (int k = 0; k < 2; k++) {
		static const char *const messages[] = { "- mail=ana@corp.org;", "new mail=ana@corp.org;" };

		z.next_in = (Bytef *)(uintptr_t)messages[k];
		z.avail_in = (uInt)strlen(messages[k]);
		z.next_out = bytes;
		z.avail_out = sizeof(bytes);
		assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	}
	in = slice_of(bytes, sizeof(bytes) - z.avail_out);
	buf_init(&out, INFLATE_MAX);
	inflater_blind(i);
	assert_int_equal(inflater_take(i, &in, &out), INFLATED_MORE);
	assert_int_equal(out.len, 22);
	assert_memory_equal(out.ptr, "new\0\0\0\0\0\0", 9);
	buf_free(&out);
	inflater_free(i);
	deflateEnd(&z);
}

static void a_wide_window_is_refused(void **state)
{
	/* RFC 8878, 3.1.1.1.2: exponent 17 is 128 MiB, 13 is 8 MiB; then one raw block, the last, of one byte. */
	uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 1 << 3 | 1, 0, 0, 'x' };
	struct buf out;

	(void)state;
	buf_init(&out, INFLATE_MAX);
	assert_false(inflate_body(ENCODING_ZSTD, slice_of(frame, sizeof(frame)), &out));
	assert_int_equal(out.len, 0);
	frame[5] = 13 << 3;
	assert_true(inflate_body(ENCODING_ZSTD, slice_of(frame, sizeof(frame)), &out));
	assert_string_equal(buf_str(&out), "x");
	buf_free(&out);
	assert_int_equal(budget_used(), 0);
}

static bool nothing_left(void *owner, int64_t ns)
{
	int64_t *left = owner;

	*left -= ns;
	return *left >= 0;
}

static void what_no_time_is_left_for_is_counted(void **state)
{
	int64_t left = INFLATE_BEGIN;
	const struct field_sink sink = { .owner = &left, .afford = nothing_left }, free_of_cost = { NULL };
	uint64_t before = inflate_counts.time;

	(void)state;
	assert_true(inflate_begins(&free_of_cost) && inflate_pay(&free_of_cost, 1, 1 << 30));
	assert_true(inflate_begins(&sink));
	assert_true(inflate_pay(&sink, 10, 10));
	assert_false(inflate_pay(&sink, 10, 1 << 20));
	assert_int_equal(inflate_counts.time, before);
	assert_false(inflate_begins(&sink));
	assert_int_equal(inflate_counts.time, before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_coding_comes_out_however_it_is_cut), cmocka_unit_test(codings_are_known_by_their_names),
		cmocka_unit_test(a_bomb_ends_where_its_ratio_does), cmocka_unit_test(a_stream_goes_on_behind_what_has_no_room),
		cmocka_unit_test(a_lost_window_reads_as_zeros), cmocka_unit_test(a_wide_window_is_refused),
		cmocka_unit_test(what_no_time_is_left_for_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
