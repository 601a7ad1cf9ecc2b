/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what the files of capture/packet/ say to each other.
 *
 *	file.c -> link.c (headers off, fragment.c) -> table.c (which connection)
 *	       -> tcp.c (in order, each byte once, gaps) -> tls.c (records, decrypt.c) -> sink */
#ifndef WEIR_PACKET_PRIVATE_H
#define WEIR_PACKET_PRIVATE_H
#include "base/hash.h"
#include "capture/packet/packet.h"
#include "model/payload.h"

#define CONNECTIONS_MAX	65536	/* at once: the one that rested longest goes */
#define PIECES_MAX	8192	/* of a direction, held or kept to compare: bounds the work of an insertion */
#define HELD_MAX	((size_t)8 << 20)	/* bytes of a direction: a receiver's window, while a lost packet is sent again */
#define HELD_TOTAL	((size_t)128 << 20)	/* of all */
#define WINDOW_MAX	((int64_t)64 << 20)	/* what is further ahead is of no window that is in use */
#define GRACE_NS	50000000ull	/* packets of one capture overtake each other by less */
#define LINGER_NS	2000000000ull	/* after its end, for what is repeated */
#define REST_STREAM_NS	3600000000000ull
#define REST_DATAGRAM_NS 120000000000ull
#define UDP 17
#define TCP 6

/* What of a packet was captured, and how long it was. */
struct span { const uint8_t *ptr; size_t len, wire; };
/* Goes on behind n bytes; false: there are not as many. */
static inline bool span_pull(struct span *s, size_t n)
{
	if (n > s->len)
		return false;
	s->ptr += n;
	s->len -= n;
	s->wire -= n;
	return true;
}
/* What follows is no longer than this. */
static inline void span_limit(struct span *s, size_t wire)
{
	s->wire = wire < s->wire ? wire : s->wire;
	s->len = s->len < s->wire ? s->len : s->wire;
}
static inline uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}
static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

struct segment {	/* of a transport, as its packet came */
	uint16_t family;
	uint8_t protocol;	/* TCP, UDP */
	uint8_t flags;		/* of TCP */
	struct endpoint from, to;
	uint32_t seq, ack;
	struct span payload;
	struct stamp at;
};
enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_RST = 4, FLAG_ACK = 16 };

struct piece {	/* owns its bytes, wipes them */
	struct piece *prev, *next;
	uint64_t pos;
	size_t len, extent;	/* captured, and as sent */
	struct stamp at;
	uint8_t bytes[];
};

/* What one end sends. Position 0 is the first byte of the stream, or where the capture came in. */
struct side {
	bool started, fin, acks;	/* acks: the other end has acknowledged something */
	uint32_t base;			/* sequence number of position 0 */
	uint64_t next, acked;		/* to deliver; the other end has all before this */
	uint64_t end;			/* of a FIN */
	uint64_t waits;			/* since when it is known that bytes before acked are missing; 0: they are not */
	struct piece *head, *tail;	/* in order, none overlaps another; delivered ones first */
	unsigned nr;
	size_t held;
};

struct decrypt;
/* The TLS records that one end sends. */
struct records {
	bool begun, lost, jumped, ended;	/* lost: where a record begins is not known; jumped: bytes are missing; ended: the clear handshake */
	uint8_t header[5], have;
	uint32_t body, left, holes;	/* of the record: length, to come, missing in it */
	uint64_t pos, plain;		/* of the record; of the next plaintext */
	uint64_t missed;		/* bytes of records not seen since the last one that was decrypted */
	uint8_t *record;		/* the body, where it is wanted whole */
	size_t room;
	uint32_t hello;			/* bytes of the handshake told of */
	uint32_t tried;			/* the first bytes of a direction that may be TLS */
	struct stamp at;
};
enum payload { PAYLOAD_NEW, PAYLOAD_PLAIN, PAYLOAD_TLS, PAYLOAD_QUIC };

struct connection {
	struct connection *bucket_next, *older, *newer;
	struct rest *rest;	/* the list it is in */
	uint64_t active;
	struct endpoint ends[2];
	struct conn_facts facts;
	unsigned local;		/* which end this is told as */
	bool told, ended, closed;	/* closed: its end was told, what comes is repeated */
	struct side sides[2];	/* what each end sends */
	uint8_t payload;	/* enum payload */
	struct records records[2];
	struct decrypt *decrypt;
};

