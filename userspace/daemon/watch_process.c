/* SPDX-License-Identifier: Apache-2.0 */
/* watch_process.c - processes: who they are, which files with TLS functions they use. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture.h"
#include "classify/names.h"
#include "daemon/cgroup.h"
#include "daemon/container.h"
#include "daemon/proc.h"
#include "daemon/script.h"
#include "daemon/user.h"
#include "daemon/watch_private.h"

#define KEEP_DEAD_NS 120000000000ull

struct process *process_find(struct watch *w, uint32_t tgid, uint64_t start)
{
	struct process *p = w->buckets[tgid % BUCKETS];

	while (p && (p->facts.key.tgid != tgid || (start && p->facts.key.start != start)))
		p = p->next;
	return p;
}

struct process *process_add(struct watch *w, const struct wire_who *who)
{
	struct process *p = process_find(w, who->tgid, who->start);
	char comm[NAME_SIZE];

	if (p)
		return p;
	p = w->nr_processes < PROCESSES ? calloc(1, sizeof(*p)) : NULL;
	if (!p) {
		w->stats.unknown++;
		return NULL;
	}
	p->facts.key = (struct process_key){ who->tgid, who->start };
	p->facts.cgroup = who->cgroup;
	name_clean(comm, (const char *)who->comm, strnlen((const char *)who->comm, sizeof(who->comm)));
	snprintf(p->facts.comm, sizeof(p->facts.comm), "%.15s", comm);
	p->next = w->buckets[who->tgid % BUCKETS];
	w->buckets[who->tgid % BUCKETS] = p;
	w->nr_processes++;
	return p;
}

bool process_is_told(const struct process *p)
{
	return p->told && !(p->place && p->asked);
}

void process_fact(struct watch *w, const struct process *p)
{
	memset(&w->fact, 0, sizeof(w->fact));
	w->fact.kind = FACT_PROCESS;
	w->fact.process = p->facts;
}

void process_tell(struct watch *w, struct process *p)
{
	p->told = true;
	if (!process_is_told(p))	/* in a moment, by its name */
		return;
	process_fact(w, p);
	w->config.fact(w->config.owner, &w->fact);
}

void process_user(struct process *p, const struct wire_life *l)
{
	p->started.uid = l->uid;
	p->started.uid_known = true;
}

void process_started(struct process *p, const struct wire_exec *e)
{
	char args[WIRE_ARGS + 1];
	const char *script;
	size_t len;

	process_user(p, &e->life);
	memcpy(p->started.path, e->life.path, sizeof(p->started.path));
	memcpy(p->started.program, e->program, sizeof(p->started.program));
	p->started.inode = e->inode;
	p->started.script[0] = 0;
	memcpy(args, e->args, e->len);
	args[e->len] = 0;
	script = e->len ? script_of(p->started.program, args, e->len + 1, &len) : NULL;
	if (script && script + len < args + WIRE_ARGS)	/* not cut */
		name_clean(p->started.script, script, len);
	explicit_bzero(args, sizeof(args));	/* they may hold what is nobody's business */
}

/* Links are followed, as /proc/PID/exe has them followed, where that is certain to lead to the same file. */
static void started_exe(const struct started *s, char out[EXE_SIZE])
{
	char *real = s->program[0] == '/' ? realpath(s->program, NULL) : NULL;
	const char *path = s->program;
	struct stat st;

	if (real && !stat(real, &st) && st.st_ino == s->inode)
		path = real;
	name_clean_path(out, path, strlen(path));
	free(real);
}

/* Of one that nothing is told of, being a child of one that is older than weir: who started it is the same program. */
static void process_like_parent(struct process *p)
{
	struct process_facts parent = { 0 };
	struct place place;

	if (!proc_facts((pid_t)p->facts.parent, &parent, &place))
		return;
	memcpy(p->facts.exe, parent.exe, sizeof(p->facts.exe));
	memcpy(p->facts.script, parent.script, sizeof(p->facts.script));
}

/* Gone or a zombie by now. */
static void process_facts_told(struct process *p, bool contained)
{
	const struct started *s = &p->started;

	if (!s->program[0] && p->facts.parent) {
		process_like_parent(p);
	} else if (s->program[0]) {
		if (!p->facts.exe[0])
			started_exe(s, p->facts.exe);
		memcpy(p->facts.script, s->script, sizeof(p->facts.script));
	}
	if (p->facts.uid_known || !s->uid_known)
		return;
	p->facts.uid = s->uid;
	p->facts.uid_known = 1;
	if (!contained)
		user_name(p->facts.user, sizeof(p->facts.user), s->uid);
}

void process_resolve(struct watch *w, struct process *p)
{
	pid_t pid = (pid_t)p->facts.key.tgid;
	struct place place;
	bool there;

	if (p->resolved)
		return;
	p->resolved = true;
	there = proc_facts(pid, &p->facts, &place);
	if (!place.unit[0] && !place_is_container(&place)) {
		const char *path = cgroup_path(p->facts.cgroup);

		place_read(&place, path, strlen(path));
		pid = (pid_t)p->facts.parent;
	}
	if (!there)
		process_facts_told(p, place_is_container(&place));
	process_place(w, p, pid, &place);
}

void processes_forget(struct watch *w, uint64_t now)
{
	for (size_t b = 0; b < BUCKETS; b++) {
		struct process **at = &w->buckets[b];

		while (*at) {
			struct process *p = *at;

			if (p->died && now > p->died && now - p->died > KEEP_DEAD_NS) {
				*at = p->next;
				process_unplace(w, p);
				free(p);
				w->nr_processes--;
				continue;
			}
			at = &p->next;
		}
	}
}

