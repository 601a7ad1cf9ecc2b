/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "context/context.h"

static struct endpoint end4(const char *ip, uint16_t port)
{
	struct endpoint e = { .port = port };

	inet_pton(AF_INET, ip, e.addr);
	return e;
}

static struct endpoint end6(const char *ip, uint16_t port)
{
	struct endpoint e = { .port = port };

	inet_pton(AF_INET6, ip, e.addr);
	return e;
}

static void workloads_are_containers_services_or_programs(void **state)
{
	static const struct { struct process_facts p; const char *want; } cases[] = {
		{ { .exe = "/usr/sbin/nginx", .unit = "nginx.service", .container = "3f4e5d6c7b8a" }, "3f4e5d6c7b8a" },
		{ { .exe = "/app", .pod = "api-7d9c6b5f4-x2x9k", .pod_namespace = "payments", .container = "api" }, "payments/api-7d9c6b5f4-x2x9k" },
		{ { .exe = "/app", .pod = "api-0" }, "api-0" },
		{ { .exe = "/usr/sbin/nginx", .unit = "nginx.service" }, "nginx.service" },
		{ { .exe = "/usr/bin/sync", .unit = "sync.service" }, "sync.service" },
		{ { .exe = "/usr/bin/curl", .unit = "session-3.scope" }, "curl" },
		{ { .exe = "/usr/bin/curl", .unit = "user@1000.service" }, "curl" },
		{ { .exe = "/usr/bin/python3.11", .script = "app.py" }, "python3.11:app.py" },
		{ { .comm = "gone" }, "gone" },
		{ { .comm = "" }, "unknown" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[NAME_SIZE];

		workload_name(name, &cases[i].p);
		assert_string_equal(name, cases[i].want);
	}
}

static void zones_follow_the_address(void **state)
{
	static const struct { uint16_t family; const char *ip; enum zone want; } cases[] = {
		{ AF_INET, "127.0.0.1", ZONE_LOOPBACK }, { AF_INET, "127.255.1.1", ZONE_LOOPBACK }, { AF_INET, "10.1.2.3", ZONE_PRIVATE },
		{ AF_INET, "172.16.0.1", ZONE_PRIVATE }, { AF_INET, "172.32.0.1", ZONE_INTERNET }, { AF_INET, "192.168.1.1", ZONE_PRIVATE },
		{ AF_INET, "192.169.1.1", ZONE_INTERNET }, { AF_INET, "100.64.0.1", ZONE_PRIVATE }, { AF_INET, "100.128.0.1", ZONE_INTERNET },
		{ AF_INET, "169.254.1.1", ZONE_PRIVATE }, { AF_INET, "8.8.8.8", ZONE_INTERNET }, { AF_INET, "203.0.113.9", ZONE_HOST },
		{ AF_INET6, "::1", ZONE_LOOPBACK }, { AF_INET6, "::ffff:127.0.0.1", ZONE_LOOPBACK }, { AF_INET6, "fd00::1", ZONE_PRIVATE },
		{ AF_INET6, "fe80::1", ZONE_PRIVATE }, { AF_INET6, "2001:db8::1", ZONE_INTERNET }, { AF_INET6, "::ffff:10.0.0.1", ZONE_PRIVATE },
	};
	struct context *c = context_new(16, 16);
	struct endpoint own = end4("203.0.113.9", 0);

	context_host_address(c, AF_INET, own.addr);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conn_facts conn = { .family = cases[i].family, .local = end4("9.9.9.9", 1) };

		conn.remote = cases[i].family == AF_INET ? end4(cases[i].ip, 1) : end6(cases[i].ip, 1);
		assert_int_equal(context_zone(c, &conn), cases[i].want);
	}
	context_free(c);
}

static struct conn_facts client_end(void)
{
	return (struct conn_facts){ .id = 1, .process = { 10, 100 }, .family = AF_INET, .role = ROLE_CLIENT, .tls = TLS_PRESENT,
				    .local = end4("127.0.0.1", 40000), .remote = end4("127.0.0.1", 443) };
}

static struct conn_facts server_end(void)
{
	return (struct conn_facts){ .id = 2, .process = { 20, 200 }, .family = AF_INET, .role = ROLE_SERVER, .tls = TLS_PRESENT,
				    .local = end4("127.0.0.1", 443), .remote = end4("127.0.0.1", 40000) };
}

