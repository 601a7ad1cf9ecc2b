/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - the privileged role: starts and replaces the others, watches processes
 * and libraries, keeps the books. Never reads captured bytes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "capture/queue.h"
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "daemon/monitor.h"
#include "daemon/pace.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"
#include "daemon/watch.h"

#define TICK_MS 5
#define CALL_PARTS 16	/* WIRE_LARGE pieces copied of one call: 256 KiB */
#define SECOND 1000000000ull
#define GRACE_NS 100000000ull	/* programs under way when the interval changed have ended by then */
#define DRAIN_NS (3 * SECOND)	/* an interval in which nothing moved for so long is written as it is */
#define DRAIN_MAX_NS (40 * SECOND)
#define STUCK_NS (10 * SECOND)
#define BACKOFF_MIN (SECOND / 10)
#define BACKOFF_MAX (10 * SECOND)
#define CPU_MAX 100	/* percent of one CPU */
#define CPU_LEAST 50	/* permille that the analyst always gets */

/* Setting up. */

static void role_init(struct child *r, const char *name, bool wanted)
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

static void plan_policies(struct monitor *m, struct role_plan *plan, int *opened, char (*args)[320])
{
	for (unsigned i = 0; i < m->options->nr_policies; i++) {
		opened[i] = open(m->options->policies[i], O_RDONLY | O_CLOEXEC);
		role_plan_fd(plan, FD_FIRST_POLICY + (int)i, opened[i]);
		role_plan_made(plan, args[i], sizeof(args[i]), "policy=%s", m->options->policies[i]);
	}
}

static pid_t spawn_keeper(struct monitor *m, struct role_plan *plan)
{
	int opened[24];
	static char args[24][320], hooks[64], filters[300], epoch[24];
	pid_t pid;

	plan->keep_stdout = 1;
	role_plan_fd(plan, FD_FACTS, m->facts[1]);
	role_plan_fd(plan, FD_STATE, m->state);
	role_plan_fd(plan, FD_JOURNAL, m->journal);
	role_plan_fd(plan, FD_FILE, m->json_file);
	plan_policies(m, plan, opened, args);
	role_plan_made(plan, hooks, sizeof(hooks), "hooks=%s", capture_hooks(m->capture));
	role_plan_made(plan, filters, sizeof(filters), "filters=%s", m->filters);
	role_plan_made(plan, epoch, sizeof(epoch), "epoch=%u", m->closing ? m->closing_epoch : m->epoch);
	role_plan_arg(plan, m->journal >= 0 ? "journal=1" : "journal=0");
	role_plan_arg(plan, m->json_file >= 0 ? "file=1" : "file=0");
	role_plan_arg(plan, m->options->quiet ? "terminal=0" : "terminal=1");
	role_plan_arg(plan, m->keeper.restarts ? "restart=1" : "restart=0");
	pid = role_spawn(plan);
	for (unsigned i = 0; i < m->options->nr_policies; i++)
		close(opened[i]);
	return pid;
}

static void role_start(struct monitor *m, struct child *r)
{
	struct role_plan plan = { .name = r->name };
	char size[24];
	pid_t pid;

	role_plan_fd(&plan, FD_CTL, r->ctl[1]);
	role_plan_fd(&plan, FD_STATS, r->stats_fd);
	if (r == &m->keeper) {
		pid = spawn_keeper(m, &plan);
	} else {
		if (r == &m->reader) {
			snprintf(size, sizeof(size), "%zu", capture_data_size(m->capture));
			role_plan_arg(&plan, size);
			role_plan_fd(&plan, FD_RING, capture_data_ring(m->capture));
		}
		if (r == &m->analyst)
			role_plan_fd(&plan, FD_FACTS, m->facts[0]);
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
	r->pid = pid;
	r->started = r->beat_at = clock_boot_ns();
	r->beat = r->stats->beat;
	capture_own(m->capture, (uint32_t)pid, true);
}

static bool role_ready(struct monitor *m, struct child *r)
{
	uint64_t until = clock_boot_ns() + 5 * SECOND;
	int status;

	while (!r->stats->ready && clock_boot_ns() < until) {
		struct timespec ms = { 0, 1000000 };

		if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
			r->pid = 0;
			m->exit_code = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_DEGRADED;
			return false;
		}
		nanosleep(&ms, NULL);
	}
	if (!r->stats->ready)
		log_error("a role did not get ready in 5 s name=%s", r->name);
	return r->stats->ready;
}

