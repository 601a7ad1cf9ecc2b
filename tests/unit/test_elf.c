/* SPDX-License-Identifier: Apache-2.0 */
/* The scan of this host's own libssl, and of files that were damaged on purpose. */
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
#include "capture/tls/tls.h"

static int open_libssl(void)
{
	glob_t found = { 0 };
	int fd = -1;

	if (!glob("/usr/lib/*/libssl.so.3", 0, NULL, &found))
		fd = open(found.gl_pathv[0], O_RDONLY);
	globfree(&found);
	return fd;
}

/* Whether SSL_write_ex2 is there, which says where the length is: by the bytes of the file. */
static bool writes_with_flags(int fd)
{
	static const char name[] = "SSL_write_ex2";
	struct stat st;
	char *p;
	bool found;

	assert_int_equal(fstat(fd, &st), 0);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(p != MAP_FAILED);
	found = memmem(p, (size_t)st.st_size, name, sizeof(name));
	munmap(p, (size_t)st.st_size);
	return found;
}

static void libssl_has_one_site_to_read_and_one_to_write(void **state)
{
	struct tls_sites s;
	int fd = open_libssl();

	assert_true(fd >= 0);
	assert_int_equal(tls_scan_fd(fd, &s), 0);
	/* Beside these: what sends a file, frees and clears. */
	assert_int_equal(s.nr, 5);
	assert_int_equal(s.site[2].kind, SITE_CALL);
	assert_int_equal(s.site[3].kind, SITE_FREED);
	assert_int_equal(s.site[4].kind, SITE_FREED);
	assert_int_equal(strlen(s.build_id), 40);
	assert_int_equal(s.site[0].cookie & WIRE_COOKIE_SENT, 0);
	assert_int_equal(s.site[1].cookie & WIRE_COOKIE_SENT, WIRE_COOKIE_SENT);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t code[2];

		assert_int_equal(s.site[i].dear, 0);
		assert_int_equal(s.site[i].cookie >> WIRE_COOKIE_LENP_SHIFT & 15, i && writes_with_flags(fd) ? 5 : 4);
		assert_int_equal(pread(fd, code, 2, (off_t)s.site[i].offset), 2);
		/* push of a register, with or without a REX prefix */
		assert_true((code[0] & 0xf8) == 0x50 || (code[0] == 0x41 && (code[1] & 0xf8) == 0x50));
	}
	assert_true(s.site[0].offset != s.site[1].offset);
	close(fd);
}

/* Node.js has it inside, and under its names. */
static void a_program_that_exports_the_functions_is_a_library(void **state)
{
	struct tls_sites s;
	int fd = open("/usr/bin/node", O_RDONLY);

	if (fd < 0)
		skip();
	/* Debian's links to the shared library. */
	if (!tls_scan_fd(fd, &s)) {
		assert_in_range(s.nr, 6, 7);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(s.site[i].kind, SITE_CALL);
		assert_int_equal(s.site[s.nr - 1].kind, SITE_FREED);
		assert_string_equal(tls_lib_get(s.row)->name, "openssl");
	}
	close(fd);
}

static void other_files_are_no_libraries(void **state)
{
	struct tls_sites s;
	int fd = open("/bin/sh", O_RDONLY);

	assert_int_equal(tls_scan_fd(fd, &s), -ENOENT);
	close(fd);
	fd = open("/etc/passwd", O_RDONLY);
	assert_int_equal(tls_scan_fd(fd, &s), -EBADMSG);
	close(fd);
	fd = memfd_create("empty", 0);
	assert_int_equal(tls_scan_fd(fd, &s), -EBADMSG);
	close(fd);
}

/* Headers, section table and dynamic symbols of a real library, with bytes changed. */
static void a_damaged_library_is_survived(void **state)
{
	int fd = open_libssl(), copy = memfd_create("copy", 0);
	struct stat st;
	uint8_t *bytes;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(ftruncate(copy, st.st_size), 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	srand(11);
	for (int i = 0; i < 600; i++) {
		size_t at[3];
		uint8_t was[3];
		struct tls_sites s;

		for (int k = 0; k < 3; k++) {
			size_t tail = (size_t)st.st_size - 4096;

			at[k] = i % 3 == 0 ? (size_t)rand() % 1024 : i % 3 == 1 ? tail + (size_t)rand() % 4096 : (size_t)rand() % 65536;
			was[k] = bytes[at[k]];
			bytes[at[k]] = (uint8_t)rand();
		}
		if (!tls_scan_fd(copy, &s))
			for (unsigned k = 0; k < s.nr; k++)
				assert_true(s.site[k].offset < (uint64_t)st.st_size);
		for (int k = 2; k >= 0; k--)
			bytes[at[k]] = was[k];
	}
	/* Cut at any length. */
	for (off_t len = st.st_size; len > 64; len -= len / 7 + 1) {
		struct tls_sites s;
		int cut = memfd_create("cut", 0);

		assert_int_equal(write(cut, bytes, (size_t)len), len);
		(void)tls_scan_fd(cut, &s);
		close(cut);
	}
	munmap(bytes, (size_t)st.st_size);
	close(copy);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libssl_has_one_site_to_read_and_one_to_write),
		cmocka_unit_test(a_program_that_exports_the_functions_is_a_library),
		cmocka_unit_test(other_files_are_no_libraries),
		cmocka_unit_test(a_damaged_library_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
