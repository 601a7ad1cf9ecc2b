/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_read.h"

#include <string.h>

struct text { char ptr[JSON_TEXT]; };

struct walk {
	const char *at, *end;
	json_string_cb cb;
	void *owner;
	struct text keys[JSON_DEPTH];
	bool array[JSON_DEPTH];
	unsigned depth;
};

static void space(struct walk *w)
{
	while (w->at < w->end && (*w->at == ' ' || *w->at == '\t' || *w->at == '\n' || *w->at == '\r'))
		w->at++;
}

/* Takes the byte if it is the next one. */
static bool is_next(struct walk *w, char c)
{
	if (w->at == w->end || *w->at != c)
		return false;
	w->at++;
	return true;
}

static int hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		v = 16 * v + digit;
	}
	return v;
}

/* What follows a backslash; -1: no escape. */
static int escape(struct walk *w)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *known;
	int v;

	if (w->at == w->end)
		return -1;
	if (*w->at == 'u') {
		v = w->end - w->at >= 5 ? hex4(w->at + 1) : -1;
		w->at += v < 0 ? 0 : 5;
		return v > 0 && v < 0x80 ? v : v < 0 ? -1 : '_';
	}
	known = *w->at ? strchr(from, *w->at) : NULL;
	if (!known)
		return -1;
	w->at++;
	return to[known - from];
}

static bool string(struct walk *w, struct text *out)
{
	size_t n = 0;

	if (!is_next(w, '"'))
		return false;
	while (w->at < w->end && *w->at != '"') {
		int c = (unsigned char)*w->at++;

		if (c < 0x20)
			return false;
		c = c == '\\' ? escape(w) : c;
		if (c < 0)
			return false;
		if (n < sizeof(out->ptr))
			out->ptr[n++] = (char)c;
	}
	out->ptr[n < sizeof(out->ptr) ? n : 0] = 0;
	return is_next(w, '"');
}

/* true, false, null or a number. */
static bool word(struct walk *w)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((size_t)(w->end - w->at) >= strlen(words[i]) && !memcmp(w->at, words[i], strlen(words[i]))) {
			w->at += strlen(words[i]);
			return true;
		}
	for (; w->at < w->end && *w->at && strchr("+-.0123456789eE", *w->at); n++)
		w->at++;
	return n > 0;
}

static void tell(struct walk *w, const struct text *value)
{
	const char *keys[JSON_DEPTH];

	for (unsigned i = 0; i < w->depth; i++)
		keys[i] = w->array[i] ? "" : w->keys[i].ptr;
	w->cb(w->owner, keys, w->depth, value->ptr);
}

static bool key(struct walk *w)
{
	unsigned d = w->depth - 1;

	space(w);
	if (w->array[d])
		return true;
	if (!string(w, &w->keys[d]))
		return false;
	space(w);
	return is_next(w, ':');
}

/* Into an object or an array; false: it is empty and over, or nested too deep. */
static bool enter(struct walk *w, bool array, bool *bad)
{
	w->at++;
	space(w);
	if (is_next(w, array ? ']' : '}'))
		return false;
	*bad = w->depth == JSON_DEPTH;
	if (*bad)
		return false;
	w->array[w->depth++] = array;
	*bad = !key(w);
	return !*bad;
}

/* After a value: what ends here, up to the comma before the next one. */
static bool after(struct walk *w)
{
	for (;;) {
		space(w);
		if (!w->depth)
			return true;
		if (is_next(w, ','))
			return key(w);
		if (!is_next(w, w->array[w->depth - 1] ? ']' : '}'))
			return false;
		w->depth--;
	}
}

bool json_read(const char *ptr, size_t len, json_string_cb cb, void *owner)
{
	struct walk w = { .at = ptr, .end = ptr + len, .cb = cb, .owner = owner };
	struct text value;
	bool bad = false;

	do {
		space(&w);
		if (w.at == w.end)
			return false;
		if (*w.at == '{' || *w.at == '[') {
			if (enter(&w, *w.at == '[', &bad))
				continue;
		} else if (*w.at == '"') {
			bad = !string(&w, &value);
			if (!bad)
				tell(&w, &value);
		} else {
			bad = !word(&w);
		}
		if (bad || !after(&w))
			return false;
	} while (w.depth);
	return w.at == w.end;
}
