/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* conn.bpf.h - who and where: task, scope, socket, addresses, positions.
 *
 * Functions that are neither inlined nor static the verifier walks once each, whatever calls
 * them, and not again on each of the ways there: its time is time of weir's start. For the
 * same reason they are given addresses of what they change, and give back numbers; the address
 * of a socket, which is no number to it, lies in memory. */
#ifndef WEIR_CONN_BPF_H
#define WEIR_CONN_BPF_H
#include "bpf/emit.bpf.h"

enum { CHANGE_CIPHER_SPEC = 20, HANDSHAKE = 22, APPLICATION_DATA = 23 };	/* types of TLS records, RFC 8446 5.1 */

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
__attribute__((noinline)) int in_scope(struct wire_config *cfg)
{
	u32 why_not;

	if (!cfg)
		return 0;
	why_not = out_of_scope(cfg);
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
__attribute__((noinline)) int who_conn(struct wire_who *w, const struct conn *c)
{
	u64 id = bpf_get_current_pid_tgid();

	if (!w || !c)
		return 0;
	*w = c->who;
	if (c->shared || w->tgid != id >> 32)
		who_task(w, bpf_get_current_task_btf());
	w->tid = id;
	return 0;
}

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
		(n)->transport = WIRE_TCP;						\
	} while (0)
#define LOAD(p, field) ((p)->field)

/* Does the kernel encrypt, or decrypt, this direction? Given a way to is not given the keys:
 * OpenSSL asks for it on each connection, and goes on by itself unless it was told to hand over. */
__attribute__((noinline)) int ktls_on(u64 key, u32 dir)
{
	struct tcp_sock *tp = (struct tcp_sock *)key;
	const struct tcp_ulp_ops *ulp = BPF_CORE_READ(tp, inet_conn.icsk_ulp_ops);
	struct tls_context *tls;
	u32 name = 0;

	if (!ulp || bpf_probe_read_kernel(&name, sizeof(name), &ulp->name) || name != ('t' | 'l' << 8 | 's' << 16))
		return 0;
	tls = (struct tls_context *)BPF_CORE_READ(tp, inet_conn.icsk_ulp_data);
	if (!tls || !bpf_core_field_exists(struct tls_context, tx_conf))
		return 1;
	return dir == WIRE_SENT ? BPF_CORE_READ_BITFIELD_PROBED(tls, tx_conf) != 0 : BPF_CORE_READ_BITFIELD_PROBED(tls, rx_conf) != 0;
}

static __always_inline void socket_read(struct socket_now *n, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	SOCKET_NOW(n, sk, tp, BPF_CORE_READ);
}

/* What the kernel's own 64-bit counters say was handed over and taken, from wherever they began. */
static __always_inline void socket_totals(u64 total[2], struct sock *sk, const struct socket_now *now)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u32 rcv_nxt = BPF_CORE_READ(tp, rcv_nxt);

	total[WIRE_SENT] = BPF_CORE_READ(tp, bytes_acked) + (s64)(s32)(now->next[WIRE_SENT] - BPF_CORE_READ(tp, snd_una));
	total[WIRE_RECEIVED] = BPF_CORE_READ(tp, bytes_received) - (s64)(s32)(rcv_nxt - now->next[WIRE_RECEIVED]);
}

/* Of a socket that is not TCP: WIRE_TCP when it is none that weir looks at. */
static __always_inline u8 transport_of(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family), type = BPF_CORE_READ(sk, sk_type);
	u16 protocol = BPF_CORE_READ(sk, sk_protocol);

	if (family == AF_UNIX)
		return type == SOCK_STREAM ? WIRE_UNIX_STREAM : WIRE_UNIX_DATAGRAM;
	if (is_inet(family) && protocol == IPPROTO_UDP)
		return WIRE_UDP;
	return is_inet(family) && protocol == IPPROTO_MPTCP ? WIRE_MPTCP : WIRE_TCP;
}

