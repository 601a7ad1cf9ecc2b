/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 as nghttp2 encodes it, joined at any place and with any piece missing: what is told of a
 * header is what was sent, or that it is not known; what was seen whole is told; nothing is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/http2_stream.h"
#include "protocol/protocol.h"

#define CALLS 97

/* What was told. */
static struct { unsigned exchanges, wrong, names, bodies, routes[CALLS], with_status, partial; size_t most; } told;
static unsigned current;
static size_t table = 4096;	/* bytes of each peer's dynamic table */

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	char want[32];

	told.most = budget_used() > told.most ? budget_used() : told.most;
	if (f->location == LOC_REQUEST_BODY)
		told.bodies++;
	if (f->key.len < 2 || memcmp(f->key.ptr, "x-", 2))
		return;
	/* "x-N" has the value "value-N", where N repeats with the numbers of calls. */
	snprintf(want, sizeof(want), "value-%.*s", (int)f->key.len - 2, (const char *)f->key.ptr + 2);
	told.names++;
	told.wrong += f->value.len != strlen(want) || memcmp(f->value.ptr, want, f->value.len);
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
	unsigned n;

	told.exchanges++;
	told.with_status += ex->status == 200;
	told.partial += ex->inspected != INSPECTED_FULL;
	if (sscanf(ex->route, "/call-n%u", &n) == 1 && n < CALLS)
		told.routes[n]++;
}

static const struct field_sink sink = { .field = on_field, .clean = on_clean, .exchange = on_exchange };

/* What was sent. */

struct writer { nghttp2_hd_deflater *deflater[2]; uint8_t bytes[4096]; size_t len; };

static nghttp2_nv pair(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), 0 };
}

static void frame(struct writer *w, unsigned type, unsigned flags, unsigned stream, const void *payload, size_t len)
{
	const uint8_t head[9] = { 0, (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)type, (uint8_t)flags, 0, 0, (uint8_t)(stream >> 8), (uint8_t)stream };

	assert_true(w->len + 9 + len <= sizeof(w->bytes));
	memcpy(w->bytes + w->len, head, 9);
	if (len)
		memcpy(w->bytes + w->len + 9, payload, len);
	w->len += 9 + len;
}

static void headers(struct writer *w, enum dir dir, unsigned flags, unsigned stream, const nghttp2_nv *nv, size_t nr)
{
	uint8_t block[2048];
	ssize_t n = nghttp2_hd_deflate_hd(w->deflater[dir], block, sizeof(block), nv, nr);

	assert_true(n > 0);
	frame(w, 1, flags, stream, block, (size_t)n);
}

/* One call: a request of one write, its answer of another. */
static void request(struct writer *w, unsigned n)
{
	char path[32], name[16], value[32], again[16], same[32];

	snprintf(path, sizeof(path), "/call-n%u", n);
	snprintf(name, sizeof(name), "x-%u", n % 13);
	snprintf(value, sizeof(value), "value-%u", n % 13);
	snprintf(again, sizeof(again), "x-%u", n % 5 + 20);
	snprintf(same, sizeof(same), "value-%u", n % 5 + 20);
	w->len = 0;
	headers(w, DIR_RECEIVED, 4, 2 * n + 1, (nghttp2_nv[]){
		pair(":method", "POST"), pair(":scheme", "http"), pair(":path", path), pair(":authority", "h"),
		pair("content-type", "application/json"), pair(name, value), pair(again, same) }, 7);
	frame(w, 0, 1, 2 * n + 1, "{\"a\":\"b\"}", 9);
}

static void answer(struct writer *w, unsigned n)
{
	char name[16], value[32];

	snprintf(name, sizeof(name), "x-%u", n % 7);
	snprintf(value, sizeof(value), "value-%u", n % 7);
	w->len = 0;
	headers(w, DIR_SENT, 4, 2 * n + 1, (nghttp2_nv[]){
		pair(":status", "200"), pair("content-type", "text/plain"), pair("date", "now"), pair(name, value) }, 4);
	frame(w, 0, 1, 2 * n + 1, "fine", 4);
}

struct player { struct session *session; struct byte_account acct[2]; int64_t given[2]; bool late; unsigned missing; };

