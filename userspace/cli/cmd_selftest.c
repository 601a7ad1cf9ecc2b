/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_selftest.c - `weir selftest`: synthetic values through a real TLS connection must
 * come out as findings, be recorded, and verify. Runs an instance of its own in a
 * temporary state folder, so that it works beside a running one. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/policies.h"
#include "daemon/daemon.h"
#include "store/index.h"
#include "store/ledger.h"

static const struct option_row options[] = { { NULL, NULL, NULL } };

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

struct seen { unsigned plain, tls; };

static int on_row(void *owner, int columns, const char *const *v)
{
	struct seen *s = owner;

	if (columns >= 2 && v[0] && v[1] && !strcmp(v[1], "detected")) {
		s->plain += !strcmp(v[0], "plain");
		s->tls += !strcmp(v[0], "tls");
	}
	return 0;
}

static int check(const char *state)
{
	struct ledger_report report = { 0 };
	char path[512], why[256] = "";
	struct seen seen = { 0 };
	struct index *index;
	int dir = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum ledger_error err = dir < 0 ? LEDGER_IO : ledger_verify(dir, NULL, NULL, NULL, NULL, &report);

	snprintf(path, sizeof(path), "%s/index.sqlite", state);
	index = index_open(path, false, why, sizeof(why));
	if (index)
		index_query(index, "SELECT json_extract(doc,'$.path'), json_extract(doc,'$.result') FROM leaf WHERE type='selftest'",
			    NULL, 0, on_row, &seen, why, sizeof(why));
	index_close(index);
	if (dir >= 0)
		close(dir);
	printf("plain exchange: %s\nTLS exchange: %s\nledger: %s\n", seen.plain ? "detected" : "NOT DETECTED",
	       seen.tls ? "detected" : "NOT DETECTED", err ? report.why : "verifies");
	if (seen.plain && seen.tls && !err)
		return EXIT_OK;
	fprintf(stderr, "weir selftest: failed; weir doctor and weir coverage say what this host lacks\n");
	return EXIT_DEGRADED;
}

/* In a process of its own: the monitor gives up what is needed to remove the folder. */
static int run_apart(struct run_options *o)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		o->pid = (uint32_t)getpid();	/* nothing of the host's is watched: only the stimulus, which is added */
		exit(monitor_run(o));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return EXIT_DEGRADED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_DEGRADED;
}

static int cmd_selftest(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("selftest") };
	char state[] = "/tmp/weir-selftest-XXXXXX";
	struct run_options o = { .state = state, .selftest = true, .quiet = true, .duration_ms = 15000 };
	const char *value;
	int err;

	while (cli_next(&cli, &value))
		;
	if (cli.error)
		return EXIT_USAGE;
	if (geteuid()) {
		fprintf(stderr, "weir selftest: the exchange is seen through BPF programs, which only root may load: run it "
			"as root. Without root, weir classify and weir replay show the pipeline on given bytes.\n");
		return EXIT_NOT_VERIFIED;
	}
	if (policies_default(o.policies, &o.nr_policies, sizeof(o.policies) / sizeof(o.policies[0])))
		return EXIT_USAGE;
	if (!mkdtemp(state)) {
		fprintf(stderr, "weir selftest: cannot make %s: %s\n", state, strerror(errno));
		return EXIT_DEGRADED;
	}
	err = run_apart(&o);
	if (!err)
		err = check(state);
	nftw(state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return err;
}

const struct command command_selftest = {
	"selftest", "", "send synthetic values through a real TLS connection and prove that they are found", options, cmd_selftest,
};
