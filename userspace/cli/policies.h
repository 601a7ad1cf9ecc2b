/* SPDX-License-Identifier: Apache-2.0 */
/* policies.h - which policy files a command means. */
#ifndef WEIR_CLI_POLICIES_H
#define WEIR_CLI_POLICIES_H
#include "classify/user.h"

#define POLICIES_MAX 64	/* files */
/* Adds a file, or the *.yaml of a folder, sorted, of its folder classes/, and its *.protoset. -1 and a message when there is none
 * or no room. The names are the caller's, to be freed or kept until the process ends. */
int policies_add(const char **names, unsigned *nr, unsigned max, const char *path);
/* /etc/weir/policies, else policies/ beside the program. */
int policies_default(const char **names, unsigned *nr, unsigned max);
/* Reads the files; their texts are the caller's, to be freed. 0, or -1 after a message. */
struct policy_file;
struct buf;
int policies_read(struct policy_file *files, struct buf *texts, const char *const *names, unsigned nr, const char *command);
/* The classes that policies define, in use from now on; NULL after a message. */
struct user_classes *classes_open(const struct class_rules *, const char *command);
/* What those of the files that are sets of protobuf descriptors say is in use from now on. 0, or -1 after a message. */
int descriptors_open(const struct policy_file *files, unsigned nr, const char *command, FILE *errors);
#endif
