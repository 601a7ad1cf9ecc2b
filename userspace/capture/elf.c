/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/elf.h"

#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

#define SEGMENTS_MAX 64
#define NOTES_MAX 4096

struct elf_image {
	Elf *elf;
	int fd;
	struct elf_segment segments[SEGMENTS_MAX];
	unsigned nr_segments;
};

static void segments_read(struct elf_image *e)
{
	size_t nr = 0;

	if (elf_getphdrnum(e->elf, &nr))
		return;
	for (size_t i = 0; i < nr && e->nr_segments < SEGMENTS_MAX; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(e->elf, (int)i, &p) || p.p_type != PT_LOAD || !(p.p_flags & PF_R))
			continue;
		if (p.p_offset > ELF_FILE_MAX || p.p_filesz > ELF_FILE_MAX || p.p_vaddr > UINT64_MAX - p.p_filesz)
			continue;
		e->segments[e->nr_segments++] = (struct elf_segment){ p.p_vaddr, p.p_offset, p.p_filesz, p.p_flags & PF_X };
	}
}

struct elf_image *elf_open(int fd)
{
	struct elf_image *e = calloc(1, sizeof(*e));
	GElf_Ehdr head;
	struct stat st;

	if (!e || fstat(fd, &st) || (uint64_t)st.st_size > ELF_FILE_MAX || elf_version(EV_CURRENT) == EV_NONE)
		goto fail;
	e->fd = fd;
	e->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!e->elf || elf_kind(e->elf) != ELF_K_ELF || !gelf_getehdr(e->elf, &head))
		goto fail;
	if (head.e_machine != EM_X86_64 || gelf_getclass(e->elf) != ELFCLASS64 || head.e_shnum > ELF_SECTIONS_MAX)
		goto fail;
	segments_read(e);
	if (e->nr_segments)
		return e;
fail:
	elf_close(e);
	return NULL;
}

void elf_close(struct elf_image *e)
{
	if (!e)
		return;
	elf_end(e->elf);
	free(e);
}

static bool build_id_of(Elf_Data *data, char hex[41])
{
	GElf_Nhdr note;
	size_t at = 0, name, desc, next;

	while (data && (next = gelf_getnote(data, at, &note, &name, &desc)) > at) {
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz && note.n_descsz <= 20 &&
		    desc <= data->d_size && note.n_descsz <= data->d_size - desc && !memcmp((char *)data->d_buf + name, "GNU", 4)) {
			hex_encode(hex, (uint8_t *)data->d_buf + desc, note.n_descsz);
			return true;
		}
		at = next;
	}
	return false;
}

void elf_build_id(const struct elf_image *e, char hex[41])
{
	Elf_Scn *s = NULL;
	GElf_Shdr head;

	hex[0] = 0;
	while ((s = elf_nextscn(e->elf, s)))
		if (gelf_getshdr(s, &head) && head.sh_type == SHT_NOTE && head.sh_size < 65536 &&
		    build_id_of(elf_getdata(s, NULL), hex))
			return;
}

bool elf_section(const struct elf_image *e, const char *name, uint64_t *offset, uint64_t *size)
{
	Elf_Scn *s = NULL;
	GElf_Shdr head;
	size_t names;

	if (elf_getshdrstrndx(e->elf, &names))
		return false;
	while ((s = elf_nextscn(e->elf, s))) {
		const char *text = gelf_getshdr(s, &head) ? elf_strptr(e->elf, names, head.sh_name) : NULL;

		if (!text || strcmp(text, name) || head.sh_type == SHT_NOBITS)
			continue;
		*offset = head.sh_offset;
		*size = head.sh_size;
		return head.sh_offset <= ELF_FILE_MAX && head.sh_size <= ELF_FILE_MAX;
	}
	return false;
}

