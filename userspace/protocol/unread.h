/* SPDX-License-Identifier: Apache-2.0 */
/* unread.h - bytes that no parser understands, of a protocol that nobody knows or behind the place
 * where its parser gave up: what speaks for itself in them is found all the same. They stay opaque in
 * the account and make no exchange; what is found is told by facts that count none. Never holds more
 * than UNREAD_HELD of a direction, and looks at no more than PROTOCOL_OPAQUE of what is not text until
 * an interval ends or bytes are missing: noise at first is no place to hide behind. */
#ifndef WEIR_UNREAD_H
#define WEIR_UNREAD_H
#include "protocol/protocol.h"

#define UNREAD_HELD	8192	/* bytes that are looked at as one, at most */
#define UNREAD_RUN	8	/* of bytes among others that are not text: fewer in a row are none either */

struct unread;
struct unread *unread_new(void);	/* NULL: no memory */
void unread_free(struct unread *);	/* wipes; NULL is fine */
/* The next bytes of a direction. whole: they begin and end by themselves, as a datagram's do; else they are
 * looked at when there are enough, and what the other direction said before them now. */
void unread_take(struct unread *, struct session *, const struct field_sink *, enum dir, struct slice, bool whole, struct stamp);
/* An interval ends, or what comes next is not what follows: what is held is looked at, and a new look begins. */
void unread_settle(struct unread *, struct session *, const struct field_sink *, enum dir, struct stamp);
/* What was looked at since the last call, of both directions, LOOKED_MAX bytes at most. */
struct looked unread_looked(struct unread *);
/* Is it worth while to see more of it? */
bool unread_wants(const struct unread *, enum dir);
#endif
