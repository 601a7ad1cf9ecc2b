/* SPDX-License-Identifier: Apache-2.0 */
/* mysql_value.c - numbers, strings and values as MySQL writes them: little-endian, lengths of
 * variable size, rows in text or binary. */
#include <stdio.h>
#include <string.h>

#include "protocol/mysql.h"

uint64_t my_little(struct reader *r, unsigned bytes)
{
	struct slice s = reader_take(r, bytes);
	uint64_t v = 0;

	for (size_t i = s.len; i-- > 0;)
		v = v << 8 | s.ptr[i];
	return v;
}

uint64_t my_number(struct reader *r)
{
	uint64_t first = my_little(r, 1);

	if (first < 0xfb)
		return first;
	if (first == 0xfb || first == 0xff) {	/* NULL, an error: no number */
		r->failed = true;
		return 0;
	}
	return my_little(r, first == 0xfc ? 2 : first == 0xfd ? 3 : 8);
}

struct slice my_vector(struct reader *r, bool cut, bool *is_cut)
{
	uint64_t n = my_number(r);

	*is_cut = cut && !r->failed && n > r->left.len;
	if (*is_cut)
		n = r->left.len;
	if (n > r->left.len)
		r->failed = true;
	return reader_take(r, r->failed ? 0 : (size_t)n);
}

/* How many bytes a type has; 0: a length stands before them. */
static unsigned size_of(uint32_t type)
{
	switch (type & 0xff) {
	case MY_TINY: return 1;
	case MY_SHORT: case MY_YEAR: return 2;
	case MY_LONG: case MY_INT24: case MY_FLOAT: return 4;
	case MY_LONGLONG: case MY_DOUBLE: return 8;
	default: return 0;
	}
}

static struct value integer(uint64_t v, unsigned size, uint32_t type, char *room)
{
	unsigned shift = 64 - size * 8;

	if (type & MY_UNSIGNED)
		return value_written(room, snprintf(room, VALUE_ROOM, "%llu", (unsigned long long)v), VALUE_NUMBER);
	return value_integer(room, (int64_t)(v << shift) >> shift);
}

/* A length, then as much of year, month, day, hour, minute, second, fraction as is not zero. */
static struct value moment(struct slice raw, bool with_time, char *room)
{
	struct reader r = { raw, false };
	unsigned year = (unsigned)my_little(&r, 2), month = (unsigned)my_little(&r, 1), day = (unsigned)my_little(&r, 1);
	int n;

	if (r.failed)
		return value_bytes(raw);
	n = snprintf(room, VALUE_ROOM, "%04u-%02u-%02u", year, month, day);
	if (with_time && r.left.len >= 3) {
		unsigned hour = (unsigned)my_little(&r, 1), minute = (unsigned)my_little(&r, 1);

		n += snprintf(room + n, VALUE_ROOM - (size_t)n, " %02u:%02u:%02u", hour, minute, (unsigned)my_little(&r, 1));
	}
	return value_written(room, n, VALUE_STRING);
}

static struct value duration(struct slice raw, char *room)
{
	struct reader r = { raw, false };
	bool minus = my_little(&r, 1);
	unsigned long long days = my_little(&r, 4);
	unsigned hour = (unsigned)my_little(&r, 1), minute = (unsigned)my_little(&r, 1), second = (unsigned)my_little(&r, 1);

	if (r.failed)
		return value_bytes(raw);
	return value_written(room, snprintf(room, VALUE_ROOM, "%s%02llu:%02u:%02u", minus ? "-" : "", days * 24 + hour, minute, second), VALUE_STRING);
}

struct value my_text_value(uint32_t type, struct slice raw)
{
	struct value v = value_text(raw);

	if (!(type & MY_KNOWN))
		return v;
	switch (type & 0xff) {
	case MY_DECIMAL: case MY_TINY: case MY_SHORT: case MY_LONG: case MY_FLOAT: case MY_DOUBLE: case MY_LONGLONG: case MY_INT24:
	case MY_YEAR: case MY_NEWDECIMAL:
		return (struct value){ raw, VALUE_NUMBER, false };
	case MY_BIT: case MY_GEOMETRY:
		return value_bytes(raw);
	case MY_TINY_BLOB: case MY_MEDIUM_BLOB: case MY_LONG_BLOB: case MY_BLOB:
		return type & MY_BINARY ? value_bytes(raw) : v;
	case MY_JSON:
		v.free_text = true;
		return v;
	default:
		return v;
	}
}

bool my_value(struct reader *r, uint32_t type, bool cut, bool *is_cut, struct value *out, char room[VALUE_ROOM])
{
	unsigned size = size_of(type), kind = type & 0xff;
	struct slice raw;

	*is_cut = false;
	if (size) {
		uint64_t v = my_little(r, size);

		if (kind == MY_FLOAT || kind == MY_DOUBLE)
			*out = value_real(room, v, kind == MY_FLOAT);
		else
			*out = integer(v, size, type, room);
		return !r->failed;
	}
	if (kind == MY_NULL) {
		*out = value_bytes((struct slice){ 0 });
		return true;
	}
	raw = my_vector(r, cut, is_cut);
	if (kind == MY_DATE || kind == MY_DATETIME || kind == MY_TIMESTAMP)
		*out = raw.len ? moment(raw, kind != MY_DATE, room) : value_bytes(raw);
	else if (kind == MY_TIME)
		*out = raw.len ? duration(raw, room) : value_bytes(raw);
	else
		*out = my_text_value(type | MY_KNOWN, raw);
	return !r->failed;
}
