/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CLI_HASHES_H
#define WEIR_CLI_HASHES_H
/* The values in files (none: stdin), one a line, as a class's list of hashes. An exit code. */
int hashes_print(char *const *files, int nr);
#endif
