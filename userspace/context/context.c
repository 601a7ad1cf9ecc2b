/* SPDX-License-Identifier: Apache-2.0 */
/* context.c - the tables of processes and connections, and what they say of a flow. */
#include "context/context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/budget.h"
#include "base/hash.h"
#include "context/handshakes.h"
#include "context/peer_names.h"

#define HOST_ADDRESSES 64
#define LOCALS 1024	/* addresses that connections of this host have had, by hash */
#define TOGETHER_NS 5000000000ull	/* both ends of a connection are used for the first time within that */
#define RESTED_NS 60000000000ull	/* a connection not asked for during so long makes room */

struct process { struct process_facts facts; uint64_t seen; struct process *next; };
/* next_client: of those with the same end on the client's side, by hash. */
struct connection { struct conn_facts conn; uint64_t began, seen; struct connection *next, *next_client; };

struct context {
	struct process **processes;
	struct connection **connections, **clients;
	size_t nr_processes, max_processes, nr_connections, max_connections;
	uint64_t now, swept, refused;	/* now: newest time that was told */
	struct siphash_key key;
	struct { uint8_t addr[16]; } host[HOST_ADDRESSES];
	unsigned nr_host;
	uint64_t locals[LOCALS];
	struct handshakes *handshakes;
	struct peer_names *names;
};

struct context *context_new(size_t max_processes, size_t max_conns)
{
	struct context *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->max_processes = max_processes;
	c->max_connections = max_conns;
	c->processes = calloc(max_processes, sizeof(*c->processes));
	c->connections = calloc(max_conns, sizeof(*c->connections));
	c->clients = calloc(max_conns, sizeof(*c->clients));
	c->handshakes = handshakes_new();
	c->names = peer_names_new();
	if (c->processes && c->connections && c->clients && c->handshakes && c->names && !random_bytes(&c->key, sizeof(c->key)))
		return c;
	context_free(c);
	return NULL;
}

void context_free(struct context *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->processes && i < c->max_processes; i++)
		while (c->processes[i]) {
			struct process *p = c->processes[i];

			c->processes[i] = p->next;
			budget_free(p, sizeof(*p));
		}
	for (size_t i = 0; c->connections && i < c->max_connections; i++)
		while (c->connections[i]) {
			struct connection *p = c->connections[i];

			c->connections[i] = p->next;
			budget_free(p, sizeof(*p));
		}
	handshakes_free(c->handshakes);
	peer_names_free(c->names);
	free(c->processes);
	free(c->connections);
	free(c->clients);
	free(c);
}

/* Processes. */

static struct process **process_slot(const struct context *c, struct process_key key)
{
	struct { uint64_t tgid, start; } k = { key.tgid, key.start };

	return &c->processes[siphash(&c->key, &k, sizeof(k)) % c->max_processes];
}

static struct process *process_find(const struct context *c, struct process_key key)
{
	struct process *p = *process_slot(c, key);

	while (p && (p->facts.key.tgid != key.tgid || p->facts.key.start != key.start))
		p = p->next;
	return p;
}

int context_process(struct context *c, const struct process_facts *f)
{
	struct process *p = process_find(c, f->key), **slot;

	if (p) {
		p->facts = *f;
		return 0;
	}
	p = c->nr_processes < c->max_processes ? budget_alloc(sizeof(*p)) : NULL;
	if (!p) {
		c->refused++;
		return -ENOSPC;
	}
	slot = process_slot(c, f->key);
	*p = (struct process){ .facts = *f, .next = *slot };
	*slot = p;
	c->nr_processes++;
	return 0;
}

const struct process_facts *context_find(const struct context *c, struct process_key key)
{
	const struct process *p = process_find(c, key);

	return p ? &p->facts : NULL;
}

void context_each(const struct context *c, void (*each)(void *, const struct process_facts *), void *owner)
{
	for (size_t i = 0; i < c->max_processes; i++)
		for (struct process *p = c->processes[i]; p; p = p->next)
			each(owner, &p->facts);
}

