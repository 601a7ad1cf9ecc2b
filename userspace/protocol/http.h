/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - what every version of HTTP says alike (RFC 9110): names and values of a head, the
 * target, the body. The versions differ in framing, which is theirs. Private to protocol/. */
#ifndef WEIR_HTTP_H
#define WEIR_HTTP_H
#include "base/buf.h"
#include "model/payload.h"
#include "protocol/content/media.h"
#include "protocol/grpc.h"
#include "protocol/http_api.h"
#include "protocol/http_name.h"
#include "protocol/inflate.h"

#define HTTP_HEADERS_MAX 256	/* headers of a head that become fields */

/* A body, held until it is whole (or PROTOCOL_BODY_HELD is full); of gRPC, a message of it. */
struct body {
	struct buf held;
	bool cut, headless;		/* what is held has no end, no beginning */
	bool judged, unread;		/* by its beginning, or its coding is lost: nobody looks at such */
	enum encoding encoding;
	/* Of a type whose parts are whole by themselves (events, lines of JSON), which are decoded as they come: */
	bool flows;
	struct inflater *inflater;
	struct buf plain;		/* of a coding, what is not decoded yet */
	char type[96];			/* Content-Type, for the decoder */
	size_t type_len;
	struct grpc grpc;
	struct pieces pieces;
	bool store;			/* a header said that it goes to an object store */
};

/* The message being read, as its parts need to know it. */
struct http_message {
	struct exchange *ex;
	const struct field_sink *sink;
	struct body *body;
	enum dir dir;
	bool response;
};

/* Who sends requests, and what this one is for. */
void http_request(const struct http_message *, struct slice method, struct slice target);
/* A Host header or an authority: the first that is told stays. */
void http_host(const struct http_message *, struct slice);
/* One header: a field, or several (cookies); the body learns from it how it is to be read. room: bytes that may be read
 * where its name is, at least those of it. Returns which one it is. */
enum http_name http_header(const struct http_message *, struct slice name, size_t room, struct slice value);
/* One that nobody heeds: a field, and no more. */
void http_stray(const struct http_message *, struct slice name, size_t room, struct slice value);
/* The fields of a target: segments of the path, parameters of the query. Decoded in place. */
void http_target(const struct http_message *, uint8_t *target, size_t len);

void body_init(struct body *);
/* A head begins: nothing is known of its body. */
void body_begin(struct body *);
/* How many of the bytes are of use: the others nobody looks at. */
size_t body_take(const struct http_message *, struct slice);
/* So many bytes of it are missing here; UINT64_MAX: not known how many. */
void body_gap(const struct http_message *, uint64_t missing);
/* An interval ends: decodes what is whole of a body that flows. */
void body_interval(const struct http_message *);
/* No more of it comes: decodes what is held, notes how much of it could be looked at, empties it. */
void body_end(const struct http_message *);
/* Whatever comes of it now, nobody looks at it: it is of such a kind, or no more can be held. */
bool body_is_enough(const struct body *);
/* For grpc.c: holds bytes, and decodes those that are held. */
size_t body_hold(struct body *, struct slice);	/* how many of them */
void body_decode(const struct http_message *, enum encoding, struct slice type);
void body_free(struct body *);

/* White space around, as headers have it. */
static inline struct slice http_trim(struct slice s)
{
	while (s.len && s.ptr[0] <= ' ' && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = slice_of(s.ptr + 1, s.len - 1);
	while (s.len && s.ptr[s.len - 1] <= ' ' && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}
/* Decodes %XX (and '+' when form) in place; returns the new length. */
size_t percent_decode(uint8_t *text, size_t len, bool form);
#endif
