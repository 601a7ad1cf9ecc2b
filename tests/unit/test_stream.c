/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream.c - chunks in any order come out in order, each byte once, every
 * missing byte as a gap; caps, ends and facts of a connection. */
#include "base/budget.h"
#include "tests/unit/stream_world.h"

/* Stands in for libc's, to see what is wiped; -D_FORTIFY_SOURCE calls the second name. */
static char last_wiped[256];
static size_t wipes;
void explicit_bzero(void *at, size_t n);
void __explicit_bzero_chk(void *at, size_t n, size_t size);
void explicit_bzero(void *at, size_t n)
{
	const char *bytes = at;

	for (size_t i = 0, k = 0; i < n && k < sizeof(last_wiped) - 1; i++)
		if (bytes[n - 1 - i] >= 'a' && bytes[n - 1 - i] <= 'z') {
			last_wiped[k++] = bytes[n - 1 - i];
			last_wiped[k] = 0;
		} else {
			break;
		}
	wipes++;
	for (size_t i = 0; i < n; i++)
		((volatile char *)at)[i] = 0;
}
void __explicit_bzero_chk(void *at, size_t n, size_t size)
{
	explicit_bzero(at, n);
}

/* ---- order ---- */

static void bytes_in_order_come_out_at_once(void **state)
{
	struct world *w = world_new(NULL);

	assert_int_equal(push(w, 1, DIR_SENT, 0, "abc"), 0);
	assert_told(w->sessions[0], DIR_SENT, "abc");
	assert_int_equal(push(w, 1, DIR_SENT, 3, "def"), 0);
	assert_int_equal(push(w, 1, DIR_RECEIVED, 0, "xy"), 0);
	assert_told(w->sessions[0], DIR_SENT, "abcdef");
	assert_told(w->sessions[0], DIR_RECEIVED, "xy");
	assert_int_equal(w->nr, 1);
	assert_int_equal(acct_of(w->sessions[0]).moved, 8);
	assert_int_equal(stats_of(w).connections, 1);
	close_at(w, 1, 6, 2, at_ms(1));
	assert_true(w->sessions[0]->closed && w->sessions[0]->said_closed);
	assert_int_equal(stats_of(w).connections, 0);
	assert_int_equal(stats_of(w).gaps, 0);
	assert_balanced(w);
	world_free(w);
}

static void a_piece_that_comes_early_is_held_until_its_turn_and_then_wiped(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 3, "def");
	assert_told(w->sessions[0], DIR_SENT, "");
	assert_int_equal(stats_of(w).held, 3);
	wipes = 0;
	push(w, 1, DIR_SENT, 0, "abc");
	assert_told(w->sessions[0], DIR_SENT, "abcdef");
	assert_int_equal(stats_of(w).held, 0);
	assert_int_equal(wipes, 1);
	assert_string_equal(last_wiped, "fed");	/* from its end */
	assert_int_equal(w->sessions[0]->gaps[DIR_SENT], 0);
	world_free(w);
}

static void every_permutation_of_four_pieces_gives_the_same_bytes(void **state)
{
	static const struct { uint64_t pos; const char *text; } piece[4] = { { 0, "ab" }, { 2, "cde" }, { 5, "f" }, { 6, "ghij" } };

	for (int n = 0; n < 256; n++) {
		int order[4] = { n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6 & 3 }, seen = 0;
		struct world *w;

		for (int i = 0; i < 4; i++)
			seen |= 1 << order[i];
		if (seen != 15)
			continue;
		w = world_new(NULL);
		for (int i = 0; i < 4; i++)
			assert_int_equal(push(w, 1, DIR_SENT, piece[order[i]].pos, piece[order[i]].text), 0);
		assert_told(w->sessions[0], DIR_SENT, "abcdefghij");
		assert_int_equal(stats_of(w).gaps, 0);
		assert_int_equal(stats_of(w).held, 0);
		close_at(w, 1, 10, 0, at_ms(0));
		assert_int_equal(w->sum.moved, 10);
		assert_balanced(w);
		world_free(w);
	}
}

