/* SPDX-License-Identifier: Apache-2.0 */
/* http1.c - HTTP/1.0 and 1.1 (RFC 9112), tolerant: joins late, survives gaps, pairs
 * pipelined requests with their responses. Where a message's end cannot be trusted
 * (two lengths, a broken chunk) the direction looks for the next start line instead of
 * reading on at the wrong place. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "base/uninitialized.h"
#include "protocol/http.h"
#include "protocol/http1_head.h"
#include "protocol/protocol.h"

enum phase { PHASE_START, PHASE_LENGTH, PHASE_CHUNK_SIZE, PHASE_CHUNK, PHASE_CHUNK_END, PHASE_TRAILER, PHASE_CLOSE, PHASE_RESYNC };

/* A request that waits for its response, or a response without a request. */
struct pending {
	struct exchange *ex;
	bool request_done, response_begun, response_done;
	bool is_head, is_connect;
	uint64_t request_end;
};

#define EMPTY_MAX 64	/* bytes of empty lines that are waited through until the protocol is known */
#define QUEUE_SIZE (PROTOCOL_PENDING * sizeof(struct pending))

/* One direction. */
struct side {
	enum phase phase;
	bool response, after_gap;
	uint64_t left;			/* bytes of the body or chunk to come */
	struct head_scan scan;
	struct pending *pending;	/* whose message is being read; NULL between messages */
	struct body body;
	uint64_t began;
};

struct state {
	const struct field_sink *sink;
	struct session *session;
	struct side sides[2];
	struct pending *queue;		/* PROTOCOL_PENDING, a ring; NULL while it is empty: most connections rest */
	unsigned head, nr;
};

/* RFC 9112, 2.2: a server passes over empty lines before a start line. */
static size_t empty_lines(struct slice in)
{
	size_t n = 0;

	while (n < in.len && (in.ptr[n] == '\r' || in.ptr[n] == '\n'))
		n++;
	return n;
}

static int guess(struct slice head, enum dir dir)
{
	size_t skip = empty_lines(head);
	bool response;
	int begins;

	if (skip == head.len)
		return skip < EMPTY_MAX ? -EAGAIN : 40;	/* nothing else begins so */
	begins = head_begins(slice_of(head.ptr + skip, head.len - skip), &response);
	return begins < 0 ? -EAGAIN : begins ? 95 : 0;
}

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	body_init(&s->sides[0].body);
	body_init(&s->sides[1].body);
}

/* The queue of exchanges. */

static struct pending *pending_at(struct state *s, unsigned i)
{
	return &s->queue[(s->head + i) % PROTOCOL_PENDING];
}

static void pending_drop_first(struct state *s)
{
	budget_free(s->queue[s->head].ex, sizeof(struct exchange));
	s->queue[s->head] = (struct pending){ 0 };
	s->head = (s->head + 1) % PROTOCOL_PENDING;
	if (--s->nr)
		return;
	budget_free(s->queue, QUEUE_SIZE);
	s->queue = NULL;
}

static void emit_first(struct state *s, struct stamp at)
{
	struct pending *p = pending_at(s, 0);

	for (int d = 0; d < 2; d++)
		if (s->sides[d].pending == p)
			s->sides[d].pending = NULL;
	session_emit(s->session, p->ex, at);
	pending_drop_first(s);
}

static void emit_ready(struct state *s, struct stamp at)
{
	while (s->nr && pending_at(s, 0)->request_done && pending_at(s, 0)->response_done)
		emit_first(s, at);
}

static struct pending *pending_new(struct state *s, struct stamp at)
{
	struct pending *p;
	struct exchange *ex;

	if (s->nr == PROTOCOL_PENDING)
		emit_first(s, at);
	ex = protocol_exchange();
	if (!s->queue && ex)
		s->queue = budget_room(QUEUE_SIZE);	/* of which only what is pending is read */
	if (!ex || !s->queue) {
		protocol_counts.messages_dropped += ex != NULL;
		budget_free(ex, sizeof(*ex));
		return NULL;
	}
	p = pending_at(s, s->nr);
	*p = (struct pending){ .ex = ex };
	ex->began = at.time;
	s->nr++;
	return p;
}

/* The request that a response answers: the oldest that has none; after a gap the newest,
 * because the responses of the others were lost in it. */
static struct pending *pending_for_response(struct state *s, struct side *side, struct stamp at)
{
	struct pending *p = NULL;

