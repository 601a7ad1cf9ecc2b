/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream_model.c - random streams, seeded: against a byte-at-a-time model, under
 * tight caps, as TLS connections with and without losses, and as plain nonsense. */
#include "tests/unit/stream_world.h"

/* ---- against slow models ---- */

static uint64_t seed;
static uint32_t rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? (uint32_t)(seed >> 20) % below : 0;
}

static uint8_t content(uint64_t pos)
{
	return (uint8_t)(pos * 167 + (pos >> 8) * 13 + 5);
}

/* What stream/ should do, a byte at a time: for each position when it came. */
#define MODEL_SIZE 4000
struct model {
	uint64_t came[MODEL_SIZE];	/* 0: did not come */
	bool skipped[MODEL_SIZE];
	size_t next, reach;
	int16_t told[MODEL_SIZE];
	uint64_t reorder;
};

static void model_run(struct model *m)
{
	for (; m->next < MODEL_SIZE && m->came[m->next]; m->next++)
		m->told[m->next] = m->skipped[m->next] ? GAP : content(m->next);
}

static void model_expire(struct model *m, uint64_t now)
{
	for (;;) {
		uint64_t since = UINT64_MAX;
		size_t first = 0;

		for (size_t i = MODEL_SIZE; i-- > m->next;)
			if (m->came[i]) {
				since = m->came[i] < since ? m->came[i] : since;
				first = i;
			}
		if (since == UINT64_MAX || now - since < m->reorder)
			return;
		while (m->next < first)
			m->told[m->next++] = GAP;
		model_run(m);
	}
}

static void model_push(struct model *m, size_t pos, size_t len, size_t skipped, uint64_t now)
{
	for (size_t i = pos; i < pos + len + skipped; i++)
		if (i >= m->next && !m->came[i]) {
			m->came[i] = now;
			m->skipped[i] = i >= pos + len;
		}
	if (pos + len + skipped > m->reach)
		m->reach = pos + len + skipped;
	model_run(m);
	model_expire(m, now);
}

static void compare(const struct world *w, const struct model *m, enum dir dir)
{
	const struct told *t = &w->sessions[0]->told[dir];

	assert_int_equal(t->len, m->next);
	for (size_t i = 0; i < m->next; i++)
		assert_int_equal(t->v[i], m->told[i]);
}

/* Calls of a stream, some truncated, some lost, some repeated or overlapping. */
struct call { size_t pos, len, skipped; };
static size_t calls_make(struct call *c, size_t max)
{
	size_t pos = 0, n = 0, from = 0;

	while (n < max - 2 && pos < MODEL_SIZE - 300) {
		struct call k = { pos, rnd(90), rnd(9) ? 0 : 1 + rnd(50) };

		if (!k.len && !k.skipped)
			k.len = 1;
		pos += k.len + k.skipped;
		if (k.skipped)
			from = pos;	/* pieces overlap real bytes only */
		if (rnd(12))
			c[n++] = k;
		if (!rnd(8) && pos > from + 2 && !k.skipped) {
			size_t a = from + rnd((uint32_t)(pos - from - 1));

			c[n++] = (struct call){ a, 1 + rnd((uint32_t)(pos - a - 1)), 0 };
		}
	}
	/* Overtaking is local, as it is between CPUs. */
	for (size_t i = 0; i < n; i++) {
		size_t j = i + rnd(6);
		struct call k = c[i];

		if (j < n) {
			c[i] = c[j];
			c[j] = k;
		}
	}
	return n;
}

static void push_call(struct world *w, const struct call *k, enum dir dir, uint64_t time)
{
	uint8_t *bytes = malloc(k->len + 1);
	struct chunk ch = chunk_make(1, LAYER_SOCKET, dir, k->pos, bytes, k->len);

	for (size_t i = 0; i < k->len; i++)
		bytes[i] = content(k->pos + i);
	ch.skipped = k->skipped;
	ch.cause = k->skipped ? LOSS_TRUNCATED : LOSS_NONE;
	ch.at.time = time;
	stream_push(w->table, &ch);
	memset(bytes, 0xee, k->len);
	free(bytes);
}

