/* SPDX-License-Identifier: Apache-2.0 */
/* dns.c - DNS over datagrams and TCP (RFC 1035): a question with its answer is an exchange; what
 * the answer says of addresses names the peers to come. Names may carry data, so that both the
 * question and texts are fields. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/budget.h"
#include "protocol/protocol.h"
#include "protocol/reader.h"

#define HEADER		12
#define SMALLEST	17	/* a header and the shortest question */
#define NAME_MAX_TEXT	256
#define JUMPS_MAX	64	/* compression pointers in one name */
#define PENDING_MAX	64	/* questions without an answer; the oldest makes room */
#define LENGTH_USUAL	8192	/* of a message on TCP whose header is not there yet */
#define ROUTE_LABELS	3	/* of a name; those in front are "*" */
#define COST_MESSAGE	20	/* ns a byte; see field_sink.afford */

enum { TYPE_A = 1, TYPE_TXT = 16, TYPE_AAAA = 28, TYPE_NB = 32, TYPE_NBSTAT = 33 };
enum { FLAG_ANSWER = 0x8000, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5 };

struct message {
	uint16_t id, flags, counts[4];	/* questions, answers, authorities, additional */
	uint16_t type;			/* of the first question */
	char name[NAME_MAX_TEXT];	/* lower case, without the last dot */
	struct slice records;		/* behind the questions */
	size_t len;			/* of all of it */
};

struct pending { uint16_t id, type; uint32_t name; uint64_t asked; struct exchange *ex; };

struct state {
	const struct field_sink *sink;
	struct session *session;
	struct conn_facts conn;
	bool lost[2];		/* of a stream: it is not known where a message begins */
	unsigned nr;
	struct pending *pending;	/* PENDING_MAX; NULL while there is none */
};

/* ---- messages ---- */

/* Steps over a name where it stands. */
static void name_skip(struct reader *r)
{
	while (!r->failed) {
		uint32_t n = reader_number(r, 1);

		if (n >= 0xc0) {
			reader_take(r, 1);
			return;
		}
		if (!n)
			return;
		r->failed |= n > 63;
		reader_take(r, n);
	}
}

/* The name at `at` as text; pointers only lead back. False: it is none. */
static bool name_text(struct slice all, size_t at, char out[NAME_MAX_TEXT])
{
	size_t n = 0, limit = all.len;

	for (unsigned jumps = 0; at < limit;) {
		uint8_t len = all.ptr[at];

		if (!len) {
			out[n ? n - 1 : 0] = 0;
			return true;
		}
		if (len >= 0xc0) {
			size_t to = all.len - at > 1 ? (size_t)(len & 0x3f) << 8 | all.ptr[at + 1] : all.len;

			if (to >= at || ++jumps > JUMPS_MAX)
				return false;
			at = to;
			continue;
		}
		if (len > 63 || len >= all.len - at || n + len + 1 >= NAME_MAX_TEXT)
			return false;
		for (size_t i = 1; i <= len; i++) {
			uint8_t c = all.ptr[at + i];

			out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c ? c : '_');
		}
		out[n++] = '.';
		at += len + 1u;
	}
	return false;
}

static bool record_skip(struct reader *r)
{
	name_skip(r);
	reader_take(r, 8);
	reader_vector(r, 2);
	return !r->failed;
}

/* A name service's of NetBIOS, RFC 1002 4.2: 16 bytes in letters, of a type that DNS has no names like this for. */
static bool is_netbios(struct slice in)
{
	struct reader r = { in, false };
	uint32_t type;

	if (in.len < HEADER + 33 || in.ptr[HEADER] != 32)
		return false;
	for (unsigned i = 1; i <= 32; i++)
		if (in.ptr[HEADER + i] < 'A' || in.ptr[HEADER + i] > 'P')
			return false;
	reader_take(&r, HEADER);
	name_skip(&r);
	type = reader_number(&r, 2);
	return !r.failed && (type == TYPE_NB || type == TYPE_NBSTAT);
}

