/* SPDX-License-Identifier: Apache-2.0 */
/* stream_world.h - what the tests of stream/ share: a sink that plays protocol/. It
 * examines all it is told and takes the account at each flush, so that what a session
 * was told and what was accounted are compared at every close. */
#ifndef STREAM_WORLD_H
#define STREAM_WORLD_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "bpf/wire.h"
#include "stream/stream.h"

#define GAP (-1)
#define TOLD_MAX 400000
#define SESSIONS_MAX 512
#define REORDER 200000000ull

struct told { int16_t *v; size_t len; };	/* a byte or GAP per position */

struct session {
	struct world *world;
	struct conn_facts conn;
	struct byte_account *acct, taken[2];	/* by enum dir */
	struct told told[2];
	enum loss cause[2];	/* of the last gap */
	unsigned gaps[2], updates, flushes;
	uint32_t epoch;		/* of the last bytes or gap */
	bool closed, said_closed, gone;	/* gone: another went on as this one */
	unsigned adopted;
	char reason[32];
};

struct world {
	struct stream_table *table;
	struct session *sessions[SESSIONS_MAX];
	unsigned nr, closes;
	bool refuse;
	struct byte_account by[2];	/* of all flushes, by enum dir */
	struct byte_account sum;	/* of both */
	int64_t why[LOSS_MAX];	/* of sum */
};

static inline void told_add(struct told *t, const uint8_t *bytes, size_t n)
{
	assert_true(n <= TOLD_MAX - t->len);
	t->v = realloc(t->v, (t->len + n + 1) * sizeof(*t->v));
	assert_non_null(t->v);
	for (size_t i = 0; i < n; i++)
		t->v[t->len++] = bytes ? bytes[i] : GAP;
}

static inline void *on_open(void *owner, const struct conn_facts *conn, struct byte_account acct[2])
{
	struct world *w = owner;
	struct session *s;

	if (w->refuse)
		return NULL;
	assert_true(w->nr < SESSIONS_MAX);
	s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->world = w;
	s->conn = *conn;
	s->acct = acct;
	w->sessions[w->nr++] = s;
	return s;
}

static inline void on_update(void *session, const struct conn_facts *conn)
{
	struct session *s = session;

	assert_false(s->closed);
	s->conn = *conn;
	s->updates++;
}

static inline void on_bytes(void *session, enum dir dir, struct slice in, struct stamp at)
{
	struct session *s = session;

	assert_false(s->closed);
	assert_true(in.len > 0);
	told_add(&s->told[dir], in.ptr, in.len);
	s->acct[dir].examined += (int64_t)in.len;
	s->epoch = at.epoch;
}

static inline void on_gap(void *session, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct session *s = session;

	assert_false(s->closed);
	assert_true(lost > 0);
	assert_true(cause > LOSS_NONE && cause < LOSS_MAX);
	told_add(&s->told[dir], NULL, lost);
	s->cause[dir] = cause;
	s->gaps[dir]++;
	s->epoch = at.epoch;
}

static inline void sums_take(struct byte_account *from, const struct byte_account *what)
{
	from->moved -= what->moved;
	from->examined -= what->examined;
	from->opaque -= what->opaque;
	from->skipped -= what->skipped;
	from->lost -= what->lost;
	from->framing -= what->framing;
}

static inline void on_flush(void *session, struct stamp at, bool closed, const char *reason)
{
	struct session *s = session;

	assert_false(s->closed);
	for (unsigned d = 0; d < 2; d++) {
		struct byte_account delta = s->acct[d];

		sums_take(&delta, &s->taken[d]);
		byte_account_add(&s->world->by[d], &delta);
		memset(s->acct[d].why, 0, sizeof(s->acct[d].why));
		s->taken[d] = s->acct[d];
	}
	s->world->sum = byte_accounts_sum(s->world->by);
	memcpy(s->world->why, s->world->sum.why, sizeof(s->world->why));
	s->flushes++;
	s->said_closed |= closed;
	stream_told(s->world->table, false);
	snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "");
}

static inline void *on_adopt(void *to, void *from)
{
	struct session *s = from, *old = to;

	assert_false(s->closed || old->closed);
	assert_int_equal(old->told[0].len + old->told[1].len, 0);
	s->conn = old->conn;
	s->acct = old->acct;
	byte_accounts_add(s->taken, old->taken);
	s->adopted++;
	old->closed = old->gone = true;
	return s;
}

static inline void on_close(void *session, struct stamp at)
{
	struct session *s = session;

	assert_false(s->closed);
	/* Nothing may be left in the account that no flush has carried. */
	assert_memory_equal(s->acct, s->taken, sizeof(s->taken));
	s->closed = true;
	s->acct = NULL;
	s->world->closes++;
}

static inline struct world *world_new(const struct stream_limits *limits)
{
	struct world *w = calloc(1, sizeof(*w));
	struct stream_sink sink = {
		.owner = w, .open = on_open, .update = on_update, .adopt = on_adopt, .bytes = on_bytes, .gap = on_gap, .flush = on_flush, .close = on_close,
	};
	struct stream_limits l = STREAM_LIMITS_DEFAULT;

	assert_non_null(w);
	w->table = stream_table_new(limits ? limits : &l, &sink);
	assert_non_null(w->table);
	return w;
}

static inline void world_free(struct world *w)
{
	stream_table_free(w->table);
	for (unsigned i = 0; i < w->nr; i++) {
		assert_true(w->sessions[i]->closed);
		free(w->sessions[i]->told[0].v);
		free(w->sessions[i]->told[1].v);
		free(w->sessions[i]);
	}
	free(w);
}

