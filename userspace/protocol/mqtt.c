/* SPDX-License-Identifier: Apache-2.0 */
/* mqtt.c - MQTT 3.1, 3.1.1 and 5. An exchange is what one end asks for with what the other answers:
 * CONNECT, SUBSCRIBE, UNSUBSCRIBE, and PUBLISH in either direction, which nobody answers at QoS 0. Its
 * route is the topic, its status what HTTP would say for the reason. Over a gap the next PUBLISH is
 * looked for, whose topic is text.
 *
 *   type 4 flags 4 | length, 7 bits a byte, up to four | of PUBLISH: topic, id at QoS 1 and 2, in MQTT 5
 *   properties | payload */
#include <errno.h>
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/content.h"
#include "protocol/protocol.h"
#include "protocol/reader.h"

#define WAITING		16	/* exchanges without an answer; the oldest goes */
#define TOPIC_MAX	1024	/* of one that is looked for */
#define SOUGHT_MAX	2048	/* bytes of a PUBLISH that is: each call waits for it anew */
#define FILTERS_MAX	64	/* of one SUBSCRIBE that become fields */

enum type {
	CONNECT = 1, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP,
	DISCONNECT, AUTH,
};

enum phase { PHASE_PACKET, PHASE_PAYLOAD, PHASE_PASS, PHASE_RESYNC };

struct waiting { struct exchange *ex; uint16_t id; uint8_t type; enum dir asked; uint64_t asked_at; };

struct side {
	enum phase phase;
	uint32_t left;
	struct exchange *ex;	/* of the PUBLISH being read; NULL: none, or no memory */
	uint16_t id;		/* by which it is answered; 0: it is not */
	bool cut;
	bool seen;		/* a whole packet, or the head of a PUBLISH */
	bool unsure;		/* bytes are missing: what cannot be may be our own mistake */
	struct buf held;
	char type[64];		/* media type of its payload */
	size_t type_len;
};

struct state {
	const struct field_sink *sink;
	struct session *session;
	struct side sides[2];
	enum dir asks;		/* the client's */
	bool asks_known;
	bool sure;		/* its CONNECT was seen, or two packets that fit each other */
	uint8_t version;	/* 3, 4, 5; 0: its CONNECT was not seen */
	uint8_t auth;
	struct waiting waiting[WAITING];
	unsigned nr_waiting;
};

struct packet { uint8_t type, flags; uint32_t len; size_t head; };

/* ---- packets ---- */

/* 1: a head, 0: too short to tell, -1: none begins so. */
static int packet_read(struct slice in, struct packet *p)
{
	unsigned shift = 0;
	size_t i = 1;

	if (!in.len)
		return 0;
	*p = (struct packet){ .type = in.ptr[0] >> 4, .flags = in.ptr[0] & 15 };
	if (!p->type || (p->type == PUBLISH ? (p->flags >> 1 & 3) == 3 || ((p->flags & 8) && !(p->flags & 6)) :
			 p->flags != (p->type == PUBREL || p->type == SUBSCRIBE || p->type == UNSUBSCRIBE ? 2 : 0)))
		return -1;
	for (; i < 5; i++, shift += 7) {
		if (i >= in.len)
			return 0;
		p->len |= (uint32_t)(in.ptr[i] & 127) << shift;
		if (!(in.ptr[i] & 128))
			break;
	}
	p->head = i + 1;
	return i == 5 || (i > 1 && !in.ptr[i]) ? -1 : 1;	/* the shortest form */
}

/* "MQTT", or "MQIsdp" of version 3.1, stands where CONNECT says it. */
static int connect_begins(struct slice in)
{
	struct packet p;
	int r = packet_read(in, &p);
	struct slice rest;

	if (r <= 0 || p.type != CONNECT || p.flags)
		return r < 0 || p.type != CONNECT ? 0 : -1;
	rest = slice_of(in.ptr + p.head, in.len - p.head);
	if (rest.len < 8)
		return -1;
	return !memcmp(rest.ptr, "\0\4MQTT", 6) || !memcmp(rest.ptr, "\0\6MQIsdp", 8);
}

