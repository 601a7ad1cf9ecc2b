/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts become violations: one per rule, workload, peer, class and route. */
#include "store/violations.h"
#include "tests/unit/state_fixture.h"

#define UTC 1795510200000ull
#define SECOND 1000000000ull
#define HOUR (3600 * SECOND)

static const char *const criteria[] = { "CC6.7", "P6.1", NULL };
static const struct rule_info rule = { "CC6.7-TLS-001", "Regulated data without TLS", SEV_HIGH, criteria, HOUR };
static const struct rule_info other_rule = { "C1.1-001", "Card number", SEV_LOW, NULL, HOUR };

struct taken { unsigned nr, lines; char json[4096], line[1024]; uint64_t leaf; };

static void take(void *owner, const char *json, size_t len, const char *line)
{
	struct taken *t = owner;

	assert_int_equal(strlen(json), len);
	t->nr++;
	t->lines += !!line;
	snprintf(t->json, sizeof(t->json), "%s", json);
	if (line)
		snprintf(t->line, sizeof(t->line), "%s", line);
}

static void id_of(char id[17], const struct taken *t)
{
	const char *text = json_at(t->json, "$.id");

	assert_int_equal(strlen(text), 16);
	memcpy(id, text, 17);
}

static uint64_t next_leaf(void *owner)
{
	return ((struct taken *)owner)->leaf++;
}

static struct flow_facts client(void)
{
	return (struct flow_facts){ .workload = "curl", .exe = "/usr/bin/curl", .role = ROLE_CLIENT, .zone = ZONE_INTERNET, .peer = "api.example.com",
				    .port = 80, .protocol = "http1", .route = "/pay" };
}

static struct flow_facts server(void)
{
	struct flow_facts f = client();

	snprintf(f.workload, sizeof(f.workload), "nginx.service");
	snprintf(f.peer, sizeof(f.peer), "curl");
	f.role = ROLE_SERVER;
	return f;
}

static struct finding pan(unsigned count)
{
	return (struct finding){ .class_id = (uint8_t)class_find("pan"), .confidence = CONF_LIKELY, .dir = DIR_SENT, .count = count, .distinct = 1,
				 .path = "$.card.number", .mask = "411111******1111" };
}

static void add(struct violations *v, const struct rule_info *r, const struct flow_facts *f, const struct finding *d, uint64_t boot, struct taken *t)
{
	static struct exchange ex;

	ex.at.time = boot;
	violations_add(v, r, f, d, &ex, UTC + boot / 1000000, t->leaf, take, t);
}

static void the_first_breach_opens_at_once_with_the_object_of_the_design(void **state)
{
	struct violations *v = violations_new();
	struct flow_facts f = client();
	struct finding d = pan(2);
	struct taken t = { .leaf = 41 };
	char want[2048], id[17];

	add(v, &rule, &f, &d, 0, &t);
	assert_int_equal(t.nr, 1);
	id_of(id, &t);
	assert_int_equal(strspn(id, "0123456789abcdef"), 16);
	snprintf(want, sizeof(want),
		 "{\"type\":\"violation\",\"id\":\"%s\",\"opened\":\"2026-11-24T08:50:00.000Z\",\"updated\":\"2026-11-24T08:50:00.000Z\","
		 "\"rule\":\"CC6.7-TLS-001\",\"title\":\"Regulated data without TLS\",\"severity\":\"high\",\"criteria\":[\"CC6.7\",\"P6.1\"],"
		 "\"workload\":\"curl\",\"exe\":\"/usr/bin/curl\",\"role\":\"client\",\"peer\":\"api.example.com\",\"peer_zone\":\"internet\","
		 "\"port\":80,\"protocol\":\"http1\",\"route\":\"/pay\",\"classes\":[{\"class\":\"pan\",\"group\":\"pci\",\"confidence\":\"likely\","
		 "\"data\":\"sent\",\"findings\":2,\"distinct\":1}],\"path\":\"$.card.number\",\"mask\":\"411111******1111\",\"exchanges\":1,"
		 "\"facts\":{\"peer.host\":\"api.example.com\",\"via.auth\":\"none\",\"data.count\":2,\"data.records\":0,\"data.flow_records\":0,"
		 "\"data.sample\":false},\"status\":\"open\",\"leaf\":41}", id);
	assert_string_equal(t.json, want);
	assert_non_null(strstr(t.line, "2026-11-24T08:50:00.000Z"));
	assert_non_null(strstr(t.line, "high CC6.7-TLS-001: curl -> api.example.com"));
	assert_non_null(strstr(t.line, "pan"));
	assert_non_null(strstr(t.line, "mask=411111******1111"));
	assert_non_null(strstr(t.line, "criteria=CC6.7 P6.1"));
	assert_null(strchr(t.line, '\n'));
	violations_free(v);
}

