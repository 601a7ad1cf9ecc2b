/* SPDX-License-Identifier: Apache-2.0 */
/* policies.h - which policy files a command means. */
#ifndef WEIR_CLI_POLICIES_H
#define WEIR_CLI_POLICIES_H
/* Adds a file, or the *.yaml of a folder, sorted. -1 and a message when there is none
 * or no room. The names are the caller's, to be freed or kept until the process ends. */
int policies_add(const char **names, unsigned *nr, unsigned max, const char *path);
/* /etc/weir/policies, else policies/ beside the program. */
int policies_default(const char **names, unsigned *nr, unsigned max);
#endif
