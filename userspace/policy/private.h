/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - a loaded policy set, and what its loader's files share. */
#ifndef WEIR_POLICY_PRIVATE_H
#define WEIR_POLICY_PRIVATE_H
#include <yaml.h>

#include "policy/policy.h"

#define POLICY_TEXT_MAX	(1u << 20)	/* bytes of one file */
#define POLICY_KEYS_MAX	4096		/* keys of one mapping */
#define POLICY_DEPTH	3		/* all, any and not inside each other */
#define POLICY_ERRORS	20		/* printed; more are counted */

/* What a rule may ask: fact, name, type of its values. */
#define POLICY_FACTS(X) \
	X(DATA_CLASS, "data.class", CLASS) X(DATA_GROUP, "data.group", GROUP) \
	X(DATA_CONFIDENCE, "data.confidence", CONFIDENCE) \
	X(DATA_COUNT, "data.count", NUMBER) X(DATA_RECORDS, "data.records", NUMBER) \
	X(DATA_FLOW_RECORDS, "data.flow_records", NUMBER) \
	X(DATA_LOCATION, "data.location", LOCATION) X(DATA_PATH, "data.path", TEXT) \
	X(DATA_KEY, "data.key", TEXT) X(DATA_SAMPLE, "data.sample", BOOL) \
	X(FROM_WORKLOAD, "from.workload", TEXT) X(FROM_EXE, "from.exe", TEXT) \
	X(FROM_UNIT, "from.unit", TEXT) X(FROM_CONTAINER, "from.container", TEXT) \
	X(TO_ZONE, "to.zone", ZONE) X(TO_HOST, "to.host", HOST) \
	X(TO_IP, "to.ip", ADDRESS) X(TO_PORT, "to.port", NUMBER) \
	X(PEER_ZONE, "peer.zone", ZONE) X(PEER_HOST, "peer.host", HOST) \
	X(PEER_IP, "peer.ip", ADDRESS) X(PEER_PORT, "peer.port", NUMBER) \
	X(VIA_PROTOCOL, "via.protocol", TEXT) X(VIA_METHOD, "via.method", TEXT) \
	X(VIA_ROUTE, "via.route", TEXT) X(VIA_STATUS, "via.status", NUMBER) \
	X(VIA_TLS, "via.tls", TLS) X(VIA_AUTH, "via.auth", AUTH) \
	X(VIA_ROLE, "via.role", ROLE) X(VIA_DIRECTION, "via.direction", DIR)
enum policy_fact {
#define X(id, name, type) P_##id,
	POLICY_FACTS(X)
#undef X
	P_MAX
};

/* Types up to T_WORDS are words of a table; the value is their number. */
enum value_type {
	T_CLASS, T_GROUP, T_CONFIDENCE, T_LOCATION, T_ZONE, T_TLS, T_AUTH, T_ROLE, T_DIR, T_WORDS,
	T_NUMBER = T_WORDS, T_BOOL, T_TEXT, T_HOST, T_ADDRESS
};

struct value {
	uint64_t number;
	const char *text;	/* T_TEXT, T_HOST: a glob of * and ? */
	const char *list;	/* the name of the list that it came with; NULL: none */
	uint8_t addr[16];	/* T_ADDRESS: IPv4 as ::ffff:a.b.c.d */
	uint8_t bits;
};

enum operator { OP_IN, OP_NOT_IN, OP_MIN, OP_MAX };
enum block_kind { BLOCK_ALL, BLOCK_ANY, BLOCK_NOT, BLOCK_LEAF };
struct block {
	enum block_kind kind;
	enum policy_fact fact;
	enum operator op;
	const char *name;	/* of the condition that it is; NULL: none */
	size_t nr, nr_lists;	/* of child, or of value in a leaf; of list */
	const struct policy_list **list;	/* whose values are among them */
	struct block **child;
	struct value *value;
};

struct policy_list { const char *name; enum value_type type; struct value *value; size_t nr; };
struct policy_condition { const char *name; struct block *block; };
struct policy_rule { struct rule_info info; struct block *forbid; uint8_t on_unknown[P_MAX]; };
struct policy_case {
	const char *name, *file;
	size_t line, rule;
	struct flow_facts flow;
	struct finding finding;
	bool violation;
};

