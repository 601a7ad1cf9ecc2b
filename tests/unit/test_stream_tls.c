/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream_tls.c - every socket byte of a TLS connection is in the account once,
 * as framing, plaintext, opaque or lost; what a probe missed stays unexplained. */
#include "tests/unit/stream_world.h"

static void tls13_framing_is_headers_handshake_and_seventeen_a_record(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0, received = 0;

	/* A client: hello; then the server's encrypted flight, Finished, tickets. */
	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 });
	received = RECORDS(w, DIR_RECEIVED, received, false, { 22, 122 }, { 20, 1 }, { 23, 40 }, { 23, 900 }, { 23, 281 }, { 23, 53 });
	sent = RECORDS(w, DIR_SENT, sent, false, { 20, 1 }, { 23, 53 });
	assert_int_equal(acct_of(w->sessions[0]).framing, 10 * 5 - 5 + 512 + 122 + 1 + 1);
	assert_int_equal(w->sessions[0]->conn.tls, TLS_PRESENT);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 200 + 17 });
	plaintext(w, DIR_SENT, 0, 200);
	received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 250 }, { 23, 250 }, { 23, 5000 + 17 });
	plaintext(w, DIR_RECEIVED, 0, 5000);
	received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 16384 + 17 });
	plaintext(w, DIR_RECEIVED, 5000, 16384);
	received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 19 });	/* close_notify */
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 19 });
	close_at(w, 1, sent, received, at_ms(1));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->sum.moved, sent + received);
	assert_int_equal(w->sum.examined, 200 + 5000 + 16384);
	assert_int_equal(w->sum.opaque, 0);
	assert_int_equal(w->sum.lost, 0);
	assert_balanced(w);
	assert_int_equal(w->sessions[0]->conn.binding, BINDING_EXACT);
	world_free(w);
}

static void tls12_framing_is_twenty_four_a_record_and_sixteen_with_chacha(void **state)
{
	static const uint32_t overheads[] = { 24, 16 };

	for (int i = 0; i < 2; i++) {
		struct world *w = world_new(NULL);
		uint32_t o = overheads[i];
		uint64_t sent = 0, received = 0;

		received = RECORDS(w, DIR_RECEIVED, received, false, { 22, 300 });
		sent = RECORDS(w, DIR_SENT, sent, false, { 22, 90 }, { 22, 2000 }, { 22, 4 });
		received = RECORDS(w, DIR_RECEIVED, received, false, { 22, 70 }, { 20, 1 }, { 22, 16 + o });
		sent = RECORDS(w, DIR_SENT, sent, false, { 22, 170 }, { 20, 1 }, { 22, 16 + o });
		received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 400 + o });
		plaintext(w, DIR_RECEIVED, 0, 100);	/* a small read buffer */
		plaintext(w, DIR_RECEIVED, 100, 300);
		sent = RECORDS(w, DIR_SENT, sent, true, { 23, 1000 + o }, { 23, 2 + o });
		plaintext(w, DIR_SENT, 0, 1002);
		sent = RECORDS(w, DIR_SENT, sent, true, { 21, 2 + o });
		close_at(w, 1, sent, received, at_ms(1));
		assert_int_equal(w->sum.moved, sent + received);
		assert_int_equal(w->sum.examined, 1402);
		assert_int_equal(w->sum.opaque + w->sum.lost, 0);
		assert_balanced(w);
		world_free(w);
	}
}

static void a_second_hello_after_a_retry_request_is_not_tls12(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 300 }, { 20, 1 }, { 22, 400 }, { 23, 53 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 117 });
	plaintext(w, DIR_SENT, 0, 100);
	close_at(w, 1, sent, 0, at_ms(1));
	assert_int_equal(w->sum.examined, 100);
	assert_balanced(w);
	world_free(w);
}

