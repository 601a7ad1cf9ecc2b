/* SPDX-License-Identifier: Apache-2.0 */
/* Two directions of WebSocket. Where the bytes are cut into calls must not change what is found in
 * them, no byte may leave the account, and all memory is given back. Only behind bytes that are no
 * frames may the cuts matter, and behind missing ones: there a frame is looked for where a call begins; and
 * where deflated bytes are damaged.
 *
 * The first byte: 1 the connection is older, 2 HTTP/1 asks for it and agrees on permessage-deflate, 4
 * without context of the server's. Then pieces: OP, and as many bytes as it says. OP: bit 0 direction,
 * 1 a frame (its first byte comes before, length and mask are made), 2 as many bytes are missing
 * instead, 3 to 7 the length, 31 as the next byte says. */
#include "tests/fuzz/events.h"

struct world { struct session *session; int64_t given[2]; uint64_t time; size_t piece; bool cuts_matter; };

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

static void open_by_http(struct world *w, bool forgets)
{
	static const char ask[] = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
	char answer[200];
	int n = snprintf(answer, sizeof(answer), "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			 "Sec-WebSocket-Extensions: permessage-deflate%s\r\n\r\n", forgets ? "; server_no_context_takeover" : "");

	give(w, DIR_RECEIVED, (const uint8_t *)ask, sizeof(ask) - 1);
	give(w, DIR_SENT, (const uint8_t *)answer, (size_t)n);
}

static void give_all(struct world *w, struct input in)
{
	while (in.len) {
		unsigned op = (unsigned)input_number(&in, 1);
		uint8_t bytes[8 + 255] = { 0 };
		size_t len = op >> 3, head = 0;
		bool client = !(op & 1);

		if (len == 31)
			len = input_number(&in, 1);
		if (op & 4) {
			w->cuts_matter = true;
			session_gap(w->session, (enum dir)(op & 1), 1 + len, LOSS_MISSING, (struct stamp){ ++w->time, 1 });
			continue;
		}
		if (op & 2) {
			bytes[head++] = (uint8_t)input_number(&in, 1);
			w->cuts_matter |= bytes[0] & 0x40;
			len = len < in.len ? len : in.len;
			bytes[head++] = (uint8_t)((client ? 0x80 : 0) | (len < 126 ? len : 126));
			if (len >= 126)
				bytes[head++] = 0;
			if (len >= 126)
				bytes[head++] = (uint8_t)len;
			head += client ? 4 : 0;
		}
		len = len < in.len ? len : in.len;
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
		open_by_http(&w, how & 4);
	give_all(&w, in);
	session_close(w.session, (struct stamp){ 1 << 20, 1 });
	for (unsigned d = 0; d < 2; d++)
		MUST(acct[d].examined >= 0 && acct[d].opaque >= 0 && acct[d].examined + acct[d].opaque + acct[d].skipped == w.given[d]);
	return acct[0].opaque + acct[1].opaque + (how & 1) + w.cuts_matter;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	return whole_and_pieces(bytes, len, replay);
}
