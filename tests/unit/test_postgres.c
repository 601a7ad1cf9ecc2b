/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases are too short for: pipelines longer than what may wait, more prepared
 * statements than are remembered, results larger than what is held, and memory that runs out. */
#include "tests/unit/session_world.h"

#include "protocol/sql.h"

static void message(enum dir dir, char type, const void *body, size_t len)
{
	uint32_t n = (uint32_t)len + 4;
	uint8_t head[5] = { (uint8_t)type, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
	struct buf b;

	buf_init(&b, 8 << 20);
	buf_add(&b, head, sizeof(head));
	buf_add(&b, body, len);
	assert_false(b.failed);
	give(dir, b.ptr, b.len);
	buf_free(&b);
}
#define CLIENT(type, text)	message(DIR_RECEIVED, type, text, sizeof(text) - 1)
#define SERVER(type, text)	message(DIR_SENT, type, text, sizeof(text) - 1)

static void login(void)
{
	static const char hello[] = "\0\0\0\x12\0\3\0\0user\0app\0";	/* and the literal's NUL */

	assert_true(begin());
	give(DIR_RECEIVED, hello, 18);
	SERVER('R', "\0\0\0\0");
	SERVER('Z', "I");
}

static void long_pipelines_are_counted_to_the_last(void **state)
{
	login();
	CLIENT('P', "\0INSERT INTO t (a) VALUES ($1)\0\0\0");
	for (unsigned i = 0; i < 5003; i++) {
		CLIENT('B', "\0\0\0\0\0\1\0\0\0\5value\0\0");
		CLIENT('D', "P\0");
		CLIENT('E', "\0\0\0\0\0");
	}
	CLIENT('S', "");
	SERVER('1', "");
	for (unsigned i = 0; i < 5003; i++) {
		SERVER('2', "");
		SERVER('n', "");
		SERVER('C', "INSERT 0 1\0");
	}
	SERVER('Z', "I");
	assert_int_equal(seen.exchanges, 5003);
	assert_int_equal(seen.statuses[200], 5003);
	assert_int_equal(seen.fields, 5003 + 1);
	assert_string_equal(seen.path, "bind.a");
	assert_string_equal(seen.route, "t");
	CLIENT('Q', "SELECT 1\0");
	SERVER('C', "SELECT 1\0");
	SERVER('Z', "I");
	end();
	assert_int_equal(seen.exchanges, 5004);
	assert_int_equal(c.acct[0].opaque + c.acct[1].opaque, 0);
}

static void many_statements_of_one_query_are_counted(void **state)
{
	struct buf sql;

	login();
	buf_init(&sql, 1 << 20);
	for (unsigned i = 0; i < 1009; i++)
		buf_puts(&sql, "INSERT INTO t VALUES ('x'); ");
	buf_add(&sql, "", 1);
	message(DIR_RECEIVED, 'Q', sql.ptr, sql.len);
	for (unsigned i = 0; i < 1009; i++)
		SERVER('C', "INSERT 0 1\0");
	SERVER('Z', "I");
	assert_int_equal(seen.exchanges, 1009);
	assert_int_equal(seen.fields, 1009 + 1);
	buf_free(&sql);
	end();
}

static void statements_beyond_the_table_lose_names_alone(void **state)
{
	char text[128];
	int n;

	login();
	for (unsigned i = 0; i < 200; i++) {
		n = snprintf(text, sizeof(text), "s%u%cSELECT a FROM t%u WHERE b = $1%c%c%c", i, 0, i, 0, 0, 0);
		message(DIR_RECEIVED, 'P', text, (size_t)n);
	}
	CLIENT('B', "\0s199\0\0\0\0\1\0\0\0\1x\0\0");
	CLIENT('E', "\0\0\0\0\0");
	assert_string_equal(seen.path, "bind.b");
	CLIENT('B', "\0s3\0\0\0\0\1\0\0\0\1x\0\0");
	CLIENT('E', "\0\0\0\0\0");
	assert_string_equal(seen.path, "bind.$1");
	CLIENT('S', "");
	SERVER('C', "SELECT 0\0");
	assert_string_equal(seen.route, "t199");
	SERVER('C', "SELECT 0\0");
	assert_string_equal(seen.route, "");
	assert_string_equal(seen.method, "SELECT");
	end();
	assert_int_equal(seen.exchanges, 2);
}

static void a_large_result_is_not_held(void **state)
{
	size_t before = budget_used(), most = 0, big = 3 << 20;
	uint8_t *row = calloc(1, big + 6);

	login();
	CLIENT('Q', "SELECT a FROM t\0");
	SERVER('T', "\0\1a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
	for (unsigned i = 0; i < 20000; i++) {
		SERVER('D', "\0\1\0\0\0\5value");
		most = budget_used() > most ? budget_used() : most;
	}
	assert_true(most - before < 64 << 10);
	row[1] = 1;	/* one value of three MiB: what is held of it has a limit */
	row[2] = (uint8_t)(big >> 24);
	row[3] = (uint8_t)(big >> 16);
	memset(row + 6, 'x', big);
	message(DIR_SENT, 'D', row, big + 6);
	SERVER('C', "SELECT 20001\0");
	SERVER('Z', "I");
	assert_int_equal(seen.exchanges, 1);
	assert_int_equal(seen.fields, 20000 + 1 + 1);
	end();
	free(row);
	assert_int_equal(budget_used(), before);
}

/* Every budget from nothing to plenty: whatever is refused, the account holds and all is given back. */
static void memory_that_runs_out_costs_no_byte(void **state)
{
	size_t before = budget_used();

	for (size_t limit = before + 1; limit < before + 300000; limit += 997) {
		static const char hello[] = "\0\0\0\x12\0\3\0\0user\0app\0";

		budget_set(limit);
		if (begin()) {
			give(DIR_RECEIVED, hello, 18);
			SERVER('R', "\0\0\0\0");
			SERVER('Z', "I");
			CLIENT('P', "s\0INSERT INTO t (a, b) VALUES ($1, 'y')\0\0\0");
			for (unsigned i = 0; i < 20; i++) {
				CLIENT('B', "c\0s\0\0\0\0\1\0\0\0\1x\0\0");
				CLIENT('D', "Pc\0");
				CLIENT('E', "c\0\0\0\0\0");
			}
			CLIENT('S', "");
			for (unsigned i = 0; i < 20; i++) {
				SERVER('T', "\0\1a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
				SERVER('D', "\0\1\0\0\0\5value");
				SERVER('C', "INSERT 0 1\0");
			}
			SERVER('Z', "I");
			CLIENT('Q', "COPY t (a) FROM STDIN; SELECT 1\0");
			CLIENT('d', "half a row");
			end();
		}
		assert_int_equal(budget_used(), before);
	}
	budget_set(0);
	assert_int_equal(seen.exchanges, 22);
}

static void on_param(void *owner, unsigned number, struct slice key)
{
	size_t n = strlen(seen.all);

	snprintf(seen.all + n, sizeof(seen.all) - n, "bind%u.%.*s ", number, (int)key.len, (const char *)key.ptr);
}

struct sql_case { const char *sql, *method, *route, *fields; };

static void assert_read(const struct sql_case *want, bool mysql)
{
	static struct exchange ex;
	struct sql_statement st;
	struct sql_reader r;

	memset(&seen, 0, sizeof(seen));
	sql_begin(&r, &sink, DIR_SENT, slice_of(want->sql, strlen(want->sql)));
	r.mysql = mysql;
	r.param = mysql ? on_param : NULL;
	assert_true(sql_more(&r));
	sql_read(&r, &ex, &st);
	assert_false(sql_more(&r));
	sql_end(&r);
	assert_string_equal(seen.all, want->fields);
	assert_string_equal(st.route, want->route);
	assert_string_equal(st.method, want->method);
}

static void literals_have_columns(void **state)
{
	static const struct sql_case cases[] = {
		{ "select * from a where b='c' and d>=5", "SELECT", "a", "sql.b=c sql.d=5 " },
		{ "INSERT INTO s.\"T\" (a,b) VALUES ('1','2'),('3',DEFAULT)", "INSERT", "s.T", "sql.a=1 sql.b=2 sql.a=3 " },
		{ "update only t set a='x', b=b||'y' where c in (1,2)", "UPDATE", "t", "sql.a=x sql.b=y sql.c=1 sql.c=2 " },
		{ "delete from t using u where t.id=u.id and u.mail like 'x%'", "DELETE", "t", "sql.mail=x% " },
		{ "select count(*) from a, b as x, only c join d on true", "SELECT", "a+b+c+d", "" },
		{ "create table if not exists t (a text default 'q')", "CREATE", "t", "sql.default=q " },
		{ "secret words of a user", "", "", "" },
		{ "select extract(year from born), substring(a from 2) from t", "SELECT", "t", "sql=2 " },
		{ "select 'it''s', E'tab\\'s', $$raw$$, 1.5e3", "SELECT", "", "sql=it's sql=tab's sql=raw sql=1.5e3 " },
		{ "select '\xc3\xa9' -- c", "SELECT", "", "sql=\xc3\xa9 " },
		{ "select 'open", "SELECT", "", "sql=open " },
		{ "select 1 from a, \"\", b", "SELECT", "a+b", "sql=1 " },
	}, mysql[] = {
		{ "select \"it\"\"s\", 'a\\'b' from `T` where c='d\\ne'#", "SELECT", "T", "sql=it\"s sql=a'b sql.c=d e " },
		{ "replace into s.t (a,b) values ('1',\"2\")", "REPLACE", "s.t", "sql.a=1 sql.b=2 " },
		{ "/*!40101 SET NAMES 'utf8' */", "SET", "", "sql.NAMES=utf8 " },
		{ "insert into t set a='x' on duplicate key update b='y' # who asked", "INSERT", "t", "sql.a=x sql.b=y sql= who asked " },
		{ "select 5--3, replace(a, 'b', $c) from t -- end of it", "SELECT", "t", "sql=5 sql=3 sql=b sql= end of it " },
		{ "use shop", "USE", "shop", "" },
		{ "select a from t where b = ? and c in (?, ?)", "SELECT", "t", "bind1.b bind2.c bind3.c " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_read(&cases[i], false);
	for (size_t i = 0; i < sizeof(mysql) / sizeof(mysql[0]); i++)
		assert_read(&mysql[i], true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_pipelines_are_counted_to_the_last),
		cmocka_unit_test(many_statements_of_one_query_are_counted),
		cmocka_unit_test(statements_beyond_the_table_lose_names_alone),
		cmocka_unit_test(a_large_result_is_not_held),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
		cmocka_unit_test(literals_have_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
