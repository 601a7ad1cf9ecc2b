/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream_caps.c - what is held of a connection and of all of them has a limit; what is let
 * go is a gap, and told once. */
#include "base/budget.h"
#include "tests/unit/stream_world.h"

/* ---- caps ---- */

static void a_full_connection_makes_a_gap_instead_of_holding_more(void **state)
{
	struct stream_limits l = { 10, 8, 1000, REORDER, 1, 0 };
	struct world *w = world_new(&l);

	assert_int_equal(push(w, 1, DIR_SENT, 2, "cdef"), 0);
	assert_int_equal(push(w, 1, DIR_SENT, 8, "ijkl"), 0);
	assert_int_equal(stats_of(w).held, 8);
	assert_int_equal(push(w, 1, DIR_SENT, 14, "o"), -ENOSPC);
	/* The oldest hole gave way, the newer ones still wait. */
	assert_told(w->sessions[0], DIR_SENT, "~~cdef");
	assert_int_equal(stats_of(w).held, 5);
	assert_int_equal(stats_of(w).over_budget, 1);
	/* Larger than the cap alone: all before it is given up, it is not lost itself. */
	assert_int_equal(push(w, 1, DIR_SENT, 20, "uvwxyzabc"), -ENOSPC);
	assert_told(w->sessions[0], DIR_SENT, "~~cdef~~ijkl~~o~~~~~uvwxyzabc");
	assert_int_equal(stats_of(w).held, 0);
	close_at(w, 1, 29, 0, at_ms(0));
	assert_balanced(w);
	world_free(w);
}

static void a_piece_before_those_held_is_delivered_when_there_is_no_room(void **state)
{
	struct stream_limits l = { 10, 4, 1000, REORDER, UINT64_MAX, 0 };
	struct world *w = world_new(&l);

	push(w, 1, DIR_SENT, 8, "ijkl");
	assert_int_equal(push(w, 1, DIR_SENT, 4, "ef"), -ENOSPC);
	assert_told(w->sessions[0], DIR_SENT, "~~~~ef");
	push(w, 1, DIR_SENT, 6, "gh");
	assert_told(w->sessions[0], DIR_SENT, "~~~~efghijkl");
	world_free(w);
}

static void the_total_cap_holds_over_all_connections(void **state)
{
	struct stream_limits l = { 100, 1000, 64, REORDER, 1, 0 };
	struct world *w = world_new(&l);

	for (uint64_t c = 1; c <= 20; c++) {
		push(w, c, DIR_SENT, 10, "0123456789");
		assert_true(stats_of(w).held <= 64);
	}
	assert_int_equal(stats_of(w).over_budget, 14);
	assert_told(w->sessions[19], DIR_SENT, "~~~~~~~~~~0123456789");
	assert_told(w->sessions[0], DIR_SENT, "");
	world_free(w);
}

static void tiny_pieces_are_capped_by_number(void **state)
{
	struct world *w = world_new(NULL);
	int refused = 0;

	for (uint64_t i = 0; i < 5000; i++)
		refused += push(w, 1, DIR_SENT, 1 + 2 * (4999 - i), "x") == -ENOSPC;
	assert_true(refused > 0);
	assert_true(stats_of(w).held <= 1024);
	close_at(w, 1, 10000, 0, at_ms(0));
	stream_tick(w->table, at_ms(500));
	assert_int_equal(w->sessions[0]->told[DIR_SENT].len, 10000);
	assert_balanced(w);
	world_free(w);
}

static void the_longest_idle_connection_is_evicted_with_its_bytes_told(void **state)
{
	struct stream_limits l = { 3, 1000, 1000, REORDER, 1ull << 60, 0 };
	struct world *w = world_new(&l);

	push(w, 1, DIR_SENT, 0, "a");
	push(w, 2, DIR_SENT, 0, "b");
	push(w, 2, DIR_SENT, 3, "e");
	push(w, 3, DIR_SENT, 0, "c");
	push(w, 1, DIR_SENT, 1, "a");
	push(w, 4, DIR_SENT, 0, "d");
	assert_true(w->sessions[1]->closed);
	assert_false(w->sessions[1]->said_closed);	/* the connection goes on */
	assert_told(w->sessions[1], DIR_SENT, "b~~e");
	assert_int_equal(w->sessions[1]->cause[DIR_SENT], LOSS_EVICTED);
	assert_false(w->sessions[0]->closed || w->sessions[2]->closed);
	assert_int_equal(stats_of(w).evicted, 1);
	assert_int_equal(stats_of(w).connections, 3);
	assert_int_equal(stats_of(w).held, 0);
	world_free(w);
}

