/* SPDX-License-Identifier: Apache-2.0 */
/* back.c - the order of the back stages: context -> policy -> store -> output.
 *
 * A leaf goes to the sinks only after it is durable and signed: events wait in a list
 * until the commit that covers them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "context/context.h"
#include "daemon/pipeline.h"
#include "model/class.h"
#include "model/flow.h"
#include "policy/policy.h"
#include "store/flows.h"
#include "store/index.h"
#include "store/ledger.h"
#include "store/violations.h"

#define INTERVALS 4	/* open at once: the running one and those that are being settled */
#define HELD_MAX 4096	/* exchanges that wait for facts about their ends */
#define EVENTS_MAX 65536
#define LIVE_MS 1000	/* how old the open rows of the index may be */

struct held { struct held *next; uint64_t since; struct fact fact; };
struct pending_event { struct pending_event *next; uint64_t leaf; char type[WORD_SIZE]; char *json, *line; size_t len; };

struct interval {
	uint32_t epoch;
	bool used, changed;
	uint64_t start_ms;
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
	struct pending_event *events, **events_end;
	size_t nr_events;
	uint64_t events_dropped;
	bool failed;
	char why[256];
	unsigned selftest, selftest_interval, selftest_told;
	uint32_t selftest_tgid;
	uint64_t live_at, started_ms;
	struct back_totals totals;
	char boot_id[40];
	char policy_hash[65], class_hash[65];
	struct buf buf;
	uint64_t rules_broken;	/* scratch of one exchange */
};

/* Leaves. */

static void event_queue(struct back *b, const char *type, const char *json, size_t len, const char *line, uint64_t leaf)
{
	struct pending_event *e = b->nr_events < EVENTS_MAX ? calloc(1, sizeof(*e)) : NULL;

	if (!e) {
		b->events_dropped++;
		return;
	}
	snprintf(e->type, sizeof(e->type), "%s", type);
	e->json = strndup(json, len);
	e->line = line ? strdup(line) : NULL;
	e->len = len;
	e->leaf = leaf;
	*b->events_end = e;
	b->events_end = &e->next;
	b->nr_events++;
}

static void events_send(struct back *b)
{
	while (b->events) {
		struct pending_event *e = b->events;

		b->events = e->next;
		if (e->json && b->config.emit)
			b->config.emit(b->config.owner, e->type, e->json, e->len, e->line, e->leaf);
		free(e->json);
		free(e->line);
		free(e);
	}
	b->events_end = &b->events;
	b->nr_events = 0;
}

static void back_fail(struct back *b, const char *what, int err)
{
	if (b->failed)
		return;
	b->failed = true;
	snprintf(b->why, sizeof(b->why), "%s: %s", what, strerror(err < 0 ? -err : err));
}

static void leaf_add(struct back *b, const char *type, const char *json, size_t len, const char *line)
{
	int64_t leaf = -1;

	if (b->ledger && !b->failed) {
		leaf = ledger_append(b->ledger, json, len);
		if (leaf < 0)
			back_fail(b, "cannot append to the ledger", (int)leaf);
		else if (index_leaf(b->index, (uint64_t)leaf, json, len))
			log_warn("the index did not take a leaf; it is made again at the next start leaf=%lld", (long long)leaf);
	}
	b->totals.leaves++;
	event_queue(b, type, json, len, line, leaf < 0 ? UINT64_MAX : (uint64_t)leaf);
}

static void commit(struct back *b)
{
	int err = b->ledger && !b->failed ? ledger_commit(b->ledger) : 0;

	if (err)
		back_fail(b, "cannot make the ledger durable", err);
	if (b->index)
		index_commit(b->index), index_begin(b->index);
	if (!b->failed)
		events_send(b);
}

/* One leaf made with the JSON writer. */
static struct json leaf_begin(struct back *b, const char *type)
{
	struct json j;

