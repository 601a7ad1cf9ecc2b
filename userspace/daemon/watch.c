/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - what happens in the watched world, in the order in which the monitor hears of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "capture/mapping.h"
#include "capture/record.h"
#include "daemon/cgroup.h"
#include "daemon/proc.h"
#include "daemon/watch_private.h"

#define PATHS_NS 1000000000ull

struct watch *watch_new(const struct watch_config *config)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->config = *config;
	w->resent = BUCKETS;
	memset(w->file_buckets, 0xff, sizeof(w->file_buckets));
	return w;
}

void watch_begin(struct watch *w, struct capture *capture)
{
	char why[128];

	w->config.capture = capture;
	for (uint16_t i = 0; i < w->nr_files; i++)
		if (w->files[i].state == FILE_SCANNING)
			capture_own(capture, (uint32_t)w->files[i].pid, true);
	if (w->spare.pid)
		capture_own(capture, (uint32_t)w->spare.pid, true);
	w->mappings = mappings_new(why, sizeof(why));
	if (!w->mappings)
		log_warn("the kernel does not tell of mappings error=\"%s\": libraries that are loaded late are found by looking, within seconds", why);
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (w->buckets[i]) {
			struct process *p = w->buckets[i];

			w->buckets[i] = p->next;
			free(p->place);
			free(p);
		}
	for (unsigned i = 0; i < w->nr_files; i++) {
		if (w->files[i].state == FILE_WAITING || w->files[i].state == FILE_SCANNING)
			close(w->files[i].fd);
		if (w->files[i].state == FILE_SCANNING)
			close(w->files[i].answer);
	}
	w->config.capture = NULL;	/* closed by now */
	spare_drop(w);
	if (w->census)
		closedir(w->census);
	mappings_free(w->mappings);
	free(w);
}

/* The life ring. */

/* Who it is and what it uses, as far as that is to be seen now. */
static void process_show(struct watch *w, struct process *p, uint64_t since)
{
	pid_t pid = (pid_t)p->facts.key.tgid;

	p->since = since;
	process_resolve(w, p);
	/* Ours, or of another instance on this host: outside all populations. */
	p->facts.selftest = pid == w->selftest || proc_is_role(pid, "stimulus");
	process_uses(w, p, program_add(w, pid));
	process_census(w, pid, p, true);
	process_probe(w, p);
	process_tell(w, p);
}

static void on_exec(struct watch *w, const struct wire_life *l)
{
	struct process *p = process_add(w, &l->who);
	struct process_facts facts;
	bool told;

	if (!p)
		return;
	facts = (struct process_facts){ .key = p->facts.key, .parent = p->facts.parent, .cgroup = l->who.cgroup };
	memcpy(facts.comm, p->facts.comm, sizeof(facts.comm));
	p->facts = facts;
	told = p->told;
	process_unplace(w, p);
	p->resolved = p->told = false;
	process_drop(w, p);
	process_started(p, (const struct wire_exec *)l);
	name_ahead(w, (pid_t)p->facts.key.tgid, l->who.cgroup);
	filter_apply(w, p);
	/* It has connections, which it may go on with. */
	if (told)
		process_show(w, p, l->time);
	else	/* Now, so that it is probed before its first request, or soon after it. */
		process_uses(w, p, program_add(w, (pid_t)p->facts.key.tgid));
}

static void on_fork(struct watch *w, const struct wire_life *l)
{
	struct process *parent = process_find(w, l->parent, 0), *p = process_add(w, &l->who);

	if (!p)
		return;
	p->facts.parent = l->parent;
	if (!parent)
		return;
	p->started = parent->started;
	if (parent->resolved)
		memcpy(p->started.script, parent->facts.script, sizeof(p->started.script));
	process_user(p, l);
	memcpy(p->facts.exe, parent->facts.exe, sizeof(p->facts.exe));
	if (parent->watched) {
		p->watched = true;
		capture_watch_pid(w->config.capture, p->facts.key.tgid);
	}
}

static void on_conn(struct watch *w, const struct wire_life *l)
{
	struct process *p = process_add(w, &l->who);

	if (p && !p->told) {
		process_user(p, l);
		process_show(w, p, l->time);
	}
	memset(&w->fact, 0, sizeof(w->fact));
	w->fact.kind = FACT_CONN;
	record_conn(&w->fact.conn.conn, &l->who, l->flags);
	w->fact.conn.time = l->time;
	w->fact.conn.epoch = l->epoch;
	w->fact.conn.before[DIR_SENT] = l->sent;
	w->fact.conn.before[DIR_RECEIVED] = l->received;
	w->config.fact(w->config.owner, &w->fact);
}

static void on_exit_(struct watch *w, const struct wire_life *l)
{
	struct process *p = process_find(w, l->who.tgid, l->who.start);

	if (!p)
		return;
	p->died = l->time;
	process_drop(w, p);
	p->facts.exited = 1;
	if (p->told)
		process_tell(w, p);
}

static void on_life(void *owner, const struct wire_life *l)
{
	struct watch *w = owner;

	switch (l->kind) {
	case WIRE_EXEC:
		on_exec(w, l);
		break;
	case WIRE_CGROUP:
		cgroup_made(l->who.cgroup, (const char *)((const struct wire_cgroup *)l)->path);
		break;
	case WIRE_FORK:
		on_fork(w, l);
		break;
	case WIRE_CONN:
		on_conn(w, l);
		break;
	case WIRE_EXIT:
		on_exit_(w, l);
		break;
	case WIRE_CLOSE:
		w->config.close(w->config.owner, l);
		break;
	default:
		w->stats.unknown++;
	}
}

/* False: the keeper does not take more now. */
static bool bucket_resend(struct watch *w, const struct process *p)
{
	for (; p; p = p->next)
		if (process_is_told(p)) {
			process_fact(w, p);
			if (!w->config.again(w->config.owner, &w->fact))
				return false;
		}
	return true;
}

void watch_drain(struct watch *w)
{
	uint64_t now = clock_boot_ns();

	while (w->resent < BUCKETS && bucket_resend(w, w->buckets[w->resent]))
		w->resent++;
	if (capture_life(w->config.capture, on_life, w))
		w->heard = now;
	if (w->mappings)
		mappings_drain(w->mappings, on_mapping, w);
	scans_advance(w);
	names_advance(w);
}

void watch_tick(struct watch *w, uint64_t now, bool hurry)
{
	w->hurry = hurry;
	processes_forget(w, now);
	names_tick(w, now);
	if (now - w->paths_looked >= PATHS_NS) {
		w->paths_looked = now;
		paths_look(w);
	}
	census_step(w, now);
	scans_advance(w);
}

void watch_selftest(struct watch *w, pid_t pid)
{
	w->selftest = pid;
}

void watch_resend(struct watch *w)
{
	w->resent = 0;
}

/* Before the first that waits for the name of its container. */
uint64_t watch_heard(const struct watch *w)
{
	uint64_t heard = w->resent < BUCKETS ? 0 : w->heard;

	for (size_t b = 0; w->unnamed && b < BUCKETS; b++)
		for (const struct process *p = w->buckets[b]; p; p = p->next)
			if (p->told && !process_is_told(p) && p->since <= heard)
				heard = p->since - 1;
	return heard;
}

void watch_stats(const struct watch *w, struct watch_stats *out)
{
	*out = w->stats;
}
