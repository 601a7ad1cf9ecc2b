/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h - the plain structs that travel between stages after payload has
 * died. No struct here can hold a value that was sent or received: strings are
 * names that passed name_clean(), masks, or words from our own tables.
 *
 * Everything is fixed size, so that a role can bound its memory by counting
 * and a closed schema can be checked field by field (facts_unpack). */
#ifndef WEIR_FACTS_H
#define WEIR_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of a fact, bytes including the terminating NUL. */
#define NAME_SIZE	65	/* a cleaned name: at most 64 bytes */
#define PATH_SIZE	129	/* a field path or a route: cleaned names joined */
#define MASK_SIZE	40
#define WORD_SIZE	17	/* a word of our own: protocol, method */
#define EXE_SIZE	129
#define JA4_SIZE	37	/* "t13d1516h2_8daaf6152771_e5627efa2ab1" */
#define MAX_FINDINGS	32	/* finding rows of one exchange; more are counted in findings_dropped */
#define LOOKED_MAX	65535	/* bytes that struct looked is about */
#define INTERVAL_NS	60000000000ull

enum dir { DIR_RECEIVED, DIR_SENT };	/* as the watched process sees it; equals enum wire_dir */
enum role { ROLE_UNKNOWN, ROLE_SERVER, ROLE_CLIENT };	/* equals enum wire_role */
enum tls_state { TLS_UNKNOWN, TLS_ABSENT, TLS_PRESENT };
enum binding { BINDING_NONE, BINDING_WEAK, BINDING_STRONG, BINDING_EXACT };
enum zone { ZONE_UNKNOWN, ZONE_LOOPBACK, ZONE_HOST, ZONE_PRIVATE, ZONE_INTERNET };
enum confidence { CONF_POSSIBLE = 1, CONF_LIKELY, CONF_CERTAIN };	/* < 0.5, 0.5 to 0.8, above */
/* What speaks for a finding: the value by itself, the name of its field, the object around it, another finding of
 * that object, the other values of the field. Names in facts.c. */
enum why { WHY_VALUE = 1, WHY_KEY = 2, WHY_OBJECT = 4, WHY_SIBLING = 8, WHY_RECORDS = 16, WHY_ALL = 31 };
enum auth { AUTH_NONE, AUTH_BASIC, AUTH_BEARER, AUTH_COOKIE, AUTH_OTHER, AUTH_DATABASE, AUTH_MAX };
enum inspected { INSPECTED_FULL, INSPECTED_PARTIAL, INSPECTED_NONE };
enum mutual { MUTUAL_UNKNOWN, MUTUAL_NO, MUTUAL_YES };	/* did the client show a certificate? TLS 1.3 hides it */
/* What a connection spoke before it went over to TLS; equals enum wire_upgrade. */
enum upgrade {
	UPGRADE_NONE, UPGRADE_SMTP, UPGRADE_IMAP, UPGRADE_POP3, UPGRADE_FTP, UPGRADE_XMPP, UPGRADE_LDAP,
	UPGRADE_POSTGRES, UPGRADE_MYSQL, UPGRADE_CONNECT, UPGRADE_MAX
};

/* Where in a message a field stood. */
enum location {
	LOC_NONE, LOC_PATH, LOC_QUERY, LOC_REQUEST_HEADER, LOC_RESPONSE_HEADER,
	LOC_REQUEST_BODY, LOC_RESPONSE_BODY, LOC_TEXT, LOC_MAX
};

/* Why bytes that moved were not examined: not there (lost, skipped), or there and not understood
 * (opaque). Names in facts.c; README.md says what each means. */
enum loss {
	LOSS_NONE,
	LOSS_MISSING,		/* the record was lost between the kernel and the analyst */
	LOSS_TRUNCATED, LOSS_UNREADABLE, LOSS_NO_ARGS, LOSS_EVICTED, LOSS_RESTART, LOSS_BUDGET,
	LOSS_IO_URING, LOSS_SENDFILE, LOSS_SPLICE, LOSS_ZEROCOPY_RECV, LOSS_DISCARDED, LOSS_URGENT, LOSS_RING_FULL, LOSS_SKIPPED_RUN,
	LOSS_KTLS, LOSS_QUIC, LOSS_UNPROBED_TLS, LOSS_NO_PLAINTEXT, LOSS_UNKNOWN_PROTOCOL, LOSS_LATE,
	LOSS_RELAYED,		/* TLS of others, passed on */
	LOSS_UNWANTED,		/* not asked for: nobody would look at them */
	LOSS_MAX
};

