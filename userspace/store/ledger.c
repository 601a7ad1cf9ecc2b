/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.c - the writer. Order of a commit, which is what makes it safe:
 *
 *   leaves -> fdatasync -> sign -> checkpoint.tmp -> fsync -> rename -> fsync of the folder
 *   -> append to checkpoints -> full tiles
 *
 * So whatever a checkpoint signs is on the disk, `checkpoint` is never older than
 * `checkpoints`, and no tile is ahead of either. A first checkpoint of size 0 is signed
 * before the first leaf: from then on a missing checkpoint means that it was removed.
 * After any failure the ledger takes nothing more: what the page cache holds after a
 * failed fdatasync proves nothing, so the next start writes unsigned leaves once more. */
#include "store/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "store/ledger_io.h"
#include "store/merkle.h"
#include "store/note.h"
#include "store/scan.h"

#define STRIDE		TILE_WIDTH	/* leaves between two remembered offsets */
#define STRIDES_MAX	(1u << 24)	/* 4 G leaves; 128 MiB of offsets at the very end */
#define RESERVE		(1 << 20)	/* bytes: some 2,000 flows, their books and checkpoints */

struct ledger {
	const struct ledger_io *io;
	int dir, leaves, history;	/* history: the file `checkpoints` */
	struct note_key key;
	char key_id[9], vkey[NOTE_KEY_SIZE];
	bool pub_missing;		/* key.pub is still to be written */
	struct merkle tree;
	uint64_t end, history_end;	/* bytes */
	uint64_t signed_size;
	uint64_t tiles;			/* full ones that are written */
	int failed;			/* -errno of the first failure */
	const char *doing;		/* what is being tried */
	char why[160];			/* of the failure */
	int low;			/* errno for which the reserve was used up */
	uint64_t *offsets;		/* of every STRIDE-th leaf */
	size_t nr_offsets, max_offsets;
	uint64_t at_index, at_offset;	/* where ledger_leaf was last */
	uint8_t frame[2 + LEAF_MAX];
	char leaf[LEAF_MAX + 1];
};

/* Context of one opening: whom to tell. */
struct opening { struct ledger *ledger; enum ledger_error err; char *why; size_t why_size; };

static bool refuse(struct opening *o, enum ledger_error err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static bool refuse(struct opening *o, enum ledger_error err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->why, o->why_size, fmt, ap);
	va_end(ap);
	o->err = err;
	return false;
}

static int fail(struct ledger *l, int err)
{
	if (!l->failed) {
		l->failed = err;
		snprintf(l->why, sizeof(l->why), "cannot %s: %s", l->doing, strerror(-err));
	}
	return err;
}

const char *ledger_failure(const struct ledger *l)
{
	return l->why;
}

int ledger_low(const struct ledger *l)
{
	return l->low;
}

const char *ledger_advice(int err)
{
	switch (err < 0 ? -err : err) {
	case ENOSPC:
		return "make room on the disk of the state folder, then start again: what was signed is safe";
	case EDQUOT:
		return "raise the quota of the keeper's user id on the disk of the state folder, then start again: what was signed is safe";
	case EROFS:
		return "mount the disk of the state folder writable (the kernel's log may say why it is not), then start again: what was "
		       "signed is safe";
	case EIO:
		return "look for the disk in the kernel's log, keep a copy of the state folder, then start again";
	default:
		return "make room or repair the disk of the state folder, then start again";
	}
}

/* Room. A write that was refused for lack of it wrote nothing of what it was asked, so,
 * unlike a failed sync, it may be tried once more. */

