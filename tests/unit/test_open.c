/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges that go on for long: what is found in them is told at the end of each interval, once, and
 * the exchange is counted once. Bodies of events and lines are read however long they get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/protocol.h"

#define SECOND 1000000000ull

static struct { unsigned told, counted, found, status, inspected; size_t most; } seen;

/* Counts as the classifier would: an address is a finding of the exchange. */
static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	seen.most = budget_used() > seen.most ? budget_used() : seen.most;
	if (!memmem(f->value.ptr, f->value.len, "@corp.org", 9))
		return;
	if (!ex->nr_findings)
		ex->findings[ex->nr_findings++] = (struct finding){ 0 };
	ex->findings[0].count++;
}

static size_t on_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	memcpy(out, raw.ptr, n);
	out[n] = 0;
	return n;
}

static void on_exchange(void *owner, const struct exchange *ex)
{
	seen.told++;
	seen.counted += !ex->again;
	seen.found += ex->nr_findings ? ex->findings[0].count : 0;
	seen.status = ex->status;
	seen.inspected = ex->inspected;
}

static const struct field_sink sink = { .field = on_field, .clean = on_clean, .exchange = on_exchange };

struct server { struct session *session; struct byte_account acct[2]; uint64_t time; };

static void server_begin(struct server *v)
{
	static const struct conn_facts conn = { .id = 1, .tls = TLS_ABSENT, .role = ROLE_SERVER };

	memset(&seen, 0, sizeof(seen));
	memset(v, 0, sizeof(*v));
	v->session = session_new(&conn, &sink, v->acct);
}

static void give(struct server *v, enum dir dir, const void *bytes, size_t len)
{
	session_bytes(v->session, dir, slice_of(bytes, len), (struct stamp){ ++v->time, 1 });
}

static void say(struct server *v, enum dir dir, const char *text)
{
	give(v, dir, text, strlen(text));
}

static void interval(struct server *v)
{
	v->time += 60 * SECOND;
	session_interval(v->session, (struct stamp){ v->time, 1 });
}

static void server_end(struct server *v)
{
	session_close(v->session, (struct stamp){ ++v->time, 1 });
	assert_int_equal(budget_used(), 0);
}

static void chunk(struct server *v, const void *bytes, size_t len)
{
	char head[20];

	say(v, DIR_SENT, (snprintf(head, sizeof(head), "%zx\r\n", len), head));
	give(v, DIR_SENT, bytes, len);
	say(v, DIR_SENT, "\r\n");
}

static void events_begin(struct server *v, const char *coding)
{
	char head[200];

	server_begin(v);
	say(v, DIR_RECEIVED, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n%sTransfer-Encoding: chunked\r\n\r\n", coding);
	say(v, DIR_SENT, head);
}

#define EVENT "id: 7\ndata: {\"email\":\"ana@corp.org\"}\n\n"

static void events_are_told_while_the_answer_is_open(void **state)
{
	struct server v;

	(void)state;
	events_begin(&v, "");
	chunk(&v, EVENT EVENT, 2 * strlen(EVENT));
	chunk(&v, EVENT, 20);	/* the beginning of one */
	assert_int_equal(seen.told, 0);
	interval(&v);
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.counted, 1);
	assert_int_equal(seen.found, 2);
	assert_int_equal(seen.status, 200);
	interval(&v);
	assert_int_equal(seen.told, 1);	/* nothing new was found */
	chunk(&v, &EVENT[20], strlen(EVENT) - 20);
	interval(&v);
	assert_int_equal(seen.told, 2);
	assert_int_equal(seen.found, 3);
	chunk(&v, EVENT, strlen(EVENT));
	say(&v, DIR_SENT, "0\r\n\r\n");
	assert_int_equal(seen.told, 3);
	assert_int_equal(seen.found, 4);
	assert_int_equal(seen.counted, 1);
	assert_int_equal(seen.inspected, INSPECTED_FULL);
	server_end(&v);
}

static void what_is_answered_soon_is_told_at_once(void **state)
{
	struct server v;

	(void)state;
	events_begin(&v, "");
	chunk(&v, EVENT, strlen(EVENT));
	v.time += SECOND;
	session_interval(v.session, (struct stamp){ v.time, 1 });
	assert_int_equal(seen.told, 0);
	say(&v, DIR_SENT, "0\r\n\r\n");
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.counted, 1);
	assert_int_equal(seen.found, 1);
	server_end(&v);
}

