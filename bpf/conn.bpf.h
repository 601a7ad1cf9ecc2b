/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* conn.bpf.h - who and where: task, scope, socket, addresses, positions. */
#ifndef WEIR_CONN_BPF_H
#define WEIR_CONN_BPF_H
#include "bpf/emit.bpf.h"

/* What keeps this task from being watched, as the counter of its calls; WIRE_C_MAX: nothing. */
static __always_inline u32 out_of_scope(struct wire_config *cfg)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	u8 *task = bpf_map_lookup_elem(&scope, &tgid);

	if (task && *task == WIRE_TASK_OWN)
		return WIRE_C_OWN;
	if (!cfg->filter || (task && (cfg->filter & WIRE_FILTER_PID)))
		return WIRE_C_MAX;
	if (cfg->filter & WIRE_FILTER_CGROUP) {
		u64 id = bpf_get_current_cgroup_id();

		if (bpf_map_lookup_elem(&cgroups, &id))
			return WIRE_C_MAX;
	}
	return WIRE_C_FILTERED;
}

/* Is this task to be watched? Decided before anything is copied. */
static __always_inline bool in_scope(struct wire_config *cfg)
{
	u32 why_not = out_of_scope(cfg);

	if (why_not != WIRE_C_MAX)
		count(cfg->epoch, why_not, 1);
	return why_not == WIRE_C_MAX;
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

/* Who and over what, from the connection: the helpers that tell of the task cost as much
 * as a small copy. */
static __always_inline void who_conn(struct wire_who *w, const struct conn *c, struct task_struct *t)
{
	u64 id = bpf_get_current_pid_tgid();

	*w = c->who;
	if (c->shared || w->tgid != id >> 32)
		who_task(w, t);
	w->tid = id;
}

/* Only TCP over IP: the rest is for later and is not counted as seen. */
static __always_inline bool is_inet(u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

static __always_inline bool is_tcp(struct sock *sk)
{
	return is_inet(BPF_CORE_READ(sk, __sk_common.skc_family)) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

/* What is needed of a socket, read once: where a hook has it as a typed pointer the fields
 * are plain loads, else each costs a call of a helper.
 *
 * next is the sequence behind the last byte handed over or taken. A FIN takes a number that
 * is no byte, and a read that finds it behind its data counts it in: with the peer's FIN in
 * and all read, it is in copied_seq. The state does not tell: a socket that was shut down is
 * closed when the FIN comes, as it is by a reset, and what came before is read after. */
struct socket_now {
	u32 next[2];			/* enum wire_dir */
	u16 local_port, remote_port;	/* host order */
	u8 state;
};
#define SOCKET_NOW(n, sk, tp, GET)							\
	do {										\
		u32 copied = GET(tp, copied_seq);					\
		bool fin = GET(sk, __sk_common.skc_flags) >> SOCK_DONE & 1;		\
											\
		(n)->next[WIRE_SENT] = GET(tp, write_seq);				\
		(n)->next[WIRE_RECEIVED] = copied - (fin && copied == GET(tp, rcv_nxt)); \
		(n)->local_port = GET(sk, __sk_common.skc_num);				\
		(n)->remote_port = __builtin_bswap16(GET(sk, __sk_common.skc_dport));	\
		(n)->state = GET(sk, __sk_common.skc_state);				\
	} while (0)
#define LOAD(p, field) ((p)->field)

static __always_inline void socket_read(struct socket_now *n, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	SOCKET_NOW(n, sk, tp, BPF_CORE_READ);
}

static __always_inline void conn_addresses(struct wire_who *w, struct sock *sk)
{
	w->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	w->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	w->local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	w->remote.port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (w->family == AF_INET) {
		u32 a = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		u32 b = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(w->local.addr, &a, 4);
		__builtin_memcpy(w->remote.addr, &b, 4);
		return;
	}
	BPF_CORE_READ_INTO(&w->local.addr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
	BPF_CORE_READ_INTO(&w->remote.addr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
}

static __always_inline u64 conn_next_id(void)
{
	u32 zero = 0;
	u64 *last = bpf_map_lookup_elem(&last_conn, &zero);

	return last ? __sync_fetch_and_add(last, 1) + 1 : 0;
}

/* Adds the connection with the given next sequences; replaces one whose end was missed. */
static __always_inline struct conn *conn_add(struct sock *sk, const u32 next[2], u8 role, u8 late)
{
	u64 key = (u64)sk;
	struct conn *c;

	if (bpf_map_update_elem(&conns, &key, &blank_conn, BPF_ANY))
		return NULL;
	c = bpf_map_lookup_elem(&conns, &key);
	if (!c)
		return NULL;
	c->who.conn = conn_next_id();
	c->seq[WIRE_SENT] = next[WIRE_SENT];
	c->seq[WIRE_RECEIVED] = next[WIRE_RECEIVED];
	c->who.role = role;
	c->late = late;
	conn_addresses(&c->who, sk);
	return c;
}

/* The connection of a socket that just moved n bytes. */
static __always_inline struct conn *conn_get(u64 key, const struct socket_now *now, u32 dir, u32 n)
{
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	u32 next[2];

	/* An end that was missed (a skipped program run) leaves a stale entry: ports tell,
	 * but for a socket that is closed and still held: it has given its port back. */
	if (c && ((c->closed && now->state == TCP_CLOSE) ||
		  (c->who.remote.port == now->remote_port && c->who.local.port == now->local_port)))
		return c;
	next[WIRE_SENT] = now->next[WIRE_SENT] - (dir == WIRE_SENT ? n : 0);
	next[WIRE_RECEIVED] = now->next[WIRE_RECEIVED] - (dir == WIRE_RECEIVED ? n : 0);
	return conn_add((struct sock *)key, next, WIRE_ROLE_UNKNOWN, 1);
}

/* Position of the first of n bytes that were just moved, `after` more behind them; the
 * state moves on past the n. */
static __always_inline u64 conn_advance(struct conn *c, const struct socket_now *now, u32 dir, u32 n, u32 after)
{
	u32 d = dir & 1, end = now->next[d] - after;
	u64 pos = c->pos[d] + (s64)(s32)(end - n - c->seq[d]);

	if ((s64)pos < 0)
		pos = 0; /* it was found in the middle of this call */
	c->pos[d] = pos + n;
	c->seq[d] = end;
	return pos;
}

/* A process uses the connection for the first time, or another one than before. */
static __always_inline void conn_owner(struct conn *c, struct task_struct *t)
{
	struct wire_life *l;

	c->shared = c->who.tgid != 0;
	who_task(&c->who, t);
	l = life_reserve();
	if (!l)
		return;
	l->kind = WIRE_CONN;
	l->flags = c->late ? WIRE_F_LATE : 0;
	l->who = c->who;
	life_submit(l);
}

static __always_inline struct session *session_get(struct session_key *key)
{
	struct session *s = bpf_map_lookup_elem(&sessions, key);

	if (s)
		return s;
	bpf_map_update_elem(&sessions, key, &blank_session, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sessions, key);
}

/* The object is another session's from here on, bound to nothing yet. */
static __always_inline void session_renew(struct session *s)
{
	s->sk = s->conn = 0;
	s->pos[0] = s->pos[1] = 0;
	s->queued = s->freed = 0;
	s->generation++;
}

/* A session that was used on this connection by the process that the current one was forked
 * from goes on where it was. Taken over, not copied: only one of the two can go on with it. */
static __always_inline void session_inherit(struct session *s, const struct conn *c, struct session_key *key)
{
	u64 tgid = key->tgid;
	struct session *old;

	if (c->session != key->object || c->session_tgid == tgid)
		return;
	key->tgid = c->session_tgid;
	old = bpf_map_lookup_elem(&sessions, key);
	if (old && old->conn == c->who.conn) {
		s->pos[0] = old->pos[0];
		s->pos[1] = old->pos[1];
		s->queued = old->queued;
		bpf_map_delete_elem(&sessions, key);
	}
	key->tgid = tgid;
}

/* Binds the TLS session that is in the middle of a call to the socket it uses: exact,
 * because the call and the socket operation are on one stack. */
static __always_inline void session_bind(u64 object, struct conn *c, u64 sk, u32 tgid)
{
	struct session_key key = { .object = object, .tgid = tgid };
	struct session *s = session_get(&key);

	if (s && s->conn == c->who.conn) {
		s->freed = 0;
		return;
	}
	if (s) {
		if (s->conn) /* the object was taken for another connection */
			session_renew(s);
		session_inherit(s, c, &key);
		s->conn = c->who.conn;
		s->sk = sk;
	}
	c->session = object;
	c->session_tgid = tgid;
	c->tls = 1;
}
#endif
