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
	struct queue q = { &head, area, SIZE };
	const uint8_t *record;
	size_t got, n;
	uint32_t epoch;
	int bad = 0;

	head.done = input_number(&in, 8);
	head.written = len & 1 ? input_number(&in, 8) : head.done + input_number(&in, 2);
	n = in.len < SIZE ? in.len : SIZE;
	memcpy(area, in.ptr, n);
	for (n = 0; n < SIZE && (record = queue_take(&q, &got, &bad)); n++) {
		MUST(record >= area + 8 && got <= SIZE && record + got <= area + SIZE);
		if (n % 3 == 2)
			queue_recover(&q, &epoch);
		else
			queue_done(&q);
	}
	MUST(n < SIZE && head.done == head.written);
	(void)queue_put(&q, bytes, len < SIZE ? len : SIZE);
	free(area);
	return 0;
}
