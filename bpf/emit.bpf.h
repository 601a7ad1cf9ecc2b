/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* emit.bpf.h - reserve -> fill -> submit, and one counter for each way to fail.
 * Never wakes the reader: it drains on a timer (a wake-up per event was measured
 * to cost four times the copy). */
#ifndef WEIR_EMIT_BPF_H
#define WEIR_EMIT_BPF_H
#include "bpf/maps.bpf.h"

/* A program that is preempted makes the kernel skip every other run of it on that CPU until it goes
 * on. Tracepoints were not preemptible for long; now they are, and a program has to see to it: WHOLE_PROG
 * is BPF_PROG without preemption. To allow it again is to be preempted, if that is due: still in the
 * program, as if nothing had been done. Not while interrupts are off; then it is the next who allows it.
 * What is left is the few instructions before and after, and a run that is
 * skipped for them is counted by the kernel. The functions are of Linux 6.10 and 6.14, and since 6.15, when the
 * verifier learnt which functions may sleep, others that are not inlined may be called in between. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;
extern void bpf_local_irq_save(unsigned long *flags) __ksym __weak;
extern void bpf_local_irq_restore(unsigned long *flags) __ksym __weak;
#define MAY_STOP_PREEMPTION (bpf_core_field_exists(struct bpf_subprog_info, might_sleep) && \
			     bpf_core_field_exists(struct bpf_verifier_state, active_irq_id))
#define WHOLE(call)								\
({										\
	unsigned long irq;							\
	int r;									\
										\
	if (MAY_STOP_PREEMPTION)						\
		bpf_preempt_disable();						\
	r = call;								\
	if (MAY_STOP_PREEMPTION) {						\
		bpf_local_irq_save(&irq);					\
		bpf_preempt_enable();						\
		bpf_local_irq_restore(&irq);					\
	}									\
	r;									\
})
#define WHOLE_PROG(name, args...)						\
name(unsigned long long *ctx);							\
static __always_inline int ____##name(unsigned long long *ctx, ##args);		\
int name(unsigned long long *ctx)						\
{										\
	int whole;								\
										\
	_Pragma("GCC diagnostic push")						\
	_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")			\
	whole = WHOLE(____##name(___bpf_ctx_cast(args)));			\
	_Pragma("GCC diagnostic pop")						\
	return whole;								\
}										\
static __always_inline int ____##name(unsigned long long *ctx, ##args)

/* At a uprobe nothing is skipped, and worse may happen: since 6.13 a program of its type has a stack for each CPU
 * (verifier.c, bpf_enable_priv_stack), on the ground that none of it runs in another's midst. At uprobes they do, where
 * the kernel preempts: a program went on with what the same one had left there for another process. */
#define WHOLE_UPROBE(name)							\
name(struct pt_regs *regs);							\
static __always_inline int ____##name(struct pt_regs *regs);			\
int name(struct pt_regs *regs)							\
{										\
	return WHOLE(____##name(regs));						\
}										\
static __always_inline int ____##name(struct pt_regs *regs)

static __always_inline void count(u32 epoch, u32 counter, u64 n)
{
	u32 slot = bpf_get_smp_processor_id() * WIRE_SLOTS + (epoch & (WIRE_EPOCHS - 1)) * WIRE_C_MAX + counter;
	u64 *v = bpf_map_lookup_elem(&counters, &slot);

	if (v)
		__sync_fetch_and_add(v, n);
}

static __always_inline struct wire_config *config_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&config, &zero);
}

/* A call on its way into records: head is the next record's. */
struct piece {
	struct wire_data head;
	struct segments from;	/* head.len bytes lie at from.base */
	u32 left;	/* bytes of the call not told yet that may be copied */
	u32 beyond;	/* bytes past the per-call limit */
	/* The walk over TLS record headers; here and not apart, for the stack of 6.1. */
	u32 body_left;
	u8 have;
	u8 other : 1, stray : 1;	/* a record that is no handshake began; the walk has lost its place */
	u8 unknown : 1;			/* where the bytes of the call lie, nobody knows */
	u16 nr;
	u8 header[8];
};

