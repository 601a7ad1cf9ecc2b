/* SPDX-License-Identifier: Apache-2.0 */
/* standing.h - what was told once and holds from then on: a connection's ends, its TLS handshake, the name by which a
 * peer was asked for. It lies in memory that outlives the keeper, so that the next one judges a connection that goes
 * on by what the one before knew of it. Facts as they came, no payload; what has not been of use for longest
 * makes room, and a flow is then told without it. */
#ifndef WEIR_STANDING_H
#define WEIR_STANDING_H
#include "model/facts.h"

#define STANDING_MEMORY ((size_t)960 << 10)	/* of what --memory-max 64 leaves */

struct standing;	/* in zeroed memory of that size */
/* Makes the key, the first time; before the sandbox, which knows no randomness. 0 or -errno. */
int standing_prepare(struct standing *);
/* A fact that was taken, and how it came, at most FACT_MAX_SIZE. Kept if it is one that stands; one of a connection shows
 * that what stands of it is of use. */
void standing_put(struct standing *, const struct fact *, const void *packed, size_t len);
/* All that stands, to the next keeper, unpacked into *fact. How many; -1: one of them was what the last one died of
 * when it was told, and all are forgotten. */
int standing_tell(struct standing *, struct fact *, void (*each)(void *owner, struct fact *), void *owner);
#endif
