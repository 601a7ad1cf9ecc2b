/* SPDX-License-Identifier: Apache-2.0 */
/* test_bind.c - TLS sessions that are fed from memory find their connection by what moves:
 * each case by hand, then many programs at once, made at random, of which it is known which
 * session is whose. Every byte that a connection's session is told must be its own. */
#include "tests/unit/stream_world.h"

enum version { V13, V12, CHACHA };

/* A connection and the session on it, as the program has them. */
struct peer {
	struct world *world;
	uint64_t conn, session;
	uint32_t generation;
	struct process_key process;
	enum version version;
	bool server, mute;	/* mute: nothing of the session is captured */
	uint64_t wire[2], plain[2], base[2];	/* base: of what other sessions told here before */
	uint64_t plaintext, time;
};

static uint8_t content(const struct peer *p, enum dir dir, uint64_t pos)
{
	return (uint8_t)(p->conn * 37 + pos * 11 + (pos >> 8) * 3 + dir);
}

static uint32_t overhead(enum version v)
{
	return v == V13 ? 17 : v == V12 ? 24 : 16;
}

/* Records in one socket call. */
static void wire(struct peer *p, enum dir dir, const struct wire_step *steps, size_t n)
{
	struct wire_header h[WIRE_HEADERS];
	struct chunk ch = chunk_make(p->conn, LAYER_CIPHER, dir, p->wire[dir], h, n * sizeof(h[0]));

	for (size_t i = 0; i < n; i++) {
		h[i] = (struct wire_header){ steps[i].type, 3, 3, 0, steps[i].body };
		ch.moved += 5 + steps[i].body;
	}
	ch.at.time = p->time;
	ch.conn.process = p->process;
	ch.conn.role = p->server ? ROLE_SERVER : ROLE_CLIENT;
	ch.conn.local.port = (uint16_t)p->conn;
	p->wire[dir] += ch.moved;
	assert_int_equal(stream_push(p->world->table, &ch), 0);
}

#define WIRE(p, dir, ...) wire(p, dir, (const struct wire_step[]){ __VA_ARGS__ }, \
			       sizeof((const struct wire_step[]){ __VA_ARGS__ }) / sizeof(struct wire_step))

