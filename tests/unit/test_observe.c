/* SPDX-License-Identifier: Apache-2.0 */
/* weir observe, once and following. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/story.h"

static void observe_shows_flows_with_classes_and_violations_in_order(void **state)
{
	assert_int_equal(WEIR_RUN("observe", "--state", home.path, "--since", "2026-11-24T08:00:00Z", "-o", "json"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\"type\":\"flow\""), 6);
	assert_int_equal(count_text(said.out, "\"type\":\"violation\""), 4);
	assert_string_equal(line(0), story[4]);
	assert_int_equal(WEIR_RUN("observe", "--state", home.path, "--since", "2026-11-24T08:00:00Z", "--verdict", "violation", "--class", "pan", "--to", "nginx"),
			 EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 3);
	said_has("VIOLATION high CC6.7-TLS-001: curl -> nginx:443");
	assert_int_equal(WEIR_RUN("observe", "--state", home.path, "--since", "2026-11-24T08:00:00Z", "--not", "--verdict", "violation"), EXIT_OK);
	said_lacks("VIOLATION");
	assert_int_equal(WEIR_RUN("observe", "--state", home.path, "--since", "2026-11-24T09:11:00Z"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 1);
	said_has("[running]");
	assert_int_equal(WEIR_RUN("observe", "--state", home.path, "--verdict", "maybe"), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("observe", "--state", home.path, "--since", "soon"), EXIT_USAGE);
}

/* A command in a process of its own, that does not end by itself. */

struct follower { pid_t pid; int fd; char text[65536]; size_t len; };

static struct follower follow(const char *path, const char *since)
{
	struct follower f = { .pid = -1 };
	int p[2];

	assert_int_equal(pipe(p), 0);
	fflush(NULL);
	f.pid = fork();
	assert_true(f.pid >= 0);
	if (!f.pid) {
		char *argv[] = { strdup("weir"), strdup("observe"), strdup("-f"), strdup("--state"), strdup(path), strdup("-o"), strdup("json"),
				 strdup("--since"), strdup(since), NULL };

		dup2(p[1], 1);
		close(p[0]);
		close(p[1]);
		_exit(cli_main(9, argv));
	}
	close(p[1]);
	f.fd = p[0];
	return f;
}

/* Reads until this was said; fails after ten seconds. */
static void follower_says(struct follower *f, const char *what)
{
	struct pollfd readable = { .fd = f->fd, .events = POLLIN };

	while (!strstr(f->text, what)) {
		ssize_t n = poll(&readable, 1, 10000) == 1 ? read(f->fd, f->text + f->len, sizeof(f->text) - 1 - f->len) : 0;

		if (n <= 0)
			fail_msg("\"%s\" was not said, but:\n%s", what, f->text);
		f->len += (size_t)n;
		f->text[f->len] = 0;
	}
}

static int follower_ends(struct follower *f)
{
	int status = 0;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(f->pid, &status, WNOHANG) == f->pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
		usleep(10000);
	}
	kill(f->pid, SIGKILL);
	waitpid(f->pid, &status, 0);
	return -1;
}

static void open_row(struct state *s, const char *json)
{
	index_begin(s->index);
	index_open_clear(s->index, "flow");
	index_open_row(s->index, "flow", json, strlen(json));
	index_commit(s->index);
}

#define GROWN(sealed, n) \
	FLOW("09:20", sealed, "null", "app.service", "client", "a.example.com", "internet", "/x", "absent", n, CLASS("email", "pii", "sent", 1, 1), BYTES(5, 5, 0, 0))

static void observe_follows_what_comes_says_nothing_twice_and_ends_cleanly_on_interrupt(void **state)
{
	struct state s = state_new();
	struct follower f;

	state_leaf(&s, story[0]);
	state_leaf(&s, story[1]);
	state_commit(&s);
	f = follow(s.path, "2026-11-24T08:00:00Z");
	index_begin(s.index);
	state_leaf(&s, story[4]);
	index_commit(s.index);
	follower_says(&f, "00000000000000f1");
	open_row(&s, GROWN("false", 31));
	follower_says(&f, "\"exchanges\":31,");
	open_row(&s, GROWN("false", 32));
	follower_says(&f, "\"sealed\":false,\"pair\":null,\"workload\":\"app.service\"");
	follower_says(&f, "\"exchanges\":32,");
	index_begin(s.index);	/* sealed with what was told already, and one flow without a class */
	state_leaf(&s, GROWN("true", 32));
	state_leaf(&s, FLOW("09:20", "true", "null", "dull", "client", "b", "internet", "/", "absent", 9, "", BYTES(5, 5, 0, 0)));
	state_leaf(&s, VIOLATION("0000000000000abc", "09:21:00.000", "R-1", "low", "", "last", "b", 1, "open", 5));
	index_open_clear(s.index, "flow");
	index_commit(s.index);
	follower_says(&f, "0000000000000abc");
	kill(f.pid, SIGINT);
	assert_int_equal(follower_ends(&f), 0);
	assert_int_equal(count_text(f.text, "\"type\":\"flow\""), 2);
	assert_int_equal(count_text(f.text, "\"type\":\"violation\""), 2);
	assert_null(strstr(f.text, "dull"));
	close(f.fd);
	state_free(&s);
}

