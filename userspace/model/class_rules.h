/* SPDX-License-Identifier: Apache-2.0 */
/* class_rules.h - data classes that a policy file defines, as policy/ reads them and
 * classify/ looks for them. What is here is the user's own words, never payload. */
#ifndef WEIR_CLASS_RULES_H
#define WEIR_CLASS_RULES_H
#include "model/class.h"

#define PATTERNS_MAX	128	/* regexes of all classes */
#define PATTERN_LENGTH	256	/* bytes of the longest match */

/* A regex in the one form that all engines read alike: sets of bytes, groups, "|" and
 * repeats that end. first: the bytes that a match may begin with. */
struct class_pattern {
	const char *text;
	uint16_t min, max;	/* bytes of a match */
	uint16_t states;	/* places of an automaton: what a byte costs grows with their square */
	uint64_t first[4];
};

/* A word or phrase; label: it counts only where a key of the class names the place. */
struct class_word { const char *text; bool label; };

#define CLASS_HASH	16	/* bytes kept of HMAC-SHA-256 */
#define CLASS_HASH_KEY	32
/* Values that nobody can read off the list: normalised (class_normal), then HMAC-SHA-256. */
struct class_hashes {
	uint8_t key[CLASS_HASH_KEY];
	uint8_t (*items)[CLASS_HASH];	/* sorted */
	size_t nr;
	uint64_t lengths;	/* bit n: one has n bytes; bit 63: that many or more */
};

/* A text without keys, or an object of fields. */
struct class_case {
	bool found;
	size_t nr, line;
	const char *const *keys;	/* NULL: a text, values[0] */
	const char *const *values;
};

struct class_rule {
	const char *name, *summary, *file;
	size_t line;
	uint8_t id;		/* for class_get() */
	uint8_t group;		/* enum class_group */
	uint8_t alone, keyed;	/* enum confidence of a hit without and with a key; alone 0: none */
	bool fold, word_fold;	/* capitals are small letters: in regexes, in words */
	const char *const *keys, *const *not_keys;	/* squashed: lower case, no separators; NULL-ended; NULL: none */
	struct class_pattern *patterns;
	struct class_word *words;
	struct class_hashes hashes;
	/* It counts only near one of these classes: within so many fields, or (0) in the same object. */
	uint8_t *with;
	uint32_t within;
	struct class_case *cases;
	size_t nr_patterns, nr_words, nr_with, nr_cases;
};
struct class_rules { const struct class_rule *rule; size_t nr; };

/* "4111 1111" and "4111-1111" are one value, Ana@x and ana@x too. Bytes written, of size at most; -1: too long. */
int class_normal(uint8_t *out, size_t size, const void *value, size_t len);
void class_hash(uint8_t out[CLASS_HASH], const uint8_t key[CLASS_HASH_KEY], const void *normal, size_t len);
#define CLASS_NORMAL_MAX 64	/* bytes of a value on a list of hashes */
#endif
