/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th call of the ledger fails, writes short, is the last before a kill, or the last
 * before the power goes, for every n. Whatever happened: the log opens again, with the
 * same key, and nothing that a commit had acknowledged is lost or changed. */
#include <dirent.h>

#include "ledger_fixture.h"
#include "store/ledger_io.h"

enum fault { FAULT_NONE, FAULT_EIO, FAULT_ENOSPC, FAULT_SHORT, FAULT_KILL, FAULT_TORN, FAULT_POWER };

/* What the disk holds for sure: contents as of the last sync of the file, names as of the
 * last sync of their folder. Every created file is kept open, so that no inode number
 * comes back. */
struct inode { ino_t ino; int fd; uint8_t *ptr; size_t len; };
struct name { char path[64]; ino_t ino; bool folder; };
static struct disk { struct inode inodes[64]; size_t nr_inodes; struct name names[64]; size_t nr_names; } disk;

static struct { enum fault fault; unsigned at, calls, changes; bool dead, hit; int state; } io;

static struct inode *inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	for (size_t i = 0; i < disk.nr_inodes; i++)
		if (disk.inodes[i].ino == st.st_ino)
			return &disk.inodes[i];
	assert_true(disk.nr_inodes < 64);
	disk.inodes[disk.nr_inodes] = (struct inode){ .ino = st.st_ino, .fd = dup(fd) };
	return &disk.inodes[disk.nr_inodes++];
}

static void disk_sync_file(int fd)
{
	struct inode *i = inode_of(fd);
	struct stat st;
	char path[32];
	int again;

	assert_int_equal(fstat(fd, &st), 0);
	free(i->ptr);
	i->len = (size_t)st.st_size;
	i->ptr = malloc(i->len + 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);	/* the ledger may have opened it for writing only */
	again = open(path, O_RDONLY);
	assert_int_equal(pread(again, i->ptr, i->len, 0), i->len);
	close(again);
}

static void disk_sync_folder(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(again);
	struct stat root, here, st;
	const char *prefix;

	assert_int_equal(fstat(io.state, &root), 0);
	assert_int_equal(fstat(fd, &here), 0);
	prefix = here.st_ino == root.st_ino ? "" : "ledger/";
	for (size_t i = 0; i < disk.nr_names; i++)	/* forget what this folder held */
		if (!strchr(disk.names[i].path, '/') == !*prefix)
			disk.names[i--] = disk.names[--disk.nr_names];
	for (struct dirent *e; (e = readdir(d));) {
		struct name *n = &disk.names[disk.nr_names];

		if (e->d_name[0] == '.')
			continue;
		assert_true(disk.nr_names < 64);
		assert_int_equal(fstatat(fd, e->d_name, &st, 0), 0);
		snprintf(n->path, sizeof(n->path), "%s%.40s", prefix, e->d_name);
		n->ino = st.st_ino;
		n->folder = S_ISDIR(st.st_mode);
		disk.nr_names++;
	}
	closedir(d);
}

static void disk_start(struct log *g)
{
	static const char *const names[] = { "key", "key.pub", "leaves", "checkpoint", "checkpoints" };
	char path[128];
	int fd;

	memset(&disk, 0, sizeof(disk));
	io.state = g->dir;
	snprintf(path, sizeof(path), "%s/ledger", g->path);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return;
	disk_sync_folder(g->dir);
	disk_sync_folder(fd);
	for (size_t i = 0; i < 5; i++) {
		int file = openat(fd, names[i], O_RDONLY);

		if (file >= 0)
			disk_sync_file(file), close(file);
	}
	close(fd);
}

/* The power is gone: what is in the folder now is what the disk holds for sure. */
static void disk_restore(struct log *g)
{
	char command[128], path[192];

	snprintf(command, sizeof(command), "rm -rf %s/ledger", g->path);
	assert_int_equal(system(command), 0);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < disk.nr_names; i++) {
			struct name *n = &disk.names[i];
			int fd;

			snprintf(path, sizeof(path), "%s/%s", g->path, n->path);
			if (n->folder != !pass)
				continue;
			if (n->folder) {
				assert_int_equal(mkdir(path, 0700), 0);
				continue;
			}
			fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
			if (fd < 0)
				continue;	/* its folder's own name was never synced */
			for (size_t k = 0; k < disk.nr_inodes; k++)
				if (disk.inodes[k].ino == n->ino)
					assert_int_equal(write(fd, disk.inodes[k].ptr, disk.inodes[k].len), disk.inodes[k].len);
			close(fd);
		}
	}
}

static void disk_end(void)
{
	for (size_t i = 0; i < disk.nr_inodes; i++) {
		close(disk.inodes[i].fd);
		free(disk.inodes[i].ptr);
	}
	memset(&disk, 0, sizeof(disk));
}

