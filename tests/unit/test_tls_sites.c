/* SPDX-License-Identifier: Apache-2.0 */
/* Where GnuTLS and NSS are probed: in this host's own libraries, in copies whose code is not
 * what the rules know, and in ones that were damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "capture/elf.h"
#include "capture/tls/tls.h"

#define GNUTLS "/usr/lib/*/libgnutls.so.30"
#define NSS "/usr/lib/*/libssl3.so"
#define APPLICATION_DATA 23

/* A library's file, copied to be changed. */
struct copy { int fd; uint8_t *bytes; size_t len; };

static struct copy copy_of(const char *pattern)
{
	struct copy c = { .fd = memfd_create("copy", 0) };
	glob_t found = { 0 };
	struct stat st;
	int fd;

	if (glob(pattern, 0, NULL, &found)) {
		close(c.fd);
		skip();	/* a host without it; the system tests insist */
	}
	fd = open(found.gl_pathv[0], O_RDONLY);
	globfree(&found);
	assert_true(fd >= 0 && c.fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	c.len = (size_t)st.st_size;
	assert_int_equal(ftruncate(c.fd, st.st_size), 0);
	c.bytes = mmap(NULL, c.len, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd, 0);
	assert_true(c.bytes != MAP_FAILED);
	assert_int_equal(read(fd, c.bytes, c.len), c.len);
	close(fd);
	return c;
}

static void copy_free(struct copy *c)
{
	munmap(c->bytes, c->len);
	close(c->fd);
}

static uint8_t *function(struct copy *c, const char *name)
{
	struct elf_image *e = elf_open(c->fd);
	uint64_t at = elf_offset(e, elf_symbol(e, name));

	elf_close(e);
	assert_true(at && at < c->len - 4096);
	return c->bytes + at;
}

static const char *library(const struct copy *c, struct tls_sites *s)
{
	assert_int_equal(tls_scan_fd(c->fd, s), 0);
	for (uint32_t i = 0; i < s->nr; i++) {
		assert_true(s->site[i].offset < c->len);
		/* a push of a register, where it is said to be cheap and is probed at its end too */
		if (s->site[i].kind == SITE_CALL && !s->site[i].dear && !(s->site[i].cookie & WIRE_COOKIE_BINDS))
			assert_true((c->bytes[s->site[i].offset] & 0xf8) == 0x50 ||
				    (c->bytes[s->site[i].offset] == 0x41 && (c->bytes[s->site[i].offset + 1] & 0xf8) == 0x50));
	}
	return tls_lib_get(s->row)->name;
}

static unsigned argument(uint64_t cookie, unsigned shift)
{
	return cookie >> shift & 15;
}

/* How many sites are of a direction, and have these arguments as object, buffer and size. */
static unsigned sites_with(const struct tls_sites *s, uint64_t flags, unsigned buf, unsigned size)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < s->nr; i++)
		n += s->site[i].kind == SITE_CALL && (s->site[i].cookie & 0xf) == flags &&
		     argument(s->site[i].cookie, WIRE_COOKIE_OBJ_SHIFT) == 1 &&
		     argument(s->site[i].cookie, WIRE_COOKIE_BUF_SHIFT) == buf &&
		     argument(s->site[i].cookie, WIRE_COOKIE_SIZE_SHIFT) == size;
	return n;
}

static unsigned sites_freed(const struct tls_sites *s)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < s->nr; i++)
		n += s->site[i].kind == SITE_FREED;
	return n;
}

static void gnutls_has_one_site_to_send_and_one_to_receive(void **state)
{
	struct copy c = copy_of(GNUTLS);
	struct tls_sites s;

	assert_string_equal(library(&c, &s), "gnutls");
	assert_int_equal(sites_with(&s, WIRE_COOKIE_SENT | WIRE_COOKIE_TYPED, 5, 6), 1);
	assert_int_equal(sites_with(&s, WIRE_COOKIE_TYPED, 3, 0), 1);
	/* Packets, whose bytes are found, and early data; the handshake; the end. */
	assert_int_equal(sites_with(&s, 0, 2, 0), 2);
	assert_int_equal(sites_with(&s, WIRE_COOKIE_BINDS, 0, 0), 1);
	assert_int_equal(sites_freed(&s), 1);
	assert_int_equal(s.nr, 6);
	for (uint32_t i = 0; i < s.nr; i++)
		assert_int_equal(s.site[i].dear, 0);
	copy_free(&c);
}

/* The constant that tells a call of the kind that is looked for: another one in its place. */
static void content_type_change(uint8_t *code, size_t len)
{
	static const uint8_t mov[] = { 0xbe, APPLICATION_DATA, 0, 0, 0 };
	uint8_t *at;

	while ((at = memmem(code, len, mov, sizeof(mov))))
		at[1] = APPLICATION_DATA - 1;
}

