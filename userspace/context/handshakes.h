/* SPDX-License-Identifier: Apache-2.0 */
/* handshakes.h - what the TLS handshake of a connection told, by the connection's id. A table
 * apart from the connections: those are the monitor's word, these an analyst's. */
#ifndef WEIR_HANDSHAKES_H
#define WEIR_HANDSHAKES_H
#include "model/facts.h"

#define HANDSHAKES_MAX 16384	/* the one that was not asked for longest makes room */

struct handshakes;
struct handshakes *handshakes_new(void);
void handshakes_free(struct handshakes *);
void handshakes_put(struct handshakes *, uint64_t conn, const struct tls_facts *);
const struct tls_facts *handshakes_find(struct handshakes *, uint64_t conn);	/* until the next put */
#endif
