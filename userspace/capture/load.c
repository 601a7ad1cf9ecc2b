/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - libbpf and nothing else. The programs are one object, bpf/weir.bpf.c, that
 * travels inside weir (bpf/object.S): which of them are loaded is decided here. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/capture.h"
#include "capture/iter.h"
#include "capture/kernel.h"
#include "capture/private.h"
#include "capture/prove.h"
#include "capture/uprobe.h"

#define FILES_MAX 65536
#define BTF "/sys/kernel/btf/vmlinux"
#define LINK_FILES 2	/* descriptors of a probe: the event and the link */
#define OTHER_FILES 512	/* that are left for all else */

extern const uint8_t bpf_object_start[], bpf_object_end[];

/* Its programs can be preempted at tracepoints, and are then skipped for all others on that CPU
 * (bpf/emit.bpf.h): the type came with that, after 6.18. At kprobes they never are. */
#define PREEMPTS "class_srcu_fast_notrace_t"

/* The hook sets: which programs capture at the socket, by how their sections begin,
 * and what the kernel must know for them. A program in no row is loaded with every set. */
static const struct hook_set { const char *name, *sections[2], *needs, *doc; uint16_t flags; } hook_sets[HOOK_SETS] = {
	{ "tracepoint", { "tp_btf/sock_send_length", "tp_btf/sock_recv_length" }, "btf_trace_sock_send_length",
	  "sock_send_length and sock_recv_length (Linux 6.3)", 0 },
	{ "socket", { "kprobe/", "fexit/" }, "kprobe_dispatcher", "kprobes and fexit programs at the socket layer", 0 },
	{ "sys_exit", { "raw_tp/sys_exit" }, "btf_trace_sys_exit", "raw system call exit, fd-resolved", WIRE_CONFIG_EXIT },
};
enum { AT_TRACEPOINTS, AT_SOCKETS, AT_EXIT };

const char *capture_hook_set(unsigned i, const char **needs, const char **doc)
{
	if (i >= HOOK_SETS)
		return NULL;
	*needs = hook_sets[i].needs;
	*doc = hook_sets[i].doc;
	return hook_sets[i].name;
}

const char *capture_hook_order(const char *btf_path, unsigned order[HOOK_SETS])
{
	bool preempts = capture_kernel_knows(btf_path, PREEMPTS) == 1;

	order[0] = preempts ? AT_SOCKETS : AT_TRACEPOINTS;
	order[1] = preempts ? AT_TRACEPOINTS : AT_SOCKETS;
	order[2] = AT_EXIT;
	return preempts ? "this kernel preempts programs at tracepoints, and skips them for all others on that CPU until they go on; at kprobes it does not" :
			  "tracepoints cost least and see most, then kprobes at the socket layer";
}

/* Programs that the first set is better with, where the kernel has what they hook: it has,
 * since 6.3, unless it was built without io_uring. */
static const char *const extras[] = { "uring_submit", "uring_async", "uring_wait" };

/* libbpf's own words are for the debug level; ours say what to do. */
static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[512];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = 0;
	log_debug("libbpf: %s", line);
	return 0;
}

/* Programs of TLS libraries: attached one by one to what is found, by capture_probe. */
static bool is_probe(const struct bpf_program *p)
{
	return !strncmp(bpf_program__section_name(p), "uprobe", 6) || !strncmp(bpf_program__section_name(p), "uretprobe", 9);
}

/* Programs that are run, not attached. */
static bool is_iterator(const struct bpf_program *p)
{
	return !strncmp(bpf_program__section_name(p), "iter/", 5);
}

/* The set that a program belongs to, NULL: every one. */
static const struct hook_set *set_of(const struct bpf_program *p)
{
	for (size_t i = 0; i < HOOK_SETS; i++)
		for (size_t k = 0; k < 2 && hook_sets[i].sections[k]; k++)
			if (!strncmp(bpf_program__section_name(p), hook_sets[i].sections[k], strlen(hook_sets[i].sections[k])))
				return &hook_sets[i];
	return NULL;
}

/* UNIX sockets are looked at only where a filter names the process, and so their functions; pages
 * have a way of their own to a socket before Linux 6.5. */
