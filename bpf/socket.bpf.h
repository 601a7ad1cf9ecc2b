/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* socket.bpf.h - a socket call that moved bytes -> records. Shared by the hooks
 * (socket_length.bpf.c, socket_exit.bpf.c): they find the socket and the count, this
 * finds the user buffers in the caller's argument registers and copies them.
 *
 * Of a TLS connection only the record headers are copied: its plaintext is told by
 * tls.bpf.c, and nothing is told twice. */
#ifndef WEIR_SOCKET_BPF_H
#define WEIR_SOCKET_BPF_H
#include "bpf/go.bpf.h"
#include "bpf/peer.bpf.h"
#include "bpf/syscalls.h"
#include "bpf/walk.bpf.h"

#define TLS_HEADER 5	/* bytes before a record's body, RFC 8446 5.1 */
#define TLS_TAG 16	/* that every cipher in use adds to it at least */

/* struct msghdr of user space: iov and iovlen. */
static __always_inline bool segments_msg(struct segments *s, u64 msg)
{
	if (s->kind == SEGMENT_32) {
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
	s->kind = call->compat ? SEGMENT_32 : SEGMENT_64;
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
	case CALL_PIPE:
		s->kind = SEGMENT_PIPE;
		s->vec = call->arg1;
		s->nr = call->arg2 >> 16;
		s->at = call->arg2;
		return true;
	case CALL_LAYER:
		if (ts)
			*s = ts->layer.from;
		return ts;
	}
	return false;
}

/* Puts the first buffer of the call into p->from; 0: there is none that is known. */
__attribute__((noinline)) int call_buffers(struct piece *p, struct call *call)
{
	struct task_state *ts;

	if (!p || !call || call->shape == CALL_NONE)
		return 0;
	ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0,
				  call->shape == CALL_MMSG ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	if (!segments_init(&p->from, call, ts))
		return 0;
	if (!p->from.len)
		segments_next(&p->from);
	return 1;
}

/* Does this look like a TLS record? Asked of the first call of a direction only, and of the
 * few after TLS was asked for, so that plaintext cannot hide behind five bytes later on. */
static __always_inline bool looks_tls(const struct segments *s, u8 late)
{
	u8 h[5] = {};
	u32 body;

	if (s->len < 5 || bpf_probe_read_user(h, sizeof(h), (void *)s->base))
		return false;
	body = h[3] << 8 | h[4];
	if (h[1] != 3 || h[2] > 4 || !body || body > 16384 + 2048)
		return false;
	return late ? h[0] >= 20 && h[0] <= 23 : h[0] == HANDSHAKE;
}

/* The handshake's clear part is no secret and holds names (RFC 6066, 3), version and cipher:
 * of a connection whose plaintext is never seen it is all there is to tell of it. A call's
 * first buffer only: who scatters a handshake over several tells less. */
static __always_inline void tell_hello(struct piece *p, struct conn *c, u32 moved)
{
	u32 d = p->head.dir & 1, left = c->hello_left[d], n = p->from.len < moved ? p->from.len : moved;

	n = n < left ? n : left;
	if (!n)
		return;
	c->hello_left[d] = left - n;
	p->head.kind = WIRE_HELLO;
	p->head.len = n;
	piece_emit(p);
	p->head.kind = WIRE_CIPHER;
	p->head.len = 0;
}

/* Of a connection with TLS. Where the kernel does it (kTLS), the call's bytes are plaintext
 * and the connection's are not: their number is all that can be told of these here. */
__attribute__((noinline)) int tell_cipher(struct piece *p, struct conn *c, struct call *call)
{
	u32 left;

	if (!p || !c || !call)
		return 0;
	p->head.kind = WIRE_CIPHER;
	if (call->fd_resolved && ktls_on(call->sk, p->head.dir)) {
		tell_skipped(p, call->moved, WIRE_F_NO_ARGS, WIRE_R_KTLS);
	} else if (p->from.kind >= SEGMENT_PIPE) {
		tell_skipped(p, call->moved, WIRE_F_NO_ARGS, call->reason);
	} else {
		tell_hello(p, c, call->moved);
		left = call->moved;
		for (u32 part = 1; left && part <= CIPHER_PARTS; part++)
			left = tell_headers(p, c, left, part == CIPHER_PARTS);
	}
	return 0;
}

