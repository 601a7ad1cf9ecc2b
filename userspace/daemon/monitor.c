/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - the privileged role: starts and replaces the others (monitor_roles.c), watches
 * processes and libraries, keeps the books (monitor_books.c). Never reads captured bytes. */
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
#include "capture/record.h"
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "daemon/monitor.h"
#include "daemon/pace.h"
#include "daemon/pipeline.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"
#include "daemon/standing.h"
#include "daemon/watch.h"
#include "store/ledger.h"

#define TICK_MS 5
#define TICK_SHORT_OF_CPU_MS 20
#define GRACE_NS 100000000ull
/* A close is told to the analyst when the data before it, which comes by another way, should be there: more
 * than the reader ever sleeps, much less than GRACE_NS. One that was told to an analyst which then dies of that
 * data would be known to nobody. */
#define CLOSE_HELD_NS 20000000ull
#define BEHIND_NS (100 * SECOND)
#define AGAIN_NS (5 * SECOND)
#define READER_FRESH_NS (4 * CLOSE_HELD_NS)
#define STOP_NS (20 * SECOND)		/* an interval that has not come together by then is sealed as it is */
#define RECORDER_STOP_NS (20 * SECOND)	/* for a reader that has no CPU */
#define KEEPER_STOP_NS (10 * SECOND)

/* Telling the keeper. What it does not take at once is counted, never waited for: the
 * monitor must go on draining. */
bool tell_keeper(struct monitor *m, const struct fact *f)
{
	static uint8_t packed[FACT_MAX_SIZE];
	int fd = m->options->record ? m->recorder.ctl[0] : m->keeper.ctl[0];
	int len = facts_pack(f, packed, sizeof(packed));

	return len > 0 && write(fd, packed, (size_t)len) == len;
}

static void on_fact(void *owner, const struct fact *f)
{
	struct monitor *m = owner;

	m->no_facts.all += !tell_keeper(m, f);
}

static bool on_fact_again(void *owner, const struct fact *f)
{
	return tell_keeper(owner, f);
}

static int write_close(struct monitor *m, const struct order *o)
{
	return write(m->options->record ? m->recorder.ctl[0] : m->analyst.ctl[0], o, sizeof(*o)) < 0;
}

static bool reader_is_fresh(const struct monitor *m, uint64_t now)
{
	return now < m->read_until + READER_FRESH_NS;
}

static void close_tell(struct monitor *m, const struct order *o)
{
	if (m->nr_closes == CLOSES_WAITING) {
		m->no_closes.all++;
		return;
	}
	m->closes[(m->first_close + m->nr_closes++) % CLOSES_WAITING] = *o;
	if (m->told_closes > CLOSES_WAITING - m->nr_closes)
		m->told_closes = CLOSES_WAITING - m->nr_closes;
}

static void on_close(void *owner, const struct wire_life *l)
{
	struct monitor *m = owner;
	struct order o = { .kind = ORDER_CLOSE, .before = { l->before[0], l->before[1] }, .epoch = m->epoch, .conn = l->who.conn,
			   .sent_pos = l->sent_pos, .received_pos = l->received_pos, .sent = l->sent, .received = l->received,
			   .time = l->time };
	const struct order plain = { .kind = ORDER_PLAIN, .before = { l->plain_before[0], l->plain_before[1] }, .epoch = m->epoch,
				     .conn = l->who.conn, .sent_pos = l->plain[WIRE_SENT], .received_pos = l->plain[WIRE_RECEIVED],
				     .sent = l->plain_known, .time = l->time };

	if (m->muted && l->time > m->muted)
		return;	/* it goes on without weir */
	/* First: a close that is told late ends the connection at once. */
	if (l->plain_known)
		close_tell(m, &plain);
	record_conn(&o.who, &l->who, l->flags);
	close_tell(m, &o);
}

/* Of a connection that goes on: never takes the room of a close. In a recording it waits as a close does, so
 * that whoever replays it knows the connection by then, and while the reader is behind; else for nothing. */
