/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define MESSAGES 64	/* under way at once, with a class that needs another; 0.6 MiB */

struct waiting {
	uint64_t serial;	/* of objects */
	struct waiting_message message[MESSAGES];
};

void waiting_free(struct waiting *w)
{
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

struct waiting_message *waiting_field(struct waiting **at, const struct siphash_key *hash,
					      const struct exchange *ex, const struct field *f)
{
	struct { uint64_t conn, began, exchange, dir; } id = { ex->conn.id, ex->began, (uint64_t)(uintptr_t)ex, (uint64_t)f->dir };
	struct waiting *w = *at ? *at : (*at = calloc(1, sizeof(*w)));
	struct waiting_message *m;
	uint64_t key;

	if (!w)
		return NULL;
	key = siphash(hash, &id, sizeof(id)) | 1;
	m = &w->message[(key >> 1) % MESSAGES];
	if (m->key != key) {
		memset(m, 0, offsetof(struct waiting_message, held));
		m->key = key;
	}
	combine_field(&m->combine, object_of(w, m, hash, f));
	return m;
}
