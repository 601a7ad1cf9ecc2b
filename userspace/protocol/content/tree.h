/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - where a decoder of nested values stands: the path, and the containers around it with
 * their names. Decoders open, close and give leaves; nothing recurses, depth is capped. */
#ifndef WEIR_TREE_H
#define WEIR_TREE_H
#include "protocol/content.h"

#define KEY_KEPT 64		/* bytes of a container's name, as evidence for its leaves */

struct tree_level {
	size_t path_len;	/* of the path up to and including it */
	size_t key_len;
	uint32_t siblings;
	bool array;
	uint8_t key[KEY_KEPT];	/* its raw name in what holds it */
};

struct tree {
	struct content_job *job;
	unsigned depth;		/* levels in use; the first is not the body's own */
	unsigned too_deep;	/* containers open beyond CONTENT_DEPTH */
	bool full;		/* no more fields are wanted */
	size_t path_len;
	char path[PATH_SIZE];
	struct tree_level stack[CONTENT_DEPTH + 1];	/* last: only what is used is made and wiped */
};

/* A name that is none: an element of a list. */
#define NO_NAME ((struct slice){ NULL, 0 })

/* root: what paths begin with where no other content is around. NULL: no memory, told to the job. */
struct tree *tree_new(struct content_job *, const char *root);
void tree_free(struct tree *);			/* wipes; NULL-safe */
/* An object, or a list, whose values are told of under its own name and "[]". */
void tree_open(struct tree *, struct slice name, bool array);
void tree_close(struct tree *);
/* A value. What is inside a text is looked for when it is whole. */
void tree_leaf(struct tree *, struct slice name, struct slice value, enum value_type, bool cut);
/* A text of the container at hand, under its own name: <name>text</name>. */
void tree_text(struct tree *, struct slice text, bool cut);
/* A name that looks like a value is told of as one: {"ana@corp.com": 1}. */
void tree_name(struct tree *, struct slice name);
/* There is always one: the first stands for what is around. */
static inline struct tree_level *tree_top(struct tree *t)
{
	return &t->stack[t->depth - 1];
}
#endif
