/* SPDX-License-Identifier: Apache-2.0 */
/* inflate.c - one row a coding. Its step takes input and gives a block of output; what
 * holds of all, the caps and what follows the end of a frame or member, is inflater_take()'s. */
#include "protocol/inflate.h"

#include <brotli/decode.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/content.h"

#define DEFLATE_WINDOW	32768

/* Behind each piece that a library asks for stands here, so that it can be given back. */
union size_before { size_t size; long double align; };

struct inflater {
	enum encoding encoding;
	z_stream zlib;
	BrotliDecoderState *brotli;
	ZSTD_DStream *zstd;
	size_t zstd_size;	/* of it, taken from the budget */
	uint8_t first[2];	/* of ENCODING_DEFLATE, which tell what it is */
	unsigned nr_first;
	bool begun, ended;
	uint64_t in, out;	/* bytes since the mark */
};

/* taken, made: what the step used of in and wrote into the block. */
struct step { enum { STEP_MORE, STEP_END, STEP_BAD } status; size_t taken, made; };
typedef struct step (*codec)(struct inflater *, struct slice in, uint8_t block[INFLATE_BLOCK]);

static void *piece_new(void *owner, size_t size)
{
	union size_before *p;

	if (size > SIZE_MAX - sizeof(*p) || !(p = budget_room(size + sizeof(*p))))
		return NULL;
	p->size = size + sizeof(*p);
	return p + 1;
}

static void piece_free(void *owner, void *piece)
{
	union size_before *p = piece;

	size_t size = p ? p[-1].size : 0;

	if (!p)
		return;
	explicit_bzero(p - 1, size);	/* a window holds what was inflated */
	budget_free(p - 1, size);
}

static voidpf zlib_piece(voidpf owner, uInt items, uInt size)
{
	return size && items > SIZE_MAX / size ? NULL : piece_new(owner, (size_t)items * size);
}

/* ---- zlib ---- */

/* RFC 9110, 8.4.1.2: deflate is zlib's format, and some send it raw; gzip is known by its head. */
static int window_bits(const struct inflater *i)
{
	bool gzip = i->first[0] == 0x1f && i->first[1] == 0x8b;
	bool zlib = (i->first[0] & 15) == Z_DEFLATED && (i->first[0] << 8 | i->first[1]) % 31 == 0;

	return i->encoding == ENCODING_RAW ? -15 : gzip ? 15 + 16 : zlib ? 15 : -15;
}

static bool zlib_begin(struct inflater *i)
{
	i->zlib = (z_stream){ .zalloc = zlib_piece, .zfree = piece_free };
	return i->begun = inflateInit2(&i->zlib, window_bits(i)) == Z_OK;
}

static struct step zlib_step(struct inflater *i, struct slice in, uint8_t block[INFLATE_BLOCK])
{
	size_t n = in.len < INFLATE_BLOCK ? in.len : INFLATE_BLOCK;
	int r;

	i->zlib.next_in = (Bytef *)(uintptr_t)in.ptr;
	i->zlib.avail_in = (uInt)n;
	i->zlib.next_out = block;
	i->zlib.avail_out = INFLATE_BLOCK;
	r = inflate(&i->zlib, Z_NO_FLUSH);
	return (struct step){ r == Z_STREAM_END ? STEP_END : r == Z_OK || r == Z_BUF_ERROR ? STEP_MORE : STEP_BAD,
			      n - i->zlib.avail_in, INFLATE_BLOCK - i->zlib.avail_out };
}

/* What it is, its first two bytes tell, which may come one by one. */
static struct step deflate_step(struct inflater *i, struct slice in, uint8_t block[INFLATE_BLOCK])
{
	size_t taken = 0;
	struct step s;

	while (!i->begun && taken < in.len && i->nr_first < sizeof(i->first))
		i->first[i->nr_first++] = in.ptr[taken++];
	if (!i->begun && (i->nr_first < sizeof(i->first) || !zlib_begin(i)))
		return (struct step){ i->nr_first < sizeof(i->first) ? STEP_MORE : STEP_BAD, taken, 0 };
	if (taken || i->nr_first) {
		struct slice head = slice_of(i->first, i->nr_first);

		i->nr_first = 0;
		s = zlib_step(i, head, block);
		if (s.status != STEP_MORE || s.made)
			return (struct step){ s.status, taken, s.made };
	}
	s = zlib_step(i, slice_of(in.ptr + taken, in.len - taken), block);
	s.taken += taken;
	return s;
}

