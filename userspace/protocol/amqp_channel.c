/* SPDX-License-Identifier: Apache-2.0 */
/* amqp_channel.c - exchanges of AMQP: a method with its answer, a publish with its confirm, a delivery with
 * its acknowledgement. Contents come on each channel in pieces, among those of others. */
#include <string.h>

#include "base/budget.h"
#include "protocol/amqp.h"
#include "protocol/content.h"
#include "protocol/packed.h"
#include "protocol/reader.h"
#include "protocol/sasl.h"

#define REFUSED 500	/* by whom it was meant for */
#define LATER	503	/* is put back */

enum role amqp_role(const struct amqp_state *s)
{
	return !s->front_known ? ROLE_UNKNOWN : s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;
}

/* What HTTP calls a reply code (1.1 of the protocol's definitions). */
static uint16_t status_of(uint64_t code)
{
	switch (code) {
	case 311: return 413;
	case 312: return 404;	/* no route */
	case 313: case 320: case 506: return 503;
	case 402: case 530: return 403;
	case 403: case 404: case 405: case 406: return (uint16_t)code;
	case 540: return 501;
	case 541: return 500;
	default: return code < 300 ? 200 : 400;
	}
}

static struct exchange *exchange_new(const struct amqp_state *s, const char *method, struct stamp at)
{
	struct exchange *ex = pairs_exchange(amqp_role(s), at);

	if (!ex)
		return NULL;
	ex->auth = s->auth;
	word_set(ex->method, method);
	return ex;
}

static void add_bytes(const struct amqp_state *s, struct exchange *ex, enum dir dir, size_t wire)
{
	if (ex)
		*(dir == s->front ? &ex->request_bytes : &ex->response_bytes) += wire;
}

static void hand_in(struct amqp_state *s, struct exchange *ex, uint16_t status, struct stamp at)
{
	if (!ex)
		return;
	ex->status = status;
	pairs_emit(s->session, ex, at);
}

/* ---- channels ---- */

static bool rests(const struct amqp_channel *c)
{
	return !c->contents[0].phase && !c->contents[1].phase;
}

static void content_drop(struct amqp_state *s, struct amqp_content *c)
{
	s->held -= c->held.len;
	buf_free(&c->held);
	explicit_bzero(c, sizeof(*c));
	buf_init(&c->held, PROTOCOL_BODY_HELD);
}

static void channel_free(struct amqp_state *s, unsigned i)
{
	struct amqp_channel *c = s->channels[i];

	for (unsigned d = 0; d < 2; d++) {
		budget_free(c->contents[d].ex, sizeof(struct exchange));
		content_drop(s, &c->contents[d]);
	}
	budget_free(c, sizeof(*c));
	s->channels[i] = s->channels[--s->nr_channels];
	s->channels[s->nr_channels] = NULL;
}

static struct amqp_channel *channel_find(struct amqp_state *s, uint16_t id)
{
	for (unsigned i = 0; i < s->nr_channels; i++) {
		struct amqp_channel *c = s->channels[i];

		if (c->id != id)
			continue;
		s->channels[i] = s->channels[0];	/* who speaks goes on speaking */
		s->channels[0] = c;
		c->used = ++s->uses;
		return c;
	}
	return NULL;
}

/* False: contents come on all of them. */
static bool channel_room(struct amqp_state *s)
{
	unsigned oldest = AMQP_CHANNELS;

	if (s->nr_channels < AMQP_CHANNELS)
		return true;
	for (unsigned i = 0; i < s->nr_channels; i++)
		if (rests(s->channels[i]) && (oldest == AMQP_CHANNELS || s->channels[i]->used < s->channels[oldest]->used))
			oldest = i;
	if (oldest == AMQP_CHANNELS)
		return false;
	channel_free(s, oldest);
	return true;
}

static struct amqp_channel *channel_get(struct amqp_state *s, uint16_t id)
{
	struct amqp_channel *c = channel_find(s, id);

	if (c || !channel_room(s) || !(c = budget_alloc(sizeof(*c))))
		return c;
	c->id = id;
	c->used = ++s->uses;
	buf_init(&c->contents[0].held, PROTOCOL_BODY_HELD);
	buf_init(&c->contents[1].held, PROTOCOL_BODY_HELD);
	s->channels[s->nr_channels++] = c;
	return c;
}

