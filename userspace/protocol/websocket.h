/* SPDX-License-Identifier: Apache-2.0 */
/* websocket.h - messages of a WebSocket (RFC 6455), in a connection of its own or in a stream of
 * HTTP/2 (RFC 8441). A message is an exchange that nobody answers: its method TEXT or BINARY, its
 * route, host and authentication those of the request that opened it. The closing is one of method
 * CLOSE. permessage-deflate (RFC 7692) is read with or without context takeover, which needs no
 * negotiation to be seen: a window that nobody refers to does no harm, but for the memory.
 * Private to protocol/.
 *
 *   FIN 1 RSV 3 opcode 4 | MASK 1 length 7 | length 16 or 64 | mask 32, of a client's | payload */
#ifndef WEIR_WEBSOCKET_H
#define WEIR_WEBSOCKET_H
#include "base/buf.h"
#include "protocol/inflate.h"
#include "protocol/protocol.h"

#define WEBSOCKET_HEAD 14	/* bytes, at most */

enum websocket_phase { WEBSOCKET_HEAD_NEXT, WEBSOCKET_PAYLOAD, WEBSOCKET_RESYNC };

struct websocket_side {
	enum websocket_phase phase;
	bool sure;		/* nothing is missing, so what cannot be is the peer's mistake */
	/* The frame whose payload is being read. */
	bool fin;
	bool masked;
	uint8_t mask[4];
	unsigned mask_at;
	uint64_t left;
	/* The message that it is of. */
	uint8_t opcode;		/* 0: between messages */
	bool headless;		/* its beginning was not seen */
	bool packed;		/* deflated */
	bool unread;		/* the rest of it cannot be inflated */
	bool cut, gapped;
	uint64_t wire, began;
	struct buf held;	/* of it, plain */
	/* Of all messages. */
	struct inflater *inflater;
	size_t unseen;		/* bytes of its window that are not known */
	bool forgets;		/* each message has a window of its own */
};

struct websocket {
	const struct field_sink *sink;
	struct session *session;
	struct websocket_side sides[2];
	enum dir asks;
	bool asks_known, closed;
	bool plain;		/* nothing was agreed on, so nothing is compressed */
	size_t counted;		/* bytes of what is fed next that who holds them has counted before */
	uint8_t auth;
	char route[PATH_SIZE], host[NAME_SIZE];
};

/* late: in the middle of it. */
void websocket_init(struct websocket *, const struct field_sink *, struct session *, bool late);
bool websocket_is(struct slice protocol);	/* does an upgrade call it so? */
/* Does a message that is whole in one frame begin so, of one that nobody saw begin? */
bool websocket_looks(struct slice);
/* What the request that opened it was, and what the answer's Sec-WebSocket-Extensions agreed on. */
void websocket_open(struct websocket *, const struct exchange *, enum dir asks, struct slice extensions);
struct feed_result websocket_feed(struct websocket *, enum dir, struct slice, struct stamp);
/* As session_count(), but for those. */
void websocket_count(struct websocket *, enum fate, size_t nr);
void websocket_gap(struct websocket *, enum dir, uint64_t missing, struct stamp);
void websocket_end(struct websocket *, struct stamp);
void websocket_fini(struct websocket *);
#endif
