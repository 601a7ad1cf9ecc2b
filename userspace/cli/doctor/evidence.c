/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c - where weir keeps what it finds, by what rules it judges, and its clock. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/guard.h"
#include "cli/doctor/doctor.h"
#include "cli/policies.h"
#include "daemon/sandbox.h"
#include "classify/user.h"
#include "policy/policy.h"
#include "protocol/descriptor.h"
#include "store/index.h"
#include "store/ledger.h"

#define MIB 1048576
#define ROOM_LEAST (16ull * MIB)	/* less: the next intervals may not fit */
#define ROOM_GOOD (1024ull * MIB)
#define TOO_EARLY 1735689600000ull	/* 2025-01-01: no clock that is set says less */

static int state_open(const struct host *h)
{
	return open(h->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The folder, or the nearest one above it that is there. */
static void nearest(const char *path, char *out, size_t size)
{
	snprintf(out, size, "%s", path);
	while (access(out, F_OK) && errno == ENOENT) {
		char *slash = strrchr(out, '/');

		if (!slash || slash == out)
			return (void)snprintf(out, size, "%s", slash ? "/" : ".");
		*slash = 0;
	}
}

static void state_room(struct answer *a, const char *folder)
{
	struct statvfs fs;
	unsigned long long room;

	if (statvfs(folder, &fs))
		return answer_found(a, CHECK_UNKNOWN, "%s: %s", folder, strerror(errno));
	room = (unsigned long long)fs.f_bavail * fs.f_frsize;
	answer_also(a, "%llu MiB free", room / MIB);
	if (fs.f_flag & ST_RDONLY) {
		answer_also(a, "read-only");
		a->state = CHECK_BLOCKING;
		answer_fix(a, "nothing can be kept", "mount it for writing, or choose another with --state DIR");
	} else if (room < ROOM_LEAST) {
		a->state = CHECK_BLOCKING;
		answer_fix(a, "weir stops when it cannot keep evidence", "free disk space, or choose another with --state DIR");
	} else if (room < ROOM_GOOD) {
		a->state = CHECK_DEGRADED;
		answer_fix(a, "evidence may fill the disk, and weir then stops", "free disk space, or choose another with --state DIR");
	}
}

void check_state_folder(struct host *h, struct answer *a)
{
	const struct sandbox *keeper = sandbox_find("keeper");
	char folder[4096], why[4400];
	struct stat st;
	uid_t owner;

	nearest(h->state, folder, sizeof(folder));
	if (stat(folder, &st))
		return answer_found(a, CHECK_UNKNOWN, "%s: %s", folder, strerror(errno));
	if (strcmp(folder, h->state))
		answer_found(a, CHECK_OK, "%s is not there yet; weir run makes it in %s", h->state, folder);
	else
		answer_found(a, CHECK_OK, "%s, uid %u, mode %04o", folder, st.st_uid, st.st_mode & 07777);
	if (!S_ISDIR(st.st_mode)) {
		answer_found(a, CHECK_BLOCKING, "%s is no folder", folder);
		return answer_fix(a, "nothing can be kept", "choose another with --state DIR");
	}
	if (!path_guarded(h->state, &owner, why, sizeof(why))) {
		answer_found(a, CHECK_BLOCKING, "%s", why);
		return answer_fix(a, "weir run refuses: evidence could be exchanged", "chmod go-w it, after looking at what is in it");
	}
	if (!strcmp(folder, h->state) && st.st_uid && st.st_uid != keeper->uid) {
		answer_found(a, CHECK_BLOCKING, "%s belongs to uid %u", folder, st.st_uid);
		return answer_fix(a, "weir run refuses a folder that is neither root's nor its keeper's",
				  "chown root it, or choose another with --state DIR");
	}
	state_room(a, folder);
}

void check_instance(struct host *h, struct answer *a)
{
	int dir = state_open(h), err = errno;

	if (dir < 0 && err == ENOENT)
		return answer_found(a, CHECK_OK, "no weir runs on %s", h->state);
	if (dir < 0)
		return answer_found(a, CHECK_UNKNOWN, "%s: %s", h->state, strerror(err));
	if (flock(dir, LOCK_SH | LOCK_NB))
		answer_found(a, CHECK_OK, "a weir runs on %s; another one needs another --state", h->state);
	else
		answer_found(a, CHECK_OK, "no weir runs on %s", h->state);
	close(dir);
}

static bool ledger_refused(struct answer *a, enum ledger_error err, const char *why)
{
	if (err == LEDGER_OK)
		return false;
	if (err == LEDGER_IO) {
		answer_found(a, CHECK_UNKNOWN, "%s", why);
		return true;
	}
	answer_found(a, CHECK_BLOCKING, "%s", why);
	answer_fix(a, "weir run refuses to write over it", "keep the folder as it is: it is evidence; look with weir ledger verify, "
			"restore a copy, or begin another with --state DIR");
	return true;
}

void check_ledger(struct host *h, struct answer *a)
{
	struct ledger_report report = { 0 };
	int dir = state_open(h), err = errno;
	struct stat st;

	if (dir < 0)
		return answer_found(a, err == ENOENT ? CHECK_OK : CHECK_UNKNOWN, err == ENOENT ? "%s holds no ledger yet" : "%s cannot be opened",
				    h->state);
	if (fstatat(dir, "ledger/leaves", &st, 0)) {
		err = errno;
		answer_found(a, err == ENOENT ? CHECK_OK : CHECK_UNKNOWN, err == ENOENT ? "%s holds no ledger yet" : "%s cannot be read", h->state);
	} else if (!ledger_refused(a, ledger_verify(dir, NULL, NULL, NULL, NULL, &report), report.why)) {
		if (faccessat(dir, "ledger/key", F_OK, 0))
			ledger_refused(a, LEDGER_KEY, "ledger/key is missing over a log that has leaves");
		else
			answer_found(a, CHECK_OK, "%llu leaves verify with key %s", (unsigned long long)report.size, report.key_id);
	}
	close(dir);
}

static int take_number(void *owner, int columns, const char *const *v)
{
	if (columns && v[0])
		*(uint64_t *)owner = strtoull(v[0], NULL, 10);
	return 0;
}

static uint64_t last_entry(const struct host *h)
{
	char path[4096], why[256];
	struct index *index;
	uint64_t last = 0;

	snprintf(path, sizeof(path), "%s/index.sqlite", h->state);
	index = access(path, R_OK) ? NULL : index_open(path, false, why, sizeof(why));
	if (index)
		index_query(index, "SELECT max(time) FROM leaf", NULL, 0, take_number, &last, why, sizeof(why));
	index_close(index);
	return last;
}

void check_clock(struct host *h, struct answer *a)
{
	uint64_t last = last_entry(h);
	char now[UTC_SIZE], then[UTC_SIZE];

	clock_format(now, h->utc_ms);
	clock_format(then, last);
	answer_found(a, CHECK_OK, "%s UTC, %llu s since boot%s", now, (unsigned long long)(h->boot_ns / 1000000000),
		     last ? ", after the last entry" : "");
	if (h->utc_ms < TOO_EARLY || h->utc_ms < last) {
		if (h->utc_ms < last)
			answer_found(a, CHECK_DEGRADED, "%s UTC is before the last entry of the ledger, %s", now, then);
		else
			answer_found(a, CHECK_DEGRADED, "%s UTC cannot be", now);
		answer_fix(a, "times in the evidence go backwards; weir says so in it", "set the clock (systemd-timesyncd or chrony)");
	} else if (!h->clock_synced) {
		answer_found(a, CHECK_DEGRADED, "%s UTC, which the kernel says nothing synchronises", now);
		answer_fix(a, "times in the evidence are this host's own", "run systemd-timesyncd or chrony");
	}
}

static void policies_judge(const struct policy_file *files, unsigned nr, struct answer *a)
{
	char *said = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&said, &len);
	struct user_classes *classes = NULL;
	bool described;
	char why[256];
	struct policy_set *set = errors ? policy_load(files, nr, errors) : NULL;

	if (set)
		classes = user_classes_new(policy_classes(set), false, why, sizeof(why));
	if (set && !classes)
		fprintf(errors, "%s\n", why);
	described = classes && !descriptors_open(files, nr, "weir doctor", errors);
	if (errors)
		fclose(errors);
	if (described) {
		answer_found(a, CHECK_OK, "%zu rules in %u file%s are right", policy_rules(set), nr, nr == 1 ? "" : "s");
	} else {
		answer_found(a, CHECK_BLOCKING, "%.*s", said ? (int)strcspn(said, "\n") : 9, said ? said : "no memory");
		answer_fix(a, "weir run refuses them", "weir policy check shows every mistake with its place");
	}
	user_classes_free(classes);
	policy_free(set);
	free(said);
}

void check_policies(struct host *h, struct answer *a)
{
	static struct policy_file files[64];
	static struct buf texts[64];
	unsigned nr = 0;

	if (!h->nr_policies) {
		answer_found(a, CHECK_BLOCKING, "no policies");
		return answer_fix(a, "weir run has nothing to judge by", "make install, or name them with --policy PATH");
	}
	for (; nr < h->nr_policies; nr++) {
		buf_init(&texts[nr], policy_is_descriptors(h->policies[nr]) ? DESCRIPTOR_MAX : MIB);
		if (read_file(AT_FDCWD, h->policies[nr], &texts[nr]))
			break;
		files[nr] = (struct policy_file){ h->policies[nr], (const char *)texts[nr].ptr, texts[nr].len };
	}
	if (nr == h->nr_policies) {
		policies_judge(files, nr, a);
	} else {
		answer_found(a, h->privileged ? CHECK_BLOCKING : CHECK_UNKNOWN, "%s cannot be read", h->policies[nr]);
		answer_fix(a, "weir run refuses", "name files that can be read with --policy PATH");
		buf_free(&texts[nr]);
	}
	while (nr)
		buf_free(&texts[--nr]);
}

void check_journal(struct host *h, struct answer *a)
{
	struct stat st;

	if (!stat(host_path(h, "/run/systemd/journal/socket"), &st) && S_ISSOCK(st.st_mode))
		return answer_found(a, CHECK_OK, "/run/systemd/journal/socket is there");
	answer_found(a, CHECK_DEGRADED, "no /run/systemd/journal/socket");
	answer_fix(a, "checkpoints are printed, but kept nowhere outside the state folder", "keep what weir run prints, or run systemd-journald");
}
