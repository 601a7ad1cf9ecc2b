/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* peer.bpf.h - the connections of a datagram socket, which has one for each it speaks with. The address
 * is what datagram.bpf.c was told in the midst of the call, or the one that the socket is connected to.
 * And what of datagrams is known by their looks. */
#ifndef WEIR_PEER_BPF_H
#define WEIR_PEER_BPF_H
#include "bpf/conn.bpf.h"

static __always_inline bool is_end(const struct wire_end *a, const struct wire_end *b)
{
	const u64 *x = (const u64 *)a->addr, *y = (const u64 *)b->addr;

	return a->port == b->port && x[0] == y[0] && x[1] == y[1];
}

static __always_inline void socket_peer(struct wire_end *end, struct sock *sk)
{
	end->port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		u32 a = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(end->addr, &a, 4);
		return;
	}
	BPF_CORE_READ_INTO(&end->addr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
}

/* Whom the datagram of a call went to or came from; false: nobody has told. What was told is taken,
 * so that no other call has it. */
static __always_inline bool peer_take(struct wire_end *end, u64 key, u32 dir)
{
	u64 task = (u64)bpf_get_current_task();
	struct datagram_peer *p = bpf_map_lookup_elem(&datagram_peers, &task);

	if (p && p->sk == key && p->dir == dir) {
		*end = p->end;
		p->sk = 0;
		return true;
	}
	socket_peer(end, (struct sock *)key);
	return end->port;
}

/* Not inlined, for the stack of the hooks on 6.1. */
static __attribute__((noinline)) int peer_forget(void)
{
	u64 task = (u64)bpf_get_current_task();
	struct datagram_peer *p = bpf_map_lookup_elem(&datagram_peers, &task);

	if (p)
		p->sk = 0;
	return 0;
}

/* Bit 0 is set, as it is in no address of a socket. */
static __always_inline u64 peer_key(u64 key, const struct wire_end *end)
{
	const u64 *words = (const u64 *)end->addr, mix = 0x9e3779b97f4a7c15ull;
	u64 h = (key ^ end->port) * mix;

	h = (h ^ h >> 32 ^ words[0]) * mix;
	h = (h ^ h >> 29 ^ words[1]) * mix;
	return (h ^ h >> 32) | 1;
}

/* The connection of a datagram socket, other than its first, with this end. */
static __always_inline struct conn *peer_at(u64 *at, u64 socket, const struct wire_end *end, u64 inode)
{
	struct conn *c;

	*at = peer_key(socket, end);
	c = bpf_map_lookup_elem(&conns, at);
	return c && c->socket == socket && c->inode == inode && is_end(end, &c->who.remote) ? c : NULL;
}

/* Not inlined, for the stack. */
__attribute__((noinline)) int peer_add(u64 at, u64 socket, const struct wire_end *end, u32 role)
{
	struct conn *base = bpf_map_lookup_elem(&conns, &socket), *c;

	if (!base || !end)
		return 0;
	c = conn_blank(at, (struct sock *)socket, role);
	if (!c)
		return 0; /* it is found by nobody then, and counted */
	c->who.transport = WIRE_UDP;
	c->who.remote = *end;
	c->inode = base->inode;
	c->quic = base->quic;
	c->socket = socket;
	__sync_fetch_and_add(&base->peers, 1);	/* threads may share the socket */
	return 0;
}

/* A datagram socket that is not connected speaks with whom it likes: each that it has turned to first is a
 * connection of its own, by address and port, of which it is the client; all that turned to it from one
 * address are one, of which it is the server. The first of all has the socket's, any other is the call's. */
__attribute__((noinline)) int peer_find(struct call *call)
{
	struct wire_end end = {}, host;
	u64 socket, at;
	struct conn *base;
	bool known;
	u32 dir;

	if (!call)
		return 0;
	call->key = 0;
	dir = call->dir & 1;
	socket = call->sk;
	base = conn_get(socket, &call->now, dir, call->moved);
	if (!base)
		return 0;
	known = peer_take(&end, socket, dir);
	if (is_end(&end, &base->who.remote) || (!known && !base->peers))
		return 0;
	host = end;
	host.port = 0;
	if (known && is_end(&host, &base->who.remote) && !peer_at(&at, socket, &end, base->inode))
		return 0;
	if (peer_at(&at, socket, &end, base->inode) || (known && peer_at(&at, socket, &host, base->inode)))
		goto out;
	if (known && !base->who.remote.port && !base->pos[0] && !base->pos[1]) {
		base->who.remote = dir == WIRE_SENT ? end : host;
		base->who.role = dir == WIRE_SENT ? WIRE_ROLE_CLIENT : WIRE_ROLE_SERVER;
		return 0;
	}
	if (base->peers >= PEERS_MAX)	/* one more for all that are too many */
		__builtin_memset(&end, 0, sizeof(end));
	else if (dir == WIRE_RECEIVED)
		end = host;
	if (!peer_at(&at, socket, &end, base->inode))
		peer_add(at, socket, &end, dir == WIRE_SENT ? WIRE_ROLE_CLIENT : WIRE_ROLE_SERVER);
out:
	call->key = at;
	return 0;
}

static __always_inline struct conn *peer_get(const struct call *call)
{
	u64 key = call->key;	/* a key must lie on the stack, until 6.2 */

	return bpf_map_lookup_elem(&conns, &key);
}

/* QUIC begins with datagrams of at least 1200 bytes (RFC 9000, 14.1) whose header is long and
 * names a version (RFC 8999, 5.1); all of it is encrypted, so that copying it would tell
 * nothing. Versions 1 and 2 and the last drafts: whatever else has two bits set, as every
 * fourth question to a name server has, is looked at. */
static __always_inline bool looks_quic(const struct segments *s, u32 moved)
{
	u8 h[5] = {};
	u32 version;

	if (moved < 1200 || s->len < 5 || bpf_probe_read_user(h, sizeof(h), (void *)s->base))
		return false;
	version = h[1] << 24 | h[2] << 16 | h[3] << 8 | h[4];
	return (h[0] & 0xc0) == 0xc0 && (version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000);
}
#endif