static bool no_room(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

static bool reserve_use(struct ledger *l, int err)
{
	if (l->low || !no_room(err) || l->io->unlinkat(l->dir, "reserve", 0))
		return false;
	l->low = -err;
	return true;
}

/* Where a file cannot have room beforehand (EOPNOTSUPP), there is no reserve, and a full
 * disk ends weir at the write that it refuses. */
static int reserve_make(struct ledger *l)
{
	int fd = io_open(l->io, l->dir, "reserve", O_WRONLY | O_CREAT), err = 0;

	if (fd < 0)
		return fd;
	if (l->io->fallocate(fd, 0, 0, RESERVE) && errno != EOPNOTSUPP && errno != ENOSYS)
		err = -errno;
	close(fd);
	if (err)
		l->io->unlinkat(l->dir, "reserve", 0);
	return err;
}

static int file_publish(struct ledger *l, const char *tmp, const char *name, const void *ptr, size_t len)
{
	int fd = io_put(l->io, l->dir, tmp, ptr, len);

	if (reserve_use(l, fd))
		fd = io_put(l->io, l->dir, tmp, ptr, len);
	return fd < 0 ? fd : io_settle(l->io, l->dir, fd, tmp, name);
}

/* Offsets. */

static int offset_add(struct ledger *l, uint64_t index, uint64_t offset)
{
	size_t max = l->max_offsets ? l->max_offsets * 2 : 1024;
	uint64_t *new;

	if (index % STRIDE)
		return 0;
	if (l->nr_offsets == l->max_offsets) {
		if (max > STRIDES_MAX)
			return -EFBIG;
		new = realloc(l->offsets, max * sizeof(*new));
		if (!new)
			return -ENOMEM;
		l->offsets = new;
		l->max_offsets = max;
	}
	l->offsets[l->nr_offsets++] = offset;
	return 0;
}

/* Length of the leaf whose frame is at offset, or -errno. */
static int leaf_length(const struct ledger *l, uint64_t offset)
{
	uint8_t head[2];
	ssize_t n = io_read(l->io, l->leaves, head, sizeof(head), offset);

	return n < 0 ? (int)n : n != sizeof(head) ? -EIO : head[0] << 8 | head[1];
}

const char *ledger_leaf(struct ledger *l, uint64_t index, size_t *len)
{
	int n = 0;

	if (index >= l->tree.size)
		return NULL;
	if (index < l->at_index || index / STRIDE != l->at_index / STRIDE) {
		l->at_index = index / STRIDE * STRIDE;
		l->at_offset = l->offsets[index / STRIDE];
	}
	for (; l->at_index < index; l->at_index++) {
		n = leaf_length(l, l->at_offset);
		if (n <= 0)
			return NULL;
		l->at_offset += 2 + (uint64_t)n;
	}
	n = leaf_length(l, l->at_offset);
	if (n <= 0 || n > LEAF_MAX || io_read(l->io, l->leaves, l->leaf, (size_t)n, l->at_offset + 2) != n)
		return NULL;
	l->leaf[n] = 0;
	*len = (size_t)n;
	return l->leaf;
}

/* Tiles. */

static int tile_folders(struct ledger *l, char *path)
{
	for (char *p = path; (p = strchr(p, '/')); p++) {
		int err = 0;

		*p = 0;
		if (l->io->mkdirat(l->dir, path, 0700) && errno != EEXIST)
			err = -errno;
		*p = '/';
		if (err)
			return err;
	}
	return 0;
}

/* From the leaves as they are in the file. Their checkpoint is durable already. */
static int tile_write(struct ledger *l, uint64_t n)
{
	uint8_t tile[TILE_SIZE];
	char path[TILE_PATH_SIZE];
	size_t len = 0;
	int err;

	for (unsigned i = 0; i < TILE_WIDTH; i++) {
		const char *leaf = ledger_leaf(l, n * TILE_WIDTH + i, &len);

		if (!leaf)
			return -EIO;
		merkle_leaf(tile + i * MERKLE_HASH, leaf, len);
	}
	tile_path(path, 0, n);
	err = tile_folders(l, path);
	return err ? err : file_publish(l, "tile.tmp", path, tile, sizeof(tile));
}

static int tiles_write(struct ledger *l)
{
	int err = 0;

	for (; !err && l->signed_size / TILE_WIDTH > l->tiles; l->tiles += !err) {
		char path[TILE_PATH_SIZE];
		int there;

		tile_path(path, 0, l->tiles);
		there = io_exists(l->io, l->dir, path);
		err = there < 0 ? there : there ? 0 : tile_write(l, l->tiles);
	}
	return err;
}

/* Signing. */

static int history_append(struct ledger *l, const struct buf *note)
{
	int err = io_write(l->io, l->history, note->ptr, note->len, l->history_end);

	if (reserve_use(l, err))
		err = io_write(l->io, l->history, note->ptr, note->len, l->history_end);
	if (err)
		return err;
	l->history_end += note->len;
	return l->io->fdatasync(l->history) ? -errno : 0;
}

static int checkpoint_sign(const struct ledger *l, struct buf *note)
{
	struct checkpoint c = { .size = l->tree.size };
	struct buf text;
	int err;

	buf_init(&text, 1024);
	memcpy(c.origin, l->key.name, sizeof(c.origin));
	merkle_root(&l->tree, c.root);
	err = checkpoint_print(&c, &text);
	if (!err)
		err = note_sign(&l->key, buf_str(&text), text.len, note);
	buf_free(&text);
	return err;
}

/* From the sign step on; leaves are durable. */
static int publish(struct ledger *l)
{
	struct buf note;
	int err;

	buf_init(&note, NOTE_MAX);
	l->doing = "sign a checkpoint";
	err = checkpoint_sign(l, &note);
	if (!err) {
		l->doing = "publish ledger/checkpoint";
		err = file_publish(l, "checkpoint.tmp", "checkpoint", note.ptr, note.len);
	}
	if (!err) {
		l->signed_size = l->tree.size;
		l->doing = "write ledger/checkpoints";
		err = history_append(l, &note);
	}
	buf_free(&note);
	return err;
}

int ledger_commit(struct ledger *l)
{
	int err;

	if (l->failed)
		return l->failed;
	if (l->tree.size == l->signed_size)
		return 0;
	l->doing = "make ledger/leaves durable";
	if (l->io->fdatasync(l->leaves))
		return fail(l, -errno);
	err = publish(l);
	if (!err) {
		l->doing = "write a tile below ledger/tile";
		err = tiles_write(l);
	}
	return err ? fail(l, err) : 0;
}

int64_t ledger_append(struct ledger *l, const char *json, size_t len)
{
	uint8_t hash[MERKLE_HASH];
	int err;

	if (l->failed)
		return l->failed;
	l->doing = "write ledger/leaves";
	if (len > LEAF_MAX)
		return fail(l, -EMSGSIZE);
	if (!leaf_shape(json, len))
		return fail(l, -EINVAL);
	l->frame[0] = (uint8_t)(len >> 8);
	l->frame[1] = (uint8_t)len;
	memcpy(l->frame + 2, json, len);
	err = io_write(l->io, l->leaves, l->frame, 2 + len, l->end);
	if (reserve_use(l, err))
		err = io_write(l->io, l->leaves, l->frame, 2 + len, l->end);
	if (!err)
		err = offset_add(l, l->tree.size, l->end);
	if (err)
		return fail(l, err);
	merkle_leaf(hash, json, len);
	merkle_add(&l->tree, hash);
	l->end += 2 + len;
	return (int64_t)l->tree.size - 1;
}

/* Opening: the key. */

/* What tells that a log was here, whatever became of its key. */
static bool log_exists(struct opening *o, const char **what, int *err)
{
	static const char *const names[] = { "checkpoint", "checkpoints", "key.pub", "tile", "leaves" };
	const struct ledger *l = o->ledger;
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int there = l->io->fstatat(l->dir, names[i], &st, AT_SYMLINK_NOFOLLOW) ? errno : 0;

		if (there == ENOENT || (!there && !strcmp(names[i], "leaves") && !st.st_size))
			continue;
		*what = names[i];
		*err = there;	/* nobody can tell: never a new key then either */
		return true;
	}
	return false;
}

