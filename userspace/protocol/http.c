/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/content.h"
#include "protocol/protocol.h"

#define SEGMENTS_MAX 64		/* path segments and query parameters that become fields */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice http_trim(struct slice s)
{
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = slice_of(s.ptr + 1, s.len - 1);
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool http_is(struct slice s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp((const char *)s.ptr, word, s.len);
}

static bool slice_begins(struct slice s, const char *word)
{
	return s.len >= strlen(word) && !strncasecmp((const char *)s.ptr, word, strlen(word));
}

static int hex(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t percent_decode(uint8_t *p, size_t len, bool form)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '%' && len - i > 2 && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
			p[out++] = (uint8_t)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
		} else {
			p[out++] = form && p[i] == '+' ? ' ' : p[i];
		}
	}
	return out;
}

/* Heads. */

void http_request(const struct http_message *m, struct slice method, struct slice target)
{
	struct exchange *ex = m->ex;
	char name[NAME_SIZE];

	ex->conn.role = m->dir == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;
	m->sink->clean(m->sink->owner, name, method);
	snprintf(ex->method, sizeof(ex->method), "%.16s", name);
	route_template(ex->route, target, m->sink);
}

/* The port is not the host's name; "[::1]:80" keeps what is in brackets. */
void http_host(const struct http_message *m, struct slice host)
{
	const uint8_t *end;

	if (host.len && host.ptr[0] == '[') {
		end = memchr(host.ptr, ']', host.len);
		host = end ? slice_of(host.ptr + 1, (size_t)(end - host.ptr) - 1) : host;
	} else if (host.len && (end = memchr(host.ptr, ':', host.len))) {
		host.len = (size_t)(end - host.ptr);
	}
	if (host.len && !m->ex->host[0])
		m->sink->clean(m->sink->owner, m->ex->host, host);
}

static void emit(const struct http_message *m, enum location loc, const char *prefix, struct slice key, struct slice value, bool text)
{
	size_t n = strlen(prefix);
	char path[PATH_SIZE];
	struct content_job job = { .exchange = m->ex, .sink = m->sink, .location = loc, .dir = m->dir };
	struct field f = { .location = loc, .dir = m->dir, .path = path, .key = key, .value = value, .text = text };

	memcpy(path, prefix, n);
	memcpy(path + n, ".", 2);
	if (key.len)
		m->sink->clean(m->sink->owner, path + n + 1, key);
	if (content_inside(&job, path, key, value))	/* JSON in a query; the claims of a token come beside it */
		return;
	m->sink->field(m->sink->owner, m->ex, &f);
}

static void emit_cookies(const struct http_message *m, struct slice value)
{
	enum location loc = m->response ? LOC_RESPONSE_HEADER : LOC_REQUEST_HEADER;

	for (unsigned n = 0; value.len && n < SEGMENTS_MAX; n++) {
		const uint8_t *semi = memchr(value.ptr, ';', value.len), *eq;
		size_t len = semi ? (size_t)(semi - value.ptr) : value.len;
		struct slice part = http_trim(slice_of(value.ptr, len));

		eq = part.len ? memchr(part.ptr, '=', part.len) : NULL;
		if (eq)
			emit(m, loc, "cookie", slice_of(part.ptr, (size_t)(eq - part.ptr)),
			     slice_of(eq + 1, part.len - (size_t)(eq - part.ptr) - 1), false);
		if (m->response)
			return;	/* Set-Cookie: the rest are attributes */
		value = slice_of(value.ptr + len + (semi ? 1 : 0), value.len - len - (semi ? 1 : 0));
	}
}

/* What the header means for the message it stands in. */
static void heed(const struct http_message *m, struct slice name, struct slice value)
{
	struct body *b = m->body;
	enum encoding encoding;

	if (http_is(name, "content-encoding")) {
		encoding = encoding_named(value);
		if (encoding != ENCODING_NONE)	/* one in another is nobody's habit */
			b->encoding = b->encoding == ENCODING_NONE ? encoding : ENCODING_UNKNOWN;
	} else if (http_is(name, "content-type")) {
		b->type_len = value.len < sizeof(b->type) ? value.len : sizeof(b->type);
		if (b->type_len)
			memcpy(b->type, value.ptr, b->type_len);
		if (slice_begins(value, GRPC_TYPE))
			grpc_begin(m, value);
	} else if (slice_begins(name, "grpc-")) {
		grpc_header(m, name, value);
	} else if (m->response) {
		return;
	} else if (http_is(name, "host")) {
		http_host(m, value);
	} else if (http_is(name, "cookie") && m->ex->auth == AUTH_NONE) {
		m->ex->auth = AUTH_COOKIE;
	} else if (http_is(name, "authorization")) {
		m->ex->auth = slice_begins(value, "basic ") ? AUTH_BASIC : slice_begins(value, "bearer ") ? AUTH_BEARER : AUTH_OTHER;
	}
}

void http_header(const struct http_message *m, struct slice name, struct slice value)
{
	uint8_t lower[64];
	size_t n = name.len < sizeof(lower) ? name.len : sizeof(lower);

	heed(m, name, value);
	if (http_is(name, "cookie") || http_is(name, "set-cookie")) {
		emit_cookies(m, value);
		return;
	}
	for (size_t i = 0; i < n; i++)
		lower[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] + 32 : name.ptr[i];
	emit(m, m->response ? LOC_RESPONSE_HEADER : LOC_REQUEST_HEADER, "header", slice_of(lower, n), value, true);
}

