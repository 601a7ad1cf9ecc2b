/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of `weir doctor` on hosts that this one is not: a folder plays the root of the
 * file system, and what comes by system calls is planted. */
#include <bpf/btf.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/guard.h"
#include "cli/doctor/doctor.h"
#include "tests/unit/state_fixture.h"

static char root[64];
static struct answer said_of;

static void make_folders(const char *path)
{
	char part[512];

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + strlen(root) + 1; *p; p++)
		if (*p == '/') {
			*p = 0;
			mkdir(part, 0755);
			*p = '/';
		}
}

static const char *below(const char *path)
{
	static char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	make_folders(whole);
	return whole;
}

static void plant(const char *path, const char *text)
{
	FILE *f = fopen(below(path), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int new_root(void **state)
{
	memcpy(root, "/tmp/weir-test-root-XXXXXX", sizeof("/tmp/weir-test-root-XXXXXX"));
	return mkdtemp(root) ? 0 : -1;
}

static int end_root(void **state)
{
	return nftw(root, state_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static struct host host(void)
{
	return (struct host){ .root = root, .state = below("/state"), .privileged = true, .clock_synced = true, .landlock = 4,
			      .utc_ms = 1795000000000, .boot_ns = 1000000000, .tried = true };
}

static const struct check *row(const char *name)
{
	for (unsigned i = 0; i < check_count(); i++)
		if (!strcmp(check_get(i)->name, name))
			return check_get(i);
	fail_msg("no check %s", name);
	return NULL;
}

/* A state that is not good says what it affects and how to mend it. */
static void expect(struct host h, const char *name, enum check_state want, const char *words)
{
	said_of = (struct answer){ .state = CHECK_OK };
	row(name)->look(&h, &said_of);
	if (said_of.state != want || !strstr(said_of.found, words))
		fail_msg("%s: %s: %s", name, check_state_name(said_of.state), said_of.found);
	if (want == CHECK_DEGRADED || want == CHECK_BLOCKING)
		assert_true(said_of.affects[0] && said_of.fix[0]);
}

static void kernels_are_told_by_what_was_tested(void **state)
{
	expect(host(), "kernel", CHECK_UNKNOWN, "cannot be read");
	plant("/proc/sys/kernel/osrelease", "5.10.0-28-amd64\n");
	expect(host(), "kernel", CHECK_BLOCKING, "5.10.0-28-amd64");
	expect(host(), "memory_lock", CHECK_UNKNOWN, "limits");
	plant("/proc/sys/kernel/osrelease", "5.15.0-119-generic\n");
	expect(host(), "kernel", CHECK_DEGRADED, "5.15");
	expect(host(), "memory_lock", CHECK_OK, "does not charge");
	plant("/proc/sys/kernel/osrelease", "6.1.0-26-amd64\n");
	expect(host(), "kernel", CHECK_OK, "6.1.0-26-amd64");
}

static void a_kernel_without_btf_or_with_noise_for_it_blocks(void **state)
{
	expect(host(), "btf", CHECK_BLOCKING, "no /sys/kernel/btf/vmlinux");
	expect(host(), "length_tracepoints", CHECK_UNKNOWN, "No such file");
	plant("/sys/kernel/btf/vmlinux", "\x9f\xeb no BTF, only its first two bytes");
	expect(host(), "btf", CHECK_BLOCKING, "cannot be parsed");
}

static void confidential_lockdown_blocks(void **state)
{
	expect(host(), "lockdown", CHECK_OK, "no lockdown");
	plant("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect(host(), "lockdown", CHECK_OK, "[integrity]");
	plant("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	expect(host(), "lockdown", CHECK_BLOCKING, "[confidentiality]");
}

static void missing_capabilities_are_named(void **state)
{
	struct host h = host();

	expect(h, "capabilities", CHECK_UNKNOWN, "cannot be read");
	plant("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n");
	expect(h, "capabilities", CHECK_OK, "are there");
	/* as docker gives to root */
	plant("/proc/self/status", "Name:\tx\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n");
	expect(h, "capabilities", CHECK_BLOCKING, "CAP_BPF is missing");
	assert_non_null(strstr(said_of.found, "CAP_SYS_ADMIN"));
	assert_null(strstr(said_of.found, "CAP_SETUID"));
	h.privileged = false;
	plant("/proc/self/status", "CapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n");
	expect(h, "capabilities", CHECK_UNKNOWN, "not root");
}

static void hooks_are_what_their_trial_showed(void **state)
{
	struct host h = host();

	snprintf(h.trial[0].why, sizeof(h.trial[0].why), "not in 10 s");
	expect(h, "hooks", CHECK_BLOCKING, "not in 10 s");
	h.trial[2].plain = true;
	expect(h, "hooks", CHECK_DEGRADED, "sys_exit: shows");
	expect(h, "hooks", CHECK_DEGRADED, "weir run uses sys_exit (");
	h.trial[1].plain = true;
	expect(h, "hooks", CHECK_OK, "socket: shows");
	expect(h, "hooks", CHECK_OK, "weir run uses socket (tracepoints cost least");
	h.trial[0].plain = true;
	expect(h, "hooks", CHECK_OK, "tracepoint: shows");
	expect(h, "hooks", CHECK_OK, "weir run uses tracepoint (");
	h.tried = h.privileged = false;
	expect(h, "hooks", CHECK_UNKNOWN, "not tried");
}

/* A kernel whose struct bpf_subprog_info has these members. */
static void plant_btf(const char *const *members, uint32_t nr)
{
	struct btf *btf = btf__new_empty();
	const char *path = below("/sys/kernel/btf/vmlinux");
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), fd;
	const void *raw;
	uint32_t size;

	assert_true(number > 0 && btf__add_struct(btf, "bpf_subprog_info", nr * 4) > 0);
	for (uint32_t i = 0; i < nr; i++)
		assert_int_equal(btf__add_field(btf, members[i], number, i * 32, 0), 0);
	raw = btf__raw_data(btf, &size);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0 && write(fd, raw, size) == (ssize_t)size);
	close(fd);
	btf__free(btf);
	capture_kernel_forget();	/* of the one that was there */
}

static void a_kernel_that_mixes_the_stacks_of_probes_is_named(void **state)
{
	static const char *const members[] = { "start", "priv_stack_mode", "might_sleep" };
	struct host h = host();

	h.trial[0].tls = true;
	plant("/sys/bus/event_source/devices/uprobe/type", "8\n");
	plant("/proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.41-1\n");
	plant_btf(members, 1);
	expect(h, "uprobes", CHECK_OK, "type 8");
	plant_btf(members, 3);	/* from 6.15 on */
	expect(h, "uprobes", CHECK_OK, "type 8");
	plant_btf(members, 2);
	expect(h, "uprobes", CHECK_DEGRADED, "one stack");
	plant("/proc/sys/kernel/version", "#1 SMP Debian 6.13.9-1\n");
	expect(h, "uprobes", CHECK_OK, "type 8");
}

static void uprobes_need_the_kernel_and_a_trial(void **state)
{
	struct host h = host();

	expect(h, "uprobes", CHECK_DEGRADED, "no uprobes");
	plant("/sys/bus/event_source/devices/uprobe/type", "8\n");
	plant("/proc/sys/kernel/perf_event_paranoid", "3\n");
	expect(h, "uprobes", CHECK_DEGRADED, "is not seen");
	h.trial[0].tls = true;
	expect(h, "uprobes", CHECK_OK, "perf_event_paranoid=3");
	h.tried = false;
	expect(h, "uprobes", CHECK_UNKNOWN, "not tried");
}

static void settings_of_bpf_and_memory(void **state)
{
	plant("/proc/sys/kernel/unprivileged_bpf_disabled", "0\n");
	plant("/proc/sys/net/core/bpf_jit_enable", "0\n");
	expect(host(), "bpf_settings", CHECK_DEGRADED, "unprivileged_bpf_disabled=0");
	plant("/proc/sys/net/core/bpf_jit_enable", "1\n");
	expect(host(), "bpf_settings", CHECK_OK, "bpf_jit_enable=1");
	expect(host(), "memory", CHECK_UNKNOWN, "MemAvailable");
	plant("/proc/meminfo", "MemTotal: 99999999 kB\nMemAvailable:   16384 kB\n");
	expect(host(), "memory", CHECK_BLOCKING, "16 MiB available");
	plant("/proc/meminfo", "MemAvailable:   204800 kB\n");
	expect(host(), "memory", CHECK_DEGRADED, "200 MiB available");
	plant("/proc/meminfo", "MemAvailable:   8388608 kB\n");
	expect(host(), "memory", CHECK_OK, "8192 MiB");
}

static void mounts_that_are_needed_and_those_that_are_not(void **state)
{
	expect(host(), "mounts", CHECK_BLOCKING, "/proc is not mounted");
	plant("/proc/self/mounts", "proc /proc proc rw,hidepid=invisible 0 0\n");
	expect(host(), "mounts", CHECK_BLOCKING, "/sys is not mounted");
	expect(host(), "hidepid", CHECK_OK, "hidepid=invisible");
	expect(host(), "cgroups", CHECK_DEGRADED, "not mounted");
	plant("/proc/self/mounts", "proc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\nnone /sys/fs/cgroup/unified cgroup2 rw 0 0\n");
	expect(host(), "mounts", CHECK_OK, "no tracefs (not needed)");
	expect(host(), "hidepid", CHECK_OK, "without hidepid");
	expect(host(), "cgroups", CHECK_OK, "/sys/fs/cgroup/unified");
}

static void what_locks_the_roles_in(void **state)
{
	struct host h = host();

	expect(h, "seccomp", CHECK_BLOCKING, "no seccomp");
	plant("/proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno\n");
	expect(h, "seccomp", CHECK_OK, "are there");
	expect(h, "landlock", CHECK_OK, "version 4");
	h.landlock = -1;
	expect(h, "landlock", CHECK_DEGRADED, "not on");
	expect(h, "role_ids", CHECK_OK, "are free");
	h.uid_taken = "ana";
	expect(h, "role_ids", CHECK_BLOCKING, "ana");
	expect(h, "core_pattern", CHECK_UNKNOWN, "cannot be read");
	plant("/proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n");
	expect(h, "core_pattern", CHECK_OK, "a pipe");
}

static void a_state_folder_that_others_may_write_blocks(void **state)
{
	struct host h = host();

	expect(h, "state_folder", CHECK_OK, "not there yet");
	expect(h, "instance", CHECK_OK, "no weir runs");
	expect(h, "ledger", CHECK_OK, "no ledger yet");
	assert_int_equal(mkdir(below("/state"), 0700), 0);
	chmod(below("/state"), 0777);
	expect(h, "state_folder", CHECK_BLOCKING, "mode 0777");
	chmod(below("/state"), 0700);
	plant("/file", "");
	h.state = below("/file");
	expect(h, "state_folder", CHECK_BLOCKING, "no folder");
}

static void a_ledger_is_verified_and_its_last_entry_is_held_against_the_clock(void **state)
{
	struct state kept = state_new();
	struct host h = host();
	char path[128];
	FILE *f;

	h.state = kept.path;
	index_begin(kept.index);
	state_leaf(&kept, "{\"type\":\"start\",\"time\":\"2026-11-24T08:49:00.000Z\"}");
	index_commit(kept.index);
	state_commit(&kept);
	state_close(&kept);
	expect(h, "ledger", CHECK_OK, "1 leaves verify");
	h.utc_ms = 1795510200000;	/* 2026-11-24T08:50:00Z */
	expect(h, "clock", CHECK_OK, "after the last entry");
	h.utc_ms -= 86400000;
	expect(h, "clock", CHECK_DEGRADED, "before the last entry");
	h.utc_ms += 86400000;
	h.clock_synced = false;
	expect(h, "clock", CHECK_DEGRADED, "nothing synchronises");

	snprintf(path, sizeof(path), "%s/ledger/leaves", kept.path);
	f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, 20, SEEK_SET);
	fputc('#', f);
	fclose(f);
	expect(h, "ledger", CHECK_BLOCKING, "");
	state_free(&kept);
}

static void a_ledger_without_its_key_blocks(void **state)
{
	struct state kept = state_new();
	struct host h = host();
	char path[128];

	h.state = kept.path;
	state_leaf(&kept, "{\"type\":\"start\"}");
	state_commit(&kept);
	state_close(&kept);
	snprintf(path, sizeof(path), "%s/ledger/key", kept.path);
	assert_int_equal(unlink(path), 0);
	expect(h, "ledger", CHECK_BLOCKING, "key is missing");
	state_free(&kept);
}

static void policies_that_are_missing_wrong_or_open(void **state)
{
	struct host h = host();

	expect(h, "policies", CHECK_BLOCKING, "no policies");
	plant("/p.yaml", "version: 1\nrules:\n  - id: X-1\n    nonsense: 1\n");
	h.policies[h.nr_policies++] = strdup(below("/p.yaml"));
	expect(h, "policies", CHECK_BLOCKING, "p.yaml:");
	chmod(h.policies[0], 0666);
	expect(h, "guarded_files", CHECK_BLOCKING, "p.yaml can be written by others (mode 0666)");
	free((char *)(uintptr_t)h.policies[0]);
	h.policies[0] = "/nowhere.yaml";
	expect(h, "policies", CHECK_BLOCKING, "/nowhere.yaml cannot be read");
}

static void the_journal_is_a_socket(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	expect(host(), "journal", CHECK_DEGRADED, "no /run");
	snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", below("/run/systemd/journal/socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	expect(host(), "journal", CHECK_OK, "is there");
	close(fd);
}

static void a_library_that_is_none_is_told(void **state)
{
	expect(host(), "tls_libraries", CHECK_OK, "no library");
	plant("/usr/lib/x86_64-linux-gnu/libssl.so.3", "\177ELF and nothing behind it");
	expect(host(), "tls_libraries", CHECK_DEGRADED, "/usr/lib/x86_64-linux-gnu/libssl.so.3: no row matches");
}

#define TCP "  sl  local_address rem_address   st\n" \
	"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
static void program(const char *pid, const char *inode, const char *maps, const char *bytes)
{
	char path[64], link[32];

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	plant(path, maps);
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	plant(path, bytes);
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	plant(path, "server\n");
	snprintf(path, sizeof(path), "/proc/%s/net/tcp", pid);
	plant(path, TCP "77 1 0\n");
	snprintf(path, sizeof(path), "/proc/%s/fd/3", pid);
	snprintf(link, sizeof(link), "socket:[%s]", inode);
	assert_int_equal(symlink(link, below(path)), 0);
}

static void programs_with_their_own_tls_are_named_with_the_reason(void **state)
{
	expect(host(), "blind_processes", CHECK_OK, "0 processes");
	program("10", "77", "7f00-7f01 r-xp 0 fe:00 1 /usr/lib/libssl.so.3\n", "Go buildinf:");
	program("11", "78", "0-1 r-xp 0 fe:00 1 /opt/jdk/libjvm.so\n", "");
	expect(host(), "blind_processes", CHECK_OK, "1 processes");
	program("12", "77", "7f00-7f01 r-xp 0 fe:00 1 /usr/lib/libmbedtls.so.14\n7f00-7f01 r-xp 0 fe:00 1 /usr/lib/libwolfssl.so.35\n", "");
	program("13", "77", "0-1 r-xp 0 fe:00 1 /srv/api\n", "text text \xff Go buildinf: text");
	program("14", "77", "0-1 r-xp 0 fe:00 1 /usr/bin/java\n0-1 r-xp 0 fe:00 1 /opt/jdk/libjvm.so\n", "");
	expect(host(), "blind_processes", CHECK_DEGRADED, "server (pid 13): Go");
	assert_null(strstr(said_of.found, "(pid 12)"));
	assert_non_null(strstr(said_of.found, "server (pid 14): Java"));
	assert_null(strstr(said_of.found, "(pid 11)"));
}

static void a_place_is_guarded_only_if_its_whole_way_is(void **state)
{
	char why[1024], path[512];
	uid_t owner;

	plant("/a/b/file", "");
	snprintf(path, sizeof(path), "%s", below("/a/b/file"));
	assert_true(path_guarded(path, &owner, why, sizeof(why)));
	chmod(below("/a"), 0777);
	assert_false(path_guarded(path, &owner, why, sizeof(why)));
	assert_non_null(strstr(why, "/a can be written by others (mode 0777)"));
	/* Also where the way is a link, and where it leads. */
	assert_int_equal(symlink(path, below("/link")), 0);
	assert_false(path_guarded(below("/link"), &owner, why, sizeof(why)));
	chmod(below("/a"), 01777);
	assert_true(path_guarded(path, &owner, why, sizeof(why)));
	chmod(below("/a"), 0755);
	chmod(path, 0622);
	assert_false(path_guarded(path, &owner, why, sizeof(why)));
	if (!geteuid()) {
		chmod(path, 0664);
		assert_true(path_guarded(path, &owner, why, sizeof(why)));
		assert_int_equal(chown(path, 0, 50), 0);
		assert_false(path_guarded(path, &owner, why, sizeof(why)));
		assert_int_equal(chown(path, 1000, 1000), 0);
		assert_true(path_guarded(path, &owner, why, sizeof(why)));
		assert_int_equal(owner, 1000);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, new_root, end_root)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(kernels_are_told_by_what_was_tested),
		T(a_kernel_without_btf_or_with_noise_for_it_blocks),
		T(confidential_lockdown_blocks),
		T(missing_capabilities_are_named),
		T(hooks_are_what_their_trial_showed),
		T(uprobes_need_the_kernel_and_a_trial),
		T(a_kernel_that_mixes_the_stacks_of_probes_is_named),
		T(settings_of_bpf_and_memory),
		T(mounts_that_are_needed_and_those_that_are_not),
		T(what_locks_the_roles_in),
		T(a_state_folder_that_others_may_write_blocks),
		T(a_ledger_is_verified_and_its_last_entry_is_held_against_the_clock),
		T(a_ledger_without_its_key_blocks),
		T(policies_that_are_missing_wrong_or_open),
		T(the_journal_is_a_socket),
		T(a_library_that_is_none_is_told),
		T(programs_with_their_own_tls_are_named_with_the_reason),
		T(a_place_is_guarded_only_if_its_whole_way_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
