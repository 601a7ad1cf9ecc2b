/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_records.c - the records of Kafka's Produce requests and Fetch responses, batch by batch: keys,
 * values, headers. Batches of format 2, and the messages of formats 0 and 1 before them; a batch that
 * is cut is read as far as it goes.
 *
 *   batch:   offset 64 | length 32 | epoch 32 | 2 | crc 32 | attributes 16 | last 32 | times 128 |
 *            producer 64+16+32 | count 32 | records, compressed together
 *   message: offset 64 | length 32 | crc 32 | 0 or 1 | attributes 8 | [time 64] | key | value */
#include <string.h>

#include "protocol/content.h"
#include "protocol/kafka.h"
#include "protocol/packed.h"

#define BATCH_HEAD	12	/* and then so many bytes as its length says */
#define BATCH_RECORDS	61
#define MAGIC_AT	16
#define CODEC_MASK	7
#define CONTROL		0x20
#define HEADERS_MAX	64	/* of a record that become fields */

struct batch { struct kafka_state *s; struct kafka_message *m; enum dir dir; bool cut; };

static enum packing packing_of(unsigned attributes)
{
	static const enum packing by_codec[CODEC_MASK + 1] = {
		PACKED_NOT, PACKED_ZLIB, PACKED_SNAPPY, PACKED_LZ4, PACKED_ZSTD, PACKED_UNKNOWN, PACKED_UNKNOWN, PACKED_UNKNOWN,
	};

	return by_codec[attributes & CODEC_MASK];
}

/* ---- what a record holds ---- */

/* As schema registries have it: a zero and the number of a schema, by which nobody here can read what
 * follows; its strings are in there as they are. */
static bool has_schema(struct slice value)
{
	return value.len > 6 && !value.ptr[0] && !value.ptr[1] && (value.ptr[2] || value.ptr[3] || value.ptr[4]);
}

/* A number in binary: nothing that could be looked at. */
static bool is_number(struct slice value)
{
	size_t i = 0;

	while (i < value.len && value.ptr[i] >= 0x20 && value.ptr[i] < 0x7f)
		i++;
	return i < value.len && (value.len == 1 || value.len == 2 || value.len == 4 || value.len == 8);
}

static void tell(struct batch *b, enum location location, const char *path, struct slice key, struct slice value, bool cut)
{
	struct content_job job = {
		.exchange = b->m->ex, .sink = b->s->sink, .location = location, .dir = b->dir, .cut = cut, .fields = b->m->fields, .base = path, .key = key,
	};
	int done = INSPECTED_FULL;

	if (!b->m->ex || !value.len || is_number(value))
		return;
	if (has_schema(value) && !memchr("{[\"", value.ptr[5], 3)) {
		content_text(&job, path, slice_of(value.ptr + 5, value.len - 5));
		b->m->unread = true;
	} else {
		value = has_schema(value) ? slice_of(value.ptr + 5, value.len - 5) : value;
		done = content_decode(&job, (struct slice){ 0 }, value);
	}
	b->m->fields = job.fields;
	b->m->looked |= done != INSPECTED_NONE;
	b->m->unread |= done != INSPECTED_FULL;
}

static bool full(const struct batch *b)
{
	const struct field_sink *sink = b->s->sink;

	return b->m->fields >= CONTENT_FIELDS || (sink->afford && !sink->afford(sink->owner, 0));
}

/* A length before it, -1: none. Of what is cut, what is there. */
static struct slice take_bytes(struct reader *r, bool varint, bool *cut)
{
	uint64_t raw = varint ? reader_varint(r) : reader_number(r, 4);
	int64_t len = varint ? (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1) : (int32_t)raw;

	if (r->failed || len < 0)
		return (struct slice){ 0 };
	*cut = (uint64_t)len > r->left.len;
	return reader_take(r, *cut ? r->left.len : (size_t)len);
}

/* ---- format 2 ---- */

