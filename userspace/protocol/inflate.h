/* SPDX-License-Identifier: Apache-2.0 */
/* inflate.h - content codings: gzip, zlib and raw deflate by zlib, br by libbrotlidec, zstd by
 * libzstd, whole or as they come, within the caps of content.h. What they allocate is budget.h's.
 * Private to protocol/. */
#ifndef WEIR_INFLATE_H
#define WEIR_INFLATE_H
#include <stdbool.h>
#include "model/payload.h"

#define INFLATE_WINDOW_LOG 23	/* zstd: a window of 8 MiB, more than which no content coding may want (RFC 9659) */

struct buf;

enum encoding {
	ENCODING_NONE,
	ENCODING_DEFLATE,	/* gzip, zlib or raw, told apart by content */
	ENCODING_RAW,		/* deflate without a head */
	ENCODING_BROTLI,
	ENCODING_ZSTD,
	ENCODING_UNKNOWN,
};
/* A content coding by its name, in any case of letters. */
enum encoding encoding_named(struct slice);

/* Appends what can be inflated. true: all of it; false: cut, damaged or over a cap. */
bool inflate_body(enum encoding, struct slice in, struct buf *out);

enum inflated {
	INFLATED_MORE,	/* all of in was taken, the stream goes on */
	INFLATED_END,	/* all of in was taken, and the stream ended with it */
	INFLATED_FULL,	/* out is: what it has no room for is gone; go on without */
	INFLATED_BAD,	/* damaged, a bomb, or no memory: nothing comes of it any more */
};
struct inflater;
/* A stream. NULL: no memory, or nothing to inflate (ENCODING_NONE, ENCODING_UNKNOWN). */
struct inflater *inflater_new(enum encoding);
/* Takes from the front of *in what can be taken, appends to out; out NULL: only so that the stream goes on. */
enum inflated inflater_take(struct inflater *, struct slice *in, struct buf *out);
/* One block of what comes of it: again as long as there is input, or the block was full. MORE, END or BAD. */
#define INFLATE_BLOCK 16384
enum inflated inflater_step(struct inflater *, struct slice *in, uint8_t block[INFLATE_BLOCK], size_t *made);
/* A message in it begins, for which the ratio counts anew. */
void inflater_mark(struct inflater *);
uint64_t inflater_made(const struct inflater *);	/* bytes since then, also those that had no room */
/* Of ENCODING_RAW: goes on behind bytes that nobody saw. What later ones repeat of them reads as zeros. */
void inflater_blind(struct inflater *);
void inflater_free(struct inflater *);

/* What ended the inflating of a body, a frame or a message before its own end, so often since the process began. */
struct inflate_counts {
	uint64_t ratio;		/* more came of it than its bytes may make */
	uint64_t size;		/* or than is held of one */
	uint64_t time;		/* the time that its connection may cost was spent */
};
extern struct inflate_counts inflate_counts;
/* Is there time to begin with it; where not it is counted. */
bool inflate_begins(const struct field_sink *);
/* Charges what it cost to make out of in, less what these bytes may cost. false: no time is left. */
bool inflate_pay(const struct field_sink *, size_t in, size_t out);
#endif
