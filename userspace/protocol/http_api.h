/* SPDX-License-Identifier: Apache-2.0 */
/* http_api.h - what object stores (S3 and those that speak as it does) and search engines (Elasticsearch,
 * OpenSearch) put on top of HTTP: whose the parts of a path are, and bodies in signed pieces. Private to protocol/.
 *
 *   size in hex [;chunk-signature=64 hex digits] \r\n bytes \r\n ... 0[;chunk-signature=...] \r\n trailers \r\n */
#ifndef WEIR_HTTP_API_H
#define WEIR_HTTP_API_H
#include "model/payload.h"

struct exchange;
struct http_message;

enum pieces_phase { PIECES_SIZE, PIECES_BYTES, PIECES_END, PIECES_TRAILERS, PIECES_LOST };

/* Of a body, aws-chunked: the bytes of its pieces are the body, their sizes and signatures are not. */
struct pieces {
	bool on;
	uint8_t phase;		/* enum pieces_phase */
	uint8_t digits;		/* of the size being read */
	uint16_t line;		/* bytes of its line */
	uint64_t left;		/* bytes of the piece to come; of trailers, that were there */
};
/* Takes from the front of *in up to bytes of the body, which it returns; empty: there are none in it. */
struct slice pieces_take(struct pieces *, struct slice *in);
/* So many bytes are missing. */
void pieces_gap(struct pieces *, uint64_t missing);
/* What comes is no piece and no trailer: nobody looks at it. */
bool pieces_astray(const struct pieces *);
bool pieces_whole(const struct pieces *);

/* Does the Authorization of a request say that it is for an object store? */
bool http_is_store(struct slice authorization);
/* Does the query, which is not decoded yet: a link that is signed? */
bool http_is_signed(struct slice query);
/* The route of a request to one: its bucket where the path has it, and "{key}". Told twice it stays. */
void http_store_route(struct exchange *);
/* What identifies a document in a path of a search engine becomes "{id}", and so do dates and numbers at the
 * end of an index's name. */
void http_search_route(struct exchange *);
/* What stands behind "x-amz-meta-" and its like in a header's name, in lower case; empty: it is none. */
struct slice http_meta(struct slice name, const char **prefix);
#endif
