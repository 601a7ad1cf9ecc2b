/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/content/tree.h"

#include <string.h>

#include "base/budget.h"

#define COST_CONTAINER 25	/* ns to open and close one, its name apart */

static void path_cut(struct tree *t, size_t len)
{
	t->path_len = len;
	t->path[len] = 0;
}

static void path_add(struct tree *t, const char *text, size_t len)
{
	size_t room = sizeof(t->path) - 1 - t->path_len, n = len < room ? len : room;

	memcpy(t->path + t->path_len, text, n);
	path_cut(t, t->path_len + n);
}

/* Where there may be no room for it all. */
static void path_name_cut(struct tree *t, struct slice raw)
{
	char name[NAME_SIZE];

	path_add(t, ".", 1);
	path_add(t, name, t->job->sink->clean(t->job->sink->owner, name, raw));
}

/* Behind a dot. */
static void path_name(struct tree *t, struct slice raw)
{
	const struct field_sink *sink = t->job->sink;

	if (!raw.len)
		return;
	if (sizeof(t->path) - t->path_len > NAME_SIZE) {
		t->path[t->path_len++] = '.';
		t->path_len += sink->clean(sink->owner, t->path + t->path_len, raw);
	} else {
		path_name_cut(t, raw);
	}
}

static void path_back(struct tree *t)
{
	path_cut(t, tree_top(t)->path_len);
}

static void level_name(struct tree_level *l, const void *key, size_t len)
{
	l->key_len = len < KEY_KEPT ? len : KEY_KEPT;
	if (l->key_len)
		memcpy(l->key, key, l->key_len);
}

struct tree *tree_new(struct content_job *job, const char *root)
{
	struct tree *t = budget_room(sizeof(*t));
	struct tree_level *l;

	if (!t) {
		job->limited = true;
		return NULL;
	}
	memset(t, 0, offsetof(struct tree, stack));
	t->job = job;
	path_add(t, job->base ? job->base : root, strlen(job->base ? job->base : root));
	/* A level for what is around: it has the path, and the name that a bare value or list bears. */
	l = &t->stack[0];
	*l = (struct tree_level){ .array = true, .path_len = t->path_len };
	level_name(l, job->key.ptr, job->key.len);
	t->depth = 1;
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	explicit_bzero(t, offsetof(struct tree, stack) + t->depth * sizeof(t->stack[0]));
	budget_free(t, sizeof(*t));
}

static void emit(struct tree *t, const struct tree_level *l, struct slice key, struct slice value, enum value_type type, bool cut)
{
	struct content_job *job = t->job;
	struct field f = {
		.location = job->location, .dir = job->dir, .path = t->path, .key = key, .value = value,
		.parent = slice_of(l->key, l->key_len), .siblings = l->siblings, .type = (uint8_t)type, .cut = cut,
		.text = type == VALUE_STRING,
	};

	if (job->fields >= CONTENT_FIELDS) {
		job->limited = t->full = true;
		return;
	}
	job->fields++;
	job->sink->field(job->sink->owner, job->exchange, &f);
}

void tree_leaf(struct tree *t, struct slice name, struct slice value, enum value_type type, bool cut)
{
	struct tree_level *l = tree_top(t);
	struct slice key = name.ptr ? name : l->array ? slice_of(l->key, l->key_len) : NO_NAME;

	path_name(t, name);
	if (type != VALUE_STRING || cut || !content_inside(t->job, t->path, key, value))
		emit(t, l, key, value, type, cut);
	l->siblings++;
	path_back(t);
	t->full |= content_full(t->job);
}

void tree_text(struct tree *t, struct slice text, bool cut)
{
	const struct tree_level *l = tree_top(t), *parent = t->depth > 1 ? l - 1 : l;
	struct slice key = slice_of(l->key, l->key_len);

	if (cut || !content_inside(t->job, t->path, key, text))
		emit(t, parent, key, text, VALUE_STRING, cut);
	t->full |= content_full(t->job);
}

void tree_name(struct tree *t, struct slice name)
{
	bool odd = false;

	if (name.len <= 5)
		return;
	for (size_t i = 0; i < name.len; i++)
		odd |= name.ptr[i] == '@' || (name.ptr[i] >= '0' && name.ptr[i] <= '9');
	if (odd)
		emit(t, tree_top(t), NO_NAME, name, VALUE_STRING, false);
}

void tree_open(struct tree *t, struct slice name, bool array)
{
	const struct field_sink *sink = t->job->sink;
	struct tree_level *parent = tree_top(t), *l;

	if (sink->afford)
		sink->afford(sink->owner, COST_CONTAINER);
	t->full |= content_full(t->job);
	if (t->depth > CONTENT_DEPTH) {
		t->too_deep++;
		t->job->limited = true;
		return;
	}
	path_name(t, name);
	if (array)
		path_add(t, "[]", 2);
	l = &t->stack[t->depth++];
	*l = (struct tree_level){ .array = array, .path_len = t->path_len };
	if (name.ptr)
		level_name(l, name.ptr, name.len);
	else	/* {"cards":[{"number":…}]}: the objects of a list are named by it */
		level_name(l, parent->key, parent->key_len);
	parent->siblings++;
}

void tree_close(struct tree *t)
{
	if (t->too_deep) {
		t->too_deep--;
		return;
	}
	if (t->depth > 1)
		explicit_bzero(&t->stack[--t->depth], sizeof(t->stack[0]));
	path_back(t);
}
