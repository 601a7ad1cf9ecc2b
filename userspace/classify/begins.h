/* SPDX-License-Identifier: Apache-2.0 */
/* begins.h - what may begin at a byte of a value: worked out once from the rows of the classes, so that the pass over a
 * value asks only the few that may. Says "may" too often, and never too seldom. */
#ifndef WEIR_CLASSIFY_BEGINS_H
#define WEIR_CLASSIFY_BEGINS_H
#include <endian.h>

#include "classify/bytes.h"
#include "classify/ids.h"
#include "classify/keys.h"

enum { ON_DIGIT = 1, ON_AT = 2, ON_PERCENT = 4, ON_ASSIGN = 8, ON_LITERAL = 16, ON_LETTER = 32, ON_TILDE = 64 };
#define RUN_MAX		31	/* digits of the first run of a number that are counted */
#define HEAD_MAX	15	/* letters before it */
#define GROUP_MAX	63	/* letters and digits around it; more are as many */
#define LITERALS_MAX	4096
#define LIST_MAX	54	/* classes that one beginning of a number may be asked of */
#define CHAINS		2048	/* a power of two */
#define HEADS_BITS	15	/* 4 KiB: it stays in the nearest cache */
#define HEADS		(1u << HEADS_BITS)
struct literal { const char *text; uint64_t head; uint16_t len, next; uint8_t row; };	/* head: its first eight bytes */
struct row_list { uint64_t groups; uint8_t fewest, nr, rows[LIST_MAX]; };	/* groups: of all of them; fewest: digits of any */
/* Of the classes whose numbers are written so: the fewest digits of any, and phrase_initials. 0: none. */
struct nameable { uint64_t initials; uint8_t fewest; };

/* Row numbers by trigger, and what each byte may start. Filled once from the rows.
 * Literals hang in a chain by their first two bytes. */
extern struct starters {
	bool ready;
	uint8_t kind[256];
	struct wide_specials specials;
	const struct class_row *rows[CLASS_ROWS];
	uint8_t digits[CLASS_ROWS];	/* that a number has at least */
	uint16_t after[CLASS_ROWS];	/* bit enum id_after: what may follow its first run of them; of an id in any of its shapes */
	uint64_t groups[CLASS_ROWS];	/* bit n: its first digit may stand among n letters and digits; bit 0: where that does not matter */
	struct row_list at;
	struct row_list digit[RUN_MAX + 1][AFTER_MAX];	/* by the length of the first run and what follows it */
	struct row_list mixed[HEAD_MAX + 1][RUN_MAX + 1];	/* by the letters before it, and its length */
	struct row_list spaced[RUN_MAX + 1];	/* where a separator stands between */
	struct row_list inner[RUN_MAX + 1];	/* where these letters are in the middle of a word */
	struct nameable named[2][RUN_MAX + 1][AFTER_MAX];	/* what a word before it may name; [1]: a letter stands before the digits */
	unsigned inner_run;	/* fewer digits between letters, of three letters and digits or more, are asked of no class */
	struct phrase_table keyed, near;
	uint16_t chain[CHAINS], nr_literals;	/* 0: end of chain */
	uint8_t pairs[(1 << 16) / 8];	/* one bit two bytes: all of a literal */
	uint8_t heads[HEADS / 8];	/* one bit a hash of three bytes: a longer literal begins so */
	uint8_t long_heads[HEADS / 8];	/* … of six, and of the three or four of one that is no longer */
	struct literal literals[LITERALS_MAX];
} starters;
void begins_init(void);	/* when it is not ready */
void begins_only(bool (*wanted)(unsigned row));	/* the same of some classes, for measuring what they cost */

static inline uint32_t head_slot(uint64_t three)
{
	return (uint32_t)three * 0x9e3779b1u >> (32 - HEADS_BITS);
}

static inline uint32_t long_slot(uint64_t head)
{
	return (uint32_t)(head * 0x9e3779b97f4a7c15 >> (64 - HEADS_BITS));
}

