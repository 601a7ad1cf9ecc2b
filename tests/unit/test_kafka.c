/* SPDX-License-Identifier: Apache-2.0 */
/* What golden cases of Kafka are too short for: pipelines longer than what may wait, responses larger
 * than what is held, bombs of every codec, memory that runs out; and Snappy against its own library. */
#include "tests/unit/session_world.h"

#include <snappy-c.h>
#include <zlib.h>

#include "protocol/content.h"
#include "protocol/packed.h"
#include "protocol/snappy.h"

#ifdef WEIR_LZ4
#include <lz4frame.h>
#endif

static void add(struct buf *b, uint64_t number, unsigned bytes)
{
	while (bytes--) {
		uint8_t byte = bytes < 8 ? (uint8_t)(number >> 8 * bytes) : 0;

		assert_int_equal(buf_add(b, &byte, 1), 0);
	}
}

static void add_varint(struct buf *b, int64_t number)
{
	uint64_t v = (uint64_t)number << 1 ^ (uint64_t)(number >> 63);

	for (; v >= 128; v >>= 7)
		add(b, (v & 127) | 128, 1);
	add(b, v, 1);
}

static void add_record(struct buf *b, const void *value, size_t len)
{
	struct buf one;

	buf_init(&one, 64);
	add(&one, 0, 3);	/* attributes, time, offset */
	add_varint(&one, -1);
	add_varint(&one, (int64_t)len);
	add_varint(b, (int64_t)(one.len + len + 1));
	buf_add(b, one.ptr, one.len);
	buf_add(b, value, len);
	add(b, 0, 1);	/* headers */
	buf_free(&one);
}

static void add_batch(struct buf *b, unsigned codec, const struct buf *records)
{
	add(b, 0, 8);
	add(b, 49 + records->len, 4);
	add(b, 0, 4);
	add(b, 2, 1);
	add(b, 0, 4);
	add(b, codec, 2);
	add(b, 0, 34);
	add(b, 1, 4);
	assert_int_equal(buf_add(b, records->ptr, records->len), 0);
}

/* Of version 7, to topic "t". */
static void produce(uint32_t id, const struct buf *batches)
{
	static const uint8_t client[] = "\0\1c\xff\xff\0\1\0\0\x75\x30\0\0\0\1\0\1t\0\0\0\1\0\0\0\0";
	size_t max = budget_max();
	struct buf b;

	budget_set(0);	/* not meant for what the test makes */
	buf_init(&b, 64 << 20);
	add(&b, 4 + 4 + sizeof(client) - 1 + 4 + batches->len, 4);
	add(&b, 7, 4);
	add(&b, id, 4);
	buf_add(&b, client, sizeof(client) - 1);
	add(&b, batches->len, 4);
	buf_add(&b, batches->ptr, batches->len);
	assert_false(b.failed);
	budget_set(max);
	give(DIR_RECEIVED, b.ptr, b.len);
	buf_free(&b);
}

static void produced(uint32_t id)
{
	static const uint8_t answer[] = "\0\0\0\1\0\1t\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\7\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0";
	struct buf b;

	buf_init(&b, 128);
	add(&b, 4 + sizeof(answer), 4);
	add(&b, id, 4);
	buf_add(&b, answer, sizeof(answer));
	give(DIR_SENT, b.ptr, b.len);
	buf_free(&b);
}

static void one_batch(struct buf *batches, unsigned codec, const void *value, size_t len)
{
	struct buf records;

	buf_init(batches, 64 << 20);
	buf_init(&records, 64 << 20);
	add_record(&records, value, len);
	add_batch(batches, codec, &records);
	buf_free(&records);
}

static void long_pipelines_are_counted_to_the_last(void **state)
{
	size_t before = budget_used();
	struct buf batches;

	assert_true(begin());
	one_batch(&batches, 0, "value", 5);
	for (uint32_t i = 0; i < 5003; i++)
		produce(i, &batches);
	for (uint32_t i = 0; i < 5003; i++)
		produced(i);
	assert_int_equal(seen.exchanges, 5003);
	assert_int_equal(seen.statuses[200], PROTOCOL_PENDING);	/* of those that could wait */
	assert_int_equal(seen.fields, 5003 + 1);
	produce(9000, &batches);
	produced(9000);
	assert_int_equal(seen.statuses[200], PROTOCOL_PENDING + 1);
	end();
	assert_int_equal(seen.exchanges, 5004);
	assert_int_equal(c.acct[0].opaque + c.acct[1].opaque, 0);
	buf_free(&batches);
	assert_int_equal(budget_used(), before);
}

