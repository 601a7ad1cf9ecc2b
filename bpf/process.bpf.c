// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* process.bpf.c - the life of processes and connections: exec, fork, exit of every
 * process, cgroups that are made, established and closed of every TCP connection. No payload. */
#include "bpf/glob.bpf.h"
#include "bpf/go.bpf.h"

/* Its arguments have just been written, and are where they can be read without a fault. */
static __always_inline void exec_args(struct wire_exec *e, struct mm_struct *mm)
{
	u64 from = BPF_CORE_READ(mm, arg_start), n = BPF_CORE_READ(mm, arg_end) - from;

	asm volatile("if %0 <= %1 goto +1\n%0 = %1" : "+r"(n) : "i"(WIRE_ARGS));
	e->len = bpf_probe_read_user(e->args, n, (void *)from) ? 0 : n;
}

SEC("tp_btf/sched_process_exec")
int WHOLE_PROG(process_exec, struct task_struct *t, int old_pid, struct linux_binprm *bprm)
{
	struct wire_config *cfg = config_get();
	struct wire_exec *e;

	go_forget(bpf_get_current_pid_tgid() >> 32);
	sessions_forget(bpf_get_current_pid_tgid() >> 32);
	if (cfg && cfg->filter & WIRE_FILTER_EXE)
		for (u32 i = 0; i < WIRE_GLOBS; i++)
			exec_scope((u64)BPF_CORE_READ(bprm, filename), i);
	e = bpf_ringbuf_reserve(&life_ring, sizeof(*e), 0);
	if (!e) {
		life_count(WIRE_C_LIFE_RING_FULL);
		return 0;
	}
	life_begin(&e->life);
	__builtin_memset(e->program, 0, sizeof(e->program));
	e->life.kind = WIRE_EXEC;
	who_task(&e->life.who, t);
	e->life.uid = BPF_CORE_READ(t, cred, euid.val);
	bpf_probe_read_kernel_str(e->life.path, sizeof(e->life.path), BPF_CORE_READ(bprm, filename));
	bpf_probe_read_kernel_str(e->program, sizeof(e->program), BPF_CORE_READ(bprm, interp));
	e->inode = BPF_CORE_READ(t, mm, exe_file, f_inode, i_ino);
	exec_args(e, BPF_CORE_READ(t, mm));
	life_submit(&e->life);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int WHOLE_PROG(cgroup_made, struct cgroup *cgroup, const char *path)
{
	struct wire_cgroup *c;

	if (BPF_CORE_READ(cgroup, root, hierarchy_id))
		return 0;
	c = bpf_ringbuf_reserve(&life_ring, sizeof(*c), 0);
	if (!c) {
		life_count(WIRE_C_LIFE_RING_FULL);
		return 0;
	}
	life_begin(&c->life);
	c->life.kind = WIRE_CGROUP;
	c->life.who.cgroup = BPF_CORE_READ(cgroup, kn, id);
	if (bpf_probe_read_kernel_str(c->path, sizeof(c->path), path) < 0)
		c->path[0] = 0;
	life_submit(&c->life);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int WHOLE_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 tgid = BPF_CORE_READ(child, tgid), of = bpf_get_current_pid_tgid() >> 32;
	struct wire_life *l;
	u8 *scoped;

	if (BPF_CORE_READ(child, pid) != tgid)
		return 0; /* a thread */
	/* At once and here: a worker speaks before the monitor has heard of it. */
	scoped = bpf_map_lookup_elem(&scope, &of);
	if (scoped && *scoped != WIRE_TASK_OWN) {
		u8 watched = *scoped;

		bpf_map_update_elem(&scope, &tgid, &watched, BPF_NOEXIST);
	}
	l = life_reserve();
	if (!l)
		return 0;
	l->kind = WIRE_FORK;
	l->parent = of;
	who_task(&l->who, parent);
	l->who.tgid = l->who.tid = tgid;
	l->who.start = BPF_CORE_READ(child, start_boottime);
	l->uid = BPF_CORE_READ(child, cred, euid.val);
	life_submit(l);
	return 0;
}

/* It ends in the middle of a TLS write that has sent something. */
static __always_inline void task_cut(struct task_struct *t, u32 tgid)
{
	struct task_state *ts = bpf_task_storage_get(&tasks, t, 0, 0);
	struct session_key key = { .tgid = tgid };
	struct session *s;

	if (!ts || !ts->tls.depth || !ts->tls.object || !ts->tls.sent)
		return;
	key.object = ts->tls.object;
	s = bpf_map_lookup_elem(&sessions, &key);
	if (s)
		s->cut = 1;
}

SEC("tp_btf/sched_process_exit")
int WHOLE_PROG(process_exit, struct task_struct *t)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = id >> 32;
	struct wire_life *l;

	task_cut(t, tgid);
	if ((u32)id != tgid)
		return 0; /* a thread; the leader's exit stands for the group */
	bpf_map_delete_elem(&scope, &tgid);
	go_forget(tgid);
	sessions_forget(tgid);
	l = life_reserve();
	if (!l)
		return 0;
	l->kind = WIRE_EXIT;
	who_task(&l->who, t);
	life_submit(l);
	return 0;
}

/* The final positions, before a FIN of ours or a new use of the socket changes the numbers;
 * beside them what the kernel's own counters say. */