static void headers_and_bodies_in_separate_calls_are_the_same(void **state)
{
	struct world *w = world_new(NULL);
	const struct wire_step hello = { 22, 100 }, fin = { 23, 53 }, data = { 23, 517 };
	uint64_t p = 0;

	push_cipher(w, 1, DIR_RECEIVED, p, 5, false, &hello, 1), p += 5;
	push_cipher(w, 1, DIR_RECEIVED, p, 100, false, NULL, 0), p += 100;
	push_cipher(w, 1, DIR_RECEIVED, p, 3, false, NULL, 0), p += 3;	/* a header cut in two */
	push_cipher(w, 1, DIR_RECEIVED, p, 55, false, &fin, 1), p += 55;
	push_cipher(w, 1, DIR_RECEIVED, p, 5, true, &data, 1), p += 5;
	push_cipher(w, 1, DIR_RECEIVED, p, 517, true, NULL, 0), p += 517;
	plaintext(w, DIR_RECEIVED, 0, 500);
	close_at(w, 1, 0, p, at_ms(1));
	assert_int_equal(w->sum.moved, p);
	assert_int_equal(w->sum.framing, 15 + 100 + 53 + 17);
	assert_int_equal(w->sum.lost, 0);
	assert_balanced(w);
	world_free(w);
}

static void tls_without_a_probe_is_opaque_with_its_reason(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0, received = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 }, { 23, 53 }, { 23, 1017 });
	received = RECORDS(w, DIR_RECEIVED, received, false, { 22, 122 });
	for (int i = 0; i < 40; i++)
		received = RECORDS(w, DIR_RECEIVED, received, false, { 23, 16401 });
	stream_interval(w->table, at_ms(1));
	assert_string_equal(w->sessions[0]->reason, "unprobed_tls");
	assert_int_equal(w->sum.opaque, 53 + 1017 + 40 * 16401);
	assert_balanced(w);
	received = RECORDS(w, DIR_RECEIVED, received, false, { 23, 19 });
	close_at(w, 1, sent, received, at_ms(2));
	assert_false(w->sessions[0]->closed);	/* plaintext for it may still be on its way */
	stream_tick(w->table, at_ms(202));
	assert_int_equal(w->sum.moved, sent + received);
	assert_int_equal(w->sum.opaque, 53 + 1017 + 40 * 16401 + 19);
	assert_string_equal(w->sessions[0]->reason, "unprobed_tls");
	assert_balanced(w);
	world_free(w);
}

static void a_probe_that_comes_later_moves_the_connection_on_as_probed(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 }, { 23, 53 }, { 23, 1017 });
	stream_interval(w->table, at_ms(1));
	assert_int_equal(w->sum.moved, 0);	/* it may be in its handshake */
	stream_tick(w->table, at_ms(1001));
	stream_interval(w->table, at_ms(1001));
	assert_int_equal(w->sum.opaque, 1070);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 317 });
	stream_interval(w->table, at_ms(2));
	assert_int_equal(w->sum.opaque, 1070);	/* its plaintext is on the way */
	plaintext(w, DIR_SENT, 0, 300);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 117 });
	plaintext(w, DIR_SENT, 300, 100);
	close_at(w, 1, sent, 0, at_ms(2));
	assert_int_equal(w->sum.opaque, 1070);
	assert_int_equal(w->sum.examined, 400);
	assert_string_equal(w->sessions[0]->reason, "");
	assert_balanced(w);
	world_free(w);
}

static void plaintext_that_the_probe_missed_is_unexplained_not_framing(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 }, { 23, 53 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 117 });
	plaintext(w, DIR_SENT, 0, 100);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 717 });
	close_at(w, 1, sent, 0, at_ms(1));
	assert_false(w->sessions[0]->closed);	/* it may still be on the way */
	stream_tick(w->table, at_ms(201));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(unexplained(&w->sum), 700);
	world_free(w);
}

static void a_probed_direction_without_any_plaintext_is_opaque_at_the_close(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0, received = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 }, { 23, 53 });
	received = RECORDS(w, DIR_RECEIVED, received, false, { 22, 122 }, { 20, 1 }, { 23, 999 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 117 });
	plaintext(w, DIR_SENT, 0, 100);
	close_at(w, 1, sent, received, at_ms(1));
	stream_tick(w->table, at_ms(201));
	assert_int_equal(w->sum.opaque, 999);
	assert_string_equal(w->sessions[0]->reason, "no_plaintext");
	assert_balanced(w);
	world_free(w);
}

