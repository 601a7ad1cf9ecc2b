/* SPDX-License-Identifier: Apache-2.0 */
/* waiting.h - hits of the messages under way that count only when another class comes too:
 * as rows of findings, so that nothing of a value waits. */
#ifndef WEIR_CLASSIFY_WAITING_H
#define WEIR_CLASSIFY_WAITING_H
#include "classify/combine.h"

struct held { struct finding row; uint64_t print; };
struct waiting_message {
	uint64_t key;		/* of exchange and direction; 0: none */
	struct combine combine;
	struct { uint64_t prefix, object; uint32_t siblings; } level[8];	/* objects of the path so far */
	struct held held[COMBINE_SLOTS];
};
struct waiting;
struct siphash_key;
void waiting_free(struct waiting *);
/* The message of this field, which is now its newest. Another one may give way: what waited in it waits in
 * vain, as if its message had ended. NULL: no memory. The key is of fingerprints. */
struct waiting_message *waiting_field(struct waiting **, const struct siphash_key *, const struct exchange *, const struct field *);
#endif