static void header(struct batch *b, struct reader *r)
{
	enum location location = b->m->response ? LOC_RESPONSE_HEADER : LOC_REQUEST_HEADER;
	bool cut = false;
	struct slice name = take_bytes(r, true, &cut), value = take_bytes(r, true, &cut);
	char path[NAME_SIZE + 8] = "header.";

	if (r->failed || !value.len)
		return;
	b->s->sink->clean(b->s->sink->owner, path + 7, name);
	tell(b, location, path, name, value, cut);
}

static void record(struct batch *b, struct slice in, bool cut)
{
	enum location location = b->m->response ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY;
	struct reader r = { in, false };
	bool key_cut = false, value_cut = false;
	struct slice key, value;
	uint64_t headers;

	reader_take(&r, 1);
	reader_varint(&r);
	reader_varint(&r);
	key = take_bytes(&r, true, &key_cut);
	tell(b, location, "key", (struct slice){ 0 }, key, key_cut);
	value = take_bytes(&r, true, &value_cut);
	tell(b, location, "value", (struct slice){ 0 }, value, value_cut);
	headers = reader_varint(&r) >> 1;
	for (uint64_t i = 0; i < headers && i < HEADERS_MAX && !r.failed; i++)
		header(b, &r);
	b->m->unread |= cut || r.failed || headers > HEADERS_MAX;
}

static void records(struct batch *b, struct slice in)
{
	struct reader r = { in, false };

	while (r.left.len && !full(b)) {
		bool cut = false;
		struct slice one = take_bytes(&r, true, &cut);

		if (r.failed || !one.len)
			break;
		record(b, one, cut);
	}
	b->m->unread |= b->cut || r.left.len;
}

/* ---- formats 0 and 1 ---- */

static void messages(struct batch *b, struct slice in, bool inner);

static bool unpack(struct batch *b, enum packing packing, struct slice in, struct buf *plain)
{
	enum unpacked done = packed_read(b->s->sink, packing, in, plain);

	/* To walk it costs as much as if it had come so. */
	if (b->s->sink->afford)
		b->s->sink->afford(b->s->sink->owner, (int64_t)(plain->len * KAFKA_COST));
	b->m->unread |= done != UNPACKED_WHOLE;
	return done != UNPACKED_NONE;
}

/* Of one that is compressed the value holds messages. */
static void message(struct batch *b, struct slice in, bool cut, bool inner)
{
	enum location location = b->m->response ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY;
	struct reader r = { in, false };
	enum packing packing;
	bool key_cut = false, value_cut = false;
	struct slice key, value;
	uint32_t magic;
	struct buf plain;

	reader_take(&r, MAGIC_AT);
	magic = reader_number(&r, 1);
	packing = packing_of(reader_number(&r, 1));
	if (magic)
		reader_take(&r, 8);
	key = take_bytes(&r, false, &key_cut);
	tell(b, location, "key", (struct slice){ 0 }, key, key_cut);
	value = take_bytes(&r, false, &value_cut);
	b->m->unread |= cut || r.failed || (inner && packing != PACKED_NOT);
	if (packing == PACKED_NOT) {
		tell(b, location, "value", (struct slice){ 0 }, value, value_cut);
	} else if (!inner) {
		if (unpack(b, packing, value, &plain))
			messages(b, slice_of(plain.ptr, plain.len), true);
		buf_free(&plain);
	}
}

static uint32_t length_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void messages(struct batch *b, struct slice in, bool inner)
{
	while (in.len > MAGIC_AT && !full(b)) {
		uint64_t len = BATCH_HEAD + (uint64_t)length_at(in.ptr + 8);
		size_t n = len < in.len ? (size_t)len : in.len;

		if (in.ptr[MAGIC_AT] > 1 || len <= MAGIC_AT)
			break;
		message(b, slice_of(in.ptr, n), n < len, inner);
		in = slice_of(in.ptr + n, in.len - n);
	}
	b->m->unread |= in.len > 0;
}

