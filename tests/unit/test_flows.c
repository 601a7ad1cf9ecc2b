/* SPDX-License-Identifier: Apache-2.0 */
/* Flow summaries and coverage of one interval. */
#include "base/budget.h"
#include "store/flows.h"
#include "tests/unit/state_fixture.h"

#define START 1795510200000ull
#define END (START + 60000)

struct taken { unsigned nr; char *rows[4096]; };

static void take(void *owner, const char *json, size_t len)
{
	struct taken *t = owner;

	assert_int_equal(strlen(json), len);
	if (t->nr < 4096)
		t->rows[t->nr] = strdup(json);
	t->nr++;
}

static void drop(struct taken *t)
{
	for (unsigned i = 0; i < t->nr && i < 4096; i++)
		free(t->rows[i]);
	*t = (struct taken){ 0 };
}

static struct taken written(struct flows *f, bool sealed)
{
	struct taken t = { 0 };

	flows_write(f, START, END, sealed, take, &t);
	return t;
}

static struct flow_facts facts(const char *workload, const char *peer, const char *route)
{
	struct flow_facts k = { .role = ROLE_CLIENT, .zone = ZONE_INTERNET, .tls = TLS_PRESENT, .binding = BINDING_WEAK, .port = 443 };

	snprintf(k.workload, sizeof(k.workload), "%s", workload);
	snprintf(k.exe, sizeof(k.exe), "/usr/bin/%s", workload);
	snprintf(k.peer, sizeof(k.peer), "%s", peer);
	snprintf(k.route, sizeof(k.route), "%s", route);
	snprintf(k.protocol, sizeof(k.protocol), "http1");
	return k;
}

static struct exchange *exchange(const char *class, unsigned count, unsigned distinct, unsigned confidence)
{
	static struct exchange ex;

	memset(&ex, 0, sizeof(ex));
	ex.bytes[DIR_SENT] = (struct byte_account){ .moved = 60, .examined = 47, .framing = 7 };
	ex.bytes[DIR_RECEIVED] = (struct byte_account){ .moved = 40, .examined = 33, .framing = 8 };
	if (class) {
		assert_true(class_find(class) >= 0);
		ex.nr_findings = 1;
		ex.findings[0] = (struct finding){ .class_id = (uint8_t)class_find(class), .confidence = (uint8_t)confidence, .dir = DIR_SENT,
						   .count = count, .distinct = distinct };
	}
	return &ex;
}

static void what_was_not_examined_is_told_by_direction_and_reason(void **state)
{
	struct flows *f = flows_new();
	struct flow_facts k = facts("curl", "api.example.com", "");
	struct traffic x = { .closed = 1 };
	struct taken t;

	k.process = (struct process_key){ 4711, 5 };
	x.bytes[DIR_SENT].moved = 30;
	account_opaque(&x.bytes[DIR_SENT], 11, LOSS_UNPROBED_TLS);
	account_lose(&x.bytes[DIR_SENT], 19, LOSS_RING_FULL);
	x.bytes[DIR_RECEIVED].moved = 7;
	account_opaque(&x.bytes[DIR_RECEIVED], 7, LOSS_UNPROBED_TLS);
	flows_traffic(f, &k, &x);
	flows_traffic(f, &k, &x);
	t = written(f, false);
	assert_non_null(strstr(t.rows[0], ",\"gaps\":[{\"direction\":\"sent\",\"reason\":\"ring_full\",\"bytes\":38,\"pid\":4711},"
		"{\"direction\":\"sent\",\"reason\":\"unprobed_tls\",\"bytes\":22,\"pid\":4711},"
		"{\"direction\":\"received\",\"reason\":\"unprobed_tls\",\"bytes\":14,\"pid\":4711}]}"));
	drop(&t);
	/* Of two processes neither is named; where all was examined nothing is said. */
	k.process.start = 6;
	flows_traffic(f, &k, &x);
	snprintf(k.route, sizeof(k.route), "/x");
	flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	t = written(f, false);
	assert_int_equal(t.nr, 2);
	assert_string_equal(json_at(t.rows[0], "$.gaps[2].bytes"), "21");
	assert_null(strstr(t.rows[0], "\"pid\""));
	assert_null(strstr(t.rows[1], "\"gaps\""));
	drop(&t);
	flows_free(f);
}

