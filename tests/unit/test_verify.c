/* SPDX-License-Identifier: Apache-2.0 */
/* weir ledger verify does the sums itself: a log whose every signature is right, written by
 * whoever has the key, is still refused when what it says does not add up. */
#include "store/merkle.h"
#include "tests/unit/state_fixture.h"

#define COUNTERS(X) \
	X(produced) X(submitted) X(ring_full) X(unreadable) X(too_big) X(no_state) X(read) X(analysed) X(queue_full) \
	X(crash_lost) X(undecodable) X(over_budget) X(findings) X(stored) X(rejected) X(keeper_lost)
#define X(name) #name,
static const char *const counters[] = { COUNTERS(X) };
#undef X
#define NR (sizeof(counters) / sizeof(counters[0]))
static const unsigned sums[NR] = { 112, 100, 3, 4, 5, 0, 100, 80, 9, 2, 8, 1, 30, 20, 7, 3 };

static struct state s;

/* As the keeper writes it, with the first `parts` of what it says of who signs. */
static void genesis(unsigned parts)
{
	char json[512];

	snprintf(json, sizeof(json), "{\"type\":\"genesis\"%s%s%s%s%s%s}", parts > 0 ? ",\"origin\":\"" : "", parts > 0 ? ledger_origin(s.ledger) : "",
		 parts > 0 ? "\"" : "", parts > 1 ? ",\"key\":\"" : "", parts > 1 ? ledger_vkey(s.ledger) : "", parts > 1 ? "\"" : "");
	state_leaf(&s, json);
}

static int make(void **state)
{
	s = state_new();
	genesis(2);
	return 0;
}

static int drop(void **state)
{
	state_free(&s);
	return 0;
}

/* A heartbeat whose counter `odd` is this text instead. */
static void heartbeat(const char *balanced, size_t odd, const char *text)
{
	char json[1024];
	int n = snprintf(json, sizeof(json), "{\"type\":\"heartbeat\",\"epoch\":1,\"balanced\":%s,\"books\":{\"x\":0", balanced);

	for (size_t i = 0; i < NR; i++) {
		if (i == odd && text)
			n += snprintf(json + n, sizeof(json) - (size_t)n, ",\"%s\":%s", counters[i], text);
		else if (i != odd)
			n += snprintf(json + n, sizeof(json) - (size_t)n, ",\"%s\":%u", counters[i], sums[i]);
	}
	snprintf(json + n, sizeof(json) - (size_t)n, "}}");
	state_leaf(&s, json);
	state_commit(&s);
}

static void refused(const char *what)
{
	assert_int_equal(WEIR_RUN("ledger", "verify", "--state", s.path), EXIT_NOT_VERIFIED);
	if (!strstr(said.err, what) || !strstr(said.err, "NOT VERIFIED"))
		fail_msg("\"%s\" is not in: %s", what, said.err);
}

static void books_that_balance_verify(void **state)
{
	heartbeat("true", NR, NULL);
	assert_int_equal(WEIR_RUN("ledger", "verify", "--state", s.path), EXIT_OK);
	assert_non_null(strstr(said.out, "1 intervals, 1 balance, 0 declared unbalanced"));
}

static void any_counter_that_is_off_by_one_is_found(void **state)
{
	for (size_t i = 0; i < NR; i++) {
		char off[16];

		if (i)
			drop(NULL), make(NULL);
		snprintf(off, sizeof(off), "%u", sums[i] + 1);
		heartbeat("true", i, off);
		refused("books off by 1 in leaf 1 ");
	}
}

static void an_unbalanced_interval_that_says_so_is_told_and_verifies(void **state)
{
	heartbeat("false", 0, "118");
	assert_int_equal(WEIR_RUN("ledger", "verify", "--state", s.path), EXIT_OK);
	assert_non_null(strstr(said.out, "1 intervals, 0 balance, 1 declared unbalanced"));
	assert_non_null(strstr(said.out, "books off by 6 in leaf 1 "));
	assert_non_null(strstr(said.out, "the leaf declares it"));
}

static void a_counter_that_is_no_count_is_found(void **state)
{
	static const char *const odd[] = { NULL, "-1", "1.5", "\"112\"", "null", "[112]", "18446744073709551616", "true" };

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (i)
			drop(NULL), make(NULL);
		heartbeat("true", 0, odd[i]);
		refused(odd[i] && !strcmp(odd[i], "true") ? "books off by" : "heartbeat without whole books");
	}
}

