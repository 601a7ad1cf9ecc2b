/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - a connection's bytes in order -> chunks: as they are, or, of TLS, the records that pass,
 * their handshake, and their plaintext where there are keys. Says what the socket hooks say, by the
 * same rules: TLS is asked of the first bytes of each direction, and of what a client sends behind
 * an answer early in the connection (STARTTLS and its kin).
 *
 * Of a record that was decrypted all is known: how much plaintext it has, and whether that is data
 * or the handshake's, which TLS 1.3 hides. Its chunk says so, and nothing is left to infer. */
#include <string.h>

#include "base/budget.h"
#include "capture/packet/private.h"

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION = 23 };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2 };

#define HEADER		5
#define BODY_MAX	(16384 + 2048)
#define MISSED_MIN	(HEADER + 17)	/* no record that is encrypted is shorter */
#define HELLO_BYTES	16384	/* of a direction's handshake that are told of */
#define UPGRADE_WITHIN	8192	/* bytes of a client before it says hello */
#define QUIC_MIN	1200
#define MISSED_TRIED	(1u << 20)	/* bytes that are decrypted to find which record came behind a gap */

/* ---- what is told ---- */

void chunk_tell(struct packets *t, struct connection *c, unsigned side, struct chunk *ch)
{
	ch->conn = c->facts;
	ch->conn.tls = ch->layer == LAYER_SOCKET ? TLS_ABSENT : TLS_PRESENT;
	if (ch->layer == LAYER_TLS) {
		ch->conn.binding = BINDING_EXACT;
		ch->session = c->facts.id;
	}
	ch->dir = side_dir(c, side);
	t->sink.chunk(t->sink.owner, ch);
}

static void plain_tell(struct packets *t, struct connection *c, unsigned side, uint64_t pos, struct slice in, uint64_t skipped,
		       enum loss cause, struct stamp at)
{
	struct chunk ch = { .at = at, .layer = LAYER_SOCKET, .pos = pos, .bytes = in, .skipped = skipped, .cause = skipped ? cause : LOSS_NONE };

	if (c->payload == PAYLOAD_QUIC) {
		ch.skipped += in.len;
		ch.bytes.len = 0;
		ch.cause = LOSS_QUIC;
	}
	chunk_tell(t, c, side, &ch);
}

/* Bytes of TLS whose records cannot be walked. */
static void unwalked_tell(struct packets *t, struct connection *c, unsigned side, uint64_t pos, uint64_t nr, enum loss cause, struct stamp at)
{
	struct chunk ch = { .at = at, .layer = LAYER_CIPHER, .pos = pos, .moved = nr, .skipped = nr, .cause = cause };

	if (nr)
		chunk_tell(t, c, side, &ch);
}

/* ---- records ---- */

static bool is_header(const uint8_t h[HEADER])
{
	uint32_t body = get16(h + 3);

	return h[0] >= CHANGE_CIPHER_SPEC && h[0] <= APPLICATION && h[1] == 3 && h[2] <= 4 && body && body <= BODY_MAX;
}

static bool is_server(const struct connection *c, unsigned side)
{
	return (side == c->local) == (c->facts.role == ROLE_SERVER);
}

/* Is the record encrypted, and are its keys there? */
static bool is_sealed(const struct connection *c, unsigned side)
{
	return c->decrypt && c->records[side].have == HEADER && decrypt_seals(c->decrypt, is_server(c, side), c->records[side].header[0]);
}

static void record_forget(struct records *r)
{
	if (r->record)
		explicit_bzero(r->record, r->room);
	budget_free(r->record, r->room);
	r->record = NULL;
	r->room = 0;
	r->have = 0;
	r->body = r->left = r->holes = 0;
}

/* How far into its record the direction is. */
static uint32_t record_passed(const struct records *r)
{
	return r->have < HEADER ? r->have : HEADER + r->body - r->left;
}

/* The record of which `moved` bytes passed, as its header says. */
static void header_tell(struct packets *t, struct connection *c, unsigned side, uint32_t moved)
{
	struct records *r = &c->records[side];
	const struct record_header h = { .type = r->header[0], .major = r->header[1], .minor = r->header[2], .body = r->body };
	struct chunk ch = {
		.at = r->at, .layer = LAYER_CIPHER, .pos = r->pos, .moved = moved, .skipped = r->holes, .cause = r->holes ? LOSS_MISSING : LOSS_NONE,
		.bytes = slice_of(&h, r->have < HEADER ? 0 : sizeof(h)),
	};

	chunk_tell(t, c, side, &ch);
}