/* An IPv4 address, also one that is mapped into IPv6 (RFC 4291, 2.5.5.2). */
static bool as_ipv4(uint16_t family, const uint8_t a[16], uint8_t out[4])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET)
		memcpy(out, a, 4);
	else if (family == AF_INET6 && !memcmp(a, mapped, sizeof(mapped)))
		memcpy(out, a + 12, 4);
	else
		return false;
	return true;
}

/* The same address is the same bytes, whichever kind of socket it was seen at. */
static void address_of(uint8_t out[16], uint16_t family, const uint8_t addr[16])
{
	memset(out, 0, 16);
	if (!as_ipv4(family, addr, out))
		memcpy(out, addr, 16);
}

/* Connections: found by their addresses, as the other end sees them. */

struct tuple { uint8_t local[16], remote[16]; uint16_t local_port, remote_port; };

static struct tuple tuple_of(const struct conn_facts *c, bool swapped)
{
	struct tuple t = { .local_port = 0 };
	const struct endpoint *a = swapped ? &c->remote : &c->local, *b = swapped ? &c->local : &c->remote;

	address_of(t.local, c->family, a->addr);
	address_of(t.remote, c->family, b->addr);
	t.local_port = a->port;
	t.remote_port = b->port;
	return t;
}

static struct connection **connection_slot(const struct context *c, const struct tuple *t)
{
	return &c->connections[siphash(&c->key, t, sizeof(*t)) % c->max_connections];
}

/* The next one from p on with these ends, in whatever network namespace. */
static struct connection *connection_next(struct connection *p, const struct tuple *t)
{
	for (; p; p = p->next) {
		struct tuple have = tuple_of(&p->conn, false);

		if (!memcmp(&have, t, sizeof(have)))
			break;
	}
	return p;
}

static struct connection *connection_find(const struct context *c, const struct tuple *t, uint32_t netns)
{
	struct connection *p = connection_next(*connection_slot(c, t), t);

	while (p && p->conn.netns != netns)
		p = connection_next(p->next, t);
	return p;
}

/* The end on the client's side is the same for both, whatever stands between them and gives the
 * server another address or port (DNAT, a redirection, a service's address in a cluster). */

struct client { uint8_t address[16]; uint16_t port, pad; };

/* False: it is not known which side is the client's. */
static bool client_of(struct client *k, const struct conn_facts *c)
{
	const struct endpoint *e = c->role == ROLE_CLIENT ? &c->local : &c->remote;

	*k = (struct client){ .port = e->port };
	address_of(k->address, c->family, e->addr);
	return (c->role == ROLE_CLIENT || c->role == ROLE_SERVER) && e->port;
}

static struct connection **client_slot(const struct context *c, const struct client *k)
{
	return &c->clients[siphash(&c->key, k, sizeof(*k)) % c->max_connections];
}

static void client_link(struct context *c, struct connection *p)
{
	struct connection **slot;
	struct client k;

	if (!client_of(&k, &p->conn))
		return;
	slot = client_slot(c, &k);
	p->next_client = *slot;
	*slot = p;
}

static void client_unlink(struct context *c, struct connection *p)
{
	struct connection **at;
	struct client k;

	if (!client_of(&k, &p->conn))
		return;
	for (at = client_slot(c, &k); *at && *at != p; at = &(*at)->next_client)
		;
	if (*at)
		*at = p->next_client;
	p->next_client = NULL;
}

static uint64_t *local_slot(const struct context *c, const uint8_t address[16], uint64_t *hash)
{
	*hash = siphash(&c->key, address, 16) | 1;	/* 0: an empty place */
	return (uint64_t *)&c->locals[*hash % LOCALS];
}

static void local_add(struct context *c, const struct conn_facts *conn)
{
	uint8_t address[16];
	uint64_t hash, *slot;

	address_of(address, conn->family, conn->local.addr);
	slot = local_slot(c, address, &hash);
	*slot = hash;
}

bool context_remote_is_here(const struct context *c, const struct conn_facts *conn)
{
	uint8_t address[16];
	uint64_t hash;

	address_of(address, conn->family, conn->remote.addr);
	return *local_slot(c, address, &hash) == hash;
}

