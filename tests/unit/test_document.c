/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of `weir classify`: what is JSON, which paths leaves have, and that
 * offsets are those of the raw bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/document.h"

#define SEEN_MAX 16
struct seen { unsigned nr; struct document_hit hit[SEEN_MAX]; };

static void note(void *owner, const struct document_hit *hit)
{
	struct seen *seen = owner;

	if (hit->confidence >= CONF_LIKELY && seen->nr < SEEN_MAX)
		seen->hit[seen->nr++] = *hit;
}

static struct seen classify_bytes(const char *text, size_t len)
{
	struct seen seen = { 0 };
	char *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, text, len);
	assert_int_equal(document_classify(exact, len, note, &seen), 0);
	free(exact);
	return seen;
}

static struct seen classify(const char *text)
{
	return classify_bytes(text, strlen(text));
}

static void assert_hit(const char *text, const char *class, const char *path, const char *key, const char *raw)
{
	struct seen s = classify(text);
	const char *at = strstr(text, raw);

	assert_int_equal(s.nr, 1);
	assert_string_equal(class_get(s.hit[0].class_id)->name, class);
	assert_string_equal(s.hit[0].path, path);
	assert_string_equal(s.hit[0].key, key);
	assert_non_null(at);
	assert_int_equal(s.hit[0].start, at - text);
	assert_int_equal(s.hit[0].end, at - text + (ptrdiff_t)strlen(raw));
}

static void leaves_have_paths_and_raw_offsets(void **state)
{
	(void)state;
	assert_hit("{\"card\":{\"number\":4111111111111111}}", "pan", "$.card.number", "number", "4111111111111111");
	assert_hit("{\"a\":[1,[true,{\"b\":\"ana@corp.com\"}]]}", "email", "$.a[][].b", "b", "ana@corp.com");
	assert_hit("[{\"x\":[]},{\"y\":{}},\"ana@corp.com\"]", "email", "$[]", "", "ana@corp.com");
	assert_hit("  \"ana@corp.com\"  ", "email", "$", "", "ana@corp.com");
	assert_hit("4111111111111111", "pan", "$", "", "4111111111111111");
	assert_hit("{\"emails\":[{\"a\":1},\"ana@corp.com\"],\"z\":1}", "email", "$.emails[]", "emails", "ana@corp.com");
	assert_hit("{\"n\":{\"o\":{\"p\":1}},\"q\":\"ana@corp.com\"}", "email", "$.q", "q", "ana@corp.com");
}

static void escapes_map_back_to_raw_bytes(void **state)
{
	(void)state;
	assert_hit("{\"m\":\"to \\u0061na\\u0040corp.com\\n!\"}", "email", "$.m", "m", "\\u0061na\\u0040corp.com");
	assert_hit("{\"m\":\"\\ud83d\\ude00 \\\"ana@corp.com\\\"\"}", "email", "$.m", "m", "ana@corp.com");
	assert_hit("{\"m\":\"x\\/y \\t\\\\ ana@corp.com\"}", "email", "$.m", "m", "ana@corp.com");
	assert_hit("{\"password\":\"M0r\\u006eing\\\"\"}", "password", "$.password", "password", "M0r\\u006eing\\\"");
}

/* Escapes before it, in it and behind it, in a long and in a short pair, and of names. */
static void what_a_form_has_maps_back_to_raw_bytes(void **state)
{
	(void)state;
	assert_hit("note=a+b%21&mail=x%3A+ana%40corp.com%20!&z=1", "email", "$", "mail", "ana%40corp.com");
	assert_hit("a=%41&n=1+2&m%61il=ana@corp.com", "email", "$", "mail", "ana@corp.com");
	assert_hit("a=%41&email=ana%40corp.com", "email", "$", "email", "ana%40corp.com");
	assert_hit("a=%zz%41&b==c&note=the+parcel+was+left+at+the+neighbour%27s+door+of+ana%40corp.com+on+Tuesday+again", "email", "$", "note", "ana%40corp.com");
	assert_hit("a=%41&ana@corp.com", "email", "$", "", "ana@corp.com");
}

