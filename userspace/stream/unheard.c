/* SPDX-License-Identifier: Apache-2.0 */
/* unheard.c - connections that ended and of which no chunk came. A chunk may be behind its close, so they
 * are waited for as any piece is; then all that the kernel says they moved is lost, and told so: else what
 * a ring that is full loses from the first byte to the last would be in no account. */
#include "base/budget.h"
#include "stream/private.h"

struct unheard {
	struct unheard *next;
	struct conn_facts conn;
	enum loss before[2];
	uint64_t time;
};

void stream_unheard(struct stream_table *t, const struct conn_facts *conn, const enum loss before[2], uint64_t time)
{
	struct unheard *u;
	struct trace tr;

	if (!conn->id || conn->id & UNBOUND)
		return;
	/* One with a mark was heard of, by a process before this one. */
	if (trace_get(t, conn->id, &tr) != TRACE_CLOSING || mark_is_there(t, conn->id) || (!tr.pos[0] && !tr.pos[1] && !tr.other[0] && !tr.other[1]))
		return;
	u = t->nr_unheard < UNHEARD_MAX ? budget_alloc(sizeof(*u)) : NULL;
	if (!u) {
		t->stats.evicted++;
		return;
	}
	*u = (struct unheard){ .conn = *conn, .before = { before[0], before[1] }, .time = time < t->now + CLOSE_AHEAD ? time : t->now };
	*t->unheard_end = u;
	t->unheard_end = &u->next;
	t->nr_unheard++;
}

void unheard_init(struct stream_table *t)
{
	t->unheard_end = &t->unheard;
}

void unheard_tick(struct stream_table *t, bool all)
{
	struct unheard *u;

	while ((u = t->unheard) && (all || (t->now >= u->time && t->now - u->time >= t->limits.reorder_ns))) {
		t->unheard = u->next;
		if (!u->next)
			t->unheard_end = &t->unheard;
		t->nr_unheard--;
		stream_missed(t, &u->conn, u->before);
		budget_free(u, sizeof(*u));
	}
}
