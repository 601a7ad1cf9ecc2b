/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trial.h"

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

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int on_row(void *owner, int columns, const char *const *v)
{
	struct trial *t = owner;

	if (columns >= 2 && v[0] && v[1] && !strcmp(v[1], "detected")) {
		t->plain |= !strcmp(v[0], "plain");
		t->tls |= !strcmp(v[0], "tls");
	}
	return 0;
}

static void judge(const char *state, struct trial *t)
{
	struct ledger_report report = { 0 };
	char path[512], why[256] = "";
	struct index *index;
	int dir = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum ledger_error err = dir < 0 ? LEDGER_IO : ledger_verify(dir, NULL, NULL, NULL, NULL, &report);

	snprintf(path, sizeof(path), "%s/index.sqlite", state);
	index = index_open(path, false, why, sizeof(why));
	if (index)
		index_query(index, "SELECT json_extract(doc,'$.path'), json_extract(doc,'$.result') FROM leaf WHERE type='selftest'",
			    NULL, 0, on_row, t, why, sizeof(why));
	index_close(index);
	if (dir >= 0)
		close(dir);
	t->verified = err == LEDGER_OK;
	if (err)
		snprintf(t->why, sizeof(t->why), "%s", report.why);
}

/* In a process of its own: the monitor gives up what is needed to remove the folder. */
static int run_apart(struct run_options *o, FILE *said)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (said && (dup2(fileno(said), 1) < 0 || dup2(fileno(said), 2) < 0))
			_exit(EXIT_DEGRADED);
		/* Nothing of the host's is watched: only the stimulus, which is added. */
		o->wanted = (struct wanted){ .pids = { (uint32_t)getpid() }, .nr_pids = 1 };
		exit(monitor_run(o));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return EXIT_DEGRADED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_DEGRADED;
}

static void last_error(FILE *said, struct trial *t)
{
	char line[sizeof(t->why)], *at;

	rewind(said);
	while (fgets(line, sizeof(line), said)) {
		at = strstr(line, "error: ");
		if (at)
			snprintf(t->why, sizeof(t->why), "%.*s", (int)strcspn(at + 7, "\n"), at + 7);
	}
}

int trial_run(const char *hooks, bool quiet, struct trial *t)
{
	char state[] = "/tmp/weir-selftest-XXXXXX";
	struct run_options o = { .state = state, .selftest = true, .quiet = true, .duration_ms = 15000, .hooks = hooks };
	FILE *said = quiet ? tmpfile() : NULL;

	*t = (struct trial){ 0 };
	if (policies_default(o.policies, &o.nr_policies, sizeof(o.policies) / sizeof(o.policies[0]))) {
		snprintf(t->why, sizeof(t->why), "no policies");
		t->code = EXIT_USAGE;
	} else if (!mkdtemp(state) || (quiet && !said)) {
		snprintf(t->why, sizeof(t->why), "cannot make %s: %s", state, strerror(errno));
		t->code = EXIT_DEGRADED;
	} else {
		t->code = run_apart(&o, said);
		if (!t->code)
			judge(state, t);
		else if (said)
			last_error(said, t);
		nftw(state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
	if (said)
		fclose(said);
	return t->code;
}
