/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c - what each stage costs on one core: generated records, as the ring would hold
 * them, go through ever more of the pipeline; what a stage costs is the difference. Beside
 * it, alternating in the same run, memcpy of the same bytes.
 *
 *   pipeline [--exchanges N] [--rounds R] [--connections C] [--only LOAD] [--state DIR] [--policy FILE]
 *
 * CPU time, not wall time; medians over the rounds. DIR (made by the caller, empty) takes a
 * real ledger and index. Each round checks that every exchange came out. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "no_classes.h"

#include "bpf/wire.h"
#include "base/clock.h"
#include "capture/queue.h"
#include "capture/record.h"
#include "daemon/pipeline.h"
#include "protocol/protocol.h"
#include "stream/stream.h"

#define ROUNDS_MAX 101
#define BODY_MAX 16384
#define MESSAGE_MAX (BODY_MAX + 512)
#define BASE_NS 1000000000000ull	/* time of the first record */

static struct {
	unsigned exchanges, rounds, connections, only;
	const char *state, *policy;
} opt = { 20000, 7, 61, 0, NULL, NULL };

/* The load. */

enum form { FORM_HTTP1, FORM_HTTP2, FORM_GRPC };
struct load { const char *name; size_t body; bool findings; enum form form; };
static const struct load loads[] = {
	{ "1 KiB, no findings", 1024, false, FORM_HTTP1 },
	{ "1 KiB, 4 findings", 1024, true, FORM_HTTP1 },
	{ "16 KiB, no findings", 16384, false, FORM_HTTP1 },
	{ "HTTP/2, 1 KiB, no findings", 1024, false, FORM_HTTP2 },
	{ "HTTP/2, 16 KiB, no findings", 16384, false, FORM_HTTP2 },
	{ "gRPC, 1 KiB, no findings", 1024, false, FORM_GRPC },
	{ "gRPC, 16 KiB, no findings", 16384, false, FORM_GRPC },
};

/* Records one after the other: u32 length, u32 zero, record, padded to 8. */
static struct { uint8_t *ptr; size_t len, size, payload; unsigned records; } tape;

static void tape_add(const struct wire_data *d, const void *payload)
{
	size_t len = sizeof(*d) + d->len, padded = (len + 15) & ~(size_t)7;
	uint32_t word = (uint32_t)len;

	if (padded > tape.size - tape.len) {
		fprintf(stderr, "pipeline: the tape is full\n");
		exit(1);
	}
	memcpy(tape.ptr + tape.len, &word, sizeof(word));
	memcpy(tape.ptr + tape.len + 8, d, sizeof(*d));
	memcpy(tape.ptr + tape.len + 8 + sizeof(*d), payload, d->len);
	tape.len += padded;
	tape.payload += d->len;
	tape.records++;
}

static size_t body_make(char *out, size_t size, bool findings, unsigned n)
{
	size_t len = (size_t)snprintf(out, size, "{\"id\":%u,", n);

	if (findings)
		len += (size_t)snprintf(out + len, size - len,
			"\"customer\":{\"email\":\"ana.ruiz%u@harborline-logistics.com\",\"phone\":\"+34 612 345 %03u\"},"
			"\"card\":{\"number\":\"4111111111111111\"},\"iban\":\"ES9121000418450200051332\",", n % 977, n % 1000);
	len += (size_t)snprintf(out + len, size - len, "\"items\":[");
	while (len + 240 < size)
		len += (size_t)snprintf(out + len, size - len, "{\"sku\":\"KT-%zu-B\",\"title\":\"Desk lamp, brushed steel\",\"quantity\":%zu,"
			"\"price\":{\"amount\":%zu.95,\"currency\":\"EUR\"},\"shipped\":false,\"createdAt\":\"2026-11-24T08:49:%02zuZ\"},",
			1000 + len, len % 7, len % 97, len % 60);
	len += (size_t)snprintf(out + len, size - len, "null],\"comment\":\"nothing of interest\",\"status\":\"open\"}");
	return len;
}

