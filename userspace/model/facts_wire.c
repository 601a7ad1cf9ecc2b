/* SPDX-License-Identifier: Apache-2.0 */
/* facts_wire.c - facts as MessagePack between roles. The schema is one function a
 * struct, run in two directions: packing writes each field, unpacking reads and checks
 * it, so the two cannot drift. What the analyst sends is hostile: every string has a
 * charset and a bound, every enum a range, and nothing may be left over. */
#include <errno.h>
#include <msgpack.h>
#include <string.h>

#include "base/flat.h"
#include "model/class.h"
#include "model/facts.h"

#define COUNT_MAX ((uint64_t)1 << 60)

/* One walk over a message. Packing: out is set. Unpacking: at..end are the fields. */
struct walk {
	msgpack_packer *out;
	const msgpack_object *at, *end;
	bool bad;
};

static const msgpack_object *next(struct walk *w, msgpack_object_type type)
{
	if (w->bad || w->at == w->end || w->at->type != type) {
		w->bad = true;
		return NULL;
	}
	return w->at++;
}

static void number(struct walk *w, uint64_t *v, uint64_t max)
{
	const msgpack_object *o;

	if (w->out) {
		w->bad |= *v > max;
		msgpack_pack_uint64(w->out, *v);
		return;
	}
	o = next(w, MSGPACK_OBJECT_POSITIVE_INTEGER);
	if (o && o->via.u64 <= max)
		*v = o->via.u64;
	else
		w->bad = true;
}

static void signed_number(struct walk *w, int64_t *v)
{
	if (w->out) {
		w->bad |= *v > (int64_t)COUNT_MAX || *v < -(int64_t)COUNT_MAX;
		msgpack_pack_int64(w->out, *v);
		return;
	}
	if (!w->bad && w->at != w->end && w->at->type == MSGPACK_OBJECT_POSITIVE_INTEGER && w->at->via.u64 <= COUNT_MAX)
		*v = (int64_t)(w->at++)->via.u64;
	else if (!w->bad && w->at != w->end && w->at->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && w->at->via.i64 >= -(int64_t)COUNT_MAX)
		*v = (w->at++)->via.i64;
	else
		w->bad = true;
}

/* A field of any unsigned type, through a 64-bit one. */
#define NUMBER(w, field, max)				\
	do {						\
		uint64_t v_ = (uint64_t)(field);	\
							\
		number(w, &v_, max);			\
		(field) = (__typeof__(field))v_;	\
	} while (0)

/* Inert everywhere: printable ASCII without what HTML, shells and terminals act on. */
static bool is_inert(char c)
{
	switch (c) {
	case '<': case '>': case '"': case '\'': case '`': case '&': case '\\':
		return false;
	default:
		return c >= 0x20 && c <= 0x7e;
	}
}

static bool clean(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_inert(s[i]))
			return false;
	return true;
}

static void string(struct walk *w, char *v, size_t size)
{
	const msgpack_object *o;

	if (w->out) {
		size_t len = strnlen(v, size);

		w->bad |= len == size || !clean(v, len);
		msgpack_pack_str(w->out, len);
		msgpack_pack_str_body(w->out, v, len);
		return;
	}
	o = next(w, MSGPACK_OBJECT_STR);
	if (!o || o->via.str.size >= size || !clean(o->via.str.ptr, o->via.str.size)) {
		w->bad = true;
		return;
	}
	if (o->via.str.size)
		memcpy(v, o->via.str.ptr, o->via.str.size);
	memset(v + o->via.str.size, 0, size - o->via.str.size);
}

static void bytes(struct walk *w, uint8_t *v, size_t size)
{
	const msgpack_object *o;

	if (w->out) {
		msgpack_pack_bin(w->out, size);
		msgpack_pack_bin_body(w->out, v, size);
		return;
	}
	o = next(w, MSGPACK_OBJECT_BIN);
	if (o && o->via.bin.size == size)
		memcpy(v, o->via.bin.ptr, size);
	else
		w->bad = true;
}

static void walk_stamp(struct walk *w, struct stamp *s)
{
	NUMBER(w, s->time, INT64_MAX);
	NUMBER(w, s->epoch, UINT32_MAX);
}

