/* SPDX-License-Identifier: Apache-2.0 */
/* block.c - what a rule forbids, as a tree: keys of a block AND, values OR. */
#include <string.h>

#include "policy/private.h"

const struct policy_list *list_find(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->nr_lists; i++)
		if (!strcmp(set->list[i].name, name))
			return &set->list[i];
	return NULL;
}

static struct block *block_new(struct source *s, enum block_kind kind, size_t nr)
{
	struct block *b = policy_alloc(s->load->set, 1, sizeof(*b));

	if (!b)
		return NULL;
	b->kind = kind;
	b->child = policy_alloc(s->load->set, nr, sizeof(*b->child));
	return b->child ? b : NULL;
}

/* Values. */

static const struct policy_list *node_list(struct source *s, yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? list_find(s->load->set, (const char *)n->data.scalar.value) : NULL;
}

static size_t count_values(struct source *s, yaml_node_t *n, bool lists)
{
	const struct policy_list *list = lists ? node_list(s, n) : NULL;

	return list ? list->nr : 1;
}

/* A word that is no list and cannot be a host either is a list's name misspelt: as a
 * host it would match nothing and, in not_in, everything. */
static bool is_lost_list(struct source *s, yaml_node_t *n, enum value_type type)
{
	const char *text = (const char *)n->data.scalar.value, *near[64];
	const struct policy_set *set = s->load->set;
	size_t nr = 0;

	if ((type != T_HOST && type != T_ADDRESS) || n->type != YAML_SCALAR_NODE || !*text ||
	    text[strcspn(text, ".*?:/")] || !strcmp(text, "localhost"))
		return false;
	for (size_t i = 0; i < set->nr_lists && nr < 64; i++)
		if (set->list[i].type == type)
			near[nr++] = set->list[i].name;
	policy_error(s, n->start_mark, "unknown list '%s' (a host of one word is written with glob)%s", text,
		     policy_hint(text, near, nr));
	return true;
}

static bool add_values(struct source *s, yaml_node_t *n, bool lists, struct block *leaf)
{
	const struct policy_list *list = lists ? node_list(s, n) : NULL;
	enum value_type type = fact_type(leaf->fact);

	if (!list) {
		if (lists && is_lost_list(s, n, type))
			return false;
		return value_parse(s, n, type, &leaf->value[leaf->nr++]);
	}
	if (list->type != type) {
		policy_error(s, n->start_mark, "list '%s' has another type than %s; use a list of the fitting type",
			     list->name, fact_name(leaf->fact));
		return false;
	}
	for (size_t i = 0; i < list->nr; i++) {
		leaf->value[leaf->nr] = list->value[i];
		leaf->value[leaf->nr++].list = list->name;
	}
	leaf->list[leaf->nr_lists++] = list;
	return true;
}

static struct block *leaf_parse(struct source *s, yaml_node_t *n, enum policy_fact fact, enum operator op, bool lists)
{
	struct block *leaf = block_new(s, BLOCK_LEAF, 0);
	bool many = n->type == YAML_SEQUENCE_NODE, fine = true;
	size_t nr = 0;

	if (many && !node_size(n)) {
		policy_error(s, n->start_mark, "no values for %s; write at least one", fact_name(fact));
		return NULL;
	}
	if (n->type == YAML_MAPPING_NODE && !node_is(s, n, YAML_SCALAR_NODE, fact_name(fact)))
		return NULL;
	if (many)
		for each_item(p, n)
			nr += count_values(s, node_at(s, *p), lists);
	else
		nr = count_values(s, n, lists);
	if (!leaf)
		return NULL;
	leaf->fact = fact;
	leaf->op = op;
	leaf->value = policy_alloc(s->load->set, nr, sizeof(*leaf->value));
	leaf->list = policy_alloc(s->load->set, many ? node_size(n) : 1, sizeof(*leaf->list));
	if (!leaf->value || !leaf->list)
		return NULL;
	if (!many)
		return add_values(s, n, lists, leaf) ? leaf : NULL;
	for each_item(p, n)
		fine &= add_values(s, node_at(s, *p), lists, leaf);
	return fine ? leaf : NULL;
}

