/* SPDX-License-Identifier: Apache-2.0 */
/* bson.c - BSON 1.1, one document or several in a row. Lengths of documents are not believed:
 * their ends are where their last byte says so. */
#include <stdio.h>
#include <string.h>

#include "protocol/content/items.h"
#include "protocol/content/media.h"

#define DOCUMENT_MAX (16 << 20)	/* what its databases take */

enum bson {
	BSON_END, BSON_DOUBLE, BSON_STRING, BSON_DOCUMENT, BSON_LIST, BSON_BINARY, BSON_UNDEFINED, BSON_ID, BSON_BOOL, BSON_TIME,
	BSON_NULL, BSON_REGEX, BSON_POINTER, BSON_CODE, BSON_SYMBOL, BSON_SCOPED, BSON_INT32, BSON_STAMP, BSON_INT64, BSON_DECIMAL,
};

struct walker {
	struct content_job *job;
	struct tree *tree;
	const uint8_t *p, *end;
	bool stop;	/* what follows cannot be told apart */
};

static uint64_t little(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

/* Of a document that goes on behind what is here, its first name has to speak for it too. */
static int match(struct slice essence, struct slice head)
{
	const uint8_t *end;
	uint64_t size;

	if (media_has(essence, "bson"))
		return 100;
	size = head.len < 12 ? 0 : little(head.ptr, 4);
	if (!size || size < head.len || size > DOCUMENT_MAX || !head.ptr[4] || head.ptr[4] > BSON_DECIMAL)
		return 0;
	end = memchr(head.ptr + 5, 0, head.len - 6);
	if (!end || size == head.len)
		return end && !head.ptr[head.len - 1] ? 60 : 0;
	return is_identifier(slice_of(head.ptr + 5, (size_t)(end - head.ptr) - 5)) ? 40 : 0;
}

static void lost(struct walker *w)
{
	w->stop = w->job->limited = true;
	w->p = w->end;
}

/* So many bytes; fewer where the body ends. */
static struct slice take(struct walker *w, uint64_t n, bool *cut)
{
	size_t room = (size_t)(w->end - w->p);
	struct slice s = slice_of(w->p, n < room ? (size_t)n : room);

	if (n > room) {
		*cut = true;
		w->stop = w->job->limited = true;
	}
	w->p += s.len;
	return s;
}

static uint64_t number(struct walker *w, unsigned bytes)
{
	uint64_t v;

	if ((size_t)(w->end - w->p) < bytes) {
		lost(w);
		return 0;
	}
	v = little(w->p, bytes);
	w->p += bytes;
	return v;
}

static struct slice cstring(struct walker *w)
{
	const uint8_t *nul = memchr(w->p, 0, (size_t)(w->end - w->p));
	struct slice s = slice_of(w->p, (size_t)((nul ? nul : w->end) - w->p));

	w->p += s.len + (nul != NULL);
	if (!nul)
		lost(w);
	return s;
}

static void tell_integer(struct walker *w, struct slice name, int64_t v)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%lld", (long long)v);

	if (!w->stop)
		tree_leaf(w->tree, name, slice_of(text, (size_t)len), VALUE_NUMBER, false);
}

static void tell_double(struct walker *w, struct slice name)
{
	uint64_t bits = number(w, 8);
	char text[32];
	double d;
	int len;

	memcpy(&d, &bits, sizeof(d));
	len = snprintf(text, sizeof(text), "%.15g", d);
	if (!w->stop)
		tree_leaf(w->tree, name, slice_of(text, (size_t)len), VALUE_NUMBER, false);
}

/* Length with its NUL, bytes, NUL. */
static void tell_string(struct walker *w, struct slice name)
{
	uint64_t len = number(w, 4);
	bool cut = false;
	struct slice s;

	if (!len || len > INT32_MAX) {
		lost(w);
		return;
	}
	s = take(w, len, &cut);
	s.len -= !cut && s.len;
	tree_leaf(w->tree, name, s, VALUE_STRING, cut);
}

