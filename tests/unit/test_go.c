/* SPDX-License-Identifier: Apache-2.0 */
/* Go programs made by hand, small ones: the table of functions in each of its formats, with
 * and without sections, stripped all of them; and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "capture/elf.h"
#include "capture/tls/tls.h"

#define FILE_SIZE 8192
#define TEXT 0x1000		/* offset of the code in the file */
#define TABLE 0x400		/* of the table of functions */
#define ADDRESS 0x401000
#define FUNCTION 0x100
enum { GO_12 = 0xfb, GO_116 = 0xfa, GO_118 = 0xf0, GO_120 = 0xf1 };
enum { OTHER, READ, WRITE, CLIENT, SERVER, FUNCTIONS };

static const char *const names[FUNCTIONS] = {
	"runtime.main", "crypto/tls.(*Conn).Read", "crypto/tls.(*Conn).Write", "crypto/tls.(*Conn).clientHandshake",
	"crypto/tls.(*Conn).serverHandshake",
};

/* cmp 0x10(%r14),%rsp; jbe to the end; push; mov; sub $0x58; keeps three arguments; a lock'ed
 * compare, a word compared, a 64-bit constant; je over a return; returns twice; calls for a
 * larger stack and jumps to the begin. */
static const uint8_t registers[] = {
	0x49, 0x3b, 0x66, 0x10, 0x76, 0x56, 0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x58,
	0x48, 0x89, 0x44, 0x24, 0x68, 0x48, 0x89, 0x5c, 0x24, 0x70, 0x48, 0x89, 0x4c, 0x24, 0x78,
	0xf0, 0x0f, 0xb1, 0x88, 0x80, 0x01, 0x00, 0x00, 0x66, 0x81, 0xb8, 0x9a, 0x00, 0x00, 0x00, 0x01, 0x03,
	0x48, 0xb8, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xe8, 0x00, 0x00, 0x00, 0x00,
	0x74, 0x06, 0x48, 0x83, 0xc4, 0x58, 0x5d, 0xc3, 0x31, 0xc0, 0x44, 0x0f, 0x11, 0x7c, 0x24, 0x20,
	0xc5, 0xf8, 0x10, 0x00, 0xc4, 0xe2, 0x79, 0xf7, 0xc0, 0x48, 0x83, 0xc4, 0x58, 0x5d, 0xc3,
	0xe8, 0x00, 0x00, 0x00, 0x00, 0xeb, 0x9d,
};
#define REGISTERS_ENTRY 4
static const unsigned registers_returns[] = { 68, 91 };
/* Before 1.17: mov %fs:-8,%rcx; cmp 0x10(%rcx),%rsp; jbe; sub; add; ret; call; jmp. */
static const uint8_t stack[] = {
	0x64, 0x48, 0x8b, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff, 0x48, 0x3b, 0x61, 0x10, 0x0f, 0x86, 0x09, 0x00, 0x00, 0x00,
	0x48, 0x83, 0xec, 0x10, 0x48, 0x83, 0xc4, 0x10, 0xc3, 0xe8, 0x00, 0x00, 0x00, 0x00, 0xeb, 0xdd,
};
#define STACK_ENTRY 13

struct program {
	uint8_t bytes[FILE_SIZE];
	size_t at;	/* end of the table */
};

static void put(struct program *p, size_t at, uint64_t v, size_t n)
{
	memcpy(p->bytes + at, &v, n);
}

static void put_code(struct program *p, unsigned i, const uint8_t *code, size_t n)
{
	memset(p->bytes + TEXT + i * FUNCTION, 0xcc, FUNCTION);
	memcpy(p->bytes + TEXT + i * FUNCTION, code, n);
}