static inline struct stamp at_ms(uint64_t ms)
{
	return (struct stamp){ 1000000000ull + ms * 1000000ull, 7 };
}

static inline struct stream_stats stats_of(const struct world *w)
{
	struct stream_stats s;

	stream_stats(w->table, &s);
	return s;
}

/* Of an open session, of both directions. */
static inline struct byte_account acct_of(const struct session *s)
{
	return byte_accounts_sum(s->acct);
}

static inline int64_t unexplained(const struct byte_account *a)
{
	return a->moved - a->examined - a->opaque - a->skipped - a->lost - a->framing;
}

/* All that moved is accounted for, and all that was not examined has a name. */
static inline int64_t unnamed(const struct world *w)
{
	int64_t n = w->sum.opaque + w->sum.skipped + w->sum.lost;

	for (unsigned i = 1; i < LOSS_MAX; i++)
		n -= w->why[i];
	return n;
}

#define assert_balanced(w) \
	do { \
		assert_int_equal(unexplained(&(w)->by[0]), 0); \
		assert_int_equal(unexplained(&(w)->by[1]), 0); \
		assert_int_equal(unnamed(w), 0); \
	} while (0)

/* Expected as text: '~' is one missing byte. */
static inline void assert_told(const struct session *s, enum dir dir, const char *want)
{
	const struct told *t = &s->told[dir];
	char got[512];

	assert_true(t->len < sizeof(got));
	for (size_t i = 0; i < t->len; i++)
		got[i] = t->v[i] == GAP ? '~' : (char)t->v[i];
	got[t->len] = 0;
	assert_string_equal(got, want);
}

static inline struct chunk chunk_make(uint64_t conn, enum layer layer, enum dir dir, uint64_t pos, const void *bytes, size_t len)
{
	return (struct chunk){
		.conn = { .id = conn, .process = { 10, 20 }, .family = 2, .role = ROLE_SERVER,
			  .tls = layer == LAYER_SOCKET ? TLS_ABSENT : TLS_PRESENT },
		.at = at_ms(0), .layer = layer, .dir = dir, .pos = pos, .bytes = slice_of(bytes, len),
	};
}

/* Pushes text from a buffer that is poisoned at once: the table must have copied. */
static inline int push_at(struct world *w, uint64_t conn, enum layer layer, enum dir dir, uint64_t pos, const char *text, struct stamp at)
{
	size_t len = strlen(text);
	char *copy = malloc(len + 1);
	struct chunk ch;
	int err;

	memcpy(copy, text, len);
	ch = chunk_make(conn, layer, dir, pos, copy, len);
	ch.at = at;
	err = stream_push(w->table, &ch);
	memset(copy, '#', len);
	free(copy);
	return err;
}

static inline int push(struct world *w, uint64_t conn, enum dir dir, uint64_t pos, const char *text)
{
	return push_at(w, conn, LAYER_SOCKET, dir, pos, text, at_ms(0));
}

static inline void push_skipped(struct world *w, uint64_t pos, const char *text, uint64_t skipped, enum loss cause)
{
	struct chunk ch = chunk_make(1, LAYER_SOCKET, DIR_SENT, pos, text, strlen(text));

	ch.skipped = skipped;
	ch.cause = cause;
	assert_int_equal(stream_push(w->table, &ch), 0);
}

static inline void close_at(struct world *w, uint64_t conn, uint64_t sent, uint64_t received, struct stamp at)
{
	stream_close(w->table, conn, sent, received, sent, received, at);
}

/* ---- TLS ---- */

struct wire_step { uint8_t type; uint32_t body; };

static inline int push_cipher(struct world *w, uint64_t conn, enum dir dir, uint64_t pos, uint64_t moved, bool probed,
		       const struct wire_step *steps, size_t n)
{
	struct wire_header h[WIRE_HEADERS];
	struct chunk ch = chunk_make(conn, LAYER_CIPHER, dir, pos, h, n * sizeof(h[0]));

	assert_true(n <= WIRE_HEADERS);
	for (size_t i = 0; i < n; i++)
		h[i] = (struct wire_header){ steps[i].type, 3, 3, 0, steps[i].body };
	ch.moved = moved;
	ch.probed = probed;
	return stream_push(w->table, &ch);
}

/* A call that moves whole records; returns the position after them. */
static inline uint64_t records(struct world *w, enum dir dir, uint64_t pos, bool probed, const struct wire_step *steps, size_t n)
{
	uint64_t moved = 0;

	for (size_t i = 0; i < n; i++)
		moved += 5 + steps[i].body;
	assert_int_equal(push_cipher(w, 1, dir, pos, moved, probed, steps, n), 0);
	return pos + moved;
}

#define RECORDS(w, dir, pos, probed, ...) \
	records(w, dir, pos, probed, (const struct wire_step[]){ __VA_ARGS__ }, \
		sizeof((const struct wire_step[]){ __VA_ARGS__ }) / sizeof(struct wire_step))

static inline void plaintext(struct world *w, enum dir dir, uint64_t pos, size_t len)
{
	static const char zeros[32768];
	struct chunk ch = chunk_make(1, LAYER_TLS, dir, pos, zeros, len);

	ch.conn.binding = BINDING_EXACT;
	assert_int_equal(stream_push(w->table, &ch), 0);
}
#endif
