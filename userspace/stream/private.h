/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what the files of stream/ say to each other.
 *
 * A connection has two numberings per direction. The kernel's sequence carries
 * what passed the socket: plain payload (LAYER_SOCKET) or TLS records of which only
 * the headers are known (LAYER_CIPHER), possibly the first and then the second
 * (STARTTLS). The plaintext's sequence (LAYER_TLS) counts the bytes of a TLS
 * session. The account is in socket bytes, so it is the kernel's sequence that
 * `moved` comes from, and tls_record.c that says how the two agree.
 *
 *	chunk -> stream.c -> reassemble.c (in order, gaps) -> deliver.c -> sink, account
 *	             |                                          `-> tls_record.c -> account
 *	             `-> bind.c: TLS sessions that have no socket yet */
#ifndef WEIR_STREAM_PRIVATE_H
#define WEIR_STREAM_PRIVATE_H
#include <stdbool.h>
#include "base/hash.h"
#include "stream/stream.h"

#define CALL_MAX	((uint64_t)1 << 32)	/* bytes of one call, captured or not */
#define HELD_PIECES	1024	/* held of one connection: bounds the work of an insertion */
#define HELD_SHARE	256	/* bytes of limits.total for each piece that may be held in all */
#define ROOM_SHARE	8	/* of the memory budget, kept free for what one chunk may make grow */
#define SHAKE_RECORDS	16	/* application records that a handshake has, and more */
#define EARLY_MAX	48	/* and with all that one socket call tells of behind it: before the first plaintext */
#define CLOSE_AHEAD	60000000000ull	/* ns that a close may be ahead of the chunks and still be waited for */
#define UNHEARD_MAX	16384	/* connections that ended before a chunk of theirs came */
#define UNBOUND		((uint64_t)1 << 63)	/* in a connection id: a TLS session without a socket */

/* Bytes of an application record beyond its plaintext. */
#define OVERHEAD_13	17
#define OVERHEAD_12	24	/* AES-GCM, AES-CCM */
#define OVERHEAD_CHACHA	16
#define OVERHEAD_JSSE	(16 + OVERHEAD_13)	/* Java pads what it sends by TLS 1.3 with so many zeros, RFC 8446 5.4 */
/* CBC suites of TLS 1.2: a nonce of 16, the MAC, and padding of 1 to 16 bytes, of which all but
 * one are not known from the record. */
#define OVERHEAD_CBC_SHA	(16 + 20 + 1)
#define OVERHEAD_CBC_SHA256	(16 + 32 + 1)
#define OVERHEAD_CBC_SHA384	(16 + 48 + 1)
#define CBC_PADDING	15
#define RECORD_PLAIN	16384	/* of a record that is full */
#define REST_NS		1000000000ull	/* after so long, plaintext is not on its way any more */
#define LOST_CAUSES	3	/* told apart in one direction of TLS; more share the last one's name */
#define ALERT_13	(2 + OVERHEAD_13)	/* body of close_notify in TLS 1.3 */

/* Intrusive ring; an unlinked node points to itself. */
struct node { struct node *prev, *next; };
static inline void node_init(struct node *n)
{
	n->prev = n->next = n;
}
static inline void node_unlink(struct node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	node_init(n);
}
static inline void node_link(struct node *head, struct node *n)	/* becomes head->next */
{
	n->prev = head;
	n->next = head->next;
	head->next->prev = n;
	head->next = n;
}

/* A chunk without its connection: bytes borrowed. */
struct part {
	uint64_t pos;
	uint64_t moved;		/* LAYER_CIPHER: extent in the sequence, skipped included */
	uint64_t skipped;
	struct stamp at;
	enum layer layer;
	enum loss cause, before;
	bool probed, ahead, known;
	uint32_t framing, plain;	/* LAYER_CIPHER, known */
	struct slice bytes;
};

/* A part that waits for an earlier one: owns its bytes, wipes them. */
struct piece {
	struct piece *prev, *next;
	uint64_t arrived;	/* by the table's clock: a backlog in the queue is no absence */
	struct part part;
	uint8_t bytes[];
};

struct sequence {
	uint64_t next;		/* position of the next byte to deliver */
	struct piece *head, *tail;	/* by position */
	uint64_t since;		/* arrival of the piece that waits longest */
	enum dir dir;
	bool plain;		/* numbers plaintext, not socket bytes */
	bool started;
	bool restarted;		/* goes on for a process that died: what is missing before the first bytes died with it */
};