static bool message_read(struct slice in, struct message *m)
{
	struct reader r = { in, false };
	unsigned opcode, records;

	memset(m, 0, sizeof(*m));
	m->id = (uint16_t)reader_number(&r, 2);
	m->flags = (uint16_t)reader_number(&r, 2);
	for (int i = 0; i < 4; i++)
		m->counts[i] = (uint16_t)reader_number(&r, 2);
	opcode = m->flags >> 11 & 15;
	records = m->counts[1] + m->counts[2] + m->counts[3];
	if (r.failed || (opcode && opcode != OPCODE_NOTIFY && opcode != OPCODE_UPDATE) || m->counts[0] > 16 || !(m->counts[0] + records) ||
	    records > in.len / 11 || (!m->counts[0] && !(m->flags & FLAG_ANSWER)) || is_netbios(in))
		return false;
	for (unsigned i = 0; i < m->counts[0]; i++) {
		if (!i && !name_text(in, HEADER, m->name))
			return false;
		name_skip(&r);
		if (!i)
			m->type = (uint16_t)reader_number(&r, 2);
		else
			reader_take(&r, 2);
		reader_take(&r, 2);
	}
	m->records = r.left;
	for (unsigned i = 0; i < records; i++)
		if (!record_skip(&r))
			return false;
	m->len = in.len - r.left.len;
	return !r.failed;
}

/* Whole, and nothing behind it. */
static int guess_datagram(struct slice head, enum dir dir)
{
	struct message m;

	return message_read(head, &m) && m.len == head.len ? 80 : 0;
}

static int guess(struct slice head, enum dir dir)
{
	struct reader r = { head, false };
	size_t len = reader_number(&r, 2);
	struct message m;

	if (r.failed)
		return head.ptr[0] < LENGTH_USUAL >> 8 ? -EAGAIN : 0;
	if (len < SMALLEST || len > LENGTH_USUAL)
		return 0;
	if (r.left.len < len) {
		/* Of a header that is not whole, what must be small. */
		for (size_t i = 4; i < 6 && i < r.left.len; i++)
			if (r.left.ptr[i] != (i == 5))
				return 0;
		return -EAGAIN;
	}
	return message_read(slice_of(r.left.ptr, len), &m) && m.len == len ? 80 : 0;
}

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	s->conn = *conn;
}

/* ---- exchanges ---- */