/* The table. A call that is killed does nothing; after it nothing happens any more. */

static bool refused(bool change)
{
	if (io.dead) {
		errno = EIO;
		return true;
	}
	io.calls++;
	io.changes += change;
	if (!io.fault || (io.fault == FAULT_EIO ? io.calls != io.at : !change || io.changes != io.at))
		return false;
	io.hit = true;
	io.dead = io.fault >= FAULT_KILL;
	errno = io.fault == FAULT_ENOSPC ? ENOSPC : EIO;
	return true;
}

static int io_openat_(int dir, const char *name, int flags, mode_t mode)
{
	int fd = refused(flags & O_CREAT) ? -1 : openat(dir, name, flags, mode);

	if (fd >= 0 && flags & O_CREAT)
		inode_of(fd);
	return fd;
}

static int io_fstatat_(int dir, const char *name, struct stat *st, int flags)
{
	return refused(false) ? -1 : fstatat(dir, name, st, flags);
}

static ssize_t io_pread_(int fd, void *ptr, size_t len, off_t at)
{
	return refused(false) ? -1 : pread(fd, ptr, len, at);
}

static ssize_t io_pwrite_(int fd, const void *ptr, size_t len, off_t at)
{
	bool before = io.dead;

	if (!refused(true))
		return pwrite(fd, ptr, len, at);
	if (io.fault == FAULT_SHORT || (io.fault == FAULT_TORN && !before))
		return pwrite(fd, ptr, len / 2, at);
	return -1;
}

static int io_fdatasync_(int fd)
{
	if (refused(true))
		return -1;
	disk_sync_file(fd);
	return 0;
}

static int io_fsync_(int fd)
{
	struct stat st;

	if (refused(true))
		return -1;
	assert_int_equal(fstat(fd, &st), 0);
	if (S_ISDIR(st.st_mode))
		disk_sync_folder(fd);
	else
		disk_sync_file(fd);
	return 0;
}

static int io_ftruncate_(int fd, off_t len)
{
	return refused(true) ? -1 : ftruncate(fd, len);
}

static int io_renameat_(int from, const char *old, int to, const char *new)
{
	return refused(true) ? -1 : renameat(from, old, to, new);
}

static int io_mkdirat_(int dir, const char *name, mode_t mode)
{
	return refused(true) ? -1 : mkdirat(dir, name, mode);
}

static int io_unlinkat_(int dir, const char *name, int flags)
{
	return refused(true) ? -1 : unlinkat(dir, name, flags);
}

static int io_fallocate_(int fd, int mode, off_t at, off_t len)
{
	return refused(true) ? -1 : fallocate(fd, mode, at, len);
}

static const struct ledger_io faulty = {
	.openat = io_openat_, .fstatat = io_fstatat_, .pread = io_pread_, .pwrite = io_pwrite_, .fdatasync = io_fdatasync_,
	.fsync = io_fsync_, .ftruncate = io_ftruncate_, .renameat = io_renameat_, .mkdirat = io_mkdirat_, .unlinkat = io_unlinkat_,
	.fallocate = io_fallocate_,
};

/* One run: what a keeper does, up to the fault; and what it was promised. */

struct promise { uint64_t size; char pin[80], vkey[256]; };

static void promise_take(struct promise *p, const struct ledger *l)
{
	uint8_t root[HASH_SIZE];
	char base64[45];

	ledger_root(l, root);
	base64_encode(base64, root, sizeof(root));
	p->size = ledger_size(l);
	snprintf(p->pin, sizeof(p->pin), "%d:%s", (int)p->size, base64);
}

/* false: it failed. */
static bool work_batch(struct ledger *l, unsigned nr, struct promise *p)
{
	for (unsigned i = 0; i < nr; i++) {
		uint64_t n = ledger_size(l);
		char json[128];
		int len = snprintf(json, sizeof(json), "{\"type\":\"%s\",\"n\":%d}", n ? "gap" : "genesis", (int)n);

		if (ledger_append(l, json, (size_t)len) < 0)
			return false;
	}
	if (ledger_commit(l))
		return false;
	promise_take(p, l);
	return true;
}

static void work(struct log *g, struct promise *p)
{
	static const unsigned batches[] = { 1, 3, 1 };
	enum ledger_error err = LEDGER_OK;
	bool created = false;
	uint64_t cut = 0;
	struct ledger *l = ledger_open_io(&faulty, g->dir, "host", &created, &cut, &err, g->why, sizeof(g->why));

	if (!l) {
		assert_int_not_equal(err, LEDGER_OK);
		assert_true(io.hit);
		return;
	}
	snprintf(p->vkey, sizeof(p->vkey), "%s", ledger_vkey(l));
	for (size_t i = 0; i < 3; i++) {
		if (work_batch(l, batches[i], p))
			continue;
		assert_true(io.hit);
		assert_true(ledger_append(l, "{\"type\":\"gap\"}", 14) < 0);	/* fails closed */
		assert_true(ledger_commit(l) < 0);
		break;
	}
	ledger_close(l);
}