/* Telling the keeper. What it does not take at once is counted, never waited for: the
 * monitor must go on draining. */
static void tell_keeper(struct monitor *m, const struct fact *f)
{
	static uint8_t packed[FACT_MAX_SIZE];
	int fd = m->options->record ? m->recorder.ctl[0] : m->keeper.ctl[0];
	int len = facts_pack(f, packed, sizeof(packed));

	if (len < 0 || write(fd, packed, (size_t)len) < 0)
		m->facts_lost++;
}

static void on_fact(void *owner, const struct fact *f)
{
	tell_keeper(owner, f);
}

static void on_close(void *owner, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, uint64_t sent,
		     uint64_t received, uint64_t time)
{
	struct monitor *m = owner;
	struct order o = { ORDER_CLOSE, m->epoch, conn, sent_pos, received_pos, sent, received, time };

	if (write(m->options->record ? m->recorder.ctl[0] : m->analyst.ctl[0], &o, sizeof(o)) < 0)
		m->closes_lost++;
}

static void tell_event(struct monitor *m, const char *kind, const char *subject, const char *detail, uint32_t value)
{
	static struct fact f;

	memset(&f, 0, sizeof(f));
	f.kind = FACT_EVENT;
	f.event.time = clock_boot_ns();
	f.event.epoch = m->epoch;
	f.event.value = value;
	snprintf(f.event.kind, sizeof(f.event.kind), "%s", kind);
	snprintf(f.event.subject, sizeof(f.event.subject), "%s", subject);
	snprintf(f.event.detail, sizeof(f.event.detail), "%s", detail);
	tell_keeper(m, &f);
}

/* Deaths. */

static void role_died(struct monitor *m, struct child *r, int status)
{
	uint64_t now = clock_boot_ns();
	uint32_t epoch = 0;
	char detail[64];

	capture_own(m->capture, (uint32_t)r->pid, false);
	r->pid = 0;
	if (m->stopping)
		return;
	r->restarts++;
	r->backoff = now - r->started > 60 * SECOND || !r->backoff ? BACKOFF_MIN :
		     r->backoff < BACKOFF_MAX / 2 ? r->backoff * 2 : BACKOFF_MAX;
	r->next = now + r->backoff;
	if (WIFSIGNALED(status))
		snprintf(detail, sizeof(detail), "killed by signal %d", WTERMSIG(status));
	else
		snprintf(detail, sizeof(detail), "exited with status %d", WEXITSTATUS(status));
	log_error("a role died and is started again name=%s %s restarts=%u", r->name, detail, r->restarts);
	if (r == &m->analyst && queue_recover(&m->queue, &epoch))
		m->crash_lost[epoch % ROLE_EPOCHS]++;
	tell_event(m, "gap", r->name, detail, r->restarts);
}

static void reap(struct monitor *m)
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

static void roles_mind(struct monitor *m, uint64_t now)
{
	struct child *roles[] = { &m->reader, &m->analyst, &m->keeper, &m->recorder };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct child *r = roles[i];

		if (r->wanted && !r->pid && now >= r->next) {
			role_start(m, r);
			if (r == &m->keeper)
				watch_resend(m->watch);
		}
		if (!r->pid)
			continue;
		if (r->stats->beat != r->beat) {
			r->beat = r->stats->beat;
			r->beat_at = now;
		} else if (now > r->beat_at && now - r->beat_at > STUCK_NS) {
			log_error("a role is stuck and is killed name=%s", r->name);
			kill(r->pid, SIGKILL);
			r->beat_at = now;
		}
	}
}

/* The cap on weir's own CPU: what reader, keeper and monitor leave of it is the analyst's. */

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

