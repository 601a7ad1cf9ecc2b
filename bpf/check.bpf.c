// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* check.bpf.c - a look at all connections, at the end of each interval: how far hooks have
 * told of them and how far the kernel has counted, so that the account of one that never
 * closes is held against the kernel as well; and which sockets without an end that is told
 * (UDP, UNIX) are held by nobody any more. An iterator over every open file of every
 * process: it runs when the monitor reads it. */
#include "bpf/conn.bpf.h"

struct bpf_map;

/* A read that wants all of what it asked for, or a least part of it, takes what is there and goes on
 * waiting. regs: of the task that waits on the socket. */
static __always_inline bool wants_all(struct sock *sk, struct task_struct *t, struct pt_regs *regs)
{
	u64 flags = 0;

	if (BPF_CORE_READ(sk, sk_rcvlowat) > 1 || BPF_CORE_READ(t, thread_info.status) & TS_COMPAT)
		return true;
	switch (BPF_CORE_READ(regs, orig_ax)) {
	case 45: case 299: /* recvfrom, recvmmsg */
		flags = BPF_CORE_READ(regs, r10);
		break;
	case 47: /* recvmsg */
		flags = BPF_CORE_READ(regs, dx);
		break;
	}
	return flags & MSG_WAITALL;
}

/* Does a task wait in a read that has taken a part of what it will tell of at its end? Who waits in a
 * call stands in the socket's queue with an entry on its own stack; a poll's entry names no task. */
#define WAITERS 16	/* looked at */
struct waiters { u64 sk, head, at, regs_at; u8 found; };

static long waiter_look(u64 turn, struct waiters *w)
{
	struct wait_queue_entry *e = (void *)(w->at - bpf_core_field_offset(struct wait_queue_entry, entry));
	struct task_struct *t;
	u64 stack;

	if (!w->at || w->at == w->head)
		return 1;
	t = BPF_CORE_READ(e, private);
	stack = (u64)BPF_CORE_READ(t, stack);
	w->found = (u64)e - stack < w->regs_at && wants_all((struct sock *)w->sk, t, (struct pt_regs *)(stack + w->regs_at));
	w->at = (u64)BPF_CORE_READ(e, entry.next);
	return w->found;
}

/* Where on its stack a task's registers are. Of an address that the verifier knows it allows no
 * difference; what was read from memory is a number to it. */
static __always_inline u64 regs_offset(void)
{
	struct task_struct *me = bpf_get_current_task_btf();
	u64 regs = bpf_task_pt_regs(me), at = 0;

	bpf_probe_read_kernel(&at, sizeof(at), &regs);
	return at - (u64)BPF_CORE_READ(me, stack);
}

static __always_inline bool read_waits(struct sock *sk)
{
	struct socket_wq *wq = BPF_CORE_READ(sk, sk_wq);
	struct waiters w = { .sk = (u64)sk, .at = (u64)BPF_CORE_READ(wq, wait.head.next), .regs_at = regs_offset() };

	w.head = (u64)wq + bpf_core_field_offset(struct socket_wq, wait.head);
	bpf_loop(WAITERS, waiter_look, &w, 0);
	return w.found;
}

/* Is a call under way that has moved something, and has not been told? */
static __always_inline bool in_flight(struct sock *sk, u32 dir)
{
	if (BPF_CORE_READ(sk, sk_lock.owned))
		return true;
	return dir == WIRE_SENT ? BPF_CORE_READ(sk, sk_write_pending) : read_waits(sk);
}

/* How far a TCP socket has come: by its sequence, and by its counters. */
static __always_inline void counted(u64 at[2], struct conn *c, struct sock *sk)
{
	struct socket_now now;
	u64 total[2];

	socket_read(&now, sk);
	socket_totals(total, sk, &now);
	for (u32 d = 0; d < 2; d++) {
		at[d] = position(c, &now, d);
		if (!c->closing && total[d] - c->base[d] > at[d])
			at[d] = total[d] - c->base[d];
	}
	if (c->closing) /* a FIN took the next number */
		at[WIRE_SENT] = c->final_sent;
}

/* Up to where all of a direction is told, or stays untold: what no hook has told of, when the kernel had
 * counted it at the look before this one and no call was under way then, or when weir ends. *at: how
 * far the kernel has counted now. */
