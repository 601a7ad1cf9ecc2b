/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - `weir run`: monitors this host until it is told to stop. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/policies.h"
#include "daemon/daemon.h"

static const struct option_row options[] = {
	{ "--state", "DIR", "where ledger and index are kept (default " STATE_DEFAULT ")" },
	{ "--policy", "PATH", "a policy file or a folder of them; may be repeated (default: the installed, else the shipped ones)" },
	{ "--pid", "N", "watch this process, and what it forks from now on; may be repeated" },
	{ "--exe", "GLOB", "watch processes whose executable matches, by path or base name; may be repeated" },
	{ "--unit", "U", "watch processes of this systemd unit only; may be repeated" },
	{ "--container", "C", "watch processes of this container (id, or its name) only; may be repeated: any of all these is watched" },
	{ "--duration", "T", "stop after this long: 90s, 15m, 24h" },
	{ "--json", "FILE", "also append every leaf to this JSON Lines file" },
	{ "--hooks", "SET", "use this hook set: tracepoint, socket or sys_exit (default: the best that works)" },
	{ "--call-limit", "KIB", "copy at most this much of one call, 16 to 1024 (default 256); the rest is counted as truncated" },
	{ "--ring", "MIB", "ring from the kernel, 1 to 256, a power of two (default 16): how much a burst may bring before records are lost" },
	{ "--max-cpu", "PERCENT", "of one CPU, for all of weir, 5 to 1000 (default 100): beyond it weir looks at fewer connections, and counts what it left out" },
	{ "--cpu-max", "PERCENT", "the same as --max-cpu" },
	{ "--memory-max", "MIB", "for all of weir, rings and kernel maps too, 64 to 4096 (default 256): beyond it the oldest idle connection is let go, and counted" },
	{ "--quiet", NULL, "no live violations on the terminal" },
	{ NULL, NULL, NULL }
};

/* "90s", "15m", "24h", "500ms" to milliseconds; 0: not a duration. */
static uint64_t duration_parse(const char *s)
{
	char *end;
	unsigned long long n = strtoull(s, &end, 10);

	if (end == s || n > 100000000)
		return 0;
	if (!strcmp(end, "ms"))
		return n;
	if (!strcmp(end, "s") || !*end)
		return n * 1000;
	if (!strcmp(end, "m"))
		return n * 60000;
	return !strcmp(end, "h") ? n * 3600000 : 0;
}

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "weir run: %s: %s\nTry 'weir run --help'.\n", what, value);
	return EXIT_USAGE;
}

static int option_take(struct run_options *o, const char *name, const char *value)
{
	char *end;
	int wanted = wanted_option(&o->wanted, "run", name, value);

	if (!strcmp(name, "--state"))
		o->state = value;
	else if (!strcmp(name, "--policy")) {
		if (o->nr_sources < sizeof(o->sources) / sizeof(o->sources[0]))
			o->sources[o->nr_sources++] = value;	/* more are too many policies too */
		return policies_add(o->policies, &o->nr_policies, sizeof(o->policies) / sizeof(o->policies[0]), value);
	} else if (wanted < 0)
		return -1;
	else if (!strcmp(name, "--json"))
		o->json_file = value;
	else if (!strcmp(name, "--quiet"))
		o->quiet = true;
	else if (!strcmp(name, "--hooks"))
		o->hooks = value;
	if (!strcmp(name, "--hooks") && strcmp(value, "tracepoint") && strcmp(value, "socket") && strcmp(value, "sys_exit"))
		return usage_error("no such hook set (tracepoint, socket, sys_exit)", value);
	if (!strcmp(name, "--call-limit")) {
		unsigned long kib = strtoul(value, &end, 10);

		if (*end || kib < 16 || kib > 1024)
			return usage_error("not a limit from 16 to 1024 KiB", value);
		o->call_limit = (uint32_t)kib << 10;
	}
	if (!strcmp(name, "--ring")) {
		unsigned long mib = strtoul(value, &end, 10);

		if (*end || !mib || mib > 256 || (mib & (mib - 1)))
			return usage_error("not a power of two from 1 to 256 MiB", value);
		o->ring = (uint32_t)mib << 20;
	}
	if (!strcmp(name, "--max-cpu") || !strcmp(name, "--cpu-max")) {
		unsigned long percent = strtoul(value, &end, 10);

		if (*end || percent < 5 || percent > 1000)
			return usage_error("not a percentage from 5 to 1000", value);
		o->cpu_max = (uint32_t)percent;
	}
	if (!strcmp(name, "--memory-max")) {
		unsigned long mib = strtoul(value, &end, 10);

		if (*end || mib < MEMORY_MIN || mib > 4096)
			return usage_error("not a limit from 64 to 4096 MiB", value);
		o->memory_max = (uint32_t)mib;
	}
	if (!strcmp(name, "--duration")) {
		o->duration_ms = duration_parse(value);
		if (!o->duration_ms)
			return usage_error("not a duration (90s, 15m, 24h)", value);
	}
	return 0;
}

static int cmd_run(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("run") };
	struct run_options o = { .state = STATE_DEFAULT };
	const struct option_row *row;
	const char *value;
	int err;

	while ((row = cli_next(&cli, &value))) {
		err = option_take(&o, row->name, value);
		if (err)
			return EXIT_USAGE;
	}
	if (cli.error)
		return EXIT_USAGE;
	if (cli.next < argc)
		return usage_error("unexpected argument", argv[cli.next]);
	if (!o.nr_policies && policies_default(o.policies, &o.nr_policies, sizeof(o.policies) / sizeof(o.policies[0])))
		return EXIT_USAGE;
	printf("state %s\npolicies", o.state);
	for (unsigned i = 0; i < o.nr_policies; i++)
		printf(" %s", o.policies[i]);
	printf("\n");
	fflush(stdout);
	return monitor_run(&o);
}

const struct command command_run = {
	"run", "[--policy PATH]... [--state DIR] [--pid N]... [--exe GLOB]... [--unit U]... [--container C]... [--duration T]",
	"watch this host, judge every flow, keep evidence", options, cmd_run,
};
