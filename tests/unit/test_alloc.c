/* SPDX-License-Identifier: Apache-2.0 */
/* Memory runs out at the n-th allocation, for every n until none fails. Whatever the step:
 * nothing crashes or leaks (the sanitizers look), what was started says whether it works,
 * and the bytes of a connection still add up. The linker sends the allocations of our own
 * objects here; libraries have their own tests. */
#include <zlib.h>

#include "base/budget.h"
#include "base/buf.h"
#include "bpf/wire.h"
#include "classify/document.h"
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "daemon/pipeline.h"
#include "policy/policy.h"
#include "protocol/content.h"
#include "protocol/protocol.h"

static struct { bool armed; unsigned long count, fail; } memory;

/* The fixture's own allocations are not meant. */
static int armed_main(int argc, char **argv)
{
	int code;

	memory.armed = true;
	code = cli_main(argc, argv);
	memory.armed = false;
	return code;
}
#define cli_main armed_main
#include "tests/unit/story.h"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
char *__real_strdup(const char *);
char *__real_strndup(const char *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
char *__wrap_strdup(const char *);
char *__wrap_strndup(const char *, size_t);

static bool fails(void)
{
	if (!memory.armed || ++memory.count != memory.fail)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }
char *__wrap_strdup(const char *s) { return fails() ? NULL : __real_strdup(s); }
char *__wrap_strndup(const char *s, size_t n) { return fails() ? NULL : __real_strndup(s, n); }

/* Runs it with the n-th allocation failing, for n = 1, 2, … until it needs fewer. */
static void each_allocation(void (*run)(bool failing), unsigned long least)
{
	unsigned long n = 0;

	do {
		memory.fail = ++n;
		memory.count = 0;
		run(true);
		memory.armed = false;
	} while (memory.count >= n);
	assert_true(n > least);	/* it did allocate, through here */
	memory.fail = 0;
	run(false);
	memory.armed = false;
}

/* ---- the front: records to facts ---- */

static struct { struct byte_account by[2], sum; unsigned exchanges, findings, handshakes; int refused; uint64_t positions; } seen;

static void on_fact(void *owner, const struct fact *f)
{
	static uint8_t packed[FACT_MAX_SIZE];
	static struct fact again;
	int n = facts_pack(f, packed, sizeof(packed));

	assert_true(n > 0 && facts_unpack(packed, (size_t)n, &again) == (int)f->kind);
	seen.handshakes += f->kind == FACT_HANDSHAKE;
	if (f->kind == FACT_HANDSHAKE)
		return;
	byte_accounts_add(seen.by, f->kind == FACT_EXCHANGE ? f->exchange.bytes : f->traffic.bytes);
	seen.sum = byte_accounts_sum(seen.by);
	seen.exchanges += f->kind == FACT_EXCHANGE;
	seen.findings += f->kind == FACT_EXCHANGE ? f->exchange.nr_findings : 0;
	assert_true(seen.sum.examined >= 0 && seen.sum.opaque >= 0 && seen.sum.lost >= 0);
}

static void record(struct front *f, uint16_t kind, uint64_t conn, unsigned dir, uint64_t pos, const void *bytes, size_t len)
{
	static uint8_t text[sizeof(struct wire_data) + WIRE_LARGE];
	struct wire_data d = { .kind = kind, .flags = kind == WIRE_TLS ? WIRE_F_BOUND : kind == WIRE_CIPHER ? WIRE_F_PROBED : 0,
			       .len = (u32)len, .call = (u32)len, .time = 1000 + pos, .epoch = 1, .pos = pos, .dir = (u8)dir,
			       .who = { .conn = conn, .tgid = 7, .start = 9, .family = 2, .comm = "alloc" } };
	int err;

	if (kind == WIRE_CIPHER)
		d.call = 5 + ((const struct wire_header *)bytes)->body;
	memcpy(text, &d, sizeof(d));
	memcpy(text + sizeof(d), bytes, len);
	err = front_record(f, text, sizeof(d) + len);
	assert_true(!err || err == -ENOMEM);
	seen.refused += err == -ENOMEM;
}

static const char wrapped[] =
	"POST /users/ana@corp.de HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: 71\r\n\r\n"
	"{\"user\":{\"email\":\"ana@corp.de\"},\"log\":\"{\\\"card\\\":\\\"4111111111111111\\\"}\"}";
static const char form[] =
	"POST /f HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
	"11\r\nmail=ana%40x.de&a\r\n3\r\n=1&\r\n0\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\ntel +14155552671";

/* A call of gRPC, in HTTP/2 with a name for the dynamic table; the last frame of each side is small. */
static const char call[] =
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" "\0\0\0\x04\0\0\0\0\0"
	"\0\0\x24\x01\x04\0\0\0\x01" "\x83\x86\x44\x04/a/b" "\x5f\x10" "application/grpc" "\x40\x03x-a\x04" "1234"
	"\0\0\x12\0\x01\0\0\0\x01" "\0\0\0\0\x0d\x0a\x0b" "ana@corp.de" "\0\0\x08\x06\0\0\0\0\0" "12345678";
static const char reply[] =
	"\0\0\0\x04\0\0\0\0\0" "\0\0\x11\x01\x05\0\0\0\x01" "\x88\x40\x0bgrpc-status\x02" "12" "\0\0\x08\x06\0\0\0\0\0" "12345678";

static size_t gzip_message(uint8_t *out, size_t size)
{
	static const char plain[] = "{\"iban\":\"DE89370400440532013000\"}";
	uint8_t packed[256];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)plain, .avail_in = sizeof(plain) - 1, .next_out = packed, .avail_out = sizeof(packed) };
	int n;

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = snprintf((char *)out, size, "PUT /z HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: %lu\r\n\r\n", z.total_out);
	memcpy(out + n, packed, z.total_out);
	n += (int)z.total_out;
	deflateEnd(&z);
	return (size_t)n;
}

