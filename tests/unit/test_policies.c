/* SPDX-License-Identifier: Apache-2.0 */
/* The policies weir comes with: each rule has a case that fires and one that stays quiet, so
 * that `weir policy test` says something of all of them; and what it says of a wrong one. */
#include <glob.h>

#include "base/buf.h"
#include "base/file.h"
#include "policy/private.h"
#include "tests/unit/state_fixture.h"

static void rules_have_both(const struct policy_set *set, const char *file)
{
	for (size_t r = 0; r < set->nr_rules; r++) {
		unsigned fires = 0, quiet = 0;

		for (size_t i = 0; i < set->nr_tests; i++) {
			const struct policy_case *c = &set->test[i];

			if (c->rule != r)
				continue;
			/* What a rule cannot know is neither. */
			fires += c->violation && policy_eval(set, r, &c->flow, &c->finding) == VERDICT_VIOLATION;
			quiet += !c->violation && policy_eval(set, r, &c->flow, &c->finding) == VERDICT_QUIET;
		}
		if (!fires || !quiet)
			fail_msg("%s: rule %s has %u tests that fire and %u that stay quiet: one of each is wanted", file, set->rule[r].info.id,
				 fires, quiet);
	}
}

static void each_shipped_rule_has_a_case_that_fires_and_one_that_stays_quiet(void **state)
{
	glob_t found = { 0 };

	assert_int_equal(glob("policies/*.yaml", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct policy_file file = { .name = found.gl_pathv[i] };
		struct policy_set *set;
		struct buf text;

		buf_init(&text, 1 << 20);
		assert_int_equal(read_file(AT_FDCWD, file.name, &text), 0);
		file.text = (const char *)text.ptr;
		file.len = text.len;
		set = policy_load(&file, 1, stderr);
		assert_non_null(set);
		assert_true(set->nr_rules > 0);
		rules_have_both(set, file.name);
		policy_free(set);
		buf_free(&text);
	}
	globfree(&found);
}

static void a_wrong_expectation_gives_the_place_both_values_and_1(void **state)
{
	static const char text[] =
		"version: 1\nrules:\n  - {id: CARD-1, title: t, severity: low, forbid: {data.class: pan}}\ntests:\n"
		"  - rule: CARD-1\n    name: a card\n    given: {data.class: pan}\n    expect: {violation: false}\n"
		"  - rule: CARD-1\n    name: no card\n    given: {data.class: email}\n    expect: {violation: true}\n";
	char path[] = "/tmp/weir-test-policy-XXXXXX", place[128];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, sizeof(text) - 1), 0);
	close(fd);
	assert_int_equal(WEIR_RUN("policy", "test", path), EXIT_FOUND);
	snprintf(place, sizeof(place), "expected no violation, got a violation (%s:5)", path);
	assert_non_null(strstr(said.out, place));
	snprintf(place, sizeof(place), "expected a violation, got quiet (%s:9)", path);
	assert_non_null(strstr(said.out, place));
	assert_non_null(strstr(said.out, "2 tests, 2 failed"));
	unlink(path);
	assert_int_equal(WEIR_RUN("policy", "test", "policies"), EXIT_OK);
	assert_non_null(strstr(said.out, " 0 failed"));
}

static void text_put(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, len), 0);
	close(fd);
}

static void descriptors_stand_among_the_policies(void **state)
{
	static const char card[] = "version: 1\nrules:\n  - {id: CARD-1, title: t, severity: low, forbid: {data.class: pan}}\n";
	char folder[] = "/tmp/weir-test-policy-XXXXXX", path[2][64], cut[300];

	assert_non_null(mkdtemp(folder));
	snprintf(path[0], sizeof(path[0]), "%s/card.yaml", folder);
	snprintf(path[1], sizeof(path[1]), "%s/shop.protoset", folder);
	text_put(path[0], card, sizeof(card) - 1);
	text_put(path[1], "\x0a\x10\x22\x0e\x0a\x05Order\x12\x05\x0a\x01x\x18\x01", 18);
	assert_int_equal(WEIR_RUN("policy", "check", folder), EXIT_OK);
	assert_non_null(strstr(said.out, "1 rules and 0 classes in 2 files are right"));
	assert_non_null(strstr(said.out, "1 messages of protocol buffers are described"));
	text_put(path[1], "\x0a\x10\x22\x0e\x0a\x05Order\x12\x05\x0a\x09x\x18\x01", 18);
	assert_int_equal(WEIR_RUN("policy", "test", folder), EXIT_USAGE);
	snprintf(cut, sizeof(cut), "%s is no set of protobuf descriptors: byte 13: a field is longer than what holds it; make it anew with protoc", path[1]);
	assert_non_null(strstr(said.err, cut));
	unlink(path[0]);
	unlink(path[1]);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shipped_rule_has_a_case_that_fires_and_one_that_stays_quiet),
		cmocka_unit_test(a_wrong_expectation_gives_the_place_both_values_and_1),
		cmocka_unit_test(descriptors_stand_among_the_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
