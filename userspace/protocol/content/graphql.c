/* SPDX-License-Identifier: Apache-2.0 */
/* graphql.c - GraphQL documents: literals of arguments, under the fields and the arguments that
 * they are for. Variables come beside the document, as JSON. What is selected is no value. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "protocol/content/media.h"
#include "protocol/content/tree.h"

struct walker {
	struct content_job *job;
	struct tree *tree;
	const uint8_t *p, *end;
	struct slice last;	/* the name that was read last: a field, or of an argument when ':' comes */
	struct slice field;	/* whose arguments are read */
	struct slice name;	/* of the argument or member whose value comes */
	unsigned outside;	/* depth of the tree where the arguments began; 0: none are read */
	uint8_t *copy;		/* a text with escapes, undone */
};

static bool name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static int match(struct slice essence, struct slice head)
{
	return is_fold(essence, "application/graphql") ? 100 : 0;
}

static struct slice name_take(struct walker *w)
{
	const uint8_t *from = w->p;

	while (w->p < w->end && name_byte(*w->p))
		w->p++;
	return slice_of(from, (size_t)(w->p - from));
}

/* In arguments: a value, or the name of one. */
static void take_name(struct walker *w)
{
	struct slice s = name_take(w);
	const uint8_t *p = w->p;

	while (p < w->end && is_blank(*p))
		p++;
	if (p < w->end && *p == ':') {
		w->name = w->last = s;
		w->p = p + 1;
	} else if (!w->outside || !w->name.ptr) {
		w->last = s;
	} else if (s.len == 4 && (!memcmp(s.ptr, "true", 4) || !memcmp(s.ptr, "null", 4))) {
		tree_leaf(w->tree, w->name, s, s.ptr[0] == 't' ? VALUE_BOOL : VALUE_NULL, false);
	} else if (s.len == 5 && !memcmp(s.ptr, "false", 5)) {
		tree_leaf(w->tree, w->name, s, VALUE_BOOL, false);
	}	/* else of an enumeration, or the type of a variable */
}

static void take_number(struct walker *w)
{
	const uint8_t *from = w->p;
	struct slice s;

	for (w->p++; w->p < w->end && (name_byte(*w->p) || *w->p == '.' || *w->p == '+' || *w->p == '-'); w->p++)
		;
	s = slice_of(from, (size_t)(w->p - from));
	tree_leaf(w->tree, w->name, s, VALUE_NUMBER, w->p == w->end && w->job->cut);
}

/* """ … """ as it stands; \""" is what it may hold. */
static void take_block(struct walker *w)
{
	const uint8_t *from = w->p += 3, *close = NULL;

	while ((close = memmem(w->p, (size_t)(w->end - w->p), "\"\"\"", 3)) && close > from && close[-1] == '\\')
		w->p = close + 3;
	tree_leaf(w->tree, w->name, trim(slice_of(from, (size_t)((close ? close : w->end) - from))), VALUE_STRING, !close);
	w->p = close ? close + 3 : w->end;
}

/* "…": escapes are those of JSON; what is no letter of theirs stands for itself. */
static void take_string(struct walker *w)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const uint8_t *start = ++w->p;
	bool closed = false, undone = false;
	size_t n = 0;

	for (; w->p < w->end && !closed; w->p++) {
		uint8_t c = *w->p;
		const char *simple;
		int code;

		if (c == '"' || c == '\n') {
			closed = true;
			continue;
		}
		if (c == '\\' && w->end - w->p > 5 && w->p[1] == 'u' && (code = hex4(w->p + 2)) >= 0) {
			n += utf8_put(w->copy + n, (uint32_t)code);
			w->p += 5;
			undone = true;
			continue;
		}
		if (c == '\\' && w->end - w->p > 1) {
			c = *++w->p;
			simple = c ? strchr(from, c) : NULL;
			c = simple ? (uint8_t)to[simple - from] : c;
			undone = true;
		}
		w->copy[n++] = c;
	}
	tree_leaf(w->tree, w->name, undone ? slice_of(w->copy, n) : slice_of(start, n), VALUE_STRING, !closed);
}

static void take_open(struct walker *w, uint8_t c)
{
	struct tree *t = w->tree;

	if (c == '(') {
		if (w->outside)	/* not GraphQL */
			return;
		w->outside = t->depth + t->too_deep;
		w->field = w->last;
		tree_open(t, t->depth + t->too_deep > 1 ? w->field : NO_NAME, false);
	} else if (w->outside) {
		tree_open(t, w->name, c == '[');
	} else {	/* a selection; that of an operation has the name of no value */
		tree_open(t, t->depth + t->too_deep > 1 ? w->last : NO_NAME, false);
	}
	w->name = NO_NAME;
}

static void take_close(struct walker *w, uint8_t c)
{
	struct tree *t = w->tree;

	if (c == ')') {
		while (w->outside && t->depth + t->too_deep > w->outside)
			tree_close(t);
		w->outside = 0;
		w->last = w->field;
	} else if (!w->outside || t->depth + t->too_deep > w->outside + 1) {
		tree_close(t);
		w->last = NO_NAME;
	}
	w->name = NO_NAME;
}

static void walk(struct walker *w)
{
	const uint8_t *nl;

	while (w->p < w->end && !w->tree->full) {
		uint8_t c = *w->p;

		if (c == '"' && w->end - w->p >= 3 && !memcmp(w->p, "\"\"\"", 3)) {
			take_block(w);
		} else if (c == '"') {
			take_string(w);
		} else if (c == '#') {
			nl = memchr(w->p, '\n', (size_t)(w->end - w->p));
			w->p = nl ? nl : w->end;
		} else if (w->outside && (c == '-' || (c >= '0' && c <= '9'))) {
			take_number(w);
		} else if (name_byte(c)) {
			take_name(w);
		} else if (c == '$') {	/* a variable that is used is no value of this name */
			w->p++;
			take_name(w);
		} else {
			w->p++;
			if (c == '(' || c == '{' || c == '[')
				take_open(w, c);
			else if (c == ')' || c == '}' || c == ']')
				take_close(w, c);
		}
	}
}

static void decode(struct content_job *job, struct slice body)
{
	struct walker w = { .job = job, .tree = tree_new(job, "graphql"), .p = body.ptr, .end = body.ptr + body.len };

	w.copy = malloc(body.len ? body.len : 1);
	job->limited |= !w.copy;
	if (w.tree && w.copy)
		walk(&w);
	if (w.copy)
		explicit_bzero(w.copy, body.len);
	free(w.copy);
	tree_free(w.tree);
}

const struct content content_graphql = {
	.name = "graphql", .summary = "literals of GraphQL documents", .match = match, .decode = decode,
};
