/* SPDX-License-Identifier: Apache-2.0 */
/* elf.h - the little of an ELF file that is needed to place a probe: exported symbols,
 * code bytes, build id. Through libelf; everything the file says is capped and checked. */
#ifndef WEIR_ELF_H
#define WEIR_ELF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_FILE_MAX ((uint64_t)512 << 20)
#define ELF_SYMBOLS_MAX 1000000
#define ELF_SECTIONS_MAX 4096

struct elf_image;
struct elf_image *elf_open(int fd);	/* NULL: not an x86-64 ELF file within the caps */
void elf_close(struct elf_image *);
void elf_build_id(const struct elf_image *, char hex[41]);
bool elf_section(const struct elf_image *, const char *name, uint64_t *offset, uint64_t *size);
bool elf_note(const struct elf_image *, const char *owner);	/* is there a note of this owner */
uint64_t elf_symbol(const struct elf_image *, const char *name);	/* address of a defined function, 0: none */
uint64_t elf_offset(const struct elf_image *, uint64_t address);	/* in the file, 0: not in a loaded segment */
/* Copies code at an address; returns the bytes that are there, at most size. */
size_t elf_code(const struct elf_image *, uint64_t address, uint8_t *out, size_t size);
/* The words of a writable data section as the loader leaves them: addresses of the file's own
 * are link-time addresses. Returns how many were copied, at most max; *address: of the first. */
size_t elf_words(const struct elf_image *, const char *section, uint64_t *out, size_t max, uint64_t *address);
/* The same of anything that is loaded, code or not. */
size_t elf_bytes(const struct elf_image *, uint64_t address, uint8_t *out, size_t size);

/* For elf_sweep.c: what is loaded, and where the symbols are. NULL, false: no such one. */
struct elf_segment { uint64_t address, offset, size; bool code; };
struct elf_symtab { uint64_t offset, size, text_offset, text_size; };	/* of Elf64_Sym, and of their names */
const struct elf_segment *elf_segment(const struct elf_image *, unsigned);
bool elf_symtab(const struct elf_image *, unsigned, struct elf_symtab *);
bool elf_relocations(const struct elf_image *, unsigned, uint64_t *offset, uint64_t *size);	/* of Elf64_Rela */
size_t elf_read(const struct elf_image *, uint64_t offset, void *out, size_t size);
#endif