static const char *type_name(uint16_t type, char room[WORD_SIZE])
{
	static const struct { uint16_t type; const char *name; } names[] = {
		{ TYPE_A, "A" }, { 2, "NS" }, { 5, "CNAME" }, { 6, "SOA" }, { 12, "PTR" }, { 15, "MX" }, { TYPE_TXT, "TXT" }, { TYPE_AAAA, "AAAA" },
		{ 33, "SRV" }, { 35, "NAPTR" }, { 43, "DS" }, { 48, "DNSKEY" }, { 64, "SVCB" }, { 65, "HTTPS" }, { 251, "IXFR" },
		{ 252, "AXFR" }, { 255, "ANY" }, { 257, "CAA" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(room, WORD_SIZE, "TYPE%u", type);
	return room;
}

/* Answers in HTTP's numbers, which policies know. */
static uint16_t status_of(unsigned rcode)
{
	static const uint16_t numbers[] = { 200, 400, 502, 404, 501, 403 };

	return rcode < sizeof(numbers) / sizeof(numbers[0]) ? numbers[rcode] : 500;
}

/* "api.partner.example" as it is, "a.b.partner.example" as "*.b.partner.example". */
static void route_set(struct state *s, char route[PATH_SIZE], const char *name)
{
	const char *from = name + strlen(name);
	char path[NAME_MAX_TEXT + 2], clean[PATH_SIZE];
	unsigned labels = 0;

	while (from > name && !(from[-1] == '.' && ++labels == ROUTE_LABELS))
		from--;
	snprintf(path, sizeof(path), "/%s", from);
	for (char *p = path + 1; *p; p++)
		*p = *p == '.' ? '/' : *p;
	route_template(clean, slice_of(path, strlen(path)), s->sink);
	for (char *p = clean + 1; clean[0] && *p; p++)
		*p = *p == '/' ? '.' : *p;
	snprintf(route, PATH_SIZE, "%s%.*s", from > name ? "*." : name[0] ? "" : ".", PATH_SIZE - 3, clean[0] ? clean + 1 : "");
}

static void tell(struct state *s, struct exchange *ex, const char *path, enum location location, enum dir dir, struct slice value)
{
	struct field f = { .location = location, .dir = dir, .path = path, .value = value, .text = 1 };

	if (value.len)
		s->sink->field(s->sink->owner, ex, &f);
}

static struct exchange *exchange_new(struct state *s, const struct message *m, enum dir dir, struct stamp at)
{
	struct exchange *ex = protocol_exchange();
	unsigned opcode = m->flags >> 11 & 15;
	bool server = (dir == DIR_RECEIVED) == !(m->flags & FLAG_ANSWER);
	char room[WORD_SIZE];

	if (!ex)
		return NULL;
	ex->began = at.time;
	ex->conn.role = server ? ROLE_SERVER : ROLE_CLIENT;
	word_set(ex->method, opcode == OPCODE_NOTIFY ? "NOTIFY" : opcode == OPCODE_UPDATE ? "UPDATE" :
		 type_name(m->type, room));
	route_set(s, ex->route, m->name);
	return ex;
}

static void drop(struct state *s, unsigned i)
{
	budget_free(s->pending[i].ex, sizeof(*s->pending[i].ex));
	memmove(&s->pending[i], &s->pending[i + 1], (--s->nr - i) * sizeof(s->pending[0]));
	if (s->nr)
		return;
	budget_free(s->pending, PENDING_MAX * sizeof(s->pending[0]));	/* most connections rest */
	s->pending = NULL;
}

static uint32_t name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static int pending_find(const struct state *s, const struct message *m)
{
	uint32_t name = name_hash(m->name);

	for (unsigned i = 0; i < s->nr; i++)
		if (s->pending[i].id == m->id && s->pending[i].type == m->type && s->pending[i].name == name)
			return (int)i;
	return -1;
}

static void question(struct state *s, const struct message *m, enum dir dir, size_t bytes, struct stamp at)
{
	int known = pending_find(s, m);
	struct exchange *ex;

	if (known >= 0) {	/* asked again: the answer will be one */
		s->pending[known].ex->request_bytes += bytes;
		return;
	}
	if (s->nr == PENDING_MAX) {
		session_emit(s->session, s->pending[0].ex, at);
		drop(s, 0);
	}
	ex = exchange_new(s, m, dir, at);
	if (ex && !s->pending)
		s->pending = budget_alloc(PENDING_MAX * sizeof(s->pending[0]));
	if (!ex || !s->pending) {
		protocol_counts.messages_dropped += ex != NULL;
		budget_free(ex, sizeof(*ex));
		return;
	}
	ex->request_bytes = bytes;
	tell(s, ex, "dns.name", LOC_QUERY, dir, slice_of(m->name, strlen(m->name)));
	s->pending[s->nr++] = (struct pending){ m->id, m->type, name_hash(m->name), at.time, ex };
}

/* Texts as fields; addresses, of an answer that was asked for, as names of peers. */
static void records(struct state *s, const struct message *m, struct exchange *ex, enum dir dir, bool asked, struct stamp at)
{
	struct reader r = { m->records, false };
	struct named named = { .conn = s->conn, .at = at };
	bool tells = asked && s->sink->named && dir == DIR_RECEIVED && m->name[0];

	if (tells)
		s->sink->clean(s->sink->owner, named.name, slice_of(m->name, strlen(m->name)));
	for (unsigned i = 0; i < m->counts[1] && !r.failed; i++) {
		uint32_t type;
		struct slice data;

		name_skip(&r);
		type = reader_number(&r, 2);
		reader_take(&r, 2);
		named.ttl = reader_number(&r, 4);
		data = reader_vector(&r, 2);
		if (type == TYPE_TXT && !r.failed)
			tell(s, ex, "dns.txt", LOC_RESPONSE_BODY, dir, data.len ? slice_of(data.ptr + 1, data.len - 1) : data);
		if (!tells || r.failed || !((type == TYPE_A && data.len == 4) || (type == TYPE_AAAA && data.len == 16)))
			continue;
		named.family = type == TYPE_A ? AF_INET : AF_INET6;
		memset(named.address.addr, 0, sizeof(named.address.addr));
		memcpy(named.address.addr, data.ptr, data.len);
		s->sink->named(s->sink->owner, &named);
	}
}

static void answer(struct state *s, const struct message *m, enum dir dir, size_t bytes, struct stamp at)
{
	int known = pending_find(s, m);
	struct exchange *ex = known >= 0 ? s->pending[known].ex : exchange_new(s, m, dir, at);
	uint64_t us;

	if (!ex)
		return;
	if (known >= 0) {
		us = at.time > s->pending[known].asked ? (at.time - s->pending[known].asked) / 1000 : 0;
		ex->latency_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	}
	ex->status = status_of(m->flags & 15);
	ex->response_bytes += bytes;
	records(s, m, ex, dir, known >= 0, at);
	session_emit(s->session, ex, at);
	if (known >= 0)
		drop(s, (unsigned)known);
	else
		budget_free(ex, sizeof(*ex));
}

/* ---- the stream ---- */

static void take(struct state *s, const struct message *m, enum dir dir, size_t bytes, struct stamp at)
{
	if (s->sink->afford && !s->sink->afford(s->sink->owner, (int64_t)bytes * COST_MESSAGE))
		return;
	if (m->flags & FLAG_ANSWER)
		answer(s, m, dir, bytes, at);
	else
		question(s, m, dir, bytes, at);
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	bool datagram = transport_is_datagram(s->conn.transport);
	struct slice body = in;
	struct message m;

	if (!datagram) {
		struct reader r = { in, false };
		size_t len = reader_number(&r, 2);

		int begins = s->lost[dir] ? guess(in, dir) : 1;

		if (begins == -EAGAIN)
			return (struct feed_result){ FEED_MORE, 0, 0 };
		if (begins <= 0)
			return (struct feed_result){ FEED_OK, in.len, in.len };
		s->lost[dir] = false;
		if (r.failed || r.left.len < len)
			return (struct feed_result){ FEED_MORE, 0, 0 };
		body = slice_of(r.left.ptr, len);
		in.len = len + 2;
	}
	if (!message_read(body, &m)) {
		s->lost[dir] = !datagram;
		return (struct feed_result){ FEED_OK, in.len, in.len };
	}
	session_count(s->session, FATE_EXAMINED, in.len);
	take(s, &m, dir, in.len, at);
	return (struct feed_result){ FEED_OK, in.len, 0 };
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct state *s = state;

	s->lost[dir] = !transport_is_datagram(s->conn.transport);
	return 0;
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	while (s->nr) {
		session_emit(s->session, s->pending[0].ex, at);
		drop(s, 0);
	}
}

static void fini(void *state)
{
	struct state *s = state;

	while (s->nr)
		drop(s, 0);
}

const struct protocol protocol_dns = {
	.name = "dns", .summary = "DNS over UDP and TCP, questions paired with answers; names of peers", .state_size = sizeof(struct state),
	.guess = guess, .guess_datagram = guess_datagram, .init = init, .feed = feed, .gap = gap, .eof = eof, .fini = fini,
};
