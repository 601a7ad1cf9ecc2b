/* SPDX-License-Identifier: Apache-2.0 */
/* What stands for the next keeper: the newest fact of each kind of each connection, in the order in which they came,
 * those of use before others where there is no room; never again what the last keeper died of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/standing.h"

#define MANY 5000	/* three times what there is room for */

struct told { unsigned nr; struct fact facts[32]; bool seen[MANY + 1]; };
static struct told told;

static int setup(void **state)
{
	*state = calloc(1, STANDING_MEMORY);
	memset(&told, 0, sizeof(told));
	return *state ? standing_prepare(*state) : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void put(struct standing *s, struct fact *f)
{
	static uint8_t packed[FACT_MAX_SIZE];
	int len = facts_pack(f, packed, sizeof(packed));

	assert_true(len > 0);
	standing_put(s, f, packed, (size_t)len);
}

static struct conn_facts conn_of(uint64_t id)
{
	return (struct conn_facts){ .id = id, .process = { 7, 8 }, .family = AF_INET, .local.port = 4001, .remote.port = 443 };
}

static void put_conn(struct standing *s, uint64_t id, uint64_t time)
{
	struct fact f = { .kind = FACT_CONN, .conn = { .conn = conn_of(id), .time = time } };

	put(s, &f);
}

static void put_handshake(struct standing *s, uint64_t id, uint16_t version)
{
	struct fact f = { .kind = FACT_HANDSHAKE, .handshake = { .conn = conn_of(id), .tls.version = version } };

	put(s, &f);
}

static void put_longest(struct standing *s)
{
	struct fact f = { .kind = FACT_HANDSHAKE, .handshake = { .conn = conn_of(UINT64_MAX >> 1), .at = { INT64_MAX, UINT32_MAX } } };
	struct tls_facts *t = &f.handshake.tls;

	memset(t->sni, 'a', sizeof(t->sni) - 1);
	memset(t->alpn, 'a', sizeof(t->alpn) - 1);
	memset(t->alpn_offered, 'a', sizeof(t->alpn_offered) - 1);
	memset(t->ja4, 'a', sizeof(t->ja4) - 1);
	memset(t->peer_subject, 'a', sizeof(t->peer_subject) - 1);
	t->peer_expires = -((int64_t)1 << 60);
	t->version = t->cipher = UINT16_MAX;
	put(s, &f);
}

static void put_name(struct standing *s, uint32_t tgid, const char *name)
{
	struct fact f = { .kind = FACT_NAMED, .named = { .conn = conn_of(3), .family = AF_INET, .address.addr = { 10, 0, 0, 1 } } };

	f.named.conn.process.tgid = tgid;
	snprintf(f.named.name, sizeof(f.named.name), "%s", name);
	put(s, &f);
}

static void put_traffic(struct standing *s, uint64_t id)
{
	struct fact f = { .kind = FACT_TRAFFIC, .traffic.conn = conn_of(id) };

	put(s, &f);
}

static void each(void *owner, struct fact *f)
{
	struct told *t = owner;

	if (t->nr < sizeof(t->facts) / sizeof(t->facts[0]))
		t->facts[t->nr] = *f;
	if (f->kind == FACT_CONN && f->conn.conn.id <= MANY)
		t->seen[f->conn.conn.id] = true;
	t->nr++;
}

static int tell(struct standing *s)
{
	static struct fact f;

	memset(&told, 0, sizeof(told));
	return standing_tell(s, &f, each, &told);
}

static void newest_of_each_kind_in_order(void **state)
{
	put_conn(*state, 1, 10);
	put_handshake(*state, 1, 0x0303);
	put_name(*state, 7, "old.example");
	put_name(*state, 9, "other.example");
	put_conn(*state, 2, 20);
	put_handshake(*state, 1, 0x0304);
	put_name(*state, 7, "new.example");
	put_conn(*state, 1, 30);
	put_traffic(*state, 2);
	assert_int_equal(tell(*state), 5);
	assert_int_equal(told.nr, 5);
	assert_string_equal(told.facts[0].named.name, "other.example");
	assert_int_equal(told.facts[1].conn.conn.id, 2);
	assert_int_equal(told.facts[2].handshake.tls.version, 0x0304);
	assert_string_equal(told.facts[3].named.name, "new.example");
	assert_int_equal(told.facts[4].conn.time, 30);
	assert_int_equal(tell(*state), 5);	/* it stands for the one after, too */
}

static void longest_fits(void **state)
{
	put_longest(*state);
	assert_int_equal(tell(*state), 1);
	assert_int_equal(strlen(told.facts[0].handshake.tls.peer_subject), PATH_SIZE - 1);
}

static void what_is_of_use_stays(void **state)
{
	unsigned kept = 0;

	put_conn(*state, 1, 1);
	for (uint64_t id = 2; id <= MANY; id++) {
		put_conn(*state, id, id);
		put_traffic(*state, 1);
	}
	assert_true(tell(*state) > MANY / 4);
	for (uint64_t id = 2; id <= MANY; id++)
		kept += told.seen[id];
	assert_true(told.seen[1]);
	assert_int_equal(kept + 1, told.nr);
	assert_true(told.seen[MANY]);
}

static jmp_buf died;

static void dies(void *owner, struct fact *f)
{
	(void)owner;
	(void)f;
	longjmp(died, 1);
}

static void what_kills_is_told_once(void **state)
{
	static struct fact f;

	put_conn(*state, 1, 10);
	if (!setjmp(died)) {
		standing_tell(*state, &f, dies, NULL);
		fail();
	}
	assert_int_equal(tell(*state), -1);
	assert_int_equal(told.nr, 0);
	assert_int_equal(tell(*state), 0);
	put_conn(*state, 2, 20);
	assert_int_equal(tell(*state), 1);
}

/* Whatever lies there: it is no fact, or one that any analyst could have told. */
static void any_memory(void **state)
{
	uint8_t *memory = *state;

	srand(4711);
	for (int round = 0; round < 8; round++) {
		put_conn(*state, 1 + (uint64_t)round, 10);
		put_longest(*state);
		for (int i = 0; i < 50000; i++)
			memory[64 + (size_t)rand() % (STANDING_MEMORY - 64)] = (uint8_t)rand();
		assert_true(tell(*state) >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(newest_of_each_kind_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(longest_fits, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_of_use_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(what_kills_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(any_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