static void one_exchange_is_one_row_with_the_fields_of_the_design_in_order(void **state)
{
	struct flows *f = flows_new();
	struct flow_facts k = facts("curl", "api.example.com", "/v1/pay");
	struct taken t;

	k.pair = 0xab;
	flows_exchange(f, &k, exchange("pan", 2, 1, CONF_CERTAIN));
	t = written(f, true);
	assert_int_equal(t.nr, 1);
	assert_string_equal(t.rows[0],
		"{\"type\":\"flow\",\"start\":\"2026-11-24T08:50:00.000Z\",\"end\":\"2026-11-24T08:51:00.000Z\",\"sealed\":true,"
		"\"pair\":\"00000000000000ab\",\"workload\":\"curl\",\"exe\":\"/usr/bin/curl\",\"unit\":null,\"container\":null,\"role\":\"client\","
		"\"peer\":\"api.example.com\",\"peer_zone\":\"internet\",\"port\":443,\"protocol\":\"http1\",\"route\":\"/v1/pay\","
		"\"tls\":{\"state\":\"present\",\"version\":null},\"binding\":\"weak\",\"exchanges\":1,\"classes\":[{\"class\":\"pan\",\"group\":\"pci\","
		"\"confidence\":\"certain\",\"data\":\"sent\",\"findings\":2,\"distinct\":1}],\"bytes\":{\"moved\":100,\"examined\":80,\"opaque\":0,"
		"\"skipped\":0,\"lost\":0,\"framing\":15,\"unexplained\":5},"
		"\"sent\":{\"moved\":60,\"examined\":47,\"opaque\":0,\"skipped\":0,\"lost\":0,\"framing\":7,\"unexplained\":6},"
		"\"received\":{\"moved\":40,\"examined\":33,\"opaque\":0,\"skipped\":0,\"lost\":0,\"framing\":8,\"unexplained\":-1}}");
	drop(&t);
	flows_free(f);
}