static void origin_make(char out[NOTE_NAME_SIZE], const char *origin)
{
	uint8_t id[4] = { 0 };
	char hex[9], name[NOTE_NAME_SIZE - 10];
	size_t n = 0;

	for (; origin && *origin && n < sizeof(name) - 1; origin++)
		name[n++] = *origin > ' ' && *origin <= '~' && *origin != '+' ? *origin : '-';
	name[n] = 0;
	if (random_bytes(id, sizeof(id)))
		memset(id, 0, sizeof(id));	/* note_key_make then fails too, and says so */
	hex_encode(hex, id, sizeof(id));
	snprintf(out, NOTE_NAME_SIZE, "%s/%s", n ? name : "weir", hex);
}

static bool key_make(struct opening *o, const char *origin)
{
	struct ledger *l = o->ledger;
	char name[NOTE_NAME_SIZE], text[NOTE_KEY_SIZE];
	size_t len;
	int err;

	origin_make(name, origin);
	if (note_key_make(&l->key, name))
		return refuse(o, LEDGER_KEY, "cannot make an Ed25519 key: libcrypto or the kernel's randomness refused");
	note_key_print_secret(&l->key, text);
	len = strlen(text);
	text[len] = '\n';
	err = io_publish(l->io, l->dir, "key.tmp", "key", text, len + 1);
	explicit_bzero(text, sizeof(text));
	return err ? refuse(o, LEDGER_IO, "cannot write ledger/key: %s; %s", strerror(-err), ledger_advice(err)) : true;
}

static bool key_check_mode(struct opening *o)
{
	struct stat st;

	if (o->ledger->io->fstatat(o->ledger->dir, "key", &st, AT_SYMLINK_NOFOLLOW))
		return refuse(o, LEDGER_IO, "cannot look at ledger/key: %s; no new key is made for that; %s", strerror(errno), ledger_advice(errno));
	if (S_ISREG(st.st_mode) && !(st.st_mode & 077))
		return true;
	return refuse(o, LEDGER_KEY, "ledger/key may be read by others (mode %04o): if nobody did, chmod 0600 it; else start a new log "
		      "with another --state", st.st_mode & 07777);
}

