/* SPDX-License-Identifier: Apache-2.0 */
/* maps.c - what the kernel side is told and asked by maps: whom to watch, what to leave out, the
 * interval, the counters. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/private.h"

static void *map_memory(struct capture *c, const char *name, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_object__find_map_fd_by_name(c->object, name), 0);

	return at == MAP_FAILED ? NULL : at;
}

static size_t counters_size(const struct capture *c)
{
	return (size_t)c->cpus * WIRE_SLOTS * sizeof(*c->counters);
}

int capture_maps(struct capture *c)
{
	c->shown = map_memory(c, "config", sizeof(*c->shown));
	c->last_id = map_memory(c, "last_id", sizeof(*c->last_id));	/* the first is that of connections */
	c->counters = map_memory(c, "counters", counters_size(c));
	if (!c->shown || !c->last_id || !c->counters)
		return -errno;
	memset(c->counters, 0, counters_size(c));	/* what the proof of the hooks counted */
	return 0;
}

void capture_maps_end(struct capture *c)
{
	if (c->shown)
		munmap(c->shown, sizeof(*c->shown));
	if (c->last_id)
		munmap(c->last_id, sizeof(*c->last_id));
	if (c->counters)
		munmap(c->counters, counters_size(c));
}

void capture_config_write(struct capture *c)
{
	memcpy(c->shown, &c->value, sizeof(c->value));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint64_t *counter_at(struct capture *c, int cpu, uint32_t epoch, uint32_t counter)
{
	return c->counters + (size_t)cpu * WIRE_SLOTS + (epoch & (WIRE_EPOCHS - 1)) * WIRE_C_MAX + counter;
}

void capture_epoch(struct capture *c, uint32_t epoch)
{
	for (int cpu = 0; cpu < c->cpus; cpu++)
		for (uint32_t i = 0; i < WIRE_C_MAX; i++)
			__atomic_store_n(counter_at(c, cpu, epoch + 1, i), 0, __ATOMIC_RELAXED);
	c->value.epoch = epoch;
	capture_config_write(c);
}

int capture_own(struct capture *c, uint32_t tgid, bool add)
{
	uint8_t own = WIRE_TASK_OWN;

	return add ? bpf_map_update_elem(c->scope_fd, &tgid, &own, BPF_ANY) : bpf_map_delete_elem(c->scope_fd, &tgid);
}

int capture_watch_pid(struct capture *c, uint32_t tgid)
{
	uint8_t watched = WIRE_TASK_WATCHED;

	return bpf_map_update_elem(c->scope_fd, &tgid, &watched, BPF_NOEXIST);
}

int capture_watch_exe(struct capture *c, const char *glob)
{
	struct wire_glob g = { .base = !strchr(glob, '/') };

	if (c->nr_globs == WIRE_GLOBS || strlen(glob) >= sizeof(g.text) || strpbrk(glob, "[\\"))
		return -EOPNOTSUPP;
	memcpy(g.text, glob, strlen(glob));
	c->config.filter |= WIRE_FILTER_EXE;	/* goes to the kernel with all the others, by capture_attach */
	if (bpf_map_update_elem(c->exe_fd, &c->nr_globs, &g, BPF_ANY))
		return -errno;
	c->nr_globs++;
	return 0;
}

int capture_watch_selftest(struct capture *c, uint32_t tgid)
{
	uint8_t selftest = WIRE_TASK_SELFTEST;

	return bpf_map_update_elem(c->scope_fd, &tgid, &selftest, BPF_ANY);
}

int capture_watch_cgroup(struct capture *c, uint64_t id)
{
	uint8_t one = 1;

	return bpf_map_update_elem(c->cgroups_fd, &id, &one, BPF_ANY);
}

void capture_share(struct capture *c, uint32_t share)
{
	c->value.share = share;
	capture_config_write(c);
}

int capture_unwanted(struct capture *c, uint64_t conn, const struct wire_unwanted *u)
{
	if (!conn || conn > __atomic_load_n(c->last_id, __ATOMIC_RELAXED))
		return -ENOENT;
	if (!(c->value.flags & WIRE_CONFIG_UNWANTED)) {
		c->value.flags |= WIRE_CONFIG_UNWANTED;
		capture_config_write(c);
	}
	return bpf_map_update_elem(c->unwanted_fd, &conn, u, BPF_ANY) ? -errno : 0;
}

void capture_wanted(struct capture *c, uint64_t conn, uint64_t now)
{
	struct wire_unwanted u;

	if (!bpf_map_lookup_elem(c->unwanted_fd, &conn, &u) && u.until <= now)
		bpf_map_delete_elem(c->unwanted_fd, &conn);
}

void capture_wanted_all(struct capture *c)
{
	c->value.flags &= (uint16_t)~WIRE_CONFIG_UNWANTED;
	capture_config_write(c);
}

uint64_t capture_counter(struct capture *c, uint32_t epoch, enum wire_counter counter)
{
	uint64_t sum = 0;

	for (int cpu = 0; cpu < c->cpus; cpu++)
		sum += __atomic_load_n(counter_at(c, cpu, epoch, counter), __ATOMIC_RELAXED);
	return sum;
}

void capture_counters(struct capture *c, uint32_t epoch, uint64_t out[WIRE_C_MAX])
{
	for (uint32_t i = 0; i < WIRE_C_MAX; i++)
		out[i] = capture_counter(c, epoch, i);
}