static void gnutls_with_other_code_is_probed_where_it_exports(void **state)
{
	struct copy c = copy_of(GNUTLS);
	struct tls_sites s;

	content_type_change(function(&c, "gnutls_record_recv_seq"), 64);
	assert_string_equal(library(&c, &s), "gnutls");
	assert_int_equal(sites_with(&s, WIRE_COOKIE_SENT | WIRE_COOKIE_TYPED, 5, 6), 1);
	assert_int_equal(sites_with(&s, WIRE_COOKIE_TYPED, 3, 0), 0);
	assert_int_equal(sites_with(&s, 0, 2, 0), 4);
	copy_free(&c);

	c = copy_of(GNUTLS);
	content_type_change(function(&c, "gnutls_record_send_range"), 1024);
	assert_string_equal(library(&c, &s), "gnutls");
	assert_int_equal(sites_with(&s, WIRE_COOKIE_TYPED, 3, 0), 1);
	/* send and send2 with their size, a range of sizes, and uncork which hides what it sends. */
	assert_int_equal(sites_with(&s, WIRE_COOKIE_SENT, 2, 3), 2);
	assert_int_equal(sites_with(&s, WIRE_COOKIE_SENT, 2, 0), 1);
	assert_int_equal(sites_with(&s, WIRE_COOKIE_SENT | WIRE_COOKIE_HIDES, 0, 0), 1);
	copy_free(&c);
}

static void gnutls_packets_of_another_layout_are_counted_and_not_read(void **state)
{
	static const uint8_t mark[] = { 0x48, 0x8b, 0x47, 0x10 }, other[] = { 0x48, 0x8b, 0x47, 0x18 };
	struct copy c = copy_of(GNUTLS);
	struct tls_sites s;
	uint8_t *at = memmem(function(&c, "gnutls_packet_get"), 96, mark, sizeof(mark));

	assert_non_null(at);
	memcpy(at, other, sizeof(other));
	assert_string_equal(library(&c, &s), "gnutls");
	assert_int_equal(sites_with(&s, 0, 2, 0), 1);
	assert_int_equal(sites_with(&s, 0, 0, 0), 1);
	copy_free(&c);
}

static void nss_is_probed_below_its_table_of_methods(void **state)
{
	struct copy c = copy_of(NSS);
	struct tls_sites s;

	assert_string_equal(library(&c, &s), "nss");
	assert_int_equal(s.nr, 3);
	assert_int_equal(sites_with(&s, WIRE_COOKIE_SENT, 2, 0), 1);
	assert_int_equal(sites_with(&s, 0, 2, 0), 1);
	assert_int_equal(sites_freed(&s), 1);
	assert_int_equal(argument(s.site[0].cookie, WIRE_COOKIE_FLAGS_SHIFT), 4);
	copy_free(&c);
}

/* Is at `from` a function that does nothing but clear the flags and jump? */
static bool jumps_to(const uint8_t *code, size_t from, size_t to)
{
	size_t at = !memcmp(code, "\xf3\x0f\x1e\xfa", 4) ? 4 : 0;
	int32_t rel;

	memcpy(&rel, code + at + 3, sizeof(rel));
	return !memcmp(code + at, "\x31\xc9\xe9", 3) && from + at + 7 + (size_t)(int64_t)rel == to;	/* xor %ecx,%ecx; jmp */
}

static void nss_whose_read_does_more_than_jump_is_not_guessed_at(void **state)
{
	struct copy c = copy_of(NSS);
	struct tls_sites s;
	size_t recv;
	unsigned changed = 0;

	assert_string_equal(library(&c, &s), "nss");
	recv = s.site[0].offset;
	for (size_t at = recv - 8192; at < recv + 8192; at++)
		if (jumps_to(c.bytes + at, at, recv) || jumps_to(c.bytes + at, at, recv - 4)) {
			c.bytes[at + (c.bytes[at] == 0xf3 ? 4 : 0)] = 0xc3;
			changed++;
		}
	assert_true(changed > 0);
	assert_int_equal(tls_scan_fd(c.fd, &s), -ENOENT);
	copy_free(&c);
}

static void damage(const char *pattern, unsigned seed)
{
	struct copy c = copy_of(pattern);
	struct tls_sites s;

	srand(seed);
	for (int i = 0; i < 120; i++) {
		size_t at[3];
		uint8_t was[3];

		for (int k = 0; k < 3; k++) {
			size_t tail = c.len - 4096;

			at[k] = i % 3 == 0 ? (size_t)rand() % 1024 : i % 3 == 1 ? tail + (size_t)rand() % 4096 : (size_t)rand() % 65536;
			was[k] = c.bytes[at[k]];
			c.bytes[at[k]] = (uint8_t)rand();
		}
		if (!tls_scan_fd(c.fd, &s))
			for (uint32_t k = 0; k < s.nr; k++)
				assert_true(s.site[k].offset < c.len && s.site[k].kind < SITE_KINDS);
		for (int k = 2; k >= 0; k--)
			c.bytes[at[k]] = was[k];
	}
	for (off_t len = (off_t)c.len; len > 64; len -= len / 5 + 1) {
		assert_int_equal(ftruncate(c.fd, len), 0);
		(void)tls_scan_fd(c.fd, &s);
	}
	copy_free(&c);
}

static void damaged_libraries_are_survived(void **state)
{
	damage(GNUTLS, 13);
	damage(NSS, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gnutls_has_one_site_to_send_and_one_to_receive),
		cmocka_unit_test(gnutls_with_other_code_is_probed_where_it_exports),
		cmocka_unit_test(gnutls_packets_of_another_layout_are_counted_and_not_read),
		cmocka_unit_test(nss_is_probed_below_its_table_of_methods),
		cmocka_unit_test(nss_whose_read_does_more_than_jump_is_not_guessed_at),
		cmocka_unit_test(damaged_libraries_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
