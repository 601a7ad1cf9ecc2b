/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "capture/record.h"
#include "capture/tls/tls.h"
#include "classify/names.h"
#include "daemon/cgroup.h"
#include "daemon/daemon.h"
#include "daemon/proc.h"
#include "daemon/spawn.h"

#define PROCESSES 16384	/* remembered at once */
#define BUCKETS 4096
#define LIBRARIES 4096	/* files that were looked at; most are programs without TLS functions */
#define PROCESS_FILES 8	/* of them that one process uses */
#define PROGRAM_MIN 131072	/* bytes: nobody's TLS fits into a smaller program */
#define SCANS 4		/* elfscans at once */
#define KEEP_DEAD_NS 120000000000ull
#define LOOK_AGAIN_NS 2000000000ull

/* A file that may have TLS functions in it, by identity: a library by its name, or the
 * program of a process, into which they may have been linked. */
struct library {
	dev_t dev;
	ino_t ino;
	off_t size;		/* these two tell a file from another that got its inode number later */
	struct timespec changed;
	bool program;		/* without TLS functions it is one like most others, and no failure */
	int fd;			/* open until the scan is over */
	pid_t pid;		/* of its elfscan; 0: not running */
	int answer;		/* read end of its pipe */
	uint64_t began;
	enum { LIB_WAITING, LIB_SCANNING, LIB_PROBED, LIB_FAILED, LIB_PLAIN } state;
	char name[EXE_SIZE];
	char build_id[41];
};

struct process {
	struct process_facts facts;
	char exec_path[EXE_SIZE];	/* as given to execve: what is left when it is gone quickly */
	bool resolved, told, watched;
	uint16_t files[PROCESS_FILES];	/* indexes of libraries */
	unsigned nr_files;
	uint64_t looked, died;
	struct process *next;
};

struct watch {
	struct watch_config config;
	struct process *buckets[BUCKETS];
	size_t nr_processes;
	struct library libraries[LIBRARIES];
	unsigned nr_libraries, scanning;
	pid_t selftest;
	struct watch_stats stats;
	struct fact fact;	/* the one being told; too large for the stack */
};

struct watch *watch_new(const struct watch_config *config)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w)
		w->config = *config;
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (w->buckets[i]) {
			struct process *p = w->buckets[i];

			w->buckets[i] = p->next;
			free(p);
		}
	for (unsigned i = 0; i < w->nr_libraries; i++) {
		if (w->libraries[i].fd >= 0)
			close(w->libraries[i].fd);
		if (w->libraries[i].state == LIB_SCANNING)
			close(w->libraries[i].answer);
	}
	free(w);
}

/* Processes. */

static struct process *process_find(struct watch *w, uint32_t tgid, uint64_t start)
{
	struct process *p = w->buckets[tgid % BUCKETS];

	while (p && (p->facts.key.tgid != tgid || (start && p->facts.key.start != start)))
		p = p->next;
	return p;
}

static struct process *process_add(struct watch *w, const struct wire_who *who)
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

static void process_tell(struct watch *w, struct process *p)
{
	memset(&w->fact, 0, sizeof(w->fact));
	w->fact.kind = FACT_PROCESS;
	w->fact.process = p->facts;
	w->fact.process.selftest = p->facts.selftest;
	p->told = true;
	w->config.fact(w->config.owner, &w->fact);
}

static void process_resolve(struct process *p)
{
	if (p->resolved)
		return;
	p->resolved = true;
	proc_facts((pid_t)p->facts.key.tgid, &p->facts);
	/* Gone or a zombie by now: the kernel side told what it was started as, and where. */
	if (!p->facts.exe[0] && p->exec_path[0])
		name_clean_path(p->facts.exe, p->exec_path, strlen(p->exec_path));
	if (!p->facts.unit[0] && !p->facts.container[0])
		proc_cgroup(cgroup_path(p->facts.cgroup), &p->facts);
}

/* Libraries. */