/* The same as body_make() has, as protocol buffers have it, with gRPC's length before it. */
static size_t message_make(char *out, size_t size, unsigned n)
{
	size_t len = 5;

	while (len + 128 < size) {
		static const char title[] = "Desk lamp, brushed steel";
		char sku[16], price[32];
		int k = snprintf(sku, sizeof(sku), "KT-%zu-B", 1000 + len), t = sizeof(title) - 1, p;

		p = snprintf(price, sizeof(price), "\x0a%c%02zu.95\x12\x03" "EUR", 5, len % 97);
		len += (size_t)snprintf(out + len, size - len, "\x0a%c\x0a%c%s\x12%c%s\x18%c\x22%c%s",
					2 + k + 2 + t + 2 + 2 + p, k, sku, t, title, (char)(1 + len % 7), p, price);
	}
	out[0] = 0;
	for (int i = 0; i < 4; i++)
		out[1 + i] = (char)((len - 5) >> (24 - 8 * i));
	return len;
}

static size_t frame_make(char *out, unsigned type, unsigned flags, unsigned stream, const char *payload, size_t len)
{
	const char head[9] = { (char)(len >> 16), (char)(len >> 8), (char)len, (char)type, (char)flags,
			       (char)(stream >> 24), (char)(stream >> 16), (char)(stream >> 8), (char)stream };

	memcpy(out, head, 9);
	if (len)
		memcpy(out + 9, payload, len);
	return 9 + len;
}

/* A request as a client without a table would send it, and its answer. n: how many a connection had before. */
static void streams_make(const struct load *l, unsigned id, unsigned n, char *request, size_t *q, char *response, size_t *a,
			 const char *body, size_t len)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", trailers[] = "\x00\x0bgrpc-status\x01" "0";
	const char *type = l->form == FORM_GRPC ? "application/grpc" : "application/json";
	char path[64], block[256];
	int path_len = snprintf(path, sizeof(path), l->form == FORM_GRPC ? "/shop.Orders/List" : "/api/orders/%u?page=%u", id, id % 7);
	int size = snprintf(block, sizeof(block), "%c\x87\x04%c%s\x01\x11shop.firm.example\x0f\x10\x10%s",
			    l->form == FORM_GRPC ? '\x83' : '\x82', path_len, path, type);
	bool grpc = l->form == FORM_GRPC;

	*q = *a = 0;
	if (!n) {
		memcpy(request, preface, *q = sizeof(preface) - 1);
		*q += frame_make(request + *q, 4, 0, 0, NULL, 0);
		*a += frame_make(response, 4, 0, 0, NULL, 0);
	}
	*q += frame_make(request + *q, 1, grpc ? 4 : 5, 2 * n + 1, block, (size_t)size);
	if (grpc)
		*q += frame_make(request + *q, 0, 1, 2 * n + 1, "\0\0\0\0\x02\x08\x01", 7);
	size = snprintf(block, sizeof(block), "\x88\x0f\x10\x10%s", type);
	*a += frame_make(response + *a, 1, 4, 2 * n + 1, block, (size_t)size);
	*a += frame_make(response + *a, 0, grpc ? 0 : 1, 2 * n + 1, body, len);
	if (grpc)
		*a += frame_make(response + *a, 1, 5, 2 * n + 1, trailers, sizeof(trailers) - 1);
}

static void call_add(struct wire_data *d, enum wire_dir dir, uint64_t pos[2], const char *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += d->len) {
		d->len = (u32)(len - at < WIRE_LARGE ? len - at : WIRE_LARGE);
		d->call = (u32)len;
		d->dir = (u8)dir;
		d->pos = pos[dir];
		d->flags = at + d->len == len ? WIRE_F_LAST : 0;
		d->time += 1000;
		tape_add(d, bytes + at);
		pos[dir] += d->len;
	}
}

