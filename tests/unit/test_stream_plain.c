/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream_plain.c - where plaintext begins among the records of a TLS connection, which hold
 * a handshake, tickets and early data too, and where it ends: what was read, cut, or never sent. */
#include "tests/unit/stream_world.h"

/* GnuTLS, whose first send would block: it is told of before a byte of it is on the wire. */
static void plaintext_ahead_of_its_record_takes_none_of_the_handshake_for_its_own(void **state)
{
	static const size_t lens[] = { 20, 219 };	/* less than a Finished holds, and more */

	for (int i = 0; i < 2; i++) {
		struct world *w = world_new(NULL);
		struct chunk ch = chunk_make(1, LAYER_TLS, DIR_SENT, 0, (const char[300]){ 0 }, lens[i]);
		uint64_t sent = 0, received = 0;

		sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 });
		received = RECORDS(w, DIR_RECEIVED, received, false, { 22, 122 }, { 20, 1 }, { 23, 40 }, { 23, 53 });
		sent = RECORDS(w, DIR_SENT, sent, false, { 20, 1 }, { 23, 53 });
		ch.ahead = true;
		ch.conn.binding = BINDING_EXACT;
		assert_int_equal(stream_push(w->table, &ch), 0);
		sent = RECORDS(w, DIR_SENT, sent, true, { 23, (uint32_t)lens[i] + 17 });
		received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 100 + 17 });
		plaintext(w, DIR_RECEIVED, 0, 100);
		close_at(w, 1, sent, received, at_ms(1));
		assert_true(w->sessions[0]->closed);
		assert_int_equal(w->sum.moved, sent + received);
		assert_int_equal(w->sum.examined, lens[i] + 100);
		assert_int_equal(w->sum.opaque + w->sum.lost, 0);
		assert_balanced(w);
		world_free(w);
	}
}

static void a_first_read_into_a_small_buffer_still_finds_its_record(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t received = 0;

	received = RECORDS(w, DIR_RECEIVED, received, false, { 22, 400 }, { 20, 1 }, { 23, 53 });
	received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 2017 });
	plaintext(w, DIR_RECEIVED, 0, 1024);
	plaintext(w, DIR_RECEIVED, 1024, 976);
	close_at(w, 1, 0, received, at_ms(1));
	assert_int_equal(w->sum.moved, received);
	assert_int_equal(w->sum.framing, 5 * 4 + 400 + 1 + 53 + 17);
	assert_balanced(w);
	world_free(w);
}

/* Go's reader: all of a request is in before the first 4,096 bytes of it are taken. */
static void a_first_read_into_a_small_buffer_finds_its_record_among_more(void **state)
{
	for (int tickets = 0; tickets < 2; tickets++) {
		struct world *w = world_new(NULL);
		enum dir dir = tickets ? DIR_SENT : DIR_RECEIVED;	/* the world's connections are a server's */
		uint64_t pos = 0;

		pos = RECORDS(w, dir, pos, true, { 22, 400 }, { 20, 1 }, { 23, 999 }, { 23, 53 });
		if (tickets)
			pos = RECORDS(w, dir, pos, true, { 23, 250 }, { 23, 250 });
		pos = RECORDS(w, dir, pos, true, { 23, 16401 }, { 23, 16401 }, { 23, 7458 });
		for (uint64_t at = 0; at < 40209; at += 4096)
			plaintext(w, dir, at, 40209 - at < 4096 ? 40209 - at : 4096);
		close_at(w, 1, tickets ? pos : 0, tickets ? 0 : pos, at_ms(1));
		assert_true(w->sessions[0]->closed);
		assert_int_equal(w->sum.examined, 40209);
		assert_int_equal(w->sum.opaque + w->sum.lost, 0);
		assert_balanced(w);
		world_free(w);
	}
}

