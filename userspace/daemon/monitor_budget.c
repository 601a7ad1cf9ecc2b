/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_budget.c - --max-cpu, enforced by weir on itself. What reader, keeper and monitor leave of it
 * is the analyst's, which sleeps when it has used that up (pace.h). What then waits for it tells how much is
 * too much: the kernel side looks at fewer connections, until what comes is what goes. They are chosen where
 * an exchange begins, their bytes are not copied, and counted skipped (budget). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/capture.h"
#include "daemon/monitor.h"
#include "daemon/pace.h"

#define CPU_MAX 100	/* percent of one CPU, by default */
#define CPU_LEAST 10	/* permille that the analyst always gets */
#define PACE_NS (SECOND / 2)
#define LOOK_NS (SECOND / 20)
#define WAIT_MOST_NS SECOND	/* a burst may wait; what waits for twice as long gets stale */
#define WAIT_LEAST_NS (SECOND / 2)
#define HELD_BACK_NS SECOND
#define COST_FIRST 15000	/* ns, until it is measured */
#define COST_MOST 1000000
#define COST_RECORDS 256	/* that it is measured with */
#define SMOOTH 4
#define SHARE_LEAST (WIRE_SHARE_ALL >> 12)
#define FULL_NS (2 * SECOND)	/* all is looked at, for so long: nothing is left out any more */
#define TELL_NS (60 * SECOND)

static uint64_t cpu_used(pid_t pid)
{
	char path[40], text[80] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	return n > 0 ? strtoull(text, NULL, 10) : 0;
}

static uint64_t cpu_since(uint64_t *before, pid_t pid)
{
	uint64_t now = pid ? cpu_used(pid) : 0, used = now > *before ? now - *before : 0;

	*before = now;
	return used;
}

/* Of what goes now, not of what once went. What is too old to be looked at costs less, and more than this makes
 * so much wait: then it is more. */
static void cost_measure(struct monitor *m)
{
	uint64_t done = m->analyst.stats->done, stale = m->analyst.stats->stale, records = done - m->budget.costed, used;
	struct budget *b = &m->budget;

	if (records < COST_RECORDS)
		return;
	used = cpu_since(&m->analyst.cpu, m->analyst.pid);
	if (stale == b->stale && used)
		b->cost = (b->cost + used / records) / 2;
	else if (stale != b->stale && b->cost < COST_MOST)
		b->cost += b->cost / 4;
	b->costed = done;
	b->stale = stale;
}

/* Half way from what it was: the keeper's use follows the analyst's, and would swing against it. */
static void pace_mind(struct monitor *m, uint64_t now)
{
	uint64_t max = (m->options->cpu_max ? m->options->cpu_max : CPU_MAX) * PACE_FULL / 100, others, elapsed = now - m->budget.paced_at;
	struct order o = { .kind = ORDER_PACE, .time = now };
	struct budget *b = &m->budget;

	if (elapsed < PACE_NS || !m->analyst.pid)
		return;
	others = cpu_since(&m->reader.cpu, m->reader.pid) + cpu_since(&m->keeper.cpu, m->keeper.pid) + cpu_since(&b->cpu_own, getpid());
	others = others * PACE_FULL / elapsed;
	o.epoch = (uint32_t)(max > others + CPU_LEAST ? max - others : CPU_LEAST);
	if (b->analyst)
		o.epoch = (o.epoch + b->analyst) / 2;
	b->analyst = o.epoch;
	/* Not taken: its orders pile up already, and the share of before holds. */
	if (b->paced_at && write(m->analyst.ctl[0], &o, sizeof(o)) < 0)
		log_debug("the analyst does not hear its share of CPU");
	b->paced_at = now;
	cost_measure(m);
}

static void share_set(struct monitor *m, uint32_t share, uint64_t now)
{
	struct budget *b = &m->budget;

	if (share == b->share)
		return;
	if (share && !b->share && (!b->told_at || now - b->told_at >= TELL_NS)) {
		log_warn("all there is would cost more than weir may, and it sees less: what it leaves out is counted skipped "
			 "(budget); --max-cpu allows more max_cpu=%u%%", m->options->cpu_max ? m->options->cpu_max : CPU_MAX);
		b->told_at = now;
	}
	if (share == WIRE_SHARE_ALL)
		b->full_at = now;
	b->share = share;
	capture_share(m->capture, share);
}

