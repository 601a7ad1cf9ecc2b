/* SPDX-License-Identifier: Apache-2.0 */
/* script.h - of an interpreter, which script it runs: by its arguments, which may also hold code. */
#ifndef WEIR_SCRIPT_H
#define WEIR_SCRIPT_H
#include <stddef.h>

/* Base name, in args, of the script or module that exe runs with these arguments, each ended by NUL, or
 * what the process calls itself in their place; NULL: exe is no interpreter that is known, or its code is
 * an argument or comes from elsewhere. */
const char *script_of(const char *exe, const char *args, size_t n, size_t *len);
#endif
