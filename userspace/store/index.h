/* SPDX-License-Identifier: Apache-2.0 */
/* index.h - SQLite index over the ledger's leaves, rebuildable from them. One
 * table `leaf` (index, type, time, json), plus `open` rows: what the running
 * interval has so far (unsealed), replaced at each write. Commands read it with
 * or without a running daemon. */
#ifndef WEIR_INDEX_H
#define WEIR_INDEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index;
/* path is relative to the working directory or absolute; NULL: in memory. */
struct index *index_open(const char *path, bool write, char *why, size_t why_size);
void index_close(struct index *);
uint64_t index_size(struct index *);	/* leaves indexed: 0..size-1 */
int index_begin(struct index *);
int index_commit(struct index *);	/* -EBUSY: a reader is in the way, what was begun goes on */
int index_rollback(struct index *);
bool index_whole(struct index *);	/* no leaf is missing among those it has */
int index_leaf(struct index *, uint64_t leaf, const char *json, size_t len);
/* Replaces all open rows of this type by none; then add with index_open_row. */
int index_open_clear(struct index *, const char *type);
int index_open_row(struct index *, const char *type, const char *json, size_t len);
/* Runs a query whose parameters ?1, ?2 … are texts; each row's columns as text
 * (NULL for SQL NULL) go to row; a non-zero return stops. -1 and a line in why on error. */
int index_query(struct index *, const char *sql, const char *const *params, size_t nr,
		int (*row)(void *owner, int columns, const char *const *values), void *owner,
		char *why, size_t why_size);
#endif