static uint64_t tag_id(uint16_t channel, uint64_t tag)
{
	return (uint64_t)channel << 48 | (tag & (UINT64_MAX >> 16));
}

static uint32_t asked_id(uint16_t channel, enum dir dir, uint32_t key)
{
	return (uint32_t)channel << 16 | (uint32_t)dir << 15 | key;
}

/* ---- contents ---- */

static int decode(struct amqp_state *s, struct amqp_content *c, enum dir dir, struct slice body)
{
	static const enum packing packings[] = {
		[ENCODING_DEFLATE] = PACKED_ZLIB, [ENCODING_BROTLI] = PACKED_BROTLI, [ENCODING_ZSTD] = PACKED_ZSTD,
	};
	struct content_job job = {
		.exchange = c->ex, .sink = s->sink, .dir = dir, .cut = c->cut, .location = dir == s->front ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY,
	};
	enum unpacked unpacked = UNPACKED_WHOLE;
	struct buf plain;
	int done;

	buf_init(&plain, 0);
	if (c->encoding < sizeof(packings) / sizeof(packings[0]) && packings[c->encoding]) {
		unpacked = packed_read(s->sink, packings[c->encoding], body, &plain);
		body = slice_of(plain.ptr, plain.len);
		job.cut |= unpacked != UNPACKED_WHOLE;
	}
	done = unpacked == UNPACKED_NONE ? INSPECTED_NONE : content_decode(&job, slice_of(c->type, c->type_len), body);
	buf_free(&plain);
	return job.cut && done == INSPECTED_FULL ? INSPECTED_PARTIAL : done;
}

/* It is whole, or all that comes of it. */
static void content_done(struct amqp_state *s, struct amqp_channel *ch, enum dir dir, struct slice body, struct stamp at)
{
	struct amqp_content *c = &ch->contents[dir];
	struct exchange *ex = c->ex;
	struct pair pair = { ex, at.time, tag_id(ch->id, c->tag), c->key };
	bool waits = c->tag != 0;
	uint16_t status = c->status;

	if (ex) {
		int done = body.len || c->cut ? decode(s, c, dir, body) : INSPECTED_FULL;

		ex->inspected = (uint8_t)(done == INSPECTED_FULL && c->unread ? INSPECTED_PARTIAL : done);
	}
	c->ex = NULL;
	content_drop(s, c);
	if (!waits)
		hand_in(s, ex, status, at);
	else if (ex)
		pairs_add(dir == s->front ? &s->published : &s->delivered, s->session, pair, at);
}

static struct slice held(const struct amqp_content *c)
{
	return slice_of(c->held.ptr, c->held.len);
}

/* More of it does not come, or is not known to be its own. */
static void content_break(struct amqp_state *s, struct amqp_channel *ch, enum dir dir, bool gap, struct stamp at)
{
	struct amqp_content *c = &ch->contents[dir];

	if (!c->phase)
		return;
	c->cut = true;
	if (c->ex && gap)
		c->ex->has_gap = 1;
	content_done(s, ch, dir, held(c), at);
}

static void tell_names(struct amqp_state *s, struct exchange *ex, enum dir dir, const struct amqp_method *m)
{
	static const struct { char kind; const char *name; } names[] = {
		{ 'x', "exchange" }, { 'k', "routing_key" }, { 'u', "queue" }, { 'h', "vhost" },
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct amqp_arg *a = amqp_arg(m, names[i].kind);
		struct field f = { .location = LOC_PATH, .dir = dir, .path = names[i].name, .text = 1 };

		if (!a || !a->text.len)
			continue;
		f.value = a->text;
		s->sink->field(s->sink->owner, ex, &f);
	}
}

/* "exchange/routing key", a queue, an exchange, or a virtual host. */
static void route_set(struct amqp_state *s, struct exchange *ex, const struct amqp_method *m)
{
	const struct amqp_arg *x = amqp_arg(m, 'x'), *k = amqp_arg(m, 'k'), *u = amqp_arg(m, 'u');
	uint8_t both[2 * 255 + 1];
	size_t n = 0;

	if (!x || !k) {
		const struct amqp_arg *one = u ? u : x ? x : amqp_arg(m, 'h');

		if (one)
			route_key(ex->route, one->text, s->sink);
		return;
	}
	if (x->text.len)
		memcpy(both, x->text.ptr, n = x->text.len);
	both[n++] = '/';
	if (k->text.len)
		memcpy(both + n, k->text.ptr, k->text.len);
	route_key(ex->route, slice_of(both, n + k->text.len), s->sink);
}

