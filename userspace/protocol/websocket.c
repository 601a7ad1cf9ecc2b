/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/websocket.h"

#include <errno.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/content.h"
#include "protocol/http.h"

#define FIN		0x80
#define RSV1		0x40	/* of a message's first frame: it is deflated */
#define RSV_OTHERS	0x30
#define MASKED		0x80
#define CONTROL		0x08
#define CONTROL_MAX	125
#define PIECE		4096	/* unmasked at once */
#define WINDOW		32768
#define HEADS_SURE	4	/* so many in a row are no accident */
#define TEXT_SURE	32	/* so many characters of text are none either */
#define TEXT_ALONE	16	/* nor so many, of a whole message; of a shorter one they are, unless others follow it */
#define CONTENT_SURE	6	/* fewer bytes of a message say nothing */
#define SEEK_MAX	16384	/* a longer frame is not waited for */

enum opcode { OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE = 8, OP_PING, OP_PONG };

/* ---- heads ---- */

struct ws_head { bool fin, packed, masked; uint8_t opcode; uint64_t len; uint8_t mask[4]; size_t size; };

/* 1: a head, 0: too short to tell, -1: none can begin so. */
static int head_read(struct slice in, struct ws_head *h)
{
	size_t wide, at = 2;
	uint8_t first;

	if (!in.len)
		return 0;
	first = in.ptr[0];
	*h = (struct ws_head){ .fin = first & FIN, .packed = first & RSV1, .opcode = first & 15 };
	if (first & RSV_OTHERS || (h->opcode > OP_BINARY && h->opcode < OP_CLOSE) || h->opcode > OP_PONG)
		return -1;
	if ((h->packed && h->opcode != OP_TEXT && h->opcode != OP_BINARY) || (h->opcode & CONTROL && !h->fin))
		return -1;
	if (in.len < 2)
		return 0;
	h->masked = in.ptr[1] & MASKED;
	h->len = in.ptr[1] & 127;
	if (h->opcode & CONTROL && h->len > CONTROL_MAX)
		return -1;
	wide = h->len == 126 ? 2 : h->len == 127 ? 8 : 0;
	h->size = 2 + wide + (h->masked ? 4 : 0);
	if (in.len < h->size)
		return 0;
	for (h->len = wide ? 0 : h->len; at < 2 + wide; at++)
		h->len = h->len << 8 | in.ptr[at];
	if (h->len >> 63 || (wide == 2 && h->len < 126) || (wide == 8 && h->len >> 16 == 0))
		return -1;	/* RFC 6455, 5.2: the shortest form */
	if (h->masked)
		memcpy(h->mask, in.ptr + at, 4);
	return 1;
}

static void unmask(uint8_t *out, struct slice in, const uint8_t mask[4], unsigned at)
{
	for (size_t i = 0; i < in.len; i++)
		out[i] = in.ptr[i] ^ mask[(at + i) & 3];
}

/* ---- where the next frame begins, after a gap ---- */

/* Text as far as it goes: no controls, and what is not ASCII is UTF-8. */
static bool is_text(struct slice payload, const struct ws_head *h)
{
	unsigned more = 0;

	for (size_t i = 0; i < payload.len; i++) {
		uint8_t c = payload.ptr[i] ^ (h->masked ? h->mask[i & 3] : 0);

		if (more) {
			if (c >> 6 != 2)
				return false;
			more--;
		} else if (c >= 0x80) {
			more = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0 ? 1 : 9;
			if (more == 9)
				return false;
		} else if (c < 0x20 && c != '\t' && c != '\r' && c != '\n') {
			return false;
		}
	}
	return true;
}

