/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/pairs.h"

#include "base/budget.h"

#define ROOM_MAX 512	/* numbers that are remembered; the oldest goes */

struct exchange *pairs_exchange(enum role role, struct stamp at)
{
	struct exchange *ex = protocol_exchange();

	if (!ex)
		return NULL;
	ex->began = at.time;
	ex->conn.role = (uint8_t)role;
	return ex;
}

void pairs_emit(struct session *session, struct exchange *ex, struct stamp at)
{
	if (!ex)
		return;
	session_emit(session, ex, at);
	budget_free(ex, sizeof(*ex));
}

struct pair *pairs_at(struct pairs *p, unsigned i)
{
	return &p->ring[(p->head + i) & (p->room - 1)];
}

static void ring_free(struct pairs *p)
{
	if (p->ring != &p->only)
		budget_free(p->ring, p->room * sizeof(*p->ring));
}

static bool make_room(struct pairs *p)
{
	unsigned room = p->room > 1 ? p->room * 2 : 8;
	struct pair *more;

	if (p->nr < p->room)
		return true;
	if (!p->room) {
		p->ring = &p->only;
		p->room = 1;
		return true;
	}
	more = p->room < ROOM_MAX ? budget_room(room * sizeof(*more)) : NULL;
	if (!more)
		return false;
	for (unsigned i = 0; i < p->nr; i++)
		more[i] = *pairs_at(p, i);
	ring_free(p);
	p->ring = more;
	p->head = 0;
	p->room = room;
	return true;
}

/* Most connections rest: then they keep no memory. */
static void rest(struct pairs *p)
{
	if (p->nr)
		return;
	ring_free(p);
	p->ring = NULL;
	p->head = p->room = p->held = p->bare = 0;
}

static struct exchange *drop_first(struct pairs *p)
{
	struct exchange *ex = pairs_at(p, 0)->ex;

	p->held -= ex != NULL;
	p->bare -= p->bare > 0;
	p->head = (p->head + 1) & (p->room - 1);
	p->nr--;
	return ex;
}

void pairs_add(struct pairs *p, struct session *session, struct pair pair, struct stamp at)
{
	while (p->held >= PROTOCOL_PENDING) {
		struct pair *oldest = pairs_at(p, p->bare++);

		p->held -= oldest->ex != NULL;
		pairs_emit(session, oldest->ex, at);
		oldest->ex = NULL;
	}
	if (p->nr == ROOM_MAX)
		pairs_emit(session, drop_first(p), at);
	if (!make_room(p)) {
		pairs_emit(session, pair.ex, at);
		return;
	}
	*pairs_at(p, p->nr++) = pair;
	p->held += pair.ex != NULL;
}

struct pair *pairs_find(struct pairs *p, uint64_t id)
{
	for (unsigned i = 0; i < p->nr; i++)
		if (pairs_at(p, i)->id == id)
			return pairs_at(p, i);
	return NULL;
}

struct exchange *pairs_take(struct pairs *p, struct session *session, struct pair *pair, bool lost, struct stamp at)
{
	struct exchange *ex = pair->ex;
	unsigned i = 0;

	while (pairs_at(p, i) != pair)
		i++;
	pair->ex = NULL;
	p->held -= ex != NULL;
	for (; lost && i; i--) {
		struct exchange *before = drop_first(p);

		if (before)
			before->has_gap = 1;
		pairs_emit(session, before, at);
	}
	p->bare += i >= p->bare;
	for (; i; i--)
		*pairs_at(p, i) = *pairs_at(p, i - 1);
	*pairs_at(p, 0) = (struct pair){ 0 };
	drop_first(p);
	rest(p);
	return ex;
}

void pairs_latency(struct exchange *ex, uint64_t asked, struct stamp at)
{
	uint64_t us = asked && at.time > asked ? (at.time - asked) / 1000 : 0;

	ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void pairs_end(struct pairs *p, struct session *session, struct stamp at)
{
	while (p->nr)
		pairs_emit(session, drop_first(p), at);
	rest(p);
}

void pairs_gap(struct pairs *p, struct session *session, struct stamp at)
{
	for (unsigned i = 0; i < p->nr; i++)
		if (pairs_at(p, i)->ex)
			pairs_at(p, i)->ex->has_gap = 1;
	pairs_end(p, session, at);
}

void pairs_interval(struct pairs *p, struct session *session, struct stamp at)
{
	for (unsigned i = 0; i < p->nr; i++)
		if (pairs_at(p, i)->ex)
			session_emit_part(session, pairs_at(p, i)->ex, at);
}

void pairs_free(struct pairs *p)
{
	while (p->nr) {
		struct exchange *ex = drop_first(p);

		budget_free(ex, sizeof(*ex));
	}
	rest(p);
}
