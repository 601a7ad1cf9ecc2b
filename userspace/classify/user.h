/* SPDX-License-Identifier: Apache-2.0 */
/* user.h - the data classes that policies define. A door without payload types. */
#ifndef WEIR_CLASSIFY_USER_H
#define WEIR_CLASSIFY_USER_H
#include <stdio.h>
#include "model/class_rules.h"

/* Opens what regexes need, before a sandbox refuses: they may come with a reload. */
void user_classes_prepare(void);

/* Their words, hashes and regexes, ready to be looked for. The rules stay the caller's, until after the free.
 * fast: with Hyperscan or Vectorscan where it is there. NULL and why when they cannot be. */
struct user_classes;
struct user_classes *user_classes_new(const struct class_rules *, bool fast, char *why, size_t size);
void user_classes_free(struct user_classes *);
/* From now on these are looked for, by all of this process; NULL: none. */
void user_classes_use(struct user_classes *);
/* How often a regex could not be run, so far: what it would have found is missing. */
uint64_t user_classes_failures(void);
bool user_classes_fast(const struct user_classes *);
/* Their own cases; the classes must be in use. Writes one line each to out; returns how many failed. */
int user_classes_test(const struct class_rules *, FILE *out, unsigned *run);
#endif
