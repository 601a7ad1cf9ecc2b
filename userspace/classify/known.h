/* SPDX-License-Identifier: Apache-2.0 */
/* known.h - what keys speak for, worked out once: a service says the same few all day. Bounded; a key that has not
 * come for long makes room. */
#ifndef WEIR_CLASSIFY_KNOWN_H
#define WEIR_CLASSIFY_KNOWN_H
#include "base/hash.h"
#include "classify/classify.h"

#define KNOWN_SETS 2048
#define KNOWN_WAYS 2
struct known_key { uint64_t print; struct key_rows rows; };
struct known_keys { struct known_key keys[KNOWN_SETS][KNOWN_WAYS]; uint8_t next[KNOWN_SETS]; };

/* key_print and parent_print: hashes of both, the same for the same bytes. */
const struct key_rows *known_rows(struct known_keys *, struct slice parent, uint64_t parent_print, struct slice key, uint64_t key_print);
#endif