static bool is_tls_library(const char *base)
{
	for (unsigned i = 0; i < tls_lib_count(); i++) {
		const char *prefix = tls_lib_get(i)->soname;

		if (!strncmp(base, prefix, strlen(prefix)))
			return true;
	}
	return false;
}

/* A file that is probed or being scanned is held, so nobody else gets its inode number. */
static int library_find(struct watch *w, const struct stat *st)
{
	for (unsigned i = 0; i < w->nr_libraries; i++) {
		const struct library *l = &w->libraries[i];

		if (l->dev == st->st_dev && l->ino == st->st_ino &&
		    ((l->state != LIB_PLAIN && l->state != LIB_FAILED) ||
		     (l->size == st->st_size && l->changed.tv_sec == st->st_ctim.tv_sec && l->changed.tv_nsec == st->st_ctim.tv_nsec)))
			return (int)i;
	}
	return -1;
}

/* Takes fd. The identity is the open file's own, not what maps says: overlay and btrfs
 * show other device numbers there. */
static int library_add(struct watch *w, int fd, const char *name, bool program)
{
	struct stat st;
	int i;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (program && st.st_size < PROGRAM_MIN)) {
		close(fd);
		return -1;
	}
	i = library_find(w, &st);
	if (i >= 0 || w->nr_libraries == LIBRARIES) {
		close(fd);
		return i;
	}
	i = (int)w->nr_libraries++;
	w->libraries[i] = (struct library){
		.dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_ctim, .program = program, .fd = fd,
	};
	name_clean_path(w->libraries[i].name, name, strlen(name));
	return i;
}

static void scan_start(struct watch *w, struct library *l)
{
	struct role_plan plan = { .name = "elfscan" };
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK)) {
		l->state = LIB_FAILED;
		return;
	}
	role_plan_fd(&plan, 3, l->fd);
	role_plan_fd(&plan, 4, fds[1]);
	pid = role_spawn(&plan);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		l->state = LIB_FAILED;
		return;
	}
	capture_own(w->config.capture, (uint32_t)pid, true);
	l->pid = pid;
	l->answer = fds[0];
	l->began = clock_boot_ns();
	l->state = LIB_SCANNING;
	w->scanning++;
}

static void library_attach(struct watch *w, struct library *l, const struct tls_sites *s)
{
	unsigned ok = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", l->fd);
	for (unsigned i = 0; i < s->nr && i < sizeof(s->site) / sizeof(s->site[0]); i++) {
		int err = capture_probe(w->config.capture, path, s->site[i].offset, s->site[i].cookie);

		if (err)
			log_warn("cannot probe library=%s offset=%#llx error=\"%s\"", l->name,
				 (unsigned long long)s->site[i].offset, strerror(-err));
		else
			ok++;
		if (!err && s->site[i].dear)
			log_info("a dearer probe site is used library=%s: its layout is not the known one", l->name);
	}
	l->state = ok && ok == s->nr ? LIB_PROBED : LIB_FAILED;
	w->stats.libraries += ok > 0;
	w->stats.probes += ok;
}

/* Everything of the answer is checked: the scanner has parsed a hostile file. */
static bool sites_valid(const struct tls_sites *s, off_t size)
{
	if (!s->nr || s->nr > sizeof(s->site) / sizeof(s->site[0]))
		return false;
	for (unsigned i = 0; i < s->nr; i++)
		if (s->site[i].offset >= (uint64_t)size)
			return false;
	return strnlen(s->build_id, sizeof(s->build_id)) < sizeof(s->build_id) &&
	       strspn(s->build_id, "0123456789abcdef") == strlen(s->build_id);
}

