/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.c - what parts in order and gaps do to the account and to the session.
 *
 * The session of protocol/ is told one layer: the socket's payload, or the plaintext
 * of TLS. A connection that changes from the one to the other in mid-life (STARTTLS)
 * gets a new session and a new account, so that its clear part and its encrypted
 * part are two flows and neither is taken for the other. */
#include <string.h>

#include "stream/private.h"

/* Without memory there is no session: its bytes are opaque, and the next chunk tries again. */
void stream_open(struct stream *s)
{
	struct stream_sink *sink = &s->table->sink;

	/* Of the first account: of what moved before it began, it states the loss. */
	for (int d = 0; d < 2; d++) {
		if (!s->undecided[d])
			continue;
		account_lose(&s->account[d], s->undecided[d], LOSS_RESTART);
		if (s->untold)
			s->account[d].moved += s->undecided[d];
		else
			s->owed[d] = s->undecided[d];
		s->undecided[d] = 0;
	}
	s->session = sink->open(sink->owner, &s->conn, s->account);
}

static void tell_bytes(struct stream *s, enum dir dir, struct slice bytes, struct stamp at)
{
	s->table->telling = s;
	if (!s->session)	/* no memory for it */
		account_opaque(&s->account[dir], (int64_t)bytes.len, LOSS_BUDGET);
	else if (bytes.len)
		s->table->sink.bytes(s->session, dir, bytes, at);
}

static void tell_gap(struct stream *s, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	s->table->telling = s;
	if (s->session && lost)
		s->table->sink.gap(s->session, dir, lost, cause, at);
}

/* ---- facts ---- */

/* Does a socket's first byte look like a TLS record? Then it is not called clear. */
static bool looks_like_tls(struct slice in)
{
	return in.ptr[0] >= 20 && in.ptr[0] <= 23 && (in.len < 2 || in.ptr[1] == 3);
}

static bool learn_tls(struct stream *s, const struct chunk *ch)
{
	if (ch->layer != LAYER_SOCKET || s->judged || !ch->bytes.len || s->conn.tls != TLS_UNKNOWN)
		return false;
	s->judged = true;
	if (looks_like_tls(ch->bytes))
		return false;
	s->conn.tls = TLS_ABSENT;
	return true;
}

static bool learn_who(struct conn_facts *f, const struct conn_facts *in)
{
	bool better = false;

	if (!f->process.tgid && in->process.tgid) {
		f->process = in->process;
		f->cgroup = in->cgroup;
		memcpy(f->comm, in->comm, sizeof(f->comm));
		better = true;
	}
	if (!f->family && in->family) {
		f->family = in->family;
		f->local = in->local;
		f->remote = in->remote;
		f->netns = in->netns;
		better = true;
	}
	if (!f->upgrade && in->upgrade) {
		f->upgrade = in->upgrade;
		better = true;
	}
	if (f->role == ROLE_UNKNOWN && in->role != ROLE_UNKNOWN) {
		f->role = in->role;
		better = true;
	}
	if (in->binding > f->binding) {
		f->binding = in->binding;
		better = true;
	}
	return better;
}

/* TLS itself is learnt by stream_enter_tls, once its bytes come in order. */
void stream_learn(struct stream *s, const struct chunk *ch)
{
	bool better = learn_who(&s->conn, &ch->conn);

	better |= learn_tls(s, ch);
	if (better && s->session)
		s->table->sink.update(s->session, &s->conn);
}

/* ---- what is told ---- */

/* Has anything come since the last flush, or was something open at it? */
static bool has_news(struct stream *s)
{
	static const int64_t nothing[LOSS_MAX];
	bool news = false;

	for (int d = 0; d < 2; d++) {
		news |= memcmp(&s->account[d].sums, &s->flushed[d], sizeof(s->flushed[d])) || memcmp(s->account[d].why, nothing, sizeof(nothing)) ||
			byte_account_unexplained(&s->account[d]);
		s->flushed[d] = s->account[d].sums;
	}
	return news;
}

void stream_flush(struct stream *s, struct stamp at, bool closed)
{
	const char *reason = NULL;

	if (s->layer == LAYER_TLS && !s->ending && (at.time < s->rest_at || at.time - s->rest_at >= REST_NS)) {
		for (int d = 0; d < 2; d++)
			cipher_interval(s, d);
		s->rest_at = at.time;
	}
	if (s->layer == LAYER_TLS && !s->probed) {
		for (int d = 0; d < 2; d++)
			cipher_settle(s, d);
		reason = loss_name(relay_why(s));
	} else if (s->no_plaintext) {
		reason = "no_plaintext";
	}
	if (!has_news(s) && !closed)
		return;
	s->no_plaintext = false;
	s->table->telling = s;
	if (s->session)
		s->table->sink.flush(s->session, at, closed, reason);
}

void stream_end(struct stream *s, struct stamp at, bool closed)
{
	s->table->telling = s;
	if (!s->session)
		stream_open(s);
	if (s->session && s->table->sink.end)
		s->table->sink.end(s->session, at);
	stream_flush(s, at, closed);
	if (s->session)
		s->table->sink.close(s->session, at);
	s->session = NULL;
}

