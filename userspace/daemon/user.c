/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/user.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "classify/names.h"

#define PASSWD "/etc/passwd"
#define KNOWN 64

/* The last ones asked for, until the file changes. */
static struct { uint32_t uid; bool set; char name[NAME_SIZE]; } known[KNOWN];
static struct timespec changed;

static void read_name(char out[NAME_SIZE], uint32_t uid)
{
	FILE *f = fopen(PASSWD, "re");
	struct passwd *pw;

	out[0] = 0;
	while (f && !out[0] && (pw = fgetpwent(f)))
		if (pw->pw_uid == uid)
			name_clean(out, pw->pw_name, strlen(pw->pw_name));
	if (f)
		fclose(f);
}

void user_name(char *out, size_t size, uint32_t uid)
{
	unsigned i = uid % KNOWN;
	struct stat st = { 0 };

	(void)stat(PASSWD, &st);
	if (st.st_mtim.tv_sec != changed.tv_sec || st.st_mtim.tv_nsec != changed.tv_nsec)
		memset(known, 0, sizeof(known));
	changed = st.st_mtim;
	if (!known[i].set || known[i].uid != uid) {
		read_name(known[i].name, uid);
		known[i].uid = uid;
		known[i].set = true;
	}
	snprintf(out, size, "%s", known[i].name);
}
