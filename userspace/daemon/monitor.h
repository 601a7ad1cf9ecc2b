/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - private to the monitor: its state, and what it opens before it starts. */
#ifndef WEIR_MONITOR_H
#define WEIR_MONITOR_H
#include "capture/queue.h"
#include "daemon/daemon.h"

#define DATA_RING (16 << 20)	/* bytes, by default */
#define LIFE_RING (2 << 20)

/* One other process. ctl[0] is ours, ctl[1] goes to it; both stay open here. */
struct child {
	const char *name;
	bool wanted;
	pid_t pid;		/* 0: not running */
	int stats_fd, ctl[2];
	const struct role_stats *stats;
	unsigned restarts;
	uint64_t started, next, backoff;	/* CLOCK_BOOTTIME ns */
	uint64_t beat, beat_at;
	uint64_t cpu;		/* ns used, when last looked */
};

struct monitor {
	const struct run_options *options;
	struct capture *capture;
	struct watch *watch;
	struct child reader, analyst, keeper, recorder;
	struct queue queue;
	int signals, queue_fd, kick, facts[2];
	int state, journal, json_file, record_file;
	char filters[256];

	uint32_t epoch;			/* the running interval */
	uint64_t minute, next_start;
	enum { CLOSING_NONE, CLOSING_RECORDS, CLOSING_FACTS } closing;
	uint32_t closing_epoch;
	uint64_t closing_since, closing_moved, closing_sum, interval_start, interval_end;
	uint64_t crash_lost[ROLE_EPOCHS], skipped_told, facts_lost, closes_lost, facts_told, closes_told;

	uint64_t cpu_at, cpu_own, paced_told;
	pid_t stimulus;
	unsigned proven;		/* bit 0: plain exchange came out; bit 1: TLS */
	uint64_t ready_by;
	bool ready, stop_wanted, stopping;
	int exit_code;
};

void stimulus_start(struct monitor *);
/* Opens state, lock, journal, files. 0 or an exit code, with a message. */
int monitor_files(struct monitor *);
#endif
