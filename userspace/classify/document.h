/* SPDX-License-Identifier: Apache-2.0 */
/* document.h - classify one document with byte offsets, for `weir classify`. A
 * strict JSON text is taken leaf by leaf, with paths; anything else is one free
 * text. A door without payload types: what comes out is classes and masks. */
#ifndef WEIR_CLASSIFY_DOCUMENT_H
#define WEIR_CLASSIFY_DOCUMENT_H
#include "model/class.h"

#define DOCUMENT_DEPTH 128	/* deeper JSON is taken as text */

struct document_hit {
	uint8_t class_id, confidence, sample;
	uint8_t why;		/* enum why */
	size_t start, end;	/* bytes of the raw value in the document */
	char path[PATH_SIZE];	/* "$.card.number", "$.users[].email"; "$" in a text */
	char key[NAME_SIZE];	/* cleaned last name; empty in a text or array */
	char mask[MASK_SIZE];
};

/* Calls hit for each, in order, once the document was seen. 0 or -ENOMEM. */
int document_classify(const char *bytes, size_t len,
		      void (*hit)(void *owner, const struct document_hit *), void *owner);
/* How much evidence counts from now on, for measuring: "value", "boundary", "key", "object", "all". -1: none of these. */
int document_evidence(const char *level);
#endif
