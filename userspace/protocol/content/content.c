/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - which decoder a body goes to; no decoder: it is scanned as text. */
#include "protocol/content.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/content/media.h"
#include "protocol/content/utf16.h"

#define TEXT_PIECE 16384
#define TEXT_OVERLAP 256

#define CONTENT(name) extern const struct content content_##name;
#include "protocol/content/list.def"
#undef CONTENT

static const struct content *const contents[] = {
#define CONTENT(name) &content_##name,
#include "protocol/content/list.def"
#undef CONTENT
};

unsigned content_count(void)
{
	return sizeof(contents) / sizeof(contents[0]);
}

const struct content *content_get(unsigned i)
{
	return i < content_count() ? contents[i] : NULL;
}

/* A character below a blank that no text has. */
static inline unsigned is_odd(uint8_t c)
{
	return (c < 0x20) & (c != 0) & (c != '\t') & (c != '\n') & (c != '\r');
}

/* Sixteen sums beside each other, so that the compiler takes as many bytes in one step; no branch: of noise every eighth is odd. */
static bool mostly_printable(struct slice body)
{
	size_t n = body.len < CONTENT_ENOUGH ? body.len : CONTENT_ENOUGH, at = 0, odd = 0;
	uint8_t sums[16] = { 0 };

	_Static_assert(CONTENT_ENOUGH / sizeof(sums) <= UINT8_MAX, "no sum wraps");
	for (; at + sizeof(sums) <= n; at += sizeof(sums))
		for (size_t i = 0; i < sizeof(sums); i++)
			sums[i] += (uint8_t)is_odd(body.ptr[at + i]);
	for (size_t i = 0; i < sizeof(sums); i++)
		odd += sums[i];
	for (; at < n; at++)
		odd += is_odd(body.ptr[at]);
	return odd * 20 < n;
}

/* Pieces overlap, so that a value on a border is seen whole once. */
void content_text(struct content_job *job, const char *path, struct slice body)
{
	for (size_t at = 0; at < body.len; at += TEXT_PIECE - TEXT_OVERLAP) {
		size_t n = body.len - at < TEXT_PIECE ? body.len - at : TEXT_PIECE;
		struct field f = {
			.location = job->location, .dir = job->dir, .path = job->base ? job->base : path, .key = job->key, .text = 1,
			.value = slice_of(body.ptr + at, n), .cut = job->cut && at + n == body.len,
		};

		job->sink->field(job->sink->owner, job->exchange, &f);
		job->fields++;
		if (at + n == body.len || content_full(job))
			break;
	}
}

static const struct content *best_for(struct slice media_type, struct slice body)
{
	const struct content *best = NULL;
	struct slice essence = media_essence(media_type);
	int best_score = 0;

	for (unsigned i = 0; i < content_count() && best_score < 100; i++) {
		int score = contents[i]->match(essence, body);

		if (score > best_score) {
			best_score = score;
			best = contents[i];
		}
	}
	return best;
}

bool content_unread(struct slice media_type, struct slice head)
{
	bool big;

	return !utf16_is(media_type, head, &big) && !best_for(media_type, head) && !mostly_printable(head);
}

/* What it is, or what it looks like. */
static int decode_as(struct content_job *job, struct slice media_type, struct slice body)
{
	const struct content *best = best_for(media_type, body);

	job->type = media_type;
	if (best)
		best->decode(job, body);
	else if (mostly_printable(body))
		content_text(job, "body", body);
	else
		return INSPECTED_NONE;
	if (job->unread)
		return INSPECTED_NONE;
	return job->cut || job->limited ? INSPECTED_PARTIAL : INSPECTED_FULL;
}

/* Decoders read UTF-8 and what has its marks where ASCII has them. */
static int decode_wide(struct content_job *job, struct slice media_type, struct slice body, bool big)
{
	size_t size = body.len / 2 * 3 + 1;
	uint8_t *plain = malloc(size);
	int done;

	if (!plain) {
		job->limited = true;
		return INSPECTED_NONE;
	}
	done = decode_as(job, media_type, slice_of(plain, utf16_read(plain, body, big)));
	explicit_bzero(plain, size);
	free(plain);
	return done;
}

int content_decode(struct content_job *job, struct slice media_type, struct slice body)
{
	bool big;

	if (job->sink->afford && !job->sink->afford(job->sink->owner, (int64_t)(body.len * CONTENT_COST)))
		return INSPECTED_NONE;
	if (!body.len)
		return job->cut ? INSPECTED_PARTIAL : INSPECTED_FULL;
	if (utf16_is(media_type, body, &big))
		return decode_wide(job, media_type, body, big);
	return decode_as(job, media_type, body);
}

bool content_flows(struct slice media_type)
{
	static const char *const types[] = {
		"text/event-stream", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
		"application/json-seq", "application/stream+json", "application/vnd.elasticsearch+x-ndjson",
	};

	media_type = media_essence(media_type);
	for (size_t i = 0; media_type.len && i < sizeof(types) / sizeof(types[0]); i++)
		if (is_fold(media_type, types[i]))
			return true;
	return false;
}

int content_open(struct content_job *job, const char *path, struct slice key, struct slice media_type, struct slice value)
{
	struct content_job in = *job;
	int done;

	in.base = path;
	in.key = key;
	in.inside++;
	in.late = in.limited = in.unread = false;
	done = content_decode(&in, media_type, value);
	job->fields = in.fields;
	job->limited |= done != INSPECTED_FULL;
	return done;
}