#define GAPPED(sealed, n) \
	FLOW("09:20", sealed, "null", "java", "client", "b.example.com", "internet", "", "present", 0, "", \
	     BYTES(90, 0, 60, 30) ",\"gaps\":[{\"direction\":\"sent\",\"reason\":\"unprobed_tls\",\"bytes\":" #n ",\"pid\":17}," \
	     "{\"direction\":\"received\",\"reason\":\"ring_full\",\"bytes\":9,\"pid\":17}]")
#define GAP(n) \
	"{\"type\":\"gap\",\"start\":\"2026-11-24T09:20:00.000Z\",\"end\":\"2026-11-24T09:20:59.000Z\",\"sealed\":false,\"workload\":\"java\"," \
	"\"exe\":\"/usr/bin/java\",\"pid\":17,\"role\":\"client\",\"peer\":\"b.example.com\",\"peer_zone\":\"internet\",\"port\":443," \
	"\"protocol\":\"http1\",\"route\":\"\",\"tls\":{\"state\":\"present\"},\"direction\":\"sent\",\"reason\":\"unprobed_tls\",\"bytes\":" #n "}\n"

static void observe_shows_what_was_not_examined_as_it_grows(void **state)
{
	struct state s = state_new();
	struct follower f;

	state_leaf(&s, story[0]);
	state_leaf(&s, story[4]);
	state_commit(&s);
	f = follow(s.path, "2026-11-24T08:00:00Z");
	open_row(&s, GAPPED("false", 60));
	follower_says(&f, GAP(60));
	follower_says(&f, "\"direction\":\"received\",\"reason\":\"ring_full\",\"bytes\":9}\n");
	open_row(&s, GAPPED("false", 61));
	follower_says(&f, GAP(61));
	index_begin(s.index);	/* sealed with one more, and the other as it was told */
	state_leaf(&s, GAPPED("true", 62));
	state_leaf(&s, VIOLATION("0000000000000abc", "09:21:00.000", "R-1", "low", "", "last", "b", 1, "open", 5));
	index_open_clear(s.index, "flow");
	index_commit(s.index);
	follower_says(&f, "0000000000000abc");
	kill(f.pid, SIGINT);
	assert_int_equal(follower_ends(&f), 0);
	assert_int_equal(count_text(f.text, "\"type\":\"gap\""), 4);
	assert_int_equal(count_text(f.text, "\"sealed\":true,\"workload\":\"java\""), 1);
	assert_int_equal(count_text(f.text, "\"type\":\"flow\""), 0);	/* no data class */
	close(f.fd);
	state_close(&s);
	assert_int_equal(WEIR_RUN("observe", "--state", s.path, "--since", "2026-11-24T08:00:00Z", "--verdict", "gap", "--to", "b.*"), EXIT_OK);
	said_has("2026-11-24T09:20:59.000Z gap java -> b.example.com:443 (internet, http1, tls present, pid 17) 62 bytes sent were not examined: unprobed_tls\n");
	assert_int_equal(count_text(said.out, "\n"), 2);
	assert_int_equal(WEIR_RUN("observe", "--state", s.path, "--since", "2026-11-24T08:00:00Z", "--not", "--verdict", "gap"), EXIT_OK);
	said_lacks(" gap ");
	assert_int_equal(WEIR_RUN("observe", "--state", s.path, "--since", "2026-11-24T08:00:00Z", "--class", "pan"), EXIT_OK);
	said_lacks(" gap ");
	state_free(&s);
}

static void observe_ends_cleanly_when_its_reader_goes_away(void **state)
{
	struct state s = state_new();
	struct follower f;

	state_leaf(&s, story[0]);
	state_leaf(&s, story[4]);
	state_commit(&s);
	f = follow(s.path, "2026-11-24T08:00:00Z");
	follower_says(&f, "00000000000000f1");
	close(f.fd);
	state_leaf(&s, story[5]);
	assert_int_equal(follower_ends(&f), 0);
	state_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observe_shows_flows_with_classes_and_violations_in_order),
		cmocka_unit_test(observe_follows_what_comes_says_nothing_twice_and_ends_cleanly_on_interrupt),
		cmocka_unit_test(observe_shows_what_was_not_examined_as_it_grows),
		cmocka_unit_test(observe_ends_cleanly_when_its_reader_goes_away),
	};

	return cmocka_run_group_tests(tests, make_home, free_home);
}
