/* SPDX-License-Identifier: Apache-2.0 */
/* wolfssl.c - wolfSSL 4 and 5, shared, or linked into a program that kept its symbols.
 *
 * What a program receives, by wolfSSL_recv too, comes out of wolfSSL_read, and what it sends, by
 * wolfSSL_send and _writev too, goes into wolfSSL_write: (WOLFSSL *, buffer, size), which return
 * what was moved, and read and write the socket within the call. A peek goes another way.
 * Looked at: 5.5.4. */
#include <stddef.h>

#include "capture/tls/tls.h"

#define NAME "libwolfssl.so"

static const struct tls_function exported[] = {
	{ "wolfSSL_read", false, 1, 2, 0 },
	{ "wolfSSL_write", true, 1, 2, 0 },
	{ 0 }
};

static const char *const ends[] = { "wolfSSL_free", "wolfSSL_clear", NULL };

const struct tls_lib tls_lib_wolfssl = {
	.name = "wolfssl", .summary = "wolfSSL 4 and 5, shared library or in a program with symbols", .soname = NAME,
	.functions = exported, .ends = ends, .find = tls_find_exported,
};