static void both_ends_of_a_local_pair_find_each_other(void **state)
{
	struct process_facts curl = { .key = { 10, 100 }, .exe = "/usr/bin/curl" }, nginx = { .key = { 20, 200 }, .exe = "/usr/sbin/nginx" };
	struct conn_seen a = { .conn = client_end() }, b = { .conn = server_end() };
	struct context *c = context_new(16, 16);
	struct flow_facts f, g;

	context_process(c, &curl);
	context_process(c, &nginx);
	context_conn(c, &a);
	context_conn(c, &b);
	context_flow(c, &a.conn, "p", "GET", "/x", "localhost", 200, 0, &f);
	context_flow(c, &b.conn, "p", "GET", "/x", "localhost", 200, 0, &g);
	assert_string_equal(f.workload, "curl");
	assert_string_equal(f.peer, "localhost");
	assert_int_equal(f.port, 443);
	assert_string_equal(g.workload, "nginx");
	assert_string_equal(g.peer, "curl");
	assert_int_equal(g.port, 443);
	assert_true(f.pair && f.pair == g.pair);
	context_free(c);
}

/* The same two processes, now with these ends: do they find each other? */
static bool is_pair(struct conn_facts a, struct conn_facts b, const struct conn_facts *third)
{
	struct process_facts curl = { .key = { 10, 100 }, .exe = "/usr/bin/curl" }, nginx = { .key = { 20, 200 }, .exe = "/usr/sbin/nginx" };
	struct conn_seen seen[3] = { { .conn = a }, { .conn = b } };
	struct context *c = context_new(16, 16);
	struct flow_facts f, g;

	context_process(c, &curl);
	context_process(c, &nginx);
	context_conn(c, &seen[0]);
	context_conn(c, &seen[1]);
	if (third) {
		seen[2].conn = *third;
		context_conn(c, &seen[2]);
	}
	context_flow(c, &a, "p", "GET", "/x", "", 200, 0, &f);
	context_flow(c, &b, "p", "GET", "/x", "", 200, 0, &g);
	context_free(c);
	assert_true(!g.pair || !strcmp(g.peer, "curl"));
	return f.pair && f.pair == g.pair;
}

static void ends_find_each_other_between_namespaces_and_kinds_of_sockets(void **state)
{
	struct conn_facts a = client_end(), b = server_end(), again;

	/* A server with one IPv6 socket for all: the kernel maps the client's address. */
	b.family = AF_INET6;
	b.local = end6("::ffff:127.0.0.1", 443);
	b.remote = end6("::ffff:127.0.0.1", 40000);
	assert_true(is_pair(a, b, NULL));
	/* A loopback address of another namespace is another one. */
	b.netns = 7;
	assert_false(is_pair(a, b, NULL));
	/* Any other may lead into it, from an IPv4 socket to an IPv6 one too. */
	a.local = end4("10.77.0.1", 40000);
	a.remote = end4("10.77.0.2", 443);
	b.local = end6("::ffff:10.77.0.2", 443);
	b.remote = end6("::ffff:10.77.0.1", 40000);
	assert_true(is_pair(a, b, NULL));
	/* Of two that it may be neither is taken; the one in the same namespace is it. */
	again = b;
	again.id = 3;
	again.netns = 8;
	assert_false(is_pair(a, b, &again));
	b.netns = a.netns;
	assert_true(is_pair(a, b, &again));
	/* Two that opened the connection are no two ends of it. */
	b.role = ROLE_CLIENT;
	assert_false(is_pair(a, b, NULL));
}

/* Something between them gave the server another address, another port, or both. */
static void ends_find_each_other_by_the_clients_side_alone(void **state)
{
	struct conn_facts a = client_end(), b = server_end(), third;

	/* A redirection on this host. */
	b.local.port = 8443;
	assert_true(is_pair(a, b, NULL));
	/* A loopback address of another namespace is another one. */
	b.netns = 7;
	assert_false(is_pair(a, b, NULL));
	/* A service's address, the server in another namespace, with a socket for both kinds. */
	a.local = end4("10.77.0.1", 40000);
	a.remote = end4("10.96.0.1", 443);
	b.family = AF_INET6;
	b.local = end6("::ffff:10.77.0.2", 8443);
	b.remote = end6("::ffff:10.77.0.1", 40000);
	assert_true(is_pair(a, b, NULL));
	/* Of two that it may be neither is taken, */
	third = b;
	third.id = 3;
	third.netns = 8;
	assert_false(is_pair(a, b, &third));
	/* nor one that has its own other end, */
	third = a;
	third.id = 3;
	third.remote = end4("10.77.0.2", 8443);
	assert_false(is_pair(a, b, &third));
	/* nor one of another transport, of the same role, or at another port. */
	b.transport = TRANSPORT_UDP;
	assert_false(is_pair(a, b, NULL));
	b.transport = a.transport;
	b.role = ROLE_UNKNOWN;
	assert_false(is_pair(a, b, NULL));
	b.role = ROLE_SERVER;
	b.remote.port = 40001;
	assert_false(is_pair(a, b, NULL));
}