static int guess(struct slice head, enum dir dir)
{
	int begins = connect_begins(head);

	return begins < 0 ? -EAGAIN : begins ? 95 : 0;
}

/* As much of it as is there: UTF-8 without controls and wildcards. */
static bool is_topic(struct slice topic)
{
	unsigned more = 0;

	for (size_t i = 0; i < topic.len; i++) {
		uint8_t c = topic.ptr[i];

		if (more ? c >> 6 != 2 : c < 0x20 || c == 0x7f || c == '#' || c == '+' || (c >= 0x80 && c < 0xc2) || c >= 0xf5)
			return false;
		more = more ? more - 1 : c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	}
	return true;
}

/* Does a PUBLISH begin here that is whole, with another packet or nothing behind it? 1, 0 and -1 as above. */
static int publish_begins(struct slice in)
{
	struct packet p, next;
	int r = packet_read(in, &p);
	uint32_t topic;
	struct slice rest;

	if (r <= 0 || p.type != PUBLISH)
		return r && p.type != PUBLISH ? -1 : r;
	rest = slice_of(in.ptr + p.head, in.len - p.head);
	if (p.len < 5 || p.len > SOUGHT_MAX || (rest.len && rest.ptr[0] > TOPIC_MAX >> 8))
		return -1;
	if (rest.len < 2)
		return 0;
	topic = (uint32_t)rest.ptr[0] << 8 | rest.ptr[1];
	if (topic < 3 || topic > TOPIC_MAX || topic + 2 > p.len || !is_topic(slice_of(rest.ptr + 2, rest.len - 2 < topic ? rest.len - 2 : topic)))
		return -1;
	if (rest.len < p.len)
		return 0;
	rest = slice_of(rest.ptr + p.len, rest.len - p.len);
	return packet_read(rest, &next) < 0 ? -1 : 1;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	int r = -1;

	for (*at = 0; *at < in.len; ++*at)
		if ((r = publish_begins(slice_of(in.ptr + *at, in.len - *at))) >= 0)
			break;
	return r > 0;
}

/* ---- exchanges ---- */

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	for (int d = 0; d < 2; d++) {
		buf_init(&s->sides[d].held, PROTOCOL_BODY_HELD);
		s->sides[d].unsure = conn->late;
		s->sides[d].phase = conn->late ? PHASE_RESYNC : PHASE_PACKET;
	}
}

static void learn_asks(struct state *s, enum dir asks)
{
	if (!s->asks_known)
		s->asks = asks;
	s->asks_known = true;
}

static struct exchange *exchange_new(struct state *s, enum dir dir, const char *method, size_t wire, struct stamp at)
{
	struct exchange *ex = protocol_exchange();

	if (!ex)
		return NULL;
	ex->began = at.time;
	ex->auth = s->auth;
	if (s->asks_known)
		ex->conn.role = s->asks == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;
	word_set(ex->method, method);
	*(dir == s->asks ? &ex->request_bytes : &ex->response_bytes) = wire;
	return ex;
}

static void emit(struct state *s, struct exchange *ex, struct stamp at)
{
	session_emit(s->session, ex, at);
	budget_free(ex, sizeof(*ex));
}

static void waiting_drop(struct state *s, unsigned i)
{
	s->nr_waiting--;
	memmove(&s->waiting[i], &s->waiting[i + 1], (s->nr_waiting - i) * sizeof(s->waiting[0]));
}

/* type: of the packet that answers. */
static void wait_for(struct state *s, struct exchange *ex, enum dir asked, uint8_t type, uint16_t id, struct stamp at)
{
	if (!ex)
		return;
	if (s->nr_waiting == WAITING) {
		emit(s, s->waiting[0].ex, at);
		waiting_drop(s, 0);
	}
	s->waiting[s->nr_waiting++] = (struct waiting){ ex, id, type, asked, at.time };
}

