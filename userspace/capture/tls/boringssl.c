/* SPDX-License-Identifier: Apache-2.0 */
/* boringssl.c - BoringSSL and its descendants inside a program or library, stripped.
 *
 * Nothing is exported and nothing named, but every error is put with the library's number
 * (16), a reason, the source file and the line: ERR_put_error(16, 0, reason, file, line).
 * Reasons are part of its interface and have not changed since 2014, file names stay in
 * stripped programs, and together they tell the functions of ssl_lib.cc apart, whatever
 * the version and the compiler:
 *
 *   SSL_write      should-not-have-been-called, uninitialized, handshake-failure
 *   ssl_read_impl  uninitialized, handshake-failure
 *   SSL_peek       should-not-have-been-called, then calls ssl_read_impl; changes nothing
 *   SSL_read       the same with SSL_peek inside it, or calls SSL_peek; changes the session
 *
 * A function begins where calls lead, and is walked to its end; what cannot be decoded is
 * left out. Exactly one SSL_read and one SSL_write must be left, else nothing is probed.
 * Checked on Chromium 87, 102 and 156 (gcc and clang, functions inlined in three ways). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/elf.h"
#include "capture/elf_sweep.h"
#include "capture/tls/code.h"
#include "capture/tls/tls.h"

#define FILE_NAME "ssl_lib.cc"
#define FILES 4		/* copies of the name: not every linker merges them */
#define PATH_BYTES 512	/* longest path before it */
#define REFS 4096
#define CALLED 4096
#define RANGE 8192	/* how far a function's start is from its errors */

enum { UNEXPECTED_CALL = 66, HANDSHAKE_FAILURE = 215, UNINITIALIZED = 226 };
enum { R_UNEXPECTED_CALL = 1, R_HANDSHAKE_FAILURE = 2, R_UNINITIALIZED = 4, R_OTHER = 8 };

static const struct tls_function function_read = { "SSL_read", false, 1, 2, 0 };
static const struct tls_function function_write = { "SSL_write", true, 1, 2, 0 };

struct function {
	uint64_t start, first_call;
	unsigned reasons;
	bool refers, stores;
};

struct search {
	const struct elf_image *elf;
	struct code_refs files, refs, called;
	struct function *functions;
	size_t nr_functions;
	struct code code;
	/* The function that is walked, and of it the instructions since the last branch. */
	struct function now;
	uint32_t reason, line;
	bool has_reason, has_line;
};

static void files_window(void *owner, const uint8_t *bytes, size_t len, size_t fresh, uint64_t address)
{
	struct search *s = owner;
	const uint8_t *at = bytes, *end = bytes + len;

	while ((at = memmem(at, (size_t)(end - at), FILE_NAME, sizeof(FILE_NAME))) && (size_t)(at - bytes) < fresh) {
		uint8_t path[PATH_BYTES];
		uint64_t name = address + (uint64_t)(at - bytes);
		size_t back = PATH_BYTES, from;

		while (back && (name < back || elf_bytes(s->elf, name - back, path, back) != back))
			back--;	/* the segment begins so near */
		for (from = back; from && path[from - 1] > ' ' && path[from - 1] < 0x7f;)
			from--;
		if (from == back || path[back - 1] == '/')
			(void)code_refs_add(&s->files, name - (back - from));	/* beyond FILES: not BoringSSL's */
		at += sizeof(FILE_NAME);
	}
}

static unsigned reason_bit(uint32_t reason)
{
	switch (reason) {
	case UNEXPECTED_CALL: return R_UNEXPECTED_CALL;
	case HANDSHAKE_FAILURE: return R_HANDSHAKE_FAILURE;
	case UNINITIALIZED: return R_UNINITIALIZED;
	}
	return R_OTHER;
}

/* An error is a reason and a line in one stretch without branches. That the stretch ends in a
 * jump to a call that several share is as good: the file may be loaded there. */
static void visit(void *owner, const struct code *c, size_t at, size_t len)
{
	struct search *s = owner;
	uint64_t target;
	uint32_t value;
	enum code_kind kind = code_kind(c, at, len, &target);

	s->now.refers |= code_refs_have(&s->refs, c->start + at);
	s->now.stores |= code_stores(c, at, len);
	switch (code_argument(c, at, len, &value)) {
	case 3:
		s->reason = value;
		s->has_reason = true;
		break;
	case 5:
		s->line = value;
		s->has_line = true;
		break;
	}
	if (kind == CODE_PLAIN)
		return;
	if (s->has_reason && s->has_line && s->line && s->line < 100000)
		s->now.reasons |= reason_bit(s->reason);
	else if (kind == CODE_CALL && !s->now.first_call)
		s->now.first_call = target;
	s->has_reason = s->has_line = false;
}

