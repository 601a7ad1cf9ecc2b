/* SPDX-License-Identifier: Apache-2.0 */
/* Two directions of HTTP/2. Where the bytes are cut into calls must not change what is found in
 * them, and no byte may leave the account. Only behind bytes that are no HTTP/2 may the cuts
 * matter, and where an older connection's beginning is looked for.
 *
 * The first byte: 1 the connection is older, 2 the preface comes first. Then pieces: OP, and as
 * many bytes as it says. OP: bit 0 direction, 1 a frame (its type, flags and stream come first,
 * its length is made), 2 as many bytes are missing instead, 3 to 7 the length, 31 as the next byte says. */
#include "tests/fuzz/events.h"

struct world { struct session *session; int64_t given[2]; uint64_t time; size_t piece; };

static void give(struct world *w, enum dir dir, const uint8_t *bytes, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		uint8_t *copy;

		n = w->piece && w->piece < len - at ? w->piece : len - at;
		copy = exact(bytes + at, n);
		session_bytes(w->session, dir, slice_of(copy, n), (struct stamp){ ++w->time, 1 });
		free(copy);
		w->given[dir] += (int64_t)n;
	}
}

static void give_all(struct world *w, struct input in)
{
	while (in.len) {
		unsigned op = (unsigned)input_number(&in, 1);
		uint8_t bytes[9 + 255] = { 0 };
		size_t len = op >> 3, head = op & 2 ? 9 : 0;

		if (len == 31)
			len = input_number(&in, 1);
		if (op & 4) {
			session_gap(w->session, (enum dir)(op & 1), 1 + len, LOSS_MISSING, (struct stamp){ ++w->time, 1 });
			continue;
		}
		if (head) {
			bytes[3] = (uint8_t)input_number(&in, 1);
			bytes[4] = (uint8_t)input_number(&in, 1);
			bytes[8] = (uint8_t)input_number(&in, 1);
		}
		len = len < in.len ? len : in.len;
		if (head)
			bytes[2] = (uint8_t)len;
		memcpy(bytes + head, in.ptr, len);
		in = (struct input){ in.ptr + len, in.len - len };
		give(w, (enum dir)(op & 1), bytes, head + len);
	}
}

static int64_t replay(struct buf *events, struct input in, size_t piece)
{
	const struct field_sink sink = { .owner = events, .field = event_field, .clean = event_clean, .exchange = event_exchange };
	unsigned how = (unsigned)input_number(&in, 1);
	const struct conn_facts conn = { .id = 1, .late = how & 1, .tls = TLS_ABSENT };
	struct byte_account acct[2] = { 0 };
	struct world w = { .piece = piece, .session = session_new(&conn, &sink, acct) };

	MUST(w.session);
	if (how & 2)
		give(&w, DIR_RECEIVED, (const uint8_t *)"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	give_all(&w, in);
	session_close(w.session, (struct stamp){ 1 << 20, 1 });
	for (unsigned d = 0; d < 2; d++)
		MUST(acct[d].examined >= 0 && acct[d].opaque >= 0 && acct[d].examined + acct[d].opaque + acct[d].skipped == w.given[d]);
	return acct[0].opaque + acct[1].opaque + (how & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	return whole_and_pieces(bytes, len, replay);
}