static void give(struct player *p, enum dir dir, const struct writer *w, bool seen)
{
	struct stamp at = { ++current, 1 };

	if (!seen) {
		if (!p->late)
			session_gap(p->session, dir, w->len, LOSS_MISSING, at);
		p->missing++;
		return;
	}
	session_bytes(p->session, dir, slice_of(w->bytes, w->len), at);
	p->given[dir] += (int64_t)w->len;
	p->late = false;	/* from here on what is missing is a gap */
}

static struct player play(bool (*seen)(unsigned n, enum dir dir, unsigned how), unsigned how, bool late)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	const struct conn_facts conn = { .id = 1, .role = ROLE_SERVER, .late = late, .tls = TLS_ABSENT };
	struct player p = { .late = late };
	struct writer w = { 0 };

	memset(&told, 0, sizeof(told));
	assert_int_equal(nghttp2_hd_deflate_new(&w.deflater[0], table), 0);
	assert_int_equal(nghttp2_hd_deflate_new(&w.deflater[1], table), 0);
	p.session = session_new(&conn, &sink, p.acct);
	if (!late) {
		memcpy(w.bytes, preface, w.len = 24);
		frame(&w, 4, 0, 0, NULL, 0);
		give(&p, DIR_RECEIVED, &w, true);
		w.len = 0;
		frame(&w, 4, 0, 0, NULL, 0);
		give(&p, DIR_SENT, &w, true);
	}
	for (unsigned n = 0; n < CALLS; n++) {
		request(&w, n);
		give(&p, DIR_RECEIVED, &w, seen(n, DIR_RECEIVED, how));
		answer(&w, n);
		give(&p, DIR_SENT, &w, seen(n, DIR_SENT, how));
	}
	session_close(p.session, (struct stamp){ ++current, 1 });
	nghttp2_hd_deflate_del(w.deflater[0]);
	nghttp2_hd_deflate_del(w.deflater[1]);
	for (unsigned d = 0; d < 2; d++)
		assert_int_equal(p.acct[d].examined + p.acct[d].opaque, p.given[d]);
	assert_int_equal(budget_used(), 0);
	return p;
}

static bool from_call(unsigned n, enum dir dir, unsigned how) { return n >= how; }
static bool but_one_in(unsigned n, enum dir dir, unsigned how) { return (n * 2 + dir) % how != how - 1; }

static void all_that_was_sent_is_told(void **unused)
{
	play(from_call, 0, false);
	assert_int_equal(told.exchanges, CALLS);
	assert_int_equal(told.with_status, CALLS);
	assert_int_equal(told.names, 3 * CALLS);
	assert_int_equal(told.bodies, CALLS);
	assert_int_equal(told.wrong, 0);
	for (unsigned n = 0; n < CALLS; n++)
		assert_int_equal(told.routes[n], 1);
}

static void joined_at_any_call_no_header_is_told_wrong(void **unused)
{
	for (unsigned from = 0; from < CALLS; from++) {
		struct player p;

		table = from % 2 ? 4096 : 300;	/* all stays in it, or little does and is inserted anew */
		p = play(from_call, from, true);
		assert_int_equal(told.exchanges, CALLS - from);
		assert_int_equal(told.bodies, CALLS - from);
		assert_int_equal(told.wrong, 0);
		assert_int_equal(p.acct[0].opaque + p.acct[1].opaque, 0);
		/* The path of each call is new, so that it is always known. */
		for (unsigned n = from; n < CALLS; n++)
			assert_int_equal(told.routes[n], 1);
		assert_true(from % 2 || told.names > CALLS - from);
	}
	table = 4096;
}

static void over_gaps_what_was_seen_is_told_and_nothing_wrong(void **unused)
{
	for (unsigned how = 2; how < 23; how++) {
		struct player p = play(but_one_in, how, false);
		unsigned requests = 0, calls = 0;

		for (unsigned n = 0; n < CALLS; n++) {
			bool request = but_one_in(n, DIR_RECEIVED, how);

			requests += request;
			calls += request || but_one_in(n, DIR_SENT, how);
			assert_int_equal(told.routes[n], request);
		}
		assert_int_equal(told.exchanges, calls);
		assert_int_equal(told.bodies, requests);
		assert_int_equal(told.wrong, 0);
		assert_int_equal(p.acct[0].opaque + p.acct[1].opaque, 0);
	}
}

