/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: what the loader refuses and how it says so, and what rules say of facts,
 * above all of facts nobody saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define RULE(forbid) "version: 1\nrules:\n  - {id: R, title: t, severity: high, forbid: " forbid "}\n"

static char *said;

static struct policy_set *load_files(const struct policy_file *files, size_t nr)
{
	size_t size;
	FILE *f;
	struct policy_set *set;

	free(said);
	f = open_memstream(&said, &size);
	assert_non_null(f);
	set = policy_load(files, nr, f);
	fclose(f);
	return set;
}

static struct policy_set *load(const char *text)
{
	struct policy_file file = { "a.yaml", text, strlen(text) };

	return load_files(&file, 1);
}

static void refused(const char *text, const char *wanted)
{
	struct policy_set *set = load(text);

	if (set || !strstr(said, wanted))
		fail_msg("wanted '%s', got '%s'", wanted, set ? "a set" : said);
	policy_free(set);
}

static enum verdict ask(const char *text, const struct flow_facts *flow, const struct finding *finding)
{
	struct policy_set *set = load(text);
	enum verdict v;

	if (!set)
		fail_msg("%s", said);
	v = policy_eval(set, 0, flow, finding);
	policy_free(set);
	return v;
}

static struct finding of_class(const char *name)
{
	struct finding f = { .confidence = CONF_LIKELY, .count = 3, .distinct = 2, .dir = DIR_SENT, .location = LOC_REQUEST_BODY };
	int id = class_find(name);

	assert_true(id >= 0);
	f.class_id = (uint8_t)id;
	return f;
}

static struct flow_facts client(const char *peer)
{
	struct flow_facts f = { .role = ROLE_CLIENT, .zone = ZONE_INTERNET, .tls = TLS_PRESENT, .port = 443 };

	snprintf(f.peer, sizeof(f.peer), "%s", peer);
	snprintf(f.peer_address, sizeof(f.peer_address), "203.0.113.9");
	return f;
}

static char *slurp(const char *name)
{
	FILE *f = fopen(name, "r");
	char *text = calloc(1, 1 << 16);

	if (!f || !text || !fread(text, 1, (1 << 16) - 1, f))
		fail_msg("cannot read %s; run from the top folder", name);
	fclose(f);
	return text;
}

static void the_shipped_policy_passes_its_own_tests(void **state)
{
	char *text = slurp("policies/soc2.yaml");
	struct policy_set *set = load(text);
	unsigned run = 0;

	if (!set)
		fail_msg("%s", said);
	assert_int_equal(policy_test(set, stdout, &run), 0);
	assert_true(run >= 2 * policy_rules(set));
	assert_string_equal(policy_rule(set, 0)->criteria[0], "CC6.7");
	assert_null(policy_rule(set, 0)->criteria[1]);
	assert_int_equal(policy_rule(set, 0)->severity, SEV_HIGH);
	assert_null(policy_rule(set, policy_rules(set)));
	policy_free(set);
	free(text);
}

static void a_mistake_is_told_with_its_place_its_line_and_a_caret(void **state)
{
	refused("version: 1\nrules:\n  - {id: R, titel: x, title: x, severity: low, forbid: {data.class: pan}}\n",
		"a.yaml:3:13: error: unknown key 'titel' in a rule; did you mean 'title'?\n"
		"    - {id: R, titel: x, title: x, severity: low, forbid: {data.class: pan}}\n"
		"              ^\n");
}

static void yaml_that_surprises_is_refused(void **state)
{
	refused("version: &a 1", "a.yaml:1:10: error: an anchor");
	refused("version: 1\nlists: {a: {type: host, items: [*x]}}", "an alias");
	refused("version: !!int 1", "a tag");
	refused("%YAML 1.1\n---\nversion: 1", "a directive");
	refused("version: 1\n---\nversion: 1", "a second document");
	refused("version: 1\nversion: 1", "a.yaml:2:1: error: key 'version' is already on line 1");
	refused("version: [", "not valid YAML");
	refused("version: 1\n# \xff", "a.yaml:2:1: error: not valid YAML");
	refused("", "the file is empty");
	refused("- a", "the file has the wrong form");
	refused("version: 1\n? [a]\n: b", "this key is not a word");
	refused("version: 1\nlists: {a: {type: string, items: [\"\\e[31m\"]}}", "control character");
	refused(RULE("{via.tls: no}"), "bare 'no'");
	refused(RULE("{data.sample: On}"), "bare 'On'");
}

