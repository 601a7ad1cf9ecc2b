/* SPDX-License-Identifier: Apache-2.0 */
/* eval.c - a rule against one finding of a flow, in three values: a fact that was
 * not observed is neither true nor false, whatever it is compared with. */
#include <ctype.h>
#include <string.h>

#include "policy/private.h"

static enum seen seen_number(struct fact_value *v, uint64_t number, bool known)
{
	v->number = number;
	return known ? SEEN : UNSEEN;
}

static enum seen seen_text(struct fact_value *v, const char *text)
{
	v->text = text;
	return text[0] ? SEEN : UNSEEN;
}

static enum seen fetch_data(const struct finding *f, enum policy_fact fact, struct fact_value *v)
{
	const struct class_info *class = class_get(f->class_id);

	switch (fact) {
	case P_DATA_CLASS: return seen_number(v, f->class_id, class);
	case P_DATA_GROUP: return seen_number(v, class ? class->group : 0, class);
	case P_DATA_CONFIDENCE: return seen_number(v, f->confidence, f->confidence);
	case P_DATA_COUNT: return seen_number(v, f->count, true);
	case P_DATA_RECORDS: return seen_number(v, f->records, true);
	case P_DATA_FLOW_RECORDS: return seen_number(v, f->flow_records, true);
	case P_DATA_LOCATION: return seen_number(v, f->location, f->location != LOC_NONE);
	case P_DATA_SAMPLE: return seen_number(v, f->sample, true);
	case P_DATA_PATH: return seen_text(v, f->path);
	default:
		v->text = f->key;	/* none is an answer too */
		return SEEN;
	}
}

/* The other end. A server knows the client's workload when weir watches it, else its address. */
static enum seen fetch_peer(const struct flow_facts *f, enum policy_fact fact, struct fact_value *v)
{
	switch (fact) {
	case P_TO_ZONE:
	case P_PEER_ZONE: return seen_number(v, f->zone, f->zone != ZONE_UNKNOWN);
	case P_TO_PORT:
	case P_PEER_PORT: return seen_number(v, f->port, f->port);
	case P_TO_IP:
	case P_PEER_IP: return seen_text(v, f->peer_address);
	default:
		if (f->role == ROLE_SERVER)
			return seen_text(v, f->pair && f->peer[0] ? f->peer : f->peer_address);
		return seen_text(v, f->peer[0] ? f->peer : f->host[0] ? f->host : f->peer_address);
	}
}

static enum seen fetch_to(const struct judge *j, enum policy_fact fact, struct fact_value *v)
{
	if (j->finding->dir != DIR_SENT || j->flow->role == ROLE_SERVER)
		return NOT_OURS;
	return j->flow->role == ROLE_CLIENT ? fetch_peer(j->flow, fact, v) : UNSEEN;
}

enum seen fact_fetch(const struct judge *j, enum policy_fact fact, struct fact_value *v)
{
	const struct flow_facts *f = j->flow;

	if (j->withheld >> fact & 1)
		return WITHHELD;
	switch (fact) {
	case P_TO_ZONE:
	case P_TO_HOST:
	case P_TO_IP:
	case P_TO_PORT: return fetch_to(j, fact, v);
	case P_PEER_ZONE:
	case P_PEER_HOST:
	case P_PEER_IP:
	case P_PEER_PORT: return fetch_peer(f, fact, v);
	case P_FROM_WORKLOAD: return seen_text(v, f->workload);
	case P_FROM_EXE: return seen_text(v, f->exe);
	case P_FROM_UNIT: return seen_text(v, f->unit);
	case P_FROM_CONTAINER: return seen_text(v, f->container);
	case P_VIA_PROTOCOL: return seen_text(v, f->protocol);
	case P_VIA_METHOD: return seen_text(v, f->method);
	case P_VIA_ROUTE: return seen_text(v, f->route);
	case P_VIA_STATUS: return seen_number(v, f->status, f->status);
	case P_VIA_TLS: return seen_number(v, f->tls, f->tls != TLS_UNKNOWN);
	case P_VIA_AUTH: return seen_number(v, f->auth, true);
	case P_VIA_ROLE: return seen_number(v, f->role, f->role != ROLE_UNKNOWN);
	case P_VIA_DIRECTION: return seen_number(v, j->finding->dir, true);
	default: return fetch_data(j->finding, fact, v);
	}
}