static const char ask[] = "GET /w HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
static const char agreed[] = "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
static const char masked[] = "\x81\x92\0\0\0\0" "{\"m\":\"ana@x.de\"}  " "\x81\x80\0\0\0\0";

/* The frame of a deflated message, behind what agreed on it. */
static size_t deflated_message(uint8_t *out)
{
	static const char plain[] = "{\"iban\":\"DE89370400440532013000\"}";
	z_stream z = { .next_in = (Bytef *)(uintptr_t)plain, .avail_in = sizeof(plain) - 1, .next_out = out + sizeof(agreed) + 1, .avail_out = 125 };

	memcpy(out, agreed, sizeof(agreed) - 1);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	out[sizeof(agreed) - 1] = 0xc1;
	out[sizeof(agreed)] = (uint8_t)(z.total_out - 4);
	deflateEnd(&z);
	return sizeof(agreed) + 1 + out[sizeof(agreed)];
}

/* Every connection has several records, the last one small: what one of them lost for want of
 * memory shows as a jump before the next. */
static void front_story(struct front *f)
{
	struct wire_header hello = { 22, 3, 3, 0, 200 }, data = { 23, 3, 3, 0, 100 + 17 };
	uint8_t z[512];
	size_t n = gzip_message(z, sizeof(z)), a = sizeof(wrapped) - 1, b = sizeof(form) - 1, c = sizeof(answer) - 1;
	size_t d = sizeof(call) - 1, e = sizeof(reply) - 1, g = sizeof(ask) - 1, h = sizeof(masked) - 1, k;
	uint8_t told[sizeof(agreed) + 128];
	/* A ServerHello of TLS 1.2, of 38 bytes. */
	uint8_t chosen[47] = { 22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, [43] = 0, [44] = 0xc0, 0x2f };
	char plain[100];

	record(f, WIRE_SOCKET, 1, 0, 0, wrapped, a);
	record(f, WIRE_SOCKET, 1, 0, a + 3, form + 3, b - 3);	/* its beginning comes later: held */
	record(f, WIRE_SOCKET, 1, 0, a, form, 3);
	record(f, WIRE_SOCKET, 1, 0, a + b, z, n);
	record(f, WIRE_SOCKET, 1, 1, 0, answer, c - 9);
	record(f, WIRE_SOCKET, 1, 1, c - 9, answer + c - 9, 9);
	record(f, WIRE_SOCKET, 2, 0, 0, "\x01\x02nothing known", 15);
	record(f, WIRE_SOCKET, 2, 0, 15, "at all", 6);
	front_close(f, 1, c, a + b + n, c, a + b + n, (struct stamp){ 5000, 1 });
	front_close(f, 2, 0, 21, 0, 21, (struct stamp){ 5000, 1 });
	record(f, WIRE_HELLO, 3, 0, 0, chosen, sizeof(chosen));
	record(f, WIRE_CIPHER, 3, 0, 0, &hello, sizeof(hello));
	record(f, WIRE_CIPHER, 3, 0, 205, &data, sizeof(data));
	memset(plain, 'x', sizeof(plain));
	memcpy(plain, "GET /?mail=ana@x.de HTTP/1.1\r\nx: ", 33);
	memcpy(plain + 96, "\r\n\r\n", 4);
	record(f, WIRE_TLS, 3, 0, 0, plain, 60);
	record(f, WIRE_TLS, 3, 0, 60, plain + 60, 40);
	front_close(f, 3, 0, 205 + 122, 0, 205 + 122, (struct stamp){ 5000, 1 });
	record(f, WIRE_SOCKET, 4, 0, 0, call, d - 17);
	record(f, WIRE_SOCKET, 4, 0, d - 17, call + d - 17, 17);
	record(f, WIRE_SOCKET, 4, 1, 0, reply, e - 17);
	record(f, WIRE_SOCKET, 4, 1, e - 17, reply + e - 17, 17);
	front_close(f, 4, e, d, e, d, (struct stamp){ 5000, 1 });
	k = deflated_message(told);
	record(f, WIRE_SOCKET, 5, 0, 0, ask, g);
	record(f, WIRE_SOCKET, 5, 1, 0, told, k - 5);
	record(f, WIRE_SOCKET, 5, 1, k - 5, told + k - 5, 5);
	record(f, WIRE_SOCKET, 5, 0, g, masked, h - 6);
	record(f, WIRE_SOCKET, 5, 0, g + h - 6, masked + h - 6, 6);
	front_close(f, 5, k, g + h, k, g + h, (struct stamp){ 5000, 1 });
	front_interval(f, (struct stamp){ 6000, 1 });
	front_tick(f, (struct stamp){ 9000000000ull, 2 });
	seen.positions = c + a + b + n + 21 + 205 + 122 + d + e + k + g + h;
}

