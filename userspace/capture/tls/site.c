/* SPDX-License-Identifier: Apache-2.0 */
/* site.c - where to probe. Walks the first instructions of a function with a length
 * decoder that knows what compilers put there and refuses the rest: a wrong length would
 * place a probe inside an instruction, and that would break the watched process.
 *
 * Encoding: Intel SDM volume 2, chapter 2 and appendix A. Only lengths are decoded. */
#include <errno.h>
#include <string.h>

#include "bpf/wire.h"
#include "capture/elf.h"
#include "capture/tls/tls.h"

#define WALK_BYTES 192	/* how far the first call may be from the entry */
#define FUNCTION_BYTES 2048	/* how much of a function is searched for calls of a kind */
#define CALLS_MAX 16		/* of these */
#define INSN_MAX 15
enum { MOV_ESI = 0xbe, RETURN = 0xc3, CALL = 0xe8, JUMP = 0xe9, JUMP_SHORT = 0xeb };	/* opcodes */

/* What follows an opcode: '.' nothing, 'm' ModRM, 'b' ModRM and imm8, 'd' ModRM and imm32,
 * '1' imm8 or rel8, '4' imm32 or rel32, '8' imm64, '-' not known to us. Rows of 16. */
static const char one_byte[257] =
	"mmmm14--mmmm14--" "mmmm14--mmmm14--"	/* 00-1f: add or adc sbb */
	"mmmm14--mmmm14--" "mmmm14--mmmm14--"	/* 20-3f: and sub xor cmp */
	"----------------"			/* 40-4f: REX, taken before */
	"................"			/* 50-5f: push pop */
	"---m----4d1b----"			/* 60-6f: movsxd, push imm, imul */
	"1111111111111111"			/* 70-7f: jcc rel8 */
	"bd-bmmmmmmmm-m--"			/* 80-8f: group 1, test, xchg, mov, lea */
	".-------..------"			/* 90-9f: nop, cwde, cdq */
	"----....14..----"			/* a0-af: movs, cmps, stos, test al, eax */
	"11111111" "44444444"			/* b0-bf: mov imm ('8' for a 64-bit one) */
	"bb-.--bd-.------"			/* c0-cf: shifts, ret, mov imm, leave */
	"mmmm------------"			/* d0-df: shifts */
	"--------44-1----"			/* e0-ef: call, jmp rel32, jmp rel8 */
	"------bm----..mm";			/* f0-ff: groups (test imm is refused below) */
static const char two_byte[257] =
	"-----.-----.---m" "mmmmmmmmmmmmmmmm" "--------mmmmmmmm" "----------------"
	"mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "bbbbmmm-----mmmm"
	"4444444444444444" "mmmmmmmmmmmmmmmm" "--.mb------mb-mm" "mmmmmmmm--bmmmmm"
	"mmb-bbb-........" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmm-";