/* A batch, or a message. */
static void batch(struct batch *b, struct slice in)
{
	const struct field_sink *sink = b->s->sink;
	unsigned attributes;
	struct slice packed;
	struct buf plain;

	if (!b->m->topic_told)
		kafka_route(b->m->ex, b->m->topic, &b->m->topics_told);
	b->m->topic_told = true;
	if (sink->afford && !sink->afford(sink->owner, (int64_t)(in.len * KAFKA_COST))) {
		b->m->unread = true;
		return;
	}
	if (in.len > MAGIC_AT && in.ptr[MAGIC_AT] <= 1) {
		messages(b, in, false);
		return;
	}
	if (in.len < BATCH_RECORDS || in.ptr[MAGIC_AT] != 2) {
		b->m->unread = true;
		return;
	}
	attributes = (unsigned)in.ptr[21] << 8 | in.ptr[22];
	packed = slice_of(in.ptr + BATCH_RECORDS, in.len - BATCH_RECORDS);
	if (attributes & CONTROL)	/* where a transaction ends */
		return;
	if (packing_of(attributes) == PACKED_NOT) {
		records(b, packed);
		return;
	}
	if (unpack(b, packing_of(attributes), packed, &plain))
		records(b, slice_of(plain.ptr, plain.len));
	buf_free(&plain);
}

/* ---- steps of a message ---- */

/* Up to the topics; false: not all of it is there. */
static bool head(struct kafka_message *m, struct reader *r)
{
	unsigned v = m->version;
	uint16_t error = 0;

	if (m->response) {
		reader_take(r, v >= 1 ? 4 : 0);
		error = v >= 7 ? (uint16_t)reader_number(r, 2) : 0;
		reader_take(r, v >= 7 ? 4 : 0);
	} else {
		if (v >= 3)
			kafka_string(r, m->flexible);
		m->silent = !reader_number(r, 2) && !r->failed;
		reader_take(r, 4);
	}
	m->topics = kafka_count(r, m->flexible);
	if (r->failed)
		return false;
	m->topics = m->topics == UINT32_MAX ? 0 : m->topics;
	m->error = error;
	m->stage = m->topics ? STAGE_TOPIC : STAGE_REST;
	return true;
}

static bool topic(struct kafka_state *s, struct kafka_message *m, struct reader *r)
{
	char name[NAME_SIZE];

	kafka_topic(s, r, m->version >= 13, m->flexible, name);
	m->partitions = kafka_count(r, m->flexible);
	if (r->failed)
		return false;
	memcpy(m->topic, name, sizeof(name));
	m->topic_told = false;
	m->partitions = m->partitions == UINT32_MAX ? 0 : m->partitions;
	m->stage = STAGE_PARTITION;
	return true;
}

/* Up to the transactions that were aborted in it, which are steps of their own: a list is not read again
 * from its beginning when more of it comes. */
static bool partition(struct kafka_message *m, struct reader *r)
{
	unsigned v = m->version;
	uint16_t error = 0;
	uint32_t aborted = 0;

	reader_take(r, 4);
	if (m->response) {
		error = (uint16_t)reader_number(r, 2);
		reader_take(r, 8 + (v >= 4 ? 8 : 0) + (v >= 5 ? 8 : 0));
		aborted = v >= 4 ? kafka_count(r, m->flexible) : 0;
	}
	if (r->failed)
		return false;
	m->error = m->error ? m->error : error;
	m->aborted = aborted == UINT32_MAX ? 0 : aborted;
	m->stage = STAGE_ABORTED;
	return true;
}

/* One of them, or what stands behind all. */
static bool aborted(struct kafka_message *m, struct reader *r)
{
	uint32_t size;

	if (m->aborted) {
		reader_take(r, 16);
		kafka_tags(r, m->flexible);
		m->aborted -= !r->failed;
		return !r->failed;
	}
	reader_take(r, m->response && m->version >= 11 ? 4 : 0);
	size = kafka_count(r, m->flexible);
	if (r->failed)
		return false;
	m->records = size == UINT32_MAX ? 0 : size;
	m->stage = STAGE_RECORDS;
	return true;
}

