/* SPDX-License-Identifier: Apache-2.0 */
/* recording.h - the .weir format: MessagePack, versioned. A header array
 * ["weir-recording", format, wire version, UTC ms at CLOCK_BOOTTIME 0, kernel], then
 * arrays [kind, bytes]. Holds PAYLOAD: made only by `weir record`, which says so. */
#ifndef WEIR_RECORDING_H
#define WEIR_RECORDING_H
#include <stdint.h>
#include <stdio.h>

#define RECORDING_FORMAT 2	/* changes with any layout of facts */
enum recording_kind { RECORDING_RECORD = 1, RECORDING_FACT = 2, RECORDING_ORDER = 3 };

struct recording_header { uint32_t format, wire; uint64_t utc_at_boot_ms; char kernel[65]; };
int recording_write_header(int fd);	/* 0 or -errno */
int recording_write(int fd, enum recording_kind, const void *, size_t);
/* Calls each entry in order. 0, or -errno and a sentence in why: not a recording, of
 * another version, cut short. Entries before the damage were delivered. */
int recording_read(FILE *, struct recording_header *, int (*entry)(void *owner, enum recording_kind, const void *, size_t),
		   void *owner, char *why, size_t why_size);
#endif
