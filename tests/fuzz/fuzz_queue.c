/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of the queue between reader and analyst, whose head and data the other side may
 * have filled with anything. What is taken lies inside, and taking comes to an end. */
#include "capture/queue.h"
#include "tests/fuzz/fuzz.h"

#define SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = { bytes, len };
	struct queue_head head = { .pad0 = { 0 } };
	uint8_t *area = calloc(1, SIZE);
	struct queue q = { &head, area, SIZE, 0 };
	const uint8_t *record;
	size_t got, n;
	uint64_t next;
	int bad = 0;

	head.done = input_number(&in, 8);
	head.written = len & 1 ? input_number(&in, 8) : head.done + input_number(&in, 2);
	n = in.len < SIZE ? in.len : SIZE;
	memcpy(area, in.ptr, n);
	for (n = 0; n < SIZE && (record = queue_take(&q, &got, &bad)); n++) {
		MUST(record >= area + 8 && got <= SIZE && record + got <= area + SIZE);
		next = q.next;
		if (n % 3 == 2)	/* as after a death */
			MUST(queue_in_hand(&q, next, &got) == record);
		queue_release(&q, next);
	}
	MUST(n < SIZE && head.done == head.written);
	if (!queue_fill(&q, bytes, len < SIZE ? len : SIZE, &next))
		queue_publish(&q, next);
	queue_release(&q, len ? (uint64_t)bytes[0] << (len & 63) : 0);
	free(area);
	return 0;
}
