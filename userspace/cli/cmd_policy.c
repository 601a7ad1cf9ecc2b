/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy.c - `weir policy check|test|explain|replay|fmt`: are the policy files right, do their
 * rules do what their tests say, why do they judge as they do, and what would they have said. Needs no root. */
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "classify/user.h"
#include "cli/cli.h"
#include "cli/policies.h"
#include "cli/policy_verbs.h"
#include "policy/policy.h"
#include "protocol/descriptor.h"

#define MAX_FILES POLICIES_MAX

extern const struct command command_policy;

static const struct option_row options[] = {
	{ "--policy", "PATH", "explain, replay: a policy file or a folder of them instead of the installed ones; may be repeated" },
	{ "--rule", "R", "explain, replay: only this rule; * and ? match" },
	{ "--leaf", "N", "explain: this leaf of the ledger, a violation or a flow" },
	{ "--check", NULL, "fmt: change nothing, name the files that are not as fmt writes them, and exit 1 if there are any" },
	{ "--exit-code", NULL, "explain, replay: exit 1 when a rule is broken" },
	{ "--period", "P", "replay: what was recorded in all, 24h, 15m, 2026-09, 2026-Q3, FROM..TO (UTC, TO excluded)" },
	QUERY_OPTIONS_STATE,
	{ NULL, NULL, NULL }
};

bool policy_verb_wants(const struct policy_verb *verb, size_t rule)
{
	return !verb->rule || !fnmatch(verb->rule, policy_rule(verb->set, rule)->id, FNM_NOESCAPE);
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = { "quiet", "violation", "unknown" };

	return names[v];
}

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

enum word { WORD_CHECK, WORD_TEST, WORD_EXPLAIN, WORD_REPLAY, WORD_FMT, NR_WORDS };
struct files { const char *names[MAX_FILES]; unsigned nr; };

static int wrong(const char *what, const char *value)
{
	fprintf(stderr, "weir policy: %s: %s\nTry 'weir policy --help'.\n", what, value);
	return -1;
}

/* 0, or -1 after a message. *name: the last option that only explain has. */
static int options_take(struct policy_verb *verb, struct files *files, struct cli *cli, const char **name)
{
	const struct option_row *row;
	const char *value;

	while ((row = cli_next(cli, &value))) {
		*name = row->name;
		if (!strcmp(row->name, "--rule"))
			verb->rule = value;
		else if (!strcmp(row->name, "--leaf") && (!*value || value[strspn(value, "0123456789")] || strlen(value) > 18))
			return wrong("--leaf takes the number of a leaf, not", value);
		else if (!strcmp(row->name, "--leaf"))
			verb->leaf = value;
		else if (!strcmp(row->name, "--check"))
			verb->check = true;
		else if (!strcmp(row->name, "--policy") ? policies_add(files->names, &files->nr, MAX_FILES, value) :
			 query_option(&verb->q, row->name, value) < 0)
			return -1;
	}
	return cli->error ? -1 : 0;
}

/* The operands after the verb. */
static int operands_take(struct policy_verb *verb, struct files *files, enum word word, const char *option, char **rest, int nr)
{
	if (word == WORD_EXPLAIN || word == WORD_REPLAY) {
		if (verb->check || nr + (verb->leaf != NULL) != (word == WORD_EXPLAIN))
			return cli_usage(&command_policy, stderr), -1;
		if (word == WORD_EXPLAIN && strcmp(verb->q.period, "all"))
			return wrong("not an option of weir policy explain", "--period");
		verb->what = nr ? rest[0] : NULL;
		return 0;
	}
	if ((word == WORD_FMT && !nr) || (word != WORD_FMT && verb->check))
		return cli_usage(&command_policy, stderr), -1;
	if (option && !(word == WORD_FMT && !strcmp(option, "--check")))
		return wrong("not an option of this word of weir policy", option);
	for (int i = 0; i < nr; i++)
		if (word == WORD_FMT && !strcmp(rest[i], "-") && files->nr < MAX_FILES) {
			if (!(files->names[files->nr] = strdup("-")))
				return wrong("no memory for", rest[i]);
			files->nr++;
		} else if (policies_add(files->names, &files->nr, MAX_FILES, rest[i])) {
			return -1;
		}
	return 0;
}

static int with_policies(struct policy_verb *verb, const struct files *names, enum word word)
{
	static struct policy_file files[MAX_FILES];
	static struct buf texts[MAX_FILES];
	struct policy_set *set = NULL;
	struct user_classes *classes = NULL;
	bool wanted = false;
	int code = EXIT_USAGE;

	if (!policies_read(files, texts, names->names, names->nr, "weir policy"))
		set = policy_load(files, names->nr, stderr);
	if (set)
		classes = classes_open(policy_classes(set), "weir policy");
	verb->set = set;
	for (size_t i = 0; set && i < policy_rules(set); i++)
		wanted |= policy_verb_wants(verb, i);
	if (!classes || descriptors_open(files, names->nr, "weir policy", stderr))
		;
	else if (word <= WORD_TEST)
		code = answer(set, names->nr, word == WORD_TEST);
	else if (!wanted)
		wrong("no rule of these policies matches", verb->rule ? verb->rule : "*");
	else
		code = word == WORD_EXPLAIN ? policy_verb_explain(verb) : policy_verb_replay(verb);
	(void)descriptors_use(NULL);
	user_classes_free(classes);
	policy_free(set);
	for (unsigned i = 0; i < names->nr; i++)
		buf_free(&texts[i]);
	return code;
}

static int cmd_policy(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = &command_policy };
	struct files files = { .nr = 0 };
	struct policy_verb verb = { .leaf = NULL };
	static const char *const words[NR_WORDS] = { "check", "test", "explain", "replay", "fmt" };
	const char *option = NULL;
	unsigned word = 0;
	int code = EXIT_USAGE;

	query_init(&verb.q, "policy");
	if (options_take(&verb, &files, &cli, &option))
		goto out;
	while (word < NR_WORDS && (cli.next == argc || strcmp(argv[cli.next], words[word])))
		word++;
	if (word == NR_WORDS) {
		cli_usage(cli.command, stderr);
		goto out;
	}
	if (operands_take(&verb, &files, (enum word)word, option, argv + cli.next + 1, argc - cli.next - 1))
		goto out;
	if (word == WORD_FMT)
		code = policy_verb_fmt(files.names, files.nr, verb.check);
	else if (files.nr || !policies_default(files.names, &files.nr, MAX_FILES))
		code = with_policies(&verb, &files, (enum word)word);
out:
	for (unsigned i = 0; i < files.nr; i++)
		free((char *)(uintptr_t)files.names[i]);
	query_fini(&verb.q);
	return code;
}

const struct command command_policy = {
	"policy", "check|test [FILE]... | explain ID|FILE|-|--leaf N [OPTION]... | replay [OPTION]... | fmt [--check] FILE|-...",
	"check policy files, run the tests inside them, format them, explain how they judge a violation, a flow or facts, or judge what is recorded by them; needs no root", options, cmd_policy,
};