/* Addresses come again: what began at another time is another connection. */
static void ends_without_their_addresses_begin_together(void **state)
{
	struct process_facts curl = { .key = { 10, 100 }, .exe = "/usr/bin/curl" }, nginx = { .key = { 20, 200 }, .exe = "/usr/sbin/nginx" };
	struct conn_seen a = { .conn = client_end(), .time = 9000000000ull };
	struct conn_seen b = { .conn = server_end(), .time = 9000000000ull + 5000000001ull };
	struct context *c = context_new(16, 16);

	b.conn.local.port = 8443;
	context_process(c, &curl);
	context_process(c, &nginx);
	context_conn(c, &a);
	context_conn(c, &b);
	assert_null(context_other_end(c, &a.conn));
	b.time--;
	context_conn(c, &b);	/* used again */
	assert_string_equal(context_other_end(c, &a.conn)->exe, "/usr/sbin/nginx");
	assert_string_equal(context_other_end(c, &b.conn)->exe, "/usr/bin/curl");
	context_forget(c, 20000000000ull);
	assert_null(context_other_end(c, &a.conn));
	context_free(c);
}

static void a_handshake_is_told_of_its_connection_only(void **state)
{
	struct context *c = context_new(16, 16);
	struct conn_facts conn = client_end(), other = server_end();
	struct handshake h = { .conn = conn, .tls = { .version = 0x0304, .sni = "a.example" } };
	struct flow_facts f;

	conn.upgrade = UPGRADE_SMTP;
	for (uint64_t id = 1; id < 40000; id += 7) {	/* many others: the newest stay */
		h.conn.id = id + 100;
		context_handshake(c, &h);
	}
	h.conn.id = conn.id;
	h.tls.version = 0x0303;
	context_handshake(c, &h);
	context_flow(c, &conn, "p", "GET", "/x", "", 200, 0, &f);
	assert_non_null(f.handshake);
	assert_int_equal(f.handshake->version, 0x0303);
	assert_int_equal(f.upgrade, UPGRADE_SMTP);
	context_flow(c, &other, "p", "GET", "/x", "", 200, 0, &f);
	assert_null(f.handshake);
	conn.tls = TLS_ABSENT;	/* what was said before it went over to TLS */
	context_flow(c, &conn, "p", "GET", "/x", "", 200, 0, &f);
	assert_null(f.handshake);
	assert_int_equal(f.upgrade, UPGRADE_NONE);
	context_free(c);
}

static void a_server_names_its_users_by_zone_only(void **state)
{
	struct context *c = context_new(16, 16);
	struct conn_facts conn = server_end();
	struct flow_facts f;

	conn.remote = end4("198.51.100.7", 5555);
	context_flow(c, &conn, "p", "GET", "/x", "shop.org", 200, 0, &f);
	assert_string_equal(f.peer, "internet");
	assert_string_equal(f.peer_address, "198.51.100.7");
	assert_int_equal(f.pair, 0);
	conn = client_end();
	conn.remote = end4("198.51.100.7", 443);
	context_flow(c, &conn, "p", "GET", "/x", "", 200, 0, &f);
	assert_string_equal(f.peer, "198.51.100.7");
	context_free(c);
}

static void full_tables_refuse_and_the_dead_make_room(void **state)
{
	struct context *c = context_new(4, 4);

	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(context_process(c, &(struct process_facts){ .key = { i, 50 }, .exited = i < 2 }), 0);
	assert_int_equal(context_process(c, &(struct process_facts){ .key = { 9, 50 } }), -ENOSPC);
	context_forget(c, 60);
	assert_int_equal(context_process(c, &(struct process_facts){ .key = { 9, 50 } }), 0);
	assert_null(context_find(c, (struct process_key){ 0, 50 }));
	assert_non_null(context_find(c, (struct process_key){ 3, 50 }));
	/* The same pid started at another time is another process. */
	assert_null(context_find(c, (struct process_key){ 3, 51 }));
	context_free(c);
}

