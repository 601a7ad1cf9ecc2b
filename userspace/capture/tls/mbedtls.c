/* SPDX-License-Identifier: Apache-2.0 */
/* mbedtls.c - Mbed TLS 2.x and 3.x, shared, or linked into a program that kept its symbols.
 *
 * All of it is read and written by two functions, (mbedtls_ssl_context *, buffer, size), which
 * return what was moved. They call back for the socket, within the call. A write that would
 * block has made its record and is called again with the same arguments until it returns the
 * size: it is told then, once. Looked at: 2.28.3. */
#include <stddef.h>

#include "capture/tls/tls.h"

#define NAME "libmbedtls.so"

static const struct tls_function exported[] = {
	{ "mbedtls_ssl_read", false, 1, 2, 0 },
	{ "mbedtls_ssl_write", true, 1, 2, 0 },
	{ 0 }
};

static const char *const ends[] = { "mbedtls_ssl_free", "mbedtls_ssl_session_reset", NULL };

const struct tls_lib tls_lib_mbedtls = {
	.name = "mbedtls", .summary = "Mbed TLS 2.x and 3.x, shared library or in a program with symbols", .soname = NAME,
	.functions = exported, .ends = ends, .find = tls_find_exported,
};
