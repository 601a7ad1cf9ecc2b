/* SPDX-License-Identifier: Apache-2.0 */
/* tls_record.c - where the socket bytes of a TLS connection went, from the headers
 * of its records.
 *
 *	[type major minor len16] body ...	RFC 8446 5.1, RFC 5246 6.2.1
 *
 * Header, alert, handshake and change_cipher_spec are framing. An application_data
 * body (type 23) carries plaintext and an overhead: TLS 1.3 one byte of inner type
 * and a tag of 16; TLS 1.2 an explicit nonce of 8 and the tag, or the tag alone
 * (ChaCha20-Poly1305), or with CBC a nonce, a MAC and padding within bounds. So the records promise a plaintext (`capacity`), the probe
 * delivers one (`plain`), and only where both agree does the account balance. That is
 * the point: framing is never found by subtraction, and plaintext that a probe has
 * missed shows as unexplained.
 *
 * TLS 1.3 hides the rest of its handshake in type 23 as well (Finished, certificates,
 * tickets). These come before the first plaintext of their direction; but so does the
 * record that carries it, since ciphertext precedes plaintext in the ring. Hence the
 * bodies of early records are kept until the first plaintext's length tells which of
 * them is its own (early_split), or until it is known to come ahead of them.
 *
 * Socket bytes whose headers were not seen (a lost record, a jump) are lost, until
 * plaintext comes that no walked record promised: then that much of them was not. */
#include <string.h>

#include "stream/private.h"

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION = 23 };

#define HEADER_SIZE	5
#define END_OF_EARLY_DATA (4 + OVERHEAD_13)	/* body of that message, RFC 8446 4.5 */
#define FINISHED_13	(4 + 32 + OVERHEAD_13)	/* one of TLS 1.3, with SHA-256 and with SHA-384 */
#define FINISHED_13_384	(4 + 48 + OVERHEAD_13)
#define TICKET_MAX	1024	/* more than a session ticket holds, less than a buffer that is read into */
#define TICKETS		8	/* records between a handshake and what was told ahead of its own */
#define FINISHED_MAX	100	/* no TLS 1.2 Finished is longer (CBC with SHA-384: 96); a hello is */

/* What the body of an encrypted TLS 1.2 Finished, which holds 16 bytes, says of the records
 * behind it. With CBC the MAC is padded too, or comes behind what is (RFC 7366). */
static const struct { uint8_t body, overhead; } finished[] = {
	{ 16 + OVERHEAD_CHACHA, OVERHEAD_CHACHA },
	{ 64, OVERHEAD_CBC_SHA }, { 68, OVERHEAD_CBC_SHA },
	{ 80, OVERHEAD_CBC_SHA256 },
	{ 96, OVERHEAD_CBC_SHA384 },
};

static struct cipher *cipher_of(struct stream *s, enum dir dir)
{
	return &s->lanes[dir].cipher;
}

/* Of the direction whose records these are. */
static struct byte_account *account_of(struct stream *s, const struct cipher *c)
{
	return &s->account[c == cipher_of(s, DIR_SENT) ? DIR_SENT : DIR_RECEIVED];
}

static uint32_t overhead_of(const struct cipher *c)
{
	return c->overhead ? c->overhead : OVERHEAD_13;
}

static int64_t capacity_of(const struct cipher *c, uint32_t body)
{
	return body > overhead_of(c) ? body - overhead_of(c) : 0;
}

/* Room of records that no plaintext came for, as much as can be their padding. What is beyond
 * that is plaintext that was missed. */
static void padding_update(struct stream *s, struct cipher *c)
{
	int64_t rest = c->capacity - c->plain, due = rest < 0 ? 0 : rest < c->padding ? rest : c->padding;

	account_of(s, c)->framing += due - c->padded;
	c->padded = due;
}

/* Plaintext beyond what the walked records promised was in bytes not walked. */
static void credit_update(struct stream *s, struct cipher *c)
{
	int64_t excess = c->plain - c->capacity, due;

	due = excess < 0 ? 0 : excess < c->unwalked ? excess : c->unwalked;
	account_lose(account_of(s, c), c->credited - due, c->cause);
	c->credited = due;
	padding_update(s, c);
}

static void unwalked_add(struct stream *s, struct cipher *c, int64_t n, enum loss cause)
{
	c->unwalked += n;
	c->cause = (uint8_t)cause;
	account_lose(account_of(s, c), n, cause);
	credit_update(s, c);
}

