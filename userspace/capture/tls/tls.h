/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - a TLS library is one data file and one row in list.def: how to recognise it,
 * which functions, where the arguments are, which rule picks the probe site. What the
 * BPF side must know goes into the attach cookie, so a library needs no kernel code.
 * The scan runs in the elfscan role: the file is hostile input. */
#ifndef WEIR_TLS_H
#define WEIR_TLS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_SITES 64

/* Which BPF programs serve a site; the table is in capture/load.c. */
enum site_kind {
	SITE_CALL,	/* a function of C: its entry and, by a return probe, its end */
	SITE_FREED,	/* a function that frees a TLS object: its entry */
	SITE_GO_ENTER,	/* a method of Go's TLS connection, behind its check of the stack */
	SITE_GO_RETURN,	/* one of its RETs */
	SITE_RUST,	/* a function of C's kind in rustls, with Rust's ways to pass slices and results */
	SITE_KINDS
};

/* The answer of a scan; fixed size, written whole, checked by the monitor. */
struct tls_sites {
	char build_id[41];	/* hex; empty: the file has none */
	uint8_t row;		/* of the library in list.def */
	uint8_t unknown;	/* the library is in there, in a form that is not known: nr is 0 */
	uint32_t nr;
	struct {
		uint64_t offset;	/* in the file */
		uint64_t cookie;	/* WIRE_COOKIE_* */
		uint8_t kind;		/* enum site_kind */
		uint8_t dear;		/* single-stepped: 15 times the cost */
	} site[TLS_SITES];
};

struct elf_image;
struct tls_function {
	const char *symbol;
	bool sent;
	uint8_t object, buf;	/* argument numbers, 1..6 */
	uint8_t lenp;		/* argument that points to the moved length; 0: it is returned */
};
struct tls_lib {
	const char *name, *summary;
	const char *soname;	/* prefix of the file's name: "libssl.so"; NULL: it is linked into programs */
	const char *hidden;	/* why nothing of it can be probed: it is named only; NULL: it can */
	const struct tls_function *functions;	/* the exported ones, ended by a NULL symbol */
	const char *const *ends;	/* exported ones that end the session in argument 1; NULL-terminated, may be NULL */
	/* Fills sites; 0, -ENOENT: not this library, -ENOTSUP: it is, in a form that is not known. */
	int (*find)(const struct tls_lib *, const struct elf_image *, struct tls_sites *);
};
unsigned tls_lib_count(void);
const struct tls_lib *tls_lib_get(unsigned);
bool tls_lib_named(const struct tls_lib *, const char *base);	/* is that file, by its name, this library? */
/* 0, -ENOENT: no library of ours, -ENOTSUP: one, but its functions were not found (row,
 * `unknown` and the build id are set), -EBADMSG: no ELF file we read. */
int tls_scan_fd(int fd, struct tls_sites *);

/* For rules. */
void tls_site_add(struct tls_sites *, const struct elf_image *, uint64_t address, const struct tls_function *);
/* The same with WIRE_COOKIE_ bits that few libraries need. */
void tls_site_add_more(struct tls_sites *, const struct elf_image *, uint64_t address, const struct tls_function *, uint64_t more);
/* A function that frees the object, which is argument `object`. */
void tls_site_add_freed(struct tls_sites *, const struct elf_image *, uint64_t address, uint8_t object);
/* Those of lib->ends that are there. */
void tls_sites_freed(const struct tls_lib *, const struct elf_image *, struct tls_sites *);
/* The exported functions as they are: the last resort of every rule. */
int tls_sites_exported(const struct tls_lib *, const struct elf_image *, struct tls_sites *);
/* For `find` of a library all of whose functions and ends are exported, and probed as they are. */
int tls_find_exported(const struct tls_lib *, const struct elf_image *, struct tls_sites *);
/* Address of the first direct call in the function at `address`; 0: none found. */
uint64_t site_first_call(const struct elf_image *, uint64_t address);
/* Where the function at `address` jumps to before it calls or returns; 0: it does not, or not directly. */
uint64_t site_tail_jump(const struct elf_image *, uint64_t address);
/* The one function that both a and b call or jump to with this constant as second argument;
 * 0: there is none or more than one, or their code is not understood. */
uint64_t site_shared_call(const struct elf_image *, uint64_t a, uint64_t b, uint32_t second);
size_t site_insn_len(const uint8_t *code, size_t left);	/* of the instruction there, 0: not known */
/* Addresses of all RETs of the function, at most max; 0: there are none, or not all that it
 * holds is understood, or it is left in another way than by these. */
unsigned site_returns(const struct elf_image *, uint64_t address, uint64_t size, uint64_t found[], unsigned max);
/* Where to probe a function: past endbr64, and past a look for a NULL. *cheap: the instruction there is emulated. */
uint64_t site_entry(const struct elf_image *, uint64_t address, bool *cheap);
#endif
