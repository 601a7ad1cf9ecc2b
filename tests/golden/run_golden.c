/* SPDX-License-Identifier: Apache-2.0 */
/* run_golden.c - replays readable case files through a session and compares the events.
 *
 *   # why this case is there
 *   recv: bytes as the watched process received them     (\r \n \t \\ \xHH are escapes;
 *   send: bytes that it sent                                a line break in the file is none;
 *   recv frame TYPE FLAGS STREAM: payload of a frame        \{...\} has its length in a byte before it)
 *   gap recv 100      bytes that are missing
 *   late              the connection is older than weir
 *   udp               each line is a datagram
 *   close
 *   describe: bytes   of a set of protobuf descriptors, in use for this case
 *   account           the sums of bytes stand behind the events
 *   expect
 *   field LOCATION DIR PATH KEY=VALUE
 *   exchange METHOD ROUTE STATUS …
 *
 * Each case is replayed whole; split at every byte, which must give the same events, but for
 * those of text that no protocol explains, whose windows end where what comes is understood; and
 * with each line dropped as a gap, cut short, and mutated, which must not crash, hang or
 * lose bytes of the account. Usage: run_golden FOLDER [CASE...]; --show prints events. */
#include <arpa/inet.h>

#include "case.h"
#include "protocol/descriptor.h"
#include "protocol/protocol.h"

static struct buf events;
static unsigned passed, failed;
static bool show_only;

/* The sink: events as text. */

static void print_value(struct slice v)
{
	for (size_t i = 0; i < v.len && i < 200; i++)
		if (v.ptr[i] >= 0x20 && v.ptr[i] < 0x7f)
			buf_printf(&events, "%c", v.ptr[i]);
		else
			buf_printf(&events, "\\x%02x", v.ptr[i]);
}

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	static const char *const types[] = { "", " number", " bool", " null", " bytes" };

	/* Headers that every case has say nothing. */
	if (!strcmp(f->path, "header.content-length") || !strcmp(f->path, "header.content-type") || !strcmp(f->path, "header.host"))
		return;
	buf_printf(&events, "field %s %s %s ", location_name(f->location), dir_name(f->dir), f->path);
	print_value(f->key);
	buf_puts(&events, "=");
	print_value(f->value);
	buf_printf(&events, "%s%s\n", types[f->type], f->cut ? " cut" : "");
}

static size_t on_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = raw.ptr[i] > 0x20 && raw.ptr[i] < 0x7f ? (char)raw.ptr[i] : '_';
	out[n] = 0;
	return n;
}

/* Not told where it is a row's, which a case is about anyway. */
static bool is_row(const char *protocol)
{
	for (unsigned i = 0; i < protocol_count(); i++)
		if (!strcmp(protocol_get(i)->name, protocol))
			return true;
	return false;
}

static void on_exchange(void *owner, const struct exchange *ex)
{
	if (!is_row(ex->protocol))
		buf_printf(&events, "%s ", ex->protocol);
	buf_printf(&events, "exchange %s %s %u role=%s host=%s auth=%s inspected=%s gap=%u request=%llu response=%llu\n",
		   ex->method[0] ? ex->method : "-", ex->route[0] ? ex->route : "-", ex->status, role_name(ex->conn.role),
		   ex->host[0] ? ex->host : "-", auth_name(ex->auth), inspected_name(ex->inspected), ex->has_gap,
		   (unsigned long long)ex->request_bytes, (unsigned long long)ex->response_bytes);
}

static void on_named(void *owner, const struct named *n)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(n->family, n->address.addr, text, sizeof(text));
	buf_printf(&events, "named %s %s ttl=%u\n", text, n->name, n->ttl);
}

static const struct field_sink sink = { NULL, on_field, on_clean, on_exchange, NULL, NULL, on_named };

/* Replay. */

struct replay { struct session *session; struct byte_account acct[2]; uint64_t moved[2], time; };

static void give(struct replay *r, enum dir dir, const uint8_t *bytes, size_t len)
{
	/* A copy that ends where the bytes end: one too many faults under ASan. */
	uint8_t *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, bytes, len);
	r->time += 1000000;
	r->moved[dir] += len;
	session_bytes(r->session, dir, slice_of(copy, len), (struct stamp){ r->time, 1 });
	memset(copy, 0xdd, len);
	free(copy);
}

/* Every byte given is examined, opaque or skipped for what it would cost at the end, and none twice. A session
 * leaves the other parts alone. */
static void account_print(const struct replay *r, enum dir d, bool asked)
{
	const struct byte_account *a = &r->acct[d];
	bool holds = (uint64_t)(a->examined + a->opaque + a->skipped) == r->moved[d] && a->examined >= 0 && a->opaque >= 0 && a->skipped >= 0 &&
		     !a->moved && !a->lost && !a->framing;

	if (!holds || asked)
		buf_printf(&events, "%s %s: given %llu examined %lld opaque %lld skipped %lld\n", holds ? "account" : "ACCOUNT", dir_name(d),
			   (unsigned long long)r->moved[d], (long long)a->examined, (long long)a->opaque, (long long)a->skipped);
}

