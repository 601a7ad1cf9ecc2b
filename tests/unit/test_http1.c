/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 beside http-parser 2.9, which Node.js read it with for ten years: of what it takes for valid,
 * and of all that stands before what it refuses, the same messages with the same method or status and
 * the same length on the wire. Requests and answers are made of parts, well-formed and not, and then
 * bytes of heads are changed; what either of the two does behind an error is its own affair. */
#include "tests/unit/session_world.h"

#include <ctype.h>
#include <http_parser.h>

#include "protocol/http_name.h"

#define MESSAGES 16

struct message { char method[WORD_SIZE]; unsigned status; uint64_t length; };
struct messages { struct message at[MESSAGES]; unsigned nr; };

/* Random, and the same in each run. */
static uint32_t seed;
static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * n >> 32);
}
#define ONE_OF(...) one_of((const char *const[]){ __VA_ARGS__, NULL })
static const char *one_of(const char *const *these)
{
	unsigned n = 0;

	while (these[n])
		n++;
	return these[below(n)];
}

/* What weir saw. */
static struct messages ours;
static bool asked;	/* requests are of interest, not answers */

static void take_ours(const struct exchange *ex)
{
	struct message *m = &ours.at[ours.nr];

	if ((!asked && !ex->status) || ours.nr == MESSAGES)
		return;
	memset(m, 0, sizeof(*m));
	if (asked)
		memcpy(m->method, ex->method, WORD_SIZE);
	m->status = asked ? 0 : ex->status;
	m->length = asked ? ex->request_bytes : ex->response_bytes;
	ours.nr++;
}

/* What http-parser saw. */
struct oracle { struct messages told; const char *of_head; bool done, failed; };

static int on_head(http_parser *p)
{
	const struct oracle *o = p->data;

	/* It reads a body behind 1xx, 204 and 304 where one is told; RFC 9112, 6.3 has none. */
	return p->type == HTTP_RESPONSE && (p->status_code / 100 == 1 || p->status_code == 204 || p->status_code == 304 ||
					    o->of_head[o->told.nr] == 'H');
}

static int on_done(http_parser *p)
{
	((struct oracle *)p->data)->done = true;
	http_parser_pause(p, 1);
	return 0;
}

/* The head that begins here is HTTP/1's by RFC 9112: its name is in its first line, and a carriage return
 * stands before a line feed alone. */
static bool is_strict(const struct buf *stream, size_t begin, size_t end)
{
	const uint8_t *p = stream->ptr, *nl = memchr(p + begin, '\n', end - begin);

	if (!nl || !memmem(p + begin, (size_t)(nl - p) - begin, "HTTP/1.", 7))
		return false;
	for (size_t i = begin; i + 1 < end && (i + 2 >= end || (memcmp(p + i, "\n\r\n", 3) && memcmp(p + i, "\n\n", 2))); i++)
		if (p[i] == '\r' && p[i + 1] != '\n')
			return false;
	return true;
}

/* The messages of a stream that is at its end; of_head: 'H' for each answer to a HEAD. */
static void ask_oracle(struct oracle *o, enum http_parser_type type, const struct buf *stream, const char *of_head)
{
	http_parser_settings settings = { .on_headers_complete = on_head, .on_message_complete = on_done };
	http_parser p;
	size_t at = 0, begin = 0;

	*o = (struct oracle){ .of_head = of_head };
	http_parser_init(&p, type);
	p.data = o;
	for (;;) {
		struct message *m = &o->told.at[o->told.nr];
		bool end = at == stream->len;

		while (begin == at && !end && (stream->ptr[at] == '\r' || stream->ptr[at] == '\n'))
			begin = ++at, end = at == stream->len;	/* empty lines before a start line are nobody's */
		o->done = false;
		if (at == stream->len && begin == at && o->told.nr)
			return;	/* complete to the last byte */
		at += http_parser_execute(&p, &settings, (const char *)stream->ptr + at, stream->len - at);
		if (HTTP_PARSER_ERRNO(&p) != HPE_OK && HTTP_PARSER_ERRNO(&p) != HPE_PAUSED)
			o->failed = true;
		/* It lets pass what no server does: other names and versions than HTTP/1, short statuses, lone carriage returns. */
		o->failed |= o->done && (p.http_major != 1 || (type == HTTP_RESPONSE && (p.status_code < 100 || p.status_code > 999)) ||
					!is_strict(stream, begin, at));
		if (o->failed || p.upgrade || (!o->done && end) || o->told.nr == MESSAGES - 1)
			return;
		if (!o->done)
			continue;
		http_parser_pause(&p, 0);
		if (type == HTTP_REQUEST)
			snprintf(m->method, sizeof(m->method), "%s", http_method_str(p.method));
		m->status = type == HTTP_RESPONSE ? p.status_code : 0;
		m->length = at - begin;
		begin = at;
		o->told.nr += type == HTTP_REQUEST || p.status_code / 100 != 1;
	}
}

