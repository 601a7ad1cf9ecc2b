/* SPDX-License-Identifier: Apache-2.0 */
/* step.h - what reader and analyst do to several shared words at once: positions and counts
 * of one record. A role may be killed between any two instructions, and then neither may a
 * record be counted twice nor not at all. So the outcome is written down first, whole, in the
 * role's own page (which outlives it and which no other role can write); from then on the
 * record is decided, and carrying the outcome out can be done again by the next one. */
#ifndef WEIR_STEP_H
#define WEIR_STEP_H
#include "capture/queue.h"
#include "capture/ring.h"
#include "daemon/daemon.h"

/* Reader: the record that ends at ring->next is in the queue up to *written, or was dropped (NULL) with
 * so many bytes of payload. */
void step_carry(struct role_stats *, struct ring *, struct queue *, uint32_t epoch, const uint64_t *written,
		uint64_t dropped);
/* At its start: finishes what its predecessor had decided. */
void step_carry_resume(struct role_stats *, struct ring *, struct queue *);

/* Analyst: the record that queue_take gave is in hand; then what became of it. */
enum outcome { OUTCOME_ANALYSED, OUTCOME_UNDECODABLE, OUTCOME_OVER_BUDGET, OUTCOME_CRASH_LOST };
void step_begin(struct role_stats *, const struct queue *, uint32_t epoch);
void step_end(struct role_stats *, struct queue *, enum outcome, uint64_t bytes);	/* payload over budget */
/* At its start: the record that its predecessor had in hand undecided, or NULL; what was
 * decided is finished. The caller then ends that step with OUTCOME_CRASH_LOST. */
const void *step_resume(struct role_stats *, struct queue *, size_t *len);
#endif