static void answered(struct state *s, enum dir dir, uint8_t type, uint16_t id, uint16_t status, size_t wire, struct stamp at)
{
	for (unsigned i = 0; i < s->nr_waiting; i++) {
		struct waiting *w = &s->waiting[i];
		struct exchange *ex = w->ex;
		uint64_t us = at.time > w->asked_at ? (at.time - w->asked_at) / 1000 : 0;

		if (w->asked == dir || w->id != id || w->type != type)
			continue;
		ex->status = status;
		ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
		*(dir == s->asks ? &ex->request_bytes : &ex->response_bytes) += wire;
		waiting_drop(s, i);
		emit(s, ex, at);
		return;
	}
}

static void tell(struct state *s, struct exchange *ex, enum dir dir, const char *what, struct slice key, struct slice value)
{
	char path[PATH_SIZE];
	size_t n = path_append(path, path_append(path, 0, what), ".");
	struct field f = {
		.location = dir == s->asks ? LOC_REQUEST_HEADER : LOC_RESPONSE_HEADER, .dir = dir, .path = path, .key = key, .value = value,
	};

	if (!ex || !value.len)
		return;
	s->sink->clean(s->sink->owner, path + n, key);
	s->sink->field(s->sink->owner, ex, &f);
}

/* ---- what packets hold ---- */

static uint32_t take_varint(struct reader *r)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 28; shift += 7) {
		uint32_t byte = reader_number(r, 1);

		v |= (byte & 127) << shift;
		if (!(byte & 128))
			return v;
	}
	r->failed = true;
	return 0;
}

/* MQTT 5, 2.2.2.2: the names that the sender chose, and the payload's media type. */
static void take_properties(struct state *s, struct reader *in, struct exchange *ex, enum dir dir, struct slice *type)
{
	struct reader r = { .left = reader_take(in, take_varint(in)) };

	while (r.left.len && !r.failed) {
		struct slice name, value;

		switch (reader_number(&r, 1)) {
		case 0x01: case 0x17: case 0x19: case 0x24: case 0x25: case 0x28: case 0x29: case 0x2a:
			reader_take(&r, 1);
			break;
		case 0x13: case 0x21: case 0x22: case 0x23:
			reader_take(&r, 2);
			break;
		case 0x02: case 0x11: case 0x18: case 0x27:
			reader_take(&r, 4);
			break;
		case 0x0b:
			take_varint(&r);
			break;
		case 0x03:
			value = reader_vector(&r, 2);
			*type = value.len ? value : *type;
			break;
		case 0x26:
			name = reader_vector(&r, 2);
			value = reader_vector(&r, 2);
			if (!r.failed)
				tell(s, ex, dir, "property", name, value);
			break;
		case 0x08: case 0x09: case 0x12: case 0x15: case 0x16: case 0x1a: case 0x1c: case 0x1f:
			reader_vector(&r, 2);
			break;
		default:
			r.failed = true;
		}
	}
}

static void content(struct state *s, struct exchange *ex, enum dir dir, struct slice type, struct slice payload, bool cut)
{
	struct content_job job = {
		.exchange = ex, .sink = s->sink, .dir = dir, .cut = cut, .location = dir == s->asks ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY,
	};
	int done = content_decode(&job, type, payload);

	if (cut && done == INSPECTED_FULL)
		done = INSPECTED_PARTIAL;
	if (done > ex->inspected)
		ex->inspected = (uint8_t)done;
}

static void take_connect(struct state *s, enum dir dir, struct slice body, size_t wire, struct stamp at)
{
	struct reader r = { .left = body };
	struct slice client, none = { 0 }, topic, will;
	struct exchange *ex;
	uint32_t flags;

	learn_asks(s, dir);
	s->sure = true;
	if (s->sides[!dir].phase == PHASE_RESYNC)	/* which has not begun yet */
		s->sides[!dir].phase = PHASE_PACKET;
	reader_vector(&r, 2);
	s->version = (uint8_t)reader_number(&r, 1);
	flags = reader_number(&r, 1);
	reader_take(&r, 2);
	s->auth = flags & 0x80 ? AUTH_BASIC : AUTH_NONE;
	ex = exchange_new(s, dir, "CONNECT", wire, at);
	if (!ex)
		return;
	if (s->version >= 5)
		take_properties(s, &r, ex, dir, &none);
	client = reader_vector(&r, 2);
	tell(s, ex, dir, "connect", SLICE("client"), client);
	if (flags & 4) {
		none = (struct slice){ 0 };
		if (s->version >= 5)
			take_properties(s, &r, ex, dir, &none);
		topic = reader_vector(&r, 2);
		will = reader_vector(&r, 2);
		tell(s, ex, dir, "connect", SLICE("will_topic"), topic);
		if (!r.failed)
			content(s, ex, dir, none, will, false);
	}
	if (flags & 0x80)
		tell(s, ex, dir, "connect", SLICE("user"), reader_vector(&r, 2));
	if (flags & 0x40)
		tell(s, ex, dir, "connect", SLICE("password"), reader_vector(&r, 2));
	if (r.failed)
		ex->inspected = INSPECTED_PARTIAL;
	wait_for(s, ex, dir, CONNACK, 0, at);
}