struct rest { struct connection *oldest, *newest; uint64_t ns; };

#define BUCKETS 16384
struct packets {
	struct packet_options options;
	struct packet_sink sink;
	struct packet_stats *stats;
	struct siphash_key key;
	struct connection *buckets[BUCKETS];
	struct rest streams, datagrams, ended;
	size_t nr_connections, held;
	uint64_t last_id, base_ms, first_minute;
	struct stamp now;
	struct fragments *fragments;
	char *why;
	size_t why_size;
};

/* link.c: dlt is a DLT_ of libpcap. */
bool link_is_known(int dlt);
void link_packet(struct packets *, int dlt, struct span);
void ip_payload(struct packets *, struct segment *, uint8_t protocol, struct span);	/* from fragment.c too */

/* fragment.c: a part of a datagram at an offset. When it is whole it goes to ip_payload. */
struct fragments *fragments_new(void);
void fragments_free(struct packets *);
void fragment_take(struct packets *, struct segment *, uint8_t protocol, uint32_t id, uint32_t offset, bool more, struct span);

/* table.c */
void table_segment(struct packets *, struct segment *);
void table_end(struct packets *);	/* the capture is over: all that is open is told, and freed */
enum dir side_dir(const struct connection *, unsigned side);

/* tcp.c */
void tcp_segment(struct packets *, struct connection *, unsigned side, const struct segment *);
void tcp_finish(struct packets *, struct connection *);	/* what is held is told, and freed */
bool tcp_is_done(const struct connection *);
bool tcp_is_other(const struct connection *, unsigned side, const struct segment *);	/* its SYN begins another one */

/* tls.c: bytes in order; skipped ones are missing behind them. */
void payload_take(struct packets *, struct connection *, unsigned side, uint64_t pos, struct slice, uint64_t skipped, enum loss, struct stamp);
void payload_finish(struct packets *, struct connection *);
void chunk_tell(struct packets *, struct connection *, unsigned side, struct chunk *);

/* decrypt.c */
struct decrypt *decrypt_new(const struct keylog *, const uint8_t client_random[32]);	/* NULL: the log has no keys of it */
void decrypt_free(struct decrypt *);
/* etm: encrypt-then-MAC, RFC 7366. False: the suite is not known here, or the log has not the keys for it. */
bool decrypt_server_hello(struct decrypt *, const uint8_t random[32], uint16_t version, uint16_t cipher, bool etm);
void decrypt_refuse_early(struct decrypt *);	/* the server asks for another hello: what was sent with the first is nobody's */
void decrypt_change(struct decrypt *, bool server);	/* its change_cipher_spec: TLS 1.2 encrypts from here */
/* A record of this type that it sends now is encrypted, and its keys are there. */
bool decrypt_seals(const struct decrypt *, bool server, uint8_t type);
uint32_t decrypt_overhead(const struct decrypt *);	/* of a record's body, at least */
void decrypt_skip(struct decrypt *, bool server);	/* a record that cannot be decrypted */
/* One record, in place. Length of the plaintext and its true type, or -EBADMSG. missing: records that
 * were not seen before it, at most; how many they were is written back. */
int decrypt_record(struct decrypt *, bool server, const uint8_t header[5], uint8_t *body, size_t len, uint8_t *type, unsigned *missing);

/* keylog.c */
enum secret {
	SECRET_MASTER, SECRET_CLIENT_EARLY, SECRET_CLIENT_HANDSHAKE, SECRET_SERVER_HANDSHAKE, SECRET_CLIENT_TRAFFIC, SECRET_SERVER_TRAFFIC,
	SECRET_MAX
};
struct secrets { struct { uint8_t len, bytes[48]; } of[SECRET_MAX]; };
bool keylog_find(const struct keylog *, const uint8_t client_random[32], struct secrets *);
struct keylog *keylog_new(void);	/* empty; NULL: no memory */
int keylog_add(struct keylog *, FILE *, uint64_t nr);	/* the lines in the next nr bytes; 0 or -ENOMEM */
bool keylog_has(const struct keylog *);	/* a key; NULL has none */
void keylog_full(char *why, size_t why_size);	/* of -ENOMEM */

/* inside.c: the TLS keys in the blocks of a .pcapng, added to *keys, which is made where it is NULL. Rewinds.
 * 0 or -ENOMEM. */
int inside_keys(FILE *, struct keylog **keys, struct packet_stats *);
#endif