static int push_of(struct world *w, uint64_t cgroup, uint64_t conn, uint64_t pos, const char *text)
{
	struct chunk ch = chunk_make(conn, LAYER_SOCKET, DIR_SENT, pos, text, strlen(text));

	ch.conn.cgroup = cgroup;
	return stream_push(w->table, &ch);
}

static void a_workload_with_many_connections_pushes_out_its_own(void **state)
{
	struct stream_limits l = { 7, 1000, 1000, REORDER, 1ull << 60, 0 };
	struct world *w = world_new(&l);

	push_of(w, 11, 1, 0, "a");
	push_of(w, 11, 2, 0, "b");
	for (unsigned i = 3; i <= 103; i++)
		push_of(w, 22, i, 0, "x");
	assert_int_equal(stats_of(w).evicted, 103 - 7);
	assert_false(w->sessions[0]->closed || w->sessions[1]->closed);
	/* Alone, the one of two is asked to make room as before. */
	for (unsigned i = 104; i <= 107; i++)
		push_of(w, 11, i, 0, "c");
	assert_int_equal(stats_of(w).connections, 7);
	assert_false(w->sessions[0]->closed && w->sessions[1]->closed && w->sessions[102]->closed);
	world_free(w);
}

static void a_workload_holds_back_no_more_than_its_part(void **state)
{
	struct stream_limits l = { 100, 1000, 64, REORDER, 1ull << 60, 40 };
	struct world *w = world_new(&l);

	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(push_of(w, 11, i, 10, "0123456789"), 0);
	assert_int_equal(push_of(w, 11, 5, 10, "0123456789"), -ENOSPC);
	assert_int_equal(stats_of(w).held, 40);
	assert_int_equal(push_of(w, 22, 6, 10, "0123456789"), 0);
	assert_int_equal(push_of(w, 22, 7, 10, "0123456789"), 0);
	assert_int_equal(push_of(w, 22, 8, 10, "0123456789"), -ENOSPC);	/* of all */
	push_of(w, 11, 1, 0, "0123456789");	/* what was missing */
	assert_int_equal(push_of(w, 11, 5, 20, "0123456789"), 0);
	world_free(w);
}

static void little_memory_lets_the_longest_idle_ones_go_and_no_byte(void **state)
{
	struct world *w = world_new(NULL);
	size_t before = budget_used(), most = 0;

	budget_set(before + 65536);
	for (unsigned i = 1; i <= 211; i++) {
		push(w, i, DIR_SENT, 0, "ab");
		most = budget_used() > most ? budget_used() : most;
	}
	assert_true(most <= budget_max());
	assert_true(stats_of(w).evicted > 0);
	assert_int_equal(stats_of(w).evicted + stats_of(w).connections, 211);
	push(w, 1, DIR_SENT, 2, "cd");	/* one that was let go */
	budget_set(0);
	for (unsigned i = 1; i <= 211; i++)
		close_at(w, i, i == 1 ? 4 : 2, 0, at_ms(1));
	assert_int_equal(stats_of(w).connections, 0);
	assert_int_equal(budget_used(), before);
	assert_int_equal(w->sum.moved, 2 * 211 + 2);
	assert_int_equal(w->sum.lost, 0);
	assert_balanced(w);
	world_free(w);
}

/* The close travels in another ring and comes while the chunks still wait in the queue. */
static void a_close_far_ahead_of_the_chunks_waits_for_them(void **state)
{
	struct world *w = world_new(NULL);

	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 0, "ab", at_ms(0));
	close_at(w, 1, 6, 0, at_ms(900));
	for (unsigned ms = 20; ms < 900; ms += 20)
		stream_tick(w->table, at_ms(ms));
	assert_false(w->sessions[0]->closed);
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 2, "cdef", at_ms(890));
	assert_true(w->sessions[0]->closed && w->sessions[0]->said_closed);
	assert_told(w->sessions[0], DIR_SENT, "abcdef");
	assert_balanced(w);
	world_free(w);
}

static void an_evicted_connection_that_speaks_again_counts_only_what_is_new(void **state)
{
	struct stream_limits l = { 1, 1000, 1000, REORDER, 1ull << 60, 0 };
	struct world *w = world_new(&l);

	push(w, 1, DIR_SENT, 0, "abcd");
	push(w, 2, DIR_SENT, 0, "x");
	push(w, 1, DIR_SENT, 6, "gh");
	push(w, 1, DIR_SENT, 1, "bcd");
	stream_tick(w->table, at_ms(200));
	assert_told(w->sessions[2], DIR_SENT, "~~gh");
	close_at(w, 1, 8, 0, at_ms(200));
	assert_int_equal(w->sum.moved, 9);	/* 8 of it, 1 of the other */
	assert_int_equal(w->sum.lost, 2);
	assert_balanced(w);
	world_free(w);
}

