/* SPDX-License-Identifier: Apache-2.0 */
/* peer_names.h - by which name an address was asked for: by this process, else by any on this
 * host, since resolvers ask for others. The word of an analyst. */
#ifndef WEIR_PEER_NAMES_H
#define WEIR_PEER_NAMES_H
#include "model/facts.h"

#define PEER_NAMES_MAX	16384	/* the one that was not asked for longest makes room */
#define PEER_NAME_LEAST	600	/* seconds an answer counts, whatever its TTL says: connections outlive it */
#define PEER_NAME_MOST	86400

struct peer_names;
struct peer_names *peer_names_new(void);
void peer_names_free(struct peer_names *);
void peer_names_put(struct peer_names *, const struct named *);
/* Of the other end; NULL: none, or it was too long ago. Using a name keeps it. */
const char *peer_names_find(struct peer_names *, const struct conn_facts *);
#endif
