/* SPDX-License-Identifier: Apache-2.0 */
/* blind.c - programs that have TCP sockets now and bring TLS that weir has no probe for. By
 * what is mapped and by marks in the program's bytes; nothing of theirs is parsed. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/tls/tls.h"
#include "cli/doctor/doctor.h"

#define SOCKETS 65536
#define MARK_BYTES ((size_t)128 << 20)	/* of a program that are looked at */

/* What says that a program does TLS in a way of its own; the first that fits. */
static const struct { const char *library, *mark, *reason; } kinds[] = {
	{ "libjvm.so", NULL, "Java" },
	{ NULL, "\xff Go buildinf:", "Go" },
	{ NULL, "ssl_lib.c", "OpenSSL or BoringSSL inside the program" },
	{ NULL, "/rustls-", "TLS in Rust" },
};

struct sockets { char space[64]; unsigned long inode[SOCKETS]; size_t nr; };

static void table_read(const struct host *h, const char *path, struct sockets *s)
{
	FILE *f = fopen(host_path(h, path), "re");
	unsigned long inode;
	char line[512];

	while (f && s->nr < SOCKETS && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %lu", &inode) == 1 && inode)
			s->inode[s->nr++] = inode;
	if (f)
		fclose(f);
}

/* The TCP sockets of the network namespace that this process is in. */
static void sockets_of(const struct host *h, const char *pid, struct sockets *s)
{
	char path[300], space[64] = "";

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	if (readlink(host_path(h, path), space, sizeof(space) - 1) > 0 && !strcmp(space, s->space))
		return;
	snprintf(s->space, sizeof(s->space), "%s", space);
	s->nr = 0;
	snprintf(path, sizeof(path), "/proc/%s/net/tcp", pid);
	table_read(h, path, s);
	snprintf(path, sizeof(path), "/proc/%s/net/tcp6", pid);
	table_read(h, path, s);
}

/* 1, 0, or -errno: not to be looked at. */
static int has_tcp(const struct host *h, const char *pid, struct sockets *s)
{
	char path[300], link[64];
	const struct dirent *d;
	unsigned long inode;
	int found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(host_path(h, path));
	if (!dir)
		return -errno;
	while (!found && (d = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = 0;
		if (sscanf(link, "socket:[%lu]", &inode) != 1)
			continue;
		sockets_of(h, pid, s);
		for (size_t i = 0; !found && i < s->nr; i++)
			found = s->inode[i] == inode;
	}
	closedir(dir);
	return found;
}

struct mapped { bool probed, kind[sizeof(kinds) / sizeof(kinds[0])]; };

static void maps_read(const struct host *h, const char *pid, struct mapped *m)
{
	char path[300], line[4400];
	const char *base;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	f = fopen(host_path(h, path), "re");
	while (f && fgets(line, sizeof(line), f)) {
		base = strrchr(line, '/');
		if (!base++)
			continue;
		for (unsigned i = 0; i < tls_lib_count(); i++)
			m->probed |= !tls_lib_get(i)->hidden && tls_lib_named(tls_lib_get(i), base);
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			m->kind[i] |= kinds[i].library && !strncmp(base, kinds[i].library, strlen(kinds[i].library));
	}
	if (f)
		fclose(f);
}

static void marks_read(const struct host *h, const char *pid, struct mapped *m)
{
	enum { STEP = 1 << 16, OVERLAP = 32 };
	static char text[OVERLAP + STEP];
	struct tls_sites sites;
	size_t kept = 0, seen = 0;
	bool marked = false;
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(host_path(h, path), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	while (fd >= 0 && seen < MARK_BYTES && (n = read(fd, text + kept, STEP)) > 0) {
		size_t have = kept + (size_t)n;

		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			m->kind[i] |= kinds[i].mark && memmem(text, have, kinds[i].mark, strlen(kinds[i].mark));
		kept = have < OVERLAP ? have : OVERLAP;
		memmove(text, text + have - kept, kept);
		seen += (size_t)n;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		marked |= m->kind[i] && kinds[i].mark;
	/* Known inside is known too: the same scan as the probes come from. */
	m->probed = marked && scan_apart(fd, &sites);
	if (fd >= 0)
		close(fd);
}

static const char *blind_reason(const struct host *h, const char *pid)
{
	struct mapped m = { 0 };

	maps_read(h, pid, &m);
	if (m.probed)
		return NULL;
	marks_read(h, pid, &m);
	if (m.probed)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (m.kind[i])
			return kinds[i].reason;
	return NULL;
}

void check_blind_processes(struct host *h, struct answer *a)
{
	static struct sockets s;
	DIR *proc = opendir(host_path(h, "/proc"));
	unsigned owners = 0, blind = 0, closed = 0;
	const struct dirent *d;

	s = (struct sockets){ .nr = 0 };
	while (proc && (d = readdir(proc))) {
		char path[300], comm[64];
		const char *why;
		int tcp;

		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		tcp = has_tcp(h, d->d_name, &s);
		closed += tcp == -EACCES;
		owners += tcp > 0;
		why = tcp > 0 ? blind_reason(h, d->d_name) : NULL;
		if (!why)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		host_read(h, path, comm, sizeof(comm));
		answer_also(a, "%s (pid %s): %s", comm, d->d_name, why);
		blind++;
	}
	if (proc)
		closedir(proc);
	if (blind) {
		a->state = CHECK_DEGRADED;
		answer_fix(a, "what they send over TLS is counted but not looked into", "weir coverage tells how much it is");
	} else if (closed) {
		answer_found(a, CHECK_UNKNOWN, "%u processes of others cannot be looked at without root", closed);
	} else {
		answer_found(a, CHECK_OK, "%u processes have TCP sockets, none with TLS of a kind that is not probed", owners);
	}
}