/* A deflated payload, of whose window nothing is known. */
static bool inflates(struct slice payload, const struct ws_head *h)
{
	struct inflater *i = inflater_new(ENCODING_RAW);
	struct slice end = SLICE("\0\0\xff\xff");
	enum inflated r = INFLATED_MORE;

	if (!i)
		return false;
	inflater_blind(i);
	for (size_t at = 0, n; at < payload.len && r == INFLATED_MORE; at += n) {
		uint8_t plain[PIECE];
		struct slice piece = slice_of(plain, n = payload.len - at < PIECE ? payload.len - at : PIECE);

		unmask(plain, slice_of(payload.ptr + at, n), h->mask, (unsigned)at & 3);
		r = inflater_take(i, &piece, NULL);
		explicit_bzero(plain, n);
	}
	if (r == INFLATED_MORE)
		r = inflater_take(i, &end, NULL);
	inflater_free(i);
	return r == INFLATED_MORE || r == INFLATED_END;
}

enum belief { UNBELIEVED = -1, UNDECIDED, BELIEVED };

static enum belief by_sequence(struct slice in, bool masked, bool known);

/* A whole message by what it holds: text that is text, deflated bytes that inflate. To try that is dear:
 * it is done where a call begins, as frames mostly do; where nobody knows yet of a WebSocket, where it ends with it, or
 * others follow. */
static enum belief by_content(struct slice in, const struct ws_head *h, bool first, bool known)
{
	size_t seen = in.len - h->size < h->len ? in.len - h->size : (size_t)h->len, sure = seen < TEXT_SURE ? seen : TEXT_SURE;

	if (h->len < CONTENT_SURE)
		return UNBELIEVED;
	if (h->packed)
		return first && seen == h->len && (known || by_sequence(in, h->masked, true) == BELIEVED) &&
		       inflates(slice_of(in.ptr + h->size, seen), h) ? BELIEVED : UNBELIEVED;
	if (h->opcode != OP_TEXT || !is_text(slice_of(in.ptr + h->size, sure), h))
		return UNBELIEVED;
	if (seen >= TEXT_SURE || (seen == h->len && (known || seen >= TEXT_ALONE)))
		return BELIEVED;
	return seen == h->len ? by_sequence(in, h->masked, known) : UNDECIDED;
}

/* By what follows it: heads in a row, or, known of a WebSocket, the end of what was given, as calls mostly end where a
 * frame does. */
static enum belief by_sequence(struct slice in, bool masked, bool known)
{
	for (unsigned heads = 0; heads < HEADS_SURE; heads++) {
		struct ws_head h;
		int r = head_read(in, &h);

		if (r <= 0 || h.masked != masked)
			return r ? UNBELIEVED : UNDECIDED;
		if (h.len > in.len - h.size)
			return h.len < SEEK_MAX ? UNDECIDED : UNBELIEVED;
		in = slice_of(in.ptr + h.size + h.len, in.len - h.size - (size_t)h.len);
		if (!in.len)
			return (h.len && known) || heads ? BELIEVED : UNDECIDED;
	}
	return BELIEVED;
}

/* Does a message begin here that is whole in one frame? known: of a WebSocket, in which such are masked, or not. */
static enum belief believed(struct slice in, bool first, bool known, bool masked)
{
	struct ws_head h;
	enum belief belief;
	int r;

	/* Looked at first, so that of others' bytes few are waited for. */
	if (!(in.ptr[0] & FIN) || !(in.ptr[0] & 15) || (!known && in.ptr[0] & 12))
		return UNBELIEVED;
	r = head_read(in, &h);
	if (r <= 0 || (known && h.masked != masked))
		return r ? UNBELIEVED : UNDECIDED;
	/* What is cheap goes first: to inflate is tried once, not again with each byte that is waited for. */
	belief = known && (h.opcode != OP_TEXT || h.packed || h.len < CONTENT_SURE) ? by_sequence(in, masked, true) : UNBELIEVED;
	return belief == UNBELIEVED ? by_content(in, &h, first, known) : belief;
}

/* As protocol.seek. */
static bool frame_seek(struct slice in, bool known, bool masked, size_t *at)
{
	enum belief belief = UNBELIEVED;

	for (*at = 0; *at < in.len; ++*at) {
		belief = believed(slice_of(in.ptr + *at, in.len - *at), !*at, known, masked);
		if (belief != UNBELIEVED)
			break;
	}
	return belief == BELIEVED;
}

bool websocket_looks(struct slice in)
{
	return in.len && believed(in, true, false, false) == BELIEVED;
}

