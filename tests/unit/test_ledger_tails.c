/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a ledger: what no checkpoint covers, what was put back to an older state, and
 * the tiles and the verifier that tell. */
#include <sys/wait.h>

#include "ledger_fixture.h"
#include "store/merkle.h"

/* Tails that no checkpoint covers. */

static void a_torn_tail_is_cut_at_every_length_and_told(void **state)
{
	struct pair p = pair_new(5, 5);
	struct bytes b = log_read(&p.good, "leaves");
	const char *torn = "\x01\x00{\"type\":\"gap\"";
	enum ledger_error err;
	uint64_t cut = 0;
	bool created;

	for (size_t n = 1; n <= 15; n++) {
		struct ledger_report r;
		struct ledger *l;

		memcpy(b.ptr + b.len, torn, n);
		log_write(&p.bad, "leaves", b.ptr, b.len + n);
		assert_int_equal(log_verify(&p.bad, NULL, NULL, &r), LEDGER_OK);
		assert_int_equal(r.torn, n);
		l = ledger_open(p.bad.dir, "host", &created, &cut, &err, p.bad.why, sizeof(p.bad.why));
		assert_non_null(l);
		assert_int_equal(cut, n);
		assert_int_equal(ledger_size(l), 5);
		log_add(l, 5, 6);
		assert_int_equal(ledger_commit(l), 0);
		ledger_close(l);
		assert_verifies(&p.bad, 6);
		log_copy_all(&p.good, &p.bad);
	}
	free(b.ptr);
	pair_free(&p);
}

static void zeros_and_stale_blocks_after_the_last_checkpoint_are_no_leaves(void **state)
{
	static const char *const tails[] = { "\0\0\0\0\0\0\0\0", "\0\4abcd\0\2{}", "\0\4{\1\2}\0\2{}", "\xff\xff{}......" };
	struct pair p = pair_new(5, 5);
	struct bytes b = log_read(&p.good, "leaves");

	for (size_t i = 0; i < 4; i++) {
		enum ledger_error err;
		uint64_t cut = 0;
		bool created;
		struct ledger *l;

		memcpy(b.ptr + b.len, tails[i], 8);
		log_write(&p.bad, "leaves", b.ptr, b.len + 8);
		l = ledger_open(p.bad.dir, "host", &created, &cut, &err, p.bad.why, sizeof(p.bad.why));
		assert_non_null(l);
		assert_int_equal(cut, 8);
		assert_int_equal(ledger_size(l), 5);
		ledger_close(l);
	}
	free(b.ptr);
	pair_free(&p);
}

static void whole_unsigned_leaves_are_not_verified_but_kept_and_signed_next(void **state)
{
	struct log g = log_new();
	struct ledger_report r;
	struct ledger *l;

	log_make(&g, 8, 5);	/* 5 signed, 3 not */
	assert_int_equal(log_verify(&g, NULL, NULL, &r), LEDGER_OK);
	assert_int_equal(r.size, 5);
	assert_int_equal(r.leaves_read, 8);
	l = log_reopen(&g);
	assert_int_equal(ledger_size(l), 8);
	assert_int_equal(ledger_commit(l), 0);
	ledger_close(l);
	assert_verifies(&g, 8);
	log_free(&g);
}

static void a_torn_append_to_the_old_checkpoints_is_completed(void **state)
{
	struct pair p = pair_new(6, 2);
	struct bytes all = log_read(&p.good, "checkpoints"), last = log_read(&p.good, "checkpoint");

	for (size_t cut = 1; cut <= last.len; cut++) {
		struct bytes now;
		struct ledger_report r;

		log_write(&p.bad, "checkpoints", all.ptr, all.len - cut);
		assert_int_equal(log_verify(&p.bad, NULL, NULL, &r), LEDGER_OK);
		assert_int_equal(r.checkpoints, 4);	/* of 0, 2, 4 and 6 leaves */
		ledger_close(log_reopen(&p.bad));
		now = log_read(&p.bad, "checkpoints");
		assert_int_equal(now.len, all.len);
		assert_memory_equal(now.ptr, all.ptr, all.len);
		free(now.ptr);
	}
	/* One that the crash cannot explain: the checkpoint before it is torn. */
	log_write(&p.bad, "checkpoints", all.ptr, all.len - last.len - 5);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	free(all.ptr);
	free(last.ptr);
	pair_free(&p);
}

/* Rollback. */

static void pin_of(const struct log *g, char out[80])
{
	struct ledger_report r;

	assert_int_equal(log_verify(g, NULL, NULL, &r), LEDGER_OK);
	snprintf(out, 80, "%d:%s", (int)r.size, r.root);
}

