/* SPDX-License-Identifier: Apache-2.0 */
/* policy_verbs.h - what the files of `weir policy` share. Private to cli/. */
#ifndef WEIR_CLI_POLICY_VERBS_H
#define WEIR_CLI_POLICY_VERBS_H
#include "cli/query.h"
#include "policy/policy.h"

struct policy_verb {
	struct query q;
	const struct policy_set *set;
	const char *rule;	/* only rules that match this; NULL: all */
	const char *leaf;	/* --leaf N */
	const char *what;	/* operand of explain */
	bool check;		/* fmt --check */
};
bool policy_verb_wants(const struct policy_verb *, size_t rule);
const char *verdict_name(enum verdict);
int policy_verb_explain(struct policy_verb *);
int policy_verb_replay(struct policy_verb *);
int policy_verb_fmt(const char *const *names, unsigned nr, bool check);
#endif
