/* SPDX-License-Identifier: Apache-2.0 */
/* violations.c - open violations by rule x workload x peer x class x route. */
#include "store/violations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"

#define BUCKETS 4096
#define CRITERIA_SIZE 128

struct violation {
	char id[17], rule[NAME_SIZE], title[PATH_SIZE], criteria[CRITERIA_SIZE];	/* criteria: separated by spaces */
	enum severity severity;
	uint64_t window_ns, opened_ms, updated_ms, last_boot;
	struct flow_facts flow;		/* of the end that opened it */
	struct finding finding;		/* the first; confidence is the best */
	uint64_t exchanges, findings, key;
	uint64_t distinct, fresh;	/* most of one interval; of the running one */
	bool grown;
	struct violation *next;
};

struct violations {
	struct violation *buckets[BUCKETS];
	size_t open;
	uint64_t opened, dropped, serial;
	struct siphash_key key;
	struct buf buf;
};

struct violations *violations_new(void)
{
	struct violations *v = calloc(1, sizeof(*v));

	if (!v || random_bytes(&v->key, sizeof(v->key))) {
		free(v);
		return NULL;
	}
	buf_init(&v->buf, 65536);
	return v;
}

void violations_free(struct violations *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (v->buckets[i]) {
			struct violation *x = v->buckets[i];

			v->buckets[i] = x->next;
			budget_free(x, sizeof(*x));
		}
	buf_free(&v->buf);
	free(v);
}

/* Key of a violation. Of a local pair both ends have the same: its workloads are in
 * the pair's id. */
static uint64_t key_of(const struct violations *v, const char *rule, const struct flow_facts *f, unsigned class_id)
{
	char text[4 * PATH_SIZE];
	int n = f->pair ? snprintf(text, sizeof(text), "%s|pair %llx|%u|%s", rule, (unsigned long long)f->pair, class_id, f->route) :
			  snprintf(text, sizeof(text), "%s|%s|%s|%u|%s", rule, f->workload, f->peer, class_id, f->route);

	return siphash(&v->key, text, (size_t)n);
}

static void text_or_null(struct json *j, const char *key, const char *value)
{
	json_string(j, key, value[0] ? value : NULL);
}

static void write_why(struct json *j, unsigned why)
{
	if (!why)	/* opened by a weir that did not keep it */
		return;
	json_open(j, "evidence", '[');
	for (unsigned bit = 1; bit <= WHY_ALL; bit <<= 1)
		if (why & bit)
			json_string(j, NULL, why_name(bit));
	json_close(j, ']');
}

static void write_criteria(struct json *j, const char *words)
{
	json_open(j, "criteria", '[');
	while (*words) {
		size_t n = strcspn(words, " ");
		char one[CRITERIA_SIZE];

		snprintf(one, sizeof(one), "%.*s", (int)n, words);
		json_string(j, NULL, one);
		words += n + (words[n] == ' ');
	}
	json_close(j, ']');
}

static void write_flow_part(struct json *j, const struct flow_facts *f)
{
	json_string(j, "workload", f->workload);
	text_or_null(j, "exe", f->exe);
	json_string(j, "role", role_name(f->role));
	json_string(j, "peer", f->peer);
	json_string(j, "peer_zone", zone_name(f->zone));
	json_uint(j, "port", f->port);
	text_or_null(j, "protocol", f->protocol);
	text_or_null(j, "route", f->route);
}

static void fact_text(struct json *j, const char *key, const char *value)
{
	if (value[0])
		json_string(j, key, value);
}

/* What else a rule could ask of the exchange that opened it, in the words of a policy, so that `weir policy
 * explain` can judge it again. Only the opening leaf has it. What is left out was not observed. */