/* Who sent close_notify and has not closed: at the end of the second interval it is known to be that. */
static void an_alert_that_no_close_follows_is_framing(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 122 }, { 20, 1 }, { 23, 53 }, { 23, 117 });

	plaintext(w, DIR_SENT, 0, 100);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 19 });
	stream_interval(w->table, at_ms(1));
	assert_int_equal(unexplained(&w->sum), 2);
	stream_interval(w->table, at_ms(60001));
	assert_int_equal(unexplained(&w->sum), 0);
	close_at(w, 1, sent, 0, at_ms(60002));
	assert_int_equal(w->sum.examined, 100);
	assert_int_equal(w->sum.opaque + w->sum.lost, 0);
	assert_balanced(w);
	world_free(w);
}

/* The last of a recording, and of a connection that rests for an hour: the plaintext of a record that passed was lost. */
static void plaintext_that_a_connection_without_an_end_lacks_is_named(void **state)
{
	for (int rests = 0; rests < 2; rests++) {
		struct world *w = world_new(NULL);

		RECORDS(w, DIR_SENT, 0, true, { 22, 122 }, { 20, 1 }, { 23, 53 }, { 23, 117 }, { 23, 26 });
		plaintext(w, DIR_SENT, 0, 100);
		if (rests) {
			stream_tick(w->table, at_ms(3600001));
		} else {
			stream_table_free(w->table);
			w->table = NULL;
		}
		assert_true(w->sessions[0]->closed);
		assert_int_equal(w->sum.examined, 100);
		assert_int_equal(w->why[LOSS_NO_PLAINTEXT], 9);
		assert_balanced(w);
		world_free(w);
	}
}

static void plaintext_gaps_and_truncated_plaintext_are_lost(void **state)
{
	struct world *w = world_new(NULL);
	struct chunk ch = chunk_make(1, LAYER_TLS, DIR_SENT, 150, "ab", 2);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, true, { 22, 512 }, { 23, 53 }, { 23, 117 });
	plaintext(w, DIR_SENT, 0, 100);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 67 }, { 23, 40 + 17 });
	ch.skipped = 38;
	ch.cause = LOSS_TRUNCATED;
	stream_push(w->table, &ch);
	stream_tick(w->table, at_ms(200));
	assert_int_equal(w->sessions[0]->gaps[DIR_SENT], 2);
	close_at(w, 1, sent, 0, at_ms(200));
	assert_int_equal(w->sum.examined, 102);
	assert_int_equal(w->sum.lost, 88);
	assert_balanced(w);
	world_free(w);
}

static void a_jump_between_cipher_chunks_is_lost(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, true, { 22, 512 }, { 23, 53 }, { 23, 117 });
	plaintext(w, DIR_SENT, 0, 100);
	sent = RECORDS(w, DIR_SENT, sent + 522, true, { 23, 117 });
	stream_tick(w->table, at_ms(200));
	plaintext(w, DIR_SENT, 100, 100);
	assert_int_equal(acct_of(w->sessions[0]).moved, sent);
	assert_int_equal(acct_of(w->sessions[0]).lost, 522);
	assert_int_equal(w->sessions[0]->gaps[DIR_SENT], 0);	/* the plaintext has none */
	close_at(w, 1, sent, 0, at_ms(200));
	assert_balanced(w);
	world_free(w);
}