#define SPELL_BYTES 32
/* Words as they lie in memory. */
#define WORD4(a, b, c, d) ((u32)(d) << 24 | (u32)(c) << 16 | (u32)(b) << 8 | (u32)(a))
#define WORD8(a, b, c, d, e, f, g, h) ((u64)WORD4(e, f, g, h) << 32 | WORD4(a, b, c, d))
#define ANY_CASE8 0xdfdfdfdfdfdfdfdfull	/* a space becomes 0 */
#define STARTTLS WORD8('S', 'T', 'A', 'R', 'T', 'T', 'L', 'S')

struct spell { u64 first, bytes[SPELL_BYTES / 8 - 1], word; };

static long spell_next(u64 i, struct spell *s)
{
	u8 c = ((u8 *)s)[i & (SPELL_BYTES - 1)];

	s->word = s->word >> 8 | (u64)(c & 0xdf) << 56;
	return s->word == STARTTLS;
}

/* Asks for TLS in what a client says: enum wire_upgrade, by the first bytes of a call. Not
 * inlined, for its stack. */
__attribute__((noinline)) int upgrade_of(struct piece *p)
{
	struct spell s = {};
	u8 *b = (u8 *)&s;
	u64 n, word;

	if (!p)
		return 0;
	n = p->from.len;
	asm volatile("if %0 <= %1 goto +1\n%0 = %1" : "+r"(n) : "i"(SPELL_BYTES));
	if (!n || bpf_probe_read_user(&s, n, (void *)p->from.base))
		return 0;
	if ((u32)s.first == WORD4('G', 'E', 'T', ' ') || (u32)s.first == WORD4('P', 'O', 'S', 'T'))
		return 0; /* what most say is not looked at further */
	if (n == 8 && s.first == WORD8(0, 0, 0, 8, 4, 210, 22, 47))
		return WIRE_UPGRADE_POSTGRES; /* SSLRequest 80877103 */
	/* A login packet cut off after its flags, CLIENT_SSL among them; MariaDB's server reads its head alone. */
	if ((u32)s.first == WORD4(32, 0, 0, 1) && (p->from.len == 4 || (p->from.len == 36 && (b[5] & 8))))
		return WIRE_UPGRADE_MYSQL;
	if (b[0] == 0x30 && b[5] == 0x77 && b[7] == 0x80 && b[8] == 22 && b[9] == '1' && b[11] == '3' && b[13] == '6')
		return WIRE_UPGRADE_LDAP; /* RFC 4511, 4.14: an extended request by its name */
	word = s.first & ANY_CASE8;
	if (word == WORD8('A', 'U', 'T', 'H', 0, 'T', 'L', 'S') || word == WORD8('A', 'U', 'T', 'H', 0, 'S', 'S', 'L'))
		return WIRE_UPGRADE_FTP;
	if (word == WORD8('C', 'O', 'N', 'N', 'E', 'C', 'T', 0))
		return WIRE_UPGRADE_CONNECT;
	if ((u32)word == WORD4('S', 'T', 'L', 'S'))
		return WIRE_UPGRADE_POP3;
	/* One word at three places: SMTP begins with it, XMPP with '<' before it, IMAP with a tag. */
	if (word == STARTTLS)
		return WIRE_UPGRADE_SMTP;
	bpf_loop(SPELL_BYTES, spell_next, &s, 0);
	if (s.word != STARTTLS)
		return 0;
	return b[0] == '<' ? WIRE_UPGRADE_XMPP : WIRE_UPGRADE_IMAP;
}

/* The server's answer so far. A client alone could call TLS what is none. */
enum { ANSWER_NO, ANSWER_YES, ANSWER_SHORT, ANSWER_AGAIN };
static __always_inline int answer_of(const struct conn *c)
{
	const u8 *a = c->answer;
	u32 word = WORD4(a[0], a[1], a[2], a[3]), n = c->answered;

	switch (c->asked) {
	case WIRE_UPGRADE_SMTP:
		return n < 3 ? ANSWER_SHORT : word << 8 == WORD4(0, '2', '2', '0');
	case WIRE_UPGRADE_FTP:
		return n < 3 ? ANSWER_SHORT : word << 8 == WORD4(0, '2', '3', '4');
	case WIRE_UPGRADE_POP3:
		return n < 3 ? ANSWER_SHORT : word << 8 == WORD4(0, '+', 'O', 'K');
	case WIRE_UPGRADE_IMAP: /* behind the client's tag, or more lines */
		return n < 4 ? ANSWER_SHORT : word != WORD4('H', 'T', 'T', 'P');
	case WIRE_UPGRADE_XMPP: /* <proceed */
		return n < 4 ? ANSWER_SHORT : word == WORD4('<', 'p', 'r', 'o');
	case WIRE_UPGRADE_LDAP:
		return a[0] == 0x30;
	case WIRE_UPGRADE_POSTGRES:
		return n == 1 && a[0] == 'S';
	case WIRE_UPGRADE_CONNECT: /* "HTTP/1.1 200"; 407 wants the client to ask again, with a password */
		if (n < 12)
			return ANSWER_SHORT;
		if (WORD4(a[9], a[10], a[11], 0) == WORD4('4', '0', '7', 0))
			return ANSWER_AGAIN;
		return word == WORD4('H', 'T', 'T', 'P') && a[9] == '2';
	}
	return ANSWER_NO;
}

