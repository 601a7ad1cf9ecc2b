/* SPDX-License-Identifier: Apache-2.0 */
/* user.c - users' classes: one pass over the words of a value. A word is looked up in one table
 * of all dictionaries, a token of the right length in the lists of hashes, and a regex is
 * tried only where one may begin. Each stands alone: no part of a longer word. */
#include "classify/user.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "classify/regex.h"
#include "classify/user_find.h"
#include "classify/words.h"

#define SEGMENT		((size_t)16 << 10)	/* bytes that regexes are looked ahead over */
#define TOKEN_MAX	160			/* bytes of a token, separators too, that may be on a list of hashes */
#define ANY_MAX		256			/* bytes of a value of a class that has keys only */

/* ns, by the dearest bytes: a byte passed; a regex tried; one looked ahead over, a byte; a token hashed. */
enum { STATES_NS = 7 };	/* pairs of places of an automaton that are looked at in a ns, measured with 1,641 of them */
enum { COST_BYTE = 2, COST_TRY = 400, COST_TRY_BYTE = 8, COST_AHEAD = 1, COST_HASH = 1500, COST_WORD = 20 };
enum { IS_WORD = 1, STARTS = 2 };

struct entry { const char *text; uint16_t len; uint8_t class_id; bool exact, label; uint32_t next; };
struct word_slot { uint32_t hash, first; };	/* first: entry + 1; 0: free */

struct user_classes {
	const struct class_rules *rules;
	struct regexes *regexes;
	uint8_t pattern_class[PATTERNS_MAX];
	uint32_t pattern_cost[PATTERNS_MAX];	/* ns a byte that is tried, at most */
	unsigned nr_patterns;
	uint8_t kind[256];
	uint8_t start_nr[256], starts[256][PATTERNS_MAX];	/* patterns that may begin with a byte */
	struct entry *entries;
	struct word_slot *slots;
	uint8_t heads[65536 / 8];	/* bit first byte << 8 | second, folded: a word of a dictionary begins so */
	uint8_t *known;		/* one bit a hash: most words are none, and this stays in the nearest cache */
	uint32_t mask, known_mask, nr_entries;
	uint64_t lengths;	/* of all lists of hashes */
	struct key_phrase *phrases[CLASS_USER_MAX];
};
static struct user_classes *used;
static uint64_t failures_before;	/* of classes that are gone */

/* Small letters, of Latin with marks too: the second byte of U+00C0 to U+00DE. */
static uint8_t fold(uint8_t before, uint8_t c)
{
	if (before == 0xc3 && c >= 0x80 && c <= 0x9e && c != 0x97)
		return (uint8_t)(c + 0x20);
	return to_lower(c);
}

static bool is_word(uint8_t c)
{
	return is_alnum(c) || c >= 0x80;
}

static uint32_t hash_add(uint32_t hash, uint8_t c)
{
	return (hash ^ c) * 16777619u;
}
#define HASH_START 2166136261u

static uint32_t hash_end(uint32_t hash)
{
	hash ^= hash >> 15;
	hash *= 0x85ebca6bu;
	return hash ^ hash >> 13;
}

/* Making. */

static uint32_t head_hash(const char *text)
{
	uint32_t hash = HASH_START;

	for (size_t i = 0; is_word((uint8_t)text[i]); i++)
		hash = hash_add(hash, fold(i ? (uint8_t)text[i - 1] : 0, (uint8_t)text[i]));
	return hash_end(hash);
}

/* A word of one byte is followed by anything. */
static void head_add(struct user_classes *u, const uint8_t *text)
{
	unsigned first = fold(0, text[0]) << 8, second = fold(text[0], text[1]);

	if (is_word(text[1]))
		u->heads[(first | second) / 8] |= (uint8_t)(1 << second % 8);
	else
		memset(u->heads + first / 8, 0xff, 256 / 8);
}

static bool head_known(const struct user_classes *u, struct slice v, size_t at)
{
	unsigned second = fold(v.ptr[at], byte_at(v, at + 1));

	return u->heads[(unsigned)(fold(0, v.ptr[at]) << 8 | second) / 8] >> second % 8 & 1;
}