static void sums_that_would_wrap_do_not(void **state)
{
	heartbeat("true", 2, "9223372036854775807");
	refused("books off by 9223372036854775804 in leaf 1 ");
}

static void bytes(const char *type, const char *account, const char *what)
{
	char json[1024];

	snprintf(json, sizeof(json), "{\"type\":\"%s\",\"bytes\":{%s}}", type, account);
	state_leaf(&s, json);
	state_commit(&s);
	if (what)
		refused(what);
	else
		assert_int_equal(WEIR_RUN("ledger", "verify", "--state", s.path), EXIT_OK);
}

static void bytes_must_add_up(void **state)
{
	static const char *const types[] = { "flow", "coverage" };

	for (size_t i = 0; i < 2; i++) {
		drop(NULL), make(NULL);
		bytes(types[i], "\"moved\":21,\"examined\":1,\"opaque\":2,\"skipped\":3,\"lost\":4,\"framing\":5,\"unexplained\":6", NULL);
		bytes(types[i], "\"moved\":0,\"examined\":4,\"opaque\":0,\"skipped\":0,\"lost\":0,\"framing\":0,\"unexplained\":-4", NULL);
		bytes(types[i], "\"moved\":20,\"examined\":1,\"opaque\":2,\"skipped\":3,\"lost\":4,\"framing\":5,\"unexplained\":6",
		      "bytes do not add up in leaf 3 ");
		drop(NULL), make(NULL);
		bytes(types[i], "\"moved\":20,\"examined\":20", "has no whole account of its bytes");
		drop(NULL), make(NULL);
		bytes(types[i], "\"moved\":20,\"examined\":25,\"opaque\":0,\"skipped\":0,\"lost\":-5,\"framing\":0,\"unexplained\":0",
		      "bytes has a part below zero in leaf 1 ");
	}
}

#define PARTS(moved, examined, unexplained) \
	"\"moved\":" moved ",\"examined\":" examined ",\"opaque\":0,\"skipped\":0,\"lost\":0,\"framing\":0,\"unexplained\":" unexplained
#define BOTH(sum, sent, received) sum "},\"sent\":{" sent "},\"received\":{" received

static void each_direction_must_add_up(void **state)
{
	drop(NULL), make(NULL);
	bytes("flow", BOTH(PARTS("9", "9", "0"), PARTS("4", "1", "3"), PARTS("5", "8", "-3")), NULL);
	/* The sum holds, its parts do not. */
	bytes("flow", BOTH(PARTS("9", "9", "0"), PARTS("4", "1", "0"), PARTS("5", "8", "0")), "sent do not add up in leaf 2 ");
	drop(NULL), make(NULL);
	bytes("flow", BOTH(PARTS("9", "9", "0"), PARTS("4", "4", "0"), PARTS("6", "6", "0")), "bytes are not the sum of sent and received in leaf 1 ");
	drop(NULL), make(NULL);
	bytes("flow", PARTS("4", "4", "0") "},\"sent\":{" PARTS("4", "4", "0"), "has no whole account of its bytes");
}

static void a_second_beginning_is_found(void **state)
{
	state_leaf(&s, "{\"type\":\"genesis\"}");
	state_commit(&s);
	refused("a second genesis");
}

static void a_log_signed_anew_from_its_own_leaves_is_found(void **state)
{
	state_leaf(&s, "{\"type\":\"stop\"}");
	state_commit(&s);
	drop(NULL);
	s = state_new();
	state_leaf(&s, "{\"type\":\"genesis\",\"origin\":\"host/00000000\",\"key\":\"host/00000000+00000000+AAAA\"}");
	state_commit(&s);
	refused("the log was signed anew");
}

/* Without them nothing binds the first leaf to the key: whoever has a key can sign a beginning that names nobody. */
static void a_beginning_that_names_no_signer_is_found(void **state)
{
	static const char *const odd[] = {
		"{\"type\":\"genesis\",\"origin\":null,\"key\":null}", "{\"type\":\"genesis\",\"origin\":\"\",\"key\":\"\"}",
		"{\"type\":\"genesis\",\"origin\":7,\"key\":{}}",
	};

	for (unsigned parts = 0; parts < 2; parts++) {
		drop(NULL);
		s = state_new();
		genesis(parts);
		state_commit(&s);
		refused(parts ? "leaf 0 (genesis, byte 0) names no key" : "leaf 0 (genesis, byte 0) names no origin and no key");
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		drop(NULL);
		s = state_new();
		state_leaf(&s, odd[i]);
		state_commit(&s);
		refused("names no origin and no key");
	}
}

