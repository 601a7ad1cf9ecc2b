/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/budget.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_free(struct buf *b)
{
	if (!b || (!b->ptr && !b->failed))
		return;
	if (b->ptr) {
		explicit_bzero(b->ptr, b->size);
		budget_free(b->ptr, b->size);
	}
	*b = (struct buf){ .max = b->max };
}

void buf_reset(struct buf *b)
{
	if (b->ptr)
		explicit_bzero(b->ptr, b->len);
	b->len = 0;
	b->failed = false;
}

/* Grows by copying, not by realloc, so that the old memory can be wiped. */
static int buf_reserve(struct buf *b, size_t more)
{
	size_t size;
	uint8_t *ptr;

	if (b->failed || more > b->max - b->len) {
		b->failed = true;
		return -ENOSPC;
	}
	if (more <= b->size - b->len)
		return 0;
	size = b->size ? b->size : 256;
	while (size - b->len < more)
		size = size > b->max / 2 ? b->max : size * 2;
	ptr = budget_room(size);
	if (!ptr) {
		b->failed = true;
		return -ENOMEM;
	}
	if (b->ptr) {
		memcpy(ptr, b->ptr, b->len);
		explicit_bzero(b->ptr, b->size);
		budget_free(b->ptr, b->size);
	}
	b->ptr = ptr;
	b->size = size;
	return 0;
}

int buf_add(struct buf *b, const void *ptr, size_t len)
{
	int err = buf_reserve(b, len);

	if (err)
		return err;
	if (len)
		memcpy(b->ptr + b->len, ptr, len);
	b->len += len;
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line)) {
		b->failed = true;
		return -ENOSPC;
	}
	return buf_add(b, line, (size_t)n);
}

void buf_consume(struct buf *b, size_t len)
{
	if (len > b->len)
		len = b->len;
	if (!len)
		return;
	memmove(b->ptr, b->ptr + len, b->len - len);
	explicit_bzero(b->ptr + b->len - len, len);
	b->len -= len;
}

const char *buf_str(struct buf *b)
{
	if (b->failed || buf_add(b, "", 1))
		return "";
	b->len--;
	return (const char *)b->ptr;
}
