/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - JSON Lines: the exact leaf and its index, one object a line, appended whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "output/output.h"

struct file { int fd; const char *target; off_t whole; };

static void *file_open(int fd, const char *target)
{
	struct file *f = calloc(1, sizeof(*f));

	if (f)
		*f = (struct file){ fd, target, lseek(fd, 0, SEEK_END) };
	return f;
}

/* A line that could not be written whole is cut off again: readers see whole lines only. */
static int file_send(void *sink, const struct event *e)
{
	struct file *f = sink;
	char nl = '\n';
	struct iovec v[2] = { { (void *)(uintptr_t)e->json, e->len }, { &nl, 1 } };
	ssize_t n = writev(f->fd, v, 2);

	if (n == (ssize_t)e->len + 1) {
		f->whole += n;
		return 0;
	}
	if (n > 0 && ftruncate(f->fd, f->whole))
		log_warn("a cut line stays in %s", f->target);
	return n < 0 ? -errno : -EIO;
}

static int file_flush(void *sink)
{
	return fdatasync(((struct file *)sink)->fd) ? -errno : 0;
}

static void file_close(void *sink)
{
	free(sink);
}

const struct sink_row sink_file = {
	.name = "file", .summary = "every leaf as a line of a JSON Lines file",
	.open = file_open, .send = file_send, .flush = file_flush, .close = file_close,
};