static void cpu_mind(struct monitor *m, uint64_t now)
{
	uint64_t max = m->options->cpu_max ? m->options->cpu_max : CPU_MAX, others, elapsed = now - m->cpu_at;
	struct order o = { .kind = ORDER_PACE, .time = now };

	if (elapsed < SECOND / 2 || !m->analyst.pid)
		return;
	others = cpu_since(&m->reader.cpu, m->reader.pid) + cpu_since(&m->keeper.cpu, m->keeper.pid) + cpu_since(&m->cpu_own, getpid());
	others = others * PACE_FULL / elapsed;
	max = max * PACE_FULL / 100;
	o.epoch = (uint32_t)(max > others + CPU_LEAST ? max - others : CPU_LEAST);
	/* Not taken: its orders pile up already, and the share of before holds. */
	if (m->cpu_at && write(m->analyst.ctl[0], &o, sizeof(o)) < 0)
		log_debug("the analyst does not hear its share of CPU");
	m->cpu_at = now;
	if (m->analyst.stats->paced > m->paced_told + SECOND) {
		log_warn("the limit on weir's own CPU is reached and it sees less; what is lost is counted cpu_max=%llu%%",
			 (unsigned long long)(max / 10));
		m->paced_told = m->analyst.stats->paced + 60 * SECOND;
	}
}

/* The books. An interval goes through these steps after its end; each waits for the
 * one before to be true, as long as there is progress. */

static void books_fill(struct monitor *m, struct books *b, uint32_t epoch)
{
	struct role_epoch r = role_epoch_read(m->reader.stats, epoch), a = role_epoch_read(m->analyst.stats, epoch),
			  k = role_epoch_read(m->keeper.stats, epoch);
	struct watch_stats watched;
	uint64_t c[WIRE_C_MAX];

	watch_stats(m->watch, &watched);
	capture_counters(m->capture, epoch, c);
	*b = (struct books){
		.epoch = epoch, .start_ms = m->interval_start, .end_ms = m->interval_end,
		.produced = c[WIRE_C_PRODUCED], .submitted = c[WIRE_C_SUBMITTED], .ring_full = c[WIRE_C_RING_FULL],
		.unreadable = c[WIRE_C_UNREADABLE], .too_big = c[WIRE_C_TOO_BIG], .no_state = c[WIRE_C_NO_STATE],
		.bytes_ring_full = c[WIRE_C_BYTES_RING_FULL], .bytes_unreadable = c[WIRE_C_BYTES_UNREADABLE],
		.bytes_too_big = c[WIRE_C_BYTES_TOO_BIG], .bytes_no_state = c[WIRE_C_BYTES_NO_STATE],
		.no_args = c[WIRE_C_NO_ARGS], .filtered = c[WIRE_C_FILTERED], .own = c[WIRE_C_OWN],
		.life_submitted = c[WIRE_C_LIFE_SUBMITTED], .life_ring_full = c[WIRE_C_LIFE_RING_FULL],
		.tls_calls = c[WIRE_C_TLS_CALLS], .tls_unbound = c[WIRE_C_TLS_UNBOUND],
		.read = r.read, .queue_full = r.queue_full,
		.analysed = a.analysed, .undecodable = a.undecodable, .over_budget = a.over_budget,
		.findings = a.findings, .stored = k.stored, .rejected = k.rejected,
		.crash_lost = m->crash_lost[epoch % ROLE_EPOCHS],
		.processes_unknown = m->facts_lost + watched.unknown - m->facts_told, .closes_lost = m->closes_lost - m->closes_told,
	};
}

static bool records_settled(const struct books *b)
{
	return b->submitted == b->read &&
	       b->read == b->analysed + b->queue_full + b->crash_lost + b->undecodable + b->over_budget;
}

static void books_seal(struct monitor *m, struct books *b)
{
	uint64_t skipped = capture_skipped_runs(m->capture);
	static struct fact f;

	b->skipped_runs = skipped - m->skipped_told;
	m->skipped_told = skipped;
	m->facts_told += b->processes_unknown;
	m->closes_told += b->closes_lost;
	if (b->findings > b->stored + b->rejected)
		b->keeper_lost = b->findings - b->stored - b->rejected;
	memset(&f, 0, sizeof(f));
	f.kind = FACT_BOOKS;
	f.books = *b;
	tell_keeper(m, &f);
	m->crash_lost[b->epoch % ROLE_EPOCHS] = 0;
	m->closing = CLOSING_NONE;
}

