/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* socket.bpf.h - a socket call that moved bytes -> records. Shared by the hooks
 * (socket_length.bpf.c, socket_exit.bpf.c): they find the socket and the count, this
 * finds the user buffers in the caller's argument registers and copies them.
 *
 * Of a TLS connection only the record headers are copied: its plaintext is told by
 * tls.bpf.c, and nothing is told twice. */
#ifndef WEIR_SOCKET_BPF_H
#define WEIR_SOCKET_BPF_H
#include "bpf/conn.bpf.h"
#include "bpf/syscalls.h"

struct call {
	u64 sk;		/* address of the struct sock: a number, since a verified function takes no pointers inside */
	struct socket_now now;
	u64 arg1;
	u32 arg2;	/* of a vector: how many */
	u32 moved;
	u32 after;	/* bytes that the same system call moved after these */
	u8 shape, dir, compat, fd_resolved;
	u16 messages, message;	/* of a sendmmsg or recvmmsg that is told after its end: all, the next */
};

/* struct msghdr of user space: iov and iovlen. */
static __always_inline bool segments_msg(struct segments *s, u64 msg)
{
	if (s->compat) {
		u32 v[2] = {};

		if (bpf_probe_read_user(v, sizeof(v), (void *)(msg + 8)))
			return false;
		s->vec = v[0];
		s->nr = v[1];
	} else {
		u64 v[2] = {};

		if (bpf_probe_read_user(v, sizeof(v), (void *)(msg + 16)))
			return false;
		s->vec = v[0];
		s->nr = v[1];
	}
	return true;
}

/* Which message of a sendmmsg or recvmmsg this is. The kernel calls the hook once a
 * message and does not say which; a task goes through its vector in order and writes
 * each length back, by which a call that was given up early is recognised. */
static __always_inline u32 mmsg_index(struct task_state *ts, const struct call *call)
{
	u32 size = call->compat ? 32 : 64, len_at = call->compat ? 28 : 56, i, len = 0;

	if (!ts)
		return 0;
	i = ts->mmsg_next;
	if (ts->mmsg_vec != call->arg1 || i >= call->arg2 || i > 1024)
		i = 0;
	if (i && (bpf_probe_read_user(&len, sizeof(len), (void *)(call->arg1 + (i - 1) * size + len_at)) ||
		  len != ts->mmsg_len))
		i = 0;
	ts->mmsg_vec = call->arg1;
	ts->mmsg_next = i + 1 < call->arg2 ? i + 1 : 0;
	ts->mmsg_len = call->moved;
	return i;
}

static __always_inline bool segments_init(struct segments *s, const struct call *call, struct task_state *ts)
{
	s->compat = call->compat;
	s->nr = 0;
	s->base = s->len = s->vec = 0;
	switch (call->shape) {
	case CALL_BUF:
		s->base = call->arg1;
		s->len = call->moved;
		return true;
	case CALL_IOV:
		s->vec = call->arg1;
		s->nr = call->arg2;
		return true;
	case CALL_MSG:
		return segments_msg(s, call->arg1);
	case CALL_MMSG:
		return segments_msg(s, call->arg1 + mmsg_index(ts, call) * (call->compat ? 32 : 64));
	}
	return false;
}

/* One step of the walk over the TLS records that pass in a call: to the next segment,
 * over a record's body, or one byte into a header. Headers and bodies are cut by calls at
 * will, so the place is kept in the connection between calls. Returns 0, 1 when a header
 * is whole, 2 at the end. Not inlined: what it left in the struct is then unknown to the
 * verifier, and turns look alike. */
