/* SPDX-License-Identifier: Apache-2.0 */
/* known.c - see known.h. */
#include "classify/known.h"

const struct key_rows *known_new(struct known_keys *k, uint64_t print, struct slice parent, struct slice key)
{
	size_t set = (print >> 1) % KNOWN_SETS;
	struct known_key *known = &k->keys[set][k->next[set]++ % KNOWN_WAYS];

	key_rows_find(&known->rows, parent, key);
	known->print = print;
	return &known->rows;
}