static void ninety_seven_breaches_are_one_violation_with_exactly_ninety_seven_exchanges(void **state)
{
	struct violations *v = violations_new();
	struct flow_facts f = client();
	struct finding d = pan(1);
	struct taken t = { .leaf = 0 };
	char id[17];

	add(v, &rule, &f, &d, SECOND, &t);
	id_of(id, &t);
	d.confidence = CONF_CERTAIN;
	for (unsigned i = 1; i < 97; i++)
		add(v, &rule, &f, &d, i * SECOND, &t);
	assert_int_equal(t.nr, 1);
	violations_interval(v, 100 * SECOND, UTC, next_leaf, take, &t);
	assert_int_equal(t.nr, 2);
	assert_int_equal(t.lines, 1);
	assert_string_equal(json_at(t.json, "$.exchanges"), "97");
	assert_string_equal(json_at(t.json, "$.classes[0].findings"), "97");
	assert_string_equal(json_at(t.json, "$.classes[0].confidence"), "certain");
	assert_string_equal(json_at(t.json, "$.classes[0].distinct"), "97");
	assert_string_equal(json_at(t.json, "$.id"), id);
	assert_string_equal(json_at(t.json, "$.status"), "open");
	/* Distinct is an estimate of one interval: a smaller one later adds nothing. */
	add(v, &rule, &f, &d, 101 * SECOND, &t);
	violations_interval(v, 102 * SECOND, UTC, next_leaf, take, &t);
	assert_string_equal(json_at(t.json, "$.exchanges"), "98");
	assert_string_equal(json_at(t.json, "$.classes[0].distinct"), "97");
	t.nr = 2;
	/* An interval in which it did not grow says nothing. */
	violations_interval(v, 160 * SECOND, UTC, next_leaf, take, &t);
	assert_int_equal(t.nr, 2);
	violations_free(v);
}

static void another_rule_peer_class_route_or_workload_is_another_violation(void **state)
{
	struct violations *v = violations_new();
	struct flow_facts base = client(), f;
	struct finding d = pan(1);
	struct taken t = { .leaf = 0 };

	add(v, &rule, &base, &d, 0, &t);
	add(v, &other_rule, &base, &d, 0, &t);
#define VARY(change) f = base; change; add(v, &rule, &f, &d, 0, &t)
	VARY(f.workload[0] = 'x');
	VARY(f.peer[0] = 'x');
	VARY(f.route[1] = 'x');
	VARY(d.class_id = (uint8_t)class_find("email"));
	d = pan(1);
	assert_int_equal(violations_open(v), 6);
	/* What is no part of the key. */
	VARY(f.port = 81);
	VARY(f.exe[1] = 'x');
	VARY(f.process.tgid = 99);
#undef VARY
	assert_int_equal(violations_open(v), 6);
	assert_int_equal(violations_opened(v), 6);
	assert_int_equal(t.nr, 6);
	violations_free(v);
}