static void events_beyond_every_buffer_are_all_read(void **state)
{
	struct server v;

	(void)state;
	events_begin(&v, "");
	for (unsigned i = 0; i < 100003; i++)	/* 4 MB */
		chunk(&v, EVENT, strlen(EVENT));
	say(&v, DIR_SENT, "0\r\n\r\n");
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.found, 100003);
	assert_int_equal(seen.inspected, INSPECTED_FULL);
	assert_true(seen.most < (1 << 20));
	server_end(&v);
}

/* An event is flushed by the server's encoder, as whoever sends events must. */
static size_t gzip_event(z_stream *z, uint8_t *out, size_t size, const char *event)
{
	z->next_in = (Bytef *)(uintptr_t)event;
	z->avail_in = (uInt)strlen(event);
	z->next_out = out;
	z->avail_out = (uInt)size;
	assert_int_equal(deflate(z, Z_SYNC_FLUSH), Z_OK);
	return size - z->avail_out;
}

static size_t zstd_event(ZSTD_CStream *z, uint8_t *out, size_t size, const char *event)
{
	ZSTD_inBuffer in = { event, strlen(event), 0 };
	ZSTD_outBuffer to = { out, size, 0 };

	assert_int_equal(ZSTD_compressStream2(z, &to, &in, ZSTD_e_flush), 0);
	return to.pos;
}

static void packed_events_are_told_while_the_answer_is_open(void **state)
{
	z_stream z = { 0 };
	ZSTD_CStream *zstd = ZSTD_createCStream();
	uint8_t bytes[512];
	char event[80];

	(void)state;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (int coding = 0; coding < 2; coding++) {
		struct server v;

		events_begin(&v, coding ? "Content-Encoding: zstd\r\n" : "Content-Encoding: gzip\r\n");
		for (unsigned i = 1; i <= 3001; i++) {
			snprintf(event, sizeof(event), "data: {\"email\":\"person%u@corp.org\"}\n\n", i * 7919);
			chunk(&v, bytes, coding ? zstd_event(zstd, bytes, sizeof(bytes), event) : gzip_event(&z, bytes, sizeof(bytes), event));
			if (i % 1000)
				continue;
			interval(&v);
			assert_int_equal(seen.told, i / 1000);
			assert_int_equal(seen.found, i);
		}
		say(&v, DIR_SENT, "0\r\n\r\n");
		assert_int_equal(seen.told, 4);
		assert_int_equal(seen.found, 3001);
		assert_int_equal(seen.counted, 1);
		assert_int_equal(seen.inspected, INSPECTED_FULL);
		server_end(&v);
	}
	deflateEnd(&z);
	ZSTD_freeCStream(zstd);
}

static void a_gap_costs_the_event_it_is_in(void **state)
{
	struct server v;

	(void)state;
	events_begin(&v, "");
	say(&v, DIR_SENT, "a0\r\n" EVENT "id: 8\ndata: {\"ema");
	session_gap(v.session, DIR_SENT, 30, LOSS_MISSING, (struct stamp){ ++v.time, 1 });
	say(&v, DIR_SENT, "end of it\"}\n\n" EVENT);
	interval(&v);
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.found, 2);
	assert_int_equal(seen.inspected, INSPECTED_PARTIAL);
	server_end(&v);
}

/* Frames of HTTP/2; heads are literals and rows of the static table. */
static void frame(struct server *v, enum dir dir, uint8_t type, uint8_t flags, const void *payload, size_t len)
{
	uint8_t head[9] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags, 0, 0, 0, type == 4 ? 0 : 1 };

	give(v, dir, head, sizeof(head));
	give(v, dir, payload, len);
}

#define LITERAL(lit) (lit), sizeof(lit) - 1