static void a_lost_cipher_record_whose_plaintext_came_is_not_lost_twice(void **state)
{
	for (int late = 0; late < 2; late++) {
		struct world *w = world_new(NULL);
		uint64_t sent = 0;

		sent = RECORDS(w, DIR_SENT, sent, true, { 22, 512 }, { 23, 53 }, { 23, 117 });
		plaintext(w, DIR_SENT, 0, 100);
		if (!late)
			plaintext(w, DIR_SENT, 100, 500);
		sent = RECORDS(w, DIR_SENT, sent + 522, true, { 23, 117 });
		stream_tick(w->table, at_ms(200));
		if (late)
			plaintext(w, DIR_SENT, 100, 500);
		plaintext(w, DIR_SENT, 600, 100);
		close_at(w, 1, sent, 0, at_ms(200));
		assert_int_equal(w->sum.examined, 700);
		assert_int_equal(w->sum.lost, 22);	/* header and tag, which nobody saw */
		assert_balanced(w);
		world_free(w);
	}
}

static void a_record_and_its_plaintext_both_lost_count_once(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, true, { 22, 512 }, { 23, 53 }, { 23, 117 });
	plaintext(w, DIR_SENT, 0, 100);
	sent = RECORDS(w, DIR_SENT, sent + 522, true, { 23, 117 });
	plaintext(w, DIR_SENT, 600, 100);
	stream_tick(w->table, at_ms(200));
	close_at(w, 1, sent, 0, at_ms(200));
	assert_int_equal(w->sessions[0]->told[DIR_SENT].len, 700);
	assert_int_equal(w->sum.lost, 522);
	assert_balanced(w);
	world_free(w);
}

static void records_beyond_one_headers_list_are_lost_but_for_the_open_body(void **state)
{
	struct world *w = world_new(NULL);
	struct wire_header h[2] = { { 22, 3, 3, 0, 100 }, { 23, 3, 3, 0, 117 } };
	struct chunk ch = chunk_make(1, LAYER_CIPHER, DIR_SENT, 0, h, sizeof(h));

	/* 105 + 5 walked; the body of the second and 300 more are in no header list. */
	ch.moved = 110 + 117 + 300;
	ch.skipped = 117 + 300;
	ch.cause = LOSS_TRUNCATED;
	ch.probed = 1;
	stream_push(w->table, &ch);
	plaintext(w, DIR_SENT, 0, 100);
	close_at(w, 1, 527, 0, at_ms(1));
	assert_int_equal(w->sum.moved, 527);
	assert_int_equal(w->sum.lost, 300);
	assert_balanced(w);
	world_free(w);
}

static void a_connection_cut_inside_a_record_counts_only_what_moved(void **state)
{
	static const struct { struct wire_step step; uint64_t passed; int64_t opaque; } cut[] = {
		{ { 23, 16401 }, 5005, 5000 }, { { 23, 16401 }, 5, 0 }, { { 21, 19 }, 10, 0 }, { { 23, 19 }, 15, 10 },
	};

	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		struct world *w = world_new(NULL);
		uint64_t received = 0;

		received = RECORDS(w, DIR_RECEIVED, received, true, { 22, 122 }, { 23, 53 }, { 23, 117 });
		plaintext(w, DIR_RECEIVED, 0, 100);
		push_cipher(w, 1, DIR_RECEIVED, received, cut[i].passed, true, &cut[i].step, 1);
		received += cut[i].passed;
		close_at(w, 1, 0, received, at_ms(1));
		stream_tick(w->table, at_ms(300));
		assert_int_equal(w->sum.moved, received);
		assert_int_equal(w->sum.opaque, cut[i].opaque);
		assert_balanced(w);
		world_free(w);
	}
}

/* Java puts 16 zeros behind what it sends. */
static void records_of_java_have_sixteen_more(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 }, { 23, 36 + 33 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 100 + 33 });
	plaintext(w, DIR_SENT, 0, 100);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 40 + 33 });
	plaintext(w, DIR_SENT, 100, 40);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 2 + 33 });
	close_at(w, 1, sent, 0, at_ms(1));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(w->sum.framing, 6 * 5 + 512 + 1 + 69 + 33 + 33 + 35);
	assert_balanced(w);
	world_free(w);
}

