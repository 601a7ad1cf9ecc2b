/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/grpc.h"

#include <string.h>

#include "base/hash.h"
#include "protocol/http.h"
#include "protocol/protocol.h"

#define FLAG_COMPRESSED 1
#define FLAG_TRAILERS 128
#define USUAL_MAX (16 << 20)	/* bytes of a message where no type was seen; peers refuse more than 4 MiB unless told */

void grpc_begin(const struct http_message *m, struct slice type)
{
	m->body->grpc.on = true;
	m->body->grpc.text = type.len && memmem(type.ptr, type.len, "-web-text", 9);
	word_set(m->ex->protocol, "grpc");
}

static uint32_t length_of(const uint8_t *prefix)
{
	return (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 | (uint32_t)prefix[3] << 8 | prefix[4];
}

bool grpc_looks(struct slice in)
{
	return in.len && in.ptr[0] <= FLAG_COMPRESSED;
}

/* What HTTP calls it (google.rpc.Code). */
static uint16_t status_of(struct slice value)
{
	static const uint16_t http[] = { 200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401 };
	unsigned code = 0;

	for (size_t i = 0; i < value.len && i < 3 && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++)
		code = code * 10 + value.ptr[i] - '0';
	return value.len && code < sizeof(http) / sizeof(http[0]) ? http[code] : 500;
}

void grpc_header(const struct http_message *m, enum http_name which, struct slice value)
{
	if (which == HTTP_GRPC_ENCODING)
		m->body->grpc.encoding = (uint8_t)encoding_named(value);
	else if (m->response && which == HTTP_GRPC_STATUS)
		m->ex->status = status_of(value);
}

/* gRPC-Web has its trailers in the body, as lines of headers. */
static void take_trailers(const struct http_message *m)
{
	struct buf text = m->body->held;
	struct slice left = slice_of(text.ptr, text.len);

	m->body->held = (struct buf){ .max = text.max };
	while (left.len) {
		const uint8_t *nl = memchr(left.ptr, '\n', left.len);
		size_t len = nl ? (size_t)(nl - left.ptr) : left.len;
		const uint8_t *colon = memchr(left.ptr, ':', len);

		if (colon) {
			struct slice name = http_trim(slice_of(left.ptr, (size_t)(colon - left.ptr)));

			http_header(m, name, name.len, http_trim(slice_of(colon + 1, len - (size_t)(colon - left.ptr) - 1)));
		}
		left = slice_of(left.ptr + len + (nl != NULL), left.len - len - (nl != NULL));
	}
	buf_free(&text);
}

static void message_done(const struct http_message *m)
{
	struct body *b = m->body;
	struct grpc *g = &b->grpc;
	struct slice type = b->type_len ? slice_of((const uint8_t *)b->type, b->type_len) : SLICE(GRPC_TYPE);
	enum encoding packed = g->encoding == ENCODING_NONE ? ENCODING_DEFLATE : (enum encoding)g->encoding;	/* of whom it was not heard, gzip */

	if (g->prefix[0] & FLAG_TRAILERS && b->held.len)
		take_trailers(m);
	else
		body_decode(m, g->prefix[0] & FLAG_COMPRESSED ? packed : ENCODING_NONE, type);
	g->nr_prefix = 0;
	g->left = 0;
}

/* What is begun is cut, and what follows has no beginning. */
static void go_astray(const struct http_message *m)
{
	m->body->cut = true;
	message_done(m);
	m->body->grpc.astray = true;
}

static void take(const struct http_message *m, struct slice in)
{
	struct grpc *g = &m->body->grpc;

	if (g->astray && g->at_frame && grpc_looks(in))
		g->astray = false;	/* frames mostly begin with a message */
	g->at_frame &= !in.len;
	while (in.len && !g->astray) {
		size_t room = GRPC_PREFIX - g->nr_prefix, n = in.len < room ? in.len : room;

		memcpy(g->prefix + g->nr_prefix, in.ptr, n);
		g->nr_prefix += (uint8_t)n;
		if (n && g->nr_prefix == GRPC_PREFIX)
			g->left = length_of(g->prefix);
		in = slice_of(in.ptr + n, in.len - n);
		if (g->prefix[0] & ~(FLAG_COMPRESSED | FLAG_TRAILERS) || (!m->body->type_len && g->left > USUAL_MAX)) {
			go_astray(m);
			return;
		}
		if (g->nr_prefix < GRPC_PREFIX)
			return;
		n = in.len < g->left ? in.len : g->left;
		body_hold(m->body, slice_of(in.ptr, n));
		g->left -= (uint32_t)n;
		in = slice_of(in.ptr + n, in.len - n);
		if (!g->left)
			message_done(m);
	}
}

/* Base64, in fours; each message may end with padding of its own. */
static void take_text(const struct http_message *m, struct slice in)
{
	struct grpc *g = &m->body->grpc;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t plain[3];
		int n;

		g->quad[g->nr_quad++] = in.ptr[i];
		if (g->nr_quad < 4)
			continue;
		g->nr_quad = 0;
		n = base64_decode(plain, sizeof(plain), (const char *)g->quad, 4);
		if (n > 0)
			take(m, slice_of(plain, (size_t)n));
		else
			go_astray(m);
	}
}

void grpc_take(const struct http_message *m, struct slice in)
{
	if (m->body->grpc.text)
		take_text(m, in);
	else
		take(m, in);
}

void grpc_gap(const struct http_message *m, uint64_t missing)
{
	struct grpc *g = &m->body->grpc;

	if (g->text || g->nr_prefix < GRPC_PREFIX || missing > g->left) {
		go_astray(m);
		return;
	}
	g->left -= (uint32_t)missing;
	if (!g->left)
		message_done(m);
}

void grpc_end(const struct http_message *m)
{
	struct body *b = m->body;

	b->cut |= b->grpc.nr_prefix || b->grpc.nr_quad || b->grpc.astray;
	message_done(m);
}