/* Fetch of version 4, asked and answered: batches of sixteen KiB, and one of three MiB. */
static void a_large_answer_is_not_held(void **state)
{
	static const uint8_t ask[] = "\0\0\0\x37\0\1\0\4\0\0\0\1\0\1c\xff\xff\xff\xff\0\0\0\0\0\0\0\1\0\x10\0\0\0\0\0\0\1\0\1t\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0";
	size_t before = budget_used(), rest, most = 0, big = 3 << 20, size;
	struct buf head, batch, last;
	uint8_t *value = calloc(1, big);

	memset(value, 'x', big);
	one_batch(&batch, 0, value, 16384);
	one_batch(&last, 0, value, big);
	buf_init(&head, 256);
	size = 301 * batch.len + last.len;
	add(&head, 49 + size, 4);
	add(&head, 1, 4);
	add(&head, 0, 4);
	add(&head, 1, 4);
	add(&head, 1, 2);
	add(&head, 't', 1);
	add(&head, 1, 4);
	add(&head, 0, 4 + 2 + 8 + 8);
	add(&head, 0, 4);
	add(&head, size, 4);
	assert_int_equal(head.len, 49 + 4);
	assert_true(begin());
	give(DIR_RECEIVED, ask, sizeof(ask) - 1);
	give(DIR_SENT, head.ptr, head.len);
	rest = budget_used();
	for (unsigned i = 0; i < 301; i++) {
		for (size_t at = 0; at < batch.len; at += 1000)
			give(DIR_SENT, batch.ptr + at, batch.len - at < 1000 ? batch.len - at : 1000);
		most = budget_used() > most ? budget_used() : most;
	}
	assert_true(most - rest < 96 << 10);
	give(DIR_SENT, last.ptr, last.len);
	assert_int_equal(seen.exchanges, 1);
	assert_int_equal(seen.inspected[INSPECTED_PARTIAL], 1);
	assert_int_equal(seen.statuses[200], 1);
	assert_string_equal(seen.path, "value");
	assert_true(seen.fields > 301);
	end();
	buf_free(&head);
	buf_free(&batch);
	buf_free(&last);
	free(value);
	assert_int_equal(budget_used(), before);
}

static void pack(struct buf *out, unsigned codec, const struct buf *in)
{
	size_t room = 64 << 20;
	uint8_t *packed = malloc(room);
	z_stream z = { .next_in = in->ptr, .avail_in = (uInt)in->len, .next_out = packed, .avail_out = (uInt)room };

	assert_non_null(packed);
	if (codec == 1) {
		assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		room = z.total_out;
		deflateEnd(&z);
	} else if (codec == 2) {
		assert_int_equal(snappy_compress((const char *)in->ptr, in->len, (char *)packed, &room), SNAPPY_OK);
#ifdef WEIR_LZ4
	} else if (codec == 3) {
		room = LZ4F_compressFrame(packed, room, in->ptr, in->len, NULL);
		assert_false(LZ4F_isError(room));
#endif
	}
	buf_init(out, 64 << 20);
	buf_add(out, packed, room);
	free(packed);
}

/* Sixteen MiB of nothing: what is made of it has a limit, and the next batch is read. */
static void bombs_end_at_a_limit(void **state)
{
	size_t len = 16 << 20, before = budget_used();
	uint8_t *zeros = calloc(1, len);
	struct buf records;

	memset(zeros, 'a', len);
	buf_init(&records, 64 << 20);
	add_record(&records, zeros, len);
	for (unsigned codec = 1; codec <= 3; codec++) {
		struct buf packed, batches, one;

#ifndef WEIR_LZ4
		if (codec == 3)
			break;
#endif
		pack(&packed, codec, &records);
		buf_init(&batches, 64 << 20);
		add_batch(&batches, codec, &packed);
		one_batch(&one, 0, "behind", 6);
		buf_add(&batches, one.ptr, one.len);
		assert_true(begin());
		produce(1, &batches);
		produced(1);
		assert_int_equal(seen.exchanges, 1);
		assert_int_equal(seen.inspected[INSPECTED_PARTIAL], 1);
		assert_true(seen.fields > 1 && seen.fields < 2 * INFLATE_MAX / 16384);
		end();
		buf_free(&packed);
		buf_free(&batches);
		buf_free(&one);
	}
	buf_free(&records);
	free(zeros);
	assert_int_equal(budget_used(), before);
}