/* The padding of CBC is not known from the record, but not beyond its bounds. */
static void padding_of_cbc_is_framing_within_its_bounds(void **state)
{
	static const struct { uint16_t finished, body; int plain, unexplained; } rows[] = {
		{ 64, 16 + 48, 27, 0 },		/* SHA-1: 27 + 20 and one to pad */
		{ 64, 16 + 48, 12, 0 },		/* 16 to pad */
		{ 64, 16 + 48, 11, 1 },		/* one was missed */
		{ 68, 16 + 32 + 20, 16, 0 },	/* the MAC behind the padding */
		{ 80, 16 + 64, 31, 0 },		/* SHA-256 */
		{ 80, 16 + 64, 15, 1 },
		{ 96, 16 + 80, 31, 0 },		/* SHA-384 */
		{ 96, 16 + 80, 20, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world *w = world_new(NULL);
		uint64_t sent = RECORDS(w, DIR_SENT, 0, false, { 22, 70 }, { 20, 1 }, { 22, rows[i].finished });

		sent = RECORDS(w, DIR_SENT, sent, true, { 23, rows[i].body });
		plaintext(w, DIR_SENT, 0, (uint64_t)rows[i].plain);
		close_at(w, 1, sent, 0, at_ms(1));
		stream_tick(w->table, at_ms(201));
		assert_int_equal(unexplained(&w->sum), rows[i].unexplained);
		world_free(w);
	}
}

static void plaintext_that_no_record_carried_is_unexplained(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 512 }, { 23, 53 }, { 23, 117 });

	plaintext(w, DIR_SENT, 0, 100);
	plaintext(w, DIR_SENT, 100, 50);
	close_at(w, 1, sent, 0, at_ms(1));
	assert_int_equal(w->sum.lost, 0);
	assert_int_equal(unexplained(&w->sum), -50);
	world_free(w);
}

/* The call that took the first record may have been under way: what of it is proven is the plaintext. */
/* One that rested in a pool, of which nothing but its end is seen. */
static void the_alert_that_closes_a_late_tls_connection_is_framing(void **state)
{
	for (int data = 0; data < 2; data++) {	/* or it is of the size of one, and not alone */
		struct world *w = world_new(NULL);
		struct wire_header h[] = { { 23, 3, 3, 0, 19 }, { 23, 3, 3, 0, 19 } };
		struct chunk ch = chunk_make(1, LAYER_CIPHER, DIR_SENT, 0, h, (1 + (size_t)data) * sizeof(h[0]));

		ch.moved = 24 * (1 + (uint64_t)data);
		ch.conn.late = 1;
		assert_int_equal(stream_push(w->table, &ch), 0);
		close_at(w, 1, ch.moved, 0, at_ms(1));
		stream_tick(w->table, at_ms(2000));
		assert_true(w->sessions[0]->closed);
		assert_int_equal(w->sum.opaque, data ? 2 * 19 : 0);
		assert_int_equal(w->sum.framing, data ? 2 * 5 : 24);
		assert_balanced(w);
		world_free(w);
	}
}

static void a_late_tls_connection_has_no_handshake_in_its_records(void **state)
{
	struct world *w = world_new(NULL);
	const struct wire_header h[] = { { 23, 3, 3, 0, 117 }, { 23, 3, 3, 0, 217 } };
	struct chunk ch = chunk_make(1, LAYER_CIPHER, DIR_RECEIVED, 0, h, sizeof(h));

	ch.conn.late = 1;
	ch.probed = 1;
	ch.moved = 122 + 222;
	stream_push(w->table, &ch);
	plaintext(w, DIR_RECEIVED, 0, 50);
	plaintext(w, DIR_RECEIVED, 50, 250);
	close_at(w, 1, 0, ch.moved, at_ms(1));
	assert_int_equal(w->sum.framing, 2 * 5 + 17);
	assert_int_equal(w->sum.lost, 17);
	assert_balanced(w);
	world_free(w);
}