/* nginx and Go do, and say that they want no more of the request (RFC 9113, 8.1): it is on its way. */
static void a_request_is_read_whole_that_was_answered_before_it_ended(void **unused)
{
	const struct conn_facts conn = { .id = 1, .role = ROLE_SERVER, .tls = TLS_ABSENT };
	struct player p = { 0 };
	struct writer w = { 0 };
	unsigned obeyed = 0;

	memset(&told, 0, sizeof(told));
	assert_int_equal(nghttp2_hd_deflate_new(&w.deflater[0], table), 0);
	assert_int_equal(nghttp2_hd_deflate_new(&w.deflater[1], table), 0);
	p.session = session_new(&conn, &sink, p.acct);
	memcpy(w.bytes, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", w.len = 24);
	frame(&w, 4, 0, 0, NULL, 0);
	give(&p, DIR_RECEIVED, &w, true);
	for (unsigned n = 0; n < CALLS; n++) {
		size_t body = 9 + 9;

		request(&w, n);
		w.len -= body;
		give(&p, DIR_RECEIVED, &w, true);
		answer(&w, n);
		frame(&w, 3, 0, 2 * n + 1, "\0\0\0\0", 4);
		give(&p, DIR_SENT, &w, true);
		if (n % 3 == 2) {	/* the client has seen it in time */
			obeyed++;
			continue;
		}
		w.len = 0;
		frame(&w, 0, 0, 2 * n + 1, "{\"a\":", 5);
		give(&p, DIR_RECEIVED, &w, true);
		w.len = 0;
		frame(&w, 0, 1, 2 * n + 1, "\"b\"}", 4);
		give(&p, DIR_RECEIVED, &w, true);
	}
	assert_true(told.exchanges > CALLS - STREAMS_PATIENCE);
	session_interval(p.session, (struct stamp){ current + 2000000000, 1 });
	assert_int_equal(told.exchanges, CALLS);
	assert_int_equal(told.with_status, CALLS);
	assert_int_equal(told.bodies, CALLS - obeyed);
	assert_int_equal(told.partial, 0);
	assert_int_equal(p.acct[0].opaque + p.acct[1].opaque, 0);
	for (unsigned n = 0; n < CALLS; n++)
		assert_int_equal(told.routes[n], 1);
	session_close(p.session, (struct stamp){ ++current, 1 });
	assert_int_equal(told.exchanges, CALLS);
	nghttp2_hd_deflate_del(w.deflater[0]);
	nghttp2_hd_deflate_del(w.deflater[1]);
	assert_int_equal(budget_used(), 0);
}

static void open_streams_and_their_bodies_are_bounded(void **unused)
{
	const struct conn_facts conn = { .id = 1, .role = ROLE_SERVER, .tls = TLS_ABSENT };
	struct player p = { 0 };
	struct writer w = { 0 };
	char text[4000];

	memset(&told, 0, sizeof(told));
	memset(text, 'a', sizeof(text));
	p.session = session_new(&conn, &sink, p.acct);
	memcpy(w.bytes, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", w.len = 24);
	frame(&w, 4, 0, 0, NULL, 0);
	give(&p, DIR_RECEIVED, &w, true);
	for (unsigned n = 0; n < 1009; n++) {	/* none of them ends */
		w.len = 0;
		frame(&w, 1, 4, 2 * n + 1, "\x83\x86\x84", 3);
		give(&p, DIR_RECEIVED, &w, true);
		for (int i = 0; i < 11; i++) {
			w.len = 0;
			frame(&w, 0, 0, 2 * n + 1, text, sizeof(text));
			give(&p, DIR_RECEIVED, &w, true);
		}
	}
	told.most = budget_used();
	session_close(p.session, (struct stamp){ ++current, 1 });
	assert_int_equal(told.exchanges, 1009);
	assert_int_equal(told.partial, 1009);
	/* 4 MiB of bodies in buffers that double, and 256 exchanges of 8 KiB. */
	assert_true(told.most < 12 << 20);
	assert_int_equal(budget_used(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_was_sent_is_told),
		cmocka_unit_test(joined_at_any_call_no_header_is_told_wrong),
		cmocka_unit_test(over_gaps_what_was_seen_is_told_and_nothing_wrong),
		cmocka_unit_test(a_request_is_read_whole_that_was_answered_before_it_ended),
		cmocka_unit_test(open_streams_and_their_bodies_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
