/* SPDX-License-Identifier: Apache-2.0 */
/* protocol.h - ordered bytes of a connection -> exchanges with fields. Detects
 * the protocol by content, again after a gap; a connection whose protocol is not
 * recognised is opaque and counted so. A parser never allocates per byte, never
 * blocks, never logs payload, and survives any input. */
#ifndef WEIR_PROTOCOL_H
#define WEIR_PROTOCOL_H
#include <string.h>
#include "model/payload.h"

/* Limits, bytes unless named otherwise. */
#define PROTOCOL_HEAD_MAX	(64 << 10)	/* start line and headers; more is unparsable */
#define PROTOCOL_BODY_HELD	(1 << 20)	/* decoded body held for a content decoder; the rest is `partial` */
#define PROTOCOL_PENDING	256		/* pipelined requests without response */
#define PROTOCOL_OPAQUE		(64 << 10)	/* of a direction that nobody understands; what comes then is not asked for */
#define PROTOCOL_DETECT		64		/* held per direction until the protocol is known */

struct session;
struct protocol_limits { size_t head, body, pending; };

/* acct, by enum dir, outlives the session; examined and opaque are added to it here. */
struct session *session_new(const struct conn_facts *, const struct field_sink *, struct byte_account acct[2]);
/* What connections have arranged for others, to be remembered and looked up there; without it nobody does. */
struct arranged;
void session_arrange(struct session *, struct arranged *);
void session_update(struct session *, const struct conn_facts *);
/* `from`, which was told all so far, goes on as `to`: its facts, its account and what facts have
 * carried of it. `to` was told nothing and is freed. */
void session_adopt(struct session *to, struct session *from);
void session_bytes(struct session *, enum dir, struct slice, struct stamp);
/* Bytes of this direction, from the next one on, that tell nothing whatever they are: 0: none, UINT64_MAX:
 * all of them. */
uint64_t session_unwanted(const struct session *, enum dir);
void session_gap(struct session *, enum dir, uint64_t lost, enum loss, struct stamp);
/* Bytes of TLS records before encryption, at their position: what they tell goes to the sink's
 * handshake() before the next exchange, or with session_tell(). */
void session_hello(struct session *, enum dir, uint64_t pos, struct slice);
void session_tell(struct session *, struct stamp);
/* An interval ends: tells what was found in exchanges that go on. Before the flush, which then has less to tell. */
void session_interval(struct session *, struct stamp);
/* Fills a traffic fact with what the account gained and no exchange has carried;
 * false when there is nothing. The account's taken part is remembered here. */
bool session_flush(struct session *, struct stamp, bool closed, const char *reason, struct traffic *);
/* No more bytes come: emits what is complete (a response ended by close) and counts what was
 * carried of a message that never got its end. What a flush says after this is all. */
void session_end(struct session *, struct stamp);
/* Ends it if that was not done, then frees and wipes. */
void session_close(struct session *, struct stamp);

enum feed_status {
	FEED_OK,	/* consumed > 0: call again with the rest */
	FEED_MORE,	/* nothing wrong; want more bytes than were given */
	FEED_BAD,	/* this is not the protocol, or it is hostile: stop this direction */
};
/* opaque: bytes of consumed that were passed over without being understood. */
struct feed_result { enum feed_status status; size_t consumed, opaque; };

