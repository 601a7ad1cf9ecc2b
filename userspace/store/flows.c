/* SPDX-License-Identifier: Apache-2.0 */
/* flows.c - one interval's flows, by key. Whoever talks to a watched process chooses
 * routes and peers, so both are bounded: over FLOWS_ROUTES distinct routes of a workload
 * the route becomes "{other}", over FLOWS_MAX rows the peer too, and nothing is left out
 * of the sums. */
#include "store/flows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/hash.h"
#include "base/json.h"
#include "store/private.h"

#define BUCKETS 8192
#define ROUTE_SLOTS 2048	/* of a workload's set of routes: a power of two above FLOWS_ROUTES */
#define WORKLOADS_MAX 4096	/* beyond: the routes of further ones are all "{other}" */
#define OTHER "{other}"
_Static_assert(ROUTE_SLOTS > FLOWS_ROUTES + FLOWS_ROUTES / 2, "a set that is never full");

struct class_sum { uint8_t class_id, confidence, dir; uint64_t findings, distinct; };

struct flow {
	struct flow_facts facts;
	uint64_t exchanges;
	struct byte_account bytes[2];	/* by enum dir */
	struct { uint64_t bytes, printable, bits; } looked;	/* as struct looked */
	struct tls_facts *tls;		/* NULL: no handshake was seen */
	struct class_sum *classes;	/* by class, then direction */
	unsigned nr_classes;
	bool many;			/* of more than one process */
	struct flow *next;
};

struct workload { char name[NAME_SIZE]; unsigned routes; uint64_t set[ROUTE_SLOTS]; struct workload *next; };

struct flows {
	struct flow *buckets[BUCKETS];
	struct workload *workloads[BUCKETS];
	struct flow rest;	/* what there was no memory for */
	size_t count, nr_workloads;
	uint64_t other;
	struct siphash_key key;
	struct buf buf;
};

struct flows *flows_new(void)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (!f || random_bytes(&f->key, sizeof(f->key))) {
		free(f);
		return NULL;
	}
	buf_init(&f->buf, 65536);
	return f;
}

void flows_reset(struct flows *f)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (f->buckets[i]) {
			struct flow *r = f->buckets[i];

			f->buckets[i] = r->next;
			free(r->classes);
			budget_free(r->tls, sizeof(*r->tls));
			budget_free(r, sizeof(*r));
		}
		while (f->workloads[i]) {
			struct workload *w = f->workloads[i];

			f->workloads[i] = w->next;
			budget_free(w, sizeof(*w));
		}
	}
	free(f->rest.classes);
	budget_free(f->rest.tls, sizeof(*f->rest.tls));
	f->rest = (struct flow){ 0 };
	f->count = 0;
	f->nr_workloads = 0;
	f->other = 0;
}

void flows_free(struct flows *f)
{
	if (!f)
		return;
	flows_reset(f);
	buf_free(&f->buf);
	free(f);
}

static bool same_key(const struct flow_facts *a, const struct flow_facts *b)
{
	return a->role == b->role && a->port == b->port && a->tls == b->tls && !strcmp(a->workload, b->workload) &&
	       !strcmp(a->exe, b->exe) && !strcmp(a->peer, b->peer) && !strcmp(a->protocol, b->protocol) && !strcmp(a->route, b->route);
}

static struct flow **slot(struct flows *f, const struct flow_facts *k)
{
	char text[4 * PATH_SIZE + 64];
	int n = snprintf(text, sizeof(text), "%s|%s|%u|%s|%u|%s|%s|%u", k->workload, k->exe, k->role, k->peer, k->port, k->protocol,
			 k->route, k->tls);

	return &f->buckets[siphash(&f->key, text, (size_t)n) % BUCKETS];
}

static struct flow *find(struct flows *f, const struct flow_facts *k)
{
	struct flow *r = *slot(f, k);

	while (r && !same_key(&r->facts, k))
		r = r->next;
	return r;
}

static struct workload *workload_get(struct flows *f, const char *name)
{
	struct workload **at = &f->workloads[siphash(&f->key, name, strlen(name)) % BUCKETS], *w;

	for (w = *at; w; w = w->next)
		if (!strcmp(w->name, name))
			return w;
	w = f->nr_workloads < WORKLOADS_MAX ? budget_alloc(sizeof(*w)) : NULL;
	if (!w)
		return NULL;
	snprintf(w->name, sizeof(w->name), "%s", name);
	w->next = *at;
	*at = w;
	f->nr_workloads++;
	return w;
}

