/* SPDX-License-Identifier: Apache-2.0 */
/* protocols.c - what stream, protocol and content cost on one core, protocol by protocol, without
 * classification: a connection's beginning, then the same exchanges again and again, pushed as the
 * chunks of their calls into a sink that does nothing. Rows that say a size are made here. The others
 * are the talks of golden cases, which are small, so that what an exchange costs rules.
 * HTTP/2 and gRPC: pipeline.c.
 * Beside each, in the same run: a bare scan of the same bytes for one that is not there; and
 * of HTTP/1 http-parser 2.9 with the callbacks for each part, which keeps nothing.
 *
 *   protocols [--rounds R] [--only NAME]
 *
 * CPU time, best of the rounds (others use the machine as well), after a check that each repetition
 * gives the same number of exchanges and that every byte is examined, or of what nobody looks at: the rest of an image. */
#include <getopt.h>
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "../golden/case.h"
#include "no_classes.h"

#include "protocol/protocol.h"
#include "stream/stream.h"

#define ROUND_BYTES (8u << 20)
#define CHUNK 16384u	/* the longest piece that capture gives */

struct talk {
	struct step steps[STEPS];
	unsigned nr, again;	/* steps; those from again on are repeated */
	size_t unpacked;	/* what the repeated come to beyond their bytes */
	bool udp, http1;
	uint8_t role;
};

static void say(struct talk *t, enum dir dir, const void *bytes, size_t len)
{
	struct step *s = &t->steps[t->nr++];

	*s = (struct step){ STEP_BYTES, dir, malloc(len), len };
	memcpy(s->bytes, bytes, len);
}

/* The records of an API, about size bytes. */
static void list_make(struct buf *b, size_t size)
{
	buf_puts(b, "{\"total\":1,\"items\":[{}");
	while (b->len + 200 < size)
		buf_printf(b, ",{\"id\":%zu,\"name\":\"Berta Smith\",\"status\":\"active\",\"created_at\":\"2026-03-14T15:%02zu:26Z\",\"price\":%zu.5,"
			   "\"tags\":[\"blue\",\"large\"],\"note\":\"left at the door of the neighbour\",\"ok\":true}", 184467 + b->len, b->len % 60, b->len % 97);
	buf_puts(b, "]}");
}

/* piece: in chunks of such a size; 0: by a length. */
static void http1_make(struct talk *t, const char *head, const void *body, size_t len, size_t piece)
{
	static const char ask[] = "GET /api/v2/orders/184467/items?page=3&per_page=50 HTTP/1.1\r\nHost: shop.firm.example\r\n"
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\nAccept: application/json\r\n"
		"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: https://shop.firm.example/orders\r\n"
		"Connection: keep-alive\r\nCache-Control: no-cache\r\n\r\n";
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_printf(&b, "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 27 Nov 2026 08:49:37 GMT\r\n%s%s: ", head,
		   piece ? "Transfer-Encoding" : "Content-Length");
	if (piece)
		buf_puts(&b, "chunked");
	else
		buf_printf(&b, "%zu", len);
	buf_puts(&b, "\r\nConnection: keep-alive\r\nVary: Accept-Encoding\r\nX-Request-Id: 7f3c9a2e51d04b68\r\n\r\n");
	for (size_t at = 0; piece && at < len; at += piece) {
		buf_printf(&b, "%zx\r\n", piece);
		buf_add(&b, (const uint8_t *)body + at, piece);
		buf_puts(&b, "\r\n");
	}
	if (piece)
		buf_puts(&b, "0\r\n\r\n");
	else
		buf_add(&b, body, len);
	say(t, DIR_RECEIVED, ask, sizeof(ask) - 1);
	say(t, DIR_SENT, b.ptr, b.len);
	buf_free(&b);
	t->http1 = true;
}

static void heads_make(struct talk *t)
{
	http1_make(t, "", "", 0, 0);
}

