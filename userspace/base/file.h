/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - reading and writing whole things by descriptor. */
#ifndef WEIR_FILE_H
#define WEIR_FILE_H
#include <stddef.h>
#include <sys/types.h>
struct buf;
int write_all(int fd, const void *, size_t);	/* 0 or -errno; retries EINTR and short writes */
ssize_t read_all(int fd, void *, size_t);	/* bytes until size or end, or -errno */
int read_file(int dirfd, const char *path, struct buf *out);	/* whole file; 0 or -errno, -EFBIG past out->max */
#endif
