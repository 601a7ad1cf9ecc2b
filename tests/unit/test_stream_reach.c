/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream_reach.c - a connection that does not close is held against what the kernel's side says
 * of it, and bytes that are missing are counted under the name of what took them. */
#include "tests/unit/stream_world.h"

static void untold(struct world *w, enum loss received, enum loss sent)
{
	const enum loss before[2] = { [DIR_RECEIVED] = received, [DIR_SENT] = sent };

	stream_untold(w->table, 1, before);
}

static void what_has_not_come_when_it_is_overdue_is_a_gap_with_its_cause(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "ab");
	untold(w, LOSS_NONE, LOSS_RING_FULL);
	stream_reach(w->table, 1, 5, 0, at_ms(10));
	stream_tick(w->table, at_ms(209));
	assert_told(w->sessions[0], DIR_SENT, "ab");
	stream_tick(w->table, at_ms(210));
	assert_told(w->sessions[0], DIR_SENT, "ab~~~");
	assert_int_equal(w->sessions[0]->cause[DIR_SENT], LOSS_RING_FULL);
	push(w, 1, DIR_SENT, 5, "fg");
	assert_told(w->sessions[0], DIR_SENT, "ab~~~fg");
	close_at(w, 1, 7, 0, at_ms(300));
	assert_int_equal(w->why[LOSS_RING_FULL], 3);
	assert_int_equal(w->sum.moved, 7);
	assert_balanced(w);
	world_free(w);
}

/* A ring that was full from its first byte to the last. */
static void who_was_never_heard_of_is_lost_as_a_whole(void **state)
{
	const enum loss before[2] = { [DIR_RECEIVED] = LOSS_NONE, [DIR_SENT] = LOSS_RING_FULL };
	struct world *w = world_new(NULL);
	struct conn_facts conn = chunk_make(1, LAYER_SOCKET, DIR_SENT, 0, "", 0).conn;

	push(w, 2, DIR_SENT, 0, "z");
	close_at(w, 1, 5, 3, at_ms(10));
	stream_unheard(w->table, &conn, before, at_ms(10).time);
	stream_tick(w->table, at_ms(209));
	assert_int_equal(w->sum.moved, 0);
	stream_tick(w->table, at_ms(210));
	assert_int_equal(w->sum.moved, 8);
	assert_int_equal(w->sum.lost, 8);
	assert_int_equal(w->why[LOSS_RING_FULL], 5);
	assert_int_equal(w->why[LOSS_MISSING], 3);
	/* What comes later was counted; said again it is nothing. */
	push(w, 1, DIR_SENT, 0, "abcde");
	stream_unheard(w->table, &conn, before, at_ms(10).time);
	stream_tick(w->table, at_ms(900));
	assert_int_equal(w->sum.moved, 8);
	close_at(w, 2, 1, 0, at_ms(900));
	assert_balanced(w);
	world_free(w);
}

static void who_is_heard_of_behind_his_end_is_whole(void **state)
{
	static const enum loss before[2];
	struct world *w = world_new(NULL);
	struct conn_facts conn = chunk_make(1, LAYER_SOCKET, DIR_SENT, 0, "", 0).conn;

	push(w, 2, DIR_SENT, 0, "z");
	close_at(w, 1, 5, 0, at_ms(10));
	stream_unheard(w->table, &conn, before, at_ms(10).time);
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 0, "abcde", at_ms(100));
	stream_tick(w->table, at_ms(900));
	close_at(w, 3, 7, 0, at_ms(901));
	conn.id = 3;
	stream_unheard(w->table, &conn, before, at_ms(901).time);
	close_at(w, 2, 1, 0, at_ms(902));
	stream_table_free(w->table);
	w->table = NULL;
	assert_int_equal(w->sum.moved, 5 + 1 + 7);	/* of the last one at the end */
	assert_int_equal(w->sum.lost, 7);
	assert_balanced(w);
	world_free(w);
}

static void what_comes_in_time_is_no_gap(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "ab");
	stream_reach(w->table, 1, 5, 2, at_ms(10));
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 2, "cde", at_ms(11));
	push_at(w, 1, LAYER_SOCKET, DIR_RECEIVED, 0, "xy", at_ms(12));
	stream_tick(w->table, at_ms(500));
	assert_told(w->sessions[0], DIR_SENT, "abcde");
	assert_told(w->sessions[0], DIR_RECEIVED, "xy");
	/* Said again, and of less: nothing is taken back. */
	stream_reach(w->table, 1, 3, 0, at_ms(500));
	stream_tick(w->table, at_ms(900));
	close_at(w, 1, 5, 2, at_ms(900));
	assert_int_equal(w->sum.lost, 0);
	assert_balanced(w);
	world_free(w);
}