static void word_add(struct user_classes *u, const struct class_rule *c, const struct class_word *w)
{
	uint32_t hash = head_hash(w->text), i = hash & u->mask;

	while (u->slots[i].first && u->slots[i].hash != hash)
		i = (i + 1) & u->mask;
	u->entries[u->nr_entries++] = (struct entry){ .text = w->text, .len = (uint16_t)strlen(w->text), .class_id = c->id,
						      .exact = !c->word_fold, .label = w->label, .next = u->slots[i].first };
	u->slots[i] = (struct word_slot){ hash, u->nr_entries };
	head_add(u, (const uint8_t *)w->text);
	hash &= u->known_mask;
	u->known[hash / 8] |= (uint8_t)(1 << hash % 8);
}

static bool words_new(struct user_classes *u)
{
	size_t nr = 0, size = 64;

	for (size_t i = 0; i < u->rules->nr; i++)
		nr += u->rules->rule[i].nr_words;
	while (size < 2 * nr)
		size *= 2;
	u->mask = (uint32_t)size - 1;
	u->known_mask = (uint32_t)(8 * size) - 1;
	u->entries = calloc(nr + 1, sizeof(*u->entries));
	u->slots = calloc(size, sizeof(*u->slots));
	u->known = calloc(size, 1);
	if (!u->entries || !u->slots || !u->known)
		return false;
	for (size_t i = 0; i < u->rules->nr; i++)
		for (size_t w = 0; w < u->rules->rule[i].nr_words; w++)
			word_add(u, &u->rules->rule[i], &u->rules->rule[i].words[w]);
	return true;
}

static bool patterns_new(struct user_classes *u, bool fast, char *why, size_t size)
{
	const struct class_pattern *all[PATTERNS_MAX];

	for (size_t i = 0; i < u->rules->nr; i++)
		for (size_t p = 0; p < u->rules->rule[i].nr_patterns && u->nr_patterns < PATTERNS_MAX; p++) {
			all[u->nr_patterns] = &u->rules->rule[i].patterns[p];
			u->pattern_cost[u->nr_patterns] = COST_TRY_BYTE + (uint32_t)all[u->nr_patterns]->states * all[u->nr_patterns]->states / STATES_NS;
			u->pattern_class[u->nr_patterns++] = u->rules->rule[i].id;
		}
	for (unsigned c = 0; c < 256; c++) {
		u->kind[c] = is_word((uint8_t)c) ? IS_WORD : 0;
		for (unsigned p = 0; p < u->nr_patterns; p++)
			if (all[p]->first[c / 64] >> c % 64 & 1)
				u->starts[c][u->start_nr[c]++] = (uint8_t)p;
		u->kind[c] |= u->start_nr[c] ? STARTS : 0;
	}
	if (u->nr_patterns)
		u->regexes = regexes_new(all, u->nr_patterns, fast, why, size);
	return !u->nr_patterns || u->regexes;
}

static bool keys_new(struct user_classes *u)
{
	for (size_t i = 0; i < u->rules->nr; i++) {
		const char *const *keys = u->rules->rule[i].keys;
		size_t nr = 0;

		while (keys && keys[nr])
			nr++;
		u->phrases[i] = calloc(nr + 1, sizeof(**u->phrases));
		if (!u->phrases[i])
			return false;
		for (size_t k = 0; k < nr; k++)
			u->phrases[i][k] = (struct key_phrase){ keys[k], KEY_EXACT };
	}
	return true;
}

void user_classes_prepare(void)
{
	uint8_t out[CLASS_HASH], key[CLASS_HASH_KEY] = { 0 };

	regexes_prepare();
	class_hash(out, key, "", 0);
}

uint64_t user_classes_failures(void)
{
	return failures_before + (used && used->regexes ? regexes_failures(used->regexes) : 0);
}

struct user_classes *user_classes_new(const struct class_rules *rules, bool fast, char *why, size_t size)
{
	struct user_classes *u = calloc(1, sizeof(*u));

	snprintf(why, size, "no memory for the classes; write fewer words");
	if (!u)
		return NULL;
	u->rules = rules;
	for (size_t i = 0; i < rules->nr; i++)
		u->lengths |= rules->rule[i].hashes.lengths;
	if (rules->nr <= CLASS_USER_MAX && words_new(u) && keys_new(u) && patterns_new(u, fast, why, size))
		return u;
	user_classes_free(u);
	return NULL;
}

void user_classes_free(struct user_classes *u)
{
	if (!u)
		return;
	if (used == u)
		user_classes_use(NULL);
	for (unsigned i = 0; i < CLASS_USER_MAX; i++)
		free(u->phrases[i]);
	failures_before += u->regexes ? regexes_failures(u->regexes) : 0;
	regexes_free(u->regexes);
	free(u->entries);
	free(u->slots);
	free(u->known);
	free(u);
}