#define STRANGE 22	/* bytes of the story that nobody understands: connection 2, and one after a body */

static void front_run(bool failing)
{
	uint64_t dropped = protocol_counts.messages_dropped;
	struct front *f;

	memset(&seen, 0, sizeof(seen));
	memory.armed = true;
	f = front_new(on_fact, NULL);
	if (f)
		front_story(f);
	front_free(f);
	memory.armed = false;
	assert_true(f || failing);
	if (!f)
		return;
	/* What was refused by number was there once: a later record or the close shows the jump. */
	assert_true(byte_account_unexplained(&seen.by[0]) == 0 && byte_account_unexplained(&seen.by[1]) == 0);
	assert_true(seen.sum.moved == (int64_t)seen.positions);
	assert_true(failing || (!seen.refused && !seen.sum.lost && seen.exchanges == 9 && seen.handshakes == 1 && seen.findings >= 7));
	assert_true(seen.refused <= 1);
	/* For want of memory nothing was not understood: it has that reason, or the message is counted. */
	assert_true(seen.refused || seen.sum.lost || seen.sum.why[LOSS_UNKNOWN_PROTOCOL] <= STRANGE);
	if (!failing)
		assert_true(seen.sum.opaque == STRANGE && seen.sum.why[LOSS_UNKNOWN_PROTOCOL] == STRANGE && protocol_counts.messages_dropped == dropped);
	else if (!seen.refused && !seen.sum.lost && !seen.sum.skipped && seen.sum.opaque == STRANGE)
		assert_true(seen.exchanges + protocol_counts.messages_dropped - dropped >= 9);
}