	buf_reset(&b->buf);
	json_init(&j, &b->buf);
	json_open(&j, NULL, '{');
	json_string(&j, "type", type);
	json_time(&j, "time", clock_utc_ms());
	return j;
}

static void leaf_end(struct back *b, struct json *j, const char *type, const char *line)
{
	json_close(j, '}');
	leaf_add(b, type, buf_str(&b->buf), b->buf.len, line);
}

/* Intervals. */

static struct interval *interval_get(struct back *b, uint32_t epoch)
{
	struct interval *i = &b->intervals[epoch % INTERVALS];

	if (i->used && i->epoch == epoch)
		return i;
	if (i->used)	/* never sealed: its books did not come */
		return NULL;
	i->used = i->changed = true;
	i->epoch = epoch;
	i->start_ms = clock_utc_ms();
	flows_reset(i->flows);
	coverage_reset(i->coverage);
	return i;
}

static void emit_flow(void *owner, const char *json, size_t len)
{
	leaf_add(owner, "flow", json, len, NULL);
}

static void emit_coverage(void *owner, const char *json, size_t len)
{
	leaf_add(owner, "coverage", json, len, NULL);
}

static void emit_violation(void *owner, const char *json, size_t len, const char *line)
{
	leaf_add(owner, "violation", json, len, line);
}

static uint64_t next_leaf(void *owner)
{
	const struct back *b = owner;

	return b->ledger ? ledger_size(b->ledger) : b->totals.leaves;
}

static void emit_open_flow(void *owner, const char *json, size_t len)
{
	index_open_row(((struct back *)owner)->index, "flow", json, len);
}

static void emit_open_coverage(void *owner, const char *json, size_t len)
{
	index_open_row(((struct back *)owner)->index, "coverage", json, len);
}

/* What the running intervals have so far, for commands that read while weir runs. */
static void live_rows(struct back *b)
{
	uint64_t now = clock_utc_ms();
	bool changed = false;

	for (unsigned i = 0; i < INTERVALS; i++)
		changed |= b->intervals[i].used && b->intervals[i].changed;
	if (!b->index || !changed || now - b->live_at < LIVE_MS)
		return;
	b->live_at = now;
	index_open_clear(b->index, "flow");
	index_open_clear(b->index, "coverage");
	for (unsigned i = 0; i < INTERVALS; i++) {
		struct interval *v = &b->intervals[i];

		if (!v->used)
			continue;
		v->changed = false;
		flows_write(v->flows, v->start_ms, now, false, emit_open_flow, b);
		coverage_write(v->coverage, v->start_ms, now, emit_open_coverage, b);
	}
	index_commit(b->index);
	index_begin(b->index);
}

/* Exchanges. */

static void selftest_seen(struct back *b, const struct exchange *ex)
{
	int email = class_find("email"), pan = class_find("pan");
	unsigned bit = ex->conn.tls == TLS_PRESENT ? 2 : 1, found = 0;
	const char *path = bit == 2 ? "tls" : "plain";
	struct json j;

	for (uint32_t i = 0; i < ex->nr_findings; i++)
		found |= (ex->findings[i].class_id == email ? 1u : 0) | (ex->findings[i].class_id == pan ? 2u : 0);
	if (found != 3)
		return;
	if (b->selftest_tgid != ex->conn.process.tgid) {
		b->selftest_tgid = ex->conn.process.tgid;
		b->selftest_told = 0;
	}
	b->selftest |= bit;
	b->selftest_interval |= bit;
	if (b->selftest_told & bit)
		return;
	b->selftest_told |= bit;
	j = leaf_begin(b, "selftest");
	json_string(&j, "path", path);
	json_string(&j, "result", "detected");
	json_uint(&j, "latency_ms", (clock_boot_ns() - ex->at.time) / 1000000);
	leaf_end(b, &j, "selftest", NULL);
}

