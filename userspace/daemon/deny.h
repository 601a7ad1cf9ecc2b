/* SPDX-License-Identifier: Apache-2.0 */
/* deny.h - an input that killed the analyst twice is not given to it a third time. The
 * analyst keeps the list in its own page, as keyed hashes: the next one reads them there.
 * While nothing is denied, no record is hashed. */
#ifndef WEIR_DENY_H
#define WEIR_DENY_H
#include "daemon/daemon.h"

/* Makes the key, the first time; before the sandbox, which knows no randomness. 0 or -errno. */
int deny_prepare(struct denied *);
/* The record that the predecessor died over. When the list is full, the input with the fewest deaths gives way. */
void deny_blame(struct denied *, const void *record, size_t len);
bool deny_has(const struct denied *, const void *record, size_t len);
#endif