static void write_facts(struct json *j, const struct flow_facts *f, const struct finding *d)
{
	json_open(j, "facts", '{');
	fact_text(j, "from.unit", f->unit);
	fact_text(j, "from.container", f->container);
	fact_text(j, "peer.host", f->role == ROLE_SERVER ? f->pair && f->peer[0] ? f->peer : f->peer_address :
		  f->peer[0] ? f->peer : f->host[0] ? f->host : f->peer_address);
	fact_text(j, "peer.ip", f->peer_address);
	fact_text(j, "via.method", f->method);
	if (f->status)
		json_uint(j, "via.status", f->status);
	if (f->tls != TLS_UNKNOWN)
		json_string(j, "via.tls", tls_name(f->tls));
	json_string(j, "via.auth", auth_name(f->auth));
	if (d->location != LOC_NONE)
		json_string(j, "data.location", location_name(d->location));
	fact_text(j, "data.key", d->key);
	json_uint(j, "data.count", d->count);
	json_uint(j, "data.records", d->records);
	json_uint(j, "data.flow_records", d->flow_records);
	json_bool(j, "data.sample", d->sample);
	json_close(j, '}');
}

static void write_violation(struct violations *v, const struct violation *x, const char *status, bool opening, uint64_t leaf)
{
	const struct class_info *info = class_get(x->finding.class_id);
	struct json j;

	buf_reset(&v->buf);
	json_init(&j, &v->buf);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "violation");
	json_string(&j, "id", x->id);
	json_time(&j, "opened", x->opened_ms);
	json_time(&j, "updated", x->updated_ms);
	json_string(&j, "rule", x->rule);
	json_string(&j, "title", x->title);
	json_string(&j, "severity", severity_name(x->severity));
	write_criteria(&j, x->criteria);
	write_flow_part(&j, &x->flow);
	json_open(&j, "classes", '[');
	json_open(&j, NULL, '{');
	json_string(&j, "class", info->name);
	json_string(&j, "group", group_name(info->group));
	json_string(&j, "confidence", confidence_name(x->finding.confidence));
	write_why(&j, x->finding.why);
	json_string(&j, "data", dir_name(x->finding.dir));
	json_uint(&j, "findings", x->findings);
	json_uint(&j, "distinct", x->distinct);
	json_close(&j, '}');
	json_close(&j, ']');
	text_or_null(&j, "path", x->finding.path);
	text_or_null(&j, "mask", x->finding.mask);
	json_uint(&j, "exchanges", x->exchanges);
	if (opening)
		write_facts(&j, &x->flow, &x->finding);
	json_string(&j, "status", status);
	json_uint(&j, "leaf", leaf);
	json_close(&j, '}');
}

static void line_of(char *out, size_t size, const struct violation *x)
{
	const struct flow_facts *f = &x->flow;
	char when[UTC_SIZE];

	clock_format(when, x->opened_ms);
	snprintf(out, size, "%s VIOLATION %s %s: %s %s %s (%s, %s) %s %s at %s mask=%s criteria=%s id=%s", when, severity_name(x->severity),
		 x->rule, f->workload, x->finding.dir == DIR_SENT ? "->" : "<-", f->peer, zone_name(f->zone), role_name(f->role),
		 f->route, class_get(x->finding.class_id)->name, x->finding.path, x->finding.mask, x->criteria, x->id);
}

static void fill(struct violations *v, struct violation *x, const struct rule_info *r, const struct flow_facts *f,
		 const struct finding *d, const struct exchange *ex, uint64_t utc_ms)
{
	struct { uint64_t time, key, serial; } seed = { ex->at.time, x->key, v->serial++ };
	size_t n = 0;

	snprintf(x->id, sizeof(x->id), "%016llx", (unsigned long long)siphash(&v->key, &seed, sizeof(seed)));
	snprintf(x->rule, sizeof(x->rule), "%s", r->id);
	snprintf(x->title, sizeof(x->title), "%s", r->title);
	for (size_t i = 0; r->criteria && r->criteria[i] && n < sizeof(x->criteria); i++)
		n += (size_t)snprintf(x->criteria + n, sizeof(x->criteria) - n, "%s%s", i ? " " : "", r->criteria[i]);
	x->severity = r->severity;
	x->window_ns = r->window_ns;
	x->opened_ms = utc_ms;
	x->flow = *f;
	x->finding = *d;
}

/* Of a pair, the end that opened it counts; the other end's copy of the same exchange
 * is not a second one. */
