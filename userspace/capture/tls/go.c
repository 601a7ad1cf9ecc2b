/* SPDX-License-Identifier: Apache-2.0 */
/* go.c - Go's crypto/tls, which is compiled into each program, most of them stripped.
 *
 * (*Conn).Read and (*Conn).Write move plaintext; the two handshakes tell the connection of a
 * session before its first byte, since a Read can be served from what they have received.
 *
 * Every function that calls others begins with a look whether its stack is large enough:
 *
 *	lea -N(%rsp),%r12; cmp 0x10(%r14),%r12; jbe far		(or cmp 0x10(%r14),%rsp)
 *
 * The jump is where to probe: the arguments are still in place, and the kernel emulates it
 * (15 times cheaper than what is single-stepped). That g is in r14 says as well that
 * arguments are in registers; before 1.17 g came from %fs:-8 and they were on the stack.
 * Checked on 1.15 to 1.27. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "capture/elf.h"
#include "capture/gosym.h"
#include "capture/tls/tls.h"

#define PROLOGUE 32		/* bytes in which the look at the stack is */
#define HEAD 512		/* bytes in which arguments are kept for later */
#define BEGIN_MAX 262144		/* how far behind the begin of all code Go's may begin */
#define BEGIN_STEP 16
enum { READ, WRITE, CLIENT, SERVER, METHODS };

struct method { uint64_t address, size, entry; bool on_stack; };

static bool is(const uint8_t *p, size_t n, const char *bytes, size_t len)
{
	return n == len && !memcmp(p, bytes, len);
}
#define IS(p, n, bytes) is(p, n, bytes, sizeof(bytes) - 1)

/* Finds the jump of the look at the stack; false: the function does not begin like one. */
static bool prologue(const struct elf_image *e, struct method *m)
{
	uint8_t code[PROLOGUE];
	size_t have = elf_code(e, m->address, code, sizeof(code)), at = 0, n;
	bool compared = false;

	for (unsigned i = 0; i < 4 && (n = site_insn_len(code + at, have - at)); i++, at += n) {
		const uint8_t *p = code + at;

		if (compared) {
			m->entry = m->address + at;
			return p[0] == 0x76 || (p[0] == 0x0f && p[1] == 0x86);
		}
		if (IS(p, n, "\x64\x48\x8b\x0c\x25\xf8\xff\xff\xff"))
			m->on_stack = true;	/* mov %fs:-8,%rcx */
		else if (m->on_stack ? IS(p, n, "\x48\x3b\x61\x10") || IS(p, n, "\x48\x3b\x41\x10") :
				       IS(p, n, "\x49\x3b\x66\x10") || IS(p, n, "\x4d\x3b\x66\x10"))
			compared = true;
		else if (n < 5 || p[1] != 0x8d)
			return false;		/* lea */
	}
	return false;
}

/* With Go's code beginning there, are all methods functions? */
static bool begins(const struct elf_image *e, const struct go_function *f, uint64_t begin, struct method *m)
{
	for (unsigned i = 0; i < METHODS; i++) {
		m[i] = (struct method){ .address = f[i].at + begin, .size = f[i].size };
		if (f[i].size && !prologue(e, &m[i]))
			return false;
	}
	return true;
}

/* The table may not say where the code begins, or only to the dynamic linker. Then it is
 * behind the few functions of C that a linker puts first. */
static bool locate(const struct elf_image *e, const struct go_function *f, const struct go_text *text, struct method *m)
{
	const struct elf_segment *code = NULL;
	unsigned i = 0;

	if (begins(e, f, text->begin, m))	/* 0 where functions have addresses */
		return true;
	while (text->relative && (code = elf_segment(e, i++)) && !code->code)
		;
	for (uint64_t at = 0; code && at < BEGIN_MAX; at += BEGIN_STEP)
		if (begins(e, f, code->address + at, m))
			return true;
	return false;
}

