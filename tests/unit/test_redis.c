/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases are too short for: pipelines longer than what may wait, values larger than what
 * is held, transactions longer than what is remembered, depth, and memory that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/protocol.h"

static struct { unsigned exchanges, fields, statuses[1000]; char path[PATH_SIZE], route[PATH_SIZE], method[WORD_SIZE]; size_t longest; } seen;

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	seen.fields++;
	seen.longest = f->value.len > seen.longest ? f->value.len : seen.longest;
	memcpy(seen.path, f->path, strlen(f->path) + 1);
}

static size_t on_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	memcpy(out, raw.ptr, n);
	out[n] = 0;
	return n;
}

static void on_exchange(void *owner, const struct exchange *ex)
{
	seen.exchanges++;
	seen.statuses[ex->status]++;
	memcpy(seen.route, ex->route, PATH_SIZE);
	memcpy(seen.method, ex->method, WORD_SIZE);
}

static const struct field_sink sink = { .field = on_field, .clean = on_clean, .exchange = on_exchange };

/* A connection and what its two ends say. */
static struct { struct session *s; struct byte_account acct[2]; int64_t given[2]; uint64_t time; } c;

static bool begin(void)
{
	struct conn_facts conn = { .id = 1, .role = ROLE_SERVER, .tls = TLS_ABSENT };

	memset(&seen, 0, sizeof(seen));
	memset(&c, 0, sizeof(c));
	c.s = session_new(&conn, &sink, c.acct);
	return c.s != NULL;
}

static void give(enum dir dir, const void *bytes, size_t len)
{
	session_bytes(c.s, dir, slice_of(bytes, len), (struct stamp){ c.time += 1000, 1 });
	c.given[dir] += (int64_t)len;
}

#define CLIENT(text)	give(DIR_RECEIVED, text, sizeof(text) - 1)
#define SERVER(text)	give(DIR_SENT, text, sizeof(text) - 1)

static void end(void)
{
	session_close(c.s, (struct stamp){ c.time, 1 });
	for (unsigned d = 0; d < 2; d++)
		assert_int_equal(c.acct[d].examined + c.acct[d].opaque + c.acct[d].skipped, c.given[d]);
}

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

/* Every budget from nothing to plenty: whatever is refused, the account holds and all is given back. */
static void memory_that_runs_out_costs_no_byte(void **state)
{
	size_t before = budget_used();

	for (size_t limit = before + 1; limit < before + 300000; limit += 997) {
		budget_set(limit);
		if (begin()) {
			say_all();
			end();
		}
		assert_int_equal(budget_used(), before);
	}
	budget_set(0);
	assert_int_equal(seen.exchanges, 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_pipelines_are_counted_to_the_last),
		cmocka_unit_test(large_values_are_not_held),
		cmocka_unit_test(long_transactions_lose_names_alone),
		cmocka_unit_test(what_is_too_deep_is_not_followed),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