/* Copies head.len bytes of user memory into a record of its size class. The length
 * is clamped in one place by asm: a plain C clamp is folded away by clang 14 and
 * the verifier then refuses the copy. */
#define EMIT_CLASS(p, size)							\
	do {									\
		struct { struct wire_data head; u8 bytes[size]; } *r;		\
		u64 n = (p)->head.len;						\
										\
		r = bpf_ringbuf_reserve(&data_ring, sizeof(*r), 0);		\
		if (!r) {							\
			count((p)->head.epoch, WIRE_C_RING_FULL, 1);		\
			count((p)->head.epoch, WIRE_C_BYTES_RING_FULL, n);	\
			(p)->head.before = WIRE_R_RING_FULL;			\
			return 1;						\
		}								\
		__builtin_memcpy(&r->head, &(p)->head, sizeof(r->head));	\
		asm volatile("if %0 <= %1 goto +1\n%0 = %1" : "+r"(n) : "i"(size)); \
		if (n && ((p)->from.kind >= SEGMENT_PIPE ? bpf_probe_read_kernel(r->bytes, n, (void *)(p)->from.base) : \
						bpf_probe_read_user(r->bytes, n, (void *)(p)->from.base))) { \
			r->head.flags |= WIRE_F_UNREADABLE;			\
			r->head.reason = WIRE_R_READ_FAULT;			\
			r->head.skipped += n;					\
			r->head.len = 0;					\
			count((p)->head.epoch, WIRE_C_PRODUCED, 1);		\
			count((p)->head.epoch, WIRE_C_UNREADABLE, 1);		\
			count((p)->head.epoch, WIRE_C_BYTES_UNREADABLE, n);	\
		}								\
		(p)->head.before = WIRE_R_NONE;					\
		count((p)->head.epoch, WIRE_C_SUBMITTED, 1);			\
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);			\
	} while (0)

/* A function of its own, not inlined, so that the verifier walks it once. */
__attribute__((noinline)) int piece_emit(struct piece *p)
{
	if (!p)
		return 1;
	count(p->head.epoch, WIRE_C_PRODUCED, 1);
	if (p->head.len <= WIRE_SMALL)
		EMIT_CLASS(p, WIRE_SMALL);
	else if (p->head.len <= WIRE_MEDIUM)
		EMIT_CLASS(p, WIRE_MEDIUM);
	else
		EMIT_CLASS(p, WIRE_LARGE);
	return 0;
}

/* Where the kernel sees a page: all of memory lies there in a row (and not where it takes a
 * page out, as for memfd_secret: then reading fails). */
static __always_inline u64 page_address(u64 page)
{
	u32 zero = 0;
	struct anchor *a = bpf_map_lookup_elem(&anchors, &zero);

	return a && a->virt ? a->virt + ((s64)(page - a->page) >> 6 << 12) : 0;
}

/* The next buffer of a pipe; not inlined, off the way of all others. */
__attribute__((noinline)) int pipe_next(struct segments *s)
{
	struct pipe_inode_info *pipe;
	struct pipe_buffer *b;
	u32 size, offset;

	if (!s)
		return 0;
	pipe = (struct pipe_inode_info *)s->vec;
	size = BPF_CORE_READ(pipe, ring_size);
	b = (void *)BPF_CORE_READ(pipe, bufs) + (s->at & (size - 1)) * bpf_core_type_size(struct pipe_buffer);
	offset = BPF_CORE_READ(b, offset);
	s->base = page_address((u64)BPF_CORE_READ(b, page)) + offset;
	s->len = BPF_CORE_READ(b, len);
	s->at++;
	s->nr--;
	return 1;
}

/* The next of a vector of pages; not inlined, likewise. */
__attribute__((noinline)) int pages_next(struct segments *s)
{
	u64 v[2] = {};	/* struct bio_vec: page, and length and offset of 32 bits */

	if (!s || !s->nr || bpf_probe_read_kernel(v, sizeof(v), (void *)s->vec))
		return 0;
	s->base = page_address(v[0]) + (v[1] >> 32);
	s->len = (u32)v[1];
	s->vec += sizeof(v);
	s->nr--;
	return 1;
}