static void a_first_cipher_chunk_behind_zero_is_lost_and_told_to_no_parser(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = RECORDS(w, DIR_SENT, 517, true, { 20, 1 }, { 23, 53 }, { 23, 117 });

	stream_tick(w->table, at_ms(200));
	plaintext(w, DIR_SENT, 0, 100);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->sessions[0]->gaps[DIR_SENT], 0);
	close_at(w, 1, sent, 0, at_ms(200));
	assert_int_equal(w->sum.moved, sent);
	assert_int_equal(w->sum.examined, 100);
	assert_int_equal(w->sum.lost, 517);
	assert_balanced(w);
	world_free(w);
}

static void cipher_chunks_that_overlap_count_the_new_part_as_lost(void **state)
{
	struct world *w = world_new(NULL);
	const struct wire_step step = { 22, 95 };

	push_cipher(w, 1, DIR_SENT, 0, 100, true, &step, 1);
	push_cipher(w, 1, DIR_SENT, 0, 100, true, &step, 1);
	push_cipher(w, 1, DIR_SENT, 50, 100, true, &step, 1);
	close_at(w, 1, 150, 0, at_ms(1));
	assert_int_equal(w->sum.moved, 150);
	assert_int_equal(w->sum.framing, 100);
	assert_int_equal(w->sum.lost, 50);
	assert_balanced(w);
	world_free(w);
}

static void an_unprobed_connection_cut_inside_a_record_counts_only_what_moved(void **state)
{
	for (int flushed = 0; flushed < 2; flushed++) {
		struct world *w = world_new(NULL);
		const struct wire_step step = { 23, 1000 };
		uint64_t sent = RECORDS(w, DIR_SENT, 0, false, { 22, 512 }, { 23, 53 });

		push_cipher(w, 1, DIR_SENT, sent, 405, false, &step, 1);
		if (flushed)
			stream_interval(w->table, at_ms(1));
		close_at(w, 1, sent + 405, 0, at_ms(1));
		stream_tick(w->table, at_ms(201));
		assert_int_equal(w->sum.opaque, 453);
		assert_balanced(w);
		world_free(w);
	}
}

static void bytes_that_are_no_tls_record_are_opaque(void **state)
{
	for (int whole = 0; whole < 2; whole++) {
		struct world *w = world_new(NULL);
		const struct wire_step step = { 99, 300 };
		uint64_t passed = whole ? 305 : 105;

		push_cipher(w, 1, DIR_SENT, 0, passed, true, &step, 1);
		close_at(w, 1, passed, 0, at_ms(1));
		assert_int_equal(w->sum.opaque, passed - 5);
		assert_balanced(w);
		world_free(w);
	}
}

static void an_evicted_tls_connection_goes_on_where_it_was(void **state)
{
	struct stream_limits l = { 1, 1000, 1000, REORDER, UINT64_MAX, 0 };
	struct world *w = world_new(&l);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 300 }, { 20, 1 }, { 22, 40 }, { 23, 124 });

	plaintext(w, DIR_SENT, 0, 100);
	push(w, 2, DIR_SENT, 0, "x");
	sent = RECORDS(w, DIR_SENT, sent, false, { 23, 224 });
	plaintext(w, DIR_SENT, 100, 200);
	push(w, 2, DIR_SENT, 1, "x");
	sent = RECORDS(w, DIR_SENT, sent, false, { 23, 74 });
	push(w, 2, DIR_SENT, 2, "x");
	assert_int_equal(stats_of(w).evicted, 5);
	assert_int_equal(stats_of(w).gaps, 0);
	assert_string_equal(w->sessions[4]->reason, "");
	assert_int_equal(w->sum.moved, sent + 2);
	assert_int_equal(w->sum.opaque, 0);
	assert_int_equal(w->sum.examined, 302);
	assert_int_equal(unexplained(&w->sum), 50);	/* its plaintext never came */
	world_free(w);
}

static void a_connection_cut_inside_a_header_counts_it_as_framing(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 512 }, { 23, 53 }, { 23, 117 });

	plaintext(w, DIR_SENT, 0, 100);
	push_cipher(w, 1, DIR_SENT, sent, 3, true, NULL, 0);
	close_at(w, 1, sent + 3, 0, at_ms(1));
	assert_int_equal(w->sum.framing, 3 * 5 + 512 + 53 + 17 + 3);
	assert_balanced(w);
	world_free(w);
}

