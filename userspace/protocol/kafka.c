/* SPDX-License-Identifier: Apache-2.0 */
/* kafka.c - Kafka: where requests and responses begin, also behind a gap or joined late, and which
 * response answers which request. Servers answer in the order they were asked. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/content.h"
#include "protocol/kafka.h"

#define HEAD_REQUEST	14	/* up to the client's id */
#define HEAD_RESPONSE	8
#define VERSIONS_AHEAD	4	/* newer than is known here, and still believed */
#define PRODUCE_LOOKED_AT 600	/* bytes that tell whether it is one */
#define FETCH_LOOKED_AT	400
#define REPLICA_MAX	(1 << 20)
#define TRANSACTION_MAX 255
#define FOUND_MAX	(1 << 20)	/* of a request that carries no records, where nothing is known of what stood before */
#define NAMELESS_MAX	400
#define ALONE_MAX	16384	/* bytes of a request that is waited for, to see what follows it */
#define TOPICS_MAX	65535
#define TOPIC_MAX	249	/* bytes of a name */
#define TIME_MAX	3600000	/* ms that a server makes a client wait */

static uint32_t number_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- does a message begin here? ---- */

/* The first 14 bytes, as far as they are there: 1 fits, 0 does not, -1 all that is there does. */
static int head_fits(struct slice in)
{
	const struct kafka_api *api;

	if (in.len >= 1 && in.ptr[0] > KAFKA_REQUEST >> 24)
		return 0;
	if (in.len >= 5 && in.ptr[4])
		return 0;
	if (in.len < 6)
		return -1;
	api = kafka_api(in.ptr[5]);
	if (in.ptr[5] >= KAFKA_APIS || (in.len >= 7 && in.ptr[6]) || (in.len >= 8 && in.ptr[7] > (api ? api->max : 4) + VERSIONS_AHEAD))
		return 0;
	if (in.len < HEAD_REQUEST)
		return -1;
	return number_at(in.ptr) >= HEAD_REQUEST - 4 && number_at(in.ptr) <= KAFKA_REQUEST;
}

/* As head_fits(), and the name that a client gives itself; *id_len is -1 where it gives none. */
static int request_fits(struct slice in, int *id_len)
{
	int fits = head_fits(in);

	if (fits <= 0)
		return fits;
	*id_len = (int16_t)(in.ptr[12] << 8 | in.ptr[13]);
	if (*id_len < -1 || *id_len > 255 || (uint32_t)(*id_len < 0 ? 0 : *id_len) > number_at(in.ptr) - (HEAD_REQUEST - 4))
		return 0;
	for (int i = 0; i < *id_len; i++) {
		if (HEAD_REQUEST + (size_t)i == in.len)
			return -1;
		if (in.ptr[HEAD_REQUEST + i] < 0x20 || in.ptr[HEAD_REQUEST + i] > 0x7e)
			return 0;
	}
	return 1;
}

/* Several answers look like a Produce of a client that is called as their topic: but for what follows. */
static bool is_topic(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum(name.ptr[i]) && !memchr("._-", name.ptr[i], 3))
			return false;
	return true;
}

static int produce_fits(struct slice in, int id_len)
{
	struct reader r = { in, false };
	unsigned version = in.ptr[7];
	bool flexible = version >= kafka_api(KAFKA_PRODUCE)->flexible;
	uint32_t acks, time, topics;
	uint64_t transaction = 0;
	struct slice name;

	reader_take(&r, HEAD_REQUEST + (size_t)(id_len > 0 ? id_len : 0));
	kafka_tags(&r, flexible);
	if (version >= 3)	/* a length of 0 is none */
		transaction = flexible ? reader_varint(&r) : (reader_number(&r, 2) + 1) & 0xffff;
	if (transaction > TRANSACTION_MAX)
		return 0;
	reader_take(&r, transaction ? transaction - 1 : 0);
	acks = reader_number(&r, 2);
	time = reader_number(&r, 4);
	topics = kafka_count(&r, flexible);
	if (r.failed)
		return in.len < PRODUCE_LOOKED_AT && in.len < number_at(in.ptr) + 4ull ? -1 : 0;
	if ((acks > 1 && acks != 0xffff) || !time || time > TIME_MAX || !topics || topics > TOPICS_MAX)
		return 0;
	if (version >= 13)	/* an id of 16 bytes */
		return 1;
	name = kafka_string(&r, flexible);
	if (r.failed)
		return in.len < PRODUCE_LOOKED_AT && in.len < number_at(in.ptr) + 4ull ? -1 : 0;
	return name.len && name.len <= TOPIC_MAX && is_topic(name);
}

