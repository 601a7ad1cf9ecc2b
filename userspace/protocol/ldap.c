/* SPDX-License-Identifier: Apache-2.0 */
/* ldap.c - LDAP (RFC 4511): an operation with what answers it is an exchange, known by its number; a search
 * has its entries in it. Its route is the name that it is about, its status what HTTP would say for the
 * result. What comes after StartTLS is LDAP again, as TLS has it; what SASL has wrapped is opaque. Over a
 * gap the next message is looked for whose parts are what they must be. In a datagram (CLDAP, with which domain
 * controllers are found) are whole messages.
 *
 *   30 length | 02 length number | operation, its tag says which | a0 length controls */
#include <errno.h>

#include "base/budget.h"
#include "protocol/frames.h"
#include "protocol/ldap.h"
#include "protocol/pairs.h"

#define MESSAGE_MAX	(64u << 20)	/* one that is longer is none */
#define FOUND_MAX	(4u << 20)	/* and of those that are looked for */
#define LOOKED_AT	56		/* bytes of one that must be what they must be, before it is found */
#define ABANDONED	8		/* numbers that are remembered */

struct state {
	const struct field_sink *sink;
	struct session *session;
	struct frames frames;
	struct pairs pairs;
	enum dir front;			/* the client's direction */
	bool datagrams;
	bool front_known, doubt, hole;	/* doubt: answers were lost; hole: what is held of a message ends at a gap */
	uint8_t auth;
	uint64_t total[2];		/* bytes of the message being read */
	uint32_t abandoned[ABANDONED];	/* 0: none */
	unsigned nr_abandoned;
};

static const struct { uint8_t op, answer; const char *method; } operations[] = {
	{ LDAP_BIND, LDAP_BOUND, "BIND" }, { LDAP_UNBIND, 0, "UNBIND" }, { LDAP_SEARCH, LDAP_DONE, "SEARCH" },
	{ LDAP_MODIFY, LDAP_MODIFIED, "MODIFY" }, { LDAP_ADD, LDAP_ADDED, "ADD" }, { LDAP_DELETE, LDAP_DELETED, "DELETE" },
	{ LDAP_RENAME, LDAP_RENAMED, "MODIFYDN" }, { LDAP_COMPARE, LDAP_COMPARED, "COMPARE" }, { LDAP_ABANDON, 0, "ABANDON" },
	{ LDAP_EXTENDED, LDAP_EXTENDED_DONE, "EXTENDED" },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* ---- where a message begins ---- */

/* Which of the operations; OPERATIONS: none. */
static size_t asks(uint8_t op)
{
	size_t i = 0;

	while (i < OPERATIONS && operations[i].op != op)
		i++;
	return i;
}

static bool is_more(uint8_t op)	/* of an answer that goes on */
{
	return op == LDAP_ENTRY || op == LDAP_REFERENCE || op == LDAP_INTERMEDIATE;
}

/* Of answers all, whether they go on or not. */
static bool answers(uint8_t op)
{
	for (size_t i = 0; i < OPERATIONS; i++)
		if (operations[i].answer && operations[i].answer == op)
			return true;
	return is_more(op);
}

/* Text, as far as it is there. */
static bool is_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static bool is_oid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '.' && (s.ptr[i] < '0' || s.ptr[i] > '9'))
			return false;
	return s.len > 2;
}

/* The next one has that tag; it may go on behind what is there. */
static bool next_is(struct reader *r, uint8_t tag, struct ber *b)
{
	ber_take(r, b);
	return b->tag == tag;
}

/* A name, and behind it something of that tag, as far as they are there. */
static bool has_name(struct reader *r, uint8_t then)
{
	struct ber name;

	if (!next_is(r, 0x04, &name) || !is_text(name.value))
		return false;
	if (!name.cut && name.value.len && !memchr(name.value.ptr, '=', name.value.len))
		return false;
	return !r->left.len || r->left.ptr[0] == then;
}

/* Of the operation the bytes that are looked at; len is its own. */
static bool fits(uint8_t op, struct slice in, uint32_t len, uint32_t id)
{
	struct reader r = { .left = in };
	struct ber b;

	switch (op) {
	case LDAP_UNBIND:
		return !len;
	case LDAP_ABANDON:
		return len && len <= 4 && ber_number(in) < id;
	case LDAP_DELETE:
		return len > 2 && is_text(in) && memchr(in.ptr, '=', in.len);
	case LDAP_BIND:
		return next_is(&r, 0x02, &b) && b.value.len == 1 && b.value.ptr[0] - 2u < 2 && next_is(&r, 0x04, &b) && is_text(b.value);
	case LDAP_SEARCH:
		return has_name(&r, 0x0a);
	case LDAP_ENTRY: case LDAP_MODIFY: case LDAP_ADD: case LDAP_COMPARE:
		return has_name(&r, 0x30);
	case LDAP_RENAME:
		return has_name(&r, 0x04);
	case LDAP_REFERENCE:
		return next_is(&r, 0x04, &b) && is_text(b.value) && b.value.len > 4 && !memcmp(b.value.ptr, "ldap", 4);
	case LDAP_EXTENDED: case LDAP_INTERMEDIATE:
		return next_is(&r, 0x80, &b) && is_oid(b.value);
	default:
		return next_is(&r, 0x0a, &b) && b.value.len && b.value.len < 3 && next_is(&r, 0x04, &b) && is_text(b.value);
	}
}