__attribute__((noinline)) int walk_step(struct piece *p)
{
	struct segments *s;
	u64 n;

	if (!p || !p->left || p->nr >= WIRE_HEADERS)
		return 2;
	s = &p->from;
	if (!s->len)
		return segments_next(s) ? 0 : 2;
	n = s->len < p->left ? s->len : p->left;
	if (p->body_left) {
		if (n > p->body_left)
			n = p->body_left;
		p->body_left -= n;
	} else if (!p->have && n >= 5) {
		n = 5;
		if (bpf_probe_read_user(p->header, 5, (void *)s->base))
			return 2;
		p->have = 5;
	} else {
		n = 1;
		if (bpf_probe_read_user(&p->header[p->have & 7], 1, (void *)s->base))
			return 2;
		p->have++;
	}
	s->base += n;
	s->len -= n;
	p->left -= n;
	if (p->have < 5)
		return 0;
	p->have = 0;
	p->nr++;
	p->body_left = p->header[3] << 8 | p->header[4];
	return 1;
}

struct walk { struct piece *piece; struct wire_header *header; };	/* header: of the record, WIRE_HEADERS */

static long walk_next(u64 turn, struct walk *w)
{
	struct piece *p = w->piece;
	struct wire_header *h;
	int step = walk_step(p);

	if (step == 1) {
		h = &w->header[(p->nr - 1) & (WIRE_HEADERS - 1)];
		h->type = p->header[0];
		h->major = p->header[1];
		h->minor = p->header[2];
		h->pad = 0;
		h->body = p->body_left;
	}
	return step == 2;
}

