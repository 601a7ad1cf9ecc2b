/* SPDX-License-Identifier: Apache-2.0 */
/* handshakes.c - WAYS slots a hash; of these the one that was not asked for longest makes
 * room. Forgetting costs a flow its TLS facts for an interval, nothing else. */
#include "context/handshakes.h"

#include <stdlib.h>

#include "base/budget.h"
#include "base/hash.h"

#define WAYS 8
#define SETS (HANDSHAKES_MAX / WAYS)

struct slot { uint64_t conn, used; struct tls_facts *facts; };

struct handshakes {
	struct siphash_key key;
	uint64_t used;
	struct slot slots[HANDSHAKES_MAX];
};

struct handshakes *handshakes_new(void)
{
	struct handshakes *h = calloc(1, sizeof(*h));

	if (h && random_bytes(&h->key, sizeof(h->key))) {
		free(h);
		return NULL;
	}
	return h;
}

void handshakes_free(struct handshakes *h)
{
	for (size_t i = 0; h && i < HANDSHAKES_MAX; i++)
		budget_free(h->slots[i].facts, sizeof(*h->slots[i].facts));
	free(h);
}

static struct slot *set_of(struct handshakes *h, uint64_t conn)
{
	return &h->slots[siphash(&h->key, &conn, sizeof(conn)) % SETS * WAYS];
}

static struct slot *slot_find(struct handshakes *h, uint64_t conn)
{
	struct slot *set = set_of(h, conn);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].facts && set[i].conn == conn)
			return &set[i];
	return NULL;
}

static struct slot *oldest(struct slot *set)
{
	struct slot *s = &set[0];

	for (unsigned i = 1; i < WAYS; i++)
		if (set[i].used < s->used)
			s = &set[i];
	return s;
}

void handshakes_put(struct handshakes *h, uint64_t conn, const struct tls_facts *facts)
{
	struct slot *set = set_of(h, conn), *s = slot_find(h, conn);

	s = s ? s : oldest(set);
	if (!s->facts)
		s->facts = budget_alloc(sizeof(*s->facts));
	if (!s->facts)
		return;
	*s->facts = *facts;
	s->conn = conn;
	s->used = ++h->used;
}

const struct tls_facts *handshakes_find(struct handshakes *h, uint64_t conn)
{
	struct slot *s = slot_find(h, conn);

	if (!s)
		return NULL;
	s->used = ++h->used;
	return s->facts;
}
