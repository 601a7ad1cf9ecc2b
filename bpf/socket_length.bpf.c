// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* socket_length.bpf.c - payload at the kernel's own byte counts: tp_btf of
 * sock_send_length and sock_recv_length (Linux 6.3, commit 6e6eda44b939). They fire
 * inside the call, on the calling task, with the socket given; nothing is paid by
 * other system calls. */
#include "bpf/socket.bpf.h"

static __always_inline int at_socket(struct sock *sk, int ret, int flags, u8 dir)
{
	struct wire_config *cfg;
	struct task_struct *t;
	struct tcp_sock *tp;
	struct call call = {};

	if (ret <= 0 || (flags & MSG_PEEK))
		return 0;
	cfg = config_get();
	tp = bpf_skc_to_tcp_sock(sk);
	if (!cfg || !tp || !is_inet(sk->__sk_common.skc_family) || !in_scope(cfg))
		return 0;
	SOCKET_NOW(&call.now, sk, tp, LOAD);
	t = bpf_get_current_task_btf();
	call.sk = (u64)sk;
	call.moved = ret;
	call_args(&call, t, (struct pt_regs *)bpf_task_pt_regs(t), dir);
	if (flags & MSG_TRUNC)
		call.shape = CALL_NONE; /* counted, but thrown away by the kernel */
	go_bind(&call);
	call_capture(&call);
	if (call.go_write)
		go_sent(&call);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length, struct sock *sk, int ret, int flags)
{
	return at_socket(sk, ret, flags, WIRE_SENT);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(sock_recv_length, struct sock *sk, int ret, int flags)
{
	return at_socket(sk, ret, flags, WIRE_RECEIVED);
}