static int32_t signed_number(const uint8_t *p, size_t n)
{
	int32_t v;

	if (n == 1)
		return (int8_t)*p;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* Does the function keep its first three arguments above the return address, before it calls
 * anything? That is where the ABI has room for them, and where they are on the stack before 1.17. */
static bool keeps_arguments(const struct elf_image *e, const struct method *m)
{
	uint8_t code[HEAD];
	size_t have = elf_code(e, m->address, code, sizeof(code)), at = 0, n;
	unsigned kept = 0;
	int32_t frame = 0;

	for (; at < have && (n = site_insn_len(code + at, have - at)) && code[at] != 0xe8; at += n) {
		const uint8_t *p = code + at;
		unsigned reg = n > 2 ? p[2] >> 3 & 7 : 0;

		if (p[0] == 0x55)
			frame += 8;
		else if (n > 3 && p[0] == 0x48 && (p[1] == 0x83 || p[1] == 0x81) && p[2] == 0xec)
			frame += signed_number(p + 3, n - 3);
		else if (n > 4 && p[0] == 0x48 && p[1] == 0x89 && (p[2] & 7) == 4 && p[3] == 0x24 && (reg == 0 || reg == 1 || reg == 3) &&
			 signed_number(p + 4, n - 4) == frame + (reg == 0 ? 8 : reg == 3 ? 16 : 24))
			kept |= 1u << reg;
	}
	return m->on_stack || kept == (1 << 0 | 1 << 1 | 1 << 3);
}

static bool add(struct tls_sites *s, const struct elf_image *e, uint64_t address, unsigned kind, uint64_t cookie)
{
	uint64_t offset = elf_offset(e, address);

	if (!offset || s->nr == TLS_SITES)
		return false;
	s->site[s->nr].offset = offset;
	s->site[s->nr].kind = (uint8_t)kind;
	s->site[s->nr++].cookie = cookie | (uint64_t)s->row << WIRE_COOKIE_LIB_SHIFT;
	return true;
}

static uint64_t cookie_of(const struct method *m, unsigned i)
{
	return (m->on_stack ? WIRE_COOKIE_GO_STACK : 0) | (i == WRITE ? WIRE_COOKIE_SENT : 0) |
	       (i == CLIENT || i == SERVER ? WIRE_COOKIE_GO_HANDSHAKE : 0);
}

/* The entries first: a call whose entry is not seen then began before them all. */
static bool place(struct tls_sites *s, const struct elf_image *e, const struct method *m)
{
	uint64_t found[TLS_SITES];

	for (unsigned i = 0; i < METHODS; i++)
		if (m[i].size && !add(s, e, m[i].entry, SITE_GO_ENTER, cookie_of(&m[i], i)))
			return false;
	for (unsigned i = READ; i <= WRITE; i++) {
		unsigned nr = site_returns(e, m[i].address, m[i].size, found, TLS_SITES);
		uint64_t cookie = cookie_of(&m[i], i) | (i == READ && keeps_arguments(e, &m[i]) ? WIRE_COOKIE_GO_SPILLED : 0);

		for (unsigned k = 0; k < nr; k++)
			if (!add(s, e, found[k], SITE_GO_RETURN, cookie))
				return false;
		if (!nr)
			return false;
	}
	return true;
}

static int find(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	struct go_function f[METHODS] = {
		[READ] = { .name = "crypto/tls.(*Conn).Read" }, [WRITE] = { .name = "crypto/tls.(*Conn).Write" },
		[CLIENT] = { .name = "crypto/tls.(*Conn).clientHandshake" }, [SERVER] = { .name = "crypto/tls.(*Conn).serverHandshake" },
	};
	struct method m[METHODS];
	struct go_text text;
	int err = go_find(e, f, METHODS, &text);

	if (err || !f[READ].size || !f[WRITE].size)
		return err ? err : -ENOENT;
	if (locate(e, f, &text, m) && place(s, e, m))
		return 0;
	s->nr = 0;
	return -ENOTSUP;
}

const struct tls_lib tls_lib_go = {
	.name = "go", .summary = "Go's crypto/tls, 1.15 and later, in programs; stripped too", .find = find,
};