/* Of application records whose plaintext nobody told of. */
static void opaque_add(struct stream *s, const struct cipher *c, int64_t n)
{
	account_opaque(account_of(s, c), n, s->probed ? LOSS_NO_PLAINTEXT : LOSS_UNPROBED_TLS);
}

/* Before the first plaintext, which may show that it was no data. */
static void shed_add(struct stream *s, struct cipher *c, int64_t n)
{
	opaque_add(s, c, n);
	c->shed += n;
	c->shed_why = s->probed ? LOSS_NO_PLAINTEXT : LOSS_UNPROBED_TLS;
}

/* Data that a client sends at once is followed by the rest of its handshake: a message that says
 * where it ends, and Finished. */
static bool early_data_end(struct stream *s, struct cipher *c, uint32_t body)
{
	if (c->early_data != EARLY_ENDED && !(c->early_data == EARLY_SENT && body == END_OF_EARLY_DATA))
		return false;
	c->early_data = c->early_data == EARLY_SENT ? EARLY_ENDED : EARLY_NOT;
	account_of(s, c)->framing += body;
	return true;
}

/* The first record of TLS 1.3 has data: Finished was not there yet. */
static void early_data_begin(struct stream *s, struct cipher *c)
{
	if (c->handshake && !c->tls12 && !s->conn.late)
		c->early_data = EARLY_SENT;
}

static void application_count(struct stream *s, struct cipher *c, uint32_t body)
{
	int64_t room = capacity_of(c, body);

	if (early_data_end(s, c, body))
		return;
	c->capacity += room;
	c->padding += cipher_padding(c->overhead);
	account_of(s, c)->framing += body - room;
}

static void plain_begin(struct stream *s, struct cipher *c);
static void begin_check(struct stream *s, struct cipher *c);

static void early_add(struct stream *s, struct cipher *c, uint32_t body)
{
	if (c->nr_early == EARLY_MAX && c->first) {
		plain_begin(s, c);
		application_count(s, c, body);
		return;
	}
	if (c->nr_early == EARLY_MAX) {
		/* Longer than a handshake: data that nobody decrypts for us. */
		shed_add(s, c, c->early[0]);
		s->no_plaintext = true;
		memmove(c->early, c->early + 1, sizeof(c->early) - sizeof(c->early[0]));
		c->nr_early--;
	}
	c->early[c->nr_early++] = body;
}

static void early_count(struct stream *s, struct cipher *c, unsigned split)
{
	for (unsigned i = 0; i < c->nr_early; i++) {
		if (i < split)
			account_of(s, c)->framing += c->early[i];
		else
			application_count(s, c, c->early[i]);
	}
	c->nr_early = 0;
	c->data = true;
	c->awaits = 0;
}

/* Of plaintext told ahead of its record: is the newest the one? What passes before it is of the
 * handshake, as a server's tickets are. */
static void awaited_look(struct stream *s, struct cipher *c)
{
	if (capacity_of(c, c->early[c->nr_early - 1]) == c->awaits)
		early_count(s, c, c->nr_early - 1u);
	else if (c->nr_early == TICKETS)	/* the library cuts its records otherwise */
		early_count(s, c, 0);
}

/* After change_cipher_spec TLS 1.3 sends no clear handshake, but for the second hello
 * after a HelloRetryRequest; TLS 1.2 sends Finished, whose plaintext is 16 bytes. */
static void handshake_count(struct cipher *c, uint32_t body)
{
	c->handshake = true;
	if (!c->ccs || c->tls12 || body >= FINISHED_MAX)
		return;
	c->tls12 = true;
	c->overhead = OVERHEAD_12;
	for (size_t i = 0; i < sizeof(finished) / sizeof(finished[0]); i++)
		if (finished[i].body == body)
			c->overhead = finished[i].overhead;
}

static void header_count(struct stream *s, struct cipher *c, const struct record_header *h)
{
	account_of(s, c)->framing += HEADER_SIZE;
	c->last_type = h->type;
	c->last_body = h->body;
	switch (h->type) {
	case APPLICATION:
		if (s->candidate)
			bind_record(s, (enum dir)(c == cipher_of(s, DIR_SENT)), h->body);
		c->records++;
		c->bodies += h->body;
		if (c->data)
			application_count(s, c, h->body);
		else
			early_add(s, c, h->body);
		if (c->awaits)
			awaited_look(s, c);
		return;
	case CHANGE_CIPHER_SPEC:
		c->ccs = true;
		break;
	case HANDSHAKE:
		handshake_count(c, h->body);
		break;
	case ALERT:
		break;
	default: /* no such record: the walk is on the wrong track, or it is not TLS */
		account_opaque(account_of(s, c), h->body, LOSS_UNKNOWN_PROTOCOL);
		return;
	}
	account_of(s, c)->framing += h->body;
}

