/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h - value, key and object evidence -> one confidence. Percent, so
 * that one weak piece alone can be kept from ever reaching certain. */
#ifndef WEIR_CLASSIFY_EVIDENCE_H
#define WEIR_CLASSIFY_EVIDENCE_H
#include "classify/keys.h"

/* What surrounds the value, worked out once. */
struct surroundings {
	struct key_text key;
	uint8_t type;	/* enum value_type */
	bool has_key;
};

void surroundings_init(struct surroundings *, const struct evidence *);
/* Score, 0 to 160, of a hit whose value alone says `value_says`; named: a key or a word says the class. */
int evidence_score(const struct surroundings *, const struct class_row *, struct slice value,
		   const struct hit *, int value_says, bool *named);
/* The words before start that may name the value. */
struct slice prose_before(struct slice value, size_t start);
/* 0 when it is not worth a word, else enum confidence. */
int evidence_confidence(int score, int value_says);
#endif
