// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* seed.bpf.c - what is older than weir: the sockets that processes hold, in every network
 * namespace. Run by the monitor at its start, once each: before anything is attached, to
 * learn who uses the network at all and who listens where, and after, to begin with each
 * connection at the kernel's own numbers, so that its next byte is the first. */
#include "bpf/conn.bpf.h"

struct listener { u32 netns; u16 port, pad; };
struct { /* written and read by this file only */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct listener);
	__type(value, u8);
} listeners SEC(".maps");

#define SEED_RING (1u << 20)	/* bytes of the life ring that may be taken; it is not drained meanwhile */

/* The IP socket of an open file, or NULL. */
static __always_inline struct sock *file_sock(struct file *f)
{
	struct socket *so;
	struct sock *sk;

	if ((BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	so = BPF_CORE_READ(f, private_data);
	sk = BPF_CORE_READ(so, sk);
	return sk && is_inet(BPF_CORE_READ(sk, __sk_common.skc_family)) ? sk : NULL;
}

static __always_inline void listener_of(struct listener *l, struct sock *sk)
{
	l->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	l->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	l->pad = 0;
}

SEC("iter/task_file")
int seed_owners(struct bpf_iter__task_file *ctx)
{
	struct file *f = ctx->file;
	struct task_struct *t = ctx->task;
	struct sock *sk;
	u32 tgid;

	if (!f || !t)
		return 0;
	sk = file_sock(f);
	if (!sk)
		return 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN && is_tcp(sk)) {
		struct listener l;
		u8 one = 1;

		listener_of(&l, sk);
		bpf_map_update_elem(&listeners, &l, &one, BPF_ANY);
	}
	tgid = t->tgid;
	bpf_seq_write(ctx->meta->seq, &tgid, sizeof(tgid));
	return 0;
}

static __always_inline void who_other(struct wire_who *w, struct task_struct *t)
{
	w->tgid = w->tid = BPF_CORE_READ(t, tgid);
	w->start = BPF_CORE_READ(t, group_leader, start_boottime);
	w->cgroup = BPF_CORE_READ(t, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_INTO(&w->comm, t, comm);
}

/* As in_scope(), of another task, and not counted: nothing has moved. */
static __always_inline bool other_in_scope(const struct wire_who *w)
{
	u32 tgid = w->tgid;
	struct wire_config *cfg = config_get();
	u8 *task = bpf_map_lookup_elem(&scope, &tgid);
	u64 cgroup = w->cgroup;

	if (!cfg || (task && *task == WIRE_TASK_OWN))
		return false;
	if (!cfg->filter || (task && (cfg->filter & WIRE_FILTER_PID)))
		return true;
	return (cfg->filter & WIRE_FILTER_CGROUP) && bpf_map_lookup_elem(&cgroups, &cgroup);
}

static __always_inline bool is_open(u8 state)
{
	return state == TCP_ESTABLISHED || state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSE_WAIT;
}

SEC("iter/task_file")
int seed_conns(struct bpf_iter__task_file *ctx)
{
	struct file *f = ctx->file;
	struct task_struct *t = ctx->task;
	struct wire_who who = {};
	struct listener here;
	struct socket_now now;
	struct conn *c;
	struct sock *sk;
	u64 key;

	if (!f || !t)
		return 0;
	sk = file_sock(f);
	key = (u64)sk;
	if (!sk || !is_tcp(sk) || !is_open(BPF_CORE_READ(sk, __sk_common.skc_state)) || bpf_map_lookup_elem(&conns, &key))
		return 0;
	who_other(&who, t);
	listener_of(&here, sk);
	socket_read(&now, sk);
	c = conn_add(sk, now.next, bpf_map_lookup_elem(&listeners, &here) ? WIRE_ROLE_SERVER : WIRE_ROLE_UNKNOWN, 1);
	if (!c)
		return 0;
	conn_base_late(c, sk, &now);
	/* Who has no room here is told of at the first use. */
	if (!other_in_scope(&who) || bpf_ringbuf_query(&life_ring, BPF_RB_AVAIL_DATA) > SEED_RING)
		return 0;
	c->who.tgid = who.tgid;
	c->who.tid = who.tid;
	c->who.start = who.start;
	c->who.cgroup = who.cgroup;
	__builtin_memcpy(c->who.comm, who.comm, sizeof(who.comm));
	conn_shown(c, t);
	return 0;
}
