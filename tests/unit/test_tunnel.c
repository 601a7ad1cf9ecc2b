/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets in streams of HTTP/2: many of them at once, messages larger than what is held and cut into bytes, and memory
 * that runs out anywhere. */
#include "tests/unit/session_world.h"

#define STREAMS 37

static void frame(enum dir dir, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t len)
{
	uint8_t head[9] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags, (uint8_t)(stream >> 24),
			    (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream };

	give(dir, head, sizeof(head));
	if (len)
		give(dir, payload, len);
}

#define FRAME(dir, type, flags, stream, text) frame(dir, type, flags, stream, text, sizeof(text) - 1)

static void greet(void)
{
	give(DIR_RECEIVED, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	FRAME(DIR_RECEIVED, 4, 0, 0, "");
	FRAME(DIR_SENT, 4, 0, 0, "\0\10\0\0\0\1");
}

static void open_stream(uint32_t stream)
{
	FRAME(DIR_RECEIVED, 1, 4, stream, "\2\7CONNECT\0\11:protocol\11websocket\x87\4\5/chat\x41\1h");
	FRAME(DIR_SENT, 1, 4, stream, "\x88");
}

static void messages_of_many_streams_are_told(void **state)
{
	static const char message[] = "\x81\x16{\"email\":\"a@corp.org\"}";
	size_t len = sizeof(message) - 1;

	assert_true(begin());
	greet();
	for (uint32_t i = 0; i < STREAMS; i++)
		open_stream(1 + 2 * i);
	assert_int_equal(seen.exchanges, STREAMS);
	assert_int_equal(seen.statuses[200], STREAMS);
	for (size_t at = 0; at < len; at++)	/* a byte a frame, in turn */
		for (uint32_t i = 0; i < STREAMS; i++)
			frame(DIR_SENT, 0, 0, 1 + 2 * i, message + at, 1);
	assert_int_equal(seen.exchanges, 2 * STREAMS);
	assert_string_equal(seen.path, "$.email");
	assert_string_equal(seen.route, "/chat");
	assert_string_equal(seen.method, "TEXT");
	for (uint32_t i = 0; i < STREAMS; i++)
		FRAME(DIR_SENT, 3, 0, 1 + 2 * i, "\0\0\0\0");
	assert_int_equal(seen.exchanges, 2 * STREAMS);
	end();
	assert_int_equal(seen.exchanges, 2 * STREAMS);
	assert_int_equal(c.acct[0].opaque + c.acct[1].opaque, 0);
}

/* Of 5 MiB the beginning is read. */
static void large_messages_are_not_held(void **state)
{
	size_t before = budget_used(), most = 0;
	char block[4096];

	memset(block, 'x', sizeof(block));
	assert_true(begin());
	greet();
	open_stream(1);
	FRAME(DIR_SENT, 0, 0, 1, "\x81\x7f\0\0\0\0\0\x50\0\0");
	for (unsigned i = 0; i < 1280; i++) {
		frame(DIR_SENT, 0, 0, 1, block, sizeof(block));
		most = budget_used() > most ? budget_used() : most;
	}
	assert_int_equal(seen.exchanges, 2);
	assert_int_equal(seen.inspected[INSPECTED_PARTIAL], 1);
	assert_true(most - before < 3 << 20);
	end();
	assert_int_equal(budget_used(), before);
}

static void say_all(void)
{
	greet();
	for (uint32_t i = 0; i < 5; i++)
		open_stream(1 + 2 * i);
	for (uint32_t i = 0; i < 5; i++) {
		FRAME(DIR_SENT, 0, 0, 1 + 2 * i, "\x81\x16{\"email\"");
		FRAME(DIR_RECEIVED, 0, 0, 1 + 2 * i, "\x81");
	}
	for (uint32_t i = 0; i < 5; i++) {
		FRAME(DIR_SENT, 0, 0, 1 + 2 * i, ":\"a@corp.org\"}\x81\x7e");
		FRAME(DIR_RECEIVED, 0, 0, 1 + 2 * i, "\x82\0\0\0\0hi\x88\x80\0\0\0\0");
	}
	FRAME(DIR_RECEIVED, 0, 1, 1, "");
	FRAME(DIR_SENT, 0, 1, 1, "");
}

static void memory_that_runs_out_costs_no_byte(void **state)
{
	say_with_every_budget(say_all, 400000);
	assert_int_equal(seen.exchanges, 5 * 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_many_streams_are_told),
		cmocka_unit_test(large_messages_are_not_held),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
