/* SPDX-License-Identifier: Apache-2.0 */
/* rustls.c - rustls inside a program that still has its symbols, as cargo leaves them.
 *
 * What the program sends passes one function of the session's CommonState, whatever it
 * writes with: send_some_plaintext(&mut self, &[u8]) -> usize (0.20 to 0.22), and since then
 * buffer_plaintext(&mut self, OutboundChunks, ..) -> usize. What it receives comes in
 * take_received_plaintext(&mut self, Payload), a record at a time. Where the compiler has
 * put that into its callers, which it does in old versions, there is Reader::read, whose
 * receiver points to the session's received_plaintext. How far that lies inside the session
 * is read off the calls of ChunkVecBuffer::is_full, which is asked of nothing else: they
 * must agree, and so must those that send on where the CommonState is in its connection.
 *
 * The session ends where CommonState is dropped; its address serves another then.
 *
 * Not here: a program without symbols. Its AEAD functions (ring, aws-lc) could be found, but
 * they also seal tickets and QUIC, one in pieces, the other through arguments on the stack,
 * and the session they serve is not known to them. Such a program is recognised by the
 * source file names in its panics and reported as one whose functions are not known.
 * Checked on 0.20.8 (rustc 1.63) and 0.23 (rustc 1.9x). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "capture/elf.h"
#include "capture/elf_sweep.h"
#include "capture/tls/tls.h"

#define SAME 12		/* copies of a function: of several versions, or one a unit of the compiler */
#define CALLS 256	/* of one function */
#define SLOTS 8

enum role { SENDS, TAKES, READS, IS_FULL, DROPS, ROLES };

static const struct tls_function function_sends = { "send", true, 1, 2, 0 };
static const struct tls_function function_receives = { "receive", false, 1, 2, 0 };

/* Either of the two ways in which Rust makes names: legacy, v0. */
static const struct { enum role role; const char *in, *also; } names[] = {
	{ SENDS, "11CommonState16buffer_plaintext", "6rustls" },
	{ SENDS, "11CommonState19send_some_plaintext", "6rustls" },
	{ TAKES, "11CommonState23take_received_plaintext", "6rustls" },
	{ READS, "..Reader$u20$as$u20$std..io..Read$GT$4read17h", "$LT$rustls..conn.." },
	{ READS, "6ReaderNtNt", "4Read4read" },
	{ IS_FULL, "14ChunkVecBuffer7is_full", "6rustls" },
	{ DROPS, "..CommonState$GT$17h", "drop_in_place$LT$rustls.." },
	{ DROPS, "11CommonStateE", "9drop_glueNtNt" },
	{ DROPS, "11CommonStateE", "13drop_in_placeNtNt" },
};
static const char *const words[] = { "11CommonState", "..CommonState$GT$17h", "..Reader$u20$as$u20$std..io..Read$GT$4read17h",
				     "6ReaderNtNt", "14ChunkVecBuffer7is_full", NULL };

struct search {
	const struct elf_image *elf;
	struct { uint64_t at[SAME]; unsigned nr; } of[ROLES];
	bool too_many;
	/* Calls of one function. */
	uint64_t target, slots[SLOTS], calls[CALLS];
	size_t nr_slots, nr_calls;
	bool named;	/* by a source file */
};

static void role_add(struct search *s, enum role role, uint64_t address)
{
	for (unsigned i = 0; i < s->of[role].nr; i++)
		if (s->of[role].at[i] == address)
			return;
	if (s->of[role].nr == SAME)
		s->too_many = true;
	else
		s->of[role].at[s->of[role].nr++] = address;
}

static void name_found(void *owner, unsigned word, const char *name, uint64_t address)
{
	(void)word;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(name, names[i].in) && strstr(name, names[i].also) && strstr(name, "rustls"))
			role_add(owner, names[i].role, address);
}

static void calls_window(void *owner, const uint8_t *p, size_t len, size_t fresh, uint64_t address)
{
	struct search *s = owner;

	for (size_t i = 0; i < fresh && len - i >= 6 && s->nr_calls < CALLS; i++) {
		size_t op = p[i] == 0xff && p[i + 1] == 0x15 ? 2 : 1;
		bool ours = false;
		uint64_t to;
		int32_t v;

		if (p[i] != 0xe8 && op == 1)
			continue;
		memcpy(&v, p + i + op, sizeof(v));
		to = address + i + op + sizeof(v) + (uint64_t)(int64_t)v;
		ours = op == 1 && to == s->target;
		for (size_t k = 0; op == 2 && k < s->nr_slots; k++)
			ours |= s->slots[k] == to;
		if (ours)
			s->calls[s->nr_calls++] = address + i;
	}
}

static bool ends_in(const uint8_t *end, size_t have, size_t len, uint8_t rex, uint8_t op, uint8_t modrm, uint8_t mask)
{
	const uint8_t *p = end - len;

	return have >= len && (p[0] & 0xfe) == rex && p[1] == op && (p[2] & mask) == modrm;
}

