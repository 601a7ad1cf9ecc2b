/* SPDX-License-Identifier: Apache-2.0 */
/* Records in, facts out: what the stages have to agree on among themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bpf/wire.h"
#include "daemon/pipeline.h"

static struct byte_account by[2], sum;
static unsigned exchanges, unpacked, over;

static void on_fact(void *owner, const struct fact *f)
{
	static uint8_t packed[FACT_MAX_SIZE];
	static struct fact back;
	int n = facts_pack(f, packed, sizeof(packed));

	exchanges += f->kind == FACT_EXCHANGE;
	over += f->kind == FACT_TRAFFIC && !strcmp(f->traffic.reason, "budget") && (f->traffic.bytes[0].skipped || f->traffic.bytes[1].skipped);
	if (f->kind != FACT_HANDSHAKE)
		byte_accounts_add(by, f->kind == FACT_EXCHANGE ? f->exchange.bytes : f->traffic.bytes);
	sum = byte_accounts_sum(by);
	unpacked += n > 0 && facts_unpack(packed, (size_t)n, &back) == (int)f->kind;
}

/* One connection that received this and was closed. */
static void run(const char *received)
{
	size_t len = strlen(received);
	struct wire_data *d = calloc(1, sizeof(*d) + len);
	struct front *f = front_new(on_fact, NULL);

	memset(by, 0, sizeof(by));
	exchanges = unpacked = 0;
	*d = (struct wire_data){ .kind = WIRE_SOCKET, .len = (u32)len, .call = (u32)len, .time = 1, .epoch = 1,
				 .who = { .conn = 5, .tgid = 7, .start = 9, .family = 2 } };
	memcpy(d + 1, received, len);
	assert_int_equal(front_record(f, d, sizeof(*d) + len), 0);
	front_close(f, 5, 0, len, 0, len, (struct stamp){ 2, 1 });
	front_free(f);
	free(d);
}

static void what_never_became_a_message_is_accounted_at_the_close(void **state)
{
	static const char *const cut[] = { "GET /whole HTTP/1.1\r\n\r\nGET /cut HTTP/1.1\r\nHost: h", "GE", "\x01", "GET /a HTTP/1.1\r\n" };

	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		run(cut[i]);
		assert_int_equal(sum.moved, strlen(cut[i]));
		assert_int_equal(byte_account_unexplained(&by[0]), 0);
		assert_int_equal(byte_account_unexplained(&by[1]), 0);
	}
}

static void say(struct front *f, unsigned dir, uint64_t pos, const char *text)
{
	size_t len = strlen(text);
	struct wire_data *d = calloc(1, sizeof(*d) + len);

	*d = (struct wire_data){ .kind = WIRE_SOCKET, .len = (u32)len, .call = (u32)len, .time = 1, .epoch = 1, .dir = (u8)dir, .pos = pos,
				 .who = { .conn = 5, .tgid = 7, .start = 9, .family = 2 } };
	memcpy(d + 1, text, len);
	assert_int_equal(front_record(f, d, sizeof(*d) + len), 0);
	free(d);
}

static void each_fact_balances(void *owner, const struct fact *f)
{
	const struct byte_account *bytes = f->kind == FACT_EXCHANGE ? f->exchange.bytes : f->traffic.bytes;

	assert_int_equal(byte_account_unexplained(&bytes[0]), 0);
	assert_int_equal(byte_account_unexplained(&bytes[1]), 0);
	on_fact(owner, f);
}

/* A head has begun when the answer to the request before it ends: its bytes are the next fact's. */
static void bytes_of_a_head_that_has_only_begun_are_no_other_exchanges(void **state)
{
	static const char first[] = "GET /a HTTP/1.1\r\n\r\n", begun[] = "GET /b HT", rest[] = "TP/1.1\r\n\r\n",
			  answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	struct front *f = front_new(each_fact_balances, NULL);

	memset(by, 0, sizeof(by));
	exchanges = 0;
	say(f, WIRE_RECEIVED, 0, first);
	say(f, WIRE_RECEIVED, strlen(first), begun);
	say(f, WIRE_SENT, 0, answer);
	assert_int_equal(exchanges, 1);
	assert_int_equal(sum.moved, strlen(first) + strlen(answer));
	say(f, WIRE_RECEIVED, strlen(first) + strlen(begun), rest);
	say(f, WIRE_SENT, strlen(answer), answer);
	front_free(f);
	assert_int_equal(exchanges, 2);
	assert_int_equal(sum.moved, strlen(first) + strlen(begun) + strlen(rest) + 2 * strlen(answer));
}