static void functions_walk(struct search *s)
{
	for (size_t i = 0; i < s->called.nr; i++) {
		uint64_t next = i + 1 < s->called.nr ? s->called.at[i + 1] : UINT64_MAX;

		s->now = (struct function){ .start = s->called.at[i] };
		s->has_reason = s->has_line = false;
		if (code_walk(s->elf, s->now.start, next, &s->code, visit, s))
			s->functions[s->nr_functions++] = s->now;
	}
}

/* The one function of which `is` holds; 0: none, or several. */
static uint64_t only(const struct search *s, bool (*is)(const struct function *, uint64_t), uint64_t called)
{
	uint64_t found = 0;

	for (size_t i = 0; i < s->nr_functions; i++) {
		if (!is(&s->functions[i], called))
			continue;
		if (found)
			return 0;
		found = s->functions[i].start;
	}
	return found;
}

/* Some versions know more that can go wrong here. */
static bool is_write(const struct function *f, uint64_t called)
{
	const unsigned all = R_UNEXPECTED_CALL | R_HANDSHAKE_FAILURE | R_UNINITIALIZED;

	(void)called;
	return f->refers && (f->reasons & all) == all;
}

static bool is_read_impl(const struct function *f, uint64_t called)
{
	(void)called;
	return f->refers && f->reasons == (R_HANDSHAKE_FAILURE | R_UNINITIALIZED);
}

static bool is_peek(const struct function *f, uint64_t called)
{
	return f->refers && f->reasons == R_UNEXPECTED_CALL && f->first_call == called && !f->stores;
}

static bool is_read_with_peek(const struct function *f, uint64_t called)
{
	return f->refers && f->reasons == R_UNEXPECTED_CALL && f->first_call == called && f->stores;
}

static bool is_read_calling_peek(const struct function *f, uint64_t called)
{
	return !f->reasons && f->first_call == called && f->stores;
}

static int functions_find(struct search *s, uint64_t *read, uint64_t *write)
{
	uint64_t impl = only(s, is_read_impl, 0), peek;

	*write = only(s, is_write, 0);
	if (!impl || !*write)
		return -ENOTSUP;
	*read = only(s, is_read_with_peek, impl);
	peek = only(s, is_peek, impl);
	if (!*read && peek)
		*read = only(s, is_read_calling_peek, peek);
	return *read ? 0 : -ENOTSUP;
}

static int search(struct search *s, uint64_t *read, uint64_t *write)
{
	uint64_t files[FILES];
	int err;

	s->files = (struct code_refs){ files, 0, FILES };
	err = elf_sweep(s->elf, ELF_ALL, sizeof(FILE_NAME), files_window, s);
	if (err || !s->files.nr)
		return err ? err : -ENOENT;
	s->refs = (struct code_refs){ calloc(REFS, sizeof(uint64_t)), 0, REFS };
	s->called = (struct code_refs){ calloc(CALLED, sizeof(uint64_t)), 0, CALLED };
	s->functions = calloc(CALLED, sizeof(*s->functions));
	err = s->refs.at && s->called.at && s->functions ? code_refs_to(s->elf, &s->files, &s->refs) : -ENOMEM;
	/* Its name alone may be that of a file the program was made from, in a list of them. */
	if (!err && !s->refs.nr)
		err = -ENOENT;
	if (!err)
		err = code_called_near(s->elf, &s->refs, RANGE, &s->called);
	if (!err) {
		functions_walk(s);
		err = functions_find(s, read, write);
	}
	free(s->refs.at);
	free(s->called.at);
	free(s->functions);
	return err;
}

static int find(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *sites)
{
	struct search *s = calloc(1, sizeof(*s));
	uint64_t read = 0, write = 0;
	int err = s ? -ENOENT : -ENOMEM;

	(void)lib;
	if (s) {
		s->elf = e;
		err = search(s, &read, &write);
	}
	free(s);
	if (err)
		return err == -ENOENT ? -ENOENT : -ENOTSUP;
	tls_site_add(sites, e, read, &function_read);
	tls_site_add(sites, e, write, &function_write);
	return sites->nr == 2 ? 0 : -ENOTSUP;
}

const struct tls_lib tls_lib_boringssl = {
	.name = "boringssl", .summary = "BoringSSL inside a program or library, stripped", .find = find,
};