/* The next start, with a disk that works. */
static void assert_kept(struct log *g, const struct promise *p)
{
	struct ledger *l = log_reopen(g);
	struct ledger_report r;
	enum ledger_error err;
	size_t len;

	if (ledger_size(l) < p->size)
		fail_msg("%d leaves were acknowledged, %d are left", (int)p->size, (int)ledger_size(l));
	if (p->vkey[0])
		assert_string_equal(ledger_vkey(l), p->vkey);
	for (uint64_t i = 0; i < ledger_size(l); i++) {
		const char *json = ledger_leaf(l, i, &len);
		char want[128];

		snprintf(want, sizeof(want), "{\"type\":\"%s\",\"n\":%d}", i ? "gap" : "genesis", (int)i);
		assert_non_null(json);
		assert_string_equal(json, want);
	}
	log_add(l, ledger_size(l), ledger_size(l) + 2);
	assert_int_equal(ledger_commit(l), 0);
	len = ledger_size(l);
	err = ledger_verify(g->dir, ledger_vkey(l), p->pin[0] ? p->pin : NULL, NULL, NULL, &r);
	if (err)
		fail_msg("does not verify: %d %s", (int)err, r.why);
	assert_int_equal(r.size, len);
	assert_int_equal(r.torn, 0);
	ledger_close(l);
	ledger_close(log_reopen(g));	/* what the start wrote is itself in order */
}

/* Every n in turn, on a fresh copy of base, until no fault was met. Returns how many n. */
static unsigned every_call(const struct log *base, enum fault fault)
{
	for (unsigned n = 1;; n++) {
		struct promise p = { 0 };
		struct log g = log_new();

		if (base)
			log_copy_all(base, &g);
		disk_start(&g);
		memset(&io, 0, sizeof(io));
		io.fault = fault;
		io.at = n;
		io.state = g.dir;
		work(&g, &p);
		if (fault == FAULT_POWER && io.hit)
			disk_restore(&g);
		disk_end();
		assert_kept(&g, &p);
		log_free(&g);
		if (!io.hit)
			return n - 1;
	}
}

static void in_a_new_log(enum fault fault, unsigned least)
{
	unsigned n = every_call(NULL, fault);

	print_message("%u calls\n", n);
	assert_true(n >= least);
}

/* 254 leaves, the last 3 unsigned and a torn one after them; a torn append to
 * `checkpoints`. The three batches then fill the first tile. */
static void in_an_old_log(enum fault fault, unsigned least)
{
	struct log base = log_new();
	struct bytes b;
	unsigned n;

	log_make(&base, 254, 251);
	b = log_read(&base, "leaves");
	memcpy(b.ptr + b.len, "\0\x20{\"type", 8);
	log_write(&base, "leaves", b.ptr, b.len + 8);
	free(b.ptr);
	b = log_read(&base, "checkpoints");
	log_write(&base, "checkpoints", b.ptr, b.len - 9);
	free(b.ptr);
	n = every_call(&base, fault);
	print_message("%u calls\n", n);
	assert_true(n >= least);
	log_free(&base);
}

static void an_io_error_at_any_call_loses_nothing_of_a_new_log(void **state) { in_a_new_log(FAULT_EIO, 50); }
static void an_io_error_at_any_call_loses_nothing_of_an_old_log(void **state) { in_an_old_log(FAULT_EIO, 500); }
static void a_full_disk_at_any_call_loses_nothing_of_a_new_log(void **state) { in_a_new_log(FAULT_ENOSPC, 40); }
static void a_full_disk_at_any_call_loses_nothing_of_an_old_log(void **state) { in_an_old_log(FAULT_ENOSPC, 30); }
static void a_short_write_is_gone_on_with_in_a_new_log(void **state) { in_a_new_log(FAULT_SHORT, 40); }
static void a_short_write_is_gone_on_with_in_an_old_log(void **state) { in_an_old_log(FAULT_SHORT, 30); }
static void a_kill_before_any_change_loses_nothing_of_a_new_log(void **state) { in_a_new_log(FAULT_KILL, 40); }
static void a_kill_before_any_change_loses_nothing_of_an_old_log(void **state) { in_an_old_log(FAULT_KILL, 30); }
static void a_kill_within_any_write_loses_nothing_of_a_new_log(void **state) { in_a_new_log(FAULT_TORN, 40); }
static void a_kill_within_any_write_loses_nothing_of_an_old_log(void **state) { in_an_old_log(FAULT_TORN, 30); }
static void lost_power_before_any_change_loses_nothing_of_a_new_log(void **state) { in_a_new_log(FAULT_POWER, 40); }
static void lost_power_before_any_change_loses_nothing_of_an_old_log(void **state) { in_an_old_log(FAULT_POWER, 30); }