bool user_classes_fast(const struct user_classes *u)
{
	return u->regexes && regexes_are_fast(u->regexes);
}

/* A class that has keys and nothing else: whatever they name. */
static int any_find(struct slice value, size_t at, struct hit *out)
{
	size_t start = 0, end = value.len;

	while (start < end && value.ptr[start] <= ' ')
		start++;
	while (end > start && value.ptr[end - 1] <= ' ')
		end--;
	if (start == end || end - start > ANY_MAX || is_nothing(slice_of(value.ptr + start, end - start)))
		return 0;
	out->start = start;
	out->end = end;
	mask_ends(out->mask, (const char *)value.ptr + start, end - start, 0, 0);
	return USER_SAYS;
}

void user_classes_use(struct user_classes *u)
{
	struct class_row *row;

	for (unsigned id = 0; id < class_count(); id++)
		if ((row = class_user_row(id)))
			*row = (struct class_row){ .info = row->info };
	for (size_t i = 0; u && i < u->rules->nr; i++) {
		const struct class_rule *c = &u->rules->rule[i];

		row = class_user_row(c->id);
		if (!row)
			continue;
		row->user = c;
		row->against = AGAINST_GENERAL;
		row->keys = u->phrases[i];
		row->counter = c->not_keys;
		row->is_name = c->nr_with;	/* of a name nobody knows what stands beside it */
		if (c->nr_patterns || c->nr_words || c->hashes.nr)
			continue;
		row->triggers = TRIGGER_KEY;
		row->find = any_find;
	}
	used = u;
	classify_forget();
}

/* Finding. */

bool user_in_use(void)
{
	return used && used->rules->nr;
}

unsigned user_confidence(const struct class_rule *c, int score, bool named, bool label)
{
	if (named)
		return c->keyed > c->alone ? c->keyed : c->alone;
	if (label || !c->alone)
		return 0;
	return score < USER_SAYS ? c->alone - 1u : c->alone;	/* below: the key speaks against it */
}

static void hit_add(struct user_hits *h, uint8_t class_id, size_t start, size_t end, bool label)
{
	for (unsigned i = h->nr; i && h->hit[i - 1].start == start; i--)
		if (h->hit[i - 1].class_id == class_id) {	/* of one class the longest */
			if (end > h->hit[i - 1].end)
				h->hit[i - 1] = (struct user_hit){ start, end, class_id, label };
			return;
		}
	if (h->nr < USER_HITS)	/* when a place is begun there is room for every class */
		h->hit[h->nr++] = (struct user_hit){ start, end, class_id, label };
}

/* Past the entry where it stands at `at`; else 0. A blank of it may be a separator. */
static size_t entry_end(const struct entry *e, struct slice v, size_t at)
{
	uint8_t before = 0, want_before = 0;

	if (v.len - at < e->len)
		return 0;
	for (size_t i = 0; i < e->len; i++) {
		uint8_t want = (uint8_t)e->text[i], c = v.ptr[at + i];
		bool same = e->exact ? c == want : fold(before, c) == fold(want_before, want);

		if (!same && !(want == ' ' && (c == '_' || c == '-' || c == '\t' || c == '\n')))
			return 0;
		before = c;
		want_before = want;
	}
	return at + e->len < v.len && is_word(v.ptr[at + e->len - 1]) && is_word(v.ptr[at + e->len]) ? 0 : at + e->len;
}

/* Returns how many were looked at: phrases that begin alike all are. */
static uint32_t words_find(const struct user_classes *u, struct slice v, size_t at, uint32_t hash, struct user_hits *h)
{
	uint32_t i, nr = 0;

	hash = hash_end(hash);
	if (!(u->known[(hash & u->known_mask) / 8] >> (hash & u->known_mask) % 8 & 1))
		return 0;
	for (i = hash & u->mask; u->slots[i].first && u->slots[i].hash != hash; i = (i + 1) & u->mask)
		;
	for (uint32_t e = u->slots[i].first; e; e = u->entries[e - 1].next) {
		size_t end = entry_end(&u->entries[e - 1], v, at);

		nr++;
		if (end)
			hit_add(h, u->entries[e - 1].class_id, at, end, u->entries[e - 1].label);
	}
	return nr;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, CLASS_HASH);
}

static bool hash_listed(const struct class_hashes *h, const uint8_t *normal, size_t len)
{
	uint8_t hash[CLASS_HASH];

	if (!(h->lengths >> (len < 63 ? len : 63) & 1))
		return false;
	class_hash(hash, h->key, normal, len);
	return bsearch(hash, h->items, h->nr, sizeof(hash), by_bytes);
}