/* The TLS records of one direction, from their headers; see tls_record.c. */
/* 0-RTT: what of the handshake comes behind data of its direction. */
enum early_data { EARLY_NOT, EARLY_SENT, EARLY_ENDED };
struct cipher {
	int64_t open;		/* announced by headers and not passed yet; -4..-1: a header's first bytes passed */
	int64_t capacity;	/* plaintext that the application records can carry */
	int64_t plain;		/* plaintext that came or is known to be missing */
	int64_t guessed;	/* plaintext that records have room for which were taken for the handshake, by a guess */
	int64_t first;		/* plaintext that came first */
	int64_t unwalked;	/* socket bytes whose headers were not seen */
	int64_t credited;	/* of these, proven by plaintext, hence not lost */
	int64_t padding, padded;	/* of capacity: what may be padding of CBC; what is taken for it */
	uint16_t early[EARLY_MAX];	/* bodies of application records before the first plaintext */
	int64_t bodies, shed;	/* of application records: all; those counted opaque before the first plaintext */
	int64_t split_bodies;	/* what the binding says came before the first plaintext */
	uint32_t records, split;	/* the same as numbers of records */
	uint32_t last_body;
	bool splits;
	uint8_t nr_early, last_type, overhead;
	uint8_t early_data;	/* enum early_data */
	bool alone;	/* the last header came alone in its call */
	struct { int64_t n; uint8_t cause; } lost[LOST_CAUSES];	/* in the account as lost, by enum loss */
	int64_t given_up;	/* in the account as opaque: of records whose plaintext did not come */
	int64_t rest;		/* of records and plaintext that did not agree when the last interval ended */
	uint8_t shed_why;	/* enum loss, of shed */
	bool hurt;	/* something of this direction was lost: records and plaintext need not agree */
	uint16_t awaits;	/* plaintext of the first record, told ahead of it; 0: not so, or it passed */
	bool ccs, handshake, tls12, data;	/* data: the first record with plaintext is known */
	bool ahead;		/* the library has bytes before they are sent */
};

static inline uint32_t overhead_of(const struct cipher *c)
{
	return c->overhead ? c->overhead : OVERHEAD_13;
}

/* Plaintext that an application record with such a body holds. */
static inline int64_t capacity_of(const struct cipher *c, uint32_t body)
{
	return body > overhead_of(c) ? body - overhead_of(c) : 0;
}

struct lane { struct sequence kernel, plain; struct cipher cipher; };

enum bound { BOUND_NOT, BOUND_GUESSED, BOUND_PROBED, BOUND_EXACT };	/* PROBED: the kernel's side says that it will be EXACT */

struct candidate;
struct tls_session;
struct bind_table;

/* What one workload takes, or a few whose numbers fall on the same. */
#define SHARES 256
struct share { struct node idle; size_t connections, held; };	/* idle: most recent first; bytes in pieces */

struct stream {
	struct stream *bucket_next;
	struct node idle, mine, waiting;	/* mine: in its share; waiting: holds pieces or is closing */
	struct stream_table *table;
	struct share *share;
	struct conn_facts conn;
	struct byte_account account[2];	/* by enum dir */
	struct byte_sums flushed[2];
	void *session;
	struct lane lanes[2];	/* by enum dir */
	uint64_t active;	/* when the last chunk came */
	uint64_t final[2], closed_at;
	uint64_t rest_at;	/* when lanes[].cipher.rest was taken */
	uint64_t reached[2], reached_at;	/* where it had come to at that time, as the kernel's side says; 0: not asked */
	uint8_t before[2];	/* enum loss: why bytes before these are missing, if any are */
	struct plain_end plain_end;
	size_t held;		/* bytes in pieces */
	unsigned nr_held;
	uint8_t layer;		/* what the session was told: 0 nothing, LAYER_SOCKET, LAYER_TLS */
	bool closing, probed;
	bool relayed;		/* its TLS is another connection's of the same process */
	bool partly;		/* its plaintext may be a part of what was said */
	bool judged;		/* whether its first payload is TLS */
	bool no_plaintext;	/* TLS bodies were counted opaque */
	bool ending;		/* who set it ends it */
	uint8_t bound;		/* enum bound */
	uint8_t began;		/* whose handshake came first: 1 + enum dir; 0: none has */
	struct candidate *candidate;		/* in the search for its TLS session */
	struct tls_session *tls_session;	/* found by that search */
	/* By a process before this one told as moved, and not as anything: lost. owed: of it, what is in the account. */
	int64_t undecided[2], owed[2];
	bool untold;		/* undecided: it was not told as moved either */
};