/* ---- layers ---- */

void stream_enter_tls(struct stream *s, struct stamp at)
{
	if (s->layer == LAYER_TLS)
		return;
	/* Payload that waits for a missing piece belongs to the session that ends here. */
	for (int d = 0; d < 2; d++)
		sequence_drain_socket(s, &s->lanes[d].kernel, at);
	if (s->layer == LAYER_SOCKET) {
		stream_end(s, at, false);
		s->conn.tls = TLS_PRESENT;
		memset(s->account, 0, sizeof(s->account));
		memset(s->flushed, 0, sizeof(s->flushed));
		memset(s->owed, 0, sizeof(s->owed));
		stream_open(s);
	} else if (s->conn.tls != TLS_PRESENT) {
		s->conn.tls = TLS_PRESENT;
		if (s->session)
			s->table->sink.update(s->session, &s->conn);
	}
	s->layer = LAYER_TLS;
}

/* ---- parts and gaps ---- */

static void deliver_socket(struct stream *s, struct sequence *q, const struct part *p)
{
	struct byte_account *a = &s->account[q->dir];

	a->moved += (int64_t)p->bytes.len;
	if (s->layer == LAYER_TLS) {
		/* Clear bytes behind a handshake: no session to tell, and not to be hidden. */
		account_opaque(a, (int64_t)p->bytes.len, LOSS_UNKNOWN_PROTOCOL);
	} else {
		s->layer = LAYER_SOCKET;
		tell_bytes(s, q->dir, p->bytes, p->at);
	}
}

static void unbound_count(struct stream *s, enum dir dir, uint64_t n)
{
	s->account[dir].moved += (int64_t)n;
	s->lanes[dir].cipher.plain += (int64_t)n;
}

static void deliver_plain(struct stream *s, struct sequence *q, const struct part *p)
{
	/* Without a socket there is no count of the kernel's; the library's own stands in. */
	if (p->ahead && !(s->conn.id & UNBOUND))
		cipher_ahead(s, q->dir, p->bytes.len + p->skipped);
	if (s->conn.id & UNBOUND)
		unbound_count(s, q->dir, p->bytes.len);
	else
		cipher_plain(s, q->dir, p->bytes.len);
	tell_bytes(s, q->dir, p->bytes, p->at);
}

void stream_deliver(struct stream *s, struct sequence *q, const struct part *p)
{
	s->table->place = p->pos + p->bytes.len;
	switch (p->layer) {
	case LAYER_SOCKET:
		deliver_socket(s, q, p);
		break;
	case LAYER_TLS:
		deliver_plain(s, q, p);
		break;
	case LAYER_HELLO:	/* never in a sequence */
		break;
	case LAYER_CIPHER:
		stream_enter_tls(s, p->at);
		cipher_walk(s, q->dir, p);
		return;
	}
	if (p->skipped)
		stream_lose(s, q, p->skipped, p->cause ? p->cause : LOSS_TRUNCATED, p->layer, p->at);
}

/* What weir asked not to be shown is skipped, not lost. */
static bool is_skipped(enum loss cause)
{
	return cause == LOSS_UNWANTED || cause == LOSS_BUDGET;
}

static void lose_plain(struct stream *s, struct sequence *q, uint64_t lost, enum loss cause)
{
	if (is_skipped(cause))
		account_skip(&s->account[q->dir], (int64_t)lost, cause);
	else
		cipher_lose_plain(s, q->dir, lost, cause);
	if (s->conn.id & UNBOUND)
		unbound_count(s, q->dir, lost);
	else
		cipher_plain(s, q->dir, lost);
}

static void lose_payload(struct byte_account *a, uint64_t lost, enum loss cause)
{
	a->moved += (int64_t)lost;
	if (is_skipped(cause))
		account_skip(a, (int64_t)lost, cause);
	else if (cause == LOSS_QUIC)	/* known to be encrypted: it was never to be had */
		account_opaque(a, (int64_t)lost, cause);
	else
		account_lose(a, (int64_t)lost, cause);
}

void stream_lose(struct stream *s, struct sequence *q, uint64_t lost, enum loss cause, unsigned follow,
		 struct stamp at)
{
	if (!lost)
		return;
	s->table->stats.gaps++;
	s->table->stats.gap_bytes += lost;
	if (q->plain) {
		lose_plain(s, q, lost, cause);
		tell_gap(s, q->dir, lost, cause, at);
	} else if (s->layer == LAYER_TLS || (!s->layer && follow == LAYER_CIPHER)) {
		/* Ciphertext: whether plaintext is missing too, its own positions say. */
		cipher_lose(s, q->dir, lost, cause);
	} else {
		s->layer = LAYER_SOCKET;
		lose_payload(&s->account[q->dir], lost, cause);
		tell_gap(s, q->dir, lost, cause, at);
	}
}