static void both_ends_of_a_local_pair_make_one_and_only_the_opening_end_counts(void **state)
{
	struct violations *v = violations_new();
	struct flow_facts c = client(), s = server();
	struct finding d = pan(1), r = pan(1);
	struct taken t = { .leaf = 0 };

	c.pair = s.pair = 77;
	r.dir = DIR_RECEIVED;
	for (unsigned i = 0; i < 97; i++) {
		add(v, &rule, &c, &d, i * SECOND, &t);
		add(v, &rule, &s, &r, i * SECOND, &t);
	}
	assert_int_equal(violations_open(v), 1);
	assert_int_equal(t.nr, 1);
	violations_interval(v, 97 * SECOND, UTC, next_leaf, take, &t);
	assert_string_equal(json_at(t.json, "$.exchanges"), "97");
	assert_string_equal(json_at(t.json, "$.workload"), "curl");
	violations_free(v);
}

static void without_a_pair_both_roles_count(void **state)
{
	struct violations *v = violations_new();
	struct flow_facts f = client();
	struct finding d = pan(1);
	struct taken t = { .leaf = 0 };

	add(v, &rule, &f, &d, 0, &t);
	f.role = ROLE_UNKNOWN;
	add(v, &rule, &f, &d, 0, &t);
	violations_interval(v, SECOND, UTC, next_leaf, take, &t);
	assert_string_equal(json_at(t.json, "$.exchanges"), "2");
	violations_free(v);
}

static void a_violation_whose_other_end_is_found_later_goes_on(void **state)
{
	struct violations *v = violations_new();
	struct flow_facts c = client(), s = server();
	struct finding d = pan(1);
	struct taken t = { .leaf = 0 };

	add(v, &rule, &c, &d, 0, &t);
	c.pair = s.pair = 77;
	add(v, &rule, &c, &d, SECOND, &t);
	add(v, &rule, &s, &d, SECOND, &t);
	assert_int_equal(violations_open(v), 1);
	assert_int_equal(t.nr, 1);
	violations_interval(v, 2 * SECOND, UTC, next_leaf, take, &t);
	assert_string_equal(json_at(t.json, "$.exchanges"), "2");
	violations_free(v);
}

static void quiet_for_its_window_it_closes_and_then_opens_as_a_new_one(void **state)
{
	struct violations *v = violations_new();
	struct flow_facts f = client();
	struct finding d = pan(1);
	struct taken t = { .leaf = 5 };
	char id[17];

	add(v, &rule, &f, &d, SECOND, &t);
	id_of(id, &t);
	violations_interval(v, SECOND + HOUR, UTC, next_leaf, take, &t);	/* not longer than the window */
	assert_int_equal(t.nr, 1);
	violations_interval(v, SECOND + HOUR + 1, UTC, next_leaf, take, &t);
	assert_int_equal(t.nr, 2);
	assert_string_equal(json_at(t.json, "$.status"), "closed");
	assert_string_equal(json_at(t.json, "$.id"), id);
	assert_string_equal(json_at(t.json, "$.leaf"), "5");
	assert_int_equal(violations_open(v), 0);
	add(v, &rule, &f, &d, 2 * HOUR, &t);
	assert_int_equal(t.nr, 3);
	assert_string_equal(json_at(t.json, "$.status"), "open");
	assert_string_not_equal(json_at(t.json, "$.id"), id);
	assert_string_equal(json_at(t.json, "$.exchanges"), "1");
	violations_free(v);
}

static void more_than_the_limit_are_counted_and_do_not_grow_the_table(void **state)
{
	struct violations *v = violations_new();
	struct finding d = pan(1);
	struct taken t = { .leaf = 0 };

	for (unsigned i = 0; i < VIOLATIONS_OPEN + 10; i++) {
		struct flow_facts f = client();

		snprintf(f.route, sizeof(f.route), "/r%u", i);
		add(v, &rule, &f, &d, 0, &t);
	}
	assert_int_equal(violations_open(v), VIOLATIONS_OPEN);
	assert_int_equal(violations_dropped(v), 10);
	violations_free(v);
}

