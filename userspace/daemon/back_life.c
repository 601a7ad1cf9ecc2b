/* SPDX-License-Identifier: Apache-2.0 */
/* back_life.c - the leaves of weir's own life: intervals with their books, losses and
 * coverage; starts, stops, gaps, policies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "context/context.h"
#include "daemon/back_private.h"
#include "model/class.h"
#include "policy/policy.h"
#include "store/flows.h"
#include "store/index.h"
#include "store/ledger.h"
#include "store/violations.h"

/* Sealing. */

static bool balanced(const struct books *k)
{
	return k->produced == k->submitted + k->ring_full + k->unreadable + k->too_big + k->no_state &&
	       k->submitted == k->read &&
	       k->read == k->analysed + k->queue_full + k->crash_lost + k->undecodable + k->over_budget &&
	       k->findings == k->stored + k->rejected + k->keeper_lost;
}

static void write_loss(struct back *b, const struct books *k, const char *cause, uint64_t records, uint64_t bytes)
{
	struct json j;

	if (!records && !bytes)
		return;
	j = leaf_begin(b, "loss");
	json_time(&j, "start", k->start_ms);
	json_time(&j, "end", k->end_ms);
	json_string(&j, "cause", cause);
	json_uint(&j, "records", records);
	json_uint(&j, "bytes", bytes);
	leaf_end(b, &j, "loss", NULL);
}

static void write_losses(struct back *b, const struct books *k)
{
	write_loss(b, k, "ring_full", k->ring_full, k->bytes_ring_full);
	write_loss(b, k, "unreadable", k->unreadable, k->bytes_unreadable);
	write_loss(b, k, "truncated", k->too_big, k->bytes_too_big);
	write_loss(b, k, "no_state", k->no_state, k->bytes_no_state);
	write_loss(b, k, "queue_full", k->queue_full, k->bytes_queue_full);
	write_loss(b, k, "crash_lost", k->crash_lost, 0);
	write_loss(b, k, "undecodable", k->undecodable, 0);
	write_loss(b, k, "over_budget", k->over_budget, k->bytes_over_budget);
	write_loss(b, k, "left_out", k->left_out, k->bytes_left_out);	/* calls, counted skipped */
	write_loss(b, k, "keeper_lost", k->keeper_lost, 0);
	write_loss(b, k, "skipped_run", k->skipped_runs, 0);
	write_loss(b, k, "life_ring_full", k->life_ring_full, 0);
	write_loss(b, k, "facts_lost", k->processes_unknown, 0);
	write_loss(b, k, "closes_lost", k->closes_lost, 0);
	write_loss(b, k, "evicted", k->evicted, 0);
	write_loss(b, k, "context_full", context_refused(b->context) - b->refused_told, 0);
	write_loss(b, k, "events_dropped", b->events_dropped - b->events_told, 0);	/* of the sinks; the ledger has them */
	write_loss(b, k, "findings_dropped", b->findings_dropped, 0);
	write_loss(b, k, "violations_dropped", violations_dropped(b->violations) - b->violations_told, 0);
	/* No loss of bytes, but of judgement: a rule that could not be decided, an account that was not checked while it was open. */
	write_loss(b, k, "looks_lost", k->looks_lost, 0);
	write_loss(b, k, "messages_dropped", k->messages_dropped, 0);	/* read, but there was no memory to tell of them */
	write_loss(b, k, "hits_dropped", k->hits_dropped, 0);
	write_loss(b, k, "counts_low", k->counts_low, 0);	/* of different values and people */
	/* Bodies, of which the rest was not looked at: so many times by each cap. */
	write_loss(b, k, "inflate_ratio", k->inflate_ratio, 0);
	write_loss(b, k, "inflate_size", k->inflate_size, 0);
	write_loss(b, k, "inflate_time", k->inflate_time, 0);
	write_loss(b, k, "undecided", b->undecided, 0);
	b->violations_told = violations_dropped(b->violations);
	b->refused_told = context_refused(b->context);
	b->events_told = b->events_dropped;
	b->findings_dropped = b->undecided = 0;
}

/* Of the interval that ends: the next one's own exchange may be through already. */
static void write_selftest_missed(struct back *b, unsigned seen)
{
	static const char *const paths[] = { "plain", "tls" };

	for (unsigned i = 0; i < 2; i++) {
		struct json j;

		if (seen & 1u << i)
			continue;
		j = leaf_begin(b, "selftest");
		json_string(&j, "path", paths[i]);
		json_string(&j, "result", "missed");
		leaf_end(b, &j, "selftest", NULL);
	}
}

