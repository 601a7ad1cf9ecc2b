/* SPDX-License-Identifier: Apache-2.0 */
/* returns.c - every RET of a function, for languages in which a return probe breaks the
 * stack. All of the function must be understood: one that was taken for data would be
 * missed, one that is data would break the watched process. So the walk has to end exactly
 * at the end, and every jump has to lead to the beginning of an instruction of the same
 * function. */
#include <stdlib.h>
#include <string.h>

#include "capture/elf.h"
#include "capture/tls/tls.h"

#define CODE_MAX 32768	/* bytes of one function */
enum { PADDING = 0xcc, RETURN = 0xc3, CALL = 0xe8 };

struct walk {
	uint8_t code[CODE_MAX];
	bool start[CODE_MAX];	/* an instruction begins here */
	size_t size;
};

/* Where the jump at `at` leads, n bytes long, relative to the function; false: it is no
 * jump, or one through a register or a table. */
static bool jump_target(const uint8_t *code, size_t at, size_t n, int64_t *target)
{
	uint8_t op = code[at];
	int32_t rel;

	if (op == 0xeb || (op >= 0x70 && op <= 0x7f)) {
		*target = (int64_t)(at + n) + (int8_t)code[at + n - 1];
		return true;
	}
	if (op != 0xe9 && !(op == 0x0f && code[at + 1] >= 0x80 && code[at + 1] <= 0x8f))
		return false;
	memcpy(&rel, code + at + n - sizeof(rel), sizeof(rel));
	*target = (int64_t)(at + n) + rel;
	return true;
}

/* Marks where instructions begin; false: one is not known. */
static bool walk_through(struct walk *w)
{
	size_t at = 0, n;

	while (at < w->size && w->code[at] != PADDING) {
		n = site_insn_len(w->code + at, w->size - at);
		/* A RET with a prefix or an operand is none that a compiler of Go makes. */
		if (!n || (n == 2 && w->code[at + 1] == RETURN && (w->code[at] == 0xf2 || w->code[at] == 0xf3)))
			return false;
		w->start[at] = true;
		at += n;
	}
	while (at < w->size && w->code[at] == PADDING)
		at++;
	return at == w->size;
}

static unsigned walk_returns(const struct walk *w, uint64_t address, uint64_t found[], unsigned max)
{
	unsigned nr = 0;

	for (size_t at = 0; at < w->size; at++) {
		int64_t target;

		if (!w->start[at])
			continue;
		if (jump_target(w->code, at, site_insn_len(w->code + at, w->size - at), &target) &&
		    (target < 0 || target >= (int64_t)w->size || !w->start[target]))
			return 0;
		if (w->code[at] != RETURN)
			continue;
		if (nr == max)
			return 0;
		found[nr++] = address + at;
	}
	return nr;
}

unsigned site_returns(const struct elf_image *e, uint64_t address, uint64_t size, uint64_t found[], unsigned max)
{
	struct walk *w = size && size <= CODE_MAX ? calloc(1, sizeof(*w)) : NULL;
	unsigned nr = 0;

	if (!w)
		return 0;
	w->size = size;
	if (elf_code(e, address, w->code, size) == size && walk_through(w))
		nr = walk_returns(w, address, found, max);
	free(w);
	return nr;
}
