/* SPDX-License-Identifier: Apache-2.0 */
/* regex.h - users' regexes through the libraries of others, opened where they are there.
 * PCRE2 says where a match ends; Hyperscan or Vectorscan, when it is there too, first
 * says where none can be, so that what is found is the same with and without. */
#ifndef WEIR_CLASSIFY_REGEX_H
#define WEIR_CLASSIFY_REGEX_H
#include "model/class_rules.h"
#include "model/payload.h"

struct regexes;
/* The texts stay the caller's. fast: with Hyperscan where it is there. NULL and why. */
struct regexes *regexes_new(const struct class_pattern *const *patterns, unsigned nr, bool fast, char *why, size_t size);
bool regexes_prepare(void);	/* opens PCRE2, before a sandbox refuses; false: it is not there */
void regexes_free(struct regexes *);
bool regexes_are_fast(const struct regexes *);
/* Looks ahead over from..to: matches that begin there. */
void regexes_look(struct regexes *, struct slice, size_t from, size_t to);
/* How many bytes are tried of this pattern at `at`, which was looked ahead over; 0: it cannot match there. */
size_t regexes_may(const struct regexes *, unsigned pattern, struct slice, size_t at);
/* The end of the longest match that begins there, which it may; 0: none, or the library could not tell. */
size_t regexes_match(struct regexes *, unsigned pattern, struct slice, size_t at);
uint64_t regexes_failures(const struct regexes *);	/* how often it could not, so far */
#endif
