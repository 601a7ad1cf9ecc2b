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
/* SHA-256 over the files' bytes in order, hex. */
void policy_hash(const struct policy_set *, char hex[65]);

enum verdict { VERDICT_QUIET, VERDICT_VIOLATION, VERDICT_UNKNOWN };
/* Verdict of rule i for one finding of a flow. UNKNOWN: a needed fact was not observed and
 * the rule says to note that. */
enum verdict policy_eval(const struct policy_set *, size_t i, const struct flow_facts *, const struct finding *);
/* Runs the inline tests; writes one line each to out; returns how many failed. */
int policy_test(const struct policy_set *, FILE *out, unsigned *run);
#endif
