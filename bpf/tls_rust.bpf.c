// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* tls_rust.bpf.c - plaintext at the places in rustls where it is handed over: bytes that the
 * program sends, and bytes that it reads or that came out of a record. rustls touches no
 * socket, so no call of these is ever around one of the socket's: the session is bound by
 * the sizes of its records, in the analyst.
 *
 * Arguments as Rust passes them: a slice is an address and a length; what is larger than two
 * words lies behind a pointer; io::Result<usize> comes back as 0 and the number in rax and
 * rdx. The session is the address of its CommonState. */
#include "bpf/conn.bpf.h"

#define RECORD_MAX (1 << 16)	/* more than any record has room for, and less than any address */

/* The bytes to send: before 0.23 a slice in two registers, where rdx is a length; since then
 * behind a pointer either 0 and a slice, or slices, their number, and from where to where. */
static __always_inline bool rust_sent(struct rust_call *call, u64 bytes, u64 len)
{
	u64 v[4] = {};

	if (len < 0x7fffffff) {
		call->buf = bytes;
		call->len = len;
		return true;
	}
	if (bpf_probe_read_user(v, sizeof(v), (void *)bytes))
		return false;
	call->buf = v[0] ? v[0] : v[1];
	call->nr = v[0] ? v[1] : 0;
	call->len = v[0] ? v[3] - v[2] : v[2];
	return !v[0] || !v[2];	/* from the first byte, as all that ask for it do */
}

static __always_inline bool rust_received(struct rust_call *call, u64 bytes, u64 len)
{
	u64 v[3] = {}, object = 0;

	/* A Vec: capacity or a mark, address, length; until Rust 1.6x the address was first. */
	if (call->cookie & WIRE_COOKIE_RUST_RECORD) {
		if (bpf_probe_read_user(v, sizeof(v), (void *)bytes))
			return false;
		call->buf = v[1] > RECORD_MAX ? v[1] : v[0];
		call->len = v[2];
		return true;
	}
	/* Old compilers return the result in memory, which moves the arguments. */
	if (len >= 0x7fffffff || bpf_probe_read_user(&object, sizeof(object), (void *)call->object) || !object)
		return false;
	call->object = object - (call->cookie >> WIRE_COOKIE_RUST_AT_SHIFT & 0xffff);
	call->buf = bytes;
	call->len = len;
	return true;
}

SEC("uprobe")
int WHOLE_UPROBE(rust_enter)
{
	u64 self = regs->di, bytes = regs->si, len = regs->dx;
	struct wire_config *cfg = config_get();
	struct task_state *ts;

	asm volatile("" : "+r"(self), "+r"(bytes), "+r"(len));
	if (!cfg || !in_scope(cfg))
		return 0;
	ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!ts) {
		tls_lost(cfg, 0);
		return 0;
	}
	ts->rust.cookie = bpf_get_attach_cookie(regs);
	ts->rust.object = self;
	ts->rust.nr = 0;
	if (!(ts->rust.cookie & WIRE_COOKIE_SENT ? rust_sent(&ts->rust, bytes, len) : rust_received(&ts->rust, bytes, len)))
		ts->rust.object = 0;
	return 0;
}

static __always_inline void rust_tell(struct rust_call *call, u32 moved, struct wire_config *cfg)
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
	s->pos[d & 1] += moved;
	if (call->nr) {
		p.from.vec = call->buf;
		p.from.nr = call->nr;
	} else {
		p.from.base = call->buf;
		p.from.len = moved;
	}
	tls_tell(&p, s, moved, cfg);
	s->dropped[p.head.dir & 1] = p.head.before;
}

SEC("uretprobe")
int WHOLE_UPROBE(rust_return)
{
	struct task_state *ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	struct wire_config *cfg = config_get();
	u64 ax = regs->ax, dx = regs->dx, moved;

	/* Read before anything is decided: the verifier allows no address into registers. */
	asm volatile("" : "+r"(ax), "+r"(dx));
	if (!cfg || !ts || !ts->rust.object)
		return 0;
	if (ts->rust.cookie & WIRE_COOKIE_RUST_RECORD)
		moved = ts->rust.len;
	else if (ts->rust.cookie & WIRE_COOKIE_SENT)
		moved = ax;
	else
		moved = ax ? 0 : dx;
	/* What says that it moved more than it was given is not what it was taken for. */
	if (moved && moved <= ts->rust.len && moved < 0x7fffffff)
		rust_tell(&ts->rust, moved, cfg);
	ts->rust.object = 0;
	return 0;
}
