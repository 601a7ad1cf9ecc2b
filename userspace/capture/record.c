/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/record.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "bpf/wire.h"
#include "model/payload.h"

_Static_assert(sizeof(struct record_header) == sizeof(struct wire_header) &&
	       offsetof(struct record_header, body) == offsetof(struct wire_header, body), "the same, on both sides of the fence");

_Static_assert(sizeof(struct wire_data) + WIRE_LARGE <= RECORD_MAX, "the longest record");
_Static_assert((int)WIRE_UPGRADE_MAX == (int)UPGRADE_MAX && (int)WIRE_UPGRADE_CONNECT == (int)UPGRADE_CONNECT, "the same words");

#define UNBOUND_SESSION (1ull << 63)

size_t record_size(const void *record, size_t len)
{
	struct wire_data d;

	if (len < sizeof(d))
		return 0;
	memcpy(&d, record, sizeof(d));
	if (d.kind < WIRE_SOCKET || d.kind > WIRE_HELLO || d.len > WIRE_LARGE || d.len > len - sizeof(d))
		return 0;
	return sizeof(d) + d.len;
}

uint32_t record_epoch(const void *record, size_t len)
{
	struct wire_data d;

	if (len < sizeof(d))
		return 0;
	memcpy(&d, record, sizeof(d));
	return d.epoch;
}

uint64_t record_signature(const struct siphash_key *key, const void *record, size_t len)
{
	size_t size = record_size(record, len);

	if (!size)
		return siphash(key, record, len);
	return siphash(key, (const uint8_t *)record + sizeof(struct wire_data), size - sizeof(struct wire_data));
}

uint32_t record_payload(const void *record, size_t len)
{
	struct wire_data d;

	if (len < sizeof(d))
		return 0;
	memcpy(&d, record, sizeof(d));
	return d.kind == WIRE_CIPHER ? d.call : d.kind == WIRE_HELLO ? 0 : d.len;
}

uint64_t record_time(const void *record, size_t len)
{
	struct wire_data d;

	if (len < sizeof(d))
		return 0;
	memcpy(&d, record, sizeof(d));
	return d.time;
}