/* Takes what the server says to it. Not inlined, for the verifier. */
__attribute__((noinline)) int answer_take(struct piece *p, u64 key)
{
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	u64 n;
	int answer;

	if (!p || !c)
		return 0;
	n = p->from.len;
	asm volatile("if %0 <= %1 goto +1\n%0 = %1" : "+r"(n) : "i"(ANSWER_BYTES));
	if (n && !bpf_probe_read_user(&c->answer[c->answered & (ANSWER_BYTES - 1)], n, (void *)p->from.base))
		c->answered += n;
	answer = answer_of(c);
	c->agreed = answer == ANSWER_YES;
	if (answer == ANSWER_NO)
		c->asked = 0;
	if (answer == ANSWER_NO || answer == ANSWER_AGAIN)
		c->looks = 0;
	return 0;
}

/* May it be asked for here? Databases and proxies are asked at the beginning, where these bytes
 * are no part of anything else; others answer in a way that no HTTP server does. */
static __always_inline bool may_ask(const struct conn *c, u32 asked, u32 dir, u64 pos)
{
	switch (asked) {
	case WIRE_UPGRADE_POSTGRES: /* behind the same question about GSSAPI */
		return pos <= 8;
	case WIRE_UPGRADE_MYSQL: /* whose server speaks first */
		return !pos && c->pos[!(dir & 1)];
	case WIRE_UPGRADE_CONNECT:
		return !pos || c->asked == WIRE_UPGRADE_CONNECT;
	}
	return asked;
}

/* Of a connection that was not TLS from the start: did the client ask for it, the server agree,
 * and is this the first record of it? Bounded: TLS is asked for among the first bytes of a
 * connection, and looked for in a few calls after that. */
#define UPGRADE_WITHIN	8192
#define UPGRADE_LOOKS	16
__attribute__((noinline)) int upgrade_look(struct piece *p, struct conn *c, u64 key)
{
	u32 asked;

	if (!p || !c)
		return 0;
	if (c->who.role == (p->head.dir == WIRE_SENT ? WIRE_ROLE_SERVER : WIRE_ROLE_CLIENT)) {
		if (c->looks && !c->agreed)
			answer_take(p, key);
		return 0;
	}
	if (c->looks && c->agreed) {
		c->looks--;
		if (looks_tls(&p->from, 0)) {
			c->tls = 1;
			c->who.upgrade = p->head.who.upgrade = c->asked;
			c->hello_left[0] = c->hello_left[1] = WIRE_HELLO_MAX;
			c->looks = 0;
		}
	}
	asked = c->tls ? 0 : upgrade_of(p);
	if (!asked || !may_ask(c, asked, p->head.dir, p->head.pos))
		return 0;
	c->asked = asked;
	c->answered = 0;
	c->agreed = asked == WIRE_UPGRADE_MYSQL; /* the server does not answer */
	c->looks = UPGRADE_LOOKS;
	return 0;
}

/* The call that the current goroutine is in the middle of, if it is inside it. *top: of its stack. */
static __attribute__((noinline)) struct go_call *go_call_now(struct go_key *key, u64 *top, u8 abi)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(t);
	struct go_call *g;

	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->g = go_current(t, regs->r14, abi == GO_ABI_STACK);
	g = bpf_map_lookup_elem(&go_calls, key);
	/* A goroutine begins with the lower and the upper bound of its stack. */
	if (!g || bpf_probe_read_user(top, sizeof(*top), (void *)(key->g + sizeof(*top))) || !go_inside(g, *top - regs->sp, *top))
		return NULL;
	return g;
}

