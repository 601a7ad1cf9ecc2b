/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks in any order, of any layer, repeated, overlapping, absurd, under tight caps. Of a
 * plain connection every delivered byte must be the one that was sent at its place, and what
 * moved must be what was told: bytes and gaps. */
#include "stream/stream.h"
#include "tests/fuzz/fuzz.h"

#define CONNECTIONS 4

struct session { struct world *world; struct byte_account *acct; uint64_t pos[2], gaps[2]; bool plain, ended; };
/* roomy: nothing is evicted or idle too long, so that a session begins at the first byte. */
struct world { unsigned open; bool roomy; };

static uint8_t content(uint64_t pos)
{
	return (uint8_t)(pos * 31 + (pos >> 8) * 7 + 3);
}

static void *on_open(void *owner, const struct conn_facts *conn, struct byte_account acct[2])
{
	struct session *s = calloc(1, sizeof(*s));
	struct world *w = owner;

	w->open++;
	*s = (struct session){ .world = w, .acct = acct, .plain = w->roomy && conn->id <= 2 };
	return s;
}

static void on_update(void *session, const struct conn_facts *conn)
{
	MUST(conn->id && conn->tls <= TLS_PRESENT);
}

static void *on_adopt(void *to, void *from)
{
	struct session *s = from, *old = to;

	MUST(!s->ended && !old->ended && !old->plain && !old->pos[0] && !old->pos[1]);
	s->acct = old->acct;
	s->plain = false;
	s->world->open--;
	free(old);
	return s;
}

static void on_bytes(void *session, enum dir dir, struct slice in, struct stamp at)
{
	struct session *s = session;

	MUST(in.len && dir <= DIR_SENT && !s->ended);
	for (size_t i = 0; s->plain && i < in.len; i++)
		MUST(in.ptr[i] == content(s->pos[dir] + i));
	s->pos[dir] += in.len;
	s->acct[dir].examined += (int64_t)in.len;
}

static void on_gap(void *session, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct session *s = session;

	MUST(lost && cause > LOSS_NONE && cause < LOSS_MAX && !s->ended);
	s->pos[dir] += lost;
	s->gaps[dir] += lost;
}

static void on_hello(void *session, enum dir dir, uint64_t pos, struct slice in)
{
	MUST(!in.len || in.ptr);
}

static void on_end(void *session, struct stamp at)
{
	struct session *s = session;

	MUST(!s->ended);
	s->ended = true;
}

static void on_flush(void *session, struct stamp at, bool closed, const char *reason)
{
	struct session *s = session;

	if (!s->plain)
		return;
	for (unsigned d = 0; d < 2; d++) {
		const struct byte_account *a = &s->acct[d];

		MUST(a->moved == (int64_t)s->pos[d]);
		MUST(a->lost == (int64_t)s->gaps[d] && !a->framing && !a->opaque);
		MUST(!byte_account_unexplained(a));
	}
}

static void on_close(void *session, struct stamp at)
{
	struct session *s = session;

	s->world->open--;
	free(s);
}

/* Connections 1 and 2 are plain and tell the truth; the others are of any layer and lie. */
static void push(struct stream_table *t, struct input *in, uint64_t time)
{
	uint8_t bytes[256];
	unsigned op = (unsigned)input_number(in, 1);
	struct chunk c = { .conn = { .id = 1 + op % CONNECTIONS }, .at = { time, 1 }, .dir = (enum dir)(op >> 2 & 1) };
	size_t len = input_number(in, 1);

	c.pos = input_number(in, 2) % 4096;
	c.layer = LAYER_SOCKET;
	c.skipped = op & 8 ? input_number(in, 1) : 0;
	c.cause = c.skipped ? LOSS_TRUNCATED : LOSS_NONE;
	if (c.conn.id > 2) {
		c.layer = (enum layer)(1 + (op >> 4) % 4);
		c.conn.late = op >> 6 & 1;
		c.conn.id |= op >> 7 ? (uint64_t)1 << 63 : 0;
		c.session = op >> 3 & 3;
		c.generation = op >> 5 & 1;
		c.conn.binding = op >> 6 & 1 ? BINDING_EXACT : BINDING_NONE;
		c.moved = input_number(in, 2);
		c.probed = len & 1;
		c.pos = op & 8 ? input_number(in, 8) >> 2 : c.pos;
		len -= c.layer == LAYER_CIPHER ? len % sizeof(struct record_header) : 0;
	}
	for (size_t i = 0; i < len; i++)
		bytes[i] = c.conn.id > 2 ? (uint8_t)input_number(in, 1) : content(c.pos + i);
	/* Bytes of a range that another record skips are told by nobody: see reassemble.c. */
	if (c.conn.id <= 2)
		c.skipped = 0;
	c.bytes = slice_of(bytes, len);
	(void)stream_push(t, &c);
	memset(bytes, 0xdd, sizeof(bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct stream_limits roomy = { 8, 700, 1500, 1000, UINT64_MAX, 0 }, tight = { 3, 200, 400, 1000, 3000, 300 };
	struct world w = { .roomy = len & 1 };
	const struct stream_limits limits = w.roomy ? roomy : tight;
	const struct stream_sink sink = {
		.owner = &w, .open = on_open, .update = on_update, .bytes = on_bytes, .gap = on_gap, .hello = on_hello,
		.end = on_end, .adopt = on_adopt, .flush = on_flush, .close = on_close,
	};
	struct stream_table *t = stream_table_new(&limits, &sink);
	struct input in = { bytes, len };
	struct stream_stats stats;
	uint64_t time = 1;

	while (in.len) {
		unsigned what = (unsigned)input_number(&in, 1);

		time += what & 15;
		if (what < 200) {
			push(t, &in, time);
		} else if (what < 220) {
			stream_tick(t, (struct stamp){ time += 40 * what, 1 });
		} else if (what < 230) {
			stream_interval(t, (struct stamp){ time, 1 });
		} else {
			uint64_t a = input_number(&in, 2), b = input_number(&in, 2);

			stream_close(t, 1 + what % CONNECTIONS, a, b, a, b, (struct stamp){ time, 1 });
		}
		stream_stats(t, &stats);
		MUST(stats.connections <= limits.connections && stats.held <= limits.total);
	}
	if (time & 1)
		stream_last(t, (struct stamp){ time, 1 });
	stream_table_free(t);
	MUST(!w.open);
	return 0;
}
