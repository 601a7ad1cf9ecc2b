// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* socket_length.bpf.c - payload at the kernel's own byte counts: tp_btf of
 * sock_send_length and sock_recv_length (Linux 6.3, commit 6e6eda44b939). They fire
 * inside the call, on the calling task, with the socket given; nothing is paid by
 * other system calls. */
#include "bpf/hidden.bpf.h"

/* Sockets that are not TCP: UDP always, UNIX only of processes that a filter names. */
static __attribute__((noinline)) bool other_socket(struct call *call, struct sock *sk, struct wire_config *cfg)
{
	call->now.transport = transport_of(sk);
	if (call->now.transport == WIRE_UNIX_STREAM || call->now.transport == WIRE_UNIX_DATAGRAM)
		return cfg->filter;
	return call->now.transport != WIRE_TCP;
}

/* What the system call that the task is in says of its buffers. */
__attribute__((noinline)) int length_args(struct call *call, u32 dir, u32 flags)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(t);

	if (!call)
		return 0;
	if (call->ktls)
		call->ktls = ktls_on(call->sk, dir);
	call_args(call, t, regs, dir);
	/* Work of io_uring on a thread of its own or at the end of a call (its result is in ax
	 * then): the arguments are another call's. */
	if ((t->flags & (PF_IO_WORKER | PF_KTHREAD)) || (long)regs->ax != -ENOSYS) {
		call->shape = CALL_NONE;
		call->reason = WIRE_R_IO_URING;
	}
	if (flags & MSG_TRUNC) { /* counted, but thrown away by the kernel */
		call->shape = CALL_NONE;
		call->reason = WIRE_R_DISCARDED;
	} else if (call->shape == CALL_NONE || call->shape >= CALL_SENDFILE) {
		hidden_args(call);
	}
	return 0;
}

static __always_inline int at_socket(struct sock *sk, int ret, int flags, u8 dir)
{
	struct wire_config *cfg;
	struct tcp_sock *tp;
	struct call call = {};

	if ((ret <= 0 || flags & MSG_PEEK) && sk->sk_protocol == IPPROTO_UDP)
		peer_forget();	/* else it would be taken for that of the next call */
	/* An urgent byte that is read beside the stream shows as missing in it. */
	if (ret <= 0 || (flags & MSG_PEEK) || (dir == WIRE_RECEIVED && (flags & MSG_OOB)))
		return 0;
	cfg = config_get();
	tp = bpf_skc_to_tcp_sock(sk);
	if (!cfg)
		return 0;
	if (tp && is_inet(sk->__sk_common.skc_family)) {
		if (!in_scope(cfg))
			return 0;
		SOCKET_NOW(&call.now, sk, tp, LOAD);
		call.ktls = tp->inet_conn.icsk_ulp_ops != NULL;
	} else if (!other_socket(&call, sk, cfg) || !in_scope(cfg)) {
		return 0;
	}
	call.sk = (u64)sk;
	call.moved = ret;
	length_args(&call, dir, flags);
	go_bind(&call);
	call_tell(&call);
	if (call.go_write)
		go_sent(&call);
	return 0;
}

SEC("tp_btf/sock_send_length")
int WHOLE_PROG(sock_send_length, struct sock *sk, int ret, int flags)
{
	return at_socket(sk, ret, flags, WIRE_SENT);
}

SEC("tp_btf/sock_recv_length")
int WHOLE_PROG(sock_recv_length, struct sock *sk, int ret, int flags)
{
	return at_socket(sk, ret, flags, WIRE_RECEIVED);
}
