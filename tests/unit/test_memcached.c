/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases are too short for: pipelines longer than what may wait, in text and in binary, values larger than
 * what is held, lines without an end, and memory that runs out. */
#include "tests/unit/session_world.h"

#define CLIENT(text)	give(DIR_RECEIVED, text, sizeof(text) - 1)
#define SERVER(text)	give(DIR_SENT, text, sizeof(text) - 1)

static void long_pipelines_are_counted_to_the_last(void **state)
{
	assert_true(begin());
	for (unsigned i = 0; i < 5003; i++)
		CLIENT("set user:7 0 0 5\r\nvalue\r\n");
	for (unsigned i = 0; i < 5003; i++)
		SERVER("STORED\r\n");
	assert_int_equal(seen.exchanges, 5003);
	assert_int_equal(seen.fields, 2 * 5003);
	assert_string_equal(seen.path, "set.user:{id}");
	assert_string_equal(seen.route, "user:{id}");
	assert_string_equal(seen.method, "SET");
	CLIENT("get user:7\r\n");
	SERVER("VALUE user:7 0 5\r\nvalue\r\nEND\r\n");
	assert_int_equal(seen.exchanges, 5004);
	assert_string_equal(seen.method, "GET");
	assert_int_equal(seen.statuses[200] + seen.statuses[0], 5004);
	end();
	assert_int_equal(c.acct[0].opaque + c.acct[1].opaque, 0);
}

static void packet(enum dir dir, uint8_t code, uint8_t status, const char *key, uint8_t extras, const char *value, uint32_t name)
{
	uint8_t head[64] = { dir == DIR_RECEIVED ? 0x80 : 0x81, code, 0, (uint8_t)strlen(key), extras, 0, 0, status, 0, 0, 0, 0,
			     (uint8_t)(name >> 24), (uint8_t)(name >> 16), (uint8_t)(name >> 8), (uint8_t)name };

	head[11] = (uint8_t)(extras + strlen(key) + strlen(value));
	memcpy(head + 24 + extras, key, strlen(key));
	memcpy(head + 24 + extras + strlen(key), value, strlen(value));
	give(dir, head, 24u + head[11]);
}

/* Five gets in six miss, which nothing says; those whose answers come late are told once, and their values read. */
static void many_quiet_gets_are_counted_to_the_last(void **state)
{
	unsigned values = 0;

	assert_true(begin());
	for (uint32_t i = 0; i < 1801; i++)
		packet(DIR_RECEIVED, 0x0d, 0, "user:7", 0, "", i);
	packet(DIR_RECEIVED, 0x0a, 0, "", 0, "", 5000);
	values = seen.fields;
	for (uint32_t i = 0; i < 1801; i += 6)
		packet(DIR_SENT, 0x0d, 0, "user:7", 4, "value", i);
	packet(DIR_SENT, 0x0a, 0, "", 0, "", 5000);
	assert_int_equal(seen.fields - values, 301);
	assert_int_equal(seen.exchanges, 1802);
	assert_string_equal(seen.method, "NOOP");
	packet(DIR_RECEIVED, 0x00, 0, "user:8", 0, "", 1);
	packet(DIR_SENT, 0x00, 1, "", 0, "Not found", 1);
	assert_int_equal(seen.exchanges, 1803);
	assert_int_equal(seen.statuses[404] > 0, true);
	end();
	assert_int_equal(c.acct[0].opaque + c.acct[1].opaque, 0);
}

/* Of a value of 5 MiB the beginning is read; of an answer of many values none is held. */
static void large_values_are_not_held(void **state)
{
	size_t before = budget_used(), most = 0;
	char block[4096];

	memset(block, 'x', sizeof(block));
	assert_true(begin());
	CLIENT("get k\r\n");
	SERVER("VALUE k 0 5242880\r\n");
	for (unsigned i = 0; i < 1280; i++) {
		give(DIR_SENT, block, sizeof(block));
		most = budget_used() > most ? budget_used() : most;
	}
	SERVER("\r\nEND\r\n");
	assert_true(seen.longest > 4096);
	assert_int_equal(seen.inspected[INSPECTED_PARTIAL], 1);
	assert_true(most - before < 3 << 20);
	CLIENT("get a b\r\n");
	most = budget_used();
	for (unsigned i = 0; i < 20011; i++) {
		SERVER("VALUE a 0 5\r\nvalue\r\n");
		most = budget_used() > most ? budget_used() : most;
	}
	SERVER("END\r\n");
	assert_true(most - before < 64 << 10);
	assert_int_equal(seen.exchanges, 2);
	assert_int_equal(seen.statuses[200], 2);
	end();
	assert_int_equal(budget_used(), before);
}

static void lines_without_an_end_are_given_up(void **state)
{
	size_t before = budget_used();

	assert_true(begin());
	CLIENT("get a\r\nset b 0 0 1\r\nx\r\n");
	SERVER("END\r\nSTORED\r\n");
	CLIENT("get ");
	for (unsigned i = 0; i < 20000; i++)
		CLIENT("user:7 ");
	assert_true(budget_used() - before < 256 << 10);
	CLIENT("\r\nget c\r\n");
	SERVER("END\r\n");
	assert_string_equal(seen.route, "c");
	assert_int_equal(seen.exchanges, 3);
	end();
	assert_true(c.acct[0].opaque > 0);
}

static void say_all(void)
{
	CLIENT("set user:7 0 0 40000\r\n");
	for (unsigned i = 0; i < 1000; i++)
		CLIENT("[\"ana@corp.org\", \"a value\", 1, 2, 3, 4, 5]");
	CLIENT("\r\n");
	SERVER("STORED\r\n");
	for (unsigned i = 0; i < 20; i++)
		CLIENT("get a b c d e f g h i j\r\n");
	for (unsigned i = 0; i < 20; i++)
		SERVER("VALUE a 0 5\r\nvalue\r\nEND\r\n");
	CLIENT("ms a 3\r\nabc\r\nmn\r\n");
	SERVER("HD\r\nMN\r\n");
	CLIENT("set b 0 0 40000\r\nhalf a value");
}

static void memory_that_runs_out_costs_no_byte(void **state)
{
	say_with_every_budget(say_all, 300000);
	assert_int_equal(seen.exchanges, 1 + 20 + 2 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_pipelines_are_counted_to_the_last),
		cmocka_unit_test(many_quiet_gets_are_counted_to_the_last),
		cmocka_unit_test(large_values_are_not_held),
		cmocka_unit_test(lines_without_an_end_are_given_up),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
