/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/datagrams.h"

#include <stdlib.h>

#include "base/buf.h"

#define KEPT	16		/* at once: the pieces of a call follow each other, but for those of other CPUs */
#define LONGEST	65536		/* bytes of a datagram */
#define WAITS	2000000000ull	/* ns */

struct kept { bool used; struct chunk chunk; struct buf bytes; };
struct datagrams { unsigned newest, nr; struct kept kept[KEPT]; };

struct datagrams *datagrams_new(void)
{
	return calloc(1, sizeof(struct datagrams));
}

static void let_go(struct datagrams *d, struct kept *k, datagrams_push push, void *owner)
{
	k->chunk.bytes = slice_of(k->bytes.ptr, k->bytes.len);
	push(owner, &k->chunk);
	buf_free(&k->bytes);
	k->used = false;
	d->nr--;
}

static bool keep(struct datagrams *d, const struct chunk *c, datagrams_push push, void *owner)
{
	struct kept *k = &d->kept[++d->newest % KEPT];

	if (k->used)
		let_go(d, k, push, owner);
	buf_init(&k->bytes, LONGEST);
	if (buf_add(&k->bytes, c->bytes.ptr, c->bytes.len))
		return false;
	k->chunk = *c;
	k->used = true;
	d->nr++;
	return true;
}

/* Its next piece, and there is room for it. */
static bool goes_on(struct kept *k, const struct chunk *c)
{
	if (c->pos != k->chunk.pos + k->bytes.len || c->layer != k->chunk.layer || buf_add(&k->bytes, c->bytes.ptr, c->bytes.len))
		return false;
	k->chunk.skipped = c->skipped;
	k->chunk.cause = c->cause;
	return true;
}

void datagrams_take(struct datagrams *d, const struct chunk *c, datagrams_push push, void *owner)
{
	struct kept *k = NULL;

	for (unsigned i = 0; i < KEPT && d->nr && !k; i++)
		if (d->kept[i].used && d->kept[i].chunk.conn.id == c->conn.id && d->kept[i].chunk.dir == c->dir)
			k = &d->kept[i];
	if (k && goes_on(k, c)) {
		if (!c->more || c->skipped)
			let_go(d, k, push, owner);
		return;
	}
	if (k)
		let_go(d, k, push, owner);
	if (!c->more || c->skipped || !c->bytes.len || !keep(d, c, push, owner))
		push(owner, c);
}

void datagrams_close(struct datagrams *d, uint64_t conn, datagrams_push push, void *owner)
{
	for (unsigned i = 0; i < KEPT && d->nr; i++)
		if (d->kept[i].used && d->kept[i].chunk.conn.id == conn)
			let_go(d, &d->kept[i], push, owner);
}

void datagrams_tick(struct datagrams *d, struct stamp now, datagrams_push push, void *owner)
{
	for (unsigned i = 0; i < KEPT && d->nr; i++)
		if (d->kept[i].used && now.time > d->kept[i].chunk.at.time + WAITS)
			let_go(d, &d->kept[i], push, owner);
}

void datagrams_free(struct datagrams *d, datagrams_push push, void *owner)
{
	for (unsigned i = 0; d && i < KEPT; i++)
		if (d->kept[i].used)
			let_go(d, &d->kept[i], push, owner);
	free(d);
}