static void bytes_delivered_once_are_never_delivered_again(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "abcd");
	push(w, 1, DIR_SENT, 0, "abcd");
	push(w, 1, DIR_SENT, 1, "bc");
	push(w, 1, DIR_SENT, 2, "cdef");
	push(w, 1, DIR_SENT, 8, "ij");
	push(w, 1, DIR_SENT, 8, "ij");
	assert_int_equal(stats_of(w).held, 2);	/* the copy is not held twice */
	push(w, 1, DIR_SENT, 7, "hijk");
	push(w, 1, DIR_SENT, 5, "fgh");
	assert_told(w->sessions[0], DIR_SENT, "abcdefghijk");
	assert_int_equal(acct_of(w->sessions[0]).moved, 11);
	close_at(w, 1, 11, 0, at_ms(0));
	assert_balanced(w);
	world_free(w);
}

/* ---- gaps ---- */

static void a_missing_piece_is_one_gap_after_the_time_and_not_before(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "ab");
	push(w, 1, DIR_SENT, 5, "fg");
	stream_tick(w->table, at_ms(199));
	assert_told(w->sessions[0], DIR_SENT, "ab");
	stream_tick(w->table, at_ms(200));
	assert_told(w->sessions[0], DIR_SENT, "ab~~~fg");
	assert_int_equal(w->sessions[0]->gaps[DIR_SENT], 1);
	assert_int_equal(w->sessions[0]->cause[DIR_SENT], LOSS_MISSING);
	assert_int_equal(acct_of(w->sessions[0]).moved, 7);
	assert_int_equal(acct_of(w->sessions[0]).lost, 3);
	assert_int_equal(stats_of(w).gaps, 1);
	assert_int_equal(stats_of(w).gap_bytes, 3);
	push(w, 1, DIR_SENT, 2, "cde");	/* too late: it was told as missing */
	assert_told(w->sessions[0], DIR_SENT, "ab~~~fg");
	close_at(w, 1, 7, 0, at_ms(200));
	assert_balanced(w);
	world_free(w);
}

static void each_hole_waits_for_its_own_time(void **state)
{
	struct world *w = world_new(NULL);

	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 1, "b", at_ms(0));
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 3, "d", at_ms(150));
	stream_tick(w->table, at_ms(220));
	assert_told(w->sessions[0], DIR_SENT, "~b");
	stream_tick(w->table, at_ms(349));
	assert_told(w->sessions[0], DIR_SENT, "~b");
	stream_tick(w->table, at_ms(350));
	assert_told(w->sessions[0], DIR_SENT, "~b~d");
	world_free(w);
}

static void a_later_chunk_of_the_connection_shows_that_time_has_passed(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 2, "cd");
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 6, "gh", at_ms(201));
	assert_told(w->sessions[0], DIR_SENT, "~~cd");
	world_free(w);
}

static void a_backlog_in_the_queue_is_no_absence(void **state)
{
	struct world *w = world_new(NULL);

	/* The records are seconds old when they are read, but they are all there. */
	stream_tick(w->table, at_ms(9000));
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 2, "cd", at_ms(10));
	stream_tick(w->table, at_ms(9020));
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 0, "ab", at_ms(11));
	assert_told(w->sessions[0], DIR_SENT, "abcd");
	world_free(w);
}

static void a_stamp_from_the_future_does_not_hold_pieces_for_ever(void **state)
{
	struct world *w = world_new(NULL);

	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 2, "cd", (struct stamp){ UINT64_MAX - 5, 7 });
	stream_tick(w->table, at_ms(0));
	assert_told(w->sessions[0], DIR_SENT, "");
	stream_tick(w->table, at_ms(200));
	assert_told(w->sessions[0], DIR_SENT, "~~cd");
	world_free(w);
}

static void what_a_call_moved_and_did_not_copy_is_a_gap_at_once_with_its_cause(void **state)
{
	static const enum loss causes[] = { LOSS_TRUNCATED, LOSS_UNREADABLE, LOSS_NO_ARGS };

	for (size_t i = 0; i < 3; i++) {
		struct world *w = world_new(NULL);

		push_skipped(w, 0, "ab", 3, causes[i]);
		assert_told(w->sessions[0], DIR_SENT, "ab~~~");
		assert_int_equal(w->sessions[0]->cause[DIR_SENT], causes[i]);
		push(w, 1, DIR_SENT, 5, "fg");
		assert_told(w->sessions[0], DIR_SENT, "ab~~~fg");
		close_at(w, 1, 7, 0, at_ms(0));
		assert_int_equal(w->sum.moved, 7);
		assert_int_equal(w->sum.lost, 3);
		assert_balanced(w);
		world_free(w);
	}
}