/* Who fetches, and how long and for how much it waits. */
static int fetch_fits(struct slice in, int id_len)
{
	struct reader r = { in, false };
	unsigned version = in.ptr[7];
	uint32_t replica = UINT32_MAX, time, bytes;

	reader_take(&r, HEAD_REQUEST + (size_t)(id_len > 0 ? id_len : 0));
	kafka_tags(&r, version >= kafka_api(KAFKA_FETCH)->flexible);
	if (version < 15)
		replica = reader_number(&r, 4);
	time = reader_number(&r, 4);
	bytes = reader_number(&r, 4);
	if (r.failed)
		return in.len < FETCH_LOOKED_AT && in.len < number_at(in.ptr) + 4ull ? -1 : 0;
	return (replica == UINT32_MAX || replica < REPLICA_MAX) && time <= TIME_MAX && bytes <= KAFKA_RESPONSE;
}

/* As request_fits(), where nothing is known of what stood before. */
static int request_found(struct slice in, int *id_len)
{
	int fits = request_fits(in, id_len);

	if (fits > 0 && in.ptr[5] != KAFKA_PRODUCE && number_at(in.ptr) > FOUND_MAX)
		return 0;
	if (fits > 0 && in.ptr[5] == KAFKA_FETCH)
		return fetch_fits(in, *id_len);
	return fits > 0 && in.ptr[5] == KAFKA_PRODUCE ? produce_fits(in, *id_len) : fits;
}

/* A client names itself alike in all its requests; where it has no name, more must fit. */
static bool is_clients(const struct kafka_state *s, struct slice in, int id_len)
{
	if (!s->client_known)
		return id_len > 0 || in.ptr[5] == KAFKA_VERSIONS || in.ptr[5] == KAFKA_METADATA;
	if ((s->client_len < 0) != (id_len < 0))
		return false;
	id_len = id_len < (int)sizeof(s->client) ? id_len : (int)sizeof(s->client);
	return id_len <= 0 ? s->client_len <= 0 : id_len == s->client_len && !memcmp(s->client, in.ptr + HEAD_REQUEST, (size_t)id_len);
}

static int request_begins(const struct kafka_state *s, struct slice in, bool resync, size_t *head, uint64_t *total)
{
	int id_len = -1, fits = request_fits(in, &id_len);

	if (!fits && s->tokens && !resync) {
		if (in.len < 4)
			return -1;
		if (number_at(in.ptr) > PROTOCOL_HEAD_MAX)
			return 0;
		*head = 4;
		*total = number_at(in.ptr) + 4ull;
		return 1;
	}
	if (fits > 0 && resync)
		fits = is_clients(s, in, id_len) ? request_found(in, &id_len) : 0;
	if (fits <= 0)
		return fits;
	*head = HEAD_REQUEST + (size_t)(id_len > 0 ? id_len : 0);
	*total = number_at(in.ptr) + 4ull;
	return 1;
}

/* Behind a gap a number must be one that is waited for, and what stands at the front of most answers fit. */
static bool answer_fits(struct slice in, const struct pair *pair)
{
	uint16_t api = (uint16_t)(pair->kind >> 16), version = (uint16_t)pair->kind;

	if (number_at(in.ptr) < 6)
		return false;
	if (api != KAFKA_FETCH || version < 1 || in.len < HEAD_RESPONSE + 5)
		return true;
	return number_at(in.ptr + HEAD_RESPONSE + (version >= kafka_api(api)->flexible)) <= TIME_MAX;
}

static int response_begins(struct kafka_state *s, struct slice in, bool resync, size_t *head, uint64_t *total)
{
	const struct pair *pair;

	if (in.len && in.ptr[0] > KAFKA_RESPONSE >> 24)
		return 0;
	if (s->tokens && !s->pairs.nr && !resync) {
		*head = 4;
		*total = in.len < 4 ? 0 : number_at(in.ptr) + 4ull;
		return in.len < 4 ? -1 : *total <= PROTOCOL_HEAD_MAX;
	}
	if (in.len < HEAD_RESPONSE)
		return -1;
	*head = HEAD_RESPONSE;
	*total = number_at(in.ptr) + 4ull;
	if (*total < HEAD_RESPONSE || *total > KAFKA_RESPONSE)
		return 0;
	pair = pairs_find(&s->pairs, number_at(in.ptr + 4));
	if (!resync)	/* an answer to what was not seen has a size all the same */
		return pair || !s->frames.sides[!s->front].after_gap;
	if (!pair)
		return 0;
	return in.len < HEAD_RESPONSE + 5 && *total >= HEAD_RESPONSE + 5 ? -1 : answer_fits(in, pair);
}

