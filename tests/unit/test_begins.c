/* SPDX-License-Identifier: Apache-2.0 */
/* What says that nothing begins must never be wrong: against the pass that it spares, on the shapes of all numbers, the
 * literals and phrases of all classes, and what is nearly so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/begins.h"
#include "classify/plain.h"
#include "classify/survey.h"
#include "classify/tokens.h"

#define TIMES 400	/* values of each shape */

static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % below;
}

static void count(void *owner, const struct hit *hit)
{
	(void)hit;
	++*(unsigned *)owner;
}

static unsigned spared, found, asked, named;

/* What a class finds inside a text. Some take more as the whole value of a key, and are asked for that by the key. */
static int text_find(const struct class_row *row, struct slice value, size_t at, struct hit *hit)
{
	return row->id ? id_find(value, at, hit) : row->find(value, at, hit);
}

/* What a class finds where a word may name it must be as its first digits are said to be written. */
static void check_named(const struct block *b, size_t at)
{
	struct number n;

	number_read(b, at, &n);
	for (unsigned i = 0; i < class_count(); i++) {
		const struct class_row *row = class_row(i);
		const struct nameable *by = &starters.named[n.head > 0][n.run][n.after];
		struct hit hit = { .class_id = (uint8_t)i };

		if (!(row->triggers & TRIGGER_NEAR) || text_find(row, b->v, at, &hit) <= 0 || hit.start > at || hit.end <= at)
			continue;
		named++;
		if (digits_near(b->v, at, 0) < by->fewest || phrase_initials(row->keys) & ~by->initials)
			print_error("no word names %s: %.*s\n", row->info.name, (int)b->v.len, b->v.ptr);
		assert_true(digits_near(b->v, at, 0) >= by->fewest);
		assert_false(phrase_initials(row->keys) & ~by->initials);
	}
}

/* What a class finds where digits begin must be among as many letters and digits as its row is said to want. */
static void check_groups(struct slice value)
{
	struct block b = { .v = value };

	kinds_wide(&b.k, &starters.specials, value.ptr, value.len);
	for (size_t at = 0; at < value.len; at++) {
		if (!is_digit(value.ptr[at]) || (at && is_digit(value.ptr[at - 1])))
			continue;
		check_named(&b, at);
		for (unsigned i = 0; i < class_count(); i++) {
			const struct class_row *row = class_row(i);
			struct hit hit = { .class_id = (uint8_t)i };

			if ((!row->id && !row->group_max) || text_find(row, value, at, &hit) <= 0 || hit.start > at || hit.end <= at)
				continue;
			asked++;
			if (!(starters.groups[i] >> group_of(&b, at) & 1))
				print_error("%s is not asked about: %.*s\n", row->info.name, (int)value.len, value.ptr);
			assert_true(starters.groups[i] >> group_of(&b, at) & 1);
		}
	}
}

/* In memory without slack. */
static void check(const char *text, size_t len)
{
	struct evidence ev = { .type = VALUE_STRING };
	uint8_t *exact = malloc(len ? len : 1);
	struct slice value = slice_of(exact, len);
	unsigned nr = 0;

	assert_non_null(exact);
	memcpy(exact, text, len);
	scan_value(&ev, value, count, &nr);
	if (len <= SCAN_SHORT && scan_needless(&ev, value)) {
		spared++;
		if (nr)
			print_error("nothing was said to begin in: %.*s\n", (int)len, text);
		assert_int_equal(nr, 0);
	}
	found += nr;
	if (len <= 64)
		check_groups(value);
	free(exact);
}

static char drawn(char form)
{
	static const char separators[] = " -./", alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz";

	switch (form) {
	case '#':
		return (char)('0' + draw(10));
	case 'A':
		return alnum[draw(26)];
	case '*':
		return alnum[draw(sizeof(alnum) - 1)];
	case '_':
		return separators[draw(4)];
	default:
		return form;
	}
}

