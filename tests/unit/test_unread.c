/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that no parser understands: what is in them is found, they stay opaque, and no more of
 * them is kept than is said. */
#include "session_world.h"

#include "protocol/unread.h"

#define SAY(dir, text) give(dir, text, sizeof(text) - 1)

/* A protocol of its own: a length, a type, and what it carries. */
static void a_protocol_of_nobody_is_looked_at(void **state)
{
	assert_true(begin());
	SAY(DIR_RECEIVED, "\0\0\0\x1f\x07{\"email\":\"ana.ruiz@corp.org\"}");
	SAY(DIR_SENT, "\0\0\0\x12\x08{\"name\":\"Ana\"}");
	SAY(DIR_RECEIVED, "\0\0\0\x03\x01zz");
	end();
	assert_string_equal(seen.all, "stream.email=ana.ruiz@corp.org stream.name=Ana ");
	assert_int_equal(c.acct[DIR_RECEIVED].opaque, c.given[DIR_RECEIVED]);
	assert_int_equal(c.acct[DIR_RECEIVED].why[LOSS_UNKNOWN_PROTOCOL], c.given[DIR_RECEIVED]);
	assert_int_equal(c.acct[DIR_SENT].opaque, c.given[DIR_SENT]);
}

static void text_among_other_bytes_is_found(void **state)
{
	static const char bytes[] = "\xfe\x01\x02\x03\x00\x00\x11" "ana.ruiz@corp.org\x00\x01\x02\xff\xfe\x03" "short\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e";

	assert_true(begin());
	give(DIR_SENT, bytes, sizeof(bytes) - 1);
	end();
	assert_string_equal(seen.all, "stream=ana.ruiz@corp.org ");
}

/* Each address once, wherever windows end: they end between lines. */
static void count_lines(size_t lines, size_t piece)
{
	char *text = malloc(lines * 64);
	size_t n = 0;

	assert_non_null(text);
	for (size_t i = 0; i < lines; i++)
		n += (size_t)snprintf(text + n, 64, "%06zu a line that says nothing at all\n", i);
	for (size_t at = 0; at < n; at += piece)
		give(DIR_SENT, text + at, n - at < piece ? n - at : piece);
	free(text);
}

static size_t text_bytes, lines_broken;

static void on_window(void *owner, struct exchange *ex, const struct field *f)
{
	text_bytes += f->value.len + 1;	/* the line end before the next */
	lines_broken += f->value.len < 7 || f->value.ptr[6] != ' ';
	assert_int_equal(ex->again, 1);
	assert_int_equal(f->location, LOC_TEXT);
	assert_true(f->value.len <= UNREAD_HELD);
}

static void windows_end_between_lines(void **state)
{
	static const struct field_sink windows = { .field = on_window, .clean = on_clean, .exchange = on_exchange };

	for (size_t piece = 1; piece < 20000; piece = piece * 3 + 1) {
		struct conn_facts conn = { .id = 1, .tls = TLS_ABSENT };

		memset(&c, 0, sizeof(c));
		text_bytes = lines_broken = 0;
		c.s = session_new(&conn, &windows, c.acct);
		assert_non_null(c.s);
		count_lines(997, piece);
		end();
		assert_int_equal(text_bytes, c.given[DIR_SENT]);
		assert_int_equal(lines_broken, 0);
	}
}

/* What is no text is soon not asked for; text is, for as long as it is. */
static void only_text_is_worth_more(void **state)
{
	static uint8_t noise[4096];

	assert_true(begin());
	srand(11);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)rand();
	noise[0] = 0xff;
	for (unsigned i = 0; i < 1 + PROTOCOL_OPAQUE / sizeof(noise); i++)
		give(DIR_SENT, noise, sizeof(noise));
	assert_true(session_unwanted(c.s, DIR_SENT) == UINT64_MAX);
	end();

	assert_true(begin());
	count_lines(4001, 1000);
	assert_int_equal(session_unwanted(c.s, DIR_SENT), 0);
	end();
}

/* Who sends noise first is looked at again with each interval, and where bytes were missing. */
static void noise_hides_nothing_for_long(void **state)
{
	static uint8_t noise[2 * PROTOCOL_OPAQUE];

	for (unsigned gap = 0; gap < 2; gap++) {
		assert_true(begin());
		srand(17);
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)(rand() >> 8) & 15;
		noise[0] = 0xff;
		give(DIR_SENT, noise, sizeof(noise));
		SAY(DIR_SENT, "\x01\x02" "ana.ruiz@corp.org\x03\x04");
		assert_null(strstr(seen.all, "ana.ruiz@corp.org"));
		if (gap)
			session_gap(c.s, DIR_SENT, 5, LOSS_UNWANTED, (struct stamp){ c.time, 1 });
		else
			session_interval(c.s, (struct stamp){ c.time, 1 });
		assert_int_equal(session_unwanted(c.s, DIR_SENT), 0);
		SAY(DIR_SENT, "\x01\x02" "bob.ruiz@corp.org\x03\x04");
		end();
		assert_non_null(strstr(seen.all, "bob.ruiz@corp.org"));
	}
}