	if (side->after_gap)
		while (s->nr > 1 && !pending_at(s, 0)->response_begun) {
			pending_at(s, 0)->ex->has_gap = 1;
			emit_first(s, at);
		}
	side->after_gap = false;
	for (unsigned i = 0; i < s->nr && !p; i++)
		if (!pending_at(s, i)->response_begun)
			p = pending_at(s, i);
	if (p)
		return p;
	p = pending_new(s, at);
	if (p)
		p->request_done = true;
	return p;
}

static struct http_message message_of(struct state *s, struct side *side, enum dir dir)
{
	return (struct http_message){ side->pending->ex, s->sink, &side->body, dir, side->response };
}

static void message_done(struct state *s, struct side *side, enum dir dir, struct stamp at)
{
	struct pending *p = side->pending;
	struct http_message m;

	side->phase = PHASE_START;
	side->scan = (struct head_scan){ 0 };
	if (!p)
		return;
	m = message_of(s, side, dir);
	body_end(&m);
	side->pending = NULL;
	if (side->response) {
		p->response_done = true;
	} else {
		p->request_done = true;
		p->request_end = at.time;
	}
	emit_ready(s, at);
}

/* Heads. */

static void request_head(const struct http_message *m, const struct head *h, struct pending *p)
{
	http_request(m, h->method, h->target);
	p->is_head = h->method.len == 4 && !memcmp(h->method.ptr, "HEAD", 4);
	p->is_connect = h->method.len == 7 && !memcmp(h->method.ptr, "CONNECT", 7);
}

static void response_head(struct side *side, const struct head *h, struct pending *p, enum dir dir, struct stamp at)
{
	struct exchange *ex = p->ex;
	uint64_t us = at.time > p->request_end ? (at.time - p->request_end) / 1000 : 0;

	if (!ex->conn.role)
		ex->conn.role = dir == DIR_SENT ? ROLE_SERVER : ROLE_CLIENT;
	ex->status = h->status;
	if (p->request_end)
		ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	p->response_begun = true;
}

/* RFC 9112, 6.3: which rule ends the body. */
static void body_ends_as(struct side *side, const struct head *h, const struct pending *p)
{
	bool none = h->response && (p->is_head || h->status / 100 == 1 || h->status == 204 || h->status == 304);

	side->left = h->length;
	if (none || (h->framing == FRAMING_NONE && !h->response) || (h->framing == FRAMING_LENGTH && !h->length))
		side->phase = PHASE_START;
	else if (h->framing == FRAMING_LENGTH)
		side->phase = PHASE_LENGTH;
	else if (h->framing == FRAMING_CHUNKED)
		side->phase = PHASE_CHUNK_SIZE;
	else if (h->framing == FRAMING_BAD)
		side->phase = PHASE_RESYNC;
	else
		side->phase = PHASE_CLOSE;
}

/* Behind this head the connection speaks something else, which may have the answer proper. */
static void go_over(struct state *s, struct side *side, enum dir dir, const struct head *h, struct stamp at)
{
	struct pending *p = side->pending;
	bool asked = p == pending_at(s, 0) && p->request_done;

	if (session_switch(s->session, h->status == 101 ? h->upgrade : (struct slice){ 0 }, h->extensions, asked ? p->ex : NULL)) {
		p->ex = NULL;
		pending_drop_first(s);
		side->pending = NULL;
	} else {
		message_done(s, side, dir, at);
	}
}

static bool take_head(struct state *s, struct side *side, enum dir dir, bool response, struct slice in, const struct head_lines *lines,
		      struct stamp at)
{
	struct pending *p;
	struct http_message m;
	struct head h;

	head_parse(in, response, lines, &h);
	side->response = h.response;
	if (h.response && h.status / 100 == 1 && h.status != 101)
		return true;	/* 100-continue and its like: the answer is still to come */
	p = h.response ? pending_for_response(s, side, at) : pending_new(s, at);
	if (!p)
		return false;
	side->pending = p;
	m = message_of(s, side, dir);
	if (h.response)
		response_head(side, &h, p, dir, at);
	else
		request_head(&m, &h, p);
	*(h.response ? &p->ex->response_bytes : &p->ex->request_bytes) += in.len;
	body_begin(&side->body);
	head_fields(&m, in, lines, &h);
	body_ends_as(side, &h, p);
	if (h.response && (h.status == 101 || (p->is_connect && h.status / 100 == 2))) {
		go_over(s, side, dir, &h, at);
	} else if (side->phase == PHASE_START) {
		message_done(s, side, dir, at);
	} else if (side->phase == PHASE_RESYNC) {
		p->ex->inspected = INSPECTED_PARTIAL;
		message_done(s, side, dir, at);
		side->phase = PHASE_RESYNC;
	}
	return true;
}

