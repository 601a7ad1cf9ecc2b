/* SPDX-License-Identifier: Apache-2.0 */
/* nss.c - NSS, shared.
 *
 * Its programs read and write by NSPR: PR_Read, PR_Send and so on, which serve every kind of
 * descriptor and jump through the descriptor's table of methods. Those of a TLS descriptor end
 * in one of two tables of libssl3.so, for a socket with TLS or for one without it yet:
 *
 *	struct sslSocketOps { connect, accept, bind, listen, shutdown, close, recv, send,
 *			      read, write, getpeername, getsockname }
 *
 * The one with TLS is probed: recv and send(sslSocket *, buffer, size, flags), of which read
 * and write are the forms without flags. So nothing but plaintext of TLS is told, and no
 * descriptor has to be asked what it is. The tables have no symbol: they lie in .data.rel.ro,
 * and have functions at all places but `accept`, which is empty since NSS 3.0. What tells the
 * one with TLS is that its read and write do nothing but jump to its recv and send.
 *
 * A write that would block says that it took one byte less than it did, and checks that the
 * next call begins with that byte: what is returned is what is told.
 *
 * Looked at: 3.61, 3.87.1, 3.110, 3.132. */
#include <errno.h>
#include <stdlib.h>

#include "bpf/wire.h"
#include "capture/elf.h"
#include "capture/tls/tls.h"

#define NAME "libssl3.so"
#define WORDS_MAX 131072	/* 1 MiB of tables; Debian's have 13 KiB */

enum { CONNECT, ACCEPT, BIND, LISTEN, SHUTDOWN, CLOSE, RECV, SEND, READ, WRITE, GETPEERNAME, GETSOCKNAME, NR_OPS };

static const struct tls_function tls_recv = { "ssl_SecureRecv", false, 1, 2, 0 };
static const struct tls_function tls_send = { "ssl_SecureSend", true, 1, 2, 0 };

static bool is_secure_ops(const struct elf_image *e, const uint64_t ops[NR_OPS])
{
	for (int i = 0; i < NR_OPS; i++)
		if ((i == ACCEPT) != !ops[i] || (ops[i] && !elf_offset(e, ops[i])))
			return false;
	return site_tail_jump(e, ops[READ]) == ops[RECV] && site_tail_jump(e, ops[WRITE]) == ops[SEND];
}

/* The one table that fits; NULL: there is none, or more than one. */
static const uint64_t *secure_ops(const struct elf_image *e, const uint64_t *words, size_t nr)
{
	const uint64_t *found = NULL;

	for (size_t i = 0; i + NR_OPS <= nr; i++) {
		if (!is_secure_ops(e, words + i))
			continue;
		if (found)
			return NULL;
		found = words + i;
	}
	return found;
}

static int find(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	const uint64_t *ops;
	uint64_t *words, address;

	if (!elf_symbol(e, "SSL_ImportFD") || !elf_symbol(e, "SSL_ForceHandshake"))
		return -ENOENT;
	words = calloc(WORDS_MAX, sizeof(*words));
	if (!words)
		return -ENOENT;
	ops = secure_ops(e, words, elf_words(e, ".data.rel.ro", words, WORDS_MAX, &address));
	if (ops) {
		tls_site_add_more(s, e, ops[RECV], &tls_recv, (uint64_t)4 << WIRE_COOKIE_FLAGS_SHIFT);
		tls_site_add(s, e, ops[SEND], &tls_send);
		tls_site_add_freed(s, e, ops[CLOSE], 1);
	}
	free(words);
	return s->nr ? 0 : -ENOENT;
}

const struct tls_lib tls_lib_nss = {
	.name = "nss", .summary = "NSS, shared library", .soname = NAME,
	.find = find,
};