static void a_stream_of_http2_is_told_while_it_is_open(void **state)
{
	struct server v;

	(void)state;
	server_begin(&v);
	say(&v, DIR_RECEIVED, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	frame(&v, DIR_RECEIVED, 4, 0, "", 0);
	frame(&v, DIR_RECEIVED, 1, 5, LITERAL("\x82\x86\x84\x01\x01h"));
	frame(&v, DIR_SENT, 4, 0, "", 0);
	frame(&v, DIR_SENT, 1, 4, LITERAL("\x88\x0f\x10\x11text/event-stream"));
	for (unsigned i = 1; i <= 5; i++) {
		frame(&v, DIR_SENT, 0, 0, LITERAL(EVENT EVENT));
		interval(&v);
		assert_int_equal(seen.told, i);
		assert_int_equal(seen.found, 2 * i);
		assert_int_equal(seen.counted, 1);
	}
	frame(&v, DIR_SENT, 0, 1, LITERAL(EVENT));
	assert_int_equal(seen.told, 6);
	assert_int_equal(seen.found, 11);
	assert_int_equal(seen.counted, 1);
	server_end(&v);
}

static void a_call_of_grpc_is_told_while_it_is_open(void **state)
{
	struct server v;

	(void)state;
	server_begin(&v);
	say(&v, DIR_RECEIVED, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	frame(&v, DIR_RECEIVED, 4, 0, "", 0);
	frame(&v, DIR_RECEIVED, 1, 4, LITERAL("\x83\x86\x84\x01\x01h\x0f\x10\x10" "application/grpc"));
	frame(&v, DIR_SENT, 4, 0, "", 0);
	for (unsigned i = 1; i <= 5; i++) {
		frame(&v, DIR_RECEIVED, 0, 0, LITERAL("\0\0\0\0\x0e\x0a\x0c" "ana@corp.org"));
		interval(&v);
		assert_int_equal(seen.told, i);
		assert_int_equal(seen.found, i);
		assert_int_equal(seen.counted, 1);
	}
	server_end(&v);
	assert_int_equal(seen.told, 6);
	assert_int_equal(seen.counted, 1);
}

/* What is asked, answered and, in between, told once that an interval has passed, by each protocol that waits. */
static void what_waits_for_an_answer_is_told(void **state)
{
#define BYTES(s) s, sizeof(s) - 1
	static const struct { const char *name, *asked; size_t asked_len; const char *answer; size_t answer_len; } talks[] = {
		{ "postgres", BYTES("Q\0\0\0\x31INSERT INTO users VALUES ('ana@corp.org', 1)\0"), BYTES("C\0\0\0\x0fINSERT 0 1\0Z\0\0\0\5I") },
		{ "mysql", BYTES("\x2c\0\0\0\3INSERT INTO users VALUES ('ana@corp.org')  "), BYTES("\7\0\0\1\0\1\0\2\0\0\0") },
		{ "redis", BYTES("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nana@corp.org\r\n"), BYTES("+OK\r\n") },
		{ "memcached", BYTES("set k 0 0 12\r\nana@corp.org\r\n"), BYTES("STORED\r\n") },
		{ "mongodb", BYTES("\x44\0\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0\0\0\0\0\0\x2f\0\0\0\2find\0\6\0\0\0users\0"
				   "\2comment\0\x0d\0\0\0ana@corp.org\0" "\0"),
		  BYTES("\x26\0\0\0\2\0\0\0\1\0\0\0\xdd\7\0\0\0\0\0\0\0\x11\0\0\0\1ok\0\0\0\0\0\0\0\xf0\x3f\0") },
		{ "fluent", BYTES("\x94\xa1" "a\xce\1\2\3\4\x81\xa1k\xac" "ana@corp.org\x81\xa5" "chunk\xa1" "1"), BYTES("\x81\xa3" "ack\xa1" "1") },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct server v;

		server_begin(&v);
		give(&v, DIR_RECEIVED, talks[i].asked, talks[i].asked_len);
		interval(&v);
		print_message("%s\n", talks[i].name);
		assert_int_equal(seen.told, 1);
		assert_int_equal(seen.counted, 1);
		assert_int_equal(seen.found, 1);
		interval(&v);
		assert_int_equal(seen.told, 1);
		give(&v, DIR_SENT, talks[i].answer, talks[i].answer_len);
		assert_int_equal(seen.told, 2);
		assert_int_equal(seen.counted, 1);
		assert_int_equal(seen.found, 1);
		assert_int_equal(seen.status, 200);
		server_end(&v);
	}
}

/* Examined is what somebody looked at. */
static void what_nobody_looks_at_is_not_examined(void **state)
{
	static uint8_t text[1 << 16];
	struct server v;

	(void)state;
	memset(text, 'x', sizeof(text));
	server_begin(&v);	/* 1 MiB is held */
	say(&v, DIR_RECEIVED, "POST /a HTTP/1.1\r\nContent-Length: 3145728\r\n\r\n");
	for (unsigned i = 0; i < 48; i++)
		give(&v, DIR_RECEIVED, text, sizeof(text));
	assert_int_equal(v.acct[DIR_RECEIVED].skipped, 2 << 20);
	assert_int_equal(v.acct[DIR_RECEIVED].why[LOSS_UNWANTED], 2 << 20);
	assert_int_equal(v.acct[DIR_RECEIVED].opaque, 0);
	server_end(&v);
	server_begin(&v);	/* behind the last of its pieces nothing is a body */
	say(&v, DIR_RECEIVED, "PUT /a HTTP/1.1\r\nContent-Encoding: aws-chunked\r\nContent-Length: 1048579\r\n\r\n0\r\n");
	for (unsigned i = 0; i < 16; i++)
		give(&v, DIR_RECEIVED, text, sizeof(text));
	assert_int_equal(v.acct[DIR_RECEIVED].skipped, 1 << 20);
	server_end(&v);
	assert_int_equal(seen.inspected, INSPECTED_PARTIAL);
}

/* A publish in channel 1 of the queue k, whose body has so many bytes. */
static void publish_begin(struct server *v, unsigned body)
{
	char header[] = "\2\0\1\0\0\0\x26\0\x3c\0\0\0\0\0\0\0\0\0\0\x20\0\0\0\0\x14\1aS\0\0\0\xd" "ana@corp.org.\xce";
	char frame[] = "\3\0\1\0\0\0\0";

	header[17] = frame[5] = (char)(body >> 8);
	header[18] = frame[6] = (char)body;
	give(v, DIR_RECEIVED, LITERAL("\1\0\1\0\0\0\xa\0\x3c\0\x28\0\0\0\1k\0\xce"));
	give(v, DIR_RECEIVED, header, 7 + 38 + 1);
	give(v, DIR_RECEIVED, frame, 7);
}

static void a_message_of_amqp_is_told_before_its_body_is_whole(void **state)
{
	struct server v;

	(void)state;
	server_begin(&v);
	give(&v, DIR_RECEIVED, LITERAL("AMQP\0\0\x9\1"));
	publish_begin(&v, 14);
	say(&v, DIR_RECEIVED, "to");
	assert_int_equal(seen.told, 0);
	interval(&v);
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.found, 1);
	interval(&v);
	assert_int_equal(seen.told, 1);
	say(&v, DIR_RECEIVED, "bob@corp.org\xce");
	assert_int_equal(seen.told, 2);
	assert_int_equal(seen.found, 2);
	assert_int_equal(seen.counted, 1);
	server_end(&v);
}

static void who_connects_to_mqtt_is_told_before_the_answer(void **state)
{
	struct server v;

	(void)state;
	server_begin(&v);
	give(&v, DIR_RECEIVED, LITERAL("\x10\x1b\0\4MQTT\4\x80\0\x3c\0\1c\0\xc" "ana@corp.org"));
	interval(&v);
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.found, 1);
	give(&v, DIR_SENT, LITERAL("\x20\2\0\0"));
	assert_int_equal(seen.told, 2);
	assert_int_equal(seen.counted, 1);
	server_end(&v);
}