static __always_inline void conn_final(struct conn *c, struct sock *sk, const struct socket_now *now, bool all)
{
	u64 total[2];

	socket_totals(total, sk, now);
	if (!c->closing) {
		c->final_sent = position(c, now, WIRE_SENT);
		c->total[WIRE_SENT] = total[WIRE_SENT] - c->base[WIRE_SENT];
	}
	c->closing = 1;
	if (all && !c->closed) {
		c->final_received = position(c, now, WIRE_RECEIVED);
		c->total[WIRE_RECEIVED] = total[WIRE_RECEIVED] - c->base[WIRE_RECEIVED];
		c->closed = 1;
	}
}

/* Tells of the end, once nobody can read or write any more. */
__attribute__((noinline)) int conn_told(struct conn *c, const u64 *sk)
{
	struct wire_config *cfg = config_get();
	struct session_key key = {};
	struct wire_life *l;
	struct session *s;
	u64 conn;

	if (!c)
		return 0;
	key.object = c->session;
	key.tgid = c->session_tgid;
	s = c->session ? bpf_map_lookup_elem(&sessions, &key) : NULL;
	if (s && s->conn == c->who.conn) {
		session_leaves(s, c);
		session_drop(s, &key);
	}
	conn = c->who.conn;
	if (cfg && cfg->flags & WIRE_CONFIG_UNWANTED)
		bpf_map_delete_elem(&unwanted, &conn);
	if (!c->who.tgid)
		return 0; /* nobody in scope ever used it */
	l = life_reserve();
	if (!l)
		return 0;
	l->kind = WIRE_CLOSE;
	l->flags = c->late ? WIRE_F_LATE : 0;
	l->who = c->who;
	/* A call that was in the middle when the reset came has moved the position since. */
	l->sent_pos = c->final_sent > c->pos[WIRE_SENT] ? c->final_sent : c->pos[WIRE_SENT];
	l->received_pos = c->final_received > c->pos[WIRE_RECEIVED] ? c->final_received : c->pos[WIRE_RECEIVED];
	l->sent = c->total[WIRE_SENT] > l->sent_pos ? c->total[WIRE_SENT] : l->sent_pos;
	l->received = c->total[WIRE_RECEIVED] > l->received_pos ? c->total[WIRE_RECEIVED] : l->received_pos;
	l->before[WIRE_SENT] = l->sent > c->pos[WIRE_SENT] ? jump_reason(sk, WIRE_SENT, c->seq[WIRE_SENT]) :
								 c->dropped[WIRE_SENT];
	l->before[WIRE_RECEIVED] = l->received > c->pos[WIRE_RECEIVED] ? jump_reason(sk, WIRE_RECEIVED,
												c->seq[WIRE_RECEIVED]) :
									 c->dropped[WIRE_RECEIVED];
	l->plain[0] = c->plain[0];
	l->plain[1] = c->plain[1];
	l->plain_before[0] = c->plain_before[0];
	l->plain_before[1] = c->plain_before[1];
	l->plain_known = c->plain_known;
	life_submit(l);
	return 0;
}

/* Position 0 is the first byte: of a client it may have gone with the SYN, and have been
 * handed over by now. */
static __always_inline void conn_established(struct sock *sk, struct socket_now *now, struct conn *c, bool client)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	if (!c || !c->early) {
		if (client)
			now->next[WIRE_SENT] = BPF_CORE_READ(tp, snd_una) - BPF_CORE_READ(tp, bytes_acked) + 1;
		c = conn_add(sk, now->next, client ? WIRE_ROLE_CLIENT : WIRE_ROLE_SERVER, 0);
		socket_read(now, sk);
	} else {
		conn_addresses(&c->who, sk);
		if (client) /* only now has it a number to begin with */
			c->seq[WIRE_RECEIVED] = now->next[WIRE_RECEIVED];
	}
	if (!c)
		return;
	c->early = 0;
	conn_base(c, sk, now);
}

SEC("tp_btf/inet_sock_set_state")
int WHOLE_PROG(conn_state, struct sock *sk, int old, int new)
{
	u64 key = (u64)sk;
	struct socket_now now;
	struct conn *c;

	if (!is_tcp(sk))
		return 0;
	socket_read(&now, sk);
	c = bpf_map_lookup_elem(&conns, &key);
	if (new == TCP_ESTABLISHED && (old == TCP_SYN_SENT || old == TCP_SYN_RECV)) {
		if (c && c->closed)
			conn_told(c, &key); /* a socket that was disconnected and is connected again */
		conn_established(sk, &now, c, old == TCP_SYN_SENT);
		return 0;
	}
	if (c && (new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK || new == TCP_CLOSE))
		conn_final(c, sk, &now, new == TCP_CLOSE);
	return 0;
}

/* Not at CLOSE: a reset can come in the middle of a call that moves bytes, and a socket
 * that is closed but held by a process still gives what came before. */
SEC("tp_btf/tcp_destroy_sock")
int WHOLE_PROG(conn_gone, struct sock *sk)
{
	u64 key = (u64)sk;
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	struct socket_now now;

	if (!c)
		return 0;
	socket_read(&now, sk);
	conn_final(c, sk, &now, true);
	conn_told(c, &key);
	bpf_map_delete_elem(&conns, &key);
	return 0;
}
