// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* tls.bpf.c - plaintext at "read or write a buffer through a TLS object". One generic
 * pair for every C library: which argument is the object, the buffer and the moved
 * length comes in the attach cookie, so that a library is a data file in
 * userspace/capture/tls/ and needs no kernel code.
 *
 * Emitted at return, with the returned count: a write that wants to be retried
 * (WANT_WRITE) told nothing yet, but where the library keeps its bytes: session_queue. */
#include "bpf/conn.bpf.h"

#define RECORD_PLAIN 16384	/* most that one record carries */

/* A call that never returned (longjmp, a lost return probe) was deeper than one that begins. */
static __always_inline void call_unwind(struct task_state *ts, u64 stack)
{
	if (ts->tls.depth && stack >= ts->tls.stack) {
		ts->tls = ts->outer;
		ts->outer.depth = 0;
	}
	if (ts->tls.depth && stack >= ts->tls.stack)
		ts->tls.depth = 0;
}

/* Functions of a library call each other with the same bytes. One that reads may also call back
 * to the program, when a handshake is done, and that may write at once: Node.js does. */
static __always_inline bool is_of_callback(const struct task_state *ts, u64 cookie)
{
	return ts->tls.depth && !ts->outer.depth && !ts->tls.quiet && (ts->tls.cookie ^ cookie) & WIRE_COOKIE_SENT;
}

SEC("uprobe")
int WHOLE_UPROBE(tls_enter)
{
	struct wire_config *cfg = config_get();
	struct task_state *ts;
	/* By number, 1 to 6; read one by one, as the verifier allows no index into registers. */
	u64 argument[8] = { 0, regs->di, regs->si, regs->dx, regs->cx, regs->r8, regs->r9, 0 };
	u64 cookie, stack;
	bool quiet;

	if (!cfg || !in_scope(cfg))
		return 0;
	ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!ts) {
		count(cfg->epoch, WIRE_C_PRODUCED, 1);
		count(cfg->epoch, WIRE_C_NO_STATE, 1);
		return 0;
	}
	cookie = bpf_get_attach_cookie(regs);
	quiet = cookie & (WIRE_COOKIE_HIDES | WIRE_COOKIE_BINDS) || argument[cookie >> WIRE_COOKIE_FLAGS_SHIFT & 7] & MSG_PEEK ||
		(cookie & WIRE_COOKIE_TYPED && (u32)regs->si != APPLICATION_DATA);
	/* One that only binds does not stand for a call in it that has something to tell. */
	stack = regs->sp;
	call_unwind(ts, stack);
	if (ts->tls.depth && ts->tls.cookie & WIRE_COOKIE_BINDS && !quiet)
		ts->tls.depth = 0;
	if (!quiet && is_of_callback(ts, cookie)) {
		ts->outer = ts->tls;
		ts->tls.depth = 0;
	}
	if (ts->tls.depth++)
		return 0;
	ts->tls.cookie = cookie;
	ts->tls.stack = stack;
	ts->tls.object = argument[cookie >> WIRE_COOKIE_OBJ_SHIFT & 7];
	ts->tls.buf = argument[cookie >> WIRE_COOKIE_BUF_SHIFT & 7];
	ts->tls.lenp = argument[cookie >> WIRE_COOKIE_LENP_SHIFT & 7];
	ts->tls.size = argument[cookie >> WIRE_COOKIE_SIZE_SHIFT & 7];
	ts->tls.quiet = quiet;
	ts->tls.sent = 0;
	return 0;
}

/* Some libraries take the bytes of a send that would block, and answer for them at a later
 * call, whatever that one brings: GnuTLS does, and then allows a buffer of NULL. Such bytes
 * are told when they are taken, and not again with the answer. How many it took the library
 * says only then; what was told too much comes again at the same position. */
static __always_inline u32 session_queue(struct session *s, const struct task_state *ts, s32 rc, u32 moved)
{
	u32 again = ts->tls.cookie >> WIRE_COOKIE_AGAIN_SHIFT & 0xffff;

	if (!again)
		return moved;
	if (rc < 0 && (-rc == (again & 0xff) || -rc == again >> 8)) {
		if (s->queued)
			return 0;
		s->queued = ts->tls.size < RECORD_PLAIN ? ts->tls.size : RECORD_PLAIN;
		return s->queued;
	}
	if (s->queued && rc > 0) {
		s->pos[WIRE_SENT] += (s64)rc - s->queued;
		moved = 0;
	}
	s->queued = 0;
	return moved;
}

