/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_sight.c - bytes that the analyst says nobody would look at are not copied, so that they
 * cost less. That is no loss: it is written into the kernel by this role only, and counted skipped.
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
#define UNREAD_MAX 65536
#define LOOK_NS (SECOND / 50)

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

	/* As many as a socket can hold at most: one that is shut down would give nothing for ever. */
	for (unsigned i = 0; i < UNREAD_MAX && read(m->analyst.ctl[0], &v, sizeof(v)) >= 0; i++)
		;
	heeded_forget(m, UINT64_MAX);
}

void sight_mind(struct monitor *m, uint64_t now)
{
	if (m->options->record || now - m->sight.looked_at < LOOK_NS)
		return;
	m->sight.looked_at = now;
	verdicts_take(m, now);
	heeded_forget(m, now);
}
