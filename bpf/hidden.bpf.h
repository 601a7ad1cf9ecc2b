/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* hidden.bpf.h - calls whose buffer is not in the arguments of the system call that the
 * task is in: requests of io_uring, which run inside io_uring_enter, at the end of any
 * other system call, or on a thread of their own; pages that sendfile and splice move
 * through a pipe. Only these come here; a plain read or write pays nothing for it. */
#ifndef WEIR_HIDDEN_BPF_H
#define WEIR_HIDDEN_BPF_H
#include "bpf/socket.bpf.h"

#define REQ_F_BUFFER_SELECT 0x20	/* the kernel picks the buffer */
#define URING_ENTER 426		/* io_uring_enter, of 64 and 32 bit */
#define SOCKETCALL 102		/* of 32 bit */

/* ---- io_uring ---- */

static __always_inline u64 request_socket(struct io_kiocb *req)
{
	struct socket *so = BPF_CORE_READ(req, file, private_data);

	return (u64)BPF_CORE_READ(so, sk);
}

/* A request is looked at long after it was remembered: is it about this socket and direction? */
static __always_inline bool request_fits(struct io_kiocb *req, const struct call *call)
{
	struct call_kind kind;

	if (!req || request_socket(req) != call->sk)
		return false;
	kind = uring_kind(BPF_CORE_READ(req, opcode));
	return kind.shape != CALL_NONE && kind.dir == call->dir;
}

/* The request that a worker thread of io_uring is at. */
static __always_inline struct io_kiocb *request_of_worker(struct task_struct *t)
{
	struct io_worker *w = (struct io_worker *)BPF_CORE_READ(t, worker_private);
	void *work = w ? BPF_CORE_READ(w, cur_work) : NULL;

	return work ? work - bpf_core_field_offset(struct io_kiocb, work) : NULL;
}

/* The one that waited for the socket. Used once: whoever waits again is told again. */
static __always_inline struct io_kiocb *request_armed(const struct call *call)
{
	u64 key = call->sk;
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	u64 req;

	if (!c)
		return NULL;
	req = c->armed[call->dir & 1];
	c->armed[call->dir & 1] = 0;
	return (struct io_kiocb *)req;
}

static __always_inline void request_args(struct call *call, struct io_kiocb *req, bool fresh)
{
	struct call_kind kind = uring_kind(BPF_CORE_READ(req, opcode));
	struct io_sr_msg *sr = (struct io_sr_msg *)req;
	struct io_rw *rw = (struct io_rw *)req;
	u8 op = BPF_CORE_READ(req, opcode);
	bool file = op < 9 || op == 22 || op == 23;
	u32 len = file ? BPF_CORE_READ(rw, len) : BPF_CORE_READ_BITFIELD_PROBED(sr, len);

	if (BPF_CORE_READ_BITFIELD_PROBED(req, flags) & REQ_F_BUFFER_SELECT)
		return;
	/* A vector may be gone once the request was taken in; a buffer must stay. */
	if (kind.shape == CALL_BUF ? len < call->moved : !fresh)
		return;
	call->arg1 = file ? BPF_CORE_READ(rw, addr) : (u64)BPF_CORE_READ(sr, buf);
	call->arg2 = len;
	call->shape = kind.shape;
}

static __always_inline void uring_args(struct call *call, struct task_struct *t)
{
	struct io_kiocb *req = NULL;
	struct task_state *ts;
	bool fresh = false;

	if (t->flags & PF_IO_WORKER)
		req = request_of_worker(t);
	if (!req) {
		ts = bpf_task_storage_get(&tasks, t, 0, 0);
		req = ts ? (struct io_kiocb *)ts->uring : NULL;
		fresh = request_fits(req, call);
		if (!fresh)
			req = request_armed(call);
	}
	if (request_fits(req, call))
		request_args(call, req, fresh);
}

/* Submitted: it is tried at once, here. Not yet known of what file it is. */
SEC("tp_btf/io_uring_submit_req")
int WHOLE_PROG(uring_submit, struct io_kiocb *req)
{
	struct wire_config *cfg = config_get();
	struct task_state *ts;

	if (!cfg || uring_kind(req->opcode).shape == CALL_NONE || !in_scope(cfg))
		return 0;
	ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (ts)
		ts->uring = (u64)req;
	return 0;
}

static __always_inline void request_left(struct io_kiocb *req)
{
	struct task_state *ts = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);

	if (ts && ts->uring == (u64)req)
		ts->uring = 0;
}

/* Not possible at once: it goes to a worker, or waits until the socket is ready. */
SEC("tp_btf/io_uring_queue_async_work")
int WHOLE_PROG(uring_async, struct io_kiocb *req)
{
	request_left(req);
	return 0;
}

SEC("tp_btf/io_uring_poll_arm")
int WHOLE_PROG(uring_wait, struct io_kiocb *req)
{
	struct call_kind kind = uring_kind(req->opcode);
	struct conn *c;
	u64 key, *slot;

	request_left(req);
	if (kind.shape == CALL_NONE)
		return 0;
	key = request_socket(req);
	c = bpf_map_lookup_elem(&conns, &key);
	if (!c)
		return 0;
	slot = &c->armed[kind.dir & 1];
	/* Two wait for the same: which is served is not to be known. 1 is no request. */
	*slot = *slot && *slot != (u64)req ? 1 : (u64)req;
	return 0;
}

/* ---- pages ---- */

#define SLAB_CACHES 512	/* looked through for one with a slab that has a free object: at times a good many have none */
#define GIB_MASK ((1ull << 30) - 1)

struct search { u64 cache, page, virt; };