static void unknown_words_are_refused(void **state)
{
	refused("rules: []", "no version");
	refused("version: 2", "version 2 is not known");
	refused("version: 1\nrulez: []", "did you mean 'rules'?");
	refused(RULE("{data.class: pann}"), "unknown data class 'pann'; did you mean 'pan'?");
	refused(RULE("{data.group: [pci, pi]}"), "unknown class group 'pi'");
	refused(RULE("{peer.zone: intranet}"), "unknown zone 'intranet'");
	refused(RULE("{peer.zone: unknown}"), "unknown zone");
	refused(RULE("{data: {clas: pan}}"), "unknown fact 'data.clas'; did you mean 'class'?");
	refused(RULE("{from.workloads: a}"), "did you mean 'from.workload'?");
	refused(RULE("{to.host: {not_in: [processors]}}"), "unknown list 'processors'");
	refused(RULE("{to.host: {nott_in: a.b}}"), "did you mean 'not_in'?");
	refused(RULE("{all: [outside]}"), "unknown condition 'outside'");
	refused("version: 1\ntests: [{rule: X, name: n, given: {data.class: pan}, expect: {violation: true}}]", "unknown rule 'X'");
	refused("version: 1\nlists: {a: {extend: true, items: [b.c]}}", "no list 'a' to extend");
}

static void wrong_values_are_refused(void **state)
{
	refused(RULE("{}"), "this block is empty");
	refused(RULE("{data.class: []}"), "no values");
	refused(RULE("{any: []}"), "'any' is empty");
	refused(RULE("{data.class: ''}"), "is empty");
	refused(RULE("{data.count: {min: many}}"), "whole number");
	refused(RULE("{data.class: {min: pan}}"), "'min' does not fit data.class");
	refused(RULE("{data.count: {min: [1, 2]}}"), "a single value");
	refused(RULE("{to.ip: 10.0.0.1/8}"), "bad address or CIDR");
	refused(RULE("{to.ip: 10.0.0.0/33}"), "bad address or CIDR");
	refused(RULE("{to.host: 'https://a.b'}"), "is no host");
	refused(RULE("{data.sample: 'true'}"), "write true or false");
	refused(RULE("{not: {not: {not: {not: {data.class: pan}}}}}"), "deeper than 3");
	refused("version: 1\nlists: {n: {type: cidr, items: [10.0.0.0/8]}}\n"
		"rules: [{id: R, title: t, severity: low, forbid: {to.host: n}}]", "another type");
	refused("version: 1\nlists: {n: {type: cidr, items: []}}\n"
		"rules: [{id: R, title: t, severity: low, forbid: {from.exe: {glob: n}, to.ip: {glob: n}}}]", "'glob' does not fit");
	refused("version: 1\nconditions: {a: {data.class: pan}, b: {all: [a]}}", "may not use another");
	refused("version: 1\nrules: [{id: R}]", "has no 'forbid'");
	refused(RULE("{data.class: pan}") "  - {id: R, title: t, severity: high, forbid: {data.class: pan}}\n", "already defined");
	refused(RULE("{data.class: pan}, message: '{data.clas}'"), "did you mean 'data.class'?");
	refused(RULE("{data.class: pan}, dedup: {window: 1x}"), "window is '1x'");
	refused(RULE("{data.class: pan}, on_unknown: {via.tsl: note}"), "did you mean 'via.tls'?");
	refused(RULE("{data.class: pan}, on_unknown: maybe"), "unknown answer 'maybe'");
}

static void many_mistakes_are_told_at_once_and_no_more_than_twenty(void **state)
{
	char text[4096] = "version: 1\nlists:\n  a:\n    type: class\n    items:\n";
	size_t lines = 0;

	for (int i = 0; i < 30; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "      - wrong%d\n", i);
	refused(text, "10 more errors are not shown");
	for (const char *p = said; (p = strstr(p, ": error: ")); p++)
		lines++;
	assert_int_equal(lines, 20);
}

