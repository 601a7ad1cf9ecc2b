/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.h - walks a JSON text of somebody else's (RFC 8259) and tells its strings. Strict:
 * what is not JSON to the last byte is refused, and the caller forgets what it was told. Never
 * allocates; nesting is bounded. */
#ifndef WEIR_JSON_READ_H
#define WEIR_JSON_READ_H
#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH 24
#define JSON_TEXT 256	/* bytes of a key or string with its NUL; longer ones are told as "" */

/* key[0..depth-1] names the place of a value, "" in arrays. Escapes are undone, but \u to
 * anything beyond ASCII, which becomes '_'. Valid during the call. */
typedef void (*json_string_cb)(void *owner, const char *const *key, unsigned depth, const char *value);
bool json_read(const char *text, size_t len, json_string_cb, void *owner);
#endif
