/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - what run_paths.c stands on: the BPF programs and the front half of the
 * pipeline in one process, and what came out of both. */
#ifndef WEIR_TEST_WORLD_H
#define WEIR_TEST_WORLD_H
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "bpf/wire.h"
#include "capture/capture.h"
#include "capture/kernel.h"
#include "capture/record.h"
#include "capture/ring.h"
#include "daemon/pipeline.h"

#define MESSAGE_MAX (2 << 20)

/* An HTTP request with an address in its body, and the answer. */
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
#define ANSWER (sizeof(answer) - 1)

static struct world {
	struct capture *capture;
	struct ring ring;
	struct front *front;
	const char *hooks;
	const uint8_t *sent[2];		/* what the client and the server send, by enum wire_role - 1 */
	size_t sent_len[2];
	bool raw;			/* contents are not compared: they change, or are nobody's */
	/* What came out. */
	struct byte_account by[2], sum;	/* of all connections: by enum dir; both */
	unsigned exchanges, addresses, closes, wrong, late;
	unsigned olds;			/* connections older than weir, and what they had moved before */
	uint64_t before[2][2];
	uint64_t skipped;		/* runs that the kernel had skipped before this row */
	void (*each_life)(const struct wire_life *);	/* for a row that wants more; may be NULL */
} world;

static void on_fact(void *owner, const struct fact *f)
{
	if (f->kind == FACT_TRAFFIC) {
		byte_accounts_add(world.by, f->traffic.bytes);
	} else if (f->kind == FACT_EXCHANGE) {
		byte_accounts_add(world.by, f->exchange.bytes);
		world.exchanges++;
		for (uint32_t i = 0; i < f->exchange.nr_findings; i++)
			world.addresses += f->exchange.findings[i].count;
	}
	world.sum = byte_accounts_sum(world.by);
}

/* Every byte that was copied must be the one that stands at its position. */
static int on_record(void *owner, const void *record, size_t len)
{
	struct wire_data d;
	unsigned sender;

	if (!record_size(record, len))
		return 0;
	memcpy(&d, record, sizeof(d));
	sender = (d.who.role == WIRE_ROLE_SERVER) ^ (d.dir == WIRE_RECEIVED);
	if (d.kind == WIRE_SOCKET && !world.raw &&
	    (d.pos > world.sent_len[sender] || d.len > world.sent_len[sender] - d.pos ||
	     memcmp((const char *)record + sizeof(d), world.sent[sender] + d.pos, d.len)))
		world.wrong++;
	world.late += !!(d.flags & WIRE_F_LATE);
	front_record(world.front, record, len);
	return 0;
}

static void on_life(void *owner, const struct wire_life *l)
{
	if (world.each_life)
		world.each_life(l);
	if (l->kind == WIRE_CONN && l->flags & WIRE_F_LATE && world.olds < 2) {
		world.before[world.olds][WIRE_SENT] = l->sent;
		world.before[world.olds++][WIRE_RECEIVED] = l->received;
	}
	if (l->kind != WIRE_CLOSE)
		return;
	world.closes++;
	front_untold(world.front, l->who.conn, l->before);
	front_close(world.front, l->who.conn, l->sent_pos, l->received_pos, l->sent, l->received, (struct stamp){ l->time, 1 });
	if (l->plain_known)
		front_plain(world.front, l->who.conn, l->plain[WIRE_SENT], l->plain[WIRE_RECEIVED], l->plain_before, l->plain_known);
}

static void on_look(void *owner, const struct wire_check *w)
{
	front_untold(world.front, w->conn, w->before);
	front_reach(world.front, w->conn, w->sent_pos, w->received_pos, (struct stamp){ w->time, 1 });
}

static void drain(void)
{
	ring_drain(&world.ring, 1000000, on_record, NULL);
	capture_life(world.capture, on_life, NULL);
}

/* Until so many connections have ended, by what the kernel says of it. */
static void wait_closes(unsigned n)
{
	for (int i = 0; i < 3000; i++) {
		drain();
		if (world.closes >= n)
			return;
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
}

/* What waits for a missing piece does not wait any longer. */
static void settle(void)
{
	drain();
	front_tick(world.front, (struct stamp){ clock_boot_ns() + 2000000000ull, 1 });
	front_interval(world.front, (struct stamp){ clock_boot_ns() + 2000000000ull, 1 });
}

static void look(unsigned times)
{
	while (times--) {
		drain();
		if (capture_look(world.capture, false, on_look, NULL))
			world.wrong++;
	}
}

static void world_reset(void)
{
	settle();
	memset(world.by, 0, sizeof(world.by));
	memset(&world.sum, 0, sizeof(world.sum));
	world.exchanges = world.addresses = world.closes = world.wrong = world.late = 0;
	world.raw = false;
	world.skipped = capture_skipped_runs(world.capture);
}

/* 0; 1: this kernel lacks the set; -1: it should load and does not. */
static int world_open(const char *hooks, const char *needs, char *why, size_t size)
{
	struct capture_config config = { .data_ring = 32 << 20, .life_ring = 1 << 20, .max_parts = WIRE_MAX_PARTS,
					 .filter = WIRE_FILTER_PID, .hooks = hooks };

	world.hooks = hooks;
	world.capture = capture_new(&config, why, size);
	if (!world.capture)
		return capture_kernel_knows("/sys/kernel/btf/vmlinux", needs) == 1 ? -1 : 1;
	capture_epoch(world.capture, 1);
	capture_watch_pid(world.capture, (uint32_t)getpid());
	world.front = front_new(on_fact, NULL);
	if (!world.front || ring_map(&world.ring, capture_data_ring(world.capture), config.data_ring) ||
	    capture_attach(world.capture, why, size))
		return -1;
	return 0;
}

static void world_close(void)
{
	front_free(world.front);
	ring_unmap(&world.ring);
	capture_free(world.capture);
}
#endif