/* A socket call of a goroutine that is in the middle of a TLS call: both are on one stack,
 * whatever thread it is on by now. A handshake binds by its first use of a socket, and needs
 * no end for that. A write takes its place in the stream here, where it holds the lock of
 * its connection: at its end it does not, and another may be told before it. Not a part of
 * call_capture, for the stack of 6.1. */
__attribute__((noinline)) int go_bind(struct call *call)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32, d;
	u8 *abi = bpf_map_lookup_elem(&go_tasks, &tgid);
	struct session_key object = { .tgid = tgid };
	struct go_key key = {};
	struct go_call *g;
	struct session *s;
	struct conn *c;
	u64 top = 0;

	if (!abi || !call)
		return 0;
	g = go_call_now(&key, &top, *abi);
	if (!g)
		return 0;
	d = call->dir & 1;
	c = conn_get(call->sk, &call->now, d, call->moved + call->after);
	if (!c || (call->fd_resolved && call->now.next[d] - call->after == c->seq[d]))
		return 0;
	object.object = g->object;
	session_bind(object.object, c, call->sk, tgid);
	if (g->cookie & WIRE_COOKIE_GO_HANDSHAKE) {
		bpf_map_delete_elem(&go_calls, &key);
		return 0;
	}
	if (d != WIRE_SENT || !(g->cookie & WIRE_COOKIE_SENT) || g->told)
		return 0;
	s = g->placed ? NULL : bpf_map_lookup_elem(&sessions, &object);
	if (s) {
		g->pos = s->pos[WIRE_SENT];
		g->placed = 1;
		g->records = c->records[WIRE_SENT];
		s->pos[WIRE_SENT] += g->len;
	}
	call->go_write = g->placed && !g->shakes;
	return 0;
}

/* Behind a socket call of a TLS write: with its last record gone, all of it is told. Each
 * record is longer than its plaintext by a header and a tag at least. */
__attribute__((noinline)) int go_sent(struct call *call)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	u8 *abi = bpf_map_lookup_elem(&go_tasks, &tgid);
	struct wire_config *cfg = config_get();
	struct go_key key = {};
	struct go_call *g;
	struct conn *c;
	u64 top = 0, sk;

	if (!abi || !call || !cfg)
		return 0;
	sk = call->sk;
	g = go_call_now(&key, &top, *abi);
	c = bpf_map_lookup_elem(&conns, &sk);
	if (!g || !c)
		return 0;
	g->wire += call->moved;
	if (c->body_left[WIRE_SENT] || c->header_have[WIRE_SENT] ||
	    g->wire < g->len + (c->records[WIRE_SENT] - g->records) * (TLS_HEADER + TLS_TAG))
		return 0;
	g->told = 1;
	go_tell(g, g->on_stack ? top - g->buf : g->buf, g->len, cfg);
	return 0;
}

/* At the first call of a direction: is it TLS, or QUIC? */
__attribute__((noinline)) int first_look(struct piece *p, struct conn *c, struct call *call)
{
	u32 d;

	if (!p || !c || !call)
		return 0;
	d = p->head.dir & 1;
	c->looked[d] = 1;
	if (looks_tls(&p->from, c->late))
		c->tls = 1;
	if (c->tls && !p->head.pos && !c->late)
		c->hello_left[d] = WIRE_HELLO_MAX;
	if (call->now.transport == WIRE_UDP)
		c->quic |= looks_quic(&p->from, call->moved);
	return 0;
}

/* Of a connection without TLS. Of calls that are left out in a row the first is told, so that the
 * connection is known, and the others show as missing before what comes next; unless records are
 * missing as well, then all of it is called that. */
static __always_inline void tell_plain(struct piece *p, struct conn *c, u32 moved, struct wire_config *cfg)
{
	u32 why = piece_left_out(p, c->who.conn, moved, &c->choice, cfg);

	if (!why) {
		tell_call(p, moved, cfg->max_parts * WIRE_LARGE);
	} else if (p->head.before != why) {
		tell_skipped(p, moved, 0, why);
		if (p->head.before == WIRE_R_NONE)
			p->head.before = why;
	}
}