/* ---- messages ---- */

void websocket_init(struct websocket *w, const struct field_sink *sink, struct session *session, bool late)
{
	w->sink = sink;
	w->session = session;
	for (int d = 0; d < 2; d++) {
		buf_init(&w->sides[d].held, PROTOCOL_BODY_HELD);
		w->sides[d].sure = !late;
		w->sides[d].phase = late ? WEBSOCKET_RESYNC : WEBSOCKET_HEAD_NEXT;
		w->sides[d].unseen = late ? WINDOW : 0;
	}
}

void websocket_open(struct websocket *w, const struct exchange *ex, enum dir asks, struct slice extensions)
{
	static const char *const forgets[] = { "server_no_context_takeover", "client_no_context_takeover" };

	w->asks = asks;
	w->asks_known = true;
	w->auth = ex->auth;
	memcpy(w->route, ex->route, sizeof(w->route));
	memcpy(w->host, ex->host, sizeof(w->host));
	w->plain = !extensions.len;
	for (int d = 0; d < 2; d++) {
		struct websocket_side *side = &w->sides[d];

		side->sure = true;
		side->phase = WEBSOCKET_HEAD_NEXT;
		side->unseen = 0;
		side->forgets = extensions.len && memmem(extensions.ptr, extensions.len, forgets[d == (int)asks], strlen(forgets[0]));
	}
}

void websocket_count(struct websocket *w, enum fate fate, size_t nr)
{
	size_t before = nr < w->counted ? nr : w->counted;

	w->counted -= before;
	session_count(w->session, fate, nr - before);
}

static void hold(struct websocket_side *side, struct slice in)
{
	size_t room = side->held.max - side->held.len, n = in.len < room ? in.len : room, before = side->held.len;

	if (n < in.len || buf_add(&side->held, in.ptr, n))
		side->cut = true;
	if (side->masked && side->held.len > before)	/* where it is kept: no copy of it to wipe */
		unmask(side->held.ptr + before, slice_of(side->held.ptr + before, side->held.len - before), side->mask, side->mask_at);
}

static void unpack(struct websocket *w, struct websocket_side *side, struct slice in)
{
	size_t nr = in.len, made;
	uint64_t before;
	enum inflated r;

	if (side->unread)
		return;
	before = inflater_made(side->inflater);
	r = inflater_take(side->inflater, &in, side->cut ? NULL : &side->held);
	if (r == INFLATED_FULL) {
		side->cut = true;
		r = inflater_take(side->inflater, &in, NULL);
	}
	made = (size_t)(inflater_made(side->inflater) - before);
	side->unseen -= made < side->unseen ? made : side->unseen;
	if (!inflate_pay(w->sink, nr, made)) {
		inflate_counts.time += r != INFLATED_BAD;
		r = INFLATED_BAD;
	}
	if (r == INFLATED_BAD)
		side->unread = side->cut = true;
}

/* A deflated message begins: in the window of the one before, if that is known. */
static void unpack_begin(struct websocket *w, struct websocket_side *side)
{
	if (!inflate_begins(w->sink))
		side->unread = side->cut = true;
	else if (!side->inflater && !(side->inflater = inflater_new(ENCODING_RAW)))
		side->unread = side->cut = true;
	else if (side->unseen == WINDOW)
		inflater_blind(side->inflater);
	if (side->inflater)
		inflater_mark(side->inflater);
}

static void unpack_end(struct websocket *w, struct websocket_side *side)
{
	if (!side->gapped)
		unpack(w, side, SLICE("\0\0\xff\xff"));	/* RFC 7692, 7.2.2: what the sender has left out */
	if (side->forgets) {
		inflater_free(side->inflater);
		side->inflater = NULL;
	} else if (side->unread) {
		side->unseen = WINDOW;
	}
}

static struct exchange *exchange_new(struct websocket *w, enum dir dir, const char *method, uint64_t wire, uint64_t began)
{
	struct exchange *ex = protocol_exchange();

