/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/combine.h"

#include "model/class_rules.h"

static uint32_t generation;
static bool wanted, known, partner[CLASS_ROWS];

/* Asked for every hit: worked out once for what is in use. */
static void look(void)
{
	if (known && generation == classify_generation)
		return;
	known = true;
	wanted = false;
	generation = classify_generation;
	for (unsigned id = 0; id < CLASS_ROWS; id++)
		partner[id] = false;
	for (unsigned id = 0; id < class_count(); id++) {
		const struct class_rule *c = class_row(id)->user;

		for (size_t i = 0; c && i < c->nr_with; i++)
			wanted = partner[c->with[i]] = true;
	}
}

bool combine_wanted(void)
{
	look();
	return wanted;
}

bool combine_waits(unsigned class_id)
{
	const struct class_row *row = class_row(class_id);

	return row && row->user && row->user->nr_with;
}

bool combine_partner(unsigned class_id)
{
	look();
	return partner[class_id];
}

void combine_field(struct combine *c, uint32_t field, uint64_t object)
{
	c->field = field;
	c->object = object;
}

/* Do a, of a class with a condition, and b fulfil it? */
static bool fulfils(const struct class_rule *rule, const struct combine_hit *a, const struct combine_hit *b)
{
	bool is_partner = false;

	for (size_t i = 0; i < rule->nr_with; i++)
		is_partner |= rule->with[i] == b->class_id;
	if (!is_partner)
		return false;
	if (!rule->within)
		return a->object == b->object;
	return (a->field > b->field ? a->field - b->field : b->field - a->field) <= rule->within;
}

int combine_take(struct combine *c, unsigned class_id, bool *lost)
{
	const struct class_rule *rule = class_row(class_id)->user;	/* of a class that is looked for */
	struct combine_hit hit = { .field = c->field, .class_id = (uint8_t)class_id, .used = 1, .object = c->object };
	unsigned slot = c->next_slot;
	bool stands = !rule || !rule->nr_with;

	*lost = false;
	for (unsigned i = 0; i < COMBINE_SEEN && !stands; i++)
		stands = c->seen[i].used && fulfils(rule, &hit, &c->seen[i]);
	look();
	if (partner[class_id])
		c->seen[c->next_seen++ % COMBINE_SEEN] = hit;
	if (stands)
		return COMBINE_STANDS;
	for (unsigned i = 0; i < COMBINE_SLOTS && c->slot[slot % COMBINE_SLOTS].used; i++)
		slot++;
	slot %= COMBINE_SLOTS;
	*lost = c->slot[slot].used;
	c->slot[slot] = hit;
	c->next_slot = slot + 1;
	return (int)slot;
}

uint32_t combine_frees(struct combine *c, unsigned class_id)
{
	const struct combine_hit hit = { .field = c->field, .class_id = (uint8_t)class_id, .used = 1, .object = c->object };
	uint32_t bits = 0;

	look();
	for (unsigned i = 0; i < COMBINE_SLOTS && partner[class_id]; i++) {
		const struct class_rule *rule = c->slot[i].used ? class_row(c->slot[i].class_id)->user : NULL;

		if (!rule || !fulfils(rule, &c->slot[i], &hit))
			continue;
		c->slot[i].used = 0;
		bits |= 1u << i;
	}
	return bits;
}