static void what_is_not_known_is_null_and_hostile_names_are_inert(void **state)
{
	struct violations *v = violations_new();
	struct flow_facts f = { .role = ROLE_SERVER };
	struct finding d = { .class_id = (uint8_t)class_find("email"), .confidence = CONF_POSSIBLE, .count = 1 };
	struct taken t = { .leaf = 0 };

	snprintf(f.workload, sizeof(f.workload), "\"},{\"\\\n\033[31m");
	add(v, &rule, &f, &d, 0, &t);
	assert_string_equal(json_at(t.json, "$.workload"), f.workload);	/* parses, and says what it was */
	assert_null(strchr(t.json, '\n'));
	assert_null(strchr(t.json, '\033'));
	assert_string_equal(json_at(t.json, "$.route"), "(null)");
	assert_string_equal(json_at(t.json, "$.path"), "(null)");
	assert_string_equal(json_at(t.json, "$.mask"), "(null)");
	assert_string_equal(json_at(t.json, "$.exe"), "(null)");
	violations_free(v);
}

/* A restart: what was open in the ledger goes on, what was closed does not. */

struct restore { struct violations *v; unsigned nr; uint64_t boot; };

static int restore(void *owner, int columns, const char *const *values)
{
	struct restore *r = owner;

	assert_int_equal(violations_restore(r->v, columns, values, HOUR, r->boot, UTC + 10000), 0);
	r->nr++;
	return 0;
}

static void after_a_restart_an_open_violation_goes_on_under_its_id(void **state)
{
	struct violations *before = violations_new(), *after = violations_new();
	struct restore r = { .v = after, .boot = 10 * SECOND };
	struct flow_facts f = client(), s = server();
	struct finding d = pan(1);
	struct taken t = { .leaf = 0 };
	char why[256] = "", id[17];
	struct index *index = index_open(NULL, true, why, sizeof(why));

	f.pair = s.pair = 77;
	add(before, &rule, &f, &d, 0, &t);
	index_leaf(index, 0, t.json, strlen(t.json));
	id_of(id, &t);
	f.route[1] = 'x';
	add(before, &other_rule, &f, &d, 0, &t);
	index_leaf(index, 1, t.json, strlen(t.json));
	*strstr(t.json, "\"open\"") = ' ';	/* a later leaf that says it is not open */
	memcpy(strstr(t.json, " open\""), "\"done\"", 6);
	index_leaf(index, 2, t.json, strlen(t.json));
	assert_int_equal(index_query(index, violations_restore_sql, NULL, 0, restore, &r, why, sizeof(why)), 0);
	assert_int_equal(r.nr, 1);
	assert_int_equal(violations_open(after), 1);
	f.route[1] = 'p';
	t.nr = 0;
	add(after, &rule, &f, &d, 11 * SECOND, &t);
	add(after, &rule, &s, &d, 11 * SECOND, &t);
	assert_int_equal(t.nr, 0);
	assert_int_equal(violations_opened(after), 0);
	violations_interval(after, 12 * SECOND, UTC, next_leaf, take, &t);
	assert_string_equal(json_at(t.json, "$.id"), id);
	assert_string_equal(json_at(t.json, "$.exchanges"), "2");
	assert_string_equal(json_at(t.json, "$.criteria[1]"), "P6.1");
	assert_string_equal(json_at(t.json, "$.opened"), "2026-11-24T08:50:00.000Z");
	index_close(index);
	violations_free(before);
	violations_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_breach_opens_at_once_with_the_object_of_the_design),
		cmocka_unit_test(ninety_seven_breaches_are_one_violation_with_exactly_ninety_seven_exchanges),
		cmocka_unit_test(another_rule_peer_class_route_or_workload_is_another_violation),
		cmocka_unit_test(both_ends_of_a_local_pair_make_one_and_only_the_opening_end_counts),
		cmocka_unit_test(without_a_pair_both_roles_count),
		cmocka_unit_test(a_violation_whose_other_end_is_found_later_goes_on),
		cmocka_unit_test(quiet_for_its_window_it_closes_and_then_opens_as_a_new_one),
		cmocka_unit_test(more_than_the_limit_are_counted_and_do_not_grow_the_table),
		cmocka_unit_test(what_is_not_known_is_null_and_hostile_names_are_inert),
		cmocka_unit_test(after_a_restart_an_open_violation_goes_on_under_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