static void on_look(void *owner, const struct wire_check *w)
{
	struct monitor *m = owner;
	struct order o = { .kind = ORDER_REACH, .before = { w->before[0], w->before[1] }, .epoch = m->epoch,
			   .conn = w->conn, .sent_pos = w->sent_pos, .received_pos = w->received_pos, .time = w->time };

	if (!m->options->record && reader_is_fresh(m, o.time) && !write_close(m, &o))
		return;
	if (m->nr_closes < CLOSES_WAITING / 2)
		close_tell(m, &o);
	else
		m->no_looks.all++;
}

void connections_look(struct monitor *m)
{
	int err = capture_look(m->capture, m->stop_wanted, on_look, m);

	if (err && err != -EOPNOTSUPP)
		log_warn("cannot look at all connections error=\"%s\"", strerror(-err));
	watch_drain(m->watch);	/* closes that it found belong to the interval that ends */
}

/* Thousands may end at once; one that is never told would keep its state for an hour. One that is told while what
 * came before it is still in the ring, since the reader died or has no CPU, would have that taken for lost. */
static void closes_send(struct monitor *m, uint64_t now)
{
	uint64_t looks = m->reader.stats->looks, until;

	if (looks - m->looks >= 2) {	/* the second began after the moment at which the first was not over */
		m->read_until = m->looks_at;
		m->looks = looks;
		m->looks_at = now;
	}
	until = m->read_until < now - CLOSE_HELD_NS ? m->read_until : now - CLOSE_HELD_NS;
	while (m->nr_closes && m->closes[m->first_close].time <= until && !write_close(m, &m->closes[m->first_close])) {
		m->first_close = (m->first_close + 1) % CLOSES_WAITING;
		m->nr_closes--;
		m->told_closes++;
	}
}

void closes_repeat(struct monitor *m, uint64_t since)
{
	while (m->told_closes && m->closes[(m->first_close + CLOSES_WAITING - 1) % CLOSES_WAITING].time > since) {
		m->first_close = (m->first_close + CLOSES_WAITING - 1) % CLOSES_WAITING;
		m->nr_closes++;
		m->told_closes--;
	}
	for (unsigned i = 0; i < m->nr_closes; i++)	/* the one that died may have told of it */
		m->closes[(m->first_close + i) % CLOSES_WAITING].who.id = 0;
}

bool tell_event(struct monitor *m, const char *kind, const char *detail)
{
	static struct fact f;

	memset(&f, 0, sizeof(f));
	f.kind = FACT_EVENT;
	f.event.time = clock_boot_ns();
	f.event.epoch = m->epoch;
	snprintf(f.event.kind, sizeof(f.event.kind), "%s", kind);
	snprintf(f.event.subject, sizeof(f.event.subject), "monitor");
	snprintf(f.event.detail, sizeof(f.event.detail), "%s", detail);
	return tell_keeper(m, &f);
}

/* The keeper holds what it does not know the ends of. It asks, rather than wait for some time or other: what it is told of
 * comes before the answer, on the same way. */
static void keeper_answer(struct monitor *m)
{
	static struct fact f;
	uint64_t heard = m->keeper_asks ? watch_heard(m->watch) : 0;

	if (!heard)
		return;
	memset(&f, 0, sizeof(f));
	f.kind = FACT_EVENT;
	f.event.time = heard;
	f.event.epoch = m->epoch;
	snprintf(f.event.kind, sizeof(f.event.kind), "heard");
	m->keeper_asks = !tell_keeper(m, &f);
}

/* The stimulus. */

void stimulus_prepare(struct monitor *m)
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
		m->stimulus = pid;
		m->stimulus_go = go[1];
		return;
	}
	log_warn("cannot start the selftest error=\"%s\"", strerror(-(int)pid));
	close(go[1]);
}

