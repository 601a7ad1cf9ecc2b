/* SPDX-License-Identifier: Apache-2.0 */
/* mapping.h - tells of each executable mapping of a file that any process makes: a program at
 * exec, a library when it is loaded, however late and by whatever call. By the kernel's own
 * PERF_RECORD_MMAP2: measured 0.9 us for such a mapping, 0.5 us for another of a file, 0.15 us
 * for one of memory, and nothing for any other system call; a hook at system call exit, of
 * mmap alone too, would make every call of every process slower. */
#ifndef WEIR_MAPPING_H
#define WEIR_MAPPING_H
#include <stddef.h>
#include <stdint.h>

/* As the kernel names the file: on overlay and btrfs stat shows another device. */
struct mapping {
	uint32_t tgid, major, minor;
	uint64_t start, end, ino, generation;
	const char *path;	/* as the process sees it; of an unlinked file its last, with " (deleted)" */
};
struct mappings;
/* NULL and a reason: not allowed here. */
struct mappings *mappings_new(char *why, size_t why_size);
void mappings_free(struct mappings *);
void mappings_drain(struct mappings *, void (*take)(void *owner, const struct mapping *), void *owner);
uint64_t mappings_lost(const struct mappings *);	/* there was no room for so many */
/* One record of the kernel's; anything but a mapping is passed over. */
void mapping_record(const void *record, size_t len, void (*take)(void *owner, const struct mapping *), void *owner);
#endif