static void a_row_tells_of_its_weakest_handshake_and_of_who_it_is(void **state)
{
	const struct tls_facts newer = { .version = 0x0304, .cipher = 0x1301, .ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1" },
		older = { .version = 0x0302, .cipher = 0xfffe, .sni = "old.example", .alpn = "http/1.1", .mutual = MUTUAL_YES,
			  .peer_subject = "CN=old.example", .peer_expires = 1893456000 };
	struct flows *f = flows_new();
	struct flow_facts k = facts("payments/api-0", "a", "/x");
	struct taken t;

	snprintf(k.container, sizeof(k.container), "api");
	snprintf(k.container_id, sizeof(k.container_id), "0123456789ab");
	snprintf(k.runtime, sizeof(k.runtime), "containerd");
	snprintf(k.pod, sizeof(k.pod), "api-0");
	snprintf(k.pod_namespace, sizeof(k.pod_namespace), "payments");
	k.uid_known = 1;
	k.handshake = &newer;
	k.upgrade = UPGRADE_POSTGRES;
	flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	t = written(f, false);
	assert_string_equal(json_at(t.rows[0], "$.tls"), "{\"state\":\"present\",\"version\":\"1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\","
			    "\"ja4\":\"t13d1516h2_8daaf6152771_e5627efa2ab1\",\"upgraded_from\":\"postgres\"}");
	assert_string_equal(json_at(t.rows[0], "$.container_id"), "0123456789ab");
	assert_string_equal(json_at(t.rows[0], "$.runtime"), "containerd");
	assert_string_equal(json_at(t.rows[0], "$.namespace"), "payments");
	assert_string_equal(json_at(t.rows[0], "$.uid"), "0");
	assert_string_equal(json_at(t.rows[0], "$.user"), "(null)");
	drop(&t);
	k.handshake = &older;
	flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	k.handshake = &newer;
	flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	k.handshake = NULL;
	flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	t = written(f, false);
	assert_int_equal(t.nr, 1);
	assert_string_equal(json_at(t.rows[0], "$.exchanges"), "4");
	assert_string_equal(json_at(t.rows[0], "$.tls"), "{\"state\":\"present\",\"version\":\"1.1\",\"cipher\":\"0xfffe\",\"sni\":\"old.example\","
			    "\"alpn\":\"http/1.1\",\"peer_subject\":\"CN=old.example\",\"peer_expires\":\"2030-01-01T00:00:00.000Z\","
			    "\"mutual\":true,\"upgraded_from\":\"postgres\"}");
	drop(&t);
	flows_free(f);
}

static void equal_keys_add_up_and_the_best_knowledge_stands(void **state)
{
	struct flows *f = flows_new();
	struct flow_facts k = facts("curl", "a", "/x");
	struct traffic tr = { .bytes[DIR_SENT] = { .moved = 7, .opaque = 7 } };
	struct taken t;

	flows_exchange(f, &k, exchange("email", 1, 1, CONF_POSSIBLE));
	k.binding = BINDING_EXACT;
	for (int i = 0; i < 96; i++)
		flows_exchange(f, &k, exchange("email", 3, 0, CONF_CERTAIN));
	flows_traffic(f, &k, &tr);
	t = written(f, false);
	assert_int_equal(t.nr, 1);
	assert_string_equal(json_at(t.rows[0], "$.exchanges"), "97");
	assert_string_equal(json_at(t.rows[0], "$.classes[0].findings"), "289");
	assert_string_equal(json_at(t.rows[0], "$.classes[0].confidence"), "certain");
	assert_string_equal(json_at(t.rows[0], "$.classes[1]"), "(null)");
	assert_string_equal(json_at(t.rows[0], "$.binding"), "exact");
	assert_string_equal(json_at(t.rows[0], "$.bytes.moved"), "9707");
	assert_string_equal(json_at(t.rows[0], "$.bytes.opaque"), "7");
	assert_string_equal(json_at(t.rows[0], "$.sealed"), "0");
	drop(&t);
	flows_free(f);
}

static void each_part_of_the_key_makes_another_row(void **state)
{
	struct flows *f = flows_new();
	struct flow_facts base = facts("w", "p", "/r"), k;
	struct taken t;

	flows_exchange(f, &base, exchange(NULL, 0, 0, 0));
#define VARY(change) k = base; change; flows_exchange(f, &k, exchange(NULL, 0, 0, 0))
	VARY(k.workload[0] = 'x');
	VARY(k.exe[1] = 'x');
	VARY(k.role = ROLE_SERVER);
	VARY(k.peer[0] = 'x');
	VARY(k.port = 80);
	VARY(k.protocol[0] = 'x');
	VARY(k.route[1] = 'x');
	VARY(k.tls = TLS_ABSENT);
#undef VARY
	/* What is no part of the key. */
	k = base;
	k.zone = ZONE_PRIVATE;
	k.status = 404;
	k.process.tgid = 9;
	flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	t = written(f, true);
	assert_int_equal(t.nr, 9);
	drop(&t);
	flows_free(f);
}

static void a_separator_in_a_name_does_not_join_two_keys(void **state)
{
	struct flows *f = flows_new();
	struct flow_facts a = facts("w", "p|443", "/r"), b = facts("w", "p", "/r");

	flows_exchange(f, &a, exchange(NULL, 0, 0, 0));
	flows_exchange(f, &b, exchange(NULL, 0, 0, 0));
	assert_int_equal(flows_count(f), 2);
	flows_free(f);
}

static void selftest_traffic_is_never_a_flow(void **state)
{
	struct flows *f = flows_new();
	struct flow_facts k = facts("weir", "localhost", "/selftest");
	struct traffic tr = { .bytes[DIR_SENT] = { .moved = 7 } };

	k.selftest = true;
	flows_exchange(f, &k, exchange("pan", 1, 1, CONF_CERTAIN));
	flows_traffic(f, &k, &tr);
	assert_int_equal(flows_count(f), 0);
	flows_free(f);
}

static void rows_and_classes_come_in_the_same_order_whatever_came_first(void **state)
{
	static const char *const classes[] = { "pan", "email", "iban" };
	struct taken one, two;
	struct flows *a = flows_new(), *b = flows_new();

	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++) {
			struct flow_facts x = facts("w", i == 0 ? "a" : i == 1 ? "b" : "c", "/r");
			struct flow_facts y = facts("w", i == 0 ? "c" : i == 1 ? "b" : "a", "/r");

			flows_exchange(a, &x, exchange(classes[k], 1, 1, CONF_LIKELY));
			flows_exchange(b, &y, exchange(classes[2 - k], 1, 1, CONF_LIKELY));
		}
	one = written(a, true);
	two = written(b, true);
	assert_int_equal(one.nr, 3);
	assert_int_equal(two.nr, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(one.rows[i], two.rows[i]);
	drop(&one);
	drop(&two);
	flows_free(a);
	flows_free(b);
}

static void over_a_thousand_routes_of_a_workload_the_rest_is_other_and_counted(void **state)
{
	struct flows *f = flows_new();
	struct taken t;
	unsigned other = 0;
	char route[32];

	for (int peer = 0; peer < 2; peer++)
		for (int i = 0; i < FLOWS_ROUTES + 25; i++) {
			struct flow_facts k;

			snprintf(route, sizeof(route), "/r%d", i);
			k = facts("w", peer ? "a" : "b", route);
			flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
		}
	{
		struct flow_facts k = facts("another", "a", "/its-own");

		flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	}
	/* The limit is on routes, not on rows: both peers keep the same thousand. */
	assert_int_equal(flows_count(f), 2 * (FLOWS_ROUTES + 1) + 1);
	assert_int_equal(flows_other(f), 50);
	t = written(f, true);
	for (unsigned i = 0; i < t.nr; i++)
		if (strstr(t.rows[i], "\"route\":\"{other}\"")) {
			other++;
			assert_string_equal(json_at(t.rows[i], "$.exchanges"), "25");
		}
	assert_int_equal(other, 2);
	assert_non_null(strstr(t.rows[0], "/its-own"));
	drop(&t);
	flows_free(f);
}

static void sum_exchanges(void *owner, const char *json, size_t len)
{
	uint64_t *sums = owner;
	const char *n = strstr(json, "\"exchanges\":");

	sums[0] += strtoull(n + 12, NULL, 10);
	sums[1]++;
}

static void hostile_peers_do_not_grow_the_table_and_no_exchange_is_left_out(void **state)
{
	struct flows *f = flows_new();
	uint64_t sums[2] = { 0, 0 }, n = FLOWS_MAX + 5000;
	char peer[32];

	for (uint64_t i = 0; i < n; i++) {
		struct flow_facts k;

		snprintf(peer, sizeof(peer), "h%llu.example", (unsigned long long)i);
		k = facts("w", peer, "/r");
		flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	}
	assert_int_equal(flows_count(f), FLOWS_MAX + 1);
	assert_int_equal(flows_other(f), 5000);
	flows_write(f, START, END, true, sum_exchanges, sums);
	assert_int_equal(sums[0], n);
	assert_int_equal(sums[1], FLOWS_MAX + 1);
	flows_reset(f);
	assert_int_equal(flows_count(f), 0);
	assert_int_equal(flows_other(f), 0);
	flows_free(f);
}

/* Coverage. */

static struct process_facts process(uint32_t pid, const char *library, unsigned probe)
{
	struct process_facts p = { .key = { pid, 1000 + pid }, .tls_probe = (uint8_t)probe };

	snprintf(p.exe, sizeof(p.exe), "/usr/bin/p%u", pid);
	snprintf(p.library, sizeof(p.library), "%s", library);
	return p;
}

static void add_bytes(struct coverage *c, uint32_t pid, struct byte_account b, const char *reason, unsigned tls, unsigned binding)
{
	struct flow_facts f = facts("w", "p", "/");

	f.process = (struct process_key){ pid, 1000 + pid };
	f.tls = (uint8_t)tls;
	f.binding = (uint8_t)binding;
	coverage_bytes(c, &f, (const struct byte_account[2]){ [DIR_SENT] = b }, reason);
}

static void state_is(struct byte_account b, const char *reason, unsigned probe, const char *state, const char *why)
{
	struct coverage *c = coverage_new();
	struct process_facts p = process(7, "libssl.so.3", probe);
	struct taken t = { 0 };

	if (b.moved)
		add_bytes(c, 7, b, reason, TLS_PRESENT, BINDING_EXACT);
	coverage_process(c, &p, "w");
	coverage_write(c, START, END, take, &t);
	assert_int_equal(t.nr, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(json_at(t.rows[i], "$.state"), state);
		assert_string_equal(json_at(t.rows[i], "$.reason"), why);
	}
	drop(&t);
	coverage_free(c);
}

static void the_state_follows_from_bytes_and_probe(void **state)
{
	const struct byte_account none = { 0 };

	state_is((struct byte_account){ .moved = 9, .examined = 9 }, "", PROBE_ATTACHED, "visible", "(null)");
	state_is((struct byte_account){ .moved = 9, .examined = 5, .framing = 4 }, "", PROBE_ATTACHED, "visible", "(null)");
	state_is((struct byte_account){ .moved = 9, .examined = 5, .skipped = 4 }, "", PROBE_ATTACHED, "visible", "(null)");
	state_is((struct byte_account){ .moved = 9, .examined = 5, .opaque = 4 }, "unknown_protocol", PROBE_ATTACHED, "partial", "unknown_protocol");
	state_is((struct byte_account){ .moved = 9, .examined = 5, .lost = 4 }, "", PROBE_ATTACHED, "partial", "lost");
	state_is((struct byte_account){ .moved = 9, .opaque = 9 }, "unprobed_tls", PROBE_NO_LIBRARY, "blind", "unprobed_tls");
	state_is((struct byte_account){ .moved = 9, .opaque = 9 }, "unprobed_tls", PROBE_ATTACHED, "dead", "no_hit");
	state_is((struct byte_account){ .moved = 9, .lost = 9 }, "", PROBE_ATTACHED, "blind", "lost");
	state_is((struct byte_account){ .moved = 9, .framing = 9 }, "", PROBE_ATTACHED, "unproven", "handshake_only");
	state_is(none, "", PROBE_ATTACHED, "unproven", "no_traffic");
	state_is(none, "", PROBE_FAILED, "dead", "probe_failed");
	state_is(none, "", PROBE_LIMIT, "dead", "probe_limit");
	state_is((struct byte_account){ .moved = 9, .opaque = 9 }, "unprobed_tls", PROBE_LIMIT, "blind", "probe_limit");
	state_is((struct byte_account){ .moved = 9, .opaque = 9 }, "unknown_protocol", PROBE_LIMIT, "blind", "unknown_protocol");
	state_is(none, "", PROBE_HIDDEN, "unproven", "no_traffic");
	state_is(none, "", PROBE_PARTLY, "unproven", "no_traffic");
	state_is((struct byte_account){ .moved = 9, .opaque = 9 }, "unprobed_tls", PROBE_PARTLY, "dead", "probe_refused");
	state_is((struct byte_account){ .moved = 9, .examined = 4, .opaque = 5, .why[LOSS_NO_PLAINTEXT] = 5 }, "", PROBE_PARTLY, "partial", "probe_refused");
	state_is((struct byte_account){ .moved = 9, .examined = 4, .framing = 5 }, "", PROBE_PARTLY, "visible", "(null)");
	state_is((struct byte_account){ .moved = 9, .opaque = 9 }, "unprobed_tls", PROBE_HIDDEN, "blind", "not_visible");
	state_is((struct byte_account){ .moved = 9, .examined = 4, .opaque = 5 }, "unprobed_tls", PROBE_HIDDEN, "partial", "not_visible");
	state_is((struct byte_account){ .moved = 9, .opaque = 9, .why[LOSS_NO_PLAINTEXT] = 9 }, "", PROBE_ATTACHED, "blind", "no_plaintext");
	state_is((struct byte_account){ .moved = 9, .opaque = 9, .why[LOSS_NO_PLAINTEXT] = 7, .why[LOSS_UNKNOWN_PROTOCOL] = 2 }, "unknown_protocol",
		 PROBE_ATTACHED, "blind", "no_plaintext");
	state_is((struct byte_account){ .moved = 9, .opaque = 9, .why[LOSS_NO_PLAINTEXT] = 2, .why[LOSS_UNKNOWN_PROTOCOL] = 7 }, "no_plaintext",
		 PROBE_ATTACHED, "blind", "no_plaintext");
	state_is((struct byte_account){ .moved = 9, .opaque = 9, .why[LOSS_UNKNOWN_PROTOCOL] = 9 }, "unknown_protocol", PROBE_ATTACHED, "blind",
		 "unknown_protocol");
	state_is((struct byte_account){ .moved = 9, .opaque = 9 }, "quic", PROBE_HIDDEN, "blind", "quic");
}

static void a_process_without_bytes_and_library_is_no_row(void **state)
{
	struct coverage *c = coverage_new();
	struct process_facts silent = process(1, "", PROBE_NO_LIBRARY), gone = process(2, "libssl.so.3", PROBE_ATTACHED);
	struct taken t = { 0 };

	gone.exited = 1;
	coverage_process(c, &silent, "w");
	coverage_process(c, &gone, "w");
	coverage_write(c, START, END, take, &t);
	assert_int_equal(t.nr, 0);
	coverage_free(c);
}

static void the_processes_of_a_workload_add_up_to_its_row(void **state)
{
	struct coverage *c = coverage_new();
	struct process_facts one = process(1, "libssl.so.3", PROBE_ATTACHED), two = process(2, "", PROBE_NO_LIBRARY);
	struct taken t = { 0 };

	add_bytes(c, 1, (struct byte_account){ .moved = 10, .examined = 10 }, "", TLS_PRESENT, BINDING_STRONG);
	add_bytes(c, 2, (struct byte_account){ .moved = 5, .opaque = 3, .lost = 2, .why = { [LOSS_UNKNOWN_PROTOCOL] = 3, [LOSS_SPLICE] = 2 } },
		  "unknown_protocol", TLS_ABSENT, BINDING_NONE);
	two.exited = 1;	/* moved bytes first: it stays */
	coverage_process(c, &one, "w");
	coverage_process(c, &two, "w");
	coverage_write(c, START, END, take, &t);
	assert_int_equal(t.nr, 3);
	assert_string_equal(t.rows[0],
		"{\"type\":\"coverage\",\"start\":\"2026-11-24T08:50:00.000Z\",\"end\":\"2026-11-24T08:51:00.000Z\",\"workload\":\"w\","
		"\"exe\":\"/usr/bin/p1\",\"pid\":1,\"library\":\"libssl.so.3\",\"build_id\":null,\"state\":\"visible\",\"reason\":null,"
		"\"binding\":\"strong\",\"bytes\":{\"moved\":10,\"examined\":10,\"opaque\":0,\"skipped\":0,\"lost\":0,\"framing\":0,\"unexplained\":0},"
		"\"sent\":{\"moved\":10,\"examined\":10,\"opaque\":0,\"skipped\":0,\"lost\":0,\"framing\":0,\"unexplained\":0},"
		"\"received\":{\"moved\":0,\"examined\":0,\"opaque\":0,\"skipped\":0,\"lost\":0,\"framing\":0,\"unexplained\":0},"
		"\"reasons\":{}}");
	assert_string_equal(json_at(t.rows[1], "$.state"), "blind");
	assert_string_equal(json_at(t.rows[1], "$.binding"), "(null)");
	assert_string_equal(json_at(t.rows[2], "$.pid"), "(null)");
	assert_null(strstr(t.rows[2], "\"pid\""));
	assert_string_equal(json_at(t.rows[2], "$.state"), "partial");
	assert_string_equal(json_at(t.rows[2], "$.reason"), "unknown_protocol");
	assert_string_equal(json_at(t.rows[2], "$.bytes.moved"), "15");
	assert_string_equal(json_at(t.rows[2], "$.reasons.unknown_protocol"), "3");
	assert_string_equal(json_at(t.rows[2], "$.reasons.splice"), "2");
	drop(&t);
	coverage_free(c);
}

static void sum_moved(void *owner, const char *json, size_t len)
{
	uint64_t *sums = owner, moved = strtoull(strstr(json, "\"moved\":") + 8, NULL, 10);

	sums[0]++;
	sums[1] += moved;
	sums[2] += strstr(json, "\"{other}\"") ? moved : 0;
}

static void an_interval_that_was_written_goes_on(void **state)
{
	struct coverage *c = coverage_new();
	struct taken t = { 0 };

	for (uint32_t round = 1; round <= 3; round++) {
		for (uint32_t pid = 40; pid; pid--)
			add_bytes(c, pid, (struct byte_account){ .moved = pid, .examined = pid }, "", TLS_ABSENT, BINDING_NONE);
		drop(&t);
		coverage_write(c, START, END, take, &t);
		assert_int_equal(t.nr, 41);
	}
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(atoi(json_at(t.rows[i], "$.pid")), i + 1);
		assert_int_equal(atoi(json_at(t.rows[i], "$.bytes.moved")), 3 * (i + 1));
	}
	drop(&t);
	coverage_free(c);
}

