/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uninitialized.h"
#include "protocol/content.h"
#include "protocol/content/mime.h"
#include "protocol/descriptor.h"
#include "protocol/protocol.h"

#define SEGMENTS_MAX 64		/* path segments and query parameters that become fields */

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
	word_set(ex->method, name);
	route_template(ex->route, target, m->sink);
	ex->schema = descriptor_method(target.ptr, target.len);
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

/* Where a field stands: what its path begins with, and its location in a request and in a response. */
struct place { char prefix[24]; uint8_t len; bool text; uint8_t of[2]; };
#define PLACE(name, request, response, text) { name ".", sizeof(name), text, { request, response } }
static const struct place in_header = PLACE("header", LOC_REQUEST_HEADER, LOC_RESPONSE_HEADER, true);
static const struct place in_cookie = PLACE("cookie", LOC_REQUEST_HEADER, LOC_RESPONSE_HEADER, false);
static const struct place in_query = PLACE("query", LOC_QUERY, LOC_QUERY, false);
static const struct place in_query_name = PLACE("query", LOC_QUERY, LOC_QUERY, true);

static bool emit_inside(const struct http_message *m, enum location loc, const char *path, struct slice key, struct slice value)
{
	struct content_job job = { .exchange = m->ex, .sink = m->sink, .location = loc, .dir = m->dir };

	return content_inside(&job, path, key, value);	/* JSON in a query; the claims of a token come beside it */
}

/* No more arguments than registers hold: for what is passed in memory this would wait. */
__attribute__((always_inline))
static inline void emit_here(const struct http_message *m, const struct place *in, struct slice key, struct slice value)
{
	enum location loc = in->of[m->response];
	char path[PATH_SIZE] UNINITIALIZED;
	struct field f = { .location = loc, .dir = m->dir, .path = path, .key = key, .value = value, .text = in->text };

	memcpy(path, in->prefix, sizeof(in->prefix));
	if (key.len)
		m->sink->clean(m->sink->owner, path + in->len, key);
	if (content_suspected(key, value) && emit_inside(m, loc, path, key, value))
		return;
	m->sink->field(m->sink->owner, m->ex, &f);
}

static void emit(const struct http_message *m, const struct place *in, struct slice key, struct slice value)
{
	emit_here(m, in, key, value);
}

/* What users say of an object is a field by the name that they gave it. */
static void emit_meta(const struct http_message *m, const char *prefix, struct slice name, struct slice value)
{
	struct place in = in_header;
	uint8_t *text = NULL;

	in.len = (uint8_t)snprintf(in.prefix, sizeof(in.prefix), "header.%s.", prefix);
	if (value.len && memmem(value.ptr, value.len, "=?", 2))
		text = malloc(2 * value.len);
	emit(m, &in, name, text ? slice_of(text, mime_words(text, value)) : value);
	if (text)
		explicit_bzero(text, 2 * value.len);
	free(text);
}

static void emit_cookies(const struct http_message *m, struct slice value)
{
	for (unsigned n = 0; value.len && n < SEGMENTS_MAX; n++) {
		const uint8_t *semi = memchr(value.ptr, ';', value.len), *eq;
		size_t len = semi ? (size_t)(semi - value.ptr) : value.len;
		struct slice part = http_trim(slice_of(value.ptr, len));

		eq = part.len ? memchr(part.ptr, '=', part.len) : NULL;
		if (eq)
			emit(m, &in_cookie, slice_of(part.ptr, (size_t)(eq - part.ptr)),
			     slice_of(eq + 1, part.len - (size_t)(eq - part.ptr) - 1));
		if (m->response)
			return;	/* Set-Cookie: the rest are attributes */
		value = slice_of(value.ptr + len + (semi ? 1 : 0), value.len - len - (semi ? 1 : 0));
	}
}

/* RFC 9110, 14.4: "bytes 100-199/1000", of an answer 206 or of an upload in parts: what stands before
 * and behind is not in this body. */