static void a_lone_surrogate_is_survived(void **state)
{
	(void)state;
	assert_hit("{\"m\":\"\\ud83d ana@corp.com \\ud83d\"}", "email", "$.m", "m", "ana@corp.com");
	assert_hit("{\"m\":\"\\udc00\\ud800\\u0041 ana@corp.com\"}", "email", "$.m", "m", "ana@corp.com");
}

static void the_parent_object_is_evidence_through_arrays(void **state)
{
	struct seen s = classify("{\"cards\":[{\"number\":4539551234566788}]}");

	(void)state;
	assert_int_equal(s.nr, 1);
	assert_int_equal(s.hit[0].confidence, CONF_CERTAIN);
	assert_string_equal(s.hit[0].path, "$.cards[].number");
}

static void what_is_not_strict_json_is_text(void **state)
{
	static const char *const texts[] = {
		"{\"x\":\"ana@corp.com\"", "{\"x\":\"ana@corp.com\"}}", "{'x':'ana@corp.com'}", "{\"x\":\"ana@corp.com\",}",
		"{\"x\" \"ana@corp.com\"}", "[\"ana@corp.com\",]", "{\"x\":01,\"y\":\"ana@corp.com\"}", "[\"ana@corp.com\" 1]",
		"{\"x\":\"ana@corp.com\\q\"}", "{\"x\":\"\\u12g4 ana@corp.com\"}", "{\"x\":\"ana@corp.com\"} x", "[tru,\"ana@corp.com\"]",
		"{\"x\":1.,\"y\":\"ana@corp.com\"}", "{\"x\":\"a\tb ana@corp.com\"}", "[\"ana@corp.com\"}", "{1:\"ana@corp.com\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_hit(texts[i], "email", "$", "", "ana@corp.com");
}

static void numbers_of_json_are_read_whole(void **state)
{
	(void)state;
	assert_int_equal(classify("{\"card\":4111111111111111.5}").nr, 0);
	assert_int_equal(classify("{\"card\":4111111111111111e2}").nr, 0);
	assert_int_equal(classify("{\"card\":-4111111111111111}").nr, 0);
	assert_int_equal(classify("[0,-0,0.5,1e9,1E-9,-1.25e+3]").nr, 0);
}

static void names_of_members_are_cleaned(void **state)
{
	struct seen s = classify("{\"bob@corp.com\":{\"<b>\":\"ana@corp.com\"}}");

	(void)state;
	assert_int_equal(s.nr, 1);
	assert_string_equal(s.hit[0].path, "$.{email}._b_");
	assert_string_equal(s.hit[0].key, "_b_");
}

static void long_paths_are_cut_and_marked(void **state)
{
	char text[4096] = "";
	size_t n = 0;
	struct seen s;

	(void)state;
	for (int i = 0; i < 60; i++) {
		memcpy(text + n, "{\"member_name\":", 15);
		n += 15;
	}
	memcpy(text + n, "\"ana@corp.com\"", 14);
	n += 14;
	memset(text + n, '}', 60);
	s = classify_bytes(text, n + 60);
	assert_int_equal(s.nr, 1);
	assert_true(strlen(s.hit[0].path) < PATH_SIZE);
	assert_int_equal(s.hit[0].path[strlen(s.hit[0].path) - 1], '*');
	assert_int_equal(s.hit[0].start, 60 * 15 + 1);
}

static void too_deep_json_is_taken_as_text(void **state)
{
	char text[2 * DOCUMENT_DEPTH + 64];

	(void)state;
	memset(text, '[', DOCUMENT_DEPTH + 1);
	memcpy(text + DOCUMENT_DEPTH + 1, "\"ana@corp.com\"", 14);
	memset(text + DOCUMENT_DEPTH + 15, ']', DOCUMENT_DEPTH + 1);
	assert_int_equal(classify_bytes(text, 2 * DOCUMENT_DEPTH + 16).nr, 1);
	/* One less is JSON. */
	assert_int_equal(classify_bytes(text + 1, 2 * DOCUMENT_DEPTH + 14).nr, 1);
	memset(text, '[', sizeof(text));
	assert_int_equal(classify_bytes(text, sizeof(text)).nr, 0);
}

static void empty_and_binary_documents_are_survived(void **state)
{
	static const char binary[] = "\0\xff{\"a\0\":1}\0 ana@corp.com\0\x80";

	(void)state;
	assert_int_equal(classify("").nr, 0);
	assert_int_equal(classify(" ").nr, 0);
	assert_int_equal(classify("{").nr, 0);
	assert_int_equal(classify("\"").nr, 0);
	assert_int_equal(classify("\"\\").nr, 0);
	assert_int_equal(classify("\"\\u").nr, 0);
	assert_int_equal(classify("{}").nr, 0);
	assert_int_equal(classify_bytes(binary, sizeof(binary) - 1).nr, 1);
	assert_int_equal(classify_bytes("\"a\0ana@corp.com\"", 16).nr, 1);
}

/* Values that were nothing are known again under their name, and only there. */
static void what_was_nothing_elsewhere_may_be_something_here(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(classify("[{\"n\":\"61\"},{\"n\":\"61\"},{\"age\":\"610\"},{\"n\":61},{\"age\":\"610\"}]").nr, 0);
		assert_int_equal(classify("{\"customer\":{\"n\":\"61\",\"age\":\"61\"}}").nr, 1);
		assert_int_equal(classify("{\"customer\":{\"age\":\"6\\u0031\"}}").nr, 1);
	}
}

