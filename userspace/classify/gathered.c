/* SPDX-License-Identifier: Apache-2.0 */
/* gathered.c - see gathered.h. */
#include "classify/gathered.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/evidence.h"

#define GATHERED_FIRST	64
#define FIELDS		1024	/* of one document whose values are compared */
#define OBJECTS		512	/* a power of two: a later object may take an earlier one's place */

int gathered_init(struct gathered *h)
{
	*h = (struct gathered){ .size = GATHERED_FIRST };
	h->list = malloc(h->size * sizeof(*h->list));
	if (!h->list)
		return -ENOMEM;
	if (fields_init(&h->fields, FIELDS))
		return -EIO;
	h->fields.key = (struct siphash_key){ 1, 2 };	/* the same document gives the same hits, always */
	return 0;
}

void gathered_fini(struct gathered *h)
{
	free(h->list);
	free(h->combine);
	free(h->waiting);
	fields_fini(&h->fields);
	*h = (struct gathered){ 0 };
}

int gathered_begin(struct gathered *h, void (*emit)(void *owner, const struct document_hit *), void *owner)
{
	fields_forget(&h->fields);
	h->nr = 0;
	h->emit = emit;
	h->owner = owner;
	free(h->combine);
	free(h->waiting);
	h->combine = NULL;
	h->waiting = NULL;
	if (!combine_wanted())
		return 0;
	h->combine = calloc(1, sizeof(*h->combine));
	h->waiting = calloc(COMBINE_SLOTS, sizeof(*h->waiting));
	return h->combine && h->waiting ? 0 : -ENOMEM;
}

static int by_start(const void *a, const void *b)
{
	const struct document_hit *x = a, *y = b;	/* the first member of gathered_hit */

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->confidence < y->confidence) - (x->confidence > y->confidence);
}

/* Of an object two findings of different classes that make it a person's, counted from 1: each needs another one. */
struct person { uint16_t first, second; };

static bool is_beside(const struct gathered *h, unsigned at, const struct gathered_hit *hit)
{
	return at && h->list[at - 1].object == hit->object && h->list[at - 1].hit.class_id != hit->hit.class_id;
}

static void person_add(const struct gathered *h, struct person *p, unsigned at)
{
	const struct gathered_hit *hit = &h->list[at - 1];

	if (!p->first || h->list[p->first - 1].object != hit->object)
		*p = (struct person){ .first = (uint16_t)at };
	else if (!p->second && is_beside(h, p->first, hit))
		p->second = (uint16_t)at;
}

/* First by the values of each field, so that a number that is one by chance makes nobody a person. */
static void settle(struct gathered *h)
{
	struct person persons[OBJECTS];

	memset(persons, 0, sizeof(persons));
	for (size_t i = 0; i < h->nr; i++) {
		struct gathered_hit *x = &h->list[i];
		const struct class_row *row = class_row(x->hit.class_id);

		if (x->field)
			x->hit.confidence = evidence_field(row, x->hit.confidence, &x->hit.why,
							   field_judge(field_get(&h->fields, x->field), x->hit.class_id));
		if (evidence_is_person(row, x->hit.confidence, x->hit.why))
			person_add(h, &persons[x->object & (OBJECTS - 1)], (unsigned)i + 1);
	}
	for (size_t i = 0; i < h->nr; i++) {
		struct gathered_hit *x = &h->list[i];
		const struct person *p = &persons[x->object & (OBJECTS - 1)];

		if (is_beside(h, p->first, x) || is_beside(h, p->second, x))
			x->hit.confidence = evidence_beside(class_row(x->hit.class_id), x->hit.confidence, &x->hit.why);
	}
}

/* A hit that may have to wait for another class, or is the one that others wait for. */
static void tell_near(struct gathered *h, const struct gathered_hit *x)
{
	bool lost;
	int slot;
	uint32_t freed;

	combine_field(h->combine, x->leaf, x->element);
	slot = combine_take(h->combine, x->hit.class_id, &lost);
	freed = combine_frees(h->combine, x->hit.class_id);
	if (slot == COMBINE_STANDS)
		h->emit(h->owner, &x->hit);
	else
		h->waiting[slot] = x->hit;
	for (unsigned i = 0; freed; i++, freed >>= 1)
		if (freed & 1)
			h->emit(h->owner, &h->waiting[i]);
}

static void tell(struct gathered *h, const struct gathered_hit *x)
{
	if (h->combine && x->hit.confidence >= CONF_LIKELY)
		tell_near(h, x);
	else if (!combine_waits(x->hit.class_id))
		h->emit(h->owner, &x->hit);
}

void gathered_end(struct gathered *h, bool sort)
{
	size_t end = 0;

	if (!h->nr)
		return;
	settle(h);
	if (sort)
		qsort(h->list, h->nr, sizeof(*h->list), by_start);
	for (size_t i = 0; i < h->nr; i++) {
		if (sort && h->list[i].hit.start < end)	/* the surer of two comes first */
			continue;
		tell(h, &h->list[i]);
		end = h->list[i].hit.end;
	}
	h->nr = 0;
}

int gathered_add(struct gathered *h, const struct gathered_hit *hit)
{
	if (h->nr == GATHERED_MAX)
		gathered_end(h, false);
	if (h->nr == h->size) {
		struct gathered_hit *list = realloc(h->list, 2 * h->size * sizeof(*list));

		if (!list)
			return -ENOMEM;
		h->list = list;
		h->size *= 2;
	}
	h->list[h->nr++] = *hit;
	return 0;
}
