/* SPDX-License-Identifier: Apache-2.0 */
/* leaves.h - reads the two append-only files of a ledger piece by piece: leaves
 * (u16be length, bytes) and checkpoints (signed notes one after the other). What lies on
 * the disk is hostile input: every length is checked, nothing grows. Private to store/. */
#ifndef WEIR_LEAVES_H
#define WEIR_LEAVES_H
#include "store/ledger_io.h"

struct window { const struct ledger_io *io; int fd; uint64_t offset, size; uint8_t *buf; size_t room, have, pos; int err; };
enum piece { PIECE_OK, PIECE_END, PIECE_TORN, PIECE_BAD, PIECE_ERROR };

/* fd stays the caller's. size: bytes of the file that count, so that what a running
 * weir appends meanwhile does not. 0 or -ENOMEM. */
int window_init(struct window *, const struct ledger_io *, int fd, uint64_t size, size_t room);
void window_fini(struct window *);
/* The next leaf or note; valid until the next call. offset then is that of the next one.
 * PIECE_TORN: the file ends inside; PIECE_BAD: no writer of ours wrote this length, or no
 * note ends within NOTE_MAX; both leave offset at the piece. PIECE_ERROR: see err. */
enum piece leaf_next(struct window *, const char **json, size_t *len);
enum piece note_next(struct window *, const char **note, size_t *len);
/* What a torn tail of notes consists of. */
void window_rest(struct window *, const char **ptr, size_t *len);
/* A leaf is a JSON object by its looks: braces around it, no control characters. */
bool leaf_shape(const char *json, size_t len);
#endif
