/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c - see hello.h. Records (RFC 8446, 5.1) are taken apart into a stream of messages
 *
 *	[type len24] body		RFC 8446 4, RFC 5246 7.4
 *
 * of which four are looked at. What follows change_cipher_spec or comes as application data is
 * encrypted and no message; so TLS 1.3 shows the hellos alone, 1.2 the certificates too. */
#include "protocol/hello.h"

#include <stdio.h>
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/certificate.h"
#include "protocol/ja4.h"
#include "protocol/reader.h"

enum { HANDSHAKE = 22 };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2, CERTIFICATE = 11, CLIENT_KEY_EXCHANGE = 16 };
enum { SERVER_NAME = 0, SIGNATURE_ALGORITHMS = 13, ALPN = 16, SUPPORTED_VERSIONS = 43 };
#define TLS_1_3 0x0304
#define RECORD_MAX (16384 + 2048)

/* One direction. */
struct side {
	uint64_t next;		/* position of the byte that must come */
	uint8_t header[5], have;
	uint32_t body_left;
	size_t total;
	bool began, ended;
	struct buf message;	/* bytes of messages that are not whole */
};

struct hello {
	struct side sides[2];
	const struct field_sink *sink;
	struct tls_facts facts;
	enum dir client;	/* where the ClientHello went */
	bool has_client, changed;
};

struct hello *hello_new(void)
{
	struct hello *h = budget_alloc(sizeof(*h));

	for (int d = 0; h && d < 2; d++)
		buf_init(&h->sides[d].message, HELLO_MAX);
	return h;
}

void hello_free(struct hello *h)
{
	if (!h)
		return;
	buf_free(&h->sides[0].message);
	buf_free(&h->sides[1].message);
	budget_free(h, sizeof(*h));
}

bool hello_ended(const struct hello *h)
{
	return h->sides[0].ended && h->sides[1].ended;
}

bool hello_take(struct hello *h, struct tls_facts *out)
{
	bool changed = h->changed;

	if (changed)
		*out = h->facts;
	h->changed = false;
	return changed;
}

/* ---- names ---- */

static void name_take(struct hello *h, char out[NAME_SIZE], struct slice raw)
{
	out[0] = 0;
	if (raw.len)
		h->sink->clean(h->sink->owner, out, raw);
}

