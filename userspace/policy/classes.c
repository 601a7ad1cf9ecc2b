/* SPDX-License-Identifier: Apache-2.0 */
/* classes.c - the data classes that a policy file defines. They are read before all else,
 * so that lists, rules and tests of any file can name them like those of the program. */
#include <stdlib.h>
#include <string.h>

#include "policy/pattern.h"
#include "policy/private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PHRASES_MAX	64	/* keys of one class */
#define PHRASE_LENGTH	48
#define WORDS_MAX	50000	/* words of one class */
#define WORD_LENGTH	120
#define WORD_SHORTEST	3
#define WITHIN_MAX	64
#define CASE_FIELDS	32

/* The class at hand. */
struct reading {
	struct source *s;
	struct class_rule *c;
	const char *name;
	bool alone_given, keyed_given, keys_given;	/* keys_given: rightly or not */
};

const struct class_rules *policy_classes(const struct policy_set *set)
{
	return &set->classes;
}

static const char *scalar(const yaml_node_t *n)
{
	return (const char *)n->data.scalar.value;
}

/* A list, or one value for a list of one. NULL after an error, or where it is empty. */
static yaml_node_t **texts(struct source *s, yaml_node_t *n, const char *what, size_t max, size_t *nr)
{
	bool many = n->type == YAML_SEQUENCE_NODE;
	size_t size = many ? node_size(n) : 1;
	yaml_node_t **all;

	*nr = 0;
	if (!size || size > max) {
		policy_error(s, n->start_mark, "%s has %zu entries; write 1 to %zu", what, size, max);
		return NULL;
	}
	all = policy_alloc(s->load->set, size, sizeof(*all));
	if (!all)
		return NULL;
	if (!many) {
		all[0] = n;
		*nr = node_text(s, n, what) != NULL;
		return *nr ? all : NULL;
	}
	for each_item(p, n)
		if (node_text(s, node_at(s, *p), what))
			all[(*nr)++] = node_at(s, *p);
	return *nr == size ? all : NULL;
}

/* "Employee Number", "employee_number", "employeeNumber": one phrase. */
static const char *squashed(struct source *s, yaml_node_t *n, const char *what)
{
	char out[PHRASE_LENGTH + 1];
	size_t len = 0;

	for (const char *p = scalar(n); *p; p++) {
		bool word = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (uint8_t)*p >= 0x80;

		if (!word)
			continue;
		if (len == PHRASE_LENGTH) {
			policy_error(s, n->start_mark, "%s is longer than %d letters; shorten it", what, PHRASE_LENGTH);
			return NULL;
		}
		out[len++] = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
	}
	out[len] = 0;
	if (len < 2 || (out[0] >= '0' && out[0] <= '9')) {
		policy_error(s, n->start_mark, "%s is '%s'; write a name of two letters or more that begins with a letter", what, scalar(n));
		return NULL;
	}
	return policy_copy(s->load->set, out);
}

static const char *const *phrases(struct source *s, yaml_node_t *n, const char *what)
{
	size_t nr;
	yaml_node_t **all = texts(s, n, what, PHRASES_MAX, &nr);
	const char **out = all ? policy_alloc(s->load->set, nr + 1, sizeof(*out)) : NULL;

	for (size_t i = 0; out && i < nr; i++)
		if (!(out[i] = squashed(s, all[i], what)))
			return NULL;
	return out;
}

/* Confidence, case. */

static bool level_read(struct source *s, yaml_node_t *n, const char *what, bool none, uint8_t *out)
{
	static const char *const words[] = { "possible", "likely", "certain", "none" };
	const char *text = node_text(s, n, what);

	for (size_t i = 0; text && i < 3u + none; i++)
		if (!strcmp(text, words[i])) {
			*out = (uint8_t)(i < 3 ? i + CONF_POSSIBLE : 0);
			return true;
		}
	if (text)
		policy_error(s, n->start_mark, "unknown %s '%s'%s", what, text, policy_hint(text, words, 3u + none));
	return false;
}