static void write_heartbeat(struct back *b, const struct books *k)
{
	uint8_t root[HASH_SIZE] = { 0 };
	char text[64], line[256];
	bool ok = balanced(k);
	struct json j = leaf_begin(b, "heartbeat");
	uint64_t size = b->ledger ? ledger_size(b->ledger) : b->totals.leaves;

	if (b->ledger)
		ledger_root(b->ledger, root);
	base64_encode(text, root, sizeof(root));
	json_uint(&j, "epoch", k->epoch);
	json_time(&j, "start", k->start_ms);
	json_time(&j, "end", k->end_ms);
	json_uint(&j, "boottime_ns", clock_boot_ns());
	json_string(&j, "boot_id", b->boot_id);
	json_uint(&j, "size", size);
	json_string(&j, "root", text);
	json_bool(&j, "balanced", ok);
	json_open(&j, "books", '{');
#define X(name) if (strcmp(#name, "start_ms") && strcmp(#name, "end_ms")) json_uint(&j, #name, k->name);
	BOOKS(X)
#undef X
	json_close(&j, '}');
	snprintf(line, sizeof(line), "checkpoint size=%llu root=%s records_lost=%llu", (unsigned long long)size, text,
		 (unsigned long long)(k->produced > k->analysed ? k->produced - k->analysed : 0));
	leaf_end(b, &j, "heartbeat", line);
	if (!ok)
		log_error("the books of an interval do not balance epoch=%u: see its heartbeat leaf", k->epoch);
}

void tell_coverage(void *owner, const struct process_facts *p)
{
	char workload[NAME_SIZE];

	if (p->selftest)
		return;
	workload_name(workload, p);
	coverage_process(owner, p, workload);
}

void back_interval(struct back *b, const struct books *k)
{
	struct interval *v;
	uint64_t now = clock_boot_ns();

	/* All facts of the interval are here: the monitor has counted them. Those of the next
	 * one still wait to hear who is at their other end. */
	back_settle_interval(b, k->epoch);
	v = interval_get(b, k->epoch);
	if (v) {
		context_each(b->context, tell_coverage, v->coverage);
		flows_write(v->flows, k->start_ms, k->end_ms, true, emit_flow, b);
		coverage_write(v->coverage, k->start_ms, k->end_ms, emit_coverage, b);
		v->used = false;
	}
	violations_interval(b->violations, now, k->end_ms, next_leaf, emit_violation, b);
	write_losses(b, k);
	write_selftest_missed(b, v ? v->selftest : 0);
	write_heartbeat(b, k);
	context_forget(b->context, now > 600000000000ull ? now - 600000000000ull : 0);
	if (b->index) {
		index_open_clear(b->index, "flow");
		index_open_clear(b->index, "coverage");
	}
	back_commit(b);
	index_again(b);
}

/* Life. */

void back_gap(struct back *b, const char *role, const char *reason, uint64_t from_ms, uint64_t to_ms, uint32_t number)
{
	char line[256], from[UTC_SIZE], to[UTC_SIZE];
	struct json j = leaf_begin(b, "gap");

	json_time(&j, "from", from_ms);
	json_time(&j, "to", to_ms);
	json_string(&j, "reason", reason);
	json_string(&j, "role", role);
	if (number)	/* of this start; by it a gap that is told twice is known */
		json_uint(&j, "number", number);
	clock_format(from, from_ms);
	clock_format(to, to_ms);
	snprintf(line, sizeof(line), "gap %s..%s role=%s %s", from, to, role, reason);
	leaf_end(b, &j, "gap", line);
	back_commit(b);
}

/* The last leaf that says until when everything is in the ledger: the heartbeat that sealed
 * an interval, a start or a stop. */
struct sealed { char type[32], boot_id[40]; uint64_t until, time, boottime_ns; bool any; };

static const char sealed_sql[] =
	"SELECT type, CASE type WHEN 'heartbeat' THEN \"end\" ELSE time END, time, json_extract(doc,'$.boot_id'),"
	" json_extract(doc,'$.boottime_ns') FROM leaf WHERE type IN ('heartbeat','start','stop') ORDER BY leaf DESC LIMIT 1";