/* Ends a world as a death does: nothing that it does from now on reaches anybody. */
static struct byte_account world_dies(struct world *w, void *memory, size_t size)
{
	struct byte_account told = w->sum;
	void *kept = malloc(size);

	assert_non_null(kept);
	memcpy(kept, memory, size);
	world_free(w);
	memcpy(memory, kept, size);
	free(kept);
	return told;
}

static void what_a_dead_process_did_not_tell_of_is_lost_and_the_rest_told_once(void **state)
{
	static uint64_t memory[1024];
	struct byte_account told;
	struct world *w = world_new(NULL);

	assert_int_equal(stream_outlive(w->table, memory, sizeof(memory)), 0);
	push(w, 1, DIR_SENT, 0, "abcd");
	push(w, 1, DIR_RECEIVED, 0, "123");
	w->sessions[0]->acct[DIR_RECEIVED].examined -= 3;	/* a head that waits for its end */
	stream_interval(w->table, at_ms(0));
	push(w, 1, DIR_SENT, 4, "ef");
	told = world_dies(w, memory, sizeof(memory));
	assert_int_equal(told.moved, 7);

	w = world_new(NULL);
	assert_int_equal(stream_outlive(w->table, memory, sizeof(memory)), 0);
	push(w, 1, DIR_SENT, 8, "ij");
	push(w, 1, DIR_RECEIVED, 3, "4");
	stream_tick(w->table, at_ms(200));
	assert_told(w->sessions[0], DIR_SENT, "~~~~ij");
	assert_told(w->sessions[0], DIR_RECEIVED, "4");
	stream_interval(w->table, at_ms(200));
	byte_account_add(&told, &w->sum);
	assert_int_equal(told.moved, 14);	/* each byte once, over both */
	assert_int_equal(told.lost, 4 + 3);
	assert_int_equal(unexplained(&told), 0);

	/* Nor is the loss told again after the next death. */
	world_dies(w, memory, sizeof(memory));
	w = world_new(NULL);
	assert_int_equal(stream_outlive(w->table, memory, sizeof(memory)), 0);
	push(w, 1, DIR_SENT, 10, "k");
	close_at(w, 1, 11, 4, at_ms(300));
	byte_account_add(&told, &w->sum);
	assert_int_equal(told.moved, 15);
	assert_int_equal(told.lost, 4 + 3);
	assert_int_equal(unexplained(&told), 0);
	world_free(w);
}

/* A close that the dead one had heard is told again: what came before it and died with that one is lost. */
static void what_ended_while_a_process_died_is_told_by_the_next(void **state)
{
	static uint64_t memory[4096] = { 1 };	/* with a key: by a random one two of three connections may have one place */
	struct byte_account told;
	struct world *w = world_new(NULL);

	assert_int_equal(stream_outlive(w->table, memory, sizeof(memory)), 0);
	push(w, 1, DIR_SENT, 0, "abcd");
	w->sessions[0]->acct[DIR_SENT].examined -= 3;	/* a head that waits for its end */
	stream_interval(w->table, at_ms(0));
	push(w, 1, DIR_RECEIVED, 0, "1234567");	/* and not told of */
	push(w, 2, DIR_SENT, 0, "xyz");		/* of this one nothing */
	push(w, 3, DIR_SENT, 0, "all");
	close_at(w, 3, 3, 0, at_ms(1));		/* this one has ended */
	close_at(w, 1, 11, 7, at_ms(1));
	told = world_dies(w, memory, sizeof(memory));
	assert_int_equal(told.moved, 4 + 3);
	assert_int_equal(unexplained(&told), 3);

	w = world_new(NULL);
	assert_int_equal(stream_outlive(w->table, memory, sizeof(memory)), 0);
	close_at(w, 3, 3, 0, at_ms(1));
	close_at(w, 1, 11, 7, at_ms(1));
	close_at(w, 2, 3, 5, at_ms(2));
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 8, "ijk", at_ms(3));	/* it was in the queue */
	stream_tick(w->table, at_ms(500));
	assert_int_equal(w->closes, 2);
	byte_account_add(&told, &w->sum);
	assert_int_equal(told.moved, 3 + 11 + 7 + 3 + 5);
	assert_int_equal(told.examined, 3 + 1 + 3);
	assert_int_equal(told.lost, told.moved - told.examined);
	assert_int_equal(w->sum.why[LOSS_RESTART], told.lost);
	assert_int_equal(unexplained(&told), 0);
	close_at(w, 1, 11, 7, at_ms(600));
	close_at(w, 2, 3, 5, at_ms(600));
	assert_int_equal(w->closes, 2);	/* and not again */
	world_free(w);
}

