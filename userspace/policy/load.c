/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - policy files to one set. All files are read first, then judged together:
 * lists, additions to lists, conditions, rules, tests; so their order does not matter. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "policy/private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct memory { struct memory *next; max_align_t data[]; };

void *policy_alloc(struct policy_set *set, size_t nr, size_t size)
{
	size_t bytes;
	struct memory *m = NULL;

	if (!__builtin_mul_overflow(nr ? nr : 1, size, &bytes) && bytes <= SIZE_MAX - sizeof(*m))
		m = calloc(1, sizeof(*m) + bytes);
	if (!m) {
		set->failed = true;
		return NULL;
	}
	m->next = set->memory;
	set->memory = m;
	return m->data;
}

const char *policy_copy(struct policy_set *set, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = policy_alloc(set, size, 1);

	return copy ? memcpy(copy, text, size) : NULL;
}

void policy_free(struct policy_set *set)
{
	if (!set)
		return;
	while (set->memory) {
		struct memory *m = set->memory;

		set->memory = m->next;
		free(m);
	}
	free(set);
}

size_t policy_rules(const struct policy_set *set)
{
	return set->nr_rules;
}

const struct rule_info *policy_rule(const struct policy_set *set, size_t i)
{
	return i < set->nr_rules ? &set->rule[i].info : NULL;
}

void policy_hash(const struct policy_set *set, char hex[65])
{
	memcpy(hex, set->hash, sizeof(set->hash));
}

/* Lists. */

static const char *const list_types[] = { "host", "cidr", "string", "class" };
static const uint8_t list_values[] = { T_HOST, T_ADDRESS, T_TEXT, T_CLASS };

static bool list_type(struct source *s, yaml_node_t *n, enum value_type *type)
{
	const char *word = node_text(s, n, "the type of a list");

	for (size_t i = 0; word && i < COUNT(list_types); i++)
		if (!strcmp(word, list_types[i])) {
			*type = list_values[i];
			return true;
		}
	if (word)
		policy_error(s, n->start_mark, "unknown type '%s' of a list%s", word,
			     policy_hint(word, list_types, COUNT(list_types)));
	return false;
}

static void list_add(struct source *s, struct policy_list *list, yaml_node_t *items)
{
	struct value *all = policy_alloc(s->load->set, list->nr + node_size(items), sizeof(*all));

	if (!all) {
		policy_error(s, items->start_mark, "no memory for this list; make it shorter");
		return;
	}
	if (list->nr)
		memcpy(all, list->value, list->nr * sizeof(*all));
	list->value = all;
	for each_item(p, items)
		if (value_parse(s, node_at(s, *p), list->type, &all[list->nr]))
			list->nr++;
}

static void list_define(struct source *s, yaml_node_t *key, yaml_node_t *n, yaml_node_t *items)
{
	struct policy_set *set = s->load->set;
	yaml_node_t *type = node_get(s, n, "type");
	struct policy_list *list = &set->list[set->nr_lists];
	const char *name = (const char *)key->data.scalar.value;

	if (list_find(set, name)) {
		policy_error(s, key->start_mark, "list '%s' is already defined in another file; add to it with extend: true",
			     name);
		return;
	}
	if (!type) {
		policy_error(s, key->start_mark, "list '%s' has no type; add type: host, cidr, string or class", name);
		return;
	}
	if (!list_type(s, type, &list->type))
		return;
	list->name = policy_copy(set, name);
	if (!list->name)
		return policy_error(s, key->start_mark, "no memory for this list; make the files shorter");
	set->nr_lists++;
	list_add(s, list, items);
}

static void list_extend(struct source *s, yaml_node_t *key, yaml_node_t *n, yaml_node_t *items)
{
	struct policy_set *set = s->load->set;
	const char *name = (const char *)key->data.scalar.value, *near[64];
	yaml_node_t *type = node_get(s, n, "type");
	struct policy_list *list = NULL;
	enum value_type said;
	size_t nr = 0;

	for (size_t i = 0; i < set->nr_lists; i++) {
		if (!strcmp(set->list[i].name, name))
			list = &set->list[i];
		if (nr < COUNT(near))
			near[nr++] = set->list[i].name;
	}
	if (!list)
		policy_error(s, key->start_mark, "no list '%s' to extend%s", name,
			     nr ? policy_hint(name, near, nr) : "; define it, without extend");
	else if (type && list_type(s, type, &said) && said != list->type)
		policy_error(s, type->start_mark, "list '%s' has another type; leave 'type' out", name);
	else
		list_add(s, list, items);
}

