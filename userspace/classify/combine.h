/* SPDX-License-Identifier: Apache-2.0 */
/* combine.h - classes of a user that count only near another one: a hit waits in a slot of
 * its message until the other comes, or is found to have come already. */
#ifndef WEIR_CLASSIFY_COMBINE_H
#define WEIR_CLASSIFY_COMBINE_H
#include "classify/classify.h"

#define COMBINE_SLOTS	32	/* hits that wait; the oldest gives way */
#define COMBINE_SEEN	32	/* hits that others may wait for, the newest */
#define COMBINE_STANDS	(-1)

struct combine_hit { uint32_t field; uint8_t class_id, used; uint64_t object; };
/* One message, zeroed. */
struct combine {
	uint32_t field;		/* at hand */
	unsigned next_seen, next_slot;
	uint64_t object;	/* of the field */
	struct combine_hit seen[COMBINE_SEEN], slot[COMBINE_SLOTS];
};
/* Is there a class that needs this at all? */
bool combine_wanted(void);
bool combine_waits(unsigned class_id);	/* Does this class count only near another one? */
bool combine_partner(unsigned class_id);	/* Does another one wait for it? */
/* The field at hand: its number, and that of its object. */
void combine_field(struct combine *, uint32_t field, uint64_t object);
/* A hit of the field at hand: COMBINE_STANDS, or the slot in which it waits from now on; *lost: another had waited there. */
int combine_take(struct combine *, unsigned class_id, bool *lost);
/* The slots, as bits, that need to wait no longer for a hit of this class in the field at hand. */
uint32_t combine_frees(struct combine *, unsigned class_id);
#endif
