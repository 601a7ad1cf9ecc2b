/* SPDX-License-Identifier: Apache-2.0 */
/* flow.h - what context, policy and store say to each other: who -> where of one
 * exchange, and what a rule is. No payload, no pointers into it. */
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H
#include "model/facts.h"

/* The surroundings of one exchange, by context_flow(). Empty or zero: not known. */
struct flow_facts {
	struct process_key process;
	char workload[NAME_SIZE];
	char exe[EXE_SIZE];
	char unit[NAME_SIZE], container[NAME_SIZE];
	char container_id[13], runtime[WORD_SIZE], pod[NAME_SIZE], pod_namespace[NAME_SIZE];
	char user[WORD_SIZE + 16];
	uint32_t uid;
	uint8_t uid_known;
	uint8_t role, zone, tls, binding;
	char peer[NAME_SIZE];	/* client: host name, else address; server: the local workload, else the zone */
	char peer_address[NAME_SIZE];
	uint16_t port;		/* the server's port */
	char protocol[WORD_SIZE], route[PATH_SIZE], method[WORD_SIZE], host[NAME_SIZE];
	uint16_t status;
	uint8_t auth;
	uint64_t pair;		/* equal on both ends of a local pair: hash of (client workload, server
				 * workload, port, protocol, route); 0: the other end is not watched here */
	uint8_t upgrade;	/* enum upgrade */
	const struct tls_facts *handshake;	/* of the connection, NULL: not seen; lives as long as the context's next call */
	bool selftest;		/* weir's own stimulus: outside all populations */
};

enum severity { SEV_INFO, SEV_LOW, SEV_MEDIUM, SEV_HIGH, SEV_CRITICAL };
const char *severity_name(unsigned);
int severity_parse(const char *);

struct rule_info {
	const char *id, *title;
	enum severity severity;
	const char *const *criteria;	/* NULL-terminated: "CC6.7" */
	uint64_t window_ns;		/* a violation quiet this long is closed */
};
#endif
