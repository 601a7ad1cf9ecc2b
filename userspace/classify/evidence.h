/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h - value, key and object evidence -> one confidence. Percent, so
 * that one weak piece alone can be kept from ever reaching certain. */
#ifndef WEIR_CLASSIFY_EVIDENCE_H
#define WEIR_CLASSIFY_EVIDENCE_H
#include "classify/fields.h"
#include "classify/keys.h"

/* What surrounds the value and the hits in it, worked out once. */
struct surroundings {
	struct key_text key;
	uint8_t type;	/* enum value_type */
	bool has_key;
	/* What stands before the hit in hand; classes that are asked at one place share it. 0: of none yet. */
	size_t words_of, name_of;
	bool has_name;
	struct key_text words, name;
};

void surroundings_init(struct surroundings *, const struct evidence *);
void surroundings_wipe(struct surroundings *);
/* Score, 0 to 160, of a hit whose value alone says `value_says`; sets its why: WHY_KEY when a key or a word says the class. */
int evidence_score(struct surroundings *, const struct class_row *, struct slice value, struct hit *, int value_says);
/* The words before start that may name the value. */
struct slice prose_before(struct slice value, size_t start);
/* The bytes that they are taken from. */
struct slice prose_window(struct slice value, size_t start);
/* 0 when it is not worth a word, else enum confidence. */
int evidence_confidence(const struct class_row *, const struct hit *, int score, int value_says);
/* May a number of this field be of a class that only its values speak for? Not when its name says otherwise. */
bool evidence_allows(const struct evidence *, const struct class_row *);
/* The confidence of a hit once its message is known, and what is added to its why: first by the values of its field,
 * then where another finding of a person stands in the same object. */
uint8_t evidence_field(const struct class_row *, uint8_t confidence, uint8_t *why, enum field_says);
uint8_t evidence_beside(const struct class_row *, uint8_t confidence, uint8_t *why);
/* Does a finding make whatever stands beside it a person's? */
bool evidence_is_person(const struct class_row *, uint8_t confidence, uint8_t why);
#endif