static void list_parse(struct source *s, yaml_node_pair_t *p, bool extends)
{
	static const char *const keys[] = { "type", "items", "extend" };
	yaml_node_t *key = node_at(s, p->key), *n = node_at(s, p->value), *extend, *items;
	bool wanted = false;

	if (n->type != YAML_MAPPING_NODE) {
		if (!extends)
			node_is(s, n, YAML_MAPPING_NODE, "a list");
		return;
	}
	extend = node_get(s, n, "extend");
	if (extend && extends != !strcmp((const char *)(extend->type == YAML_SCALAR_NODE ? extend->data.scalar.value :
							(yaml_char_t *)""), "true"))
		return;
	if (extend ? !node_bool(s, extend, "extend", &wanted) : extends)
		return;
	node_keys(s, n, "a list", keys, COUNT(keys));
	if (!node_name(s, key, "the name of a list"))
		return;
	items = node_get(s, n, "items");
	if (!items)
		policy_error(s, key->start_mark, "list '%s' has no items; add items: [], empty if need be", node_key(s, p));
	else if (node_is(s, items, YAML_SEQUENCE_NODE, "items"))
		(extends ? list_extend : list_define)(s, key, n, items);
}

/* Rules. */

static const char *const actions[] = { "note", "violate", "ignore" };	/* by enum on_unknown */

static bool action_parse(struct source *s, yaml_node_t *n, uint8_t *out)
{
	const char *word = node_text(s, n, "on_unknown");

	for (size_t i = 0; word && i < COUNT(actions); i++)
		if (!strcmp(word, actions[i])) {
			*out = (uint8_t)i;
			return true;
		}
	if (word)
		policy_error(s, n->start_mark, "unknown answer '%s' of on_unknown%s", word,
			     policy_hint(word, actions, COUNT(actions)));
	return false;
}

static void on_unknown_parse(struct source *s, yaml_node_t *n, struct policy_rule *r)
{
	uint8_t action;

	if (n->type != YAML_MAPPING_NODE) {
		if (action_parse(s, n, &action))
			memset(r->on_unknown, action, sizeof(r->on_unknown));
		return;
	}
	for each_pair(p, n) {
		enum policy_fact fact = node_fact(s, node_at(s, p->key), NULL);

		if (action_parse(s, node_at(s, p->value), &action) && fact != P_MAX)
			r->on_unknown[fact] = action;
	}
}

static void dedup_parse(struct source *s, yaml_node_t *n, struct policy_rule *r)
{
	static const char *const keys[] = { "window" };
	static const struct { char unit; uint64_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	};
	yaml_node_t *window;
	const char *text;
	size_t digits;

	if (!node_is(s, n, YAML_MAPPING_NODE, "dedup"))
		return;
	node_keys(s, n, "dedup", keys, COUNT(keys));
	window = node_get(s, n, "window");
	text = window ? node_text(s, window, "window") : NULL;
	if (!text)
		return;
	digits = strspn(text, "0123456789");
	for (size_t i = 0; i < COUNT(units); i++)
		if (digits && digits < 5 && text[digits] == units[i].unit && !text[digits + 1] && strtoul(text, NULL, 10)) {
			r->info.window_ns = strtoul(text, NULL, 10) * units[i].seconds * 1000000000ull;
			return;
		}
	policy_error(s, window->start_mark, "window is '%s'; write a number from 1 to 9999 and s, m, h or d: 1h", text);
}

static void criteria_parse(struct source *s, yaml_node_t *n, struct policy_rule *r)
{
	const char **all;
	size_t nr = 0;

	if (!node_is(s, n, YAML_SEQUENCE_NODE, "criteria"))
		return;
	all = policy_alloc(s->load->set, node_size(n) + 1, sizeof(*all));
	if (!all)
		return policy_error(s, n->start_mark, "no memory for the criteria; write fewer");
	for each_item(p, n)
		if (node_name(s, node_at(s, *p), "a criterion"))
			all[nr++] = policy_copy(s->load->set, (const char *)node_at(s, *p)->data.scalar.value);
	r->info.criteria = all;
}

/* "{data.class} to {to.host}": every brace names a fact. */
static void message_check(struct source *s, yaml_node_t *n)
{
	const char *text = node_text(s, n, "message");

	while (text && (text = strchr(text, '{'))) {
		size_t len = strcspn(++text, "}");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(len < 60 ? len : 60), text);
		if (!text[len])
			policy_error(s, n->start_mark, "a '{' of the message has no '}'; close it");
		else if (fact_find(name) < 0)
			policy_error(s, n->start_mark, "unknown fact '{%s}' in the message%s", name, fact_hint(name));
		text += len;
	}
}

