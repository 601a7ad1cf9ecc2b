/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_record.c - `weir record FILE`: keeps ring records for tests. The one command that
 * puts payload on disk, so it asks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "daemon/daemon.h"

static const struct option_row options[] = {
	{ "--yes", NULL, "do not ask; for scripts" },
	{ "--pid", "N", "record this process only, and what it forks from now on; may be repeated" },
	{ "--exe", "GLOB", "record processes whose executable matches; may be repeated" },
	{ "--duration", "SECONDS", "stop after this many seconds" },
	{ NULL, NULL, NULL }
};

static bool ask(const char *file)
{
	char line[16];

	fprintf(stderr, "weir record writes what processes send and receive, passwords and personal data included, "
		"into %s.\nNothing in it is masked. Go on? [y/N] ", file);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int cmd_record(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("record") };
	struct run_options o = { .state = "" };
	const struct option_row *row;
	const char *value;
	bool yes = false;
	int err;

	while ((row = cli_next(&cli, &value))) {
		if (!strcmp(row->name, "--yes"))
			yes = true;
		else if ((err = wanted_option(&o.wanted, "record", row->name, value)) < 0)
			return EXIT_USAGE;
		else if (err)
			o.duration_ms = strtoull(value, NULL, 10) * 1000;
	}
	if (cli.error || argc - cli.next != 1) {
		if (!cli.error)
			cli_usage(cli.command, stderr);
		return EXIT_USAGE;
	}
	o.record = argv[cli.next];
	if (!yes && !isatty(STDIN_FILENO)) {
		fprintf(stderr, "weir record: it keeps payload and wants a yes; without a terminal say --yes\n");
		return EXIT_USAGE;
	}
	if (!yes && !ask(o.record))
		return EXIT_USAGE;
	return monitor_run(&o);
}

const struct command command_record = {
	"record", "FILE [--yes] [--pid N]... [--exe GLOB]... [--duration SECONDS]",
	"keep raw records for tests (holds payload; asks first)", options, cmd_record,
};
