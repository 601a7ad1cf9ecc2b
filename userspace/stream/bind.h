/* SPDX-License-Identifier: Apache-2.0 */
/* bind.h - what bind.c (who is bound to whom, and what waits for it) and match.c (what speaks
 * for whom) say to each other. */
#ifndef WEIR_BIND_H
#define WEIR_BIND_H
#include "stream/private.h"

#define RECENT		16	/* records and calls remembered, a direction */
#define HOPES		6	/* connections that a session may belong to */
#define SCAN		64	/* looked at for one call or record, most recently active first */
#define STALE_NS	10000000000ull	/* a connection that was quiet for so long is not looked at */

#define OF(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* A process that has either. */
struct bind_process {
	struct bind_process *next;
	struct process_key key;
	struct node candidates, sessions;	/* most recently active first */
};

/* A connection of TLS records that no session is bound to. */
struct candidate {
	struct node node;
	struct bind_process *process;
	struct stream *stream;
	uint64_t active;
	unsigned hopes;		/* sessions that may belong to it */
	uint32_t taken, given;	/* received records before these have their call; have one, it is not sure which */
	uint32_t calls;		/* of the socket, in which records passed */
	struct { uint32_t body, call; int64_t before; uint64_t order; } recent[2][RECENT];	/* before: bodies of all before it */
};

struct hope {
	struct candidate *to;
	uint32_t matches, shared;
	uint32_t next[2];	/* the first that may match next: received record, sent call */
	uint8_t overhead[2];
	bool first;		/* this is the record of the first plaintext received */
	uint32_t record;
};

struct tls_session {
	struct tls_session *bucket_next;
	struct node node, idle, holding, ripe;
	struct bind_process *process;	/* NULL: bound */
	struct process_key owner;
	uint64_t id, conn;	/* conn: its own, UNBOUND */
	uint32_t generation;
	struct stream *stream;	/* bound to */
	bool busy;		/* what it holds is being told */
	bool late;		/* it had moved before it was seen */
	bool again;		/* by then it was another's: whose positions it goes on with */
	bool placed[2], matched;	/* matched: something received was */
	uint64_t origin[2];	/* what its positions are ahead of the connection's */
	uint64_t run;		/* received since the last match */
	uint64_t doubt;		/* received in the first match that was shared */
	bool doubt_first;	/* and it was the first plaintext */
	uint32_t reads, read[RECENT];	/* calls that received, so far; sizes */
	uint32_t calls;		/* sent so far */
	uint32_t sure, taken, given;	/* calls before these: matched; have their record; have one, it is not sure which */
	struct { uint32_t size; uint64_t order; } recent[RECENT];	/* sent */
	unsigned nr_hopes, vain;
	struct hope hopes[HOPES];
	struct held *head, **tail;
	size_t held;
};

struct held;
void bind_relayed(struct stream *);	/* no session of its process is on it */
/* match.c. What a session without a connection received or sent; its hopes are better then. */
void match_received(struct stream_table *, struct tls_session *, uint64_t n);
void match_sent(struct stream_table *, struct tls_session *, uint64_t n);
/* A record that passed on a connection without a session. The session that may have sent it. */
struct tls_session *match_record(struct candidate *, enum dir, uint32_t body);
struct hope *hope_find(struct tls_session *, const struct candidate *);
uint64_t hope_score(const struct hope *);
struct hope *hope_best(struct tls_session *);	/* of more than any other speaks for; NULL: none */
bool hope_is_strong(const struct tls_session *, const struct hope *);	/* not by shared matches */
/* The record of the session's first plaintext. False: not known. */
bool match_first(const struct tls_session *, const struct stream *, const struct hope *, enum dir, uint32_t *record);
#endif
