/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_files.c - what the monitor opens before anything starts, and refuses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/log.h"
#include "capture/capture.h"
#include "cli/cli.h"
#include "daemon/monitor.h"
#include "daemon/pipeline.h"
#include "daemon/sandbox.h"

#define JOURNAL "/run/systemd/journal/socket"
#define CALL_PARTS 16	/* WIRE_LARGE pieces copied of one call: 256 KiB */

uint32_t monitor_call_parts(uint32_t limit)
{
	uint32_t parts = limit ? (limit + WIRE_LARGE - 1) / WIRE_LARGE : CALL_PARTS;

	return parts > WIRE_MAX_PARTS ? WIRE_MAX_PARTS : parts;
}

/* What root runs and believes must not be anybody's to exchange. */
static bool guarded(const char *what, const char *path)
{
	char why[4400];
	uid_t owner;

	if (path_guarded(path, &owner, why, sizeof(why)))
		return true;
	log_error("the %s %s is not used: %s; chmod go-w that place, after looking at what is in it (weir doctor lists all such)", what, path, why);
	return false;
}

bool policy_guarded(const char *path)
{
	return guarded("policy", path);
}

static bool program_guarded(void)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = 0;
	return guarded("program", exe);
}

static int state_make(const char *path)
{
	char part[4096];
	struct stat st;

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(part, 0700) && errno != EEXIST)
		return -errno;
	if (stat(part, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* Others must not be able to change what is kept: neither the folder nor a foreign owner. */
static int state_check(const struct monitor *m, const char *path)
{
	const struct sandbox *keeper = sandbox_find("keeper");
	struct stat st;

	if (fstat(m->state, &st))
		return EXIT_DEGRADED;
	if (st.st_mode & 022) {
		log_error("the state folder %s can be written by others (mode %04o): chmod 0700 it, after looking at "
			  "what is in it", path, st.st_mode & 07777);
		return EXIT_USAGE;
	}
	if (st.st_uid != 0 && st.st_uid != keeper->uid) {
		log_error("the state folder %s belongs to uid %u: give it to root, or choose another with --state", path, st.st_uid);
		return EXIT_USAGE;
	}
	if (fchown(m->state, keeper->uid, keeper->gid) || fchmod(m->state, 0700)) {
		log_error("cannot give the state folder %s to the keeper: %s", path, strerror(errno));
		return EXIT_DEGRADED;
	}
	return 0;
}

static int state_open(struct monitor *m)
{
	const char *path = m->options->state;
	int err = state_make(path), lock;

	m->state = err ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->state < 0) {
		log_error("cannot use the state folder %s: %s; choose another with --state DIR", path, strerror(err ? -err : errno));
		return EXIT_DEGRADED;
	}
	/* A lock on the folder itself: there is no file to be left behind. The keeper of an
	 * instance that was just killed may hold it for a moment longer. */
	for (int i = 0; (lock = flock(m->state, LOCK_EX | LOCK_NB)) && i < 20; i++)
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	if (lock) {
		log_error("another weir is running on the state folder %s: stop it, or choose another with --state DIR", path);
		return EXIT_USAGE;
	}
	err = state_check(m, path);
	return err || guarded("state folder", path) ? err : EXIT_USAGE;
}

static int journal_open(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		if (fd >= 0)
			close(fd);
		log_info("no journal on this host: checkpoints are printed here instead");
		return -1;
	}
	return fd;
}

int monitor_files(struct monitor *m)
{
	const struct run_options *o = m->options;
	const char *taken;
	int err;

	if (geteuid()) {
		log_error("weir must be started as root, to load BPF programs and read other processes' sockets; "
			  "weir classify, weir replay and weir doctor work without");
		return EXIT_USAGE;
	}
	taken = sandbox_uid_taken();
	if (taken) {
		log_error("the account %s has a user id that weir's roles use (%u to %u): it could look into them; give it another",
			  taken, SANDBOX_UID_BASE + 1, SANDBOX_UID_LAST);
		return EXIT_USAGE;
	}
	if (!program_guarded())
		return EXIT_USAGE;
	wanted_text(&o->wanted, m->filters, sizeof(m->filters));
	if (o->record) {
		m->record_file = open(o->record, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (m->record_file >= 0)
			return 0;
		log_error("cannot create the recording %s: %s", o->record, strerror(errno));
		return EXIT_USAGE;
	}
	for (unsigned i = 0; i < o->nr_policies; i++)
		if (access(o->policies[i], R_OK)) {
			log_error("cannot read the policy %s: %s", o->policies[i], strerror(errno));
			return EXIT_USAGE;
		} else if (!policy_guarded(o->policies[i])) {
			return EXIT_USAGE;
		}
	err = rules_open(m);
	if (err)
		return err;
	if (o->json_file) {
		m->json_file = open(o->json_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (m->json_file < 0) {
			log_error("cannot write %s: %s", o->json_file, strerror(errno));
			return EXIT_USAGE;
		}
	}
	m->journal = journal_open();
	return state_open(m);
}
