/* SPDX-License-Identifier: Apache-2.0 */
/* texts.h - documents of each kind, drawn from a seed, with so many findings in each KiB; and a clock. */
#ifndef BENCH_TEXTS_H
#define BENCH_TEXTS_H
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"

#define DOCUMENT	1024
#define BYTES		(8 << 20)	/* of one kind in a round */

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_now(void) { return now(CLOCK_PROCESS_CPUTIME_ID); }

/* ---- documents */

static uint32_t draw_state = 1;
static uint32_t draw(uint32_t below)
{
	draw_state = draw_state * 1664525 + 1013904223;
	return (draw_state >> 8) % below;
}

static const char *word(void)
{
	static const char *const words[] = { "order", "shipped", "left", "neighbour", "Tuesday", "parcel", "invoice", "again", "the", "of", "with", "river",
					     "measure", "without", "stopping", "please", "tomorrow", "window", "status", "active" };

	return words[draw(sizeof(words) / sizeof(words[0]))];
}

/* Something to be found, as a key and a value. */
static void finding(struct buf *b, const char *before, const char *between, const char *after)
{
	switch (draw(4)) {
	case 0:
		buf_printf(b, "%semail%s%s.%u@corp.com%s", before, between, word(), draw(1000), after);
		return;
	case 1:
		buf_printf(b, "%sssn%s%03u-%02u-%04u%s", before, between, 100 + draw(500), 1 + draw(99), 1 + draw(9999), after);
		return;
	case 2:
		buf_printf(b, "%sphone%s+1 415-62%u-%04u%s", before, between, draw(10), 1000 + draw(9000), after);
		return;
	default:
		buf_printf(b, "%scard%s4111111111111111%s", before, between, after);
	}
}

static void add_json(struct buf *b, unsigned i, unsigned part)
{
	(void)part;
	buf_printf(b, "%s{\"id\":%u,\"status\":\"active\",\"created_at\":\"2026-03-14T15:09:26Z\",\"price\":%u.5,\"sku\":\"AB-%04u-X\",", i ? "," : "",
		   100000 + draw(800000), draw(500), draw(10000));
	buf_printf(b, "\"trace\":\"%08x%08x\",\"tags\":[\"%s\",\"large\"],\"note\":\"%s %s %s\",\"ok\":true", draw_state, draw(1u << 30), word(), word(),
		   word(), word());
	for (unsigned n = 0; n < part; n++)
		finding(b, ",\"", "\":\"", "\"");
	buf_puts(b, "}");
}

static void add_form(struct buf *b, unsigned i, unsigned part)
{
	buf_printf(b, "%sid=%u&status=active&note=%s+%s%%21&price=%u.5&sku=AB-%04u-X", i ? "&" : "", 100000 + draw(800000), word(), word(), draw(500), draw(10000));
	for (unsigned n = 0; n < part; n++)
		finding(b, "&", "=", "");
}

static void add_prose(struct buf *b, unsigned i, unsigned part)
{
	(void)i;
	for (unsigned n = 0; n < 12; n++)
		buf_printf(b, "%s ", word());
	for (unsigned n = 0; n < part; n++)
		finding(b, "my ", " is ", ". ");
	buf_printf(b, "order %u. ", draw(100000));
}

static const struct kind {
	const char *name;
	void (*add)(struct buf *, unsigned i, unsigned findings);
	const char *head, *tail;
	unsigned pieces;
} kinds[] = {
	{ "API JSON", add_json, "{\"items\":[", "]}", 5 },
	{ "form", add_form, "", "", 10 },
	{ "prose", add_prose, "", "", 10 },
};

static const char *bytes_at(const struct buf *b, size_t at) { return (const char *)b->ptr + at; }

struct text { struct buf all; size_t *ends; size_t nr, findings; };

static void text_make(struct text *t, const struct kind *k, unsigned findings)
{
	buf_init(&t->all, 2 * BYTES);
	t->ends = calloc(BYTES / 256, sizeof(*t->ends));
	while (t->all.len < BYTES) {
		unsigned left = findings;

		buf_puts(&t->all, k->head);
		for (unsigned i = 0; i < k->pieces; i++) {
			unsigned part = left / (k->pieces - i);

			left -= part;
			k->add(&t->all, i, part);
		}
		buf_puts(&t->all, k->tail);
		t->ends[t->nr++] = t->all.len;
	}
	if (t->all.failed || !t->ends)
		exit(2);
}
#endif
