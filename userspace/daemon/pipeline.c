/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c - the only place where the order of the front stages is written. */
#include "daemon/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/hash.h"
#include "capture/datagrams.h"
#include "capture/record.h"
#include "classify/classify.h"
#include "classify/user.h"
#include "protocol/arranged.h"
#include "protocol/inflate.h"
#include "protocol/protocol.h"
#include "stream/stream.h"

/* What parsing may cost. Each byte of a connection brings a credit, work is charged by fixed
 * prices (scripts/bench-cost holds them against the clock), so that the same input is cut in
 * the same place everywhere. When the credit is used up the message is left as it is, and the
 * connection's bytes are skipped, and counted so, until they have paid. */
#define COST_BYTE	100	/* ns a byte may cost */
#define COST_WINDOW	(65536 * COST_BYTE)	/* what a connection may cost before its bytes */
#define COST_SAVED	(((1 << 20) + 65536) * COST_BYTE)	/* a body is held whole, then parsed */
#define COST_RESUME	(COST_WINDOW / 4)
#define COST_EXCHANGE	2500
#define COST_FIELD	60
#define COST_CLEAN	100

#define UNWANTED_LEAST	(64 << 10)	/* bytes that are worth a verdict */

/* 2 capture -> 3 stream -> 4 protocol -> 5 classify. Payload ends here. */
struct front {
	struct stream_table *streams;
	struct classifier *classifier;
	const uint64_t *cost;		/* of the classifier until now, ns */
	struct arranged *arranged;
	struct datagrams *datagrams;
	struct field_sink fields;
	fact_sink sink;
	void *owner;
	struct link *spender;	/* whose bytes are being looked at */
	void (*verdict)(void *owner, const struct capture_verdict *);	/* NULL: nobody could heed one */
	struct fact fact;	/* the one being built; too large for the stack */
	int pushed;
};

/* A stream's session knows its front through this. */
struct link {
	struct front *front;
	struct session *session;
	struct byte_account *account;	/* by enum dir */
	int64_t credit;		/* ns */
	bool over;		/* bytes are skipped until the credit is back */
	uint64_t unwanted[2];	/* positions up to which it asked not to be shown bytes, by enum dir */
	uint64_t asked;		/* when it last did; 0: never */
};

static bool on_afford(void *owner, int64_t ns)
{
	struct front *f = owner;

	if (!f->spender)
		return true;
	f->spender->credit -= ns;
	if (f->spender->credit > COST_SAVED)
		f->spender->credit = COST_SAVED;
	return f->spender->credit > 0;
}

static void on_exchange(void *owner, const struct exchange *ex)
{
	struct front *f = owner;
	uint64_t before = *f->cost;

	on_afford(f, COST_EXCHANGE);
	f->fact.kind = FACT_EXCHANGE;
	exchange_copy(&f->fact.exchange, ex);
	classifier_settle(f->classifier, &f->fact.exchange);
	on_afford(f, (int64_t)(*f->cost - before));
	f->sink(f->owner, &f->fact);
	stream_told(f->streams, true);
}

static void on_field(void *owner, struct exchange *ex, const struct field *field)
{
	struct front *f = owner;
	uint64_t before = *f->cost;

	if (!on_afford(f, COST_FIELD)) {
		if (ex->inspected == INSPECTED_FULL)
			ex->inspected = INSPECTED_PARTIAL;
		return;
	}
	classifier_field(f->classifier, ex, field);
	on_afford(f, (int64_t)(*f->cost - before));
}

static void on_handshake(void *owner, const struct conn_facts *conn, struct stamp at, const struct tls_facts *tls)
{
	struct front *f = owner;

	f->fact.kind = FACT_HANDSHAKE;
	f->fact.handshake = (struct handshake){ .conn = *conn, .at = at, .tls = *tls };
	f->sink(f->owner, &f->fact);
}

static void on_named(void *owner, const struct named *named)
{
	struct front *f = owner;

	f->fact.kind = FACT_NAMED;
	f->fact.named = *named;
	f->sink(f->owner, &f->fact);
}

static size_t on_name(void *owner, char out[NAME_SIZE], struct slice raw)
{
	static const char unread[] = "{unread}";
	struct front *f = owner;
	uint64_t before = *f->cost;
	size_t n;

	if (!on_afford(f, COST_CLEAN)) {
		memcpy(out, unread, sizeof(unread));
		return sizeof(unread) - 1;
	}
	n = classifier_clean(f->classifier, out, raw);
	on_afford(f, (int64_t)(*f->cost - before));
	return n;
}

/* ---- streams -> sessions ---- */

static void *on_open(void *owner, const struct conn_facts *conn, struct byte_account acct[2])
{
	struct front *f = owner;
	struct link *l = budget_alloc(sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct link){ .front = f, .session = session_new(conn, &f->fields, acct), .account = acct, .credit = COST_WINDOW };
	if (l->session) {
		session_arrange(l->session, f->arranged);
		return l;
	}
	budget_free(l, sizeof(*l));
	return NULL;
}