/* Whether the workload has this route already or has room for one more. */
static bool route_allowed(struct flows *f, const struct flow_facts *k)
{
	struct workload *w = workload_get(f, k->workload);
	uint64_t h = siphash(&f->key, k->route, strlen(k->route)) | 1;	/* 0: an empty place */
	size_t i = h % ROUTE_SLOTS;

	if (!w)
		return false;
	while (w->set[i] && w->set[i] != h)
		i = (i + 1) % ROUTE_SLOTS;
	if (w->set[i])
		return true;
	if (w->routes == FLOWS_ROUTES)
		return false;
	w->set[i] = h;
	w->routes++;
	return true;
}

static struct flow *flow_add(struct flows *f, const struct flow_facts *k)
{
	struct flow *r = budget_alloc(sizeof(*r)), **at = slot(f, k);

	if (!r)
		return NULL;
	r->facts = *k;
	r->facts.handshake = NULL;
	r->next = *at;
	*at = r;
	f->count++;
	return r;
}

/* What is left of a key when the interval has FLOWS_MAX rows: the workload, and it too
 * when even those are too many. */
static void key_reduce(struct flows *f, struct flow_facts *k)
{
	struct flow_facts all = { .process = k->process };

	if (f->count < FLOWS_MAX + WORKLOADS_MAX)
		memcpy(all.workload, k->workload, sizeof(all.workload));
	else
		snprintf(all.workload, sizeof(all.workload), OTHER);
	snprintf(all.peer, sizeof(all.peer), OTHER);
	snprintf(all.route, sizeof(all.route), OTHER);
	*k = all;
}

static struct flow *flow_get(struct flows *f, const struct flow_facts *facts, bool *other)
{
	struct flow_facts k = *facts;
	struct flow *r = find(f, &k);

	*other = !r && !route_allowed(f, &k);
	if (*other) {
		snprintf(k.route, sizeof(k.route), OTHER);
		r = find(f, &k);
	}
	if (!r && f->count >= FLOWS_MAX) {
		*other = true;
		key_reduce(f, &k);
		r = find(f, &k);
	}
	r = r ? r : flow_add(f, &k);
	if (r)
		return r;
	*other = true;
	snprintf(f->rest.facts.workload, sizeof(f->rest.facts.workload), OTHER);
	snprintf(f->rest.facts.peer, sizeof(f->rest.facts.peer), OTHER);
	snprintf(f->rest.facts.route, sizeof(f->rest.facts.route), OTHER);
	return &f->rest;
}

static struct class_sum *class_get_sum(struct flow *r, const struct finding *x)
{
	unsigned i = 0;
	struct class_sum *all;

	while (i < r->nr_classes && (r->classes[i].class_id < x->class_id ||
				     (r->classes[i].class_id == x->class_id && r->classes[i].dir < x->dir)))
		i++;
	if (i < r->nr_classes && r->classes[i].class_id == x->class_id && r->classes[i].dir == x->dir)
		return &r->classes[i];
	all = realloc(r->classes, (r->nr_classes + 1) * sizeof(*all));
	if (!all)
		return NULL;
	r->classes = all;
	memmove(&all[i + 1], &all[i], (r->nr_classes++ - i) * sizeof(*all));
	all[i] = (struct class_sum){ .class_id = x->class_id, .dir = x->dir };
	return &all[i];
}

static bool add_finding(struct flow *r, const struct finding *x)
{
	struct class_sum *c = class_get(x->class_id) ? class_get_sum(r, x) : NULL;

	if (!c)
		return false;
	if (x->confidence > c->confidence)
		c->confidence = x->confidence;
	c->findings += x->count;
	c->distinct += x->distinct;
	return true;
}

/* A row of many connections tells of one handshake, the weakest: an old version must not
 * hide behind newer ones. Of equal ones, that which tells of a certificate. */
static bool weaker(const struct tls_facts *a, const struct tls_facts *b)
{
	if (!a->version || !b->version)
		return a->version && !b->version;
	if (a->version != b->version)
		return a->version < b->version;
	return a->peer_subject[0] && !b->peer_subject[0];
}

static void tell_handshake(struct flow *r, const struct tls_facts *tls)
{
	if (!tls || (r->tls && !weaker(tls, r->tls)))
		return;
	if (!r->tls)
		r->tls = budget_alloc(sizeof(*r->tls));
	if (r->tls)
		*r->tls = *tls;
}

/* The best that was known in the interval is what the row says. A row that stands for
 * many peers says nothing about one of them. */
static void improve(struct flow *r, const struct flow_facts *k)
{
	r->many |= r->facts.process.tgid != k->process.tgid || r->facts.process.start != k->process.start;
	if (k->binding > r->facts.binding)
		r->facts.binding = k->binding;
	if (strcmp(r->facts.peer, k->peer))
		return;
	if (k->pair && !r->facts.pair)
		r->facts.pair = k->pair;
	if (k->upgrade && !r->facts.upgrade)
		r->facts.upgrade = k->upgrade;
	tell_handshake(r, k->handshake);
}

