// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* socket_exit.bpf.c - payload at system call exit, the last resort for kernels
 * without sock_send_length (before 6.3). Same records, marked fd-resolved: the socket
 * is looked up from the descriptor after the call, so a descriptor that was replaced
 * meanwhile by another thread is told of the wrong socket; every system call of the
 * host pays for the hook; io_uring is not seen. */
#include "bpf/socket.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MMSG_MAX 64	/* messages of one sendmmsg that are told one by one */

static __always_inline struct sock *fd_socket(struct task_struct *t, u32 fd)
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

static __always_inline bool is_peek(struct pt_regs *regs, long nr, bool compat)
{
	u64 flags = 0;

	if (compat)
		flags = nr == 371 ? BPF_CORE_READ(regs, si) : nr == 372 ? BPF_CORE_READ(regs, dx) : 0;
	else
		flags = nr == 45 ? BPF_CORE_READ(regs, r10) : nr == 47 ? BPF_CORE_READ(regs, dx) : 0;
	return flags & (MSG_PEEK | MSG_TRUNC);
}

/* Points a sendmmsg or recvmmsg call at message i; its length was written back. */
static __always_inline bool message_at(struct call *call, u64 vec, u32 i)
{
	u32 size = call->compat ? 32 : 64, len_at = call->compat ? 28 : 56;

	call->shape = CALL_MSG;
	call->arg1 = vec + i * size;
	return !bpf_probe_read_user(&call->moved, sizeof(call->moved), (void *)(call->arg1 + len_at)) && call->moved;
}

SEC("raw_tp/sys_exit")
int sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	long ret = ctx->args[1], nr;
	struct wire_config *cfg;
	struct call call = {};
	struct call_kind kind;
	struct task_struct *t;
	struct sock *sk;
	bool compat, many;
	u64 vec;

	if (ret <= 0)
		return 0;
	t = bpf_get_current_task_btf();
	nr = BPF_CORE_READ(regs, orig_ax);
	compat = BPF_CORE_READ(t, thread_info.status) & TS_COMPAT;
	kind = call_kind(nr, compat);
	if (kind.shape == CALL_NONE || (kind.dir == WIRE_RECEIVED && is_peek(regs, nr, compat)))
		return 0;
	cfg = config_get();
	if (!cfg)
		return 0;
	sk = fd_socket(t, compat ? BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di));
	if (!sk || !is_tcp(sk) || !in_scope(cfg))
		return 0;
	call.sk = (u64)sk;
	call.moved = ret;
	call.fd_resolved = 1;
	call_args(&call, t, regs, kind.dir);
	vec = call.arg1;
	nr = call.shape == CALL_MMSG ? ret : 1;
	many = call.shape == CALL_MMSG;
	/* They return messages, not bytes */
	for (u32 i = 0; i < MMSG_MAX; i++) {
		if (i >= nr || (many && !message_at(&call, vec, i)))
			break;
		call_capture(&call);
	}
	return 0;
}