/* Operators. */

static const char *const operators[] = { "in", "not_in", "not", "min", "max", "glob", "cidr" };

static struct block *operator_parse(struct source *s, yaml_node_pair_t *p, enum policy_fact fact)
{
	yaml_node_t *key = node_at(s, p->key), *n = node_at(s, p->value);
	const char *word = node_key(s, p);
	enum value_type type = fact_type(fact);
	bool number = type == T_NUMBER || type == T_CONFIDENCE, text = type == T_TEXT || type == T_HOST;

	if (!strcmp(word, "in"))
		return leaf_parse(s, n, fact, OP_IN, true);
	if (!strcmp(word, "not_in") || !strcmp(word, "not"))
		return leaf_parse(s, n, fact, OP_NOT_IN, true);
	if (!strcmp(word, "min") || !strcmp(word, "max")) {
		if (number && !node_is(s, n, YAML_SCALAR_NODE, word))
			return NULL;
		if (number)
			return leaf_parse(s, n, fact, word[1] == 'i' ? OP_MIN : OP_MAX, false);
	} else if (!strcmp(word, "glob")) {
		if (text)
			return leaf_parse(s, n, fact, OP_IN, false);
	} else if (!strcmp(word, "cidr")) {
		if (type == T_ADDRESS)
			return leaf_parse(s, n, fact, OP_IN, true);
	} else {
		policy_error(s, key->start_mark, "unknown operator '%s'%s", word,
			     policy_hint(word, operators, sizeof(operators) / sizeof(operators[0])));
		return NULL;
	}
	policy_error(s, key->start_mark, "'%s' does not fit %s; use in or not_in", word, fact_name(fact));
	return NULL;
}

static struct block *fact_parse(struct source *s, yaml_node_t *n, enum policy_fact fact)
{
	struct block *all;
	bool fine = true;

	if (n->type != YAML_MAPPING_NODE)
		return leaf_parse(s, n, fact, OP_IN, true);
	if (!node_size(n)) {
		policy_error(s, n->start_mark, "%s says nothing; write a value", fact_name(fact));
		return NULL;
	}
	all = block_new(s, BLOCK_ALL, node_size(n));
	if (!all)
		return NULL;
	for each_pair(p, n) {
		all->child[all->nr] = operator_parse(s, p, fact);
		fine &= all->child[all->nr++] != NULL;
	}
	return fine ? all : NULL;
}

static struct block *group_parse_facts(struct source *s, yaml_node_t *n, const char *group)
{
	struct block *all;
	bool fine = true;

	if (!node_is(s, n, YAML_MAPPING_NODE, group))
		return NULL;
	if (!node_size(n)) {
		policy_error(s, n->start_mark, "%s says nothing; write a fact", group);
		return NULL;
	}
	all = block_new(s, BLOCK_ALL, node_size(n));
	if (!all)
		return NULL;
	for each_pair(p, n) {
		enum policy_fact fact = node_fact(s, node_at(s, p->key), group);

		all->child[all->nr] = fact == P_MAX ? NULL : fact_parse(s, node_at(s, p->value), fact);
		fine &= all->child[all->nr++] != NULL;
	}
	return fine ? all : NULL;
}

/* Composition. */

static struct block *condition_find(struct source *s, yaml_node_t *n, bool allowed)
{
	const char *name = node_text(s, n, "the condition"), *near[64];
	const struct policy_set *set = s->load->set;
	size_t nr = 0;