/* Of several files in a process the one to name: a probed one, else one that should be. */
static const struct library *process_library(const struct watch *w, const struct process *p)
{
	static const int rank[] = { [LIB_PROBED] = 3, [LIB_FAILED] = 2, [LIB_WAITING] = 1, [LIB_SCANNING] = 1, [LIB_PLAIN] = 0 };
	const struct library *best = NULL;

	for (unsigned i = 0; i < p->nr_files; i++) {
		const struct library *l = &w->libraries[p->files[i]];

		/* A program that was not looked at yet is most likely one like most others. */
		if (l->state != LIB_PLAIN && (!l->program || l->state == LIB_PROBED) && (!best || rank[l->state] > rank[best->state]))
			best = l;
	}
	return best;
}

/* Writes it into the facts; true: they changed. */
static bool process_probe(const struct watch *w, struct process *p)
{
	const struct library *l = process_library(w, p);
	uint8_t probe = !l ? PROBE_NO_LIBRARY : l->state == LIB_PROBED ? PROBE_ATTACHED : l->state == LIB_FAILED ? PROBE_FAILED : PROBE_NONE;
	const char *name = l ? l->name : "", *build_id = l ? l->build_id : "";
	bool changed = p->facts.tls_probe != probe || strcmp(p->facts.library, name) || strcmp(p->facts.build_id, build_id);

	p->facts.tls_probe = probe;
	snprintf(p->facts.library, sizeof(p->facts.library), "%s", name);
	snprintf(p->facts.build_id, sizeof(p->facts.build_id), "%s", build_id);
	return changed;
}

static void scan_end(struct watch *w, unsigned index)
{
	struct library *l = &w->libraries[index];
	struct tls_sites sites = { 0 };
	struct stat st = { 0 };
	ssize_t n = read(l->answer, &sites, sizeof(sites));

	close(l->answer);
	w->scanning--;
	fstat(l->fd, &st);
	if (n == (ssize_t)sizeof(sites) && sites_valid(&sites, st.st_size)) {
		snprintf(l->build_id, sizeof(l->build_id), "%s", sites.build_id);
		library_attach(w, l, &sites);
	} else if (l->program) {
		l->state = LIB_PLAIN;
	} else {
		l->state = LIB_FAILED;
		log_warn("no TLS functions found in library=%s: its traffic stays opaque", l->name);
	}
	w->stats.failed += l->state == LIB_FAILED;
	close(l->fd);
	l->fd = -1;
	for (size_t b = 0; l->state != LIB_PLAIN && b < BUCKETS; b++)
		for (struct process *p = w->buckets[b]; p; p = p->next)
			if (p->told && process_probe(w, p))
				process_tell(w, p);
}

bool watch_reap(struct watch *w, pid_t pid, int status)
{
	for (unsigned i = 0; i < w->nr_libraries; i++)
		if (w->libraries[i].state == LIB_SCANNING && w->libraries[i].pid == pid) {
			capture_own(w->config.capture, (uint32_t)pid, false);
			scan_end(w, i);
			return true;
		}
	return false;
}

static void scans_advance(struct watch *w)
{
	for (unsigned i = 0; i < w->nr_libraries && w->scanning < SCANS; i++)
		if (w->libraries[i].state == LIB_WAITING)
			scan_start(w, &w->libraries[i]);
}

struct looking { struct watch *watch; struct process *process; };

static void file_seen(struct looking *l, int fd, const char *name, bool program)
{
	struct process *p = l->process;
	int i = fd < 0 ? -1 : library_add(l->watch, fd, name, program);

	if (i < 0 || !p)
		return;
	for (unsigned k = 0; k < p->nr_files; k++)
		if (p->files[k] == i)
			return;
	if (p->nr_files < PROCESS_FILES)
		p->files[p->nr_files++] = (uint16_t)i;
}

static void library_seen(void *owner, const struct proc_library *found)
{
	file_seen(owner, open(found->open_path, O_RDONLY | O_CLOEXEC | O_NOCTTY), found->name, false);
}

static void program_seen(struct looking *l, pid_t pid)
{
	char path[64], name[EXE_SIZE] = "";

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (proc_exe(pid, name))
		file_seen(l, open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), name, true);
}