/* Every rule against every finding; an exchange counts once per rule and class. */
static void judge(struct back *b, const struct exchange *ex, const struct flow_facts *flow)
{
	uint64_t utc = clock_boot_to_utc_ms(ex->at.time);

	for (size_t r = 0; r < policy_rules(b->policy); r++) {
		uint8_t seen[32] = { 0 };

		for (uint32_t i = 0; i < ex->nr_findings; i++) {
			const struct finding *f = &ex->findings[i];

			if (seen[f->class_id / 8] & 1 << f->class_id % 8)
				continue;
			if (policy_eval(b->policy, r, flow, f) != VERDICT_VIOLATION)
				continue;
			seen[f->class_id / 8] |= (uint8_t)(1 << f->class_id % 8);
			violations_add(b->violations, policy_rule(b->policy, r), flow, f, ex, utc,
				       next_leaf(b), emit_violation, b);
		}
	}
}

static void do_exchange(struct back *b, const struct exchange *ex)
{
	struct interval *v = interval_get(b, ex->at.epoch);
	struct flow_facts flow;

	context_flow(b->context, &ex->conn, ex->protocol, ex->method, ex->route, ex->host, ex->status, ex->auth, &flow);
	if (flow.selftest) {
		selftest_seen(b, ex);
		return;
	}
	b->totals.exchanges++;
	for (uint32_t i = 0; i < ex->nr_findings; i++)
		b->totals.findings += ex->findings[i].count;
	if (v) {
		v->changed = true;
		flows_exchange(v->flows, &flow, ex);
		coverage_bytes(v->coverage, &flow, &ex->bytes, "");
	}
	judge(b, ex, &flow);
}

static void do_traffic(struct back *b, const struct traffic *t)
{
	struct interval *v = interval_get(b, t->at.epoch);
	struct flow_facts flow;

	context_flow(b->context, &t->conn, t->protocol, "", t->route, t->host, 0, AUTH_NONE, &flow);
	if (flow.selftest || !v)
		return;
	v->changed = true;
	flows_traffic(v->flows, &flow, t);
	coverage_bytes(v->coverage, &flow, &t->bytes, t->reason);
}

static void held_do(struct back *b)
{
	struct held *h = b->held;

	b->held = h->next;
	if (!b->held)
		b->held_end = &b->held;
	b->nr_held--;
	if (h->fact.kind == FACT_EXCHANGE)
		do_exchange(b, &h->fact.exchange);
	else
		do_traffic(b, &h->fact.traffic);
	free(h);
}

/* Keeps a copy no longer than it must be: the findings that are there, not room for all. */
static void hold(struct back *b, const struct fact *f)
{
	size_t size = sizeof(struct held);
	struct held *h;

	if (f->kind == FACT_EXCHANGE)
		size -= sizeof(struct finding) * (MAX_FINDINGS - f->exchange.nr_findings);
	if (b->nr_held == HELD_MAX)
		held_do(b);
	h = malloc(sizeof(struct held));
	if (!h)
		return;
	memcpy(&h->fact, f, size - offsetof(struct held, fact));
	h->next = NULL;
	h->since = clock_boot_ns();
	*b->held_end = h;
	b->held_end = &h->next;
	b->nr_held++;
}

static void event_gap(struct back *b, const struct event_fact *e)
{
	uint64_t utc = clock_boot_to_utc_ms(e->time);

	back_gap(b, e->subject, e->detail, utc, clock_utc_ms());
}

int back_fact(struct back *b, const struct fact *f)
{
	switch (f->kind) {
	case FACT_EXCHANGE:
	case FACT_TRAFFIC:
		hold(b, f);
		return 0;
	case FACT_PROCESS:
		return context_process(b->context, &f->process);
	case FACT_CONN:
		return context_conn(b->context, &f->conn);
	case FACT_BOOKS:
		back_interval(b, &f->books);
		return 0;
	case FACT_EVENT:
		if (!strcmp(f->event.kind, "gap"))
			event_gap(b, &f->event);
		return 0;
	}
	return -EINVAL;
}