static void case_read(struct reading *r, yaml_node_t *n)
{
	static const char *const words[] = { "exact", "fold" };
	const char *text = node_text(r->s, n, "case");

	if (!text)
		return;
	if (!strcmp(text, words[0]) || !strcmp(text, words[1]))
		r->c->fold = r->c->word_fold = text[0] == 'f';
	else
		policy_error(r->s, n->start_mark, "unknown case '%s'%s", text, policy_hint(text, words, 2));
}

/* What is looked for. */

static void regexes_read(struct reading *r, yaml_node_t *n)
{
	struct policy_set *set = r->s->load->set;
	char out[PATTERN_OUT], why[280];
	size_t nr;
	yaml_node_t **all = texts(r->s, n, "a regex", PATTERNS_MAX, &nr);
	struct class_pattern *p = all ? policy_alloc(set, nr, sizeof(*p)) : NULL;

	for (size_t i = 0; p && i < nr; i++) {
		if (set->nr_patterns == PATTERNS_MAX) {
			policy_error(r->s, all[i]->start_mark, "more than %d regexes in all; write words instead, or join some with '|'",
				     PATTERNS_MAX);
			return;
		}
		if (pattern_read(scalar(all[i]), r->c->fold, r->c->alone, &p[i], out, why, sizeof(why))) {
			policy_error(r->s, all[i]->start_mark, "this regex is refused: %s", why);
			continue;
		}
		p[i].text = policy_copy(set, out);
		set->nr_patterns++;
	}
	r->c->patterns = p;
	r->c->nr_patterns = p ? nr : 0;
}

static bool begins_word(const char *text)
{
	uint8_t c = (uint8_t)*text;

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static void words_read(struct reading *r, yaml_node_t *n, bool label)
{
	const char *what = label ? "a label" : "a word";
	struct class_rule *c = r->c;
	size_t nr, shortest = label || !c->alone ? 1 : WORD_SHORTEST;
	yaml_node_t **all = texts(r->s, n, what, WORDS_MAX, &nr);
	struct class_word *w = all ? policy_alloc(r->s->load->set, c->nr_words + nr, sizeof(*w)) : NULL;

	if (!w)
		return;
	if (c->nr_words)
		memcpy(w, c->words, c->nr_words * sizeof(*w));
	c->words = w;
	for (size_t i = 0; i < nr; i++) {
		const char *text = scalar(all[i]);

		if (strlen(text) < shortest)
			policy_error(r->s, all[i]->start_mark, "'%s' is shorter than %zu letters and would be found nearly everywhere; "
				     "leave it out, or let it count only with a key (confidence: none)", text, shortest);
		else if (strlen(text) > WORD_LENGTH || !begins_word(text))
			policy_error(r->s, all[i]->start_mark, "%s begins with a letter or digit and has at most %d bytes; change it",
				     what, WORD_LENGTH);
		else
			w[c->nr_words++] = (struct class_word){ policy_copy(r->s->load->set, text), label };
	}
}

/* Hashes. */

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool hex_read(struct source *s, yaml_node_t *n, const char *what, uint8_t *out, size_t size)
{
	const char *text = node_text(s, n, what);

	if (!text)
		return false;
	for (size_t i = 0; i < size && strlen(text) == 2 * size; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0)
			break;
		out[i] = (uint8_t)(high << 4 | low);
		if (i + 1 == size)
			return true;
	}
	policy_error(s, n->start_mark, "%s is not %zu hexadecimal digits; take what weir classify --hashes printed", what, 2 * size);
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, CLASS_HASH);
}