/* Protocols by the words of the registry; any other is a name like all names. */
static void alpn_name(struct hello *h, char out[NAME_SIZE], struct slice raw)
{
	static const char *const words[] = { "h2", "http/1.1", "http/1.0", "h3", "imap", "pop3", "ftp", "postgresql", "mqtt", "acme-tls/1",
					     "xmpp-client", "xmpp-server", "managesieve", "dot", "tds/8.0", "grpc-exp", "webrtc" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (raw.len == strlen(words[i]) && !memcmp(raw.ptr, words[i], raw.len)) {
			memcpy(out, words[i], raw.len + 1);
			return;
		}
	name_take(h, out, raw);
}

/* ---- the client's offer ---- */

static unsigned list_take(uint16_t *out, unsigned size, struct slice in, bool *beyond)
{
	struct reader r = { in, false };
	unsigned nr = 0;

	while (r.left.len >= 2) {
		uint16_t v = (uint16_t)reader_number(&r, 2);

		if (is_grease(v))
			continue;
		if (nr == size) {
			*beyond = true;
			break;
		}
		out[nr++] = v;
	}
	return nr;
}

static void take_name(struct hello *h, struct reader *r)
{
	(void)reader_number(r, 2);
	if (reader_number(r, 1) == 0)	/* a host name, RFC 6066 3 */
		name_take(h, h->facts.sni, reader_vector(r, 2));
}

static void take_alpn(struct hello *h, struct reader *r, struct offer *o)
{
	struct reader list = { reader_cut_vector(r, 2), false };
	char name[NAME_SIZE];
	size_t n = 0;

	h->facts.alpn_offered[0] = 0;
	while (list.left.len) {
		struct slice one = reader_vector(&list, 1);

		if (list.failed)
			break;
		if (!o->alpn.ptr)
			o->alpn = one;
		alpn_name(h, name, one);
		if (strlen(name) + 2 > NAME_SIZE - n)	/* further ones are left out */
			break;
		n += (size_t)snprintf(h->facts.alpn_offered + n, NAME_SIZE - n, n ? ",%s" : "%s", name);
	}
}

static void take_versions(struct reader *r, struct offer *o)
{
	struct reader list = { reader_cut_vector(r, 1), false };
	uint16_t highest = 0;

	while (list.left.len >= 2) {
		uint16_t v = (uint16_t)reader_number(&list, 2);

		if (!is_grease(v) && v > highest)
			highest = v;
	}
	o->version = highest ? highest : o->version;
}

static void client_extension(struct hello *h, uint16_t type, struct slice body, struct offer *o)
{
	struct reader r = { body, false };

	if (is_grease(type))
		return;
	if (o->nr_extensions == JA4_EXTENSIONS)
		o->beyond = true;
	else
		o->extensions[o->nr_extensions++] = type;
	switch (type) {
	case SERVER_NAME:
		o->has_name = true;
		take_name(h, &r);
		break;
	case ALPN:
		take_alpn(h, &r, o);
		break;
	case SUPPORTED_VERSIONS:
		take_versions(&r, o);
		break;
	case SIGNATURE_ALGORITHMS:
		o->nr_algorithms = list_take(o->algorithms, JA4_ALGORITHMS, reader_cut_vector(&r, 2), &o->beyond);
		break;
	}
}

static void client_hello(struct hello *h, struct slice body, bool whole)
{
	struct reader r = { body, false };
	struct offer o = { .version = (uint16_t)reader_number(&r, 2) };

	(void)reader_take(&r, 32);	/* random */
	(void)reader_vector(&r, 1);	/* session id */
	o.nr_ciphers = list_take(o.ciphers, JA4_CIPHERS, reader_vector(&r, 2), &o.beyond);
	(void)reader_vector(&r, 1);	/* compression methods */
	if (r.left.len)
		(void)reader_number(&r, 2);	/* length of all extensions; the hello may be cut before it */
	while (!r.failed && r.left.len) {
		uint16_t type = (uint16_t)reader_number(&r, 2);
		struct slice extension = reader_vector(&r, 2);

		if (!r.failed)
			client_extension(h, type, extension, &o);
	}
	h->changed = true;
	if (whole && !r.failed && !o.beyond)
		ja4_make(h->facts.ja4, &o);
}

/* ---- what the server chose ---- */

static void server_hello(struct hello *h, struct slice body)
{
	struct reader r = { body, false };
	uint16_t version = (uint16_t)reader_number(&r, 2), cipher;

	(void)reader_take(&r, 32);	/* random */
	(void)reader_vector(&r, 1);	/* session id */
	cipher = (uint16_t)reader_number(&r, 2);
	(void)reader_number(&r, 1);	/* compression */
	if (r.failed)
		return;
	h->changed = true;
	if (r.left.len)
		(void)reader_number(&r, 2);
	while (!r.failed && r.left.len) {
		uint16_t type = (uint16_t)reader_number(&r, 2);
		struct reader e = { reader_vector(&r, 2), false };

		if (r.failed)
			break;
		if (type == SUPPORTED_VERSIONS && e.left.len == 2)
			version = (uint16_t)reader_number(&e, 2);
		if (type == ALPN) {
			(void)reader_number(&e, 2);
			alpn_name(h, h->facts.alpn, reader_vector(&e, 1));
		}
	}
	h->facts.version = version;
	h->facts.cipher = cipher;
}

/* ---- certificates, before TLS 1.3 ---- */

static void subject_take(struct hello *h, const struct certificate *c)
{
	char name[NAME_SIZE], organisation[NAME_SIZE];
	struct tls_facts *f = &h->facts;

	name_take(h, name, c->common_name);
	name_take(h, organisation, c->organisation);
	snprintf(f->peer_subject, sizeof(f->peer_subject), "%s%.60s%s%s%.60s", name[0] ? "CN=" : "", name, name[0] && organisation[0] ? "," : "",
		 organisation[0] ? "O=" : "", organisation);
	f->peer_expires = c->expires;
}

/* The first of a chain is whose the connection is. */
static void certificates(struct hello *h, enum dir dir, struct slice body)
{
	struct reader r = { body, false };
	uint32_t all = reader_number(&r, 3);
	struct certificate c;

	if (r.failed)
		return;
	if (h->has_client && dir == h->client) {
		h->facts.mutual = all ? MUTUAL_YES : MUTUAL_NO;
		h->changed = true;
	}
	if (dir != DIR_RECEIVED || !all || !certificate_read(reader_vector(&r, 3), &c))
		return;
	subject_take(h, &c);
	h->changed = true;
}

/* ---- messages ---- */

static void message(struct hello *h, enum dir dir, uint8_t type, struct slice body, bool whole)
{
	switch (type) {
	case CLIENT_HELLO:
		h->client = dir;
		h->has_client = true;
		client_hello(h, body, whole);
		break;
	case SERVER_HELLO:
		server_hello(h, body);
		break;
	case CERTIFICATE:
		certificates(h, dir, body);
		break;
	case CLIENT_KEY_EXCHANGE:
		if (h->facts.mutual == MUTUAL_UNKNOWN) {
			h->facts.mutual = MUTUAL_NO;
			h->changed = true;
		}
		break;
	}
}

static void messages(struct hello *h, enum dir dir)
{
	struct buf *b = &h->sides[dir].message;
	size_t at = 0;

	while (b->len - at >= 4) {
		const uint8_t *p = (const uint8_t *)b->ptr + at;
		size_t len = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

		if (len > b->len - at - 4)
			break;
		message(h, dir, p[0], slice_of(p + 4, len), true);
		at += 4 + len;
	}
	buf_consume(b, at);
}

/* What is there of a message whose end nobody will see may hold the name already. */
static void side_end(struct hello *h, enum dir dir)
{
	struct side *s = &h->sides[dir];
	const uint8_t *p = (const uint8_t *)s->message.ptr;

	s->ended = true;
	if (s->message.len > 4)
		message(h, dir, p[0], slice_of(p + 4, s->message.len - 4), false);
	buf_free(&s->message);
}

void hello_end(struct hello *h)
{
	for (int d = 0; d < 2; d++)
		if (!h->sides[d].ended)
			side_end(h, (enum dir)d);
}

/* Takes the bytes of one record's header or body; false: they are no handshake. */
static bool side_take(struct side *s, struct slice *in)
{
	size_t n = in->len < s->body_left ? in->len : s->body_left;

	if (!s->body_left) {
		s->header[s->have++] = *in->ptr;
		*in = slice_of(in->ptr + 1, in->len - 1);
		if (s->have < sizeof(s->header))
			return s->header[0] == HANDSHAKE;
		s->have = 0;
		s->body_left = (uint32_t)s->header[3] << 8 | s->header[4];
		return s->body_left && s->body_left <= RECORD_MAX;
	}
	if (n > HELLO_MAX - s->total || buf_add(&s->message, in->ptr, n))
		return false;
	s->total += n;
	s->body_left -= (uint32_t)n;
	*in = slice_of(in->ptr + n, in->len - n);
	return true;
}

void hello_bytes(struct hello *h, enum dir dir, uint64_t pos, struct slice in, const struct field_sink *sink)
{
	struct side *s = &h->sides[dir];
	bool good = !s->began || pos == s->next;

	if (s->ended)
		return;
	h->sink = sink;
	s->began = true;
	s->next = pos + in.len;
	while (good && in.len)
		good = side_take(s, &in);
	messages(h, dir);
	if (!good)
		side_end(h, dir);
}
