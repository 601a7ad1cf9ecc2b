/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_sight.c - what weir chooses not to see, so that it costs less: bytes that the analyst
 * says nobody would look at, and, when records are lost because they come too fast, all but one in k
 * connections. Neither is a loss: it is written into the kernel by this role only, not
 * copied there, and counted skipped.
 *
 * The analyst may be an attacker's. A verdict can only hide bytes, of a connection that is, for
 * VERDICT_NS, and dies with the analyst; more of them than VERDICT_RATE a second are not read. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "daemon/monitor.h"

#define VERDICT_RATE 1000	/* a second */
#define VERDICT_BURST 64
#define LOOK_NS (SECOND / 4)	/* between two looks at what was lost */
#define RAISE_NS SECOND		/* between two steps up: so long it takes until one shows */
#define FEW 16			/* records lost in LOOK_NS: no overload */
#define ONE_IN_MAX 8

static bool is_sane(const struct capture_verdict *v)
{
	static const uint8_t pad[sizeof(v->pad)];

	return v->version == VERDICT_VERSION && (v->layer == WIRE_SOCKET || v->layer == WIRE_TLS) && !memcmp(v->pad, pad, sizeof(pad));
}

/* In order of age, since all live equally long. */
static struct heeded *heeded_oldest(struct sight *s)
{
	return s->nr ? &s->heeded[s->first] : NULL;
}

static void heeded_forget(struct monitor *m, uint64_t now)
{
	struct sight *s = &m->sight;
	struct heeded *h;

	while ((h = heeded_oldest(s)) && h->until <= now) {
		capture_wanted(m->capture, h->conn, now);
		s->first = (s->first + 1) % HEEDED_MAX;
		s->nr--;
	}
	if (!s->nr && s->heeds) {
		capture_wanted_all(m->capture);
		s->heeds = false;
	}
}

static bool heed(struct monitor *m, const struct capture_verdict *v, uint64_t now)
{
	struct wire_unwanted u = { .to = { v->to[0], v->to[1] }, .until = now + VERDICT_NS, .kind = v->layer };
	struct sight *s = &m->sight;

	if (!is_sane(v) || s->nr == HEEDED_MAX || capture_unwanted(m->capture, v->conn, &u))
		return false;
	s->heeds = true;
	s->heeded[(s->first + s->nr++) % HEEDED_MAX] = (struct heeded){ v->conn, u.until };
	return true;
}

static void verdicts_take(struct monitor *m, uint64_t now)
{
	struct sight *s = &m->sight;
	struct capture_verdict v;
	ssize_t n;

	if (now - s->filled_at >= SECOND / VERDICT_RATE) {
		uint64_t more = (now - s->filled_at) / (SECOND / VERDICT_RATE);

		s->room = s->room + more > VERDICT_BURST ? VERDICT_BURST : (unsigned)(s->room + more);
		s->filled_at = now;
	}
	for (; s->room && (n = read(m->analyst.ctl[0], &v, sizeof(v))) >= 0; s->room--) {
		if (n == (ssize_t)sizeof(v) && heed(m, &v, now))
			continue;
		if (!s->refused++)
			log_warn("a verdict of the analyst is not heeded: it is malformed, there are too many, or there is no such connection");
	}
}

void sight_analyst_died(struct monitor *m)
{
	struct capture_verdict v;

	while (read(m->analyst.ctl[0], &v, sizeof(v)) >= 0)
		;
	heeded_forget(m, UINT64_MAX);
}

static void one_in_set(struct monitor *m, uint32_t k, uint64_t now)
{
	struct sight *s = &m->sight;

	if (s->one_in <= 1 && k > 1 && now >= s->told_at) {
		log_warn("records come faster than weir may go through them, and it sees less: all but one in several connections "
			 "are counted skipped (budget) until they do not; --max-cpu and --ring allow more");
		s->told_at = now + 60 * SECOND;
	}
	s->one_in = k;
	s->changed_at = now;
	if (capture_one_in(m->capture, k))
		log_debug("cannot tell the kernel side how many connections to look at");
}

/* Records that were lost since the last look, for want of room or of time. */
static uint64_t newly_lost(struct monitor *m)
{
	struct sight *s = &m->sight;
	uint64_t c[WIRE_C_MAX], lost, before = s->counted_epoch == m->epoch ? s->lost : 0;

	capture_counters(m->capture, m->epoch, c);
	lost = c[WIRE_C_RING_FULL] + role_epoch_read(m->analyst.stats, m->epoch).over_budget;
	s->counted_epoch = m->epoch;
	s->lost = lost;
	return lost > before ? lost - before : 0;
}

/* Only what was lost raises k, by one a second: a full ring alone is work that is still done later,
 * and to look away sooner would find less. Down it goes faster, as soon as there is room again. */
static void one_in_mind(struct monitor *m, uint64_t now)
{
	struct sight *s = &m->sight;
	uint32_t k = s->one_in ? s->one_in : 1;

	/* Told anew, and not by a reader that has no turn itself. */
	if (now - s->looked_at < LOOK_NS || m->reader.stats->beat == s->beat)
		return;
	s->beat = m->reader.stats->beat;
	s->looked_at = now;
	if (newly_lost(m) >= FEW)
		s->lost_at = now;
	if (s->lost_at == now && k < ONE_IN_MAX && now - s->changed_at >= RAISE_NS)
		one_in_set(m, k + 1, now);
	else if (k > 1 && m->reader.stats->behind < capture_data_size(m->capture) / 2 && now - s->lost_at >= LOOK_NS)
		one_in_set(m, k - 1, now);
}

void sight_mind(struct monitor *m, uint64_t now)
{
	if (m->options->record)
		return;
	verdicts_take(m, now);
	heeded_forget(m, now);
	one_in_mind(m, now);
}
