/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes are, sixteen at a time, against one at a time: every byte, every length, every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* A page may be read, and nothing after it. */
static uint8_t *page_end(void)
{
	static uint8_t *end;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!end) {
		uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_true(pages != MAP_FAILED);
		assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
		end = pages + page;
	}
	return end;
}

/* What is read beyond it kills the test. Half of the bytes are those that matter. */
static uint8_t *text_make(size_t len)
{
	static const char near[] = "09/:azAZ`{@[-\"\\%&\n\x1f\x7f\x80\xff .";
	uint8_t *text = page_end() - len;

	for (size_t i = 0; i < len; i++)
		text[i] = draw(2) ? (uint8_t)near[draw(sizeof(near) - 1)] : (uint8_t)draw(256);
	return text;
}

static const struct { unsigned set; const char *text; } heads[] = { { 0, "az0" }, { 0, "ab" }, { 3, "A-Z" }, { 3, "-za" }, { 7, "`{@" } };
#define HEADS_NR (sizeof(heads) / sizeof(heads[0]))

/* May one of the set's heads stand there, byte by byte, as far as halves of bytes tell? */
static bool head_may_be(unsigned set, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < 3; i++) {
		uint8_t c = i < len ? p[i] : 0;
		bool low = false, high = false;

		for (size_t h = 0; h < HEADS_NR; h++) {
			bool any = i >= strlen(heads[h].text);

			low |= heads[h].set == set && (any || (heads[h].text[i] & 15) == (c & 15));
			high |= heads[h].set == set && (any || heads[h].text[i] >> 4 == c >> 4);
		}
		if (!low || !high || c >= 0x80)
			return false;
	}
	return true;
}

static bool any_head_may_be(const uint8_t *p, size_t len)
{
	for (unsigned set = 0; set < HEAD_SETS; set++)
		if (head_may_be(set, p, len))
			return true;
	return false;
}

static void kinds_are_those_of_each_byte(void **test)
{
	struct wide_specials wide = { .of = some };
	bool have;
	unsigned told = 0;

	(void)test;
	for (size_t h = 0; h < HEADS_NR; h++)
		word_heads_add(&wide.heads, heads[h].set, heads[h].text, strlen(heads[h].text));
	specials_widen(&wide);
	have = wide.by_32;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = round % 3 ? draw(130) : 64 + draw(4), first = len < 64 ? len : 64;
		uint8_t *p = text_make(len);
		struct kinds all, k = kinds_of(&some, p, first);

		wide.by_32 = have && round & 1;
		kinds_wide(&all, &wide, p, len);
		for (size_t i = 0; all.heads != UINT64_MAX && i < first; i++, told++) {
			assert_int_equal(all.heads >> i & 1, any_head_may_be(p + i, len - i));
			assert_int_equal(all.joins >> i & 1, p[i] == '.' || (k.digits | k.specials) >> i & 1);
		}
		len = first;
		for (size_t i = 0; i < 64; i++) {
			uint8_t c = i < len ? p[i] : 0;

			assert_int_equal(k.digits >> i & 1, i < len && c >= '0' && c <= '9');
			assert_int_equal(k.letters >> i & 1, i < len && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')));
			assert_int_equal(k.specials >> i & 1, i < len && (c == '@' || c == '-' || c == '{'));
			assert_true(len == 64 || (all.odd >> i & 1) == (i < len && (c >= 0x80 || c == '%' || c == '&' || c == '\n')));
		}
		assert_true(all.digits == k.digits && all.letters == k.letters && all.specials == k.specials);
	}
	assert_true(!have || told > ROUNDS);
}

/* Of a value behind which there is more. */
static void kinds_of_a_value_with_room(void **test)
{
	struct wide_specials wide = { .of = some };

	(void)test;
	specials_widen(&wide);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = draw(64);
		uint8_t *p = text_make(66);
		struct kinds roomy, k;

		kinds_short(&k, &wide, p, len);
		kinds_roomy(&roomy, &wide, p, len);
		assert_true(roomy.digits == k.digits && roomy.letters == k.letters && roomy.specials == k.specials && roomy.odd == k.odd);
	}
}

static void blanks_for_plus_up_to_a_percent_sign(void **test)
{
	(void)test;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t room = draw(40), len = room ? draw((uint32_t)room + 1) : 0, n;
		uint8_t *p = text_make(room), out[64];

		for (size_t i = 0; i < room; i++)
			p[i] = draw(3) ? p[i] : draw(2) ? '+' : 'x';
		n = bytes_unplus(out, p, len, room);
		assert_true(n <= len && n <= 16 && (n == len || n == 16 || p[n] == '%'));
		for (size_t i = 0; i < n; i++)
			assert_true(p[i] != '%' && out[i] == (p[i] == '+' ? ' ' : p[i]));
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
	}
}

#ifdef __SSE2__
static void pairs_are_those_of_each_byte(void **test)
{
	(void)test;
	if (!__builtin_cpu_supports("avx2"))
		return;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint8_t *p = text_make(65);
		uint64_t set = (uint64_t)draw(1u << 24) << 40 | (uint64_t)draw(1u << 24) << 16 | draw(1 << 16), found = pairs_in_32(p, set);

		for (size_t i = 0; i < 64; i++)
			assert_int_equal(found >> i & 1, set >> pair_number(p[i], p[i + 1]) & 1);
	}
}

static void even_bytes_end_in_the_64_of_an_odd_one(void **test)
{
	(void)test;
	if (!__builtin_cpu_supports("avx2"))
		return;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = draw(400), end = 0;
		uint8_t *p = text_make(len);

		for (size_t i = 0; i < len; i++)
			if (is_odd(p[i]) && draw(200))
				p[i] = 'a';
		while (end < len && !is_odd(p[end]))
			end++;
		assert_int_equal(bytes_even_32(p, len), end & ~(size_t)63);
	}
}
#endif

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
	}
}

/* Mostly of that kind, so that long stretches are too. */
static void stretches_end_at_the_first_other_byte(void **test)
{
	(void)test;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = draw(100), digits = 0, space = 0;
		uint8_t *p = text_make(len);

		for (size_t i = 0; i < len; i++)
			if (draw(30))
				p[i] = (uint8_t)(round & 1 ? "0123456789"[draw(10)] : " \n\r\t"[draw(4)]);
		while (digits < len && p[digits] >= '0' && p[digits] <= '9')
			digits++;
		while (space < len && (p[space] == ' ' || p[space] == '\n' || p[space] == '\r' || p[space] == '\t'))
			space++;
		assert_int_equal(bytes_digits(p, len), digits);
		assert_int_equal(bytes_space(p, len), space);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_those_of_each_byte),
		cmocka_unit_test(kinds_of_a_value_with_room),
		cmocka_unit_test(blanks_for_plus_up_to_a_percent_sign),
		cmocka_unit_test(letters_are_those_of_each_byte),
#ifdef __SSE2__
		cmocka_unit_test(pairs_are_those_of_each_byte),
		cmocka_unit_test(even_bytes_end_in_the_64_of_an_odd_one),
#endif
		cmocka_unit_test(plain_bytes_end_at_a_quote_a_backslash_or_a_control),
		cmocka_unit_test(stretches_end_at_the_first_other_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