static void plain_as(struct peer *p, enum dir dir, size_t len, enum binding binding)
{
	uint8_t *bytes = malloc(len + 1);
	struct chunk ch = chunk_make(p->session << 8 | p->generation | 1ull << 63, LAYER_TLS, dir, p->plain[dir] - p->base[dir], bytes, len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = content(p, dir, p->plain[dir] + i);
	if (binding == BINDING_EXACT)
		ch.conn.id = p->conn;
	ch.conn.binding = (uint8_t)binding;
	ch.conn.family = 0;
	ch.conn.role = ROLE_UNKNOWN;
	ch.conn.process = p->process;
	ch.session = p->session;
	ch.generation = p->generation;
	ch.at.time = p->time;
	p->plain[dir] += len;
	p->plaintext += len;
	if (!p->mute)
		assert_int_equal(stream_push(p->world->table, &ch), 0);
	memset(bytes, 0xee, len);
	free(bytes);
}

/* One call of the library, which the kernel's side tells in pieces. */
static void call(struct peer *p, enum dir dir, size_t len)
{
	for (size_t left = len; left; left -= left < WIRE_LARGE ? left : WIRE_LARGE)
		plain_as(p, dir, left < WIRE_LARGE ? left : WIRE_LARGE, BINDING_NONE);
}

/* The records of len bytes, up to WIRE_HEADERS in a socket call. */
static void data(struct peer *p, enum dir dir, size_t len)
{
	struct wire_step steps[WIRE_HEADERS];
	size_t n = 0;

	while (len) {
		size_t part = len < 16384 ? len : 16384;

		steps[n++] = (struct wire_step){ 23, (uint32_t)part + overhead(p->version) };
		len -= part;
		if (n == WIRE_HEADERS || !len) {
			wire(p, dir, steps, n);
			n = 0;
		}
	}
}

static void send_message(struct peer *p, size_t len)
{
	call(p, DIR_SENT, len);
	data(p, DIR_SENT, len);
}

static void receive_message(struct peer *p, size_t len, size_t buffer)
{
	data(p, DIR_RECEIVED, len);
	while (len) {
		size_t record = len < 16384 ? len : 16384;

		len -= record;
		while (record) {
			size_t part = record < buffer ? record : buffer;

			plain_as(p, DIR_RECEIVED, part, BINDING_NONE);
			record -= part;
		}
	}
}

static void handshake(struct peer *p)
{
	enum dir server = p->server ? DIR_SENT : DIR_RECEIVED, client = p->server ? DIR_RECEIVED : DIR_SENT;
	uint32_t o = overhead(p->version);

	WIRE(p, client, { 22, 512 });
	if (p->version == V13) {
		WIRE(p, server, { 22, 122 }, { 20, 1 }, { 23, 40 }, { 23, 900 }, { 23, 281 }, { 23, 53 });
		WIRE(p, client, { 20, 1 }, { 23, 53 });
		WIRE(p, server, { 23, 250 }, { 23, 250 });
		return;
	}
	WIRE(p, server, { 22, 90 }, { 22, 2000 }, { 22, 4 });
	WIRE(p, client, { 22, 70 }, { 20, 1 }, { 22, 16 + o });
	WIRE(p, server, { 22, 170 }, { 20, 1 }, { 22, 16 + o });
}

static void hang_up(struct peer *p)
{
	close_at(p->world, p->conn, p->wire[DIR_SENT], p->wire[DIR_RECEIVED], (struct stamp){ p->time, 7 });
}

static void tick(struct peer *p, uint64_t ms)
{
	p->time += ms * 1000000;
	stream_tick(p->world->table, (struct stamp){ p->time, 7 });
}

static struct peer peer_new(struct world *w, uint64_t conn, bool server, enum version version)
{
	return (struct peer){ .world = w, .conn = conn, .session = 1000 + conn, .process = { 10, 20 }, .version = version,
			      .server = server, .time = at_ms(1).time };
}

/* The session that is or was the connection's. */
static struct session *of_conn(const struct world *w, uint64_t conn)
{
	struct session *found = NULL;

	for (unsigned i = 0; i < w->nr; i++)
		if (w->sessions[i]->conn.id == conn && !w->sessions[i]->gone) {
			assert_null(found);
			found = w->sessions[i];
		}
	assert_non_null(found);
	return found;
}

static void told_all(const struct peer *p)
{
	const struct session *s = of_conn(p->world, p->conn);

	for (int d = 0; d < 2; d++) {
		assert_int_equal(s->told[d].len, p->plain[d]);
		for (size_t i = 0; i < s->told[d].len; i++)
			assert_int_equal(s->told[d].v[i], content(p, (enum dir)d, i));
	}
}

static bool is_told_all(const struct peer *p)
{
	const struct session *s = of_conn(p->world, p->conn);
	bool all = true;

	for (int d = 0; d < 2; d++) {
		all &= s->told[d].len == p->plain[d];
		for (size_t i = 0; all && i < s->told[d].len; i++)
			all = s->told[d].v[i] == content(p, (enum dir)d, i);
	}
	return all;
}

/* All is over: what moved is explained, and the plaintext was examined. */
static void settle(const struct peer *p, enum binding binding)
{
	told_all(p);
	assert_true(of_conn(p->world, p->conn)->closed);
	assert_int_equal(of_conn(p->world, p->conn)->conn.binding, binding);
	assert_int_equal(p->world->sum.moved, p->wire[0] + p->wire[1]);
	assert_int_equal(p->world->sum.examined, p->plaintext);
	assert_int_equal(p->world->sum.opaque + p->world->sum.lost + p->world->sum.skipped, 0);
	assert_balanced(p->world);
	assert_int_equal(stats_of(p->world).waiting, 0);
	world_free(p->world);
}

/* ---- by hand ---- */

static void a_request_and_its_answer_bind_strongly(void **state)
{
	for (int v = V13; v <= CHACHA; v++)
		for (int server = 0; server < 2; server++) {
			struct peer p = peer_new(world_new(NULL), 5, server, (enum version)v);

			handshake(&p);
			if (server) {
				receive_message(&p, 300, 16384);
				assert_int_equal(of_conn(p.world, 5)->told[0].len, 0);	/* waits for the answer */
				assert_int_equal(stats_of(p.world).waiting, 300);
				send_message(&p, 171);
			} else {
				send_message(&p, 300);
				receive_message(&p, 171, 16384);
			}
			assert_int_equal(of_conn(p.world, 5)->conn.binding, BINDING_STRONG);
			assert_int_equal(p.world->nr, 1);
			told_all(&p);
			receive_message(&p, 40000, 1000);
			send_message(&p, 70000);
			told_all(&p);
			hang_up(&p);
			settle(&p, BINDING_STRONG);
		}
}

static void a_small_buffer_takes_a_record_in_pieces(void **state)
{
	struct peer p = peer_new(world_new(NULL), 5, true, V13);

	handshake(&p);
	receive_message(&p, 3000, 1024);
	receive_message(&p, 2222, 1024);
	assert_int_equal(of_conn(p.world, 5)->conn.binding, BINDING_STRONG);
	send_message(&p, 20000);
	hang_up(&p);
	settle(&p, BINDING_STRONG);
}

static void records_of_several_calls_in_one_send_are_each_their_own(void **state)
{
	struct peer p = peer_new(world_new(NULL), 5, false, V13);

	handshake(&p);
	call(&p, DIR_SENT, 100);
	call(&p, DIR_SENT, 20000);
	call(&p, DIR_SENT, 7);
	WIRE(&p, DIR_SENT, { 23, 117 }, { 23, 16384 + 17 }, { 23, 20000 - 16384 + 17 }, { 23, 24 });
	assert_int_equal(of_conn(p.world, 5)->conn.binding, BINDING_STRONG);
	receive_message(&p, 50, 16384);
	hang_up(&p);
	settle(&p, BINDING_STRONG);
}

static void a_slow_answer_is_told_as_weak_until_it_comes(void **state)
{
	struct peer p = peer_new(world_new(NULL), 5, true, V13);
	const struct session *own;

	handshake(&p);
	receive_message(&p, 300, 16384);
	tick(&p, 900);
	assert_int_equal(p.world->nr, 1);
	tick(&p, 200);
	assert_int_equal(p.world->nr, 2);
	own = p.world->sessions[1];
	assert_true(own->conn.id >> 63);
	assert_int_equal(own->conn.binding, BINDING_WEAK);
	assert_int_equal(own->conn.role, ROLE_SERVER);
	assert_int_equal(own->conn.local.port, 5);
	assert_int_equal(own->told[DIR_RECEIVED].len, 300);
	/* The minute ends: what is told then moves over, too. */
	stream_interval(p.world->table, (struct stamp){ p.time, 7 });
	assert_int_equal(p.world->sum.examined, 300);
	assert_int_equal(p.world->sum.opaque, 0);
	send_message(&p, 171);
	assert_int_equal(own->adopted, 1);
	assert_int_equal(own->conn.id, 5);
	assert_int_equal(own->conn.binding, BINDING_STRONG);
	receive_message(&p, 300, 16384);
	hang_up(&p);
	settle(&p, BINDING_STRONG);
}

static void what_was_weak_at_the_end_joins_as_weak(void **state)
{
	for (int wait = 0; wait < 2; wait++) {
		struct peer p = peer_new(world_new(NULL), 5, false, V12);

		handshake(&p);
		send_message(&p, 300);
		if (wait)
			tick(&p, 1100);
		hang_up(&p);
		assert_false(of_conn(p.world, 5)->closed);
		tick(&p, 201);
		settle(&p, BINDING_WEAK);
	}
}

static void a_close_that_overtakes_the_plaintext_waits_for_it(void **state)
{
	struct peer p = peer_new(world_new(NULL), 5, true, V12);

	handshake(&p);
	data(&p, DIR_RECEIVED, 300);
	hang_up(&p);
	call(&p, DIR_RECEIVED, 300);
	assert_false(of_conn(p.world, 5)->closed);
	tick(&p, 201);
	settle(&p, BINDING_WEAK);
}

static void a_session_that_no_connection_fits_is_told_as_unbound(void **state)
{
	struct peer p = peer_new(world_new(NULL), 5, true, V13), other = peer_new(p.world, 6, true, V13);

	other.process.tgid = 11;
	handshake(&other);
	data(&other, DIR_RECEIVED, 300);	/* of another process */
	call(&p, DIR_RECEIVED, 300);
	call(&p, DIR_SENT, 20);
	assert_int_equal(stats_of(p.world).waiting, 320);
	tick(&p, 1001);
	assert_int_equal(stats_of(p.world).waiting, 0);
	assert_int_equal(p.world->nr, 2);
	assert_int_equal(p.world->sessions[1]->conn.binding, BINDING_NONE);
	assert_int_equal(p.world->sessions[1]->told[DIR_RECEIVED].len, 300);
	assert_int_equal(p.world->sessions[1]->told[DIR_SENT].len, 20);
	/* A flood of it does not wait either. */
	for (int i = 0; i < 20; i++)
		call(&p, DIR_SENT, 16000);
	assert_true(stats_of(p.world).waiting <= 64 << 10);
	stream_table_free(p.world->table);
	p.world->table = NULL;
	assert_int_equal(p.world->sum.examined, 320 + 320000);
	assert_balanced(p.world);
	world_free(p.world);
}

static void an_exact_binding_that_comes_later_takes_all_along(void **state)
{
	for (int wait = 0; wait < 2; wait++) {
		struct peer p = peer_new(world_new(NULL), 5, true, V13);

		handshake(&p);
		receive_message(&p, 300, 16384);
		if (wait)
			tick(&p, 1100);
		data(&p, DIR_SENT, 20);
		plain_as(&p, DIR_SENT, 20, BINDING_EXACT);
		told_all(&p);
		data(&p, DIR_RECEIVED, 30);
		plain_as(&p, DIR_RECEIVED, 30, BINDING_EXACT);
		hang_up(&p);
		settle(&p, BINDING_EXACT);
	}
}

static void an_exact_binding_takes_the_place_of_a_wrong_guess(void **state)
{
	struct peer p = peer_new(world_new(NULL), 5, true, V13), wrong;
	const struct session *s;

	handshake(&p);
	wrong = p;
	wrong.session = 77;
	receive_message(&wrong, 300, 16384);
	call(&wrong, DIR_SENT, 20);
	data(&wrong, DIR_SENT, 20);
	s = of_conn(p.world, 5);
	assert_int_equal(s->conn.binding, BINDING_STRONG);
	p.wire[0] = wrong.wire[0];
	p.wire[1] = wrong.wire[1];
	p.plain[0] = 300;
	data(&p, DIR_RECEIVED, 30);
	plain_as(&p, DIR_RECEIVED, 30, BINDING_EXACT);
	assert_int_equal(s->conn.binding, BINDING_EXACT);
	assert_int_equal(stats_of(p.world).rebound, 1);
	/* What the other session moves from now on is no longer told here. */
	call(&wrong, DIR_SENT, 90);
	tick(&p, 1100);
	assert_int_equal(s->told[DIR_SENT].len, 20);
	hang_up(&p);
	world_free(p.world);
}

static void equal_sizes_at_once_are_told_apart_by_the_next(void **state)
{
	struct world *w = world_new(NULL);
	struct peer a = peer_new(w, 5, true, V13), b = peer_new(w, 6, true, V13);

	handshake(&a);
	handshake(&b);
	data(&a, DIR_RECEIVED, 300);
	data(&b, DIR_RECEIVED, 300);
	call(&b, DIR_RECEIVED, 300);
	call(&a, DIR_RECEIVED, 300);
	call(&a, DIR_SENT, 50);
	call(&b, DIR_SENT, 60);
	data(&b, DIR_SENT, 60);
	assert_int_equal(of_conn(w, 6)->conn.binding, BINDING_STRONG);
	assert_int_equal(of_conn(w, 5)->conn.binding, BINDING_NONE);
	data(&a, DIR_SENT, 50);
	assert_int_equal(of_conn(w, 5)->conn.binding, BINDING_STRONG);
	told_all(&a);
	told_all(&b);
	hang_up(&a);
	hang_up(&b);
	assert_balanced(w);
	world_free(w);
}

static void equal_sizes_that_stay_equal_are_weak_and_balance(void **state)
{
	struct world *w = world_new(NULL);
	struct peer a = peer_new(w, 5, true, V13), b = peer_new(w, 6, true, V13);

	handshake(&a);
	handshake(&b);
	data(&a, DIR_RECEIVED, 300);
	data(&b, DIR_RECEIVED, 300);
	call(&b, DIR_RECEIVED, 300);
	call(&a, DIR_RECEIVED, 300);
	tick(&a, 1100);
	for (unsigned i = 0; i < w->nr; i++)
		assert_int_equal(w->sessions[i]->conn.binding, w->sessions[i]->conn.id >> 63 ? BINDING_WEAK : BINDING_NONE);
	b.time = a.time;
	hang_up(&a);
	hang_up(&b);
	tick(&a, 300);
	assert_int_equal(of_conn(w, 5)->conn.binding, BINDING_WEAK);
	assert_int_equal(of_conn(w, 6)->conn.binding, BINDING_WEAK);
	assert_int_equal(w->sum.examined, 600);
	assert_balanced(w);
	world_free(w);
}

static void an_object_freed_and_used_again_is_another_session(void **state)
{
	struct world *w = world_new(NULL);
	struct peer a = peer_new(w, 5, true, V13), b = peer_new(w, 6, true, V13);

	b.session = a.session;
	b.generation = 1;
	handshake(&a);
	receive_message(&a, 300, 16384);
	send_message(&a, 20);
	handshake(&b);
	receive_message(&b, 300, 16384);	/* the close of the first comes later */
	send_message(&b, 20);
	told_all(&a);
	told_all(&b);
	hang_up(&a);
	hang_up(&b);
	tick(&a, 300);
	assert_true(of_conn(w, 5)->closed);
	assert_true(of_conn(w, 6)->closed);
	assert_int_equal(w->sum.examined, 640);
	assert_balanced(w);
	world_free(w);
}

/* BoringSSL in a program without names: what frees a session has no probe, and the next has its
 * address, and goes on with its positions. */
static void an_object_used_again_whose_end_nobody_saw_is_another_session(void **state)
{
	for (int how = 0; how < 4; how++) {
		bool server = how & 1, closed = how & 2 || !server;
		struct world *w = world_new(NULL);
		struct peer a = peer_new(w, 5, server, V13);

		handshake(&a);
		for (int n = 0; n < 7; n++) {
			struct peer b = peer_new(w, 6 + (uint64_t)n, server, V13);

			(server ? receive_message(&a, 300, 16384) : send_message(&a, 300));
			(server ? send_message(&a, 120) : receive_message(&a, 120, 16384));
			told_all(&a);
			b.session = a.session;
			for (int d = 0; d < 2; d++)
				b.base[d] = a.base[d] - a.plain[d];
			b.time = a.time;
			if (closed)
				hang_up(&a);
			handshake(&b);
			if (!closed) {	/* that comes later than what the next receives */
				receive_message(&b, 250, 16384);
				hang_up(&a);
				send_message(&b, 130);
			}
			a = b;
		}
		(server ? receive_message(&a, 300, 16384) : send_message(&a, 300));
		(server ? send_message(&a, 120) : receive_message(&a, 120, 16384));
		hang_up(&a);
		tick(&a, 300);
		for (uint64_t conn = 5; conn < 13; conn++) {
			assert_true(of_conn(w, conn)->closed);
			assert_int_equal(of_conn(w, conn)->conn.binding, BINDING_STRONG);
			assert_int_equal(of_conn(w, conn)->gaps[0] + of_conn(w, conn)->gaps[1], 0);
		}
		assert_int_equal(w->sum.lost + w->sum.opaque, 0);
		assert_balanced(w);
		world_free(w);
	}
}

static void a_session_cleared_or_in_a_fork_goes_on_with_its_connection(void **state)
{
	for (int fork = 0; fork < 2; fork++) {
		struct peer p = peer_new(world_new(NULL), 5, true, V13);

		handshake(&p);
		receive_message(&p, 300, 16384);
		send_message(&p, 20);
		p.base[0] = p.plain[0];
		p.base[1] = p.plain[1];
		p.generation++;
		if (fork) {
			p.process.tgid++;
			p.session++;
		}
		receive_message(&p, 111, 16384);
		send_message(&p, 222);
		receive_message(&p, 333, 16384);
		told_all(&p);
		hang_up(&p);
		settle(&p, BINDING_STRONG);
	}
}

static void what_nobody_decrypts_stays_opaque(void **state)
{
	struct peer p = peer_new(world_new(NULL), 5, true, V13), q = peer_new(p.world, 6, true, V13);

	p.mute = true;
	handshake(&p);
	handshake(&q);
	for (int i = 0; i < 50; i++) {
		receive_message(&p, 300 + (size_t)i, 16384);
		send_message(&p, 20);
		receive_message(&q, 3000 + (size_t)i, 16384);
		send_message(&q, 77);
	}
	hang_up(&p);
	tick(&p, 300);
	assert_int_equal(of_conn(p.world, 5)->told[0].len + of_conn(p.world, 5)->told[1].len, 0);
	assert_string_equal(of_conn(p.world, 5)->reason, "unprobed_tls");
	told_all(&q);
	hang_up(&q);
	assert_int_equal(p.world->sum.examined, 50 * (3000 + 77) + 49 * 25);
	assert_balanced(p.world);
	world_free(p.world);
}

static void a_connection_older_than_weir_joins_from_where_it_was_seen(void **state)
{
	struct peer p = peer_new(world_new(NULL), 5, true, V12);
	struct world *w = p.world;
	struct wire_header h = { 23, 3, 3, 0, 300 + 24 };
	struct chunk ch = chunk_make(5, LAYER_CIPHER, DIR_RECEIVED, 0, &h, sizeof(h));

	ch.conn.late = true;
	ch.conn.process = p.process;
	ch.at.time = p.time;
	ch.moved = 329;
	assert_int_equal(stream_push(w->table, &ch), 0);
	p.wire[DIR_RECEIVED] = 329;
	call(&p, DIR_RECEIVED, 300);
	send_message(&p, 1000);
	receive_message(&p, 44, 16384);
	told_all(&p);
	close_at(w, 5, p.wire[DIR_SENT], p.wire[DIR_RECEIVED], (struct stamp){ p.time, 7 });
	assert_int_equal(w->sum.moved, 329 + 1029 + 73);
	assert_int_equal(w->sum.examined, 1344);
	assert_balanced(w);
	world_free(w);
}

/* ---- many at once ---- */

static uint64_t seed;
static uint32_t rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? (uint32_t)(seed >> 20) % below : 0;
}

