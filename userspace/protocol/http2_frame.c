/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http2_frame.h"

#include <string.h>

#define USUAL_MAX 16384		/* SETTINGS_MAX_FRAME_SIZE as long as nobody asks for more */
#define USUAL_STREAM (1 << 24)	/* no connection that is met has had more streams */
#define CHAIN 3			/* frames one behind the other that are no accident */

/* By type: which flags it has, which length; on the connection (stream 0) or on a stream. */
static const struct rule { uint8_t flags; uint8_t least, most, on_stream, on_connection; } rules[FRAME_TYPES] = {
	[FRAME_DATA]          = { 0x09, 0, 0, 1, 0 },
	[FRAME_HEADERS]       = { 0x2d, 0, 0, 1, 0 },
	[FRAME_PRIORITY]      = { 0x00, 5, 5, 1, 0 },
	[FRAME_RST_STREAM]    = { 0x00, 4, 4, 1, 0 },
	[FRAME_SETTINGS]      = { 0x01, 0, 0, 0, 1 },
	[FRAME_PUSH_PROMISE]  = { 0x0c, 4, 0, 1, 0 },
	[FRAME_PING]          = { 0x01, 8, 8, 0, 1 },
	[FRAME_GOAWAY]        = { 0x00, 8, 0, 0, 1 },
	[FRAME_WINDOW_UPDATE] = { 0x00, 4, 4, 1, 1 },
	[FRAME_CONTINUATION]  = { 0x04, 0, 0, 1, 0 },
};

int preface_begins(struct slice in)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	size_t n = in.len < PREFACE_SIZE ? in.len : PREFACE_SIZE;

	if (n && memcmp(in.ptr, preface, n))
		return 0;
	return n == PREFACE_SIZE ? 1 : -1;
}

struct frame frame_read(const uint8_t *p)
{
	return (struct frame){
		.len = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2], .type = p[3], .flags = p[4],
		.stream = (uint32_t)(p[5] & 0x7f) << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8],
	};
}

bool frame_valid(const struct frame *f)
{
	const struct rule *r = &rules[f->type < FRAME_TYPES ? f->type : 0];

	if (f->type >= FRAME_TYPES)
		return true;
	if (f->stream ? !r->on_stream : !r->on_connection)
		return false;
	if (f->type == FRAME_SETTINGS && f->len % 6)
		return false;
	return f->len >= r->least && (!r->most || f->len <= r->most);
}

/* Flags that nobody defined are to be ignored, so that frame_valid() lets them pass; nobody
 * sends them. */
static bool frame_usual(const uint8_t *in)
{
	struct frame f = frame_read(in);

	return f.type < FRAME_TYPES && frame_valid(&f) && !(f.flags & ~rules[f.type].flags) && f.len <= USUAL_MAX && !(in[5] & 0x80) &&
	       f.stream < USUAL_STREAM && (f.stream & 1 || !f.stream) && (f.len || f.type == FRAME_SETTINGS || f.flags);
}

/* The first bytes of what may be a usual head: most of what is none shows it at once. */
static bool may_begin(struct slice in)
{
	const struct rule *r;
	size_t len;

	if ((in.len > 0 && in.ptr[0]) || (in.len > 1 && in.ptr[1] > USUAL_MAX >> 8))
		return false;
	if (in.len < 4)
		return true;
	r = &rules[in.ptr[3] < FRAME_TYPES ? in.ptr[3] : 0];
	len = (size_t)in.ptr[1] << 8 | in.ptr[2];
	return in.ptr[3] < FRAME_TYPES && len >= r->least && (!r->most || len <= r->most);
}

static bool is_block(uint8_t type)
{
	return type == FRAME_HEADERS || type == FRAME_PUSH_PROMISE || type == FRAME_CONTINUATION;
}

int frames_begin(struct slice in)
{
	bool ends = false;	/* one whole frame that says more than a length, and nothing behind it yet */
	uint32_t block = 0;	/* the stream whose headers go on in the next frame; 0: none */

	for (unsigned n = 0; n < CHAIN; n++) {
		struct frame f;

		if (in.len < FRAME_HEAD)
			return !may_begin(in) ? 0 : n > 1 || (ends && !in.len) ? 1 : -1;
		if (!frame_usual(in.ptr))
			return 0;
		f = frame_read(in.ptr);
		if (block && (f.type != FRAME_CONTINUATION || f.stream != block))
			return 0;
		block = is_block(f.type) && !(f.flags & FLAG_END_HEADERS) ? f.stream : 0;
		if (f.len > in.len - FRAME_HEAD)
			return n ? 1 : -1;
		in = slice_of(in.ptr + FRAME_HEAD + f.len, in.len - FRAME_HEAD - f.len);
		ends = f.type != FRAME_DATA && !block;
	}
	return 1;
}

bool frames_seek(struct slice in, size_t *at)
{
	const uint8_t *zero;
	int begins;

	for (*at = 0; *at < in.len; ++*at) {
		zero = memchr(in.ptr + *at, 0, in.len - *at);	/* of a length below 64 KiB */
		*at = zero ? (size_t)(zero - in.ptr) : in.len;
		if (!zero)
			return false;
		begins = frames_begin(slice_of(zero, in.len - *at));
		if (begins)
			return begins > 0;
	}
	return false;
}
