/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - JSON, also when it begins in the middle, ends early, or is one document a
 * line. One pass, no tree: a stack of open containers with their names, and a field for
 * each scalar. What is not JSON is stepped over, so that a cut start costs little. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/content.h"

#define STRING_MAX 65536	/* bytes of one unescaped string; the rest is cut */

#define COST_NESTED 900		/* ns to begin with a JSON text inside a text */
#define KEY_KEPT 64		/* bytes of a container's name, as evidence for its leaves */

struct level {
	bool array;
	uint32_t siblings;
	uint8_t key[KEY_KEPT];	/* raw name of the container in its parent */
	size_t key_len;
	size_t path_len;	/* of the path up to and including it */
};

/* Room for one unescaped string, made when the first escape comes. */
struct unescaped { uint8_t *ptr; size_t len, used; };

struct walker {
	struct content_job *job;
	const uint8_t *p, *end;
	unsigned depth, too_deep;
	char path[PATH_SIZE];
	size_t path_len;
	size_t room;		/* of each: no string is longer than what it stands in */
	struct unescaped text, kept;	/* of the string just read; of the key that waits */
	struct slice name;		/* key waiting for its value: in the body, or in kept */
	bool have_name, nested;
	struct level stack[CONTENT_DEPTH];	/* last: only what is used is made and wiped */
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int match(struct slice type, struct slice head)
{
	size_t i = 0;

	for (size_t k = 0; type.len >= 4 && k <= type.len - 4; k++)
		if (!strncasecmp((const char *)type.ptr + k, "json", 4))
			return 100;
	while (i < head.len && is_blank(head.ptr[i]))
		i++;
	return i < head.len && (head.ptr[i] == '{' || head.ptr[i] == '[') ? 60 : 0;
}

static void path_cut(struct walker *w, size_t len)
{
	w->path_len = len;
	w->path[len] = 0;
}

static void path_add(struct walker *w, const char *text, size_t len)
{
	size_t room = sizeof(w->path) - 1 - w->path_len, n = len < room ? len : room;

	memcpy(w->path + w->path_len, text, n);
	path_cut(w, w->path_len + n);
}

/* The waiting key, behind a dot. */
static void path_name(struct walker *w)
{
	if (!w->have_name || !w->name.len)
		return;
	path_add(w, ".", 1);
	if (sizeof(w->path) - w->path_len >= NAME_SIZE) {
		path_cut(w, w->path_len + w->job->sink->clean(w->job->sink->owner, w->path + w->path_len, w->name));
	} else {
		char name[NAME_SIZE];

		path_add(w, name, w->job->sink->clean(w->job->sink->owner, name, w->name));
	}
}

static struct level *top(struct walker *w)
{
	return w->depth ? &w->stack[w->depth - 1] : NULL;
}

static size_t base_of(struct walker *w)
{
	return w->depth ? top(w)->path_len : 1;
}

static void emit(struct walker *w, struct slice key, struct slice value, enum value_type type, bool cut, bool text)
{
	struct level *l = top(w);
	struct field f = {
		.location = w->job->location, .dir = w->job->dir, .path = w->path, .key = key, .value = value,
		.parent = l ? slice_of(l->key, l->key_len) : (struct slice){ 0 }, .siblings = l ? l->siblings : 0, .type = (uint8_t)type,
		.cut = cut, .text = text,
	};

	if (w->job->fields >= CONTENT_FIELDS) {
		w->job->limited = true;
		return;
	}
	w->job->fields++;
	w->job->sink->field(w->job->sink->owner, w->job->exchange, &f);
}

static void walk(struct walker *w);
static struct walker *walker_new(struct content_job *, struct slice body);

static void unescaped_free(struct unescaped *u)
{
	if (u->ptr)
		explicit_bzero(u->ptr, u->used);
	free(u->ptr);
}

static void walker_free(struct walker *w)
{
	if (!w)
		return;
	unescaped_free(&w->text);
	unescaped_free(&w->kept);
	explicit_bzero(w, offsetof(struct walker, stack) + w->depth * sizeof(w->stack[0]));
	free(w);
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

/* JSON in a string, one level: an API that logs or wraps another's message. */
static bool emit_nested(struct walker *w, struct slice value)
{
	struct walker *in;

	if (w->nested || value.len < 2 || !strchr("{[", value.ptr[0]) || !strchr("}]", value.ptr[value.len - 1]))
		return false;
	if (w->job->sink->afford)
		w->job->sink->afford(w->job->sink->owner, COST_NESTED);
	in = walker_new(w->job, value);
	if (!in)
		return false;
	in->nested = true;
	path_cut(in, 0);
	path_add(in, w->path, w->path_len);
	in->depth = 1;	/* below the string's own path */
	in->stack[0] = (struct level){ .path_len = w->path_len };
	walk(in);
	walker_free(in);
	return true;
}

static void value_done(struct walker *w, struct slice value, enum value_type type, bool cut)
{
	struct level *l = top(w);
	struct slice key = w->have_name ? w->name : l && l->array ? slice_of(l->key, l->key_len) : (struct slice){ 0 };
	size_t base = base_of(w);

	path_cut(w, base);
	path_name(w);
	if (type != VALUE_STRING || !emit_nested(w, value))
		emit(w, key, value, type, cut, type == VALUE_STRING);
	if (l)
		l->siblings++;
	w->have_name = false;
	path_cut(w, base);
}

/* The string just read names the value that comes. */
static void name_done(struct walker *w, struct slice name)
{
	bool odd = false;

	if (name.ptr == w->text.ptr && name.len) {	/* the value may want that room */
		struct unescaped other = w->kept;

		w->kept = w->text;
		w->text = other;
	}
	w->name = name;
	w->have_name = true;
	for (size_t i = 0; i < name.len; i++)
		odd |= name.ptr[i] == '@' || (name.ptr[i] >= '0' && name.ptr[i] <= '9');
	if (odd && name.len > 5) {	/* a key that is itself a value */
		path_cut(w, base_of(w));
		emit(w, (struct slice){ 0 }, name, VALUE_STRING, false, true);
	}
}

static void container_open(struct walker *w, bool array)
{
	struct level *parent = top(w), *l;

	if (w->depth == CONTENT_DEPTH) {
		w->too_deep++;
		w->job->limited = true;
		w->have_name = false;
		return;
	}
	path_cut(w, base_of(w));
	path_name(w);
	if (array)
		path_add(w, "[]", 2);
	l = &w->stack[w->depth++];
	*l = (struct level){ .array = array, .path_len = w->path_len };
	if (w->have_name) {
		l->key_len = w->name.len < KEY_KEPT ? w->name.len : KEY_KEPT;
		if (l->key_len)
			memcpy(l->key, w->name.ptr, l->key_len);
	} else if (parent) {	/* {"cards":[{"number":…}]}: the objects of a list are named by it */
		memcpy(l->key, parent->key, parent->key_len);
		l->key_len = parent->key_len;
	}
	if (parent)
		parent->siblings++;
	w->have_name = false;
}

static void container_close(struct walker *w)
{
	w->have_name = false;
	if (w->too_deep) {
		w->too_deep--;
		return;
	}
	if (w->depth > (w->nested ? 1u : 0u))
		explicit_bzero(&w->stack[--w->depth], sizeof(w->stack[0]));
	path_cut(w, base_of(w));
}

static int hex4(const uint8_t *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		uint8_t c = p[i] | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static void put_utf8(struct walker *w, uint32_t c)
{
	uint8_t b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		b[n++] = (uint8_t)(0xc0 | c >> 6);
		b[n++] = (uint8_t)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		b[n++] = (uint8_t)(0xe0 | c >> 12);
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
		b[n++] = (uint8_t)(0x80 | (c & 63));
	} else {
		b[n++] = (uint8_t)(0xf0 | c >> 18);
		b[n++] = (uint8_t)(0x80 | (c >> 12 & 63));
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
		b[n++] = (uint8_t)(0x80 | (c & 63));
	}
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

/* Where the next '"' or '\\' stands, or end: eight bytes at a time. */
static const uint8_t *plain_end(const uint8_t *p, const uint8_t *end)
{
	const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;

	for (; end - p >= 8; p += 8) {
		uint64_t v, quote, back;

		memcpy(&v, p, 8);
		quote = v ^ ones * '"';
		back = v ^ ones * '\\';
		if (((quote - ones) & ~quote & highs) | ((back - ones) & ~back & highs))
			break;
	}
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

static bool is_name(struct walker *w)
{
	const uint8_t *p = w->p;

	while (p < w->end && is_blank(*p))
		p++;
	return p < w->end && *p == ':';
}

static bool ends_scalar(uint8_t c)
{
	switch (c) {
	case 0: case ',': case ']': case '}': case '[': case '{': case '"': case ':': case ' ': case '\t': case '\r': case '\n':
		return true;
	default:
		return false;
	}
}

static void take_scalar(struct walker *w)
{
	const uint8_t *start = w->p;
	enum value_type type = VALUE_NUMBER;
	struct slice v;

	while (w->p < w->end && !ends_scalar(*w->p))
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
	else if (!strchr("-0123456789", *start))
		type = VALUE_STRING;	/* not JSON: the rest of a value that began before */
	value_done(w, v, type, w->p == w->end && w->job->cut);
}

static void walk(struct walker *w)
{
	while (w->p < w->end && !content_full(w->job)) {
		uint8_t c = *w->p;

		if (c == '"') {
			struct slice text;
			bool closed;

			w->p++;
			closed = take_string(w, &text);
			if (closed && is_name(w) && !(top(w) && top(w)->array))
				name_done(w, text);
			else
				value_done(w, text, VALUE_STRING, !closed);
		} else if (c == '{' || c == '[') {
			w->p++;
			container_open(w, c == '[');
		} else if (c == '}' || c == ']') {
			w->p++;
			container_close(w);
		} else if (c == ',' || c == ':' || is_blank(c)) {
			w->p++;
		} else {
			take_scalar(w);
		}
	}
}

static struct walker *walker_new(struct content_job *job, struct slice body)
{
	struct walker *w = malloc(sizeof(*w));

	if (!w)
		return NULL;
	memset(w, 0, offsetof(struct walker, stack));
	w->job = job;
	w->p = body.ptr;
	w->end = body.ptr + body.len;
	w->room = body.len < STRING_MAX ? body.len + 1 : STRING_MAX;	/* no escape makes more than it is long */
	path_add(w, "$", 1);
	return w;
}

static void decode(struct content_job *job, struct slice body)
{
	struct walker *w = walker_new(job, body);

	if (!w) {
		job->limited = true;
		return;
	}
	walk(w);
	walker_free(w);
}

const struct content content_json = {
	.name = "json", .summary = "JSON, NDJSON, JSON in a string", .match = match, .decode = decode,
};
