/* SPDX-License-Identifier: Apache-2.0 */
/* policy_fmt.c - `weir policy fmt`: policy files in the one way of writing. A file is replaced whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "cli/policy_verbs.h"

#define FILE_BYTES	((size_t)1 << 20)

static int written(int fd, const struct stat *st, const struct buf *text)
{
	int err = -write_all(fd, text->ptr, text->len);

	if (!err && (fchmod(fd, st->st_mode & 07777) || (!geteuid() && fchown(fd, st->st_uid, st->st_gid)) || fsync(fd)))
		err = errno;
	close(fd);
	return err;
}

/* A link stays one: what it leads to is replaced. */
static int file_replace(const char *name, const struct buf *text)
{
	char *path = realpath(name, NULL), new[4200];
	struct stat st;
	int fd = -1, err;

	if (!path || stat(path, &st))
		err = errno;
	else if ((size_t)snprintf(new, sizeof(new), "%s.fmt", path) >= sizeof(new))
		err = ENAMETOOLONG;
	else
		err = (fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0 ? errno : 0;
	if (!err)
		err = written(fd, &st, text);
	if (!err && rename(new, path))
		err = errno;
	if (err && fd >= 0)
		unlink(new);
	free(path);
	if (!err)
		return 0;
	fprintf(stderr, "weir policy: cannot write %s.fmt, which was to take its place: %s; %s is left as it is\n", name, strerror(err), name);
	return -1;
}

/* 1: it is, or would be, another; 0: it is as it should be; -1: after a message. */
static int file_format(const char *name, bool check)
{
	bool is_stdin = !strcmp(name, "-");
	struct policy_file file = { is_stdin ? "the standard input" : name, NULL, 0 };
	struct buf text, out;
	int result = -1, err;

	buf_init(&text, FILE_BYTES);
	buf_init(&out, 4 * FILE_BYTES);
	err = read_file(AT_FDCWD, is_stdin ? "/dev/stdin" : name, &text);
	file.text = (const char *)text.ptr;
	file.len = text.len;
	if (err)
		fprintf(stderr, "weir policy: cannot read %s: %s (a file of at most %zu MiB is wanted)\n", file.name, strerror(-err), FILE_BYTES >> 20);
	else if (!text.len)
		fprintf(stderr, "weir policy: %s is empty; begin with 'version: 1'\n", file.name);
	else if (!policy_format(&file, &out, stderr))
		result = out.len != text.len || memcmp(out.ptr, text.ptr, out.len) != 0;
	if (result >= 0 && is_stdin && !check)
		fwrite(out.ptr, 1, out.len, stdout);
	else if (result > 0 && !is_stdin && !check && file_replace(name, &out))
		result = -1;
	if (result > 0 && (check || !is_stdin))
		printf("%s\n", file.name);
	buf_free(&text);
	buf_free(&out);
	return result;
}

int policy_verb_fmt(const char *const *names, unsigned nr, bool check)
{
	bool changed = false, wrong = false;

	for (unsigned i = 0; i < nr; i++) {
		int result = policy_is_descriptors(names[i]) ? 0 : file_format(names[i], check);

		changed |= result > 0;
		wrong |= result < 0;
	}
	return wrong ? EXIT_USAGE : changed && check ? EXIT_FOUND : EXIT_OK;
}
