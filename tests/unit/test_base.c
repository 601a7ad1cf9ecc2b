/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"

static void a_buffer_never_passes_its_maximum(void **state)
{
	struct buf b;

	buf_init(&b, 10);
	assert_int_equal(buf_add(&b, "12345678", 8), 0);
	assert_int_equal(buf_add(&b, "abc", 3), -ENOSPC);
	assert_int_equal(b.len, 8);
	assert_int_equal(buf_add(&b, "a", 1), -ENOSPC);	/* failed stays */
	buf_reset(&b);
	assert_int_equal(buf_add(&b, "a", 1), 0);
	buf_free(&b);
}

static void consuming_wipes_the_tail(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	buf_puts(&b, "secretrest");
	buf_consume(&b, 6);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.ptr, "rest", 4);
	assert_null(memmem(b.ptr, b.size, "secret", 6));
	assert_memory_equal(b.ptr + 4, "\0\0\0\0\0\0", 6);
	buf_free(&b);
}

static void json_is_inert(void **state)
{
	struct buf b;
	struct json j;

	buf_init(&b, 4096);
	json_init(&j, &b);
	json_open(&j, NULL, '{');
	json_string(&j, "a", "quote\" back\\ esc\x1b[31m del\x7f c1\xc2\x9b ok\xc3\xa9 bad\xff");
	json_open(&j, "list", '[');
	json_int(&j, NULL, -5);
	json_uint(&j, NULL, UINT64_MAX);
	json_bool(&j, NULL, true);
	json_string(&j, NULL, NULL);
	json_close(&j, ']');
	json_time(&j, "t", 1700000000123);
	json_close(&j, '}');
	assert_string_equal(buf_str(&b), "{\"a\":\"quote\\\" back\\\\ esc\\u001b[31m del\\u007f c1\\u009b ok\xc3\xa9 bad\\ufffd\","
			    "\"list\":[-5,18446744073709551615,true,null],\"t\":\"2023-11-14T22:13:20.123Z\"}");
	buf_free(&b);
}

static void times_are_written_and_read_back(void **state)
{
	static const uint64_t times[] = { 0, 951782400000, 1709164800000, 4102444799999, 1700000000123 };
	char text[UTC_SIZE];
	uint64_t back;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		clock_format(text, times[i]);
		assert_int_equal(clock_parse(text, &back), 0);
		assert_int_equal(back, times[i]);
	}
	assert_int_equal(clock_parse("2024-02-29", &back), 0);
	assert_int_equal(clock_parse("2023-02-29", &back), -EINVAL);
	assert_int_equal(clock_parse("2026-11-24T08:49:00", &back), -EINVAL);
	assert_int_equal(clock_parse("2026-11-24T25:00:00Z", &back), -EINVAL);
	assert_int_equal(clock_parse("2026-11-24T08:49:00Zjunk", &back), -EINVAL);
}

/* Vectors of Aumasson and Bernstein's reference code, key 00..0f. */
static void siphash_agrees_with_its_reference(void **state)
{
	struct siphash_key key;
	uint8_t k[16], in[15];

	for (int i = 0; i < 16; i++)
		k[i] = (uint8_t)i;
	for (int i = 0; i < 15; i++)
		in[i] = (uint8_t)i;
	memcpy(&key, k, 16);
	assert_true(siphash(&key, in, 0) == 0x726fdb47dd0e0e31ull);
	assert_true(siphash(&key, in, 15) == 0xa129ca6149be45e5ull);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* "id" and "ide", "1111" and "01111": texts of which one is nearly the other. */
static void quick_hashes_of_near_texts_differ(void **state)
{
	enum { SHORT = 1 + 26 + 26 * 26 + 26 * 26 * 26, LONG = 40 * 26 * 3 };
	static uint64_t prints[SHORT + LONG];
	struct siphash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };
	char text[48];
	size_t nr = 0;

	(void)state;
	for (unsigned n = 0; n < SHORT; n++) {
		size_t len = 0;

		for (unsigned left = n; left; left = (left - 1) / 26)
			text[len++] = (char)('a' + (left - 1) % 26);
		prints[nr++] = quick_hash(&key, text, len);
	}
	for (size_t len = 4; len < 44; len++)
		for (unsigned c = 0; c < 26; c++)
			for (int other = -1; other <= 1; other++) {
				memset(text, 'A' + (int)c, len);
				text[0] = (char)(text[0] ^ (other + 2) % 3);
				prints[nr++] = quick_hash(&key, text, len);
			}
	assert_int_equal(nr, SHORT + LONG);
	qsort(prints, nr, sizeof(prints[0]), by_value);
	for (size_t i = 1; i < nr; i++)
		assert_true(prints[i] != prints[i - 1]);
}

