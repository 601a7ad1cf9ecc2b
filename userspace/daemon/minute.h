/* SPDX-License-Identifier: Apache-2.0 */
/* minute.h - where one interval ends and the next begins. They are aligned to UTC minutes
 * and as long as CLOCK_BOOTTIME says: when the wall clock is set, the running interval
 * ends at once on the clock that it began on, and the next one begins on the new clock. So
 * none ends before it began, none is longer than it was, and none spans a step. */
#ifndef WEIR_MINUTE_H
#define WEIR_MINUTE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct minute {
	struct clock_watch clock;
	uint64_t start_ms, number;	/* of the running interval, UTC */
	int64_t offset_ms;		/* of the clock it began on, once that was left */
	bool stepped;
};
void minute_begin(struct minute *);
bool minute_over(struct minute *);	/* to be asked often: what a step is, is seen between two looks */
void minute_next(struct minute *, uint64_t *start_ms, uint64_t *end_ms);	/* of the one that ends; the next begins */
#endif
