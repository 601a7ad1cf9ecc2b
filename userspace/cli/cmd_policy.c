/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy.c - `weir policy check|test [FILE]...`: are the policy files right, and do
 * their rules do what their tests say. Needs no root and no state folder. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "classify/user.h"
#include "cli/cli.h"
#include "cli/policies.h"
#include "policy/policy.h"
#include "protocol/descriptor.h"

#define MAX_FILES POLICIES_MAX

static const struct option_row options[] = { { NULL, NULL, NULL } };

static int answer(const struct policy_set *set, unsigned nr, bool test)
{
	char hash[65];
	unsigned run = 0, cases = 0;
	int failed;

	policy_hash(set, hash);
	if (!test) {
		printf("%zu rules and %zu classes in %u file%s are right (sha256 %.16s)\n", policy_rules(set), policy_classes(set)->nr, nr,
		       nr == 1 ? "" : "s", hash);
		if (descriptors_messages())
			printf("%zu messages of protocol buffers are described\n", descriptors_messages());
		return EXIT_OK;
	}
	failed = policy_test(set, stdout, &run);
	failed += user_classes_test(policy_classes(set), stdout, &cases);
	run += cases;
	printf("%u tests, %d failed\n", run, failed);
	return failed ? EXIT_FOUND : EXIT_OK;
}

static int cmd_policy(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("policy") };
	static struct policy_file files[MAX_FILES];
	static struct buf texts[MAX_FILES];
	const char *names[MAX_FILES], *verb, *value;
	struct policy_set *set = NULL;
	struct user_classes *classes = NULL;
	int code = EXIT_USAGE;
	unsigned nr = 0;

	while (cli_next(&cli, &value))
		;
	if (cli.error)
		return EXIT_USAGE;
	verb = cli.next < argc ? argv[cli.next] : "";
	if (strcmp(verb, "check") && strcmp(verb, "test")) {
		cli_usage(cli.command, stderr);
		return EXIT_USAGE;
	}
	for (int i = cli.next + 1; i < argc; i++)
		if (policies_add(names, &nr, MAX_FILES, argv[i]))
			return EXIT_USAGE;
	if (!nr && policies_default(names, &nr, MAX_FILES))
		return EXIT_USAGE;
	if (!policies_read(files, texts, names, nr, "weir policy"))
		set = policy_load(files, nr, stderr);
	if (set)
		classes = classes_open(policy_classes(set), "weir policy");
	if (classes && !descriptors_open(files, nr, "weir policy", stderr))
		code = answer(set, nr, !strcmp(verb, "test"));
	(void)descriptors_use(NULL);
	user_classes_free(classes);
	policy_free(set);
	for (unsigned i = 0; i < nr; i++) {
		buf_free(&texts[i]);
		free((char *)(uintptr_t)names[i]);
	}
	return code;
}

const struct command command_policy = {
	"policy", "check|test [FILE]...", "check policy files, or run the tests inside them; needs no root", options, cmd_policy,
};