static void interval_advance(struct monitor *m, uint64_t now)
{
	bool late;
	struct order o = { .kind = ORDER_FLUSH, .epoch = m->closing_epoch, .time = now };
	struct books b;

	if (m->closing == CLOSING_NONE || now - m->closing_since < GRACE_NS)
		return;
	books_fill(m, &b, m->closing_epoch);
	if (b.read + b.analysed + b.stored != m->closing_sum) {
		m->closing_sum = b.read + b.analysed + b.stored;
		m->closing_moved = now;
	}
	late = now - m->closing_moved > DRAIN_NS || now - m->closing_since > DRAIN_MAX_NS;
	switch (m->closing) {
	case CLOSING_RECORDS:
		if (!records_settled(&b) && !late)
			return;
		if (write(m->analyst.ctl[0], &o, sizeof(o)) < 0 && !late)
			return;
		m->closing = CLOSING_FACTS;
		return;
	case CLOSING_FACTS:
		if (!role_epoch_read(m->analyst.stats, m->closing_epoch).flushed && !late)
			return;
		books_fill(m, &b, m->closing_epoch);
		if (b.findings != b.stored + b.rejected && !late)
			return;
		books_seal(m, &b);
		return;
	case CLOSING_NONE:
		return;
	}
}

static void interval_end(struct monitor *m, uint64_t now)
{
	m->closing_epoch = m->epoch;
	m->closing = CLOSING_RECORDS;
	m->closing_since = m->closing_moved = now;
	m->interval_start = m->next_start;
	m->interval_end = m->next_start = clock_utc_ms();
	m->epoch++;
	capture_epoch(m->capture, m->epoch);
}

/* Aligned to UTC minutes; a clock that stepped makes one interval odd, never two overlap. */
static void interval_check(struct monitor *m, uint64_t now)
{
	uint64_t minute = clock_utc_ms() / 60000;

	if (m->closing != CLOSING_NONE || minute == m->minute)
		return;
	m->minute = minute;
	interval_end(m, now);
	if (!m->options->selftest && !m->options->record)
		stimulus_start(m);
}

/* The stimulus. */

void stimulus_start(struct monitor *m)
{
	struct role_plan plan = { .name = "stimulus" };
	int go[2];
	pid_t pid;

	if (m->stimulus || pipe2(go, O_CLOEXEC))
		return;
	role_plan_fd(&plan, FD_CTL, go[0]);
	pid = role_spawn(&plan);
	close(go[0]);
	if (pid > 0) {
		if (m->options->pid || m->options->exe || m->options->unit || m->options->container)
			capture_watch_pid(m->capture, (uint32_t)pid);
		watch_selftest(m->watch, pid);
		m->stimulus = pid;
	} else {
		log_warn("cannot start the selftest error=\"%s\"", strerror(-(int)pid));
	}
	close(go[1]);	/* it is known who it is: now it may begin */
}

static void keeper_says(struct monitor *m)
{
	static uint8_t in[FACT_MAX_SIZE];
	static struct fact f;
	ssize_t n;

	while ((n = read(m->keeper.ctl[0], in, sizeof(in))) > 0) {
		if (facts_unpack(in, (size_t)n, &f) != FACT_EVENT)
			continue;
		if (!strcmp(f.event.kind, "selftest"))
			m->proven |= f.event.value;
		if (!strcmp(f.event.kind, "failed")) {
			log_error("the keeper cannot keep evidence and weir stops: %s", f.event.detail);
			m->exit_code = EXIT_DEGRADED;
			m->stop_wanted = true;
		}
	}
}