static inline bool bit_of(const uint8_t *bits, uint32_t slot)
{
	return bits[slot / 8] >> (slot & 7) & 1;
}

static inline unsigned pair_chain(const uint8_t *p)
{
	return (p[0] * 31u + p[1] * 7u) & (CHAINS - 1);
}

/* As many bytes, less than eight, zeros beyond; no copy of them, which a reader of all eight would wait for. */
static inline uint64_t few_at(const uint8_t *p, size_t n)
{
	uint32_t low, high;

	if (n < 4)
		return n ? p[0] | (uint64_t)p[n / 2] << 8 * (n / 2) | (uint64_t)p[n - 1] << 8 * (n - 1) : 0;
	memcpy(&low, p, 4);
	memcpy(&high, p + n - 4, 4);
	return le32toh(low) | (uint64_t)le32toh(high) << 8 * (n - 4);
}

/* Eight bytes at `at`, zeros beyond the value. */
static inline uint64_t eight_at(struct slice v, size_t at)
{
	size_t back = v.len - at < 8 ? 8 - (v.len - at) : 0;
	uint64_t eight;

	if (v.len < 8)
		return few_at(v.ptr, v.len) >> 8 * at;
	memcpy(&eight, v.ptr + at - back, 8);
	return le64toh(eight) >> 8 * back;
}

/* Few words begin with the three bytes that a literal begins with, and fewer with all of its six. */
static inline bool literal_begins(struct slice v, size_t at)
{
	uint64_t eight = eight_at(v, at);

	if (bit_of(starters.pairs, eight & 0xffff))
		return true;
	return bit_of(starters.heads, head_slot(eight & 0xffffff)) && (bit_of(starters.long_heads, long_slot(eight << 16 >> 16)) ||
		bit_of(starters.long_heads, long_slot(eight & UINT32_MAX)) || bit_of(starters.long_heads, long_slot(eight & 0xffffff)));
}

/* Is it a number of digits alone, of fewer than any class has? It has at most RUN_MAX bytes. */
static inline bool number_is_short(struct slice v, uint64_t digits)
{
	const struct row_list *list = &starters.digit[v.len][id_after(0)];

	return digits == ((uint64_t)1 << v.len) - 1 && (!list->nr || v.len < list->fewest);
}

/* "19.50", "1.2.3": no class has so few digits and nothing else but two dots. Of at most 64 bytes. */
#define SHORT_DIGITS	5
#define SHORT_DOTS	2
static inline bool is_short_number(struct slice v, uint64_t digits)
{
	unsigned dots = 0;

	if (v.len > SHORT_DIGITS + SHORT_DOTS)
		return false;
	for (uint64_t other = ~digits & (((uint64_t)1 << v.len) - 1); other; other &= other - 1, dots++)
		if (v.ptr[__builtin_ctzll(other)] != '.')
			return false;
	return dots <= SHORT_DOTS && v.len - dots <= SHORT_DIGITS;
}

/* Up to 64 bytes of a value. */
struct block {
	struct slice v;
	size_t at;		/* where it begins */
	struct kinds k;
	bool digit, letter;	/* the byte before it is one */
	unsigned before;	/* letters and digits right before it, in the block before */
};

/* One that is a whole value. */
static inline void block_alone(struct block *b, struct slice v)
{
	b->v = v;
	b->at = 0;
	b->digit = b->letter = false;
	b->before = 0;
}

/* Digits from `at` on and letters before it, at most so many. */
static inline size_t digit_run(const struct block *b, size_t at)
{
	size_t bit = at - b->at, run = 0;
	uint64_t rest = ~b->k.digits >> bit;

	if (rest)
		run = (size_t)__builtin_ctzll(rest);
	else
		for (run = 64 - bit; run < RUN_MAX && is_digit(byte_at(b->v, at + run)); )
			run++;
	return run < RUN_MAX ? run : RUN_MAX;
}

