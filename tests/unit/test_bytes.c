/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes are, sixteen at a time, against one at a time: every byte, every length, every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "classify/bytes.h"

#define ROUNDS 20000

static const struct specials some = { 3, { '@', '-', '{' } };
static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % below;
}

/* Exactly so long, so that a read beyond it is seen. Half of the bytes are those that matter. */
static uint8_t *text_make(size_t len)
{
	static const char near[] = "09/:azAZ`{@[-\"\\%&\n\x1f\x7f\x80\xff ";
	uint8_t *text = malloc(len ? len : 1);

	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = draw(2) ? (uint8_t)near[draw(sizeof(near) - 1)] : (uint8_t)draw(256);
	return text;
}

static void kinds_are_those_of_each_byte(void **test)
{
	struct wide_specials wide = { .of = some };
	bool have;

	(void)test;
	specials_widen(&wide);
	have = wide.by_32;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = round % 3 ? draw(65) : 64;
		uint8_t *p = text_make(len);
		struct kinds all, k = kinds_of(&some, p, len);

		wide.by_32 = have && round & 1;
		all = kinds_wide(&wide, p, len);

		for (size_t i = 0; i < 64; i++) {
			uint8_t c = i < len ? p[i] : 0;

			assert_int_equal(k.digits >> i & 1, i < len && c >= '0' && c <= '9');
			assert_int_equal(k.letters >> i & 1, i < len && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')));
			assert_int_equal(k.specials >> i & 1, i < len && (c == '@' || c == '-' || c == '{'));
			assert_int_equal(all.odd >> i & 1, i < len && (c >= 0x80 || c == '%' || c == '&' || c == '\n'));
		}
		assert_true(all.digits == k.digits && all.letters == k.letters && all.specials == k.specials);
		free(p);
	}
}

static void letters_are_those_of_each_byte(void **test)
{
	(void)test;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = draw(65);
		uint8_t *p = text_make(len), fold[64];
		struct letters l = letters_of(p, len, fold);

		for (size_t i = 0; i < len; i++) {
			bool upper = p[i] >= 'A' && p[i] <= 'Z';

			assert_int_equal(l.digits >> i & 1, p[i] >= '0' && p[i] <= '9');
			assert_int_equal(l.upper >> i & 1, upper);
			assert_int_equal(l.lower >> i & 1, p[i] >= 'a' && p[i] <= 'z');
			assert_int_equal(l.beyond >> i & 1, p[i] >= 0x80);
			assert_int_equal(fold[i], upper ? p[i] + 32 : p[i]);
		}
		assert_true(len == 64 || !((l.digits | l.upper | l.lower | l.beyond) >> len));
		free(p);
	}
}

static void plain_bytes_end_at_a_quote_a_backslash_or_a_control(void **test)
{
	(void)test;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = draw(100), end = 0;
		uint8_t *p = text_make(len);

		while (end < len && p[end] != '"' && p[end] != '\\' && p[end] >= 0x20)
			end++;
		assert_int_equal(bytes_plain(p, len), end);
		for (end = 0; end < len && p[end] > ' '; )
			end++;
		assert_int_equal(bytes_blank(p, len), end);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_those_of_each_byte),
		cmocka_unit_test(letters_are_those_of_each_byte),
		cmocka_unit_test(plain_bytes_end_at_a_quote_a_backslash_or_a_control),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
