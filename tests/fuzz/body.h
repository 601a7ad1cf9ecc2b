/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - a body of one media type: what holds of every decoder. A file that includes it names
 * the type, and is a target. The last byte says whether the body begins late or ends early. */
#include "protocol/content.h"
#include "tests/fuzz/events.h"

struct body_seen { unsigned fields; size_t bytes; };

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct body_seen *seen = owner;

	event_field(&(struct buf){ .max = 0 }, ex, f);
	MUST(f->path[0] && strnlen(f->path, PATH_SIZE) < PATH_SIZE);
	seen->fields++;
	seen->bytes += f->value.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t how = len ? bytes[len - 1] : 0;
	struct exchange *ex = calloc(1, sizeof(*ex));
	struct body_seen seen = { 0 };
	const struct field_sink sink = { .owner = &seen, .field = on_field, .clean = event_clean };
	struct content_job job = { .exchange = ex, .sink = &sink, .location = LOC_RESPONSE_BODY, .late = how & 1, .cut = how & 2 };
	uint8_t *body = exact(bytes, len);
	int done = content_decode(&job, SLICE(BODY_TYPE), slice_of(body, len));

	MUST(done >= INSPECTED_FULL && done <= INSPECTED_NONE);
	MUST(seen.fields == job.fields && seen.fields <= CONTENT_FIELDS);
	MUST(!(job.cut || job.limited) || done != INSPECTED_FULL);
	/* A value is told of once for each content that holds it, in base64 as what it is as well; numbers are written out. */
	MUST(seen.bytes <= (2 * CONTENT_INSIDE + 2) * len + 24 * (size_t)seen.fields);
	free(body);
	free(ex);
	return 0;
}