static void more_processes_than_rows_keep_their_bytes_in_one(void **state)
{
	struct coverage *c = coverage_new();
	uint64_t sums[3] = { 0, 0, 0 };
	struct taken t = { 0 };

	for (uint32_t pid = 1; pid <= 20000; pid++)
		add_bytes(c, pid, (struct byte_account){ .moved = 1, .examined = 1 }, "", TLS_ABSENT, BINDING_NONE);
	coverage_write(c, START, END, sum_moved, sums);
	assert_int_equal(sums[0], 16384 + 2);	/* two workloads: "w" and "{other}" */
	assert_int_equal(sums[1], 2 * 20000);	/* by process, and again by workload */
	assert_int_equal(sums[2], 2 * (20000 - 16383));
	coverage_reset(c);
	coverage_write(c, START, END, take, &t);
	assert_int_equal(t.nr, 0);
	coverage_free(c);
}

static void without_memory_every_byte_is_still_in_a_row(void **state)
{
	struct flows *f = flows_new();
	int64_t moved = 0;
	struct taken t;

	budget_set(budget_used() + 65536);
	for (unsigned i = 0; i < 211; i++) {
		char peer[16];
		struct flow_facts k;

		snprintf(peer, sizeof(peer), "peer-%u", i);
		k = facts("shop", peer, "/r");
		flows_exchange(f, &k, exchange(NULL, 0, 0, 0));
	}
	assert_true(budget_used() <= budget_max());
	budget_set(0);
	t = written(f, true);
	assert_true(t.nr < 100);
	for (unsigned i = 0; i < t.nr; i++)
		moved += strtoll(strstr(t.rows[i], "\"moved\":") + 8, NULL, 10);
	assert_int_equal(moved, 211 * 100);
	drop(&t);
	flows_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_every_byte_is_still_in_a_row),
		cmocka_unit_test(what_was_not_examined_is_told_by_direction_and_reason),
		cmocka_unit_test(one_exchange_is_one_row_with_the_fields_of_the_design_in_order),
		cmocka_unit_test(a_row_tells_of_its_weakest_handshake_and_of_who_it_is),
		cmocka_unit_test(equal_keys_add_up_and_the_best_knowledge_stands),
		cmocka_unit_test(each_part_of_the_key_makes_another_row),
		cmocka_unit_test(a_separator_in_a_name_does_not_join_two_keys),
		cmocka_unit_test(selftest_traffic_is_never_a_flow),
		cmocka_unit_test(rows_and_classes_come_in_the_same_order_whatever_came_first),
		cmocka_unit_test(over_a_thousand_routes_of_a_workload_the_rest_is_other_and_counted),
		cmocka_unit_test(hostile_peers_do_not_grow_the_table_and_no_exchange_is_left_out),
		cmocka_unit_test(the_state_follows_from_bytes_and_probe),
		cmocka_unit_test(a_process_without_bytes_and_library_is_no_row),
		cmocka_unit_test(the_processes_of_a_workload_add_up_to_its_row),
		cmocka_unit_test(an_interval_that_was_written_goes_on),
		cmocka_unit_test(more_processes_than_rows_keep_their_bytes_in_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