static void tape_make(const struct load *l)
{
	static char body[BODY_MAX + 1], request[MESSAGE_MAX], response[MESSAGE_MAX];
	uint64_t (*pos)[2] = calloc(opt.connections, sizeof(*pos));
	struct wire_data d = { .kind = WIRE_SOCKET, .time = BASE_NS, .epoch = 1 };

	tape.len = tape.payload = tape.records = 0;
	d.who = (struct wire_who){ .start = 9, .tgid = 7, .tid = 7, .comm = "server", .family = 2, .role = WIRE_ROLE_SERVER,
				   .local = { { 127, 0, 0, 1 }, 8080, { 0 } }, .remote = { { 10, 1, 2, 3 }, 40000, { 0 } } };
	for (unsigned n = 0; n < opt.exchanges; n++) {
		unsigned c = n % opt.connections;
		size_t len = l->form == FORM_GRPC ? message_make(body, l->body, n) : body_make(body, l->body, l->findings, n), q, a;

		d.who.conn = 5 + c;
		d.who.remote.port = (u16)(40000 + c);
		q = (size_t)snprintf(request, sizeof(request), "GET /api/orders/%u?page=%u HTTP/1.1\r\nHost: shop.firm.example\r\n"
				     "User-Agent: bench/1.0\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n\r\n", n, n % 7);
		a = (size_t)snprintf(response, sizeof(response), "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/json\r\n"
				     "Connection: keep-alive\r\nContent-Length: %zu\r\n\r\n%.*s", len, (int)len, body);
		if (l->form != FORM_HTTP1)
			streams_make(l, n, n / opt.connections, request, &q, response, &a, body, len);
		call_add(&d, WIRE_RECEIVED, pos[c], request, q);
		call_add(&d, WIRE_SENT, pos[c], response, a);
	}
	free(pos);
}

/* The stages, each with all before it. What comes out is counted. */

static uint64_t out;

static void tape_play(int (*record)(void *owner, const void *, size_t), void *owner)
{
	for (size_t at = 0; at < tape.len;) {
		uint32_t len;

		memcpy(&len, tape.ptr + at, sizeof(len));
		if (record(owner, tape.ptr + at + 8, len)) {
			fprintf(stderr, "pipeline: a stage refuses a record\n");
			exit(1);
		}
		at += ((size_t)len + 15) & ~(size_t)7;
	}
}

static int copy_record(void *owner, const void *record, size_t len)
{
	memcpy(owner, record, len);
	__asm__ volatile("" : : "r"(owner) : "memory");
	out++;
	return 0;
}

static void run_memcpy(void)
{
	static uint8_t to[WIRE_LARGE + sizeof(struct wire_data)];

	tape_play(copy_record, to);
	out = out == tape.records ? opt.exchanges : 0;
}

static int queue_record(void *owner, const void *record, size_t len)
{
	struct queue *q = owner;
	uint64_t written;
	size_t n;
	int bad;

	if (queue_fill(q, record, len, &written))
		return -1;
	queue_publish(q, written);
	if (!queue_take(q, &n, &bad) || n != len)
		return -1;
	queue_release(q, q->next);
	out++;
	return 0;
}

static void run_queue(void)
{
	int fd = memfd_create("bench", 0);
	struct queue q;

	if (fd < 0 || ftruncate(fd, (off_t)queue_bytes()) || queue_map(&q, fd)) {
		perror("pipeline: no queue");
		exit(1);
	}
	tape_play(queue_record, &q);
	munmap(q.head, queue_bytes());
	close(fd);
	out = out == tape.records ? opt.exchanges : 0;
}

static void decoded(void *owner, const struct chunk *c)
{
	out++;
}

static int decode_record(void *owner, const void *record, size_t len)
{
	return record_visit(record, len, decoded, NULL);
}

static void run_decode(void)
{
	tape_play(decode_record, NULL);
	out = out == tape.records ? opt.exchanges : 0;
}

static void *open_counted(void *owner, const struct conn_facts *conn, struct byte_account acct[2]) { return acct; }
static void update_counted(void *session, const struct conn_facts *conn) { }
static void bytes_counted(void *session, enum dir dir, struct slice bytes, struct stamp at)
{
	((struct byte_account *)session)[dir].examined += (int64_t)bytes.len;
	out += bytes.len;
}
static void gap_counted(void *session, enum dir dir, uint64_t lost, enum loss cause, struct stamp at) { }
static void flush_counted(void *session, struct stamp at, bool closed, const char *reason) { }
static void close_counted(void *session, struct stamp at) { }

static void push_chunk(void *owner, const struct chunk *c)
{
	stream_push(owner, c);
}

static int stream_record(void *owner, const void *record, size_t len)
{
	return record_visit(record, len, push_chunk, owner);
}

