/* SPDX-License-Identifier: Apache-2.0 */
/* event.c - server-sent events (HTML, 9.2): each line a field, what data is in is looked into. */
#include <string.h>

#include "protocol/content/media.h"
#include "protocol/content/tree.h"

static int match(struct slice essence, struct slice head)
{
	return is_fold(essence, "text/event-stream") ? 100 : 0;
}

static void take_line(struct tree *t, struct slice line, bool first, bool last)
{
	const uint8_t *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
	size_t len = colon ? (size_t)(colon - line.ptr) : line.len;
	struct slice value = slice_of(line.ptr + len, line.len - len);
	bool cut = last && t->job->cut;

	if (!line.len)
		return;
	if (first && t->job->late && !colon)
		tree_leaf(t, NO_NAME, line, VALUE_STRING, true);
	value = trim(colon ? slice_of(value.ptr + 1, value.len - 1) : value);
	if (value.len)
		tree_leaf(t, len ? slice_of(line.ptr, len) : NO_NAME, value, VALUE_STRING, cut);	/* no name: a comment */
}

static void decode(struct content_job *job, struct slice body)
{
	struct tree *t = tree_new(job, "event");
	bool first = true;

	while (t && body.len && !t->full) {
		const uint8_t *nl = memchr(body.ptr, '\n', body.len);
		size_t len = nl ? (size_t)(nl - body.ptr) : body.len, step = len + (nl != NULL);

		take_line(t, trim(slice_of(body.ptr, len)), first, !nl);
		first = false;
		body = slice_of(body.ptr + step, body.len - step);
	}
	tree_free(t);
}

const struct content content_event = {
	.name = "event", .summary = "server-sent events", .match = match, .decode = decode,
};