static inline size_t letter_run(const struct block *b, size_t at)
{
	size_t bit = at - b->at, run = bit;
	uint64_t before = ~b->k.letters & (((uint64_t)1 << bit) - 1);

	if (before)
		run = bit - 64 + (size_t)__builtin_clzll(before);
	else
		while (run < HEAD_MAX && run < at && is_alpha(b->v.ptr[at - 1 - run]))
			run++;
	return run < HEAD_MAX ? run : HEAD_MAX;
}

/* Among how many letters and digits in a row stands the one at `at`? 0: it does not matter. More than GROUP_MAX are as many. */
static inline unsigned group_of(const struct block *b, size_t at)
{
	uint64_t alnum = b->k.digits | b->k.letters;
	size_t bit = at - b->at, nr, left;
	uint64_t before = ~alnum & (((uint64_t)1 << bit) - 1), after = ~alnum >> bit;

	if (evidence_level < EVIDENCE_BOUNDARY)
		return 0;
	nr = before ? bit - 64 + (size_t)__builtin_clzll(before) : bit + b->before;
	if (after) {
		nr += (size_t)__builtin_ctzll(after);
	} else {
		left = b->v.len - b->at - bit;
		for (size_t i = 0; i < left && nr < GROUP_MAX && is_alnum(b->v.ptr[at + i]); i++)
			nr++;
	}
	return nr < GROUP_MAX ? (unsigned)nr : GROUP_MAX;
}

static inline bool is_joint(uint8_t c)
{
	return c == ' ' || c == '-' || c == '.' || c == '/';
}

/* Does it follow an escape, "%2B", whose last is a letter? */
static inline bool is_escaped(struct slice v, size_t at)
{
	return at >= 3 && v.ptr[at - 3] == '%' && is_hex(v.ptr[at - 2]) && is_hex(v.ptr[at - 1]);
}

/* Does a number or code that begins here stand alone, so that a word before it may name it? */
static inline bool near_begins(struct slice v, size_t start)
{
	uint8_t before = start ? v.ptr[start - 1] : 0;

	return before == ' ' || before == '(' || before == '#';
}

/* A run of digits, and what may be asked about it. */
struct number {
	size_t head, run;	/* letters before it; digits of its first run, up to RUN_MAX */
	enum id_after after;
	unsigned group;
	unsigned near;		/* digits from its first on, whatever joins their groups; 0: nobody asked */
	const struct row_list *list, *spaced;	/* NULL: none */
	bool named;		/* a word before it may say more, and there is a number that is written so */
	const struct nameable *by;	/* NULL: nothing before it may be such a word */
};

#define NUMBER_MAX 64	/* bytes of a number as written in which digits are counted; run: those that are known to begin it */
static inline unsigned digits_near(struct slice v, size_t at, size_t run)
{
	size_t end = v.len - at < NUMBER_MAX ? v.len : at + NUMBER_MAX;
	unsigned nr = (unsigned)run;

	for (size_t i = at + run; i < end; i++) {
		uint8_t c = v.ptr[i];

		if (is_digit(c))
			nr++;
		else if (!is_joint(c) && c != '(' && c != ')')
			break;
	}
	return nr;
}

static inline bool list_may(const struct row_list *list, const struct number *n)
{
	return list->groups >> n->group & 1 && n->near >= list->fewest;
}

/* Is the class to be asked about the number? */
static inline bool row_may(unsigned row, const struct number *n)
{
	return starters.groups[row] >> n->group & 1 && n->near >= starters.digits[row] && starters.after[row] >> n->after & 1;
}

