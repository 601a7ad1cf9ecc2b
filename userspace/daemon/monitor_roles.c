/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_roles.c - the other roles: started, watched, replaced, and each death told. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "cli/cli.h"
#include "daemon/monitor.h"
#include "daemon/proc.h"
#include "daemon/spawn.h"
#include "daemon/watch.h"

#define STARVED_NS (6 * STUCK_NS)	/* even a role that gets no CPU is ended then */
#define REPEAT_NS (10 * SECOND)	/* more than an analyst is ever behind */
#define WELL_NS SECOND	/* a role that lived so long does not fail at its start: it need not be waited for longer and longer */

void role_init(struct child *r, const char *name, bool wanted)
{
	*r = (struct child){ .name = name, .wanted = wanted, .stats_fd = -1, .ctl = { -1, -1 } };
	if (!wanted)
		return;
	r->stats_fd = memory_file("weir-stats", 4096);
	r->stats = r->stats_fd < 0 ? NULL : role_stats_map(r->stats_fd, false);
	if (!r->stats || socket_pair(r->ctl, 1 << 20)) {
		log_error("cannot prepare a role name=%s error=\"%s\"", name, strerror(errno));
		exit(EXIT_DEGRADED);
	}
	fcntl(r->ctl[0], F_SETFL, O_NONBLOCK);
	if (strcmp(name, "keeper"))
		fcntl(r->ctl[1], F_SETFL, O_NONBLOCK);
}

static pid_t spawn_keeper(struct monitor *m, struct role_plan *plan)
{
	static char hooks[64], filters[1100], epoch[24];

	plan->keep_stdout = 1;
	role_plan_fd(plan, FD_FACTS, m->facts[1]);
	role_plan_fd(plan, FD_STATE, m->state);
	role_plan_fd(plan, FD_JOURNAL, m->journal);
	role_plan_fd(plan, FD_FILE, m->json_file);
	role_plan_fd(plan, FD_RULES, m->rules_fd);
	role_plan_fd(plan, FD_STANDING, m->standing_fd);
	if (m->capture)
		role_plan_made(plan, hooks, sizeof(hooks), "hooks=%s", capture_hooks(m->capture));
	role_plan_made(plan, filters, sizeof(filters), "filters=%s", m->filters);
	role_plan_made(plan, epoch, sizeof(epoch), "epoch=%u", m->closing ? m->closing_epoch : m->epoch);
	role_plan_arg(plan, m->journal >= 0 ? "journal=1" : "journal=0");
	role_plan_arg(plan, m->json_file >= 0 ? "file=1" : "file=0");
	role_plan_arg(plan, m->options->quiet ? "terminal=0" : "terminal=1");
	role_plan_arg(plan, m->keeper.restarts ? "restart=1" : "restart=0");
	return role_spawn(plan);
}

void role_start(struct monitor *m, struct child *r)
{
	struct role_plan plan = { .name = r->name };
	char size[24], memory[32];
	pid_t pid;

	role_plan_fd(&plan, FD_CTL, r->ctl[1]);
	role_plan_fd(&plan, FD_STATS, r->stats_fd);
	snprintf(memory, sizeof(memory), "memory=%zu", m->share);
	if (r == &m->keeper) {
		role_plan_arg(&plan, memory);
		pid = spawn_keeper(m, &plan);
	} else {
		if (r == &m->reader) {
			snprintf(size, sizeof(size), "%zu", capture_data_size(m->capture));
			role_plan_arg(&plan, size);
			role_plan_fd(&plan, FD_RING, capture_data_ring(m->capture));
			plan.urgent = 1;
		}
		if (r == &m->analyst) {
			role_plan_fd(&plan, FD_FACTS, m->facts[0]);
			role_plan_fd(&plan, FD_MARKS, m->marks_fd);
			role_plan_fd(&plan, FD_ANALYST_RULES, m->rules_fd);
			role_plan_arg(&plan, r->crashed ? "blame=1" : "blame=0");
			role_plan_arg(&plan, memory);
		}
		if (r == &m->recorder)
			role_plan_fd(&plan, FD_FACTS, m->record_file);
		role_plan_fd(&plan, FD_QUEUE, m->queue_fd);
		role_plan_fd(&plan, FD_KICK, m->kick);
		pid = role_spawn(&plan);
	}
	if (pid < 0) {
		log_error("cannot start a role name=%s error=\"%s\"", r->name, strerror(-(int)pid));
		r->next = clock_boot_ns() + BACKOFF_MAX;
		return;
	}
	if (r == &m->keeper && r->restarts)
		watch_resend(m->watch);	/* at once: what it reads first is of processes that it does not know */
	r->pid = pid;
	r->up = false;
	r->started = r->beat_at = clock_boot_ns();
	r->beat = r->stats->beat;
	if (m->capture)
		capture_own(m->capture, (uint32_t)pid, true);
}

