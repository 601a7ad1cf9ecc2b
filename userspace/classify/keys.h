/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - what a field's name says about a class. Names are cut into tokens
 * (camelCase, snake_case, kebab-case, dots, digits) and matched on token borders
 * only: substrings take "monkey" for a key and "acid_level" for a cid. */
#ifndef WEIR_CLASSIFY_KEYS_H
#define WEIR_CLASSIFY_KEYS_H
#include "classify/check.h"

#define KEY_TEXT 128	/* squashed bytes kept of parent and key; more says nothing new */
#define KEY_STEP 16	/* so many are written at once */

/* Tokens, lower case, one after the other without separators. */
struct key_text {
	uint8_t len;
	uint8_t own;		/* the key's own tokens begin here, the parent's before */
	uint8_t person;		/* the parent is a person: user, customer, patient */
	uint8_t carrier;	/* the key says nothing and its object all: {"ssn": {"value": …}} */
	char text[KEY_TEXT + KEY_STEP];
	bool border[KEY_TEXT + KEY_STEP];	/* a token begins here; also true at len */
	uint8_t nr_tokens;
	uint8_t tokens[KEY_TEXT];	/* where each begins */
	uint64_t heads;		/* a bit for the first two letters of each token: most phrases end here */
};
struct key_verdict {
	int support;	/* best phrase's weight, or 0 */
	bool object;	/* a phrase stands in the parent alone */
	bool against;	/* a word beside the phrase contradicts */
	bool last;	/* the phrase ends the key */
	unsigned after;	/* tokens after the phrase, without fillers */
};

void key_text_init(struct key_text *, struct slice parent, struct slice key);
/* Prose before a value: all of it counts as key. */
void key_text_prose(struct key_text *, struct slice before);
/* From the words of a key to the classes that have them for a phrase. hash 0: free. */
#define PHRASE_SLOTS 8192	/* a power of two, more than twice the phrases of all classes */
#define PHRASE_HEADS_BITS 15
#define PHRASE_HEADS (1u << PHRASE_HEADS_BITS)
struct phrase_table {
	size_t longest;
	unsigned nr;
	uint8_t heads[PHRASE_HEADS / 8];	/* one bit a hash of the first three bytes, or of all two: most words begin none */
	uint8_t long_heads[PHRASE_HEADS / 8];	/* … of the first five */
	uint8_t known[PHRASE_SLOTS];	/* one bit a hash: most words are none, and this stays in the nearest cache */
	struct phrase_slot { uint32_t hash; uint8_t row; } slot[PHRASE_SLOTS];
};
void phrase_table_add(struct phrase_table *, uint8_t row, const struct key_phrase *);
uint64_t phrase_initials(const struct key_phrase *);	/* a bit for the first two letters of each, and for others too */
/* false: there is no phrase with one of these initials in these bytes, of prose before a value; true says nothing. Cheaper by far than to look. */
bool phrases_may(const struct phrase_table *, struct slice before, uint64_t initials);
/* At most max are told; returns how many there are. */
unsigned phrases_find(const struct phrase_table *, const struct key_text *, uint8_t *rows, unsigned max);
bool key_ends_numbering(const struct key_text *);	/* so does its last word */
bool key_numbers(const struct key_text *);	/* the key itself is of an order, a time, an amount */
struct key_verdict key_judge(const struct key_text *, const struct class_row *);
#endif