/* What stands behind a text, or that nothing does, makes no other hash of it; any byte of it does. */
static void a_roomy_hash_is_of_its_bytes_alone(void **state)
{
	struct siphash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };

	(void)state;
	for (size_t len = 0; len < 24; len++) {
		char *exact = malloc(len ? len : 1), more[64];
		uint64_t print;

		assert_non_null(exact);
		memset(exact, 'a', len);
		print = roomy_hash(&key, exact, len, len);
		memset(more, 'a', sizeof(more));
		assert_true(roomy_hash(&key, more, len, sizeof(more)) == print);
		memset(more + len, 0xff, sizeof(more) - len);
		assert_true(roomy_hash(&key, more, len, sizeof(more)) == print);
		assert_true(roomy_hash(&key, more, len + 1, sizeof(more)) != print);
		for (size_t i = 0; i < len; i++) {
			exact[i] = 'b';
			assert_true(roomy_hash(&key, exact, len, len) != print);
			exact[i] = 'a';
		}
		free(exact);
	}
}

static void base64_goes_both_ways_and_refuses_the_rest(void **state)
{
	uint8_t out[32];
	char text[64];

	base64_encode(text, (const uint8_t *)"any carnal pleas", 16);
	assert_string_equal(text, "YW55IGNhcm5hbCBwbGVhcw==");
	assert_int_equal(base64_decode(out, sizeof(out), text, strlen(text)), 16);
	assert_memory_equal(out, "any carnal pleas", 16);
	assert_int_equal(base64_decode(out, 15, text, strlen(text)), -EINVAL);
	assert_int_equal(base64_decode(out, sizeof(out), "abc", 3), -EINVAL);
	assert_int_equal(base64_decode(out, sizeof(out), "ab==cdef", 8), -EINVAL);
}

static void a_budget_refuses_and_is_given_back(void **state)
{
	size_t before = budget_used();
	struct buf b;
	void *p, *q;

	budget_set(before + 1000);
	p = budget_alloc(600);
	q = budget_alloc(600);
	assert_non_null(p);
	assert_null(q);
	buf_init(&b, 4096);
	assert_int_equal(buf_puts(&b, "0123456789"), 0);	/* 256 bytes */
	assert_int_equal(buf_add(&b, p, 300), -ENOMEM);
	buf_free(&b);
	budget_free(p, 600);
	assert_int_equal(budget_used(), before);
	q = budget_alloc(600);
	assert_non_null(q);
	budget_free(q, 600);
	budget_set(0);
}

static void a_buffer_that_failed_before_it_had_memory_can_be_used_again(void **state)
{
	struct buf b;

	buf_init(&b, 4);
	assert_int_equal(buf_add(&b, "12345", 5), -ENOSPC);
	assert_true(b.failed && !b.ptr);
	buf_free(&b);
	assert_int_equal(buf_add(&b, "1234", 4), 0);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_that_failed_before_it_had_memory_can_be_used_again),
		cmocka_unit_test(a_budget_refuses_and_is_given_back),
		cmocka_unit_test(a_buffer_never_passes_its_maximum),
		cmocka_unit_test(consuming_wipes_the_tail),
		cmocka_unit_test(json_is_inert),
		cmocka_unit_test(times_are_written_and_read_back),
		cmocka_unit_test(siphash_agrees_with_its_reference),
		cmocka_unit_test(quick_hashes_of_near_texts_differ),
		cmocka_unit_test(a_roomy_hash_is_of_its_bytes_alone),
		cmocka_unit_test(base64_goes_both_ways_and_refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
