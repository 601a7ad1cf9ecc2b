/* SPDX-License-Identifier: Apache-2.0 */
/* mysql_compress.c - the compressed protocol: frames with a length, a sequence and the length of
 * what is in them, which are packets or parts of them, by zlib or by zstd, each frame a stream of its own. */
#include <string.h>

#include "protocol/content.h"
#include "protocol/content/media.h"
#include "protocol/inflate.h"
#include "protocol/mysql.h"

#define FRAME_HEAD	7
#define ZSTD_MAGIC	"\x28\xb5\x2f\xfd"

static uint32_t length_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

/* Packets that are whole go on; what is left waits for the next bytes. */
static void inner_bytes(struct my_state *s, enum dir dir, struct slice in, struct stamp at)
{
	struct buf *b = &s->frames[dir].inner;

	while (in.len) {
		size_t room = b->max - b->len, n = in.len < room ? in.len : room, used = 0;

		if (!n || buf_add(b, in.ptr, n)) {	/* no memory */
			buf_free(b);
			my_gap(s, dir, 1, false, at);
			return;
		}
		in = slice_of(in.ptr + n, in.len - n);
		while (used < b->len) {
			struct feed_result r = my_packets(s, dir, slice_of(b->ptr + used, b->len - used), at);

			used += r.consumed;
			if (r.status != FEED_OK || !r.consumed)
				break;
		}
		buf_consume(b, used);
	}
	if (!b->len)
		buf_free(b);
}

static void inner_gap(struct my_state *s, enum dir dir, uint64_t lost, bool known, struct stamp at)
{
	buf_free(&s->frames[dir].inner);
	my_gap(s, dir, lost, known, at);
}

/* By zlib or zstd, whichever it begins as; block by block, no further than it says and not beyond what bytes may cost. */
static void inflate_frame(struct my_state *s, enum dir dir, struct slice in, uint32_t plain, struct stamp at)
{
	struct inflater *i = inflate_begins(s->sink) ? inflater_new(begins(in, ZSTD_MAGIC) ? ENCODING_ZSTD : ENCODING_DEFLATE) : NULL;
	enum inflated r = INFLATED_MORE;
	uint8_t block[INFLATE_BLOCK];
	uint32_t made = 0;
	size_t n = sizeof(block);

	while (i && r == INFLATED_MORE && (n || in.len) && made < plain) {
		if (!database_affords(s->sink, NULL, sizeof(block) < plain - made ? sizeof(block) : plain - made, INFLATE_COST)) {
			inflate_counts.time++;
			break;
		}
		r = inflater_step(i, &in, block, &n);	/* BAD: damaged, or a bomb */
		n = n < plain - made ? n : plain - made;
		inner_bytes(s, dir, slice_of(block, n), at);
		made += (uint32_t)n;
	}
	inflater_free(i);
	explicit_bzero(block, sizeof(block));
	if (made < plain)
		inner_gap(s, dir, plain - made, true, at);
}

static void frame_done(struct my_state *s, enum dir dir, struct stamp at)
{
	struct my_frame *f = &s->frames[dir];

	f->inside = false;
	if (f->plain && f->packed.failed)
		inner_gap(s, dir, f->plain, true, at);
	else if (f->plain && !f->too_big)
		inflate_frame(s, dir, slice_of(f->packed.ptr, f->packed.len), f->plain, at);
	else if (f->plain)
		inner_gap(s, dir, f->plain, true, at);
	buf_free(&f->packed);
}

static struct feed_result frame_head(struct my_state *s, enum dir dir, struct slice in, struct stamp at)
{
	struct my_frame *f = &s->frames[dir];
	size_t skip = 0;

	if (f->lost && dir == s->front) {
		while (skip < in.len && !my_frame_begins(slice_of(in.ptr + skip, in.len - skip)))
			skip++;
		if (skip)
			return (struct feed_result){ FEED_OK, skip, skip };
		if (my_frame_begins(in) < 0)
			return (struct feed_result){ FEED_MORE, 0, 0 };
	}
	if (in.len < FRAME_HEAD)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	/* A server's next frame after a gap: the first of an answer. */
	if (f->lost && dir != s->front && in.len == FRAME_HEAD)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (f->lost && dir != s->front) {
		bool is_packed = in.ptr[FRAME_HEAD] == 0x78 || in.ptr[FRAME_HEAD] == ZSTD_MAGIC[0];

		if (in.ptr[3] != 1 || length_at(in.ptr) > PROTOCOL_BODY_HELD || (length_at(in.ptr + 4) && !is_packed))
			return (struct feed_result){ FEED_OK, 1, 1 };
	}
	f->lost = false;
	f->inside = true;
	f->left = length_at(in.ptr);
	f->plain = length_at(in.ptr + 4);
	f->too_big = f->plain && f->left > PROTOCOL_BODY_HELD;
	session_count(s->session, FATE_EXAMINED, FRAME_HEAD);
	if (!f->left) {	/* nothing in it: a step that consumes nothing would end the feed */
		s->within = true;
		frame_done(s, dir, at);
		s->within = false;
	}
	return (struct feed_result){ FEED_OK, FRAME_HEAD, 0 };
}

struct feed_result my_frames(struct my_state *s, enum dir dir, struct slice in, struct stamp at)
{
	struct my_frame *f = &s->frames[dir];
	size_t n;

	if (!f->inside)
		return frame_head(s, dir, in, at);
	n = in.len < f->left ? in.len : f->left;
	f->left -= (uint32_t)n;
	session_count(s->session, f->too_big ? FATE_SKIPPED : FATE_EXAMINED, n);
	s->within = true;
	if (!f->plain)
		inner_bytes(s, dir, slice_of(in.ptr, n), at);
	else if (!f->packed.failed && !f->too_big)
		buf_add(&f->packed, in.ptr, n);
	if (!f->left)
		frame_done(s, dir, at);
	s->within = false;
	return (struct feed_result){ FEED_OK, n, 0 };
}

void my_frames_gap(struct my_state *s, enum dir dir, uint64_t lost, struct stamp at)
{
	struct my_frame *f = &s->frames[dir];

	s->within = true;
	if (f->inside && !f->plain && lost <= f->left) {
		inner_gap(s, dir, lost, true, at);
		f->left -= (uint32_t)lost;
	} else if (f->inside && lost <= f->left) {
		f->left -= (uint32_t)lost;
		f->packed.failed = true;
	} else {
		inner_gap(s, dir, 1, false, at);
		buf_free(&f->packed);
		f->inside = false;
		f->lost = true;
	}
	if (f->inside && !f->left)
		frame_done(s, dir, at);
	s->within = false;
}