static void image(struct talk *t, size_t size, size_t piece)
{
	static uint8_t body[65536];
	unsigned x = 7;

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)((x = x * 1103515245 + 12345) >> 16);
	memcpy(body, "\x89PNG\r\n\x1a\n", 8);
	http1_make(t, "Content-Type: image/png\r\n", body, size, piece);
}

static void small_make(struct talk *t) { image(t, 1024, 0); }
static void image_make(struct talk *t) { image(t, 65536, 0); }
static void chunks_make(struct talk *t) { image(t, 65536, 1024); }

static void json_make(struct talk *t, size_t size, bool packed)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	list_make(&b, size);
	if (packed) {
		static uint8_t out[1 << 18];
		z_stream z = { .next_in = b.ptr, .avail_in = (unsigned)b.len, .next_out = out, .avail_out = sizeof(out) };

		deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
		deflate(&z, Z_FINISH);
		http1_make(t, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", out, z.total_out, 0);
		t->unpacked = b.len - z.total_out;
		deflateEnd(&z);
	} else {
		http1_make(t, "Content-Type: application/json\r\n", b.ptr, b.len, 0);
	}
	buf_free(&b);
}

static void json_small(struct talk *t) { json_make(t, 1024, false); }
static void json_large(struct talk *t) { json_make(t, 102400, false); }
static void json_packed(struct talk *t) { json_make(t, 102400, true); }

/* What an application keeps or sends: 1 KiB of JSON, in what the protocol has around it. */
static struct buf kept;

static void around(struct talk *t, enum dir dir, const void *head, size_t len, const char *tail)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_add(&b, head, len);
	buf_add(&b, kept.ptr, kept.len);
	buf_puts(&b, tail);
	say(t, dir, b.ptr, b.len);
	buf_free(&b);
}

/* Behind the words stands the length. */
static void around_text(struct talk *t, enum dir dir, const char *words, const char *tail)
{
	char head[64];

	around(t, dir, head, (size_t)snprintf(head, sizeof(head), "%s%zu\r\n", words, kept.len), tail);
}

static void memcached_make(struct talk *t)
{
	static const char ask[] = "get user:71:orders\r\n";

	say(t, DIR_RECEIVED, ask, sizeof(ask) - 1);
	around_text(t, DIR_SENT, "VALUE user:71:orders 0 ", "\r\nEND\r\n");
}

static void redis_make(struct talk *t)
{
	static const char ask[] = "*2\r\n$3\r\nGET\r\n$14\r\nuser:71:orders\r\n";

	say(t, DIR_RECEIVED, ask, sizeof(ask) - 1);
	around_text(t, DIR_SENT, "$", "\r\n");
}

static void nats_make(struct talk *t)
{
	around_text(t, DIR_RECEIVED, "PUB orders.new ", "\r\n");
}

static void mqtt_make(struct talk *t)
{
	size_t rest = 8 + kept.len;
	const uint8_t head[] = { 0x30, (uint8_t)(rest | 0x80), (uint8_t)(rest >> 7), 0, 6, 'o', 'r', 'd', 'e', 'r', 's' };

	around(t, DIR_RECEIVED, head, sizeof(head), "");
}

static void websocket_make(struct talk *t)
{
	const uint8_t head[] = { 0x81, 0x7e, (uint8_t)(kept.len >> 8), (uint8_t)kept.len };

	around(t, DIR_SENT, head, sizeof(head), "");
}

static void syslog_make(struct talk *t)
{
	static const char head[] = "<13>2026-11-27T08:28:00.123456+00:00 web7 app[412]: ";

	around(t, DIR_RECEIVED, head, sizeof(head) - 1, "\n");
}

static void pg_message(struct buf *b, char type, const void *bytes, size_t len)
{
	const char head[5] = { type, (char)((len + 4) >> 24), (char)((len + 4) >> 16), (char)((len + 4) >> 8), (char)(len + 4) };

	buf_add(b, head, 5);
	buf_add(b, bytes, len);
}

