/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_io.h - the only way the ledger touches a file, so that a test can make the n-th
 * call fail, write short, or be the last before the power goes. All paths are relative
 * to a directory descriptor, and no symbolic link is followed. Private to store/. */
#ifndef WEIR_LEDGER_IO_H
#define WEIR_LEDGER_IO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "store/ledger.h"

/* As the calls of the same names: -1 and errno. */
struct ledger_io {
	int (*openat)(int dir, const char *, int flags, mode_t);
	int (*fstatat)(int dir, const char *, struct stat *, int flags);
	ssize_t (*pread)(int, void *, size_t, off_t);
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	int (*fdatasync)(int);
	int (*fsync)(int);
	int (*ftruncate)(int, off_t);
	int (*renameat)(int, const char *, int, const char *);
	int (*mkdirat)(int, const char *, mode_t);
	int (*unlinkat)(int, const char *, int);
	int (*fallocate)(int, int, off_t, off_t);
};
extern const struct ledger_io ledger_io_real;

/* ledger_open through another table; it must outlive the ledger. */
struct ledger *ledger_open_io(const struct ledger_io *, int dir, const char *origin, bool *created, uint64_t *cut,
			      enum ledger_error *, char *why, size_t why_size);

/* Descriptor or -errno. Only a regular file; never blocks on anything else. */
int io_open(const struct ledger_io *, int dir, const char *name, int flags);
int io_open_dir(const struct ledger_io *, int dir, const char *name);
int io_exists(const struct ledger_io *, int dir, const char *name);	/* 1, 0 or -errno */
/* Bytes read, up to the end of the file; -errno. */
ssize_t io_read(const struct ledger_io *, int fd, void *, size_t, uint64_t at);
int io_write(const struct ledger_io *, int fd, const void *, size_t, uint64_t at);	/* 0 or -errno */
/* A whole small file; its length, -EFBIG when it does not fit, or -errno. */
ssize_t io_read_file(const struct ledger_io *, int dir, const char *name, void *, size_t);
/* The two halves of io_publish: a descriptor of the written tmp or -errno, which nothing
 * was synced before; and the rest, after which an error may not be tried again. */
int io_put(const struct ledger_io *, int dir, const char *tmp, const void *, size_t);
int io_settle(const struct ledger_io *, int dir, int fd, const char *tmp, const char *name);
/* tmp -> fsync -> rename to name -> fsync of dir. 0 or -errno. */
int io_publish(const struct ledger_io *, int dir, const char *tmp, const char *name, const void *, size_t);
#endif
