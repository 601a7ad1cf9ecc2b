/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tls/code.h"

#include <errno.h>
#include <string.h>

#include "capture/elf.h"
#include "capture/elf_sweep.h"
#include "capture/tls/tls.h"

/* Past the prefixes, and REX: what kind of instruction it is. */
static size_t opcode_at(const struct code *c, size_t at, uint8_t *rex)
{
	*rex = 0;
	while (c->bytes[at] == 0x66 || c->bytes[at] == 0xf2 || c->bytes[at] == 0xf3 || c->bytes[at] == 0x2e || c->bytes[at] == 0x3e)
		at++;
	if ((c->bytes[at] & 0xf0) == 0x40)
		*rex = c->bytes[at++];
	return at;
}

static uint64_t relative(const struct code *c, size_t at, size_t len, size_t size)
{
	int32_t rel = 0;

	if (size == 1)
		rel = (int8_t)c->bytes[at + len - 1];
	else
		memcpy(&rel, c->bytes + at + len - 4, sizeof(rel));
	return c->start + at + len + (uint64_t)(int64_t)rel;
}

enum code_kind code_kind(const struct code *c, size_t at, size_t len, uint64_t *target)
{
	uint8_t rex;
	size_t o = opcode_at(c, at, &rex);
	uint8_t op = c->bytes[o], second = o + 1 < at + len ? c->bytes[o + 1] : 0;

	*target = 0;
	if (op >= 0x70 && op <= 0x7f) {
		*target = relative(c, at, len, 1);
		return CODE_BRANCH;
	}
	if (op == 0x0f && second >= 0x80 && second <= 0x8f) {
		*target = relative(c, at, len, 4);
		return CODE_BRANCH;
	}
	if (op == 0xe8 || op == 0xe9 || op == 0xeb) {
		*target = relative(c, at, len, op == 0xeb ? 1 : 4);
		return op == 0xe8 ? CODE_CALL : CODE_JUMP;
	}
	if (op == 0xff && (second >> 3 & 7) == 2)
		return CODE_CALL;
	if (op == 0xff && (second >> 3 & 7) == 4)
		return CODE_JUMP;
	return op == 0xc3 || (op == 0x0f && second == 0x0b) ? CODE_END : CODE_PLAIN;
}

bool code_walk(const struct elf_image *e, uint64_t start, uint64_t next, struct code *c, code_visit visit, void *owner)
{
	size_t have = elf_code(e, start, c->bytes, sizeof(c->bytes)), at = 0, furthest = 0, n;
	bool over = false;	/* nothing goes on from the instruction before */

	c->start = start;
	c->len = 0;
	while (at < have) {
		enum code_kind kind;
		uint64_t target;

		if ((over && at > furthest) || (at && start + at == next))
			return true;
		n = site_insn_len(c->bytes + at, have - at);
		/* Padding behind a call that does not return. */
		if (!n && c->bytes[at] == 0xcc && at > furthest && at)
			return true;
		if (!n)
			return false;
		c->len = at + n;
		visit(owner, c, at, n);
		kind = code_kind(c, at, n, &target);
		/* Cold parts may lie far away; they come back to what is seen here. */
		if ((kind == CODE_BRANCH || kind == CODE_JUMP) && target > start && target < next && target - start < have &&
		    target - start > furthest)
			furthest = (size_t)(target - start);
		over = kind == CODE_JUMP || kind == CODE_END;
		at += n;
	}
	return false;
}

bool code_stores(const struct code *c, size_t at, size_t len)
{
	uint8_t rex;
	size_t o = opcode_at(c, at, &rex), m = o + 1;
	uint8_t op = c->bytes[o], mod, base;
	bool store = op == 0x88 || op == 0x89 || op == 0xc6 || op == 0xc7 || (op < 0x38 && (op & 7) < 2);

	if (op == 0x0f) {
		op = c->bytes[m++];
		store = op == 0x11 || op == 0x29 || op == 0x7f || op == 0xd6;
	}
	if (m >= at + len)
		return false;
	if (op == 0x80 || op == 0x81 || op == 0x83)
		store = (c->bytes[m] >> 3 & 7) != 7;
	mod = c->bytes[m] >> 6;
	base = c->bytes[m] & 7;
	if (!store || mod == 3)
		return false;
	if (base == 4)	/* the byte behind has it */
		base = c->bytes[++m] & 7;
	if (rex & 1 || base < 4 || base > 5 || (base == 5 && !mod))
		return true;
	/* Not by the stack pointer, nor below the frame pointer. */
	return base == 5 && !(c->bytes[m + (mod == 1 ? 1 : 4)] & 0x80);
}