static void connections_forget(struct context *c, uint64_t before)
{
	for (size_t i = 0; i < c->max_connections; i++) {
		struct connection **at = &c->connections[i];

		while (*at) {
			struct connection *p = *at;

			if (p->seen >= before) {
				at = &p->next;
				continue;
			}
			*at = p->next;
			client_unlink(c, p);
			budget_free(p, sizeof(*p));
			c->nr_connections--;
		}
	}
}

/* NULL: full. Then what rests makes room, looked for once a second at most. */
static struct connection *connection_new(struct context *c)
{
	struct connection *p = c->nr_connections < c->max_connections ? budget_alloc(sizeof(*p)) : NULL;

	if (p || c->now - c->swept < 1000000000ull || c->now < RESTED_NS)
		return p;
	c->swept = c->now;
	connections_forget(c, c->now - RESTED_NS);
	return c->nr_connections < c->max_connections ? budget_alloc(sizeof(*p)) : NULL;
}

int context_conn(struct context *c, const struct conn_seen *s)
{
	struct tuple t = tuple_of(&s->conn, false);
	struct connection *p = connection_find(c, &t, s->conn.netns), **slot;

	local_add(c, &s->conn);
	if (s->time > c->now)
		c->now = s->time;
	if (p) {
		client_unlink(c, p);
		p->conn = s->conn;	/* the ports were used again */
		p->began = p->seen = s->time;
		client_link(c, p);
		return 0;
	}
	p = connection_new(c);
	if (!p) {
		c->refused++;
		return -ENOSPC;
	}
	slot = connection_slot(c, &t);
	*p = (struct connection){ .conn = s->conn, .began = s->time, .seen = s->time, .next = *slot };
	*slot = p;
	client_link(c, p);
	c->nr_connections++;
	return 0;
}

/* Is a the end that b talks to, if their addresses say so? */
static bool are_ends(const struct conn_facts *a, const struct conn_facts *b)
{
	return a->id != b->id && (!a->role || a->role != b->role);
}

/* In the same network namespace, else the only one in any other: two networks that are apart
 * may have the same addresses, and a loopback address never leaves its namespace. */
static struct connection *plain_end(const struct context *c, const struct conn_facts *conn)
{
	struct tuple t = tuple_of(conn, true);
	struct connection *p = connection_find(c, &t, conn->netns), *found = NULL;

	if (p)
		return are_ends(&p->conn, conn) ? p : NULL;
	if (context_zone(c, conn) == ZONE_LOOPBACK)
		return NULL;
	for (p = connection_next(*connection_slot(c, &t), &t); p; p = connection_next(p->next, &t)) {
		if (!are_ends(&p->conn, conn))
			continue;
		if (found)
			return NULL;
		found = p;
	}
	return found;
}

static bool is_loopback(const uint8_t address[16])
{
	static const uint8_t v6[16] = { [15] = 1 }, zeros[12];

	return !memcmp(address, v6, 16) || (address[0] == 127 && !memcmp(address + 4, zeros, 12));
}

/* By the client's side alone, where no end has the addresses that it should: the only one, of the
 * other role, that began together with it and is without an end as well. */
static struct connection *translated_end(const struct context *c, const struct conn_facts *conn)
{
	struct tuple own = tuple_of(conn, false);
	struct connection *p = connection_find(c, &own, conn->netns), *found = NULL;
	uint64_t began = p ? p->began : 0;
	struct client k, theirs;

	if (!p || !client_of(&k, conn))
		return NULL;
	for (p = *client_slot(c, &k); p; p = p->next_client) {
		if (!client_of(&theirs, &p->conn) || memcmp(&k, &theirs, sizeof(k)) || p->conn.role == conn->role || p->conn.id == conn->id ||
		    p->conn.transport != conn->transport || (is_loopback(k.address) && p->conn.netns != conn->netns) ||
		    (p->began > began ? p->began - began : began - p->began) > TOGETHER_NS || plain_end(c, &p->conn))
			continue;
		if (found)
			return NULL;
		found = p;
	}
	return found;
}

static struct connection *other_end(const struct context *c, const struct conn_facts *conn)
{
	struct connection *p;

	if (!conn->family || !conn->local.port)
		return NULL;
	p = plain_end(c, conn);
	if (!p)
		p = translated_end(c, conn);
	if (p)
		p->seen = c->now;	/* in use: not one that is forgotten */
	return p;
}