static void ready_check(struct monitor *m, uint64_t now)
{
	struct watch_stats w;

	if (m->ready || !(m->options->record || m->proven == 3 || now > m->ready_by))
		return;
	m->ready = true;
	watch_stats(m->watch, &w);
	log_info("watching hooks=%s tls_libraries=%llu probe_sites=%llu", capture_hooks(m->capture), (unsigned long long)w.libraries,
		 (unsigned long long)w.probes);
	if (m->options->record || m->proven == 3) {
		printf("ready\n");
	} else if (m->proven & 1) {
		printf("ready (degraded: plaintext of TLS libraries is not seen; weir coverage says where)\n");
	} else {
		log_error("the hooks are attached but did not show weir's own exchange within 10 s: they are dead on this kernel; weir doctor tries each set");
		m->exit_code = EXIT_DEGRADED;
		m->stop_wanted = true;
	}
	fflush(stdout);
	if (m->options->selftest)
		m->stop_wanted = true;
}

/* Start and end. */

/* Pieces of WIRE_LARGE that a limit in bytes comes to. */
static uint32_t call_parts(uint32_t limit)
{
	uint32_t parts = limit ? (limit + WIRE_LARGE - 1) / WIRE_LARGE : CALL_PARTS;

	return parts > WIRE_MAX_PARTS ? WIRE_MAX_PARTS : parts;
}

static int monitor_setup(struct monitor *m)
{
	struct capture_config config = {
		.data_ring = m->options->ring ? m->options->ring : DATA_RING, .life_ring = LIFE_RING, .max_parts = call_parts(m->options->call_limit),
		.filter = m->options->unit || m->options->container ? WIRE_FILTER_PID | WIRE_FILTER_CGROUP :
			  m->options->pid || m->options->exe ? WIRE_FILTER_PID : 0,
		.hooks = m->options->hooks,
	};
	struct watch_config watch = {
		.exe = m->options->exe, .unit = m->options->unit, .container = m->options->container,
		.fact = on_fact, .close = on_close, .owner = m,
	};
	bool record = m->options->record;
	char why[512];

	m->capture = capture_new(&config, why, sizeof(why));
	if (!m->capture) {
		log_error("%s; weir doctor looks at what this host lacks", why);
		return EXIT_DEGRADED;
	}
	m->queue_fd = memory_file("weir-queue", queue_bytes());
	m->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->queue_fd < 0 || m->kick < 0 || queue_map(&m->queue, m->queue_fd) || socket_pair(m->facts, 4 << 20)) {
		log_error("cannot make the queue error=\"%s\"", strerror(errno));
		return EXIT_DEGRADED;
	}
	role_init(&m->reader, "reader", true);
	role_init(&m->analyst, "analyst", !record);
	role_init(&m->keeper, "keeper", !record);
	role_init(&m->recorder, "recorder", record);
	watch.capture = m->capture;
	m->watch = watch_new(&watch);
	capture_own(m->capture, (uint32_t)getpid(), true);
	if (m->options->pid)
		capture_watch_pid(m->capture, m->options->pid);
	return m->watch ? 0 : EXIT_DEGRADED;
}

static int monitor_start(struct monitor *m)
{
	struct child *order[] = { &m->keeper, &m->recorder, &m->analyst, &m->reader };
	char why[512];

	m->epoch = 1;
	capture_epoch(m->capture, m->epoch);
	m->next_start = clock_utc_ms();
	m->minute = m->next_start / 60000;
	/* The keeper first: it judges policies and ledger before anything is watched. */
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!order[i]->wanted)
			continue;
		role_start(m, order[i]);
		if (!order[i]->pid || !role_ready(m, order[i]))
			return m->exit_code ? m->exit_code : EXIT_DEGRADED;
	}
	watch_survey(m->watch);
	if (capture_attach(m->capture, why, sizeof(why))) {
		log_error("%s", why);
		return EXIT_DEGRADED;
	}
	if (sandbox_reduce_monitor(why, sizeof(why)))
		log_warn("cannot give up privileges: %s", why);
	m->ready_by = clock_boot_ns() + 10 * SECOND;
	if (!m->options->record)
		stimulus_start(m);
	return 0;
}

static void roles_kill(struct monitor *m)
{
	struct child *roles[] = { &m->reader, &m->analyst, &m->keeper, &m->recorder };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (roles[i]->pid && !kill(roles[i]->pid, SIGKILL) && waitpid(roles[i]->pid, NULL, 0))
			roles[i]->pid = 0;
}