static void walk_conn(struct walk *w, struct conn_facts *c)
{
	/* One number, so that recordings from before there was a transport are TCP. */
	uint32_t flags = c->late | (uint32_t)c->transport << 1;

	NUMBER(w, c->id, UINT64_MAX);
	NUMBER(w, c->process.tgid, UINT32_MAX);
	NUMBER(w, c->process.start, INT64_MAX);
	NUMBER(w, c->cgroup, UINT64_MAX);
	bytes(w, c->local.addr, sizeof(c->local.addr));
	NUMBER(w, c->local.port, UINT16_MAX);
	bytes(w, c->remote.addr, sizeof(c->remote.addr));
	NUMBER(w, c->remote.port, UINT16_MAX);
	NUMBER(w, c->family, UINT16_MAX);
	NUMBER(w, c->role, ROLE_CLIENT);
	NUMBER(w, c->tls, TLS_PRESENT);
	NUMBER(w, c->binding, BINDING_EXACT);
	NUMBER(w, flags, TRANSPORT_UNIX_DATAGRAM << 1 | 1);
	c->late = flags & 1;
	c->transport = (uint8_t)(flags >> 1);
	NUMBER(w, c->upgrade, UPGRADE_MAX - 1);
	NUMBER(w, c->netns, UINT32_MAX);
	string(w, c->comm, sizeof(c->comm));
}

static uint32_t reasons_of(const struct byte_account *a)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < LOSS_MAX; i++)
		nr += a->why[i] != 0;
	return nr;
}

static uint32_t reasons_in(const struct byte_account by[2])
{
	return reasons_of(&by[0]) + reasons_of(&by[1]);
}

/* Those that are there, in order. */
static void walk_reasons(struct walk *w, int64_t why[LOSS_MAX], uint32_t nr)
{
	for (uint32_t i = 0, at = 0; !w->bad && i < nr; i++, at++) {
		while (w->out && !why[at])
			at++;
		NUMBER(w, at, LOSS_MAX - 1);
		if (!w->bad && !w->out)
			w->bad = why[at] != 0;
		if (!w->bad)
			signed_number(w, &why[at]);
		w->bad |= !w->bad && !why[at];
	}
}

static void account_one(struct walk *w, struct byte_account *a)
{
	uint32_t nr = reasons_of(a);

	signed_number(w, &a->moved);
	signed_number(w, &a->examined);
	signed_number(w, &a->opaque);
	signed_number(w, &a->skipped);
	signed_number(w, &a->lost);
	signed_number(w, &a->framing);
	NUMBER(w, nr, LOSS_MAX);
	walk_reasons(w, a->why, nr);
}

static void walk_account(struct walk *w, struct byte_account by[2])
{
	account_one(w, &by[DIR_RECEIVED]);
	account_one(w, &by[DIR_SENT]);
}

static void walk_finding(struct walk *w, struct finding *f)
{
	NUMBER(w, f->class_id, class_count() - 1);
	NUMBER(w, f->confidence, CONF_CERTAIN);
	NUMBER(w, f->location, LOC_MAX - 1);
	NUMBER(w, f->dir, DIR_SENT);
	NUMBER(w, f->sample, 1);
	NUMBER(w, f->why, WHY_ALL);
	NUMBER(w, f->count, UINT32_MAX);
	NUMBER(w, f->distinct, UINT32_MAX);
	NUMBER(w, f->records, UINT32_MAX);
	NUMBER(w, f->flow_records, UINT32_MAX);
	string(w, f->path, sizeof(f->path));
	string(w, f->key, sizeof(f->key));
	string(w, f->mask, sizeof(f->mask));
	w->bad |= f->confidence < CONF_POSSIBLE;
}

static void walk_exchange(struct walk *w, struct exchange *e)
{
	walk_conn(w, &e->conn);
	walk_stamp(w, &e->at);
	NUMBER(w, e->began, INT64_MAX);
	NUMBER(w, e->request_bytes, COUNT_MAX);
	NUMBER(w, e->response_bytes, COUNT_MAX);
	NUMBER(w, e->latency_us, UINT32_MAX);
	NUMBER(w, e->findings_dropped, UINT32_MAX);
	NUMBER(w, e->status, UINT16_MAX);
	NUMBER(w, e->auth, AUTH_MAX - 1);
	NUMBER(w, e->inspected, INSPECTED_NONE);
	NUMBER(w, e->has_gap, 1);
	NUMBER(w, e->again, 1);
	string(w, e->protocol, sizeof(e->protocol));
	string(w, e->method, sizeof(e->method));
	string(w, e->route, sizeof(e->route));
	string(w, e->host, sizeof(e->host));
	walk_account(w, e->bytes);
	NUMBER(w, e->nr_findings, MAX_FINDINGS);
	for (uint32_t i = 0; !w->bad && i < e->nr_findings; i++)
		walk_finding(w, &e->findings[i]);
}

