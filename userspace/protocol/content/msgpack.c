/* SPDX-License-Identifier: Apache-2.0 */
/* msgpack.c - MessagePack. The library wants a whole message and makes a tree of it, as large as
 * its counts say; here it may be cut, and nothing is made. */
#include <string.h>

#include "protocol/content/items.h"
#include "protocol/content/media.h"

/* A small map whose first name is one, where no media type says what it is. */
static int match(struct slice essence, struct slice head)
{
	size_t n;

	if (media_has(essence, "msgpack"))
		return 100;
	if ((essence.len && !is_fold(essence, "application/octet-stream")) || head.len < 4)
		return 0;
	n = head.ptr[1] & 0x1f;
	if (head.ptr[0] < 0x81 || head.ptr[0] > 0x8f || (head.ptr[1] & 0xe0) != 0xa0 || n < 2 || head.len - 2 <= n)
		return 0;
	return is_identifier(slice_of(head.ptr + 2, n)) ? 40 : 0;
}

static void text(struct items *it, uint64_t len)
{
	bool cut = false;
	struct slice s;

	if (it->stop)
		return;
	s = items_take(it, len, &cut);
	items_value(it, s, VALUE_STRING, cut);
}

static void bytes(struct items *it, uint64_t len)
{
	bool cut = false;
	struct slice s;

	if (it->stop)
		return;
	s = items_take(it, len, &cut);
	items_bytes(it, s, cut);
}

static void number(struct items *it, unsigned size, bool has_sign)
{
	uint64_t v = items_number(it, size);
	bool negative = has_sign && size && v >> (8 * size - 1);

	if (it->stop)
		return;
	if (negative)	/* two's complement: -1 - n */
		v = ~(v | (size < 8 ? ~0ull << (8 * size) : 0));
	items_integer(it, negative, v);
}

static void real(struct items *it, unsigned size)
{
	uint64_t v = items_number(it, size);
	uint32_t half = (uint32_t)v;
	double d;
	float f;

	if (it->stop)
		return;
	memcpy(&f, &half, sizeof(f));
	memcpy(&d, &v, sizeof(d));
	items_double(it, size == 4 ? (double)f : d);
}

static void container(struct items *it, bool map, uint64_t count)
{
	if (!it->stop)
		items_open(it, map, count);
}

/* A type of somebody's own; the type's byte is stepped over. */
static void extension(struct items *it, uint64_t len)
{
	items_number(it, 1);
	bytes(it, len);
}

/* The bytes 0xc0 to 0xdf. */
static void marked(struct items *it, uint8_t c)
{
	switch (c) {
	case 0xc0: items_value(it, SLICE("null"), VALUE_NULL, false); break;
	case 0xc1: it->stop = it->job->limited = true; break;	/* never used */
	case 0xc2: items_value(it, SLICE("false"), VALUE_BOOL, false); break;
	case 0xc3: items_value(it, SLICE("true"), VALUE_BOOL, false); break;
	case 0xc4: case 0xc5: case 0xc6: bytes(it, items_number(it, 1u << (c - 0xc4))); break;
	case 0xc7: case 0xc8: case 0xc9: extension(it, items_number(it, 1u << (c - 0xc7))); break;
	case 0xca: case 0xcb: real(it, c == 0xca ? 4 : 8); break;
	case 0xcc: case 0xcd: case 0xce: case 0xcf: number(it, 1u << (c - 0xcc), false); break;
	case 0xd0: case 0xd1: case 0xd2: case 0xd3: number(it, 1u << (c - 0xd0), true); break;
	case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: extension(it, 1u << (c - 0xd4)); break;
	case 0xd9: case 0xda: case 0xdb: text(it, items_number(it, 1u << (c - 0xd9))); break;
	case 0xdc: case 0xdd: container(it, false, items_number(it, c == 0xdc ? 2 : 4)); break;
	case 0xde: case 0xdf: container(it, true, items_number(it, c == 0xde ? 2 : 4)); break;
	}
}

static void decode(struct content_job *job, struct slice body)
{
	struct items it;

	if (!items_begin(&it, job, body))
		return;
	while (it.p < it.end && !it.stop && !it.tree->full) {
		uint8_t c = *it.p++;

		if (c < 0x80)
			items_integer(&it, false, c);
		else if (c < 0x90)
			items_open(&it, true, c & 15);
		else if (c < 0xa0)
			items_open(&it, false, c & 15);
		else if (c < 0xc0)
			text(&it, c & 31);
		else if (c < 0xe0)
			marked(&it, c);
		else
			items_integer(&it, true, 0xffu - c);
	}
	job->limited |= it.depth > 0 && it.p == it.end;	/* it has not ended */
	items_end(&it);
}

const struct content content_msgpack = {
	.name = "msgpack", .summary = "MessagePack", .match = match, .decode = decode,
};
