/* SPDX-License-Identifier: Apache-2.0 */
/* ids.h - numbers that an authority gave out: a few written shapes and a check. */
#ifndef WEIR_CLASSIFY_IDS_H
#define WEIR_CLASSIFY_IDS_H
#include "classify/check.h"

#define ID_TEXT 48
#define ID_SHAPES 28	/* one of them is the end */
#define ID_ALONE 50	/* a shape that says less is looked for only where a key or a word speaks for it */

/* form: '#' a digit, 'A' a letter, '*' either, '_' one of " -./", the same in all places; any other
 * character is itself. says: what the value alone says in this shape once the check holds. */
struct id_shape { const char *form; uint8_t says; };
struct id_rule {
	struct id_shape shapes[ID_SHAPES];	/* ends with a NULL form, the most telling first */
	bool (*ok)(const char *text, size_t len);	/* letters (upper case) and digits only; NULL: the shape is all */
	const char *const *published;	/* examples of the authority, NULL-ended; may be NULL */
};
int id_find(struct slice, size_t at, struct hit *);
/* May a value of a shape that stands on its own begin with so many letters and then digits, before a
 * byte of this kind? */
#define ID_SPACED 99	/* for head: letters, a separator, then the digits */
enum id_after { AFTER_OTHER, AFTER_BLANK, AFTER_MINUS, AFTER_DOT, AFTER_SLASH, AFTER_PLUS, AFTER_COLON, AFTER_HEX, AFTER_LETTER, AFTER_MAX };
extern const uint8_t id_afters[256];
static inline enum id_after id_after(uint8_t c) { return (enum id_after)id_afters[c]; }
static inline bool after_letter(unsigned after) { return after == AFTER_HEX || after == AFTER_LETTER; }
bool id_starts(const struct id_rule *, size_t head, size_t run, enum id_after);
bool id_has_head(const struct id_rule *);	/* may one begin with a letter? */
uint64_t id_groups(const struct id_rule *);	/* bit n: the first digit of one may stand among n letters and digits in a row */
/* Where a word before it may name it, and any of its shapes may count: tells each length of the run of digits that its first
 * digit may begin, whether a letter stands right before that, what follows the run, and how many digits there are from it to
 * a letter at least. */
void id_near(const struct id_rule *, void (*tell)(void *owner, bool letter, size_t run, enum id_after after, unsigned digits), void *owner);
unsigned id_digits(const struct id_rule *);	/* the fewest digits from the first on to a letter, of these shapes */

/* What the checks share. weights ends with 0; the text's digits count from its first. */
unsigned digits_weighed(const char *text, const uint8_t *weights);
unsigned digit_at(const char *text, size_t i);
unsigned number_at(const char *text, size_t i, size_t len);
bool verhoeff_ok(const char *digits, size_t len);
bool mod11_10_ok(const char *digits, size_t len);	/* ISO 7064 MOD 11,10 */
bool gs1_ok(const char *digits, size_t len);		/* 3-1 from the right, mod 10 */
bool mrz_ok(const char *text, size_t len);		/* 7-3-1 over letters and digits, the last is the check digit */
bool day_ok(unsigned day, unsigned month);
bool date_ok(const char *text, const char *order);	/* "ymd", "dmy", "Ymd": two digits each, Y four */

/* A row: its symbol, name, group, tier, default confidence, what it is, triggers, rule, keys. */
#ifndef ID_KIND
#define ID_KIND
#endif
#define ID_CLASS(symbol, name_, group_, tier_, about, keys_, ...) \
	static const struct id_rule rule_##symbol = { __VA_ARGS__ }; \
	const struct class_row symbol = { \
		.info = { name_, group_, tier_, CONF_LIKELY, about }, \
		.triggers = TRIGGER_DIGIT | TRIGGER_MIXED | TRIGGER_KEY | TRIGGER_NEAR, \
		.against = AGAINST_GENERAL | ((tier_) == 1 ? AGAINST_NUMBER : 0), ID_KIND .id = &rule_##symbol, .keys = keys_, .find = id_find, \
	}
/* In the words of anybody's country: each class's check tells whose. */
#define NATIONAL_ID W("nationalid"), W("nationalidnumber"), W("nationalidentitynumber"), W("nationalidentifier"), \
		    W("nationalidentificationnumber"), W("identitynumber")
#define KEYS(...) (const struct key_phrase []){ __VA_ARGS__, { NULL, 0 } }
#define K(words) { words, KEY_EXACT }
#define W(words) { words, KEY_WEAK }
#endif
