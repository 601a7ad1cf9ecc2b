// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* check.bpf.c - a look at all connections, at the end of each interval: how far hooks have
 * told of them and how far the kernel has counted, so that the account of one that never
 * closes is held against the kernel as well; and which sockets without an end that is told
 * (UDP, UNIX) are held by nobody any more. An iterator over every open file of every
 * process: it runs when the monitor reads it. */
#include "bpf/conn.bpf.h"

struct bpf_map;

/* What the kernel has taken out of a live TCP socket: by its sequence, and by its counters. */
static __always_inline u64 received_by(struct conn *c, struct sock *sk)
{
	struct socket_now now;
	u64 total[2], pos;

	socket_read(&now, sk);
	pos = c->pos[WIRE_RECEIVED] + (s64)(s32)(now.next[WIRE_RECEIVED] - c->seq[WIRE_RECEIVED]);
	if (c->late || c->closed)
		return pos;
	socket_totals(total, sk, &now);
	total[WIRE_RECEIVED] -= c->base[WIRE_RECEIVED];
	return total[WIRE_RECEIVED] > pos ? total[WIRE_RECEIVED] : pos;
}

/* Bytes that no hook has told of are believed to stay untold when the kernel counted them a
 * whole interval ago, or when weir ends. Received ones only: a write may wait for a slow reader for longer than
 * that, and is told when it returns. */
static __always_inline int conn_check(struct seq_file *seq, struct conn *c, u64 key, struct wire_config *cfg)
{
	struct wire_check w = { .conn = c->who.conn, .time = bpf_ktime_get_boot_ns() };
	u64 now = 0;

	w.sent_pos = c->pos[WIRE_SENT];
	w.received_pos = c->pos[WIRE_RECEIVED];
	w.before[WIRE_SENT] = c->dropped[WIRE_SENT];
	w.before[WIRE_RECEIVED] = c->dropped[WIRE_RECEIVED];
	if (!c->who.transport) {
		now = received_by(c, (struct sock *)key);
		if (cfg->flags & WIRE_CONFIG_LAST)
			c->seen = now;
		if (c->seen > w.received_pos) {
			w.received_pos = c->seen;
			w.before[WIRE_RECEIVED] = jump_reason(&key, WIRE_RECEIVED, c->seq[WIRE_RECEIVED]);
		}
	}
	/* Without room it is asked again. */
	if ((w.sent_pos != c->told[WIRE_SENT] || w.received_pos != c->told[WIRE_RECEIVED]) && bpf_seq_write(seq, &w, sizeof(w)))
		return 0;
	c->seen = now;
	c->told[WIRE_SENT] = w.sent_pos;
	c->told[WIRE_RECEIVED] = w.received_pos;
	c->look = cfg->look;
	return 0;
}

/* Of a socket that two looks have not found: the last words. Without room in the ring the next
 * look says them. */
static long conn_ended(struct bpf_map *map, u64 *key, struct conn *c, struct wire_config **cfg)
{
	struct wire_life *l;

	if (!c->who.transport || (u16)((*cfg)->look - c->look) < 2)
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
		if (!ctx->task)
			bpf_for_each_map_elem(&conns, conn_ended, &cfg, 0);
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
