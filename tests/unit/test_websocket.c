/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket as zlib packs it: messages beyond every cap, whose connection goes on behind them; any frame
 * of a long talk missing; and all memory given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/budget.h"
#include "protocol/content.h"
#include "protocol/protocol.h"

#define MESSAGES 61

static struct { unsigned exchanges, full, partial, none, wrong, numbers[MESSAGES]; size_t most; } told;

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	char want[64];
	unsigned n;

	told.most = budget_used() > told.most ? budget_used() : told.most;
	if (f->cut || f->key.len != 4 || memcmp(f->key.ptr, "mail", 4))
		return;
	snprintf(want, sizeof(want), "%.*s", (int)(f->value.len < 60 ? f->value.len : 60), (const char *)f->value.ptr);
	if (sscanf(want, "person%u@corp.org", &n) == 1 && n < MESSAGES)
		told.numbers[n]++;
	else
		told.wrong++;
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
	told.exchanges += ex->method[0] == 'T';
	told.full += ex->method[0] == 'T' && ex->inspected == INSPECTED_FULL;
	told.partial += ex->inspected == INSPECTED_PARTIAL;
	told.none += ex->inspected == INSPECTED_NONE;
}

static const struct field_sink sink = { .field = on_field, .clean = on_clean, .exchange = on_exchange };

/* ---- a server that sends ---- */

struct talk { struct session *session; struct byte_account acct[2]; uint64_t time; z_stream zlib; bool deflates; uint8_t *frame; size_t size; };

#define FRAME_MAX ((size_t)4 << 20)

static void talk_begin(struct talk *t, bool deflates)
{
	static const struct conn_facts conn = { .id = 1, .tls = TLS_ABSENT, .role = ROLE_SERVER };
	static const char ask[] = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n";
	static const char answers[2][120] = { "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n",
					      "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n" };

	memset(&told, 0, sizeof(told));
	*t = (struct talk){ .deflates = deflates, .frame = malloc(FRAME_MAX) };
	t->session = session_new(&conn, &sink, t->acct);
	assert_int_equal(deflateInit2(&t->zlib, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	session_bytes(t->session, DIR_RECEIVED, slice_of(ask, sizeof(ask) - 1), (struct stamp){ ++t->time, 1 });
	session_bytes(t->session, DIR_SENT, slice_of(answers[deflates], strlen(answers[deflates])), (struct stamp){ ++t->time, 1 });
}

/* The frame of a message, its head before it. */
static struct slice framed(struct talk *t, const void *text, size_t len)
{
	uint8_t *payload = t->frame + 10;
	size_t n = len;

	if (t->deflates) {
		t->zlib.next_in = (Bytef *)(uintptr_t)text;
		t->zlib.avail_in = (uInt)len;
		t->zlib.next_out = payload;
		t->zlib.avail_out = FRAME_MAX - 10;
		assert_int_equal(deflate(&t->zlib, Z_SYNC_FLUSH), Z_OK);
		n = FRAME_MAX - 10 - t->zlib.avail_out - 4;
	} else {
		memcpy(payload, text, len);
	}
	t->frame[0] = t->deflates ? 0xc1 : 0x81;
	if (n < 126) {
		t->frame[1] = (uint8_t)n;
		memmove(t->frame + 2, payload, n);
		return slice_of(t->frame, n + 2);
	}
	t->frame[1] = n < 65536 ? 126 : 127;
	for (size_t i = 0, wide = n < 65536 ? 2 : 8; i < wide; i++)
		t->frame[2 + i] = (uint8_t)(n >> 8 * (wide - 1 - i));
	if (n < 65536)
		memmove(t->frame + 4, payload, n);
	return slice_of(t->frame, n + (n < 65536 ? 4 : 10));
}

static void give(struct talk *t, struct slice in)
{
	session_bytes(t->session, DIR_SENT, in, (struct stamp){ ++t->time, 1 });
}

static struct slice person(struct talk *t, unsigned n)
{
	char text[80];

	return framed(t, text, (size_t)snprintf(text, sizeof(text), "{\"note\":\"each has this\",\"mail\":\"person%u@corp.org\"}", n));
}

static void talk_end(struct talk *t)
{
	session_close(t->session, (struct stamp){ ++t->time, 1 });
	deflateEnd(&t->zlib);
	free(t->frame);
	assert_int_equal(budget_used(), 0);
}

static void a_message_beyond_every_cap_leaves_the_next_readable(void **state)
{
	uint8_t *text = malloc(3 << 20);

	(void)state;
	for (int deflates = 0; deflates < 2; deflates++) {
		struct talk t;

		for (size_t i = 0; i < 3 << 20; i++)
			text[i] = (uint8_t)("0123456789abcdef"[rand() & 15]);
		talk_begin(&t, deflates);
		give(&t, person(&t, 1));
		give(&t, framed(&t, text, 3 << 20));
		give(&t, person(&t, 2));
		assert_int_equal(told.exchanges, 3);
		assert_int_equal(told.full, 2);
		assert_int_equal(told.partial, 1);
		assert_int_equal(told.numbers[2], 1);
		assert_true(told.most < (4 << 20));
		talk_end(&t);
	}
	free(text);
}

static void a_bomb_is_partly_read_and_said_to_be(void **state)
{
	uint8_t *text = calloc(1, 3 << 20);
	struct talk t;

	(void)state;
	memset(text, ' ', 3 << 20);
	talk_begin(&t, true);
	give(&t, framed(&t, text, 3 << 20));
	give(&t, framed(&t, text, 100));
	assert_int_equal(told.exchanges, 2);
	assert_int_equal(told.full, 0);
	assert_int_equal(told.partial, 2);	/* the second is in a window that is not known any more */
	assert_true(told.most < (2 << 20));
	talk_end(&t);
	free(text);
}

/* With message number `lost` missing, or the half of it. */
static void talk_without(unsigned lost, bool deflates, bool half)
{
	struct talk t;
	unsigned whole = 0;

	talk_begin(&t, deflates);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct slice in = person(&t, i);
		size_t cut = i != lost ? 0 : half ? in.len / 2 : in.len;

		give(&t, slice_of(in.ptr, in.len - cut));
		if (cut)
			session_gap(t.session, DIR_SENT, cut, LOSS_MISSING, (struct stamp){ ++t.time, 1 });
	}
	for (unsigned i = 0; i < MESSAGES; i++)
		whole += told.numbers[i] == 1;
	assert_int_equal(told.exchanges, MESSAGES - (lost < MESSAGES && !half));
	if (lost >= MESSAGES || !deflates) {
		assert_int_equal(whole, MESSAGES - (lost < MESSAGES));
		assert_int_equal(told.wrong, 0);
	} else {
		/* What repeats bytes that nobody saw is not told as if it were known. */
		assert_int_equal(whole, lost);
		assert_true(told.partial + told.none >= MESSAGES - lost - 1);
	}
	assert_true(t.acct[DIR_SENT].examined > 0);
	talk_end(&t);
}

static void any_message_may_be_missing(void **state)
{
	(void)state;
	talk_without(MESSAGES, false, false);
	talk_without(MESSAGES, true, false);
	for (unsigned lost = 0; lost < MESSAGES - 1; lost++)
		for (int how = 0; how < 4; how++)
			talk_without(lost, how & 1, how & 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_beyond_every_cap_leaves_the_next_readable), cmocka_unit_test(a_bomb_is_partly_read_and_said_to_be),
		cmocka_unit_test(any_message_may_be_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