static void hashes_read(struct reading *r, yaml_node_t *n)
{
	static const char *const keys[] = { "key", "lengths", "items" };
	struct class_hashes *h = &r->c->hashes;
	yaml_node_t *part[COUNT(keys)], **all;
	uint64_t length;
	size_t nr;

	if (!node_is(r->s, n, YAML_MAPPING_NODE, "hashes"))
		return;
	node_keys(r->s, n, "hashes", keys, COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++)
		if (!(part[i] = node_get(r->s, n, keys[i])))
			policy_error(r->s, n->start_mark, "hashes has no '%s'; take what weir classify --hashes printed", keys[i]);
	if (!part[0] || !part[1] || !part[2] || !hex_read(r->s, part[0], "the key", h->key, sizeof(h->key)))
		return;
	all = texts(r->s, part[1], "lengths", CLASS_NORMAL_MAX, &nr);
	for (size_t i = 0; all && i < nr; i++) {
		if (!node_number(r->s, all[i], "a length", &length))
			continue;
		if (!length || length > CLASS_NORMAL_MAX)
			policy_error(r->s, all[i]->start_mark, "a length is from 1 to %d; take what weir classify --hashes printed",
				     CLASS_NORMAL_MAX);
		else
			h->lengths |= 1ull << (length < 63 ? length : 63);
	}
	all = texts(r->s, part[2], "items", WORDS_MAX, &nr);
	h->items = all ? policy_alloc(r->s->load->set, nr, sizeof(*h->items)) : NULL;
	for (size_t i = 0; h->items && i < nr; i++)
		h->nr += hex_read(r->s, all[i], "an item", h->items[h->nr], CLASS_HASH);
	if (h->nr)
		qsort(h->items, h->nr, sizeof(*h->items), by_bytes);
}

/* What has to stand beside it. Other classes may follow in the file: read when all are known. */
static void with_read(struct source *s, struct class_rule *c, yaml_node_t *n)
{
	static const char *const keys[] = { "classes", "within", "same" };
	yaml_node_t *part[COUNT(keys)], **all;
	struct value v;
	uint64_t within = 0;
	size_t nr;

	if (!node_is(s, n, YAML_MAPPING_NODE, "with"))
		return;
	node_keys(s, n, "with", keys, COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++)
		part[i] = node_get(s, n, keys[i]);
	if (!part[0] || !part[1] == !part[2]) {
		policy_error(s, n->start_mark, "with wants classes, and either within or same: {classes: [email], within: 5} or "
			     "{classes: [email], same: object}");
		return;
	}
	if (part[2] && (!node_text(s, part[2], "same") || strcmp(scalar(part[2]), "object")))
		policy_error(s, part[2]->start_mark, "same is the object only; write same: object");
	if (part[1] && node_number(s, part[1], "within", &within) && (!within || within > WITHIN_MAX))
		policy_error(s, part[1]->start_mark, "within is from 1 to %d fields; change it", WITHIN_MAX);
	all = texts(s, part[0], "classes", CLASS_USER_MAX, &nr);
	c->with = all ? policy_alloc(s->load->set, nr, 1) : NULL;
	c->within = (uint32_t)within;
	c->nr_with = 0;	/* a class may stand there twice, which was told */
	for (size_t i = 0; c->with && i < nr; i++)
		if (value_parse(s, all[i], T_CLASS, &v))
			c->with[c->nr_with++] = (uint8_t)v.number;
}

/* Cases. */

static void case_fields(struct reading *r, yaml_node_t *n, struct class_case *c)
{
	struct policy_set *set = r->s->load->set;
	size_t nr = n->type == YAML_MAPPING_NODE ? node_size(n) : 1;
	const char **keys = policy_alloc(set, nr, sizeof(*keys)), **values = policy_alloc(set, nr, sizeof(*values));

	if (!keys || !values)
		return;
	c->line = n->start_mark.line + 1;
	c->values = values;
	if (n->type != YAML_MAPPING_NODE) {
		if (node_text(r->s, n, "a case"))
			values[c->nr++] = policy_copy(set, scalar(n));
		return;
	}
	if (!nr || nr > CASE_FIELDS) {
		policy_error(r->s, n->start_mark, "this case has %zu fields; write 1 to %d", nr, CASE_FIELDS);
		return;
	}
	c->keys = keys;
	for each_pair(p, n) {
		yaml_node_t *value = node_at(r->s, p->value);

		if (!node_is(r->s, value, YAML_SCALAR_NODE, "the value of a case's field"))
			return;
		keys[c->nr] = policy_copy(set, node_key(r->s, p));
		values[c->nr++] = policy_copy(set, scalar(value));
	}
}