enum transport { TRANSPORT_TCP, TRANSPORT_MPTCP, TRANSPORT_UDP, TRANSPORT_UNIX_STREAM, TRANSPORT_UNIX_DATAGRAM };	/* equals enum wire_transport */
static inline bool transport_is_datagram(unsigned t)
{
	return t == TRANSPORT_UDP || t == TRANSPORT_UNIX_DATAGRAM;
}

struct endpoint { uint8_t addr[16]; uint16_t port; };

struct process_key { uint32_t tgid; uint64_t start; };	/* start: CLOCK_BOOTTIME ns */

/* A connection as the kernel knows it. id: struct wire_who.conn; for a TLS
 * session without a socket, bit 63 is set and the rest names the session. */
struct conn_facts {
	uint64_t id;
	struct process_key process;
	uint64_t cgroup;
	struct endpoint local, remote;
	uint16_t family;	/* AF_INET, AF_INET6, 0 not known */
	uint8_t role, tls, binding;	/* enums above */
	uint8_t late;		/* older than weir: earlier bytes were not seen */
	uint8_t upgrade;	/* enum upgrade */
	uint8_t transport;	/* enum transport */
	uint32_t netns;
	char comm[16];
};

/* When: epoch is the interval of the books, time CLOCK_BOOTTIME ns. */
struct stamp { uint64_t time; uint32_t epoch; };

/* moved = examined + opaque + skipped + lost + framing + unexplained, socket bytes of one direction. Two of
 * them, by enum dir, are a connection's account: what is missing of one must not hide behind the other. */
struct byte_sums { int64_t moved, examined, opaque, skipped, lost, framing; };
struct byte_account {
	union {
		struct byte_sums sums;
		struct { int64_t moved, examined, opaque, skipped, lost, framing; };
	};
	int64_t why[LOSS_MAX];	/* of opaque + skipped + lost; of a connection, since a fact last carried it */
};

static inline void account_opaque(struct byte_account *a, int64_t n, enum loss why)
{
	a->opaque += n;
	a->why[why] += n;
}
static inline void account_skip(struct byte_account *a, int64_t n, enum loss why)
{
	a->skipped += n;
	a->why[why] += n;
}
static inline void account_lose(struct byte_account *a, int64_t n, enum loss why)
{
	a->lost += n;
	a->why[why] += n;
}

/* A data class recognised in fields of one exchange; equal ones are counted together. */
struct finding {
	uint8_t class_id;	/* index for class_get() */
	uint8_t confidence;	/* enum confidence */
	uint8_t location;	/* enum location */
	uint8_t dir;		/* enum dir */
	uint8_t sample;		/* a documentation or test value */
	uint8_t why;		/* enum why */
	uint32_t count;		/* fields with it */
	uint32_t distinct;	/* of these, values not seen before in this interval and flow */
	uint32_t records;	/* different values of this message, an estimate */
	uint32_t flow_records;	/* of the flow and class in this interval until then, an estimate */
	char path[PATH_SIZE];	/* "$.card.number", "query.email", "header.authorization" */
	char key[NAME_SIZE];
	char mask[MASK_SIZE];
};

/* A request with its response, or a one-way message. */
struct exchange {
	struct conn_facts conn;
	struct stamp at;	/* when it was complete */
	uint64_t began;		/* CLOCK_BOOTTIME ns of the first byte of the request */
	uint64_t request_bytes, response_bytes;	/* head and body as on the wire */
	uint32_t latency_us;	/* last request byte to first response byte; 0 not known */
	uint32_t findings_dropped;	/* finding rows beyond MAX_FINDINGS */
	uint16_t status;	/* 0: no response seen */
	uint8_t auth, inspected;
	uint8_t has_gap;	/* bytes are missing inside */
	uint8_t again;		/* what was told of it before is not repeated: findings since then, counted already */
	char protocol[WORD_SIZE];	/* name of the row in protocol/list.def */
	char method[WORD_SIZE];
	char route[PATH_SIZE];	/* template: "/users/{id}" */
	char host[NAME_SIZE];	/* Host, authority or SNI; empty: not seen */
	struct byte_account bytes[2];	/* by enum dir; of the connection since its last exchange or traffic fact */
	uint32_t nr_findings;
	uint32_t schema;	/* of the analyst: the method whose messages these are (protocol/descriptor.h); 0: not known */
	uint32_t waiting;	/* of the analyst: its number among those in which a hit may wait for another; 0: none */
	uint32_t nr_possible;	/* of the analyst, while fields are seen: from the end on, what is no finding by itself */
	struct finding findings[MAX_FINDINGS];
};

