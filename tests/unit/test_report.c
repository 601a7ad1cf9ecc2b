/* SPDX-License-Identifier: Apache-2.0 */
/* weir report, from a ledger made for it. */
#include "tests/unit/story.h"

static void the_json_report_is_one_object_whose_totals_add_up(void **state)
{
	assert_int_equal(WEIR_RUN("report", "--state", home.path, "--format", "json"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 1);
	assert_string_equal(json_at(said.out, "$.type"), "report");
	assert_string_equal(json_at(said.out, "$.host"), "host.example");
	assert_string_equal(json_at(said.out, "$.boot_ids"), "boot-1 boot-2");
	assert_string_equal(json_at(said.out, "$.first_leaf"), "0");
	assert_string_equal(json_at(said.out, "$.last_leaf"), "25");
	assert_string_equal(json_at(said.out, "$.totals.exchanges"), "110");	/* sealed only, the pair once */
	assert_string_equal(json_at(said.out, "$.totals.exchanges_of_rows"), "210");
	assert_string_equal(json_at(said.out, "$.totals.exchanges_of_second_ends"), "100");
	assert_string_equal(json_at(said.out, "$.totals.local_pairs"), "1");
	assert_string_equal(json_at(said.out, "$.totals.violations"), "2");
	assert_string_equal(json_at(said.out, "$.totals.intervals"), "3");
	assert_string_equal(json_at(said.out, "$.totals.intervals_expected"), "21");
	assert_string_equal(json_at(said.out, "$.totals.intervals_unbalanced"), "1");
	assert_string_equal(json_at(said.out, "$.totals.records_produced"), "158");
	assert_string_equal(json_at(said.out, "$.totals.records_lost"), "9");
	assert_string_equal(json_at(said.out, "$.totals.gaps"), "1");
	assert_string_equal(json_at(said.out, "$.totals.findings[1].class"), "pan");
	assert_string_equal(json_at(said.out, "$.totals.findings[1].findings"), "100");
	assert_string_equal(json_at(said.out, "$.totals.findings[0].findings"), "117");
	assert_string_equal(json_at(said.out, "$.violations[0].id"), "00000000000000f1");	/* the gravest first */
	assert_string_equal(json_at(said.out, "$.violations[0].status"), "closed");
	assert_string_equal(json_at(said.out, "$.losses[0].records"), "3");
	assert_string_equal(json_at(said.out, "$.gaps[0].reason"), "killed");
	assert_string_equal(json_at(said.out, "$.runs[0].ended"), "(null)");
	assert_string_equal(json_at(said.out, "$.changes[0].changed"), "0");
	assert_string_equal(json_at(said.out, "$.changes[1].changed"), "1");
	assert_string_equal(json_at(said.out, "$.changes[1].policy_hash"), "bbbb");
	assert_string_equal(json_at(said.out, "$.criteria[2].criterion"), "P6.1");
	assert_non_null(strstr(said.out, "weir ledger verify --state STATE --key 'host/"));
	assert_non_null(strstr(said.out, "--at-least 5:cm9vdA=="));
	assert_null(strstr(said.out, "\"sealed\":false"));
}

static void leaves_by_type_add_up_to_the_range(void **state)
{
	unsigned sum = 0;
	char path[64];

	assert_int_equal(WEIR_RUN("report", "--state", home.path, "--format", "json"), EXIT_OK);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "$.totals.leaves_by_type[%u].leaves", i);
		sum += (unsigned)atoi(json_at(said.out, path));
	}
	assert_int_equal(sum, sizeof(story) / sizeof(story[0]));
	assert_int_equal(atoi(json_at(said.out, "$.leaves")), sum);
}

static void what_was_not_seen_stands_before_what_was_found(void **state)
{
	static const char *const order[] = { "id=\"seen\"", "id=\"gaps\"", "id=\"losses\"", "id=\"coverage\"", "id=\"totals\"", "id=\"changes\"",
		"id=\"violations\"", "id=\"flows\"", "id=\"criteria\"", "id=\"verify\"" };
	const char *at;

	assert_int_equal(WEIR_RUN("report", "--state", home.path), EXIT_OK);
	at = said.out;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		at = strstr(at, order[i]);
		if (!at)
			fail_msg("%s is missing or too early", order[i]);
	}
}

static void the_page_is_inert_and_needs_nothing_else(void **state)
{
	struct state s = state_new();

	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++)
		state_leaf(&s, story[i]);
	state_leaf(&s, FLOW("09:12", "true", "null", "<script>alert(1)</script>", "client", "\\\" onload=x '><img src=//evil>", "internet", "<b>24-chars-Tabcdefghijk", "absent", 1,
			    "", BYTES(1, 1, 0, 0)));
	state_leaf(&s, "{\"type\":\"gap\",\"time\":\"2026-11-24T09:13:00.000Z\",\"from\":\"2026-11-24T09:12:00.000Z\",\"to\":\"2026-11-24T09:13:00.000Z\",\"reason\":"
		   "\"</td></table><script>\",\"role\":\"=cmd|'/c calc'!A1\"}");
	state_commit(&s);
	state_close(&s);
	assert_int_equal(WEIR_RUN("report", "--state", s.path), EXIT_OK);
	said_lacks("<script");
	said_lacks("<img");
	said_lacks("<b>title");
	said_lacks("<b>24-chars");
	said_has("&lt;script&gt;alert(1)&lt;/script&gt;");
	said_has("A &lt;b&gt;title&lt;/b&gt; &amp; more");
	said_lacks("http://");
	said_lacks("https://");
	said_has("&quot; onload=x &#39;&gt;&lt;img src=");
	said_lacks("url(");
	assert_int_equal(count_text(said.out, "<table"), count_text(said.out, "</table>"));
	assert_int_equal(count_text(said.out, "<tr>"), count_text(said.out, "</tr>"));
	state_free(&s);
}

