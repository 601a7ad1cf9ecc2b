/* SPDX-License-Identifier: Apache-2.0 */
/* multipart.c - RFC 2046 and RFC 7578: the parts of a form under their names, each read by its own
 * media type; of a file the name, and what is in it when it is something that is read. */
#include <stdlib.h>
#include <string.h>

#include "protocol/content/media.h"
#include "protocol/content/mime.h"
#include "protocol/content/tree.h"

#define BOUNDARY_MAX	70	/* RFC 2046, 5.1.1 */
#define HEADERS_MAX	64	/* of a part */
#define COST_PART	300	/* ns to begin with a part */

struct part { struct slice name, filename, type, body; enum transfer transfer; bool whole, ranged; };

static bool boundary_byte(uint8_t c)
{
	return c > 0x20 && c < 0x7f;
}

/* The first line that is "--" and a boundary, for who has not got the media type. */
static struct slice boundary_guess(struct slice body)
{
	struct slice s = trim(body);
	size_t n = 2;

	if (!begins(s, "--"))
		return NO_NAME;
	while (n < s.len && boundary_byte(s.ptr[n]))
		n++;
	if (n < 3 || n - 2 > BOUNDARY_MAX || n == s.len || !is_blank(s.ptr[n]))
		return NO_NAME;
	return slice_of(s.ptr + 2, n - 2);
}

static int match(struct slice essence, struct slice head)
{
	struct slice boundary, s;

	if (media_has(essence, "multipart/"))
		return 100;
	boundary = boundary_guess(head);
	if (!boundary.len)
		return 0;
	s = trim(slice_of(boundary.ptr + boundary.len, head.len - (size_t)(boundary.ptr + boundary.len - head.ptr)));
	return begins_fold(s, "content-") ? 60 : 0;
}

/* Where the next line "--boundary" begins; NULL: there is none. */
static const uint8_t *delimiter(const uint8_t *start, const uint8_t *p, const uint8_t *end, struct slice line)
{
	while ((p = memmem(p, (size_t)(end - p), line.ptr, line.len))) {
		if (p == start || p[-1] == '\n')
			return p;
		p += line.len;
	}
	return NULL;
}

static void header(struct part *part, struct slice name, struct slice value)
{
	if (is_fold(name, "content-disposition")) {
		part->name = media_param(value, "name");
		part->filename = media_param(value, "filename");
		if (!part->filename.len)
			part->filename = media_param(value, "filename*");
	} else if (is_fold(name, "content-type")) {
		part->type = value;
	} else if (is_fold(name, "content-range")) {
		part->ranged = true;
	} else if (is_fold(name, "content-transfer-encoding")) {
		part->transfer = mime_transfer(value);
	}
}

/* Headers up to an empty line; what is behind it is the body. */
static void part_read(struct part *part, struct slice s)
{
	struct slice name, value;

	for (unsigned n = 0; n < HEADERS_MAX && mime_header(&s, &name, &value); n++)
		header(part, name, value);
	part->body = s;
}

/* A file, or a part that says what it is. */
static void part_open(struct tree *t, const struct part *part, struct slice body)
{
	bool cut = t->job->cut, named = part->name.len || part->filename.len;

	if (named)
		tree_open(t, part->name.len ? part->name : NO_NAME, false);
	if (part->filename.len)
		tree_leaf(t, SLICE("filename"), part->filename, VALUE_STRING, false);
	t->job->cut = cut && !part->whole;
	if (t->job->inside >= CONTENT_INSIDE)
		t->job->limited = true;
	else
		content_open(t->job, t->path, part->name, part->type, body);
	t->job->cut = cut;
	if (named)
		tree_close(t);
}

static void part_tell(struct tree *t, const struct part *part)
{
	struct slice body = part->body;
	uint8_t *plain = NULL;

	if (t->job->sink->afford)
		t->job->sink->afford(t->job->sink->owner, COST_PART);
	t->job->limited |= part->ranged;	/* multipart/byteranges: the rest of the file is elsewhere */
	if (part->transfer && body.len) {
		plain = malloc(body.len);
		t->job->limited |= !plain;
		if (!plain)
			return;
		body = slice_of(plain, mime_decode(part->transfer, plain, body));
	}
	if (part->filename.len || (part->type.len && !is_fold(media_essence(part->type), "text/plain")))
		part_open(t, part, body);
	else if (body.len)
		tree_leaf(t, part->name, body, VALUE_STRING, !part->whole && t->job->cut);
	if (plain)
		explicit_bzero(plain, body.len);
	free(plain);
	t->full |= content_full(t->job);
}

/* Of what stands before a delimiter, the line end belongs to that. */
static struct slice without_line_end(const uint8_t *from, const uint8_t *to)
{
	to -= to > from && to[-1] == '\n';
	to -= to > from && to[-1] == '\r';
	return slice_of(from, (size_t)(to - from));
}

static void parts(struct tree *t, struct slice body, struct slice line)
{
	const uint8_t *end = body.ptr + body.len, *p = delimiter(body.ptr, body.ptr, end, line);

	if (t->job->late && body.len)	/* the rest of a part whose name is not known */
		content_text(t->job, t->path, without_line_end(body.ptr, p ? p : end));
	else if (!p)
		t->job->limited = true;
	while (p && !t->full) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p)), *next;
		struct part part = { .name = NO_NAME };

		p += line.len;
		if (!nl || (end - p >= 2 && p[0] == '-' && p[1] == '-'))
			break;
		next = delimiter(body.ptr, nl, end, line);
		part.whole = next != NULL;
		part_read(&part, without_line_end(nl + 1, next ? next : end));
		if (!next)
			t->job->limited = true;
		part_tell(t, &part);
		p = next;
	}
}

static void decode(struct content_job *job, struct slice body)
{
	struct slice boundary = media_param(job->type, "boundary");
	uint8_t line[BOUNDARY_MAX + 2] = "--";
	struct tree *t;

	if (!boundary.len || boundary.len > BOUNDARY_MAX)
		boundary = boundary_guess(body);
	if (!boundary.len) {
		content_text(job, "multipart", body);
		return;
	}
	memcpy(line + 2, boundary.ptr, boundary.len);
	t = tree_new(job, "multipart");
	if (t)
		parts(t, body, slice_of(line, boundary.len + 2));
	tree_free(t);
}

const struct content content_multipart = {
	.name = "multipart", .summary = "parts of forms and mails, files by name", .match = match, .decode = decode,
};
