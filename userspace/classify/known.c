/* SPDX-License-Identifier: Apache-2.0 */
/* known.c - see known.h. */
#include "classify/known.h"

const struct key_rows *known_rows(struct known_keys *k, struct slice parent, uint64_t parent_print, struct slice key, uint64_t key_print)
{
	uint64_t print = (key_print + 3 * parent_print + CLASSIFY_SALT) | 1;
	size_t set = (print >> 1) % KNOWN_SETS;
	struct known_key *known;

	for (unsigned way = 0; way < KNOWN_WAYS; way++)
		if (k->keys[set][way].print == print)
			return &k->keys[set][way].rows;
	known = &k->keys[set][k->next[set]++ % KNOWN_WAYS];
	key_rows_find(&known->rows, parent, key);
	known->print = print;
	return &known->rows;
}
