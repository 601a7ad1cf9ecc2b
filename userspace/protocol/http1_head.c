/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http1_head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define METHOD_MAX 24
#define SEGMENTS_MAX 64		/* path segments and query parameters that become fields */
#define HEADERS_MAX 256

size_t head_length(struct slice in, size_t *scanned)
{
	size_t at = *scanned > 3 ? *scanned - 3 : 0;
	const uint8_t *nl;

	while (at < in.len && (nl = memchr(in.ptr + at, '\n', in.len - at))) {
		size_t next = (size_t)(nl - in.ptr) + 1;

		if (next < in.len && in.ptr[next] == '\n')
			return next + 1;
		if (next + 1 < in.len && in.ptr[next] == '\r' && in.ptr[next + 1] == '\n')
			return next + 2;
		at = next;
	}
	*scanned = in.len;
	return 0;
}


/* "GET /path HTTP/1.1": every method is a token; only in upper case, as all are in use,
 * so that text is not taken for a request. */
static int request_begins(struct slice in)
{
	size_t n = 0, end;
	const uint8_t *nl;

	while (n < in.len && n < METHOD_MAX && ((in.ptr[n] >= 'A' && in.ptr[n] <= 'Z') || in.ptr[n] == '-' || in.ptr[n] == '_'))
		n++;
	if (n == in.len)
		return n < METHOD_MAX ? -1 : 0;
	if (!n || in.ptr[n] != ' ')
		return 0;
	nl = memchr(in.ptr, '\n', in.len);
	if (!nl)
		return in.len < 8192 ? -1 : 0;
	end = (size_t)(nl - in.ptr);
	if (end && in.ptr[end - 1] == '\r')
		end--;
	return end > n + 10 && !memcmp(in.ptr + end - 9, " HTTP/1.", 8);
}

int head_begins(struct slice in, bool *response)
{
	static const char version[] = "HTTP/1.";
	size_t n = in.len < 7 ? in.len : 7;

	*response = n && !memcmp(in.ptr, version, n);
	if (!*response)
		return request_begins(in);
	if (in.len < 12)
		return -1;
	for (int i = 9; i < 12; i++)
		if (in.ptr[i] < '0' || in.ptr[i] > '9')
			return 0;
	return in.ptr[8] == ' ';
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice s)
{
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = slice_of(s.ptr + 1, s.len - 1);
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static bool slice_is(struct slice s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp((const char *)s.ptr, word, s.len);
}

static bool slice_begins(struct slice s, const char *word)
{
	return s.len >= strlen(word) && !strncasecmp((const char *)s.ptr, word, strlen(word));
}

/* Calls each header line of the head; folded lines were joined before. */
static void each_header(const uint8_t *head, size_t len, void (*each)(void *, struct slice name, struct slice value), void *owner)
{
	const uint8_t *p = memchr(head, '\n', len), *end = head + len;
	unsigned n = 0;

	for (p = p ? p + 1 : end; p < end && n < HEADERS_MAX; n++) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p)), *colon;
		size_t line = (size_t)((nl ? nl : end) - p);

		colon = memchr(p, ':', line);
		if (colon)
			each(owner, trim(slice_of(p, (size_t)(colon - p))), trim(slice_of(colon + 1, line - (size_t)(colon - p) - 1)));
		p += line + (nl ? 1 : 0);
	}
}

/* RFC 9112, 5.2: a line that begins with white space continues the one before. */
static void unfold(uint8_t *p, size_t len)
{
	for (size_t i = 1; i + 1 < len; i++) {
		if (p[i] != '\n' || (p[i + 1] != ' ' && p[i + 1] != '\t'))
			continue;
		p[i] = ' ';
		if (p[i - 1] == '\r')
			p[i - 1] = ' ';
	}
}