/* '*' is any bytes, '?' one. Going back to the last '*' is enough. */
static bool glob_match(const char *glob, const char *text, bool fold)
{
	const char *star = NULL, *again = NULL;

	while (*text) {
		int g = (unsigned char)*glob, t = (unsigned char)*text;

		if (g == '*') {
			star = glob++;
			again = text;
		} else if (g && (g == '?' || g == t || (fold && tolower(g) == tolower(t)))) {
			glob++;
			text++;
		} else if (star) {
			glob = star + 1;
			text = ++again;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

static bool address_match(const struct value *net, const struct value *address)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(net->addr, address->addr, whole))
		return false;
	return !rest || !((net->addr[whole] ^ address->addr[whole]) & (uint8_t)(0xff << (8 - rest)));
}

const struct value *leaf_match(const struct block *leaf, const struct fact_value *v, const struct value *address)
{
	enum value_type type = fact_type(leaf->fact);

	for (size_t i = 0; i < leaf->nr; i++) {
		const struct value *want = &leaf->value[i];
		bool is;

		if (type == T_ADDRESS)
			is = address_match(want, address);
		else if (type == T_TEXT || type == T_HOST)
			is = glob_match(want->text, v->text, type == T_HOST);
		else if (type == T_CONFIDENCE)
			is = v->number >= want->number;
		else
			is = v->number == want->number;
		if (is)
			return want;
	}
	return NULL;
}

/* `negated`: under an odd number of "not". What settles an unknown does so for the
 * rule, not for the leaf. */
static enum truth judge_leaf(const struct judge *j, const struct block *leaf, bool negated)
{
	struct fact_value v = { 0 };
	struct value address = { 0 };
	enum seen seen = fact_fetch(j, leaf->fact, &v);

	if (seen == SEEN && fact_type(leaf->fact) == T_ADDRESS && !address_parse(v.text, &address))
		seen = UNSEEN;
	if (seen == WITHHELD || (seen == UNSEEN && j->rule->on_unknown[leaf->fact] == UNKNOWN_NOTE))
		return UNSURE;
	if (seen == UNSEEN && j->rule->on_unknown[leaf->fact] == UNKNOWN_VIOLATE)
		return negated ? NO : YES;
	if (seen != SEEN)
		return negated ? YES : NO;
	switch (leaf->op) {
	case OP_MIN: return v.number >= leaf->value[0].number ? YES : NO;
	case OP_MAX: return v.number <= leaf->value[0].number ? YES : NO;
	case OP_NOT_IN: return leaf_match(leaf, &v, &address) ? NO : YES;
	default: return leaf_match(leaf, &v, &address) ? YES : NO;
	}
}

enum truth policy_judge(const struct judge *j, const struct block *b, bool negated)
{
	enum truth sum = b->kind == BLOCK_ANY ? NO : YES, end = b->kind == BLOCK_ANY ? YES : NO;

	if (b->kind == BLOCK_LEAF)
		return judge_leaf(j, b, negated);
	if (b->kind == BLOCK_NOT) {
		sum = policy_judge(j, b->child[0], !negated);
		return sum == UNSURE ? UNSURE : sum == YES ? NO : YES;
	}
	for (size_t i = 0; i < b->nr; i++) {
		enum truth t = policy_judge(j, b->child[i], negated);

		if (t == end)
			return end;
		if (t == UNSURE)
			sum = UNSURE;
	}
	return sum;
}

enum verdict policy_eval(const struct policy_set *set, size_t i, const struct flow_facts *flow,
			 const struct finding *finding)
{
	struct judge j = { .flow = flow, .finding = finding };

	if (i >= set->nr_rules)
		return VERDICT_QUIET;
	j.rule = &set->rule[i];
	switch (policy_judge(&j, j.rule->forbid, false)) {
	case YES: return VERDICT_VIOLATION;
	case UNSURE: return VERDICT_UNKNOWN;
	default: return VERDICT_QUIET;
	}
}