static bool key_load(struct opening *o, const char *origin)
{
	struct ledger *l = o->ledger;
	char text[NOTE_KEY_SIZE + 2];
	const char *what = NULL;
	ssize_t n = io_read_file(l->io, l->dir, "key", text, sizeof(text));
	bool ok = false;
	int err = 0;

	if (n == -ENOENT && !log_exists(o, &what, &err))
		return key_make(o, origin);
	if (n == -ENOENT && err)
		return refuse(o, LEDGER_IO, "cannot look at ledger/%s: %s; no new key is made for that; %s", what, strerror(err),
			      ledger_advice(err));
	if (n == -ENOENT)
		return refuse(o, LEDGER_KEY, "ledger/key is missing, but a log is here (ledger/%s): put the key back, or start a new "
			      "log with another --state; no new key is made over a log", what);
	if (n < 0)
		return refuse(o, LEDGER_KEY, "cannot read ledger/key: %s; no new key is made for that", strerror((int)-n));
	ok = n > 0 && text[n - 1] == '\n' && !note_key_parse_secret(&l->key, text, (size_t)n - 1);
	explicit_bzero(text, sizeof(text));
	if (!ok)
		return refuse(o, LEDGER_KEY, "ledger/key is damaged: put the key back, or start a new log with another --state");
	return key_check_mode(o);
}

static bool key_check_pub(struct opening *o)
{
	struct ledger *l = o->ledger;
	char old[NOTE_KEY_SIZE + 1];
	ssize_t n = io_read_file(l->io, l->dir, "key.pub", old, sizeof(old));
	size_t len;

	note_key_print(&l->key, l->vkey);
	hex_encode(l->key_id, l->key.id, sizeof(l->key.id));
	len = strlen(l->vkey);
	l->pub_missing = n == -ENOENT;
	if (l->pub_missing || (n == (ssize_t)len + 1 && !memcmp(l->vkey, old, len) && old[len] == '\n'))
		return true;
	if (n >= 0 || n == -EFBIG)
		return refuse(o, LEDGER_FOREIGN, "ledger/key.pub is not of ledger/key (%s): one of them is another log's; put the right "
			      "one back", l->key_id);
	return refuse(o, LEDGER_IO, "cannot read ledger/key.pub: %s; %s", strerror((int)-n), ledger_advice((int)n));
}

static int key_publish(struct ledger *l)
{
	char text[NOTE_KEY_SIZE + 1];
	int len = snprintf(text, sizeof(text), "%s\n", l->vkey);

	return l->pub_missing ? io_publish(l->io, l->dir, "key.pub.tmp", "key.pub", text, (size_t)len) : 0;
}

/* Opening: the log. */

static int on_leaf(void *owner, const struct scan_leaf *leaf)
{
	return offset_add(owner, leaf->index, leaf->offset);
}

static int file_for_writing(struct ledger *l, const char *name, int *fd)
{
	*fd = io_open(l->io, l->dir, name, O_RDWR | O_CREAT);
	return *fd < 0 ? *fd : 0;
}

/* What is unsigned may be in the page cache only, and clean there, if an fdatasync failed
 * before: written again, it is dirty, and the next fdatasync tells the truth. */
static int leaves_again(struct ledger *l, uint64_t from, uint64_t to)
{
	int err = 0;

	while (!err && from < to) {
		size_t n = to - from < sizeof(l->frame) ? (size_t)(to - from) : sizeof(l->frame);
		ssize_t got = io_read(l->io, l->leaves, l->frame, n, from);

		err = got < 0 ? (int)got : got != (ssize_t)n ? -EIO : io_write(l->io, l->leaves, l->frame, n, from);
		from += n;
	}
	return err;
}

static int leaves_recover(struct ledger *l, const struct scan *s)
{
	int err = leaves_again(l, s->signed_end, s->end);

	if (err || s->size == s->end)
		return err;
	if (l->io->ftruncate(l->leaves, (off_t)s->end) || l->io->fdatasync(l->leaves))
		return -errno;
	return 0;
}

/* The folder is synced first: `checkpoints` must never be ahead of `checkpoint`. */
static int history_recover(struct ledger *l, const struct scan *s)
{
	struct buf note = { .ptr = (uint8_t *)s->note, .len = s->note_len };

	if (l->io->fsync(l->dir))
		return -errno;
	if (s->history_size != s->history_end && l->io->ftruncate(l->history, (off_t)s->history_end))
		return -errno;
	l->history_end = s->history_end;
	return s->history_has_last ? 0 : history_append(l, &note);
}

