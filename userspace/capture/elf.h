/* SPDX-License-Identifier: Apache-2.0 */
/* elf.h - the little of an ELF file that is needed to place a probe: exported symbols,
 * code bytes, build id. Through libelf; everything the file says is capped and checked. */
#ifndef WEIR_ELF_H
#define WEIR_ELF_H
#include <stddef.h>
#include <stdint.h>

#define ELF_FILE_MAX ((uint64_t)512 << 20)
#define ELF_SYMBOLS_MAX 1000000
#define ELF_SECTIONS_MAX 4096

struct elf_image;
struct elf_image *elf_open(int fd);	/* NULL: not an x86-64 ELF file within the caps */
void elf_close(struct elf_image *);
void elf_build_id(const struct elf_image *, char hex[41]);
uint64_t elf_symbol(const struct elf_image *, const char *name);	/* address of a defined function, 0: none */
uint64_t elf_offset(const struct elf_image *, uint64_t address);	/* in the file, 0: not in a loaded segment */
/* Copies code at an address; returns the bytes that are there, at most size. */
size_t elf_code(const struct elf_image *, uint64_t address, uint8_t *out, size_t size);
/* The words of a writable data section as the loader leaves them: addresses of the file's own
 * are link-time addresses. Returns how many were copied, at most max; *address: of the first. */
size_t elf_words(const struct elf_image *, const char *section, uint64_t *out, size_t max, uint64_t *address);
#endif
