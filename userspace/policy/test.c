/* SPDX-License-Identifier: Apache-2.0 */
/* test.c - the tests inside policy files: facts as they would be seen, and what
 * a rule has to say of them. What is not given was not observed; the finding itself
 * is certain, counted once and sent. */
#include <stdlib.h>
#include <string.h>

#include "policy/private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct given { struct source *s; struct policy_case *c; bool class, group, to, role, wrong; enum class_group wanted; };

static void put_text(struct given *g, yaml_node_t *n, char *out, size_t size)
{
	const char *text = node_text(g->s, n, "this value");

	if (text && strlen(text) >= size)
		policy_error(g->s, n->start_mark, "longer than the %zu bytes such a fact can have; shorten it", size - 1);
	else if (text)
		snprintf(out, size, "%s", text);
}

static void put_number(struct given *g, yaml_node_t *n, uint64_t v, uint64_t max, void *out, size_t size)
{
	uint16_t two = (uint16_t)v;
	uint32_t four = (uint32_t)v;

	if (v > max)
		policy_error(g->s, n->start_mark, "%llu is more than such a fact can be; write at most %llu",
			     (unsigned long long)v, (unsigned long long)max);
	else
		memcpy(out, size == sizeof(two) ? (void *)&two : (void *)&four, size);
}

static void given_text(struct given *g, yaml_node_t *n, enum policy_fact fact)
{
	struct flow_facts *f = &g->c->flow;
	struct finding *d = &g->c->finding;

	switch (fact) {
	case P_DATA_PATH: return put_text(g, n, d->path, sizeof(d->path));
	case P_DATA_KEY: return put_text(g, n, d->key, sizeof(d->key));
	case P_FROM_WORKLOAD: return put_text(g, n, f->workload, sizeof(f->workload));
	case P_FROM_EXE: return put_text(g, n, f->exe, sizeof(f->exe));
	case P_FROM_UNIT: return put_text(g, n, f->unit, sizeof(f->unit));
	case P_FROM_CONTAINER: return put_text(g, n, f->container, sizeof(f->container));
	case P_VIA_PROTOCOL: return put_text(g, n, f->protocol, sizeof(f->protocol));
	case P_VIA_METHOD: return put_text(g, n, f->method, sizeof(f->method));
	case P_VIA_ROUTE: return put_text(g, n, f->route, sizeof(f->route));
	case P_TO_IP:
	case P_PEER_IP: return put_text(g, n, f->peer_address, sizeof(f->peer_address));
	default:
		put_text(g, n, f->peer, sizeof(f->peer));
		f->pair = 1;
	}
}

static void given_value(struct given *g, yaml_node_t *n, enum policy_fact fact, const struct value *v)
{
	struct flow_facts *f = &g->c->flow;
	struct finding *d = &g->c->finding;
	uint8_t word = (uint8_t)v->number;

	switch (fact) {
	case P_DATA_CLASS: d->class_id = word; g->class = true; break;
	case P_DATA_GROUP: g->wanted = (enum class_group)word; g->group = true; break;
	case P_DATA_CONFIDENCE: d->confidence = word; break;
	case P_DATA_LOCATION: d->location = word; break;
	case P_DATA_SAMPLE: d->sample = word; break;
	case P_DATA_COUNT: put_number(g, n, v->number, UINT32_MAX, &d->count, sizeof(d->count)); break;
	case P_DATA_RECORDS: put_number(g, n, v->number, UINT32_MAX, &d->records, sizeof(d->records)); break;
	case P_DATA_FLOW_RECORDS: put_number(g, n, v->number, UINT32_MAX, &d->flow_records, sizeof(d->flow_records)); break;
	case P_TO_ZONE:
	case P_PEER_ZONE: f->zone = word; break;
	case P_TO_PORT:
	case P_PEER_PORT: put_number(g, n, v->number, UINT16_MAX, &f->port, sizeof(f->port)); break;
	case P_VIA_STATUS: put_number(g, n, v->number, 999, &f->status, sizeof(f->status)); break;
	case P_VIA_TLS: f->tls = word; break;
	case P_VIA_AUTH: f->auth = word; break;
	case P_VIA_ROLE: f->role = word; g->role = true; break;
	case P_VIA_DIRECTION: d->dir = word; break;
	default: given_text(g, n, fact);
	}
}

static void given_fact(struct given *g, yaml_node_t *n, enum policy_fact fact)
{
	struct value v = { 0 };

	if (!node_is(g->s, n, YAML_SCALAR_NODE, fact_name(fact)) || !value_parse(g->s, n, fact_type(fact), &v)) {
		g->wrong |= fact == P_DATA_CLASS || fact == P_DATA_GROUP;
		return;
	}
	if (fact_type(fact) == T_ADDRESS && v.bits != 128)
		policy_error(g->s, n->start_mark, "a network is no peer; write one address");
	if (fact >= P_TO_ZONE && fact <= P_TO_PORT)
		g->to = true;
	given_value(g, n, fact, &v);
}

/* The class may be left to the group; to.* is said of what a client sends. */
static void given_end(struct given *g, yaml_node_t *n)
{
	struct policy_case *c = g->c;

	if (!g->class && !g->group && !g->wrong)
		policy_error(g->s, n->start_mark, "no data.class is given; say what was found");
	for (unsigned i = class_count(); !g->class && g->group && i-- > 0; )
		if (class_get(i)->group == g->wanted)
			c->finding.class_id = (uint8_t)i;
	if (g->group && class_get(c->finding.class_id)->group != g->wanted)
		policy_error(g->s, n->start_mark, "no such class in group '%s'; give another data.class or data.group",
			     group_name(g->wanted));
	if (g->to && !g->role)
		c->flow.role = ROLE_CLIENT;
}