static int guess(struct slice in, enum dir dir)
{
	int id_len = -1, fits = request_found(in, &id_len);
	uint8_t api;

	if (fits < 0)
		return in.len ? -EAGAIN : 0;
	if (!fits)
		return 0;
	api = in.ptr[5];
	if (id_len > 0)
		return number_at(in.ptr) < KAFKA_REQUEST ? 85 : 0;
	if (api != KAFKA_VERSIONS && api != KAFKA_METADATA && api != KAFKA_HANDSHAKE)
		return 0;
	/* Without a name much looks like these: it is awaited whole, and that is not long. */
	return number_at(in.ptr) > NAMELESS_MAX ? 0 : in.len < number_at(in.ptr) + 4 ? -EAGAIN : 50;
}

/* A request of whose content nothing is looked at is believed by what follows it: the next one. */
static int request_alone(struct slice in)
{
	int id_len = -1, fits = request_found(in, &id_len);
	uint64_t total = fits > 0 ? number_at(in.ptr) + 4ull : 0;

	if (fits <= 0 || in.ptr[5] == KAFKA_PRODUCE || in.ptr[5] == KAFKA_FETCH)
		return fits > 0 ? id_len > 0 : fits;
	if (id_len <= 0 || total > ALONE_MAX)
		return 0;
	if (in.len < total)
		return -1;
	return head_fits(slice_of(in.ptr + total, in.len - total));
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	for (*at = 0; *at < in.len; ++*at) {
		int fits = request_alone(slice_of(in.ptr + *at, in.len - *at));

		if (fits)
			return fits > 0;
	}
	return false;
}

/* ---- messages ---- */

static struct kafka_message *message_new(struct kafka_state *s, enum dir dir, uint64_t total)
{
	struct kafka_message *m = &s->in[dir];

	*m = (struct kafka_message){ .total = total, .response = dir != s->front };
	return m;
}

static void message_kind(struct kafka_message *m, uint16_t api, uint16_t version)
{
	const struct kafka_api *row = kafka_api(api);

	m->api = api;
	m->version = version;
	m->known = row && version <= row->max;
	m->flexible = row && version >= row->flexible;
}

static void tell_client(struct kafka_state *s, struct exchange *ex)
{
	struct field f = {
		.location = LOC_REQUEST_HEADER, .dir = s->front, .path = "client.id", .key = SLICE("id"), .parent = SLICE("client"),
		.value = slice_of(s->client, s->client_len > 0 ? (size_t)s->client_len : 0), .text = 1,
	};

	if (ex && f.value.len && !s->client_told)
		s->sink->field(s->sink->owner, ex, &f);
	s->client_told |= ex != NULL;
}

static void begin_request(struct kafka_state *s, struct slice head, uint64_t total, struct stamp at)
{
	struct kafka_message *m = message_new(s, s->front, total);
	int id_len;

	if (head.len < HEAD_REQUEST) {	/* a token */
		m->api = KAFKA_APIS;
		return;
	}
	s->sure |= s->client_known;
	if (s->tokens) {	/* who goes on was let in */
		s->auth = s->auth_asked;
		s->tokens = false;
	}
	id_len = (int16_t)(head.ptr[12] << 8 | head.ptr[13]);
	message_kind(m, head.ptr[5], head.ptr[7]);
	m->id = number_at(head.ptr + 8);
	s->client_known = true;
	s->client_len = (int8_t)(id_len < (int)sizeof(s->client) ? id_len : (int)sizeof(s->client));
	if (s->client_len > 0)
		memcpy(s->client, head.ptr + HEAD_REQUEST, (size_t)s->client_len);
	m->ex = pairs_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);
	if (!m->ex)
		return;
	kafka_method(m->ex->method, m->api);
	m->ex->request_bytes = total;
	m->ex->auth = s->auth;
	m->ex->inspected = m->known ? INSPECTED_FULL : INSPECTED_NONE;
	tell_client(s, m->ex);
}

/* Those that were asked before it, and were not answered, will not be. */
static void begin_response(struct kafka_state *s, struct slice head, uint64_t total, struct stamp at)
{
	struct kafka_message *m = message_new(s, !s->front, total);
	struct pair *pair = head.len < HEAD_RESPONSE ? NULL : pairs_find(&s->pairs, number_at(head.ptr + 4));
	uint64_t asked;

	m->api = KAFKA_APIS;
	if (!pair)
		return;
	s->sure = true;
	asked = pair->asked;
	message_kind(m, (uint16_t)(pair->kind >> 16), (uint16_t)pair->kind);
	m->ex = pairs_take(&s->pairs, s->session, pair, true, at);
	if (m->ex) {
		m->ex->response_bytes = total;
		pairs_latency(m->ex, asked, at);
	}
}

static int begins(void *owner, enum dir dir, struct slice in, bool resync, size_t *head, uint64_t *total)
{
	struct kafka_state *s = owner;
	int begins = dir == s->front ? request_begins(s, in, resync, head, total) : response_begins(s, in, resync, head, total);

	s->bad |= !begins && !resync && !s->sure && dir == s->front;
	return begins;
}

