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
#define WAIT_MOST_NS (SECOND / 8)	/* what waits for longer gets stale */
#define WAIT_LEAST_NS (SECOND / 16)
#define HELD_NS (SECOND / 2)	/* since the analyst slept: its share of CPU holds it back */
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
	if (capture_share(m->capture, share))
		log_debug("cannot tell the kernel side how much to look at");
}

/* What came, or would have if there had been room, and what went since the last look. False: nothing did. */
static bool flow_read(struct monitor *m, uint64_t now)
{
	uint64_t come = capture_counter(m->capture, m->epoch, WIRE_C_SUBMITTED) + capture_counter(m->capture, m->epoch, WIRE_C_RING_FULL);
	uint64_t gone = m->analyst.stats->done, paced = m->analyst.stats->paced;
	struct budget *b = &m->budget;

	bool moves = gone != b->gone;

	if (b->epoch != m->epoch)
		b->come = 0;
	b->came += come - b->come - b->came / SMOOTH;
	b->went += gone - b->gone - b->went / SMOOTH;
	b->waiting += come - b->come;
	b->waiting -= gone - b->gone < b->waiting ? gone - b->gone : b->waiting;
	if (!moves && !m->analyst.stats->age)	/* nothing is there: it was counted lost elsewhere */
		b->waiting = 0;
	if (paced != b->paced)
		b->held_at = now;
	b->come = come;
	b->gone = gone;
	b->paced = paced;
	b->epoch = m->epoch;
	return moves;
}

static uint32_t share_times(uint32_t share, uint64_t n, uint64_t of)
{
	double s = of ? (double)share * (double)n / (double)of : (double)share;

	return s >= WIRE_SHARE_ALL ? WIRE_SHARE_ALL : s < SHARE_LEAST ? SHARE_LEAST : (uint32_t)s;
}

/* How long will have waited what comes now, when its turn comes? */
static uint64_t wait_now(const struct monitor *m)
{
	const struct budget *b = &m->budget;
	uint64_t wait = b->waiting * SMOOTH * LOOK_NS / (b->went ? b->went : 1), age = m->analyst.stats->age;

	return wait > age ? wait : age;
}

/* While too much waits, what goes is what can: so much may come, and less the longer it would wait. While
 * hardly anything waits, more may. A host that is busy is no reason, as long as there is room: what waits
 * for a turn on the CPU, and not for the budget, is gone through later. */
static void share_mind(struct monitor *m, uint64_t now)
{
	struct budget *b = &m->budget;
	uint32_t share = b->share ? b->share : WIRE_SHARE_ALL;
	bool held = b->held_at && now - b->held_at < HELD_NS, full = m->reader.stats->waiting > capture_data_size(m->capture) / 2;
	uint64_t wait = wait_now(m), may;

	if (full || (held && wait > WAIT_MOST_NS)) {
		may = b->went - b->went / 2 * (wait < SECOND ? wait : SECOND) / SECOND;
		if (may < b->came / 4)
			may = b->came / 4;
		if (may >= b->came)
			return;
		share_set(m, share_times(share, may, b->came), now);
		b->came = may;	/* as it will be: not cut again for what came before */
	} else if (b->share && b->share < WIRE_SHARE_ALL && wait < WAIT_LEAST_NS) {
		share_set(m, share_times(share, 9, 8), now);
	} else if (b->share == WIRE_SHARE_ALL && now - b->full_at >= FULL_NS) {
		share_set(m, 0, now);
	}
}

void budget_mind(struct monitor *m, uint64_t now)
{
	if (m->options->record || now - m->budget.looked_at < LOOK_NS)
		return;
	m->budget.looked_at = now;
	pace_mind(m, now);
	if (flow_read(m, now) || !m->analyst.stats->age)
		share_mind(m, now);
}