static void the_bytes_of_a_connection_add_up_whichever_allocation_fails(void **state)
{
	each_allocation(front_run, 20);
}

/* ---- the back: facts to leaves ---- */

static char *policy;
static size_t policy_len;

struct told { int64_t flows, coverage; unsigned leaves; bool violation, dropped; };

static int64_t moved_in(const char *text, size_t len)
{
	const char *at = memmem(text, len, "\"moved\":", 8);

	return at ? strtoll(at + 8, NULL, 10) : 0;
}

/* What the ledger holds is what was told; the sinks' queue may drop. */
static int on_leaf(void *owner, uint64_t index, const char *text, size_t len)
{
	struct told *t = owner;

	t->leaves++;
	t->violation |= !strncmp(text, "{\"type\":\"violation\"", 19);
	t->dropped |= !strncmp(text, "{\"type\":\"loss\"", 14);
	if (!strncmp(text, "{\"type\":\"flow\"", 14))
		t->flows += moved_in(text, len);
	else if (!strncmp(text, "{\"type\":\"coverage\"", 18) && memmem(text, len, "\"pid\":", 6))
		t->coverage += moved_in(text, len);
	return 0;
}

static void on_emit(void *owner, const char *type, const char *text, size_t len, const char *line_, uint64_t leaf)
{
	assert_true(len == strlen(text) && text[0] == '{');
	++*(unsigned *)owner;
}

static void back_tell(struct back *b)
{
	static struct fact f;
	struct books books = { .epoch = 1, .start_ms = 60000, .end_ms = 120000, .findings = 2, .stored = 2 };

	memset(&f, 0, sizeof(f));
	f.kind = FACT_PROCESS;
	f.process = (struct process_facts){ .key = { 7, 9 }, .comm = "app", .exe = "/usr/bin/app" };
	back_fact(b, &f);
	memset(&f, 0, sizeof(f));
	f.kind = FACT_EXCHANGE;
	f.exchange.conn = (struct conn_facts){ .id = 5, .process = { 7, 9 }, .family = 2, .role = ROLE_CLIENT, .tls = TLS_ABSENT };
	memcpy(f.exchange.conn.remote.addr, "\xc0\x00\x02\x07", 4);
	f.exchange.conn.remote.port = 80;
	f.exchange.at = (struct stamp){ 1, 1 };
	f.exchange.bytes[DIR_SENT] = (struct byte_account){ .moved = 1009, .examined = 1009 };
	snprintf(f.exchange.protocol, sizeof(f.exchange.protocol), "http1");
	snprintf(f.exchange.route, sizeof(f.exchange.route), "/pay");
	f.exchange.nr_findings = 1;
	f.exchange.findings[0] = (struct finding){ .class_id = (uint8_t)class_find("pan"), .confidence = CONF_CERTAIN,
						   .location = LOC_REQUEST_BODY, .dir = DIR_SENT, .count = 1, .path = "$.card" };
	back_fact(b, &f);
	memset(&f, 0, sizeof(f));
	f.kind = FACT_TRAFFIC;
	f.traffic.conn = (struct conn_facts){ .id = 6, .process = { 8, 9 }, .family = 2, .role = ROLE_SERVER, .tls = TLS_ABSENT };
	f.traffic.at = (struct stamp){ 1, 1 };
	f.traffic.bytes[DIR_SENT] = (struct byte_account){ .moved = 211, .opaque = 211 };
	back_fact(b, &f);
	back_interval(b, &books);
	back_stop(b, "test");
}

static bool log_is_whole(int dir, bool may_be_empty, struct told *told)
{
	struct ledger_report report;
	enum ledger_error err = ledger_verify(dir, NULL, NULL, on_leaf, told, &report);

	/* Memory may have been out before there was a key. */
	return err == LEDGER_OK || (may_be_empty && err != LEDGER_INTEGRITY);
}

