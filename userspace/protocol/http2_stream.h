/* SPDX-License-Identifier: Apache-2.0 */
/* http2_stream.h - the streams of HTTP/2 that are open, each an exchange under construction;
 * within the caps of one connection. Private to protocol/. */
#ifndef WEIR_HTTP2_STREAM_H
#define WEIR_HTTP2_STREAM_H
#include "protocol/http.h"
#include "protocol/http2_tunnel.h"
#include "protocol/protocol.h"

#define STREAMS_MAX	PROTOCOL_PENDING	/* open at once; the oldest goes */
#define STREAMS_HELD	(4 << 20)		/* bytes of bodies held, of all streams */
#define STREAMS_CLOSED	64			/* whose late frames are no new streams */
#define STREAMS_PATIENCE 16			/* exchanges after a gap, until one that it may have ended is ended */

/* One direction of a stream. */
struct half { struct body body; bool begun, done; };

struct stream {
	uint32_t id;
	struct exchange *ex;
	struct half halves[2];	/* by enum dir */
	uint64_t request_end;
	bool tunnel;		/* CONNECT: what it carries is no body */
	bool upgrades;		/* but a WebSocket, if the answer says so */
	struct tunnel *opened;	/* it did, and its exchange was told, if anybody saw it; else NULL */
	uint8_t suspect;	/* exchanges since a gap that may have had its end, or since reset; 0: neither */
	struct stamp reset;	/* by who had sent all; time 0: it was not */
};

struct streams {
	const struct field_sink *sink;
	struct session *session;
	struct stream_table *open;	/* NULL: none is, as in most connections, which rest */
	enum dir asks;			/* the direction of requests */
	bool incomplete;		/* streams may have begun that were not seen */
	size_t held;
	uint32_t highest[2];		/* of the server, of the client */
	uint32_t closed[STREAMS_CLOSED];
	unsigned next_closed, suspects;
};

void streams_init(struct streams *, const struct field_sink *, struct session *);
/* NULL: it is not open. */
struct stream *stream_find(struct streams *, uint32_t id);
/* Whose frame this is, which may be the first of it; NULL: it was closed, or no memory. */
struct stream *stream_of(struct streams *, uint32_t id, enum dir, struct stamp);
/* ex: made by budget_room(), now the stream's; NULL: one is made. NULL: no memory; ex is freed. */
struct stream *stream_new(struct streams *, uint32_t id, struct exchange *ex, struct stamp);
struct http_message stream_message(struct streams *, struct stream *, enum dir);
/* Bytes on the wire of a message. */
void stream_count(struct streams *, struct stream *, enum dir, size_t n);
/* Bytes of its body. */
size_t stream_body(struct streams *, struct stream *, enum dir, struct slice);	/* how many bytes are of use */
/* It was answered that a WebSocket begins: tells the exchange; what comes now is told by itself. */
void stream_upgrade(struct streams *, struct stream *, struct slice extensions, struct stamp);
/* The same of one whose beginning nobody saw: its messages tell. */
void stream_join(struct streams *, struct stream *);
/* Bytes of it that are missing; UINT64_MAX: not known how many. */
void stream_gap(struct streams *, struct stream *, enum dir, uint64_t missing, struct stamp);
/* Nothing more comes in this direction. */
void half_end(struct streams *, struct stream *, enum dir);
/* The same; where that was the other half, the exchange is complete, and the stream gone. */
void half_done(struct streams *, struct stream *, enum dir, struct stamp);
/* Who sends in this direction wants no more of the other. */
void stream_reset(struct streams *, struct stream *, enum dir, struct stamp);
/* The stream ends as it stands. */
void stream_emit(struct streams *, struct stream *, struct stamp);
/* Frames are missing in one direction, of whatever streams. */
void streams_gap(struct streams *, enum dir, struct stamp);
void streams_interval(struct streams *, struct stamp);	/* tells what is found in those that go on */
void streams_end(struct streams *, struct stamp);	/* emits all */
void streams_free(struct streams *);			/* emits none */
#endif
