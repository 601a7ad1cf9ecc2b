// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* socket_layer.bpf.c - payload at the kernel's socket layer, for kernels that allow kprobes and
 * have no sock_send_length: below every system call and io_uring, with the socket given. Where
 * the bytes lie is asked of the kernel's own iterator, whoever filled that: vectors, 32-bit
 * callers, requests on another thread and pages are all alike to it.
 *
 * A call is noted at its begin and told when the socket is given back: release_sock, which TCP
 * and MPTCP call with all that moved counted and nobody else able to move more. One that waits
 * gives the socket back in between, and is told in parts. There is no return probe: these run out
 * when many calls wait. All of this is kprobes, which no preemption makes the kernel skip. UDP has
 * no such place when it sends, nor has UNIX: they are told at the end of their functions. */
#include "bpf/hidden.bpf.h"

/* Looks at the iterator: what is left, and where the next byte is. */
static __always_inline void layer_look(struct layer_call *l)
{
	struct msghdr *m = (struct msghdr *)l->msg;
	u64 offset = BPF_CORE_READ(m, msg_iter.iov_offset);
	u8 type = BPF_CORE_READ(m, msg_iter.iter_type);
	struct iov_iter___old *old = (void *)m + bpf_core_field_offset(struct msghdr, msg_iter);
	struct segments *s = &l->from;

	l->left = BPF_CORE_READ(m, msg_iter.count);
	__builtin_memset(s, 0, sizeof(*s));
	if (type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		s->kind = SEGMENT_ITER;
		s->base = (u64)BPF_CORE_READ(m, msg_iter.ubuf) + offset;
		s->len = l->left;
		return;
	}
	if (type == bpf_core_enum_value(enum iter_type, ITER_IOVEC)) {
		s->kind = SEGMENT_ITER;
	} else if (type == bpf_core_enum_value(enum iter_type, ITER_KVEC)) {
		s->kind = SEGMENT_KERNEL;
	} else if (type == bpf_core_enum_value(enum iter_type, ITER_BVEC) && anchor_found((struct sock *)l->sk)) {
		s->kind = SEGMENT_PAGES;
	} else {
		l->shape = CALL_NONE;
		l->reason = WIRE_R_SENDFILE;
		return;
	}
	if (bpf_core_field_exists(struct iov_iter, __iov))
		s->vec = (u64)BPF_CORE_READ(m, msg_iter.__iov);
	else
		s->vec = (u64)BPF_CORE_READ(old, iov);
	s->nr = BPF_CORE_READ(m, msg_iter.nr_segs);
	if (segments_next(s) && offset <= s->len) {
		s->base += offset;
		s->len -= offset;
	}
}

/* Of a pair by enum wire_dir: both are loaded, as the compiler makes of one place or the other
 * arithmetic that the verifier refuses. */
static __always_inline u32 of_dir(const u32 pair[2], u32 dir)
{
	u32 sent = pair[WIRE_SENT], received = pair[WIRE_RECEIVED];

	asm volatile("" : "+r"(sent), "+r"(received));
	return dir == WIRE_SENT ? sent : received;
}

static __always_inline u32 sequence(struct sock *sk, u32 dir)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	return dir == WIRE_SENT ? BPF_CORE_READ(tp, write_seq) : BPF_CORE_READ(tp, copied_seq);
}

/* A call that begins: where it is noted. */
static __always_inline struct layer_call *layer_new(u64 so, u32 dir)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(t);
	struct wire_config *cfg = config_get();
	struct task_state *ts;
	struct layer_call *l;
	struct sock *sk;

	if (!cfg || !in_scope(cfg))
		return NULL;
	ts = bpf_task_storage_get(&tasks, t, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!ts)
		return NULL; /* its bytes show as a jump */
	sk = BPF_CORE_READ((struct socket *)so, sk);
	l = &ts->layer;
	l->sk = (u64)sk;
	l->msg = 0;
	l->ip = regs->ip;
	l->sp = regs->sp;
	l->nr = regs->orig_ax;
	l->next = sequence(sk, dir);
	l->dir = dir;
	l->shape = CALL_LAYER;
	l->reason = WIRE_R_NONE;
	return l;
}

/* Not inlined: the verifier walks it once for all functions that begin with it. */
__attribute__((noinline)) int layer_begins(u64 so, u64 msg, u32 flags, u32 dir)
{
	struct layer_call *l = layer_new(so, dir);

	if (!l)
		return 0;
	if (dir == WIRE_RECEIVED)
		peer_forget();
	/* An urgent byte that is read beside the stream shows as missing in it. */
	if (dir == WIRE_RECEIVED && flags & (MSG_PEEK | MSG_OOB)) {
		l->sk = 0;
		return 0;
	}
	l->msg = msg;
	layer_look(l);
	if (flags & MSG_TRUNC) { /* counted, but thrown away by the kernel */
		l->shape = CALL_NONE;
		l->reason = WIRE_R_DISCARDED;
	}
	return 0;
}

