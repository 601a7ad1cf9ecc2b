/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: perf_event_open(2); include/uapi/linux/perf_event.h. One event a CPU, since the
 * kernel lends no ring to an event that follows all processes over all of them; what a CPU
 * does that comes later is found by the census. */
#include "capture/mapping.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_BYTES ((size_t)64 << 10)	/* a CPU: some 500 mappings; */
#define RING_LEAST ((size_t)8 << 10)	/* where there are many */
#define RINGS_BYTES ((size_t)2 << 20)	/* of all together */
#define CPUS_MAX 4096
#define RECORD_MAX 8192			/* PATH_MAX and the numbers */

struct cpu { int fd; struct perf_event_mmap_page *head; const uint8_t *data; };
struct mappings {
	struct cpu *cpus;
	long nr;
	size_t page, size;	/* size: of the data of a ring */
	uint64_t lost;
};

static void cpu_close(const struct mappings *m, struct cpu *c)
{
	if (c->head)
		munmap(c->head, m->page + m->size);
	if (c->fd >= 0)
		close(c->fd);
}

static int cpu_open(const struct mappings *m, struct cpu *c, int cpu)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY, .size = sizeof(a),
		.mmap = 1, .mmap2 = 1, .watermark = 1, .wakeup_watermark = UINT32_MAX >> 1,	/* nobody sleeps on it */
	};
	void *p;

	*c = (struct cpu){ .fd = (int)syscall(SYS_perf_event_open, &a, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC) };
	if (c->fd < 0)
		return errno == ENODEV ? 0 : -errno;	/* a CPU that is off */
	p = mmap(NULL, m->page + m->size, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	c->head = p;
	c->data = (const uint8_t *)p + m->page;
	return 0;
}

struct mappings *mappings_new(char *why, size_t why_size)
{
	struct mappings *m = calloc(1, sizeof(*m));
	int err = m ? 0 : -ENOMEM;

	if (m) {
		m->nr = sysconf(_SC_NPROCESSORS_CONF);
		m->nr = m->nr < 1 ? 1 : m->nr > CPUS_MAX ? CPUS_MAX : m->nr;
		m->page = (size_t)sysconf(_SC_PAGESIZE);
		m->size = RING_BYTES;
		while (m->size > RING_LEAST && m->size * (size_t)m->nr > RINGS_BYTES)
			m->size /= 2;
		m->cpus = calloc((size_t)m->nr, sizeof(*m->cpus));
		err = m->cpus ? 0 : -ENOMEM;
	}
	for (int i = 0; !err && i < m->nr; i++) {
		err = cpu_open(m, &m->cpus[i], i);
		if (err) {
			cpu_close(m, &m->cpus[i]);
			m->nr = i;
		}
	}
	if (!err)
		return m;
	snprintf(why, why_size, "%s", strerror(-err));
	mappings_free(m);
	return NULL;
}

void mappings_free(struct mappings *m)
{
	if (!m)
		return;
	for (long i = 0; m->cpus && i < m->nr; i++)
		cpu_close(m, &m->cpus[i]);
	free(m->cpus);
	free(m);
}

/* After struct perf_event_header; the path follows, ended by zeros. */
struct mmap2 {
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t maj, min;
	uint64_t ino, ino_generation;
	uint32_t prot, flags;
};

void mapping_record(const void *record, size_t len, void (*take)(void *, const struct mapping *), void *owner)
{
	size_t at = sizeof(struct perf_event_header) + sizeof(struct mmap2);
	struct perf_event_header head;
	struct mmap2 r;

	if (len < at)
		return;
	memcpy(&head, record, sizeof(head));
	if (head.type != PERF_RECORD_MMAP2 || head.misc & PERF_RECORD_MISC_MMAP_BUILD_ID || !memchr((const char *)record + at, 0, len - at))
		return;
	memcpy(&r, (const char *)record + sizeof(head), sizeof(r));
	take(owner, &(struct mapping){
		.tgid = r.pid, .major = r.maj, .minor = r.min, .ino = r.ino, .generation = r.ino_generation,
		.start = r.addr, .end = r.addr + r.len, .path = (const char *)record + at,
	});
}

static uint64_t cpu_drain(const struct cpu *c, size_t size, void (*take)(void *, const struct mapping *), void *owner)
{
	uint64_t at = c->head->data_tail, end = __atomic_load_n(&c->head->data_head, __ATOMIC_ACQUIRE), lost = 0;
	static uint8_t record[RECORD_MAX];	/* one may lie around the end of the ring */
	struct perf_event_header head;

	while (end - at >= sizeof(head)) {
		for (size_t i = 0; i < sizeof(head); i++)
			((uint8_t *)&head)[i] = c->data[(at + i) & (size - 1)];
		if (head.size < sizeof(head) || head.size > end - at)
			break;
		for (size_t i = 0; i < head.size && i < sizeof(record); i++)
			record[i] = c->data[(at + i) & (size - 1)];
		if (head.type == PERF_RECORD_LOST && head.size >= sizeof(head) + 2 * sizeof(uint64_t)) {
			uint64_t nr;

			memcpy(&nr, record + sizeof(head) + sizeof(uint64_t), sizeof(nr));
			lost += nr;
		} else if (head.size <= sizeof(record)) {
			mapping_record(record, head.size, take, owner);
		}
		at += head.size;
	}
	__atomic_store_n(&c->head->data_tail, end, __ATOMIC_RELEASE);
	return lost;
}

void mappings_drain(struct mappings *m, void (*take)(void *, const struct mapping *), void *owner)
{
	for (long i = 0; i < m->nr; i++)
		if (m->cpus[i].head)
			m->lost += cpu_drain(&m->cpus[i], m->size, take, owner);
}

uint64_t mappings_lost(const struct mappings *m)
{
	return m->lost;
}