static void any_order_loss_and_time_agree_with_a_slow_model(void **state)
{
	for (int round = 0; round < 400; round++) {
		struct stream_limits l = { 10, 1 << 20, 1 << 20, REORDER, UINT64_MAX, 0 };
		struct call calls[300];
		struct model *m = calloc(1, sizeof(*m));
		struct world *w;
		uint64_t now = 1000;
		size_t n;

		seed = 0x9e3779b97f4a7c15ull + (uint64_t)round;
		n = calls_make(calls, 300);
		l.reorder_ns = 20 + rnd(300);
		w = world_new(&l);
		m->reorder = l.reorder_ns;
		for (size_t i = 0; i < n; i++) {
			now += rnd(30);
			push_call(w, &calls[i], DIR_RECEIVED, now);
			model_push(m, calls[i].pos, calls[i].len, calls[i].skipped, now);
			compare(w, m, DIR_RECEIVED);
			if (!rnd(5)) {
				now += rnd(60);
				stream_tick(w->table, (struct stamp){ now, 7 });
				model_expire(m, now);
				compare(w, m, DIR_RECEIVED);
			}
		}
		close_at(w, 1, 0, m->reach + 17, (struct stamp){ now, 7 });
		stream_tick(w->table, (struct stamp){ now + l.reorder_ns, 7 });
		assert_true(w->sessions[0]->closed);
		assert_int_equal(stats_of(w).held, 0);
		assert_int_equal(w->sum.moved, m->reach + 17);
		assert_balanced(w);
		world_free(w);
		free(m);
	}
}

static void under_tight_caps_no_byte_is_wrong_repeated_or_unaccounted(void **state)
{
	for (int round = 0; round < 400; round++) {
		struct stream_limits l;
		struct call calls[2][300];
		struct world *w;
		uint64_t now = 1000;
		size_t n[2];

		seed = 0xc0ffee + (uint64_t)round * 7919;
		l = (struct stream_limits){ 1 + rnd(3), rnd(200), rnd(300), 30 + rnd(100), 100 + rnd(2000), rnd(2) ? 0 : rnd(300) };
		n[0] = calls_make(calls[0], 300);
		n[1] = calls_make(calls[1], 300);
		w = world_new(&l);
		for (size_t i = 0; i < n[0] || i < n[1]; i++) {
			now += rnd(20);
			for (int d = 0; d < 2; d++)
				if (i < n[d])
					push_call(w, &calls[d][i], (enum dir)d, now);
			assert_true(stats_of(w).held <= l.total);
			if (!rnd(20))
				push_at(w, 2 + rnd(4), LAYER_SOCKET, DIR_SENT, rnd(50), "other", (struct stamp){ now, 7 });
			if (!rnd(9))
				stream_tick(w->table, (struct stamp){ now, 7 });
			if (!rnd(40))
				stream_interval(w->table, (struct stamp){ now, 7 });
		}
		if (rnd(2))
			stream_last(w->table, (struct stamp){ now, 7 });
		stream_table_free(w->table);
		w->table = NULL;
		for (int d = 0; d < 2; d++) {
			size_t pos = 0;

			/* Sessions follow each other after evictions; together they are one stream. */
			for (unsigned i = 0; i < w->nr; i++) {
				const struct told *t = &w->sessions[i]->told[d];

				for (size_t k = 0; w->sessions[i]->conn.id == 1 && k < t->len; k++, pos++)
					assert_true(t->v[k] == GAP || t->v[k] == content(pos));
			}
		}
		assert_balanced(w);
		world_free(w);
	}
}

/* A TLS peer: builds records, cuts the byte stream into calls, keeps what is true. */
struct peer {
	struct world *w;
	enum dir dir;
	bool tls12, lossy;
	uint64_t pos, plain;
	int64_t framing;
	bool last_lost;
};

static void peer_call(struct peer *p, uint64_t moved, const struct wire_step *steps, size_t n, bool lose)
{
	if (!lose)
		push_cipher(p->w, 1, p->dir, p->pos, moved, true, steps, n);
	p->pos += moved;
}

/* Moves n records in one call or, as a reader does, header and body apart. */
static void peer_records(struct peer *p, const struct wire_step *steps, size_t n, bool may_lose)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += 5 + steps[i].body;
	if (p->dir == DIR_SENT) {
		peer_call(p, all, steps, n, may_lose && !rnd(6));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t half = p->lossy ? 0 : rnd(steps[i].body);

		peer_call(p, 5, &steps[i], 1, may_lose && !rnd(9));
		if (half)
			peer_call(p, half, NULL, 0, false);
		peer_call(p, steps[i].body - half, NULL, 0, may_lose && !rnd(9));
	}
}

static void peer_control(struct peer *p, uint8_t type, uint32_t body)
{
	const struct wire_step step = { type, body };

	p->framing += 5 + body;
	peer_records(p, &step, 1, false);
}

static void peer_handshake(struct peer *p)
{
	peer_control(p, 22, 100 + rnd(600));
	peer_control(p, 20, 1);
	if (p->tls12) {
		peer_control(p, 22, 40);
		return;
	}
	for (uint32_t n = rnd(4); n > 0; n--)
		peer_control(p, 23, 30 + rnd(1500));
	peer_control(p, 23, 53);
}

