/* SPDX-License-Identifier: Apache-2.0 */
/* maps.c - what the kernel side is told and asked by maps: whom to watch, what to leave out, the
 * interval, the counters. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/private.h"

int capture_config_write(struct capture *c)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(c->config_fd, &zero, &c->value, BPF_ANY);
}

void capture_epoch(struct capture *c, uint32_t epoch)
{
	uint64_t *blank = calloc((size_t)c->cpus, sizeof(*blank));

	for (uint32_t i = 0; blank && i < WIRE_C_MAX; i++) {
		uint32_t slot = ((epoch + 1) & (WIRE_EPOCHS - 1)) * WIRE_C_MAX + i;

		bpf_map_update_elem(c->counters_fd, &slot, blank, BPF_ANY);
	}
	free(blank);
	c->value.epoch = epoch;
	(void)capture_config_write(c);
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

int capture_share(struct capture *c, uint32_t share)
{
	c->value.share = share;
	return capture_config_write(c);
}

int capture_unwanted(struct capture *c, uint64_t conn, const struct wire_unwanted *u)
{
	uint64_t last = 0;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(c->last_fd, &zero, &last) || !conn || conn > last)
		return -ENOENT;
	if (!(c->value.flags & WIRE_CONFIG_UNWANTED)) {
		c->value.flags |= WIRE_CONFIG_UNWANTED;
		if (capture_config_write(c))
			return -errno;
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
	(void)capture_config_write(c);
}

static uint64_t counter_sum(struct capture *c, uint32_t epoch, uint32_t counter, uint64_t *values)
{
	uint32_t slot = (epoch & (WIRE_EPOCHS - 1)) * WIRE_C_MAX + counter;
	uint64_t sum = 0;

	if (!values || bpf_map_lookup_elem(c->counters_fd, &slot, values))
		return 0;
	for (int cpu = 0; cpu < c->cpus; cpu++)
		sum += values[cpu];
	return sum;
}

void capture_counters(struct capture *c, uint32_t epoch, uint64_t out[WIRE_C_MAX])
{
	uint64_t *values = calloc((size_t)c->cpus, sizeof(*values));

	for (uint32_t i = 0; i < WIRE_C_MAX; i++)
		out[i] = counter_sum(c, epoch, i, values);
	free(values);
}

uint64_t capture_counter(struct capture *c, uint32_t epoch, enum wire_counter counter)
{
	uint64_t *values = calloc((size_t)c->cpus, sizeof(*values)), sum = counter_sum(c, epoch, counter, values);

	free(values);
	return sum;
}
