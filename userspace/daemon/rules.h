/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - the policy files, as the monitor read them, in memory that the keeper and the analyst
 * map before their sandboxes close: so that both judge by the same words, and the next of
 * either too. A reload writes the other half and then says which one holds. */
#ifndef WEIR_RULES_H
#define WEIR_RULES_H
#include <stdbool.h>
#include <stdint.h>
#include "policy/policy.h"

#define RULES_FILES	64
#define RULES_HALF	((size_t)8 << 20)	/* bytes of all files and their names */
#define RULES_MEMORY	(2 * RULES_HALF + 4096)

/* Monitor. The classes known to this process go with them. 0, -E2BIG. */
int rules_write(void *memory, const struct policy_file *files, unsigned nr);
/* Those that hold now, borrowed; the numbers of classes are those that the monitor gave. Returns how many. */
unsigned rules_read(const void *memory, struct policy_file files[RULES_FILES]);

/* Analyst: what the policies' classes look for, in use from now on; fast: regexes through Hyperscan too.
 * What was in use before stays where that fails: -1 and why. */
struct rules { struct policy_set *set; struct user_classes *classes; };
int rules_use(struct rules *, const void *memory, bool fast, char *why, size_t size);
/* Analyst, in its sandbox: what they say of protocol buffers, in use from now on. Where that fails it is logged, and
 * what was in use before stays. */
void rules_describe(const void *memory);
#endif
