/* SPDX-License-Identifier: Apache-2.0 */
/* user_find.h - users' classes in a value, for the pass of scan.c. */
#ifndef WEIR_CLASSIFY_USER_FIND_H
#define WEIR_CLASSIFY_USER_FIND_H
#include "classify/classify.h"

#define USER_SAYS	50	/* what a value of a user's class says by itself */
#define USER_HITS	128

struct user_hit { size_t start, end; uint8_t class_id; bool label; };
/* By start; at: the next one; next: where in the value looking goes on. */
struct user_hits { size_t next; unsigned at, nr; struct user_hit hit[USER_HITS]; };

bool user_in_use(void);
/* Fills hits from hits->next on. Returns what it cost, ns. */
uint64_t user_find(struct slice, struct user_hits *);
/* 0: not worth a word. label: it counts with a key only, whatever its class says. */
unsigned user_confidence(const struct class_rule *, int score, bool named, bool label);
#endif
