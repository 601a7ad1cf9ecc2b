/* SPDX-License-Identifier: Apache-2.0 */
/* directions.h - two directions of a connection, in pieces of one direction each: a byte, of which
 * bit 0 is the direction, bit 1 says that so many bytes are missing here, bit 2 (of the first) that
 * weir came late, bit 3 (of the first) that each piece is a datagram; two bytes of length; so many
 * bytes. No byte may leave the account, and where they are cut into calls changes nothing, but behind
 * bytes that are no message. A target is the corpus of its protocol. */
#ifndef WEIR_FUZZ_DIRECTIONS_H
#define WEIR_FUZZ_DIRECTIONS_H
#include "tests/fuzz/events.h"

static void give(struct session *s, enum dir dir, struct slice in, size_t most, uint64_t *time)
{
	for (size_t at = 0, n; at < in.len; at += n) {
		uint8_t *bytes;

		n = most && most < in.len - at ? most : in.len - at;
		bytes = exact(in.ptr + at, n);
		session_bytes(s, dir, slice_of(bytes, n), (struct stamp){ ++*time, 1 });
		free(bytes);
	}
}

static int64_t play(struct buf *events, struct input in, size_t most)
{
	const struct field_sink sink = { events, event_field, event_clean, event_exchange, NULL, NULL, NULL };
	const bool datagrams = in.len && in.ptr[0] & 8;
	const struct conn_facts conn = {
		.id = 1, .late = in.len && in.ptr[0] & 4, .tls = TLS_ABSENT, .transport = datagrams ? TRANSPORT_UDP : TRANSPORT_TCP,
	};
	struct byte_account acct[2] = { 0 };
	struct session *s = session_new(&conn, &sink, acct);
	int64_t given[2] = { 0 };
	uint64_t time = 1;

	MUST(s);
	while (in.len) {
		uint8_t op = (uint8_t)input_number(&in, 1);
		size_t n = (size_t)input_number(&in, 2);
		enum dir dir = (enum dir)(op & 1);

		if (op & 2) {
			session_gap(s, dir, n + 1, LOSS_MISSING, (struct stamp){ ++time, 1 });
			continue;
		}
		n = n < in.len ? n : in.len;
		give(s, dir, slice_of(in.ptr, n), datagrams ? 0 : most, &time);
		given[dir] += (int64_t)n;
		in.ptr += n;
		in.len -= n;
	}
	session_close(s, (struct stamp){ 1 << 20, 1 });
	for (unsigned d = 0; d < 2; d++)
		MUST(acct[d].examined >= 0 && acct[d].opaque >= 0 && acct[d].skipped >= 0 && acct[d].examined + acct[d].opaque + acct[d].skipped == given[d]);
	return acct[0].opaque + acct[1].opaque;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	return whole_and_pieces(bytes, len, play);
}
#endif
