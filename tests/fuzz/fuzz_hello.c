/* SPDX-License-Identifier: Apache-2.0 */
/* The clear part of a handshake in two directions: segments of [direction and how much is
 * missing before it, length, bytes]. What is told is clean and bounded, and however the bytes
 * are cut it is the same. */
#include "protocol/hello.h"
#include "protocol/protocol.h"
#include "tests/fuzz/events.h"

static bool is_inert_text(const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] > 0x7e)
			return false;
	return n < size;
}

static void replay(struct slice in, size_t piece, struct tls_facts *facts)
{
	static struct buf no_events;
	const struct field_sink sink = { &no_events, event_field, event_clean, event_exchange, NULL, NULL, NULL };
	struct hello *h = hello_new();
	uint64_t pos[2] = { 0, 0 };

	MUST(h);
	memset(facts, 0, sizeof(*facts));
	while (in.len >= 2) {
		enum dir dir = (enum dir)(in.ptr[0] & 1);
		size_t len = 8u * in.ptr[1], n;

		pos[dir] += in.ptr[0] >> 6;
		in = slice_of(in.ptr + 2, in.len - 2);
		len = len < in.len ? len : in.len;
		for (size_t at = 0; at < len; at += n) {
			uint8_t *bytes;

			n = piece && piece < len - at ? piece : len - at;
			bytes = exact(in.ptr + at, n);
			hello_bytes(h, dir, pos[dir], slice_of(bytes, n), &sink);
			pos[dir] += n;
			free(bytes);
		}
		in = slice_of(in.ptr + len, in.len - len);
	}
	hello_end(h);
	MUST(hello_ended(h));
	hello_take(h, facts);
	MUST(!hello_take(h, facts));
	hello_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct tls_facts whole, pieces;

	replay(slice_of(bytes, len), 0, &whole);
	replay(slice_of(bytes, len), 3, &pieces);
	MUST(!memcmp(&whole, &pieces, sizeof(whole)));
	MUST(is_inert_text(whole.sni, sizeof(whole.sni)) && is_inert_text(whole.alpn, sizeof(whole.alpn)));
	MUST(is_inert_text(whole.alpn_offered, sizeof(whole.alpn_offered)) && is_inert_text(whole.peer_subject, sizeof(whole.peer_subject)));
	MUST(is_inert_text(whole.ja4, sizeof(whole.ja4)) && (!whole.ja4[0] || strlen(whole.ja4) == JA4_SIZE - 1));
	MUST(whole.mutual <= MUTUAL_YES && whole.peer_expires < (int64_t)253402300801);
	return 0;
}
