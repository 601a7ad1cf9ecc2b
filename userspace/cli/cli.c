/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - from argv to a command. What there is to say about commands and options is
 * printed from their rows, so that help and behaviour cannot drift apart. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
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

/* Did you mean. */

#define WORD_MAX 24

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Letters to add, drop, change or swap with their neighbour, to make b of a. */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned)i;
	for (size_t k = 0; k <= nb; k++)
		d[0][k] = (unsigned)k;
	for (size_t i = 1; i <= na; i++)
		for (size_t k = 1; k <= nb; k++) {
			d[i][k] = least(least(d[i - 1][k], d[i][k - 1]) + 1, d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	return d[na][nb];
}

struct guess { const char *word; unsigned distance; };

/* A third of the word may be wrong, and a word cut short counts as near. */
static void guess_try(struct guess *g, const char *typed, const char *word)
{
	size_t n = strlen(typed);
	unsigned d = n >= 3 && !strncmp(typed, word, n) ? 1 : distance(typed, word);

	if (d <= (n + 2) / 3 && d < g->distance)
		*g = (struct guess){ word, d };
}

static void guess_print(const struct guess *g)
{
	if (g->word)
		fprintf(stderr, " (did you mean %s?)", g->word);
}

/* What users type ends up on their terminal: without control characters. */
static void print_typed(const char *s)
{
	for (unsigned n = 0; *s && n < 80; s++, n++)
		fputc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, stderr);
}

/* Help. */

static void print_overview(FILE *f)
{
	fputs("weir watches the data that API processes on this host send and receive, holds each flow\n"
	      "against policy, and keeps evidence that can be checked without trusting this host.\n\n"
	      "usage: weir COMMAND [OPTION]...\n\n", f);
	for (unsigned i = 0; i < command_count(); i++)
		fprintf(f, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n  weir help COMMAND    its options; also weir COMMAND --help\n"
	      "  weir --version       version and build\n\n"
	      "exit codes: 0 answered, 1 violations or a failed test where asked for, 2 usage, 3 degraded, 4 not verified\n", f);
}

void cli_usage(const struct command *c, FILE *f)
{
	fprintf(f, "usage: weir %s%s%s\n  %s\n", c->name, c->synopsis[0] ? " " : "", c->synopsis, c->summary);
	if (!c->options || !c->options->name)
		return;
	fputs("\noptions:\n", f);
	for (const struct option_row *o = c->options; o->name; o++) {
		char left[48];

		snprintf(left, sizeof(left), "%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
		fprintf(f, "  %-22s %s\n", left, o->help);
	}
}

static int unknown_command(const char *name)
{
	struct guess g = { NULL, WORD_MAX };

	for (unsigned i = 0; i < command_count(); i++)
		guess_try(&g, name, commands[i]->name);
	fputs("weir: unknown command ", stderr);
	print_typed(name);
	guess_print(&g);
	fputs("\nTry 'weir help'.\n", stderr);
	return EXIT_USAGE;
}

static int help(const char *name)
{
	const struct command *c = name ? command_find(name) : NULL;

	if (name && !c)
		return unknown_command(name);
	if (c)
		cli_usage(c, stdout);
	else
		print_overview(stdout);
	return EXIT_OK;
}

/* The option walker. */

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1];
}

static const struct option_row *refuse(struct cli *cli, const char *what, const char *name, const struct guess *g)
{
	fprintf(stderr, "weir %s: %s ", cli->command->name, what);
	print_typed(name);
	if (g)
		guess_print(g);
	fprintf(stderr, "\nTry 'weir %s --help'.\n", cli->command->name);
	cli->error = true;
	return NULL;
}

/* Moves argv[from] in front of the operands that stand before it. */
static char *argument_take(struct cli *cli, int from)
{
	char *arg = cli->argv[from];

	memmove(&cli->argv[cli->next + 1], &cli->argv[cli->next], (size_t)(from - cli->next) * sizeof(*cli->argv));
	cli->argv[cli->next++] = arg;
	return arg;
}

/* Of "--name=value", "--name" and "-o" the part before the value; `-ojson` too. */
static size_t name_length(const char *arg)
{
	return arg[1] == '-' ? strcspn(arg, "=") : 2;
}

const struct option_row *cli_next(struct cli *cli, const char **value)
{
	struct guess g = { NULL, WORD_MAX };
	const struct option_row *o = cli->command->options;
	int at = cli->next;
	size_t n;
	char *arg;

	*value = NULL;
	while (at < cli->argc && !is_option(cli->argv[at]))
		at++;
	if (at >= cli->argc || cli->error)
		return NULL;
	arg = argument_take(cli, at);
	if (!strcmp(arg, "--")) {	/* the rest are operands; argc and next say so to the next call */
		cli->argc = cli->next;
		return NULL;
	}
	n = name_length(arg);
	for (; o && o->name; o++)
		if (strlen(o->name) == n && !strncmp(o->name, arg, n))
			break;
	if (!o || !o->name) {
		for (o = cli->command->options; o && o->name; o++)
			guess_try(&g, arg, o->name);
		return refuse(cli, "unknown option", arg, &g);
	}
	if (arg[n] && !o->argument)
		return refuse(cli, "this option takes no argument:", arg, NULL);
	if (arg[n])
		*value = arg + n + (arg[1] == '-');
	else if (o->argument && at + 1 >= cli->argc)
		return refuse(cli, "an argument is missing after", arg, NULL);
	else if (o->argument)
		*value = argument_take(cli, at + 1);
	return o;
}

/* The way in. */

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

/* A full disk under `weir report > file` must not look like a report. A reader that
 * went away (| head) is no error. */
static int output_end(int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (errno == EPIPE)
		return code;
	fprintf(stderr, "weir: the output is not complete: %s\n", strerror(errno));
	return code == EXIT_OK ? EXIT_DEGRADED : code;
}

int cli_main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_overview(stdout);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		printf("weir %s (build %s)\n", WEIR_VERSION, WEIR_BUILD);
		return output_end(EXIT_OK);
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return output_end(help(argc > 2 ? argv[2] : NULL));
	c = command_find(argv[1]);
	if (!c)
		return unknown_command(argv[1]);
	if (wants_help(argc - 1, argv + 1))
		return output_end(help(c->name));
	return output_end(c->run(argc - 1, argv + 1));
}
