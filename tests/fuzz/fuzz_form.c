/* SPDX-License-Identifier: Apache-2.0 */
/* A body of pairs. Decoding shortens, but that two bytes a character may be three in UTF-8. */
#include "protocol/content.h"
#include "tests/fuzz/events.h"

struct sum { size_t bytes; unsigned fields; };

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct sum *s = owner;

	event_field(&(struct buf){ .max = 0 }, ex, f);
	MUST(f->value.len > 0);
	s->bytes += f->value.len;
	s->fields++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct exchange *ex = calloc(1, sizeof(*ex));
	struct sum sum = { 0 };
	const struct field_sink sink = { &sum, on_field, event_clean, event_exchange, NULL, NULL, NULL };
	struct content_job job = { .exchange = ex, .sink = &sink, .location = LOC_REQUEST_BODY, .cut = len & 1 };
	uint8_t *body = exact(bytes, len);
	size_t pairs = 1;

	job.inside = CONTENT_INSIDE;	/* what values hold is not meant */
	for (size_t i = 0; i < len; i++)
		pairs += bytes[i] == '&';
	content_decode(&job, SLICE("application/x-www-form-urlencoded"), slice_of(body, len));
	MUST(sum.bytes <= len + len / 2 && sum.fields <= 2 * pairs && sum.fields == job.fields);
	free(body);
	free(ex);
	return 0;
}
