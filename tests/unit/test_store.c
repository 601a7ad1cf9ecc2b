/* SPDX-License-Identifier: Apache-2.0 */
/* flows, coverage, violations and the index that answers for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/flows.h"
#include "store/index.h"
#include "store/violations.h"

static char *lines[64];
static unsigned nr_lines;

static void keep(void *owner, const char *json, size_t len)
{
	assert_true(nr_lines < 64);
	lines[nr_lines++] = strndup(json, len);
}

static void keep_line(void *owner, const char *json, size_t len, const char *line)
{
	keep(owner, json, len);
}

static uint64_t next_leaf(void *owner)
{
	return 77;
}

static void forget(void)
{
	while (nr_lines)
		free(lines[--nr_lines]);
}

static struct flow_facts flow_of(const char *workload, uint8_t role, const char *route)
{
	struct flow_facts f = { .role = role, .zone = ZONE_LOOPBACK, .tls = TLS_PRESENT, .binding = BINDING_EXACT, .port = 443, .process = { 5, 50 } };

	snprintf(f.workload, sizeof(f.workload), "%s", workload);
	snprintf(f.peer, sizeof(f.peer), "%s", role == ROLE_SERVER ? "loopback" : "localhost");
	snprintf(f.route, sizeof(f.route), "%s", route);
	snprintf(f.protocol, sizeof(f.protocol), "p");
	return f;
}

static struct exchange exchange_of(unsigned findings)
{
	struct exchange ex = { .at = { 1000000000, 1 }, .bytes = { .moved = 100, .examined = 90, .framing = 10 } };

	ex.nr_findings = findings;
	for (unsigned i = 0; i < findings; i++) {
		ex.findings[i] = (struct finding){ .class_id = (uint8_t)class_find("pan"), .confidence = CONF_CERTAIN, .count = 2, .distinct = 1, .dir = DIR_SENT };
		snprintf(ex.findings[i].path, PATH_SIZE, "$.card.number");
		snprintf(ex.findings[i].mask, MASK_SIZE, "411111******1111");
	}
	return ex;
}

/* What SQLite finds at a path of the object: the outside judge of our writer. */
static int on_value(void *owner, int columns, const char *const *v)
{
	snprintf(owner, 256, "%s", v[0] ? v[0] : "NULL");
	return 1;
}

static const char *at(const char *json, const char *path)
{
	static char value[256];
	const char *params[] = { json, path };
	struct index *x;
	char why[256] = "";

	x = index_open(NULL, true, why, sizeof(why));
	assert_non_null(x);
	snprintf(value, sizeof(value), "no row");
	assert_int_equal(index_query(x, "SELECT json_extract(?1, ?2)", params, 2, on_value, value, why, sizeof(why)), 0);
	index_close(x);
	return value;
}

static void equal_keys_are_one_flow_and_counts_are_exact(void **state)
{
	struct flow_facts a = flow_of("curl", ROLE_CLIENT, "/a"), b = flow_of("curl", ROLE_CLIENT, "/b"), s = flow_of("x", ROLE_CLIENT, "/a");
	struct exchange ex = exchange_of(1);
	struct flows *f = flows_new();

	s.selftest = true;
	for (int i = 0; i < 97; i++)
		flows_exchange(f, &a, &ex);
	flows_exchange(f, &b, &ex);
	flows_exchange(f, &s, &ex);
	flows_traffic(f, &a, &(struct traffic){ .bytes = { .moved = 7, .lost = 7 } });
	assert_int_equal(flows_count(f), 2);
	flows_write(f, 60000, 120000, true, keep, NULL);
	assert_int_equal(nr_lines, 2);
	assert_string_equal(at(lines[0], "$.route"), "/a");
	assert_string_equal(at(lines[0], "$.exchanges"), "97");
	assert_string_equal(at(lines[0], "$.classes[0].class"), "pan");
	assert_string_equal(at(lines[0], "$.classes[0].findings"), "194");
	assert_string_equal(at(lines[0], "$.bytes.moved"), "9707");
	assert_string_equal(at(lines[0], "$.bytes.lost"), "7");
	assert_string_equal(at(lines[0], "$.bytes.unexplained"), "0");
	assert_string_equal(at(lines[0], "$.end"), "1970-01-01T00:02:00.000Z");
	assert_string_equal(at(lines[0], "$.tls.state"), "present");
	assert_string_equal(at(lines[1], "$.exchanges"), "1");
	forget();
	flows_reset(f);
	assert_int_equal(flows_count(f), 0);
	flows_free(f);
}

