/* SPDX-License-Identifier: Apache-2.0 */
/* back_private.h - the state of the back half, shared by back.c (facts in, leaves out)
 * and back_life.c (intervals, starts, stops, gaps). */
#ifndef WEIR_BACK_PRIVATE_H
#define WEIR_BACK_PRIVATE_H
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "daemon/pipeline.h"
#include "model/flow.h"

#define INTERVALS 4	/* open at once: the running one and those that are being settled */
#define HELD_MAX 4096	/* exchanges that wait for facts about their ends */
#define EVENTS_MAX 65536
#define LIVE_MS 1000	/* how old the open rows of the index may be */

struct held { struct held *next; uint64_t since; size_t size; struct fact fact; };	/* cut off behind its findings */
struct pending_event { struct pending_event *next; uint64_t leaf; char type[WORD_SIZE]; char *json, *line; size_t len, size; };

struct interval {
	uint32_t epoch;
	bool used, changed;
	uint64_t start_ms;
	unsigned selftest;	/* bits that came out in it: 1 plain, 2 TLS */
	struct flows *flows;
	struct coverage *coverage;
};

struct back {
	struct back_config config;
	struct context *context;
	struct policy_set *policy;
	struct violations *violations;
	struct ledger *ledger;
	struct index *index;
	struct interval intervals[INTERVALS];
	struct held *held, **held_end;
	size_t nr_held;
	uint64_t heard;	/* of what happened before then, all who were there have been told */
	struct pending_event *events, **events_end;
	size_t nr_events;
	uint64_t events_dropped;
	bool failed, index_behind;	/* index_behind: it lacks leaves, nothing is written to it */
	int err;
	char why[256];
	struct clock_watch clock;
	/* Of the interval: findings an exchange had no room for; verdicts for which a fact was
	 * not known; violations dropped that were told already. */
	uint64_t findings_dropped, undecided, violations_told, refused_told, events_told;
	unsigned selftest, selftest_told;
	uint32_t selftest_tgid;
	uint64_t live_at, started_ms, first_leaf;	/* first_leaf: of this start */
	struct back_totals totals;
	char boot_id[40];
	char policy_hash[65], class_hash[65];
	struct buf buf;
};

struct json leaf_begin(struct back *, const char *type);
void leaf_end(struct back *, struct json *, const char *type, const char *line);
void leaf_add(struct back *, const char *type, const char *json, size_t len, const char *line);
void back_commit(struct back *);
int store_open(struct back *, char *why, size_t why_size, int *exit_code);
void index_take(struct back *, uint64_t leaf, const char *json, size_t len);
void index_settle(struct back *);	/* commits it, after the ledger */
void index_drop(struct back *);		/* takes back what was not committed, for good */
void index_again(struct back *);	/* if it failed: makes it whole, or leaves it for the next time */
bool last_sealed_ms(struct back *, uint64_t *utc_ms);	/* end of the last sealed interval, or the start */
void clock_check(struct back *);	/* writes a leaf when the wall clock was set */
void back_settle(struct back *);	/* does all exchanges that are held */
void back_settle_interval(struct back *, uint32_t epoch);	/* those of this interval and older ones */
struct interval *interval_get(struct back *, uint32_t epoch);
uint64_t next_leaf(void *back);
void tell_coverage(void *coverage, const struct process_facts *);
void emit_flow(void *back, const char *json, size_t len);
void emit_coverage(void *back, const char *json, size_t len);
void emit_violation(void *back, const char *json, size_t len, const char *line);
void back_write_policy(struct back *);	/* which policies hold, as a leaf */
#endif
