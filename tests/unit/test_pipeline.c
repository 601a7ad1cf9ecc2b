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
		cmocka_unit_test(an_address_in_any_alphabet_does_not_lose_its_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
