/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "classify/names.h"
#include "daemon/container.h"
#include "daemon/script.h"
#include "daemon/user.h"

#define MAPS_MAX (4 << 20)	/* bytes of /proc/PID/maps that are looked at */

static ssize_t proc_read(pid_t pid, const char *file, char *out, size_t size)
{
	char path[64];
	ssize_t n, got = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (got < (ssize_t)size - 1 && (n = read(fd, out + got, size - 1 - (size_t)got)) > 0)
		got += n;
	close(fd);
	out[got] = 0;
	return got;
}

bool proc_is_role(pid_t pid, const char *role)
{
	char path[64], text[64], want[32];
	struct stat theirs, ours;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (stat(path, &theirs) || stat("/proc/self/exe", &ours) || theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino)
		return false;
	snprintf(want, sizeof(want), "role:%s", role);
	return proc_read(pid, "cmdline", text, sizeof(text)) > 0 && !strcmp(text + strlen(text) + 1, want);
}

/* All lines: on hosts with both hierarchies systemd's unit is in name=systemd. */
bool proc_place(pid_t pid, struct place *p)
{
	char text[4096], *line, *save = NULL;

	place_init(p);
	if (proc_read(pid, "cgroup", text, sizeof(text)) <= 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (path)
			place_read(p, path + 1, strlen(path + 1));
	}
	return true;
}

pid_t proc_parent(pid_t pid)
{
	char text[512];
	const char *after;
	int parent = 0;

	if (proc_read(pid, "stat", text, sizeof(text)) <= 0)
		return 0;
	after = strrchr(text, ')');	/* a process may call itself ") S 1" */
	return after && sscanf(after, ") %*c %d", &parent) == 1 ? parent : 0;
}

bool proc_running(pid_t pid, char *state, uint64_t *ticks)
{
	unsigned long user, kernel;
	char text[512];
	const char *after;

	if (proc_read(pid, "stat", text, sizeof(text)) <= 0)
		return false;
	after = strrchr(text, ')');
	if (!after || sscanf(after, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", state, &user, &kernel) != 3)
		return false;
	*ticks = user + kernel;
	return true;
}

/* As the host counts them: the effective one, and the one that the file system asks. */
static bool read_users(pid_t pid, unsigned *effective, unsigned *files)
{
	char text[4096];
	const char *line;

	if (proc_read(pid, "status", text, sizeof(text)) <= 0)
		return false;
	line = strstr(text, "\nUid:");
	return line && sscanf(line, "\nUid: %*u %u %*u %u", effective, files) == 2;
}

bool proc_files_user(pid_t pid, uid_t *user)
{
	unsigned effective;

	return read_users(pid, &effective, user);
}

/* A name only outside of containers, which have names of their own for the same numbers. */
static void read_user(pid_t pid, bool contained, struct process_facts *f)
{
	unsigned uid, files;

	if (!read_users(pid, &uid, &files))
		return;
	f->uid = uid;
	f->uid_known = 1;
	if (!contained)
		user_name(f->user, sizeof(f->user), uid);
}

static bool read_script(pid_t pid, struct process_facts *f)
{
	char text[2048];
	ssize_t n = proc_read(pid, "cmdline", text, sizeof(text));
	size_t len;
	const char *script = n > 0 ? script_of(f->exe, text, (size_t)n + 1, &len) : NULL;	/* with the NUL that was put behind */

	if (script)
		name_clean(f->script, script, len);
	return n > 0;
}

bool proc_exe(pid_t pid, char out[EXE_SIZE])
{
	char path[64], exe[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0)
		return false;
	exe[n] = 0;
	if (n > 10 && !strcmp(exe + n - 10, " (deleted)"))
		n -= 10;
	name_clean_path(out, exe, (size_t)n);
	return true;
}

bool proc_facts(pid_t pid, struct process_facts *f, struct place *place)
{
	bool known = proc_exe(pid, f->exe);
	char comm[32];

	place_init(place);
	if (proc_read(pid, "comm", comm, sizeof(comm)) > 0) {
		char clean[NAME_SIZE];

		name_clean(clean, comm, strcspn(comm, "\n"));
		snprintf(f->comm, sizeof(f->comm), "%.15s", clean);
	}
	(void)proc_place(pid, place);	/* gone meanwhile: the place of nobody */
	read_user(pid, place_is_container(place), f);
	return known && read_script(pid, f);
}

void proc_maps_line(pid_t pid, const char *line, bool (*wanted)(const char *), proc_library_cb cb, void *owner)
{
	unsigned long long from, to, ino;
	unsigned major, minor;
	struct proc_library lib = { 0 };
	const char *base;
	char perms[8];
	int at = 0;

	if (sscanf(line, "%llx-%llx %7s %*x %x:%x %llu %n", &from, &to, perms, &major, &minor, &ino, &at) < 6 || !at)
		return;
	if (!strchr(perms, 'x') || !ino)
		return;
	base = strrchr(line + at, '/');
	if (!base || !wanted(base + 1))
		return;
	lib.dev = makedev(major, minor);
	lib.ino = ino;
	snprintf(lib.name, sizeof(lib.name), "%.*s", (int)strcspn(base + 1, " \n"), base + 1);
	/* The exact file that is mapped, also when its name is gone or means another now. */
	snprintf(lib.open_path, sizeof(lib.open_path), "/proc/%d/map_files/%llx-%llx", pid, from, to);
	cb(owner, &lib);
}

int proc_libraries(pid_t pid, bool (*wanted)(const char *), proc_library_cb cb, void *owner)
{
	char path[64], line[4400];
	size_t seen = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (seen < MAPS_MAX && fgets(line, sizeof(line), maps)) {
		seen += strlen(line);
		proc_maps_line(pid, line, wanted, cb, owner);
	}
	fclose(maps);
	return 0;
}