/* Something before and behind it, and a byte that is another one, at times. */
static void check_near(const char *text, size_t len)
{
	static const char *const around[] = { "", "", "", " ", "no. ", "x", "(", ")", "-", "A-", "AB ", "=", "\"", ".", ": ", "7" };
	char all[256];
	int n = snprintf(all, sizeof(all), "%s%.*s%s", around[draw(16)], (int)len, text, around[draw(16)]);

	if (!draw(4) && n)
		all[draw((uint32_t)n)] = drawn("#A_*"[draw(4)]);
	check(all, (size_t)n);
}

static void numbers_of_every_shape(void **test)
{
	char text[64];

	(void)test;
	spared = found = asked = named = 0;
	for (unsigned i = 0; i < class_count(); i++) {
		const struct id_rule *rule = class_row(i)->id;

		for (const struct id_shape *shape = rule ? rule->shapes : NULL; shape && shape->form; shape++)
			for (unsigned n = 0; n < TIMES; n++) {
				char separator = drawn('_');
				size_t len = 0;

				for (; shape->form[len]; len++)
					text[len] = shape->form[len] == '_' ? separator : drawn(shape->form[len]);
				check_near(text, len);
			}
	}
	assert_true(spared > 1000);
	assert_true(found > 300);
	assert_true(asked > 5000);
	assert_true(named > 5000);
}

static void bytes_of_a_small_alphabet(void **test)
{
	static const char alphabet[] = "0123456789012345678901234567890123456789 -./:@ABCDEFabcdef+()=x";
	char text[64];

	(void)test;
	spared = found = 0;
	for (unsigned n = 0; n < 50000; n++) {
		size_t len = 5 + draw(35);

		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[draw(sizeof(alphabet) - 1)];
		check(text, len);
	}
	assert_true(spared > 1000);
	assert_true(found > 5);
}

/* Identifiers of programs, which most of what has many digits is; some with a sign in them, and a few digits in a row. */
static void hexadecimal_digits(void **test)
{
	static const char alphabet[] = "0123456789abcdef";
	char text[64];

	(void)test;
	spared = found = 0;
	for (unsigned n = 0; n < 20000; n++) {
		size_t len = 7 + draw(33), run = draw(4) ? 0 : draw((uint32_t)len);

		for (size_t i = 0; i < len; i++)
			text[i] = i < run ? (char)('0' + draw(10)) : draw(12) ? alphabet[draw(16)] : "-. (g0/"[draw(7)];
		check(text, len);
	}
	assert_true(spared > 5000);
}

static void literals_of_every_class(void **test)
{
	static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz";
	char text[128];

	(void)test;
	spared = found = 0;
	for (unsigned i = 0; i < class_count(); i++)
		for (const struct token_format *f = class_row(i)->tokens; f && f->prefix; f++)
			for (unsigned n = 0; n < 50; n++) {
				size_t len = strlen(f->prefix), more = draw(40);

				memcpy(text, f->prefix, len);
				for (size_t k = 0; k < more; k++)
					text[len++] = alnum[draw(sizeof(alnum) - 1)];
				check(text, len < SCAN_SHORT ? len : SCAN_SHORT);
			}
	assert_true(found > 100);
}