/* Is the process that runs now the one that said so? */
static bool role_up(const struct child *r)
{
	return r->pid && __atomic_load_n(&r->stats->ready, __ATOMIC_ACQUIRE) == (uint32_t)r->pid;
}

bool role_wait(struct monitor *m, struct child *r)
{
	uint64_t until = clock_boot_ns() + 30 * SECOND;
	int status;

	while (!role_up(r) && clock_boot_ns() < until) {
		struct timespec ms = { 0, 1000000 };

		if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
			r->pid = 0;
			if (WIFSIGNALED(status))	/* it could not say so itself */
				log_error("a role was killed while it got ready name=%s signal=%d%s", r->name, WTERMSIG(status),
					  WTERMSIG(status) == SIGSYS ? ": its sandbox does not know a system call of this host's libraries" : "");
			m->exit_code = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_DEGRADED;
			return false;
		}
		nanosleep(&ms, NULL);
	}
	r->up = role_up(r);
	if (!r->up)
		log_error("a role did not get ready in 30 s name=%s", r->name);
	return r->up;
}

/* Deaths. Each is a gap in the evidence, from the last sign of life to the next. The keeper
 * may be the one that died: what it has not made durable is told again. */

void gap_add(struct monitor *m, const char *role, const char *detail, uint64_t from)
{
	struct gap *g = &m->gaps[m->nr_gaps % GAPS_MAX];

	if (m->options->record)	/* there is no evidence for it to be in */
		return;
	if (m->nr_gaps - m->keeper.stats->gaps >= GAPS_MAX)
		m->no_facts.all++;	/* the oldest one that waits gives way */
	m->nr_gaps++;
	*g = (struct gap){ .from = from, .until = clock_boot_ns(), .role = role };
	snprintf(g->detail, sizeof(g->detail), "%s", detail);
}

void gaps_tell(struct monitor *m)
{
	static struct fact f;
	uint32_t oldest = m->nr_gaps > GAPS_MAX ? m->nr_gaps - GAPS_MAX : 0;

	if (!m->keeper.up)
		return;
	if (m->gaps_told < oldest)
		m->gaps_told = oldest;
	while (m->gaps_told < m->nr_gaps) {
		const struct gap *g = &m->gaps[m->gaps_told % GAPS_MAX];

		memset(&f, 0, sizeof(f));
		f.kind = FACT_EVENT;
		f.event = (struct event_fact){ .time = g->from, .until = g->until, .epoch = m->epoch, .value = m->gaps_told + 1 };
		snprintf(f.event.kind, sizeof(f.event.kind), "gap");
		snprintf(f.event.subject, sizeof(f.event.subject), "%s", g->role);
		snprintf(f.event.detail, sizeof(f.event.detail), "%s", g->detail);
		if (!tell_keeper(m, &f))
			return;	/* its socket is full: later */
		m->gaps_told++;
	}
}

bool gaps_written(const struct monitor *m)
{
	return m->keeper.stats->gaps >= m->nr_gaps;
}

/* By what it did itself, not by somebody's kill: only then is the record in hand to blame. */
static bool died_of_itself(const struct child *r, int status)
{
	return r->stuck || !WIFSIGNALED(status) || (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM);
}

