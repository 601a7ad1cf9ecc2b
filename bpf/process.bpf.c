// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* process.bpf.c - the life of processes and connections: exec, fork, exit of every
 * process, established and closed of every TCP connection. No payload. */
#include "bpf/conn.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *t, int old_pid, struct linux_binprm *bprm)
{
	struct wire_life *l = life_reserve();

	if (!l)
		return 0;
	l->kind = WIRE_EXEC;
	who_task(&l->who, t);
	bpf_probe_read_kernel_str(l->path, sizeof(l->path), BPF_CORE_READ(bprm, filename));
	life_submit(l);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct wire_life *l;

	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return 0; /* a thread */
	l = life_reserve();
	if (!l)
		return 0;
	l->kind = WIRE_FORK;
	l->parent = bpf_get_current_pid_tgid() >> 32;
	who_task(&l->who, parent);
	l->who.tgid = l->who.tid = BPF_CORE_READ(child, tgid);
	l->who.start = BPF_CORE_READ(child, start_boottime);
	life_submit(l);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *t)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = id >> 32;
	struct wire_life *l;

	if ((u32)id != tgid)
		return 0; /* a thread; the leader's exit stands for the group */
	bpf_map_delete_elem(&scope, &tgid);
	l = life_reserve();
	if (!l)
		return 0;
	l->kind = WIRE_EXIT;
	who_task(&l->who, t);
	life_submit(l);
	return 0;
}

/* Final position received: what the application took. A FIN that was read has taken
 * one sequence number that is no byte; SOCK_DONE says that a FIN came. */
static __always_inline u64 final_received(struct conn *c, const struct socket_now *now)
{
	s32 more = now->copied_seq - c->seq[WIRE_RECEIVED];

	if (more > 0 && now->copied_seq == now->rcv_nxt)
		more--;
	return c->pos[WIRE_RECEIVED] + more;
}

static __always_inline u64 position_sent(struct conn *c, const struct socket_now *now)
{
	return c->pos[WIRE_SENT] + (s64)(s32)(now->write_seq - c->seq[WIRE_SENT]);
}

static __always_inline void conn_closed(struct conn *c, const struct socket_now *now)
{
	struct session_key key = { .object = c->session, .tgid = c->session_tgid };
	struct session *s = c->session ? bpf_map_lookup_elem(&sessions, &key) : NULL;
	struct wire_life *l;

	if (s && s->conn == c->who.conn)
		bpf_map_delete_elem(&sessions, &key);
	if (!c->who.tgid)
		return; /* nobody in scope ever used it */
	l = life_reserve();
	if (!l)
		return;
	l->kind = WIRE_CLOSE;
	l->flags = c->late ? WIRE_F_LATE : 0;
	l->who = c->who;
	l->sent_pos = c->closing ? c->final_sent : position_sent(c, now);
	l->received_pos = final_received(c, now);
	l->sent = l->sent_pos;
	l->received = l->received_pos;
	life_submit(l);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(conn_state, struct sock *sk, int old, int new)
{
	u64 key = (u64)sk;
	struct socket_now now;
	struct conn *c;

	if (!is_tcp(sk))
		return 0;
	socket_read(&now, sk);
	if (new == TCP_ESTABLISHED && (old == TCP_SYN_SENT || old == TCP_SYN_RECV)) {
		conn_add(sk, now.write_seq, sequence(&now, WIRE_RECEIVED),
			 old == TCP_SYN_SENT ? WIRE_ROLE_CLIENT : WIRE_ROLE_SERVER, 0);
		return 0;
	}
	c = bpf_map_lookup_elem(&conns, &key);
	if (!c)
		return 0;
	if ((new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK) && !c->closing) {
		c->final_sent = position_sent(c, &now); /* before the FIN takes its number */
		c->closing = 1;
	}
	if (new == TCP_CLOSE) {
		conn_closed(c, &now);
		bpf_map_delete_elem(&conns, &key);
	}
	return 0;
}
