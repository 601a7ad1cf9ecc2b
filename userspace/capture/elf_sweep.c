/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/elf_sweep.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/elf.h"

#define WINDOW (40960u * sizeof(Elf64_Sym))	/* so that no symbol and no relocation lies across two */
_Static_assert(sizeof(Elf64_Sym) == sizeof(Elf64_Rela), "one window for both");

/* Goes through `size` bytes of the file at `offset`. */
static int sweep(const struct elf_image *e, uint64_t offset, uint64_t size, uint64_t address, size_t after, elf_window window,
		 void *owner)
{
	uint8_t *bytes = malloc(WINDOW + ELF_AFTER_MAX);

	if (!bytes)
		return -ENOMEM;
	for (uint64_t at = 0; at < size; at += WINDOW) {
		uint64_t left = size - at;
		size_t want = left < WINDOW + after ? (size_t)left : WINDOW + after, have = elf_read(e, offset + at, bytes, want);

		if (have)
			window(owner, bytes, have, have < WINDOW ? have : WINDOW, address + at);
		if (have < want)
			break;	/* the file ends before it says so */
	}
	free(bytes);
	return 0;
}

int elf_sweep(const struct elf_image *e, enum elf_sweep what, size_t after, elf_window window, void *owner)
{
	uint64_t left = ELF_FILE_MAX;	/* a file may claim to be loaded many times over */
	const struct elf_segment *s;
	int err = 0;

	for (unsigned i = 0; !err && after <= ELF_AFTER_MAX && (s = elf_segment(e, i)); i++) {
		if (!s->code && what != ELF_ALL)
			continue;
		if (s->size > left)
			break;
		left -= s->size;
		err = sweep(e, s->offset, s->size, s->address, after, window, owner);
	}
	return err;
}

/* Names first, then the symbols that bear them: neither table is ever in memory whole. */
#define NAME_BYTES 256
struct names {
	const char *const *words;
	struct { uint32_t text; uint32_t word; } name[ELF_NAMES];	/* in order of text */
	unsigned nr;
	const struct elf_image *elf;
	const struct elf_symtab *table;
	elf_named found;
	void *owner;
};

static void names_window(void *owner, const uint8_t *bytes, size_t len, size_t fresh, uint64_t address)
{
	struct names *n = owner;
	size_t at = 0;

	while (at < fresh && n->nr < ELF_NAMES) {
		const uint8_t *end = memchr(bytes + at, 0, len - at);
		size_t size = (end ? (size_t)(end - bytes) : len) - at;

		for (unsigned w = 0; size && n->words[w]; w++)
			if (memmem(bytes + at, size, n->words[w], strlen(n->words[w]))) {
				n->name[n->nr].text = (uint32_t)(address + at);
				n->name[n->nr++].word = w;
				break;
			}
		at += size + 1;
	}
}

static void symbols_window(void *owner, const uint8_t *bytes, size_t len, size_t fresh, uint64_t address)
{
	struct names *n = owner;

	(void)address;
	for (size_t at = 0; at < fresh && len - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
		char name[NAME_BYTES] = "";
		unsigned low = 0, high = n->nr;
		Elf64_Sym s;

		memcpy(&s, bytes + at, sizeof(s));
		if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || s.st_shndx == SHN_UNDEF || !s.st_value)
			continue;
		while (low < high) {
			unsigned mid = (low + high) / 2;

			if (n->name[mid].text < s.st_name)
				low = mid + 1;
			else
				high = mid;
		}
		if (low == n->nr || n->name[low].text != s.st_name)
			continue;
		elf_read(n->elf, n->table->text_offset + s.st_name, name, sizeof(name) - 1);
		n->found(n->owner, n->name[low].word, name, s.st_value);
	}
}

int elf_names(const struct elf_image *e, const char *const *words, elf_named found, void *owner)
{
	struct names *n = calloc(1, sizeof(*n));
	struct elf_symtab table;
	int err = n ? 0 : -ENOMEM;

	for (unsigned i = 0; !err && elf_symtab(e, i, &table); i++) {
		if (table.text_size > UINT32_MAX)
			continue;
		*n = (struct names){ .words = words, .elf = e, .table = &table, .found = found, .owner = owner };
		err = sweep(e, table.text_offset, table.text_size, 0, ELF_AFTER_MAX, names_window, n);
		if (!err && n->nr)
			err = sweep(e, table.offset, table.size, 0, 0, symbols_window, n);
	}
	free(n);
	return err;
}

struct slots { uint64_t target, *slots; size_t nr, max; };

static void slots_window(void *owner, const uint8_t *bytes, size_t len, size_t fresh, uint64_t address)
{
	struct slots *s = owner;

	(void)address;
	for (size_t at = 0; at < fresh && len - at >= sizeof(Elf64_Rela) && s->nr < s->max; at += sizeof(Elf64_Rela)) {
		Elf64_Rela r;

		memcpy(&r, bytes + at, sizeof(r));
		if (ELF64_R_TYPE(r.r_info) == R_X86_64_RELATIVE && (uint64_t)r.r_addend == s->target)
			s->slots[s->nr++] = r.r_offset;
	}
}

size_t elf_slots(const struct elf_image *e, uint64_t target, uint64_t *slots, size_t max)
{
	struct slots s = { target, slots, 0, max };
	uint64_t offset, size;

	for (unsigned i = 0; elf_relocations(e, i, &offset, &size); i++)
		if (sweep(e, offset, size, 0, 0, slots_window, &s))
			break;
	return s.nr;
}