static void a_restored_older_state_is_seen_with_a_checkpoint_from_elsewhere_only(void **state)
{
	struct pair p = pair_new(6, 2);
	struct ledger_report r;
	char pin[80], old[80];

	pin_of(&p.bad, old);
	log_make(&p.good, 10, 2);
	pin_of(&p.good, pin);
	assert_int_equal(log_verify(&p.good, NULL, old, &r), LEDGER_OK);
	assert_true(r.outside_checkpoint);
	assert_int_equal(log_verify(&p.good, NULL, pin, &r), LEDGER_OK);
	assert_int_equal(log_verify(&p.bad, NULL, NULL, &r), LEDGER_OK);
	assert_int_equal(log_verify(&p.bad, NULL, old, &r), LEDGER_OK);
	assert_int_equal(log_verify(&p.bad, NULL, pin, &r), LEDGER_INTEGRITY);
	assert_non_null(strstr(r.why, "10 are known elsewhere"));
	pair_free(&p);
}

/* The key's holder cuts back and goes on differently: same size, other history. */
static void a_history_that_forked_is_no_prefix(void **state)
{
	struct pair p = pair_new(6, 2);
	struct ledger_report r;
	struct ledger *l = log_reopen(&p.bad);
	char pin[80];

	log_make(&p.good, 8, 2);
	pin_of(&p.good, pin);
	for (int i = 0; i < 4; i++)
		assert_true(ledger_append(l, "{\"type\":\"gap\"}", 14) >= 0);
	assert_int_equal(ledger_commit(l), 0);
	ledger_close(l);
	assert_int_equal(log_verify(&p.bad, NULL, NULL, &r), LEDGER_OK);
	assert_int_equal(log_verify(&p.bad, NULL, pin, &r), LEDGER_INTEGRITY);
	assert_non_null(strstr(r.why, "written anew"));
	pair_free(&p);
}

static void every_signed_size_is_a_prefix_and_no_other_root_is(void **state)
{
	struct log g = log_new();
	struct ledger *l = log_reopen(&g);
	char pins[40][80], base64[45];
	struct ledger_report r;
	uint8_t root[32];

	for (uint64_t i = 0; i < 40; i++) {
		log_add(l, i, i + 1);
		ledger_root(l, root);
		base64_encode(base64, root, 32);
		snprintf(pins[i], sizeof(pins[i]), "%d:%s", (int)i + 1, base64);
	}
	assert_int_equal(ledger_commit(l), 0);
	ledger_close(l);
	for (int i = 0; i < 40; i++) {
		char wrong[80];

		assert_int_equal(log_verify(&g, NULL, pins[i], &r), LEDGER_OK);
		snprintf(wrong, sizeof(wrong), "%d%s", i + 2, strchr(pins[i], ':'));
		assert_int_equal(log_verify(&g, NULL, wrong, &r), LEDGER_INTEGRITY);
	}
	assert_int_equal(log_verify(&g, NULL, "40", &r), LEDGER_ARGUMENT);
	assert_int_equal(log_verify(&g, NULL, "40:AAAA", &r), LEDGER_ARGUMENT);
	log_free(&g);
}

static void a_checkpoint_rolled_back_alone_is_refused(void **state)
{
	struct pair p = pair_new(6, 2);

	log_make(&p.good, 10, 2);
	log_copy(&p.bad, &p.good, "checkpoint");
	assert_refused(&p.good, LEDGER_INTEGRITY);
	assert_non_null(strstr(p.good.why, "rolled back"));
	pair_free(&p);
}

/* Tiles. */

static void full_tiles_hold_the_leaf_hashes_and_partial_ones_do_not_exist(void **state)
{
	struct log g = log_new();
	struct ledger *l;
	struct bytes b;
	uint8_t hash[32];
	size_t len;

	log_make(&g, 700, 50);
	l = log_reopen(&g);
	for (int t = 0; t < 2; t++) {
		b = log_read(&g, t ? "tile/0/001" : "tile/0/000");
		assert_int_equal(b.len, TILE_SIZE);
		for (unsigned i = 0; i < 256; i++) {
			const char *json = ledger_leaf(l, (uint64_t)t * 256 + i, &len);

			merkle_leaf(hash, json, len);
			assert_memory_equal(b.ptr + i * 32, hash, 32);
		}
		free(b.ptr);
	}
	assert_false(log_has(&g, "tile/0/002"));
	ledger_close(l);
	log_free(&g);
}

static void a_missing_tile_is_made_again_and_a_changed_one_refused(void **state)
{
	struct pair p = pair_new(700, 100);
	struct bytes b = log_read(&p.good, "tile/0/000"), again;

	log_remove(&p.bad, "tile/0/000");
	assert_verifies(&p.bad, 700);
	ledger_close(log_reopen(&p.bad));
	again = log_read(&p.bad, "tile/0/000");
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.ptr, b.ptr, b.len);
	again.ptr[77 * 32] ^= 1;
	log_write(&p.bad, "tile/0/000", again.ptr, again.len);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	assert_non_null(strstr(p.bad.why, "leaf 77"));
	log_write(&p.bad, "tile/0/000", again.ptr, again.len - 1);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	log_write(&p.bad, "tile/0/000", b.ptr, b.len);
	assert_verifies(&p.bad, 700);
	free(b.ptr);
	free(again.ptr);
	pair_free(&p);
}

