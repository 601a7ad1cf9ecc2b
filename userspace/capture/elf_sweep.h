/* SPDX-License-Identifier: Apache-2.0 */
/* elf_sweep.h - going through all of a large file in little memory: a browser's program
 * has 300 MB, and the scanner may grow by 64. */
#ifndef WEIR_ELF_SWEEP_H
#define WEIR_ELF_SWEEP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image;

/* A piece of what is loaded at `address`: `len` bytes, of which the first `fresh` begin
 * something that was not shown before. Those after them are there to end it. */
typedef void (*elf_window)(void *owner, const uint8_t *bytes, size_t len, size_t fresh, uint64_t address);
enum elf_sweep { ELF_ALL, ELF_CODE };
/* 0, or -ENOMEM. `after`: how long what is looked for may be, at most ELF_AFTER_MAX. */
#define ELF_AFTER_MAX 4096
int elf_sweep(const struct elf_image *, enum elf_sweep, size_t after, elf_window, void *owner);

/* Each defined function whose name holds words[i], ended by a NULL. A name is cut at 255
 * bytes; at most ELF_NAMES of them are looked for. 0, or -ENOMEM. */
#define ELF_NAMES 1024
typedef void (*elf_named)(void *owner, unsigned word, const char *name, uint64_t address);
int elf_names(const struct elf_image *, const char *const *words, elf_named, void *owner);

/* Words of data that the loader fills with this address: through them a call goes that the
 * linker did not make direct. Returns how many were put into `slots`, at most max. */
size_t elf_slots(const struct elf_image *, uint64_t target, uint64_t *slots, size_t max);
#endif
