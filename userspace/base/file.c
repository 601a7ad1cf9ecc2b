/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

int write_all(int fd, const void *ptr, size_t len)
{
	const char *p = ptr;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t read_all(int fd, void *ptr, size_t size)
{
	char *p = ptr;
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, p + got, size - got);

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

int read_file(int dirfd, const char *path, struct buf *out)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC), err = 0;
	char block[16384];

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read_all(fd, block, sizeof(block));

		if (n < 0)
			err = (int)n;
		else if (buf_add(out, block, (size_t)n))
			err = -EFBIG;
		if (err || n < (ssize_t)sizeof(block))
			break;
	}
	explicit_bzero(block, sizeof(block));
	close(fd);
	return err;
}
