// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* tls.bpf.c - plaintext at "read or write a buffer through a TLS object". One generic
 * pair for every C library: which argument is the object, the buffer and the moved
 * length comes in the attach cookie, so that a library is a data file in
 * userspace/capture/tls/ and needs no kernel code.
 *
 * Emitted at return, with the returned count: a write that wants to be retried
 * (WANT_WRITE) told nothing yet. */
#include "bpf/conn.bpf.h"

SEC("uprobe")
int tls_enter(struct pt_regs *regs)
{
	struct wire_config *cfg = config_get();
	struct task_state *ts;
	/* By number, 1 to 6; read one by one, as the verifier allows no index into registers. */
	u64 argument[8] = { 0, regs->di, regs->si, regs->dx, regs->cx, regs->r8, regs->r9, 0 };
	u64 cookie, stack;

	if (!cfg || !in_scope(cfg))
		return 0;
	ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!ts) {
		count(cfg->epoch, WIRE_C_PRODUCED, 1);
		count(cfg->epoch, WIRE_C_NO_STATE, 1);
		return 0;
	}
	/* A call that never returned (longjmp, a lost return probe) was deeper than this one. */
	stack = regs->sp;
	if (ts->depth && stack >= ts->stack)
		ts->depth = 0;
	if (ts->depth++)
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	ts->cookie = cookie;
	ts->stack = stack;
	ts->object = argument[cookie >> WIRE_COOKIE_OBJ_SHIFT & 7];
	ts->buf = argument[cookie >> WIRE_COOKIE_BUF_SHIFT & 7];
	ts->lenp = argument[cookie >> WIRE_COOKIE_LENP_SHIFT & 7];
	return 0;
}

static __always_inline void tls_moved(struct task_state *ts, struct task_struct *t, u32 moved, struct wire_config *cfg)
{
	struct session_key key = { .object = ts->object, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct session *s = session_get(&key);
	struct conn *c = NULL;
	struct piece p;

	count(cfg->epoch, WIRE_C_TLS_CALLS, 1);
	if (!s) {
		count(cfg->epoch, WIRE_C_PRODUCED, 1);
		count(cfg->epoch, WIRE_C_NO_STATE, 1);
		count(cfg->epoch, WIRE_C_BYTES_NO_STATE, moved);
		return;
	}
	__builtin_memset(&p, 0, sizeof(p));
	p.head.kind = WIRE_TLS;
	p.head.time = bpf_ktime_get_boot_ns();
	p.head.epoch = cfg->epoch;
	p.head.dir = ts->cookie & WIRE_COOKIE_SENT ? WIRE_SENT : WIRE_RECEIVED;
	p.head.call = moved;
	p.head.session = ts->object;
	p.head.generation = s->generation;
	if (s->sk)
		c = bpf_map_lookup_elem(&conns, &s->sk);
	if (c && c->who.conn == s->conn) {
		p.head.flags = WIRE_F_BOUND | (c->late ? WIRE_F_LATE : 0);
		who_conn(&p.head.who, c, t);
	} else {
		who_task(&p.head.who, t);
		count(cfg->epoch, WIRE_C_TLS_UNBOUND, 1);
	}
	p.head.pos = s->pos[p.head.dir & 1];
	s->pos[p.head.dir & 1] += moved;
	p.from.base = ts->buf;
	p.from.len = moved;
	tell_call(&p, moved, cfg->max_parts * WIRE_LARGE);
}

SEC("uretprobe")
int tls_return(struct pt_regs *regs)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct task_state *ts = bpf_task_storage_get(&tasks, t, 0, 0);
	struct wire_config *cfg = config_get();
	u64 moved = 0;
	s32 rc;

	if (!cfg || !ts || !ts->depth || --ts->depth)
		return 0;
	rc = (s32)regs->ax;
	if (rc > 0 && !ts->lenp)
		moved = rc;
	else if (rc > 0 && bpf_probe_read_user(&moved, sizeof(moved), (void *)ts->lenp))
		moved = 0;
	if (moved && moved < 0x7fffffff)
		tls_moved(ts, t, moved, cfg);
	ts->object = 0;
	return 0;
}