/* Copies the headers of the TLS records that begin in this call. */
static __always_inline void tell_headers(struct piece *p, struct conn *c, u32 moved)
{
	struct { struct wire_data head; struct wire_header header[WIRE_HEADERS]; } *r;
	u32 d = p->head.dir & 1;
	struct walk walk;

	count(p->head.epoch, WIRE_C_PRODUCED, 1);
	r = bpf_ringbuf_reserve(&data_ring, sizeof(*r), 0);
	if (!r) {
		count(p->head.epoch, WIRE_C_RING_FULL, 1);
		count(p->head.epoch, WIRE_C_BYTES_RING_FULL, moved);
		c->body_left[d] = c->header_have[d] = 0;
		return;
	}
	p->left = moved;
	p->nr = 0;
	p->body_left = c->body_left[d];
	p->have = c->header_have[d];
	__builtin_memcpy(p->header, c->header[d], sizeof(p->header));
	walk.piece = p;
	walk.header = r->header;
	bpf_loop(7 * WIRE_HEADERS, walk_next, &walk, 0);
	__builtin_memcpy(&r->head, &p->head, sizeof(r->head));
	r->head.len = (p->nr & (2 * WIRE_HEADERS - 1)) * sizeof(struct wire_header);
	r->head.flags |= WIRE_F_LAST;
	if (p->left) { /* more records than fit: the walk has lost its place */
		r->head.skipped = p->left;
		r->head.flags |= WIRE_F_TRUNCATED;
		p->body_left = p->have = 0;
	}
	c->body_left[d] = p->body_left;
	c->header_have[d] = p->have;
	__builtin_memcpy(c->header[d], p->header, sizeof(p->header));
	count(p->head.epoch, WIRE_C_SUBMITTED, 1);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

/* Does this look like a TLS record? Asked of the first call of a direction only, so
 * that plaintext cannot hide behind five bytes later on. */
static __always_inline bool looks_tls(const struct segments *s, u64 pos, u8 late)
{
	u8 h[5] = {};
	u32 body;

	if (s->len < 5 || bpf_probe_read_user(h, sizeof(h), (void *)s->base))
		return false;
	body = h[3] << 8 | h[4];
	if (h[1] != 3 || h[2] > 4 || !body || body > 16384 + 2048)
		return false;
	return late ? h[0] >= 20 && h[0] <= 23 : h[0] == 22;
}

/* The ClientHello is no secret and holds the server's name (RFC 6066, 3): of a connection
 * whose plaintext is never seen it is all there is to call the peer by. */
static __always_inline void tell_hello(struct piece *p, const struct conn *c)
{
	u64 len = p->from.len;

	if (p->head.pos || c->who.role == (p->head.dir == WIRE_SENT ? WIRE_ROLE_SERVER : WIRE_ROLE_CLIENT))
		return;
	p->head.kind = WIRE_HELLO;
	p->head.len = len < WIRE_MEDIUM ? len : WIRE_MEDIUM;
	piece_emit(p);
	p->head.kind = WIRE_CIPHER;
	p->head.len = 0;
}

/* Tells of one call: not inlined, so that hooks with a loop stay small to the verifier. */
__attribute__((noinline)) int call_capture(struct call *call)
{
	struct task_struct *t = bpf_get_current_task_btf();
	u32 tgid = bpf_get_current_pid_tgid() >> 32, d;
	struct wire_config *cfg = config_get();
	struct task_state *ts;
	struct conn *c;
	struct piece p;

	if (!call || !cfg)
		return 0;
	d = call->dir & 1;
	c = conn_get(call->sk, &call->now, d, call->moved + call->after);
	/* A socket on which nothing moved is not the one that the call was about: another
	 * thread has put it behind the descriptor meanwhile. */
	if (!c || (call->fd_resolved && call->now.next[d] - call->after == c->seq[d])) {
		count(cfg->epoch, WIRE_C_PRODUCED, 1);
		count(cfg->epoch, WIRE_C_NO_STATE, 1);
		count(cfg->epoch, WIRE_C_BYTES_NO_STATE, call->moved);
		return 0;
	}
	ts = bpf_task_storage_get(&tasks, t, 0,
				  call->shape == CALL_MMSG ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	if (ts && ts->depth && ts->object) {
		session_bind(ts, c, call->sk, tgid);
		ts->sent |= d == WIRE_SENT;
	}
	if (c->who.tgid != tgid)
		conn_owner(c, t);
	__builtin_memset(&p, 0, sizeof(p));
	p.head.time = bpf_ktime_get_boot_ns();
	p.head.epoch = cfg->epoch;
	p.head.dir = d;
	p.head.call = call->moved;
	p.head.flags = (c->late ? WIRE_F_LATE : 0) | (call->fd_resolved ? WIRE_F_FD_RESOLVED : 0) |
		       (c->session ? WIRE_F_PROBED : 0);
	p.head.pos = conn_advance(c, &call->now, d, call->moved, call->after);
	who_conn(&p.head.who, c, t);
	p.head.kind = c->tls ? WIRE_CIPHER : WIRE_SOCKET;
	if (call->shape == CALL_NONE || !segments_init(&p.from, call, ts)) {
		count(cfg->epoch, WIRE_C_NO_ARGS, 1);
		tell_skipped(&p, call->moved, WIRE_F_NO_ARGS);
		return 0;
	}
	if (!p.from.len)
		segments_next(&p.from);
	if (!c->looked[d]) {
		c->looked[d] = 1;
		if (looks_tls(&p.from, p.head.pos, c->late)) {
			c->tls = 1;
			tell_hello(&p, c);
		}
	}
	if (c->tls) {
		p.head.kind = WIRE_CIPHER;
		tell_headers(&p, c, call->moved);
		return 0;
	}
	tell_call(&p, call->moved, cfg->max_parts * WIRE_LARGE);
	return 0;
}

/* Reads the argument registers of the system call the task is in; regs is typed. */
static __always_inline void call_args(struct call *call, struct task_struct *t, struct pt_regs *regs, u8 dir)
{
	struct call_kind kind;

	call->compat = !!(t->thread_info.status & TS_COMPAT);
	kind = call_kind(regs->orig_ax, call->compat);
	call->shape = kind.dir == dir ? kind.shape : CALL_NONE;
	call->dir = dir;
	call->arg1 = call->compat ? (u32)regs->cx : regs->si;
	call->arg2 = call->compat ? (u32)regs->dx : regs->dx;
}
#endif