static void process_libraries(struct watch *w, struct process *p, uint64_t now)
{
	struct looking l = { w, p };

	if (p->facts.tls_probe == PROBE_ATTACHED || (p->looked && now - p->looked < LOOK_AGAIN_NS))
		return;
	p->looked = now;
	program_seen(&l, (pid_t)p->facts.key.tgid);
	proc_libraries((pid_t)p->facts.key.tgid, is_tls_library, library_seen, &l);
	process_probe(w, p);
	scans_advance(w);
}

/* Filters by name are turned into pids as processes appear. */
static bool filter_match(const struct watch *w, const struct process *p)
{
	const struct watch_config *c = &w->config;
	const char *exe = p->facts.exe[0] ? p->facts.exe : p->exec_path;

	if (c->exe && !fnmatch(c->exe, exe, 0))
		return true;
	if (c->exe && !strchr(c->exe, '/') && strrchr(exe, '/') && !fnmatch(c->exe, strrchr(exe, '/') + 1, 0))
		return true;
	if (c->unit && !strcmp(c->unit, p->facts.unit))
		return true;
	return c->container && p->facts.container[0] && !strncmp(c->container, p->facts.container, 12);
}

static void filter_apply(struct watch *w, struct process *p)
{
	if (p->watched || (!w->config.exe && !w->config.unit && !w->config.container))
		return;
	if (w->config.unit || w->config.container)
		process_resolve(p);
	if (!filter_match(w, p))
		return;
	p->watched = true;
	capture_watch_pid(w->config.capture, p->facts.key.tgid);
}

/* The life ring. */

static void on_exec(struct watch *w, const struct wire_life *l)
{
	struct process *p = process_add(w, &l->who);
	struct process_facts facts;

	if (!p)
		return;
	facts = (struct process_facts){ .key = p->facts.key, .parent = p->facts.parent, .cgroup = l->who.cgroup };
	memcpy(facts.comm, p->facts.comm, sizeof(facts.comm));
	p->facts = facts;
	p->resolved = p->told = false;
	p->nr_files = 0;
	p->looked = 0;
	snprintf(p->exec_path, sizeof(p->exec_path), "%s", (const char *)l->path);
	/* Now, so that it is probed before its first request, or soon after it. */
	program_seen(&(struct looking){ w, p }, (pid_t)p->facts.key.tgid);
	filter_apply(w, p);
}

static void on_fork(struct watch *w, const struct wire_life *l)
{
	struct process *parent = process_find(w, l->parent, 0), *p = process_add(w, &l->who);

	if (!p)
		return;
	p->facts.parent = l->parent;
	if (!parent)
		return;
	memcpy(p->exec_path, parent->exec_path, sizeof(p->exec_path));
	memcpy(p->facts.exe, parent->facts.exe, sizeof(p->facts.exe));
	if (parent->watched) {
		p->watched = true;
		capture_watch_pid(w->config.capture, p->facts.key.tgid);
	}
}

static void on_conn(struct watch *w, const struct wire_life *l)
{
	struct process *p = process_add(w, &l->who);

	if (p) {
		process_resolve(p);
		/* Ours, or of another instance on this host: outside all populations. */
		if (!p->told)
			p->facts.selftest = p->facts.key.tgid == (uint32_t)w->selftest ||
					    proc_is_role((pid_t)p->facts.key.tgid, "stimulus");
		process_libraries(w, p, l->time);
		if (!p->told)
			process_tell(w, p);
	}
	memset(&w->fact, 0, sizeof(w->fact));
	w->fact.kind = FACT_CONN;
	record_conn(&w->fact.conn.conn, &l->who, l->flags);
	w->fact.conn.time = l->time;
	w->config.fact(w->config.owner, &w->fact);
}

static void on_exit_(struct watch *w, const struct wire_life *l)
{
	struct process *p = process_find(w, l->who.tgid, l->who.start);

	if (!p)
		return;
	p->died = l->time;
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
		w->config.close(w->config.owner, l->who.conn, l->sent_pos, l->received_pos, l->sent,
				l->received, l->time);
		break;
	default:
		w->stats.unknown++;
	}
}

