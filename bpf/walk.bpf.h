/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* walk.bpf.h - the walk over the TLS records of a connection, call by call, and what is told of it:
 * the headers, of which user space makes the account. */
#ifndef WEIR_WALK_BPF_H
#define WEIR_WALK_BPF_H
#include "bpf/conn.bpf.h"

/* A record's header, RFC 8446 5.1: what is none shows that the walk has lost its place. */
static __always_inline bool header_fits(const u8 *h, u32 body)
{
	return h[0] >= 20 && h[0] <= 24 && h[1] == 3 && h[2] <= 4 && body <= 16384 + 2048;
}

/* One step of the walk over the TLS records that pass in a call: to the next segment,
 * over a record's body, or one byte into a header. Headers and bodies are cut by calls at
 * will, so the place is kept in the connection between calls. Returns 0, 1 when a header
 * is whole, 2 at the end, 3 when the place is lost: from the next call on, most of which begin
 * with a record, it is looked for. Not inlined: what it left in the struct is then unknown to
 * the verifier, and turns look alike. */
__attribute__((noinline)) int walk_step(struct piece *p)
{
	struct segments *s;
	u64 n;

	if (!p || !p->left)
		return 2;
	s = &p->from;
	if (!s->len)
		return vector_next(s) ? 0 : 2;	/* never of a pipe: tell_cipher */
	n = s->len < p->left ? s->len : p->left;
	if (p->body_left) {
		if (n > p->body_left)
			n = p->body_left;
		p->body_left -= n;
	} else if (!p->have && n >= 5) {
		n = 5;
		if (bpf_probe_read_user(p->header, 5, (void *)s->base))
			return 2;
		p->have = 5;
	} else {
		n = 1;
		if (bpf_probe_read_user(&p->header[p->have & 7], 1, (void *)s->base))
			return 2;
		p->have++;
	}
	s->base += n;
	s->len -= n;
	p->left -= n;
	if (p->have < 5)
		return 0;
	p->have = 0;
	p->body_left = p->header[3] << 8 | p->header[4];
	if (!header_fits(p->header, p->body_left)) {
		p->body_left = 0;
		p->stray = 1;
		return 3;
	}
	p->nr++;
	return 1;
}

#define CIPHER_PARTS 32		/* records of ours about the TLS records of one call */
#define WALK_TURNS 4096	/* steps over records that are told of in no record of ours */

struct walk { struct piece *piece; struct wire_header *header; };	/* header: of the record, WIRE_HEADERS */

static long walk_next(u64 turn, struct walk *w)
{
	struct piece *p = w->piece;
	struct wire_header *h;
	int step;

	if (p->nr >= WIRE_HEADERS)
		return 1;
	step = walk_step(p);
	if (step == 1) {
		h = &w->header[(p->nr - 1) & (WIRE_HEADERS - 1)];
		h->type = p->header[0];
		h->major = p->header[1];
		h->minor = p->header[2];
		h->pad = 0;
		h->body = p->body_left;
		p->other |= h->type != HANDSHAKE;
	}
	return step >= 2;
}

/* The same where there is no room to tell of what is found: only to keep the place. */
static long walk_only(u64 turn, struct walk *w)
{
	struct piece *p = w->piece;
	int step = walk_step(p);

	p->other |= step == 1 && p->header[0] != HANDSHAKE;
	return step >= 2;
}

/* Keeps the place for the next call, after the rest of this one. */
static __always_inline void walk_keep(struct walk *w, struct conn *c)
{
	struct piece *p = w->piece;
	u32 d = p->head.dir & 1;

	if (p->left && !p->stray)
		bpf_loop(WALK_TURNS, walk_only, w, 0);
	if (p->left)	/* unreadable, or too much of it: as far as the open body goes it is known */
		p->body_left = p->body_left > p->left ? p->body_left - p->left : 0;
	if (p->left || p->stray)
		p->have = 0;
	if (p->other)
		c->hello_left[d] = 0; /* what follows is encrypted */
	c->body_left[d] = p->body_left;
	c->header_have[d] = p->have;
	c->records[d] += p->nr;
	__builtin_memcpy(c->header[d], p->header, sizeof(p->header));
}

/* Copies the headers of the TLS records that begin in the next bytes of this call, up to a record full of
 * them, which stands for a call of its own. Returns how many bytes are left. Not inlined, as it is called in a loop. */
__attribute__((noinline)) u32 tell_headers(struct piece *p, struct conn *c, u32 moved, u32 last)
{
	struct { struct wire_data head; struct wire_header header[WIRE_HEADERS]; } *r;
	struct walk walk = { .piece = p };	/* one: stack is short on 6.1 */
	u32 d, rest = 0;

	if (!p || !c)
		return 0;
	d = p->head.dir & 1;
	count(p->head.epoch, WIRE_C_PRODUCED, 1);
	p->left = moved;
	p->nr = 0;
	p->body_left = c->body_left[d];
	p->have = c->header_have[d];
	__builtin_memcpy(p->header, c->header[d], sizeof(p->header));
	r = bpf_ringbuf_reserve(&data_ring, sizeof(*r), 0);
	if (!r) {
		count(p->head.epoch, WIRE_C_RING_FULL, 1);
		count(p->head.epoch, WIRE_C_BYTES_RING_FULL, moved);
		p->head.before = WIRE_R_RING_FULL;
		walk_keep(&walk, c);
		return 0;
	}
	walk.header = r->header;
	bpf_loop(7 * WIRE_HEADERS, walk_next, &walk, 0);
	if (p->nr >= WIRE_HEADERS && !p->stray && !last) {
		rest = p->left;
		p->left = 0;
	}
	p->head.call = moved - rest;
	__builtin_memcpy(&r->head, &p->head, sizeof(r->head));
	r->head.len = (p->nr & (2 * WIRE_HEADERS - 1)) * sizeof(struct wire_header);
	r->head.flags |= WIRE_F_LAST;
	if (p->left) { /* more records than are told of, or none that are known */
		r->head.skipped = p->left;
		r->head.reason = p->stray ? WIRE_R_NONE : WIRE_R_TRUNCATED;
		r->head.flags |= p->stray ? 0 : WIRE_F_TRUNCATED;
	}
	p->head.before = WIRE_R_NONE;
	p->head.pos += moved - rest;
	count(p->head.epoch, WIRE_C_SUBMITTED, 1);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	walk_keep(&walk, c);
	return rest;
}

/* Bytes have moved that no hook has told of: the place is known only as far as the open body goes. */
static __always_inline void walk_jump(struct conn *c, u32 d, u32 jump)
{
	c->body_left[d] = c->body_left[d] > jump ? c->body_left[d] - jump : 0;
	c->header_have[d] = 0;
}
#endif