static void take_range(struct body *b, struct slice value)
{
	uint64_t n[3] = { 0 };
	unsigned which = 0, digits[3] = { 0 };

	if (!begins_fold(value, "bytes "))
		return;
	for (size_t i = 6; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (which < 2 && c == "-/"[which] && digits[which]) {
			which++;
		} else if (c >= '0' && c <= '9' && digits[which] < 18) {
			n[which] = n[which] * 10 + (c - '0');
			digits[which]++;
		} else {
			break;
		}
	}
	b->headless = digits[0] && n[0];
	b->cut = digits[1] && !(digits[2] && n[1] + 1 >= n[2]);
}

/* "gzip", or "gzip, aws-chunked", which responses have without doing it. One coding in another is nobody's habit. */
static void take_coding(const struct http_message *m, struct slice list)
{
	struct body *b = m->body;

	while (list.len) {
		const uint8_t *comma = memchr(list.ptr, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
		struct slice name = http_trim(slice_of(list.ptr, len));
		enum encoding encoding = is_fold(name, "aws-chunked") ? ENCODING_NONE : encoding_named(name);

		b->pieces.on |= !m->response && is_fold(name, "aws-chunked");
		if (encoding != ENCODING_NONE)
			b->encoding = b->encoding == ENCODING_NONE ? encoding : ENCODING_UNKNOWN;
		list = slice_of(list.ptr + len + (comma != NULL), list.len - len - (comma != NULL));
	}
}

/* What the header means for the message it stands in, and what it means for requests alone. */
static void heed_request(const struct http_message *m, enum http_name which, struct slice value)
{
	if (which == HTTP_HOST) {
		http_host(m, value);
	} else if (which == HTTP_COOKIE && m->ex->auth == AUTH_NONE) {
		m->ex->auth = AUTH_COOKIE;
	} else if (which == HTTP_AUTHORIZATION) {
		m->ex->auth = begins_fold(value, "basic ") ? AUTH_BASIC : begins_fold(value, "bearer ") ? AUTH_BEARER : AUTH_OTHER;
		m->body->store |= http_is_store(value);
	} else if (which == HTTP_X_AMZ_CONTENT_SHA256) {
		m->body->pieces.on |= begins_fold(value, "STREAMING-");
	}
}

static void heed(const struct http_message *m, enum http_name which, struct slice value)
{
	struct body *b = m->body;

	if (which == HTTP_CONTENT_ENCODING) {
		take_coding(m, value);
	} else if (which == HTTP_CONTENT_RANGE) {
		take_range(b, value);
	} else if (which == HTTP_CONTENT_TYPE) {
		b->type_len = value.len < sizeof(b->type) ? value.len : sizeof(b->type);
		if (b->type_len)
			memcpy(b->type, value.ptr, b->type_len);
		b->flows = content_flows(value);
		if (begins_fold(value, GRPC_TYPE))
			grpc_begin(m, value);
	} else if (which == HTTP_GRPC_ENCODING || which == HTTP_GRPC_STATUS) {
		grpc_header(m, which, value);
	} else if (!m->response) {
		heed_request(m, which, value);
	} else if (which == HTTP_X_AMZ_ID_2 || which == HTTP_X_AMZ_BUCKET_REGION) {
		http_store_route(m->ex);
	}
}

enum http_name http_header(const struct http_message *m, struct slice name, size_t room, struct slice value)
{
	uint8_t lower[HTTP_NAME_MAX] UNINITIALIZED;
	enum http_name which = http_name_read(name, room, lower);
	struct slice key = slice_of(lower, name.len < sizeof(lower) ? name.len : sizeof(lower)), meta = { NULL, 0 };
	const char *of;

	if (which != HTTP_OTHER)
		heed(m, which, value);
	else if (key.len && lower[0] == 'x')
		meta = http_meta(key, &of);
	if (which == HTTP_COOKIE || which == HTTP_SET_COOKIE)
		emit_cookies(m, value);
	else if (meta.len)
		emit_meta(m, of, meta, value);
	else
		emit_here(m, &in_header, key, value);	/* as nearly all are */
	return which;
}

void http_stray(const struct http_message *m, struct slice name, size_t room, struct slice value)
{
	uint8_t lower[HTTP_NAME_MAX] UNINITIALIZED;

	(void)http_name_read(name, room, lower);
	emit_here(m, &in_header, slice_of(lower, name.len < sizeof(lower) ? name.len : sizeof(lower)), value);
}

/* A name that is itself a value (a key that is an e-mail address) is a field as well. */
static void emit_name(const struct http_message *m, struct slice key)
{
	bool odd = false;

	for (size_t i = 0; i < key.len; i++)
		odd |= key.ptr[i] == '@' || (key.ptr[i] >= '0' && key.ptr[i] <= '9');
	if (odd && key.len > 5)
		emit(m, &in_query_name, slice_of(NULL, 0), key);
}

static void emit_query(const struct http_message *m, uint8_t *p, size_t len, bool coded)
{
	for (unsigned n = 0; len && n < SEGMENTS_MAX; n++) {
		uint8_t *amp = memchr(p, '&', len), *eq;
		size_t part = amp ? (size_t)(amp - p) : len, key, value;

		eq = memchr(p, '=', part);
		key = eq ? (size_t)(eq - p) : part;
		value = eq ? part - key - 1 : 0;
		key = coded ? percent_decode(p, key, true) : key;
		if (eq && coded)
			value = percent_decode(eq + 1, value, true);
		emit_name(m, slice_of(p, key));
		if (value)
			emit(m, &in_query, slice_of(p, key), slice_of(eq + 1, value));
		p += part + (amp ? 1 : 0);
		len -= part + (amp ? 1 : 0);
	}
}

static void emit_path(const struct http_message *m, uint8_t *p, size_t len, bool coded)
{
	for (unsigned n = 1; len && n < SEGMENTS_MAX;) {
		uint8_t *slash = memchr(p, '/', len);
		size_t part = slash ? (size_t)(slash - p) : len;
		char path[] = "path.\0\0";
		struct field f = { .location = LOC_PATH, .dir = m->dir, .path = path, .text = 1 };

		if (part) {
			path[5] = (char)('0' + (n < 10 ? n : n / 10));
			path[6] = (char)(n < 10 ? 0 : '0' + n % 10);
			n++;
			f.value = slice_of(p, coded ? percent_decode(p, part, false) : part);
			m->sink->field(m->sink->owner, m->ex, &f);
		}
		p += part + (slash ? 1 : 0);
		len -= part + (slash ? 1 : 0);
	}
}

/* Whose API it is, headers and query tell, and its route is that of one. */
static void take_api(const struct http_message *m, struct slice query)
{
	bool is_signed = http_is_signed(query);

	if (is_signed && m->ex->auth == AUTH_NONE)
		m->ex->auth = AUTH_OTHER;
	if (is_signed || m->body->store)
		http_store_route(m->ex);
	else
		http_search_route(m->ex);
}

void http_target(const struct http_message *m, uint8_t *p, size_t n)
{
	uint8_t *q, *frag, *scheme;
	bool coded;

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
	take_api(m, q ? slice_of(q + 1, n - (size_t)(q - p) - 1) : (struct slice){ 0 });
	coded = memchr(p, '%', n) || (q && memchr(q, '+', n - (size_t)(q - p)));	/* few are */
	emit_path(m, p, q ? (size_t)(q - p) : n, coded);
	if (q)
		emit_query(m, q + 1, n - (size_t)(q - p) - 1, coded);
}

/* Bodies. */

#define FLOW_PIECE 65536	/* of a body that flows, held before it is decoded */
#define FLOW_PACKED 4096	/* of one in a coding */

void body_init(struct body *b)
{
	buf_init(&b->held, PROTOCOL_BODY_HELD);
	buf_init(&b->plain, INFLATE_MAX);
}

static void empty(struct body *b)
{
	buf_free(&b->held);
	buf_free(&b->plain);
	inflater_free(b->inflater);
	b->inflater = NULL;
	b->cut = b->headless = b->unread = false;
}

void body_begin(struct body *b)
{
	empty(b);
	b->judged = b->unread = false;
	b->encoding = ENCODING_NONE;
	b->flows = false;
	b->type_len = 0;
	b->grpc = (struct grpc){ 0 };
	b->pieces = (struct pieces){ 0 };
	b->store = false;
}

void body_free(struct body *b)
{
	buf_free(&b->held);
	buf_free(&b->plain);
	inflater_free(b->inflater);
	b->inflater = NULL;
}

size_t body_hold(struct body *b, struct slice in)
{
	size_t room = PROTOCOL_BODY_HELD - b->held.len, n = in.len < room ? in.len : room;

	if (buf_add(&b->held, in.ptr, n))
		n = 0;
	b->cut |= n < in.len;
	return n;
}

static struct slice body_type(const struct body *b)
{
	return slice_of((const uint8_t *)b->type, b->type_len);
}

static int decode_plain(const struct http_message *m, struct slice type, struct slice plain, bool cut)
{
	struct content_job job = {
		.exchange = m->ex, .sink = m->sink, .dir = m->dir, .cut = cut, .late = m->body->headless,
		.location = m->response ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY,
	};

	return content_decode(&job, type, plain);
}

static int decode(const struct http_message *m, enum encoding encoding, struct slice type)
{
	const struct body *b = m->body;
	struct slice body = slice_of(b->held.ptr, b->held.len);
	struct buf plain;
	bool whole;
	int done;

	if (encoding == ENCODING_UNKNOWN || (encoding != ENCODING_NONE && b->headless))
		return INSPECTED_NONE;
	if (encoding == ENCODING_NONE)
		return decode_plain(m, type, body, b->cut);
	if (!inflate_begins(m->sink))
		return INSPECTED_NONE;
	buf_init(&plain, INFLATE_MAX);
	whole = inflate_body(encoding, body, &plain);
	(void)inflate_pay(m->sink, body.len, plain.len);
	done = body.len && !plain.len && !whole ? INSPECTED_NONE :
	       decode_plain(m, type, slice_of(plain.ptr, plain.len), b->cut || !whole);
	buf_free(&plain);
	return done;
}

static void inspected(const struct http_message *m, int done, bool cut)
{
	if (cut && done == INSPECTED_FULL)
		done = INSPECTED_PARTIAL;
	if (done > m->ex->inspected)
		m->ex->inspected = (uint8_t)done;
}

void body_decode(const struct http_message *m, enum encoding encoding, struct slice type)
{
	if (m->body->held.len || m->body->cut)
		inspected(m, decode(m, encoding, type), m->body->cut || m->body->headless);
	empty(m->body);
}

/* What is held of a coding goes to what is plain; what has no room there goes to nobody. */
static void flow_inflate(const struct http_message *m)
{
	struct body *b = m->body;
	struct slice in = slice_of(b->held.ptr, b->held.len);
	size_t before = b->plain.len;
	enum inflated r = INFLATED_BAD;

	if (!in.len)
		return;
	if (!b->unread && !b->inflater && inflate_begins(m->sink))
		b->inflater = inflater_new(b->encoding);
	if (!b->unread && b->inflater)
		r = inflater_take(b->inflater, &in, &b->plain);
	if (r == INFLATED_FULL) {
		b->cut = true;
		r = inflater_take(b->inflater, &in, NULL);
	}
	(void)inflate_pay(m->sink, b->held.len, b->plain.len - before);
	if (r == INFLATED_BAD) {
		b->unread = true;
		inspected(m, INSPECTED_NONE, false);
	}
	buf_reset(&b->held);
}

static size_t whole_lines(const struct buf *b)
{
	const uint8_t *nl = b->len ? memrchr(b->ptr, '\n', b->len) : NULL;

	return nl ? (size_t)(nl - b->ptr) + 1 : 0;
}

/* Decodes the lines that are whole, or all: nothing follows what is held. */
static void flow(const struct http_message *m, bool all)
{
	struct body *b = m->body;
	struct buf *from = b->encoding == ENCODING_NONE ? &b->held : &b->plain;
	size_t n;

	if (from == &b->plain)
		flow_inflate(m);
	n = all ? from->len : whole_lines(from);
	if (!n && from->len >= FLOW_PIECE && !all) {	/* a line without an end */
		b->cut = all = true;
		n = from->len;
	}
	if (n || (all && b->cut)) {
		inspected(m, decode_plain(m, body_type(b), slice_of(from->ptr, n), all && b->cut), b->cut);
		b->headless = all && b->cut;
		b->cut = false;
	}
	buf_consume(from, n);
	if (!from->len)
		buf_free(from);
}

static void flow_take(const struct http_message *m, struct slice in)
{
	size_t most = m->body->encoding == ENCODING_NONE ? FLOW_PIECE : FLOW_PACKED;

	while (in.len) {
		size_t room = most - m->body->held.len, n = in.len < room ? in.len : room;

		body_hold(m->body, slice_of(in.ptr, n));
		in = slice_of(in.ptr + n, in.len - n);
		if (m->body->held.len == most)
			flow(m, false);
	}
}

static void judge(struct body *b)
{
	struct slice type = slice_of((const uint8_t *)b->type, b->type_len);

	if (b->judged || b->held.len < CONTENT_ENOUGH)
		return;
	b->judged = true;
	b->unread = b->encoding == ENCODING_UNKNOWN ||
		    (b->encoding == ENCODING_NONE && content_unread(type, slice_of(b->held.ptr, b->held.len)));
}

static size_t take_plain(const struct http_message *m, struct slice in)
{
	bool unread = m->body->unread;
	size_t n = in.len;

	if (m->body->grpc.on) {
		grpc_take(m, in);
		return n;
	}
	if (m->body->flows) {
		flow_take(m, in);
	} else {
		n = body_hold(m->body, in);
		judge(m->body);
	}
	return unread ? 0 : n;
}

size_t body_take(const struct http_message *m, struct slice in)
{
	struct pieces *p = &m->body->pieces;
	size_t read = 0;

	if (!p->on)
		return take_plain(m, in);
	while (in.len) {
		size_t before = in.len;
		struct slice bytes = pieces_take(p, &in);

		read += pieces_astray(p) ? 0 : before - in.len - bytes.len;
		if (bytes.len)
			read += take_plain(m, bytes);
	}
	return read;
}

bool body_is_enough(const struct body *b)
{
	return !b->grpc.on && (b->unread || (!b->flows && b->held.len >= PROTOCOL_BODY_HELD));
}

void body_gap(const struct http_message *m, uint64_t missing)
{
	struct body *b = m->body;

	b->cut = true;
	pieces_gap(&b->pieces, missing);
	if (b->grpc.on) {
		grpc_gap(m, missing);
	} else if (b->flows) {
		flow(m, true);
		b->unread |= b->encoding != ENCODING_NONE;
	}
}

void body_interval(const struct http_message *m)
{
	if (m->body->flows && !m->body->grpc.on)
		flow(m, false);
}

void body_end(const struct http_message *m)
{
	struct body *b = m->body;

	b->cut |= b->pieces.on && !pieces_whole(&b->pieces);
	if (b->grpc.on) {
		grpc_end(m);
	} else if (b->flows) {
		flow(m, true);
		empty(b);
	} else {
		body_decode(m, b->encoding, body_type(b));
	}
}