static void on_update(void *session, const struct conn_facts *conn)
{
	session_update(((struct link *)session)->session, conn);
}

static void *on_adopt(void *to, void *from)
{
	struct link *l = from, *old = to;

	session_adopt(old->session, l->session);
	l->account = old->account;
	l->credit += old->credit - COST_WINDOW;
	budget_free(old, sizeof(*old));
	return l;
}

static void flush(struct link *l, struct stamp at, bool closed, const char *reason)
{
	struct front *f = l->front;

	session_tell(l->session, at);	/* it uses the same fact */
	memset(&f->fact.traffic, 0, sizeof(f->fact.traffic));
	if (!session_flush(l->session, at, closed, reason, &f->fact.traffic))
		return;
	f->fact.kind = FACT_TRAFFIC;
	f->sink(f->owner, &f->fact);
	stream_told(f->streams, !closed);
}

/* True: the connection has cost more than its bytes may, these are not looked at. */
static bool skip(struct link *l, enum dir dir, size_t nr, struct stamp at)
{
	on_afford(l->front, -(int64_t)nr * COST_BYTE);
	if (l->over && l->credit >= COST_RESUME) {
		l->over = false;
		flush(l, at, false, "budget");
	}
	if (!l->over)
		return false;
	account_skip(&l->account[dir], (int64_t)nr, LOSS_BUDGET);
	session_gap(l->session, dir, nr, LOSS_BUDGET, at);
	return true;
}

/* Bytes that nobody would look at need not be copied either. Asked once for each place, and again
 * when that is forgotten: an answer may never have come. */
static void unwanted_tell(struct link *l, enum dir dir, struct stamp at)
{
	struct front *f = l->front;
	uint64_t n = f->verdict ? session_unwanted(l->session, dir) : 0, to;
	bool over = !l->asked || (at.time > l->asked && at.time - l->asked >= VERDICT_NS);
	struct capture_verdict v = { .version = VERDICT_VERSION };
	struct place place;

	if (n < UNWANTED_LEAST || !stream_place(f->streams, &place))
		return;
	to = n < POSITION_MAX - place.pos ? place.pos + n : POSITION_MAX;
	if (to <= l->unwanted[dir] && !over)
		return;
	if (over)
		l->unwanted[!dir] = 0;
	l->unwanted[dir] = to;
	l->asked = at.time;
	v.layer = (uint8_t)place.layer;
	v.conn = place.conn;
	memcpy(v.to, l->unwanted, sizeof(v.to));
	f->verdict(f->owner, &v);
}

static void on_bytes(void *session, enum dir dir, struct slice bytes, struct stamp at)
{
	struct link *l = session;

	l->front->spender = l;
	if (!skip(l, dir, bytes.len, at)) {
		session_bytes(l->session, dir, bytes, at);
		unwanted_tell(l, dir, at);
		l->over = l->credit <= 0;
	}
	l->front->spender = NULL;
}

static void on_gap(void *session, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct link *l = session;

	l->front->spender = l;
	session_gap(l->session, dir, lost, cause, at);
	l->front->spender = NULL;
}

static void on_hello(void *session, enum dir dir, uint64_t pos, struct slice in)
{
	struct link *l = session;

	l->front->spender = l;
	session_hello(l->session, dir, pos, in);
	l->front->spender = NULL;
}

static void on_end(void *session, struct stamp at)
{
	struct link *l = session;

	l->front->spender = l;
	session_end(l->session, at);
	l->front->spender = NULL;
}

static void on_flush(void *session, struct stamp at, bool closed, const char *reason)
{
	struct link *l = session;

	l->front->spender = l;
	if (!closed)
		session_interval(l->session, at);
	l->front->spender = NULL;
	flush(l, at, closed, reason ? reason : l->over ? "budget" : NULL);
}

static void on_close(void *session, struct stamp at)
{
	session_close(((struct link *)session)->session, at);
	budget_free(session, sizeof(struct link));
}

struct front *front_new(fact_sink sink, void *owner)
{
	struct front *f = calloc(1, sizeof(*f));
	struct stream_limits limits = STREAM_LIMITS_DEFAULT;
	struct stream_sink streams = {
		.owner = f, .open = on_open, .update = on_update, .adopt = on_adopt, .bytes = on_bytes, .gap = on_gap, .hello = on_hello,
		.end = on_end, .flush = on_flush, .close = on_close,
	};
	uint8_t first_use[32];

	if (!f)
		return NULL;
	f->sink = sink;
	f->owner = owner;
	f->fields = (struct field_sink){ f, on_field, on_name, on_exchange, on_afford, on_handshake, on_named };
	sha256(first_use, "", 0);	/* libcrypto prepares it now, before a sandbox refuses */
	f->classifier = classifier_new();
	f->streams = stream_table_new(&limits, &streams);
	f->arranged = arranged_new();
	f->datagrams = datagrams_new();
	if (f->classifier && f->streams && f->arranged && f->datagrams) {
		f->cost = classifier_cost(f->classifier);
		return f;
	}
	front_free(f);
	return NULL;
}