static void a_skipped_range_that_comes_early_keeps_its_cause(void **state)
{
	struct world *w = world_new(NULL);

	push_skipped(w, 4, "", 3, LOSS_NO_ARGS);
	push(w, 1, DIR_SENT, 7, "h");
	assert_told(w->sessions[0], DIR_SENT, "");
	push(w, 1, DIR_SENT, 0, "abcd");
	assert_told(w->sessions[0], DIR_SENT, "abcd~~~h");
	assert_int_equal(w->sessions[0]->cause[DIR_SENT], LOSS_NO_ARGS);
	world_free(w);
}

static void a_skipped_range_that_was_told_is_not_told_again(void **state)
{
	struct world *w = world_new(NULL);

	push_skipped(w, 0, "ab", 3, LOSS_TRUNCATED);
	push_skipped(w, 3, "d", 4, LOSS_TRUNCATED);
	assert_told(w->sessions[0], DIR_SENT, "ab~~~~~~");
	assert_int_equal(acct_of(w->sessions[0]).moved, 8);
	world_free(w);
}

static void a_new_connection_that_starts_behind_zero_has_lost_its_beginning(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 4, "ef");
	stream_tick(w->table, at_ms(300));
	assert_told(w->sessions[0], DIR_SENT, "~~~~ef");
	world_free(w);
}

static void a_connection_older_than_weir_begins_where_it_was_found(void **state)
{
	struct world *w = world_new(NULL);
	struct chunk ch = chunk_make(1, LAYER_SOCKET, DIR_SENT, 4, "ab", 2);

	/* Position 0 is where it was found: what is missing from there on is lost, not older than weir. */
	ch.conn.late = 1;
	stream_push(w->table, &ch);
	ch.pos = 9;
	stream_push(w->table, &ch);
	stream_tick(w->table, at_ms(200));
	assert_told(w->sessions[0], DIR_SENT, "~~~~ab~~~ab");
	/* Its totals count from there as well. */
	stream_close(w->table, 1, 11, 0, 13, 1, at_ms(200));
	stream_tick(w->table, at_ms(400));
	assert_true(w->sessions[0]->closed);
	assert_int_equal(w->by[DIR_SENT].moved, 13);
	assert_int_equal(w->by[DIR_SENT].lost, 9);
	assert_int_equal(w->by[DIR_RECEIVED].lost, 1);
	assert_balanced(w);
	world_free(w);
}

/* ---- close and intervals ---- */

static void a_close_with_a_missing_tail_waits_then_tells_it(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "abc");
	push(w, 1, DIR_RECEIVED, 0, "x");
	close_at(w, 1, 5, 4, at_ms(10));
	assert_false(w->sessions[0]->closed);
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 3, "de", at_ms(20));
	assert_false(w->sessions[0]->closed);
	stream_tick(w->table, at_ms(209));
	assert_false(w->sessions[0]->closed);
	stream_tick(w->table, at_ms(210));
	assert_true(w->sessions[0]->closed && w->sessions[0]->said_closed);
	assert_told(w->sessions[0], DIR_SENT, "abcde");
	assert_told(w->sessions[0], DIR_RECEIVED, "x~~~");
	assert_int_equal(w->sessions[0]->cause[DIR_RECEIVED], LOSS_MISSING);
	assert_int_equal(w->sum.moved, 9);
	assert_int_equal(w->sum.lost, 3);
	assert_balanced(w);
	push(w, 1, DIR_RECEIVED, 1, "yzz");	/* counted as missing: not opened again */
	assert_int_equal(w->nr, 1);
	world_free(w);
}

static void a_close_ends_as_soon_as_the_stream_got_there(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "abc");
	close_at(w, 1, 8, 0, at_ms(1));
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 5, "fgh", at_ms(2));
	assert_false(w->sessions[0]->closed);
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 3, "de", at_ms(3));
	assert_true(w->sessions[0]->closed);
	assert_told(w->sessions[0], DIR_SENT, "abcdefgh");
	assert_balanced(w);
	world_free(w);
}

static void bytes_that_only_the_kernels_totals_know_are_missing(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "abc");
	stream_close(w->table, 1, 3, 0, 5, 2, at_ms(0));
	stream_tick(w->table, at_ms(200));
	assert_told(w->sessions[0], DIR_SENT, "abc~~");
	assert_told(w->sessions[0], DIR_RECEIVED, "~~");
	assert_int_equal(w->sum.moved, 7);
	assert_balanced(w);
	world_free(w);
}

