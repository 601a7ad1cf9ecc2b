/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - holds leaves, tiles and checkpoints against each other in one pass.
 *
 * Where a root does not agree, the fault lies between the last checkpoint that did and
 * this one; a full tile names the very leaf. The order in which the three files are
 * looked at lets the pass run beside a weir that is writing: see snapshot(). */
#include "store/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAVES_ROOM	262144	/* bytes read at once */
#define SNAPSHOT_TRIES	50

static enum ledger_error refuse(struct scan *s, enum ledger_error err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum ledger_error refuse(struct scan *s, enum ledger_error err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	return err;
}

static enum ledger_error refuse_io(struct scan *s, const char *name, int err)
{
	return refuse(s, LEDGER_IO, "cannot read ledger/%s: %s", name, strerror(-err));
}

/* The files as they are at one moment. */

static void file_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A file that is not there is an empty one: *fd is -1 then. */
static int file_open(struct scan *s, const char *name, int *fd, uint64_t *size)
{
	struct stat st;
	int new = io_open(s->io, s->dir, name, O_RDONLY);

	file_close(fd);
	*size = 0;
	if (new < 0)
		return new == -ENOENT ? 0 : new;
	if (fstat(new, &st)) {
		close(new);
		return -EIO;
	}
	*size = (uint64_t)st.st_size;
	*fd = new;
	return 0;
}

/* `checkpoint` is renamed first, then appended to `checkpoints`, and leaves are on the
 * disk before either. So with `checkpoint` the same before and after `checkpoints` was
 * measured, nothing in there may be newer, and the leaves measured last hold both. */
static enum ledger_error snapshot(struct scan *s)
{
	ssize_t n = io_read_file(s->io, s->dir, "checkpoint", s->note, NOTE_MAX), again;
	char *copy = malloc(NOTE_MAX);
	int err = copy ? 0 : -ENOMEM;

	for (int i = 0; !err && i < SNAPSHOT_TRIES; i++) {
		if (n < 0 && n != -ENOENT)
			break;
		err = file_open(s, "checkpoints", &s->history_fd, &s->history_size);
		again = io_read_file(s->io, s->dir, "checkpoint", copy, NOTE_MAX);
		if (again == n && (n < 0 || !memcmp(copy, s->note, (size_t)n)))
			break;
		n = again;
		memcpy(s->note, copy, again > 0 ? (size_t)again : 0);
	}
	free(copy);
	if (err)
		return refuse_io(s, "checkpoints", err);
	if (n < 0 && n != -ENOENT)
		return refuse_io(s, "checkpoint", (int)n);
	s->note_len = n < 0 ? 0 : (size_t)n;
	s->empty = n < 0;
	err = file_open(s, "leaves", &s->leaves_fd, &s->size);
	return err ? refuse_io(s, "leaves", err) : LEDGER_OK;
}

/* No checkpoint: right only for a log that never began, for the first one, of size 0,
 * is signed before the first leaf is written. */
static enum ledger_error check_empty(struct scan *s)
{
	int tiles = io_exists(s->io, s->dir, "tile");

	if (tiles < 0)
		return refuse_io(s, "tile", tiles);
	if (s->history_size || s->size || tiles)
		return refuse(s, LEDGER_INTEGRITY, "ledger/checkpoint is missing, but %s: it was removed",
			      s->size ? "ledger/leaves holds leaves" : tiles ? "ledger/tile is there" :
			      "ledger/checkpoints holds signed ones");
	return LEDGER_OK;
}

/* Checkpoints. */

static enum ledger_error check_note(struct scan *s, const char *note, size_t len, const char *where, uint64_t at,
				    bool signature, struct checkpoint *c)
{
	enum note_status status;
	size_t text = 0;

	if (signature) {
		status = note_verify(s->key, note, len, &text);
	} else {
		const char *blank = memmem(note, len, "\n\n", 2);

		text = blank ? (size_t)(blank - note) + 1 : 0;
		status = NOTE_OK;
	}
	if (status == NOTE_UNSIGNED)
		return refuse(s, LEDGER_FOREIGN, "%s at byte %" PRIu64 ": not signed by the key %.100s (%02x%02x%02x%02x)", where, at,
			      s->key->name, s->key->id[0], s->key->id[1], s->key->id[2], s->key->id[3]);
	if (status == NOTE_FORGED)
		return refuse(s, LEDGER_INTEGRITY, "%s at byte %" PRIu64 ": the signature does not fit: "
			      "the text or the signature was changed", where, at);
	if (status == NOTE_MALFORMED || checkpoint_parse(c, note, text))
		return refuse(s, LEDGER_INTEGRITY, "%s at byte %" PRIu64 ": not a signed checkpoint", where, at);
	if (strcmp(c->origin, s->key->name))
		return refuse(s, LEDGER_FOREIGN, "%s at byte %" PRIu64 ": of the log %.90s, not of %.90s", where, at, c->origin,
			      s->key->name);
	return LEDGER_OK;
}

/* What is left of `checkpoints` after its last whole note can only be the beginning of
 * `checkpoint`: its append was interrupted. Anything else was not written by weir. */
static enum ledger_error check_torn_history(struct scan *s)
{
	const char *rest = NULL;
	size_t len = 0;

	window_rest(&s->history, &rest, &len);
	if (len < s->note_len && !memcmp(rest, s->note, len))
		return LEDGER_OK;
	return refuse(s, LEDGER_INTEGRITY, "ledger/checkpoints at byte %" PRIu64 ": not a signed checkpoint: it was changed",
		      s->history.offset);
}

static enum ledger_error history_step(struct scan *s)
{
	uint64_t at = s->history.offset, before = s->has_next ? s->next.size : 0;
	const char *note = NULL;
	size_t len = 0;
	enum piece piece = s->history_fd >= 0 ? note_next(&s->history, &note, &len) : PIECE_END;
	enum ledger_error err;

	s->has_next = false;
	s->history_end = at;
	if (piece == PIECE_ERROR)
		return refuse_io(s, "checkpoints", s->history.err);
	if (piece == PIECE_TORN || piece == PIECE_BAD)
		return check_torn_history(s);
	if (piece == PIECE_END)
		return LEDGER_OK;
	err = check_note(s, note, len, "ledger/checkpoints", at, s->every_signature, &s->next);
	if (err)
		return err;
	if (s->next.size > s->last.size)
		return refuse(s, LEDGER_INTEGRITY, "ledger/checkpoint signs %" PRIu64 " leaves, but %" PRIu64 " were signed before "
			      "(ledger/checkpoints at byte %" PRIu64 "): it was rolled back", s->last.size, s->next.size, at);
	if (s->next.size < before)
		return refuse(s, LEDGER_INTEGRITY, "ledger/checkpoints at byte %" PRIu64 ": size %" PRIu64 " after %" PRIu64
			      ": out of order", at, s->next.size, before);
	s->has_next = true;
	s->history_has_last = s->next.size == s->last.size;
	s->history_end = s->history.offset;
	s->checkpoints++;
	return LEDGER_OK;
}

static enum ledger_error refuse_root(struct scan *s, const char *what)
{
	uint64_t end = s->leaves.offset;

	if (s->tile_bad_leaf != UINT64_MAX)
		return refuse(s, LEDGER_INTEGRITY, "ledger/leaves: leaf %" PRIu64 " at byte %" PRIu64 " is not the one that was signed: "
			      "changed, removed or moved", s->tile_bad_leaf, s->tile_bad_offset);
	if (s->good_size >= s->tree.size)
		return refuse(s, LEDGER_INTEGRITY, "%s: its root of %" PRIu64 " leaves is not the root of the leaves", what, s->tree.size);
	return refuse(s, LEDGER_INTEGRITY, "ledger/leaves: leaves %" PRIu64 " to %" PRIu64 " (bytes %" PRIu64 " to %" PRIu64
		      ") are not what %s signs: changed, removed or moved", s->good_size, s->tree.size - 1, s->good_end, end, what);
}

static enum ledger_error check_root(struct scan *s, const struct checkpoint *c, const char *what)
{
	uint8_t root[MERKLE_HASH];

	merkle_root(&s->tree, root);
	if (memcmp(root, c->root, sizeof(root)))
		return refuse_root(s, what);
	s->good_size = s->tree.size;
	s->good_end = s->leaves.offset;
	return LEDGER_OK;
}

/* Tiles: hashes of 256 leaves each, written after the checkpoint that covers them. */

/* A tile ahead of the checkpoint: right only if weir is running and has gone on. */
static bool checkpoint_went_on(struct scan *s, uint64_t size)
{
	struct checkpoint now = { .size = 0 };
	char *note = malloc(NOTE_MAX);
	ssize_t n = note ? io_read_file(s->io, s->dir, "checkpoint", note, NOTE_MAX) : -ENOMEM;
	size_t text = 0;
	bool ok = n > 0 && note_verify(s->key, note, (size_t)n, &text) == NOTE_OK && !checkpoint_parse(&now, note, text) &&
		  now.size >= size;

	free(note);
	return ok;
}

static enum ledger_error tile_load(struct scan *s)
{
	uint64_t n = s->tree.size / TILE_WIDTH;
	char path[TILE_PATH_SIZE];
	bool covered = s->last.size - s->tree.size >= TILE_WIDTH;
	uint8_t bytes[TILE_SIZE + 1];
	ssize_t len;

	tile_path(path, 0, n);
	len = io_read_file(s->io, s->dir, path, bytes, sizeof(bytes));
	s->has_tile = false;
	if (len == -ENOENT) {
		if (covered && s->tile_missing == UINT64_MAX)
			s->tile_missing = n;
		return LEDGER_OK;
	}
	if (len < 0 && len != -EFBIG)
		return refuse_io(s, path, (int)len);
	if (!covered && checkpoint_went_on(s, s->tree.size + TILE_WIDTH))
		return LEDGER_OK;
	if (!covered)
		return refuse(s, LEDGER_INTEGRITY, "ledger/checkpoint signs %" PRIu64 " leaves, but ledger/%s holds the hashes of signed "
			      "leaves up to %" PRIu64 ": it was rolled back", s->last.size, path, s->tree.size + TILE_WIDTH - 1);
	if (len != TILE_SIZE)
		return refuse(s, LEDGER_INTEGRITY, "ledger/%s is not %u bytes long: it was changed; it can be made again: move it away "
			      "and start weir", path, TILE_SIZE);
	memcpy(s->tile, bytes, TILE_SIZE);
	s->has_tile = true;
	return LEDGER_OK;
}

static void tile_compare(struct scan *s, uint64_t offset, const uint8_t hash[MERKLE_HASH])
{
	const uint8_t *want = s->tile + s->tree.size % TILE_WIDTH * MERKLE_HASH;

	if (!s->has_tile || s->tile_bad_leaf != UINT64_MAX || !memcmp(want, hash, MERKLE_HASH))
		return;
	s->tile_bad_leaf = s->tree.size;
	s->tile_bad_offset = offset;
}

/* The length of a tile of a level above, or -errno; bytes has room for one byte too many. */
static ssize_t above_read(struct scan *s, unsigned level, uint64_t n, char path[TILE_PATH_SIZE], uint8_t bytes[TILE_SIZE + 1])
{
	ssize_t len;

	tile_path(path, level, n);
	len = io_read_file(s->io, s->dir, path, bytes, TILE_SIZE + 1);
	return len == -EFBIG ? TILE_SIZE + 1 : len;
}

/* A tile above the leaves is full: is there one on the disk, it is this one. Told in the end: while a root
 * may still disagree, it may be the leaves that were changed. */
static enum ledger_error above_full(struct scan *s, unsigned level)
{
	uint64_t each = (uint64_t)1 << 8 * level, n = s->tree.size / each / TILE_WIDTH - 1, first;
	uint8_t bytes[TILE_SIZE + 1];
	char path[TILE_PATH_SIZE];
	ssize_t len;
	unsigned i = 0;

	if (s->tree.size > s->last.size || s->above_bad[0])
		return LEDGER_OK;
	len = above_read(s, level, n, path, bytes);
	if (len == -ENOENT)
		return LEDGER_OK;
	if (len < 0)
		return refuse_io(s, path, (int)len);
	if (len != TILE_SIZE) {
		snprintf(s->above_bad, sizeof(s->above_bad), "ledger/%s is not %u bytes long", path, TILE_SIZE);
		return LEDGER_OK;
	}
	while (i < TILE_WIDTH && !memcmp(bytes + i * MERKLE_HASH, s->above[level].hash + i * MERKLE_HASH, MERKLE_HASH))
		i++;
	first = (n * TILE_WIDTH + i) * each;
	if (i < TILE_WIDTH)
		snprintf(s->above_bad, sizeof(s->above_bad), "ledger/%s: hash %u is not that of leaves %" PRIu64 " to %" PRIu64 ", which are as signed",
			 path, i, first, first + each - 1);
	return LEDGER_OK;
}

static enum ledger_error above_add(struct scan *s, const uint8_t leaf[MERKLE_HASH])
{
	enum ledger_error err = LEDGER_OK;
	uint8_t node[MERKLE_HASH];

	memcpy(node, leaf, sizeof(node));
	for (unsigned level = 0; !err && level < TILE_LEVELS; level++) {
		struct merkle *part = &s->above[level].part;

		memcpy(s->above[level].hash + part->size * MERKLE_HASH, node, sizeof(node));
		merkle_add(part, node);
		if (part->size < TILE_WIDTH)
			break;
		err = level ? above_full(s, level) : LEDGER_OK;
		merkle_root(part, node);
		part->size = 0;
	}
	return err;
}

static enum ledger_error above_end(struct scan *s)
{
	uint8_t bytes[TILE_SIZE + 1];
	char path[TILE_PATH_SIZE];

	if (s->above_bad[0])
		return refuse(s, LEDGER_INTEGRITY, "%s: weir writes no such tile and needs none: find out who did, and move it away", s->above_bad);
	for (unsigned level = 1; level < TILE_LEVELS; level++) {
		uint64_t width = (uint64_t)1 << 8 * level, n = s->last.size / width / TILE_WIDTH;
		ssize_t len = above_read(s, level, n, path, bytes);

		if (len < 0 && len != -ENOENT)
			return refuse_io(s, path, (int)len);
		if (len >= 0 && (level + 1 == TILE_LEVELS || !checkpoint_went_on(s, (n + 1) * width * TILE_WIDTH)))
			return refuse(s, LEDGER_INTEGRITY, "ledger/%s holds the hashes of more leaves than the %" PRIu64 " that ledger/checkpoint signs: "
				      "the log was rolled back, or weir did not write it", path, s->last.size);
	}
	return LEDGER_OK;
}

/* All that was signed at the size that the pass has reached. */
static enum ledger_error check_reached(struct scan *s)
{
	enum ledger_error err = LEDGER_OK;

	while (!err && s->has_next && s->next.size == s->tree.size) {
		err = check_root(s, &s->next, "ledger/checkpoints");
		if (!err)
			err = history_step(s);
	}
	if (!err && s->tree.size == s->last.size) {
		err = check_root(s, &s->last, "ledger/checkpoint");
		s->signed_end = s->leaves.offset;
	}
	if (!err && s->tree.size % TILE_WIDTH == 0 && s->tree.size <= s->last.size)
		err = tile_load(s);
	if (!err && s->pin && s->pin->size == s->tree.size) {
		uint8_t root[MERKLE_HASH];

		merkle_root(&s->tree, root);
		if (memcmp(root, s->pin->root, sizeof(root)))
			err = refuse(s, LEDGER_INTEGRITY, "the checkpoint known elsewhere, of %" PRIu64 " leaves (to byte %" PRIu64
				     "), is no beginning of this log: it was written anew", s->pin->size, s->leaves.offset);
	}
	return err;
}

/* Leaves. */

static enum ledger_error take_leaf(struct scan *s, uint64_t offset, const char *json, size_t len)
{
	struct scan_leaf leaf = { s->tree.size, offset, json, len, s->tree.size < s->last.size };
	uint8_t hash[MERKLE_HASH];
	enum ledger_error err;
	int said;

	merkle_leaf(hash, json, len);
	tile_compare(s, offset, hash);
	said = s->leaf ? s->leaf(s->owner, &leaf) : 0;
	if (said < 0)
		return refuse_io(s, "leaves", said);
	if (said)
		return refuse(s, LEDGER_INTEGRITY, "ledger/leaves: leaf %" PRIu64 " at byte %" PRIu64 " was refused", leaf.index, offset);
	merkle_add(&s->tree, hash);
	s->end = s->leaves.offset;
	err = above_add(s, hash);
	return err ? err : check_reached(s);
}

static enum ledger_error refuse_short(struct scan *s, enum piece piece)
{
	static const char *const how[] = {
		[PIECE_OK] = "that leaf is no JSON object",
		[PIECE_END] = "the file ends there: its tail was removed",
		[PIECE_TORN] = "the file ends inside that leaf: its tail was removed",
		[PIECE_BAD] = "no leaf has this length: bytes were changed or removed",
	};

	return refuse(s, LEDGER_INTEGRITY, "ledger/checkpoint signs %" PRIu64 " leaves, but whole ones are there only up to %" PRIu64
		      " (byte %" PRIu64 "); %s", s->last.size, s->tree.size, s->end, how[piece]);
}

static enum ledger_error read_leaves(struct scan *s)
{
	enum ledger_error err = check_reached(s);
	enum piece piece = PIECE_END;

	while (!err && s->leaves_fd >= 0) {
		uint64_t offset = s->leaves.offset;
		const char *json = NULL;
		size_t len = 0;

		piece = leaf_next(&s->leaves, &json, &len);
		/* Beyond the last checkpoint only the looks can tell a leaf from what a
		 * power failure left in the blocks. */
		if (piece != PIECE_OK || (s->tree.size >= s->last.size && !leaf_shape(json, len)))
			break;
		err = take_leaf(s, offset, json, len);
	}
	if (!err && piece == PIECE_ERROR)
		err = refuse_io(s, "leaves", s->leaves.err);
	if (!err && s->tree.size < s->last.size)
		err = refuse_short(s, piece);
	return err;
}

static enum ledger_error scan_open(struct scan *s)
{
	enum ledger_error err;

	s->tile_missing = s->tile_bad_leaf = UINT64_MAX;
	s->leaves_fd = s->history_fd = -1;
	s->note = malloc(NOTE_MAX);
	if (!s->note)
		return refuse(s, LEDGER_IO, "no memory");
	err = snapshot(s);
	if (err)
		return err;
	if (window_init(&s->leaves, s->io, s->leaves_fd, s->size, LEAVES_ROOM) ||
	    window_init(&s->history, s->io, s->history_fd, s->history_size, NOTE_MAX))
		return refuse(s, LEDGER_IO, "no memory");
	if (s->empty)
		return check_empty(s);
	return check_note(s, s->note, s->note_len, "ledger/checkpoint", 0, true, &s->last);
}

enum ledger_error scan_run(struct scan *s)
{
	enum ledger_error err = scan_open(s);

	if (err || s->empty)
		return err;
	if (s->pin && s->pin->size > s->last.size)
		return refuse(s, LEDGER_INTEGRITY, "ledger/checkpoint signs %" PRIu64 " leaves, but %" PRIu64 " are known elsewhere: the log "
			      "was cut or rolled back", s->last.size, s->pin->size);
	err = history_step(s);
	if (!err)
		err = read_leaves(s);
	if (!err && s->tile_bad_leaf != UINT64_MAX)
		err = refuse(s, LEDGER_INTEGRITY, "ledger/tile/0: the hash of leaf %" PRIu64 " is not that of the leaf, which is as signed: the "
			     "tile was changed; it can be made again: move the tile folder away and start weir", s->tile_bad_leaf);
	if (!err)
		err = above_end(s);
	if (!err && !s->history_has_last)
		s->checkpoints++;
	return err;
}

void scan_fini(struct scan *s)
{
	window_fini(&s->leaves);
	window_fini(&s->history);
	file_close(&s->leaves_fd);
	file_close(&s->history_fd);
	free(s->note);
	s->note = NULL;
}
