/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.h - bodies of gRPC and gRPC-Web: messages, each with its length before it, in any version
 * of HTTP. Each is decoded when it is whole; their fields are those of one exchange, the call,
 * whose protocol is "grpc", whose route is its method, whose status is what HTTP would say for its
 * grpc-status. Private to protocol/.
 *
 *   flags 8 (1 compressed, 128 trailers, of gRPC-Web) | length 32 | message */
#ifndef WEIR_GRPC_H
#define WEIR_GRPC_H
#include "model/payload.h"
#include "protocol/http_name.h"

#define GRPC_TYPE "application/grpc"	/* what a Content-Type of it begins with */
#define GRPC_PREFIX 5

struct http_message;

/* Of a body. */
struct grpc {
	bool on;
	bool text;		/* gRPC-Web in base64 */
	bool astray;		/* where the next message begins is not known */
	bool at_frame;		/* of HTTP/2: what comes next begins a frame */
	uint8_t prefix[GRPC_PREFIX], quad[4];
	uint8_t nr_prefix, nr_quad;
	uint8_t encoding;	/* enum encoding of compressed messages */
	uint32_t left;		/* of the message being read */
};

/* The body is gRPC's, as its type says; empty: as its first bytes look. */
void grpc_begin(const struct http_message *, struct slice type);
/* Could a body without a type that begins so be its? One byte tells, so that it is told the same however bytes come. */
bool grpc_looks(struct slice);
/* A header or trailer of its own. */
void grpc_header(const struct http_message *, enum http_name, struct slice value);
void grpc_take(const struct http_message *, struct slice);
void grpc_gap(const struct http_message *, uint64_t missing);
void grpc_end(const struct http_message *);
#endif
