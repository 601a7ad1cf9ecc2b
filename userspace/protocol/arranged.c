/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/arranged.h"

#include <string.h>

#include "base/budget.h"

struct arranged { uint32_t added; struct arranged_conn conn[ARRANGED_MAX]; };

struct arranged *arranged_new(void)
{
	return budget_alloc(sizeof(struct arranged));
}

void arranged_free(struct arranged *a)
{
	budget_free(a, sizeof(*a));
}

uint32_t arranged_add(struct arranged *a, const struct arranged_conn *conn)
{
	struct arranged_conn *slot;

	if (!a)
		return 0;
	a->added += a->added == UINT32_MAX ? 2 : 1;
	slot = &a->conn[a->added % ARRANGED_MAX];
	*slot = *conn;
	slot->number = a->added;
	return a->added;
}

struct arranged_conn *arranged_numbered(struct arranged *a, uint32_t number)
{
	struct arranged_conn *slot = a && number ? &a->conn[number % ARRANGED_MAX] : NULL;

	return slot && slot->number == number ? slot : NULL;
}

static bool is(const struct arranged_conn *c, const struct conn_facts *conn)
{
	const struct endpoint *end = c->local ? &conn->local : &conn->remote;

	return c->number && end->port == c->port && conn->family == c->by.family && conn->netns == c->by.netns &&
	       (!c->taken || c->taken == conn->id) && !memcmp(conn->local.addr, c->by.local.addr, sizeof(end->addr)) &&
	       !memcmp(conn->remote.addr, c->by.remote.addr, sizeof(end->addr));
}

struct arranged_conn *arranged_find(struct arranged *a, const struct conn_facts *conn)
{
	for (uint32_t i = 0; a && i < ARRANGED_MAX && i < a->added; i++) {
		struct arranged_conn *c = &a->conn[(a->added - i) % ARRANGED_MAX];

		if (!is(c, conn))
			continue;
		c->taken = conn->id;
		return c;
	}
	return NULL;
}