static struct feed_result feed_start(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	struct head_lines lines UNINITIALIZED;
	size_t skip = empty_lines(in), len;
	uint8_t *copy;
	bool response, taken;
	int begins;

	if (skip)
		return (struct feed_result){ FEED_OK, skip, 0 };
	begins = head_begins(in, &response);
	if (begins < 0)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (!begins) {
		side->phase = PHASE_RESYNC;
		return (struct feed_result){ FEED_OK, 1, 1 };
	}
	len = head_length(in, &side->scan, &lines);
	if (!len && in.len > PROTOCOL_HEAD_MAX) {
		side->phase = PHASE_RESYNC;
		side->scan = (struct head_scan){ 0 };
		return (struct feed_result){ FEED_OK, in.len, in.len };
	}
	if (!len)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	copy = side->scan.folded ? budget_room(len) : NULL;
	if (side->scan.folded && !copy)
		return (struct feed_result){ FEED_BAD, 0, 0 };
	if (copy) {
		memcpy(copy, in.ptr, len);
		head_unfold(copy, len);
	}
	side->scan = (struct head_scan){ 0 };
	session_count(s->session, FATE_EXAMINED, len);
	taken = take_head(s, side, dir, response, slice_of(copy ? copy : in.ptr, len), &lines, at);
	if (!taken)	/* no memory for its exchange */
		side->phase = PHASE_RESYNC;
	if (copy)
		explicit_bzero(copy, len);
	budget_free(copy, len);
	return (struct feed_result){ FEED_OK, len, taken ? 0 : len };
}

static void count_body(struct side *side, size_t n)
{
	struct exchange *ex = side->pending ? side->pending->ex : NULL;

	if (ex)
		*(side->response ? &ex->response_bytes : &ex->request_bytes) += n;
}

static void take_body(struct state *s, struct side *side, enum dir dir, struct slice in)
{
	struct http_message m;
	size_t read = 0;

	if (side->pending) {
		m = message_of(s, side, dir);
		read = body_take(&m, in);
	}
	session_count(s->session, FATE_EXAMINED, read);
	session_count(s->session, FATE_UNWANTED, in.len - read);
}

static struct feed_result feed_counted(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left ? in.len : side->left;

	take_body(s, side, dir, slice_of(in.ptr, n));
	count_body(side, n);
	side->left -= n;
	if (!side->left && side->phase == PHASE_LENGTH)
		message_done(s, side, dir, at);
	else if (!side->left)
		side->phase = PHASE_CHUNK_END;
	return (struct feed_result){ FEED_OK, n, 0 };
}

/* "1a;extension\r\n" to 0x1a; -1: no chunk size. */
static int64_t chunk_size(struct slice line)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < line.len && i < 16; i++) {
		uint8_t c = line.ptr[i] | 0x20;

		if (c >= '0' && c <= '9')
			n = n << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (unsigned)(c - 'a' + 10);
		else
			break;
	}
	if (!i || n > INT64_MAX || (i < line.len && !strchr(";\r\n \t", line.ptr[i])))
		return -1;
	return (int64_t)n;
}

/* One line of the chunked coding: a size, the line end behind a chunk, a trailer. */
static struct feed_result feed_line(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	const uint8_t *nl = memchr(in.ptr, '\n', in.len);
	size_t len = nl ? (size_t)(nl - in.ptr) + 1 : 0;
	bool empty = len == 1 || (len == 2 && in.ptr[0] == '\r');
	int64_t size;

	if (!nl && in.len < 8192)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (!nl)
		goto lost;
	count_body(side, len);
	switch (side->phase) {
	case PHASE_CHUNK_SIZE:
		size = chunk_size(slice_of(in.ptr, len));
		if (size < 0)
			goto lost;
		side->left = (uint64_t)size;
		side->phase = size ? PHASE_CHUNK : PHASE_TRAILER;
		break;
	case PHASE_CHUNK_END:
		if (!empty)
			goto lost;
		side->phase = PHASE_CHUNK_SIZE;
		break;
	default:
		if (empty) {
			session_count(s->session, FATE_EXAMINED, len);
			message_done(s, side, dir, at);
		}
	}
	return (struct feed_result){ FEED_OK, len, 0 };
lost:
	side->body.cut = true;
	message_done(s, side, dir, at);
	side->phase = PHASE_RESYNC;
	return (struct feed_result){ FEED_OK, 1, 1 };
}