static void run_stream(void)
{
	const struct stream_sink sink = { .open = open_counted, .update = update_counted, .bytes = bytes_counted, .gap = gap_counted,
					  .flush = flush_counted, .close = close_counted };
	const struct stream_limits limits = STREAM_LIMITS_DEFAULT;
	struct stream_table *t = stream_table_new(&limits, &sink);

	tape_play(stream_record, t);
	stream_table_free(t);
	out = out == tape.payload ? opt.exchanges : 0;
}

static void exchange_counted(void *owner, const struct exchange *ex) { out++; }
static const struct field_sink no_classes = NO_CLASSES(exchange_counted);

static void *open_session(void *owner, const struct conn_facts *conn, struct byte_account acct[2])
{
	return session_new(conn, &no_classes, acct);
}

static void run_protocol(void)
{
	const struct stream_sink sink = SESSIONS(open_session);
	const struct stream_limits limits = STREAM_LIMITS_DEFAULT;
	struct stream_table *t = stream_table_new(&limits, &sink);

	tape_play(stream_record, t);
	stream_table_free(t);
}

static int front_one(void *owner, const void *record, size_t len)
{
	return front_record(owner, record, len);
}

static void fact_counted(void *owner, const struct fact *f)
{
	out += f->kind == FACT_EXCHANGE;
}

static void run_classify(void)
{
	struct front *f = front_new(fact_counted, NULL);

	tape_play(front_one, f);
	front_free(f);
}

static uint8_t packed[FACT_MAX_SIZE];
static struct fact unpacked;

static void fact_packed(void *owner, const struct fact *f)
{
	out += facts_pack(f, packed, sizeof(packed)) > 0 && f->kind == FACT_EXCHANGE;
}

static void run_pack(void)
{
	struct front *f = front_new(fact_packed, NULL);

	tape_play(front_one, f);
	front_free(f);
}

static char policy_text[1 << 20];
static size_t policy_size;

static void emit_ignored(void *owner, const char *type, const char *json, size_t len, const char *line, uint64_t leaf) { }

static void fact_stored(void *owner, const struct fact *f)
{
	int n = facts_pack(f, packed, sizeof(packed));

	out += f->kind == FACT_EXCHANGE;
	if (n <= 0 || facts_unpack(packed, (size_t)n, &unpacked) != (int)f->kind || back_fact(owner, &unpacked)) {
		fprintf(stderr, "pipeline: the back half refuses a fact\n");
		exit(1);
	}
	back_tick(owner, f->kind == FACT_EXCHANGE ? f->exchange.at.time : f->traffic.at.time);
}

static void run_back(void)
{
	static unsigned runs;
	const char *name = opt.policy, *text = policy_text;
	struct back_config config = { .policy_names = &name, .policy_texts = &text, .policy_sizes = &policy_size, .nr_policies = 1,
				      .state = -1, .host = "bench", .emit = emit_ignored };
	struct books books = { .epoch = 1 };
	struct back_totals totals;
	char folder[64], why[512];
	struct front *f;
	int code;

	snprintf(folder, sizeof(folder), "%s/%u", opt.state, runs++);
	/* The keeper works below its state folder, too. */
	if (mkdir(folder, 0700) || (config.state = open(folder, O_RDONLY | O_DIRECTORY)) < 0 || fchdir(config.state)) {
		fprintf(stderr, "pipeline: cannot make %s: %s\n", folder, strerror(errno));
		exit(1);
	}
	clock_set_replay(1800000000000ull - BASE_NS / 1000000, BASE_NS);
	books.start_ms = clock_boot_to_utc_ms(BASE_NS);
	books.end_ms = books.start_ms + 60000;
	config.owner = NULL;
	struct back *back = back_new(&config, why, sizeof(why), &code);
	if (!back) {
		fprintf(stderr, "pipeline: %s\n", why);
		exit(1);
	}
	f = front_new(fact_stored, back);
	tape_play(front_one, f);
	front_free(f);
	back_tick(back, BASE_NS + 3600ull * 1000000000);
	back_interval(back, &books);
	back_totals(back, &totals);
	if (back_failed(back, why, sizeof(why)) || totals.exchanges != opt.exchanges) {
		fprintf(stderr, "pipeline: %llu exchanges stored %s\n", (unsigned long long)totals.exchanges, why);
		exit(1);
	}
	back_free(back);
	close(config.state);
	clock_set_replay(0, 0);
}

