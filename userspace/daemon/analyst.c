/* SPDX-License-Identifier: Apache-2.0 */
/* analyst.c - steps 2 to 5 on records from the queue, facts to the keeper. The role
 * that parses what attackers sent: no file, no socket but three inherited ones, no
 * exec. Each record is a step (step.h), so that one that kills this process is known and
 * is not tried again. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/log.h"
#include "classify/user.h"
#include "capture/queue.h"
#include "capture/record.h"
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "daemon/deny.h"
#include "daemon/pace.h"
#include "daemon/pipeline.h"
#include "daemon/rules.h"
#include "daemon/sandbox.h"
#include "daemon/step.h"

#define TICK_MS 20
#define TICK_NS (TICK_MS * 1000000ull)
/* While its share of CPU holds it back, and something has waited for STALE_NS, nothing is looked at that
 * waited for longer than FRESH_NS: after a flood the present comes first, and the rest is counted skipped.
 * What waits because the host is busy is looked at. */
#define STALE_NS 2000000000ull
#define FRESH_NS 500000000ull
#define HELD_BACK_NS 1000000000ull
#define BATCH 64	/* records between two looks at the clock and the orders */
#define WAIT_MS 100
#define NICE 10		/* on a host that has no CPU to spare the watched come first */

struct analyst {
	struct queue queue;
	struct role_stats *stats;
	struct front *front;
	const void *memory;	/* of the policies */
	struct rules rules;
	uint32_t epoch;		/* newest seen in a record */
	uint64_t time, ticked;	/* of the last record; of the last tick */
	uint64_t held_back;	/* when it last slept for its share of CPU */
	uint64_t evicted;	/* connections, so far */
	struct front_counts counts;	/* that are in the books */
	bool lost_keeper, stop, failed, hurries;	/* hurries: until what it takes is fresh */
	struct pace pace;
	uint8_t packed[FACT_MAX_SIZE];	/* facts that wait for the end of the batch */
	size_t held;			/* bytes of them */
	uint8_t record[RECORD_MAX];	/* the one in hand: the queue's memory is the reader's too, who may change it at any time */
};

static uint32_t fact_epoch(const struct fact *f)
{
	switch (f->kind) {
	case FACT_EXCHANGE:
		return f->exchange.at.epoch;
	case FACT_HANDSHAKE:
		return f->handshake.at.epoch;
	case FACT_NAMED:
		return f->named.at.epoch;
	default:
		return f->traffic.at.epoch;
	}
}

/* Blocks while the keeper is behind: then the queue fills, and the loss is counted
 * there, in one place. */
static void facts_send(struct analyst *a)
{
	struct pollfd facts = { .fd = FD_FACTS, .events = POLLOUT };
	ssize_t n;

	if (!a->held)
		return;
	while (!poll(&facts, 1, WAIT_MS))
		a->stats->beat++;	/* it is the keeper that is stuck */
	do {
		n = write(FD_FACTS, a->packed, a->held);
	} while (n < 0 && errno == EINTR);
	a->held = 0;
	if (n < 0 && !a->lost_keeper) {
		a->lost_keeper = true;
		log_error("cannot reach the keeper error=\"%s\"", strerror(errno));
	}
}

/* One message for the facts of a batch: to wake the keeper for each costs both more than the
 * fact. Counted first: what is not on its way when this process dies is then stated as lost. */
static void take_fact(void *owner, const struct fact *f)
{
	struct analyst *a = owner;
	int len = facts_pack(f, a->packed + a->held, sizeof(a->packed) - a->held);

	role_epoch(a->stats, fact_epoch(f))->findings++;
	if (len == -ENOSPC && a->held) {
		facts_send(a);
		len = facts_pack(f, a->packed, sizeof(a->packed));
	}
	if (len < 0) {
		log_warn("a fact does not fit its schema and is dropped kind=%d error=\"%s\"", f->kind, strerror(-len));
		role_epoch(a->stats, fact_epoch(f))->rejected++;
		return;
	}
	a->held += (size_t)len;
}

/* Advice, no more: what the monitor does not take now is asked for again later, or copied. */
static void take_verdict(void *owner, const struct capture_verdict *v)
{
	struct analyst *a = owner;

	if (write(FD_CTL, v, sizeof(*v)) < 0)
		a->stats->unheard++;
}

/* Is what has waited for so long left alone? */
static bool is_stale(struct analyst *a, uint64_t age, bool held_back)
{
	a->hurries = held_back && age > (a->hurries ? FRESH_NS : STALE_NS);
	return a->hurries;
}

