/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policies.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "policy/policy.h"
#include "protocol/descriptor.h"

/* Only a copy that is there: a set of rules must not become smaller for want of memory. */
static int add_name(const char **names, unsigned *nr, const char *path)
{
	names[*nr] = strdup(path);
	if (names[*nr])
		return ++*nr, 0;
	fprintf(stderr, "weir: no memory for the name of the policy %s\n", path);
	return -1;
}

/* How many files were added; -1 after a message. */
static int add_files(const char **names, unsigned *nr, unsigned max, const char *folder, const char *suffix)
{
	char pattern[4200];
	glob_t found = { 0 };
	int added = 0;

	snprintf(pattern, sizeof(pattern), "%s/*%s", folder, suffix);
	if (!glob(pattern, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc && added >= 0; i++) {
			if (*nr >= max)
				fprintf(stderr, "weir: too many policy files (%u at most): %s\n", max, found.gl_pathv[i]);
			added = *nr >= max || add_name(names, nr, found.gl_pathv[i]) ? -1 : added + 1;
		}
	globfree(&found);
	return added;
}

/* With the data classes that stand apart from rules. */
static int add_folder(const char **names, unsigned *nr, unsigned max, const char *folder)
{
	char classes[4160];
	int rules = add_files(names, nr, max, folder, ".yaml"), more;

	snprintf(classes, sizeof(classes), "%s/classes", folder);
	more = rules < 0 ? 0 : add_files(names, nr, max, classes, ".yaml");
	if (rules >= 0 && more >= 0 && rules + more > 0 && add_files(names, nr, max, folder, DESCRIPTOR_SUFFIX) < 0)
		return -1;
	return rules < 0 || more < 0 ? -1 : rules + more;
}

int policies_add(const char **names, unsigned *nr, unsigned max, const char *path)
{
	struct stat st;
	int added;

	if (stat(path, &st)) {
		fprintf(stderr, "weir: cannot read the policy %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (*nr >= max) {
		fprintf(stderr, "weir: too many policy files (%u at most): %s\n", max, path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return add_name(names, nr, path);
	added = add_folder(names, nr, max, path);
	if (added)
		return added < 0 ? -1 : 0;
	fprintf(stderr, "weir: no *.yaml in the policy folder %s\n", path);
	return -1;
}

int policies_default(const char **names, unsigned *nr, unsigned max)
{
	char exe[4096], *slash;
	ssize_t n;
	int added = add_folder(names, nr, max, "/etc/weir/policies");

	if (added)
		return added < 0 ? -1 : 0;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 16);
	exe[n > 0 ? n : 0] = 0;
	slash = strrchr(exe, '/');
	if (slash) {
		snprintf(slash, sizeof(exe) - (size_t)(slash - exe), "/policies");
		added = add_folder(names, nr, max, exe);
		if (added)
			return added < 0 ? -1 : 0;
	}
	fprintf(stderr, "weir: no policies in /etc/weir/policies nor in %s: name them with --policy PATH\n", exe);
	return -1;
}

int policies_read(struct policy_file *files, struct buf *texts, const char *const *names, unsigned nr, const char *command)
{
	for (unsigned i = 0; i < nr; i++) {
		size_t most = policy_is_descriptors(names[i]) ? DESCRIPTOR_MAX : 1 << 20;

		buf_init(&texts[i], most);
		if (read_file(AT_FDCWD, names[i], &texts[i])) {
			fprintf(stderr, "%s: cannot read %s (a file of at most %zu MiB is wanted)\n", command, names[i], most >> 20);
			return -1;
		}
		files[i] = (struct policy_file){ names[i], (const char *)texts[i].ptr, texts[i].len };
	}
	return 0;
}

struct user_classes *classes_open(const struct class_rules *rules, const char *command)
{
	char why[256];
	struct user_classes *classes = user_classes_new(rules, true, why, sizeof(why));

	if (classes)
		user_classes_use(classes);
	else
		fprintf(stderr, "%s: the classes of the policy cannot be looked for: %s\n", command, why);
	return classes;
}

int descriptors_open(const struct policy_file *files, unsigned nr, const char *command, FILE *errors)
{
	struct descriptors *d = NULL;
	char why[256];

	for (unsigned i = 0; i < nr; i++) {
		if (!policy_is_descriptors(files[i].name))
			continue;
		snprintf(why, sizeof(why), "no memory for what it says");
		if (!d)
			d = descriptors_new();
		if (d && !descriptors_add(d, files[i].text, files[i].len, why, sizeof(why)))
			continue;
		fprintf(errors, "%s: %s is no set of protobuf descriptors: %s\n", command, files[i].name, why);
		descriptors_free(d);
		return -1;
	}
	if (!descriptors_use(d))
		return 0;
	fprintf(errors, "%s: no memory for what the sets of protobuf descriptors say\n", command);
	return -1;
}
