/* SPDX-License-Identifier: Apache-2.0 */
/* elfscan.c - looks for TLS functions in one file, in a process that has nothing but
 * that file and a pipe: the file may have been made by an attacker. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/tls/tls.h"
#include "daemon/daemon.h"
#include "daemon/sandbox.h"

#define FD_FILE_IN 3
#define FD_ANSWER 4
#define SECONDS 20	/* a browser's program has 300 MB, all of which may have to come from a slow disk */
#define CPU_SECONDS 4	/* it costs less than one of these */

int elfscan_main(void)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	struct tls_sites sites;
	char why[256];

	alarm(SECONDS);
	setrlimit(RLIMIT_CPU, &cpu);
	if (sandbox_enter(sandbox_find("elfscan"), why, sizeof(why))) {
		log_error("cannot drop privileges: %s", why);
		return 1;
	}
	if (tls_scan_fd(FD_FILE_IN, &sites))
		sites.nr = 0;	/* an answer, too: nothing to be found, as opposed to a scan that died */
	return write(FD_ANSWER, &sites, sizeof(sites)) == (ssize_t)sizeof(sites) ? 0 : 1;
}