/* The table: header, functions with their descriptions, names. */
static void put_table(struct program *p, uint8_t kind, uint64_t text)
{
	bool relative = kind == GO_118 || kind == GO_120;
	size_t size = relative ? 4 : 8, functions = TABLE + (kind == GO_12 ? 16 : relative ? 72 : 64);
	size_t descriptions = functions + (2 * FUNCTIONS + 1) * size, strings = descriptions + FUNCTIONS * 16;
	size_t base = kind == GO_12 ? TABLE : functions, first = kind == GO_12 ? TABLE : strings;

	put(p, TABLE, 0xffffff00u | kind, 4);
	put(p, TABLE + 4, 0x0801u << 16, 4);
	put(p, TABLE + 8, FUNCTIONS, 8);
	if (kind == GO_116) {
		put(p, TABLE + 24, strings - TABLE, 8);
		put(p, TABLE + 56, functions - TABLE, 8);
	} else if (relative) {
		put(p, TABLE + 24, text, 8);
		put(p, TABLE + 32, strings - TABLE, 8);
		put(p, TABLE + 64, functions - TABLE, 8);
	}
	p->at = strings;
	for (unsigned i = 0; i <= FUNCTIONS; i++) {
		uint64_t address = i * FUNCTION + (relative ? 0 : ADDRESS);

		put(p, functions + i * 2 * size, address, size);
		if (i == FUNCTIONS)
			break;
		put(p, functions + (i * 2 + 1) * size, descriptions + i * 16 - base, size);
		put(p, descriptions + i * 16, address, size);
		put(p, descriptions + i * 16 + size, p->at - first, 4);
		memcpy(p->bytes + p->at, names[i], strlen(names[i]) + 1);
		p->at += strlen(names[i]) + 1;
	}
}

/* Two segments: what is read, with Go's note, and code. */
static void put_head(struct program *p, bool sections)
{
	Elf64_Ehdr head = { .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1, .e_phoff = 64, .e_ehsize = 64,
			    .e_phentsize = 56, .e_phnum = 3, .e_shentsize = 64 };
	Elf64_Phdr segment[3] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x400000, .p_filesz = TEXT },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = TEXT, .p_vaddr = ADDRESS, .p_filesz = FUNCTIONS * FUNCTION },
		{ .p_type = PT_NOTE, .p_flags = PF_R, .p_offset = 0x200, .p_filesz = 24 },
	};
	static const char text[] = "\0.gopclntab\0.shstrtab";
	Elf64_Shdr section[3] = {
		{ .sh_name = 0 },
		{ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = TABLE, .sh_size = p->at - TABLE },
		{ .sh_name = 12, .sh_type = SHT_STRTAB, .sh_offset = 0x240, .sh_size = sizeof(text) },
	};

	memcpy(head.e_ident, "\x7f" "ELF\2\1\1", 7);
	if (sections) {
		head.e_shoff = 0x280;
		head.e_shnum = 3;
		head.e_shstrndx = 2;
		memcpy(p->bytes + 0x240, text, sizeof(text));
		memcpy(p->bytes + 0x280, section, sizeof(section));
	}
	memcpy(p->bytes, &head, sizeof(head));
	memcpy(p->bytes + 64, segment, sizeof(segment));
	put(p, 0x200, 4, 4);	/* length of the owner's name, of the note, type */
	put(p, 0x204, 8, 4);
	put(p, 0x208, 4, 4);
	memcpy(p->bytes + 0x20c, "Go", 3);
}

static struct program *program(uint8_t kind, bool sections, uint64_t text)
{
	struct program *p = calloc(1, sizeof(*p));

	put_table(p, kind, text);
	put_head(p, sections);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		if (kind == GO_12)
			put_code(p, i, stack, sizeof(stack));
		else
			put_code(p, i, registers, sizeof(registers));
	}
	return p;
}

static int scan(const struct program *p, size_t len, struct tls_sites *s)
{
	int fd = memfd_create("go", 0), err;

	assert_int_equal(write(fd, p->bytes, len), len);
	err = tls_scan_fd(fd, s);
	close(fd);
	return err;
}

static void expect_site(const struct tls_sites *s, unsigned i, unsigned kind, unsigned function, unsigned at, unsigned flags)
{
	assert_int_equal(s->site[i].kind, kind);
	assert_int_equal(s->site[i].offset, TEXT + function * FUNCTION + at);
	assert_int_equal(s->site[i].cookie & 15, flags);
	assert_int_equal(s->site[i].cookie >> WIRE_COOKIE_LIB_SHIFT & 255, s->row);
}