const struct process_facts *context_other_end(const struct context *c, const struct conn_facts *conn)
{
	const struct connection *p = other_end(c, conn);

	return p ? context_find(c, p->conn.process) : NULL;
}

void context_handshake(struct context *c, const struct handshake *h)
{
	handshakes_put(c->handshakes, h->conn.id, &h->tls);
}

void context_forget(struct context *c, uint64_t before)
{
	connections_forget(c, before);
	for (size_t i = 0; i < c->max_processes; i++) {
		struct process **at = &c->processes[i];

		while (*at) {
			struct process *p = *at;

			if (!p->facts.exited || p->facts.key.start >= before) {
				at = &p->next;
				continue;
			}
			*at = p->next;
			budget_free(p, sizeof(*p));
			c->nr_processes--;
		}
	}
}

uint64_t context_refused(const struct context *c)
{
	return c->refused;
}

/* Where. */

void context_host_address(struct context *c, uint16_t family, const uint8_t addr[16])
{
	if (c->nr_host == HOST_ADDRESSES)
		return;
	address_of(c->host[c->nr_host++].addr, family, addr);
}

void context_named(struct context *c, const struct named *n)
{
	peer_names_put(c->names, n);
}

static enum zone zone_of_v4(const uint8_t a[4])
{
	if (a[0] == 127)
		return ZONE_LOOPBACK;
	if (a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168))
		return ZONE_PRIVATE;	/* RFC 1918 */
	if ((a[0] == 100 && (a[1] & 0xc0) == 64) || (a[0] == 169 && a[1] == 254))
		return ZONE_PRIVATE;	/* RFC 6598, RFC 3927 */
	return ZONE_INTERNET;
}

static enum zone zone_of_v6(const uint8_t a[16])
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (!memcmp(a, loopback, 16))
		return ZONE_LOOPBACK;
	if ((a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80))
		return ZONE_PRIVATE;	/* RFC 4193, link-local */
	return ZONE_INTERNET;
}

/* A datagram socket that is not connected, and nobody told whom it speaks with. */
static bool is_nobody(const struct conn_facts *conn)
{
	static const struct endpoint nobody;

	return conn->remote.port == 0 && !memcmp(conn->remote.addr, nobody.addr, sizeof(nobody.addr));
}

enum zone context_zone(const struct context *c, const struct conn_facts *conn)
{
	uint8_t v4[4], remote[16];
	enum zone z;

	if (conn->family == AF_UNIX)
		return ZONE_HOST;
	if ((conn->family != AF_INET && conn->family != AF_INET6) || is_nobody(conn))
		return ZONE_UNKNOWN;
	z = as_ipv4(conn->family, conn->remote.addr, v4) ? zone_of_v4(v4) : zone_of_v6(conn->remote.addr);
	if (z == ZONE_LOOPBACK)
		return z;
	if (!memcmp(conn->local.addr, conn->remote.addr, 16))
		return ZONE_HOST;
	address_of(remote, conn->family, conn->remote.addr);
	for (unsigned i = 0; i < c->nr_host; i++)
		if (!memcmp(c->host[i].addr, remote, 16))
			return ZONE_HOST;
	return z;
}

void endpoint_name(char out[NAME_SIZE], uint16_t family, const struct endpoint *e)
{
	uint8_t v4[4];

	out[0] = 0;
	if (as_ipv4(family, e->addr, v4)) {
		snprintf(out, NAME_SIZE, "%u.%u.%u.%u", v4[0], v4[1], v4[2], v4[3]);
		return;
	}
	if (family == AF_UNIX)	/* the path of its name is a file's name, and may be anybody's */
		snprintf(out, NAME_SIZE, "unix");
	if (family != AF_INET6)
		return;
	/* RFC 5952 without its shortening of inner zeros but for "::1": unambiguous and stable. */
	for (int i = 0, n = 0; i < 8; i++)
		n += snprintf(out + n, NAME_SIZE - (size_t)n, i ? ":%x" : "%x", e->addr[2 * i] << 8 | e->addr[2 * i + 1]);
	if (!strcmp(out, "0:0:0:0:0:0:0:1"))
		snprintf(out, NAME_SIZE, "::1");
}

