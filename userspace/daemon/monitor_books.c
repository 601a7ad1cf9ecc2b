/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_books.c - the end of an interval. It goes through these steps; each waits for the
 * one before to be true, over deaths of any role, as long as there is progress:
 * all records have an outcome -> the analyst has told all of them -> the keeper has all that
 * will come -> the keeper has sealed it. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "daemon/monitor.h"
#include "daemon/watch.h"

#define GRACE_NS 100000000ull	/* programs under way when the interval changed have ended by then */
/* An interval in which nothing moved for so long is written as it is: longer than a stuck role
 * takes to be found, and then the longest wait to its replacement. */
#define DRAIN_NS (STUCK_NS + BACKOFF_MAX + 5 * SECOND)
#define DRAIN_MAX_NS (60 * SECOND)

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
		.unwanted = c[WIRE_C_UNWANTED], .left_out = c[WIRE_C_LEFT_OUT],
		.bytes_unwanted = c[WIRE_C_BYTES_UNWANTED], .bytes_left_out = c[WIRE_C_BYTES_LEFT_OUT],
		.read = r.read, .queue_full = r.queue_full,
		.analysed = a.analysed, .undecodable = a.undecodable, .over_budget = a.over_budget, .evicted = a.evicted,
		.messages_dropped = a.messages_dropped, .hits_dropped = a.hits_dropped, .counts_low = a.counts_low,
		.inflate_ratio = a.inflate_ratio, .inflate_size = a.inflate_size, .inflate_time = a.inflate_time,
		.bytes_queue_full = r.bytes_queue_full, .bytes_over_budget = a.bytes_over_budget,
		.findings = a.findings, .stored = k.stored, .rejected = k.rejected + a.rejected,
		.crash_lost = a.crash_lost,
		.processes_unknown = m->no_facts.all + watched.unknown - m->no_facts.sealed,
		.closes_lost = m->no_closes.all - m->no_closes.sealed, .looks_lost = m->no_looks.all - m->no_looks.sealed,
	};
}

static bool records_settled(const struct books *b)
{
	return b->submitted == b->read &&
	       b->read == b->analysed + b->queue_full + b->crash_lost + b->undecodable + b->over_budget;
}

static bool told_all(const struct books *b)
{
	return b->findings == b->stored + b->rejected;
}

/* What the analyst counted and the keeper did not: is there any chance that it comes? Not once
 * the socket is empty and the keeper has been through all it took. */
static bool facts_over(struct monitor *m)
{
	struct pollfd facts = { .fd = m->facts[1], .events = POLLIN };

	if (!m->keeper.up || poll(&facts, 1, 0)) {
		m->quiet_pid = 0;
		return false;
	}
	if (m->quiet_pid != m->keeper.pid) {
		m->quiet_pid = m->keeper.pid;
		m->quiet_beat = m->keeper.stats->beat;
	}
	return m->keeper.stats->beat - m->quiet_beat >= 2;
}

/* False: its socket is full. */
static bool books_tell(struct monitor *m, struct books *b)
{
	static struct fact f;

	b->skipped_runs = m->closing_skipped;
	if (!told_all(b))
		b->keeper_lost = b->findings > b->stored + b->rejected ? b->findings - b->stored - b->rejected : 0;
	memset(&f, 0, sizeof(f));
	f.kind = FACT_BOOKS;
	f.books = *b;
	m->seal_pid = m->keeper.pid;
	m->no_facts.sealing = b->processes_unknown;
	m->no_closes.sealing = b->closes_lost;
	m->no_looks.sealing = b->looks_lost;
	return tell_keeper(m, &f);
}

static void interval_sealed(struct monitor *m)
{
	struct undelivered *const all[] = { &m->no_facts, &m->no_closes, &m->no_looks };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		all[i]->sealed += all[i]->sealing;
	m->closing = CLOSING_NONE;
}

static void seal_advance(struct monitor *m, bool late)
{
	if (m->keeper.stats->sealed >= m->closing_epoch) {
		interval_sealed(m);
	} else if (m->keeper.up && m->seal_pid != m->keeper.pid) {
		m->closing = CLOSING_FACTS;	/* it died over it: the new one has other books */
	} else if (late) {
		log_error("the keeper did not seal an interval in time epoch=%u: it is missing in the evidence", m->closing_epoch);
		interval_sealed(m);
	}
}

/* Of what ended in the interval some is not told yet: it waits until the reader has been through what came before. */
static bool closes_wait(const struct monitor *m)
{
	return m->nr_closes && m->closes[m->first_close].time <= m->closing_looked;
}

/* The order reaches the analyst that lives now, or the next one. */
static bool flush_tell(struct monitor *m, uint64_t now)
{
	struct order o = { .kind = m->stopping ? ORDER_LAST : ORDER_FLUSH, .epoch = m->closing_epoch, .time = now };

	if (!m->analyst.up || closes_wait(m))
		return false;
	if (m->flush_pid != m->analyst.pid && write(m->analyst.ctl[0], &o, sizeof(o)) == (ssize_t)sizeof(o))
		m->flush_pid = m->analyst.pid;
	return role_epoch_read(m->analyst.stats, m->closing_epoch).flushed;
}

void interval_advance(struct monitor *m, uint64_t now)
{
	struct books b;
	bool late;

	if (m->closing == CLOSING_NONE || now - m->closing_since < GRACE_NS)
		return;
	books_fill(m, &b, m->closing_epoch);
	if (b.read + b.analysed + b.stored != m->closing_sum) {
		m->closing_sum = b.read + b.analysed + b.stored;
		m->closing_moved = now;
	}
	late = now - m->closing_moved > DRAIN_NS || now - m->closing_since > DRAIN_MAX_NS || (m->stop_by && now > m->stop_by);
	switch (m->closing) {
	case CLOSING_RECORDS:
		if (!records_settled(&b) && !late)
			return;
		m->closing = CLOSING_FACTS;
		m->flush_pid = 0;
		return;
	case CLOSING_FACTS:
		if (!flush_tell(m, now) && !late)
			return;
		books_fill(m, &b, m->closing_epoch);
		if (!told_all(&b) && !facts_over(m) && !late)
			return;
		if (books_tell(m, &b) || late)
			m->closing = CLOSING_SEAL;
		return;
	case CLOSING_SEAL:
		seal_advance(m, late);
		return;
	case CLOSING_NONE:
		return;
	}
}

void interval_end(struct monitor *m, uint64_t now)
{
	uint64_t skipped = capture_skipped_runs(m->capture);

	if (!m->muted)
		connections_look(m);
	m->closing_looked = clock_boot_ns();
	m->closing_epoch = m->epoch;
	m->closing = CLOSING_RECORDS;
	m->closing_since = m->closing_moved = now;
	m->closing_skipped = skipped - m->skipped_told;
	m->skipped_told = skipped;
	minute_next(&m->minute, &m->interval_start, &m->interval_end);
	m->epoch++;
	capture_epoch(m->capture, m->epoch);
}

/* Aligned to UTC minutes; a clock that stepped makes one interval odd, never two overlap. */
void interval_check(struct monitor *m, uint64_t now)
{
	if (!minute_over(&m->minute) || m->closing != CLOSING_NONE)
		return;
	interval_end(m, now);
	if (!m->options->selftest && !m->options->record)
		stimulus_start(m);
}
