/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policies.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int add_folder(const char **names, unsigned *nr, unsigned max, const char *folder)
{
	char pattern[4200];
	glob_t found = { 0 };
	int added = 0;

	snprintf(pattern, sizeof(pattern), "%s/*.yaml", folder);
	if (!glob(pattern, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc && *nr < max; i++, added++)
			names[(*nr)++] = strdup(found.gl_pathv[i]);
	globfree(&found);
	return added;
}

int policies_add(const char **names, unsigned *nr, unsigned max, const char *path)
{
	struct stat st;

	if (stat(path, &st)) {
		fprintf(stderr, "weir: cannot read the policy %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (*nr >= max) {
		fprintf(stderr, "weir: too many policy files (%u at most): %s\n", max, path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode)) {
		names[(*nr)++] = strdup(path);
		return 0;
	}
	if (add_folder(names, nr, max, path))
		return 0;
	fprintf(stderr, "weir: no *.yaml in the policy folder %s\n", path);
	return -1;
}

int policies_default(const char **names, unsigned *nr, unsigned max)
{
	char exe[4096], *slash;
	ssize_t n;

	if (add_folder(names, nr, max, "/etc/weir/policies"))
		return 0;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 16);
	exe[n > 0 ? n : 0] = 0;
	slash = strrchr(exe, '/');
	if (slash) {
		snprintf(slash, sizeof(exe) - (size_t)(slash - exe), "/policies");
		if (add_folder(names, nr, max, exe))
			return 0;
	}
	fprintf(stderr, "weir: no policies in /etc/weir/policies nor in %s: name them with --policy PATH\n", exe);
	return -1;
}