static void a_changed_leaf_under_a_tile_is_named_exactly(void **state)
{
	struct pair p = pair_new(700, 700);
	struct bytes b = log_read(&p.good, "leaves");
	uint8_t *at = memmem(b.ptr, b.len, "\"n\":300}", 8);

	assert_non_null(at);
	at[4] = '4';
	log_write(&p.bad, "leaves", b.ptr, b.len);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	assert_non_null(strstr(p.bad.why, "leaf 300 at byte "));
	free(b.ptr);
	pair_free(&p);
}

/* Leaves, both checkpoint files and all cut back together: the tile still tells. */
static void a_tile_ahead_of_the_checkpoint_tells_of_a_rollback(void **state)
{
	static const uint64_t sizes[] = { 200, 256 };

	for (int i = 0; i < 2; i++) {
		struct pair p = pair_new(sizes[i], sizes[i]);

		log_make(&p.good, 600, 100);
		log_copy(&p.bad, &p.good, "leaves");
		log_copy(&p.bad, &p.good, "checkpoint");
		log_copy(&p.bad, &p.good, "checkpoints");
		assert_refused(&p.good, LEDGER_INTEGRITY);
		assert_non_null(strstr(p.good.why, "rolled back"));
		pair_free(&p);
	}
}

/* The verifier. */

struct heard { uint64_t nr, stop; };

static int hear(void *owner, uint64_t index, const char *json, size_t len)
{
	struct heard *h = owner;
	char want[64];

	snprintf(want, sizeof(want), "{\"type\":\"%s\",\"n\":%d}", index ? "gap" : "genesis", (int)index);
	assert_int_equal(index, h->nr);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(json, want, len);
	h->nr++;
	return index == h->stop ? -1 : 0;
}

static void the_verifier_hands_out_covered_leaves_in_order_and_obeys_a_refusal(void **state)
{
	struct log g = log_new();
	struct heard h = { 0, UINT64_MAX };
	struct ledger_report r;

	log_make(&g, 8, 5);
	assert_int_equal(ledger_verify(g.dir, NULL, NULL, hear, &h, &r), LEDGER_OK);
	assert_int_equal(h.nr, 5);
	h = (struct heard){ 0, 2 };
	assert_int_equal(ledger_verify(g.dir, NULL, NULL, hear, &h, &r), LEDGER_INTEGRITY);
	assert_int_equal(h.nr, 3);
	log_free(&g);
}

static void no_ledger_is_not_a_verified_one(void **state)
{
	struct log g = log_new();
	struct ledger_report r;

	assert_int_equal(log_verify(&g, NULL, NULL, &r), LEDGER_IO);
	assert_int_equal(mkdirat(g.dir, "ledger", 0700), 0);
	assert_int_equal(log_verify(&g, NULL, NULL, &r), LEDGER_KEY);
	log_make(&g, 1, 1);
	log_remove(&g, "key.pub");
	assert_int_equal(log_verify(&g, NULL, NULL, &r), LEDGER_KEY);
	log_free(&g);
}

/* Every look at a log that is being written finds a consistent one. */
static void a_log_verifies_while_it_is_written(void **state)
{
	struct log g = log_new();
	struct ledger_report r;
	pid_t child;
	int status = 0;
	unsigned looks = 0;

	log_make(&g, 1, 1);
	child = fork();
	if (!child) {
		struct ledger *l = log_reopen(&g);

		for (uint64_t i = 1; i < 1500; i++) {
			log_add(l, i, i + 1);
			if (i % 3 == 0 && ledger_commit(l))
				_exit(1);
		}
		_exit(ledger_commit(l) ? 1 : 0);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		enum ledger_error err = log_verify(&g, NULL, NULL, &r);

		if (err)
			fail_msg("at look %u: %d %s", looks, (int)err, r.why);
		looks++;
	}
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_true(looks > 3);
	assert_verifies(&g, 1500);
	log_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_torn_tail_is_cut_at_every_length_and_told),
		cmocka_unit_test(zeros_and_stale_blocks_after_the_last_checkpoint_are_no_leaves),
		cmocka_unit_test(whole_unsigned_leaves_are_not_verified_but_kept_and_signed_next),
		cmocka_unit_test(a_torn_append_to_the_old_checkpoints_is_completed),
		cmocka_unit_test(a_restored_older_state_is_seen_with_a_checkpoint_from_elsewhere_only),
		cmocka_unit_test(a_history_that_forked_is_no_prefix),
		cmocka_unit_test(every_signed_size_is_a_prefix_and_no_other_root_is),
		cmocka_unit_test(a_checkpoint_rolled_back_alone_is_refused),
		cmocka_unit_test(full_tiles_hold_the_leaf_hashes_and_partial_ones_do_not_exist),
		cmocka_unit_test(a_missing_tile_is_made_again_and_a_changed_one_refused),
		cmocka_unit_test(a_changed_leaf_under_a_tile_is_named_exactly),
		cmocka_unit_test(a_tile_ahead_of_the_checkpoint_tells_of_a_rollback),
		cmocka_unit_test(the_verifier_hands_out_covered_leaves_in_order_and_obeys_a_refusal),
		cmocka_unit_test(no_ledger_is_not_a_verified_one),
		cmocka_unit_test(a_log_verifies_while_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
