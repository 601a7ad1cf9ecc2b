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

#include "base/budget.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "context/context.h"
#include "daemon/back_private.h"
#include "daemon/pipeline.h"
#include "model/class.h"
#include "model/flow.h"
#include "daemon/rules.h"
#include "policy/policy.h"
#include "store/flows.h"
#include "store/index.h"
#include "store/ledger.h"
#include "store/violations.h"

/* Leaves. */

static void event_queue(struct back *b, const char *type, const char *json, size_t len, const char *line, uint64_t leaf)
{
	size_t line_size = line ? strlen(line) + 1 : 0, size = sizeof(struct pending_event) + len + 1 + line_size;
	struct pending_event *e = b->nr_events < EVENTS_MAX ? budget_alloc(size) : NULL;

	if (!e) {
		b->events_dropped++;
		return;
	}
	snprintf(e->type, sizeof(e->type), "%s", type);
	e->json = (char *)(e + 1);
	memcpy(e->json, json, len);
	e->line = line ? memcpy(e->json + len + 1, line, line_size) : NULL;
	e->len = len;
	e->size = size;
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
		if (b->config.emit)
			b->config.emit(b->config.owner, e->type, e->json, e->len, e->line, e->leaf);
		budget_free(e, e->size);
	}
	b->events_end = &b->events;
	b->nr_events = 0;
}

static void back_fail(struct back *b, int err)
{
	b->failed = true;
	b->err = -err;
	snprintf(b->why, sizeof(b->why), "%s", ledger_failure(b->ledger));
}

void leaf_add(struct back *b, const char *type, const char *json, size_t len, const char *line)
{
	int64_t leaf = -1;

	if (!*json) {	/* its buffer did not grow */
		back_fail(b, -ENOMEM);
		return;
	}
	if (b->ledger) {
		leaf = b->failed ? -1 : ledger_append(b->ledger, json, len);
		if (leaf < 0 && !b->failed)
			back_fail(b, (int)leaf);
	}
	if (leaf >= 0)
		index_take(b, (uint64_t)leaf, json, len);
	else if (!b->ledger)	/* replay: what the totals are asked of */
		index_take(b, b->totals.leaves, json, len);
	b->totals.leaves++;
	event_queue(b, type, json, len, line, leaf < 0 ? UINT64_MAX : (uint64_t)leaf);
}

void back_commit(struct back *b)
{
	int err = b->ledger && !b->failed ? ledger_commit(b->ledger) : 0;

	if (err)
		back_fail(b, err);
	if (b->failed) {	/* the index must never have what the ledger has not */
		index_drop(b);
		return;
	}
	index_settle(b);
	events_send(b);
}

/* One leaf made with the JSON writer. */
struct json leaf_begin(struct back *b, const char *type)
{
	struct json j;

	buf_reset(&b->buf);
	json_init(&j, &b->buf);
	json_open(&j, NULL, '{');
	json_string(&j, "type", type);
	json_time(&j, "time", clock_utc_ms());
	return j;
}

void leaf_end(struct back *b, struct json *j, const char *type, const char *line)
{
	json_close(j, '}');
	leaf_add(b, type, buf_str(&b->buf), b->buf.len, line);
}

/* Intervals. */

struct interval *interval_get(struct back *b, uint32_t epoch)
{
	struct interval *i = &b->intervals[epoch % INTERVALS];

	if (i->used && i->epoch == epoch)
		return i;
	if (i->used)	/* never sealed: its books did not come */
		return NULL;
	i->used = i->changed = true;
	i->epoch = epoch;
	i->start_ms = clock_utc_ms();
	i->selftest = 0;
	flows_reset(i->flows);
	coverage_reset(i->coverage);
	return i;
}

void emit_flow(void *owner, const char *json, size_t len)
{
	leaf_add(owner, "flow", json, len, NULL);
}

void emit_coverage(void *owner, const char *json, size_t len)
{
	leaf_add(owner, "coverage", json, len, NULL);
}

void emit_violation(void *owner, const char *json, size_t len, const char *line)
{
	leaf_add(owner, "violation", json, len, line);
}

uint64_t next_leaf(void *owner)
{
	const struct back *b = owner;

	return b->ledger ? ledger_size(b->ledger) : b->totals.leaves;
}

static void emit_open_flow(void *owner, const char *json, size_t len)
{
	if (*json)
		index_open_row(((struct back *)owner)->index, "flow", json, len);
}

