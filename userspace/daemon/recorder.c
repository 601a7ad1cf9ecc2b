/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.c - in the place of analyst and keeper: writes records and facts to a file
 * for tests. The one role that puts payload on disk; started by `weir record` only. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/queue.h"
#include "capture/record.h"
#include "daemon/daemon.h"
#include "daemon/recording.h"
#include "daemon/sandbox.h"
#include "daemon/step.h"

static struct queue queue;
static uint64_t written;

static int drain(struct role_stats *stats)
{
	const void *record;
	size_t len;
	int bad, err = 0;

	while (!err && (record = queue_take(&queue, &len, &bad))) {
		step_begin(stats, &queue, record_epoch(record, len));
		err = recording_write(FD_FACTS, RECORDING_RECORD, record, len);
		step_end(stats, &queue, OUTCOME_ANALYSED, 0);
		written++;
	}
	return err;
}

/* Facts are MessagePack arrays, orders begin with a small number. */
static int hear(bool *stop)
{
	static uint8_t in[FACT_MAX_SIZE];
	struct order o;
	ssize_t n;
	int err = 0;

	while (!err && (n = read(FD_CTL, in, sizeof(in))) > 0) {
		if (n == (ssize_t)sizeof(o) && in[0] < 0x80) {
			memcpy(&o, in, sizeof(o));
			*stop |= o.kind == ORDER_STOP;
			err = recording_write(FD_FACTS, RECORDING_ORDER, in, (size_t)n);
		} else {
			err = recording_write(FD_FACTS, RECORDING_FACT, in, (size_t)n);
		}
	}
	return err;
}

int recorder_main(int argc, char **argv)
{
	struct pollfd fds[] = { { .fd = FD_KICK, .events = POLLIN }, { .fd = FD_CTL, .events = POLLIN } };
	struct role_stats *stats = role_stats_map(FD_STATS, true);
	bool stop = false;
	uint64_t kicks;
	char why[256];
	int err = recording_write_header(FD_FACTS);

	if (!stats || err || queue_map(&queue, FD_QUEUE)) {
		log_error("cannot write the recording error=\"%s\"", strerror(-err));
		return 1;
	}
	if (sandbox_enter(sandbox_find("recorder"), why, sizeof(why))) {
		log_error("cannot drop privileges: %s", why);
		return 1;
	}
	role_ready(stats);
	while (!err && !stop) {
		if (poll(fds, 2, 20) > 0 && (fds[0].revents & POLLIN) && read(FD_KICK, &kicks, sizeof(kicks)) < 0)
			stats->beat++;
		err = drain(stats);
		if (!err)
			err = hear(&stop);
		stats->beat++;
	}
	if (err)
		log_error("the recording is cut short error=\"%s\"", strerror(-err));
	log_info("recorded records=%llu", (unsigned long long)written);
	return err ? 1 : 0;
}