unsigned code_argument(const struct code *c, size_t at, size_t len, uint32_t *value)
{
	static const uint8_t by_register[16] = { [7] = 1, [6] = 2, [2] = 3, [1] = 4, [8] = 5, [9] = 6 };
	uint8_t rex;
	size_t o = opcode_at(c, at, &rex);

	if ((c->bytes[o] & 0xf8) != 0xb8 || len != o - at + 5)
		return 0;
	memcpy(value, c->bytes + o + 1, sizeof(*value));
	return by_register[(c->bytes[o] & 7) | (rex & 1) << 3];
}

/* Sweeps. */

/* The first that is not below. */
static size_t lower(const uint64_t *sorted, size_t nr, uint64_t value)
{
	size_t a = 0, b = nr;

	while (a < b) {
		size_t mid = (a + b) / 2;

		if (sorted[mid] < value)
			a = mid + 1;
		else
			b = mid;
	}
	return a;
}

static bool among(const uint64_t *sorted, size_t nr, uint64_t low, uint64_t high)
{
	size_t at = lower(sorted, nr, low);

	return at < nr && sorted[at] <= high;
}

bool code_refs_have(const struct code_refs *r, uint64_t address)
{
	return among(r->at, r->nr, address, address);
}

bool code_refs_add(struct code_refs *r, uint64_t address)
{
	size_t at = lower(r->at, r->nr, address);

	if (at < r->nr && r->at[at] == address)
		return true;
	if (r->nr == r->max)
		return false;
	/* Few come out of order. qsort would ask the system how much memory there is. */
	memmove(r->at + at + 1, r->at + at, (r->nr - at) * sizeof(*r->at));
	r->at[at] = address;
	r->nr++;
	return true;
}

struct sweep {
	const struct code_refs *near;
	uint64_t range;
	struct code_refs *out;
	bool full;
};

/* lea disp(%rip),%rcx; mov $imm32,%ecx; mov $imm32,%rcx: the last two in a program that is
 * not position-independent. */
static void refs_window(void *owner, const uint8_t *p, size_t len, size_t fresh, uint64_t address)
{
	struct sweep *s = owner;

	for (size_t i = 0; i < fresh && len - i >= 8; i++) {
		uint64_t target = 0;
		int32_t v;

		if (p[i] == 0x48 && p[i + 1] == 0x8d && p[i + 2] == 0x0d) {
			memcpy(&v, p + i + 3, sizeof(v));
			target = address + i + 7 + (uint64_t)(int64_t)v;
		} else if (p[i] == 0xb9) {
			memcpy(&v, p + i + 1, sizeof(v));
			target = (uint32_t)v;
		} else if (p[i] == 0x48 && p[i + 1] == 0xc7 && p[i + 2] == 0xc1) {
			memcpy(&v, p + i + 3, sizeof(v));
			target = (uint64_t)(int64_t)v;
		} else {
			continue;
		}
		if (target && code_refs_have(s->near, target))
			s->full |= !code_refs_add(s->out, address + i);
	}
}

int code_refs_to(const struct elf_image *e, const struct code_refs *wanted, struct code_refs *out)
{
	struct sweep s = { .near = wanted, .out = out };
	int err = elf_sweep(e, ELF_CODE, 16, refs_window, &s);

	return err ? err : s.full ? -E2BIG : 0;
}

static void calls_window(void *owner, const uint8_t *p, size_t len, size_t fresh, uint64_t address)
{
	struct sweep *s = owner;
	uint64_t first = s->near->at[0], low = first > s->range ? first - s->range : 0, high = s->near->at[s->near->nr - 1] + s->range;
	const uint8_t *at = p, *end = p + fresh;

	while ((at = memchr(at, 0xe8, (size_t)(end - at))) && (size_t)(p + len - at) >= 5) {
		uint64_t target;
		int32_t v;

		memcpy(&v, at + 1, sizeof(v));
		target = address + (uint64_t)(at - p) + 5 + (uint64_t)(int64_t)v;
		/* Functions are aligned; bytes that only look like a call are not so lucky. */
		if (!(target & 15) && target >= low && target <= high &&
		    among(s->near->at, s->near->nr, target > s->range ? target - s->range : 0, target + s->range))
			s->full |= !code_refs_add(s->out, target);
		at++;
	}
}

int code_called_near(const struct elf_image *e, const struct code_refs *near, uint64_t range, struct code_refs *out)
{
	struct sweep s = { .near = near, .range = range, .out = out };
	int err;

	if (!near->nr || near->at[near->nr - 1] > UINT64_MAX - 2 * range)
		return -ENOENT;
	err = elf_sweep(e, ELF_CODE, 16, calls_window, &s);
	return err ? err : s.full ? -E2BIG : 0;
}
