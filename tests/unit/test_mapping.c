/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's records of mappings, as perf_event_open(2) lays them out. */
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "capture/mapping.h"

struct record {
	struct perf_event_header head;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t maj, min;
	uint64_t ino, generation;
	uint32_t prot, flags;
	char path[32];
};

static struct record record_make(void)
{
	struct record r = {
		.head = { .type = PERF_RECORD_MMAP2, .size = sizeof(r) }, .pid = 7, .tid = 9, .addr = 0x1000, .len = 0x3000,
		.maj = 8, .min = 1, .ino = 4711, .generation = 3, .path = "/usr/lib/libssl.so.3",
	};

	return r;
}

static void on_mapping(void *owner, const struct mapping *m)
{
	char *out = owner;

	snprintf(out + strlen(out), 200 - strlen(out), "%u %u:%u %llu.%llu %llx-%llx %s;", m->tgid, m->major, m->minor, (unsigned long long)m->ino,
		 (unsigned long long)m->generation, (unsigned long long)m->start, (unsigned long long)m->end, m->path);
}

static void a_mapping_is_told(void **state)
{
	struct record r = record_make();
	char out[200] = "";

	mapping_record(&r, sizeof(r), on_mapping, out);
	assert_string_equal(out, "7 8:1 4711.3 1000-4000 /usr/lib/libssl.so.3;");
}

static void what_is_none_is_passed_over(void **state)
{
	struct record r = record_make();
	char out[200] = "";

	for (size_t len = 0; len < offsetof(struct record, path) + 21; len++)
		mapping_record(&r, len, on_mapping, out);
	r.head.type = PERF_RECORD_COMM;
	mapping_record(&r, sizeof(r), on_mapping, out);
	r = record_make();
	r.head.misc = PERF_RECORD_MISC_MMAP_BUILD_ID;	/* other numbers in the place of these */
	mapping_record(&r, sizeof(r), on_mapping, out);
	r = record_make();
	memset(r.path, 'x', sizeof(r.path));
	mapping_record(&r, sizeof(r), on_mapping, out);
	assert_string_equal(out, "");
}

struct wanted { uint32_t pid; uint64_t ino, from, until; unsigned nr; };

static void on_own(void *owner, const struct mapping *m)
{
	struct wanted *w = owner;

	if (m->tgid == w->pid && m->ino == w->ino && m->start == w->from && m->end == w->until && strstr(m->path, "/test_mapping"))
		w->nr++;
}

/* The kernel's own, of a mapping of ours: one when it is executable, none when it is not. */
static void the_kernel_tells(void **state)
{
	struct wanted w = { .pid = (uint32_t)getpid() };
	struct mappings *m;
	struct stat st;
	char why[128];
	void *p, *q;
	int fd;

	m = mappings_new(why, sizeof(why));
	if (!m) {
		assert_true(why[0]);
		skip();	/* needs a right */
	}
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	w.ino = st.st_ino;
	q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	p = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	w.from = (uintptr_t)p;
	w.until = w.from + 8192;
	mappings_drain(m, on_own, &w);
	assert_int_equal(w.nr, 1);
	munmap(p, 8192);
	munmap(q, 4096);
	/* Thousands, drained in between: the ring goes round, none is told twice. */
	w.nr = 0;
	for (unsigned i = 1; i <= 5003; i++) {
		p = mmap((void *)(uintptr_t)w.from, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0);
		assert_ptr_not_equal(p, MAP_FAILED);
		if (i % 97 == 0 || i == 5003)
			mappings_drain(m, on_own, &w);
	}
	/* Others map files, too, while we do not run. */
	assert_true(w.nr <= 5003 && w.nr + mappings_lost(m) >= 5003);
	close(fd);
	mappings_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_is_told),
		cmocka_unit_test(what_is_none_is_passed_over),
		cmocka_unit_test(the_kernel_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
