/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - what each role may still do once it has begun: one row a role, one order
 * of giving up. What a role must not do, seccomp and landlock make impossible. */
#ifndef WEIR_SANDBOX_H
#define WEIR_SANDBOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Each role has a user id of its own, that owns no file but the keeper's state, so that
 * roles cannot signal or trace each other. No account of the host may have them. */
#define SANDBOX_UID_BASE 64910
#define SANDBOX_UID_LAST (SANDBOX_UID_BASE + 7)

struct sandbox {
	const char *role;
	uid_t uid;
	gid_t gid;
	const int *syscalls;	/* allowed; anything else kills the process */
	size_t nr_syscalls;
	rlim_t grow, nofile, fsize;	/* bytes it may still map, descriptors, bytes; processes and core are 0 for all */
	int landlock_dir;	/* descriptor below which files may be used; -1: none at all */
	bool anyone;		/* entered by any user: who is not root keeps the ids, and has no capabilities to lose */
};

const struct sandbox *sandbox_find(const char *role);	/* NULL: no such role */
/* Gives everything up, in the order written in sandbox.c. 0, or -1 and a sentence. */
int sandbox_enter(const struct sandbox *, char *why, size_t why_size);
bool sandbox_landlock(void);	/* has this kernel any? Without it seccomp stands alone */
/* The monitor after its start: the capabilities it needs to attach to new libraries, SYS_ADMIN
 * only where that wants it, and to replace roles, no others. */
int sandbox_reduce_monitor(bool admin, char *why, size_t why_size);
/* An account of the host that has one of our ids: its name, else NULL. */
const char *sandbox_uid_taken(void);
#endif