/* Tells of one call: not inlined, so that hooks with a loop stay small to the verifier. */
__attribute__((noinline)) int call_capture(struct call *call)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32, d;
	struct wire_config *cfg = config_get();
	struct task_state *ts;
	struct conn *c;
	struct piece p;

	if (!call || !cfg)
		return 0;
	d = call->dir & 1;
	c = call->key ? peer_get(call) : conn_get(call->sk, &call->now, d, call->moved + call->after);
	/* A socket on which nothing moved is not the one that the call was about: another
	 * thread has put it behind the descriptor meanwhile. */
	if (!c || (call->fd_resolved && !call->now.transport && call->now.next[d] - call->after == c->seq[d])) {
		count(cfg->epoch, WIRE_C_PRODUCED, 1);
		count(cfg->epoch, WIRE_C_NO_STATE, 1);
		count(cfg->epoch, WIRE_C_BYTES_NO_STATE, call->moved);
		return 0;
	}
	__builtin_memset(&p, 0, sizeof(p));
	if (call->ktls) { /* what the connection moved is not what the call did */
		call->moved = call->now.next[d] - c->seq[d];
		call->shape = CALL_NONE;
		call->reason = WIRE_R_KTLS;
	}
	p.unknown = !call_buffers(&p, call);
	ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	if (ts && ts->tls.depth && ts->tls.object && is_of_library(&ts->tls, c, &p, d)) {
		session_bind(ts->tls.object, c, call->sk, tgid);
		ts->tls.sent |= d == WIRE_SENT;
	}
	if (c->late && !c->session && d == WIRE_RECEIVED)
		go_late(call->sk);
	if (c->who.tgid != tgid)
		conn_owner(c);
	if (call->fd_resolved)
		c->uring |= BPF_CORE_READ(bpf_get_current_task_btf(), io_uring) != NULL;
	p.head.time = bpf_ktime_get_boot_ns();
	p.head.epoch = cfg->epoch;
	p.head.dir = d;
	p.head.flags = (c->late ? WIRE_F_LATE : 0) | (call->fd_resolved ? WIRE_F_FD_RESOLVED : 0) |
		       (c->session ? WIRE_F_PROBED : 0);
	p.head.call = call->moved;
	p.head.before = c->dropped[d];
	if (conn_jumped(c, &call->now, d, call->moved + call->after)) {
		p.head.before = jump_reason(&call->sk, d, c->seq[d]);
		walk_jump(c, d, call->now.next[d] - call->moved - call->after - c->seq[d]);
	}
	p.head.pos = conn_advance(c, &call->now, d, call->moved, call->after);
	who_conn(&p.head.who, c);
	p.head.kind = c->tls ? WIRE_CIPHER : WIRE_SOCKET;
	if (p.unknown) {
		count(cfg->epoch, WIRE_C_NO_ARGS, 1);
		tell_skipped(&p, call->moved, WIRE_F_NO_ARGS, call->reason ? call->reason : WIRE_R_OTHER_CALL);
		goto out;
	}
	if (!c->looked[d] && p.from.kind < SEGMENT_PIPE)
		first_look(&p, c, call);
	/* A TLS library that was seen at work here before its first record does not answer this. */
	if ((!c->tls || c->looks) && p.head.pos < UPGRADE_WITHIN && p.from.kind < SEGMENT_PIPE)
		upgrade_look(&p, c, call->sk);
	if (c->quic)
		tell_skipped(&p, call->moved, WIRE_F_NO_ARGS, WIRE_R_QUIC);
	else if (c->tls)
		tell_cipher(&p, c, call);
	else
		tell_plain(&p, c, call->moved, cfg);
out:
	c->dropped[d] = p.head.before;
	return 0;
}

static __always_inline void call_tell(struct call *call)
{
	if (call->now.transport == WIRE_UDP)
		peer_find(call);
	call_capture(call);
}

/* Reads the argument registers of the system call the task is in; regs is typed. Of a splice
 * the descriptor of the pipe, which may be the one of the socket. */
static __always_inline void call_args(struct call *call, struct task_struct *t, struct pt_regs *regs, u8 dir)
{
	struct call_kind kind;

	call->compat = !!(t->thread_info.status & TS_COMPAT);
	kind = call_kind(regs->orig_ax, call->compat);
	call->shape = kind.dir == dir ? kind.shape : CALL_NONE;
	call->dir = dir;
	call->arg1 = call->compat ? (u32)regs->cx : regs->si;
	if (kind.shape == CALL_SPLICE)
		call->arg1 = call->compat ? (u32)regs->bx : regs->di;
	call->arg2 = call->compat ? (u32)regs->dx : regs->dx;
}
#endif