static void walk_traffic(struct walk *w, struct traffic *t)
{
	walk_conn(w, &t->conn);
	walk_stamp(w, &t->at);
	string(w, t->protocol, sizeof(t->protocol));
	string(w, t->route, sizeof(t->route));
	string(w, t->host, sizeof(t->host));
	string(w, t->reason, sizeof(t->reason));
	walk_account(w, t->bytes);
	NUMBER(w, t->looked.bytes, LOOKED_MAX);
	NUMBER(w, t->looked.printable, t->looked.bytes);
	NUMBER(w, t->looked.bits, 8 * t->looked.bytes);
	NUMBER(w, t->closed, 1);
}

static void walk_process(struct walk *w, struct process_facts *p)
{
	NUMBER(w, p->key.tgid, UINT32_MAX);
	NUMBER(w, p->key.start, INT64_MAX);
	NUMBER(w, p->parent, UINT32_MAX);
	NUMBER(w, p->cgroup, UINT64_MAX);
	string(w, p->comm, sizeof(p->comm));
	string(w, p->exe, sizeof(p->exe));
	string(w, p->script, sizeof(p->script));
	string(w, p->unit, sizeof(p->unit));
	string(w, p->container, sizeof(p->container));
	string(w, p->container_id, sizeof(p->container_id));
	string(w, p->runtime, sizeof(p->runtime));
	string(w, p->pod, sizeof(p->pod));
	string(w, p->pod_namespace, sizeof(p->pod_namespace));
	NUMBER(w, p->uid, UINT32_MAX);
	string(w, p->user, sizeof(p->user));
	string(w, p->library, sizeof(p->library));
	string(w, p->build_id, sizeof(p->build_id));
	NUMBER(w, p->tls_probe, PROBE_PARTLY);
	NUMBER(w, p->selftest, 1);
	NUMBER(w, p->exited, 1);
	NUMBER(w, p->uid_known, 1);
}

static void walk_seen(struct walk *w, struct conn_seen *s)
{
	walk_conn(w, &s->conn);
	NUMBER(w, s->time, INT64_MAX);
	if (!s->conn.late)
		return;
	NUMBER(w, s->epoch, UINT32_MAX);
	NUMBER(w, s->before[DIR_RECEIVED], COUNT_MAX);
	NUMBER(w, s->before[DIR_SENT], COUNT_MAX);
}

static void walk_books(struct walk *w, struct books *b)
{
	NUMBER(w, b->epoch, UINT32_MAX);
#define X(name) NUMBER(w, b->name, COUNT_MAX);
	BOOKS(X)
#undef X
}

static void walk_event(struct walk *w, struct event_fact *e)
{
	NUMBER(w, e->time, INT64_MAX);
	NUMBER(w, e->until, INT64_MAX);
	NUMBER(w, e->epoch, UINT32_MAX);
	NUMBER(w, e->value, UINT32_MAX);
	string(w, e->kind, sizeof(e->kind));
	string(w, e->subject, sizeof(e->subject));
	string(w, e->detail, sizeof(e->detail));
}

static void walk_handshake(struct walk *w, struct handshake *h)
{
	walk_conn(w, &h->conn);
	walk_stamp(w, &h->at);
	NUMBER(w, h->tls.version, UINT16_MAX);
	NUMBER(w, h->tls.cipher, UINT16_MAX);
	NUMBER(w, h->tls.mutual, MUTUAL_YES);
	signed_number(w, &h->tls.peer_expires);
	string(w, h->tls.sni, sizeof(h->tls.sni));
	string(w, h->tls.alpn, sizeof(h->tls.alpn));
	string(w, h->tls.alpn_offered, sizeof(h->tls.alpn_offered));
	string(w, h->tls.ja4, sizeof(h->tls.ja4));
	string(w, h->tls.peer_subject, sizeof(h->tls.peer_subject));
}

static void walk_named(struct walk *w, struct named *n)
{
	walk_conn(w, &n->conn);
	walk_stamp(w, &n->at);
	bytes(w, n->address.addr, sizeof(n->address.addr));
	NUMBER(w, n->address.port, UINT16_MAX);
	NUMBER(w, n->family, UINT16_MAX);
	NUMBER(w, n->ttl, UINT32_MAX);
	string(w, n->name, sizeof(n->name));
}

