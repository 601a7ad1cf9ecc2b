/* SPDX-License-Identifier: Apache-2.0 */
/* watch_census.c - which process has which file mapped: told by the kernel as it happens,
 * counted again in turn once a minute, so that nothing that was missed stays so. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/mapping.h"
#include "daemon/proc.h"
#include "daemon/watch_private.h"

#define CENSUS_NS 60000000000ull
#define HURRY_NS 1000000000ull		/* for one that is wanted; and where the kernel does not tell, for all */
#define STEP 16				/* processes at once, four times a second */
#define STEP_HURRY 64
#define WAITING_OTHER 32		/* files that nobody waits for, in the queue for their scan */
#define SEEN_NS 60000000000ull		/* an inode number may come to name another file */

static struct seen *seen_slot(struct watch *w, const struct seen *key)
{
	uint64_t h = (key->ino ^ key->generation << 32 ^ (uint64_t)key->major << 52 ^ (uint64_t)key->minor << 40) * 0x9e3779b97f4a7c15ull;

	return &w->seen[h >> 40 & (SEEN - 1)];
}

static bool seen_holds(const struct watch *w, const struct seen *s, const struct seen *key)
{
	return s->ino == key->ino && s->generation == key->generation && s->major == key->major && s->minor == key->minor &&
	       key->time - s->time < SEEN_NS && (s->judged || !key->judged) &&
	       (s->file == NO_FILE || (w->files[s->file].serial == s->serial && w->files[s->file].state != FILE_FREE));
}

/* Of a process that is gone already there is only the path that it used, which may be one
 * of another root or name another file by now. */
static int mapped_open(const struct seen *key, const char *exact, const char *path)
{
	int fd = open(exact, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd >= 0 || !path || stat(path, &st) || !S_ISREG(st.st_mode) || st.st_ino != key->ino ||
	    st.st_dev != makedev(key->major, key->minor))
		return fd;
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* The file of a mapping: exact leads to precisely what is mapped. key.judged: to be looked at
 * whatever its name is. */
static uint16_t file_seen(struct watch *w, struct seen *key, const char *exact, const char *path, const char *base)
{
	struct seen *s = seen_slot(w, key);
	bool named = is_tls_library(base);
	struct stat st;
	int fd;

	key->judged |= named;
	if (!seen_holds(w, s, key)) {
		key->file = NO_FILE;
		if (key->judged && !named && w->waiting[FILE_OTHER] >= WAITING_OTHER) {
			w->census_left = true;
			return NO_FILE;
		}
		if (key->judged) {
			fd = mapped_open(key, exact, path);
			if (fd < 0)
				return NO_FILE;
			key->file = file_add(w, fd, base, named ? FILE_NAMED : FILE_OTHER);
		} else if (!stat(exact, &st)) {
			key->file = file_known(w, &st);
		}
		key->serial = key->file == NO_FILE ? 0 : w->files[key->file].serial;
		*s = *key;
	}
	if (s->file != NO_FILE)
		w->files[s->file].census = w->census_nr;
	return s->file;
}

/* A file that nothing was found in yet and that has not the name takes no place in a process. */
static void used(struct watch *w, struct process *p, uint16_t i)
{
	const struct file *f = i == NO_FILE ? NULL : &w->files[i];

	if (f && p && (f->kind != FILE_OTHER || f->state == FILE_PROBED || f->state == FILE_FAILED || f->state == FILE_HIDDEN))
		process_uses(w, p, i);
}

struct looking { struct watch *watch; struct process *process; bool network; uint64_t now; };

static void on_library(void *owner, const struct proc_library *found)
{
	struct looking *l = owner;
	struct seen key = {
		.ino = found->ino, .major = major(found->dev), .minor = minor(found->dev), .time = l->now, .judged = l->network,
	};

	used(l->watch, l->process, file_seen(l->watch, &key, found->open_path, NULL, found->name));
}

static bool any(const char *base)
{
	return true;
}

void process_census(struct watch *w, pid_t pid, struct process *p, bool network)
{
	struct looking l = { w, p, network, clock_boot_ns() };

	proc_libraries(pid, network || w->census ? any : is_tls_library, on_library, &l);
}

void on_mapping(void *owner, const struct mapping *m)
{
	struct watch *w = owner;
	const char *base = strrchr(m->path, '/');
	struct process *p = process_find(w, m->tgid, 0);
	bool network = p && p->told && !p->died;
	struct seen key = {
		.ino = m->ino, .generation = m->generation, .major = m->major, .minor = m->minor, .time = clock_boot_ns(), .judged = network,
	};
	char exact[96], name[64];

	/* "//anon" and "[vdso]" are none. Of a process that does not use the network only a name counts. */
	if (!m->ino || !base || (!network && !is_tls_library(base + 1)))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(base + 1, " "), base + 1);
	snprintf(exact, sizeof(exact), "/proc/%u/map_files/%llx-%llx", m->tgid, (unsigned long long)m->start, (unsigned long long)m->end);
	used(w, p, file_seen(w, &key, exact, m->path, name));
}

/* The census. */

static void census_begin(struct watch *w, uint64_t now)
{
	bool wanted = w->census_wanted || !w->mappings;

	if (w->census_began && now - w->census_began < (wanted ? HURRY_NS : CENSUS_NS))
		return;
	w->census = opendir("/proc");
	w->census_nr++;
	w->census_began = now;
	w->census_hurries = wanted;
	w->census_wanted = false;
	for (uint16_t i = 0; i < w->nr_files; i++)
		w->files[i].doubt = false;
}

static void census_end(struct watch *w)
{
	closedir(w->census);
	w->census = NULL;
	for (uint16_t i = 0; i < w->nr_files; i++) {
		const struct file *f = &w->files[i];

		if (f->state == FILE_PROBED && !f->standing && !f->refs && f->census != w->census_nr)
			file_detach(w, i);
	}
}

void census_step(struct watch *w, uint64_t now)
{
	struct dirent *d = NULL;

	if (w->census_left && !w->waiting[FILE_OTHER]) {
		w->census_left = false;
		w->census_wanted = true;
	}
	if (!w->census)
		census_begin(w, now);
	for (int i = w->census_hurries ? STEP_HURRY : STEP; w->census && i > 0; i--) {
		struct process *p;
		pid_t pid;

		do
			d = readdir(w->census);
		while (d && strspn(d->d_name, "0123456789") != strlen(d->d_name));
		if (!d) {
			census_end(w);
			break;
		}
		pid = (pid_t)atoi(d->d_name);
		p = process_find(w, (uint32_t)pid, 0);
		if (pid == getpid())
			continue;
		if (p && p->died)	/* its id may be another's by now, of whom nothing was heard */
			p = NULL;
		process_census(w, pid, p, p && p->told);
	}
	if (w->mappings && mappings_lost(w->mappings) > w->lost_told) {
		log_warn("the kernel had no room to tell of %llu mappings: their libraries are found by the census within a minute",
			 (unsigned long long)(mappings_lost(w->mappings) - w->lost_told));
		w->lost_told = mappings_lost(w->mappings);
	}
}
