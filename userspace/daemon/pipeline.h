/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h - the path of the data, in two halves. The front (capture, stream,
 * protocol, classify) turns records into facts; the back (context, policy, store,
 * output) turns facts into leaves. Live they are two processes, in replay one. */
#ifndef WEIR_PIPELINE_H
#define WEIR_PIPELINE_H
#include <stdbool.h>
#include <stdint.h>
#include "model/facts.h"

typedef void (*fact_sink)(void *owner, const struct fact *);

struct front;
struct front *front_new(fact_sink, void *owner);
void front_free(struct front *);
/* What it does not need to be shown from now on goes to `verdict`, with the owner of the facts. */
void front_verdicts(struct front *, void (*verdict)(void *owner, const struct capture_verdict *));
#define FRONT_MEMORY ((size_t)4 << 20)
/* Memory in which it keeps how far it told of each connection, for the next one: no payload. */
int front_outlive(struct front *, void *memory, size_t size);
int front_record(struct front *, const void *record, size_t len);	/* 0, -EBADMSG: undecodable, -ENOMEM: not taken */
int front_skip(struct front *, const void *record, size_t len);	/* likewise, and its payload is not looked at, for the budget */
struct chunk;
int front_chunk(struct front *, const struct chunk *);	/* what a record would have become; 0 or -ENOMEM */
/* After the close of one of which nothing may ever come: whose it was. */
void front_unheard(struct front *, const struct conn_facts *, const uint8_t before[2], uint64_t time);
void front_close(struct front *, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, uint64_t sent,
		 uint64_t received, struct stamp);
/* How far a connection that goes on has come; and, before either, why the last of its bytes are missing if
 * they are: enum wire_reason, by enum dir. */
void front_reach(struct front *, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, struct stamp);
/* After a close: where the plaintext of its TLS session ends; known: WIRE_PLAIN_*. */
void front_plain(struct front *, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, const uint8_t before[2], uint8_t known);
void front_untold(struct front *, uint64_t conn, const uint8_t before[2]);
void front_tick(struct front *, struct stamp);
/* Hits that could not be told, and values and messages that are missing in counts of different ones, so far. */
struct front_counts { uint64_t messages_dropped, hits_dropped, counts_low, inflate_ratio, inflate_size, inflate_time; };
struct front_counts front_counts(const struct front *);
uint64_t front_evicted(const struct front *);	/* connections let go for want of room, so far */
void front_interval(struct front *, struct stamp ended);	/* the interval is over: flush */
void front_last(struct front *, struct stamp ended);	/* and nothing will come any more: what has closed ends */

/* What the back half needs from the world. */
struct back_config {
	const char *const *policy_names;
	const char *const *policy_texts;
	const size_t *policy_sizes;
	size_t nr_policies;
	int state;		/* directory descriptor; -1: no ledger, replay */
	const char *host;	/* origin of a new log */
	/* Called with each leaf's or row's JSON; for replay and for live output. */
	void (*emit)(void *owner, const char *type, const char *json, size_t len, const char *line, uint64_t leaf);
	void *owner;
};
struct class_rules;
struct back;
struct back *back_new(const struct back_config *, char *why, size_t why_size, int *exit_code);
void back_free(struct back *);
/* What the policies define. */
const struct class_rules *back_classes(const struct back *);
/* Other policies from now on, stated in the ledger. -1 when they are refused: the old ones stay. */
int back_reload(struct back *, const char *const *names, const char *const *texts, const size_t *sizes, size_t nr);
void back_boot_id(struct back *, const char *);
void back_address(struct back *, uint16_t family, const uint8_t addr[16]);	/* one of this host's own */

/* The facts of the watched world, in any order. 0, or -EINVAL: refused. Exchanges are
 * held for BACK_HOLD_NS, so that the facts about both ends can arrive first. As long as an end on this host is not
 * known, as it may be when the host is busy, until nobody will tell of it any more: that is known by back_heard(). */
#define BACK_HOLD_NS 60000000ull
#define BACK_HOLD_MAX_NS 10000000000ull	/* then whoever is to say so does not live */
int back_fact(struct back *, const struct fact *);
bool back_asks(const struct back *, uint64_t boot_ns);	/* something is held for that */
void back_heard(struct back *, uint64_t boot_ns);	/* of what happened before then, all who were there have been told */
void back_tick(struct back *, uint64_t boot_ns);
/* Selftest results since the last call: bit 0 plain seen, bit 1 TLS seen. */
unsigned back_selftest(struct back *);
int back_failed(const struct back *, char *why, size_t why_size);	/* errno with which the ledger failed closed, or 0 */
int back_low(const struct back *);	/* errno: no room is left but for what ends this run; or 0 */

/* Leaves of life. */
void back_start(struct back *, const char *hooks, const char *filters, const char *version, const char *build);
void back_interval(struct back *, const struct books *);	/* seals the interval books->epoch */
void back_stop(struct back *, const char *reason);
void back_gap(struct back *, const char *role, const char *reason, uint64_t from_ms, uint64_t to_ms, uint32_t number);
/* In the place of back_start, by the next of a keeper that died: what is durable since the start. */
struct back_done { uint32_t sealed, gaps; };	/* the newest interval; the number of the last gap */
int back_resume(struct back *, struct back_done *);
/* Since start, for the totals at the end. */
struct back_totals { uint64_t exchanges, findings, violations, leaves, open; };
void back_totals(const struct back *, struct back_totals *);
#endif
