/* SPDX-License-Identifier: Apache-2.0 */
/* openssl.c - OpenSSL 1.1.1 to 3.x, shared, or linked into a program that exports it (Node.js
 * does, and keeps the names in .dynsym, where strip leaves them).
 *
 * The exported functions begin with `sub $imm,%rsp`, which the kernel single-steps: 15 us
 * here. All of SSL_read and SSL_read_ex goes through one internal function (and the same
 * for writes) that begins with `push`, which is emulated: 1 us. It has no symbol, so it
 * is found as the first direct call of both exported ones, which must agree; its
 * arguments are (SSL *, buffer, size, size_t *moved), and it returns 1 on success. Since
 * 3.3 the writing one takes flags before the last, and SSL_write_ex only jumps to
 * SSL_write_ex2, which calls it. This also sees programs that go through BIO_f_ssl, and
 * early data; a peek goes through another function. In a program the compiler may have put
 * the internal function into the exported ones: then these begin with `push` themselves.
 *
 * A session that is fed from memory makes no nested call by which an object that is freed
 * or cleared would be told from its successor at the same address: so these are told too.
 * Checked on 1.1.1w, 3.0 to 3.5 and Node.js 20. */
#include <errno.h>

#include "capture/elf.h"
#include "capture/tls/tls.h"

#define NAME "libssl.so"

static const struct tls_function exported[] = {
	{ "SSL_read", false, 1, 2, 0 },
	{ "SSL_read_ex", false, 1, 2, 4 },
	{ "SSL_write", true, 1, 2, 0 },
	{ "SSL_write_ex", true, 1, 2, 4 },
	{ 0 }
};
/* With the kernel's TLS a file goes out without a buffer: how much is all that can be told. */
static const struct tls_function sendfile = { "SSL_sendfile", true, 1, 0, 0 };
static const struct tls_function internal_read = { "ssl_read_internal", false, 1, 2, 4 };
static const struct tls_function internal_write = { "ssl_write_internal", true, 1, 2, 4 };
static const struct tls_function internal_write_flags = { "ssl_write_internal", true, 1, 2, 5 };

static uint64_t shared_call(const struct elf_image *e, const char *a, const char *b)
{
	uint64_t fa = elf_symbol(e, a), fb = elf_symbol(e, b), ca, cb;
	bool cheap;

	if (!fa || !fb)
		return 0;
	ca = site_first_call(e, fa);
	cb = site_first_call(e, fb);
	if (!ca || ca != cb || !site_entry(e, ca, &cheap) || !cheap)
		return 0;
	return ca;
}

static const char *const ends[] = { "SSL_free", "SSL_clear", NULL };

static void add_apart(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	uint64_t at = elf_symbol(e, sendfile.symbol);

	if (at)
		tls_site_add(s, e, at, &sendfile);
	tls_sites_freed(lib, e, s);
}

static int find(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	bool flags;
	uint64_t read, write;

	if (!elf_symbol(e, "SSL_read") || !elf_symbol(e, "SSL_write"))
		return -ENOENT;
	flags = elf_symbol(e, "SSL_write_ex2");
	read = shared_call(e, "SSL_read", "SSL_read_ex");
	write = shared_call(e, "SSL_write", flags ? "SSL_write_ex2" : "SSL_write_ex");
	if (!read || !write) {
		if (tls_sites_exported(lib, e, s))
			return -ENOENT;
	} else {
		tls_site_add(s, e, read, &internal_read);
		tls_site_add(s, e, write, flags ? &internal_write_flags : &internal_write);
	}
	if (s->nr)
		add_apart(lib, e, s);
	return s->nr ? 0 : -ENOENT;
}

const struct tls_lib tls_lib_openssl = {
	.name = "openssl", .summary = "OpenSSL 1.1.1 to 3.x, shared library or in a program that exports it", .soname = NAME,
	.functions = exported, .ends = ends, .find = find,
};
