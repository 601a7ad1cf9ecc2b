/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - bytes from the ring -> a validated chunk. The first code that looks at
 * them, in the role that holds no privilege: lengths, kinds and enums are checked, and
 * what does not fit is undecodable, never an error. */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H
#include <stddef.h>
#include <stdint.h>
#include "model/facts.h"

struct chunk;
struct siphash_key;
struct wire_life;
struct wire_who;
/* 0 and calls push with the chunk (valid during the call), or -EBADMSG. */
int record_visit(const void *record, size_t len, void (*push)(void *owner, const struct chunk *), void *owner);
/* The exact bytes of a record: a ring reservation is larger than what it carries. 0: not a data record. */
size_t record_size(const void *record, size_t len);
#define RECORD_MAX	32768	/* bytes of any record, with room to spare */
uint32_t record_epoch(const void *record, size_t len);
/* What it carries, under a key: the same bytes again have the same signature, whatever the
 * connection and the end of it at which they were seen. */
uint64_t record_signature(const struct siphash_key *, const void *record, size_t len);
uint32_t record_payload(const void *record, size_t len);	/* bytes of the call it tells of that no other record has */
uint64_t record_time(const void *record, size_t len);	/* 0: not a data record */
enum loss record_loss(uint8_t reason);	/* of an enum wire_reason; LOSS_NONE: it is none */
bool record_cut(uint8_t plain_known);	/* WIRE_PLAIN_*: the session's last write was cut */
void record_conn(struct conn_facts *, const struct wire_who *, uint16_t flags);
#endif