/* All of memory is mapped in a row, and so is the array of its pages; both begin at a GiB
 * (arch/x86/mm/kaslr.c), but where is no secret that the kernel tells. A slab is a page whose
 * free object is known by address: from both follows where one page is, and so every other. */
static __always_inline struct kmem_cache_node *cache_node(struct kmem_cache *cache)
{
	struct kmem_cache___new *new = (void *)cache;

	if (bpf_core_field_exists(struct kmem_cache, node))
		return BPF_CORE_READ(cache, node[0]);
	if (bpf_core_field_exists(struct kmem_cache___new, per_node))
		return BPF_CORE_READ(new, per_node[0].node);
	return NULL;
}

static long anchor_look(u64 turn, struct search *s)
{
	struct kmem_cache *cache = (struct kmem_cache *)s->cache;
	struct kmem_cache_node *node = cache_node(cache);
	struct list_head *first = BPF_CORE_READ(node, partial.next);
	struct slab *slab = (void *)first - bpf_core_field_offset(struct slab, slab_list);
	u64 free, off, size = 4096ull << (BPF_CORE_READ(cache, oo.x) >> 16 & 7);

	s->cache = (u64)BPF_CORE_READ(cache, list.next) - bpf_core_field_offset(struct kmem_cache, list);
	free = (u64)BPF_CORE_READ(slab, freelist);
	if (!free || BPF_CORE_READ(slab, slab_cache) != cache)
		return 0;
	/* How far the object is into its slab; too far: it is not what it was taken for. */
	off = (free - (((u64)slab & GIB_MASK) >> 6 << 12)) & GIB_MASK;
	if (off >= size)
		return 0;
	s->page = (u64)slab;
	s->virt = free - off;
	return 1;
}

static __always_inline bool anchor_found(struct sock *sk)
{
	struct search s = {};
	struct anchor *a;
	u32 zero = 0;

	a = bpf_map_lookup_elem(&anchors, &zero);
	if (!a || a->virt)
		return a != NULL;
	if (bpf_core_type_size(struct page) != 64)
		return false;
	s.cache = (u64)BPF_CORE_READ(sk, __sk_common.skc_prot, slab);
	bpf_loop(SLAB_CACHES, anchor_look, &s, 0);
	a->page = s.page;
	a->virt = s.virt;
	return s.virt;
}

static __always_inline struct pipe_inode_info *pipe_of_fd(struct task_struct *t, u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
	struct file **table = BPF_CORE_READ(fdt, fd), *f = NULL;

	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	bpf_probe_read_kernel(&f, sizeof(f), table + fd);
	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFIFO)
		return NULL;
	return BPF_CORE_READ(f, private_data);
}

/* The pipe that bytes go through: of sendfile the task's own, else it stays locked by the task
 * while the socket takes them. They are in it until the socket has taken them. */
static __always_inline void pipe_args(struct call *call, struct task_struct *t)
{
	bool own = call->shape == CALL_SENDFILE;
	struct pipe_inode_info *pipe = own ? BPF_CORE_READ(t, splice_pipe) : pipe_of_fd(t, call->arg1);
	u32 head, tail, size;

	call->shape = CALL_NONE;
	if (!pipe || (!own && (BPF_CORE_READ(pipe, mutex.owner.counter) & ~7ull) != (u64)t) || !anchor_found((struct sock *)call->sk))
		return;
	head = BPF_CORE_READ_BITFIELD_PROBED(pipe, head);
	tail = BPF_CORE_READ_BITFIELD_PROBED(pipe, tail);
	size = BPF_CORE_READ(pipe, ring_size);
	if (!size || size > 0x8000)
		return;
	call->arg1 = (u64)pipe;
	call->arg2 = ((head - tail) & (2 * size - 1)) << 16 | (tail & (size - 1));
	call->shape = CALL_PIPE;
}

/* ---- socketcall ---- */

/* Of 32-bit programs: one system call for all of sockets, include/uapi/linux/net.h. */
static __always_inline void socketcall_args(struct call *call, struct pt_regs *regs)
{
	u32 args[3] = {};

	switch ((u32)regs->bx) {
	case 9: case 11: /* SYS_SEND, SYS_SENDTO */
	case 10: case 12: /* SYS_RECV, SYS_RECVFROM */
		call->shape = CALL_BUF;
		break;
	case 16: case 17: /* SYS_SENDMSG, SYS_RECVMSG */
		call->shape = CALL_MSG;
		break;
	case 19: case 20: /* SYS_RECVMMSG, SYS_SENDMMSG */
		call->shape = CALL_MMSG;
		break;
	}
	if (bpf_probe_read_user(args, sizeof(args), (void *)(u64)(u32)regs->cx))
		call->shape = CALL_NONE;
	call->arg1 = args[1];
	call->arg2 = args[2];
}

/* Not inlined: the verifier walks it once, and the common call does not have its stack. */
__attribute__((noinline)) int hidden_args(struct call *call)
{
	struct task_struct *t = bpf_get_current_task_btf();

	if (!call)
		return 0;
	if (call->shape == CALL_NONE) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(t);

		if (call->reason == WIRE_R_IO_URING || regs->orig_ax == URING_ENTER) {
			call->reason = WIRE_R_IO_URING;
			uring_args(call, t);
		} else {
			call->reason = WIRE_R_OTHER_CALL;
			if (call->compat && regs->orig_ax == SOCKETCALL)
				socketcall_args(call, regs);
		}
	} else {
		call->reason = call->shape == CALL_SENDFILE ? WIRE_R_SENDFILE : WIRE_R_SPLICE;
		pipe_args(call, t);
	}
	return 0;
}
#endif
