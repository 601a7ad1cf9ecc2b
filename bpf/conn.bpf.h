/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* conn.bpf.h - who and where: task, scope, socket, addresses, positions. */
#ifndef WEIR_CONN_BPF_H
#define WEIR_CONN_BPF_H
#include "bpf/emit.bpf.h"

/* Is this task to be watched? Decided before anything is copied. */
static __always_inline bool in_scope(struct wire_config *cfg)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (bpf_map_lookup_elem(&own, &tgid)) {
		count(cfg->epoch, WIRE_C_OWN, 1);
		return false;
	}
	if (!cfg->filter)
		return true;
	if ((cfg->filter & WIRE_FILTER_PID) && bpf_map_lookup_elem(&watched, &tgid))
		return true;
	if (cfg->filter & WIRE_FILTER_CGROUP) {
		u64 id = bpf_get_current_cgroup_id();

		if (bpf_map_lookup_elem(&cgroups, &id))
			return true;
	}
	count(cfg->epoch, WIRE_C_FILTERED, 1);
	return false;
}

static __always_inline void who_task(struct wire_who *w, struct task_struct *t)
{
	u64 id = bpf_get_current_pid_tgid();

	w->tgid = id >> 32;
	w->tid = id;
	w->start = BPF_CORE_READ(t, group_leader, start_boottime);
	w->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(w->comm, sizeof(w->comm));
}

static __always_inline void who_conn(struct wire_who *w, const struct conn *c)
{
	w->conn = c->id;
	w->family = c->family;
	w->role = c->role;
	w->netns = c->netns;
	w->local = c->local;
	w->remote = c->remote;
}

/* Only TCP over IP: the rest is for later and is not counted as seen. */
static __always_inline bool is_tcp(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

static __always_inline void conn_addresses(struct conn *c, struct sock *sk)
{
	c->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	c->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	c->local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	c->remote.port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (c->family == AF_INET) {
		u32 a = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		u32 b = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(c->local.addr, &a, 4);
		__builtin_memcpy(c->remote.addr, &b, 4);
		return;
	}
	BPF_CORE_READ_INTO(&c->local.addr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
	BPF_CORE_READ_INTO(&c->remote.addr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
}

static __always_inline u64 conn_next_id(void)
{
	u32 zero = 0;
	u64 *last = bpf_map_lookup_elem(&last_conn, &zero);

	return last ? __sync_fetch_and_add(last, 1) + 1 : 0;
}

/* Sequence behind the last byte handed over or taken. A FIN takes a number that is no
 * byte, and a read that finds it behind its data counts it in: with the peer's FIN in
 * (CLOSE_WAIT and on) and all read, it is in copied_seq. */
static __always_inline u32 sequence(struct sock *sk, u32 dir)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u32 copied;
	u8 state;

	if (dir == WIRE_SENT)
		return BPF_CORE_READ(tp, write_seq);
	copied = BPF_CORE_READ(tp, copied_seq);
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state != TCP_CLOSE_WAIT && state != TCP_LAST_ACK && state != TCP_CLOSING)
		return copied;
	return copied - (copied == BPF_CORE_READ(tp, rcv_nxt));
}

/* Adds the connection with the given next sequences; replaces one whose end was missed. */
static __always_inline struct conn *conn_add(struct sock *sk, u32 sent, u32 received, u8 role, u8 late)
{
	u64 key = (u64)sk;
	u32 zero = 0;
	struct conn *c = bpf_map_lookup_elem(&blank_conn, &zero);

	if (!c || bpf_map_update_elem(&conns, &key, c, BPF_ANY))
		return NULL;
	c = bpf_map_lookup_elem(&conns, &key);
	if (!c)
		return NULL;
	c->id = conn_next_id();
	c->seq[WIRE_SENT] = sent;
	c->seq[WIRE_RECEIVED] = received;
	c->role = role;
	c->late = late;
	conn_addresses(c, sk);
	return c;
}

/* The connection of a socket that just moved n bytes. */
static __always_inline struct conn *conn_get(struct sock *sk, u32 dir, u32 n)
{
	u64 key = (u64)sk;
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	u32 sent, received;

	/* An end that was missed (a skipped program run) leaves a stale entry: ports tell. */
	if (c && c->remote.port == __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport)) &&
	    c->local.port == BPF_CORE_READ(sk, __sk_common.skc_num))
		return c;
	sent = sequence(sk, WIRE_SENT);
	received = sequence(sk, WIRE_RECEIVED);
	if (dir == WIRE_SENT)
		sent -= n;
	else
		received -= n;
	return conn_add(sk, sent, received, WIRE_ROLE_UNKNOWN, 1);
}

/* Position of the first of n bytes that were just moved, `after` more behind them; the
 * state moves on past the n. */
static __always_inline u64 conn_advance(struct conn *c, struct sock *sk, u32 dir, u32 n, u32 after)
{
	u32 end = sequence(sk, dir) - after, d = dir & 1;
	u64 pos = c->pos[d] + (s64)(s32)(end - n - c->seq[d]);

	c->pos[d] = pos + n;
	c->seq[d] = end;
	return pos;
}

static __always_inline void life_conn(struct conn *c, struct task_struct *t)
{
	struct wire_life *l = life_reserve();

	if (!l)
		return;
	l->kind = WIRE_CONN;
	l->flags = c->late ? WIRE_F_LATE : 0;
	who_task(&l->who, t);
	who_conn(&l->who, c);
	life_submit(l);
}

/* Binds the TLS session that is in the middle of a call to the socket it uses: exact,
 * because the call and the socket operation are on one stack. */
static __always_inline void session_bind(struct task_state *ts, struct conn *c, u64 sk, u32 tgid)
{
	struct session_key key = { .object = ts->object, .tgid = tgid };
	struct session *s = bpf_map_lookup_elem(&sessions, &key);

	if (s && s->conn == c->id)
		return;
	if (s && s->conn) { /* the object was taken for another connection */
		s->generation++;
		s->pos[0] = s->pos[1] = 0;
	}
	if (s) {
		s->conn = c->id;
		s->sk = sk;
	} else {
		struct session n = { .conn = c->id, .sk = sk };

		bpf_map_update_elem(&sessions, &key, &n, BPF_ANY);
	}
	c->session = ts->object;
	c->session_tgid = tgid;
	c->tls = 1;
}
#endif