/* One candidate: a token, or the whole value. */
static uint64_t hashes_ask(const struct user_classes *u, struct slice v, size_t start, size_t end, struct user_hits *h)
{
	uint8_t normal[CLASS_NORMAL_MAX];
	uint64_t cost = 0;
	int len;

	if (end - start > TOKEN_MAX)
		return 0;
	len = class_normal(normal, sizeof(normal), v.ptr + start, end - start);
	if (len > 0 && u->lengths >> (len < 63 ? len : 63) & 1)
		for (size_t i = 0; i < u->rules->nr; i++) {
			const struct class_rule *c = &u->rules->rule[i];

			if (!c->hashes.nr)
				continue;
			cost += COST_HASH;
			if (hash_listed(&c->hashes, normal, (size_t)len))
				hit_add(h, c->id, start, end, false);
		}
	explicit_bzero(normal, sizeof(normal));
	return cost;
}

static bool joins(uint8_t c)
{
	return is_word(c) || (c && strchr("-._@+/:#", c));
}

/* The token that begins at `at`, without the point or comma after it. */
static uint64_t hashes_find(const struct user_classes *u, struct slice v, size_t at, struct user_hits *h)
{
	size_t end = at;

	if (at && joins(v.ptr[at - 1]))
		return 0;
	while (end < v.len && end - at <= TOKEN_MAX && joins(v.ptr[end]))
		end++;
	while (end > at && !is_word(v.ptr[end - 1]))
		end--;
	return hashes_ask(u, v, at, end, h);
}

/* The whole value, blanks around it aside, when a token of it is not all of it. */
static uint64_t hashes_whole(const struct user_classes *u, struct slice v, struct user_hits *h)
{
	size_t start = 0, end = v.len;

	while (start < end && v.ptr[start] <= ' ')
		start++;
	while (end > start && v.ptr[end - 1] <= ' ')
		end--;
	return end > start ? hashes_ask(u, v, start, end, h) : 0;
}

static bool is_joined(uint8_t c)
{
	return is_alnum(c) || c == '_';
}

static uint64_t patterns_find(const struct user_classes *u, struct slice v, size_t at, struct user_hits *h)
{
	uint8_t c = v.ptr[at];
	uint64_t cost = 0;

	if (is_joined(c) && !edge_before(v, at))
		return 0;
	for (unsigned i = 0; i < u->start_nr[c]; i++) {
		unsigned p = u->starts[c][i];
		size_t end = 0, tried = regexes_may(u->regexes, p, v, at);

		cost += COST_TRY / 8;
		if (!tried)
			continue;
		end = regexes_match(u->regexes, p, v, at);
		cost += COST_TRY + (uint64_t)u->pattern_cost[p] * tried;
		if (end && !(is_joined(v.ptr[end - 1]) && !edge_after(v, end)))
			hit_add(h, u->pattern_class[p], at, end, false);
	}
	return cost;
}

uint64_t user_find(struct slice v, struct user_hits *h)
{
	const struct user_classes *u = used;
	size_t from = h->next, to = v.len - from < SEGMENT ? v.len : from + SEGMENT, i = from;
	uint64_t cost = (to - from) * COST_BYTE;

	h->at = h->nr = 0;
	if (!from && u->lengths)
		cost += hashes_whole(u, v, h);
	if (u->regexes) {
		regexes_look(u->regexes, v, from, to);
		cost += (to - from) * COST_AHEAD;
	}
	while (i < to && h->nr <= USER_HITS - CLASS_USER_MAX) {
		uint8_t kind = u->kind[v.ptr[i]], before = i ? v.ptr[i - 1] : 0;
		uint32_t hash = HASH_START;
		size_t start = i;
		bool head;

		if (kind & STARTS)
			cost += patterns_find(u, v, i, h);
		i++;
		if (!(kind & IS_WORD) || is_word(before))
			continue;
		head = head_known(u, v, start);
		hash = hash_add(hash, fold(0, v.ptr[start]));
		for (; i < v.len && (u->kind[v.ptr[i]] & IS_WORD); i++)
			if (head)
				hash = hash_add(hash, fold(v.ptr[i - 1], v.ptr[i]));
		if (head)
			cost += (uint64_t)COST_WORD * words_find(u, v, start, hash, h);
		cost += COST_WORD + (u->lengths ? hashes_find(u, v, start, h) : 0);
	}
	h->next = i;
	return cost;
}
