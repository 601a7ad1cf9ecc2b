/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - what cmd_replay.c and replay_capture.c say to each other. */
#ifndef WEIR_REPLAY_H
#define WEIR_REPLAY_H
#include <stdio.h>

#include "base/buf.h"
#include "daemon/pipeline.h"
#include "daemon/recording.h"

struct replay {
	struct front *front;
	struct back *back;
	struct recording_header header;
	bool json, messages, pass_two;
	const char *policies[64], *texts[64];
	size_t sizes[64];
	unsigned nr_policies;
	uint32_t epoch;
	struct books books;
	struct fact fact;
	struct buf buf;
	uint64_t orders_time;
	bool as_client, last_wins;	/* of a capture file */
	const char *keylog;
	FILE *keys;		/* its file; NULL: none was given */
	bool no_sandbox;
};
void replay_interval(struct replay *, uint64_t time);	/* it ended at this time: CLOCK_BOOTTIME ns */
void replay_count(struct replay *, int err);		/* of a record, what front said of it */
/* A capture file from its beginning. 0 or an exit code, and a message was printed. */
int replay_capture(struct replay *, FILE *, const char *name);
void replay_capture_sum(struct replay *);	/* what it was and what of it was not read, behind the totals */
#endif
