/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases of MongoDB are too short for: more commands than may wait, answers larger than
 * what is held, bombs, and memory that runs out. */
#include "tests/unit/session_world.h"

#include <zlib.h>

#include "protocol/content.h"

static void add(struct buf *b, uint64_t number, unsigned bytes)
{
	for (; bytes; bytes--, number >>= 8) {
		uint8_t byte = (uint8_t)number;

		assert_int_equal(buf_add(b, &byte, 1), 0);
	}
}

static void give_message(enum dir dir, uint32_t id, uint32_t answers, uint32_t operation, const void *body, size_t len)
{
	size_t max = budget_max();
	struct buf b;

	budget_set(0);	/* not meant for what the test makes */
	buf_init(&b, 64 << 20);
	add(&b, 16 + len, 4);
	add(&b, id, 4);
	add(&b, answers, 4);
	add(&b, operation, 4);
	buf_add(&b, body, len);
	assert_false(b.failed);
	budget_set(max);
	for (size_t at = 0; at < b.len; at += 100000)
		give(dir, b.ptr + at, b.len - at < 100000 ? b.len - at : 100000);
	buf_free(&b);
}

/* {"find": "users"} and {"ok": 1.0} */
static const char find[] = "\0\0\0\0\0\x15\0\0\0\2find\0\6\0\0\0users\0\0", ok[] = "\0\0\0\0\0\x11\0\0\0\1ok\0\0\0\0\0\0\0\xf0\x3f\0";

static void ask(uint32_t id)
{
	give_message(DIR_RECEIVED, id, 0, 2013, find, sizeof(find) - 1);
}

static void answer(uint32_t id)
{
	give_message(DIR_SENT, 100000 + id, id, 2013, ok, sizeof(ok) - 1);
}

/* {"a": "xxx…"} */
static void add_document(struct buf *b, size_t size)
{
	static const char letters[] = "xxxxxxxxxxxxxxxx";

	add(b, 4 + 1 + 2 + 4 + size + 1 + 1, 4);
	add(b, 2, 1);
	add(b, 'a', 2);
	add(b, size + 1, 4);
	for (size_t i = 0; i < size; i += 16)
		buf_add(b, letters, size - i < 16 ? size - i : 16);
	add(b, 0, 2);
}

static void many_that_wait_are_counted_to_the_last(void **state)
{
	size_t before = budget_used();

	assert_true(begin());
	for (uint32_t i = 1; i <= 5003; i++)
		ask(i);
	for (uint32_t i = 5003; i; i--)	/* in any order */
		answer(i);
	assert_int_equal(seen.exchanges, 5003);
	assert_int_equal(seen.statuses[200], PROTOCOL_PENDING);
	ask(6000);
	answer(6000);
	assert_int_equal(seen.statuses[200], PROTOCOL_PENDING + 1);
	assert_string_equal(seen.route, "find users");
	end();
	assert_int_equal(seen.exchanges, 5004);
	assert_int_equal(c.acct[0].opaque + c.acct[1].opaque, 0);
	assert_int_equal(budget_used(), before);
}

/* A section of 20 MiB, document by document, the last of which is too large: the answer is paired all the same. */
static void a_large_section_is_not_held(void **state)
{
	size_t before = budget_used(), most = 0, rest, at = 0;
	struct buf documents, body;

	buf_init(&documents, 64 << 20);
	for (unsigned i = 0; i < 1301; i++)
		add_document(&documents, 16000);
	add_document(&documents, 2 << 20);
	buf_init(&body, 64 << 20);
	add(&body, 16 + 21 + 5 + 1 + 4 + 10 + documents.len, 4);
	add(&body, 1, 4);
	add(&body, 0, 4);
	add(&body, 2013, 4);
	buf_add(&body, find, sizeof(find) - 1);
	add(&body, 1, 1);
	add(&body, 4 + 10 + documents.len, 4);
	buf_add(&body, "documents", 10);
	buf_add(&body, documents.ptr, documents.len);
	assert_true(begin());
	rest = budget_used();
	for (unsigned i = 0; i < 1301; i++, at += 16000) {
		give(DIR_RECEIVED, body.ptr + at, 16000);
		most = budget_used() > most ? budget_used() : most;
	}
	assert_true(most - rest < 96 << 10);
	give(DIR_RECEIVED, body.ptr + at, body.len - at);
	answer(1);
	assert_int_equal(seen.exchanges, 1);
	assert_int_equal(seen.statuses[200], 1);
	assert_int_equal(seen.inspected[INSPECTED_PARTIAL], 1);
	assert_int_equal(seen.fields, 1 + 1302 + 1);
	end();
	buf_free(&documents);
	buf_free(&body);
	assert_int_equal(budget_used(), before);
}

static void bombs_end_at_a_limit(void **state)
{
	size_t before = budget_used(), room = 1 << 20;
	uint8_t *packed = malloc(room);
	struct buf body, plain;
	uLongf len = room - 9;

	buf_init(&plain, 64 << 20);
	buf_add(&plain, find, sizeof(find) - 1);
	add(&plain, 0, 1);
	add_document(&plain, 32 << 20);
	buf_init(&body, 2 << 20);
	assert_int_equal(compress2(packed, &len, plain.ptr, plain.len, 9), Z_OK);
	add(&body, 2013, 4);
	add(&body, plain.len, 4);
	add(&body, 2, 1);
	buf_add(&body, packed, len);
	assert_true(begin());
	ask(1);
	answer(1);
	give_message(DIR_RECEIVED, 2, 0, 2012, body.ptr, body.len);
	answer(2);
	assert_int_equal(seen.exchanges, 2);
	assert_int_equal(seen.inspected[INSPECTED_PARTIAL], 1);
	end();
	buf_free(&body);
	buf_free(&plain);
	free(packed);
	assert_int_equal(budget_used(), before);
}

static void memory_that_runs_out_costs_no_byte(void **state)
{
	size_t before = budget_used();
	struct buf body;

	for (size_t limit = 1; limit < 700000; limit += 4999) {
		budget_set(0);
		buf_init(&body, 1 << 20);
		buf_add(&body, find, sizeof(find) - 1);
		add(&body, 0, 1);
		add_document(&body, 70000);
		budget_set(budget_used() + 200 * 1024 + limit);	/* with what this test itself needs */
		if (begin()) {
			for (uint32_t i = 1; i <= 20; i++) {
				ask(i);
				give_message(DIR_RECEIVED, 50 + i, 0, 2013, body.ptr, body.len);
			}
			for (uint32_t i = 3; i <= 20; i++)
				answer(i);
			end();
		}
		buf_free(&body);
		assert_int_equal(budget_used(), before);
	}
	budget_set(0);
	assert_int_equal(seen.exchanges, 40);
	assert_int_equal(seen.statuses[200], 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_that_wait_are_counted_to_the_last),
		cmocka_unit_test(a_large_section_is_not_held),
		cmocka_unit_test(bombs_end_at_a_limit),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