static int on_sealed(void *owner, int columns, const char *const *v)
{
	struct sealed *s = owner;

	if (columns < 5 || !v[0] || !v[1] || !v[2])
		return 1;
	snprintf(s->type, sizeof(s->type), "%s", v[0]);
	s->until = strtoull(v[1], NULL, 10);
	s->time = strtoull(v[2], NULL, 10);
	snprintf(s->boot_id, sizeof(s->boot_id), "%s", v[3] ? v[3] : "");
	s->boottime_ns = v[4] ? strtoull(v[4], NULL, 10) : 0;
	s->any = true;
	return 1;
}

static bool last_sealed(struct back *b, struct sealed *s)
{
	char why[128];

	*s = (struct sealed){ .any = false };
	return b->index && !index_query(b->index, sealed_sql, NULL, 0, on_sealed, s, why, sizeof(why)) && s->any;
}

bool last_sealed_ms(struct back *b, uint64_t *utc_ms)
{
	struct sealed s;

	if (!last_sealed(b, &s))
		return false;
	*utc_ms = s.until;
	return true;
}

/* The wall clock was set. boottime_ns is beside it, which goes on evenly. */
static void write_clock(struct back *b, uint64_t from_ms, uint64_t to_ms, const char *when)
{
	char line[128], from[UTC_SIZE], to[UTC_SIZE];
	struct json j = leaf_begin(b, "clock");

	json_time(&j, "from", from_ms);
	json_time(&j, "to", to_ms);
	json_int(&j, "step_ms", (int64_t)to_ms - (int64_t)from_ms);
	json_string(&j, "when", when);
	json_uint(&j, "boottime_ns", clock_boot_ns());
	json_string(&j, "boot_id", b->boot_id);
	clock_format(from, from_ms);
	clock_format(to, to_ms);
	snprintf(line, sizeof(line), "clock %s..%s it was set %s", from, to, when);
	leaf_end(b, &j, "clock", line);
	back_commit(b);
}

void clock_check(struct back *b)
{
	uint64_t from, to;

	if (clock_stepped(&b->clock, &from, &to))
		write_clock(b, from, to, "while weir ran");
}

/* A log that does not end with a stop was cut short: say from when. Was the clock set
 * meanwhile, the times before are told on the clock of now, so that no gap ends before it
 * began. In one boot that is certain; from one to another only when it went back. */
static void gap_before_start(struct back *b)
{
	struct sealed s;
	uint64_t now = clock_utc_ms(), boot = clock_boot_ns(), should;
	bool stopped, same_boot, unknown = false;
	char reason[160];

	if (!last_sealed(b, &s))
		return;
	stopped = !strcmp(s.type, "stop");
	same_boot = s.boottime_ns && s.boottime_ns <= boot && !strcmp(s.boot_id, b->boot_id);
	should = same_boot ? s.time + (boot - s.boottime_ns) / 1000000 : s.time;
	if (same_boot ? now + CLOCK_STEP_MS <= should || should + CLOCK_STEP_MS <= now : now < should) {
		write_clock(b, should, now, "while weir was not running");
		unknown = !same_boot;
		s.until = s.until + now > should ? s.until + now - should : now;
	}
	if (s.until > now || unknown)
		s.until = now;
	snprintf(reason, sizeof(reason), "%s%s", stopped ? "weir was not running" :
		 "weir ended without a stop: killed, crashed or power lost; what it held of the open interval is lost",
		 unknown ? "; the clock went back, so that nobody can tell for how long" : "");
	back_gap(b, "monitor", reason, s.until, now, 0);
}

static const char resume_sql[] =
	"WITH s(leaf) AS (SELECT max(leaf) FROM leaf WHERE type='start')"
	" SELECT s.leaf, (SELECT max(json_extract(doc,'$.epoch')) FROM leaf WHERE type='heartbeat' AND leaf.leaf>s.leaf),"
	" (SELECT max(json_extract(doc,'$.number')) FROM leaf WHERE type='gap' AND leaf.leaf>s.leaf) FROM s";

struct resumed { struct back *back; struct back_done *done; };

static int on_resume(void *owner, int columns, const char *const *v)
{
	struct resumed *r = owner;

	r->back->first_leaf = v[0] ? strtoull(v[0], NULL, 10) : 0;
	r->done->sealed = v[1] ? (uint32_t)strtoul(v[1], NULL, 10) : 0;
	r->done->gaps = v[2] ? (uint32_t)strtoul(v[2], NULL, 10) : 0;
	return 1;
}

