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

const struct key_rows *known_new(struct known_keys *, uint64_t print, struct slice parent, struct slice key);

/* key_print and parent_print: hashes of both, the same for the same bytes. */
static inline const struct key_rows *known_rows(struct known_keys *k, struct slice parent, uint64_t parent_print,
						struct slice key, uint64_t key_print)
{
	uint64_t print = (key_print + 3 * parent_print + CLASSIFY_SALT) | 1;
	const struct known_key *set = k->keys[(print >> 1) % KNOWN_SETS];

	for (unsigned way = 0; way < KNOWN_WAYS; way++)
		if (set[way].print == print)
			return &set[way].rows;
	return known_new(k, print, parent, key);
}
#endif
