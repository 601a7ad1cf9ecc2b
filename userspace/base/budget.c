/* SPDX-License-Identifier: Apache-2.0 */
#include "base/budget.h"

#include <stdlib.h>

#define OVERHEAD 16	/* of malloc, for each piece */

/* What was given back last of sizes that malloc merges with their neighbours and cuts out of them again: an exchange, a
 * tree of values. */
#define KEPT 4
#define KEPT_FROM 1024
#define KEPT_TO 16384

static size_t used, max;
uint64_t budget_refusals;
static struct { void *ptr; size_t size; } kept[KEPT];
static unsigned kept_next;
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)	/* which is to see who uses one too late */
static bool keeps;
#else
static bool keeps = true;
#endif

void budget_set(size_t bytes)
{
	max = bytes;
}

size_t budget_max(void)
{
	return max;
}

size_t budget_used(void)
{
	return used;
}

bool budget_take(size_t size)
{
	if (max && (used > max || size > max - used || OVERHEAD > max - used - size)) {
		budget_refusals++;
		return false;
	}
	used += size + OVERHEAD;
	return true;
}

void budget_give(size_t size)
{
	used -= size + OVERHEAD;
}

void budget_keep(bool on)
{
	for (unsigned i = 0; i < KEPT; i++) {
		if (kept[i].size)
			free(kept[i].ptr);
		kept[i].size = 0;
	}
	keeps = on;
}

static void *kept_take(size_t size)
{
	for (unsigned i = 0; i < KEPT; i++)
		if (kept[i].size == size) {
			kept[i].size = 0;
			return kept[i].ptr;
		}
	return NULL;
}

/* In place of one that nobody has asked for since. */
static void keep(void *p, size_t size)
{
	unsigned i = 0;

	while (i < KEPT && kept[i].size)
		i++;
	if (i == KEPT) {
		i = kept_next++ % KEPT;
		free(kept[i].ptr);
	}
	kept[i].ptr = p;
	kept[i].size = size;
}

static void *taken(void *p, size_t size)
{
	if (!p) {
		budget_give(size);
		budget_refusals++;
	}
	return p;
}

void *budget_alloc(size_t size)
{
	return budget_take(size) ? taken(calloc(1, size), size) : NULL;
}

void *budget_room(size_t size)
{
	void *p;

	if (!budget_take(size))
		return NULL;
	p = keeps && size > KEPT_FROM ? kept_take(size) : NULL;
	return p ? p : taken(malloc(size), size);
}

void budget_free(void *p, size_t size)
{
	if (!p)
		return;
	budget_give(size);
	if (keeps && size > KEPT_FROM && size <= KEPT_TO)
		keep(p, size);
	else
		free(p);
}
