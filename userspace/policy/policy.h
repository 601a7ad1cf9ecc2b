/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - flow facts + findings -> broken rules. Loads YAML policies (closed
 * schema; libyaml), evaluates them; stateless, order-independent. Sees no payload.
 *
 * A policy set is one or more files: rules, lists, conditions, tests, data classes. A user's
 * file may extend a list of a shipped one: name: {extend: true, items: [...]}. */
#ifndef WEIR_POLICY_H
#define WEIR_POLICY_H
#include <stdio.h>
#include "model/class_rules.h"
#include "model/flow.h"

enum on_unknown { UNKNOWN_NOTE, UNKNOWN_VIOLATE, UNKNOWN_IGNORE };

struct policy_set;
/* One file's text, named for messages. */
struct policy_file { const char *name; const char *text; size_t len; };

/* Sets of protobuf descriptors (protocol/descriptor.h) stand among the policies, as "*.protoset": without rules, but
 * part of the hash. policy_load() does not look into them. */
bool policy_is_descriptors(const char *name);
/* NULL when a file is wrong; every mistake is written to `errors` as
 * "FILE:LINE:COL: error: what, and what to do" with the line and a caret. */
struct policy_set *policy_load(const struct policy_file *files, size_t nr, FILE *errors);
void policy_free(struct policy_set *);
size_t policy_rules(const struct policy_set *);
const struct rule_info *policy_rule(const struct policy_set *, size_t i);
/* The data classes that the files define. Loading makes them known to class_find() and the like; when a file
 * is wrong those known before stay. */
const struct class_rules *policy_classes(const struct policy_set *);
/* The file in the one way of writing, into out: it says the same, comments stay. 0, or -1 after a message. */
struct buf;
int policy_format(const struct policy_file *, struct buf *out, FILE *errors);
/* SHA-256 over the files' bytes in order, hex. */
void policy_hash(const struct policy_set *, char hex[65]);

enum verdict { VERDICT_QUIET, VERDICT_VIOLATION, VERDICT_UNKNOWN };
/* Verdict of rule i for one finding of a flow. UNKNOWN: a needed fact was not observed and
 * the rule says to note that. */
enum verdict policy_eval(const struct policy_set *, size_t i, const struct flow_facts *, const struct finding *);

/* What is told of one finding, by a leaf of the ledger or by hand, in the words of a test's "given". */
struct policy_story {
	struct flow_facts flow;
	struct finding finding;
	uint64_t withheld;	/* facts that who tells it does not keep: not known, whatever on_unknown says */
};
/* withheld: names of facts, separated by commas. 0, or -1 after its mistakes were written to errors. */
int policy_story_read(struct policy_story *, const char *name, const char *text, size_t len, const char *withheld, FILE *errors);

/* A condition of a rule and what came of it: of one fact, or a block of several that follow it one deeper. */
struct policy_step {
	unsigned depth;
	const char *block;	/* "all", "any", "not"; NULL: of a fact, what follows */
	const char *condition;	/* the name of a block; NULL: none */
	const char *fact, *value;	/* value NULL: not known */
	const char *op, *wanted;	/* "in", "not_in", "min", "max" as a policy says it; "a, b, list (12 items)" */
	const char *match, *list;	/* the value that it is, and the list that this came with; NULL: none */
	const char *reason;	/* why it is as it is, where a comparison does not say it; NULL: it does */
	const char *result;	/* "yes", "no", "unknown" */
};
typedef void (*policy_step_fn)(void *owner, const struct policy_step *);
/* policy_eval(), telling each step on the way; fn NULL: none. */
enum verdict policy_explain(const struct policy_set *, size_t i, const struct policy_story *, policy_step_fn fn, void *owner);
/* Runs the inline tests; writes one line each to out; returns how many failed. */
int policy_test(const struct policy_set *, FILE *out, unsigned *run);
#endif