/* The buffer behind a pointer to an object that keeps it: WIRE_COOKIE_AT_SHIFT. One that
 * cannot be found is at 0, which is told as unreadable. */
static __always_inline u64 buffer_behind(u64 pointer, u64 at)
{
	u64 object = 0, v[2] = {};

	if (bpf_probe_read_user(&object, sizeof(object), (void *)pointer) || !object ||
	    bpf_probe_read_user(v, sizeof(v), (void *)(object + at)))
		return 0;
	return v[0] + v[1];
}

static __always_inline void tls_moved(struct task_state *ts, s32 rc, u32 moved, struct wire_config *cfg)
{
	struct session_key key = { .object = ts->tls.object, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct session *s = session_get(&key);
	struct piece p;

	if (!s) {
		count(cfg->epoch, WIRE_C_TLS_CALLS, moved > 0);
		tls_lost(cfg, moved);
		return;
	}
	moved = session_queue(s, ts, rc, moved);
	if (!moved)
		return;
	count(cfg->epoch, WIRE_C_TLS_CALLS, 1);
	if (s->freed) {
		session_renew(s);
		session_count(s, key.tgid);
	}
	tls_head(&p, s, ts->tls.object, ts->tls.cookie, moved, cfg);
	if (p.head.dir == WIRE_SENT && !ts->tls.sent)
		p.head.flags |= WIRE_F_AHEAD;
	p.head.pos = s->pos[p.head.dir & 1];
	s->pos[p.head.dir & 1] += moved;
	if (!(ts->tls.cookie >> WIRE_COOKIE_BUF_SHIFT & 7)) { /* to send without a buffer is to send a file */
		count(cfg->epoch, WIRE_C_NO_ARGS, 1);
		tell_skipped(&p, moved, WIRE_F_NO_ARGS, p.head.dir == WIRE_SENT ? WIRE_R_SENDFILE : WIRE_R_OTHER_CALL);
	} else {
		p.from.base = ts->tls.buf;
		p.from.len = moved;
		tls_tell(&p, s, moved, cfg);
	}
	s->dropped[p.head.dir & 1] = p.head.before;
	if (p.head.dir == WIRE_SENT)
		s->cut = 0;
}

/* Some of its records went out, and it was not told of: if nobody calls again for them, nobody will. */
static __always_inline void tls_cut(struct task_state *ts)
{
	struct session_key key = { .object = ts->tls.object, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct session *s = bpf_map_lookup_elem(&sessions, &key);

	if (s)
		s->cut = 1;
}

SEC("uretprobe")
int WHOLE_UPROBE(tls_return)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct task_state *ts = bpf_task_storage_get(&tasks, t, 0, 0);
	struct wire_config *cfg = config_get();
	u64 moved = 0, at;
	s32 rc;

	if (!cfg || !ts || !ts->tls.depth || --ts->tls.depth)
		return 0;
	rc = (s32)regs->ax;
	if (rc > 0 && !ts->tls.lenp)
		moved = rc;
	else if (rc > 0 && bpf_probe_read_user(&moved, sizeof(moved), (void *)ts->tls.lenp))
		moved = 0;
	at = ts->tls.cookie >> WIRE_COOKIE_AT_SHIFT & 0xff;
	if (at && moved)
		ts->tls.buf = buffer_behind(ts->tls.buf, at);
	if (!ts->tls.quiet && (moved || ts->tls.cookie >> WIRE_COOKIE_AGAIN_SHIFT) && moved < 0x7fffffff)
		tls_moved(ts, rc, moved, cfg);
	else if (!ts->tls.quiet && ts->tls.sent && ts->tls.cookie & WIRE_COOKIE_SENT)
		tls_cut(ts);
	ts->tls.object = 0;
	if (ts->outer.depth) {
		ts->tls = ts->outer;
		ts->outer.depth = 0;
	}
	return 0;
}

/* The object is freed and its connection may go on: the next call at this address belongs
 * to another session, which a nested socket call makes known. */
SEC("uprobe")
int WHOLE_UPROBE(tls_freed)
{
	u64 argument[8] = { 0, regs->di, regs->si, regs->dx, regs->cx, regs->r8, regs->r9, 0 };
	struct session_key key = { .object = argument[bpf_get_attach_cookie(regs) >> WIRE_COOKIE_OBJ_SHIFT & 7],
				   .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct session *s = bpf_map_lookup_elem(&sessions, &key);

	if (!s)
		return 0;
	s->queued = 0;
	if (session_is_held(s, key.object, key.tgid))
		s->freed = 1;
	else
		session_drop(s, &key);
	return 0;
}