static void an_address_in_any_alphabet_does_not_lose_its_exchange(void **state)
{
	run("GET /?mail=ana@corp.caf\xc3\xa9 HTTP/1.1\r\n\r\n");
	assert_int_equal(exchanges, 1);
	assert_true(unpacked >= 1);
}

/* A small body that inflates to much, again and again, on one connection. */
static unsigned push_bombs(struct front *f, unsigned nr)
{
	static uint8_t plain[60000], text[sizeof(struct wire_data) + 4096];
	struct wire_data d = { .kind = WIRE_SOCKET, .time = 1, .epoch = 1, .who = { .conn = 5, .tgid = 7, .start = 9, .family = 2 } };
	z_stream z = { .next_in = plain, .avail_in = sizeof(plain) };
	uint8_t *at = text + sizeof(d);
	uint8_t packed[2048];
	int head;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)"4111 1111 1111 1112 "[i % 20];	/* nearly */
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	head = sprintf((char *)at, "POST /p HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n", z.total_out);
	memcpy(at + head, packed, z.total_out);
	d.len = d.call = (u32)head + (u32)z.total_out;
	deflateEnd(&z);
	for (unsigned i = 0; i < nr; i++, d.pos += d.len) {
		memcpy(text, &d, sizeof(d));
		assert_int_equal(front_record(f, text, sizeof(d) + d.len), 0);
	}
	return d.len;
}

static void a_connection_whose_bytes_cost_too_much_is_skipped_and_counted(void **state)
{
	struct front *f = front_new(on_fact, NULL);
	unsigned len, first;

	memset(by, 0, sizeof(by));
	exchanges = over = 0;
	len = push_bombs(f, 1);
	front_interval(f, (struct stamp){ 2, 1 });
	assert_int_equal(sum.skipped, 0);
	assert_int_equal(over, 0);
	front_free(f);
	memset(by, 0, sizeof(by));
	exchanges = 0;
	f = front_new(on_fact, NULL);
	push_bombs(f, 997);
	front_close(f, 5, 0, 997ull * len, 0, 997ull * len, (struct stamp){ 3, 1 });
	first = exchanges;
	assert_int_equal(sum.moved, 997ll * len);
	assert_int_equal(byte_account_unexplained(&by[0]), 0);
	assert_int_equal(byte_account_unexplained(&by[1]), 0);
	assert_true(sum.skipped > sum.moved / 2 && sum.examined > 0 && over > 1 && first > 4);
	front_free(f);
	/* By fixed prices: again the same. */
	memset(by, 0, sizeof(by));
	exchanges = 0;
	f = front_new(on_fact, NULL);
	push_bombs(f, 997);
	front_close(f, 5, 0, 997ull * len, 0, 997ull * len, (struct stamp){ 3, 1 });
	assert_int_equal(exchanges, first);
	front_free(f);
}

/* ---- bodies ---- */

static struct { char path[PATH_SIZE], key[NAME_SIZE]; unsigned nr; uint8_t inspected; } found;

static void on_finding(void *owner, const struct fact *f)
{
	static uint8_t packed[FACT_MAX_SIZE];
	static struct fact back;

	if (f->kind != FACT_EXCHANGE)
		return;
	found.inspected = f->exchange.inspected;
	found.nr += f->exchange.nr_findings;
	for (uint32_t i = 0; i < f->exchange.nr_findings; i++) {
		memcpy(found.path, f->exchange.findings[i].path, PATH_SIZE);
		memcpy(found.key, f->exchange.findings[i].key, NAME_SIZE);
	}
	/* What a path may hold is checked where it arrives. */
	assert_int_equal(facts_unpack(packed, (size_t)facts_pack(f, packed, sizeof(packed)), &back), FACT_EXCHANGE);
}

#define BODY(text) (text), sizeof(text) - 1