static __always_inline u64 told_up_to(struct conn *c, u64 key, u32 d, u64 *at, u8 *why, bool last)
{
	u64 pos = c->pos[d];

	*why = c->dropped[d];
	if (*at > pos && in_flight((struct sock *)key, d))
		*at = 0;
	if (last && *at)
		c->seen[d] = *at;
	if (c->seen[d] <= pos)
		return pos;
	*why = jump_reason(&key, d, c->seq[d]);
	return c->seen[d];
}

static __always_inline int conn_check(struct seq_file *seq, struct conn *c, u64 key, struct wire_config *cfg)
{
	struct wire_check w = { .conn = c->who.conn, .time = bpf_ktime_get_boot_ns() };
	bool last = cfg->flags & WIRE_CONFIG_LAST;
	u64 at[2] = {};

	if (!c->who.transport)
		counted(at, c, (struct sock *)key);
	w.sent_pos = told_up_to(c, key, WIRE_SENT, &at[WIRE_SENT], &w.before[WIRE_SENT], last);
	w.received_pos = told_up_to(c, key, WIRE_RECEIVED, &at[WIRE_RECEIVED], &w.before[WIRE_RECEIVED], last);
	/* Without room it is asked again. */
	if ((w.sent_pos != c->told[WIRE_SENT] || w.received_pos != c->told[WIRE_RECEIVED]) && bpf_seq_write(seq, &w, sizeof(w)))
		return 0;
	c->seen[WIRE_SENT] = at[WIRE_SENT];
	c->seen[WIRE_RECEIVED] = at[WIRE_RECEIVED];
	c->told[WIRE_SENT] = w.sent_pos;
	c->told[WIRE_RECEIVED] = w.received_pos;
	c->look = cfg->look;
	return 0;
}

struct look { struct wire_config *cfg; struct seq_file *seq; };

/* One of the peers of a datagram socket: no file is its own. It ends when two looks found that nothing
 * has moved since. */
static __always_inline void peer_check(struct look *w, struct conn *c)
{
	if (c->pos[WIRE_SENT] != c->told[WIRE_SENT] || c->pos[WIRE_RECEIVED] != c->told[WIRE_RECEIVED])
		conn_check(w->seq, c, c->socket, w->cfg);
}

static __always_inline void peer_ended(const struct conn *c)
{
	u64 socket = c->socket;
	struct conn *base = socket ? bpf_map_lookup_elem(&conns, &socket) : NULL;

	if (base && base->inode == c->inode && base->peers)
		__sync_fetch_and_add(&base->peers, -1);
}

/* Of a socket that two looks have not found: the last words. Without room in the ring the next
 * look says them. */
static long conn_ended(struct bpf_map *map, u64 *key, struct conn *c, struct look *w)
{
	struct wire_life *l;

	if (c->socket)
		peer_check(w, c);
	if (!c->who.transport || (u16)(w->cfg->look - c->look) < 2)
		return 0;
	if (c->who.tgid) {
		l = life_reserve();
		if (!l)
			return 1;
		l->kind = WIRE_CLOSE;
		l->who = c->who;
		l->sent_pos = l->sent = c->pos[WIRE_SENT];
		l->received_pos = l->received = c->pos[WIRE_RECEIVED];
		l->before[WIRE_SENT] = c->dropped[WIRE_SENT];
		l->before[WIRE_RECEIVED] = c->dropped[WIRE_RECEIVED];
		life_submit(l);
	}
	peer_ended(c);
	bpf_map_delete_elem(&conns, key);
	return 0;
}

SEC("iter/task_file")
int conns_look(struct bpf_iter__task_file *ctx)
{
	struct wire_config *cfg = config_get();
	struct file *f = ctx->file;
	struct socket *so;
	struct conn *c;
	u64 key;

	if (!cfg)
		return 0;
	if (!f) { /* all were told */
		struct look look = { cfg, ctx->meta->seq };

		if (!ctx->task)
			bpf_for_each_map_elem(&conns, conn_ended, &look, 0);
		return 0;
	}
	if ((BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	so = BPF_CORE_READ(f, private_data);
	key = (u64)BPF_CORE_READ(so, sk);
	c = bpf_map_lookup_elem(&conns, &key);
	/* Once a look, however many hold it. */
	if (c && c->who.tgid && c->look != cfg->look)
		conn_check(ctx->meta->seq, c, key, cfg);
	return 0;
}