void back_tick(struct back *b, uint64_t now)
{
	while (b->held && now - b->held->since >= BACK_HOLD_NS)
		held_do(b);
	if (b->nr_events)
		commit(b);
	live_rows(b);
}

unsigned back_selftest(struct back *b)
{
	unsigned bits = b->selftest;

	b->selftest = 0;
	return bits;
}

bool back_failed(const struct back *b, char *why, size_t why_size)
{
	if (b->failed)
		snprintf(why, why_size, "%s", b->why);
	return b->failed;
}

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
	write_loss(b, k, "queue_full", k->queue_full, 0);
	write_loss(b, k, "crash_lost", k->crash_lost, 0);
	write_loss(b, k, "undecodable", k->undecodable, 0);
	write_loss(b, k, "over_budget", k->over_budget, 0);
	write_loss(b, k, "keeper_lost", k->keeper_lost, 0);
	write_loss(b, k, "skipped_run", k->skipped_runs, 0);
	write_loss(b, k, "life_ring_full", k->life_ring_full, 0);
}

static void write_selftest_missed(struct back *b)
{
	static const char *const paths[] = { "plain", "tls" };

	for (unsigned i = 0; i < 2; i++) {
		struct json j;

		if (b->selftest_interval & 1u << i)
			continue;
		j = leaf_begin(b, "selftest");
		json_string(&j, "path", paths[i]);
		json_string(&j, "result", "missed");
		leaf_end(b, &j, "selftest", NULL);
	}
	b->selftest_interval = 0;
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
	snprintf(line, sizeof(line), "checkpoint size=%llu root=%s exchanges=%llu lost=%llu", (unsigned long long)size, text,
		 (unsigned long long)b->totals.exchanges,
		 (unsigned long long)(k->ring_full + k->queue_full + k->crash_lost + k->no_state));
	leaf_end(b, &j, "heartbeat", line);
	if (!ok)
		log_error("the books of an interval do not balance epoch=%u: see its heartbeat leaf", k->epoch);
}

static void tell_coverage(void *owner, const struct process_facts *p)
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

	while (b->held)	/* all facts of the interval are here: the monitor has counted them */
		held_do(b);
	v = interval_get(b, k->epoch);
	if (v) {
		context_each(b->context, tell_coverage, v->coverage);
		flows_write(v->flows, k->start_ms, k->end_ms, true, emit_flow, b);
		coverage_write(v->coverage, k->start_ms, k->end_ms, emit_coverage, b);
		v->used = false;
	}
	violations_interval(b->violations, now, k->end_ms, next_leaf, emit_violation, b);
	write_losses(b, k);
	write_selftest_missed(b);
	write_heartbeat(b, k);
	context_forget(b->context, now > 600000000000ull ? now - 600000000000ull : 0);
	if (b->index) {
		index_open_clear(b->index, "flow");
		index_open_clear(b->index, "coverage");
	}
	commit(b);
}

/* Life. */

void back_gap(struct back *b, const char *role, const char *reason, uint64_t from_ms, uint64_t to_ms)
{
	char line[256], from[UTC_SIZE], to[UTC_SIZE];
	struct json j = leaf_begin(b, "gap");

	json_time(&j, "from", from_ms);
	json_time(&j, "to", to_ms);
	json_string(&j, "reason", reason);
	json_string(&j, "role", role);
	clock_format(from, from_ms);
	clock_format(to, to_ms);
	snprintf(line, sizeof(line), "gap %s..%s role=%s %s", from, to, role, reason);
	leaf_end(b, &j, "gap", line);
	commit(b);
}

struct last_leaf { char type[32]; uint64_t time; bool any; };

static int on_last(void *owner, int columns, const char *const *v)
{
	struct last_leaf *l = owner;

	if (columns < 2 || !v[0] || !v[1])
		return 0;
	snprintf(l->type, sizeof(l->type), "%s", v[0]);
	l->time = strtoull(v[1], NULL, 10);
	l->any = true;
	return 0;
}

