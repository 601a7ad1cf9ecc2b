/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - JSON, also when it begins in the middle, ends early, or is one document a
 * line. One pass, no tree: a stack of open containers with their names, and a field for
 * each scalar. What is not JSON is stepped over, so that a cut start costs little; where
 * quotes or brackets cannot belong together bytes are missing, and it goes on from there. */
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/utf8.h"
#include "protocol/content/media.h"
#include "protocol/content/tree.h"

#define STRING_MAX 65536	/* bytes of one unescaped string; the rest is cut */

/* Room for one unescaped string, made when the first escape comes. */
struct unescaped { uint8_t *ptr; size_t len, used; };

struct walker {
	struct content_job *job;
	struct tree *tree;
	const uint8_t *p, *end;
	const uint8_t *late;	/* where a body begins that began before; NULL: it begins here */
	size_t room;		/* of each: no string is longer than what it stands in */
	struct unescaped text, kept;	/* of the string just read; of the key that waits */
	struct slice name;		/* key waiting for its value: in the body, or in kept; ptr NULL: none */
	bool ended;		/* a value has ended, and no comma came */
};

static int match(struct slice essence, struct slice head)
{
	if (media_has(essence, "json"))
		return 100;
	head = trim(head);
	return head.len && (*head.ptr == '{' || *head.ptr == '[') ? 60 : 0;
}

static void unescaped_free(struct unescaped *u)
{
	if (u->ptr)
		explicit_bzero(u->ptr, u->used);
	free(u->ptr);
}

/* Room for it all, or for none of it: NULL. */
static uint8_t *text_room(struct walker *w)
{
	struct unescaped *u = &w->text;

	if (!u->ptr)
		u->ptr = malloc(w->room);
	w->job->limited |= !u->ptr;
	u->len = 0;
	return u->ptr;
}

static void text_add(struct walker *w, const uint8_t *bytes, size_t n)
{
	struct unescaped *u = &w->text;

	if (n > w->room - u->len) {
		n = w->room - u->len;
		w->job->limited = true;
	}
	memcpy(u->ptr + u->len, bytes, n);
	u->len += n;
	if (u->len > u->used)
		u->used = u->len;
}

static void value_done(struct walker *w, struct slice value, enum value_type type, bool cut)
{
	tree_leaf(w->tree, w->name, value, type, cut);
	w->name = NO_NAME;
	w->ended = true;
}

/* The string just read names the value that comes. */
static void name_done(struct walker *w, struct slice name)
{
	struct tree *t = w->tree;

	if (name.ptr == w->text.ptr && name.len) {	/* the value may want that room */
		struct unescaped other = w->kept;

		w->kept = w->text;
		w->text = other;
	}
	while (t->depth > 1 && tree_top(t)->array)	/* its end is missing: a list has no names */
		tree_close(t);
	w->name = name;
	w->ended = false;
	tree_name(t, name);
}

static void container_open(struct walker *w, bool array)
{
	struct tree *t = w->tree;

	while (w->ended && t->depth + t->too_deep > 1)	/* {"a":1 {"b":2}: another document, or the ends are missing */
		tree_close(t);
	tree_open(t, w->name, array);
	w->name = NO_NAME;
	w->ended = false;
}

static void container_close(struct walker *w)
{
	tree_close(w->tree);
	w->name = NO_NAME;
	w->ended = true;
}

static void put_utf8(struct walker *w, uint32_t c)
{
	uint8_t b[4];
	size_t n = utf8_put(b, c);

	if (n <= w->room - w->text.len)
		text_add(w, b, n);
}

/* RFC 8259, 7: one escape behind the backslash; two when they are a surrogate pair. */
static void take_escape(struct walker *w)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *simple = w->p < w->end && *w->p ? strchr(from, *w->p) : NULL;
	int high, low;

	if (w->p >= w->end)
		return;
	if (*w->p != 'u') {
		put_utf8(w, simple ? (uint32_t)to[simple - from] : *w->p);
		w->p++;
		return;
	}
	w->p++;
	high = w->end - w->p >= 4 ? hex4(w->p) : -1;
	if (high < 0)
		return;
	w->p += 4;
	if (high >= 0xd800 && high < 0xdc00 && w->end - w->p >= 6 && w->p[0] == '\\' && w->p[1] == 'u' &&
	    (low = hex4(w->p + 2)) >= 0xdc00 && low < 0xe000) {
		w->p += 6;
		put_utf8(w, 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
		return;
	}
	put_utf8(w, high >= 0xd800 && high < 0xe000 ? 0xfffd : (uint32_t)high);
}

/* Where the next '"' or '\\' stands, or end: sixteen bytes at a time, or eight. */
static inline const uint8_t *plain_end(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	const __m128i quotes = _mm_set1_epi8('"'), backs = _mm_set1_epi8('\\');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		int hit = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, quotes), _mm_cmpeq_epi8(v, backs)));

		if (hit)
			return p + __builtin_ctz((unsigned)hit);
	}
#else
	const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;

	for (; end - p >= 8; p += 8) {
		uint64_t v, quote, back;

		memcpy(&v, p, 8);
		quote = v ^ ones * '"';
		back = v ^ ones * '\\';
		if (((quote - ones) & ~quote & highs) | ((back - ones) & ~back & highs))
			break;
	}