#define BEGINS(function, dir, flags)						\
	SEC("kprobe/" #function)						\
	int function##_begins(struct pt_regs *regs)				\
	{									\
		return layer_begins(regs->di, regs->si, flags, dir);		\
	}
BEGINS(inet_sendmsg, WIRE_SENT, 0)
BEGINS(inet6_sendmsg, WIRE_SENT, 0)
BEGINS(inet_recvmsg, WIRE_RECEIVED, regs->cx)
BEGINS(inet6_recvmsg, WIRE_RECEIVED, regs->cx)
BEGINS(unix_stream_sendmsg, WIRE_SENT, 0)
BEGINS(unix_dgram_sendmsg, WIRE_SENT, 0)
BEGINS(unix_stream_recvmsg, WIRE_RECEIVED, regs->cx)
BEGINS(unix_dgram_recvmsg, WIRE_RECEIVED, regs->cx)

static __always_inline int page_begins(struct pt_regs *regs)
{
	u64 page = regs->si, offset = (u32)regs->dx, size = regs->cx;
	struct layer_call *l = layer_new(regs->di, WIRE_SENT);

	if (!l)
		return 0;
	__builtin_memset(&l->from, 0, sizeof(l->from));
	if (!anchor_found((struct sock *)l->sk)) {
		l->shape = CALL_NONE;
		l->reason = WIRE_R_SENDFILE;
		return 0;
	}
	l->from.kind = SEGMENT_PAGES;
	l->from.base = page_address(page) + offset;
	l->from.len = size;
	return 0;
}

/* A page of sendfile or splice, each by a call of its own: before 6.5. */
SEC("kprobe/inet_sendpage")
int inet_sendpage_begins(struct pt_regs *regs)
{
	return page_begins(regs);
}

SEC("kprobe/unix_stream_sendpage")
int unix_stream_sendpage_begins(struct pt_regs *regs)
{
	return page_begins(regs);
}

/* Into a pipe, which the task has for itself until it returns: what came is behind its old head. */
SEC("kprobe/tcp_splice_read")
int tcp_splice_read_begins(struct pt_regs *regs)
{
	struct pipe_inode_info *pipe = (struct pipe_inode_info *)regs->dx;
	struct layer_call *l = layer_new(regs->di, WIRE_RECEIVED);

	if (!l)
		return 0;
	__builtin_memset(&l->from, 0, sizeof(l->from));
	l->from.kind = SEGMENT_PIPE;
	l->from.vec = (u64)pipe;
	l->left = BPF_CORE_READ_BITFIELD_PROBED(pipe, head);
	l->reason = WIRE_R_SPLICE;
	if (!anchor_found((struct sock *)l->sk))
		l->shape = CALL_NONE;
	return 0;
}

/* What the pipe got since: from l->left, its head then. */
static __always_inline void layer_pipe(struct layer_call *l)
{
	struct pipe_inode_info *pipe = (struct pipe_inode_info *)l->from.vec;
	u32 head = BPF_CORE_READ_BITFIELD_PROBED(pipe, head), size = BPF_CORE_READ(pipe, ring_size);

	l->from.base = l->from.len = 0;
	l->from.at = l->left & (size - 1);
	l->from.nr = head - (u32)l->left;
	l->left = head;
}

static __always_inline void layer_tell(struct layer_call *l, u32 n)
{
	struct call *call = &l->call;
	bool pipe = l->from.kind == SEGMENT_PIPE;

	call->sk = l->sk;
	call->moved = n;
	call->dir = l->dir;
	call->shape = l->shape;
	call->reason = l->reason;
	if (pipe)
		layer_pipe(l);
	go_bind(call);
	call_tell(call);
	if (call->go_write)
		go_sent(call);
	l->next = of_dir(call->now.next, l->dir);
	if (l->msg && l->shape != CALL_NONE) {
		layer_look(l);
	} else if (!l->msg && !pipe) {
		l->from.base += n;
		l->from.len -= n < l->from.len ? n : l->from.len;
	}
}

/* Is the task in another call by now, that gives the same socket back? At the end of any it may be the
 * last to hold the socket, and close it: that one has lost its file. */
static __always_inline bool layer_over(const struct layer_call *l)
{
	struct sock *sk = (struct sock *)l->sk;
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return regs->orig_ax != l->nr || regs->ip != l->ip || regs->sp != l->sp || !BPF_CORE_READ(sk, sk_socket);
}

/* How many bytes of a TCP connection the call has moved since it was looked at: what its iterator
 * says, but never more than the sequence does. */
static __always_inline u32 layer_moved(const struct layer_call *l)
{
	const struct call *call = &l->call;
	struct msghdr *m = (struct msghdr *)l->msg;
	u64 key = l->sk;
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	u32 since = of_dir(call->now.next, l->dir) - (c ? of_dir(c->seq, l->dir) : l->next);
	bool numbered = c || l->next;	/* a send that connects began without a number */
	u64 took;

	/* A FIN of ours takes a number that is no byte. */
	if ((numbered && (s32)since <= 0) || (c && l->dir == WIRE_SENT && c->closing))
		return 0;
	if (!l->msg || l->reason == WIRE_R_DISCARDED || call->ktls)
		return numbered ? since : 0;
	took = l->left - BPF_CORE_READ(m, msg_iter.count);
	if (took > l->left)
		return 0;
	return numbered && took > since ? since : took;
}

SEC("kprobe/release_sock")
int socket_released(struct pt_regs *regs)
{
	struct task_state *ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	struct sock *sk = (struct sock *)regs->di;
	struct layer_call *l;
	struct msghdr *m;
	u32 n;

	if (!ts || !ts->layer.sk || ts->layer.sk != (u64)sk || layer_over(&ts->layer))
		return 0;
	l = &ts->layer;
	__builtin_memset(&l->call, 0, sizeof(l->call));
	if (is_tcp(sk)) {
		socket_read(&l->call.now, sk);
		l->call.ktls = ktls_on((u64)sk, l->dir);
		n = layer_moved(l);
	} else {
		m = (struct msghdr *)l->msg;
		l->call.now.transport = transport_of(sk);
		if (l->call.now.transport != WIRE_MPTCP || !m)
			return 0;
		n = l->left - BPF_CORE_READ(m, msg_iter.count);
		if (n > l->left)
			return 0;
	}
	if (n)
		layer_tell(l, n);
	return 0;
}

/* The end of a call on a socket that is not TCP. */
static __always_inline int layer_ends(u64 sk, int ret)
{
	struct task_state *ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	struct layer_call *l;

	if (!ts || !ts->layer.sk || ts->layer.sk != sk)
		return 0;
	l = &ts->layer;
	__builtin_memset(&l->call, 0, sizeof(l->call));
	l->call.now.transport = transport_of((struct sock *)sk);
	if (ret > 0 && l->call.now.transport != WIRE_TCP)
		layer_tell(l, ret);
	else
		peer_forget();
	l->sk = 0; /* of two that are one in the other both end */
	return 0;
}

/* The count is negative where it was only looked at. */
SEC("kprobe/skb_consume_udp")
int udp_received(struct pt_regs *regs)
{
	return layer_ends(regs->di, regs->dx);
}

SEC("fexit/udp_sendmsg")
int WHOLE_PROG(udp_sent, struct sock *sk, struct msghdr *msg, u64 size, int ret)
{
	return layer_ends((u64)sk, ret);
}

SEC("fexit/udpv6_sendmsg")
int WHOLE_PROG(udp6_sent, struct sock *sk, struct msghdr *msg, u64 size, int ret)
{
	return layer_ends((u64)sk, ret);
}

SEC("fexit/unix_stream_sendmsg")
int WHOLE_PROG(unix_sent, struct socket *so, struct msghdr *msg, u64 size, int ret)
{
	return layer_ends((u64)so->sk, ret);
}

SEC("fexit/unix_dgram_sendmsg")
int WHOLE_PROG(unix_datagram_sent, struct socket *so, struct msghdr *msg, u64 size, int ret)
{
	return layer_ends((u64)so->sk, ret);
}

SEC("fexit/unix_stream_recvmsg")
int WHOLE_PROG(unix_received, struct socket *so, struct msghdr *msg, u64 size, int flags, int ret)
{
	return layer_ends((u64)so->sk, ret);
}

SEC("fexit/unix_dgram_recvmsg")
int WHOLE_PROG(unix_datagram_received, struct socket *so, struct msghdr *msg, u64 size, int flags, int ret)
{
	return layer_ends((u64)so->sk, ret);
}

SEC("fexit/unix_stream_sendpage")
int WHOLE_PROG(unix_page_sent, struct socket *so, struct page *page, int offset, u64 size, int flags, long ret)
{
	return layer_ends((u64)so->sk, ret);
}