static void the_hole_before_a_held_piece_comes_first(void **state)
{
	struct world *w = world_new(NULL);
	struct chunk late = chunk_make(1, LAYER_SOCKET, DIR_RECEIVED, 4, "ef", 2);

	push(w, 1, DIR_RECEIVED, 0, "ab");
	late.before = LOSS_SPLICE;
	assert_int_equal(stream_push(w->table, &late), 0);
	untold(w, LOSS_EVICTED, LOSS_NONE);
	stream_reach(w->table, 1, 0, 9, at_ms(0));
	stream_tick(w->table, at_ms(200));
	assert_told(w->sessions[0], DIR_RECEIVED, "ab~~ef~~~");
	assert_int_equal(w->sessions[0]->gaps[DIR_RECEIVED], 2);
	close_at(w, 1, 0, 9, at_ms(201));
	assert_int_equal(w->why[LOSS_SPLICE], 2);
	assert_int_equal(w->why[LOSS_EVICTED], 3);
	assert_balanced(w);
	world_free(w);
}

static void the_end_of_a_closed_connection_has_a_cause_too(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "ab");
	untold(w, LOSS_SPLICE, LOSS_SKIPPED_RUN);
	stream_close(w->table, 1, 2, 0, 4, 11, at_ms(0));	/* the kernel's own counters say more */
	stream_tick(w->table, at_ms(200));
	assert_int_equal(w->why[LOSS_SPLICE], 11);
	assert_int_equal(w->why[LOSS_SKIPPED_RUN], 2);
	assert_int_equal(w->sum.moved, 15);
	assert_balanced(w);
	world_free(w);
}

static void what_is_known_to_be_encrypted_is_opaque_and_not_lost(void **state)
{
	struct world *w = world_new(NULL);

	push_skipped(w, 0, "", 1200, LOSS_QUIC);
	close_at(w, 1, 1200, 0, at_ms(0));
	assert_int_equal(w->sum.opaque, 1200);
	assert_int_equal(w->sum.lost, 0);
	assert_int_equal(w->why[LOSS_QUIC], 1200);
	assert_balanced(w);
	world_free(w);
}

static void at_the_end_of_an_interval_nothing_is_waited_for(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "ab");
	untold(w, LOSS_SPLICE, LOSS_NONE);
	stream_reach(w->table, 1, 2, 997, at_ms(10));
	stream_interval(w->table, at_ms(11));
	assert_int_equal(w->sum.moved, 999);
	assert_int_equal(w->why[LOSS_SPLICE], 997);
	assert_balanced(w);
	world_free(w);
}

/* Three connections: one that is closed and waits for what is missing, one that goes on with a hole, one that nobody
 * has heard of. */
static void at_the_end_of_the_last_interval_what_has_closed_ends(void **state)
{
	const enum loss before[2] = { LOSS_NONE, LOSS_EVICTED };
	struct world *w = world_new(NULL);
	struct conn_facts unheard = { .id = 3 };

	push(w, 1, DIR_SENT, 0, "ab");
	stream_close(w->table, 1, 4, 0, 4, 0, at_ms(0));
	push(w, 2, DIR_RECEIVED, 0, "cd");
	push(w, 2, DIR_RECEIVED, 3, "f");
	stream_reach(w->table, 2, 0, 6, at_ms(0));
	stream_close(w->table, 3, 7, 0, 7, 0, at_ms(0));
	stream_unheard(w->table, &unheard, before, at_ms(0).time);
	stream_tick(w->table, at_ms(1));
	assert_int_equal(w->closes, 0);
	stream_last(w->table, at_ms(1));
	assert_told(w->sessions[0], DIR_SENT, "ab~~");
	assert_true(w->sessions[0]->closed && w->sessions[0]->said_closed);
	assert_told(w->sessions[1], DIR_RECEIVED, "cd~f~~");
	assert_false(w->sessions[1]->closed);
	assert_told(w->sessions[2], DIR_SENT, "~~~~~~~");
	assert_true(w->sessions[2]->closed);
	assert_int_equal(w->why[LOSS_EVICTED], 7);
	assert_int_equal(w->sum.moved, 4 + 6 + 7);
	assert_balanced(w);
	world_free(w);
}

static void nobody_is_asked_of_what_is_not_there_or_cannot_be(void **state)
{
	struct world *w = world_new(NULL);

	stream_reach(w->table, 5, 100, 100, at_ms(0));
	push(w, 1, DIR_SENT, 0, "ab");
	stream_reach(w->table, 1, UINT64_MAX, 0, at_ms(0));
	stream_tick(w->table, at_ms(500));
	close_at(w, 1, 2, 0, at_ms(500));
	assert_int_equal(w->sum.moved, 2);
	assert_int_equal(w->nr, 1);
	assert_balanced(w);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_not_come_when_it_is_overdue_is_a_gap_with_its_cause),
		cmocka_unit_test(who_was_never_heard_of_is_lost_as_a_whole),
		cmocka_unit_test(who_is_heard_of_behind_his_end_is_whole),
		cmocka_unit_test(what_comes_in_time_is_no_gap),
		cmocka_unit_test(the_hole_before_a_held_piece_comes_first),
		cmocka_unit_test(the_end_of_a_closed_connection_has_a_cause_too),
		cmocka_unit_test(what_is_known_to_be_encrypted_is_opaque_and_not_lost),
		cmocka_unit_test(at_the_end_of_an_interval_nothing_is_waited_for),
		cmocka_unit_test(at_the_end_of_the_last_interval_what_has_closed_ends),
		cmocka_unit_test(nobody_is_asked_of_what_is_not_there_or_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