/* weir itself writes tiles of hashes of leaves only; who puts those above beside them must have them right. */
#define UPPER_LEAVES (TILE_WIDTH * TILE_WIDTH + 300)

static void upper_tile(const uint8_t *tile, size_t len, unsigned level, unsigned n)
{
	char path[256], name[TILE_PATH_SIZE];
	FILE *f;

	tile_path(name, level, n);
	snprintf(path, sizeof(path), "%s/ledger/tile/%u", s.path, level);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/ledger/%s", s.path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(tile, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void a_tile_of_a_higher_level_must_be_of_these_leaves(void **state)
{
	static uint8_t tile[TILE_SIZE + 1];
	struct merkle part = { .size = 0 };
	uint8_t hash[MERKLE_HASH];
	char json[128], name[256];

	snprintf(json, sizeof(json), "{\"type\":\"stop\"}");
	for (unsigned i = 0; i < UPPER_LEAVES; i++) {
		if (i)
			assert_true(ledger_append(s.ledger, json, strlen(json)) >= 0);
		if (i == 0) {	/* the genesis, as it is on the disk */
			uint8_t head[2];
			FILE *f;

			state_commit(&s);
			snprintf(name, sizeof(name), "%s/ledger/leaves", s.path);
			f = fopen(name, "r");
			assert_non_null(f);
			assert_int_equal(fread(head, 1, 2, f), 2);
			assert_int_equal(fread(tile, 1, head[0] * 256u + head[1], f), head[0] * 256u + head[1]);
			fclose(f);
			merkle_leaf(hash, tile, head[0] * 256u + head[1]);
		} else {
			merkle_leaf(hash, json, strlen(json));
		}
		merkle_add(&part, hash);
		if (part.size == TILE_WIDTH && i < TILE_WIDTH * TILE_WIDTH) {
			merkle_root(&part, tile + i / TILE_WIDTH * MERKLE_HASH);
			part = (struct merkle){ .size = 0 };
		}
	}
	state_commit(&s);
	assert_int_equal(WEIR_RUN("ledger", "verify", "--state", s.path), EXIT_OK);
	upper_tile(tile, TILE_SIZE, 1, 0);
	assert_int_equal(WEIR_RUN("ledger", "verify", "--state", s.path), EXIT_OK);
	for (unsigned i = 0; i < TILE_WIDTH; i += 85) {
		tile[i * MERKLE_HASH + 5] ^= 1;
		upper_tile(tile, TILE_SIZE, 1, 0);
		tile[i * MERKLE_HASH + 5] ^= 1;
		snprintf(name, sizeof(name), "ledger/tile/1/000: hash %u is not that of leaves %u to %u,", i, i * TILE_WIDTH, i * TILE_WIDTH + TILE_WIDTH - 1);
		refused(name);
	}
	upper_tile(tile, TILE_SIZE - 1, 1, 0);
	refused("ledger/tile/1/000 is not 8192 bytes long");
	upper_tile(tile, TILE_SIZE + 1, 1, 0);
	refused("ledger/tile/1/000 is not 8192 bytes long");
	upper_tile(tile, TILE_SIZE, 1, 0);
	upper_tile(tile, TILE_SIZE, 1, 1);
	refused("ledger/tile/1/001 holds the hashes of");
	snprintf(name, sizeof(name), "%s/ledger/tile/1/001", s.path);
	assert_int_equal(remove(name), 0);
	upper_tile(tile, TILE_SIZE, 2, 0);
	refused("ledger/tile/2/000 holds the hashes of");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		CASE(books_that_balance_verify),
		CASE(any_counter_that_is_off_by_one_is_found),
		CASE(an_unbalanced_interval_that_says_so_is_told_and_verifies),
		CASE(a_counter_that_is_no_count_is_found),
		CASE(sums_that_would_wrap_do_not),
		CASE(bytes_must_add_up), CASE(each_direction_must_add_up),
		CASE(a_second_beginning_is_found), CASE(a_beginning_that_names_no_signer_is_found),
		CASE(a_tile_of_a_higher_level_must_be_of_these_leaves),
		CASE(a_log_signed_anew_from_its_own_leaves_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