static void cases_read(struct reading *r, yaml_node_t *n)
{
	static const char *const keys[] = { "found", "nothing" };
	struct class_rule *c = r->c;
	yaml_node_t *part[2];
	size_t nr = 0;

	if (!node_is(r->s, n, YAML_MAPPING_NODE, "cases"))
		return;
	node_keys(r->s, n, "cases", keys, COUNT(keys));
	for (size_t i = 0; i < 2; i++) {
		part[i] = node_get(r->s, n, keys[i]);
		if (!part[i] || !node_is(r->s, part[i], YAML_SEQUENCE_NODE, keys[i]) || !node_size(part[i])) {
			policy_error(r->s, (part[i] ? part[i] : n)->start_mark, "class '%s' has no case under '%s'; add a text, or "
				     "{key: value}, that %s", r->name, keys[i], i ? "is near to it and must not be found" : "must be found");
			return;
		}
		nr += node_size(part[i]);
	}
	c->cases = policy_alloc(r->s->load->set, nr, sizeof(*c->cases));
	for (size_t i = 0; c->cases && i < 2; i++)
		for each_item(p, part[i]) {
			c->cases[c->nr_cases].found = !i;
			case_fields(r, node_at(r->s, *p), &c->cases[c->nr_cases++]);
		}
}

/* The class. */

static bool name_fits(struct source *s, yaml_node_t *key)
{
	const char *name = scalar(key);
	size_t len = strlen(name);

	if (len < 3 || len > 32 || name[0] < 'a' || name[0] > 'z' || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")]) {
		policy_error(s, key->start_mark, "a class is named by small letters, digits and '_', 3 to 32 of them, a letter first; "
			     "choose another name");
		return false;
	}
	if (class_find(name) >= 0 && !class_is_user((unsigned)class_find(name))) {
		policy_error(s, key->start_mark, "class '%s' is one of the program's own; choose another name", name);
		return false;
	}
	for (size_t i = 0; i < s->load->set->classes.nr; i++)
		if (!strcmp(s->load->set->class[i].name, name)) {
			policy_error(s, key->start_mark, "class '%s' is already defined in %s, line %zu; choose another name", name,
				     s->load->set->class[i].file, s->load->set->class[i].line);
			return false;
		}
	return true;
}

static void evidence_check(struct reading *r, yaml_node_t *key)
{
	struct class_rule *c = r->c;
	bool values = c->nr_patterns || c->nr_words || c->hashes.nr, labels = false;

	for (size_t i = 0; i < c->nr_words; i++)
		labels |= c->words[i].label;
	if (!values && !c->keys && !r->keys_given)
		policy_error(r->s, key->start_mark, "class '%s' looks for nothing; add keys, regexes, words, labels or hashes", r->name);
	else if ((!c->alone || labels) && !c->keys && !r->keys_given)
		policy_error(r->s, key->start_mark, "class '%s' counts only with a key and has none; add keys: [name of the field]", r->name);
	else if (!values && r->alone_given && c->alone)
		policy_error(r->s, key->start_mark, "class '%s' has keys only: nothing can be found without one; leave 'confidence' out",
			     r->name);
	if (!values) {
		c->alone = 0;
		c->keyed = r->keyed_given ? c->keyed : CONF_LIKELY;	/* whatever the key names: anything surer is that */
	}
}

