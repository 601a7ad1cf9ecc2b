/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c - the only place where the order of the front stages is written. */
#include "daemon/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "capture/record.h"
#include "classify/classify.h"
#include "protocol/protocol.h"
#include "stream/stream.h"

/* 2 capture -> 3 stream -> 4 protocol -> 5 classify. Payload ends here. */
struct front {
	struct stream_table *streams;
	struct classifier *classifier;
	struct field_sink fields;
	fact_sink sink;
	void *owner;
	struct fact fact;	/* the one being built; too large for the stack */
	int pushed;
};

static void on_exchange(void *owner, const struct exchange *ex)
{
	struct front *f = owner;

	f->fact.kind = FACT_EXCHANGE;
	exchange_copy(&f->fact.exchange, ex);
	f->sink(f->owner, &f->fact);
	stream_told(f->streams);
}

static void on_field(void *owner, struct exchange *ex, const struct field *field)
{
	classifier_field(((struct front *)owner)->classifier, ex, field);
}

static size_t on_name(void *owner, char out[NAME_SIZE], struct slice raw)
{
	return classifier_clean(((struct front *)owner)->classifier, out, raw);
}

/* A stream's session knows its front through this. */
struct link { struct front *front; struct session *session; };

static void *on_open(void *owner, const struct conn_facts *conn, struct byte_account *acct)
{
	struct front *f = owner;
	struct link *l = budget_alloc(sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct link){ f, session_new(conn, &f->fields, acct) };
	if (l->session)
		return l;
	budget_free(l, sizeof(*l));
	return NULL;
}

static void on_update(void *session, const struct conn_facts *conn)
{
	session_update(((struct link *)session)->session, conn);
}

static void on_bytes(void *session, enum dir dir, struct slice bytes, struct stamp at)
{
	session_bytes(((struct link *)session)->session, dir, bytes, at);
}

static void on_gap(void *session, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	session_gap(((struct link *)session)->session, dir, lost, cause, at);
}

static void on_hello(void *session, struct slice in)
{
	session_hello(((struct link *)session)->session, in);
}

static void on_end(void *session, struct stamp at)
{
	session_end(((struct link *)session)->session, at);
}

static void on_flush(void *session, struct stamp at, bool closed, const char *reason)
{
	struct link *l = session;
	struct front *f = l->front;

	memset(&f->fact.traffic, 0, sizeof(f->fact.traffic));
	if (!session_flush(l->session, at, closed, reason, &f->fact.traffic))
		return;
	f->fact.kind = FACT_TRAFFIC;
	f->sink(f->owner, &f->fact);
	stream_told(f->streams);
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
		.owner = f, .open = on_open, .update = on_update, .bytes = on_bytes, .gap = on_gap, .hello = on_hello,
		.end = on_end, .flush = on_flush, .close = on_close,
	};

	if (!f)
		return NULL;
	f->sink = sink;
	f->owner = owner;
	f->fields = (struct field_sink){ f, on_field, on_name, on_exchange };
	f->classifier = classifier_new();
	f->streams = stream_table_new(&limits, &streams);
	if (f->classifier && f->streams)
		return f;
	front_free(f);
	return NULL;
}

int front_outlive(struct front *f, void *memory, size_t size)
{
	return stream_outlive(f->streams, memory, size);
}

void front_free(struct front *f)
{
	if (!f)
		return;
	stream_table_free(f->streams);
	classifier_free(f->classifier);
	free(f);
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

int front_record(struct front *f, const void *record, size_t len)
{
	return record_visit(record, len, on_chunk, f);
}

void front_close(struct front *f, uint64_t conn, uint64_t sent_pos, uint64_t received_pos, uint64_t sent,
		 uint64_t received, struct stamp at)
{
	stream_close(f->streams, conn, sent_pos, received_pos, sent, received, at);
}

void front_tick(struct front *f, struct stamp now)
{
	stream_tick(f->streams, now);
}

uint64_t front_evicted(const struct front *f)
{
	struct stream_stats s;

	stream_stats(f->streams, &s);
	return s.evicted;
}

void front_interval(struct front *f, struct stamp ended)
{
	stream_interval(f->streams, ended);
	classifier_interval(f->classifier, ended.epoch + 1);
}
