/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOO_MANY "%s can be given %d times, and not once more"

static int refuse(const char *command, const char *what, const char *value)
{
	fprintf(stderr, "weir %s: %s: %s\nTry 'weir %s --help'.\n", command, what, value, command);
	return -1;
}

static int pid_add(struct wanted *w, const char *command, const char *value)
{
	char *end, path[32], what[64];
	unsigned long pid = strtoul(value, &end, 10);

	snprintf(path, sizeof(path), "/proc/%lu", pid);
	if (*end || !pid || pid > INT32_MAX || access(path, F_OK))
		return refuse(command, "no such process", value);
	snprintf(what, sizeof(what), TOO_MANY, "--pid", WANTED_MAX);
	if (w->nr_pids == WANTED_MAX)
		return refuse(command, what, value);
	w->pids[w->nr_pids++] = (uint32_t)pid;
	return 0;
}

int wanted_option(struct wanted *w, const char *command, const char *option, const char *value)
{
	struct names *n = !strcmp(option, "--exe") ? &w->exes : !strcmp(option, "--unit") ? &w->units :
			  !strcmp(option, "--container") ? &w->containers : NULL;
	char what[64];

	if (!strcmp(option, "--pid"))
		return pid_add(w, command, value);
	if (!n)
		return 1;
	if (!*value)
		return refuse(command, "this option wants a name, not nothing", option);
	snprintf(what, sizeof(what), TOO_MANY, option, WANTED_MAX);
	if (n->nr == WANTED_MAX)
		return refuse(command, what, value);
	n->list[n->nr++] = value;
	return 0;
}

static bool text_add(char *text, size_t size, const char *kind, const char *value)
{
	static const char more[] = " and more";
	size_t n = strlen(text), len = strlen(kind) + strlen(value) + 2;

	if (len < size - n && size - n - len > sizeof(more)) {
		snprintf(text + n, size - n, "%s%s %s", n ? " " : "", kind, value);
		return true;
	}
	snprintf(text + n, size - n, "%s", more);
	return false;
}

void wanted_text(const struct wanted *w, char *text, size_t size)
{
	const struct { const char *kind; const struct names *names; } all[] = {
		{ "exe", &w->exes }, { "unit", &w->units }, { "container", &w->containers },
	};
	char value[64];
	bool room = true;

	text[0] = 0;
	for (unsigned i = 0; room && i < w->nr_pids; i++) {
		snprintf(value, sizeof(value), "%u", w->pids[i]);
		room = text_add(text, size, "pid", value);
	}
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		for (unsigned i = 0; room && i < all[k].names->nr; i++) {
			snprintf(value, sizeof(value), "%.60s", all[k].names->list[i]);
			room = text_add(text, size, all[k].kind, value);
		}
}
