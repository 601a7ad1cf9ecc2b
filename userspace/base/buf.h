/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - a growing byte buffer with a maximum it never passes. */
#ifndef WEIR_BUF_H
#define WEIR_BUF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf { uint8_t *ptr; size_t len, size, max; bool failed; };

void buf_init(struct buf *, size_t max);	/* allocates nothing yet */
void buf_free(struct buf *);			/* wipes; NULL-safe, reusable after buf_init */
void buf_reset(struct buf *);			/* empties, keeps and wipes the memory, clears failed */
/* 0, or -ENOSPC past max, or -ENOMEM (also over the budget.h); failed stays set, so that a chain of adds is checked once. */
int buf_add(struct buf *, const void *, size_t);
int buf_puts(struct buf *, const char *);
int buf_printf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *, size_t);	/* drops and wipes the first bytes */
const char *buf_str(struct buf *);	/* NUL-terminated view, "" when failed or empty */
#endif