/* What is not settled in time is written as it is: an interval without books would be no interval. */
static void interval_finish(struct monitor *m)
{
	uint64_t until = clock_boot_ns() + 2 * DRAIN_NS;
	struct timespec ms = { 0, 2000000 };
	struct books b;

	while (m->closing != CLOSING_NONE && clock_boot_ns() < until) {
		watch_drain(m->watch);
		interval_advance(m, clock_boot_ns());
		nanosleep(&ms, NULL);
	}
	if (m->closing == CLOSING_NONE)
		return;
	books_fill(m, &b, m->closing_epoch);
	books_seal(m, &b);
}

/* In the order of the data's path: stop making records, let each stage finish. */
static void monitor_stop(struct monitor *m, const char *reason)
{
	struct order stop = { .kind = ORDER_STOP }, hurry = { .kind = ORDER_PACE, .epoch = PACE_FULL };
	struct timespec ms = { 0, 2000000 };
	uint64_t until;

	capture_detach(m->capture);
	watch_drain(m->watch);
	m->stopping = true;
	if (m->analyst.pid)
		(void)!write(m->analyst.ctl[0], &hurry, sizeof(hurry));
	interval_finish(m);
	if (m->options->record) {
		nanosleep(&(struct timespec){ 0, GRACE_NS }, NULL);
		(void)!write(m->recorder.ctl[0], &stop, sizeof(stop));
		if (m->recorder.pid)
			waitpid(m->recorder.pid, NULL, 0);
		m->recorder.pid = 0;
	} else if (m->keeper.pid) {
		interval_end(m, clock_boot_ns());
		interval_finish(m);
		tell_event(m, "stop", "monitor", reason, 0);
		until = clock_boot_ns() + 10 * SECOND;
		while (clock_boot_ns() < until && waitpid(m->keeper.pid, NULL, WNOHANG) != m->keeper.pid)
			nanosleep(&ms, NULL);
		if (clock_boot_ns() < until)
			m->keeper.pid = 0;
	}
	roles_kill(m);
}

static void monitor_loop(struct monitor *m)
{
	struct pollfd fds[] = { { .fd = m->signals, .events = POLLIN }, { .fd = m->keeper.ctl[0], .events = POLLIN } };
	uint64_t deadline = m->options->duration_ms ? clock_boot_ns() + m->options->duration_ms * 1000000 : 0;
	uint64_t last = 0;
	struct signalfd_siginfo si;

	while (!m->stop_wanted) {
		uint64_t now;

		poll(fds, 2, TICK_MS);
		now = clock_boot_ns();
		watch_drain(m->watch);
		while (read(m->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
			if (si.ssi_signo == SIGCHLD)
				reap(m);
			else
				m->stop_wanted = true;
		}
		if (m->keeper.wanted)
			keeper_says(m);
		ready_check(m, now);
		if (!m->options->record) {
			interval_check(m, now);
			interval_advance(m, now);
		}
		if (now - last > SECOND / 4) {
			last = now;
			roles_mind(m, now);
			watch_tick(m->watch, now);
			cpu_mind(m, now);
		}
		if (deadline && now > deadline)
			m->stop_wanted = true;
	}
}

int monitor_run(const struct run_options *options)
{
	static struct monitor m;
	sigset_t set;
	int err;

	m = (struct monitor){ .options = options, .state = -1, .journal = -1, .json_file = -1, .record_file = -1 };
	log_init("weir", LOG_INFO_);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	m.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	prctl(PR_SET_DUMPABLE, 0);
	err = monitor_files(&m);
	if (!err)
		err = monitor_setup(&m);
	if (!err)
		err = monitor_start(&m);
	if (!err) {
		monitor_loop(&m);
		monitor_stop(&m, m.exit_code ? "failure" : "asked to");
		err = m.exit_code;
	} else {
		m.stopping = true;
		roles_kill(&m);
	}
	watch_free(m.watch);
	capture_free(m.capture);
	return err;
}
