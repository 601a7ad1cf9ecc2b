/* SPDX-License-Identifier: Apache-2.0 */
/* gnutls.c - GnuTLS 3.x, shared.
 *
 * Whatever a program sends goes through one internal function, which makes a record of it:
 *
 *	gnutls_record_send -> send2 ----.
 *	cork .. uncork -> send -> send2 -+-> _gnutls_send_tlen_int(session, content type, handshake
 *	send_file -> send -> send2 -----.     type, epoch, buffer, size, padding, flush)
 *	send_range ---------------------'
 *	early data, once the handshake sends it -> send -> send2
 *
 * So what is told there is told once, however it came, and only if it is sent: bytes that
 * are corked or early wait in the session until then. The same for what is received, but
 * for early data and whole packets: _gnutls_recv_int(session, content type, buffer, size,
 * sequence, timeout). Neither has a symbol. Each is found as the one function that two
 * exported ones call with 23, the content type of application data, as second argument. It
 * begins with `push`, which is cheap; gnutls_record_recv does not.
 *
 * A send that would block returns GNUTLS_E_AGAIN or _INTERRUPTED and keeps the record; the
 * next call flushes it and returns its size, with the same buffer or with none.
 *
 * Looked at: 3.7.1, 3.7.9, 3.8.9, 3.8.13. kTLS (off by default) goes another way. */
#include <errno.h>
#include <string.h>

#include "bpf/wire.h"
#include "capture/elf.h"
#include "capture/tls/tls.h"

#define NAME "libgnutls.so"
#define APPLICATION_DATA 23
#define AGAIN 28	/* -GNUTLS_E_AGAIN */
#define INTERRUPTED 52	/* -GNUTLS_E_INTERRUPTED */
#define PACKET_CODE 96	/* bytes of gnutls_packet_get that are looked at */

#define SIZE(n) ((uint64_t)(n) << WIRE_COOKIE_SIZE_SHIFT)
#define KEEPS ((uint64_t)AGAIN << WIRE_COOKIE_AGAIN_SHIFT | (uint64_t)INTERRUPTED << (WIRE_COOKIE_AGAIN_SHIFT + 8))

struct row { struct tls_function f; uint64_t more; };

static const struct row internal_send = { { "_gnutls_send_tlen_int", true, 1, 5, 0 }, WIRE_COOKIE_TYPED | SIZE(6) | KEEPS };
static const struct row internal_recv = { { "_gnutls_recv_int", false, 1, 3, 0 }, WIRE_COOKIE_TYPED };

/* Where the internal ones are not found. Corked bytes are told when they are taken, and
 * early data when the handshake sends it. */
static const struct row exported[] = {
	{ { "gnutls_record_send", true, 1, 2, 0 }, SIZE(3) | KEEPS },
	{ { "gnutls_record_send2", true, 1, 2, 0 }, SIZE(3) | KEEPS },
	{ { "gnutls_record_send_range", true, 1, 2, 0 }, 0 },
	{ { "gnutls_record_uncork", true, 1, 0, 0 }, WIRE_COOKIE_HIDES },
	{ { "gnutls_record_recv", false, 1, 2, 0 }, 0 },
	{ { "gnutls_record_recv_seq", false, 1, 2, 0 }, 0 },
	{ { 0 }, 0 }
};

/* Beside either. */
static const struct row apart[] = {
	{ { "gnutls_record_recv_early_data", false, 1, 2, 0 }, 0 },
	{ { "gnutls_handshake", false, 1, 0, 0 }, WIRE_COOKIE_BINDS },
	{ { 0 }, 0 }
};
static const struct row packet_opaque = { { "gnutls_record_recv_packet", false, 1, 0, 0 }, 0 };
static const struct row packet_readable = { { "gnutls_record_recv_packet", false, 1, 2, 0 }, (uint64_t)16 << WIRE_COOKIE_AT_SHIFT };

/* gnutls_packet_get shows where a packet keeps its bytes: at 16 how much was taken of them
 * already, at 24 their address, at 32 their size. */
static const struct row *packet_row(const struct elf_image *e)
{
	static const uint8_t known[] = {
		0x48, 0x8b, 0x47, 0x10,	/* mov 0x10(%rdi),%rax */
		0x8b, 0x57, 0x20,	/* mov 0x20(%rdi),%edx */
		0x29, 0xc2,		/* sub %eax,%edx */
		0x48, 0x03, 0x47, 0x18,	/* add 0x18(%rdi),%rax */
	};
	uint64_t get = elf_symbol(e, "gnutls_packet_get");
	uint8_t code[PACKET_CODE];
	size_t have = get ? elf_code(e, get, code, sizeof(code)) : 0;

	return have && memmem(code, have, known, sizeof(known)) ? &packet_readable : &packet_opaque;
}

static void add_exported(struct tls_sites *s, const struct elf_image *e, const struct row *r)
{
	uint64_t at = elf_symbol(e, r->f.symbol);

	if (at)
		tls_site_add_more(s, e, at, &r->f, r->more);
}

static bool is_cheap(const struct elf_image *e, uint64_t address)
{
	bool cheap;

	return address && site_entry(e, address, &cheap) && cheap;
}

static int find(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	uint64_t send, recv;

	if (!elf_symbol(e, "gnutls_record_send") || !elf_symbol(e, "gnutls_record_recv"))
		return -ENOENT;
	send = site_shared_call(e, elf_symbol(e, "gnutls_record_send2"), elf_symbol(e, "gnutls_record_send_range"), APPLICATION_DATA);
	recv = site_shared_call(e, elf_symbol(e, "gnutls_record_recv"), elf_symbol(e, "gnutls_record_recv_seq"), APPLICATION_DATA);
	for (const struct row *r = exported; r->f.symbol; r++)
		if (!is_cheap(e, r->f.sent ? send : recv))
			add_exported(s, e, r);
	if (is_cheap(e, recv))
		tls_site_add_more(s, e, recv, &internal_recv.f, internal_recv.more);
	if (is_cheap(e, send))
		tls_site_add_more(s, e, send, &internal_send.f, internal_send.more);
	add_exported(s, e, packet_row(e));
	for (const struct row *r = apart; r->f.symbol; r++)
		add_exported(s, e, r);
	if (elf_symbol(e, "gnutls_deinit"))
		tls_site_add_freed(s, e, elf_symbol(e, "gnutls_deinit"), 1);
	return s->nr ? 0 : -ENOENT;
}

const struct tls_lib tls_lib_gnutls = {
	.name = "gnutls", .summary = "GnuTLS 3.x, shared library", .soname = NAME,
	.find = find,
};