/* Bytes of the next batch; of its last one a server may send the beginning alone. */
static uint64_t batch_size(const struct kafka_message *m, struct slice in)
{
	uint64_t size = in.len < BATCH_HEAD ? m->records : BATCH_HEAD + (uint64_t)length_at(in.ptr + 8);

	return size < m->records ? size : m->records;
}

/* Returns the bytes taken; 0: wants more. */
static size_t take_records(struct kafka_state *s, struct kafka_message *m, enum dir dir, struct slice in, enum frames_more more)
{
	struct batch b = { s, m, dir, false };
	uint64_t size;
	size_t n;

	if (in.len < BATCH_HEAD && in.len < m->records && more == FRAMES_MORE)
		return 0;
	size = batch_size(m, in);
	if (size > in.len && more == FRAMES_MORE)
		return 0;
	n = size < in.len ? (size_t)size : in.len;
	b.cut = n < size || (n >= BATCH_HEAD && n < BATCH_HEAD + (uint64_t)length_at(in.ptr + 8));
	if (m->ex)
		batch(&b, slice_of(in.ptr, n));
	m->records -= size;
	frames_skip(&s->frames, dir, size - n);
	return n;
}

/* Behind the records of a partition, or a topic that has none; its topic may end. */
static bool partition_end(struct kafka_message *m, struct reader *r)
{
	if (m->partitions)
		kafka_tags(r, m->flexible);
	if (m->partitions <= 1)
		kafka_tags(r, m->flexible);
	if (r->failed)
		return false;
	m->partitions -= m->partitions > 0;
	m->stage = STAGE_PARTITION;
	if (!m->partitions)
		m->stage = --m->topics ? STAGE_TOPIC : STAGE_REST;
	return true;
}

static bool step(struct kafka_state *s, struct kafka_message *m, struct reader *r)
{
	switch (m->stage) {
	case STAGE_TAGS:
		kafka_tags(r, m->flexible);
		if (!r->failed)
			m->stage = STAGE_HEAD;
		return !r->failed;
	case STAGE_HEAD: return head(m, r);
	case STAGE_TOPIC: return topic(s, m, r);
	case STAGE_PARTITION: return m->partitions ? partition(m, r) : partition_end(m, r);
	case STAGE_ABORTED: return aborted(m, r);
	case STAGE_RECORDS: return partition_end(m, r);	/* of which none is left */
	default: return false;
	}
}

size_t kafka_walk(struct kafka_state *s, struct kafka_message *m, enum dir dir, struct slice in, enum frames_more more)
{
	struct reader r = { in, false };

	while (m->stage != STAGE_REST) {
		struct reader before = r;

		if (m->stage == STAGE_RECORDS && m->records) {
			uint64_t left = m->records;
			size_t n = r.left.len ? take_records(s, m, dir, r.left, more) : 0;

			reader_take(&r, n);
			if (!n || left - m->records > n)	/* wants more, or passes over what is not there */
				break;
			continue;
		}
		if (!step(s, m, &r)) {
			r = before;
			if (more != FRAMES_MORE) {	/* where the next one begins is not known */
				m->unread = true;
				m->stage = STAGE_REST;
			}
			break;
		}
	}
	if (m->stage == STAGE_REST) {
		frames_skip(&s->frames, dir, FRAMES_ALL);
		return in.len;
	}
	return in.len - r.left.len;
}

/* Behind a batch that is not whole the next one of its partition cannot be found; its end can. */
uint64_t kafka_hole(struct kafka_message *m, uint64_t missing)
{
	uint64_t skip = m->records - missing;

	m->unread = true;
	if (m->stage != STAGE_RECORDS || missing > m->records) {
		m->stage = STAGE_REST;
		return FRAMES_ALL;
	}
	m->records = 0;
	return skip;
}