static void files_are_one_set_whatever_their_order(void **state)
{
	static const char base[] = "version: 1\nlists: {known: {type: host, items: []}}\n"
				   "rules: [{id: R, title: t, severity: low, forbid: {to.host: {not_in: known}}}]\n";
	static const char mine[] = "version: 1\nlists: {known: {extend: true, items: ['*.Partner.example']}}\n";
	const struct policy_file files[] = {
		{ "mine.yaml", mine, strlen(mine) }, { "base.yaml", base, strlen(base) }, { "mine.yaml", mine, strlen(mine) },
	};
	struct finding f = of_class("email");
	struct flow_facts partner = client("api.partner.example"), other = client("api.other.example");
	char one[65], two[65];

	for (int i = 0; i < 2; i++) {
		struct policy_set *set = load_files(files + i, 2);

		if (!set)
			fail_msg("%s", said);
		assert_int_equal(policy_eval(set, 0, &partner, &f), VERDICT_QUIET);
		assert_int_equal(policy_eval(set, 0, &other, &f), VERDICT_VIOLATION);
		policy_hash(set, i ? two : one);
		policy_free(set);
	}
	assert_int_equal(strlen(one), 64);
	assert_string_not_equal(one, two);
	refused("version: 1\nlists: {known: {type: host, items: [], extend: false}, known2: {items: []}}", "has no type");
}