static void an_unbound_session_is_a_connection_of_its_own(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t id = 1ull << 63 | 77;

	push_at(w, id, LAYER_TLS, DIR_SENT, 0, "secret", at_ms(0));
	push_at(w, id, LAYER_TLS, DIR_SENT, 8, "x", at_ms(0));
	stream_tick(w->table, at_ms(1000));	/* a connection for it might have come */
	stream_tick(w->table, at_ms(1200));
	stream_interval(w->table, at_ms(1200));
	assert_told(w->sessions[0], DIR_SENT, "secret~~x");
	assert_int_equal(w->sessions[0]->conn.tls, TLS_PRESENT);
	assert_int_equal(w->sum.moved, 9);
	assert_int_equal(w->sum.lost, 2);
	assert_balanced(w);
	world_free(w);
}

static void a_late_tls_connection_tells_its_overhead_by_its_first_record(void **state)
{
	static const uint32_t overheads[] = { 17, 24, 16 };

	for (int i = 0; i < 3; i++) {
		struct world *w = world_new(NULL);
		struct wire_header h = { 23, 3, 3, 0, 500 + overheads[i] };
		struct chunk ch = chunk_make(1, LAYER_CIPHER, DIR_SENT, 0, &h, sizeof(h));

		ch.conn.late = 1;
		ch.probed = 1;
		ch.moved = 5 + h.body;
		stream_push(w->table, &ch);
		plaintext(w, DIR_SENT, 0, 500);
		close_at(w, 1, ch.moved, 0, at_ms(0));
		assert_int_equal(w->sum.framing, 5 + overheads[i]);
		assert_balanced(w);
		world_free(w);
	}
}

/* ---- two layers ---- */

static void starttls_closes_the_clear_session_and_opens_another(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 8, received = 4;

	push(w, 1, DIR_SENT, 0, "STARTTLS");
	push(w, 1, DIR_RECEIVED, 0, "220 ");
	assert_int_equal(w->sessions[0]->conn.tls, TLS_ABSENT);
	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 });
	assert_int_equal(w->nr, 2);
	assert_true(w->sessions[0]->closed);
	assert_false(w->sessions[0]->said_closed);
	assert_int_equal(w->sessions[0]->conn.tls, TLS_ABSENT);	/* what was clear stays so */
	assert_int_equal(w->sessions[1]->conn.tls, TLS_PRESENT);
	assert_int_equal(w->sum.moved, 12);
	received = RECORDS(w, DIR_RECEIVED, received, false, { 22, 122 }, { 20, 1 }, { 23, 900 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 20, 1 }, { 23, 53 }, { 23, 22 });
	push_at(w, 1, LAYER_TLS, DIR_SENT, 0, "hello", at_ms(0));
	assert_told(w->sessions[0], DIR_SENT, "STARTTLS");
	assert_told(w->sessions[1], DIR_SENT, "hello");
	assert_int_equal(stats_of(w).gaps, 0);
	close_at(w, 1, sent, received, at_ms(1));
	stream_tick(w->table, at_ms(300));
	assert_int_equal(w->sum.moved, sent + received);
	assert_int_equal(w->sum.lost, 0);
	assert_balanced(w);
	world_free(w);
}

static void cipher_before_any_payload_keeps_the_session(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 512 }, { 20, 1 }, { 23, 53 }, { 23, 22 });

	push_at(w, 1, LAYER_TLS, DIR_SENT, 0, "hello", at_ms(0));
	assert_int_equal(w->nr, 1);
	assert_told(w->sessions[0], DIR_SENT, "hello");
	close_at(w, 1, sent, 0, at_ms(0));
	assert_balanced(w);
	world_free(w);
}

