/* SPDX-License-Identifier: Apache-2.0 */
/* inside.c - contents inside a text value: an API that logs or wraps another's message, a token
 * that carries claims, a document in base64. What most values are is seen at a few bytes. */
#include <stdlib.h>
#include <string.h>

#include "protocol/content/base64.h"
#include "protocol/content/media.h"
#include "protocol/content.h"
#include "protocol/http1_head.h"

#define COST_OPEN	900	/* ns to begin with a content inside another */
#define COST_BASE64	2	/* ns a byte */
#define BASE64_MIN	16	/* bytes of the shortest that is looked into */
#define NO_TYPE	((struct slice){ NULL, 0 })
#define BASE64_PEEK	32	/* bytes of it that tell */

/* 0: not of the alphabet; else 1 + value. */
static const uint8_t alphabet[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};

static bool is_base64(uint8_t c)
{
	return alphabet[c];
}

size_t base64_read(uint8_t *out, struct slice text)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.len && (alphabet[text.ptr[i]] || is_blank(text.ptr[i])); i++) {
		if (is_blank(text.ptr[i]))
			continue;
		bits = bits << 6 | (alphabet[text.ptr[i]] - 1u);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

static void charge(struct content_job *job, size_t ns)
{
	if (job->sink->afford)
		job->sink->afford(job->sink->owner, (int64_t)ns);
}

/* As long as the limits of nesting allow. */
static bool may_open(struct content_job *job)
{
	if (job->inside >= CONTENT_INSIDE)
		return false;
	charge(job, COST_OPEN);
	return !content_full(job);
}

static bool is_json(struct slice v)
{
	size_t i = 1;

	if (v.ptr[v.len - 1] != (v.ptr[0] == '{' ? '}' : ']'))
		return false;
	while (is_blank(v.ptr[i]))	/* the last is none */
		i++;
	return v.ptr[i] && strchr(v.ptr[0] == '{' ? "\"}" : "\"]{[-0123456789tfn", v.ptr[i]);
}

/* Starts like a document, and ends like one; of which sort its first tag says. Empty: it is none. */
static struct slice markup_type(struct slice v)
{
	static const char *const html[] = { "!doctype html", "html", "p", "div", "span", "a", "b", "br", "body", "h1", "h2", "h3", "i", "em", "li", "ol",
					    "strong", "table", "tr", "ul", NULL };
	const uint8_t *p = v.ptr + 1, *end = v.ptr + v.len;

	if (v.len < 8 || end[-1] != '>' || (!begins(v, "<?xml ") && !memmem(v.ptr, v.len, "</", 2)))
		return NO_TYPE;
	for (const char *const *h = html; *h; h++)
		if (begins_fold(slice_of(p, (size_t)(end - p)), *h) && (is_blank(p[strlen(*h)]) || strchr("/>", p[strlen(*h)])))
			return SLICE("text/html");
	return SLICE("application/xml");
}

/* {"query": "{ user(id: 4) { name } }"}, or with the word that says which operation. */
static bool is_graphql(struct slice key, struct slice v)
{
	static const char *const words[] = { "query", "mutation", "subscription", "fragment", "{", NULL };

	if (key.len != 5 || memcmp(key.ptr, "query", 5))
		return false;
	v = trim(v);
	for (const char *const *w = words; *w; w++)
		if (begins(v, *w))
			return memchr(v.ptr, '{', v.len) && v.ptr[v.len - 1] == '}';
	return false;
}

/* What is looked into when no media type says what it is. */
static bool is_known(struct slice s)
{
	return is_written(s) || begins(s, "%PDF-") || begins(s, "PK\3\4") || begins(s, "\xd0\xcf\x11\xe0");
}

/* What stands in base64, as content of that type; empty: if it is text or a document. */
static int open_base64(struct content_job *job, const char *path, struct slice key, struct slice type, struct slice text)
{
	uint8_t peek[BASE64_PEEK * 3 / 4], *plain;
	bool coded = job->coded;
	int done = INSPECTED_NONE;
	size_t n;

	if (job->coded)
		return INSPECTED_NONE;
	n = base64_read(peek, slice_of(text.ptr, text.len < BASE64_PEEK ? text.len : BASE64_PEEK));
	if (!type.len && !is_known(slice_of(peek, n)))
		return INSPECTED_NONE;
	charge(job, text.len * COST_BASE64);
	if (!may_open(job))
		return INSPECTED_NONE;
	plain = malloc(text.len ? text.len : 1);
	job->limited |= !plain;
	if (!plain)
		return INSPECTED_NONE;
	n = base64_read(plain, text);
	if (type.len || is_known(slice_of(plain, n))) {
		job->coded = true;
		done = content_open(job, path, key, type, slice_of(plain, n));
		job->coded = coded;
	}
	explicit_bzero(plain, n);
	free(plain);
	return done;
}

/* Are a few letters of it base64, and is what the first four say known, or a token? Most words and numbers are told so. */
static bool is_promising(struct slice v)
{
	uint32_t bits = 0;
	uint8_t head[3];

	if (v.len < BASE64_MIN || !is_base64(v.ptr[1]) || !is_base64(v.ptr[5]) || !is_base64(v.ptr[9]) || !is_base64(v.ptr[13]))
		return false;
	if (begins(v, "ey"))
		return true;
	for (unsigned i = 0; i < 4; i++) {
		if (!is_base64(v.ptr[i]))
			return false;
		bits = bits << 6 | (alphabet[v.ptr[i]] - 1u);
	}
	for (unsigned i = 0; i < 3; i++)
		head[i] = (uint8_t)(bits >> (16 - 8 * i));
	return is_written(slice_of(head, 3)) || !memcmp(head, "PK\3", 3) || head[0] == 0xd0;
}

/* Length of what is base64 at the front, padding included; line ends as in MIME are not. */
static size_t base64_run(struct slice v)
{
	size_t i = 0;

	while (i < v.len && is_base64(v.ptr[i]))
		i++;
	for (unsigned pad = 0; pad < 2 && i < v.len && v.ptr[i] == '='; pad++)
		i++;
	return i;
}

/* RFC 7519: header.claims.signature; the claims are JSON. The token itself stays a value. */
static void open_claims(struct content_job *job, const char *path, struct slice key, struct slice v)
{
	size_t header = base64_run(v), claims;

	if (v.len - header < 4 || v.ptr[header] != '.')
		return;
	claims = base64_run(slice_of(v.ptr + header + 1, v.len - header - 1));
	if (claims < 4 || header + 1 + claims == v.len || v.ptr[header + 1 + claims] != '.' || v.ptr[header + 1] != 'e')
		return;
	open_base64(job, path, key, SLICE("application/json"), slice_of(v.ptr + header + 1, claims));
}

/* RFC 2397: data:TYPE[;base64],DATA */
static bool open_data(struct content_job *job, const char *path, struct slice key, struct slice v)
{
	const uint8_t *comma = memchr(v.ptr, ',', v.len < 256 ? v.len : 256);
	struct slice type, data;
	uint8_t *copy;

	if (!comma || !may_open(job))
		return false;
	type = slice_of(v.ptr + 5, (size_t)(comma - v.ptr) - 5);
	data = slice_of(comma + 1, v.len - (size_t)(comma + 1 - v.ptr));
	if (ends(type, ";base64", 7)) {
		type.len -= 7;
		if (job->coded)
			return false;
		job->limited |= open_base64(job, path, key, type.len ? type : SLICE("text/plain"), data) == INSPECTED_NONE;
		return true;
	}
	copy = malloc(data.len ? data.len : 1);
	job->limited |= !copy;
	if (!copy)
		return false;
	memcpy(copy, data.ptr, data.len);
	data = slice_of(copy, percent_decode(copy, data.len, false));
	content_open(job, path, key, type, data);
	explicit_bzero(copy, data.len);
	free(copy);
	return true;
}

static bool open_as(struct content_job *job, const char *path, struct slice key, struct slice type, struct slice v)
{
	return may_open(job) && content_open(job, path, key, type, v) != INSPECTED_NONE;
}

/* INSERT, UPDATE */
static bool may_write(struct slice v)
{
	uint8_t a = v.ptr[0] | 32, b = v.ptr[1] | 32;

	return (a == 'i' && b == 'n') || (a == 'u' && b == 'p');
}

bool content_suspected(struct slice key, struct slice v)
{
	static const bool begins_so[256] = { ['{'] = 1, ['['] = 1, ['<'] = 1, ['d'] = 1, ['B'] = 1, ['b'] = 1 };

	return v.len >= 2 && (begins_so[v.ptr[0]] || may_write(v) || (v.len >= BASE64_MIN && is_promising(v)) || (key.len == 5 && is_graphql(key, v)));
}

bool content_inside(struct content_job *job, const char *path, struct slice key, struct slice v)
{
	struct slice type;

	if (!content_suspected(key, v))
		return false;
	if (is_graphql(key, v))
		return open_as(job, path, key, SLICE("application/graphql"), v);
	switch (v.ptr[0]) {
	case '{': case '[':
		return is_json(v) && open_as(job, path, key, SLICE("application/json"), v);
	case '<':
		type = markup_type(v);
		return type.len && open_as(job, path, key, type, v);
	case 'd':
		if (begins(v, "data:"))
			return open_data(job, path, key, v);
		break;
	case 'I': case 'i': case 'U': case 'u':
		if (may_write(v) && sql_writes(v))
			return open_as(job, path, key, SLICE("application/sql"), v);
		break;
	case 'B': case 'b':
		if (begins_fold(v, "bearer "))
			v = slice_of(v.ptr + 7, v.len - 7);
		break;
	}
	if (!is_promising(v))
		return false;
	if (begins(v, "ey") && memchr(v.ptr, '.', v.len))
		open_claims(job, path, key, v);
	else if (base64_run(v) == v.len)
		open_base64(job, path, key, NO_TYPE, v);
	return false;
}
