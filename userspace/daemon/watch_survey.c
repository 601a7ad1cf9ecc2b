/* SPDX-License-Identifier: Apache-2.0 */
/* watch_survey.c - the start: what is on the host already, before anything is attached. */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "daemon/cgroup.h"
#include "daemon/proc.h"
#include "daemon/watch_private.h"

#define WAIT_NS 5000000000ull
#define NAMES_NS 3000000000ull

static void survey_path(struct watch *w, const char *pattern)
{
	glob_t found = { 0 };

	if (!glob(pattern, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *path = found.gl_pathv[i];
			char real[PATH_MAX];

			/* By its own name: the path may be a link, of which there are several. */
			if (is_tls_library(strrchr(path, '/') + 1) && realpath(path, real))
				path_add(w, path, file_add(w, open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), strrchr(real, '/') + 1, FILE_NAMED),
					 FILE_NAMED);
		}
	globfree(&found);
}

struct owners { struct watch *watch; uint32_t last; };

/* Its program, and all that it has loaded: TLS may be in any of it. */
static void on_owner(void *owner, uint32_t tgid)
{
	struct owners *o = owner;

	if (tgid == o->last || tgid == (uint32_t)getpid())
		return;
	o->last = tgid;
	program_add(o->watch, (pid_t)tgid);
	process_census(o->watch, (pid_t)tgid, NULL, true);
}

static void survey_process(struct watch *w, pid_t pid)
{
	/* Known by pid only until its first event brings the exact start time. */
	struct process p = { .facts = { .key = { (uint32_t)pid, 0 } } };

	process_census(w, pid, NULL, false);
	if (!filters_any(w))
		return;
	process_resolve(w, &p);
	filter_apply(w, &p);
	process_unplace(w, &p);
}

/* A container has no name until it was asked for: who has none yet is looked at again. */
static void survey_named(struct watch *w, DIR *proc)
{
	struct dirent *d;

	names_wait(w, clock_boot_ns() + NAMES_NS);
	rewinddir(proc);
	while ((d = readdir(proc)))
		if (strspn(d->d_name, "0123456789") == strlen(d->d_name) && atoi(d->d_name) != getpid()) {
			struct process p = { .facts = { .key = { (uint32_t)atoi(d->d_name), 0 } } };

			filter_apply(w, &p);
			process_unplace(w, &p);
		}
}

static void on_cgroup(void *owner, uint64_t id)
{
	capture_watch_cgroup(((struct watch *)owner)->config.capture, id);
}

void watch_look_ahead(struct watch *w)
{
	survey_path(w, "/usr/lib/*/lib*.so*");
	survey_path(w, "/lib/*/lib*.so*");
	survey_path(w, "/usr/lib/lib*.so*");
	survey_path(w, "/usr/local/lib/lib*.so*");
	scans_advance(w);
}

static void cgroup_survey(struct watch *w, const char *unit, const char *container)
{
	if (!cgroup_find(unit, container, on_cgroup, w))
		log_info("no cgroup of the name %s yet: processes are matched one by one", unit ? unit : container);
}

void watch_survey(struct watch *w)
{
	const struct wanted *wanted = w->config.wanted;
	struct owners owners = { w, 0 };
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int err;

	/* Besides the processes that are there: whoever will be in the cgroup. */
	for (unsigned i = 0; i < wanted->units.nr; i++)
		cgroup_survey(w, wanted->units.list[i], NULL);
	for (unsigned i = 0; i < wanted->containers.nr; i++)
		cgroup_survey(w, NULL, wanted->containers.list[i]);
	err = capture_owners(w->config.capture, on_owner, &owners);
	if (err)
		log_warn("cannot look for who uses the network error=\"%s\": each is known from its next use on", strerror(-err));
	while (proc && (d = readdir(proc)))
		if (strspn(d->d_name, "0123456789") == strlen(d->d_name) && atoi(d->d_name) != getpid())
			survey_process(w, (pid_t)atoi(d->d_name));
	if (proc && wanted->containers.nr)
		survey_named(w, proc);
	if (proc)
		closedir(proc);
	/* What others have loaded besides is looked at while all else is watched already. */
	scans_wait(w, clock_boot_ns() + WAIT_NS, FILE_PROGRAM);
}