/* Whatever a body is, an address in it is found, once, where it stands. */
static void a_finding_stands_where_its_content_has_it(void **state)
{
	static const struct { const char *type, *body; size_t len; const char *path, *key; uint8_t inspected; } bodies[] = {
		{ "application/json", BODY("{\"log\":\"{\\\"user\\\":{\\\"mail\\\":\\\"ana@corp.de\\\"}}\"}"), "$.log.user.mail", "mail", INSPECTED_FULL },
		{ "application/json", BODY("{\"blob\":\"eyJtYWlsIjoiYW5hQGNvcnAuZGUifQ==\"}"), "$.blob.mail", "mail", INSPECTED_FULL },
		{ "application/x-www-form-urlencoded", BODY("a=1&mail=ana%40corp.de"), "form.mail", "mail", INSPECTED_FULL },
		{ "multipart/form-data; boundary=b", BODY("--b\r\nContent-Disposition: form-data; name=\"my mail\"\r\n\r\nana@corp.de\r\n--b--"),
		  "multipart.my_mail", "my_mail", INSPECTED_FULL },
		{ "multipart/form-data; boundary=b", BODY("--b\r\nContent-Disposition: form-data; name=f; filename=\"ana@corp.de (1).pdf\"\r\n\r\n%PDF-1\r\n--b--"),
		  "multipart.f.filename", "filename", INSPECTED_PARTIAL },
		{ "text/xml", BODY("<u:user xmlns:u='u'><u:mail>ana@corp.de</u:mail></u:user>"), "xml.user.mail", "mail", INSPECTED_FULL },
		{ "text/html", BODY("<p>Mail: <b>ana@corp.de</b></p>"), "html", "", INSPECTED_FULL },
		{ "text/event-stream", BODY("data: {\"mail\":\"ana@corp.de\"}\n\n"), "event.data.mail", "mail", INSPECTED_FULL },
		{ "application/graphql", BODY("mutation { add(user: {mail: \"ana@corp.de\"}) { id } }"), "graphql.add.user.mail", "mail", INSPECTED_FULL },
		{ "text/csv", BODY("id,E-Mail\n1,ana@corp.de\n"), "csv[].E-Mail", "E-Mail", INSPECTED_FULL },
		{ "application/msgpack", BODY("\x81\xa4mail\xab" "ana@corp.de"), "$.mail", "mail", INSPECTED_FULL },
		{ "application/cbor", BODY("\xa1\x64mail\x6b" "ana@corp.de"), "$.mail", "mail", INSPECTED_FULL },
		{ "application/bson", BODY("\x1b\0\0\0\x02mail\0\x0c\0\0\0ana@corp.de\0\0"), "$.mail", "mail", INSPECTED_FULL },
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		char head[256];
		int n = snprintf(head, sizeof(head), "POST /x HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", bodies[i].type, bodies[i].len);
		size_t len = (size_t)n + bodies[i].len;
		struct wire_data *d = calloc(1, sizeof(*d) + len);
		struct front *f = front_new(on_finding, NULL);

		memset(&found, 0, sizeof(found));
		*d = (struct wire_data){ .kind = WIRE_SOCKET, .len = (u32)len, .call = (u32)len, .time = 1, .epoch = 1,
					 .who = { .conn = 5, .tgid = 7, .start = 9, .family = 2 } };
		memcpy(d + 1, head, (size_t)n);
		memcpy((uint8_t *)(d + 1) + n, bodies[i].body, bodies[i].len);
		assert_int_equal(front_record(f, d, sizeof(*d) + len), 0);
		front_close(f, 5, 0, len, 0, len, (struct stamp){ 2, 1 });
		front_free(f);
		free(d);
		assert_string_equal(found.path, bodies[i].path);
		assert_string_equal(found.key, bodies[i].key);
		assert_int_equal(found.nr, 1);
		assert_int_equal(found.inspected, bodies[i].inspected);
	}
}

/* ---- what is known never to come ---- */

static struct capture_verdict verdicts[8];
static unsigned nr_verdicts;

static void on_verdict(void *owner, const struct capture_verdict *v)
{
	if (nr_verdicts < 8)
		verdicts[nr_verdicts] = *v;
	nr_verdicts++;
}

struct talk { struct front *f; uint64_t pos[2], time; };

static struct talk talk_new(void)
{
	struct talk t = { .f = front_new(on_fact, NULL), .time = 1000 };

	memset(by, 0, sizeof(by));
	memset(&sum, 0, sizeof(sum));
	exchanges = nr_verdicts = 0;
	front_verdicts(t.f, on_verdict);
	return t;
}

