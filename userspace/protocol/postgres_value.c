/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_value.c - values by their type's OID; those of the built-in types never change. */
#include "protocol/postgres_value.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "protocol/reader.h"

enum {
	OID_BOOL = 16, OID_BYTEA = 17, OID_CHAR = 18, OID_NAME = 19, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_OID = 26,
	OID_JSON = 114, OID_XML = 142, OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_UNKNOWN = 705, OID_BPCHAR = 1042, OID_VARCHAR = 1043,
	OID_DATE = 1082, OID_TIMESTAMP = 1114, OID_TIMESTAMPTZ = 1184, OID_NUMERIC = 1700, OID_UUID = 2950, OID_JSONB = 3802,
};

#define DAYS_2000	10957		/* where PostgreSQL counts from */
#define DAYS_MAX	2932896		/* to the year 9999 */

static uint64_t big_endian(struct slice raw)
{
	uint64_t v = 0;

	for (size_t i = 0; i < raw.len && i < 8; i++)
		v = v << 8 | raw.ptr[i];
	return v;
}

static struct value integer(struct slice raw, char *room)
{
	int64_t v = (int64_t)big_endian(raw);

	return value_integer(room, raw.len == 2 ? (int16_t)v : raw.len == 4 ? (int32_t)v : v);
}

static struct value moment(int64_t seconds, bool with_time, char *room)
{
	int64_t days = seconds / 86400 - (seconds % 86400 < 0), rest = seconds - days * 86400;
	unsigned month, day;
	int year, n;

	clock_civil(days + DAYS_2000, &year, &month, &day);
	n = snprintf(room, VALUE_ROOM, "%04d-%02u-%02u", year, month, day);
	if (with_time)
		n += snprintf(room + n, VALUE_ROOM - (size_t)n, " %02d:%02d:%02d", (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
	return value_written(room, n, VALUE_STRING);
}

static struct value uuid(struct slice raw, char *room)
{
	size_t n = 0;

	for (size_t i = 0; i < 16; i++)
		n += (size_t)snprintf(room + n, VALUE_ROOM - n, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", raw.ptr[i]);
	return value_written(room, (int)n, VALUE_STRING);
}

/* Digits of base 10,000, the first of weight 10,000^weight. */
static struct value numeric(struct slice raw, char *room)
{
	struct reader r = { raw, false };
	uint32_t nr = reader_number(&r, 2);
	int weight = (int16_t)reader_number(&r, 2);
	uint32_t sign = reader_number(&r, 2), scale = reader_number(&r, 2);
	size_t n = 0;

	if (r.failed || nr > 8 || weight > 7 || weight < -1 || nr * 2 != r.left.len || scale > 16 || (sign && sign != 0x4000))
		return value_bytes(raw);
	if (sign)
		room[n++] = '-';
	if (weight < 0)
		room[n++] = '0';
	for (int place = weight; place >= 0; place--)
		n += (size_t)snprintf(room + n, VALUE_ROOM - n, place == weight ? "%u" : "%04u",
				      r.left.len ? reader_number(&r, 2) % 10000 : 0);
	if (scale) {
		size_t end = n + 1 + scale;

		room[n++] = '.';
		while (n < end)
			n += (size_t)snprintf(room + n, VALUE_ROOM - n, "%04u", r.left.len ? reader_number(&r, 2) % 10000 : 0);
		n = end;
	}
	return value_written(room, (int)n, VALUE_NUMBER);
}

static struct value binary_value(uint32_t type, struct slice raw, char *room)
{
	switch (type) {
	case OID_INT2: case OID_INT4: case OID_INT8: case OID_OID:
		if (raw.len == 2 || raw.len == 4 || raw.len == 8)
			return integer(raw, room);
		return value_bytes(raw);
	case OID_FLOAT4: case OID_FLOAT8:
		return raw.len == 4 || raw.len == 8 ? value_real(room, big_endian(raw), raw.len == 4) : value_bytes(raw);
	case OID_BOOL:
		return value_written(room, snprintf(room, VALUE_ROOM, "%s", raw.len && raw.ptr[0] ? "true" : "false"), VALUE_BOOL);
	case OID_DATE: {
		int64_t days = (int32_t)big_endian(raw);

		return raw.len == 4 && days > -DAYS_MAX && days < DAYS_MAX ? moment(days * 86400, false, room) : value_bytes(raw);
	}
	case OID_TIMESTAMP: case OID_TIMESTAMPTZ: {
		int64_t seconds = (int64_t)big_endian(raw) / 1000000;

		return raw.len == 8 && seconds / 86400 > -DAYS_MAX && seconds / 86400 < DAYS_MAX ? moment(seconds, true, room) : value_bytes(raw);
	}
	case OID_UUID:
		return raw.len == 16 ? uuid(raw, room) : value_bytes(raw);
	case OID_NUMERIC:
		return numeric(raw, room);
	case OID_JSONB:	/* a version, then the text */
		return raw.len ? (struct value){ slice_of(raw.ptr + 1, raw.len - 1), VALUE_STRING, true } : value_bytes(raw);
	case OID_BYTEA:
		return value_bytes(raw);
	default:
		return value_text(raw);
	}
}

struct value postgres_value(uint32_t type, bool binary, struct slice raw, char room[VALUE_ROOM])
{
	struct value v = { raw, VALUE_STRING, false };

	if (binary && type != OID_TEXT && type != OID_VARCHAR && type != OID_BPCHAR && type != OID_NAME && type != OID_UNKNOWN)
		v = binary_value(type, raw, room);
	else if (type == OID_INT2 || type == OID_INT4 || type == OID_INT8 || type == OID_OID || type == OID_NUMERIC || type == OID_FLOAT4 ||
		 type == OID_FLOAT8)
		v.type = VALUE_NUMBER;
	else if (type == OID_BOOL)
		v.type = VALUE_BOOL;
	v.free_text |= type == OID_JSON || type == OID_JSONB || type == OID_XML;
	return v;
}
