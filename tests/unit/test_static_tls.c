/* SPDX-License-Identifier: Apache-2.0 */
/* TLS libraries that are linked into a program: this one has functions with the shapes and
 * names of theirs, as this compiler makes them, and is scanned itself, whole and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "capture/elf.h"
#include "capture/tls/code.h"
#include "capture/tls/tls.h"

/* A function as others know it: not inlined, not specialised, not instrumented. */
#define WHOLE __attribute__((noipa, no_sanitize("address", "undefined")))

/* ssl_lib.cc of BoringSSL, what of it can be seen in a program. */

#define PUT_ERROR(reason) put_error(16, 0, reason, "vendor/boringssl/ssl/ssl_lib.cc", __LINE__)

struct state { const uint8_t *pending; size_t nr_pending; int status; };
struct session {
	int (*write)(struct session *, bool *, size_t *, const void *, size_t);
	void *handshake, *quic;
	struct state *state;
};

static volatile int errors;

WHOLE static void put_error(int library, int unused, int reason, const char *file, unsigned line)
{
	errors += library + unused + reason + file[0] + (int)line;
}

WHOLE static int do_handshake(struct session *s)
{
	return s->state->status;
}

WHOLE static int read_impl(struct session *s)
{
	s->state->status = 0;
	if (!s->handshake) {
		PUT_ERROR(226);
		return -1;
	}
	while (!s->state->nr_pending) {
		int ret = do_handshake(s);

		if (ret < 0)
			return ret;
		if (!ret) {
			PUT_ERROR(215);
			return -1;
		}
	}
	return 1;
}

WHOLE static int peek(struct session *s, void *buf, int num)
{
	size_t todo;
	int ret;

	if (s->quic) {
		PUT_ERROR(66);
		return -1;
	}
	ret = read_impl(s);
	if (ret <= 0 || num <= 0)
		return ret <= 0 ? ret : num;
	todo = s->state->nr_pending < (size_t)num ? s->state->nr_pending : (size_t)num;
	memcpy(buf, s->state->pending, todo);
	return (int)todo;
}

WHOLE static int boring_read(struct session *s, void *buf, int num)
{
	int ret = peek(s, buf, num);

	if (ret > 0) {
		s->state->pending += ret;
		s->state->nr_pending -= (size_t)ret;
	}
	return ret;
}

WHOLE static int boring_write(struct session *s, const void *buf, int num)
{
	bool again = false;
	size_t written = 0;
	int ret;

	s->state->status = 0;
	if (s->quic) {
		PUT_ERROR(66);
		return -1;
	}
	if (!s->handshake) {
		PUT_ERROR(226);
		return -1;
	}
	do {
		ret = do_handshake(s);
		if (ret < 0)
			return ret;
		if (!ret) {
			PUT_ERROR(215);
			return -1;
		}
		if (num < 0) {
			PUT_ERROR(111);
			return -1;
		}
		ret = s->write(s, &again, &written, buf, (size_t)num);
	} while (again);
	return ret <= 0 ? ret : (int)written;
}

/* rustls, by its names. */

#define NAMED(result, f, name, ...)							\
	result f(__VA_ARGS__) __asm__(name);						\
	WHOLE result f(__VA_ARGS__)

#define PART 72		/* of received_plaintext in its session */
NAMED(size_t, rust_send, "_ZN6rustls4conn11CommonState19send_some_plaintext17h0011223344556677E", void *self, const void *p, size_t n)
{
	errors += self == p;
	return n;
}
NAMED(void, rust_take, "_ZN6rustls12common_state11CommonState23take_received_plaintext17h0011223344556677E", void *self, void *payload)
{
	errors += self == payload;
}
NAMED(int, rust_read, "_ZN54_$LT$rustls..conn..Reader$u20$as$u20$std..io..Read$GT$4read17h0011223344556677E", void **self, void *p, size_t n)
{
	errors += *self == p && n;
	return 0;
}
NAMED(bool, rust_is_full, "_ZN6rustls6vecbuf14ChunkVecBuffer7is_full17h0011223344556677E", void *self)
{
	return self == &errors;
}
NAMED(void, rust_drop, "_ZN4core3ptr46drop_in_place$LT$rustls..conn..CommonState$GT$17h0011223344556677E", void *self)
{
	errors += self == &errors;
}
/* As Rust's compiler has it: what makes the receiver stands right before the call. Never run. */
#define CALL(f, receiver) __asm__ volatile(receiver "\n\tcall %P1" : : "r"(conn), "i"(f), "i"(PART) : "rdi", "memory")
WHOLE static void rust_write(char *conn)
{
	CALL(rust_drop, "lea 8(%0), %%rdi");
	CALL(rust_send, "mov %0, %%rdi");
}
WHOLE static void rust_wants_read(char *conn)
{
	CALL(rust_is_full, "lea %c2(%0), %%rdi");
}

WHOLE static const char *rust_panics_in(void)
{
	return "/home/nobody/registry/src/rustls-0.23.4/src/conn.rs";
}