unsigned flows_exchange(struct flows *f, const struct flow_facts *facts, const struct exchange *ex)
{
	bool other = false;
	struct flow *r = facts->selftest ? NULL : flow_get(f, facts, &other);
	unsigned dropped = 0;

	if (!r)
		return 0;
	improve(r, facts);
	f->other += other;
	r->exchanges += !ex->again;
	byte_accounts_add(r->bytes, ex->bytes);
	for (uint32_t i = 0; i < ex->nr_findings; i++)
		dropped += !add_finding(r, &ex->findings[i]);
	return dropped;
}

void flows_traffic(struct flows *f, const struct flow_facts *facts, const struct traffic *t)
{
	bool other;
	struct flow *r = facts->selftest ? NULL : flow_get(f, facts, &other);

	if (!r)
		return;
	improve(r, facts);
	byte_accounts_add(r->bytes, t->bytes);
	r->looked.bytes += t->looked.bytes;
	r->looked.printable += t->looked.printable;
	r->looked.bits += t->looked.bits;
}

size_t flows_count(const struct flows *f)
{
	return f->count;
}

uint64_t flows_other(const struct flows *f)
{
	return f->other;
}

static void text_or_null(struct json *j, const char *key, const char *value)
{
	json_string(j, key, value[0] ? value : NULL);
}

static void account_write(struct json *j, const char *key, const struct byte_account *b)
{
	json_open(j, key, '{');
	json_int(j, "moved", b->moved);
	json_int(j, "examined", b->examined);
	json_int(j, "opaque", b->opaque);
	json_int(j, "skipped", b->skipped);
	json_int(j, "lost", b->lost);
	json_int(j, "framing", b->framing);
	json_int(j, "unexplained", byte_account_unexplained(b));
	json_close(j, '}');
}

void bytes_write(struct json *j, const struct byte_account by[2])
{
	struct byte_account sum = byte_accounts_sum(by);

	account_write(j, "bytes", &sum);
	account_write(j, dir_name(DIR_SENT), &by[DIR_SENT]);
	account_write(j, dir_name(DIR_RECEIVED), &by[DIR_RECEIVED]);
}