static void given_parse(struct source *s, yaml_node_t *n, struct policy_case *c)
{
	struct given g = { .s = s, .c = c };

	c->finding = (struct finding){ .confidence = CONF_CERTAIN, .count = 1, .distinct = 1, .records = 1, .flow_records = 1, .dir = DIR_SENT };
	if (!node_is(s, n, YAML_MAPPING_NODE, "given"))
		return;
	for each_pair(p, n) {
		const char *key = node_key(s, p);
		yaml_node_t *value = node_at(s, p->value);
		enum policy_fact fact;

		if (!is_fact_group(key)) {
			fact = node_fact(s, node_at(s, p->key), NULL);
			if (fact != P_MAX)
				given_fact(&g, value, fact);
		} else if (node_is(s, value, YAML_MAPPING_NODE, key)) {
			for each_pair(q, value) {
				fact = node_fact(s, node_at(s, q->key), key);
				if (fact != P_MAX)
					given_fact(&g, node_at(s, q->value), fact);
			}
		}
	}
	given_end(&g, n);
}

int policy_story_read(struct policy_story *story, const char *name, const char *text, size_t len, const char *withheld, FILE *errors)
{
	struct policy_case c = { 0 };
	struct source s = { .file = { name, text, len } };
	struct load l = { .source = &s, .nr = 1 };
	size_t n;
	int fact, err = 0;

	*story = (struct policy_story){ 0 };
	for (char word[32]; *withheld; withheld += n + (withheld[n] == ',')) {
		n = strcspn(withheld, ",");
		snprintf(word, sizeof(word), "%.*s", (int)n, withheld);
		fact = fact_find(word);
		if (fact >= 0)
			story->withheld |= 1ull << fact;
	}
	s.load = &l;
	l.set = calloc(1, sizeof(*l.set));	/* holds the texts while they are read */
	if (l.set && source_open(&s))
		given_parse(&s, s.root, &c);
	if (!l.set || l.nr_mistakes || l.set->failed) {
		policy_errors_print(&l, errors);
		err = -1;
	}
	if (s.open)
		yaml_document_delete(&s.doc);
	free(l.mistake);
	policy_free(l.set);
	story->flow = c.flow;
	story->finding = c.finding;
	return err;
}

static void expect_parse(struct source *s, yaml_node_t *n, struct policy_case *c)
{
	static const char *const keys[] = { "violation" };
	yaml_node_t *violation;

	if (!node_is(s, n, YAML_MAPPING_NODE, "expect"))
		return;
	node_keys(s, n, "expect", keys, COUNT(keys));
	violation = node_get(s, n, "violation");
	if (violation)
		node_bool(s, violation, "violation", &c->violation);
	else
		policy_error(s, n->start_mark, "nothing is expected; write {violation: true} or {violation: false}");
}

static size_t rule_find(struct source *s, yaml_node_t *n)
{
	const struct policy_set *set = s->load->set;
	const char *id = node_text(s, n, "rule"), *near[64];
	size_t nr = 0;

	if (!id)
		return 0;
	for (size_t i = 0; i < set->nr_rules; i++) {
		if (!set->rule[i].info.id)
			continue;
		if (!strcmp(set->rule[i].info.id, id))
			return i;
		if (nr < COUNT(near))
			near[nr++] = set->rule[i].info.id;
	}
	policy_error(s, n->start_mark, "unknown rule '%s'%s", id, nr ? policy_hint(id, near, nr) : "; define it under rules");
	return 0;
}

void test_parse(struct source *s, yaml_node_t *n)
{
	static const char *const keys[] = { "rule", "name", "given", "expect" };
	struct policy_set *set = s->load->set;
	struct policy_case *c = &set->test[set->nr_tests];
	yaml_node_t *part[COUNT(keys)];
	bool whole = true;
	const char *name;

	if (!node_is(s, n, YAML_MAPPING_NODE, "a test"))
		return;
	node_keys(s, n, "a test", keys, COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++) {
		part[i] = node_get(s, n, keys[i]);
		if (!part[i])
			policy_error(s, n->start_mark, "this test has no '%s'; add it", keys[i]);
		whole &= part[i] != NULL;
	}
	if (!whole)
		return;
	c->rule = rule_find(s, part[0]);
	name = node_text(s, part[1], "name");
	c->name = name ? policy_copy(set, name) : NULL;
	c->file = policy_copy(set, s->file.name);
	c->line = n->start_mark.line + 1;
	given_parse(s, part[2], c);
	expect_parse(s, part[3], c);
	set->nr_tests++;
}

int policy_test(const struct policy_set *set, FILE *out, unsigned *run)
{
	static const char *const said[] = {
		[VERDICT_QUIET] = "quiet", [VERDICT_VIOLATION] = "a violation", [VERDICT_UNKNOWN] = "not known",
	};
	int failed = 0;

	for (size_t i = 0; i < set->nr_tests; i++) {
		const struct policy_case *c = &set->test[i];
		enum verdict v = policy_eval(set, c->rule, &c->flow, &c->finding);
		const char *id = set->rule[c->rule].info.id, *name = c->name ? c->name : "?";

		if ((v == VERDICT_VIOLATION) == c->violation) {
			fprintf(out, "ok    %s: %s%s\n", id, name, v == VERDICT_UNKNOWN ? " (not known)" : "");
			continue;
		}
		failed++;
		fprintf(out, "FAIL  %s: %s: expected %s, got %s (%s:%zu)\n", id, name,
			c->violation ? "a violation" : "no violation", said[v], c->file ? c->file : "?", c->line);
	}
	if (run)
		*run = (unsigned)set->nr_tests;
	return failed;
}