void watch_drain(struct watch *w)
{
	capture_life(w->config.capture, on_life, w);
	scans_advance(w);
}

void watch_tick(struct watch *w, uint64_t now)
{
	for (size_t b = 0; b < BUCKETS; b++) {
		struct process **at = &w->buckets[b];

		while (*at) {
			struct process *p = *at;

			if (p->died && now > p->died && now - p->died > KEEP_DEAD_NS) {
				*at = p->next;
				free(p);
				w->nr_processes--;
				continue;
			}
			/* A library that was loaded after the first connection. */
			if (p->told && !p->died) {
				char before[sizeof(p->facts.library)];

				memcpy(before, p->facts.library, sizeof(before));
				process_libraries(w, p, now);
				if (strcmp(before, p->facts.library))
					process_tell(w, p);
			}
			at = &p->next;
		}
	}
}

void watch_selftest(struct watch *w, pid_t pid)
{
	w->selftest = pid;
}

void watch_resend(struct watch *w)
{
	for (size_t b = 0; b < BUCKETS; b++)
		for (struct process *p = w->buckets[b]; p; p = p->next)
			if (p->told)
				process_tell(w, p);
}

void watch_stats(const struct watch *w, struct watch_stats *out)
{
	*out = w->stats;
}

/* The start. */

static void survey_path(struct watch *w, const char *pattern)
{
	glob_t found = { 0 };

	if (!glob(pattern, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *base = strrchr(found.gl_pathv[i], '/') + 1;
			int fd = is_tls_library(base) ? open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;

			if (fd >= 0)
				library_add(w, fd, base, false);
		}
	globfree(&found);
}

static void survey_process(struct watch *w, pid_t pid)
{
	struct wire_who who = { .tgid = (uint32_t)pid };
	struct looking l = { w, NULL };

	proc_libraries(pid, is_tls_library, library_seen, &l);
	if (proc_has_socket(pid))
		program_seen(&l, pid);
	if (!w->config.exe && !w->config.unit && !w->config.container)
		return;
	/* Known by pid only until its first event brings the exact start time. */
	struct process p = { .facts = { .key = { who.tgid, 0 } } };

	process_resolve(&p);
	filter_apply(w, &p);
}

static void on_cgroup(void *owner, uint64_t id)
{
	capture_watch_cgroup(((struct watch *)owner)->config.capture, id);
}

void watch_survey(struct watch *w)
{
	uint64_t until = clock_boot_ns() + 5000000000ull;
	DIR *proc = opendir("/proc");
	struct dirent *d;

	/* Besides the processes that are there: whoever will be in the cgroup. */
	if ((w->config.unit || w->config.container) && !cgroup_find(w->config.unit, w->config.container, on_cgroup, w))
		log_info("no cgroup of that name yet: processes are matched one by one");
	survey_path(w, "/usr/lib/*/lib*.so*");
	survey_path(w, "/lib/*/lib*.so*");
	survey_path(w, "/usr/lib/lib*.so*");
	survey_path(w, "/usr/local/lib/lib*.so*");
	while (proc && (d = readdir(proc)))
		if (strspn(d->d_name, "0123456789") == strlen(d->d_name) && atoi(d->d_name) != getpid())
			survey_process(w, (pid_t)atoi(d->d_name));
	if (proc)
		closedir(proc);
	scans_advance(w);
	while (w->scanning && clock_boot_ns() < until) {
		for (unsigned i = 0; i < w->nr_libraries; i++) {
			struct pollfd p = { .fd = w->libraries[i].answer, .events = POLLIN };

			if (w->libraries[i].state == LIB_SCANNING && poll(&p, 1, 20) > 0) {
				capture_own(w->config.capture, (uint32_t)w->libraries[i].pid, false);
				scan_end(w, i);
			}
		}
		scans_advance(w);
	}
}