/* A call of len bytes, or one of which it is only known that it moved them; before: why what came before is missing. */
static void talk(struct talk *t, unsigned dir, const void *bytes, uint32_t len, uint8_t before, uint8_t skipped_for)
{
	struct wire_data *d = calloc(1, sizeof(*d) + len);

	*d = (struct wire_data){ .kind = WIRE_SOCKET, .len = skipped_for ? 0 : len, .call = len, .skipped = skipped_for ? len : 0,
				 .reason = skipped_for, .before = before, .time = t->time, .epoch = 1, .dir = (u8)dir, .pos = t->pos[dir],
				 .who = { .conn = 5, .tgid = 7, .start = 9, .family = 2 } };
	if (!skipped_for)
		memcpy(d + 1, bytes, len);
	assert_int_equal(front_record(t->f, d, sizeof(*d) + d->len), 0);
	t->pos[dir] += len;
	free(d);
}

static void say_text(struct talk *t, unsigned dir, const char *text)
{
	talk(t, dir, text, (uint32_t)strlen(text), 0, 0);
}

static void talk_end(struct talk *t, uint8_t before)
{
	front_untold(t->f, 5, (uint8_t[]){ before, before });
	front_close(t->f, 5, t->pos[WIRE_SENT], t->pos[WIRE_RECEIVED], t->pos[WIRE_SENT], t->pos[WIRE_RECEIVED], (struct stamp){ t->time + 1, 1 });
	front_tick(t->f, (struct stamp){ t->time + 1000000000, 1 });
	front_free(t->f);
	assert_int_equal(byte_account_unexplained(&sum), 0);
	assert_int_equal(sum.moved, t->pos[0] + t->pos[1]);
}

static uint8_t noise[16384];	/* neither text nor any document */

/* Asked for once, up to the body's end; what does not come is skipped, and what is behind is found. */
static void the_rest_of_a_body_that_no_decoder_takes_is_not_asked_for(void **state)
{
	struct talk t = talk_new();
	uint64_t end;

	memset(noise, 1, sizeof(noise));
	say_text(&t, WIRE_RECEIVED, "GET /a HTTP/1.1\r\n\r\n");
	say_text(&t, WIRE_SENT, "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1000000\r\n\r\n");
	end = t.pos[WIRE_SENT] + 1000000;
	talk(&t, WIRE_SENT, noise, sizeof(noise), 0, 0);
	talk(&t, WIRE_SENT, noise, sizeof(noise), 0, 0);
	assert_int_equal(nr_verdicts, 1);
	assert_int_equal(verdicts[0].conn, 5);
	assert_int_equal(verdicts[0].layer, WIRE_SOCKET);
	assert_int_equal(verdicts[0].to[WIRE_SENT], end);
	assert_int_equal(verdicts[0].to[WIRE_RECEIVED], 0);
	talk(&t, WIRE_SENT, NULL, 10007, 0, WIRE_R_UNWANTED);	/* the first that is left out is told, the others are not */
	t.pos[WIRE_SENT] = end;
	say_text(&t, WIRE_RECEIVED, "GET /b HTTP/1.1\r\n\r\n");
	talk(&t, WIRE_SENT, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 40, WIRE_R_UNWANTED, 0);
	talk_end(&t, 0);
	assert_int_equal(exchanges, 2);
	assert_int_equal(sum.skipped, 1000000 - sizeof(noise));	/* also what was copied before the verdict was heeded */
	assert_int_equal(sum.why[LOSS_UNWANTED], sum.skipped);
	assert_int_equal(sum.examined, sum.moved - sum.skipped);
}

static void a_body_that_is_looked_at_is_asked_for(void **state)
{
	struct talk t = talk_new();

	memset(noise, 'x', sizeof(noise));
	say_text(&t, WIRE_RECEIVED, "POST /a HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: 3000000\r\n\r\n");
	for (unsigned i = 0; i < 64; i++)	/* 1 MiB is held */
		talk(&t, WIRE_RECEIVED, noise, sizeof(noise), 0, 0);
	assert_int_equal(nr_verdicts, 1);
	assert_int_equal(t.pos[WIRE_RECEIVED] + 3000000 - 64 * sizeof(noise), verdicts[0].to[WIRE_RECEIVED]);
	t.pos[WIRE_RECEIVED] = verdicts[0].to[WIRE_RECEIVED];
	talk_end(&t, WIRE_R_UNWANTED);
	assert_int_equal(exchanges, 1);
	assert_int_equal(sum.skipped, 3000000 - 64 * sizeof(noise));
}

