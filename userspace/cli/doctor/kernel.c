/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - what this kernel is and what it lets root do, by reading. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/kernel.h"
#include "cli/doctor/doctor.h"

#define BTF "/sys/kernel/btf/vmlinux"
#define VERSION(major, minor) ((major) * 1000u + (minor))

static unsigned version(const struct host *h, char *text, size_t size)
{
	unsigned major = 0, minor = 0;

	if (host_read(h, "/proc/sys/kernel/osrelease", text, size) < 0 || sscanf(text, "%u.%u", &major, &minor) != 2)
		return 0;
	return VERSION(major, minor);
}

void check_kernel(struct host *h, struct answer *a)
{
	char text[128];
	unsigned v = version(h, text, sizeof(text));

	answer_found(a, CHECK_OK, "Linux %s", text);
	if (!v) {
		answer_found(a, CHECK_UNKNOWN, "/proc/sys/kernel/osrelease cannot be read");
	} else if (v < VERSION(5, 15)) {
		a->state = CHECK_BLOCKING;
		answer_fix(a, "weir does not run", "use Linux 6.1 or later (tested), as Debian 12 and Ubuntu 24.04 have");
	} else if (v < VERSION(6, 1)) {
		a->state = CHECK_DEGRADED;
		answer_fix(a, "nobody tested weir on this kernel", "use Linux 6.1 or later");
	}
}

void check_btf(struct host *h, struct answer *a)
{
	int known = capture_kernel_knows(host_path(h, BTF), "btf_trace_sys_exit");

	if (known > 0)
		return answer_found(a, CHECK_OK, BTF " is there and can be parsed");
	if (known == -EACCES)
		return answer_found(a, CHECK_UNKNOWN, BTF " cannot be read by this user");
	if (known == -ENOENT)
		answer_found(a, CHECK_BLOCKING, "no " BTF);
	else if (known < 0)
		answer_found(a, CHECK_BLOCKING, BTF " cannot be parsed: %s", strerror(-known));
	else
		answer_found(a, CHECK_BLOCKING, BTF " has no tracepoints");
	answer_fix(a, "no BPF program of weir's loads", "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as those of Debian and Ubuntu are");
}

void check_length_tracepoints(struct host *h, struct answer *a)
{
	const char *needs, *doc;
	int known;

	capture_hook_set(0, &needs, &doc);
	known = capture_kernel_knows(host_path(h, BTF), needs);
	if (known > 0)
		return answer_found(a, CHECK_OK, "this kernel has %s", doc);
	if (known < 0)
		return answer_found(a, CHECK_UNKNOWN, "no BTF to look in: %s", strerror(-known));
	answer_found(a, CHECK_DEGRADED, "this kernel lacks %s", doc);
	capture_hook_set(1, &needs, &doc);
	if (capture_kernel_knows(host_path(h, BTF), needs) > 0) {
		a->state = CHECK_OK;
		return answer_also(a, "it has %s instead", doc);
	}
	answer_fix(a, "sockets are watched at system call exit: dearer, found by descriptor (marked fd-resolved), blind to io_uring",
		   "use Linux 6.3 or later");
}

void check_lockdown(struct host *h, struct answer *a)
{
	char text[128];
	long n = host_read(h, "/sys/kernel/security/lockdown", text, sizeof(text));

	if (n == -ENOENT)
		return answer_found(a, CHECK_OK, "this kernel has no lockdown, or securityfs is not mounted");
	if (n < 0)
		return answer_found(a, CHECK_UNKNOWN, "/sys/kernel/security/lockdown: %s", strerror((int)-n));
	answer_found(a, CHECK_OK, "lockdown: %s", text);
	if (!strstr(text, "[confidentiality]"))
		return;
	a->state = CHECK_BLOCKING;
	answer_fix(a, "BPF programs may not read memory, root's neither", "boot with lockdown=integrity at most (the kernel's command line)");
}

