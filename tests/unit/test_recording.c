/* SPDX-License-Identifier: Apache-2.0 */
/* The .weir format, read from what anybody may have sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/recording.h"

static char why[256];
static unsigned entries;
static size_t bytes;

static int on_entry(void *owner, enum recording_kind kind, const void *ptr, size_t len)
{
	entries++;
	bytes += len;
	return 0;
}

static int read_all(int fd)
{
	struct recording_header h;
	FILE *f;
	int err;

	entries = 0;
	bytes = 0;
	lseek(fd, 0, SEEK_SET);
	f = fdopen(fd, "r");
	err = recording_read(f, &h, on_entry, NULL, why, sizeof(why));
	fclose(f);
	return err;
}

static int recording_new(void)
{
	int fd = memfd_create("recording", 0);

	assert_int_equal(recording_write_header(fd), 0);
	return fd;
}

static void entries_of_all_sizes_come_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 255, 256, 16384, 65535, 65536, 200000 };
	static uint8_t body[200000];
	size_t sum = 0;
	int fd = recording_new();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(recording_write(fd, RECORDING_FACT, body, sizes[i]), 0);
		sum += sizes[i];
	}
	assert_int_equal(read_all(fd), 0);
	assert_int_equal(entries, sizeof(sizes) / sizeof(sizes[0]));
	assert_int_equal(bytes, sum);
}

/* An array of four billion elements costs nothing before they are there. */
static void an_announced_size_allocates_nothing(void **state)
{
	static const char *const lies[] = { "\xdd\xff\xff\xff\xff", "\x92\x01\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
					    "\x92\x01\xc6\xff\xff\xff\xff" };

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int fd = recording_new();

		assert_int_equal(recording_write(fd, RECORDING_RECORD, "r", 1), 0);
		assert_int_equal(write(fd, lies[i], strlen(lies[i])), strlen(lies[i]));
		assert_int_equal(read_all(fd), -EBADMSG);
		assert_int_equal(entries, 1);
		assert_non_null(strstr(why, "recording"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_of_all_sizes_come_back),
		cmocka_unit_test(an_announced_size_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
