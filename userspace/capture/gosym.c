/* SPDX-License-Identifier: Apache-2.0 */
/* gosym.c - Go's table of functions, .gopclntab. It begins with
 *
 *	magic u32, 0, 0, unit of code (1), size of a pointer (8), functions u64
 *	since 1.16: files u64; since 1.18: begin of the code u64 (unused since 1.26);
 *	offsets of names, units, files, positions, functions, u64 each
 *
 * and holds, in order of address, {where u64, description u64} a function, since 1.18 u32
 * each, and one more that ends the last. A description begins with where, of the same size,
 * and the offset i32 of the name. All of it is what a file says: each offset is checked
 * against the size of the table.
 *
 * Source: Go's src/internal/abi/symtab.go and src/debug/gosym/pclntab.go, 1.2 to 1.27. */
#include "capture/gosym.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/elf.h"

#define WINDOW 16384
#define NAME_MAX_ 128
#define HEADER_MIN 16
enum { MAGIC_12 = 0xfb, MAGIC_116 = 0xfa, MAGIC_118 = 0xf0, MAGIC_120 = 0xf1 };	/* of fffffffb ... */

/* A part of the file that is read forwards, mostly. */
struct window {
	uint64_t at;
	size_t have;
	uint8_t bytes[WINDOW];
};

struct table {
	const struct elf_image *elf;
	uint64_t offset, size;	/* in the file */
	uint64_t nr, names, functions, base;	/* base: what descriptions are counted from */
	struct go_text text;
	struct window entries, descriptions, strings;
};

/* The bytes at an offset of the table: at least n, else NULL. */
static const uint8_t *look(const struct table *t, struct window *w, uint64_t at, size_t n)
{
	if (at > t->size || n > t->size - at)
		return NULL;
	if (at < w->at || at - w->at > w->have || n > w->have - (at - w->at)) {
		w->at = at;
		w->have = elf_read(t->elf, t->offset + at, w->bytes, t->size - at < WINDOW ? (size_t)(t->size - at) : WINDOW);
	}
	return n <= w->have ? w->bytes + (at - w->at) : NULL;
}

static bool number(const struct table *t, struct window *w, uint64_t at, size_t size, uint64_t *out)
{
	const uint8_t *p = look(t, w, at, size);

	*out = 0;
	if (p)
		memcpy(out, p, size);
	return p != NULL;
}

static bool is_head(const uint8_t *p)
{
	static const uint8_t rest[] = { 0xff, 0xff, 0xff, 0, 0, 1, 8 };

	return !memcmp(p + 1, rest, sizeof(rest)) &&
	       (p[0] == MAGIC_12 || p[0] == MAGIC_116 || p[0] == MAGIC_118 || p[0] == MAGIC_120);
}

/* Without section headers the table is found by how it begins; with the next number small
 * enough, no other eight bytes that are aligned look like it. */
static bool search(struct table *t)
{
	struct window *w = &t->entries;
	uint64_t at = 0;

	while ((w->have = elf_read(t->elf, at, w->bytes, WINDOW)) >= HEADER_MIN) {
		for (size_t i = 0; i + HEADER_MIN <= w->have; i += 8) {
			uint64_t nr;

			memcpy(&nr, w->bytes + i + 8, sizeof(nr));
			if (!is_head(w->bytes + i) || !nr || nr > GO_FUNCTIONS_MAX)
				continue;
			t->offset = at + i;
			t->size = ELF_FILE_MAX - t->offset;
			return true;
		}
		at += WINDOW - HEADER_MIN + 8;
	}
	return false;
}

/* What follows the magic, which is `kind`. */
static bool read_head(struct table *t, uint8_t kind)
{
	struct window *w = &t->entries;

	t->functions = 16;
	t->text.relative = kind == MAGIC_118 || kind == MAGIC_120;
	if (!number(t, w, 8, 8, &t->nr))
		return false;
	if (kind == MAGIC_116 && (!number(t, w, 24, 8, &t->names) || !number(t, w, 56, 8, &t->functions)))
		return false;
	if (t->text.relative && (!number(t, w, 24, 8, &t->text.begin) || !number(t, w, 32, 8, &t->names) ||
				 !number(t, w, 64, 8, &t->functions)))
		return false;
	t->base = kind == MAGIC_12 ? 0 : t->functions;
	return t->nr <= GO_FUNCTIONS_MAX && t->names <= t->size && t->functions <= t->size;
}

static int open_table(struct table *t)
{
	static const char *const sections[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	const uint8_t *head;
	bool found = false;

	for (size_t i = 0; !found && i < sizeof(sections) / sizeof(sections[0]); i++)
		found = elf_section(t->elf, sections[i], &t->offset, &t->size);
	if (!found && (!elf_note(t->elf, "Go") || !search(t)))
		return -ENOENT;
	t->entries.have = 0;
	head = look(t, &t->entries, 0, HEADER_MIN);
	return head && is_head(head) && read_head(t, head[0]) ? 0 : -ENOTSUP;
}

/* The i-th function: where it is, where it ends, its name. */
static bool entry(struct table *t, uint64_t i, struct go_function *f, char name[NAME_MAX_])
{
	size_t size = t->text.relative ? 4 : 8;
	uint64_t at = t->functions + i * 2 * size, end, description, string;
	const uint8_t *p;
	size_t n;

	if (!number(t, &t->entries, at, size, &f->at) || !number(t, &t->entries, at + size, size, &description) ||
	    !number(t, &t->entries, at + 2 * size, size, &end) || end < f->at || description > t->size ||
	    !number(t, &t->descriptions, t->base + description + size, 4, &string))
		return false;
	f->size = end - f->at;
	at = t->names + string;
	n = at < t->size && t->size - at < NAME_MAX_ ? (size_t)(t->size - at) : NAME_MAX_;
	p = look(t, &t->strings, at, n);
	if (!p)
		return false;
	memcpy(name, p, n);
	name[n - 1] = 0;
	return true;
}

int go_find(const struct elf_image *e, struct go_function *wanted, unsigned nr, struct go_text *text)
{
	struct table *t = calloc(1, sizeof(*t));
	char name[NAME_MAX_];
	unsigned found = 0;
	int err;

	for (unsigned k = 0; k < nr; k++)
		wanted[k].at = wanted[k].size = 0;
	if (!t)
		return -ENOENT;
	t->elf = e;
	err = open_table(t);
	for (uint64_t i = 0; !err && found < nr && i < t->nr; i++) {
		struct go_function f;

		if (!entry(t, i, &f, name)) {
			err = -ENOTSUP;
			break;
		}
		for (unsigned k = 0; k < nr; k++)
			if (!wanted[k].size && !strcmp(name, wanted[k].name)) {
				wanted[k].at = f.at;
				wanted[k].size = f.size;
				found += f.size > 0;
			}
	}
	*text = t->text;
	free(t);
	return err;
}