/* Most numbers are too short for any class, and few classes begin with a run of this length: false then. */
static inline bool number_read(const struct block *b, size_t at, struct number *n)
{
	size_t run = digit_run(b, at), head = letter_run(b, at);
	bool inner = head && (head == HEAD_MAX || !edge_before(b->v, at - head)) && !(head == 1 && is_escaped(b->v, at));

	n->head = head;
	n->run = run;
	n->after = id_after(byte_at(b->v, at + run));
	n->list = inner ? &starters.inner[run] : head ? &starters.mixed[head][run] : &starters.digit[run][n->after];
	n->spaced = !head && at > 1 && is_alpha(b->v.ptr[at - 2]) && is_joint(b->v.ptr[at - 1]) ? &starters.spaced[run] : NULL;
	n->by = !inner && near_begins(b->v, at - head) ? &starters.named[head > 0][run][n->after] : NULL;
	n->named = n->by && n->by->initials;
	n->near = 0;
	if (!n->list->nr && !n->spaced) {
		n->list = NULL;
		return n->named;
	}
	n->group = group_of(b, at);
	n->near = digits_near(b->v, at, run);
	if (!list_may(n->list, n))
		n->list = NULL;
	if (n->spaced && !list_may(n->spaced, n))
		n->spaced = NULL;
	return n->list || n->spaced || n->named;
}

/* Which words of the block are to be compared with the literals: those that begin as a literal of which only its letters are
 * known, or end as a longer one goes on, or do not end in the block. Of a text that is one word of ten. */
static inline uint64_t block_words(const struct block *b)
{
	uint64_t words = b->k.letters & ~(b->k.letters << 1 | b->letter), found = words & b->k.heads;
	uint64_t ends = (b->k.letters + words) & ~b->k.letters & b->k.joins;

	if (found == words)
		return found;
	if (b->k.letters >> 63)
		found |= 1ull << (63 - __builtin_clzll(words | 1)) & words;
	for (; ends; ends &= ends - 1) {
		uint64_t before = words & ((ends & -ends) - 1);

		if (before)
			found |= 1ull << (63 - __builtin_clzll(before));
	}
	return found;
}

/* The runs of digits that begin nothing wherever letters and digits mix: an identifier in hexadecimal digits has many. They stand
 * behind a letter that another digit is before, which no escape ends, and no more digits follow behind a sign that joins them. */
static inline uint64_t inner_runs(const struct block *b)
{
	uint64_t digits = b->k.digits, letters = b->k.letters, inside = letters & ~(letters << 1) & digits << 1;
	uint64_t escapes = b->k.specials << 3 | (b->at ? 7 : 0);	/* '%' may stand in the block before */
	uint64_t starts = (letters + inside) & ~letters & digits & ~escapes, longs = digits, all = UINT64_MAX, joined;
	size_t left = b->v.len - b->at;

	if (!starts || evidence_level < EVIDENCE_BOUNDARY)
		return 0;
	if (left < 64)
		all = ((uint64_t)1 << left) - 1;
	joined = (~(digits | letters) & all) >> 1 | (uint64_t)(left > 64) << 63;	/* before a sign, or a byte that is not known here */
	joined &= digits;
	for (unsigned n = 1; n < 64; n *= 2) {
		joined |= joined >> n & digits;
		digits &= digits >> n;
	}
	for (unsigned have = 1, more; have < starters.inner_run; have += more) {
		more = have < starters.inner_run - have ? have : starters.inner_run - have;
		longs &= longs >> more;
	}
	return starts & ~longs & ~joined;
}

/* Where in the block a run of digits begins, or one of letters that may be a literal, or a special byte stands. */
static inline uint64_t block_begins(const struct block *b, uint64_t *numbers)
{
	uint64_t found = b->k.specials, words = block_words(b);

	*numbers = b->k.digits & ~(b->k.digits << 1 | b->digit);
	if (!b->k.odd && b->v.len < 64)	/* behind a digit a word begins only if an escape ends with it */
		words &= ~(b->k.digits << 1);
	for (; words; words &= words - 1)
		if (literal_begins(b->v, b->at + (size_t)__builtin_ctzll(words)))
			found |= words & -words;
	return found | *numbers;
}
#endif