/* The flow. */

static uint64_t pair_id(const char *client, const char *server, uint16_t port, const char *protocol, const char *route)
{
	static const struct siphash_key key = { 0x7765697270616972ull, 1 };
	char text[2 * NAME_SIZE + WORD_SIZE + PATH_SIZE + 16];
	int n = snprintf(text, sizeof(text), "%s|%s|%u|%s|%s", client, server, port, protocol, route);
	uint64_t id = siphash(&key, text, (size_t)n);

	return id ? id : 1;
}

static void flow_process(const struct context *c, const struct conn_facts *conn, struct flow_facts *f)
{
	const struct process_facts *p = context_find(c, conn->process);
	struct process_facts unknown = { .key = conn->process };

	if (!p) {	/* gone before anybody could look: its own name for itself is left */
		memcpy(unknown.comm, conn->comm, sizeof(unknown.comm));
		p = &unknown;
	}
	workload_name(f->workload, p);
	memcpy(f->exe, p->exe, sizeof(f->exe));
	memcpy(f->unit, p->unit, sizeof(f->unit));
	memcpy(f->container, p->container, sizeof(f->container));
	memcpy(f->container_id, p->container_id, sizeof(f->container_id));
	memcpy(f->runtime, p->runtime, sizeof(f->runtime));
	memcpy(f->pod, p->pod, sizeof(f->pod));
	memcpy(f->pod_namespace, p->pod_namespace, sizeof(f->pod_namespace));
	memcpy(f->user, p->user, sizeof(f->user));
	f->uid = p->uid;
	f->uid_known = p->uid_known;
	f->selftest = p->selftest;
}

static void flow_peer(const struct context *c, const struct conn_facts *conn, struct flow_facts *f)
{
	const struct connection *end = other_end(c, conn);
	const struct process_facts *other = end ? context_find(c, end->conn.process) : NULL;
	char theirs[NAME_SIZE];
	bool server = f->role == ROLE_SERVER;
	const char *name = f->role == ROLE_CLIENT ? peer_names_find(c->names, conn) : NULL;
	/* The server's own port, whichever the client asked for. */
	uint16_t port = end && f->role == ROLE_CLIENT ? end->conn.local.port : f->port;
	bool named;

	endpoint_name(f->peer_address, conn->family, &conn->remote);
	named = f->host[0] && strcmp(f->host, f->peer_address);	/* an address in a Host header is no name */
	if (other && !other->selftest) {
		workload_name(theirs, other);
		f->pair = pair_id(server ? theirs : f->workload, server ? f->workload : theirs, port, f->protocol, f->route);
	}
	if (server)
		snprintf(f->peer, sizeof(f->peer), "%s", f->pair ? theirs : zone_name(f->zone));
	else
		snprintf(f->peer, sizeof(f->peer), "%s", named ? f->host : name ? name :
			 conn->family != AF_UNIX && is_nobody(conn) ? zone_name(f->zone) : f->peer_address);
}

void context_flow(const struct context *c, const struct conn_facts *conn, const char *protocol, const char *method,
		  const char *route, const char *host, uint16_t status, uint8_t auth, struct flow_facts *f)
{
	memset(f, 0, sizeof(*f));
	f->process = conn->process;
	f->role = conn->role;
	f->tls = conn->tls;
	f->binding = conn->binding;
	if (conn->tls == TLS_PRESENT) {
		f->upgrade = conn->upgrade;
		f->handshake = handshakes_find(c->handshakes, conn->id);
	}
	f->status = status;
	f->auth = auth;
	f->port = conn->role == ROLE_SERVER ? conn->local.port : conn->remote.port;
	f->zone = (uint8_t)context_zone(c, conn);
	snprintf(f->protocol, sizeof(f->protocol), "%s", protocol);
	snprintf(f->method, sizeof(f->method), "%s", method);
	snprintf(f->route, sizeof(f->route), "%s", route);
	snprintf(f->host, sizeof(f->host), "%s", host);
	flow_process(c, conn, f);
	flow_peer(c, conn, f);
}
