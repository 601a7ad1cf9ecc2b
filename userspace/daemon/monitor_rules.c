/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_rules.c - the policy files: read here, at the start and for each reload, so that no
 * other role is given what is wrong; then kept in memory for all that are to come. What their
 * regexes are compiled to, and what protobuf descriptors say, is judged by a child that may do
 * nothing else: the libraries that do it are large, and read what a file says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/policies.h"
#include "daemon/monitor.h"
#include "daemon/rules.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"

#define CPU_SECONDS 5

/* In the child. Its standard error is a pipe: one that is a file takes nothing from a sandbox. The classes are
 * compiled to be judged only: who looks for them does it again. */
static int files_judge(const struct policy_file *files, unsigned nr, const struct class_rules *rules, int said)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	char why[256] = "";

	if (dup2(said, STDERR_FILENO) < 0 || syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0) || setrlimit(RLIMIT_CPU, &cpu)) {
		dprintf(said, "cannot begin to judge them: %s\n", strerror(errno));
		return 1;
	}
	if (sandbox_enter(sandbox_find("elfscan"), why, sizeof(why))) {
		dprintf(STDERR_FILENO, "cannot drop privileges to judge them: %s\n", why);
		return 1;
	}
	if (!user_classes_new(rules, false, why, sizeof(why))) {
		dprintf(STDERR_FILENO, "%s\n", why);
		return 1;
	}
	return descriptors_open(files, nr, "policies", stderr) ? 1 : 0;
}

/* False: why says what is wrong. */
static bool files_right(const struct policy_file *files, unsigned nr, const struct class_rules *rules, char *why, size_t size)
{
	size_t len = 0;
	int pipes[2], status = -1;
	unsigned i = 0;
	pid_t child;
	ssize_t n;

	while (i < nr && !policy_is_descriptors(files[i].name))
		i++;
	if (i == nr && !rules->nr)
		return true;
	child = pipe2(pipes, O_CLOEXEC) ? -1 : fork();
	if (child < 0) {
		snprintf(why, size, "cannot start the process that judges them: %s", strerror(errno));
		return false;
	}
	if (!child)
		_exit(files_judge(files, nr, rules, pipes[1]));
	close(pipes[1]);
	while (len < size - 1 && ((n = read(pipes[0], why + len, size - 1 - len)) > 0 || (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	close(pipes[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	why[len && why[len - 1] == '\n' ? len - 1 : len] = 0;
	if (!len)
		snprintf(why, size, "the process that judges them ended with status %#x (a signal: it took over %d s, or wanted what it may not); "
			 "make their regexes, lists of words or descriptors fewer or simpler", (unsigned)status, CPU_SECONDS);
	return false;
}

/* Right in every way, and into the memory. What is known of classes goes back where it is not. */
static bool rules_take(struct monitor *m, const struct policy_file *files, unsigned nr)
{
	struct class_users before;
	char why[1024] = "weir policy check FILE says the same without starting";
	struct policy_set *set;
	int err = -1;

	class_users_get(&before);
	set = policy_load(files, nr, stderr);
	if (set && files_right(files, nr, policy_classes(set), why, sizeof(why)) && (err = rules_write(m->rules, files, nr)))
		snprintf(why, sizeof(why), "the files have more than %zu MiB; make them shorter", RULES_HALF >> 20);
	if (err) {
		class_users_set(&before);
		log_error("the policies are refused: %s", why);
	}
	policy_free(set);
	return !err;
}

static bool rules_load(struct monitor *m, const char *const *names, unsigned nr)
{
	static struct policy_file files[RULES_FILES];
	static struct buf texts[RULES_FILES];
	bool fine = nr <= RULES_FILES && !policies_read(files, texts, names, nr, "weir") && rules_take(m, files, nr);

	for (unsigned i = 0; i < nr && i < RULES_FILES; i++)
		buf_free(&texts[i]);
	return fine;
}

int rules_open(struct monitor *m)
{
	m->rules_fd = memory_to_read("weir-rules", RULES_MEMORY, &m->rules);
	if (m->rules_fd < 0) {
		log_error("cannot make memory for the policies error=\"%s\"", strerror(-m->rules_fd));
		return EXIT_DEGRADED;
	}
	user_classes_prepare();	/* not later: what a library is by then, and with which rights this role reads it, is not known */
	return rules_load(m, m->options->policies, m->options->nr_policies) ? 0 : EXIT_USAGE;
}

/* The same places are looked into again: a folder may have other files now. */
static bool sources_find(const struct run_options *o, const char **names, unsigned *nr)
{
	for (unsigned i = 0; i < o->nr_sources; i++)
		if (policies_add(names, nr, RULES_FILES, o->sources[i]))
			return false;
	return o->nr_sources || !policies_default(names, nr, RULES_FILES);
}

void rules_reload(struct monitor *m)
{
	const char *names[RULES_FILES];
	unsigned nr = 0;
	bool fine = sources_find(m->options, names, &nr);

	for (unsigned i = 0; i < nr && fine; i++)
		fine = policy_guarded(names[i]);
	if (!fine || !rules_load(m, names, nr))
		log_error("the policies are not reloaded, the old ones stay");
	else if (!tell_event(m, "rules", "reload"))
		log_error("the keeper does not listen: the policies are taken over when it is started again");
	for (unsigned i = 0; i < nr; i++)
		free((char *)(uintptr_t)names[i]);
}

void rules_told(struct monitor *m)
{
	struct order o = { .kind = ORDER_RULES, .epoch = m->epoch };

	if (m->analyst.pid && write(m->analyst.ctl[0], &o, sizeof(o)) != sizeof(o))
		log_error("the analyst does not listen: it looks for the old classes error=\"%s\"", strerror(errno));
	else
		log_info("the policies are reloaded");
}