/* What HTTP calls a reason of MQTT 5. */
static uint16_t status_of(uint32_t reason)
{
	switch (reason) {
	case 0x86:
		return 401;
	case 0x87: case 0x8a: case 0x8c:
		return 403;
	case 0x88: case 0x89:
		return 503;
	case 0x95:
		return 413;
	case 0x96: case 0x97: case 0x9f:
		return 429;
	default:
		return reason < 0x80 ? 200 : 400;
	}
}

static uint16_t connack_status(const struct state *s, struct slice body)
{
	static const uint16_t codes[] = { 200, 400, 400, 503, 401, 403 };	/* of 3.1.1 */

	if (body.len < 2)
		return 400;
	return body.ptr[1] < sizeof(codes) / sizeof(codes[0]) ? codes[body.ptr[1]] : status_of(body.ptr[1]);
}

/* SUBSCRIBE and UNSUBSCRIBE: the first filter is the route, all are fields. */
static void take_filters(struct state *s, const struct packet *p, enum dir dir, struct slice body, struct stamp at)
{
	struct reader r = { .left = body };
	struct slice type = { 0 };
	uint16_t id = (uint16_t)reader_number(&r, 2);
	struct exchange *ex;

	learn_asks(s, dir);
	ex = exchange_new(s, dir, p->type == SUBSCRIBE ? "SUBSCRIBE" : "UNSUBSCRIBE", p->head + p->len, at);
	if (!ex)
		return;
	if (s->version >= 5)
		take_properties(s, &r, ex, dir, &type);
	for (unsigned n = 0; r.left.len && !r.failed && n < FILTERS_MAX; n++) {
		struct slice filter = reader_vector(&r, 2);

		if (p->type == SUBSCRIBE)
			reader_take(&r, 1);
		if (!n)
			route_template(ex->route, filter, s->sink);
		tell(s, ex, dir, "subscribe", SLICE("topic"), filter);
	}
	if (r.failed || r.left.len)
		ex->inspected = INSPECTED_PARTIAL;
	wait_for(s, ex, dir, p->type == SUBSCRIBE ? SUBACK : UNSUBACK, id, at);
}

/* The worst of the reasons that end it. */
static uint16_t worst(const struct state *s, struct slice body)
{
	struct reader r = { .left = body };
	uint32_t most = 0;

	if (s->version >= 5)
		reader_take(&r, take_varint(&r));
	for (size_t i = 0; !r.failed && i < r.left.len; i++)
		most = r.left.ptr[i] > most ? r.left.ptr[i] : most;
	return status_of(most);
}

static void take_answer(struct state *s, const struct packet *p, enum dir dir, struct slice body, struct stamp at)
{
	struct slice rest = slice_of(body.ptr, body.len < 2 ? 0 : body.len);
	uint16_t id = rest.len ? (uint16_t)(rest.ptr[0] << 8 | rest.ptr[1]) : 0, status;
	size_t wire = p->head + p->len;

	if (p->type == CONNACK) {
		learn_asks(s, (enum dir)!dir);
		answered(s, dir, CONNACK, 0, connack_status(s, body), wire, at);
	} else if (p->type == SUBACK || p->type == UNSUBACK) {
		learn_asks(s, (enum dir)!dir);
		rest = rest.len ? slice_of(rest.ptr + 2, rest.len - 2) : rest;
		answered(s, dir, p->type, id, worst(s, rest), wire, at);
	} else {
		status = rest.len > 2 ? status_of(rest.ptr[2]) : 200;
		answered(s, dir, PUBACK, id, status, wire, at);	/* PUBREC is as good: that it came */
	}
}