#define PEERS 24
enum { IDLE, ARRIVED, ANSWERED };

/* One step of a connection. loop: a thread that reads what came at once, and sends what it
 * wrote; else other connections' steps come in between. */
struct play { struct peer p; unsigned state; size_t in, out; int left; bool over; };

static size_t any_size(bool few)
{
	static const size_t common[] = { 97, 250, 36, 1024 };

	return few ? common[rnd(4)] : 1 + rnd(rnd(8) ? 3000 : 60000);
}

static void play_step(struct play *y, bool loop, bool few)
{
	do {
		switch (y->state) {
		case IDLE:
			y->in = any_size(few);
			y->out = any_size(few);
			if (y->p.server)
				data(&y->p, DIR_RECEIVED, y->in);
			else
				call(&y->p, DIR_SENT, y->in);
			y->state = ARRIVED;
			break;
		case ARRIVED:
			if (!y->p.server) {
				data(&y->p, DIR_SENT, y->in);
				data(&y->p, DIR_RECEIVED, y->out);
			} else {
				for (size_t n = y->in; n; n -= n < 16384 ? n : 16384)
					call(&y->p, DIR_RECEIVED, n < 16384 ? n : 16384);
				call(&y->p, DIR_SENT, y->out);
			}
			y->state = ANSWERED;
			break;
		case ANSWERED:
			if (y->p.server)
				data(&y->p, DIR_SENT, y->out);
			else
				for (size_t n = y->out; n; n -= n < 16384 ? n : 16384)
					call(&y->p, DIR_RECEIVED, n < 16384 ? n : 16384);
			y->state = IDLE;
			y->left--;
		}
	} while (loop && y->state != IDLE);
}