/* Every literal that begins a word is looked at, wherever in a text it stands and whatever is about it. */
static void words_of_every_literal(void **test)
{
	static const char some[] = "abcdefghijklmnopqrstuvwxyzABCSTX    ..,-_/\n\"01";
	char text[256];
	unsigned words = 0, told = 0;
	bool have;

	(void)test;
	if (!starters.ready)
		begins_init();
	have = starters.specials.by_32;
	for (unsigned i = 1; i <= starters.nr_literals; i++)
		for (unsigned n = 0; n < 300; n++) {
			const struct literal *l = &starters.literals[i];
			size_t len = 1 + draw(sizeof(text)), at = draw((uint32_t)len);
			struct block b = { .at = 0 };
			uint64_t begins[4] = { 0 }, numbers;
			uint8_t *exact = malloc(len);

			if (!is_alpha((uint8_t)l->text[0]) || l->len > len - at) {
				free(exact);
				continue;
			}
			for (size_t c = 0; c < len; c++)
				text[c] = some[draw(sizeof(some) - 1)];
			memcpy(text + at, l->text, l->len);
			memcpy(exact, text, len);
			starters.specials.by_32 = have && n & 1;
			for (b.v = slice_of(exact, len); b.at < len; b.at += 64) {
				kinds_wide(&b.k, &starters.specials, exact + b.at, len - b.at);
				if (starters.specials.by_32 && len - b.at >= 66) {
					words += (unsigned)__builtin_popcountll(b.k.letters & ~(b.k.letters << 1 | b.letter));
					told += (unsigned)__builtin_popcountll(block_words(&b));
				}
				begins[b.at / 64] = block_begins(&b, &numbers);
				b.digit = b.k.digits >> 63;
				b.letter = b.k.letters >> 63;
			}
			/* Behind a digit no word begins, but in a value of some length an escape may end there. */
			if ((!at || !(is_alpha((uint8_t)text[at - 1]) || (len < 64 && is_digit((uint8_t)text[at - 1])))) && !(begins[at / 64] >> (at & 63) & 1)) {
				print_error("%s at %zu is not looked at: %.*s\n", l->text, at, (int)len, text);
				fail();
			}
			free(exact);
		}
	starters.specials.by_32 = have;
	assert_true(!have || told < words / 2);	/* it is worth something */
}

/* A document without slack, of one stretch or of more than are told of at once: words, signs, digits and literals. */
static struct slice document_drawn(void)
{
	static const char some[] = "abcdefghijklmnopqrstuvwxyz    abcxyz \"\\,.:;-@%=&\n\x1f\x7f\x80\xc3" "0123456789";
	size_t len = draw(2) ? draw(200) : draw(3 * 64 * STRETCHES), at = 0;
	uint8_t *text = malloc(len ? len : 1);

	assert_non_null(text);
	while (at < len) {
		const struct literal *l = &starters.literals[1 + draw(starters.nr_literals)];

		if (draw(20) || l->len > len - at) {
			text[at++] = (uint8_t)some[draw(draw(3) ? 36 : sizeof(some) - 1)];
			continue;
		}
		memcpy(text + at, l->text, l->len);
		at += l->len;
	}
	return slice_of(text, len);
}

static bool literal_stands(struct slice v, size_t at)
{
	if (!is_alpha(v.ptr[at]) || v.len - at < 2 || (at && is_alpha(v.ptr[at - 1])))
		return false;
	for (unsigned i = starters.chain[pair_chain(v.ptr + at)]; i; i = starters.literals[i].next)
		if (slice_begins(v, at, starters.literals[i].text))
			return true;
	return false;
}

static void survey_check(struct survey *s, struct slice v)
{
	const struct evidence ev = { .type = VALUE_STRING };
	struct stretch told = survey_of(s, v);
	struct block b;
	struct kinds k;
	unsigned nr = 0;

	block_alone(&b, v);
	survey_kinds(s, v, &b.k);
	kinds_short(&k, &starters.specials, v.ptr, v.len);
	assert_true(b.k.digits == k.digits && b.k.letters == k.letters && b.k.specials == k.specials && b.k.odd == k.odd);
	scan_value(&ev, v, count, &nr);
	assert_false(nr && scan_needless_told(&ev, &b));
	for (size_t i = 0; i < v.len; i++)
		assert_int_equal(told.digits >> i & 1, is_digit(v.ptr[i]));
	assert_int_equal((told.digits | told.begins) >> v.len, 0);
	if (told.begins)
		return;
	for (size_t i = 0; i < v.len; i++)
		assert_false(is_odd(v.ptr[i]) || starters.kind[v.ptr[i]] & ~ON_LETTER || literal_stands(v, i));
	assert_int_equal(nr, 0);
	spared++;
}

