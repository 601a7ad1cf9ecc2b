/* SPDX-License-Identifier: Apache-2.0 */
/* tls_record.c - where the socket bytes of a TLS connection went, from the headers
 * of its records.
 *
 *	[type major minor len16] body ...	RFC 8446 5.1, RFC 5246 6.2.1
 *
 * Header, alert, handshake and change_cipher_spec are framing. An application_data
 * body (type 23) carries plaintext and an overhead: TLS 1.3 one byte of inner type
 * and a tag of 16; TLS 1.2 an explicit nonce of 8 and the tag, or the tag alone
 * (ChaCha20-Poly1305), or with CBC a nonce, a MAC and padding within bounds. So the
 * records promise a plaintext (`capacity`), the probe delivers one (`plain`), and only
 * where both agree does the account balance. That is the point: framing is never found
 * by subtraction, and plaintext that a probe has missed shows as unexplained.
 *
 * This holds for what is all seen and bound exactly. Where records were lost, on a
 * connection older than weir, where some functions of the library have no probe, and where
 * the session was inferred, the two need not agree (may_differ): there what does not is named `no_plaintext` by the difference, or taken
 * back from what was guessed, so that such an account balances by what it admits.
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

#define HEADER_SIZE	5
#define END_OF_EARLY_DATA (4 + OVERHEAD_13)	/* body of that message, RFC 8446 4.5 */
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

/* Do these come from the client of TLS? It may be the one that was connected to, as with FTP. */
static bool of_client(const struct stream *s, enum dir dir)
{
	const struct cipher *a = &s->lanes[0].cipher, *b = &s->lanes[1].cipher;

	if (a->handshake && b->handshake && !a->hurt && !b->hurt)
		return s->began == 1 + dir;
	return s->conn.role == (dir == DIR_SENT ? ROLE_CLIENT : ROLE_SERVER);
}

/* Of the direction whose records these are. */
static struct byte_account *account_of(struct stream *s, const struct cipher *c)
{
	return &s->account[c == cipher_of(s, DIR_SENT) ? DIR_SENT : DIR_RECEIVED];
}

/* Room of records that no plaintext came for, as much as can be their padding. What is beyond
 * that is plaintext that was missed. */
static void padding_update(struct stream *s, struct cipher *c)
{
	int64_t rest = c->capacity - c->plain, due = rest < 0 ? 0 : rest < c->padding ? rest : c->padding;

	account_of(s, c)->framing += due - c->padded;
	c->padded = due;
}

/* What is lost keeps its cause, so that it is taken back from where it was counted. */
static enum loss lost_note(struct cipher *c, int64_t n, enum loss cause)
{
	unsigned i = 0;

	while (i < LOST_CAUSES - 1 && c->lost[i].n && c->lost[i].cause != cause)
		i++;
	if (!c->lost[i].n)
		c->lost[i].cause = (uint8_t)cause;
	c->lost[i].n += n;
	c->hurt = true;
	return (enum loss)c->lost[i].cause;
}

static void lost_add(struct stream *s, struct cipher *c, int64_t n, enum loss cause)
{
	account_lose(account_of(s, c), n, lost_note(c, n, cause));
}

/* Of bytes whose header was not seen: the cause of what was lost before. */
static enum loss lost_cause(const struct cipher *c)
{
	return c->lost[0].cause ? (enum loss)c->lost[0].cause : LOSS_MISSING;
}

/* How much of n it was. */
static int64_t lost_take(struct stream *s, struct cipher *c, int64_t n)
{
	int64_t taken = 0;

	for (unsigned i = 0; i < LOST_CAUSES && taken < n; i++) {
		int64_t part = c->lost[i].n < n - taken ? c->lost[i].n : n - taken;

		c->lost[i].n -= part;
		account_lose(account_of(s, c), -part, c->lost[i].cause);
		taken += part;
	}
	return taken;
}