/* The first record was lost, so that what follows waits; plaintext does not. */
static void plaintext_before_records_that_wait_for_a_lost_one_leaves_the_handshake_framing(void **state)
{
	for (int more = 0; more < 2; more++) {
		struct world *w = world_new(NULL);
		uint64_t sent = 239, rest = more ? 20 * 1000 : 0;

		sent = RECORDS(w, DIR_SENT, sent, true, { 20, 1 }, { 23, 53 });
		sent = RECORDS(w, DIR_SENT, sent, true, { 23, 1203 }, { 23, 2389 }, { 23, 555 });
		plaintext(w, DIR_SENT, 0, 4096);
		for (unsigned i = 0; i < rest / 1000; i++) {
			sent = RECORDS(w, DIR_SENT, sent, true, { 23, 1017 });
			plaintext(w, DIR_SENT, 4096 + 1000 * i, 1000);
		}
		stream_tick(w->table, at_ms(201));
		close_at(w, 1, sent, 0, at_ms(201));
		assert_true(w->sessions[0]->closed);
		assert_int_equal(w->sum.lost, 239);
		assert_int_equal(w->sum.examined, 4096 + rest);
		assert_int_equal(w->sum.opaque, 0);
		assert_balanced(w);
		world_free(w);
	}
}

/* Node.js: the answer is handed over while the tickets still wait in memory, and all go at once. */
static void tickets_behind_plaintext_that_came_ahead_are_framing(void **state)
{
	struct world *w = world_new(NULL);
	struct chunk ch = chunk_make(1, LAYER_TLS, DIR_SENT, 0, (const char[16384]){ 0 }, 16384);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, true, { 22, 122 }, { 20, 1 }, { 23, 415 }, { 23, 69 });
	ch.ahead = true;
	ch.conn.binding = BINDING_EXACT;
	assert_int_equal(stream_push(w->table, &ch), 0);
	plaintext(w, DIR_SENT, 16384, 7470);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 282 }, { 23, 282 }, { 23, 16401 }, { 23, 7487 });
	close_at(w, 1, sent, 0, at_ms(1));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(w->sum.examined, 16384 + 7470);
	assert_int_equal(w->sum.opaque + w->sum.lost, 0);
	assert_balanced(w);
	world_free(w);
}

/* A buffer that is read into takes many short records at once, as HTTP/2 has them: each is decrypted then. */
static void many_records_in_one_call_before_the_first_plaintext_are_all_data(void **state)
{
	for (int v13 = 0; v13 < 2; v13++) {
		struct world *w = world_new(NULL);
		uint32_t o = v13 ? 17 : 24;
		uint64_t received = RECORDS(w, DIR_RECEIVED, 0, true, { 22, 512 });
		uint64_t pos = 0;

		if (v13)
			received = RECORDS(w, DIR_RECEIVED, received, true, { 20, 1 }, { 23, 53 });
		else
			received = RECORDS(w, DIR_RECEIVED, received, true, { 22, 37 }, { 20, 1 }, { 22, 40 });
		received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 82 + o }, { 23, 86 + o }, { 23, 190 + o }, { 23, 9 + o },
				   { 23, 71 + o }, { 23, 9 + o }, { 23, 71 + o }, { 23, 9 + o }, { 23, 71 + o }, { 23, 9 + o },
				   { 23, 71 + o }, { 23, 9 + o }, { 23, 71 + o }, { 23, 9 + o }, { 23, 71 + o }, { 23, 9 + o },
				   { 23, 71 + o }, { 23, 9 + o }, { 23, 71 + o }, { 23, 9 + o }, { 23, 71 + o }, { 23, 9 + o },
				   { 23, 71 + o }, { 23, 9 + o }, { 23, 71 + o }, { 23, 9 + o }, { 23, 71 + o });
		for (int i = 0; i < 27; i++) {
			static const size_t first[] = { 82, 86, 190 };
			size_t n = i < 3 ? first[i] : i & 1 ? 9 : 71;

			plaintext(w, DIR_RECEIVED, pos, n);
			pos += n;
		}
		close_at(w, 1, 0, received, at_ms(1));
		assert_true(w->sessions[0]->closed);
		assert_int_equal(w->sum.examined, pos);
		assert_int_equal(w->sum.opaque + w->sum.lost, 0);
		assert_balanced(w);
		world_free(w);
	}
}