static size_t modrm_len(const uint8_t *p, size_t left)
{
	uint8_t mod, rm;
	size_t n = 1;

	if (!left)
		return 0;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	if (mod == 3)
		return 1;
	if (rm == 4) {
		if (left < 2)
			return 0;
		n++;
		if (mod == 0 && (p[1] & 7) == 5)
			n += 4;
	}
	if (mod == 0 && rm == 5)
		n += 4;
	return n + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

/* What follows an opcode behind a VEX prefix, which names the table; *n moves past both. */
static char vex_kind(const uint8_t *p, size_t left, size_t *n)
{
	bool three = p[*n - 1] == 0xc4;
	uint8_t table = 1;
	char kind;

	if (left - *n < 3)
		return '-';
	if (three)
		table = p[(*n)++] & 0x1f;
	(*n)++;
	kind = table == 1 ? two_byte[p[*n]] : table == 2 ? 'm' : table == 3 ? 'b' : '-';
	(*n)++;
	return kind == 'm' || kind == 'b' ? kind : '-';
}

/* What follows the opcode at p + *n; *n moves past it. */
static char insn_kind(const uint8_t *p, size_t left, size_t *n, bool rex_w)
{
	uint8_t op = p[(*n)++];

	if (op == 0xc4 || op == 0xc5)
		return *n == 1 ? vex_kind(p, left, n) : '-';
	if (op == 0x0f) {
		if (*n >= left)
			return '-';
		op = p[(*n)++];
		if (op != 0x38 && op != 0x3a)
			return two_byte[op];
		return (*n)++ < left ? op == 0x38 ? 'm' : 'b' : '-';
	}
	if (rex_w && op >= 0xb8 && op <= 0xbf)
		return '8';
	if (op == 0xf7 && *n < left && (p[*n] >> 3 & 7) < 2)
		return 'd';
	if (op == 0xf7 || (op == 0xf6 && *n < left && (p[*n] >> 3 & 7) >= 2))
		return 'm';
	return one_byte[op];
}

/* Length of the instruction at p, 0 when it is not known. */
static size_t insn_len(const uint8_t *p, size_t left)
{
	size_t n = 0, m = 0, imm;
	bool rex_w = false, wide16 = false;
	const uint8_t *op;
	char kind;

	while (n < left && p[n] && strchr("\x66\xf2\xf3\xf0\x64\x2e\x3e", p[n]))
		wide16 |= p[n++] == 0x66;
	if (n < left && (p[n] & 0xf0) == 0x40)
		rex_w = p[n++] & 8;
	if (n >= left)
		return 0;
	op = p + n;
	kind = insn_kind(p, left, &n, rex_w);
	/* Of a branch with an operand size of 16 bits makers of processors think differently. */
	if (kind == '-' || (wide16 && (*op == 0xe8 || *op == 0xe9 || (*op == 0x0f && kind == '4'))))
		return 0;
	if (strchr("mbd", kind)) {
		m = n < left ? modrm_len(p + n, left - n) : 0;
		if (!m)
			return 0;
	}
	imm = strchr("1b", kind) ? 1 : strchr("4d", kind) ? (wide16 && !rex_w ? 2 : 4) : kind == '8' ? 8 : 0;
	n += m + imm;
	return n <= left && n <= INSN_MAX ? n : 0;
}

/* Where the direct call or jump at `at` goes, which is n bytes long; 0: it is another instruction. */
static uint64_t branch_target(const uint8_t *code, size_t at, size_t n, uint64_t address)
{
	int32_t rel;

	if (code[at] == JUMP_SHORT)
		return address + at + n + (uint64_t)(int64_t)(int8_t)code[at + 1];
	if (code[at] != CALL && code[at] != JUMP)
		return 0;
	memcpy(&rel, code + at + 1, sizeof(rel));
	return address + at + n + (uint64_t)(int64_t)rel;
}

/* The first direct call, jump or return of a function: where it goes if it is a call (or if
 * it is a jump), else 0. */
static uint64_t branch_first(const struct elf_image *e, uint64_t address, bool call)
{
	uint8_t code[WALK_BYTES];
	size_t have = elf_code(e, address, code, sizeof(code)), at = 0, n;

	while (at < have && (n = insn_len(code + at, have - at))) {
		uint64_t target = branch_target(code, at, n, address);

		if (code[at] == RETURN || (target && (code[at] == CALL) != call))
			return 0;
		if (target)
			return target;
		at += n;
	}
	return 0;
}

uint64_t site_first_call(const struct elf_image *e, uint64_t address)
{
	return branch_first(e, address, true);
}

uint64_t site_tail_jump(const struct elf_image *e, uint64_t address)
{
	return branch_first(e, address, false);
}

/* Targets of the calls and long jumps, in the first FUNCTION_BYTES of a function, that come
 * after a `mov $second,%esi`, and no other call in between. */
static unsigned calls_with(const struct elf_image *e, uint64_t address, uint32_t second, uint64_t targets[CALLS_MAX])
{
	uint8_t code[FUNCTION_BYTES];
	size_t have = elf_code(e, address, code, sizeof(code)), at = 0, n;
	bool armed = false;
	unsigned nr = 0;

	while (at < have && nr < CALLS_MAX && (n = insn_len(code + at, have - at))) {
		if (code[at] == MOV_ESI)
			armed = !memcmp(code + at + 1, &second, sizeof(second));
		if (armed && (code[at] == CALL || code[at] == JUMP))
			targets[nr++] = branch_target(code, at, n, address);
		if (code[at] == CALL || code[at] == JUMP)
			armed = false;
		at += n;
	}
	return nr;
}

uint64_t site_shared_call(const struct elf_image *e, uint64_t a, uint64_t b, uint32_t second)
{
	uint64_t of_a[CALLS_MAX], of_b[CALLS_MAX], found = 0;
	unsigned nr_a = a ? calls_with(e, a, second, of_a) : 0, nr_b = b ? calls_with(e, b, second, of_b) : 0;

	for (unsigned i = 0; i < nr_a; i++)
		for (unsigned j = 0; j < nr_b; j++) {
			if (of_a[i] != of_b[j] || of_a[i] == found)
				continue;
			if (found)
				return 0;
			found = of_a[i];
		}
	return found;
}

static bool is_push(const uint8_t *code, size_t left)
{
	return (left > 0 && code[0] >= 0x50 && code[0] <= 0x57) || (left > 1 && code[0] == 0x41 && code[1] >= 0x50 && code[1] <= 0x57);
}

/* `test` of a register with itself, and perhaps a jump if it is 0, before the first push: who
 * comes to that has all arguments and the return address where they were at the entry, and
 * who does not has given NULL and is told so. */
static size_t null_check_len(const uint8_t *code, size_t left)
{
	size_t at = 0;

	if (left >= 3 && code[0] == 0x48 && code[1] == 0x85 && code[2] >> 6 == 3)
		at = 3;
	if (at && left - at >= 2 && code[at] == 0x74)
		at += 2;
	else if (at && left - at >= 6 && code[at] == 0x0f && code[at + 1] == 0x84)
		at += 6;
	return at && is_push(code + at, left - at) ? at : 0;
}

/* The kernel emulates push of a register, one-byte nop and call (arch/x86/kernel/uprobes.c,
 * branch_setup_xol_ops, push_setup_xol_ops). A five-byte nop is never taken: its optimised
 * form writes below the stack pointer. */
uint64_t site_entry(const struct elf_image *e, uint64_t address, bool *cheap)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	uint8_t code[16];
	size_t have = elf_code(e, address, code, sizeof(code)), at = 0;

	if (have >= sizeof(endbr64) && !memcmp(code, endbr64, sizeof(endbr64)))
		at = sizeof(endbr64);
	at += null_check_len(code + at, have - at);
	if (have < at + 2 || !insn_len(code + at, have - at))
		return 0;
	*cheap = is_push(code + at, have - at) || code[at] == 0x90 || code[at] == 0xe8;
	if (code[at] == 0x0f && code[at + 1] == 0x1f)
		return 0;
	return address + at;
}

