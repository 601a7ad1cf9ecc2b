/* SPDX-License-Identifier: Apache-2.0 */
/* cbor.c - CBOR (RFC 8949), and sequences of it. Tags are stepped over; a text in chunks is told
 * of chunk by chunk. */
#include <math.h>
#include <string.h>

#include "protocol/content/items.h"
#include "protocol/content/media.h"

#define UNTOLD 31	/* the count that is none */

enum major { MAJOR_POSITIVE, MAJOR_NEGATIVE, MAJOR_BYTES, MAJOR_TEXT, MAJOR_LIST, MAJOR_MAP, MAJOR_TAG, MAJOR_OTHER };

/* The tag for "this is CBOR", or a small map whose first name is one. */
static int match(struct slice essence, struct slice head)
{
	size_t n;

	if (media_has(essence, "cbor"))
		return 100;
	if ((essence.len && !is_fold(essence, "application/octet-stream")) || head.len < 4)
		return 0;
	if (begins(head, "\xd9\xd9\xf7"))
		return 60;
	n = head.ptr[1] & 0x1f;
	if ((head.ptr[0] != 0xbf && (head.ptr[0] < 0xa1 || head.ptr[0] > 0xb7)) || head.ptr[1] >> 5 != MAJOR_TEXT || n < 2 || n > 23 ||
	    head.len - 2 <= n)
		return 0;
	return is_identifier(slice_of(head.ptr + 2, n)) ? 40 : 0;
}

/* RFC 8949, appendix D. */
static double half(unsigned v)
{
	unsigned exponent = v >> 10 & 31, mantissa = v & 1023;
	double d = exponent == 0 ? ldexp(mantissa, -24) : exponent != 31 ? ldexp(mantissa + 1024, (int)exponent - 25) : mantissa ? NAN : INFINITY;

	return v & 0x8000 ? -d : d;
}

static void other(struct items *it, unsigned info, uint64_t v)
{
	uint32_t low = (uint32_t)v;
	double d;
	float f;

	switch (info) {
	case 20: items_value(it, SLICE("false"), VALUE_BOOL, false); break;
	case 21: items_value(it, SLICE("true"), VALUE_BOOL, false); break;
	case 25: items_double(it, half((unsigned)v)); break;
	case 26:
		memcpy(&f, &low, sizeof(f));
		items_double(it, (double)f);
		break;
	case 27:
		memcpy(&d, &v, sizeof(d));
		items_double(it, d);
		break;
	default: items_value(it, SLICE("null"), VALUE_NULL, false);
	}
}

/* The chunks of a text or of bytes whose length was not told; each is a value of the same name. */
static void chunks(struct items *it, enum major major)
{
	struct slice name = it->name;

	while (it->p < it->end && !it->stop && !it->tree->full && *it->p != 0xff) {
		unsigned info = *it->p & 31;
		uint64_t len = info;
		bool cut = false;
		struct slice s;

		if (*it->p++ >> 5 != major || info > 27) {
			it->stop = it->job->limited = true;
			return;
		}
		len = info < 24 ? info : items_number(it, 1u << (info - 24));
		if (it->stop)
			return;
		s = items_take(it, len, &cut);
		tree_leaf(it->tree, name, s, major == MAJOR_TEXT || is_written(s) ? VALUE_STRING : VALUE_BYTES, cut);
	}
	it->p += it->p < it->end;
	items_skip(it);
}

static void untold(struct items *it, enum major major)
{
	switch (major) {
	case MAJOR_BYTES: case MAJOR_TEXT: chunks(it, major); break;
	case MAJOR_LIST: case MAJOR_MAP: items_open(it, major == MAJOR_MAP, ITEMS_UNTOLD); break;
	case MAJOR_OTHER: items_close(it); break;
	default: it->stop = it->job->limited = true;
	}
}

static void item(struct items *it)
{
	enum major major = *it->p >> 5;
	unsigned info = *it->p++ & 31;
	bool cut = false;
	struct slice s;
	uint64_t v;

	if (info == UNTOLD || info > 27) {
		untold(it, info == UNTOLD ? major : MAJOR_TAG);
		return;
	}
	v = info < 24 ? info : items_number(it, 1u << (info - 24));
	if (it->stop)
		return;
	switch (major) {
	case MAJOR_POSITIVE: case MAJOR_NEGATIVE:
		items_integer(it, major == MAJOR_NEGATIVE, v);
		break;
	case MAJOR_BYTES: case MAJOR_TEXT:
		s = items_take(it, v, &cut);
		if (major == MAJOR_TEXT)
			items_value(it, s, VALUE_STRING, cut);
		else
			items_bytes(it, s, cut);
		break;
	case MAJOR_LIST: case MAJOR_MAP:
		items_open(it, major == MAJOR_MAP, v == ITEMS_UNTOLD ? v - 1 : v);
		break;
	case MAJOR_TAG:
		break;
	case MAJOR_OTHER:
		other(it, info, v);
	}
}

static void decode(struct content_job *job, struct slice body)
{
	struct items it;

	if (!items_begin(&it, job, body))
		return;
	while (it.p < it.end && !it.stop && !it.tree->full)
		item(&it);
	job->limited |= it.depth > 0 && it.p == it.end;	/* it has not ended */
	items_end(&it);
}

const struct content content_cbor = {
	.name = "cbor", .summary = "CBOR and sequences of it", .match = match, .decode = decode,
};