static void grow(struct violation *x, const struct flow_facts *f, const struct finding *d, const struct exchange *ex, uint64_t utc_ms)
{
	x->last_boot = ex->at.time > x->last_boot ? ex->at.time : x->last_boot;
	if (f->pair && f->role != x->flow.role)
		return;
	x->exchanges += !ex->again || !x->exchanges;	/* one that is told in parts counts once */
	x->findings += d->count;
	x->fresh += d->distinct;
	if (x->fresh > x->distinct)	/* an estimate of one interval: several cannot be added */
		x->distinct = x->fresh;
	if (d->confidence > x->finding.confidence)
		x->finding.confidence = d->confidence;
	x->finding.why |= d->why;
	x->updated_ms = utc_ms > x->updated_ms ? utc_ms : x->updated_ms;
	x->grown = true;
}

static struct violation *find(const struct violations *v, uint64_t key)
{
	struct violation *x = v->buckets[key % BUCKETS];

	while (x && x->key != key)
		x = x->next;
	return x;
}

/* Opened before weir knew the other end, or taken over from the ledger, which holds no
 * pair: it goes on under the pair's key. */
static struct violation *adopt(struct violations *v, const char *rule, const struct flow_facts *f, unsigned class_id, uint64_t key)
{
	struct flow_facts alone = *f;
	uint64_t old;
	struct violation *x, **at;

	alone.pair = 0;
	old = key_of(v, rule, &alone, class_id);
	x = find(v, old);
	if (!x || x->flow.role != f->role)
		return NULL;
	at = &v->buckets[old % BUCKETS];
	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	x->key = key;
	x->flow.pair = f->pair;
	x->next = v->buckets[key % BUCKETS];
	v->buckets[key % BUCKETS] = x;
	return x;
}

void violations_add(struct violations *v, const struct rule_info *r, const struct flow_facts *f, const struct finding *d,
		    const struct exchange *ex, uint64_t utc_ms, uint64_t leaf, violation_emit emit, void *owner)
{
	uint64_t key = key_of(v, r->id, f, d->class_id);
	struct violation *x = find(v, key);
	char line[1024];

	if (!x && f->pair)
		x = adopt(v, r->id, f, d->class_id, key);
	if (x) {
		grow(x, f, d, ex, utc_ms);
		return;
	}
	x = v->open < VIOLATIONS_OPEN ? budget_alloc(sizeof(*x)) : NULL;
	if (!x) {
		v->dropped++;
		return;
	}
	x->key = key;
	fill(v, x, r, f, d, ex, utc_ms);
	grow(x, f, d, ex, utc_ms);
	x->grown = false;
	x->next = v->buckets[key % BUCKETS];
	v->buckets[key % BUCKETS] = x;
	v->open++;
	v->opened++;
	write_violation(v, x, "open", true, leaf);
	line_of(line, sizeof(line), x);
	emit(owner, buf_str(&v->buf), v->buf.len, line);
}

void violations_interval(struct violations *v, uint64_t now, uint64_t utc_ms, uint64_t (*next_leaf)(void *), violation_emit emit, void *owner)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct violation **at = &v->buckets[i];

		while (*at) {
			struct violation *x = *at;
			bool quiet = now > x->last_boot && now - x->last_boot > x->window_ns;

			x->fresh = 0;
			if (quiet || x->grown) {
				write_violation(v, x, quiet ? "closed" : "open", false, next_leaf(owner));
				emit(owner, buf_str(&v->buf), v->buf.len, NULL);
				x->grown = false;
			}
			if (!quiet) {
				at = &x->next;
				continue;
			}
			*at = x->next;
			budget_free(x, sizeof(*x));
			v->open--;
		}
	}
}

size_t violations_open(const struct violations *v)
{
	return v->open;
}

uint64_t violations_opened(const struct violations *v)
{
	return v->opened;
}

uint64_t violations_dropped(const struct violations *v)
{
	return v->dropped;
}