/* More than are kept: what is not known of them is called so, and no byte is counted twice. */
static void more_records_than_are_kept_before_the_first_plaintext_balance(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t received = RECORDS(w, DIR_RECEIVED, 0, true, { 22, 512 }), pos = 0;

	received = RECORDS(w, DIR_RECEIVED, received, true, { 20, 1 }, { 23, 53 });
	for (int i = 0; i < 48; i++)
		received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 100 + 17 }, { 23, 100 + 17 });
	for (int i = 0; i < 96; i++, pos += 100)
		plaintext(w, DIR_RECEIVED, pos, 100);
	close_at(w, 1, 0, received, at_ms(1));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(w->sum.examined, pos);
	assert_int_equal(w->sum.lost, 0);
	assert_in_range(w->sum.opaque, 17, 53 + 96 * 17);
	assert_balanced(w);
	world_free(w);
}

/* In TLS 1.2 no part of a handshake is in such records: what nobody told of is not called framing. */
static void plaintext_that_was_missed_before_what_came_ahead_is_unexplained(void **state)
{
	struct world *w = world_new(NULL);
	struct chunk ch = chunk_make(1, LAYER_TLS, DIR_SENT, 0, (const char[357]){ 0 }, 357);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 377 }, { 22, 37 }, { 20, 1 }, { 22, 40 }, { 23, 381 });

	ch.ahead = true;
	ch.conn.binding = BINDING_EXACT;
	assert_int_equal(stream_push(w->table, &ch), 0);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 381 });
	close_at(w, 1, sent, 0, at_ms(1));
	stream_tick(w->table, at_ms(202));
	assert_int_equal(w->sum.examined, 357);
	assert_int_equal(w->sum.opaque + w->sum.lost, 0);
	assert_int_equal(w->sum.moved - w->sum.examined - w->sum.framing, 357);
	world_free(w);
}

/* The other end was gone before the library's bytes were on the wire. */
static void what_a_library_took_and_never_sent_is_no_byte_of_the_connection(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct world *w = world_new(NULL);
		struct chunk ch = chunk_make(1, LAYER_TLS, DIR_SENT, first ? 0 : 100, (const char[1155]){ 0 }, 1155);
		uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 122 }, { 20, 1 }, { 23, 415 }, { 23, 69 });

		if (!first) {
			sent = RECORDS(w, DIR_SENT, sent, true, { 23, 117 });
			plaintext(w, DIR_SENT, 0, 100);
		}
		ch.ahead = true;
		ch.conn.binding = BINDING_EXACT;
		assert_int_equal(stream_push(w->table, &ch), 0);
		close_at(w, 1, sent, 0, at_ms(1));
		stream_tick(w->table, at_ms(202));
		assert_int_equal(w->sum.examined, first ? 0 : 100);
		assert_int_equal(w->sum.moved, sent);
		assert_balanced(w);
		world_free(w);
	}
}

/* A client that is done before it has read all: nobody had the plaintext of the rest. */
static void what_the_program_never_read_has_no_plaintext(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t received = 0;

	received = RECORDS(w, DIR_RECEIVED, received, true, { 22, 400 }, { 20, 1 }, { 23, 53 }, { 23, 117 });
	plaintext(w, DIR_RECEIVED, 0, 100);
	received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 231 + 17 }, { 23, 19 });
	plaintext(w, DIR_RECEIVED, 100, 10);
	close_at(w, 1, 0, received, at_ms(1));
	stream_tick(w->table, at_ms(202));
	assert_int_equal(w->sum.examined, 110);
	assert_int_equal(w->why[LOSS_NO_PLAINTEXT], 221);
	assert_string_equal(w->sessions[0]->reason, "no_plaintext");
	assert_balanced(w);
	world_free(w);
}

