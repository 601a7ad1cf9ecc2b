/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks: what each of them writes, and that a slow or full one never blocks nor grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "output/output.h"

static struct event event(const char *json, const char *text)
{
	return (struct event){ .type = "violation", .json = json, .len = strlen(json), .leaf = 7, .text = text, .level = 4 };
}

static int temp_file(char path[32])
{
	int fd;

	snprintf(path, 32, "/tmp/weir-test-output-XXXXXX");
	fd = mkostemp(path, O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static const char *content(const char *path)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = 0;
	fclose(f);
	return text;
}

static void every_row_is_found_by_its_name_and_says_what_it_is(void **state)
{
	assert_true(sink_count() >= 3);
	for (unsigned i = 0; i < sink_count(); i++) {
		assert_ptr_equal(sink_find(sink_get(i)->name), sink_get(i));
		assert_true(strlen(sink_get(i)->summary) > 10);
	}
	assert_null(sink_find("kafka"));
	assert_null(sink_find(""));
	assert_null(sink_get(sink_count()));
}

static void the_file_holds_one_exact_object_a_line(void **state)
{
	struct outputs *o = outputs_new();
	struct event a = event("{\"type\":\"flow\",\"n\":1}", NULL), b = event("{\"type\":\"gap\"}", "for people");
	char path[32];
	int fd = temp_file(path);

	assert_int_equal(outputs_add(o, "file", fd, path), 0);
	outputs_send(o, &a);
	outputs_send(o, &b);
	assert_string_equal(content(path), "{\"type\":\"flow\",\"n\":1}\n{\"type\":\"gap\"}\n");
	assert_int_equal(outputs_dropped(o), 0);
	outputs_free(o);
	close(fd);
	unlink(path);
}

static void a_full_disk_leaves_whole_lines_only_and_nothing_is_lost_when_there_is_room_again(void **state)
{
	struct outputs *o = outputs_new();
	struct event a = event("{\"type\":\"flow\",\"n\":1}", NULL), b = event("{\"type\":\"gap\",\"long\":\"0123456789\"}", NULL);
	struct rlimit old, small;
	char path[32];
	int fd = temp_file(path);

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = a.len + 1 + 10;	/* the second line fits in part */
	outputs_add(o, "file", fd, path);
	setrlimit(RLIMIT_FSIZE, &small);
	outputs_send(o, &a);
	outputs_send(o, &b);
	outputs_send(o, &a);
	assert_string_equal(content(path), "{\"type\":\"flow\",\"n\":1}\n");
	setrlimit(RLIMIT_FSIZE, &old);
	outputs_send(o, &a);
	assert_string_equal(content(path), "{\"type\":\"flow\",\"n\":1}\n{\"type\":\"gap\",\"long\":\"0123456789\"}\n"
			    "{\"type\":\"flow\",\"n\":1}\n{\"type\":\"flow\",\"n\":1}\n");
	assert_int_equal(outputs_dropped(o), 0);
	outputs_free(o);
	close(fd);
	unlink(path);
}

static size_t read_some(int fd, char *out, size_t size)
{
	ssize_t n = read(fd, out, size - 1);

	out[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

static void the_terminal_gets_the_line_for_people_without_control_characters(void **state)
{
	struct outputs *o = outputs_new();
	struct event quiet = event("{}", NULL), loud = event("{}", "a \033[31mred\033[0m name\r\nforged line \xc2\x9b" "31m \x7f");
	char text[256];
	int p[2];

	assert_int_equal(pipe(p), 0);
	outputs_add(o, "terminal", p[1], "out");
	outputs_send(o, &quiet);
	outputs_send(o, &loud);
	read_some(p[0], text, sizeof(text));
	assert_string_equal(text, "a ?[31mred?[0m name??forged line ??31m ?\n");	/* a pipe is no terminal: no colour */
	outputs_free(o);
	close(p[0]);
	close(p[1]);
}

static void on_tty(const char *no_color, const char *want)
{
	struct outputs *o = outputs_new();
	struct event e = event("{}", "VIOLATION x");
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char text[256];

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	if (no_color)
		setenv("NO_COLOR", no_color, 1);
	else
		unsetenv("NO_COLOR");
	outputs_add(o, "terminal", slave, "out");
	outputs_send(o, &e);
	read_some(master, text, sizeof(text));
	assert_string_equal(text, want);
	outputs_free(o);
	close(slave);
	close(master);
}

static void colour_is_for_terminals_and_not_with_no_color(void **state)
{
	on_tty(NULL, "\033[1;31mVIOLATION x\033[0m\r\n");
	on_tty("1", "VIOLATION x\r\n");
}

static void a_line_of_any_length_is_cut_not_overrun(void **state)
{
	static char longest[5000], text[8192];
	struct outputs *o = outputs_new();
	struct event e;
	int p[2];

	memset(longest, 'x', sizeof(longest) - 1);
	e = event("{}", longest);
	assert_int_equal(pipe(p), 0);
	outputs_add(o, "terminal", p[1], "out");
	for (int i = 0; i < 3; i++)
		outputs_send(o, &e);
	assert_true(read_some(p[0], text, sizeof(text)) < 3 * 1200);
	assert_int_equal(text[strlen(text) - 1], '\n');
	outputs_free(o);
	close(p[0]);
	close(p[1]);
}

/* The journal's protocol: NAME \n, 64-bit little-endian length, value, \n. */
static const char *journal_field(const char *d, size_t len, const char *name, size_t *size)
{
	for (size_t at = 0; at < len;) {
		const char *nl = memchr(d + at, '\n', len - at);
		uint64_t n;
		bool found;

		assert_non_null(nl);
		found = (size_t)(nl - d) - at == strlen(name) && !memcmp(d + at, name, strlen(name));
		memcpy(&n, nl + 1, 8);
		n = le64toh(n);
		at = (size_t)(nl - d) + 9 + n;
		assert_true(at < len && d[at] == '\n');
		if (found) {
			*size = n;
			return nl + 9;
		}
		at++;
	}
	return NULL;
}

static void journal_is(const char *d, size_t len, const char *name, const char *want)
{
	size_t n = 0;
	const char *v = journal_field(d, len, name, &n);

	if (!v || n != strlen(want) || memcmp(v, want, n))
		fail_msg("%s is \"%.*s\", not \"%s\"", name, (int)n, v ? v : "", want);
}

static void the_journal_gets_fields_that_no_value_can_forge(void **state)
{
	struct outputs *o = outputs_new();
	struct event e = event("{\"type\":\"violation\"}", "line\nPRIORITY=0\nWEIR_TYPE\n");
	static char d[4096];
	size_t n, unused;
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	outputs_add(o, "journal", s[0], "journal");
	outputs_send(o, &e);
	n = read_some(s[1], d, sizeof(d));
	journal_is(d, n, "MESSAGE", "line\nPRIORITY=0\nWEIR_TYPE\n");
	journal_is(d, n, "PRIORITY", "4");
	journal_is(d, n, "WEIR_TYPE", "violation");
	journal_is(d, n, "WEIR_LEAF", "7");
	journal_is(d, n, "WEIR_JSON", "{\"type\":\"violation\"}");
	e.leaf = UINT64_MAX;
	outputs_send(o, &e);
	n = read_some(s[1], d, sizeof(d));
	assert_null(journal_field(d, n, "WEIR_LEAF", &unused));
	e.text = NULL;	/* what is not for people stays in the ledger */
	outputs_send(o, &e);
	assert_int_equal(recv(s[1], d, sizeof(d), MSG_DONTWAIT), -1);
	outputs_free(o);
	close(s[0]);
	close(s[1]);
}

static void an_object_too_large_for_a_datagram_is_told_without_it(void **state)
{
	static char json[60001], d[4096];
	struct outputs *o = outputs_new();
	struct event e;
	int s[2], small = 4096;
	size_t n, unused;

	memset(json, ' ', sizeof(json) - 1);
	json[0] = '{';
	json[sizeof(json) - 2] = '}';
	e = event(json, "a violation");
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	outputs_add(o, "journal", s[0], "journal");
	outputs_send(o, &e);
	n = read_some(s[1], d, sizeof(d));
	journal_is(d, n, "MESSAGE", "a violation");
	journal_is(d, n, "WEIR_LEAF", "7");
	assert_null(journal_field(d, n, "WEIR_JSON", &unused));
	assert_int_equal(outputs_dropped(o), 0);
	outputs_free(o);
	close(s[0]);
	close(s[1]);
}

static void a_sink_that_does_not_drain_is_bounded_counted_and_does_not_hold_up_the_others(void **state)
{
	struct outputs *o = outputs_new();
	char path[32], text[64];
	int p[2], fd = temp_file(path), lines = 0;
	FILE *f;

	assert_int_equal(pipe(p), 0);
	outputs_add(o, "terminal", p[1], "out");	/* blocking: send must look first */
	outputs_add(o, "file", fd, path);
	alarm(20);
	for (int i = 0; i < 12000; i++) {
		struct event e;

		snprintf(text, sizeof(text), "event %d", i);
		e = event("{}", text);
		outputs_send(o, &e);
	}
	alarm(0);
	assert_true(outputs_dropped(o) > 0);
	for (const char *s = content(path); (s = strchr(s, '\n')); s++)
		lines++;
	assert_int_equal(lines, 12000);	/* the file got all */
	/* What waits comes in order, before what is new. */
	f = fdopen(p[0], "r");
	for (int i = 0; i < 3000; i++) {
		struct event e = event("{}", NULL);
		int n = -1;

		assert_non_null(fgets(text, sizeof(text), f));
		assert_int_equal(sscanf(text, "event %d", &n), 1);
		assert_int_equal(n, i);
		outputs_send(o, &e);
	}
	close(p[1]);
	outputs_free(o);
	fclose(f);
	close(fd);
	unlink(path);
}

static void large_events_that_wait_are_bounded_by_their_bytes(void **state)
{
	static char json[60001];
	struct outputs *o = outputs_new();
	struct event e;
	int s[2];

	memset(json, ' ', sizeof(json) - 1);
	e = event(json, "x");
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	outputs_add(o, "journal", s[0], "journal");
	for (int i = 0; i < 400; i++)	/* 24 MB, nobody reads */
		outputs_send(o, &e);
	assert_true(outputs_dropped(o) > 50 && outputs_dropped(o) < 200);
	outputs_free(o);
	close(s[0]);
	close(s[1]);
}

static void an_unknown_sink_is_refused(void **state)
{
	struct outputs *o = outputs_new();

	assert_true(outputs_add(o, "carrier-pigeon", 1, "x") < 0);
	outputs_free(o);
	outputs_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found_by_its_name_and_says_what_it_is),
		cmocka_unit_test(the_file_holds_one_exact_object_a_line),
		cmocka_unit_test(a_full_disk_leaves_whole_lines_only_and_nothing_is_lost_when_there_is_room_again),
		cmocka_unit_test(the_terminal_gets_the_line_for_people_without_control_characters),
		cmocka_unit_test(colour_is_for_terminals_and_not_with_no_color),
		cmocka_unit_test(a_line_of_any_length_is_cut_not_overrun),
		cmocka_unit_test(the_journal_gets_fields_that_no_value_can_forge),
		cmocka_unit_test(an_object_too_large_for_a_datagram_is_told_without_it),
		cmocka_unit_test(a_sink_that_does_not_drain_is_bounded_counted_and_does_not_hold_up_the_others),
		cmocka_unit_test(large_events_that_wait_are_bounded_by_their_bytes),
		cmocka_unit_test(an_unknown_sink_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