/* Who sends what no parser goes on behind does not hide what comes then. */
static void nobody_is_blinded_by_a_parser_that_gave_up(void **state)
{
	assert_true(begin());
	SAY(DIR_RECEIVED, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc");
	SAY(DIR_RECEIVED, "{\"email\":\"ana.ruiz@corp.org\"}");
	end();
	assert_non_null(strstr(seen.all, "ana.ruiz@corp.org"));
}

static struct looked what_was_looked_at(void)
{
	static struct traffic t;

	memset(&t, 0, sizeof(t));
	assert_true(session_flush(c.s, (struct stamp){ c.time, 1 }, false, NULL, &t));
	return t.looked;
}

/* What it looks like is told once, of as much as there was: noise has 8 bits a byte, a word repeated few. */
static void how_it_looks_is_noted(void **state)
{
	static uint8_t noise[32768];
	struct looked l;

	assert_true(begin());
	srand(13);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(rand() >> 8);
	noise[0] = 0xff;
	give(DIR_SENT, noise, sizeof(noise));
	l = what_was_looked_at();
	assert_int_equal(l.bytes, sizeof(noise));
	assert_in_range(l.bits, 79 * sizeof(noise) / 10, 8 * sizeof(noise));
	assert_in_range(l.printable, sizeof(noise) * 35 / 100, sizeof(noise) * 41 / 100);
	for (unsigned i = 0; i < 256; i++)
		SAY(DIR_RECEIVED, "" "abababa");
	l = what_was_looked_at();
	assert_int_equal(l.bytes, 2048);
	assert_int_equal(l.printable, 2048 * 7 / 8);
	assert_in_range(l.bits, 2048, 2048 * 3 / 2);
	for (unsigned i = 0; i < 16; i++)
		count_lines(997, 4000);
	assert_int_equal(what_was_looked_at().bytes, LOOKED_MAX);
	end();
}

/* Plaintext that nobody understands, whose record comes later, and lost records that turn out to be examined: told first
 * is what moved, with its own reason, and whenever anything is told there are reasons for all of it. */
static void what_is_told_has_reasons_for_as_much(void **state)
{
	struct byte_account *a = &c.acct[DIR_SENT];
	struct traffic t = { 0 };

	assert_true(begin());
	a->moved = 70;
	account_lose(a, 70, LOSS_RING_FULL);
	account_opaque(a, 101, LOSS_UNKNOWN_PROTOCOL);
	assert_true(session_flush(c.s, (struct stamp){ 1, 1 }, false, NULL, &t));
	assert_int_equal(t.bytes[DIR_SENT].lost, 70);
	assert_int_equal(t.bytes[DIR_SENT].why[LOSS_RING_FULL], 70);
	assert_int_equal(t.bytes[DIR_SENT].opaque + t.bytes[DIR_SENT].why[LOSS_UNKNOWN_PROTOCOL], 0);
	a->moved += 101;
	account_lose(a, -70, LOSS_RING_FULL);
	a->examined += 70;
	memset(&t, 0, sizeof(t));
	assert_true(session_flush(c.s, (struct stamp){ 2, 1 }, false, NULL, &t));
	assert_int_equal(t.bytes[DIR_SENT].opaque, 101);
	assert_int_equal(t.bytes[DIR_SENT].why[LOSS_UNKNOWN_PROTOCOL], 101);
	/* Taken back from what was told, under another name. */
	a->moved += 40;
	account_opaque(a, -60, LOSS_UNKNOWN_PROTOCOL);
	account_opaque(a, 100, LOSS_NO_PLAINTEXT);
	account_lose(a, 20, LOSS_NO_PLAINTEXT);
	memset(&t, 0, sizeof(t));
	assert_true(session_flush(c.s, (struct stamp){ 3, 1 }, false, NULL, &t));
	assert_int_equal(t.bytes[DIR_SENT].why[LOSS_NO_PLAINTEXT] + t.bytes[DIR_SENT].why[LOSS_UNKNOWN_PROTOCOL],
			 t.bytes[DIR_SENT].opaque + t.bytes[DIR_SENT].lost);
	session_close(c.s, (struct stamp){ 4, 1 });
}

static void memory_that_runs_out_costs_no_byte(void **state)
{
	size_t before = budget_used();

	for (size_t limit = before + 1; limit < before + 100000; limit += 499) {
		budget_set(limit);
		if (begin()) {
			SAY(DIR_RECEIVED, "\0\0\0\x1f\x07{\"email\":\"ana.ruiz@corp.org\"}");
			count_lines(997, 700);
			end();
		}
		assert_int_equal(budget_used(), before);
	}
	budget_set(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_protocol_of_nobody_is_looked_at),
		cmocka_unit_test(text_among_other_bytes_is_found),
		cmocka_unit_test(windows_end_between_lines),
		cmocka_unit_test(only_text_is_worth_more),
		cmocka_unit_test(noise_hides_nothing_for_long),
		cmocka_unit_test(nobody_is_blinded_by_a_parser_that_gave_up),
		cmocka_unit_test(how_it_looks_is_noted),
		cmocka_unit_test(what_is_told_has_reasons_for_as_much),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