/* What is remembered of a connection that is not tracked; see trace.c. */
enum trace_state { TRACE_NONE, TRACE_EVICTED, TRACE_CLOSED, TRACE_CLOSING };
struct trace {
	uint64_t id;
	uint64_t pos[2];	/* EVICTED: kernel positions reached; CLOSING: final ones */
	uint64_t other[2];	/* EVICTED: plaintext positions reached; CLOSING: the kernel's totals */
	uint64_t time;		/* CLOSING: when */
	uint32_t serial;	/* order of leaving */
	uint8_t state, probed;
	uint8_t overhead[2], data[2], tls12[2];
	struct plain_end plain_end;	/* CLOSING */
};

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION = 23 };	/* types of TLS records, RFC 8446 5.1 */

/* A ClientHello that passed lately. */
#define RELAYS 512
struct relay { uint64_t hash, conn; uint8_t dir; };

struct stream_table {
	struct stream_limits limits;
	struct stream_sink sink;
	struct stream_stats stats;
	struct siphash_key key;
	struct stream **buckets;
	struct trace *traces;
	size_t nr_buckets, nr_traces;	/* powers of two */
	uint32_t traced;
	struct { uint64_t conn; struct plain_end end; } plain;	/* of the close that comes next, while nobody knows the connection */
	size_t nr_held, max_held;	/* pieces */
	struct node idle, waiting;	/* idle: most recent first */
	struct share shares[SHARES];
	struct bind_table *bind;
	struct relay relays[RELAYS];	/* by hash */
	uint64_t order;			/* of records and calls, for bind.c */
	const struct stream *telling;	/* the one whose session was called last */
	uint64_t place;			/* position behind the bytes that it is being told */
	struct unheard *unheard, **unheard_end;	/* by time of their end */
	size_t nr_unheard;
	struct marks *marks;		/* NULL: nothing outlives this process */
	size_t nr_marks;		/* power of two */
	uint64_t now;			/* newest stamp seen, or what the last tick said */
	uint32_t epoch;
};

/* unheard.c */
void unheard_init(struct stream_table *);
void unheard_tick(struct stream_table *, bool all);	/* those that are overdue are told as lost */

/* relay.c. Has this beginning of TLS passed on another connection of the process? */
void relay_look(struct stream *, const struct chunk *);
enum loss relay_why(const struct stream *);	/* nobody had the plaintext of its records */

/* stream.c */
struct stream *stream_by_id(const struct stream_table *, uint64_t conn);
void stream_missed(struct stream_table *, const struct conn_facts *, const enum loss before[2]);	/* ended, and nothing came */
int stream_take(struct stream_table *, const struct chunk *);	/* of a connection that is known */
void stream_check(struct stream *, struct stamp);	/* ends it if it is at its end */
/* The session's own connection ends, and all that it was told is the other's from now on. */
void stream_adopt(struct stream *, uint64_t from);
uint64_t stream_plain_next(const struct stream_table *, uint64_t id, enum dir);
/* The session's own connection, if there is one, is known by other facts. */
void stream_relabel(struct stream_table *, const struct conn_facts *);
void stream_bound(struct stream *, enum binding);

/* bind.c */
int bind_init(struct stream_table *);
void bind_end(struct stream_table *);	/* what it holds is told */
void bind_free(struct stream_table *);
int bind_plain(struct stream_table *, const struct chunk *);	/* plaintext without a socket */
void bind_exact(struct stream *, const struct chunk *);		/* the first plaintext with one */
void bind_cipher(struct stream *, const struct chunk *);	/* before its records are walked */
void bind_record(struct stream *, enum dir, uint32_t body);	/* an application record, in order */
void bind_ripe(struct stream_table *);		/* after a chunk: what it decided is done */
void bind_gone(struct stream *);		/* before a connection ends */
void bind_tick(struct stream_table *);
bool bind_waits(const struct stream *);		/* a session may still be found */
bool bind_hoped(const struct stream *);		/* one may be found already */

/* reassemble.c */
/* Delivers the part and what it makes contiguous, or holds it. 0, or -ENOSPC when a
 * cap turned what was missing before it into a gap. */
