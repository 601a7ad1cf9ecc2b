/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges are held until it is known who is at their other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/pipeline.h"

static char flows[4][2048];
static unsigned nr_flows;

static void emit(void *owner, const char *type, const char *json, size_t len, const char *line, uint64_t leaf)
{
	if (!strcmp(type, "flow") && nr_flows < 4)
		snprintf(flows[nr_flows++], sizeof(flows[0]), "%.*s", (int)len, json);
}

static struct back *open_back(void)
{
	static const char *const name = "none.yaml", *const text = "version: 1\n";
	static const size_t size = 11;
	struct back_config c = { .policy_names = &name, .policy_texts = &text, .policy_sizes = &size, .nr_policies = 1,
				 .state = -1, .host = "test", .emit = emit };
	char why[256] = "";
	int exit_code;
	struct back *b = back_new(&c, why, sizeof(why), &exit_code);

	if (!b)
		print_error("%s\n", why);
	assert_non_null(b);
	nr_flows = 0;
	return b;
}

/* One end of a connection from port 50000 to port 443 on 127.0.0.1. */
static struct conn_facts end_of(bool server, uint32_t tgid)
{
	struct conn_facts c = { .id = server ? 2 : 1, .process = { tgid, 5 }, .family = 2, .role = server ? ROLE_SERVER : ROLE_CLIENT,
				.local = { { 127, 0, 0, 1 }, server ? 443 : 50000 }, .remote = { { 127, 0, 0, 1 }, server ? 50000 : 443 } };

	return c;
}

static void tell_end(struct back *b, bool server, uint32_t tgid, const char *exe)
{
	static struct fact f;

	memset(&f, 0, sizeof(f));
	f.kind = FACT_CONN;
	f.conn.conn = end_of(server, tgid);
	f.conn.time = 5;
	assert_int_equal(back_fact(b, &f), 0);
	memset(&f, 0, sizeof(f));
	f.kind = FACT_PROCESS;
	f.process.key = end_of(server, tgid).process;
	snprintf(f.process.exe, sizeof(f.process.exe), "%s", exe);
	assert_int_equal(back_fact(b, &f), 0);
}

static void tell_exchange(struct back *b, uint32_t epoch)
{
	static struct fact f;

	memset(&f, 0, sizeof(f));
	f.kind = FACT_EXCHANGE;
	f.exchange.conn = end_of(true, 70);
	f.exchange.at = (struct stamp){ 1000, epoch };
	snprintf(f.exchange.protocol, sizeof(f.exchange.protocol), "http1");
	snprintf(f.exchange.route, sizeof(f.exchange.route), "/in/%u", epoch);
	assert_int_equal(back_fact(b, &f), 0);
}

/* The books of a minute come seconds after its end, between an exchange of the next
 * minute and the word of who made it. */
static void the_end_of_an_interval_does_not_hurry_the_next(void **state)
{
	struct back *b = open_back();
	struct books first = { .epoch = 1, .start_ms = 1, .end_ms = 2 }, second = { .epoch = 2, .start_ms = 2, .end_ms = 3 };

	tell_end(b, true, 70, "/usr/sbin/nginx");
	tell_exchange(b, 1);
	tell_exchange(b, 2);
	back_interval(b, &first);
	assert_int_equal(nr_flows, 1);
	assert_non_null(strstr(flows[0], "\"route\":\"/in/1\""));
	assert_non_null(strstr(flows[0], "\"peer\":\"loopback\""));
	tell_end(b, false, 71, "/usr/bin/curl");
	back_interval(b, &second);
	assert_int_equal(nr_flows, 2);
	assert_non_null(strstr(flows[1], "\"route\":\"/in/2\""));
	assert_non_null(strstr(flows[1], "\"peer\":\"curl\""));
	back_free(b);
}

/* On a busy host the word of who is at the other end comes late: until it is known that none will come. */
static void an_unknown_end_is_waited_for(void **state)
{
	enum { IN_TIME, LATE, HEARD_OF_BEFORE, NOBODYS, NEVER_SAID, TRIES };
	struct books books = { .epoch = 1, .start_ms = 1, .end_ms = 2 };

	for (unsigned i = 0; i < TRIES; i++) {
		struct back *b = open_back();
		uint64_t before = clock_boot_ns(), soon = BACK_HOLD_NS;
		bool known = i < NOBODYS;

		tell_end(b, true, 70, "/usr/sbin/nginx");
		tell_exchange(b, 1);
		assert_false(back_asks(b, before));
		back_tick(b, clock_boot_ns() + soon);
		assert_true(back_asks(b, clock_boot_ns() + soon));
		if (i == LATE)
			back_tick(b, clock_boot_ns() + 5000000000ull);
		if (i == HEARD_OF_BEFORE)	/* of what happened before it */
			back_heard(b, before);
		if (i == NOBODYS)
			back_heard(b, clock_boot_ns() + soon);
		back_tick(b, clock_boot_ns() + (i == NEVER_SAID ? BACK_HOLD_MAX_NS : soon));
		assert_int_equal(back_asks(b, clock_boot_ns() + soon), known);
		tell_end(b, false, 71, "/usr/bin/curl");
		assert_false(back_asks(b, clock_boot_ns() + soon));
		back_interval(b, &books);
		assert_int_equal(nr_flows, 1);
		assert_non_null(strstr(flows[0], known ? "\"peer\":\"curl\"" : "\"peer\":\"loopback\""));
		back_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_an_interval_does_not_hurry_the_next),
		cmocka_unit_test(an_unknown_end_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