static void take_packet(struct state *s, const struct packet *p, enum dir dir, struct slice body, struct stamp at)
{
	switch (p->type) {
	case CONNECT:
		take_connect(s, dir, body, p->head + p->len, at);
		break;
	case CONNACK: case PUBACK: case PUBREC: case SUBACK: case UNSUBACK:
		take_answer(s, p, dir, body, at);
		break;
	case SUBSCRIBE: case UNSUBSCRIBE:
		take_filters(s, p, dir, body, at);
		break;
	default:
		break;	/* pings, second halves of answers, the end: nothing of the messages */
	}
}

/* ---- PUBLISH, whose payload may be long ---- */

static void publish_done(struct state *s, struct side *side, enum dir dir, struct stamp at)
{
	struct exchange *ex = side->ex;

	side->phase = PHASE_PACKET;
	side->ex = NULL;
	if (ex) {
		content(s, ex, dir, slice_of((const uint8_t *)side->type, side->type_len), slice_of(side->held.ptr, side->held.len), side->cut);
		if (side->id)
			wait_for(s, ex, dir, PUBACK, side->id, at);
		else
			emit(s, ex, at);
	}
	buf_free(&side->held);
}

/* Of a connection whose CONNECT was not seen: text begins with no zero, an empty list of properties is one. */
static bool has_properties(const struct state *s, struct slice rest)
{
	return s->version >= 5 || (!s->version && rest.len && !rest.ptr[0]);
}

static struct feed_result astray(const struct state *s, struct side *side)
{
	if (!side->unsure || !s->sure)
		return (struct feed_result){ FEED_BAD, 0, 0 };
	side->phase = PHASE_RESYNC;
	return (struct feed_result){ FEED_OK, 1, 1 };
}

static struct feed_result publish_begin(struct state *s, struct side *side, enum dir dir, const struct packet *p, struct slice in, struct stamp at)
{
	size_t have = in.len - p->head < p->len ? in.len - p->head : p->len, head;
	struct reader r = { .left = slice_of(in.ptr + p->head, have) }, properties;
	struct slice topic = reader_vector(&r, 2), type = { 0 };
	bool more = have < p->len, undecided, has;

	side->id = p->flags & 6 ? (uint16_t)reader_number(&r, 2) : 0;
	properties = r;
	undecided = !s->version && more && !r.left.len;
	has = has_properties(s, r.left);
	if (has)
		reader_take(&r, take_varint(&r));
	if ((r.failed || undecided) && more && have < PROTOCOL_HEAD_MAX)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (r.failed)
		return astray(s, side);
	head = (size_t)(r.left.ptr - in.ptr);
	side->ex = exchange_new(s, dir, "PUBLISH", head, at);
	if (side->ex)
		route_template(side->ex->route, topic, s->sink);
	if (has)
		take_properties(s, &properties, side->ex, dir, &type);
	side->type_len = type.len < sizeof(side->type) ? type.len : 0;
	if (side->type_len)
		memcpy(side->type, type.ptr, type.len);
	side->seen = true;
	session_count(s->session, FATE_EXAMINED, head);
	side->left = (uint32_t)(p->head + p->len - head);
	side->cut = false;
	side->phase = PHASE_PAYLOAD;
	if (!side->left)
		publish_done(s, side, dir, at);
	return (struct feed_result){ FEED_OK, head, 0 };
}

static void publish_count(struct state *s, struct side *side, enum dir dir, size_t n)
{
	side->left -= (uint32_t)n;
	if (side->ex)
		*(dir == s->asks ? &side->ex->request_bytes : &side->ex->response_bytes) += n;
}

