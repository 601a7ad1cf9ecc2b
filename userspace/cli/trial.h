/* SPDX-License-Identifier: Apache-2.0 */
/* trial.h - weir's own synthetic exchange through a short-lived instance with a state
 * folder of its own, so that it works beside a running one. Needs root. */
#ifndef WEIR_CLI_TRIAL_H
#define WEIR_CLI_TRIAL_H
#include <stdbool.h>

struct trial {
	int code;		/* of the instance: an exit code of cli.h */
	bool plain, tls;	/* the exchange came out as findings */
	bool verified;		/* and its ledger is whole */
	char why[400];		/* of what failed: the last error that was told */
};
/* hooks NULL: the best set. quiet: what the instance says goes into why alone. 0, or an
 * exit code when there was no trial, with why. */
int trial_run(const char *hooks, bool quiet, struct trial *);
#endif
