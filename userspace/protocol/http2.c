/* SPDX-License-Identifier: Apache-2.0 */
/* http2.c - HTTP/2 (RFC 9113), tolerant: joins late and survives gaps, in the frames (looks for
 * the next that could be one) and in the headers (http2_hpack.h). An exchange is a stream. Of a
 * stream whose head was not seen the body is read all the same.
 *
 * As long as a direction was seen from its beginning, what the protocol forbids ends it, as it
 * ends the connection at its peer; after a gap it may be our own mistake. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/http2_frame.h"
#include "protocol/http2_hpack.h"
#include "protocol/http2_stream.h"
#include "protocol/websocket.h"

#define CONTINUATIONS	64	/* frames of one header block */
#define LOOK_INSIDE	4096	/* bytes of a message that tell it */

enum phase { PHASE_START, PHASE_FRAME, PHASE_DATA, PHASE_PASS, PHASE_RESYNC };

/* The header block being read. */
struct block {
	uint32_t stream;	/* whose it is; 0: there is none */
	bool end_stream, promise;
	bool informational;	/* 1xx: the answer is still to come */
	bool limited;		/* some of it did not become fields */
	unsigned frames, fields;
	size_t wire, bytes;	/* of its frames, of what they carry of it */
	size_t unfolded;	/* bytes of names and values */
	bool websocket;		/* ":protocol" */
	char extensions[128];	/* that the answer has agreed on */
	size_t extensions_len;
	char method[24];
	size_t method_len;
	struct buf path;
};

struct side {
	enum phase phase;
	bool sure;		/* nothing is missing, so what cannot be is the peer's mistake */
	struct frame frame;	/* whose payload is being read */
	uint32_t left, padding;
	struct hpack hpack;
	struct block block;
};

struct state {
	const struct conn_facts *conn;
	struct session *session;
	struct streams streams;
	struct side sides[2];
	bool asks_known;
	bool proven;		/* headers made sense, so this is HTTP/2 */
};

static int guess(struct slice head, enum dir dir)
{
	int begins = preface_begins(head);

	if (begins)
		return begins > 0 ? 100 : -EAGAIN;
	begins = frames_begin(head);
	if (begins >= 0)
		return begins ? 70 : 0;
	/* A server speaks first, and says its settings: that is enough to know it. */
	if (head.len < FRAME_HEAD || head.ptr[3] != FRAME_SETTINGS)
		return -EAGAIN;
	return 70;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	return frames_seek(in, at);
}

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->conn = conn;
	s->session = session;
	streams_init(&s->streams, sink, session);
	for (int d = 0; d < 2; d++)
		buf_init(&s->sides[d].block.path, PROTOCOL_HEAD_MAX);
}

/* Headers. */

struct block_reader { struct state *s; struct side *side; enum dir dir; struct stamp at; struct stream *stream; };

static void learn_asks(struct state *s, enum dir asks)
{
	s->streams.asks = asks;
	s->asks_known = true;
}

/* Says which direction is whose, where the preface was not seen. */
static void look_at_first(struct state *s, enum dir dir, struct slice name)
{
	if (s->asks_known)
		return;
	if (name.len && name.ptr[0] == ':')
		learn_asks(s, name.len == 7 && !memcmp(name.ptr, ":status", 7) ? (enum dir)!dir : dir);
	else if (s->conn->role)
		learn_asks(s, s->conn->role == ROLE_SERVER ? DIR_RECEIVED : DIR_SENT);
	else if (!s->streams.open)
		s->streams.asks = dir;	/* who speaks first asks, until somebody says */
}

