/* SPDX-License-Identifier: Apache-2.0 */
/* phrases.c - from the words of a key to the classes that they speak for. Asking every class about
 * every key costs more with each class; here each run of tokens is one look into a hash table. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "classify/bytes.h"
#include "classify/keys.h"

/* FNV-1a: added byte by byte, so that a longer phrase goes on from a shorter one. */
static uint32_t hash_add(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)c) * 16777619u;
}
#define HASH_START 2166136261u

/* The filter knows the first two, three and five bytes of phrases, zeros beyond their end: a number each. */
#define HEAD_BYTES 5
#define TWO 0xffffull
#define THREE 0xffffffull

static uint64_t head_of(const void *text, size_t len)
{
	uint64_t head = 0;

	memcpy(&head, text, len < HEAD_BYTES ? len : HEAD_BYTES);
	return le64toh(head);
}

/* The same of a text that goes on for eight bytes, whatever they hold. */
static inline uint64_t head_load(const void *text, size_t len)
{
	uint64_t head;

	memcpy(&head, text, sizeof(head));
	return le64toh(head) & UINT64_MAX >> (64 - 8 * (len < HEAD_BYTES ? len : HEAD_BYTES));
}

static uint32_t head_slot(uint64_t head)
{
	return (uint32_t)(head * 0x9e3779b97f4a7c15 >> (64 - PHRASE_HEADS_BITS));
}

static void head_set(uint8_t *bits, uint64_t head)
{
	bits[head_slot(head) / 8] |= (uint8_t)(1 << (head_slot(head) & 7));
}

static bool head_has(const uint8_t *bits, uint64_t head)
{
	return bits[head_slot(head) / 8] >> (head_slot(head) & 7) & 1;
}

void phrase_table_add(struct phrase_table *t, uint8_t row, const struct key_phrase *keys)
{
	for (const struct key_phrase *p = keys; p && p->words; p++) {
		uint32_t hash = HASH_START, i;
		size_t len = 0;

		for (; p->words[len]; len++)
			hash = hash_add(hash, p->words[len]);
		head_set(t->heads, head_of(p->words, len) & THREE);
		head_set(t->long_heads, head_of(p->words, len));
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

/* May a phrase begin so? Most words that begin like one differ soon after. */
static inline bool head_may(const struct phrase_table *t, uint64_t head)
{
	return head_has(t->heads, head & THREE) || head_has(t->heads, head & TWO);
}

static bool long_head_may(const struct phrase_table *t, uint64_t head)
{
	for (unsigned len = 2; len <= HEAD_BYTES; len++)
		if (head_has(t->long_heads, head & (UINT64_MAX >> (64 - 8 * len))))
			return true;
	return false;
}

static bool head_known(const struct phrase_table *t, const struct key_text *k, size_t i)
{
	uint64_t head = head_load(k->text + i, k->len - i);

	return head_may(t, head) && long_head_may(t, head);
}

/* The next nr letters and digits from i on, small. */
static inline uint64_t head_take(const uint8_t *fold, uint64_t word, size_t i, unsigned nr)
{
	uint64_t head = 0;

	word &= UINT64_MAX << i;
	for (unsigned n = 0; word && n < nr; n++, word &= word - 1)
		head |= (uint64_t)fold[__builtin_ctzll(word)] << 8 * n;
	return head;
}

uint64_t phrase_initials(const struct key_phrase *keys)
{
	uint64_t initials = 0;

	for (; keys && keys->words; keys++)
		initials |= 1ull << pair_number((uint8_t)keys->words[0], (uint8_t)keys->words[1]);
	return initials;
}

/* Where one may begin that has one of these initials; in fold 64 bytes are read, and one more. No jump for each: which are is drawn at random. */
static inline uint64_t initials_in(uint64_t initials, const uint8_t *fold, uint64_t word, uint64_t begins)
{
	uint64_t found = word & ~(word >> 1) & begins;	/* its second letter is that of another word */

#ifdef __SSE2__
	if (__builtin_cpu_supports("avx2"))
		return found | (pairs_in_32(fold, initials) & begins);
#endif
	for (begins &= ~found; begins; begins &= begins - 1) {
		unsigned i = (unsigned)__builtin_ctzll(begins);

		found |= (initials >> pair_number(fold[i], fold[i + 1]) & 1) << i;
	}
	return found;
}

bool phrases_may(const struct phrase_table *t, struct slice before, uint64_t initials)
{
	uint8_t fold[64 + 8] = { 0 };
	struct letters l;
	uint64_t word, begins;

	if (before.len > 64)
		return true;
	l = letters_of(before.ptr, before.len, fold);
	if (l.beyond)
		return true;
	word = l.digits | l.upper | l.lower;
	begins = word & (~(word << 1) | (l.digits ^ l.digits << 1) | l.upper);
	for (begins = initials_in(initials, fold, word, begins); begins; begins &= begins - 1) {
		size_t i = (size_t)__builtin_ctzll(begins);
		uint64_t head = (word >> i & 31) == 31 ? head_load(fold + i, HEAD_BYTES) : head_take(fold, word, i, HEAD_BYTES);

		if (head_may(t, head) && long_head_may(t, head))
			return true;
	}
	return false;
}

unsigned phrases_find(const struct phrase_table *t, const struct key_text *k, uint8_t *rows, unsigned max)
{
	size_t own = k->own - k->carrier;	/* a phrase has to end behind it */
	unsigned nr = 0;

	for (unsigned n = 0; n < k->nr_tokens; n++) {
		size_t i = k->tokens[n];
		uint32_t hash = HASH_START;

		if (!head_known(t, k, i))
			continue;
		for (size_t end = i; end < k->len && end - i <= t->longest; end++) {
			/* The plural of a phrase ends at the token, the phrase one before. */
			if (k->text[end] == 's' && k->border[end + 1] && end + 1 > own && end > i)
				nr = slots_take(t, hash, rows, nr, max);
			hash = hash_add(hash, k->text[end]);
			if (k->border[end + 1] && end + 1 > own)
				nr = slots_take(t, hash, rows, nr, max);
		}
	}
	return nr;
}