struct head { size_t head; uint32_t len, id, op_len; uint8_t op; size_t op_at; };

/* 1, 0 and -1 as frames_ops has them. */
static int head_read(struct slice in, struct head *h)
{
	size_t n, id;
	int r;

	if (!in.len || in.ptr[0] != 0x30)
		return in.len ? 0 : -1;
	r = ber_length(slice_of(in.ptr + 1, in.len - 1), &n, &h->len);
	if (r <= 0)
		return r;
	h->head = n + 1;
	if (h->len < 5 || h->len > MESSAGE_MAX)
		return 0;
	in = slice_of(in.ptr + h->head, in.len - h->head);
	if (!in.len || in.ptr[0] != 0x02)
		return in.len ? 0 : -1;
	if (in.len < 2)
		return -1;
	id = in.ptr[1];
	if (!id || id > 4)
		return 0;
	if (in.len < id + 3)
		return in.len > 2 && in.ptr[2] & 0x80 ? 0 : -1;
	h->id = ber_number(slice_of(in.ptr + 2, id));
	h->op = in.ptr[id + 2];
	if (in.ptr[2] & 0x80 || (asks(h->op) == OPERATIONS && !answers(h->op)) || (!h->id && h->op != LDAP_EXTENDED_DONE))
		return 0;
	r = ber_length(slice_of(in.ptr + id + 3, in.len - id - 3), &n, &h->op_len);
	if (r <= 0)
		return r;
	h->op_at = h->head + id + 3 + n;
	n += id + 3;
	if (n > h->len || h->op_len > h->len - n)
		return 0;
	n = h->len - n - h->op_len;
	return n == 0 || n > 1;	/* controls have a head, too */
}

static int find(struct slice in, struct head *h)
{
	int r = head_read(in, h);
	size_t whole, look, op_end;

	if (r <= 0)
		return r;
	if (h->len > FOUND_MAX)
		return 0;
	whole = h->head + h->len;
	look = whole < LOOKED_AT ? whole : LOOKED_AT;
	if (in.len < look)
		return -1;
	op_end = h->op_at + h->op_len;
	if (op_end < whole && op_end < look && in.ptr[op_end] != 0xa0)
		return 0;
	look = op_end < look ? op_end : look;
	return look >= h->op_at && fits(h->op, slice_of(in.ptr + h->op_at, look - h->op_at), h->op_len, h->id);
}

static int guess(struct slice head, enum dir dir)
{
	struct head h;
	int r = find(head, &h);

	return r < 0 ? -EAGAIN : r ? 90 : 0;
}

/* A message that is whole. */
static int guess_datagram(struct slice whole, enum dir dir)
{
	struct head h;

	return find(whole, &h) > 0 && h.head + h.len <= whole.len ? 90 : 0;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	struct head h;
	int r = 0;

	for (*at = 0; *at < in.len; ++*at)
		if ((r = find(slice_of(in.ptr + *at, in.len - *at), &h)))
			break;
	return r > 0;
}

static int begins(void *owner, enum dir dir, struct slice in, bool resync, size_t *head, uint64_t *total)
{
	struct state *s = owner;
	struct head h;
	int r = resync ? find(in, &h) : head_read(in, &h);

	if (r <= 0)
		return r;
	if (s->front_known && (asks(h.op) < OPERATIONS) != (dir == s->front))
		return 0;
	*head = h.head;
	*total = h.head + h.len;
	return 1;
}

/* ---- exchanges ---- */

/* What HTTP calls a result (RFC 4511, A). */
static uint16_t status_of(uint32_t result)
{
	switch (result) {
	case 0: case 5: case 6:		/* what is compared is not so, or is */
		return 200;
	case 14:
		return 100;		/* a log-in of several steps */
	case 10:
		return 302;
	case 7: case 8: case 13: case 48: case 49:
		return 401;
	case 50: case 53:
		return 403;
	case 16: case 32:
		return 404;
	case 3:
		return 408;
	case 20: case 66: case 68: case 69:
		return 409;
	case 4: case 11:
		return 413;
	case 1: case 54: case 80:
		return 500;
	case 12:
		return 501;
	case 51: case 52:
		return 503;
	default:
		return 400;
	}
}