/* Every budget from nothing to plenty: whatever is refused, the account holds and all is given back. */
static void memory_that_runs_out_costs_no_byte(void **state)
{
	size_t before = budget_used();
	static uint8_t value[70000];
	struct buf small, large;

	memset(value, 'v', sizeof(value));
	for (size_t limit = 1; limit < 1200000; limit += 7001) {
		budget_set(0);
		one_batch(&small, 0, "value", 5);
		one_batch(&large, 0, value, sizeof(value));
		budget_set(budget_used() + 200 * 1024 + limit);	/* with what this test itself needs */
		if (begin()) {
			for (uint32_t i = 0; i < 20; i++)
				produce(i, i % 5 ? &small : &large);
			for (uint32_t i = 3; i < 20; i++)
				produced(i);
			end();
		}
		buf_free(&small);
		buf_free(&large);
		assert_int_equal(budget_used(), before);
	}
	budget_set(0);
	assert_int_equal(seen.exchanges, 20);
	assert_int_equal(seen.statuses[200], 17);
}

/* What its own library makes of bytes is read back; where it refuses damaged ones, they are not whole. */
/* In the middle of other bytes: numbers and a name are a request of which nothing more is known when another follows. */
static void what_stands_alone_among_others_is_no_request(void **state)
{
	static const char request[] = "\0\0\0\x1e\0\x0c\0\3\0\0\0\7\0\3app\0\2g1\0\0\0\1\0\2m1\xff\xff";
	struct slice one = slice_of(request, sizeof(request) - 1);
	char bytes[128] = "\x95\xb3\x95\xb3";
	const struct protocol *kafka = protocol_get(0);
	size_t at;

	for (unsigned i = 0; strcmp(kafka->name, "kafka"); i++)
		kafka = protocol_get(i);
	bytes[4 + 3] = (char)(one.len - 4);
	memcpy(bytes + 4, request, one.len);
	bytes[4 + 3] = (char)(one.len - 4);
	assert_false(kafka->seek(slice_of(bytes, 4 + one.len), DIR_RECEIVED, &at));
	assert_int_equal(at, 4);	/* what follows will tell */
	memcpy(bytes + 4 + one.len, bytes + 4, one.len);
	assert_true(kafka->seek(slice_of(bytes, 4 + 2 * one.len), DIR_RECEIVED, &at));
	assert_int_equal(at, 4);
	memset(bytes + 4 + one.len, 0x95, one.len);
	assert_false(kafka->seek(slice_of(bytes, 4 + 2 * one.len), DIR_RECEIVED, &at));
	assert_true(at > 4);
}

/* What was left to wait among others begins no call, however the next bytes come. */
static void what_waits_among_others_is_not_guessed(void **state)
{
	static const char bytes[] = "\x95\xb3\x95\0\0\1\x20\0\x1b\0\0\0\0\0\0\0\3app\0\2g1";
	struct conn_facts late;

	assert_true(begin());
	late = (struct conn_facts){ .id = 1, .role = ROLE_SERVER, .tls = TLS_ABSENT, .late = 1 };
	session_update(c.s, &late);
	give(DIR_RECEIVED, bytes, sizeof(bytes) - 1);
	for (unsigned i = 0; i < 12; i++)
		give(DIR_RECEIVED, bytes, 3);
	end();
	assert_int_equal(seen.exchanges + seen.fields, 0);
	assert_int_equal(c.acct[DIR_RECEIVED].examined, 0);
}

static void snappy_is_what_its_library_says(void **state)
{
	static uint8_t plain[70000], packed[90000], theirs[1 << 20];

	srand(11);
	for (unsigned round = 0; round < 2000; round++) {
		size_t len = (size_t)rand() % (round % 50 ? 600 : sizeof(plain)), n = sizeof(packed), made = sizeof(theirs);
		unsigned alphabet = 1 + (unsigned)rand() % 256;
		struct buf out;

		for (size_t i = 0; i < len; i++)
			plain[i] = (uint8_t)((unsigned)rand() % alphabet);
		assert_int_equal(snappy_compress((const char *)plain, len, (char *)packed, &n), SNAPPY_OK);
		buf_init(&out, INFLATE_MAX);
		assert_true(snappy_read(slice_of(packed, n), &out));
		assert_int_equal(out.len, len);
		assert_true(!len || !memcmp(out.ptr, plain, len));
		buf_reset(&out);
		packed[(size_t)rand() % n] ^= (uint8_t)(1 << rand() % 8);
		if (snappy_uncompress((const char *)packed, n, (char *)theirs, &made) == SNAPPY_OK)
			assert_true(snappy_read(slice_of(packed, n), &out) && out.len == made && (!made || !memcmp(out.ptr, theirs, made)));
		else
			assert_false(snappy_read(slice_of(packed, n), &out));
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_pipelines_are_counted_to_the_last),
		cmocka_unit_test(a_large_answer_is_not_held),
		cmocka_unit_test(bombs_end_at_a_limit),
		cmocka_unit_test(memory_that_runs_out_costs_no_byte),
		cmocka_unit_test(what_stands_alone_among_others_is_no_request),
		cmocka_unit_test(what_waits_among_others_is_not_guessed),
		cmocka_unit_test(snappy_is_what_its_library_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