static void expect_registers(const struct tls_sites *s)
{
	assert_string_equal(tls_lib_get(s->row)->name, "go");
	assert_int_equal(s->nr, 8);
	expect_site(s, 0, SITE_GO_ENTER, READ, REGISTERS_ENTRY, 0);
	expect_site(s, 1, SITE_GO_ENTER, WRITE, REGISTERS_ENTRY, WIRE_COOKIE_SENT);
	expect_site(s, 2, SITE_GO_ENTER, CLIENT, REGISTERS_ENTRY, WIRE_COOKIE_GO_HANDSHAKE);
	expect_site(s, 3, SITE_GO_ENTER, SERVER, REGISTERS_ENTRY, WIRE_COOKIE_GO_HANDSHAKE);
	for (unsigned k = 0; k < 2; k++) {
		expect_site(s, 4 + k, SITE_GO_RETURN, READ, registers_returns[k], WIRE_COOKIE_GO_SPILLED);
		expect_site(s, 6 + k, SITE_GO_RETURN, WRITE, registers_returns[k], WIRE_COOKIE_SENT);
	}
}

static void each_format_is_read(void **state)
{
	static const struct { uint8_t kind; uint64_t text; } formats[] = {
		{ GO_118, ADDRESS }, { GO_120, ADDRESS }, { GO_120, 0 }, { GO_118, 0x1000 }, { GO_116, 0 },
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		for (int sections = 0; sections < 2; sections++) {
			struct program *p = program(formats[i].kind, sections, formats[i].text);
			struct tls_sites s;

			assert_int_equal(scan(p, sizeof(p->bytes), &s), 0);
			expect_registers(&s);
			free(p);
		}
}

static void arguments_on_the_stack_are_known(void **state)
{
	struct program *p = program(GO_12, true, 0);
	struct tls_sites s;

	assert_int_equal(scan(p, sizeof(p->bytes), &s), 0);
	assert_int_equal(s.nr, 6);
	expect_site(&s, 0, SITE_GO_ENTER, READ, STACK_ENTRY, WIRE_COOKIE_GO_STACK);
	expect_site(&s, 4, SITE_GO_RETURN, READ, 27, WIRE_COOKIE_GO_STACK | WIRE_COOKIE_GO_SPILLED);
	expect_site(&s, 5, SITE_GO_RETURN, WRITE, 27, WIRE_COOKIE_GO_STACK | WIRE_COOKIE_SENT);
	free(p);
}

/* The code begins somewhere behind what the C library brings. */
static void the_begin_of_the_code_is_found(void **state)
{
	struct program *p = program(GO_120, true, 0);
	struct tls_sites s;

	memmove(p->bytes + TEXT + 0x60, p->bytes + TEXT, FUNCTIONS * FUNCTION);
	memset(p->bytes + TEXT, 0x90, 0x60);
	((Elf64_Phdr *)(p->bytes + 64))[1].p_filesz += 0x60;
	assert_int_equal(scan(p, sizeof(p->bytes), &s), 0);
	assert_int_equal(s.nr, 8);
	expect_site(&s, 0, SITE_GO_ENTER, READ, REGISTERS_ENTRY + 0x60, 0);
	free(p);
}

static void no_argument_is_looked_for_where_none_was_kept(void **state)
{
	struct program *p = program(GO_120, true, ADDRESS);
	struct tls_sites s;

	p->bytes[TEXT + READ * FUNCTION + 23] = 0x40;	/* the second one is kept elsewhere */
	assert_int_equal(scan(p, sizeof(p->bytes), &s), 0);
	expect_site(&s, 4, SITE_GO_RETURN, READ, registers_returns[0], 0);
	free(p);
}

static void what_is_not_understood_is_refused(void **state)
{
	static const struct { const char *what; unsigned at; uint8_t byte; } cases[] = {
		{ "an instruction that is not known", 31, 0xff }, { "a jump into an instruction", 62, 0x02 },
		{ "a jump out of the function", 98, 0x80 }, { "a jump to padding", 62, 0x40 },
		{ "no check of the stack", 2, 0x67 }, { "code behind the end", 120, 0x90 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct program *p = program(GO_120, true, ADDRESS);
		struct tls_sites s;

		p->bytes[TEXT + WRITE * FUNCTION + cases[i].at] = cases[i].byte;
		if (scan(p, sizeof(p->bytes), &s) != -ENOTSUP || s.nr)
			fail_msg("%s is not refused: %u sites", cases[i].what, s.nr);
		free(p);
	}
}

static void a_function_without_return_is_refused(void **state)
{
	struct program *p = program(GO_120, true, ADDRESS);
	struct tls_sites s;

	for (unsigned k = 0; k < 2; k++)
		p->bytes[TEXT + READ * FUNCTION + registers_returns[k]] = 0x90;
	assert_int_equal(scan(p, sizeof(p->bytes), &s), -ENOTSUP);
	free(p);
}

static void a_program_without_tls_has_no_sites(void **state)
{
	struct program *p = program(GO_120, true, ADDRESS);
	uint8_t *name = memmem(p->bytes, FILE_SIZE, names[READ], strlen(names[READ]));
	struct tls_sites s;

	name[0] = 'k';
	assert_int_equal(scan(p, sizeof(p->bytes), &s), -ENOENT);
	name[0] = 'c';
	p->bytes[TABLE] = 0xf7;	/* a format to come */
	assert_int_equal(scan(p, sizeof(p->bytes), &s), -ENOTSUP);
	free(p);
}

static void a_damaged_program_is_survived(void **state)
{
	static const uint8_t kinds[] = { GO_12, GO_116, GO_118, GO_120 };

	srand(17);
	for (unsigned i = 0; i < 6000; i++) {
		struct program *p = program(kinds[i % 4], i & 4, ADDRESS);
		size_t len = i % 7 ? sizeof(p->bytes) : (size_t)rand() % sizeof(p->bytes);
		struct tls_sites s;

		for (unsigned k = 0; k < 1 + i % 5; k++) {
			size_t at = i % 3 == 0 ? (size_t)rand() % TABLE : i % 3 == 1 ? TABLE + (size_t)rand() % 512 : TEXT + (size_t)rand() % 1280;

			p->bytes[at] = i % 2 ? (uint8_t)rand() : 0xff;
		}
		if (!scan(p, len, &s))
			for (unsigned k = 0; k < s.nr; k++)
				assert_true(s.site[k].offset < len);
		free(p);
	}
}

static void lengths_are_known(void **state)
{
	static const struct { uint8_t len, code[12]; } cases[] = {
		{ 10, { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 } }, { 5, { 0xb8, 1, 2, 3, 4 } }, { 4, { 0x66, 0xb8, 1, 2 } },
		{ 5, { 0xf0, 0x0f, 0xc1, 0x48, 0x10 } }, { 9, { 0x66, 0x81, 0xb8, 0x9a, 0, 0, 0, 1, 3 } },
		{ 5, { 0x66, 0xc7, 0x00, 1, 2 } }, { 6, { 0x66, 0x41, 0xc7, 0x00, 1, 2 } }, { 7, { 0x48, 0xc7, 0xc0, 1, 2, 3, 4 } },
		{ 3, { 0xf3, 0x48, 0xa5 } }, { 2, { 0xf3, 0xaa } }, { 4, { 0xc5, 0xf8, 0x10, 0x00 } }, { 2, { 0x0f, 0x05 } },
		{ 5, { 0xc4, 0xe2, 0x79, 0xf7, 0xc0 } }, { 6, { 0xc4, 0xe3, 0x7b, 0xf0, 0xc0, 0x07 } }, { 4, { 0x0f, 0x38, 0xf0, 0x00 } },
		{ 0, { 0xc5, 0xf8, 0x77 } }, { 0, { 0x66, 0xe8, 0, 0, 0, 0 } }, { 0, { 0x66, 0x0f, 0x84, 0, 0, 0, 0 } }, { 0, { 0xcc } },
		{ 0, { 0xea } }, { 0, { 0x62, 0xf1, 0x7c, 0x48, 0x10 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned want = cases[i].len;

		if (site_insn_len(cases[i].code, sizeof(cases[i].code)) != want)
			fail_msg("case %zu: %zu, not %u", i, site_insn_len(cases[i].code, sizeof(cases[i].code)), want);
		for (size_t cut = 1; cut < want; cut++)
			assert_int_equal(site_insn_len(cases[i].code, cut), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format_is_read),
		cmocka_unit_test(arguments_on_the_stack_are_known),
		cmocka_unit_test(the_begin_of_the_code_is_found),
		cmocka_unit_test(no_argument_is_looked_for_where_none_was_kept),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(a_function_without_return_is_refused),
		cmocka_unit_test(a_program_without_tls_has_no_sites),
		cmocka_unit_test(a_damaged_program_is_survived),
		cmocka_unit_test(lengths_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