static void said(struct amqp_state *s, struct exchange *ex, enum dir dir, const struct amqp_method *m)
{
	const struct amqp_arg *text = amqp_arg(m, 'r'), *table = amqp_arg(m, 'T');
	struct content_job job = {
		.exchange = ex, .sink = s->sink, .dir = dir, .location = dir == s->front ? LOC_REQUEST_HEADER : LOC_RESPONSE_HEADER,
	};

	if (!ex)
		return;
	route_set(s, ex, m);
	tell_names(s, ex, dir, m);
	if (table)
		amqp_table(&job, m->key == AMQP_START_OK ? "client" : "argument", table->text);
	if (job.limited)
		ex->inspected = INSPECTED_PARTIAL;
	if (text)
		amqp_tell(s, ex, dir, "reply", "text", text->text);
}

/* Of FNV; who aims at a collision is only not waited for. */
static uint64_t consumer_hash(struct slice tag)
{
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < tag.len; i++)
		h = (h ^ tag.ptr[i]) * 1099511628211ull;
	return h;
}

static bool is_silent(const struct amqp_channel *ch, struct slice consumer)
{
	uint64_t h = consumer_hash(consumer);

	for (unsigned i = 0; i < ch->nr_silent; i++)
		if (ch->silent[i] == h)
			return true;
	return false;
}

static void add_silent(struct amqp_channel *ch, struct slice consumer)
{
	if (is_silent(ch, consumer))
		return;
	if (ch->nr_silent == AMQP_SILENT)
		memmove(ch->silent, ch->silent + 1, sizeof(ch->silent[0]) * --ch->nr_silent);
	ch->silent[ch->nr_silent++] = consumer_hash(consumer);
}

/* By which tag it is answered; 0: by none. */
static uint64_t content_tag(struct amqp_channel *ch, const struct amqp_method *m)
{
	if (m->key == AMQP_PUBLISH)
		return ch->confirms ? ++ch->published : 0;
	if (m->key == AMQP_DELIVER && ch->acknowledges && !is_silent(ch, m->args[0].text))
		return m->args[1].number;
	return 0;
}

static struct exchange *answered(struct amqp_state *s, enum dir dir, uint16_t channel, uint32_t key, uint32_t *kind, struct stamp at)
{
	struct pair *p = pairs_find(&s->asked, asked_id(channel, (enum dir)!dir, key));
	struct exchange *ex;
	uint64_t asked;

	if (!p)
		return NULL;
	asked = p->asked;
	if (kind)
		*kind = p->kind;
	ex = pairs_take(&s->asked, s->session, p, false, at);
	if (ex)
		pairs_latency(ex, asked, at);
	return ex;
}

static void content_begin(struct amqp_state *s, enum dir dir, uint16_t channel, const struct amqp_method *m, size_t wire, struct stamp at)
{
	struct amqp_channel *ch = channel_get(s, channel);
	struct exchange *ex = m->row->answers ? answered(s, dir, channel, m->row->answers, NULL, at) : NULL;
	uint16_t status = m->key == AMQP_RETURN ? status_of(m->args[0].number) : m->key == AMQP_GOT ? 200 : 0;

	if (ch)
		content_break(s, ch, dir, false, at);
	if (!ex)
		ex = exchange_new(s, m->row->name, at);
	add_bytes(s, ex, dir, wire);
	said(s, ex, dir, m);
	if (ch) {
		struct amqp_content *c = &ch->contents[dir];

		c->phase = AMQP_WANTS_HEADER;
		c->ex = ex;
		c->key = m->key;
		c->status = status;
		c->tag = content_tag(ch, m);
		return;
	}
	s->over = true;
	if (ex)
		ex->inspected = INSPECTED_NONE;
	hand_in(s, ex, status, at);
}

static struct amqp_content *waiting(struct amqp_state *s, enum dir dir, uint16_t channel, struct amqp_channel **ch)
{
	*ch = channel_find(s, channel);
	return *ch && (*ch)->contents[dir].phase == AMQP_WANTS_BODY ? &(*ch)->contents[dir] : NULL;
}