int front_outlive(struct front *f, void *memory, size_t size)
{
	return stream_outlive(f->streams, memory, size);
}

void front_verdicts(struct front *f, void (*verdict)(void *owner, const struct capture_verdict *))
{
	f->verdict = verdict;
}

/* All of it moved, and none of it was looked at. */
static void on_skipped(void *owner, const struct chunk *chunk)
{
	struct chunk c = *chunk;
	struct front *f = owner;

	/* What is missing of it already keeps its cause; record headers are no payload. */
	if ((c.layer == LAYER_SOCKET || c.layer == LAYER_TLS) && !c.skipped) {
		c.skipped = c.bytes.len;
		c.cause = LOSS_BUDGET;
		c.bytes.len = 0;
	}
	f->pushed = stream_push(f->streams, &c);
}

static void on_chunk(void *owner, const struct chunk *chunk)
{
	struct front *f = owner;

#ifdef WEIR_FAULTS	/* make FAULTS=1, for tests: an input that the parsers die of */
	if (memmem(chunk->bytes.ptr, chunk->bytes.len, WEIR_FAULTS, strlen(WEIR_FAULTS)))
		abort();
#endif
	f->pushed = stream_push(f->streams, chunk);
}

static int visit(struct front *f, const void *record, size_t len, void (*push)(void *, const struct chunk *))
{
	int err;

	f->pushed = 0;
	err = record_visit(record, len, push, f);
	return err ? err : f->pushed == -ENOMEM ? -ENOMEM : 0;
}

void front_free(struct front *f)
{
	if (!f)
		return;
	datagrams_free(f->datagrams, on_chunk, f);
	stream_table_free(f->streams);
	classifier_free(f->classifier);
	arranged_free(f->arranged);
	free(f);
}

static void on_piece(void *owner, const struct chunk *chunk)
{
	struct front *f = owner;

	if (transport_is_datagram(chunk->conn.transport))
		datagrams_take(f->datagrams, chunk, on_chunk, f);
	else
		on_chunk(f, chunk);
}

int front_record(struct front *f, const void *record, size_t len)
{
	return visit(f, record, len, on_piece);
}

int front_skip(struct front *f, const void *record, size_t len)
{
	return visit(f, record, len, on_skipped);
}

int front_chunk(struct front *f, const struct chunk *chunk)
{
	f->pushed = 0;
	on_chunk(f, chunk);
	return f->pushed == -ENOMEM ? -ENOMEM : 0;
}

void front_close(struct front *f, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, uint64_t sent,
		 uint64_t received, struct stamp at)
{
	datagrams_close(f->datagrams, conn, on_chunk, f);
	stream_close(f->streams, conn, sent_pos, received_pos, sent, received, at);
}

void front_unheard(struct front *f, const struct conn_facts *conn, const uint8_t before[2], uint64_t time)
{
	const enum loss causes[2] = { record_loss(before[0]), record_loss(before[1]) };

	stream_unheard(f->streams, conn, causes, time);
}

void front_reach(struct front *f, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, struct stamp at)
{
	stream_reach(f->streams, conn, sent_pos, received_pos, at);
}

void front_untold(struct front *f, uint64_t conn, const uint8_t before[2])
{
	const enum loss causes[2] = { record_loss(before[0]), record_loss(before[1]) };

	stream_untold(f->streams, conn, causes);
}

void front_plain(struct front *f, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, const uint8_t before[2], uint8_t known)
{
	const struct plain_end end = { .pos = { [DIR_RECEIVED] = received_pos, [DIR_SENT] = sent_pos },
				       .before = { (uint8_t)record_loss(before[0]), (uint8_t)record_loss(before[1]) },
				       .known = known, .cut = record_cut(known) };

	stream_plain(f->streams, conn, &end);
}

void front_tick(struct front *f, struct stamp now)
{
	datagrams_tick(f->datagrams, now, on_chunk, f);
	stream_tick(f->streams, now);
}

uint64_t front_evicted(const struct front *f)
{
	struct stream_stats s;

	stream_stats(f->streams, &s);
	return s.evicted;
}

struct front_counts front_counts(const struct front *f)
{
	const struct classifier_counts *c = classifier_counts(f->classifier);

	return (struct front_counts){
		.messages_dropped = protocol_counts.messages_dropped,
		.hits_dropped = c->hits_dropped + user_classes_failures(), .counts_low = c->values_uncounted + c->counts_evicted,
		.inflate_ratio = inflate_counts.ratio, .inflate_size = inflate_counts.size, .inflate_time = inflate_counts.time,
	};
}

void front_interval(struct front *f, struct stamp ended)
{
	stream_interval(f->streams, ended);
	classifier_interval(f->classifier, ended.epoch + 1);
}

void front_last(struct front *f, struct stamp ended)
{
	stream_last(f->streams, ended);
	classifier_interval(f->classifier, ended.epoch + 1);
}