static void tell_bytes(struct walker *w, struct slice name, uint64_t len)
{
	bool cut = false;
	struct slice s = take(w, len, &cut);

	tree_leaf(w->tree, name, s, is_written(s) ? VALUE_STRING : VALUE_BYTES, cut);
}

static void tell_binary(struct walker *w, struct slice name)
{
	uint64_t len = number(w, 4);

	number(w, 1);
	if (len > INT32_MAX)
		lost(w);
	if (!w->stop)
		tell_bytes(w, name, len);
}

static void document(struct walker *w, struct slice name, bool list)
{
	number(w, 4);
	if (w->stop)
		return;
	if (w->tree->too_deep || w->tree->depth > CONTENT_DEPTH)
		lost(w);
	else
		tree_open(w->tree, name, list);
}

/* What most documents have not: the old sorts, and bounds of searches. */
static void rare(struct walker *w, uint8_t type, struct slice name)
{
	switch (type) {
	case BSON_UNDEFINED: case 0x7f: case 0xff:
		break;
	case BSON_REGEX:
		tree_leaf(w->tree, name, cstring(w), VALUE_STRING, w->stop);
		cstring(w);
		break;
	case BSON_POINTER:
		tell_string(w, name);
		number(w, 8);
		number(w, 4);
		break;
	case BSON_SCOPED:	/* length, code, and a document that is taken for a member */
		number(w, 4);
		if (!w->stop)
			tell_string(w, name);
		if (!w->stop)
			document(w, name, false);
		break;
	case BSON_DECIMAL:
		number(w, 8);
		number(w, 8);
		break;
	default:
		lost(w);
	}
}

static void element(struct walker *w)
{
	uint8_t type = *w->p++;
	struct slice name = cstring(w);
	bool value;

	if (w->stop)
		return;
	if (tree_top(w->tree)->array)
		name = NO_NAME;	/* "0", "1" */
	else
		tree_name(w->tree, name);
	switch (type) {
	case BSON_DOUBLE: tell_double(w, name); break;
	case BSON_STRING: case BSON_CODE: case BSON_SYMBOL: tell_string(w, name); break;
	case BSON_DOCUMENT: case BSON_LIST: document(w, name, type == BSON_LIST); break;
	case BSON_BINARY: tell_binary(w, name); break;
	case BSON_ID: tell_bytes(w, name, 12); break;
	case BSON_BOOL:
		value = number(w, 1);
		if (!w->stop)
			tree_leaf(w->tree, name, value ? SLICE("true") : SLICE("false"), VALUE_BOOL, false);
		break;
	case BSON_NULL: tree_leaf(w->tree, name, SLICE("null"), VALUE_NULL, false); break;
	case BSON_INT32: tell_integer(w, name, (int32_t)number(w, 4)); break;
	case BSON_TIME: case BSON_STAMP: case BSON_INT64: tell_integer(w, name, (int64_t)number(w, 8)); break;
	default: rare(w, type, name);
	}
}

/* Documents around, by the tree: at its first level one begins. */
static void decode(struct content_job *job, struct slice body)
{
	struct walker w = { .job = job, .tree = tree_new(job, "$"), .p = body.ptr, .end = body.ptr + body.len };
	bool open = false;

	if (!w.tree)
		return;
	while (w.p < w.end && !w.stop && !w.tree->full) {
		if (w.tree->depth == 1 && !open) {
			number(&w, 4);
			open = true;
			if (!w.stop)
				tree_open(w.tree, NO_NAME, false);
		} else if (*w.p == BSON_END) {
			w.p++;
			tree_close(w.tree);
			open = w.tree->depth > 1;
		} else {
			element(&w);
		}
	}
	job->limited |= open && w.p == w.end;	/* it has not ended */
	tree_free(w.tree);
}

const struct content content_bson = {
	.name = "bson", .summary = "BSON documents", .match = match, .decode = decode,
};
