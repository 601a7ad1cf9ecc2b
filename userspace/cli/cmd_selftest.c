/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_selftest.c - `weir selftest`: synthetic values through a real TLS connection must
 * come out as findings, be recorded, and verify. Runs an instance of its own in a
 * temporary state folder, so that it works beside a running one. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/trial.h"

static const struct option_row options[] = { { NULL, NULL, NULL } };

static int cmd_selftest(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("selftest") };
	struct trial t;
	const char *value;

	while (cli_next(&cli, &value))
		;
	if (cli.error)
		return EXIT_USAGE;
	if (geteuid()) {
		fprintf(stderr, "weir selftest: the exchange is seen through BPF programs, which only root may load: run it "
			"as root. Without root, weir classify and weir replay show the pipeline on given bytes.\n");
		return EXIT_NOT_VERIFIED;
	}
	if (trial_run(NULL, false, &t)) {
		fprintf(stderr, "weir selftest: failed%s%s; weir doctor says what this host lacks\n", t.why[0] ? ": " : "", t.why);
		return t.code;
	}
	printf("plain exchange: %s\nTLS exchange: %s\nledger: %s\n", t.plain ? "detected" : "NOT DETECTED",
	       t.tls ? "detected" : "NOT DETECTED", t.verified ? "verifies" : t.why);
	if (t.plain && t.tls && t.verified)
		return EXIT_OK;
	fprintf(stderr, "weir selftest: failed; weir doctor and weir coverage say what this host lacks\n");
	return EXIT_DEGRADED;
}

const struct command command_selftest = {
	"selftest", "", "send synthetic values through a real TLS connection and prove that they are found", options, cmd_selftest,
};
