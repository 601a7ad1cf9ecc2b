/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_caps.c - what weir allows itself of memory. */
#include "base/log.h"
#include "capture/queue.h"
#include "cli/cli.h"
#include "daemon/monitor.h"
#include "daemon/pipeline.h"
#include "daemon/standing.h"

#define MIB ((size_t)1 << 20)
#define ROLES_OWN (24 * MIB)	/* of all roles, before anything has grown; most of it is shared libraries */
/* Kernel memory of one connection, as the kernel rounds it: its entry in conns, that of a TLS session on it, and its part of the
 * heads of the four tables that have as many entries. bpf/maps.bpf.h holds the structs to it. */
#define CONN_BYTES (512 + 128 + 4 * 16)
#define CONNS_PER_MIB 256	/* 11 of 64 MiB; a power of two, as the kernel makes of the number of heads */
#define SHARE_MIN (7 * MIB)

size_t monitor_memory(void)
{
	return DATA_RING + LIFE_RING + queue_bytes() + FRONT_MEMORY + STANDING_MEMORY;
}

int memory_plan(struct monitor *m, uint32_t ring, uint32_t *connections)
{
	size_t max = (m->options->memory_max ? m->options->memory_max : MEMORY_MAX) * MIB, taken;

	*connections = (uint32_t)(max / MIB * CONNS_PER_MIB);
	if (*connections > 131072)
		*connections = 131072;
	taken = ring + LIFE_RING + queue_bytes() + FRONT_MEMORY + STANDING_MEMORY + ROLES_OWN + (size_t)*connections * CONN_BYTES;
	if (max < taken + 2 * SHARE_MIN) {
		log_error("--memory-max %zu is too little with a ring of %u MiB: at least %zu is needed; or choose a smaller --ring",
			  max / MIB, ring >> 20, (taken + 2 * SHARE_MIN) / MIB + 1);
		return EXIT_USAGE;
	}
	m->share = (max - taken) / 2;
	return 0;
}