/* A name that is itself a value (a key that is an e-mail address) is a field as well. */
static void emit_name(const struct http_message *m, enum location loc, const char *prefix, struct slice key)
{
	bool odd = false;

	for (size_t i = 0; i < key.len; i++)
		odd |= key.ptr[i] == '@' || (key.ptr[i] >= '0' && key.ptr[i] <= '9');
	if (odd && key.len > 5)
		emit(m, loc, prefix, slice_of(NULL, 0), key, true);
}

static void emit_query(const struct http_message *m, uint8_t *p, size_t len)
{
	for (unsigned n = 0; len && n < SEGMENTS_MAX; n++) {
		uint8_t *amp = memchr(p, '&', len), *eq;
		size_t part = amp ? (size_t)(amp - p) : len, key, value;

		eq = memchr(p, '=', part);
		key = eq ? (size_t)(eq - p) : part;
		value = eq ? part - key - 1 : 0;
		key = percent_decode(p, key, true);
		if (eq)
			value = percent_decode(eq + 1, value, true);
		emit_name(m, LOC_QUERY, "query", slice_of(p, key));
		if (value)
			emit(m, LOC_QUERY, "query", slice_of(p, key), slice_of(eq + 1, value), false);
		p += part + (amp ? 1 : 0);
		len -= part + (amp ? 1 : 0);
	}
}

static void emit_path(const struct http_message *m, uint8_t *p, size_t len)
{
	for (unsigned n = 1; len && n < SEGMENTS_MAX;) {
		uint8_t *slash = memchr(p, '/', len);
		size_t part = slash ? (size_t)(slash - p) : len;
		char path[16];
		struct field f = { .location = LOC_PATH, .dir = m->dir, .path = path, .text = 1 };

		if (part) {
			snprintf(path, sizeof(path), "path.%u", n++);
			f.value = slice_of(p, percent_decode(p, part, false));
			m->sink->field(m->sink->owner, m->ex, &f);
		}
		p += part + (slash ? 1 : 0);
		len -= part + (slash ? 1 : 0);
	}
}

void http_target(const struct http_message *m, uint8_t *p, size_t n)
{
	uint8_t *q, *frag, *scheme;

	if (!n)
		return;
	scheme = *p != '/' ? memmem(p, n, "://", 3) : NULL;
	if (scheme) {	/* absolute-form: the host is told as such */
		q = memchr(scheme + 3, '/', n - (size_t)(scheme + 3 - p));
		n = q ? n - (size_t)(q - p) : 0;
		p = q ? q : p;
	}
	frag = memchr(p, '#', n);
	if (frag)
		n = (size_t)(frag - p);
	q = memchr(p, '?', n);
	emit_path(m, p, q ? (size_t)(q - p) : n);
	if (q)
		emit_query(m, q + 1, n - (size_t)(q - p) - 1);
}

/* Bodies. */

void body_init(struct body *b)
{
	buf_init(&b->held, PROTOCOL_BODY_HELD);
}

static void empty(struct body *b)
{
	buf_free(&b->held);
	b->cut = false;
}

void body_begin(struct body *b)
{
	empty(b);
	b->encoding = ENCODING_NONE;
	b->type_len = 0;
	b->grpc = (struct grpc){ 0 };
}

void body_free(struct body *b)
{
	buf_free(&b->held);
}

void body_hold(struct body *b, struct slice in)
{
	size_t room = PROTOCOL_BODY_HELD - b->held.len, n = in.len < room ? in.len : room;

	if (n < in.len || buf_add(&b->held, in.ptr, n))
		b->cut = true;
}

void body_take(const struct http_message *m, struct slice in)
{
	if (m->body->grpc.on)
		grpc_take(m, in);
	else
		body_hold(m->body, in);
}

void body_gap(const struct http_message *m, uint64_t missing)
{
	m->body->cut = true;
	if (m->body->grpc.on)
		grpc_gap(m, missing);
}

static int decode(const struct http_message *m, enum encoding encoding, struct slice type)
{
	const struct body *b = m->body;
	struct content_job job = {
		.exchange = m->ex, .sink = m->sink, .dir = m->dir, .cut = b->cut,
		.location = m->response ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY,
	};
	struct slice body = slice_of(b->held.ptr, b->held.len);
	struct buf plain;
	size_t earned;
	int done;

	if (encoding == ENCODING_UNKNOWN)
		return INSPECTED_NONE;
	if (encoding == ENCODING_NONE)
		return content_decode(&job, type, body);
	if (m->sink->afford && !m->sink->afford(m->sink->owner, INFLATE_BEGIN))
		return INSPECTED_NONE;
	buf_init(&plain, INFLATE_MAX);
	job.cut |= !inflate_body(encoding, body, &plain);
	earned = plain.len / INFLATE_USUAL < body.len ? plain.len : body.len * INFLATE_USUAL;
	if (m->sink->afford)
		m->sink->afford(m->sink->owner, (int64_t)(plain.len * INFLATE_COST) - (int64_t)(earned * INFLATE_EARNS));
	done = body.len && !plain.len && job.cut ? INSPECTED_NONE : content_decode(&job, type, slice_of(plain.ptr, plain.len));
	buf_free(&plain);
	return done;
}

void body_decode(const struct http_message *m, enum encoding encoding, struct slice type)
{
	if (m->body->held.len || m->body->cut) {
		int done = decode(m, encoding, type);

		if (m->body->cut && done == INSPECTED_FULL)
			done = INSPECTED_PARTIAL;
		if (done > m->ex->inspected)
			m->ex->inspected = (uint8_t)done;
	}
	empty(m->body);
}

void body_end(const struct http_message *m)
{
	struct body *b = m->body;

	if (b->grpc.on)
		grpc_end(m);
	else
		body_decode(m, b->encoding, slice_of((const uint8_t *)b->type, b->type_len));
}
