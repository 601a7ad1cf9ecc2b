/* SPDX-License-Identifier: Apache-2.0 */
/* http2_tunnel.h - a WebSocket in a stream of HTTP/2 (RFC 8441): its bytes are the payloads of DATA frames, which cut
 * it anywhere. Private to protocol/. */
#ifndef WEIR_HTTP2_TUNNEL_H
#define WEIR_HTTP2_TUNNEL_H
#include "protocol/protocol.h"

struct tunnel;
/* What the request that opened it was, and what the answer agreed on; ex NULL: nobody saw it. NULL: no memory. */
struct tunnel *tunnel_new(const struct field_sink *, struct session *, const struct exchange *, enum dir asks, struct slice extensions);
/* The next bytes of a direction, which it counts. */
void tunnel_take(struct tunnel *, enum dir, struct slice, struct stamp);
/* Bytes are missing; UINT64_MAX: not known how many. */
void tunnel_gap(struct tunnel *, enum dir, uint64_t missing, struct stamp);
void tunnel_end(struct tunnel *, struct stamp);	/* tells what is not whole; NULL is fine */
void tunnel_free(struct tunnel *);
#endif
