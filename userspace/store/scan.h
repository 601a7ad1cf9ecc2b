/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - one pass over a ledger on the disk, which holds leaves, tiles and every
 * signed checkpoint against each other. The writer's start and the offline verifier are
 * this same pass, so that what one accepts the other does. Changes nothing. Private to
 * store/. */
#ifndef WEIR_SCAN_H
#define WEIR_SCAN_H
#include "store/leaves.h"
#include "store/merkle.h"
#include "store/note.h"

/* covered: the last checkpoint signs it. */
struct scan_leaf { uint64_t index, offset; const char *json; size_t len; bool covered; };

#define TILE_LEVELS 8	/* of 256 each: more leaves than can be counted */

struct scan {
	/* What is asked. */
	const struct ledger_io *io;
	int dir;			/* STATE/ledger */
	const struct note_key *key;	/* who must have signed */
	bool every_signature;		/* of `checkpoints` too; their roots are always checked */
	const struct checkpoint *pin;	/* known elsewhere: must be a prefix; or NULL */
	int (*leaf)(void *owner, const struct scan_leaf *);	/* above 0 refuses, -errno fails */
	void *owner;

	/* What was found. */
	bool empty;			/* no checkpoint, no leaf: a log that never began */
	struct checkpoint last;		/* the last signed one */
	struct merkle tree;		/* of all whole leaves, signed or not */
	uint64_t signed_end, end, size;	/* bytes of leaves: signed, whole, all */
	uint64_t checkpoints;		/* that were checked */
	uint64_t history_end;		/* bytes of whole notes in `checkpoints` */
	uint64_t history_size;		/* bytes of all of it */
	bool history_has_last;
	uint64_t tile_missing;		/* the first full tile that is not there */
	char why[256];

	/* The pass itself. */
	struct window leaves, history;
	int leaves_fd, history_fd;
	struct checkpoint next;		/* of `checkpoints`, the one that comes */
	bool has_next;
	uint64_t good_size, good_end;	/* where a root last agreed */
	uint64_t tile_bad_leaf, tile_bad_offset;	/* first leaf that differs from its tile; UINT64_MAX */
	uint8_t tile[TILE_SIZE];
	bool has_tile;
	/* Of each level the tile that is filling: what weir does not write, but may find, is held against it. */
	struct { struct merkle part; uint8_t hash[TILE_SIZE]; } above[TILE_LEVELS];
	char above_bad[200];		/* the first that differs; "": none */
	char *note;			/* the file `checkpoint` */
	size_t note_len;
};
/* Fills all of it. LEDGER_OK, or why says what and where. */
enum ledger_error scan_run(struct scan *);
void scan_fini(struct scan *);
#endif