static void take_status(struct block_reader *r, struct slice value)
{
	struct stream *st = r->stream;
	struct exchange *ex = st->ex;
	uint64_t us = r->at.time > st->request_end ? (r->at.time - st->request_end) / 1000 : 0;
	uint16_t status = 0;

	for (size_t i = 0; i < value.len && i < 3 && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++)
		status = (uint16_t)(status * 10 + value.ptr[i] - '0');
	r->side->block.informational = status / 100 == 1;
	if (r->side->block.informational)
		return;
	ex->status = status;
	if (!ex->conn.role)
		ex->conn.role = r->dir == DIR_SENT ? ROLE_SERVER : ROLE_CLIENT;
	if (st->request_end)
		ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void take_pseudo(struct block_reader *r, const struct http_message *m, struct slice name, struct slice value)
{
	struct block *b = &r->side->block;

	r->s->proven = true;
	if (m->response && is_fold(name, ":status")) {
		take_status(r, value);
	} else if (m->response) {
		return;
	} else if (is_fold(name, ":method")) {
		b->method_len = value.len < sizeof(b->method) ? value.len : sizeof(b->method);
		if (b->method_len)
			memcpy(b->method, value.ptr, b->method_len);
	} else if (is_fold(name, ":path")) {
		buf_reset(&b->path);
		buf_add(&b->path, value.ptr, value.len);
	} else if (is_fold(name, ":protocol")) {
		b->websocket = websocket_is(value);
	} else if (is_fold(name, ":authority")) {
		http_host(m, value);
	}
}

/* A promise is a request in the direction of responses, of the stream that it names. */
static struct http_message block_message(struct block_reader *r)
{
	struct http_message m = stream_message(&r->s->streams, r->stream, r->dir);

	if (r->side->block.promise) {
		m.body = &r->stream->halves[!r->dir].body;
		m.response = false;
	}
	return m;
}

static void take_field(void *owner, struct slice name, struct slice value)
{
	struct block_reader *r = owner;
	struct block *b = &r->side->block;
	struct http_message m;

	look_at_first(r->s, r->dir, name);
	if (!r->stream)
		r->stream = stream_of(&r->s->streams, b->stream, r->dir, r->at);
	b->unfolded += name.len + value.len;
	if (!r->stream)
		return;
	m = block_message(r);
	if (m.response && r->stream->upgrades && is_fold(name, "sec-websocket-extensions") && value.len <= sizeof(b->extensions))
		memcpy(b->extensions, value.ptr, b->extensions_len = value.len);
	if (name.len && name.ptr[0] == ':')
		take_pseudo(r, &m, name, value);
	else if (b->fields == HTTP_HEADERS_MAX || b->unfolded > PROTOCOL_HEAD_MAX)
		b->limited = true;
	else if (!b->informational && (name.len || value.len)) {
		b->fields++;
		http_header(&m, name, name.len, value);
	}
}

static void block_begin(struct side *side, uint32_t stream, bool end_stream, bool promise)
{
	struct buf path = side->block.path;

	side->block = (struct block){ .stream = stream, .end_stream = end_stream, .promise = promise, .path = path };
}

static void block_drop(struct side *side)
{
	side->block.stream = 0;
	buf_free(&side->block.path);
}

/* What the request line of HTTP/1 says. */
static void take_request(struct block_reader *r, const struct http_message *m)
{
	struct block *b = &r->side->block;
	struct half *h = &r->stream->halves[r->s->streams.asks];

	if (h->begun)
		return;	/* trailers */
	h->begun = true;
	http_request(m, slice_of(b->method, b->method_len), slice_of(b->path.ptr, b->path.len));
	if (m->ex->conn.role && b->promise)
		m->ex->conn.role = r->dir == DIR_SENT ? ROLE_SERVER : ROLE_CLIENT;
	http_target(m, b->path.ptr, b->path.len);
	r->stream->tunnel = b->method_len == 7 && !memcmp(b->method, "CONNECT", 7);
	r->stream->upgrades = r->stream->tunnel && b->websocket;	/* RFC 8441 */
}

/* The answer to a CONNECT: what is refused has a body as any other. */
static void take_tunnel(struct block_reader *r, bool ends)
{
	struct block *b = &r->side->block;
	struct stream *st = r->stream;

	st->tunnel = st->ex->status < 300;
	if (st->tunnel && st->upgrades && !st->opened && !ends)
		stream_upgrade(&r->s->streams, st, slice_of((const uint8_t *)b->extensions, b->extensions_len), r->at);
}

static void block_done(struct block_reader *r, bool whole)
{
	struct state *s = r->s;
	struct block *b = &r->side->block;
	struct stream *st = r->stream ? r->stream : stream_of(&s->streams, b->stream, r->dir, r->at);
	bool end_stream = b->end_stream;

	r->stream = st;
	if (st) {
		struct http_message m = block_message(r);

		stream_count(&s->streams, st, b->promise ? s->streams.asks : r->dir, b->wire);
		if (m.response)
			st->halves[r->dir].begun |= !b->informational;
		else
			take_request(r, &m);
		if (!whole || b->limited)
			st->ex->inspected = st->ex->inspected > INSPECTED_PARTIAL ? st->ex->inspected : INSPECTED_PARTIAL;
		if (b->promise)
			half_end(&s->streams, st, s->streams.asks);
		if (m.response && st->tunnel && !b->informational)
			take_tunnel(r, end_stream);
	}
	block_drop(r->side);
	if (st && end_stream)
		half_done(&s->streams, st, r->dir, r->at);
}

/* Blocks that nobody can read are short, and each makes the table anew. */
static bool affords(struct state *s, const struct side *side)
{
	const struct field_sink *sink = s->streams.sink;

	return side->hpack.inflater || !side->hpack.unsure || !sink->afford || sink->afford(sink->owner, HPACK_FORGET);
}

/* The part of a header block that a frame has. false: hostile. */
static bool block_take(struct state *s, struct side *side, enum dir dir, struct slice in, bool last, struct stamp at)
{
	struct block *b = &side->block;
	struct block_reader r = { s, side, dir, at, stream_find(&s->streams, b->stream) };

	b->wire += FRAME_HEAD + side->frame.len;
	b->bytes += in.len;
	if (b->bytes > PROTOCOL_HEAD_MAX || ++b->frames > CONTINUATIONS) {
		hpack_miss(&side->hpack);
		block_done(&r, false);
		return false;
	}
	if (!affords(s, side) || !hpack_take(&side->hpack, in, last, take_field, &r)) {
		s->streams.incomplete |= !side->sure;
		block_done(&r, false);
		b->stream = 0;
	} else if (last) {
		block_done(&r, true);
	}
	return true;
}

/* Frames. */

/* What is left of a payload when padding and, where it has one, a priority are taken off. */
static bool unpad(const struct frame *f, struct slice *in, size_t before)
{
	size_t pad = 0;

	if (f->flags & FLAG_PADDED) {
		if (!in->len)
			return false;
		pad = in->ptr[0];
		*in = slice_of(in->ptr + 1, in->len - 1);
	}
	if (pad > in->len || before > in->len - pad)
		return false;
	*in = slice_of(in->ptr + before, in->len - pad - before);
	return true;
}

static bool take_headers(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	const struct frame *f = &side->frame;

	if (!unpad(f, &in, f->flags & FLAG_PRIORITY ? 5 : 0))
		return false;
	block_begin(side, f->stream, f->flags & FLAG_END_STREAM, false);
	return block_take(s, side, dir, in, f->flags & FLAG_END_HEADERS, at);
}

static bool take_promise(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	const struct frame *f = &side->frame;
	uint32_t promised;

	if (!unpad(f, &in, 0) || in.len < 4)
		return false;
	promised = (uint32_t)(in.ptr[0] & 0x7f) << 24 | (uint32_t)in.ptr[1] << 16 | (uint32_t)in.ptr[2] << 8 | in.ptr[3];
	if (!promised || promised & 1)
		return false;
	if (!s->asks_known)
		learn_asks(s, (enum dir)!dir);
	block_begin(side, promised, false, true);
	return block_take(s, side, dir, slice_of(in.ptr + 4, in.len - 4), f->flags & FLAG_END_HEADERS, at);
}

/* One whole frame that is no DATA. false: the protocol forbids it. */
static bool take_frame(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	const struct frame *f = &side->frame;
	struct stream *st;

	switch (f->type) {
	case FRAME_HEADERS:
		return take_headers(s, side, dir, in, at);
	case FRAME_PUSH_PROMISE:
		return take_promise(s, side, dir, in, at);
	case FRAME_CONTINUATION:
		if (side->block.stream)
			return block_take(s, side, dir, in, f->flags & FLAG_END_HEADERS, at);
		hpack_miss(&side->hpack);	/* of a block whose beginning nobody saw */
		return !side->sure;
	case FRAME_RST_STREAM:
		st = stream_find(&s->streams, f->stream);
		if (st)
			stream_reset(&s->streams, st, dir, at);
		return true;
	default:
		return true;	/* settings, pings, windows: nothing of the messages */
	}
}

/* Bytes that are no frame: the peer's mistake, or ours. */
static struct feed_result lost(struct state *s, struct side *side)
{
	if (side->sure || !s->proven)
		return (struct feed_result){ FEED_BAD, 0, 0 };
	block_drop(side);
	hpack_miss(&side->hpack);
	side->phase = PHASE_RESYNC;
	return (struct feed_result){ FEED_OK, 1, 1 };
}

static void data_done(struct state *s, struct side *side, enum dir dir, struct stamp at)
{
	struct stream *st = stream_find(&s->streams, side->frame.stream);

	side->phase = PHASE_FRAME;
	if (st && side->frame.flags & FLAG_END_STREAM)
		half_done(&s->streams, st, dir, at);
}

/* The head of a DATA frame, and the length of its padding. */
static struct feed_result data_begin(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	const struct frame *f = &side->frame;
	bool padded = f->flags & FLAG_PADDED;
	size_t head = FRAME_HEAD + padded;
	struct stream *st;

	if (padded && !f->len)
		return lost(s, side);
	if (in.len < head)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	side->padding = padded ? in.ptr[FRAME_HEAD] : 0;
	side->left = f->len - padded;
	if (side->padding > side->left)
		return lost(s, side);
	side->left -= side->padding;
	session_count(s->session, FATE_EXAMINED, head);
	look_at_first(s, dir, (struct slice){ 0 });
	st = stream_of(&s->streams, f->stream, dir, at);
	if (st) {
		stream_count(&s->streams, st, dir, head);
		st->halves[dir].body.grpc.at_frame = true;
	}
	side->phase = PHASE_DATA;
	if (!side->left && !side->padding)
		data_done(s, side, dir, at);
	return (struct feed_result){ FEED_OK, head, 0 };
}

/* Is there enough of a DATA frame to say whether a WebSocket goes on in it, of a stream that nobody saw begin? */
static bool look_inside(struct state *s, const struct side *side, enum dir dir, struct stream *st, struct slice in)
{
	size_t look = side->left < LOOK_INSIDE ? side->left : LOOK_INSIDE;
	bool first = side->left + side->padding + !!(side->frame.flags & FLAG_PADDED) == side->frame.len;

	if (!first || st->halves[0].begun || st->halves[1].begun || st->opened || st->halves[dir].body.held.len)
		return true;
	if ((in.ptr[0] & 0xbc) != 0x80 || !(in.ptr[0] & 3))	/* the first of what would be a message */
		return true;
	if (in.len >= look && websocket_looks(in))
		stream_join(&s->streams, st);
	return in.len >= look;
}

static struct feed_result feed_data(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	struct stream *st = stream_find(&s->streams, side->frame.stream);
	uint32_t *left = side->left ? &side->left : &side->padding;
	size_t n = in.len < *left ? in.len : *left;
	bool open = st && !st->halves[dir].done, read = open && !st->tunnel;
	size_t looked_at = n;

	if (read && side->left && !look_inside(s, side, dir, st, slice_of(in.ptr, n)))
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (open && st->opened && side->left) {
		tunnel_take(st->opened, dir, slice_of(in.ptr, n), at);
	} else {
		if (read && side->left)
			looked_at = stream_body(&s->streams, st, dir, slice_of(in.ptr, n));
		session_count(s->session, read || !side->left ? FATE_EXAMINED : FATE_OPAQUE, looked_at);
		session_count(s->session, FATE_UNWANTED, n - looked_at);
	}
	if (st)
		stream_count(&s->streams, st, dir, n);
	*left -= (uint32_t)n;
	if (!side->left && !side->padding)
		data_done(s, side, dir, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed_frame(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	struct frame *f = &side->frame;
	bool ok;

	if (in.len < FRAME_HEAD)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	*f = frame_read(in.ptr);
	if (!frame_valid(f))
		return lost(s, side);
	if (side->block.stream && (f->type != FRAME_CONTINUATION || (f->stream != side->block.stream && !side->block.promise)))
		return lost(s, side);	/* RFC 9113, 6.10: nothing may come between */
	if (f->type == FRAME_DATA)
		return data_begin(s, side, dir, in, at);
	if (f->len > PROTOCOL_HEAD_MAX) {
		if (f->type < FRAME_TYPES)
			return lost(s, side);
		side->left = f->len;
		side->phase = PHASE_PASS;
		return (struct feed_result){ FEED_OK, FRAME_HEAD, 0 };
	}
	if (in.len - FRAME_HEAD < f->len)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	session_count(s->session, FATE_EXAMINED, FRAME_HEAD + f->len);
	ok = take_frame(s, side, dir, slice_of(in.ptr + FRAME_HEAD, f->len), at);
	if (!ok && !side->sure && s->proven)
		side->phase = PHASE_RESYNC;
	return (struct feed_result){ ok || side->phase == PHASE_RESYNC ? FEED_OK : FEED_BAD, FRAME_HEAD + f->len, 0 };
}

/* The preface, or the first frame: settings, unless the connection is older than weir. */
static struct feed_result feed_start(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	int preface = preface_begins(in);
	struct frame f;

	if (preface < 0 || (!preface && in.len < FRAME_HEAD))
		return (struct feed_result){ FEED_MORE, 0, 0 };
	side->phase = PHASE_FRAME;
	if (preface) {
		side->sure = true;
		learn_asks(s, dir);
		return (struct feed_result){ FEED_OK, PREFACE_SIZE, 0 };
	}
	f = frame_read(in.ptr);
	side->sure = f.type == FRAME_SETTINGS && !(f.flags & 1) && frame_valid(&f);
	if (side->sure)
		return feed_frame(s, side, dir, in, at);
	s->streams.incomplete = true;
	hpack_miss(&side->hpack);
	side->phase = PHASE_RESYNC;
	return (struct feed_result){ FEED_OK, 0, 0 };
}

static struct feed_result feed_resync(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t skip;
	bool found = frames_seek(in, &skip);

	if (found)
		side->phase = PHASE_FRAME;
	/* Found where it stands: a step that consumes nothing would end the feed. */
	if (found && !skip)
		return feed_frame(s, side, dir, in, at);
	return (struct feed_result){ found || skip == in.len ? FEED_OK : FEED_MORE, skip, skip };
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];
	size_t n;

	if (side->phase == PHASE_START) {
		struct feed_result r = feed_start(s, side, dir, in, at);

		if (side->phase != PHASE_RESYNC || r.consumed)
			return r;
	}
	switch (side->phase) {
	case PHASE_START:
	case PHASE_FRAME:
		return feed_frame(s, side, dir, in, at);
	case PHASE_DATA:
		return feed_data(s, side, dir, in, at);
	case PHASE_PASS:
		n = in.len < side->left ? in.len : side->left;
		side->left -= (uint32_t)n;
		side->phase = side->left ? PHASE_PASS : PHASE_FRAME;
		return (struct feed_result){ FEED_OK, n, n };
	case PHASE_RESYNC:
		return feed_resync(s, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

/* Bytes inside the payload of one frame: only that is not whole. */
static bool gap_inside(struct state *s, struct side *side, enum dir dir, uint64_t missing, struct stamp at)
{
	struct stream *st = stream_find(&s->streams, side->frame.stream);
	uint32_t data;

	if ((side->phase != PHASE_DATA && side->phase != PHASE_PASS) || missing > (uint64_t)side->left + side->padding)
		return false;
	if (side->phase == PHASE_PASS) {
		side->left -= (uint32_t)missing;
		side->phase = side->left ? PHASE_PASS : PHASE_FRAME;
		return true;
	}
	data = missing < side->left ? (uint32_t)missing : side->left;
	side->left -= data;
	side->padding -= (uint32_t)missing - data;
	if (st) {
		if (data)
			stream_gap(&s->streams, st, dir, data, at);
		stream_count(&s->streams, st, dir, missing);
	}
	if (!side->left && !side->padding)
		data_done(s, side, dir, at);
	return true;
}

static int gap(void *state, enum dir dir, uint64_t missing, enum loss cause, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];

	if (missing && gap_inside(s, side, dir, missing, at))
		return 0;
	if (missing)
		streams_gap(&s->streams, dir, at);
	block_drop(side);
	hpack_miss(&side->hpack);
	side->sure = false;
	side->phase = PHASE_RESYNC;
	s->streams.incomplete = true;
	return 0;
}

/* An upgrade from HTTP/1: the request that asked for it is stream 1 (RFC 7540, 3.2). */
static bool adopt(void *state, struct exchange *ex, enum dir asks, struct slice terms)
{
	struct state *s = state;
	struct stream *st = stream_new(&s->streams, 1, ex, (struct stamp){ ex->began, 0 });

	learn_asks(s, asks);
	if (st)
		st->halves[asks].begun = st->halves[asks].done = true;
	return true;
}

static void interval(void *state, struct stamp at)
{
	struct state *s = state;

	streams_interval(&s->streams, at);
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	streams_end(&s->streams, at);
}

static void fini(void *state)
{
	struct state *s = state;

	streams_free(&s->streams);
	for (int d = 0; d < 2; d++) {
		block_drop(&s->sides[d]);
		hpack_free(&s->sides[d].hpack);
	}
}

const struct protocol protocol_http2 = {
	.name = "http2", .summary = "HTTP/2, a stream is an exchange", .state_size = sizeof(struct state), .upgrade = "h2c",
	.guess = guess, .seek = seek, .init = init, .feed = feed, .gap = gap, .adopt = adopt, .interval = interval, .eof = eof, .fini = fini,
};
