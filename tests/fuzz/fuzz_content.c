/* SPDX-License-Identifier: Apache-2.0 */
/* A body whose media type is part of the input: up to the first line end. Whatever is guessed,
 * the caps of content.h hold. */
#include "protocol/content.h"
#include "tests/fuzz/events.h"

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	event_field(&(struct buf){ .max = 0 }, ex, f);
	++*(unsigned *)owner;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *nl = len ? memchr(bytes, '\n', len) : NULL;
	size_t type = nl ? (size_t)(nl - bytes) : 0, from = nl ? type + 1 : 0;
	struct exchange *ex = calloc(1, sizeof(*ex));
	unsigned fields = 0;
	const struct field_sink sink = { &fields, on_field, event_clean, event_exchange, NULL, NULL, NULL };
	struct content_job job = { .exchange = ex, .sink = &sink, .location = LOC_RESPONSE_BODY, .late = len & 1, .cut = len & 2 };
	uint8_t *name = exact(bytes, type), *body = exact(bytes + from, len - from);
	int done = content_decode(&job, slice_of(name, type), slice_of(body, len - from));

	MUST(done >= INSPECTED_FULL && done <= INSPECTED_NONE);
	MUST(fields == job.fields && fields <= CONTENT_FIELDS);
	MUST(!(job.cut || job.limited) || done != INSPECTED_FULL);
	free(name);
	free(body);
	free(ex);
	return 0;
}