/* Bytes known to belong to the body that is open are not lost when they are jumped. */
static int64_t body_pass(struct cipher *c, int64_t n)
{
	int64_t known = c->open <= 0 ? 0 : c->open < n ? c->open : n;

	c->open -= known;
	return n - known;
}

void cipher_walk(struct stream *s, enum dir dir, const struct part *p)
{
	struct cipher *c = cipher_of(s, dir);
	int64_t skipped = (int64_t)p->skipped, passed = (int64_t)p->moved - skipped;
	struct record_header h;

	account_of(s, c)->moved += (int64_t)p->moved;
	s->probed |= p->probed;
	for (size_t at = 0; p->bytes.len - at >= sizeof(h); at += sizeof(h)) {
		memcpy(&h, p->bytes.ptr + at, sizeof(h));
		if (h.body > UINT16_MAX)
			h.body = UINT16_MAX;
		header_count(s, c, &h);
		c->alone = p->bytes.len < 2 * sizeof(h);
		c->open += HEADER_SIZE + (int64_t)h.body;
	}
	c->open -= passed;
	if (c->open <= -HEADER_SIZE) {
		/* Of a record whose header came in bytes not seen. */
		unwalked_add(s, c, -c->open, LOSS_MISSING);
		c->open = 0;
	}
	if (skipped)
		unwalked_add(s, c, body_pass(c, skipped), p->cause ? p->cause : LOSS_TRUNCATED);
	begin_check(s, c);
	credit_update(s, c);
}

void cipher_lose(struct stream *s, enum dir dir, uint64_t lost, enum loss cause)
{
	struct cipher *c = cipher_of(s, dir);

	account_of(s, c)->moved += (int64_t)lost;
	unwalked_add(s, c, body_pass(c, (int64_t)lost), cause);
}

/* ---- the first plaintext ---- */

/* First of the records from `from` on that together hold exactly n; nr_early: none do. */
static unsigned early_exact(const struct cipher *c, unsigned from, int64_t n)
{
	for (unsigned i = from; i < c->nr_early; i++) {
		int64_t sum = 0;

		for (unsigned j = i; j < c->nr_early && sum < n; j++) {
			sum += capacity_of(c, c->early[j]);
			if (sum == n)
				return i;
		}
	}
	return c->nr_early;
}

static bool is_finished(uint32_t body)
{
	return body == FINISHED_13 || body == FINISHED_13_384;
}

/* The first record that is none of the handshake, by sizes alone. A client sends nothing between
 * its Finished and its data, a server tickets. nr_early: not known. */
static unsigned early_data(const struct cipher *c, bool client)
{
	unsigned i = 0;

	while (i < c->nr_early && !is_finished(c->early[i]))
		i++;
	if (client)
		return i < c->nr_early ? i + 1 : c->unwalked ? 0 : i;
	for (i++; i < c->nr_early && c->early[i] <= TICKET_MAX;)
		i++;
	return i < c->nr_early ? i : c->nr_early;
}

/* Which early record is the first with plaintext, of which n bytes came; sure: by its size.
 * client: who sent them. */
static unsigned early_split(const struct cipher *c, int64_t n, bool late, bool client, bool *sure)
{
	int64_t sum = 0;
	unsigned i;

	*sure = true;
	if (!c->nr_early || c->tls12 || (late && !c->handshake))
		return 0; /* the handshake is not in type 23, or was before weir */
	/* Who reads or writes record by record is at the last, whatever else may have its size: a
	 * ticket may. */
	if (c->alone && c->nr_early > 1 && capacity_of(c, c->early[c->nr_early - 1]) == n)
		return c->nr_early - 1u;
	/* The first is Finished or earlier, but for early data. */
	i = early_exact(c, 1, n);
	if (i == c->nr_early)
		i = early_exact(c, 0, n);
	if (i < c->nr_early)
		return i;
	*sure = false;
	i = early_data(c, client);
	if (i < c->nr_early || c->unwalked >= n)
		return i;
	/* A reader with a small buffer takes the first bytes of a longer record. */
	for (i = c->nr_early; i > 0 && sum < n; i--)
		sum += capacity_of(c, c->early[i - 1]);
	return i;
}

/* A connection older than weir shows no handshake: its first plaintext tells the
 * overhead, if it was one record. */
