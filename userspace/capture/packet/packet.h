/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h - a capture file (.pcap, .pcapng) -> the chunks that the ring would have given. Link
 * and network headers are taken off, fragments and TCP segments put together, TLS records walked
 * and, where the key log has their keys, decrypted. Called by `weir replay` alone. Every length in
 * a packet is hostile; what does not fit is counted, never an error.
 *
 * A capture knows no process. Each connection is told once, as one of its ends sees it: the
 * server's, or, if asked for, the client's. What its kernel would have said of the stream (where it
 * begins and ends, how far it came) comes from SYN, FIN and the other end's acknowledgements. */
#ifndef WEIR_PACKET_H
#define WEIR_PACKET_H
#include <stdbool.h>
#include <stdio.h>
#include "model/facts.h"

struct chunk;
struct keylog;

/* Of data that was sent twice and not the same: what came first counts, or what came last before
 * the other end had acknowledged it. */
enum overlap { OVERLAP_FIRST, OVERLAP_LAST };

struct packet_options {
	enum overlap overlap;
	bool as_client;
	struct keylog *keys;	/* those in the capture are added; NULL: TLS that they do not open stays opaque */
};

struct packet_sink {
	void *owner;
	/* A packet of this time comes next; its chunks follow. base_ms: the UTC ms of time 0. */
	void (*time)(void *owner, uint64_t base_ms, struct stamp);
	void (*conn)(void *owner, const struct conn_seen *);	/* before its first chunk */
	void (*chunk)(void *owner, const struct chunk *);	/* borrowed until it returns */
	/* It ended, or the capture did: no more chunks, and these are its final positions, by enum dir. */
	void (*close)(void *owner, uint64_t conn, const uint64_t pos[2], struct stamp);
};

#define PACKET_STATS(X) \
	X(packets) X(connections) X(late) X(not_ip) X(not_tcp_or_udp) X(malformed) X(truncated) X(truncated_bytes) \
	X(fragments) X(fragments_lost) X(repeated_bytes) X(gaps) X(gap_bytes) X(conflicts) X(conflict_bytes) X(stray_bytes) \
	X(evicted) X(secrets) X(tls) X(tls_decrypted) X(tls_failed_records)
struct packet_stats {
#define X(name) uint64_t name;
	PACKET_STATS(X)
#undef X
};

/* What the libraries read of the host, before a sandbox refuses it. */
void packet_prepare(void);
/* Does the file begin as a capture does? Rewinds it. */
bool packet_file_is(FILE *);
/* Reads all of it. 0; or -errno and in why what is wrong and what to do: -EPROTONOSUPPORT what is in it
 * cannot be read, -EBADMSG it ends early or is damaged: what came before that was told. */
int packet_read(FILE *, const struct packet_options *, const struct packet_sink *, struct packet_stats *, char *why, size_t why_size);

/* A file in NSS key log format. NULL: none of its lines is one, or there is no memory; why says so. */
struct keylog *keylog_read(FILE *, char *why, size_t why_size);
void keylog_free(struct keylog *);	/* wipes */
#endif