/* Weir came between a record and the read that takes it: these bytes moved before, and are examined. */
static void plaintext_of_a_record_that_is_older_than_weir_moved_with_it(void **state)
{
	struct world *w = world_new(NULL);
	struct chunk ch = chunk_make(1, LAYER_TLS, DIR_RECEIVED, 5000, (const char[700]){ 0 }, 700);
	const struct wire_step step = { 23, 117 };
	struct wire_header h = { step.type, 3, 3, 0, step.body };
	struct chunk cipher = chunk_make(1, LAYER_CIPHER, DIR_RECEIVED, 0, &h, sizeof(h));

	ch.conn.late = cipher.conn.late = 1;
	ch.conn.binding = BINDING_EXACT;
	assert_int_equal(stream_push(w->table, &ch), 0);
	cipher.moved = 122;
	cipher.probed = 1;
	assert_int_equal(stream_push(w->table, &cipher), 0);
	ch.pos = 5700;
	ch.bytes.len = 100;
	assert_int_equal(stream_push(w->table, &ch), 0);
	close_at(w, 1, 0, 122, at_ms(1));
	stream_tick(w->table, at_ms(202));
	assert_int_equal(w->sum.moved, 700 + 122);
	assert_int_equal(w->sum.examined, 800);
	assert_balanced(w);
	world_free(w);
}

/* The ring was full for the last write of a session: the kernel's side says how far that went. */
static void the_last_plaintext_that_is_missing_is_lost_by_its_cause(void **state)
{
	enum { BEHIND_ALL, BEFORE_ALL, BETWEEN, ORDERS };	/* chunks; BETWEEN: a close that is told so late that it ends at once */

	for (int order = 0; order < ORDERS; order++) {
		const struct plain_end end = { .pos = { [DIR_SENT] = 800, [DIR_RECEIVED] = 0 }, .before = { [DIR_SENT] = LOSS_RING_FULL }, .known = true };
		struct world *w = world_new(NULL);
		uint64_t sent = 0, all = 5 * 5 + 512 + 1 + 53 + 117 + 717;

		if (order == BEFORE_ALL) {
			stream_plain(w->table, 1, &end);
			close_at(w, 1, all, 0, at_ms(1));
		}
		sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 }, { 23, 53 });
		sent = RECORDS(w, DIR_SENT, sent, true, { 23, 117 });
		plaintext(w, DIR_SENT, 0, 100);
		sent = RECORDS(w, DIR_SENT, sent, true, { 23, 717 });
		assert_int_equal(sent, all);
		if (order == BETWEEN) {
			stream_tick(w->table, at_ms(202));
			stream_plain(w->table, 1, &end);
			close_at(w, 1, sent, 0, at_ms(1));
		}
		if (order == BEHIND_ALL) {	/* as recordings had it before */
			close_at(w, 1, sent, 0, at_ms(1));
			stream_plain(w->table, 1, &end);
		}
		stream_tick(w->table, at_ms(202));
		assert_true(w->sessions[0]->closed);
		assert_int_equal(w->why[LOSS_RING_FULL], 700);
		assert_int_equal(w->sum.opaque, 0);
		assert_balanced(w);
		world_free(w);
	}
}

/* A process that was killed in a write: two of its records passed, and nobody told of them. What the
 * probes counted and was never sent is not lost either. */
static void a_write_that_was_cut_has_no_plaintext(void **state)
{
	const struct plain_end cut = { .pos = { [DIR_SENT] = 100 }, .known = true, .cut = true };
	const struct plain_end more = { .pos = { [DIR_SENT] = 9000 }, .before = { [DIR_SENT] = LOSS_RING_FULL }, .known = true };

	for (int i = 0; i < 2; i++) {
		struct world *w = world_new(NULL);
		uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 512 }, { 20, 1 }, { 23, 53 }, { 23, 117 });

		plaintext(w, DIR_SENT, 0, 100);
		sent = RECORDS(w, DIR_SENT, sent, true, { 23, 1017 }, { 23, 1017 });
		close_at(w, 1, sent, 0, at_ms(1));
		stream_plain(w->table, 1, i ? &more : &cut);
		stream_tick(w->table, at_ms(202));
		assert_int_equal(w->why[i ? LOSS_RING_FULL : LOSS_NO_PLAINTEXT], 2000);
		assert_balanced(w);
		world_free(w);
	}
}

