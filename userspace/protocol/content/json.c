/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - JSON, also when it begins in the middle, ends early, or is one document a
 * line. One pass, no tree: a stack of open containers with their names, and a field for
 * each scalar. What is not JSON is stepped over, so that a cut start costs little. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/content.h"

#define STRING_MAX 65536	/* bytes of one unescaped string; the rest is cut */

#define KEY_KEPT 64		/* bytes of a container's name, as evidence for its leaves */

struct level {
	bool array;
	uint32_t siblings;
	uint8_t key[KEY_KEPT];	/* raw name of the container in its parent */
	size_t key_len;
	size_t path_len;	/* of the path up to and including it */
};

struct walker {
	struct content_job *job;
	const uint8_t *p, *end;
	struct level stack[CONTENT_DEPTH];
	unsigned depth, too_deep;
	char path[PATH_SIZE];
	uint8_t *text;		/* unescaped value */
	size_t text_len;
	uint8_t *name;		/* unescaped key waiting for its value */
	size_t name_len;
	bool have_name, nested;
};

static int match(struct slice type, struct slice head)
{
	size_t i = 0;

	for (size_t k = 0; type.len >= 4 && k <= type.len - 4; k++)
		if (!strncasecmp((const char *)type.ptr + k, "json", 4))
			return 100;
	while (i < head.len && strchr(" \t\r\n", head.ptr[i]))
		i++;
	return i < head.len && (head.ptr[i] == '{' || head.ptr[i] == '[') ? 60 : 0;
}

static void path_name(struct walker *w, size_t base, struct slice key, bool array)
{
	char name[NAME_SIZE];
	size_t room;

	w->path[base] = 0;
	room = sizeof(w->path) - base;
	if (array) {
		snprintf(w->path + base, room, "[]");
	} else if (key.len) {
		w->job->sink->clean(w->job->sink->owner, name, key);
		snprintf(w->path + base, room, ".%s", name);
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

static void walker_free(struct walker *w)
{
	if (!w)
		return;
	if (w->text)
		explicit_bzero(w->text, STRING_MAX);
	if (w->name)
		explicit_bzero(w->name, STRING_MAX);
	free(w->text);
	free(w->name);
	explicit_bzero(w, sizeof(*w));
	free(w);
}

/* JSON in a string, one level: an API that logs or wraps another's message. */
static bool emit_nested(struct walker *w, struct slice value)
{
	struct walker *in;

	if (w->nested || value.len < 2 || !strchr("{[", value.ptr[0]) || !strchr("}]", value.ptr[value.len - 1]))
		return false;
	in = walker_new(w->job, value);
	if (!in)
		return false;
	in->nested = true;
	memcpy(in->path, w->path, sizeof(in->path));
	in->depth = 1;	/* below the string's own path */
	in->stack[0].path_len = strlen(w->path);
	walk(in);
	walker_free(in);
	return true;
}

static void value_done(struct walker *w, struct slice value, enum value_type type, bool cut)
{
	struct level *l = top(w);
	struct slice key = w->have_name ? slice_of(w->name, w->name_len) : l && l->array ? slice_of(l->key, l->key_len) : (struct slice){ 0 };
	size_t base = base_of(w);

	path_name(w, base, w->have_name ? key : (struct slice){ 0 }, false);
	if (type != VALUE_STRING || !emit_nested(w, value))
		emit(w, key, value, type, cut, type == VALUE_STRING);
	if (l)
		l->siblings++;
	w->have_name = false;
	w->path[base] = 0;
}

static void name_done(struct walker *w)
{
	bool odd = false;

	memcpy(w->name, w->text, w->text_len);
	w->name_len = w->text_len;
	w->have_name = true;
	for (size_t i = 0; i < w->name_len; i++)
		odd |= w->name[i] == '@' || (w->name[i] >= '0' && w->name[i] <= '9');
	if (odd && w->name_len > 5) {	/* a key that is itself a value */
		w->path[base_of(w)] = 0;
		emit(w, (struct slice){ 0 }, slice_of(w->name, w->name_len), VALUE_STRING, false, true);
	}
}

static void container_open(struct walker *w, bool array)
{
	struct level *parent = top(w), *l;
	size_t base = base_of(w);

	if (w->depth == CONTENT_DEPTH) {
		w->too_deep++;
		w->job->limited = true;
		w->have_name = false;
		return;
	}
	path_name(w, base, w->have_name ? slice_of(w->name, w->name_len) : (struct slice){ 0 }, false);
	if (array)
		path_name(w, strlen(w->path), (struct slice){ 0 }, true);
	l = &w->stack[w->depth++];
	*l = (struct level){ .array = array, .path_len = strlen(w->path) };
	if (w->have_name) {
		l->key_len = w->name_len < KEY_KEPT ? w->name_len : KEY_KEPT;
		memcpy(l->key, w->name, l->key_len);
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
	w->path[base_of(w)] = 0;
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
	if (n <= STRING_MAX - w->text_len) {
		memcpy(w->text + w->text_len, b, n);
		w->text_len += n;
	}
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

/* Behind the opening quote. true: it was closed. */
static bool take_string(struct walker *w)
{
	w->text_len = 0;
	while (w->p < w->end) {
		uint8_t c = *w->p++;

		if (c == '"')
			return true;
		if (c == '\\') {
			take_escape(w);
		} else if (w->text_len < STRING_MAX) {
			w->text[w->text_len++] = c;
		} else {
			w->job->limited = true;
		}
	}
	return false;
}

static bool is_name(struct walker *w)
{
	const uint8_t *p = w->p;

	while (p < w->end && strchr(" \t\r\n", *p) && *p)
		p++;
	return p < w->end && *p == ':';
}

static void take_scalar(struct walker *w)
{
	const uint8_t *start = w->p;
	enum value_type type = VALUE_NUMBER;
	struct slice v;

	while (w->p < w->end && *w->p && !strchr(",]}[{\":\r\n\t ", *w->p))
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
	while (w->p < w->end && w->job->fields < CONTENT_FIELDS) {
		uint8_t c = *w->p;

		if (c == '"') {
			bool closed;

			w->p++;
			closed = take_string(w);
			if (closed && is_name(w) && !(top(w) && top(w)->array))
				name_done(w);
			else
				value_done(w, slice_of(w->text, w->text_len), VALUE_STRING, !closed);
		} else if (c == '{' || c == '[') {
			w->p++;
			container_open(w, c == '[');
		} else if (c == '}' || c == ']') {
			w->p++;
			container_close(w);
		} else if (c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			w->p++;
		} else {
			take_scalar(w);
		}
	}
}

static struct walker *walker_new(struct content_job *job, struct slice body)
{
	struct walker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->job = job;
	w->p = body.ptr;
	w->end = body.ptr + body.len;
	w->text = malloc(STRING_MAX);
	w->name = malloc(STRING_MAX);
	memcpy(w->path, "$", 2);
	if (w->text && w->name)
		return w;
	walker_free(w);
	return NULL;
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
