/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of tests/golden/classify: documents with exactly one finding, and
 * near misses with none. Read from the top of the tree, where the tests run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/document.h"

struct seen { unsigned nr; struct document_hit last; };

static void note(void *owner, const struct document_hit *hit)
{
	struct seen *seen = owner;

	if (hit->confidence < CONF_LIKELY)
		return;
	seen->nr++;
	seen->last = *hit;
}

/* Own memory without slack, so that a read beyond the end is seen. */
static struct seen classify(const char *text, size_t len)
{
	struct seen seen = { 0 };
	char *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, text, len);
	assert_int_equal(document_classify(exact, len, note, &seen), 0);
	free(exact);
	return seen;
}

static void each_line(const char *name, unsigned (*check)(const char *line, unsigned nr), unsigned least)
{
	FILE *f = fopen(name, "r");
	unsigned nr = 0, cases = 0, failed = 0;
	char *line = NULL;
	size_t size = 0;

	if (!f)
		fail_msg("cannot open %s: run from the top of the tree", name);
	while (getline(&line, &size, f) > 0) {
		nr++;
		line[strcspn(line, "\n")] = 0;
		if (*line == '#' || !*line)
			continue;
		cases++;
		failed += check(line, nr);
	}
	free(line);
	fclose(f);
	assert_int_equal(failed, 0);
	assert_true(cases >= least);
}

static unsigned check_near_miss(const char *line, unsigned nr)
{
	struct seen seen = classify(line, strlen(line));

	if (!seen.nr)
		return 0;
	print_error("near_miss.txt:%u: %s %s: %s\n", nr, confidence_name(seen.last.confidence),
		    class_get(seen.last.class_id)->name, line);
	return 1;
}

static unsigned check_finding(const char *line, unsigned nr)
{
	const char *tab = strchr(line, '\t');
	char got[160] = "";
	struct seen seen;

	assert_non_null(tab);
	seen = classify(tab + 1, strlen(tab + 1));
	if (seen.nr)
		snprintf(got, sizeof(got), "%s%s %s %s", seen.last.sample ? "~" : "", class_get(seen.last.class_id)->name,
			 confidence_name(seen.last.confidence), seen.last.mask);
	if (seen.nr == 1 && strlen(got) == (size_t)(tab - line) && !memcmp(got, line, (size_t)(tab - line)))
		return 0;
	print_error("findings.txt:%u: %u findings, last \"%s\", want \"%.*s\"\n", nr, seen.nr, got, (int)(tab - line), line);
	return 1;
}

static void near_misses_give_no_finding(void **state)
{
	(void)state;
	each_line("tests/golden/classify/near_miss.txt", check_near_miss, 100);
}

static void listed_documents_give_exactly_the_listed_finding(void **state)
{
	(void)state;
	each_line("tests/golden/classify/findings.txt", check_finding, 70);
}

static unsigned check_cut(const char *line, unsigned nr)
{
	const char *doc = strchr(line, '\t') ? strchr(line, '\t') + 1 : line;
	size_t len = strlen(doc);

	(void)nr;
	for (size_t n = 0; n <= len; n++) {
		classify(doc, n);
		classify(doc + n, len - n);
	}
	return 0;
}

static void documents_cut_anywhere_are_read_within_bounds(void **state)
{
	(void)state;
	each_line("tests/golden/classify/findings.txt", check_cut, 70);
	each_line("tests/golden/classify/near_miss.txt", check_cut, 100);
}

static unsigned check_mutants(const char *line, unsigned nr)
{
	static const char bytes[] = "0149@.-+ \\\"{}[]:,=%eAB\x80\xc3\xff\n";
	const char *doc = strchr(line, '\t') ? strchr(line, '\t') + 1 : line;
	size_t len = strlen(doc);
	uint32_t seed = nr * 2654435761u + 1;
	char *mutant = malloc(len + 1);

	assert_non_null(mutant);
	for (int round = 0; round < 200; round++) {
		memcpy(mutant, doc, len + 1);
		for (int i = 0; i < 3; i++) {
			seed = seed * 1664525u + 1013904223u;
			mutant[(seed >> 8) % (len + 1)] = bytes[(seed >> 3) % (sizeof(bytes) - 1)];
		}
		classify(mutant, len);
	}
	free(mutant);
	return 0;
}

static void mutated_documents_are_survived(void **state)
{
	(void)state;
	each_line("tests/golden/classify/findings.txt", check_mutants, 70);
	each_line("tests/golden/classify/near_miss.txt", check_mutants, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listed_documents_give_exactly_the_listed_finding),
		cmocka_unit_test(near_misses_give_no_finding),
		cmocka_unit_test(documents_cut_anywhere_are_read_within_bounds),
		cmocka_unit_test(mutated_documents_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