/* piece: bytes given at once; 0: all. */
static void replay(const struct test_case *c, size_t piece)
{
	struct conn_facts conn = { .id = 1, .role = c->role, .late = c->late, .tls = TLS_ABSENT,
				   .transport = c->udp ? TRANSPORT_UDP : TRANSPORT_TCP };
	struct replay r = { 0 };

	buf_reset(&events);
	r.session = session_new(&conn, &sink, r.acct);
	for (unsigned i = 0; i < c->nr; i++) {
		const struct step *s = &c->steps[i];

		if (s->kind == STEP_GAP)
			session_gap(r.session, s->dir, s->len, LOSS_MISSING, (struct stamp){ ++r.time, 1 });
		for (size_t at = 0; s->kind == STEP_BYTES && at < s->len;) {
			size_t n = piece && !c->udp && piece < s->len - at ? piece : s->len - at;

			give(&r, s->dir, s->bytes + at, n);
			at += n;
		}
	}
	session_close(r.session, (struct stamp){ r.time, 1 });
	for (unsigned d = 0; d < 2; d++)
		account_print(&r, (enum dir)d, c->account);
}

static bool account_holds(void)
{
	return !strstr(buf_str(&events), "ACCOUNT");
}

static void result(bool ok, const char *path, const char *what)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s: %s\n%s", path, what, buf_str(&events));
}

/* One step at a time dropped, cut or mutated: nothing may break. */
static bool damage(struct test_case *c)
{
	bool ok = true;

	srand(7);
	for (unsigned i = 0; i < c->nr; i++) {
		struct step saved = c->steps[i];

		if (saved.kind != STEP_BYTES)
			continue;
		c->steps[i] = (struct step){ STEP_GAP, saved.dir, NULL, saved.len };
		replay(c, 0);
		ok &= account_holds();
		c->steps[i] = saved;
		for (size_t cut = 0; cut < saved.len; cut += 1 + saved.len / 64) {
			c->steps[i].len = cut;
			replay(c, 0);
			ok &= account_holds();
		}
		c->steps[i] = saved;
		for (int k = 0; k < 120; k++) {
			size_t at = (size_t)rand() % saved.len;
			uint8_t was = saved.bytes[at];

			saved.bytes[at] = k % 3 ? (uint8_t)rand() : "\r\n:;,{}[]\"\\%0123 /"[rand() % 18];
			replay(c, k % 2 ? 0 : 13);
			ok &= account_holds();
			saved.bytes[at] = was;
		}
	}
	return ok;
}

/* The lines of field text taken out. */
static void drop_unread(char *text)
{
	char *to = text;

	for (char *at = text, *next; *at; at = next) {
		size_t n = strcspn(at, "\n");

		next = at + n + (at[n] == '\n');
		if (!strncmp(at, "field text ", 11))
			continue;
		memmove(to, at, (size_t)(next - at));
		to += next - at;
	}
	*to = 0;
}

static bool same_in_pieces(char *expect)
{
	char *got = strdup(buf_str(&events));
	bool same;

	drop_unread(got);
	same = !strcmp(got, expect);
	free(got);
	return same;
}

static bool describe(const struct test_case *c, const char *path)
{
	struct descriptors *d = c->described.len ? descriptors_new() : NULL;
	char why[256];

	if (d && descriptors_add(d, c->described.ptr, c->described.len, why, sizeof(why)))
		return printf("%s: not descriptors: %s\n", path, why), false;
	return !descriptors_use(d);
}

static void run_case(const char *path)
{
	struct test_case c;

	if (!case_read(path, &c) || !describe(&c, path)) {
		failed++;
		printf("FAIL %s: cannot be read as a case\n", path);
		return;
	}
	replay(&c, 0);
	if (show_only) {
		printf("%s", buf_str(&events));
		case_free(&c);
		return;
	}
	result(!strcmp(buf_str(&events), c.expect), path, "whole: the events are not as expected; they are:");
	drop_unread(c.expect);
	replay(&c, 1);
	result(same_in_pieces(c.expect), path, "byte by byte: the events are not as when whole; they are:");
	for (size_t piece = 2; piece < 40; piece += 5) {
		replay(&c, piece);
		result(same_in_pieces(c.expect), path, "in pieces: the events are not as when whole; they are:");
	}
	result(damage(&c), path, "damaged: bytes are counted twice or not at all");
	case_free(&c);
}

int main(int argc, char **argv)
{
	buf_init(&events, 16 << 20);
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (!strcmp(argv[i], "--show"))
			show_only = true;
		else if (!stat(argv[i], &st) && S_ISDIR(st.st_mode))
			each_case(argv[i], run_case);
		else
			run_case(argv[i]);
	}
	buf_free(&events);
	if (!show_only)
		printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