static void back_run(bool failing)
{
	char path[] = "/dev/shm/weir-alloc-XXXXXX", why[256] = "";
	const char *names[] = { "soc2.yaml" }, *texts[] = { policy };
	struct told told = { 0 };
	unsigned sent = 0;
	int dir, home_dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;
	struct back_config c = { .policy_names = names, .policy_texts = texts, .policy_sizes = &policy_len, .nr_policies = 1,
				 .host = "host", .emit = on_emit, .owner = &sent };
	struct back *b;
	bool failed = false;

	assert_non_null(mkdtemp(path));
	dir = c.state = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0 && home_dir >= 0 && !fchdir(dir));
	memory.armed = true;
	b = back_new(&c, why, sizeof(why), &code);
	if (b) {
		back_start(b, "hooks", "", "0.1", "build");
		back_tell(b);
		failed = back_failed(b, why, sizeof(why));
	}
	back_free(b);
	memory.armed = false;
	assert_true(log_is_whole(dir, !b || failed, &told));
	assert_true(b ? failing || !failed : failing && code && why[0]);
	if (b && !failed) {	/* else it had said so, and nothing is claimed */
		assert_int_equal(told.flows, 1009 + 211);
		assert_int_equal(told.coverage, 1009 + 211);
		assert_true(told.violation || told.dropped);
		assert_true(failing ? sent && sent <= told.leaves : sent == told.leaves);
	}
	assert_int_equal(fchdir(home_dir), 0);
	close(home_dir);
	close(dir);
	nftw(path, state_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void the_keeper_keeps_all_or_says_that_it_cannot(void **state)
{
	each_allocation(back_run, 20);
}

/* ---- bodies ---- */

static const struct { const char *type, *body; unsigned fields; } bodies[] = {
	{ "application/json", "{\"a\\n\":\"b\\n\",\"c\":\"{\\\"d\\\":1}\",\"e\":\"eyJtYWlsIjoiYUBiLm9yZyJ9\",\"f\":\"data:,x%20y\"}", 5 },
	{ "multipart/mixed; boundary=X", "--X\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nYWI=\r\n--X--", 1 },
	{ "text/xml", "<a b='&lt;'>x &gt; <![CDATA[y]]></a>", 2 },
	{ "text/html", "<p title='&lt;'>x</p>", 2 },
	{ "text/csv", "a,b\n\"x\"\"y\",2\n", 2 },
	{ "application/graphql", "{ a(b: \"x\\\"y\") }", 1 },
	{ "application/msgpack", "\x81\xa1" "a\x01", 1 },
	{ "application/x-www-form-urlencoded", "a=1&b=2", 2 },
};

static void on_body_field(void *owner, struct exchange *ex, const struct field *f)
{
	++*(unsigned *)owner;
}

static size_t on_body_name(void *owner, char out[NAME_SIZE], struct slice raw)
{
	out[0] = 'n';
	out[1] = 0;
	return 1;
}

/* What could not be read for want of memory is said. */
static void content_run(bool failing)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		static struct exchange ex;
		unsigned fields = 0;
		const struct field_sink sink = { .owner = &fields, .field = on_body_field, .clean = on_body_name };
		struct content_job job = { .exchange = &ex, .sink = &sink, .location = LOC_REQUEST_BODY };
		int done;

		memory.armed = true;
		done = content_decode(&job, slice_of(bodies[i].type, strlen(bodies[i].type)), slice_of(bodies[i].body, strlen(bodies[i].body)));
		memory.armed = false;
		assert_int_equal(fields, job.fields);
		assert_true(failing || done == INSPECTED_FULL);
		if (done == INSPECTED_FULL)
			assert_int_equal(fields, bodies[i].fields);
	}
}

static void a_body_is_read_whole_or_said_to_be_partial(void **state)
{
	each_allocation(content_run, 20);
}

/* ---- policies, documents ---- */

static void policy_run(bool failing)
{
	struct policy_file file = { "soc2.yaml", policy, policy_len };
	struct policy_set *set;
	char *said_ = NULL;
	size_t n = 0;
	FILE *errors = open_memstream(&said_, &n);
	unsigned run = 0;

	memory.armed = true;
	set = policy_load(&file, 1, errors);
	if (set)
		assert_int_equal(policy_test(set, errors, &run), 0);
	policy_free(set);
	memory.armed = false;
	fflush(errors);
	assert_true(set ? run > 0 || failing : failing && n > 0);
	fclose(errors);
	free(said_);
}

