/* SPDX-License-Identifier: Apache-2.0 */
/* node.c - one YAML file as nodes of libyaml, without what YAML has too much of:
 * anchors, aliases, tags, directives, several documents, words that turn into booleans. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/private.h"

static const yaml_mark_t top_mark;

yaml_node_t *node_at(struct source *s, int index)
{
	return yaml_document_get_node(&s->doc, index);
}

size_t node_size(const yaml_node_t *n)
{
	if (n->type == YAML_MAPPING_NODE)
		return (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
	if (n->type == YAML_SEQUENCE_NODE)
		return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	return 1;
}

/* Keys are scalars: source_open() saw to it. */
const char *node_key(struct source *s, const yaml_node_pair_t *pair)
{
	return (const char *)node_at(s, pair->key)->data.scalar.value;
}

yaml_node_t *node_get(struct source *s, yaml_node_t *map, const char *key)
{
	for each_pair(p, map)
		if (!strcmp(node_key(s, p), key))
			return node_at(s, p->value);
	return NULL;
}

bool node_is(struct source *s, yaml_node_t *n, yaml_node_type_t type, const char *what)
{
	if (n->type == type)
		return true;
	policy_error(s, n->start_mark, "%s has the wrong form; write %s", what,
		     type == YAML_MAPPING_NODE ? "keys with values, {key: value}" :
		     type == YAML_SEQUENCE_NODE ? "a list, [a, b]" : "a single value");
	return false;
}

const char *node_text(struct source *s, yaml_node_t *n, const char *what)
{
	if (!node_is(s, n, YAML_SCALAR_NODE, what))
		return NULL;
	if (n->data.scalar.length)
		return (const char *)n->data.scalar.value;
	policy_error(s, n->start_mark, "%s is empty; write a value or leave the key out", what);
	return NULL;
}

bool node_name(struct source *s, yaml_node_t *n, const char *what)
{
	const char *text = node_text(s, n, what);

	if (!text)
		return false;
	if (strlen(text) < NAME_SIZE && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == 0)
		return true;
	policy_error(s, n->start_mark, "%s may have letters, digits, '_', '.' and '-', at most %d; choose another",
		     what, NAME_SIZE - 1);
	return false;
}

static bool is_plain(const yaml_node_t *n)
{
	return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool node_bool(struct source *s, yaml_node_t *n, const char *what, bool *out)
{
	const char *text = node_text(s, n, what);

	if (!text)
		return false;
	*out = !strcmp(text, "true");
	if (is_plain(n) && (*out || !strcmp(text, "false")))
		return true;
	policy_error(s, n->start_mark, "%s is '%s'; write true or false, without quotes", what, text);
	return false;
}

bool node_number(struct source *s, yaml_node_t *n, const char *what, uint64_t *out)
{
	const char *text = node_text(s, n, what);

	if (!text)
		return false;
	if (strspn(text, "0123456789") == strlen(text) && strlen(text) < 16 && (text[0] != '0' || !text[1])) {
		*out = strtoull(text, NULL, 10);
		return true;
	}
	policy_error(s, n->start_mark, "%s is '%s'; write a whole number in decimal digits", what, text);
	return false;
}

void node_keys(struct source *s, yaml_node_t *map, const char *what, const char *const *keys, size_t nr)
{
	for each_pair(p, map) {
		const char *key = node_key(s, p);
		size_t i = 0;

		while (i < nr && strcmp(keys[i], key))
			i++;
		if (i == nr)
			policy_error(s, node_at(s, p->key)->start_mark, "unknown key '%s' in %s%s", key, what,
				     policy_hint(key, keys, nr));
	}
}

static bool is_bare_word(const char *text)
{
	static const char *const bare[] = { "yes", "no", "on", "off" };

	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		if (!strcasecmp(text, bare[i]))
			return true;
	return false;
}

static bool has_control(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] == 0x7f || (p[i] == 0xc2 && i + 1 < len && p[i + 1] < 0xa0))
			return true;
	return false;
}

static void check_scalar(struct source *s, yaml_node_t *n)
{
	const char *text = (const char *)n->data.scalar.value;

	if (has_control(n->data.scalar.value, n->data.scalar.length))
		policy_error(s, n->start_mark,
			     "this value has a line break or a control character; write it on one line (or fold it with >-)");
	else if (is_plain(n) && is_bare_word(text))
		policy_error(s, n->start_mark, "bare '%s' is read differently by YAML versions; write true or false, or quote it",
			     text);
}

