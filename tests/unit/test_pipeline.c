/* SPDX-License-Identifier: Apache-2.0 */
/* Records in, facts out: what the stages have to agree on among themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "daemon/pipeline.h"

static struct byte_account sum;
static unsigned exchanges, unpacked;

static void on_fact(void *owner, const struct fact *f)
{
	static uint8_t packed[FACT_MAX_SIZE];
	static struct fact back;
	int n = facts_pack(f, packed, sizeof(packed));

	exchanges += f->kind == FACT_EXCHANGE;
	byte_account_add(&sum, f->kind == FACT_EXCHANGE ? &f->exchange.bytes : &f->traffic.bytes);
	unpacked += n > 0 && facts_unpack(packed, (size_t)n, &back) == (int)f->kind;
}

/* One connection that received this and was closed. */
static void run(const char *received)
{
	size_t len = strlen(received);
	struct wire_data *d = calloc(1, sizeof(*d) + len);
	struct front *f = front_new(on_fact, NULL);

	memset(&sum, 0, sizeof(sum));
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
		assert_int_equal(byte_account_unexplained(&sum), 0);
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
	assert_int_equal(byte_account_unexplained(f->kind == FACT_EXCHANGE ? &f->exchange.bytes : &f->traffic.bytes), 0);
	on_fact(owner, f);
}

/* A head has begun when the answer to the request before it ends: its bytes are the next fact's. */
static void bytes_of_a_head_that_has_only_begun_are_no_other_exchanges(void **state)
{
	static const char first[] = "GET /a HTTP/1.1\r\n\r\n", begun[] = "GET /b HT", rest[] = "TP/1.1\r\n\r\n",
			  answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	struct front *f = front_new(each_fact_balances, NULL);

	memset(&sum, 0, sizeof(sum));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_never_became_a_message_is_accounted_at_the_close),
		cmocka_unit_test(bytes_of_a_head_that_has_only_begun_are_no_other_exchanges),
		cmocka_unit_test(an_address_in_any_alphabet_does_not_lose_its_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
