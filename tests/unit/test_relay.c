/* SPDX-License-Identifier: Apache-2.0 */
/* test_relay.c - TLS that a process passes on as it came: nobody there has its plaintext, and none is missed. */
#include "tests/unit/stream_world.h"

static void hello(struct world *w, uint64_t conn, enum dir dir, uint32_t tgid, uint8_t random)
{
	uint8_t bytes[120] = { 22, 3, 1, 0, 115, 1, 0, 0, 111, 3, 3 };
	struct chunk ch = chunk_make(conn, LAYER_HELLO, dir, 0, bytes, sizeof(bytes));

	memset(bytes + 11, random, 32);
	ch.conn.process = (struct process_key){ tgid, 5 };
	assert_int_equal(stream_push(w->table, &ch), 0);
}

/* A balancer that picks by name: the ClientHello that it receives is the one that it sends. */
static void tls_that_is_passed_on_is_relayed(void **state)
{
	struct world *w = world_new(NULL);

	hello(w, 1, DIR_RECEIVED, 10, 7);
	hello(w, 2, DIR_SENT, 10, 7);
	hello(w, 3, DIR_RECEIVED, 11, 7);	/* the server's end of it */
	hello(w, 4, DIR_SENT, 11, 8);		/* who asks another by itself */
	for (uint64_t conn = 1; conn <= 4; conn++) {
		struct wire_header h[] = { { 22, 3, 1, 0, 115 }, { 20, 3, 3, 0, 1 }, { 23, 3, 3, 0, 53 }, { 23, 3, 3, 0, 1017 } };
		struct chunk ch = chunk_make(conn, LAYER_CIPHER, conn == 2 || conn == 4 ? DIR_SENT : DIR_RECEIVED, 0, h, sizeof(h));

		ch.moved = 4 * 5 + 115 + 1 + 53 + 1017;
		ch.conn.process = (struct process_key){ conn < 3 ? 10 : 11, 5 };
		assert_int_equal(stream_push(w->table, &ch), 0);
	}
	stream_tick(w->table, at_ms(2000));	/* by then whoever has the plaintext would have shown */
	stream_interval(w->table, at_ms(2001));
	for (unsigned i = 0; i < 4; i++)
		assert_string_equal(w->sessions[i]->reason, i < 2 ? "relayed" : "unprobed_tls");
	assert_int_equal(w->why[LOSS_RELAYED], 2 * (53 + 1017));
	assert_int_equal(w->why[LOSS_UNPROBED_TLS], 2 * (53 + 1017));
	assert_balanced(w);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_that_is_passed_on_is_relayed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