static void the_same_leaves_give_the_same_bytes_from_any_folder(void **state)
{
	char copy[64] = "/tmp/weir-test-copy-XXXXXX", cmd[256], *first;

	assert_int_equal(WEIR_RUN("report", "--state", home.path, "--period", "2026-11"), EXIT_OK);
	first = strdup(said.out);
	assert_non_null(mkdtemp(copy));
	snprintf(cmd, sizeof(cmd), "%s/ledger", copy);
	assert_int_equal(mkdir(cmd, 0700), 0);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const files[] = { "leaves", "checkpoint", "checkpoints", "key.pub" };
		char from[256], to[256];
		static char bytes[1 << 18];
		FILE *f;
		size_t n;

		snprintf(from, sizeof(from), "%s/ledger/%s", home.path, files[i]);
		snprintf(to, sizeof(to), "%s/ledger/%s", copy, files[i]);
		f = fopen(from, "r");
		assert_non_null(f);
		n = fread(bytes, 1, sizeof(bytes), f);
		fclose(f);
		f = fopen(to, "w");
		assert_int_equal(fwrite(bytes, 1, n, f), n);
		fclose(f);
	}
	/* Without an index, which is made from the ledger. */
	assert_int_equal(WEIR_RUN("report", "--state", copy, "--period", "2026-11"), EXIT_OK);
	assert_string_equal(said.out, first);
	assert_non_null(strstr(said.err, "the ledger is read instead"));
	assert_int_equal(WEIR_RUN("flows", "--state", copy, "-o", "json"), EXIT_OK);
	assert_int_equal(count_text(said.out, "\n"), 5);	/* what was not sealed is in no ledger */
	free(first);
	nftw(copy, state_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void an_index_that_differs_from_the_ledger_is_not_believed(void **state)
{
	struct state s = state_new();
	char *forged = strdup(story[6]);

	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++)
		state_leaf(&s, story[i]);
	state_commit(&s);
	memcpy(strstr(forged, "\"exchanges\":97"), "\"exchanges\":11", 14);
	assert_int_equal(index_leaf(s.index, 6, forged, strlen(forged)), 0);
	state_close(&s);
	assert_int_equal(WEIR_RUN("report", "--state", s.path, "--format", "json"), EXIT_OK);
	assert_non_null(strstr(said.err, "differs from the ledger"));
	assert_string_equal(json_at(said.out, "$.totals.exchanges"), "110");
	assert_string_equal(json_at(said.out, "$.totals.exchanges_of_rows"), "210");
	free(forged);
	state_free(&s);
}

static void of_a_ledger_that_does_not_verify_there_is_no_report(void **state)
{
	struct state s = state_new();
	char path[128];
	FILE *f;

	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++)
		state_leaf(&s, story[i]);
	state_commit(&s);
	state_close(&s);
	snprintf(path, sizeof(path), "%s/ledger/leaves", s.path);
	f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, 200, SEEK_SET);
	fputc('#', f);
	fclose(f);
	assert_int_equal(WEIR_RUN("report", "--state", s.path), EXIT_NOT_VERIFIED);
	assert_string_equal(said.out, "");
	assert_non_null(strstr(said.err, "does not verify"));
	state_free(&s);
}

static void a_report_of_an_empty_period_is_refused(void **state)
{
	assert_int_equal(WEIR_RUN("report", "--state", home.path, "--period", "2020"), EXIT_USAGE);
	assert_string_equal(said.out, "");
	assert_int_equal(WEIR_RUN("report", "--state", home.path, "--format", "pdf"), EXIT_USAGE);
	assert_int_equal(WEIR_RUN("report", "--state", "/nonexistent"), EXIT_USAGE);
}

/* A period sees its own part, and a violation as it stood then. */
static void a_period_of_the_report_ends_where_it_says(void **state)
{
	assert_int_equal(WEIR_RUN("report", "--state", home.path, "--format", "json", "--period", "2026-11-24T08:00:00Z..2026-11-24T08:51:00Z"), EXIT_OK);
	assert_string_equal(json_at(said.out, "$.totals.exchanges"), "107");
	assert_string_equal(json_at(said.out, "$.totals.intervals"), "1");
	assert_string_equal(json_at(said.out, "$.last_leaf"), "14");
	assert_string_equal(json_at(said.out, "$.violations[0].exchanges"), "1");
	assert_string_equal(json_at(said.out, "$.violations[0].status"), "open");
	assert_string_equal(json_at(said.out, "$.gaps[0]"), "(null)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_json_report_is_one_object_whose_totals_add_up),
		cmocka_unit_test(leaves_by_type_add_up_to_the_range),
		cmocka_unit_test(what_was_not_seen_stands_before_what_was_found),
		cmocka_unit_test(the_page_is_inert_and_needs_nothing_else),
		cmocka_unit_test(the_same_leaves_give_the_same_bytes_from_any_folder),
		cmocka_unit_test(an_index_that_differs_from_the_ledger_is_not_believed),
		cmocka_unit_test(of_a_ledger_that_does_not_verify_there_is_no_report),
		cmocka_unit_test(a_report_of_an_empty_period_is_refused),
		cmocka_unit_test(a_period_of_the_report_ends_where_it_says),
	};

	return cmocka_run_group_tests(tests, make_home, free_home);
}