static void a_close_waits_for_what_is_held_beyond_it(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "abc");
	push(w, 1, DIR_SENT, 4, "e");
	close_at(w, 1, 3, 0, at_ms(1));
	assert_false(w->sessions[0]->closed);
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 3, "d", at_ms(2));
	assert_told(w->sessions[0], DIR_SENT, "abcde");
	assert_true(w->sessions[0]->closed);
	world_free(w);
}

static void a_close_with_an_absurd_position_makes_no_gap(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "abc");
	close_at(w, 1, UINT64_MAX, UINT64_MAX - 1, at_ms(1));
	assert_true(w->sessions[0]->closed);
	assert_told(w->sessions[0], DIR_SENT, "abc");
	assert_balanced(w);
	world_free(w);
}

static void stamps_from_the_future_delay_no_end_for_ever(void **state)
{
	struct stream_limits l = { 10, 1000, 1000, REORDER, 5000000000ull, 0 };
	struct world *w = world_new(&l);
	const struct stamp far = { UINT64_MAX - 5, 7 };

	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 0, "abc", far);
	push_at(w, 2, LAYER_SOCKET, DIR_SENT, 0, "abc", far);
	close_at(w, 2, 4, 0, far);
	stream_tick(w->table, at_ms(0));
	assert_int_equal(w->closes, 0);
	stream_tick(w->table, at_ms(200));
	assert_true(w->sessions[1]->closed);
	assert_false(w->sessions[0]->closed);
	stream_tick(w->table, at_ms(5000));
	assert_true(w->sessions[0]->closed);
	world_free(w);
}

static void a_close_of_an_unknown_connection_is_ignored(void **state)
{
	struct world *w = world_new(NULL);

	close_at(w, 5, 100, 100, at_ms(0));
	stream_tick(w->table, at_ms(500));
	assert_int_equal(w->nr, 0);
	assert_int_equal(stats_of(w).gaps, 0);
	world_free(w);
}

static void a_close_that_overtakes_the_chunks_still_ends_the_connection(void **state)
{
	struct world *w = world_new(NULL);

	close_at(w, 1, 5, 0, at_ms(5));
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 0, "ab", at_ms(1));
	assert_false(w->sessions[0]->closed);
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 2, "cde", at_ms(2));
	assert_true(w->sessions[0]->closed && w->sessions[0]->said_closed);
	assert_told(w->sessions[0], DIR_SENT, "abcde");
	assert_balanced(w);
	world_free(w);
}

static void an_interval_flushes_those_that_moved_and_no_others(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "ab");
	push(w, 2, DIR_SENT, 0, "ab");
	stream_interval(w->table, at_ms(1));
	push(w, 2, DIR_SENT, 2, "cd");
	stream_interval(w->table, at_ms(2));
	stream_interval(w->table, at_ms(3));
	assert_int_equal(w->sessions[0]->flushes, 1);
	assert_int_equal(w->sessions[1]->flushes, 2);
	assert_false(w->sessions[1]->said_closed);
	assert_int_equal(w->sum.moved, 6);
	assert_string_equal(w->sessions[0]->reason, "");
	world_free(w);
}

static void held_bytes_keep_the_interval_they_were_captured_in(void **state)
{
	struct world *w = world_new(NULL);

	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 2, "cd", (struct stamp){ 2000000000ull, 41 });
	push_at(w, 1, LAYER_SOCKET, DIR_SENT, 0, "ab", (struct stamp){ 2000000001ull, 42 });
	assert_int_equal(w->sessions[0]->epoch, 41);
	world_free(w);
}

static void freeing_the_table_tells_what_is_held_and_closes_every_session(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 2, "cd");
	push(w, 2, DIR_RECEIVED, 0, "x");
	wipes = 0;
	stream_table_free(w->table);
	w->table = NULL;
	assert_int_equal(wipes, 1);
	assert_string_equal(last_wiped, "dc");
	assert_int_equal(w->closes, 2);
	assert_told(w->sessions[0], DIR_SENT, "~~cd");
	assert_int_equal(w->sessions[0]->cause[DIR_SENT], LOSS_RESTART);
	assert_balanced(w);
	world_free(w);
}