/* Columns of the query in back.c, by place: see violations_restore_sql. */
const char violations_restore_sql[] =
	"SELECT json_extract(doc,'$.id'), json_extract(doc,'$.rule'), json_extract(doc,'$.title'), json_extract(doc,'$.severity'),"
	" (SELECT group_concat(value,' ') FROM json_each(doc,'$.criteria')), ms(json_extract(doc,'$.opened')), ms(json_extract(doc,'$.updated')),"
	" json_extract(doc,'$.workload'), json_extract(doc,'$.exe'), json_extract(doc,'$.role'), json_extract(doc,'$.peer'),"
	" json_extract(doc,'$.peer_zone'), json_extract(doc,'$.port'), json_extract(doc,'$.protocol'), json_extract(doc,'$.route'),"
	" json_extract(doc,'$.classes[0].class'), json_extract(doc,'$.classes[0].confidence'), json_extract(doc,'$.classes[0].data'),"
	" json_extract(doc,'$.classes[0].findings'), json_extract(doc,'$.classes[0].distinct'), json_extract(doc,'$.path'),"
	" json_extract(doc,'$.mask'), json_extract(doc,'$.exchanges'),"
	" (SELECT group_concat(value,' ') FROM json_each(doc,'$.classes[0].evidence')) FROM leaf l WHERE type='violation' AND json_extract(doc,'$.status')='open'"
	" AND leaf=(SELECT max(leaf) FROM leaf m WHERE m.type='violation' AND json_extract(m.doc,'$.id')=json_extract(l.doc,'$.id'))";

static uint8_t why_of(const char *words)
{
	unsigned why = 0;
	char word[16];
	int used;

	for (; words && sscanf(words, "%15s%n", word, &used) == 1; words += used)
		why |= (unsigned)why_parse(word);
	return (uint8_t)why;
}

#define TAKE(field, n) snprintf(field, sizeof(field), "%s", c[n] ? c[n] : "")
#define NUMBER(n) (c[n] ? strtoull(c[n], NULL, 10) : 0)

/* The pair is not in a leaf: it is found again when both ends speak. Until then the
 * key is the plain one of the end that had opened it. */
int violations_restore(struct violations *v, int columns, const char *const *c, uint64_t window_ns, uint64_t now_boot, uint64_t now_ms)
{
	struct violation *x;
	int class_id = columns >= 23 && c[15] ? class_find(c[15]) : -1;
	uint64_t age_ns;

	if (class_id < 0 || v->open >= VIOLATIONS_OPEN)
		return -1;
	x = budget_alloc(sizeof(*x));
	if (!x)
		return -1;
	TAKE(x->id, 0);
	TAKE(x->rule, 1);
	TAKE(x->title, 2);
	x->severity = (enum severity)(c[3] && severity_parse(c[3]) >= 0 ? severity_parse(c[3]) : SEV_INFO);
	TAKE(x->criteria, 4);
	x->opened_ms = NUMBER(5);
	x->updated_ms = NUMBER(6);
	TAKE(x->flow.workload, 7);
	TAKE(x->flow.exe, 8);
	x->flow.role = (uint8_t)(c[9] && role_parse(c[9]) > 0 ? role_parse(c[9]) : 0);
	TAKE(x->flow.peer, 10);
	x->flow.zone = (uint8_t)(c[11] && zone_parse(c[11]) > 0 ? zone_parse(c[11]) : 0);
	x->flow.port = (uint16_t)NUMBER(12);
	TAKE(x->flow.protocol, 13);
	TAKE(x->flow.route, 14);
	x->finding.class_id = (uint8_t)class_id;
	x->finding.confidence = (uint8_t)(c[16] && confidence_parse(c[16]) > 0 ? confidence_parse(c[16]) : CONF_LIKELY);
	x->finding.dir = c[17] && !strcmp(c[17], "sent") ? DIR_SENT : DIR_RECEIVED;
	x->findings = NUMBER(18);
	x->distinct = NUMBER(19);
	TAKE(x->finding.path, 20);
	TAKE(x->finding.mask, 21);
	x->exchanges = NUMBER(22);
	x->finding.why = columns > 23 ? why_of(c[23]) : 0;
	x->window_ns = window_ns;
	age_ns = now_ms > x->updated_ms ? (now_ms - x->updated_ms) * 1000000 : 0;
	x->last_boot = now_boot > age_ns ? now_boot - age_ns : 0;
	x->key = key_of(v, x->rule, &x->flow, (unsigned)class_id);
	x->next = v->buckets[x->key % BUCKETS];
	v->buckets[x->key % BUCKETS] = x;
	v->open++;
	return 0;
}
