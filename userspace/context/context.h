/* SPDX-License-Identifier: Apache-2.0 */
/* context.h - who a process is and where a peer is. Pure functions over facts
 * and one bounded table; reads no file, sees no payload. Runs in the keeper. */
#ifndef WEIR_CONTEXT_H
#define WEIR_CONTEXT_H
#include "model/flow.h"

/* Pod or container, else a system ".service", else the executable's base name
 * (interpreters add their script: "python3:app.py"); never a login scope. */
void workload_name(char out[NAME_SIZE], const struct process_facts *);

struct context;
struct context *context_new(size_t max_processes, size_t max_conns);
void context_free(struct context *);

/* What the monitor said. -ENOSPC when full: counted, the process stays unknown. */
int context_process(struct context *, const struct process_facts *);
int context_conn(struct context *, const struct conn_seen *);
/* What an analyst said of a connection's TLS. */
void context_handshake(struct context *, const struct handshake *);
/* What an analyst said of a name that a process asked for. */
void context_named(struct context *, const struct named *);
/* The host's own addresses, for ZONE_HOST. Copies. */
void context_host_address(struct context *, uint16_t family, const uint8_t addr[16]);
const struct process_facts *context_find(const struct context *, struct process_key);
/* The watched process at the other end of a connection on this host, or NULL. */
const struct process_facts *context_other_end(const struct context *, const struct conn_facts *);
/* Is the other end's address one that a connection of this host has had, in any network
 * namespace? Then facts about that end may still come. */
bool context_remote_is_here(const struct context *, const struct conn_facts *);
uint64_t context_refused(const struct context *);	/* facts there was no room for, so far */
void context_forget(struct context *, uint64_t before_boot_ns);	/* exited and old */
/* Calls each live entry; for coverage. */
void context_each(const struct context *, void (*)(void *owner, const struct process_facts *), void *owner);

enum zone context_zone(const struct context *, const struct conn_facts *);
/* "10.0.0.7" or "::1", NUL-terminated, at most NAME_SIZE. */
void endpoint_name(char out[NAME_SIZE], uint16_t family, const struct endpoint *);

/* Role unknown stays unknown; protocol, route, host, method may be empty. */
void context_flow(const struct context *, const struct conn_facts *, const char *protocol, const char *method,
		  const char *route, const char *host, uint16_t status, uint8_t auth, struct flow_facts *out);
#endif