static void marks_in_too_little_memory_are_refused(void **state)
{
	struct world *w = world_new(NULL);
	uint64_t memory[4] = { 0 };

	assert_int_equal(stream_outlive(w->table, memory, sizeof(memory)), -1);
	push(w, 1, DIR_SENT, 0, "abcd");
	world_free(w);
}

static void a_connection_without_a_close_ends_when_it_was_idle_too_long(void **state)
{
	struct stream_limits l = { 10, 1000, 1000, REORDER, 5000000000ull, 0 };
	struct world *w = world_new(&l);

	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 0, "ab", at_ms(0));
	push_at(w, 2, LAYER_SOCKET, DIR_SENT, 0, "ab", at_ms(3000));
	stream_tick(w->table, at_ms(4999));
	assert_int_equal(w->closes, 0);
	stream_tick(w->table, at_ms(5000));
	assert_true(w->sessions[0]->closed);
	assert_false(w->sessions[1]->closed);
	assert_int_equal(w->sum.moved, 2);
	assert_balanced(w);
	world_free(w);
}

static void a_chunk_that_no_stream_can_have_is_refused_and_counted(void **state)
{
	struct world *w = world_new(NULL);
	struct chunk bad[7];

	for (int i = 0; i < 7; i++)
		bad[i] = chunk_make(1, i < 4 || i == 6 ? LAYER_SOCKET : LAYER_CIPHER, DIR_SENT, 0, "x", 1);
	bad[0].conn.id = 0;
	bad[1].pos = UINT64_MAX;
	bad[2].skipped = UINT64_MAX - 3;
	bad[3].dir = (enum dir)2;
	bad[4].moved = UINT64_MAX;
	bad[5].moved = 10;
	bad[5].skipped = 11;
	bad[6].pos = POSITION_MAX + 1;	/* four of these would wrap the account */
	for (int i = 0; i < 7; i++)
		assert_int_equal(stream_push(w->table, &bad[i]), -ENOSPC);
	assert_int_equal(w->nr, 0);
	assert_int_equal(stats_of(w).over_budget, 7);
	world_free(w);
}

static void a_session_that_is_not_wanted_is_never_called(void **state)
{
	struct world *w = world_new(NULL);

	w->refuse = true;
	push(w, 1, DIR_SENT, 0, "ab");
	push(w, 1, DIR_SENT, 5, "ab");
	stream_tick(w->table, at_ms(500));
	stream_interval(w->table, at_ms(500));
	close_at(w, 1, 9, 9, at_ms(500));
	stream_tick(w->table, at_ms(700));
	assert_int_equal(stats_of(w).connections, 0);
	assert_int_equal(stats_of(w).gap_bytes, 3 + 2 + 9);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_connection_makes_a_gap_instead_of_holding_more),
		cmocka_unit_test(the_total_cap_holds_over_all_connections),
		cmocka_unit_test(tiny_pieces_are_capped_by_number),
		cmocka_unit_test(the_longest_idle_connection_is_evicted_with_its_bytes_told),
		cmocka_unit_test(a_workload_with_many_connections_pushes_out_its_own),
		cmocka_unit_test(a_workload_holds_back_no_more_than_its_part),
		cmocka_unit_test(little_memory_lets_the_longest_idle_ones_go_and_no_byte),
		cmocka_unit_test(a_close_far_ahead_of_the_chunks_waits_for_them),
		cmocka_unit_test(an_evicted_connection_that_speaks_again_counts_only_what_is_new),
		cmocka_unit_test(what_a_dead_process_did_not_tell_of_is_lost_and_the_rest_told_once),
		cmocka_unit_test(what_ended_while_a_process_died_is_told_by_the_next),
		cmocka_unit_test(marks_in_too_little_memory_are_refused),
		cmocka_unit_test(a_connection_without_a_close_ends_when_it_was_idle_too_long),
		cmocka_unit_test(a_chunk_that_no_stream_can_have_is_refused_and_counted),
		cmocka_unit_test(a_session_that_is_not_wanted_is_never_called),
		cmocka_unit_test(a_piece_before_those_held_is_delivered_when_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
