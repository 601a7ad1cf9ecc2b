/* SPDX-License-Identifier: Apache-2.0 */
/* Check digits: tests/golden/classify/digits.txt holds numbers of every class that has a validator, and what the
 * algorithm of each promises. Each is found as it stands; with one digit changed, or with two neighbours that have
 * changed places, it is found exactly as often as the table says. Read from the top of the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/document.h"
#include "classify/ids.h"

struct seen { int wanted; unsigned nr; };
struct number { int class_id; unsigned line; const char *name, *key, *digits, *swaps, *text; };

/* Classes that are a file of their own and have a check digit. */
static const char *const own_files[] = { "pan", "iban", "card_track", "passport_mrz", "crypto_address", "eu_vat", NULL };

static void note(void *owner, const struct document_hit *hit)
{
	struct seen *seen = owner;

	seen->nr += hit->class_id == seen->wanted && hit->confidence >= CONF_LIKELY;
}

static unsigned found(const struct number *n, const char *text)
{
	struct seen seen = { .wanted = n->class_id };
	char doc[256];
	int len = snprintf(doc, sizeof(doc), "{\"%s\":\"%s\"}", n->key, text);

	assert_in_range(len, 1, sizeof(doc) - 1);
	assert_int_equal(document_classify(doc, (size_t)len, note, &seen), 0);
	return seen.nr;
}

/* May a number be found in which a and b have changed places? */
static bool may_pass(const char *promise, char a, char b)
{
	if (!strcmp(promise, "luhn"))
		return abs(a - b) == 9;
	if (!strcmp(promise, "five"))
		return abs(a - b) == 5;
	return strcmp(promise, "all") != 0;
}

/* How many are found where the algorithm lets so many pass, that is where the promise is a number. */
static unsigned not_so_many(const struct number *n, const char *what, const char *promise, unsigned passed)
{
	if (!is_digit((uint8_t)*promise) || (unsigned)strtoul(promise, NULL, 10) == passed)
		return 0;
	print_error("digits.txt:%u: %s: %u %s of %s are found, the table has %s\n", n->line, n->name, passed, what, n->text, promise);
	return 1;
}

static unsigned wrong_digits(const struct number *n)
{
	unsigned passed = 0, wrong = 0;
	char other[128];

	snprintf(other, sizeof(other), "%s", n->text);
	for (size_t i = 0; other[i]; i++) {
		char was = other[i];

		for (char c = '0'; is_digit((uint8_t)was) && c <= '9'; c++) {
			other[i] = c;
			if (c == was || !found(n, other))
				continue;
			passed++;
			if (strcmp(n->digits, "all"))
				continue;
			print_error("digits.txt:%u: %s: %s, which differs from %s in one digit, is found\n", n->line, n->name, other, n->text);
			wrong++;
		}
		other[i] = was;
	}
	return wrong + not_so_many(n, "others with one digit", n->digits, passed);
}

static unsigned wrong_places(const struct number *n)
{
	unsigned passed = 0, wrong = 0;
	char other[128];

	snprintf(other, sizeof(other), "%s", n->text);
	for (size_t i = 0; other[i]; i++) {
		size_t j = i + 1;
		char a = other[i], b;

		while (other[j] && strchr(" -./(", other[j]))
			j++;
		b = other[j];
		if (!is_digit((uint8_t)a) || !is_digit((uint8_t)b) || a == b)
			continue;
		other[i] = b;
		other[j] = a;
		if (found(n, other)) {
			passed++;
			if (!may_pass(n->swaps, a, b)) {
				print_error("digits.txt:%u: %s: %s, %s with two places exchanged, is found\n", n->line, n->name, other, n->text);
				wrong++;
			}
		}
		other[i] = a;
		other[j] = b;
	}
	return wrong + not_so_many(n, "exchanges", n->swaps, passed);
}

static bool is_promise(const char *text, const char *words)
{
	return strspn(text, "0123456789") == strlen(text) || strstr(words, text);
}

static void read_number(struct number *n, char *line, unsigned nr)
{
	char *rest;

	n->line = nr;
	n->name = strtok_r(line, "\t\n", &rest);
	n->key = strtok_r(NULL, "\t\n", &rest);
	n->digits = strtok_r(NULL, "\t\n", &rest);
	n->swaps = strtok_r(NULL, "\t\n", &rest);
	n->text = strtok_r(NULL, "\t\n", &rest);
	if (!n->text || !is_promise(n->digits, "all -") || !is_promise(n->swaps, "all luhn five -"))
		fail_msg("digits.txt:%u: want class, key, digits, exchanges and number", nr);
	n->class_id = class_find(n->name);
	if (n->class_id < 0)
		fail_msg("digits.txt:%u: no class is called %s", nr, n->name);
}

static bool has_validator(const struct class_row *row)
{
	for (const char *const *own = own_files; *own; own++)
		if (!strcmp(*own, row->info.name))
			return true;
	return row->id && row->id->ok;
}

static void numbers_with_an_error_are_found_only_where_the_algorithm_lets_them_pass(void **state)
{
	FILE *f = fopen("tests/golden/classify/digits.txt", "r");
	unsigned wrong = 0, nr = 0, listed[CLASS_ROWS] = { 0 };
	char line[256];

	(void)state;
	if (!f)
		fail_msg("cannot open tests/golden/classify/digits.txt: run from the top of the tree");
	while (fgets(line, sizeof(line), f)) {
		struct number n;

		nr++;
		if (*line == '#')
			continue;
		read_number(&n, line, nr);
		listed[n.class_id]++;
		if (found(&n, n.text) != 1) {
			print_error("digits.txt:%u: %s: %s is not found under %s\n", nr, n.name, n.text, n.key);
			wrong++;
		}
		wrong += wrong_digits(&n) + wrong_places(&n);
	}
	fclose(f);
	for (unsigned i = 0; class_row(i); i++) {
		if (!has_validator(class_row(i)) || listed[i])
			continue;
		print_error("digits.txt: the class %s has a validator and is not in the table\n", class_row(i)->info.name);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_with_an_error_are_found_only_where_the_algorithm_lets_them_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