static void a_protocol_that_nobody_knows_is_asked_for_again_after_a_while(void **state)
{
	struct talk t = talk_new();

	memset(noise, 1, sizeof(noise));
	for (unsigned i = 0; i < 3; i++)
		talk(&t, WIRE_SENT, noise, sizeof(noise), 0, 0);
	assert_int_equal(nr_verdicts, 0);
	for (unsigned i = 0; i < 7; i++)
		talk(&t, WIRE_SENT, noise, sizeof(noise), 0, 0);
	assert_int_equal(nr_verdicts, 1);
	assert_int_equal(verdicts[0].to[WIRE_SENT], (uint64_t)1 << 58);
	talk(&t, WIRE_SENT, NULL, 1000003, 0, WIRE_R_UNWANTED);
	t.time += VERDICT_NS;
	say_text(&t, WIRE_SENT, "GET /now HTTP/1.1\r\n\r\n");
	say_text(&t, WIRE_RECEIVED, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_int_equal(exchanges, 1);
	assert_int_equal(nr_verdicts, 1);
	talk_end(&t, 0);
	assert_int_equal(sum.skipped, 1000003);
	assert_int_equal(sum.opaque, 10 * sizeof(noise));
}

static void what_was_left_out_for_the_budget_is_skipped_too(void **state)
{
	struct talk t = talk_new();

	say_text(&t, WIRE_RECEIVED, "GET /a HTTP/1.1\r\n\r\n");
	say_text(&t, WIRE_SENT, "HTTP/1.1 204 No Content\r\n\r\n");
	talk(&t, WIRE_RECEIVED, NULL, 307, 0, WIRE_R_BUDGET);
	t.pos[WIRE_SENT] += 7919;
	talk_end(&t, WIRE_R_BUDGET);
	assert_int_equal(exchanges, 1);
	assert_int_equal(sum.skipped, 307 + 7919);
	assert_int_equal(sum.why[LOSS_BUDGET], sum.skipped);
}

#define ASKED "GET /bb HTTP/1.1\r\n\r\n"
#define ANSWERED "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* A run of exchanges that are missing, whose first may be told: what is seen between such runs is counted, once. */
static void exchanges_between_missing_ones_are_counted_exactly(uint8_t why, bool tell)
{
	struct talk t = talk_new();
	unsigned seen = 0;

	for (unsigned i = 0; i < 97; i++) {
		bool out = i % 7 > 2;
		uint8_t before = i && i % 7 == 0 ? why : 0;

		seen += !out;
		if (!out || (tell && i % 7 == 3)) {
			talk(&t, WIRE_RECEIVED, ASKED, sizeof(ASKED) - 1, before, out ? why : 0);
			talk(&t, WIRE_SENT, ANSWERED, sizeof(ANSWERED) - 1, before, out ? why : 0);
		} else {
			t.pos[WIRE_RECEIVED] += sizeof(ASKED) - 1;
			t.pos[WIRE_SENT] += sizeof(ANSWERED) - 1;
		}
	}
	talk_end(&t, why);
	assert_int_equal(exchanges, seen);
	assert_int_equal(sum.examined, seen * (sizeof(ASKED) + sizeof(ANSWERED) - 2));
}

static void exchanges_between_those_that_the_ring_had_no_room_for_are_counted_exactly(void **state)
{
	exchanges_between_missing_ones_are_counted_exactly(WIRE_R_RING_FULL, false);
	assert_int_equal(sum.why[LOSS_RING_FULL], sum.lost);
	assert_int_equal(sum.skipped, 0);
}

static void exchanges_between_those_that_were_left_out_are_counted_exactly(void **state)
{
	exchanges_between_missing_ones_are_counted_exactly(WIRE_R_BUDGET, true);
	assert_int_equal(sum.why[LOSS_BUDGET], sum.skipped);
	assert_int_equal(sum.lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges_between_those_that_the_ring_had_no_room_for_are_counted_exactly),
		cmocka_unit_test(the_rest_of_a_body_that_no_decoder_takes_is_not_asked_for),
		cmocka_unit_test(a_body_that_is_looked_at_is_asked_for),
		cmocka_unit_test(a_protocol_that_nobody_knows_is_asked_for_again_after_a_while),
		cmocka_unit_test(what_was_left_out_for_the_budget_is_skipped_too),
		cmocka_unit_test(exchanges_between_those_that_were_left_out_are_counted_exactly),
		cmocka_unit_test(what_never_became_a_message_is_accounted_at_the_close),
		cmocka_unit_test(bytes_of_a_head_that_has_only_begun_are_no_other_exchanges),
		cmocka_unit_test(a_connection_whose_bytes_cost_too_much_is_skipped_and_counted),
		cmocka_unit_test(a_finding_stands_where_its_content_has_it),
		cmocka_unit_test(an_address_in_any_alphabet_does_not_lose_its_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
