/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/content/items.h"

#include <stdio.h>
#include <string.h>

#include "protocol/content/media.h"

bool items_begin(struct items *it, struct content_job *job, struct slice body)
{
	memset(it, 0, offsetof(struct items, stack));
	it->job = job;
	it->p = body.ptr;
	it->end = body.ptr + body.len;
	it->tree = tree_new(job, "$");
	return it->tree;
}

void items_end(struct items *it)
{
	tree_free(it->tree);
}

struct slice items_take(struct items *it, uint64_t n, bool *cut)
{
	size_t room = (size_t)(it->end - it->p), len = n < room ? (size_t)n : room;
	struct slice s = slice_of(it->p, len);

	if (n > room) {
		*cut = true;
		it->job->limited = true;
	}
	it->p += len;
	return s;
}

uint64_t items_number(struct items *it, unsigned bytes)
{
	uint64_t v = 0;

	if ((size_t)(it->end - it->p) < bytes) {
		it->p = it->end;
		it->stop = it->job->limited = true;
		return 0;
	}
	for (; bytes; bytes--)
		v = v << 8 | *it->p++;
	return v;
}

static struct items_level *top(struct items *it)
{
	return it->depth ? &it->stack[it->depth - 1] : NULL;
}

/* An item is there: of the containers that end with it, too. */
static void item_done(struct items *it)
{
	struct items_level *l;

	while ((l = top(it))) {
		if (l->map && !l->value) {
			l->value = true;
			return;
		}
		l->value = false;
		it->name = NO_NAME;
		if (l->left == ITEMS_UNTOLD || --l->left)
			return;
		tree_close(it->tree);
		it->depth--;
	}
	it->name = NO_NAME;
}

void items_skip(struct items *it)
{
	item_done(it);
}

void items_open(struct items *it, bool map, uint64_t count)
{
	struct items_level *l = top(it);
	bool as_name = l && l->map && !l->value;	/* a container for a name: told of, and no name */

	if (it->depth == CONTENT_DEPTH) {
		it->stop = it->job->limited = true;
		return;
	}
	if (!count) {
		item_done(it);
		return;
	}
	tree_open(it->tree, as_name ? NO_NAME : it->name, !map);
	it->name = NO_NAME;
	it->stack[it->depth++] = (struct items_level){ .left = count, .map = map };
}

void items_close(struct items *it)
{
	if (!it->depth)
		return;
	tree_close(it->tree);
	it->depth--;
	item_done(it);
}

void items_value(struct items *it, struct slice value, enum value_type type, bool cut)
{
	struct items_level *l = top(it);

	if (l && l->map && !l->value && !cut) {
		it->name = value;
		tree_name(it->tree, value);
	} else {
		tree_leaf(it->tree, it->name, value, type, cut);
	}
	item_done(it);
}

/* The text may be the caller's: a name is kept. */
static void number_value(struct items *it, const char text[32], int len)
{
	struct items_level *l = top(it);

	if (l && l->map && !l->value) {
		memcpy(it->number, text, sizeof(it->number));
		it->name = slice_of(it->number, (size_t)len);
	} else {
		tree_leaf(it->tree, it->name, slice_of(text, (size_t)len), VALUE_NUMBER, false);
	}
	item_done(it);
}

void items_integer(struct items *it, bool negative, uint64_t n)
{
	char text[32];
	int len = negative ? snprintf(text, sizeof(text), "-%llu", (unsigned long long)(n == UINT64_MAX ? n : n + 1)) :
			     snprintf(text, sizeof(text), "%llu", (unsigned long long)n);

	number_value(it, text, len);
}

void items_double(struct items *it, double d)
{
	char text[32];

	number_value(it, text, snprintf(text, sizeof(text), "%.15g", d));
}

void items_bytes(struct items *it, struct slice s, bool cut)
{
	items_value(it, s, is_written(s) ? VALUE_STRING : VALUE_BYTES, cut);
}