/* What there was no memory for lies between the frame's beginning and the gap. */
static void a_gap_behind_refused_memory_ends_where_it_ends(void **state)
{
	char filler[1000];
	struct server v;

	(void)state;
	memset(filler, '.', sizeof(filler));
	server_begin(&v);
	give(&v, DIR_RECEIVED, LITERAL("AMQP\0\0\x9\1"));
	publish_begin(&v, 1000);
	give(&v, DIR_RECEIVED, filler, 100);
	budget_set(budget_used());
	give(&v, DIR_RECEIVED, filler, 300);
	budget_set(0);
	session_gap(v.session, DIR_RECEIVED, 200, LOSS_MISSING, (struct stamp){ ++v.time, 1 });
	give(&v, DIR_RECEIVED, filler, 400);
	assert_int_equal(seen.counted, 1);
	say(&v, DIR_RECEIVED, "\xce");
	publish_begin(&v, 12);
	say(&v, DIR_RECEIVED, "bob@corp.org\xce");
	assert_int_equal(seen.counted, 2);
	assert_int_equal(seen.found, 3);
	server_end(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_looks_at_is_not_examined),
		cmocka_unit_test(what_waits_for_an_answer_is_told),
		cmocka_unit_test(events_are_told_while_the_answer_is_open), cmocka_unit_test(what_is_answered_soon_is_told_at_once),
		cmocka_unit_test(events_beyond_every_buffer_are_all_read), cmocka_unit_test(packed_events_are_told_while_the_answer_is_open),
		cmocka_unit_test(a_gap_costs_the_event_it_is_in), cmocka_unit_test(a_stream_of_http2_is_told_while_it_is_open),
		cmocka_unit_test(a_call_of_grpc_is_told_while_it_is_open),
		cmocka_unit_test(a_message_of_amqp_is_told_before_its_body_is_whole), cmocka_unit_test(who_connects_to_mqtt_is_told_before_the_answer),
		cmocka_unit_test(a_gap_behind_refused_memory_ends_where_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
