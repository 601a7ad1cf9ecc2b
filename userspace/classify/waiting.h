/* SPDX-License-Identifier: Apache-2.0 */
/* waiting.h - hits of the messages under way that count only when another class comes too, and the hits that
 * they wait for, until it is known which of these stand. As rows of findings, so that nothing of a value waits. */
#ifndef WEIR_CLASSIFY_WAITING_H
#define WEIR_CLASSIFY_WAITING_H
#include "classify/combine.h"

#define WAITING_HITS 64	/* of one message; when there are more they are decided by what is known until then */

struct held { struct finding row; uint64_t print; /* of its value */ };
/* One hit, in the order in which they came. */
struct waiting_hit {
	uint64_t object;	/* of its field */
	uint32_t field;
	int16_t row;		/* of a class that others wait for: its row in the exchange; -1: there was no room for it */
	bool waits, possible;	/* possible: the row is among those of what is possible only */
	uint8_t class_id;
	struct held held;	/* waits */
};
struct waiting_message {
	uint64_t key;		/* number of the exchange, and direction; 0: none */
	uint32_t generation;	/* of the rows of classes */
	struct combine combine;
	uint32_t fields;	/* so far */
	uint64_t object;	/* of the newest field */
	struct { uint64_t prefix, object; uint32_t siblings; } level[8];	/* objects of the path so far */
	unsigned nr;
	struct waiting_hit hits[WAITING_HITS];	/* not decided yet */
	struct held held[COMBINE_SLOTS];	/* decided: they wait */
};
struct waiting;
struct siphash_key;
void waiting_free(struct waiting *);
/* The message of this field, which is now its newest; the exchange gets a number if it has none. Another message
 * may give way: what waited in it waits in vain, and *lost grows by it.
 * NULL: no memory. The key is of fingerprints. */
struct waiting_message *waiting_field(struct waiting **, const struct siphash_key *, struct exchange *, const struct field *,
				      uint64_t *lost);
/* That of an exchange's direction; NULL: nothing waits in it. */
struct waiting_message *waiting_find(struct waiting *, const struct exchange *, unsigned dir);
void waiting_end(struct waiting_message *);	/* all of it was seen: what waits still is nothing, and not lost */
/* A place for a hit of the newest field, its own: there must be room. */
struct waiting_hit *waiting_hit(struct waiting_message *, unsigned class_id);
#endif
