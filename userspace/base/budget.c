/* SPDX-License-Identifier: Apache-2.0 */
#include "base/budget.h"

#include <stdlib.h>

#define OVERHEAD 16	/* of malloc, for each piece */

static size_t used, max;
static uint64_t refused;

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

uint64_t budget_refused(void)
{
	return refused;
}

bool budget_take(size_t size)
{
	if (max && (used > max || size > max - used || OVERHEAD > max - used - size)) {
		refused++;
		return false;
	}
	used += size + OVERHEAD;
	return true;
}

void budget_give(size_t size)
{
	used -= size + OVERHEAD;
}

static void *taken(void *p, size_t size)
{
	if (!p) {
		budget_give(size);
		refused++;
	}
	return p;
}

void *budget_alloc(size_t size)
{
	return budget_take(size) ? taken(calloc(1, size), size) : NULL;
}

void *budget_room(size_t size)
{
	return budget_take(size) ? taken(malloc(size), size) : NULL;
}

void budget_free(void *p, size_t size)
{
	if (!p)
		return;
	budget_give(size);
	free(p);
}
