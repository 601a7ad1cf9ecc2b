/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/container.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "classify/names.h"
#include "daemon/proc.h"

#define FILE_MAX (4 << 20)	/* bytes of a runtime's file; a list of 10,000 containers has 3 MiB */
#define FOLDERS_MAX 64		/* that a '*' stands for */
#define ANCESTORS_MAX 16
#define KNOWN 256
#define KNOWN_NS 60000000000ull		/* what was found is believed for so long */
#define UNKNOWN_NS 2000000000ull	/* and that nothing was */

#define RUNTIME(name) extern const struct runtime runtime_##name;
#include "daemon/runtime/list.def"
#undef RUNTIME

static const struct runtime *const runtimes[] = {
#define RUNTIME(name) &runtime_##name,
#include "daemon/runtime/list.def"
#undef RUNTIME
};

unsigned runtime_count(void)
{
	return sizeof(runtimes) / sizeof(runtimes[0]);
}

const struct runtime *runtime_get(unsigned i)
{
	return i < runtime_count() ? runtimes[i] : NULL;
}

/* ---- the path of a cgroup ---- */

void place_init(struct place *p)
{
	*p = (struct place){ .user = -1 };
}

static bool starts(const char *s, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && !strncmp(s, prefix, strlen(prefix));
}

static bool ends(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !strncmp(s + len - n, suffix, n);
}

/* Exactly 64 hex digits in a row, NULL: there are none. */
static const char *id_in(const char *s, size_t len)
{
	for (size_t i = 0, run = 0; i <= len; i++) {
		if (i < len && isxdigit((unsigned char)s[i])) {
			run++;
			continue;
		}
		if (run == CONTAINER_ID)
			return s + i - run;
		run = 0;
	}
	return NULL;
}

static const struct runtime *runtime_by_prefix(const char *s, size_t len)
{
	for (unsigned i = 0; i < runtime_count(); i++)
		for (const char *const *p = runtimes[i]->prefixes; p && *p; p++)
			if (starts(s, len, *p))
				return runtimes[i];
	return NULL;
}

static const struct runtime *runtime_by_name(const char *s, size_t len, char out[256])
{
	for (unsigned i = 0; i < runtime_count(); i++)
		if (runtimes[i]->named && runtimes[i]->named(s, len, out))
			return runtimes[i];
	return NULL;
}

/* What was the innermost container has another one inside. */
static void go_in(struct place *p)
{
	p->nested = p->id[0] || p->name[0];
	if (p->nested)
		snprintf(p->outer, sizeof(p->outer), "%s", p->id[0] ? p->id : p->name);
	p->id[0] = p->name[0] = 0;
	p->runtime = NULL;
}

/* False: what lies here watches over a container and is not in it. */
static bool component(struct place *p, const char *s, size_t len)
{
	static const char *const watchers[] = { "libpod-conmon-", "crio-conmon-", "lxc.monitor" };
	const struct runtime *named;
	char name[256], *end;
	const char *id;

	for (size_t i = 0; i < sizeof(watchers) / sizeof(watchers[0]); i++)
		if (starts(s, len, watchers[i]))
			return false;
	id = id_in(s, len);
	named = id ? NULL : runtime_by_name(s, len, name);
	if (id || named) {
		go_in(p);
		p->runtime = id ? runtime_by_prefix(s, len) : named;
		if (id)
			snprintf(p->id, sizeof(p->id), "%.*s", CONTAINER_ID, id);
		else
			name_clean(p->name, name, strlen(name));
		return true;
	}
	if (starts(s, len, "user@") && ends(s, len, ".service"))
		p->user = strtol(s + 5, &end, 10);
	if (ends(s, len, ".service") || ends(s, len, ".scope"))
		name_clean(p->unit, s, len);
	return true;
}

void place_read(struct place *p, const char *path, size_t len)
{
	struct place n;
	bool inside = true;

	place_init(&n);
	for (size_t at = 0, size; at < len && inside; at += size + 1) {
		for (size = 0; at + size < len && path[at + size] != '/'; size++)
			;
		if (size)
			inside = component(&n, path + at, size);
	}
	if (!p->unit[0])
		memcpy(p->unit, n.unit, sizeof(p->unit));
	/* Of several hierarchies, the one that is most inside. */
	if ((n.id[0] || n.name[0]) && ((!p->id[0] && !p->name[0]) || (n.nested && !p->nested))) {
		memcpy(n.unit, p->unit, sizeof(n.unit));
		*p = n;
	}
	if (p->user < 0)
		p->user = n.user;
}

/* ---- files of runtimes ---- */