static __always_inline void conn_addresses(struct wire_who *w, struct sock *sk)
{
	w->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	w->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (w->family == AF_UNIX)
		return;
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

static __always_inline u64 next_id(u32 of)
{
	u64 *last = bpf_map_lookup_elem(&last_id, &of);

	return last ? __sync_fetch_and_add(last, 1) + 1 : 0;
}

static __always_inline struct conn *conn_blank(u64 key, struct sock *sk, u8 role)
{
	struct wire_config *cfg = config_get();
	struct conn *c;

	if (bpf_map_update_elem(&conns, &key, &blank_conn, BPF_ANY))
		return NULL;
	c = bpf_map_lookup_elem(&conns, &key);
	if (!c)
		return NULL;
	c->who.conn = next_id(ID_CONN);
	c->who.role = role;
	c->look = cfg ? cfg->look : 0;
	conn_addresses(&c->who, sk);
	return c;
}

/* Adds the connection with the given next sequences; replaces one whose end was missed. */
static __always_inline struct conn *conn_add(struct sock *sk, const u32 next[2], u8 role, u8 late)
{
	struct conn *c = conn_blank((u64)sk, sk, role);

	if (!c)
		return NULL;
	c->seq[WIRE_SENT] = next[WIRE_SENT];
	c->seq[WIRE_RECEIVED] = next[WIRE_RECEIVED];
	c->late = late;
	return c;
}

static __always_inline u64 position(const struct conn *c, const struct socket_now *now, u32 dir)
{
	return c->pos[dir] + (s64)(s32)(now->next[dir] - c->seq[dir]);
}

/* Where the kernel's own counters were at position 0. */
static __always_inline void conn_base(struct conn *c, struct sock *sk, const struct socket_now *now)
{
	u64 total[2];

	socket_totals(total, sk, now);
	for (u32 d = 0; d < 2; d++)
		c->base[d] = total[d] - position(c, now, d);
}

/* Of a connection older than weir what was before position 0 is told. Who opened it, or closed its
 * side, has a number too many for that: what went out as data is counted apart from it. */
static __always_inline void conn_base_late(struct conn *c, struct sock *sk, const struct socket_now *now)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u64 numbers = BPF_CORE_READ(tp, bytes_acked) + BPF_CORE_READ(tp, snd_nxt) - BPF_CORE_READ(tp, snd_una);
	u64 more = numbers - (BPF_CORE_READ(tp, bytes_sent) - BPF_CORE_READ(tp, bytes_retrans));

	conn_base(c, sk, now);
	c->no_bytes = more <= 2 ? more : 0;
}

/* The role that a socket without a handshake has: who asked for a port or a name is the one
 * that is called. */
static __always_inline u8 role_guess(struct sock *sk, u8 transport)
{
	struct mptcp_sock *m = (struct mptcp_sock *)sk;
	struct unix_sock *u = (struct unix_sock *)sk;
	bool named;

	if (transport == WIRE_MPTCP) { /* that of its first TCP connection */
		u64 first = (u64)BPF_CORE_READ(m, first);
		struct conn *c = bpf_map_lookup_elem(&conns, &first);

		return c ? c->who.role : WIRE_ROLE_UNKNOWN;
	}
	if (transport == WIRE_UNIX_STREAM || transport == WIRE_UNIX_DATAGRAM)
		named = BPF_CORE_READ(u, addr) != NULL;
	else
		named = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK &&
			!BPF_CORE_READ(sk, __sk_common.skc_dport);
	return named ? WIRE_ROLE_SERVER : WIRE_ROLE_CLIENT;
}

static __always_inline u64 socket_inode(u64 key)
{
	struct sock *sk = (struct sock *)key;

	return BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino);
}

/* Is the socket still the one of this connection? Nothing tells of the end of one without a
 * sequence at once, so the number of its inode does. Of TCP an end that was missed (a skipped
 * program run) leaves a stale entry: ports tell, but for a socket that is closed and still
 * held: it has given its port back. */
__attribute__((noinline)) int conn_holds(const struct conn *c, u64 key, const struct socket_now *now)
{
	if (!c || !now)
		return 0;
	if (now->transport)
		return c->who.transport == now->transport && c->inode == socket_inode(key);
	return !c->who.transport && ((c->closed && now->state == TCP_CLOSE) ||
		  (c->who.remote.port == now->remote_port && c->who.local.port == now->local_port));
}