/* One row of protocol/list.def. */
struct protocol {
	const char *name;	/* "http1" */
	const char *summary;
	size_t state_size;	/* bytes per connection, zeroed before the first feed */
	/* 0..100 how likely, or -EAGAIN when the head is too short to tell. */
	int (*guess)(struct slice head, enum dir);
	int (*guess_datagram)(struct slice whole, enum dir);	/* NULL: not spoken in datagrams */
	void (*init)(void *state, const struct conn_facts *, const struct field_sink *, struct session *);
	struct feed_result (*feed)(void *state, enum dir, struct slice in, struct stamp);
	/* lost bytes are missing here. 0: goes on (resynchronises), -EPROTO: gives up. */
	int (*gap)(void *state, enum dir, uint64_t lost, enum loss, struct stamp);
	/* As session_unwanted(). NULL: it wants all. */
	uint64_t (*unwanted)(const void *state, enum dir);
	/* An interval ends: session_emit_part() for each exchange that is open. NULL: none is ever long. */
	void (*interval)(void *state, struct stamp);
	void (*eof)(void *state, struct stamp);
	void (*fini)(void *state);
	/* Where in the middle of other bytes a message may begin: true, at *at; false: nowhere
	 * before *at. Asked when no row guesses; what stands before is opaque, and the parser
	 * begins with a gap() of 0 bytes. NULL: it cannot tell. */
	bool (*seek)(struct slice in, enum dir, size_t *at);
	/* What the header field Upgrade calls it; NULL: nobody goes over to it. */
	const char *upgrade;
	/* The exchange that asked for that. asks: the direction of its request, which is complete; terms:
	 * what its answer has agreed on. True: it is answered in this protocol, and the state's now, made by
	 * budget_room(). */
	bool (*adopt)(void *state, struct exchange *, enum dir asks, struct slice terms);
};
unsigned protocol_count(void);
const struct protocol *protocol_get(unsigned);

/* For parsers: what became of the next nr bytes of the slice being fed. What a
 * parser consumes without counting is examined when feed returns; a parser that
 * emits in the middle of a slice counts first, so that the exchange balances. */
enum fate { FATE_EXAMINED, FATE_OPAQUE, FATE_SKIPPED, FATE_UNWANTED };	/* skipped for what they cost; for being nothing to look at */
void session_count(struct session *, enum fate, size_t nr);
/* For parsers whose talk arranges other connections; may be NULL. */
struct arranged *session_arranged(const struct session *);
/* For parsers, during feed: what comes behind the bytes consumed by it, and whatever comes in the
 * other direction, is another protocol's: the row that answers to `upgrade` (empty: not told), else
 * what its bytes look like. asked, of a request in the other direction, may be NULL; terms may be empty.
 * True: the new protocol owns it and answers it. This one's eof() and fini() come next. */
bool session_switch(struct session *, struct slice upgrade, struct slice terms, struct exchange *asked);
/* For parsers: completes ex (facts, bytes since last) and hands it to the sink. A
 * role that ex knows and the connection does not is learnt. A protocol that ex names stays. */
void session_emit(struct session *, struct exchange *ex, struct stamp);
/* An exchange that has begun, of sizeof(struct exchange) of the budget. NULL: no memory; its message is counted as dropped. */
struct exchange *protocol_exchange(void);
/* Messages that were read but not told, for want of memory. */
extern struct protocol_counts { uint64_t messages_dropped; } protocol_counts;
/* For unread.c: what was found in bytes that no parser understood, of no exchange. */
void session_emit_unread(struct session *, struct exchange *ex, struct stamp at);
/* Tells what was found of ex so far, if anything was and it is open for long; it goes on, and is counted. */
void session_emit_part(struct session *, struct exchange *ex, struct stamp);
/* One of our words, or what is left of a longer one. */
static inline void word_set(char out[WORD_SIZE], const char *word)
{
	size_t n = strlen(word);

	n = n < WORD_SIZE ? n : WORD_SIZE - 1;
	memcpy(out, word, n);
	out[n] = 0;
}
/* Adds text to a path of that length; what has no room is cut. Returns the new length. */
static inline size_t path_append(char path[PATH_SIZE], size_t len, const char *text)
{
	size_t n = strlen(text), room = PATH_SIZE - 1 - len;

	n = n < room ? n : room;
	memcpy(path + len, text, n);
	path[len + n] = 0;
	return len + n;
}
/* The route template of a path: numbers, UUIDs, hex and long opaque segments
 * become "{id}", a segment with a class becomes "{class}". */
void route_template(char out[PATH_SIZE], struct slice path, const struct field_sink *);
/* The same of a key "user:71:cart". */
void route_key(char out[PATH_SIZE], struct slice key, const struct field_sink *);
/* The last word of such a template that identifies nothing: "cart"; empty: there is none. */
struct slice route_word(const char *template);
#endif
