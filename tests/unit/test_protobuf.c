/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over protocol buffers without a schema, beside `protoc --decode_raw`: of messages that are generated, and
 * of the same with some bytes changed, both say whether it is one, and give the same numbers and values in the same
 * order. What has a length may be several things; there they may differ: protoc takes all that divides into fields for
 * a message, weir takes what is text for text, and several numbers for numbers. */
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/content_world.h"

#define MESSAGES 10007
#define DEPTH 5

struct seen { char path[PATH_SIZE]; uint8_t type; uint32_t siblings; size_t len; uint8_t bytes[64]; };
static struct seen *seen;
static size_t nr_seen, room_seen;

static void take_seen(void *owner, struct exchange *ex, const struct field *f)
{
	struct seen *s;

	if (nr_seen == room_seen) {
		room_seen = room_seen ? room_seen * 2 : 64;
		seen = realloc(seen, room_seen * sizeof(*seen));
		assert_non_null(seen);
	}
	s = &seen[nr_seen++];
	memcpy(s->path, f->path, sizeof(s->path));
	s->type = f->type;
	s->siblings = f->siblings;
	s->len = f->value.len;
	memcpy(s->bytes, f->value.ptr, f->value.len < sizeof(s->bytes) ? f->value.len : sizeof(s->bytes));
}

static int walk(struct slice message)
{
	const struct field_sink sink = { .field = take_seen };
	static struct exchange ex;
	struct content_job job = { .exchange = &ex, .sink = &sink, .location = LOC_REQUEST_BODY };

	nr_seen = 0;
	return content_decode(&job, SLICE("application/protobuf"), message);
}

/* ---- messages ---- */

static unsigned upto(unsigned n)
{
	return (unsigned)rand() % n;
}

static void put_varint(struct buf *b, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;

	do
		bytes[n++] = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
	while (v >>= 7);
	buf_add(b, bytes, n);
}

static void put_message(struct buf *b, unsigned depth);

static void put_length(struct buf *b, unsigned depth)
{
	static const char *const texts[] = { "", "a", "ann@example.org", "4111111111111111", "\xc3\xa4\xe2\x82\xac", "\n\x03" "abc", "line\nline", "\"\\'" };
	struct buf inner;
	unsigned kind = upto(4);

	buf_init(&inner, 1 << 16);
	if (kind == 0 && depth < DEPTH)
		put_message(&inner, depth + 1);
	else if (kind == 1)
		for (unsigned i = upto(20); i; i--)
			buf_add(&inner, &(uint8_t){ (uint8_t)rand() }, 1);
	else if (kind == 2)
		for (unsigned i = upto(6); i; i--)
			put_varint(&inner, (uint64_t)rand() << upto(33) >> upto(31));
	else
		buf_puts(&inner, texts[upto(sizeof(texts) / sizeof(texts[0]))]);
	put_varint(b, inner.len);
	buf_add(b, inner.ptr, inner.len);
	buf_free(&inner);
}

static void put_message(struct buf *b, unsigned depth)
{
	static const uint32_t numbers[] = { 1, 2, 3, 15, 16, 2047, 2048, 536870911 };
	static const unsigned kinds[] = { 0, 0, 1, 2, 2, 2, 2, 3, 5 };

	for (unsigned i = upto(6); i; i--) {
		uint32_t number = numbers[upto(sizeof(numbers) / sizeof(numbers[0]))];
		unsigned kind = kinds[upto(sizeof(kinds) / sizeof(kinds[0]))];

		put_varint(b, number << 3 | kind);
		if (kind == 0)
			put_varint(b, ((uint64_t)rand() << 33 ^ (uint64_t)rand()) >> upto(64));
		else if (kind == 1 || kind == 5)
			for (unsigned k = kind == 1 ? 8 : 4; k; k--)
				buf_add(b, &(uint8_t){ (uint8_t)rand() }, 1);
		else if (kind == 2)
			put_length(b, depth);
		if (kind == 3) {
			size_t empty = b->len;

			if (depth < DEPTH)
				put_message(b, depth + 1);
			if (b->len == empty)	/* one that is would not be told apart from text that protoc takes for a message */
				buf_add(b, "\x08\x01", 2);
			put_varint(b, number << 3 | 4);
		}
	}
}

static void mutate(struct buf *b)
{
	for (unsigned i = 1 + upto(3); i && b->len; i--) {
		size_t at = (size_t)rand() % b->len;

		switch (upto(3)) {
		case 0:
			b->ptr[at] = (uint8_t)rand();
			break;
		case 1:
			b->len = at;
			break;
		case 2:
			memmove(b->ptr + at, b->ptr + at + 1, b->len - at - 1);
			b->len--;
			break;
		}
	}
}

/* ---- what protoc says, a line at a time ---- */

static char *said_next;

static char *said_line(void)
{
	char *line = said_next, *end = strchr(line, '\n');

	assert_non_null(end);
	*end = 0;
	said_next = end + 1;
	return line + strspn(line, " ");
}

/* "..." with escapes, into what it stands for. */
static size_t unquote(const char *p, uint8_t *out)
{
	size_t n = 0;

	for (p++; *p && *p != '"'; p++)
		if (*p != '\\') {
			out[n++] = (uint8_t)*p;
		} else if (p[1] >= '0' && p[1] <= '7') {
			out[n++] = (uint8_t)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		} else {
			p++;
			out[n++] = (uint8_t)(*p == 'n' ? '\n' : *p == 'r' ? '\r' : *p == 't' ? '\t' : *p);
		}
	return n;
}

static size_t at_seen;
static char why[512];