	if (!ex)
		return NULL;
	ex->began = began;
	ex->auth = w->auth;
	if (w->asks_known)
		ex->conn.role = w->asks == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;
	word_set(ex->protocol, "websocket");
	word_set(ex->method, method);
	memcpy(ex->route, w->route, sizeof(ex->route));
	memcpy(ex->host, w->host, sizeof(ex->host));
	*(dir == w->asks ? &ex->request_bytes : &ex->response_bytes) = wire;
	return ex;
}

static void message_emit(struct websocket *w, struct websocket_side *side, enum dir dir, struct slice content, struct stamp at)
{
	struct exchange *ex = exchange_new(w, dir, side->opcode == OP_TEXT ? "TEXT" : side->opcode == OP_BINARY ? "BINARY" : "", side->wire, side->began);
	struct content_job job = {
		.exchange = ex, .sink = w->sink, .dir = dir, .cut = side->cut || (side->packed && side->unseen), .late = side->headless,
		.location = dir == w->asks ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY,
	};
	int done;

	if (!ex)
		return;
	ex->has_gap = side->gapped || side->headless;
	if (side->unread && !content.len)
		done = INSPECTED_NONE;
	else
		done = content_decode(&job, (struct slice){ 0 }, content);
	if ((job.cut || job.late) && done == INSPECTED_FULL)
		done = INSPECTED_PARTIAL;
	ex->inspected = (uint8_t)(done > ex->inspected ? done : ex->inspected);
	session_emit(w->session, ex, at);
	budget_free(ex, sizeof(*ex));
}

static void message_begin(struct websocket *w, struct websocket_side *side, const struct ws_head *h, struct stamp at)
{
	side->opcode = h->opcode;
	side->headless = h->opcode == OP_CONTINUATION;
	side->packed = h->packed;
	side->unread = side->cut = side->gapped = false;
	side->began = at.time;
	if (side->packed)
		unpack_begin(w, side);
}

static void message_over(struct websocket_side *side)
{
	side->opcode = 0;
	side->headless = side->packed = false;
	side->wire = 0;
}

static void message_done(struct websocket *w, struct websocket_side *side, enum dir dir, struct stamp at)
{
	if (side->packed)
		unpack_end(w, side);
	message_emit(w, side, dir, slice_of(side->held.ptr, side->held.len), at);
	buf_free(&side->held);
	message_over(side);
}

static bool in_message(const struct websocket_side *side)
{
	return side->opcode || side->headless;
}

static void take_packed(struct websocket *w, struct websocket_side *side, struct slice piece)
{
	uint8_t plain[PIECE];

	if (side->masked) {
		unmask(plain, piece, side->mask, side->mask_at);
		piece.ptr = plain;
	}
	unpack(w, side, piece);
	explicit_bzero(plain, sizeof(plain));
}

static void take_payload(struct websocket *w, struct websocket_side *side, struct slice in)
{
	while (in.len) {
		size_t n = in.len < PIECE ? in.len : PIECE;

		if (side->packed)
			take_packed(w, side, slice_of(in.ptr, n));
		else
			hold(side, slice_of(in.ptr, n));
		side->mask_at = (unsigned)(side->mask_at + n) & 3;
		in = slice_of(in.ptr + n, in.len - n);
	}
}

/* ---- frames ---- */

/* What HTTP calls it: 44xx and 45xx are in use for its own. */
static uint16_t close_status(uint16_t code)
{
	static const uint16_t codes[] = {
		200, 200, 400, 415, 0, 200, 0, 400, 403, 413, 400, 500, 503, 503, 502,
	};

	if (code >= 4400 && code < 4600)
		return code - 4000;
	return code >= 1000 && code < 1015 ? codes[code - 1000] : 400;
}