/* The connection of a socket that moved n bytes and is not known. */
__attribute__((noinline)) int conn_first(u64 key, const struct socket_now *now, u32 dir, u32 n)
{
	u8 role = WIRE_ROLE_UNKNOWN;
	struct conn *c;
	u32 next[2] = {};
	bool early;

	if (!now)
		return 0;
	if (now->transport) {
		c = conn_add((struct sock *)key, next, role_guess((struct sock *)key, now->transport), 0);
		if (c) {
			c->inode = socket_inode(key);
			c->who.transport = now->transport;
		}
		return 0;
	}
	/* Data that goes with the SYN, or before the end of the handshake, is the first. */
	early = now->state == TCP_SYN_SENT || now->state == TCP_SYN_RECV;
	if (early)
		role = now->state == TCP_SYN_SENT ? WIRE_ROLE_CLIENT : WIRE_ROLE_SERVER;
	next[WIRE_SENT] = now->next[WIRE_SENT] - (dir == WIRE_SENT ? n : 0);
	next[WIRE_RECEIVED] = now->next[WIRE_RECEIVED] - (dir == WIRE_RECEIVED ? n : 0);
	c = conn_add((struct sock *)key, next, role, !early);
	if (!c)
		return 0;
	c->early = early;
	if (!early)
		conn_base_late(c, (struct sock *)key, now);
	return 0;
}

/* The connection of a socket that just moved n bytes. */
static __always_inline struct conn *conn_get(u64 key, const struct socket_now *now, u32 dir, u32 n)
{
	struct conn *c = bpf_map_lookup_elem(&conns, &key);

	if (c && conn_holds(c, key, now))
		return c;
	conn_first(key, now, dir, n);
	return bpf_map_lookup_elem(&conns, &key);
}

/* Have bytes moved before the n that were just moved, and no hook has told of them? */
static __always_inline bool conn_jumped(const struct conn *c, const struct socket_now *now, u32 d, u32 n)
{
	return !now->transport && (s32)(now->next[d] - n - c->seq[d]) > 0;
}

/* Position of the first of n bytes that were just moved, `after` more behind them; the
 * state moves on past the n. */
static __always_inline u64 conn_advance(struct conn *c, const struct socket_now *now, u32 dir, u32 n, u32 after)
{
	u32 d = dir & 1, end = now->next[d] - after;
	u64 pos = c->pos[d] + (now->transport ? 0 : (s64)(s32)(end - n - c->seq[d]));

	if ((s64)pos < 0)
		pos = 0; /* it was found in the middle of this call */
	c->pos[d] = pos + n;
	c->seq[d] = end;
	return pos;
}

/* Why bytes moved, from this sequence on, that no hook has told of. At the kernel's counts only
 * what leaves no trace there is left: an urgent byte, a reader that maps the socket's pages, a
 * splice from the socket, a run that was skipped. */
__attribute__((noinline)) int jump_reason(const u64 *key, u32 dir, u32 seq)
{
	struct wire_config *cfg = config_get();
	u32 flags = cfg ? cfg->flags : WIRE_CONFIG_MISSED;
	struct tcp_sock *tp;
	struct sock *sk;
	struct conn *c;
	u64 at;

	if (!key)
		return WIRE_R_NONE;
	at = *key;	/* a key must lie on the stack, until 6.2 */
	tp = (struct tcp_sock *)at;
	sk = (struct sock *)at;
	if (ktls_on(at, dir))
		return WIRE_R_KTLS;
	if (dir == WIRE_RECEIVED && BPF_CORE_READ(tp, urg_seq) == seq)
		return WIRE_R_URGENT;
	if (dir == WIRE_RECEIVED && BPF_CORE_READ(sk, sk_socket, file, f_mapping, i_mmap.rb_root.rb_node))
		return WIRE_R_ZEROCOPY_RECV;
	if (flags & WIRE_CONFIG_EXIT) { /* the end may be in any task */
		c = bpf_map_lookup_elem(&conns, &at);
		return BPF_CORE_READ(bpf_get_current_task_btf(), io_uring) || (c && c->uring) ? WIRE_R_IO_URING : WIRE_R_OTHER_CALL;
	}
	return dir == WIRE_SENT || (flags & WIRE_CONFIG_MISSED) ? WIRE_R_SKIPPED_RUN : WIRE_R_SPLICE;
}

