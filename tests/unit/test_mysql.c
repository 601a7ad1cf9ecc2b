/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases are too short for: packets of 16 MiB, pipelines longer than what may wait, more
 * prepared statements than are remembered, frames that inflate to more than they may, and memory
 * that runs out. */
#include "tests/unit/session_world.h"

#include <zlib.h>
#include <zstd.h>

static void head(enum dir dir, size_t len, unsigned seq)
{
	uint8_t bytes[4] = { (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)seq };

	give(dir, bytes, sizeof(bytes));
}

static void packet(enum dir dir, unsigned seq, const void *body, size_t len)
{
	head(dir, len, seq);
	give(dir, body, len);
}
#define CLIENT(text)		packet(DIR_RECEIVED, 0, text, sizeof(text) - 1)
#define SERVER(seq, text)	packet(DIR_SENT, seq, text, sizeof(text) - 1)
#define OK_TEXT			"\0\0\0\2\0\0\0"
#define COLUMN(name)		"\3def\4shop\1t\1t\1" name "\1" name "\x0c\x21\0\xf0\0\0\0\xfd\0\0\0\0\0"
#define END			"\xfe\0\0\2\0"

static void login(uint32_t more_caps)
{
	uint8_t body[] = "\x0d\xa2\x00\x00\0\0\0\1\x21.......................app\0\0shop\0";

	memset(body + 9, 0, 23);
	body[0] |= (uint8_t)more_caps;
	body[2] |= (uint8_t)(more_caps >> 16);
	body[3] |= (uint8_t)(more_caps >> 24);
	SERVER(0, "\x0a" "8.0.36\0\7\0\0\0abcdefgh\0\xff\xf7\x21\2\0\xff\xc7\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0");
	packet(DIR_RECEIVED, 1, body, sizeof(body) - 1);
	SERVER(2, OK_TEXT);
}

static void long_pipelines_are_counted_to_the_last(void **state)
{
	assert_true(begin());
	login(0);
	CLIENT("\x16INSERT INTO t (a) VALUES (?)");
	SERVER(1, "\0\1\0\0\0\0\0\1\0\0\0\0");
	SERVER(2, COLUMN("?"));
	SERVER(3, END);
	for (unsigned i = 0; i < 5003; i++)
		CLIENT("\x17\1\0\0\0\0\1\0\0\0\0\1\xfd\0\5value");
	for (unsigned i = 0; i < 5003; i++)
		SERVER(1, OK_TEXT);
	assert_int_equal(seen.exchanges, 5003);
	assert_int_equal(seen.statuses[200], 5003);
	assert_int_equal(seen.fields, 5003 + 2);
	assert_string_equal(seen.path, "bind.a");
	assert_string_equal(seen.route, "t");
	CLIENT("\3SELECT 1");
	SERVER(1, OK_TEXT);
	end();
	assert_int_equal(seen.exchanges, 5004);
	assert_int_equal(c.acct[0].opaque + c.acct[1].opaque, 0);
}

static void many_statements_of_one_query_are_counted(void **state)
{
	struct buf sql;

	for (unsigned run = 0; run < 2; run++) {
		assert_true(begin());
		login(1 << 16);
		buf_init(&sql, 1 << 20);
		buf_puts(&sql, "\3");
		for (unsigned i = 0; i < 1009; i++)
			buf_puts(&sql, "INSERT INTO t VALUES ('x'); ");
		packet(DIR_RECEIVED, 0, sql.ptr, sql.len);
		assert_int_equal(seen.fields, 2 + 1009);
		/* All are answered, or one fails and those behind it never ran. */
		for (unsigned i = 1; i < (run ? 503 : 1009); i++)
			SERVER(i, "\0\1\0\x0a\0\0\0");
		if (run)
			SERVER(503, "\xff\x28\4#42000You have an error in your SQL syntax");
		else
			SERVER(1009, OK_TEXT);
		CLIENT("\3SELECT 1");
		SERVER(1, OK_TEXT);
		buf_free(&sql);
		end();
		assert_int_equal(seen.exchanges, run ? 504 : 1010);
		assert_int_equal(seen.statuses[400], run);
	}
}

static void statements_beyond_the_table_lose_names_alone(void **state)
{
	uint8_t ok[12] = { 0 }, execute[] = "\x17\0\0\0\0\0\1\0\0\0\0\1\xfd\0\1x";
	char text[64];

	assert_true(begin());
	login(0);
	for (unsigned i = 0; i < 200; i++) {
		packet(DIR_RECEIVED, 0, text, (size_t)snprintf(text, sizeof(text), "\x16SELECT a FROM t%u WHERE b = ?", i));
		ok[1] = (uint8_t)i;
		ok[7] = 1;
		packet(DIR_SENT, 1, ok, sizeof(ok));
		SERVER(2, COLUMN("?"));
		SERVER(3, END);
	}
	execute[1] = 199;
	packet(DIR_RECEIVED, 0, execute, sizeof(execute) - 1);
	assert_string_equal(seen.path, "bind.b");
	SERVER(1, OK_TEXT);
	assert_string_equal(seen.route, "t199");
	execute[1] = 3;
	packet(DIR_RECEIVED, 0, execute, sizeof(execute) - 1);
	assert_string_equal(seen.path, "bind.$1");
	SERVER(1, OK_TEXT);
	assert_string_equal(seen.route, "");
	assert_string_equal(seen.method, "EXECUTE");
	end();
	assert_int_equal(seen.exchanges, 2);
}