static void a_full_table_refuses_counts_and_takes_again_what_came_later(void **state)
{
	struct context *c = context_new(16, 2);
	struct conn_seen s = { .conn = { .family = AF_INET, .remote = end4("10.0.0.1", 80) }, .time = 100000000000ull };

	for (uint16_t port = 1; port <= 3; port++) {
		s.conn.local = end4("10.0.0.2", port);
		assert_int_equal(context_conn(c, &s), port <= 2 ? 0 : -ENOSPC);
	}
	assert_int_equal(context_refused(c), 1);
	s.time += 61000000000ull;	/* the first two have rested for so long that they make room */
	assert_int_equal(context_conn(c, &s), 0);
	assert_int_equal(context_refused(c), 1);
	context_free(c);
}

static struct named answered(uint32_t tgid, const char *ip, const char *name, uint32_t ttl, uint64_t second)
{
	struct named n = { .conn = { .process = { tgid, 1 } }, .at = { second * 1000000000, 1 }, .address = end4(ip, 0), .family = AF_INET, .ttl = ttl };

	strncpy(n.name, name, NAME_SIZE - 1);
	return n;
}

static const char *peer_of(struct context *c, uint32_t tgid, struct endpoint to, uint16_t family, const char *host)
{
	static struct flow_facts f;
	struct conn_facts conn = { .id = 9, .process = { tgid, 1 }, .family = family, .local = end4("10.0.0.1", 40000), .remote = to, .role = ROLE_CLIENT };

	context_flow(c, &conn, "http1", "GET", "/", host, 200, 0, &f);
	return f.peer;
}

static void peers_go_by_the_name_that_was_asked_for(void **state)
{
	struct context *c = context_new(16, 16);
	struct endpoint to = end4("203.0.113.9", 443);
	struct named n = answered(7, "203.0.113.9", "api.partner.example", 30, 1000);

	assert_string_equal(peer_of(c, 7, to, AF_INET, ""), "203.0.113.9");
	context_named(c, &n);
	assert_string_equal(peer_of(c, 7, to, AF_INET, ""), "api.partner.example");
	assert_string_equal(peer_of(c, 7, end6("::ffff:203.0.113.9", 443), AF_INET6, ""), "api.partner.example");
	assert_string_equal(peer_of(c, 7, to, AF_INET, "shop.example"), "shop.example");	/* what the client says itself */
	assert_string_equal(peer_of(c, 7, to, AF_INET, "203.0.113.9"), "api.partner.example");	/* a Host that is none */
	assert_string_equal(peer_of(c, 8, to, AF_INET, ""), "api.partner.example");	/* a resolver asks for others */
	n = answered(8, "203.0.113.9", "cdn.example", 30, 1001);
	context_named(c, &n);
	assert_string_equal(peer_of(c, 8, to, AF_INET, ""), "cdn.example");
	assert_string_equal(peer_of(c, 7, to, AF_INET, ""), "api.partner.example");
	/* Used names stay, others end with their time. */
	n = answered(7, "203.0.113.10", "unused.example", 30, 1001);
	context_named(c, &n);
	n = answered(7, "203.0.113.11", "later.example", 30, 1400);
	context_named(c, &n);
	assert_string_equal(peer_of(c, 7, to, AF_INET, ""), "api.partner.example");
	n = answered(7, "203.0.113.11", "later.example", 30, 1700);
	context_named(c, &n);
	assert_string_equal(peer_of(c, 7, to, AF_INET, ""), "api.partner.example");
	assert_string_equal(peer_of(c, 7, end4("203.0.113.10", 443), AF_INET, ""), "203.0.113.10");
	/* More than there is room for: what was used last is still there. */
	for (uint32_t i = 0; i < 20000; i++) {
		n = answered(100 + i, "203.0.113.9", "other.example", 30, 1700);
		context_named(c, &n);
		assert_string_equal(peer_of(c, 7, to, AF_INET, ""), "api.partner.example");
	}
	context_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_table_refuses_counts_and_takes_again_what_came_later),
		cmocka_unit_test(workloads_are_containers_services_or_programs),
		cmocka_unit_test(zones_follow_the_address),
		cmocka_unit_test(both_ends_of_a_local_pair_find_each_other),
		cmocka_unit_test(ends_find_each_other_between_namespaces_and_kinds_of_sockets),
		cmocka_unit_test(ends_find_each_other_by_the_clients_side_alone),
		cmocka_unit_test(ends_without_their_addresses_begin_together),
		cmocka_unit_test(a_handshake_is_told_of_its_connection_only),
		cmocka_unit_test(a_server_names_its_users_by_zone_only),
		cmocka_unit_test(full_tables_refuse_and_the_dead_make_room),
		cmocka_unit_test(peers_go_by_the_name_that_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
