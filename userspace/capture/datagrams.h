/* SPDX-License-Identifier: Apache-2.0 */
/* datagrams.h - a datagram that its call gave in several buffers comes as several records: put together again,
 * as its reader had it. */
#ifndef WEIR_DATAGRAMS_H
#define WEIR_DATAGRAMS_H
#include "model/payload.h"

struct datagrams;
typedef void (*datagrams_push)(void *owner, const struct chunk *);

struct datagrams *datagrams_new(void);
/* Pushes the chunk, or keeps a piece of a datagram until the last one is there. */
void datagrams_take(struct datagrams *, const struct chunk *, datagrams_push, void *owner);
/* The connection ends: what is kept of it is pushed. */
void datagrams_close(struct datagrams *, uint64_t conn, datagrams_push, void *owner);
/* Pushes what waits longer than a call takes: its last piece was lost. */
void datagrams_tick(struct datagrams *, struct stamp, datagrams_push, void *owner);
void datagrams_free(struct datagrams *, datagrams_push, void *owner);	/* pushes what it keeps */
#endif
