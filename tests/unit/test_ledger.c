/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger in the hands of an adversary: every way to change a log must be refused, by
 * the writer without a byte changed and by the offline verifier, and what neither can see
 * must be seen with a checkpoint that was kept elsewhere. */
#include "ledger_fixture.h"
#include "store/merkle.h"

#define LEAF(n) "{\"type\":\"gap\",\"n\":" #n "}"

/* Making and reading. */

static void a_new_log_has_a_name_a_private_key_and_folders_for_nobody_else(void **state)
{
	struct log g = log_new();
	enum ledger_error err;
	bool created = false;
	uint64_t cut = 0;
	struct ledger *l = ledger_open(g.dir, "web 1+x", &created, &cut, &err, g.why, sizeof(g.why));
	struct stat st;

	assert_non_null(l);
	assert_true(created);
	assert_int_equal(strlen(ledger_origin(l)), strlen("web-1-x/00000000"));
	assert_memory_equal(ledger_origin(l), "web-1-x/", 8);
	assert_int_equal(strlen(ledger_key_id(l)), 8);
	ledger_close(l);
	assert_int_equal(fstatat(g.dir, "ledger", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstatat(g.dir, "ledger/key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	log_free(&g);
}

static void name_and_key_stay_the_same_over_openings(void **state)
{
	struct log g = log_new();
	char origin[128], vkey[256];
	struct ledger *l = log_reopen(&g);

	snprintf(origin, sizeof(origin), "%s", ledger_origin(l));
	snprintf(vkey, sizeof(vkey), "%s", ledger_vkey(l));
	for (int i = 0; i < 3; i++) {
		ledger_close(l);
		l = log_reopen(&g);
		assert_string_equal(ledger_origin(l), origin);
		assert_string_equal(ledger_vkey(l), vkey);
		log_add(l, (uint64_t)i, (uint64_t)i + 1);
		assert_int_equal(ledger_commit(l), 0);
	}
	ledger_close(l);
	log_free(&g);
}

static void a_log_is_new_until_its_first_leaf(void **state)
{
	struct log g = log_new();
	enum ledger_error err;
	bool created = false;
	uint64_t cut;

	for (int i = 0; i < 2; i++) {
		struct ledger *l = ledger_open(g.dir, "host", &created, &cut, &err, g.why, sizeof(g.why));

		assert_non_null(l);
		assert_true(created);
		ledger_close(l);
	}
	log_make(&g, 1, 1);
	ledger_close(ledger_open(g.dir, "host", &created, &cut, &err, g.why, sizeof(g.why)));
	assert_false(created);
	log_free(&g);
}

static void leaves_are_read_back_in_any_order(void **state)
{
	static const uint64_t order[] = { 0, 699, 256, 255, 257, 512, 511, 0, 1, 2, 3, 698, 300 };
	struct log g = log_new();
	struct ledger *l;
	char want[64];
	size_t len = 0;

	log_make(&g, 700, 700);
	l = log_reopen(&g);
	assert_int_equal(ledger_size(l), 700);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const char *json = ledger_leaf(l, order[i], &len);

		snprintf(want, sizeof(want), "{\"type\":\"%s\",\"n\":%d}", order[i] ? "gap" : "genesis", (int)order[i]);
		assert_string_equal(json, want);
		assert_int_equal(len, strlen(want));
	}
	assert_null(ledger_leaf(l, 700, &len));
	assert_null(ledger_leaf(l, UINT64_MAX, &len));
	ledger_close(l);
	log_free(&g);
}

static void the_files_are_in_the_published_formats(void **state)
{
	struct log g = log_new();
	struct ledger *l = log_reopen(&g);
	struct merkle m = { 0 };
	uint8_t hash[32], root[32];
	char base64[45], head[256];
	struct bytes b;

	assert_int_equal(ledger_append(l, "{\"a\":1}", 7), 0);
	assert_int_equal(ledger_append(l, "{}", 2), 1);
	assert_int_equal(ledger_commit(l), 0);
	b = log_read(&g, "leaves");
	assert_int_equal(b.len, 13);
	assert_memory_equal(b.ptr, "\0\7{\"a\":1}\0\2{}", 13);
	free(b.ptr);
	merkle_leaf(hash, "{\"a\":1}", 7), merkle_add(&m, hash);
	merkle_leaf(hash, "{}", 2), merkle_add(&m, hash);
	merkle_root(&m, root);
	base64_encode(base64, root, 32);
	snprintf(head, sizeof(head), "%s\n2\n%s\n\n\xe2\x80\x94 %s ", ledger_origin(l), base64, ledger_origin(l));
	b = log_read(&g, "checkpoint");
	assert_int_equal(b.len, strlen(head) + 93);
	assert_memory_equal(b.ptr, head, strlen(head));
	free(b.ptr);
	ledger_root(l, hash);
	assert_memory_equal(hash, root, 32);
	ledger_close(l);
	log_free(&g);
}

static void what_is_no_object_is_refused_and_closes_the_ledger(void **state)
{
	static const struct { const char *json; size_t len; } rows[] = {
		{ "", 0 }, { "{", 1 }, { "[]", 2 }, { "{}\n", 3 }, { "{\n}", 3 }, { "{\0}", 3 }, { " {}", 3 },
	};
	static char large[LEAF_MAX + 1];

	memset(large, ' ', sizeof(large));
	large[0] = '{';
	for (size_t i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
		struct log g = log_new();
		struct ledger *l = log_reopen(&g);
		bool last = i == sizeof(rows) / sizeof(rows[0]);

		large[LEAF_MAX] = '}';
		assert_true(ledger_append(l, last ? large : rows[i].json, last ? LEAF_MAX + 1 : rows[i].len) < 0);
		assert_true(ledger_append(l, "{}", 2) < 0);
		assert_true(ledger_commit(l) < 0);
		ledger_close(l);
		large[LEAF_MAX - 1] = '}';	/* the largest that is allowed */
		l = log_reopen(&g);
		assert_int_equal(ledger_append(l, large, LEAF_MAX), 0);
		assert_int_equal(ledger_commit(l), 0);
		ledger_close(l);
		assert_verifies(&g, 1);
		large[LEAF_MAX - 1] = ' ';
		log_free(&g);
	}
}

static void a_commit_without_news_signs_nothing(void **state)
{
	struct log g = log_new();
	struct ledger *l;
	uint8_t before[32], after[32];

	log_make(&g, 3, 3);
	l = log_reopen(&g);
	log_digest(&g, before);
	assert_int_equal(ledger_commit(l), 0);
	log_digest(&g, after);
	assert_memory_equal(before, after, 32);
	ledger_close(l);
	log_free(&g);
}

/* Tampering. */

static void every_flipped_bit_is_refused(const char *name, bool by_writer)
{
	struct pair p = pair_new(6, 2);
	struct bytes b = log_read(&p.good, name);
	struct ledger_report r;

	for (size_t bit = 0; bit < b.len * 8; bit++) {
		enum ledger_error err = LEDGER_OK;
		struct ledger *l = NULL;

		b.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		log_write(&p.bad, name, b.ptr, b.len);
		if (!log_verify(&p.bad, NULL, NULL, &r))
			fail_msg("the verifier took %s with bit %zu flipped", name, bit);
		if (by_writer)
			l = log_open(&p.bad, &err);
		if (l || (by_writer && !err))
			fail_msg("the writer took %s with bit %zu flipped", name, bit);
		b.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	log_write(&p.bad, name, b.ptr, b.len);
	assert_verifies(&p.bad, 6);
	free(b.ptr);
	pair_free(&p);
}

static void no_flipped_bit_of_the_leaves_is_taken(void **state)
{
	every_flipped_bit_is_refused("leaves", true);
}

static void no_flipped_bit_of_the_checkpoint_is_taken(void **state)
{
	every_flipped_bit_is_refused("checkpoint", true);
}

/* The writer checks the roots of the older ones, the verifier their signatures too. */
static void no_flipped_bit_of_the_old_checkpoints_is_taken(void **state)
{
	every_flipped_bit_is_refused("checkpoints", false);
}

static void no_flipped_bit_of_the_public_key_is_taken(void **state)
{
	every_flipped_bit_is_refused("key.pub", true);
}

static void a_changed_leaf_is_named_by_the_range_that_was_signed(void **state)
{
	struct pair p = pair_new(6, 2);
	struct bytes b = log_read(&p.good, "leaves");
	struct ledger_report r;
	const size_t frame = 2 + strlen(LEAF(3));

	b.ptr[2 + strlen("{\"type\":\"genesis\",\"n\":0}") + 2 * frame + 10] ^= 1;	/* in leaf 3 */
	log_write(&p.bad, "leaves", b.ptr, b.len);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	assert_int_equal(log_verify(&p.bad, NULL, NULL, &r), LEDGER_INTEGRITY);
	assert_non_null(strstr(r.why, "leaves 2 to 3 (bytes 48 to 92)"));
	free(b.ptr);
	pair_free(&p);
}

static void a_removed_middle_leaf_is_refused(void **state)
{
	struct pair p = pair_new(6, 2);
	struct bytes b = log_read(&p.good, "leaves");
	const size_t first = 2 + strlen("{\"type\":\"genesis\",\"n\":0}"), frame = 2 + strlen(LEAF(3));

	memmove(b.ptr + first + frame, b.ptr + first + 2 * frame, b.len - first - 2 * frame);
	log_write(&p.bad, "leaves", b.ptr, b.len - frame);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	free(b.ptr);
	pair_free(&p);
}

static void swapped_and_repeated_leaves_are_refused(void **state)
{
	struct pair p = pair_new(6, 6);
	struct bytes b = log_read(&p.good, "leaves");
	const size_t first = 2 + strlen("{\"type\":\"genesis\",\"n\":0}"), frame = 2 + strlen(LEAF(3));
	uint8_t one[64];

	memcpy(one, b.ptr + first, frame);
	memcpy(b.ptr + first, b.ptr + first + frame, frame);	/* leaf 2 twice, leaf 1 gone */
	log_write(&p.bad, "leaves", b.ptr, b.len);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	memcpy(b.ptr + first + frame, one, frame);		/* 2, 1 */
	log_write(&p.bad, "leaves", b.ptr, b.len);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	free(b.ptr);
	pair_free(&p);
}

static void an_inserted_leaf_is_refused(void **state)
{
	struct pair p = pair_new(6, 6);
	struct bytes b = log_read(&p.good, "leaves");
	const size_t frame = 2 + strlen(LEAF(3));

	memmove(b.ptr + b.len, b.ptr + b.len - frame, frame);
	log_write(&p.bad, "leaves", b.ptr, b.len + frame);
	assert_verifies(&p.bad, 6);	/* at the end it is merely not covered */
	memmove(b.ptr + frame, b.ptr, b.len);
	memcpy(b.ptr, "\0\x14" LEAF(9), frame);
	log_write(&p.bad, "leaves", b.ptr, b.len + frame);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	free(b.ptr);
	pair_free(&p);
}

static void a_cut_tail_is_refused_at_every_length(void **state)
{
	struct pair p = pair_new(5, 5);
	struct bytes b = log_read(&p.good, "leaves");

	for (size_t len = 0; len < b.len; len++) {
		log_write(&p.bad, "leaves", b.ptr, len);
		assert_refused(&p.bad, LEDGER_INTEGRITY);
		assert_non_null(strstr(p.bad.why, "tail was removed"));
	}
	log_remove(&p.bad, "leaves");
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	free(b.ptr);
	pair_free(&p);
}

static void a_missing_or_empty_checkpoint_is_refused(void **state)
{
	struct pair p = pair_new(5, 5);

	log_write(&p.bad, "checkpoint", "", 0);
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	log_remove(&p.bad, "checkpoint");
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	log_remove(&p.bad, "checkpoints");	/* the leaves alone: nobody signed them any more */
	assert_refused(&p.bad, LEDGER_INTEGRITY);
	log_remove(&p.bad, "leaves");
	log_write(&p.good, "leaves", "", 0);
	assert_refused(&p.good, LEDGER_INTEGRITY);
	pair_free(&p);
}

/* Other keys. */

static void a_key_of_another_log_is_foreign(void **state)
{
	struct pair p = pair_new(5, 5);
	struct log other = log_new();

	log_make(&other, 5, 5);
	log_copy(&other, &p.bad, "key");
	assert_null(log_open(&p.bad, &(enum ledger_error){ 0 }));
	assert_verifies(&p.bad, 5);	/* the log itself is as it was */
	log_copy(&other, &p.bad, "key.pub");
	assert_refused(&p.bad, LEDGER_FOREIGN);
	log_free(&other);
	pair_free(&p);
}

static void a_checkpoint_of_another_log_is_foreign(void **state)
{
	struct pair p = pair_new(5, 5);
	struct log other = log_new();

	log_make(&other, 5, 5);	/* the very same leaves */
	log_copy(&other, &p.bad, "checkpoint");
	assert_refused(&p.bad, LEDGER_FOREIGN);
	log_copy(&p.good, &p.bad, "checkpoint");
	log_copy(&other, &p.bad, "checkpoints");
	assert_int_equal(log_verify(&p.bad, NULL, NULL, &(struct ledger_report){ 0 }), LEDGER_FOREIGN);
	log_free(&other);
	pair_free(&p);
}

/* The whole log signed anew by another key is self-consistent: only an outside key tells. */
static void a_log_signed_anew_is_seen_with_the_key_from_elsewhere_only(void **state)
{
	struct log mine = log_new(), forged = log_new();
	struct ledger_report r;
	struct ledger *l;
	char vkey[256];

	log_make(&mine, 5, 5);
	l = log_reopen(&mine);
	snprintf(vkey, sizeof(vkey), "%s", ledger_vkey(l));
	ledger_close(l);
	log_make(&forged, 4, 4);
	assert_int_equal(log_verify(&mine, vkey, NULL, &r), LEDGER_OK);
	assert_true(r.outside_key);
	assert_int_equal(log_verify(&forged, NULL, NULL, &r), LEDGER_OK);
	assert_false(r.outside_key);
	assert_int_equal(log_verify(&forged, vkey, NULL, &r), LEDGER_FOREIGN);
	assert_int_equal(log_verify(&mine, "x", NULL, &r), LEDGER_ARGUMENT);
	log_free(&mine);
	log_free(&forged);
}

static void no_key_is_made_over_a_log(void **state)
{
	static const char *const left[] = { "leaves", "checkpoint", "checkpoints", "key.pub" };

	for (size_t i = 0; i < 4; i++) {
		struct log g = log_new();
		enum ledger_error err = LEDGER_OK;

		log_make(&g, 5, 5);
		log_remove(&g, "key");
		for (size_t k = 0; k < 4; k++)
			if (k != i)
				log_remove(&g, left[k]);
		assert_null(log_open(&g, &err));
		assert_int_equal(err, LEDGER_KEY);
		assert_non_null(strstr(g.why, left[i]));
		assert_false(log_has(&g, "key"));
		log_free(&g);
	}
}

static void a_key_that_is_damaged_readable_by_others_or_no_file_is_refused(void **state)
{
	struct log g = log_new();
	struct bytes key;
	enum ledger_error err = LEDGER_OK;
	char path[256];

	log_make(&g, 5, 5);
	key = log_read(&g, "key");
	snprintf(path, sizeof(path), "%s/ledger/key", g.path);
	for (size_t len = 0; len < key.len; len += 7) {
		log_write(&g, "key", key.ptr, len);
		assert_null(log_open(&g, &err));
		assert_int_equal(err, LEDGER_KEY);
	}
	log_write(&g, "key", key.ptr, key.len);
	chmod(path, 0640);
	assert_null(log_open(&g, &err));
	assert_int_equal(err, LEDGER_KEY);
	assert_non_null(strstr(g.why, "chmod 0600"));
	log_remove(&g, "key");
	assert_int_equal(symlink("key.pub", path), 0);
	assert_null(log_open(&g, &err));
	assert_int_equal(err, LEDGER_KEY);
	log_remove(&g, "key");
	assert_int_equal(mkfifo(path, 0600), 0);	/* must not wait for a writer */
	assert_null(log_open(&g, &err));
	assert_int_equal(err, LEDGER_KEY);
	log_remove(&g, "key");
	log_write(&g, "key", key.ptr, key.len);
	ledger_close(log_reopen(&g));
	free(key.ptr);
	log_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_log_has_a_name_a_private_key_and_folders_for_nobody_else),
		cmocka_unit_test(name_and_key_stay_the_same_over_openings),
		cmocka_unit_test(a_log_is_new_until_its_first_leaf),
		cmocka_unit_test(leaves_are_read_back_in_any_order),
		cmocka_unit_test(the_files_are_in_the_published_formats),
		cmocka_unit_test(what_is_no_object_is_refused_and_closes_the_ledger),
		cmocka_unit_test(a_commit_without_news_signs_nothing),
		cmocka_unit_test(no_flipped_bit_of_the_leaves_is_taken),
		cmocka_unit_test(no_flipped_bit_of_the_checkpoint_is_taken),
		cmocka_unit_test(no_flipped_bit_of_the_old_checkpoints_is_taken),
		cmocka_unit_test(no_flipped_bit_of_the_public_key_is_taken),
		cmocka_unit_test(a_changed_leaf_is_named_by_the_range_that_was_signed),
		cmocka_unit_test(a_removed_middle_leaf_is_refused),
		cmocka_unit_test(swapped_and_repeated_leaves_are_refused),
		cmocka_unit_test(an_inserted_leaf_is_refused),
		cmocka_unit_test(a_cut_tail_is_refused_at_every_length),
		cmocka_unit_test(a_missing_or_empty_checkpoint_is_refused),
		cmocka_unit_test(a_key_of_another_log_is_foreign),
		cmocka_unit_test(a_checkpoint_of_another_log_is_foreign),
		cmocka_unit_test(a_log_signed_anew_is_seen_with_the_key_from_elsewhere_only),
		cmocka_unit_test(no_key_is_made_over_a_log),
		cmocka_unit_test(a_key_that_is_damaged_readable_by_others_or_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