static const struct stage { const char *name; void (*run)(void); bool alone; } stages[] = {
	{ "memcpy", run_memcpy, true },		/* beside, not part of the path */
	{ "queue", run_queue, true },		/* what reader and analyst pay to hand over, wiping included */
	{ "decode", run_decode, false },	/* each with those before it */
	{ "stream", run_stream, false },
	{ "protocol", run_protocol, false },
	{ "classify", run_classify, false },
	{ "pack", run_pack, false },		/* to here the analyst; from here the keeper */
	{ "keeper", run_back, false },
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static void row(const char *name, double seconds, double copy)
{
	if (seconds <= 0) {
		printf("  %-14s less than this run can tell\n", name);
		return;
	}
	printf("  %-14s %9.0f ns/exchange  %8.1f MB/s  %9.0f exchanges/s  %5.1f x memcpy\n", name, seconds * 1e9 / opt.exchanges,
	       (double)tape.payload / 1e6 / seconds, opt.exchanges / seconds, seconds / copy);
}

static void load_run(const struct load *l)
{
	static double took[STAGES][ROUNDS_MAX];
	double middle[STAGES], before = 0;

	tape_make(l);
	for (unsigned r = 0; r < opt.rounds; r++)
		for (size_t s = 0; s < STAGES; s++) {
			double began = cpu_now();

			out = 0;
			stages[s].run();
			took[s][r] = cpu_now() - began;
			if (out != opt.exchanges) {
				fprintf(stderr, "pipeline: %s: %llu of %u exchanges came out\n", stages[s].name, (unsigned long long)out, opt.exchanges);
				exit(1);
			}
		}
	for (size_t s = 0; s < STAGES; s++)
		middle[s] = median(took[s], opt.rounds);
	printf("\n%s: %u exchanges, %u records, %.0f payload bytes each\n", l->name, opt.exchanges, tape.records,
	       (double)tape.payload / opt.exchanges);
	for (size_t s = 0; s < STAGES; s++) {
		row(stages[s].name, stages[s].alone ? middle[s] : middle[s] - before, middle[0]);
		before = stages[s].alone ? 0 : middle[s];
	}
	row("analyst", middle[1] + middle[STAGES - 2], middle[0]);
	row("all", middle[1] + middle[STAGES - 1], middle[0]);
}

static void policy_read(void)
{
	FILE *f = fopen(opt.policy, "re");

	if (f) {
		policy_size = fread(policy_text, 1, sizeof(policy_text), f);
		fclose(f);
		return;
	}
	fprintf(stderr, "pipeline: cannot read %s: %s\n", opt.policy, strerror(errno));
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "exchanges", 1, NULL, 'n' }, { "rounds", 1, NULL, 'r' }, { "connections", 1, NULL, 'c' },
		{ "only", 1, NULL, 'o' }, { "state", 1, NULL, 's' }, { "policy", 1, NULL, 'p' }, { NULL, 0, NULL, 0 }
	};
	struct rusage use;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (o) {
		case 'n': opt.exchanges = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': opt.rounds = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': opt.connections = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'o': opt.only = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': opt.state = realpath(optarg, NULL); break;
		case 'p': opt.policy = optarg; break;
		default: return 2;
		}
	if (!opt.exchanges || !opt.rounds || opt.rounds > ROUNDS_MAX || !opt.connections || !opt.state || !opt.policy) {
		fprintf(stderr, "usage: pipeline --state EMPTY_FOLDER --policy FILE [--exchanges N] [--rounds R] [--connections C]\n");
		return 2;
	}
	policy_read();
	tape.size = (size_t)opt.exchanges * (BODY_MAX + 2048);
	tape.ptr = mmap(NULL, tape.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (tape.ptr == MAP_FAILED) {
		perror("pipeline: no memory for the tape");
		return 1;
	}
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		if (!opt.only || opt.only == i + 1)
			load_run(&loads[i]);
	getrusage(RUSAGE_SELF, &use);
	printf("\npeak RSS %.1f MiB, of which the tape of records %.1f MiB\n", (double)use.ru_maxrss / 1024, (double)tape.len / 1048576);
	return 0;
}
