/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - RFC 5322: a mail's headers by name, and its body by its own media type. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/content/media.h"
#include "protocol/content/mime.h"
#include "protocol/content/tree.h"

#define HEADERS_MAX	256
#define VALUE_MAX	8192	/* bytes of a header's value; those behind are cut */

struct mail { struct slice type; enum transfer transfer; uint8_t words[VALUE_MAX * 2]; };

static int match(struct slice essence, struct slice head)
{
	return is_fold(essence, "message/rfc822") || is_fold(essence, "message/global") ? 100 : 0;
}

/* Signatures of machines that carried the mail: nothing that a person wrote, and it looks like secrets. */
static bool is_seal(struct slice name)
{
	return begins_fold(name, "dkim-") || begins_fold(name, "arc-") || begins_fold(name, "x-google-dkim-");
}

static void header(struct tree *t, struct mail *m, struct slice name, struct slice value)
{
	uint8_t lower[KEY_KEPT];
	bool cut = value.len > VALUE_MAX;
	size_t n;

	if (is_fold(name, "content-type"))
		m->type = value;
	else if (is_fold(name, "content-transfer-encoding"))
		m->transfer = mime_transfer(value);
	if (is_seal(name) || begins_fold(name, "content-"))
		return;
	name.len = name.len < sizeof(lower) ? name.len : sizeof(lower);
	for (size_t i = 0; i < name.len; i++)
		lower[i] = (uint8_t)tolower(name.ptr[i]);
	t->job->limited |= cut;
	value.len = cut ? VALUE_MAX : value.len;
	n = mime_words(m->words, value);
	tree_leaf(t, slice_of(lower, name.len), slice_of(m->words, n), VALUE_STRING, cut);
}

static void body_tell(struct tree *t, const struct mail *m, struct slice body)
{
	struct slice type = m->type.len ? m->type : SLICE("text/plain");
	uint8_t *plain = NULL;
	size_t room = body.len;

	if (!body.len || t->full)
		return;
	if (t->job->inside >= CONTENT_INSIDE) {
		t->job->limited = true;
		return;
	}
	if (m->transfer != TRANSFER_PLAIN) {
		plain = malloc(room);
		t->job->limited |= !plain;
		if (!plain)
			return;
		body = slice_of(plain, mime_decode(m->transfer, plain, body));
	}
	tree_open(t, SLICE("body"), false);
	content_open(t->job, t->path, SLICE("body"), type, body);
	tree_close(t);
	if (plain)
		explicit_bzero(plain, room);
	free(plain);
}

static void decode(struct content_job *job, struct slice body)
{
	struct mail *m = calloc(1, sizeof(*m));
	struct tree *t = m ? tree_new(job, "mail") : NULL;
	struct slice left = body, name, value;
	unsigned nr = 0;

	job->limited |= !m;
	if (t && job->late) {	/* whose headers are not known */
		content_text(job, "mail.body", body);
		left.len = 0;
	}
	while (t && left.len && nr++ < HEADERS_MAX && mime_header(&left, &name, &value))
		header(t, m, name, value);
	if (t) {
		job->limited |= nr > HEADERS_MAX;
		body_tell(t, m, left);
	}
	tree_free(t);
	if (m)
		explicit_bzero(m->words, sizeof(m->words));
	free(m);
}

const struct content content_mail = {
	.name = "mail", .summary = "headers of a mail by name, its body by its type", .match = match, .decode = decode,
};
