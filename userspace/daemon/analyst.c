/* SPDX-License-Identifier: Apache-2.0 */
/* analyst.c - steps 2 to 5 on records from the queue, facts to the keeper. The role
 * that parses what attackers sent: no file, no socket but three inherited ones, no
 * exec. Each record is a step (step.h), so that one that kills this process is known and
 * is not tried again. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/queue.h"
#include "capture/record.h"
#include "daemon/daemon.h"
#include "daemon/deny.h"
#include "daemon/pace.h"
#include "daemon/pipeline.h"
#include "daemon/sandbox.h"
#include "daemon/step.h"

#define TICK_MS 20
#define BATCH 512	/* records between two looks at the orders */
#define WAIT_MS 100
#define NICE 10		/* on a host that has no CPU to spare the watched come first */

struct analyst {
	struct queue queue;
	struct role_stats *stats;
	struct front *front;
	uint32_t epoch;		/* newest seen in a record */
	bool lost_keeper, stop;
	struct pace pace;
	uint8_t packed[FACT_MAX_SIZE];
};

static uint32_t fact_epoch(const struct fact *f)
{
	return f->kind == FACT_EXCHANGE ? f->exchange.at.epoch : f->traffic.at.epoch;
}

/* Blocks while the keeper is behind: then the queue fills, and the loss is counted
 * there, in one place. */
static void send_fact(void *owner, const struct fact *f)
{
	struct analyst *a = owner;
	int len = facts_pack(f, a->packed, sizeof(a->packed));
	struct pollfd facts = { .fd = FD_FACTS, .events = POLLOUT };
	ssize_t n;

	role_epoch(a->stats, fact_epoch(f))->findings++;
	if (len < 0) {
		log_warn("a fact does not fit its schema and is dropped kind=%d error=\"%s\"", f->kind, strerror(-len));
		role_epoch(a->stats, fact_epoch(f))->rejected++;
		return;
	}
	/* Counted first: what is not on its way when this process dies is then stated as lost. */
	while (!poll(&facts, 1, WAIT_MS))
		a->stats->beat++;	/* it is the keeper that is stuck */
	do {
		n = write(FD_FACTS, a->packed, (size_t)len);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && !a->lost_keeper) {
		a->lost_keeper = true;
		log_error("cannot reach the keeper error=\"%s\"", strerror(errno));
	}
}

static size_t work(struct analyst *a)
{
	const void *record;
	size_t len, n;
	int bad;

	for (n = 0; n < BATCH && (record = queue_take(&a->queue, &len, &bad)); n++) {
		uint32_t epoch = record_epoch(record, len);

		step_begin(a->stats, &a->queue, epoch);
		if (epoch > a->epoch && epoch < a->epoch + 2)
			a->epoch = epoch;
		bad = deny_has(&a->stats->denied, record, len) || front_record(a->front, record, len);
		step_end(a->stats, &a->queue, bad ? OUTCOME_UNDECODABLE : OUTCOME_ANALYSED);
	}
	return n;
}

static void obey(struct analyst *a)
{
	struct order o;

	while (read(FD_CTL, &o, sizeof(o)) == (ssize_t)sizeof(o)) {
		struct stamp at = { o.time, o.epoch };

		switch ((enum order_kind)o.kind) {
		case ORDER_CLOSE:
			/* Facts of what is left belong to the newest interval: the close
			 * itself may be older than the last record. */
			at.epoch = at.epoch > a->epoch ? at.epoch : a->epoch;
			front_close(a->front, o.conn, o.sent_pos, o.received_pos, o.sent, o.received, at);
			break;
		case ORDER_FLUSH:
			/* Told twice over a death, it must not speak of a sealed interval. */
			if (role_epoch(a->stats, o.epoch)->flushed)
				break;
			front_interval(a->front, at);
			role_epoch(a->stats, o.epoch)->flushed = 1;
			if (o.epoch >= a->epoch)
				a->epoch = o.epoch + 1;
			break;
		case ORDER_STOP:
			a->stop = true;
			break;
		case ORDER_PACE:
			pace_set(&a->pace, o.epoch);
			break;
		}
	}
}

/* What the one before left, when there was one. */
static void resume(struct analyst *a, bool blame)
{
	size_t len;
	const void *record = step_resume(a->stats, &a->queue, &len);

	if (!record)
		return;
	if (blame)
		deny_blame(&a->stats->denied, record, len);
	step_end(a->stats, &a->queue, OUTCOME_CRASH_LOST);
}

int analyst_main(int argc, char **argv)
{
	static struct analyst a;
	struct pollfd fds[] = { { .fd = FD_KICK, .events = POLLIN }, { .fd = FD_CTL, .events = POLLIN } };
	uint64_t kicks;
	void *marks;
	char why[256];

	a.stats = role_stats_map(FD_STATS, true);
	a.front = front_new(send_fact, &a);
	marks = mmap(NULL, FRONT_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, FD_MARKS, 0);
	if (!a.stats || !a.front || queue_map(&a.queue, FD_QUEUE) || marks == MAP_FAILED || front_outlive(a.front, marks, FRONT_MEMORY)) {
		log_error("cannot map the queue or start the pipeline");
		return 1;
	}
	(void)setpriority(PRIO_PROCESS, 0, NICE);	/* fails only where it is lower already */
	if (sandbox_enter(sandbox_find("analyst"), why, sizeof(why))) {
		log_error("cannot drop privileges: %s", why);
		return 1;
	}
	resume(&a, argc > 2 && !strcmp(argv[2], "blame=1"));
	role_ready(a.stats);
	while (!a.stop) {
		if (poll(fds, 2, TICK_MS) > 0 && (fds[0].revents & POLLIN) && read(FD_KICK, &kicks, sizeof(kicks)) < 0)
			a.stats->beat++;
		while (work(&a) == BATCH) {
			obey(&a);
			a.stats->paced += pace_wait(&a.pace);
			a.stats->beat++;
		}
		obey(&a);
		front_tick(a.front, (struct stamp){ clock_boot_ns(), a.epoch });
		a.stats->beat++;
	}
	front_free(a.front);
	return 0;
}
