/* SPDX-License-Identifier: Apache-2.0 */
/* The way in, tables, and the commands that list: flows, violations, coverage. */
#include "cli/table.h"
#include "tests/unit/story.h"

/* The way in. */

static void without_a_command_all_of_them_are_listed(void **state)
{
	assert_int_equal(WEIR_RUN("help"), EXIT_OK);
	for (unsigned i = 0; i < command_count(); i++) {
		said_has(command_get(i)->name);
		said_has(command_get(i)->summary);
	}
	assert_int_equal(weir_run((const char *[]){ "weir", NULL }), EXIT_USAGE);
	said_has("flows");
	assert_null(command_get(command_count()));
}

static void help_prints_every_option_of_a_command_from_its_row(void **state)
{
	for (unsigned i = 0; i < command_count(); i++) {
		const struct command *c = command_get(i);
		char *first;

		assert_int_equal(WEIR_RUN("help", c->name), EXIT_OK);
		first = strdup(said.out);
		for (const struct option_row *o = c->options; o && o->name; o++)
			said_has(o->help);
		assert_int_equal(WEIR_RUN(c->name, "--help"), EXIT_OK);
		assert_string_equal(said.out, first);
		free(first);
	}
}

static void a_wrong_command_is_refused_with_the_nearest_one(void **state)
{
	assert_int_equal(WEIR_RUN("flwos"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "did you mean flows?"));
	assert_int_equal(WEIR_RUN("viol"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "did you mean violations?"));
	assert_int_equal(WEIR_RUN("zzzzzzzz"), EXIT_USAGE);
	assert_null(strstr(said.err, "did you mean"));
	assert_int_equal(WEIR_RUN("help", "coverge"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "did you mean coverage?"));
	assert_int_equal(WEIR_RUN("\033[31mred"), EXIT_USAGE);
	assert_null(strchr(said.err, '\033'));
}

static void a_wrong_option_is_refused_with_the_nearest_one(void **state)
{
	assert_int_equal(WEIR_RUN("flows", "--wrokload", "x"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "weir flows: unknown option --wrokload (did you mean --workload?)"));
	assert_int_equal(WEIR_RUN("flows", "--state"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "argument is missing after --state"));
	assert_int_equal(WEIR_RUN("flows", "--sum=yes"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "takes no argument"));
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "stray"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "stray"));
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "yaml"), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "--period", "yesterday"), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "--limit", "0"), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "--class", "pann"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "no such class"));
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "--not"), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "--workload", "a,,b"), EXIT_USAGE);
}

static void the_version_names_the_build(void **state)
{
	assert_int_equal(WEIR_RUN("--version"), EXIT_OK);
	assert_non_null(strstr(said.out, "weir "));
	assert_non_null(strstr(said.out, "build "));
}

static void walk(const char *const *in, const char *want)
{
	static const struct option_row rows[] = { { "--state", "DIR", "" }, { "-o", "F", "" }, { "--sum", NULL, "" }, { NULL, NULL, NULL } };
	static const struct command c = { "c", "", "", rows, NULL };
	struct cli cli = { .next = 1, .command = &c };
	char *argv[16], got[512] = "";
	const struct option_row *o;
	const char *value;
	int argc = 0, n = 0;

	for (; in[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)in[argc];
	cli.argc = argc;
	cli.argv = argv;
	while ((o = cli_next(&cli, &value)))
		n += snprintf(got + n, sizeof(got) - (size_t)n, "%s=%s ", o->name, value ? value : "");
	assert_null(cli_next(&cli, &value));
	n += snprintf(got + n, sizeof(got) - (size_t)n, "|");
	for (int i = cli.next; i < argc; i++)
		n += snprintf(got + n, sizeof(got) - (size_t)n, " %s", argv[i]);
	assert_string_equal(got, want);
	assert_false(cli.error);
}

static void options_stand_before_between_and_behind_operands(void **state)
{
#define WALK(want, ...) walk((const char *[]){ "c", __VA_ARGS__, NULL }, want)
	WALK("--state=/a | show 1", "show", "1", "--state", "/a");
	WALK("--state=/a --sum= | show 1", "--state=/a", "show", "--sum", "1");
	WALK("-o=json --state= | x", "-ojson", "--state=", "x");
	WALK("-o=json | x", "x", "-o", "json");
	WALK("--sum= | --state -o", "--sum", "--", "--state", "-o");
	WALK("--sum= | a b --state", "a", "b", "--sum", "--", "--state");
	WALK("--state=--sum |", "--state", "--sum");
	WALK("| -", "-");
#undef WALK
}

/* Flows. */

static void flows_prints_each_leaf_exactly_and_the_running_interval_unsealed(void **state)
{
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json"), EXIT_OK);
	assert_string_equal(line(0), story[6]);
	assert_string_equal(line(1), story[7]);
	assert_string_equal(line(4), story[16]);
	assert_string_equal(line(5), open_flow);
	assert_string_equal(line(6), "");
	assert_string_equal(said.err, "");
}

static void the_sum_is_one_object_per_flow_in_the_form_of_the_design(void **state)
{
	assert_int_equal(WEIR_RUN("flows", "--sum", "--state", home.path, "-o", "json", "--workload", "curl"), EXIT_OK);
	assert_string_equal(line(0),
		"{\"type\":\"flow\",\"start\":\"2026-11-24T08:50:00.000Z\",\"end\":\"2026-11-24T08:51:59.000Z\",\"sealed\":true,\"pair\":" PAIR ","
		"\"workload\":\"curl\",\"exe\":\"/usr/bin/curl\",\"unit\":null,\"container\":null,\"role\":\"client\",\"peer\":\"nginx\","
		"\"peer_zone\":\"loopback\",\"port\":443,\"protocol\":\"http1\",\"route\":\"/pay\",\"tls\":{\"state\":\"present\",\"version\":null},"
		"\"binding\":\"exact\",\"exchanges\":100,\"classes\":[" CLASS("email", "pii", "received", 97, 1) "," CLASS("pan", "pci", "sent", 100, 3) "],"
		BYTES(1030, 930, 0, 100) "}");
	assert_string_equal(line(1), "");
	assert_int_equal(WEIR_RUN("flows", "--sum", "--state", home.path, "-o", "json"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 3);
	assert_int_equal(count_text(said.out, "\"sealed\":false"), 1);	/* a part of it still runs */
}

static void totals_count_a_local_pair_once_and_never_add_distinct(void **state)
{
	assert_int_equal(WEIR_RUN("flows", "--sum", "--state", home.path), EXIT_OK);
	said_has("total: 112 exchanges in 3 rows, 1 local pair counted once; findings: email 119, pan 100");
	said_has("pan sent 100 (>=3)");
	said_lacks("(5)");
	said_has("1 rows of the running interval, not sealed yet");
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "--workload", "nginx"), EXIT_OK);
	said_has("total: 100 exchanges in 2 rows; findings: email 97, pan 100");
}