/* How many of a round's sessions are told as another's. */
static unsigned play_all(int round, bool loop, bool few)
{
	bool exact = loop || !few;
	unsigned wrong = 0;

	struct world *w = world_new(NULL);
	struct play *y = calloc(PEERS, sizeof(*y));
	uint64_t moved = 0, plain = 0, time = at_ms(1).time;
	int open = PEERS;

	seed = 0x9e3779b97f4a7c15ull + (uint64_t)round * 7919;
	for (unsigned i = 0; i < PEERS; i++) {
		y[i].p = peer_new(w, 10 + i, rnd(2), (enum version)rnd(3));
		y[i].p.process.tgid = 10 + rnd(3);
		y[i].left = 2 + (int)rnd(6);
		handshake(&y[i].p);
	}
	while (open) {
		struct play *v = &y[rnd(PEERS)];

		v->p.time = time += 100000 * rnd(20);
		if (!rnd(16))
			stream_tick(w->table, (struct stamp){ time, 7 });
		if (!rnd(64))
			stream_interval(w->table, (struct stamp){ time, 7 });
		if (v->over)
			continue;
		play_step(v, loop, few);
		if (v->left || v->state != IDLE)
			continue;
		if (v->p.version == V13)
			WIRE(&v->p, DIR_SENT, { 23, 19 });
		hang_up(&v->p);
		v->over = true;
		open--;
	}
	stream_tick(w->table, (struct stamp){ time + 2000000000, 7 });
	for (unsigned i = 0; i < PEERS; i++) {
		moved += y[i].p.wire[0] + y[i].p.wire[1];
		plain += y[i].p.plaintext;
		if (exact) {
			told_all(&y[i].p);
			assert_true(of_conn(w, y[i].p.conn)->conn.binding >= BINDING_STRONG);
		}
		wrong += !is_told_all(&y[i].p);
		assert_true(of_conn(w, y[i].p.conn)->closed);
	}
	if (exact) {
		assert_int_equal(w->sum.moved, moved);
		assert_int_equal(w->sum.examined, plain);
		assert_int_equal(w->sum.opaque + w->sum.lost, 0);
		assert_balanced(w);
	}
	assert_int_equal(stats_of(w).waiting, 0);
	world_free(w);
	free(y);
	return wrong;
}

