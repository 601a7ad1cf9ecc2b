/* SPDX-License-Identifier: Apache-2.0 */
/* standing.c - WAYS slots a hash; of these the one that was not of use for longest makes room. A slot whose writer
 * died has no length. */
#include "daemon/standing.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define SLOT 640	/* a handshake with the longest names */
#define WAYS 8
#define SETS ((STANDING_MEMORY - sizeof(struct head)) / SLOT / WAYS)

struct head { struct siphash_key key; uint64_t used; uint32_t made, telling; };
struct slot {
	uint64_t id, since, used;	/* since, used: by the counter in the head */
	uint32_t len;	/* 0: empty */
	uint8_t packed[SLOT - 28];
};
struct standing { struct head head; struct slot slots[SETS * WAYS]; };
_Static_assert(sizeof(struct slot) == SLOT && sizeof(struct standing) <= STANDING_MEMORY, "fits the memory that is given");

int standing_prepare(struct standing *s)
{
	int err = s->head.made ? 0 : random_bytes(&s->head.key, sizeof(s->head.key));

	s->head.made = !err;
	return err;
}

/* By what a later fact replaces it. */
struct subject { uint64_t kind, conn, tgid, start; uint8_t addr[16]; };

static uint64_t id_of(const struct standing *s, const struct subject *of)
{
	return siphash(&s->head.key, of, sizeof(*of));
}

static uint64_t id_of_conn(const struct standing *s, enum fact_kind kind, const struct conn_facts *conn)
{
	const struct subject of = { .kind = kind, .conn = conn->id };

	return id_of(s, &of);
}

static uint64_t id_of_name(const struct standing *s, const struct named *n)
{
	struct subject of = { .kind = FACT_NAMED, .tgid = n->conn.process.tgid, .start = n->conn.process.start };

	memcpy(of.addr, n->address.addr, sizeof(of.addr));
	return id_of(s, &of);
}

static struct slot *set_of(struct standing *s, uint64_t id)
{
	return &s->slots[id % SETS * WAYS];
}

static struct slot *slot_find(struct standing *s, uint64_t id)
{
	struct slot *set = set_of(s, id);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].len && set[i].id == id)
			return &set[i];
	return NULL;
}

static struct slot *slot_oldest(struct slot *set)
{
	struct slot *oldest = set;

	for (unsigned i = 1; i < WAYS; i++)
		if (set[i].used < oldest->used)
			oldest = &set[i];
	return oldest;
}

static void keep(struct standing *s, uint64_t id, const void *packed, size_t len)
{
	struct slot *slot = slot_find(s, id);

	if (len > sizeof(slot->packed))
		return;
	if (!slot)
		slot = slot_oldest(set_of(s, id));
	__atomic_store_n(&slot->len, 0, __ATOMIC_RELEASE);
	slot->id = id;
	slot->since = slot->used = ++s->head.used;
	memcpy(slot->packed, packed, len);
	__atomic_store_n(&slot->len, (uint32_t)len, __ATOMIC_RELEASE);
}

static void touch(struct standing *s, uint64_t id)
{
	struct slot *slot = slot_find(s, id);

	if (slot)
		slot->used = ++s->head.used;
}

static void touch_conn(struct standing *s, const struct conn_facts *conn)
{
	touch(s, id_of_conn(s, FACT_HANDSHAKE, conn));
	touch(s, id_of_conn(s, FACT_CONN, conn));
}

void standing_put(struct standing *s, const struct fact *f, const void *packed, size_t len)
{
	switch (f->kind) {
	case FACT_CONN:
		return keep(s, id_of_conn(s, FACT_CONN, &f->conn.conn), packed, len);
	case FACT_HANDSHAKE:
		return keep(s, id_of_conn(s, FACT_HANDSHAKE, &f->handshake.conn), packed, len);
	case FACT_NAMED:
		return keep(s, id_of_name(s, &f->named), packed, len);
	case FACT_EXCHANGE:
		return touch_conn(s, &f->exchange.conn);
	case FACT_TRAFFIC:
		return touch_conn(s, &f->traffic.conn);
	default:
		return;
	}
}

static int older(const void *a, const void *b)
{
	const struct slot *const *x = a, *const *y = b;

	return ((*x)->since > (*y)->since) - ((*x)->since < (*y)->since);
}

/* In the order in which they came: ports are used again. */
int standing_tell(struct standing *s, struct fact *fact, void (*each)(void *owner, struct fact *), void *owner)
{
	static const struct slot *order[SETS * WAYS];
	size_t nr = 0;

	if (s->head.telling) {
		memset(s->slots, 0, sizeof(s->slots));
		s->head.telling = 0;
		return -1;
	}
	__atomic_store_n(&s->head.telling, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < SETS * WAYS; i++)
		if (s->slots[i].len && s->slots[i].len <= sizeof(s->slots[i].packed))
			order[nr++] = &s->slots[i];
	qsort(order, nr, sizeof(order[0]), older);
	for (size_t i = 0; i < nr; i++)
		if (facts_unpack(order[i]->packed, order[i]->len, fact) >= 0)
			each(owner, fact);
	__atomic_store_n(&s->head.telling, 0, __ATOMIC_RELEASE);
	return (int)nr;
}