/* The next start line at the beginning of a line; what may become one is not ruled out. */
static bool seek(struct slice in, enum dir dir, size_t *at)
{
	for (*at = 0; *at < in.len;) {
		struct slice rest = slice_of(in.ptr + *at, in.len - *at);
		const uint8_t *nl;
		bool response;
		int begins = head_begins(rest, &response);

		if (begins)
			return begins > 0;
		nl = memchr(rest.ptr, '\n', rest.len);
		*at = nl ? (size_t)(nl - in.ptr) + 1 : in.len;
	}
	return false;
}

static struct feed_result feed_resync(struct side *side, enum dir dir, struct slice in)
{
	size_t at;

	if (seek(in, dir, &at))
		side->phase = PHASE_START;
	return (struct feed_result){ side->phase == PHASE_START || at == in.len ? FEED_OK : FEED_MORE, at, at };
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];
	struct feed_result r;

	switch (side->phase) {
	case PHASE_START:
		return feed_start(s, side, dir, in, at);
	case PHASE_LENGTH:
	case PHASE_CHUNK:
		return feed_counted(s, side, dir, in, at);
	case PHASE_CHUNK_SIZE:
	case PHASE_CHUNK_END:
	case PHASE_TRAILER:
		return feed_line(s, side, dir, in, at);
	case PHASE_CLOSE:
		take_body(s, side, dir, in);
		count_body(side, in.len);
		return (struct feed_result){ FEED_OK, in.len, 0 };
	case PHASE_RESYNC:
		r = feed_resync(side, dir, in);
		/* Found where it stands: a step that consumes nothing would end the feed. */
		return side->phase == PHASE_START && !r.consumed ? feed_start(s, side, dir, in, at) : r;
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];

	bool inside = (side->phase == PHASE_LENGTH || side->phase == PHASE_CHUNK) && lost <= side->left;

	side->scan = (struct head_scan){ 0 };
	side->body.cut = true;
	if (side->pending) {
		struct http_message m = message_of(s, side, dir);

		if (cause != LOSS_UNWANTED)
			side->pending->ex->has_gap = 1;
		body_gap(&m, inside ? lost : UINT64_MAX);
	}
	if (side->phase == PHASE_CLOSE)
		return 0;
	if (inside) {
		side->left -= lost;
		count_body(side, lost);
		if (!side->left && side->phase == PHASE_LENGTH)
			message_done(s, side, dir, at);
		else if (!side->left)
			side->phase = PHASE_CHUNK_END;
		return 0;
	}
	message_done(s, side, dir, at);
	side->body.cut = false;
	side->after_gap = true;
	side->phase = PHASE_RESYNC;
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct state *s = state;

	for (int d = 0; d < 2; d++) {
		struct http_message m;

		if (!s->sides[d].pending)
			continue;
		m = message_of(s, &s->sides[d], (enum dir)d);
		body_interval(&m);
	}
	for (unsigned i = 0; i < s->nr; i++)
		session_emit_part(s->session, pending_at(s, i)->ex, at);
}

/* The rest of a body, once as much as can be is held of it, or it is of a kind that is not looked at. */
static uint64_t unwanted(const void *state, enum dir dir)
{
	const struct side *side = &((const struct state *)state)->sides[dir];

	if (!body_is_enough(&side->body))
		return 0;
	if (side->phase == PHASE_LENGTH || side->phase == PHASE_CHUNK)
		return side->left;
	return side->phase == PHASE_CLOSE ? UINT64_MAX : 0;
}

/* The connection ended: a body that runs until then is whole, others are cut. */
static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	for (int d = 0; d < 2; d++) {
		struct side *side = &s->sides[d];

		if (!side->pending)
			continue;
		side->body.cut |= side->phase != PHASE_CLOSE;
		message_done(s, side, (enum dir)d, at);
	}
	while (s->nr)
		emit_first(s, at);
}

static void fini(void *state)
{
	struct state *s = state;

	while (s->nr)
		pending_drop_first(s);
	body_free(&s->sides[0].body);
	body_free(&s->sides[1].body);
}

const struct protocol protocol_http1 = {
	.name = "http1", .summary = "HTTP/1.0 and 1.1, requests paired with responses", .state_size = sizeof(struct state),
	.guess = guess, .seek = seek, .init = init, .feed = feed, .gap = gap, .unwanted = unwanted, .interval = interval, .eof = eof,
	.fini = fini,
};