static bool differ(const char *what, const char *path)
{
	if (!why[0])
		snprintf(why, sizeof(why), "%s at %s, weir has %s", what, path, at_seen < nr_seen ? seen[at_seen].path : "nothing more");
	return false;
}

static const struct seen *seen_at(const char *path)
{
	return at_seen < nr_seen && !strcmp(seen[at_seen].path, path) ? &seen[at_seen] : NULL;
}

/* Numbers that were taken for a list. */
static bool skip_list(const char *path)
{
	char list[PATH_SIZE + 2];
	size_t before = at_seen;

	snprintf(list, sizeof(list), "%s[]", path);
	while (seen_at(list) && seen[at_seen].siblings == seen[before].siblings)	/* of one field */
		at_seen++;
	return at_seen > before;
}

static void skip_inner(void)
{
	for (unsigned depth = 1; depth;) {
		const char *line = said_line();

		depth += line[0] && line[strlen(line) - 1] == '{';
		depth -= line[0] == '}';
	}
}

/* Those that follow up to a "}", of a message or a group whose path that is. */
static bool same_fields(const char *path)
{
	for (;;) {
		char *line = said_line(), below[PATH_SIZE], *rest;
		const struct seen *s;
		unsigned long number;

		if (line[0] == '}')
			return true;
		number = strtoul(line, &rest, 10);
		snprintf(below, sizeof(below), "%s.%lu", path, number);
		s = seen_at(below);
		if (!strcmp(rest, " {")) {
			if ((s && s->type != VALUE_NUMBER) || skip_list(below)) {
				at_seen += s != NULL;	/* text, or numbers */
				skip_inner();
				continue;
			}
			if (!same_fields(below))
				return false;
			continue;
		}
		if (rest[0] == ':' && rest[2] == '"') {
			uint8_t *value = malloc(strlen(rest) + 1);
			size_t len = unquote(rest + 2, value);
			bool same = s && s->type != VALUE_NUMBER && s->len == len && !memcmp(s->bytes, value, len < sizeof(s->bytes) ? len : sizeof(s->bytes));

			free(value);
			if (same)
				at_seen++;
			else if (s || !skip_list(below))
				return differ(line, below);
			continue;
		}
		if (!s || s->type != VALUE_NUMBER || s->len > 20)
			return differ(line, below);
		char text[24];

		memcpy(text, s->bytes, s->len);
		text[s->len] = 0;
		if (strtoull(text, NULL, 10) != strtoull(rest + 2, NULL, 0))
			return differ(line, below);
		at_seen++;
	}
}

/* protoc drops what is above 32 bits in a tag or a length; to weir it is none. */
static bool has_long_number(struct slice m)
{
	for (size_t i = 0, run = 0; i < m.len; i++) {
		run = m.ptr[i] & 0x80 ? run + 1 : 0;
		if (run >= 4)
			return true;
	}
	return false;
}

static void told(unsigned i, struct slice m)
{
	for (size_t k = 0; k < m.len; k++)
		printf("%02x", m.ptr[k]);
	printf("\n");
	for (size_t k = 0; k < nr_seen; k++)
		printf("%s%s of %zu bytes\n", k == at_seen ? "> " : "", seen[k].path, seen[k].len);
	fail_msg("message %u: %s", i, why);
}

static void the_walk_agrees_with_decode_raw(void **state)
{
	static struct buf message[MESSAGES];
	struct buf all, said;
	char folder[] = "/tmp/weir-test-protobuf-XXXXXX", line[256], path[64];
	unsigned right = 0, wrong = 0;
	int fd;

	buf_init(&all, 8 << 20);
	buf_init(&said, 64 << 20);
	srand(23);
	for (unsigned i = 0; i < MESSAGES; i++) {
		buf_init(&message[i], 1 << 20);
		while (!message[i].len)
			put_message(&message[i], 0);
		if (i % 3)
			mutate(&message[i]);
		put_varint(&all, 1 << 3 | 2);
		put_varint(&all, message[i].len);
		buf_add(&all, message[i].ptr, message[i].len);
	}
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/all", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write_all(fd, all.ptr, all.len), 0);
	close(fd);
	snprintf(line, sizeof(line), "cd %s && protoc --decode_raw <all >said", folder);
	if (system(line))
		fail_msg("%s: failed; protoc is in the package protobuf-compiler", line);
	snprintf(path, sizeof(path), "%s/said", folder);
	assert_int_equal(read_file(AT_FDCWD, path, &said), 0);
	said_next = (char *)(uintptr_t)buf_str(&said);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct slice m = slice_of(message[i].ptr, message[i].len);
		bool is = walk(m) == INSPECTED_FULL, theirs = !strcmp(said_line(), "1 {");

		why[0] = 0;
		at_seen = 0;
		if (theirs && is && m.len) {
			if (!same_fields("$") || (at_seen < nr_seen && !differ("the end", "$")))
				told(i, m);
			right++;
			continue;
		}
		if (theirs)
			skip_inner();
		if (m.len && is != theirs && !has_long_number(m))
			fail_msg("message %u of %zu bytes: protoc says it is %s message, weir that it is %s", i, m.len, theirs ? "a" : "no", is ? "one" : "none");
		wrong += m.len && !is;
	}
	if (right < 4000 || wrong < 2000)
		fail_msg("%u messages and %u that are none are too few", right, wrong);
	for (unsigned i = 0; i < MESSAGES; i++)
		buf_free(&message[i]);
	buf_free(&all);
	buf_free(&said);
	free(seen);
	snprintf(line, sizeof(line), "rm -r %s", folder);
	assert_int_equal(system(line), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_walk_agrees_with_decode_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