void stimulus_start(struct monitor *m)
{
	stimulus_prepare(m);
	if (!m->stimulus || m->stimulus_go < 0)
		return;
	capture_watch_selftest(m->capture, (uint32_t)m->stimulus);
	watch_selftest(m->watch, m->stimulus);
	close(m->stimulus_go);	/* it is known who it is: now it may begin */
	m->stimulus_go = -1;
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
		if (!strcmp(f.event.kind, "rules"))
			rules_told(m);
		m->keeper_asks |= !strcmp(f.event.kind, "asks");
		/* low: there is room for a proper end, and none for more. */
		if (!strcmp(f.event.kind, "failed") || !strcmp(f.event.kind, "low")) {
			log_error("the keeper cannot keep evidence in %s and weir stops: %s; %s", m->options->state, f.event.detail,
				  ledger_advice((int)f.event.value));
			snprintf(m->reason, sizeof(m->reason), "failure: %.119s", f.event.detail);
			m->exit_code = EXIT_DEGRADED;
			m->stop_wanted = true;
			m->keeper.wanted = !strcmp(f.event.kind, "low");
		}
	}
}

/* On a host without CPU to spare its own exchange, or what is told of it, is still under way. */
static bool is_behind(const struct monitor *m)
{
	return m->stimulus || !m->analyst.up || !m->keeper.up || !m->analyst.stats->idle || !reader_is_fresh(m, clock_boot_ns());
}

/* One exchange may fail, or be skipped by the kernel, and that alone says nothing of the hooks. */
static void stimulus_again(struct monitor *m, uint64_t now)
{
	if (m->ready || m->options->record || m->proven == 3 || now < m->again_at || is_behind(m))
		return;
	m->again_at = now + AGAIN_NS;
	stimulus_start(m);
}

static void ready_check(struct monitor *m, uint64_t now)
{
	struct watch_stats w;

	if (m->ready || !(m->options->record || m->proven == 3 || (now > m->ready_by && (!is_behind(m) || now > m->ready_by + BEHIND_NS))))
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
		log_error("the hooks are attached but did not show weir's own exchange within 20 s: they are dead on this kernel; weir doctor tries each set");
		m->exit_code = EXIT_DEGRADED;
		m->stop_wanted = true;
	}
	fflush(stdout);
	if (m->options->selftest)
		m->stop_wanted = true;
}

/* Start and end. */

/* What takes its time and needs nothing of the kernel side goes on beside the loading of it. */
static int roles_begin(struct monitor *m)
{
	struct watch_config watch = {
		.wanted = &m->options->wanted,
		.fact = on_fact, .again = on_fact_again, .close = on_close, .owner = m,
	};
	bool record = m->options->record;

	m->closes = calloc(CLOSES_WAITING, sizeof(*m->closes));
	m->queue_fd = memory_file("weir-queue", queue_bytes());
	m->marks_fd = memory_file("weir-marks", FRONT_MEMORY);
	m->standing_fd = memory_file("weir-standing", STANDING_MEMORY);
	m->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!m->closes || m->queue_fd < 0 || m->marks_fd < 0 || m->standing_fd < 0 || m->kick < 0 || socket_pair(m->facts, 4 << 20)) {
		log_error("cannot make the queue error=\"%s\"", strerror(errno));
		return EXIT_DEGRADED;
	}
	m->epoch = 1;
	role_init(&m->reader, "reader", true);
	role_init(&m->analyst, "analyst", !record);
	role_init(&m->keeper, "keeper", !record);
	role_init(&m->recorder, "recorder", record);
	if (!record) {
		role_start(m, &m->keeper);
		role_start(m, &m->analyst);
	}
	m->watch = watch_new(&watch);
	if (!m->watch)
		return EXIT_DEGRADED;
	watch_look_ahead(m->watch);
	if (!record)
		stimulus_prepare(m);
	return 0;
}

