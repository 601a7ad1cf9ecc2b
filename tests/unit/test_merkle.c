/* SPDX-License-Identifier: Apache-2.0 */
/* The RFC 6962 tree against the published Certificate Transparency vectors and against
 * the RFC's own recursive definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "store/merkle.h"

/* certificate-transparency merkle_tree_test.cc: eight leaves and the root after each. */
static const struct { const char *bytes; size_t len; const char *root; } ct[] = {
	{ "", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ "\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ "\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ "\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ "\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
	  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void assert_root(const struct merkle *m, const char *want)
{
	uint8_t root[MERKLE_HASH];
	char hex[65];

	merkle_root(m, root);
	hex_encode(hex, root, sizeof(root));
	assert_string_equal(hex, want);
}

static void the_empty_tree_is_the_hash_of_nothing(void **state)
{
	struct merkle m = { 0 };

	assert_root(&m, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void the_published_leaves_give_the_published_roots(void **state)
{
	struct merkle m = { 0 };
	uint8_t hash[MERKLE_HASH];

	for (size_t i = 0; i < sizeof(ct) / sizeof(ct[0]); i++) {
		merkle_leaf(hash, ct[i].bytes, ct[i].len);
		merkle_add(&m, hash);
		assert_int_equal(m.size, i + 1);
		assert_root(&m, ct[i].root);
	}
}

/* RFC 6962 2.1: split at the largest power of two below n. */
static void define(uint8_t out[MERKLE_HASH], uint8_t (*leaves)[MERKLE_HASH], size_t n)
{
	uint8_t left[MERKLE_HASH], right[MERKLE_HASH], both[65] = { 1 };
	size_t k = 1;

	if (n == 1) {
		memcpy(out, leaves[0], MERKLE_HASH);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	define(left, leaves, k);
	define(right, leaves + k, n - k);
	memcpy(both + 1, left, 32);
	memcpy(both + 33, right, 32);
	sha256(out, both, sizeof(both));
}

static void every_size_to_600_agrees_with_the_recursive_definition(void **state)
{
	static uint8_t leaves[600][MERKLE_HASH];
	struct merkle m = { 0 };
	uint8_t want[MERKLE_HASH], root[MERKLE_HASH];

	for (size_t i = 0; i < 600; i++) {
		merkle_leaf(leaves[i], &i, sizeof(i));
		merkle_add(&m, leaves[i]);
		define(want, leaves, i + 1);
		merkle_root(&m, root);
		assert_memory_equal(root, want, MERKLE_HASH);
	}
}

/* Else an inner node could be shown as a leaf (second preimage). */
static void a_leaf_with_the_bytes_of_a_node_has_another_hash(void **state)
{
	uint8_t both[64] = { 1, 2, 3 }, leaf[MERKLE_HASH], node[MERKLE_HASH];

	merkle_leaf(leaf, both, sizeof(both));
	merkle_node(node, both, both + 32);
	assert_memory_not_equal(leaf, node, MERKLE_HASH);
}

static void swapped_leaves_give_another_root(void **state)
{
	struct merkle a = { 0 }, b = { 0 };
	uint8_t one[MERKLE_HASH], two[MERKLE_HASH], ra[MERKLE_HASH], rb[MERKLE_HASH];

	merkle_leaf(one, "1", 1);
	merkle_leaf(two, "2", 1);
	merkle_add(&a, one), merkle_add(&a, two);
	merkle_add(&b, two), merkle_add(&b, one);
	merkle_root(&a, ra);
	merkle_root(&b, rb);
	assert_memory_not_equal(ra, rb, MERKLE_HASH);
}

static void tile_paths_are_groups_of_three_digits(void **state)
{
	static const struct { unsigned level; uint64_t n; const char *path; } rows[] = {
		{ 0, 0, "tile/0/000" }, { 0, 7, "tile/0/007" }, { 0, 999, "tile/0/999" }, { 0, 1000, "tile/0/x001/000" },
		{ 0, 1234067, "tile/0/x001/x234/067" }, { 1, 1000000, "tile/1/x001/x000/000" },
		{ 0, UINT64_MAX, "tile/0/x018/x446/x744/x073/x709/x551/615" },
	};
	char path[TILE_PATH_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tile_path(path, rows[i].level, rows[i].n);
		assert_string_equal(path, rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_empty_tree_is_the_hash_of_nothing),
		cmocka_unit_test(the_published_leaves_give_the_published_roots),
		cmocka_unit_test(every_size_to_600_agrees_with_the_recursive_definition),
		cmocka_unit_test(a_leaf_with_the_bytes_of_a_node_has_another_hash),
		cmocka_unit_test(swapped_leaves_give_another_root),
		cmocka_unit_test(tile_paths_are_groups_of_three_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