static bool note_in(const uint8_t *bytes, size_t have, const char *owner)
{
	size_t len = strlen(owner) + 1, at = 0;	/* Go writes one zero more */
	GElf_Nhdr note;

	while (have - at >= sizeof(note) + len) {
		uint64_t next;

		memcpy(&note, bytes + at, sizeof(note));
		if (note.n_namesz >= len && note.n_namesz <= len + 1 && !memcmp(bytes + at + sizeof(note), owner, len))
			return true;
		next = sizeof(note) + (((uint64_t)note.n_namesz + 3) & ~3ull) + (((uint64_t)note.n_descsz + 3) & ~3ull);
		if (next > have - at)
			return false;
		at += next;
	}
	return false;
}

bool elf_note(const struct elf_image *e, const char *owner)
{
	uint8_t bytes[NOTES_MAX];
	size_t nr = 0;
	GElf_Phdr p;

	if (elf_getphdrnum(e->elf, &nr))
		return false;
	for (size_t i = 0; i < nr && i < SEGMENTS_MAX; i++)
		if (gelf_getphdr(e->elf, (int)i, &p) && p.p_type == PT_NOTE &&
		    note_in(bytes, elf_read(e, p.p_offset, bytes, p.p_filesz < sizeof(bytes) ? p.p_filesz : sizeof(bytes)), owner))
			return true;
	return false;
}

static uint64_t symbol_in(const struct elf_image *e, Elf_Scn *s, const GElf_Shdr *head, const char *name)
{
	Elf_Data *data = elf_getdata(s, NULL);
	size_t nr = head->sh_entsize ? head->sh_size / head->sh_entsize : 0;

	for (size_t i = 0; data && i < nr && i < ELF_SYMBOLS_MAX; i++) {
		const char *text;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || GELF_ST_TYPE(sym.st_info) != STT_FUNC || sym.st_shndx == SHN_UNDEF)
			continue;
		text = elf_strptr(e->elf, head->sh_link, sym.st_name);
		if (text && !strcmp(text, name))
			return sym.st_value;
	}
	return 0;
}

uint64_t elf_symbol(const struct elf_image *e, const char *name)
{
	Elf_Scn *s = NULL;
	GElf_Shdr head;

	while ((s = elf_nextscn(e->elf, s))) {
		uint64_t at;

		if (!gelf_getshdr(s, &head) || (head.sh_type != SHT_DYNSYM && head.sh_type != SHT_SYMTAB))
			continue;
		at = symbol_in(e, s, &head, name);
		if (at)
			return at;
	}
	return 0;
}

const struct elf_segment *elf_segment(const struct elf_image *e, unsigned i)
{
	return i < e->nr_segments ? &e->segments[i] : NULL;
}

static const struct elf_segment *segment_of(const struct elf_image *e, uint64_t address, bool code)
{
	for (unsigned i = 0; i < e->nr_segments; i++) {
		const struct elf_segment *s = &e->segments[i];

		if ((s->code || !code) && address >= s->address && address - s->address < s->size)
			return s;
	}
	return NULL;
}

uint64_t elf_offset(const struct elf_image *e, uint64_t address)
{
	const struct elf_segment *s = segment_of(e, address, true);

	return s ? s->offset + (address - s->address) : 0;
}

size_t elf_read(const struct elf_image *e, uint64_t offset, void *out, size_t size)
{
	ssize_t n = offset <= ELF_FILE_MAX ? pread(e->fd, out, size, (off_t)offset) : -1;

	return n > 0 ? (size_t)n : 0;
}

static size_t read_in(const struct elf_image *e, const struct elf_segment *s, uint64_t address, uint8_t *out, size_t size)
{
	uint64_t left = s ? s->size - (address - s->address) : 0;

	return s ? elf_read(e, s->offset + (address - s->address), out, size < left ? size : left) : 0;
}

size_t elf_bytes(const struct elf_image *e, uint64_t address, uint8_t *out, size_t size)
{
	return read_in(e, segment_of(e, address, false), address, out, size);
}