static __always_inline void conn_shown(const struct conn *c, struct task_struct *t)
{
	struct wire_config *cfg = config_get();
	struct wire_life *l = life_reserve();

	if (!l)
		return;
	l->kind = WIRE_CONN;
	l->epoch = cfg ? cfg->epoch : 0;
	l->who = c->who;
	l->uid = BPF_CORE_READ(t, cred, euid.val);
	if (c->late && !c->shared) { /* once, whoever uses it later */
		l->flags = WIRE_F_LATE;
		l->sent = c->base[WIRE_SENT] - c->no_bytes;
		l->received = c->base[WIRE_RECEIVED];
	}
	life_submit(l);
}

/* A process uses the connection for the first time, or another one than before. */
__attribute__((noinline)) int conn_owner(struct conn *c)
{
	if (!c)
		return 0;
	c->shared = c->who.tgid != 0;
	who_task(&c->who, bpf_get_current_task_btf());
	conn_shown(c, bpf_get_current_task_btf());
	return 0;
}

/* A session more of that process; s: NULL: one less. Not inlined, for its stack. */
static __attribute__((noinline)) int session_counted(struct session *s, u32 tgid)
{
	u64 none = 0, *all = bpf_map_lookup_elem(&tls_tasks, &tgid);

	if (s)
		s->generation = next_id(ID_SESSION);
	if (!all && s) {
		bpf_map_update_elem(&tls_tasks, &tgid, &none, BPF_NOEXIST);
		all = bpf_map_lookup_elem(&tls_tasks, &tgid);
	}
	if (all)
		__sync_fetch_and_add(all, s ? 1 : -1);
	return 0;
}

/* Which connections are looked at for the budget changes with the turn, so that none is left out for
 * long, and one that is looked at with few others is also looked at with more. */
static __always_inline bool is_picked(u64 conn, u32 share, u64 now)
{
	u32 pick = (conn + (now >> WIRE_TURN_SHIFT) * 0x632be59bd9b4e019ull) * 0x9e3779b97f4a7c15ull >> 32;

	return pick < share || share == WIRE_SHARE_ALL;
}

/* Chosen where an exchange begins, so that it is seen whole or not at all; in the midst of one only
 * when it lasts for more than a turn. was: before this call. */
static __always_inline bool is_chosen_out(u8 *choice, u8 was, u64 conn, u32 share, u64 now)
{
	u32 turn = now >> WIRE_TURN_SHIFT & CHOICE_TURNS, asks = *choice & CHOICE_ASKS ? CHOICE_LAST : 0;
	bool begins = !(was & CHOICE_KNOWN) || ((*choice & CHOICE_LAST) == asks && (was & CHOICE_LAST) != asks);
	bool lasts = was & CHOICE_MADE && ((turn - (was >> CHOICE_TURN_SHIFT)) & CHOICE_TURNS) > 1;

	if (begins || lasts || !(was & CHOICE_MADE)) {
		bool out = (begins || lasts) && !is_picked(conn, share, now);

		*choice = (*choice & (CHOICE_KNOWN | CHOICE_LAST | CHOICE_ASKS)) | CHOICE_MADE | (out ? CHOICE_OUT : 0) | turn << CHOICE_TURN_SHIFT;
	}
	return *choice & CHOICE_OUT;
}

/* Need a call's bytes be copied? enum wire_reason: why not; it is counted then. Not inlined, for the
 * stack of its callers on 6.1. */
__attribute__((noinline)) int left_out(const struct piece *p, u64 conn, u32 moved, u8 *choice, u32 was)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct wire_config *cfg = config_get();
	struct wire_unwanted *u;
	u8 *task;

	if (!p || !cfg || !choice)
		return WIRE_R_NONE;
	u = cfg->flags & WIRE_CONFIG_UNWANTED ? bpf_map_lookup_elem(&unwanted, &conn) : NULL;
	if (u && u->kind == p->head.kind && p->head.pos + moved <= u->to[p->head.dir & 1] && p->head.time < u->until) {
		count(cfg->epoch, WIRE_C_UNWANTED, 1);
		count(cfg->epoch, WIRE_C_BYTES_UNWANTED, moved);
		return WIRE_R_UNWANTED;
	}
	if (!cfg->share || !is_chosen_out(choice, was, conn, cfg->share, p->head.time))
		return WIRE_R_NONE;
	task = bpf_map_lookup_elem(&scope, &tgid);
	if (task && *task == WIRE_TASK_SELFTEST)
		return WIRE_R_NONE;
	count(cfg->epoch, WIRE_C_LEFT_OUT, 1);
	count(cfg->epoch, WIRE_C_BYTES_LEFT_OUT, moved);
	return WIRE_R_BUDGET;
}