/* Streams. */

/* One in a hundred times as often as `faults` says, what is wrong; else what is right. */
#define OR_FAULT(right, ...) (below(100) < faults ? ONE_OF(__VA_ARGS__) : (right))

static void put_counted(struct buf *b, unsigned faults)
{
	char body[512] = "";
	size_t n = 0;

	for (unsigned parts = below(6); parts; parts--)
		n += (size_t)snprintf(body + n, sizeof(body) - n, "%s",
			      ONE_OF("a", "\r\n", "\n\n", "GET / HTTP/1.1\r\n\r\n", "{\"a\":1}", "HTTP/1.1 200 OK\r\n\r\n"));
	buf_printf(b, "%s:%s%zu%s%s", ONE_OF("Content-Length", "content-length", "CONTENT-LENGTH"),
		   ONE_OF("", " ", "\t ", "  "), n, ONE_OF("", " "),
		   OR_FAULT("\r\n", "\r\nContent-Length: 5\r\n", "\r\nContent-Length: x\r\n", "\r\nTransfer-Encoding: chunked\r\n", "x\r\n", "\n"));
	buf_printf(b, "\r\n%s", body);
}

static void put_chunked(struct buf *b, unsigned faults)
{
	static const char inside[] = "0\r\n\r\nGET /inside HTTP/1.1\r\nHost: x\r\n\r\nHTTP/1.1 404 No\r\n\r\n0123456789abcdef";

	buf_printf(b, "%s: %s\r\n%s\r\n", ONE_OF("Transfer-Encoding", "transfer-encoding"),
		   OR_FAULT("chunked", "chunked, gzip", "gzip", "xchunked", "chunked,"),
		   ONE_OF("", "", "Trailer: X-Sum\r\n"));
	for (unsigned chunks = below(4); chunks; chunks--) {
		unsigned n = 1 + below(sizeof(inside) - 1);

		buf_printf(b, "%s%x%s\r\n%.*s\r\n", OR_FAULT("", "g", "-", "0x"), n, ONE_OF("", "", ";ext", ";ext=\"a b\"", "; q=1"), (int)n, inside);
	}
	buf_printf(b, "%s\r\n%s\r\n", ONE_OF("0", "0", "00", "0;last"), ONE_OF("", "", "X-Sum: 12\r\n"));
}

static void put_fields(struct buf *b, unsigned faults)
{
	for (unsigned n = below(5); n; n--)
		buf_puts(b, OR_FAULT(ONE_OF("Host: shop.example\r\n", "Accept: */*\r\n", "X-Empty:\r\n", "X-Fold: a\r\n b\r\n", "Cookie: a=b; c=d\r\n"),
				     "No colon\r\n", "Space : a\r\n", "X: \x01\r\n", "X: bare\n", ": none\r\n"));
}