/* The first records were lost and more data than Finished is in already: a client's is all data. */
static void behind_lost_records_what_a_client_sends_is_data(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t received = 700;	/* the world's connections are a server's */

	received = RECORDS(w, DIR_RECEIVED, received, true, { 23, 16401 }, { 23, 7458 });
	stream_tick(w->table, at_ms(201));
	plaintext(w, DIR_RECEIVED, 0, 600);
	plaintext(w, DIR_RECEIVED, 600, 16384 + 7441 - 600);
	close_at(w, 1, 0, received, at_ms(202));
	stream_tick(w->table, at_ms(403));
	assert_int_equal(w->sum.lost, 700);
	assert_int_equal(w->sum.examined, 16384 + 7441);
	assert_balanced(w);
	world_free(w);
}

static void the_finished_record_is_not_taken_for_data_of_its_length(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 }, { 23, 53 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 53 });
	plaintext(w, DIR_SENT, 0, 36);
	close_at(w, 1, sent, 0, at_ms(1));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(w->sum.framing, 4 * 5 + 512 + 1 + 53 + 17);
	assert_balanced(w);
	world_free(w);
}

static void a_ticket_is_not_taken_for_the_data_of_its_length_behind_it(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 }, { 23, 53 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 209 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 209 });
	plaintext(w, DIR_SENT, 0, 192);
	close_at(w, 1, sent, 0, at_ms(1));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(w->sum.framing, 5 * 5 + 512 + 1 + 53 + 209 + 17);
	assert_balanced(w);
	world_free(w);
}

/* 0-RTT: data, the end of it, Finished, data; the first comes before anything of type 23. */
static void the_handshake_behind_early_data_is_framing(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = 0;

	sent = RECORDS(w, DIR_SENT, sent, false, { 22, 512 }, { 20, 1 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 300 + 17 });
	plaintext(w, DIR_SENT, 0, 300);
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 4 + 17 }, { 23, 52 + 17 });
	sent = RECORDS(w, DIR_SENT, sent, true, { 23, 4 + 17 });
	plaintext(w, DIR_SENT, 300, 4);
	close_at(w, 1, sent, 0, at_ms(1));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(w->sum.framing, 6 * 5 + 512 + 1 + 17 + 21 + 69 + 17);
	assert_balanced(w);
	world_free(w);
}

static void a_first_data_record_that_was_lost_leaves_the_handshake_framing(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 512 }, { 20, 1 }, { 23, 53 });

	sent = RECORDS(w, DIR_SENT, sent + 522, true, { 21, 10 });
	stream_tick(w->table, at_ms(200));
	plaintext(w, DIR_SENT, 0, 500);
	close_at(w, 1, sent, 0, at_ms(200));
	assert_int_equal(w->sum.framing, 4 * 5 + 512 + 1 + 53 + 10);
	assert_int_equal(w->sum.lost, 22);
	assert_balanced(w);
	world_free(w);
}

static void a_close_waits_for_the_plaintext_behind_its_ciphertext(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t sent = RECORDS(w, DIR_SENT, 0, true, { 22, 512 }, { 20, 1 }, { 23, 53 }, { 23, 117 });

	close_at(w, 1, sent, 0, at_ms(1));
	assert_false(w->sessions[0]->closed);
	plaintext(w, DIR_SENT, 0, 100);
	assert_true(w->sessions[0]->closed);
	assert_balanced(w);
	world_free(w);
}

/* FTP's data connections, of which the client of TLS may be who was connected to. What a side sends is its handshake,
 * tickets, an alert, by its own count; of what it gets and never reads one record behind Finished may be data. */
