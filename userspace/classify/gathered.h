/* SPDX-License-Identifier: Apache-2.0 */
/* gathered.h - the hits of one document, held until all of it was seen: what stands beside a value and what the other
 * values of its field are decides what it is. Bounded: of a document with more hits the first are settled by what
 * was seen until then. */
#ifndef WEIR_CLASSIFY_GATHERED_H
#define WEIR_CLASSIFY_GATHERED_H
#include "classify/combine.h"
#include "classify/document.h"
#include "classify/fields.h"

struct gathered_hit {
	struct document_hit hit;
	uint64_t object, field;	/* hashes of the paths; field 0: it has one value */
	uint64_t element;	/* number of the object that it stands in: each element of an array is another */
	uint32_t leaf;		/* number of the value */
};
struct gathered {
	struct fields fields;
	struct gathered_hit *list;
	size_t nr, size;
	void (*emit)(void *owner, const struct document_hit *);
	void *owner;
	/* Classes that count only near another one, decided on what is told; NULL: there are none. */
	struct combine *combine;
	struct document_hit *waiting;	/* by their slots */
};

#define GATHERED_MAX	8192	/* 2 MiB */
#define GATHERED_WHOLE	(2 * GATHERED_MAX)	/* bytes of a document that cannot have more: of each hit a byte, and one between */

int gathered_init(struct gathered *);	/* 0 or -errno */
void gathered_fini(struct gathered *);
/* 0 or -ENOMEM. */
int gathered_begin(struct gathered *, void (*emit)(void *owner, const struct document_hit *), void *owner);
int gathered_add(struct gathered *, const struct gathered_hit *);	/* 0 or -ENOMEM */
void gathered_end(struct gathered *, bool sort);	/* settles and emits; sort: they were not added in their order */
#endif
