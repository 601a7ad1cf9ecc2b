// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* tls_go.bpf.c - plaintext at (*Conn).Read and (*Conn).Write of Go's crypto/tls.
 *
 * A goroutine changes its thread whenever it waits, and its stack is copied to a larger
 * place when it grows: so a call in flight is known by its goroutine, and every place on the
 * stack by its distance from the stack's upper end, which a copy keeps. For the same reason
 * there are no return probes, whose return address the copy would carry off: each RET of the
 * function is a site. A function that finds too little stack is entered anew once it has
 * more, at the same distance.
 *
 * Arguments and results (Go's internal ABI: rax, rbx, rcx, ...; before 1.17 all on the stack):
 * receiver, buffer's address and length; count. g is in r14, before 1.17 at %fs:-8.
 *
 * A Read is told at its end. A Write is told when its last record is given to the socket
 * (go_sent), since by its end another goroutine may have read the answer; and at its end
 * only if that was not recognised, or if it ended early. */
#include "bpf/go.bpf.h"

/* The goroutine begins with its stack's bounds; what it says must hold the stack pointer. */
static __always_inline bool go_here(struct go_key *key, u64 bounds[2], u64 stack, u64 r14, u64 cookie)
{
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->g = go_current(bpf_get_current_task_btf(), r14, cookie & WIRE_COOKIE_GO_STACK);
	return key->g && !bpf_probe_read_user(bounds, 2 * sizeof(*bounds), (void *)key->g) &&
	       stack >= bounds[0] && stack < bounds[1];
}

/* What cannot be kept of a call is counted at its end, when its bytes are known. */
SEC("uprobe")
int WHOLE_UPROBE(go_enter)
{
	u64 bounds[2] = {}, argument[3] = { regs->ax, regs->bx, regs->cx };
	struct wire_config *cfg = config_get();
	u64 cookie = bpf_get_attach_cookie(regs), stack = regs->sp, r14 = regs->r14;
	struct go_call call = {}, *outer;
	struct go_key key = {};
	u32 tgid;
	u8 abi;

	if (!cfg || !in_scope(cfg))
		return 0;
	if (!go_here(&key, bounds, stack, r14, cookie))
		return 0;
	if (cookie & WIRE_COOKIE_GO_STACK &&
	    bpf_probe_read_user(argument, sizeof(argument), (void *)(stack + 8)))
		return 0;
	call.object = argument[0];
	call.buf = argument[1];
	call.len = argument[2];
	call.cookie = cookie;
	call.depth = bounds[1] - stack;
	bpf_probe_read_user(&call.caller, sizeof(call.caller), (void *)stack);
	outer = bpf_map_lookup_elem(&go_calls, &key);
	if (outer && go_inside(outer, call.depth, bounds[1])) {
		outer->shakes |= !!(cookie & WIRE_COOKIE_GO_HANDSHAKE);
		return 0;
	}
	call.checked = cookie & WIRE_COOKIE_SENT && go_ends(call.ends, call.buf, call.len);
	call.on_stack = call.buf >= bounds[0] && call.buf < bounds[1];
	if (call.on_stack)
		call.buf = bounds[1] - call.buf;
	tgid = key.tgid;
	abi = cookie & WIRE_COOKIE_GO_STACK ? GO_ABI_STACK : GO_ABI_REGISTERS;
	if (bpf_map_lookup_elem(&go_tasks, &tgid) || !bpf_map_update_elem(&go_tasks, &tgid, &abi, BPF_ANY))
		bpf_map_update_elem(&go_calls, &key, &call, BPF_ANY);
	return 0;
}

/* The end of a Read that began before its probe was there, as that of every idle connection
 * does. Its arguments are where the function itself has kept them. Since the probe is there
 * the goroutine was nowhere else, so what it has received from since is its socket. */
static __attribute__((noinline)) bool go_recover(struct go_key *key, u64 stack, u64 cookie)
{
	struct task_state *ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	struct go_call call = { .cookie = cookie };
	u64 argument[3];
	struct conn *c;

	if (!(cookie & WIRE_COOKIE_GO_SPILLED) || !ts || ts->late_g[!!(cookie & WIRE_COOKIE_GO_STACK)] != key->g ||
	    bpf_probe_read_user(argument, sizeof(argument), (void *)(stack + 8)))
		return false;
	c = bpf_map_lookup_elem(&conns, &ts->late_sk);
	if (!c || !c->late || c->who.tgid != key->tgid)
		return false;
	call.object = argument[0];
	call.buf = argument[1];
	call.len = argument[2];
	session_bind(call.object, c, ts->late_sk, key->tgid);
	ts->late_sk = 0;
	return !bpf_map_update_elem(&go_calls, key, &call, BPF_ANY);
}

SEC("uprobe")
int WHOLE_UPROBE(go_return)
{
	struct wire_config *cfg = config_get();
	u64 cookie = bpf_get_attach_cookie(regs), stack = regs->sp, r14 = regs->r14;
	u64 bounds[2] = {}, moved = regs->ax;
	struct go_call *call = NULL;
	struct go_key key = {};

	if (!cfg)
		return 0;
	/* Behind the return address: receiver, the buffer's address, length and size, count. */
	if (cookie & WIRE_COOKIE_GO_STACK && bpf_probe_read_user(&moved, sizeof(moved), (void *)(stack + 40)))
		moved = 0;
	if (moved >= 0x7fffffff)
		moved = 0;
	if (go_here(&key, bounds, stack, r14, cookie))
		call = bpf_map_lookup_elem(&go_calls, &key);
	if (call && (call->depth != bounds[1] - stack || call->cookie & WIRE_COOKIE_GO_HANDSHAKE))
		return 0;
	if (!call && moved && out_of_scope(cfg) == WIRE_C_MAX) {
		if (go_recover(&key, stack, cookie))
			call = bpf_map_lookup_elem(&go_calls, &key);
		if (!call)
			tls_lost(cfg, moved);
	}
	if (!call)
		return 0;
	if (moved > call->len)
		tls_lost(cfg, moved);
	else if (moved && !call->told)
		go_tell(call, call->on_stack ? bounds[1] - call->buf : call->buf, moved, cfg);
	bpf_map_delete_elem(&go_calls, &key);
	return 0;
}
