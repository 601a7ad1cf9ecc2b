/* SPDX-License-Identifier: Apache-2.0 */
/* code.h - functions of a program that has no symbols. Where they begin is known from
 * the calls that lead there; where they end, and that nothing was misread on the way,
 * from walking them instruction by instruction. What cannot be decoded is refused. */
#ifndef WEIR_TLS_CODE_H
#define WEIR_TLS_CODE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image;

#define CODE_BYTES 4096	/* longest function that is walked */
struct code {
	uint64_t start;
	size_t len;	/* of the function, once it was walked */
	uint8_t bytes[CODE_BYTES];
};
typedef void (*code_visit)(void *owner, const struct code *, size_t at, size_t len);
/* Shows each instruction in turn. `next`: where the following function begins, UINT64_MAX:
 * not known. false: it could not be decoded to its end. */
bool code_walk(const struct elf_image *, uint64_t start, uint64_t next, struct code *, code_visit, void *owner);

/* Of one instruction. */
enum code_kind { CODE_PLAIN, CODE_BRANCH, CODE_JUMP, CODE_CALL, CODE_END };
enum code_kind code_kind(const struct code *, size_t at, size_t len, uint64_t *target);	/* *target 0: not direct */
bool code_stores(const struct code *, size_t at, size_t len);	/* to memory that is not the function's own stack */
/* mov $imm32 to an argument register, 1..6; 0: it is another instruction. */
unsigned code_argument(const struct code *, size_t at, size_t len, uint32_t *value);

/* Addresses, sorted and without repeats. */
struct code_refs { uint64_t *at; size_t nr, max; };
bool code_refs_add(struct code_refs *, uint64_t address);	/* false: no room */
bool code_refs_have(const struct code_refs *, uint64_t address);
/* Of code that loads one of `wanted` into the fourth argument register, and of what is
 * called directly within `range` of `near`. 0, -ENOMEM, -E2BIG: more than there is room for. */
int code_refs_to(const struct elf_image *, const struct code_refs *wanted, struct code_refs *);
int code_called_near(const struct elf_image *, const struct code_refs *near, uint64_t range, struct code_refs *);
#endif
