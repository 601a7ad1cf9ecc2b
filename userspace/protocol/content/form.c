/* SPDX-License-Identifier: Apache-2.0 */
/* form.c - application/x-www-form-urlencoded. */
#include <stdlib.h>
#include <string.h>

#include "protocol/content/media.h"
#include "protocol/content.h"
#include "protocol/http.h"

static int match(struct slice essence, struct slice head)
{
	return is_fold(essence, "application/x-www-form-urlencoded") ? 100 : 0;
}

static void emit(struct content_job *job, struct slice key, struct slice value, bool cut)
{
	char path[PATH_SIZE], name[NAME_SIZE];
	const char *base = job->base ? job->base : "form";
	size_t len = strnlen(base, sizeof(path) - 2), n = 0;
	struct field f = {
		.location = job->location, .dir = job->dir, .path = path, .key = key, .value = value,
		.siblings = job->fields, .cut = cut,
	};

	if (key.len)
		n = job->sink->clean(job->sink->owner, name, key);
	n = n < sizeof(path) - 2 - len ? n : sizeof(path) - 2 - len;
	memcpy(path, base, len);
	path[len] = '.';
	memcpy(path + len + 1, name, n);
	path[len + 1 + n] = 0;
	if (!cut && content_inside(job, path, key, value))	/* payload={"user":…}, as webhooks send it */
		return;
	job->sink->field(job->sink->owner, job->exchange, &f);
	job->fields++;
}

static bool looks_like_value(struct slice key)
{
	bool odd = false;

	for (size_t i = 0; i < key.len; i++)
		odd |= key.ptr[i] == '@' || (key.ptr[i] >= '0' && key.ptr[i] <= '9');
	return odd && key.len > 5;
}

static void decode(struct content_job *job, struct slice body)
{
	uint8_t *copy = malloc(body.len), *p = copy, *end = copy + body.len;

	if (!copy) {
		job->limited = true;
		return;
	}
	memcpy(copy, body.ptr, body.len);
	while (p < end && !content_full(job)) {
		uint8_t *amp = memchr(p, '&', (size_t)(end - p)), *stop = amp ? amp : end;
		uint8_t *eq = memchr(p, '=', (size_t)(stop - p));
		struct slice key, value = { 0 };

		key = slice_of(p, percent_decode(p, (size_t)((eq ? eq : stop) - p), true));
		if (eq)
			value = slice_of(eq + 1, percent_decode(eq + 1, (size_t)(stop - eq) - 1, true));
		if (looks_like_value(key))
			emit(job, (struct slice){ 0 }, key, false);
		if (value.len)
			emit(job, key, value, job->cut && !amp);
		p = stop + 1;
	}
	explicit_bzero(copy, body.len);
	free(copy);
}

const struct content content_form = {
	.name = "form", .summary = "URL-encoded forms", .match = match, .decode = decode,
};