/* The prototype's one true bug: EIO at the key taken for "no key yet". */
static void a_key_that_cannot_be_read_is_never_replaced(void **state)
{
	struct log g = log_new();
	struct bytes before, after;

	log_make(&g, 5, 5);
	before = log_read(&g, "key");
	for (unsigned n = 1;; n++) {
		enum ledger_error err = LEDGER_OK;
		bool created;
		uint64_t cut;
		struct ledger *l;

		disk_start(&g);
		memset(&io, 0, sizeof(io));
		io.fault = FAULT_EIO;
		io.at = n;
		io.state = g.dir;
		l = ledger_open_io(&faulty, g.dir, "host", &created, &cut, &err, g.why, sizeof(g.why));
		disk_end();
		ledger_close(l);
		after = log_read(&g, "key");
		assert_int_equal(after.len, before.len);
		assert_memory_equal(after.ptr, before.ptr, before.len);
		free(after.ptr);
		if (n == 2)
			assert_int_equal(err, LEDGER_KEY);	/* the second call opens it */
		if (!io.hit)
			break;
	}
	free(before.ptr);
	log_free(&g);
}

/* Leaves whose fdatasync failed are not signed as long as no later one succeeded. */
static void nothing_is_signed_that_was_not_synced(void **state)
{
	struct log g = log_new();
	struct bytes before, after;
	enum ledger_error err;
	bool created;
	uint64_t cut;
	struct ledger *l;

	log_make(&g, 5, 5);
	before = log_read(&g, "checkpoint");
	disk_start(&g);
	memset(&io, 0, sizeof(io));
	io.state = g.dir;
	l = ledger_open_io(&faulty, g.dir, "host", &created, &cut, &err, g.why, sizeof(g.why));
	assert_non_null(l);
	log_add(l, 5, 6);
	io.fault = FAULT_EIO;
	io.at = io.calls + 1;
	assert_int_equal(ledger_commit(l), -EIO);
	assert_true(io.hit);
	ledger_close(l);
	disk_end();
	after = log_read(&g, "checkpoint");
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.ptr, before.ptr, before.len);
	free(before.ptr);
	free(after.ptr);
	log_free(&g);
}

/* After a failed sync the page cache may hold, as clean, what the disk does not. The next
 * start writes unsigned leaves again before anything signs them. */
static void unsigned_leaves_are_written_again_before_they_are_signed(void **state)
{
	struct log g = log_new();
	struct promise p = { 0 };
	enum ledger_error err;
	bool created;
	uint64_t cut;
	struct ledger *l;
	unsigned before;

	log_make(&g, 8, 5);
	disk_start(&g);
	memset(&io, 0, sizeof(io));
	io.state = g.dir;
	l = ledger_open_io(&faulty, g.dir, "host", &created, &cut, &err, g.why, sizeof(g.why));
	assert_non_null(l);
	before = io.changes;
	assert_int_equal(before, 6);	/* two files opened, the folder synced, one write of three leaves; the reserve opened and filled */
	assert_int_equal(ledger_commit(l), 0);
	promise_take(&p, l);
	ledger_close(l);
	disk_restore(&g);
	disk_end();
	assert_kept(&g, &p);
	log_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_io_error_at_any_call_loses_nothing_of_a_new_log),
		cmocka_unit_test(an_io_error_at_any_call_loses_nothing_of_an_old_log),
		cmocka_unit_test(a_full_disk_at_any_call_loses_nothing_of_a_new_log),
		cmocka_unit_test(a_full_disk_at_any_call_loses_nothing_of_an_old_log),
		cmocka_unit_test(a_short_write_is_gone_on_with_in_a_new_log),
		cmocka_unit_test(a_short_write_is_gone_on_with_in_an_old_log),
		cmocka_unit_test(a_kill_before_any_change_loses_nothing_of_a_new_log),
		cmocka_unit_test(a_kill_before_any_change_loses_nothing_of_an_old_log),
		cmocka_unit_test(a_kill_within_any_write_loses_nothing_of_a_new_log),
		cmocka_unit_test(a_kill_within_any_write_loses_nothing_of_an_old_log),
		cmocka_unit_test(lost_power_before_any_change_loses_nothing_of_a_new_log),
		cmocka_unit_test(lost_power_before_any_change_loses_nothing_of_an_old_log),
		cmocka_unit_test(a_key_that_cannot_be_read_is_never_replaced),
		cmocka_unit_test(nothing_is_signed_that_was_not_synced),
		cmocka_unit_test(unsigned_leaves_are_written_again_before_they_are_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