static void peer_write(struct peer *p, uint32_t len, bool first, bool last)
{
	uint32_t overhead = p->tls12 ? 24 : 17, left = len;
	struct wire_step steps[8];
	size_t n = 0;

	for (; left; n++) {
		uint32_t take = left < 16384 ? left : 16384;

		steps[n] = (struct wire_step){ 23, take + overhead };
		p->framing += 5 + overhead;
		left -= take;
	}
	peer_records(p, steps, n, p->lossy && !first);
	for (left = len; left;) {
		uint32_t take = left < 16384 ? left : 16384;

		if (!p->lossy || first || last || rnd(5))
			plaintext(p->w, p->dir, p->plain, take);
		p->plain += take;
		left -= take;
	}
}

static void random_tls_connections_balance(bool lossy)
{
	for (int round = 0; round < 300; round++) {
		struct world *w = world_new(NULL);
		struct peer peers[2];
		unsigned writes;

		seed = 0xabcdef + (uint64_t)round * 104729;
		for (int d = 0; d < 2; d++)
			peers[d] = (struct peer){ .w = w, .dir = (enum dir)d, .tls12 = round & 1, .lossy = lossy };
		peer_handshake(&peers[0]);
		peer_handshake(&peers[1]);
		writes = 1 + rnd(12);
		for (unsigned i = 0; i < writes; i++)
			for (int d = 0; d < 2; d++)
				peer_write(&peers[d], 60 + rnd(rnd(4) ? 3000 : 60000), i == 0, i + 1 == writes);
		for (int d = 0; d < 2; d++)
			peer_control(&peers[d], peers[d].tls12 ? 21 : 23, peers[d].tls12 ? 26 : 19);
		stream_interval(w->table, at_ms(1));
		close_at(w, 1, peers[1].pos, peers[0].pos, at_ms(1));
		stream_tick(w->table, at_ms(500));
		assert_true(w->sessions[0]->closed);
		assert_int_equal(w->sum.moved, peers[0].pos + peers[1].pos);
		assert_int_equal(w->sum.opaque, 0);
		assert_balanced(w);
		if (!lossy) {
			assert_int_equal(w->sum.lost, 0);
			assert_int_equal(w->sum.framing, peers[0].framing + peers[1].framing);
			assert_int_equal(w->sum.examined, peers[0].plain + peers[1].plain);
		}
		world_free(w);
	}
}

static void random_tls_connections_balance_exactly(void **state)
{
	random_tls_connections_balance(false);
}

static void random_tls_connections_with_losses_balance_too(void **state)
{
	random_tls_connections_balance(true);
}

/* Anything at all: no assertion but the sink's own, the sanitizers', and the caps. */
static void random_chunks_of_every_layer_break_nothing(void **state)
{
	struct stream_limits l = { 4, 500, 1500, 100, 3000, 0 };
	uint8_t bytes[64];

	for (int round = 0; round < 60; round++) {
		struct world *w = world_new(&l);
		uint64_t now = 1000;

		seed = 0x5eed + (uint64_t)round * 31337;
		for (int i = 0; i < 400 && w->nr < SESSIONS_MAX - 4; i++) {
			struct chunk ch = chunk_make(1 + rnd(6), (enum layer)(1 + rnd(3)), (enum dir)rnd(2), rnd(600), bytes, rnd(64));

			for (size_t k = 0; k < sizeof(bytes); k++)
				bytes[k] = rnd(3) ? (uint8_t)(18 + rnd(8)) : (uint8_t)rnd(256);
			if (!rnd(50))
				ch.pos = (uint64_t)rnd(3000) << rnd(4);
			now += rnd(40);
			ch.at.time = rnd(30) ? now : rnd(1000000);
			ch.skipped = rnd(6) ? 0 : rnd(100);
			ch.moved = rnd(300);
			ch.probed = rnd(2) != 0;
			ch.conn.late = rnd(4) == 0;
			(void)stream_push(w->table, &ch);	/* refusals are part of it */
			assert_true(stats_of(w).held <= l.total);
			assert_true(stats_of(w).connections <= l.connections);
			if (!rnd(10))
				stream_tick(w->table, (struct stamp){ now, 7 });
			if (!rnd(25))
				stream_interval(w->table, (struct stamp){ now, 7 });
			if (!rnd(60))
				stream_close(w->table, 1 + rnd(6), rnd(900), rnd(900), rnd(900), rnd(900), (struct stamp){ now, 7 });
		}
		if (rnd(2))
			stream_last(w->table, (struct stamp){ now, 7 });
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_loss_and_time_agree_with_a_slow_model),
		cmocka_unit_test(under_tight_caps_no_byte_is_wrong_repeated_or_unaccounted),
		cmocka_unit_test(random_tls_connections_balance_exactly),
		cmocka_unit_test(random_tls_connections_with_losses_balance_too),
		cmocka_unit_test(random_chunks_of_every_layer_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