static void payload_held_at_the_switch_goes_to_the_clear_session(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "ab");
	push(w, 1, DIR_SENT, 4, "ef");
	push_at(w, 1, LAYER_TLS, DIR_RECEIVED, 0, "plain", at_ms(1));
	assert_told(w->sessions[0], DIR_SENT, "ab~~ef");
	assert_true(w->sessions[0]->closed);
	assert_told(w->sessions[1], DIR_RECEIVED, "plain");
	assert_told(w->sessions[1], DIR_SENT, "");
	world_free(w);
}

static void clear_bytes_after_the_switch_are_counted_and_not_mixed_in(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 512 }, { 20, 1 }, { 23, 53 }, { 23, 22 });

	push_at(w, 1, LAYER_TLS, DIR_SENT, 0, "hello", at_ms(0));
	push(w, 1, DIR_SENT, sent, "clear");
	assert_told(w->sessions[0], DIR_SENT, "hello");
	close_at(w, 1, sent + 5, 0, at_ms(0));
	assert_int_equal(w->sum.opaque, 5);
	assert_balanced(w);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls13_framing_is_headers_handshake_and_seventeen_a_record),
		cmocka_unit_test(tls12_framing_is_twenty_four_a_record_and_sixteen_with_chacha),
		cmocka_unit_test(a_second_hello_after_a_retry_request_is_not_tls12),
		cmocka_unit_test(headers_and_bodies_in_separate_calls_are_the_same),
		cmocka_unit_test(tls_without_a_probe_is_opaque_with_its_reason),
		cmocka_unit_test(a_probe_that_comes_later_moves_the_connection_on_as_probed),
		cmocka_unit_test(plaintext_that_the_probe_missed_is_unexplained_not_framing),
		cmocka_unit_test(a_probed_direction_without_any_plaintext_is_opaque_at_the_close),
		cmocka_unit_test(an_alert_that_no_close_follows_is_framing),
		cmocka_unit_test(plaintext_that_a_connection_without_an_end_lacks_is_named),
		cmocka_unit_test(plaintext_gaps_and_truncated_plaintext_are_lost),
		cmocka_unit_test(a_jump_between_cipher_chunks_is_lost),
		cmocka_unit_test(a_lost_cipher_record_whose_plaintext_came_is_not_lost_twice),
		cmocka_unit_test(a_record_and_its_plaintext_both_lost_count_once),
		cmocka_unit_test(records_beyond_one_headers_list_are_lost_but_for_the_open_body),
		cmocka_unit_test(a_connection_cut_inside_a_record_counts_only_what_moved),
		cmocka_unit_test(records_of_java_have_sixteen_more),
		cmocka_unit_test(padding_of_cbc_is_framing_within_its_bounds),
		cmocka_unit_test(plaintext_that_no_record_carried_is_unexplained),
		cmocka_unit_test(the_alert_that_closes_a_late_tls_connection_is_framing),
		cmocka_unit_test(a_late_tls_connection_has_no_handshake_in_its_records),
		cmocka_unit_test(a_first_cipher_chunk_behind_zero_is_lost_and_told_to_no_parser),
		cmocka_unit_test(cipher_chunks_that_overlap_count_the_new_part_as_lost),
		cmocka_unit_test(an_unprobed_connection_cut_inside_a_record_counts_only_what_moved),
		cmocka_unit_test(bytes_that_are_no_tls_record_are_opaque),
		cmocka_unit_test(an_evicted_tls_connection_goes_on_where_it_was),
		cmocka_unit_test(a_connection_cut_inside_a_header_counts_it_as_framing),
		cmocka_unit_test(an_unbound_session_is_a_connection_of_its_own),
		cmocka_unit_test(a_late_tls_connection_tells_its_overhead_by_its_first_record),
		cmocka_unit_test(starttls_closes_the_clear_session_and_opens_another),
		cmocka_unit_test(cipher_before_any_payload_keeps_the_session),
		cmocka_unit_test(payload_held_at_the_switch_goes_to_the_clear_session),
		cmocka_unit_test(clear_bytes_after_the_switch_are_counted_and_not_mixed_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
