/* SPDX-License-Identifier: Apache-2.0 */
/* peer_names.c - WAYS slots a hash of the address. The clock is that of the answers: when one
 * comes, those whose time is over no longer count. */
#include "context/peer_names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/budget.h"
#include "base/hash.h"

#define WAYS 8
#define SETS (PEER_NAMES_MAX / WAYS)

struct peer_name {
	struct process_key process;
	uint8_t addr[16];
	uint16_t family;
	uint64_t until, keep, used;	/* until: CLOCK_BOOTTIME ns; keep: how long it counts after it was used */
	char name[NAME_SIZE];
};

struct peer_names {
	struct siphash_key key;
	uint64_t now, used;
	struct peer_name *slots[PEER_NAMES_MAX];
};

struct peer_names *peer_names_new(void)
{
	struct peer_names *n = calloc(1, sizeof(*n));

	if (n && random_bytes(&n->key, sizeof(n->key))) {
		free(n);
		return NULL;
	}
	return n;
}

void peer_names_free(struct peer_names *n)
{
	for (size_t i = 0; n && i < PEER_NAMES_MAX; i++)
		budget_free(n->slots[i], sizeof(*n->slots[i]));
	free(n);
}

/* ::ffff:10.0.0.1 is 10.0.0.1. */
static uint16_t plain(uint8_t out[16], uint16_t family, const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(out, 0, 16);
	if (family == AF_INET6 && memcmp(addr, mapped, 12)) {
		memcpy(out, addr, 16);
		return AF_INET6;
	}
	memcpy(out, family == AF_INET6 ? addr + 12 : addr, 4);
	return AF_INET;
}

static struct peer_name **set_of(struct peer_names *n, const uint8_t addr[16])
{
	return &n->slots[siphash(&n->key, addr, 16) % SETS * WAYS];
}

static bool same_process(const struct process_key *a, const struct process_key *b)
{
	return a->tgid == b->tgid && a->start == b->start;
}

static bool is_at(const struct peer_name *p, uint16_t family, const uint8_t addr[16])
{
	return p && p->family == family && !memcmp(p->addr, addr, 16);
}

/* Where this process's name of the address stands; else a free one; else the one used longest ago. */
static struct peer_name **slot_for(struct peer_name **set, uint16_t family, const uint8_t addr[16], const struct process_key *process)
{
	struct peer_name **oldest = &set[0];

	for (unsigned i = 0; i < WAYS; i++)
		if (is_at(set[i], family, addr) && same_process(&set[i]->process, process))
			return &set[i];
	for (unsigned i = 0; i < WAYS; i++) {
		if (!set[i])
			return &set[i];
		if (set[i]->used < (*oldest)->used)
			oldest = &set[i];
	}
	return oldest;
}

void peer_names_put(struct peer_names *n, const struct named *named)
{
	uint64_t seconds = named->ttl < PEER_NAME_LEAST ? PEER_NAME_LEAST : named->ttl < PEER_NAME_MOST ? named->ttl : PEER_NAME_MOST;
	struct peer_name **set, **slot, *p;
	uint8_t addr[16];
	uint16_t family;

	if ((named->family != AF_INET && named->family != AF_INET6) || !named->name[0])
		return;
	family = plain(addr, named->family, named->address.addr);
	set = set_of(n, addr);
	n->now = named->at.time > n->now ? named->at.time : n->now;
	slot = slot_for(set, family, addr, &named->conn.process);
	if (!*slot)
		*slot = budget_alloc(sizeof(**slot));
	p = *slot;
	if (!p)
		return;
	*p = (struct peer_name){ .process = named->conn.process, .family = family, .keep = seconds * 1000000000, .used = ++n->used };
	p->until = named->at.time + p->keep;
	memcpy(p->addr, addr, 16);
	memcpy(p->name, named->name, sizeof(p->name));
}

const char *peer_names_find(struct peer_names *n, const struct conn_facts *conn)
{
	struct peer_name **set, *best = NULL;
	uint8_t addr[16];
	uint16_t family;

	if (conn->family != AF_INET && conn->family != AF_INET6)
		return NULL;
	family = plain(addr, conn->family, conn->remote.addr);
	set = set_of(n, addr);
	for (unsigned i = 0; i < WAYS; i++) {
		struct peer_name *p = set[i];

		if (!is_at(p, family, addr) || p->until < n->now)
			continue;
		if (!best || same_process(&p->process, &conn->process) ||
		    (!same_process(&best->process, &conn->process) && p->used > best->used))
			best = p;
	}
	if (!best)
		return NULL;
	best->used = ++n->used;
	best->until = n->now + best->keep > best->until ? n->now + best->keep : best->until;
	return best->name;
}