/* The record was, or should have been, decrypted: plain of its bytes are data. */
static void known_tell(struct packets *t, struct connection *c, unsigned side, uint32_t moved, uint32_t framing, uint32_t plain)
{
	struct records *r = &c->records[side];
	struct chunk ch = { .at = r->at, .layer = LAYER_CIPHER, .pos = r->pos, .moved = moved, .known = 1, .framing = framing, .plain = plain };

	chunk_tell(t, c, side, &ch);
}

static void data_tell(struct packets *t, struct connection *c, unsigned side, struct slice in, uint64_t skipped)
{
	struct records *r = &c->records[side];
	struct chunk ch = { .at = r->at, .layer = LAYER_TLS, .pos = r->plain, .bytes = in, .skipped = skipped, .cause = skipped ? LOSS_MISSING : LOSS_NONE };

	r->plain += in.len + skipped;
	if (in.len || skipped)
		chunk_tell(t, c, side, &ch);
}

/* ---- the handshake ---- */

struct hello { uint8_t type; const uint8_t *random; uint16_t version, cipher; bool etm; };

static bool extension_find(const uint8_t *p, size_t len, uint32_t type, const uint8_t **body, size_t *body_len)
{
	while (len >= 4) {
		size_t n = get16(p + 2);

		if (n > len - 4)
			return false;
		if (get16(p) == type) {
			*body = p + 4;
			*body_len = n;
			return true;
		}
		p += 4 + n;
		len -= 4 + n;
	}
	return false;
}

/* A hello at the front of a record's body; RFC 8446 4.1.2 and 4.1.3. */
static bool hello_parse(const uint8_t *p, size_t len, struct hello *h)
{
	const uint8_t *found;
	size_t n, found_len;

	if (len < 4 + 2 + 32 + 1 || (p[0] != CLIENT_HELLO && p[0] != SERVER_HELLO))
		return false;
	*h = (struct hello){ .type = p[0], .version = (uint16_t)get16(p + 4), .random = p + 6 };
	n = p[38];
	if (h->type == CLIENT_HELLO)
		return true;
	if (n > len - 39 || len - 39 - n < 3)
		return false;
	p += 39 + n;
	len -= 39 + n;
	h->cipher = (uint16_t)get16(p);
	if (len < 5 || get16(p + 3) > len - 5)
		return true;
	n = get16(p + 3);
	if (extension_find(p + 5, n, 43, &found, &found_len) && found_len == 2)
		h->version = (uint16_t)get16(found);
	h->etm = extension_find(p + 5, n, 22, &found, &found_len);
	return true;
}

/* A HelloRetryRequest is a ServerHello by its random, RFC 8446 4.1.3. */
static bool is_retry(const uint8_t random[32])
{
	static const uint8_t retry[8] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11 };

	return !memcmp(random, retry, sizeof(retry));
}

static void handshake_look(struct packets *t, struct connection *c, unsigned side)
{
	struct records *r = &c->records[side];
	struct hello h;

	if (!r->record || !hello_parse(r->record, r->body, &h))
		return;
	if (h.type == CLIENT_HELLO && !is_server(c, side)) {
		if (!c->decrypt)
			c->decrypt = decrypt_new(t->options.keys, h.random);
	} else if (h.type == SERVER_HELLO && is_server(c, side) && c->decrypt && is_retry(h.random)) {
		decrypt_refuse_early(c->decrypt);
	} else if (h.type == SERVER_HELLO && is_server(c, side) && c->decrypt) {
		t->stats->tls_decrypted += decrypt_server_hello(c->decrypt, h.random, h.version, h.cipher, h.etm);
	}
}

/* ---- decryption ---- */

/* Plaintext of bytes that were missing: what their length leaves when each record had an overhead. */
static void missed_tell(struct packets *t, struct connection *c, unsigned side, unsigned records)
{
	struct records *r = &c->records[side];
	uint64_t over = (uint64_t)records * (HEADER + decrypt_overhead(c->decrypt));

	data_tell(t, c, side, slice_of(NULL, 0), r->missed > over ? r->missed - over : 1);
	r->missed = 0;
}

/* A whole record, of a direction that is encrypted. */
static void sealed_take(struct packets *t, struct connection *c, unsigned side)
{
	struct records *r = &c->records[side];
	uint64_t most = r->missed / MISSED_MIN + (r->missed > 0), tries = MISSED_TRIED / (r->body + 1);
	unsigned missing = (unsigned)(most < tries ? most : tries);
	uint32_t over = decrypt_overhead(c->decrypt);
	uint8_t type = 0;
	int n = -1;

	if (r->holes) {	/* nobody can check it: its plaintext is lost */
		uint32_t plain = r->body > over ? r->body - over : 0;

		known_tell(t, c, side, HEADER + r->body, HEADER + r->body - plain, plain);
		data_tell(t, c, side, slice_of(NULL, 0), plain);
		decrypt_skip(c->decrypt, is_server(c, side));
		return;
	}
	if (r->record)
		n = decrypt_record(c->decrypt, is_server(c, side), r->header, r->record, r->body, &type, &missing);
	if (n < 0) {
		t->stats->tls_failed_records++;
		known_tell(t, c, side, HEADER + r->body, HEADER, 0);
		return;
	}
	if (r->missed)
		missed_tell(t, c, side, missing);
	if (type != APPLICATION)
		n = 0;
	known_tell(t, c, side, HEADER + r->body, HEADER + r->body - (uint32_t)n, (uint32_t)n);
	data_tell(t, c, side, slice_of(r->record, (size_t)n), 0);
}

