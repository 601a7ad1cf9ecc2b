/* SPDX-License-Identifier: Apache-2.0 */
/* replay_capture.c - `weir replay` of a capture file: packets in the place of records. A capture
 * knows no process: the workload is the server's address and port, or, with --side client, the
 * client's address. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/json.h"
#include "capture/packet/packet.h"
#include "cli/cli.h"
#include "cli/replay.h"
#include "context/context.h"

#define MINUTE_MS (INTERVAL_NS / 1000000)

static struct packet_stats stats;

/* The intervals are the minutes of the capture, however long ago. */
static void on_time(void *owner, uint64_t base_ms, struct stamp at)
{
	struct replay *r = owner;
	uint64_t utc;

	clock_set_replay(base_ms, at.time);
	utc = clock_boot_to_utc_ms(at.time);
	if (!r->books.start_ms)
		r->books.start_ms = utc;
	if (r->epoch && at.epoch > r->epoch) {
		uint64_t begins = utc - utc % MINUTE_MS;

		replay_interval(r, begins > base_ms ? (begins - base_ms) * 1000000 - 1000000 : at.time);
	}
	if (at.epoch > r->epoch)
		r->epoch = at.epoch;
	if (at.time > r->orders_time)
		r->orders_time = at.time;
	front_tick(r->front, (struct stamp){ at.time, r->epoch });
}

static void on_conn(void *owner, const struct conn_seen *seen)
{
	struct replay *r = owner;
	char address[NAME_SIZE];
	bool v6 = seen->conn.family == AF_INET6;

	r->fact.kind = FACT_PROCESS;
	r->fact.process = (struct process_facts){ .key = seen->conn.process };
	endpoint_name(address, seen->conn.family, &seen->conn.local);
	if (r->as_client)
		snprintf(r->fact.process.exe, sizeof(r->fact.process.exe), "%s", address);
	else
		snprintf(r->fact.process.exe, sizeof(r->fact.process.exe), v6 ? "[%s]:%u" : "%s:%u", address, seen->conn.local.port);
	back_fact(r->back, &r->fact);
	r->fact.kind = FACT_CONN;
	r->fact.conn = *seen;
	back_fact(r->back, &r->fact);
}

static void on_chunk(void *owner, const struct chunk *chunk)
{
	struct replay *r = owner;

	replay_count(r, front_chunk(r->front, chunk));
}

static void on_close(void *owner, uint64_t conn, const uint64_t pos[2], struct stamp at)
{
	struct replay *r = owner;

	front_close(r->front, conn, pos[DIR_SENT], pos[DIR_RECEIVED], pos[DIR_SENT], pos[DIR_RECEIVED], (struct stamp){ at.time, r->epoch });
}

static struct keylog *keys_read(const struct replay *r, bool *failed)
{
	struct keylog *keys;
	char why[256] = "";

	*failed = false;
	if (!r->keys)
		return NULL;
	keys = keylog_read(r->keys, why, sizeof(why));
	*failed = !keys;
	if (!keys)
		fprintf(stderr, "weir replay: %s: %s\n", r->keylog, why);
	return keys;
}

int replay_capture(struct replay *r, FILE *f, const char *name)
{
	const struct packet_sink sink = { .owner = r, .time = on_time, .conn = on_conn, .chunk = on_chunk, .close = on_close };
	struct packet_options options = { .overlap = r->last_wins ? OVERLAP_LAST : OVERLAP_FIRST, .as_client = r->as_client };
	char why[512] = "";
	struct keylog *keys;
	bool failed;
	int err;

	keys = keys_read(r, &failed);
	if (failed)
		return EXIT_USAGE;
	options.keys = keys;
	err = packet_read(f, &options, &sink, &stats, why, sizeof(why));
	keylog_free(keys);
	if (!err)
		return 0;
	fprintf(stderr, "weir replay: %s: %s%s\n", name, why, stats.packets ? "; what came before it is shown" : "");
	return stats.packets ? EXIT_DEGRADED : EXIT_USAGE;
}

static void sum_json(struct replay *r)
{
	struct json j;

	buf_reset(&r->buf);
	json_init(&j, &r->buf);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "capture");
	json_string(&j, "side", r->as_client ? "client" : "server");
	json_string(&j, "overlap", r->last_wins ? "last" : "first");
#define X(name) json_uint(&j, #name, stats.name);
	PACKET_STATS(X)
#undef X
	json_close(&j, '}');
	puts(buf_str(&r->buf));
}

void replay_capture_sum(struct replay *r)
{
	static const struct { const char *text; const uint64_t *nr; } odd[] = {
		{ "connections that began before the capture", &stats.late },
		{ "packets of no IP", &stats.not_ip },
		{ "packets neither TCP nor UDP", &stats.not_tcp_or_udp },
		{ "packets that are malformed", &stats.malformed },
		{ "packets cut by the capture's snapshot length", &stats.truncated },
		{ "bytes missing for that", &stats.truncated_bytes },
		{ "datagrams of which fragments are missing", &stats.fragments_lost },
		{ "gaps: packets that arrived and are not in the capture", &stats.gaps },
		{ "bytes missing for that", &stats.gap_bytes },
		{ "packets that repeat bytes and change them", &stats.conflicts },
		{ "bytes of no use to the receiver, not looked at", &stats.stray_bytes },
		{ "connections let go for want of room", &stats.evicted },
		{ "blocks of TLS keys in the capture itself", &stats.secrets },
		{ "TLS records that no key of the log opens", &stats.tls_failed_records },
	};

	if (r->json) {
		sum_json(r);
		return;
	}
	printf("%llu packets, %llu connections, told as their %s sees them; of %llu with TLS, %llu decrypted\n",
	       (unsigned long long)stats.packets, (unsigned long long)stats.connections, r->as_client ? "client" : "server",
	       (unsigned long long)stats.tls, (unsigned long long)stats.tls_decrypted);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (*odd[i].nr)
			printf("%llu %s\n", (unsigned long long)*odd[i].nr, odd[i].text);
	if (stats.conflicts)
		printf("of bytes that differ the %s were taken (--overlap)\n", r->last_wins ? "last" : "first");
}