static void filters_select_and_not_inverts_the_next_one_only(void **state)
{
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--class", "pan"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 4);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--not", "--class", "pan"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 2);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--workload", "curl,nginx", "--not", "--workload", "c*"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 2);
	said_lacks("\"workload\":\"curl\"");
	/* Towards nginx: what its client opened and what it served. */
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--to", "nginx"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 4);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--to", "*.example.com"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 2);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--to", "x') OR ('1'='1"), EXIT_OK);
	assert_string_equal(said.out, "");
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "--workload", "nobody"), EXIT_OK);
	said_has("no flows in this period with these filters");
}

static void a_period_is_half_open_and_by_the_start_of_an_interval(void **state)
{
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--period", "2026-11-24T08:50:00Z..2026-11-24T08:51:00Z"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 3);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--period", "2026-11-24T08:51:00Z..2026-11-24T09:11:00Z"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 2);
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--period", "2026-Q3"), EXIT_OK);
	assert_string_equal(said.out, "");
	assert_int_equal(WEIR_RUN("flows", "--state", home.path, "-o", "json", "--limit", "2"), EXIT_OK);
	assert_string_equal(line(1), open_flow);	/* the newest */
	assert_string_equal(line(2), "");
}

/* Violations. */

static void the_list_is_the_latest_leaf_of_each_violation(void **state)
{
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "-o", "json"), EXIT_OK);
	assert_string_equal(line(0), story[5]);
	assert_string_equal(line(1), story[22]);
	assert_string_equal(line(2), "");
	assert_int_equal(WEIR_RUN("violations", "--state", home.path), EXIT_OK);
	said_has("1 open, 1 closed");
	said_has("CC6.7 P6.1");
}

static void violations_are_filtered_by_status_severity_rule_and_period(void **state)
{
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "-o", "json", "--status", "closed"), EXIT_OK);
	assert_string_equal(line(0), story[22]);
	assert_int_equal(count_text(said.out, "\n"), 1);
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "-o", "json", "--severity", "medium"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 1);
	said_has("CC6.7-TLS-001");
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "-o", "json", "--rule", "C1.*"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 1);
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "-o", "json", "--period", "2026-11-25"), EXIT_OK);
	assert_string_equal(said.out, "");
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "--status", "gone"), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "--severity", "bad"), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "--exit-code"), EXIT_FOUND);
	assert_int_equal(WEIR_RUN("violations", "list", "--state", home.path, "--exit-code", "--period", "2026-11-25"), EXIT_OK);
}

static void one_violation_is_shown_with_its_history_by_the_beginning_of_its_id(void **state)
{
	assert_int_equal(WEIR_RUN("violations", "show", "00000000000000f", "--state", home.path), EXIT_OK);
	said_has("leaf 4 ");
	said_has("leaf 17 ");
	said_has("leaf 22 ");
	said_has("411111******1111");
	said_has("$.card");
	assert_int_equal(WEIR_RUN("violations", "show", "0000000000000e22", "--state", home.path, "-o", "json"), EXIT_OK);
	assert_string_equal(line(0), story[5]);
	assert_int_equal(WEIR_RUN("violations", "show", "0000", "--state", home.path), EXIT_USAGE);
	assert_non_null(strstr(said.err, "more than one"));
	assert_int_equal(WEIR_RUN("violations", "show", "ffff", "--state", home.path), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("violations", "show", "*", "--state", home.path), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("violations", "show", "--state", home.path), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("violations", "ack", "--state", home.path), EXIT_USAGE);
}