static void a_policy_is_whole_or_refused_with_a_reason(void **state)
{
	each_allocation(policy_run, 20);
}

static void on_document(void *owner, const struct document_hit *h)
{
	++*(unsigned *)owner;
}

static void document_run(bool failing)
{
	static const char doc[] = "{\"a\":{\"email\":\"ana\\u0040corp.de\"},\"tel\":[\"+14155552671\"]}";
	unsigned hits = 0;
	int err;

	memory.armed = true;
	err = document_classify(doc, sizeof(doc) - 1, on_document, &hits);
	memory.armed = false;
	assert_true(!err || (failing && err == -ENOMEM));
	assert_true(err || hits == 2);
}

static void a_document_is_classified_or_refused(void **state)
{
	each_allocation(document_run, 1);
}

/* ---- commands ---- */

static const char *const *words;
static struct { char *out; int code; } expected;

/* A report says when it was made. */
static bool same_but_times(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(*a >= '0' && *a <= '9' && *b >= '0' && *b <= '9'))
			return false;
	return *a == *b;
}

static void command_run(bool failing)
{
	int code = weir_run(words);

	if (!expected.out) {
		expected.out = strdup(said.out);
		expected.code = code;
	}
	if (code != expected.code && !failing)
		fail_msg("weir %s %s: exit %d: %s", words[1], words[2], code, said.err);
	/* An answer is the right one, or it is not given for one. */
	if (failing && code == EXIT_OK && !said.err[0] && !same_but_times(said.out, expected.out))
		fail_msg("weir %s %s: allocation %lu: a wrong answer:\n%s\nnot\n%s", words[1], words[2], memory.fail, said.out, expected.out);
	if (code != EXIT_OK && !said.err[0] && !said.out[0])
		fail_msg("weir %s %s: exit %d without a word, allocation %lu", words[1], words[2], code, memory.fail);
	assert_true(code >= 0 && code <= EXIT_NOT_VERIFIED);
}

#define COMMAND(...) do { \
		words = (const char *[]){ "weir", __VA_ARGS__, NULL }; \
		expected.out = NULL; \
		command_run(false); \
		each_allocation(command_run, 0); \
		free(expected.out); \
	} while (0)

static void a_command_answers_or_says_why_not(void **state)
{
	COMMAND("flows", "--state", home.path);
	COMMAND("flows", "--state", home.path, "--sum", "-o", "json", "--workload", "curl,nginx");
	COMMAND("violations", "list", "--state", home.path);
	COMMAND("violations", "show", "00000000000000f1", "--state", home.path);
	COMMAND("coverage", "--state", home.path);
	COMMAND("observe", "--state", home.path);
	COMMAND("ledger", "verify", "--state", home.path);
	COMMAND("ledger", "verify", "--state", home.path, "-o", "json");
	COMMAND("report", "--period", "all", "--format", "html", "--state", home.path);
	COMMAND("report", "--period", "all", "--format", "json", "--state", home.path);
	COMMAND("policy", "check", "policies/soc2.yaml");
	COMMAND("policy", "test", "policies/soc2.yaml");
	COMMAND("classify", "tests/unit/test_alloc.c");
	COMMAND("classify", "--list");
}

static int make_all(void **state)
{
	FILE *f = fopen("policies/soc2.yaml", "re");

	assert_non_null(f);
	policy = calloc(1, 65536);
	policy_len = fread(policy, 1, 65535, f);
	fclose(f);
	return make_home(state);
}

static int free_all(void **state)
{
	free(policy);
	return free_home(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_of_a_connection_add_up_whichever_allocation_fails),
		cmocka_unit_test(a_body_is_read_whole_or_said_to_be_partial),
		cmocka_unit_test(the_keeper_keeps_all_or_says_that_it_cannot),
		cmocka_unit_test(a_policy_is_whole_or_refused_with_a_reason),
		cmocka_unit_test(a_document_is_classified_or_refused),
		cmocka_unit_test(a_command_answers_or_says_why_not),
	};

	budget_keep(false);	/* each is an allocation here */
	return cmocka_run_group_tests(tests, make_all, free_all);
}