/* Mostly it is not even asked; but where exchanges begin must be known when it is. */
static __always_inline u32 piece_left_out(const struct piece *p, u64 conn, u32 moved, u8 *choice, const struct wire_config *cfg)
{
	u8 was = *choice, now = was | CHOICE_KNOWN;

	now = p->head.dir & 1 ? now | CHOICE_LAST : now & ~CHOICE_LAST;
	if (!(was & CHOICE_KNOWN))
		now |= p->head.dir & 1 ? CHOICE_ASKS : 0;
	*choice = cfg->share ? now : now & ~CHOICE_MADE;
	return conn && (cfg->share || cfg->flags & WIRE_CONFIG_UNWANTED) ? (u32)left_out(p, conn, moved, choice, was) : WIRE_R_NONE;
}

static __always_inline struct session *session_get(struct session_key *key)
{
	struct session *s = bpf_map_lookup_elem(&sessions, key);
	bool made;

	if (s)
		return s;
	made = !bpf_map_update_elem(&sessions, key, &blank_session, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&sessions, key);
	if (s && made)
		session_counted(s, key->tgid);
	return s;
}

static __always_inline void session_drop(const struct session *s, struct session_key *key)
{
	bool counted = !s->uncounted;

	if (!bpf_map_delete_elem(&sessions, key) && counted)
		session_counted(NULL, key->tgid);
}

/* Is the session the one that its connection ends with? */
static __always_inline bool session_is_held(const struct session *s, u64 object, u32 tgid)
{
	u64 sk = s->sk;
	struct conn *c = sk ? bpf_map_lookup_elem(&conns, &sk) : NULL;

	return c && c->who.conn == s->conn && c->session == object && c->session_tgid == tgid;
}

static long session_forget_one(void *map, struct session_key *key, struct session *s, u32 *tgid)
{
	if (key->tgid != *tgid)
		return 0;
	if (session_is_held(s, key->object, *tgid))
		s->uncounted = 1;
	else
		bpf_map_delete_elem(map, key);
	return 0;
}

/* The process ended or is another program now: its sessions are no more, but for what a child that
 * goes on with the connection takes over. */
static __always_inline void sessions_forget(u32 tgid)
{
	u64 *all = bpf_map_lookup_elem(&tls_tasks, &tgid);
	bool any = all && *all;

	if (all)
		bpf_map_delete_elem(&tls_tasks, &tgid);
	if (any)
		bpf_for_each_map_elem(&sessions, session_forget_one, &tgid, 0);
}

/* How far the session came is kept where its connection's end is told. */
static __always_inline void session_leaves(const struct session *s, struct conn *c)
{
	c->plain[0] = s->pos[0];
	c->plain[1] = s->pos[1];
	c->plain_before[0] = s->dropped[0];
	c->plain_before[1] = s->dropped[1];
	c->plain_known = WIRE_PLAIN_KNOWN | (s->cut ? WIRE_PLAIN_CUT : 0);
}

/* The object is another session's from here on, bound to nothing yet. */
static __attribute__((noinline)) int session_renew(struct session *s)
{
	struct conn *c;
	u64 sk;

	if (!s)
		return 0;
	sk = s->sk;
	c = sk ? bpf_map_lookup_elem(&conns, &sk) : NULL;
	if (c && c->who.conn == s->conn)
		session_leaves(s, c);
	s->sk = s->conn = 0;
	s->cut = s->dropped[0] = s->dropped[1] = 0;
	s->pos[0] = s->pos[1] = 0;
	s->queued = s->freed = s->choice = 0;
	s->generation = next_id(ID_SESSION);
	return 0;
}