/* Eight KiB, of which a message has use for little: neither makes nor copies the findings
 * that are not there. */
void exchange_begin(struct exchange *);
void exchange_copy(struct exchange *to, const struct exchange *from);

/* Of bytes that nobody understood, those that were looked at: how many, how many of them are printable, and the bits
 * of entropy of all. 8 for each are noise: encrypted or compressed. */
struct looked { uint32_t bytes, printable, bits; };

/* Bytes of a connection that no exchange has carried; at interval ends and at close. */
struct traffic {
	struct conn_facts conn;
	struct stamp at;
	char protocol[WORD_SIZE];	/* empty: none recognised */
	char route[PATH_SIZE];		/* of the last exchange; empty: none */
	char host[NAME_SIZE];
	char reason[WORD_SIZE + 16];	/* of opaque or lost bytes: "unprobed_tls", "unknown_protocol", … */
	struct byte_account bytes[2];	/* by enum dir */
	struct looked looked;		/* since the last such fact */
	uint8_t closed;
};

/* What the clear part of a TLS handshake told of a connection; RFC numbers, 0: not known. */
struct tls_facts {
	uint16_t version;	/* 0x0304 is TLS 1.3; what the server chose */
	uint16_t cipher;	/* what the server chose */
	uint8_t mutual;		/* enum mutual */
	int64_t peer_expires;	/* UTC seconds */
	char sni[NAME_SIZE];
	char alpn[NAME_SIZE];	/* what the server chose; TLS 1.3 hides it */
	char alpn_offered[NAME_SIZE];	/* by the client, joined by ',' */
	char ja4[JA4_SIZE];	/* of the client */
	char peer_subject[PATH_SIZE];	/* "CN=api.partner.example,O=Partner" */
};

/* Of a connection, from its analyst; what comes later replaces it. */
struct handshake { struct conn_facts conn; struct stamp at; struct tls_facts tls; };

/* A name that a process was given for an address; for a while it goes to that address by this name. */
struct named { struct conn_facts conn; struct stamp at; struct endpoint address; uint16_t family; uint32_t ttl; char name[NAME_SIZE]; };

/* Who: what the monitor found out about a process. Empty strings: not known. */
struct process_facts {
	struct process_key key;
	uint32_t parent;
	uint64_t cgroup;
	char comm[16];
	char exe[EXE_SIZE];	/* cleaned path of the executable */
	char script[NAME_SIZE];	/* of an interpreter: cleaned base name of its script */
	char unit[NAME_SIZE];	/* systemd unit, "nginx.service"; scopes too */
	char container[NAME_SIZE];	/* name of the container; its id's first 12 digits where it has none */
	char container_id[13];	/* first 12 hex digits; empty: it has no id, or is none */
	char runtime[WORD_SIZE];	/* what runs it: name of the row in daemon/runtime/list.def */
	char pod[NAME_SIZE], pod_namespace[NAME_SIZE];	/* of Kubernetes */
	uint32_t uid;		/* as the host counts them; of no meaning when uid_known is 0 */
	char user[WORD_SIZE + 16];	/* its name on the host; a container has names of its own */
	char library[EXE_SIZE];	/* TLS library found in it */
	char build_id[41];	/* hex, of that library */
	uint8_t tls_probe;	/* enum probe_state */
	uint8_t selftest;	/* weir's own stimulus: outside all populations */
	uint8_t exited;
	uint8_t uid_known;
};
enum probe_state {
	PROBE_NONE, PROBE_NO_LIBRARY, PROBE_ATTACHED, PROBE_FAILED,
	PROBE_LIMIT,	/* there is no room for more probes */
	PROBE_HIDDEN,	/* nothing can be probed */
	PROBE_PARTLY,	/* the kernel refused some of its probes */
};

/* First use of a connection by a process: lets both local ends find each other. */
struct conn_seen {
	struct conn_facts conn;
	uint64_t time;
	/* Of one older than weir, the first time: the interval, and what it had moved before, by enum dir. */
	uint32_t epoch;
	uint64_t before[2];
};

/* The one message that goes back, analyst to monitor: of this connection the bytes before these
 * positions need not be copied. It is forgotten after VERDICT_NS, so that what was once not
 * understood is looked at again. */
#define VERDICT_VERSION 1
#define VERDICT_NS 60000000000ull
struct capture_verdict {
	uint16_t version;
	uint8_t layer;		/* enum layer: whose positions; the socket's or the plaintext's */
	uint8_t pad[5];
	uint64_t conn;
	uint64_t to[2];		/* by enum dir */
};
_Static_assert(sizeof(struct capture_verdict) == 32, "verdict");