/* Only here, after the pass agreed to everything, is anything changed. */
static bool log_recover(struct opening *o, const struct scan *s)
{
	struct ledger *l = o->ledger;
	int err = file_for_writing(l, "leaves", &l->leaves);

	if (!err)
		err = file_for_writing(l, "checkpoints", &l->history);
	if (!err)
		err = key_publish(l);
	l->tree = s->tree;
	l->end = s->end;
	l->signed_size = s->last.size;
	l->tiles = s->tile_missing < s->last.size / TILE_WIDTH ? s->tile_missing : s->last.size / TILE_WIDTH;
	if (!err && s->empty)
		err = l->io->fsync(l->dir) ? -errno : publish(l);
	else if (!err)
		err = history_recover(l, s);
	if (!err)
		err = leaves_recover(l, s);
	if (!err)
		err = tiles_write(l);
	if (!err)
		err = reserve_make(l);
	return err ? refuse(o, LEDGER_IO, "cannot write to the ledger folder: %s; %s", strerror(-err), ledger_advice(err)) : true;
}

static bool log_load(struct opening *o, uint64_t *cut)
{
	struct ledger *l = o->ledger;
	struct scan *s = calloc(1, sizeof(*s));
	enum ledger_error err;
	bool ok;

	if (!s)
		return refuse(o, LEDGER_IO, "no memory");
	*s = (struct scan){ .io = l->io, .dir = l->dir, .key = &l->key, .leaf = on_leaf, .owner = l };
	err = scan_run(s);
	ok = err ? refuse(o, err, "%s%s%s", s->why, err == LEDGER_IO ? "; " : "", err == LEDGER_IO ? ledger_advice(0) : "") : log_recover(o, s);
	if (ok)
		*cut = s->size - s->end;
	scan_fini(s);
	free(s);
	return ok;
}

static bool folder_open(struct opening *o, int dir)
{
	struct ledger *l = o->ledger;

	l->dir = io_open_dir(l->io, dir, "ledger");
	if (l->dir == -ENOENT) {
		if (l->io->mkdirat(dir, "ledger", 0700) || l->io->fsync(dir))
			return refuse(o, LEDGER_IO, "cannot make the ledger folder: %s; %s", strerror(errno), ledger_advice(errno));
		l->dir = io_open_dir(l->io, dir, "ledger");
	}
	return l->dir < 0 ? refuse(o, LEDGER_IO, "cannot open the ledger folder: %s; %s", strerror(-l->dir), ledger_advice(l->dir)) : true;
}

struct ledger *ledger_open_io(const struct ledger_io *io, int dir, const char *origin, bool *created, uint64_t *cut,
			      enum ledger_error *err, char *why, size_t why_size)
{
	struct opening o = { .ledger = calloc(1, sizeof(struct ledger)), .why = why, .why_size = why_size };
	struct ledger *l = o.ledger;
	uint64_t bytes = 0;

	if (!l) {
		refuse(&o, LEDGER_IO, "no memory");
		*err = o.err;
		return NULL;
	}
	l->io = io;
	l->dir = l->leaves = l->history = -1;
	l->doing = "open the ledger";
	if (!folder_open(&o, dir) || !key_load(&o, origin) || !key_check_pub(&o) || !log_load(&o, &bytes)) {
		ledger_close(l);
		*err = o.err;
		return NULL;
	}
	*created = !l->tree.size;
	*cut = bytes;
	*err = LEDGER_OK;
	return l;
}

struct ledger *ledger_open(int dir, const char *origin, bool *created, uint64_t *cut, enum ledger_error *err, char *why,
			   size_t why_size)
{
	return ledger_open_io(&ledger_io_real, dir, origin, created, cut, err, why, why_size);
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	if (l->leaves >= 0)
		close(l->leaves);
	if (l->history >= 0)
		close(l->history);
	if (l->dir >= 0)
		close(l->dir);
	note_key_wipe(&l->key);
	free(l->offsets);
	free(l);
}

uint64_t ledger_size(const struct ledger *l)
{
	return l->tree.size;
}

void ledger_root(const struct ledger *l, uint8_t root[HASH_SIZE])
{
	merkle_root(&l->tree, root);
}

const char *ledger_origin(const struct ledger *l)
{
	return l->key.name;
}

const char *ledger_key_id(const struct ledger *l)
{
	return l->key_id;
}

const char *ledger_vkey(const struct ledger *l)
{
	return l->vkey;
}
