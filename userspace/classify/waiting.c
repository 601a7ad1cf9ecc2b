/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define MESSAGES 64	/* under way at once, with a class that needs another; 2 MiB */

struct waiting {
	uint64_t serial;	/* of objects */
	uint32_t exchanges;
	struct waiting_message message[MESSAGES];
};

void waiting_free(struct waiting *w)
{
	if (w)
		explicit_bzero(w, sizeof(*w));
	free(w);
}

/* The object of a field: its path without the last name. That of another element of the same
 * array has the same path, and its fields are counted from the beginning again. */
static uint64_t object_of(struct waiting *w, struct waiting_message *m, const struct siphash_key *hash,
			  const struct field *f)
{
	const char *dot = strrchr(f->path, '.');
	uint64_t prefix = siphash(hash, f->path, dot ? (size_t)(dot - f->path) : 0) | 1;
	unsigned i = 0, levels = sizeof(m->level) / sizeof(m->level[0]);

	while (i < levels && m->level[i].prefix && m->level[i].prefix != prefix)
		i++;
	if (i == levels)
		i = (unsigned)(prefix >> 1) % levels;
	if (m->level[i].prefix != prefix || f->siblings <= m->level[i].siblings)
		m->level[i].object = ++w->serial;
	m->level[i].prefix = prefix;
	m->level[i].siblings = f->siblings;
	return m->level[i].object;
}

/* Exchanges are numbered as they begin: the one that gives way is the oldest. */
static struct waiting_message *message_at(struct waiting *w, uint64_t key)
{
	return &w->message[key % MESSAGES];
}

static uint64_t message_key(const struct exchange *ex, unsigned dir)
{
	return (uint64_t)ex->waiting << 1 | (dir == DIR_SENT);
}

struct waiting_message *waiting_find(struct waiting *w, const struct exchange *ex, unsigned dir)
{
	uint64_t key = message_key(ex, dir);
	struct waiting_message *m;

	if (!w || !ex->waiting)
		return NULL;
	m = message_at(w, key);
	/* Of other classes nobody knows any more what they were. */
	return m->key == key && m->generation == classify_generation ? m : NULL;
}

struct waiting_message *waiting_field(struct waiting **at, const struct siphash_key *hash, struct exchange *ex,
				      const struct field *f, uint64_t *lost)
{
	struct waiting *w = *at ? *at : (*at = calloc(1, sizeof(*w)));
	struct waiting_message *m;

	if (!w)
		return NULL;
	while (!ex->waiting)
		ex->waiting = ++w->exchanges;
	m = waiting_find(w, ex, f->dir);
	if (!m) {
		m = message_at(w, message_key(ex, f->dir));
		for (unsigned i = 0; i < m->nr; i++)
			*lost += m->hits[i].waits;
		for (unsigned i = 0; m->key && i < COMBINE_SLOTS; i++)
			*lost += m->combine.slot[i].used != 0;
		memset(m, 0, offsetof(struct waiting_message, hits));
		m->key = message_key(ex, f->dir);
		m->generation = classify_generation;
	}
	m->fields++;
	m->object = object_of(w, m, hash, f);
	return m;
}

void waiting_end(struct waiting_message *m)
{
	m->key = 0;
}

struct waiting_hit *waiting_hit(struct waiting_message *m, unsigned class_id)
{
	struct waiting_hit *h = &m->hits[m->nr++];

	*h = (struct waiting_hit){ .object = m->object, .field = m->fields, .class_id = (uint8_t)class_id, .row = -1 };
	return h;
}
