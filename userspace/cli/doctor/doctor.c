/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c - the rows, and what all checks use. */
#include "cli/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static const struct check checks[] = {
#define CHECK(name) { #name, check_##name },
#include "cli/doctor/list.def"
#undef CHECK
};

unsigned check_count(void)
{
	return sizeof(checks) / sizeof(checks[0]);
}

const struct check *check_get(unsigned i)
{
	return i < check_count() ? &checks[i] : NULL;
}

const char *check_state_name(enum check_state s)
{
	static const char *const names[] = { "OK", "UNKNOWN", "DEGRADED", "BLOCKING" };

	return names[s];
}

const char *host_path(const struct host *h, const char *path)
{
	static char whole[4352];

	snprintf(whole, sizeof(whole), "%s%s", h->root, path);
	return whole;
}

long host_read(const struct host *h, const char *path, char *out, size_t size)
{
	int fd = open(host_path(h, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	long n = fd < 0 ? -errno : (long)read_all(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = 0;
	if (n > 0 && out[n - 1] == '\n')
		out[--n] = 0;
	return n;
}

bool host_mounted(const struct host *h, const char *place, const char *type, char *where, char *options, size_t size)
{
	char at[256], kind[64], how[512], line[2048];
	FILE *f = fopen(host_path(h, "/proc/self/mounts"), "re");
	bool found = false;

	/* The last mount on a place is the one that is seen. */
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %255s %63s %511s", at, kind, how) != 3)
			continue;
		if ((place && strcmp(at, place)) || (type && strcmp(kind, type)))
			continue;
		if (where)
			snprintf(where, size, "%s", at);
		if (options)
			snprintf(options, size, "%s", how);
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

bool host_field(const struct host *h, const char *path, const char *name, int base, uint64_t *out)
{
	char text[8192], *line, *save = NULL;
	size_t n = strlen(name);

	if (host_read(h, path, text, sizeof(text)) < 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, name, n) && line[n] == ':') {
			*out = strtoull(line + n + 1, NULL, base);
			return true;
		}
	return false;
}

void answer_found(struct answer *a, enum check_state state, const char *fmt, ...)
{
	va_list ap;

	a->state = state;
	va_start(ap, fmt);
	vsnprintf(a->found, sizeof(a->found), fmt, ap);
	va_end(ap);
}

void answer_also(struct answer *a, const char *fmt, ...)
{
	size_t n = strlen(a->found);
	va_list ap;

	if (n && n + 3 < sizeof(a->found))
		n += (size_t)snprintf(a->found + n, sizeof(a->found) - n, "; ");
	va_start(ap, fmt);
	vsnprintf(a->found + n, sizeof(a->found) - n, fmt, ap);
	va_end(ap);
}

void answer_fix(struct answer *a, const char *affects, const char *fix)
{
	snprintf(a->affects, sizeof(a->affects), "%s", affects);
	snprintf(a->fix, sizeof(a->fix), "%s", fix);
}
