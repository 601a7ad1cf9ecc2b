/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int real_openat(int dir, const char *name, int flags, mode_t mode)
{
	return openat(dir, name, flags, mode);
}

const struct ledger_io ledger_io_real = {
	.openat = real_openat, .fstatat = fstatat, .pread = pread, .pwrite = pwrite, .fdatasync = fdatasync, .fsync = fsync,
	.ftruncate = ftruncate, .renameat = renameat, .mkdirat = mkdirat, .unlinkat = unlinkat,
	.fallocate = fallocate,
};

/* O_NONBLOCK: a FIFO put in a file's place must not hold us; on files it means nothing. */
int io_open(const struct ledger_io *io, int dir, const char *name, int flags)
{
	int fd = io->openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;
	int err;

	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int io_open_dir(const struct ledger_io *io, int dir, const char *name)
{
	int fd = io->openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int io_exists(const struct ledger_io *io, int dir, const char *name)
{
	struct stat st;

	if (!io->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

ssize_t io_read(const struct ledger_io *io, int fd, void *ptr, size_t size, uint64_t at)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = io->pread(fd, (char *)ptr + got, size - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int io_write(const struct ledger_io *io, int fd, const void *ptr, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = io->pwrite(fd, (const char *)ptr + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

ssize_t io_read_file(const struct ledger_io *io, int dir, const char *name, void *ptr, size_t size)
{
	int fd = io_open(io, dir, name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = io_read(io, fd, ptr, size, 0);
	close(fd);
	return n == (ssize_t)size ? -EFBIG : n;
}

int io_put(const struct ledger_io *io, int dir, const char *tmp, const void *ptr, size_t len)
{
	int fd, err;

	if (io->unlinkat(dir, tmp, 0) && errno != ENOENT)
		return -errno;
	fd = io_open(io, dir, tmp, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return fd;
	err = io_write(io, fd, ptr, len, 0);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int io_settle(const struct ledger_io *io, int dir, int fd, const char *tmp, const char *name)
{
	int err = io->fsync(fd) ? -errno : 0;

	if (close(fd) && !err)
		err = -errno;
	if (!err && io->renameat(dir, tmp, dir, name))
		err = -errno;
	if (!err && io->fsync(dir))
		err = -errno;
	return err;
}

int io_publish(const struct ledger_io *io, int dir, const char *tmp, const char *name, const void *ptr, size_t len)
{
	int fd = io_put(io, dir, tmp, ptr, len);

	return fd < 0 ? fd : io_settle(io, dir, fd, tmp, name);
}