static void role_died(struct monitor *m, struct child *r, int status)
{
	uint64_t now = clock_boot_ns(), lived = now - r->started;

	capture_own(m->capture, (uint32_t)r->pid, false);
	r->pid = 0;
	if (r == &m->keeper && m->keeper_ends && WIFEXITED(status)) {
		r->wanted = r->up = false;
		return;
	}
	if (r == &m->analyst) {
		sight_analyst_died(m);
		closes_repeat(m, r->beat_at > REPEAT_NS ? r->beat_at - REPEAT_NS : 0);
	}
	if (r->down)	/* it did not get up between two deaths: each is told */
		gap_add(m, r->name, r->detail, r->down);
	r->restarts++;
	r->backoff = !r->backoff || lived > WELL_NS ? BACKOFF_MIN :
		     r->backoff < BACKOFF_MAX / 2 ? r->backoff * 2 : BACKOFF_MAX;
	r->next = now + r->backoff;
	r->down = r->beat_at;
	r->crashed = died_of_itself(r, status);
	if (WIFSIGNALED(status))
		snprintf(r->detail, sizeof(r->detail), "%skilled by signal %d", r->stuck ? "stuck, " : "", WTERMSIG(status));
	else
		snprintf(r->detail, sizeof(r->detail), "exited with status %d", WEXITSTATUS(status));
	r->stuck = r->up = false;
	log_error("a role died and is started again name=%s %s restarts=%u", r->name, r->detail, r->restarts);
	if (r == &m->recorder) {
		log_error("the recording is cut short and weir stops: what was being written when its role died may be torn");
		r->wanted = false;
		m->exit_code = EXIT_DEGRADED;
		m->stop_wanted = true;
	}
}

void roles_reap(struct monitor *m)
{
	struct child *roles[] = { &m->reader, &m->analyst, &m->keeper, &m->recorder };
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->stimulus) {
			m->stimulus = 0;
			if (!WIFEXITED(status) || WEXITSTATUS(status))
				log_warn("the selftest's own exchange failed status=%#x", status);
			continue;
		}
		if (watch_reap(m->watch, pid, status))
			continue;
		for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
			if (roles[i]->pid == pid)
				role_died(m, roles[i], status);
	}
}

static void role_got_up(struct monitor *m, struct child *r)
{
	r->up = true;
	if (r == &m->keeper) {
		m->gaps_told = r->stats->gaps;
	}
	if (r->down)
		gap_add(m, r->name, r->detail, r->down);
	r->down = 0;
}

/* Ready to run, and hardly ever let: then it is the host that is busy, for a while. */
static bool role_starves(const struct child *r, uint64_t now)
{
	uint64_t ticks, second = (uint64_t)sysconf(_SC_CLK_TCK);
	char state;

	return now - r->beat_at < STARVED_NS && proc_running(r->pid, &state, &ticks) && state == 'R' &&
	       (ticks - r->ticks) * SECOND / second < (now - r->beat_at) / 4;
}

static void role_mind(struct monitor *m, struct child *r, uint64_t now)
{
	if (r->wanted && !r->pid && now >= r->next)
		role_start(m, r);
	if (!r->pid)
		return;
	if (!r->up && role_up(r))
		role_got_up(m, r);
	if (r->stats->beat != r->beat) {
		r->beat = r->stats->beat;
		r->beat_at = now;
		r->mute = false;
	} else if (now > r->beat_at && now - r->beat_at > STUCK_NS / 10 && !r->mute) {
		char state;

		r->mute = proc_running(r->pid, &state, &r->ticks);
	} else if (now > r->beat_at && now - r->beat_at > STUCK_NS && !r->stuck && !role_starves(r, now)) {
		log_error("a role is stuck and is killed name=%s", r->name);
		kill(r->pid, SIGKILL);
		r->stuck = true;
	}
}

static void denied_tell(struct monitor *m)
{
	uint32_t denied = m->analyst.wanted ? m->analyst.stats->denied.nr : 0;

	for (; m->denied < denied; m->denied++) {
		log_error("an input that killed the analyst twice is denylisted: it is counted, and not parsed again");
		gap_add(m, "analyst", "denylisted: an input that killed it twice is counted undecodable from now on", clock_boot_ns());
	}
}

void roles_mind(struct monitor *m, uint64_t now)
{
	struct child *roles[] = { &m->reader, &m->analyst, &m->keeper, &m->recorder };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		role_mind(m, roles[i], now);
	denied_tell(m);
}

/* At the end: what is down now does not get up any more. */
void roles_give_up(struct monitor *m)
{
	struct child *roles[] = { &m->reader, &m->analyst };

	for (size_t i = 0; i < 2; i++)
		if (roles[i]->down) {
			gap_add(m, roles[i]->name, roles[i]->detail, roles[i]->down);
			roles[i]->down = 0;
		}
}

void role_end(struct child *r)
{
	if (!r->pid)
		return;
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	r->pid = 0;
}
