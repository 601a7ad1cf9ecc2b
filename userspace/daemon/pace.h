/* SPDX-License-Identifier: Apache-2.0 */
/* pace.h - keeps a process to a share of one CPU: measured by its own CPU clock, by short
 * sleeps between batches of work. What waits meanwhile is lost where it is counted, in the ring;
 * a watched program never waits. Needs no cgroup, so it holds on every host. */
#ifndef WEIR_PACE_H
#define WEIR_PACE_H
#include <stdint.h>

#define PACE_FULL 1000	/* permille: no limit */

struct pace {
	uint32_t share;			/* permille of one CPU */
	uint64_t since, used;		/* ns, of both clocks at the window's begin */
};
/* Takes effect from now on. */
void pace_set(struct pace *, uint32_t share);
/* Between two batches: sleeps off what was used beyond the share, at most PACE_SLEEP_MAX ns,
 * so that orders are still heard. Returns the ns slept. */
#define PACE_SLEEP_MAX 20000000ull
uint64_t pace_wait(struct pace *);
#endif
