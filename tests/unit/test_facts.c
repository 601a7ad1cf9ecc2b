/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/class.h"
#include "model/facts.h"

static uint8_t packed[FACT_MAX_SIZE], again[FACT_MAX_SIZE];
static struct fact fact, back;

static void sample(enum fact_kind kind)
{
	memset(&fact, 0, sizeof(fact));
	fact.kind = kind;
	switch (kind) {
	case FACT_EXCHANGE:
		fact.exchange.conn = (struct conn_facts){ .id = UINT64_MAX, .process = { 7, 99 }, .family = 2, .role = ROLE_CLIENT, .tls = TLS_PRESENT,
							  .binding = BINDING_EXACT, .comm = "curl" };
		fact.exchange.status = 200;
		fact.exchange.nr_findings = 2;
		strncpy(fact.exchange.route, "/users/{email}", PATH_SIZE - 1);
		fact.exchange.bytes[DIR_RECEIVED] = (struct byte_account){ .moved = 10, .lost = -3, .why = { [LOSS_BUDGET] = -3 } };
		for (int i = 0; i < 2; i++) {
			fact.exchange.findings[i] = (struct finding){ .class_id = (uint8_t)i, .confidence = CONF_CERTAIN, .location = LOC_QUERY, .count = 5 };
			strncpy(fact.exchange.findings[i].path, "$.card.number", PATH_SIZE - 1);
			strncpy(fact.exchange.findings[i].mask, "411111******1111", MASK_SIZE - 1);
		}
		break;
	case FACT_TRAFFIC:
		fact.traffic.bytes[DIR_RECEIVED] = (struct byte_account){ .moved = 5, .why = { [LOSS_BUDGET] = 1 } };
		fact.traffic.bytes[DIR_SENT] = (struct byte_account){ .sums = { 1, 2, 3, 4, 5, -6 }, .why = { [LOSS_SENDFILE] = 7, [LOSS_LATE] = -2 } };
		fact.traffic.looked = (struct looked){ 7, 3, 41 };
		strncpy(fact.traffic.reason, "unprobed_tls", sizeof(fact.traffic.reason) - 1);
		break;
	case FACT_PROCESS:
		fact.process.key = (struct process_key){ 1, 2 };
		strncpy(fact.process.exe, "/usr/sbin/nginx", EXE_SIZE - 1);
		break;
	case FACT_CONN:
		fact.conn.conn.id = 5;
		fact.conn.conn.late = 1;
		fact.conn.conn.transport = TRANSPORT_UDP;
		break;
	case FACT_BOOKS:
		fact.books.epoch = 3;
		fact.books.produced = 12345678901ull;
		break;
	case FACT_EVENT:
		strncpy(fact.event.kind, "gap", WORD_SIZE - 1);
		break;
	case FACT_HANDSHAKE:
		fact.handshake.conn = (struct conn_facts){ .id = 6, .tls = TLS_PRESENT, .upgrade = UPGRADE_SMTP };
		fact.handshake.tls = (struct tls_facts){ .version = 0x0304, .cipher = 0x1301, .mutual = MUTUAL_YES, .peer_expires = 1893456000 };
		memcpy(fact.handshake.tls.ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1", JA4_SIZE);
		break;
	case FACT_NAMED:
		fact.named = (struct named){ .conn = { .id = 7 }, .family = 2, .ttl = 300, .name = "api.partner.example" };
		break;
	}
}

static void every_kind_survives_the_wire(void **state)
{
	for (int kind = FACT_EXCHANGE; kind <= FACT_LAST; kind++) {
		int len;

		sample((enum fact_kind)kind);
		len = facts_pack(&fact, packed, sizeof(packed));
		assert_true(len > 0);
		memset(&back, 0xee, sizeof(back));
		assert_int_equal(facts_unpack(packed, (size_t)len, &back), kind);
		assert_int_equal(facts_pack(&back, again, sizeof(again)), len);
		assert_memory_equal(packed, again, (size_t)len);
	}
}

static void a_small_room_is_refused_at_every_size(void **state)
{
	int len;

	sample(FACT_EXCHANGE);
	len = facts_pack(&fact, packed, sizeof(packed));
	for (int size = 0; size < len; size++)
		assert_int_equal(facts_pack(&fact, packed, (size_t)size), -ENOSPC);
	assert_int_equal(facts_pack(&fact, packed, (size_t)len), len);
}

/* What the analyst could try, if it were taken over. */
static void forged_facts_are_not_packed_and_not_taken(void **state)
{
#define REFUSED(change)							\
	do {								\
		sample(FACT_EXCHANGE);					\
		change;							\
		assert_true(facts_pack(&fact, packed, sizeof(packed)) < 0);	\
	} while (0)
	REFUSED(strncpy(fact.exchange.route, "/a<script>", PATH_SIZE - 1));
	REFUSED(strncpy(fact.exchange.host, "h\x1b[31m", NAME_SIZE - 1));
	REFUSED(memset(fact.exchange.findings[0].mask, 'x', MASK_SIZE));
	REFUSED(fact.exchange.findings[1].class_id = (uint8_t)class_count());
	REFUSED(fact.exchange.findings[0].confidence = 0);
	REFUSED(fact.exchange.findings[0].location = LOC_MAX);
	REFUSED(fact.exchange.conn.role = 3);
	REFUSED(fact.exchange.nr_findings = MAX_FINDINGS + 1);
	REFUSED(fact.exchange.bytes[DIR_SENT].moved = INT64_MAX);
#undef REFUSED
}

/* Any bytes: no crash, and what is taken is exactly what a packer would have made. */
static void damaged_messages_are_refused_or_canonical(void **state)
{
	unsigned taken = 0;

	srand(3);
	for (int kind = FACT_EXCHANGE; kind <= FACT_LAST; kind++) {
		int len;

		sample((enum fact_kind)kind);
		len = facts_pack(&fact, packed, sizeof(packed));
		for (int cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut ? (size_t)cut : 1);

			memcpy(exact, packed, (size_t)cut);
			assert_int_equal(facts_unpack(exact, (size_t)cut, &back), -EBADMSG);
			free(exact);
		}
		for (int i = 0; i < 20000; i++) {
			uint8_t *copy = malloc((size_t)len);
			int n;

			memcpy(copy, packed, (size_t)len);
			for (int k = rand() % 3; k >= 0; k--)
				copy[rand() % len] = (uint8_t)rand();
			if (facts_unpack(copy, (size_t)len, &back) > 0) {
				taken++;
				n = facts_pack(&back, again, sizeof(again));
				assert_true(n > 0);
				assert_true(facts_unpack(again, (size_t)n, &fact) > 0);
			}
			free(copy);
		}
		packed[len] = 0xc0;	/* one object left over */
		assert_int_equal(facts_unpack(packed, (size_t)len + 1, &back), -EBADMSG);
	}
	assert_true(taken > 100);	/* else the test would have looked at nothing */
}

static void the_account_adds_up(void **state)
{
	struct byte_account a = { .moved = 100, .examined = 60, .opaque = 10, .skipped = 5, .lost = 20, .framing = 5 }, b = { .moved = 1 };

	assert_int_equal(byte_account_unexplained(&a), 0);
	byte_account_add(&a, &b);
	assert_int_equal(byte_account_unexplained(&a), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_survives_the_wire),
		cmocka_unit_test(a_small_room_is_refused_at_every_size),
		cmocka_unit_test(forged_facts_are_not_packed_and_not_taken),
		cmocka_unit_test(damaged_messages_are_refused_or_canonical),
		cmocka_unit_test(the_account_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