static void parts_read(struct reading *r, yaml_node_t *n)
{
	static const struct { const char *name; void (*read)(struct reading *, yaml_node_t *); } rows[] = {
		{ "case", case_read }, { "regexes", regexes_read }, { "hashes", hashes_read }, { "cases", cases_read },
	};
	yaml_node_t *part;

	if ((part = node_get(r->s, n, "confidence")))
		r->alone_given = level_read(r->s, part, "confidence", true, &r->c->alone);
	if ((part = node_get(r->s, n, "with_key")))
		r->keyed_given = level_read(r->s, part, "with_key", false, &r->c->keyed);
	for (size_t i = 0; i < COUNT(rows); i++)
		if ((part = node_get(r->s, n, rows[i].name)))
			rows[i].read(r, part);
	if ((part = node_get(r->s, n, "words")))
		words_read(r, part, false);
	if ((part = node_get(r->s, n, "labels")))
		words_read(r, part, true);
	r->keys_given = node_get(r->s, n, "keys");
	if ((part = node_get(r->s, n, "keys")))
		r->c->keys = phrases(r->s, part, "a key");
	if ((part = node_get(r->s, n, "not_keys")))
		r->c->not_keys = phrases(r->s, part, "a key");
}

static uint8_t group_read(struct source *s, yaml_node_t *n)
{
	struct value v = { 0 };

	if (n)
		value_parse(s, n, T_GROUP, &v);
	return (uint8_t)v.number;
}

void class_parse(struct source *s, yaml_node_pair_t *p)
{
	static const char *const keys[] = { "group", "summary", "confidence", "with_key", "case", "keys", "not_keys", "regexes", "words",
					    "labels", "hashes", "with", "cases" };
	struct policy_set *set = s->load->set;
	yaml_node_t *key = node_at(s, p->key), *n = node_at(s, p->value), *summary;
	struct class_rule *c = &set->class[set->classes.nr];
	struct reading r = { .s = s, .c = c, .name = node_key(s, p) };
	int id;

	if (!name_fits(s, key) || !node_is(s, n, YAML_MAPPING_NODE, "a class"))
		return;
	*c = (struct class_rule){ .line = key->start_mark.line + 1, .alone = CONF_LIKELY, .keyed = CONF_CERTAIN, .word_fold = true };
	c->name = policy_copy(set, r.name);
	c->file = policy_copy(set, s->file.name);
	node_keys(s, n, "a class", keys, COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++)
		if ((i < 2 || i == 12) && !node_get(s, n, keys[i]))
			policy_error(s, key->start_mark, "class '%s' has no '%s'; add it", r.name, keys[i]);
	c->group = group_read(s, node_get(s, n, "group"));
	summary = node_get(s, n, "summary");
	c->summary = summary && node_text(s, summary, "summary") ? policy_copy(set, scalar(summary)) : "";
	parts_read(&r, n);
	evidence_check(&r, key);
	if (!c->name || !c->file || !c->summary)
		return policy_error(s, key->start_mark, "no memory for this class; make the files shorter");
	id = class_user_add(c->name, c->summary, c->group, c->alone ? 1 : c->nr_patterns || c->nr_words || c->hashes.nr ? 2 : 3,
			    c->alone ? c->alone : c->keyed);
	if (id < 0)
		return policy_error(s, key->start_mark, "more than %d classes have been defined since weir started; define fewer, or "
				    "start it again", CLASS_USER_MAX);
	c->id = (uint8_t)id;
	set->classes.nr++;
}

void class_parse_with(struct source *s, yaml_node_pair_t *p)
{
	struct policy_set *set = s->load->set;
	yaml_node_t *n = node_at(s, p->value), *with = n->type == YAML_MAPPING_NODE ? node_get(s, n, "with") : NULL;

	for (size_t i = 0; with && i < set->classes.nr; i++)
		if (!strcmp(set->class[i].name, node_key(s, p)))
			with_read(s, &set->class[i], with);
}
