/* SPDX-License-Identifier: Apache-2.0 */
/* phrases.c - from the words of a key to the classes that they speak for. Asking every class about
 * every key costs more with each class; here each run of tokens is one look into a hash table. */
#include <stdlib.h>

#include "classify/keys.h"

/* FNV-1a: added byte by byte, so that a longer phrase goes on from a shorter one. */
static uint32_t hash_add(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)c) * 16777619u;
}
#define HASH_START 2166136261u

static uint32_t head_slot(uint32_t hash)
{
	return hash >> 8 & (PHRASE_SLOTS - 1);
}

void phrase_table_add(struct phrase_table *t, uint8_t row, const struct key_phrase *keys)
{
	for (const struct key_phrase *p = keys; p && p->words; p++) {
		uint32_t hash = HASH_START, i;
		size_t len = 0;

		for (; p->words[len]; len++) {
			hash = hash_add(hash, p->words[len]);
			if (len == 2 || (len == 1 && !p->words[2]))
				t->heads[head_slot(hash) / 8] |= (uint8_t)(1 << (head_slot(hash) & 7));
		}
		hash |= 1;
		if (t->nr == PHRASE_SLOTS / 2)
			abort();	/* the tables of the program do not fit: any test shows it */
		for (i = hash >> 8 & (PHRASE_SLOTS - 1); t->slot[i].hash; i = (i + 1) & (PHRASE_SLOTS - 1))
			;
		t->slot[i] = (struct phrase_slot){ hash, row };
		t->known[hash >> 5 & (PHRASE_SLOTS - 1)] |= (uint8_t)(1 << (hash >> 1 & 7));
		t->nr++;
		if (len > t->longest)
			t->longest = len;
	}
}

/* Two phrases may have the same hash: the class is then asked in vain, and key_judge says no. */
static unsigned slots_take(const struct phrase_table *t, uint32_t hash, uint8_t *rows, unsigned nr, unsigned max)
{
	hash |= 1;
	if (!(t->known[hash >> 5 & (PHRASE_SLOTS - 1)] >> (hash >> 1 & 7) & 1))
		return nr;
	for (uint32_t i = hash >> 8 & (PHRASE_SLOTS - 1); t->slot[i].hash; i = (i + 1) & (PHRASE_SLOTS - 1)) {
		bool known = false;

		if (t->slot[i].hash != hash)
			continue;
		for (unsigned k = 0; k < nr && k < max; k++)
			known |= rows[k] == t->slot[i].row;
		if (known)
			continue;
		if (nr < max)
			rows[nr] = t->slot[i].row;
		nr++;
	}
	return nr;
}

/* May a phrase begin with the bytes at i? */
static bool head_known(const struct phrase_table *t, const struct key_text *k, size_t i)
{
	uint32_t hash = hash_add(hash_add(HASH_START, k->text[i]), i + 1 < k->len ? k->text[i + 1] : 0);

	if (t->heads[head_slot(hash) / 8] >> (head_slot(hash) & 7) & 1)
		return true;
	hash = hash_add(hash, i + 2 < k->len ? k->text[i + 2] : 0);
	return t->heads[head_slot(hash) / 8] >> (head_slot(hash) & 7) & 1;
}

unsigned phrases_find(const struct phrase_table *t, const struct key_text *k, uint8_t *rows, unsigned max)
{
	unsigned nr = 0;

	for (unsigned n = 0; n < k->nr_tokens; n++) {
		size_t i = k->tokens[n];
		uint32_t hash = HASH_START;

		if (!head_known(t, k, i))
			continue;
		for (size_t end = i; end < k->len && end - i <= t->longest; end++) {
			/* The plural of a phrase ends at the token, the phrase one before. */
			if (k->text[end] == 's' && k->border[end + 1] && end + 1 > k->own && end > i)
				nr = slots_take(t, hash, rows, nr, max);
			hash = hash_add(hash, k->text[end]);
			if (k->border[end + 1] && end + 1 > k->own)
				nr = slots_take(t, hash, rows, nr, max);
		}
	}
	return nr;
}