int back_resume(struct back *b, struct back_done *done)
{
	struct resumed r = { b, done };
	char why[128];

	*done = (struct back_done){ 0 };
	/* What the dead one had of the running interval is lost, and its rows with it. */
	index_open_clear(b->index, "flow");
	index_open_clear(b->index, "coverage");
	back_commit(b);	/* leaves that it had no time to sign */
	if (!index_query(b->index, resume_sql, NULL, 0, on_resume, &r, why, sizeof(why)))
		return 0;
	log_error("cannot tell what was durable when the keeper died: %s", why);
	return -1;
}

void back_write_policy(struct back *b)
{
	struct json j = leaf_begin(b, "policy");

	json_string(&j, "policy_hash", b->policy_hash);
	json_string(&j, "class_hash", b->class_hash);
	json_uint(&j, "rules", policy_rules(b->policy));
	json_open(&j, "files", '[');
	for (size_t i = 0; i < b->config.nr_policies; i++) {
		const char *base = strrchr(b->config.policy_names[i], '/');

		json_string(&j, NULL, base ? base + 1 : b->config.policy_names[i]);
	}
	json_close(&j, ']');
	json_open(&j, "classes", '[');	/* of the user's own */
	for (size_t i = 0; i < policy_classes(b->policy)->nr; i++)
		json_string(&j, NULL, policy_classes(b->policy)->rule[i].name);
	json_close(&j, ']');
	leaf_end(b, &j, "policy", NULL);
}

void back_start(struct back *b, const char *hooks, const char *filters, const char *version, const char *build)
{
	struct utsname u;
	struct json j;

	b->first_leaf = next_leaf(b);
	gap_before_start(b);
	uname(&u);
	j = leaf_begin(b, "start");
	json_string(&j, "boot_id", b->boot_id);
	json_uint(&j, "boottime_ns", clock_boot_ns());
	json_string(&j, "host", b->config.host);
	json_string(&j, "version", version);
	json_string(&j, "build", build);
	json_string(&j, "kernel", u.release);
	json_string(&j, "hooks", hooks);
	json_string(&j, "policy_hash", b->policy_hash);
	json_string(&j, "class_hash", b->class_hash);
	json_string(&j, "filters", filters[0] ? filters : NULL);
	leaf_end(b, &j, "start", NULL);
	back_write_policy(b);
	b->started_ms = clock_utc_ms();
	back_commit(b);
}

void back_stop(struct back *b, const char *reason)
{
	struct back_totals t;
	struct json j;

	back_settle(b);
	back_totals(b, &t);
	j = leaf_begin(b, "stop");
	json_string(&j, "reason", reason);
	json_uint(&j, "boottime_ns", clock_boot_ns());
	json_string(&j, "boot_id", b->boot_id);
	json_open(&j, "totals", '{');
	json_uint(&j, "exchanges", t.exchanges);
	json_uint(&j, "findings", t.findings);
	json_uint(&j, "violations", t.violations);
	json_close(&j, '}');
	leaf_end(b, &j, "stop", NULL);
	back_commit(b);
}

/* A local pair is two rows of a flow and one flow of data: its larger end counts. */
static const char totals_sql[] =
	"WITH f(doc) AS (SELECT doc FROM leaf WHERE type='flow' AND leaf>=CAST(?1 AS INTEGER)),"
	" n(k, r, x, d) AS (SELECT coalesce(json_extract(doc,'$.pair'), doc), json_extract(doc,'$.role'), sum(json_extract(doc,'$.exchanges')),"
	" sum((SELECT coalesce(sum(json_extract(value,'$.findings')),0) FROM json_each(doc,'$.classes'))) FROM f GROUP BY 1, 2),"
	" p(x, d) AS (SELECT max(x), max(d) FROM n GROUP BY k) SELECT coalesce(sum(x),0), coalesce(sum(d),0) FROM p";

static int on_totals(void *owner, int columns, const char *const *v)
{
	struct back_totals *t = owner;

	t->exchanges = v[0] ? strtoull(v[0], NULL, 10) : 0;
	t->findings = v[1] ? strtoull(v[1], NULL, 10) : 0;
	return 1;
}

void back_totals(const struct back *b, struct back_totals *t)
{
	char first[24], why[128];
	const char *params[] = { first };

	*t = b->totals;
	snprintf(first, sizeof(first), "%llu", (unsigned long long)b->first_leaf);
	if (index_query(b->index, totals_sql, params, 1, on_totals, t, why, sizeof(why)))
		log_warn("the totals cannot be added up: %s", why);
	t->violations = violations_opened(b->violations);
	t->open = violations_open(b->violations);
}
