/* SPDX-License-Identifier: Apache-2.0 */
/* mark.c - how far each connection was told of, in memory that outlives this process. The
 * next one goes on from there: what the dead one had taken in and not told of is lost then,
 * and nothing it had told of is told again. One slot per hash, the newest stays; a connection
 * without a mark is taken for new. Positions, counts and who it is, no payload. */
#include <string.h>

#include "stream/private.h"

struct mark {
	struct trace trace;	/* its state is stored last: a torn mark is none */
	struct conn_facts conn;	/* whose loss it is, when it never speaks again */
	int64_t undecided[2];	/* moved, and not yet told as anything else */
	bool untold;		/* nor as moved: of an exchange only what is decided is told */
};
struct marks {
	struct siphash_key key;
	uint64_t spare[6];
	struct mark list[];
};

int stream_outlive(struct stream_table *t, void *memory, size_t size)
{
	struct marks *m = memory;
	size_t nr = 1;

	if (size < sizeof(*m) + sizeof(m->list[0]))
		return -1;
	while (nr * 2 <= (size - sizeof(*m)) / sizeof(m->list[0]))
		nr *= 2;
	if (!m->key.k0 && random_bytes(&m->key, sizeof(m->key)))
		return -1;
	t->marks = m;
	t->nr_marks = nr;
	return 0;
}

static struct mark *mark_slot(const struct stream_table *t, uint64_t id)
{
	return &t->marks->list[siphash(&t->marks->key, &id, sizeof(id)) & (t->nr_marks - 1)];
}

static void mark_make(const struct stream *s, bool untold)
{
	struct mark *m = mark_slot(s->table, s->conn.id);

	__atomic_store_n(&m->trace.state, TRACE_NONE, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	trace_fill(&m->trace, s);
	m->conn = s->conn;
	for (int d = 0; d < 2; d++) {
		int64_t undecided = byte_account_unexplained(&s->account[d]) + s->owed[d];

		m->undecided[d] = undecided > 0 ? undecided : 0;
	}
	m->untold = untold;
	__atomic_store_n(&m->trace.state, TRACE_EVICTED, __ATOMIC_RELEASE);
}

void stream_told(struct stream_table *t, bool open)
{
	if (t->marks && t->telling)
		mark_make(t->telling, open);
}

static const struct mark *mark_find(const struct stream_table *t, uint64_t id)
{
	const struct mark *m = t->marks ? mark_slot(t, id) : NULL;

	return m && m->trace.state == TRACE_EVICTED && m->trace.id == id ? m : NULL;
}

bool mark_is_there(const struct stream_table *t, uint64_t id)
{
	return mark_find(t, id) != NULL;
}

/* A connection that this process does not know: did one before it? */
void mark_resume(struct stream *s)
{
	const struct mark *m = mark_find(s->table, s->conn.id);

	if (m) {
		trace_resume(s, &m->trace);
		memcpy(s->undecided, m->undecided, sizeof(s->undecided));
		s->untold = m->untold;
		for (int d = 0; d < 2; d++)
			s->lanes[d].kernel.restarted = s->lanes[d].plain.restarted = true;
	} else if (s->table->marks && !(s->conn.id & UNBOUND)) {
		mark_make(s, true);	/* nothing of it is told: should this process die of its first bytes, they are known to be missing */
	}
}

const struct conn_facts *mark_unfinished(const struct stream_table *t, uint64_t id, const uint64_t final[2])
{
	const struct mark *m = mark_find(t, id);
	bool open = false;

	for (int d = 0; m && d < 2; d++)
		open |= m->undecided[d] || (final[d] <= POSITION_MAX && m->trace.pos[d] < final[d]);
	return open ? &m->conn : NULL;
}