int sequence_push(struct stream *, struct sequence *, const struct part *);
/* Of what is missing at its place now; otherwise: where it is not known to have died with a process. */
enum loss sequence_cause(struct sequence *, enum loss otherwise);
void sequence_expire(struct stream *, struct sequence *, struct stamp now);
void sequence_drain(struct stream *, struct sequence *, enum loss cause, struct stamp);
/* Only up to the first held piece of another layer than LAYER_SOCKET. */
void sequence_drain_socket(struct stream *, struct sequence *, struct stamp);

/* deliver.c: of parts in order, from reassemble.c */
void stream_deliver(struct stream *, struct sequence *, const struct part *);
/* follow: layer of what comes after the gap, 0: nothing does. */
void stream_lose(struct stream *, struct sequence *, uint64_t lost, enum loss, unsigned follow, struct stamp);
/* From here on the session is told plaintext of TLS, not of the socket. */
void stream_enter_tls(struct stream *, struct stamp);
void stream_learn(struct stream *, const struct chunk *);
void stream_flush(struct stream *, struct stamp, bool closed);
void stream_end(struct stream *, struct stamp, bool closed);	/* of the session: all is told, then closed */
void stream_open(struct stream *);

/* tls_record.c */
void cipher_walk(struct stream *, enum dir, const struct part *);
void cipher_lose(struct stream *, enum dir, uint64_t lost, enum loss);
void cipher_plain(struct stream *, enum dir, uint64_t n);
void cipher_lose_plain(struct stream *, enum dir, uint64_t n, enum loss);	/* before cipher_plain of as much */
void cipher_adopt(struct stream *, enum dir, const struct cipher *from);	/* its account is in the stream's */
void cipher_interval(struct stream *, enum dir);	/* before an account is told and goes on */
/* Before cipher_plain of n bytes: no record that passed is theirs. */
void cipher_ahead(struct stream *, enum dir, uint64_t n);
bool cipher_waits(struct stream *, enum dir);	/* plaintext of what passed is still to come */
void cipher_settle(struct stream *, enum dir);	/* no plaintext will come: early records are opaque */
void cipher_close(struct stream *, enum dir);
int64_t cipher_room(const struct stream *, enum dir);	/* plaintext that its records may still carry */
/* How many records, and bytes in them, came before the one with the session's first plaintext. */
void cipher_split(struct stream *, enum dir, uint32_t records, int64_t bodies);
/* Of this overhead: how much more it may be, for padding. */
static inline uint32_t cipher_padding(uint8_t overhead)
{
	return overhead == OVERHEAD_CBC_SHA || overhead == OVERHEAD_CBC_SHA256 || overhead == OVERHEAD_CBC_SHA384 ? CBC_PADDING : 0;
}
void cipher_overhead(struct stream *, enum dir, uint8_t overhead);	/* where no handshake told it */

/* tls_early.c */
/* Which early record is the first with plaintext, of which n bytes came; sure: by its size. late: the
 * connection is older than weir. client: who sent them. */
unsigned early_split(const struct cipher *, int64_t n, bool late, bool client, bool *sure);
/* How many of the `split` before it are of the handshake: the rest is data that nobody saw. */
unsigned early_alert(const struct cipher *, bool late);	/* of a connection older than weir: 1, all it has is the alert of its end */
unsigned early_shake(const struct cipher *, unsigned split, bool late, bool client);
/* Of a direction without plaintext, by the library's own count: how many are of the handshake, tickets and the alert of
 * its end among them. ours: it is what was sent; what was received may be data that nobody read. */
unsigned early_silent(const struct cipher *, bool client, bool ours);
void early_overhead(struct cipher *, int64_t n);	/* what the first plaintext, n bytes, tells of it */

/* trace.c */
int trace_init(struct stream_table *);
enum trace_state trace_get(const struct stream_table *, uint64_t id, struct trace *out);
void trace_leave(struct stream_table *, const struct stream *, bool closed);
void trace_close(struct stream_table *, uint64_t id, const uint64_t pos[2], const uint64_t total[2], uint64_t time);
bool trace_plain(struct stream_table *, uint64_t id, const struct plain_end *);	/* false: it is not closing */
void trace_fill(struct trace *, const struct stream *);
/* mark.c */
bool mark_is_there(const struct stream_table *, uint64_t id);
void mark_resume(struct stream *);
/* Who it is, if a process before this one knew it and had not told of all that it moved until its end; else NULL. */
const struct conn_facts *mark_unfinished(const struct stream_table *, uint64_t id, const uint64_t final[2]);
void trace_resume(struct stream *, const struct trace *);
#endif