/* A query whose result has a hundred rows of five columns. */
static void rows_make(struct talk *t)
{
	static const char start[] = "\0\0\0\x22\0\3\0\0user\0shop\0database\0orders\0";
	static const char hello[] = "R\0\0\0\x08\0\0\0\0Z\0\0\0\5I", query[] = "SELECT id, name, email, created_at, note FROM customers LIMIT 100";
	static const char *const columns[] = { "id", "name", "email", "created_at", "note" };
	static const char *const values[] = { "184467", "Berta Smith", "nobody in sight", "2026-03-14 15:09:26", "left at the door of the neighbour" };
	struct buf b, m;

	buf_init(&b, 1 << 20);
	buf_init(&m, 1 << 16);
	say(t, DIR_RECEIVED, start, sizeof(start) - 1);
	say(t, DIR_SENT, hello, sizeof(hello) - 1);
	pg_message(&b, 'Q', query, sizeof(query));
	say(t, DIR_RECEIVED, b.ptr, b.len);
	b.len = 0;
	buf_add(&m, "\0\5", 2);
	for (int c = 0; c < 5; c++) {
		buf_add(&m, columns[c], strlen(columns[c]) + 1);
		buf_add(&m, "\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0", 18);
	}
	pg_message(&b, 'T', m.ptr, m.len);
	m.len = 0;
	buf_add(&m, "\0\5", 2);
	for (int c = 0; c < 5; c++) {
		const char len[4] = { 0, 0, 0, (char)strlen(values[c]) };

		buf_add(&m, len, 4);
		buf_add(&m, values[c], strlen(values[c]));
	}
	for (int r = 0; r < 100; r++)
		pg_message(&b, 'D', m.ptr, m.len);
	pg_message(&b, 'C', "SELECT 100", 11);
	pg_message(&b, 'Z', "I", 1);
	say(t, DIR_SENT, b.ptr, b.len);
	buf_free(&b);
	buf_free(&m);
}

/* golden: a talk whose steps from "from" on, before "to", are repeated (0: to its end); with make: it begins so, until "from". */
static const struct row { const char *name; void (*make)(struct talk *); const char *golden; unsigned from, to; } rows[] = {
	{ "HTTP/1, heads", heads_make, NULL, 0, 0 },
	{ "HTTP/1, image 1 KiB", small_make, NULL, 0, 0 },
	{ "HTTP/1, image 64 KiB", image_make, NULL, 0, 0 },
	{ "HTTP/1, 64 chunks", chunks_make, NULL, 0, 0 },
	{ "HTTP/1, JSON 1 KiB", json_small, NULL, 0, 0 },
	{ "HTTP/1, JSON 100 KiB", json_large, NULL, 0, 0 },
	{ "HTTP/1, gzip 100 KiB", json_packed, NULL, 0, 0 },
	{ "PostgreSQL, 100 rows", rows_make, NULL, 2, 0 },
	{ "memcached, 1 KiB", memcached_make, NULL, 0, 0 },
	{ "MQTT, 1 KiB", mqtt_make, "mqtt/session", 2, 0 },
	{ "NATS, 1 KiB", nats_make, "nats/session", 3, 0 },
	{ "Redis, 1 KiB", redis_make, NULL, 0, 0 },
	{ "syslog, 1 KiB", syslog_make, NULL, 0, 0 },
	{ "WebSocket, 1 KiB", websocket_make, "websocket/text_and_binary", 2, 0 },
	{ "AMQP", NULL, "amqp/deliveries", 8, 0 },
	{ "DNS", NULL, "dns/answer_names_a_peer", 0, 0 },
	{ "Fluent Forward", NULL, "fluent/forward", 0, 0 },
	{ "Kafka", NULL, "kafka/produce_and_fetch", 2, 0 },
	{ "LDAP", NULL, "ldap/session", 2, 12 },
	{ "memcached", NULL, "memcached/session", 0, 24 },
	{ "MongoDB", NULL, "mongodb/hello_and_find", 2, 0 },
	{ "MQTT", NULL, "mqtt/session", 2, 10 },
	{ "MySQL", NULL, "mysql/text_result", 3, 0 },
	{ "NATS", NULL, "nats/session", 3, 0 },
	{ "Redis", NULL, "redis/hashes", 0, 0 },
	{ "SMTP", NULL, "smtp/a_mail", 3, 11 },
	{ "syslog", NULL, "syslog/lines", 0, 0 },
	{ "WebSocket", NULL, "websocket/text_and_binary", 2, 4 },
};

