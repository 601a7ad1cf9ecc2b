/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* go.bpf.h - goroutines: which one runs, what it is in the middle of. See tls_go.bpf.c. */
#ifndef WEIR_GO_BPF_H
#define WEIR_GO_BPF_H
#include "bpf/conn.bpf.h"

/* The goroutine that runs on the current task, 0: none. */
static __always_inline u64 go_current(struct task_struct *t, u64 r14, bool on_stack)
{
	u64 g = 0;

	if (!on_stack)
		return r14;
	bpf_probe_read_user(&g, sizeof(g), (void *)(BPF_CORE_READ(t, thread.fsbase) - 8));
	return g;
}

/* Is the call that was seen before still under way, at this depth of the stack? One that a
 * panic ended leaves no trace; but the place of its return address then holds something else. */
static __always_inline bool go_inside(const struct go_call *outer, u64 depth, u64 top)
{
	u64 caller = 0;

	if (depth <= outer->depth)
		return false;
	bpf_probe_read_user(&caller, sizeof(caller), (void *)(top - outer->depth));
	return caller == outer->caller;
}

/* Of a connection that is older than weir its goroutine may wait in a Read that was never
 * seen to begin: what this task received from last is remembered for its end. */
__attribute__((noinline)) int go_late(u64 sk)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct task_state *ts = bpf_task_storage_get(&tasks, t, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!ts)
		return 0;
	ts->late_sk = sk;
	ts->late_g[0] = ((struct pt_regs *)bpf_task_pt_regs(t))->r14;
	ts->late_g[1] = go_current(t, 0, true);
	return 0;
}

/* Both ends of what is written. */
static __attribute__((noinline)) bool go_ends(u64 ends[2], u64 buf, u64 len)
{
	return len >= sizeof(ends[0]) && !bpf_probe_read_user(&ends[0], sizeof(ends[0]), (void *)buf) &&
	       !bpf_probe_read_user(&ends[1], sizeof(ends[1]), (void *)(buf + len - sizeof(ends[0])));
}

/* After its last use the buffer may be collected and belong to somebody else by now: then
 * its ends are not the same any more. */
static __attribute__((noinline)) bool go_changed(const struct go_call *call, u64 buf)
{
	u64 ends[2] = {};

	return call->checked && (!go_ends(ends, buf, call->len) || ends[0] != call->ends[0] || ends[1] != call->ends[1]);
}

/* One call's bytes, from a buffer that the call may have used last. */
static __always_inline void go_tell(struct go_call *call, u64 buf, u32 moved, struct wire_config *cfg)
{
	struct session_key key = { .object = call->object, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct session *s = session_get(&key);
	struct piece p;
	u32 d;

	count(cfg->epoch, WIRE_C_TLS_CALLS, 1);
	if (!s) {
		tls_lost(cfg, moved);
		return;
	}
	tls_head(&p, s, call->object, call->cookie, moved, cfg);
	d = p.head.dir;
	p.head.pos = s->pos[d & 1];
	if (call->placed) {
		p.head.pos = call->pos;
		if (s->pos[d & 1] == call->pos + call->len) /* the rest of it was not sent */
			s->pos[d & 1] -= call->len - moved;
	} else {
		s->pos[d & 1] += moved;
	}
	if (go_changed(call, buf)) {
		count(cfg->epoch, WIRE_C_PRODUCED, 1);
		count(cfg->epoch, WIRE_C_UNREADABLE, 1);
		count(cfg->epoch, WIRE_C_BYTES_UNREADABLE, moved);
		tell_skipped(&p, moved, WIRE_F_UNREADABLE, WIRE_R_READ_FAULT);
	} else {
		p.from.base = buf;
		p.from.len = moved;
		tls_tell(&p, s, moved, cfg);
	}
	s->dropped[p.head.dir & 1] = p.head.before;
}

static long go_forget_one(void *map, const struct go_key *key, void *call, u32 *tgid)
{
	if (key->tgid == *tgid)
		bpf_map_delete_elem(map, key);
	return 0;
}

/* The process ended or is another program now: its goroutines are no more. */
static __always_inline void go_forget(u32 tgid)
{
	if (!bpf_map_delete_elem(&go_tasks, &tgid))
		bpf_for_each_map_elem(&go_calls, go_forget_one, &tgid, 0);
}
#endif
