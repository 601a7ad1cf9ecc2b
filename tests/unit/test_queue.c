/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/queue.h"

static struct queue queue_make(void)
{
	struct queue q;
	int fd = memfd_create("queue", 0);

	assert_int_equal(ftruncate(fd, (off_t)queue_bytes()), 0);
	assert_int_equal(queue_map(&q, fd), 0);
	close(fd);
	return q;
}

static int queue_put(struct queue *q, const void *record, size_t len)
{
	uint64_t written;
	int err = queue_fill(q, record, len, &written);

	if (!err)
		queue_publish(q, written);
	return err;
}

static void queue_drop(struct queue *q)
{
	munmap(q->head, queue_bytes());
}

static void records_come_out_in_order_and_whole(void **state)
{
	struct queue q = queue_make();
	uint8_t record[5000];
	unsigned put = 0, got = 0, seed = 1;
	int bad;

	/* 40 MiB through 4 MiB: the end is passed many times at odd places. */
	while (got < 20000) {
		while (put < 20000) {
			size_t len = 1 + (put * 2654435761u) % sizeof(record);

			memset(record, (int)(put & 255), len);
			if (queue_put(&q, record, len))
				break;
			put++;
		}
		for (seed = seed * 1103515245 + 12345; seed % 7; seed /= 3) {
			size_t len;
			const uint8_t *p = queue_take(&q, &len, &bad);

			assert_int_equal(bad, 0);
			if (!p)
				break;
			assert_int_equal(len, 1 + (got * 2654435761u) % sizeof(record));
			for (size_t i = 0; i < len; i++)
				assert_int_equal(p[i], got & 255);
			queue_release(&q, q.next);
			got++;
		}
	}
	assert_int_equal(put, got);
	queue_drop(&q);
}

static void a_full_queue_refuses_and_keeps_what_it_has(void **state)
{
	struct queue q = queue_make();
	uint8_t record[16384] = { 7 };
	size_t n = 0, len;
	int bad;

	while (!queue_put(&q, record, sizeof(record)))
		n++;
	assert_in_range(n, QUEUE_SIZE / 16400, QUEUE_SIZE / 16384);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(queue_take(&q, &len, &bad));
		assert_int_equal(len, sizeof(record));
		queue_release(&q, q.next);
	}
	assert_null(queue_take(&q, &len, &bad));
	queue_drop(&q);
}

static void a_record_that_was_consumed_is_wiped(void **state)
{
	struct queue q = queue_make();
	static const char secret[] = "planted-secret-value";
	size_t len;
	int bad;

	assert_int_equal(queue_put(&q, secret, sizeof(secret)), 0);
	assert_non_null(queue_take(&q, &len, &bad));
	assert_non_null(memmem(q.data, q.size, secret, sizeof(secret)));
	queue_release(&q, q.next);
	assert_null(memmem(q.data, q.size, secret, sizeof(secret)));
	queue_drop(&q);
}

static void what_was_not_published_is_not_there(void **state)
{
	struct queue q = queue_make();
	uint64_t written;
	size_t len;
	int bad;

	assert_int_equal(queue_fill(&q, "first", 5, &written), 0);
	assert_null(queue_take(&q, &len, &bad));
	assert_int_equal(queue_fill(&q, "other", 5, &written), 0);
	queue_publish(&q, written);
	assert_memory_equal(queue_take(&q, &len, &bad), "other", 5);
	queue_drop(&q);
}

static void a_record_in_hand_is_found_again_and_released_once(void **state)
{
	struct queue q = queue_make();
	uint64_t next;
	size_t len;
	int bad;

	queue_put(&q, "first", 5);
	queue_put(&q, "second", 6);
	assert_non_null(queue_take(&q, &len, &bad));
	next = q.next;
	q.next = 0;	/* another process has the queue now */
	assert_memory_equal(queue_in_hand(&q, next, &len), "first", 5);
	assert_int_equal(len, 5);
	queue_release(&q, next);
	assert_null(queue_in_hand(&q, next, &len));
	queue_release(&q, next);
	assert_memory_equal(queue_take(&q, &len, &bad), "second", 6);
	queue_drop(&q);
}

static void nothing_is_in_hand_at_a_place_that_is_none(void **state)
{
	static const uint64_t places[] = { 0, 1, 7, 12, QUEUE_SIZE + 8, UINT64_MAX };
	struct queue q = queue_make();
	size_t len;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memset(q.data, 255, 64);
		assert_null(queue_in_hand(&q, places[i], &len));
	}
	queue_drop(&q);
}

static void a_lying_producer_cannot_make_the_consumer_read_outside(void **state)
{
	static const uint64_t lies[] = { 1, 7, 12, (uint64_t)1 << 40, UINT64_MAX, QUEUE_SIZE + 8 };
	static const uint32_t lengths[] = { 0xfffffffe, QUEUE_SIZE, 0x80000000, 4096 };
	size_t len;
	int bad;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
			struct queue q = queue_make();

			memcpy(q.data, &lengths[k], 4);
			q.head->written = lies[i];
			if (queue_take(&q, &len, &bad))
				assert_in_range(len, 0, QUEUE_SIZE - 8);
			queue_drop(&q);
		}
}

static void a_lying_consumer_cannot_make_the_producer_write_outside(void **state)
{
	static const uint64_t lies[] = { 1, QUEUE_SIZE - 1, QUEUE_SIZE - 2, UINT64_MAX, UINT64_MAX - 4 };

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct queue q = queue_make();

		q.head->written = q.head->done = lies[i];
		assert_int_equal(queue_put(&q, "record", 6), -ENOSPC);
		queue_drop(&q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_out_in_order_and_whole),
		cmocka_unit_test(a_full_queue_refuses_and_keeps_what_it_has),
		cmocka_unit_test(a_record_that_was_consumed_is_wiped),
		cmocka_unit_test(what_was_not_published_is_not_there),
		cmocka_unit_test(a_record_in_hand_is_found_again_and_released_once),
		cmocka_unit_test(nothing_is_in_hand_at_a_place_that_is_none),
		cmocka_unit_test(a_lying_producer_cannot_make_the_consumer_read_outside),
		cmocka_unit_test(a_lying_consumer_cannot_make_the_producer_write_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
