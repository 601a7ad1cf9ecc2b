/* SPDX-License-Identifier: Apache-2.0 */
/* items.h - what MessagePack and CBOR share: containers that say how many items they have, and
 * maps whose items are a name and a value in turn. */
#ifndef WEIR_ITEMS_H
#define WEIR_ITEMS_H
#include "protocol/content/tree.h"

#define ITEMS_UNTOLD UINT64_MAX	/* until an end is told */

struct items_level { uint64_t left; bool map, value; };	/* value: of a map, its name has come */
struct items {
	struct content_job *job;
	struct tree *tree;
	const uint8_t *p, *end;
	unsigned depth;
	bool stop;		/* what follows cannot be told apart */
	struct slice name;
	char number[32];	/* a name that is a number */
	struct items_level stack[CONTENT_DEPTH];
};

bool items_begin(struct items *, struct content_job *, struct slice body);	/* false: no memory */
void items_end(struct items *);
/* So many bytes of what stands here; fewer when the body ends, which is then the end, and *cut. */
struct slice items_take(struct items *, uint64_t n, bool *cut);
/* A big-endian number of that many bytes. */
uint64_t items_number(struct items *, unsigned bytes);
void items_open(struct items *, bool map, uint64_t count);
void items_close(struct items *);	/* of one whose count was not told */
/* One item; in a map a name as well. */
void items_value(struct items *, struct slice value, enum value_type, bool cut);
void items_skip(struct items *);	/* one that was told of otherwise */
void items_integer(struct items *, bool negative, uint64_t);	/* negative: -1 - n */
void items_double(struct items *, double);
/* Bytes that are written text are one. */
void items_bytes(struct items *, struct slice, bool cut);
#endif
