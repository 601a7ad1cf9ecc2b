/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - one binary: a role that the monitor exec'd, else a command. */
#include <string.h>

#include "cli/cli.h"
#include "daemon/daemon.h"

int main(int argc, char **argv)
{
	if (argc > 1 && !strncmp(argv[1], "role:", 5))
		return role_main(argc, argv);
	return cli_main(argc, argv);
}
