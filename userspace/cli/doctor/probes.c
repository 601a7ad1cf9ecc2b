/* SPDX-License-Identifier: Apache-2.0 */
/* probes.c - do the hooks show weir's own exchange? Attached is not working, and reading
 * proves less: without root, or where a trial cannot be, the answer is unknown. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/kernel.h"
#include "capture/probe_cost.h"
#include "capture/tls/tls.h"
#include "cli/doctor/doctor.h"
#include "daemon/sandbox.h"

#define BTF "/sys/kernel/btf/vmlinux"
#define SCAN_SECONDS 2
#define LIBRARIES 64

static void hooks_try(struct host *h)
{
	const char *needs, *doc, *name;

	for (unsigned i = 0; !h->tried && i < HOOK_SETS && (name = capture_hook_set(i, &needs, &doc)); i++)
		if (capture_kernel_knows(host_path(h, BTF), needs) > 0)
			trial_run(name, true, &h->trial[i]);
		else
			snprintf(h->trial[i].why, sizeof(h->trial[i].why), "this kernel lacks it");
	h->tried = true;
}

/* The one that weir run takes, which is the first that works: -1, none does. */
static int hooks_chosen(const struct host *h, const char **why)
{
	unsigned order[HOOK_SETS];

	*why = capture_hook_order(host_path(h, BTF), order);
	for (unsigned i = 0; i < HOOK_SETS; i++)
		if (h->trial[order[i]].plain)
			return (int)order[i];
	return -1;
}

void check_hooks(struct host *h, struct answer *a)
{
	const char *needs, *doc, *name, *why;
	int best;

	if (h->privileged)
		hooks_try(h);
	for (unsigned i = 0; i < HOOK_SETS && (name = capture_hook_set(i, &needs, &doc)); i++) {
		const struct trial *t = &h->trial[i];

		if (!h->tried) {
			answer_also(a, "%s: %s", name, capture_kernel_knows(host_path(h, BTF), needs) > 0 ? "this kernel has it" : "not in this kernel");
			continue;
		}
		answer_also(a, "%s: %s%s", name, t->plain ? "shows weir's own exchange" : "dead: ", t->plain ? "" : t->why);
	}
	if (!h->tried) {
		answer_also(a, "not tried: only root may load programs");
		a->state = CHECK_UNKNOWN;
		return;
	}
	best = hooks_chosen(h, &why);
	if (best >= 0)
		answer_also(a, "weir run uses %s (%s)", capture_hook_set((unsigned)best, &needs, &doc), why);
	if (best < 0) {
		a->state = CHECK_BLOCKING;
		answer_fix(a, "no socket is seen", "the rows above say what this kernel lacks; weir run says more");
	} else if (best == HOOK_SETS - 1) {
		a->state = CHECK_DEGRADED;
		answer_fix(a, "the hook set of the last resort is used", "see length_tracepoints");
	}
}