static void overhead_guess(struct cipher *c, int64_t n)
{
	static const uint8_t known[] = { OVERHEAD_13, OVERHEAD_12, OVERHEAD_CHACHA };

	if (c->handshake || c->overhead)
		return;
	for (size_t k = 0; k < sizeof(known); k++)
		for (unsigned i = 0; i < c->nr_early; i++)
			if (c->early[i] == n + known[k]) {
				c->overhead = known[k];
				return;
			}
}

/* Where the first plaintext, n bytes, is what a record of Java holds, and of nobody else. */
static void padding_guess(struct cipher *c, int64_t n)
{
	if (!c->handshake || c->overhead || early_exact(c, 1, n) < c->nr_early)
		return;
	for (unsigned i = 1; i < c->nr_early; i++)
		if (c->early[i] == n + OVERHEAD_JSSE)
			c->overhead = OVERHEAD_JSSE;
}

void cipher_overhead(struct stream *s, enum dir dir, uint8_t overhead)
{
	struct cipher *c = cipher_of(s, dir);

	if (!c->overhead && (!c->handshake || overhead == OVERHEAD_JSSE))
		c->overhead = overhead;
}

void cipher_split(struct stream *s, enum dir dir, uint32_t records, int64_t bodies)
{
	struct cipher *c = cipher_of(s, dir);

	if (c->data)
		return;
	c->splits = true;
	c->split = records;
	c->split_bodies = bodies;
}

/* The binding knows the record of the first plaintext. More before it than a handshake has, or
 * without one, was data that nobody decrypted for us. */
static void split_count(struct stream *s, struct cipher *c)
{
	int64_t nr = (int64_t)c->records - c->split, bodies = c->bodies - c->split_bodies;
	int64_t room = bodies - nr * overhead_of(c);

	account_opaque(account_of(s, c), -c->shed, c->shed_why);
	if (c->split > EARLY_MAX || (s->conn.late && !c->handshake))
		opaque_add(s, c, c->split_bodies);
	else
		account_of(s, c)->framing += c->split_bodies;
	c->capacity += room;
	c->padding += nr * cipher_padding(c->overhead);
	account_of(s, c)->framing += bodies - room;
}

/* Told as opaque when an interval ended in the handshake. */
static void shed_settle(struct stream *s, struct cipher *c)
{
	if (s->bound != BOUND_GUESSED || c->records > EARLY_MAX || !c->handshake)
		return;
	account_opaque(account_of(s, c), -c->shed, c->shed_why);
	account_of(s, c)->framing += c->shed;
	c->shed = 0;
}

static void plain_begin(struct stream *s, struct cipher *c)
{
	int64_t n = c->first;
	bool client = s->conn.role == (c == cipher_of(s, DIR_SENT) ? ROLE_CLIENT : ROLE_SERVER), sure;
	unsigned split;

	s->probed = true;
	if (c->splits) {
		c->data = true;
		split_count(s, c);
		c->nr_early = 0;
		return;
	}
	shed_settle(s, c);
	overhead_guess(c, n);
	padding_guess(c, n);
	split = early_split(c, n, s->conn.late, client, &sure);
	for (unsigned i = 0; !sure && i < split; i++)
		c->guessed += capacity_of(c, c->early[i]);
	if (!split && c->nr_early)
		early_data_begin(s, c);
	early_count(s, c, split);
}

/* Records that wait for an earlier one to come, or to be lost, are not walked yet. */
static void begin_check(struct stream *s, struct cipher *c)
{
	if (c->first && !c->data && !c->awaits && !s->lanes[c == cipher_of(s, DIR_SENT)].kernel.head)
		plain_begin(s, c);
}

void cipher_plain(struct stream *s, enum dir dir, uint64_t n)
{
	struct cipher *c = cipher_of(s, dir);

	if (!n)
		return;
	if (s->conn.late && !c->records && !c->unwalked && !c->first && !s->lanes[dir].kernel.head && !c->ahead) {
		account_of(s, c)->moved += (int64_t)n;	/* of a record that passed before weir looked */
		return;
	}
	if (!c->first)
		c->first = (int64_t)n;
	s->probed = true;
	begin_check(s, c);
	c->plain += (int64_t)n;
	credit_update(s, c);
}