size_t elf_code(const struct elf_image *e, uint64_t address, uint8_t *out, size_t size)
{
	return read_in(e, segment_of(e, address, true), address, out, size);
}

bool elf_relocations(const struct elf_image *e, unsigned i, uint64_t *offset, uint64_t *size)
{
	Elf_Scn *s = NULL;
	GElf_Shdr head;

	while ((s = elf_nextscn(e->elf, s))) {
		if (!gelf_getshdr(s, &head) || head.sh_type != SHT_RELA || i--)
			continue;
		*offset = head.sh_offset;
		*size = head.sh_size;
		return true;
	}
	return false;
}

bool elf_symtab(const struct elf_image *e, unsigned i, struct elf_symtab *out)
{
	GElf_Shdr head, strings;
	Elf_Scn *s = NULL;

	while ((s = elf_nextscn(e->elf, s))) {
		Elf_Scn *text;

		if (!gelf_getshdr(s, &head) || (head.sh_type != SHT_DYNSYM && head.sh_type != SHT_SYMTAB) || i--)
			continue;
		text = elf_getscn(e->elf, head.sh_link);
		if (!text || !gelf_getshdr(text, &strings) || strings.sh_type != SHT_STRTAB || head.sh_entsize != sizeof(Elf64_Sym))
			memset(&strings, 0, sizeof(strings));
		*out = (struct elf_symtab){ head.sh_offset, head.sh_size, strings.sh_offset, strings.sh_size };
		return true;
	}
	return false;
}

static Elf_Scn *section_find(const struct elf_image *e, const char *name, GElf_Shdr *head)
{
	Elf_Scn *s = NULL;
	size_t names;

	if (elf_getshdrstrndx(e->elf, &names))
		return NULL;
	while ((s = elf_nextscn(e->elf, s))) {
		const char *text = gelf_getshdr(s, head) ? elf_strptr(e->elf, names, head->sh_name) : NULL;

		if (text && !strcmp(text, name) && head->sh_type == SHT_PROGBITS)
			return s;
	}
	return NULL;
}

/* Only relative ones: a table of the file's own functions needs no other. The packed kind
 * (SHT_RELR) has its addends in the words themselves. */
static void relocations_apply(Elf_Scn *s, const GElf_Shdr *head, uint64_t *out, size_t nr, uint64_t address)
{
	Elf_Data *data = elf_getdata(s, NULL);
	size_t entries = head->sh_entsize ? head->sh_size / head->sh_entsize : 0;

	for (size_t i = 0; data && i < entries && i < ELF_SYMBOLS_MAX; i++) {
		GElf_Rela r;

		if (!gelf_getrela(data, (int)i, &r))
			return;
		if (GELF_R_TYPE(r.r_info) == R_X86_64_RELATIVE && r.r_offset >= address && !((r.r_offset - address) % sizeof(*out)) &&
		    (r.r_offset - address) / sizeof(*out) < nr)
			out[(r.r_offset - address) / sizeof(*out)] = (uint64_t)r.r_addend;
	}
}

size_t elf_words(const struct elf_image *e, const char *section, uint64_t *out, size_t max, uint64_t *address)
{
	GElf_Shdr head, other;
	Elf_Scn *s = section_find(e, section, &head);
	ssize_t n;

	if (!s || head.sh_offset > ELF_FILE_MAX)
		return 0;
	n = pread(e->fd, out, head.sh_size / sizeof(*out) < max ? head.sh_size : max * sizeof(*out), (off_t)head.sh_offset);
	if (n < (ssize_t)sizeof(*out))
		return 0;
	*address = head.sh_addr;
	for (s = NULL; (s = elf_nextscn(e->elf, s));)
		if (gelf_getshdr(s, &other) && other.sh_type == SHT_RELA)
			relocations_apply(s, &other, out, (size_t)n / sizeof(*out), head.sh_addr);
	return (size_t)n / sizeof(*out);
}