/* Plaintext beyond what the walked records promised was in bytes not walked. */
static void credit_update(struct stream *s, struct cipher *c)
{
	int64_t excess = c->plain - c->capacity, due;

	due = excess < 0 ? 0 : excess < c->unwalked ? excess : c->unwalked;
	if (due > c->credited) {
		c->credited += lost_take(s, c, due - c->credited);
	} else if (due < c->credited) {
		lost_add(s, c, c->credited - due, lost_cause(c));
		c->credited = due;
	}
	padding_update(s, c);
}

static void unwalked_add(struct stream *s, struct cipher *c, int64_t n, enum loss cause)
{
	c->unwalked += n;
	lost_add(s, c, n, cause);
	credit_update(s, c);
}

/* Of application records whose plaintext nobody told of. */
static void opaque_add(struct stream *s, const struct cipher *c, int64_t n)
{
	account_opaque(account_of(s, c), n, relay_why(s));
}

/* Before the first plaintext, which may show that it was no data. */
static void shed_add(struct stream *s, struct cipher *c, int64_t n)
{
	opaque_add(s, c, n);
	c->shed += n;
	c->shed_why = relay_why(s);
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
		bool counted = c->splits;	/* with all that were walked */

		plain_begin(s, c);
		if (!counted)
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
	c->early[c->nr_early++] = (uint16_t)body;
}

/* The first `shake` are of the handshake; from `split` on they have what is told as plaintext, and
 * what is between them nobody has seen. */
