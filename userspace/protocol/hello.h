/* SPDX-License-Identifier: Apache-2.0 */
/* hello.h - the server name in a TLS ClientHello (RFC 8446, 4.1.2; RFC 6066, 3). Looks at
 * nothing else in it. */
#ifndef WEIR_HELLO_H
#define WEIR_HELLO_H
#include "model/payload.h"

/* in: the first bytes of a connection, a TLS record with a ClientHello, may be cut. The
 * name points into it; empty: none, or no ClientHello. Never reads outside in. */
struct slice hello_server_name(struct slice in);
#endif
