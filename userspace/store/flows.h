/* SPDX-License-Identifier: Apache-2.0 */
/* flows.h - exchanges and traffic of one interval -> flow summaries. Key of a
 * flow: workload, exe, role, peer, port, protocol, route, tls. Over
 * FLOWS_ROUTES routes a workload, the rest is "{other}", counted. Selftest
 * traffic is never added. Used by the keeper and by replay. */
#ifndef WEIR_FLOWS_H
#define WEIR_FLOWS_H
#include "base/buf.h"
#include "model/class.h"
#include "model/flow.h"

#define FLOWS_ROUTES	1000	/* per workload and interval */
#define FLOWS_MAX	65536	/* rows of one interval; more go to one "{other}" row per workload */

struct flows;
struct flows *flows_new(void);
void flows_free(struct flows *);
/* Adds one exchange (its bytes included) to the flow. Returns the finding rows it had no memory for. */
unsigned flows_exchange(struct flows *, const struct flow_facts *, const struct exchange *);
/* Adds bytes that no exchange carried. */
void flows_traffic(struct flows *, const struct flow_facts *, const struct traffic *);
size_t flows_count(const struct flows *);
uint64_t flows_other(const struct flows *);	/* exchanges whose route became "{other}" */
/* Writes each row as the object of design.md 8, in a stable order, to emit; json
 * is valid during the call. end_ms is exclusive. */
void flows_write(struct flows *, uint64_t start_ms, uint64_t end_ms, bool sealed,
		 void (*emit)(void *owner, const char *json, size_t len), void *owner);
void flows_reset(struct flows *);	/* a new interval */

/* Per-process coverage of the interval: {"type":"coverage",…}. */
struct coverage;
struct coverage *coverage_new(void);
void coverage_free(struct coverage *);
void coverage_process(struct coverage *, const struct process_facts *, const char *workload);
/* A connection of the process is older than weir and had moved these bytes, by enum dir, before: no part of
 * the account. */
void coverage_late(struct coverage *, const struct process_key *, const uint64_t before[2]);
/* Bytes of a process on one connection; reason of opaque or lost ones may be empty. */
void coverage_bytes(struct coverage *, const struct flow_facts *, const struct byte_account by[2], const char *reason);
/* One object per process that moved bytes or holds a TLS library, then one per workload. */
void coverage_write(struct coverage *, uint64_t start_ms, uint64_t end_ms,
		    void (*emit)(void *owner, const char *json, size_t len), void *owner);
void coverage_reset(struct coverage *);
#endif