static void an_unseen_fact_satisfies_nothing(void **state)
{
	struct finding f = of_class("email");
	struct flow_facts flow = client("a.example");

	flow.tls = TLS_UNKNOWN;
	assert_int_equal(ask(RULE("{via.tls: absent}"), &flow, &f), VERDICT_UNKNOWN);
	assert_int_equal(ask(RULE("{via.tls: {not: present}}"), &flow, &f), VERDICT_UNKNOWN);
	assert_int_equal(ask(RULE("{not: {via.tls: present}}"), &flow, &f), VERDICT_UNKNOWN);
	assert_int_equal(ask(RULE("{via.tls: absent, data.class: pan}"), &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(RULE("{any: [{via.tls: absent}, {data.class: email}]}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{from.unit: {not_in: [a]}}"), &flow, &f), VERDICT_UNKNOWN);
}

static void on_unknown_settles_it_for_the_rule(void **state)
{
	struct finding f = of_class("email");
	struct flow_facts flow = client("a.example");

	flow.tls = TLS_UNKNOWN;
	assert_int_equal(ask(RULE("{via.tls: absent}, on_unknown: violate"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{via.tls: absent}, on_unknown: ignore"), &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(RULE("{not: {via.tls: present}}, on_unknown: violate"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{not: {via.tls: present}}, on_unknown: ignore"), &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(RULE("{via.tls: absent}, on_unknown: {via.tls: violate}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{via.tls: absent}, on_unknown: {via.method: violate}"), &flow, &f), VERDICT_UNKNOWN);
}

static void to_is_only_what_a_client_sends(void **state)
{
	static const char rule[] = RULE("{to.zone: internet}"), inverse[] = RULE("{not: {to.zone: loopback}}");
	struct finding f = of_class("email");
	struct flow_facts flow = client("a.example");

	assert_int_equal(ask(rule, &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(inverse, &flow, &f), VERDICT_VIOLATION);
	flow.role = ROLE_UNKNOWN;
	assert_int_equal(ask(rule, &flow, &f), VERDICT_UNKNOWN);
	flow.role = ROLE_SERVER;
	assert_int_equal(ask(rule, &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(inverse, &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(RULE("{peer.zone: internet}"), &flow, &f), VERDICT_VIOLATION);
	flow.role = ROLE_CLIENT;
	f.dir = DIR_RECEIVED;
	assert_int_equal(ask(rule, &flow, &f), VERDICT_QUIET);
}

static void hosts_match_as_globs_and_an_address_is_in_no_list_of_names(void **state)
{
	static const char rule[] = RULE("{to.host: {not_in: ['*.adyen.com', api.stripe.com]}}");
	struct finding f = of_class("pan");
	struct flow_facts flow = client("Checkout.ADYEN.com");

	assert_int_equal(ask(rule, &flow, &f), VERDICT_QUIET);
	flow = client("adyen.com.evil.example");
	assert_int_equal(ask(rule, &flow, &f), VERDICT_VIOLATION);
	flow = client("203.0.113.9");
	assert_int_equal(ask(rule, &flow, &f), VERDICT_VIOLATION);
	flow = client("");
	assert_int_equal(ask(rule, &flow, &f), VERDICT_VIOLATION);
	flow.peer_address[0] = 0;
	assert_int_equal(ask(rule, &flow, &f), VERDICT_UNKNOWN);
}

static void a_server_s_own_name_is_not_its_peer_s(void **state)
{
	struct finding f = of_class("pan");
	struct flow_facts flow = client("internet");

	flow.role = ROLE_SERVER;
	snprintf(flow.host, sizeof(flow.host), "shop.example");
	assert_int_equal(ask(RULE("{peer.host: shop.example}"), &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(RULE("{peer.host: 203.0.113.9}"), &flow, &f), VERDICT_VIOLATION);
}

static void operators_compare(void **state)
{
	struct finding f = of_class("email");
	struct flow_facts flow = client("a.example");

	assert_int_equal(ask(RULE("{data.count: {min: 3, max: 3}}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{data.records: {min: 3}}"), &flow, &f), VERDICT_QUIET);
	f.records = 3;
	assert_int_equal(ask(RULE("{data.records: {min: 3}}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{data.flow_records: {min: 40000}}"), &flow, &f), VERDICT_QUIET);
	f.flow_records = 40000;
	assert_int_equal(ask(RULE("{data.flow_records: {min: 40000}}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{data.confidence: possible}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{data.confidence: certain}"), &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(RULE("{data: {group: [pci, pii], sample: false}}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{to.ip: {cidr: 203.0.112.0/20}}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{to.ip: {not_in: [203.0.113.8/31, 'fd00::/8']}}"), &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(RULE("{to.port: [80, 8080]}"), &flow, &f), VERDICT_QUIET);
	assert_int_equal(ask(RULE("{to.host: {glob: '?.ex*le'}}"), &flow, &f), VERDICT_VIOLATION);
	assert_int_equal(ask(RULE("{data.location: [path, query]}"), &flow, &f), VERDICT_QUIET);
}

static void a_failed_test_is_told(void **state)
{
	struct policy_set *set = load(RULE("{data.class: pan}")
		"tests:\n  - {rule: R, name: wrong, given: {data.class: email}, expect: {violation: true}}\n"
		"  - {rule: R, name: right, given: {data.group: pci}, expect: {violation: true}}\n");
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);
	unsigned run;

	assert_non_null(set);
	assert_int_equal(policy_test(set, f, &run), 1);
	fclose(f);
	assert_int_equal(run, 2);
	assert_string_equal(out, "FAIL  R: wrong: expected a violation, got quiet (a.yaml:5)\nok    R: right\n");
	free(out);
	policy_free(set);
}

static void severities_have_names(void **state)
{
	for (unsigned i = 0; i <= SEV_CRITICAL; i++)
		assert_int_equal(severity_parse(severity_name(i)), i);
	assert_int_equal(severity_parse("urgent"), -1);
	assert_string_equal(severity_name(99), "unknown");
}

static int forget(void **state)
{
	free(said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_policy_passes_its_own_tests),
		cmocka_unit_test(a_mistake_is_told_with_its_place_its_line_and_a_caret),
		cmocka_unit_test(yaml_that_surprises_is_refused),
		cmocka_unit_test(unknown_words_are_refused),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(many_mistakes_are_told_at_once_and_no_more_than_twenty),
		cmocka_unit_test(files_are_one_set_whatever_their_order),
		cmocka_unit_test(an_unseen_fact_satisfies_nothing),
		cmocka_unit_test(on_unknown_settles_it_for_the_rule),
		cmocka_unit_test(to_is_only_what_a_client_sends),
		cmocka_unit_test(hosts_match_as_globs_and_an_address_is_in_no_list_of_names),
		cmocka_unit_test(a_server_s_own_name_is_not_its_peer_s),
		cmocka_unit_test(operators_compare),
		cmocka_unit_test(a_failed_test_is_told),
		cmocka_unit_test(severities_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