static uint64_t exchanges;

static void exchange_counted(void *owner, const struct exchange *ex) { exchanges++; }
static const struct field_sink no_classes = NO_CLASSES(exchange_counted);

static struct byte_account *account;
static void *open_session(void *owner, const struct conn_facts *conn, struct byte_account by[2])
{
	account = by;
	return session_new(conn, &no_classes, by);
}

struct play { struct stream_table *table; struct chunk chunk; uint64_t pos[2], bytes; };

static void play(struct play *p, const struct talk *t, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		for (size_t at = 0, n; at < t->steps[i].len; at += n) {
			const struct step *s = &t->steps[i];

			n = s->len - at < CHUNK ? s->len - at : CHUNK;
			p->chunk.dir = s->dir;
			p->chunk.pos = p->pos[s->dir];
			p->chunk.at.time += 1000;
			p->chunk.bytes = slice_of(s->bytes + at, n);
			stream_push(p->table, &p->chunk);
			p->pos[s->dir] += n;
			p->bytes += n;
		}
}

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The talk, its exchanges so many times. Returns the CPU seconds of the repetitions; told: the exchanges, passed: the bytes of them. */
static double measure(const struct talk *t, unsigned times, uint64_t *told, uint64_t *passed)
{
	const struct stream_sink sink = SESSIONS(open_session);
	const struct stream_limits limits = STREAM_LIMITS_DEFAULT;
	struct play p = { .table = stream_table_new(&limits, &sink), .chunk = { .layer = LAYER_SOCKET, .at = { 1000000, 1 } } };
	double began, took;

	p.chunk.conn = (struct conn_facts){ .id = 7, .role = t->role, .transport = t->udp ? TRANSPORT_UDP : TRANSPORT_TCP, .tls = TLS_ABSENT };
	exchanges = 0;
	play(&p, t, 0, t->again);
	p.bytes = 0;
	began = cpu_now();
	for (unsigned i = 0; i < times; i++)
		play(&p, t, t->again, t->nr);
	took = cpu_now() - began;
	for (int d = 0; d < 2; d++)
		if (account[d].examined + account[d].skipped != (int64_t)p.pos[d]) {
			fprintf(stderr, "protocols: of %llu bytes %lld are examined, %lld skipped, %lld opaque, %lld lost\n", (unsigned long long)p.pos[d],
				(long long)account[d].examined, (long long)account[d].skipped, (long long)account[d].opaque, (long long)account[d].lost);
			exit(1);
		}
	stream_table_free(p.table);
	*told = exchanges;
	*passed = p.bytes;
	return took;
}

static double scan(const struct talk *t, unsigned times)
{
	double began = cpu_now();
	size_t found = 0;

	for (unsigned n = 0; n < times; n++)
		for (unsigned i = t->again; i < t->nr; i++)
			for (size_t j = 0; j < t->steps[i].len; j++)
				found += t->steps[i].bytes[j] == 0x7f;
	__asm__ volatile("" : : "r"(found));
	return cpu_now() - began;
}

static int part_seen(http_parser *p, const char *at, size_t len) { return 0; }
static int time_seen(http_parser *p) { return 0; }

