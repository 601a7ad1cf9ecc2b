/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - what the monitor knows of the watched world: processes and the TLS
 * libraries in them. Reads the life ring, /proc and the answers of elfscan and filescan; attaches
 * probes. Never reads captured bytes, never parses a file of others itself. */
#ifndef WEIR_WATCH_H
#define WEIR_WATCH_H
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "daemon/wanted.h"
#include "model/facts.h"

struct capture;
struct wire_life;
struct watch;
struct watch_config {
	struct capture *capture;	/* NULL until watch_begin */
	const struct wanted *wanted;	/* filters */
	void (*fact)(void *owner, const struct fact *);	/* to the keeper */
	bool (*again)(void *owner, const struct fact *);	/* to a new one; false: not now */
	void (*close)(void *owner, const struct wire_life *);	/* to the analyst */
	void *owner;
};
struct watch *watch_new(const struct watch_config *);
void watch_free(struct watch *);
/* Starts the scans of the host's own libraries, which need nothing loaded. */
void watch_look_ahead(struct watch *);
void watch_begin(struct watch *, struct capture *);
/* Before attaching: libraries of running processes. Waits for the scans, also of the
 * host's own, at most a few seconds. Applies the filters to running processes. */
void watch_survey(struct watch *);
void watch_drain(struct watch *);		/* the life ring and finished scans */
/* Forgets the dead, looks for new files. hurry: there is little room for what is held until a container's name is known. */
void watch_tick(struct watch *, uint64_t now_ns, bool hurry);
void watch_selftest(struct watch *, pid_t);	/* this process is our own stimulus */
void watch_resend(struct watch *);		/* from now on all facts again, for a new keeper */
uint64_t watch_heard(const struct watch *);	/* who used a connection before then, has been told; 0: not yet */
bool watch_reap(struct watch *, pid_t, int status);	/* true: it was an elfscan or a filescan */
struct watch_stats { uint64_t unknown, libraries, probes, failed, refused; };
void watch_stats(const struct watch *, struct watch_stats *);
#endif