static int monitor_setup(struct monitor *m)
{
	const struct wanted *wanted = &m->options->wanted;
	struct capture_config config = {
		.data_ring = m->options->ring ? m->options->ring : DATA_RING, .life_ring = LIFE_RING, .max_parts = monitor_call_parts(m->options->call_limit),
		.filter = wanted->units.nr || wanted->containers.nr ? WIRE_FILTER_PID | WIRE_FILTER_CGROUP :
			  wanted->nr_pids || wanted->exes.nr ? WIRE_FILTER_PID : 0,
		.hooks = m->options->hooks,
	};
	char why[512];
	int err = memory_plan(m, (uint32_t)config.data_ring, &config.connections);

	if (!err)
		err = roles_begin(m);
	if (err)
		return err;
	m->capture = capture_new(&config, why, sizeof(why));
	if (!m->capture) {
		log_error("%s; weir doctor looks at what this host lacks", why);
		return EXIT_DEGRADED;
	}
	capture_own(m->capture, (uint32_t)getpid(), true);
	if (m->keeper.pid)
		capture_own(m->capture, (uint32_t)m->keeper.pid, true);
	if (m->analyst.pid)
		capture_own(m->capture, (uint32_t)m->analyst.pid, true);
	watch_begin(m->watch, m->capture);
	for (unsigned i = 0; i < wanted->nr_pids; i++)
		capture_watch_pid(m->capture, wanted->pids[i]);
	for (unsigned i = 0; i < wanted->exes.nr; i++)
		if (capture_watch_exe(m->capture, wanted->exes.list[i]))
			log_info("--exe %s: with [, \\ or over %d bytes, a process is watched only from when its start was heard of",
				 wanted->exes.list[i], WIRE_PATH - 1);
	return 0;
}

static int monitor_start(struct monitor *m)
{
	struct child *all[] = { &m->keeper, &m->recorder, &m->analyst, &m->reader };
	char why[512];

	capture_epoch(m->capture, m->epoch);
	minute_begin(&m->minute);
	/* Nothing is watched before the keeper has judged policies and ledger; it does so while
	 * the host is looked over. */
	if (m->keeper.wanted && !tell_event(m, "start", capture_hooks(m->capture)))
		log_error("cannot tell the keeper to begin error=\"%s\"", strerror(errno));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->wanted && !all[i]->pid)
			role_start(m, all[i]);
	watch_survey(m->watch);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->wanted && (!all[i]->pid || !role_wait(m, all[i])))
			return m->exit_code ? m->exit_code : EXIT_DEGRADED;
	if (capture_attach(m->capture, why, sizeof(why))) {
		log_error("%s", why);
		return EXIT_DEGRADED;
	}
	run_first();	/* with what it is allowed before */
	if (sandbox_reduce_monitor(!capture_probes_by_link(m->capture), why, sizeof(why)))
		log_warn("cannot give up privileges: %s", why);
	m->ready_by = clock_boot_ns() + 20 * SECOND;
	m->again_at = clock_boot_ns() + AGAIN_NS;
	if (!m->options->record)
		stimulus_start(m);
	return 0;
}

static void monitor_end(struct monitor *m)
{
	role_end(&m->reader);
	role_end(&m->analyst);
	role_end(&m->keeper);
	role_end(&m->recorder);
}

/* While it stops, too, a role that dies is replaced: else its part of the books would be missing. */
static void serve(struct monitor *m, bool drain)
{
	roles_reap(m);
	roles_mind(m, clock_boot_ns());
	if (drain)
		watch_drain(m->watch);
	closes_send(m, clock_boot_ns());
	keeper_answer(m);
	keeper_says(m);
	gaps_tell(m);
	interval_advance(m, clock_boot_ns());
	nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
}

static void recorder_stop(struct monitor *m)
{
	struct order stop = { .kind = ORDER_STOP };
	uint64_t until;

	until = clock_boot_ns() + GRACE_NS;
	while (clock_boot_ns() < until || (m->nr_closes && clock_boot_ns() < until + RECORDER_STOP_NS)) {
		closes_send(m, clock_boot_ns());
		nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
	}
	if (m->no_closes.all || m->no_looks.all || m->nr_closes)
		log_warn("the recording lacks how far connections came closes=%llu open=%llu waiting=%u", (unsigned long long)m->no_closes.all,
			 (unsigned long long)m->no_looks.all, m->nr_closes);
	(void)!write(m->recorder.ctl[0], &stop, sizeof(stop));
	if (m->recorder.pid)
		waitpid(m->recorder.pid, NULL, 0);
	m->recorder.pid = 0;
}