/* ---- facts ---- */

static void facts_only_become_better(void **state)
{
	struct world *w = world_new(NULL);
	struct chunk ch = chunk_make(1, LAYER_SOCKET, DIR_SENT, 0, "GET", 3);

	ch.conn.role = ROLE_UNKNOWN;
	ch.conn.family = 0;
	stream_push(w->table, &ch);
	assert_int_equal(w->sessions[0]->conn.tls, TLS_ABSENT);
	assert_int_equal(w->sessions[0]->updates, 0);
	ch.pos = 3;
	ch.conn.role = ROLE_CLIENT;
	ch.conn.family = 2;
	ch.conn.remote.port = 443;
	ch.conn.binding = BINDING_STRONG;
	stream_push(w->table, &ch);
	assert_int_equal(w->sessions[0]->updates, 1);
	assert_int_equal(w->sessions[0]->conn.role, ROLE_CLIENT);
	assert_int_equal(w->sessions[0]->conn.remote.port, 443);
	ch.pos = 6;
	ch.conn.role = ROLE_SERVER;
	ch.conn.remote.port = 9;
	ch.conn.binding = BINDING_WEAK;
	stream_push(w->table, &ch);
	assert_int_equal(w->sessions[0]->updates, 1);
	assert_int_equal(w->sessions[0]->conn.role, ROLE_CLIENT);
	assert_int_equal(w->sessions[0]->conn.binding, BINDING_STRONG);
	world_free(w);
}

static void payload_that_looks_like_tls_is_not_called_clear(void **state)
{
	struct world *w = world_new(NULL);

	push(w, 1, DIR_SENT, 0, "\x16\x03\x01\x02");
	assert_int_equal(w->sessions[0]->conn.tls, TLS_UNKNOWN);
	push(w, 2, DIR_SENT, 0, "\x16\x04");	/* near miss */
	assert_int_equal(w->sessions[1]->conn.tls, TLS_ABSENT);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_in_order_come_out_at_once),
		cmocka_unit_test(a_piece_that_comes_early_is_held_until_its_turn_and_then_wiped),
		cmocka_unit_test(every_permutation_of_four_pieces_gives_the_same_bytes),
		cmocka_unit_test(bytes_delivered_once_are_never_delivered_again),
		cmocka_unit_test(a_missing_piece_is_one_gap_after_the_time_and_not_before),
		cmocka_unit_test(each_hole_waits_for_its_own_time),
		cmocka_unit_test(a_later_chunk_of_the_connection_shows_that_time_has_passed),
		cmocka_unit_test(a_backlog_in_the_queue_is_no_absence),
		cmocka_unit_test(a_stamp_from_the_future_does_not_hold_pieces_for_ever),
		cmocka_unit_test(what_a_call_moved_and_did_not_copy_is_a_gap_at_once_with_its_cause),
		cmocka_unit_test(a_skipped_range_that_comes_early_keeps_its_cause),
		cmocka_unit_test(a_new_connection_that_starts_behind_zero_has_lost_its_beginning),
		cmocka_unit_test(a_connection_older_than_weir_begins_where_it_was_found),
		cmocka_unit_test(a_close_with_a_missing_tail_waits_then_tells_it),
		cmocka_unit_test(a_close_ends_as_soon_as_the_stream_got_there),
		cmocka_unit_test(bytes_that_only_the_kernels_totals_know_are_missing),
		cmocka_unit_test(a_close_of_an_unknown_connection_is_ignored),
		cmocka_unit_test(a_close_that_overtakes_the_chunks_still_ends_the_connection),
		cmocka_unit_test(an_interval_flushes_those_that_moved_and_no_others),
		cmocka_unit_test(held_bytes_keep_the_interval_they_were_captured_in),
		cmocka_unit_test(freeing_the_table_tells_what_is_held_and_closes_every_session),
		cmocka_unit_test(facts_only_become_better),
		cmocka_unit_test(payload_that_looks_like_tls_is_not_called_clear),
		cmocka_unit_test(a_skipped_range_that_was_told_is_not_told_again),
		cmocka_unit_test(a_close_waits_for_what_is_held_beyond_it),
		cmocka_unit_test(a_close_with_an_absurd_position_makes_no_gap),
		cmocka_unit_test(stamps_from_the_future_delay_no_end_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