static void a_direction_that_was_silent_has_its_handshake_as_framing(void **state)
{
	static const struct { uint32_t ticket[3]; bool unknown, client; enum dir silent; int64_t opaque; } tries[] = {
		{ { 239, 239, 19 }, .silent = DIR_SENT, .opaque = 0 },
		{ { 239, 0, 19 }, .silent = DIR_SENT, .opaque = 0 },
		{ { 239, 239, 19 }, .silent = DIR_SENT, .opaque = 900 + 69 + 239 + 239 + 19, .unknown = true },
		{ { 239, 240, 19 }, .silent = DIR_SENT, .opaque = 240 + 19 },
		{ { 2000, 0, 19 }, .silent = DIR_SENT, .opaque = 2000 + 19 },
		{ { 25, 0, 19 }, .silent = DIR_RECEIVED, .opaque = 25 + 19 },
		{ { 0, 0, 19 }, .silent = DIR_RECEIVED, .opaque = 0 },
		{ { 239, 239, 19 }, .silent = DIR_RECEIVED, .opaque = 0, .client = true },
		{ { 239, 0, 19 }, .silent = DIR_RECEIVED, .opaque = 239 + 19, .client = true },
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		enum dir silent = tries[i].silent, asks = tries[i].client ? DIR_SENT : DIR_RECEIVED;
		const struct plain_end end = { .pos = { [0] = silent ? 500 : 0, [1] = silent ? 0 : 500 }, .known = !tries[i].unknown };
		struct world *w = world_new(NULL);
		uint64_t pos[2] = { 0 };

		pos[asks] = RECORDS(w, asks, pos[asks], true, { 22, 512 });
		pos[!asks] = RECORDS(w, !asks, pos[!asks], true, { 22, 122 }, { 20, 1 }, { 23, 900 }, { 23, 69 });
		pos[asks] = RECORDS(w, asks, pos[asks], true, { 20, 1 }, { 23, 69 });
		for (unsigned r = 0; r < 3; r++)
			if (tries[i].ticket[r])
				pos[silent] = RECORDS(w, silent, pos[silent], true, { 23, tries[i].ticket[r] });
		pos[!silent] = RECORDS(w, !silent, pos[!silent], true, { 23, 517 });
		plaintext(w, !silent, 0, 500);
		stream_plain(w->table, 1, &end);
		close_at(w, 1, pos[DIR_SENT], pos[DIR_RECEIVED], at_ms(1));
		stream_tick(w->table, at_ms(201));
		assert_int_equal(w->sum.examined, 500);
		assert_int_equal(w->sum.opaque, tries[i].opaque);
		assert_int_equal(w->why[LOSS_NO_PLAINTEXT], tries[i].opaque);
		assert_balanced(w);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plaintext_ahead_of_its_record_takes_none_of_the_handshake_for_its_own),
		cmocka_unit_test(a_first_read_into_a_small_buffer_still_finds_its_record),
		cmocka_unit_test(a_first_read_into_a_small_buffer_finds_its_record_among_more),
		cmocka_unit_test(plaintext_before_records_that_wait_for_a_lost_one_leaves_the_handshake_framing),
		cmocka_unit_test(tickets_behind_plaintext_that_came_ahead_are_framing),
		cmocka_unit_test(many_records_in_one_call_before_the_first_plaintext_are_all_data),
		cmocka_unit_test(more_records_than_are_kept_before_the_first_plaintext_balance),
		cmocka_unit_test(plaintext_that_was_missed_before_what_came_ahead_is_unexplained),
		cmocka_unit_test(what_a_library_took_and_never_sent_is_no_byte_of_the_connection),
		cmocka_unit_test(what_the_program_never_read_has_no_plaintext),
		cmocka_unit_test(plaintext_of_a_record_that_is_older_than_weir_moved_with_it),
		cmocka_unit_test(the_last_plaintext_that_is_missing_is_lost_by_its_cause),
		cmocka_unit_test(a_write_that_was_cut_has_no_plaintext),
		cmocka_unit_test(behind_lost_records_what_a_client_sends_is_data),
		cmocka_unit_test(the_finished_record_is_not_taken_for_data_of_its_length),
		cmocka_unit_test(a_ticket_is_not_taken_for_the_data_of_its_length_behind_it),
		cmocka_unit_test(the_handshake_behind_early_data_is_framing),
		cmocka_unit_test(a_first_data_record_that_was_lost_leaves_the_handshake_framing),
		cmocka_unit_test(a_close_waits_for_the_plaintext_behind_its_ciphertext),
		cmocka_unit_test(a_direction_that_was_silent_has_its_handshake_as_framing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