/* Deflate that ended goes on in the same window (RFC 7692, 7.2.3.5). */
static bool raw_again(struct inflater *i)
{
	uint8_t window[DEFLATE_WINDOW];
	uInt n = 0;
	bool ok = inflateGetDictionary(&i->zlib, window, &n) == Z_OK && inflateReset(&i->zlib) == Z_OK &&
		  inflateSetDictionary(&i->zlib, window, n) == Z_OK;

	explicit_bzero(window, sizeof(window));
	return ok;
}

static struct step raw_step(struct inflater *i, struct slice in, uint8_t block[INFLATE_BLOCK])
{
	if (!i->begun && !zlib_begin(i))
		return (struct step){ STEP_BAD, 0, 0 };
	return zlib_step(i, in, block);
}

/* ---- the others ---- */

static struct step brotli_step(struct inflater *i, struct slice in, uint8_t block[INFLATE_BLOCK])
{
	size_t left = in.len, room = INFLATE_BLOCK;
	const uint8_t *from = in.ptr;
	uint8_t *to = block;
	BrotliDecoderResult r;

	if (!i->brotli && !(i->brotli = BrotliDecoderCreateInstance(piece_new, piece_free, NULL)))
		return (struct step){ STEP_BAD, 0, 0 };
	r = BrotliDecoderDecompressStream(i->brotli, &left, &from, &room, &to, NULL);
	return (struct step){ r == BROTLI_DECODER_RESULT_SUCCESS ? STEP_END : r == BROTLI_DECODER_RESULT_ERROR ? STEP_BAD : STEP_MORE,
			      in.len - left, INFLATE_BLOCK - room };
}

/* libzstd's allocations cannot be chosen by its stable interface: what it says it has is taken after the fact. */
static bool zstd_pay(struct inflater *i)
{
	size_t now = ZSTD_sizeof_DStream(i->zstd);

	if (now == i->zstd_size)
		return true;
	if (i->zstd_size)
		budget_give(i->zstd_size);
	i->zstd_size = budget_take(now) ? now : 0;
	return i->zstd_size;
}

static struct step zstd_step(struct inflater *i, struct slice in, uint8_t block[INFLATE_BLOCK])
{
	ZSTD_inBuffer from = { in.ptr, in.len, 0 };
	ZSTD_outBuffer to = { block, INFLATE_BLOCK, 0 };
	size_t r;

	if (!i->zstd && (!(i->zstd = ZSTD_createDStream()) ||
			 ZSTD_isError(ZSTD_DCtx_setParameter(i->zstd, ZSTD_d_windowLogMax, INFLATE_WINDOW_LOG))))
		return (struct step){ STEP_BAD, 0, 0 };
	r = ZSTD_decompressStream(i->zstd, &to, &from);
	return (struct step){ ZSTD_isError(r) || !zstd_pay(i) ? STEP_BAD : r ? STEP_MORE : STEP_END, from.pos, to.pos };
}

/* ---- what it may cost ---- */

struct inflate_counts inflate_counts;

bool inflate_begins(const struct field_sink *sink)
{
	bool may = !sink->afford || sink->afford(sink->owner, INFLATE_BEGIN);

	inflate_counts.time += !may;
	return may;
}

bool inflate_pay(const struct field_sink *sink, size_t in, size_t out)
{
	size_t earned = out / INFLATE_USUAL < in ? out : in * INFLATE_USUAL;

	return !sink->afford || sink->afford(sink->owner, (int64_t)(out * INFLATE_COST) - (int64_t)(earned * INFLATE_EARNS));
}

static const codec codecs[] = {
	[ENCODING_DEFLATE] = deflate_step, [ENCODING_RAW] = raw_step, [ENCODING_BROTLI] = brotli_step, [ENCODING_ZSTD] = zstd_step,
	[ENCODING_UNKNOWN] = NULL,
};

/* ---- a stream ---- */

