/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - copies records from the kernel's ring to the shared queue, and counts.
 * Never interprets payload: it looks at a record's header only for its length and
 * interval. While the queue is full it leaves records in the ring: the kernel side then drops new
 * ones before it copies them, which is the cheapest place for the watched. Apart from the analyst because the ring's consumer page is writable and
 * kernel bugs have hung on it (CVE-2021-3489, CVE-2024-41009). */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/queue.h"
#include "capture/record.h"
#include "capture/ring.h"
#include "daemon/daemon.h"
#include "daemon/sandbox.h"
#include "daemon/step.h"

/* Each look costs the same, however much there is: it sleeps for longer while hardly anything comes. The
 * ceiling is a ring in the longest of these times. */
#define SLEEP_LEAST_NS 1000000ull
#define SLEEP_MOST_NS 8000000ull
#define FEW 64	/* less than one in so many of the ring's bytes waited: look half as often */
#define PATIENCE_NS 5000000000ull	/* without a sign of the analyst (a new one needs some hundred ms) until records are dropped */

struct reader {
	struct ring ring;
	struct queue queue;
	struct role_stats *stats;
	uint64_t put, done;	/* records put; where the analyst was */
	uint64_t sleep, waited;	/* ns until the next look; that it has not moved for, with the queue full */
};

/* The queue is full: does the analyst live? What waits for a dead one would keep its
 * interval from being closed. */
static bool worth_waiting(struct reader *r)
{
	uint64_t done = __atomic_load_n(&r->queue.head->done, __ATOMIC_ACQUIRE);

	if (done != r->done)
		r->waited = 0;
	r->done = done;
	r->waited += r->sleep;
	return r->waited < PATIENCE_NS;
}

static int take(void *owner, const void *record, size_t len)
{
	struct reader *r = owner;
	size_t size = record_size(record, len);
	uint64_t written;
	/* What is no record goes on as it is and is counted undecodable by the analyst. */
	int full = queue_fill(&r->queue, record, size ? size : len, &written);

	if (full && worth_waiting(r))
		return 1;
	step_carry(r->stats, &r->ring, &r->queue, record_epoch(record, len), full ? NULL : &written, full ? record_payload(record, len) : 0);
	r->put += !full;
	return 0;
}

static void look(struct reader *r)
{
	uint64_t waiting = ring_waiting(&r->ring), to = *r->ring.consumer + waiting, before = r->put, one = 1;

	r->stats->waiting = waiting;
	ring_drain(&r->ring, 65536, take, r);
	r->stats->looks += *r->ring.consumer >= to;
	if (r->put != before && write(FD_KICK, &one, sizeof(one)) < 0)
		r->stats->beat++;	/* the counter is full: the analyst is awake anyway */
	r->stats->beat++;
	r->sleep = waiting > r->ring.size / FEW ? SLEEP_LEAST_NS : 2 * r->sleep < SLEEP_MOST_NS ? 2 * r->sleep : SLEEP_MOST_NS;
}

int reader_main(int argc, char **argv)
{
	static struct reader r;
	size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	char why[256];
	int err;

	r.stats = role_stats_map(FD_STATS, true);
	err = ring_map(&r.ring, FD_RING, size);
	if (!r.stats || err || queue_map(&r.queue, FD_QUEUE)) {
		log_error("cannot map the ring or the queue error=\"%s\"", strerror(-err));
		return 1;
	}
	if (sandbox_enter(sandbox_find("reader"), why, sizeof(why))) {
		log_error("cannot drop privileges: %s", why);
		return 1;
	}
	step_carry_resume(r.stats, &r.ring, &r.queue);
	role_ready(r.stats);
	r.sleep = SLEEP_LEAST_NS;
	for (;;) {
		look(&r);
		nanosleep(&(struct timespec){ 0, (long)r.sleep }, NULL);
	}
}