/* What was checked must be what is read. NULL: no record is that long. */
static const void *take_over(struct analyst *a, const void *record, size_t len)
{
	return len <= sizeof(a->record) ? memcpy(a->record, record, len) : NULL;
}

static size_t work(struct analyst *a)
{
	uint64_t now = clock_boot_ns();
	const void *queued;
	bool held_back = a->held_back && now - a->held_back < HELD_BACK_NS;
	size_t len, n, stale = 0;
	int bad;

	for (n = 0; n < BATCH && (queued = queue_take(&a->queue, &len, &bad)); n++) {
		const void *record = take_over(a, queued, len);
		uint32_t epoch = record ? record_epoch(record, len) : 0;
		uint64_t time = record ? record_time(record, len) : 0;
		enum outcome outcome = OUTCOME_ANALYSED;
		int err;

		step_begin(a->stats, &a->queue, epoch);
		if (epoch > a->epoch && epoch < a->epoch + 2)
			a->epoch = epoch;
		if (is_stale(a, time && time < now ? now - time : 0, held_back))
			outcome = OUTCOME_OVER_BUDGET;
		stale += outcome == OUTCOME_OVER_BUDGET;
		if (!record || deny_has(&a->stats->denied, record, len))
			err = -EBADMSG;
		else
			err = outcome ? front_skip(a->front, record, len) : front_record(a->front, record, len);
		if (err)
			outcome = err == -ENOMEM ? OUTCOME_OVER_BUDGET : OUTCOME_UNDECODABLE;
		if (time > a->time && time <= now)
			a->time = time;
		step_end(a->stats, &a->queue, outcome, outcome == OUTCOME_OVER_BUDGET ? record_payload(record, len) : 0);
		if (record)
			explicit_bzero(a->record, len);
	}
	a->stats->done += n;
	a->stats->stale += stale;
	a->stats->idle = !n;
	return n;
}

/* While records wait, time is theirs: what is not there yet may still be among them. */
static void tick(struct analyst *a, uint64_t time)
{
	struct role_epoch *books = role_epoch(a->stats, a->epoch);
	uint64_t evicted = front_evicted(a->front);
	struct front_counts counts = front_counts(a->front);

	books->evicted += evicted - a->evicted;
	books->messages_dropped += counts.messages_dropped - a->counts.messages_dropped;
	books->hits_dropped += counts.hits_dropped - a->counts.hits_dropped;
	books->counts_low += counts.counts_low - a->counts.counts_low;
	books->inflate_ratio += counts.inflate_ratio - a->counts.inflate_ratio;
	books->inflate_size += counts.inflate_size - a->counts.inflate_size;
	books->inflate_time += counts.inflate_time - a->counts.inflate_time;
	a->evicted = evicted;
	a->counts = counts;
	if (time < a->ticked || time - a->ticked >= TICK_NS)
		front_tick(a->front, (struct stamp){ a->ticked = time, a->epoch });
	facts_send(a);
}

/* Between two records, so that each is looked at by the one or the other. Hyperscan is only for those that
 * were there at the start: what it does to make its tables is more than the sandbox has. */
static void rules_reload(struct analyst *a)
{
	char why[256];

	if (!rules_use(&a->rules, a->memory, false, why, sizeof(why))) {
		rules_describe(a->memory);
		return;
	}
	/* The ledger says that the new ones hold: the next analyst begins with them. */
	log_error("the classes of the policies cannot be taken over, the analyst starts again: %s", why);
	a->failed = true;
}