/* Until it has written its stop and ended by itself; a new one is told again. */
static void keeper_stop(struct monitor *m, const char *reason)
{
	uint64_t until = clock_boot_ns() + KEEPER_STOP_NS;
	pid_t told = 0;

	roles_give_up(m);
	while (m->keeper.wanted && (!gaps_written(m) || !m->keeper.up) && clock_boot_ns() < until)
		serve(m, false);
	m->keeper_ends = true;
	while (m->keeper.wanted && clock_boot_ns() < until) {
		if (m->keeper.up && told != m->keeper.pid && tell_event(m, "stop", reason))
			told = m->keeper.pid;
		serve(m, false);
	}
}

/* In the order of the data's path: stop making records, let each stage finish. */
static void monitor_stop(struct monitor *m, const char *reason)
{
	struct order hurry = { .kind = ORDER_PACE, .epoch = PACE_FULL };

	/* At once for all, then how far each has come. While the programs are detached, which takes long on a busy host,
	 * some would still tell of a connection, and others not. */
	capture_mute(m->capture);
	connections_look(m);
	m->muted = clock_boot_ns();
	capture_detach(m->capture);
	watch_drain(m->watch);
	if (m->analyst.pid)
		(void)!write(m->analyst.ctl[0], &hurry, sizeof(hurry));
	if (m->options->record) {
		recorder_stop(m);
	} else if (m->keeper.wanted) {
		m->stop_by = clock_boot_ns() + STOP_NS;
		while (m->closing != CLOSING_NONE)
			serve(m, true);
		m->stopping = true;
		interval_end(m, clock_boot_ns());
		while (m->closing != CLOSING_NONE)
			serve(m, true);
		keeper_stop(m, reason);
	}
	monitor_end(m);
}

static void monitor_loop(struct monitor *m)
{
	struct pollfd fds[] = { { .fd = m->signals, .events = POLLIN }, { .fd = m->keeper.ctl[0], .events = POLLIN } };
	uint64_t deadline = m->options->duration_ms ? clock_boot_ns() + m->options->duration_ms * 1000000 : 0;
	uint64_t last = 0, looked = 0;
	struct signalfd_siginfo si;

	while (!m->stop_wanted) {
		uint64_t now;

		poll(fds, 2, m->budget.share ? TICK_SHORT_OF_CPU_MS : TICK_MS);
		now = clock_boot_ns();
		if (looked && now - looked > STUCK_NS)
			gap_add(m, "monitor", "did not run: stopped, starved or the host slept", looked);
		looked = now;
		watch_drain(m->watch);
		closes_send(m, now);
		keeper_answer(m);
		sight_mind(m, now);
		budget_mind(m, now);
		while (fds[0].revents && read(m->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
			if (si.ssi_signo == SIGCHLD)
				roles_reap(m);
			else if (si.ssi_signo == SIGHUP && !m->options->record && (!m->terminal || isatty(STDOUT_FILENO)))
				rules_reload(m);	/* else the terminal has gone */
			else
				m->stop_wanted = true;
		}
		if (m->keeper.wanted && fds[1].revents)
			keeper_says(m);
		stimulus_again(m, now);
		ready_check(m, now);
		if (!m->options->record) {
			interval_check(m, now);
			interval_advance(m, now);
			gaps_tell(m);
		}
		if (now - last > SECOND / 4) {
			last = now;
			roles_mind(m, now);
			watch_tick(m->watch, now, m->reader.stats->waiting > capture_data_size(m->capture) / 4);
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

	m = (struct monitor){ .options = options, .rules_fd = -1, .state = -1, .journal = -1, .json_file = -1, .record_file = -1, .stimulus_go = -1 };
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
	m.terminal = isatty(STDOUT_FILENO);
	err = monitor_files(&m);
	if (!err)
		err = monitor_setup(&m);
	if (!err)
		err = monitor_start(&m);
	if (!err) {
		monitor_loop(&m);
		monitor_stop(&m, m.reason[0] ? m.reason : m.exit_code ? "failure" : "asked to");
		err = m.exit_code;
	} else {
		monitor_end(&m);
	}
	watch_free(m.watch);
	capture_free(m.capture);
	return err;
}
