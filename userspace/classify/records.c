/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - see records.h. */
#include "classify/records.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WAYS	8	/* sketches among which one has its place */
#define PART	40	/* bits of a register's share of the sum */
#define BITS	11	/* of a fingerprint that choose the register */

int records_init(struct records *r, uint32_t nr)
{
	*r = (struct records){ .nr = nr, .list = calloc(nr, sizeof(*r->list)) };
	return r->list ? 0 : -ENOMEM;
}

void records_fini(struct records *r)
{
	if (r->list)
		explicit_bzero(r->list, r->nr * sizeof(*r->list));
	free(r->list);
	r->list = NULL;
}

static struct sketch *set_of(const struct records *r, uint64_t key)
{
	return &r->list[(key >> 16) & (r->nr - 1) & ~(uint64_t)(WAYS - 1)];
}

static struct sketch *find(const struct records *r, uint64_t key)
{
	struct sketch *set = set_of(r, key);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return &set[i];
	return NULL;
}

static struct sketch *make(struct records *r, uint64_t key)
{
	struct sketch *set = set_of(r, key), *oldest = set;

	for (unsigned i = 0; i < WAYS && oldest->key; i++)
		if (!set[i].key || set[i].used < oldest->used)
			oldest = &set[i];
	r->evicted += oldest->key != 0;
	memset(oldest, 0, sizeof(*oldest));
	oldest->key = key;
	oldest->zeros = SKETCH_REGISTERS;
	oldest->sum = (uint64_t)SKETCH_REGISTERS << PART;
	return oldest;
}

void records_add(struct records *r, uint64_t key, uint64_t print)
{
	struct sketch *s;
	uint8_t *reg, rank;

	key |= 1;
	s = find(r, key);
	if (!s)
		s = make(r, key);
	s->used = ++r->additions;
	reg = &s->registers[print & (SKETCH_REGISTERS - 1)];
	rank = (uint8_t)(1 + __builtin_clzll(print | ((1u << BITS) - 1)));
	if (rank > PART)
		rank = PART;
	if (rank <= *reg)
		return;
	s->zeros -= !*reg;
	s->sum -= (uint64_t)1 << (PART - *reg);
	s->sum += (uint64_t)1 << (PART - rank);
	*reg = rank;
}

uint32_t records_count(const struct records *r, uint64_t key)
{
	static const double m = SKETCH_REGISTERS;
	const struct sketch *s = find(r, key | 1);
	double n;

	if (!s)
		return 0;
	n = 0.7213 / (1 + 1.079 / m) * m * m / ((double)s->sum / (double)((uint64_t)1 << PART));
	if (n <= 2.5 * m && s->zeros)
		n = m * log(m / s->zeros);
	return (uint32_t)(n + 0.5);
}

void records_drop(struct records *r, uint64_t key)
{
	struct sketch *s = find(r, key | 1);

	if (s)
		s->key = 0;
}

void records_forget(struct records *r)
{
	for (uint32_t i = 0; i < r->nr; i++)
		r->list[i].key = 0;
}
