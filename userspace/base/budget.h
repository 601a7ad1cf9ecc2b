/* SPDX-License-Identifier: Apache-2.0 */
/* budget.h - the memory a role may take for what others make it grow: one sum for the
 * whole process, as its address space is. Whoever is refused treats its table as full and
 * counts that; nobody ends. Without a limit it only adds up. */
#ifndef WEIR_BUDGET_H
#define WEIR_BUDGET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void budget_set(size_t bytes);	/* 0: no limit */
size_t budget_max(void);
size_t budget_used(void);
extern uint64_t budget_refusals;
static inline uint64_t budget_refused(void)	/* how often memory was asked for in vain */
{
	return budget_refusals;
}
/* Zeroed memory; NULL: over the budget, or none to be had. */
void *budget_alloc(size_t size);
void *budget_room(size_t size);	/* not zeroed: for what is filled before it is read */
void budget_free(void *, size_t size);	/* the size that was asked for; NULL is fine */
/* Whether a few pieces that were given back wait for who asks for such a one next; they do, but for tests. */
void budget_keep(bool);
/* The same for memory that is had in another way. */
bool budget_take(size_t size);
void budget_give(size_t size);
#endif
