/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - finds the command, walks its options, prints help from the rows. */
#include "cli/cli.h"

#include <string.h>

#include "version.h"

#define COMMAND(name) extern const struct command command_##name;
#include "cli/list.def"
#undef COMMAND

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cli/list.def"
#undef COMMAND
};

unsigned command_count(void)
{
	return sizeof(commands) / sizeof(commands[0]);
}

const struct command *command_get(unsigned i)
{
	return i < command_count() ? commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	for (unsigned i = 0; i < command_count(); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* Letters to change, add or drop to get from a to b; words longer than 31 are far apart. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[32];

	if (la > 31 || lb > 31)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned last = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned up = row[j], best = last + (a[i - 1] != b[j - 1]);

			best = up + 1 < best ? up + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			row[j] = best;
			last = up;
		}
	}
	return row[lb];
}

static void usage(FILE *f)
{
	fprintf(f, "weir watches what API processes send and receive, judges it, and keeps evidence.\n\nCommands:\n");
	for (unsigned i = 0; i < command_count(); i++)
		fprintf(f, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(f, "\n'weir help COMMAND' shows a command's options. Exit codes: 0 ok, 1 violations or failed tests,\n"
		"2 usage, 3 degraded, 4 not verified.\n");
}

void cli_usage(const struct command *c, FILE *f)
{
	fprintf(f, "usage: weir %s %s\n%s\n", c->name, c->synopsis, c->summary);
	for (const struct option_row *o = c->options; o && o->name; o++) {
		char left[40];

		snprintf(left, sizeof(left), "%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
		fprintf(f, "  %-22s %s\n", left, o->help);
	}
}

static const struct option_row *unknown_option(struct cli *cli, const char *word)
{
	const struct option_row *best = NULL;
	unsigned least = 4;

	for (const struct option_row *o = cli->command->options; o && o->name; o++)
		if (distance(o->name, word) < least) {
			least = distance(o->name, word);
			best = o;
		}
	fprintf(stderr, "weir %s: unknown option %.64s", cli->command->name, word);
	if (best)
		fprintf(stderr, "; did you mean %s?", best->name);
	fprintf(stderr, "\nTry 'weir help %s'.\n", cli->command->name);
	cli->error = true;
	return NULL;
}

const struct option_row *cli_next(struct cli *cli, const char **value)
{
	const char *word = cli->next < cli->argc ? cli->argv[cli->next] : NULL;
	size_t len;

	*value = NULL;
	if (cli->error || !word || word[0] != '-' || !word[1])
		return NULL;
	cli->next++;
	if (!strcmp(word, "--"))
		return NULL;
	len = strcspn(word, "=");
	for (const struct option_row *o = cli->command->options; o && o->name; o++) {
		if (strlen(o->name) != len || strncmp(o->name, word, len))
			continue;
		if (!o->argument && !word[len])
			return o;
		*value = o->argument ? word[len] ? word + len + 1 : cli->next < cli->argc ? cli->argv[cli->next++] : NULL : NULL;
		if (*value)
			return o;
		fprintf(stderr, "weir %s: %s %s\n", cli->command->name, o->name, o->argument ? "wants an argument" : "takes no argument");
		cli->error = true;
		return NULL;
	}
	return unknown_option(cli, word);
}

static int unknown_command(const char *word)
{
	const struct command *best = NULL;
	unsigned least = 4;

	for (unsigned i = 0; i < command_count(); i++)
		if (distance(commands[i]->name, word) < least) {
			least = distance(commands[i]->name, word);
			best = commands[i];
		}
	fprintf(stderr, "weir: unknown command %.64s", word);
	if (best)
		fprintf(stderr, "; did you mean %s?", best->name);
	fprintf(stderr, "\nTry 'weir help'.\n");
	return EXIT_USAGE;
}

int cli_main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("weir %s (%s)\n", WEIR_VERSION, WEIR_BUILD);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		c = argc > 2 ? command_find(argv[2]) : NULL;
		if (argc > 2 && !c)
			return unknown_command(argv[2]);
		if (c)
			cli_usage(c, stdout);
		else
			usage(stdout);
		return EXIT_OK;
	}
	c = command_find(argv[1]);
	if (!c)
		return unknown_command(argv[1]);
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help")) {
			cli_usage(c, stdout);
			return EXIT_OK;
		}
	return c->run(argc - 1, argv + 1);
}