void container_label(struct container *c, const char *label, const char *value)
{
	/* Of CRI-O, Docker; of containerd; of nerdctl. */
	const struct { const char *label; char *out; } known[] = {
		{ "io.kubernetes.container.name", c->name },		{ "io.kubernetes.pod.name", c->pod },
		{ "io.kubernetes.pod.namespace", c->pod_namespace },	{ "io.kubernetes.cri.container-name", c->name },
		{ "io.kubernetes.cri.sandbox-name", c->pod },		{ "io.kubernetes.cri.sandbox-namespace", c->pod_namespace },
		{ "nerdctl/name", c->plain },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(label, known[i].label))
			name_clean(known[i].out, value, strlen(value));
}

/* Below root, whatever links say: what lies there a container's root user may have put there. */
static int open_below(int root, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

struct telling { struct container *container; const struct runtime *row; };

static void on_string(void *owner, const char *const *key, unsigned depth, const char *value)
{
	struct telling *t = owner;

	t->row->string(t->container, key, depth, value);
}

static bool tells(const struct container *c)
{
	return c->name[0] || c->pod[0] || c->plain[0];
}

bool container_text(const struct runtime *row, const char *text, size_t len, struct container *c)
{
	struct container found = { .id = c->id, .runtime = row };
	struct telling t = { &found, row };

	if (!json_read(text, len, on_string, &t) || !tells(&found))
		return false;
	*c = found;
	return true;
}

static bool file_take(int root, const char *path, const struct runtime *row, struct container *c)
{
	int fd = open_below(root, path, 0);
	size_t got = 0, size;
	struct stat st;
	bool ok = false;
	char *text;
	ssize_t n;

	if (fd < 0)
		return false;
	size = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_MAX ? (size_t)st.st_size : 0;
	text = size ? malloc(size) : NULL;
	while (text && got < size && (n = read(fd, text + got, size - got)) > 0)
		got += (size_t)n;
	if (text)
		ok = container_text(row, text, got, c);
	free(text);
	close(fd);
	return ok;
}

/* The template with '%' as the id and '*' as that folder. */
static bool path_make(char *out, size_t size, const char *base, const char *form, const char *id, const char *folder)
{
	size_t n = (size_t)snprintf(out, size, "%s%s", base, base[0] ? "/" : "");

	for (; n < size && *form; form++) {
		if (*form == '%')
			n += (size_t)snprintf(out + n, size - n, "%s", id);
		else if (*form == '*')
			n += (size_t)snprintf(out + n, size - n, "%s", folder);
		else
			out[n++] = *form;
	}
	if (n >= size)
		return false;
	out[n] = 0;
	return true;
}

static bool folders_take(int root, const char *base, const char *form, const struct runtime *row, struct container *c)
{
	char path[512], parent[256];
	const char *star = strchr(form, '*');
	bool found = false;
	struct dirent *d;
	DIR *dir;
	int fd;

	snprintf(parent, sizeof(parent), "%s%s%.*s", base, base[0] ? "/" : "", (int)(star - form), form);
	fd = open_below(root, parent, O_DIRECTORY);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (unsigned n = 0; !found && n < FOLDERS_MAX && (d = readdir(dir)); n++)
		if (d->d_name[0] != '.' && path_make(path, sizeof(path), base, form, c->id, d->d_name))
			found = file_take(root, path, row, c);
	closedir(dir);
	return found;
}

static bool files_take(int root, const char *base, const char *const *forms, const struct runtime *row, struct container *c)
{
	char path[512];

	for (; forms && *forms; forms++) {
		if (strchr(*forms, '*')) {
			if (folders_take(root, base, *forms, row, c))
				return true;
		} else if (path_make(path, sizeof(path), base, *forms, c->id, "") && file_take(root, path, row, c)) {
			return true;
		}
	}
	return false;
}

bool container_find(int root, const char *home, const char *run, struct container *c)
{
	char share[256];

	snprintf(share, sizeof(share), "%s/.local/share", home ? home : "");
	for (unsigned i = 0; i < runtime_count(); i++) {
		const struct runtime *row = runtimes[i];
		bool found;

		if (home)
			found = files_take(root, share, row->user_files, row, c) || files_take(root, run, row->user_run_files, row, c);
		else
			found = files_take(root, "", row->files, row, c) || (row->search && row->search(root, c));
		if (found && !c->runtime)
			c->runtime = row;
		if (found && !c->name[0])
			memcpy(c->name, c->plain, sizeof(c->name));
		if (found)
			return true;
	}
	return false;
}

/* ---- a process ---- */

static bool home_of(int root, int64_t user, char out[128])
{
	int fd = open_below(root, "etc/passwd", 0);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct passwd *pw;
	bool found = false;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && (pw = fgetpwent(f)))
		if (pw->pw_uid == (uid_t)user && strlen(pw->pw_dir) < 128) {
			snprintf(out, 128, "%s", pw->pw_dir);
			found = true;
		}
	fclose(f);
	return found;
}

