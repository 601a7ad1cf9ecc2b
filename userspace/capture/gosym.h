/* SPDX-License-Identifier: Apache-2.0 */
/* gosym.h - functions of a Go program by name. They are in the table by which the runtime
 * itself walks stacks, so that they are there in a stripped program too. */
#ifndef WEIR_GOSYM_H
#define WEIR_GOSYM_H
#include <stdbool.h>
#include <stdint.h>

#define GO_FUNCTIONS_MAX 4000000

struct elf_image;
struct go_function {
	const char *name;	/* given: "crypto/tls.(*Conn).Read" */
	uint64_t at, size;	/* found; size 0: there is none of this name */
};
struct go_text {
	bool relative;	/* `at` counts from the begin of Go's code, else it is an address */
	uint64_t begin;	/* of the code, as the table says; 0: it does not */
};
/* 0, -ENOENT: no Go program, -ENOTSUP: one whose table is of a kind that is not known. */
int go_find(const struct elf_image *, struct go_function *, unsigned nr, struct go_text *);
#endif