/* A value of 17 MiB in two packets: one row, held to its limit. */
static void packets_of_16_mib_go_on(void **state)
{
	size_t before = budget_used(), first = 0xffffff, rest = (1 << 20) + 9, sent = 0, most = 0;
	uint8_t *block = malloc(65536);

	memset(block, 'x', 65536);
	assert_true(begin());
	login(0);
	CLIENT("\3SELECT a FROM t");
	SERVER(1, "\1");
	SERVER(2, COLUMN("a"));
	SERVER(3, END);
	head(DIR_SENT, first, 4);
	give(DIR_SENT, "\xfe\xff\xff\x0f\1\0\0\0\0", 9);	/* its length: 0x10fffff */
	for (sent = 9; sent < first; sent += 65536) {
		give(DIR_SENT, block, first - sent < 65536 ? first - sent : 65536);
		most = budget_used() > most ? budget_used() : most;
	}
	head(DIR_SENT, rest, 5);
	for (sent = 0; sent < rest; sent += 65536)
		give(DIR_SENT, block, rest - sent < 65536 ? rest - sent : 65536);
	SERVER(6, END);
	assert_int_equal(seen.exchanges, 1);
	assert_int_equal(seen.fields, 2 + 1);
	assert_string_equal(seen.path, "row.a");
	assert_int_equal(seen.longest, PROTOCOL_BODY_HELD - 9);
	assert_true(most - before < 3 << 20);
	end();
	assert_int_equal(budget_used(), before);
	free(block);
}

static void frame(enum dir dir, unsigned seq, const void *bytes, size_t len, bool zstd)
{
	uLongf packed = zstd ? ZSTD_compressBound(len) : compressBound(len);
	uint8_t *out = malloc(packed + 7);

	if (zstd)
		packed = ZSTD_compress(out + 7, packed, bytes, len, 3);
	else
		assert_int_equal(compress(out + 7, &packed, bytes, len), Z_OK);
	head(dir, packed, seq);
	out[4] = (uint8_t)len;
	out[5] = (uint8_t)(len >> 8);
	out[6] = (uint8_t)(len >> 16);
	give(dir, out + 4, packed + 3);
	free(out);
}

/* 15 MiB of nothing in 15 KiB: no more is made of it than a hundred times its input; and what follows is read. */
static void bomb_is_not_opened_to_the_end(bool zstd)
{
	static const char query[] = "\x10\0\0\0\3SELECT a FROM t", ok[] = "\7\0\0\1\0\0\0\2\0\0\0";
	size_t before = budget_used(), len = 15 << 20;
	uint8_t *bomb = calloc(1, len);

	assert_true(begin());
	login(zstd ? 1u << 26 : 0x20);
	frame(DIR_RECEIVED, 0, query, sizeof(query) - 1, zstd);
	memcpy(bomb, "\xf0\0\0\1", 4);
	frame(DIR_SENT, 1, bomb, len, zstd);
	assert_true(budget_used() - before < 256 << 10);
	frame(DIR_RECEIVED, 0, query, sizeof(query) - 1, zstd);
	frame(DIR_SENT, 1, ok, sizeof(ok) - 1, zstd);
	assert_int_equal(seen.exchanges, 2);
	assert_int_equal(seen.statuses[200], 2);	/* its first packet is an OK */
	end();
	free(bomb);
	assert_int_equal(budget_used(), before);
}

static void bombs_are_not_opened_to_the_end(void **state)
{
	bomb_is_not_opened_to_the_end(false);
	bomb_is_not_opened_to_the_end(true);
}

static void say_all(void)
{
	login(0);
	CLIENT("\x16INSERT INTO t (a, b) VALUES (?, 'y')");
	SERVER(1, "\0\1\0\0\0\0\0\1\0\0\0\0");
	SERVER(2, COLUMN("?"));
	SERVER(3, END);
	for (unsigned i = 0; i < 20; i++)
		CLIENT("\x17\1\0\0\0\0\1\0\0\0\0\1\xfd\0\1x");
	for (unsigned i = 0; i < 20; i++)
		SERVER(1, OK_TEXT);
	CLIENT("\x18\1\0\0\0\0\0a long text");
	CLIENT("\3SELECT a FROM t");
	SERVER(1, "\1");
	SERVER(2, COLUMN("a"));
	SERVER(3, END);
	SERVER(4, "\5value");
	SERVER(5, END);
	CLIENT("\3LOAD DATA LOCAL INFILE 'f' INTO TABLE t (a)");
	SERVER(1, "\xfb" "f");
	packet(DIR_RECEIVED, 2, "half a row", 10);
}

static void memory_that_runs_out_costs_no_byte(void **state)
{
	say_with_every_budget(say_all, 300000);
	assert_int_equal(seen.exchanges, 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_pipelines_are_counted_to_the_last),
		cmocka_unit_test(many_statements_of_one_query_are_counted),
		cmocka_unit_test(statements_beyond_the_table_lose_names_alone),
		cmocka_unit_test(packets_of_16_mib_go_on),
		cmocka_unit_test(bombs_are_not_opened_to_the_end),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
