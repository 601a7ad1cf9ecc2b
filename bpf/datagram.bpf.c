// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* datagram.bpf.c - whom a datagram goes to or comes from, where the socket does not say: one that is
 * not connected has a peer for each. The kernel's hooks for control groups (Linux 4.18, 5.2) are given
 * the address in the midst of the call, as the kernel itself has it; the hook that tells of the bytes
 * comes later in the same call and takes it. They let everything pass. */
#include "bpf/conn.bpf.h"

/* Of include/uapi/linux/bpf.h: what the kernel shows of its own. */
struct bpf_sock { u32 bound_dev_if, family; };
struct bpf_sock_addr {
	u32 user_family, user_ip4, user_ip6[4], user_port, family, type, protocol, msg_src_ip4, msg_src_ip6[4];
	struct bpf_sock *sk __attribute__((aligned(8)));
};

static __always_inline int note(struct bpf_sock_addr *ctx, const u32 ip[4], u32 dir)
{
	u64 task = bpf_get_current_task();
	struct datagram_peer p = { .sk = (u64)ctx->sk, .dir = dir };

	p.end.port = __builtin_bswap16(ctx->user_port);
	__builtin_memcpy(p.end.addr, ip, sizeof(p.end.addr));
	bpf_map_update_elem(&datagram_peers, &task, &p, BPF_ANY);
	return 1;
}

/* A socket of IPv6 that speaks IPv4 has its addresses mapped. */
static __always_inline int note4(struct bpf_sock_addr *ctx, u32 dir)
{
	u32 ip[4] = { ctx->user_ip4 };

	if (ctx->family == AF_INET6) {
		ip[3] = ip[0];
		ip[2] = __builtin_bswap32(0xffff);
		ip[0] = 0;
	}
	return note(ctx, ip, dir);
}

static __always_inline int note6(struct bpf_sock_addr *ctx, u32 dir)
{
	u32 ip[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };

	return note(ctx, ip, dir);
}

SEC("cgroup/sendmsg4")
int datagram_to4(struct bpf_sock_addr *ctx)
{
	return note4(ctx, WIRE_SENT);
}

SEC("cgroup/sendmsg6")
int datagram_to6(struct bpf_sock_addr *ctx)
{
	return note6(ctx, WIRE_SENT);
}

SEC("cgroup/recvmsg4")
int datagram_from4(struct bpf_sock_addr *ctx)
{
	return note4(ctx, WIRE_RECEIVED);
}

SEC("cgroup/recvmsg6")
int datagram_from6(struct bpf_sock_addr *ctx)
{
	return note6(ctx, WIRE_RECEIVED);
}