static void put_request(struct buf *b, unsigned faults)
{
	buf_printf(b, "%s%s %s HTTP/%s%s", ONE_OF("", "", "\r\n"),
		   OR_FAULT(ONE_OF("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "M-SEARCH", "PROPFIND"), "get", "FETCH", "G@T"),
		   ONE_OF("/", "/a?b=c", "*", "http://shop.example/a", "/very/long/path/with/numbers/71"),
		   OR_FAULT(ONE_OF("1.1", "1.1", "1.0"), "1.9", "2.0", "1.", "1.1 "), OR_FAULT("\r\n", "\n", "\r"));
	put_fields(b, faults);
	switch (below(3)) {
	case 0: put_counted(b, faults); break;
	case 1: put_chunked(b, faults); break;
	default: buf_puts(b, "\r\n");
	}
}

static void put_answer(struct buf *b, unsigned faults, bool of_head, bool last)
{
	const char *status = OR_FAULT(ONE_OF("200", "204", "304", "404", "500", "206"), "20", "2000", "abc");

	if (!below(5))
		buf_puts(b, ONE_OF("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"));
	buf_printf(b, "HTTP/1.%s %s%s\r\n", ONE_OF("1", "1", "0"), status, ONE_OF(" OK", " Not what was asked", " "));
	put_fields(b, faults);
	if (of_head)
		buf_puts(b, ONE_OF("Content-Length: 71\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"));
	else if (!strcmp(status, "204") || !strcmp(status, "304"))
		buf_puts(b, ONE_OF("\r\n", "Content-Length: 5\r\n\r\n"));
	else if (last && !below(3))
		buf_puts(b, "Connection: close\r\n\r\nuntil the end\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
	else if (below(2))
		put_counted(b, faults);
	else
		put_chunked(b, faults);
}

/* Of the first head: what it lets pass in bodies in chunks cannot be told from here. */
static void change(struct buf *b)
{
	const uint8_t *end = memmem(b->ptr, b->len, "\r\n\r\n", 4);

	for (unsigned n = 1 + below(3); n && end > b->ptr; n--)
		b->ptr[below((uint32_t)(end - b->ptr))] = (uint8_t)(below(2) ? below(256) : (uint32_t)*ONE_OF("\r", "\n", " ", ":", "0", "H"));
}

static void give_in_pieces(enum dir dir, const struct buf *b)
{
	for (size_t at = 0, n; at < b->len; at += n) {
		n = 1 + below(below(2) ? 9 : 900);
		n = n < b->len - at ? n : b->len - at;
		give(dir, b->ptr + at, n);
	}
}

static void show(const char *who, const struct messages *m)
{
	for (unsigned i = 0; i < m->nr; i++)
		print_error("%s %u: %s %u, %llu bytes\n", who, i, m->at[i].method, m->at[i].status, (unsigned long long)m->at[i].length);
}

/* Each message that it told is one of ours, in its place; ours may have one more, which is not complete, or
 * what the other refused. */
static void agree(const struct oracle *o, const struct buf *stream, unsigned round)
{
	bool same = ours.nr >= o->told.nr && (o->failed || ours.nr <= o->told.nr + 1) &&
		    !memcmp(ours.at, o->told.at, o->told.nr * sizeof(*ours.at));

	if (same)
		return;
	show("http-parser", &o->told);
	show("weir", &ours);
	fail_msg("round %u, %s: %.*s", round, o->failed ? "refused behind these" : "all valid", (int)stream->len, (const char *)stream->ptr);
}

static void requests(unsigned faults, bool changed, unsigned rounds)
{
	struct buf stream;
	struct oracle o;
	unsigned told = 0;

	buf_init(&stream, 1 << 16);
	asked = true;
	each_exchange = take_ours;
	for (unsigned round = 0; round < rounds; round++) {
		stream.len = 0;
		for (unsigned n = 1 + below(7); n; n--)
			put_request(&stream, faults);
		if (changed)
			change(&stream);
		ask_oracle(&o, HTTP_REQUEST, &stream, "");
		ours.nr = 0;
		assert_true(begin());
		give_in_pieces(DIR_RECEIVED, &stream);
		end();
		agree(&o, &stream, round);
		told += o.told.nr;
	}
	assert_true(told > rounds / 2);
	buf_free(&stream);
}

static void answers(unsigned faults, bool changed, unsigned rounds)
{
	struct buf stream, ask;
	char of_head[MESSAGES + 1] = "";
	struct oracle o;
	unsigned told = 0;

	buf_init(&stream, 1 << 16);
	buf_init(&ask, 1 << 16);
	asked = false;
	each_exchange = take_ours;
	for (unsigned round = 0; round < rounds; round++) {
		unsigned n = 1 + below(7);

		stream.len = ask.len = 0;
		for (unsigned i = 0; i < n; i++) {
			of_head[i] = below(4) ? 'G' : 'H';
			buf_printf(&ask, "%s /%u HTTP/1.1\r\nHost: x\r\n\r\n", of_head[i] == 'G' ? "GET" : "HEAD", i);
			put_answer(&stream, faults, of_head[i] == 'H', i == n - 1);
		}
		if (changed)
			change(&stream);
		ask_oracle(&o, HTTP_RESPONSE, &stream, of_head);
		ours.nr = 0;
		assert_true(begin());
		give_in_pieces(DIR_RECEIVED, &ask);
		give_in_pieces(DIR_SENT, &stream);
		end();
		agree(&o, &stream, round);
		told += o.told.nr;
	}
	assert_true(told > rounds / 2);
	buf_free(&stream);
	buf_free(&ask);
}

static void valid_requests_are_the_same(void **state) { requests(0, false, 5003); }
static void faulty_requests_are_the_same_up_to_the_fault(void **state) { requests(8, false, 5003); }
static void changed_requests_are_the_same_up_to_the_change(void **state) { requests(0, true, 5003); }
static void valid_answers_are_the_same(void **state) { answers(0, false, 5003); }
static void faulty_answers_are_the_same_up_to_the_fault(void **state) { answers(8, false, 5003); }
static void changed_answers_are_the_same_up_to_the_change(void **state) { answers(0, true, 5003); }

/* Every byte at every place of a name of every length. */
static void names_are_lowered_as_letters_are(void **state)
{
	uint8_t name[80], out[HTTP_NAME_MAX];

	for (unsigned byte = 0; byte < 256; byte++)
		for (size_t len = 1, room = 0; len < sizeof(name); len += room, room = !room) {
			memset(name, 'Q', sizeof(name));
			name[byte % len] = (uint8_t)byte;
			(void)http_name_read(slice_of(name, len), room ? sizeof(name) : len, out);
			for (size_t i = 0; i < len && i < sizeof(out); i++)
				assert_int_equal(out[i], i != byte % len ? 'q' : byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
		}
}

static void names_that_mean_something_are_told_in_any_case(void **state)
{
	static const struct { const char *text; enum http_name which; } rows[] = {
#define X(id, first, text) { text, HTTP_##id },
		HTTP_NAMES(X)
#undef X
	};
	uint8_t out[HTTP_NAME_MAX];
	char name[64];

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		size_t len = strlen(rows[r].text);

		for (size_t at = 0; at <= len; at++) {
			memcpy(name, rows[r].text, len + 1);
			name[len] = 's';
			assert_int_equal(http_name_read(slice_of(name, len + 1), len + 1, out), HTTP_OTHER);
			if (at == len)
				continue;
			name[at] = (char)toupper(name[at]);
			assert_int_equal(http_name_read(slice_of(name, len), sizeof(name), out), rows[r].which);
			assert_int_equal(http_name_read(slice_of(name, at), at, out), HTTP_OTHER);
			name[at] ^= 0x10;
			assert_int_equal(http_name_read(slice_of(name, len), len, out), HTTP_OTHER);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_lowered_as_letters_are),
		cmocka_unit_test(names_that_mean_something_are_told_in_any_case),
		cmocka_unit_test(valid_requests_are_the_same),
		cmocka_unit_test(faulty_requests_are_the_same_up_to_the_fault),
		cmocka_unit_test(changed_requests_are_the_same_up_to_the_change),
		cmocka_unit_test(valid_answers_are_the_same),
		cmocka_unit_test(faulty_answers_are_the_same_up_to_the_fault),
		cmocka_unit_test(changed_answers_are_the_same_up_to_the_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
