/* SPDX-License-Identifier: Apache-2.0 */
/* violations.h - verdicts -> violations. One violation = rule x workload x peer x
 * class x route until quiet for the rule's window: an opening leaf at once, an
 * update leaf per interval in which it grew, a closing leaf. A local pair's two
 * ends make one: the first end to tell opens it, the other end is merged. */
#ifndef WEIR_VIOLATIONS_H
#define WEIR_VIOLATIONS_H
#include "model/class.h"
#include "model/flow.h"

#define VIOLATIONS_OPEN 16384	/* at once; more are counted in violations_dropped */

struct violations;
typedef void (*violation_emit)(void *owner, const char *json, size_t len, const char *line);

struct violations *violations_new(void);
void violations_free(struct violations *);
/* One exchange broke a rule by this finding. `emit` is called at once when it
 * opens one. leaf is the index the opening leaf will get; boot is the exchange's
 * time, utc_ms the same for people. */
void violations_add(struct violations *, const struct rule_info *, const struct flow_facts *, const struct finding *,
		    const struct exchange *, uint64_t utc_ms, uint64_t leaf, violation_emit emit, void *owner);
/* End of interval: update leaves of those that grew, closing leaves of the quiet. */
void violations_interval(struct violations *, uint64_t now_boot_ns, uint64_t utc_ms, uint64_t (*next_leaf)(void *owner),
			 violation_emit emit, void *owner);
size_t violations_open(const struct violations *);
uint64_t violations_opened(const struct violations *);	/* since start */
uint64_t violations_dropped(const struct violations *);
/* For a restart: takes over an open violation from its last leaf, a row of
 * violations_restore_sql. window_ns of its rule, as it is now. */
extern const char violations_restore_sql[];
int violations_restore(struct violations *, int columns, const char *const *values, uint64_t window_ns, uint64_t now_boot_ns,
		       uint64_t now_utc_ms);
#endif
