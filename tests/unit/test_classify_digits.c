/* SPDX-License-Identifier: Apache-2.0 */
/* Check digits: tests/golden/classify/digits.txt holds numbers whose algorithm catches every error in a single
 * digit. Each is found as it stands, and with one digit changed it is not. Read from the top of the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/document.h"

struct seen { int wanted; unsigned nr; };

static void note(void *owner, const struct document_hit *hit)
{
	struct seen *seen = owner;

	seen->nr += hit->class_id == seen->wanted && hit->confidence >= CONF_LIKELY;
}

static unsigned found(int class_id, const char *key, const char *value)
{
	struct seen seen = { .wanted = class_id };
	char doc[256];
	int n = snprintf(doc, sizeof(doc), "{\"%s\":\"%s\"}", key, value);

	assert_in_range(n, 1, sizeof(doc) - 1);
	assert_int_equal(document_classify(doc, (size_t)n, note, &seen), 0);
	return seen.nr;
}

static unsigned errors_found(int class_id, const char *name, const char *key, const char *value)
{
	unsigned wrong = 0;
	char other[128];

	snprintf(other, sizeof(other), "%s", value);
	for (size_t i = 0; other[i]; i++) {
		char was = other[i];

		for (char c = '0'; was >= '0' && was <= '9' && c <= '9'; c++) {
			other[i] = c;
			if (c == was || !found(class_id, key, other))
				continue;
			print_error("%s: %s, which differs from %s in one digit, is found\n", name, other, value);
			wrong++;
		}
		other[i] = was;
	}
	return wrong;
}

static void no_number_with_one_wrong_digit_is_found(void **state)
{
	FILE *f = fopen("tests/golden/classify/digits.txt", "r");
	unsigned numbers = 0, wrong = 0;
	char line[256];

	(void)state;
	if (!f)
		fail_msg("cannot open tests/golden/classify/digits.txt: run from the top of the tree");
	while (fgets(line, sizeof(line), f)) {
		char *rest, *name = strtok_r(line, "\t\n", &rest), *key = strtok_r(NULL, "\t\n", &rest), *value = strtok_r(NULL, "\t\n", &rest);
		int class_id;

		if (!name || *name == '#')
			continue;
		assert_non_null(value);
		class_id = class_find(name);
		assert_true(class_id >= 0);
		numbers++;
		if (found(class_id, key, value) != 1) {
			print_error("%s: %s is not found under %s\n", name, value, key);
			wrong++;
		}
		wrong += errors_found(class_id, name, key, value);
	}
	fclose(f);
	assert_int_equal(wrong, 0);
	assert_true(numbers >= 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_number_with_one_wrong_digit_is_found) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