enum encoding encoding_named(struct slice name)
{
	static const struct { const char *name; enum encoding encoding; } names[] = {
		{ "gzip", ENCODING_DEFLATE }, { "x-gzip", ENCODING_DEFLATE }, { "deflate", ENCODING_DEFLATE },
		{ "br", ENCODING_BROTLI }, { "zstd", ENCODING_ZSTD }, { "identity", ENCODING_NONE }, { "", ENCODING_NONE },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (name.len == strlen(names[i].name) && !strncasecmp((const char *)name.ptr, names[i].name, name.len))
			return names[i].encoding;
	return ENCODING_UNKNOWN;
}

struct inflater *inflater_new(enum encoding encoding)
{
	struct inflater *i = codecs[encoding] ? budget_alloc(sizeof(*i)) : NULL;

	if (i)
		i->encoding = encoding;
	return i;
}

static void fini(struct inflater *i)
{
	if (i->begun)
		inflateEnd(&i->zlib);
	if (i->brotli)
		BrotliDecoderDestroyInstance(i->brotli);
	ZSTD_freeDStream(i->zstd);
	if (i->zstd_size)
		budget_give(i->zstd_size);
}

void inflater_free(struct inflater *i)
{
	if (!i)
		return;
	fini(i);
	budget_free(i, sizeof(*i));
}

/* Behind the end: another member of gzip, another frame of zstd (which begins by itself); not of brotli. */
static bool again(struct inflater *i, struct slice rest)
{
	if (!i->ended || !rest.len)
		return true;
	i->ended = false;
	switch (i->encoding) {
	case ENCODING_RAW:
		return raw_again(i);
	case ENCODING_DEFLATE:
		return rest.ptr[0] == 0x1f && inflateReset(&i->zlib) == Z_OK;
	case ENCODING_ZSTD:
		return true;
	default:
		return false;
	}
}

enum inflated inflater_step(struct inflater *i, struct slice *in, uint8_t block[INFLATE_BLOCK], size_t *made)
{
	struct step s;
	bool bad, bomb;

	*made = 0;
	if (!again(i, *in))
		return INFLATED_BAD;
	if (i->ended)
		return INFLATED_END;
	s = codecs[i->encoding](i, *in, block);
	bad = s.status == STEP_BAD || (!s.taken && !s.made && in->len);
	*made = s.made;
	if (s.taken)
		*in = slice_of(in->ptr + s.taken, in->len - s.taken);
	i->in += s.taken;
	i->out += s.made;
	i->ended = s.status == STEP_END;
	bomb = !bad && i->out > 65536 && i->out / INFLATE_RATIO > i->in;
	inflate_counts.ratio += bomb;
	return bad || bomb ? INFLATED_BAD : i->ended && !in->len ? INFLATED_END : INFLATED_MORE;
}

enum inflated inflater_take(struct inflater *i, struct slice *in, struct buf *out)
{
	uint8_t block[INFLATE_BLOCK];
	enum inflated r = i->ended ? INFLATED_END : INFLATED_MORE;
	size_t made = 0;
	bool full = false;

	/* A block that is full may have more behind it. */
	while ((in->len || made == sizeof(block)) && !full && r != INFLATED_BAD) {
		r = inflater_step(i, in, block, &made);
		full = out && made && buf_add(out, block, made);
	}
	explicit_bzero(block, sizeof(block));
	inflate_counts.size += full && r != INFLATED_BAD;
	return full && r != INFLATED_BAD ? INFLATED_FULL : r;
}

void inflater_mark(struct inflater *i)
{
	i->in = i->out = 0;
}

uint64_t inflater_made(const struct inflater *i)
{
	return i->out;
}

void inflater_blind(struct inflater *i)
{
	static const uint8_t zeros[DEFLATE_WINDOW];

	i->ended = false;
	if (i->begun ? inflateReset(&i->zlib) == Z_OK : zlib_begin(i))
		(void)inflateSetDictionary(&i->zlib, zeros, sizeof(zeros));	/* cannot fail on raw deflate that has just begun */
}

static bool inflate_once(enum encoding encoding, struct slice in, struct buf *out)
{
	struct inflater *i = inflater_new(encoding);
	enum inflated r = i ? inflater_take(i, &in, out) : INFLATED_BAD;

	inflater_free(i);
	return r == INFLATED_END;
}

bool inflate_body(enum encoding encoding, struct slice in, struct buf *out)
{
	size_t before = out->len;
	bool whole = inflate_once(encoding, in, out);

	/* Raw bytes that look like zlib's head. */
	return whole || out->len > before || encoding != ENCODING_DEFLATE ? whole : inflate_once(ENCODING_RAW, in, out);
}
