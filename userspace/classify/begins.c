/* SPDX-License-Identifier: Apache-2.0 */
/* begins.c - see begins.h. */
#include "classify/begins.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "classify/tokens.h"

struct starters starters;
uint32_t classify_generation;

static void bit_set(uint8_t *bits, uint32_t slot)
{
	bits[slot / 8] |= (uint8_t)(1 << (slot & 7));
}

static void begins_head(const char *text, size_t len)
{
	uint64_t six = 0;

	memcpy(&six, text, len < 6 ? len : 6);
	six = le64toh(six);
	if (len == 2) {
		bit_set(starters.pairs, (uint32_t)six);
		return;
	}
	bit_set(starters.heads, head_slot(six & 0xffffff));
	bit_set(starters.long_heads, long_slot(len > 5 ? six : len > 3 ? six & UINT32_MAX : six & 0xffffff));
}

static void begins_literal(const char *text, uint8_t row)
{
	struct literal *l = &starters.literals[++starters.nr_literals];
	uint16_t *chain = &starters.chain[pair_chain((const uint8_t *)text)];

	assert(starters.nr_literals < LITERALS_MAX - 1 && text[0] && text[1]);
	*l = (struct literal){ .text = text, .len = (uint16_t)strlen(text), .next = *chain, .row = row };
	memcpy(&l->head, text, l->len < 8 ? l->len : 8);
	l->head = le64toh(l->head);
	*chain = starters.nr_literals;
	begins_head(text, strlen(text));
	if (!is_alpha((uint8_t)*text))
		starters.kind[(uint8_t)*text] |= ON_LITERAL;
}

static void list_add(struct row_list *list, unsigned row)
{
	assert(list->nr < LIST_MAX);
	list->rows[list->nr++] = (uint8_t)row;
	list->groups |= starters.groups[row];
	if (list->nr == 1 || starters.digits[row] < list->fewest)
		list->fewest = starters.digits[row];
}

/* After which bytes could it go on, of so many letters and digits at its beginning? A bit for each. */
static unsigned row_after(const struct class_row *row, size_t head, size_t run)
{
	unsigned bits = 0;

	for (unsigned after = 0; after < AFTER_MAX; after++)
		if (row->id ? id_starts(row->id, head, run, after) : !row->starts || row->starts(head, run, after))
			bits |= 1u << after;
	return bits;
}

static uint64_t row_groups(const struct class_row *row)
{
	uint64_t most = row->group_max && row->group_max < GROUP_MAX ? (2ull << row->group_max) - 1 : UINT64_MAX;

	return 1 | (row->id ? id_groups(row->id) : most & UINT64_MAX << row->group_min);
}

static void begins_number(unsigned i, const struct class_row *row)
{
	unsigned bits;

	starters.groups[i] = row_groups(row);
	starters.digits[i] = row->id ? (uint8_t)id_digits(row->id) : row->digits;
	if (starters.digits[i] == 255)	/* no shape stands on its own */
		return;
	starters.after[i] = row->id ? UINT16_MAX : 0;
	for (unsigned run = 0; run <= RUN_MAX && (row->triggers & TRIGGER_DIGIT); run++) {
		bits = row_after(row, 0, run);
		for (unsigned after = 0; after < AFTER_MAX; after++)
			if (bits >> after & 1)
				list_add(&starters.digit[run][after], i);
		starters.after[i] |= (uint16_t)bits;
	}
	if (row->id && !id_has_head(row->id))
		return;
	for (unsigned run = 0; run <= RUN_MAX && row->id; run++) {
		bits = row_after(row, ID_SPACED, run);
		if (bits)
			list_add(&starters.spaced[run], i);
		starters.after[i] |= (uint16_t)bits;
	}
	if (!(row->triggers & TRIGGER_MIXED))
		return;
	for (unsigned head = 1; head <= HEAD_MAX; head++)
		for (unsigned run = 0; run <= RUN_MAX; run++) {
			bits = row_after(row, head, run);
			if (bits)
				list_add(&starters.mixed[head][run], i);
			starters.after[i] |= (uint16_t)bits;
			/* Of a class that may begin after any letters the run alone tells. */
			if (!bits || row->id || head < HEAD_MAX)
				continue;
			list_add(&starters.inner[run], i);
			if (starters.groups[i] >> 3 && starters.digits[i] < starters.inner_run)
				starters.inner_run = starters.digits[i];
		}
}

