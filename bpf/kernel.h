/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* kernel.h - the few kernel structs that are used, only the fields that are used;
 * CO-RE relocates them on the running kernel. Checked on 6.1, 6.12, 6.18. */
#ifndef WEIR_KERNEL_H
#define WEIR_KERNEL_H
#include "bpf/wire.h"

typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef signed char __s8;
typedef short __s16;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1 << 10 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_AVAIL_DATA = 0 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27, BPF_MAP_TYPE_TASK_STORAGE = 29,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
struct thread_info { u32 status; };
struct thread_struct { unsigned long fsbase; };
struct fdtable { unsigned int max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };
struct inode { unsigned short i_mode; unsigned long i_ino; };
struct rb_node;
struct rb_root { struct rb_node *rb_node; };
struct rb_root_cached { struct rb_root rb_root; };
struct address_space { struct rb_root_cached i_mmap; };
struct kernfs_node { u64 id; };
struct cgroup_root { int hierarchy_id; };	/* 0: cgroup v2 */
struct cgroup { struct kernfs_node *kn; struct cgroup_root *root; };
struct css_set { struct cgroup *dfl_cgrp; };
struct file { struct inode *f_inode; struct address_space *f_mapping; void *private_data; };
struct mm_struct { unsigned long arg_start, arg_end; struct file *exe_file; };
typedef struct { unsigned int val; } kuid_t;
struct cred { kuid_t euid; };
struct task_struct {
	struct thread_info thread_info;
	struct thread_struct thread;
	int pid, tgid;
	u64 start_boottime;
	struct task_struct *group_leader, *real_parent;
	struct files_struct *files;
	struct css_set *cgroups;
	struct mm_struct *mm;
	const struct cred *cred;
	unsigned int flags;
	void *worker_private, *io_uring;
	struct pipe_inode_info *splice_pipe;
	void *stack;
	unsigned char comm[16];
};
struct in6_addr { union { u8 u6_addr8[16]; } in6_u; };
struct ns_common { unsigned int inum; };
struct net { struct ns_common ns; };
typedef struct { struct net *net; } possible_net_t;
struct sock_common {
	union { struct { __be32 skc_daddr; __be32 skc_rcv_saddr; }; };
	union { struct { __be16 skc_dport; u16 skc_num; }; };
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct proto *skc_prot;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct list_head { struct list_head *next, *prev; };
struct kmem_cache_order_objects { unsigned int x; };
struct kmem_cache_node { struct list_head partial; };
struct kmem_cache { struct kmem_cache_order_objects oo; struct list_head list; struct kmem_cache_node *node[1]; };
struct kmem_cache_per_node_ptrs { struct kmem_cache_node *node; };
struct kmem_cache___new { struct kmem_cache_per_node_ptrs per_node[1]; };	/* 7.x */
struct slab { struct kmem_cache *slab_cache; struct list_head slab_list; void *freelist; };
struct page { unsigned long flags; };
struct proto { struct kmem_cache *slab; };
struct socket;
struct wait_queue_entry { void *private; struct list_head entry; };
struct wait_queue_head { struct list_head head; };
struct socket_wq { struct wait_queue_head wait; };
typedef struct { int owned; } socket_lock_t;
struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	u16 sk_type, sk_protocol;
	u8 sk_userlocks;
	int sk_write_pending, sk_rcvlowat;
	struct socket *sk_socket;
	struct socket_wq *sk_wq;
};
struct mptcp_sock { struct sock *first; };
struct unix_address;
struct unix_sock { struct unix_address *addr; };
struct socket { short type; struct file *file; struct sock *sk; };
struct tcp_ulp_ops { char name[16]; };
struct inet_connection_sock { const struct tcp_ulp_ops *icsk_ulp_ops; void *icsk_ulp_data; };
struct tls_context { u8 tx_conf : 3, rx_conf : 3; };	/* 0: that direction is the program's to encrypt */
struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u32 rcv_nxt, copied_seq, snd_nxt, snd_una, write_seq, urg_seq;
	u64 bytes_received, bytes_acked, bytes_sent, bytes_retrans;
};
struct bpf_subprog_info { bool might_sleep; };
struct bpf_verifier_state { u32 active_irq_id; };
struct linux_binprm { const char *filename, *interp; };
struct bpf_iter_meta { struct seq_file *seq; };
struct vm_area_struct { unsigned long vm_start; struct file *vm_file; };
struct bpf_iter__task_vma { struct bpf_iter_meta *meta; struct task_struct *task; struct vm_area_struct *vma; };
struct bpf_iter__task_file { struct bpf_iter_meta *meta; struct task_struct *task; u32 fd; struct file *file; };
typedef struct { s64 counter; } atomic_long_t;
struct mutex { atomic_long_t owner; };
struct pipe_buffer { struct page *page; unsigned int offset, len; };
struct pipe_inode_info { struct mutex mutex; unsigned int head, tail, ring_size; struct pipe_buffer *bufs; };
struct iov_iter { u8 iter_type; u64 iov_offset, count, nr_segs; const void *__iov, *ubuf; };
struct iov_iter___old { const void *iov; };	/* before 6.4 */
struct msghdr { struct iov_iter msg_iter; };
enum iter_type { ITER_IOVEC, ITER_KVEC, ITER_BVEC, ITER_UBUF };	/* by name: their numbers differ */
struct io_wq_work { int cancel_seq; };
struct io_worker { struct io_wq_work *cur_work; };
struct io_kiocb { struct file *file; u8 opcode; u64 flags; struct io_wq_work work; };
struct io_sr_msg { void *buf; int len; };
struct io_rw { u64 addr; u32 len; };

#pragma clang attribute pop

struct bpf_raw_tracepoint_args { u64 args[0]; };

/* Before 5.13 the state was a plain field of another name; older kernels are refused anyway. */
#define TS_COMPAT 0x0002	/* arch/x86/include/asm/thread_info.h: a 32-bit system call is under way */
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFIFO 0010000
#define PF_IO_WORKER 0x10		/* include/linux/sched.h; a worker of io_uring or its polling thread */
#define PF_KTHREAD 0x200000
#define ENOSYS 38
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_BINDPORT_LOCK 8	/* bit of sk_userlocks: the port was asked for */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_FIN_WAIT2 5
#define TCP_CLOSE 7
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
#define TCP_LISTEN 10
#define SOCK_DONE 1	/* bit of skc_flags: the peer's FIN came, enum sock_flags */
#define MSG_OOB 1
#define MSG_PEEK 2
#define MSG_TRUNC 0x20
#define MSG_WAITALL 0x100
#endif