static void emit_open_coverage(void *owner, const char *json, size_t len)
{
	if (*json)
		index_open_row(((struct back *)owner)->index, "coverage", json, len);
}

/* What the running intervals have so far, for commands that read while weir runs. */
static void live_rows(struct back *b)
{
	uint64_t now = clock_utc_ms(), took;
	bool changed = false;

	for (unsigned i = 0; i < INTERVALS; i++)
		changed |= b->intervals[i].used && b->intervals[i].changed;
	if (!b->ledger || b->failed || b->index_behind || !changed || now < b->live_at + LIVE_MS)
		return;
	b->live_at = now;
	index_open_clear(b->index, "flow");
	index_open_clear(b->index, "coverage");
	for (unsigned i = 0; i < INTERVALS; i++) {
		struct interval *v = &b->intervals[i];

		if (!v->used)
			continue;
		v->changed = false;
		context_each(b->context, tell_coverage, v->coverage);
		flows_write(v->flows, v->start_ms, now, false, emit_open_flow, b);
		coverage_write(v->coverage, v->start_ms, now, emit_open_coverage, b);
	}
	index_settle(b);
	/* Many rows take long to write: never more than a twentieth of the time. */
	took = clock_utc_ms() - now;
	b->live_at += took < LIVE_MS ? 19 * took : LIVE_MS;
}

/* Exchanges. */