static void begin(void *owner, enum dir dir, struct slice head, uint64_t total, struct stamp at)
{
	if (dir == ((struct kafka_state *)owner)->front)
		begin_request(owner, head, total, at);
	else
		begin_response(owner, head, total, at);
}

static bool has_records(const struct kafka_message *m)
{
	return m->known && m->api == (m->response ? KAFKA_FETCH : KAFKA_PRODUCE);
}

static size_t walk(void *owner, enum dir dir, struct slice in, enum frames_more more, struct stamp at)
{
	struct kafka_state *s = owner;
	struct kafka_message *m = &s->in[dir];

	if (has_records(m))
		return kafka_walk(s, m, dir, in, more);
	if (!m->response && m->api == KAFKA_APIS && s->tokens) {
		struct exchange *ex = more == FRAMES_MORE ? NULL : pairs_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);

		if (ex) {
			kafka_method(ex->method, KAFKA_AUTHENTICATE);
			ex->request_bytes = m->total;
			ex->auth = s->auth_asked;
			kafka_token(s, ex, dir, in);
			pairs_emit(s->session, ex, at);
		}
		return more == FRAMES_MORE ? 0 : in.len;
	}
	if (!kafka_is_read(m)) {
		frames_skip(&s->frames, dir, FRAMES_ALL);
		return in.len;
	}
	if (more == FRAMES_MORE)
		return 0;
	if (m->response)
		kafka_response(s, m, in);
	else
		kafka_request(s, m, dir, in);
	if (more == FRAMES_STOP)
		frames_skip(&s->frames, dir, FRAMES_ALL);
	return in.len;
}

static uint64_t hole(void *owner, enum dir dir, uint64_t missing)
{
	struct kafka_message *m = &((struct kafka_state *)owner)->in[dir];

	return has_records(m) ? kafka_hole(m, missing) : FRAMES_ALL;
}

static void end(void *owner, enum dir dir, struct stamp at)
{
	struct kafka_state *s = owner;
	struct kafka_message *m = &s->in[dir];
	bool cut = s->frames.sides[dir].cut;
	struct exchange *ex = m->ex;

	m->unread |= has_records(m) && m->stage != STAGE_REST;
	if (ex && (has_records(m) ? m->unread : cut && kafka_is_read(m)) && ex->inspected == INSPECTED_FULL)
		ex->inspected = m->looked || !m->unread ? INSPECTED_PARTIAL : INSPECTED_NONE;
	if (ex)
		ex->has_gap |= cut;
	m->ex = NULL;
	if (m->response) {
		if (ex) {
			ex->status = kafka_status(m->error);
			ex->auth = ex->auth ? ex->auth : s->auth;
		}
		pairs_emit(s->session, ex, at);
	} else if (m->silent || m->api == KAFKA_APIS) {
		pairs_emit(s->session, ex, at);
	} else {
		struct pair pair = { ex, at.time, m->id, (uint32_t)m->api << 16 | m->version };

		pairs_add(&s->pairs, s->session, pair, at);
	}
}

/* ---- the row ---- */

static const struct frames_ops ops = { begins, begin, walk, hole, end };

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct kafka_state *s = state;

	s->sink = sink;
	s->session = session;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	frames_init(&s->frames, &ops, s, session, PROTOCOL_BODY_HELD);
	s->frames.sides[0].after_gap = s->frames.sides[1].after_gap = conn->late;
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct kafka_state *s = state;
	struct feed_result r;
	int id_len;

	/* What was found are requests, whatever the role is thought to be. */
	if (!s->front_known)
		s->front = request_found(in, &id_len) > 0 ? dir : !dir;
	s->front_known = true;
	r = frames_feed(&s->frames, dir, in, at);
	r.status = s->bad ? FEED_BAD : r.status;
	return r;
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct kafka_state *s = state;

	s->bad = false;
	frames_gap(&s->frames, dir, lost, at);
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct kafka_state *s = state;

	pairs_interval(&s->pairs, s->session, at);
}

static void eof(void *state, struct stamp at)
{
	struct kafka_state *s = state;

	frames_eof(&s->frames, at);
	pairs_end(&s->pairs, s->session, at);
}

static void fini(void *state)
{
	struct kafka_state *s = state;

	frames_free(&s->frames);
	pairs_free(&s->pairs);
	for (int d = 0; d < 2; d++)
		budget_free(s->in[d].ex, sizeof(*s->in[d].ex));
	budget_free(s->ids, sizeof(*s->ids));
}

const struct protocol protocol_kafka = {
	.name = "kafka", .summary = "Kafka: records of Produce and Fetch, compressed too, and who logs in",
	.state_size = sizeof(struct kafka_state), .guess = guess, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
	.seek = seek,
};