static void obey(struct analyst *a)
{
	struct order o;
	ssize_t n;

	while ((n = read(FD_CTL, &o, sizeof(o))) == (ssize_t)sizeof(o)) {
		struct stamp at = { o.time, o.epoch };

		switch ((enum order_kind)o.kind) {
		case ORDER_CLOSE:
			/* Facts of what is left belong to the newest interval: the close
			 * itself may be older than the last record. */
			at.epoch = at.epoch > a->epoch ? at.epoch : a->epoch;
			front_untold(a->front, o.conn, o.before);
			front_close(a->front, o.conn, o.sent_pos, o.received_pos, o.sent, o.received, at);
			if (o.who.id)
				front_unheard(a->front, &o.who, o.before, o.time);
			break;
		case ORDER_PLAIN:
			front_plain(a->front, o.conn, o.sent_pos, o.received_pos, o.before, (uint8_t)o.sent);
			break;
		case ORDER_REACH:
			at.epoch = at.epoch > a->epoch ? at.epoch : a->epoch;
			front_untold(a->front, o.conn, o.before);
			front_reach(a->front, o.conn, o.sent_pos, o.received_pos, at);
			break;
		case ORDER_FLUSH:
		case ORDER_LAST:
			/* Told twice over a death, it must not speak of a sealed interval. */
			if (role_epoch(a->stats, o.epoch)->flushed)
				break;
			if (o.kind == ORDER_LAST)
				front_last(a->front, at);
			else
				front_interval(a->front, at);
			facts_send(a);
			malloc_trim(0);	/* what a flood made grow is given back */
			role_epoch(a->stats, o.epoch)->flushed = 1;
			if (o.epoch >= a->epoch)
				a->epoch = o.epoch + 1;
			break;
		case ORDER_STOP:
			a->stop = true;
			break;
		case ORDER_RULES:
			rules_reload(a);
			break;
		case ORDER_PACE:
			pace_set(&a->pace, o.epoch);
			break;
		}
	}
	if (!n)
		_exit(1);	/* the monitor is dying: the kernel ends this role only once that is over */
}

/* What the one before left, when there was one. */
static void resume(struct analyst *a, bool blame)
{
	size_t len;
	const void *record = step_resume(a->stats, &a->queue, &len);

	/* Which interval it was, so that what ends by time before the next record is told in it. */
	for (unsigned i = 0; i < ROLE_EPOCHS; i++)
		if (a->stats->epochs[i].epoch > a->epoch)
			a->epoch = a->stats->epochs[i].epoch;
	if (!record)
		return;
	if (blame)
		deny_blame(&a->stats->denied, record, len);
	step_end(a->stats, &a->queue, OUTCOME_CRASH_LOST, 0);
}

/* Orders, and the sleep that this process's share of CPU asks for: in short pieces, so that
 * orders are heard in between. */
static void rest(struct analyst *a)
{
	uint64_t slept;

	facts_send(a);
	do {
		obey(a);
		a->stats->beat++;
		slept = pace_wait(&a->pace);
		a->stats->paced += slept;
		if (slept)
			a->held_back = clock_boot_ns();
	} while (slept && !a->stop);
}

int analyst_main(int argc, char **argv)
{
	static struct analyst a;
	struct pollfd fds[] = { { .fd = FD_KICK, .events = POLLIN }, { .fd = FD_CTL, .events = POLLIN } };
	struct sandbox box = *sandbox_find("analyst");
	uint64_t kicks;
	void *marks;
	char why[256];

	a.stats = role_stats_map(FD_STATS, true);
	a.front = front_new(take_fact, &a);
	marks = mmap(NULL, FRONT_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, FD_MARKS, 0);
	a.memory = mmap(NULL, RULES_MEMORY, PROT_READ, MAP_SHARED, FD_ANALYST_RULES, 0);
	if (!a.stats || !a.front || a.memory == MAP_FAILED ||
	    close(FD_ANALYST_RULES) || queue_map(&a.queue, FD_QUEUE) || marks == MAP_FAILED || front_outlive(a.front, marks, FRONT_MEMORY) ||
	    deny_prepare(&a.stats->denied)) {
		log_error("cannot map the queue or start the pipeline");
		return 1;
	}
	user_classes_prepare();
	if (rules_use(&a.rules, a.memory, true, why, sizeof(why))) {
		log_error("the classes of the policies cannot be looked for: %s", why);
		return EXIT_USAGE;
	}
	front_verdicts(a.front, take_verdict);
	box.grow = memory_share(argc, argv);
	(void)setpriority(PRIO_PROCESS, 0, NICE);	/* fails only where it is lower already */
	if (sandbox_enter(&box, why, sizeof(why))) {
		log_error("cannot drop privileges: %s", why);
		return 1;
	}
	rules_describe(a.memory);
	resume(&a, argc > 2 && !strcmp(argv[2], "blame=1"));
	role_ready(a.stats);
	while (!a.stop && !a.failed) {
		if (poll(fds, 2, TICK_MS) > 0 && (fds[0].revents & POLLIN) && read(FD_KICK, &kicks, sizeof(kicks)) < 0)
			a.stats->beat++;
		while (work(&a) == BATCH) {
			rest(&a);
			tick(&a, a.time);
		}
		rest(&a);
		tick(&a, clock_boot_ns());
	}
	if (a.failed)	/* as if it had died: nothing is told as ended that goes on */
		return 1;
	front_free(a.front);
	facts_send(&a);
	return 0;
}