/* Calls lead to each. */
WHOLE static void use(struct session *s, char *conn)
{
	char buf[16] = "";

	rust_write(conn);
	boring_read(s, buf, peek(s, buf, sizeof(buf)));
	boring_write(s, buf, sizeof(buf));
	rust_take(conn, buf);
	rust_read((void **)(void *)conn, buf, sizeof(buf));
	rust_wants_read(conn);
	errors += rust_panics_in()[0];
}

/* A copy of this program that can be changed. */
struct copy { int fd; uint8_t *bytes; size_t size; };

static struct copy copy_self(void)
{
	struct copy c = { .fd = memfd_create("copy", 0) };
	int self = open("/proc/self/exe", O_RDONLY);
	struct stat st;

	assert_true(self >= 0 && c.fd >= 0);
	assert_int_equal(fstat(self, &st), 0);
	c.size = (size_t)st.st_size;
	assert_int_equal(ftruncate(c.fd, st.st_size), 0);
	c.bytes = mmap(NULL, c.size, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd, 0);
	assert_true(c.bytes != MAP_FAILED);
	for (size_t at = 0; at < c.size;) {
		ssize_t n = read(self, c.bytes + at, c.size - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	close(self);
	return c;
}

static void copy_free(struct copy *c)
{
	munmap(c->bytes, c->size);
	close(c->fd);
}

/* All of them: this program has the text it looks for, too. */
static void replace(struct copy *c, const char *text, const char *by)
{
	size_t len = strlen(text);
	uint8_t *at = c->bytes;
	unsigned nr = 0;

	assert_int_equal(strlen(by), len);
	for (; (at = memmem(at, c->size - (size_t)(at - c->bytes), text, len)); nr++)
		memcpy(at, by, len);
	assert_true(nr > 0);
}

/* By one library's rule alone. */
static int find_by(const char *name, int fd, struct tls_sites *s)
{
	struct elf_image *e = elf_open(fd);
	int err = -ENXIO;

	memset(s, 0, sizeof(*s));
	assert_non_null(e);
	for (unsigned i = 0; i < tls_lib_count(); i++)
		if (!strcmp(tls_lib_get(i)->name, name))
			err = tls_lib_get(i)->find(tls_lib_get(i), e, s);
	elf_close(e);
	return err;
}

static void boringssl_is_found_by_its_errors(void **state)
{
	struct copy c = copy_self();
	struct tls_sites s;

	assert_int_equal(find_by("boringssl", c.fd, &s), 0);
	assert_int_equal(s.nr, 2);
	assert_int_equal(s.site[0].cookie & WIRE_COOKIE_SENT, 0);
	assert_int_equal(s.site[1].cookie & WIRE_COOKIE_SENT, WIRE_COOKIE_SENT);
	assert_int_equal((int64_t)(s.site[1].offset - s.site[0].offset), (char *)boring_write - (char *)boring_read);
	assert_memory_equal(c.bytes + s.site[0].offset, (void *)boring_read, 16);
	assert_int_equal(tls_scan_fd(c.fd, &s), 0);
	assert_string_equal(tls_lib_get(s.row)->name, "boringssl");
	copy_free(&c);
}

/* Every place where put_error is told this reason. */
static unsigned reasons_change(struct copy *c, uint8_t from, uint8_t to)
{
	const uint8_t was[] = { 0xba, from, 0, 0, 0 };
	uint8_t *at = c->bytes;
	unsigned nr = 0;

	while ((at = memmem(at, c->size - (size_t)(at - c->bytes), was, sizeof(was)))) {
		at[1] = to;
		nr++;
	}
	return nr;
}

static void boringssl_that_is_not_understood_is_named_and_not_probed(void **state)
{
	static const uint8_t reasons[] = { 66, 215, 226 };

	for (size_t i = 0; i < sizeof(reasons); i++) {
		struct copy c = copy_self();
		struct tls_sites s;

		assert_true(reasons_change(&c, reasons[i], 99) > 0);
		assert_int_equal(find_by("boringssl", c.fd, &s), -ENOTSUP);
		/* The names of rustls away, too. */
		replace(&c, "CommonState19send_some", "CommonState19sent_some");
		assert_int_equal(tls_scan_fd(c.fd, &s), -ENOTSUP);
		assert_int_equal(s.nr, 0);
		assert_int_equal(s.unknown, 1);
		assert_string_equal(tls_lib_get(s.row)->name, "boringssl");
		copy_free(&c);
	}
}

static void a_function_with_an_unknown_instruction_is_not_probed(void **state)
{
	struct copy c = copy_self();
	struct tls_sites s;

	assert_int_equal(find_by("boringssl", c.fd, &s), 0);
	for (unsigned k = 0; k < 2; k++) {
		uint8_t *at = c.bytes + s.site[k].offset, was = at[1];
		size_t first = site_insn_len(at, 16);

		assert_true(first > 0);
		was = at[first];
		at[first] = 0x06;	/* push %es, which is none in 64 bits */
		assert_int_equal(find_by("boringssl", c.fd, &(struct tls_sites){ 0 }), -ENOTSUP);
		at[first] = was;
	}
	copy_free(&c);
}

static void rustls_is_found_by_its_names(void **state)
{
	struct copy c = copy_self();
	struct tls_sites s;

	assert_int_equal(find_by("rustls", c.fd, &s), 0);
	assert_int_equal(s.nr, 3);
	assert_int_equal(s.site[0].kind, SITE_RUST);
	assert_int_equal(s.site[0].cookie & WIRE_COOKIE_SENT, WIRE_COOKIE_SENT);
	assert_memory_equal(c.bytes + s.site[0].offset, (void *)rust_send, 4);
	assert_int_equal(s.site[1].kind, SITE_FREED);
	assert_int_equal(s.site[2].cookie & (WIRE_COOKIE_SENT | WIRE_COOKIE_RUST_RECORD), WIRE_COOKIE_RUST_RECORD);
	copy_free(&c);
}

static void an_old_rustls_tells_where_its_received_bytes_are(void **state)
{
	struct copy c = copy_self();
	struct tls_sites s;

	replace(&c, "23take_received", "23tuck_received");
	assert_int_equal(find_by("rustls", c.fd, &s), 0);
	assert_int_equal(s.nr, 3);
	assert_int_equal(s.site[2].cookie >> WIRE_COOKIE_RUST_AT_SHIFT & 0xffff, PART);
	assert_int_equal((int64_t)(s.site[2].offset - s.site[0].offset), (char *)rust_read - (char *)rust_send);
	/* Not by what is missing, nor by half. */
	replace(&c, "7is_full17h", "7is_fuel17h");
	assert_int_equal(find_by("rustls", c.fd, &s), -ENOTSUP);
	copy_free(&c);
}

static void rustls_without_symbols_is_named(void **state)
{
	struct copy c = copy_self();
	struct tls_sites s;

	replace(&c, "CommonState19send_some", "CommonState19sent_some");
	assert_int_equal(find_by("rustls", c.fd, &s), -ENOTSUP);
	copy_free(&c);
}

static void a_damaged_program_is_survived(void **state)
{
	struct copy c = copy_self();
	size_t code, tail = c.size - 65536;
	struct tls_sites s;

	assert_int_equal(find_by("boringssl", c.fd, &s), 0);
	code = s.site[0].offset & ~(size_t)4095;
	srand(13);
	for (int i = 0; i < 150; i++) {
		size_t at[6];
		uint8_t was[6];

		for (int k = 0; k < 6; k++) {
			at[k] = i % 3 == 0 ? (size_t)rand() % 1024 : i % 3 == 1 ? code + (size_t)rand() % 8192 : tail + (size_t)rand() % 65536;
			was[k] = c.bytes[at[k]];
			c.bytes[at[k]] = (uint8_t)rand();
		}
		if (!tls_scan_fd(c.fd, &s))
			for (unsigned k = 0; k < s.nr; k++)
				assert_true(s.site[k].offset < c.size);
		for (int k = 5; k >= 0; k--)
			c.bytes[at[k]] = was[k];
	}
	copy_free(&c);
}

/* objdump is the judge: where a length is given, it is that one. */
static void lengths_of_instructions_are_right(void **state)
{
	struct copy c = copy_self();
	unsigned long from = 0, to, known = 0, all = 0;
	char line[512];
	FILE *f;

	if (system("command -v objdump >/dev/null")) {
		copy_free(&c);
		skip();
	}
	f = popen("objdump -d -w --no-show-raw-insn -j .text /proc/$PPID/exe", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		bool insn = line[0] == ' ' && strchr(line, '\t') && sscanf(line, " %lx:", &to) == 1;

		/* Sections lie in the file as they do in memory, up to the data. */
		if (insn && from && to > from && to - from <= 15 && to < c.size && !strstr(line, "(bad)")) {
			size_t n = site_insn_len(c.bytes + from, 16);

			if (n && n != to - from)
				print_error("%#lx: %zu bytes, objdump says %lu\n", from, n, to - from);
			assert_true(!n || n == to - from);
			known += n != 0;
			all++;
		}
		from = insn && !strstr(line, "(bad)") ? to : 0;
	}
	pclose(f);
	print_message("%lu of %lu instructions are known\n", known, all);
	assert_true(all > 3000);
	assert_true(known > all / 10 * 9);
	copy_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boringssl_is_found_by_its_errors),
		cmocka_unit_test(boringssl_that_is_not_understood_is_named_and_not_probed),
		cmocka_unit_test(a_function_with_an_unknown_instruction_is_not_probed),
		cmocka_unit_test(rustls_is_found_by_its_names),
		cmocka_unit_test(an_old_rustls_tells_where_its_received_bytes_are),
		cmocka_unit_test(rustls_without_symbols_is_named),
		cmocka_unit_test(a_damaged_program_is_survived),
		cmocka_unit_test(lengths_of_instructions_are_right),
	};

	if (errors)
		use(&(struct session){ 0 }, (char[256]){ 0 });
	return cmocka_run_group_tests(tests, NULL, NULL);
}
