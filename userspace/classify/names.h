/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - the one function names pass, for roles that see names but no payload. */
#ifndef WEIR_NAMES_H
#define WEIR_NAMES_H
#include "model/facts.h"

/* Fixed charset, at most 64 bytes, and itself classified: a class in it becomes
 * "{email}". NUL-terminated; returns the length. */
size_t name_clean(char out[NAME_SIZE], const char *raw, size_t len);
/* The same for a file path, segment by segment. */
size_t name_clean_path(char out[EXE_SIZE], const char *raw, size_t len);
#endif
