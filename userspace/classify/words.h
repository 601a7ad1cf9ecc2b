/* SPDX-License-Identifier: Apache-2.0 */
/* words.h - classes that live by their key: the value only says whether it can be one. */
#ifndef WEIR_CLASSIFY_WORDS_H
#define WEIR_CLASSIFY_WORDS_H
#include "classify/check.h"

struct word_rule {
	bool (*ok)(struct slice);	/* of the value without blanks around it */
	uint8_t min, max;		/* bytes */
	uint8_t says;
	bool line;	/* in a text all of the line behind its name may be the value: "Full name: Ana Ruiz" */
	int (*weigh)(struct slice, int says);	/* what one that ok takes says, where that differs; may be NULL */
	const char *const *words;	/* one of these, lower case, NULL-ended; NULL: any that ok takes */
};
int word_find(struct slice, size_t at, struct hit *);

bool is_letters(struct slice);	/* letters, blanks, and what stands in names: ' - . */
bool is_number(struct slice);	/* digits, with a point or comma or thousands, a sign, a currency */
bool is_date_text(struct slice);	/* a day of a year from 1900 on, in a common order */
bool is_nothing(struct slice);	/* null, n/a, test, masks: what stands where a value is missing */
bool is_secret_text(struct slice);	/* drawn at random, it seems: no word, no path, no id with a shape */

#define WORD_CLASS(symbol, name_, group_, about, keys_, counter_, ...) \
	static const struct word_rule rule_##symbol = { __VA_ARGS__ }; \
	const struct class_row symbol = { \
		.info = { name_, group_, 3, CONF_LIKELY, about }, \
		.triggers = TRIGGER_KEY, .against = AGAINST_GENERAL, .word = &rule_##symbol, .keys = keys_, .counter = counter_, \
		.find = word_find, \
	}
#define KEYS(...) (const struct key_phrase []){ __VA_ARGS__, { NULL, 0 } }
#define K(words) { words, KEY_EXACT }
#define W(words) { words, KEY_WEAK }
#define WORDS(...) (const char *const []){ __VA_ARGS__, NULL }
#endif