/* The runtime of a nested container runs outside of it and inside of the outer one: it is an
 * ancestor of the process, and its files are below its root. -1: not found. */
static int runtime_root(pid_t pid, const struct place *inner)
{
	for (int i = 0; pid > 1 && i < ANCESTORS_MAX; i++) {
		struct place p;
		char path[64];

		pid = proc_parent(pid);
		if (pid <= 1 || !proc_place(pid, &p))
			return -1;
		if (!strcmp(p.id, inner->id))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/root", pid);
		return strcmp(p.id[0] ? p.id : p.name, inner->outer) ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

static void look(int root, pid_t pid, const struct place *p, struct container *c)
{
	char home[128] = "", run[32];
	int own;

	if (!p->nested && p->user < 0) {
		container_find(root, NULL, NULL, c);
	} else if (!p->nested) {	/* what a user's cgroup is called, the user may choose: only the user's files count */
		snprintf(run, sizeof(run), "/run/user/%lld", (long long)p->user);
		if (home_of(root, p->user, home))
			container_find(root, home, run, c);
	} else if (pid > 0 && (own = runtime_root(pid, p)) >= 0) {
		container_find(own, NULL, NULL, c);
		close(own);
	}
}

/* The last containers, by id and by where it was looked for. */
static struct known { char id[CONTAINER_ID + 1], outer[CONTAINER_ID + 1]; int64_t user; uint64_t until; struct container c; } known[KNOWN];

static const struct container *find(int root, pid_t pid, const struct place *p)
{
	uint64_t now = clock_boot_ns();
	struct known *k = &known[0];

	for (unsigned i = 0; i < KNOWN; i++) {
		if (known[i].until > now && !strcmp(known[i].id, p->id) && !strcmp(known[i].outer, p->outer) && known[i].user == p->user)
			return &known[i].c;
		if (known[i].until < k->until)
			k = &known[i];
	}
	*k = (struct known){ .user = p->user };
	memcpy(k->id, p->id, sizeof(k->id));
	memcpy(k->outer, p->outer, sizeof(k->outer));
	k->c.id = k->id;
	look(root, pid, p, &k->c);
	k->c.id = k->id;
	k->until = now + (tells(&k->c) ? KNOWN_NS : UNKNOWN_NS);
	return &k->c;
}

/* Whoever runs containers inside of one says what they are called: its own name stays before. */
static void qualify(int root, const struct place *p, struct process_facts *f)
{
	struct place outer = { .user = -1 };
	char name[NAME_SIZE], inner[NAME_SIZE];
	const struct container *c;

	snprintf(outer.id, sizeof(outer.id), "%s", p->outer);
	c = id_in(outer.id, strlen(outer.id)) ? find(root, 0, &outer) : NULL;
	snprintf(name, sizeof(name), "%.*s", c && !c->name[0] ? 12 : 31, c && c->name[0] ? c->name : p->outer);
	snprintf(inner, sizeof(inner), "%s", f->container);
	snprintf(f->container, sizeof(f->container), "%.31s/%.32s", name, inner);
	if (!f->pod_namespace[0])
		return;
	snprintf(inner, sizeof(inner), "%s", f->pod_namespace);
	snprintf(f->pod_namespace, sizeof(f->pod_namespace), "%.31s/%.32s", name, inner);
}

void container_facts(int root, pid_t pid, const struct place *p, struct process_facts *f)
{
	const struct container *c = p->id[0] ? find(root, pid, p) : NULL;
	const struct runtime *runtime = p->runtime ? p->runtime : c ? c->runtime : NULL;

	memcpy(f->unit, p->unit, sizeof(f->unit));
	if (!p->id[0] && !p->name[0])
		return;
	snprintf(f->container_id, sizeof(f->container_id), "%.12s", p->id);
	snprintf(f->container, sizeof(f->container), "%s", c && c->name[0] ? c->name : p->id[0] ? f->container_id : p->name);
	if (c) {
		memcpy(f->pod, c->pod, sizeof(f->pod));
		memcpy(f->pod_namespace, c->pod_namespace, sizeof(f->pod_namespace));
	}
	snprintf(f->runtime, sizeof(f->runtime), "%s", runtime ? runtime->name : "");
	if (p->nested)
		qualify(root, p, f);
}