/* Digits only; "5, 5" is one length, "5, 6" is an attack (RFC 9112, 6.3). */
static void take_length(struct head *h, struct slice value)
{
	uint64_t n = 0;
	size_t digits = 0;

	for (size_t i = 0; i <= value.len; i++) {
		uint8_t c = i < value.len ? value.ptr[i] : ',';

		if (c >= '0' && c <= '9' && digits < 18) {
			n = n * 10 + (c - '0');
			digits++;
		} else if (c == ',' && digits) {
			if (h->framing == FRAMING_LENGTH && h->length != n)
				h->framing = FRAMING_BAD;
			if (h->framing == FRAMING_NONE)
				h->framing = FRAMING_LENGTH;
			h->length = n;
			n = digits = 0;
		} else if (c != ' ' && c != '\t') {
			h->framing = FRAMING_BAD;
			return;
		}
	}
}

static void take_encoding(struct head *h, struct slice value)
{
	if (slice_is(value, "gzip") || slice_is(value, "x-gzip") || slice_is(value, "deflate"))
		h->encoding = ENCODING_DEFLATE;
	else if (value.len && !slice_is(value, "identity"))
		h->encoding = ENCODING_UNKNOWN;
}

/* Transfer-Encoding wins over Content-Length, whatever came first. */
static void take_transfer(struct head *h, struct slice value)
{
	if (value.len >= 7 && slice_is(slice_of(value.ptr + value.len - 7, 7), "chunked"))
		h->framing = h->framing == FRAMING_BAD ? FRAMING_BAD : FRAMING_CHUNKED;
	else
		h->framing = h->response ? FRAMING_CLOSE : FRAMING_BAD;
}

static void take_header(void *owner, struct slice name, struct slice value)
{
	struct head *h = owner;

	if (slice_is(name, "content-length") && h->framing != FRAMING_CHUNKED && h->framing != FRAMING_CLOSE)
		take_length(h, value);
	else if (slice_is(name, "transfer-encoding"))
		take_transfer(h, value);
	else if (slice_is(name, "content-encoding"))
		take_encoding(h, value);
	else if (slice_is(name, "content-type"))
		h->type = value;
	else if (slice_is(name, "host") && !h->host.len)
		h->host = value;
	else if (slice_is(name, "cookie") && h->auth == AUTH_NONE)
		h->auth = AUTH_COOKIE;
	else if (slice_is(name, "authorization"))
		h->auth = slice_begins(value, "basic ") ? AUTH_BASIC : slice_begins(value, "bearer ") ? AUTH_BEARER : AUTH_OTHER;
}

bool head_parse(uint8_t *copy, size_t len, struct head *h)
{
	struct slice line, in = slice_of(copy, len);
	const uint8_t *nl, *sp;

	*h = (struct head){ 0 };
	if (head_begins(in, &h->response) != 1)
		return false;
	unfold(copy, len);
	nl = memchr(copy, '\n', len);
	line = trim(slice_of(copy, (size_t)(nl - copy)));
	if (h->response) {
		h->status = (uint16_t)((line.ptr[9] - '0') * 100 + (line.ptr[10] - '0') * 10 + line.ptr[11] - '0');
	} else {
		sp = memchr(line.ptr, ' ', line.len);
		h->method = slice_of(line.ptr, (size_t)(sp - line.ptr));
		h->target = trim(slice_of(sp + 1, line.len - h->method.len - 1 - 9));
	}
	each_header(copy, len, take_header, h);
	return true;
}

/* Fields. */

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

struct emitter { enum dir dir; bool response; struct exchange *ex; const struct field_sink *sink; };

static void emit(const struct emitter *e, enum location loc, const char *prefix, struct slice key, struct slice value, bool text)
{
	size_t n = strlen(prefix);
	char path[PATH_SIZE];
	struct field f = { .location = loc, .dir = e->dir, .path = path, .key = key, .value = value, .text = text };

	memcpy(path, prefix, n);
	memcpy(path + n, ".", 2);
	if (key.len)
		e->sink->clean(e->sink->owner, path + n + 1, key);
	e->sink->field(e->sink->owner, e->ex, &f);
}