/* A log that does not end with a stop was cut short: say from when. */
static void gap_before_start(struct back *b)
{
	struct last_leaf last = { 0 };
	char why[128];

	if (!b->index || index_query(b->index, "SELECT type, time FROM leaf ORDER BY leaf DESC LIMIT 1", NULL, 0, on_last, &last,
				     why, sizeof(why)))
		return;
	if (last.any && strcmp(last.type, "genesis"))
		back_gap(b, "monitor", !strcmp(last.type, "stop") ? "weir was not running" :
			 "weir ended without a stop: killed, crashed or power lost", last.time, clock_utc_ms());
}

static void write_policy(struct back *b)
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
	leaf_end(b, &j, "policy", NULL);
}

void back_start(struct back *b, const char *hooks, const char *filters, const char *version, const char *build)
{
	struct utsname u;
	struct json j;

	gap_before_start(b);
	uname(&u);
	j = leaf_begin(b, "start");
	json_string(&j, "boot_id", b->boot_id);
	json_string(&j, "host", b->config.host);
	json_string(&j, "version", version);
	json_string(&j, "build", build);
	json_string(&j, "kernel", u.release);
	json_string(&j, "hooks", hooks);
	json_string(&j, "policy_hash", b->policy_hash);
	json_string(&j, "class_hash", b->class_hash);
	json_string(&j, "filters", filters[0] ? filters : NULL);
	leaf_end(b, &j, "start", NULL);
	write_policy(b);
	b->started_ms = clock_utc_ms();
	commit(b);
}

void back_stop(struct back *b, const char *reason)
{
	struct back_totals t;
	struct json j;

	while (b->held)
		held_do(b);
	back_totals(b, &t);
	j = leaf_begin(b, "stop");
	json_string(&j, "reason", reason);
	json_open(&j, "totals", '{');
	json_uint(&j, "exchanges", t.exchanges);
	json_uint(&j, "findings", t.findings);
	json_uint(&j, "violations", t.violations);
	json_close(&j, '}');
	leaf_end(b, &j, "stop", NULL);
	commit(b);
}

void back_totals(const struct back *b, struct back_totals *t)
{
	*t = b->totals;
	t->violations = violations_opened(b->violations);
	t->open = violations_open(b->violations);
}

/* Opening. */

static int index_catch_up(struct back *b, char *why, size_t why_size)
{
	uint64_t have = index_size(b->index), size = ledger_size(b->ledger);

	if (have > size) {	/* of another or longer log: made again from this one */
		index_close(b->index);
		if (unlink("index.sqlite") && errno != ENOENT)
			return -errno;
		b->index = index_open("index.sqlite", true, why, why_size);
		if (!b->index)
			return -EIO;
		have = 0;
	}
	index_begin(b->index);
	for (; have < size; have++) {
		size_t len;
		const char *json = ledger_leaf(b->ledger, have, &len);

		if (!json || index_leaf(b->index, have, json, len)) {
			snprintf(why, why_size, "cannot index leaf %llu", (unsigned long long)have);
			return -EIO;
		}
	}
	return index_commit(b->index) | index_begin(b->index);
}

static int on_open_violation(void *owner, int columns, const char *const *values)
{
	struct back *b = owner;
	uint64_t window = 3600000000000ull;

	for (size_t i = 0; values[1] && i < policy_rules(b->policy); i++)
		if (!strcmp(policy_rule(b->policy, i)->id, values[1]))
			window = policy_rule(b->policy, i)->window_ns;
	violations_restore(b->violations, columns, values, window, clock_boot_ns(), clock_utc_ms());
	return 0;
}

static void write_genesis(struct back *b)
{
	struct utsname u;
	struct json j = leaf_begin(b, "genesis");

	uname(&u);
	json_string(&j, "host", b->config.host);
	json_string(&j, "machine", u.machine);
	json_string(&j, "origin", ledger_origin(b->ledger));
	json_string(&j, "key", ledger_vkey(b->ledger));
	leaf_end(b, &j, "genesis", NULL);
	commit(b);
}

