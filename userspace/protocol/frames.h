/* SPDX-License-Identifier: Apache-2.0 */
/* frames.h - messages that say their length before they come, in both directions: cut out of the
 * stream, held until a step of them can be read, found again after a gap. A message is read in
 * steps off its front, so that of a long one no more is held than a step. Private to protocol/. */
#ifndef WEIR_FRAMES_H
#define WEIR_FRAMES_H
#include "base/buf.h"
#include "protocol/protocol.h"

#define FRAMES_ALL UINT64_MAX	/* of frames_skip: up to the end of the message */

enum frames_more {
	FRAMES_MORE,	/* more bytes of the message come */
	FRAMES_STOP,	/* none that follow these: there is no room for more, or they are missing */
	FRAMES_END,	/* it ends with these */
};
enum frames_phase { FRAMES_HEAD, FRAMES_BODY, FRAMES_RESYNC };

struct frames_side {
	enum frames_phase phase;
	uint64_t left;		/* bytes of the message to come */
	uint64_t skip;		/* of these to be passed over */
	struct buf held;
	bool cut;		/* bytes of it are missing */
	bool after_gap;		/* and of what stood before it */
};

struct frames_ops {
	/* 1: a message begins here, of *head bytes before its body and *total with it; 0: none does;
	 * -1: too short to tell. Of what follows known bytes (resync is false) less is asked. */
	int (*begins)(void *owner, enum dir, struct slice in, bool resync, size_t *head, uint64_t *total);
	void (*begin)(void *owner, enum dir, struct slice head, uint64_t total, struct stamp);
	/* Takes steps off the front; returns the bytes of them. With FRAMES_STOP and FRAMES_END what is
	 * left is dropped. May call frames_skip(). NULL slices have a length of 0. */
	size_t (*walk)(void *owner, enum dir, struct slice in, enum frames_more, struct stamp);
	/* So many bytes are missing where a step would begin: how many behind them to pass over. */
	uint64_t (*hole)(void *owner, enum dir, uint64_t missing);
	void (*end)(void *owner, enum dir, struct stamp);
};

struct frames {
	const struct frames_ops *ops;
	void *owner;
	struct session *session;
	struct frames_side sides[2];	/* by enum dir */
};

void frames_init(struct frames *, const struct frames_ops *, void *owner, struct session *, size_t held);
struct feed_result frames_feed(struct frames *, enum dir, struct slice in, struct stamp);
void frames_gap(struct frames *, enum dir, uint64_t lost, struct stamp);
void frames_eof(struct frames *, struct stamp);
void frames_free(struct frames *);
/* Passes over bytes behind those that walk() returns. */
void frames_skip(struct frames *, enum dir, uint64_t);
#endif