static void routes_beyond_the_limit_are_other_and_counted(void **state)
{
	struct exchange ex = exchange_of(0);
	struct flows *f = flows_new();

	for (int i = 0; i < FLOWS_ROUTES + 25; i++) {
		char route[32];
		struct flow_facts k;

		snprintf(route, sizeof(route), "/r%d", i);
		k = flow_of("w", ROLE_SERVER, route);
		flows_exchange(f, &k, &ex);
	}
	assert_int_equal(flows_count(f), FLOWS_ROUTES + 1);
	assert_int_equal(flows_other(f), 25);
	flows_free(f);
}

static void coverage_says_what_was_blind(void **state)
{
	struct coverage *c = coverage_new();
	struct flow_facts f = flow_of("w", ROLE_SERVER, "/");
	struct process_facts p = { .key = { 5, 50 }, .exe = "/bin/w", .tls_probe = PROBE_ATTACHED }, quiet = { .key = { 6, 60 } };

	coverage_bytes(c, &f, &(struct byte_account){ .moved = 10, .opaque = 10 }, "unprobed_tls");
	coverage_process(c, &p, "w");
	coverage_process(c, &quiet, "q");
	coverage_write(c, 0, 1, keep, NULL);
	assert_int_equal(nr_lines, 4);
	assert_string_equal(at(lines[0], "$.state"), "unproven");
	assert_string_equal(at(lines[1], "$.state"), "blind");
	assert_string_equal(at(lines[1], "$.reason"), "unprobed_tls");
	assert_string_equal(at(lines[1], "$.pid"), "5");
	assert_string_equal(at(lines[3], "$.workload"), "w");
	assert_string_equal(at(lines[3], "$.pid"), "NULL");
	forget();
	coverage_reset(c);
	coverage_bytes(c, &f, &(struct byte_account){ .moved = 10, .examined = 9, .lost = 1 }, "");
	coverage_write(c, 0, 1, keep, NULL);
	assert_string_equal(at(lines[0], "$.state"), "partial");
	assert_string_equal(at(lines[0], "$.reason"), "lost");
	forget();
	coverage_free(c);
}

static const char *const criteria[] = { "CC6.7", "C1.1", NULL };
static const struct rule_info rule = { .id = "R-1", .title = "t", .severity = SEV_HIGH, .criteria = criteria, .window_ns = 100 };

