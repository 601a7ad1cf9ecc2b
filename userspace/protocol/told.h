/* SPDX-License-Identifier: Apache-2.0 */
/* told.h - of a connection's account, what a fact carries: what is new, and nothing twice. Private to protocol/. */
#ifndef WEIR_TOLD_H
#define WEIR_TOLD_H
#include "model/facts.h"

void told_add(struct byte_sums *, const struct byte_sums *more);
/* What moved and is nothing else yet; below 0: what is something already and has not moved. */
int64_t told_open(const struct byte_sums *);
/* What was told to be lost, and was examined after that, stays lost: a fact takes nothing back. */
void told_keep(struct byte_sums *);
/* A record that passed and whose plaintext comes next, or plaintext that a library has not sent yet,
 * is the next fact's. */
void told_leave_open(struct byte_sums *, int64_t open);
/* Takes from left the reasons for `need` bytes that were not examined; out is zeroed. */
void told_reasons(int64_t left[LOSS_MAX], int64_t out[LOSS_MAX], int64_t need);
#endif
