/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c - what the worst bytes cost: each case is a stream made to be dear, pushed as
 * records through all of an analyst's work (capture to classify, facts packed). Printed are
 * CPU ns per payload byte: over all of it, and over the worst 64 KiB window, where what was
 * held earlier is charged when it is parsed. Measures; asserts nothing about time.
 *
 *   cost [CASE...]	all cases; --list names them
 * A case is one function that fills a buffer, and one row. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/buf.h"
#include "bpf/wire.h"
#include "daemon/pipeline.h"

#define TOTAL	(1u << 20)	/* bytes of one case */
#define WINDOW	65536
#define DEAR	1000		/* ns per byte: one round tells enough */
#define ROUNDS	3		/* the least of them counts: others had the CPU as well */

static uint32_t lot;	/* a fixed sequence: the same bytes in every run */

static uint32_t draw(uint32_t below)
{
	lot = lot * 1664525u + 1013904223u;
	return (lot >> 8) % below;
}

/* ---- the cases ---- */

static void times(struct buf *b, const char *text, size_t upto)
{
	size_t n = strlen(text);

	while (b->len + n <= upto)
		buf_add(b, text, n);
}

static void post(struct buf *b, const char *type, size_t body)
{
	buf_printf(b, "POST /p HTTP/1.1\r\nHost: a.example\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, body);
}

/* A body of TOTAL bytes, the given text again and again. */
static void body_of(struct buf *b, const char *type, const char *open, const char *text)
{
	size_t start;

	post(b, type, TOTAL - 256);
	start = b->len;
	buf_puts(b, open);
	times(b, text, start + TOTAL - 256);
	while (b->len < start + TOTAL - 256)
		buf_puts(b, " ");
}

#define JSON "application/json"
#define TEXT "text/plain"
#define FORM "application/x-www-form-urlencoded"

static void plain_text(struct buf *b) { body_of(b, TEXT, "", "the quick brown fox jumps over the lazy dog, and so on.\n"); }
static void json_deep(struct buf *b) { body_of(b, JSON, "", "["); }
static void json_deep_names(struct buf *b) { body_of(b, JSON, "", "{\"a\":"); }
static void json_in_out(struct buf *b) { body_of(b, JSON, "", "{\"ab\":[[[]]]},"); }
static void json_numbers(struct buf *b) { body_of(b, JSON, "[", "1,"); }
static void json_strings(struct buf *b) { body_of(b, JSON, "[", "\"\","); }
static void json_nested(struct buf *b) { body_of(b, JSON, "[", "\"{}\","); }
static void json_escapes(struct buf *b) { body_of(b, JSON, "[\"", "\\u00e9"); }
static void json_pairs(struct buf *b) { body_of(b, JSON, "{", "\"a\":1,"); }
static void json_phones(struct buf *b) { body_of(b, JSON, "{", "\"tel\":\"+14155552671\","); }
static void json_open_quotes(struct buf *b) { body_of(b, JSON, "{", "\"a\": \"b\\\\\" \"c\" "); }

static void json_names_of(struct buf *b, const char *alphabet, unsigned len)
{
	size_t start;

	post(b, JSON, TOTAL - 256);
	start = b->len;
	buf_puts(b, "{");
	while (b->len + len + 8 < start + TOTAL - 256) {
		buf_puts(b, "\"");
		for (unsigned i = 0; i < len; i++)
			buf_add(b, &alphabet[draw((uint32_t)strlen(alphabet))], 1);
		buf_puts(b, "\":1,");
	}
	while (b->len < start + TOTAL - 256)
		buf_puts(b, " ");
}

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static void json_names_short(struct buf *b) { json_names_of(b, LETTERS, 4); }
static void json_names_words(struct buf *b) { json_names_of(b, LETTERS, 12); }
static void json_names_hex(struct buf *b) { json_names_of(b, "abcdef", 32); }
static void json_names_base64(struct buf *b) { json_names_of(b, BASE64, 60); }
static void json_names_long(struct buf *b) { json_names_of(b, BASE64, 1000); }
static void json_names_percent(struct buf *b) { json_names_of(b, "%25a", 60); }
static void json_names_text64(struct buf *b) { json_names_of(b, "QGFZ", 400); }

static void form_pairs(struct buf *b) { body_of(b, FORM, "", "a=1&"); }
static void form_empty(struct buf *b) { body_of(b, FORM, "", "&"); }
static void form_escapes(struct buf *b) { body_of(b, FORM, "", "%61%62=%31%32&"); }

static void at_signs(struct buf *b) { body_of(b, TEXT, "", "a@"); }
static void at_domains(struct buf *b) { body_of(b, TEXT, "", "a@b.c "); }
static void at_long(struct buf *b) { body_of(b, TEXT, "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@"); }
static void at_dots(struct buf *b) { body_of(b, TEXT, "", "a.b@c.d.e.f.g.h."); }
static void emails(struct buf *b) { body_of(b, TEXT, "", "ana@x.de "); }
static void digits_run(struct buf *b) { body_of(b, TEXT, "", "4"); }
static void digits_single(struct buf *b) { body_of(b, TEXT, "", "4 "); }
static void digits_groups(struct buf *b) { body_of(b, TEXT, "", "4111 1111 "); }
static void digits_dashes(struct buf *b) { body_of(b, TEXT, "", "1-"); }
static void pans(struct buf *b) { body_of(b, TEXT, "", "4111111111111111 "); }
static void pans_joined(struct buf *b) { body_of(b, TEXT, "", "4111 1111 1111 1111 "); }
static void ibans(struct buf *b) { body_of(b, TEXT, "", "DE89370400440532013000 "); }
static void iban_heads(struct buf *b) { body_of(b, TEXT, "", "LC89AAAA "); }
static void phones(struct buf *b) { body_of(b, TEXT, "", "+14155552671 "); }
static void phones_grouped(struct buf *b) { body_of(b, TEXT, "", "(415) 555-2671 "); }
static void ssns(struct buf *b) { body_of(b, TEXT, "", "ssn 536-22-1234 "); }
static void assigns(struct buf *b) { body_of(b, TEXT, "", "a=b:"); }
static void assigns_only(struct buf *b) { body_of(b, TEXT, "", "=:"); }
static void assigns_long(struct buf *b) { body_of(b, TEXT, "", "password:::::::"); }
static void passwords(struct buf *b) { body_of(b, TEXT, "", "pwd=x1y2z3w4 "); }
static void jwt_heads(struct buf *b) { body_of(b, TEXT, "", "eyJ "); }
static void jwt_run(struct buf *b) { body_of(b, TEXT, "", "eyJ"); }
static void jwt_dots(struct buf *b) { body_of(b, TEXT, "", "eyJhbGciOiJub25lIn0."); }
static void jwt_nearly(struct buf *b) { body_of(b, TEXT, "", "eyJhbGciOiJub25lIn0 "); }
static void key_heads(struct buf *b) { body_of(b, TEXT, "", "-----BEGIN RSA PRIVATE KEY-----"); }
static void aws_heads(struct buf *b) { body_of(b, TEXT, "", "AKIA"); }
static void aws_keys(struct buf *b) { body_of(b, TEXT, "", "AKIAIOSFODNN7EXAMPLE "); }
static void basic_heads(struct buf *b) { body_of(b, TEXT, "", "Basic "); }
static void basic_values(struct buf *b) { body_of(b, TEXT, "", "Basic YTpi "); }
static void percent_at(struct buf *b) { body_of(b, TEXT, "", "a%40b"); }
static void latin(struct buf *b) { body_of(b, TEXT, "", "\xc3\xa9"); }
static void wide(struct buf *b) { body_of(b, TEXT, "", "\xe3\x80\x80" "1"); }
static void urls(struct buf *b) { body_of(b, TEXT, "", "https://user:secret@h.example/ "); }
static void binary(struct buf *b) { body_of(b, "", "", "\x01\x02\x03\xff\xfe"); }

static void many_values(struct buf *b)
{
	size_t start;

	post(b, TEXT, TOTAL - 256);
	start = b->len;
	while (b->len + 32 < start + TOTAL - 256)
		buf_printf(b, "u%u@x%u.de ", draw(100000), draw(1000));
	while (b->len < start + TOTAL - 256)
		buf_puts(b, " ");
}

/* Findings of many paths: the rows of an exchange are searched for each. */
static void many_rows(struct buf *b)
{
	size_t start;

	post(b, JSON, TOTAL - 256);
	start = b->len;
	buf_puts(b, "{");
	while (b->len + 48 < start + TOTAL - 256)
		buf_printf(b, "\"k%c%c%c\":\"a%u@x.de\",", 'a' + draw(26), 'a' + draw(26), 'a' + draw(26), draw(1000));
	while (b->len < start + TOTAL - 256)
		buf_puts(b, " ");
}

static void chunks_of(struct buf *b, const char *chunk)
{
	buf_puts(b, "POST /p HTTP/1.1\r\nHost: a.example\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
	times(b, chunk, TOTAL - 8);
	buf_puts(b, "0\r\n\r\n");
}

static void chunks_tiny(struct buf *b) { chunks_of(b, "1\r\na\r\n"); }
static void chunks_bare(struct buf *b) { chunks_of(b, "1\na\n"); }
static void chunk_lines(struct buf *b) { chunks_of(b, "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\na\r\n"); }

static void trailers(struct buf *b)
{
	buf_puts(b, "POST /p HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	times(b, "a\n", TOTAL);
}

static void requests_tiny(struct buf *b) { times(b, "G / HTTP/1.1\n\n", TOTAL); }
static void requests_http10(struct buf *b) { times(b, "A /a?a=b HTTP/1.0\r\n\r\n", TOTAL); }
static void requests_post(struct buf *b) { times(b, "P /a HTTP/1.1\r\nContent-Length:1\r\n\r\n1", TOTAL); }
static void responses_tiny(struct buf *b) { times(b, "HTTP/1.1 200\n\n", TOTAL); }
static void responses_100(struct buf *b) { times(b, "HTTP/1.1 100\n\n", TOTAL); }
static void blank_lines(struct buf *b) { buf_puts(b, "G / HTTP/1.1\r\n\r\n"); times(b, "\r\n", TOTAL); }
static void resync_lines(struct buf *b) { buf_puts(b, "G / HTTP/1.1\r\n\r\nx\n"); times(b, "GET /\n", TOTAL); }
static void resync_long(struct buf *b) { buf_puts(b, "G / HTTP/1.1\r\n\r\nx\n"); times(b, "A \nHTTP/1.\n", TOTAL); }
static void half_heads(struct buf *b) { times(b, "G / HTTP/1.1\r\n\r\n\x01\n", TOTAL); }

static void heads_of(struct buf *b, const char *line, unsigned lines)
{
	while (b->len < TOTAL) {
		buf_puts(b, "GET / HTTP/1.1\r\n");
		for (unsigned i = 0; i < lines; i++)
			buf_puts(b, line);
		buf_puts(b, "\r\n");
	}
}

static void headers_tiny(struct buf *b) { heads_of(b, "a:b\n", 250); }
static void headers_empty(struct buf *b) { heads_of(b, ":\n", 250); }
static void headers_many(struct buf *b) { heads_of(b, ":\n", 30000); }
static void headers_folded(struct buf *b) { heads_of(b, " a\n", 15000); }
static void headers_cookies(struct buf *b) { heads_of(b, "Cookie: a=1;b=2;c=3;d=4;e=5;f=6;g=7;h=8\r\n", 200); }
static void headers_lengths(struct buf *b) { heads_of(b, "Content-Length: 0,0,0,0,0,0,0,0,0\r\n", 200); }
static void headers_phones(struct buf *b) { heads_of(b, "tel:4155552671\n", 250); }

static void headers_names(struct buf *b)
{
	while (b->len < TOTAL) {
		buf_puts(b, "GET / HTTP/1.1\r\n");
		for (unsigned i = 0; i < 250; i++)
			buf_printf(b, "x%07u%05u:1\n", draw(10000000), draw(100000));
		buf_puts(b, "\r\n");
	}
}

static void paths_deep(struct buf *b)
{
	while (b->len < TOTAL) {
		buf_puts(b, "GET ");
		for (unsigned i = 0; i < 63; i++)
			buf_printf(b, "/%c%c%c%c%c%c%c", 'a' + draw(26), 'a' + draw(26), '0' + draw(10), 'a' + draw(26), 'a' + draw(26), '0' + draw(10), 'x');
		buf_puts(b, " HTTP/1.1\r\n\r\n");
	}
}

static void paths_base64(struct buf *b)
{
	while (b->len < TOTAL) {
		buf_puts(b, "GET /");
		for (unsigned i = 0; i < 1000; i++)
			buf_add(b, &(BASE64)[draw(62)], 1);
		buf_puts(b, " HTTP/1.1\r\n\r\n");
	}
}

static void queries(struct buf *b)
{
	while (b->len < TOTAL) {
		buf_puts(b, "GET /?");
		for (unsigned i = 0; i < 63; i++)
			buf_printf(b, "k%07u=%u&", draw(10000000), draw(10));
		buf_puts(b, " HTTP/1.1\r\n\r\n");
	}
}

static void gzip_of(struct buf *b, const char *text, const char *type, size_t plain)
{
	size_t size = plain + 65536, n = 0;
	uint8_t *in = malloc(plain), *out = malloc(size);
	z_stream z = { 0 };

	for (size_t i = 0; i < plain; i++)
		in[i] = (uint8_t)text[i % strlen(text)];
	z.next_in = in;
	z.avail_in = (uInt)plain;
	z.next_out = out;
	z.avail_out = (uInt)size;
	deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	deflate(&z, Z_FINISH);
	n = z.total_out;
	deflateEnd(&z);
	while (b->len + n + 200 < TOTAL) {
		buf_printf(b, "POST /p HTTP/1.1\r\nContent-Type: %s\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", type, n);
		buf_add(b, out, n);
	}
	free(in);
	free(out);
}

static void gzip_bombs(struct buf *b) { gzip_of(b, "a", TEXT, 1 << 20); }
static void gzip_bombs_small(struct buf *b) { gzip_of(b, "a", TEXT, 60000); }
static void gzip_numbers(struct buf *b) { gzip_of(b, "1,", JSON, 60000); }
static void gzip_emails(struct buf *b) { gzip_of(b, "ana@x.de ", TEXT, 60000); }
static void gzip_nested(struct buf *b) { gzip_of(b, "\"{}\",", JSON, 60000); }

static void noise(struct buf *b)
{
	while (b->len < TOTAL) {
		uint8_t c = (uint8_t)draw(256);

		buf_add(b, &c, 1);
	}
}

/* ---- HTTP/2 ---- */

static void frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t len)
{
	const uint8_t head[9] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags,
				  (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream };

	buf_add(b, head, 9);
	buf_add(b, payload, len);
}

static void h2_begin(struct buf *b)
{
	buf_puts(b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	frame(b, 4, 0, 0, "", 0);
}

/* Streams, each of one block and then nothing. */
static void h2_blocks(struct buf *b, const void *block, size_t len, bool reset)
{
	h2_begin(b);
	for (uint32_t id = 1; b->len < TOTAL; id += 2) {
		frame(b, 1, 5, id, block, len);
		if (reset)
			frame(b, 3, 0, id, "\0\0\0\x08", 4);
	}
}

static void h2_indexed(struct buf *b)	/* a byte each, of the table's one long value */
{
	static uint8_t block[16000];

	memset(block, 0xbe, sizeof(block));
	memcpy(block, "\x40\x01" "a\x78", 4);
	memset(block + 4, 'v', 120);
	h2_blocks(b, block, sizeof(block), false);
}

static void h2_literals(struct buf *b)	/* each evicts another */
{
	static uint8_t block[16000];

	for (size_t i = 0; i + 4 <= sizeof(block); i += 4)
		memcpy(block + i, "\x40\x01" "a\0", 4);
	h2_blocks(b, block, sizeof(block), false);
}

static void h2_requests(struct buf *b) { h2_blocks(b, "\x82\x84", 2, false); }
static void h2_resets(struct buf *b) { h2_blocks(b, "\x82\x84", 2, true); }
static void h2_unknown(struct buf *b) { h2_blocks(b, "\xff\x80\x01", 3, false); }

static void h2_data(struct buf *b, const char *type, const void *payload, size_t len)
{
	uint8_t block[64] = { 0x83, 0x84, 0x5f };

	block[3] = (uint8_t)strlen(type);
	memcpy(block + 4, type, strlen(type));
	h2_begin(b);
	frame(b, 1, 4, 1, block, 4 + strlen(type));
	while (b->len < TOTAL)
		frame(b, 0, 0, 1, payload, len);
}

static void h2_data_empty(struct buf *b) { h2_data(b, "text/plain", "", 0); }
static void h2_pings(struct buf *b) { h2_begin(b); while (b->len < TOTAL) frame(b, 6, 0, 0, "12345678", 8); }

static void grpc_of(struct buf *b, const void *message, size_t len)
{
	struct buf all;

	buf_init(&all, 16384);
	while (all.len + len <= 16000)
		buf_add(&all, message, len);
	h2_data(b, "application/grpc", all.ptr, all.len);
	buf_free(&all);
}

static void grpc_tiny(struct buf *b) { grpc_of(b, "\0\0\0\0\x02\x08\x01", 7); }
static void grpc_empty(struct buf *b) { grpc_of(b, "\0\0\0\0\0", 5); }
static void grpc_packed(struct buf *b) { grpc_of(b, "\x01\0\0\0\x01\x1f", 6); }

static void protobuf_of(struct buf *b, const void *field, size_t len)
{
	uint8_t message[16005] = { 0, 0, 0, 16000 >> 8, 16000 & 255 };

	for (size_t i = 5; i + len <= sizeof(message); i += len)
		memcpy(message + i, field, len);
	h2_data(b, "application/grpc", message, sizeof(message));
}

static void protobuf_numbers(struct buf *b) { protobuf_of(b, "\x08\x01", 2); }
static void protobuf_deep(struct buf *b) { protobuf_of(b, "\x0a\x0e\x0a\x0c\x0a\x0a\x0a\x08\x0a\x06\x0a\x04\x0a\x02\x08\x01", 16); }
static void protobuf_text(struct buf *b) { protobuf_of(b, "\x0a\x02" "12", 4); }
static void protobuf_lists(struct buf *b) { protobuf_of(b, "\x0a\x06\x01\x02\x03\x04\x05\x06", 8); }

enum how { WHOLE, TINY = 1, BYTES = 2, GAPS = 4, REVERSED = 8, OVERLAP = 16, CONNECTIONS = 32, CIPHER = 64, HELD = 128 };
static const struct row { const char *name; void (*make)(struct buf *); unsigned how; } rows[] = {
	{ "text", plain_text, 0 }, { "binary", binary, 0 }, { "noise", noise, 0 },
	{ "json-deep", json_deep, 0 }, { "json-deep-names", json_deep_names, 0 }, { "json-in-out", json_in_out, 0 },
	{ "json-numbers", json_numbers, 0 }, { "json-strings", json_strings, 0 }, { "json-nested", json_nested, 0 },
	{ "json-escapes", json_escapes, 0 }, { "json-pairs", json_pairs, 0 }, { "json-phones", json_phones, 0 },
	{ "json-quotes", json_open_quotes, 0 }, { "json-names-4", json_names_short, 0 }, { "json-names-12", json_names_words, 0 },
	{ "json-names-hex", json_names_hex, 0 }, { "json-names-base64", json_names_base64, 0 }, { "json-names-long", json_names_long, 0 },
	{ "json-names-percent", json_names_percent, 0 }, { "json-names-text64", json_names_text64, 0 },
	{ "json-rows", many_rows, 0 },
	{ "form-pairs", form_pairs, 0 }, { "form-empty", form_empty, 0 }, { "form-escapes", form_escapes, 0 },
	{ "at-signs", at_signs, 0 }, { "at-domains", at_domains, 0 }, { "at-long", at_long, 0 }, { "at-dots", at_dots, 0 },
	{ "emails", emails, 0 }, { "emails-distinct", many_values, 0 }, { "percent-at", percent_at, 0 }, { "urls", urls, 0 },
	{ "digits", digits_run, 0 }, { "digits-single", digits_single, 0 }, { "digits-groups", digits_groups, 0 },
	{ "digits-dashes", digits_dashes, 0 }, { "pans", pans, 0 }, { "pans-groups", pans_joined, 0 }, { "ibans", ibans, 0 },
	{ "iban-heads", iban_heads, 0 }, { "phones", phones, 0 }, { "phones-grouped", phones_grouped, 0 }, { "ssns", ssns, 0 },
	{ "assigns", assigns, 0 }, { "assigns-only", assigns_only, 0 }, { "assigns-long", assigns_long, 0 }, { "passwords", passwords, 0 },
	{ "jwt-heads", jwt_heads, 0 }, { "jwt-run", jwt_run, 0 }, { "jwt-dots", jwt_dots, 0 }, { "jwt-nearly", jwt_nearly, 0 },
	{ "private-keys", key_heads, 0 }, { "aws-heads", aws_heads, 0 }, { "aws-keys", aws_keys, 0 },
	{ "basic-heads", basic_heads, 0 }, { "basic-values", basic_values, 0 }, { "latin", latin, 0 }, { "wide", wide, 0 },
	{ "chunks-tiny", chunks_tiny, 0 }, { "chunks-bare", chunks_bare, 0 }, { "chunks-lines", chunk_lines, 0 }, { "trailers", trailers, 0 },
	{ "requests-tiny", requests_tiny, 0 }, { "requests-query", requests_http10, 0 }, { "requests-post", requests_post, 0 },
	{ "responses-tiny", responses_tiny, 0 }, { "responses-100", responses_100, 0 }, { "blank-lines", blank_lines, 0 },
	{ "resync-lines", resync_lines, 0 }, { "resync-words", resync_long, 0 }, { "heads-broken", half_heads, 0 },
	{ "headers-tiny", headers_tiny, 0 }, { "headers-empty", headers_empty, 0 }, { "headers-many", headers_many, 0 },
	{ "headers-folded", headers_folded, 0 }, { "headers-cookies", headers_cookies, 0 }, { "headers-lengths", headers_lengths, 0 },
	{ "headers-phones", headers_phones, 0 }, { "headers-names", headers_names, 0 }, { "paths-deep", paths_deep, 0 },
	{ "paths-base64", paths_base64, 0 }, { "queries", queries, 0 },
	{ "gzip-bombs", gzip_bombs, 0 }, { "gzip-bombs-small", gzip_bombs_small, 0 }, { "gzip-numbers", gzip_numbers, 0 },
	{ "gzip-emails", gzip_emails, 0 }, { "gzip-nested", gzip_nested, 0 },
	{ "h2-indexed", h2_indexed, 0 }, { "h2-literals", h2_literals, 0 }, { "h2-requests", h2_requests, 0 }, { "h2-resets", h2_resets, 0 },
	{ "h2-unknown", h2_unknown, 0 }, { "h2-data-empty", h2_data_empty, 0 }, { "h2-pings", h2_pings, 0 },
	{ "grpc-tiny", grpc_tiny, 0 }, { "grpc-empty", grpc_empty, 0 }, { "grpc-packed", grpc_packed, 0 },
	{ "protobuf-numbers", protobuf_numbers, 0 }, { "protobuf-deep", protobuf_deep, 0 }, { "protobuf-text", protobuf_text, 0 },
	{ "protobuf-lists", protobuf_lists, 0 }, { "h2-requests gaps", h2_requests, TINY | GAPS },
	{ "text/256", plain_text, TINY }, { "headers-many/256", headers_many, TINY }, { "chunks-tiny/256", chunks_tiny, TINY },
	{ "text/1", plain_text, BYTES }, { "requests-tiny/1", requests_tiny, BYTES }, { "trailers/1", trailers, BYTES },
	{ "chunks-lines/1", chunk_lines, BYTES }, { "resync-lines/1", resync_lines, BYTES },
	{ "text gaps", plain_text, TINY | GAPS }, { "requests gaps", requests_tiny, TINY | GAPS }, { "json gaps", json_pairs, TINY | GAPS },
	{ "text reversed", plain_text, TINY | REVERSED }, { "text reversed/1", plain_text, BYTES | REVERSED },
	{ "text held", plain_text, TINY | HELD }, { "text held/1", plain_text, BYTES | HELD },
	{ "text overlap", plain_text, TINY | OVERLAP },
	{ "connections", requests_tiny, TINY | CONNECTIONS }, { "connections/1", requests_tiny, BYTES | CONNECTIONS },
	{ "tls headers", noise, TINY | CIPHER },
};

/* ---- the run ---- */

struct run { struct front *front; uint64_t facts, packed; };

static void on_fact(void *owner, const struct fact *f)
{
	static uint8_t packed[FACT_MAX_SIZE];
	struct run *r = owner;
	int n = facts_pack(f, packed, sizeof(packed));

	r->facts++;
	r->packed += n > 0 ? (uint64_t)n : 0;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void push(struct run *r, const struct row *row, const uint8_t *bytes, size_t len, uint64_t pos, uint64_t n)
{
	static uint8_t record[sizeof(struct wire_data) + WIRE_LARGE];
	struct wire_data d = {
		.kind = row->how & CIPHER ? WIRE_CIPHER : WIRE_SOCKET, .len = (u32)len, .call = (u32)len, .time = 1 + n * 1000,
		.who = { .conn = row->how & CONNECTIONS ? 1 + n : 1, .tgid = 7, .start = 9, .family = 2, .comm = "cost" },
		.pos = row->how & CONNECTIONS ? 0 : pos, .epoch = 1,
	};

	memcpy(record, &d, sizeof(d));
	memcpy(record + sizeof(d), bytes, len);
	front_record(r->front, record, sizeof(d) + len);
}

static size_t piece_of(const struct row *row)
{
	return row->how & BYTES ? 1 : row->how & TINY ? 256 : WIRE_LARGE;
}

/* Where the i-th piece of all lies in the bytes; the order is what reassembly pays for. */
static size_t place(const struct row *row, size_t i, size_t nr)
{
	size_t group = 1024, base = i / group * group, in = i % group;

	if (row->how & REVERSED)
		return base + group <= nr ? base + group - 1 - in : i;
	if (row->how & HELD)	/* every first of a group comes last */
		return base + group <= nr ? base + (in + 1) % group : i;
	return i;
}

/* How far the costs went: over all bytes, the most per byte so far at any time after the
 * first window, and the dearest single record. */
struct costs { double all, peak, call_ms; };

static void measure(const struct row *row, const struct buf *b, struct costs *c, struct run *r)
{
	size_t piece = piece_of(row), total = row->how & BYTES ? b->len / 8 : b->len, nr = (total + piece - 1) / piece;
	uint64_t start, before, now = 0, n = 0, bytes = 0;

	*c = (struct costs){ 0 };
	r->facts = r->packed = 0;
	r->front = front_new(on_fact, r);
	start = before = cpu_ns();
	for (size_t i = 0; i < nr; i++) {
		size_t at = place(row, i, nr) * piece, len = piece < total - at ? piece : total - at;

		if (row->how & GAPS && i % 3 == 1)
			continue;
		push(r, row, b->ptr + at, len - (row->how & CIPHER ? len % sizeof(struct wire_header) : 0), at, ++n);
		if (row->how & OVERLAP && at > 100)
			push(r, row, b->ptr + at - 100, len, at - 100, ++n);
		bytes += len;
		if (piece < WIRE_LARGE && i % 256)
			continue;
		now = cpu_ns();
		if (bytes >= WINDOW && (double)(now - start) / (double)bytes > c->peak)
			c->peak = (double)(now - start) / (double)bytes;
		if ((double)(now - before) / 1e6 > c->call_ms)
			c->call_ms = (double)(now - before) / 1e6;
		before = now;
	}
	if (!(row->how & CONNECTIONS))
		front_close(r->front, 1, 0, total, 0, total, (struct stamp){ n * 1000 + 1, 1 });
	front_interval(r->front, (struct stamp){ n * 1000 + 1, 1 });
	c->all = (double)(cpu_ns() - start) / (double)bytes;
	front_free(r->front);
}

static void show(const struct row *row)
{
	struct costs least = { 1e9, 1e9, 1e9 }, c;
	struct run r;
	struct buf b;

	buf_init(&b, 4u << 20);
	lot = 1;
	row->make(&b);
	for (int i = 0; i < ROUNDS; i++) {
		measure(row, &b, &c, &r);
		least.all = c.all < least.all ? c.all : least.all;
		least.peak = c.peak < least.peak ? c.peak : least.peak;
		least.call_ms = c.call_ms < least.call_ms ? c.call_ms : least.call_ms;
		if (c.all > DEAR)
			break;	/* clear enough */
	}
	printf("%-20s %9zu %9.1f %9.1f %9.2f %9llu\n", row->name, b.len, least.all, least.peak, least.call_ms, (unsigned long long)r.facts);
	fflush(stdout);
	buf_free(&b);
}

int main(int argc, char **argv)
{
	size_t nr = sizeof(rows) / sizeof(rows[0]);

	for (size_t i = 0; argc == 2 && !strcmp(argv[1], "--list") && i < nr; i++)
		puts(rows[i].name);
	if (argc == 2 && !strcmp(argv[1], "--list"))
		return 0;
	printf("%-20s %9s %9s %9s %9s %9s\n", "case", "bytes", "ns/B", "peak", "call ms", "facts");
	for (size_t i = 0; i < nr; i++) {
		bool wanted = argc == 1;

		for (int k = 1; k < argc; k++)
			wanted |= !strcmp(argv[k], rows[i].name);
		if (wanted)
			show(&rows[i]);
	}
	return 0;
}
