/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - the commands. One file and one row in cli/list.def each; usage, help
 * and completion print from the rows. Exit codes of design.md 8. */
#ifndef WEIR_CLI_H
#define WEIR_CLI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum exit_code { EXIT_OK = 0, EXIT_FOUND = 1, EXIT_USAGE = 2, EXIT_DEGRADED = 3, EXIT_NOT_VERIFIED = 4 };

struct option_row {
	const char *name;	/* "--state" */
	const char *argument;	/* "DIR"; NULL: a switch */
	const char *help;
};
struct command {
	const char *name;	/* "violations" */
	const char *synopsis;	/* "list|show ID [--state DIR] …" */
	const char *summary;	/* one line */
	const struct option_row *options;	/* ends with a NULL name; help prints them */
	int (*run)(int argc, char **argv);	/* argv[0] is the command's name */
};
unsigned command_count(void);
const struct command *command_get(unsigned);
const struct command *command_find(const char *name);
int cli_main(int argc, char **argv);

/* Option walker: each call takes the next option; returns its row or NULL at the
 * end (operands are argv[cli->next]…) or after an error (cli->error set, a message
 * with a did-you-mean was printed to stderr). *value is the argument or NULL. */
struct cli { int argc; char **argv; int next; bool error; const struct command *command; };
const struct option_row *cli_next(struct cli *, const char **value);
void cli_usage(const struct command *, FILE *);

#define STATE_DEFAULT "/var/lib/weir"
/* "all", "24h", "15m", "2026-09", "2026-Q3", "FROM..TO": half-open UTC ms. 0 or -EINVAL. */
int period_parse(const char *, uint64_t now_ms, uint64_t *from_ms, uint64_t *to_ms);
#endif
