/* SPDX-License-Identifier: Apache-2.0 */
#include "base/flat.h"

/* The big-endian number of n bytes. */
static uint64_t number(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* Bytes of the scalar at p: a number, a string or bytes; as flat_len. */
static ssize_t scalar_len(const uint8_t *p, size_t left)
{
	static const uint8_t numbers[] = { 2, 3, 5, 9, 2, 3, 5, 9 };	/* 0xcc uint8 to 0xd3 int64 */
	uint64_t len = 0;
	size_t head = 1;

	if (!left)
		return 0;
	if (p[0] < 0x80 || p[0] >= 0xe0)
		return 1;
	if (p[0] >= 0xcc && p[0] <= 0xd3)
		head = numbers[p[0] - 0xcc];
	else if ((p[0] & 0xe0) == 0xa0)
		len = p[0] & 31;
	else if ((p[0] >= 0xc4 && p[0] <= 0xc6) || (p[0] >= 0xd9 && p[0] <= 0xdb))
		head = 1 + ((size_t)1 << ((p[0] - (p[0] < 0xd0 ? 0xc4 : 0xd9))));
	else
		return -1;
	if (left < head)
		return 0;
	if (head > 1 && !(p[0] >= 0xcc && p[0] <= 0xd3))
		len = number(p + 1, head - 1);
	return len <= left - head ? (ssize_t)(head + len) : 0;
}

ssize_t flat_len(const uint8_t *p, size_t size)
{
	size_t at = 1, nr;

	if (!size)
		return 0;
	if ((p[0] & 0xf0) == 0x90) {
		nr = p[0] & 15;
	} else if (p[0] == 0xdc) {
		if (size < 3)
			return 0;
		nr = (size_t)number(p + 1, 2);
		at = 3;
	} else {
		return -1;
	}
	for (; nr; nr--) {
		ssize_t len = scalar_len(p + at, size - at);

		if (len <= 0)
			return len;
		at += (size_t)len;
	}
	return (ssize_t)at;
}