static void walk_fact(struct walk *w, struct fact *f)
{
	switch (f->kind) {
	case FACT_EXCHANGE:
		walk_exchange(w, &f->exchange);
		return;
	case FACT_TRAFFIC:
		walk_traffic(w, &f->traffic);
		return;
	case FACT_PROCESS:
		walk_process(w, &f->process);
		return;
	case FACT_CONN:
		walk_seen(w, &f->conn);
		return;
	case FACT_BOOKS:
		walk_books(w, &f->books);
		return;
	case FACT_EVENT:
		walk_event(w, &f->event);
		return;
	case FACT_HANDSHAKE:
		walk_handshake(w, &f->handshake);
		return;
	case FACT_NAMED:
		walk_named(w, &f->named);
		return;
	}
	w->bad = true;
}

/* A buffer of the caller's, so that packing allocates nothing. */
struct room { char *ptr; size_t len, size; bool full; };

static int room_write(void *data, const char *ptr, size_t len)
{
	struct room *r = data;

	if (!len)
		return 0;	/* an empty string's body: no pointer either */
	if (r->full || len > r->size - r->len) {
		r->full = true;
		return -1;
	}
	memcpy(r->ptr + r->len, ptr, len);
	r->len += len;
	return 0;
}

/* Objects in the message's array: one a field, as the walks write them. */
static uint32_t fields_of(const struct fact *f)
{
	static const uint32_t conn = 16, account = 2 * 7, stamp = 2, finding = 13;
	uint32_t books = 1;

#define X(name) books++;
	BOOKS(X)
#undef X
	switch (f->kind) {
	case FACT_EXCHANGE:
		return 1 + conn + stamp + 10 + 4 + account + 2 * reasons_in(f->exchange.bytes) + 1 + finding * f->exchange.nr_findings;
	case FACT_TRAFFIC:
		return 1 + conn + stamp + 4 + account + 2 * reasons_in(f->traffic.bytes) + 4;
	case FACT_PROCESS:
		return 1 + 21;
	case FACT_CONN:
		return 1 + conn + 1 + (f->conn.conn.late ? 3 : 0);
	case FACT_BOOKS:
		return 1 + books;
	case FACT_EVENT:
		return 1 + 7;
	case FACT_HANDSHAKE:
		return 1 + conn + stamp + 9;
	case FACT_NAMED:
		return 1 + conn + stamp + 5;
	}
	return 0;
}

int facts_pack(const struct fact *f, void *out, size_t size)
{
	struct room room = { out, 0, size, false };
	msgpack_packer packer;
	struct walk w = { .out = &packer };
	uint32_t fields = fields_of(f);

	/* Only read when packing: the walk takes it as writable for the other direction. */
	struct fact *fact = (struct fact *)(uintptr_t)f;

	if (!fields || (f->kind == FACT_EXCHANGE && f->exchange.nr_findings > MAX_FINDINGS))
		return -EINVAL;
	msgpack_packer_init(&packer, &room, room_write);
	msgpack_pack_array(&packer, fields);
	msgpack_pack_uint32(&packer, f->kind);
	walk_fact(&w, fact);
	if (w.bad)
		return -EINVAL;
	return room.full ? -ENOSPC : (int)room.len;
}

int facts_unpack(const void *in, size_t size, struct fact *f)
{
	msgpack_unpacked item;
	struct walk w = { 0 };
	size_t at = 0;
	int kind = -EBADMSG;

	if (!size || size > FACT_MAX_SIZE || flat_len(in, size) != (ssize_t)size)
		return -EBADMSG;
	msgpack_unpacked_init(&item);
	if (msgpack_unpack_next(&item, in, size, &at) == MSGPACK_UNPACK_SUCCESS && at == size &&
	    item.data.type == MSGPACK_OBJECT_ARRAY && item.data.via.array.size > 1) {
		w.at = item.data.via.array.ptr;
		w.end = w.at + item.data.via.array.size;
		NUMBER(&w, f->kind, FACT_LAST);
		/* walk_finding sets all of a finding; those that are not there stay what they were. */
		memset(&f->exchange, 0, f->kind == FACT_EXCHANGE ? offsetof(struct exchange, findings) : sizeof(f->exchange));
		if (!w.bad)
			walk_fact(&w, f);
		if (!w.bad && w.at == w.end)
			kind = (int)f->kind;
	}
	msgpack_unpacked_destroy(&item);
	return kind;
}
