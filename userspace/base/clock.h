/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - UTC in milliseconds, CLOCK_BOOTTIME in nanoseconds, and between them. */
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H
#include <stdbool.h>
#include <stdint.h>
#define UTC_SIZE 25
uint64_t clock_utc_ms(void);
uint64_t clock_boot_ns(void);
uint64_t clock_boot_to_utc_ms(uint64_t boot_ns);	/* by today's offset, or the replay's */
/* For replay: CLOCK_BOOTTIME 0 was at this UTC on the machine of the recording, and both
 * clocks stand at boot_ns until the next call. Zeros: this machine's clocks again. */
void clock_set_replay(uint64_t utc_ms_at_boot, uint64_t boot_ns);
/* The wall clock against CLOCK_BOOTTIME, from look to look: finds steps, not slewing. */
#define CLOCK_STEP_MS 1000
struct clock_watch { int64_t offset_ms; bool known; };	/* UTC less boot time, as last seen */
/* True when it was set meanwhile: from is what it would say now, to what it says. */
bool clock_stepped(struct clock_watch *, uint64_t *from_ms, uint64_t *to_ms);
void clock_format(char out[UTC_SIZE], uint64_t utc_ms);	/* "2026-11-24T08:49:00.123Z" */
/* The date of days since 1970-01-01, proleptic Gregorian: gmtime_r would read the time zone
 * files, which the sandboxed roles cannot open. */
void clock_civil(int64_t days, int *year, unsigned *month, unsigned *day);
int clock_parse(const char *, uint64_t *utc_ms);	/* that, date only, or without fraction; -EINVAL */
#endif