static struct exchange *exchange_new(struct state *s, const char *method, struct stamp at)
{
	enum role role = s->front == DIR_SENT ? ROLE_CLIENT : ROLE_SERVER;
	struct exchange *ex = pairs_exchange(role, at);

	if (!ex)
		return NULL;
	ex->auth = s->auth;
	word_set(ex->method, method);
	return ex;
}

/* Nobody waits for that number any more, if somebody did: there will be no answer, or it was lost. */
static void forget(struct state *s, uint32_t id, bool lost, struct stamp at)
{
	struct pair *pair = pairs_find(&s->pairs, id);
	struct exchange *ex = pair ? pairs_take(&s->pairs, s->session, pair, false, at) : NULL;

	if (ex && lost)
		ex->has_gap = 1;
	pairs_emit(s->session, ex, at);
}

static bool was_abandoned(struct state *s, uint32_t id, bool again)
{
	for (unsigned i = 0; i < ABANDONED; i++)
		if (id && s->abandoned[i] == id) {
			s->abandoned[i] = again ? 0 : id;
			return true;
		}
	return false;
}

/* A message's operation and controls. ex may be NULL. */
static void tell(struct state *s, struct ldap_message *m, struct exchange *ex, uint8_t op, const struct ber *body, struct reader *rest)
{
	struct ber controls;
	enum location location = m->job.location;

	if (!ex)
		return;
	m->job.exchange = ex;
	ldap_tell(m, (enum ldap_op)op, body->value);
	m->job.location = location;
	if (ber_take(rest, &controls) && controls.tag == 0xa0)
		ldap_tell_controls(m, controls.value);
	ex->has_gap |= s->hole;
	if (m->job.limited || m->job.cut || body->cut)
		ex->inspected = INSPECTED_PARTIAL;
}

static void request(struct state *s, struct ldap_message *m, uint32_t id, const struct ber *op, struct reader *rest, uint64_t bytes, struct stamp at)
{
	size_t which = asks(op->tag);
	struct exchange *ex = exchange_new(s, operations[which].method, at);

	forget(s, id, !s->datagrams, at);	/* the client goes on with it: it had its answer, or gave up */
	was_abandoned(s, id, true);
	tell(s, m, ex, op->tag, op, rest);
	if (ex) {
		ex->request_bytes = bytes;
		ex->auth = op->tag == LDAP_BIND ? m->auth : ex->auth;
	}
	if (operations[which].answer) {
		pairs_add(&s->pairs, s->session, (struct pair){ ex, at.time, id, operations[which].answer }, at);
		return;
	}
	pairs_emit(s->session, ex, at);
	if (op->tag == LDAP_ABANDON && !op->cut) {
		id = ber_number(op->value);
		forget(s, id, false, at);
		s->abandoned[s->nr_abandoned++ % ABANDONED] = id;
	}
}

/* An entry whose request is told of already, by itself. */
static void aside(struct state *s, struct ldap_message *m, const struct ber *op, struct reader *rest, uint64_t bytes, struct stamp at)
{
	struct exchange *ex = exchange_new(s, "SEARCH", at);

	if (!ex)
		return;
	ex->again = 1;
	ex->response_bytes = bytes;
	tell(s, m, ex, op->tag, op, rest);
	pairs_emit(s->session, ex, at);
}

static void more(struct state *s, struct ldap_message *m, uint32_t id, const struct ber *op, struct reader *rest, uint64_t bytes, struct stamp at)
{
	struct pair *pair = pairs_find(&s->pairs, id);
	struct exchange *ex;

	if (pair ? !pair->ex : was_abandoned(s, id, false)) {
		aside(s, m, op, rest, bytes, at);
		return;
	}
	if (!pair) {	/* its request was not seen */
		ex = exchange_new(s, op->tag == LDAP_INTERMEDIATE ? "EXTENDED" : "SEARCH", at);
		if (!ex)
			return;
		ex->has_gap = 1;
		pairs_add(&s->pairs, s->session, (struct pair){ ex, 0, id, op->tag == LDAP_INTERMEDIATE ? LDAP_EXTENDED_DONE : LDAP_DONE }, at);
		pair = pairs_find(&s->pairs, id);
		if (!pair)
			return;
	}
	pair->ex->response_bytes += bytes;
	tell(s, m, pair->ex, op->tag, op, rest);
}