/* What the instruction before a call adds to an address to get the first argument. */
static bool receiver_at(const uint8_t *end, size_t have, int32_t *offset)
{
	bool mov = have >= 3 && (end[-3] & 0xfb) == 0x48 && end[-2] == 0x89 && (end[-1] & 0xc7) == 0xc7;
	/* lea disp8(reg),%rdi, the longer by a byte with %r12; add $imm8,%rdi. The same with 32 bits. */
	bool byte = (ends_in(end, have, 4, 0x48, 0x8d, 0x78, 0xf8) && end[-2] != 0x7c) ||
		    (ends_in(end, have, 4, 0x48, 0x83, 0xc7, 0xff) && end[-4] == 0x48) ||
		    (ends_in(end, have, 5, 0x48, 0x8d, 0x7c, 0xff) && end[-5] == 0x49);
	bool word = (ends_in(end, have, 7, 0x48, 0x8d, 0xb8, 0xf8) && end[-5] != 0xbc) ||
		    (ends_in(end, have, 7, 0x48, 0x81, 0xc7, 0xff) && end[-7] == 0x48) ||
		    (ends_in(end, have, 8, 0x48, 0x8d, 0xbc, 0xff) && end[-8] == 0x49);

	if (mov + byte + word != 1)
		return false;
	*offset = byte ? (int8_t)end[-1] : 0;
	if (word)
		memcpy(offset, end - 4, sizeof(*offset));
	return true;
}

/* Where in something larger the receiver of a function is; false: not known, or not the same everywhere. */
static bool receiver_offset(struct search *s, uint64_t function, int32_t *offset)
{
	bool known = false;

	s->target = function;
	s->nr_slots = elf_slots(s->elf, function, s->slots, SLOTS);
	s->nr_calls = 0;
	if (elf_sweep(s->elf, ELF_CODE, 16, calls_window, s))
		return false;
	for (size_t i = 0; i < s->nr_calls; i++) {
		uint8_t before[8];
		size_t have = s->calls[i] < sizeof(before) ? 0 : elf_code(s->elf, s->calls[i] - sizeof(before), before, sizeof(before));
		const uint8_t *end = before + have;
		int32_t at;

		if (have == sizeof(before) && end[-1] == 0x67) {	/* what the linker made of a call through a word */
			end--;
			have--;
		}
		if (have < 7 || !receiver_at(end, have, &at))
			continue;
		if (known && at != *offset)
			return false;
		*offset = at;
		known = true;
	}
	return known;
}

static void site_add(struct tls_sites *sites, const struct search *s, enum role role, enum site_kind kind, uint64_t more)
{
	for (unsigned i = 0; i < s->of[role].nr; i++) {
		unsigned before = sites->nr;

		tls_site_add(sites, s->elf, s->of[role].at[i], role == SENDS ? &function_sends : &function_receives);
		if (sites->nr == before)
			continue;
		sites->site[before].kind = (uint8_t)kind;
		sites->site[before].cookie |= more;
	}
}

static int sites_find(struct search *s, struct tls_sites *sites)
{
	int32_t session, buffer;
	unsigned wanted = s->of[SENDS].nr + s->of[DROPS].nr;

	if (s->too_many || !s->of[SENDS].nr)
		return -ENOTSUP;
	site_add(sites, s, SENDS, SITE_RUST, 0);
	site_add(sites, s, DROPS, SITE_FREED, (uint64_t)1 << WIRE_COOKIE_OBJ_SHIFT);	/* what comes at its address later is another */
	if (s->of[TAKES].nr) {
		site_add(sites, s, TAKES, SITE_RUST, WIRE_COOKIE_RUST_RECORD);
		wanted += s->of[TAKES].nr;
	} else {
		if (s->of[READS].nr != 1 || s->of[IS_FULL].nr != 1 || s->of[SENDS].nr != 1 ||
		    !receiver_offset(s, s->of[IS_FULL].at[0], &buffer) || !receiver_offset(s, s->of[SENDS].at[0], &session) ||
		    buffer <= session || buffer - session > UINT16_MAX)
			return -ENOTSUP;
		site_add(sites, s, READS, SITE_RUST, (uint64_t)(buffer - session) << WIRE_COOKIE_RUST_AT_SHIFT);
		wanted++;
	}
	return sites->nr == wanted ? 0 : -ENOTSUP;
}

/* ".../rustls-0.23.4/src/...": the file that a panic names. */
static void source_window(void *owner, const uint8_t *bytes, size_t len, size_t fresh, uint64_t address)
{
	static const char crate[] = "/rustls-";
	struct search *s = owner;
	const uint8_t *at = bytes, *end = bytes + len;

	(void)address;
	while (!s->named && (at = memmem(at, (size_t)(end - at), crate, strlen(crate))) && (size_t)(at - bytes) < fresh) {
		at += strlen(crate);
		s->named = at < end && isdigit(*at) && memmem(at, (size_t)(end - at) < 24 ? (size_t)(end - at) : 24, "/src/", 5);
	}
}

static int find(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *sites)
{
	struct search *s = calloc(1, sizeof(*s));
	int err = s ? 0 : -ENOMEM;

	(void)lib;
	if (s) {
		s->elf = e;
		err = elf_names(e, words, name_found, s);
	}
	if (!err)
		err = sites_find(s, sites);
	if (err == -ENOTSUP && !s->of[SENDS].nr) {
		elf_sweep(e, ELF_ALL, 32, source_window, s);
		err = s->named ? -ENOTSUP : -ENOENT;
	}
	free(s);
	return err;
}

const struct tls_lib tls_lib_rustls = {
	.name = "rustls", .summary = "rustls inside a program with symbols", .find = find,
};
