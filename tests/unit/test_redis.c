/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases are too short for: pipelines longer than what may wait, values larger than what
 * is held, transactions longer than what is remembered, depth, and memory that runs out. */
#include "tests/unit/session_world.h"

#define CLIENT(text)	give(DIR_RECEIVED, text, sizeof(text) - 1)
#define SERVER(text)	give(DIR_SENT, text, sizeof(text) - 1)

static void long_pipelines_are_counted_to_the_last(void **state)
{
	assert_true(begin());
	for (unsigned i = 0; i < 5003; i++)
		CLIENT("*3\r\n$3\r\nSET\r\n$6\r\nuser:7\r\n$5\r\nvalue\r\n");
	for (unsigned i = 0; i < 5003; i++)
		SERVER("+OK\r\n");
	assert_int_equal(seen.exchanges, 5003);
	assert_int_equal(seen.statuses[200], 5003);
	assert_int_equal(seen.fields, 2 * 5003);
	assert_string_equal(seen.path, "set.user:{id}");
	assert_string_equal(seen.route, "user:{id}");
	assert_string_equal(seen.method, "SET");
	CLIENT("*1\r\n$4\r\nPING\r\n");
	SERVER("+PONG\r\n");
	end();
	assert_int_equal(seen.exchanges, 5004);
	assert_int_equal(c.acct[0].opaque + c.acct[1].opaque, 0);
}

/* Of a value of 5 MiB the beginning is read; of an answer of many values none is held. */
static void large_values_are_not_held(void **state)
{
	size_t before = budget_used(), most = 0;
	char block[4096];

	memset(block, 'x', sizeof(block));
	assert_true(begin());
	CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
	SERVER("$5242880\r\n");
	for (unsigned i = 0; i < 1280; i++) {
		give(DIR_SENT, block, sizeof(block));
		most = budget_used() > most ? budget_used() : most;
	}
	SERVER("\r\n");
	assert_int_equal(seen.longest, PROTOCOL_BODY_HELD);
	assert_true(most - before < 3 << 20);
	CLIENT("*2\r\n$8\r\nSMEMBERS\r\n$1\r\nk\r\n");
	SERVER("*20011\r\n");
	most = budget_used();
	for (unsigned i = 0; i < 20011; i++) {
		SERVER("$5\r\nvalue\r\n");
		most = budget_used() > most ? budget_used() : most;
	}
	assert_true(most - before < 64 << 10);
	assert_int_equal(seen.exchanges, 2);
	assert_int_equal(seen.fields, 2 + 1 + 20011);
	end();
	assert_int_equal(budget_used(), before);
}

/* What is queued beyond the table loses its names alone. */
static void long_transactions_lose_names_alone(void **state)
{
	assert_true(begin());
	CLIENT("*1\r\n$5\r\nMULTI\r\n");
	SERVER("+OK\r\n");
	for (unsigned i = 0; i < 101; i++) {
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
		SERVER("+QUEUED\r\n");
	}
	CLIENT("*1\r\n$4\r\nEXEC\r\n");
	SERVER("*101\r\n");
	for (unsigned i = 0; i < 101; i++) {
		SERVER("$5\r\nvalue\r\n");
		assert_string_equal(seen.path, i < 64 ? "get.k" : "exec");
	}
	assert_int_equal(seen.exchanges, 103);
	end();
}

static void what_is_too_deep_is_not_followed(void **state)
{
	assert_true(begin());
	CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
	for (unsigned i = 0; i < 100000; i++)
		SERVER("*1\r\n");
	SERVER("$5\r\nvalue\r\n");
	end();
	assert_true(c.acct[1].opaque > 0);
}

static void say_all(void)
{
	CLIENT("*4\r\n$4\r\nHSET\r\n$1\r\nk\r\n$5\r\nemail\r\n$3\r\na@b\r\n");
	SERVER(":1\r\n");
	CLIENT("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n");
	SERVER("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
	SERVER("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nvalue\r\n");
	for (unsigned i = 0; i < 20; i++)
		CLIENT("*12\r\n$4\r\nMGET\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n"
		       "$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n$1\r\na\r\n$1\r\nb\r\n");
	for (unsigned i = 0; i < 20; i++)
		SERVER("*2\r\n$5\r\nvalue\r\n$-1\r\n");
	CLIENT("*1\r\n$5\r\nMULTI\r\n");
	SERVER("+OK\r\n");
	CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
	SERVER("+QUEUED\r\n");
	SERVER("$40000\r\nhalf a value");
}

static void memory_that_runs_out_costs_no_byte(void **state)
{
	say_with_every_budget(say_all, 300000);
	assert_int_equal(seen.exchanges, 26);
}

/* Elements of an array in a message's first place, each of which says that a message begins. */
static void a_message_that_begins_in_itself_is_one(void **state)
{
	size_t before = budget_used(), open;

	assert_true(begin());
	CLIENT("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n");
	SERVER(">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n>2\r\n*100000\r\n");
	for (unsigned i = 0; i < 997; i++)
		SERVER("$7\r\nmessage\r\n");
	open = budget_used() - before;
	end();
	assert_true(open < 100000);
	assert_int_equal(budget_used(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_pipelines_are_counted_to_the_last),
		cmocka_unit_test(large_values_are_not_held),
		cmocka_unit_test(long_transactions_lose_names_alone),
		cmocka_unit_test(what_is_too_deep_is_not_followed),
		cmocka_unit_test(a_message_that_begins_in_itself_is_one),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