/* Bytes that the library keeps to send them later: all records so far are of the handshake. */
void cipher_ahead(struct stream *s, enum dir dir, uint64_t n)
{
	struct cipher *c = cipher_of(s, dir);

	c->ahead = true;
	if (c->data || c->splits || c->awaits || !n)
		return;
	shed_settle(s, c);
	if (!c->records)
		early_data_begin(s, c);
	for (unsigned i = 0; i < c->nr_early; i++)
		account_of(s, c)->framing += c->early[i];
	c->nr_early = 0;
	c->awaits = n < RECORD_PLAIN ? (uint16_t)n : RECORD_PLAIN;
	s->probed = true;
}

/* ---- the end ---- */

static bool ends_with_alert(const struct cipher *c)
{
	return c->data && !c->tls12 && c->last_type == APPLICATION && c->last_body == 2 + overhead_of(c);
}

bool cipher_waits(struct stream *s, enum dir dir)
{
	struct cipher *c = cipher_of(s, dir);

	if (!s->probed)
		return false;
	begin_check(s, c);
	if (!c->data)
		return !c->awaits && c->nr_early > 0;
	return c->capacity - (ends_with_alert(c) ? ALERT_13 - OVERHEAD_13 : 0) > c->plain;
}

void cipher_settle(struct stream *s, enum dir dir)
{
	struct cipher *c = cipher_of(s, dir);

	for (unsigned i = 0; i < c->nr_early; i++)
		shed_add(s, c, c->early[i]);
	s->no_plaintext |= c->nr_early > 0;
	c->nr_early = 0;
}

/* The connection ended inside a record: its rest was announced and never moved. An
 * application record without its tag cannot be decrypted by anybody. */
static void cut_settle(struct stream *s, struct cipher *c)
{
	int64_t body = c->last_body, cut = c->open < body ? c->open : body;

	c->open = 0;
	switch (c->last_type) {
	case APPLICATION:
		if (!c->data) {
			if (c->nr_early)
				c->early[c->nr_early - 1] -= (uint32_t)cut;
			else
				opaque_add(s, c, -cut); /* an interval's end has settled it whole */
			return;
		}
		c->capacity -= capacity_of(c, c->last_body);
		c->padding -= cipher_padding(c->overhead);
		account_of(s, c)->framing -= body - capacity_of(c, c->last_body);
		opaque_add(s, c, body - cut);
		s->no_plaintext |= body > cut;
		credit_update(s, c);
		return;
	case CHANGE_CIPHER_SPEC:
	case ALERT:
	case HANDSHAKE:
		account_of(s, c)->framing -= cut;
		return;
	default:
		account_opaque(account_of(s, c), -cut, LOSS_UNKNOWN_PROTOCOL);
	}
}

int64_t cipher_room(const struct stream *s, enum dir dir)
{
	const struct cipher *c = &s->lanes[dir].cipher;

	return c->capacity - c->plain + c->unwalked;
}

/* Of what the records carried, or were to carry. The program may end, or reset its connection, with
 * records that it never read, or has read in part, or in the middle of a write: nobody had their
 * plaintext. And what a library took to send it later may never have been sent: it was looked at,
 * and is no byte of the connection. */
static void rest_settle(struct stream *s, struct cipher *c, enum dir dir)
{
	struct byte_account *a = account_of(s, c);
	int64_t rest = c->capacity - c->plain + c->credited;

	if (rest > 0 && (dir == DIR_RECEIVED || s->bound == BOUND_GUESSED || s->plain_end.cut)) {
		opaque_add(s, c, rest);
		s->no_plaintext = true;
	} else if (rest < 0 && c->guessed) {
		/* What was taken for the handshake, as far as it must have been data. */
		a->framing -= -rest < c->guessed ? -rest : c->guessed;
	} else if (rest < 0 && c->ahead && a->examined >= -rest) {
		a->examined += rest;
	} else if (rest < 0 && c->ahead) {
		account_opaque(a, rest, LOSS_UNKNOWN_PROTOCOL);
	}
}

void cipher_close(struct stream *s, enum dir dir)
{
	struct cipher *c = cipher_of(s, dir);
	bool alert;

	begin_check(s, c);
	alert = ends_with_alert(c) && c->open <= 0 && c->capacity - c->plain >= ALERT_13 - OVERHEAD_13;
	if (c->open > 0)
		cut_settle(s, c);
	account_of(s, c)->framing -= c->open; /* the first bytes of a header that was cut */
	c->open = 0;
	if (c->awaits)
		early_count(s, c, c->nr_early);
	if (!c->data) {
		cipher_settle(s, dir);
		return;
	}
	if (alert) {
		c->capacity -= ALERT_13 - OVERHEAD_13;
		account_of(s, c)->framing += ALERT_13 - OVERHEAD_13;
	}
	rest_settle(s, c, dir);
}