static void status_check(struct source *s, yaml_node_t *n)
{
	static const char *const words[] = { "draft", "test", "stable" };
	const char *text = node_text(s, n, "status");

	for (size_t i = 0; text && i < COUNT(words); i++)
		if (!strcmp(text, words[i]))
			return;
	if (text)
		policy_error(s, n->start_mark, "unknown status '%s'%s", text, policy_hint(text, words, COUNT(words)));
}

static void severity_read(struct source *s, yaml_node_t *n, struct policy_rule *r)
{
	const char *text = node_text(s, n, "severity"), *words[SEV_CRITICAL + 1];
	int severity = text ? severity_parse(text) : 0;

	for (unsigned i = 0; i <= SEV_CRITICAL; i++)
		words[i] = severity_name(i);
	if (severity < 0)
		policy_error(s, n->start_mark, "unknown severity '%s'%s", text, policy_hint(text, words, COUNT(words)));
	else
		r->info.severity = (enum severity)severity;
}

static void rule_identity(struct source *s, yaml_node_t *n, struct policy_rule *r)
{
	struct policy_set *set = s->load->set;
	yaml_node_t *id = node_get(s, n, "id"), *title = node_get(s, n, "title");
	const char *text;

	if (id && node_name(s, id, "the id of a rule")) {
		text = (const char *)id->data.scalar.value;
		for (size_t i = 0; i < set->nr_rules; i++)
			if (set->rule[i].info.id && !strcmp(set->rule[i].info.id, text))
				policy_error(s, id->start_mark, "rule '%s' is already defined; give this one another id", text);
		r->info.id = policy_copy(set, text);
	}
	text = title ? node_text(s, title, "title") : NULL;
	r->info.title = text ? policy_copy(set, text) : NULL;
}

static void rule_parse(struct source *s, yaml_node_t *n)
{
	static const char *const keys[] = { "id", "title", "forbid", "on_unknown", "severity", "criteria", "status",
					    "dedup", "message" };
	static const char *const none[] = { NULL };
	struct policy_rule *r = &s->load->set->rule[s->load->set->nr_rules];
	yaml_node_t *part;

	if (!node_is(s, n, YAML_MAPPING_NODE, "a rule"))
		return;
	r->info.window_ns = 3600ull * 1000000000;
	r->info.criteria = none;
	node_keys(s, n, "a rule", keys, COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++)
		if ((i < 3 || i == 4) && !node_get(s, n, keys[i]))
			policy_error(s, n->start_mark, "this rule has no '%s'; add it", keys[i]);
	rule_identity(s, n, r);
	if ((part = node_get(s, n, "forbid")))
		r->forbid = block_parse(s, part, 0, true);
	if ((part = node_get(s, n, "on_unknown")))
		on_unknown_parse(s, part, r);
	if ((part = node_get(s, n, "severity")))
		severity_read(s, part, r);
	if ((part = node_get(s, n, "criteria")))
		criteria_parse(s, part, r);
	if ((part = node_get(s, n, "status")))
		status_check(s, part);
	if ((part = node_get(s, n, "dedup")))
		dedup_parse(s, part, r);
	if ((part = node_get(s, n, "message")))
		message_check(s, part);
	s->load->set->nr_rules++;
}

/* Conditions. */

static void condition_parse(struct source *s, yaml_node_pair_t *p)
{
	struct policy_set *set = s->load->set;
	struct policy_condition *c = &set->condition[set->nr_conditions];
	yaml_node_t *key = node_at(s, p->key);
	const char *name = node_key(s, p);

	if (!node_name(s, key, "the name of a condition"))
		return;
	for (size_t i = 0; i < set->nr_conditions; i++)
		if (!strcmp(set->condition[i].name, name)) {
			policy_error(s, key->start_mark, "condition '%s' is already defined; choose another name", name);
			return;
		}
	c->name = policy_copy(set, name);
	if (!c->name)
		return policy_error(s, key->start_mark, "no memory for this condition; make the files shorter");
	c->block = block_parse(s, node_at(s, p->value), 0, false);
	if (c->block)
		c->block->name = c->name;
	set->nr_conditions++;
}

/* Files. */

static const char *const sections[] = { "version", "lists", "conditions", "rules", "tests", "classes" };

static yaml_node_type_t section_type(size_t i)
{
	return i == 3 || i == 4 ? YAML_SEQUENCE_NODE : YAML_MAPPING_NODE;
}

