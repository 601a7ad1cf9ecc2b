/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/step.h"

enum { STEP_NONE, STEP_IN_HAND, STEP_DECIDED };

/* What is written before is there when the state is: the order of the stores is all that counts,
 * since what a dead process has stored is seen by everybody. */
static void state(struct role_stats *s, uint32_t state)
{
	__atomic_store_n(&s->step.state, state, __ATOMIC_SEQ_CST);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void carry_out(struct role_stats *s, struct ring *ring, struct queue *q)
{
	*role_epoch(s, s->step.after.epoch) = s->step.after;
	queue_publish(q, s->step.written);
	ring_release(ring, s->step.to);
	state(s, STEP_NONE);
}

void step_carry(struct role_stats *s, struct ring *ring, struct queue *q, uint32_t epoch, const uint64_t *written,
		uint64_t dropped)
{
	s->step.after = *role_epoch(s, epoch);
	s->step.after.read++;
	s->step.after.queue_full += !written;
	s->step.after.bytes_queue_full += dropped;
	s->step.written = written ? *written : q->head->written;
	s->step.to = ring->next;
	state(s, STEP_DECIDED);
	carry_out(s, ring, q);
}

void step_carry_resume(struct role_stats *s, struct ring *ring, struct queue *q)
{
	if (s->step.state == STEP_DECIDED)
		carry_out(s, ring, q);
}

static void release(struct role_stats *s, struct queue *q)
{
	*role_epoch(s, s->step.after.epoch) = s->step.after;
	queue_release(q, s->step.to);
	state(s, STEP_NONE);
}

void step_begin(struct role_stats *s, const struct queue *q, uint32_t epoch)
{
	s->step.epoch = epoch;
	s->step.to = q->next;
	state(s, STEP_IN_HAND);
}

void step_end(struct role_stats *s, struct queue *q, enum outcome outcome, uint64_t bytes)
{
	s->step.after = *role_epoch(s, s->step.epoch);
	s->step.after.analysed += outcome == OUTCOME_ANALYSED;
	s->step.after.undecodable += outcome == OUTCOME_UNDECODABLE;
	s->step.after.over_budget += outcome == OUTCOME_OVER_BUDGET;
	s->step.after.bytes_over_budget += bytes;
	s->step.after.crash_lost += outcome == OUTCOME_CRASH_LOST;
	state(s, STEP_DECIDED);
	release(s, q);
}

const void *step_resume(struct role_stats *s, struct queue *q, size_t *len)
{
	const void *record;

	if (s->step.state == STEP_DECIDED)
		release(s, q);
	if (s->step.state != STEP_IN_HAND)
		return NULL;
	record = queue_in_hand(q, s->step.to, len);
	if (!record)	/* released by nobody else, so never there: nothing to give up */
		state(s, STEP_NONE);
	return record;
}
