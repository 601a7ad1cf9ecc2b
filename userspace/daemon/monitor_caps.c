/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_caps.c - what weir allows itself: a share of CPU, and memory. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/queue.h"
#include "cli/cli.h"
#include "daemon/monitor.h"
#include "daemon/pace.h"
#include "daemon/pipeline.h"

#define CPU_MAX 100	/* percent of one CPU */
#define CPU_LEAST 50	/* permille that the analyst always gets */
#define MIB ((size_t)1 << 20)
#define ROLES_OWN (24 * MIB)	/* of all roles, before anything has grown; most of it is shared libraries */
#define CONN_BYTES 320		/* kernel memory of one entry */
#define CONNS_PER_MIB 512
#define SHARE_MIN (7 * MIB)

size_t monitor_memory(void)
{
	return DATA_RING + LIFE_RING + queue_bytes() + FRONT_MEMORY;
}

int memory_plan(struct monitor *m, uint32_t ring, uint32_t *connections)
{
	size_t max = (m->options->memory_max ? m->options->memory_max : MEMORY_MAX) * MIB, taken;

	*connections = (uint32_t)(max / MIB * CONNS_PER_MIB);
	if (*connections > 131072)
		*connections = 131072;
	taken = ring + LIFE_RING + queue_bytes() + FRONT_MEMORY + ROLES_OWN + (size_t)*connections * CONN_BYTES;
	if (max < taken + 2 * SHARE_MIN) {
		log_error("--memory-max %zu is too little with a ring of %u MiB: at least %zu is needed; or choose a smaller --ring",
			  max / MIB, ring >> 20, (taken + 2 * SHARE_MIN) / MIB + 1);
		return EXIT_USAGE;
	}
	m->share = (max - taken) / 2;
	return 0;
}

/* The cap on weir's own CPU: what reader, keeper and monitor leave of it is the analyst's. */

static uint64_t cpu_used(pid_t pid)
{
	char path[40], text[80] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	return n > 0 ? strtoull(text, NULL, 10) : 0;
}

static uint64_t cpu_since(uint64_t *before, pid_t pid)
{
	uint64_t now = pid ? cpu_used(pid) : 0, used = now > *before ? now - *before : 0;

	*before = now;
	return used;
}

void cpu_mind(struct monitor *m, uint64_t now)
{
	uint64_t max = m->options->cpu_max ? m->options->cpu_max : CPU_MAX, others, elapsed = now - m->cpu_at;
	struct order o = { .kind = ORDER_PACE, .time = now };

	if (elapsed < SECOND / 2 || !m->analyst.pid)
		return;
	others = cpu_since(&m->reader.cpu, m->reader.pid) + cpu_since(&m->keeper.cpu, m->keeper.pid) + cpu_since(&m->cpu_own, getpid());
	others = others * PACE_FULL / elapsed;
	max = max * PACE_FULL / 100;
	o.epoch = (uint32_t)(max > others + CPU_LEAST ? max - others : CPU_LEAST);
	/* Not taken: its orders pile up already, and the share of before holds. */
	if (m->cpu_at && write(m->analyst.ctl[0], &o, sizeof(o)) < 0)
		log_debug("the analyst does not hear its share of CPU");
	m->cpu_at = now;
	if (m->analyst.stats->paced > m->paced_told + SECOND) {
		log_warn("the limit on weir's own CPU is reached and it sees less; what is lost is counted cpu_max=%llu%%",
			 (unsigned long long)(max / 10));
		m->paced_told = m->analyst.stats->paced + 60 * SECOND;
	}
}