/* The names of the next object may be others, or end elsewhere. */
static void members_may_come_in_another_order(void **state)
{
	struct seen s = classify("[{\"a\":1,\"user\":\"x\"},{\"a\":1,\"mail\":\"ana@corp.com\"},{\"user\":1,\"a\":\"bob@corp.com\"},{\"a\\\"\":\"eve@corp.com\"},"
				 "{\"a\":{\"a\":\"kim@corp.com\"}},{\"a\":[\"lea@corp.com\",{\"a\":\"tom@corp.com\"}]}]");
	static const char *const paths[] = { "$[].mail", "$[].a", "$[].a__", "$[].a.a", "$[].a[]", "$[].a[].a" };

	(void)state;
	assert_int_equal(s.nr, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_string_equal(s.hit[i].path, paths[i]);
	assert_int_equal(classify("[{\"a\":\"ana@corp.com\"},{\"a\"").nr, 1);
	assert_int_equal(classify("[{\"a\":\"ana@corp.com\"},{\"a").nr, 1);
	assert_string_equal(classify("[{\"a\":\"ana@corp.com\"},{\"a ").hit[0].path, "$");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_have_paths_and_raw_offsets),
		cmocka_unit_test(escapes_map_back_to_raw_bytes),
		cmocka_unit_test(what_a_form_has_maps_back_to_raw_bytes),
		cmocka_unit_test(a_lone_surrogate_is_survived),
		cmocka_unit_test(the_parent_object_is_evidence_through_arrays),
		cmocka_unit_test(what_is_not_strict_json_is_text),
		cmocka_unit_test(numbers_of_json_are_read_whole),
		cmocka_unit_test(names_of_members_are_cleaned),
		cmocka_unit_test(long_paths_are_cut_and_marked),
		cmocka_unit_test(too_deep_json_is_taken_as_text),
		cmocka_unit_test(empty_and_binary_documents_are_survived),
		cmocka_unit_test(what_was_nothing_elsewhere_may_be_something_here),
		cmocka_unit_test(members_may_come_in_another_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