static void selftest_seen(struct back *b, struct interval *v, const struct exchange *ex)
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
	if (v)
		v->selftest |= bit;
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
	enum verdict verdict;

	for (size_t r = 0; r < policy_rules(b->policy); r++) {
		uint8_t seen[32] = { 0 };

		for (uint32_t i = 0; i < ex->nr_findings; i++) {
			const struct finding *f = &ex->findings[i];

			if (seen[f->class_id / 8] & 1 << f->class_id % 8)
				continue;
			verdict = policy_eval(b->policy, r, flow, f);
			b->undecided += verdict == VERDICT_UNKNOWN;
			if (verdict != VERDICT_VIOLATION)
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
		selftest_seen(b, v, ex);
		return;
	}
	b->totals.exchanges += !ex->again;
	b->findings_dropped += ex->findings_dropped;
	if (v) {
		v->changed = true;
		b->findings_dropped += flows_exchange(v->flows, &flow, ex);
		coverage_bytes(v->coverage, &flow, ex->bytes, "");
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
	coverage_bytes(v->coverage, &flow, t->bytes, t->reason);
}

static void do_fact(struct back *b, const struct fact *f)
{
	if (f->kind == FACT_EXCHANGE)
		do_exchange(b, &f->exchange);
	else
		do_traffic(b, &f->traffic);
}

/* Older than weir: what is known of before. */
static void do_late(struct back *b, const struct conn_seen *s)
{
	struct interval *v = s->before[0] || s->before[1] ? interval_get(b, s->epoch) : NULL;

	if (!v)
		return;
	v->changed = true;
	coverage_late(v->coverage, &s->conn.process, s->before);
}

static uint32_t held_epoch(const struct held *h)
{
	return h->fact.kind == FACT_EXCHANGE ? h->fact.exchange.at.epoch : h->fact.traffic.at.epoch;
}

static void held_do(struct back *b, struct held **at)
{
	struct held *h = *at;

	*at = h->next;
	if (!*at)
		b->held_end = at;
	b->nr_held--;
	do_fact(b, &h->fact);
	budget_free(h, h->size);
}

/* Has it waited long enough for the facts about its ends? */
static bool held_ripe(const struct back *b, const struct held *h, uint64_t now)
{
	const struct conn_facts *conn = h->fact.kind == FACT_EXCHANGE ? &h->fact.exchange.conn : &h->fact.traffic.conn;
	uint64_t waited = now > h->since ? now - h->since : 0;
	enum zone zone;

	if (waited < BACK_HOLD_NS || waited >= BACK_HOLD_MAX_NS || b->heard >= h->since + BACK_HOLD_NS)
		return waited >= BACK_HOLD_NS;
	zone = context_zone(b->context, conn);
	return context_find(b->context, conn->process) &&
	       ((zone != ZONE_LOOPBACK && zone != ZONE_HOST && !context_remote_is_here(b->context, conn)) ||
		context_other_end(b->context, conn));
}

bool back_asks(const struct back *b, uint64_t now)
{
	return b->held && now >= b->held->since + BACK_HOLD_NS && !held_ripe(b, b->held, now);
}

void back_heard(struct back *b, uint64_t until)
{
	b->heard = until;
}

void back_settle_interval(struct back *b, uint32_t epoch)
{
	struct held **at = &b->held;

	while (*at)
		if ((int32_t)(held_epoch(*at) - epoch) <= 0)
			held_do(b, at);
		else
			at = &(*at)->next;
}

void back_settle(struct back *b)
{
	while (b->held)
		held_do(b, &b->held);
}

/* Keeps a copy no longer than it must be: the findings that are there, not room for all. */
static int hold(struct back *b, const struct fact *f)
{
	size_t size = offsetof(struct held, fact.traffic) + sizeof(struct traffic);
	struct held *h;

	if (f->kind == FACT_EXCHANGE)
		size = offsetof(struct held, fact.exchange.findings) + f->exchange.nr_findings * sizeof(struct finding);
	if (b->nr_held == HELD_MAX)
		held_do(b, &b->held);
	h = budget_alloc(size);
	if (!h) {	/* in order all the same, and with what is known by now */
		back_settle(b);
		do_fact(b, f);
		return 0;
	}
	memcpy(&h->fact, f, size - offsetof(struct held, fact));
	h->size = size;
	h->since = clock_boot_ns();
	*b->held_end = h;
	b->held_end = &h->next;
	b->nr_held++;
	return 0;
}

static void event_gap(struct back *b, const struct event_fact *e)
{
	uint64_t from = clock_boot_to_utc_ms(e->time), sealed;
	char reason[PATH_SIZE + 64];

	snprintf(reason, sizeof(reason), "%s", e->detail);
	if (!strcmp(e->subject, "keeper") && last_sealed_ms(b, &sealed) && sealed < from) {
		snprintf(reason, sizeof(reason), "%s: what it held of the open interval is lost", e->detail);
		from = sealed;
	}
	back_gap(b, e->subject, reason, from, clock_boot_to_utc_ms(e->until), e->value);
}

int back_fact(struct back *b, const struct fact *f)
{
	switch (f->kind) {
	case FACT_EXCHANGE:
	case FACT_TRAFFIC:
		return hold(b, f);
	case FACT_PROCESS:
		return context_process(b->context, &f->process);
	case FACT_CONN:
		do_late(b, &f->conn);
		return context_conn(b->context, &f->conn);
	case FACT_HANDSHAKE:
		context_handshake(b->context, &f->handshake);
		return 0;
	case FACT_NAMED:
		context_named(b->context, &f->named);
		return 0;
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
	while (b->held && held_ripe(b, b->held, now))
		held_do(b, &b->held);
	clock_check(b);
	if (b->nr_events)
		back_commit(b);
	live_rows(b);
}

unsigned back_selftest(struct back *b)
{
	unsigned bits = b->selftest;

	b->selftest = 0;
	return bits;
}

int back_failed(const struct back *b, char *why, size_t why_size)
{
	if (b->failed)
		snprintf(why, why_size, "%s", b->why);
	return b->failed ? b->err : 0;
}

int back_low(const struct back *b)
{
	return b->ledger ? ledger_low(b->ledger) : 0;
}

/* Opening. */

static bool policies_open(struct back *b, const struct back_config *c)
{
	struct policy_file files[RULES_FILES];
	struct policy_set *set;

	if (c->nr_policies > RULES_FILES)
		return false;
	for (size_t i = 0; i < c->nr_policies; i++)
		files[i] = (struct policy_file){ c->policy_names[i], c->policy_texts[i], c->policy_sizes[i] };
	set = policy_load(files, c->nr_policies, stderr);
	if (!set)
		return false;
	policy_free(b->policy);
	b->policy = set;
	policy_hash(b->policy, b->policy_hash);
	class_set_hash(b->class_hash);
	return true;
}

const struct class_rules *back_classes(const struct back *b)
{
	return policy_classes(b->policy);
}

int back_reload(struct back *b, const char *const *names, const char *const *texts, const size_t *sizes, size_t nr)
{
	struct back_config next = b->config;

	next.policy_names = names;
	next.policy_texts = texts;
	next.policy_sizes = sizes;
	next.nr_policies = nr;
	if (!policies_open(b, &next))
		return -1;
	b->config = next;
	back_write_policy(b);
	back_commit(b);
	return 0;
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
	if (ok && config->state >= 0)
		ok = !store_open(b, why, why_size, exit_code);
	else if (ok)
		ok = (b->index = index_open(NULL, true, why, why_size)) != NULL;
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
		budget_free(h, h->size);
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
