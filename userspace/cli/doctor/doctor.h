/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - the checks of `weir doctor`. One function and one row in list.def each: it
 * looks at one thing of the host and answers with a state, what was found, and if that is
 * not good, what it affects and how to mend it. A check changes nothing, and what it could
 * not look at is unknown, never ok. */
#ifndef WEIR_DOCTOR_H
#define WEIR_DOCTOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "capture/kernel.h"
#include "cli/trial.h"

enum check_state { CHECK_OK, CHECK_UNKNOWN, CHECK_DEGRADED, CHECK_BLOCKING };

/* The host as the checks see it. What comes by system calls is filled in by the command; a
 * test plants its own, with a folder that plays the root of the file system. */
struct host {
	const char *root;		/* before every path of the host; "": the host itself */
	const char *state;		/* the state folder */
	const char *policies[64];
	unsigned nr_policies;
	bool privileged;		/* root: everything can be looked at, programs can be tried */
	bool clock_synced;
	int landlock;			/* version of its interface, 0: none */
	uint64_t utc_ms, boot_ns;
	const char *uid_taken;		/* an account with a role's user id, or NULL */
	struct trial trial[HOOK_SETS];	/* of each hook set, once tried */
	bool tried;
};

struct answer { enum check_state state; char found[800], affects[200], fix[300]; };
struct check {
	const char *name;
	void (*look)(struct host *, struct answer *);
};
#define CHECK(name) void check_##name(struct host *, struct answer *);
#include "cli/doctor/list.def"
#undef CHECK
unsigned check_count(void);
const struct check *check_get(unsigned);
const char *check_state_name(enum check_state);

/* For checks. "root" + path; valid until the next call. */
const char *host_path(const struct host *, const char *path);
/* The text of a file without its last newline: bytes or -errno. */
long host_read(const struct host *, const char *path, char *out, size_t size);
/* What is mounted at that place, or of that type (NULL: any): where and how, each of that
 * size or NULL. false: nothing is. */
bool host_mounted(const struct host *, const char *place, const char *type, char *where, char *options, size_t size);
/* The number after "Name:" in a file like /proc/self/status. */
bool host_field(const struct host *, const char *path, const char *name, int base, uint64_t *);

/* Looks for TLS functions in a file, in a process that gives up all it has. */
struct tls_sites;
bool scan_apart(int fd, struct tls_sites *);

void answer_found(struct answer *, enum check_state, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Adds to what was found, after "; ". */
void answer_also(struct answer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void answer_fix(struct answer *, const char *affects, const char *fix);
#endif