static int store_open(struct back *b, char *why, size_t why_size, int *exit_code)
{
	enum ledger_error err = LEDGER_OK;
	char reason[200];
	bool created = false;
	uint64_t cut = 0;

	b->ledger = ledger_open(b->config.state, b->config.host, &created, &cut, &err, reason, sizeof(reason));
	if (!b->ledger) {
		snprintf(why, why_size, "the ledger cannot be used and nothing was changed: %s", reason);
		*exit_code = err == LEDGER_IO ? 3 : 4;
		return -EIO;
	}
	b->index = index_open("index.sqlite", true, reason, sizeof(reason));
	if (!b->index) {
		snprintf(why, why_size, "cannot open the index: %s", reason);
		*exit_code = 3;
		return -EIO;
	}
	if (index_catch_up(b, reason, sizeof(reason))) {
		snprintf(why, why_size, "cannot bring the index up to the ledger: %s", reason);
		*exit_code = 3;
		return -EIO;
	}
	if (created)
		write_genesis(b);
	if (index_query(b->index, violations_restore_sql, NULL, 0, on_open_violation, b, reason, sizeof(reason)))
		log_warn("open violations cannot be taken over and will open again: %s", reason);
	if (cut)
		log_warn("the last %llu bytes of the ledger were a torn leaf, signed by nobody, and were cut", (unsigned long long)cut);
	return 0;
}

static bool policies_open(struct back *b, const struct back_config *c)
{
	struct policy_file files[32];

	if (c->nr_policies > 32)
		return false;
	for (size_t i = 0; i < c->nr_policies; i++)
		files[i] = (struct policy_file){ c->policy_names[i], c->policy_texts[i], c->policy_sizes[i] };
	b->policy = policy_load(files, c->nr_policies, stderr);
	if (!b->policy)
		return false;
	policy_hash(b->policy, b->policy_hash);
	class_set_hash(b->class_hash);
	return true;
}

struct back *back_new(const struct back_config *config, char *why, size_t why_size, int *exit_code)
{
	struct back *b = calloc(1, sizeof(*b));
	bool ok;

	*exit_code = 3;
	snprintf(why, why_size, "no memory");
	if (!b)
		return NULL;
	b->config = *config;
	b->held_end = &b->held;
	b->events_end = &b->events;
	buf_init(&b->buf, 1 << 20);
	b->context = context_new(16384, 131072);
	b->violations = violations_new();
	ok = b->context && b->violations;
	for (unsigned i = 0; i < INTERVALS; i++) {
		b->intervals[i].flows = flows_new();
		b->intervals[i].coverage = coverage_new();
		ok &= b->intervals[i].flows && b->intervals[i].coverage;
	}
	if (ok && !policies_open(b, config)) {
		*exit_code = 2;
		snprintf(why, why_size, "the policy was refused; weir policy check FILE says the same without starting");
		ok = false;
	}
	if (ok && config->state >= 0 && store_open(b, why, why_size, exit_code))
		ok = false;
	if (ok)
		return b;
	back_free(b);
	return NULL;
}

void back_free(struct back *b)
{
	if (!b)
		return;
	while (b->held) {
		struct held *h = b->held;

		b->held = h->next;
		free(h);
	}
	events_send(b);
	for (unsigned i = 0; i < INTERVALS; i++) {
		flows_free(b->intervals[i].flows);
		coverage_free(b->intervals[i].coverage);
	}
	violations_free(b->violations);
	policy_free(b->policy);
	context_free(b->context);
	if (b->index)
		index_close(b->index);
	if (b->ledger)
		ledger_close(b->ledger);
	buf_free(&b->buf);
	free(b);
}

void back_boot_id(struct back *b, const char *boot_id)
{
	snprintf(b->boot_id, sizeof(b->boot_id), "%s", boot_id);
}

void back_address(struct back *b, uint16_t family, const uint8_t addr[16])
{
	context_host_address(b->context, family, addr);
}
