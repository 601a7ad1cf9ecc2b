/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that one role writes and others read: those cannot make it theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/spawn.h"

#define SIZE 8192

static void who_reads_cannot_write(void **state)
{
	void *mine, *theirs;
	int fd = memory_to_read("weir-test", SIZE, &mine);

	assert_true(fd >= 0);
	strcpy(mine, "one");
	theirs = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(theirs != MAP_FAILED);
	strcpy(mine, "two");
	assert_string_equal(theirs, "two");
	assert_int_equal(mprotect(theirs, SIZE, PROT_READ | PROT_WRITE), -1);
	assert_true(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), -1);
	assert_string_equal(theirs, "two");
	munmap(theirs, SIZE);
	munmap(mine, SIZE);
	close(fd);
}

static void who_shares_can(void **state)
{
	int fd = memory_file("weir-test", SIZE);
	char *a = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *b = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_true(fd >= 0 && a != MAP_FAILED && b != MAP_FAILED);
	a[0] = 'a';
	b[1] = 'b';
	assert_memory_equal(a, b, 2);
	assert_int_equal(a[0] * 256 + b[1], 'a' * 256 + 'b');
	assert_int_equal(ftruncate(fd, 0), -1);
	munmap(a, SIZE);
	munmap(b, SIZE);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(who_reads_cannot_write), cmocka_unit_test(who_shares_can) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