static enum fate fate_of(const struct amqp_state *s, const struct amqp_channel *ch, const struct amqp_content *c)
{
	return c && c->ex ? FATE_EXAMINED : c || (!ch && s->over) ? FATE_SKIPPED : FATE_OPAQUE;
}

enum fate amqp_header_fate(struct amqp_state *s, enum dir dir, uint16_t channel)
{
	struct amqp_channel *ch = channel_find(s, channel);

	return fate_of(s, ch, ch && ch->contents[dir].phase == AMQP_WANTS_HEADER ? &ch->contents[dir] : NULL);
}

void amqp_take_header(struct amqp_state *s, enum dir dir, uint16_t channel, struct slice payload, size_t wire, struct stamp at)
{
	struct amqp_channel *ch = channel_find(s, channel);
	struct amqp_content *c = ch ? &ch->contents[dir] : NULL;
	struct reader r = { .left = payload };
	uint64_t high;

	if (!c || c->phase != AMQP_WANTS_HEADER)
		return;
	reader_take(&r, 4);	/* class, weight */
	high = reader_number(&r, 4);
	c->left = high << 32 | reader_number(&r, 4);
	c->phase = AMQP_WANTS_BODY;
	add_bytes(s, c->ex, dir, wire);
	c->unread |= !amqp_properties(s, c, dir, r.left);
	if (!c->left)
		content_done(s, ch, dir, SLICE(""), at);
}

void amqp_body_frame(struct amqp_state *s, enum dir dir, uint16_t channel, size_t around)
{
	struct amqp_channel *ch;
	struct amqp_content *c = waiting(s, dir, channel, &ch);

	if (c)
		add_bytes(s, c->ex, dir, around);
}

enum fate amqp_body_fate(struct amqp_state *s, enum dir dir, uint16_t channel, size_t *n)
{
	struct amqp_channel *ch;
	struct amqp_content *c = waiting(s, dir, channel, &ch);

	if (c && c->left < *n)	/* more than was announced is nobody's */
		*n = (size_t)c->left;
	return fate_of(s, ch, c);
}

void amqp_take_body(struct amqp_state *s, enum dir dir, uint16_t channel, struct slice in, struct stamp at)
{
	struct amqp_channel *ch;
	struct amqp_content *c = waiting(s, dir, channel, &ch);
	size_t n, room;

	if (!c)
		return;
	n = in.len < c->left ? in.len : (size_t)c->left;
	c->left -= n;
	add_bytes(s, c->ex, dir, n);
	if (!c->left && !c->held.len && !c->cut) {	/* all of it, where it stands */
		content_done(s, ch, dir, slice_of(in.ptr, n), at);
		return;
	}
	room = PROTOCOL_BODY_HELD - c->held.len < AMQP_HELD - s->held ? PROTOCOL_BODY_HELD - c->held.len : AMQP_HELD - s->held;
	room = c->ex && !c->cut ? room : 0;
	if (room < n)
		c->cut = true;
	room = room < n ? room : n;
	if (room && buf_add(&c->held, in.ptr, room))
		c->cut = true;
	else
		s->held += room;
	if (!c->left)
		content_done(s, ch, dir, held(c), at);
}

void amqp_body_hole(struct amqp_state *s, enum dir dir, uint16_t channel, uint64_t missing, struct stamp at)
{
	struct amqp_channel *ch;
	struct amqp_content *c = waiting(s, dir, channel, &ch);

	if (!c)
		return;
	c->cut = true;
	if (c->ex)
		c->ex->has_gap = 1;
	add_bytes(s, c->ex, dir, missing);
	c->left -= missing < c->left ? missing : c->left;
	if (!c->left)
		content_done(s, ch, dir, held(c), at);
}

/* ---- acknowledgements ---- */