/* The next of a vector. */
static __always_inline bool vector_next(struct segments *s)
{
	if (!s->nr)
		return false;
	if (s->kind == SEGMENT_32) {
		u32 v[2] = {};

		if (bpf_probe_read_user(v, sizeof(v), (void *)s->vec))
			return false;
		s->base = v[0];
		s->len = v[1];
		s->vec += sizeof(v);
	} else {
		u64 v[2] = {};

		if (s->kind >= SEGMENT_ITER ? bpf_probe_read_kernel(v, sizeof(v), (void *)s->vec) :
					      bpf_probe_read_user(v, sizeof(v), (void *)s->vec))
			return false;
		s->base = v[0];
		s->len = v[1];
		s->vec += sizeof(v);
	}
	s->nr--;
	return true;
}

static __always_inline bool segments_next(struct segments *s)
{
	if (s->kind == SEGMENT_PIPE)
		return s->nr && pipe_next(s);
	return s->kind == SEGMENT_PAGES ? pages_next(s) : vector_next(s);
}

/* Emits the next piece of the current segment, or moves on to the next segment.
 * Returns 1 when there is nothing more. Called by bpf_loop, so that the verifier walks it
 * once and not turn by turn: the time of that is time of weir's start. */
static long piece_next(u64 turn, struct piece **piece)
{
	struct piece *p = *piece;
	u64 n;

	if (!p->left)
		return 1;
	if (!p->from.len)
		return !segments_next(&p->from);
	n = p->from.len < p->left ? p->from.len : p->left;
	if (n > WIRE_LARGE)
		n = WIRE_LARGE;
	p->head.len = n;
	p->left -= n;
	if (!p->left && !p->beyond)
		p->head.flags |= WIRE_F_LAST;
	piece_emit(p);
	p->head.pos += n;
	p->from.base += n;
	p->from.len -= n;
	return 0;
}

/* Tells of n bytes at head.pos that moved and are in no record. */
__attribute__((noinline)) int tell_skipped(struct piece *p, u32 n, u32 flag, u32 reason)
{
	if (!p)
		return 0;
	p->head.len = 0;
	p->head.skipped = n;
	p->head.reason = reason;
	p->head.flags |= flag | WIRE_F_LAST;
	return piece_emit(p);
}

/* All of a call's bytes, from p->from, up to the limit; then what was beyond it. */
__attribute__((noinline)) int tell_call(struct piece *p, u32 moved, u32 limit)
{
	u32 rest;

	if (!p)
		return 0;
	p->left = moved < limit ? moved : limit;
	p->beyond = moved - p->left;
	bpf_loop(2 * (WIRE_MAX_PARTS + WIRE_MAX_SEGMENTS), piece_next, &p, 0);
	rest = p->left + p->beyond;
	if (!rest)
		return 0;
	count(p->head.epoch, WIRE_C_PRODUCED, 1);
	count(p->head.epoch, WIRE_C_TOO_BIG, 1);
	count(p->head.epoch, WIRE_C_BYTES_TOO_BIG, rest);
	return tell_skipped(p, rest, WIRE_F_TRUNCATED, WIRE_R_TRUNCATED);
}

static __always_inline void life_count(enum wire_counter which)
{
	struct wire_config *cfg = config_get();

	if (cfg)
		count(cfg->epoch, which, 1);
}

static __always_inline void life_begin(struct wire_life *l)
{
	__builtin_memset(l, 0, sizeof(*l));
	l->time = bpf_ktime_get_boot_ns();
	life_count(WIRE_C_LIFE_SUBMITTED);
}

static __always_inline struct wire_life *life_reserve(void)
{
	struct wire_life *l = bpf_ringbuf_reserve(&life_ring, sizeof(*l), 0);

	if (!l) {
		life_count(WIRE_C_LIFE_RING_FULL);
		return NULL;
	}
	life_begin(l);
	return l;
}

static __always_inline void life_submit(struct wire_life *l)
{
	bpf_ringbuf_submit(l, BPF_RB_NO_WAKEUP);
}
#endif
