/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - TLS that a process passes on as it is: what a balancer does that picks the server by the
 * name in the ClientHello, or a proxy after a CONNECT. No library of that process ever has the
 * plaintext, so that neither a probe is missing there nor one is dead.
 *
 * A ClientHello has 32 random bytes (RFC 8446, 4.1.2): who sends the ones that it received is no
 * end of that session. Those of both connections are told so from their first record on. */
#include <string.h>

#include "stream/bind.h"

#define CLIENT_HELLO	1
#define RANDOM_AT	11	/* behind the headers of the record and of the message, and a version */
#define RANDOM_SIZE	32

/* Of this process, and no other, whose ends of the same connection show the same. */
static uint64_t hello_hash(const struct stream_table *t, const struct chunk *ch)
{
	struct { uint64_t start; uint32_t tgid; uint8_t random[RANDOM_SIZE]; } of;

	memset(&of, 0, sizeof(of));
	of.start = ch->conn.process.start;
	of.tgid = ch->conn.process.tgid;
	memcpy(of.random, ch->bytes.ptr + RANDOM_AT, RANDOM_SIZE);
	return siphash(&t->key, &of, sizeof(of));
}

void relay_look(struct stream *s, const struct chunk *ch)
{
	struct stream_table *t = s->table;
	struct relay *r;
	struct stream *other;
	uint64_t hash;

	if (s->relayed || ch->bytes.len < RANDOM_AT + RANDOM_SIZE || ch->bytes.ptr[0] != HANDSHAKE || ch->bytes.ptr[5] != CLIENT_HELLO)
		return;
	hash = hello_hash(t, ch);
	r = &t->relays[hash % RELAYS];
	other = r->hash == hash && r->dir != ch->dir && r->conn != s->conn.id ? stream_by_id(t, r->conn) : NULL;
	if (other) {
		bind_relayed(s);
		bind_relayed(other);
	}
	*r = (struct relay){ .hash = hash, .conn = s->conn.id, .dir = ch->dir };
}

enum loss relay_why(const struct stream *s)
{
	return s->probed ? LOSS_NO_PLAINTEXT : s->relayed ? LOSS_RELAYED : LOSS_UNPROBED_TLS;
}
