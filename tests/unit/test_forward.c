/* SPDX-License-Identifier: Apache-2.0 */
/* What syslog and Forward make of memory that runs out: no byte is counted that was not read, and no value is put
 * together of pieces that did not stand together. */
#include "tests/unit/session_world.h"

static char line[3000], packed[3000];
static size_t packed_len;

static bool torn;

/* Every value is a's, then b's, then c's, and none is missing in between. */
static void check_field(void *owner, struct exchange *ex, const struct field *f)
{
	size_t i = 0;

	if (strcmp(f->path, "syslog.message") && strcmp(f->path, "$.k"))
		return;
	for (const char *part = "abc"; *part; part++) {
		size_t from = i;

		while (i < f->value.len && f->value.ptr[i] == (uint8_t)*part)
			i++;
		torn |= i - from != 900 && i < f->value.len;
	}
	torn |= i < f->value.len;
	on_field(owner, ex, f);
}

static void make(void)
{
	char text[2701] = "";

	for (unsigned i = 0; i < 3; i++)
		memset(text + i * 900, 'a' + (int)i, 900);
	snprintf(line, sizeof(line), "<13>Oct 11 22:14:15 web app: %s\n", text);
	memcpy(packed, "\x93\xa3" "a.b\xce\x01\x02\x03\x04\x81\xa1k\xda\x0a\x8c", 16);
	memcpy(packed + 16, text, 2700);
	packed_len = 2716;
}

static const struct field_sink checking = { .field = check_field, .clean = on_clean, .exchange = on_exchange };

/* In pieces; the budget, unless it is 0, is `limit` from the piece `from` on and none from `until` on. */
static bool run(const char *bytes, size_t len, size_t limit, size_t from, size_t until, size_t piece)
{
	struct conn_facts conn = { .id = 1, .role = ROLE_SERVER, .tls = TLS_ABSENT };

	memset(&seen, 0, sizeof(seen));
	memset(&c, 0, sizeof(c));
	torn = false;
	c.s = session_new(&conn, &checking, c.acct);
	assert_non_null(c.s);
	for (size_t at = 0, n = 0; at < len; at += piece, n++) {
		budget_set(limit && n >= from && n < until ? budget_used() + limit : 0);
		give(DIR_RECEIVED, bytes + at, piece < len - at ? piece : len - at);
	}
	budget_set(0);
	end();
	return !torn;
}

static void each(const char *bytes, size_t len)
{
	size_t before = budget_used(), told = 0, skipped = 0;

	assert_true(run(bytes, len, 0, 0, 0, 97));
	assert_int_equal(seen.exchanges, 1);
	assert_int_equal(c.acct[DIR_RECEIVED].examined, len);
	for (size_t limit = 1; limit < 6000; limit += 211)
		for (size_t from = 0; from < 29; from++)
			for (size_t until = from + 1; until < 30; until += 3) {
				assert_true(run(bytes, len, limit, from, until, 97));
				/* Whole, or less of it is examined than came. */
				if (!c.acct[DIR_RECEIVED].opaque && seen.inspected[INSPECTED_FULL])
					assert_int_equal(c.acct[DIR_RECEIVED].examined, len);
				else if (seen.exchanges)
					assert_true(c.acct[DIR_RECEIVED].examined < (int64_t)len);
				told += seen.exchanges;
				skipped += c.acct[DIR_RECEIVED].skipped > 0;
				assert_int_equal(budget_used(), before);
			}
	assert_true(told > 997);
	assert_true(skipped > 97);
}

static void a_line_is_whole_or_cut(void **state)
{
	each(line, strlen(line));
}

static void an_event_is_whole_or_cut(void **state)
{
	each(packed, packed_len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_whole_or_cut),
		cmocka_unit_test(an_event_is_whole_or_cut),
	};

	make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