/* A name that is itself a value (a key that is an e-mail address) is a field as well. */
static void emit_name(const struct emitter *e, enum location loc, const char *prefix, struct slice key)
{
	bool odd = false;

	for (size_t i = 0; i < key.len; i++)
		odd |= key.ptr[i] == '@' || (key.ptr[i] >= '0' && key.ptr[i] <= '9');
	if (odd && key.len > 5)
		emit(e, loc, prefix, slice_of(NULL, 0), key, true);
}

static void emit_cookies(const struct emitter *e, struct slice value)
{
	enum location loc = e->response ? LOC_RESPONSE_HEADER : LOC_REQUEST_HEADER;

	for (unsigned n = 0; value.len && n < SEGMENTS_MAX; n++) {
		const uint8_t *semi = memchr(value.ptr, ';', value.len), *eq;
		size_t len = semi ? (size_t)(semi - value.ptr) : value.len;
		struct slice part = trim(slice_of(value.ptr, len));

		eq = memchr(part.ptr, '=', part.len);
		if (eq)
			emit(e, loc, "cookie", slice_of(part.ptr, (size_t)(eq - part.ptr)),
			     slice_of(eq + 1, part.len - (size_t)(eq - part.ptr) - 1), false);
		if (e->response)
			return;	/* Set-Cookie: the rest are attributes */
		value = slice_of(value.ptr + len + (semi ? 1 : 0), value.len - len - (semi ? 1 : 0));
	}
}

static void emit_header(void *owner, struct slice name, struct slice value)
{
	const struct emitter *e = owner;
	uint8_t lower[64];
	size_t n = name.len < sizeof(lower) ? name.len : sizeof(lower);

	if (slice_is(name, "cookie") || slice_is(name, "set-cookie")) {
		emit_cookies(e, value);
		return;
	}
	for (size_t i = 0; i < n; i++)
		lower[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] + 32 : name.ptr[i];
	emit(e, e->response ? LOC_RESPONSE_HEADER : LOC_REQUEST_HEADER, "header", slice_of(lower, n), value, true);
}

static void emit_query(const struct emitter *e, uint8_t *p, size_t len)
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
		emit_name(e, LOC_QUERY, "query", slice_of(p, key));
		if (value)
			emit(e, LOC_QUERY, "query", slice_of(p, key), slice_of(eq + 1, value), false);
		p += part + (amp ? 1 : 0);
		len -= part + (amp ? 1 : 0);
	}
}

static void emit_path(const struct emitter *e, uint8_t *p, size_t len)
{
	for (unsigned n = 1; len && n < SEGMENTS_MAX;) {
		uint8_t *slash = memchr(p, '/', len);
		size_t part = slash ? (size_t)(slash - p) : len;
		char path[16];
		struct field f = { .location = LOC_PATH, .dir = e->dir, .path = path, .text = 1 };

		if (part) {
			snprintf(path, sizeof(path), "path.%u", n++);
			f.value = slice_of(p, percent_decode(p, part, false));
			e->sink->field(e->sink->owner, e->ex, &f);
		}
		p += part + (slash ? 1 : 0);
		len -= part + (slash ? 1 : 0);
	}
}

void head_fields(const struct head *h, uint8_t *copy, size_t len, enum dir dir, struct exchange *ex, const struct field_sink *sink)
{
	struct emitter e = { dir, h->response, ex, sink };

	/* Headers first: the target is decoded in place below, the lines stay. */
	each_header(copy, len, emit_header, &e);
	if (!h->response && h->target.len) {
		uint8_t *p = copy + (h->target.ptr - copy), *q, *frag, *scheme;
		size_t n = h->target.len;

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
		emit_path(&e, p, q ? (size_t)(q - p) : n);
		if (q)
			emit_query(&e, q + 1, n - (size_t)(q - p) - 1);
	}
}