/* Its files. */

/* Of several the one to name: a probed one, else one that should be. A program or another
 * file that was not looked at yet is most likely one like most others. */
static const struct file *process_file(const struct watch *w, const struct process *p)
{
	static const int rank[] = { [FILE_PROBED] = 4, [FILE_FAILED] = 3, [FILE_HIDDEN] = 2, [FILE_WAITING] = 1, [FILE_SCANNING] = 1, [FILE_PLAIN] = 0 };
	const struct file *best = NULL;

	for (unsigned i = 0; i < p->nr_files; i++) {
		const struct file *f = &w->files[p->files[i]];
		bool known = rank[f->state] > 1;

		if (rank[f->state] && (known || f->kind == FILE_NAMED) && (!best || rank[f->state] > rank[best->state]))
			best = f;
	}
	return best;
}

/* Where nothing is found the program's build id still tells whom to ask for what it has inside. */
static const char *program_id(const struct watch *w, const struct process *p)
{
	for (unsigned i = 0; i < p->nr_files; i++)
		if (w->files[p->files[i]].kind == FILE_PROGRAM)
			return w->files[p->files[i]].build_id;
	return "";
}

static uint8_t probe_state(const struct file *f)
{
	static const uint8_t states[] = { [FILE_PROBED] = PROBE_ATTACHED, [FILE_FAILED] = PROBE_FAILED, [FILE_HIDDEN] = PROBE_HIDDEN,
					  [FILE_WAITING] = PROBE_NONE, [FILE_SCANNING] = PROBE_NONE };

	if (!f)
		return PROBE_NO_LIBRARY;
	if (f->state == FILE_FAILED && f->limited)
		return PROBE_LIMIT;
	return f->state == FILE_PROBED && f->refused ? PROBE_PARTLY : states[f->state];
}

bool process_probe(const struct watch *w, struct process *p)
{
	const struct file *f = process_file(w, p);
	uint8_t probe = probe_state(f);
	const char *name = f ? f->name : "", *build_id = f ? f->build_id : program_id(w, p);
	bool changed = p->facts.tls_probe != probe || strcmp(p->facts.library, name) || strcmp(p->facts.build_id, build_id);

	p->facts.tls_probe = probe;
	snprintf(p->facts.library, sizeof(p->facts.library), "%s", name);
	snprintf(p->facts.build_id, sizeof(p->facts.build_id), "%s", build_id);
	return changed;
}

void process_uses(struct watch *w, struct process *p, uint16_t file)
{
	if (file == NO_FILE || p->died)
		return;
	for (unsigned i = 0; i < p->nr_files; i++)
		if (p->files[i] == file)
			return;
	if (p->nr_files == PROCESS_FILES)
		return;	/* the census still sees that it has it mapped */
	p->files[p->nr_files++] = file;
	w->files[file].refs++;
	if (p->told && process_probe(w, p))
		process_tell(w, p);
}

void file_unused(struct watch *w, uint16_t file)
{
	if (!--w->files[file].refs)
		w->files[file].doubt = true;
}

void process_drop(struct watch *w, struct process *p)
{
	while (p->nr_files)
		file_unused(w, p->files[--p->nr_files]);
}

/* Most files turn out to be of no interest, and make room for others in the process. A
 * program's place is kept for its build id. */
static void process_refresh(struct watch *w, struct process *p, uint16_t file)
{
	const struct file *f = &w->files[file];

	for (unsigned i = 0; i < p->nr_files; i++) {
		if (p->files[i] != file)
			continue;
		if (f->state == FILE_PLAIN && f->kind != FILE_PROGRAM) {
			file_unused(w, file);
			p->files[i] = p->files[--p->nr_files];
		}
		if (p->told && process_probe(w, p))
			process_tell(w, p);
		return;
	}
}

void processes_refresh(struct watch *w, uint16_t file)
{
	if (!w->files[file].refs)
		return;
	for (size_t b = 0; b < BUCKETS; b++)
		for (struct process *p = w->buckets[b]; p; p = p->next)
			process_refresh(w, p, file);
}

/* Filters by name are turned into pids as processes appear. */

bool filters_any(const struct watch *w)
{
	return wanted_by_name(w->config.wanted);
}

static bool exe_match(const struct names *n, const char *exe)
{
	const char *base = strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;

	for (unsigned i = 0; i < n->nr; i++)
		if (!fnmatch(n->list[i], exe, 0) || (!strchr(n->list[i], '/') && !fnmatch(n->list[i], base, 0)))
			return true;
	return false;
}

static bool name_match(const struct names *n, const char *name)
{
	for (unsigned i = 0; i < n->nr; i++)
		if (!strcmp(n->list[i], name))
			return true;
	return false;
}

static bool container_match(const struct names *n, const char *id)
{
	for (unsigned i = 0; id[0] && i < n->nr; i++)
		if (!strncmp(n->list[i], id, 12))
			return true;
	return false;
}

static bool filter_match(const struct watch *w, const struct process *p)
{
	const struct wanted *wanted = w->config.wanted;

	return exe_match(&wanted->exes, p->facts.exe[0] ? p->facts.exe : p->started.path) || name_match(&wanted->units, p->facts.unit) ||
	       name_match(&wanted->containers, p->facts.container) || container_match(&wanted->containers, p->facts.container_id);
}

void filter_apply(struct watch *w, struct process *p)
{
	if (p->watched || !filters_any(w))
		return;
	if (w->config.wanted->units.nr || w->config.wanted->containers.nr)
		process_resolve(w, p);
	if (!filter_match(w, p))
		return;
	p->watched = true;
	capture_watch_pid(w->config.capture, p->facts.key.tgid);
}
