/* SPDX-License-Identifier: Apache-2.0 */
/* entity.h - what XML and HTML share: names, and the five entities that need no declaration. */
#ifndef WEIR_ENTITY_H
#define WEIR_ENTITY_H
#include "model/payload.h"

/* Undoes &lt; &gt; &amp; &quot; &apos; and numbers of characters, html: &nbsp; as well; others stay as
 * they are, none is declared. Returns the bytes written to out, which has room for the text. */
size_t entities_decode(uint8_t *out, struct slice text, bool html);
/* A name of a tag or an attribute at p; where it ends. */
const uint8_t *name_end(const uint8_t *p, const uint8_t *end);

/* One attribute of a tag: name="value", or a name alone. p stands behind what was read; false: none is left. */
struct attribute { struct slice name, value; bool whole; };
bool attribute_next(const uint8_t **p, const uint8_t *end, struct attribute *);
#endif