void check_bpf_settings(struct host *h, struct answer *a)
{
	char text[32];

	if (host_read(h, "/proc/sys/kernel/unprivileged_bpf_disabled", text, sizeof(text)) < 0)
		answer_found(a, CHECK_OK, "unprivileged_bpf_disabled is not readable (weir does not need it)");
	else
		answer_found(a, CHECK_OK, "unprivileged_bpf_disabled=%s (weir runs with each value%s)", text,
			     text[0] == '0' ? "; 1 or 2 is safer for this host" : "");
	if (host_read(h, "/proc/sys/net/core/bpf_jit_enable", text, sizeof(text)) < 0)
		return;
	answer_also(a, "bpf_jit_enable=%s", text);
	if (text[0] != '0')
		return;
	a->state = CHECK_DEGRADED;
	answer_fix(a, "BPF programs are interpreted, several times slower", "sysctl net.core.bpf_jit_enable=1");
}

void check_memory_lock(struct host *h, struct answer *a)
{
	char text[4096], release[128];
	const char *line;

	if (version(h, release, sizeof(release)) >= VERSION(5, 11))
		return answer_found(a, CHECK_OK, "this kernel does not charge BPF maps to RLIMIT_MEMLOCK");
	if (host_read(h, "/proc/self/limits", text, sizeof(text)) < 0)
		return answer_found(a, CHECK_UNKNOWN, "/proc/self/limits cannot be read");
	line = strstr(text, "Max locked memory");
	answer_found(a, CHECK_OK, "%.*s; weir raises it as root", line ? (int)strcspn(line, "\n") : 0, line ? line : "");
}

void check_mounts(struct host *h, struct answer *a)
{
	static const char *const spare[] = { "tracefs", "bpf", "securityfs" };
	char where[256];

	if (access(host_path(h, "/proc/self/mounts"), R_OK)) {
		answer_found(a, CHECK_BLOCKING, "/proc is not mounted");
		return answer_fix(a, "processes and sockets cannot be named", "mount -t proc proc /proc");
	}
	if (!host_mounted(h, "/sys", NULL, NULL, NULL, 0)) {
		answer_found(a, CHECK_BLOCKING, "/sys is not mounted");
		return answer_fix(a, "the kernel's BTF cannot be read", "mount -t sysfs sysfs /sys");
	}
	answer_found(a, CHECK_OK, "/proc and /sys are mounted");
	for (size_t i = 0; i < sizeof(spare) / sizeof(spare[0]); i++) {
		if (host_mounted(h, NULL, spare[i], where, NULL, sizeof(where)))
			answer_also(a, "%s at %s (not needed)", spare[i], where);
		else
			answer_also(a, "no %s (not needed)", spare[i]);
	}
}

void check_cgroups(struct host *h, struct answer *a)
{
	char where[256];

	if (host_mounted(h, NULL, "cgroup2", where, NULL, sizeof(where)))
		return answer_found(a, CHECK_OK, "cgroup v2 is mounted at %s", where);
	answer_found(a, CHECK_DEGRADED, "cgroup v2 is not mounted");
	answer_fix(a, "--unit and --container find nothing, services are named by their executable",
		   "mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd.unified_cgroup_hierarchy=1");
}

void check_seccomp(struct host *h, struct answer *a)
{
	char text[256];

	if (host_read(h, "/proc/sys/kernel/seccomp/actions_avail", text, sizeof(text)) >= 0 && strstr(text, "kill_process"))
		return answer_found(a, CHECK_OK, "seccomp filters are there");
	answer_found(a, CHECK_BLOCKING, "this kernel has no seccomp filters (/proc/sys/kernel/seccomp/actions_avail)");
	answer_fix(a, "the roles that see payload cannot be locked in, and do not start", "use a kernel with CONFIG_SECCOMP_FILTER=y");
}

void check_landlock(struct host *h, struct answer *a)
{
	if (h->landlock > 0)
		return answer_found(a, CHECK_OK, "landlock version %d", h->landlock);
	answer_found(a, CHECK_DEGRADED, "landlock is not on");
	answer_fix(a, "the roles are held by seccomp, ids and capabilities alone", "add landlock to lsm= on the kernel's command line");
}

void check_core_pattern(struct host *h, struct answer *a)
{
	char text[256];

	if (host_read(h, "/proc/sys/kernel/core_pattern", text, sizeof(text)) < 0)
		return answer_found(a, CHECK_UNKNOWN, "/proc/sys/kernel/core_pattern cannot be read");
	answer_found(a, CHECK_OK, "core dumps go to %s%s; weir's roles are not dumpable either way", text,
		     text[0] == '|' ? " (a pipe, which RLIMIT_CORE does not stop)" : "");
}