static void acknowledged(struct amqp_state *s, enum dir dir, uint16_t channel, const struct amqp_method *m, size_t wire, struct stamp at)
{
	struct pairs *p = dir == s->front ? &s->delivered : &s->published;
	bool several = m->key != AMQP_REJECT && m->args[1].number & 1;
	bool back = m->key == AMQP_REJECT ? m->args[1].number & 1 : m->key == AMQP_NACK && m->args[1].number & 2;
	uint16_t status = m->key == AMQP_ACK ? 200 : back ? LATER : REFUSED;
	uint64_t first = tag_id(channel, 0), last = tag_id(channel, several && !m->args[0].number ? UINT64_MAX : m->args[0].number);
	struct amqp_channel *ch = dir == s->front ? channel_get(s, channel) : NULL;

	if (ch)
		ch->acknowledges = true;
	for (unsigned i = 0; i < p->nr;) {
		struct pair *pair = pairs_at(p, i);
		uint64_t asked = pair->asked;
		struct exchange *ex;

		if (pair->id != last && (!several || pair->id < first || pair->id > last)) {
			i++;
			continue;
		}
		ex = pairs_take(p, s->session, pair, false, at);	/* those before it move up by one */
		if (ex) {
			add_bytes(s, ex, dir, wire);
			pairs_latency(ex, asked, at);
			hand_in(s, ex, status, at);
		}
		wire = 0;
	}
}

/* ---- methods ---- */

static void channel_over(struct pairs *p, struct amqp_state *s, uint64_t first, uint64_t last, struct stamp at)
{
	for (unsigned i = 0; i < p->nr;) {
		struct pair *pair = pairs_at(p, i);

		if (pair->id < first || pair->id > last)
			i++;
		else
			pairs_emit(s->session, pairs_take(p, s->session, pair, false, at), at);
	}
}

/* A channel begins anew, or is over: nothing of before is answered any more. */
static void channel_drop(struct amqp_state *s, uint16_t channel, struct stamp at)
{
	struct amqp_channel *ch = channel_find(s, channel);

	channel_over(&s->asked, s, asked_id(channel, (enum dir)0, 0), asked_id(channel, (enum dir)1, AMQP_KEY(127, 127)), at);
	channel_over(&s->published, s, tag_id(channel, 0), tag_id(channel, UINT64_MAX), at);
	channel_over(&s->delivered, s, tag_id(channel, 0), tag_id(channel, UINT64_MAX), at);
	if (!ch)
		return;
	content_break(s, ch, DIR_RECEIVED, false, at);
	content_break(s, ch, DIR_SENT, false, at);
	channel_free(s, 0);	/* where channel_find() has put it */
}

/* What was asked and is refused by closing the channel, or the connection. */
static void refused(struct amqp_state *s, enum dir dir, uint16_t channel, const struct amqp_method *m, struct stamp at)
{
	uint32_t key = AMQP_KEY((uint32_t)m->args[2].number & 127, (uint32_t)m->args[3].number & 127);
	struct exchange *ex = NULL;

	if (m->key == AMQP_CLOSE)
		ex = answered(s, dir, 0, AMQP_START_OK, NULL, at);
	if (ex) {	/* the bytes of this one are its own exchange's */
		hand_in(s, ex, m->args[0].number == 403 ? 401 : status_of(m->args[0].number), at);
		return;
	}
	ex = key ? answered(s, dir, channel, key, NULL, at) : NULL;
	hand_in(s, ex, status_of(m->args[0].number), at);
}

static void log_in(struct amqp_state *s, struct exchange *ex, enum dir dir, const struct amqp_method *m)
{
	struct slice mechanism = m->args[1].text;
	struct content_job job = { .exchange = ex, .sink = s->sink, .dir = dir, .location = LOC_REQUEST_HEADER };

	s->auth = (uint8_t)sasl_auth(mechanism);
	if (!ex)
		return;
	ex->auth = s->auth;
	if (mechanism.len == 8 && !memcmp(mechanism.ptr, "AMQPLAIN", 8))
		amqp_table(&job, "sasl", m->args[2].text);
	else
		sasl_tell(s->sink, ex, dir, mechanism, m->args[2].text);
}