static void record_end(struct packets *t, struct connection *c, unsigned side)
{
	struct records *r = &c->records[side];
	uint8_t type = r->header[0];

	if (is_sealed(c, side)) {
		sealed_take(t, c, side);
	} else {
		header_tell(t, c, side, HEADER + r->body);
		if (type == HANDSHAKE && !r->holes && t->options.keys)
			handshake_look(t, c, side);
		if (type == CHANGE_CIPHER_SPEC && c->decrypt)
			decrypt_change(c->decrypt, is_server(c, side));
	}
	r->pos += HEADER + r->body;
	record_forget(r);
}

/* What there is of a record whose rest will not come. */
static void record_cut(struct packets *t, struct connection *c, unsigned side)
{
	struct records *r = &c->records[side];
	uint32_t passed = record_passed(r);

	if (passed && is_sealed(c, side))
		known_tell(t, c, side, passed, HEADER, 0);
	else if (passed)
		header_tell(t, c, side, passed);
	r->pos += passed;
	record_forget(r);
}

/* ---- walking ---- */

/* The clear handshake, as it is on the wire: until a record of another type. */
static void hello_tell(struct packets *t, struct connection *c, unsigned side, uint64_t pos, struct slice in)
{
	struct records *r = &c->records[side];
	struct chunk ch = { .at = r->at, .layer = LAYER_HELLO, .pos = pos, .bytes = in };

	if (r->header[0] != HANDSHAKE || in.len > HELLO_BYTES - r->hello)
		r->ended = true;
	if (r->ended)
		return;
	r->hello += (uint32_t)in.len;
	chunk_tell(t, c, side, &ch);
}

static void body_begin(struct packets *t, struct connection *c, unsigned side)
{
	struct records *r = &c->records[side];

	r->body = r->left = get16(r->header + 3);
	hello_tell(t, c, side, r->pos, slice_of(r->header, HEADER));
	if (t->options.keys && (r->header[0] == HANDSHAKE || is_sealed(c, side))) {
		r->room = r->body;
		r->record = budget_room(r->room);
		r->room = r->record ? r->room : 0;
	}
}

/* Takes from the front of the bytes; false: these are no records. */
static bool record_bytes(struct packets *t, struct connection *c, unsigned side, struct slice *in)
{
	struct records *r = &c->records[side];
	size_t n;

	if (r->have < HEADER) {
		n = (size_t)(HEADER - r->have) < in->len ? (size_t)(HEADER - r->have) : in->len;
		memcpy(r->header + r->have, in->ptr, n);
		r->have += (uint8_t)n;
		*in = slice_of(in->ptr + n, in->len - n);
		if (r->have < HEADER)
			return true;
		if (!is_header(r->header))
			return false;
		body_begin(t, c, side);
		return true;
	}
	n = r->left < in->len ? r->left : in->len;
	hello_tell(t, c, side, r->pos + HEADER + r->body - r->left, slice_of(in->ptr, n));
	if (r->record)
		memcpy(r->record + (r->body - r->left), in->ptr, n);
	r->left -= (uint32_t)n;
	*in = slice_of(in->ptr + n, in->len - n);
	if (!r->left)
		record_end(t, c, side);
	return true;
}

/* Bytes of the records are missing: of the open one, or its end, and nobody knows where the next begins. */
static void records_gap(struct packets *t, struct connection *c, unsigned side, uint64_t nr, enum loss cause)
{
	struct records *r = &c->records[side];
	uint64_t passed;

	r->ended = r->jumped = true;
	if (r->have == HEADER && nr <= r->left) {
		r->holes += (uint32_t)nr;
		r->left -= (uint32_t)nr;
		if (!r->left)
			record_end(t, c, side);
		return;
	}
	/* Of a record that is cut and was to be decrypted all is lost, with its plaintext. */
	passed = is_sealed(c, side) ? record_passed(r) : 0;
	if (passed)
		record_forget(r);
	else
		record_cut(t, c, side);
	unwalked_tell(t, c, side, r->pos, passed + nr, cause, r->at);
	r->pos += passed + nr;
	r->missed += passed + nr;
	r->lost = true;
}