static void many_sessions_of_event_loops_each_find_their_own(void **state)
{
	for (int round = 0; round < 60; round++)
		play_all(round, true, round & 1);
}

static void many_sessions_of_threads_with_all_sizes_each_find_their_own(void **state)
{
	for (int round = 0; round < 60; round++)
		play_all(round, false, false);
}

/* Eight threads at once that move four sizes cannot all be told apart; but most are. */
static void many_sessions_of_threads_with_few_sizes_mostly_find_their_own(void **state)
{
	unsigned wrong = 0;

	for (int round = 0; round < 60; round++)
		wrong += play_all(round, false, true);
	printf("wrong %u of %u\n", wrong, 60 * PEERS);
	assert_true(wrong * 20 < 60 * PEERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_and_its_answer_bind_strongly),
		cmocka_unit_test(a_small_buffer_takes_a_record_in_pieces),
		cmocka_unit_test(records_of_several_calls_in_one_send_are_each_their_own),
		cmocka_unit_test(a_slow_answer_is_told_as_weak_until_it_comes),
		cmocka_unit_test(what_was_weak_at_the_end_joins_as_weak),
		cmocka_unit_test(a_close_that_overtakes_the_plaintext_waits_for_it),
		cmocka_unit_test(a_session_that_no_connection_fits_is_told_as_unbound),
		cmocka_unit_test(an_exact_binding_that_comes_later_takes_all_along),
		cmocka_unit_test(an_exact_binding_takes_the_place_of_a_wrong_guess),
		cmocka_unit_test(equal_sizes_at_once_are_told_apart_by_the_next),
		cmocka_unit_test(equal_sizes_that_stay_equal_are_weak_and_balance),
		cmocka_unit_test(an_object_freed_and_used_again_is_another_session),
		cmocka_unit_test(an_object_used_again_whose_end_nobody_saw_is_another_session),
		cmocka_unit_test(a_session_cleared_or_in_a_fork_goes_on_with_its_connection),
		cmocka_unit_test(what_nobody_decrypts_stays_opaque),
		cmocka_unit_test(a_connection_older_than_weir_joins_from_where_it_was_seen),
		cmocka_unit_test(many_sessions_of_event_loops_each_find_their_own),
		cmocka_unit_test(many_sessions_of_threads_with_all_sizes_each_find_their_own),
		cmocka_unit_test(many_sessions_of_threads_with_few_sizes_mostly_find_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