/* The books of one interval, all in records unless named otherwise; start_ms and
 * end_ms are UTC, end exclusive. */
#define BOOKS(X) \
	X(start_ms) X(end_ms) X(produced) X(submitted) X(ring_full) X(unreadable) X(too_big) X(no_state) \
	X(read) X(analysed) X(queue_full) X(crash_lost) X(undecodable) X(over_budget) \
	X(findings) X(stored) X(rejected) X(keeper_lost) \
	X(bytes_ring_full) X(bytes_unreadable) X(bytes_too_big) X(bytes_no_state) \
	X(no_args) X(filtered) X(own) X(life_submitted) X(life_ring_full) \
	X(tls_calls) X(tls_unbound) X(skipped_runs) X(processes_unknown) X(closes_lost) X(looks_lost) \
	X(messages_dropped) X(hits_dropped) X(counts_low) X(inflate_ratio) X(inflate_size) X(inflate_time) \
	X(evicted) X(bytes_queue_full) X(bytes_over_budget) \
	X(unwanted) X(left_out) X(bytes_unwanted) X(bytes_left_out)	/* calls that were not copied, and their bytes */
struct books {
	uint32_t epoch;
#define X(name) uint64_t name;
	BOOKS(X)
#undef X
};

const char *dir_name(unsigned);
const char *role_name(unsigned);
const char *tls_name(unsigned);
const char *binding_name(unsigned);
const char *zone_name(unsigned);
const char *confidence_name(unsigned);
const char *why_name(unsigned bit);	/* NULL: there is no such bit */
int why_parse(const char *name);	/* the bit, or 0 */
const char *location_name(unsigned);	/* "path" "query" "request-header" … */
const char *loss_name(unsigned);
const char *auth_name(unsigned);
const char *inspected_name(unsigned);
const char *mutual_name(unsigned);
const char *upgrade_name(unsigned);	/* "smtp" "postgres" … */
const char *tls_version_name(uint16_t);	/* "1.3"; NULL: not known */
/* The registry's name; "0x1301" in hex where it has none here. NULL: 0. room is used for the latter. */
const char *tls_cipher_name(uint16_t, char room[8]);
/* -1 when the word is none of the enum's */
int role_parse(const char *);
int tls_parse(const char *);
int zone_parse(const char *);
int confidence_parse(const char *);
int location_parse(const char *);

void byte_account_add(struct byte_account *sum, const struct byte_account *more);
void byte_accounts_add(struct byte_account sum[2], const struct byte_account more[2]);
struct byte_account byte_accounts_sum(const struct byte_account by[2]);	/* of both directions */
int64_t byte_account_unexplained(const struct byte_account *);
enum loss byte_account_why(const struct byte_account *);	/* what most was not examined for; LOSS_NONE: nothing */

/* The wire between roles: one MessagePack array per message, closed schema.
 * facts_pack_* append one message and return its length, or -ENOSPC.
 * facts_unpack checks every length, range, character set and enum, refuses
 * unknown kinds and left-over bytes, and returns the kind or -EBADMSG. */
enum fact_kind { FACT_EXCHANGE = 1, FACT_TRAFFIC, FACT_PROCESS, FACT_CONN, FACT_BOOKS, FACT_EVENT, FACT_HANDSHAKE, FACT_NAMED };
#define FACT_LAST FACT_NAMED
#define FACT_MAX_SIZE (64 * 1024)	/* bytes of one packed message */

/* Something that happened to weir itself: role death, gap, probe, stop. */
struct event_fact {
	uint64_t time, until;	/* CLOCK_BOOTTIME ns; until: of a gap, its end */
	uint32_t epoch;
	uint32_t value;		/* number of the gap, bits of the selftest: by kind */
	char kind[WORD_SIZE];	/* "gap" "stop" "selftest" "asks" "heard" "rules" "failed" */
	char subject[NAME_SIZE];	/* role, library, path */
	char detail[PATH_SIZE];
};

struct fact {
	enum fact_kind kind;
	union {
		struct exchange exchange;
		struct traffic traffic;
		struct process_facts process;
		struct conn_seen conn;
		struct books books;
		struct event_fact event;
		struct handshake handshake;
		struct named named;
	};
};
int facts_pack(const struct fact *, void *out, size_t size);
int facts_unpack(const void *in, size_t size, struct fact *out);
#endif
