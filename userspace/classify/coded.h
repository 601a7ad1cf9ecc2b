/* SPDX-License-Identifier: Apache-2.0 */
/* coded.h - values whose name stands beside them: FHIR says in "system", or in the type of an identifier, what "code"
 * and "value" are (hl7.org/fhir, terminologies-systems). Names are of raw fields, what they say is a key of ours. */
#ifndef WEIR_CLASSIFY_CODED_H
#define WEIR_CLASSIFY_CODED_H
#include <stdbool.h>
#include <string.h>

#include "model/payload.h"

#define CODED_TYPE ".type.coding[].code"	/* of an identifier, behind the path of it */

/* Quick: most fields are neither. */
static inline bool coded_is(struct slice name, const char *word, size_t len)
{
	return name.len == len && !memcmp(name.ptr, word, len);
}
#define CODED_IS(name, word) coded_is(name, word, sizeof(word) - 1)

static inline bool coded_value(struct slice name)
{
	return CODED_IS(name, "code") || CODED_IS(name, "value");
}

/* The key that the value of a "system" gives to what stands beside it; empty: none that is known. */
struct slice coded_system(struct slice value);
/* … that the code of an identifier's type gives to its value. */
struct slice coded_type(struct slice value);
#endif
