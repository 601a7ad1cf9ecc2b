/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - a text as its reader sees it: full-width digits, the blanks and dashes of typesetters, percent escapes and
 * HTML entities, numbers folded at a line's end, and values that are base64 of a text. */
#ifndef WEIR_CLASSIFY_PLAIN_H
#define WEIR_CLASSIFY_PLAIN_H
#include "classify/check.h"

/* Where the first byte stands that a reader sees as another; value.len: none does. */
size_t plain_differs(struct slice value);
/* The text from there on, in one's own memory; map[i] is where byte i of it stood, map[len] where it ends. */
struct plain { uint8_t *text; uint32_t *map; size_t len, size; };
bool plain_make(struct plain *, struct slice value, size_t differs);	/* false: no memory */
bool plain_decode(struct plain *, struct slice value);	/* the whole of it is base64 of a text; no map */
void plain_free(struct plain *);
/* scan.c: the value as it is; what classify_scan does with one that has nothing to read otherwise. */
uint64_t scan_value(const struct evidence *, struct slice value, void (*emit)(void *owner, const struct hit *), void *owner);
/* scan.c: true: nothing is found in it, read whichever way. Of at most SCAN_SHORT bytes. */
bool scan_needless(const struct evidence *, struct slice value);
struct block;	/* classify/begins.h */
bool scan_needless_told(const struct evidence *, const struct block *);	/* … of which is known what its bytes are */
/* As classify_scan, of a value that is not needless. */
uint64_t scan_read(const struct evidence *, struct slice value, void (*emit)(void *owner, const struct hit *), void *owner);
/* scan.c: nothing begins in it, as it is too short, a time or an amount. */
bool value_is_plain(struct slice value, enum value_type);
#define SCAN_SHORT 39	/* longer ones may be base64 of a text */
#define PLAIN_MAX (1 << 20)	/* a longer value is taken as it is */
#endif
