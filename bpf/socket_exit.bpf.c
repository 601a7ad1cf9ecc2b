// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* socket_exit.bpf.c - payload at system call exit, the last resort for kernels
 * without sock_send_length (before 6.3). Same records, marked fd-resolved: the socket
 * is looked up from the descriptor after the call, so the bytes of a call whose descriptor
 * was replaced meanwhile by another thread are lost, and counted as without state; every
 * system call of the host pays for the hook; of io_uring only a jump in the position is seen. */
#include "bpf/socket.bpf.h"

#define MMSG_MAX 64	/* messages of one sendmmsg that are told one by one */

/* Not inlined: what it needs of the stack is not in the way of call_capture, and 6.1 rounds each
 * function's up to 32 of 512 bytes. */
static __attribute__((noinline)) struct sock *fd_socket(struct task_struct *t, u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
	struct file **table = BPF_CORE_READ(fdt, fd), *f = NULL;
	struct socket *so;

	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	bpf_probe_read_kernel(&f, sizeof(f), table + fd);
	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	so = BPF_CORE_READ(f, private_data);
	return BPF_CORE_READ(so, sk);
}

static __always_inline u64 receive_flags(struct pt_regs *regs, long nr, bool compat)
{
	if (compat)
		return nr == 371 ? BPF_CORE_READ(regs, si) : nr == 372 ? BPF_CORE_READ(regs, dx) : 0;
	return nr == 45 ? BPF_CORE_READ(regs, r10) : nr == 47 ? BPF_CORE_READ(regs, dx) : 0;
}

/* Is it a socket that is looked at, and where is it? UNIX ones only of processes that a filter names. */
static __attribute__((noinline)) bool at_sock(struct call *call, struct sock *sk)
{
	struct wire_config *cfg = config_get();

	if (!cfg)
		return false;
	if (is_tcp(sk)) {
		socket_read(&call->now, sk);
		return in_scope(cfg);
	}
	call->now.transport = transport_of(sk);
	if (call->now.transport == WIRE_TCP)
		return false;
	if (call->now.transport >= WIRE_UNIX_STREAM && !cfg->filter)
		return false;
	return in_scope(cfg);
}

static __always_inline u32 message_size(const struct call *call)
{
	return call->compat ? 32 : 64;
}

static __always_inline u32 message_len(const struct call *call, u64 message)
{
	u32 len = 0;

	bpf_probe_read_user(&len, sizeof(len), (void *)(message + (call->compat ? 28 : 56)));
	return len & 0x7fffffff;
}

/* sendmmsg and recvmmsg return messages, not bytes; each one's length was written
 * back. All of them first, for the position of each. Not inlined, for the verifier. */
__attribute__((noinline)) int messages_sum(struct call *call)
{
	if (!call)
		return 0;
	call->after = 0;
	for (u32 i = 0; i < MMSG_MAX && i < call->messages; i++)
		call->after += message_len(call, call->arg1 + i * message_size(call));
	return 0;
}

/* Moves on to the next message; 1 at the end. */
__attribute__((noinline)) int message_next(struct call *call)
{
	if (!call || call->message >= call->messages)
		return 1;
	if (call->message++)
		call->arg1 += message_size(call);
	call->moved = message_len(call, call->arg1);
	call->after -= call->moved;
	return 0;
}

static __always_inline void each_message(struct call *call, u32 nr)
{
	bool many = call->shape == CALL_MMSG;

	if (many) {
		call->messages = nr;	/* the kernel takes 1024 at most */
		call->shape = CALL_MSG;
		messages_sum(call);
		if (nr > 1)
			peer_forget();	/* whom the last of them was for */
	}
	for (u32 i = 0; i < MMSG_MAX; i++) {
		if (many && message_next(call))
			break;
		if (call->moved)
			call_tell(call);
		if (!many)
			break;
	}
}

/* What of the call is known by its number and flags: why its bytes are not to be had, if so. */
static __always_inline u8 exit_reason(u8 shape, u64 flags)
{
	if (flags & MSG_TRUNC)
		return WIRE_R_DISCARDED;
	return shape == CALL_SENDFILE ? WIRE_R_SENDFILE : shape == CALL_SPLICE ? WIRE_R_SPLICE : WIRE_R_NONE;
}

/* Whom it was for is not the next one's. Not inlined, for the stack. */
static __attribute__((noinline)) int call_failed(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	bool compat = BPF_CORE_READ(bpf_get_current_task_btf(), thread_info.status) & TS_COMPAT;

	if (call_kind(BPF_CORE_READ(regs, orig_ax), compat).shape != CALL_NONE)
		peer_forget();
	return 0;
}

SEC("raw_tp/sys_exit")
int sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	struct call call = {};
	struct call_kind kind;
	struct task_struct *t;
	struct sock *sk;
	u64 flags = 0;
	long nr;

	if ((long)ctx->args[1] <= 0)
		return call_failed(ctx);
	t = bpf_get_current_task_btf();
	nr = BPF_CORE_READ(regs, orig_ax);
	call.compat = !!(BPF_CORE_READ(t, thread_info.status) & TS_COMPAT);
	kind = call_kind(nr, call.compat);
	if (kind.shape == CALL_NONE)
		return 0;
	if (kind.dir == WIRE_RECEIVED)
		flags = receive_flags(regs, nr, call.compat);
	if (flags & MSG_PEEK)
		peer_forget();
	if (flags & (MSG_PEEK | MSG_OOB))
		return 0;
	call.reason = exit_reason(kind.shape, flags);
	call.moved = ctx->args[1];
	call.fd_resolved = 1;
	sk = fd_socket(t, call.compat ? BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di));
	if (kind.shape == CALL_SPLICE) {
		kind.dir = sk ? WIRE_RECEIVED : WIRE_SENT;
		if (!sk)
			sk = fd_socket(t, BPF_CORE_READ(regs, dx));
	}
	if (!sk || !at_sock(&call, sk))
		return 0;
	call.sk = (u64)sk;
	call_args(&call, t, (struct pt_regs *)bpf_task_pt_regs(t), kind.dir);
	if (call.reason)
		call.shape = CALL_NONE;
	go_bind(&call);
	each_message(&call, call.moved);
	if (call.go_write)
		go_sent(&call);
	return 0;
}