/* The first of two: the other only says that it was heard. */
static void take_close(struct websocket *w, enum dir dir, struct slice payload, size_t wire, struct stamp at)
{
	struct exchange *ex = w->closed ? NULL : exchange_new(w, dir, "CLOSE", wire, at.time);
	struct field reason = {
		.location = dir == w->asks ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY, .dir = dir, .path = "close.reason", .key = SLICE("reason"), .text = 1,
	};

	w->closed = true;
	if (!ex)
		return;
	ex->status = payload.len >= 2 ? close_status((uint16_t)(payload.ptr[0] << 8 | payload.ptr[1])) : 200;
	if (payload.len > 2) {
		reason.value = slice_of(payload.ptr + 2, payload.len - 2);
		w->sink->field(w->sink->owner, ex, &reason);
	}
	session_emit(w->session, ex, at);
	budget_free(ex, sizeof(*ex));
}

/* Between the frames of a message as well; has its payload at once. */
static void take_control(struct websocket *w, const struct ws_head *h, enum dir dir, struct slice in, struct stamp at)
{
	uint8_t payload[CONTROL_MAX];

	websocket_count(w, FATE_EXAMINED, h->size + (size_t)h->len);
	if (h->opcode != OP_CLOSE)
		return;	/* a ping, of no meaning */
	memcpy(payload, in.ptr + h->size, (size_t)h->len);
	if (h->masked)
		unmask(payload, slice_of(payload, (size_t)h->len), h->mask, 0);
	take_close(w, dir, slice_of(payload, (size_t)h->len), h->size + (size_t)h->len, at);
	explicit_bzero(payload, sizeof(payload));
}

static void frame_done(struct websocket *w, struct websocket_side *side, enum dir dir, struct stamp at)
{
	side->phase = WEBSOCKET_HEAD_NEXT;
	if (side->fin)
		message_done(w, side, dir, at);
}

/* Can this frame come here? */
static bool fits(const struct websocket *w, const struct websocket_side *side, const struct ws_head *h, enum dir dir)
{
	if (w->asks_known && h->masked != (dir == w->asks))
		return false;
	if (h->packed && w->plain)
		return false;
	if (h->opcode & CONTROL)
		return true;
	return h->opcode == OP_CONTINUATION ? in_message(side) || !side->sure : !in_message(side);
}

static void learn_asks(struct websocket *w, enum dir asks)
{
	if (!w->asks_known)
		w->asks = asks;
	w->asks_known = true;
}

/* What nobody begins a frame with: the peer's mistake, or ours. */
static struct feed_result astray(struct websocket *w, struct websocket_side *side, enum dir dir, struct stamp at)
{
	if (side->sure)
		return (struct feed_result){ FEED_BAD, 0, 0 };
	websocket_gap(w, dir, 0, at);
	return (struct feed_result){ FEED_OK, 1, 1 };
}

/* A message that is whole in one frame, and needs no work: it is read where it stands. */
static bool is_plain(const struct ws_head *h)
{
	return h->fin && !h->masked && !h->packed && h->opcode != OP_CONTINUATION;
}

static struct feed_result feed_whole(struct websocket *w, struct websocket_side *side, enum dir dir, struct slice payload, size_t head,
				     struct stamp at)
{
	websocket_count(w, FATE_EXAMINED, payload.len);
	side->wire += payload.len;
	side->left = 0;
	side->phase = WEBSOCKET_HEAD_NEXT;
	message_emit(w, side, dir, payload, at);
	message_over(side);
	return (struct feed_result){ FEED_OK, head + payload.len, 0 };
}

static struct feed_result feed_head(struct websocket *w, struct websocket_side *side, enum dir dir, struct slice in, struct stamp at)
{
	struct ws_head h;
	int r = head_read(in, &h);

	if (!r)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (r < 0 || !fits(w, side, &h, dir))
		return astray(w, side, dir, at);
	learn_asks(w, h.masked ? dir : (enum dir)!dir);
	if (h.opcode & CONTROL) {
		if (in.len - h.size < h.len)
			return (struct feed_result){ FEED_MORE, 0, 0 };
		take_control(w, &h, dir, in, at);
		return (struct feed_result){ FEED_OK, h.size + (size_t)h.len, 0 };
	}
	if (!in_message(side))
		message_begin(w, side, &h, at);
	websocket_count(w, FATE_EXAMINED, h.size);
	side->fin = h.fin;
	side->masked = h.masked;
	memcpy(side->mask, h.mask, sizeof(side->mask));
	side->mask_at = 0;
	side->left = h.len;
	side->wire += h.size;
	if (is_plain(&h) && h.len && in.len - h.size >= h.len)
		return feed_whole(w, side, dir, slice_of(in.ptr + h.size, (size_t)h.len), h.size, at);
	side->phase = WEBSOCKET_PAYLOAD;
	if (!side->left)
		frame_done(w, side, dir, at);
	return (struct feed_result){ FEED_OK, h.size, 0 };
}