static void a_violation_opens_grows_and_closes(void **state)
{
	struct flow_facts f = flow_of("curl", ROLE_CLIENT, "/a");
	struct exchange ex = exchange_of(1);
	struct violations *v = violations_new();
	char id[32];

	violations_add(v, &rule, &f, &ex.findings[0], &ex, 5000, 3, keep_line, NULL);
	assert_int_equal(nr_lines, 1);
	snprintf(id, sizeof(id), "%s", at(lines[0], "$.id"));
	assert_string_equal(at(lines[0], "$.status"), "open");
	assert_string_equal(at(lines[0], "$.leaf"), "3");
	assert_string_equal(at(lines[0], "$.criteria[1]"), "C1.1");
	for (int i = 0; i < 4; i++)
		violations_add(v, &rule, &f, &ex.findings[0], &ex, 6000, 4, keep_line, NULL);
	assert_int_equal(nr_lines, 1);
	violations_interval(v, ex.at.time + 50, 7000, next_leaf, keep_line, NULL);
	assert_int_equal(nr_lines, 2);
	assert_string_equal(at(lines[1], "$.exchanges"), "5");
	assert_string_equal(at(lines[1], "$.id"), id);
	assert_string_equal(at(lines[1], "$.leaf"), "77");
	violations_interval(v, ex.at.time + 60, 8000, next_leaf, keep_line, NULL);
	assert_int_equal(nr_lines, 2);	/* nothing new, not yet quiet long enough */
	violations_interval(v, ex.at.time + 101, 9000, next_leaf, keep_line, NULL);
	assert_int_equal(nr_lines, 3);
	assert_string_equal(at(lines[2], "$.status"), "closed");
	assert_int_equal(violations_open(v), 0);
	violations_add(v, &rule, &f, &ex.findings[0], &ex, 9000, 5, keep_line, NULL);
	assert_string_not_equal(at(lines[3], "$.id"), id);
	forget();
	violations_free(v);
}

static void both_ends_of_a_pair_make_one(void **state)
{
	struct flow_facts c = flow_of("curl", ROLE_CLIENT, "/a"), s = flow_of("nginx", ROLE_SERVER, "/a");
	struct exchange ex = exchange_of(1);
	struct violations *v = violations_new();

	c.pair = s.pair = 42;
	for (int i = 0; i < 97; i++) {
		violations_add(v, &rule, &s, &ex.findings[0], &ex, 5000, 3, keep_line, NULL);
		violations_add(v, &rule, &c, &ex.findings[0], &ex, 5000, 3, keep_line, NULL);
	}
	violations_interval(v, ex.at.time + 1, 7000, next_leaf, keep_line, NULL);
	assert_int_equal(nr_lines, 2);
	assert_string_equal(at(lines[0], "$.workload"), "nginx");
	assert_string_equal(at(lines[1], "$.exchanges"), "97");
	forget();
	violations_free(v);
}

static void the_index_is_made_again_from_leaves(void **state)
{
	static const char leaf[] = "{\"type\":\"gap\",\"time\":\"2026-11-24T10:00:00.500Z\",\"from\":\"2026-11-24T09:00:00.000Z\"}";
	char why[256] = "", value[256];
	struct index *x = index_open(NULL, true, why, sizeof(why));

	assert_int_equal(index_size(x), 0);
	assert_int_equal(index_leaf(x, 0, leaf, strlen(leaf)), 0);
	assert_int_equal(index_leaf(x, 1, leaf, strlen(leaf)), 0);
	assert_int_equal(index_size(x), 2);
	assert_int_equal(index_leaf(x, 2, "not json", 8) != 0, 1);
	assert_int_equal(index_query(x, "SELECT type||time FROM leaf WHERE leaf=1", NULL, 0, on_value, value, why, sizeof(why)), 0);
	assert_string_equal(value, "gap1795514400500");
	assert_int_equal(index_open_row(x, "flow", "{}", 2), 0);
	assert_int_equal(index_open_clear(x, "flow"), 0);
	assert_int_equal(index_query(x, "SELECT count(*) FROM open", NULL, 0, on_value, value, why, sizeof(why)), 0);
	assert_string_equal(value, "0");
	assert_int_equal(index_query(x, "SELECT nothing", NULL, 0, on_value, value, why, sizeof(why)), -1);
	assert_true(why[0]);
	index_close(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_keys_are_one_flow_and_counts_are_exact),
		cmocka_unit_test(routes_beyond_the_limit_are_other_and_counted),
		cmocka_unit_test(coverage_says_what_was_blind),
		cmocka_unit_test(a_violation_opens_grows_and_closes),
		cmocka_unit_test(both_ends_of_a_pair_make_one),
		cmocka_unit_test(the_index_is_made_again_from_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