static void early_count(struct stream *s, struct cipher *c, unsigned shake, unsigned split)
{
	for (unsigned i = 0; i < c->nr_early; i++) {
		if (i < shake)
			account_of(s, c)->framing += c->early[i];
		else if (i < split)
			unwalked_add(s, c, c->early[i], s->conn.late ? LOSS_LATE : lost_cause(c));
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
		early_count(s, c, c->nr_early - 1u, c->nr_early - 1u);
	else if (c->nr_early == TICKETS)	/* the library cuts its records otherwise */
		early_count(s, c, 0, 0);
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
		if (!s->began)
			s->began = (uint8_t)(1 + (c == cipher_of(s, DIR_SENT)));
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

/* Records whose plaintext is known, and follows: there is nothing to infer. */
static void known_count(struct stream *s, enum dir dir, const struct part *p)
{
	struct cipher *c = cipher_of(s, dir);
	int64_t sealed = (int64_t)p->moved - p->framing - p->plain - (int64_t)p->skipped;

	s->probed = true;
	cipher_settle(s, dir);	/* before the keys were known */
	c->data = true;
	c->last_type = 0;
	c->capacity += p->plain;
	account_of(s, c)->moved += (int64_t)p->moved;
	account_of(s, c)->framing += p->framing;
	if (sealed > 0) {
		opaque_add(s, c, sealed);
		s->no_plaintext = true;
	}
	if (p->skipped)
		unwalked_add(s, c, (int64_t)p->skipped, p->cause ? p->cause : LOSS_TRUNCATED);
	credit_update(s, c);
}

void cipher_walk(struct stream *s, enum dir dir, const struct part *p)
{
	struct cipher *c = cipher_of(s, dir);
	int64_t skipped = (int64_t)p->skipped, passed = (int64_t)p->moved - skipped;
	struct record_header h;

	if (p->known) {
		known_count(s, dir, p);
		return;
	}
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
		unwalked_add(s, c, -c->open, lost_cause(c));
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
	if (c->split > SHAKE_RECORDS || (s->conn.late && !c->handshake))
		opaque_add(s, c, c->split_bodies);
	else
		account_of(s, c)->framing += c->split_bodies;
	c->capacity += room;
	c->padding += nr * cipher_padding(c->overhead);
	account_of(s, c)->framing += bodies - room;
}

/* Told as opaque when an interval ended in the handshake, or as more than is kept until the plaintext
 * comes, which shows how much of it was data. */
static void shed_settle(struct stream *s, struct cipher *c)
{
	account_opaque(account_of(s, c), -c->shed, c->shed_why);
	if (s->bound == BOUND_GUESSED && c->records <= SHAKE_RECORDS && c->handshake) {
		account_of(s, c)->framing += c->shed;
	} else {
		opaque_add(s, c, c->shed);
		c->given_up += c->shed;
	}
	c->shed = 0;
}

static void plain_begin(struct stream *s, struct cipher *c)
{
	int64_t n = c->first;
	bool client = of_client(s, (enum dir)(c == cipher_of(s, DIR_SENT))), sure;
	unsigned split, shake;

	s->probed = true;
	if (c->splits) {
		c->data = true;
		split_count(s, c);
		c->nr_early = 0;
		return;
	}
	shed_settle(s, c);
	early_overhead(c, n);
	split = early_split(c, n, s->conn.late, client, &sure);
	shake = early_shake(c, split, s->conn.late, client);
	for (unsigned i = 0; (!sure || c->hurt) && i < shake; i++)
		c->guessed += capacity_of(c, c->early[i]);
	if (!split && c->nr_early)
		early_data_begin(s, c);
	early_count(s, c, shake, split);
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

/* Bytes that the library keeps to send them later: all records so far are of the handshake, which in
 * TLS 1.2 has none such. */
void cipher_ahead(struct stream *s, enum dir dir, uint64_t n)
{
	struct cipher *c = cipher_of(s, dir);

	c->ahead = true;
	if (c->data || c->splits || c->awaits || !n)
		return;
	shed_settle(s, c);
	if (!c->records)
		early_data_begin(s, c);
	if (c->tls12 && c->nr_early) {
		early_count(s, c, 0, 0);
		return;
	}
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
				c->early[c->nr_early - 1] = (uint16_t)(c->early[c->nr_early - 1] - cut);
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

void cipher_lose_plain(struct stream *s, enum dir dir, uint64_t n, enum loss cause)
{
	lost_add(s, cipher_of(s, dir), (int64_t)n, cause);
}

/* Of the plaintext that the session on it had before it was known: what of it was lost. */
void cipher_adopt(struct stream *s, enum dir dir, const struct cipher *from)
{
	for (unsigned i = 0; i < LOST_CAUSES; i++)
		if (from->lost[i].n)
			lost_note(cipher_of(s, dir), from->lost[i].n, (enum loss)from->lost[i].cause);
	cipher_plain(s, dir, (uint64_t)from->plain);
}

/* Up to n of *from; returns how much. */
static int64_t take(int64_t *from, int64_t n)
{
	int64_t part = *from < n ? *from : n;

	part = part < 0 ? 0 : part;
	*from -= part;
	return part;
}

/* Plaintext of n bytes came that no record can have carried, as they were counted: some were counted
 * as something else, or it is another connection's. */
static void records_find(struct stream *s, struct cipher *c, int64_t n)
{
	struct byte_account *a = account_of(s, c);
	int64_t left = n, part;

	part = take(&c->given_up, left);
	opaque_add(s, c, -part);
	left -= part;
	left -= lost_take(s, c, left);
	part = take(&c->guessed, left);
	a->framing -= part;
	left -= part;
	part = a->examined < left ? a->examined : left;
	a->examined -= part;
	left -= part;
	account_opaque(a, -left, LOSS_UNKNOWN_PROTOCOL);
	c->capacity += n;
}

/* Of n bytes the plaintext did not come. */
static void records_give_up(struct stream *s, struct cipher *c, int64_t n)
{
	opaque_add(s, c, n);
	c->given_up += n;
	c->capacity -= n;
	s->no_plaintext = true;
}

/* What the records carried, or were to carry, less the plaintext. */
static int64_t rest_of(const struct cipher *c)
{
	return c->capacity - c->plain + c->credited - c->padded;
}

/* May records and plaintext not agree without a fault of weir's? Of a connection that is all seen, and
 * whose session is known, they must. */
static bool may_differ(const struct stream *s, const struct cipher *c)
{
	return c->hurt || s->conn.late || s->partly || s->conn.binding == BINDING_WEAK || s->conn.binding == BINDING_STRONG;
}

/* The alert of the end, of a record without plaintext. */
static void alert_count(struct stream *s, struct cipher *c)
{
	c->capacity -= ALERT_13 - OVERHEAD_13;
	account_of(s, c)->framing += ALERT_13 - OVERHEAD_13;
}

void cipher_interval(struct stream *s, enum dir dir)
{
	struct cipher *c = cipher_of(s, dir);
	int64_t rest = rest_of(c), before = c->rest;

	if (rest == ALERT_13 - OVERHEAD_13 && before == rest && ends_with_alert(c) && c->open <= 0) {
		alert_count(s, c);	/* who was told so has not closed it yet */
		rest = 0;
	}
	c->rest = rest;
	if (!c->data || !may_differ(s, c) || (rest > 0) != (before > 0) || !rest || !before)
		return;
	/* Not what is on its way just now. */
	if (rest > 0)
		records_give_up(s, c, rest < before ? rest : before);
	else
		records_find(s, c, -(rest > before ? rest : before));
	c->rest = rest_of(c);
	credit_update(s, c);
}

/* The program may end, or reset its connection, with records that it never read, or has read in part, or
 * in the middle of a write: nobody had their plaintext. And what a library took to send it later may
 * never have been sent: it was looked at, and is no byte of the connection. */
static void rest_settle(struct stream *s, struct cipher *c, enum dir dir)
{
	struct byte_account *a = account_of(s, c);
	int64_t rest = rest_of(c);

	if (rest > 0 && (dir == DIR_RECEIVED || s->plain_end.cut || may_differ(s, c)))
		records_give_up(s, c, rest);
	else if (rest < 0 && (may_differ(s, c) || c->guessed || c->given_up))
		records_find(s, c, -rest);
	else if (rest < 0 && c->ahead && a->examined >= -rest)
		a->examined += rest;
	else if (rest < 0 && c->ahead)
		account_opaque(a, rest, LOSS_UNKNOWN_PROTOCOL);
}

/* Only one side spoke. That nothing came from the other is what the library's functions say too, of which each is probed. */
static void silent_settle(struct stream *s, struct cipher *c, enum dir dir)
{
	const struct plain_end *end = &s->plain_end;
	unsigned nr = early_alert(c, s->conn.late);

	if (!nr && (s->bound != BOUND_EXACT || s->partly || s->conn.late || c->hurt || !c->handshake || c->tls12 || !end->known || end->cut ||
	    end->pos[dir] || end->before[dir]))
		return;
	nr = nr ? nr : early_silent(c, of_client(s, dir), dir == DIR_SENT);
	for (unsigned i = 0; i < nr; i++)
		account_of(s, c)->framing += c->early[i];
	c->nr_early = (uint8_t)(c->nr_early - nr);
	memmove(c->early, c->early + nr, c->nr_early * sizeof(c->early[0]));
}

void cipher_close(struct stream *s, enum dir dir)
{
	struct cipher *c = cipher_of(s, dir);
	bool alert, cut = c->open > 0;

	begin_check(s, c);
	alert = ends_with_alert(c) && c->open <= 0 && c->capacity - c->plain >= ALERT_13 - OVERHEAD_13;
	if (cut)
		cut_settle(s, c);
	account_of(s, c)->framing -= c->open; /* the first bytes of a header that was cut */
	c->open = 0;
	if (c->awaits)
		early_count(s, c, c->nr_early, c->nr_early);
	if (!c->data) {
		if (!cut)
			silent_settle(s, c, dir);
		cipher_settle(s, dir);
		return;
	}
	if (alert)
		alert_count(s, c);
	rest_settle(s, c, dir);
}