static void head_check(struct source *s)
{
	yaml_node_t *n = node_get(s, s->root, "version");
	uint64_t version;

	node_keys(s, s->root, "the file", sections, COUNT(sections));
	if (!n)
		policy_error(s, s->root->start_mark, "no version; begin with 'version: 1'");
	else if (node_number(s, n, "version", &version) && version != 1)
		policy_error(s, n->start_mark, "version %llu is not known; write version: 1", (unsigned long long)version);
	for (size_t i = 1; i < COUNT(sections); i++)
		if ((n = node_get(s, s->root, sections[i])))
			node_is(s, n, section_type(i), sections[i]);
}

static yaml_node_t *section(struct source *s, unsigned i)
{
	yaml_node_t *n = s->root ? node_get(s, s->root, sections[i]) : NULL;

	return n && n->type == section_type(i) ? n : NULL;
}

enum pass { PASS_CLASSES, PASS_WITH, PASS_LISTS, PASS_EXTEND, PASS_CONDITIONS, PASS_RULES, PASS_TESTS, PASS_END };

static void run_pass(struct source *s, enum pass pass)
{
	static const uint8_t of[PASS_END] = { 5, 5, 1, 1, 2, 3, 4 };
	yaml_node_t *n = section(s, of[pass]);

	if (!n)
		return;
	if (pass >= PASS_RULES) {
		for each_item(p, n)
			(pass == PASS_RULES ? rule_parse : test_parse)(s, node_at(s, *p));
		return;
	}
	for each_pair(p, n) {
		if (pass <= PASS_WITH)
			(pass == PASS_CLASSES ? class_parse : class_parse_with)(s, p);
		else if (pass == PASS_CONDITIONS)
			condition_parse(s, p);
		else
			list_parse(s, p, pass == PASS_EXTEND);
	}
}

bool policy_is_descriptors(const char *name)
{
	static const char suffix[] = ".protoset";
	size_t n = strlen(name);

	return n >= sizeof(suffix) && !strcmp(name + n - sizeof(suffix) + 1, suffix);
}

static bool make_room(struct load *l)
{
	struct policy_set *set = l->set;
	size_t nr[COUNT(sections)] = { 0 };

	for (size_t i = 0; i < l->nr; i++)
		for (unsigned k = 1; k < COUNT(sections); k++)
			nr[k] += section(&l->source[i], k) ? node_size(section(&l->source[i], k)) : 0;
	set->list = policy_alloc(set, nr[1], sizeof(*set->list));
	set->condition = policy_alloc(set, nr[2], sizeof(*set->condition));
	set->rule = policy_alloc(set, nr[3], sizeof(*set->rule));
	set->test = policy_alloc(set, nr[4], sizeof(*set->test));
	set->class = policy_alloc(set, nr[5], sizeof(*set->class));
	set->classes.rule = set->class;
	return set->list && set->condition && set->rule && set->test && set->class;
}

static bool read_files(struct load *l, const struct policy_file *files)
{
	size_t total = 0;
	struct buf all;
	uint8_t digest[32];

	for (size_t i = 0; i < l->nr; i++) {
		l->source[i] = (struct source){ .load = l, .file = files[i] };
		if (!files[i].text)
			l->source[i].file = (struct policy_file){ files[i].name, "", 0 };
		if (!policy_is_descriptors(files[i].name) && source_open(&l->source[i]))
			head_check(&l->source[i]);
		total += l->source[i].file.len;
	}
	buf_init(&all, total + 1);
	for (size_t i = 0; i < l->nr; i++)
		buf_add(&all, l->source[i].file.text, l->source[i].file.len);
	sha256(digest, all.len ? (const void *)all.ptr : "", all.len);
	hex_encode(l->set->hash, digest, sizeof(digest));
	total = all.failed;
	buf_free(&all);
	return !total && make_room(l);
}

struct policy_set *policy_load(const struct policy_file *files, size_t nr, FILE *errors)
{
	struct load l = { .nr = nr };
	struct class_users before;
	bool fine = false;

	class_users_get(&before);
	class_users_clear();

	l.set = calloc(1, sizeof(*l.set));
	l.source = calloc(nr ? nr : 1, sizeof(*l.source));
	if (l.set && l.source && read_files(&l, files)) {
		for (int pass = PASS_CLASSES; pass < PASS_END; pass++)
			for (size_t i = 0; i < nr; i++)
				run_pass(&l.source[i], (enum pass)pass);
		fine = !l.nr_mistakes && !l.set->failed;
	}
	if (!fine)
		policy_errors_print(&l, errors);
	if (!fine)
		class_users_set(&before);
	for (size_t i = 0; l.source && i < nr; i++)
		if (l.source[i].open)
			yaml_document_delete(&l.source[i].doc);
	free(l.source);
	free(l.mistake);
	if (fine)
		return l.set;
	policy_free(l.set);
	return NULL;
}
