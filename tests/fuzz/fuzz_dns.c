/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of DNS in both directions: an even first byte is datagrams, an odd one a stream. Each
 * has a byte for the direction and two of length in front. No byte may leave the account. */
#include "tests/fuzz/events.h"

static void on_named(void *owner, const struct named *n)
{
	MUST(strlen(n->name) < NAME_SIZE && (n->family == 2 || n->family == 10));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf events;
	const struct field_sink sink = { &events, event_field, event_clean, event_exchange, NULL, NULL, on_named };
	struct input in = { bytes, len };
	struct conn_facts conn = { .id = 1, .tls = TLS_ABSENT };
	struct byte_account acct[2] = { 0 };
	int64_t given[2] = { 0 };
	uint64_t time = 1;
	struct session *s;

	buf_init(&events, 64 << 20);
	conn.transport = input_number(&in, 1) & 1 ? TRANSPORT_TCP : TRANSPORT_UDP;
	s = session_new(&conn, &sink, acct);
	MUST(s);
	while (in.len) {
		enum dir dir = (enum dir)(input_number(&in, 1) & 1);
		size_t n = (size_t)input_number(&in, 2);
		uint8_t *copy;

		n = n < in.len ? n : in.len;
		copy = exact(in.ptr, n);
		session_bytes(s, dir, slice_of(copy, n), (struct stamp){ ++time, 1 });
		free(copy);
		given[dir] += (int64_t)n;
		in.ptr += n;
		in.len -= n;
	}
	session_close(s, (struct stamp){ ++time, 1 });
	for (unsigned d = 0; d < 2; d++)
		MUST(acct[d].examined >= 0 && acct[d].opaque >= 0 && acct[d].examined + acct[d].opaque + acct[d].skipped == given[d]);
	buf_free(&events);
	return 0;
}
