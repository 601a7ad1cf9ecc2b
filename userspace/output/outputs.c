/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.c - the open sinks, each with a queue that never grows past its bound. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "output/output.h"

#define SINKS_MAX 16
#define QUEUE_MAX 4096		/* events that wait for a slow sink */
#define QUEUE_BYTES (16u << 20)	/* and what they may hold */

#define SINK(name) extern const struct sink_row sink_##name;
#include "output/list.def"
#undef SINK

static const struct sink_row *const rows[] = {
#define SINK(name) &sink_##name,
#include "output/list.def"
#undef SINK
};

struct waiting { struct waiting *next; struct event event; };
struct open_sink {
	const struct sink_row *row;
	void *sink;
	struct waiting *queue, **end;
	size_t nr, bytes;
	bool told;
};
struct outputs { struct open_sink sinks[SINKS_MAX]; unsigned nr; uint64_t dropped; };

unsigned sink_count(void)
{
	return sizeof(rows) / sizeof(rows[0]);
}

const struct sink_row *sink_get(unsigned i)
{
	return i < sink_count() ? rows[i] : NULL;
}

const struct sink_row *sink_find(const char *name)
{
	for (unsigned i = 0; i < sink_count(); i++)
		if (!strcmp(rows[i]->name, name))
			return rows[i];
	return NULL;
}

struct outputs *outputs_new(void)
{
	return calloc(1, sizeof(struct outputs));
}

static void waiting_free(struct waiting *w)
{
	free((void *)(uintptr_t)w->event.type);
	free((void *)(uintptr_t)w->event.json);
	free((void *)(uintptr_t)w->event.text);
	free(w);
}

static void flush(struct open_sink *s)
{
	while (s->queue && !s->row->send(s->sink, &s->queue->event)) {
		struct waiting *w = s->queue;

		s->queue = w->next;
		if (!s->queue)
			s->end = &s->queue;
		s->nr--;
		s->bytes -= w->event.len;
		waiting_free(w);
	}
}

void outputs_free(struct outputs *o)
{
	if (!o)
		return;
	for (unsigned i = 0; i < o->nr; i++) {
		struct open_sink *s = &o->sinks[i];

		flush(s);
		o->dropped += s->nr;
		while (s->queue) {
			struct waiting *w = s->queue;

			s->queue = w->next;
			waiting_free(w);
		}
		s->row->flush(s->sink);
		s->row->close(s->sink);
	}
	if (o->dropped)
		log_warn("events could not be delivered to sinks dropped=%llu; they are in the ledger", (unsigned long long)o->dropped);
	free(o);
}

int outputs_add(struct outputs *o, const char *name, int fd, const char *target)
{
	const struct sink_row *row = sink_find(name);
	void *sink = row && o->nr < SINKS_MAX ? row->open(fd, target) : NULL;

	if (!sink)
		return -EINVAL;
	o->sinks[o->nr] = (struct open_sink){ .row = row, .sink = sink };
	o->sinks[o->nr].end = &o->sinks[o->nr].queue;
	o->nr++;
	return 0;
}

static void wait_for(struct outputs *o, struct open_sink *s, const struct event *e)
{
	struct waiting *w = s->nr < QUEUE_MAX && e->len <= QUEUE_BYTES - s->bytes ? calloc(1, sizeof(*w)) : NULL;

	if (!s->told) {
		s->told = true;
		log_warn("a sink is slow or gone, events wait for it sink=%s", s->row->name);
	}
	if (!w) {
		o->dropped++;
		return;
	}
	w->event = *e;
	w->event.type = strdup(e->type);
	w->event.json = strndup(e->json, e->len);
	w->event.text = e->text ? strdup(e->text) : NULL;
	if (!w->event.type || !w->event.json || !w->event.text != !e->text) {
		o->dropped++;
		waiting_free(w);
		return;
	}
	*s->end = w;
	s->end = &w->next;
	s->nr++;
	s->bytes += e->len;
}

void outputs_send(struct outputs *o, const struct event *e)
{
	for (unsigned i = 0; i < o->nr; i++) {
		struct open_sink *s = &o->sinks[i];

		flush(s);
		if (s->queue || s->row->send(s->sink, e))
			wait_for(o, s, e);
	}
}

uint64_t outputs_dropped(const struct outputs *o)
{
	return o->dropped;
}