void check_uprobes(struct host *h, struct answer *a)
{
	char type[32] = "", paranoid[32] = "?", version[256] = "";
	struct probe_cost cost;
	bool seen = false;

	if (host_read(h, "/sys/bus/event_source/devices/uprobe/type", type, sizeof(type)) < 0) {
		answer_found(a, CHECK_DEGRADED, "this kernel has no uprobes by perf events");
		return answer_fix(a, "TLS stays opaque", "use a kernel with CONFIG_UPROBE_EVENTS=y");
	}
	host_read(h, "/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid));
	answer_found(a, CHECK_OK, "uprobes by perf events (type %s), perf_event_paranoid=%s", type, paranoid);
	host_read(h, "/proc/sys/kernel/version", version, sizeof(version));
	if (capture_kernel_mixes_probes(host_path(h, BTF), version) == 1) {
		a->state = CHECK_DEGRADED;
		answer_also(a, "this kernel gives all runs of a probe on a CPU one stack, and preempts them");
		return answer_fix(a, MIXED_PROBES, MIXED_PROBES_MEND);
	}
	if (!h->tried) {
		a->state = CHECK_UNKNOWN;
		return answer_also(a, "not tried: only root may attach them");
	}
	for (unsigned i = 0; i < HOOK_SETS; i++)
		seen |= h->trial[i].tls;
	answer_also(a, seen ? "weir's own TLS exchange is seen" : "weir's own TLS exchange is not seen");
	if (h->privileged && !h->root[0] && !probe_cost(&cost))
		answer_also(a, "one link for all sites of a file; a probe costs here %u ns on an instruction that the kernel emulates, %u ns on one that "
			    "is stepped over, %u ns at a return", cost.emulated, cost.stepped, cost.leave);
	if (seen)
		return;
	a->state = CHECK_DEGRADED;
	answer_fix(a, "TLS stays opaque", "see tls_libraries and hooks; give weir CAP_SYS_ADMIN and CAP_PERFMON");
}

/* A library may be anybody's make: it is read in a process that gives up all it has. Without
 * root there is nothing more to give up than this user's rights. */
bool scan_apart(int fd, struct tls_sites *sites)
{
	int fds[2], status = 0;
	bool whole;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return false;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		char why[256];

		alarm(SCAN_SECONDS);
		if (!geteuid() && sandbox_enter(sandbox_find("elfscan"), why, sizeof(why)))
			_exit(1);
		_exit(tls_scan_fd(fd, sites) || write(fds[1], sites, sizeof(*sites)) != (ssize_t)sizeof(*sites));
	}
	close(fds[1]);
	whole = pid > 0 && read(fds[0], sites, sizeof(*sites)) == (ssize_t)sizeof(*sites);
	close(fds[0]);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status && whole && sites->nr <= TLS_SITES && tls_lib_get(sites->row);
}

struct libraries { ino_t seen[LIBRARIES]; unsigned nr, dear, failed; };

static void library_look(struct libraries *l, const char *path, size_t skip, struct answer *a)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct tls_sites sites = { 0 };
	unsigned dear = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || l->nr == LIBRARIES)
		goto out;
	for (unsigned i = 0; i < l->nr; i++)
		if (l->seen[i] == st.st_ino)
			goto out;
	l->seen[l->nr++] = st.st_ino;
	if (!scan_apart(fd, &sites)) {
		l->failed++;
		answer_also(a, "%s: no row matches", path + skip);
		goto out;
	}
	for (unsigned i = 0; i < sites.nr; i++)
		dear += sites.site[i].dear;
	l->dear += dear > 0;
	answer_also(a, "%s: %s, %u site%s%s", path + skip, tls_lib_get(sites.row)->name, sites.nr, sites.nr == 1 ? "" : "s",
		    dear ? ", dear ones" : "");
out:
	if (fd >= 0)
		close(fd);
}

void check_tls_libraries(struct host *h, struct answer *a)
{
	static const char *const folders[] = { "/usr/lib/*/", "/lib/*/", "/usr/lib/", "/usr/lib64/", "/usr/local/lib/", "/usr/local/lib64/" };
	struct libraries l = { .nr = 0 };

	for (size_t f = 0; f < sizeof(folders) / sizeof(folders[0]); f++)
		for (unsigned i = 0; i < tls_lib_count(); i++) {
			char pattern[4500];
			glob_t found = { 0 };

			if (!tls_lib_get(i)->soname || tls_lib_get(i)->hidden)
				continue;
			snprintf(pattern, sizeof(pattern), "%s%s%s*", h->root, folders[f], tls_lib_get(i)->soname);
			if (!glob(pattern, 0, NULL, &found))
				for (size_t g = 0; g < found.gl_pathc; g++)
					library_look(&l, found.gl_pathv[g], strlen(h->root), a);
			globfree(&found);
		}
	if (!l.nr)
		return answer_found(a, CHECK_OK, "no library of a known kind in the usual folders; those of processes are found as they run");
	if (l.failed)
		answer_fix(a, "traffic of programs with this library stays opaque", "use the distribution's own build of the library");
	else if (l.dear)
		answer_fix(a, "each call of it costs about 15 times more", "use the distribution's own build of the library");
	if (l.failed || l.dear)
		a->state = CHECK_DEGRADED;
}
