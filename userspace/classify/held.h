/* SPDX-License-Identifier: Apache-2.0 */
/* held.h - the hits of one document, held until all of it was seen: what stands beside a value and what the other
 * values of its field are decides what it is. Bounded: of a document with more hits the first are settled by what
 * was seen until then. */
#ifndef WEIR_CLASSIFY_HELD_H
#define WEIR_CLASSIFY_HELD_H
#include "classify/combine.h"
#include "classify/document.h"
#include "classify/fields.h"

struct held_hit {
	struct document_hit hit;
	uint64_t object, field;	/* hashes of the paths; field 0: it has one value */
	uint64_t element;	/* number of the object that it stands in: each element of an array is another */
	uint32_t leaf;		/* number of the value */
};
struct held {
	struct fields fields;
	struct held_hit *list;
	size_t nr, size;
	void (*emit)(void *owner, const struct document_hit *);
	void *owner;
	/* Classes that count only near another one, decided on what is told; NULL: there are none. */
	struct combine *combine;
	struct document_hit *waiting;	/* by their slots */
};

int held_init(struct held *);	/* 0 or -errno */
void held_fini(struct held *);
/* 0 or -ENOMEM. */
int held_begin(struct held *, void (*emit)(void *owner, const struct document_hit *), void *owner);
int held_add(struct held *, const struct held_hit *);	/* 0 or -ENOMEM */
void held_end(struct held *, bool sort);	/* settles and emits; sort: they were not added in their order */
#endif
