/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.h - requests that wait for an answer which names them by a number. Private to protocol/. */
#ifndef WEIR_PAIRS_H
#define WEIR_PAIRS_H
#include "protocol/protocol.h"

/* kind is the protocol's own. ex is NULL where there was no memory, or the number of those that may wait
 * was reached and it was emitted: its answer is known by its number then, and told of no more. */
struct pair { struct exchange *ex; uint64_t asked, id; uint32_t kind; };
/* held: of them have an exchange; bare: in front that have none; only: the ring of those who ask one thing at a time. */
struct pairs { struct pair *ring; unsigned head, nr, room, held, bare; struct pair only; };

struct exchange *pairs_exchange(enum role role, struct stamp);	/* new; NULL: no memory */
void pairs_emit(struct session *, struct exchange *, struct stamp);	/* and frees; NULL is fine */
/* Takes ex. */
void pairs_add(struct pairs *, struct session *, struct pair, struct stamp);
struct pair *pairs_find(struct pairs *, uint64_t id);	/* NULL: nobody asked; the oldest of that number */
struct pair *pairs_at(struct pairs *, unsigned i);	/* the oldest is 0, the newest nr - 1 */
/* Its exchange: no answer to it is waited for any more. lost: those
 * before it were answered in a gap, or never will be, and are emitted. */
struct exchange *pairs_take(struct pairs *, struct session *, struct pair *, bool lost, struct stamp);
void pairs_end(struct pairs *, struct session *, struct stamp);	/* emits what waits */
/* The same behind a gap, in which the answers may have been. */
void pairs_gap(struct pairs *, struct session *, struct stamp);
void pairs_interval(struct pairs *, struct session *, struct stamp);	/* tells what was found of those that wait for long */
void pairs_free(struct pairs *);
void pairs_latency(struct exchange *, uint64_t asked, struct stamp answered);
#endif