/* What one look at a document tells of the values in it. */
static void a_survey_is_right(void **test)
{
	struct survey s;
	bool have;

	(void)test;
	if (!starters.ready)
		begins_init();
	have = starters.specials.by_32;
	spared = 0;
	for (unsigned n = 0; n < 3000; n++) {
		struct slice all = document_drawn();

		starters.specials.by_32 = have && n & 1;
		survey_begin(&s, all, false);
		for (size_t at = 0, plain; at < all.len; at += draw(4) ? plain + 1 : draw(300)) {
			plain = bytes_plain(all.ptr + at, all.len - at);
			assert_int_equal(survey_plain(&s, all.ptr + at), plain);
			if (at && !is_alpha(all.ptr[at - 1]))
				survey_check(&s, slice_of(all.ptr + at, plain < SCAN_SHORT ? plain : SCAN_SHORT));
		}
		assert_int_equal(survey_plain(&s, all.ptr + all.len), 0);
		free((void *)all.ptr);
	}
	starters.specials.by_32 = have;
	assert_true(!have || spared > 2000);
}

static size_t first_of(const uint8_t *p, size_t len, const char *bytes)
{
	size_t i = 0;

	while (i < len && (!p[i] || !strchr(bytes, p[i])))
		i++;
	return i;
}

static void a_survey_of_a_form_is_right(void **test)
{
	struct survey s;
	bool have = starters.specials.by_32;
	unsigned pairs = 0, longs = 0;

	(void)test;
	for (unsigned n = 0; n < 3000; n++) {
		struct slice all = document_drawn();
		struct form_pair pair;

		starters.specials.by_32 = have && n & 1;
		survey_begin(&s, all, true);
		for (size_t at = 0; at < all.len; at += pair.len + 1) {
			const uint8_t *p = all.ptr + at;
			size_t len = first_of(p, all.len - at, "&"), equals = first_of(p, len, "="), value = equals < len ? equals + 1 : 0;

			pair = survey_pair(&s, p);
			assert_int_equal(pair.len, len);
			assert_int_equal(pair.equals, equals);
			assert_int_equal(pair.escapes, first_of(p, len, "%+") < len);
			if (!pair.told)
				longs++;
			else
				for (size_t i = 0; i < 64; i++)
					assert_int_equal(pair.digits >> i & 1, i < len && is_digit(p[i]));
			assert_true(pair.told || len >= 64);
			if (len - value > SCAN_SHORT)
				continue;
			pairs++;
			if (pair.told && value < len)	/* of a name too, which may end it */
				assert_int_equal(pair.begins >> value, survey_of(&s, slice_of(p + value, len - value)).begins);
			survey_check(&s, slice_of(p + value, len - value));
		}
		free((void *)all.ptr);
	}
	starters.specials.by_32 = have;
	assert_true(pairs > 5000 && longs > 5000);
}

/* Wherever it stands, the same is found of it. */
static void numbers_on_a_border_of_blocks(void **test)
{
	static const char *const values[] = { "4111111111111111", "DE89370400440532013000", "00:1b:63:84:45:e6", "2001:db8:85a3::8a2e:370:7334", "81.2.69.142",
					      "1a2b3c4d5e6f7a8b 4111 1111 1111 1111", "a1b2c3-4111-1111-1111-1111", "x%2B14155550123", "0a1b2c3d4e5f60718293a4b5c6d7e8f9" };
	const struct evidence ev = { .type = VALUE_STRING, .text = true };

	(void)test;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (size_t at = 1, first = 0, tail = 0; at < 200; at++) {
			char text[400];
			unsigned nr = 0;

			memset(text, ' ', sizeof(text));
			memcpy(text + at, values[i], strlen(values[i]));
			tail = at % 3 ? sizeof(text) : at + strlen(values[i]);	/* or it ends there */
			scan_value(&ev, slice_of(text, tail), count, &nr);
			if (at == 1)
				first = nr;
			if (nr != first)
				print_error("%s is found %u times at %zu, not %zu times\n", values[i], nr, at, first);
			assert_int_equal(nr, first);
		}
}

/* "123456" and the like: fewer digits than any class has. */
static void numbers_too_short(void **test)
{
	static const struct evidence ev = { .type = VALUE_NUMBER };
	unsigned nr = 0;

	(void)test;
	for (unsigned n = 0; n < 20000; n++) {
		uint8_t text[RUN_MAX];
		struct slice v = { text, 1 + draw(RUN_MAX) };

		for (size_t i = 0; i < v.len; i++)
			text[i] = (uint8_t)('0' + draw(10));
		if (!number_is_short(v, ((uint64_t)1 << v.len) - 1))
			continue;
		nr++;
		assert_true(scan_needless(&ev, v));
	}
	assert_true(nr > 1000);
}