/* Coverage. */

static void coverage_is_since_the_last_start_unless_a_period_is_given(void **state)
{
	assert_int_equal(WEIR_RUN("coverage", "--state", home.path, "-o", "json"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 2);
	assert_string_equal(line(0), story[24]);	/* one interval only: what its leaves say */
	assert_string_equal(line(1), story[23]);
	assert_int_equal(WEIR_RUN("coverage", "--state", home.path, "-o", "json", "--period", "all"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 6);
	assert_non_null(strstr(said.out, "\"reasons\":{\"io_uring\":3,\"unknown_protocol\":7}}"));
	assert_non_null(strstr(line(0), "java"));	/* the worst first */
}

static void coverage_says_what_is_hidden_and_adds_up(void **state)
{
	assert_int_equal(WEIR_RUN("coverage", "--state", home.path, "--period", "all"), EXIT_OK);
	said_has("unprobed_tls");
	said_has("bytes: moved 1400 = examined 960 + opaque 340 + skipped 0 + lost 0 + framing 100 + unexplained 0");
	said_has("NO SIGN OF LIFE");
	said_has("hooks: sys_exit");
	assert_int_equal(WEIR_RUN("coverage", "--state", home.path, "--period", "all", "--exit-code"), EXIT_DEGRADED);
	assert_int_equal(WEIR_RUN("coverage", "--state", home.path, "--period", "all", "--workload", "curl", "--exit-code"), EXIT_OK);
}

static void without_a_recorded_start_there_is_no_coverage(void **state)
{
	struct state s = state_new();

	state_leaf(&s, story[0]);
	state_commit(&s);
	state_close(&s);
	assert_int_equal(WEIR_RUN("coverage", "--state", s.path), EXIT_NOT_VERIFIED);
	assert_non_null(strstr(said.err, "no recorded start"));
	assert_string_equal(said.out, "");
	assert_int_equal(WEIR_RUN("coverage", "--state", "/nonexistent"), EXIT_NOT_VERIFIED);
	assert_int_equal(WEIR_RUN("flows", "--state", "/nonexistent"), EXIT_USAGE);
	assert_non_null(strstr(said.err, "/nonexistent: No such file or directory"));
	assert_non_null(strstr(said.err, "weir run"));
	assert_int_equal(WEIR_RUN("flows", "--state", "/tmp"), EXIT_USAGE);
	state_free(&s);
}

/* Tables. */

static void a_table_aligns_and_lets_no_control_character_pass(void **state)
{
	static const struct column columns[] = { { "NAME", false, false }, { "N", true, false } };
	struct table *t = table_new(columns, 2);
	FILE *f = tmpfile();

	table_row(t, (const char *[]){ "a\033[31m\tb", "1" });
	table_row(t, (const char *[]){ NULL, "100" });
	table_row(t, (const char *[]){ "\xc3\xa9t\xc3\xa9 \xc2\x9b", "" });
	table_print(t, f);
	said.len = slurp(f, said.out, sizeof(said.out));
	assert_string_equal(said.out, "NAME        N\na?[31m?b    1\n-         100\n\xc3\xa9t\xc3\xa9 ??      -\n");
	assert_int_equal(table_rows(t), 3);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_command_all_of_them_are_listed),
		cmocka_unit_test(help_prints_every_option_of_a_command_from_its_row),
		cmocka_unit_test(a_wrong_command_is_refused_with_the_nearest_one),
		cmocka_unit_test(a_wrong_option_is_refused_with_the_nearest_one),
		cmocka_unit_test(the_version_names_the_build),
		cmocka_unit_test(options_stand_before_between_and_behind_operands),
		cmocka_unit_test(flows_prints_each_leaf_exactly_and_the_running_interval_unsealed),
		cmocka_unit_test(the_sum_is_one_object_per_flow_in_the_form_of_the_design),
		cmocka_unit_test(totals_count_a_local_pair_once_and_never_add_distinct),
		cmocka_unit_test(filters_select_and_not_inverts_the_next_one_only),
		cmocka_unit_test(a_period_is_half_open_and_by_the_start_of_an_interval),
		cmocka_unit_test(the_list_is_the_latest_leaf_of_each_violation),
		cmocka_unit_test(violations_are_filtered_by_status_severity_rule_and_period),
		cmocka_unit_test(one_violation_is_shown_with_its_history_by_the_beginning_of_its_id),
		cmocka_unit_test(coverage_is_since_the_last_start_unless_a_period_is_given),
		cmocka_unit_test(coverage_says_what_is_hidden_and_adds_up),
		cmocka_unit_test(without_a_recorded_start_there_is_no_coverage),
		cmocka_unit_test(a_table_aligns_and_lets_no_control_character_pass),
	};

	return cmocka_run_group_tests(tests, make_home, free_home);
}