static void site_put(struct tls_sites *s, const struct elf_image *e, uint64_t address, uint8_t kind, uint64_t cookie)
{
	bool cheap = false;
	uint64_t at = site_entry(e, address, &cheap), offset = at ? elf_offset(e, at) : 0;

	if (!offset || s->nr == TLS_SITES)
		return;
	s->site[s->nr].offset = offset;
	/* What is done once a session is never dear. */
	s->site[s->nr].dear = !cheap && kind == SITE_CALL && !(cookie & WIRE_COOKIE_BINDS);
	s->site[s->nr].kind = kind;
	s->site[s->nr++].cookie = cookie | (uint64_t)s->row << WIRE_COOKIE_LIB_SHIFT;
}

void tls_site_add_more(struct tls_sites *s, const struct elf_image *e, uint64_t address, const struct tls_function *f, uint64_t more)
{
	site_put(s, e, address, SITE_CALL, (f->sent ? WIRE_COOKIE_SENT : 0) | (uint64_t)f->lenp << WIRE_COOKIE_LENP_SHIFT |
		 (uint64_t)f->object << WIRE_COOKIE_OBJ_SHIFT | (uint64_t)f->buf << WIRE_COOKIE_BUF_SHIFT | more);
}

void tls_site_add(struct tls_sites *s, const struct elf_image *e, uint64_t address, const struct tls_function *f)
{
	tls_site_add_more(s, e, address, f, 0);
}

void tls_site_add_freed(struct tls_sites *s, const struct elf_image *e, uint64_t address, uint8_t object)
{
	site_put(s, e, address, SITE_FREED, (uint64_t)object << WIRE_COOKIE_OBJ_SHIFT);
}

void tls_sites_freed(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	for (const char *const *name = lib->ends; name && *name; name++) {
		uint64_t at = elf_symbol(e, *name);

		if (at)
			tls_site_add_freed(s, e, at, 1);
	}
}

int tls_sites_exported(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	for (const struct tls_function *f = lib->functions; f->symbol; f++) {
		uint64_t at = elf_symbol(e, f->symbol);

		if (at)
			tls_site_add(s, e, at, f);
	}
	return s->nr ? 0 : -ENOENT;
}

int tls_find_exported(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	for (const struct tls_function *f = lib->functions; f->symbol; f++)
		if (!elf_symbol(e, f->symbol))
			return -ENOENT;
	if (tls_sites_exported(lib, e, s))
		return -ENOENT;
	tls_sites_freed(lib, e, s);
	return 0;
}

size_t site_insn_len(const uint8_t *p, size_t left)
{
	return insn_len(p, left);
}
