/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/runtime.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json_read.h"
#include "classify/names.h"

#define FILE_MAX (4 << 20)	/* bytes of a runtime's file; a list of 10,000 containers has 3 MiB */
#define FOLDERS_MAX 64		/* that a '*' stands for */
#define ENTRIES_MAX 16384	/* looked at in a row's folder */

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

/* ---- opening, before the sandbox: read are the names in folders, and whose home is where ---- */

/* Below root, whatever links say: what lies there a container's root user may have put there.
 * What is neither a regular file nor a folder is not even opened: a pipe waits, a device acts. */
static int open_below(int root, const char *path, mode_t type)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int found = (int)syscall(SYS_openat2, root, path, &how, sizeof(how)), fd = -1;
	char link[40];
	struct stat st;

	if (found < 0)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	if (!fstat(found, &st) && (st.st_mode & S_IFMT) == type)
		fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	close(found);
	return fd;
}

static void file_open(int root, const char *path, unsigned row, struct runtime_files *files)
{
	int fd = files->nr < RUNTIME_FILES ? open_below(root, path, S_IFREG) : -1;

	if (fd >= 0)
		files->file[files->nr++] = (struct runtime_file){ fd, (uint8_t)row, false };
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

static void folders_open(int root, const char *base, const char *form, const char *id, unsigned row, struct runtime_files *files)
{
	char path[512], parent[256];
	const char *star = strchr(form, '*');
	struct dirent *d;
	DIR *dir;
	int fd;

	snprintf(parent, sizeof(parent), "%s%s%.*s", base, base[0] ? "/" : "", (int)(star - form), form);
	fd = open_below(root, parent, S_IFDIR);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (unsigned n = 0; n < FOLDERS_MAX && (d = readdir(dir)); n++)
		if (d->d_name[0] != '.' && path_make(path, sizeof(path), base, form, id, d->d_name))
			file_open(root, path, row, files);
	closedir(dir);
}

static void forms_open(int root, const char *base, const char *const *forms, const char *id, unsigned row, struct runtime_files *files)
{
	char path[512];

	for (; forms && *forms; forms++) {
		if (strchr(*forms, '*'))
			folders_open(root, base, *forms, id, row, files);
		else if (path_make(path, sizeof(path), base, *forms, id, ""))
			file_open(root, path, row, files);
	}
}

static void folder_open(int root, unsigned row, struct runtime_files *files)
{
	int fd = runtimes[row]->folder && files->nr < RUNTIME_FILES ? open_below(root, runtimes[row]->folder, S_IFDIR) : -1;

	if (fd >= 0)
		files->file[files->nr++] = (struct runtime_file){ fd, (uint8_t)row, true };
}

static bool home_of(int root, int64_t user, char out[128])
{
	int fd = open_below(root, "etc/passwd", S_IFREG);
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

void runtime_open(int root, int64_t user, const char *id, struct runtime_files *files)
{
	char home[128], share[160], run[32];

	files->nr = 0;
	if (user >= 0 && !home_of(root, user, home))
		return;
	snprintf(share, sizeof(share), "%s/.local/share", user >= 0 ? home : "");
	snprintf(run, sizeof(run), "/run/user/%lld", (long long)user);
	for (unsigned i = 0; i < runtime_count(); i++) {
		if (user >= 0) {
			forms_open(root, share, runtimes[i]->user_files, id, i, files);
			forms_open(root, run, runtimes[i]->user_run_files, id, i, files);
		} else {
			forms_open(root, "", runtimes[i]->files, id, i, files);
			folder_open(root, i, files);
		}
	}
}

/* ---- reading, in the sandbox ---- */

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

/* Closes it. */
static bool file_tells(const struct runtime_file *f, struct container *c)
{
	size_t got = 0, size;
	struct stat st;
	bool ok = false;
	char *text;
	ssize_t n;

	size = !fstat(f->fd, &st) && st.st_size > 0 && st.st_size <= FILE_MAX ? (size_t)st.st_size : 0;
	text = size ? malloc(size) : NULL;
	while (text && got < size && (n = pread(f->fd, text + got, size - got, (off_t)got)) > 0)
		got += (size_t)n;
	if (text)
		ok = container_text(runtimes[f->row], text, got, c);
	free(text);
	close(f->fd);
	return ok;
}

/* Names of its entries alone. Closes it. */
static bool folder_tells(const struct runtime_file *f, struct container *c)
{
	DIR *dir = fdopendir(f->fd);
	bool found = false;
	struct dirent *d;

	for (unsigned n = 0; dir && !found && n < ENTRIES_MAX && (d = readdir(dir)); n++)
		found = runtimes[f->row]->entry(c, d->d_name);
	if (dir)
		closedir(dir);
	else
		close(f->fd);
	return found;
}

bool runtime_tell(struct runtime_files *files, const char *id, struct container_names *names)
{
	struct container c = { .id = id };
	bool found = false;

	*names = (struct container_names){ .runtime = RUNTIME_UNKNOWN };
	for (unsigned i = 0; i < files->nr; i++) {
		const struct runtime_file *f = &files->file[i];

		if (found) {
			close(f->fd);
			continue;
		}
		found = f->folder ? folder_tells(f, &c) : file_tells(f, &c);
		if (found)
			names->runtime = f->row;
	}
	files->nr = 0;
	if (!found)
		return false;
	memcpy(names->name, c.name[0] ? c.name : c.plain, sizeof(names->name));
	memcpy(names->pod, c.pod, sizeof(names->pod));
	memcpy(names->pod_namespace, c.pod_namespace, sizeof(names->pod_namespace));
	return true;
}