static double http_parse(const struct talk *t, unsigned times)
{
	static const http_parser_settings settings = { .on_url = part_seen, .on_header_field = part_seen, .on_header_value = part_seen,
						       .on_body = part_seen, .on_headers_complete = time_seen, .on_message_complete = time_seen };
	double began = cpu_now();
	http_parser p[2];

	http_parser_init(&p[DIR_RECEIVED], HTTP_REQUEST);
	http_parser_init(&p[DIR_SENT], HTTP_RESPONSE);
	for (unsigned n = 0; n < times; n++)
		for (unsigned i = t->again; i < t->nr; i++) {
			const struct step *s = &t->steps[i];

			if (http_parser_execute(&p[s->dir], &settings, (const char *)s->bytes, s->len) != s->len) {
				fprintf(stderr, "protocols: http-parser does not take what is measured\n");
				exit(1);
			}
		}
	return cpu_now() - began;
}

static bool talk_make(const struct row *row, struct talk *t)
{
	unsigned to = row->make ? row->from : row->to ? row->to : STEPS;
	struct test_case c;
	char path[256];

	*t = (struct talk){ .again = row->from, .role = ROLE_SERVER };
	if (row->golden) {
		snprintf(path, sizeof(path), "tests/golden/protocol/%s.case", row->golden);
		if (!case_read(path, &c)) {
			fprintf(stderr, "protocols: no case %s: run it in the project's folder\n", path);
			return false;
		}
		for (unsigned i = 0; i < c.nr && i < to; i++)
			if (c.steps[i].kind == STEP_BYTES)
				say(t, c.steps[i].dir, c.steps[i].bytes, c.steps[i].len);
		t->udp = c.udp;
		t->role = c.role ? c.role : ROLE_SERVER;
		case_free(&c);
	}
	if (row->make)
		row->make(t);
	return true;
}

static bool row_run(const struct row *row, unsigned rounds)
{
	double best = 1e9, bare = 1e9, parser = 1e9, took;
	uint64_t first, second, told, bytes, each;
	struct talk t;
	unsigned times;

	if (!talk_make(row, &t))
		return false;
	measure(&t, 3, &first, &bytes);
	measure(&t, 5, &second, &bytes);
	each = (second - first) / 2;
	times = (unsigned)(ROUND_BYTES / (bytes / 5)) + 1;
	for (unsigned r = 0; r < rounds; r++) {
		took = measure(&t, times, &told, &bytes);
		best = took < best ? took : best;
		took = scan(&t, times);
		bare = took < bare ? took : bare;
		if (t.http1) {
			took = http_parse(&t, times);
			parser = took < parser ? took : parser;
		}
		if (!each || told != first + each * (times - 3)) {
			fprintf(stderr, "protocols: %s: %llu exchanges for %u times %llu came out\n", row->name, (unsigned long long)told, times,
				(unsigned long long)each);
			return false;
		}
	}
	printf("%-22s %8.0f bytes %8.0f ns/exchange %8.1f MB/s %6.1f x scan", row->name, (double)bytes / times / (double)each,
	       best * 1e9 / times / (double)each, (double)bytes / 1e6 / best, best / bare);
	if (t.http1)
		printf(" %5.1f x http-parser (%.0f MB/s)", best / parser, (double)bytes / 1e6 / parser);
	if (t.unpacked)
		printf(", unpacked %.1f MB/s", (double)(bytes + t.unpacked * times) / 1e6 / best);
	putchar('\n');
	for (unsigned i = 0; i < t.nr; i++)
		free(t.steps[i].bytes);
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "rounds", 1, NULL, 'r' }, { "only", 1, NULL, 'o' }, { NULL, 0, NULL, 0 } };
	const char *only = NULL;
	unsigned rounds = 7;
	bool ok = true;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (o == 'r')
			rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 'o')
			only = optarg;
		else
			return 2;
	buf_init(&kept, 1 << 16);
	list_make(&kept, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!only || strstr(rows[i].name, only))
			ok &= row_run(&rows[i], rounds);
	buf_free(&kept);
	return !ok;
}