static struct feed_result feed_payload(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left ? in.len : side->left, room = PROTOCOL_BODY_HELD - side->held.len, kept = n < room ? n : room;

	if (kept < n || (side->ex && buf_add(&side->held, in.ptr, kept)))
		side->cut = true;
	session_count(s->session, side->ex ? FATE_EXAMINED : FATE_OPAQUE, n);
	publish_count(s, side, dir, n);
	if (!side->left)
		publish_done(s, side, dir, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed_packet(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	struct packet p;
	int r = packet_read(in, &p);

	if (!r)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (r < 0)
		return astray(s, side);
	s->sure |= side->seen;
	if (p.type == PUBLISH)
		return publish_begin(s, side, dir, &p, in, at);
	if (p.len > PROTOCOL_HEAD_MAX) {
		side->phase = PHASE_PASS;
		side->left = p.len;
		return (struct feed_result){ FEED_OK, p.head, p.head };
	}
	if (in.len - p.head < p.len)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	side->seen = true;
	session_count(s->session, FATE_EXAMINED, p.head + p.len);
	take_packet(s, &p, dir, slice_of(in.ptr + p.head, p.len), at);
	return (struct feed_result){ FEED_OK, p.head + p.len, 0 };
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];
	size_t n;

	switch (side->phase) {
	case PHASE_PACKET:
		return feed_packet(s, side, dir, in, at);
	case PHASE_PAYLOAD:
		return feed_payload(s, side, dir, in, at);
	case PHASE_PASS:
		n = in.len < side->left ? in.len : side->left;
		side->left -= (uint32_t)n;
		side->phase = side->left ? PHASE_PASS : PHASE_PACKET;
		return (struct feed_result){ FEED_OK, n, n };
	case PHASE_RESYNC:
		n = 0;
		if (connect_begins(in) > 0 || seek(in, dir, &n))
			side->phase = PHASE_PACKET;
		/* Found where it stands: a step that consumes nothing would end the feed. */
		if (side->phase == PHASE_PACKET && !n)
			return feed_packet(s, side, dir, in, at);
		return (struct feed_result){ side->phase == PHASE_PACKET || n == in.len ? FEED_OK : FEED_MORE, n, n };
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static int gap(void *state, enum dir dir, uint64_t missing, enum loss cause, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];
	bool inside = missing && missing <= side->left;

	side->cut = side->unsure = true;
	if (side->ex)
		side->ex->has_gap = 1;
	if (side->phase == PHASE_PAYLOAD) {
		publish_count(s, side, dir, inside ? (size_t)missing : 0);
		side->left = inside ? side->left : 0;
		if (!side->left)
			publish_done(s, side, dir, at);
	} else if (side->phase == PHASE_PASS && inside) {
		side->left -= (uint32_t)missing;
		side->phase = side->left ? PHASE_PASS : PHASE_PACKET;
	} else {
		inside = false;
	}
	if (!inside)
		side->phase = PHASE_RESYNC;
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct state *s = state;

	for (unsigned i = 0; i < s->nr_waiting; i++)
		session_emit_part(s->session, s->waiting[i].ex, at);
	for (int d = 0; d < 2; d++)
		if (s->sides[d].ex)
			session_emit_part(s->session, s->sides[d].ex, at);
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	for (int d = 0; d < 2; d++)
		if (s->sides[d].phase == PHASE_PAYLOAD) {
			s->sides[d].cut = true;
			publish_done(s, &s->sides[d], (enum dir)d, at);
		}
	while (s->nr_waiting) {
		emit(s, s->waiting[0].ex, at);
		waiting_drop(s, 0);
	}
}

static void fini(void *state)
{
	struct state *s = state;

	for (int d = 0; d < 2; d++) {
		buf_free(&s->sides[d].held);
		budget_free(s->sides[d].ex, sizeof(struct exchange));
	}
	for (unsigned i = 0; i < s->nr_waiting; i++)
		budget_free(s->waiting[i].ex, sizeof(struct exchange));
}

const struct protocol protocol_mqtt = {
	.name = "mqtt", .summary = "MQTT 3.1.1 and 5, a message is an exchange", .state_size = sizeof(struct state),
	.guess = guess, .seek = seek, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
};