static struct feed_result feed_payload(struct websocket *w, struct websocket_side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left ? in.len : (size_t)side->left;

	take_payload(w, side, slice_of(in.ptr, n));
	websocket_count(w, FATE_EXAMINED, n);
	side->left -= n;
	side->wire += n;
	if (!side->left)
		frame_done(w, side, dir, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed_resync(struct websocket *w, struct websocket_side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t skip;
	bool found = frame_seek(in, w->asks_known, dir == w->asks, &skip);

	if (found)
		side->phase = WEBSOCKET_HEAD_NEXT;
	/* Found where it stands: a step that consumes nothing would end the feed. */
	if (found && !skip)
		return feed_head(w, side, dir, in, at);
	return (struct feed_result){ found || skip == in.len ? FEED_OK : FEED_MORE, skip, skip };
}

struct feed_result websocket_feed(struct websocket *w, enum dir dir, struct slice in, struct stamp at)
{
	struct websocket_side *side = &w->sides[dir];

	switch (side->phase) {
	case WEBSOCKET_HEAD_NEXT:
		return feed_head(w, side, dir, in, at);
	case WEBSOCKET_PAYLOAD:
		return feed_payload(w, side, dir, in, at);
	case WEBSOCKET_RESYNC:
		return feed_resync(w, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

void websocket_gap(struct websocket *w, enum dir dir, uint64_t missing, struct stamp at)
{
	struct websocket_side *side = &w->sides[dir];

	side->gapped |= in_message(side);
	side->cut |= in_message(side);
	side->unread |= side->packed;
	if (missing && side->phase == WEBSOCKET_PAYLOAD && missing <= side->left) {
		side->left -= missing;
		side->wire += missing;
		side->mask_at = (unsigned)(side->mask_at + missing) & 3;
		if (!side->left)
			frame_done(w, side, dir, at);
		return;
	}
	if (in_message(side))
		message_done(w, side, dir, at);
	side->unseen = side->forgets ? 0 : WINDOW;	/* a message may have been lost whole */
	side->sure = false;
	side->phase = WEBSOCKET_RESYNC;
}

void websocket_end(struct websocket *w, struct stamp at)
{
	for (int d = 0; d < 2; d++) {
		w->sides[d].cut |= in_message(&w->sides[d]);
		if (in_message(&w->sides[d]))
			message_done(w, &w->sides[d], (enum dir)d, at);
	}
}

void websocket_fini(struct websocket *w)
{
	for (int d = 0; d < 2; d++) {
		buf_free(&w->sides[d].held);
		inflater_free(w->sides[d].inflater);
	}
}

/* ---- the row ---- */

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	return frame_seek(in, false, false, at);
}

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	websocket_init(state, sink, session, conn->late);
}

static bool adopt(void *state, struct exchange *ex, enum dir asks, struct slice terms)
{
	websocket_open(state, ex, asks, terms);
	return false;	/* that it goes over was the answer */
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	return websocket_feed(state, dir, in, at);
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	websocket_gap(state, dir, lost, at);
	return 0;
}

static void eof(void *state, struct stamp at)
{
	websocket_end(state, at);
}

static void fini(void *state)
{
	websocket_fini(state);
}

const struct protocol protocol_websocket = {
	.name = "websocket", .summary = "messages of WebSocket, whole or deflated", .state_size = sizeof(struct websocket), .upgrade = "websocket",
	.seek = seek, .init = init, .feed = feed, .gap = gap, .adopt = adopt, .eof = eof, .fini = fini,
};

bool websocket_is(struct slice protocol)
{
	return is_fold(protocol, protocol_websocket.upgrade);
}