#endif
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* Behind the opening quote: what is in it, in the body where nothing is escaped. true: it was closed. */
static bool take_string(struct walker *w, struct slice *out)
{
	const uint8_t *start = w->p;
	bool closed = false;

	w->p = plain_end(start, w->end);
	if (w->p == w->end || *w->p == '"') {
		size_t len = (size_t)(w->p - start);

		w->job->limited |= len > STRING_MAX;
		*out = slice_of(start, len < STRING_MAX ? len : STRING_MAX);
		closed = w->p < w->end;
		w->p += closed;
		return closed;
	}
	*out = (struct slice){ start, 0 };
	if (!text_room(w)) {	/* stepped over */
		while (w->p < w->end && !closed) {
			closed = *w->p == '"';
			w->p += *w->p == '\\' && w->end - w->p > 1 ? 2 : 1;
		}
		return closed;
	}
	text_add(w, start, (size_t)(w->p - start));
	while (w->p < w->end && !closed) {
		uint8_t c = *w->p++;

		if (c == '\\') {
			take_escape(w);
			start = w->p;
			w->p = plain_end(start, w->end);
			text_add(w, start, (size_t)(w->p - start));
		} else {
			closed = true;
		}
	}
	*out = slice_of(w->text.ptr, w->text.len);
	return closed;
}

static const bool ends_scalar[256] = {
	[0] = true, [','] = true, [']'] = true, ['}'] = true, ['['] = true, ['{'] = true, ['"'] = true, [':'] = true,
	[' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, [0x1e] = true,
};

/* What stands behind a string that has ended: a name ends with a colon. */
enum after { AFTER_VALUE, AFTER_NAME, AFTER_MISSING };
static enum after after_string(const struct walker *w)
{
	const uint8_t *p = w->p;

	if (p < w->end && (*p == ':' || *p == ','))
		return *p == ':' ? AFTER_NAME : AFTER_VALUE;
	while (p < w->end && is_blank(*p))
		p++;
	if (p == w->end || p > w->p || ends_scalar[*p])
		return p < w->end && *p == ':' ? AFTER_NAME : p < w->end && *p == '"' && p == w->p ? AFTER_MISSING : AFTER_VALUE;
	return AFTER_MISSING;
}

static void take_text(struct walker *w)
{
	struct slice text;
	bool closed, holes;

	w->p++;
	closed = take_string(w, &text);
	switch (closed ? after_string(w) : AFTER_VALUE) {
	case AFTER_NAME:
		name_done(w, text);
		break;
	case AFTER_VALUE:
		value_done(w, text, VALUE_STRING, !closed);
		break;
	case AFTER_MISSING:	/* "abc"x: the quote begins another string, and the end of this one is missing */
		holes = w->job->cut || w->job->late;
		w->p -= holes;
		value_done(w, text, VALUE_STRING, holes);
	}
}

static void take_scalar(struct walker *w)
{
	const uint8_t *start = w->p;
	enum value_type type = VALUE_STRING;	/* not JSON: the rest of a value that began before */
	struct slice v;

	while (w->p < w->end && !ends_scalar[*w->p])
		w->p++;
	if (w->p == start) {
		w->p++;
		return;
	}
	v = slice_of(start, (size_t)(w->p - start));
	if (*start == 't' || *start == 'f')
		type = VALUE_BOOL;
	else if (*start == 'n')
		type = VALUE_NULL;
	else if ((*start >= '0' && *start <= '9') || *start == '-')
		type = VALUE_NUMBER;
	value_done(w, v, type, (w->p == w->end && w->job->cut) || start == w->late);
}

/* Of a body that begins in the middle: does its first quote end a text? What follows it says so,
 * if what stands before it does not say that a text begins. */
static bool quote_ends(const uint8_t *start, const uint8_t *quote, const uint8_t *end)
{
	const uint8_t *before = quote, *after = quote + 1;

	while (before > start && is_blank(before[-1]))
		before--;
	while (after < end && is_blank(*after))
		after++;
	if (before > start && before[-1] && strchr(",:{[", before[-1]))
		return false;
	return after == end || (*after && strchr(",:}]", *after));
}

static void late_start(struct walker *w)
{
	const uint8_t *mark = plain_end(w->p, w->end);
	struct slice text;
	bool closed;

	if (mark == w->end || (*mark == '"' && !quote_ends(w->p, mark, w->end)))
		return;
	closed = take_string(w, &text);
	if (closed && after_string(w) == AFTER_NAME)
		name_done(w, text);
	else
		value_done(w, text, VALUE_STRING, true);
}

static void walk(struct walker *w)
{
	if (w->job->late)
		late_start(w);
	while (w->p < w->end && !w->tree->full) {
		switch (*w->p) {
		case '"':
			take_text(w);
			break;
		case '{': case '[':
			container_open(w, *w->p++ == '[');
			break;
		case '}': case ']':
			w->p++;
			container_close(w);
			break;
		case ',': case ':':
			w->ended = false;
			w->p++;
			break;
		case ' ': case '\t': case '\r': case '\n': case 0x1e:	/* the last stands before each text of RFC 7464 */
			w->p++;
			break;
		default:
			take_scalar(w);
		}
	}
}

static void decode(struct content_job *job, struct slice body)
{
	struct walker w = { .job = job, .tree = tree_new(job, "$") };

	if (!w.tree)
		return;
	body = job->late ? body : trim(body);
	w.p = body.ptr;
	w.late = job->late ? body.ptr : NULL;
	w.end = body.ptr + body.len;
	w.room = body.len < STRING_MAX ? body.len + 1 : STRING_MAX;	/* no escape makes more than it is long */
	walk(&w);
	unescaped_free(&w.text);
	unescaped_free(&w.kept);
	tree_free(w.tree);
}

const struct content content_json = {
	.name = "json", .summary = "JSON, NDJSON, JSON in a string", .match = match, .decode = decode,
};