static bool is_useful(const struct capture *c, const struct bpf_program *p)
{
	const char *function = strchr(bpf_program__section_name(p), '/');

	if (!function || (strncmp(function, "/unix_", 6) && strcmp(function, "/inet_sendpage")))
		return true;
	return (c->config.filter || strncmp(function, "/unix_", 6)) && (!strstr(function, "sendpage") || capture_kernel_knows(BTF, function + 1) == 1);
}

/* Those that tell of a datagram's peer: without them there is none. */
static bool is_datagram(const struct bpf_program *p)
{
	return !strncmp(bpf_program__section_name(p), "cgroup/", 7);
}

static bool is_wanted(const struct capture *c, const struct bpf_program *p, const struct hook_set *set, bool probes, bool extra)
{
	const struct hook_set *of = set_of(p);

	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
		if (!strcmp(bpf_program__name(p), extras[i]))
			return extra;
	if (is_datagram(p))
		return capture_kernel_knows(BTF, "__cgroup_bpf_run_filter_sock_addr") == 1;
	return (!of || (of == set && is_useful(c, p))) && (probes || !is_probe(p));
}

static void map_sizes(const struct capture_config *config, struct bpf_object *o, int cpus)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, o) {
		const char *name = bpf_map__name(m);

		if (!strcmp(name, "counters"))
			bpf_map__set_max_entries(m, (uint32_t)cpus * WIRE_SLOTS);
		if (!strcmp(name, "data_ring"))
			bpf_map__set_max_entries(m, (uint32_t)config->data_ring);
		if (!strcmp(name, "life_ring"))
			bpf_map__set_max_entries(m, (uint32_t)config->life_ring);
		if (config->connections && (!strcmp(name, "conns") || !strcmp(name, "sessions") || !strcmp(name, "tls_tasks") || !strcmp(name, "go_calls")))
			bpf_map__set_max_entries(m, config->connections);
	}
}

static int object_load(struct capture *c, const struct hook_set *set, bool probes, bool extra)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "weir");
	struct bpf_object *o = bpf_object__open_mem(bpf_object_start, (size_t)(bpf_object_end - bpf_object_start), &opts);
	struct bpf_program *p;
	int err;

	if (!o)
		return -errno;
	map_sizes(&c->config, o, c->cpus);
	bpf_object__for_each_program(p, o) {
		bpf_program__set_autoload(p, is_wanted(c, p, set, probes, extra));
		if (c->multi && is_probe(p))
			bpf_program__set_expected_attach_type(p, (enum bpf_attach_type)UPROBE_MULTI);
	}
	err = bpf_object__load(o);
	if (err) {
		bpf_object__close(o);
		return err;
	}
	c->object = o;
	c->hooks = set->name;
	c->value.flags = set->flags;
	return 0;
}

/* All of it, and what the kernel lacks for the extras. */
static int set_load(struct capture *c, const struct hook_set *set, bool probes)
{
	bool extra = set == hook_sets;
	int err = object_load(c, set, probes, extra);

	if (err == -ESRCH && extra && capture_kernel_knows(BTF, set->needs) == 1)
		err = object_load(c, set, probes, false);
	return err;
}

static int map_fd(struct capture *c, const char *name)
{
	return bpf_object__find_map_fd_by_name(c->object, name);
}

/* What the proof of the hooks left behind: its connections, what the life ring says of it. */
static int life_forget(void *owner, const void *record, size_t len)
{
	return 0;
}

static void proof_forget(struct capture *c)
{
	int conns = map_fd(c, "conns");
	uint64_t key;
	struct ring life;

	for (unsigned i = 0; i < 16 && !bpf_map_get_next_key(conns, NULL, &key); i++)
		bpf_map_delete_elem(conns, &key);
	if (!ring_map(&life, map_fd(c, "life_ring"), c->config.life_ring)) {
		ring_drain(&life, 64, life_forget, NULL);
		ring_unmap(&life);
	}
}

static int attach_set(struct capture *c)
{
	struct bpf_program *p;
	int err = 0;

	bpf_object__for_each_program(p, c->object)
		if (!err && set_of(p) && bpf_program__autoload(p)) {
			err = capture_link_keep(c, bpf_program__attach(p));
			if (err)
				log_info("cannot attach program=%s error=\"%s\"", bpf_program__name(p), strerror(-err));
		}
	return err;
}

/* Attaches the set and lets it show a known exchange, of this process and nobody else; it tells of
 * nothing from then on until all the others are attached. 0 or -errno: it is dead. */
