/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - could somebody else change this file, or put another in its place? What root
 * runs or believes must not be writable by others, nor any folder on the way to it. */
#ifndef WEIR_GUARD_H
#define WEIR_GUARD_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* true: nobody but the owners may, and *owner is the first on the way who is not root (0:
 * all is root's). Else why names the first place that is open, with its mode. A sticky
 * folder (/tmp) is no such place, for what lies in it is its owner's. A path that is not
 * there is judged as far as it is. */
bool path_guarded(const char *path, uid_t *owner, char *why, size_t why_size);
#endif
