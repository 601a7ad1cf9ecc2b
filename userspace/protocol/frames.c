/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/frames.h"

void frames_init(struct frames *f, const struct frames_ops *ops, void *owner, struct session *session, size_t held)
{
	f->ops = ops;
	f->owner = owner;
	f->session = session;
	for (int d = 0; d < 2; d++)
		buf_init(&f->sides[d].held, held);
}

void frames_skip(struct frames *f, enum dir dir, uint64_t nr)
{
	uint64_t *skip = &f->sides[dir].skip;

	*skip = nr > FRAMES_ALL - *skip ? FRAMES_ALL : *skip + nr;
}

static void ended(struct frames *f, enum dir dir, struct stamp at)
{
	struct frames_side *side = &f->sides[dir];

	f->ops->end(f->owner, dir, at);
	buf_free(&side->held);
	side->phase = FRAMES_HEAD;
	side->skip = side->left = 0;
	side->cut = side->after_gap = false;
}

static struct slice skipped(struct frames_side *side, struct slice in)
{
	size_t n = side->skip < in.len ? (size_t)side->skip : in.len;

	side->skip -= side->skip == FRAMES_ALL ? 0 : n;
	return slice_of(in.ptr + n, in.len - n);
}

/* As many steps as there are; returns what is left behind them. */
static struct slice steps(struct frames *f, enum dir dir, struct slice in, enum frames_more more, struct stamp at)
{
	size_t before = in.len + 1;

	while (in.len && in.len < before) {
		size_t used = 0;

		before = in.len;
		in = skipped(&f->sides[dir], in);
		if (in.len)
			used = f->ops->walk(f->owner, dir, in, more, at);
		used = used < in.len ? used : in.len;
		in = slice_of(in.ptr + used, in.len - used);
	}
	return more == FRAMES_MORE ? in : slice_of(in.ptr, 0);
}

/* What is held is all that is seen of its step. */
static void stop(struct frames *f, enum dir dir, struct stamp at)
{
	struct frames_side *side = &f->sides[dir];

	side->cut = true;
	if (side->held.len)
		steps(f, dir, slice_of(side->held.ptr, side->held.len), FRAMES_STOP, at);
	buf_free(&side->held);
}

/* Bytes of a body. Held are those of a step that is not whole. */
static void take(struct frames *f, enum dir dir, struct slice in, bool last, struct stamp at)
{
	struct frames_side *side = &f->sides[dir];

	for (;;) {
		size_t n;
		struct slice rest;

		in = skipped(side, in);
		if (!side->held.len)
			in = steps(f, dir, in, last ? FRAMES_END : FRAMES_MORE, at);
		if (!in.len)
			return;
		n = side->held.max - side->held.len;
		n = n < in.len ? n : in.len;
		if (!n || buf_add(&side->held, in.ptr, n)) {
			if (!side->held.len)	/* no memory */
				in = steps(f, dir, in, FRAMES_STOP, at);
			stop(f, dir, at);
			continue;
		}
		in = slice_of(in.ptr + n, in.len - n);
		rest = steps(f, dir, slice_of(side->held.ptr, side->held.len), last && !in.len ? FRAMES_END : FRAMES_MORE, at);
		buf_consume(&side->held, side->held.len - rest.len);
	}
}

static struct feed_result feed_head(struct frames *f, enum dir dir, struct slice in, struct stamp at)
{
	struct frames_side *side = &f->sides[dir];
	uint64_t total = 0;
	size_t head = 0;
	int begins = f->ops->begins(f->owner, dir, in, false, &head, &total);

	if (begins < 0)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (!begins) {
		side->phase = FRAMES_RESYNC;
		side->after_gap = true;
		return (struct feed_result){ FEED_OK, 1, 1 };
	}
	session_count(f->session, FATE_EXAMINED, head);
	side->phase = FRAMES_BODY;
	side->left = total - head;
	f->ops->begin(f->owner, dir, slice_of(in.ptr, head), total, at);
	if (!side->left)
		ended(f, dir, at);
	return (struct feed_result){ FEED_OK, head, 0 };
}

static struct feed_result feed_body(struct frames *f, enum dir dir, struct slice in, struct stamp at)
{
	struct frames_side *side = &f->sides[dir];
	size_t n = in.len < side->left ? in.len : (size_t)side->left;

	session_count(f->session, FATE_EXAMINED, n);
	side->left -= n;
	take(f, dir, slice_of(in.ptr, n), !side->left, at);
	if (!side->left)
		ended(f, dir, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed_resync(struct frames *f, enum dir dir, struct slice in, struct stamp at)
{
	for (size_t i = 0; i < in.len; i++) {
		uint64_t total;
		size_t head;
		int begins = f->ops->begins(f->owner, dir, slice_of(in.ptr + i, in.len - i), true, &head, &total);

		if (!begins)
			continue;
		if (begins < 0)
			return (struct feed_result){ FEED_MORE, i, i };
		f->sides[dir].phase = FRAMES_HEAD;
		/* Found where it stands: a step that consumes nothing would end the feed. */
		return i ? (struct feed_result){ FEED_OK, i, i } : feed_head(f, dir, in, at);
	}
	return (struct feed_result){ FEED_OK, in.len, in.len };
}

struct feed_result frames_feed(struct frames *f, enum dir dir, struct slice in, struct stamp at)
{
	switch (f->sides[dir].phase) {
	case FRAMES_HEAD: return feed_head(f, dir, in, at);
	case FRAMES_BODY: return feed_body(f, dir, in, at);
	case FRAMES_RESYNC: return feed_resync(f, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

void frames_gap(struct frames *f, enum dir dir, uint64_t lost, struct stamp at)
{
	struct frames_side *side = &f->sides[dir];
	bool beyond = side->phase != FRAMES_BODY || lost > side->left;

	if (!lost && side->phase == FRAMES_HEAD) {	/* what stands there tells whether a message begins */
		side->after_gap = true;
		return;
	}
	if (side->phase == FRAMES_BODY) {
		stop(f, dir, at);
		if (!beyond) {
			side->left -= lost;
			if (side->skip < lost)
				side->skip = f->ops->hole(f->owner, dir, lost - side->skip);
			else
				side->skip -= side->skip == FRAMES_ALL ? 0 : lost;
		}
		if (beyond || !side->left)
			ended(f, dir, at);
	}
	if (beyond) {
		side->phase = FRAMES_RESYNC;
		side->after_gap = true;
	}
}

void frames_eof(struct frames *f, struct stamp at)
{
	for (int d = 0; d < 2; d++)
		if (f->sides[d].phase == FRAMES_BODY) {
			stop(f, (enum dir)d, at);
			ended(f, (enum dir)d, at);
		}
}

void frames_free(struct frames *f)
{
	buf_free(&f->sides[0].held);
	buf_free(&f->sides[1].held);
}