/* It is the new program's. Not in session_renew, for the stack. */
static __always_inline void session_count(struct session *s, u32 tgid)
{
	if (s->uncounted)
		session_counted(s, tgid);
	s->uncounted = 0;
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
		session_drop(old, key);
	}
	key->tgid = tgid;
}

/* The record of plaintext that a session moved: who and over what, without place and bytes. */
static __always_inline void tls_head(struct piece *p, const struct session *s, u64 object, u64 cookie, u32 moved, struct wire_config *cfg)
{
	struct conn *c = s->sk ? bpf_map_lookup_elem(&conns, &s->sk) : NULL;

	__builtin_memset(p, 0, sizeof(*p));
	p->head.kind = WIRE_TLS;
	p->head.time = bpf_ktime_get_boot_ns();
	p->head.epoch = cfg->epoch;
	p->head.dir = cookie & WIRE_COOKIE_SENT ? WIRE_SENT : WIRE_RECEIVED;
	p->head.flags = cookie >> WIRE_COOKIE_PARTLY_SHIFT ? WIRE_F_PARTLY : 0;
	p->head.before = s->dropped[p->head.dir & 1];
	p->head.call = moved;
	p->head.session = object;
	p->head.generation = s->generation;
	if (c && c->who.conn == s->conn) {
		p->head.flags |= WIRE_F_BOUND | (c->late ? WIRE_F_LATE : 0);
		who_conn(&p->head.who, c);
		return;
	}
	who_task(&p->head.who, bpf_get_current_task_btf());
	count(cfg->epoch, WIRE_C_TLS_UNBOUND, 1);
}

/* Plaintext: all of it from p->from, or how much it was. Each call is told: the end of a session
 * is known by nothing else. */
static __always_inline void tls_tell(struct piece *p, struct session *s, u32 moved, struct wire_config *cfg)
{
	u32 why = piece_left_out(p, s->conn, moved, &s->choice, cfg);

	if (why)
		tell_skipped(p, moved, 0, why);
	else
		tell_call(p, moved, cfg->max_parts * WIRE_LARGE);
}

/* A call of which there is no room to tell. */
static __always_inline void tls_lost(struct wire_config *cfg, u64 moved)
{
	count(cfg->epoch, WIRE_C_PRODUCED, 1);
	count(cfg->epoch, WIRE_C_NO_STATE, 1);
	count(cfg->epoch, WIRE_C_BYTES_NO_STATE, moved);
}

/* Does the library itself use this socket, in its call? A callback of it may use any, in the middle
 * of a reading call above all: nothing of the program is sent by that, nor what is no record. */
static __always_inline bool is_of_library(const struct tls_call *call, const struct conn *c, const struct piece *p, u32 d)
{
	bool may = d == WIRE_RECEIVED || call->cookie & (WIRE_COOKIE_SENT | WIRE_COOKIE_BINDS);
	u8 h[2] = {};

	if (may && (c->tls || c->late))
		return true;
	if (p->from.kind >= SEGMENT_PIPE || p->from.len < sizeof(h) || bpf_probe_read_user(h, sizeof(h), (void *)p->from.base))
		return may;
	return h[0] >= CHANGE_CIPHER_SPEC && h[0] <= (may ? APPLICATION_DATA : HANDSHAKE) && h[1] == 3;
}

/* Binds the TLS session that is in the middle of a call to the socket it uses: exact,
 * because the call and the socket operation are on one stack. */
__attribute__((noinline)) int session_bind(u64 object, struct conn *c, u64 sk, u32 tgid)
{
	struct session_key key = { .object = object, .tgid = tgid };
	struct session *s = session_get(&key);

	if (!c)
		return 0;
	if (s && s->conn == c->who.conn) {
		s->freed = 0;
		return 0;
	}
	if (s) {
		if (s->conn) /* the object was taken for another connection */
			session_renew(s);
		session_count(s, tgid);
		session_inherit(s, c, &key);
		s->conn = c->who.conn;
		s->sk = sk;
	}
	c->session = object;
	c->session_tgid = tgid;
	c->tls = 1;
	return 0;
}
#endif
