/* SPDX-License-Identifier: Apache-2.0 */
/* A set of protobuf descriptors, refused with its place or used, and a body that is read by the method
 * "/s.S/M" of it, or by its message "s.M". The first two bytes are the length of the set. */
#include "protocol/content.h"
#include "protocol/descriptor.h"
#include "tests/fuzz/events.h"

struct seen { unsigned fields; };

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct seen *seen = owner;

	event_field(&(struct buf){ .max = 0 }, ex, f);
	MUST(f->path[0] == '$' && strnlen(f->path, PATH_SIZE) < PATH_SIZE);
	for (const char *p = f->path; *p; p++)
		MUST(*p > 0x20 && *p < 0x7f);
	seen->fields++;
}

static void body_read(const char *type, uint8_t how, const uint8_t *bytes, size_t len)
{
	struct exchange *ex = calloc(1, sizeof(*ex));
	struct seen seen = { 0 };
	const struct field_sink sink = { .owner = &seen, .field = on_field, .clean = event_clean };
	struct content_job job = { .exchange = ex, .sink = &sink, .location = how & 1 ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY, .cut = how & 2 };
	uint8_t *body = exact(bytes, len);
	int done;

	ex->schema = descriptor_method("/s.S/M", 6);
	done = content_decode(&job, slice_of(type, strlen(type)), slice_of(body, len));
	MUST(done >= INSPECTED_FULL && done <= INSPECTED_NONE);
	MUST(seen.fields == job.fields && seen.fields <= CONTENT_FIELDS);
	MUST(!(job.cut || job.limited) || done != INSPECTED_FULL);
	free(body);
	free(ex);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t n = len < 2 ? 0 : (size_t)bytes[0] | (size_t)bytes[1] << 8;
	uint8_t how = len ? bytes[len - 1] : 0, *set;
	struct descriptors *d = descriptors_new();
	char why[256] = "";
	size_t at;

	MUST(d);
	n = len < 2 ? 0 : n < len - 2 ? n : len - 2;
	set = exact(len < 2 ? bytes : bytes + 2, n);
	if (descriptors_add(d, set, n, why, sizeof(why))) {
		MUST(sscanf(why, "byte %zu: ", &at) == 1 && at <= n && strstr(why, "make it anew"));
		MUST(descriptors_add(d, "\x0a\x00", 2, why, sizeof(why)) == 0);	/* as if it had never been there */
	}
	MUST(!descriptors_use(d));
	free(set);
	if (len > 2 + n) {
		body_read("application/grpc", how, bytes + 2 + n, len - 2 - n);
		body_read("application/protobuf; proto=s.M", how, bytes + 2 + n, len - 2 - n);
	}
	MUST(!descriptors_use(NULL));
	return 0;
}