static void done(struct state *s, struct ldap_message *m, uint32_t id, const struct ber *op, struct reader *rest, uint64_t bytes, struct stamp at)
{
	struct pair *pair = pairs_find(&s->pairs, id);
	struct exchange *ex;
	uint64_t asked = pair ? pair->asked : 0;
	bool lost;

	if (!id) {	/* the server says that it ends the connection */
		ex = exchange_new(s, "EXTENDED", at);
	} else if (!pair || pair->kind != op->tag) {
		forget(s, id, true, at);
		return;
	} else {
		lost = s->doubt && pair->ex && !pair->ex->has_gap;	/* the first that was asked after the gap */
		s->doubt &= !lost;
		ex = pairs_take(&s->pairs, s->session, pair, lost, at);
	}
	if (!ex)
		return;
	tell(s, m, ex, op->tag, op, rest);
	ex->response_bytes += bytes;
	if (!op->cut)
		ex->status = status_of(m->result);
	pairs_latency(ex, asked, at);
	if (op->tag == LDAP_BOUND && !op->cut && !m->result)
		s->auth = ex->auth;
	pairs_emit(s->session, ex, at);
}

/* ---- messages ---- */

static void message(struct state *s, enum dir dir, struct slice in, bool cut, struct stamp at)
{
	struct reader r = { .left = in };
	struct ber id, op;
	struct ldap_message m = { .job = { .sink = s->sink, .dir = dir, .cut = cut } };
	uint64_t bytes = s->total[dir];
	bool from_client;

	if (!ber_take(&r, &id) || id.tag != 0x02 || (!ber_take(&r, &op) && !op.cut))
		return;
	from_client = asks(op.tag) < OPERATIONS;
	if (!from_client && !answers(op.tag))
		return;
	if (!s->front_known) {
		s->front = from_client ? dir : (enum dir)!dir;
		s->front_known = true;
	}
	if (from_client != (dir == s->front))
		return;
	m.job.location = from_client ? LOC_REQUEST_HEADER : LOC_RESPONSE_HEADER;
	if (from_client)
		request(s, &m, ber_number(id.value), &op, &r, bytes, at);
	else if (is_more(op.tag))
		more(s, &m, ber_number(id.value), &op, &r, bytes, at);
	else
		done(s, &m, ber_number(id.value), &op, &r, bytes, at);
}

static void begin(void *owner, enum dir dir, struct slice head, uint64_t total, struct stamp at)
{
	((struct state *)owner)->total[dir] = total;
}

/* A message is one step, of which no more is looked at than can be held. */
static size_t walk(void *owner, enum dir dir, struct slice in, enum frames_more more, struct stamp at)
{
	struct state *s = owner;

	if (more == FRAMES_MORE)
		return 0;
	message(s, dir, in, more == FRAMES_STOP, at);
	frames_skip(&s->frames, dir, FRAMES_ALL);
	return in.len;
}

static uint64_t hole(void *owner, enum dir dir, uint64_t missing)
{
	return FRAMES_ALL;
}

static void end(void *owner, enum dir dir, struct stamp at)
{
}

/* ---- the row ---- */

static const struct frames_ops ops = { begins, begin, walk, hole, end };

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	s->datagrams = transport_is_datagram(conn->transport);
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	frames_init(&s->frames, &ops, s, session, PROTOCOL_BODY_HELD);
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	uint64_t total = 0;
	size_t head = 0;

	if (s->datagrams && s->frames.sides[dir].phase != FRAMES_BODY && (begins(s, dir, in, false, &head, &total) <= 0 || total > in.len))
		return (struct feed_result){ FEED_OK, in.len, in.len };
	return frames_feed(&s->frames, dir, in, at);
}

/* Numbers are not used again soon: what answers after the gap is known by them. */
static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct state *s = state;

	s->hole = true;
	if (!s->datagrams)
		frames_gap(&s->frames, dir, lost, at);
	s->hole = false;
	if (!lost || (s->front_known && dir == s->front))
		return 0;
	for (unsigned i = 0; i < s->pairs.nr; i++)
		if (pairs_at(&s->pairs, i)->ex)
			pairs_at(&s->pairs, i)->ex->has_gap = 1;
	s->doubt = true;
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct state *s = state;

	pairs_interval(&s->pairs, s->session, at);
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	frames_eof(&s->frames, at);
	pairs_end(&s->pairs, s->session, at);
}

static void fini(void *state)
{
	struct state *s = state;

	frames_free(&s->frames);
	pairs_free(&s->pairs);
}

const struct protocol protocol_ldap = {
	.name = "ldap", .summary = "LDAP: operations with their results, entries by attribute, and who logs in",
	.state_size = sizeof(struct state), .guess = guess, .guess_datagram = guess_datagram, .seek = seek, .init = init,
	.feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
};
