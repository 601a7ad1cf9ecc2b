/* SPDX-License-Identifier: Apache-2.0 */
/* rights.c - who runs, what that user may do, and what others may do to weir. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/guard.h"
#include "cli/doctor/doctor.h"
#include "daemon/daemon.h"
#include "daemon/sandbox.h"

#define MIB 1048576

/* The capabilities of the start, by number (linux/capability.h). */
static const struct { unsigned bit; const char *name, *what; } needed[] = {
	{ 39, "CAP_BPF", "loading programs" }, { 38, "CAP_PERFMON", "attaching them" },
	{ 21, "CAP_SYS_ADMIN", "TLS probes by perf events" }, { 19, "CAP_SYS_PTRACE", "naming processes" },
	{ 2, "CAP_DAC_READ_SEARCH", "naming processes" }, { 7, "CAP_SETUID", "starting roles" },
	{ 6, "CAP_SETGID", "starting roles" }, { 8, "CAP_SETPCAP", "starting roles" }, { 0, "CAP_CHOWN", "the state folder" },
	{ 5, "CAP_KILL", "ending roles" },
};

void check_capabilities(struct host *h, struct answer *a)
{
	uint64_t have, bound;

	if (!host_field(h, "/proc/self/status", "CapEff", 16, &have) || !host_field(h, "/proc/self/status", "CapBnd", 16, &bound))
		return answer_found(a, CHECK_UNKNOWN, "/proc/self/status cannot be read");
	if (h->privileged)
		bound = have;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!(bound >> needed[i].bit & 1))
			answer_also(a, "%s is missing (%s)", needed[i].name, needed[i].what);
	if (a->found[0]) {
		a->state = CHECK_BLOCKING;
		return answer_fix(a, "weir does not start, not as root either", "grant them to the container or unit (CapabilityBoundingSet=)");
	}
	if (!h->privileged)
		return answer_found(a, CHECK_UNKNOWN, "not root; root would have what it takes here");
	answer_found(a, CHECK_OK, "all that the start needs are there");
}

void check_hidepid(struct host *h, struct answer *a)
{
	char options[512];
	const char *hide;

	if (!host_mounted(h, "/proc", "proc", NULL, options, sizeof(options)))
		return answer_found(a, CHECK_UNKNOWN, "/proc is not in /proc/self/mounts");
	hide = strstr(options, "hidepid=");
	if (!hide || !strncmp(hide, "hidepid=0", 9) || !strncmp(hide, "hidepid=off", 11))
		return answer_found(a, CHECK_OK, "/proc is mounted without hidepid");
	answer_found(a, CHECK_OK, "/proc is mounted with %.*s: weir, as root, sees all processes", (int)strcspn(hide, ","), hide);
}

void check_role_ids(struct host *h, struct answer *a)
{
	if (!h->uid_taken)
		return answer_found(a, CHECK_OK, "user ids %u to %u are free", SANDBOX_UID_BASE + 1, SANDBOX_UID_LAST);
	answer_found(a, CHECK_BLOCKING, "the account %s has a user id from %u to %u", h->uid_taken, SANDBOX_UID_BASE + 1, SANDBOX_UID_LAST);
	answer_fix(a, "weir run refuses: that account could look into its roles", "give the account another user id (usermod -u)");
}

void check_memory(struct host *h, struct answer *a)
{
	unsigned long long need = monitor_memory(), roles = 64ull * MIB;
	uint64_t kib;

	if (!host_field(h, "/proc/meminfo", "MemAvailable", 10, &kib))
		return answer_found(a, CHECK_UNKNOWN, "/proc/meminfo has no MemAvailable");
	answer_found(a, CHECK_OK, "%llu MiB available; rings and queue take %llu MiB, the roles up to %llu more",
		     (unsigned long long)kib / 1024, need / MIB, roles / MIB);
	if (kib * 1024 < need + roles) {
		a->state = CHECK_BLOCKING;
		answer_fix(a, "weir does not start, or the kernel ends somebody", "free memory, or a smaller ring: weir run --ring 1");
	} else if (kib * 1024 < 4 * (need + roles)) {
		a->state = CHECK_DEGRADED;
		answer_fix(a, "little is left for what is watched", "a smaller ring: weir run --ring 4");
	}
}

static void look_at(struct answer *a, const char *path)
{
	char why[4400];
	uid_t owner;

	if (!path_guarded(path, &owner, why, sizeof(why))) {
		answer_also(a, "%s", why);
		a->state = CHECK_BLOCKING;
	} else if (owner) {
		answer_also(a, "%s belongs to uid %u or lies in a folder of theirs", path, owner);
		if (a->state == CHECK_OK)
			a->state = CHECK_DEGRADED;
	}
}

void check_guarded_files(struct host *h, struct answer *a)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	a->state = CHECK_OK;
	if (n > 0) {
		exe[n] = 0;
		look_at(a, exe);
	}
	for (unsigned i = 0; i < h->nr_policies; i++)
		look_at(a, h->policies[i]);
	if (a->state == CHECK_OK)
		return answer_found(a, CHECK_OK, "nobody but root can change the program and %u polic%s", h->nr_policies,
				    h->nr_policies == 1 ? "y" : "ies");
	if (a->state == CHECK_BLOCKING)
		answer_fix(a, "weir run refuses: what root runs could be exchanged", "chmod go-w it, after looking at what is in it");
	else
		answer_fix(a, "that user decides what root runs and believes", "make install, or chown root them");
}