static int set_prove(struct capture *c)
{
	struct wire_config value = { .filter = WIRE_FILTER_PID, .max_parts = 1, .flags = c->value.flags };
	uint32_t zero = 0, self = (uint32_t)getpid();
	uint8_t watched = WIRE_TASK_WATCHED;
	enum proof proof;
	int err;

	bpf_map_update_elem(map_fd(c, "config"), &zero, &value, BPF_ANY);
	bpf_map_update_elem(map_fd(c, "scope"), &self, &watched, BPF_ANY);
	err = attach_set(c);
	if (err)
		return err;
	proof = prove_hooks(map_fd(c, "data_ring"), c->config.data_ring);
	value.filter = WIRE_FILTER_NOTHING;
	bpf_map_update_elem(map_fd(c, "config"), &zero, &value, BPF_ANY);
	bpf_map_delete_elem(map_fd(c, "scope"), &self);
	proof_forget(c);
	return proof == PROOF_DEAD ? -ENODATA : 0;
}

/* Loads the set and tries it. */
static int set_start(struct capture *c, const struct hook_set *set, bool probes)
{
	int err = set_load(c, set, probes);

	if (err)
		return err;
	err = set_prove(c);
	if (err) {
		capture_detach(c);
		bpf_object__close(c->object);
		c->object = NULL;
	}
	return err;
}

/* Does the kernel keep memory from BPF programs, root's too? Securityfs need not be mounted. */
static bool locked_down(void)
{
	static const char *const files[][2] = {
		{ "/sys/kernel/security/lockdown", "[confidentiality]" }, { "/proc/cmdline", "lockdown=confidentiality" },
	};
	char text[4096];

	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(files[i][0], "re");
		size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

		if (f)
			fclose(f);
		text[n] = 0;
		if (strstr(text, files[i][1]))
			return true;
	}
	return false;
}

static void probes_warn(void)
{
	struct utsname kernel;

	if (!uname(&kernel) && capture_kernel_mixes_probes(BTF, kernel.version) == 1)
		log_warn("on this kernel " MIXED_PROBES "; " MIXED_PROBES_MEND);
}

/* The first set that loads and works, with the probes of TLS libraries if they do. */
static int capture_load(struct capture *c, char *why, size_t why_size)
{
	unsigned order[HOOK_SETS];
	const char *because;
	int err = -ENOENT;

	if (access(BTF, R_OK)) {
		snprintf(why, why_size, "this kernel has no BTF (" BTF ": %s); weir needs a kernel built "
			 "with CONFIG_DEBUG_INFO_BTF=y, as Debian's since 5.10 are", strerror(errno));
		return -ENOENT;
	}
	because = capture_hook_order(BTF, order);
	for (size_t i = 0; i < HOOK_SETS; i++) {
		const struct hook_set *h = &hook_sets[order[i]];

		if (c->config.hooks && strcmp(c->config.hooks, h->name))
			continue;
		err = order[i] != AT_TRACEPOINTS && capture_kernel_knows(BTF, h->needs) != 1 ? -ESRCH : set_start(c, h, true);
		if (!err) {
			log_debug("hook set chosen set=%s order=\"%s\"", h->name, because);
			probes_warn();
			return 0;
		}
		if (locked_down()) {
			snprintf(why, why_size, "no capture possible: lockdown=confidentiality keeps memory from BPF programs, root's "
				 "too; boot with lockdown=integrity at most");
			return -EPERM;
		}
		if (err == -ESRCH) { /* a hook is not in the kernel's BTF */
			log_info("hook set not in this kernel set=%s needs=\"%s\"", h->name, h->doc);
			continue;
		}
		if (err == -ENODATA) {
			log_warn("hook set is dead: it is attached and did not show weir's own bytes, trying the next set=%s", h->name);
			continue;
		}
		if (err != -EPERM && !set_start(c, h, false)) {
			log_warn("TLS probes do not load on this kernel error=\"%s\": TLS will be opaque", strerror(-err));
			return 0;
		}
		log_warn("hook set does not load, trying the next set=%s error=\"%s\"", h->name, strerror(-err));
	}
	if (err == -EPERM) {
		snprintf(why, why_size, "the kernel refuses BPF programs (%s): run as root", strerror(-err));
		return err;
	}
	snprintf(why, why_size, "no capture possible: no hook set for sockets loads on this kernel (last error: %s); "
		 "weir is tested on Linux 6.1 and later", strerror(-err));
	return err;
}

