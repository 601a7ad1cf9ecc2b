/* SPDX-License-Identifier: Apache-2.0 */
/* unread.c - windows of bytes that nobody understands. One that is text goes to the decoders, as
 * a body without a type does; of one that is not, the runs that are text are looked at, as those
 * of a length and a string behind it are. A window ends where a line or a word does, so that no
 * value is cut by it; what is longer than a window is. */
#include "protocol/unread.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/content.h"

#define BORDER 512	/* bytes before a window's end in which a line or word may end */
#define LEAD_MAX 16	/* bytes before a text that are none */
#define RUN_MAX 4096	/* bytes of one field */

struct side {
	struct buf held;
	uint64_t taken;
	bool begun;	/* the window goes on with what one before it was full of */
	bool text;	/* the last window was */
};

struct unread {
	struct side sides[2];
	uint32_t looked;
	uint16_t seen[256];	/* how often each byte is in these */
};

struct unread *unread_new(void)
{
	struct unread *u = budget_alloc(sizeof(*u));

	for (int d = 0; u && d < 2; d++)
		buf_init(&u->sides[d].held, UNREAD_HELD);
	return u;
}

void unread_free(struct unread *u)
{
	if (!u)
		return;
	buf_free(&u->sides[0].held);
	buf_free(&u->sides[1].held);
	budget_free(u, sizeof(*u));
}

/* Bytes of text: UTF-8 and what has its marks where ASCII has them. */
static bool is_text_byte(uint8_t c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\r' || c == '\n';
}

/* In what is not text a byte with its high bit set is rather a part of a number than a letter. */
static bool is_plain(uint8_t c)
{
	return c < 0x80 && is_text_byte(c);
}

static size_t run_of(struct slice in)
{
	size_t n = 0;

	while (n < in.len && n < RUN_MAX && is_plain(in.ptr[n]))
		n++;
	return n;
}

static void look_at_runs(struct content_job *job, struct slice in)
{
	while (in.len && !content_full(job)) {
		size_t n = run_of(in);

		if (n >= UNREAD_RUN)
			content_text(job, job->base, slice_of(in.ptr, n));
		n += n < in.len;
		in = slice_of(in.ptr + n, in.len - n);
	}
}

static bool mostly_text(struct slice in)
{
	size_t odd = 0;

	for (size_t i = 0; i < in.len; i++)
		odd += !is_text_byte(in.ptr[i]);
	return odd * 20 < in.len;
}

/* Without what is no text at its ends: a length and a type before it, what comes next behind it. */
static struct slice trim(struct slice in)
{
	for (unsigned i = 0; i < LEAD_MAX && in.len && !is_plain(in.ptr[0]); i++)
		in = slice_of(in.ptr + 1, in.len - 1);
	while (in.len && (in.ptr[in.len - 1] <= ' ' || in.ptr[in.len - 1] == 0x7f))
		in.len--;
	return in;
}

static void count_bytes(struct unread *u, struct slice in)
{
	for (size_t i = 0; i < in.len && u->looked < LOOKED_MAX; i++) {
		u->seen[in.ptr[i]]++;
		u->looked++;
	}
}

struct looked unread_looked(struct unread *u)
{
	struct looked l = { .bytes = u->looked };
	double bits = 0;

	for (unsigned i = 0; i < 256; i++) {
		bits += u->seen[i] ? u->seen[i] * log2((double)u->looked / u->seen[i]) : 0;
		l.printable += is_text_byte((uint8_t)i) && i < 0x80 ? u->seen[i] : 0;
		u->seen[i] = 0;
	}
	u->looked = 0;
	l.bits = (uint32_t)lround(bits);
	return l;
}

/* One window. cut: what follows it belongs to it. */
static void look(struct side *side, struct session *s, const struct field_sink *sink, enum dir dir, struct slice window, bool cut, struct stamp at)
{
	struct slice in = trim(window);
	struct exchange *ex = in.len >= UNREAD_RUN ? protocol_exchange() : NULL;
	struct content_job job = {
		.exchange = ex, .sink = sink, .location = LOC_TEXT, .dir = dir, .cut = cut, .late = side->begun, .base = "stream",
	};

	if (!ex)
		return;
	ex->began = at.time;
	ex->inspected = INSPECTED_PARTIAL;
	ex->again = 1;
	side->text = mostly_text(in);
	if (!side->text)
		look_at_runs(&job, in);
	else
		content_decode(&job, slice_of("", 0), in);
	if (ex->nr_findings || ex->findings_dropped || ex->nr_possible || ex->waiting)
		session_emit_unread(s, ex, at);
	budget_free(ex, sizeof(*ex));
}

/* Where a full window may end. */
static size_t border(struct slice in)
{
	size_t word = 0, least = in.len > BORDER ? in.len - BORDER : 0;

	for (size_t i = in.len; i > least; i--) {
		if (in.ptr[i - 1] == '\n')
			return i;
		if (!word && (isspace(in.ptr[i - 1]) || !is_text_byte(in.ptr[i - 1])))
			word = i;
	}
	return word ? word : in.len;
}

static void settle(struct side *side, struct session *s, const struct field_sink *sink, enum dir dir, struct stamp at)
{
	if (side->held.len)
		look(side, s, sink, dir, slice_of(side->held.ptr, side->held.len), false, at);
	buf_free(&side->held);
	side->begun = false;
}

void unread_settle(struct unread *u, struct session *s, const struct field_sink *sink, enum dir dir, struct stamp at)
{
	settle(&u->sides[dir], s, sink, dir, at);
	u->sides[dir].taken = 0;
}

void unread_take(struct unread *u, struct session *s, const struct field_sink *sink, enum dir dir, struct slice in, bool whole, struct stamp at)
{
	struct side *side = &u->sides[dir];

	settle(&u->sides[!dir], s, sink, (enum dir)!dir, at);
	if (!unread_wants(u, dir)) {
		settle(side, s, sink, dir, at);
		return;
	}
	side->taken += in.len;
	count_bytes(u, in);
	while (in.len) {
		size_t room = UNREAD_HELD - side->held.len, n = in.len < room ? in.len : room, end;

		if (buf_add(&side->held, in.ptr, n)) {	/* no memory: this window is not looked at */
			buf_free(&side->held);
			side->begun = true;
			return;
		}
		in = slice_of(in.ptr + n, in.len - n);
		if (side->held.len < UNREAD_HELD)
			break;
		end = border(slice_of(side->held.ptr, side->held.len));
		look(side, s, sink, dir, slice_of(side->held.ptr, end), true, at);
		buf_consume(&side->held, end);
		side->begun = true;
	}
	if (whole)
		settle(side, s, sink, dir, at);
}

bool unread_wants(const struct unread *u, enum dir dir)
{
	return u->sides[dir].text || u->sides[dir].taken < PROTOCOL_OPAQUE;
}
