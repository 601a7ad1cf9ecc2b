/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - UTC in milliseconds, CLOCK_BOOTTIME in nanoseconds, and between them. */
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H
#include <stdint.h>
#define UTC_SIZE 25
uint64_t clock_utc_ms(void);
uint64_t clock_boot_ns(void);
uint64_t clock_boot_to_utc_ms(uint64_t boot_ns);	/* by today's offset, or the replay's */
/* For replay: CLOCK_BOOTTIME 0 was at this UTC on the machine of the recording, and both
 * clocks stand at boot_ns until the next call. Zeros: this machine's clocks again. */
void clock_set_replay(uint64_t utc_ms_at_boot, uint64_t boot_ns);
void clock_format(char out[UTC_SIZE], uint64_t utc_ms);	/* "2026-11-24T08:49:00.123Z" */
int clock_parse(const char *, uint64_t *utc_ms);	/* that, date only, or without fraction; -EINVAL */
#endif