struct capture *capture_new(const struct capture_config *config, char *why, size_t why_size)
{
	struct capture *c = calloc(1, sizeof(*c));
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY }, files;
	int err;

	if (!c)
		return NULL;
	c->config = *config;
	c->cpus = libbpf_num_possible_cpus() > 0 ? libbpf_num_possible_cpus() : 1;
	c->multi = !config->perf_probes && uprobe_multi_works();
	c->value = (struct wire_config){ .filter = WIRE_FILTER_NOTHING, .max_parts = config->max_parts };
	libbpf_set_print(quiet);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);	/* kernels before 5.11 charge maps to it */
	c->max_links = MAX_LINKS;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
		setrlimit(RLIMIT_NOFILE, &files);
		if (files.rlim_cur < OTHER_FILES + LINK_FILES * MAX_LINKS)
			c->max_links = files.rlim_cur > OTHER_FILES ? (unsigned)(files.rlim_cur - OTHER_FILES) / LINK_FILES : 0;
	}
	err = capture_load(c, why, why_size);
	capture_kernel_forget();
	if (err)
		goto fail;
	c->scope_fd = map_fd(c, "scope");
	c->cgroups_fd = map_fd(c, "cgroups");
	c->exe_fd = map_fd(c, "exe_globs");
	c->unwanted_fd = map_fd(c, "unwanted");
	c->data_fd = map_fd(c, "data_ring");
	if (capture_maps(c)) {
		snprintf(why, why_size, "cannot map the counters: %s", strerror(errno));
		goto fail;
	}
	if (ring_map(&c->life, map_fd(c, "life_ring"), config->life_ring)) {
		snprintf(why, why_size, "cannot map the life ring: %s", strerror(errno));
		goto fail;
	}
	return c;
fail:
	capture_free(c);
	return NULL;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	capture_detach(c);
	bpf_link__destroy(c->look);
	ring_unmap(&c->life);
	capture_maps_end(c);
	bpf_object__close(c->object);
	free(c);
}

/* One that is run once. */
static int iterate(struct capture *c, const char *name, size_t size, void (*take)(void *, const void *), void *owner)
{
	struct bpf_link *l = iter_attach(c->object, name);
	int err = l ? iter_run(l, size, take, owner) : -errno;

	bpf_link__destroy(l);
	return err;
}

struct owner_sink { void (*take)(void *, uint32_t); void *owner; };

static void owner_take(void *owner, const void *record)
{
	const struct owner_sink *s = owner;

	s->take(s->owner, *(const uint32_t *)record);
}

int capture_owners(struct capture *c, void (*take)(void *owner, uint32_t tgid), void *owner)
{
	return iterate(c, "seed_owners", sizeof(uint32_t), owner_take, &(struct owner_sink){ take, owner });
}

struct own_map { uint64_t start, inode; };

static void map_take(void *owner, const void *record)
{
	const struct wire_map *m = record;
	struct own_map *wanted = owner;

	if (m->start == wanted->start)
		wanted->inode = m->inode;
}

int capture_inode(struct capture *c, int fd, uint64_t *inode)
{
	void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	struct own_map wanted = { (uint64_t)(uintptr_t)at, 0 };
	struct bpf_link *l;
	int err;

	if (at == MAP_FAILED)
		return -errno;
	l = iter_attach_own(c->object, "own_maps");
	err = l ? iter_run(l, sizeof(struct wire_map), map_take, &wanted) : -errno;
	bpf_link__destroy(l);
	munmap(at, 1);
	if (!err && !wanted.inode)
		err = -ENOENT;
	*inode = err ? 0 : wanted.inode;
	return err;
}

/* The root of control groups v2, as a mount that nobody else sees: the host need not have one. */
static int cgroup_root(void)
{
	int fs = fsopen("cgroup2", FSOPEN_CLOEXEC), root = -1;

	if (fs >= 0 && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		root = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fs >= 0)
		close(fs);
	return root;
}