/* Records that came in an interval so far, or would have if there had been room. */
static uint64_t come_in(const struct monitor *m, uint32_t epoch)
{
	return capture_counter(m->capture, epoch, WIRE_C_SUBMITTED) + capture_counter(m->capture, epoch, WIRE_C_RING_FULL);
}

/* What came and went since the last look. */
static void flow_read(struct monitor *m)
{
	uint64_t gone = m->analyst.stats->done, came, went, come = come_in(m, m->epoch);
	struct budget *b = &m->budget;

	came = b->epoch == m->epoch ? come - b->come : come + come_in(m, b->epoch) - b->come;
	went = gone - b->gone;
	b->came += came - b->came / SMOOTH;
	b->went += went - b->went / SMOOTH;
	b->waiting += came;
	b->waiting -= went < b->waiting ? went : b->waiting;
	if (!came && !went && m->analyst.stats->idle)	/* what came then was lost, and is counted so */
		b->waiting = 0;
	b->come = come;
	b->gone = gone;
	b->epoch = m->epoch;
}

static uint32_t share_times(uint32_t share, uint64_t n, uint64_t of)
{
	double s = of ? (double)share * (double)n / (double)of : (double)share;

	return s >= WIRE_SHARE_ALL ? WIRE_SHARE_ALL : s < SHARE_LEAST ? SHARE_LEAST : (uint32_t)s;
}

/* How many records the analyst may go through between two looks: by the CPU that it may use and needs, not by
 * how far it comes. A host that is busy is no reason to see less, as long as there is room for what waits. */
static uint64_t may_go(const struct budget *b)
{
	uint64_t n = LOOK_NS * b->analyst / PACE_FULL / (b->cost ? b->cost : 1);

	return n ? n : 1;
}

/* Has the analyst slept for its share of CPU? Else what waits, waits for the host: it is gone through when it can be,
 * and what the ring has no room for meanwhile is lost, and not left out for a budget that is not used up. */
static bool is_held_back(struct monitor *m, uint64_t now)
{
	struct budget *b = &m->budget;

	if (m->analyst.stats->paced != b->paced)
		b->held_at = now;
	b->paced = m->analyst.stats->paced;
	return b->held_at && now - b->held_at < HELD_BACK_NS;
}

/* While more waits than can be gone through in time, only so much may come, less what waits too long already;
 * while hardly anything waits, more may. Where there is no room for what waits, it is what goes that may come. */
static void share_mind(struct monitor *m, uint64_t now)
{
	struct budget *b = &m->budget;
	uint32_t share = b->share ? b->share : WIRE_SHARE_ALL;
	uint64_t held = m->reader.stats->waiting, room = capture_data_size(m->capture);
	bool held_back = is_held_back(m, now), full = held > room / 4 * 3;
	uint64_t go = may_go(b) * SMOOTH, wait = b->waiting * SMOOTH * LOOK_NS / go;

	if (full && b->went < go)
		go = b->went;
	if (held_back && (full || wait > WAIT_MOST_NS)) {
		go -= go / 4 * (wait < 2 * SECOND ? wait : 2 * SECOND) / SECOND;
		if (go < b->came / 4)
			go = b->came / 4;
		if (go >= b->came)
			return;
		share_set(m, share_times(share, go, b->came), now);
		b->came = go;	/* as it will be: not cut again for what came before */
	} else if (b->share && b->share < WIRE_SHARE_ALL && (wait < WAIT_LEAST_NS || (!held_back && held < room / 4))) {
		/* Hardly anything comes: a flood is over, and what comes now is to be seen. */
		share_set(m, b->came < go / 8 ? share_times(share, 2, 1) : share_times(share, 9, 8), now);
	} else if (b->share == WIRE_SHARE_ALL && now - b->full_at >= FULL_NS) {
		share_set(m, 0, now);
	}
}

void budget_mind(struct monitor *m, uint64_t now)
{
	if (m->options->record || now - m->budget.looked_at < LOOK_NS)
		return;
	m->budget.looked_at = now;
	if (!m->budget.cost)
		m->budget.cost = COST_FIRST;
	pace_mind(m, now);
	if (!m->budget.analyst)
		return;
	flow_read(m);
	share_mind(m, now);
}