static void asks(struct amqp_state *s, enum dir dir, uint16_t channel, const struct amqp_method *m, size_t wire, struct stamp at)
{
	const char *bits = strchr(m->row->args, 'B');
	uint64_t set = bits ? m->args[bits - m->row->args].number : 0;
	struct exchange *ex = exchange_new(s, m->row->name, at);
	struct pair pair = { ex, at.time, asked_id(channel, dir, m->key), 0 };
	struct amqp_channel *ch;

	add_bytes(s, ex, dir, wire);
	said(s, ex, dir, m);
	if (m->key == AMQP_START_OK)
		log_in(s, ex, dir, m);
	if (m->key == AMQP_SECRET)
		amqp_tell(s, ex, dir, "sasl", "token", m->args[0].text);
	if (m->key == AMQP_CONSUME && set & 2) {	/* nothing is acknowledged to it */
		pair.kind = AMQP_CONSUME;
		ch = m->args[2].text.len ? channel_get(s, channel) : NULL;
		if (ch)
			add_silent(ch, m->args[2].text);
	}
	if (m->key == AMQP_SELECT && (ch = channel_get(s, channel)) && !ch->confirms) {
		channel_over(&s->published, s, tag_id(channel, 0), tag_id(channel, UINT64_MAX), at);
		ch->confirms = true;
		ch->published = 0;
	}
	if (set & m->row->nowait)
		hand_in(s, ex, 0, at);
	else
		pairs_add(&s->asked, s->session, pair, at);
}

static void answers(struct amqp_state *s, enum dir dir, uint16_t channel, const struct amqp_method *m, size_t wire, struct stamp at)
{
	uint32_t kind = 0;
	struct exchange *ex = answered(s, dir, channel, m->row->answers, &kind, at);
	struct amqp_channel *ch = m->key == AMQP_CONSUMED && kind == AMQP_CONSUME ? channel_get(s, channel) : NULL;

	if (ch)
		add_silent(ch, m->args[0].text);
	add_bytes(s, ex, dir, wire);
	hand_in(s, ex, m->key == AMQP_GOT_NONE ? 204 : 200, at);
	if (m->key == AMQP_CHANNEL_CLOSED)
		channel_drop(s, channel, at);
}

void amqp_take_method(struct amqp_state *s, enum dir dir, uint16_t channel, const struct amqp_method *m, size_t wire, struct stamp at)
{
	struct amqp_channel *ch;

	if (m->row->content) {
		content_begin(s, dir, channel, m, wire, at);
	} else if (m->key == AMQP_ACK || m->key == AMQP_NACK || m->key == AMQP_REJECT) {
		acknowledged(s, dir, channel, m, wire, at);
	} else if (m->key == AMQP_CHANNEL_OPEN) {
		channel_drop(s, channel, at);
		ch = channel_get(s, channel);
		if (ch)
			ch->acknowledges = true;
	} else if (m->key == AMQP_CLOSE || m->key == AMQP_CHANNEL_CLOSE) {
		refused(s, dir, channel, m, at);
	}
	if (m->row->asks)
		asks(s, dir, channel, m, wire, at);
	else if (m->row->answers && !m->row->content)
		answers(s, dir, channel, m, wire, at);
}

/* ---- gaps and ends ---- */

void amqp_lost(struct amqp_state *s, enum dir dir, struct stamp at)
{
	for (unsigned i = 0; i < s->nr_channels; i++) {
		content_break(s, s->channels[i], dir, true, at);
		if (dir == s->front)	/* so many publishes, nobody knows */
			s->channels[i]->confirms = false;
	}
	pairs_gap(&s->asked, s->session, at);
	pairs_gap(dir == s->front ? &s->delivered : &s->published, s->session, at);
}

void amqp_interval(struct amqp_state *s, struct stamp at)
{
	for (unsigned i = 0; i < s->nr_channels; i++)
		for (unsigned d = 0; d < 2; d++)
			if (s->channels[i]->contents[d].ex)
				session_emit_part(s->session, s->channels[i]->contents[d].ex, at);
	pairs_interval(&s->asked, s->session, at);
	pairs_interval(&s->published, s->session, at);
	pairs_interval(&s->delivered, s->session, at);
}

void amqp_end(struct amqp_state *s, struct stamp at)
{
	for (unsigned i = 0; i < s->nr_channels; i++) {
		content_break(s, s->channels[i], DIR_RECEIVED, false, at);
		content_break(s, s->channels[i], DIR_SENT, false, at);
	}
	pairs_end(&s->asked, s->session, at);
	pairs_end(&s->published, s->session, at);
	pairs_end(&s->delivered, s->session, at);
}

void amqp_free(struct amqp_state *s)
{
	while (s->nr_channels)
		channel_free(s, s->nr_channels - 1);
	pairs_free(&s->asked);
	pairs_free(&s->published);
	pairs_free(&s->delivered);
}