/* "19.50", "1.2.3": five digits and two dots, wherever they are. */
static void amounts_and_versions(void **test)
{
	unsigned nr = 0;

	(void)test;
	spared = found = 0;
	for (size_t len = 5; len <= 7; len++)
		for (unsigned dots = 0; dots < 1u << len; dots++)
			for (unsigned n = 0; n < 2000; n++) {
				char text[7];

				if (__builtin_popcount(dots) > 2 || len - (size_t)__builtin_popcount(dots) > 5)
					break;
				for (size_t i = 0; i < len; i++)
					text[i] = dots >> i & 1 ? '.' : (char)('0' + draw(10));
				check(text, len);
				nr++;
			}
	assert_int_equal(found, 0);
	assert_int_equal(spared, nr);
}

static bool row_found(const uint8_t *rows, unsigned nr, unsigned row)
{
	for (unsigned i = 0; i < nr && i < 8; i++)
		if (rows[i] == row)
			return true;
	return false;
}

/* Every phrase, as it may be written before a number, is one that may be there. */
static void phrases_of_every_class(void **test)
{
	static const char *const before[] = { "", "the ", "My-", "see ", "is it ", "x2", "12 ", "a_", "Der " };
	uint8_t rows[8];
	unsigned nr = 0, nr_rows, refused = 0;

	(void)test;
	if (!starters.ready)
		begins_init();
	for (unsigned i = 0; i < class_count(); i++)
		for (const struct key_phrase *p = class_row(i)->keys; p && p->words && class_row(i)->triggers & TRIGGER_NEAR; p++)
			for (unsigned n = 0; n < 40; n++) {
				char text[96];
				size_t len = (size_t)snprintf(text, sizeof(text), "%s", before[draw(9)]);
				struct key_text words;

				/* Cut into words somewhere, capitals or not. */
				for (const char *c = p->words; *c && len < 40; c++) {
					if (c > p->words && !(*c & 0x80) && !draw(6))
						text[len++] = " -_"[draw(3)];
					text[len++] = !(*c & 0x80) && !draw(5) ? (char)(*c & ~0x20) : *c;
				}
				if (draw(2))
					len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", draw(2) ? " is " : " no ");
				key_text_prose(&words, slice_of(text, len));
				nr_rows = phrases_find(&starters.near, &words, rows, 8);
				if (nr_rows) {
					nr++;
					uint64_t initials = phrase_initials(class_row(i)->keys);

					if (row_found(rows, nr_rows, i) && !phrases_may(&starters.near, slice_of(text, len), initials))
						print_error("no phrase was said to be in: %.*s\n", (int)len, text);
					assert_true(phrases_may(&starters.near, slice_of(text, len), UINT64_MAX));
					assert_true(row_found(rows, nr_rows, i) <= phrases_may(&starters.near, slice_of(text, len), initials));
				}
			}
	assert_true(nr > 5000);
	for (unsigned n = 0; n < 2000; n++) {
		char text[40];

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = i % 6 == 5 ? ' ' : (char)('a' + draw(26));
		refused += !phrases_may(&starters.near, slice_of(text, sizeof(text)), UINT64_MAX);
	}
	assert_true(refused > 1500);	/* most words begin none: it is worth something */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_every_shape),
		cmocka_unit_test(bytes_of_a_small_alphabet),
		cmocka_unit_test(hexadecimal_digits),
		cmocka_unit_test(literals_of_every_class),
		cmocka_unit_test(words_of_every_literal),
		cmocka_unit_test(a_survey_is_right),
		cmocka_unit_test(a_survey_of_a_form_is_right),
		cmocka_unit_test(numbers_on_a_border_of_blocks),
		cmocka_unit_test(numbers_too_short),
		cmocka_unit_test(amounts_and_versions),
		cmocka_unit_test(phrases_of_every_class),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
