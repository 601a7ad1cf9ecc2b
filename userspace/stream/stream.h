/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - chunks in any order -> ordered slices and explicit gaps, per
 * connection and direction. Holds bytes only while an earlier piece is missing.
 * Counts every byte of a connection into the byte_account of its direction. Called by the
 * analyst's pipeline only; never parses payload, never allocates past its caps. */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H
#include <stdbool.h>
#include "model/payload.h"

struct stream_limits {
	size_t connections;	/* tracked at once; the longest idle one of the workload (cgroup) that has most is evicted */
	size_t per_connection;	/* bytes held back out of order, both directions */
	size_t total;		/* bytes held back in all */
	uint64_t reorder_ns;	/* a missing piece is a gap after this long */
	uint64_t idle_ns;	/* a connection without a close is dropped after this long */
	size_t per_workload;	/* bytes held back of one workload, so that no one takes all; 0: no limit of its own */
};
#define STREAM_LIMITS_DEFAULT ((struct stream_limits){ 131072, 256 << 10, 32 << 20, 200000000ull, 3600000000000ull, 24 << 20 })

/* The other side: protocol/. `session` is what open returned (NULL: no memory; it is asked again). */
struct stream_sink {
	void *owner;
	void *(*open)(void *owner, const struct conn_facts *, struct byte_account by[2]);	/* enum dir */
	/* The facts of the connection became better (role, binding, TLS). */
	void (*update)(void *session, const struct conn_facts *);
	void (*bytes)(void *session, enum dir, struct slice, struct stamp);
	void (*gap)(void *session, enum dir, uint64_t lost, enum loss, struct stamp);
	/* Records of a handshake at their position, not in order; counted elsewhere. May be NULL. */
	void (*hello)(void *session, enum dir, uint64_t pos, struct slice);
	/* No more bytes come: what waits for more is told as it is. Before the last flush. May be NULL. */
	void (*end)(void *session, struct stamp);
	/* A session that was told of an UNBOUND connection goes on as this one, of which `to` was told
	 * nothing yet: what it knows and what facts have carried of its account moves over. Returns the
	 * one that stays, the other is freed and nothing of it is told. */
	void *(*adopt)(void *to, void *from);
	/* What moved since the last call and no exchange carried; the session is still open. */
	void (*flush)(void *session, struct stamp, bool closed, const char *reason);
	void (*close)(void *session, struct stamp);
};

struct stream_stats {
	uint64_t connections, evicted, over_budget, gaps, gap_bytes, held;
	uint64_t waiting;		/* bytes of TLS sessions that wait to be bound */
	uint64_t strong, weak, rebound;	/* sessions bound by what they moved; of these, wrongly */
};

struct stream_table;
struct stream_table *stream_table_new(const struct stream_limits *, const struct stream_sink *);
/* Memory of zeros, or what a table of a dead process left in it, whose connections are then gone
 * on with. It must stay as long as the table. 0, or -1: it is not used. */
int stream_outlive(struct stream_table *, void *memory, size_t size);
/* From within a call of the sink: what the connection's account holds now was told to the world;
 * open: but what moved and is nothing else yet. */
void stream_told(struct stream_table *, bool open);
/* From within a call of bytes: where the byte behind them is. False: the kernel's side does not
 * know the connection, or its plaintext, by such a position. */
struct place { uint64_t conn, pos; enum layer layer; };
bool stream_place(const struct stream_table *, struct place *);
void stream_table_free(struct stream_table *);	/* delivers what is held, closes the sessions, wipes; NULL is fine */

/* Takes one chunk; its bytes may die on return. 0, -ENOMEM when nothing was taken, so that
 * its bytes show as a jump in the stream, or -ENOSPC when a cap made
 * a gap of what was missing before it, or when it cannot belong to any stream
 * (connection 0, absurd position or length); both are counted in over_budget. */
int stream_push(struct stream_table *, const struct chunk *);

/* The kernel closed the connection at these final positions (socket bytes) having
 * moved `sent` and `received`. Finishes now, or when the stream has got there, or
 * after reorder_ns. What the kernel moved and no chunk told of becomes a gap. It may
 * come before the first chunk: then it is kept, as long as there is room. */
void stream_close(struct stream_table *, uint64_t conn, uint64_t sent_pos, uint64_t received_pos,
		  uint64_t sent, uint64_t received, struct stamp);

/* After a close of which is known whose connection it was, told for the first time: should nothing of it have
 * come reorder_ns later, all that it moved is lost. before: as stream_untold has it. */
void stream_unheard(struct stream_table *, const struct conn_facts *, const enum loss before[2], uint64_t time);

/* Where a connection that goes on has come to (socket bytes): what has not come reorder_ns later is
 * a gap. */
void stream_reach(struct stream_table *, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, struct stamp);
/* Before either of the two: why the last of its bytes are missing, if they are; by enum dir. */
void stream_untold(struct stream_table *, uint64_t conn, const enum loss before[2]);

/* Right before a close, or after it: where the plaintext of its TLS session ends, by the probes' own count. */
struct plain_end {
	uint64_t pos[2];	/* by enum dir */
	uint8_t before[2];	/* enum loss: why plaintext before these is missing, if any is */
	bool known, cut;	/* cut: the last write sent something, and nobody told what */
};
void stream_plain(struct stream_table *, uint64_t conn, const struct plain_end *);

/* Passage of time: gaps for overdue pieces, idle connections, pending closes. */
void stream_tick(struct stream_table *, struct stamp now);
/* End of an interval, of which every chunk has come: flush every connection that moved bytes. */
void stream_interval(struct stream_table *, struct stamp now);
/* In its place where nothing comes any more: what was told as closed ends, too, though something of it that it would
 * have waited for has not come. */
void stream_last(struct stream_table *, struct stamp now);
void stream_stats(const struct stream_table *, struct stream_stats *);
#endif