/* False: a key is no scalar, and nothing else can be asked of the file. */
static bool check_mapping(struct source *s, yaml_node_t *n)
{
	bool fine = true;

	if (node_size(n) > POLICY_KEYS_MAX) {
		policy_error(s, n->start_mark, "more than %u keys; use fewer", POLICY_KEYS_MAX);
		return false;
	}
	for each_pair(p, n) {
		yaml_node_t *key = node_at(s, p->key);

		if (key->type != YAML_SCALAR_NODE) {
			policy_error(s, key->start_mark, "this key is not a word; write key: value");
			fine = false;
			continue;
		}
		for (yaml_node_pair_t *q = n->data.mapping.pairs.start; q < p; q++) {
			yaml_node_t *other = node_at(s, q->key);

			if (other->type == YAML_SCALAR_NODE && !strcmp(node_key(s, q), node_key(s, p))) {
				policy_error(s, key->start_mark, "key '%s' is already on line %zu; remove one of them",
					     node_key(s, p), other->start_mark.line + 1);
				break;
			}
		}
	}
	return fine;
}

static const char *banned(const yaml_token_t *t)
{
	switch (t->type) {
	case YAML_ANCHOR_TOKEN: return "an anchor (&name) is not allowed; write the value out, or use a list or a condition";
	case YAML_ALIAS_TOKEN: return "an alias (*name) is not allowed; write the value out, or quote a '*' that begins a value";
	case YAML_TAG_TOKEN: return "a tag (!name) is not allowed; remove it, or quote a '!' that begins a value";
	case YAML_TAG_DIRECTIVE_TOKEN:
	case YAML_VERSION_DIRECTIVE_TOKEN: return "a directive (%) is not allowed; remove it";
	default: return NULL;
	}
}

static void parser_start(yaml_parser_t *p, const struct source *s)
{
	yaml_parser_set_encoding(p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(p, (const unsigned char *)s->file.text, s->file.len);
}

/* libyaml tells a place for all but bytes it cannot read. */
static void syntax_error(struct source *s, const yaml_parser_t *p)
{
	yaml_mark_t mark = p->problem_mark;

	if (p->error == YAML_READER_ERROR) {
		mark = top_mark;
		for (size_t i = 0; i < p->problem_offset && i < s->file.len; i++)
			mark.line += s->file.text[i] == '\n';
	}
	policy_error(s, mark, "not valid YAML: %s; mend it (a missing quote, colon or indent is the usual cause)",
		     p->problem ? p->problem : "no memory");
}

/* False: a token that is not allowed, or no YAML; it was told. */
static bool check_tokens(struct source *s)
{
	yaml_parser_t p;
	bool fine = true, end = false;

	if (!yaml_parser_initialize(&p)) {
		policy_error(s, top_mark, "no memory for this file; try again");
		return false;
	}
	parser_start(&p, s);
	while (!end) {
		yaml_token_t t;
		const char *why;

		if (!yaml_parser_scan(&p, &t)) {
			syntax_error(s, &p);
			fine = false;
			break;
		}
		why = banned(&t);
		if (why) {
			policy_error(s, t.start_mark, "%s", why);
			fine = false;
		}
		end = t.type == YAML_STREAM_END_TOKEN;
		yaml_token_delete(&t);
	}
	yaml_parser_delete(&p);
	return fine;
}

static void check_end(struct source *s, yaml_parser_t *p)
{
	yaml_document_t more;
	yaml_node_t *root;

	if (!yaml_parser_load(p, &more)) {
		syntax_error(s, p);
		return;
	}
	root = yaml_document_get_root_node(&more);
	if (root)
		policy_error(s, more.start_mark, "a second document begins here; put it in a file of its own");
	yaml_document_delete(&more);
}

static bool load_document(struct source *s)
{
	yaml_parser_t p;

	if (!yaml_parser_initialize(&p)) {
		policy_error(s, top_mark, "no memory for this file; try again");
		return false;
	}
	parser_start(&p, s);
	s->open = yaml_parser_load(&p, &s->doc);
	if (!s->open)
		syntax_error(s, &p);
	else if (yaml_document_get_root_node(&s->doc))
		check_end(s, &p);
	yaml_parser_delete(&p);
	return s->open;
}

bool source_open(struct source *s)
{
	yaml_node_t *root;
	bool fine = true;

	if (s->file.len > POLICY_TEXT_MAX) {
		policy_error(s, top_mark, "the file is longer than %u bytes; split it", POLICY_TEXT_MAX);
		return false;
	}
	if (!check_tokens(s) || !load_document(s))
		return false;
	for (yaml_node_t *n = s->doc.nodes.start; n < s->doc.nodes.top; n++) {
		if (n->type == YAML_SCALAR_NODE)
			check_scalar(s, n);
		else if (n->type == YAML_MAPPING_NODE)
			fine &= check_mapping(s, n);
	}
	root = yaml_document_get_root_node(&s->doc);
	if (!root)
		policy_error(s, top_mark, "the file is empty; begin with 'version: 1'");
	else if (node_is(s, root, YAML_MAPPING_NODE, "the file") && fine)
		s->root = root;
	return s->root;
}