	if (!name)
		return NULL;
	if (!allowed) {
		policy_error(s, n->start_mark, "a condition may not use another one; write its block out");
		return NULL;
	}
	for (size_t i = 0; i < set->nr_conditions; i++)
		if (!strcmp(set->condition[i].name, name))
			return set->condition[i].block;	/* NULL: it is wrong, and that was told */
	for (size_t i = 0; i < set->nr_conditions && nr < 64; i++)
		near[nr++] = set->condition[i].name;
	policy_error(s, n->start_mark, "unknown condition '%s'%s", name,
		     nr ? policy_hint(name, near, nr) : "; define it under conditions");
	return NULL;
}

static struct block *part_parse(struct source *s, yaml_node_t *n, unsigned depth, bool conditions)
{
	if (n->type == YAML_SCALAR_NODE)
		return condition_find(s, n, conditions);
	return block_parse(s, n, depth, conditions);
}

static struct block *compose(struct source *s, yaml_node_pair_t *p, enum block_kind kind, unsigned depth, bool conditions)
{
	yaml_node_t *n = node_at(s, p->value);
	struct block *b;
	bool fine = true;

	if (depth > POLICY_DEPTH) {
		policy_error(s, node_at(s, p->key)->start_mark,
			     "all, any and not are nested deeper than %d; name a part under conditions", POLICY_DEPTH);
		return NULL;
	}
	if (kind != BLOCK_NOT && !node_is(s, n, YAML_SEQUENCE_NODE, node_key(s, p)))
		return NULL;
	if (!node_size(n)) {
		policy_error(s, n->start_mark, "'%s' is empty; write at least one part", node_key(s, p));
		return NULL;
	}
	b = block_new(s, kind, kind == BLOCK_NOT ? 1 : node_size(n));
	if (!b)
		return NULL;
	if (kind == BLOCK_NOT) {
		b->nr = 1;
		b->child[0] = part_parse(s, n, depth, conditions);
		return b->child[0] ? b : NULL;
	}
	for each_item(item, n) {
		b->child[b->nr] = part_parse(s, node_at(s, *item), depth, conditions);
		fine &= b->child[b->nr++] != NULL;
	}
	return fine ? b : NULL;
}

static struct block *pair_parse(struct source *s, yaml_node_pair_t *p, unsigned depth, bool conditions)
{
	const char *key = node_key(s, p), *first[P_MAX + 3];
	size_t nr = 0;
	int fact = fact_find(key);

	if (!strcmp(key, "all"))
		return compose(s, p, BLOCK_ALL, depth + 1, conditions);
	if (!strcmp(key, "any"))
		return compose(s, p, BLOCK_ANY, depth + 1, conditions);
	if (!strcmp(key, "not"))
		return compose(s, p, BLOCK_NOT, depth + 1, conditions);
	if (is_fact_group(key))
		return group_parse_facts(s, node_at(s, p->value), key);
	if (fact >= 0)
		return fact_parse(s, node_at(s, p->value), (enum policy_fact)fact);
	first[nr++] = "all";
	first[nr++] = "any";
	first[nr++] = "not";
	for (int i = 0; i < P_MAX; i++)
		first[nr++] = fact_name((enum policy_fact)i);
	policy_error(s, node_at(s, p->key)->start_mark, "unknown fact '%s'%s", key, policy_hint(key, first, nr));
	return NULL;
}

struct block *block_parse(struct source *s, yaml_node_t *n, unsigned depth, bool conditions)
{
	struct block *all;
	bool fine = true;

	if (!node_is(s, n, YAML_MAPPING_NODE, "this block"))
		return NULL;
	if (!node_size(n)) {
		policy_error(s, n->start_mark, "this block is empty and would match everything; write at least one fact");
		return NULL;
	}
	all = block_new(s, BLOCK_ALL, node_size(n));
	if (!all)
		return NULL;
	for each_pair(p, n) {
		all->child[all->nr] = pair_parse(s, p, depth, conditions);
		fine &= all->child[all->nr++] != NULL;
	}
	return fine ? all : NULL;
}