struct memory;
struct policy_set {
	struct memory *memory;	/* all that is below; freed at once */
	struct policy_list *list;
	struct policy_condition *condition;
	struct policy_rule *rule;
	struct policy_case *test;
	struct class_rule *class;
	struct class_rules classes;	/* of class */
	size_t nr_lists, nr_conditions, nr_rules, nr_tests, nr_patterns;
	char hash[65];
	bool failed;	/* no memory at some time: something is missing */
};

/* early: no YAML of ours at all, so that nothing more is said of the same place. */
struct mistake { unsigned file; size_t line, column; bool early; char text[320]; };
struct load {
	struct policy_set *set;
	struct source *source;
	size_t nr;
	struct mistake *mistake;
	size_t nr_mistakes;	/* counted past the room of `mistake` */
};
/* A file while it is read. */
struct source {
	struct load *load;
	struct policy_file file;
	yaml_document_t doc;
	yaml_node_t *root;	/* NULL: not a mapping */
	bool open;
};

/* diag.c */
void policy_error(struct source *, yaml_mark_t, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void policy_errors_print(struct load *, FILE *);
/* "; did you mean 'x'?" or, with none near, "; one of: a, b, c". Valid until the next call. */
const char *policy_hint(const char *word, const char *const *words, size_t nr);

/* node.c */
bool source_open(struct source *);
yaml_node_t *node_at(struct source *, int index);
yaml_node_t *node_get(struct source *, yaml_node_t *map, const char *key);
bool node_is(struct source *, yaml_node_t *, yaml_node_type_t, const char *what);
const char *node_key(struct source *, const yaml_node_pair_t *);
const char *node_text(struct source *, yaml_node_t *, const char *what);	/* NULL: an error was told */
bool node_name(struct source *, yaml_node_t *, const char *what);	/* is it fit as id of a rule or list? */
bool node_bool(struct source *, yaml_node_t *, const char *what, bool *);
bool node_number(struct source *, yaml_node_t *, const char *what, uint64_t *);
void node_keys(struct source *, yaml_node_t *map, const char *what, const char *const *keys, size_t nr);
size_t node_size(const yaml_node_t *);
#define each_pair(p, n) \
	(yaml_node_pair_t *p = (n)->data.mapping.pairs.start; p < (n)->data.mapping.pairs.top; p++)
#define each_item(p, n) \
	(yaml_node_item_t *p = (n)->data.sequence.items.start; p < (n)->data.sequence.items.top; p++)

/* value.c */
const char *fact_name(enum policy_fact);
enum value_type fact_type(enum policy_fact);
int fact_find(const char *name);
const char *fact_hint(const char *name);
bool value_parse(struct source *, yaml_node_t *, enum value_type, struct value *);
bool address_parse(const char *text, struct value *);
const char *word_name(enum value_type, uint64_t number);	/* of types up to T_WORDS */
/* P_MAX and an error unless "group.name", or name within group, is a fact. */
enum policy_fact node_fact(struct source *, yaml_node_t *key, const char *group);
bool is_fact_group(const char *name);

/* block.c */
struct block *block_parse(struct source *, yaml_node_t *, unsigned depth, bool conditions);
const struct policy_list *list_find(const struct policy_set *, const char *name);

/* load.c */
void *policy_alloc(struct policy_set *, size_t nr, size_t size);	/* zeroed; NULL: no memory */
const char *policy_copy(struct policy_set *, const char *);

/* classes.c */
void class_parse(struct source *, yaml_node_pair_t *);
void class_parse_with(struct source *, yaml_node_pair_t *);	/* once all are known */

/* test.c */
void test_parse(struct source *, yaml_node_t *);

/* eval.c */
enum truth { NO, YES, UNSURE };
enum seen { SEEN, UNSEEN, NOT_OURS, WITHHELD };	/* NOT_OURS: to.* of what a client did not send */
struct fact_value { uint64_t number; const char *text; };
struct judge {
	const struct policy_rule *rule;
	const struct flow_facts *flow;
	const struct finding *finding;
	uint64_t withheld;	/* bit of a fact: whoever tells of it does not tell that */
};
enum seen fact_fetch(const struct judge *, enum policy_fact, struct fact_value *);
/* Which value of the leaf it is, NULL: none. */
const struct value *leaf_match(const struct block *leaf, const struct fact_value *, const struct value *address);
/* negated: under an odd number of "not". */
enum truth policy_judge(const struct judge *, const struct block *, bool negated);
#endif
