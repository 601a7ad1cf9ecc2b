/* SPDX-License-Identifier: Apache-2.0 */
/* events.h - a sink that writes the fields and exchanges of protocol/ down as text, to be
 * compared, and a replay of two directions of bytes into a session. */
#ifndef WEIR_FUZZ_EVENTS_H
#define WEIR_FUZZ_EVENTS_H
#include "base/budget.h"
#include "base/buf.h"
#include "protocol/protocol.h"
#include "tests/fuzz/fuzz.h"

static inline void event_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct buf *out = owner;

	MUST(f->path && strlen(f->path) < PATH_SIZE);
	MUST(f->location < LOC_MAX && f->dir <= DIR_SENT && f->type <= VALUE_BYTES);
	buf_printf(out, "field %d %d %s %u%u ", f->location, f->dir, f->path, f->type, f->cut);
	buf_add(out, f->key.ptr, f->key.len);
	buf_puts(out, "=");
	buf_add(out, f->value.ptr, f->value.len);
	buf_puts(out, "\n");
}

static inline size_t event_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = raw.ptr[i] > 0x20 && raw.ptr[i] < 0x7f ? (char)raw.ptr[i] : '_';
	out[n] = 0;
	return n;
}

static inline void event_exchange(void *owner, const struct exchange *ex)
{
	MUST(strlen(ex->method) < WORD_SIZE && strlen(ex->route) < PATH_SIZE && strlen(ex->host) < NAME_SIZE);
	for (unsigned d = 0; d < 2; d++)
		MUST(ex->bytes[d].examined >= 0 && ex->bytes[d].opaque >= 0);
	buf_printf(owner, "exchange %s %s %u %u %s %u %u %u %llu %llu\n", ex->method, ex->route, ex->status, ex->conn.role, ex->host,
		   ex->auth, ex->inspected, ex->has_gap, (unsigned long long)ex->request_bytes, (unsigned long long)ex->response_bytes);
}

/* Segments of two directions: 0xff OP, then bytes up to the next 0xff. OP bit 0 is the
 * direction; with bit 1 as many bytes as the other bits say are missing here. What stands
 * before the first 0xff was received. piece: bytes given at once; 0: a segment. */
static inline void replay_segments(struct session *s, struct slice in, size_t piece, int64_t given[2])
{
	enum dir dir = DIR_RECEIVED;
	uint64_t time = 1;

	for (size_t at = 0, end, n; at < in.len; at = end) {
		if (in.ptr[at] == 0xff) {
			uint8_t op = at + 1 < in.len ? in.ptr[at + 1] : 0;

			dir = (enum dir)(op & 1);
			if (op & 2)
				session_gap(s, dir, 1u + (op >> 2), LOSS_MISSING, (struct stamp){ ++time, 1 });
			end = at + 2 < in.len ? at + 2 : in.len;
			continue;
		}
		for (end = at; end < in.len && in.ptr[end] != 0xff; end++)
			;
		for (; at < end; at += n) {
			uint8_t *bytes;

			n = piece && piece < end - at ? piece : end - at;
			bytes = exact(in.ptr + at, n);
			session_bytes(s, dir, slice_of(bytes, n), (struct stamp){ ++time, 1 });
			free(bytes);
			given[dir] += (int64_t)n;
		}
	}
}

/* All of a connection; every byte given must end as examined or as opaque, once. */
static inline struct byte_account replay_connection(struct buf *events, struct slice in, size_t piece, bool late)
{
	const struct field_sink sink = { events, event_field, event_clean, event_exchange, NULL, NULL, NULL };
	const struct conn_facts conn = { .id = 1, .late = late, .tls = TLS_ABSENT };
	struct byte_account acct[2] = { 0 };
	struct session *s = session_new(&conn, &sink, acct);
	int64_t given[2] = { 0 };

	MUST(s);
	replay_segments(s, in, piece, given);
	session_close(s, (struct stamp){ 1 << 20, 1 });
	for (unsigned d = 0; d < 2; d++)
		MUST(acct[d].examined >= 0 && acct[d].opaque >= 0 && acct[d].examined + acct[d].opaque + acct[d].skipped == given[d]);
	return byte_accounts_sum(acct);
}

/* The input as it is, then in pieces of `most` bytes: where it is cut into calls changes nothing, but behind
 * bytes that are no message, of which play() returns how many there were. No memory stays. */
static inline int whole_and_pieces(const uint8_t *bytes, size_t len, int64_t (*play)(struct buf *events, struct input in, size_t most))
{
	size_t used = budget_used();
	struct buf whole, cut;
	bool same;
	int64_t lost;

	buf_init(&whole, 64 << 20);
	buf_init(&cut, 64 << 20);
	lost = play(&whole, (struct input){ bytes, len }, 0);
	lost += play(&cut, (struct input){ bytes, len }, len % 7 + 1);
	same = whole.len == cut.len && !(whole.len && memcmp(whole.ptr, cut.ptr, whole.len));
	if (!lost && !same) {
		fprintf(stderr, "--- whole\n");
		fwrite(whole.ptr, 1, whole.len, stderr);
		fprintf(stderr, "--- in pieces of %zu\n", len % 7 + 1);
		fwrite(cut.ptr, 1, cut.len, stderr);
	}
	MUST(lost || same);
	buf_free(&whole);
	buf_free(&cut);
	MUST(budget_used() == used);
	return 0;
}
#endif