static void write_classes(struct json *j, const struct flow *r)
{
	json_open(j, "classes", '[');
	for (unsigned i = 0; i < r->nr_classes; i++) {
		const struct class_sum *c = &r->classes[i];
		const struct class_info *info = class_get(c->class_id);

		json_open(j, NULL, '{');
		json_string(j, "class", info->name);
		json_string(j, "group", group_name(info->group));
		json_string(j, "confidence", confidence_name(c->confidence));
		json_string(j, "data", dir_name(c->dir));
		json_uint(j, "findings", c->findings);
		json_uint(j, "distinct", c->distinct);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* What was not examined, of each direction, by reason; and whose it is, when one process is behind the row.
 * Nothing at all where all was. */
static void write_gaps(struct json *j, const struct flow *r)
{
	bool any = false;

	for (unsigned k = 0; k < 2 * LOSS_MAX; k++) {
		enum dir dir = k < LOSS_MAX ? DIR_SENT : DIR_RECEIVED;
		int64_t n = r->bytes[dir].why[k % LOSS_MAX];

		if (!n)
			continue;
		if (!any)
			json_open(j, "gaps", '[');
		any = true;
		json_open(j, NULL, '{');
		json_string(j, "direction", dir_name(dir));
		json_string(j, "reason", loss_name(k % LOSS_MAX));
		json_int(j, "bytes", n);
		if (!r->many && r->facts.process.tgid)
			json_uint(j, "pid", r->facts.process.tgid);
		json_close(j, '}');
	}
	if (any)
		json_close(j, ']');
}

static void text_if_known(struct json *j, const char *key, const char *value)
{
	if (value && value[0])
		json_string(j, key, value);
}

static void write_handshake(struct json *j, const struct tls_facts *t)
{
	char room[8];

	text_if_known(j, "cipher", tls_cipher_name(t->cipher, room));
	text_if_known(j, "sni", t->sni);
	text_if_known(j, "alpn", t->alpn);
	text_if_known(j, "alpn_offered", t->alpn_offered);
	text_if_known(j, "ja4", t->ja4);
	text_if_known(j, "peer_subject", t->peer_subject);
	if (t->peer_expires > 0)
		json_time(j, "peer_expires", (uint64_t)t->peer_expires * 1000);
	if (t->mutual)
		json_bool(j, "mutual", t->mutual == MUTUAL_YES);
}

static void write_tls(struct json *j, const struct flow *r)
{
	json_open(j, "tls", '{');
	json_string(j, "state", tls_name(r->facts.tls));
	json_string(j, "version", r->tls ? tls_version_name(r->tls->version) : NULL);
	if (r->tls)
		write_handshake(j, r->tls);
	if (r->facts.upgrade)
		json_string(j, "upgraded_from", upgrade_name(r->facts.upgrade));
	json_close(j, '}');
}

static void write_who(struct json *j, const struct flow_facts *k)
{
	json_string(j, "workload", k->workload);
	text_or_null(j, "exe", k->exe);
	text_or_null(j, "unit", k->unit);
	text_or_null(j, "container", k->container);
	text_if_known(j, "container_id", k->container_id);
	text_if_known(j, "runtime", k->runtime);
	text_if_known(j, "pod", k->pod);
	text_if_known(j, "namespace", k->pod_namespace);
	if (k->uid_known)
		json_uint(j, "uid", k->uid);
	text_if_known(j, "user", k->user);
}

/* What the bytes that nobody understood look like: a share, and bits of entropy a byte. */
static void write_looked(struct json *j, const struct flow *r)
{
	if (!r->looked.bytes)
		return;
	json_open(j, "unread", '{');
	json_uint(j, "bytes", r->looked.bytes);
	json_double(j, "printable", round(1e3 * (double)r->looked.printable / (double)r->looked.bytes) / 1e3);
	json_double(j, "entropy", round(1e2 * (double)r->looked.bits / (double)r->looked.bytes) / 1e2);
	json_close(j, '}');
}

static void write_flow(struct buf *b, const struct flow *r, uint64_t start_ms, uint64_t end_ms, bool sealed)
{
	const struct flow_facts *k = &r->facts;
	char pair[17];
	struct json j;

	snprintf(pair, sizeof(pair), "%016llx", (unsigned long long)k->pair);
	buf_reset(b);
	json_init(&j, b);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "flow");
	json_time(&j, "start", start_ms);
	json_time(&j, "end", end_ms);
	json_bool(&j, "sealed", sealed);
	json_string(&j, "pair", k->pair ? pair : NULL);
	write_who(&j, k);
	json_string(&j, "role", role_name(k->role));
	json_string(&j, "peer", k->peer);
	json_string(&j, "peer_zone", zone_name(k->zone));
	json_uint(&j, "port", k->port);
	text_or_null(&j, "protocol", k->protocol);
	text_or_null(&j, "route", k->route);
	write_tls(&j, r);
	json_string(&j, "binding", binding_name(k->binding));
	json_uint(&j, "exchanges", r->exchanges);
	write_classes(&j, r);
	bytes_write(&j, r->bytes);
	write_looked(&j, r);
	write_gaps(&j, r);
	json_close(&j, '}');
}

static int by_key(const void *a, const void *b)
{
	const struct flow_facts *x = &(*(const struct flow *const *)a)->facts, *y = &(*(const struct flow *const *)b)->facts;
	int d = strcmp(x->workload, y->workload);

	d = d ? d : strcmp(x->peer, y->peer);
	d = d ? d : (int)x->role - (int)y->role;
	d = d ? d : (int)x->port - (int)y->port;
	d = d ? d : strcmp(x->protocol, y->protocol);
	d = d ? d : strcmp(x->route, y->route);
	d = d ? d : (int)x->tls - (int)y->tls;
	return d ? d : strcmp(x->exe, y->exe);
}

static void emit_flow(struct flows *f, const struct flow *r, uint64_t start_ms, uint64_t end_ms, bool sealed,
		      void (*emit)(void *, const char *, size_t), void *owner)
{
	write_flow(&f->buf, r, start_ms, end_ms, sealed);
	emit(owner, buf_str(&f->buf), f->buf.len);
}

void flows_write(struct flows *f, uint64_t start_ms, uint64_t end_ms, bool sealed,
		 void (*emit)(void *, const char *, size_t), void *owner)
{
	struct flow **all = calloc(f->count ? f->count : 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct flow *r = f->buckets[i]; r; r = r->next)
			if (all)
				all[n++] = r;
			else	/* without memory to sort in: written all the same */
				emit_flow(f, r, start_ms, end_ms, sealed, emit, owner);
	if (f->rest.facts.workload[0])
		emit_flow(f, &f->rest, start_ms, end_ms, sealed, emit, owner);
	if (n)
		qsort(all, n, sizeof(*all), by_key);
	for (size_t i = 0; i < n; i++)
		emit_flow(f, all[i], start_ms, end_ms, sealed, emit, owner);
	free(all);
}