/* Where a record begins: at the front, as segments often do, or where it looks like one of data and the
 * next one, if it is here, like one as well. The length: nowhere. What was mistaken for one is followed
 * by no header, and by keys it does not open. */
static size_t record_find(struct slice in)
{
	const uint8_t *p = in.ptr, *end = in.ptr + in.len;

	if (in.len >= HEADER && is_header(p))
		return 0;
	for (; (p = memchr(p, APPLICATION, (size_t)(end - p))); p++) {
		size_t left = (size_t)(end - p), whole;

		if (left < HEADER)
			break;
		whole = HEADER + get16(p + 3);
		if (is_header(p) && p[2] == 3 && whole >= MISSED_MIN && (left < whole + HEADER || is_header(p + whole)))
			return (size_t)(p - in.ptr);
	}
	return in.len;
}

/* Why it is not known where a record begins. */
static enum loss astray_for(const struct connection *c, const struct records *r)
{
	return r->jumped ? LOSS_MISSING : c->facts.late ? LOSS_LATE : LOSS_UNKNOWN_PROTOCOL;
}

static void records_take(struct packets *t, struct connection *c, unsigned side, struct slice in)
{
	struct records *r = &c->records[side];

	if (r->lost && in.len) {
		size_t at = record_find(in);

		unwalked_tell(t, c, side, r->pos, at, astray_for(c, r), r->at);
		r->pos += at;
		r->missed += at;
		in = slice_of(in.ptr + at, in.len - at);
		r->lost = !in.len;
	}
	while (in.len && !r->lost) {
		if (record_bytes(t, c, side, &in))
			continue;
		r->lost = true;	/* no header, after all */
		unwalked_tell(t, c, side, r->pos, HEADER, astray_for(c, r), r->at);
		r->pos += HEADER;
		r->missed += HEADER;
		r->have = 0;
	}
	unwalked_tell(t, c, side, r->pos, in.len, astray_for(c, r), r->at);
	r->pos += in.len;
	r->missed += in.len;
}

/* ---- is it TLS? ---- */

static bool is_tls_begin(const struct connection *c, struct slice in)
{
	return in.len >= HEADER && is_header(in.ptr) && (c->facts.late || in.ptr[0] == HANDSHAKE);
}

static bool is_client_hello(struct slice in)
{
	return in.len >= 11 && is_header(in.ptr) && in.ptr[0] == HANDSHAKE && in.ptr[5] == CLIENT_HELLO && in.ptr[9] == 3;
}

static bool is_quic(struct slice in, uint64_t whole)
{
	uint32_t version;

	if (whole < QUIC_MIN || in.len < 5)
		return false;
	version = get32(in.ptr + 1);
	return (in.ptr[0] & 0xc0) == 0xc0 && (version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000);
}

static void tls_begin(struct packets *t, struct connection *c)
{
	c->payload = PAYLOAD_TLS;
	t->stats->tls++;
}

static void payload_judge(struct packets *t, struct connection *c, unsigned side, uint64_t pos, struct slice in, uint64_t skipped)
{
	struct records *r = &c->records[side];
	bool first = !r->tried;

	if (!in.len || c->payload == PAYLOAD_TLS || c->payload == PAYLOAD_QUIC)
		return;
	r->tried = 1;
	if (c->facts.transport == TRANSPORT_UDP)
		c->payload = first && is_quic(in, in.len + skipped) ? PAYLOAD_QUIC : PAYLOAD_PLAIN;
	else if (first && !pos && is_tls_begin(c, in))
		tls_begin(t, c);
	else if (!is_server(c, side) && pos && pos < UPGRADE_WITHIN && c->records[!side].tried && is_client_hello(in))
		tls_begin(t, c);
	else
		c->payload = PAYLOAD_PLAIN;
}

void payload_take(struct packets *t, struct connection *c, unsigned side, uint64_t pos, struct slice in, uint64_t skipped,
		  enum loss cause, struct stamp at)
{
	struct records *r = &c->records[side];

	payload_judge(t, c, side, pos, in, skipped);
	if (c->payload != PAYLOAD_TLS) {
		plain_tell(t, c, side, pos, in, skipped, cause, at);
		return;
	}
	if (!r->begun) {
		r->begun = true;
		r->pos = pos;
	}
	r->at = at;
	records_take(t, c, side, in);
	if (skipped)
		records_gap(t, c, side, skipped, cause);
}

void payload_finish(struct packets *t, struct connection *c)
{
	for (unsigned i = 0; i < 2; i++)
		if (c->records[i].begun)
			record_cut(t, c, i);
	decrypt_free(c->decrypt);
	c->decrypt = NULL;
}
