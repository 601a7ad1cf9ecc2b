/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "capture/record.h"
#include "model/payload.h"

struct seen { unsigned nr; struct chunk chunk; uint8_t copy[64]; };

static void on_chunk(void *owner, const struct chunk *c)
{
	struct seen *s = owner;

	s->nr++;
	s->chunk = *c;
	/* Touches every byte it was given: an over-read faults under ASan. */
	for (size_t i = 0; i < c->bytes.len; i++)
		s->copy[i % sizeof(s->copy)] ^= c->bytes.ptr[i];
}

struct sample { struct wire_data head; char bytes[32]; };

static struct sample sample(void)
{
	struct sample r = { 0 };

	r.head.kind = WIRE_SOCKET;
	r.head.len = 32;
	r.head.call = 100;
	r.head.pos = 1000;
	r.head.epoch = 3;
	r.head.dir = WIRE_SENT;
	r.head.who.conn = 9;
	r.head.who.tgid = 77;
	r.head.who.role = WIRE_ROLE_CLIENT;
	memcpy(r.head.who.comm, "my app\n", 8);
	memcpy(r.bytes, "0123456789abcdef0123456789abcdef", 32);
	return r;
}

static void a_record_becomes_a_chunk(void **state)
{
	struct sample r = sample();
	struct seen s = { 0 };

	r.head.skipped = 68;
	r.head.flags = WIRE_F_TRUNCATED | WIRE_F_LATE;
	assert_int_equal(record_visit(&r, sizeof(r), on_chunk, &s), 0);
	assert_int_equal(s.nr, 1);
	assert_int_equal(s.chunk.pos, 1000);
	assert_int_equal(s.chunk.bytes.len, 32);
	assert_int_equal(s.chunk.skipped, 68);
	assert_int_equal(s.chunk.cause, LOSS_TRUNCATED);
	assert_int_equal(s.chunk.dir, DIR_SENT);
	assert_int_equal(s.chunk.conn.role, ROLE_CLIENT);
	assert_int_equal(s.chunk.conn.late, 1);
	assert_int_equal(s.chunk.conn.tls, TLS_ABSENT);
	assert_string_equal(s.chunk.conn.comm, "my_app_");
	assert_int_equal(s.chunk.conn.transport, TRANSPORT_TCP);
	assert_int_equal(s.chunk.before, LOSS_NONE);
}

static void reasons_are_those_of_the_kernel_side(void **state)
{
	struct sample r = sample();
	struct seen s = { 0 };

	r.head.skipped = 7;
	r.head.flags = WIRE_F_NO_ARGS;
	r.head.reason = WIRE_R_SENDFILE;
	r.head.before = WIRE_R_RING_FULL;
	r.head.who.transport = WIRE_UDP;
	assert_int_equal(record_visit(&r, sizeof(r), on_chunk, &s), 0);
	assert_int_equal(s.chunk.cause, LOSS_SENDFILE);
	assert_int_equal(s.chunk.before, LOSS_RING_FULL);
	assert_int_equal(s.chunk.conn.transport, TRANSPORT_UDP);
	/* One that is none leaves the flags, and no transport is past the last. */
	r.head.reason = r.head.before = 255;
	r.head.who.transport = 200;
	assert_int_equal(record_visit(&r, sizeof(r), on_chunk, &s), 0);
	assert_int_equal(s.chunk.cause, LOSS_NO_ARGS);
	assert_int_equal(s.chunk.before, LOSS_NONE);
	assert_int_equal(s.chunk.conn.transport, TRANSPORT_TCP);
	/* Every reason has a name of its own. */
	for (unsigned i = 1; i < WIRE_R_MAX; i++)
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(record_loss((uint8_t)i), record_loss((uint8_t)k));
}

static void an_unbound_session_gets_an_id_of_its_own(void **state)
{
	struct sample r = sample();
	struct seen a = { 0 }, b = { 0 };

	r.head.kind = WIRE_TLS;
	r.head.who.conn = 0;
	r.head.session = 0x7f0000001000;
	assert_int_equal(record_visit(&r, sizeof(r), on_chunk, &a), 0);
	r.head.session = 0x7f0000002000;
	assert_int_equal(record_visit(&r, sizeof(r), on_chunk, &b), 0);
	assert_true(a.chunk.conn.id >> 63);
	assert_int_not_equal(a.chunk.conn.id, b.chunk.conn.id);
	assert_int_equal(a.chunk.conn.binding, BINDING_NONE);
}

static void wrong_records_are_undecodable(void **state)
{
	struct sample good = sample();
	struct seen s = { 0 };

#define REFUSED(change)								\
	do {									\
		struct sample r = good;						\
		change;								\
		assert_int_equal(record_visit(&r, sizeof(r), on_chunk, &s), -EBADMSG);	\
	} while (0)
	REFUSED(r.head.kind = 0);
	REFUSED(r.head.kind = WIRE_EXEC);
	REFUSED(r.head.len = 33);
	REFUSED(r.head.len = UINT32_MAX);
	REFUSED(r.head.dir = 2);
	REFUSED(r.head.skipped = 101);
	REFUSED(r.head.who.conn = 0);
	REFUSED(r.head.pos = UINT64_MAX);
	REFUSED((r.head.kind = WIRE_CIPHER, r.head.len = 7));
#undef REFUSED
	assert_int_equal(record_visit(&good, sizeof(good.head) - 1, on_chunk, &s), -EBADMSG);
	assert_int_equal(record_visit(&good, 0, on_chunk, &s), -EBADMSG);
	assert_int_equal(s.nr, 0);
}

static void any_bytes_are_survived(void **state)
{
	struct sample good = sample();
	struct seen s = { 0 };

	srand(1);
	for (int i = 0; i < 200000; i++) {
		uint8_t *copy = malloc(sizeof(good));
		size_t len = (size_t)rand() % (sizeof(good) + 1);

		memcpy(copy, &good, sizeof(good));
		for (int k = rand() % 4; k >= 0; k--)
			copy[(size_t)rand() % sizeof(good)] = (uint8_t)rand();
		copy = realloc(copy, len ? len : 1);
		(void)record_visit(copy, len, on_chunk, &s);
		free(copy);
	}
	assert_true(s.nr > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_becomes_a_chunk),
		cmocka_unit_test(reasons_are_those_of_the_kernel_side),
		cmocka_unit_test(an_unbound_session_gets_an_id_of_its_own),
		cmocka_unit_test(wrong_records_are_undecodable),
		cmocka_unit_test(any_bytes_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
