/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CLI_LEDGER_GAPS_H
#define WEIR_CLI_LEDGER_GAPS_H
#include <stdbool.h>
/* `weir ledger gaps`: an exit code. key and at_least as in ledger_verify, or NULL. */
int ledger_gaps(const char *state, const char *key, const char *at_least, bool json);
#endif