void record_conn(struct conn_facts *c, const struct wire_who *w, uint16_t flags)
{
	*c = (struct conn_facts){
		.id = w->conn, .process = { w->tgid, w->start }, .cgroup = w->cgroup, .family = w->family,
		.role = w->role <= ROLE_CLIENT ? w->role : ROLE_UNKNOWN,
		.transport = w->transport <= TRANSPORT_UNIX_DATAGRAM ? w->transport : TRANSPORT_TCP,
		.late = !!(flags & WIRE_F_LATE), .netns = w->netns,
		.upgrade = w->upgrade < WIRE_UPGRADE_MAX ? w->upgrade : UPGRADE_NONE,
	};
	c->local.port = w->local.port;
	c->remote.port = w->remote.port;
	memcpy(c->local.addr, w->local.addr, sizeof(c->local.addr));
	memcpy(c->remote.addr, w->remote.addr, sizeof(c->remote.addr));
	memcpy(c->comm, w->comm, sizeof(c->comm) - 1);
	/* A thread may call itself anything. */
	for (size_t i = 0; i < sizeof(c->comm) && c->comm[i]; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/", c->comm[i]))
			c->comm[i] = '_';
}

enum loss record_loss(uint8_t reason)
{
	static const uint8_t losses[WIRE_R_MAX] = {
		[WIRE_R_IO_URING] = LOSS_IO_URING, [WIRE_R_SENDFILE] = LOSS_SENDFILE, [WIRE_R_SPLICE] = LOSS_SPLICE,
		[WIRE_R_ZEROCOPY_RECV] = LOSS_ZEROCOPY_RECV, [WIRE_R_KTLS] = LOSS_KTLS, [WIRE_R_QUIC] = LOSS_QUIC,
		[WIRE_R_DISCARDED] = LOSS_DISCARDED, [WIRE_R_URGENT] = LOSS_URGENT, [WIRE_R_TRUNCATED] = LOSS_TRUNCATED, [WIRE_R_READ_FAULT] = LOSS_UNREADABLE,
		[WIRE_R_RING_FULL] = LOSS_RING_FULL, [WIRE_R_SKIPPED_RUN] = LOSS_SKIPPED_RUN, [WIRE_R_OTHER_CALL] = LOSS_NO_ARGS,
		[WIRE_R_UNWANTED] = LOSS_UNWANTED, [WIRE_R_BUDGET] = LOSS_BUDGET,
	};

	return reason < WIRE_R_MAX ? (enum loss)losses[reason] : LOSS_NONE;
}

bool record_cut(uint8_t plain_known)
{
	return plain_known & WIRE_PLAIN_CUT;
}

/* Recordings of before there were reasons have flags only. */
static enum loss cause_of(uint8_t reason, uint16_t flags)
{
	enum loss cause = record_loss(reason);

	if (cause)
		return cause;
	if (flags & WIRE_F_UNREADABLE)
		return LOSS_UNREADABLE;
	if (flags & WIRE_F_NO_ARGS)
		return LOSS_NO_ARGS;
	return flags & WIRE_F_TRUNCATED ? LOSS_TRUNCATED : LOSS_MISSING;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

/* The TLS object of a process. */
static uint64_t object_id(const struct wire_data *d)
{
	return mix(mix(mix(1, d->session), d->who.tgid), d->who.start);
}

/* A session without a socket still tells what the process handled: it gets an id of its own. */
static uint64_t session_id(const struct wire_data *d)
{
	return mix(object_id(d), d->generation) | UNBOUND_SESSION;
}

int record_visit(const void *record, size_t len, void (*push)(void *, const struct chunk *), void *owner)
{
	size_t size = record_size(record, len);
	struct chunk c = { 0 };
	struct wire_data d;

	if (!size)
		return -EBADMSG;
	memcpy(&d, record, sizeof(d));
	if (d.dir > WIRE_SENT || d.skipped > d.call || d.call > INT32_MAX || d.pos > POSITION_MAX || d.time > POSITION_MAX)
		return -EBADMSG;
	if (d.kind == WIRE_CIPHER && d.len % sizeof(struct wire_header))
		return -EBADMSG;
	record_conn(&c.conn, &d.who, d.flags);
	c.at = (struct stamp){ d.time, d.epoch };
	c.layer = (enum layer)d.kind;
	c.dir = (enum dir)d.dir;
	c.pos = d.pos;
	c.skipped = d.skipped;
	c.cause = d.skipped ? cause_of(d.reason, d.flags) : LOSS_NONE;
	c.before = record_loss(d.before);
	c.more = transport_is_datagram(d.who.transport) && !(d.flags & WIRE_F_LAST);
	c.probed = !!(d.flags & WIRE_F_PROBED);
	c.ahead = !!(d.flags & WIRE_F_AHEAD);
	c.partly = !!(d.flags & WIRE_F_PARTLY);
	c.bytes = slice_of((const uint8_t *)record + sizeof(d), size - sizeof(d));
	switch (d.kind) {
	case WIRE_SOCKET:
		c.conn.tls = TLS_ABSENT;
		break;
	case WIRE_HELLO:
	case WIRE_CIPHER:
		c.conn.tls = TLS_PRESENT;
		c.moved = d.call;
		break;
	case WIRE_TLS:
		c.conn.tls = TLS_PRESENT;
		c.session = object_id(&d);
		c.generation = d.generation;
		c.conn.binding = d.flags & WIRE_F_BOUND && d.who.conn ? BINDING_EXACT : BINDING_NONE;
		if (!c.conn.binding)
			c.conn.id = session_id(&d);
		break;
	}
	if (!c.conn.id)
		return -EBADMSG;
	push(owner, &c);
	return 0;
}