static void begins_named(void *owner, bool letter, size_t run, enum id_after after, unsigned digits)
{
	struct nameable *named = &starters.named[letter][run][after];

	if (!named->initials || digits < named->fewest)
		named->fewest = (uint8_t)digits;
	named->initials |= *(const uint64_t *)owner;
}

static void begins_row(unsigned i)
{
	const struct class_row *row = starters.rows[i];
	uint64_t initials;

	begins_number(i, row);
	if (row->triggers & TRIGGER_AT)
		list_add(&starters.at, i);
	if (row->triggers & TRIGGER_KEY)
		phrase_table_add(&starters.keyed, (uint8_t)i, row->keys);
	if (row->triggers & TRIGGER_NEAR) {	/* an id */
		phrase_table_add(&starters.near, (uint8_t)i, row->keys);
		initials = phrase_initials(row->keys);
		id_near(row->id, begins_named, &initials);
	}
	if (row->triggers & TRIGGER_LITERAL) {
		for (const char *const *l = row->literals; l && *l; l++)
			begins_literal(*l, (uint8_t)i);
		for (const struct token_format *f = row->tokens; f && f->prefix; f++)
			begins_literal(f->prefix, (uint8_t)i);
	}
}

/* Does a literal that begins with letters go on with a byte by which its word is found (block_words)? */
static bool literal_joins(const char *text, size_t letters)
{
	uint8_t next = (uint8_t)text[letters];

	return is_digit(next) || next == '.' || (next && memchr(starters.specials.of.bytes, next, starters.specials.of.nr));
}

/* How many three bytes pass that were never asked for, more or less: the product of how many halves each has. */
static unsigned heads_cost(const struct word_heads *h, unsigned set)
{
	unsigned cost = 1;

	for (unsigned i = 0; i < 3; i++) {
		unsigned low = 0, high = 0;

		for (unsigned half = 0; half < 16; half++) {
			low += h->low[i][half] >> set & 1;
			high += h->high[i][half] >> set & 1;
		}
		cost *= low * high;
	}
	return cost;
}

/* Those that nothing else tells from a word, each to the set that it makes least wider. */
static void begins_heads(void)
{
	struct word_heads *heads = &starters.specials.heads;

	for (unsigned i = 1; i <= starters.nr_literals; i++) {
		const char *text = starters.literals[i].text;
		unsigned best = 0, least = UINT_MAX;
		size_t letters = 0;

		while (is_alpha((uint8_t)text[letters]))
			letters++;
		if (!letters || literal_joins(text, letters))
			continue;
		for (unsigned set = 0; set < HEAD_SETS; set++) {
			struct word_heads more = *heads;
			unsigned wider;

			word_heads_add(&more, set, text, starters.literals[i].len);
			wider = heads_cost(&more, set) - heads_cost(heads, set);
			if (wider < least) {
				least = wider;
				best = set;
			}
		}
		word_heads_add(heads, best, text, starters.literals[i].len);
	}
}

void begins_only(bool (*wanted)(unsigned row))
{
	starters.inner_run = RUN_MAX;
	for (unsigned i = 0; i < class_count(); i++) {
		starters.rows[i] = class_row(i);
		if (wanted(i))
			begins_row(i);
	}
	for (unsigned c = 0; c < 256; c++)
		starters.kind[c] |= is_digit((uint8_t)c) ? ON_DIGIT : is_alpha((uint8_t)c) ? ON_LETTER : 0;
	starters.kind['@'] |= ON_AT;
	starters.kind['%'] |= ON_PERCENT;
	starters.kind['~'] |= ON_TILDE;
	if (evidence_level >= EVIDENCE_KEY && starters.keyed.nr) {
		starters.kind['='] |= ON_ASSIGN;
		starters.kind[':'] = ON_ASSIGN;	/* its literal is looked at there: the byte is a common one */
	}
	for (unsigned c = 0; c < 256; c++)
		if (starters.kind[c] && !(starters.kind[c] & (ON_DIGIT | ON_LETTER))) {
			assert(starters.specials.of.nr < SPECIALS / 2);
			starters.specials.of.bytes[starters.specials.of.nr++] = (uint8_t)c;
		}
	begins_heads();
	specials_widen(&starters.specials);
	starters.ready = true;
}

static bool any_row(unsigned row)
{
	return true;
}

void begins_init(void)
{
	begins_only(any_row);
}

void classify_forget(void)
{
	memset(&starters, 0, sizeof(starters));
	classify_generation++;
}
