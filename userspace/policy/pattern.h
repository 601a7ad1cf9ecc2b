/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - is a user's regex one that weir will run? No engine is asked: it is
 * read, judged by what it could match, and written anew in a form that all read alike. */
#ifndef WEIR_POLICY_PATTERN_H
#define WEIR_POLICY_PATTERN_H
#include <stddef.h>
#include "model/class_rules.h"

#define PATTERN_TEXT	512	/* bytes of a regex */
#define PATTERN_OUT	8192	/* of its new form */
#define PATTERN_ENDLESS	64	/* where a repeat without an end ends */

/* fold: capitals match small letters. bare: it has to stand without a key. 0, with *p's fields set and
 * its text in out; -1 with the reason in why. */
int pattern_read(const char *text, bool fold, bool bare, struct class_pattern *p, char out[PATTERN_OUT], char *why, size_t size);
#endif