static void datagrams_attach(struct capture *c)
{
	int root = cgroup_root(), err = root < 0 ? -errno : 0;
	struct bpf_program *p;

	bpf_object__for_each_program(p, c->object)
		if (!err && is_datagram(p))
			err = bpf_program__autoload(p) ? capture_link_keep(c, bpf_program__attach_cgroup(p, root)) : -ENOENT;
	if (root >= 0)
		close(root);
	if (err)
		log_warn("peers of datagram sockets that are not connected are not known: cannot attach to the root of control groups error=\"%s\"",
			 strerror(-err));
}

int capture_attach(struct capture *c, char *why, size_t why_size)
{
	struct bpf_program *p;
	int seeded;

	bpf_object__for_each_program(p, c->object) {
		bool later = is_probe(p) || is_iterator(p) || is_datagram(p) || set_of(p) || !bpf_program__autoload(p);
		int err = later ? 0 : capture_link_keep(c, bpf_program__attach(p));

		if (err) {
			snprintf(why, why_size, "cannot attach %s: %s", bpf_program__name(p), strerror(-err));
			return err;
		}
	}
	datagrams_attach(c);
	c->value.filter = c->config.filter;
	capture_config_write(c);
	/* Not before: one that is made meanwhile would be in neither. */
	seeded = iterate(c, "seed_conns", 1, NULL, NULL);
	if (seeded)
		log_warn("cannot look for old connections error=\"%s\": each is known from its next use on", strerror(-seeded));
	c->look = iter_attach(c->object, "conns_look");
	if (!c->look)
		log_warn("cannot look at all connections error=\"%s\": an account is held against the kernel only when its connection ends", strerror(errno));
	return 0;
}

void capture_mute(struct capture *c)
{
	c->value.filter = WIRE_FILTER_NOTHING;
	capture_config_write(c);
}

const char *capture_hooks(const struct capture *c)
{
	return c->hooks;
}

int capture_data_ring(const struct capture *c)
{
	return c->data_fd;
}

size_t capture_data_size(const struct capture *c)
{
	return c->config.data_ring;
}

struct check_sink { void (*take)(void *, const struct wire_check *); void *owner; };

static void check_take(void *owner, const void *record)
{
	const struct check_sink *s = owner;

	s->take(s->owner, record);
}

int capture_look(struct capture *c, bool last, void (*take)(void *, const struct wire_check *), void *owner)
{
	if (!c->look)
		return -EOPNOTSUPP;
	c->value.look++;
	c->value.flags |= (capture_skipped_runs(c) ? WIRE_CONFIG_MISSED : 0) | (last ? WIRE_CONFIG_LAST : 0);
	capture_config_write(c);
	return iter_run(c->look, sizeof(struct wire_check), check_take, &(struct check_sink){ take, owner });
}

uint64_t capture_skipped_runs(struct capture *c)
{
	struct bpf_program *p;
	uint64_t sum = 0;

	bpf_object__for_each_program(p, c->object) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (bpf_program__autoload(p) && !bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &len))
			sum += info.recursion_misses;
	}
	return sum + capture_links_missed(c);
}

struct life_sink { void (*take)(void *, const struct wire_life *); void *owner; };

static int life_take(void *owner, const void *record, size_t len)
{
	const struct life_sink *s = owner;
	union { struct wire_life life; struct wire_exec exec; struct wire_cgroup cgroup; } u;
	struct wire_life *l = &u.life;

	if (len < sizeof(*l))
		return 0;
	memcpy(&u, record, len < sizeof(u) ? len : sizeof(u));
	l->who.comm[sizeof(l->who.comm) - 1] = 0;
	if (l->kind == WIRE_EXEC) {
		if (len < sizeof(u.exec) || u.exec.len > sizeof(u.exec.args))
			return 0;
		l->path[sizeof(l->path) - 1] = u.exec.program[sizeof(u.exec.program) - 1] = 0;
	} else if (l->kind == WIRE_CGROUP) {
		if (len < sizeof(u.cgroup))
			return 0;
		u.cgroup.path[sizeof(u.cgroup.path) - 1] = 0;
	}
	s->take(s->owner, l);
	if (l->kind == WIRE_EXEC)
		explicit_bzero(u.exec.args, sizeof(u.exec.args));
	return 0;
}

bool capture_life(struct capture *c, void (*take)(void *, const struct wire_life *), void *owner)
{
	struct life_sink s = { take, owner };
	uint64_t to = *c->life.consumer + ring_waiting(&c->life);

	ring_drain(&c->life, 4096, life_take, &s);
	return *c->life.consumer >= to;
}
